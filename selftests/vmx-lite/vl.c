// SPDX-License-Identifier: GPL-2.0-only
/*
 * The small machine of the tests: see vl.h.
 */
#include <cpuid.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/swap.h>
#include <unistd.h>

#include "vl.h"

/* Access rights: SDM vol. 3, table 25-2. */
#define AR_CODE16	0x009b
#define AR_CODE32	0xc09b
#define AR_CODE64	0xa09b
#define AR_DATA16	0x0093
#define AR_DATA32	0xc093
#define AR_TSS		0x008b
#define AR_LDT		0x0082

#define PTE_P		0x01ULL
#define PTE_W		0x02ULL
#define PTE_U		0x04ULL
#define PTE_PS		0x80ULL

static const char *const mode_names[VL_MODES] = {
	[VL_REAL] = "real", [VL_PROT] = "protected", [VL_PAGED] = "32-bit paging",
	[VL_PAE] = "PAE", [VL_LONG] = "long",
};

static const char *const exit_names[VM_EXITCODE_MAX] = {
	[VM_EXITCODE_NONE] = "NONE", [VM_EXITCODE_INOUT] = "INOUT",
	[VM_EXITCODE_MMIO] = "MMIO", [VM_EXITCODE_RDMSR] = "RDMSR",
	[VM_EXITCODE_WRMSR] = "WRMSR", [VM_EXITCODE_HLT] = "HLT",
	[VM_EXITCODE_PAUSE] = "PAUSE", [VM_EXITCODE_MTRAP] = "MTRAP",
	[VM_EXITCODE_DEBUG] = "DEBUG", [VM_EXITCODE_SPINUP_AP] = "SPINUP_AP",
	[VM_EXITCODE_IOAPIC_EOI] = "IOAPIC_EOI", [VM_EXITCODE_SUSPENDED] = "SUSPENDED",
	[VM_EXITCODE_INTR] = "INTR", [VM_EXITCODE_FAIL_ENTRY] = "FAIL_ENTRY",
	[VM_EXITCODE_INTERNAL] = "INTERNAL", [VM_EXITCODE_EXTINT] = "EXTINT",
};

void vl_die(const char *fmt, ...)
{
	va_list ap;

	fputs("# ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	exit(1);
}

static void vl_must(int fd, unsigned long cmd, const void *arg, const char *what)
{
	if (ioctl(fd, cmd, arg) < 0)
		vl_die("%s: %s", what, strerror(errno));
}

const char *vl_mode_name(enum vl_mode mode)
{
	return mode_names[mode];
}

const char *vl_exit_name(int exit)
{
	return exit < 0 ? strerror(-exit) :
	       exit < VM_EXITCODE_MAX ? exit_names[exit] : "unknown";
}

int vl_open(void)
{
	int fd = open("/dev/vmx-lite", O_RDWR | O_CLOEXEC);

	if (fd < 0)
		vl_die("/dev/vmx-lite: %s", strerror(errno));
	return fd;
}

bool vl_vector_has_error(uint8_t vector)
{
	return vector == 8 || (vector >= 10 && vector <= 14) || vector == 17 || vector == 21;
}

/*
 * The two emulators have defects that are theirs, not ours: the tests that would
 * meet one skip it there, and say which.
 */
bool vl_under_tcg(void)
{
	unsigned int a, b, c, d;

	__cpuid(1, a, b, c, d);
	if (!(c >> 31))
		return false;
	__cpuid(0x40000000, a, b, c, d);
	return b == 0x54474354 && c == 0x43544743 && d == 0x47435447;	/* TCGTCGTCGTCG */
}

bool vl_under_bochs(void)
{
	char line[64] = "";
	FILE *f = fopen("/sys/class/dmi/id/bios_version", "r");

	if (!f)
		return false;
	if (!fgets(line, sizeof(line), f))
		line[0] = 0;
	fclose(f);
	return strstr(line, "Bochs");
}

/* ------------------------------------------------------------ tables */

static void vl_build_paging(struct vl_vm *vm)
{
	uint32_t pde;
	unsigned int i;

	vl_write64(vm, VL_PML4, VL_PDPT | PTE_P | PTE_W | PTE_U);
	for (i = 0; i < 4; i++) {
		vl_write64(vm, VL_PDPT + i * 8, (VL_PD + i * 4096) | PTE_P | PTE_W | PTE_U);
		vl_write64(vm, VL_PDPT_PAE + i * 8, (VL_PD + i * 4096) | PTE_P);
	}
	for (i = 0; i < 2048; i++)
		vl_write64(vm, VL_PD + i * 8, ((uint64_t)i << 21) | PTE_P | PTE_W | PTE_U | PTE_PS);
	for (i = 0; i < 1024; i++) {
		pde = (i << 22) | PTE_P | PTE_W | PTE_U | PTE_PS;
		memcpy(vm->ram + VL_PD32 + i * 4, &pde, 4);
	}
}

static void vl_build_gdt(struct vl_vm *vm)
{
	static const uint64_t gdt[] = {
		[VL_CS32 / 8] = 0x00cf9b000000ffff, [VL_DS / 8] = 0x00cf93000000ffff,
		[VL_CS64 / 8] = 0x00af9b000000ffff, [VL_CS16 / 8] = 0x00009b000000ffff,
		[VL_DS16 / 8] = 0x000093000000ffff, [VL_UCS64 / 8] = 0x00affb000000ffff,
		[VL_UDS / 8] = 0x00cff3000000ffff,
		[VL_TR / 8] = 0x00008b0000000067 | ((uint64_t)VL_TSS << 16), 0,
	};

	memcpy(vm->ram + VL_GDT, gdt, sizeof(gdt));
	/* RSP0 in 64 bits, and ESP0 with SS0 = 0 in 32: a stack at CPL 0. */
	memset(vm->ram + VL_TSS, 0, 0x68);
	vl_write64(vm, VL_TSS + 4, VL_STACK - 0x1000);
	vm->ram[VL_TSS + 0x66] = 0x68;
}

/* push ax; mov al, vector; out e9, al; pop ax; [drop the error code;] iret */
static void vl_build_stubs(struct vl_vm *vm, enum vl_mode mode)
{
	static const uint8_t drop32[] = { 0x83, 0xc4, 0x04 };
	static const uint8_t drop64[] = { 0x48, 0x83, 0xc4, 0x08 };
	uint64_t gate, stub;
	unsigned int i;
	uint8_t *p;

	for (i = 0; i < 256; i++) {
		stub = VL_STUBS + i * 16;
		p = vm->ram + stub;
		*p++ = 0x50;
		*p++ = 0xb0;
		*p++ = i;
		*p++ = 0xe6;
		*p++ = VL_PORT_VECTOR;
		*p++ = 0x58;
		if (mode == VL_REAL) {
			uint16_t ivt[2] = { i * 16, VL_STUBS >> 4 };

			*p = 0xcf;
			memcpy(vm->ram + i * 4, ivt, 4);
			continue;
		}
		if (vl_vector_has_error(i)) {
			memcpy(p, mode == VL_LONG ? drop64 : drop32, mode == VL_LONG ? 4 : 3);
			p += mode == VL_LONG ? 4 : 3;
		}
		if (mode == VL_LONG)
			*p++ = 0x48;
		*p = 0xcf;

		/* An interrupt gate of DPL 3, so that INT n works at any level. */
		gate = (stub & 0xffff) | (stub >> 16 << 48) | (0xeeULL << 40) |
		       ((mode == VL_LONG ? VL_CS64 : VL_CS32) << 16);
		if (mode == VL_LONG) {
			vl_write64(vm, VL_IDT + i * 16, gate);
			vl_write64(vm, VL_IDT + i * 16 + 8, 0);
		} else {
			vl_write64(vm, VL_IDT + i * 8, gate);
		}
	}
}

/* ------------------------------------------------------------ VM */

int vl_set_memory(struct vl_vm *vm, uint64_t gpa, uint64_t size, void *addr, uint32_t flags)
{
	struct vmx_lite_memory_region r = {
		.gpa = gpa, .size = size, .user_addr = (uintptr_t)addr, .flags = flags,
	};

	return vl_ioctl(vm->fd, VM_SET_MEMORY, &r);
}

int vl_unset_memory(struct vl_vm *vm, uint64_t gpa, uint64_t size)
{
	struct vmx_lite_memory_region r = { .gpa = gpa, .size = size };

	return vl_ioctl(vm->fd, VM_UNSET_MEMORY, &r);
}

void vl_vm_init(struct vl_vm *vm, size_t ram_size)
{
	struct vmx_lite_create_vm create = { .name = "test" };
	int ret;

	memset(vm, 0, sizeof(*vm));
	vm->dev = vl_open();
	vl_must(vm->dev, VMX_LITE_GET_INFO, &vm->info, "GET_INFO");
	vm->fd = ioctl(vm->dev, VMX_LITE_CREATE_VM, &create);
	if (vm->fd < 0)
		vl_die("CREATE_VM: %s", strerror(errno));

	vm->ram_size = ram_size < VL_RAM_MIN ? VL_RAM_MIN : ram_size;
	vm->ram = mmap(NULL, vm->ram_size, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (vm->ram == MAP_FAILED)
		vl_die("mmap: %s", strerror(errno));
	ret = vl_set_memory(vm, 0, vm->ram_size, vm->ram, 0);
	if (ret < 0)
		vl_die("SET_MEMORY: %s", strerror(-ret));
	vl_build_paging(vm);
	vl_build_gdt(vm);
}

void vl_vm_exit(struct vl_vm *vm)
{
	close(vm->fd);
	close(vm->dev);
	munmap(vm->ram, vm->ram_size);
}

/* ------------------------------------------------------------ vCPU */

static struct vmx_lite_segment vl_segment(uint16_t selector, uint32_t limit, uint32_t attr)
{
	return (struct vmx_lite_segment){ .selector = selector, .limit = limit, .attr = attr };
}

static void vl_mode_segs(enum vl_mode mode, struct vmx_lite_segs *s)
{
	memset(s, 0, sizeof(*s));
	if (mode == VL_REAL) {
		s->cs = vl_segment(0, 0xffff, AR_CODE16);
		s->ds = vl_segment(0, 0xffff, AR_DATA16);
		s->idtr.limit = 0x3ff;
	} else {
		s->cs = vl_segment(mode == VL_LONG ? VL_CS64 : VL_CS32, 0xffffffff,
				   mode == VL_LONG ? AR_CODE64 : AR_CODE32);
		s->ds = vl_segment(VL_DS, 0xffffffff, AR_DATA32);
		s->idtr.base = VL_IDT;
		s->idtr.limit = mode == VL_LONG ? 256 * 16 - 1 : 256 * 8 - 1;
	}
	s->es = s->ds;
	s->ss = s->ds;
	s->fs = s->ds;
	s->gs = s->ds;
	s->ldtr = vl_segment(0, 0xffff, AR_LDT | VMX_LITE_SEG_UNUSABLE);
	s->tr = vl_segment(VL_TR, 0x67, AR_TSS);
	s->tr.base = VL_TSS;
	s->gdtr.base = VL_GDT;
	s->gdtr.limit = VL_TR + 15;
}

void vl_set_mode(struct vl_vcpu *vcpu, enum vl_mode mode)
{
	struct vmx_lite_control c;
	struct vmx_lite_segs s;
	unsigned int i;

	vl_must(vcpu->fd, VM_GET_CONTROL, &c, "GET_CONTROL");
	c.cr0 = VL_CR0_ET | VL_CR0_NE | (mode == VL_REAL ? 0 : VL_CR0_PE);
	c.cr2 = 0;
	c.cr3 = 0;
	c.cr4 = 0;
	c.efer = 0;
	memset(c.pdpte, 0, sizeof(c.pdpte));
	if (mode >= VL_PAGED)
		c.cr0 |= VL_CR0_PG | VL_CR0_WP;
	switch (mode) {
	case VL_PAGED:
		c.cr3 = VL_PD32;
		c.cr4 = VL_CR4_PSE;
		break;
	case VL_PAE:
		c.cr3 = VL_PDPT_PAE;
		c.cr4 = VL_CR4_PAE;
		for (i = 0; i < 4; i++)
			c.pdpte[i] = vl_read64(vcpu->vm, VL_PDPT_PAE + i * 8);
		break;
	case VL_LONG:
		c.cr3 = VL_PML4;
		c.cr4 = VL_CR4_PAE;
		c.efer = VL_EFER_LME | VL_EFER_LMA | VL_EFER_NXE;
		break;
	default:
		break;
	}
	vl_mode_segs(mode, &s);
	vl_build_stubs(vcpu->vm, mode);
	vl_must(vcpu->fd, VM_SET_CONTROL, &c, "SET_CONTROL");
	vl_must(vcpu->fd, VM_SET_SEGS, &s, "SET_SEGS");
	vl_start(vcpu, VL_CODE, VL_FLAGS);
}

void vl_vcpu_init(struct vl_vcpu *vcpu, struct vl_vm *vm, uint32_t id, enum vl_mode mode)
{
	struct vmx_lite_create_vcpu create = { .id = id };
	struct vmx_lite_events events;

	vcpu->vm = vm;
	vcpu->fd = ioctl(vm->fd, VM_CREATE_VCPU, &create);
	if (vcpu->fd < 0)
		vl_die("CREATE_VCPU: %s", strerror(errno));
	vcpu->run = mmap(NULL, vm->info.run_size, PROT_READ | PROT_WRITE, MAP_SHARED,
			 vcpu->fd, 0);
	if (vcpu->run == MAP_FAILED)
		vl_die("mmap of a vCPU: %s", strerror(errno));
	vcpu->data = (uint8_t *)vcpu->run + vm->info.data_offset;

	vl_must(vcpu->fd, VM_GET_EVENTS, &events, "GET_EVENTS");
	events.activity = VMX_LITE_RUNNING;
	vl_must(vcpu->fd, VM_SET_EVENTS, &events, "SET_EVENTS");
	vl_set_mode(vcpu, mode);
	/* Tests want to see a HLT: those that wait for interrupts turn it off. */
	if (vl_set_cap(vcpu, VM_CAP_HALT_EXIT, 1))
		vl_die("VM_CAP_HALT_EXIT: %s", strerror(errno));
}

void vl_vcpu_exit(struct vl_vcpu *vcpu)
{
	munmap(vcpu->run, vcpu->vm->info.run_size);
	close(vcpu->fd);
}

void vl_get_regs(struct vl_vcpu *vcpu, struct vmx_lite_regs *regs)
{
	vl_must(vcpu->fd, VM_GET_REGS, regs, "GET_REGS");
}

void vl_set_regs(struct vl_vcpu *vcpu, const struct vmx_lite_regs *regs)
{
	vl_must(vcpu->fd, VM_SET_REGS, regs, "SET_REGS");
}

/* All registers 0 but these, and a stack. */
void vl_start(struct vl_vcpu *vcpu, uint64_t rip, uint64_t rflags)
{
	struct vmx_lite_regs regs = { .rip = rip, .rflags = rflags, .rsp = VL_STACK };

	vl_set_regs(vcpu, &regs);
}

int vl_set_cap(struct vl_vcpu *vcpu, uint32_t type, uint32_t value)
{
	struct vmx_lite_capability cap = { .type = type, .value = value };

	return vl_ioctl(vcpu->fd, VM_SET_CAPABILITY, &cap);
}

int vl_get_msr(struct vl_vcpu *vcpu, uint32_t index, uint64_t *value)
{
	struct vmx_lite_msr msr = { .index = index };
	struct vmx_lite_msrs msrs = { .count = 1, .entries = (uintptr_t)&msr };
	int ret = vl_ioctl(vcpu->fd, VM_GET_MSRS, &msrs);

	*value = msr.value;
	return ret;
}

int vl_set_msr(struct vl_vcpu *vcpu, uint32_t index, uint64_t value)
{
	struct vmx_lite_msr msr = { .index = index, .value = value };
	struct vmx_lite_msrs msrs = { .count = 1, .entries = (uintptr_t)&msr };

	return vl_ioctl(vcpu->fd, VM_SET_MSRS, &msrs);
}

/* @error below 0: without an error code */
int vl_inject(struct vl_vcpu *vcpu, uint8_t type, uint8_t vector, int error)
{
	struct vmx_lite_event event = {
		.vector = vector, .type = type,
		.error_valid = error >= 0, .error_code = error >= 0 ? error : 0,
	};

	return vl_ioctl(vcpu->fd, VM_INJECT, &event);
}

/* Give the vCPU all of what the module offers. */
void vl_host_cpuid(struct vl_vcpu *vcpu)
{
	struct vmx_lite_cpuid_entry entries[VMX_LITE_MAX_CPUID];
	struct vmx_lite_cpuid cpuid = {
		.count = VMX_LITE_MAX_CPUID, .entries = (uintptr_t)entries,
	};

	vl_must(vcpu->vm->dev, VMX_LITE_GET_CPUID, &cpuid, "GET_CPUID");
	vl_must(vcpu->fd, VM_SET_CPUID, &cpuid, "SET_CPUID");
}

void vl_stats(struct vl_vcpu *vcpu, struct vmx_lite_stats *stats)
{
	vl_must(vcpu->fd, VM_GET_STATS, stats, "GET_STATS");
}

/* ------------------------------------------------------------ running */

/* The exit reason, or -errno. */
int vl_run(struct vl_vcpu *vcpu)
{
	int ret = vl_ioctl(vcpu->fd, VM_RUN, 0);

	return ret < 0 ? ret : (int)vcpu->run->exit_reason;
}

void vl_describe(struct vl_vcpu *vcpu, int exit)
{
	struct vmx_lite_run *run = vcpu->run;
	struct vmx_lite_regs r = { 0 };
	unsigned int i;

	fprintf(stderr, "# exit %s at %#llx", vl_exit_name(exit), (unsigned long long)run->rip);
	switch (exit) {
	case VM_EXITCODE_INOUT:
		fprintf(stderr, " port %#x size %u flags %#x count %u data %#x", run->inout.port,
			run->inout.size, run->inout.flags, run->inout.count,
			*(uint32_t *)vcpu->data);
		break;
	case VM_EXITCODE_MMIO:
		fprintf(stderr, " gpa %#llx size %u write %u data %#llx", run->mmio.gpa,
			run->mmio.size, run->mmio.is_write, run->mmio.data);
		break;
	case VM_EXITCODE_RDMSR:
	case VM_EXITCODE_WRMSR:
		fprintf(stderr, " index %#x value %#llx", run->msr.index, run->msr.value);
		break;
	case VM_EXITCODE_DEBUG:
		fprintf(stderr, " vector %u dr6 %#llx", run->debug.vector, run->debug.dr6);
		break;
	case VM_EXITCODE_SUSPENDED:
		fprintf(stderr, " how %u", run->suspended.how);
		break;
	case VM_EXITCODE_FAIL_ENTRY:
		fprintf(stderr, " why %u reason %#x error %u qualification %#llx: %.96s",
			run->fail_entry.why, run->fail_entry.vmx_reason,
			run->fail_entry.insn_error, run->fail_entry.qualification,
			run->fail_entry.what);
		break;
	case VM_EXITCODE_INTERNAL:
		fprintf(stderr, " why %u reason %#x gpa %#llx gva %#llx error %d insn",
			run->internal.why, run->internal.vmx_reason, run->internal.gpa,
			run->internal.gva, run->internal.error);
		for (i = 0; i < run->internal.insn_len && i < 15; i++)
			fprintf(stderr, " %02x", run->internal.insn[i]);
		break;
	default:
		break;
	}
	if (!ioctl(vcpu->fd, VM_GET_REGS, &r))
		fprintf(stderr,
			"\n# rip %#llx flags %#llx ax %#llx bx %#llx cx %#llx dx %#llx sp %#llx",
			r.rip, r.rflags, r.rax, r.rbx, r.rcx, r.rdx, r.rsp);
	fputc('\n', stderr);
}

/* What vl_describe() leaves out: the mode, the tables, what is pending, how often it exited. */
void vl_describe_system(struct vl_vcpu *vcpu)
{
	struct vmx_lite_control c;
	struct vmx_lite_events e;
	struct vmx_lite_stats t;
	struct vmx_lite_segs s;
	unsigned int i;

	if (ioctl(vcpu->fd, VM_GET_CONTROL, &c) || ioctl(vcpu->fd, VM_GET_SEGS, &s) ||
	    ioctl(vcpu->fd, VM_GET_EVENTS, &e) || ioctl(vcpu->fd, VM_GET_STATS, &t))
		return;
	fprintf(stderr, "# cr0 %#llx cr2 %#llx cr3 %#llx cr4 %#llx efer %#llx apic_base %#llx\n",
		c.cr0, c.cr2, c.cr3, c.cr4, c.efer, c.apic_base);
	fprintf(stderr, "# cs %#x base %#llx ss %#x gdt %#llx limit %#x idt %#llx limit %#x\n",
		s.cs.selector, s.cs.base, s.ss.selector, s.gdtr.base, s.gdtr.limit, s.idtr.base,
		s.idtr.limit);
	if (vcpu->run->exit_reason == VM_EXITCODE_INOUT &&
	    vcpu->run->inout.port == VL_PORT_VECTOR) {
		struct vl_frame frame;

		vl_get_frame(vcpu, *(uint8_t *)vcpu->data, &frame);
		fprintf(stderr, "# error %#llx rip %#llx cs %#llx flags %#llx sp %#llx ss %#llx\n",
			(unsigned long long)frame.error, (unsigned long long)frame.rip,
			(unsigned long long)frame.cs, (unsigned long long)frame.rflags,
			(unsigned long long)frame.rsp, (unsigned long long)frame.ss);
	}
	fprintf(stderr, "# activity %u blocking %#x pending %u vector %u type %u nmis %u\n# exits",
		e.activity, e.interruptibility, e.pending_valid, e.pending.vector,
		e.pending.type, e.nmi_pending);
	for (i = 0; i < VMX_LITE_STAT_REASONS; i++)
		if (t.exits[i])
			fprintf(stderr, " %u:%llu", i, t.exits[i]);
	fputc('\n', stderr);
}

/* What the CPU pushed for @vector, whose stub is now in its OUT. */
void vl_get_frame(struct vl_vcpu *vcpu, uint8_t vector, struct vl_frame *frame)
{
	bool has_error = vl_vector_has_error(vector);
	struct vmx_lite_control c;
	struct vmx_lite_regs regs;
	uint64_t words[6] = { 0 };
	unsigned int i, size;
	uint8_t *p;

	vl_must(vcpu->fd, VM_GET_CONTROL, &c, "GET_CONTROL");
	vl_get_regs(vcpu, &regs);
	size = c.efer & VL_EFER_LMA ? 8 : c.cr0 & VL_CR0_PE ? 4 : 2;
	has_error &= size != 2;
	p = vcpu->vm->ram + regs.rsp + size;
	for (i = has_error ? 0 : 1; i < 6; i++, p += size)
		memcpy(&words[i], p, size);
	*frame = (struct vl_frame){ words[0], words[1], words[2], words[3], words[4], words[5] };
}

/* Make the stub of @vector return to @rip. */
void vl_set_frame_rip(struct vl_vcpu *vcpu, uint8_t vector, uint64_t rip)
{
	struct vmx_lite_control c;
	struct vmx_lite_regs regs;
	unsigned int size;

	vl_must(vcpu->fd, VM_GET_CONTROL, &c, "GET_CONTROL");
	vl_get_regs(vcpu, &regs);
	size = c.efer & VL_EFER_LMA ? 8 : c.cr0 & VL_CR0_PE ? 4 : 2;
	memcpy(vcpu->vm->ram + regs.rsp + size +
	       (size != 2 && vl_vector_has_error(vector) ? size : 0), &rip, size);
}

/* Write a swap header to @disk, whose data it destroys, and swap to it. */
void vl_swap_on(const char *disk)
{
	unsigned char header[4096] = { 0 };
	uint32_t words[3] = { 1, 0, 0 };	/* version, last page, bad pages */
	int fd = open(disk, O_RDWR);
	off_t size;

	if (fd < 0)
		vl_die("%s", disk);
	size = lseek(fd, 0, SEEK_END);
	words[1] = size / sizeof(header) - 1;
	memcpy(header + 1024, words, sizeof(words));
	memcpy(header + sizeof(header) - 10, "SWAPSPACE2", 10);
	if (size < 1 << 24 || pwrite(fd, header, sizeof(header), 0) != sizeof(header) ||
	    fsync(fd) || close(fd) || swapon(disk, 0))
		vl_die("swap on %s", disk);
}
