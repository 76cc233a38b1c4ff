/* SPDX-License-Identifier: GPL-2.0-only */
/* What a device needs of the interrupt controllers: to set a line. */
#ifndef VMXL_IRQCHIP_H
#define VMXL_IRQCHIP_H

/**
 * struct irqchip - where interrupt lines end
 * @set_line: raise (1) or lower (0) a pin of the IOAPIC; any thread
 */
struct irqchip {
	void (*set_line)(struct irqchip *chip, unsigned int gsi, int level);
};

/**
 * struct power - what a device needs of the machine: to end it
 * @suspend: end the guest; @how is enum vmx_lite_suspend_how; any thread
 */
struct power {
	void (*suspend)(struct power *power, int how);
};

#endif /* VMXL_IRQCHIP_H */
