/* SPDX-License-Identifier: GPL-2.0-only */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM vmx_lite

#if !defined(VL_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define VL_TRACE_H

#include <linux/tracepoint.h>

#include "vcpu.h"
#include "vmx-lite.h"

TRACE_EVENT(vl_entry,
	TP_PROTO(struct vl_vcpu *vcpu),
	TP_ARGS(vcpu),
	TP_STRUCT__entry(
		__field(u32, vm)
		__field(u32, vcpu)
		__field(u64, rip)
	),
	TP_fast_assign(
		__entry->vm = vcpu->vm->id;
		__entry->vcpu = vcpu->id;
		__entry->rip = vmcs_read(GUEST_RIP);
	),
	TP_printk("vm %u vcpu %u rip %#llx", __entry->vm, __entry->vcpu, __entry->rip)
);

TRACE_EVENT(vl_exit,
	TP_PROTO(struct vl_vcpu *vcpu, u32 reason),
	TP_ARGS(vcpu, reason),
	TP_STRUCT__entry(
		__field(u32, vm)
		__field(u32, vcpu)
		__field(u32, reason)
		__field(u64, rip)
		__field(u64, qualification)
		__field(u32, intr_info)
	),
	TP_fast_assign(
		__entry->vm = vcpu->vm->id;
		__entry->vcpu = vcpu->id;
		__entry->reason = reason;
		__entry->rip = vmcs_read(GUEST_RIP);
		__entry->qualification = vmcs_read(EXIT_QUALIFICATION);
		__entry->intr_info = vmcs_read32(VM_EXIT_INTR_INFO);
	),
	TP_printk("vm %u vcpu %u reason %u rip %#llx qualification %#llx intr_info %#x",
		  __entry->vm, __entry->vcpu, __entry->reason, __entry->rip,
		  __entry->qualification, __entry->intr_info)
);

TRACE_EVENT(vl_inject,
	TP_PROTO(struct vl_vcpu *vcpu, u32 info, u32 error),
	TP_ARGS(vcpu, info, error),
	TP_STRUCT__entry(
		__field(u32, vm)
		__field(u32, vcpu)
		__field(u32, info)
		__field(u32, error)
	),
	TP_fast_assign(
		__entry->vm = vcpu->vm->id;
		__entry->vcpu = vcpu->id;
		__entry->info = info;
		__entry->error = error;
	),
	TP_printk("vm %u vcpu %u vector %u type %u error %#x", __entry->vm, __entry->vcpu,
		  __entry->info & 0xff, (__entry->info >> 8) & 7, __entry->error)
);

TRACE_EVENT(vl_ept_fault,
	TP_PROTO(struct vl_vcpu *vcpu, u64 gpa, u64 qualification, int result),
	TP_ARGS(vcpu, gpa, qualification, result),
	TP_STRUCT__entry(
		__field(u32, vm)
		__field(u32, vcpu)
		__field(u64, gpa)
		__field(u64, qualification)
		__field(int, result)
	),
	TP_fast_assign(
		__entry->vm = vcpu->vm->id;
		__entry->vcpu = vcpu->id;
		__entry->gpa = gpa;
		__entry->qualification = qualification;
		__entry->result = result;
	),
	TP_printk("vm %u vcpu %u gpa %#llx qualification %#llx result %d", __entry->vm,
		  __entry->vcpu, __entry->gpa, __entry->qualification, __entry->result)
);

#endif /* VL_TRACE_H */

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
