// SPDX-License-Identifier: GPL-2.0-only
/*
 * VM_IOEVENTFD: guest writes that only signal an eventfd, without an exit to
 * user space.  Looked up by address in a hash table under RCU.
 */
#include <linux/eventfd.h>
#include <linux/hash.h>
#include <linux/rculist.h>
#include <linux/slab.h>

#include "compat.h"
#include "vmx-lite.h"

/* All read-only once it is in the table. */
struct vl_ioeventfd {
	struct hlist_node node;
	u64 addr;
	u64 datamatch;
	u32 len;
	bool pio;
	bool match_data;
	struct eventfd_ctx *eventfd;
};

static struct hlist_head *bucket(struct vl_ioeventfds *set, u64 addr)
{
	return &set->hash[hash_64(addr, VL_IOEVENTFD_HASH_BITS)];
}

/**
 * vl_ioeventfd_signal() - signal the eventfd of a guest write, if it has one
 * @vm: VM
 * @pio: @addr is a port
 * @addr: guest-physical address or port
 * @len: bytes written: 1, 2, 4, 8
 * @data: zero-extended
 * Context: any in which an eventfd may be signalled; takes no lock of the VM's.
 * Return: was there one?  Then the write is done.
 */
bool vl_ioeventfd_signal(struct vl_vm *vm, bool pio, u64 addr, unsigned int len, u64 data)
{
	struct vl_ioeventfd *entry;
	bool found = false;

	if (!READ_ONCE(vm->ioeventfds.count))
		return false;
	rcu_read_lock();
	hlist_for_each_entry_rcu(entry, bucket(&vm->ioeventfds, addr), node) {
		if (entry->addr != addr || entry->pio != pio ||
		    (entry->len && entry->len != len) ||
		    (entry->match_data && entry->datamatch != data))
			continue;
		vl_eventfd_signal(entry->eventfd);
		found = true;
		break;
	}
	rcu_read_unlock();
	return found;
}

/* Would one write be both's? */
static bool overlap(const struct vl_ioeventfd *a, const struct vl_ioeventfd *b)
{
	return a->addr == b->addr && a->pio == b->pio &&
	       (!a->len || !b->len || a->len == b->len) &&
	       (!a->match_data || !b->match_data || a->datamatch == b->datamatch);
}

static bool same(const struct vl_ioeventfd *a, const struct vl_ioeventfd *b)
{
	return a->eventfd == b->eventfd && a->addr == b->addr && a->pio == b->pio &&
	       a->len == b->len && a->match_data == b->match_data &&
	       a->datamatch == b->datamatch;
}

static int assign(struct vl_ioeventfds *set, struct vl_ioeventfd *new)
{
	struct hlist_head *head = bucket(set, new->addr);
	struct vl_ioeventfd *entry;

	if (set->count == VL_IOEVENTFD_MAX)
		return -ENOSPC;
	hlist_for_each_entry(entry, head, node) {
		if (overlap(entry, new))
			return -EEXIST;
	}
	hlist_add_head_rcu(&new->node, head);
	set->count++;
	return 0;
}

static struct vl_ioeventfd *take(struct vl_ioeventfds *set, const struct vl_ioeventfd *key)
{
	struct vl_ioeventfd *entry;

	hlist_for_each_entry(entry, bucket(set, key->addr), node) {
		if (same(entry, key)) {
			hlist_del_rcu(&entry->node);
			set->count--;
			return entry;
		}
	}
	return NULL;
}

static void ioeventfd_free(struct vl_ioeventfd *entry)
{
	eventfd_ctx_put(entry->eventfd);
	kfree(entry);
}

static bool args_valid(const struct vmx_lite_ioeventfd *args)
{
	const u32 known = VMX_LITE_IOEVENTFD_DEASSIGN | VMX_LITE_IOEVENTFD_PIO |
			  VMX_LITE_IOEVENTFD_DATAMATCH;
	bool pio = args->flags & VMX_LITE_IOEVENTFD_PIO;
	bool match_data = args->flags & VMX_LITE_IOEVENTFD_DATAMATCH;
	u64 last = args->addr + (args->len ? args->len - 1 : 0);

	if ((args->flags & ~known) || args->pad)
		return false;
	if (args->len > (pio ? 4 : 8) || hweight32(args->len) > 1)
		return false;
	if (last < args->addr || (pio && last > 0xffff))
		return false;
	if (!match_data)
		return !args->datamatch;
	return args->len && (args->len == 8 || !(args->datamatch >> args->len * 8));
}

/**
 * vl_ioeventfd_ioctl() - VM_IOEVENTFD
 * @vm: VM
 * @args: of the ioctl, copied in; DEASSIGN wants those of the assignment
 * Context: process; may sleep.  After DEASSIGN the eventfd is signalled no more.
 * Return: 0; -EINVAL for bad arguments or a descriptor that is no eventfd, -EBADF
 *	for none at all, -EEXIST where a write would be two eventfds', -ENOENT for
 *	DEASSIGN of one not assigned, -ENOSPC beyond VL_IOEVENTFD_MAX, -ENOMEM.
 */
int vl_ioeventfd_ioctl(struct vl_vm *vm, const struct vmx_lite_ioeventfd *args)
{
	struct vl_ioeventfds *set = &vm->ioeventfds;
	struct vl_ioeventfd *entry, *old;
	int ret;

	if (!args_valid(args))
		return -EINVAL;
	entry = kzalloc(sizeof(*entry), GFP_KERNEL_ACCOUNT);
	if (!entry)
		return -ENOMEM;
	entry->addr = args->addr;
	entry->datamatch = args->datamatch;
	entry->len = args->len;
	entry->pio = args->flags & VMX_LITE_IOEVENTFD_PIO;
	entry->match_data = args->flags & VMX_LITE_IOEVENTFD_DATAMATCH;
	entry->eventfd = eventfd_ctx_fdget(args->fd);
	if (IS_ERR(entry->eventfd)) {
		ret = PTR_ERR(entry->eventfd);
		kfree(entry);
		return ret;
	}

	if (!(args->flags & VMX_LITE_IOEVENTFD_DEASSIGN)) {
		mutex_lock(&set->lock);
		ret = assign(set, entry);
		mutex_unlock(&set->lock);
		if (ret)
			ioeventfd_free(entry);
		return ret;
	}

	mutex_lock(&set->lock);
	old = take(set, entry);
	mutex_unlock(&set->lock);
	ioeventfd_free(entry);
	if (!old)
		return -ENOENT;
	/* A driver's reset removes many at once: a normal grace period each is too long. */
	synchronize_rcu_expedited();
	ioeventfd_free(old);
	return 0;
}

/**
 * vl_ioeventfd_init() - prepare a new, zeroed VM for ioeventfds
 * @vm: VM
 */
void vl_ioeventfd_init(struct vl_vm *vm)
{
	mutex_init(&vm->ioeventfds.lock);
}

/**
 * vl_ioeventfd_destroy() - remove a VM's ioeventfds
 * @vm: VM that no ioctl and no vCPU uses any more
 * Context: may sleep.
 */
void vl_ioeventfd_destroy(struct vl_vm *vm)
{
	struct vl_ioeventfds *set = &vm->ioeventfds;
	struct vl_ioeventfd *entry;
	struct hlist_node *next;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(set->hash); i++) {
		hlist_for_each_entry_safe(entry, next, &set->hash[i], node)
			ioeventfd_free(entry);
	}
}
