/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The local APIC of a vCPU (SDM vol. 3, chapter 11): xAPIC and x2APIC, its
 * timer, and its register page, which is also the VMCS's virtual-APIC page.
 *
 * Who may touch what:
 *   (v) the vCPU's thread, or whoever holds vcpu->lock
 *   (a) any context, hard interrupts included, by atomic operations
 * Registers are written by (v) alone, except IRR and TMR (a) and, with TPR
 * shadow, TPR by the CPU; everyone may read them.  There is no lock.  With APICv, see
 * apicv.c, the CPU also writes IRR and ISR, and senders do not.
 */
#ifndef VL_LAPIC_H
#define VL_LAPIC_H

#include <linux/atomic.h>
#include <linux/compiler.h>
#include <linux/hrtimer.h>
#include <linux/types.h>
#include <asm/apicdef.h>

#include "irq.h"

struct vl_vcpu;
struct vmx_lite_lapic;

#define VL_LAPIC_DEFAULT_BASE	0xfee00000ULL

/* What the timer counts, before division: CPUID leaf 15H ECX must say so. */
#define VL_LAPIC_TIMER_HZ	1000000000U

/*
 * Shortest period of the periodic timer.  It runs without any further exit of
 * the guest, so that nothing else would bound the host's work; one-shot and
 * TSC-deadline interrupts cost the guest an exit each and need no bound.
 */
#define VL_LAPIC_MIN_PERIOD_NS	100000

/* Bits of the timer's LVT that choose its mode (SDM vol. 3, table 11-2) */
#define VL_LAPIC_TIMER_MODE	(APIC_LVT_TIMER_PERIODIC | APIC_LVT_TIMER_TSCDEADLINE)

/**
 * struct vl_lapic - a local APIC
 * @page: registers, 16 bytes each, as SDM table 11-1 (xAPIC offsets) has them
 * @base: IA32_APIC_BASE; (v), READ_ONCE by others
 * @x2apic: CPUID offers x2APIC to the guest; (v)
 * @tsc_deadline: CPUID offers the TSC-deadline timer to the guest; (v)
 * @apicv: the CPU delivers interrupts: while the guest runs, IRR and ISR are its; (r)
 * @posted: with @apicv, vectors that are to go to IRR; (a)
 * @errors: errors not yet latched by a write of the ESR; (a)
 * @timer: runs while armed; (v) cancels it before changing the fields below
 * @vcpu: whose local APIC this is; (r)
 * @period: of the timer in ns, 0 if it is not periodic
 * @deadline: IA32_TSC_DEADLINE, guest TSC, 0 if disarmed
 */
struct vl_lapic {
	void *page;
	u64 base;
	bool x2apic;
	bool tsc_deadline;
	bool apicv;
	DECLARE_BITMAP(posted, 256);
	atomic_t errors;

	struct hrtimer timer;
	struct vl_vcpu *vcpu;
	u64 period;
	u64 deadline;
};

/* ---- life ---- */
int vl_lapic_create(struct vl_vcpu *vcpu);
void vl_lapic_destroy(struct vl_vcpu *vcpu);
void vl_lapic_reset(struct vl_vcpu *vcpu, bool init);
void vl_lapic_set_features(struct vl_vcpu *vcpu, bool x2apic, bool tsc_deadline);

/* ---- the guest's accesses: (v) ---- */
u64 vl_lapic_base(struct vl_vcpu *vcpu);
int vl_lapic_set_base(struct vl_vcpu *vcpu, u64 value);
bool vl_lapic_mmio(struct vl_vcpu *vcpu, u64 gpa, unsigned int len, void *data, bool write);
int vl_lapic_msr_read(struct vl_vcpu *vcpu, u32 msr, u64 *value);
int vl_lapic_msr_write(struct vl_vcpu *vcpu, u32 msr, u64 value);
u64 vl_lapic_tsc_deadline(struct vl_vcpu *vcpu);
void vl_lapic_set_tsc_deadline(struct vl_vcpu *vcpu, u64 deadline);
u8 vl_lapic_tpr(struct vl_vcpu *vcpu);
void vl_lapic_set_tpr(struct vl_vcpu *vcpu, u8 cr8);

/* ---- injection: (v) ---- */
int vl_lapic_pending(struct vl_vcpu *vcpu);
void vl_lapic_ack(struct vl_vcpu *vcpu, u8 vector);
int vl_lapic_tpr_threshold(struct vl_vcpu *vcpu);
u16 vl_lapic_guest_status(struct vl_vcpu *vcpu);
void vl_lapic_eoi_exits(const struct vl_lapic *lapic, u64 *bitmap);
void vl_lapic_eoi_done(struct vl_vcpu *vcpu, u8 vector);
void vl_lapic_eoi(struct vl_vcpu *vcpu);
bool vl_lapic_eoi_is_local(struct vl_vcpu *vcpu, u8 vector);
void vl_lapic_written(struct vl_vcpu *vcpu, unsigned int reg);
bool vl_lapic_msr_plain(const struct vl_vcpu *vcpu, u32 msr);
u64 vl_lapic_page_hpa(struct vl_vcpu *vcpu);
bool vl_lapic_has_event(struct vl_vcpu *vcpu);
void vl_lapic_tsc_changed(struct vl_vcpu *vcpu);

/* ---- user space: (v) ---- */
int vl_lapic_restore_base(struct vl_vcpu *vcpu, u64 value);
int vl_lapic_get_state(struct vl_vcpu *vcpu, struct vmx_lite_lapic *state);
int vl_lapic_set_state(struct vl_vcpu *vcpu, const struct vmx_lite_lapic *state);

/* ---- between lapic.c, lapic-timer.c and irq.c ---- */

/**
 * vl_lapic_reg() - read a register of the page as it is stored
 * @lapic: local APIC
 * @reg: its xAPIC offset, a multiple of 16
 * Context: any.
 * Return: its value.
 */
static inline u32 vl_lapic_reg(const struct vl_lapic *lapic, unsigned int reg)
{
	return READ_ONCE(*(const u32 *)(lapic->page + reg));
}

/**
 * vl_lapic_set_reg() - store a register in the page, without side effects
 * @lapic: local APIC
 * @reg: its xAPIC offset, a multiple of 16
 * @value: new value
 * Context: (v).
 */
static inline void vl_lapic_set_reg(struct vl_lapic *lapic, unsigned int reg, u32 value)
{
	WRITE_ONCE(*(u32 *)(lapic->page + reg), value);
}

bool vl_lapic_enabled(const struct vl_lapic *lapic);
bool vl_lapic_in_x2apic(const struct vl_lapic *lapic);
bool vl_lapic_passes_intr(const struct vl_lapic *lapic);
u8 vl_lapic_ppr(const struct vl_lapic *lapic);
bool vl_lapic_match(struct vl_vcpu *vcpu, const struct vl_irq *irq);
bool vl_lapic_accept(struct vl_vcpu *vcpu, const struct vl_irq *irq);
void vl_lapic_error(struct vl_vcpu *vcpu, u32 error);
bool vl_lapic_lvt(struct vl_vcpu *vcpu, unsigned int reg);

void vl_lapic_timer_init(struct vl_lapic *lapic);
void vl_lapic_timer_start(struct vl_lapic *lapic, u32 count);
void vl_lapic_timer_stop(struct vl_lapic *lapic);
u32 vl_lapic_timer_count(struct vl_lapic *lapic);
void vl_lapic_timer_divide(struct vl_lapic *lapic, u32 dcr);
unsigned int vl_lapic_timer_divisor(u32 dcr);
u64 vl_lapic_timer_ns(u32 count, u32 dcr);

#endif /* VL_LAPIC_H */
