// SPDX-License-Identifier: GPL-2.0-only
/*
 * VM_IRQFD: interrupts by eventfd, sent from the eventfd's wake-up, without a
 * thread between.
 *
 * An irqfd holds its eventfd's context, not its file: when the last descriptor
 * is closed, the wake-up says so (EPOLLHUP) and a work item removes the irqfd.
 */
#include <linux/bitops.h>
#include <linux/eventfd.h>
#include <linux/file.h>
#include <linux/poll.h>
#include <linux/rculist.h>
#include <linux/slab.h>

#include "compat.h"
#include "vmx-lite.h"

/**
 * struct vl_irqfd - one eventfd that interrupts
 * @list: in vl_irqfds.list
 * @vm: VM; (r)
 * @eventfd: that triggers; (r)
 * @resample: to signal on EOI, or NULL; (r)
 * @msi: what to send unless @pin; (r)
 * @pin: @gsi, not @msi, is what to raise; (r)
 * @gsi: IOAPIC pin; (r)
 * @hup: @eventfd was closed; set under its lock
 * @wait: in @eventfd's wait queue
 * @poll: puts @wait there
 */
struct vl_irqfd {
	struct list_head list;
	struct vl_vm *vm;
	struct eventfd_ctx *eventfd;
	struct eventfd_ctx *resample;
	struct vmx_lite_msi msi;
	bool pin;
	u32 gsi;
	bool hup;
	wait_queue_entry_t wait;
	poll_table poll;
};

static void irqfd_send(struct vl_irqfd *irqfd)
{
	if (!irqfd->pin) {
		vl_irq_msi(irqfd->vm, &irqfd->msi);
	} else if (irqfd->resample) {
		vl_ioapic_set_line(irqfd->vm, irqfd->gsi, VL_IOAPIC_RESAMPLE, 1);
	} else {
		vl_ioapic_set_line(irqfd->vm, irqfd->gsi, VL_IOAPIC_IRQFD, 1);
		vl_ioapic_set_line(irqfd->vm, irqfd->gsi, VL_IOAPIC_IRQFD, 0);
	}
}

/* Called with the eventfd's lock held and interrupts off. */
static int irqfd_wakeup(wait_queue_entry_t *wait, unsigned int mode, int sync, void *key)
{
	struct vl_irqfd *irqfd = container_of(wait, struct vl_irqfd, wait);
	__poll_t events = key_to_poll(key);
	u64 count;

	if (events & EPOLLIN) {
		eventfd_ctx_do_read(irqfd->eventfd, &count);
		irqfd_send(irqfd);
	}
	if (events & EPOLLHUP) {
		WRITE_ONCE(irqfd->hup, true);
		schedule_work(&irqfd->vm->irqfds.hup);
	}
	return 0;
}

static void irqfd_queue(struct file *file, wait_queue_head_t *head, poll_table *poll)
{
	struct vl_irqfd *irqfd = container_of(poll, struct vl_irqfd, poll);

	add_wait_queue(head, &irqfd->wait);
}

static struct vl_irqfd *irqfd_find(struct vl_vm *vm, const struct eventfd_ctx *eventfd)
{
	struct vl_irqfd *irqfd;

	list_for_each_entry(irqfd, &vm->irqfds.list, list) {
		if (irqfd->eventfd == eventfd)
			return irqfd;
	}
	return NULL;
}

static bool gsi_resampled(struct vl_vm *vm, u32 gsi)
{
	struct vl_irqfd *irqfd;

	list_for_each_entry(irqfd, &vm->irqfds.list, list) {
		if (irqfd->resample && irqfd->gsi == gsi)
			return true;
	}
	return false;
}

/* Under vm->irqfds.lock.  Afterwards the irqfd sends nothing any more. */
static void irqfd_remove(struct vl_irqfd *irqfd)
{
	struct vl_vm *vm = irqfd->vm;
	u64 count;

	eventfd_ctx_remove_wait_queue(irqfd->eventfd, &irqfd->wait, &count);
	list_del_rcu(&irqfd->list);
	if (irqfd->resample) {
		/* vl_irqfd_resample() may be looking at it. */
		synchronize_rcu_expedited();
		if (!gsi_resampled(vm, irqfd->gsi))
			vl_ioapic_set_line(vm, irqfd->gsi, VL_IOAPIC_RESAMPLE, 0);
		eventfd_ctx_put(irqfd->resample);
	}
	eventfd_ctx_put(irqfd->eventfd);
	kfree(irqfd);
}

static void irqfd_hup(struct work_struct *work)
{
	struct vl_irqfds *irqfds = container_of(work, struct vl_irqfds, hup);
	struct vl_irqfd *irqfd, *next;

	mutex_lock(&irqfds->lock);
	list_for_each_entry_safe(irqfd, next, &irqfds->list, list) {
		if (READ_ONCE(irqfd->hup))
			irqfd_remove(irqfd);
	}
	mutex_unlock(&irqfds->lock);
}

static int irqfd_assign(struct vl_vm *vm, struct file *file, const struct vmx_lite_irqfd *args)
{
	struct vl_irqfd *irqfd, *old;
	int ret;

	irqfd = kzalloc(sizeof(*irqfd), GFP_KERNEL_ACCOUNT);
	if (!irqfd)
		return -ENOMEM;
	irqfd->vm = vm;
	irqfd->msi = args->msi;
	irqfd->pin = !(args->flags & VMX_LITE_IRQFD_MSI);
	irqfd->gsi = args->gsi;
	irqfd->eventfd = eventfd_ctx_fileget(file);
	if (IS_ERR(irqfd->eventfd)) {
		ret = PTR_ERR(irqfd->eventfd);
		goto free;
	}
	if (args->flags & VMX_LITE_IRQFD_RESAMPLE) {
		irqfd->resample = eventfd_ctx_fdget(args->resample_fd);
		if (IS_ERR(irqfd->resample)) {
			ret = PTR_ERR(irqfd->resample);
			goto put;
		}
	}
	init_waitqueue_func_entry(&irqfd->wait, irqfd_wakeup);
	init_poll_funcptr(&irqfd->poll, irqfd_queue);

	mutex_lock(&vm->irqfds.lock);
	old = irqfd_find(vm, irqfd->eventfd);
	list_add_tail_rcu(&irqfd->list, &vm->irqfds.list);
	/* The new one first, so that no signal falls between; at worst both send it. */
	if (vfs_poll(file, &irqfd->poll) & EPOLLIN)
		irqfd_send(irqfd);
	if (old)
		irqfd_remove(old);
	mutex_unlock(&vm->irqfds.lock);
	return 0;

put:
	eventfd_ctx_put(irqfd->eventfd);
free:
	kfree(irqfd);
	return ret;
}

static int irqfd_deassign(struct vl_vm *vm, struct file *file)
{
	struct eventfd_ctx *eventfd = eventfd_ctx_fileget(file);
	struct vl_irqfd *irqfd;

	if (IS_ERR(eventfd))
		return PTR_ERR(eventfd);
	mutex_lock(&vm->irqfds.lock);
	irqfd = irqfd_find(vm, eventfd);
	if (irqfd)
		irqfd_remove(irqfd);
	mutex_unlock(&vm->irqfds.lock);
	eventfd_ctx_put(eventfd);
	return irqfd ? 0 : -ENOENT;
}

/* What @args may hold; SET only: DEASSIGN looks at nothing but the eventfd. */
static bool irqfd_valid(const struct vmx_lite_irqfd *args)
{
	static const struct vmx_lite_msi none;
	bool msi = args->flags & VMX_LITE_IRQFD_MSI;
	bool resample = args->flags & VMX_LITE_IRQFD_RESAMPLE;

	if (msi && (resample || args->gsi))
		return false;
	if (!resample && args->resample_fd)
		return false;
	if (msi)
		return !args->msi.pad && vl_irq_msi_valid(&args->msi);
	return args->gsi < VMX_LITE_IOAPIC_PINS && !memcmp(&args->msi, &none, sizeof(none));
}

/**
 * vl_irqfd_ioctl() - VM_IRQFD
 * @vm: VM
 * @args: of the ioctl, copied in
 * Context: process; may sleep.
 * Return: 0; -EINVAL for bad arguments or a descriptor that is no eventfd, -EBADF
 *	for none at all, -ENOENT for DEASSIGN of one not assigned, -ENOMEM.
 */
int vl_irqfd_ioctl(struct vl_vm *vm, const struct vmx_lite_irqfd *args)
{
	const u32 known = VMX_LITE_IRQFD_DEASSIGN | VMX_LITE_IRQFD_MSI | VMX_LITE_IRQFD_RESAMPLE;
	bool deassign = args->flags & VMX_LITE_IRQFD_DEASSIGN;
	struct file *file;
	int ret;

	if ((args->flags & ~known) || (!deassign && !irqfd_valid(args)))
		return -EINVAL;
	file = eventfd_fget(args->fd);
	if (IS_ERR(file))
		return PTR_ERR(file);
	ret = deassign ? irqfd_deassign(vm, file) : irqfd_assign(vm, file, args);
	fput(file);
	return ret;
}

/**
 * vl_irqfd_resample() - a pin's interrupt has ended: ask the devices again
 * @vm: VM
 * @gsi: IOAPIC pin, 0 to 23
 *
 * Releases the line for all irqfds with resample on this pin, then signals
 * their resample eventfds; a device that still needs service signals again.
 * Context: any in which an eventfd may be signalled, without vm->ioapic.lock.
 */
void vl_irqfd_resample(struct vl_vm *vm, u32 gsi)
{
	struct vl_irqfd *irqfd;
	bool released = false;

	rcu_read_lock();
	list_for_each_entry_rcu(irqfd, &vm->irqfds.list, list) {
		if (!irqfd->resample || irqfd->gsi != gsi)
			continue;
		if (!released)
			vl_ioapic_set_line(vm, gsi, VL_IOAPIC_RESAMPLE, 0);
		released = true;
		vl_eventfd_signal(irqfd->resample);
	}
	rcu_read_unlock();
}

/**
 * vl_irqfd_init() - prepare a new VM for irqfds
 * @vm: VM
 */
void vl_irqfd_init(struct vl_vm *vm)
{
	mutex_init(&vm->irqfds.lock);
	INIT_LIST_HEAD(&vm->irqfds.list);
	INIT_WORK(&vm->irqfds.hup, irqfd_hup);
}

/**
 * vl_irqfd_destroy() - remove a VM's irqfds; none sends anything any more
 * @vm: VM that no ioctl and no vCPU uses any more
 * Context: may sleep.
 */
void vl_irqfd_destroy(struct vl_vm *vm)
{
	struct vl_irqfd *irqfd, *next;

	mutex_lock(&vm->irqfds.lock);
	list_for_each_entry_safe(irqfd, next, &vm->irqfds.list, list)
		irqfd_remove(irqfd);
	mutex_unlock(&vm->irqfds.lock);
	/* Nothing is left that could queue it again. */
	cancel_work_sync(&vm->irqfds.hup);
}
