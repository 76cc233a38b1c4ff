// SPDX-License-Identifier: GPL-2.0-only
/*
 * The vCPU's state: set and get of each group, what is refused, and the state
 * that a CPU would refuse to enter with (SDM vol. 3, 27.3.1).
 */
#include <kselftest_harness.h>

#include "vl.h"

#define BAD_POINTER		((void *)8)
#define NONCANONICAL		0x8000000000000000ULL
#define RESIZE(cmd, size)	(((cmd) & ~IOCSIZE_MASK) | ((unsigned long)(size) << IOCSIZE_SHIFT))

FIXTURE(state) {
	struct vl_vm vm;
	struct vl_vcpu vcpu;
};

FIXTURE_SETUP(state)
{
	vl_vm_init(&self->vm, 0);
	vl_vcpu_init(&self->vcpu, &self->vm, 0, VL_LONG);
	vl_load_bytes(&self->vm, VL_CODE, 0xf4);
}

FIXTURE_TEARDOWN(state)
{
	vl_vcpu_exit(&self->vcpu);
	vl_vm_exit(&self->vm);
}

/* ------------------------------------------------------------ every ioctl */

static const struct {
	const char *name;
	unsigned long cmd;
} ioctls[] = {
#define IOCTL(cmd)	{ #cmd, cmd }
	IOCTL(VM_GET_REGS), IOCTL(VM_SET_REGS), IOCTL(VM_GET_SEGS), IOCTL(VM_SET_SEGS),
	IOCTL(VM_GET_CONTROL), IOCTL(VM_SET_CONTROL), IOCTL(VM_GET_DEBUG), IOCTL(VM_SET_DEBUG),
	IOCTL(VM_GET_MSRS), IOCTL(VM_SET_MSRS), IOCTL(VM_GET_XSAVE), IOCTL(VM_SET_XSAVE),
	IOCTL(VM_GET_CPUID), IOCTL(VM_SET_CPUID), IOCTL(VM_TRANSLATE), IOCTL(VM_INJECT),
	IOCTL(VM_GET_EVENTS), IOCTL(VM_SET_EVENTS), IOCTL(VM_GET_LAPIC), IOCTL(VM_SET_LAPIC),
	IOCTL(VM_GET_CAPABILITY), IOCTL(VM_SET_CAPABILITY), IOCTL(VM_GET_TSC),
	IOCTL(VM_SET_TSC), IOCTL(VM_GET_STATS),
};

TEST_F(state, bad_pointers)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(ioctls); i++) {
		EXPECT_EQ(-EFAULT, vl_ioctl(self->vcpu.fd, ioctls[i].cmd, BAD_POINTER))
			TH_LOG("%s", ioctls[i].name);
		EXPECT_EQ(-EFAULT, vl_ioctl(self->vcpu.fd, ioctls[i].cmd, NULL))
			TH_LOG("%s", ioctls[i].name);
	}
}

/* A structure longer than ours whose tail says something we do not know. */
TEST_F(state, longer_structures)
{
	unsigned char buf[8192];
	unsigned int i, size;

	for (i = 0; i < ARRAY_SIZE(ioctls); i++) {
		if (!(_IOC_DIR(ioctls[i].cmd) & _IOC_WRITE))
			continue;
		memset(buf, 0, sizeof(buf));
		size = _IOC_SIZE(ioctls[i].cmd);
		buf[size] = 1;
		EXPECT_EQ(-E2BIG, vl_ioctl(self->vcpu.fd, RESIZE(ioctls[i].cmd, size + 8), buf))
			TH_LOG("%s", ioctls[i].name);
	}
}

TEST_F(state, wrong_descriptor)
{
	unsigned char buf[8192] = { 0 };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(ioctls); i++) {
		EXPECT_EQ(-ENOTTY, vl_ioctl(self->vm.fd, ioctls[i].cmd, buf))
			TH_LOG("%s", ioctls[i].name);
		EXPECT_EQ(-ENOTTY, vl_ioctl(self->vm.dev, ioctls[i].cmd, buf))
			TH_LOG("%s", ioctls[i].name);
	}
	EXPECT_EQ(-ENOTTY, vl_ioctl(self->vcpu.fd, VM_SET_MEMORY, buf));
	EXPECT_EQ(-ENOTTY, vl_ioctl(self->vcpu.fd, VMX_LITE_GET_INFO, buf));
}

TEST_F(state, unknown_ioctls)
{
	unsigned char buf[8192] = { 0 };
	unsigned int nr;

	for (nr = 0; nr < 256; nr++) {
		if (nr >= 0x40 && nr <= 0x59)
			continue;
		EXPECT_EQ(-ENOTTY, vl_ioctl(self->vcpu.fd, _IO(VMX_LITE_IOC, nr), buf));
		EXPECT_EQ(-ENOTTY, vl_ioctl(self->vcpu.fd, _IOWR(VMX_LITE_IOC, nr, buf), buf));
	}
}

/* ------------------------------------------------------------ a new vCPU */

/* SDM vol. 3, table 10-1: the state after power-up. */
TEST_F(state, reset)
{
	struct vl_vcpu vcpu = { .vm = &self->vm };
	struct vmx_lite_create_vcpu create = { .id = 1 };
	struct vmx_lite_events events;
	struct vmx_lite_control c;
	struct vmx_lite_debug d;
	struct vmx_lite_regs r;
	struct vmx_lite_segs s;
	struct vmx_lite_segment *data[] = { &s.ds, &s.es, &s.ss, &s.fs, &s.gs };
	unsigned int i;

	vcpu.fd = vl_ioctl(self->vm.fd, VM_CREATE_VCPU, &create);
	ASSERT_LE(0, vcpu.fd);
	vl_get_regs(&vcpu, &r);
	EXPECT_EQ(0xfff0, r.rip);
	EXPECT_EQ(VL_FLAGS, r.rflags);
	EXPECT_EQ(0, r.rax);
	EXPECT_EQ(0, r.rsp);
	EXPECT_EQ(0, r.r15);
	ASSERT_EQ(0, vl_ioctl(vcpu.fd, VM_GET_CONTROL, &c));
	EXPECT_EQ(VL_CR0_ET | VL_CR0_NW | VL_CR0_CD, c.cr0 & ~VL_CR0_NE);
	EXPECT_EQ(0, c.cr2);
	EXPECT_EQ(0, c.cr3);
	EXPECT_EQ(0, c.cr4);
	EXPECT_EQ(0, c.cr8);
	EXPECT_EQ(0, c.efer);
	EXPECT_EQ(1, c.xcr0);
	/* Not the bootstrap processor. */
	EXPECT_EQ(VL_LAPIC | 0x800, c.apic_base);
	ASSERT_EQ(0, vl_ioctl(vcpu.fd, VM_GET_SEGS, &s));
	EXPECT_EQ(0xf000, s.cs.selector);
	EXPECT_EQ(0xffff0000, s.cs.base);
	EXPECT_EQ(0xffff, s.cs.limit);
	EXPECT_EQ(0x9b, s.cs.attr);
	for (i = 0; i < ARRAY_SIZE(data); i++) {
		EXPECT_EQ(0, data[i]->selector);
		EXPECT_EQ(0, data[i]->base);
		EXPECT_EQ(0xffff, data[i]->limit);
		EXPECT_EQ(0x93, data[i]->attr);
	}
	EXPECT_EQ(0, s.gdtr.base);
	EXPECT_EQ(0xffff, s.gdtr.limit);
	EXPECT_EQ(0, s.idtr.base);
	EXPECT_EQ(0xffff, s.idtr.limit);
	ASSERT_EQ(0, vl_ioctl(vcpu.fd, VM_GET_DEBUG, &d));
	EXPECT_EQ(0xffff0ff0, d.dr6);
	EXPECT_EQ(0x400, d.dr7);
	ASSERT_EQ(0, vl_ioctl(vcpu.fd, VM_GET_EVENTS, &events));
	EXPECT_EQ(VMX_LITE_WAIT_SIPI, events.activity);
	EXPECT_EQ(0, events.pending_valid);
	EXPECT_EQ(0, events.interruptibility);
	close(vcpu.fd);
}

TEST_F(state, reset_bsp)
{
	struct vmx_lite_control c;
	struct vl_vcpu vcpu;
	struct vl_vm vm;

	/* The fixture's vCPU 0 has its APIC base from reset. */
	ASSERT_EQ(0, vl_ioctl(self->vcpu.fd, VM_GET_CONTROL, &c));
	EXPECT_EQ(VL_LAPIC | 0x900, c.apic_base);

	/* At reset it starts at the top of the first 4 GiB. */
	vl_vm_init(&vm, 0);
	ASSERT_EQ(0, vl_set_memory(&vm, 0xffff0000, 0x10000, vm.ram + 0x100000, 0));
	memcpy(vm.ram + 0x10fff0, "\xe6\xf1\xf4", 3);	/* out f1, al; hlt */
	vcpu.vm = &vm;
	vcpu.fd = vl_ioctl(vm.fd, VM_CREATE_VCPU, &(struct vmx_lite_create_vcpu){ .id = 0 });
	ASSERT_LE(0, vcpu.fd);
	vcpu.run = mmap(NULL, vm.info.run_size, PROT_READ | PROT_WRITE, MAP_SHARED, vcpu.fd, 0);
	ASSERT_NE(MAP_FAILED, vcpu.run);
	vcpu.data = (uint8_t *)vcpu.run + vm.info.data_offset;
	ASSERT_OUT(0xf1, 0, &vcpu);
	vl_vcpu_exit(&vcpu);
	vl_vm_exit(&vm);
}

/* ------------------------------------------------------------ set, then get */

TEST_F(state, control)
{
	struct vmx_lite_control in, out;

	ASSERT_EQ(0, vl_ioctl(self->vcpu.fd, VM_GET_CONTROL, &in));
	in.cr0 |= VL_CR0_MP | VL_CR0_TS;
	in.cr2 = 0x123456789abcULL;
	in.cr4 |= VL_CR4_PSE | VL_CR4_OSFXSR;
	in.cr8 = 9;
	ASSERT_EQ(0, vl_ioctl(self->vcpu.fd, VM_SET_CONTROL, &in));
	ASSERT_EQ(0, vl_ioctl(self->vcpu.fd, VM_GET_CONTROL, &out));
	EXPECT_EQ(in.cr0, out.cr0);
	EXPECT_EQ(in.cr2, out.cr2);
	EXPECT_EQ(in.cr3, out.cr3);
	EXPECT_EQ(in.cr4, out.cr4);
	EXPECT_EQ(in.cr8, out.cr8);
	EXPECT_EQ(in.efer, out.efer);
	EXPECT_EQ(in.xcr0, out.xcr0);
	EXPECT_EQ(in.apic_base, out.apic_base);
	ASSERT_EXIT(VM_EXITCODE_HLT, &self->vcpu);
	ASSERT_EQ(0, vl_ioctl(self->vcpu.fd, VM_GET_CONTROL, &out));
	EXPECT_EQ(0, memcmp(&in, &out, offsetof(struct vmx_lite_control, pdpte)));
}

VL_GUEST(read_crs, 64,
	 "mov %cr0, %rax; mov %cr2, %rbx; mov %cr3, %rcx; mov %cr4, %rdx; mov %cr8, %rsi; hlt");

/* What is set is what the guest reads: no bit of ours shines through. */
TEST_F(state, guest_reads_control)
{
	struct vmx_lite_control c;
	struct vmx_lite_regs r;

	vl_load(&self->vm, VL_CODE, read_crs);
	ASSERT_EQ(0, vl_ioctl(self->vcpu.fd, VM_GET_CONTROL, &c));
	c.cr0 &= ~(VL_CR0_NE | VL_CR0_WP);
	c.cr2 = 0xfffff00012345678ULL;
	c.cr8 = 5;
	ASSERT_EQ(0, vl_ioctl(self->vcpu.fd, VM_SET_CONTROL, &c));
	ASSERT_EXIT(VM_EXITCODE_HLT, &self->vcpu);
	vl_get_regs(&self->vcpu, &r);
	EXPECT_EQ(VL_CR0_PG | VL_CR0_ET | VL_CR0_PE, r.rax);
	EXPECT_EQ(c.cr2, r.rbx);
	EXPECT_EQ(VL_PML4, r.rcx);
	EXPECT_EQ(VL_CR4_PAE, r.rdx);
	EXPECT_EQ(5, r.rsi);
}

TEST_F(state, segs)
{
	struct vmx_lite_segs in, out;

	ASSERT_EQ(0, vl_ioctl(self->vcpu.fd, VM_GET_SEGS, &in));
	in.fs.base = 0xffff800012345000ULL;
	in.gs.base = 0x00007fff12345000ULL;
	in.tr.base = 0xffff888000001000ULL;
	in.gdtr.base = 0xfffffe0000001000ULL;
	in.gdtr.limit = 0x7f;
	in.idtr.base = 0xfffffe0000000000ULL;
	in.idtr.limit = 0xfff;
	in.es = (struct vmx_lite_segment){ .attr = VMX_LITE_SEG_UNUSABLE };
	in.ldtr = (struct vmx_lite_segment){ .base = 0x5000, .limit = 0x27, .attr = 0x82,
					     .selector = 0x40 };
	ASSERT_EQ(0, vl_ioctl(self->vcpu.fd, VM_SET_SEGS, &in));
	ASSERT_EQ(0, vl_ioctl(self->vcpu.fd, VM_GET_SEGS, &out));
	EXPECT_EQ(0, memcmp(&in, &out, sizeof(in)));
	ASSERT_EXIT(VM_EXITCODE_HLT, &self->vcpu);
	ASSERT_EQ(0, vl_ioctl(self->vcpu.fd, VM_GET_SEGS, &out));
	EXPECT_EQ(0, memcmp(&in, &out, sizeof(in)));
}

TEST_F(state, debug)
{
	/* DR6's and DR7's fixed bits: SDM vol. 3, 18.2. */
	struct vmx_lite_debug in = { 0x1000, 0xffff800000000000ULL, 3, 4, 0xffff0ff3, 0x455 }, out;

	ASSERT_EQ(0, vl_ioctl(self->vcpu.fd, VM_SET_DEBUG, &in));
	ASSERT_EQ(0, vl_ioctl(self->vcpu.fd, VM_GET_DEBUG, &out));
	EXPECT_EQ(0, memcmp(&in, &out, sizeof(in)));
	in.dr7 = 1ULL << 32;
	EXPECT_EQ(-EINVAL, vl_ioctl(self->vcpu.fd, VM_SET_DEBUG, &in));
	in.dr7 = 0x400;
	in.dr6 = 1ULL << 32;
	EXPECT_EQ(-EINVAL, vl_ioctl(self->vcpu.fd, VM_SET_DEBUG, &in));
	ASSERT_EQ(0, vl_ioctl(self->vcpu.fd, VM_GET_DEBUG, &out));
	EXPECT_EQ(0x455, out.dr7);
	EXPECT_EQ(0xffff0ff3, out.dr6);
}

TEST_F(state, events)
{
	struct vmx_lite_events in, out;

	ASSERT_EQ(0, vl_ioctl(self->vcpu.fd, VM_GET_EVENTS, &in));
	EXPECT_EQ(0, in.pending_valid);
	EXPECT_EQ(0, in.nmi_pending);
	EXPECT_EQ(VMX_LITE_RUNNING, in.activity);
	in.pending = (struct vmx_lite_event){ .vector = 13, .type = VMX_LITE_EVENT_EXCEPTION,
					      .error_valid = 1, .error_code = 0x58 };
	in.pending_valid = 1;
	in.nmi_pending = 1;
	in.interruptibility = VMX_LITE_BLOCK_NMI;
	ASSERT_EQ(0, vl_ioctl(self->vcpu.fd, VM_SET_EVENTS, &in));
	ASSERT_EQ(0, vl_ioctl(self->vcpu.fd, VM_GET_EVENTS, &out));
	EXPECT_EQ(0, memcmp(&in, &out, sizeof(in)));
	/* The exception comes first; the NMI waits for IRET. */
	ASSERT_VECTOR(13, &self->vcpu);
}

/* ------------------------------------------------------------ refused */

/*
 * State no CPU runs with: either the ioctl says EINVAL and nothing changes,
 * or the run ends with FAIL_ENTRY and the name of what is wrong.
 */
static void expect_refused(struct __test_metadata *_metadata, struct vl_vcpu *vcpu, int ret,
			   const char *what)
{
	int exit;

	if (ret == -EINVAL)
		return;
	ASSERT_EQ(0, ret) TH_LOG("%s", what);
	exit = vl_run(vcpu);
	EXPECT_EQ(VM_EXITCODE_FAIL_ENTRY, exit) {
		TH_LOG("%s: neither refused nor a failed entry", what);
		vl_describe(vcpu, exit);
	}
	if (exit != VM_EXITCODE_FAIL_ENTRY)
		return;
	EXPECT_NE(0, vcpu->run->fail_entry.why) TH_LOG("%s", what);
	EXPECT_NE(0, vcpu->run->fail_entry.what[0]) TH_LOG("%s: no name", what);
	EXPECT_NE(NULL, memchr(vcpu->run->fail_entry.what, 0,
			       sizeof(vcpu->run->fail_entry.what)));
}

/* What was refused left the vCPU as it was: it still runs. */
static void still_runs(struct __test_metadata *_metadata, struct vl_vcpu *vcpu)
{
	vl_set_mode(vcpu, VL_LONG);
	ASSERT_EXIT(VM_EXITCODE_HLT, vcpu);
}

#define OFF(field)	offsetof(struct vmx_lite_control, field)
static const struct {
	const char *what;
	size_t offset;
	uint64_t set, clear;
} bad_control[] = {
	{ "CR0.PG without PE", OFF(cr0), VL_CR0_PG, VL_CR0_PE },
	{ "CR0.NW without CD", OFF(cr0), VL_CR0_NW, VL_CR0_CD },
	{ "CR0 bit 32", OFF(cr0), 1ULL << 32, 0 },
	{ "CR0 bit 63", OFF(cr0), 1ULL << 63, 0 },
	{ "CR4.VMXE", OFF(cr4), 1 << 13, 0 },
	{ "CR4 bit 15", OFF(cr4), 1 << 15, 0 },
	{ "CR4 bit 32", OFF(cr4), 1ULL << 32, 0 },
	{ "CR4 bit 63", OFF(cr4), 1ULL << 63, 0 },
	{ "long mode without CR4.PAE", OFF(cr4), 0, VL_CR4_PAE },
	{ "CR3 beyond the width", OFF(cr3), 1ULL << 52, 0 },
	{ "CR3 bit 63", OFF(cr3), 1ULL << 63, 0 },
	{ "CR8 of 16", OFF(cr8), 16, 0 },
	{ "EFER bit 1", OFF(efer), 2, 0 },
	{ "EFER bit 32", OFF(efer), 1ULL << 32, 0 },
	{ "EFER.LMA without LME", OFF(efer), 0, VL_EFER_LME },
	{ "XCR0 without x87", OFF(xcr0), 0, 1 },
	{ "XCR0: AVX without SSE", OFF(xcr0), 4, 2 },
	{ "XCR0 bit 63", OFF(xcr0), 1ULL << 63, 0 },
	{ "APIC base bit 0", OFF(apic_base), 1, 0 },
	{ "APIC base bit 52", OFF(apic_base), 1ULL << 52, 0 },
	{ "x2APIC with the APIC off", OFF(apic_base), 1 << 10, 1 << 11 },
};

TEST_F(state, control_bad)
{
	struct vmx_lite_control good, bad, after;
	uint64_t *field;
	unsigned int i;
	int ret;

	ASSERT_EQ(0, vl_ioctl(self->vcpu.fd, VM_GET_CONTROL, &good));
	for (i = 0; i < ARRAY_SIZE(bad_control); i++) {
		bad = good;
		field = (uint64_t *)((char *)&bad + bad_control[i].offset);
		*field = (*field & ~bad_control[i].clear) | bad_control[i].set;
		bad.cr2 = 0x1111;
		ret = vl_ioctl(self->vcpu.fd, VM_SET_CONTROL, &bad);
		expect_refused(_metadata, &self->vcpu, ret, bad_control[i].what);
		if (ret == -EINVAL) {
			ASSERT_EQ(0, vl_ioctl(self->vcpu.fd, VM_GET_CONTROL, &after));
			EXPECT_EQ(0, memcmp(&good, &after, sizeof(good)))
				TH_LOG("%s: something changed", bad_control[i].what);
		} else {
			ASSERT_EQ(0, vl_ioctl(self->vcpu.fd, VM_SET_CONTROL, &good));
			vl_start(&self->vcpu, VL_CODE, VL_FLAGS);
		}
	}
	still_runs(_metadata, &self->vcpu);
}

/* SDM vol. 3, 4.4.1: bits 2:1, 8:5 and those beyond the width are reserved in a PDPTE. */
TEST_F(state, pdpte_bad)
{
	static const uint64_t bad[] = { 2, 4, 0x20, 0x80, 0x100, 1ULL << 52, 1ULL << 63 };
	struct vmx_lite_control c;
	unsigned int i;

	vl_set_mode(&self->vcpu, VL_PAE);
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		ASSERT_EQ(0, vl_ioctl(self->vcpu.fd, VM_GET_CONTROL, &c));
		c.pdpte[i % 4] |= bad[i];
		expect_refused(_metadata, &self->vcpu,
			       vl_ioctl(self->vcpu.fd, VM_SET_CONTROL, &c),
			       "reserved bit of a PDPTE");
		vl_set_mode(&self->vcpu, VL_PAE);
	}
	ASSERT_EXIT(VM_EXITCODE_HLT, &self->vcpu);
}

#define SEG(what, reg, member, value)					\
	{ what, offsetof(struct vmx_lite_segs, reg.member),		\
	  sizeof(((struct vmx_lite_segs *)0)->reg.member), value }
static const struct {
	const char *what;
	size_t offset, size;
	uint64_t value;
} bad_segs[] = {
	SEG("CS is data", cs, attr, 0xa091),
	SEG("CS is not present", cs, attr, 0xa01b),
	SEG("CS is a system segment", cs, attr, 0xa08b),
	SEG("CS has L and D", cs, attr, 0xe09b),
	SEG("CS is unusable", cs, attr, 0x1a09b),
	SEG("CS.DPL is not SS.DPL", cs, attr, 0xa0fb),
	SEG("CS.base beyond 32 bits", cs, base, 1ULL << 32),
	SEG("reserved bit 8 of CS.attr", cs, attr, 0xa19b),
	SEG("reserved bit 17 of CS.attr", cs, attr, 0x2a09b),
	SEG("CS.limit with G, low bits 0", cs, limit, 0xfffff000),
	SEG("SS is code", ss, attr, 0xc09b),
	SEG("SS is read-only", ss, attr, 0xc091),
	SEG("SS is not present", ss, attr, 0xc013),
	SEG("SS.base beyond 32 bits", ss, base, 1ULL << 32),
	SEG("DS is not accessed", ds, attr, 0xc092),
	SEG("DS is execute-only code", ds, attr, 0xc099),
	SEG("DS.limit without G", ds, attr, 0x4093),
	SEG("ES.base beyond 32 bits", es, base, 1ULL << 32),
	SEG("FS.base is not canonical", fs, base, NONCANONICAL),
	SEG("GS.base is not canonical", gs, base, NONCANONICAL),
	SEG("TR is unusable", tr, attr, 0x1008b),
	SEG("TR is not busy", tr, attr, 0x89),
	SEG("TR is no TSS", tr, attr, 0x9b),
	SEG("TR is not present", tr, attr, 0x0b),
	SEG("TR is in the LDT", tr, selector, 0x44),
	SEG("TR.base is not canonical", tr, base, NONCANONICAL),
	SEG("LDTR is no LDT", ldtr, attr, 0x83),
	SEG("LDTR is not present", ldtr, attr, 0x02),
	SEG("GDTR.base is not canonical", gdtr, base, NONCANONICAL),
	SEG("IDTR.base is not canonical", idtr, base, NONCANONICAL),
};

TEST_F(state, segs_bad)
{
	struct vmx_lite_segs good, bad;
	unsigned int i;

	ASSERT_EQ(0, vl_ioctl(self->vcpu.fd, VM_GET_SEGS, &good));
	for (i = 0; i < ARRAY_SIZE(bad_segs); i++) {
		bad = good;
		memcpy((char *)&bad + bad_segs[i].offset, &bad_segs[i].value, bad_segs[i].size);
		expect_refused(_metadata, &self->vcpu,
			       vl_ioctl(self->vcpu.fd, VM_SET_SEGS, &bad),
			       bad_segs[i].what);
		ASSERT_EQ(0, vl_ioctl(self->vcpu.fd, VM_SET_SEGS, &good));
		vl_start(&self->vcpu, VL_CODE, VL_FLAGS);
	}
	bad = good;
	bad.ds.pad[1] = 1;
	EXPECT_EQ(-EINVAL, vl_ioctl(self->vcpu.fd, VM_SET_SEGS, &bad));
	bad = good;
	bad.idtr.pad[0] = 1;
	EXPECT_EQ(-EINVAL, vl_ioctl(self->vcpu.fd, VM_SET_SEGS, &bad));
	still_runs(_metadata, &self->vcpu);
}

static const struct {
	const char *what;
	enum vl_mode mode;
	uint64_t rip, rflags;
} bad_regs[] = {
	{ "RFLAGS bit 3", VL_LONG, VL_CODE, VL_FLAGS | 1 << 3 },
	{ "RFLAGS bit 15", VL_LONG, VL_CODE, VL_FLAGS | 1 << 15 },
	{ "RFLAGS bit 22", VL_LONG, VL_CODE, VL_FLAGS | 1 << 22 },
	{ "RFLAGS bit 63", VL_LONG, VL_CODE, VL_FLAGS | 1ULL << 63 },
	{ "RFLAGS.VM in long mode", VL_LONG, VL_CODE, VL_FLAGS | 1 << 17 },
	{ "RIP is not canonical", VL_LONG, NONCANONICAL, VL_FLAGS },
	{ "RIP beyond 32 bits in 32-bit code", VL_PROT, 1ULL << 32, VL_FLAGS },
};

TEST_F(state, regs_bad)
{
	struct vmx_lite_regs regs = { .rsp = VL_STACK };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(bad_regs); i++) {
		vl_set_mode(&self->vcpu, bad_regs[i].mode);
		regs.rip = bad_regs[i].rip;
		regs.rflags = bad_regs[i].rflags;
		expect_refused(_metadata, &self->vcpu,
			       vl_ioctl(self->vcpu.fd, VM_SET_REGS, &regs),
			       bad_regs[i].what);
		vl_start(&self->vcpu, VL_CODE, VL_FLAGS);
	}
	still_runs(_metadata, &self->vcpu);

	/* Bit 1 of RFLAGS is 1, whatever is said: SDM vol. 1, 3.4.3. */
	regs.rip = VL_CODE;
	regs.rflags = 0;
	ASSERT_EQ(0, vl_ioctl(self->vcpu.fd, VM_SET_REGS, &regs));
	vl_get_regs(&self->vcpu, &regs);
	EXPECT_EQ(VL_FLAGS, regs.rflags);
}

static const struct {
	const char *what;
	struct vmx_lite_events e;
} bad_events[] = {
	{ "interruptibility bit 2 (SMI)", { .interruptibility = 1 << 2 } },
	{ "interruptibility bit 5", { .interruptibility = 1 << 5 } },
	{ "STI and MOV SS at once", { .interruptibility = VMX_LITE_BLOCK_STI |
				      VMX_LITE_BLOCK_MOV_SS } },
	{ "STI blocking with IF = 0", { .interruptibility = VMX_LITE_BLOCK_STI } },
	{ "activity 2 (shutdown)", { .activity = 2 } },
	{ "activity 4", { .activity = 4 } },
	{ "halted with MOV SS blocking", { .activity = VMX_LITE_HALTED,
					   .interruptibility = VMX_LITE_BLOCK_MOV_SS } },
	{ "3 NMIs", { .nmi_pending = 3 } },
	{ "pending_valid 2", { .pending_valid = 2 } },
	{ "event type 1", { .pending_valid = 1, .pending = { .vector = 3, .type = 1 } } },
	{ "event type 7", { .pending_valid = 1, .pending = { .vector = 3, .type = 7 } } },
	{ "NMI that is not 2", { .pending_valid = 1,
				 .pending = { .vector = 3, .type = VMX_LITE_EVENT_NMI } } },
	{ "exception 32", { .pending_valid = 1,
			    .pending = { .vector = 32, .type = VMX_LITE_EVENT_EXCEPTION } } },
	{ "#GP without error code", { .pending_valid = 1,
			    .pending = { .vector = 13, .type = VMX_LITE_EVENT_EXCEPTION } } },
	{ "#UD with error code", { .pending_valid = 1,
			    .pending = { .vector = 6, .type = VMX_LITE_EVENT_EXCEPTION,
					 .error_valid = 1 } } },
	{ "interrupt with error code", { .pending_valid = 1,
			    .pending = { .vector = 32, .type = VMX_LITE_EVENT_INTR,
					 .error_valid = 1 } } },
	{ "software interrupt of 16 bytes", { .pending_valid = 1, .insn_len = 16,
			    .pending = { .vector = 32, .type = VMX_LITE_EVENT_SOFT_INT } } },
	{ "an interrupt behind nothing", { .intr_valid = 1, .intr_vector = 0x30 } },
	{ "a vector without its interrupt", { .intr_vector = 0x30 } },
	{ "padding", { .pad = { 0, 1 } } },
	{ "padding of the event", { .pending = { .pad = 1 } } },
	{ "pending debug bit 5", { .pending_debug = 1 << 5 } },
	{ "pending debug bit 63", { .pending_debug = 1ULL << 63 } },
};

TEST_F(state, events_bad)
{
	struct vmx_lite_events good;
	unsigned int i;

	ASSERT_EQ(0, vl_ioctl(self->vcpu.fd, VM_GET_EVENTS, &good));
	for (i = 0; i < ARRAY_SIZE(bad_events); i++) {
		expect_refused(_metadata, &self->vcpu,
			       vl_ioctl(self->vcpu.fd, VM_SET_EVENTS, &bad_events[i].e),
			       bad_events[i].what);
		ASSERT_EQ(0, vl_ioctl(self->vcpu.fd, VM_SET_EVENTS, &good));
		vl_start(&self->vcpu, VL_CODE, VL_FLAGS);
	}
	still_runs(_metadata, &self->vcpu);
}

TEST_HARNESS_MAIN
