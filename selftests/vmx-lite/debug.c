// SPDX-License-Identifier: GPL-2.0-only
/*
 * #DB and #BP: the guest's own, and the DEBUG exit; single steps over what
 * exits; breakpoint registers, and that they are the guest's alone.
 */
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/user.h>

#include <kselftest_harness.h>

#include "vl.h"

#define DR6_BS		(1ULL << 14)
#define DR6_BD		(1ULL << 13)
#define DR6_INIT	0xffff0ff0ULL
#define DR7_INIT	0x400ULL
#define DR7_GD		(1ULL << 13)
#define FLAG_RF		(1ULL << 16)

/* Why most of this is skipped there. */
#define BOCHS_RIP	"Bochs gives a #DB trap the RIP of the instruction before"

FIXTURE(debug) {
	struct vl_vm vm;
	struct vl_vcpu vcpu;
};

FIXTURE_SETUP(debug)
{
	vl_vm_init(&self->vm, 0);
	vl_vcpu_init(&self->vcpu, &self->vm, 0, VL_LONG);
}

FIXTURE_TEARDOWN(debug)
{
	vl_vcpu_exit(&self->vcpu);
	vl_vm_exit(&self->vm);
}

static uint64_t get_dr6(struct vl_vcpu *vcpu)
{
	struct vmx_lite_debug d = { 0 };

	if (vl_ioctl(vcpu->fd, VM_GET_DEBUG, &d))
		vl_die("GET_DEBUG");
	return d.dr6;
}

/* @kind: 0 execute, 1 write, 3 read or write; @len: 0 to 3 as in DR7 */
static void set_breakpoint(struct vl_vcpu *vcpu, uint64_t addr, unsigned int kind,
			   unsigned int len)
{
	struct vmx_lite_debug d = {
		.dr2 = addr, .dr6 = DR6_INIT, .dr7 = DR7_INIT | 1 << 5 | kind << 24 | len << 26,
	};

	if (vl_ioctl(vcpu->fd, VM_SET_DEBUG, &d))
		vl_die("SET_DEBUG");
}

/*
 * Single steps over instructions that exit: the engine emulates each, and a
 * #DB must follow each (SDM vol. 3, 18.3.1.4).  A table of code, one
 * instruction a line; between them no step may be lost or doubled.
 */
VL_GUEST(steps, 64,
	 "nop;"
	 "cpuid;"			/* in the kernel */
	 "out %al, $0x80;"		/* in user space */
	 "in $0x80, %al;"
	 "mov %eax, 0x40000000;"	/* MMIO */
	 "mov 0x40000000, %eax;"
	 "rdmsr;"			/* of EFER: in the kernel */
	 "push %rax;"
	 "nop;"
	 "hlt");
static const uint8_t step_ends[] = { 1, 3, 5, 7, 14, 21, 23, 24, 25 };

TEST_F(debug, single_step)
{
	struct vl_vcpu *vcpu = &self->vcpu;
	struct vmx_lite_regs regs = {
		.rip = VL_CODE, .rsp = VL_STACK, .rcx = 0xc0000080,
		.rflags = VL_FLAGS | VL_FLAG_TF,
	};
	struct vl_frame frame;
	unsigned int i = 0;
	int exit;

	if (vl_under_bochs())
		SKIP(return, BOCHS_RIP);
	vl_load(&self->vm, VL_CODE, steps);
	/* CPUID overwrites ECX: leave RDMSR an index that exists in any case. */
	vl_set_regs(vcpu, &regs);
	while ((exit = vl_run(vcpu)) != VM_EXITCODE_HLT) {
		if (exit == VM_EXITCODE_MMIO || exit == VM_EXITCODE_RDMSR)
			continue;
		ASSERT_EQ(VM_EXITCODE_INOUT, exit) vl_describe(vcpu, exit);
		if (vcpu->run->inout.port == 0x80)
			continue;
		ASSERT_EQ(VL_PORT_VECTOR, vcpu->run->inout.port);
		ASSERT_EQ(1, *(uint8_t *)vcpu->data);
		vl_get_frame(vcpu, 1, &frame);
		ASSERT_GT(ARRAY_SIZE(step_ends), i);
		EXPECT_EQ(VL_CODE + step_ends[i], frame.rip);
		EXPECT_EQ(VL_FLAG_TF, frame.rflags & VL_FLAG_TF);
		EXPECT_EQ(DR6_INIT | DR6_BS, get_dr6(vcpu));
		i++;
	}
	EXPECT_EQ(ARRAY_SIZE(step_ends), i);
}

/* The same, with #DB given to user space. */
TEST_F(debug, single_step_exit)
{
	struct vl_vcpu *vcpu = &self->vcpu;
	struct vmx_lite_regs regs;
	unsigned int i = 0;
	int exit;

	if (vl_under_bochs())
		SKIP(return, BOCHS_RIP);
	vl_load(&self->vm, VL_CODE, steps);
	ASSERT_EQ(0, vl_set_cap(vcpu, VM_CAP_DEBUG_EXIT, 1));
	vl_start(vcpu, VL_CODE, VL_FLAGS | VL_FLAG_TF);
	while ((exit = vl_run(vcpu)) != VM_EXITCODE_HLT) {
		if (exit == VM_EXITCODE_MMIO || exit == VM_EXITCODE_RDMSR ||
		    exit == VM_EXITCODE_INOUT)
			continue;
		ASSERT_EQ(VM_EXITCODE_DEBUG, exit) vl_describe(vcpu, exit);
		ASSERT_EQ(1, vcpu->run->debug.vector);
		EXPECT_EQ(DR6_BS, vcpu->run->debug.dr6 & (DR6_BS | DR6_BD | 15));
		ASSERT_GT(ARRAY_SIZE(step_ends), i);
		EXPECT_EQ(VL_CODE + step_ends[i], vcpu->run->rip);
		vl_get_regs(vcpu, &regs);
		EXPECT_EQ(VL_CODE + step_ends[i], regs.rip);
		i++;
	}
	EXPECT_EQ(ARRAY_SIZE(step_ends), i);
}

/*
 * STI with TF: #DB after STI itself; then with a blocked interrupt pending,
 * HLT: the shadow must not make the entry fail (SDM vol. 3, 27.3.1.5: with
 * TF and STI blocking pending BS must be 1).
 */
VL_GUEST(sti_step, 64, "sti; out %al, $0x80; nop; hlt");

TEST_F(debug, step_in_sti_shadow)
{
	struct vl_vcpu *vcpu = &self->vcpu;
	struct vl_frame frame;

	if (vl_under_bochs())
		SKIP(return, BOCHS_RIP);
	if (vl_under_tcg())
		SKIP(return, "TCG loses the #DB that follows STI");
	vl_load(&self->vm, VL_CODE, sti_step);
	vl_start(vcpu, VL_CODE, VL_FLAGS | VL_FLAG_TF);
	ASSERT_VECTOR(1, vcpu);
	vl_get_frame(vcpu, 1, &frame);
	EXPECT_EQ(VL_CODE + 1, frame.rip);
	ASSERT_OUT(0x80, 0, vcpu);
	ASSERT_VECTOR(1, vcpu);
	vl_get_frame(vcpu, 1, &frame);
	EXPECT_EQ(VL_CODE + 3, frame.rip);
	ASSERT_VECTOR(1, vcpu);
	vl_get_frame(vcpu, 1, &frame);
	EXPECT_EQ(VL_CODE + 4, frame.rip);
	ASSERT_EXIT(VM_EXITCODE_HLT, vcpu);
}

/* An exit within the shadow: STI, then OUT; and after MOV SS, CPUID. */
VL_GUEST(shadow_exit, 64, "sti; out %al, $0x80; mov %ss, %eax; mov %eax, %ss; cpuid; nop; hlt");

TEST_F(debug, exit_in_shadow)
{
	struct vmx_lite_events e;

	vl_load(&self->vm, VL_CODE, shadow_exit);
	ASSERT_OUT(0x80, 0, &self->vcpu);
	ASSERT_EQ(0, vl_ioctl(self->vcpu.fd, VM_GET_EVENTS, &e));
	EXPECT_EQ(VMX_LITE_BLOCK_STI, e.interruptibility);
	ASSERT_EXIT(VM_EXITCODE_HLT, &self->vcpu);
	/* Each instruction that was emulated ended the shadow. */
	ASSERT_EQ(0, vl_ioctl(self->vcpu.fd, VM_GET_EVENTS, &e));
	EXPECT_EQ(0, e.interruptibility);
}

/* MOV SS holds back the #DB of the step until after the next instruction. */
VL_GUEST(ss_step, 64, "mov %ss, %eax; mov %eax, %ss; nop; nop; hlt");

TEST_F(debug, step_over_mov_ss)
{
	static const uint8_t ends[] = { 2, 5, 6 };
	struct vl_frame frame;
	unsigned int i;

	if (vl_under_bochs())
		SKIP(return, BOCHS_RIP);
	vl_load(&self->vm, VL_CODE, ss_step);
	vl_start(&self->vcpu, VL_CODE, VL_FLAGS | VL_FLAG_TF);
	for (i = 0; i < ARRAY_SIZE(ends); i++) {
		ASSERT_VECTOR(1, &self->vcpu);
		vl_get_frame(&self->vcpu, 1, &frame);
		EXPECT_EQ(VL_CODE + ends[i], frame.rip);
	}
	ASSERT_EXIT(VM_EXITCODE_HLT, &self->vcpu);
}

/* INT3, INT1, INTO's place is 32-bit code; INT n. */
VL_GUEST(int3, 64, "int3; nop; hlt");
VL_GUEST(int1, 64, ".byte 0xf1; nop; hlt");
VL_GUEST(intn, 64, "int $0x80; .byte 0xcd, 3; hlt");

TEST_F(debug, int3)
{
	struct vl_vcpu *vcpu = &self->vcpu;
	struct vl_frame frame;
	struct vmx_lite_regs regs;

	vl_load(&self->vm, VL_CODE, int3);
	ASSERT_VECTOR(3, vcpu);
	vl_get_frame(vcpu, 3, &frame);
	EXPECT_EQ(VL_CODE + 1, frame.rip);
	ASSERT_EXIT(VM_EXITCODE_HLT, vcpu);

	/* To user space; then given back, as a debugger would that did not set it. */
	ASSERT_EQ(0, vl_set_cap(vcpu, VM_CAP_DEBUG_EXIT, 1));
	vl_start(vcpu, VL_CODE, VL_FLAGS);
	ASSERT_EXIT(VM_EXITCODE_DEBUG, vcpu);
	EXPECT_EQ(3, vcpu->run->debug.vector);
	EXPECT_EQ(1, vcpu->run->insn_len);
	vl_get_regs(vcpu, &regs);
	EXPECT_EQ(vcpu->run->rip, regs.rip);
	/* A debugger puts the instruction back and lets it run from there. */
	vl_load_bytes(&self->vm, VL_CODE, 0x90);
	regs.rip = VL_CODE;
	vl_set_regs(vcpu, &regs);
	ASSERT_EXIT(VM_EXITCODE_HLT, vcpu);
	EXPECT_EQ(VL_CODE + 3, vcpu->run->rip);
}

TEST_F(debug, int1)
{
	struct vl_frame frame;

	if (vl_under_tcg())
		SKIP(return, "TCG does not know INT1");
	vl_load(&self->vm, VL_CODE, int1);
	ASSERT_VECTOR(1, &self->vcpu);
	vl_get_frame(&self->vcpu, 1, &frame);
	EXPECT_EQ(VL_CODE + 1, frame.rip);
	EXPECT_EQ(DR6_INIT, get_dr6(&self->vcpu));
	ASSERT_EXIT(VM_EXITCODE_HLT, &self->vcpu);
}

TEST_F(debug, int_n)
{
	struct vl_frame frame;

	vl_load(&self->vm, VL_CODE, intn);
	vl_start(&self->vcpu, VL_CODE, VL_FLAGS);
	ASSERT_VECTOR(0x80, &self->vcpu);
	vl_get_frame(&self->vcpu, 0x80, &frame);
	EXPECT_EQ(VL_CODE + 2, frame.rip);
	ASSERT_VECTOR(3, &self->vcpu);
	vl_get_frame(&self->vcpu, 3, &frame);
	EXPECT_EQ(VL_CODE + 4, frame.rip);
	ASSERT_EXIT(VM_EXITCODE_HLT, &self->vcpu);
}

/* mov %eax, 0x20000; mov 0x20000, %ebx; nop; nop; hlt */
static const uint8_t watched[] = { 0x89, 0x04, 0x25, 0, 0, 2, 0, 0x8b, 0x1c, 0x25, 0, 0, 2, 0,
				   0x90, 0x90, 0xf4 };

TEST_F(debug, hardware_breakpoints)
{
	struct vl_vcpu *vcpu = &self->vcpu;
	struct vl_frame frame;

	if (vl_under_bochs())
		SKIP(return, BOCHS_RIP);
	memcpy(self->vm.ram + VL_CODE, watched, sizeof(watched));
	/* Execution: a fault, before the instruction; RF set in the frame lets it pass. */
	set_breakpoint(vcpu, VL_CODE + 14, 0, 0);
	ASSERT_VECTOR(1, vcpu);
	vl_get_frame(vcpu, 1, &frame);
	EXPECT_EQ(VL_CODE + 14, frame.rip);
	EXPECT_EQ(DR6_INIT | 4, get_dr6(vcpu));
	if (!vl_under_tcg()) {
		EXPECT_EQ(FLAG_RF, frame.rflags & FLAG_RF);
		ASSERT_EXIT(VM_EXITCODE_HLT, vcpu);
	}
	/* A write of four bytes: a trap, after it. */
	set_breakpoint(vcpu, VL_DATA, 1, 3);
	vl_start(vcpu, VL_CODE, VL_FLAGS);
	ASSERT_VECTOR(1, vcpu);
	vl_get_frame(vcpu, 1, &frame);
	EXPECT_EQ(VL_CODE + 7, frame.rip);
	EXPECT_EQ(DR6_INIT | 4, get_dr6(vcpu));
	ASSERT_EXIT(VM_EXITCODE_HLT, vcpu);
	/* Read or write: both. */
	set_breakpoint(vcpu, VL_DATA, 3, 3);
	vl_start(vcpu, VL_CODE, VL_FLAGS);
	ASSERT_VECTOR(1, vcpu);
	ASSERT_VECTOR(1, vcpu);
	vl_get_frame(vcpu, 1, &frame);
	EXPECT_EQ(VL_CODE + 14, frame.rip);
	ASSERT_EXIT(VM_EXITCODE_HLT, vcpu);
}

TEST_F(debug, hardware_breakpoint_exit)
{
	struct vl_vcpu *vcpu = &self->vcpu;

	if (vl_under_bochs())
		SKIP(return, BOCHS_RIP);
	memcpy(self->vm.ram + VL_CODE, watched, sizeof(watched));
	ASSERT_EQ(0, vl_set_cap(vcpu, VM_CAP_DEBUG_EXIT, 1));
	set_breakpoint(vcpu, VL_DATA, 1, 3);
	ASSERT_EXIT(VM_EXITCODE_DEBUG, vcpu);
	EXPECT_EQ(1, vcpu->run->debug.vector);
	EXPECT_EQ(4, vcpu->run->debug.dr6 & (DR6_BS | DR6_BD | 15));
	EXPECT_EQ(VL_CODE + 7, vcpu->run->rip);
	ASSERT_EXIT(VM_EXITCODE_HLT, vcpu);
}

VL_GUEST(dr_read, 64, "mov %dr0, %rax; mov %dr3, %rbx; mov %dr6, %rcx; mov %dr7, %rdx; hlt");
VL_GUEST(dr_write, 64,
	 "mov $0x1234, %eax; mov %rax, %dr1; mov $0x402, %eax; mov %rax, %dr7;"
	 "xor %eax, %eax; mov %rax, %dr6; hlt");

TEST_F(debug, registers)
{
	struct vmx_lite_debug d = { 0x1111, 0x2222, 0x3333, 0xffff800000004444ULL,
				    DR6_INIT | 3, DR7_INIT };
	struct vmx_lite_regs regs;

	ASSERT_EQ(0, vl_ioctl(self->vcpu.fd, VM_SET_DEBUG, &d));
	vl_load(&self->vm, VL_CODE, dr_read);
	ASSERT_EXIT(VM_EXITCODE_HLT, &self->vcpu);
	vl_get_regs(&self->vcpu, &regs);
	EXPECT_EQ(0x1111, regs.rax);
	EXPECT_EQ(0xffff800000004444ULL, regs.rbx);
	EXPECT_EQ(DR6_INIT | 3, regs.rcx);
	EXPECT_EQ(DR7_INIT, regs.rdx);

	vl_load(&self->vm, VL_CODE, dr_write);
	vl_start(&self->vcpu, VL_CODE, VL_FLAGS);
	ASSERT_EXIT(VM_EXITCODE_HLT, &self->vcpu);
	ASSERT_EQ(0, vl_ioctl(self->vcpu.fd, VM_GET_DEBUG, &d));
	EXPECT_EQ(0x1111, d.dr0);
	EXPECT_EQ(0x1234, d.dr1);
	EXPECT_EQ(0x402, d.dr7);
	EXPECT_EQ(DR6_INIT, d.dr6);
}

/* DR7.GD: MOV of a debug register is #DB with BD, and GD is cleared (SDM vol. 3, 18.2.4). */
TEST_F(debug, general_detect)
{
	struct vmx_lite_debug d = { .dr6 = DR6_INIT, .dr7 = DR7_INIT | DR7_GD };
	struct vl_frame frame;

	ASSERT_EQ(0, vl_ioctl(self->vcpu.fd, VM_SET_DEBUG, &d));
	vl_load(&self->vm, VL_CODE, dr_read);
	ASSERT_VECTOR(1, &self->vcpu);
	vl_get_frame(&self->vcpu, 1, &frame);
	EXPECT_EQ(VL_CODE, frame.rip);
	EXPECT_EQ(DR6_INIT | DR6_BD, get_dr6(&self->vcpu));
	ASSERT_EXIT(VM_EXITCODE_HLT, &self->vcpu);
}

/*
 * The host's breakpoints are the host's: a traced child with a watchpoint runs
 * a guest that has its own, and at the end the child's still fires.
 */
static volatile int watched_int;

static void traced_child(void)
{
	struct vl_vm vm;
	struct vl_vcpu vcpu;
	unsigned int i;

	vl_vm_init(&vm, 0);
	vl_vcpu_init(&vcpu, &vm, 0, VL_LONG);
	memcpy(vm.ram + VL_CODE, watched, sizeof(watched));
	set_breakpoint(&vcpu, VL_DATA, 1, 3);
	ptrace(PTRACE_TRACEME, 0, NULL, NULL);
	raise(SIGSTOP);
	for (i = 0; i < 10; i++) {
		vl_start(&vcpu, VL_CODE, VL_FLAGS);
		if (vl_run(&vcpu) != VM_EXITCODE_INOUT || *(uint8_t *)vcpu.data != 1)
			_exit(1);
		if (vl_run(&vcpu) != VM_EXITCODE_HLT)
			_exit(2);
		watched_int = i;
	}
	_exit(0);
}

static int poke_dr(pid_t pid, unsigned int n, unsigned long value)
{
	return ptrace(PTRACE_POKEUSER, pid, offsetof(struct user, u_debugreg[n]), value);
}

TEST_F(debug, host_breakpoints)
{
	unsigned int traps = 0;
	int status;
	pid_t pid;

	if (vl_under_bochs())
		SKIP(return, BOCHS_RIP);
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid)
		traced_child();
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	ASSERT_TRUE(WIFSTOPPED(status));
	ASSERT_EQ(0, poke_dr(pid, 0, (uintptr_t)&watched_int));
	ASSERT_EQ(0, poke_dr(pid, 7, 1 | 1 << 16 | 3 << 18));
	for (;;) {
		ASSERT_EQ(0, ptrace(PTRACE_CONT, pid, NULL, NULL));
		ASSERT_EQ(pid, waitpid(pid, &status, 0));
		if (!WIFSTOPPED(status))
			break;
		ASSERT_EQ(SIGTRAP, WSTOPSIG(status));
		traps++;
	}
	EXPECT_EQ(0, status);
	EXPECT_EQ(10, traps);
}

TEST_HARNESS_MAIN
