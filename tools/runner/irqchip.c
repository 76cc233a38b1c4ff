// SPDX-License-Identifier: GPL-2.0-only
/* What joins devices to the module: interrupts, doorbells and memory. */
#include "machine.h"
#include "pic.h"

static struct vmctx *ctx_of(struct irqchip *chip)
{
	return container_of(chip, struct machine, irqchip)->ctx;
}

static void set_line(struct irqchip *chip, unsigned int gsi, int level)
{
	if (chip->pic && gsi < PIC_LINES)
		pic_set_line(chip->pic, gsi, level);
	if (level)
		vm_ioapic_assert_irq(ctx_of(chip), gsi);
	else
		vm_ioapic_deassert_irq(ctx_of(chip), gsi);
}

static int route_msi(struct irqchip *chip, int fd, u64 address, u32 data)
{
	return vm_irqfd(ctx_of(chip), &(struct vmx_lite_irqfd) {
		.fd = fd,
		.flags = VMX_LITE_IRQFD_MSI,
		.msi = { .address = address, .data = data },
	});
}

static void unroute_msi(struct irqchip *chip, int fd)
{
	vm_irqfd(ctx_of(chip), &(struct vmx_lite_irqfd) {
		.fd = fd,
		.flags = VMX_LITE_IRQFD_DEASSIGN,
	});
}

static int route_pin(struct irqchip *chip, int fd, unsigned int gsi, int resample_fd)
{
	return vm_irqfd(ctx_of(chip), &(struct vmx_lite_irqfd) {
		.fd = fd,
		.flags = VMX_LITE_IRQFD_RESAMPLE,
		.gsi = gsi,
		.resample_fd = resample_fd,
	});
}

static int route_doorbell(struct irqchip *chip, u64 gpa, int fd)
{
	return vm_ioeventfd(ctx_of(chip), &(struct vmx_lite_ioeventfd) {
		.addr = gpa,
		.fd = fd,
	});
}

static void unroute_doorbell(struct irqchip *chip, u64 gpa, int fd)
{
	vm_ioeventfd(ctx_of(chip), &(struct vmx_lite_ioeventfd) {
		.addr = gpa,
		.fd = fd,
		.flags = VMX_LITE_IOEVENTFD_DEASSIGN,
	});
}

static int map(struct irqchip *chip, u64 gpa, void *addr, u64 size)
{
	return vm_map_memory(ctx_of(chip), gpa, addr, size, 0);
}

static void unmap(struct irqchip *chip, u64 gpa, u64 size)
{
	vm_unmap_memory(ctx_of(chip), gpa, size);
}

static int map_rom(struct irqchip *chip, u64 gpa, void *addr, u64 size)
{
	return vm_map_memory(ctx_of(chip), gpa, addr, size, VMX_LITE_MEM_READONLY);
}

static void set_intr(struct irqchip *chip, bool level)
{
	cpu_set_intr(container_of(chip, struct machine, irqchip)->cpus, level);
}

/**
 * irqchip_init() - join devices to the module
 * @chip: a machine's
 */
void irqchip_init(struct irqchip *chip)
{
	*chip = (struct irqchip) {
		.set_line = set_line,
		.route_msi = route_msi,
		.unroute_msi = unroute_msi,
		.route_pin = route_pin,
		.route_doorbell = route_doorbell,
		.unroute_doorbell = unroute_doorbell,
		.map_rom = map_rom,
		.set_intr = set_intr,
		.map = map,
		.unmap = unmap,
	};
}
