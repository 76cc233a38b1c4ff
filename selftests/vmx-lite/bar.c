// SPDX-License-Identifier: GPL-2.0-only
/*
 * Device memory in a guest: BARs of QEMU's edu and nvme devices, as sysfs and
 * VFIO let a process map them.  They are reached without an exit, follow the process's mapping
 * and the device's presence, and are no RAM to the engine itself.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/pci_regs.h>
#include <linux/vfio.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include <kselftest_harness.h>

#include "vl.h"

#define PAGE		4096ULL
#define MIB		(1ULL << 20)
#define BAR		0x80000000ULL	/* where the guest has it */
#define REASON_EPT	48

/* QEMU's docs/specs/edu.txt */
#define EDU		"0x11e81234"
#define EDU_SIZE	MIB
#define EDU_ID		0x010000ed	/* register 0 */
#define EDU_ALIVE	4		/* reads as the complement of what was written */

#define NVME		"0x00101b36"
#define BUFFER_SIZE	(4 * MIB)	/* BAR 2: its memory buffer, prefetchable */
#define BUFFER		0x90000000ULL

#define GONE		0xffffffff	/* what a read of no device gives */

/* Find the device whose IDs are "0xDDDDVVVV", and let it decode its BARs. */
static int find_device(const char *id, char *path, size_t size)
{
	DIR *dir = opendir("/sys/bus/pci/devices");
	unsigned int vendor, device;
	struct dirent *d;
	char file[300];
	FILE *f;

	while (dir && (d = readdir(dir))) {
		vendor = 0;
		device = 0;
		snprintf(file, sizeof(file), "/sys/bus/pci/devices/%s/vendor", d->d_name);
		f = fopen(file, "r");
		if (!f || fscanf(f, "%x", &vendor) != 1)
			vendor = 0;
		if (f)
			fclose(f);
		snprintf(file, sizeof(file), "/sys/bus/pci/devices/%s/device", d->d_name);
		f = fopen(file, "r");
		if (!f || fscanf(f, "%x", &device) != 1)
			device = 0;
		if (f)
			fclose(f);
		if ((device << 16 | vendor) != strtoul(id, NULL, 16))
			continue;
		snprintf(path, size, "/sys/bus/pci/devices/%s", d->d_name);
		closedir(dir);
		return 0;
	}
	if (dir)
		closedir(dir);
	return -1;
}

static void write_file(const char *dir, const char *name, const char *text)
{
	char path[400];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	fd = open(path, O_WRONLY);
	if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text))
		vl_die("%s: %s", path, strerror(errno));
	close(fd);
}

static int open_resource(const char *dir, const char *name)
{
	char path[400];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	return open(path, O_RDWR);
}

FIXTURE(bar) {
	struct vl_vm vm;
	struct vl_vcpu vcpu;
	char edu[300];
	int fd;
	uint8_t *bar;
};

FIXTURE_SETUP(bar)
{
	if (find_device(EDU, self->edu, sizeof(self->edu)))
		SKIP(return, "no edu device in this machine");
	write_file(self->edu, "enable", "1");
	self->fd = open_resource(self->edu, "resource0");
	ASSERT_LE(0, self->fd);
	self->bar = mmap(NULL, EDU_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, self->fd, 0);
	ASSERT_NE(MAP_FAILED, self->bar);
	vl_vm_init(&self->vm, 0);
	vl_vcpu_init(&self->vcpu, &self->vm, 0, VL_LONG);
	ASSERT_EQ(0, vl_set_memory(&self->vm, BAR, EDU_SIZE, self->bar, 0));
}

FIXTURE_TEARDOWN(bar)
{
	vl_vcpu_exit(&self->vcpu);
	vl_vm_exit(&self->vm);
	munmap(self->bar, EDU_SIZE);
	close(self->fd);
	if (find_device(EDU, self->edu, sizeof(self->edu)))
		vl_die("the edu device did not come back");
	write_file(self->edu, "enable", "0");
}

/* RBX: the BAR. */
VL_GUEST(reads, 64, "mov (%rbx), %eax; hlt");
VL_GUEST(writes, 64, "mov %eax, (%rbx); hlt");
VL_GUEST(adds, 64, "add %eax, (%rbx); hlt");
VL_GUEST(copies, 64, "cld; movsl; hlt");
/* Write RCX, RCX - 1, ... and read each back; R8: the ID.  RCX is 0 if all was right. */
VL_GUEST(works, 64,
	 "mov (%rbx), %r8d;"
	 "1: mov %ecx, 4(%rbx); mov 4(%rbx), %eax; not %eax; cmp %eax, %ecx; jne 2f;"
	 "loop 1b; 2: hlt");
/* Fill RCX words from RBX on with their numbers. */
VL_GUEST(fills, 64, "xor %eax, %eax; 1: mov %eax, (%rbx,%rax,4); inc %eax; loop 1b; hlt");
/* Count in RDX what is neither the ID nor the answer of no device, for ever. */
VL_GUEST(polls, 64,
	 "1: mov (%rbx), %eax; cmp %r8d, %eax; je 1b; cmp $-1, %eax; je 1b; inc %rdx; jmp 1b");

static void start(struct vl_vcpu *vcpu, const uint8_t *code, const uint8_t *end,
		  struct vmx_lite_regs regs)
{
	regs.rip = VL_CODE;
	regs.rsp = VL_STACK;
	regs.rflags = VL_FLAGS;
	memcpy(vcpu->vm->ram + VL_CODE, code, end - code);
	vl_set_regs(vcpu, &regs);
}

#define START(vcpu, name, ...)	\
	start(vcpu, name, name##_end, (struct vmx_lite_regs){ __VA_ARGS__ })

static uint64_t ept_exits(struct vl_vcpu *vcpu)
{
	struct vmx_lite_stats stats;

	vl_stats(vcpu, &stats);
	return stats.exits[REASON_EPT];
}

#define ASSERT_MMIO(want_gpa, want_write, vcpu) do {			\
	ASSERT_EXIT(VM_EXITCODE_MMIO, vcpu);				\
	ASSERT_EQ(want_gpa, (vcpu)->run->mmio.gpa);			\
	ASSERT_EQ(want_write, (vcpu)->run->mmio.is_write);		\
	ASSERT_EQ(4, (vcpu)->run->mmio.size);				\
} while (0)

/* The guest reads register 0 without user space. */
#define ASSERT_READS(want, vcpu) do {					\
	struct vmx_lite_regs regs_;					\
									\
	START(vcpu, reads, .rbx = BAR);					\
	ASSERT_EXIT(VM_EXITCODE_HLT, vcpu);				\
	vl_get_regs(vcpu, &regs_);					\
	ASSERT_EQ(want, regs_.rax);					\
} while (0)

/* The guest reads register 0, and user space has to answer. */
#define ASSERT_GONE(vcpu) do {						\
	struct vmx_lite_regs regs_;					\
									\
	START(vcpu, reads, .rbx = BAR);					\
	ASSERT_MMIO(BAR, 0, vcpu);					\
	(vcpu)->run->mmio.data = GONE;					\
	ASSERT_EXIT(VM_EXITCODE_HLT, vcpu);				\
	vl_get_regs(vcpu, &regs_);					\
	ASSERT_EQ(GONE, regs_.rax);					\
} while (0)

TEST_F(bar, registers)
{
	struct vl_vcpu *vcpu = &self->vcpu;
	struct vmx_lite_regs regs;
	uint64_t before;

	/* The code's page first, so that only the BAR's is counted. */
	START(vcpu, fills, .rbx = VL_DATA, .rcx = 1);
	ASSERT_EXIT(VM_EXITCODE_HLT, vcpu);
	before = ept_exits(vcpu);
	START(vcpu, works, .rbx = BAR, .rcx = 1000);
	ASSERT_EXIT(VM_EXITCODE_HLT, vcpu);
	vl_get_regs(vcpu, &regs);
	EXPECT_EQ(EDU_ID, regs.r8);
	EXPECT_EQ(0, regs.rcx);
	EXPECT_EQ(before + 1, ept_exits(vcpu));
	EXPECT_EQ((uint32_t)~1, *(volatile uint32_t *)(self->bar + EDU_ALIVE))
		TH_LOG("the guest's last write did not reach the device");
}

/* The region is there before its pages are. */
TEST_F(bar, unmapped_and_back)
{
	struct vl_vcpu *vcpu = &self->vcpu;

	ASSERT_READS(EDU_ID, vcpu);
	ASSERT_EQ(0, munmap(self->bar, EDU_SIZE));
	ASSERT_GONE(vcpu);
	START(vcpu, writes, .rbx = BAR + EDU_ALIVE, .rax = 0x1234);
	ASSERT_MMIO(BAR + EDU_ALIVE, 1, vcpu);
	EXPECT_EQ(0x1234, vcpu->run->mmio.data);
	ASSERT_EXIT(VM_EXITCODE_HLT, vcpu);

	START(vcpu, adds, .rbx = BAR + EDU_ALIVE, .rax = 2);
	ASSERT_MMIO(BAR + EDU_ALIVE, 0, vcpu);
	vcpu->run->mmio.data = GONE;
	ASSERT_MMIO(BAR + EDU_ALIVE, 1, vcpu);
	EXPECT_EQ(1, vcpu->run->mmio.data);
	ASSERT_EXIT(VM_EXITCODE_HLT, vcpu);

	ASSERT_EQ(self->bar, mmap(self->bar, EDU_SIZE, PROT_READ | PROT_WRITE,
				  MAP_SHARED | MAP_FIXED, self->fd, 0));
	ASSERT_READS(EDU_ID, vcpu);
}

/* RAM in its place is not what the region was made for. */
TEST_F(bar, replaced_by_ram)
{
	struct vl_vcpu *vcpu = &self->vcpu;

	ASSERT_READS(EDU_ID, vcpu);
	ASSERT_EQ(self->bar, mmap(self->bar, EDU_SIZE, PROT_READ | PROT_WRITE,
				  MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0));
	*(volatile uint32_t *)self->bar = 1;
	ASSERT_GONE(vcpu);
}

/* Nor is a BAR where RAM was: it would have been mapped write-back. */
TEST_F(bar, in_place_of_ram)
{
	struct vl_vcpu *vcpu = &self->vcpu;
	uint8_t *ram = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			    -1, 0);

	ASSERT_NE(MAP_FAILED, ram);
	*ram = 5;
	ASSERT_EQ(0, vl_unset_memory(&self->vm, BAR, EDU_SIZE));
	ASSERT_EQ(0, vl_set_memory(&self->vm, BAR, PAGE, ram, 0));
	ASSERT_READS(5, vcpu);
	ASSERT_EQ(ram, mmap(ram, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED,
			    self->fd, 0));
	START(vcpu, reads, .rbx = BAR);
	ASSERT_EXIT(VM_EXITCODE_INTERNAL, vcpu);
	EXPECT_EQ(VMX_LITE_INTERNAL_MEMORY, vcpu->run->internal.why);
	EXPECT_EQ(BAR, vcpu->run->internal.gpa);
	munmap(ram, PAGE);
}

TEST_F(bar, process_may_not_write)
{
	struct vl_vcpu *vcpu = &self->vcpu;

	ASSERT_EQ(0, mprotect(self->bar, EDU_SIZE, PROT_READ));
	ASSERT_READS(EDU_ID, vcpu);
	START(vcpu, writes, .rbx = BAR + EDU_ALIVE, .rax = 7);
	ASSERT_MMIO(BAR + EDU_ALIVE, 1, vcpu);
	ASSERT_EXIT(VM_EXITCODE_HLT, vcpu);

	ASSERT_EQ(0, mprotect(self->bar, EDU_SIZE, PROT_READ | PROT_WRITE));
	START(vcpu, writes, .rbx = BAR + EDU_ALIVE, .rax = 8);
	ASSERT_EXIT(VM_EXITCODE_HLT, vcpu);
	EXPECT_EQ((uint32_t)~8, *(volatile uint32_t *)(self->bar + EDU_ALIVE));
}

TEST_F(bar, readonly_region)
{
	struct vl_vcpu *vcpu = &self->vcpu;

	ASSERT_EQ(0, vl_set_memory(&self->vm, BAR, EDU_SIZE, self->bar, VMX_LITE_MEM_READONLY));
	ASSERT_READS(EDU_ID, vcpu);
	START(vcpu, writes, .rbx = BAR + EDU_ALIVE, .rax = 7);
	ASSERT_MMIO(BAR + EDU_ALIVE, 1, vcpu);
	ASSERT_EXIT(VM_EXITCODE_HLT, vcpu);
	ASSERT_EQ(0, vl_set_memory(&self->vm, BAR, EDU_SIZE, self->bar, 0));
	START(vcpu, writes, .rbx = BAR + EDU_ALIVE, .rax = 9);
	ASSERT_EXIT(VM_EXITCODE_HLT, vcpu);
	EXPECT_EQ((uint32_t)~9, *(volatile uint32_t *)(self->bar + EDU_ALIVE));
}

TEST_F(bar, refused)
{
	struct vl_vm *vm = &self->vm;
	uint8_t *both = mmap(NULL, 2 * PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	uint8_t *private = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, self->fd, 0);

	ASSERT_NE(MAP_FAILED, both);
	ASSERT_NE(MAP_FAILED, private);
	ASSERT_EQ(both, mmap(both, PAGE, PROT_READ, MAP_SHARED | MAP_FIXED, self->fd, 0));

	EXPECT_EQ(-EINVAL, vl_set_memory(vm, BAR, EDU_SIZE, self->bar, VMX_LITE_MEM_LOG_DIRTY));
	EXPECT_EQ(0, vl_unset_memory(vm, BAR, EDU_SIZE));
	EXPECT_EQ(-EINVAL, vl_set_memory(vm, BAR, EDU_SIZE, self->bar, VMX_LITE_MEM_LOG_DIRTY));
	EXPECT_EQ(-EOPNOTSUPP, vl_set_memory(vm, BAR, 2 * PAGE, both, 0));
	EXPECT_EQ(-EOPNOTSUPP, vl_set_memory(vm, BAR, PAGE, private, 0));
	/* Refused, they left nothing behind. */
	EXPECT_EQ(0, vl_set_memory(vm, BAR, PAGE, both, 0));
	munmap(both, 2 * PAGE);
	munmap(private, PAGE);
}

/* The engine's own accesses: no page tables, no code, no operand that it would read. */
TEST_F(bar, not_ram)
{
	struct vl_vcpu *vcpu = &self->vcpu;
	struct vmx_lite_translate t = { .gva = VL_CODE, .access = VMX_LITE_ACCESS_READ };
	struct vmx_lite_control c;
	uint64_t cr3;

	/* An instruction that is emulated for its other operand. */
	START(vcpu, copies, .rsi = BAR, .rdi = VL_MMIO);
	ASSERT_MMIO(BAR, 0, vcpu);
	vcpu->run->mmio.data = 0x55;
	ASSERT_MMIO(VL_MMIO, 1, vcpu);
	EXPECT_EQ(0x55, vcpu->run->mmio.data);
	ASSERT_EXIT(VM_EXITCODE_HLT, vcpu);

	vl_start(vcpu, BAR, VL_FLAGS);
	ASSERT_EXIT(VM_EXITCODE_INTERNAL, vcpu);
	EXPECT_EQ(VMX_LITE_INTERNAL_EMULATION, vcpu->run->internal.why);
	EXPECT_EQ(BAR, vcpu->run->internal.gpa);

	ASSERT_EQ(0, vl_ioctl(vcpu->fd, VM_GET_CONTROL, &c));
	cr3 = c.cr3;
	c.cr3 = BAR;
	ASSERT_EQ(0, vl_ioctl(vcpu->fd, VM_SET_CONTROL, &c));
	EXPECT_EQ(-EIO, vl_ioctl(vcpu->fd, VM_TRANSLATE, &t));
	c.cr3 = cr3;
	ASSERT_EQ(0, vl_ioctl(vcpu->fd, VM_SET_CONTROL, &c));
	EXPECT_EQ(0, vl_ioctl(vcpu->fd, VM_TRANSLATE, &t));
}

static void *poll_bar(void *arg)
{
	struct vl_vcpu *vcpu = arg;
	int exit;

	for (;;) {
		exit = vl_run(vcpu);
		if (exit == VM_EXITCODE_SUSPENDED)
			return NULL;
		if (exit != VM_EXITCODE_MMIO)
			break;
		vcpu->run->mmio.data = GONE;
	}
	vl_describe(vcpu, exit);
	return vcpu;
}

/* It goes and comes while the guest uses it: each read gives the register, or nothing. */
TEST_F(bar, revoked_under_the_guest)
{
	struct vmx_lite_suspend off = { .how = VM_SUSPEND_POWEROFF };
	struct vl_vcpu *vcpu = &self->vcpu;
	struct vmx_lite_regs regs;
	pthread_t thread;
	void *failed;
	int i;

	START(vcpu, polls, .rbx = BAR, .r8 = EDU_ID);
	ASSERT_EQ(0, pthread_create(&thread, NULL, poll_bar, vcpu));
	for (i = 0; i < 200; i++) {
		munmap(self->bar, EDU_SIZE);
		sched_yield();
		if (mmap(self->bar, EDU_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED,
			 self->fd, 0) != self->bar)
			break;
		sched_yield();
	}
	ASSERT_EQ(0, vl_ioctl(self->vm.fd, VM_SUSPEND, &off));
	ASSERT_EQ(0, pthread_join(thread, &failed));
	EXPECT_EQ(NULL, failed);
	EXPECT_EQ(200, i);
	vl_get_regs(vcpu, &regs);
	EXPECT_EQ(0, regs.rdx);
}

/* Memory on a device, write-combining: 2 MiB a fault where the CPU has such pages. */
TEST_F(bar, large)
{
	struct vl_vcpu *vcpu = &self->vcpu;
	bool large = self->vm.info.features & VMX_LITE_FEAT_EPT_2M;
	uint32_t *wc, *uc;
	uint64_t before;
	char path[300];
	unsigned int i;
	int fd, fd_wc;

	if (find_device(NVME, path, sizeof(path)))
		SKIP(return, "no nvme device in this machine");
	write_file(path, "enable", "1");
	fd = open_resource(path, "resource2");
	fd_wc = open_resource(path, "resource2_wc");
	ASSERT_LE(0, fd);
	ASSERT_LE(0, fd_wc);
	wc = mmap(NULL, BUFFER_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd_wc, 0);
	ASSERT_NE(MAP_FAILED, wc);

	START(vcpu, fills, .rbx = VL_DATA, .rcx = 1);
	ASSERT_EXIT(VM_EXITCODE_HLT, vcpu);
	ASSERT_EQ(0, vl_set_memory(&self->vm, BUFFER, BUFFER_SIZE, wc, 0));
	before = ept_exits(vcpu);
	START(vcpu, fills, .rbx = BUFFER, .rcx = BUFFER_SIZE / 4);
	ASSERT_EXIT(VM_EXITCODE_HLT, vcpu);
	EXPECT_EQ(BUFFER_SIZE / (large ? 2 * MIB : PAGE), ept_exits(vcpu) - before);

	/* A part of a large page takes all of it along; the rest comes back. */
	munmap((uint8_t *)wc + MIB, PAGE);
	START(vcpu, reads, .rbx = BUFFER + MIB);
	ASSERT_MMIO(BUFFER + MIB, 0, vcpu);
	START(vcpu, reads, .rbx = BUFFER + MIB - 4);
	ASSERT_EXIT(VM_EXITCODE_HLT, vcpu);
	munmap(wc, BUFFER_SIZE);

	uc = mmap(NULL, BUFFER_SIZE, PROT_READ, MAP_SHARED, fd, 0);
	ASSERT_NE(MAP_FAILED, uc);
	for (i = 0; i < BUFFER_SIZE / 4; i++)
		if (uc[i] != i)
			break;
	EXPECT_EQ(BUFFER_SIZE / 4, i);
	munmap(uc, BUFFER_SIZE);
	close(fd);
	close(fd_wc);
	write_file(path, "enable", "0");
}

/*
 * The device as VFIO lends it: its pages come when they are touched, and are gone
 * while it does not decode its BARs; touching them is SIGBUS then.
 */
FIXTURE(vfio) {
	struct vl_vm vm;
	struct vl_vcpu vcpu;
	char edu[300];
	int container;
	int group;
	int device;
	uint64_t config;	/* offset of the configuration space in @device */
	uint8_t *bar;
};

static const char *device_name(const char *path)
{
	return strrchr(path, '/') + 1;
}

static int open_group(const char *device)
{
	char path[400], target[400];
	ssize_t length;

	snprintf(path, sizeof(path), "%s/iommu_group", device);
	length = readlink(path, target, sizeof(target) - 1);
	if (length < 0)
		return -1;
	target[length] = 0;
	snprintf(path, sizeof(path), "/dev/vfio/%s", device_name(target));
	return open(path, O_RDWR | O_CLOEXEC);
}

FIXTURE_SETUP(vfio)
{
	struct vfio_region_info config = {
		.argsz = sizeof(config), .index = VFIO_PCI_CONFIG_REGION_INDEX,
	};
	struct vfio_region_info bar = {
		.argsz = sizeof(bar), .index = VFIO_PCI_BAR0_REGION_INDEX,
	};

	self->container = open("/dev/vfio/vfio", O_RDWR | O_CLOEXEC);
	if (self->container < 0)
		SKIP(return, "no VFIO in this machine");
	ASSERT_EQ(0, find_device(EDU, self->edu, sizeof(self->edu)));
	write_file(self->edu, "driver_override", "vfio-pci");
	write_file("/sys/bus/pci", "drivers_probe", device_name(self->edu));
	self->group = open_group(self->edu);
	ASSERT_LE(0, self->group);
	ASSERT_EQ(0, ioctl(self->group, VFIO_GROUP_SET_CONTAINER, &self->container));
	ASSERT_EQ(0, ioctl(self->container, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU));
	self->device = ioctl(self->group, VFIO_GROUP_GET_DEVICE_FD, device_name(self->edu));
	ASSERT_LE(0, self->device);
	ASSERT_EQ(0, ioctl(self->device, VFIO_DEVICE_GET_REGION_INFO, &config));
	ASSERT_EQ(0, ioctl(self->device, VFIO_DEVICE_GET_REGION_INFO, &bar));
	self->config = config.offset;
	self->bar = mmap(NULL, EDU_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, self->device,
			 bar.offset);
	ASSERT_NE(MAP_FAILED, self->bar);
	vl_vm_init(&self->vm, 0);
	vl_vcpu_init(&self->vcpu, &self->vm, 0, VL_LONG);
	ASSERT_EQ(0, vl_set_memory(&self->vm, BAR, EDU_SIZE, self->bar, 0));
}

FIXTURE_TEARDOWN(vfio)
{
	vl_vcpu_exit(&self->vcpu);
	vl_vm_exit(&self->vm);
	munmap(self->bar, EDU_SIZE);
	close(self->device);
	close(self->group);
	close(self->container);
	write_file("/sys/bus/pci/drivers/vfio-pci", "unbind", device_name(self->edu));
	write_file(self->edu, "driver_override", "\n");
}

static void decode(int device, uint64_t config, bool on)
{
	uint16_t command = on ? PCI_COMMAND_MEMORY : 0;

	if (pwrite(device, &command, sizeof(command), config + PCI_COMMAND) != sizeof(command))
		vl_die("the command register: %s", strerror(errno));
}

TEST_F(vfio, decoding)
{
	struct vl_vcpu *vcpu = &self->vcpu;
	int i;

	for (i = 0; i < 3; i++) {
		decode(self->device, self->config, true);
		ASSERT_READS(EDU_ID, vcpu);
		decode(self->device, self->config, false);
		ASSERT_GONE(vcpu);
		START(vcpu, writes, .rbx = BAR + EDU_ALIVE, .rax = 3);
		ASSERT_MMIO(BAR + EDU_ALIVE, 1, vcpu);
		ASSERT_EXIT(VM_EXITCODE_HLT, vcpu);
	}
}

TEST_F(vfio, decoding_under_the_guest)
{
	struct vmx_lite_suspend off = { .how = VM_SUSPEND_POWEROFF };
	struct vl_vcpu *vcpu = &self->vcpu;
	struct vmx_lite_regs regs;
	pthread_t thread;
	void *failed;
	int i;

	START(vcpu, polls, .rbx = BAR, .r8 = EDU_ID);
	ASSERT_EQ(0, pthread_create(&thread, NULL, poll_bar, vcpu));
	for (i = 0; i < 200; i++) {
		decode(self->device, self->config, true);
		sched_yield();
		decode(self->device, self->config, false);
		sched_yield();
	}
	ASSERT_EQ(0, vl_ioctl(self->vm.fd, VM_SUSPEND, &off));
	ASSERT_EQ(0, pthread_join(thread, &failed));
	EXPECT_EQ(NULL, failed);
	vl_get_regs(vcpu, &regs);
	EXPECT_EQ(0, regs.rdx);
}

TEST_HARNESS_MAIN
