// SPDX-License-Identifier: GPL-2.0-only
/*
 * Device fds: a device taken from the kernel through the core's ownership,
 * attached to domains, and its faults.
 *
 * What the core hands out is a group; devices of one group opened through one
 * /dev/iommu-lite file share its claim, and are attached to one domain.
 *
 * A device that is bound to our driver is lent besides: what that gives is in
 * ppt*.c. The device's own lock, which the driver core holds around probe and
 * remove, is taken before claims_lock around opening and closing.
 */
#include <linux/eventfd.h>
#include <linux/file.h>
#include <linux/pci.h>
#include <linux/poll.h>
#include <linux/slab.h>
#include <linux/timekeeping.h>
#include <linux/uaccess.h>

#include "iommu-lite.h"
#include "uapi.h"

#define FAULT_RING	64u

/* Guards all claims and what devices are attached to */
static DEFINE_MUTEX(claims_lock);
static LIST_HEAD(claims);

/**
 * struct il_claim - a group that a /dev/iommu-lite file owns; claims_lock
 * @link: in claims
 * @context: the owner
 * @group: the group; a reference
 * @devices: struct il_devfd of devices that are present
 * @domain_file: the domain's file; a reference; NULL: no device is attached
 * @attached: devices attached
 */
struct il_claim {
	struct list_head link;
	struct il_context *context;
	struct iommu_group *group;
	struct list_head devices;
	struct file *domain_file;
	unsigned int attached;
};

/**
 * struct il_devfd - a device fd
 * @object: ioctl lock
 * @context: the node's file it came from (r)
 * @link: in claim->devices (claims_lock)
 * @claim: NULL once the device is gone (claims_lock)
 * @pdev: the device; a reference (r)
 * @lent: what it gives as a device of our driver, or NULL (r)
 * @unit: index of its unit (r)
 * @attached: counted in claim->attached (claims_lock)
 * @fault_lock: guards what follows
 * @ring: faults not yet read, @head to @tail modulo FAULT_RING
 * @head: next to read
 * @tail: next to write
 * @lost: faults that found the ring full
 * @faults: faults in all
 * @eventfd: to be signalled, or NULL
 * @wait: readers and pollers
 */
struct il_devfd {
	struct il_object object;
	struct il_context *context;
	struct list_head link;
	struct il_claim *claim;
	struct pci_dev *pdev;
	struct il_lent *lent;
	unsigned int unit;
	bool attached;
	spinlock_t fault_lock;	/* guards what follows */
	struct iommu_lite_fault ring[FAULT_RING];
	unsigned int head;
	unsigned int tail;
	u64 lost;
	u64 faults;
	struct eventfd_ctx *eventfd;
	wait_queue_head_t wait;
};

/**
 * il_uapi_fault() - tell a device fd of a fault record
 * @fd: the listener
 * @sid: requester id
 * @address: IOVA
 * @read: the device wanted to read
 * @reason: as hardware gives it
 *
 * From the fault interrupt, under RCU.
 */
void il_uapi_fault(struct il_devfd *fd, u16 sid, u64 address, bool read,
		   unsigned int reason)
{
	struct iommu_lite_fault *fault;
	unsigned long flags;

	spin_lock_irqsave(&fd->fault_lock, flags);
	fd->faults++;
	if (fd->tail - fd->head == FAULT_RING) {
		fd->lost++;
	} else {
		fault = fd->ring + fd->tail++ % FAULT_RING;
		*fault = (struct iommu_lite_fault){
			.address = address,
			.time_ns = ktime_get_mono_fast_ns(),
			.reason = reason,
			.flags = read ? IOMMU_LITE_FAULT_READ : 0,
			.requester = sid,
		};
	}
	if (fd->eventfd)
		il_eventfd_signal(fd->eventfd);
	spin_unlock_irqrestore(&fd->fault_lock, flags);
	wake_up_interruptible_poll(&fd->wait, EPOLLIN);
}

/* Faults of the device go to @fd from now on, or to nobody */
static void listen(struct pci_dev *pdev, struct il_devfd *fd)
{
	struct il_device *device;

	mutex_lock(&il_device_lock);
	device = il_device_of(pdev);
	if (device)
		rcu_assign_pointer(device->listener, fd);
	mutex_unlock(&il_device_lock);
	if (!fd)
		synchronize_rcu();
}

static void detach_locked(struct il_devfd *fd)
{
	struct il_claim *claim = fd->claim;

	if (!fd->attached)
		return;
	fd->attached = false;
	if (fd->lent)
		il_lent_set_attached(fd->lent, false);
	if (--claim->attached)
		return;
	iommu_detach_group(&il_domain_of_file(claim->domain_file,
					      claim->context)->domain,
			   claim->group);
	fput(claim->domain_file);
	claim->domain_file = NULL;
}

/*
 * The device leaves its claim, the last one gives the group back. The core
 * then lets its DMA through again where that is the default: it has to be
 * quiet by then.
 */
static void unclaim_locked(struct il_devfd *fd)
{
	struct il_claim *claim = fd->claim;

	if (!claim)
		return;
	if (pci_device_is_present(fd->pdev)) {
		pci_clear_master(fd->pdev);
		pci_wait_for_pending_transaction(fd->pdev);
	}
	detach_locked(fd);
	list_del(&fd->link);
	fd->claim = NULL;
	if (!list_empty(&claim->devices))
		return;
	iommu_group_release_dma_owner(claim->group);
	iommu_group_put(claim->group);
	list_del(&claim->link);
	kfree(claim);
}

static struct il_devfd *find_devfd(struct pci_dev *pdev)
{
	struct il_claim *claim;
	struct il_devfd *fd;

	list_for_each_entry(claim, &claims, link)
		list_for_each_entry(fd, &claim->devices, link)
			if (fd->pdev == pdev)
				return fd;
	return NULL;
}

/**
 * il_uapi_device_gone() - a device is being removed from the machine
 * @pdev: any function
 *
 * The core wants a group released before its last device goes. May sleep.
 */
void il_uapi_device_gone(struct pci_dev *pdev)
{
	struct il_device *device;
	struct il_devfd *fd;

	mutex_lock(&claims_lock);
	mutex_lock(&il_device_lock);
	device = il_device_of(pdev);
	if (device)
		device->going = true;
	mutex_unlock(&il_device_lock);
	fd = find_devfd(pdev);
	if (fd) {
		listen(pdev, NULL);
		unclaim_locked(fd);
		wake_up_interruptible_poll(&fd->wait, EPOLLHUP);
	}
	mutex_unlock(&claims_lock);
}

/**
 * il_uapi_driver_gone() - our driver leaves a device, open or not
 * @pdev: its lock is held
 *
 * On return nobody reaches the device any more. May sleep.
 */
void il_uapi_driver_gone(struct pci_dev *pdev)
{
	struct il_devfd *fd;

	mutex_lock(&claims_lock);
	fd = find_devfd(pdev);
	mutex_unlock(&claims_lock);
	/* Closing it needs the device's lock: it cannot go meanwhile */
	if (!fd || !fd->lent)
		return;
	il_lent_close(fd->lent);
	mutex_lock(&claims_lock);
	listen(pdev, NULL);
	unclaim_locked(fd);
	wake_up_interruptible_poll(&fd->wait, EPOLLHUP);
	mutex_unlock(&claims_lock);
}

/**
 * il_lent_of() - the lent device behind an ioctl
 * @object: of a device fd
 *
 * Return: it, or -EPERM where the device is not bound to our driver.
 */
struct il_lent *il_lent_of(struct il_object *object)
{
	struct il_devfd *fd = container_of(object, struct il_devfd, object);

	return fd->lent ?: ERR_PTR(-EPERM);
}

static int attach(struct il_object *object, union il_arg *arg)
{
	struct il_devfd *fd = container_of(object, struct il_devfd, object);
	struct dmar_domain *domain;
	struct il_claim *claim;
	struct file *file;
	int ret = 0;

	if (arg->attach.flags)
		return -EINVAL;
	file = fget(arg->attach.domain_fd);
	if (!file)
		return -EBADF;
	domain = il_domain_of_file(file, fd->context);
	if (!domain) {
		fput(file);
		return -EINVAL;
	}
	mutex_lock(&claims_lock);
	claim = fd->claim;
	if (!claim)
		ret = -ENODEV;
	else if (fd->attached ||
		 (claim->attached && claim->domain_file != file))
		ret = -EBUSY;
	else if (!claim->attached)
		ret = iommu_attach_group(&domain->domain, claim->group);
	if (!ret) {
		if (!claim->attached++)
			claim->domain_file = get_file(file);
		fd->attached = true;
		if (fd->lent)
			il_lent_set_attached(fd->lent, true);
	}
	mutex_unlock(&claims_lock);
	fput(file);
	return ret;
}

static int detach(struct il_object *object, union il_arg *arg)
{
	struct il_devfd *fd = container_of(object, struct il_devfd, object);
	int ret = 0;

	mutex_lock(&claims_lock);
	if (!fd->claim)
		ret = -ENODEV;
	else if (!fd->attached)
		ret = -EINVAL;
	else
		detach_locked(fd);
	mutex_unlock(&claims_lock);
	return ret;
}

static u32 region_type(enum iommu_resv_type type)
{
	switch (type) {
	case IOMMU_RESV_DIRECT:
		return IOMMU_LITE_REGION_DIRECT;
	case IOMMU_RESV_DIRECT_RELAXABLE:
		return IOMMU_LITE_REGION_RELAXABLE;
	case IOMMU_RESV_MSI:
		return IOMMU_LITE_REGION_MSI;
	default:
		return IOMMU_LITE_REGION_RESERVED;
	}
}

static int copy_regions(struct iommu_lite_regions *arg, struct list_head *list)
{
	struct iommu_lite_region __user *user = u64_to_user_ptr(arg->regions);
	struct iommu_resv_region *region;
	u32 room = arg->count;

	arg->count = 0;
	list_for_each_entry(region, list, list) {
		struct iommu_lite_region copy = {
			.first = region->start,
			.last = region->start + region->length - 1,
			.type = region_type(region->type),
		};

		if (arg->count < room &&
		    copy_to_user(user + arg->count, &copy, sizeof(copy)))
			return -EFAULT;
		arg->count++;
	}
	return arg->count > room ? -E2BIG : 0;
}

static int get_regions(struct il_object *object, union il_arg *arg)
{
	struct il_devfd *fd = container_of(object, struct il_devfd, object);
	struct iommu_resv_region *region, *next;
	LIST_HEAD(list);
	int ret;

	if (arg->regions.pad || arg->regions.count > IOMMU_LITE_MAX_REGIONS)
		return -EINVAL;
	mutex_lock(&claims_lock);
	ret = fd->claim ? iommu_get_group_resv_regions(fd->claim->group,
						       &list) : -ENODEV;
	mutex_unlock(&claims_lock);
	if (!ret)
		ret = copy_regions(&arg->regions, &list);
	list_for_each_entry_safe(region, next, &list, list)
		kfree(region);
	return ret;
}

static int set_fault_eventfd(struct il_object *object, union il_arg *arg)
{
	struct il_devfd *fd = container_of(object, struct il_devfd, object);
	struct eventfd_ctx *ctx = NULL;

	if (arg->fault_eventfd.flags || arg->fault_eventfd.fd < -1)
		return -EINVAL;
	if (arg->fault_eventfd.fd >= 0) {
		ctx = eventfd_ctx_fdget(arg->fault_eventfd.fd);
		if (IS_ERR(ctx))
			return PTR_ERR(ctx);
	}
	spin_lock_irq(&fd->fault_lock);
	swap(fd->eventfd, ctx);
	spin_unlock_irq(&fd->fault_lock);
	if (ctx)
		eventfd_ctx_put(ctx);
	return 0;
}

static int count_device(struct device *dev, void *count)
{
	++*(u32 *)count;
	return 0;
}

static int device_info(struct il_object *object, union il_arg *arg)
{
	struct il_devfd *fd = container_of(object, struct il_devfd, object);
	struct iommu_lite_device_info *info = &arg->device_info;

	mutex_lock(&claims_lock);
	if (fd->claim) {
		info->group = iommu_group_id(fd->claim->group);
		iommu_group_for_each_dev(fd->claim->group,
					 &info->group_devices, count_device);
		if (fd->attached)
			info->flags |= IOMMU_LITE_DEVICE_ATTACHED;
		if (fd->pdev->ats_enabled)
			info->flags |= IOMMU_LITE_DEVICE_ATS;
	} else {
		info->flags |= IOMMU_LITE_DEVICE_GONE;
	}
	mutex_unlock(&claims_lock);
	if (fd->lent)
		info->flags |= IOMMU_LITE_DEVICE_LENT;
	if (fd->lent && il_lent_remapped(fd->lent))
		info->flags |= IOMMU_LITE_DEVICE_INTR_REMAP;
	info->unit = fd->unit;
	spin_lock_irq(&fd->fault_lock);
	info->faults = fd->faults;
	info->lost = fd->lost;
	spin_unlock_irq(&fd->fault_lock);
	return 0;
}

static const struct il_ioctl device_ioctls[] = {
	{ IOMMU_LITE_ATTACH, sizeof(struct iommu_lite_attach),
	  IL_IOCTL_LOCKED, attach },
	{ IOMMU_LITE_DETACH, 0, IL_IOCTL_LOCKED, detach },
	{ IOMMU_LITE_GET_REGIONS, sizeof(struct iommu_lite_regions),
	  IL_IOCTL_LOCKED | IL_IOCTL_OUT_ON_ERROR, get_regions },
	{ IOMMU_LITE_SET_FAULT_EVENTFD,
	  sizeof(struct iommu_lite_fault_eventfd), IL_IOCTL_LOCKED,
	  set_fault_eventfd },
	{ IOMMU_LITE_DEVICE_INFO, sizeof(struct iommu_lite_device_info),
	  IL_IOCTL_LOCKED, device_info },
	{ IOMMU_LITE_GET_BAR, sizeof(struct iommu_lite_bar), 0,
	  il_lent_get_bar },
	{ IOMMU_LITE_ACCESS_BAR, sizeof(struct iommu_lite_access), 0,
	  il_lent_access_bar },
	{ IOMMU_LITE_ACCESS_CONFIG, sizeof(struct iommu_lite_access), 0,
	  il_lent_access_config },
	{ IOMMU_LITE_GET_IRQ_INFO, sizeof(struct iommu_lite_irq_info), 0,
	  il_lent_get_irq_info },
	{ IOMMU_LITE_SET_IRQS, sizeof(struct iommu_lite_irqs), 0,
	  il_lent_set_irqs },
	{ IOMMU_LITE_RESET, 0, 0, il_lent_reset },
};

static long device_ioctl(struct file *file, unsigned int cmd,
			 unsigned long arg)
{
	return il_ioctl(file, device_ioctls, ARRAY_SIZE(device_ioctls), cmd,
			arg);
}

static bool next_fault(struct il_devfd *fd, struct iommu_lite_fault *fault)
{
	bool found;

	spin_lock_irq(&fd->fault_lock);
	found = fd->head != fd->tail;
	if (found)
		*fault = fd->ring[fd->head++ % FAULT_RING];
	spin_unlock_irq(&fd->fault_lock);
	return found;
}

static bool has_fault(struct il_devfd *fd)
{
	bool found;

	spin_lock_irq(&fd->fault_lock);
	found = fd->head != fd->tail;
	spin_unlock_irq(&fd->fault_lock);
	return found;
}

static bool is_gone(struct il_devfd *fd)
{
	return !READ_ONCE(fd->claim);
}

static ssize_t device_read(struct file *file, char __user *buffer, size_t size,
			   loff_t *offset)
{
	struct il_devfd *fd = file->private_data;
	struct iommu_lite_fault fault;
	ssize_t done = 0;
	int ret;

	if (size < sizeof(fault))
		return -EINVAL;
	if (!has_fault(fd)) {
		if (is_gone(fd))
			return 0;
		if (file->f_flags & O_NONBLOCK)
			return -EAGAIN;
		ret = wait_event_interruptible(fd->wait,
					       has_fault(fd) || is_gone(fd));
		if (ret)
			return ret;
	}
	while (size - done >= sizeof(fault) && next_fault(fd, &fault)) {
		if (copy_to_user(buffer + done, &fault, sizeof(fault)))
			return done ?: -EFAULT;
		done += sizeof(fault);
	}
	return done;
}

static __poll_t device_poll(struct file *file, struct poll_table_struct *table)
{
	struct il_devfd *fd = file->private_data;

	poll_wait(file, &fd->wait, table);
	return (has_fault(fd) ? EPOLLIN | EPOLLRDNORM : 0) |
	       (is_gone(fd) ? EPOLLHUP : 0);
}

static int device_mmap(struct file *file, struct vm_area_struct *vma)
{
	struct il_devfd *fd = file->private_data;

	return fd->lent ? il_lent_mmap(fd->lent, vma) : -EPERM;
}

static void free_devfd(struct il_devfd *fd)
{
	il_lent_free(fd->lent);
	if (fd->eventfd)
		eventfd_ctx_put(fd->eventfd);
	pci_dev_put(fd->pdev);
	kfree(fd);
}

static int device_release(struct inode *inode, struct file *file)
{
	struct il_devfd *fd = file->private_data;

	device_lock(&fd->pdev->dev);
	if (fd->lent)
		il_lent_close(fd->lent);
	mutex_lock(&claims_lock);
	if (fd->claim) {
		listen(fd->pdev, NULL);
		unclaim_locked(fd);
	}
	mutex_unlock(&claims_lock);
	device_unlock(&fd->pdev->dev);
	il_context_put(fd->context);
	free_devfd(fd);
	return 0;
}

static const struct file_operations device_fops = {
	.owner		= THIS_MODULE,
	.release	= device_release,
	.unlocked_ioctl	= device_ioctl,
	.read		= device_read,
	.poll		= device_poll,
	.mmap		= device_mmap,
	.llseek		= noop_llseek,
};

/* Firmware goes on using a reserved range: the device cannot be moved */
static bool has_fixed_rmrr(struct pci_dev *pdev)
{
	struct il_region *rmrr;

	list_for_each_entry(rmrr, &il_rmrrs, list)
		if (il_entry_covers(&rmrr->entry, pdev) &&
		    !il_rmrr_relaxable(pdev))
			return true;
	return false;
}

static int has_driver(struct device *dev, void *unused)
{
	return dev->driver && !to_pci_driver(dev->driver)->driver_managed_dma;
}

static struct il_claim *find_claim(struct iommu_group *group)
{
	struct il_claim *claim;

	list_for_each_entry(claim, &claims, link)
		if (claim->group == group)
			return claim;
	return NULL;
}

/* The claim on a device's group, made if there is none */
static struct il_claim *claim_group(struct il_context *context,
				    struct pci_dev *pdev, u32 *reason)
{
	struct iommu_group *group = iommu_group_get(&pdev->dev);
	struct il_claim *claim;
	int ret;

	if (!group) {
		*reason = IOMMU_LITE_NO_UNIT;
		return ERR_PTR(-ENODEV);
	}
	claim = find_claim(group);
	if (claim) {
		iommu_group_put(group);
		if (claim->context == context)
			return claim;
		*reason = IOMMU_LITE_GROUP_BUSY;
		return ERR_PTR(-EBUSY);
	}
	claim = kzalloc(sizeof(*claim), GFP_KERNEL_ACCOUNT);
	if (!claim) {
		iommu_group_put(group);
		return ERR_PTR(-ENOMEM);
	}
	ret = iommu_group_claim_dma_owner(group, context);
	if (ret) {
		*reason = iommu_group_for_each_dev(group, NULL, has_driver) ?
			IOMMU_LITE_DRIVER_BOUND : IOMMU_LITE_GROUP_BUSY;
		kfree(claim);
		iommu_group_put(group);
		return ERR_PTR(ret == -ENOMEM ? ret : -EBUSY);
	}
	claim->context = context;
	claim->group = group;
	INIT_LIST_HEAD(&claim->devices);
	list_add_tail(&claim->link, &claims);
	return claim;
}

static int check_device(struct pci_dev *pdev, u32 *reason, unsigned int *unit)
{
	struct il_device *device;
	bool going = false;

	if (pdev->hdr_type != PCI_HEADER_TYPE_NORMAL) {
		*reason = IOMMU_LITE_BRIDGE;
		return -EINVAL;
	}
	mutex_lock(&il_device_lock);
	device = il_device_of(pdev);
	if (device) {
		*unit = device->unit->id;
		going = device->going;
	}
	mutex_unlock(&il_device_lock);
	if (!device || going) {
		*reason = going ? IOMMU_LITE_NO_DEVICE : IOMMU_LITE_NO_UNIT;
		return -ENODEV;
	}
	if (has_fixed_rmrr(pdev)) {
		*reason = IOMMU_LITE_RMRR;
		return -EPERM;
	}
	if (find_devfd(pdev)) {
		*reason = IOMMU_LITE_ALREADY_OPEN;
		return -EBUSY;
	}
	return 0;
}

/* The device becomes the claim's; its lock is held */
static int claim_device(struct il_devfd *fd, u32 *reason)
{
	struct il_claim *claim;
	int ret;

	mutex_lock(&claims_lock);
	ret = check_device(fd->pdev, reason, &fd->unit);
	if (!ret) {
		claim = claim_group(fd->context, fd->pdev, reason);
		ret = PTR_ERR_OR_ZERO(claim);
	}
	if (!ret) {
		fd->claim = claim;
		list_add_tail(&fd->link, &claim->devices);
		listen(fd->pdev, fd);
	}
	mutex_unlock(&claims_lock);
	return ret;
}

static void unclaim_device(struct il_devfd *fd)
{
	mutex_lock(&claims_lock);
	listen(fd->pdev, NULL);
	unclaim_locked(fd);
	mutex_unlock(&claims_lock);
}

/* Claimed, lent if it is our driver's, and a file; the device's lock is held */
static int open_claimed(struct il_devfd *fd, struct iommu_lite_open_device *arg)
{
	int ret;

	if (il_ppt_bound(fd->pdev)) {
		if (!(arg->flags & IOMMU_LITE_OPEN_UNSAFE_INTERRUPTS)) {
			arg->reason = IOMMU_LITE_UNSAFE_INTERRUPTS;
			return -EPERM;
		}
		fd->lent = il_lent_alloc(fd->pdev);
		if (!fd->lent)
			return -ENOMEM;
		ret = il_lent_open(fd->lent);
		if (ret)
			return ret;
	}
	ret = il_own_inode_getfd("[iommu-lite-device]", &device_fops, fd,
				 O_RDWR | O_CLOEXEC);
	if (ret < 0 && fd->lent)
		il_lent_close(fd->lent);
	return ret;
}

/**
 * il_open_device_fd() - take a device and make a file descriptor for it
 * @context: the node's file
 * @arg: which; @reason is set where it fails for one
 *
 * On return DMA of the device's whole group is blocked. A device of our driver
 * is enabled and has been reset. May sleep.
 *
 * Return: the descriptor; -ENODEV, -EINVAL, -EBUSY or -EPERM with a reason;
 * -ENOMEM; -EMFILE; what enabling or resetting the device says.
 */
int il_open_device_fd(struct il_context *context,
		      struct iommu_lite_open_device *arg)
{
	struct il_devfd *fd;
	int ret;

	fd = kzalloc(sizeof(*fd), GFP_KERNEL_ACCOUNT);
	if (!fd)
		return -ENOMEM;
	mutex_init(&fd->object.lock);
	spin_lock_init(&fd->fault_lock);
	init_waitqueue_head(&fd->wait);
	fd->context = context;
	fd->pdev = pci_get_domain_bus_and_slot(arg->segment, arg->bus,
					       arg->devfn);
	if (!fd->pdev) {
		arg->reason = IOMMU_LITE_NO_DEVICE;
		kfree(fd);
		return -ENODEV;
	}
	/* The file has it before we do: it may be closed at once */
	kref_get(&context->ref);
	device_lock(&fd->pdev->dev);
	ret = claim_device(fd, &arg->reason);
	if (!ret) {
		ret = open_claimed(fd, arg);
		if (ret < 0)
			unclaim_device(fd);
	}
	device_unlock(&fd->pdev->dev);
	if (ret < 0) {
		il_context_put(context);
		free_devfd(fd);
	}
	return ret;
}
