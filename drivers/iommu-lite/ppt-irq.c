// SPDX-License-Identifier: GPL-2.0-only
/*
 * Interrupts of a lent device to eventfds, signalled from the handler.
 *
 * MSI and MSI-X are edges: nothing to be done but to tell. A pin stays active
 * until the device's driver has dealt with it, so it is masked when it
 * interrupts, and the holder says by another eventfd when to look again.
 */
#include <linux/eventfd.h>
#include <linux/file.h>
#include <linux/interrupt.h>
#include <linux/poll.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "compat.h"
#include "ppt.h"
#include "uapi.h"

static void signal_vector(struct il_vector *vector)
{
	if (vector->eventfd)
		il_eventfd_signal(vector->eventfd);
}

static irqreturn_t message_interrupt(int irq, void *data)
{
	struct il_vector *vector = data;

	spin_lock(&vector->lock);
	signal_vector(vector);
	spin_unlock(&vector->lock);
	return IRQ_HANDLED;
}

/* The line may be shared: it is ours only if the device says so (PCI 6.2.3) */
static irqreturn_t pin_interrupt(int irq, void *data)
{
	struct il_lent *lent = data;
	struct il_intx *intx = &lent->intx;
	irqreturn_t ret = IRQ_NONE;

	spin_lock(&lent->pin.lock);
	if (intx->on && (!intx->can_mask || pci_check_and_mask_intx(lent->pdev))) {
		if (!intx->can_mask)
			disable_irq_nosync(irq);
		intx->on = false;
		intx->masked = true;
		signal_vector(&lent->pin);
		ret = IRQ_HANDLED;
	}
	spin_unlock(&lent->pin.lock);
	return ret;
}

/* The pin as it has to be; its lock is held */
static void set_pin(struct il_lent *lent)
{
	struct il_intx *intx = &lent->intx;
	bool on = intx->active && !intx->masked && !intx->off && !intx->paused;

	if (on == intx->on)
		return;
	intx->on = on;
	if (intx->can_mask)
		pci_intx(lent->pdev, on);
	else if (on)
		enable_irq(lent->pin.irq);
	else
		disable_irq_nosync(lent->pin.irq);
}

/* Still active: it interrupts again, and stays masked */
static void unmask_work(struct work_struct *work)
{
	struct il_lent *lent = container_of(work, struct il_lent, intx.work);
	struct il_intx *intx = &lent->intx;
	unsigned long flags;

	spin_lock_irqsave(&lent->pin.lock, flags);
	if (intx->masked && intx->active) {
		if (intx->can_mask && !intx->off && !intx->paused &&
		    !pci_check_and_unmask_intx(lent->pdev)) {
			signal_vector(&lent->pin);
		} else {
			intx->masked = false;
			if (intx->can_mask && !intx->off && !intx->paused)
				intx->on = true;
			set_pin(lent);
		}
	}
	spin_unlock_irqrestore(&lent->pin.lock, flags);
}

/* Under the eventfd's lock */
static int resampled(wait_queue_entry_t *wait, unsigned int mode, int sync,
		     void *key)
{
	struct il_intx *intx = container_of(wait, struct il_intx, wait);
	u64 count;

	if (key_to_poll(key) & EPOLLIN) {
		eventfd_ctx_do_read(intx->resample, &count);
		schedule_work(&intx->work);
	}
	return 0;
}

static void queue_wait(struct file *file, wait_queue_head_t *head,
		       poll_table *table)
{
	add_wait_queue(head, &container_of(table, struct il_intx, table)->wait);
}

static void stop_resample(struct il_lent *lent)
{
	struct il_intx *intx = &lent->intx;
	u64 count;

	if (!intx->resample)
		return;
	eventfd_ctx_remove_wait_queue(intx->resample, &intx->wait, &count);
	cancel_work_sync(&intx->work);
	eventfd_ctx_put(intx->resample);
	intx->resample = NULL;
}

/* @file is an eventfd */
static int start_resample(struct il_lent *lent, struct file *file)
{
	struct il_intx *intx = &lent->intx;
	struct eventfd_ctx *ctx = eventfd_ctx_fileget(file);

	if (IS_ERR(ctx))
		return PTR_ERR(ctx);
	intx->resample = ctx;
	init_waitqueue_func_entry(&intx->wait, resampled);
	init_poll_funcptr(&intx->table, queue_wait);
	/* What was signalled before we listened */
	if (vfs_poll(file, &intx->table) & EPOLLIN)
		schedule_work(&intx->work);
	return 0;
}

static void put_eventfd(struct eventfd_ctx *ctx)
{
	if (ctx)
		eventfd_ctx_put(ctx);
}

/* An interrupt goes to the old one or to the new one */
static void replace_eventfd(struct il_vector *vector, struct eventfd_ctx **ctx)
{
	spin_lock_irq(&vector->lock);
	swap(vector->eventfd, *ctx);
	spin_unlock_irq(&vector->lock);
}

static void stop_pin(struct il_lent *lent)
{
	struct eventfd_ctx *none = NULL;

	stop_resample(lent);
	spin_lock_irq(&lent->pin.lock);
	lent->intx.active = false;
	set_pin(lent);
	spin_unlock_irq(&lent->pin.lock);
	free_irq(lent->pin.irq, lent);
	lent->intx.masked = false;
	replace_eventfd(&lent->pin, &none);
	put_eventfd(none);
}

static void free_messages(struct il_lent *lent, unsigned int requested)
{
	unsigned int i;

	for (i = 0; i < requested; i++)
		free_irq(lent->vectors[i].irq, lent->vectors + i);
	for (i = 0; i < lent->nr_vectors; i++)
		put_eventfd(lent->vectors[i].eventfd);
	pci_free_irq_vectors(lent->pdev);
	/* The PCI core gives the pin back its voice: nobody would listen */
	pci_intx(lent->pdev, 0);
	kvfree(lent->vectors);
	lent->vectors = NULL;
	lent->nr_vectors = 0;
}

static void stop_irqs(struct il_lent *lent)
{
	if (lent->type == IOMMU_LITE_IRQ_INTX)
		stop_pin(lent);
	else if (lent->type >= 0)
		free_messages(lent, lent->nr_vectors);
	lent->type = -1;
}

static int start_pin(struct il_lent *lent, struct eventfd_ctx **ctx,
		     struct file *resample)
{
	struct il_intx *intx = &lent->intx;
	int ret;

	lent->pin.irq = pci_irq_vector(lent->pdev, 0);
	ret = request_irq(lent->pin.irq, pin_interrupt, IRQF_NO_THREAD |
			  (intx->can_mask ? IRQF_SHARED : IRQF_NO_AUTOEN),
			  IL_PPT_NAME, lent);
	if (ret)
		return ret;
	replace_eventfd(&lent->pin, ctx);
	lent->type = IOMMU_LITE_IRQ_INTX;
	spin_lock_irq(&lent->pin.lock);
	intx->active = true;
	set_pin(lent);
	spin_unlock_irq(&lent->pin.lock);
	ret = start_resample(lent, resample);
	if (ret)
		stop_irqs(lent);
	return ret;
}

static int start_messages(struct il_lent *lent, int type, unsigned int count,
			  struct eventfd_ctx **ctx)
{
	unsigned int i;
	int ret;

	lent->vectors = kvcalloc(count, sizeof(*lent->vectors),
				 GFP_KERNEL_ACCOUNT);
	if (!lent->vectors)
		return -ENOMEM;
	ret = pci_alloc_irq_vectors(lent->pdev, count, count,
				    type == IOMMU_LITE_IRQ_MSI ? PCI_IRQ_MSI :
								 PCI_IRQ_MSIX);
	if (ret < 0) {
		kvfree(lent->vectors);
		lent->vectors = NULL;
		return ret;
	}
	for (i = 0; i < count; i++) {
		struct il_vector *vector = lent->vectors + i;

		spin_lock_init(&vector->lock);
		swap(vector->eventfd, ctx[i]);
		vector->irq = pci_irq_vector(lent->pdev, i);
	}
	lent->nr_vectors = count;
	for (i = 0; i < count; i++) {
		ret = request_irq(lent->vectors[i].irq, message_interrupt,
				  IRQF_NO_THREAD, IL_PPT_NAME,
				  lent->vectors + i);
		if (ret) {
			free_messages(lent, i);
			return ret;
		}
	}
	lent->type = type;
	return 0;
}

static unsigned int nr_messages(struct il_lent *lent, int type)
{
	struct pci_dev *pdev = lent->pdev;
	int count;

	if (type == IOMMU_LITE_IRQ_MSIX)
		count = pdev->msix_cap ? pci_msix_vec_count(pdev) : 0;
	else
		count = pdev->msi_cap ? pci_msi_vec_count(pdev) : 0;
	/* Without an entry for each, Linux has vectors for one (x86) */
	if (type == IOMMU_LITE_IRQ_MSI && !lent->remapped)
		count = min(count, 1);
	return max(count, 0);
}

/* Without the means to mask it at the device the line must be ours alone */
static bool can_use_pin(struct il_lent *lent)
{
	struct pci_dev *pdev = lent->pdev;
	int irq;

	if (!pdev->pin || !pdev->irq || pdev->irq == IRQ_NOTCONNECTED)
		return false;
	if (lent->intx.can_mask || lent->type == IOMMU_LITE_IRQ_INTX)
		return true;
	irq = pci_irq_vector(pdev, 0);
	if (lent->type >= 0 || irq < 0 ||
	    request_irq(irq, pin_interrupt, IRQF_NO_AUTOEN, IL_PPT_NAME, lent))
		return false;
	free_irq(irq, lent);
	return true;
}

/**
 * il_lent_get_irq_info() - IOMMU_LITE_GET_IRQ_INFO
 * @object: of a device fd
 * @arg: .irq_info
 *
 * Return: 0; -EPERM where the device is not bound to this driver; -ENODEV.
 */
int il_lent_get_irq_info(struct il_object *object, union il_arg *arg)
{
	struct il_lent *lent = il_lent_of(object);
	struct iommu_lite_irq_info *info = &arg->irq_info;
	int ret = -ENODEV;

	if (IS_ERR(lent))
		return PTR_ERR(lent);
	mutex_lock(&lent->lock);
	if (lent->live) {
		info->intx = can_use_pin(lent);
		info->msi = nr_messages(lent, IOMMU_LITE_IRQ_MSI);
		info->msix = nr_messages(lent, IOMMU_LITE_IRQ_MSIX);
		ret = 0;
	}
	mutex_unlock(&lent->lock);
	if (!ret && info->msix) {
		info->msix_table_bar = lent->table.bar;
		info->msix_table_offset = lent->table.offset;
		info->msix_pba_bar = lent->pba.bar;
		info->msix_pba_offset = lent->pba.offset;
	}
	return ret;
}

static int replace_all(struct il_lent *lent, unsigned int count,
		       struct eventfd_ctx **ctx, struct file *resample)
{
	unsigned int i;

	if (lent->type == IOMMU_LITE_IRQ_INTX) {
		replace_eventfd(&lent->pin, ctx);
		stop_resample(lent);
		return start_resample(lent, resample);
	}
	for (i = 0; i < count; i++)
		replace_eventfd(lent->vectors + i, ctx + i);
	return 0;
}

/* Takes eventfds out of @ctx, and leaves what is no longer needed there */
static int set_irqs(struct il_lent *lent, const struct iommu_lite_irqs *irqs,
		    struct eventfd_ctx **ctx, struct file *resample)
{
	int type = irqs->type;

	if (!lent->live)
		return -ENODEV;
	if (!irqs->count) {
		if (lent->type == type)
			stop_irqs(lent);
		return 0;
	}
	if (lent->type >= 0 && lent->type != type)
		return -EBUSY;
	if (irqs->count > (type == IOMMU_LITE_IRQ_INTX ? can_use_pin(lent) :
							 nr_messages(lent, type)))
		return -EINVAL;
	if (lent->type == type &&
	    (type == IOMMU_LITE_IRQ_INTX || irqs->count == lent->nr_vectors))
		return replace_all(lent, irqs->count, ctx, resample);
	stop_irqs(lent);
	if (type == IOMMU_LITE_IRQ_INTX)
		return start_pin(lent, ctx, resample);
	return start_messages(lent, type, irqs->count, ctx);
}

static int get_eventfds(const struct iommu_lite_irqs *irqs,
			struct eventfd_ctx **ctx)
{
	s32 __user *fds = u64_to_user_ptr(irqs->fds);
	unsigned int i;
	s32 fd;

	for (i = 0; i < irqs->count; i++) {
		if (get_user(fd, fds + i))
			return -EFAULT;
		if (fd < -1)
			return -EINVAL;
		if (fd == -1)
			continue;
		ctx[i] = eventfd_ctx_fdget(fd);
		if (IS_ERR(ctx[i])) {
			int ret = PTR_ERR(ctx[i]);

			ctx[i] = NULL;
			return ret;
		}
	}
	return 0;
}

/* A file that is an eventfd; a reference */
static struct file *get_resample(int fd)
{
	struct eventfd_ctx *ctx;
	struct file *file;

	file = fget(fd);
	if (!file)
		return ERR_PTR(-EBADF);
	ctx = eventfd_ctx_fileget(file);
	if (IS_ERR(ctx)) {
		fput(file);
		return ERR_CAST(ctx);
	}
	eventfd_ctx_put(ctx);
	return file;
}

static bool irqs_are_sane(const struct iommu_lite_irqs *irqs)
{
	bool pin = irqs->type == IOMMU_LITE_IRQ_INTX && irqs->count;

	return !irqs->flags && irqs->type <= IOMMU_LITE_IRQ_MSIX &&
	       irqs->count <= IOMMU_LITE_MAX_IRQS &&
	       (pin ? irqs->resample_fd >= 0 : irqs->resample_fd == -1);
}

/**
 * il_lent_set_irqs() - IOMMU_LITE_SET_IRQS
 * @object: of a device fd
 * @arg: .irqs
 *
 * May sleep.
 *
 * Return: 0; -EPERM where the device is not bound to this driver; -ENODEV;
 * -EINVAL for more than there are; -EBUSY while another type is in use, or for
 * a pin that is shared and cannot be masked; -EBADF; -EFAULT; -ENOSPC where no
 * vector is left; -ENOMEM. Interrupts of the type are off then where the count
 * has changed, as they were otherwise.
 */
int il_lent_set_irqs(struct il_object *object, union il_arg *arg)
{
	struct il_lent *lent = il_lent_of(object);
	const struct iommu_lite_irqs *irqs = &arg->irqs;
	struct file *resample = NULL;
	struct eventfd_ctx **ctx;
	unsigned int i;
	int ret;

	if (IS_ERR(lent))
		return PTR_ERR(lent);
	if (!irqs_are_sane(irqs))
		return -EINVAL;
	ctx = kvcalloc(max(irqs->count, 1u), sizeof(*ctx), GFP_KERNEL_ACCOUNT);
	if (!ctx)
		return -ENOMEM;
	ret = get_eventfds(irqs, ctx);
	if (!ret && irqs->resample_fd >= 0) {
		resample = get_resample(irqs->resample_fd);
		if (IS_ERR(resample)) {
			ret = PTR_ERR(resample);
			resample = NULL;
		}
	}
	if (!ret) {
		mutex_lock(&lent->lock);
		ret = set_irqs(lent, irqs, ctx, resample);
		mutex_unlock(&lent->lock);
	}
	if (resample)
		fput(resample);
	for (i = 0; i < irqs->count; i++)
		put_eventfd(ctx[i]);
	kvfree(ctx);
	return ret;
}

/**
 * il_lent_intx_disable() - the holder's Interrupt Disable bit
 * @lent: lent->lock is held
 * @off: the bit
 */
void il_lent_intx_disable(struct il_lent *lent, bool off)
{
	spin_lock_irq(&lent->pin.lock);
	lent->intx.off = off;
	set_pin(lent);
	spin_unlock_irq(&lent->pin.lock);
}

/**
 * il_lent_intx_disabled() - what the holder has made of that bit
 * @lent: lent->lock is held
 *
 * Return: the bit.
 */
bool il_lent_intx_disabled(struct il_lent *lent)
{
	return lent->intx.off;
}

/**
 * il_lent_intx_pause() - no interrupts by the pin while a device is reset
 * @lent: lent->lock is held
 * @paused: true before, false afterwards
 */
void il_lent_intx_pause(struct il_lent *lent, bool paused)
{
	spin_lock_irq(&lent->pin.lock);
	lent->intx.paused = paused;
	set_pin(lent);
	spin_unlock_irq(&lent->pin.lock);
}

/**
 * il_lent_bus_master() - let a device do DMA, or not
 * @lent: lent->lock is held
 * @on: let it
 *
 * The command register is also the interrupt handler's.
 */
void il_lent_bus_master(struct il_lent *lent, bool on)
{
	spin_lock_irq(&lent->pin.lock);
	if (on)
		pci_set_master(lent->pdev);
	else
		pci_clear_master(lent->pdev);
	spin_unlock_irq(&lent->pin.lock);
}

/**
 * il_lent_open_irqs() - nothing interrupts yet
 * @lent: enabled
 */
void il_lent_open_irqs(struct il_lent *lent)
{
	lent->type = -1;
	spin_lock_init(&lent->pin.lock);
	INIT_WORK(&lent->intx.work, unmask_work);
	lent->intx.can_mask = pci_intx_mask_supported(lent->pdev);
	pci_intx(lent->pdev, 0);
}

/**
 * il_lent_close_irqs() - nothing interrupts any more
 * @lent: lent->lock is held
 *
 * May sleep.
 */
void il_lent_close_irqs(struct il_lent *lent)
{
	stop_irqs(lent);
}
