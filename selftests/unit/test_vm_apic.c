// SPDX-License-Identifier: GPL-2.0-only
/*
 * The APICs of a VM's vCPUs as K runs them: what others post, what an entry delivers, and when a
 * vCPU exits for it. The real src/vm/apic.c and nmi.c, on a processor of a few flags.
 *
 * A model keeps its own list of what is pending and in service, and says before each entry what
 * the processor has to get. Others post from threads, too, with nothing lost.
 */
#include <pthread.h>
#include <unistd.h>
#include <asm/prctl.h>
#include <sys/syscall.h>
#include <hw/asm.h>
#include "unit.h"

/* Time is the test's. */
static u64 tsc;
#define hw_rdtsc()	tsc
#include "../../src/vm/apic.c"
#undef hw_rdtsc

#define VCPUS	3

/* What the linker script makes in K */
asm(".data\n.balign 4096\n.globl k_params\nk_params: .zero 8192\n.text\n");
extern struct regent_params params asm("k_params");

#include "vm_apic_fakes.h"

static void write_reg(struct vcpu *v, u32 reg, u32 value)
{
	assert_true(vcpu_apic_write(this_cpu(), v, reg, value));
}

static int setup(void **state)
{
	u32 i;

	(void)state;
	be_cpu(0);
	tsc = 1000;
	params.tsc_khz = 1000000;
	memset(&vm, 0, sizeof(vm));
	memset(asked, 0, sizeof(asked));
	alarm_at = 0;
	for (i = 0; i < VCPUS; i++) {
		struct vcpu *v = &vcpus[i];

		memset(v, 0, sizeof(*v));
		processor[i] = (struct processor){ .irq = VCPU_IRQ_NONE, .rip = 0x1000 };
		v->world.backend = &processor[i];
		v->vm = &vm;
		v->number = i;
		v->told = REGENT_NEVER;
		vcpu_apic_init(v, i);
		assert_int_equal(vm_add_vcpu(v), 0);
		v->mp_state = REGENT_MP_RUNNABLE;
		write_reg(v, VAPIC_REG_SVR, VAPIC_SVR_ENABLE | 0xff);
	}
	return 0;
}

static s64 msi(u64 address, u32 data)
{
	return vm_msi(this_cpu(), 1 | (u64)data << 32, address);
}

/* A physical destination: how many vCPUs got it */
static u32 send_to(u32 dest, u32 data)
{
	s64 answer = msi(0xfee00000 | dest << 12, data);

	assert_true(answer >= 0);
	return answer >> 32;
}

/* Run the entry; true if the vCPU is entered. */
static bool enter(struct vcpu *v)
{
	v->ended = false;
	v->wake = REGENT_WAKE_NONE;
	vcpu_past_iret(v);
	vcpu_apic_enter(this_cpu(), v);
	if ((v->nmis || v->nmi_iret) && !v->ended)
		vcpu_enter_nmi(v);
	return !v->ended;
}

/* --- the model ------------------------------------------------------------------------------- */

struct model {
	bool posted[256], pending[256], service[256];
	u8 tpr;
	bool halted;
};

static struct model model[VCPUS];
static u64 seed, taken, windows, cr8_exits, halts;

static const u8 some[] = { 0x20, 0x31, 0x3f, 0x40, 0x41, 0x55, 0x56, 0x90, 0xf0, 0xff };

static int highest(const bool *set)
{
	int i;

	for (i = 255; i >= 0 && !set[i]; i--)
		;
	return i;
}

static int can_take(const struct model *m)
{
	int vector = highest(m->pending), in_service = highest(m->service);

	return vector >= 0 && vector >> 4 > m->tpr >> 4 &&
	       vector >> 4 > (in_service < 0 ? 0 : in_service >> 4) ? vector : -1;
}

/* What @from sends, or somebody outside, with @got what arrives and @wake whom L has to wake */
static void arrives(u32 number, u8 vector)
{
	model[number].posted[vector] = true;
}

static void check_entry(u32 i, bool entered, int queued)
{
	struct processor *p = &processor[i];
	struct vcpu *v = &vcpus[i];
	struct model *m = &model[i];
	int vector, in_service, top;
	bool waits;
	u32 n;

	for (n = 0; n < 256; n++) {
		m->pending[n] |= m->posted[n];
		m->posted[n] = false;
	}
	vector = can_take(m);
	if (m->halted && (vector < 0 || !p->flag_if)) {
		assert_false(entered);
		assert_int_equal(v->reason, REGENT_VCPU_HLT);
		return;
	}
	m->halted = false;
	assert_true(entered);
	assert_int_equal(v->mp_state, REGENT_MP_RUNNABLE);
	if (queued >= 0) {
		assert_int_equal(p->irq, queued);	/* it comes first, whatever arrives */
	} else if (vector >= 0 && p->flag_if && !p->shadow) {
		assert_int_equal(p->irq, vector);
		m->pending[vector] = false;
		m->service[vector] = true;
	} else {
		assert_int_equal(p->irq, vector >= 0 ? VCPU_IRQ_WINDOW : VCPU_IRQ_NONE);
	}
	top = highest(m->pending);
	in_service = highest(m->service);
	waits = top >= 0 && top >> 4 > in_service >> 4 && top >> 4 <= m->tpr >> 4;
	assert_int_equal(p->cr8_exits, waits);
}

/* The processor takes what it has; true when it exits instead. */
static bool processor_takes(u32 i)
{
	struct processor *p = &processor[i];

	if (!p->flag_if || p->shadow || p->irq == VCPU_IRQ_NONE)
		return false;
	if (p->irq == VCPU_IRQ_WINDOW) {	/* vcpu_window() */
		windows++;
		vcpus[i].window = false;
		p->irq = VCPU_IRQ_NONE;
		return true;
	}
	assert_true(model[i].service[p->irq]);
	p->irq = VCPU_IRQ_NONE;
	p->flag_if = false;
	taken++;
	return false;
}

static void end_of_interrupt(u32 i)
{
	int vector = highest(model[i].service);

	write_reg(&vcpus[i], VAPIC_REG_EOI, 0);
	if (vector >= 0)
		model[i].service[vector] = false;
}

/* A vCPU writes CR8; true when it exits by that. */
static bool write_cr8(u32 i, u8 cr8)
{
	bool exits = processor[i].cr8_exits;

	cr8_exits += exits;
	processor[i].cr8 = cr8;
	/* Only the upper half is in CR8; the lower one stays if that does not change. */
	if (cr8 != model[i].tpr >> 4)
		model[i].tpr = cr8 << 4;
	return exits;
}

static void send_ipi(u32 i, u8 vector)
{
	u32 to = unit_below(&seed, 4), n;
	struct vcpu *v = &vcpus[i];

	v->wake = REGENT_WAKE_NONE;
	write_reg(v, VAPIC_REG_ICR2, unit_below(&seed, VCPUS) << 24);
	write_reg(v, VAPIC_REG_ICR, vector | to << 18);
	for (n = 0; n < VCPUS; n++) {
		bool meant = to == VAPIC_TO_SELF ? n == i : to == VAPIC_TO_ALL ? true :
			     to == VAPIC_TO_OTHERS ? n != i :
			     v->apic.reg[VAPIC_REG_ICR2] >> 24 == n;

		if (!meant)
			continue;
		if (n == i && to == VAPIC_TO_SELF)
			model[n].pending[vector] = true;
		else
			arrives(n, vector);
		/* L has to hear of each other one. */
		assert_true(n == i || v->wake == n + 1 || v->wake == REGENT_WAKE_ALL);
	}
}

/* One thing that a vCPU does; true when it exits by that. */
static bool one_step(u32 i)
{
	struct processor *p = &processor[i];
	u8 vector = some[unit_below(&seed, ARRAY_SIZE(some))];

	switch (unit_below(&seed, 8)) {
	case 0:
		p->shadow = !p->flag_if;	/* STI */
		p->flag_if = true;
		return false;
	case 1:
		p->flag_if = false;
		p->shadow = false;
		return false;
	case 2:
		return write_cr8(i, unit_below(&seed, 16));
	case 3:
		write_reg(&vcpus[i], VAPIC_REG_TPR, unit_below(&seed, 256));
		model[i].tpr = vcpus[i].apic.reg[VAPIC_REG_TPR];
		return true;
	case 4:
		send_ipi(i, vector);
		return true;
	case 5:
		/* Only where something could end it */
		if (p->irq != VCPU_IRQ_NONE || highest(model[i].service) >= 0 ||
		    model[i].tpr >> 4 > 8)
			break;
		p->flag_if = unit_below(&seed, 64);
		p->shadow = false;
		model[i].halted = true;
		vcpus[i].mp_state = REGENT_MP_HALTED;
		halts++;
		return true;
	case 6:
		end_of_interrupt(i);
		p->flag_if = true;		/* IRET */
		return true;
	}
	p->shadow = false;
	return false;
}

static void run(u32 i)
{
	int queued = processor[i].irq;
	u32 n;

	check_entry(i, enter(&vcpus[i]), queued);
	/* Without IF it halts until an NMI: long enough. */
	if (vcpus[i].ended && !processor[i].flag_if)
		processor[i].flag_if = !unit_below(&seed, 8);
	if (vcpus[i].ended || !unit_below(&seed, 8))
		return;				/* an interrupt of Linux's comes first */
	for (n = unit_below(&seed, 6); n; n--) {
		if (processor_takes(i) || one_step(i))
			return;
	}
}

static void as_the_model_says(void **state)
{
	u32 i, n;

	(void)state;
	seed = 0x1234567;
	memset(model, 0, sizeof(model));
	for (n = 0; n < 300000; n++) {
		i = unit_below(&seed, VCPUS);
		if (!unit_below(&seed, 3)) {
			u8 vector = some[unit_below(&seed, ARRAY_SIZE(some))];

			assert_int_equal(send_to(i, vector), 1);
			arrives(i, vector);
		} else {
			run(i);
		}
	}
	print_message("# %llu taken, %llu windows, %llu CR8 exits, %llu HLTs\n", taken, windows,
		      cr8_exits, halts);
	assert_true(taken > 10000 && windows > 1000 && cr8_exits > 1000 && halts > 300);
}

/* --- single rules ---------------------------------------------------------------------------- */

static void an_edge_is_no_level(void **state)
{
	struct vcpu *v = &vcpus[0];

	(void)state;
	send_to(0, 0x41 | MSI_LEVEL);
	send_to(0, 0x42);
	assert_true(enter(v));
	assert_int_equal(v->apic.reg[VAPIC_REG_TMR + 2] & 6, 2);
	assert_int_equal(v->apic.reg[VAPIC_REG_IRR + 2] & 6, 6);
	/* The last one counts. */
	send_to(0, 0x42 | MSI_LEVEL);
	send_to(0, 0x41);
	assert_true(enter(v));
	assert_int_equal(v->apic.reg[VAPIC_REG_TMR + 2] & 6, 4);
}

static void a_level_ends_the_run(void **state)
{
	struct vcpu *v = &vcpus[0];

	(void)state;
	processor[0].flag_if = true;
	send_to(0, 0x41 | MSI_LEVEL);
	assert_true(enter(v));
	assert_int_equal(processor[0].irq, 0x41);
	processor[0].irq = VCPU_IRQ_NONE;
	write_reg(v, VAPIC_REG_EOI, 0);
	assert_true(v->ended);
	assert_int_equal(v->reason, REGENT_VCPU_EOI);
	assert_int_equal(vcpu_page(this_cpu(), v)->address, 0x41);
	/* Of an edge nobody hears. */
	send_to(0, 0x42);
	assert_true(enter(v));
	processor[0].irq = VCPU_IRQ_NONE;
	write_reg(v, VAPIC_REG_EOI, 0);
	assert_false(v->ended);
}

static void who_does_not_take_it(void **state)
{
	(void)state;
	write_reg(&vcpus[1], VAPIC_REG_SVR, 0xff);
	assert_int_equal(send_to(1, 0x41), 0);
	assert_int_equal(send_to(0xff, 0x41), VCPUS - 1);
	assert_int_equal(send_to(7, 0x41), 0);
	assert_int_equal(send_to(0, 0x41 | VAPIC_SMI << 8), 0);
	assert_int_equal(send_to(0, 0x41 | VAPIC_EXTINT << 8), 0);
	assert_true(msi(0xfee00000, 0x41) >> 32 == 1);
	assert_int_equal(vm_msi(this_cpu(), 2, 0xfee00000), -REGENT_HC_EINVAL);
	/* NMI and INIT do not ask for SVR. */
	assert_int_equal(send_to(1, VAPIC_NMI << 8), 1);
}

/* Each in turn; those whose APIC is off are passed over. */
static void lowest_priority(void **state)
{
	u32 i, n, got[VCPUS] = { 0 };

	(void)state;
	for (i = 0; i < VCPUS; i++)
		write_reg(&vcpus[i], VAPIC_REG_LDR, 1u << (24 + i));
	for (n = 0; n < 30; n++) {
		s64 answer = msi(0xfee00000 | 0xff << 12 | MSI_LOGICAL, 0x41 | VAPIC_LOWEST << 8);

		assert_int_equal(answer >> 32, 1);
		i = (u32)answer - 1;
		assert_in_range(i, 0, VCPUS - 1);
		got[i]++;
		assert_int_equal(vcpus[i].posted[1] >> 1 & 1, 1);
		enter(&vcpus[i]);
	}
	assert_int_equal(got[0], 10);
	assert_int_equal(got[1], 10);
	write_reg(&vcpus[1], VAPIC_REG_SVR, 0xff);
	for (n = 0; n < 10; n++)
		assert_true((u32)msi(0xfee00000 | 0xff << 12 | MSI_LOGICAL,
				     0x41 | VAPIC_LOWEST << 8) != 2);
	assert_int_equal(msi(0xfee00000 | 8 << 12 | MSI_LOGICAL, 0x41 | VAPIC_LOWEST << 8) >> 32,
			 0);
}

static void init_and_sipi(void **state)
{
	struct processor *p = &processor[1];
	struct vcpu *v = &vcpus[1];
	u32 sipi = VAPIC_SIPI << 8;

	(void)state;
	send_to(1, sipi | 0x12);
	assert_true(enter(v));
	assert_int_equal(p->started, 0);		/* it runs: no SIPI */
	send_to(1, 0x41);
	send_to(1, VAPIC_INIT << 8);
	assert_false(enter(v));
	assert_int_equal(v->reason, REGENT_VCPU_HLT);
	assert_int_equal(v->mp_state, REGENT_MP_INIT);
	assert_int_equal(p->resets, 1);
	assert_int_equal(v->apic.irrv, 0);		/* INIT has ended it */
	send_to(1, sipi | 0x12);
	send_to(1, sipi | 0x34);
	assert_true(enter(v));
	assert_int_equal(p->started, 0x34);
	send_to(1, sipi | 0x56);
	assert_true(enter(v));
	assert_int_equal(p->started, 0x34);
	/* INIT takes back what came before it, but not what comes behind it. */
	send_to(1, sipi | 0x56);
	send_to(1, VAPIC_NMI << 8);
	send_to(1, VAPIC_INIT << 8);
	assert_false(enter(v));
	assert_int_equal(v->mp_state, REGENT_MP_INIT);
	assert_int_equal(v->nmis, 0);
	send_to(1, VAPIC_INIT << 8);
	send_to(1, sipi | 0x78);
	assert_true(enter(v));
	assert_int_equal(p->started, 0x78);
	/* The first one does not wait. */
	send_to(0, VAPIC_INIT << 8);
	assert_true(enter(&vcpus[0]));
	assert_int_equal(processor[0].resets, 1);
}

/* One is handled, one waits, a third one is lost; an IRET is stepped over if one waits. */
static void nmis(void **state)
{
	struct processor *p = &processor[0];
	struct vcpu *v = &vcpus[0];
	u32 nmi = VAPIC_NMI << 8;

	(void)state;
	send_to(0, nmi);
	assert_true(enter(v));
	assert_true(p->event && v->nmi_blocked && p->iret_exits);
	p->event = false;
	send_to(0, nmi);
	assert_true(enter(v));
	send_to(0, nmi);
	assert_true(enter(v));
	assert_false(p->event);
	assert_int_equal(v->nmis, 1);
	vcpu_iret(v);
	assert_false(p->iret_exits);
	assert_true(enter(v));
	assert_true(p->step);
	p->rip = 0x2000;
	assert_true(vcpu_stepped(v));
	assert_true(enter(v));
	assert_true(p->event && v->nmi_blocked && !v->nmis);
	p->event = false;
	/* If none waits, the next exit elsewhere says that the IRET is done. */
	vcpu_iret(v);
	assert_true(enter(v));
	assert_false(p->step);
	assert_true(v->nmi_blocked);
	p->rip = 0x3000;
	assert_true(enter(v));
	assert_false(v->nmi_blocked);
	assert_false(vcpu_stepped(v));
}

/* Before it has been taken, what is queued for the entry keeps others back: no two at once. */
static void an_nmi_comes_before_interrupts(void **state)
{
	struct processor *p = &processor[0];
	struct vcpu *v = &vcpus[0];

	(void)state;
	p->flag_if = true;
	p->event = true;			/* whose delivery an exit has cut off */
	send_to(0, 0x41);
	send_to(0, VAPIC_NMI << 8);
	assert_true(enter(v));
	assert_int_equal(p->irq, VCPU_IRQ_WINDOW);
	assert_int_equal(v->nmis, 1);
	assert_false(v->nmi_blocked);
	p->event = false;
	v->window = false;
	p->irq = VCPU_IRQ_NONE;
	assert_true(enter(v));
	assert_true(p->irq == 0x41 && p->event && v->nmi_blocked);
}

static void an_nmi_ends_hlt(void **state)
{
	struct vcpu *v = &vcpus[0];

	(void)state;
	v->mp_state = REGENT_MP_HALTED;
	assert_false(enter(v));
	send_to(0, 0x41);			/* IF is clear */
	assert_false(enter(v));
	send_to(0, VAPIC_NMI << 8);
	assert_true(enter(v));
	assert_true(processor[0].event);
	processor[0].event = false;
	/* Not so while it handles one. */
	v->mp_state = REGENT_MP_HALTED;
	send_to(0, VAPIC_NMI << 8);
	assert_false(enter(v));
	assert_int_equal(v->nmis, 1);
}

/* L hears of a timer before the vCPU runs on, once; and when it is due the vCPU gets it. */
static void a_timer(void **state)
{
	struct vcpu *v = &vcpus[0];

	(void)state;
	processor[0].flag_if = true;
	write_reg(v, VAPIC_REG_DIVIDE, 0xb);
	write_reg(v, VAPIC_REG_TIMER, 0x51);
	write_reg(v, VAPIC_REG_INITIAL, 5000);
	assert_false(enter(v));
	assert_int_equal(v->reason, REGENT_VCPU_INTERRUPTED);
	v->told = vapic_timer_deadline(&v->apic);
	assert_int_equal(v->told, tsc + 5000);
	assert_true(enter(v));
	assert_int_equal(processor[0].irq, VCPU_IRQ_NONE);
	tsc += 5000;
	assert_true(enter(v));
	assert_int_equal(processor[0].irq, 0x51);
}

static void registers_of_none(void **state)
{
	struct vcpu *v = &vcpus[0];
	u64 value;
	u32 reg;

	(void)state;
	for (reg = VAPIC_REGS; reg < 0x200; reg++) {
		value = 1;
		assert_true(vcpu_apic_read(v, reg, &value));
		assert_int_equal(value, 0);
		assert_true(vcpu_apic_write(this_cpu(), v, reg, ~0ull));
	}
	assert_true(vcpu_write_apic_base(v, v->apic_base | VAPIC_BASE_X2APIC));
	for (reg = VAPIC_REGS; reg < 0x200; reg++) {
		assert_false(vcpu_apic_read(v, reg, &value));
		assert_false(vcpu_apic_write(this_cpu(), v, reg, 0));
	}
	assert_false(vcpu_apic_read(v, ~0u, &value));
}

static void numbers(void **state)
{
	(void)state;
	assert_int_equal(vm_add_vcpu(&vcpus[1]), -REGENT_HC_EINVAL);
	vm_remove_vcpu(&vcpus[1]);
	assert_int_equal(send_to(1, 0x41), 0);
	assert_int_equal(send_to(0xff, 0x41), VCPUS - 1);
	assert_int_equal(vm_add_vcpu(&vcpus[1]), 0);
	assert_int_equal(send_to(1, 0x41), 1);
}

/* --- several at once ------------------------------------------------------------------------- */

#define SENDERS	3
#define ROUNDS	20000

static u64 sent[SENDERS], seen[SENDERS];

/* Each sends the next one when the last one was taken: one that is lost would stop it. */
static void *sender(void *arg)
{
	u64 n = (u64)arg, i;

	be_cpu(1 + n);
	for (i = 1; i <= ROUNDS; i++) {
		send_to(0, 0x40 * (n + 1) + i % 0x40);
		__atomic_store_n(&sent[n], i, __ATOMIC_RELEASE);
		while (__atomic_load_n(&seen[n], __ATOMIC_ACQUIRE) < i)
			sched_yield();
	}
	return NULL;
}

static void take_all(struct vcpu *v)
{
	int vector;

	vcpu_apic_absorb(v);
	for (;;) {
		vector = vapic_pending(&v->apic);
		if (vector == VAPIC_NONE)
			return;
		vapic_ack(&v->apic, vector);
		write_reg(v, VAPIC_REG_EOI, 0);
		vector = vector / 0x40 - 1;
		__atomic_store_n(&seen[vector], seen[vector] + 1, __ATOMIC_RELEASE);
	}
}

static void none_is_lost(void **state)
{
	pthread_t thread[SENDERS];
	u64 i;

	(void)state;
	memset(seen, 0, sizeof(seen));
	for (i = 0; i < SENDERS; i++)
		assert_int_equal(pthread_create(&thread[i], NULL, sender, (void *)i), 0);
	while (seen[0] < ROUNDS || seen[1] < ROUNDS || seen[2] < ROUNDS) {
		take_all(&vcpus[0]);
		sched_yield();
	}
	for (i = 0; i < SENDERS; i++) {
		pthread_join(thread[i], NULL);
		assert_int_equal(seen[i], sent[i]);
	}
}

/* A vCPU that K schedules waits, and has its timer, without an end of its run. */
static void scheduled(void **state)
{
	struct vcpu *v = &vcpus[1];

	(void)state;
	v->by_sched = true;
	v->world.scheduled = true;
	processor[1].flag_if = true;
	write_reg(v, VAPIC_REG_DIVIDE, 0xb);
	write_reg(v, VAPIC_REG_TIMER, 0x50);
	write_reg(v, VAPIC_REG_INITIAL, 1000);
	assert_true(enter(v));
	assert_false(v->waits);
	assert_int_equal(alarm_at, vapic_timer_deadline(&v->apic));
	v->mp_state = REGENT_MP_HALTED;
	v->waits = false;
	assert_true(enter(v));
	assert_true(v->waits);
	assert_int_equal(asked[1], 0);
	/* Others wake it by the scheduler; L hears of those only that K does not schedule. */
	assert_int_equal((u32)msi(0xfee00000 | 1 << 12, 0x41), REGENT_WAKE_NONE);
	assert_int_equal(asked[1], 1);
	assert_int_equal((u32)msi(0xfee00000 | 2 << 12, 0x41), 3);
	assert_int_equal(asked[2], 0);
	v->waits = false;
	assert_true(enter(v));
	assert_false(v->waits);
	assert_int_equal(processor[1].irq, 0x41);
	/* What it has sent to one of L's ends its run, also while it waits itself. */
	v->mp_state = REGENT_MP_HALTED;
	processor[1].irq = VCPU_IRQ_NONE;
	v->wake = 3;
	v->ended = false;
	vcpu_apic_enter(this_cpu(), v);
	assert_true(v->ended);
	assert_int_equal(v->reason, REGENT_VCPU_INTERRUPTED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(as_the_model_says, setup),
		cmocka_unit_test_setup(an_edge_is_no_level, setup),
		cmocka_unit_test_setup(a_level_ends_the_run, setup),
		cmocka_unit_test_setup(who_does_not_take_it, setup),
		cmocka_unit_test_setup(lowest_priority, setup),
		cmocka_unit_test_setup(init_and_sipi, setup),
		cmocka_unit_test_setup(nmis, setup),
		cmocka_unit_test_setup(an_nmi_comes_before_interrupts, setup),
		cmocka_unit_test_setup(an_nmi_ends_hlt, setup),
		cmocka_unit_test_setup(a_timer, setup),
		cmocka_unit_test_setup(registers_of_none, setup),
		cmocka_unit_test_setup(numbers, setup),
		cmocka_unit_test_setup(scheduled, setup),
		cmocka_unit_test_setup(none_is_lost, setup),
	};

	return cmocka_run_group_tests_name("vm_apic", tests, NULL, NULL);
}
