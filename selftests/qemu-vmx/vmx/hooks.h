/*
 * VMX emulation for TCG: what the rest of the x86 target calls.
 *
 * SPDX-License-Identifier: GPL-2.0-only
 */
#ifndef I386_VMX_HOOKS_H
#define I386_VMX_HOOKS_H

/* MSRs: false where the MSR is not VMX's; *fault asks for #GP(0) */
bool cpu_vmx_rdmsr(CPUX86State *env, uint32_t msr, uint64_t *val, bool *fault);
bool cpu_vmx_wrmsr(CPUX86State *env, uint32_t msr, uint64_t val, bool *fault);
/* All MSRs, in misc_helper.c: false asks for #GP(0) */
bool cpu_x86_rdmsr(CPUX86State *env, uint32_t msr, uint64_t *val);
bool cpu_x86_wrmsr(CPUX86State *env, uint32_t msr, uint64_t val);

/* Exits */
G_NORETURN void cpu_vmx_exit(CPUX86State *env, uint32_t reason,
                             uint64_t qualification, uintptr_t ra);
G_NORETURN void cpu_vmx_ept_exit(CPUX86State *env, uint64_t gla, uint64_t gpa,
                                 bool gla_valid, bool walk, uintptr_t ra);
G_NORETURN void cpu_vmx_triple_fault(CPUX86State *env, uintptr_t ra);
void cpu_vmx_task_switch(CPUX86State *env, uint16_t selector, int source,
                         uintptr_t ra);

/* Intercepts */
void cpu_vmx_intercept(CPUX86State *env, uint32_t svm_type, uint64_t param,
                       uintptr_t ra);
void cpu_vmx_check_io(CPUX86State *env, uint32_t port, uint32_t svm_param,
                      uintptr_t ra);
target_ulong cpu_vmx_read_cr(CPUX86State *env, int cr);
target_ulong cpu_vmx_write_cr(CPUX86State *env, int cr, target_ulong val,
                              uintptr_t ra);
bool cpu_vmx_read_tpr(CPUX86State *env, target_ulong *val);
bool cpu_vmx_write_tpr(CPUX86State *env, target_ulong val, uintptr_t ra);

/* Events */
bool cpu_vmx_exception_exits(CPUX86State *env, int vector, uint32_t error);
void cpu_vmx_check_exception(CPUX86State *env, int vector, uint32_t error,
                             uintptr_t ra);
void cpu_vmx_check_soft_int(CPUX86State *env, int vector, int length,
                            uintptr_t ra);
void cpu_vmx_check_breakpoints(CPUX86State *env);
void cpu_vmx_begin_event(CPUX86State *env, int vector, int is_int,
                         int error_code, int is_hw, target_ulong next_eip);
void cpu_vmx_end_event(CPUX86State *env);
bool cpu_vmx_take_interrupt(CPUX86State *env, int request);
void cpu_vmx_single_step(CPUX86State *env);
void cpu_vmx_enter_hlt(CPUX86State *env);

/* System management mode */
void cpu_vmx_enter_smm(CPUX86State *env);
void cpu_vmx_leave_smm(CPUX86State *env);

#endif
