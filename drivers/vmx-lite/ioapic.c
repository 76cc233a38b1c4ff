// SPDX-License-Identifier: GPL-2.0-only
/*
 * The IOAPIC, after Intel's 82093AA datasheet (290566), with the EOI register
 * of later ones (version 20H).  Sections named below are the datasheet's.
 */
#include <linux/bitfield.h>
#include <linux/bitops.h>
#include <linux/bits.h>
#include <linux/errno.h>
#include <linux/string.h>

#include "vmx-lite.h"

/* Memory-mapped registers: 3.1, and the EOI register */
#define REG_SELECT		0x00
#define REG_WINDOW		0x10
#define REG_EOI			0x40

/* What IOREGSEL selects: 3.2 */
#define IOAPIC_ID		0x00
#define IOAPIC_VERSION		0x01
#define IOAPIC_ARBITRATION	0x02
#define IOAPIC_REDIRECT		0x10

#define ID_BITS			GENMASK(27, 24)
#define VERSION			(0x20 | (VMX_LITE_IOAPIC_PINS - 1) << 16)
#define ALL_PINS		GENMASK(VMX_LITE_IOAPIC_PINS - 1, 0)

/* Redirection table entry: 3.2.4 */
#define RTE_VECTOR		GENMASK_ULL(7, 0)
#define RTE_MODE		GENMASK_ULL(10, 8)
#define RTE_LOGICAL		BIT_ULL(11)
#define RTE_POLARITY		BIT_ULL(13)	/* kept; a line is asserted or not */
#define RTE_REMOTE_IRR		BIT_ULL(14)
#define RTE_LEVEL		BIT_ULL(15)
#define RTE_MASKED		BIT_ULL(16)
#define RTE_DEST		GENMASK_ULL(63, 56)
#define RTE_WRITABLE		(RTE_VECTOR | RTE_MODE | RTE_LOGICAL | RTE_POLARITY | RTE_LEVEL | \
				 RTE_MASKED | RTE_DEST)

/* Only fixed and lowest-priority interrupts can be level-triggered: 3.2.4 */
static bool is_level(u64 entry)
{
	return (entry & RTE_LEVEL) && FIELD_GET(RTE_MODE, entry) <= VL_IRQ_LOWEST;
}

static void send(struct vl_vm *vm, unsigned int pin)
{
	u64 *entry = &vm->ioapic.redirect[pin];
	struct vl_irq irq = {
		.dest = FIELD_GET(RTE_DEST, *entry),
		.vector = FIELD_GET(RTE_VECTOR, *entry),
		.mode = FIELD_GET(RTE_MODE, *entry),
		.logical = *entry & RTE_LOGICAL,
		.level = is_level(*entry),
		.assert = true,
	};

	/* Remote read and start-up are reserved here. */
	if (irq.mode == 3 || irq.mode == VL_IRQ_SIPI)
		return;
	if (vl_irq_deliver(vm, NULL, &irq) > 0 && irq.level)
		*entry |= RTE_REMOTE_IRR;
}

/* A level-triggered pin that is asserted is sent, unless it waits for its EOI. */
static void send_level(struct vl_vm *vm, unsigned int pin)
{
	u64 entry = vm->ioapic.redirect[pin];

	if (is_level(entry) && !(entry & (RTE_MASKED | RTE_REMOTE_IRR)) &&
	    (vm->ioapic.irr & BIT(pin)))
		send(vm, pin);
}

/**
 * vl_ioapic_reset() - power-up state: all pins masked
 * @vm: VM
 *
 * The lines stay as their sources hold them.
 * Context: any.
 */
void vl_ioapic_reset(struct vl_vm *vm)
{
	struct vl_ioapic *ioapic = &vm->ioapic;
	unsigned long flags;
	unsigned int pin;

	spin_lock_irqsave(&ioapic->lock, flags);
	ioapic->id = 0;
	ioapic->select = 0;
	for (pin = 0; pin < VMX_LITE_IOAPIC_PINS; pin++)
		ioapic->redirect[pin] = RTE_MASKED;
	spin_unlock_irqrestore(&ioapic->lock, flags);
}

/**
 * vl_ioapic_init() - prepare the IOAPIC of a new, zeroed VM
 * @vm: VM
 *
 * There is nothing to undo.
 */
void vl_ioapic_init(struct vl_vm *vm)
{
	spin_lock_init(&vm->ioapic.lock);
	vl_ioapic_reset(vm);
}

/**
 * vl_ioapic_set_line() - a source asserts or releases a line
 * @vm: VM
 * @gsi: pin, 0 to 23
 * @source: enum vl_ioapic_source; the line is asserted while any source does
 * @level: 1 or 0
 *
 * An edge on a masked pin is lost, a level is not (3.2.4).
 * Context: any.
 * Return: 0, or -EINVAL for a pin or source that does not exist.
 */
int vl_ioapic_set_line(struct vl_vm *vm, u32 gsi, u32 source, int level)
{
	struct vl_ioapic *ioapic = &vm->ioapic;
	unsigned long flags;
	u32 old, pin_bit;
	unsigned int i;

	if (gsi >= VMX_LITE_IOAPIC_PINS || source >= VL_IOAPIC_NR_SOURCES)
		return -EINVAL;

	pin_bit = BIT(gsi);
	spin_lock_irqsave(&ioapic->lock, flags);
	if (level)
		ioapic->lines[source] |= pin_bit;
	else
		ioapic->lines[source] &= ~pin_bit;
	old = ioapic->irr;
	ioapic->irr = 0;
	for (i = 0; i < VL_IOAPIC_NR_SOURCES; i++)
		ioapic->irr |= ioapic->lines[i];

	if (is_level(ioapic->redirect[gsi]))
		send_level(vm, gsi);
	else if ((ioapic->irr & ~old & pin_bit) && !(ioapic->redirect[gsi] & RTE_MASKED))
		send(vm, gsi);
	spin_unlock_irqrestore(&ioapic->lock, flags);
	return 0;
}

/**
 * vl_ioapic_eoi() - an EOI for a level-triggered vector
 * @vm: VM
 * @vector: 0 to 255
 *
 * Pins that send this vector and wait for an EOI (remote IRR) are released:
 * irqfds with resample let go of their lines and tell their devices; a line
 * still asserted then is sent again.
 * Context: any in which an eventfd may be signalled.
 */
void vl_ioapic_eoi(struct vl_vm *vm, u8 vector)
{
	struct vl_ioapic *ioapic = &vm->ioapic;
	unsigned long flags, pins = 0;
	unsigned int pin;

	spin_lock_irqsave(&ioapic->lock, flags);
	for (pin = 0; pin < VMX_LITE_IOAPIC_PINS; pin++) {
		u64 *entry = &ioapic->redirect[pin];

		if ((*entry & RTE_REMOTE_IRR) && FIELD_GET(RTE_VECTOR, *entry) == vector) {
			*entry &= ~RTE_REMOTE_IRR;
			__set_bit(pin, &pins);
		}
	}
	spin_unlock_irqrestore(&ioapic->lock, flags);
	if (!pins)
		return;

	for_each_set_bit(pin, &pins, VMX_LITE_IOAPIC_PINS)
		vl_irqfd_resample(vm, pin);

	spin_lock_irqsave(&ioapic->lock, flags);
	for_each_set_bit(pin, &pins, VMX_LITE_IOAPIC_PINS)
		send_level(vm, pin);
	spin_unlock_irqrestore(&ioapic->lock, flags);
}

static u32 read_window(const struct vl_ioapic *ioapic)
{
	unsigned int index = ioapic->select - IOAPIC_REDIRECT;

	switch (ioapic->select) {
	case IOAPIC_ID:
	case IOAPIC_ARBITRATION:
		return ioapic->id;
	case IOAPIC_VERSION:
		return VERSION;
	}
	if (index >= 2 * VMX_LITE_IOAPIC_PINS)
		return 0;
	return ioapic->redirect[index / 2] >> (index & 1) * 32;
}

static void write_window(struct vl_vm *vm, u32 value)
{
	struct vl_ioapic *ioapic = &vm->ioapic;
	unsigned int index = ioapic->select - IOAPIC_REDIRECT;
	unsigned int shift = (index & 1) * 32;
	u64 *entry, bits;

	if (ioapic->select == IOAPIC_ID)
		ioapic->id = value & ID_BITS;
	if (index >= 2 * VMX_LITE_IOAPIC_PINS)
		return;

	entry = &ioapic->redirect[index / 2];
	bits = RTE_WRITABLE & (u64)U32_MAX << shift;
	*entry = (*entry & ~bits) | ((u64)value << shift & bits);
	/* Remote IRR means nothing for an edge; making it one is also how software clears it. */
	if (!is_level(*entry))
		*entry &= ~RTE_REMOTE_IRR;
	send_level(vm, index / 2);
}

static u32 mmio_read(struct vl_vm *vm, unsigned int offset)
{
	switch (offset) {
	case REG_SELECT:
		return vm->ioapic.select;
	case REG_WINDOW:
		return read_window(&vm->ioapic);
	default:
		return 0;
	}
}

static void mmio_write(struct vl_vm *vm, unsigned int offset, u32 value)
{
	switch (offset) {
	case REG_SELECT:
		vm->ioapic.select = value & 0xff;
		break;
	case REG_WINDOW:
		write_window(vm, value);
		break;
	}
}

/**
 * vl_ioapic_mmio() - an access that may be to the IOAPIC
 * @vm: VM
 * @gpa: guest-physical address
 * @len: bytes, 1 to 8
 * @data: of the access
 * @write: or read
 *
 * Registers are 32 bits wide (3.0).  A shorter read gets the low bytes; of
 * shorter writes only those to IOREGSEL count, whose 8 bits they cover.
 * Context: any in which an eventfd may be signalled.
 * Return: was it the IOAPIC's, and is it done?
 */
bool vl_ioapic_mmio(struct vl_vm *vm, u64 gpa, unsigned int len, void *data, bool write)
{
	struct vl_ioapic *ioapic = &vm->ioapic;
	unsigned int offset = gpa - VL_IOAPIC_BASE;
	unsigned long flags;
	u64 value = 0;

	if (gpa < VL_IOAPIC_BASE || gpa >= VL_IOAPIC_BASE + VL_IOAPIC_SIZE || len > sizeof(value))
		return false;

	if (!write) {
		spin_lock_irqsave(&ioapic->lock, flags);
		value = mmio_read(vm, offset);
		spin_unlock_irqrestore(&ioapic->lock, flags);
		memcpy(data, &value, len);
		return true;
	}

	memcpy(&value, data, len);
	if (offset == REG_EOI) {
		vl_ioapic_eoi(vm, value & 0xff);
	} else if (len >= sizeof(u32) || offset == REG_SELECT) {
		spin_lock_irqsave(&ioapic->lock, flags);
		mmio_write(vm, offset, value);
		spin_unlock_irqrestore(&ioapic->lock, flags);
	}
	return true;
}

/**
 * vl_ioapic_get_state() - VM_GET_IOAPIC
 * @vm: VM
 * @state: out
 * Context: any.
 * Return: 0.
 */
int vl_ioapic_get_state(struct vl_vm *vm, struct vmx_lite_ioapic *state)
{
	struct vl_ioapic *ioapic = &vm->ioapic;
	unsigned long flags;

	memset(state, 0, sizeof(*state));
	spin_lock_irqsave(&ioapic->lock, flags);
	state->id = ioapic->id;
	state->select = ioapic->select;
	state->irr = ioapic->irr;
	memcpy(state->redirect, ioapic->redirect, sizeof(state->redirect));
	spin_unlock_irqrestore(&ioapic->lock, flags);
	return 0;
}

/**
 * vl_ioapic_set_state() - VM_SET_IOAPIC
 * @vm: VM
 * @state: what VM_GET_IOAPIC gave; its lines count as held by VM_IRQ_LINE
 *
 * Level-triggered pins that are asserted and do not wait for an EOI are sent, so
 * that the local APICs should be set before.
 * Context: any.
 * Return: 0, or -EINVAL, with nothing changed, for reserved bits, or remote IRR on an edge.
 */
int vl_ioapic_set_state(struct vl_vm *vm, const struct vmx_lite_ioapic *state)
{
	struct vl_ioapic *ioapic = &vm->ioapic;
	unsigned long flags;
	unsigned int pin;

	if ((state->id & ~ID_BITS) || state->select > 0xff || (state->irr & ~ALL_PINS) ||
	    state->pad)
		return -EINVAL;
	for (pin = 0; pin < VMX_LITE_IOAPIC_PINS; pin++) {
		u64 entry = state->redirect[pin];

		if ((entry & ~(RTE_WRITABLE | RTE_REMOTE_IRR)) ||
		    ((entry & RTE_REMOTE_IRR) && !is_level(entry)))
			return -EINVAL;
	}

	spin_lock_irqsave(&ioapic->lock, flags);
	ioapic->id = state->id;
	ioapic->select = state->select;
	memset(ioapic->lines, 0, sizeof(ioapic->lines));
	ioapic->lines[VL_IOAPIC_USER] = state->irr;
	ioapic->irr = state->irr;
	memcpy(ioapic->redirect, state->redirect, sizeof(ioapic->redirect));
	for (pin = 0; pin < VMX_LITE_IOAPIC_PINS; pin++)
		send_level(vm, pin);
	spin_unlock_irqrestore(&ioapic->lock, flags);
	return 0;
}
