/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The IOAPIC (Intel 82093AA): 24 pins, with the EOI register of version 20H.
 */
#ifndef VL_IOAPIC_H
#define VL_IOAPIC_H

#include <linux/spinlock.h>
#include <linux/types.h>

#include <linux/vmx_lite.h>

struct vl_vm;

#define VL_IOAPIC_BASE		0xfec00000ULL
#define VL_IOAPIC_SIZE		0x1000

/* Who holds a line; the pin sees the OR of them. */
enum vl_ioapic_source {
	VL_IOAPIC_USER,		/* VM_IRQ_LINE */
	VL_IOAPIC_IRQFD,	/* an edge of an irqfd */
	VL_IOAPIC_RESAMPLE,	/* irqfds with resample: until EOI */
	VL_IOAPIC_NR_SOURCES
};

/**
 * struct vl_ioapic - the IOAPIC of a VM
 * @lock: all below; taken with interrupts off, from any context.  Interrupts
 *	are delivered under it; no eventfd is signalled under it.
 * @id: bits 27:24 of the id register
 * @select: IOREGSEL
 * @irr: pins now asserted
 * @lines: the pins each source asserts
 * @redirect: redirection table
 */
struct vl_ioapic {
	spinlock_t lock;		/* all below */
	u32 id;
	u32 select;
	u32 irr;
	u32 lines[VL_IOAPIC_NR_SOURCES];
	u64 redirect[VMX_LITE_IOAPIC_PINS];
};

void vl_ioapic_init(struct vl_vm *vm);
void vl_ioapic_reset(struct vl_vm *vm);
bool vl_ioapic_mmio(struct vl_vm *vm, u64 gpa, unsigned int len, void *data, bool write);
int vl_ioapic_set_line(struct vl_vm *vm, u32 gsi, u32 source, int level);
void vl_ioapic_eoi(struct vl_vm *vm, u8 vector);
int vl_ioapic_get_state(struct vl_vm *vm, struct vmx_lite_ioapic *state);
int vl_ioapic_set_state(struct vl_vm *vm, const struct vmx_lite_ioapic *state);

#endif /* VL_IOAPIC_H */
