// SPDX-License-Identifier: GPL-2.0-only
/*
 * Guest instructions that touch what is not RAM: the emulator's view of the
 * vCPU and of memory, and the MMIO that user space answers.
 *
 * An instruction that reads what user space must supply is emulated again from
 * the start once the value is there; reads already answered come from a log.
 */
#include <linux/kernel.h>
#include <asm/processor-flags.h>
#include <asm/trapnr.h>

#include "emulate.h"
#include "vcpu.h"
#include "vmx-lite.h"
#include "walk.h"

static u8 cpl(void)
{
	/* SDM vol. 3, 25.4.1: SS.DPL is always CPL. */
	return (vmcs_read32(VMCS_SEG_AR(VL_SEG_SS)) >> 5) & 3;
}

/* ---- linear to guest-physical ---- */

static int walk_read(void *ctx, u64 gpa, void *data, unsigned int len)
{
	return vl_memory_read(ctx, gpa, data, len);
}

static int walk_cmpxchg(void *ctx, u64 gpa, u64 old, u64 new, unsigned int len)
{
	return vl_memory_cmpxchg(ctx, gpa, old, new, len);
}

static void walk_init(struct vl_vcpu *vcpu, struct vl_walk *w)
{
	int i;

	*w = (struct vl_walk) {
		.cr0 = vl_guest_cr0(),
		.cr3 = vmcs_read(GUEST_CR3),
		.cr4 = vl_guest_cr4(),
		.efer = vcpu->hw.efer,
		.rflags_ac = vmcs_read(GUEST_RFLAGS) & X86_EFLAGS_AC,
		.maxphyaddr = vcpu->hw.maxphyaddr,
		.read = walk_read,
		.ctx = vcpu->vm,
	};
	if ((w->cr4 & X86_CR4_PAE) && !(w->efer & EFER_LMA))
		for (i = 0; i < 4; i++)
			w->pdpte[i] = vmcs_read(GUEST_PDPTR0 + 2 * i);
}

/**
 * vl_translate() - a linear address to a guest-physical one, changing nothing
 * @vcpu: loaded
 * @gva: linear address
 * @access: VMX_LITE_ACCESS_READ, _WRITE, _EXEC
 * @user: as CPL 3, else as CPL 0
 * @gpa: out, with 0
 * @error: out, with -EFAULT: page-fault error code
 * Return: 0, -EFAULT (the guest would fault), -EIO (its tables are not in RAM).
 */
int vl_translate(struct vl_vcpu *vcpu, u64 gva, u32 access, bool user, u64 *gpa, u32 *error)
{
	struct vl_walk w;
	int ret;

	walk_init(vcpu, &w);
	w.cpl = user ? 3 : 0;
	ret = vl_walk(&w, gva, access);
	*gpa = w.gpa;
	*error = w.pf_error;
	return ret;
}

/* As the emulated instruction's own access: with accessed and dirty bits. */
static int emul_translate(struct vl_emul *e, u64 gla, u32 access, u64 *gpa)
{
	struct vl_walk w;
	int ret;

	walk_init(e->vcpu, &w);
	w.cpl = cpl();
	w.cmpxchg = walk_cmpxchg;
	ret = vl_walk(&w, gla, access);
	if (!ret) {
		*gpa = w.gpa;
		return VL_EMUL_DONE;
	}
	if (ret != -EFAULT)
		return VL_EMUL_UNHANDLED;
	e->fault = (struct vl_emul_fault) {
		.vector = X86_TRAP_PF,
		.has_error = true,
		.error = w.pf_error,
		.cr2 = gla,
	};
	return VL_EMUL_FAULT;
}

/* ---- memory as the emulator sees it ---- */

static bool kernel_mmio(struct vl_vcpu *vcpu, u64 gpa, unsigned int size, void *data,
			bool write)
{
	if (vl_lapic_mmio(vcpu, gpa, size, data, write)) {
		if (write)
			vl_request(vcpu, VL_REQ_EVENT);
		return true;
	}
	return vl_ioapic_mmio(vcpu->vm, gpa, size, data, write);
}

static int mmio_read(struct vl_vcpu *vcpu, u64 gpa, void *data, unsigned int size)
{
	struct vl_mmio *m = &vcpu->hw.mmio;
	struct vl_mmio_access *access;

	if (m->next_read < m->nr_reads) {
		access = &m->reads[m->next_read++];
		if (access->gpa != gpa || access->size != size)
			return VL_EMUL_UNHANDLED;
		memcpy(data, &access->data, size);
		return VL_EMUL_DONE;
	}
	if (m->nr_reads == VL_MMIO_LOG)
		return VL_EMUL_UNHANDLED;
	access = &m->reads[m->nr_reads];
	*access = (struct vl_mmio_access) { .gpa = gpa, .size = size };
	if (kernel_mmio(vcpu, gpa, size, &access->data, false)) {
		memcpy(data, &access->data, size);
		m->nr_reads++;
		m->next_read++;
		return VL_EMUL_DONE;
	}
	m->waiting = true;
	return VL_EMUL_AGAIN;
}

static int mmio_write(struct vl_vcpu *vcpu, u64 gpa, const void *data, unsigned int size)
{
	struct vl_mmio *m = &vcpu->hw.mmio;
	struct vl_mmio_access access = { .gpa = gpa, .size = size };

	memcpy(&access.data, data, size);
	if (kernel_mmio(vcpu, gpa, size, &access.data, true) ||
	    vl_ioeventfd_signal(vcpu->vm, false, gpa, size, access.data))
		return VL_EMUL_DONE;
	if (m->nr_writes == VL_MMIO_LOG)
		return VL_EMUL_UNHANDLED;
	m->writes[m->nr_writes++] = access;
	return VL_EMUL_DONE;
}

/* The access that made the CPU exit needs no walk, and is known to miss RAM. */
static bool known_mmio(struct vl_vcpu *vcpu, u64 gla, u32 access, u64 *gpa)
{
	const struct vl_mmio *m = &vcpu->hw.mmio;

	if (!(m->gla_access & access) || (gla & PAGE_MASK) != m->gla_page)
		return false;
	*gpa = m->gpa_page | (gla & ~PAGE_MASK);
	return true;
}

static int emul_read(struct vl_emul *e, u64 gla, void *data, unsigned int size)
{
	u64 gpa;
	int ret;

	if (known_mmio(e->vcpu, gla, VL_ACCESS_READ, &gpa))
		return mmio_read(e->vcpu, gpa, data, size);
	ret = emul_translate(e, gla, VL_ACCESS_READ, &gpa);
	if (ret != VL_EMUL_DONE)
		return ret;
	ret = vl_memory_read(e->vcpu->vm, gpa, data, size);
	if (!ret)
		return VL_EMUL_DONE;
	return ret == -ENXIO ? mmio_read(e->vcpu, gpa, data, size) : VL_EMUL_UNHANDLED;
}

static int emul_write(struct vl_emul *e, u64 gla, const void *data, unsigned int size)
{
	u64 gpa;
	int ret;

	if (known_mmio(e->vcpu, gla, VL_ACCESS_WRITE, &gpa))
		return mmio_write(e->vcpu, gpa, data, size);
	ret = emul_translate(e, gla, VL_ACCESS_WRITE, &gpa);
	if (ret != VL_EMUL_DONE)
		return ret;
	ret = vl_memory_write(e->vcpu->vm, gpa, data, size);
	if (!ret)
		return VL_EMUL_DONE;
	if (ret != -ENXIO && ret != -EROFS)
		return VL_EMUL_UNHANDLED;
	return mmio_write(e->vcpu, gpa, data, size);
}

static int emul_probe(struct vl_emul *e, u64 gla, unsigned int size)
{
	u64 gpa;

	if (known_mmio(e->vcpu, gla, VL_ACCESS_WRITE, &gpa))
		return VL_EMUL_DONE;
	return emul_translate(e, gla, VL_ACCESS_WRITE, &gpa);
}

static int emul_ram(struct vl_emul *e, u64 gla, void *data, unsigned int len, bool write)
{
	struct vl_vm *vm = e->vcpu->vm;
	u64 gpa;
	int ret;

	ret = emul_translate(e, gla, write ? VL_ACCESS_WRITE : VL_ACCESS_READ, &gpa);
	if (ret != VL_EMUL_DONE)
		return ret;
	if (!data)
		return vl_memory_is_ram(vm, gpa, write) ? VL_EMUL_DONE : VL_EMUL_UNHANDLED;
	ret = write ? vl_memory_write(vm, gpa, data, len) : vl_memory_read(vm, gpa, data, len);
	return ret ? VL_EMUL_UNHANDLED : VL_EMUL_DONE;
}

static const struct vl_emul_ops emul_ops = {
	.read = emul_read,
	.write = emul_write,
	.probe = emul_probe,
	.ram = emul_ram,
};

/* ---- the vCPU as the emulator sees it ---- */

static void emul_init(struct vl_vcpu *vcpu, struct vl_emul *e)
{
	u32 cs = vmcs_read32(VMCS_SEG_AR(VL_SEG_CS));
	u64 rflags = vmcs_read(GUEST_RFLAGS);
	u64 cr0 = vl_guest_cr0();
	bool long64 = (vcpu->hw.efer & EFER_LMA) && (cs & BIT(13));
	int i;

	vcpu->hw.l1d_flush = true;
	vcpu->gpr[VL_RSP] = vmcs_read(GUEST_RSP);
	*e = (struct vl_emul) {
		.ops = &emul_ops,
		.vcpu = vcpu,
		.gpr = vcpu->gpr,
		.rip = vmcs_read(GUEST_RIP),
		.rflags = rflags,
		.mode = long64 ? 8 : cs & BIT(14) ? 4 : 2,
		.real = !(cr0 & X86_CR0_PE) || (rflags & X86_EFLAGS_VM),
		.la57 = long64 && (vl_guest_cr4() & X86_CR4_LA57),
		.align_check = (cr0 & X86_CR0_AM) && (rflags & X86_EFLAGS_AC) && cpl() == 3,
		.movbe = vl_guest_has(vcpu, 1, 0, 2, 22),
	};
	for (i = 0; i < VL_EMUL_NR_SEGS; i++) {
		/* 64-bit mode knows no other bases, limits and types. */
		if (long64 && i != VL_EMUL_FS && i != VL_EMUL_GS)
			continue;
		e->seg[i].base = vmcs_read(VMCS_SEG_BASE(i));
		e->seg[i].limit = vmcs_read32(VMCS_SEG_LIMIT(i));
		e->seg[i].ar = vmcs_read32(VMCS_SEG_AR(i));
	}
}

/* Add the instruction bytes that lie on the page of the next one. */
static int fetch(struct vl_emul *e)
{
	u64 base = e->mode == 8 ? 0 : e->seg[VL_EMUL_CS].base;
	u64 gla = base + e->rip + e->insn_len;
	unsigned int len;
	u64 gpa;
	int ret;

	if (e->mode != 8)
		gla = (u32)gla;
	len = min_t(u64, VL_EMUL_INSN_MAX - e->insn_len, PAGE_SIZE - (gla & ~PAGE_MASK));
	ret = emul_translate(e, gla, VL_ACCESS_EXEC, &gpa);
	if (ret != VL_EMUL_DONE)
		return ret;
	if (vl_memory_read(e->vcpu->vm, gpa, e->insn + e->insn_len, len))
		return VL_EMUL_UNHANDLED;
	e->insn_len += len;
	return VL_EMUL_DONE;
}

static void commit(struct vl_vcpu *vcpu, struct vl_emul *e)
{
	vmcs_write(GUEST_RIP, e->rip);
	vmcs_write(GUEST_RFLAGS, e->rflags);
	vmcs_write(GUEST_RSP, vcpu->gpr[VL_RSP]);
	vl_vcpu_retire(vcpu);
}

static void raise(struct vl_vcpu *vcpu, const struct vl_emul_fault *fault)
{
	if (fault->vector == X86_TRAP_PF)
		vcpu->hw.cr2 = fault->cr2;
	vl_inject_exception(vcpu, fault->vector, fault->has_error, fault->error);
}

static int show_mmio(struct vl_vcpu *vcpu, const struct vl_mmio_access *access, bool write)
{
	struct vmx_lite_run *run = vcpu->run;

	run->mmio.gpa = access->gpa;
	run->mmio.data = write ? access->data : 0;
	run->mmio.size = access->size;
	run->mmio.is_write = write;
	run->rip = vmcs_read(GUEST_RIP);
	run->insn_len = 0;
	vcpu->hw.completion = VL_COMPLETE_MMIO;
	return vl_exit_to_user(vcpu, VM_EXITCODE_MMIO);
}

static int give_up(struct vl_vcpu *vcpu, const struct vl_emul *e)
{
	struct vmx_lite_run *run = vcpu->run;

	memset(&vcpu->hw.mmio, 0, sizeof(vcpu->hw.mmio));
	vl_exit_internal(vcpu, VMX_LITE_INTERNAL_EMULATION, 0);
	run->internal.insn_len = e->insn_len;
	memcpy(run->internal.insn, e->insn, e->insn_len);
	return VL_TO_USER;
}

/* Writes that user space has not seen yet, one an exit. */
static int next_write(struct vl_vcpu *vcpu)
{
	struct vl_mmio *m = &vcpu->hw.mmio;

	if (m->next_write < m->nr_writes)
		return show_mmio(vcpu, &m->writes[m->next_write++], true);
	m->nr_writes = 0;
	m->next_write = 0;
	return VL_RESUME;
}

/* Emulate the instruction at the guest's RIP, from the start. */
static int emulate(struct vl_vcpu *vcpu)
{
	struct vl_mmio *m = &vcpu->hw.mmio;
	struct vl_emul e;
	int ret;

	emul_init(vcpu, &e);
	m->next_read = 0;
	ret = fetch(&e);
	if (ret == VL_EMUL_DONE)
		ret = vl_emulate(&e);
	if (ret == VL_EMUL_FETCH) {
		ret = fetch(&e);
		if (ret == VL_EMUL_DONE)
			ret = vl_emulate(&e);
	}
	switch (ret) {
	case VL_EMUL_DONE:
		commit(vcpu, &e);
		m->nr_reads = 0;
		return next_write(vcpu);
	case VL_EMUL_AGAIN:
		return show_mmio(vcpu, &m->reads[m->nr_reads], false);
	case VL_EMUL_FAULT:
		m->nr_reads = 0;
		raise(vcpu, &e.fault);
		return VL_RESUME;
	default:
		return give_up(vcpu, &e);
	}
}

/* SDM vol. 3, table 28-7 */
#define EPT_GLA_VALID		BIT(7)
#define EPT_GLA_TRANSLATED	BIT(8)

/**
 * vl_mmio_drop() - forget an instruction that waits for user space
 * @vcpu: whose registers are not those of that instruction any more
 * Context: vcpu->lock held.
 */
void vl_mmio_drop(struct vl_vcpu *vcpu)
{
	vcpu->hw.completion = VL_COMPLETE_NONE;
	vcpu->hw.string_active = false;
	memset(&vcpu->hw.mmio, 0, sizeof(vcpu->hw.mmio));
}

/**
 * vl_mmio_exit() - an EPT violation that is no page of RAM
 * @vcpu: loaded, after the exit
 * @gpa: guest-physical address of the access
 * @qualification: of the exit
 * Return: VL_RESUME, or VL_TO_USER with an MMIO or INTERNAL exit.
 */
int vl_mmio_exit(struct vl_vcpu *vcpu, u64 gpa, u64 qualification)
{
	const u64 both = EPT_GLA_VALID | EPT_GLA_TRANSLATED;
	struct vl_mmio *m = &vcpu->hw.mmio;

	m->gla_access = 0;
	if ((qualification & both) == both) {
		m->gla_page = vmcs_read(GUEST_LINEAR_ADDRESS) & PAGE_MASK;
		m->gpa_page = gpa & PAGE_MASK;
		/* Of a read and write only the write is known to miss: RAM may be read-only. */
		m->gla_access = qualification & VL_ACCESS_WRITE ?:
				qualification & VL_ACCESS_READ;
	}
	return emulate(vcpu);
}

/**
 * vl_mmio_emulate() - an instruction that exited before its access of the xAPIC's page
 * @vcpu: loaded, after the exit
 * Return: as vl_mmio_exit().
 */
int vl_mmio_emulate(struct vl_vcpu *vcpu)
{
	vcpu->hw.mmio.gla_access = 0;
	return emulate(vcpu);
}

/**
 * vl_mmio_complete() - user space has seen a write or answered a read
 * @vcpu: the vCPU, loaded
 * Return: VL_RESUME, VL_TO_USER with the run page filled, or -errno.
 */
int vl_mmio_complete(struct vl_vcpu *vcpu)
{
	struct vl_mmio *m = &vcpu->hw.mmio;

	if (!m->waiting)
		return next_write(vcpu);
	m->waiting = false;
	m->reads[m->nr_reads++].data = READ_ONCE(vcpu->run->mmio.data);
	return vcpu->hw.string_active ? vl_string_start(vcpu) : emulate(vcpu);
}

/* ---- INS and OUTS ---- */

/* SDM vol. 3, table 28-9: the instruction-information field of INS and OUTS. */
static void string_init(struct vl_vcpu *vcpu, struct vl_emul_strio *io)
{
	u32 qualification = vmcs_read(EXIT_QUALIFICATION);
	u32 info = vmcs_read32(VMX_INSTRUCTION_INFO);

	*io = (struct vl_emul_strio) {
		.in = qualification & BIT(3),
		.rep = qualification & BIT(5),
		.size = (qualification & 7) + 1,
		.addr_size = 2 << ((info >> 7) & 3),
		.seg = qualification & BIT(3) ? VL_EMUL_ES : (info >> 15) & 7,
		.insn_len = vmcs_read32(VM_EXIT_INSTRUCTION_LEN),
	};
}

static int string_result(struct vl_vcpu *vcpu, struct vl_emul *e, int ret)
{
	struct vl_mmio *m = &vcpu->hw.mmio;

	vcpu->hw.string_active = ret == VL_EMUL_AGAIN;
	if (ret == VL_EMUL_AGAIN)
		return show_mmio(vcpu, &m->reads[m->nr_reads], false);
	m->nr_reads = 0;
	switch (ret) {
	case VL_EMUL_DONE:
		commit(vcpu, e);
		return next_write(vcpu);
	case VL_EMUL_FAULT:
		raise(vcpu, &e->fault);
		return VL_RESUME;
	default:
		return give_up(vcpu, e);
	}
}

/**
 * vl_string_start() - an INS or OUTS exit, or a read of its memory is answered
 * @vcpu: loaded; hw.string_port is set
 * Return: VL_RESUME, or VL_TO_USER with an INOUT, MMIO or INTERNAL exit.
 */
int vl_string_start(struct vl_vcpu *vcpu)
{
	struct vl_hw *hw = &vcpu->hw;
	struct vmx_lite_run *run = vcpu->run;
	struct vl_emul_strio *io = &hw->string;
	struct vl_emul e;
	int ret;

	emul_init(vcpu, &e);
	string_init(vcpu, io);
	hw->mmio.gla_access = 0;
	hw->mmio.next_read = 0;
	ret = vl_emul_strio_start(&e, io, (void *)run + VL_DATA_OFFSET, VL_DATA_SIZE / io->size);
	if (ret != VL_EMUL_DONE || !io->count)
		return string_result(vcpu, &e, ret);
	hw->string_active = false;
	hw->mmio.nr_reads = 0;
	run->inout.port = hw->string_port;
	run->inout.size = io->size;
	run->inout.flags = VMX_LITE_INOUT_STRING | (io->in ? VMX_LITE_INOUT_IN : 0) |
			   (io->rep ? VMX_LITE_INOUT_REP : 0);
	run->inout.count = io->count;
	run->rip = vmcs_read(GUEST_RIP);
	run->insn_len = io->insn_len;
	hw->completion = VL_COMPLETE_STRING;
	return vl_exit_to_user(vcpu, VM_EXITCODE_INOUT);
}

/**
 * vl_string_finish() - user space has done the ports' side of a batch
 * @vcpu: the vCPU, loaded
 * Return: VL_RESUME, VL_TO_USER with the run page filled, or -errno.
 */
int vl_string_finish(struct vl_vcpu *vcpu)
{
	struct vl_emul_strio *io = &vcpu->hw.string;
	struct vl_emul e;
	int ret;

	emul_init(vcpu, &e);
	do {
		ret = vl_emul_strio_finish(&e, io, (void *)vcpu->run + VL_DATA_OFFSET);
	} while (ret == VL_EMUL_DONE && io->done < io->count);
	return string_result(vcpu, &e, ret);
}
