// SPDX-License-Identifier: GPL-2.0-only
/* --device: the life of a PCI device of this host that is lent to the guest. */
#include <errno.h>
#include <fcntl.h>
#include <linux/pci_regs.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "boot.h"
#include "lent.h"

#define FAULTS_AT_ONCE	16

static int lent_parse(struct peripheral *p, char *text)
{
	struct lent *lent = container_of(p, struct lent, p);
	char *words = strchr(text, ','), *word;

	lent->fd = -1;
	lent->stop_fd = -1;
	if (words)
		*words++ = '\0';
	if (iommu_parse_bdf(text, &lent->bdf))
		return fail(-EINVAL, "--device %s is no PCI device such as 0000:00:03.0", text);
	snprintf(lent->name, sizeof(lent->name), "%04x:%02x:%02x.%x", lent->bdf.segment,
		 lent->bdf.bus, lent->bdf.devfn >> 3, lent->bdf.devfn & 7);
	while ((word = strsep(&words, ","))) {
		if (!strcmp(word, "rom=off"))
			lent->no_rom = true;
		else if (!strcmp(word, "unsafe-interrupts"))
			lent->flags |= IOMMU_LITE_OPEN_UNSAFE_INTERRUPTS;
		else
			return fail(-EINVAL, "--device has rom=off and unsafe-interrupts, no '%s'",
				    word);
	}
	return 0;
}

static int explain_open(const struct lent *lent, u32 reason, int ret)
{
	switch (reason) {
	case IOMMU_LITE_OK:
		return fail(ret, "cannot open %s: %s", lent->name, strerror(-ret));
	case IOMMU_LITE_UNSAFE_INTERRUPTS:
		return fail(ret, "DMA of %s can forge this host's interrupts: %s",
			    lent->name, "add ,unsafe-interrupts if you trust the guest");
	case IOMMU_LITE_DRIVER_BOUND:
		return fail(ret, "%s or its group has a driver: vmxl check %s says what to do",
			    lent->name, lent->name);
	default:
		return fail(ret, "%s cannot be lent: %s", lent->name,
			    iommu_reason_text(reason));
	}
}

/* Only the driver gives registers and interrupts. */
static int check_bound(const struct lent *lent)
{
	struct iommu_lite_device_info info = { 0 };
	int ret = iommu_device_info(lent->fd, &info);

	if (ret)
		return fail(ret, "cannot ask after %s: %s", lent->name, strerror(-ret));
	if (!(info.flags & IOMMU_LITE_DEVICE_LENT))
		return fail(-ENODEV, "%s is not bound to iommu-lite: vmxl bind %s", lent->name,
			    lent->name);
	return 0;
}

static bool in_ram(const struct guest_ram *ram, const struct iommu_lite_region *region)
{
	return region->first < ram->lowmem ||
	       (ram->highmem && region->last >= VM_HIGHMEM_BASE &&
		region->first < VM_HIGHMEM_BASE + ram->highmem);
}

/* What the device must not, or must, reach at addresses of its own. */
static int check_regions(const struct lent *lent)
{
	struct iommu_lite_region regions[IOMMU_LITE_MAX_REGIONS];
	u32 count = IOMMU_LITE_MAX_REGIONS;
	int ret = iommu_get_regions(lent->fd, regions, &count);
	u32 i = 0;

	if (ret)
		return fail(ret, "cannot learn the reserved memory of %s: %s", lent->name,
			    strerror(-ret));
	while (i < count && !in_ram(lent->board->ram, &regions[i]))
		i++;
	if (i == count)
		return 0;
	return fail(-EBUSY, "%s has uses of its own for 0x%llx to 0x%llx, where the guest has RAM",
		    lent->name, regions[i].first, regions[i].last);
}

static int open_device(struct lent *lent)
{
	u32 reason = IOMMU_LITE_OK;
	int ret;

	lent->fd = iommu_open_lent(lent->board->lending->iommu, &lent->bdf, lent->flags,
				   &reason);
	if (lent->fd < 0)
		return explain_open(lent, reason, lent->fd);
	/* The thread takes what is there and then waits with poll(). */
	fcntl(lent->fd, F_SETFL, O_NONBLOCK);
	ret = check_bound(lent);
	return ret ? ret : check_regions(lent);
}

/**
 * lent_complain() - tell the user of what the device does not do, the first time
 * @lent: the device, its bus's lock held
 * @what: "gets no interrupts"
 * @err: negative errno
 */
void lent_complain(struct lent *lent, const char *what, int err)
{
	if (!lent->complained)
		note("%s: %s %s: %s", lent->board->name, lent->name, what, strerror(-err));
	lent->complained = true;
}

/**
 * lent_reset() - a reset of the function that the guest asks for
 * @lent: the device, its bus's lock held
 *
 * It takes a tenth of a second at least, which is what a guest waits in any case
 * (PCIe 3.0, section 6.6.2).
 */
void lent_reset(struct lent *lent)
{
	int ret;

	lent_irq_off(lent);
	lent_config_reset(lent);
	ret = iommu_reset(lent->fd);
	if (ret && !lent->gone)
		lent_complain(lent, "is not reset", ret);
	lent_irq_update(lent);
}

/* At 1, 10, 100, ...: no guest can fill a log. */
static bool worth_a_line(u64 count)
{
	while (count >= 10 && !(count % 10))
		count /= 10;
	return count == 1;
}

static void show_fault(struct lent *lent, const struct iommu_lite_fault *fault)
{
	u64 count = ++lent->fault_records;
	char times[48] = "";

	if (!worth_a_line(count))
		return;
	if (count > 1)
		snprintf(times, sizeof(times), " (%llu times so far)", count);
	note("%s: %s tried to %s 0x%llx, which is outside the guest's memory%s",
	     lent->board->name, lent->name,
	     fault->flags & IOMMU_LITE_FAULT_READ ? "read" : "write", fault->address, times);
}

/**
 * lent_take_faults() - count and show what the device may not do
 * @lent: the device
 *
 * Context: the device's thread.
 */
void lent_take_faults(struct lent *lent)
{
	struct iommu_lite_fault faults[FAULTS_AT_ONCE];
	int nr;

	while ((nr = iommu_read_faults(lent->fd, faults, FAULTS_AT_ONCE)) > 0)
		for (int i = 0; i < nr; i++)
			show_fault(lent, &faults[i]);
}

/**
 * lent_is_gone() - the device was unplugged: nothing answers in its place
 * @lent: the device
 *
 * Context: the device's thread; takes the bus's lock.
 */
void lent_is_gone(struct lent *lent)
{
	struct pci_bus *pci = lent->board->pci;

	note("%s: %s is gone: it was unplugged, or taken from iommu-lite",
	     lent->board->name, lent->name);
	pthread_mutex_lock(&pci->lock);
	lent->gone = true;
	lent_irq_off(lent);
	lent_config_reset(lent);
	memset(lent->pci.writable, 0, sizeof(lent->pci.writable));
	pthread_mutex_unlock(&pci->lock);
}

static void *lent_thread(void *arg)
{
	struct lent *lent = arg;
	struct pollfd fds[] = {
		{ .fd = lent->stop_fd, .events = POLLIN },
		{ .fd = lent->fd, .events = POLLIN },
	};

	for (;;) {
		if (poll(fds, ARRAY_SIZE(fds), -1) < 0 && errno != EINTR)
			return NULL;
		if (fds[0].revents)
			return NULL;
		if (fds[1].revents & POLLIN)
			lent_take_faults(lent);
		if (fds[1].revents & (POLLHUP | POLLERR)) {
			lent_is_gone(lent);
			fds[1].fd = -1;
		}
	}
}

static int start_thread(struct lent *lent)
{
	sigset_t all, old;
	int ret;

	lent->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (lent->stop_fd < 0)
		return -errno;
	/* Signals are the main thread's. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	ret = -pthread_create(&lent->thread, NULL, lent_thread, lent);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (ret)
		return ret;
	lent->has_thread = true;
	pthread_setname_np(lent->thread, lent->name);
	return 0;
}

static int join_bus(struct lent *lent)
{
	struct pci_bus *pci = lent->board->pci;
	int ret = pci_add(pci, pci_free_slot(pci), &lent->pci);

	if (ret == -ENOSPC)
		return fail(ret, "the guest has no room for the BARs of %s", lent->name);
	if (ret == -EINVAL)
		return fail(ret, "there are too many PCI devices for %s", lent->name);
	if (!ret)
		ret = start_thread(lent);
	if (ret)
		return fail(ret, "cannot make %s: %s", lent->name, strerror(-ret));
	pthread_mutex_lock(&pci->lock);
	lent_irq_update(lent);
	pthread_mutex_unlock(&pci->lock);
	return 0;
}

/* Guest memory is mapped before the device could reach anything. */
static int lent_create(struct peripheral *p, const struct board *board)
{
	struct lent *lent = container_of(p, struct lent, p);
	int ret;

	lent->board = board;
	ret = lending_join(lent);
	if (!ret)
		ret = open_device(lent);
	if (ret)
		return ret;
	ret = iommu_attach(lent->fd, board->lending->domain);
	if (ret)
		return fail(ret, "cannot give %s the guest's memory: %s", lent->name,
			    strerror(-ret));
	ret = lent_irq_init(lent);
	if (!ret)
		ret = lent_config_init(lent);
	if (!ret)
		ret = lent_bars_init(lent);
	return ret ? ret : join_bus(lent);
}

/* Closing the device resets it, and only then is guest memory unpinned. */
static void lent_destroy(struct peripheral *p)
{
	struct lent *lent = container_of(p, struct lent, p);

	if (lent->has_thread) {
		eventfd_write(lent->stop_fd, 1);
		pthread_join(lent->thread, NULL);
	}
	if (lent->fd >= 0) {
		if (lent->pci.pci)
			lent_irq_off(lent);
		pci_remove(lent->board->pci, &lent->pci);
		lent_bars_destroy(lent);
		close(lent->fd);
	}
	if (lent->irq.msi.irqchip)
		lent_irq_destroy(lent);
	if (lent->stop_fd >= 0)
		close(lent->stop_fd);
	lending_leave(lent);
}

static void lent_stats(struct peripheral *p, FILE *out)
{
	struct lent *lent = container_of(p, struct lent, p);
	struct iommu_lite_device_info info = { .faults = lent->fault_records };
	char what[64];

	/* It knows of records, too, that came faster than they were read. */
	iommu_device_info(lent->fd, &info);
	snprintf(what, sizeof(what), "%s: blocked DMA", lent->name);
	print_row(out, what, info.faults);
}

const struct peripheral_kind lent_kind = {
	.option = "device",
	.argument = "BDF[,rom=off][,unsafe-interrupts]",
	.help = "a PCI device of this host, such as 0000:00:03.0, which\n"
		"vmxl bind has taken from its driver; may be given again",
	.plural = "lent devices",
	.max = 16,
	.size = sizeof(struct lent),
	.parse = lent_parse,
	.create = lent_create,
	.destroy = lent_destroy,
	.stats = lent_stats,
};
