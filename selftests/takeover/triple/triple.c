// SPDX-License-Identifier: GPL-2.0-only
/*
 * Ends the machine by a triple fault of Linux itself, as a kernel that has lost
 * its stack would: nobody hands anything back before.
 */
#include <linux/irqflags.h>
#include <linux/module.h>
#include <asm/desc.h>

static int __init triple_init(void)
{
	static const struct desc_ptr none;

	local_irq_disable();
	asm volatile("lidt %0; int3" : : "m" (none));
	return -EIO;
}

module_init(triple_init);

MODULE_DESCRIPTION("A triple fault");
MODULE_LICENSE("GPL");
