/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Emulation of one instruction whose memory operand the hardware could not reach:
 * MMIO, the local APIC's page, read-only RAM; and the memory side of string port I/O.
 *
 * Pure code: no kernel state, no allocation, no lock. It also builds in user space.
 */
#ifndef VL_EMULATE_H
#define VL_EMULATE_H

#include <linux/types.h>

struct vl_vcpu;
struct vl_emul;

#define VL_EMUL_INSN_MAX	15	/* longest x86 instruction, SDM vol. 2, 2.3.11 */

/**
 * enum vl_emul_result - how an emulation, or one of its memory accesses, ended
 * @VL_EMUL_DONE: the instruction (or one iteration of a repeated one) retired:
 *	registers, RIP and RFLAGS are updated
 * @VL_EMUL_AGAIN: an access has no answer yet; nothing was changed; emulate again from
 *	the start once it has
 * @VL_EMUL_FAULT: struct vl_emul.fault holds an exception; nothing was changed
 * @VL_EMUL_UNHANDLED: not an instruction the emulator knows; nothing was changed
 * @VL_EMUL_FETCH: the instruction goes on behind insn[insn_len - 1] and the 15 bytes are
 *	not used up; nothing was changed. Only from vl_emulate(). The caller fetches the
 *	byte at rip + insn_len, which gives either the byte or the guest's #PF.
 */
enum vl_emul_result {
	VL_EMUL_DONE = 0,
	VL_EMUL_AGAIN,
	VL_EMUL_FAULT,
	VL_EMUL_UNHANDLED,
	VL_EMUL_FETCH,
};

/**
 * struct vl_emul_ops - memory as the emulated instruction sees it
 * @read: read @size (1, 2, 4 or 8) bytes at linear address @gla, as the guest at its
 *	current privilege would; never crosses a 4 KiB boundary. Returns VL_EMUL_DONE, _AGAIN,
 *	_FAULT (with e->fault set) or _UNHANDLED.
 * @write: likewise for writing. Called only after every read of the instruction was DONE,
 *	in the same order each time, as the last thing that may fail. A write that crosses a
 *	boundary or that is not a power of two long comes in several pieces of rising
 *	address. AGAIN means that the same write is asked for once more in the next run.
 * @probe: optional. Check that a write of @size bytes (1 to 4096, within one page) at @gla
 *	would not fault. Called before the first access of an instruction that writes memory,
 *	so that a page fault is found before a device sees anything and before half of a
 *	split write is done. No side effect but the guest's accessed and dirty bits.
 * @ram: optional. Copy @len bytes (1 to 4096, within one page) between @data and guest
 *	RAM at @gla; @write tells the direction; with @data NULL only check that it could be done.
 *	Anything but VL_EMUL_DONE means "not plain RAM, or not now": the emulator then
 *	goes by @read and @write, which report the reason. It must leave e->fault alone or
 *	may clobber it, as it likes. Without it string I/O moves one element a call.
 *
 * An instruction read-modify-writes by @read, then @write: LOCK is honoured for what devices
 * can see (one vCPU's accesses are in order), not for RAM that another vCPU writes meanwhile.
 */
struct vl_emul_ops {
	int (*read)(struct vl_emul *e, u64 gla, void *data, unsigned int size);
	int (*write)(struct vl_emul *e, u64 gla, const void *data, unsigned int size);
	int (*probe)(struct vl_emul *e, u64 gla, unsigned int size);
	int (*ram)(struct vl_emul *e, u64 gla, void *data, unsigned int len, bool write);
};

/* Segment registers by their number in ModRM.reg and in the VMCS's instruction information. */
enum vl_emul_segreg {
	VL_EMUL_ES, VL_EMUL_CS, VL_EMUL_SS, VL_EMUL_DS, VL_EMUL_FS, VL_EMUL_GS,
	VL_EMUL_NR_SEGS
};

/* One segment register; @ar has the VMCS's access-rights format (SDM vol. 3, table 25-2). */
struct vl_emul_seg {
	u64 base;
	u32 limit;
	u32 ar;
};

/* An exception to inject. @cr2 is valid for vector 14 only. */
struct vl_emul_fault {
	u8 vector;
	bool has_error;
	u32 error;
	u64 cr2;
};

/**
 * struct vl_emul - one emulation: the guest's state and the instruction
 * @ops: how to reach memory
 * @vcpu: for @ops; the emulator does not look at it
 * @gpr: 16 general registers in ModRM order (rax rcx rdx rbx rsp rbp rsi rdi r8..r15);
 *	read, and written only together with VL_EMUL_DONE
 * @rip: offset of the instruction in its code segment; moves on when it retires. A repeated
 *	string instruction retires with its last iteration only.
 * @rflags: RFLAGS; updated only together with VL_EMUL_DONE. RF is cleared on retirement.
 * @mode: bytes of the code segment's default size: 2 (16-bit), 4 (32-bit), 8 (64-bit mode)
 * @real: real-address or virtual-8086 mode: segments have a base and a limit, no type;
 *	which of the two, @rflags tells
 * @la57: linear addresses have 57 bits (CR4.LA57 in IA-32e mode), not 48
 * @align_check: CR0.AM and RFLAGS.AC and CPL 3: misaligned data raises #AC
 * @movbe: the guest's CPUID shows MOVBE; without it the opcode is UNHANDLED
 * @seg: the segment registers
 * @insn: the instruction's bytes
 * @insn_len: how many of @insn are there, 0 to 15; fewer only where the next page could
 *	not be fetched
 * @fault: out: the exception, with VL_EMUL_FAULT
 *
 * The caller owns what goes with retirement: interrupt shadow, single-step #DB (TF), activity.
 */
struct vl_emul {
	const struct vl_emul_ops *ops;
	struct vl_vcpu *vcpu;
	u64 *gpr;
	u64 rip;
	u64 rflags;
	u8 mode;
	bool real;
	bool la57;
	bool align_check;
	bool movbe;
	u8 insn_len;
	u8 insn[VL_EMUL_INSN_MAX];
	struct vl_emul_seg seg[VL_EMUL_NR_SEGS];
	struct vl_emul_fault fault;
};

int vl_emulate(struct vl_emul *e);

/**
 * struct vl_emul_strio - a batch of iterations of INS or OUTS
 * @in: INS (port to memory), else OUTS
 * @rep: a REP prefix: RCX counts
 * @size: bytes of one element: 1, 2 or 4
 * @addr_size: bytes of the address size: 2, 4 or 8
 * @seg: segment of the memory operand (INS: always VL_EMUL_ES)
 * @insn_len: VM-exit instruction length
 * @count: out of vl_emul_strio_start(): elements in this batch
 * @done: elements whose registers have been stepped
 *
 * The caller fills all up to @insn_len from the exit qualification and the VM-exit
 * instruction information (SDM vol. 3, tables 28-5 and 28-9); struct vl_emul needs its
 * registers, mode bits, segments and ops, but no instruction bytes.
 */
struct vl_emul_strio {
	bool in;
	bool rep;
	u8 size;
	u8 addr_size;
	u8 seg;
	u8 insn_len;
	u32 count;
	u32 done;
};

int vl_emul_strio_start(struct vl_emul *e, struct vl_emul_strio *io, void *data, u32 max);
int vl_emul_strio_finish(struct vl_emul *e, struct vl_emul_strio *io, const void *data);

#endif /* VL_EMULATE_H */
