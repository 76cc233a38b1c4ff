// SPDX-License-Identifier: GPL-2.0-only
/*
 * The interrupt controllers: local APIC (SDM vol. 3, chapter 11), its timer and
 * IPIs, x2APIC, the IOAPIC (82093AA), MSIs, irqfds and ioeventfds.
 *
 * The guest runs a script: a list of operations in its memory, so that each
 * test says in C what the guest does.
 */
#include <pthread.h>
#include <sys/eventfd.h>

#include <kselftest_harness.h>

#include "vl.h"

#define BAD_POINTER	((void *)8)

/* Local APIC registers */
#define ID		0x020
#define VERSION		0x030
#define TPR		0x080
#define PPR		0x0a0
#define EOI		0x0b0
#define LDR		0x0d0
#define DFR		0x0e0
#define SVR		0x0f0
#define ISR		0x100
#define TMR		0x180
#define IRR		0x200
#define ESR		0x280
#define ICR		0x300
#define ICR2		0x310
#define LVT_TIMER	0x320
#define LVT_LINT0	0x350
#define LVT_ERROR	0x370
#define TIMER_INITIAL	0x380
#define TIMER_CURRENT	0x390
#define TIMER_DIVIDE	0x3e0
#define DIVIDE_1	0xb

#define LVT_MASKED	(1 << 16)
#define TIMER_PERIODIC	(1 << 17)
#define TIMER_DEADLINE	(2 << 17)
#define ICR_NMI		(4 << 8)
#define ICR_INIT	(5 << 8)
#define ICR_SIPI	(6 << 8)
#define ICR_ASSERT	(1 << 14)
#define ICR_SELF	(1 << 18)
#define ICR_OTHERS	(3 << 18)

#define MSR_APIC_BASE	0x1b
#define MSR_DEADLINE	0x6e0
#define X2(reg)		(0x800 + (reg) / 16)
#define BASE_X2APIC	(1 << 10)

/* IOAPIC */
#define IOREGSEL	(VL_IOAPIC + 0x00)
#define IOWIN		(VL_IOAPIC + 0x10)
#define RTE_LEVEL	(1ULL << 15)
#define RTE_IRR		(1ULL << 14)
#define RTE_LOW		(1ULL << 13)
#define RTE_MASKED	(1ULL << 16)

/* ------------------------------------------------------------ the script */

enum { END, WRITE, READ, WRMSR, RDMSR, WAIT, WINDOW, CR8, DEADLINE };

struct op {
	uint64_t op, addr, value;
};

#define PORT_END	0xf0
#define SCRIPT		0x21000
#define RESULT		0x24000	/* what READ and RDMSR found */

VL_GUEST(interpreter, 64,
	 "1: mov (%rbp), %eax; mov 8(%rbp), %rbx; mov 16(%rbp), %rdx; add $24, %rbp;"
	 "dec %eax; js 9f;"
	 "jnz 2f; mov %edx, (%rbx); jmp 1b;"
	 "2: dec %eax; jnz 3f; mov (%rbx), %ecx; mov %rcx, (%rdx); jmp 1b;"
	 "3: dec %eax; jnz 4f; mov %ebx, %ecx; mov %edx, %eax; shr $32, %rdx; wrmsr; jmp 1b;"
	 "4: dec %eax; jnz 5f; mov %ebx, %ecx; mov %rdx, %rsi; rdmsr;"
	 "   mov %eax, (%rsi); mov %edx, 4(%rsi); jmp 1b;"
	 "5: dec %eax; jnz 6f; sti; hlt; cli; jmp 1b;"
	 "6: dec %eax; jnz 7f; sti; nop; nop; cli; jmp 1b;"
	 "7: dec %eax; jnz 8f; mov %rdx, %cr8; jmp 1b;"
	 "8: mov %rdx, %rsi; rdtsc; shl $32, %rdx; or %rdx, %rax; add %rsi, %rax;"
	 "   mov %rax, %rdx; shr $32, %rdx; mov %ebx, %ecx; wrmsr; jmp 1b;"
	 "9: out %al, $0xf0; jmp 1b");

#define SELF_RESULT(n)	(*(uint64_t *)(self->vm.ram + RESULT + (n) * 8))

static void load_script(struct vl_vcpu *vcpu, const struct op *ops, size_t count)
{
	struct vmx_lite_regs regs = {
		.rip = VL_CODE, .rsp = VL_STACK, .rflags = VL_FLAGS, .rbp = SCRIPT,
	};

	vl_load(vcpu->vm, VL_CODE, interpreter);
	memcpy(vcpu->vm->ram + SCRIPT, ops, count * sizeof(*ops));
	memset(vcpu->vm->ram + SCRIPT + count * sizeof(*ops), 0, sizeof(*ops));
	memset(vcpu->vm->ram + RESULT, 0xff, 256);
	vl_set_regs(vcpu, &regs);
}

#define SCRIPT_OPS(vcpu, ...) do {					\
	static const struct op ops_[] = { __VA_ARGS__ };		\
									\
	load_script(vcpu, ops_, ARRAY_SIZE(ops_));			\
} while (0)

/* Run a script of which no exit but the end's is expected. */
#define RUN_SCRIPT(vcpu, ...) do {					\
	SCRIPT_OPS(vcpu, __VA_ARGS__);					\
	ASSERT_EXIT(VM_EXITCODE_INOUT, vcpu);				\
	ASSERT_EQ(PORT_END, (vcpu)->run->inout.port)			\
		vl_describe(vcpu, VM_EXITCODE_INOUT);			\
} while (0)
#define ASSERT_END(vcpu) do {						\
	ASSERT_EXIT(VM_EXITCODE_INOUT, vcpu);				\
	ASSERT_EQ(PORT_END, (vcpu)->run->inout.port)			\
		vl_describe(vcpu, VM_EXITCODE_INOUT);			\
} while (0)

#define LAPIC_WRITE(reg, value)	{ WRITE, VL_LAPIC + (reg), value }
#define LAPIC_READ(reg, n)	{ READ, VL_LAPIC + (reg), RESULT + (n) * 8 }
#define ENABLE			LAPIC_WRITE(SVR, 0x1ff)
#define END_OF_INTERRUPT	LAPIC_WRITE(EOI, 0)
#define IOAPIC_SELECT(reg)	{ WRITE, IOREGSEL, reg }
#define IOAPIC_SET(value)	{ WRITE, IOWIN, value }
#define IOAPIC_GET(n)		{ READ, IOWIN, RESULT + (n) * 8 }

FIXTURE(apic) {
	struct vl_vm vm;
	struct vl_vcpu vcpu;
};

FIXTURE_SETUP(apic)
{
	vl_vm_init(&self->vm, 0);
	vl_vcpu_init(&self->vcpu, &self->vm, 0, VL_LONG);
	vl_host_cpuid(&self->vcpu);
	ASSERT_EQ(0, vl_set_cap(&self->vcpu, VM_CAP_HALT_EXIT, 0));
}

FIXTURE_TEARDOWN(apic)
{
	vl_vcpu_exit(&self->vcpu);
	vl_vm_exit(&self->vm);
}

static uint32_t lapic_reg(struct vl_vcpu *vcpu, unsigned int reg)
{
	struct vmx_lite_lapic lapic;

	if (vl_ioctl(vcpu->fd, VM_GET_LAPIC, &lapic))
		vl_die("GET_LAPIC");
	return lapic.regs[reg / 4];
}

static bool lapic_bit(struct vl_vcpu *vcpu, unsigned int reg, uint8_t vector)
{
	return lapic_reg(vcpu, reg + vector / 32 * 16) >> vector % 32 & 1;
}

/* ------------------------------------------------------------ registers */

/* SDM vol. 3, 11.4.7.1: after reset. */
TEST_F(apic, reset)
{
	struct vl_vcpu *vcpu = &self->vcpu;
	unsigned int reg;

	EXPECT_EQ(0, lapic_reg(vcpu, ID));
	EXPECT_EQ(0, lapic_reg(vcpu, TPR));
	EXPECT_EQ(0, lapic_reg(vcpu, LDR));
	EXPECT_EQ(0xffffffff, lapic_reg(vcpu, DFR));
	EXPECT_EQ(0xff, lapic_reg(vcpu, SVR));
	for (reg = LVT_TIMER; reg <= LVT_ERROR; reg += 16)
		EXPECT_EQ(LVT_MASKED, lapic_reg(vcpu, reg)) TH_LOG("LVT %#x", reg);
	EXPECT_EQ(0, lapic_reg(vcpu, TIMER_INITIAL));
	EXPECT_EQ(0, lapic_reg(vcpu, TIMER_CURRENT));
	for (reg = 0; reg < 0x80; reg += 16) {
		EXPECT_EQ(0, lapic_reg(vcpu, ISR + reg));
		EXPECT_EQ(0, lapic_reg(vcpu, TMR + reg));
		EXPECT_EQ(0, lapic_reg(vcpu, IRR + reg));
	}
	/* An integrated APIC: 1XH, with at least LVTs 0 to 5. */
	EXPECT_EQ(0x10, lapic_reg(vcpu, VERSION) & 0xf0);
	EXPECT_LE(5, lapic_reg(vcpu, VERSION) >> 16 & 0xff);
}

TEST_F(apic, registers)
{
	RUN_SCRIPT(&self->vcpu,
		   LAPIC_READ(ID, 0), LAPIC_WRITE(TPR, 0x35), LAPIC_READ(TPR, 1),
		   LAPIC_READ(PPR, 2), LAPIC_WRITE(LDR, 0xff000000), LAPIC_READ(LDR, 3),
		   LAPIC_WRITE(DFR, 0), LAPIC_READ(DFR, 4), ENABLE, LAPIC_READ(SVR, 5),
		   LAPIC_WRITE(LVT_LINT0, 0x700), LAPIC_READ(LVT_LINT0, 6),
		   LAPIC_WRITE(TIMER_DIVIDE, 0xf), LAPIC_READ(TIMER_DIVIDE, 7));
	EXPECT_EQ(0, SELF_RESULT(0));
	EXPECT_EQ(0x35, SELF_RESULT(1));
	EXPECT_EQ(0x35, SELF_RESULT(2));
	EXPECT_EQ(0xff000000, SELF_RESULT(3));
	EXPECT_EQ(0x0fffffff, SELF_RESULT(4));
	EXPECT_EQ(0x1ff, SELF_RESULT(5));
	EXPECT_EQ(0x700, SELF_RESULT(6));
	EXPECT_EQ(0xb, SELF_RESULT(7));
}

TEST_F(apic, get_set)
{
	struct vmx_lite_lapic saved, now, bad;

	RUN_SCRIPT(&self->vcpu, ENABLE, LAPIC_WRITE(TPR, 0x40), LAPIC_WRITE(LVT_ERROR, 0xfe),
		   LAPIC_WRITE(ICR, ICR_SELF | 0x33));
	ASSERT_EQ(0, vl_ioctl(self->vcpu.fd, VM_GET_LAPIC, &saved));
	EXPECT_EQ(0x40, saved.regs[TPR / 4]);
	EXPECT_EQ(true, lapic_bit(&self->vcpu, IRR, 0x33));
	RUN_SCRIPT(&self->vcpu, LAPIC_WRITE(TPR, 0), LAPIC_WRITE(LVT_ERROR, LVT_MASKED));
	ASSERT_EQ(0, vl_ioctl(self->vcpu.fd, VM_SET_LAPIC, &saved));
	ASSERT_EQ(0, vl_ioctl(self->vcpu.fd, VM_GET_LAPIC, &now));
	EXPECT_EQ(0, memcmp(&saved, &now, sizeof(saved)));

	/* What no APIC can hold: bits between registers, and of them. */
	bad = saved;
	bad.regs[TPR / 4 + 1] = 1;
	EXPECT_EQ(-EINVAL, vl_ioctl(self->vcpu.fd, VM_SET_LAPIC, &bad));
	bad = saved;
	bad.regs[TPR / 4] = 0x100;
	EXPECT_EQ(-EINVAL, vl_ioctl(self->vcpu.fd, VM_SET_LAPIC, &bad));
	bad = saved;
	bad.regs[LVT_TIMER / 4] = 3 << 17;
	EXPECT_EQ(-EINVAL, vl_ioctl(self->vcpu.fd, VM_SET_LAPIC, &bad));
	bad = saved;
	bad.regs[0] = 1;
	EXPECT_EQ(-EINVAL, vl_ioctl(self->vcpu.fd, VM_SET_LAPIC, &bad));
	ASSERT_EQ(0, vl_ioctl(self->vcpu.fd, VM_GET_LAPIC, &now));
	EXPECT_EQ(0, memcmp(&saved, &now, sizeof(saved)));
	/* Lowered, the restored interrupt comes. */
	SCRIPT_OPS(&self->vcpu, LAPIC_WRITE(TPR, 0), { WINDOW, 0, 0 });
	ASSERT_VECTOR(0x33, &self->vcpu);
	ASSERT_END(&self->vcpu);
}

/* ------------------------------------------------------------ delivery */

TEST_F(apic, self_ipi_isr_eoi)
{
	struct vl_vcpu *vcpu = &self->vcpu;

	SCRIPT_OPS(vcpu, ENABLE, LAPIC_WRITE(ICR, ICR_SELF | 0x51), { WINDOW, 0, 0 },
		   { END, 0, 0 }, END_OF_INTERRUPT);
	ASSERT_VECTOR(0x51, vcpu);
	EXPECT_EQ(true, lapic_bit(vcpu, ISR, 0x51));
	EXPECT_EQ(false, lapic_bit(vcpu, IRR, 0x51));
	EXPECT_EQ(0x50, lapic_reg(vcpu, PPR) & 0xf0);
	ASSERT_END(vcpu);
	EXPECT_EQ(true, lapic_bit(vcpu, ISR, 0x51));
	ASSERT_END(vcpu);
	EXPECT_EQ(false, lapic_bit(vcpu, ISR, 0x51));
	EXPECT_EQ(0, lapic_reg(vcpu, PPR));
}

/* Of two, the higher first; the lower after EOI. */
TEST_F(apic, priority)
{
	struct vl_vcpu *vcpu = &self->vcpu;

	SCRIPT_OPS(vcpu, ENABLE, LAPIC_WRITE(ICR, ICR_SELF | 0x52),
		   LAPIC_WRITE(ICR, ICR_SELF | 0x63), { WINDOW, 0, 0 }, { END, 0, 0 },
		   { WINDOW, 0, 0 }, { END, 0, 0 }, END_OF_INTERRUPT, { WINDOW, 0, 0 });
	ASSERT_VECTOR(0x63, vcpu);
	ASSERT_END(vcpu);
	/* Still in service: the window brings nothing. */
	ASSERT_END(vcpu);
	ASSERT_VECTOR(0x52, vcpu);
	ASSERT_END(vcpu);
}

/* TPR, by the register and as CR8, holds back what is of its class or lower. */
TEST_F(apic, task_priority)
{
	struct vl_vcpu *vcpu = &self->vcpu;

	SCRIPT_OPS(vcpu, ENABLE, LAPIC_WRITE(TPR, 0x50), LAPIC_WRITE(ICR, ICR_SELF | 0x5f),
		   { WINDOW, 0, 0 }, { END, 0, 0 }, { CR8, 0, 4 }, { WINDOW, 0, 0 },
		   END_OF_INTERRUPT, { CR8, 0, 7 }, LAPIC_WRITE(ICR, ICR_SELF | 0x71),
		   { WINDOW, 0, 0 }, { END, 0, 0 }, LAPIC_READ(TPR, 0), LAPIC_WRITE(TPR, 0),
		   { WINDOW, 0, 0 });
	ASSERT_END(vcpu);
	ASSERT_VECTOR(0x5f, vcpu);
	ASSERT_END(vcpu);
	ASSERT_VECTOR(0x71, vcpu);
	ASSERT_END(vcpu);
	EXPECT_EQ(0x70, SELF_RESULT(0));
}

/* A disabled APIC takes nothing. */
TEST_F(apic, software_disabled)
{
	RUN_SCRIPT(&self->vcpu, LAPIC_WRITE(ICR, ICR_SELF | 0x55), { WINDOW, 0, 0 });
	EXPECT_EQ(false, lapic_bit(&self->vcpu, IRR, 0x55));
}

/* Vectors 0 to 15 are illegal: SDM vol. 3, 11.5.2. */
TEST_F(apic, illegal_vector)
{
	SCRIPT_OPS(&self->vcpu, ENABLE, LAPIC_WRITE(LVT_ERROR, 0xfe),
		   LAPIC_WRITE(ICR, ICR_SELF | 0x0f), { WINDOW, 0, 0 }, END_OF_INTERRUPT,
		   LAPIC_WRITE(ESR, 0), LAPIC_READ(ESR, 0), LAPIC_WRITE(ESR, 0),
		   LAPIC_READ(ESR, 1));
	ASSERT_VECTOR(0xfe, &self->vcpu);
	ASSERT_END(&self->vcpu);
	/* Send illegal vector; that it was then received is the CPU's choice. */
	EXPECT_EQ(1 << 5, SELF_RESULT(0) & ~(1 << 6));
	EXPECT_EQ(0, SELF_RESULT(1));
}

TEST_F(apic, spurious_base)
{
	/* Moved: there the registers, here nothing. */
	SCRIPT_OPS(&self->vcpu, { WRMSR, MSR_APIC_BASE, 0xfed00900 }, { WRITE, 0xfed00080, 0x20 },
		   { READ, 0xfed00080, RESULT }, { END, 0, 0 }, { READ, VL_LAPIC + TPR, RESULT });
	ASSERT_END(&self->vcpu);
	EXPECT_EQ(0x20, SELF_RESULT(0));
	ASSERT_EXIT(VM_EXITCODE_MMIO, &self->vcpu);
	EXPECT_EQ(VL_LAPIC + TPR, self->vcpu.run->mmio.gpa);
}

/* ------------------------------------------------------------ timer */

TEST_F(apic, timer_one_shot)
{
	struct vl_vcpu *vcpu = &self->vcpu;
	struct vmx_lite_stats stats;

	SCRIPT_OPS(vcpu, ENABLE, LAPIC_WRITE(LVT_TIMER, 0x53),
		   LAPIC_WRITE(TIMER_DIVIDE, DIVIDE_1), LAPIC_WRITE(TIMER_INITIAL, 20000000),
		   LAPIC_READ(TIMER_CURRENT, 0), { WAIT, 0, 0 }, END_OF_INTERRUPT,
		   LAPIC_READ(TIMER_CURRENT, 1), LAPIC_READ(TIMER_INITIAL, 2));
	ASSERT_VECTOR(0x53, vcpu);
	ASSERT_END(vcpu);
	EXPECT_LT(0, SELF_RESULT(0));
	EXPECT_GE(20000000, SELF_RESULT(0));
	/* One shot: it stays at 0. */
	EXPECT_EQ(0, SELF_RESULT(1));
	EXPECT_EQ(20000000, SELF_RESULT(2));
	EXPECT_EQ(false, lapic_bit(vcpu, IRR, 0x53));
	vl_stats(vcpu, &stats);
	EXPECT_LE(1, stats.halts);
}

/* It also interrupts a guest that does not halt. */
TEST_F(apic, timer_while_running)
{
	struct vl_vcpu *vcpu = &self->vcpu;
	struct vl_frame frame;
	struct vmx_lite_regs regs;

	RUN_SCRIPT(vcpu, ENABLE, LAPIC_WRITE(LVT_TIMER, 0x54),
		   LAPIC_WRITE(TIMER_DIVIDE, DIVIDE_1), LAPIC_WRITE(TIMER_INITIAL, 5000000));
	vl_load_bytes(&self->vm, VL_CODE, 0xeb, 0xfe);
	vl_get_regs(vcpu, &regs);
	regs.rip = VL_CODE;
	regs.rflags |= VL_FLAG_IF;
	vl_set_regs(vcpu, &regs);
	ASSERT_VECTOR(0x54, vcpu);
	vl_get_frame(vcpu, 0x54, &frame);
	EXPECT_EQ(VL_CODE, frame.rip);
}

TEST_F(apic, timer_periodic)
{
	struct vl_vcpu *vcpu = &self->vcpu;
	unsigned int i;

	SCRIPT_OPS(vcpu, ENABLE, LAPIC_WRITE(LVT_TIMER, TIMER_PERIODIC | 0x56),
		   LAPIC_WRITE(TIMER_DIVIDE, DIVIDE_1), LAPIC_WRITE(TIMER_INITIAL, 5000000),
		   { WAIT, 0, 0 }, END_OF_INTERRUPT, { WAIT, 0, 0 }, END_OF_INTERRUPT,
		   { WAIT, 0, 0 }, END_OF_INTERRUPT,
		   /* 0 stops it. */
		   LAPIC_WRITE(TIMER_INITIAL, 0), LAPIC_READ(TIMER_CURRENT, 0));
	for (i = 0; i < 3; i++)
		ASSERT_VECTOR(0x56, vcpu);
	ASSERT_END(vcpu);
	EXPECT_EQ(0, SELF_RESULT(0));
}

TEST_F(apic, timer_masked)
{
	struct vl_vcpu *vcpu = &self->vcpu;

	/* Wait by a second, later event of our own: the masked timer must not be the first. */
	RUN_SCRIPT(vcpu, ENABLE, LAPIC_WRITE(LVT_TIMER, LVT_MASKED | 0x57),
		   LAPIC_WRITE(TIMER_DIVIDE, DIVIDE_1), LAPIC_WRITE(TIMER_INITIAL, 1000));
	while (lapic_reg(vcpu, TIMER_CURRENT))
		usleep(1000);
	EXPECT_EQ(false, lapic_bit(vcpu, IRR, 0x57));
}

TEST_F(apic, timer_deadline)
{
	struct vl_vcpu *vcpu = &self->vcpu;
	uint64_t value = 1;

	if (!(self->vm.info.features & VMX_LITE_FEAT_TSC_DEADLINE))
		SKIP(return, "no TSC-deadline timer");
	SCRIPT_OPS(vcpu, ENABLE, LAPIC_WRITE(LVT_TIMER, TIMER_DEADLINE | 0x58),
		   { DEADLINE, MSR_DEADLINE, 3000000 }, { WAIT, 0, 0 }, END_OF_INTERRUPT,
		   { RDMSR, MSR_DEADLINE, RESULT },
		   /* In the past: at once. */
		   { WRMSR, MSR_DEADLINE, 1 }, { WINDOW, 0, 0 }, END_OF_INTERRUPT,
		   /* 0 disarms. */
		   { DEADLINE, MSR_DEADLINE, 1ULL << 50 }, { WRMSR, MSR_DEADLINE, 0 },
		   { RDMSR, MSR_DEADLINE, RESULT + 8 },
		   LAPIC_WRITE(TIMER_INITIAL, 1000), LAPIC_READ(TIMER_CURRENT, 2));
	ASSERT_VECTOR(0x58, vcpu);
	ASSERT_VECTOR(0x58, vcpu);
	ASSERT_END(vcpu);
	EXPECT_EQ(0, SELF_RESULT(0));
	EXPECT_EQ(0, SELF_RESULT(1));
	EXPECT_EQ(0, SELF_RESULT(2));
	ASSERT_EQ(0, vl_get_msr(vcpu, MSR_DEADLINE, &value));
	EXPECT_EQ(0, value);
}

/* ------------------------------------------------------------ x2APIC */

static bool has_x2apic(struct vl_vcpu *vcpu)
{
	struct vmx_lite_cpuid_entry e[VMX_LITE_MAX_CPUID];
	struct vmx_lite_cpuid c = { .count = VMX_LITE_MAX_CPUID, .entries = (uintptr_t)e };
	unsigned int i;

	if (vl_ioctl(vcpu->fd, VM_GET_CPUID, &c))
		vl_die("GET_CPUID");
	for (i = 0; i < c.count; i++) {
		if (e[i].function == 1)
			return e[i].ecx >> 21 & 1;
	}
	return false;
}

TEST_F(apic, x2apic)
{
	struct vl_vcpu *vcpu = &self->vcpu;
	uint64_t base = VL_LAPIC | 0x900;

	if (!has_x2apic(vcpu))
		SKIP(return, "no x2APIC");
	SCRIPT_OPS(vcpu, { WRMSR, MSR_APIC_BASE, VL_LAPIC | 0x900 | BASE_X2APIC },
		   { RDMSR, X2(ID), RESULT }, { WRMSR, X2(SVR), 0x1ff },
		   { WRMSR, 0x83f /* self IPI */, 0x59 }, { WINDOW, 0, 0 },
		   { RDMSR, X2(ISR + 0x20), RESULT + 8 }, { WRMSR, X2(EOI), 0 },
		   { WRMSR, X2(ICR), 0x5a }, { WINDOW, 0, 0 }, { WRMSR, X2(EOI), 0 },
		   { RDMSR, X2(LDR), RESULT + 16 }, { END, 0, 0 },
		   /* No registers in memory any more. */
		   { READ, VL_LAPIC + TPR, RESULT + 24 });
	ASSERT_VECTOR(0x59, vcpu);
	ASSERT_VECTOR(0x5a, vcpu);
	ASSERT_END(vcpu);
	EXPECT_EQ(0, SELF_RESULT(0));
	EXPECT_EQ(1U << (0x59 - 0x40), SELF_RESULT(1));
	/* SDM vol. 3, 11.12.10.2: cluster 0, bit 0 */
	EXPECT_EQ(1, SELF_RESULT(2));
	ASSERT_EXIT(VM_EXITCODE_MMIO, vcpu);

	/* SDM vol. 3, 11.12.1.2 and 11.12.5: what is #GP. */
	{
		static const struct op bad[] = {
			{ RDMSR, X2(DFR), RESULT }, { RDMSR, X2(ICR2), RESULT },
			{ RDMSR, 0x804, RESULT }, { RDMSR, X2(EOI), RESULT },
			{ WRMSR, X2(ID), 0 }, { WRMSR, X2(EOI), 1 }, { WRMSR, X2(TPR), 0x100 },
			{ WRMSR, MSR_APIC_BASE, VL_LAPIC | 0x900 },
		};
		unsigned int i;

		for (i = 0; i < ARRAY_SIZE(bad); i++) {
			load_script(vcpu, &bad[i], 1);
			ASSERT_EXIT(VM_EXITCODE_INOUT, vcpu);
			ASSERT_EQ(VL_PORT_VECTOR, vcpu->run->inout.port) TH_LOG("bad %u", i);
			EXPECT_EQ(13, *(uint8_t *)vcpu->data) TH_LOG("bad %u", i);
		}
	}
	/* Off, then on again as xAPIC. */
	RUN_SCRIPT(vcpu, { WRMSR, MSR_APIC_BASE, VL_LAPIC | 0x100 },
		   { WRMSR, MSR_APIC_BASE, VL_LAPIC | 0x900 }, LAPIC_READ(SVR, 0));
	EXPECT_EQ(0xff, SELF_RESULT(0));
	ASSERT_EQ(0, vl_get_msr(vcpu, MSR_APIC_BASE, &base));
	EXPECT_EQ(VL_LAPIC | 0x900, base);
}

/* ------------------------------------------------------------ IPIs to another vCPU */

struct runner {
	pthread_t thread;
	struct vl_vcpu vcpu;
	int exit;
};

static void *run_thread(void *arg)
{
	struct runner *r = arg;

	r->exit = vl_run(&r->vcpu);
	return NULL;
}

/* INIT, SIPI: the second vCPU starts in real mode at the page the SIPI names. */
TEST_F(apic, startup)
{
	struct vl_vcpu *vcpu = &self->vcpu;
	struct runner ap = { .exit = -1 };
	struct vmx_lite_events e;
	struct vmx_lite_segs segs;
	struct vmx_lite_regs regs;

	vl_vcpu_init(&ap.vcpu, &self->vm, 1, VL_LONG);
	ASSERT_EQ(0, vl_ioctl(ap.vcpu.fd, VM_GET_EVENTS, &e));
	e.activity = VMX_LITE_WAIT_SIPI;
	ASSERT_EQ(0, vl_ioctl(ap.vcpu.fd, VM_SET_EVENTS, &e));
	/* It has run, so that the first vCPU is not asked for a thread. */
	ap.vcpu.run->immediate_exit = 1;
	ASSERT_EXIT(VM_EXITCODE_INTR, &ap.vcpu);
	ap.vcpu.run->immediate_exit = 0;
	ASSERT_EQ(0, pthread_create(&ap.thread, NULL, run_thread, &ap));
	/* out f2, al; hlt */
	vl_load_bytes(&self->vm, 0x5000, 0xe6, 0xf2, 0xf4);
	RUN_SCRIPT(vcpu, ENABLE, LAPIC_WRITE(ICR2, 1 << 24),
		   LAPIC_WRITE(ICR, ICR_INIT | ICR_ASSERT), LAPIC_WRITE(ICR, ICR_SIPI | 5),
		   LAPIC_READ(ICR, 0));
	/* Delivery status: idle. */
	EXPECT_EQ(0, SELF_RESULT(0) & 1 << 12);
	ASSERT_EQ(0, pthread_join(ap.thread, NULL));
	ASSERT_EQ(VM_EXITCODE_INOUT, ap.exit) vl_describe(&ap.vcpu, ap.exit);
	EXPECT_EQ(0xf2, ap.vcpu.run->inout.port);
	ASSERT_EQ(0, vl_ioctl(ap.vcpu.fd, VM_GET_SEGS, &segs));
	EXPECT_EQ(0x500, segs.cs.selector);
	EXPECT_EQ(0x5000, segs.cs.base);
	vl_get_regs(&ap.vcpu, &regs);
	EXPECT_EQ(0, regs.rip);
	EXPECT_EQ(VL_FLAGS, regs.rflags);
	vl_vcpu_exit(&ap.vcpu);
}

/* A fixed interrupt and an NMI, by physical, logical and shorthand destination. */
static const struct {
	const char *what;
	uint32_t high, low;
	uint8_t vector;
} ipis[] = {
	{ "physical", 1 << 24, 0x66, 0x66 },
	{ "logical, flat", 2 << 24, 1 << 11 | 0x67, 0x67 },
	{ "all but self", 0, ICR_OTHERS | 0x68, 0x68 },
	{ "broadcast", 0xffU << 24, 0x69, 0x69 },
	{ "NMI", 1 << 24, ICR_NMI, 2 },
};

TEST_F(apic, ipis)
{
	struct vl_vcpu *vcpu = &self->vcpu;
	struct op ops[3];
	struct runner other;
	unsigned int i;

	vl_vcpu_init(&other.vcpu, &self->vm, 1, VL_LONG);
	RUN_SCRIPT(&other.vcpu, ENABLE, LAPIC_WRITE(LDR, 2 << 24));
	RUN_SCRIPT(vcpu, ENABLE, LAPIC_WRITE(LDR, 1 << 24));
	ASSERT_EQ(0, vl_set_cap(&other.vcpu, VM_CAP_HALT_EXIT, 0));
	vl_load_bytes(&self->vm, 0x2000, 0xf4, 0xeb, 0xfd);	/* hlt; jmp */
	for (i = 0; i < ARRAY_SIZE(ipis); i++) {
		struct vmx_lite_regs regs = { .rip = 0x2000, .rsp = 0x6000,
					      .rflags = VL_FLAGS | VL_FLAG_IF };

		vl_set_regs(&other.vcpu, &regs);
		ASSERT_EQ(0, pthread_create(&other.thread, NULL, run_thread, &other));
		ops[0] = (struct op)LAPIC_WRITE(ICR2, ipis[i].high);
		ops[1] = (struct op)LAPIC_WRITE(ICR, ipis[i].low);
		load_script(vcpu, ops, 2);
		ASSERT_END(vcpu);
		ASSERT_EQ(0, pthread_join(other.thread, NULL));
		ASSERT_EQ(VM_EXITCODE_INOUT, other.exit) {
			TH_LOG("%s", ipis[i].what);
			vl_describe(&other.vcpu, other.exit);
		}
		EXPECT_EQ(ipis[i].vector, *(uint8_t *)other.vcpu.data) TH_LOG("%s", ipis[i].what);
		if (ipis[i].vector != 2) {
			EXPECT_EQ(true, lapic_bit(&other.vcpu, ISR, ipis[i].vector));
			EXPECT_EQ(!strcmp(ipis[i].what, "broadcast"),
				  lapic_bit(vcpu, IRR, ipis[i].vector))
				TH_LOG("%s: the sender", ipis[i].what);
		}
		/* EOI, and out of the handler. */
		RUN_SCRIPT(&other.vcpu, END_OF_INTERRUPT);
		{
			struct vmx_lite_events e = { 0 };

			ASSERT_EQ(0, vl_ioctl(other.vcpu.fd, VM_SET_EVENTS, &e));
		}
	}
	vl_vcpu_exit(&other.vcpu);
}

/*
 * A ball goes back and forth between two vCPUs, as an IPI, while each halts in
 * between: none may be lost, and no wakeup either.
 *
 * RDI: the counter of those received; RSI: the other's ICR2; ECX: how many;
 * RDX: 1 for the one that serves.
 */
VL_GUEST(ping_pong, 64,
	 "mov $0xfee00000, %ebx; xor %r8d, %r8d;"
	 "test %edx, %edx; jnz 3f;"
	 "1: cli; cmp %r8, (%rdi); jne 2f; sti; hlt; jmp 1b;"
	 "2: sti; inc %r8; dec %ecx; jz 4f;"
	 "3: mov %esi, 0x310(%rbx); movl $0x77, 0x300(%rbx); jmp 1b;"
	 /* The last ball is caught, and given back once more by the one that did not serve. */
	 "4: test %edx, %edx; jnz 5f; mov %esi, 0x310(%rbx); movl $0x77, 0x300(%rbx);"
	 "5: out %al, $0xf0; hlt");
VL_GUEST(ping_pong_handler, 64, "incq (%rdi); movl $0, 0xb0(%rbx); iretq");

#define BALLS	1000

TEST_F(apic, ipi_storm)
{
	struct vmx_lite_lapic lapic;
	struct runner r[2];
	unsigned int i;

	vl_vcpu_exit(&self->vcpu);
	vl_vm_exit(&self->vm);
	vl_vm_init(&self->vm, 0);
	for (i = 0; i < 2; i++) {
		struct vmx_lite_regs regs = {
			.rip = VL_CODE, .rsp = VL_STACK - i * 0x800, .rflags = VL_FLAGS,
			.rdi = VL_DATA + i * 64, .rsi = !i << 24, .rcx = BALLS, .rdx = !i,
		};

		vl_vcpu_init(&r[i].vcpu, &self->vm, i, VL_LONG);
		/* From the start: the first ball may be served before the other vCPU runs. */
		ASSERT_EQ(0, vl_ioctl(r[i].vcpu.fd, VM_GET_LAPIC, &lapic));
		lapic.regs[0xf0 / 4] = 0x1ff;
		ASSERT_EQ(0, vl_ioctl(r[i].vcpu.fd, VM_SET_LAPIC, &lapic));
		ASSERT_EQ(0, vl_set_cap(&r[i].vcpu, VM_CAP_HALT_EXIT, 0));
		vl_set_regs(&r[i].vcpu, &regs);
	}
	vl_load(&self->vm, VL_CODE, ping_pong);
	vl_load(&self->vm, 0x2000, ping_pong_handler);
	vl_write64(&self->vm, VL_IDT + 0x77 * 16, 0x2000 | VL_CS64 << 16 | 0x8eULL << 40);
	for (i = 0; i < 2; i++)
		ASSERT_EQ(0, pthread_create(&r[i].thread, NULL, run_thread, &r[i]));
	for (i = 0; i < 2; i++) {
		ASSERT_EQ(0, pthread_join(r[i].thread, NULL));
		ASSERT_EQ(VM_EXITCODE_INOUT, r[i].exit) vl_describe(&r[i].vcpu, r[i].exit);
		EXPECT_EQ(0xf0, r[i].vcpu.run->inout.port);
		EXPECT_EQ(BALLS, vl_read64(&self->vm, VL_DATA + i * 64));
	}
	vl_vcpu_exit(&r[1].vcpu);
	self->vcpu = r[0].vcpu;
}

/*
 * Where the CPU delivers interrupts, one to oneself and its EOI need no exit at all; elsewhere
 * each is one.  RSI: how many; RDI: the counter of those received.
 */
VL_GUEST(self_xapic, 64,
	 "mov $0xfee00000, %ebx;"
	 "1: movl $0x40077, 0x300(%rbx); sti; nop; cli; dec %rsi; jnz 1b; out %al, $0xf0");
VL_GUEST(self_x2apic, 64,
	 "1: mov $0x83f, %ecx; mov $0x77, %eax; xor %edx, %edx; wrmsr; sti; nop; cli;"
	 "dec %rsi; jnz 1b; out %al, $0xf0");
VL_GUEST(x2apic_handler, 64,
	 "incq (%rdi); mov $0x80b, %ecx; xor %eax, %eax; xor %edx, %edx; wrmsr; iretq");

#define ROUNDS		100
#define REASON_WINDOW	7
#define REASON_WRMSR	32
#define REASON_TPR	43
#define REASON_APIC	44
#define REASON_EOI	45
#define REASON_EPT	48
#define REASON_WRITE	56

static const int apic_reasons[] = {
	REASON_WINDOW, REASON_WRMSR, REASON_TPR, REASON_APIC, REASON_EOI, REASON_EPT,
	REASON_WRITE,
};

static uint64_t count_exits(struct vl_vcpu *vcpu)
{
	struct vmx_lite_stats stats;
	uint64_t sum = 0;
	unsigned int i;

	vl_stats(vcpu, &stats);
	for (i = 0; i < ARRAY_SIZE(apic_reasons); i++)
		sum += stats.exits[apic_reasons[i]];
	return sum;
}

TEST_F(apic, exits)
{
	bool apicv = self->vm.info.features & VMX_LITE_FEAT_APICV;
	struct vl_vcpu *vcpu = &self->vcpu;
	struct vmx_lite_regs regs = {
		.rip = VL_CODE, .rsp = VL_STACK, .rflags = VL_FLAGS, .rdi = VL_DATA,
		.rsi = ROUNDS,
	};
	uint64_t before, xapic, x2apic = 0;

	vl_write64(&self->vm, VL_DATA, 0);
	vl_write64(&self->vm, VL_IDT + 0x77 * 16, 0x2000 | VL_CS64 << 16 | 0x8eULL << 40);
	RUN_SCRIPT(vcpu, ENABLE);
	vl_load(&self->vm, VL_CODE, self_xapic);
	vl_load(&self->vm, 0x2000, ping_pong_handler);
	vl_set_regs(vcpu, &regs);
	before = count_exits(vcpu);
	ASSERT_EXIT(VM_EXITCODE_INOUT, vcpu);
	ASSERT_EQ(PORT_END, vcpu->run->inout.port);
	xapic = count_exits(vcpu) - before;
	EXPECT_EQ(ROUNDS, vl_read64(&self->vm, VL_DATA));

	if (has_x2apic(vcpu)) {
		RUN_SCRIPT(vcpu, { WRMSR, MSR_APIC_BASE, VL_LAPIC | 0x900 | BASE_X2APIC });
		vl_load(&self->vm, VL_CODE, self_x2apic);
		vl_load(&self->vm, 0x2000, x2apic_handler);
		vl_set_regs(vcpu, &regs);
		before = count_exits(vcpu);
		ASSERT_EXIT(VM_EXITCODE_INOUT, vcpu);
		ASSERT_EQ(PORT_END, vcpu->run->inout.port);
		x2apic = count_exits(vcpu) - before;
		EXPECT_EQ(2 * ROUNDS, vl_read64(&self->vm, VL_DATA));
	}
	TH_LOG("exits for %d interrupts: xAPIC %llu, x2APIC %llu", ROUNDS,
	       (unsigned long long)xapic, (unsigned long long)x2apic);
	if (apicv) {
		/* Of the xAPIC perhaps one, for its page. */
		EXPECT_GE(1, xapic);
		EXPECT_EQ(0, x2apic);
	} else {
		EXPECT_LE(2 * ROUNDS, xapic);
		if (has_x2apic(vcpu))
			EXPECT_LE(2 * ROUNDS, x2apic);
	}
}

/* From another thread to a guest that spins: an MSI, and an NMI. */
TEST_F(apic, interrupt_running)
{
	struct vmx_lite_msi m = { .address = 0xfee00000, .data = 0x78 };
	volatile uint64_t *count = (uint64_t *)(self->vm.ram + VL_DATA);
	struct runner r;
	unsigned int i;
	int ret;

	RUN_SCRIPT(&self->vcpu, ENABLE);
	r.vcpu = self->vcpu;
	/* incq 0x20000; jmp */
	vl_load_bytes(&self->vm, VL_CODE, 0x48, 0xff, 0x04, 0x25, 0, 0, 2, 0, 0xeb, 0xf6);
	for (i = 0; i < 10; i++) {
		vl_start(&r.vcpu, VL_CODE, VL_FLAGS | VL_FLAG_IF);
		*count = 0;
		ASSERT_EQ(0, pthread_create(&r.thread, NULL, run_thread, &r));
		while (!*count)
			usleep(1000);
		ret = i % 2 ? vl_inject(&r.vcpu, VMX_LITE_EVENT_NMI, 2, -1) :
			      vl_ioctl(self->vm.fd, VM_SIGNAL_MSI, &m);
		ASSERT_LE(0, ret);
		ASSERT_EQ(0, pthread_join(r.thread, NULL));
		ASSERT_EQ(VM_EXITCODE_INOUT, r.exit) vl_describe(&r.vcpu, r.exit);
		EXPECT_EQ(i % 2 ? 2 : 0x78, *(uint8_t *)r.vcpu.data);
		/* Out of the handler by IRET, which also ends an NMI; then out of service. */
		vl_load_bytes(&self->vm, VL_CODE, 0xe6, PORT_END);
		vl_load_bytes(&self->vm, VL_CODE + 8, 0xe6, PORT_END);
		ASSERT_END(&r.vcpu);
		RUN_SCRIPT(&r.vcpu, END_OF_INTERRUPT);
		vl_load_bytes(&self->vm, VL_CODE, 0x48, 0xff, 0x04, 0x25, 0, 0, 2, 0, 0xeb,
			      0xf6);
	}
}

/* ------------------------------------------------------------ MSI */

static int msi(struct vl_vm *vm, uint64_t address, uint32_t data)
{
	struct vmx_lite_msi m = { .address = address, .data = data };

	return vl_ioctl(vm->fd, VM_SIGNAL_MSI, &m);
}

TEST_F(apic, msi)
{
	struct vmx_lite_msi bad = { .address = VL_LAPIC, .data = 0x6a, .pad = 1 };

	RUN_SCRIPT(&self->vcpu, ENABLE);
	ASSERT_LE(0, msi(&self->vm, 0xfee00000, 0x6a));
	SCRIPT_OPS(&self->vcpu, { WAIT, 0, 0 }, END_OF_INTERRUPT);
	ASSERT_VECTOR(0x6a, &self->vcpu);
	ASSERT_END(&self->vcpu);
	/* To nobody. */
	EXPECT_LE(0, msi(&self->vm, 0xfee07000, 0x6b));
	EXPECT_EQ(false, lapic_bit(&self->vcpu, IRR, 0x6b));
	EXPECT_EQ(-EINVAL, vl_ioctl(self->vm.fd, VM_SIGNAL_MSI, &bad));
	EXPECT_EQ(-EINVAL, msi(&self->vm, 0xfed00000, 0x6a));
	EXPECT_EQ(-EINVAL, msi(&self->vm, 0x1fee00000ULL, 0x6a));
	/* Delivery mode 3 is reserved: SDM vol. 3, 11.11.2. */
	EXPECT_EQ(-EINVAL, msi(&self->vm, 0xfee00000, 3 << 8 | 0x6a));
	EXPECT_EQ(-EFAULT, vl_ioctl(self->vm.fd, VM_SIGNAL_MSI, BAD_POINTER));
}

/* ------------------------------------------------------------ IOAPIC */

static int irq_line(struct vl_vm *vm, uint32_t gsi, uint32_t level)
{
	struct vmx_lite_irq_line l = { .gsi = gsi, .level = level };

	return vl_ioctl(vm->fd, VM_IRQ_LINE, &l);
}

static uint64_t redirect(struct vl_vm *vm, unsigned int pin)
{
	struct vmx_lite_ioapic io;

	if (vl_ioctl(vm->fd, VM_GET_IOAPIC, &io))
		vl_die("GET_IOAPIC");
	return io.redirect[pin];
}

TEST_F(apic, ioapic_registers)
{
	struct vmx_lite_ioapic io, now;
	unsigned int pin;

	ASSERT_EQ(0, vl_ioctl(self->vm.fd, VM_GET_IOAPIC, &io));
	for (pin = 0; pin < VMX_LITE_IOAPIC_PINS; pin++)
		EXPECT_EQ(RTE_MASKED, io.redirect[pin]);
	EXPECT_EQ(0, io.irr);
	EXPECT_EQ(0, io.id);
	RUN_SCRIPT(&self->vcpu, IOAPIC_SELECT(1), IOAPIC_GET(0),
		   IOAPIC_SELECT(0), IOAPIC_SET(0x05000000),
		   IOAPIC_SELECT(0), IOAPIC_GET(1), IOAPIC_SELECT(0x10 + 2 * 9), IOAPIC_SET(0xa061),
		   IOAPIC_SELECT(0x11 + 2 * 9), IOAPIC_SET(0x01000000),
		   IOAPIC_SELECT(0x10 + 2 * 9), IOAPIC_GET(2),
		   IOAPIC_SELECT(0x11 + 2 * 9), IOAPIC_GET(3));
	/* 24 pins; version 11H or 20H */
	EXPECT_EQ(23, SELF_RESULT(0) >> 16 & 0xff);
	EXPECT_EQ(1, (SELF_RESULT(0) & 0xff) == 0x11 || (SELF_RESULT(0) & 0xff) == 0x20);
	EXPECT_EQ(0x05000000, SELF_RESULT(1));
	EXPECT_EQ(0xa061, SELF_RESULT(2));
	EXPECT_EQ(0x01000000, SELF_RESULT(3));
	ASSERT_EQ(0, vl_ioctl(self->vm.fd, VM_GET_IOAPIC, &io));
	EXPECT_EQ(0x0100000000000000ULL | 0xa061, io.redirect[9]);

	ASSERT_EQ(0, vl_ioctl(self->vm.fd, VM_SET_IOAPIC, &io));
	ASSERT_EQ(0, vl_ioctl(self->vm.fd, VM_GET_IOAPIC, &now));
	EXPECT_EQ(0, memcmp(&io, &now, sizeof(io)));
	now.pad = 1;
	EXPECT_EQ(-EINVAL, vl_ioctl(self->vm.fd, VM_SET_IOAPIC, &now));
	now = io;
	now.redirect[3] |= 1ULL << 20;
	EXPECT_EQ(-EINVAL, vl_ioctl(self->vm.fd, VM_SET_IOAPIC, &now));
	now = io;
	now.irr = 1 << 24;
	EXPECT_EQ(-EINVAL, vl_ioctl(self->vm.fd, VM_SET_IOAPIC, &now));
	EXPECT_EQ(-EFAULT, vl_ioctl(self->vm.fd, VM_SET_IOAPIC, BAD_POINTER));
	EXPECT_EQ(-EFAULT, vl_ioctl(self->vm.fd, VM_GET_IOAPIC, BAD_POINTER));
}

TEST_F(apic, line_arguments)
{
	EXPECT_EQ(-EINVAL, irq_line(&self->vm, VMX_LITE_IOAPIC_PINS, 1));
	EXPECT_EQ(-EINVAL, irq_line(&self->vm, ~0U, 1));
	EXPECT_EQ(-EINVAL, irq_line(&self->vm, 5, 2));
	EXPECT_EQ(0, irq_line(&self->vm, 5, 1));
	EXPECT_EQ(0, irq_line(&self->vm, 5, 1));
	EXPECT_EQ(0, irq_line(&self->vm, 5, 0));
	EXPECT_EQ(-EFAULT, vl_ioctl(self->vm.fd, VM_IRQ_LINE, BAD_POINTER));
}

TEST_F(apic, edge)
{
	struct vl_vcpu *vcpu = &self->vcpu;

	/* Masked: an edge is lost. */
	ASSERT_EQ(0, irq_line(&self->vm, 4, 1));
	ASSERT_EQ(0, irq_line(&self->vm, 4, 0));
	RUN_SCRIPT(vcpu, ENABLE, IOAPIC_SELECT(0x10 + 2 * 4), IOAPIC_SET(0x6c));
	EXPECT_EQ(false, lapic_bit(vcpu, IRR, 0x6c));
	ASSERT_EQ(0, irq_line(&self->vm, 4, 1));
	SCRIPT_OPS(vcpu, { WAIT, 0, 0 }, END_OF_INTERRUPT);
	ASSERT_VECTOR(0x6c, vcpu);
	ASSERT_END(vcpu);
	/* High is no edge; the next rise is. */
	ASSERT_EQ(0, irq_line(&self->vm, 4, 1));
	EXPECT_EQ(false, lapic_bit(vcpu, IRR, 0x6c));
	ASSERT_EQ(0, irq_line(&self->vm, 4, 0));
	EXPECT_EQ(false, lapic_bit(vcpu, IRR, 0x6c));
	ASSERT_EQ(0, irq_line(&self->vm, 4, 1));
	EXPECT_EQ(true, lapic_bit(vcpu, IRR, 0x6c));
}

/* A level stays until the device lets go: remote IRR, EOI, again. */
TEST_F(apic, level)
{
	struct vl_vcpu *vcpu = &self->vcpu;

	RUN_SCRIPT(vcpu, ENABLE, IOAPIC_SELECT(0x10 + 2 * 10), IOAPIC_SET(RTE_LEVEL | 0x6d));
	ASSERT_EQ(0, irq_line(&self->vm, 10, 1));
	EXPECT_EQ(RTE_IRR, redirect(&self->vm, 10) & RTE_IRR);
	SCRIPT_OPS(vcpu, { WAIT, 0, 0 }, END_OF_INTERRUPT, { WAIT, 0, 0 }, { END, 0, 0 },
		   END_OF_INTERRUPT);
	ASSERT_VECTOR(0x6d, vcpu);
	EXPECT_EQ(true, lapic_bit(vcpu, TMR, 0x6d));
	/* Still asserted at EOI: it comes again. */
	ASSERT_VECTOR(0x6d, vcpu);
	ASSERT_EQ(0, irq_line(&self->vm, 10, 0));
	ASSERT_END(vcpu);
	EXPECT_EQ(RTE_IRR, redirect(&self->vm, 10) & RTE_IRR);
	ASSERT_END(vcpu);
	EXPECT_EQ(0, redirect(&self->vm, 10) & RTE_IRR);
	EXPECT_EQ(false, lapic_bit(vcpu, IRR, 0x6d));
}

/* Unmasking a level that is asserted sends it. */
TEST_F(apic, level_unmask)
{
	struct vl_vcpu *vcpu = &self->vcpu;

	RUN_SCRIPT(vcpu, ENABLE,
		   IOAPIC_SELECT(0x10 + 2 * 11), IOAPIC_SET(RTE_MASKED | RTE_LEVEL | 0x6e));
	ASSERT_EQ(0, irq_line(&self->vm, 11, 1));
	EXPECT_EQ(false, lapic_bit(vcpu, IRR, 0x6e));
	RUN_SCRIPT(vcpu, IOAPIC_SELECT(0x10 + 2 * 11), IOAPIC_SET(RTE_LEVEL | 0x6e));
	EXPECT_EQ(true, lapic_bit(vcpu, IRR, 0x6e));
}

/* ------------------------------------------------------------ eventfds */

static int irqfd(struct vl_vm *vm, int fd, uint32_t flags, uint32_t gsi, int resample,
		 uint32_t data)
{
	struct vmx_lite_irqfd i = {
		.fd = fd, .flags = flags, .gsi = gsi, .resample_fd = resample,
		.msi = { .address = data ? 0xfee00000 : 0, .data = data },
	};

	return vl_ioctl(vm->fd, VM_IRQFD, &i);
}

static void signal_eventfd(int fd)
{
	if (eventfd_write(fd, 1))
		vl_die("eventfd: %s", strerror(errno));
}

/* What an eventfd has counted; 0 if nothing. */
static uint64_t drain(int fd)
{
	eventfd_t n = 0;

	return eventfd_read(fd, &n) ? 0 : n;
}

TEST_F(apic, irqfd_msi)
{
	struct vl_vcpu *vcpu = &self->vcpu;
	int fd = eventfd(0, EFD_NONBLOCK);

	RUN_SCRIPT(vcpu, ENABLE);
	ASSERT_EQ(0, irqfd(&self->vm, fd, VMX_LITE_IRQFD_MSI, 0, 0, 0x70));
	signal_eventfd(fd);
	SCRIPT_OPS(vcpu, { WAIT, 0, 0 }, END_OF_INTERRUPT);
	ASSERT_VECTOR(0x70, vcpu);
	ASSERT_END(vcpu);
	/* Again replaces what it sends. */
	ASSERT_EQ(0, irqfd(&self->vm, fd, VMX_LITE_IRQFD_MSI, 0, 0, 0x71));
	signal_eventfd(fd);
	SCRIPT_OPS(vcpu, { WAIT, 0, 0 }, END_OF_INTERRUPT);
	ASSERT_VECTOR(0x71, vcpu);
	ASSERT_END(vcpu);
	EXPECT_EQ(false, lapic_bit(vcpu, IRR, 0x70));
	ASSERT_EQ(0, irqfd(&self->vm, fd, VMX_LITE_IRQFD_DEASSIGN, 0, 0, 0));
	drain(fd);
	signal_eventfd(fd);
	EXPECT_EQ(1, drain(fd));
	EXPECT_EQ(false, lapic_bit(vcpu, IRR, 0x71));
	EXPECT_EQ(-ENOENT, irqfd(&self->vm, fd, VMX_LITE_IRQFD_DEASSIGN, 0, 0, 0));
	/* Signalled before it was assigned: not lost. */
	signal_eventfd(fd);
	ASSERT_EQ(0, irqfd(&self->vm, fd, VMX_LITE_IRQFD_MSI, 0, 0, 0x72));
	SCRIPT_OPS(vcpu, { WAIT, 0, 0 }, END_OF_INTERRUPT);
	ASSERT_VECTOR(0x72, vcpu);
	ASSERT_END(vcpu);
	close(fd);
}

TEST_F(apic, irqfd_pin_and_resample)
{
	struct vl_vcpu *vcpu = &self->vcpu;
	int edge = eventfd(0, EFD_NONBLOCK), level = eventfd(0, EFD_NONBLOCK);
	int again = eventfd(0, EFD_NONBLOCK);

	RUN_SCRIPT(vcpu, ENABLE, IOAPIC_SELECT(0x10 + 2 * 6), IOAPIC_SET(0x73),
		   IOAPIC_SELECT(0x10 + 2 * 12), IOAPIC_SET(RTE_LEVEL | 0x74));
	ASSERT_EQ(0, irqfd(&self->vm, edge, 0, 6, 0, 0));
	ASSERT_EQ(0, irqfd(&self->vm, level, VMX_LITE_IRQFD_RESAMPLE, 12, again, 0));
	signal_eventfd(edge);
	SCRIPT_OPS(vcpu, { WAIT, 0, 0 }, END_OF_INTERRUPT);
	ASSERT_VECTOR(0x73, vcpu);
	ASSERT_END(vcpu);
	signal_eventfd(level);
	SCRIPT_OPS(vcpu, { WAIT, 0, 0 }, { END, 0, 0 }, END_OF_INTERRUPT);
	ASSERT_VECTOR(0x74, vcpu);
	ASSERT_END(vcpu);
	EXPECT_EQ(0, drain(again));
	ASSERT_END(vcpu);
	/* EOI: the line is down, and the device is asked. */
	EXPECT_EQ(1, drain(again));
	EXPECT_EQ(false, lapic_bit(vcpu, IRR, 0x74));
	EXPECT_EQ(0, redirect(&self->vm, 12) & RTE_IRR);
	close(edge);
	close(level);
	close(again);
}

TEST_F(apic, irqfd_bad)
{
	int fd = eventfd(0, EFD_NONBLOCK);

	EXPECT_EQ(-EBADF, irqfd(&self->vm, -1, 0, 1, 0, 0));
	EXPECT_EQ(-EINVAL, irqfd(&self->vm, self->vm.fd, 0, 1, 0, 0));
	EXPECT_EQ(-EINVAL, irqfd(&self->vm, fd, 1 << 3, 1, 0, 0));
	EXPECT_EQ(-EINVAL, irqfd(&self->vm, fd, 0, VMX_LITE_IOAPIC_PINS, 0, 0));
	EXPECT_EQ(-EINVAL, irqfd(&self->vm, fd, 0, 1, fd, 0));
	EXPECT_EQ(-EINVAL, irqfd(&self->vm, fd, 0, 1, 0, 0x40));
	EXPECT_EQ(-EINVAL, irqfd(&self->vm, fd, VMX_LITE_IRQFD_MSI, 1, 0, 0x40));
	EXPECT_EQ(-EINVAL, irqfd(&self->vm, fd, VMX_LITE_IRQFD_MSI, 0, 0, 0));
	EXPECT_EQ(-EINVAL, irqfd(&self->vm, fd, VMX_LITE_IRQFD_MSI | VMX_LITE_IRQFD_RESAMPLE, 0,
				 fd, 0x40));
	EXPECT_EQ(-EBADF, irqfd(&self->vm, fd, VMX_LITE_IRQFD_RESAMPLE, 1, -1, 0));
	EXPECT_EQ(-ENOENT, irqfd(&self->vm, fd, VMX_LITE_IRQFD_DEASSIGN, 0, 0, 0));
	EXPECT_EQ(-EFAULT, vl_ioctl(self->vm.fd, VM_IRQFD, BAD_POINTER));
	close(fd);
}

static int ioeventfd(struct vl_vm *vm, int fd, uint32_t flags, uint64_t addr, uint32_t len,
		     uint64_t match)
{
	struct vmx_lite_ioeventfd i = {
		.addr = addr, .datamatch = match, .len = len, .fd = fd, .flags = flags,
	};

	return vl_ioctl(vm->fd, VM_IOEVENTFD, &i);
}

#define PIO	VMX_LITE_IOEVENTFD_PIO
#define MATCH	VMX_LITE_IOEVENTFD_DATAMATCH
#define UNDO	VMX_LITE_IOEVENTFD_DEASSIGN

TEST_F(apic, ioeventfd_pio)
{
	struct vl_vcpu *vcpu = &self->vcpu;
	int fd = eventfd(0, EFD_NONBLOCK);

	/* mov $7, %al; out %al, $0x90; out %eax, $0x90; in; then on */
	vl_load_bytes(&self->vm, VL_CODE, 0xb8, 7, 0, 0, 0, 0xe6, 0x90, 0xe7, 0x90, 0xe4, 0x90,
		      0xe6, 0xf1);
	ASSERT_EQ(0, ioeventfd(&self->vm, fd, PIO, 0x90, 0, 0));
	vl_start(vcpu, VL_CODE, VL_FLAGS);
	/* Both writes are its; the read is not. */
	ASSERT_EXIT(VM_EXITCODE_INOUT, vcpu);
	EXPECT_EQ(VMX_LITE_INOUT_IN, vcpu->run->inout.flags);
	EXPECT_EQ(2, drain(fd));
	ASSERT_EQ(0, ioeventfd(&self->vm, fd, UNDO | PIO, 0x90, 0, 0));

	/* One byte, of value 7 only. */
	ASSERT_EQ(0, ioeventfd(&self->vm, fd, PIO | MATCH, 0x90, 1, 7));
	vl_start(vcpu, VL_CODE, VL_FLAGS);
	ASSERT_EXIT(VM_EXITCODE_INOUT, vcpu);
	EXPECT_EQ(4, vcpu->run->inout.size);
	EXPECT_EQ(1, drain(fd));
	ASSERT_EQ(0, ioeventfd(&self->vm, fd, UNDO | PIO | MATCH, 0x90, 1, 7));
	ASSERT_EQ(0, ioeventfd(&self->vm, fd, PIO | MATCH, 0x90, 1, 8));
	vl_start(vcpu, VL_CODE, VL_FLAGS);
	ASSERT_EXIT(VM_EXITCODE_INOUT, vcpu);
	EXPECT_EQ(1, vcpu->run->inout.size);
	EXPECT_EQ(0, drain(fd));
	close(fd);
}

TEST_F(apic, ioeventfd_mmio)
{
	struct vl_vcpu *vcpu = &self->vcpu;
	int fd = eventfd(0, EFD_NONBLOCK);

	ASSERT_EQ(0, ioeventfd(&self->vm, fd, 0, VL_MMIO + 8, 4, 0));
	RUN_SCRIPT(vcpu, { WRITE, VL_MMIO + 8, 5 }, { WRITE, VL_MMIO + 8, 6 });
	EXPECT_EQ(2, drain(fd));
	SCRIPT_OPS(vcpu, { READ, VL_MMIO + 8, RESULT }, { WRITE, VL_MMIO + 12, 1 });
	ASSERT_EXIT(VM_EXITCODE_MMIO, vcpu);
	EXPECT_EQ(0, vcpu->run->mmio.is_write);
	ASSERT_EXIT(VM_EXITCODE_MMIO, vcpu);
	EXPECT_EQ(VL_MMIO + 12, vcpu->run->mmio.gpa);
	EXPECT_EQ(0, drain(fd));
	ASSERT_EQ(0, ioeventfd(&self->vm, fd, UNDO, VL_MMIO + 8, 4, 0));
	SCRIPT_OPS(vcpu, { WRITE, VL_MMIO + 8, 5 });
	ASSERT_EXIT(VM_EXITCODE_MMIO, vcpu);
	close(fd);
}

TEST_F(apic, ioeventfd_bad)
{
	struct vmx_lite_ioeventfd pad = { .addr = 0x90, .flags = PIO, .pad = 1 };
	int fd = eventfd(0, EFD_NONBLOCK);

	EXPECT_EQ(-EBADF, ioeventfd(&self->vm, -1, PIO, 0x90, 1, 0));
	EXPECT_EQ(-EINVAL, ioeventfd(&self->vm, self->vm.fd, PIO, 0x90, 1, 0));
	EXPECT_EQ(-EINVAL, ioeventfd(&self->vm, fd, 1 << 3, 0x90, 1, 0));
	EXPECT_EQ(-EINVAL, ioeventfd(&self->vm, fd, PIO, 0x90, 3, 0));
	EXPECT_EQ(-EINVAL, ioeventfd(&self->vm, fd, PIO, 0x90, 8, 0));
	EXPECT_EQ(-EINVAL, ioeventfd(&self->vm, fd, 0, VL_MMIO, 16, 0));
	EXPECT_EQ(-EINVAL, ioeventfd(&self->vm, fd, PIO, 0x10000, 1, 0));
	EXPECT_EQ(-EINVAL, ioeventfd(&self->vm, fd, PIO, 0xffff, 2, 0));
	EXPECT_EQ(-EINVAL, ioeventfd(&self->vm, fd, 0, ~0ULL, 2, 0));
	EXPECT_EQ(-EINVAL, ioeventfd(&self->vm, fd, PIO, 0x90, 1, 5));
	EXPECT_EQ(-EINVAL, ioeventfd(&self->vm, fd, PIO | MATCH, 0x90, 0, 5));
	EXPECT_EQ(-EINVAL, ioeventfd(&self->vm, fd, PIO | MATCH, 0x90, 1, 0x100));
	EXPECT_EQ(-EINVAL, vl_ioctl(self->vm.fd, VM_IOEVENTFD, &pad));
	EXPECT_EQ(-ENOENT, ioeventfd(&self->vm, fd, UNDO | PIO, 0x90, 1, 0));
	EXPECT_EQ(0, ioeventfd(&self->vm, fd, PIO, 0x90, 1, 0));
	EXPECT_EQ(-EEXIST, ioeventfd(&self->vm, fd, PIO, 0x90, 1, 0));
	EXPECT_EQ(-EEXIST, ioeventfd(&self->vm, fd, PIO, 0x90, 0, 0));
	/* Memory is not ports. */
	EXPECT_EQ(0, ioeventfd(&self->vm, fd, 0, 0x90, 1, 0));
	EXPECT_EQ(-EFAULT, vl_ioctl(self->vm.fd, VM_IOEVENTFD, BAD_POINTER));
	close(fd);
}

TEST_HARNESS_MAIN
