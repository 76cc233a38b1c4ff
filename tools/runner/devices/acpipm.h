/* SPDX-License-Identifier: GPL-2.0-only */
/* ACPI's fixed hardware: PM1 registers, power button, PM timer. */
#ifndef VMXL_ACPIPM_H
#define VMXL_ACPIPM_H

#include "bus.h"
#include "irqchip.h"

#define ACPIPM_EVENT_PORT	0x600	/* status, enable: 2 bytes each */
#define ACPIPM_CONTROL_PORT	0x604	/* 2 bytes */
#define ACPIPM_TIMER_PORT	0x608	/* 4 bytes */
#define ACPIPM_SCI_IRQ		9	/* level */
#define ACPIPM_SLP_TYP_S5	5	/* as \_S5 in dsdt.asl */

struct acpipm {
	struct io_region event;
	struct io_region control;
	struct io_region timer;
	struct irqchip *irqchip;
	struct power *power;
	u64 tsc_hz;
	pthread_mutex_t lock;
	u16 status, enable, pm1_control;	/* guarded by @lock */
};

int acpipm_init(struct acpipm *pm, struct bus *ports, struct irqchip *irqchip,
		struct power *power, u32 tsc_khz);
void acpipm_destroy(struct acpipm *pm, struct bus *ports);
bool acpipm_press_power_button(struct acpipm *pm);

#endif /* VMXL_ACPIPM_H */
