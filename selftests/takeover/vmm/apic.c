// SPDX-License-Identifier: GPL-2.0-only
/*
 * vCPUs with an APIC (KVM_CAP_SPLIT_IRQCHIP). What they do with it is in guest/apic.c: most
 * tests run a function of that until it is done. HLT does not end KVM_RUN then.
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "vmm.h"

#define APIC_CURRENT	0x390

static void run_function(enum guest_function function, bool x2apic)
{
	struct vcpu v;
	struct vm vm;

	make_guest_vm(&vm, x2apic, 1);
	make_guest_vcpu(&vm, &v, 0);
	start_guest(&v, 0, function);
	guest_tells(&vm, &v, __LINE__, GUEST_DONE);
}

void test_ipi(void)
{
	run_function(GUEST_FN_ipi, false);
	run_function(GUEST_FN_ipi, true);
}

void test_tpr(void)
{
	run_function(GUEST_FN_tpr, false);
	run_function(GUEST_FN_tpr, true);
}

void test_timer(void)
{
	run_function(GUEST_FN_timer, false);
	run_function(GUEST_FN_timer, true);
}

#define VCPUS	3

static void run_smp(bool x2apic)
{
	struct runner runner[VCPUS];
	struct vcpu v[VCPUS];
	struct vm vm;
	int i;

	make_guest_vm(&vm, x2apic, VCPUS);
	for (i = 0; i < VCPUS; i++)
		make_guest_vcpu(&vm, &v[i], i);
	start_guest(&v[0], 0, GUEST_FN_smp);
	for (i = 1; i < VCPUS; i++)
		begin_thread(&runner[i], &vm, &v[i], i);
	guest_tells(&vm, &v[0], __LINE__, GUEST_DONE);
	for (i = 1; i < VCPUS; i++)
		end_thread(&runner[i]);
}

void test_ipis(void)
{
	run_smp(false);
}

void test_ipis2(void)
{
	run_smp(true);
}

/* While one is handled, of three that come one is kept. */
void test_nmi(void)
{
	struct vcpu v;
	struct vm vm;
	uint32_t i;

	make_guest_vm(&vm, false, 1);
	make_guest_vcpu(&vm, &v, 0);
	start_guest(&v, 0, GUEST_FN_nmi);
	for (i = 0; i < 5; i++) {
		GUEST_TELLS(&vm, &v, i);
		CALL(v.fd, KVM_NMI, 0);
		GUEST_TELLS(&vm, &v, 0x101 + 2 * i);
		CALL(v.fd, KVM_NMI, 0);
		CALL(v.fd, KVM_NMI, 0);
		CALL(v.fd, KVM_NMI, 0);
		GUEST_TELLS(&vm, &v, 0x201 + 2 * i);
		GUEST_TELLS(&vm, &v, 0x102 + 2 * i);
		GUEST_TELLS(&vm, &v, 0x202 + 2 * i);
	}
	GUEST_TELLS(&vm, &v, GUEST_DONE);
	EXPECT("NMIs", 10, shared(&vm)->arg[0]);
}

/* An interrupt comes after the HLT that follows STI, whatever lies between the two. */
void test_shadow(void)
{
	struct kvm_msi msi = { .address_lo = 0xfee00000, .data = 0x41 };
	struct kvm_vcpu_events events;
	struct kvm_regs r;
	struct vcpu v;
	struct vm vm;

	make_guest_vm(&vm, false, 1);
	make_guest_vcpu(&vm, &v, 0);
	start_guest(&v, 0, GUEST_FN_shadow);
	GUEST_TELLS(&vm, &v, 1);
	CALL(v.fd, KVM_GET_REGS, &r);
	r.rip = shared(&vm)->arg[0];
	r.rflags |= 1u << 9;
	CALL(v.fd, KVM_SET_REGS, &r);
	CALL(v.fd, KVM_GET_VCPU_EVENTS, &events);
	events.interrupt.shadow = KVM_X86_SHADOW_INT_STI;
	events.flags |= KVM_VCPUEVENT_VALID_SHADOW;
	CALL(v.fd, KVM_SET_VCPU_EVENTS, &events);
	EXPECT("MSI", 1, ioctl(vm.vm, KVM_SIGNAL_MSI, &msi));
	GUEST_TELLS(&vm, &v, GUEST_DONE);
	EXPECT("behind the HLT", r.rip + 1, shared(&vm)->arg[1]);
}

static uint32_t mp_state(const struct vcpu *v)
{
	struct kvm_mp_state state = { .mp_state = ~0u };

	CALL(v->fd, KVM_GET_MP_STATE, &state);
	return state.mp_state;
}

/* A signal ends a HLT, and one that kills does. */
void test_halted(void)
{
	struct itimerval soon = { .it_value.tv_usec = 100000 };
	struct runner runner;
	struct vcpu v[2];
	struct vm vm;
	uint32_t i, told;

	make_guest_vm(&vm, false, 2);
	make_guest_vcpu(&vm, &v[0], 0);
	make_guest_vcpu(&vm, &v[1], 1);
	EXPECT("state", KVM_MP_STATE_RUNNABLE, mp_state(&v[0]));
	EXPECT("state", KVM_MP_STATE_UNINITIALIZED, mp_state(&v[1]));
	start_guest(&v[0], 0, GUEST_FN_wait);
	GUEST_TELLS(&vm, &v[0], 1);
	for (i = 0; i < 3; i++) {
		setitimer(ITIMER_REAL, &soon, NULL);
		EXPECT("KVM_RUN", EINTR, guest_says(&vm, &v[0], &told));
		EXPECT("reason", KVM_EXIT_INTR, v[0].run->exit_reason);
		EXPECT("state", KVM_MP_STATE_HALTED, mp_state(&v[0]));
	}
	alarm(50);
	begin_thread(&runner, &vm, &v[1], 1);
	usleep(50000);
	end_thread(&runner);
	EXPECT("state", KVM_MP_STATE_UNINITIALIZED, mp_state(&v[1]));
}

static void wait_for_ever(int ready)
{
	uint32_t told;
	struct vcpu v;
	struct vm vm;

	make_guest_vm(&vm, true, 1);
	make_guest_vcpu(&vm, &v, 0);
	start_guest(&v, 0, GUEST_FN_wait);
	guest_says(&vm, &v, &told);
	if (write(ready, "", 1) == 1)
		guest_says(&vm, &v, &told);
	_exit(3);
}

void test_killed(void)
{
	int go[2], status, i;
	pid_t child;
	char c;

	for (i = 0; i < 5; i++) {
		if (pipe(go))
			die("pipe");
		child = fork();
		if (!child)
			wait_for_ever(go[1]);
		close(go[1]);
		EXPECT("it runs", 1, read(go[0], &c, 1));
		usleep(i * 20000);
		kill(child, SIGKILL);
		waitpid(child, &status, 0);
		EXPECT("killed", SIGKILL, WTERMSIG(status));
		close(go[0]);
	}
}

static void get_lapic(const struct vcpu *v, struct kvm_lapic_state *l)
{
	CALL(v->fd, KVM_GET_LAPIC, l);
}

/* An APIC's state moves to a vCPU of another VM, with memory and registers. */
static void move_lapic(bool x2apic)
{
	struct kvm_lapic_state from, to;
	struct kvm_sregs s;
	struct vcpu v[2];
	struct vm vm[2];
	int i;

	for (i = 0; i < 2; i++) {
		make_guest_vm(&vm[i], x2apic, 1);
		make_guest_vcpu(&vm[i], &v[i], 0);
	}
	start_guest(&v[0], 0, GUEST_FN_lapic);
	GUEST_TELLS(&vm[0], &v[0], 1);
	get_lapic(&v[0], &from);
	get_sregs(&v[0], &s);
	EXPECT("CR8", 3, s.cr8);
	EXPECT("APIC base", x2apic ? 0xfee00d00 : 0xfee00900, s.apic_base);
	memcpy(vm[1].memory, vm[0].memory, MEMORY);
	start_guest(&v[1], 0, GUEST_FN_lapic_after);
	get_sregs(&v[1], &s);
	s.apic_base = x2apic ? 0xfee00d00 : 0xfee00900;
	CALL(v[1].fd, KVM_SET_SREGS, &s);
	CALL(v[1].fd, KVM_SET_LAPIC, &from);
	get_lapic(&v[1], &to);
	memcpy(to.regs + APIC_CURRENT, from.regs + APIC_CURRENT, 4);
	EXPECT("the same state", 0, memcmp(&from, &to, sizeof(from)));
	for (i = 0; i < (int)sizeof(from); i += 4)
		if (memcmp(from.regs + i, to.regs + i, 4))
			expect(i, "register", *(uint32_t *)(from.regs + i),
			       *(uint32_t *)(to.regs + i));
	GUEST_TELLS(&vm[1], &v[1], GUEST_DONE);
}

void test_lapic(void)
{
	move_lapic(false);
	move_lapic(true);
}
