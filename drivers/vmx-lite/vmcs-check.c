// SPDX-License-Identifier: GPL-2.0-only
/*
 * Why did the CPU refuse this guest state?  The CPU says only "invalid guest
 * state"; these are its checks once more, each with a name, run after it has
 * refused.  SDM vol. 3, 27.3.1.
 */
#include <linux/kernel.h>
#include <asm/processor-flags.h>

#include "vcpu.h"
#include "vmx.h"
#include "vmx-lite.h"

#define SEG_TYPE(ar)	((ar) & 0xf)
#define SEG_S		BIT(4)
#define SEG_DPL(ar)	(((ar) >> 5) & 3)
#define SEG_P		BIT(7)
#define SEG_L		BIT(13)
#define SEG_DB		BIT(14)
#define SEG_G		BIT(15)
#define SEG_RESERVED	0xfffe0f00

/* What most rules look at, read once. */
struct state {
	u64 cr0, cr4, rflags, efer, rip;
	u32 entry, interruptibility, activity, intr_info;
	struct { u64 base; u32 limit, ar; u16 sel; } seg[VL_NR_VMCS_SEGS];
	bool long_mode, v86, real;
};

static bool usable(const struct state *s, int n)
{
	return !(s->seg[n].ar & VMX_LITE_SEG_UNUSABLE);
}

static bool limit_bad(u32 limit, u32 ar)
{
	return ar & SEG_G ? (limit & 0xfff) != 0xfff : (limit & 0xfff00000);
}

static bool cr0_fixed(const struct state *s)
{
	return !(s->cr0 & X86_CR0_NE) || (s->cr0 & ~vl_vmx.cr0_fixed1);
}

static bool cr0_pg_pe(const struct state *s)
{
	return (s->cr0 & X86_CR0_PG) && !(s->cr0 & X86_CR0_PE);
}

static bool cr0_cd_nw(const struct state *s)
{
	return (s->cr0 & X86_CR0_NW) && !(s->cr0 & X86_CR0_CD);
}

static bool cr4_fixed(const struct state *s)
{
	return (~s->cr4 & vl_vmx.cr4_fixed0) || (s->cr4 & ~vl_vmx.cr4_fixed1);
}

static bool long_mode_paging(const struct state *s)
{
	return s->long_mode && (!(s->cr0 & X86_CR0_PG) || !(s->cr4 & X86_CR4_PAE));
}

static bool pcid_without_long(const struct state *s)
{
	return !s->long_mode && (s->cr4 & X86_CR4_PCIDE);
}

static bool efer_lma(const struct state *s)
{
	return !!(s->efer & EFER_LMA) != s->long_mode;
}

static bool efer_lme(const struct state *s)
{
	return (s->cr0 & X86_CR0_PG) && !!(s->efer & EFER_LME) != !!(s->efer & EFER_LMA);
}

static bool rflags_reserved(const struct state *s)
{
	return !(s->rflags & X86_EFLAGS_FIXED) || (s->rflags & ~0x3f7fd7ULL);
}

static bool rflags_vm(const struct state *s)
{
	return s->v86 && (s->long_mode || s->real);
}

static bool rflags_if(const struct state *s)
{
	return (s->intr_info & INTR_INFO_VALID_MASK) &&
	       (s->intr_info & INTR_INFO_INTR_TYPE_MASK) == INTR_TYPE_EXT_INTR &&
	       !(s->rflags & X86_EFLAGS_IF);
}

static bool rip_bad(const struct state *s)
{
	if (!s->long_mode || !(s->seg[VL_SEG_CS].ar & SEG_L))
		return s->rip >> 32;
	return !vl_canonical(s->rip);
}

static bool cs_type(const struct state *s)
{
	u32 type = SEG_TYPE(s->seg[VL_SEG_CS].ar);

	/* Unrestricted guest also allows a data segment. */
	return !s->v86 && type != 3 && !((type & 9) == 9);
}

static bool cs_attr(const struct state *s)
{
	u32 ar = s->seg[VL_SEG_CS].ar;

	return !s->v86 && (!(ar & SEG_S) || !(ar & SEG_P) || (ar & SEG_RESERVED) ||
			   limit_bad(s->seg[VL_SEG_CS].limit, ar));
}

static bool cs_long(const struct state *s)
{
	u32 ar = s->seg[VL_SEG_CS].ar;

	return s->long_mode && (ar & SEG_L) && (ar & SEG_DB);
}

static bool cs_dpl(const struct state *s)
{
	u32 cs = s->seg[VL_SEG_CS].ar, ss = s->seg[VL_SEG_SS].ar;

	if (s->v86)
		return false;
	switch (SEG_TYPE(cs)) {
	case 3:
		return SEG_DPL(cs) != 0;
	case 9:
	case 11:
		return SEG_DPL(cs) != SEG_DPL(ss);
	default:
		return SEG_DPL(cs) > SEG_DPL(ss);
	}
}

static bool ss_attr(const struct state *s)
{
	u32 ar = s->seg[VL_SEG_SS].ar;

	if (s->v86 || !usable(s, VL_SEG_SS))
		return false;
	return (SEG_TYPE(ar) != 3 && SEG_TYPE(ar) != 7) || !(ar & SEG_S) || !(ar & SEG_P) ||
	       (ar & SEG_RESERVED) || limit_bad(s->seg[VL_SEG_SS].limit, ar);
}

static bool ss_dpl(const struct state *s)
{
	u32 ss = s->seg[VL_SEG_SS].ar;

	/* Outside protected mode, or with CS of type 3, CPL is 0. */
	return !s->v86 && (s->real || SEG_TYPE(s->seg[VL_SEG_CS].ar) == 3) && SEG_DPL(ss);
}

static bool data_attr(const struct state *s, int n)
{
	u32 ar = s->seg[n].ar;

	if (s->v86 || !usable(s, n))
		return false;
	return !(ar & 1) || ((ar & 8) && !(ar & 2)) || !(ar & SEG_S) || !(ar & SEG_P) ||
	       (ar & SEG_RESERVED) || limit_bad(s->seg[n].limit, ar);
}

static bool es_attr(const struct state *s) { return data_attr(s, VL_SEG_ES); }
static bool ds_attr(const struct state *s) { return data_attr(s, VL_SEG_DS); }
static bool fs_attr(const struct state *s) { return data_attr(s, VL_SEG_FS); }
static bool gs_attr(const struct state *s) { return data_attr(s, VL_SEG_GS); }

static bool v86_segs(const struct state *s)
{
	int n;

	for (n = 0; s->v86 && n < VL_SEG_LDTR; n++)
		if (s->seg[n].base != (u64)s->seg[n].sel << 4 ||
		    s->seg[n].limit != 0xffff || s->seg[n].ar != 0xf3)
			return true;
	return false;
}

static bool bases(const struct state *s)
{
	int n;

	if (s->seg[VL_SEG_CS].base >> 32)
		return true;
	for (n = 0; n < VL_SEG_LDTR; n++)
		if (n != VL_SEG_CS && n != VL_SEG_FS && n != VL_SEG_GS && usable(s, n) &&
		    (s->seg[n].base >> 32))
			return true;
	return !vl_canonical(s->seg[VL_SEG_FS].base) || !vl_canonical(s->seg[VL_SEG_GS].base);
}

static bool tr_attr(const struct state *s)
{
	u32 ar = s->seg[VL_SEG_TR].ar, type = SEG_TYPE(ar);

	return !(type == 11 || (type == 3 && !s->long_mode)) || (ar & SEG_S) || !(ar & SEG_P) ||
	       (ar & SEG_RESERVED) || !usable(s, VL_SEG_TR) ||
	       limit_bad(s->seg[VL_SEG_TR].limit, ar) || (s->seg[VL_SEG_TR].sel & 4) ||
	       !vl_canonical(s->seg[VL_SEG_TR].base);
}

static bool ldtr_attr(const struct state *s)
{
	u32 ar = s->seg[VL_SEG_LDTR].ar;

	return usable(s, VL_SEG_LDTR) &&
	       (SEG_TYPE(ar) != 2 || (ar & SEG_S) || !(ar & SEG_P) || (ar & SEG_RESERVED) ||
		limit_bad(s->seg[VL_SEG_LDTR].limit, ar) || (s->seg[VL_SEG_LDTR].sel & 4) ||
		!vl_canonical(s->seg[VL_SEG_LDTR].base));
}

static bool tables(const struct state *s)
{
	return !vl_canonical(vmcs_read(GUEST_GDTR_BASE)) ||
	       !vl_canonical(vmcs_read(GUEST_IDTR_BASE)) ||
	       (vmcs_read(GUEST_GDTR_LIMIT) >> 16) || (vmcs_read(GUEST_IDTR_LIMIT) >> 16);
}

static bool blocking(const struct state *s)
{
	u32 both = GUEST_INTR_STATE_STI | GUEST_INTR_STATE_MOV_SS;

	return (s->interruptibility & ~0x1fU) || (s->interruptibility & both) == both ||
	       ((s->interruptibility & GUEST_INTR_STATE_STI) && !(s->rflags & X86_EFLAGS_IF));
}

static bool blocking_event(const struct state *s)
{
	return (s->intr_info & INTR_INFO_VALID_MASK) &&
	       (s->intr_info & INTR_INFO_INTR_TYPE_MASK) == INTR_TYPE_EXT_INTR &&
	       (s->interruptibility & (GUEST_INTR_STATE_STI | GUEST_INTR_STATE_MOV_SS));
}

static bool activity(const struct state *s)
{
	return s->activity > GUEST_ACTIVITY_HLT;
}

struct rule {
	const char *what;
	bool (*broken)(const struct state *s);
};

static const struct rule rules[] = {
	{ "CR0: a bit that must be 0 or 1 is not", cr0_fixed },
	{ "CR0: PG without PE", cr0_pg_pe },
	{ "CR0: NW without CD", cr0_cd_nw },
	{ "CR4: a bit that must be 0 or 1 is not", cr4_fixed },
	{ "CR0 and CR4: long mode needs PG and PAE", long_mode_paging },
	{ "CR4: PCIDE outside long mode", pcid_without_long },
	{ "EFER: LMA does not fit the entry controls", efer_lma },
	{ "EFER: LME and LMA differ with paging on", efer_lme },
	{ "RFLAGS: a reserved bit", rflags_reserved },
	{ "RFLAGS: VM in real or long mode", rflags_vm },
	{ "RFLAGS: IF is 0 while an interrupt is injected", rflags_if },
	{ "RIP: not canonical, or over 32 bits outside 64-bit mode", rip_bad },
	{ "CS: not an accessed code segment", cs_type },
	{ "CS: S, P, a reserved bit, or limit and G", cs_attr },
	{ "CS: L and D both set", cs_long },
	{ "CS: DPL does not fit SS", cs_dpl },
	{ "SS: type, S, P, a reserved bit, or limit and G", ss_attr },
	{ "SS: DPL is not 0", ss_dpl },
	{ "ES: type, S, P, a reserved bit, or limit and G", es_attr },
	{ "DS: type, S, P, a reserved bit, or limit and G", ds_attr },
	{ "FS: type, S, P, a reserved bit, or limit and G", fs_attr },
	{ "GS: type, S, P, a reserved bit, or limit and G", gs_attr },
	{ "segments: not as virtual-8086 mode wants them", v86_segs },
	{ "segments: a base over 32 bits, or not canonical", bases },
	{ "TR: type, P, a reserved bit, base, or limit and G", tr_attr },
	{ "LDTR: type, P, a reserved bit, base, or limit and G", ldtr_attr },
	{ "GDTR or IDTR: base not canonical, or limit over 0xffff", tables },
	{ "interruptibility: STI and MOV SS, or STI without IF, or a reserved bit", blocking },
	{ "interruptibility: blocks the interrupt that is injected", blocking_event },
	{ "activity state: unknown", activity },
};

/**
 * vl_vmcs_guest_problem() - name what is wrong with the guest state
 *
 * Context: a vCPU is loaded and its VM entry failed with reason 33.
 * Return: a constant sentence.
 */
const char *vl_vmcs_guest_problem(void)
{
	struct state s = {
		.cr0 = vmcs_read(GUEST_CR0),
		.cr4 = vmcs_read(GUEST_CR4),
		.rflags = vmcs_read(GUEST_RFLAGS),
		.efer = vmcs_read(GUEST_IA32_EFER),
		.rip = vmcs_read(GUEST_RIP),
		.entry = vmcs_read32(VM_ENTRY_CONTROLS),
		.interruptibility = vmcs_read32(GUEST_INTERRUPTIBILITY_INFO),
		.activity = vmcs_read32(GUEST_ACTIVITY_STATE),
		.intr_info = vmcs_read32(VM_ENTRY_INTR_INFO_FIELD),
	};
	int i;

	s.long_mode = s.entry & VM_ENTRY_IA32E_MODE;
	s.v86 = s.rflags & X86_EFLAGS_VM;
	s.real = !(s.cr0 & X86_CR0_PE);
	for (i = 0; i < VL_NR_VMCS_SEGS; i++) {
		s.seg[i].base = vmcs_read(VMCS_SEG_BASE(i));
		s.seg[i].limit = vmcs_read32(VMCS_SEG_LIMIT(i));
		s.seg[i].ar = vmcs_read32(VMCS_SEG_AR(i));
		s.seg[i].sel = vmcs_read(VMCS_SEG_SELECTOR(i));
	}
	for (i = 0; i < ARRAY_SIZE(rules); i++)
		if (rules[i].broken(&s))
			return rules[i].what;
	return "a check this list does not know";
}
