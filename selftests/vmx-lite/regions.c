// SPDX-License-Identifier: GPL-2.0-only
/*
 * VM_SET_MEMORY, VM_UNSET_MEMORY, VM_GET_DIRTY_LOG and VM_CREATE_VCPU: their arguments,
 * and what is no ioctl of a VM.
 */
#include <fcntl.h>

#include <kselftest_harness.h>

#include "vl.h"

#define PAGE		4096ULL
#define MIB		(1ULL << 20)
#define BASE		0x10000000ULL	/* above the fixture's RAM */
#define BAD_POINTER	((void *)8)
#define RESIZE(cmd, size)	(((cmd) & ~IOCSIZE_MASK) | ((unsigned long)(size) << IOCSIZE_SHIFT))

FIXTURE(regions) {
	struct vl_vm vm;
	uint8_t *mem;		/* 4 MiB */
	uint64_t top;		/* first address beyond guest-physical space */
};

FIXTURE_SETUP(regions)
{
	vl_vm_init(&self->vm, 0);
	self->mem = mmap(NULL, 4 * MIB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			 -1, 0);
	ASSERT_NE(MAP_FAILED, self->mem);
	self->top = 1ULL << self->vm.info.guest_phys_bits;
}

FIXTURE_TEARDOWN(regions)
{
	munmap(self->mem, 4 * MIB);
	vl_vm_exit(&self->vm);
}

TEST_F(regions, set_unset)
{
	struct vl_vm *vm = &self->vm;

	EXPECT_EQ(0, vl_set_memory(vm, BASE, MIB, self->mem, 0));
	EXPECT_EQ(0, vl_set_memory(vm, BASE + MIB, MIB, self->mem, 0))
		TH_LOG("the same memory at two places is allowed");
	EXPECT_EQ(0, vl_unset_memory(vm, BASE, MIB));
	EXPECT_EQ(0, vl_set_memory(vm, BASE, PAGE, self->mem + MIB, VMX_LITE_MEM_READONLY));
	EXPECT_EQ(0, vl_unset_memory(vm, BASE, PAGE));
	EXPECT_EQ(0, vl_unset_memory(vm, BASE + MIB, MIB));
	/* The last page there is. */
	EXPECT_EQ(0, vl_set_memory(vm, self->top - PAGE, PAGE, self->mem, 0));
	EXPECT_EQ(0, vl_unset_memory(vm, self->top - PAGE, PAGE));
}

TEST_F(regions, change_flags)
{
	struct vl_vm *vm = &self->vm;
	static const uint32_t flags[] = {
		0, VMX_LITE_MEM_READONLY, VMX_LITE_MEM_LOG_DIRTY,
		VMX_LITE_MEM_READONLY | VMX_LITE_MEM_LOG_DIRTY, 0,
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(flags); i++)
		EXPECT_EQ(0, vl_set_memory(vm, BASE, MIB, self->mem, flags[i]))
			TH_LOG("flags %#x", flags[i]);
	/* The same place with other memory is another region. */
	EXPECT_EQ(-EEXIST, vl_set_memory(vm, BASE, MIB, self->mem + MIB, 0));
}

struct bad_region {
	const char *what;
	struct vmx_lite_memory_region r;
	int error;
};

TEST_F(regions, set_bad)
{
	uint64_t addr = (uintptr_t)self->mem, top = self->top;
	struct bad_region bad[] = {
		{ "size 0", { BASE, 0, addr, 0, 0 }, -EINVAL },
		{ "gpa not aligned", { BASE + 1, PAGE, addr, 0, 0 }, -EINVAL },
		{ "gpa not aligned", { BASE + 2048, PAGE, addr, 0, 0 }, -EINVAL },
		{ "size not aligned", { BASE, PAGE + 1, addr, 0, 0 }, -EINVAL },
		{ "address not aligned", { BASE, PAGE, addr + 16, 0, 0 }, -EINVAL },
		{ "padding", { BASE, PAGE, addr, 0, 1 }, -EINVAL },
		{ "unknown flag", { BASE, PAGE, addr, 1U << 2, 0 }, -EINVAL },
		{ "unknown flag", { BASE, PAGE, addr, 1U << 31, 0 }, -EINVAL },
		{ "gpa wraps", { -PAGE, 2 * PAGE, addr, 0, 0 }, -EINVAL },
		{ "gpa wraps to 0", { -PAGE, PAGE, addr, 0, 0 }, -EINVAL },
		{ "beyond the width", { top, PAGE, addr, 0, 0 }, -EINVAL },
		{ "across the width", { top - PAGE, 2 * PAGE, addr, 0, 0 }, -EINVAL },
		{ "all there is", { BASE, -PAGE, addr, 0, 0 }, -EINVAL },
		{ "address wraps", { BASE, 2 * PAGE, -PAGE, 0, 0 }, -EFAULT },
		{ "kernel address", { BASE, PAGE, 0xffff888000000000ULL, 0, 0 }, -EFAULT },
		{ "non-canonical", { BASE, PAGE, 1ULL << 62, 0, 0 }, -EFAULT },
		{ "same as RAM", { 0, PAGE, addr, 0, 0 }, -EEXIST },
		{ "last page of RAM", { VL_RAM_MIN - PAGE, PAGE, addr, 0, 0 }, -EEXIST },
		{ "over RAM's end", { VL_RAM_MIN - PAGE, 2 * PAGE, addr, 0, 0 }, -EEXIST },
		{ "around RAM", { 0, 4 * MIB, addr, 0, 0 }, -EEXIST },
	};
	struct bad_region *b;

	for (b = bad; b < bad + ARRAY_SIZE(bad); b++)
		EXPECT_EQ(b->error, vl_ioctl(self->vm.fd, VM_SET_MEMORY, &b->r))
			TH_LOG("%s", b->what);
	EXPECT_EQ(-EFAULT, vl_ioctl(self->vm.fd, VM_SET_MEMORY, BAD_POINTER));
}

TEST_F(regions, unset_bad)
{
	struct vmx_lite_memory_region r = { .gpa = BASE, .size = MIB };
	struct vl_vm *vm = &self->vm;

	EXPECT_EQ(-ENOENT, vl_unset_memory(vm, BASE, MIB));
	ASSERT_EQ(0, vl_set_memory(vm, BASE, MIB, self->mem, 0));
	/* A part, or more, is not the region. */
	EXPECT_EQ(-ENOENT, vl_unset_memory(vm, BASE, PAGE));
	EXPECT_EQ(-ENOENT, vl_unset_memory(vm, BASE + PAGE, MIB - PAGE));
	EXPECT_EQ(-ENOENT, vl_unset_memory(vm, BASE, 2 * MIB));
	r.flags = VMX_LITE_MEM_READONLY;
	EXPECT_EQ(-EINVAL, vl_ioctl(vm->fd, VM_UNSET_MEMORY, &r));
	r.flags = 0;
	r.user_addr = (uintptr_t)self->mem;
	EXPECT_EQ(-EINVAL, vl_ioctl(vm->fd, VM_UNSET_MEMORY, &r));
	r.user_addr = 0;
	r.pad = 1;
	EXPECT_EQ(-EINVAL, vl_ioctl(vm->fd, VM_UNSET_MEMORY, &r));
	EXPECT_EQ(-EFAULT, vl_ioctl(vm->fd, VM_UNSET_MEMORY, BAD_POINTER));
	EXPECT_EQ(0, vl_unset_memory(vm, BASE, MIB));
	EXPECT_EQ(-ENOENT, vl_unset_memory(vm, BASE, MIB));
}

TEST_F(regions, sizes)
{
	struct {
		struct vmx_lite_memory_region r;
		uint64_t tail;
	} longer = { { BASE, MIB, (uintptr_t)self->mem, 0, 0 }, 1 };

	EXPECT_EQ(-E2BIG, vl_ioctl(self->vm.fd, RESIZE(VM_SET_MEMORY, sizeof(longer)), &longer));
	longer.tail = 0;
	EXPECT_EQ(0, vl_ioctl(self->vm.fd, RESIZE(VM_SET_MEMORY, sizeof(longer)), &longer));
	/* UNSET needs no more than gpa and size. */
	EXPECT_EQ(0, vl_ioctl(self->vm.fd, RESIZE(VM_UNSET_MEMORY, 16), &longer));
	EXPECT_EQ(-ENOENT, vl_unset_memory(&self->vm, BASE, MIB));
}

TEST_F(regions, too_many)
{
	struct vl_vm *vm = &self->vm;
	unsigned int i;

	/* The fixture's RAM is one of them. */
	for (i = 1; i < VMX_LITE_MAX_REGIONS; i++)
		ASSERT_EQ(0, vl_set_memory(vm, BASE + i * 2 * PAGE, PAGE, self->mem, 0));
	EXPECT_EQ(-ENOSPC, vl_set_memory(vm, BASE, PAGE, self->mem, 0));
	EXPECT_EQ(0, vl_unset_memory(vm, BASE + 2 * PAGE, PAGE));
	EXPECT_EQ(0, vl_set_memory(vm, BASE, PAGE, self->mem, 0));
}

TEST_F(regions, dirty_log_bad)
{
	uint64_t bitmap[4] = { 0 };
	struct vmx_lite_dirty_log log = { BASE, 64 * PAGE, (uintptr_t)bitmap, 0, 0 };
	struct vl_vm *vm = &self->vm;

	ASSERT_EQ(0, vl_set_memory(vm, BASE, MIB, self->mem, 0));
	EXPECT_EQ(-ENOENT, vl_ioctl(vm->fd, VM_GET_DIRTY_LOG, &log))
		TH_LOG("a region without LOG_DIRTY has no log");
	ASSERT_EQ(0, vl_set_memory(vm, BASE, MIB, self->mem, VMX_LITE_MEM_LOG_DIRTY));
	EXPECT_EQ(0, vl_ioctl(vm->fd, VM_GET_DIRTY_LOG, &log));
	EXPECT_EQ(0, bitmap[0]);
	log.flags = 2;
	EXPECT_EQ(-EINVAL, vl_ioctl(vm->fd, VM_GET_DIRTY_LOG, &log));
	log.flags = 0;
	log.pad = 1;
	EXPECT_EQ(-EINVAL, vl_ioctl(vm->fd, VM_GET_DIRTY_LOG, &log));
	log.pad = 0;
	log.gpa++;
	EXPECT_EQ(-EINVAL, vl_ioctl(vm->fd, VM_GET_DIRTY_LOG, &log));
	log.gpa--;
	log.size = 0;
	EXPECT_EQ(-EINVAL, vl_ioctl(vm->fd, VM_GET_DIRTY_LOG, &log));
	log.size = PAGE + 1;
	EXPECT_EQ(-EINVAL, vl_ioctl(vm->fd, VM_GET_DIRTY_LOG, &log));
	log.size = MIB + PAGE;
	EXPECT_EQ(-ENOENT, vl_ioctl(vm->fd, VM_GET_DIRTY_LOG, &log));
	log.size = PAGE;
	log.bitmap = 8;
	EXPECT_EQ(-EFAULT, vl_ioctl(vm->fd, VM_GET_DIRTY_LOG, &log));
	EXPECT_EQ(-EFAULT, vl_ioctl(vm->fd, VM_GET_DIRTY_LOG, BAD_POINTER));
}

TEST_F(regions, create_vcpu)
{
	struct vmx_lite_create_vcpu create = { .id = VMX_LITE_MAX_VCPUS };
	struct vl_vm *vm = &self->vm;
	unsigned int bit;
	int fd, last;

	EXPECT_EQ(-EINVAL, vl_ioctl(vm->fd, VM_CREATE_VCPU, &create));
	create.id = ~0U;
	EXPECT_EQ(-EINVAL, vl_ioctl(vm->fd, VM_CREATE_VCPU, &create));
	create.id = 0;
	for (bit = 0; bit < 32; bit++) {
		create.flags = 1U << bit;
		EXPECT_EQ(-EINVAL, vl_ioctl(vm->fd, VM_CREATE_VCPU, &create));
	}
	create.flags = 0;
	fd = vl_ioctl(vm->fd, VM_CREATE_VCPU, &create);
	ASSERT_LE(0, fd);
	EXPECT_EQ(FD_CLOEXEC, fcntl(fd, F_GETFD) & FD_CLOEXEC);
	EXPECT_EQ(-EEXIST, vl_ioctl(vm->fd, VM_CREATE_VCPU, &create));
	create.id = VMX_LITE_MAX_VCPUS - 1;
	last = vl_ioctl(vm->fd, VM_CREATE_VCPU, &create);
	ASSERT_LE(0, last);
	EXPECT_EQ(0, close(last));
	EXPECT_EQ(-EFAULT, vl_ioctl(vm->fd, VM_CREATE_VCPU, BAD_POINTER));
	close(fd);
}

TEST_F(regions, all_vcpus)
{
	struct vmx_lite_create_vcpu create = { 0 };
	int fds[VMX_LITE_MAX_VCPUS];
	unsigned int i;

	for (i = 0; i < VMX_LITE_MAX_VCPUS; i++) {
		create.id = i;
		fds[i] = vl_ioctl(self->vm.fd, VM_CREATE_VCPU, &create);
		ASSERT_LE(0, fds[i]);
	}
	for (i = 0; i < VMX_LITE_MAX_VCPUS; i++)
		EXPECT_EQ(0, close(fds[i]));
}

TEST_F(regions, vcpu_mmap)
{
	struct vmx_lite_create_vcpu create = { 0 };
	uint32_t size = self->vm.info.run_size;
	int fd = vl_ioctl(self->vm.fd, VM_CREATE_VCPU, &create);
	struct vmx_lite_run *run;

	ASSERT_LE(0, fd);
	EXPECT_EQ(MAP_FAILED, mmap(NULL, size + 4096, PROT_READ, MAP_SHARED, fd, 0));
	EXPECT_EQ(MAP_FAILED, mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, size));
	EXPECT_EQ(MAP_FAILED, mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 1ULL << 40));
	run = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	ASSERT_NE(MAP_FAILED, run);
	/* The mapping holds what it shows: it may outlive the descriptors. */
	close(fd);
	close(self->vm.fd);
	run->immediate_exit = 1;
	EXPECT_EQ(1, run->immediate_exit);
	EXPECT_EQ(0, munmap(run, size));
	self->vm.fd = -1;
}

TEST_F(regions, unknown_ioctls)
{
	unsigned long args[64] = { 0 };
	unsigned int nr;

	for (nr = 0; nr < 256; nr++) {
		if (nr >= 0x20 && nr <= 0x2a)
			continue;
		EXPECT_EQ(-ENOTTY, vl_ioctl(self->vm.fd, _IO(VMX_LITE_IOC, nr), args));
		EXPECT_EQ(-ENOTTY, vl_ioctl(self->vm.fd, _IOW(VMX_LITE_IOC, nr, args), args));
	}
	EXPECT_EQ(-ENOTTY, vl_ioctl(self->vm.fd, VM_GET_REGS, args));
	EXPECT_EQ(-ENOTTY, vl_ioctl(self->vm.fd, VM_RUN, args));
}

TEST_HARNESS_MAIN
