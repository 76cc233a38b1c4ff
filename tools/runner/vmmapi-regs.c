// SPDX-License-Identifier: GPL-2.0-only
/* A virtual CPU's registers, one by one and together. */
#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "vmmapi.h"
#include "vmmapi-internal.h"

union group_data {
	struct vmx_lite_regs regs;
	struct vmx_lite_segs segs;
	struct vmx_lite_control control;
	struct vmx_lite_debug debug;
};

enum group { REGS, CONTROL, DEBUG, SEGS };

static const struct {
	unsigned long get, set;
} groups[] = {
	[REGS] = { VM_GET_REGS, VM_SET_REGS },
	[CONTROL] = { VM_GET_CONTROL, VM_SET_CONTROL },
	[DEBUG] = { VM_GET_DEBUG, VM_SET_DEBUG },
	[SEGS] = { VM_GET_SEGS, VM_SET_SEGS },
};

struct reg_place {
	__u8 group;
	__u8 size;
	__u16 offset;
};

#define REG(name, group, type, field) \
	[VM_REG_GUEST_##name] = { group, 8, offsetof(struct vmx_lite_##type, field) }
#define R(name, field)	REG(name, REGS, regs, field)
#define C(name, field)	REG(name, CONTROL, control, field)
#define D(name, field)	REG(name, DEBUG, debug, field)
#define S(name, field) \
	[VM_REG_GUEST_##name] = { SEGS, 2, offsetof(struct vmx_lite_segs, field.selector) }
#define T(name, field) \
	[VM_REG_GUEST_##name] = { SEGS, 0, offsetof(struct vmx_lite_segs, field) }

static const struct reg_place places[VM_REG_LAST] = {
	R(RAX, rax), R(RCX, rcx), R(RDX, rdx), R(RBX, rbx),
	R(RSP, rsp), R(RBP, rbp), R(RSI, rsi), R(RDI, rdi),
	R(R8, r8), R(R9, r9), R(R10, r10), R(R11, r11),
	R(R12, r12), R(R13, r13), R(R14, r14), R(R15, r15),
	R(RIP, rip), R(RFLAGS, rflags),
	C(CR0, cr0), C(CR2, cr2), C(CR3, cr3), C(CR4, cr4), C(CR8, cr8),
	C(EFER, efer), C(XCR0, xcr0),
	C(PDPTE0, pdpte[0]), C(PDPTE1, pdpte[1]), C(PDPTE2, pdpte[2]), C(PDPTE3, pdpte[3]),
	D(DR0, dr0), D(DR1, dr1), D(DR2, dr2), D(DR3, dr3), D(DR6, dr6), D(DR7, dr7),
	S(ES, es), S(CS, cs), S(SS, ss), S(DS, ds), S(FS, fs), S(GS, gs),
	S(LDTR, ldtr), S(TR, tr),
	T(GDTR, gdtr), T(IDTR, idtr),
};

#undef REG
#undef R
#undef C
#undef D
#undef S
#undef T

/* Where a register lies once its group is read; NULL if it has no value. */
static void *fetch(struct vcpu *vcpu, int reg, union group_data *data, int *ret)
{
	const struct reg_place *place;

	*ret = -EINVAL;
	if (reg < 0 || reg >= VM_REG_LAST)
		return NULL;
	place = &places[reg];
	if (!place->size)
		return NULL;
	*ret = vmm_ioctl(vcpu->fd, groups[place->group].get, data);
	return *ret ? NULL : (char *)data + place->offset;
}

/**
 * vm_get_register() - read one register
 * @vcpu: the vCPU
 * @reg: enum vm_reg_name; for a segment its selector
 * @val: out
 *
 * Return: 0, -EINVAL.
 */
int vm_get_register(struct vcpu *vcpu, int reg, __u64 *val)
{
	union group_data data;
	int ret;
	void *p = fetch(vcpu, reg, &data, &ret);

	if (!p)
		return ret;
	*val = 0;
	memcpy(val, p, places[reg].size);
	return 0;
}

/**
 * vm_set_register() - write one register
 * @vcpu: the vCPU
 * @reg: enum vm_reg_name; for a segment its selector alone
 * @val: what to write
 *
 * Return: 0, -EINVAL for a state no CPU can be in.
 */
int vm_set_register(struct vcpu *vcpu, int reg, __u64 val)
{
	union group_data data;
	int ret;
	void *p = fetch(vcpu, reg, &data, &ret);

	if (!p)
		return ret;
	memcpy(p, &val, places[reg].size);
	return vmm_ioctl(vcpu->fd, groups[places[reg].group].set, &data);
}

static struct vmx_lite_segment *segment_of(struct vmx_lite_segs *segs, int reg)
{
	if (reg < VM_REG_GUEST_ES || reg > VM_REG_GUEST_TR)
		return NULL;
	return (void *)((char *)segs + places[reg].offset -
			offsetof(struct vmx_lite_segment, selector));
}

static struct vmx_lite_dtable *dtable_of(struct vmx_lite_segs *segs, int reg)
{
	if (reg != VM_REG_GUEST_GDTR && reg != VM_REG_GUEST_IDTR)
		return NULL;
	return (void *)((char *)segs + places[reg].offset);
}

/**
 * vm_get_desc() - read what a segment or table register holds but the selector
 * @vcpu: the vCPU
 * @reg: VM_REG_GUEST_ES to VM_REG_GUEST_IDTR
 * @base: out
 * @limit: out, in bytes
 * @access: out: access rights as in the VMCS; 0 for GDTR and IDTR
 *
 * Return: 0, -EINVAL.
 */
int vm_get_desc(struct vcpu *vcpu, int reg, __u64 *base, __u32 *limit, __u32 *access)
{
	struct vmx_lite_segs segs;
	const struct vmx_lite_segment *seg = segment_of(&segs, reg);
	const struct vmx_lite_dtable *table = dtable_of(&segs, reg);
	int ret;

	if (!seg && !table)
		return -EINVAL;
	ret = vmm_ioctl(vcpu->fd, VM_GET_SEGS, &segs);
	if (ret)
		return ret;
	*base = seg ? seg->base : table->base;
	*limit = seg ? seg->limit : table->limit;
	*access = seg ? seg->attr : 0;
	return 0;
}

/**
 * vm_set_desc() - write what a segment or table register holds but the selector
 * @vcpu: the vCPU
 * @reg: VM_REG_GUEST_ES to VM_REG_GUEST_IDTR
 * @base: linear address
 * @limit: in bytes; to 0xffff for GDTR and IDTR
 * @access: access rights as in the VMCS; 0 for GDTR and IDTR
 *
 * Return: 0, -EINVAL.
 */
int vm_set_desc(struct vcpu *vcpu, int reg, __u64 base, __u32 limit, __u32 access)
{
	struct vmx_lite_segs segs;
	struct vmx_lite_segment *seg = segment_of(&segs, reg);
	struct vmx_lite_dtable *table = dtable_of(&segs, reg);
	int ret;

	if (!seg && !table)
		return -EINVAL;
	if (table && (limit > 0xffff || access))
		return -EINVAL;
	ret = vmm_ioctl(vcpu->fd, VM_GET_SEGS, &segs);
	if (ret)
		return ret;
	if (seg) {
		seg->base = base;
		seg->limit = limit;
		seg->attr = access;
	} else {
		table->base = base;
		table->limit = limit;
	}
	return vmm_ioctl(vcpu->fd, VM_SET_SEGS, &segs);
}

/**
 * vm_get_state() - read general, segment and control registers
 * @vcpu: the vCPU
 * @state: out
 *
 * Return: 0 or a negative errno.
 */
int vm_get_state(struct vcpu *vcpu, struct vcpu_state *state)
{
	int ret = vmm_ioctl(vcpu->fd, VM_GET_REGS, &state->regs);

	if (!ret)
		ret = vmm_ioctl(vcpu->fd, VM_GET_SEGS, &state->segs);
	if (!ret)
		ret = vmm_ioctl(vcpu->fd, VM_GET_CONTROL, &state->control);
	return ret;
}

/**
 * vm_set_state() - write general, segment and control registers
 * @vcpu: the vCPU
 * @state: what to write; control.apic_base 0 keeps the present one
 *
 * Return: 0, -EINVAL for a state no CPU can be in.
 */
int vm_set_state(struct vcpu *vcpu, const struct vcpu_state *state)
{
	struct vmx_lite_control control = state->control;
	struct vmx_lite_control now;
	int ret = 0;

	if (!control.apic_base) {
		ret = vmm_ioctl(vcpu->fd, VM_GET_CONTROL, &now);
		control.apic_base = now.apic_base;
	}
	/* The modes first: what segments may hold depends on them. */
	if (!ret)
		ret = vmm_ioctl(vcpu->fd, VM_SET_CONTROL, &control);
	if (!ret)
		ret = vmm_ioctl(vcpu->fd, VM_SET_SEGS, &state->segs);
	if (!ret)
		ret = vmm_ioctl(vcpu->fd, VM_SET_REGS, &state->regs);
	return ret;
}

/**
 * vm_get_msr() - read one MSR
 * @vcpu: the vCPU
 * @index: which
 * @val: out
 *
 * Return: 0, -EINVAL if the module does not know it.
 */
int vm_get_msr(struct vcpu *vcpu, __u32 index, __u64 *val)
{
	struct vmx_lite_msr msr = { .index = index };
	struct vmx_lite_msrs msrs = { .count = 1, .entries = (uintptr_t)&msr };
	int ret = vmm_ioctl(vcpu->fd, VM_GET_MSRS, &msrs);

	if (!ret)
		*val = msr.value;
	return ret;
}

/**
 * vm_set_msr() - write one MSR
 * @vcpu: the vCPU
 * @index: which
 * @val: what to write
 *
 * Return: 0, -EINVAL if the module does not know it or a CPU would fault.
 */
int vm_set_msr(struct vcpu *vcpu, __u32 index, __u64 val)
{
	struct vmx_lite_msr msr = { .index = index, .value = val };
	struct vmx_lite_msrs msrs = { .count = 1, .entries = (uintptr_t)&msr };

	return vmm_ioctl(vcpu->fd, VM_SET_MSRS, &msrs);
}

/* Access rights: SDM vol. 3, table 25-2: type, S, P */
#define ATTR_CODE	0x9b
#define ATTR_DATA	0x93
#define ATTR_LDT	0x82
#define ATTR_TSS	0x8b

/**
 * vcpu_reset_state() - the registers after RESET or INIT (SDM vol. 3, table 10-1)
 * @state: out; control.apic_base is 0
 */
void vcpu_reset_state(struct vcpu_state *state)
{
	const struct vmx_lite_segment data = { .limit = 0xffff, .attr = ATTR_DATA };
	const struct vmx_lite_dtable table = { .limit = 0xffff };

	*state = (struct vcpu_state) {
		.regs = {
			.rip = 0xfff0,
			.rflags = 0x2,
		},
		.segs = {
			.cs = {
				.base = 0xffff0000,
				.limit = 0xffff,
				.attr = ATTR_CODE,
				.selector = 0xf000,
			},
			.ds = data, .es = data, .ss = data, .fs = data, .gs = data,
			.ldtr = { .limit = 0xffff, .attr = ATTR_LDT },
			.tr = { .limit = 0xffff, .attr = ATTR_TSS },
			.gdtr = table,
			.idtr = table,
		},
		.control = {
			.cr0 = 0x60000010,
			.xcr0 = 1,
		},
	};
}
