/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Registers of a remapping unit (VT-d specification, chapter 11) and the
 * formats it reads from memory in legacy mode (chapter 9, section 6.5.2).
 */
#ifndef IOMMU_LITE_REGS_H
#define IOMMU_LITE_REGS_H

#include <linux/bits.h>

#define DMAR_VER		0x00
#define DMAR_CAP		0x08
#define DMAR_ECAP		0x10
#define DMAR_GCMD		0x18
#define DMAR_GSTS		0x1c
#define DMAR_RTADDR		0x20
#define DMAR_CCMD		0x28
#define DMAR_FSTS		0x34
#define DMAR_FECTL		0x38
#define DMAR_FEDATA		0x3c
#define DMAR_FEADDR		0x40
#define DMAR_FEUADDR		0x44
#define DMAR_PMEN		0x64
#define DMAR_IQH		0x80
#define DMAR_IQT		0x88
#define DMAR_IQA		0x90
#define DMAR_IQERCD		0xb0
#define DMAR_IRTA		0xb8

/* 11.4.2 Capability Register */
#define CAP_ND(c)		(4 + 2 * ((c) & 7))	/* bits of a domain id */
#define CAP_RWBF(c)		((c) >> 4 & 1)
#define CAP_PLMR(c)		((c) >> 5 & 1)
#define CAP_PHMR(c)		((c) >> 6 & 1)
#define CAP_CM(c)		((c) >> 7 & 1)
#define CAP_SAGAW(c)		((c) >> 8 & 0x1f)
#define CAP_MGAW(c)		(((c) >> 16 & 0x3f) + 1)
#define CAP_FRO(c)		(((c) >> 24 & 0x3ff) * 16)
#define CAP_SLLPS(c)		((c) >> 34 & 0xf)
#define CAP_PSI(c)		((c) >> 39 & 1)
#define CAP_NFR(c)		(((c) >> 40 & 0xff) + 1)
#define CAP_MAMV(c)		((c) >> 48 & 0x3f)
#define CAP_DWD(c)		((c) >> 54 & 1)
#define CAP_DRD(c)		((c) >> 55 & 1)

/* 11.4.3 Extended Capability Register */
#define ECAP_C(e)		((e) & 1)
#define ECAP_QI(e)		((e) >> 1 & 1)
#define ECAP_DT(e)		((e) >> 2 & 1)
#define ECAP_IR(e)		((e) >> 3 & 1)
#define ECAP_PT(e)		((e) >> 6 & 1)
#define ECAP_SC(e)		((e) >> 7 & 1)
#define ECAP_DIT(e)		((e) >> 41 & 1)
#define ECAP_IRO(e)		(((e) >> 8 & 0x3ff) * 16)

/* 11.4.4 Global Command and Status: the same bits */
#define GCMD_CFI		BIT(23)
#define GCMD_SIRTP		BIT(24)
#define GCMD_IRE		BIT(25)
#define GCMD_QIE		BIT(26)
#define GCMD_WBF		BIT(27)
#define GCMD_SFL		BIT(29)
#define GCMD_SRTP		BIT(30)
#define GCMD_TE			BIT(31)
/* One-shot bits: what GSTS shows of them must not be written back */
#define GSTS_PERSISTENT		0x96ffffffu

/* 11.4.5 Context Command */
#define CCMD_ICC		BIT_ULL(63)
#define CCMD_GRANULARITY(g)	((u64)(g) << 61)
#define CCMD_SID(s)		((u64)(s) << 16)
#define CCMD_DID(d)		((u64)(d))

/* 11.4.6.1 IOTLB Invalidate, at ECAP_IRO + 8; 11.4.6.2 IVA at ECAP_IRO */
#define IOTLB_IVT		BIT_ULL(63)
#define IOTLB_GRANULARITY(g)	((u64)(g) << 60)
#define IOTLB_DR		BIT_ULL(49)
#define IOTLB_DW		BIT_ULL(48)
#define IOTLB_DID(d)		((u64)(d) << 32)

/* 11.4.7.1 Fault Status */
#define FSTS_PFO		BIT(0)
#define FSTS_PPF		BIT(1)
#define FSTS_IQE		BIT(4)
#define FSTS_ICE		BIT(5)
#define FSTS_ITE		BIT(6)
#define FSTS_FRI(s)		((s) >> 8 & 0xff)

#define FECTL_IM		BIT(31)

/* 11.4.7.6 Fault Recording, upper half */
#define FRCD_F			BIT_ULL(63)
#define FRCD_READ		BIT_ULL(62)
#define FRCD_REASON(h)		((h) >> 32 & 0xff)
#define FRCD_SID(h)		((h) & 0xffff)

#define PMEN_EPM		BIT(31)
#define PMEN_PRS		BIT(0)

/* 9.1 root entry, 9.3 context entry (legacy mode) */
#define ENTRY_PRESENT		BIT_ULL(0)
#define CONTEXT_TT_UNTRANSLATED	0ull
#define CONTEXT_TT_DEVICE_TLB	BIT_ULL(2)
#define CONTEXT_TT_PASS		BIT_ULL(3)
#define CONTEXT_AW(levels)	((u64)(levels) - 2)
#define CONTEXT_DID(d)		((u64)(d) << 8)
#define CONTEXT_ENTRY_DID(hi)	((hi) >> 8 & 0xffff)

/* 6.5.2 descriptors of the invalidation queue, low half */
#define QI_TYPE(d)		((d) & 0xf)
#define QI_CONTEXT		0x1
#define QI_IOTLB		0x2
#define QI_DEVICE_TLB		0x3
#define QI_IEC			0x4
#define QI_WAIT			0x5
#define QI_GRANULARITY(g)	((u64)(g) << 4)
#define QI_IOTLB_DW		BIT_ULL(6)
#define QI_IOTLB_DR		BIT_ULL(7)
#define QI_DID(d)		((u64)(d) << 16)
#define QI_CONTEXT_SID(s)	((u64)(s) << 32)
#define QI_IOTLB_IH		BIT_ULL(6)		/* high half */
#define QI_DEVICE_TLB_DEPTH(q)	((u64)(q) << 16)
#define QI_DEVICE_TLB_SID(s)	((u64)(s) << 32)
#define QI_DEVICE_TLB_PFSID_LO(s)	(((u64)(s) & 0xf) << 12)
#define QI_DEVICE_TLB_PFSID_HI(s)	(((u64)(s) & 0xfff0) << 48)
#define QI_DEVICE_TLB_SIZE	BIT_ULL(0)		/* high half */
#define QI_IEC_INDEX		BIT_ULL(4)
#define QI_IEC_MASK(m)		((u64)(m) << 27)
#define QI_IEC_IIDX(i)		((u64)(i) << 32)
#define QI_WAIT_STATUS_WRITE	BIT_ULL(5)
#define QI_WAIT_DATA(d)		((u64)(d) << 32)

/* Granularities: 1 global, 2 domain, 3 device (context) or pages (IOTLB) */
#define GRANULARITY_GLOBAL	1
#define GRANULARITY_DOMAIN	2
#define GRANULARITY_FINE	3

#endif
