// SPDX-License-Identifier: GPL-2.0-only
/*
 * A vCPU that works, and notes for each 100 ms of its clock how many rounds it made: whoever looks
 * at that later needs no Linux that runs meanwhile.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <x86intrin.h>

#include "vmm.h"

#define MSR_TSC	0x10

/* The guest's TSC minus this machine's */
static uint64_t tsc_offset(const struct vcpu *v)
{
	struct {
		struct kvm_msrs head;
		struct kvm_msr_entry entry;
	} msr = { .head.nmsrs = 1, .entry.index = MSR_TSC };
	uint64_t before = __rdtsc();

	CALL(v->fd, KVM_GET_MSRS, &msr);
	return msr.entry.data - before;
}

static void on_term(int unused)
{
	(void)unused;
}

static void print_rounds(const struct vm *vm, uint64_t offset)
{
	const volatile struct shared *s = shared(vm);
	const volatile uint32_t *rounds = (void *)(vm->memory + GUEST_AREA);
	uint64_t unit = s->tsc_khz * WORK_UNIT_MS, i;

	for (i = 0; i < WORK_UNITS && rounds[i]; i++)
		printf("%llu %u\n", (unsigned long long)(s->arg[0] + i * unit - offset),
		       rounds[i]);
}

/* Until SIGTERM: then, for each 100 ms, the TSC of this machine at their begin, and the rounds */
void test_work(void)
{
	struct sigaction action = { .sa_handler = on_term };
	uint64_t offset;
	struct vcpu v;
	uint32_t told;
	struct vm vm;
	int err;

	make_guest_vm(&vm, false, 1);
	make_guest_vcpu(&vm, &v, 0);
	offset = tsc_offset(&v);
	start_guest(&v, 0, GUEST_FN_work);
	GUEST_TELLS(&vm, &v, 1);
	sigaction(SIGTERM, &action, NULL);
	printf("ready\n");
	fflush(stdout);
	err = guest_says(&vm, &v, &told);
	EXPECT("it ends by the signal", EINTR, err);
	print_rounds(&vm, offset);
}
