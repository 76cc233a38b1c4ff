// SPDX-License-Identifier: GPL-2.0-only
/* vmxl check BDF: can a PCI device be lent to a guest, and if not, why and what to do. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cmd.h"
#include "hostdev.h"

static void tell_interrupts(const struct hostdev *dev, int fd)
{
	struct iommu_lite_irq_info irqs = { 0 };

	if (iommu_get_irq_info(fd, &irqs))
		return;
	printf("Its interrupts: %s, %u by MSI, %u by MSI-X.\n",
	       irqs.intx ? "INTx" : "no INTx", irqs.msi, irqs.msix);
	if (!irqs.intx && !irqs.msi && !irqs.msix)
		printf("A guest would get no interrupt of %s.\n", dev->name);
	else if (!irqs.intx)
		printf("It has no INTx, or one that other devices share and it cannot mask: the\n"
		       "guest's driver must use MSI.\n");
}

/* The last word is the module's: try. */
static int try_to_open(const struct hostdev *dev)
{
	bool unsafe = false;
	u32 reason = IOMMU_LITE_OK;
	int fd = iommu_open(), device;

	if (fd < 0)
		return fail(fd, "cannot open /dev/iommu-lite: %s", strerror(-fd));
	device = iommu_open_lent(fd, &dev->bdf, 0, &reason);
	if (device < 0 && reason == IOMMU_LITE_UNSAFE_INTERRUPTS) {
		unsafe = true;
		device = iommu_open_lent(fd, &dev->bdf, IOMMU_LITE_OPEN_UNSAFE_INTERRUPTS,
					 &reason);
	}
	close(fd);
	if (device < 0)
		return fail(device, "%s cannot be lent now: %s", dev->name,
			    reason ? iommu_reason_text(reason) : strerror(-device));
	tell_interrupts(dev, device);
	close(device);
	if (unsafe)
		printf("Interrupts are not remapped here: by DMA to 0xfeexxxxx a guest could\n"
		       "send this host any. ,unsafe-interrupts says that you trust it.\n");
	printf("It can be lent: vmxl run --device %s%s ...\n", dev->name,
	       unsafe ? ",unsafe-interrupts" : "");
	return 0;
}

/**
 * check_device() - vmxl check BDF
 * @text: the device's address
 *
 * Return: 0 if it can be lent now, else vmxl's exit status.
 */
int check_device(const char *text)
{
	struct hostdev dev;
	int ret = hostdev_read(&dev, text, NULL, 0);

	if (ret)
		return VMXL_USAGE;
	printf("%s is %04x:%04x, class %06x", dev.name, dev.vendor, dev.device, dev.class);
	if (dev.group >= 0)
		printf(", group %d", dev.group);
	if (*dev.driver)
		printf(", driver %s", dev.driver);
	printf("%s%s.\n", *dev.uses ? ": " : "", dev.uses);
	if (dev.no_reset)
		printf("It cannot be reset: a guest finds what the last one left in it.\n");
	fflush(stdout);

	ret = hostdev_explain(&dev);
	if (!ret && !hostdev_is_lent(&dev))
		ret = fail(-EBUSY, "%s %s%s: vmxl bind %s", dev.name,
			   *dev.driver ? "has the driver " : "is not bound to iommu-lite",
			   dev.driver, dev.name);
	if (!ret)
		ret = try_to_open(&dev);
	return ret ? VMXL_HOST : 0;
}
