// SPDX-License-Identifier: GPL-2.0-only
/*
 * A lent device made quiet, and as new.
 *
 * The PCI core chooses how to reset: function level reset where the device has
 * it, else power state D3hot and back, else the bus or slot where nothing else
 * is on it.
 */
#define pr_fmt(fmt) "iommu-lite: " fmt

#include <linux/printk.h>

#include "ppt.h"
#include "uapi.h"

/**
 * il_lent_quiet() - stop a device's DMA
 * @lent: lent->lock is held
 *
 * On return no request of the device is on its way (PCI Express 7.5.3.5, bit
 * Transactions Pending; the wait is limited). May sleep.
 */
void il_lent_quiet(struct il_lent *lent)
{
	if (!pci_device_is_present(lent->pdev))
		return;
	il_lent_bus_master(lent, false);
	if (!pci_wait_for_pending_transaction(lent->pdev))
		pci_warn(lent->pdev, "does not finish its transactions\n");
}

/**
 * il_lent_do_reset() - reset a device
 * @lent: lent->lock and the device's own lock are held
 *
 * Mappings are away meanwhile, and bus mastering is off afterwards. Decoding,
 * BARs and interrupts are as before. May sleep.
 *
 * Return: 0; -ENOTTY where the device cannot be reset alone; -ENODEV where it
 * is no longer there; what the PCI core says.
 */
int il_lent_do_reset(struct il_lent *lent)
{
	struct pci_dev *pdev = lent->pdev, *bridge = pci_upstream_bridge(pdev);
	bool locked;
	int ret;

	if (!pci_device_is_present(pdev))
		return -ENODEV;
	il_lent_quiet(lent);
	down_write(&lent->memory_lock);
	il_lent_revoke(lent);
	il_lent_intx_pause(lent, true);
	/*
	 * Who holds the bridge may wait for the device, which we hold: then
	 * he keeps others from the bridge in our place.
	 */
	locked = bridge && pci_cfg_access_trylock(bridge);
	pci_cfg_access_lock(pdev);
	ret = pci_reset_function_locked(pdev);
	pci_cfg_access_unlock(pdev);
	if (locked)
		pci_cfg_access_unlock(bridge);
	il_lent_intx_pause(lent, false);
	up_write(&lent->memory_lock);
	return ret;
}

/**
 * il_lent_reset() - IOMMU_LITE_RESET
 * @object: of a device fd
 * @arg: none
 *
 * May sleep.
 *
 * Return: 0; -EPERM where the device is not bound to this driver; -ENODEV;
 * -ENOTTY where it cannot be reset alone.
 */
int il_lent_reset(struct il_object *object, union il_arg *arg)
{
	struct il_lent *lent = il_lent_of(object);
	int ret = -ENODEV;

	if (IS_ERR(lent))
		return PTR_ERR(lent);
	device_lock(&lent->pdev->dev);
	mutex_lock(&lent->lock);
	if (lent->live)
		ret = il_lent_do_reset(lent);
	mutex_unlock(&lent->lock);
	device_unlock(&lent->pdev->dev);
	return ret;
}
