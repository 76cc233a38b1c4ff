/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What differs between the kernels we build for.  Kbuild looks for each
 * difference in the headers and defines HAVE_*; a version number says nothing,
 * since stable kernels take back changes of later ones.
 */
#ifndef VL_COMPAT_H
#define VL_COMPAT_H

#include <linux/eventfd.h>
#include <linux/rcupdate.h>
#include <linux/smp.h>
#include <linux/syscore_ops.h>
#include <asm/cpufeature.h>
#include <asm/nospec-branch.h>
#include <trace/events/ipi.h>

#ifdef HAVE_EVENTFD_SIGNAL_1ARG
#define vl_eventfd_signal(ctx)	eventfd_signal(ctx)
#else
#define vl_eventfd_signal(ctx)	eventfd_signal(ctx, 1)
#endif

#ifdef HAVE_RCU_VIRT_NOTE_CPU
#define vl_rcu_note_guest()	rcu_virt_note_context_switch(raw_smp_processor_id())
#else
#define vl_rcu_note_guest()	rcu_virt_note_context_switch()
#endif

/*
 * What a guest has left in the branch predictors shall not steer its process either:
 * the kernel's way out to user space flushes them if it is told (VMSCAPE).
 */
#ifdef X86_FEATURE_IBPB_EXIT_TO_USER
#define vl_note_guest_branches()					\
do {									\
	if (cpu_feature_enabled(X86_FEATURE_IBPB_EXIT_TO_USER))		\
		this_cpu_write(x86_ibpb_exit_to_user, true);		\
} while (0)
#else
#define vl_note_guest_branches()	do { } while (0)
#endif

/*
 * VL_DEFINE_SYSCORE(name, suspend, resume, shutdown): with
 * vl_register_syscore(name) and vl_unregister_syscore(name).
 */
#ifdef HAVE_STRUCT_SYSCORE
#define VL_DEFINE_SYSCORE(name, on_suspend, on_resume, on_shutdown)	\
static int name##_suspend(void *data) { return on_suspend(); }		\
static void name##_resume(void *data) { on_resume(); }			\
static void name##_shutdown(void *data) { on_shutdown(); }		\
									\
static const struct syscore_ops name##_ops = {				\
	.suspend = name##_suspend,					\
	.resume = name##_resume,					\
	.shutdown = name##_shutdown,					\
};									\
									\
static struct syscore name = { .ops = &name##_ops }

#define vl_register_syscore(name)	register_syscore(&(name))
#define vl_unregister_syscore(name)	unregister_syscore(&(name))
#else
#define VL_DEFINE_SYSCORE(name, on_suspend, on_resume, on_shutdown)	\
static struct syscore_ops name = {					\
	.suspend = on_suspend,						\
	.resume = on_resume,						\
	.shutdown = on_shutdown,					\
}

#define vl_register_syscore(name)	register_syscore_ops(&(name))
#define vl_unregister_syscore(name)	unregister_syscore_ops(&(name))
#endif

#endif /* VL_COMPAT_H */
