/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the tests of /dev/vmx-lite share: a small machine with a known layout,
 * a vCPU put into any mode, and guest code written in the middle of C.
 *
 * Guest-physical layout (all of it RAM, below VL_RAM_MIN):
 *   0x00000 real-mode IVT        0x01000 code            below 0x08000 stack
 *   0x10000 page tables          0x18000 GDT             0x19000 IDT
 *   0x1a000 TSS                  0x1b000 a stub for each vector
 *   0x20000 and up: the test's own
 * Linear addresses below 4 GiB are mapped one to one in every paging mode.
 */
#ifndef VL_H
#define VL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>

#include <linux/vmx_lite.h>

#define VL_CODE		0x1000
#define VL_STACK	0x8000
#define VL_PML4		0x10000
#define VL_PDPT		0x11000
#define VL_PD		0x12000		/* four pages: 4 GiB in pages of 2 MiB */
#define VL_PD32		0x16000		/* 32-bit paging, pages of 4 MiB */
#define VL_PDPT_PAE	0x17000
#define VL_GDT		0x18000
#define VL_IDT		0x19000
#define VL_TSS		0x1a000
#define VL_STUBS	0x1b000
#define VL_DATA		0x20000
#define VL_RAM_MIN	0x200000
#define VL_MMIO		0x40000000	/* nothing there */
#define VL_LAPIC	0xfee00000
#define VL_IOAPIC	0xfec00000

/* GDT selectors */
#define VL_CS32		0x08
#define VL_DS		0x10
#define VL_CS64		0x18
#define VL_CS16		0x20
#define VL_DS16		0x28
#define VL_UCS64	0x33
#define VL_UDS		0x3b
#define VL_TR		0x40		/* two entries in long mode */

#define VL_CR0_PE	(1ULL << 0)
#define VL_CR0_MP	(1ULL << 1)
#define VL_CR0_EM	(1ULL << 2)
#define VL_CR0_TS	(1ULL << 3)
#define VL_CR0_ET	(1ULL << 4)
#define VL_CR0_NE	(1ULL << 5)
#define VL_CR0_WP	(1ULL << 16)
#define VL_CR0_NW	(1ULL << 29)
#define VL_CR0_CD	(1ULL << 30)
#define VL_CR0_PG	(1ULL << 31)
#define VL_CR4_PSE	(1ULL << 4)
#define VL_CR4_PAE	(1ULL << 5)
#define VL_CR4_OSFXSR	(1ULL << 9)
#define VL_CR4_OSXSAVE	(1ULL << 18)
#define VL_EFER_LME	(1ULL << 8)
#define VL_EFER_LMA	(1ULL << 10)
#define VL_EFER_NXE	(1ULL << 11)
#define VL_FLAG_TF	(1ULL << 8)
#define VL_FLAG_IF	(1ULL << 9)
#define VL_FLAG_DF	(1ULL << 10)
#define VL_FLAGS	2ULL		/* bit 1 is always set */

/* The stub of vector N does OUT of N to this port, then returns. */
#define VL_PORT_VECTOR	0xe9

enum vl_mode {
	VL_REAL,	/* 16 bits, no paging */
	VL_PROT,	/* 32 bits, no paging */
	VL_PAGED,	/* 32 bits, 32-bit paging */
	VL_PAE,		/* 32 bits, PAE paging */
	VL_LONG,	/* 64 bits */
	VL_MODES
};

struct vl_vm {
	int dev;
	int fd;
	uint8_t *ram;		/* guest-physical 0 */
	size_t ram_size;
	struct vmx_lite_info info;
};

struct vl_vcpu {
	struct vl_vm *vm;
	int fd;
	struct vmx_lite_run *run;
	void *data;		/* I/O data */
};

/* What an exception or interrupt pushed, as its stub finds it. */
struct vl_frame {
	uint64_t error, rip, cs, rflags, rsp, ss;
};

/*
 * Code for the guest: VL_GUEST(name, 64, "insn; insn") makes name[] and
 * name_end[].  VL_LABEL(label) declares an address within it.
 */
#define VL_LABEL(name)	extern const uint8_t name[]

#define VL_GUEST(name, bits, text)					\
	asm(".pushsection .rodata\n.balign 16\n.code" #bits "\n"	\
	    #name ":\n" text "\n" #name "_end:\n.code64\n.popsection\n"); \
	extern const uint8_t name[], name##_end[]

/*
 * A table of code that the linker gathers, an asm(VL_INSN(...)) an entry: the
 * instructions, and two numbers that mean what the test says.
 */
struct vl_insn {
	const uint8_t *code, *end;
	const char *text;
	uint64_t want, how;
};

#define VL_INSN_(bits, insn, want, how)					\
	".pushsection .rodata\n.code" #bits "\n771: " insn "\n772:\n"	\
	"773: .asciz \"" insn "\"\n.code64\n.popsection\n"		\
	".pushsection vl_insns, \"aw\"\n.balign 8\n"			\
	".quad 771b, 772b, 773b\n.quad " #want "\n.quad " #how "\n"	\
	".popsection\n"
#define VL_INSN(bits, insn, want, how)	VL_INSN_(bits, insn, want, how)

extern const struct vl_insn __start_vl_insns[], __stop_vl_insns[];

#define vl_load(vm, gpa, name)						\
	memcpy((vm)->ram + (gpa), name, name##_end - name)
#define vl_load_bytes(vm, gpa, ...)					\
	memcpy((vm)->ram + (gpa), (const uint8_t[]){ __VA_ARGS__ },	\
	       sizeof((const uint8_t[]){ __VA_ARGS__ }))

int vl_open(void);
void vl_vm_init(struct vl_vm *vm, size_t ram_size);
void vl_vm_exit(struct vl_vm *vm);
int vl_set_memory(struct vl_vm *vm, uint64_t gpa, uint64_t size, void *addr, uint32_t flags);
int vl_unset_memory(struct vl_vm *vm, uint64_t gpa, uint64_t size);
void vl_vcpu_init(struct vl_vcpu *vcpu, struct vl_vm *vm, uint32_t id, enum vl_mode mode);
void vl_vcpu_exit(struct vl_vcpu *vcpu);
void vl_set_mode(struct vl_vcpu *vcpu, enum vl_mode mode);

int vl_run(struct vl_vcpu *vcpu);
void vl_describe(struct vl_vcpu *vcpu, int exit);
void vl_describe_system(struct vl_vcpu *vcpu);
const char *vl_mode_name(enum vl_mode mode);
const char *vl_exit_name(int exit);

void vl_get_regs(struct vl_vcpu *vcpu, struct vmx_lite_regs *regs);
void vl_set_regs(struct vl_vcpu *vcpu, const struct vmx_lite_regs *regs);
void vl_start(struct vl_vcpu *vcpu, uint64_t rip, uint64_t rflags);
void vl_get_frame(struct vl_vcpu *vcpu, uint8_t vector, struct vl_frame *frame);
void vl_set_frame_rip(struct vl_vcpu *vcpu, uint8_t vector, uint64_t rip);
int vl_set_cap(struct vl_vcpu *vcpu, uint32_t type, uint32_t value);
int vl_get_msr(struct vl_vcpu *vcpu, uint32_t index, uint64_t *value);
int vl_set_msr(struct vl_vcpu *vcpu, uint32_t index, uint64_t value);
int vl_inject(struct vl_vcpu *vcpu, uint8_t type, uint8_t vector, int error);
void vl_host_cpuid(struct vl_vcpu *vcpu);
void vl_stats(struct vl_vcpu *vcpu, struct vmx_lite_stats *stats);
bool vl_vector_has_error(uint8_t vector);
bool vl_under_tcg(void);
bool vl_under_bochs(void);
void vl_swap_on(const char *disk);

__attribute__((format(printf, 1, 2), noreturn)) void vl_die(const char *fmt, ...);

/* ioctl() as -errno, or what it returned. */
#define vl_ioctl(fd, cmd, arg) ({					\
	int ret_ = ioctl(fd, cmd, arg);					\
	ret_ < 0 ? -errno : ret_; })

static inline uint64_t vl_read64(struct vl_vm *vm, uint64_t gpa)
{
	uint64_t value;

	memcpy(&value, vm->ram + gpa, sizeof(value));
	return value;
}

static inline void vl_write64(struct vl_vm *vm, uint64_t gpa, uint64_t value)
{
	memcpy(vm->ram + gpa, &value, sizeof(value));
}

/* For use in a TEST(): run, and say what came instead. */
#define ASSERT_EXIT(want, vcpu) do {					\
	int exit_ = vl_run(vcpu);					\
									\
	ASSERT_EQ(want, exit_)						\
		vl_describe(vcpu, exit_);				\
} while (0)

#define ASSERT_OUT(want_port, want_value, vcpu) do {			\
	ASSERT_EXIT(VM_EXITCODE_INOUT, vcpu);				\
	ASSERT_EQ(0, (vcpu)->run->inout.flags);				\
	ASSERT_EQ(want_port, (vcpu)->run->inout.port)			\
		vl_describe(vcpu, VM_EXITCODE_INOUT);			\
	ASSERT_EQ(want_value, *(uint8_t *)(vcpu)->data);		\
} while (0)

#define ASSERT_VECTOR(want, vcpu)	ASSERT_OUT(VL_PORT_VECTOR, want, vcpu)

#endif /* VL_H */
