// SPDX-License-Identifier: GPL-2.0-only
/*
 * Two VMs at once, death at any moment, CPUs that come and go, and that nothing
 * of a guest stays behind in the host's registers.
 */
#include <asm/prctl.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/syscall.h>

#include <kselftest_harness.h>

#include "vl.h"

#define MSR_STAR		0xc0000081
#define MSR_LSTAR		0xc0000082
#define MSR_CSTAR		0xc0000083
#define MSR_FMASK		0xc0000084
#define MSR_KERNEL_GS_BASE	0xc0000102

/* incq 0x20000; jmp: for ever */
static const uint8_t count[] = { 0x48, 0xff, 0x04, 0x25, 0, 0, 2, 0, 0xeb, 0xf6 };

/* With interrupts on: Bochs would else hold back the host's too. */
static void start_count(struct vl_vcpu *vcpu)
{
	memcpy(vcpu->vm->ram + VL_CODE, count, sizeof(count));
	vl_start(vcpu, VL_CODE, VL_FLAGS | VL_FLAG_IF);
}

static volatile uint64_t *counter(struct vl_vm *vm)
{
	return (uint64_t *)(vm->ram + VL_DATA);
}

static void wait_for_more(struct vl_vm *vm)
{
	uint64_t before = *counter(vm);

	while (*counter(vm) == before)
		usleep(1000);
}

static void *run_thread(void *arg)
{
	return (void *)(intptr_t)vl_run(arg);
}

static int vm_suspend(struct vl_vm *vm)
{
	struct vmx_lite_suspend s = { .how = VM_SUSPEND_POWEROFF };

	return vl_ioctl(vm->fd, VM_SUSPEND, &s);
}

/* ------------------------------------------------------------ two VMs */

TEST(two_vms)
{
	struct vl_vm vm[2];
	struct vl_vcpu vcpu[2];
	pthread_t thread[2];
	void *ret;
	int i;

	for (i = 0; i < 2; i++) {
		vl_vm_init(&vm[i], 0);
		vl_vcpu_init(&vcpu[i], &vm[i], 0, VL_LONG);
		start_count(&vcpu[i]);
		ASSERT_EQ(0, pthread_create(&thread[i], NULL, run_thread, &vcpu[i]));
	}
	/* Both get on, also one after the other was ended. */
	wait_for_more(&vm[0]);
	wait_for_more(&vm[1]);
	ASSERT_EQ(0, vm_suspend(&vm[0]));
	ASSERT_EQ(0, pthread_join(thread[0], &ret));
	EXPECT_EQ(VM_EXITCODE_SUSPENDED, (intptr_t)ret);
	vl_vcpu_exit(&vcpu[0]);
	vl_vm_exit(&vm[0]);
	wait_for_more(&vm[1]);
	ASSERT_EQ(0, vm_suspend(&vm[1]));
	ASSERT_EQ(0, pthread_join(thread[1], &ret));
	EXPECT_EQ(VM_EXITCODE_SUSPENDED, (intptr_t)ret);
	vl_vcpu_exit(&vcpu[1]);
	vl_vm_exit(&vm[1]);
}

/* One thread, two VMs in turn: each VMCS finds its own state. */
TEST(two_vms_one_thread)
{
	struct vl_vm vm[2];
	struct vl_vcpu vcpu[2];
	struct vmx_lite_regs regs;
	unsigned int round;
	int i;

	for (i = 0; i < 2; i++) {
		vl_vm_init(&vm[i], 0);
		vl_vcpu_init(&vcpu[i], &vm[i], 0, i ? VL_LONG : VL_PROT);
		/* inc %ebx; out %al, $0x80; jmp */
		vl_load_bytes(&vm[i], VL_CODE, 0xff, 0xc3, 0xe6, 0x80, 0xeb, 0xfa);
	}
	for (round = 1; round <= 50; round++) {
		for (i = 0; i < 2; i++) {
			ASSERT_OUT(0x80, 0, &vcpu[i]);
			vl_get_regs(&vcpu[i], &regs);
			EXPECT_EQ(round, regs.rbx);
		}
	}
	for (i = 0; i < 2; i++) {
		vl_vcpu_exit(&vcpu[i]);
		vl_vm_exit(&vm[i]);
	}
}

/* ------------------------------------------------------------ ends */

/* The descriptors go while the guest runs, in any order. */
TEST(close_while_running)
{
	struct vl_vm vm;
	struct vl_vcpu vcpu;
	pthread_t thread;
	void *ret;

	vl_vm_init(&vm, 0);
	vl_vcpu_init(&vcpu, &vm, 0, VL_LONG);
	start_count(&vcpu);
	ASSERT_EQ(0, pthread_create(&thread, NULL, run_thread, &vcpu));
	wait_for_more(&vm);
	/* The VM's lifetime ends with its last user; here the vCPU's run is one. */
	ASSERT_EQ(0, vm_suspend(&vm));
	close(vm.fd);
	close(vm.dev);
	ASSERT_EQ(0, pthread_join(thread, &ret));
	EXPECT_EQ(VM_EXITCODE_SUSPENDED, (intptr_t)ret);
	vl_vcpu_exit(&vcpu);
}

/* The vCPU alone keeps its VM. */
TEST(vcpu_outlives_vm_fd)
{
	struct vl_vm vm;
	struct vl_vcpu vcpu;

	vl_vm_init(&vm, 0);
	vl_vcpu_init(&vcpu, &vm, 0, VL_LONG);
	vl_load_bytes(&vm, VL_CODE, 0xe6, 0xf1, 0xf4);
	close(vm.fd);
	ASSERT_OUT(0xf1, 0, &vcpu);
	ASSERT_EXIT(VM_EXITCODE_HLT, &vcpu);
	vl_vcpu_exit(&vcpu);
}

static int users(void)
{
	FILE *f = fopen("/sys/module/vmx_lite/refcnt", "r");
	int n = -1;

	if (!f || fscanf(f, "%d", &n) != 1)
		vl_die("/sys/module/vmx_lite/refcnt");
	fclose(f);
	return n;
}

/* kill -9 in the guest, at 20 different moments: nothing keeps the module in use. */
TEST(killed)
{
	unsigned int i;
	int status, before;
	int up[2];
	pid_t pid;
	char c;

	before = users();
	for (i = 0; i < 20; i++) {
		ASSERT_EQ(0, pipe(up));
		pid = fork();
		ASSERT_LE(0, pid);
		if (!pid) {
			struct vl_vm vm;
			struct vl_vcpu vcpu, other;
			pthread_t thread;

			vl_vm_init(&vm, 0);
			vl_vcpu_init(&vcpu, &vm, 0, VL_LONG);
			vl_vcpu_init(&other, &vm, 1, VL_LONG);
			start_count(&vcpu);
			start_count(&other);
			pthread_create(&thread, NULL, run_thread, &other);
			if (write(up[1], "x", 1) != 1)
				_exit(1);
			vl_run(&vcpu);
			_exit(2);
		}
		close(up[1]);
		ASSERT_EQ(1, read(up[0], &c, 1));
		usleep(i * 1000);
		ASSERT_EQ(0, kill(pid, SIGKILL));
		ASSERT_EQ(pid, waitpid(pid, &status, 0));
		EXPECT_EQ(SIGKILL, status);
		close(up[0]);
	}
	EXPECT_EQ(before, users());
}

/* ------------------------------------------------------------ CPUs */

static int set_online(unsigned int cpu, bool online)
{
	char path[64];
	int fd, ret;

	snprintf(path, sizeof(path), "/sys/devices/system/cpu/cpu%u/online", cpu);
	fd = open(path, O_WRONLY);
	if (fd < 0)
		return -errno;
	ret = write(fd, online ? "1" : "0", 1) == 1 ? 0 : -errno;
	close(fd);
	return ret;
}

static int pin(pid_t tid, unsigned int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	return sched_setaffinity(tid, sizeof(set), &set);
}

/* A vCPU's thread moves from CPU to CPU. */
TEST(migrate)
{
	struct vl_vm vm;
	struct vl_vcpu vcpu;
	struct vmx_lite_regs regs;
	unsigned int i;

	if (sysconf(_SC_NPROCESSORS_ONLN) < 2)
		SKIP(return, "one CPU");
	vl_vm_init(&vm, 0);
	vl_vcpu_init(&vcpu, &vm, 0, VL_LONG);
	vl_load_bytes(&vm, VL_CODE, 0xff, 0xc3, 0xe6, 0x80, 0xeb, 0xfa);
	for (i = 1; i <= 40; i++) {
		ASSERT_EQ(0, pin(0, i % 2));
		ASSERT_OUT(0x80, 0, &vcpu);
		vl_get_regs(&vcpu, &regs);
		EXPECT_EQ(i, regs.rbx);
	}
	vl_vcpu_exit(&vcpu);
	vl_vm_exit(&vm);
}

TEST(hotplug)
{
	struct vl_vm vm;
	struct vl_vcpu vcpu;
	pthread_t thread;
	unsigned int i;
	void *ret;

	if (sysconf(_SC_NPROCESSORS_ONLN) < 2 ||
	    access("/sys/devices/system/cpu/cpu1/online", W_OK))
		SKIP(return, "no CPU to take off line");
	vl_vm_init(&vm, 0);
	vl_vcpu_init(&vcpu, &vm, 0, VL_LONG);
	start_count(&vcpu);
	/* The thread starts on the CPU that goes. */
	ASSERT_EQ(0, pin(0, 1));
	ASSERT_EQ(0, pthread_create(&thread, NULL, run_thread, &vcpu));
	wait_for_more(&vm);
	for (i = 0; i < 3; i++) {
		ASSERT_EQ(0, set_online(1, false));
		wait_for_more(&vm);
		ASSERT_EQ(0, set_online(1, true));
		wait_for_more(&vm);
	}
	/* And it runs on the one that came back. */
	ASSERT_EQ(0, vm_suspend(&vm));
	ASSERT_EQ(0, pthread_join(thread, &ret));
	EXPECT_EQ(VM_EXITCODE_SUSPENDED, (intptr_t)ret);
	vl_vcpu_exit(&vcpu);
	vl_vm_exit(&vm);
	vl_vm_init(&vm, 0);
	vl_vcpu_init(&vcpu, &vm, 0, VL_LONG);
	vl_load_bytes(&vm, VL_CODE, 0xe6, 0xf1);
	ASSERT_EQ(0, pin(0, 1));
	ASSERT_OUT(0xf1, 0, &vcpu);
	vl_vcpu_exit(&vcpu);
	vl_vm_exit(&vm);
}

/* ------------------------------------------------------------ whose registers */

/* swapgs; out: the guest's own KERNEL_GS_BASE moves to GS and back. */
VL_GUEST(swapgs, 64, "swapgs; rdmsr; out %al, $0x80; swapgs; out %al, $0x81; hlt");
/* syscall to LSTAR, sysret to CPL 3 */
VL_GUEST(do_syscall, 64, "syscall");

TEST(msr_isolation)
{
	static const uint32_t msrs[] = {
		MSR_STAR, MSR_LSTAR, MSR_CSTAR, MSR_FMASK, MSR_KERNEL_GS_BASE,
	};
	struct vl_vm vm[2];
	struct vl_vcpu vcpu[2];
	unsigned long gs = 0, fs_before, fs_after;
	unsigned int round, m;
	uint64_t value;
	int i;

	ASSERT_EQ(0, syscall(SYS_arch_prctl, ARCH_SET_GS, 0x123456000UL));
	ASSERT_EQ(0, syscall(SYS_arch_prctl, ARCH_GET_FS, &fs_before));
	for (i = 0; i < 2; i++) {
		vl_vm_init(&vm[i], 0);
		vl_vcpu_init(&vcpu[i], &vm[i], 0, VL_LONG);
		vl_load(&vm[i], VL_CODE, swapgs);
		for (m = 0; m < ARRAY_SIZE(msrs); m++)
			ASSERT_EQ(0, vl_set_msr(&vcpu[i], msrs[m], 0x10000 * (i + 1) + 0x100 * m));
	}
	for (round = 0; round < 5; round++) {
		for (i = 0; i < 2; i++) {
			struct vmx_lite_regs regs = {
				.rip = VL_CODE, .rsp = VL_STACK, .rflags = VL_FLAGS,
				.rcx = MSR_KERNEL_GS_BASE,
			};
			struct vmx_lite_segs segs;

			vl_set_regs(&vcpu[i], &regs);
			ASSERT_EXIT(VM_EXITCODE_INOUT, &vcpu[i]);
			ASSERT_EQ(0x80, vcpu[i].run->inout.port);
			/* A system call in the middle: the host's MSRs are in place. */
			ASSERT_EQ(0, syscall(SYS_arch_prctl, ARCH_GET_GS, &gs));
			EXPECT_EQ(0x123456000UL, gs);
			ASSERT_EQ(0, syscall(SYS_arch_prctl, ARCH_GET_FS, &fs_after));
			EXPECT_EQ(fs_before, fs_after);
			ASSERT_EQ(0, vl_ioctl(vcpu[i].fd, VM_GET_SEGS, &segs));
			EXPECT_EQ(0x10000 * (i + 1) + 0x400, segs.gs.base);
			ASSERT_EQ(0, vl_get_msr(&vcpu[i], MSR_KERNEL_GS_BASE, &value));
			EXPECT_EQ(0, value);
			ASSERT_EXIT(VM_EXITCODE_INOUT, &vcpu[i]);
			ASSERT_EQ(0x81, vcpu[i].run->inout.port);
			for (m = 0; m < ARRAY_SIZE(msrs); m++) {
				ASSERT_EQ(0, vl_get_msr(&vcpu[i], msrs[m], &value));
				EXPECT_EQ(0x10000 * (i + 1) + 0x100 * m, value);
			}
			ASSERT_EXIT(VM_EXITCODE_HLT, &vcpu[i]);
		}
	}
	for (i = 0; i < 2; i++) {
		vl_vcpu_exit(&vcpu[i]);
		vl_vm_exit(&vm[i]);
	}
}

/* The guest's SYSCALL goes to the guest's LSTAR, with its STAR and FMASK. */
TEST(guest_syscall)
{
	struct vl_vm vm;
	struct vl_vcpu vcpu;
	struct vmx_lite_regs regs;
	struct vmx_lite_control c;
	struct vmx_lite_segs s;

	vl_vm_init(&vm, 0);
	vl_vcpu_init(&vcpu, &vm, 0, VL_LONG);
	vl_load(&vm, VL_CODE, do_syscall);
	vl_load_bytes(&vm, 0x2000, 0xe6, 0xf3);
	ASSERT_EQ(0, vl_ioctl(vcpu.fd, VM_GET_CONTROL, &c));
	c.efer |= 1;
	ASSERT_EQ(0, vl_ioctl(vcpu.fd, VM_SET_CONTROL, &c));
	ASSERT_EQ(0, vl_set_msr(&vcpu, MSR_LSTAR, 0x2000));
	ASSERT_EQ(0, vl_set_msr(&vcpu, MSR_STAR, (uint64_t)VL_CS64 << 32));
	ASSERT_EQ(0, vl_set_msr(&vcpu, MSR_FMASK, VL_FLAG_IF | VL_FLAG_DF));
	vl_start(&vcpu, VL_CODE, VL_FLAGS | VL_FLAG_IF | VL_FLAG_DF);
	ASSERT_OUT(0xf3, 0, &vcpu);
	vl_get_regs(&vcpu, &regs);
	EXPECT_EQ(VL_CODE + 2, regs.rcx);
	EXPECT_EQ(VL_FLAGS | VL_FLAG_IF | VL_FLAG_DF, regs.r11);
	EXPECT_EQ(VL_FLAGS, regs.rflags);
	EXPECT_EQ(0x2000, regs.rip);
	ASSERT_EQ(0, vl_ioctl(vcpu.fd, VM_GET_SEGS, &s));
	EXPECT_EQ(VL_CS64, s.cs.selector);
	EXPECT_EQ(VL_CS64 + 8, s.ss.selector);
	vl_vcpu_exit(&vcpu);
	vl_vm_exit(&vm);
}

TEST_HARNESS_MAIN
