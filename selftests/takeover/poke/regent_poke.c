// SPDX-License-Identifier: GPL-2.0-only
/*
 * Does from the kernel what Linux has no business to do, survives it, and says
 * what came of it. Knows nothing of Regent but for "early": the same command on
 * the bare machine gives what to compare with.
 *
 * /dev/regent_poke: write one command, read its answer, which is the vector of
 * the exception ("none" without one) and, where there is one, the value.
 *
 *	page			physical address of a page of this module's own
 *	pages VA		physical address of the page whose struct page the
 *				pointer at VA points to
 *	read PA			8 bytes through the direct map
 *	write PA VALUE
 *	mmio PA			4 bytes through a new uncached mapping
 *	far PA STEP		sum of 4 bytes at each of 100 addresses, STEP apart, read
 *				with interrupts off
 *	device HOW PA [VALUE]	access to a device's registers: HOW is inN or outN by MOV,
 *				copyN by REP MOVS to memory (four elements) or fillN from
 *				memory (one), N being 8, 16, 32 or 64 bits; push by PUSH;
 *				sse by MOVDQU; across by REP MOVS of 32 bits (one) to the
 *				physical address VALUE, another device's register
 *	rdmsr NR
 *	wrmsr NR VALUE
 *	insn NAME		an instruction of SVM or VMX
 *	vmxe			set CR4.VMXE and clear it: what is read after each
 *	step			where a single-stepped RDMSR and WRMSR of EFER trap
 *	early CPU		K faults on that CPU and leaves this one, while an
 *				interrupt waits: "in time", or where it came early
 *
 * All on the CPU that the writer runs on. mmap() at a physical address maps it.
 */
#include <linux/fs.h>
#include <linux/gfp.h>
#include <linux/io.h>
#include <linux/irq_work.h>
#include <linux/kdebug.h>
#include <linux/miscdevice.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/objtool.h>
#include <linux/smp.h>
#include <linux/uaccess.h>
#include <asm/asm.h>
#include <asm/fpu/api.h>
#include <asm/msr.h>

#include <regent/abi/hypercall.h>

#define MAX_STEPS	32
#define NO_TRAP		-1

/* Both under poke_lock. */
static DEFINE_MUTEX(poke_lock);
static char answer[1024];

static struct page *own_page;

static void answer_trap(int trap)
{
	if (trap == NO_TRAP)
		scnprintf(answer, sizeof(answer), "none\n");
	else
		scnprintf(answer, sizeof(answer), "trap %d\n", trap);
}

static void answer_value(int trap, u64 value)
{
	if (trap == NO_TRAP)
		scnprintf(answer, sizeof(answer), "none 0x%llx\n", value);
	else
		answer_trap(trap);
}

/* An instruction whose exception, if it raises one, ends up in "trap". */
#define TRY(trap, insn, ...)						\
	asm volatile("1: " insn "\n"					\
		     "mov $-1, %%eax\n"					\
		     "2:\n"						\
		     _ASM_EXTABLE_FAULT(1b, 2b)				\
		     : "=a"(trap) : __VA_ARGS__ : "rbx", "r11", "memory")

static int poke_read(u64 pa, u64 unused)
{
	u64 value = 0xdeadbeef;
	int trap;

	if (!pfn_valid(PHYS_PFN(pa)) || pa % sizeof(value))
		return -EINVAL;
	TRY(trap, "mov (%[from]), %%rbx; mov %%rbx, (%[to])",
	    [from] "r"(phys_to_virt(pa)), [to] "r"(&value));
	answer_value(trap, value);
	return 0;
}

static int poke_write(u64 pa, u64 value)
{
	int trap;

	if (!pfn_valid(PHYS_PFN(pa)) || pa % sizeof(value))
		return -EINVAL;
	TRY(trap, "mov %[value], (%[to])", [value] "r"(value), [to] "r"(phys_to_virt(pa)));
	answer_trap(trap);
	return 0;
}

static int poke_pages(u64 va, u64 unused)
{
	struct page *page;

	if (copy_from_kernel_nofault(&page, (void *)va, sizeof(page)))
		return -EFAULT;
	scnprintf(answer, sizeof(answer), "0x%llx\n", page_to_phys(page));
	return 0;
}

static int poke_mmio(u64 pa, u64 unused)
{
	void __iomem *p = ioremap(pa & PAGE_MASK, PAGE_SIZE);
	u64 value = 0;
	int trap;

	if (!p)
		return -ENOMEM;
	TRY(trap, "mov (%[from]), %%ebx; mov %%rbx, (%[to])",
	    [from] "r"((__force void *)p + (pa & ~PAGE_MASK)), [to] "r"(&value));
	iounmap(p);
	answer_value(trap, value);
	return 0;
}

#define FAR_PAGES	100

static int poke_far(u64 pa, u64 step)
{
	static void __iomem *page[FAR_PAGES];
	unsigned long flags;
	u64 sum = 0;
	int i, n;

	for (n = 0; n < FAR_PAGES; n++) {
		page[n] = ioremap((pa + n * step) & PAGE_MASK, PAGE_SIZE);
		if (!page[n])
			break;
	}
	local_irq_save(flags);
	for (i = 0; i < n; i++)
		sum = sum * 31 + readl(page[i]);
	local_irq_restore(flags);
	for (i = 0; i < n; i++)
		iounmap(page[i]);
	answer_value(NO_TRAP, sum);
	return n < FAR_PAGES ? -ENOMEM : 0;
}

/* A device's registers, by all kinds of instructions; four words go in and out. */

#define DEVICE_MOV(bits, load, reg)					\
static int in##bits(void *p, u64 *v)					\
{									\
	int trap;							\
									\
	TRY(trap, load " (%[p]), %%" reg "; mov %%rbx, (%[v])", [p] "r"(p), [v] "r"(v)); \
	return trap;							\
}

DEVICE_MOV(8, "movzbl", "ebx")
DEVICE_MOV(16, "movzwl", "ebx")
DEVICE_MOV(32, "mov", "ebx")
DEVICE_MOV(64, "mov", "rbx")

#define DEVICE_STORE(bits, reg)						\
static int out##bits(void *p, u64 *v)					\
{									\
	int trap;							\
									\
	TRY(trap, "mov %%" reg ", (%[p])", [p] "r"(p), "c"(*v));	\
	return trap;							\
}

DEVICE_STORE(8, "cl")
DEVICE_STORE(16, "cx")
DEVICE_STORE(32, "ecx")
DEVICE_STORE(64, "rcx")

#define MOVS(bits, suffix)						\
static int movs##bits(void *from, void *to, unsigned long n)		\
{									\
	int trap;							\
									\
	asm volatile("1: rep movs" suffix "\n"				\
		     "mov $-1, %%eax\n"				\
		     "2:\n"						\
		     _ASM_EXTABLE_FAULT(1b, 2b)				\
		     : "=&a"(trap), "+S"(from), "+D"(to), "+c"(n) : : "memory"); \
	return trap;							\
}									\
									\
static int copy##bits(void *p, u64 *v)					\
{									\
	return movs##bits(p, v, 4);					\
}									\
									\
static int fill##bits(void *p, u64 *v)					\
{									\
	return movs##bits(v, p, 1);					\
}

MOVS(8, "b")
MOVS(16, "w")
MOVS(32, "l")
MOVS(64, "q")

static int across(void *p, u64 *v)
{
	u64 to = v[0];
	void __iomem *q = ioremap(to & PAGE_MASK, 2 * PAGE_SIZE);
	int trap;

	if (!q)
		return NO_TRAP;
	trap = movs32(p, (__force void *)q + (to & ~PAGE_MASK), 1);
	iounmap(q);
	return trap;
}

static int by_push(void *p, u64 *v)
{
	int trap;

	/* The exception comes before anything is on the stack. */
	TRY(trap, "pushq (%[p]); popq %%rbx; mov %%rbx, (%[v])", [p] "r"(p), [v] "r"(v));
	return trap;
}

static int by_sse(void *p, u64 *v)
{
	int trap;

	kernel_fpu_begin();
	TRY(trap, "movdqu (%[p]), %%xmm0; movdqu %%xmm0, (%[v])", [p] "r"(p), [v] "r"(v));
	kernel_fpu_end();
	return trap;
}

#define DEVICE_WAYS(bits)						\
	{ "in" #bits, in##bits }, { "out" #bits, out##bits },		\
	{ "copy" #bits, copy##bits }, { "fill" #bits, fill##bits }

static const struct {
	const char *name;
	int (*fn)(void *p, u64 *v);
} device_ways[] = {
	DEVICE_WAYS(8), DEVICE_WAYS(16), DEVICE_WAYS(32), DEVICE_WAYS(64),
	{ "push", by_push }, { "sse", by_sse }, { "across", across },
};

static int poke_registers(const char *how, u64 pa, u64 value)
{
	u64 v[4] = { value };
	void __iomem *p;
	int i, trap;

	for (i = 0; strcmp(device_ways[i].name, how); i++)
		if (i == ARRAY_SIZE(device_ways) - 1)
			return -EINVAL;
	p = ioremap(pa & PAGE_MASK, PAGE_SIZE);
	if (!p)
		return -ENOMEM;
	trap = device_ways[i].fn((__force void *)p + (pa & ~PAGE_MASK), v);
	iounmap(p);
	if (trap == NO_TRAP)
		scnprintf(answer, sizeof(answer), "none 0x%llx 0x%llx 0x%llx 0x%llx\n",
			  v[0], v[1], v[2], v[3]);
	else
		answer_trap(trap);
	return 0;
}

static int poke_rdmsr(u64 nr, u64 unused)
{
	u32 low = 0, high = 0;
	int trap;

	asm volatile("1: rdmsr\n"
		     "mov %%eax, %[low]\n"
		     "mov $-1, %%eax\n"
		     "2:\n"
		     _ASM_EXTABLE_FAULT(1b, 2b)
		     : "=&a"(trap), [low] "=&r"(low), "=&d"(high) : "c"((u32)nr));
	answer_value(trap, (u64)high << 32 | low);
	return 0;
}

static int poke_wrmsr(u64 nr, u64 value)
{
	int trap;

	TRY(trap, "wrmsr", "c"((u32)nr), "a"((u32)value), "d"((u32)(value >> 32)));
	answer_trap(trap);
	return 0;
}

/* RAX and RCX are zero: no address of a control block, no hypercall's magic. */
#define TRY_WITH(wanted, name, operands)				\
	if (!strcmp(wanted, #name)) {					\
		TRY(trap, "xor %%r11d, %%r11d; 1: " #name operands, "a"(0), "c"(0)); \
		answer_trap(trap);					\
		return 0;						\
	}

#define TRY_INSN(wanted, name)	TRY_WITH(wanted, name, "")

static int poke_insn(const char *name)
{
	int trap;

	TRY_INSN(name, vmrun);
	TRY_INSN(name, vmload);
	TRY_INSN(name, vmsave);
	TRY_INSN(name, stgi);
	TRY_INSN(name, clgi);
	TRY_INSN(name, skinit);
	TRY_INSN(name, invlpga);
	TRY_INSN(name, vmmcall);
	return -EINVAL;
}

static int poke_vmx_insn(const char *name)
{
	int trap;

	TRY_WITH(name, vmxon, " (%%rsp)");
	TRY_WITH(name, vmclear, " (%%rsp)");
	TRY_WITH(name, vmptrld, " (%%rsp)");
	TRY_WITH(name, vmread, " %%rax, %%rcx");
	TRY_WITH(name, vmwrite, " %%rax, %%rcx");
	TRY_WITH(name, invept, " (%%rsp), %%rax");
	TRY_WITH(name, invvpid, " (%%rsp), %%rax");
	TRY_INSN(name, vmlaunch);
	TRY_INSN(name, vmresume);
	TRY_INSN(name, vmxoff);
	TRY_INSN(name, vmfunc);
	TRY_INSN(name, vmcall);
	TRY_INSN(name, getsec);
	return -EINVAL;
}

/* Not as Linux does it, which keeps a copy of CR4 and pins some of it. */
static u64 set_cr4(u64 cr4)
{
	asm volatile("mov %1, %%cr4; mov %%cr4, %0" : "=r"(cr4) : "r"(cr4) : "memory");
	return cr4;
}

static int poke_vmxe(void)
{
	unsigned long flags;
	u64 found, on, off;

	local_irq_save(flags);
	asm volatile("mov %%cr4, %0" : "=r"(found));
	on = set_cr4(found | X86_CR4_VMXE);
	off = set_cr4(found);
	local_irq_restore(flags);
	scnprintf(answer, sizeof(answer), "found %d on %d off %d rest %s\n",
		  !!(found & X86_CR4_VMXE), !!(on & X86_CR4_VMXE), !!(off & X86_CR4_VMXE),
		  ((found ^ on) | (found ^ off)) & ~(u64)X86_CR4_VMXE ? "changed" : "same");
	return 0;
}

/* Single-stepping: each #DB between the two labels is noted, and goes on. */

extern const char regent_poke_first[], regent_poke_last[];
static unsigned int steps;
static unsigned int step_at[MAX_STEPS];

static int step_trapped(struct notifier_block *nb, unsigned long what, void *data)
{
	const struct die_args *die = data;
	unsigned long ip = die->regs->ip;

	if (what != DIE_DEBUG || ip < (unsigned long)regent_poke_first ||
	    ip > (unsigned long)regent_poke_last)
		return NOTIFY_DONE;
	if (steps < MAX_STEPS)
		step_at[steps++] = ip - (unsigned long)regent_poke_first;
	return NOTIFY_STOP;
}

static struct notifier_block step_notifier = { .notifier_call = step_trapped };

/* Reads EFER and writes the same value back, with TF set. */
static noinline void step_over_efer(void)
{
	asm volatile("pushfq\n"
		     "orl $0x100, (%%rsp)\n"
		     "popfq\n"
		     ".globl regent_poke_first\n"
		     "regent_poke_first:\n"
		     ANNOTATE_NOENDBR
		     "nop\n"
		     "rdmsr\n"
		     "nop\n"
		     "wrmsr\n"
		     "nop\n"
		     "pushfq\n"
		     "andl $~0x100, (%%rsp)\n"
		     "popfq\n"
		     ".globl regent_poke_last\n"
		     "regent_poke_last:\n"
		     ANNOTATE_NOENDBR
		     : : "c"(MSR_EFER) : "rax", "rdx", "memory");
}

static int poke_step(void)
{
	unsigned long flags;
	unsigned int i;
	size_t n = 0;
	int err = register_die_notifier(&step_notifier);

	if (err)
		return err;
	steps = 0;
	local_irq_save(flags);
	step_over_efer();
	local_irq_restore(flags);
	unregister_die_notifier(&step_notifier);
	for (i = 0; i < steps; i++)
		n += scnprintf(answer + n, sizeof(answer) - n, "%u ", step_at[i]);
	scnprintf(answer + n, sizeof(answer) - n, "\n");
	return 0;
}

/*
 * Leaving K must not let in what Linux holds off. Interrupts are off here, and
 * the CPU leaves in the NMI that K sends it after a fault on another CPU.
 */
static bool irq_off_here;
static const char *irq_came;

static void irq_comes(struct irq_work *work)
{
	irq_came = in_nmi() ? "in the NMI" : READ_ONCE(irq_off_here) ? "too early" : "in time";
}

static noinline int hypercall(u64 nr, u64 arg)
{
	register u64 magic asm("r11") = REGENT_HC_MAGIC;
	int trap;

	asm volatile("1: " ALTERNATIVE("vmcall", "vmmcall", X86_FEATURE_VMMCALL) "\n"
		     "mov $-1, %%eax\n"
		     "2:\n"
		     _ASM_EXTABLE_FAULT(1b, 2b)
		     : "=a"(trap) : "a"(nr), "D"(arg), "r"(magic) : "memory");
	return trap;
}

static void fault_here(void *unused)
{
	hypercall(REGENT_HC_DEBUG_FAULT, REGENT_FAULT_GP);
}

static int poke_early(u64 cpu, u64 unused)
{
	static DEFINE_IRQ_WORK(work, irq_comes);
	static call_single_data_t there;
	u64 end = ktime_get_mono_fast_ns() + 10 * NSEC_PER_SEC;
	unsigned long flags;
	bool left = false;

	if (cpu >= nr_cpu_ids || !cpu_online(cpu))
		return -EINVAL;
	irq_came = "never";
	INIT_CSD(&there, fault_here, NULL);
	local_irq_save(flags);
	WRITE_ONCE(irq_off_here, true);
	irq_work_queue(&work);
	smp_call_function_single_async(cpu, &there);
	/* Once nobody answers, the NMI has been here. */
	while (!left && ktime_get_mono_fast_ns() < end)
		left = hypercall(REGENT_HC_NULL, 0) != NO_TRAP;
	WRITE_ONCE(irq_off_here, false);
	local_irq_restore(flags);
	irq_work_sync(&work);
	scnprintf(answer, sizeof(answer), "%s\n", left ? irq_came : "K stayed");
	return 0;
}

static const struct {
	const char *name;
	int (*poke)(u64 a, u64 b);
} numeric[] = {
	{ "early", poke_early },
	{ "far", poke_far },
	{ "read", poke_read },
	{ "write", poke_write },
	{ "pages", poke_pages },
	{ "mmio", poke_mmio },
	{ "rdmsr", poke_rdmsr },
	{ "wrmsr", poke_wrmsr },
};

static int poke(const char *text)
{
	char word[16], name[16];
	u64 a = 0, b = 0;
	int i;

	if (sscanf(text, "%15s %15s", word, name) == 2 && !strcmp(word, "insn"))
		return poke_insn(name) ? poke_vmx_insn(name) : 0;
	if (sscanf(text, "%15s %15s %lli %lli", word, name, &a, &b) >= 3 && !strcmp(word, "device"))
		return poke_registers(name, a, b);
	if (!strcmp(word, "step"))
		return poke_step();
	if (!strcmp(word, "vmxe"))
		return poke_vmxe();
	if (!strcmp(word, "page")) {
		scnprintf(answer, sizeof(answer), "0x%llx\n", page_to_phys(own_page));
		return 0;
	}
	if (sscanf(text, "%15s %lli %lli", word, &a, &b) < 2)
		return -EINVAL;
	for (i = 0; i < ARRAY_SIZE(numeric); i++)
		if (!strcmp(word, numeric[i].name))
			return numeric[i].poke(a, b);
	return -EINVAL;
}

static ssize_t poke_command(struct file *file, const char __user *user, size_t n,
			    loff_t *off)
{
	char text[80];
	int err;

	if (n >= sizeof(text))
		return -EINVAL;
	if (copy_from_user(text, user, n))
		return -EFAULT;
	text[n] = 0;
	mutex_lock(&poke_lock);
	answer[0] = 0;
	err = poke(text);
	mutex_unlock(&poke_lock);
	return err ?: n;
}

static ssize_t poke_answer(struct file *file, char __user *user, size_t n, loff_t *off)
{
	ssize_t got;

	mutex_lock(&poke_lock);
	got = simple_read_from_buffer(user, n, off, answer, strlen(answer));
	mutex_unlock(&poke_lock);
	return got;
}

static int poke_mmap(struct file *file, struct vm_area_struct *vma)
{
	return remap_pfn_range(vma, vma->vm_start, vma->vm_pgoff,
			       vma->vm_end - vma->vm_start, vma->vm_page_prot);
}

static const struct file_operations poke_fops = {
	.owner = THIS_MODULE,
	.read = poke_answer,
	.write = poke_command,
	.mmap = poke_mmap,
};

static struct miscdevice poke_device = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "regent_poke",
	.fops = &poke_fops,
	.mode = 0600,
};

static int __init poke_init(void)
{
	int err;

	own_page = alloc_page(GFP_KERNEL | __GFP_ZERO);
	if (!own_page)
		return -ENOMEM;
	err = misc_register(&poke_device);
	if (err)
		__free_page(own_page);
	return err;
}

static void __exit poke_exit(void)
{
	misc_deregister(&poke_device);
	__free_page(own_page);
}

module_init(poke_init);
module_exit(poke_exit);

MODULE_DESCRIPTION("Test of Regent: does what Linux has no business to do");
MODULE_LICENSE("GPL");
