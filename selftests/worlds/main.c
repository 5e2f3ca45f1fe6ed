// SPDX-License-Identifier: GPL-2.0-only
/*
 * Switches between Linux and Regent's test worlds, with every register of Linux
 * filled with patterns before and compared after. The test worlds do the same
 * on their side, see src/world/testguest.S.
 *
 * /sys/kernel/debug/regent_worlds/run: open, write a command, read its answer, a
 * line of "KEY VALUE" pairs:
 *
 *	run CPU MODES N		N switches on a CPU to a new world of each mode
 *				(real 32 64 bench spin, with commas) in turns
 *	use CPU ID N		N switches to a world that is there
 *	fill CPU MODE N		make N worlds, and leave them there
 *	empty CPU FIRST LAST	destroy the worlds with these ids
 *	skip CPU MODE ITEM SIDE	two switches without ITEM (as REGENT_HC_TEST_SKIP),
 *				SIDE linux or test; names what was found wrong
 *	list			the machine; each register, and what is done with it
 *
 * "wrong" is what test worlds, "changed" what Linux found, with the number of
 * times. Needs regent.ko with debug=1.
 */
#include <linux/cpumask.h>
#include <linux/debugfs.h>
#include <linux/ktime.h>
#include <linux/module.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <asm/asm.h>
#include <asm/fpu/api.h>
#include <asm/processor-flags.h>

#include <regent/abi/hypercall.h>

#include "worlds.h"

#define MAX_WORLDS	8
#define CHUNK_NS	(500 * NSEC_PER_USEC)
#define TEXT_SIZE	4096
#define SKIP_TRIES	1000

#define FLAGS_VARIED	(X86_EFLAGS_CF | X86_EFLAGS_PF | X86_EFLAGS_AF | X86_EFLAGS_ZF | \
			 X86_EFLAGS_SF | X86_EFLAGS_DF | X86_EFLAGS_OF | X86_EFLAGS_AC | \
			 X86_EFLAGS_ID)

struct one_world {
	u64 id;
	u64 rounds;		/* as of the last switch */
	bool dead;
};

/**
 * struct job - one open file
 * @cpu: where
 * @world: what it switches to, in turns
 * @worlds: how many
 * @turn: whose turn it is
 * @any_rounds: the worlds count rounds in another way than one a yield
 * @switches: done
 * @left: to be done
 * @error: why it ended early
 * @tally: what Linux found
 * @kept: Linux's own registers
 * @want: what they are now
 * @frame: the general ones
 * @x: the XSAVE area
 * @r: where patterns come from
 * @text: the answer
 * @at: how much of it has been read
 */
struct job {
	unsigned int cpu;
	struct one_world world[MAX_WORLDS];
	unsigned int worlds;
	unsigned int turn;
	bool any_rounds;
	u64 switches;
	u64 left;
	long error;
	struct worlds_tally tally;
	u64 kept[WORLDS_XSTATE];
	u64 want[WORLDS_XSTATE];
	struct worlds_frame frame;
	struct xstate *x;
	struct rnd r;
	char text[TEXT_SIZE];
	size_t at;
};

static const char * const mode_name[REGENT_TEST_MODES] = {
	[REGENT_TEST_REAL] = "real", [REGENT_TEST_32] = "32", [REGENT_TEST_64] = "64",
	[REGENT_TEST_BENCH] = "bench", [REGENT_TEST_SPIN] = "spin",
	[REGENT_TEST_NAP] = "nap", [REGENT_TEST_PLAIN] = "plain",
};

static const char * const item_name[REGENT_SKIPS] = {
#define ITEM(name) \
	[REGENT_SKIP_##name] = #name
	ITEM(XSAVE), ITEM(XCR0), ITEM(DR0), ITEM(DR1), ITEM(DR2), ITEM(DR3), ITEM(DEBUGCTL),
	ITEM(TSC_AUX), ITEM(SPEC_CTRL), ITEM(U_CET), ITEM(PL3_SSP), ITEM(RAX), ITEM(RBX),
	ITEM(RCX), ITEM(RDX), ITEM(RSI), ITEM(RDI), ITEM(RBP), ITEM(R8), ITEM(R9), ITEM(R10),
	ITEM(R11), ITEM(R12), ITEM(R13), ITEM(R14), ITEM(R15), ITEM(RSP), ITEM(RFLAGS),
	ITEM(CR0), ITEM(CR2), ITEM(CR3), ITEM(CR4), ITEM(EFER), ITEM(PAT), ITEM(DR6),
	ITEM(DR7), ITEM(FS_BASE), ITEM(GS_BASE), ITEM(KERNEL_GS_BASE), ITEM(STAR),
	ITEM(LSTAR), ITEM(CSTAR), ITEM(SFMASK), ITEM(SYSENTER_CS), ITEM(SYSENTER_ESP),
	ITEM(SYSENTER_EIP), ITEM(GDTR), ITEM(IDTR), ITEM(LDTR), ITEM(TR), ITEM(ES),
	ITEM(SS), ITEM(DS), ITEM(FS), ITEM(GS), ITEM(FAULT_EARLY),
	ITEM(FAULT_LATE),
};

/* What a test world reports, see testguest.S. */
static const char *wrong_name(long n)
{
	static const char * const general[] = {
		"none", "RFLAGS", "RAX", "RBX", "RCX", "RDX", "RSI", "RDI", "RBP", "RSP",
		"R8", "R9", "R10", "R11", "R12", "R13", "R14", "R15",
	};
	static const char * const other[] = {
		"DR0", "DR1", "DR2", "DR3", "CR2", "?", "FS_BASE", "GS_BASE",
		"KERNEL_GS_BASE", "STAR", "LSTAR", "CSTAR", "SFMASK", "SYSENTER_CS",
		"SYSENTER_ESP", "SYSENTER_EIP", "XCR0", "DR6", "DR7", "TSC_AUX",
	};

	if (n < 0)
		return "none";		/* nobody to ask any more */
	if (n < ARRAY_SIZE(general))
		return general[n];
	if (n >= 32 && n < 48)
		return "XSAVE";
	return n >= 64 && n < 64 + ARRAY_SIZE(other) ? other[n - 64] : "?";
}

static long hypercall(u64 nr, u64 a, u64 b)
{
	register u64 magic asm("r11") = REGENT_HC_MAGIC;
	int err = 0;

	asm volatile("1: " ALTERNATIVE("vmcall", "vmmcall", X86_FEATURE_VMMCALL) "\n"
		     "2:\n"
		     _ASM_EXTABLE_TYPE_REG(1b, 2b, EX_TYPE_EFAULT_REG, %[err])
		     : "+a" (nr), [err] "+r" (err), "+D" (a), "+S" (b)
		     : "r" (magic) : "memory");
	return err ? -ENODEV : (long)nr;
}

/* --- one switch ------------------------------------------------------------ */

static void fill_frame(struct job *job, u64 flags)
{
	struct worlds_frame *f = &job->frame;
	unsigned int i;

	for (i = 0; i < F_RSP; i++)
		f->in[i] = rnd(&job->r);
	f->in[F_RFLAGS] = (flags & ~FLAGS_VARIED) | (rnd(&job->r) & FLAGS_VARIED);
	f->in[F_RAX] = REGENT_HC_TEST_RUN;
	f->in[F_RDI] = job->world[job->turn].id;
	f->in[F_R11] = REGENT_HC_MAGIC;
	f->failed = 0;
}

/* A yield ends one round; who was interrupted has ended none. */
static void check_result(struct job *job, u64 result)
{
	struct one_world *w = &job->world[job->turn];

	if (job->frame.failed || (long)result == -REGENT_HC_EINVAL ||
	    (long)result == -REGENT_HC_EPERM || (long)result == -REGENT_HC_ENOSYS ||
	    (long)result == -REGENT_HC_EFAULT) {
		job->error = job->frame.failed ? -ENODEV : (long)result;
		w->dead = true;
	} else if (result < w->rounds || (!job->any_rounds && result > w->rounds + 1)) {
		job->tally.mismatches[F_RAX]++;
	} else {
		w->rounds = result;
	}
}

static void check_frame(struct job *job)
{
	const struct worlds_frame *f = &job->frame;
	unsigned int i;

	check_result(job, f->out[F_RAX]);
	for (i = F_RAX + 1; i < F_REGS; i++)
		job->tally.mismatches[i] += f->in[i] != f->out[i];
}

/* Nothing between regs_fill() and worlds_call() may use what is a pattern. */
static void switch_once(struct job *job)
{
	fill_frame(job, native_save_fl());
	xstate_fill(job->x, &job->r);
	regs_fill(job->kept, job->want, &job->r);
	worlds_call(&job->frame);
	regs_compare(job->want, &job->tally);
	xstate_compare(job->x, &job->tally);
	check_frame(job);
	job->switches++;
	job->turn = (job->turn + 1) % job->worlds;
}

static void begin(struct job *job)
{
	kernel_fpu_begin();
	xstate_keep(job->x);
	regs_keep(job->kept);
}

static void end(struct job *job)
{
	regs_restore(job->kept);
	xstate_restore(job->x);
	kernel_fpu_end();
}

/* No longer than a millisecond without preemption. */
static void chunk(struct job *job)
{
	u64 start;

	begin(job);
	start = ktime_get_ns();
	if (raw_smp_processor_id() != job->cpu)
		job->error = -EAGAIN;
	while (!job->error && job->left && ktime_get_ns() - start < CHUNK_NS) {
		switch_once(job);
		job->left--;
	}
	end(job);
}

static void many(struct job *job, u64 n)
{
	job->left = n;
	while (job->left && !job->error) {
		chunk(job);
		cond_resched();
		if (fatal_signal_pending(current))
			job->error = -EINTR;
	}
}

/* --- commands -------------------------------------------------------------- */

static int add_world(struct job *job, long id)
{
	long rounds = id < 0 ? id : hypercall(REGENT_HC_TEST_INFO, id, REGENT_TEST_ROUNDS);

	if (rounds < 0)
		return rounds;
	if (job->worlds == MAX_WORLDS)
		return -E2BIG;
	job->world[job->worlds++] = (struct one_world){ .id = id, .rounds = rounds };
	return 0;
}

static int create(struct job *job, const char *name)
{
	int mode = match_string(mode_name, REGENT_TEST_MODES, name);

	if (mode < 0)
		return -EINVAL;
	job->any_rounds |= mode >= REGENT_TEST_BENCH && mode != REGENT_TEST_PLAIN;
	return add_world(job, hypercall(REGENT_HC_TEST_CREATE, mode, 0));
}

__printf(2, 3) static void say(struct job *job, const char *format, ...)
{
	size_t n = strlen(job->text);
	va_list args;

	va_start(args, format);
	vscnprintf(job->text + n, TEXT_SIZE - n, format, args);
	va_end(args);
}

/* @n worlds, or as many as there is room for, whose ids follow each other. */
static int fill(struct job *job, const char *name, u64 n)
{
	int mode = match_string(mode_name, REGENT_TEST_MODES, name);
	long id, first = 0, made = 0;

	if (mode < 0)
		return -EINVAL;
	do {
		id = hypercall(REGENT_HC_TEST_CREATE, mode, 0);
		if (id < 0)
			break;
		first = first ?: id;
		cond_resched();
	} while (id == first + made++ && made < n);
	say(job, "made %ld first %ld error %ld\n", made, first, id < 0 ? id : 0);
	return 0;
}

static int empty(struct job *job, u64 first, u64 last)
{
	long error = 0, destroyed = 0;
	u64 id;

	for (id = first; id <= last && !error; id++) {
		error = hypercall(REGENT_HC_TEST_DESTROY, id, 0);
		destroyed += !error;
		cond_resched();
	}
	say(job, "destroyed %ld error %ld\n", destroyed, error);
	return 0;
}

static int create_all(struct job *job, char *names)
{
	char *one;
	int err = 0;

	while (!err && (one = strsep(&names, ",")))
		err = create(job, one);
	return err;
}

static void destroy_all(struct job *job)
{
	unsigned int i;

	for (i = 0; i < job->worlds; i++)
		hypercall(REGENT_HC_TEST_DESTROY, job->world[i].id, 0);
}

/* The first thing that a world has found wrong, if any. */
static const char *wrong(const struct job *job)
{
	unsigned int i;
	long n = 0;

	for (i = 0; !n && i < job->worlds; i++)
		n = hypercall(REGENT_HC_TEST_INFO, job->world[i].id, REGENT_TEST_WRONG);
	return wrong_name(n);
}

static void say_changed(struct job *job)
{
	const char *comma = "";
	unsigned int i;

	for (i = 0; i < WORLDS_REGS; i++) {
		if (!job->tally.mismatches[i])
			continue;
		say(job, "%s%s:%llu", comma, worlds_name(i) ?: "?", job->tally.mismatches[i]);
		comma = ",";
	}
	say(job, "%s\n", *comma ? "" : "none");
}

static void report(struct job *job)
{
	u64 rounds = 0;
	unsigned int i;

	for (i = 0; i < job->worlds; i++)
		rounds += job->world[i].rounds;
	say(job, "switches %llu rounds %llu error %ld wrong %s changed ", job->switches,
	    rounds, job->error, wrong(job));
	say_changed(job);
}

static int run(struct job *job, char *modes, u64 n)
{
	int err = create_all(job, modes);

	if (!err) {
		many(job, n);
		report(job);
	}
	destroy_all(job);
	return err;
}

static int use(struct job *job, u64 id, u64 n)
{
	int err = add_world(job, id);

	if (err)
		return err;
	job->any_rounds = true;
	many(job, n);
	report(job);
	return 0;
}

/* Both at once: Linux must not work with a register that is wrong. */
static void skip_linux(struct job *job, int item)
{
	unsigned long flags;

	begin(job);
	local_irq_save(flags);
	if (raw_smp_processor_id() != job->cpu)
		job->error = -EAGAIN;
	else
		job->error = hypercall(REGENT_HC_TEST_SKIP, item, REGENT_SIDE_LINUX);
	if (!job->error) {
		switch_once(job);
		if (!job->error)
			switch_once(job);
		hypercall(REGENT_HC_TEST_SKIP, REGENT_SKIP_NONE, 0);
	}
	local_irq_restore(flags);
	end(job);
}

/* The world looks at its registers when it runs on, and stops if one is wrong. */
static void skip_test(struct job *job, int item)
{
	job->error = hypercall(REGENT_HC_TEST_SKIP, item, REGENT_SIDE_TEST);
	if (job->error)
		return;
	many(job, SKIP_TRIES);
	hypercall(REGENT_HC_TEST_SKIP, REGENT_SKIP_NONE, 0);
}

static int skip(struct job *job, char *mode, const char *name, const char *side)
{
	int item = match_string(item_name + 1, REGENT_SKIPS - 1, name);
	int err = item < 0 ? -ENOENT : create(job, mode);

	if (err)
		return err;
	many(job, 4);
	if (job->error)
		;
	else if (!strcmp(side, "linux"))
		skip_linux(job, item + 1);
	else
		skip_test(job, item + 1);
	report(job);
	destroy_all(job);
	return 0;
}

/* QEMU's own emulation, which does not do all that a CPU does. */
static bool is_tcg(void)
{
	u32 eax, signature[3];

	if (!boot_cpu_has(X86_FEATURE_HYPERVISOR))
		return false;
	cpuid(0x40000000, &eax, &signature[0], &signature[1], &signature[2]);
	return !memcmp(signature, "TCGTCGTCGTCG", sizeof(signature));
}

static int list(struct job *job)
{
	unsigned int i;

	say(job, "machine %s\n", is_tcg() ? "tcg" : "other");
	for (i = 0; i < WORLDS_REGS; i++) {
		size_t n = strlen(job->text);

		regs_describe(i, job->text + n, TEXT_SIZE - n);
	}
	return 0;
}

static int command(struct job *job, char *line)
{
	char word[5][32] = { "", "", "", "", "" };
	u64 n = 0, id = 0;
	int words = sscanf(line, "%31s %31s %31s %31s %31s", word[0], word[1], word[2],
			   word[3], word[4]);

	if (words == 1 && !strcmp(word[0], "list"))
		return list(job);
	if (words < 4 || kstrtouint(word[1], 0, &job->cpu) || job->cpu >= nr_cpu_ids)
		return -EINVAL;
	if (set_cpus_allowed_ptr(current, cpumask_of(job->cpu)))
		return -EINVAL;
	if (words == 5 && !strcmp(word[0], "skip"))
		return skip(job, word[2], word[3], word[4]);
	if (words != 4 || kstrtou64(word[3], 0, &n))
		return -EINVAL;
	if (!strcmp(word[0], "run"))
		return run(job, word[2], n);
	if (!strcmp(word[0], "fill"))
		return fill(job, word[2], n);
	if (!strcmp(word[0], "use") && !kstrtou64(word[2], 0, &id))
		return use(job, id, n);
	if (!strcmp(word[0], "empty") && !kstrtou64(word[2], 0, &id))
		return empty(job, id, n);
	return -EINVAL;
}

/* --- the file -------------------------------------------------------------- */

static int run_open(struct inode *inode, struct file *file)
{
	struct job *job = kzalloc(sizeof(*job), GFP_KERNEL);

	if (!job)
		return -ENOMEM;
	job->x = xstate_new();
	if (!job->x) {
		kfree(job);
		return -ENOMEM;
	}
	file->private_data = job;
	return nonseekable_open(inode, file);
}

static int run_release(struct inode *inode, struct file *file)
{
	struct job *job = file->private_data;

	xstate_free(job->x);
	kfree(job);
	return 0;
}

static void restart(struct job *job)
{
	struct xstate *x = job->x;

	memset(job, 0, sizeof(*job));
	job->x = x;
	job->r.state = ktime_get_ns() | 1;
}

/* One writer a file: each opens its own. */
static ssize_t run_write(struct file *file, const char __user *user, size_t n, loff_t *off)
{
	struct job *job = file->private_data;
	cpumask_var_t before;
	char line[128];
	int err;

	if (n >= sizeof(line))
		return -EINVAL;
	if (copy_from_user(line, user, n))
		return -EFAULT;
	line[n] = 0;
	if (!alloc_cpumask_var(&before, GFP_KERNEL))
		return -ENOMEM;
	cpumask_copy(before, current->cpus_ptr);
	restart(job);
	err = command(job, line);
	set_cpus_allowed_ptr(current, before);
	free_cpumask_var(before);
	if (err)
		say(job, "failed %d\n", err);
	return n;
}

static ssize_t run_read(struct file *file, char __user *user, size_t n, loff_t *off)
{
	struct job *job = file->private_data;
	size_t left = strlen(job->text) - job->at;

	n = min(n, left);
	if (copy_to_user(user, job->text + job->at, n))
		return -EFAULT;
	job->at += n;
	return n;
}

static const struct file_operations run_fops = {
	.owner = THIS_MODULE,
	.open = run_open,
	.release = run_release,
	.read = run_read,
	.write = run_write,
};

static struct dentry *dir;

static int __init worlds_init(void)
{
	bool there;

	kernel_fpu_begin();
	there = xstate_probe();
	if (there)
		regs_probe();
	kernel_fpu_end();
	if (!there) {
		pr_err("regent_worlds: this CPU has no XSAVE\n");
		return -ENODEV;
	}
	dir = debugfs_create_dir("regent_worlds", NULL);
	debugfs_create_file("run", 0600, dir, NULL, &run_fops);
	return 0;
}

static void __exit worlds_exit(void)
{
	debugfs_remove_recursive(dir);
}

module_init(worlds_init);
module_exit(worlds_exit);

MODULE_DESCRIPTION("Patterns in every register across Regent's world switch");
MODULE_LICENSE("GPL");
