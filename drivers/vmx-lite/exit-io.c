// SPDX-License-Identifier: GPL-2.0-only
/*
 * Port I/O: exit reason 30.  SDM vol. 3, table 28-5.  No port is emulated in
 * the kernel; a write may be an ioeventfd.
 */
#include <linux/kernel.h>

#include "vcpu.h"
#include "vmx-lite.h"

#define IO_SIZE(q)	(((q) & 7) + 1)
#define IO_IN		BIT(3)
#define IO_STRING	BIT(4)
#define IO_REP		BIT(5)
#define IO_PORT(q)	((q) >> 16)

static void *io_data(struct vl_vcpu *vcpu)
{
	return (void *)vcpu->run + VL_DATA_OFFSET;
}

/**
 * vl_exit_io() - IN, OUT, INS, OUTS
 * @vcpu: the vCPU, loaded
 * Return: VL_RESUME, VL_TO_USER with the run page filled, or -errno.
 */
int vl_exit_io(struct vl_vcpu *vcpu)
{
	struct vmx_lite_run *run = vcpu->run;
	u32 qualification = vmcs_read(EXIT_QUALIFICATION);
	unsigned int size = IO_SIZE(qualification);
	u16 port = IO_PORT(qualification);
	u32 value = vcpu->gpr[VL_RAX];

	if (qualification & IO_STRING) {
		vcpu->hw.string_port = port;
		return vl_string_start(vcpu);
	}

	if (qualification & IO_IN) {
		run->inout.flags = VMX_LITE_INOUT_IN;
		vcpu->hw.completion = VL_COMPLETE_IN;
		vcpu->hw.in_size = size;
	} else {
		if (size < 4)
			value &= (1U << (8 * size)) - 1;
		if (vl_ioeventfd_signal(vcpu->vm, true, port, size, value)) {
			vl_vcpu_skip(vcpu);
			return VL_RESUME;
		}
		memcpy(io_data(vcpu), &value, sizeof(value));
		run->inout.flags = 0;
		vcpu->hw.completion = VL_COMPLETE_OUT;
	}
	run->inout.port = port;
	run->inout.size = size;
	run->inout.count = 1;
	/* Kept where user space cannot change them. */
	vcpu->hw.io_rip = vmcs_read(GUEST_RIP);
	vcpu->hw.io_len = vmcs_read32(VM_EXIT_INSTRUCTION_LEN);
	run->rip = vcpu->hw.io_rip;
	run->insn_len = vcpu->hw.io_len;
	return vl_exit_to_user(vcpu, VM_EXITCODE_INOUT);
}

/**
 * vl_complete_out() - an OUT that user space has seen
 * @vcpu: the vCPU, loaded
 * Return: VL_RESUME, VL_TO_USER with the run page filled, or -errno.
 */
int vl_complete_out(struct vl_vcpu *vcpu)
{
	vl_vcpu_skip_from(vcpu, vcpu->hw.io_rip, vcpu->hw.io_len);
	return VL_RESUME;
}

/**
 * vl_complete_in() - an IN whose data user space has supplied
 * @vcpu: the vCPU, loaded
 * Return: VL_RESUME, VL_TO_USER with the run page filled, or -errno.
 */
int vl_complete_in(struct vl_vcpu *vcpu)
{
	u64 *rax = &vcpu->gpr[VL_RAX];
	u32 value;

	memcpy(&value, io_data(vcpu), sizeof(value));
	switch (vcpu->hw.in_size) {
	case 1:
		*rax = (*rax & ~0xffULL) | (u8)value;
		break;
	case 2:
		*rax = (*rax & ~0xffffULL) | (u16)value;
		break;
	default:
		*rax = value;
		break;
	}
	return vl_complete_out(vcpu);
}
