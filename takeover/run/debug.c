// SPDX-License-Identifier: GPL-2.0-only
/*
 * For tests only, with the parameter debug=1: debugfs files that make raw
 * hypercalls and donate memory.
 *
 *	/sys/kernel/debug/regent/hypercall	write "NUMBER A B" (hexadecimal),
 *						read the last answer
 *	/sys/kernel/debug/regent/donate		write anything: give K one more
 *						chunk; read its physical address
 *	/sys/kernel/debug/regent/mapped_2m	how often VMs got a page of 2 MiB
 */
#include <linux/debugfs.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/smp.h>
#include <linux/uaccess.h>

#include "run.h"

static struct dentry *debug_dir;
static long debug_answer;
static u64 debug_donated;

static ssize_t debug_hypercall_write(struct file *file, const char __user *user, size_t n,
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
	debug_answer = regent_hypercall(nr, a, b);
	return n;
}

static int debug_answer_show(struct seq_file *m, void *unused)
{
	seq_printf(m, "%ld\n", debug_answer);
	return 0;
}

static int debug_hypercall_open(struct inode *inode, struct file *file)
{
	return single_open(file, debug_answer_show, NULL);
}

static const struct file_operations debug_hypercall_fops = {
	.owner = THIS_MODULE,
	.open = debug_hypercall_open,
	.read = seq_read,
	.write = debug_hypercall_write,
	.release = single_release,
};

static ssize_t debug_donate_write(struct file *file, const char __user *user, size_t n,
				  loff_t *off)
{
	int err;

	mutex_lock(&regent_lock);
	err = donated_give();
	if (!err)
		debug_donated = donated_chunk(donated_chunks() - 1);
	mutex_unlock(&regent_lock);
	return err ?: n;
}

static int debug_donated_show(struct seq_file *m, void *unused)
{
	seq_printf(m, "0x%llx\n", debug_donated);
	return 0;
}

static int debug_donate_open(struct inode *inode, struct file *file)
{
	return single_open(file, debug_donated_show, NULL);
}

static const struct file_operations debug_donate_fops = {
	.owner = THIS_MODULE,
	.open = debug_donate_open,
	.read = seq_read,
	.write = debug_donate_write,
	.release = single_release,
};

static int debug_mapped_2m(void *unused, u64 *value)
{
	*value = memory_mapped_2m();
	return 0;
}

DEFINE_DEBUGFS_ATTRIBUTE(debug_mapped_2m_fops, debug_mapped_2m, NULL, "%llu\n");

int debug_do(void)
{
	if (!regent_debug)
		return 0;
	debug_dir = debugfs_create_dir("regent", NULL);
	debugfs_create_file("hypercall", 0600, debug_dir, NULL, &debug_hypercall_fops);
	debugfs_create_file("donate", 0600, debug_dir, NULL, &debug_donate_fops);
	debugfs_create_file("mapped_2m", 0400, debug_dir, NULL, &debug_mapped_2m_fops);
	return 0;
}

void debug_undo(void)
{
	debugfs_remove(debug_dir);
	debug_dir = NULL;
}
