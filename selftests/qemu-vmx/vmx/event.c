/*
 * Events in VMX non-root operation: injection (27.6), exceptions and their
 * exits (26.2), IDT vectoring (28.2.4), windows, interrupts, NMIs, INIT, SMIs.
 *
 * SPDX-License-Identifier: GPL-2.0-only
 */
#include "qemu/osdep.h"
#include "qemu/main-loop.h"
#include "exec/exec-all.h"
#include "exec/helper-proto.h"
#include "vmx.h"

/* DR6 bits that the exit qualification and pending debug exceptions share */
#define DEBUG_BITS  (VMCS_PENDING_DBG_B_MASK | 0x2000 | VMCS_PENDING_DBG_BS)

/* interrupt_request belongs to other threads too: the BQL guards changes */
void vmx_irq_request(CPUX86State *env, uint32_t set, uint32_t clear)
{
    CPUState *cs = env_cpu(env);
    bool locked = qemu_mutex_iothread_locked();

    if (!set && !(cs->interrupt_request & clear)) {
        return;
    }
    if (!locked) {
        qemu_mutex_lock_iothread();
    }
    cs->interrupt_request = (cs->interrupt_request & ~clear) | set;
    if (!locked) {
        qemu_mutex_unlock_iothread();
    }
}

/* Bits 31:8 of the information about the event (25.9.2) */
static uint32_t event_info(CPUX86State *env, int vector, uint32_t type)
{
    uint32_t info = vector | type | VMCS_INTR_VALID;

    if (type == VMCS_INTR_T_HWEXCEPTION && (env->cr[0] & CR0_PE_MASK) &&
        exception_has_error_code(vector)) {
        info |= VMCS_INTR_DEL_ERRCODE;
    }
    return info;
}

/*
 * Injection
 */

/* An exception while this one is delivered may make a double fault of both */
static void note_contributory(CPUX86State *env, int vector)
{
    if (vector == EXCP00_DIVZ || vector == EXCP08_DBLE ||
        (vector >= EXCP0A_TSS && vector <= EXCP0E_PAGE)) {
        env->old_exception = vector;
    }
}

static void inject(CPUX86State *env, uint32_t info)
{
    CPUState *cs = env_cpu(env);
    uint32_t type = info & VMCS_INTR_T_MASK;
    int vector = info & VMCS_INTR_VECTOR;

    if (type == VMCS_INTR_T_OTHER) {
        env->vmx.mtf_pending = true;
        vmx_irq_request(env, CPU_INTERRUPT_VIRQ, 0);
        return;
    }
    env->vmx.halted = false;
    env->vmx.injecting = true;
    env->vmx.vec_info = info;
    env->vmx.vec_err = vmx_read(env, VMCS_ENTRY_EXCEPTION_ERROR);
    env->vmx.vec_len = vmx_read(env, VMCS_ENTRY_INST_LENGTH);
    /* Injection is not subject to blocking, and ends it (27.6.1.1) */
    env->hflags &= ~HF_INHIBIT_IRQ_MASK;
    switch (type) {
    case VMCS_INTR_T_NMI:
        env->hflags2 |= HF2_NMI_MASK;
        /* fall through */
    case VMCS_INTR_T_HWINTR:
        do_interrupt_x86_hardirq(env, vector, 1);
        return;
    case VMCS_INTR_T_HWEXCEPTION:
        note_contributory(env, vector);
        env->exception_is_int = 0;
        env->error_code = env->vmx.vec_err;
        break;
    case VMCS_INTR_T_PRIV_SWEXCEPTION:
        /* No privilege check: an exception, but one after its instruction */
        env->exception_is_int = 0;
        env->error_code = 0;
        env->eip += env->vmx.vec_len;
        break;
    default:
        env->exception_is_int = 1;
        env->error_code = 0;
        env->exception_next_eip = env->eip + env->vmx.vec_len;
        break;
    }
    cs->exception_index = vector;
    cpu_loop_exit(cs);
}

/* A debug exception that exits leaves DR6 as it was (28.1) */
static void check_debug(CPUX86State *env, uint32_t dr6)
{
    if (cpu_vmx_exception_exits(env, EXCP01_DB, 0)) {
        vmx_exit_event(env, EXIT_REASON_EXCEPTION, dr6 & DEBUG_BITS,
                       event_info(env, EXCP01_DB, VMCS_INTR_T_HWEXCEPTION),
                       0, 0);
    }
}

/* 27.7.3: a debug trap that was pending when the guest was left */
static void raise_pending_debug(CPUX86State *env)
{
    uint64_t pending = vmx_read(env, VMCS_GUEST_PENDING_DBG_EXCEPTIONS);
    uint32_t dr6 = pending & DEBUG_BITS;

    if (!(pending & (VMCS_PENDING_DBG_BS | VMCS_PENDING_DBG_ENABLED_BP))) {
        return;
    }
    /* Blocked for one instruction, after which TF makes a new one */
    if ((env->hflags & HF_INHIBIT_IRQ_MASK) && env->vmx.mov_ss) {
        return;
    }
    env->vmx.halted = false;
    env->hflags &= ~HF_INHIBIT_IRQ_MASK;
    check_debug(env, dr6);
    env->dr[6] |= dr6;
    raise_exception(env, EXCP01_DB);
}

/* With the guest's state loaded: what happens before its first instruction */
void vmx_start_events(CPUX86State *env)
{
    CPUState *cs = env_cpu(env);
    uint32_t info = vmx_read(env, VMCS_ENTRY_INTR_INFO);

    env->old_exception = -1;
    env->vmx.vec_info = 0;
    env->vmx.insn_len = 0;
    env->vmx.halted = vmx_read(env, VMCS_GUEST_ACTIVITY) == VMCS_ACTIVITY_HLT;
    if (env->vmx.proc & (VMX_CPU_BASED_VIRTUAL_INTR_PENDING |
                         VMX_CPU_BASED_VIRTUAL_NMI_PENDING)) {
        vmx_irq_request(env, CPU_INTERRUPT_VIRQ, 0);
    }
    if (info & VMCS_INTR_VALID) {
        inject(env, info);
    } else {
        raise_pending_debug(env);
    }
    if (env->vmx.halted) {
        cs->halted = 1;
        cs->exception_index = EXCP_HLT;
        cpu_loop_exit(cs);
    }
}

/*
 * Exceptions
 */

/* 26.2: exception bitmap, and the error code of a page fault */
bool cpu_vmx_exception_exits(CPUX86State *env, int vector, uint32_t error)
{
    bool bit = vmx_read(env, VMCS_EXCEPTION_BITMAP) >> vector & 1;

    if (vector == EXCP0E_PAGE) {
        return bit == ((error & vmx_read(env, VMCS_PF_ERROR_MASK)) ==
                       vmx_read(env, VMCS_PF_ERROR_MATCH));
    }
    return bit;
}

static uint64_t exception_qualification(CPUX86State *env, int vector)
{
    switch (vector) {
    case EXCP0E_PAGE:
        return env->vmx.fault_addr;
    case EXCP01_DB:
        return env->dr[6] & DEBUG_BITS;
    default:
        return 0;
    }
}

/* An exception of the CPU's making, before it is delivered */
void cpu_vmx_check_exception(CPUX86State *env, int vector, uint32_t error,
                             uintptr_t ra)
{
    if (!cpu_vmx_exception_exits(env, vector, error)) {
        return;
    }
    if (vector == EXCP08_DBLE) {
        /* It takes the place of the event that was being delivered (28.2.4) */
        env->vmx.vec_info = 0;
    }
    vmx_exit_event(env, EXIT_REASON_EXCEPTION,
                   exception_qualification(env, vector),
                   event_info(env, vector, VMCS_INTR_T_HWEXCEPTION), error, ra);
}

/* INT3, INTO and INT n: only the first two are exceptions (26.2) */
void cpu_vmx_check_soft_int(CPUX86State *env, int vector, int length,
                            uintptr_t ra)
{
    if (env->vmx.int_n || !cpu_vmx_exception_exits(env, vector, 0)) {
        return;
    }
    env->vmx.insn_len = length;
    vmx_exit_event(env, EXIT_REASON_EXCEPTION, 0,
                   event_info(env, vector, VMCS_INTR_T_SWEXCEPTION), 0, ra);
}

/* The breakpoints that match here, without a change of DR6; is one enabled? */
static bool matching_breakpoints(CPUX86State *env, uint32_t *hits)
{
    target_ulong dr6 = env->dr[6];
    bool enabled;

    env->dr[6] &= ~(target_ulong)VMCS_PENDING_DBG_B_MASK;
    enabled = check_hw_breakpoints(env, true);
    *hits = env->dr[6] & VMCS_PENDING_DBG_B_MASK;
    env->dr[6] = dr6;
    return enabled;
}

void cpu_vmx_check_breakpoints(CPUX86State *env)
{
    uint32_t hits;

    if (env->vmx.guest && matching_breakpoints(env, &hits)) {
        env->vmx.insn_len = 0;
        check_debug(env, hits);
    }
}

/* After each instruction with RFLAGS.TF or the monitor trap flag (26.5.2) */
void cpu_vmx_single_step(CPUX86State *env)
{
    uint32_t hits;

    env->vmx.insn_len = 0;
    if (env->vmx.mtf) {
        env->vmx.mtf_pending = true;
        cpu_vmx_exit(env, EXIT_REASON_MTF, 0, 0);
    }
    matching_breakpoints(env, &hits);
    check_debug(env, VMCS_PENDING_DBG_BS | hits);
}

/*
 * Delivery through the guest's IDT
 */

/* From here on an exit reports the event as IDT-vectoring information */
void cpu_vmx_begin_event(CPUX86State *env, int vector, int is_int,
                         int error_code, int is_hw, target_ulong next_eip)
{
    uint32_t type = VMCS_INTR_T_HWEXCEPTION;

    if (env->vmx.injecting) {
        env->vmx.injecting = false;
        return;
    }
    if (is_hw) {
        type = vector == EXCP02_NMI ? VMCS_INTR_T_NMI : VMCS_INTR_T_HWINTR;
    } else if (is_int) {
        type = env->vmx.int_n ? VMCS_INTR_T_SWINTR : VMCS_INTR_T_SWEXCEPTION;
    }
    env->vmx.int_n = false;
    env->vmx.vec_info = event_info(env, vector, type);
    env->vmx.vec_err = error_code;
    env->vmx.vec_len = is_int ? next_eip - env->eip : 0;
}

/* The event is delivered: the guest is at the handler's first instruction */
void cpu_vmx_end_event(CPUX86State *env)
{
    env->vmx.vec_info = 0;
    env->vmx.halted = false;
    env->vmx.iret_unblocked = false;
    if (env->vmx.mtf) {
        env->vmx.mtf_pending = true;
        vmx_irq_request(env, CPU_INTERRUPT_VIRQ, 0);
    }
}

/* An instruction in the shadow of STI or MOV SS does not trap for RFLAGS.TF */
void helper_vmx_trap(CPUX86State *env)
{
    if (env->vmx.mtf) {
        cpu_vmx_single_step(env);
    }
}

void cpu_vmx_enter_hlt(CPUX86State *env)
{
    env->vmx.halted = true;
}

/* 26.4.2: task switches always exit */
void cpu_vmx_task_switch(CPUX86State *env, uint16_t selector, int source,
                         uintptr_t ra)
{
    static const uint8_t sources[] = {
        2 /* SWITCH_TSS_JMP */, 1 /* SWITCH_TSS_IRET */, 0 /* SWITCH_TSS_CALL */
    };
    uint32_t code = env->vmx.vec_info ? 3 : sources[source];

    cpu_vmx_exit(env, EXIT_REASON_TASK_SWITCH, selector | code << 30, ra);
}

/*
 * Interrupts
 */

static bool nmi_window_open(CPUX86State *env)
{
    return (env->vmx.proc & VMX_CPU_BASED_VIRTUAL_NMI_PENDING) &&
           !(env->hflags2 & HF2_NMI_MASK) &&
           !((env->hflags & HF_INHIBIT_IRQ_MASK) && env->vmx.mov_ss);
}

static bool interrupt_window_open(CPUX86State *env)
{
    return (env->vmx.proc & VMX_CPU_BASED_VIRTUAL_INTR_PENDING) &&
           (env->eflags & IF_MASK) && !(env->hflags & HF_INHIBIT_IRQ_MASK);
}

/* What may be taken now, the most urgent first (26.2, 26.5.1, volume 3, 6.9) */
int cpu_vmx_pending_interrupt(CPUX86State *env, int request)
{
    if ((request & CPU_INTERRUPT_SMI) && !(env->hflags & HF_SMM_MASK)) {
        return CPU_INTERRUPT_SMI;
    }
    if (request & CPU_INTERRUPT_INIT) {
        return CPU_INTERRUPT_INIT;
    }
    if ((request & CPU_INTERRUPT_VIRQ) && env->vmx.mtf_pending) {
        return CPU_INTERRUPT_VIRQ;
    }
    if (request & CPU_INTERRUPT_VMXTIMER) {
        return CPU_INTERRUPT_VMXTIMER;
    }
    if ((request & CPU_INTERRUPT_NMI) &&
        (vmx_virtual_nmis(env) || !(env->hflags2 & HF2_NMI_MASK))) {
        return CPU_INTERRUPT_NMI;
    }
    if (request & CPU_INTERRUPT_MCE) {
        return CPU_INTERRUPT_MCE;
    }
    if ((request & CPU_INTERRUPT_VIRQ) &&
        (nmi_window_open(env) || interrupt_window_open(env))) {
        return CPU_INTERRUPT_VIRQ;
    }
    if ((request & CPU_INTERRUPT_HARD) &&
        ((env->vmx.pin & VMX_PIN_BASED_EXT_INTR_MASK) ||
         ((env->eflags & IF_MASK) && !(env->hflags & HF_INHIBIT_IRQ_MASK)))) {
        return CPU_INTERRUPT_HARD;
    }
    return 0;
}

static void take_virq(CPUX86State *env)
{
    if (env->vmx.mtf_pending) {
        cpu_vmx_exit(env, EXIT_REASON_MTF, 0, 0);
    }
    if (nmi_window_open(env)) {
        cpu_vmx_exit(env, EXIT_REASON_NMI_WINDOW, 0, 0);
    }
    cpu_vmx_exit(env, EXIT_REASON_INTR_WINDOW, 0, 0);
}

static void take_external(CPUX86State *env)
{
    int vector;

    if (!(vmx_read(env, VMCS_EXIT_CTLS) & VMX_VM_EXIT_ACK_INTR_ON_EXIT)) {
        cpu_vmx_exit(env, EXIT_REASON_EXT_INTR, 0, 0);
    }
    vmx_irq_request(env, 0, CPU_INTERRUPT_HARD);
    vector = cpu_get_pic_interrupt(env);
    if (vector >= 0) {
        vmx_exit_event(env, EXIT_REASON_EXT_INTR, 0,
                       event_info(env, vector, VMCS_INTR_T_HWINTR), 0, 0);
    }
}

/*
 * Exit for a request, with the BQL held.  True: it is done with, false: the
 * guest takes it as without VMX.
 */
bool cpu_vmx_take_interrupt(CPUX86State *env, int request)
{
    env->vmx.insn_len = 0;
    switch (request) {
    case CPU_INTERRUPT_VIRQ:
        take_virq(env);
        return true;
    case CPU_INTERRUPT_VMXTIMER:
        if (vmx_timer_expired(env)) {
            cpu_vmx_exit(env, EXIT_REASON_VMX_PREEMPT, 0, 0);
        }
        vmx_irq_request(env, 0, CPU_INTERRUPT_VMXTIMER);
        return true;
    case CPU_INTERRUPT_NMI:
        if (env->vmx.pin & VMX_PIN_BASED_NMI_EXITING) {
            vmx_irq_request(env, 0, CPU_INTERRUPT_NMI);
            vmx_exit_event(env, EXIT_REASON_EXCEPTION, 0,
                           event_info(env, EXCP02_NMI, VMCS_INTR_T_NMI), 0, 0);
        }
        return false;
    case CPU_INTERRUPT_HARD:
        if (env->vmx.pin & VMX_PIN_BASED_EXT_INTR_MASK) {
            take_external(env);
            return true;
        }
        return false;
    default:
        return false;
    }
}

/* INIT waits in root operation, and exits from non-root (26.2) */
bool cpu_vmx_init_blocked(CPUX86State *env)
{
    if (env->vmx.guest && !(env->hflags & HF_SMM_MASK)) {
        env->vmx.insn_len = 0;
        vmx_irq_request(env, 0, CPU_INTERRUPT_INIT);
        cpu_vmx_exit(env, EXIT_REASON_INIT, 0, 0);
    }
    return env->vmx.on;
}

/* 32.14: system management mode is outside VMX operation */
void cpu_vmx_enter_smm(CPUX86State *env)
{
    env->vmx.smm_on = env->vmx.on;
    env->vmx.smm_guest = env->vmx.guest;
    env->vmx.smm_mtf = env->vmx.mtf;
    env->vmx.on = false;
    env->vmx.guest = false;
    env->vmx.mtf = false;
    env->hflags &= ~HF_GUEST_MASK;
    env->hflags2 &= ~HF2_NPT_MASK;
}

void cpu_vmx_leave_smm(CPUX86State *env)
{
    env->vmx.on = env->vmx.smm_on;
    env->vmx.guest = env->vmx.smm_guest;
    env->vmx.mtf = env->vmx.smm_mtf;
    if (!env->vmx.guest) {
        return;
    }
    env->hflags |= HF_GUEST_MASK;
    if (vmx_ept_enabled(env)) {
        env->hflags2 |= HF2_NPT_MASK;
    }
    tlb_flush(env_cpu(env));
}
