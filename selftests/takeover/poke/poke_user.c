// SPDX-License-Identifier: GPL-2.0-only
/*
 * Does from user space what no program has business to do, and prints what came
 * of it: a value, "done", or the signal.
 *
 *	poke_user insn NAME			an instruction
 *	poke_user memory read|write|exec PA	through /dev/regent_poke
 *	poke_user copy fresh|const|file PA	16 bytes of a device's by REP MOVSB, to the
 *						end of one page and the start of the next:
 *						of memory nobody has touched, that is only
 *						to be read, or that maps a file
 *	poke_user step				single-step by ptrace: each stop
 */
#include <err.h>
#include <fcntl.h>
#include <regent/abi/hypercall.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

/* Of Regent's hypercalls, as the assembler reads it */
#define MAGIC	0x746e656745727547
_Static_assert(MAGIC == REGENT_HC_MAGIC, "the ABI has another magic");
#define TEXT(number)	TEXT_OF(number)
#define TEXT_OF(number)	#number

static sigjmp_buf back;

static void caught(int sig)
{
	siglongjmp(back, sig);
}

/* Run fn; say which signal ended it. */
static int survive(void (*fn)(void *), void *arg)
{
	static const int signals[] = { SIGILL, SIGSEGV, SIGBUS, SIGTRAP };
	size_t i;
	int sig;

	for (i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		signal(signals[i], caught);
	sig = sigsetjmp(back, 1);
	if (!sig)
		fn(arg);
	else
		printf("SIG%s\n", sigabbrev_np(sig));
	return 0;
}

#define INSN(nm, text)							\
	static void do_##nm(void *unused)				\
	{								\
		(void)unused;						\
		asm volatile(text : : "a"(0), "c"(0) : "rdx", "r11", "memory");	\
		puts("done");						\
	}
INSN(vmrun, "vmrun")
INSN(vmload, "vmload")
INSN(vmsave, "vmsave")
INSN(stgi, "stgi")
INSN(clgi, "clgi")
INSN(skinit, "skinit")
INSN(invlpga, "invlpga")
INSN(vmmcall, "xor %%r11d, %%r11d; vmmcall")
INSN(rdmsr, "mov $0xc0000080, %%ecx; rdmsr")
INSN(magic, "movabs $" TEXT(MAGIC) ", %%r11; vmmcall")

static const struct {
	const char *name;
	void (*fn)(void *);
} insns[] = {
	{ "vmrun", do_vmrun }, { "vmload", do_vmload }, { "vmsave", do_vmsave },
	{ "stgi", do_stgi }, { "clgi", do_clgi }, { "skinit", do_skinit },
	{ "invlpga", do_invlpga }, { "vmmcall", do_vmmcall }, { "magic", do_magic },
	{ "rdmsr", do_rdmsr },
};

static int insn(const char *name)
{
	size_t i;

	for (i = 0; i < sizeof(insns) / sizeof(insns[0]); i++)
		if (!strcmp(insns[i].name, name))
			return survive(insns[i].fn, NULL);
	errx(2, "no instruction %s", name);
}

static void memory_read(void *p)
{
	printf("0x%llx\n", *(volatile unsigned long long *)p);
}

static void memory_write(void *p)
{
	*(volatile unsigned char *)p = 0xc3;
	puts("done");
}

static void memory_exec(void *p)
{
	((void (*)(void))p)();
	puts("done");
}

/* Two pages to copy to. */
static unsigned char *copy_target(const char *how)
{
	int prot = PROT_READ | (strcmp(how, "const") ? PROT_WRITE : 0);
	int flags = MAP_PRIVATE | MAP_ANONYMOUS, fd = -1;
	char name[] = "/tmp/poke_user.XXXXXX";
	unsigned char *to;

	if (!strcmp(how, "file")) {
		flags = MAP_SHARED;
		fd = mkstemp(name);
		if (fd < 0 || unlink(name) || ftruncate(fd, 8192))
			err(2, "%s", name);
	}
	to = mmap(NULL, 8192, prot, flags, fd, 0);
	if (to == MAP_FAILED)
		err(2, "mmap");
	return to;
}

static const char *copy_how;

static void copy_out(void *from)
{
	unsigned char *to = copy_target(copy_how) + 4096 - 8, *end = to;
	size_t n = 16;
	int i;

	asm volatile("rep movsb" : "+S"(from), "+D"(end), "+c"(n) : : "memory");
	for (i = 0; i < 16; i++)
		printf("%02x%c", to[i], i < 15 ? ' ' : '\n');
	if (end - to != 16 || n)
		errx(2, "registers are wrong");
}

static void *map_physical(unsigned long long pa)
{
	int fd = open("/dev/regent_poke", O_RDWR);
	char *p;

	if (fd < 0)
		err(2, "/dev/regent_poke");
	p = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_SHARED, fd,
		 pa & ~4095ull);
	if (p == MAP_FAILED)
		err(2, "mmap");
	return p + (pa & 4095);
}

static int memory(const char *how, const char *where)
{
	void *p = map_physical(strtoull(where, NULL, 0));

	if (!strcmp(how, "read"))
		return survive(memory_read, p);
	if (!strcmp(how, "write"))
		return survive(memory_write, p);
	if (!strcmp(how, "exec"))
		return survive(memory_exec, p);
	errx(2, "no way %s", how);
}

/*
 * The child's code: what stops at exits or faults, between instructions that
 * do not. It ends with INT3, which the parent knows.
 */
extern const char stepped[], stepped_end[];
asm(".text\n"
    "stepped:\n"
    "nop\n"
    "xor %eax, %eax\n"
    "cpuid\n"
    "nop\n"
    "rdtsc\n"
    "mov $39, %eax\n"		/* getpid */
    "syscall\n"
    "nop\n"
    "xor %r11d, %r11d\n"
    "vmmcall\n"
    "nop\n"
    "movabs $" TEXT(MAGIC) ", %r11\n"
    "vmmcall\n"
    "nop\n"
    "pushfq\n"
    "popfq\n"
    "nop\n"
    "int3\n"
    "stepped_end:\n"
    "nop\n");

static void child(void)
{
	ptrace(PTRACE_TRACEME, 0, NULL, NULL);
	raise(SIGSTOP);
	asm volatile("call stepped" : : : "rax", "rbx", "rcx", "rdx", "r11", "memory");
	_exit(1);
}

/* A fault is noted and its instruction, a VMMCALL, stepped past. */
static unsigned long long note_stop(pid_t pid, int status)
{
	struct user_regs_struct r;
	unsigned long long at;

	if (ptrace(PTRACE_GETREGS, pid, NULL, &r))
		err(2, "PTRACE_GETREGS");
	at = r.rip - (unsigned long long)stepped;
	if (at > (unsigned long long)(stepped_end - stepped))
		return ~0ull;
	printf("%llu:%s ", at, sigabbrev_np(WSTOPSIG(status)));
	if (WSTOPSIG(status) == SIGILL) {
		r.rip += 3;
		ptrace(PTRACE_SETREGS, pid, NULL, &r);
	}
	return at;
}

static int step(void)
{
	pid_t pid = fork();
	int status, stops;

	if (!pid)
		child();
	/* Some hundred steps lie between the SIGSTOP and the code. */
	for (stops = 0; stops < 100000; stops++) {
		if (waitpid(pid, &status, 0) != pid || !WIFSTOPPED(status))
			errx(2, "the child is gone");
		if (note_stop(pid, status) == (unsigned long long)(stepped_end - stepped))
			break;
		ptrace(PTRACE_SINGLESTEP, pid, NULL, NULL);
	}
	putchar('\n');
	kill(pid, SIGKILL);
	return 0;
}

int main(int argc, char **argv)
{
	setvbuf(stdout, NULL, _IONBF, 0);
	if (argc == 3 && !strcmp(argv[1], "insn"))
		return insn(argv[2]);
	if (argc == 4 && !strcmp(argv[1], "memory"))
		return memory(argv[2], argv[3]);
	if (argc == 4 && !strcmp(argv[1], "copy")) {
		copy_how = argv[2];
		return survive(copy_out, map_physical(strtoull(argv[3], NULL, 0)));
	}
	if (argc == 2 && !strcmp(argv[1], "step"))
		return step();
	fprintf(stderr, "usage: poke_user insn NAME | memory read|write|exec PA | copy fresh|const|file PA | step\n");
	return 2;
}
