/* SPDX-License-Identifier: GPL-2.0-only */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM iommu_lite

#if !defined(IOMMU_LITE_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define IOMMU_LITE_TRACE_H

#include <linux/tracepoint.h>

#include "qi.h"

TRACE_EVENT(iommu_lite_map,
	TP_PROTO(unsigned int domain, u64 iova, u64 phys, u64 size, int prot),
	TP_ARGS(domain, iova, phys, size, prot),
	TP_STRUCT__entry(
		__field(unsigned int, domain)
		__field(u64, iova)
		__field(u64, phys)
		__field(u64, size)
		__field(int, prot)
	),
	TP_fast_assign(
		__entry->domain = domain;
		__entry->iova = iova;
		__entry->phys = phys;
		__entry->size = size;
		__entry->prot = prot;
	),
	TP_printk("domain=%u iova=0x%llx phys=0x%llx size=0x%llx prot=0x%x",
		  __entry->domain, __entry->iova, __entry->phys, __entry->size,
		  __entry->prot)
);

TRACE_EVENT(iommu_lite_unmap,
	TP_PROTO(unsigned int domain, u64 iova, u64 size),
	TP_ARGS(domain, iova, size),
	TP_STRUCT__entry(
		__field(unsigned int, domain)
		__field(u64, iova)
		__field(u64, size)
	),
	TP_fast_assign(
		__entry->domain = domain;
		__entry->iova = iova;
		__entry->size = size;
	),
	TP_printk("domain=%u iova=0x%llx size=0x%llx", __entry->domain,
		  __entry->iova, __entry->size)
);

DECLARE_EVENT_CLASS(iommu_lite_device,
	TP_PROTO(unsigned int domain, unsigned int unit, unsigned int did,
		 unsigned int segment, u16 sid),
	TP_ARGS(domain, unit, did, segment, sid),
	TP_STRUCT__entry(
		__field(unsigned int, domain)
		__field(unsigned int, unit)
		__field(unsigned int, did)
		__field(unsigned int, segment)
		__field(u16, sid)
	),
	TP_fast_assign(
		__entry->domain = domain;
		__entry->unit = unit;
		__entry->did = did;
		__entry->segment = segment;
		__entry->sid = sid;
	),
	TP_printk("device=%04x:%02x:%02x.%x domain=%u unit=%u did=%u",
		  __entry->segment, __entry->sid >> 8,
		  __entry->sid >> 3 & 0x1f, __entry->sid & 7,
		  __entry->domain, __entry->unit, __entry->did)
);

DEFINE_EVENT(iommu_lite_device, iommu_lite_attach,
	TP_PROTO(unsigned int domain, unsigned int unit, unsigned int did,
		 unsigned int segment, u16 sid),
	TP_ARGS(domain, unit, did, segment, sid)
);

DEFINE_EVENT(iommu_lite_device, iommu_lite_detach,
	TP_PROTO(unsigned int domain, unsigned int unit, unsigned int did,
		 unsigned int segment, u16 sid),
	TP_ARGS(domain, unit, did, segment, sid)
);

TRACE_EVENT(iommu_lite_invalidate,
	TP_PROTO(unsigned int unit, const struct il_inv *inv),
	TP_ARGS(unit, inv),
	TP_STRUCT__entry(
		__field(unsigned int, unit)
		__field(int, kind)
		__field(u16, did)
		__field(u16, sid)
		__field(u64, address)
		__field(unsigned int, order)
	),
	TP_fast_assign(
		__entry->unit = unit;
		__entry->kind = inv->kind;
		__entry->did = inv->did;
		__entry->sid = inv->sid;
		__entry->address = inv->address;
		__entry->order = inv->order;
	),
	TP_printk("unit=%u %s did=%u sid=%02x:%02x.%x address=0x%llx order=%u",
		  __entry->unit,
		  __print_symbolic(__entry->kind,
				   { IL_INV_CONTEXT_GLOBAL, "context-global" },
				   { IL_INV_CONTEXT_DEVICE, "context-device" },
				   { IL_INV_IOTLB_GLOBAL, "iotlb-global" },
				   { IL_INV_IOTLB_DOMAIN, "iotlb-domain" },
				   { IL_INV_IOTLB_PAGES, "iotlb-pages" },
				   { IL_INV_DEVICE_TLB, "device-tlb" },
				   { IL_INV_IEC_GLOBAL, "interrupt-global" },
				   { IL_INV_IEC_INDEX, "interrupt" }),
		  __entry->did, __entry->sid >> 8, __entry->sid >> 3 & 0x1f,
		  __entry->sid & 7, __entry->address, __entry->order)
);

TRACE_EVENT(iommu_lite_fault,
	TP_PROTO(unsigned int unit, u16 sid, u64 address, bool read,
		 unsigned int reason),
	TP_ARGS(unit, sid, address, read, reason),
	TP_STRUCT__entry(
		__field(unsigned int, unit)
		__field(u16, sid)
		__field(u64, address)
		__field(bool, read)
		__field(unsigned int, reason)
	),
	TP_fast_assign(
		__entry->unit = unit;
		__entry->sid = sid;
		__entry->address = address;
		__entry->read = read;
		__entry->reason = reason;
	),
	TP_printk("unit=%u sid=%02x:%02x.%x %s address=0x%llx reason=0x%x",
		  __entry->unit, __entry->sid >> 8, __entry->sid >> 3 & 0x1f,
		  __entry->sid & 7, __entry->read ? "read" : "write",
		  __entry->address, __entry->reason)
);

#endif

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
