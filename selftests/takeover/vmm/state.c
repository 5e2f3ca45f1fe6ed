// SPDX-License-Identifier: GPL-2.0-only
/* A vCPU's state by ioctl: what is set is read again, and is what the guest finds. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "vmm.h"

static void begin(struct vm *vm, struct vcpu *v, enum guest_function function)
{
	make_guest_vm(vm, false, 1);
	make_guest_vcpu(vm, v, 0);
	start_guest(v, 0, function);
}

/* XMM0 to XMM14 and XMM15 as the guest expects them, and the control registers */
static void set_xsave(const struct vcpu *v, struct kvm_xsave *x)
{
	CALL(v->fd, KVM_GET_XSAVE, x);
	x->region[0] = 0x27f;
	x->region[6] = 0x1f00;
	memset((char *)x->region + 160, 0x5a, 240);
	memset((char *)x->region + 400, 0xc3, 16);
	x->region[128] |= 3;
	CALL(v->fd, KVM_SET_XSAVE, x);
}

void test_registers(void)
{
	struct kvm_debugregs debug, debug2;
	struct kvm_xsave xsave, xsave2;
	struct kvm_fpu fpu, fpu2;
	struct vcpu v;
	struct vm vm;

	begin(&vm, &v, GUEST_FN_registers);
	set_xsave(&v, &xsave);
	CALL(v.fd, KVM_GET_XSAVE, &xsave2);
	EXPECT("XSAVE", 0, memcmp(&xsave, &xsave2, sizeof(xsave)));
	CALL(v.fd, KVM_GET_FPU, &fpu);
	EXPECT("FCW", 0x27f, fpu.fcw);
	EXPECT("XMM", 0, memcmp((char *)xsave.region + 160, fpu.xmm, 256));
	CALL(v.fd, KVM_SET_FPU, &fpu);
	CALL(v.fd, KVM_GET_FPU, &fpu2);
	EXPECT("FPU", 0, memcmp(&fpu, &fpu2, sizeof(fpu)));
	CALL(v.fd, KVM_GET_DEBUGREGS, &debug);
	EXPECT("DR6", 0xffff0ff0, debug.dr6);
	EXPECT("DR7", 0x400, debug.dr7);
	debug.db[0] = 0x123456789a;
	CALL(v.fd, KVM_SET_DEBUGREGS, &debug);
	CALL(v.fd, KVM_GET_DEBUGREGS, &debug2);
	EXPECT("debug registers", 0, memcmp(&debug, &debug2, sizeof(debug)));
	shared(&vm)->arg[0] = 0x5a5a5a5a5a5a5a5aull;
	shared(&vm)->arg[1] = 0xc3c3c3c3c3c3c3c3ull;
	shared(&vm)->arg[2] = debug.db[0];
	GUEST_TELLS(&vm, &v, 1);
	CALL(v.fd, KVM_GET_FPU, &fpu);
	EXPECT("the guest's XMM0", 0x1111, *(uint64_t *)fpu.xmm[0]);
	EXPECT("the guest's XMM15", 0x2222, *(uint64_t *)fpu.xmm[15]);
	EXPECT("the guest's FPU", 0x4000, *(uint16_t *)(fpu.fpr[0] + 8));
	CALL(v.fd, KVM_GET_DEBUGREGS, &debug);
	EXPECT("the guest's DR1", 0x3333, debug.db[1]);
	GUEST_TELLS(&vm, &v, GUEST_DONE);
}

/* Two on one CPU, in turn, and the VMM's own registers in between */
void test_own(void)
{
	struct vcpu v[2];
	struct vm vm[2];
	uint64_t xmm = 0;
	uint32_t told = 0;
	int i, n;

	for (i = 0; i < 2; i++) {
		begin(&vm[i], &v[i], GUEST_FN_own);
		shared(&vm[i])->arg[0] = 0x1234 + i;
	}
	for (n = 0; n < 200; n++) {
		for (i = 0; i < 2; i++) {
			asm volatile("movq %0, %%xmm0" : : "r"(0x7777ull) : "xmm0");
			if (!EXPECT("KVM_RUN", 0, guest_says(&vm[i], &v[i], &told)))
				return;
			EXPECT("told", 2, told);
		}
	}
	asm volatile("movq %1, %%xmm9\n\tmov %2, %%eax\n\tmov %3, %%edi\n\tmov %4, %%esi\n\t"
		     "xor %%edx, %%edx\n\tsyscall\n\tmovq %%xmm9, %0"
		     : "=r"(xmm) : "r"(0x8888ull), "i"(16), "r"(v[0].fd), "i"(KVM_RUN)
		     : "rax", "rdi", "rsi", "rdx", "rcx", "r11", "xmm9", "memory");
	EXPECT("the VMM's XMM9", 0x8888, xmm);
}

void test_breakpoints(void)
{
	struct kvm_debugregs debug;
	struct vcpu v;
	struct vm vm;

	begin(&vm, &v, GUEST_FN_breakpoints);
	CALL(v.fd, KVM_GET_DEBUGREGS, &debug);
	debug.db[2] = GUEST_AREA;
	debug.dr7 = 0x400 | 1 << 5 | 13 << 24;	/* writes of 4 bytes */
	CALL(v.fd, KVM_SET_DEBUGREGS, &debug);
	GUEST_TELLS(&vm, &v, GUEST_DONE);
}

static uint64_t get_xcr0(const struct vcpu *v)
{
	struct kvm_xcrs x;

	CALL(v->fd, KVM_GET_XCRS, &x);
	EXPECT("number of XCRs", 1, x.nr_xcrs);
	return x.xcrs[0].value;
}

static int set_xcr0(const struct vcpu *v, uint64_t value)
{
	struct kvm_xcrs x = { .nr_xcrs = 1, .xcrs = { { .xcr = 0, .value = value } } };

	return ioctl(v->fd, KVM_SET_XCRS, &x) ? -errno : 0;
}

void test_xcr0(void)
{
	struct vcpu v;
	struct vm vm;

	begin(&vm, &v, GUEST_FN_xcr0);
	if (!CALL(vm.kvm, KVM_CHECK_EXTENSION, KVM_CAP_XCRS)) {
		printf("skipped: no XSAVE\n");
		return;
	}
	EXPECT("XCR0", 1, get_xcr0(&v));
	EXPECT("without x87", -EINVAL, set_xcr0(&v, 2));
	EXPECT("zero", -EINVAL, set_xcr0(&v, 0));
	EXPECT("what there is not", -EINVAL, set_xcr0(&v, 1 | 1ull << 62));
	EXPECT("x87 and SSE", 0, set_xcr0(&v, 3));
	EXPECT("XCR0", 3, get_xcr0(&v));
	EXPECT("x87", 0, set_xcr0(&v, 1));
	shared(&vm)->arg[0] = 1;
	shared(&vm)->arg[1] = 3;
	GUEST_TELLS(&vm, &v, 1);
	if (get_xcr0(&v) == 3)
		GUEST_TELLS(&vm, &v, GUEST_DONE);
	else
		printf("skipped: XSETBV does not exit from this processor's VMs\n");
}

static uint64_t now_ns(int which)
{
	struct timespec t;

	clock_gettime(which, &t);
	return t.tv_sec * 1000000000ull + t.tv_nsec;
}

void test_clock(void)
{
	struct kvm_clock_data clock;
	struct vcpu v;
	struct vm vm;
	uint64_t before, after, first;
	int64_t off;

	begin(&vm, &v, GUEST_FN_clock);
	GUEST_TELLS(&vm, &v, 1);
	before = now_ns(CLOCK_MONOTONIC);
	first = shared(&vm)->arg[0];
	CALL(vm.vm, KVM_GET_CLOCK, &clock);
	EXPECT("KVM_GET_CLOCK", 1, clock.clock >= first &&
	       clock.clock < first + 5000000000ull);
	off = shared(&vm)->arg[1] * 1000000000ll + shared(&vm)->arg[2] + first -
	      now_ns(CLOCK_REALTIME);
	EXPECT("wall clock, within 2 s", 1, off < 2000000000ll && off > -2000000000ll);
	usleep(200000);
	GUEST_TELLS(&vm, &v, GUEST_DONE);
	after = now_ns(CLOCK_MONOTONIC);
	first = shared(&vm)->arg[0] - first;
	EXPECT("it ran", 1, first > 180000000 && first < after - before + 100000000);
}

struct msrs {
	struct kvm_msrs head;
	struct kvm_msr_entry entry[8];
};

static int one_msr(const struct vcpu *v, bool set, uint32_t index, uint64_t *value)
{
	struct msrs m = { .head.nmsrs = 1, .entry = { { .index = index, .data = *value } } };
	int n = ioctl(v->fd, set ? KVM_SET_MSRS : KVM_GET_MSRS, &m);

	*value = m.entry[0].data;
	return n;
}

static void check_msr(const struct vcpu *v, uint32_t index, uint64_t value)
{
	uint64_t found = value;

	expect(index, "set", 1, one_msr(v, true, index, &found));
	found = ~value;
	expect(index, "get", 1, one_msr(v, false, index, &found));
	expect(index, "MSR", value, found);
}

static void check_msr_list(const struct vm *vm, const struct vcpu *v)
{
	struct {
		struct kvm_msr_list head;
		uint32_t index[512];
	} l = { .head.nmsrs = 0 };
	struct msrs m = { .head.nmsrs = 3, .entry = { { .index = 0xc0000081 },
		{ .index = 0x12345678 }, { .index = 0x174 } } };

	EXPECT("no room", -1, ioctl(vm->kvm, KVM_GET_MSR_INDEX_LIST, &l));
	EXPECT("no room", E2BIG, errno);
	EXPECT("number", 1, l.head.nmsrs > 10 && l.head.nmsrs < 512);
	CALL(vm->kvm, KVM_GET_MSR_INDEX_LIST, &l);
	EXPECT("it stops there", 1, CALL(v->fd, KVM_GET_MSRS, &m));
	EXPECT("it stops there", 1, CALL(v->fd, KVM_SET_MSRS, &m));
	m.head.nmsrs = 100000;
	EXPECT("too many", -1, ioctl(v->fd, KVM_GET_MSRS, &m));
	EXPECT("too many", E2BIG, errno);
}

void test_msrs(void)
{
	uint64_t a = 0, b = 0;
	struct vcpu v, w;
	struct vm vm;

	begin(&vm, &v, GUEST_FN_tables);
	make_guest_vcpu(&vm, &w, 1);
	check_msr_list(&vm, &v);
	check_msr(&v, 0xc0000081, 0x0023001000000000ull);
	check_msr(&v, 0xc0000082, 0xffffffff81000000ull);
	check_msr(&v, 0xc0000084, 0x47700);
	check_msr(&v, 0xc0000102, 0xffff888000000000ull);
	check_msr(&v, 0x174, 0x10);
	check_msr(&v, 0x175, 0xfe001000);
	check_msr(&v, 0x277, 0x0407050600070106ull);
	check_msr(&v, 0x200, 0x80000000);
	check_msr(&v, 0x201, 0xff80000800ull);
	check_msr(&v, 0x250, 0x0606060606060606ull);
	check_msr(&v, 0x2ff, 0xc06);
	check_msr(&v, 0xc0000080, 0xd01);
	a = 0x8000000000000000ull;
	EXPECT("LSTAR that is not canonical", 0, one_msr(&v, true, 0xc0000082, &a));
	one_msr(&v, false, 0x10, &a);
	one_msr(&w, false, 0x10, &b);
	EXPECT("TSCs agree", 1, b >= a && b - a < 2000000ull * shared(&vm)->tsc_khz / 1000);
	GUEST_TELLS(&vm, &v, GUEST_DONE);
}
