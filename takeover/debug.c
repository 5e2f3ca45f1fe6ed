// SPDX-License-Identifier: GPL-2.0-only
/*
 * For tests only, with the parameter debug=1: debugfs files that make raw
 * hypercalls and donate memory.
 *
 *	/sys/kernel/debug/regent/hypercall	write "NUMBER A B" (hexadecimal),
 *						read the last answer
 *	/sys/kernel/debug/regent/donate		write anything: give K one more
 *						chunk; read its physical address
 */
#include <linux/debugfs.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/smp.h>
#include <linux/uaccess.h>

#include "l.h"

bool regent_debug;
module_param_named(debug, regent_debug, bool, 0400);
MODULE_PARM_DESC(debug, "debug: make files in debugfs that can make K fault");

static struct dentry *dir;
static long answer;
static u64 donated;

static ssize_t hypercall_write(struct file *file, const char __user *user, size_t n,
			       loff_t *off)
{
	u64 nr = 0, a = 0, b = 0;
	char text[80];

	if (n >= sizeof(text))
		return -EINVAL;
	if (copy_from_user(text, user, n))
		return -EFAULT;
	text[n] = 0;
	if (sscanf(text, "%llx %llx %llx", &nr, &a, &b) < 1)
		return -EINVAL;
	/* Leaving needs the trampoline's frame: that is rmmod's business. */
	if (nr == REGENT_HC_LEAVE)
		return -EPERM;
	answer = regent_hypercall(nr, a, b);
	return n;
}

static int answer_show(struct seq_file *m, void *unused)
{
	seq_printf(m, "%ld\n", answer);
	return 0;
}

static int hypercall_open(struct inode *inode, struct file *file)
{
	return single_open(file, answer_show, NULL);
}

static const struct file_operations hypercall_fops = {
	.owner = THIS_MODULE,
	.open = hypercall_open,
	.read = seq_read,
	.write = hypercall_write,
	.release = single_release,
};

static ssize_t donate_write(struct file *file, const char __user *user, size_t n,
			    loff_t *off)
{
	int err;

	mutex_lock(&regent_lock);
	err = donated_give();
	if (!err)
		donated = donated_chunk(donated_chunks() - 1);
	mutex_unlock(&regent_lock);
	return err ?: n;
}

static int donated_show(struct seq_file *m, void *unused)
{
	seq_printf(m, "0x%llx\n", donated);
	return 0;
}

static int donate_open(struct inode *inode, struct file *file)
{
	return single_open(file, donated_show, NULL);
}

static const struct file_operations donate_fops = {
	.owner = THIS_MODULE,
	.open = donate_open,
	.read = seq_read,
	.write = donate_write,
	.release = single_release,
};

void debug_do(void)
{
	if (!regent_debug)
		return;
	dir = debugfs_create_dir("regent", NULL);
	debugfs_create_file("hypercall", 0600, dir, NULL, &hypercall_fops);
	debugfs_create_file("donate", 0600, dir, NULL, &donate_fops);
}

void debug_undo(void)
{
	debugfs_remove(dir);
	dir = NULL;
}
