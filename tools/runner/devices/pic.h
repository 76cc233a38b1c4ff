/* SPDX-License-Identifier: GPL-2.0-only */
/* The two cascaded 8259A interrupt controllers of a PC. */
#ifndef VMXL_PIC_H
#define VMXL_PIC_H

#include "bus.h"
#include "irqchip.h"

#define PIC_LINES	16
#define PIC_CASCADE	2	/* the master's input that the slave is at */

/**
 * struct pic_chip - one 8259A; guarded by pic.lock
 * @irr, @isr, @imr: requests, in service, masked
 * @inputs: levels of the inputs
 * @elcr: inputs that are level-triggered; @elcr_mask: those that may be
 * @base: vector of input 0
 * @first: input of the highest priority
 * @expects: number of the initialization word that comes next, 0 if none
 * @ready: initialized
 */
struct pic_chip {
	struct io_region command;	/* and the mask: 2 ports */
	struct io_region trigger;	/* edge/level control register */
	struct pic *pic;
	u8 irr, isr, imr;
	u8 inputs;
	u8 elcr, elcr_mask;
	u8 base;
	u8 first;
	u8 expects;
	bool ready, single, wants_icw4;
	bool auto_eoi, auto_rotate, fully_nested_slave, special_mask;
	bool poll, read_isr;
};

/**
 * struct pic - both
 * @irqchip: has the CPU's INTR pin; set_intr() is called with @lock
 */
struct pic {
	pthread_mutex_t lock;
	struct pic_chip master, slave;
	bool intr;
	struct irqchip *irqchip;
};

int pic_init(struct pic *pic, struct bus *ports, struct irqchip *irqchip);
void pic_destroy(struct pic *pic, struct bus *ports);
void pic_set_line(struct pic *pic, unsigned int irq, bool level);
u8 pic_acknowledge(struct pic *pic);

#endif /* VMXL_PIC_H */
