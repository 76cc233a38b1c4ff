// SPDX-License-Identifier: GPL-2.0-only
/*
 * MSRs: those the engine knows; any other goes to user space.
 * SDM vol. 4; vol. 3, 12.11 (MTRRs), 18.17 (TSC).
 */
#include <linux/kernel.h>
#include <asm/kvm_para.h>
#include <asm/msr.h>
#include <asm/nospec-branch.h>

#include "vcpu.h"
#include "vmx.h"
#include "vmx-lite.h"

/*
 * struct msr_range - MSRs @first to @last
 * @get: read; -EINVAL is #GP(0)
 * @set: write; @user: VM_SET_MSRS, which may restore what a guest may not write
 */
struct msr_range {
	u32 first;
	u32 last;
	int (*get)(struct vl_vcpu *vcpu, u32 index, u64 *value);
	int (*set)(struct vl_vcpu *vcpu, u32 index, u64 value, bool user);
};

/* ---- TSC ---- */

/**
 * vl_set_tsc_offset() - guest TSC = host TSC + offset
 * @vcpu: loaded
 * @offset: what to add
 */
void vl_set_tsc_offset(struct vl_vcpu *vcpu, u64 offset)
{
	WRITE_ONCE(vcpu->hw.tsc_offset, offset);
	vmcs_write(TSC_OFFSET, offset);
	vl_lapic_tsc_changed(vcpu);
}

static int get_tsc(struct vl_vcpu *vcpu, u32 index, u64 *value)
{
	*value = vl_vcpu_guest_tsc(vcpu);
	return 0;
}

static int set_tsc(struct vl_vcpu *vcpu, u32 index, u64 value, bool user)
{
	u64 delta = value - vl_vcpu_guest_tsc(vcpu);

	vl_set_tsc_offset(vcpu, vcpu->hw.tsc_offset + delta);
	if (!user)
		vcpu->hw.store.tsc_adjust += delta;
	return 0;
}

static int get_tsc_adjust(struct vl_vcpu *vcpu, u32 index, u64 *value)
{
	*value = vcpu->hw.store.tsc_adjust;
	return 0;
}

static int set_tsc_adjust(struct vl_vcpu *vcpu, u32 index, u64 value, bool user)
{
	struct vl_hw *hw = &vcpu->hw;

	if (!user)
		vl_set_tsc_offset(vcpu, hw->tsc_offset + value - hw->store.tsc_adjust);
	hw->store.tsc_adjust = value;
	return 0;
}

static int get_tsc_deadline(struct vl_vcpu *vcpu, u32 index, u64 *value)
{
	if (!vl_guest_has(vcpu, 1, 0, 2, 24))
		return -EINVAL;
	*value = vl_lapic_tsc_deadline(vcpu);
	return 0;
}

static int set_tsc_deadline(struct vl_vcpu *vcpu, u32 index, u64 value, bool user)
{
	if (!vl_guest_has(vcpu, 1, 0, 2, 24))
		return -EINVAL;
	vl_lapic_set_tsc_deadline(vcpu, value);
	return 0;
}

/* ---- local APIC ---- */

static int get_apic_base(struct vl_vcpu *vcpu, u32 index, u64 *value)
{
	*value = vl_lapic_base(vcpu);
	return 0;
}

static int set_apic_base(struct vl_vcpu *vcpu, u32 index, u64 value, bool user)
{
	int err = user ? vl_lapic_restore_base(vcpu, value) : vl_lapic_set_base(vcpu, value);

	vl_request(vcpu, VL_REQ_EVENT);
	vl_cpuid_update(vcpu);
	return err;
}

static int get_pv_eoi(struct vl_vcpu *vcpu, u32 index, u64 *value)
{
	*value = vcpu->hw.pv_eoi;
	return 0;
}

static int set_pv_eoi(struct vl_vcpu *vcpu, u32 index, u64 value, bool user)
{
	return vl_pv_eoi_set(vcpu, value);
}

static int get_x2apic(struct vl_vcpu *vcpu, u32 index, u64 *value)
{
	return vl_lapic_msr_read(vcpu, index, value);
}

static int set_x2apic(struct vl_vcpu *vcpu, u32 index, u64 value, bool user)
{
	vl_request(vcpu, VL_REQ_EVENT);
	return vl_lapic_msr_write(vcpu, index, value);
}

/* ---- what the VMCS holds ---- */

struct vmcs_msr {
	u32 index;
	u32 field;
	bool address;
};

static const struct vmcs_msr vmcs_msrs[] = {
	{ MSR_FS_BASE, GUEST_FS_BASE, true },
	{ MSR_GS_BASE, GUEST_GS_BASE, true },
	{ MSR_IA32_SYSENTER_CS, GUEST_SYSENTER_CS },
	{ MSR_IA32_SYSENTER_ESP, GUEST_SYSENTER_ESP, true },
	{ MSR_IA32_SYSENTER_EIP, GUEST_SYSENTER_EIP, true },
};

static const struct vmcs_msr *find_vmcs_msr(u32 index)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(vmcs_msrs); i++)
		if (vmcs_msrs[i].index == index)
			return &vmcs_msrs[i];
	return NULL;
}

static int get_vmcs(struct vl_vcpu *vcpu, u32 index, u64 *value)
{
	const struct vmcs_msr *msr = find_vmcs_msr(index);

	if (!msr)
		return -EINVAL;
	*value = vmcs_read(msr->field);
	return 0;
}

static int set_vmcs(struct vl_vcpu *vcpu, u32 index, u64 value, bool user)
{
	const struct vmcs_msr *msr = find_vmcs_msr(index);

	if (!msr || (msr->address && !vl_canonical(value)))
		return -EINVAL;
	vmcs_write(msr->field, msr->address ? value : (u32)value);
	return 0;
}

static int get_efer(struct vl_vcpu *vcpu, u32 index, u64 *value)
{
	*value = vcpu->hw.efer;
	return 0;
}

static int set_efer(struct vl_vcpu *vcpu, u32 index, u64 value, bool user)
{
	return vl_set_efer(vcpu, value);
}

static int get_pat(struct vl_vcpu *vcpu, u32 index, u64 *value)
{
	*value = vmcs_read(GUEST_IA32_PAT);
	return 0;
}

/* SDM vol. 3, 12.12.2: each byte 0, 1, 4, 5, 6 or 7. */
static int set_pat(struct vl_vcpu *vcpu, u32 index, u64 value, bool user)
{
	int i;

	for (i = 0; i < 64; i += 8) {
		u8 type = value >> i;

		if (type > 7 || type == 2 || type == 3)
			return -EINVAL;
	}
	vmcs_write(GUEST_IA32_PAT, value);
	return 0;
}

/* ---- what host.c switches ---- */

static int find_switched(u32 index)
{
	int i;

	for (i = 0; i < VL_NR_SWITCHED_MSRS; i++)
		if (vl_switched_msr_index(i) == index)
			return i;
	return -EINVAL;
}

static int get_switched(struct vl_vcpu *vcpu, u32 index, u64 *value)
{
	int i = find_switched(index);

	if (i < 0)
		return i;
	*value = vcpu->hw.msr[i];
	return 0;
}

static int set_switched(struct vl_vcpu *vcpu, u32 index, u64 value, bool user)
{
	int i = find_switched(index);

	if (i < 0)
		return i;
	if (i == VL_MSR_TSC_AUX &&
	    (!(vl_vmx.proc2 & SECONDARY_EXEC_ENABLE_RDTSCP) || value >> 32))
		return -EINVAL;
	if ((i == VL_MSR_LSTAR || i == VL_MSR_CSTAR) && !vl_canonical(value))
		return -EINVAL;
	if (i == VL_MSR_SYSCALL_MASK && value >> 32)
		return -EINVAL;
	preempt_disable();
	vcpu->hw.msr[i] = value;
	if (vcpu->hw.host.switched)
		wrmsrl(index, value);
	preempt_enable();
	return 0;
}

static int get_kernel_gs_base(struct vl_vcpu *vcpu, u32 index, u64 *value)
{
	preempt_disable();
	if (vcpu->hw.host.switched)
		rdmsrl(MSR_KERNEL_GS_BASE, vcpu->hw.kernel_gs_base);
	*value = vcpu->hw.kernel_gs_base;
	preempt_enable();
	return 0;
}

static int set_kernel_gs_base(struct vl_vcpu *vcpu, u32 index, u64 value, bool user)
{
	if (!vl_canonical(value))
		return -EINVAL;
	preempt_disable();
	vcpu->hw.kernel_gs_base = value;
	if (vcpu->hw.host.switched)
		wrmsrl(MSR_KERNEL_GS_BASE, value);
	preempt_enable();
	return 0;
}

/* ---- speculation ---- */

static int get_spec_ctrl(struct vl_vcpu *vcpu, u32 index, u64 *value)
{
	if (!boot_cpu_has(X86_FEATURE_MSR_SPEC_CTRL))
		return -EINVAL;
	*value = vcpu->hw.store.spec_ctrl;
	return 0;
}

static int set_spec_ctrl(struct vl_vcpu *vcpu, u32 index, u64 value, bool user)
{
	u64 allowed = 0;

	/* User space may promise the guest a bit that this CPU would answer with #GP. */
	if (vl_guest_has(vcpu, 7, 0, 3, 26) && boot_cpu_has(X86_FEATURE_SPEC_CTRL))
		allowed |= SPEC_CTRL_IBRS;
	if (vl_guest_has(vcpu, 7, 0, 3, 27) && boot_cpu_has(X86_FEATURE_INTEL_STIBP))
		allowed |= SPEC_CTRL_STIBP;
	if (vl_guest_has(vcpu, 7, 0, 3, 31) && boot_cpu_has(X86_FEATURE_SPEC_CTRL_SSBD))
		allowed |= SPEC_CTRL_SSBD;
	if (!boot_cpu_has(X86_FEATURE_MSR_SPEC_CTRL) || (value & ~allowed))
		return -EINVAL;
	vcpu->hw.store.spec_ctrl = value;
	return 0;
}

static int get_nothing(struct vl_vcpu *vcpu, u32 index, u64 *value)
{
	return -EINVAL;
}

static int set_pred_cmd(struct vl_vcpu *vcpu, u32 index, u64 value, bool user)
{
	if (!vl_guest_has(vcpu, 7, 0, 3, 26) || (value & ~(u64)PRED_CMD_IBPB))
		return -EINVAL;
	if (value)
		indirect_branch_prediction_barrier();
	return 0;
}

static int get_arch_capabilities(struct vl_vcpu *vcpu, u32 index, u64 *value)
{
	if (!vl_guest_has(vcpu, 7, 0, 3, 29))
		return -EINVAL;
	*value = vcpu->hw.store.arch_capabilities;
	return 0;
}

static int set_arch_capabilities(struct vl_vcpu *vcpu, u32 index, u64 value, bool user)
{
	if (!user)
		return -EINVAL;
	vcpu->hw.store.arch_capabilities = value;
	return 0;
}

/* ---- what is only remembered ---- */

#define MTRR_CAP	(VL_MTRR_VARIABLE | BIT(8) | BIT(10))

/* SDM vol. 4, table 2-2: IA32_MTRR... */
#define MTRR_CAP_MSR		0xfe
#define MTRR_VARIABLE_FIRST	0x200
#define MTRR_VARIABLE_LAST	(MTRR_VARIABLE_FIRST + 2 * VL_MTRR_VARIABLE - 1)
#define MTRR_FIX_64K		0x250
#define MTRR_FIX_16K_FIRST	0x258
#define MTRR_FIX_16K_LAST	0x259
#define MTRR_FIX_4K_FIRST	0x268
#define MTRR_FIX_4K_LAST	0x26f
#define MTRR_DEF_TYPE		0x2ff

/* The eleven fixed-range MTRRs in the order of mtrr_fixed. */
static const u32 fixed_mtrrs[VL_MTRR_FIXED] = {
	MTRR_FIX_64K, MTRR_FIX_16K_FIRST, MTRR_FIX_16K_LAST,
	MTRR_FIX_4K_FIRST, 0x269, 0x26a, 0x26b, 0x26c, 0x26d, 0x26e, MTRR_FIX_4K_LAST,
};

static bool is_variable_mtrr(u32 index)
{
	return index >= MTRR_VARIABLE_FIRST && index <= MTRR_VARIABLE_LAST;
}

static u64 *stored(struct vl_vcpu *vcpu, u32 index)
{
	struct vl_msr_store *s = &vcpu->hw.store;
	int i;

	switch (index) {
	case MTRR_DEF_TYPE:
		return &s->mtrr_def;
	case MSR_IA32_MISC_ENABLE:
		return &s->misc_enable;
	case MSR_IA32_UCODE_REV:
		return &s->bios_sign_id;
	}
	if (is_variable_mtrr(index))
		return &s->mtrr_var[index - MTRR_VARIABLE_FIRST];
	for (i = 0; i < VL_MTRR_FIXED; i++)
		if (fixed_mtrrs[i] == index)
			return &s->mtrr_fixed[i];
	return NULL;
}

static int get_stored(struct vl_vcpu *vcpu, u32 index, u64 *value)
{
	u64 *slot = stored(vcpu, index);

	if (!slot)
		return -EINVAL;
	*value = *slot;
	return 0;
}

static bool mtrr_type_valid(u8 type)
{
	return type <= 6 && type != 2 && type != 3;
}

/* SDM vol. 3, 12.11.2: types and reserved bits; EPT decides the real type. */
static bool mtrr_valid(struct vl_vcpu *vcpu, u32 index, u64 value)
{
	int i;

	if (index == MTRR_DEF_TYPE)
		return mtrr_type_valid(value) && !(value & ~0xcffULL);
	if (is_variable_mtrr(index)) {
		u64 high = ~GENMASK_ULL(vcpu->hw.maxphyaddr - 1, 0);

		if (index & 1)
			return !(value & (high | 0x7ff));
		return mtrr_type_valid(value) && !(value & (high | 0xf00));
	}
	for (i = 0; i < 64; i += 8)
		if (!mtrr_type_valid(value >> i))
			return false;
	return true;
}

static int set_mtrr(struct vl_vcpu *vcpu, u32 index, u64 value, bool user)
{
	u64 *slot = stored(vcpu, index);

	if (!slot || !mtrr_valid(vcpu, index, value))
		return -EINVAL;
	*slot = value;
	return 0;
}

static int set_misc_enable(struct vl_vcpu *vcpu, u32 index, u64 value, bool user)
{
	vcpu->hw.store.misc_enable = value;
	return 0;
}

/* A write triggers the microcode's CPUID trick; the revision stays. */
static int set_ucode_rev(struct vl_vcpu *vcpu, u32 index, u64 value, bool user)
{
	if (user)
		vcpu->hw.store.bios_sign_id = value;
	return 0;
}

/* ---- constants ---- */

static int get_mtrr_cap(struct vl_vcpu *vcpu, u32 index, u64 *value)
{
	*value = MTRR_CAP;
	return 0;
}

static int get_zero(struct vl_vcpu *vcpu, u32 index, u64 *value)
{
	*value = 0;
	return 0;
}

/* Locked, and VMX not allowed: a guest has no VT-x. */
static int get_feat_ctl(struct vl_vcpu *vcpu, u32 index, u64 *value)
{
	*value = FEAT_CTL_LOCKED;
	return 0;
}

static int set_readonly(struct vl_vcpu *vcpu, u32 index, u64 value, bool user)
{
	u64 now;

	/* Restoring a saved list must not fail over constants. */
	if (!user || vl_msr_get(vcpu, index, &now, true))
		return -EINVAL;
	return now == value ? 0 : -EINVAL;
}

static int set_zero(struct vl_vcpu *vcpu, u32 index, u64 value, bool user)
{
	return value ? -EINVAL : 0;
}

/* Sorted by number: the search is binary. */
static const struct msr_range ranges[] = {
	{ MSR_IA32_TSC, MSR_IA32_TSC, get_tsc, set_tsc },
	/* Platform 0; firmware looks for microcode by it. */
	{ MSR_IA32_PLATFORM_ID, MSR_IA32_PLATFORM_ID, get_zero, set_readonly },
	{ MSR_IA32_APICBASE, MSR_IA32_APICBASE, get_apic_base, set_apic_base },
	{ MSR_IA32_FEAT_CTL, MSR_IA32_FEAT_CTL, get_feat_ctl, set_readonly },
	{ MSR_IA32_TSC_ADJUST, MSR_IA32_TSC_ADJUST, get_tsc_adjust, set_tsc_adjust },
	{ MSR_IA32_SPEC_CTRL, MSR_IA32_SPEC_CTRL, get_spec_ctrl, set_spec_ctrl },
	{ MSR_IA32_PRED_CMD, MSR_IA32_PRED_CMD, get_nothing, set_pred_cmd },
	{ MSR_IA32_UCODE_REV, MSR_IA32_UCODE_REV, get_stored, set_ucode_rev },
	{ MTRR_CAP_MSR, MTRR_CAP_MSR, get_mtrr_cap, set_readonly },
	{ MSR_IA32_ARCH_CAPABILITIES, MSR_IA32_ARCH_CAPABILITIES, get_arch_capabilities,
	  set_arch_capabilities },
	{ MSR_IA32_SYSENTER_CS, MSR_IA32_SYSENTER_EIP, get_vmcs, set_vmcs },
	{ MSR_IA32_MCG_CAP, MSR_IA32_MCG_CAP, get_zero, set_readonly },
	{ MSR_IA32_MCG_STATUS, MSR_IA32_MCG_STATUS, get_zero, set_zero },
	{ MSR_IA32_MISC_ENABLE, MSR_IA32_MISC_ENABLE, get_stored, set_misc_enable },
	{ MTRR_VARIABLE_FIRST, MTRR_VARIABLE_LAST, get_stored, set_mtrr },
	{ MTRR_FIX_64K, MTRR_FIX_64K, get_stored, set_mtrr },
	{ MTRR_FIX_16K_FIRST, MTRR_FIX_16K_LAST, get_stored, set_mtrr },
	{ MTRR_FIX_4K_FIRST, MTRR_FIX_4K_LAST, get_stored, set_mtrr },
	{ MSR_IA32_CR_PAT, MSR_IA32_CR_PAT, get_pat, set_pat },
	{ MTRR_DEF_TYPE, MTRR_DEF_TYPE, get_stored, set_mtrr },
	{ MSR_IA32_TSC_DEADLINE, MSR_IA32_TSC_DEADLINE, get_tsc_deadline, set_tsc_deadline },
	{ 0x800, 0x8ff, get_x2apic, set_x2apic },
	{ MSR_KVM_PV_EOI_EN, MSR_KVM_PV_EOI_EN, get_pv_eoi, set_pv_eoi },
	{ MSR_EFER, MSR_EFER, get_efer, set_efer },
	{ MSR_STAR, MSR_SYSCALL_MASK, get_switched, set_switched },
	{ MSR_FS_BASE, MSR_GS_BASE, get_vmcs, set_vmcs },
	{ MSR_KERNEL_GS_BASE, MSR_KERNEL_GS_BASE, get_kernel_gs_base, set_kernel_gs_base },
	{ MSR_TSC_AUX, MSR_TSC_AUX, get_switched, set_switched },
};

static const struct msr_range *find_range(u32 index)
{
	int low = 0, high = ARRAY_SIZE(ranges);

	while (low < high) {
		int mid = (low + high) / 2;

		if (index > ranges[mid].last)
			low = mid + 1;
		else if (index < ranges[mid].first)
			high = mid;
		else
			return &ranges[mid];
	}
	return NULL;
}

/**
 * vl_msr_get() - read an MSR of the guest
 * @vcpu: loaded
 * @index: its number
 * @value: out
 * @user: VM_GET_MSRS, not the guest
 * Return: 0; -EINVAL where RDMSR would raise #GP(0); -ENOENT if it is not ours.
 */
int vl_msr_get(struct vl_vcpu *vcpu, u32 index, u64 *value, bool user)
{
	const struct msr_range *range = find_range(index);

	return range ? range->get(vcpu, index, value) : -ENOENT;
}

/**
 * vl_msr_set() - write an MSR of the guest
 * @vcpu: the vCPU, loaded
 * @user: VM_SET_MSRS, not the guest
 * @index: its number
 * @value: what it is to be
 * Return: as vl_msr_get().
 */
int vl_msr_set(struct vl_vcpu *vcpu, u32 index, u64 value, bool user)
{
	const struct msr_range *range = find_range(index);

	return range ? range->set(vcpu, index, value, user) : -ENOENT;
}

/**
 * vl_msr_init() - values a new vCPU takes from the host
 * @vcpu: the vCPU
 */
void vl_msr_init(struct vl_vcpu *vcpu)
{
	const u64 caps = ARCH_CAP_RDCL_NO | ARCH_CAP_IBRS_ALL | ARCH_CAP_SKIP_VMENTRY_L1DFLUSH |
			 ARCH_CAP_SSB_NO | ARCH_CAP_MDS_NO | ARCH_CAP_PSCHANGE_MC_NO |
			 ARCH_CAP_TAA_NO;
	struct vl_msr_store *store = &vcpu->hw.store;
	u64 host = 0;

	if (boot_cpu_has(X86_FEATURE_ARCH_CAPABILITIES))
		rdmsrl_safe(MSR_IA32_ARCH_CAPABILITIES, &host);
	store->arch_capabilities = host & caps;
	store->bios_sign_id = (u64)boot_cpu_data.microcode << 32;
}

/**
 * vl_msr_reset() - values after RESET
 * @vcpu: loaded
 */
void vl_msr_reset(struct vl_vcpu *vcpu)
{
	struct vl_hw *hw = &vcpu->hw;
	struct vl_msr_store *s = &hw->store;

	memset(hw->msr, 0, sizeof(hw->msr));
	hw->kernel_gs_base = 0;
	s->mtrr_def = 0;
	memset(s->mtrr_fixed, 0, sizeof(s->mtrr_fixed));
	memset(s->mtrr_var, 0, sizeof(s->mtrr_var));
	s->misc_enable = MSR_IA32_MISC_ENABLE_FAST_STRING;
	s->tsc_adjust = 0;
	s->spec_ctrl = 0;
	vmcs_write(GUEST_IA32_PAT, 0x0007040600070406ULL);
	vmcs_write(GUEST_SYSENTER_CS, 0);
	vmcs_write(GUEST_SYSENTER_ESP, 0);
	vmcs_write(GUEST_SYSENTER_EIP, 0);
	vl_set_tsc_offset(vcpu, READ_ONCE(vcpu->vm->tsc_offset));
}

static int msr_to_user(struct vl_vcpu *vcpu, bool write, u32 index, u64 value)
{
	struct vmx_lite_run *run = vcpu->run;

	run->msr.index = index;
	run->msr.error = 0;
	run->msr.value = value;
	run->rip = vmcs_read(GUEST_RIP);
	run->insn_len = vmcs_read32(VM_EXIT_INSTRUCTION_LEN);
	vcpu->hw.completion = write ? VL_COMPLETE_WRMSR : VL_COMPLETE_RDMSR;
	vcpu->hw.msr_write = write;
	return vl_exit_to_user(vcpu, write ? VM_EXITCODE_WRMSR : VM_EXITCODE_RDMSR);
}

static void set_edx_eax(struct vl_vcpu *vcpu, u64 value)
{
	vcpu->gpr[VL_RAX] = (u32)value;
	vcpu->gpr[VL_RDX] = value >> 32;
}

/**
 * vl_exit_rdmsr() - exit reason 31
 * @vcpu: the vCPU, loaded
 * Return: VL_RESUME, VL_TO_USER with the run page filled, or -errno.
 */
int vl_exit_rdmsr(struct vl_vcpu *vcpu)
{
	u32 index = vcpu->gpr[VL_RCX];
	u64 value;
	int err = vl_msr_get(vcpu, index, &value, false);

	if (err == -ENOENT)
		return msr_to_user(vcpu, false, index, 0);
	if (err) {
		vl_inject_gp(vcpu);
		return VL_RESUME;
	}
	set_edx_eax(vcpu, value);
	vl_vcpu_skip(vcpu);
	return VL_RESUME;
}

/**
 * vl_exit_wrmsr() - exit reason 32
 * @vcpu: the vCPU, loaded
 * Return: VL_RESUME, VL_TO_USER with the run page filled, or -errno.
 */
int vl_exit_wrmsr(struct vl_vcpu *vcpu)
{
	u32 index = vcpu->gpr[VL_RCX];
	u64 value = (u32)vcpu->gpr[VL_RAX] | vcpu->gpr[VL_RDX] << 32;
	int err = vl_msr_set(vcpu, index, value, false);

	if (err == -ENOENT)
		return msr_to_user(vcpu, true, index, value);
	if (err)
		vl_inject_gp(vcpu);
	else
		vl_vcpu_skip(vcpu);
	return VL_RESUME;
}

/**
 * vl_complete_msr() - user space has answered
 * @vcpu: the vCPU, loaded
 * Return: VL_RESUME, VL_TO_USER with the run page filled, or -errno.
 */
int vl_complete_msr(struct vl_vcpu *vcpu)
{
	const struct vmx_lite_run *run = vcpu->run;

	if (READ_ONCE(run->msr.error)) {
		vl_inject_gp(vcpu);
		return VL_RESUME;
	}
	if (!vcpu->hw.msr_write)
		set_edx_eax(vcpu, READ_ONCE(run->msr.value));
	vl_vcpu_skip(vcpu);
	return VL_RESUME;
}
