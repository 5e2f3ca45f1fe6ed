// SPDX-License-Identifier: GPL-2.0-only
/*
 * vmcore_cpus PER_CPU_OFFSET L_CPUS CPUS: in a dump kernel, whether each CPU of the dead
 * one was a world at its end. It reads struct l_cpu of each from /proc/vmcore, by the
 * addresses of the symbols __per_cpu_offset and l_cpus (hexadecimal) and the dump's own
 * headers. Prints "CPU N: handed back" or "CPU N: a world" for each.
 *
 * Static and alone: where there is no disk, it is all that the dump kernel has.
 */
#include <elf.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define CORE	"/proc/vmcore"

/* The begin of takeover/l.h's struct l_cpu. */
struct l_cpu {
	uint32_t cpu;
	uint8_t prepared;
	uint8_t entered;
};

static int core;

static void fail(const char *what, uint64_t at)
{
	fprintf(stderr, "vmcore_cpus: %s at 0x%llx\n", what, (unsigned long long)at);
	exit(1);
}

static void read_at(void *to, size_t size, uint64_t at)
{
	if (pread(core, to, size, at) != (ssize_t)size)
		fail("cannot read " CORE, at);
}

/* What the dead kernel had at a virtual address: one of the segments has it. */
static void read_memory(void *to, size_t size, uint64_t va)
{
	Elf64_Ehdr head;
	Elf64_Phdr part;
	int i;

	read_at(&head, sizeof(head), 0);
	for (i = 0; i < head.e_phnum; i++) {
		read_at(&part, sizeof(part), head.e_phoff + i * head.e_phentsize);
		if (part.p_type == PT_LOAD && va >= part.p_vaddr &&
		    va + size <= part.p_vaddr + part.p_filesz) {
			read_at(to, size, part.p_offset + va - part.p_vaddr);
			return;
		}
	}
	fail("no memory in " CORE, va);
}

int main(int argc, char **argv)
{
	uint64_t offsets, cpus, base;
	struct l_cpu c;
	int cpu, number;

	if (argc != 4) {
		fprintf(stderr, "usage: vmcore_cpus PER_CPU_OFFSET L_CPUS CPUS\n");
		return 2;
	}
	core = open(CORE, O_RDONLY);
	if (core < 0)
		fail("no " CORE, 0);
	offsets = strtoull(argv[1], NULL, 16);
	cpus = strtoull(argv[2], NULL, 16);
	number = atoi(argv[3]);
	for (cpu = 0; cpu < number; cpu++) {
		read_memory(&base, sizeof(base), offsets + cpu * sizeof(base));
		read_memory(&c, sizeof(c), base + cpus);
		printf("CPU %u%s: %s\n", c.cpu, c.prepared ? "" : " unprepared",
		       c.entered ? "a world" : "handed back");
	}
	return 0;
}
