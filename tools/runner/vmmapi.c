// SPDX-License-Identifier: GPL-2.0-only
/* The machine: a VM fd, its memory and its interrupt lines. */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include "vmmapi.h"
#include "vmmapi-internal.h"

#define HUGE_PAGE	(2UL << 20)

/**
 * vm_device_info() - ask the module what this host can do
 * @info: out
 *
 * Return: 0; -ENOENT without the device node; -EACCES without the right to
 * open it; another errno of open or of VMX_LITE_GET_INFO.
 */
int vm_device_info(struct vmx_lite_info *info)
{
	int fd = open(VMX_LITE_DEV, O_RDWR | O_CLOEXEC);
	int ret;

	if (fd < 0)
		return -errno;
	memset(info, 0, sizeof(*info));
	ret = vmm_ioctl(fd, VMX_LITE_GET_INFO, info);
	close(fd);
	return ret;
}

/**
 * vm_open() - create a VM; it lives as long as the returned context
 * @name: up to VMX_LITE_NAME_LEN - 1 bytes; a longer one is cut
 * @ctxp: out; free it with vm_destroy()
 *
 * Return: 0; the errors of vm_device_info(); -EPROTO if the module speaks
 * another version of the interface; -ENODEV if it found a reason not to run
 * guests here (vm_device_info() tells which); -ENOMEM.
 */
int vm_open(const char *name, struct vmctx **ctxp)
{
	struct vmx_lite_create_vm create = { 0 };
	struct vmctx *ctx = calloc(1, sizeof(*ctx));
	int ret;

	if (!ctx)
		return -ENOMEM;
	ctx->fd = -1;

	ctx->dev_fd = open(VMX_LITE_DEV, O_RDWR | O_CLOEXEC);
	if (ctx->dev_fd < 0) {
		ret = -errno;
		goto out_free;
	}
	ret = vmm_ioctl(ctx->dev_fd, VMX_LITE_GET_INFO, &ctx->info);
	if (ret)
		goto out_close;
	if (ctx->info.api_version != VMX_LITE_API_VERSION) {
		ret = -EPROTO;
		goto out_close;
	}
	if (ctx->info.reason != VMX_LITE_OK) {
		ret = -ENODEV;
		goto out_close;
	}

	memcpy(create.name, name, strnlen(name, sizeof(create.name) - 1));
	ctx->fd = ioctl(ctx->dev_fd, VMX_LITE_CREATE_VM, &create);
	if (ctx->fd < 0) {
		ret = -errno;
		goto out_close;
	}
	*ctxp = ctx;
	return 0;

out_close:
	close(ctx->dev_fd);
out_free:
	free(ctx);
	return ret;
}

/**
 * vm_destroy() - end a VM and give its memory back
 * @ctx: from vm_open(), or NULL; its vCPUs must have been closed
 */
void vm_destroy(struct vmctx *ctx)
{
	if (!ctx)
		return;
	close(ctx->fd);
	close(ctx->dev_fd);
	if (ctx->base)
		munmap(ctx->base, ctx->lowmem + ctx->highmem);
	free(ctx);
}

/**
 * vm_get_info() - what the module said when the VM was opened
 * @ctx: the VM
 * @info: out
 *
 * Return: 0.
 */
int vm_get_info(struct vmctx *ctx, struct vmx_lite_info *info)
{
	*info = ctx->info;
	return 0;
}

/**
 * vm_fd() - the VM fd, for ioctls this library has no function for
 * @ctx: the VM
 */
int vm_fd(struct vmctx *ctx)
{
	return ctx->fd;
}

/**
 * vm_get_cpuid() - the CPUID leaves that a guest may see on this host
 * @ctx: the VM
 * @entries: out
 * @count: in: room in @entries, out: entries filled, or needed with -E2BIG
 *
 * Return: 0, -E2BIG.
 */
int vm_get_cpuid(struct vmctx *ctx, struct vmx_lite_cpuid_entry *entries,
		 unsigned int *count)
{
	struct vmx_lite_cpuid cpuid = {
		.count = *count,
		.entries = (uintptr_t)entries,
	};
	int ret = vmm_ioctl(ctx->dev_fd, VMX_LITE_GET_CPUID, &cpuid);

	*count = cpuid.count;
	return ret;
}

/**
 * vm_map_memory() - add a memory region, or change the flags of one
 * @ctx: the VM
 * @gpa: guest-physical address, a multiple of 4096
 * @addr: what lies there, a multiple of 4096
 * @size: bytes, a multiple of 4096
 * @flags: VMX_LITE_MEM_*
 *
 * Return: 0, -EINVAL, -EEXIST if it overlaps another, -ENOSPC.
 */
int vm_map_memory(struct vmctx *ctx, __u64 gpa, void *addr, size_t size, __u32 flags)
{
	struct vmx_lite_memory_region region = {
		.gpa = gpa,
		.size = size,
		.user_addr = (uintptr_t)addr,
		.flags = flags,
	};

	return vmm_ioctl(ctx->fd, VM_SET_MEMORY, &region);
}

/**
 * vm_unmap_memory() - remove a memory region
 * @ctx: the VM
 * @gpa: its guest-physical address
 * @size: its size in bytes
 *
 * Return: 0, -ENOENT.
 */
int vm_unmap_memory(struct vmctx *ctx, __u64 gpa, size_t size)
{
	struct vmx_lite_memory_region region = { .gpa = gpa, .size = size };

	return vmm_ioctl(ctx->fd, VM_UNSET_MEMORY, &region);
}

/*
 * Address space aligned to a huge page, so that guest-physical and user
 * addresses agree in their low bits and EPT can map what THP gives.
 * Nothing is reserved: a guest may have more memory than the host, as long
 * as it does not touch it all.
 */
static void *map_aligned(size_t size)
{
	char *raw, *base;
	size_t head;

	raw = mmap(NULL, size + HUGE_PAGE, PROT_NONE,
		   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (raw == MAP_FAILED)
		return NULL;
	base = (char *)(((uintptr_t)raw + HUGE_PAGE - 1) & ~(HUGE_PAGE - 1));
	head = base - raw;
	if (head)
		munmap(raw, head);
	munmap(base + size, HUGE_PAGE - head);
	if (mprotect(base, size, PROT_READ | PROT_WRITE)) {
		munmap(base, size);
		return NULL;
	}
	/* Hosts without THP refuse the advice: small pages do as well. */
	madvise(base, size, MADV_HUGEPAGE);
	return base;
}

/**
 * vm_setup_memory() - give the guest its RAM
 * @ctx: the VM, without memory
 * @size: bytes, a multiple of 4096, not 0
 *
 * Up to VM_LOWMEM_LIMIT from address 0, the rest from VM_HIGHMEM_BASE.
 *
 * Return: 0, -EINVAL, -EBUSY if done before, -E2BIG if the CPU's
 * guest-physical addresses are too narrow, -ENOMEM, and the errors of
 * vm_map_memory().
 */
int vm_setup_memory(struct vmctx *ctx, size_t size)
{
	__u64 limit = 1ULL << ctx->info.guest_phys_bits;
	int ret;

	if (!size || size % 4096)
		return -EINVAL;
	if (ctx->base)
		return -EBUSY;
	if (size > VM_LOWMEM_LIMIT && size - VM_LOWMEM_LIMIT > limit - VM_HIGHMEM_BASE)
		return -E2BIG;

	ctx->base = map_aligned(size);
	if (!ctx->base)
		return -ENOMEM;
	ctx->lowmem = size < VM_LOWMEM_LIMIT ? size : VM_LOWMEM_LIMIT;
	ctx->highmem = size - ctx->lowmem;

	ret = vm_map_memory(ctx, 0, ctx->base, ctx->lowmem, 0);
	if (ret || !ctx->highmem)
		return ret;
	return vm_map_memory(ctx, VM_HIGHMEM_BASE, ctx->base + ctx->lowmem,
			     ctx->highmem, 0);
}

/**
 * vm_map_gpa() - where guest RAM lies in this process
 * @ctx: the VM
 * @gpa: guest-physical address
 * @len: bytes that are to be used there
 *
 * Return: the address, or NULL if any of it is not RAM.
 */
void *vm_map_gpa(struct vmctx *ctx, __u64 gpa, size_t len)
{
	if (gpa < ctx->lowmem && len <= ctx->lowmem - gpa)
		return ctx->base + gpa;
	if (gpa >= VM_HIGHMEM_BASE) {
		gpa -= VM_HIGHMEM_BASE;
		if (gpa < ctx->highmem && len <= ctx->highmem - gpa)
			return ctx->base + ctx->lowmem + gpa;
	}
	return NULL;
}

/**
 * vm_get_lowmem_size() - bytes of RAM from address 0
 * @ctx: the VM
 */
size_t vm_get_lowmem_size(struct vmctx *ctx)
{
	return ctx->lowmem;
}

/**
 * vm_get_highmem_size() - bytes of RAM from VM_HIGHMEM_BASE
 * @ctx: the VM
 */
size_t vm_get_highmem_size(struct vmctx *ctx)
{
	return ctx->highmem;
}

/**
 * vm_get_dirty_log() - which pages were written
 * @ctx: the VM
 * @gpa: start, within one region that has VMX_LITE_MEM_LOG_DIRTY
 * @size: bytes
 * @bitmap: out: a bit a page, rounded up to 8 bytes
 * @clear: forget what is reported
 *
 * Return: 0, -EINVAL, -ENOENT.
 */
int vm_get_dirty_log(struct vmctx *ctx, __u64 gpa, size_t size, void *bitmap,
		     bool clear)
{
	struct vmx_lite_dirty_log log = {
		.gpa = gpa,
		.size = size,
		.bitmap = (uintptr_t)bitmap,
		.flags = clear ? VMX_LITE_DIRTY_CLEAR : 0,
	};

	return vmm_ioctl(ctx->fd, VM_GET_DIRTY_LOG, &log);
}

static int irq_line(struct vmctx *ctx, int irq, __u32 level)
{
	struct vmx_lite_irq_line line = { .gsi = irq, .level = level };

	return vmm_ioctl(ctx->fd, VM_IRQ_LINE, &line);
}

/**
 * vm_ioapic_assert_irq() - raise a pin of the IOAPIC
 * @ctx: the VM
 * @irq: pin, 0 to 23
 *
 * Return: 0, -EINVAL.
 */
int vm_ioapic_assert_irq(struct vmctx *ctx, int irq)
{
	return irq_line(ctx, irq, 1);
}

/**
 * vm_ioapic_deassert_irq() - lower a pin of the IOAPIC
 * @ctx: the VM
 * @irq: pin, 0 to 23
 *
 * Return: 0, -EINVAL.
 */
int vm_ioapic_deassert_irq(struct vmctx *ctx, int irq)
{
	return irq_line(ctx, irq, 0);
}

/**
 * vm_ioapic_pulse_irq() - raise and lower a pin of the IOAPIC
 * @ctx: the VM
 * @irq: pin, 0 to 23
 *
 * Return: 0, -EINVAL.
 */
int vm_ioapic_pulse_irq(struct vmctx *ctx, int irq)
{
	int ret = irq_line(ctx, irq, 1);

	return ret ? ret : irq_line(ctx, irq, 0);
}

/**
 * vm_lapic_msi() - deliver a message-signalled interrupt
 * @ctx: the VM
 * @addr: message address, 0xfee00000 to 0xfeefffff
 * @msg: message data
 *
 * Return: 0, -EINVAL.
 */
int vm_lapic_msi(struct vmctx *ctx, __u64 addr, __u64 msg)
{
	struct vmx_lite_msi msi = { .address = addr, .data = msg };

	return vmm_ioctl(ctx->fd, VM_SIGNAL_MSI, &msi);
}

/**
 * vm_irqfd() - make an eventfd an interrupt, or undo it
 * @ctx: the VM
 * @irqfd: see VM_IRQFD
 *
 * Return: 0 or the errno of VM_IRQFD.
 */
int vm_irqfd(struct vmctx *ctx, const struct vmx_lite_irqfd *irqfd)
{
	return vmm_ioctl(ctx->fd, VM_IRQFD, irqfd);
}

/**
 * vm_ioeventfd() - make a guest's write an eventfd, or undo it
 * @ctx: the VM
 * @ioeventfd: see VM_IOEVENTFD
 *
 * Return: 0 or the errno of VM_IOEVENTFD.
 */
int vm_ioeventfd(struct vmctx *ctx, const struct vmx_lite_ioeventfd *ioeventfd)
{
	return vmm_ioctl(ctx->fd, VM_IOEVENTFD, ioeventfd);
}

/**
 * vm_suspend() - end all vCPUs' runs with VM_EXITCODE_SUSPENDED
 * @ctx: the VM
 * @how: why; the first call counts
 *
 * Return: 0; -EALREADY if the VM was suspended before; -EINVAL.
 */
int vm_suspend(struct vmctx *ctx, enum vmx_lite_suspend_how how)
{
	struct vmx_lite_suspend suspend = { .how = how };

	return vmm_ioctl(ctx->fd, VM_SUSPEND, &suspend);
}
