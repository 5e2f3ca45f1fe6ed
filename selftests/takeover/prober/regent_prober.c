// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tries to set a breakpoint on each byte of some code. It loads only if all of them are
 * refused as code that must not be probed; the log has what was not.
 *
 *	ranges=FIRST,SIZE[,FIRST,SIZE...]
 *
 * The breakpoints stay disarmed, so that no instruction is ever changed.
 */
#include <linux/kprobes.h>
#include <linux/module.h>

#define MAX_RANGES	64

static unsigned long ranges[2 * MAX_RANGES];
static unsigned int words;
module_param_array(ranges, ulong, &words, 0400);

/* -EINVAL is said of code that must not be probed, -EILSEQ of the middle of an instruction. */
static int prober_try(unsigned long at)
{
	struct kprobe probe = { .addr = (void *)at, .flags = KPROBE_FLAG_DISABLED };
	int err = register_kprobe(&probe);

	if (!err) {
		unregister_kprobe(&probe);
		pr_err("regent_prober: accepted at %pS\n", (void *)at);
		return -EEXIST;
	}
	if (err == -EINVAL)
		return 0;
	pr_err("regent_prober: %pe at %pS\n", ERR_PTR(err), (void *)at);
	return err;
}

/* One place of each range is enough to be told of. */
static int prober_range(unsigned long first, unsigned long size)
{
	unsigned long at;
	int err = 0;

	for (at = first; !err && at < first + size; at++)
		err = prober_try(at);
	return err;
}

static int __init prober_init(void)
{
	int first_err = words ? 0 : -ENODATA;
	unsigned int i;

	for (i = 0; i + 1 < words; i += 2) {
		int err = prober_range(ranges[i], ranges[i + 1]);

		first_err = first_err ?: err;
	}
	return first_err;
}

static void __exit prober_exit(void)
{
}

module_init(prober_init);
module_exit(prober_exit);

MODULE_DESCRIPTION("Test: breakpoints where none may be");
MODULE_LICENSE("GPL");
