// SPDX-License-Identifier: GPL-2.0-only
/*
 * HLT, PAUSE, MTRAP, INTR and SUSPENDED; the capabilities that ask for some of
 * them; the TSC and the statistics.
 */
#include <pthread.h>
#include <signal.h>
#include <sys/time.h>
#include <x86intrin.h>

#include <kselftest_harness.h>

#include "vl.h"

FIXTURE(exits) {
	struct vl_vm vm;
	struct vl_vcpu vcpu;
};

FIXTURE_SETUP(exits)
{
	vl_vm_init(&self->vm, 0);
	vl_vcpu_init(&self->vcpu, &self->vm, 0, VL_LONG);
}

FIXTURE_TEARDOWN(exits)
{
	vl_vcpu_exit(&self->vcpu);
	vl_vm_exit(&self->vm);
}

/* ------------------------------------------------------------ capabilities */

static int get_cap(struct vl_vcpu *vcpu, uint32_t type, uint32_t *value)
{
	struct vmx_lite_capability cap = { .type = type, .value = 0 };
	int ret = vl_ioctl(vcpu->fd, VM_GET_CAPABILITY, &cap);

	*value = cap.value;
	return ret;
}

TEST_F(exits, capabilities)
{
	uint32_t value, type, missing = 0;

	if (!(self->vm.info.features & VMX_LITE_FEAT_MTRAP))
		missing |= 1 << VM_CAP_MTRAP_EXIT;
	if (!(self->vm.info.features & VMX_LITE_FEAT_PAUSE_EXIT))
		missing |= 1 << VM_CAP_PAUSE_EXIT;
	for (type = 0; type < VM_CAP_MAX; type++) {
		if (missing & 1 << type) {
			EXPECT_EQ(-ENODEV, vl_set_cap(&self->vcpu, type, 1));
			EXPECT_EQ(-ENODEV, get_cap(&self->vcpu, type, &value));
			continue;
		}
		EXPECT_EQ(0, get_cap(&self->vcpu, type, &value));
		/* The helper turned HALT_EXIT on. */
		EXPECT_EQ(type == VM_CAP_HALT_EXIT, value);
		EXPECT_EQ(0, vl_set_cap(&self->vcpu, type, 1));
		EXPECT_EQ(0, get_cap(&self->vcpu, type, &value));
		EXPECT_EQ(1, value);
		EXPECT_EQ(-EINVAL, vl_set_cap(&self->vcpu, type, 2));
		EXPECT_EQ(0, vl_set_cap(&self->vcpu, type, 0));
		EXPECT_EQ(0, get_cap(&self->vcpu, type, &value));
		EXPECT_EQ(0, value);
	}
	EXPECT_EQ(-EINVAL, vl_set_cap(&self->vcpu, VM_CAP_MAX, 0));
	EXPECT_EQ(-EINVAL, get_cap(&self->vcpu, VM_CAP_MAX, &value));
	EXPECT_EQ(-EINVAL, vl_set_cap(&self->vcpu, ~0U, 1));
}

/* ------------------------------------------------------------ HLT, PAUSE, MTRAP */

TEST_F(exits, hlt)
{
	unsigned int i;

	vl_load_bytes(&self->vm, VL_CODE, 0xf4, 0xf4, 0xf4);
	for (i = 1; i <= 3; i++) {
		ASSERT_EXIT(VM_EXITCODE_HLT, &self->vcpu);
		EXPECT_EQ(VL_CODE + i, self->vcpu.run->rip);
		EXPECT_EQ(1, self->vcpu.run->insn_len);
	}
}

static void on_alarm(int signo)
{
	(void)signo;
}

/* Interrupt the run until told to stop: a single signal might come before it. */
static void start_timer(void)
{
	struct itimerval it = { { 0, 20000 }, { 0, 20000 } };
	struct sigaction sa = { .sa_handler = on_alarm };

	sigaction(SIGALRM, &sa, NULL);
	setitimer(ITIMER_REAL, &it, NULL);
}

static void stop_timer(void)
{
	struct itimerval it = { 0 };

	setitimer(ITIMER_REAL, &it, NULL);
}

/* Without the capability HLT waits in the kernel; a signal ends the wait. */
TEST_F(exits, hlt_in_kernel)
{
	struct vmx_lite_stats stats;
	struct vmx_lite_events e;

	vl_load_bytes(&self->vm, VL_CODE, 0xf4, 0xe6, 0xf1);
	ASSERT_EQ(0, vl_set_cap(&self->vcpu, VM_CAP_HALT_EXIT, 0));
	start_timer();
	ASSERT_EXIT(VM_EXITCODE_INTR, &self->vcpu);
	stop_timer();
	ASSERT_EQ(0, vl_ioctl(self->vcpu.fd, VM_GET_EVENTS, &e));
	EXPECT_EQ(VMX_LITE_HALTED, e.activity);
	vl_stats(&self->vcpu, &stats);
	EXPECT_LE(1, stats.halts);
	/* An NMI wakes it: its stub runs, then what follows the HLT. */
	ASSERT_EQ(0, vl_inject(&self->vcpu, VMX_LITE_EVENT_NMI, 2, -1));
	ASSERT_VECTOR(2, &self->vcpu);
	ASSERT_OUT(0xf1, 0, &self->vcpu);
}

TEST_F(exits, pause)
{
	vl_load_bytes(&self->vm, VL_CODE, 0xf3, 0x90, 0xf3, 0x90, 0xf4);
	if (!(self->vm.info.features & VMX_LITE_FEAT_PAUSE_EXIT))
		SKIP(return, "the CPU has no PAUSE exiting");
	ASSERT_EQ(0, vl_set_cap(&self->vcpu, VM_CAP_PAUSE_EXIT, 1));
	ASSERT_EXIT(VM_EXITCODE_PAUSE, &self->vcpu);
	EXPECT_EQ(VL_CODE + 2, self->vcpu.run->rip);
	EXPECT_EQ(2, self->vcpu.run->insn_len);
	ASSERT_EXIT(VM_EXITCODE_PAUSE, &self->vcpu);
	EXPECT_EQ(VL_CODE + 4, self->vcpu.run->rip);
	ASSERT_EXIT(VM_EXITCODE_HLT, &self->vcpu);
	/* Off again. */
	ASSERT_EQ(0, vl_set_cap(&self->vcpu, VM_CAP_PAUSE_EXIT, 0));
	vl_start(&self->vcpu, VL_CODE, VL_FLAGS);
	ASSERT_EXIT(VM_EXITCODE_HLT, &self->vcpu);
}

/* nop; mov $5, %eax; push %rax; jmp over; hlt; over: pop %rbx; hlt */
TEST_F(exits, mtrap)
{
	static const unsigned int rips[] = { 1, 6, 7, 10, 11 };
	struct vmx_lite_regs regs;
	unsigned int i;

	if (!(self->vm.info.features & VMX_LITE_FEAT_MTRAP))
		SKIP(return, "the CPU has no monitor trap flag");
	if (vl_under_bochs())
		SKIP(return, "Bochs offers the monitor trap flag but never exits by it");
	vl_load_bytes(&self->vm, VL_CODE, 0x90, 0xb8, 5, 0, 0, 0, 0x50, 0xeb, 1, 0xf4, 0x5b, 0xf4);
	ASSERT_EQ(0, vl_set_cap(&self->vcpu, VM_CAP_MTRAP_EXIT, 1));
	for (i = 0; i < ARRAY_SIZE(rips); i++) {
		ASSERT_EXIT(VM_EXITCODE_MTRAP, &self->vcpu);
		EXPECT_EQ(VL_CODE + rips[i], self->vcpu.run->rip) TH_LOG("step %u", i);
	}
	vl_get_regs(&self->vcpu, &regs);
	EXPECT_EQ(5, regs.rbx);
	ASSERT_EQ(0, vl_set_cap(&self->vcpu, VM_CAP_MTRAP_EXIT, 0));
	ASSERT_EXIT(VM_EXITCODE_HLT, &self->vcpu);
}

/* nop; cpuid; in al, 0x80; nop; hlt: what the engine executes is an instruction too. */
TEST_F(exits, mtrap_emulated)
{
	struct vmx_lite_regs regs;

	if (!(self->vm.info.features & VMX_LITE_FEAT_MTRAP))
		SKIP(return, "the CPU has no monitor trap flag");
	vl_load_bytes(&self->vm, VL_CODE, 0x90, 0x0f, 0xa2, 0xe4, 0x80, 0x90, 0xf4);
	ASSERT_EQ(0, vl_set_cap(&self->vcpu, VM_CAP_MTRAP_EXIT, 1));
	ASSERT_EXIT(VM_EXITCODE_MTRAP, &self->vcpu);
	EXPECT_EQ(VL_CODE + 1, self->vcpu.run->rip);
	ASSERT_EXIT(VM_EXITCODE_MTRAP, &self->vcpu);
	EXPECT_EQ(VL_CODE + 3, self->vcpu.run->rip);
	ASSERT_EXIT(VM_EXITCODE_INOUT, &self->vcpu);
	*(uint8_t *)self->vcpu.data = 0x5a;
	ASSERT_EXIT(VM_EXITCODE_MTRAP, &self->vcpu);
	EXPECT_EQ(VL_CODE + 5, self->vcpu.run->rip);
	vl_get_regs(&self->vcpu, &regs);
	EXPECT_EQ(0x5a, regs.rax & 0xff);
	ASSERT_EXIT(VM_EXITCODE_MTRAP, &self->vcpu);
	EXPECT_EQ(VL_CODE + 6, self->vcpu.run->rip);
	ASSERT_EXIT(VM_EXITCODE_HLT, &self->vcpu);
	EXPECT_EQ(VL_CODE + 7, self->vcpu.run->rip);
}

/* ------------------------------------------------------------ INTR */

static const uint8_t spin[] = { 0xff, 0xc0, 0xeb, 0xfc };	/* inc %eax; jmp */

static void run_until_signal(struct __test_metadata *_metadata, struct vl_vcpu *vcpu,
			     uint64_t rflags)
{
	struct vmx_lite_regs regs;

	memcpy(vcpu->vm->ram + VL_CODE, spin, sizeof(spin));
	vl_start(vcpu, VL_CODE, rflags);
	start_timer();
	ASSERT_EXIT(VM_EXITCODE_INTR, vcpu);
	ASSERT_EXIT(VM_EXITCODE_INTR, vcpu);
	stop_timer();
	vl_get_regs(vcpu, &regs);
	EXPECT_EQ(1, regs.rip == VL_CODE || regs.rip == VL_CODE + 2);
	EXPECT_EQ(regs.rip, vcpu->run->rip);
}

TEST_F(exits, signal)
{
	run_until_signal(_metadata, &self->vcpu, VL_FLAGS | VL_FLAG_IF);
}

/* The guest's IF is not the host's: SDM vol. 3, 26.2. */
TEST_F(exits, signal_while_cli)
{
	if (vl_under_bochs())
		SKIP(return, "Bochs holds the host's interrupts back while the guest's IF is 0");
	run_until_signal(_metadata, &self->vcpu, VL_FLAGS);
}

TEST_F(exits, immediate_exit)
{
	struct vmx_lite_regs regs;

	vl_load_bytes(&self->vm, VL_CODE, 0xe4, 0x80, 0xf4);	/* in 80, al; hlt */
	self->vcpu.run->immediate_exit = 1;
	ASSERT_EXIT(VM_EXITCODE_INTR, &self->vcpu);
	EXPECT_EQ(VL_CODE, self->vcpu.run->rip);
	EXPECT_EQ(1, self->vcpu.run->immediate_exit);
	self->vcpu.run->immediate_exit = 0;
	ASSERT_EXIT(VM_EXITCODE_INOUT, &self->vcpu);
	*(uint8_t *)self->vcpu.data = 0x5a;
	/* It completes the IN, but does not run the HLT. */
	self->vcpu.run->immediate_exit = 1;
	ASSERT_EXIT(VM_EXITCODE_INTR, &self->vcpu);
	vl_get_regs(&self->vcpu, &regs);
	EXPECT_EQ(0x5a, regs.rax);
	EXPECT_EQ(VL_CODE + 2, regs.rip);
	self->vcpu.run->immediate_exit = 0;
	ASSERT_EXIT(VM_EXITCODE_HLT, &self->vcpu);
}

static struct vl_vcpu *handler_vcpu;

static void set_immediate_exit(int signo)
{
	(void)signo;
	handler_vcpu->run->immediate_exit = 1;
}

/* A handler that sets it leaves no gap in which the signal is lost. */
TEST_F(exits, immediate_exit_by_handler)
{
	struct sigaction sa = { .sa_handler = set_immediate_exit };

	memcpy(self->vm.ram + VL_CODE, spin, sizeof(spin));
	handler_vcpu = &self->vcpu;
	sigaction(SIGUSR1, &sa, NULL);
	raise(SIGUSR1);
	ASSERT_EXIT(VM_EXITCODE_INTR, &self->vcpu);
	EXPECT_EQ(VL_CODE, self->vcpu.run->rip);
}

/* ------------------------------------------------------------ SUSPENDED */

static int vm_suspend(struct vl_vm *vm, uint32_t how)
{
	struct vmx_lite_suspend s = { .how = how };

	return vl_ioctl(vm->fd, VM_SUSPEND, &s);
}

/* No IDT: the exception of the exception's exception. */
TEST_F(exits, triple_fault)
{
	struct vmx_lite_segs segs;
	struct vmx_lite_regs regs;

	vl_load_bytes(&self->vm, VL_CODE, 0x0f, 0x0b);		/* ud2 */
	ASSERT_EQ(0, vl_ioctl(self->vcpu.fd, VM_GET_SEGS, &segs));
	segs.idtr.limit = 0;
	ASSERT_EQ(0, vl_ioctl(self->vcpu.fd, VM_SET_SEGS, &segs));
	ASSERT_EXIT(VM_EXITCODE_SUSPENDED, &self->vcpu);
	EXPECT_EQ(VM_SUSPEND_TRIPLEFAULT, self->vcpu.run->suspended.how);
	vl_get_regs(&self->vcpu, &regs);
	EXPECT_EQ(VL_CODE, regs.rip);
	/* The VM stays suspended. */
	ASSERT_EXIT(VM_EXITCODE_SUSPENDED, &self->vcpu);
	EXPECT_EQ(VM_SUSPEND_TRIPLEFAULT, self->vcpu.run->suspended.how);
}

TEST_F(exits, suspend_arguments)
{
	struct vmx_lite_suspend s = { .how = VM_SUSPEND_RESET, .pad = 1 };

	EXPECT_EQ(-EINVAL, vm_suspend(&self->vm, VM_SUSPEND_NONE));
	EXPECT_EQ(-EINVAL, vm_suspend(&self->vm, VM_SUSPEND_TRIPLEFAULT + 1));
	EXPECT_EQ(-EINVAL, vl_ioctl(self->vm.fd, VM_SUSPEND, &s));
	EXPECT_EQ(-EFAULT, vl_ioctl(self->vm.fd, VM_SUSPEND, (void *)8));
	vl_load_bytes(&self->vm, VL_CODE, 0xf4);
	ASSERT_EXIT(VM_EXITCODE_HLT, &self->vcpu);
	EXPECT_EQ(0, vm_suspend(&self->vm, VM_SUSPEND_POWEROFF));
	/* The first says how. */
	EXPECT_EQ(-EBUSY, vm_suspend(&self->vm, VM_SUSPEND_RESET));
	ASSERT_EXIT(VM_EXITCODE_SUSPENDED, &self->vcpu);
	EXPECT_EQ(VM_SUSPEND_POWEROFF, self->vcpu.run->suspended.how);
}

struct runner {
	pthread_t thread;
	struct vl_vcpu *vcpu;
	int exit;
};

static void *run_thread(void *arg)
{
	struct runner *r = arg;

	r->exit = vl_run(r->vcpu);
	return NULL;
}

/* Both vCPUs leave: one that spins, one that halts. */
TEST_F(exits, suspend_from_outside)
{
	struct vl_vcpu other;
	struct runner r[2] = { { .vcpu = &self->vcpu }, { .vcpu = &other } };
	volatile uint32_t *flag = (uint32_t *)(self->vm.ram + VL_DATA);
	unsigned int i;

	vl_vcpu_init(&other, &self->vm, 1, VL_LONG);
	/* movl $1, 0x20000; then spin */
	vl_load_bytes(&self->vm, VL_CODE, 0xc7, 0x04, 0x25, 0, 0, 2, 0, 1, 0, 0, 0, 0xeb, 0xfe);
	vl_load_bytes(&self->vm, VL_CODE + 0x100, 0xf4);
	ASSERT_EQ(0, vl_set_cap(&other, VM_CAP_HALT_EXIT, 0));
	vl_start(&self->vcpu, VL_CODE, VL_FLAGS | VL_FLAG_IF);
	vl_start(&other, VL_CODE + 0x100, VL_FLAGS | VL_FLAG_IF);
	for (i = 0; i < 2; i++)
		ASSERT_EQ(0, pthread_create(&r[i].thread, NULL, run_thread, &r[i]));
	while (!*flag)
		usleep(1000);
	ASSERT_EQ(0, vm_suspend(&self->vm, VM_SUSPEND_RESET));
	for (i = 0; i < 2; i++) {
		ASSERT_EQ(0, pthread_join(r[i].thread, NULL));
		ASSERT_EQ(VM_EXITCODE_SUSPENDED, r[i].exit) vl_describe(r[i].vcpu, r[i].exit);
		EXPECT_EQ(VM_SUSPEND_RESET, r[i].vcpu->run->suspended.how);
	}
	vl_vcpu_exit(&other);
}

/* A vCPU that another thread runs is busy, or waited for: never two at once. */
TEST_F(exits, run_twice)
{
	struct runner r[2] = { { .vcpu = &self->vcpu }, { .vcpu = &self->vcpu } };
	volatile uint32_t *flag = (uint32_t *)(self->vm.ram + VL_DATA);
	unsigned int i;

	vl_load_bytes(&self->vm, VL_CODE, 0xff, 0x04, 0x25, 0, 0, 2, 0, 0xeb, 0xf7);
	vl_start(&self->vcpu, VL_CODE, VL_FLAGS | VL_FLAG_IF);
	for (i = 0; i < 2; i++)
		ASSERT_EQ(0, pthread_create(&r[i].thread, NULL, run_thread, &r[i]));
	while (!*flag)
		usleep(1000);
	ASSERT_EQ(0, vm_suspend(&self->vm, VM_SUSPEND_HALT));
	for (i = 0; i < 2; i++)
		ASSERT_EQ(0, pthread_join(r[i].thread, NULL));
	EXPECT_EQ(1, r[0].exit == VM_EXITCODE_SUSPENDED || r[0].exit == -EBUSY);
	EXPECT_EQ(1, r[1].exit == VM_EXITCODE_SUSPENDED || r[1].exit == -EBUSY);
	EXPECT_EQ(1, r[0].exit == VM_EXITCODE_SUSPENDED || r[1].exit == VM_EXITCODE_SUSPENDED);
}

/* ------------------------------------------------------------ TSC */

TEST_F(exits, tsc)
{
	static const uint64_t offsets[] = { 0, 1ULL << 40, -(1ULL << 40), 0x123456789abcdef };
	struct vmx_lite_tsc tsc;
	struct vmx_lite_regs regs;
	uint64_t before, after, guest, msr;
	unsigned int i;

	vl_load_bytes(&self->vm, VL_CODE, 0x0f, 0x31, 0xf4);	/* rdtsc; hlt */
	for (i = 0; i < ARRAY_SIZE(offsets); i++) {
		tsc.offset = offsets[i];
		ASSERT_EQ(0, vl_ioctl(self->vcpu.fd, VM_SET_TSC, &tsc));
		tsc.offset = 1;
		ASSERT_EQ(0, vl_ioctl(self->vcpu.fd, VM_GET_TSC, &tsc));
		EXPECT_EQ(offsets[i], tsc.offset);
		vl_start(&self->vcpu, VL_CODE, VL_FLAGS);
		before = __rdtsc();
		_mm_lfence();
		ASSERT_EXIT(VM_EXITCODE_HLT, &self->vcpu);
		_mm_lfence();
		after = __rdtsc();
		vl_get_regs(&self->vcpu, &regs);
		guest = (regs.rdx << 32 | regs.rax) - offsets[i];
		EXPECT_LE(before, guest);
		EXPECT_GE(after, guest);
		ASSERT_EQ(0, vl_get_msr(&self->vcpu, 0x10, &msr));
		EXPECT_LE(guest, msr - offsets[i]);
	}
}

/* WRMSR of IA32_TIME_STAMP_COUNTER moves the guest's own clock, not the host's. */
TEST_F(exits, tsc_write)
{
	struct vmx_lite_regs regs = { .rip = VL_CODE, .rsp = VL_STACK, .rflags = VL_FLAGS,
				      .rcx = 0x10, .rax = 0x1000, .rdx = 0x77 };
	uint64_t before, guest;

	/* wrmsr; rdtsc; hlt */
	vl_load_bytes(&self->vm, VL_CODE, 0x0f, 0x30, 0x0f, 0x31, 0xf4);
	vl_set_regs(&self->vcpu, &regs);
	before = __rdtsc();
	ASSERT_EXIT(VM_EXITCODE_HLT, &self->vcpu);
	/* Even a day later the upper half would be the same. */
	EXPECT_GE(1ULL << 48, __rdtsc() - before);
	vl_get_regs(&self->vcpu, &regs);
	guest = regs.rdx << 32 | regs.rax;
	EXPECT_LE(0x7700001000ULL, guest);
	EXPECT_GE(0x7900000000ULL, guest);
}

/* ------------------------------------------------------------ statistics */

#define REASON_CPUID	10
#define REASON_IO	30
#define REASON_HLT	12

TEST_F(exits, stats)
{
	struct vmx_lite_stats a, b;

	/* mov $100, %esi; 1: cpuid; dec %esi; jnz 1b; out %al, $0x80; out %al, $0x80; hlt */
	vl_load_bytes(&self->vm, VL_CODE, 0xbe, 100, 0, 0, 0, 0x0f, 0xa2, 0xff, 0xce, 0x75, 0xfa,
		      0xe6, 0x80, 0xe6, 0x80, 0xf4);
	vl_stats(&self->vcpu, &a);
	ASSERT_EXIT(VM_EXITCODE_INOUT, &self->vcpu);
	ASSERT_EXIT(VM_EXITCODE_INOUT, &self->vcpu);
	ASSERT_EXIT(VM_EXITCODE_HLT, &self->vcpu);
	vl_stats(&self->vcpu, &b);
	EXPECT_EQ(100, b.exits[REASON_CPUID] - a.exits[REASON_CPUID]);
	EXPECT_EQ(2, b.exits[REASON_IO] - a.exits[REASON_IO]);
	EXPECT_EQ(1, b.exits[REASON_HLT] - a.exits[REASON_HLT]);
	EXPECT_EQ(3, b.user_exits - a.user_exits);
	EXPECT_LE(103, b.entries - a.entries);
	EXPECT_LE(1, b.ept_faults - a.ept_faults);
	/* The first may find the IDT and the stack in no page yet, and be injected again. */
	ASSERT_EQ(0, vl_inject(&self->vcpu, VMX_LITE_EVENT_EXCEPTION, 6, -1));
	ASSERT_VECTOR(6, &self->vcpu);
	vl_stats(&self->vcpu, &b);
	EXPECT_LE(1, b.injected[2]);
	vl_start(&self->vcpu, VL_CODE, VL_FLAGS);
	ASSERT_EQ(0, vl_inject(&self->vcpu, VMX_LITE_EVENT_EXCEPTION, 6, -1));
	ASSERT_VECTOR(6, &self->vcpu);
	vl_stats(&self->vcpu, &a);
	EXPECT_EQ(1, a.injected[2] - b.injected[2]);
}

TEST_HARNESS_MAIN
