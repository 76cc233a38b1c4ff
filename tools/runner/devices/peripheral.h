/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Devices that a guest has only on demand. Each kind is a const table in the
 * device's file, and a line in peripherals.c.
 */
#ifndef VMXL_PERIPHERAL_H
#define VMXL_PERIPHERAL_H

#include "bus.h"
#include "irqchip.h"
#include "pci.h"

struct console_port;
struct guest_ram;
struct lending;
struct vmctx;

/**
 * struct board - what a machine offers its devices; read-only, outlives them
 * @name: the guest's
 * @ctx: the VM, for what is not below
 * @ram: guest memory
 * @irqchip: interrupts and doorbells
 * @power: what ends the guest
 * @ports: port bus
 * @mmio: what is no RAM
 * @pci: the PCI bus
 * @lending: what lent devices share
 * @terminal: who takes the terminal from the serial port writes its end here
 */
struct board {
	const char *name;
	struct vmctx *ctx;
	const struct guest_ram *ram;
	struct irqchip *irqchip;
	struct power *power;
	struct bus *ports;
	struct bus *mmio;
	struct pci_bus *pci;
	struct lending *lending;
	struct console_port **terminal;
};

/**
 * struct peripheral - the first member of a device; guarded by the main thread
 * @kind: which
 * @index: how many of its kind came before it
 * @created: destroy() is due
 * @next: in the order of the kinds, then of the command line
 */
struct peripheral {
	const struct peripheral_kind *kind;
	unsigned int index;
	bool created;
	struct peripheral *next;
};

/**
 * struct peripheral_kind - a kind of device; the main thread calls
 * @option: of the command line, without dashes
 * @argument: its value's form for --help, or NULL if it takes none
 * @help: what it does, for --help; lines end with \\n but for the last
 * @plural: what to call several
 * @max: how many a guest can have
 * @size: bytes of the device, of which struct peripheral is the first
 * @parse: read the option's value, which may be changed and kept; the device is
 *	all zero otherwise; returns 0, or a negative errno after a message; NULL
 *	without @argument
 * @create: make the device, before the guest runs; returns 0, or a negative
 *	errno after a message; destroy() is due in any case
 * @destroy: undo @create, whether it succeeded or not; no vCPU runs
 * @stats: print_row() each counter, for --stats and vmxl stat: any thread; may be
 *	NULL
 * @control: what a vmxl command named like @option says of the guest's first such
 *	device, NULL if nothing; any thread; returns 0 after printing an answer, or
 *	a negative errno after printing what is wrong, without the end of the line;
 *	may be NULL
 */
struct peripheral_kind {
	const char *option;
	const char *argument;
	const char *help;
	const char *plural;
	unsigned int max;
	size_t size;
	int (*parse)(struct peripheral *p, char *text);
	int (*create)(struct peripheral *p, const struct board *board);
	void (*destroy)(struct peripheral *p);
	void (*stats)(struct peripheral *p, FILE *out);
	int (*control)(struct peripheral *p, const char *words, FILE *out);
};

extern const struct peripheral_kind disk_kind;
extern const struct peripheral_kind lent_kind;
extern const struct peripheral_kind net_kind;
extern const struct peripheral_kind rng_kind;
extern const struct peripheral_kind console_kind;
extern const struct peripheral_kind balloon_kind;
extern const struct peripheral_kind vsock_kind;
extern const struct peripheral_kind share_kind;

#endif /* VMXL_PERIPHERAL_H */
