// SPDX-License-Identifier: GPL-2.0-only
/*
 * A module with bugs: the lab's own tests load it to see that each is noticed.
 */

#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/slab.h>
#include <linux/spinlock.h>

static char *bug = "none";
module_param(bug, charp, 0444);
MODULE_PARM_DESC(bug, "which bug to commit");

static DEFINE_MUTEX(first);
static DEFINE_MUTEX(second);
static DEFINE_SPINLOCK(spin);

static void warn(void)
{
	WARN_ON(1);
}

static void overrun(void)
{
	char *p = kmalloc(17, GFP_KERNEL);

	if (!p)
		return;
	/* The compiler must not see it. */
	OPTIMIZER_HIDE_VAR(p);
	p[17] = 1;
	kfree(p);
}

static void leak(void)
{
	void *p = kmalloc(4097, GFP_KERNEL);

	OPTIMIZER_HIDE_VAR(p);
}

static void atomic(void)
{
	spin_lock(&spin);
	might_sleep();
	spin_unlock(&spin);
}

static void order(void)
{
	mutex_lock(&first);
	mutex_lock(&second);
	mutex_unlock(&second);
	mutex_unlock(&first);
	mutex_lock(&second);
	mutex_lock(&first);
	mutex_unlock(&first);
	mutex_unlock(&second);
}

static void shift(void)
{
	int by = 77;

	OPTIMIZER_HIDE_VAR(by);
	pr_info("shifted: %d\n", 1 << by);
}

static const struct {
	const char *name;
	void (*commit)(void);
} bugs[] = {
	{ "warn", warn },
	{ "overrun", overrun },
	{ "leak", leak },
	{ "atomic", atomic },
	{ "order", order },
	{ "shift", shift },
};

static int __init bugs_init(void)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(bugs); i++)
		if (!strcmp(bug, bugs[i].name))
			bugs[i].commit();
	return 0;
}

static void __exit bugs_exit(void)
{
}

module_init(bugs_init);
module_exit(bugs_exit);
MODULE_DESCRIPTION("Bugs for the lab's own tests");
MODULE_LICENSE("GPL");
