/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * libvmmapi: /dev/vmx-lite as a small C library, with the names of bhyve's.
 *
 * A function returns 0 or a negative errno unless it says otherwise, and
 * prints nothing.  A struct vmctx may be used by all threads; a struct vcpu
 * by one thread at a time, except vcpu_kick(), vm_inject_nmi() and vm_get_stats().
 */
#ifndef VMMAPI_H
#define VMMAPI_H

#include <stdbool.h>
#include <stddef.h>
#include <linux/vmx_lite.h>

#define VMX_LITE_DEV	"/dev/vmx-lite"

/* RAM ends here at the latest; from here to 4 GiB are devices. */
#define VM_LOWMEM_LIMIT		0xc0000000ULL
#define VM_HIGHMEM_BASE		0x100000000ULL

struct vmctx;
struct vcpu;

/* vm_get_register(), vm_set_register() */
enum vm_reg_name {
	VM_REG_GUEST_RAX, VM_REG_GUEST_RCX, VM_REG_GUEST_RDX, VM_REG_GUEST_RBX,
	VM_REG_GUEST_RSP, VM_REG_GUEST_RBP, VM_REG_GUEST_RSI, VM_REG_GUEST_RDI,
	VM_REG_GUEST_R8, VM_REG_GUEST_R9, VM_REG_GUEST_R10, VM_REG_GUEST_R11,
	VM_REG_GUEST_R12, VM_REG_GUEST_R13, VM_REG_GUEST_R14, VM_REG_GUEST_R15,
	VM_REG_GUEST_RIP, VM_REG_GUEST_RFLAGS,
	VM_REG_GUEST_CR0, VM_REG_GUEST_CR2, VM_REG_GUEST_CR3, VM_REG_GUEST_CR4,
	VM_REG_GUEST_CR8, VM_REG_GUEST_EFER, VM_REG_GUEST_XCR0,
	VM_REG_GUEST_PDPTE0, VM_REG_GUEST_PDPTE1, VM_REG_GUEST_PDPTE2,
	VM_REG_GUEST_PDPTE3,
	VM_REG_GUEST_DR0, VM_REG_GUEST_DR1, VM_REG_GUEST_DR2, VM_REG_GUEST_DR3,
	VM_REG_GUEST_DR6, VM_REG_GUEST_DR7,
	/* selectors; vm_get_desc() and vm_set_desc() take these and the tables */
	VM_REG_GUEST_ES, VM_REG_GUEST_CS, VM_REG_GUEST_SS, VM_REG_GUEST_DS,
	VM_REG_GUEST_FS, VM_REG_GUEST_GS, VM_REG_GUEST_LDTR, VM_REG_GUEST_TR,
	VM_REG_GUEST_GDTR, VM_REG_GUEST_IDTR,
	VM_REG_LAST
};

/* One register file as the kernel transfers it, for loaders and dumps. */
struct vcpu_state {
	struct vmx_lite_regs regs;
	struct vmx_lite_segs segs;
	struct vmx_lite_control control;
};

/* ---- the machine ---- */
int vm_open(const char *name, struct vmctx **ctxp);
void vm_destroy(struct vmctx *ctx);
int vm_get_info(struct vmctx *ctx, struct vmx_lite_info *info);
int vm_device_info(struct vmx_lite_info *info);
int vm_get_cpuid(struct vmctx *ctx, struct vmx_lite_cpuid_entry *entries,
		 unsigned int *count);
int vm_fd(struct vmctx *ctx);

int vm_setup_memory(struct vmctx *ctx, size_t size);
int vm_map_memory(struct vmctx *ctx, __u64 gpa, void *addr, size_t size, __u32 flags);
int vm_unmap_memory(struct vmctx *ctx, __u64 gpa, size_t size);
void *vm_map_gpa(struct vmctx *ctx, __u64 gpa, size_t len);
size_t vm_get_lowmem_size(struct vmctx *ctx);
size_t vm_get_highmem_size(struct vmctx *ctx);
int vm_get_dirty_log(struct vmctx *ctx, __u64 gpa, size_t size, void *bitmap,
		     bool clear);

int vm_ioapic_assert_irq(struct vmctx *ctx, int irq);
int vm_ioapic_deassert_irq(struct vmctx *ctx, int irq);
int vm_ioapic_pulse_irq(struct vmctx *ctx, int irq);
int vm_lapic_msi(struct vmctx *ctx, __u64 addr, __u64 msg);
int vm_irqfd(struct vmctx *ctx, const struct vmx_lite_irqfd *irqfd);
int vm_ioeventfd(struct vmctx *ctx, const struct vmx_lite_ioeventfd *ioeventfd);
int vm_suspend(struct vmctx *ctx, enum vmx_lite_suspend_how how);

/* ---- a virtual CPU ---- */
int vm_vcpu_open(struct vmctx *ctx, int vcpuid, struct vcpu **vcpup);
void vm_vcpu_close(struct vcpu *vcpu);
int vcpu_id(struct vcpu *vcpu);
int vcpu_fd(struct vcpu *vcpu);
struct vmx_lite_run *vcpu_run_page(struct vcpu *vcpu);
void *vcpu_io_data(struct vcpu *vcpu, size_t *size);
int vcpu_reset(struct vcpu *vcpu);
void vcpu_reset_state(struct vcpu_state *state);

int vm_run(struct vcpu *vcpu);
void vcpu_kick(struct vcpu *vcpu);

int vm_set_register(struct vcpu *vcpu, int reg, __u64 val);
int vm_get_register(struct vcpu *vcpu, int reg, __u64 *val);
int vm_set_desc(struct vcpu *vcpu, int reg, __u64 base, __u32 limit, __u32 access);
int vm_get_desc(struct vcpu *vcpu, int reg, __u64 *base, __u32 *limit, __u32 *access);
int vm_set_state(struct vcpu *vcpu, const struct vcpu_state *state);
int vm_get_state(struct vcpu *vcpu, struct vcpu_state *state);
int vm_set_msr(struct vcpu *vcpu, __u32 index, __u64 val);
int vm_get_msr(struct vcpu *vcpu, __u32 index, __u64 *val);
int vm_set_cpuid(struct vcpu *vcpu, const struct vmx_lite_cpuid_entry *entries,
		 unsigned int count);
int vm_set_activity(struct vcpu *vcpu, enum vmx_lite_activity activity);

int vm_gla2gpa(struct vcpu *vcpu, __u64 gla, __u32 access, __u64 *gpa, int *fault);
int vm_copyin(struct vcpu *vcpu, __u64 gla, void *buf, size_t len);
int vm_inject_exception(struct vcpu *vcpu, int vector, int errcode_valid,
			__u32 errcode);
int vm_inject_nmi(struct vcpu *vcpu);
int vm_inject_intr(struct vcpu *vcpu, int vector);

int vm_get_capability(struct vcpu *vcpu, enum vmx_lite_cap cap, int *val);
int vm_set_capability(struct vcpu *vcpu, enum vmx_lite_cap cap, int val);
int vm_capability_name2type(const char *name);
const char *vm_capability_type2name(int type);

int vm_get_stats(struct vcpu *vcpu, struct vmx_lite_stats *stats);
const char *vm_exit_reason_name(unsigned int basic_reason);

#endif /* VMMAPI_H */
