/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * An interrupt message and its way to the local APICs (SDM vol. 3, 11.6 and
 * 11.11): what an IPI, an MSI and an IOAPIC pin have in common.
 */
#ifndef VL_IRQ_H
#define VL_IRQ_H

#include <linux/types.h>

struct vl_vcpu;
struct vl_vm;
struct vmx_lite_msi;

/* Delivery modes: ICR bits 10:8, MSI data bits 10:8, redirection bits 10:8 */
enum vl_irq_mode {
	VL_IRQ_FIXED = 0,
	VL_IRQ_LOWEST = 1,
	VL_IRQ_SMI = 2,
	VL_IRQ_NMI = 4,
	VL_IRQ_INIT = 5,
	VL_IRQ_SIPI = 6,
	VL_IRQ_EXTINT = 7,
};

/* Destination shorthands: ICR bits 19:18 */
enum vl_irq_shorthand {
	VL_IRQ_DEST = 0,
	VL_IRQ_SELF = 1,
	VL_IRQ_ALL = 2,
	VL_IRQ_OTHERS = 3,
};

/**
 * struct vl_irq - an interrupt message
 * @dest: destination: 8 bits, or 32 bits with @x2apic
 * @vector: 0 to 255; for SIPI the page number of the start address
 * @mode: enum vl_irq_mode
 * @shorthand: enum vl_irq_shorthand; other than DEST it needs a source
 * @logical: @dest is a logical destination, else an APIC id
 * @level: level-triggered
 * @assert: with INIT and level: false is the de-assert message
 * @x2apic: @dest is 32 bits wide: an IPI sent in x2APIC mode
 */
struct vl_irq {
	u32 dest;
	u8 vector;
	u8 mode;
	u8 shorthand;
	bool logical;
	bool level;
	bool assert;
	bool x2apic;
};

int vl_irq_deliver(struct vl_vm *vm, struct vl_vcpu *src, const struct vl_irq *irq);
bool vl_irq_msi_valid(const struct vmx_lite_msi *msi);
int vl_irq_msi(struct vl_vm *vm, const struct vmx_lite_msi *msi);

#endif /* VL_IRQ_H */
