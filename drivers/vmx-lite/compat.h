/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What differs between the kernels we build for.  Kbuild looks for each
 * difference in the headers and defines HAVE_*; a version number says nothing,
 * since stable kernels take back changes of later ones.
 */
#ifndef VL_COMPAT_H
#define VL_COMPAT_H

#include <linux/eventfd.h>
#include <linux/mm.h>
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

/**
 * struct vl_pfnmap - an entry of the process's page table
 * @pfn: host page
 * @prot: its bits
 * @writable: without a fault
 */
struct vl_pfnmap {
	unsigned long pfn;
	pgprot_t prot;
	bool writable;
};

/* Look it up in a VMA with VM_PFNMAP; mmap_lock held.  0, or -EINVAL if there is none. */
static inline int vl_follow_pfnmap(struct vm_area_struct *vma, unsigned long addr,
				   struct vl_pfnmap *page)
{
#ifdef HAVE_FOLLOW_PFNMAP
	struct follow_pfnmap_args args = { .vma = vma, .address = addr };

	if (follow_pfnmap_start(&args))
		return -EINVAL;
	*page = (struct vl_pfnmap){ args.pfn, args.pgprot, args.writable };
	follow_pfnmap_end(&args);
#else
	spinlock_t *lock;	/* of the page table */
	pte_t *ptep;

	if (follow_pte(vma->vm_mm, addr, &ptep, &lock))
		return -EINVAL;
	__acquire(lock);
	*page = (struct vl_pfnmap){ pte_pfn(*ptep), pte_pgprot(*ptep), pte_write(*ptep) };
	pte_unmap_unlock(ptep, lock);
#endif
	return 0;
}

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
