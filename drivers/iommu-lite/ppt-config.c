// SPDX-License-Identifier: GPL-2.0-only
/*
 * The configuration space of a lent device: read from the device, written
 * through the filter of ppt-filter.c.
 */
#include <linux/slab.h>

#include "ppt.h"
#include "uapi.h"

/* Decoding stays on in the device: the kernel itself writes its MSI-X table */
static int write_command(struct il_lent *lent, u16 mask, u16 value)
{
	const u16 decode = PCI_COMMAND_IO | PCI_COMMAND_MEMORY;
	u16 command = (lent->command & ~(mask & decode)) |
		      (value & mask & decode);

	if (value & mask & PCI_COMMAND_MASTER && !lent->attached)
		return -EPERM;
	if (command != lent->command) {
		down_write(&lent->memory_lock);
		lent->command = command;
		if (!(command & PCI_COMMAND_MEMORY))
			il_lent_revoke(lent);
		up_write(&lent->memory_lock);
	}
	if (mask & PCI_COMMAND_INTX_DISABLE)
		il_lent_intx_disable(lent, value & PCI_COMMAND_INTX_DISABLE);
	if (mask & PCI_COMMAND_MASTER)
		il_lent_bus_master(lent, value & PCI_COMMAND_MASTER);
	return 0;
}

static u16 read_command(struct il_lent *lent, u16 command)
{
	command &= ~(PCI_COMMAND_IO | PCI_COMMAND_MEMORY |
		     PCI_COMMAND_INTX_DISABLE);
	command |= lent->command;
	if (il_lent_intx_disabled(lent))
		command |= PCI_COMMAND_INTX_DISABLE;
	return command;
}

static u32 device_read(struct il_lent *lent, unsigned int offset,
		       unsigned int size)
{
	u32 value = ~0;
	u16 word = ~0;
	u8 byte = ~0;

	switch (size) {
	case 4:
		pci_user_read_config_dword(lent->pdev, offset, &value);
		return value;
	case 2:
		pci_user_read_config_word(lent->pdev, offset, &word);
		return word;
	default:
		pci_user_read_config_byte(lent->pdev, offset, &byte);
		return byte;
	}
}

static bool all_fixed(const struct il_config *config, unsigned int offset,
		      unsigned int size)
{
	return !memchr_inv(config->fixed + offset, 0xff, size);
}

static void read_config(struct il_lent *lent, struct iommu_lite_access *access)
{
	const struct il_config *config = lent->config;
	unsigned int offset = access->offset, i;
	u64 value = 0;
	u16 command;
	u8 byte;

	if (!all_fixed(config, offset, access->size))
		value = device_read(lent, offset, access->size);
	access->value = 0;
	for (i = 0; i < access->size; i++) {
		byte = value >> i * 8;
		byte = (byte & ~config->fixed[offset + i]) |
		       (config->image[offset + i] & config->fixed[offset + i]);
		access->value |= (u64)byte << i * 8;
	}
	if (offset >= PCI_COMMAND && offset < PCI_STATUS) {
		unsigned int shift = (offset - PCI_COMMAND) * 8;

		command = read_command(lent, access->value << shift) >> shift;
		if (access->size == 1)
			command &= 0xff;
		access->value = (access->value & ~(u64)0xffff) | command;
	}
}

static int write_config(struct il_lent *lent,
			const struct iommu_lite_access *access)
{
	const struct il_config *config = lent->config;
	unsigned int offset = access->offset, i;
	u16 mask = 0, command = 0;
	int ret;
	u8 byte;

	for (i = 0; i < access->size; i++) {
		byte = access->value >> i * 8;
		if (offset + i == PCI_COMMAND || offset + i == PCI_COMMAND + 1) {
			unsigned int shift = (offset + i - PCI_COMMAND) * 8;

			mask |= 0xff << shift;
			command |= byte << shift;
		}
	}
	if (mask) {
		ret = write_command(lent, mask, command);
		if (ret)
			return ret;
	}
	for (i = 0; i < access->size; i++) {
		if (!config->writable[offset + i])
			continue;
		byte = il_config_write(config, offset + i,
				       device_read(lent, offset + i, 1),
				       access->value >> i * 8);
		pci_user_write_config_byte(lent->pdev, offset + i, byte);
	}
	return 0;
}

/**
 * il_lent_access_config() - IOMMU_LITE_ACCESS_CONFIG
 * @object: of a device fd
 * @arg: .access
 *
 * May sleep.
 *
 * Return: 0; -EPERM where the device is not bound to this driver, and for bus
 * mastering while it is not attached; -ENODEV; -EINVAL.
 */
int il_lent_access_config(struct il_object *object, union il_arg *arg)
{
	struct il_lent *lent = il_lent_of(object);
	struct iommu_lite_access *access = &arg->access;
	int ret = 0;

	if (IS_ERR(lent))
		return PTR_ERR(lent);
	if (access->pad || access->index ||
	    access->flags & ~IOMMU_LITE_ACCESS_WRITE ||
	    !is_power_of_2(access->size) || access->size > 4 ||
	    !IS_ALIGNED(access->offset, access->size) ||
	    access->offset >= IL_CONFIG_SIZE)
		return -EINVAL;
	mutex_lock(&lent->lock);
	if (!lent->live)
		ret = -ENODEV;
	else if (access->flags & IOMMU_LITE_ACCESS_WRITE)
		ret = write_config(lent, access);
	else
		read_config(lent, access);
	mutex_unlock(&lent->lock);
	return ret;
}

/**
 * il_lent_open_config() - make the filter of a device
 * @lent: its device answers
 *
 * May sleep.
 *
 * Return: 0 or -ENOMEM.
 */
int il_lent_open_config(struct il_lent *lent)
{
	unsigned int size = lent->pdev->cfg_size, offset;
	u32 *space;

	lent->config = kvmalloc(sizeof(*lent->config), GFP_KERNEL_ACCOUNT);
	space = kvzalloc(IL_CONFIG_SIZE, GFP_KERNEL_ACCOUNT);
	if (!lent->config || !space) {
		kvfree(space);
		il_lent_close_config(lent);
		return -ENOMEM;
	}
	for (offset = 0; offset < size; offset += 4) {
		pci_user_read_config_dword(lent->pdev, offset,
					   space + offset / 4);
		cpu_to_le32s(space + offset / 4);
	}
	il_config_build(lent->config, (u8 *)space, size);
	kvfree(space);
	return 0;
}

/**
 * il_lent_close_config() - free the filter
 * @lent: no longer in use
 */
void il_lent_close_config(struct il_lent *lent)
{
	kvfree(lent->config);
	lent->config = NULL;
}
