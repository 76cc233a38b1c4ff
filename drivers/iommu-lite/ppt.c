// SPDX-License-Identifier: GPL-2.0-only
/*
 * The PCI driver of devices that are lent to user space, and the life of one
 * that is open. Only driver_override gives it a device.
 */
#define pr_fmt(fmt) "iommu-lite: " fmt

#include <linux/module.h>
#include <linux/printk.h>
#include <linux/slab.h>

#include "iommu-lite.h"
#include "ppt.h"
#include "uapi.h"

static int probe(struct pci_dev *pdev, const struct pci_device_id *id)
{
	struct irq_domain *domain;
	bool governed;

	/* new_id would take devices from their drivers behind the back */
	if (!il_has_driver_override(pdev) ||
	    pdev->hdr_type != PCI_HEADER_TYPE_NORMAL)
		return -ENODEV;
	mutex_lock(&il_device_lock);
	governed = il_device_of(pdev);
	mutex_unlock(&il_device_lock);
	if (!governed) {
		pci_err(pdev, "no remapping unit governs it: it cannot be lent\n");
		return -ENODEV;
	}
	pci_clear_master(pdev);
	domain = il_irq_domain_of(pdev);
	if (domain) {
		pci_set_drvdata(pdev, dev_get_msi_domain(&pdev->dev));
		dev_set_msi_domain(&pdev->dev, domain);
	}
	return 0;
}

static void remove(struct pci_dev *pdev)
{
	il_uapi_driver_gone(pdev);
	if (il_irq_domain_of(pdev))
		dev_set_msi_domain(&pdev->dev, pci_get_drvdata(pdev));
}

/* The unit stops translating after this */
static void shutdown(struct pci_dev *pdev)
{
	pci_clear_master(pdev);
	pci_wait_for_pending_transaction(pdev);
}

static struct pci_driver driver = {
	.name			= IL_PPT_NAME,
	.probe			= probe,
	.remove			= remove,
	.shutdown		= shutdown,
	.driver_managed_dma	= true,
};

/**
 * il_ppt_init() - register the driver
 *
 * May sleep.
 *
 * Return: 0 or -errno.
 */
int il_ppt_init(void)
{
	return pci_register_driver(&driver);
}

/**
 * il_ppt_exit() - take the driver from its devices
 *
 * None is open. May sleep.
 */
void il_ppt_exit(void)
{
	pci_unregister_driver(&driver);
}

/**
 * il_ppt_bound() - has this driver a device?
 * @pdev: any function; its lock is held, or the answer may change
 *
 * Return: true where it has.
 */
bool il_ppt_bound(struct pci_dev *pdev)
{
	return READ_ONCE(pdev->dev.driver) == &driver.driver;
}

/**
 * il_lent_alloc() - what is known of a device that is about to be opened
 * @pdev: the function
 *
 * Return: it, or NULL where there is no memory.
 */
struct il_lent *il_lent_alloc(struct pci_dev *pdev)
{
	struct il_lent *lent = kzalloc(sizeof(*lent), GFP_KERNEL_ACCOUNT);

	if (!lent)
		return NULL;
	lent->pdev = pdev;
	lent->remapped = il_irq_domain_of(pdev);
	mutex_init(&lent->lock);
	init_rwsem(&lent->memory_lock);
	return lent;
}

/**
 * il_lent_remapped() - are a device's messages remapped?
 * @lent: the device
 *
 * Return: true where they are.
 */
bool il_lent_remapped(struct il_lent *lent)
{
	return lent->remapped;
}

/**
 * il_lent_free() - undo il_lent_alloc()
 * @lent: closed, or NULL
 */
void il_lent_free(struct il_lent *lent)
{
	if (!lent)
		return;
	il_lent_close_config(lent);
	kfree(lent);
}

static void put_state_back(struct il_lent *lent)
{
	struct pci_dev *pdev = lent->pdev;

	pci_load_and_free_saved_state(pdev, &lent->saved);
	pci_restore_state(pdev);
}

/**
 * il_lent_open() - enable a device, reset it, and show it
 * @lent: its device's lock is held
 *
 * Decoding is on, bus mastering and interrupts are off. A device that cannot be
 * reset comes as its last user left it. May sleep.
 *
 * Return: 0; -EBUSY where its BARs are in use; -ENOMEM; what enabling or
 * resetting it says.
 */
int il_lent_open(struct il_lent *lent)
{
	struct pci_dev *pdev = lent->pdev;
	int ret;

	pci_clear_master(pdev);
	pci_save_state(pdev);
	lent->saved = pci_store_saved_state(pdev);
	if (!lent->saved)
		return -ENOMEM;
	ret = pci_enable_device(pdev);
	if (ret)
		goto err_saved;
	il_lent_open_irqs(lent);
	mutex_lock(&lent->lock);
	ret = il_lent_do_reset(lent);
	mutex_unlock(&lent->lock);
	if (ret && ret != -ENOTTY)
		goto err_disable;
	ret = il_lent_open_bars(lent);
	if (ret)
		goto err_disable;
	ret = il_lent_open_config(lent);
	if (ret)
		goto err_bars;
	if (pci_select_bars(pdev, IORESOURCE_IO))
		lent->command |= PCI_COMMAND_IO;
	if (pci_select_bars(pdev, IORESOURCE_MEM))
		lent->command |= PCI_COMMAND_MEMORY;
	down_write(&lent->memory_lock);
	lent->live = true;
	up_write(&lent->memory_lock);
	return 0;

err_bars:
	il_lent_close_bars(lent);
err_disable:
	put_state_back(lent);
	pci_disable_device(pdev);
err_saved:
	kfree(lent->saved);
	return ret;
}

/**
 * il_lent_close() - take a device from its holder, whatever he does with it
 * @lent: open, or closed already; its device's lock is held
 *
 * On return the device is quiet and reset, nothing of it is mapped, and its
 * state is as it was. May sleep.
 */
void il_lent_close(struct il_lent *lent)
{
	struct pci_dev *pdev = lent->pdev;
	int ret;

	mutex_lock(&lent->lock);
	if (!lent->live) {
		mutex_unlock(&lent->lock);
		return;
	}
	il_lent_quiet(lent);
	il_lent_close_irqs(lent);
	down_write(&lent->memory_lock);
	lent->live = false;
	il_lent_revoke(lent);
	up_write(&lent->memory_lock);
	ret = il_lent_do_reset(lent);
	if (ret && ret != -ENOTTY && ret != -ENODEV)
		pci_warn(pdev, "cannot be reset (%d): only its DMA is stopped\n",
			 ret);
	il_lent_close_bars(lent);
	if (ret != -ENODEV)
		put_state_back(lent);
	kfree(lent->saved);
	lent->saved = NULL;
	pci_disable_device(pdev);
	mutex_unlock(&lent->lock);
}

/**
 * il_lent_set_attached() - a device has come to a domain, or leaves it
 * @lent: open
 * @attached: false: on return its DMA has stopped
 *
 * May sleep.
 */
void il_lent_set_attached(struct il_lent *lent, bool attached)
{
	mutex_lock(&lent->lock);
	lent->attached = attached;
	if (!attached && lent->live)
		il_lent_quiet(lent);
	mutex_unlock(&lent->lock);
}
