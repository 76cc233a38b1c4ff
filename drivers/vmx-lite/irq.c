// SPDX-License-Identifier: GPL-2.0-only
/*
 * Interrupt messages: whom they address, and what a local APIC does with one
 * (SDM vol. 3, 11.6, 11.8 and 11.11).
 *
 * Everything here runs in any context, hard interrupts included, without locks.
 */
#include <linux/bitfield.h>
#include <linux/bitmap.h>
#include <linux/bits.h>
#include <linux/errno.h>
#include <linux/nospec.h>
#include <asm/apicdef.h>

#include "vmx-lite.h"

#define XAPIC_BROADCAST		0xffU
#define X2APIC_BROADCAST	0xffffffffU

static bool is_broadcast(const struct vl_irq *irq)
{
	return irq->dest == (irq->x2apic ? X2APIC_BROADCAST : XAPIC_BROADCAST);
}

/* SDM vol. 3, 11.6.2.2 (xAPIC: flat and cluster model), 11.12.10.2 (x2APIC) */
static bool match_logical(const struct vl_lapic *lapic, u32 dest)
{
	u32 ldr = vl_lapic_reg(lapic, APIC_LDR);

	if (vl_lapic_in_x2apic(lapic))
		return dest >> 16 == ldr >> 16 && (dest & ldr & 0xffff);
	if (dest > 0xff)
		return false;
	ldr >>= 24;
	if (vl_lapic_reg(lapic, APIC_DFR) >> 28 == 0xf)
		return dest & ldr;
	return dest >> 4 == ldr >> 4 && (dest & ldr & 0xf);
}

/**
 * vl_lapic_match() - is a vCPU in a message's destination field?
 * @vcpu: vCPU
 * @irq: message; its shorthand does not count here
 *
 * An 8-bit destination, of an xAPIC, an MSI or an IOAPIC, is zero-extended for
 * a vCPU in x2APIC mode, but stays a broadcast if it is one.
 * Context: any.
 * Return: SDM vol. 3, 11.6.2.
 */
bool vl_lapic_match(struct vl_vcpu *vcpu, const struct vl_irq *irq)
{
	if (is_broadcast(irq))
		return true;
	if (irq->logical)
		return match_logical(vcpu->lapic, irq->dest);
	return irq->dest == vcpu->id;
}

static void set_vector(void *page, unsigned int base, u8 vector)
{
	set_bit(vector & 31, page + base + (vector >> 5) * 16);
}

static void clear_vector(void *page, unsigned int base, u8 vector)
{
	clear_bit(vector & 31, page + base + (vector >> 5) * 16);
}

static bool accept_fixed(struct vl_vcpu *vcpu, u8 vector, bool level)
{
	struct vl_lapic *lapic = vcpu->lapic;
	bool new;

	if (!(vl_lapic_reg(lapic, APIC_SPIV) & APIC_SPIV_APIC_ENABLED))
		return false;
	if (vector < 16) {
		vl_lapic_error(vcpu, APIC_ESR_RECVILL);
		return false;
	}
	if (level)
		set_vector(lapic->page, APIC_TMR, vector);
	else
		clear_vector(lapic->page, APIC_TMR, vector);
	/* If it is set already, whoever set it has told the vCPU. */
	if (lapic->apicv)
		new = !test_and_set_bit(vector, lapic->posted);
	else
		new = !test_and_set_bit(vector & 31,
					lapic->page + APIC_IRR + (vector >> 5) * 16);
	if (new) {
		vl_request(vcpu, VL_REQ_EVENT);
		vl_vcpu_kick(vcpu);
	}
	return true;
}

static bool send_request(struct vl_vcpu *vcpu, enum vl_request req)
{
	vl_request(vcpu, req);
	vl_vcpu_kick(vcpu);
	return true;
}

/**
 * vl_lapic_accept() - give a message to one vCPU's local APIC
 * @vcpu: vCPU
 * @irq: message; its destination does not count here
 *
 * SDM vol. 3, 11.8.  There is no SMM, and an 8259A is at the INTR pin, not behind
 * a message: SMIs and ExtINTs are not accepted.  The level de-assert form of INIT does nothing
 * (11.6.1).
 * Context: any.
 * Return: was it accepted?
 */
bool vl_lapic_accept(struct vl_vcpu *vcpu, const struct vl_irq *irq)
{
	if (!vl_lapic_enabled(vcpu->lapic))
		return false;

	switch (irq->mode) {
	case VL_IRQ_FIXED:
	case VL_IRQ_LOWEST:
		return accept_fixed(vcpu, irq->vector, irq->level);
	case VL_IRQ_NMI:
		return send_request(vcpu, VL_REQ_NMI);
	case VL_IRQ_INIT:
		if (irq->level && !irq->assert)
			return false;
		/* A SIPI counts if it comes after the INIT, not before (11.4.7.3). */
		clear_bit(VL_REQ_SIPI, vcpu->requests);
		WRITE_ONCE(vcpu->sipi, 0);
		return send_request(vcpu, VL_REQ_INIT);
	case VL_IRQ_SIPI:
		/* The first of several ends the wait; the others find none (11.4.7.3). */
		cmpxchg(&vcpu->sipi, 0, VL_SIPI_VALID | irq->vector);
		return send_request(vcpu, VL_REQ_SIPI);
	default:
		return false;
	}
}

/**
 * vl_lapic_error() - a local APIC has found an error
 * @vcpu: vCPU
 * @error: one of APIC_ESR_*
 *
 * The error interrupt is sent once, until a write of the ESR latches the errors
 * and re-arms it (SDM vol. 3, 11.5.3).
 * Context: any.
 */
void vl_lapic_error(struct vl_vcpu *vcpu, u32 error)
{
	if (!atomic_fetch_or(error, &vcpu->lapic->errors))
		vl_lapic_lvt(vcpu, APIC_LVTERR);
}

/**
 * vl_lapic_lvt() - a local interrupt source fires
 * @vcpu: vCPU
 * @reg: its LVT register, APIC_LVTT to APIC_LVTERR
 *
 * SDM vol. 3, 11.5.1.
 * Context: any.
 * Return: was the interrupt accepted?
 */
bool vl_lapic_lvt(struct vl_vcpu *vcpu, unsigned int reg)
{
	u32 lvt = vl_lapic_reg(vcpu->lapic, reg);
	struct vl_irq irq = {
		.vector = lvt & APIC_VECTOR_MASK,
		.mode = GET_APIC_DELIVERY_MODE(lvt),
		.assert = true,
	};

	if (lvt & APIC_LVT_MASKED)
		return false;
	return vl_lapic_accept(vcpu, &irq);
}

/*
 * A start-up IPI for a vCPU that nobody runs: the sender's VM_RUN tells user space to
 * start a thread, once.  The request waits for that thread.
 */
static void ask_for_thread(struct vl_vcpu *src, struct vl_vcpu *vcpu)
{
	if (READ_ONCE(vcpu->activity) != VMX_LITE_WAIT_SIPI &&
	    !test_bit(VL_REQ_INIT, vcpu->requests))
		return;
	/* Pairs with the xchg() in vl_vcpu_run(): it sees VL_REQ_SIPI, or we no thread. */
	if (cmpxchg(&vcpu->thread, VL_THREAD_NONE, VL_THREAD_WANTED) != VL_THREAD_NONE)
		return;
	__set_bit(vcpu->id, src->spinup);
	vl_request(src, VL_REQ_SPINUP);
}

static bool send_to(struct vl_vcpu *vcpu, struct vl_vcpu *src, const struct vl_irq *irq)
{
	bool accepted = vl_lapic_accept(vcpu, irq);

	if (unlikely(irq->mode == VL_IRQ_SIPI) && accepted && src)
		ask_for_thread(src, vcpu);
	return accepted;
}

static bool addressed(struct vl_vcpu *vcpu, struct vl_vcpu *src, const struct vl_irq *irq)
{
	switch (irq->shorthand) {
	case VL_IRQ_SELF:
		return vcpu == src;
	case VL_IRQ_ALL:
		return true;
	case VL_IRQ_OTHERS:
		return vcpu != src;
	default:
		return vl_lapic_match(vcpu, irq);
	}
}

/*
 * SDM vol. 3, 11.6.2.4 leaves the choice among equal priorities to the model.
 * The vector chooses, so that one source's interrupts stay on one vCPU.
 */
static int deliver_lowest(struct vl_vm *vm, struct vl_vcpu *src, const struct vl_irq *irq)
{
	DECLARE_BITMAP(best, VMX_LITE_MAX_VCPUS);
	unsigned int i = 0, n, lowest = U32_MAX;
	struct vl_vcpu *vcpu;

	bitmap_zero(best, VMX_LITE_MAX_VCPUS);
	while ((vcpu = vl_next_vcpu(vm, &i))) {
		struct vl_lapic *lapic = vcpu->lapic;
		unsigned int class = vl_lapic_ppr(lapic) >> 4;

		if (!addressed(vcpu, src, irq) || !vl_lapic_enabled(lapic) ||
		    !(vl_lapic_reg(lapic, APIC_SPIV) & APIC_SPIV_APIC_ENABLED) || class > lowest)
			continue;
		if (class < lowest)
			bitmap_zero(best, VMX_LITE_MAX_VCPUS);
		lowest = class;
		__set_bit(vcpu->id, best);
	}
	if (lowest == U32_MAX)
		return 0;

	n = irq->vector % bitmap_weight(best, VMX_LITE_MAX_VCPUS);
	for_each_set_bit(i, best, VMX_LITE_MAX_VCPUS) {
		if (!n--)
			return vl_lapic_accept(READ_ONCE(vm->vcpus[i]), irq);
	}
	return 0;
}

/**
 * vl_irq_deliver() - send a message to the vCPUs it addresses
 * @vm: VM
 * @src: vCPU that sends it, whose thread this is; NULL for a device
 * @irq: message
 *
 * SDM vol. 3, 11.6.2.  Lowest priority goes to one vCPU of the lowest processor
 * priority class.
 * Context: any.
 * Return: the number of vCPUs that accepted it.
 */
int vl_irq_deliver(struct vl_vm *vm, struct vl_vcpu *src, const struct vl_irq *irq)
{
	struct vl_vcpu *vcpu;
	unsigned int i = 0;
	int n = 0;

	if (irq->shorthand == VL_IRQ_SELF)
		return src && vl_lapic_accept(src, irq);
	if (irq->shorthand == VL_IRQ_DEST && !irq->logical && !is_broadcast(irq)) {
		/* An APIC id is the vCPU's index. */
		if (irq->dest >= VMX_LITE_MAX_VCPUS)
			return 0;
		i = array_index_nospec(irq->dest, VMX_LITE_MAX_VCPUS);
		/* Pairs with the store in vm.c: the vCPU is complete. */
		vcpu = smp_load_acquire(&vm->vcpus[i]);
		return vcpu && send_to(vcpu, src, irq);
	}
	if (irq->mode == VL_IRQ_LOWEST)
		return deliver_lowest(vm, src, irq);

	while ((vcpu = vl_next_vcpu(vm, &i))) {
		if (addressed(vcpu, src, irq))
			n += send_to(vcpu, src, irq);
	}
	return n;
}

/* Message address, SDM vol. 3, 11.11.1 */
#define MSI_ADDR_PREFIX		GENMASK_ULL(63, 20)
#define MSI_ADDR_BASE		0xfee00000ULL
#define MSI_ADDR_DEST		GENMASK_ULL(19, 12)
#define MSI_ADDR_RESERVED	GENMASK_ULL(11, 4)
#define MSI_ADDR_REDIRECT	BIT_ULL(3)
#define MSI_ADDR_LOGICAL	BIT_ULL(2)

/* Message data, SDM vol. 3, 11.11.2 */
#define MSI_DATA_LEVEL		BIT(15)
#define MSI_DATA_ASSERT		BIT(14)
#define MSI_DATA_MODE		GENMASK(10, 8)
#define MSI_DATA_VECTOR		GENMASK(7, 0)

/**
 * vl_irq_msi_valid() - is this an MSI?
 * @msi: address and data
 *
 * SDM vol. 3, 11.11.  Bits 11:4 of the address are reserved: with bit 4 set it
 * would be in remappable format, which only an interrupt remapping unit reads.
 * The delivery modes of remote read and start-up are reserved.
 * Context: any.
 * Return: is it?
 */
bool vl_irq_msi_valid(const struct vmx_lite_msi *msi)
{
	u8 mode = FIELD_GET(MSI_DATA_MODE, msi->data);

	return (msi->address & MSI_ADDR_PREFIX) == MSI_ADDR_BASE &&
	       !(msi->address & MSI_ADDR_RESERVED) && mode != 3 && mode != VL_IRQ_SIPI;
}

/**
 * vl_irq_msi() - deliver a message-signalled interrupt
 * @vm: VM
 * @msi: address and data as a PCI function would write them
 *
 * SDM vol. 3, 11.11.  A fixed interrupt with the redirection hint goes to one
 * vCPU, like one of lowest priority.
 * Context: any.
 * Return: the number of vCPUs that accepted it, or -EINVAL if this is no MSI.
 */
int vl_irq_msi(struct vl_vm *vm, const struct vmx_lite_msi *msi)
{
	struct vl_irq irq = {
		.dest = FIELD_GET(MSI_ADDR_DEST, msi->address),
		.vector = FIELD_GET(MSI_DATA_VECTOR, msi->data),
		.mode = FIELD_GET(MSI_DATA_MODE, msi->data),
		.logical = msi->address & MSI_ADDR_LOGICAL,
		.level = msi->data & MSI_DATA_LEVEL,
		.assert = msi->data & MSI_DATA_ASSERT,
	};

	if (!vl_irq_msi_valid(msi))
		return -EINVAL;
	if (irq.level && !irq.assert)
		return 0;
	if (irq.mode == VL_IRQ_FIXED && (msi->address & MSI_ADDR_REDIRECT))
		irq.mode = VL_IRQ_LOWEST;
	return vl_irq_deliver(vm, NULL, &irq);
}
