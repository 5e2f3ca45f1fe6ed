// SPDX-License-Identifier: GPL-2.0-only
/*
 * A module that leaks on purpose, a page each time it is loaded: the proof
 * that memsnap.sh and memcmp.sh see a leak of that size.
 */
#include <linux/gfp.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/vmalloc.h>

static char *kind = "none";
module_param(kind, charp, 0444);
MODULE_PARM_DESC(kind, "none, page, slab, vmalloc");

static void *kept;

static int __init leaky_init(void)
{
	if (!strcmp(kind, "none"))
		return 0;
	if (!strcmp(kind, "page"))
		kept = (void *)__get_free_page(GFP_KERNEL);
	else if (!strcmp(kind, "slab"))
		kept = kmalloc(PAGE_SIZE, GFP_KERNEL);
	else if (!strcmp(kind, "vmalloc"))
		kept = vmalloc(PAGE_SIZE);
	else
		return -EINVAL;
	return kept ? 0 : -ENOMEM;
}

static void __exit leaky_exit(void)
{
}

module_init(leaky_init);
module_exit(leaky_exit);

MODULE_DESCRIPTION("Leaks a page a load, to test the search for leaks");
MODULE_LICENSE("GPL");
