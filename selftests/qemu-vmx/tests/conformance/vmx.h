/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef CONFORMANCE_VMX_H
#define CONFORMANCE_VMX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../../vmx/vmcs.h"

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))
#define PAGE_SIZE	4096

#define MSR_SMI_COUNT		0x34
#define MSR_FEATURE_CONTROL	0x3a
#define MSR_VMX_BASIC		0x480
#define MSR_VMX_PIN		0x481
#define MSR_VMX_PROC		0x482
#define MSR_VMX_EXIT		0x483
#define MSR_VMX_ENTRY		0x484
#define MSR_VMX_MISC		0x485
#define MSR_VMX_CR0_FIXED0	0x486
#define MSR_VMX_CR4_FIXED0	0x488
#define MSR_VMX_PROC2		0x48b
#define MSR_VMX_EPT_VPID	0x48c
#define MSR_EFER		0xc0000080
#define MSR_STAR		0xc0000081
#define MSR_FS_BASE		0xc0000100
#define MSR_KERNEL_GS_BASE	0xc0000102

#define PIN_EXT_INTR		0x01
#define PIN_NMI			0x08
#define PIN_VIRTUAL_NMI		0x20
#define PIN_TIMER		0x40
#define PROC_INTR_WINDOW	0x00000004
#define PROC_TSC_OFFSET		0x00000008
#define PROC_HLT		0x00000080
#define PROC_INVLPG		0x00000200
#define PROC_MWAIT		0x00000400
#define PROC_RDPMC		0x00000800
#define PROC_RDTSC		0x00001000
#define PROC_CR3_LOAD		0x00008000
#define PROC_CR3_STORE		0x00010000
#define PROC_CR8_LOAD		0x00080000
#define PROC_CR8_STORE		0x00100000
#define PROC_TPR_SHADOW		0x00200000
#define PROC_NMI_WINDOW		0x00400000
#define PROC_MOV_DR		0x00800000
#define PROC_UNCOND_IO		0x01000000
#define PROC_IO_BITMAPS		0x02000000
#define PROC_MTF		0x08000000
#define PROC_MSR_BITMAPS	0x10000000
#define PROC_MONITOR		0x20000000
#define PROC_PAUSE		0x40000000
#define PROC_SECONDARY		0x80000000
#define PROC2_EPT		0x02
#define PROC2_RDTSCP		0x08
#define PROC2_VPID		0x20
#define PROC2_WBINVD		0x40
#define PROC2_UNRESTRICTED	0x80
#define PROC2_PAUSE_LOOP	0x400
#define EXIT_SAVE_DEBUG		0x00000004
#define EXIT_HOST64		0x00000200
#define EXIT_ACK		0x00008000
#define EXIT_SAVE_EFER		0x00100000
#define EXIT_LOAD_EFER		0x00200000
#define EXIT_LOAD_PAT		0x00080000
#define EXIT_SAVE_TIMER		0x00400000
#define ENTRY_LOAD_DEBUG	0x00000004
#define ENTRY_IA32E		0x00000200
#define ENTRY_LOAD_PAT		0x00004000
#define ENTRY_LOAD_EFER		0x00008000

#define FAILED_ENTRY		(0x80000000u | EXIT_REASON_ENTRY_GUEST_STATE)

/* What an instruction did */
#define OK			0u
#define FAIL_INVALID		0x10000u
#define FAIL(error)		(0x20000u | (error))
#define EXCEPTION(vector)	(0x30000u | (vector))
#define UD			EXCEPTION(6)
#define GP			EXCEPTION(13)

struct regs {
	uint64_t rax, rbx, rcx, rdx, rsi, rdi, rbp;
};

/* What an exit left in the VMCS */
struct vm_exit {
	int entered;		/* 0, or the VMfail of vm_enter() */
	uint32_t error;		/* VM-instruction error of that */
	uint32_t reason;
	uint64_t qualification;
	uint32_t info, info_error;
	uint32_t vectoring, vectoring_error;
	uint32_t length;
	uint32_t insn_info;
	uint64_t rip;
	uint64_t linear, physical;
};

struct field_value {
	uint32_t field;
	uint64_t value;
};

/* boot.S */
extern char host_vectors[], host_interrupt[], gdt[], tss[];
extern char gdt_pointer[];
int vm_enter(struct regs *regs, bool resume);
int vm_enter_mov_ss(void);
void vm_exit(void);

/* main.c */
extern uint64_t fixup;
extern uint32_t exception_vector, exception_error;
extern volatile uint32_t interrupts;
bool in_bochs(void);
void print(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void report(bool passed, const char *name);
void report_values(bool passed, const char *name, uint64_t want, uint64_t got);
void report_exit(bool passed, const char *name, const struct vm_exit *e);
void skip(const char *name, const char *why);

/* vmx.c */
extern uint8_t vmxon_region[], vmcs_region[], other_region[], msr_area[];
extern uint8_t io_bitmap_a[], io_bitmap_b[], msr_bitmap[], virtual_apic[];
extern struct regs regs;
uint64_t rdmsr(uint32_t msr);
void wrmsr(uint32_t msr, uint64_t val);
uint32_t try_wrmsr(uint32_t msr, uint64_t val);
uint32_t try_rdmsr(uint32_t msr);
uint32_t try_write_cr(int cr, uint64_t val);
uint64_t read_cr(int cr);
uint32_t try_vmxon(uint64_t ptr);
uint32_t try_vmxoff(void);
uint32_t try_vmclear(uint64_t ptr);
uint32_t try_vmptrld(uint64_t ptr);
uint32_t try_vmptrst(uint64_t *ptr);
uint32_t try_vmread(uint64_t field, uint64_t *val);
uint32_t try_vmwrite(uint64_t field, uint64_t val);
uint32_t try_vmcall(void);
uint32_t try_vmlaunch(void);
uint32_t try_vmresume(void);
uint32_t try_invept(uint64_t type, uint64_t eptp, uint64_t reserved);
uint32_t try_invvpid(uint64_t type, uint64_t vpid, uint64_t addr);
uint64_t get(uint32_t field);
void set(uint32_t field, uint64_t val);
void set_all(const struct field_value *values, size_t count);
bool vmx_available(void);
bool control_allowed(uint32_t msr, uint32_t bits);
uint64_t ept_vpid_capability(void);
uint64_t control_default(uint32_t msr);
void baseline(void (*code)(void));
void enable(uint32_t pin, uint32_t proc, uint32_t proc2);
struct vm_exit run(void);
struct vm_exit resume(void);
uint64_t guest_idt_handler(int vector);
int guest_fault(const struct vm_exit *e);
bool guest_done(const struct vm_exit *e);

/* ept.c */
extern uint64_t ept_arena_pt[];
#define ARENA	0x400000ul	/* 2 MiB of guest-physical memory, 4 KiB pages */
uint64_t ept_build(bool accessed_dirty);
uint64_t *ept_arena_entry(int page);
uint64_t *ept_directory_entry(int i);
uint64_t *ept_gib_entry(int i);

/* The tables of tests */
void test_before_vmxon(void);
void test_instructions(void);
void test_controls(void);
void test_host_state(void);
void test_guest_state(void);
void test_exits(void);
void test_events(void);
void test_ept(void);

#endif
