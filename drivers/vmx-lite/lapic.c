// SPDX-License-Identifier: GPL-2.0-only
/*
 * The local APIC's registers (SDM vol. 3, chapter 11): the page, the guest's
 * accesses by xAPIC and x2APIC, priorities and EOI.
 */
#include <linux/bits.h>
#include <linux/err.h>
#include <linux/gfp.h>
#include <linux/io.h>
#include <linux/minmax.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <asm/apicdef.h>
#include <asm/msr-index.h>

#include "apicv.h"
#include "vmx-lite.h"

/* Version 14H, 6 LVT entries, EOI-broadcast suppression (SDM vol. 3, 11.4.8) */
#define LAPIC_VERSION		(0x14 | 5 << 16 | APIC_LVR_DIRECTED_EOI)

#define SPIV_BITS		(APIC_SPIV_DIRECTED_EOI | APIC_SPIV_FOCUS_DISABLED | \
				 APIC_SPIV_APIC_ENABLED | APIC_VECTOR_MASK)
#define ICR_BITS		(APIC_DEST_ALLBUT | APIC_INT_LEVELTRIG | APIC_INT_ASSERT | \
				 APIC_DEST_LOGICAL | APIC_MODE_MASK | APIC_VECTOR_MASK)
#define LVT_BITS		(APIC_LVT_MASKED | APIC_VECTOR_MASK)
#define LVT_LINT_BITS		(LVT_BITS | APIC_MODE_MASK | APIC_INPUT_POLARITY | \
				 APIC_LVT_LEVEL_TRIGGER)

#define REG_R		BIT(0)	/* readable */
#define REG_W		BIT(1)	/* writable */
#define REG_XAPIC	BIT(2)	/* only in the xAPIC's page */
#define REG_X2APIC	BIT(3)	/* only among the x2APIC's MSRs */

/*
 * SDM vol. 3, tables 11-1 and 11-6.  Writing other bits than @bits and
 * @readonly is an error in x2APIC mode; in xAPIC mode they are dropped.
 */
static const struct lapic_reg {
	u8 flags;
	u32 bits;
	u32 readonly;
} regs[64] = {
	[APIC_ID >> 4]		= { REG_R },
	[APIC_LVR >> 4]		= { REG_R },
	[APIC_TASKPRI >> 4]	= { REG_R | REG_W, APIC_TPRI_MASK },
	[APIC_ARBPRI >> 4]	= { REG_R | REG_XAPIC },
	[APIC_PROCPRI >> 4]	= { REG_R },
	[APIC_EOI >> 4]		= { REG_W },
	[APIC_RRR >> 4]		= { REG_R | REG_XAPIC },
	[APIC_LDR >> 4]		= { REG_R | REG_W, APIC_LDR_MASK },
	[APIC_DFR >> 4]		= { REG_R | REG_W | REG_XAPIC, 0xf0000000 },
	[APIC_SPIV >> 4]	= { REG_R | REG_W, SPIV_BITS },
	[APIC_ISR >> 4 ... (APIC_ISR >> 4) + 7] = { REG_R },
	[APIC_TMR >> 4 ... (APIC_TMR >> 4) + 7] = { REG_R },
	[APIC_IRR >> 4 ... (APIC_IRR >> 4) + 7] = { REG_R },
	[APIC_ESR >> 4]		= { REG_R | REG_W },
	[APIC_ICR >> 4]		= { REG_R | REG_W, ICR_BITS, APIC_ICR_BUSY },
	[APIC_ICR2 >> 4]	= { REG_R | REG_W | REG_XAPIC, 0xff000000 },
	[APIC_LVTT >> 4]	= { REG_R | REG_W, LVT_BITS | VL_LAPIC_TIMER_MODE,
				    APIC_SEND_PENDING },
	[APIC_LVTTHMR >> 4]	= { REG_R | REG_W, LVT_BITS | APIC_MODE_MASK, APIC_SEND_PENDING },
	[APIC_LVTPC >> 4]	= { REG_R | REG_W, LVT_BITS | APIC_MODE_MASK, APIC_SEND_PENDING },
	[APIC_LVT0 >> 4]	= { REG_R | REG_W, LVT_LINT_BITS,
				    APIC_SEND_PENDING | APIC_LVT_REMOTE_IRR },
	[APIC_LVT1 >> 4]	= { REG_R | REG_W, LVT_LINT_BITS,
				    APIC_SEND_PENDING | APIC_LVT_REMOTE_IRR },
	[APIC_LVTERR >> 4]	= { REG_R | REG_W, LVT_BITS, APIC_SEND_PENDING },
	[APIC_TMICT >> 4]	= { REG_R | REG_W, U32_MAX },
	[APIC_TMCCT >> 4]	= { REG_R },
	[APIC_TDCR >> 4]	= { REG_R | REG_W, APIC_TDR_DIV_1 },
	[APIC_SELF_IPI >> 4]	= { REG_W | REG_X2APIC, APIC_VECTOR_MASK },
};

static bool has_reg(unsigned int reg, u8 access, u8 other_mode)
{
	u8 flags = regs[reg >> 4].flags;

	return (flags & access) && !(flags & other_mode);
}

/* Bits that may be written: the timer's modes depend on CPUID.01H:ECX[24]. */
static u32 reg_bits(const struct vl_lapic *lapic, unsigned int reg)
{
	u32 bits = regs[reg >> 4].bits;

	if (reg == APIC_LVTT && !lapic->tsc_deadline)
		bits &= ~APIC_LVT_TIMER_TSCDEADLINE;
	return bits;
}

/* ---- modes ---- */

/**
 * vl_lapic_enabled() - is the local APIC on?
 * @lapic: local APIC
 * Context: any.
 * Return: IA32_APIC_BASE.EN (SDM vol. 3, 11.4.3).
 */
bool vl_lapic_enabled(const struct vl_lapic *lapic)
{
	return READ_ONCE(lapic->base) & MSR_IA32_APICBASE_ENABLE;
}

/**
 * vl_lapic_in_x2apic() - is the local APIC in x2APIC mode?
 * @lapic: local APIC
 * Context: any.
 * Return: IA32_APIC_BASE.EXTD (SDM vol. 3, 11.12.1).
 */
bool vl_lapic_in_x2apic(const struct vl_lapic *lapic)
{
	return READ_ONCE(lapic->base) & X2APIC_ENABLE;
}

/**
 * vl_lapic_passes_intr() - does an 8259A behind LINT0 reach the CPU?
 * @lapic: local APIC
 *
 * SDM vol. 3, 11.5.1: delivery mode ExtINT; 11.4.3: LINT0 is INTR while the local
 * APIC is disabled.
 * Context: (v).
 * Return: whether it does.
 */
bool vl_lapic_passes_intr(const struct vl_lapic *lapic)
{
	u32 lvt = vl_lapic_reg(lapic, APIC_LVT0);

	if (!vl_lapic_enabled(lapic))
		return true;
	return !(lvt & APIC_LVT_MASKED) && GET_APIC_DELIVERY_MODE(lvt) == VL_IRQ_EXTINT;
}

static u32 id_reg(const struct vl_vcpu *vcpu)
{
	return vl_lapic_in_x2apic(vcpu->lapic) ? vcpu->id : vcpu->id << 24;
}

/* SDM vol. 3, 11.12.10.2: cluster in bits 31:16, one bit in 15:0 */
static u32 x2apic_ldr(u32 id)
{
	return (id >> 4) << 16 | 1U << (id & 15);
}

static void mask_lvts(struct vl_lapic *lapic)
{
	unsigned int reg;

	for (reg = APIC_LVTT; reg <= APIC_LVTERR; reg += 16)
		vl_lapic_set_reg(lapic, reg, vl_lapic_reg(lapic, reg) | APIC_LVT_MASKED);
}

/* What was sent since the last look: to IRR, or, if the APIC is reset, nowhere. */
static void take_posted(struct vl_lapic *lapic, bool keep)
{
	unsigned int i, reg;
	unsigned long bits;

	for (i = 0; lapic->apicv && i < BITS_TO_LONGS(256); i++) {
		if (!READ_ONCE(lapic->posted[i]))
			continue;
		bits = xchg(&lapic->posted[i], 0);
		if (!keep)
			continue;
		reg = APIC_IRR + i * 32;
		vl_lapic_set_reg(lapic, reg, vl_lapic_reg(lapic, reg) | (u32)bits);
		reg += 16;
		vl_lapic_set_reg(lapic, reg, vl_lapic_reg(lapic, reg) | bits >> 32);
	}
}

static void reset_regs(struct vl_vcpu *vcpu)
{
	struct vl_lapic *lapic = vcpu->lapic;
	unsigned int reg;

	vl_lapic_timer_stop(lapic);
	take_posted(lapic, false);
	for (reg = 0; reg < PAGE_SIZE; reg += 16)
		vl_lapic_set_reg(lapic, reg, 0);
	atomic_set(&lapic->errors, 0);
	vl_lapic_set_reg(lapic, APIC_ID, id_reg(vcpu));
	vl_lapic_set_reg(lapic, APIC_LVR, LAPIC_VERSION);
	vl_lapic_set_reg(lapic, APIC_LDR, vl_lapic_in_x2apic(lapic) ? x2apic_ldr(vcpu->id) : 0);
	vl_lapic_set_reg(lapic, APIC_DFR, APIC_DFR_FLAT);
	vl_lapic_set_reg(lapic, APIC_SPIV, 0xff);
	mask_lvts(lapic);
}

/**
 * vl_lapic_create() - give a new vCPU a local APIC in its power-up state
 * @vcpu: vCPU that no other thread knows yet; its vm and id are set
 *
 * x2APIC and TSC-deadline are offered until vl_lapic_set_features().
 * Context: may sleep.
 * Return: 0 or -ENOMEM.
 */
int vl_lapic_create(struct vl_vcpu *vcpu)
{
	struct vl_lapic *lapic = kzalloc(sizeof(*lapic), GFP_KERNEL_ACCOUNT);

	if (!lapic)
		return -ENOMEM;
	lapic->page = (void *)get_zeroed_page(GFP_KERNEL_ACCOUNT);
	if (!lapic->page) {
		kfree(lapic);
		return -ENOMEM;
	}
	lapic->vcpu = vcpu;
	lapic->x2apic = true;
	lapic->tsc_deadline = true;
	vl_lapic_timer_init(lapic);
	vcpu->lapic = lapic;
	vl_lapic_reset(vcpu, false);
	return 0;
}

/**
 * vl_lapic_destroy() - undo vl_lapic_create()
 * @vcpu: vCPU that no interrupt can reach any more; one without a local APIC
 *	is left alone
 * Context: may sleep.
 */
void vl_lapic_destroy(struct vl_vcpu *vcpu)
{
	struct vl_lapic *lapic = vcpu->lapic;

	if (!lapic)
		return;
	hrtimer_cancel(&lapic->timer);
	vcpu->lapic = NULL;
	free_page((unsigned long)lapic->page);
	kfree(lapic);
}

/**
 * vl_lapic_reset() - power-up reset or INIT
 * @vcpu: vCPU
 * @init: an INIT, which keeps IA32_APIC_BASE (SDM vol. 3, 11.4.7 and 11.12.5)
 * Context: (v).
 */
void vl_lapic_reset(struct vl_vcpu *vcpu, bool init)
{
	if (!init)
		WRITE_ONCE(vcpu->lapic->base, VL_LAPIC_DEFAULT_BASE | MSR_IA32_APICBASE_ENABLE |
			   (vcpu->id ? 0 : MSR_IA32_APICBASE_BSP));
	reset_regs(vcpu);
}

/**
 * vl_lapic_set_features() - the guest's CPUID was set
 * @vcpu: vCPU
 * @x2apic: CPUID.01H:ECX[21]
 * @tsc_deadline: CPUID.01H:ECX[24]
 * Context: (v), before the vCPU first runs.
 */
void vl_lapic_set_features(struct vl_vcpu *vcpu, bool x2apic, bool tsc_deadline)
{
	vcpu->lapic->x2apic = x2apic;
	vcpu->lapic->tsc_deadline = tsc_deadline;
}

/**
 * vl_lapic_base() - read IA32_APIC_BASE
 * @vcpu: vCPU
 * Context: (v).
 * Return: its value.
 */
u64 vl_lapic_base(struct vl_vcpu *vcpu)
{
	return vcpu->lapic->base;
}

static bool base_valid(const struct vl_vcpu *vcpu, u64 value)
{
	u64 bits = MSR_IA32_APICBASE_BSP | MSR_IA32_APICBASE_ENABLE |
		   GENMASK_ULL(vcpu->hw.maxphyaddr - 1, 12);

	if (vcpu->lapic->x2apic)
		bits |= X2APIC_ENABLE;
	if (value & ~bits)
		return false;
	return !(value & X2APIC_ENABLE) || (value & MSR_IA32_APICBASE_ENABLE);
}

static void write_base(struct vl_vcpu *vcpu, u64 value)
{
	struct vl_lapic *lapic = vcpu->lapic;
	u64 old = lapic->base;

	WRITE_ONCE(lapic->base, value);
	vl_request(vcpu, VL_REQ_EVENT);
	if (!(value & MSR_IA32_APICBASE_ENABLE)) {
		if (old & MSR_IA32_APICBASE_ENABLE)
			reset_regs(vcpu);
		return;
	}
	vl_lapic_set_reg(lapic, APIC_ID, id_reg(vcpu));
	if (!((old ^ value) & X2APIC_ENABLE))
		return;
	vl_lapic_set_reg(lapic, APIC_LDR, value & X2APIC_ENABLE ? x2apic_ldr(vcpu->id) : 0);
	vl_lapic_set_reg(lapic, APIC_ICR2, 0);
}

static void change_base(struct vl_vcpu *vcpu, u64 value)
{
	write_base(vcpu, value);
	vl_apicv_set_mode(vcpu);
}

/**
 * vl_lapic_set_base() - the guest writes IA32_APIC_BASE
 * @vcpu: vCPU
 * @value: new value
 *
 * SDM vol. 3, 11.4.4 and 11.12.5: from disabled only to xAPIC, from x2APIC only
 * to disabled, which loses the registers.
 * Context: (v).
 * Return: 0, or -EINVAL for a reserved bit or a forbidden change of mode: #GP(0).
 */
int vl_lapic_set_base(struct vl_vcpu *vcpu, u64 value)
{
	struct vl_lapic *lapic = vcpu->lapic;
	bool was_x2apic = vl_lapic_in_x2apic(lapic);
	bool x2apic = value & X2APIC_ENABLE;
	bool enable = value & MSR_IA32_APICBASE_ENABLE;

	if (!base_valid(vcpu, value))
		return -EINVAL;
	if (x2apic && !vl_lapic_enabled(lapic))
		return -EINVAL;
	if (was_x2apic && enable && !x2apic)
		return -EINVAL;
	change_base(vcpu, value);
	return 0;
}

/**
 * vl_lapic_restore_base() - user space sets IA32_APIC_BASE
 * @vcpu: vCPU
 * @value: new value
 *
 * As vl_lapic_set_base(), but from any mode to any other.
 * Context: (v).
 * Return: 0, or -EINVAL for a value that no guest could have set.
 */
int vl_lapic_restore_base(struct vl_vcpu *vcpu, u64 value)
{
	if (!base_valid(vcpu, value))
		return -EINVAL;
	change_base(vcpu, value);
	return 0;
}

/* ---- priorities ---- */

static int highest_vector(const struct vl_lapic *lapic, unsigned int base)
{
	int word;

	for (word = 7; word >= 0; word--) {
		u32 bits = vl_lapic_reg(lapic, base + word * 16);

		if (bits)
			return word * 32 + __fls(bits);
	}
	return -1;
}

/**
 * vl_lapic_ppr() - the processor priority
 * @lapic: local APIC
 * Context: any.
 * Return: processor-priority register (SDM vol. 3, 11.8.3.1).
 */
u8 vl_lapic_ppr(const struct vl_lapic *lapic)
{
	u8 tpr = vl_lapic_reg(lapic, APIC_TASKPRI);
	int isr = highest_vector(lapic, APIC_ISR);

	if (isr < 0 || tpr >> 4 >= isr >> 4)
		return tpr;
	return isr & 0xf0;
}

/**
 * vl_lapic_pending() - which interrupt the vCPU would take now
 * @vcpu: vCPU
 *
 * Interrupts that were accepted before the APIC was software-disabled still
 * count (SDM vol. 3, 11.4.7.2).
 * Context: (v).
 * Return: vector, 16 to 255, or -1.
 */
int vl_lapic_pending(struct vl_vcpu *vcpu)
{
	struct vl_lapic *lapic = vcpu->lapic;
	int vector;

	take_posted(lapic, true);
	vector = highest_vector(lapic, APIC_IRR);
	if (vector < 0 || vector >> 4 <= vl_lapic_ppr(lapic) >> 4)
		return -1;
	return vector;
}

/**
 * vl_lapic_has_event() - has a halted vCPU an interrupt to wake up for?
 * @vcpu: vCPU
 * Context: (v).
 * Return: does vl_lapic_pending() return a vector?
 */
bool vl_lapic_has_event(struct vl_vcpu *vcpu)
{
	return vl_lapic_pending(vcpu) >= 0;
}

/**
 * vl_lapic_ack() - the CPU takes an interrupt: from IRR to ISR
 * @vcpu: vCPU
 * @vector: what vl_lapic_pending() returned
 * Context: (v).  SDM vol. 3, 11.8.4.
 */
void vl_lapic_ack(struct vl_vcpu *vcpu, u8 vector)
{
	void *page = vcpu->lapic->page + (vector >> 5) * 16;

	set_bit(vector & 31, page + APIC_ISR);
	clear_bit(vector & 31, page + APIC_IRR);
}

/**
 * vl_lapic_tpr_threshold() - TPR threshold for the VMCS
 * @vcpu: vCPU
 * Context: (v).
 * Return: priority class, 1 to 15, of the highest interrupt if the TPR holds it
 *	back; else 0 (SDM vol. 3, 25.6.8 and 26.2.1.1).
 */
int vl_lapic_tpr_threshold(struct vl_vcpu *vcpu)
{
	const struct vl_lapic *lapic = vcpu->lapic;
	int class = highest_vector(lapic, APIC_IRR) >> 4;

	if (class < 0 || class > vl_lapic_reg(lapic, APIC_TASKPRI) >> 4)
		return 0;
	return class;
}

/**
 * vl_lapic_guest_status() - guest interrupt status for the VMCS
 * @vcpu: vCPU
 * Context: (v).
 * Return: RVI in bits 7:0, SVI in 15:8 (SDM vol. 3, 25.4.2).
 */
u16 vl_lapic_guest_status(struct vl_vcpu *vcpu)
{
	struct vl_lapic *lapic = vcpu->lapic;
	int irr, isr;

	take_posted(lapic, true);
	irr = highest_vector(lapic, APIC_IRR);
	isr = highest_vector(lapic, APIC_ISR);
	return max(irr, 0) | max(isr, 0) << 8;
}

/**
 * vl_lapic_eoi_exits() - EOI-exit bitmap for the VMCS
 * @lapic: local APIC
 * @bitmap: out: 256 bits
 * Context: (v), after vl_lapic_guest_status(): a vector's trigger mode is there
 * before the vector.
 */
void vl_lapic_eoi_exits(const struct vl_lapic *lapic, u64 *bitmap)
{
	unsigned int i;

	for (i = 0; i < 4; i++)
		bitmap[i] = vl_lapic_reg(lapic, APIC_TMR + i * 32) |
			    (u64)vl_lapic_reg(lapic, APIC_TMR + i * 32 + 16) << 32;
}

/**
 * vl_lapic_page_hpa() - host-physical address of the register page
 * @vcpu: vCPU
 * Return: what the VMCS's virtual-APIC address may be (SDM vol. 3, 30.1).
 */
u64 vl_lapic_page_hpa(struct vl_vcpu *vcpu)
{
	return virt_to_phys(vcpu->lapic->page);
}

/**
 * vl_lapic_tpr() - the task priority as CR8 shows it
 * @vcpu: vCPU
 * Context: (v).
 * Return: 0 to 15 (SDM vol. 3, 11.8.6).
 */
u8 vl_lapic_tpr(struct vl_vcpu *vcpu)
{
	return (vl_lapic_reg(vcpu->lapic, APIC_TASKPRI) & APIC_TPRI_MASK) >> 4;
}

static void write_tpr(struct vl_vcpu *vcpu, u32 tpr)
{
	vl_lapic_set_reg(vcpu->lapic, APIC_TASKPRI, tpr);
	vl_request(vcpu, VL_REQ_EVENT);
}

/**
 * vl_lapic_set_tpr() - write CR8
 * @vcpu: vCPU
 * @cr8: 0 to 15; the caller refuses others with #GP(0)
 * Context: (v).  SDM vol. 3, 11.8.6.
 */
void vl_lapic_set_tpr(struct vl_vcpu *vcpu, u8 cr8)
{
	write_tpr(vcpu, (cr8 & 0xf) << 4);
}

static bool is_level(const struct vl_lapic *lapic, u8 vector)
{
	return test_bit(vector & 31, lapic->page + APIC_TMR + (vector >> 5) * 16);
}

/**
 * vl_lapic_eoi_done() - tell the IOAPIC of the end of a level-triggered interrupt
 * @vcpu: vCPU
 * @vector: which has left ISR
 * Context: (v).  SDM vol. 3, 11.8.5; EOI-broadcast suppression: 11.8.5.1.
 */
void vl_lapic_eoi_done(struct vl_vcpu *vcpu, u8 vector)
{
	struct vl_lapic *lapic = vcpu->lapic;

	if (is_level(lapic, vector) &&
	    !(vl_lapic_reg(lapic, APIC_SPIV) & APIC_SPIV_DIRECTED_EOI))
		vl_ioapic_eoi(vcpu->vm, vector);
}

/**
 * vl_lapic_eoi_is_local() - is the EOI of an interrupt nothing to anybody else?
 * @vcpu: vCPU
 * @vector: which has just gone from IRR to ISR
 * Context: (v).
 * Return: no IOAPIC waits for it, nor an interrupt in IRR.
 */
bool vl_lapic_eoi_is_local(struct vl_vcpu *vcpu, u8 vector)
{
	return !is_level(vcpu->lapic, vector) && highest_vector(vcpu->lapic, APIC_IRR) < 0;
}

/**
 * vl_lapic_eoi() - the guest ends the interrupt of the highest priority in service
 * @vcpu: vCPU
 * Context: (v).  SDM vol. 3, 11.8.5.
 */
void vl_lapic_eoi(struct vl_vcpu *vcpu)
{
	struct vl_lapic *lapic = vcpu->lapic;
	int vector = highest_vector(lapic, APIC_ISR);
	unsigned int word = (vector >> 5) * 16;

	if (vector < 0)
		return;
	clear_bit(vector & 31, lapic->page + APIC_ISR + word);
	vl_request(vcpu, VL_REQ_EVENT);
	vl_lapic_eoi_done(vcpu, vector);
}

/* ---- inter-processor interrupts: SDM vol. 3, 11.6 ---- */

static void send_ipi(struct vl_vcpu *vcpu, u32 icr, u32 dest, bool x2apic)
{
	struct vl_irq irq = {
		.dest = dest,
		.vector = icr & APIC_VECTOR_MASK,
		.mode = GET_APIC_DELIVERY_MODE(icr),
		.shorthand = icr >> 18 & 3,
		.logical = icr & APIC_DEST_LOGICAL,
		.level = icr & APIC_INT_LEVELTRIG,
		.assert = icr & APIC_INT_ASSERT,
		.x2apic = x2apic,
	};

	switch (irq.mode) {
	case VL_IRQ_FIXED:
	case VL_IRQ_LOWEST:
		/* Table 11-3: sent as an edge whatever the trigger mode. */
		irq.level = false;
		if (irq.vector < 16) {
			vl_lapic_error(vcpu, APIC_ESR_SENDILL);
			return;
		}
		break;
	case VL_IRQ_INIT:
	case VL_IRQ_SIPI:
		/* Table 11-4: not to the sender. */
		if (irq.shorthand == VL_IRQ_SELF || irq.shorthand == VL_IRQ_ALL)
			return;
		break;
	}
	vl_irq_deliver(vcpu->vm, vcpu, &irq);
}

/* ---- register accesses ---- */

static u32 read_reg(struct vl_lapic *lapic, unsigned int reg)
{
	switch (reg) {
	case APIC_IRR ... APIC_IRR + 0x70:
		take_posted(lapic, true);
		return vl_lapic_reg(lapic, reg);
	case APIC_PROCPRI:
		return vl_lapic_ppr(lapic);
	case APIC_TMCCT:
		return vl_lapic_timer_count(lapic);
	default:
		return vl_lapic_reg(lapic, reg);
	}
}

static void write_lvt(struct vl_lapic *lapic, unsigned int reg, u32 value)
{
	if (!(vl_lapic_reg(lapic, APIC_SPIV) & APIC_SPIV_APIC_ENABLED))
		value |= APIC_LVT_MASKED;
	if (reg == APIC_LVTT) {
		u32 old = vl_lapic_reg(lapic, reg);

		/* Both bits are reserved together (table 11-2): as one-shot. */
		if ((value & VL_LAPIC_TIMER_MODE) == VL_LAPIC_TIMER_MODE)
			value &= ~VL_LAPIC_TIMER_MODE;
		/* 11.5.4.1: a write that changes the mode disarms the timer. */
		if ((old ^ value) & VL_LAPIC_TIMER_MODE)
			vl_lapic_timer_stop(lapic);
	}
	vl_lapic_set_reg(lapic, reg, value);
	/* An 8259A may be waiting behind this pin. */
	if (reg == APIC_LVT0)
		vl_request(lapic->vcpu, VL_REQ_EVENT);
}

static void write_reg(struct vl_vcpu *vcpu, unsigned int reg, u32 value)
{
	struct vl_lapic *lapic = vcpu->lapic;

	value &= reg_bits(lapic, reg);
	switch (reg) {
	case APIC_TASKPRI:
		write_tpr(vcpu, value);
		break;
	case APIC_EOI:
		vl_lapic_eoi(vcpu);
		break;
	case APIC_DFR:
		vl_lapic_set_reg(lapic, reg, value | 0x0fffffff);
		break;
	case APIC_SPIV:
		vl_lapic_set_reg(lapic, reg, value);
		/* 11.4.7.2: while disabled, the masks cannot be cleared. */
		if (!(value & APIC_SPIV_APIC_ENABLED))
			mask_lvts(lapic);
		vl_apicv_set_mode(vcpu);
		break;
	case APIC_ESR:
		/* 11.5.3: a write shows what was found since the last one. */
		vl_lapic_set_reg(lapic, reg, atomic_xchg(&lapic->errors, 0));
		break;
	case APIC_ICR:
		vl_lapic_set_reg(lapic, reg, value);
		send_ipi(vcpu, value, vl_lapic_reg(lapic, APIC_ICR2) >> 24, false);
		break;
	case APIC_LVTT ... APIC_LVTERR:
		write_lvt(lapic, reg, value);
		break;
	case APIC_TMICT:
		/* 11.5.4.1: ignored in TSC-deadline mode. */
		if (vl_lapic_reg(lapic, APIC_LVTT) & APIC_LVT_TIMER_TSCDEADLINE)
			break;
		vl_lapic_set_reg(lapic, reg, value);
		vl_lapic_timer_start(lapic, value);
		break;
	case APIC_TDCR:
		vl_lapic_timer_divide(lapic, value);
		break;
	case APIC_SELF_IPI:
		send_ipi(vcpu, APIC_DEST_SELF | value, 0, true);
		break;
	default:
		vl_lapic_set_reg(lapic, reg, value);
	}
}

/**
 * vl_lapic_written() - the guest has stored a register in the page
 * @vcpu: vCPU
 * @reg: its xAPIC offset; of those whose old value does not count
 * Context: (v).  SDM vol. 3, 30.4.3.3.
 */
void vl_lapic_written(struct vl_vcpu *vcpu, unsigned int reg)
{
	if (reg == APIC_ICR || reg == APIC_SELF_IPI)
		write_reg(vcpu, reg, vl_lapic_reg(vcpu->lapic, reg));
}

/* Bytes of a register beyond its first four, and between registers, read as 0. */
static void mmio_read(struct vl_vcpu *vcpu, unsigned int offset, unsigned int len, void *data)
{
	unsigned int reg = offset & ~15U;
	u64 value = 0;

	if (reg < ARRAY_SIZE(regs) * 16 && has_reg(reg, REG_R, REG_X2APIC))
		value = read_reg(vcpu->lapic, reg);
	else
		vl_lapic_error(vcpu, APIC_ESR_ILLREGA);
	value = offset % 16 < 4 ? value >> offset % 16 * 8 : 0;
	memcpy(data, &value, len);
}

static void mmio_write(struct vl_vcpu *vcpu, unsigned int offset, unsigned int len,
		       const void *data)
{
	u32 value;

	/* 11.4.1: registers are written by aligned 32-bit stores. */
	if (len != sizeof(value) || offset % 16)
		return;
	if (offset >= ARRAY_SIZE(regs) * 16 || !has_reg(offset, REG_W, REG_X2APIC)) {
		vl_lapic_error(vcpu, APIC_ESR_ILLREGA);
		return;
	}
	memcpy(&value, data, sizeof(value));
	write_reg(vcpu, offset, value);
}

/**
 * vl_lapic_mmio() - an access that may be to the xAPIC's page
 * @vcpu: vCPU
 * @gpa: guest-physical address
 * @len: bytes, 1 to 8
 * @data: of the access
 * @write: or read
 *
 * SDM vol. 3, 11.4.1.  In x2APIC mode, and disabled, there is no such page.
 * Context: (v).
 * Return: was it the page's, and is it done?
 */
bool vl_lapic_mmio(struct vl_vcpu *vcpu, u64 gpa, unsigned int len, void *data, bool write)
{
	struct vl_lapic *lapic = vcpu->lapic;
	unsigned int offset = gpa & ~PAGE_MASK;

	if (!vl_lapic_enabled(lapic) || vl_lapic_in_x2apic(lapic) ||
	    ((gpa ^ lapic->base) & PAGE_MASK) || len > sizeof(u64))
		return false;
	if (write)
		mmio_write(vcpu, offset, len, data);
	else
		mmio_read(vcpu, offset, len, data);
	return true;
}

/* SDM vol. 3, 11.12.1.2: MSR 800H + offset / 16 */
static int msr_reg(const struct vl_vcpu *vcpu, u32 msr, u8 access)
{
	u32 index = msr - APIC_BASE_MSR;

	if (!vl_lapic_in_x2apic(vcpu->lapic) || index >= ARRAY_SIZE(regs) ||
	    !has_reg(index << 4, access, REG_XAPIC))
		return -EINVAL;
	return index << 4;
}

/**
 * vl_lapic_msr_plain() - can the CPU read an x2APIC register from the page?
 * @vcpu: vCPU
 * @msr: 0x800 to 0x8ff
 *
 * All there are, but for the count, which is computed, and the ICR, whose upper half
 * the page has elsewhere.
 * Context: (v).
 * Return: whether it can.
 */
bool vl_lapic_msr_plain(const struct vl_vcpu *vcpu, u32 msr)
{
	int reg = msr_reg(vcpu, msr, REG_R);

	return reg >= 0 && reg != APIC_TMCCT && reg != APIC_ICR;
}

/**
 * vl_lapic_msr_read() - RDMSR of an x2APIC register
 * @vcpu: vCPU
 * @msr: 0x800 to 0x8ff
 * @value: out
 * Context: (v).  SDM vol. 3, 11.12.1.
 * Return: 0, or -EINVAL where there is none to read: #GP(0).
 */
int vl_lapic_msr_read(struct vl_vcpu *vcpu, u32 msr, u64 *value)
{
	int reg = msr_reg(vcpu, msr, REG_R);

	if (reg < 0)
		return reg;
	*value = read_reg(vcpu->lapic, reg);
	if (reg == APIC_ICR)
		*value |= (u64)vl_lapic_reg(vcpu->lapic, APIC_ICR2) << 32;
	return 0;
}

/**
 * vl_lapic_msr_write() - WRMSR to an x2APIC register
 * @vcpu: vCPU
 * @msr: 0x800 to 0x8ff
 * @value: new value
 * Context: (v).  SDM vol. 3, 11.12.1.
 * Return: 0, or -EINVAL where there is none to write, or for reserved bits: #GP(0).
 */
int vl_lapic_msr_write(struct vl_vcpu *vcpu, u32 msr, u64 value)
{
	struct vl_lapic *lapic = vcpu->lapic;
	int reg = msr_reg(vcpu, msr, REG_W);
	u64 bits;

	if (reg < 0)
		return reg;
	/* 11.12.10.2: read-only here, unlike in xAPIC mode. */
	if (reg == APIC_LDR)
		return -EINVAL;
	bits = reg_bits(lapic, reg) | regs[reg >> 4].readonly;
	if (reg == APIC_ICR)
		bits |= GENMASK_ULL(63, 32);
	if (value & ~bits)
		return -EINVAL;
	if (reg != APIC_ICR) {
		write_reg(vcpu, reg, value);
		return 0;
	}
	vl_lapic_set_reg(lapic, APIC_ICR, value & ICR_BITS);
	vl_lapic_set_reg(lapic, APIC_ICR2, value >> 32);
	send_ipi(vcpu, value, value >> 32, true);
	return 0;
}

/* ---- user space ---- */

/**
 * vl_lapic_get_state() - VM_GET_LAPIC
 * @vcpu: vCPU
 * @state: out: each register as the guest would read it
 * Context: (v).
 * Return: 0.
 */
int vl_lapic_get_state(struct vl_vcpu *vcpu, struct vmx_lite_lapic *state)
{
	unsigned int i;

	memset(state, 0, sizeof(*state));
	for (i = 0; i < ARRAY_SIZE(regs); i++)
		state->regs[i * 4] = read_reg(vcpu->lapic, i << 4);
	return 0;
}

static bool state_reg_valid(const struct vl_vcpu *vcpu, unsigned int reg, u32 value)
{
	const struct vl_lapic *lapic = vcpu->lapic;
	bool x2apic = vl_lapic_in_x2apic(lapic);

	switch (reg) {
	case APIC_ID:
		return value == id_reg(vcpu);
	case APIC_LVR:
		return value == LAPIC_VERSION;
	case APIC_LDR:
		return x2apic ? value == x2apic_ldr(vcpu->id) : !(value & ~APIC_LDR_MASK);
	case APIC_DFR:
		return (value | regs[reg >> 4].bits) == U32_MAX;
	case APIC_ISR:
	case APIC_TMR:
	case APIC_IRR:
		/* Vectors 0 to 15 do not exist. */
		return !(value & 0xffff);
	case APIC_ISR + 0x10 ... APIC_ISR + 0x70:
	case APIC_TMR + 0x10 ... APIC_TMR + 0x70:
	case APIC_IRR + 0x10 ... APIC_IRR + 0x70:
	case APIC_PROCPRI:
	case APIC_TMCCT:
		return true;
	case APIC_ESR:
		return !(value & ~0xffU);
	case APIC_ICR2:
		return x2apic || !(value & ~regs[reg >> 4].bits);
	case APIC_LVTT:
		if ((value & VL_LAPIC_TIMER_MODE) == VL_LAPIC_TIMER_MODE)
			return false;
		fallthrough;
	default:
		return !(value & ~reg_bits(lapic, reg));
	}
}

/**
 * vl_lapic_set_state() - VM_SET_LAPIC
 * @vcpu: vCPU
 * @state: what VM_GET_LAPIC gave, of a vCPU with the same id and IA32_APIC_BASE
 *
 * The timer goes on from the current count.  IA32_TSC_DEADLINE is an MSR, to be
 * set after this.
 * Context: (v).
 * Return: 0, or -EINVAL, with nothing changed, for what no local APIC can hold.
 */
int vl_lapic_set_state(struct vl_vcpu *vcpu, const struct vmx_lite_lapic *state)
{
	struct vl_lapic *lapic = vcpu->lapic;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(state->regs); i++) {
		if (i % 4 ? state->regs[i] : !state_reg_valid(vcpu, i * 4, state->regs[i]))
			return -EINVAL;
	}
	vl_lapic_timer_stop(lapic);
	take_posted(lapic, false);
	atomic_set(&lapic->errors, 0);
	for (i = 0; i < ARRAY_SIZE(regs); i++)
		vl_lapic_set_reg(lapic, i << 4, state->regs[i * 4]);
	if (!(vl_lapic_reg(lapic, APIC_SPIV) & APIC_SPIV_APIC_ENABLED))
		mask_lvts(lapic);
	/* A periodic timer at 0 is about to begin its next period. */
	if (vl_lapic_reg(lapic, APIC_LVTT) & APIC_LVT_TIMER_PERIODIC)
		vl_lapic_timer_start(lapic, vl_lapic_reg(lapic, APIC_TMCCT) ?:
				     vl_lapic_reg(lapic, APIC_TMICT));
	else
		vl_lapic_timer_start(lapic, vl_lapic_reg(lapic, APIC_TMCCT));
	vl_apicv_set_mode(vcpu);
	vl_request(vcpu, VL_REQ_EVENT);
	return 0;
}
