/* SPDX-License-Identifier: GPL-2.0-only */
/* What a device needs of the module: interrupts, doorbells, memory, and to end the guest. */
#ifndef VMXL_IRQCHIP_H
#define VMXL_IRQCHIP_H

#include "util.h"

struct pic;

/**
 * struct irqchip - the module; any thread may call
 * @set_line: raise (1) or lower (0) a pin of the IOAPIC
 * @route_msi: from now on, signalling the eventfd @fd sends this message; 0 or
 *	a negative errno
 * @unroute_msi: signalling @fd sends nothing any more; for route_pin(), too
 * @route_pin: from now on, signalling the eventfd @fd raises a pin of the IOAPIC
 *	until the guest's EOI, when the eventfd @resample_fd is signalled; 0 or a
 *	negative errno
 * @route_doorbell: from now on, a guest's write at @gpa signals the eventfd @fd
 *	and reaches no device; 0 or a negative errno
 * @unroute_doorbell: undo route_doorbell() with the same arguments
 * @map: let the guest reach this process's memory at @gpa, where @addr may be that
 *	of a device; both and @size are multiples of 4096; 0 or a negative errno
 * @map_rom: map(), but writes exit as MMIO
 * @unmap: undo map() or map_rom() at the same place
 * @set_intr: level of the first CPU's INTR pin, at which @pic ends
 * @pic: gets lines 0 to PIC_LINES - 1, too; NULL if there is none
 */
struct irqchip {
	void (*set_line)(struct irqchip *chip, unsigned int gsi, int level);
	int (*route_msi)(struct irqchip *chip, int fd, u64 address, u32 data);
	void (*unroute_msi)(struct irqchip *chip, int fd);
	int (*route_pin)(struct irqchip *chip, int fd, unsigned int gsi, int resample_fd);
	int (*route_doorbell)(struct irqchip *chip, u64 gpa, int fd);
	void (*unroute_doorbell)(struct irqchip *chip, u64 gpa, int fd);
	int (*map)(struct irqchip *chip, u64 gpa, void *addr, u64 size);
	int (*map_rom)(struct irqchip *chip, u64 gpa, void *addr, u64 size);
	void (*unmap)(struct irqchip *chip, u64 gpa, u64 size);
	void (*set_intr)(struct irqchip *chip, bool level);
	struct pic *pic;
};

/**
 * struct power - what a device needs of the machine: to end it
 * @suspend: end the guest; @how is enum vmx_lite_suspend_how; any thread
 */
struct power {
	void (*suspend)(struct power *power, int how);
};

#endif /* VMXL_IRQCHIP_H */
