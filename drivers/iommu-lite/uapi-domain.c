// SPDX-License-Identifier: GPL-2.0-only
/*
 * Domain fds: user memory, pinned and mapped for devices.
 */
#define pr_fmt(fmt) "iommu-lite: " fmt

#include <linux/anon_inodes.h>
#include <linux/mm.h>
#include <linux/printk.h>
#include <linux/rbtree.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>

#include "iommu-lite.h"
#include "trace.h"
#include "uapi.h"

/* Pages pinned at once: their pointers fill a page */
#define PIN_BATCH	(PAGE_SIZE / sizeof(struct page *))

/* Empty tables kept for the next map; more are pruned */
#define MAX_EMPTY_TABLES	64

/**
 * struct il_domfd - a domain fd
 * @object: its lock guards all below
 * @context: the node's file it came from (r)
 * @mm: whose memory is mapped (r)
 * @domain: the domain (r)
 * @maps: struct il_map by IOVA
 * @nr_maps: how many
 * @pages: room for PIN_BATCH pointers
 */
struct il_domfd {
	struct il_object object;
	struct il_context *context;
	struct mm_struct *mm;
	struct dmar_domain *domain;
	struct rb_root maps;
	u64 nr_maps;
	struct page **pages;
};

struct il_map {
	struct rb_node node;
	u64 iova;
	u64 size;
	u64 user_addr;
	u32 flags;
};

/* Runs of leaves, joined and unpinned */
struct unpinner {
	struct il_reaper reaper;
	phys_addr_t phys;
	u64 size;
	bool dirty;
};

static void unpin_run(phys_addr_t phys, u64 size, bool dirty)
{
	if (size)
		unpin_user_page_range_dirty_lock(pfn_to_page(PHYS_PFN(phys)),
						 size >> PAGE_SHIFT, dirty);
}

static void unpin_leaf(struct il_reaper *reaper, phys_addr_t phys, u64 size)
{
	struct unpinner *u = container_of(reaper, struct unpinner, reaper);

	if (u->size && u->phys + u->size == phys) {
		u->size += size;
		return;
	}
	unpin_run(u->phys, u->size, u->dirty);
	u->phys = phys;
	u->size = size;
}

/* The first mapping that ends beyond an address */
static struct il_map *first_map(struct il_domfd *fd, u64 iova)
{
	struct rb_node *node = fd->maps.rb_node;
	struct il_map *found = NULL;

	while (node) {
		struct il_map *map = rb_entry(node, struct il_map, node);

		if (map->iova + (map->size - 1) >= iova) {
			found = map;
			node = node->rb_left;
		} else {
			node = node->rb_right;
		}
	}
	return found;
}

static struct il_map *next_map(struct il_map *map)
{
	return rb_entry_safe(rb_next(&map->node), struct il_map, node);
}

static void insert_map(struct il_domfd *fd, struct il_map *map)
{
	struct rb_node **link = &fd->maps.rb_node, *parent = NULL;

	while (*link) {
		parent = *link;
		if (map->iova < rb_entry(parent, struct il_map, node)->iova)
			link = &parent->rb_left;
		else
			link = &parent->rb_right;
	}
	rb_link_node(&map->node, parent, link);
	rb_insert_color(&map->node, &fd->maps);
	fd->nr_maps++;
}

static void remove_map(struct il_domfd *fd, struct il_map *map)
{
	rb_erase(&map->node, &fd->maps);
	fd->nr_maps--;
	kfree(map);
}

/* To give back needs no capability: do not ask for one */
static void unaccount(struct il_domfd *fd, u64 pages)
{
	mmap_write_lock(fd->mm);
	__account_locked_vm(fd->mm, pages, false, current, true);
	mmap_write_unlock(fd->mm);
}

static void warn_pinned(struct il_domfd *fd)
{
	pr_err_ratelimited("memory of domain %u stays pinned: a device may still reach it\n",
			   fd->domain->id);
}

static void prune_tables(struct il_domfd *fd)
{
	LIST_HEAD(freelist);

	if (fd->domain->pt.nr_empty <= MAX_EMPTY_TABLES)
		return;
	il_pt_prune(&fd->domain->pt, &freelist);
	if (!il_domain_flush_all(fd->domain))
		il_pt_free_list(&freelist);
}

/* Hardware first loses sight of all of @first..@last; one flush */
static int hide_range(struct il_domfd *fd, u64 first, u64 last)
{
	il_pt_detach(&fd->domain->pt, first, last - first + 1);
	return il_domain_flush(fd->domain, first, last, true);
}

/* What is hidden is unpinned and forgotten */
static void drop_range(struct il_domfd *fd, u64 iova, u64 size, bool dirty)
{
	struct unpinner u = { .dirty = dirty };

	il_reaper_init(&u.reaper);
	u.reaper.leaf = unpin_leaf;
	il_pt_reap(&fd->domain->pt, iova, size, &u.reaper);
	unpin_run(u.phys, u.size, u.dirty);
	il_pt_free_list(&u.reaper.freelist);
	atomic64_sub(u.reaper.bytes, &fd->domain->mapped);
}

/*
 * Writable memory is pinned for writing even where the device only reads:
 * else it would keep reading what the process has meanwhile copied on write.
 */
static int pin_batch(struct il_domfd *fd, u64 user_addr, u64 size, u32 flags)
{
	unsigned int count = min_t(u64, size >> PAGE_SHIFT, PIN_BATCH);
	int ret;

	ret = pin_user_pages_fast(user_addr, count, FOLL_LONGTERM | FOLL_WRITE,
				  fd->pages);
	if (ret == -EFAULT && !(flags & IOMMU_LITE_MAP_WRITE))
		ret = pin_user_pages_fast(user_addr, count, FOLL_LONGTERM,
					  fd->pages);
	return ret ?: -EFAULT;
}

static int prot_of(u32 flags)
{
	return (flags & IOMMU_LITE_MAP_READ ? IOMMU_READ : 0) |
	       (flags & IOMMU_LITE_MAP_WRITE ? IOMMU_WRITE : 0) | IOMMU_CACHE;
}

/**
 * struct run - physically contiguous memory that waits to be mapped
 * @iova: where it will be
 * @phys: where it is
 * @size: bytes; 0: nothing waits
 */
struct run {
	u64 iova;
	phys_addr_t phys;
	u64 size;
};

static int map_run(struct il_domfd *fd, struct run *run, u32 flags)
{
	u64 mapped;
	int ret;

	if (!run->size)
		return 0;
	ret = il_domain_map(fd->domain, run->iova, run->phys, run->size,
			    prot_of(flags), GFP_KERNEL_ACCOUNT, &mapped);
	run->iova += mapped;
	run->phys += mapped;
	run->size -= mapped;
	return ret;
}

/* Add pinned pages to the run; map it where they do not continue it */
static int extend_run(struct il_domfd *fd, struct run *run, unsigned int count,
		      u32 flags)
{
	unsigned int i, same;
	int ret;

	for (i = 0; i < count; i += same) {
		struct page **page = fd->pages + i;
		phys_addr_t phys = page_to_phys(*page);

		for (same = 1; i + same < count; same++)
			if (page[same] != page[0] + same)
				break;
		if (!run->size || run->phys + run->size != phys) {
			ret = map_run(fd, run, flags);
			if (ret) {
				unpin_user_pages(page, count - i);
				return ret;
			}
			run->phys = phys;
		}
		run->size += (u64)same << PAGE_SHIFT;
	}
	return 0;
}

static int pin_and_map(struct il_domfd *fd, const struct il_map *map)
{
	struct run run = { .iova = map->iova };
	u64 done = 0;
	int ret = 0;

	while (!ret && done < map->size) {
		if (fatal_signal_pending(current)) {
			ret = -EINTR;
			break;
		}
		ret = pin_batch(fd, map->user_addr + done, map->size - done,
				map->flags);
		if (ret < 0)
			break;
		done += (u64)ret << PAGE_SHIFT;
		ret = extend_run(fd, &run, ret, map->flags);
		cond_resched();
	}
	if (!ret)
		ret = map_run(fd, &run, map->flags);
	if (!ret)
		ret = il_domain_sync_map(fd->domain, map->iova, map->size);
	if (!ret)
		return 0;
	/* What waits is pinned only; what was mapped before it goes again */
	unpin_run(run.phys, run.size, false);
	if (run.iova > map->iova &&
	    !hide_range(fd, map->iova, run.iova - 1))
		drop_range(fd, map->iova, run.iova - map->iova, false);
	return ret;
}

static int check_range(struct il_domfd *fd, u64 iova, u64 size)
{
	u64 last = fd->domain->domain.geometry.aperture_end;

	if (!size || (iova | size) & ~PAGE_MASK || iova + (size - 1) < iova)
		return -EINVAL;
	if (iova > last || size - 1 > last - iova)
		return -ERANGE;
	return 0;
}

static int map_memory(struct il_object *object, union il_arg *arg)
{
	struct il_domfd *fd = container_of(object, struct il_domfd, object);
	const struct iommu_lite_map *m = &arg->map;
	struct il_map *map;
	u64 last;
	int ret;

	if (m->pad || !m->flags || m->user_addr & ~PAGE_MASK ||
	    m->flags & ~(IOMMU_LITE_MAP_READ | IOMMU_LITE_MAP_WRITE))
		return -EINVAL;
	ret = check_range(fd, m->iova, m->size);
	if (ret)
		return ret;
	if (current->mm != fd->mm)
		return -EPERM;
	if (!access_ok((void __user *)(unsigned long)m->user_addr, m->size))
		return -EFAULT;
	last = m->iova + (m->size - 1);
	if (m->iova <= IL_MSI_LAST && last >= IL_MSI_FIRST)
		return -EBUSY;
	map = first_map(fd, m->iova);
	if (map && map->iova <= last)
		return -EEXIST;

	map = kmalloc(sizeof(*map), GFP_KERNEL_ACCOUNT);
	if (!map)
		return -ENOMEM;
	map->iova = m->iova;
	map->size = m->size;
	map->user_addr = m->user_addr;
	map->flags = m->flags;
	ret = account_locked_vm(fd->mm, m->size >> PAGE_SHIFT, true);
	if (ret)
		goto err_free;
	ret = pin_and_map(fd, map);
	if (ret)
		goto err_account;
	insert_map(fd, map);
	return 0;

err_account:
	unaccount(fd, m->size >> PAGE_SHIFT);
err_free:
	kfree(map);
	return ret;
}

/* The short way for one page; false where it has to go the long way */
static bool unmap_page(struct il_domfd *fd, struct il_map *map, u64 *unmapped,
		       int *ret)
{
	u64 bytes, pte;

	if (map->size != PAGE_SIZE)
		return false;
	pte = il_pt_take(&fd->domain->pt, map->iova, PAGE_SIZE, &bytes);
	if (pte == ~0ull)
		return false;
	*ret = il_domain_flush(fd->domain, map->iova, map->iova, false);
	if (*ret) {
		warn_pinned(fd);
	} else {
		unpin_run(pte & IL_PTE_ADDRESS, PAGE_SIZE,
			  map->flags & IOMMU_LITE_MAP_WRITE);
		unaccount(fd, 1);
		atomic64_sub(bytes, &fd->domain->mapped);
	}
	*unmapped = PAGE_SIZE;
	trace_iommu_lite_unmap(fd->domain->id, map->iova, PAGE_SIZE);
	remove_map(fd, map);
	prune_tables(fd);
	return true;
}

/* All mappings in @first..@last go; they lie in it wholly */
static int unmap_range(struct il_domfd *fd, u64 first, u64 last, u64 *unmapped)
{
	struct il_map *map, *next;
	u64 pages = 0;
	int ret;

	ret = hide_range(fd, first, last);
	if (ret)
		warn_pinned(fd);
	for (map = first_map(fd, first); map && map->iova <= last; map = next) {
		next = next_map(map);
		if (!ret) {
			drop_range(fd, map->iova, map->size,
				   map->flags & IOMMU_LITE_MAP_WRITE);
			pages += map->size >> PAGE_SHIFT;
		}
		*unmapped += map->size;
		trace_iommu_lite_unmap(fd->domain->id, map->iova, map->size);
		remove_map(fd, map);
		cond_resched();
	}
	if (pages)
		unaccount(fd, pages);
	prune_tables(fd);
	return ret;
}

static int unmap_memory(struct il_object *object, union il_arg *arg)
{
	struct il_domfd *fd = container_of(object, struct il_domfd, object);
	struct iommu_lite_unmap *u = &arg->unmap;
	struct il_map *map, *end;
	u64 first = u->iova, last;
	int ret;

	if (u->flags & ~IOMMU_LITE_UNMAP_ALL || u->pad || u->unmapped)
		return -EINVAL;
	if (u->flags & IOMMU_LITE_UNMAP_ALL) {
		if (u->iova || u->size)
			return -EINVAL;
		if (!rb_first(&fd->maps))
			return 0;
		end = rb_entry(rb_last(&fd->maps), struct il_map, node);
		first = rb_entry(rb_first(&fd->maps), struct il_map,
				 node)->iova;
		return unmap_range(fd, first, end->iova + end->size - 1,
				   &u->unmapped);
	}
	ret = check_range(fd, u->iova, u->size);
	if (ret)
		return ret;
	last = u->iova + (u->size - 1);
	map = first_map(fd, first);
	if (!map || map->iova > last)
		return -ENOENT;
	if (map->iova < first)
		return -EINVAL;
	end = first_map(fd, last);
	if (end && end->iova <= last && end->iova + (end->size - 1) > last)
		return -EINVAL;
	if (map == end && unmap_page(fd, map, &u->unmapped, &ret))
		return ret;
	return unmap_range(fd, first, last, &u->unmapped);
}

static int query(struct il_object *object, union il_arg *arg)
{
	struct il_domfd *fd = container_of(object, struct il_domfd, object);
	struct iommu_lite_query *q = &arg->query;
	struct il_map *map;

	if (q->user_addr || q->size || q->flags || q->pad || q->page_size)
		return -EINVAL;
	map = first_map(fd, q->iova);
	if (!map || map->iova > q->iova)
		return -ENOENT;
	il_pt_lookup(&fd->domain->pt, q->iova, &q->page_size);
	q->iova = map->iova;
	q->user_addr = map->user_addr;
	q->size = map->size;
	q->flags = map->flags;
	return 0;
}

static int domain_info(struct il_object *object, union il_arg *arg)
{
	struct il_domfd *fd = container_of(object, struct il_domfd, object);
	struct iommu_lite_domain_info *info = &arg->domain_info;

	info->mapped = atomic64_read(&fd->domain->mapped);
	info->nr_maps = fd->nr_maps;
	info->table_pages = atomic_long_read(&fd->domain->pt.nr_tables);
	info->nr_devices = READ_ONCE(fd->domain->nr_devices);
	info->id = fd->domain->id;
	return 0;
}

static const struct il_ioctl domain_ioctls[] = {
	{ IOMMU_LITE_MAP, sizeof(struct iommu_lite_map), IL_IOCTL_LOCKED,
	  map_memory },
	{ IOMMU_LITE_UNMAP, sizeof(struct iommu_lite_unmap), IL_IOCTL_LOCKED,
	  unmap_memory },
	{ IOMMU_LITE_QUERY, sizeof(struct iommu_lite_query), IL_IOCTL_LOCKED,
	  query },
	{ IOMMU_LITE_DOMAIN_INFO, sizeof(struct iommu_lite_domain_info),
	  IL_IOCTL_LOCKED, domain_info },
};

static long domain_ioctl(struct file *file, unsigned int cmd,
			 unsigned long arg)
{
	return il_ioctl(file, domain_ioctls, ARRAY_SIZE(domain_ioctls), cmd,
			arg);
}

static void free_domfd(struct il_domfd *fd)
{
	if (fd->domain)
		iommu_domain_free(&fd->domain->domain);
	if (fd->mm)
		mmdrop(fd->mm);
	kfree(fd->pages);
	kfree(fd);
}

/* No device is attached: each attachment holds the file */
static int domain_release(struct inode *inode, struct file *file)
{
	struct il_domfd *fd = file->private_data;
	struct rb_node *first = rb_first(&fd->maps);
	u64 unmapped = 0;

	if (first)
		unmap_range(fd, rb_entry(first, struct il_map, node)->iova,
			    fd->domain->domain.geometry.aperture_end,
			    &unmapped);
	il_context_put(fd->context);
	free_domfd(fd);
	return 0;
}

static const struct file_operations domain_fops = {
	.owner		= THIS_MODULE,
	.release	= domain_release,
	.unlocked_ioctl	= domain_ioctl,
	.llseek		= noop_llseek,
};

/**
 * il_domain_of_file() - the domain behind a file
 * @file: any
 * @context: the node's file that it has to come from
 *
 * Return: the domain, valid as long as the file; NULL if it is not such one.
 */
struct dmar_domain *il_domain_of_file(struct file *file,
				      struct il_context *context)
{
	struct il_domfd *fd;

	if (file->f_op != &domain_fops)
		return NULL;
	fd = file->private_data;
	return fd->context == context ? fd->domain : NULL;
}

/**
 * il_create_domain_fd() - make a domain with a file descriptor
 * @context: the node's file
 *
 * Return: the descriptor; -ENOMEM; -EMFILE.
 */
int il_create_domain_fd(struct il_context *context)
{
	struct iommu_domain *domain;
	struct il_domfd *fd;
	int ret;

	fd = kzalloc(sizeof(*fd), GFP_KERNEL_ACCOUNT);
	if (!fd)
		return -ENOMEM;
	mutex_init(&fd->object.lock);
	fd->maps = RB_ROOT;
	fd->pages = kmalloc_array(PIN_BATCH, sizeof(*fd->pages),
				  GFP_KERNEL_ACCOUNT);
	domain = iommu_domain_alloc(&pci_bus_type);
	if (domain) {
		fd->domain = to_dmar_domain(domain);
		fd->domain->pt.exclusive = true;
	}
	ret = -ENOMEM;
	if (!fd->pages || !domain)
		goto err_free;
	fd->mm = current->mm;
	mmgrab(fd->mm);
	fd->context = context;
	kref_get(&context->ref);
	ret = anon_inode_getfd("[iommu-lite-domain]", &domain_fops, fd,
			       O_RDWR | O_CLOEXEC);
	if (ret < 0) {
		il_context_put(context);
		goto err_free;
	}
	return ret;

err_free:
	free_domfd(fd);
	return ret;
}
