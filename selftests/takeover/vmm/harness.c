// SPDX-License-Identifier: GPL-2.0-only
/* Making VMs and vCPUs, and comparing what comes out of them. */
#include <cpuid.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "vmm.h"

bool failed;

bool expect(int line, const char *what, uint64_t wanted, uint64_t found)
{
	if (wanted == found)
		return true;
	printf("line %d: %s: 0x%llx, not 0x%llx\n", line, what, (unsigned long long)found,
	       (unsigned long long)wanted);
	failed = true;
	return false;
}

void die(const char *what)
{
	printf("%s: %s\n", what, strerror(errno));
	exit(1);
}

int call(int fd, unsigned long nr, const void *arg, const char *name)
{
	int n = ioctl(fd, nr, arg);

	if (n < 0)
		die(name);
	return n;
}

int set_slot(const struct vm *vm, int slot, uint64_t gpa, void *at, size_t size,
	     uint32_t flags)
{
	struct kvm_userspace_memory_region r = {
		.slot = slot, .guest_phys_addr = gpa, .memory_size = size,
		.userspace_addr = (uintptr_t)at, .flags = flags,
	};

	return ioctl(vm->vm, KVM_SET_USER_MEMORY_REGION, &r) ? -errno : 0;
}

void *anonymous(size_t size)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		die("mmap");
	return p;
}

void make_vm(struct vm *vm)
{
	vm->kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	if (vm->kvm < 0)
		die("/dev/kvm");
	EXPECT("version", 12, CALL(vm->kvm, KVM_GET_API_VERSION, 0));
	vm->vm = CALL(vm->kvm, KVM_CREATE_VM, 0);
	vm->run_size = CALL(vm->kvm, KVM_GET_VCPU_MMAP_SIZE, 0);
	vm->memory = anonymous(MEMORY);
	EXPECT("slot", 0, set_slot(vm, 0, 0, vm->memory, MEMORY, 0));
}

void make_vcpu(const struct vm *vm, struct vcpu *v, int number)
{
	v->fd = CALL(vm->vm, KVM_CREATE_VCPU, number);
	v->run = mmap(NULL, vm->run_size, PROT_READ | PROT_WRITE, MAP_SHARED, v->fd, 0);
	if (v->run == MAP_FAILED)
		die("mmap of a vCPU");
}

void copy_code(const struct vm *vm, const char *from, const char *end)
{
	memcpy(vm->memory + CODE, from, end - from);
}

bool is_intel(void)
{
	uint32_t eax, ebx, ecx, edx;

	return __get_cpuid(0, &eax, &ebx, &ecx, &edx) && ebx == signature_INTEL_ebx;
}

void get_sregs(const struct vcpu *v, struct kvm_sregs *s)
{
	CALL(v->fd, KVM_GET_SREGS, s);
}

void start_real(const struct vcpu *v, uint64_t rbx)
{
	struct kvm_regs regs = { .rip = CODE, .rflags = 2, .rbx = rbx, .rsp = 0x8000 };
	struct kvm_sregs s;

	get_sregs(v, &s);
	s.cs.base = s.cs.selector = 0;
	CALL(v->fd, KVM_SET_SREGS, &s);
	CALL(v->fd, KVM_SET_REGS, &regs);
}

/* Data segments of 4 GiB, and code as large, which is 32-bit code until the caller changes it */
void set_flat(struct kvm_sregs *s)
{
	struct kvm_segment flat = { .limit = 0xffffffff, .selector = 0x10, .type = 3, .s = 1,
				    .present = 1, .db = 1, .g = 1 };

	s->ds = s->es = s->fs = s->gs = s->ss = flat;
	flat.type = 11;
	flat.selector = 8;
	s->cs = flat;
}

void start_32(const struct vcpu *v, uint64_t rbx)
{
	struct kvm_regs regs = { .rip = CODE, .rflags = 2, .rbx = rbx, .rsp = 0x8000 };
	struct kvm_sregs s;

	get_sregs(v, &s);
	set_flat(&s);
	s.cr0 = 0x11;
	CALL(v->fd, KVM_SET_SREGS, &s);
	CALL(v->fd, KVM_SET_REGS, &regs);
}

/* The next exit is this one. */
bool exits_by(const struct vcpu *v, int line, uint32_t reason)
{
	int err = ioctl(v->fd, KVM_RUN, 0) ? errno : 0;

	if (!err && v->run->exit_reason == KVM_EXIT_FAIL_ENTRY)
		expect(line, "entry failure", 0,
		       v->run->fail_entry.hardware_entry_failure_reason);
	return expect(line, "KVM_RUN", 0, err) &&
	       expect(line, "exit reason", reason, v->run->exit_reason);
}

/* The guest tells this value. */
bool tells(const struct vcpu *v, int line, uint32_t value)
{
	if (!exits_by(v, line, KVM_EXIT_IO))
		return false;
	return expect(line, "port", PORT, v->run->io.port) &&
	       expect(line, "direction", KVM_EXIT_IO_OUT, v->run->io.direction) &&
	       expect(line, "size", 4, v->run->io.size) &&
	       expect(line, "value", value,
		      *(uint32_t *)((char *)v->run + v->run->io.data_offset));
}
