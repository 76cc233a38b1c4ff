/*
 * The VMX-preemption timer (26.5.1).
 *
 * It counts in ticks of the TSC, QEMU's timers in nanoseconds of virtual time.
 * Both started at 0 with the machine, so that their ratio is known.
 *
 * SPDX-License-Identifier: GPL-2.0-only
 */
#include "qemu/osdep.h"
#include "qemu/timer.h"
#include "vmx.h"

static int64_t ticks_to_ns(uint64_t ticks, uint64_t tsc, int64_t now)
{
    return tsc ? (double)ticks * now / tsc + 1 : ticks;
}

/* Let the timer fire when the TSC reaches the deadline; earlier is harmless */
static void arm(CPUX86State *env)
{
    int64_t now = qemu_clock_get_ns(QEMU_CLOCK_VIRTUAL);
    uint64_t tsc = cpu_get_tsc(env);
    uint64_t deadline = env->vmx_storage.deadline;
    int64_t expire = now;

    if (deadline > tsc) {
        expire += ticks_to_ns(deadline - tsc, tsc, now);
    }
    /* Re-arming costs a system call: leave a timer that fires before */
    timer_mod_anticipate_ns(env->vmx_storage.timer, expire);
}

static void expired(void *opaque)
{
    CPUX86State *env = opaque;

    if (!env->vmx.timer_on) {
        return;
    }
    if (cpu_get_tsc(env) < env->vmx_storage.deadline) {
        arm(env);
        return;
    }
    cpu_interrupt(env_cpu(env), CPU_INTERRUPT_VMXTIMER);
}

void vmx_timer_start(CPUX86State *env)
{
    uint64_t ticks = vmx_read(env, VMCS_PREEMPTION_TIMER_VALUE);

    ticks <<= VMX_PREEMPTION_SHIFT;
    env->vmx_storage.deadline = cpu_get_tsc(env) + ticks;
    env->vmx.timer_on = true;
    if (!ticks) {
        vmx_irq_request(env, CPU_INTERRUPT_VMXTIMER, 0);
        return;
    }
    /* The main thread may have been late for the last one */
    vmx_irq_request(env, 0, CPU_INTERRUPT_VMXTIMER);
    if (!env->vmx_storage.timer) {
        env->vmx_storage.timer = timer_new_ns(QEMU_CLOCK_VIRTUAL, expired, env);
    }
    arm(env);
}

/* Whether a request by the timer is for the time that runs now */
bool vmx_timer_expired(CPUX86State *env)
{
    return env->vmx.timer_on && cpu_get_tsc(env) >= env->vmx_storage.deadline;
}

void vmx_timer_stop(CPUX86State *env, bool save)
{
    if (!env->vmx.timer_on) {
        return;
    }
    env->vmx.timer_on = false;
    vmx_irq_request(env, 0, CPU_INTERRUPT_VMXTIMER);
    if (save) {
        uint64_t tsc = cpu_get_tsc(env);
        uint64_t deadline = env->vmx_storage.deadline;

        vmx_write(env, VMCS_PREEMPTION_TIMER_VALUE, deadline <= tsc ? 0 :
                  (deadline - tsc) >> VMX_PREEMPTION_SHIFT);
    }
}
