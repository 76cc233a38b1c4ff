// SPDX-License-Identifier: GPL-2.0-only
/*
 * CPUID: what a guest may see of this host's CPU.  SDM vol. 2, CPUID.
 *
 * The instruction is executed when the module loads and never again: the host's
 * own hypervisor, if there is one, makes each a long trip.
 */
#include <linux/slab.h>
#include <linux/sort.h>
#include <linux/uaccess.h>
#include <asm/processor.h>

#include "vcpu.h"
#include "vmx.h"
#include "vmx-lite.h"

enum { EAX, EBX, ECX, EDX };

/* Bits of one register of one leaf that may pass; the host's value is masked. */
struct mask {
	u32 function;
	u32 index;
	u8 reg;
	u32 allow;
	u32 force;		/* emulated: there whatever the host has */
};

#define F(bit)	BIT(bit)

static const struct mask masks[] = {
	/* SSE3 PCLMULQDQ SSSE3 FMA CX16 PCID SSE4.1 SSE4.2 MOVBE POPCNT AES XSAVE AVX
	 * F16C RDRAND; x2APIC, TSC-deadline and "under a hypervisor" are ours.
	 */
	{ 1, 0, ECX, F(0) | F(1) | F(9) | F(12) | F(13) | F(17) | F(19) | F(20) | F(22) |
		     F(23) | F(25) | F(26) | F(28) | F(29) | F(30),
	  F(21) | F(24) | F(31) },
	/* All but DS, ACPI, HTT, TM, PBE */
	{ 1, 0, EDX, 0x0fabfbff & ~(F(21) | F(22)), F(9) | F(12) | F(7) | F(14) },
	/* FSGSBASE BMI1 AVX2 FDP_EXCPTN SMEP BMI2 ERMS INVPCID ZERO_FCS AVX512F/DQ RDSEED
	 * ADX SMAP AVX512IFMA CLFLUSHOPT CLWB AVX512CD SHA AVX512BW/VL; TSC_ADJUST is ours
	 */
	{ 7, 0, EBX, F(0) | F(3) | F(5) | F(6) | F(7) | F(8) | F(9) | F(10) | F(13) | F(16) |
		     F(17) | F(18) | F(19) | F(20) | F(21) | F(23) | F(24) | F(28) | F(29) |
		     F(30) | F(31),
	  F(1) },
	/* AVX512VBMI UMIP VBMI2 GFNI VAES VPCLMULQDQ VNNI BITALG VPOPCNTDQ RDPID */
	{ 7, 0, ECX, F(1) | F(2) | F(6) | F(8) | F(9) | F(10) | F(11) | F(12) | F(14) | F(22) },
	/* AVX512_4VNNIW/4FMAPS FSRM VP2INTERSECT MD_CLEAR SERIALIZE AVX512_FP16 SPEC_CTRL
	 * STIBP ARCH_CAPABILITIES SSBD
	 */
	{ 7, 0, EDX, F(2) | F(3) | F(4) | F(8) | F(10) | F(14) | F(23) | F(26) | F(27) |
		     F(29) | F(31) },
	/* XSAVEOPT XSAVEC XGETBV1 */
	{ 0xd, 1, EAX, F(0) | F(1) | F(2) },
	{ 0xd, 1, EBX, 0 },
	{ 0xd, 1, ECX, 0 },
	{ 0xd, 1, EDX, 0 },
	/* The local APIC's timer never stops */
	{ 6, 0, EAX, 0, F(2) },
	{ 6, 0, EBX, 0 },
	{ 6, 0, ECX, 0 },
	{ 6, 0, EDX, 0 },
	/* LAHF LZCNT PREFETCHW */
	{ 0x80000001, 0, ECX, F(0) | F(5) | F(8) },
	/* SYSCALL NX 1G-pages RDTSCP LM */
	{ 0x80000001, 0, EDX, F(11) | F(20) | F(26) | F(27) | F(29) },
	/* Invariant TSC */
	{ 0x80000007, 0, EAX, 0 },
	{ 0x80000007, 0, EBX, 0 },
	{ 0x80000007, 0, ECX, 0 },
	{ 0x80000007, 0, EDX, F(8) },
	{ 0x80000008, 0, EBX, 0 },
	{ 0x80000008, 0, ECX, 0 },
	{ 0x80000008, 0, EDX, 0 },
};

/* Leaves a guest sees, with the sub-leaves we walk. */
struct leaf {
	u32 function;
	u8 last_index;		/* 0: not indexed */
};

static const struct leaf leaves[] = {
	{ 0 }, { 1 }, { 2 }, { 4, 7 }, { 6 }, { 7, 1 }, { 0xd, 9 }, { 0x15 }, { 0x16 },
	{ 0x80000000 }, { 0x80000001 }, { 0x80000002 }, { 0x80000003 }, { 0x80000004 },
	{ 0x80000006 }, { 0x80000007 }, { 0x80000008 },
};

#define MAX_BASIC	0x16
#define MAX_EXTENDED	0x80000008
#define MAX_SUPPORTED	40

static struct vl_cpuid *supported;

static u32 *entry_reg(struct vmx_lite_cpuid_entry *entry, int reg)
{
	return &entry->eax + reg;
}

static void apply_masks(struct vmx_lite_cpuid_entry *entry)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(masks); i++) {
		const struct mask *m = &masks[i];
		u32 *reg = entry_reg(entry, m->reg);

		if (m->function == entry->function && m->index == entry->index)
			*reg = (*reg & m->allow) | m->force;
	}
}

/* Corrections that depend on what this module can do here. */
static void correct(struct vmx_lite_cpuid_entry *entry)
{
	u64 xcr0 = vl_fpu_xcr0_mask();

	switch (entry->function) {
	case 0:
		entry->eax = MAX_BASIC;
		break;
	case 1:
		entry->ebx &= 0x0000ffff;	/* brand, CLFLUSH; APIC id is the vCPU's */
		entry->ebx |= 1 << 16;
		if (!vl_has(VMX_LITE_FEAT_XSAVE))
			entry->ecx &= ~(F(26) | F(28) | F(12) | F(29));
		break;
	case 4:
		/* One core, one thread: the runner knows better. */
		entry->eax &= 0x00003fff;
		break;
	case 7:
		if (entry->index) {
			entry->eax = entry->index == 1 ? entry->eax & (F(4) | F(5)) : 0;
			entry->ebx = 0;
			entry->ecx = 0;
			entry->edx = 0;
			break;
		}
		entry->eax = 1;
		if (!(vl_vmx.proc2 & SECONDARY_EXEC_ENABLE_INVPCID))
			entry->ebx &= ~F(10);
		if (!(vl_vmx.cr4_fixed1 & X86_CR4_UMIP))
			entry->ecx &= ~F(2);
		break;
	case 0xd:
		if (!entry->index) {
			entry->eax = xcr0;
			entry->edx = xcr0 >> 32;
			entry->ecx = vl_fpu_xsave_size();
		} else if (entry->index > 1 && !(xcr0 & BIT_ULL(entry->index))) {
			entry->eax = 0;
			entry->ebx = 0;
			entry->ecx = 0;
			entry->edx = 0;
		}
		break;
	case 0x15:
		/* What the local APIC's timer counts; the runner knows the TSC. */
		entry->ecx = entry->eax ? VL_LAPIC_TIMER_HZ : 0;
		break;
	case 0x80000000:
		entry->eax = MAX_EXTENDED;
		break;
	case 0x80000001:
		if (!(vl_vmx.proc2 & SECONDARY_EXEC_ENABLE_RDTSCP))
			entry->edx &= ~F(27);
		break;
	case 0x80000008:
		entry->eax = vl_guest_phys_bits() | 48 << 8;
		break;
	}
}

static bool all_zero(const struct vmx_lite_cpuid_entry *entry)
{
	return !(entry->eax | entry->ebx | entry->ecx | entry->edx);
}

/**
 * vl_cpuid_setup() - read the host's CPUID once
 * Context: module load, after vl_vmx and the FPU are known.
 * Return: 0 or -ENOMEM.
 */
int vl_cpuid_setup(void)
{
	u32 max_basic = cpuid_eax(0), max_ext = cpuid_eax(0x80000000);
	struct vl_cpuid *table;
	int i, index;

	table = kzalloc(struct_size(table, entry, MAX_SUPPORTED), GFP_KERNEL);
	if (!table)
		return -ENOMEM;
	for (i = 0; i < ARRAY_SIZE(leaves); i++) {
		const struct leaf *leaf = &leaves[i];
		u32 max = leaf->function < 0x80000000 ? max_basic : max_ext;

		for (index = 0; index <= leaf->last_index; index++) {
			struct vmx_lite_cpuid_entry *e = &table->entry[table->count];

			if (WARN_ON_ONCE(table->count == MAX_SUPPORTED))
				break;
			memset(e, 0, sizeof(*e));
			e->function = leaf->function;
			e->index = index;
			e->flags = leaf->last_index ? VMX_LITE_CPUID_INDEXED : 0;
			if (leaf->function <= max)
				cpuid_count(leaf->function, index, &e->eax, &e->ebx,
					    &e->ecx, &e->edx);
			apply_masks(e);
			correct(e);
			/* A hole among sub-leaves reads as 0 anyway. */
			if (!index || !all_zero(e))
				table->count++;
		}
	}
	table->max_basic = MAX_BASIC;
	supported = table;
	return 0;
}

/**
 * vl_cpuid_cleanup() - the opposite of vl_cpuid_setup()
 */
void vl_cpuid_cleanup(void)
{
	kfree(supported);
}

/**
 * vl_cpuid_supported() - the table for VMX_LITE_GET_CPUID
 * Return: the table.
 */
struct vl_cpuid *vl_cpuid_supported(void)
{
	return supported;
}

static struct vmx_lite_cpuid_entry *find(struct vl_cpuid *table, u32 function, u32 index)
{
	u32 low = 0, high = table->count;

	while (low < high) {
		u32 mid = (low + high) / 2;
		struct vmx_lite_cpuid_entry *e = &table->entry[mid];

		if (e->function == function &&
		    (!(e->flags & VMX_LITE_CPUID_INDEXED) || e->index == index))
			return e;
		if (e->function < function || (e->function == function && e->index < index))
			low = mid + 1;
		else
			high = mid;
	}
	return NULL;
}

/**
 * vl_guest_has() - a bit of the guest's CPUID
 * @vcpu: the vCPU, loaded
 * @reg: 0 EAX, 1 EBX, 2 ECX, 3 EDX
 * @bit: 0 to 31
 * @function: leaf
 * @index: sub-leaf
 * Return: whether it is set.
 */
bool vl_guest_has(struct vl_vcpu *vcpu, u32 function, u32 index, int reg, u32 bit)
{
	struct vmx_lite_cpuid_entry *e = find(vcpu->hw.cpuid, function, index);

	return e && (*entry_reg(e, reg) & BIT(bit));
}

struct cr4_feature {
	u64 cr4;
	u32 function;
	u8 reg;
	u8 bit;
};

static const struct cr4_feature cr4_features[] = {
	{ X86_CR4_VME | X86_CR4_PVI, 1, EDX, 1 },
	{ X86_CR4_DE, 1, EDX, 2 },
	{ X86_CR4_PSE, 1, EDX, 3 },
	{ X86_CR4_TSD, 1, EDX, 4 },
	{ X86_CR4_PAE, 1, EDX, 6 },
	{ X86_CR4_MCE, 1, EDX, 7 },
	{ X86_CR4_PGE, 1, EDX, 13 },
	{ X86_CR4_OSFXSR, 1, EDX, 24 },
	{ X86_CR4_OSXMMEXCPT, 1, EDX, 25 },
	{ X86_CR4_PCIDE, 1, ECX, 17 },
	{ X86_CR4_OSXSAVE, 1, ECX, 26 },
	{ X86_CR4_FSGSBASE, 7, EBX, 0 },
	{ X86_CR4_SMEP, 7, EBX, 7 },
	{ X86_CR4_SMAP, 7, EBX, 20 },
	{ X86_CR4_UMIP, 7, ECX, 2 },
};

/* What the rest of the engine derives from the table. */
static void derive(struct vl_vcpu *vcpu)
{
	struct vl_hw *hw = &vcpu->hw;
	struct vmx_lite_cpuid_entry *e;
	u64 cr4 = X86_CR4_PCE;
	int i;

	for (i = 0; i < ARRAY_SIZE(cr4_features); i++)
		if (vl_guest_has(vcpu, cr4_features[i].function, 0, cr4_features[i].reg,
				 cr4_features[i].bit))
			cr4 |= cr4_features[i].cr4;
	hw->cr4_allowed = cr4 & vl_vmx.cr4_fixed1;

	e = find(hw->cpuid, 0x80000008, 0);
	hw->maxphyaddr = e ? clamp_t(u8, e->eax, 32, 52) : 36;
	e = find(hw->cpuid, 0xd, 0);
	hw->xcr0_allowed = e ? (e->eax | (u64)e->edx << 32) & vl_fpu_xcr0_mask() : 0;
	hw->xcr0_allowed |= XFEATURE_MASK_FP;
	vl_lapic_set_features(vcpu, vl_guest_has(vcpu, 1, 0, ECX, 21),
			      vl_guest_has(vcpu, 1, 0, ECX, 24));
}

/* Bytes of an XSAVE area in standard form for a set of components. */
static u32 xsave_size(struct vl_cpuid *table, u64 xcr0)
{
	u32 size = 576;
	int i;

	for (i = 2; i < 63; i++) {
		struct vmx_lite_cpuid_entry *e;

		if (!(xcr0 & BIT_ULL(i)))
			continue;
		e = find(table, 0xd, i);
		if (e)
			size = max(size, e->ebx + e->eax);
	}
	return size;
}

/**
 * vl_cpuid_update() - values that follow CR4, XCR0 and IA32_APIC_BASE
 * @vcpu: loaded
 */
void vl_cpuid_update(struct vl_vcpu *vcpu)
{
	struct vmx_lite_cpuid_entry *e;

	e = find(vcpu->hw.cpuid, 1, 0);
	if (e) {
		e->ecx &= ~F(27);
		if (vmcs_read(CR4_READ_SHADOW) & X86_CR4_OSXSAVE)
			e->ecx |= F(27);
		/* SDM vol. 3, 11.4.3: a disabled local APIC is not there. */
		e->edx &= ~F(9);
		if (vl_lapic_base(vcpu) & MSR_IA32_APICBASE_ENABLE)
			e->edx |= F(9);
	}
	e = find(vcpu->hw.cpuid, 0xd, 0);
	if (e)
		e->ebx = xsave_size(vcpu->hw.cpuid, vcpu->hw.xcr0);
}

/**
 * vl_cpuid_init() - a new vCPU sees what the host supports
 * @vcpu: the vCPU
 * Return: 0 or -ENOMEM.
 */
int vl_cpuid_init(struct vl_vcpu *vcpu)
{
	struct vl_cpuid *table;
	struct vmx_lite_cpuid_entry *e;

	table = kmemdup(supported, struct_size(supported, entry, supported->count),
			GFP_KERNEL_ACCOUNT);
	if (!table)
		return -ENOMEM;
	e = find(table, 1, 0);
	e->ebx |= vcpu->id << 24;
	vcpu->hw.cpuid = table;
	return 0;
}

/**
 * vl_cpuid_ready() - derive what follows from the table of a new vCPU
 * @vcpu: the vCPU
 * Context: its local APIC exists.
 */
void vl_cpuid_ready(struct vl_vcpu *vcpu)
{
	derive(vcpu);
}

static int compare(const void *a, const void *b)
{
	const struct vmx_lite_cpuid_entry *x = a, *y = b;

	if (x->function != y->function)
		return x->function < y->function ? -1 : 1;
	if (x->index != y->index)
		return x->index < y->index ? -1 : 1;
	return 0;
}

static int check_entries(const struct vl_cpuid *table)
{
	u32 i;

	for (i = 0; i < table->count; i++) {
		const struct vmx_lite_cpuid_entry *e = &table->entry[i];

		if (e->pad || (e->flags & ~VMX_LITE_CPUID_INDEXED))
			return -EINVAL;
		if (!(e->flags & VMX_LITE_CPUID_INDEXED) && e->index)
			return -EINVAL;
		/* Sorted: a function twice, or plain and indexed, is side by side. */
		if (i && e[-1].function == e->function &&
		    (e[-1].index == e->index || e[-1].flags != e->flags))
			return -EEXIST;
	}
	return 0;
}

/**
 * vl_cpuid_set() - VM_SET_CPUID
 * @vcpu: loaded
 * @args: count 1 to VMX_LITE_MAX_CPUID
 * Return: 0, -EINVAL, -E2BIG, -EEXIST (an entry twice), -EFAULT, -ENOMEM.
 */
int vl_cpuid_set(struct vl_vcpu *vcpu, const struct vmx_lite_cpuid *args)
{
	struct vl_cpuid *table, *old = vcpu->hw.cpuid;
	u32 i;
	int err;

	if (args->pad || !args->count)
		return -EINVAL;
	if (args->count > VMX_LITE_MAX_CPUID)
		return -E2BIG;
	table = kzalloc(struct_size(table, entry, args->count), GFP_KERNEL_ACCOUNT);
	if (!table)
		return -ENOMEM;
	err = -EFAULT;
	if (copy_from_user(table->entry, u64_to_user_ptr(args->entries),
			   args->count * sizeof(table->entry[0])))
		goto free;
	table->count = args->count;
	sort(table->entry, table->count, sizeof(table->entry[0]), compare, NULL);
	err = check_entries(table);
	if (err)
		goto free;
	for (i = 0; i < table->count && table->entry[i].function < 0x40000000; i++)
		table->max_basic = table->entry[i].function;
	vcpu->hw.cpuid = table;
	derive(vcpu);
	vl_cpuid_update(vcpu);
	kfree(old);
	return 0;

free:
	kfree(table);
	return err;
}

/**
 * vl_cpuid_get() - VMX_LITE_GET_CPUID and VM_GET_CPUID
 * @table: what to copy
 * @args: count in: room, out: entries
 * Return: 0; -E2BIG with count set to what is needed; -EINVAL, -EFAULT.
 */
int vl_cpuid_get(const struct vl_cpuid *table, struct vmx_lite_cpuid *args)
{
	u32 room = args->count;

	if (args->pad)
		return -EINVAL;
	args->count = table->count;
	if (room < table->count)
		return -E2BIG;
	if (copy_to_user(u64_to_user_ptr(args->entries), table->entry,
			 table->count * sizeof(table->entry[0])))
		return -EFAULT;
	return 0;
}

/* Beyond the highest basic or extended leaf (SDM vol. 2, CPUID)? */
static bool beyond(const struct vl_cpuid *table, u32 function)
{
	if (function < 0x40000000)
		return function > table->max_basic;
	return function >= 0x80000000 && function > table->entry[table->count - 1].function;
}

/**
 * vl_exit_cpuid() - exit reason 10
 * @vcpu: the vCPU, loaded
 *
 * Beyond the highest leaf a CPU answers with the data of the highest basic leaf.
 * Return: VL_RESUME, VL_TO_USER with the run page filled, or -errno.
 */
int vl_exit_cpuid(struct vl_vcpu *vcpu)
{
	struct vl_cpuid *table = vcpu->hw.cpuid;
	u32 function = vcpu->gpr[VL_RAX], index = vcpu->gpr[VL_RCX];
	const struct vmx_lite_cpuid_entry *e = find(table, function, index);

	if (unlikely(!e) && beyond(table, function))
		e = find(table, table->max_basic, index);
	if (likely(e)) {
		vcpu->gpr[VL_RAX] = e->eax;
		vcpu->gpr[VL_RBX] = e->ebx;
		vcpu->gpr[VL_RCX] = e->ecx;
		vcpu->gpr[VL_RDX] = e->edx;
	} else {
		vcpu->gpr[VL_RAX] = 0;
		vcpu->gpr[VL_RBX] = 0;
		vcpu->gpr[VL_RCX] = 0;
		vcpu->gpr[VL_RDX] = 0;
	}
	vl_vcpu_skip(vcpu);
	return VL_RESUME;
}
