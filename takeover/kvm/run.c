// SPDX-License-Identifier: GPL-2.0-only
/*
 * KVM_RUN: K runs the vCPU, begun by a hypercall on this CPU, until there is something to do.
 * Linux's interrupts are taken between two of these, pages that the vCPU lacks are mapped,
 * a vCPU with an APIC waits here, and what the VMM has to do ends KVM_RUN.
 */
#include <linux/sched/signal.h>

#include "kvm.h"

/* The VMM may write it at any time, of which newer headers warn by another name. */
static bool run_is_to_end(const struct vcpu *v)
{
#ifdef HINT_UNSAFE_IN_KVM
	return READ_ONCE(v->run->HINT_UNSAFE_IN_KVM(immediate_exit));
#else
	return READ_ONCE(v->run->immediate_exit);
#endif
}

/* What the VMM has read from a device goes to K, which has checked the size. */
static void run_tell_read(struct vcpu *v)
{
	u64 data = 0;

	if (v->io == VCPU_NO_READ)
		return;
	if (v->io == VCPU_PORT_READ)
		memcpy(&data, (u8 *)v->run + VCPU_IO_OFFSET, v->page->size);
	else
		memcpy(&data, v->run->mmio.data, v->page->size);
	v->page->data = data;
	v->io = VCPU_NO_READ;
}

static int run_exit_io(struct vcpu *v)
{
	struct kvm_run *run = v->run;
	const struct regent_vcpu_page *page = v->page;

	run->exit_reason = KVM_EXIT_IO;
	run->io.direction = page->write ? KVM_EXIT_IO_OUT : KVM_EXIT_IO_IN;
	run->io.size = page->size;
	run->io.port = page->address;
	run->io.count = 1;
	run->io.data_offset = VCPU_IO_OFFSET;
	if (page->write)
		memcpy((u8 *)run + VCPU_IO_OFFSET, &page->data, page->size);
	else
		v->io = VCPU_PORT_READ;
	return 1;
}

static int run_exit_mmio(struct vcpu *v)
{
	struct kvm_run *run = v->run;
	const struct regent_vcpu_page *page = v->page;

	run->exit_reason = KVM_EXIT_MMIO;
	run->mmio.phys_addr = page->address;
	run->mmio.len = page->size;
	run->mmio.is_write = page->write;
	memset(run->mmio.data, 0, sizeof(run->mmio.data));
	if (page->write)
		memcpy(run->mmio.data, &page->data, page->size);
	else
		v->io = VCPU_MMIO_READ;
	return 1;
}

static int run_exit_unknown(struct vcpu *v)
{
	struct kvm_run *run = v->run;
	u32 n = min_t(u32, v->page->insn_length, sizeof(run->emulation_failure.insn_bytes));

	run->exit_reason = KVM_EXIT_INTERNAL_ERROR;
	run->internal.suberror = KVM_INTERNAL_ERROR_EMULATION;
	run->internal.ndata = 3;
	run->emulation_failure.flags =
		KVM_INTERNAL_ERROR_EMULATION_FLAG_INSTRUCTION_BYTES;
	run->emulation_failure.insn_size = n;
	memset(run->emulation_failure.insn_bytes, 0x90,
	       sizeof(run->emulation_failure.insn_bytes));
	memcpy(run->emulation_failure.insn_bytes, v->page->insn, n);
	return 1;
}

/* A write that ends no KVM_RUN */
static bool run_write_is_taken(struct vcpu *v, bool port)
{
	const struct regent_vcpu_page *page = v->page;

	return page->write &&
	       (ioevent_signal(v->vm, port, page->address, page->size, page->data) ||
		coalesced_write(v->vm, port, page->address, page->size, page->data));
}

/* An access to a port, or to a device in memory. What is read here is finished at once. */
static int run_access(struct vcpu *v, bool port, u64 *how)
{
	if (irqchip_access(v, port)) {
		if (v->page->write)
			return 0;
		return run_answered(v, vcpu_enter(v, REGENT_RUN_COMPLETE), how);
	}
	if (run_write_is_taken(v, port))
		return 0;
	return port ? run_exit_io(v) : run_exit_mmio(v);
}

/* Nothing is there, and it is no device's: KVM_RUN ends with the errno. */
static int run_map(struct vcpu *v, u64 *how)
{
	int err = memory_fault(v->vm, v->page->address, v->page->write);

	if (err == 1 && !v->page->fetch) {
		*how = REGENT_RUN_DEVICE;
		return 0;
	}
	if (err != 1)
		return err;
	v->page->insn_length = 0;
	return run_exit_unknown(v);
}

/* An MSR that K leaves to L. The instruction is finished at once: VMMs expect no less. */
static int run_msr(struct vcpu *v, u64 *how)
{
	struct regent_vcpu_page *page = v->page;
	u64 value = page->data, result = REGENT_RUN_COMPLETE;
	bool ok = page->write ? msr_write(v, page->address, value, false) :
				msr_read(v, page->address, &value);

	page->data = value;
	if (!ok)
		result |= REGENT_RUN_REFUSED;
	return run_answered(v, vcpu_enter(v, result), how);
}

/* A vCPU waits: with an APIC in here, without one it is the VMM who knows for what. */
static int run_hlt(struct vcpu *v)
{
	if (vm_has_apics(v->vm)) {
		wait_for_vcpu(v);
		return 0;
	}
	v->run->exit_reason = KVM_EXIT_HLT;
	return 1;
}

/* L has the I/O APIC, or the VMM has some. */
static int run_eoi(struct vcpu *v)
{
	if (v->vm->irqchip) {
		irqchip_eoi(v->vm, v->page->address);
		return 0;
	}
	if (!route_eoi(v->vm, v->page->address))
		return 0;
	v->run->exit_reason = KVM_EXIT_IOAPIC_EOI;
	v->run->eoi.vector = v->page->address;
	return 1;
}

/**
 * run_answered() - why the hypercall has returned
 * @v: the vCPU
 * @answer: enum regent_vcpu_exit, or a negative errno
 * @how: REGENT_RUN_* for the next one
 *
 * Return: 0: go on; 1: KVM_RUN ends; or a negative errno.
 */
int run_answered(struct vcpu *v, long answer, u64 *how)
{
	struct kvm_run *run = v->run;

	switch (answer) {
	case REGENT_VCPU_INTERRUPTED:
		return 0;
	case REGENT_VCPU_FAULT:
		return run_map(v, how);
	case REGENT_VCPU_IO:
		return run_access(v, true, how);
	case REGENT_VCPU_MMIO:
		return run_access(v, false, how);
	case REGENT_VCPU_MSR:
		return run_msr(v, how);
	case REGENT_VCPU_EOI:
		return run_eoi(v);
	case REGENT_VCPU_HLT:
		return run_hlt(v);
	case REGENT_VCPU_SHUTDOWN:
		run->exit_reason = KVM_EXIT_SHUTDOWN;
		return 1;
	case REGENT_VCPU_FAIL_ENTRY:
		run->exit_reason = KVM_EXIT_FAIL_ENTRY;
		run->fail_entry.hardware_entry_failure_reason = v->page->data;
		run->fail_entry.cpu = raw_smp_processor_id();
		return 1;
	case REGENT_VCPU_UNKNOWN:
		return run_exit_unknown(v);
	case REGENT_VCPU_WINDOW:
		if (v->vm->irqchip)
			return 0;
		run->exit_reason = KVM_EXIT_IRQ_WINDOW_OPEN;
		return 1;
	case REGENT_VCPU_UNEXPECTED:
		run->exit_reason = KVM_EXIT_UNKNOWN;
		run->hw.hardware_exit_reason = v->page->data;
		return 1;
	}
	return answer < 0 ? answer : -EIO;
}

static int run_interrupted(struct vcpu *v)
{
	v->run->exit_reason = KVM_EXIT_INTR;
	return -EINTR;
}

/* Would the vCPU get what a PIC of the VMM's sends? Its APIC may hold it back. */
static bool run_takes_extint(const struct vcpu *v)
{
	return !READ_ONCE(v->vm->split) || v->page->takes_extint;
}

/* The VMM wants to know when the vCPU can take an interrupt. */
static u64 run_window(const struct vcpu *v)
{
	return READ_ONCE(v->run->request_interrupt_window) && !v->vm->irqchip &&
	       run_takes_extint(v) ? REGENT_RUN_WINDOW : 0;
}

static int run_loop(struct vcpu *v)
{
	u64 how = 0;
	long answer;
	int end = 0;

	run_tell_read(v);
	/* The VMM wants the last exit finished, and no more; a signal has it finished as well. */
	if (run_is_to_end(v) || signal_pending(current)) {
		end = run_answered(v, vcpu_enter(v, REGENT_RUN_COMPLETE), &how);
		return end > 0 ? 0 : end ?: run_interrupted(v);
	}
	while (!end) {
		if (signal_pending(current))
			return run_interrupted(v);
		cond_resched();
		clock_update(v);
		answer = vcpu_enter(v, how | run_window(v));
		how = 0;
		end = run_answered(v, answer, &how);
	}
	return end < 0 ? end : 0;
}

/* What KVM_RUN tells the VMM, however it ends, which may have an interrupt controller */
static void run_tell_vmm(struct vcpu *v)
{
	struct kvm_run *run = v->run;

	run->if_flag = v->page->if_flag;
	run->ready_for_interrupt_injection = v->vm->irqchip ||
					     (v->page->interruptible && !v->page->irq &&
					      run_takes_extint(v));
	run->cr8 = v->page->cr8;
	run->apic_base = v->apic_base;
}

/**
 * run_vcpu() - KVM_RUN
 * @v: the vCPU, locked
 *
 * Return: 0, and the reason in @v->run; -EINTR for a signal; another negative errno.
 */
int run_vcpu(struct vcpu *v)
{
	u64 cr8 = READ_ONCE(v->run->cr8);
	int err;

	if (cr8 > 15 && !vm_has_apics(v->vm))
		return -EINVAL;
	v->page->cr8 = cr8;
	/* Where sigtimedwait() keeps them, so that a signal that waits for it is not dropped */
	if (v->masked)
		sigprocmask(SIG_SETMASK, &v->sigset, &current->real_blocked);
	world_begin(v);
	err = run_loop(v);
	world_end(v);
	run_tell_vmm(v);
	if (v->masked) {
		sigprocmask(SIG_SETMASK, &current->real_blocked, NULL);
		sigemptyset(&current->real_blocked);
	}
	return err;
}
