// SPDX-License-Identifier: GPL-2.0-only
/*
 * The notifiers' protocol, as test_tlb_model.c has it, with vCPUs that K schedules: on forwarded
 * CPUs they are borrowed at first, or scheduled at once; K marks them as inside before it looks
 * at the count of zaps; and L has K ask, and kick, until none is inside with an old count.
 *
 * When a notifier's start has returned, no CPU may use a translation to its page any more, and K
 * must not touch the page, neither by a walk nor by one that it remembers. And it does return: no
 * state is the last one in which it still waits. A vCPU leaves by itself a few times only, so that
 * it stays inside for good unless somebody makes it exit.
 *
 * Decisions are the real code's: vm_tlb.h, asid.h, asid.c, slots.h. The rest follows vcpu_run(),
 * vcpu_go_on() and vcpu_turn() (src/world/vcpu.c), next_world() (src/world/run.c),
 * vcpu_enter_scheduled() (src/vm/run.c), vm_sync() (src/vm/vm.c), backend_vcpu_load() and
 * vm_kick() (takeover/kvm/call.c). What the scheduler picks, and when, is anything. As in the other
 * model a CPU caches, and K holds, all that it can. SVM flushes at the entry of the VMCB that says
 * so (AMD APM volume 2, "TLB Control"), VMX at once by INVVPID and INVEPT.
 *
 * Mistakes are planted, and each has to be found.
 */
#include <stdio.h>
#include <regent/vm_tlb.h>
#include "../../takeover/kvm/slots.h"
#include "tlb_sched.h"

#define PAGE	REGENT_PAGE_SIZE

static const char *const names[MISTAKES] = {
	"right", "no mark", "mark after the count is read", "no barrier behind the mark",
	"mark taken away before the exit is handled", "mark left on a vCPU that blocks",
	"mark left when the run ends", "no look at what it has seen",
	"no look at the mark", "the kick is lost", "no second kick", "another CPU is kicked",
	"L does not ask K", "L asks K once", "L does not interrupt borrowed ones",
	"no look at the count after a loan", "no look at the count after an exit",
	"a fast exit takes the kick", "the identifier is kept", "an old walk is remembered",
	"an identifier taken at the switch", "an identifier taken at the switch to a borrowed one",
};

static u8 rounds;

static void flush(struct state *s, u32 cpu, u32 from, u32 end)
{
	u32 tag;

	for (tag = from; tag < end; tag++)
		s->tlb[cpu][tag] = 0;
}

/* --- the real code's decisions, on a state --------------------------------------------------- */

static struct asid_pool pools[CPUS];

static struct vm_tlb load_tlb(const struct vcpu_state *v)
{
	return (struct vm_tlb){
		.seen = v->seen, .inside = v->inside, .kicked_for = v->kicked_for,
	};
}

static void store_tlb(struct vcpu_state *v, const struct vm_tlb *t)
{
	v->seen = t->seen;
	v->inside = t->inside;
	v->kicked_for = t->kicked_for;
}

static void mark(struct vcpu_state *v)
{
	struct vm_tlb t = load_tlb(v);

	if (mistake == NO_MARK)
		return;
	vm_tlb_inside(&t, v->cpu);
	if (mistake == NO_BARRIER)
		SWAP(t.inside, v->stored);
	store_tlb(v, &t);
}

static void unmark(struct vcpu_state *v)
{
	struct vm_tlb t = load_tlb(v);

	vm_tlb_outside(&t);
	store_tlb(v, &t);
	v->stored = 0;
}

static void follow(const struct state *s, struct vcpu_state *v)
{
	struct asid a = model_load_asid(&v->asid, pools);
	u32 seen = v->seen, sequence = s->count;

	asid_follow(&a, &seen, &sequence);
	v->seen = seen;
	if (mistake != SAME_IDENTIFIER)
		model_store_asid(&v->asid, &a, pools);
}

/* backend_vcpu_load(), where the identifier is not valid */
static void load(struct state *s, struct vcpu_state *v)
{
	struct asid_pool *pool = &pools[v->cpu];
	struct asid a = model_load_asid(&v->asid, pools);
	bool used_up;

	*pool = (struct asid_pool){
		.generation = s->pool_generation[v->cpu], .first = FIRST, .end = END,
		.next = s->pool_next[v->cpu],
	};
	if (asid_valid(pool, &a))
		return;
	used_up = asid_take(pool, &a);
	flushes += used_up;
	if (vmx)
		flush(s, v->cpu, used_up ? 1 : TAGS, TAGS);
	else
		v->flush |= used_up;
	if (vmx)
		flush(s, v->cpu, 0, TAGS);
	s->pool_generation[v->cpu] = pool->generation;
	s->pool_next[v->cpu] = pool->next;
	model_store_asid(&v->asid, &a, pools);
}

/* Enter the vCPU for certain. */
static void enter(struct state *s, struct vcpu_state *v, u8 pc)
{
	load(s, v);
	if (v->flush)
		flush(s, v->cpu, 1, TAGS);
	v->flush = false;
	v->held = 0;
	v->pc = pc;
	entries++;
}

static struct vm_zaps zaps_of(const struct state *s)
{
	return (struct vm_zaps){
		.sequence = s->ends, .zapping = s->zapping, .start = 0, .end = PAGE,
	};
}

/* --- the notifier ---------------------------------------------------------------------------- */

/* memory_start() is done: the page may be anybody's. */
static void returns(struct state *s)
{
	s->gone |= 1u << s->mm;
	s->at = 0;
	s->waits = 0;
	s->pc = CHANGE;
}

static void looked(struct state *s)
{
	s->waits = 0;
	s->pc = LOOK;
	if (s->at != (1u << VCPUS) - 1)
		return;
	s->at = 0;
	s->pc = SYNC;
	if (mistake == NO_SYNC)
		returns(s);
}

/* What vm_sync() finds of a vCPU: vm_tlb_sync(), and what could be in its place */
static enum vm_tlb_sync decide(struct vm_tlb *t, u32 now, u32 *cpu)
{
	if (mistake == NO_LOOK_AT_SEEN && t->inside && t->seen == now)
		return VM_TLB_BUSY;
	if (mistake == NO_LOOK_AT_MARK && !t->inside && t->seen != now)
		return VM_TLB_BUSY;
	if (mistake == KICK_ONCE && t->kicked_for)
		t->kicked_for = now;
	return vm_tlb_sync(t, now, cpu);
}

/* One REGENT_HC_VM_SYNC */
static void sync(struct state *s)
{
	bool any = false;
	u32 i, cpu = 0;

	for (i = 0; i < VCPUS; i++) {
		struct vm_tlb t = load_tlb(&s->vcpu[i]);
		enum vm_tlb_sync left = decide(&t, s->count, &cpu);

		store_tlb(&s->vcpu[i], &t);
		any |= left != VM_TLB_DONE;
		if (left != VM_TLB_KICK || mistake == KICK_LOST)
			continue;
		s->kicked[mistake == KICK_ELSEWHERE ? !cpu : cpu] = true;
		kicks++;
	}
	busy += any;
	if (!any || mistake == SYNC_ONCE)
		returns(s);
}

static void count(struct state *s)
{
	s->count++;
	s->locked = false;
	s->pc = LOOK;
	/* place_is_same() compares the count, which K may have done just before. */
	if (mistake != OLD_WALKS)
		s->walks = 0;
}

/* At any vCPU: the order makes no difference, and so equal vCPUs are equal. */
static void look(const struct state *from)
{
	u32 i;

	for (i = 0; i < VCPUS; i++) {
		struct state next = *from;

		if (next.at >> i & 1)
			continue;
		next.at |= 1u << i;
		next.waits = next.vcpu[i].awaited;
		if (next.waits == NONE || mistake == NO_INTERRUPT) {
			looked(&next);
		} else {
			next.asked[next.waits] = true;
			next.pc = WAIT;
		}
		put(&next);
	}
}

/* memory_start(), what Linux does behind it, and memory_end() */
static void notifier(const struct state *from)
{
	struct state next = *from, *s = &next;
	struct vm_zaps z = zaps_of(s);

	switch (s->pc) {
	case NOTIFIER_IDLE:
		if (s->round == rounds)
			return;
		s->locked = true;
		zaps_begin(&z, 0, PAGE, true);
		s->zapping = z.zapping;
		s->entry = NONE;
		s->pc = COUNT;
		break;
	case COUNT:
		count(s);
		break;
	case LOOK:
		look(s);
		return;
	case WAIT:
		if (s->asked[s->waits])
			return;
		looked(s);
		break;
	case SYNC:
		sync(s);
		break;
	case CHANGE:
		s->mm++;
		s->pc = FINISH;
		break;
	case FINISH:
		zaps_end(&z, true);
		s->ends = z.sequence;
		s->zapping = z.zapping;
		s->round++;
		s->pc = NOTIFIER_IDLE;
		break;
	}
	put(s);
}

/* Some thread maps what is missing. That others come between is the other model's. */
static void map(const struct state *from)
{
	struct state next = *from;
	struct vm_zaps z = zaps_of(from);

	if (!from->maps || from->locked || from->entry == from->mm)
		return;
	if (zaps_stale(&z, 0, PAGE, from->ends)) {
		refused++;
		return;
	}
	next.maps--;
	next.entry = next.mm;
	next.walks |= 1u << next.mm;
	put(&next);
}

/* --- vCPUs: what each function puts is all that may come next -------------------------------- */

/* A thread, anywhere where Linux runs, begins a run: vcpu_enter_here(), and the hypercall. */
static void begin(const struct state *from, u32 i)
{
	u32 cpu;

	for (cpu = 0; cpu < CPUS && from->runs; cpu++) {
		struct state next = *from;
		struct vcpu_state *v = &next.vcpu[i];

		if (!linux_runs(from, cpu))
			continue;
		moves += v->asid.pool != NONE && v->asid.pool != cpu;
		next.runs--;
		v->cpu = cpu;
		v->awaited = cpu;
		next.on[cpu] = i;
		v->pc = CALL;
		put(&next);
	}
}

static bool is_alone(const struct state *s, u32 i)
{
	u32 j;

	for (j = 0; j < VCPUS; j++)
		if (j != i && is_scheduled(&s->vcpu[j]) && s->vcpu[j].cpu == s->vcpu[i].cpu)
			return false;
	return true;
}

/* The CPU does something else: the vCPU is on the run queue, blocked, or nobody's. */
static void put_off(const struct state *from, u32 i, u8 pc)
{
	struct state next = *from;
	struct vcpu_state *v = &next.vcpu[i];

	if (!(mistake == MARK_WHEN_BLOCKED && pc == BLOCKED) &&
	    !(mistake == MARK_WHEN_ENDED && pc == OUT))
		unmark(v);
	if (pc == BLOCKED) {
		next.leaves--;
		blocks++;
	}
	/* Linux waits in the hypercall for the end of the run, if nothing else comes. */
	if (pc == OUT)
		v->awaited = NONE;
	next.on[v->cpu] = NONE;
	v->pc = pc;
	put(&next);
}

/* vcpu_begin_run(), and what vcpu_run() makes of it */
static void call(const struct state *from, u32 i)
{
	struct state next = *from;
	struct vcpu_state *v = &next.vcpu[i];

	follow(&next, v);
	v->held = 0;
	put_off(&next, i, READY);
	if (!is_alone(from, i))
		return;
	v->pc = LENT;
	v->was_lent = mistake == NO_FOLLOW_AT_CONVERSION;
	loans++;
	if (mistake == TAKEN_AT_LOAN)
		load(&next, v);
	put(&next);
}

/* vcpu_go_on(): before the first entry, and after each exit. */
static void go_on(const struct state *from, u32 i)
{
	struct state next = *from;
	u32 cpu = from->vcpu[i].cpu;

	conversions++;
	put_off(from, i, READY);
	put_off(from, i, OUT);
	if (from->asked[cpu])
		return;
	enter(&next, &next.vcpu[i], LENT_INSIDE);
	put(&next);
}

/* It exits: by itself, or because it has to. */
static void leave(const struct state *from, u32 i, u8 pc)
{
	u32 cpu = from->vcpu[i].cpu;
	struct state next = *from;

	next.vcpu[i].pc = pc;
	if (mistake == UNMARK_BEFORE_HANDLED)
		unmark(&next.vcpu[i]);
	if (from->leaves) {
		struct state by_itself = next;

		by_itself.leaves--;
		put(&by_itself);
	}
	if (!from->kicked[cpu] && !from->asked[cpu])
		return;
	next.kicked[cpu] = false;
	next.vcpu[i].interrupted = pc == EXIT;
	put(&next);
}

/* It is picked: the switch, and the first half of vcpu_enter_scheduled(). */
static void pick(const struct state *from, u32 i)
{
	struct state next = *from;
	struct vcpu_state *v = &next.vcpu[i];

	if (next.on[v->cpu] != NONE)
		return;
	next.on[v->cpu] = i;
	if (mistake == TAKEN_AT_SWITCH)
		load(&next, v);
	if (mistake == MARK_AFTER_READ)
		follow(&next, v);
	else
		mark(v);
	v->pc = PICKED;
	put(&next);
}

/* The second half; also after an exit, and when the vCPU is the current world still. */
static void turn(const struct state *from, u32 i)
{
	struct state next = *from;
	struct vcpu_state *v = &next.vcpu[i];

	if (v->pc == PICKED && mistake == MARK_AFTER_READ)
		mark(v);
	else if (!v->was_lent && !(v->pc == EXIT && mistake == FOLLOW_AT_PICK_ONLY))
		follow(&next, v);
	if (mistake == UNMARK_BEFORE_HANDLED)
		mark(v);
	v->was_lent = false;
	v->held = 0;
	v->pc = TURN;
	put(&next);
}

static void decide_turn(const struct state *from, u32 i)
{
	struct state next = *from;

	if (from->leaves)
		put_off(from, i, BLOCKED);
	put_off(from, i, OUT);
	enter(&next, &next.vcpu[i], INSIDE);
	put(&next);
}

/* After an exit: another world gets the CPU, the run is over, or the vCPU goes on. */
static void handled(const struct state *from, u32 i)
{
	struct state next = *from;

	put_off(from, i, READY);
	put_off(from, i, OUT);
	turn(from, i);
	/* vcpu_exit_fast() */
	if (from->vcpu[i].interrupted && mistake != FAST_EXIT_TAKES_KICK)
		return;
	enter(&next, &next.vcpu[i], INSIDE);
	put(&next);
}

/* Linux goes on beside a scheduled vCPU, or stops it: world_follow(). */
static void follow_world(const struct state *from, u32 i)
{
	const struct vcpu_state *v = &from->vcpu[i];

	if (from->on[v->cpu] != NONE)
		return;
	if (v->awaited != NONE) {
		struct state next = *from;

		next.vcpu[i].awaited = NONE;
		put(&next);
	} else if (from->runs) {
		put_off(from, i, OUT);
	}
}

/* Something arrives for it; or nothing ever does. */
static void wake(const struct state *from, u32 i)
{
	struct state next = *from;

	if (!from->leaves)
		return;
	next.leaves--;
	next.vcpu[i].pc = READY;
	put(&next);
}

/* The mark is seen by the others. */
static void drain(const struct state *from, u32 i)
{
	struct state next = *from;
	struct vcpu_state *v = &next.vcpu[i];

	if (!v->stored)
		return;
	v->inside = v->stored;
	v->stored = 0;
	put(&next);
}

static void vcpu(const struct state *from, u32 i)
{
	drain(from, i);
	switch (from->vcpu[i].pc) {
	case OUT:
		begin(from, i);
		break;
	case CALL:
		call(from, i);
		break;
	case LENT:
	case LENT_EXIT:
		go_on(from, i);
		break;
	case LENT_INSIDE:
		leave(from, i, LENT_EXIT);
		break;
	case READY:
		follow_world(from, i);
		pick(from, i);
		break;
	case PICKED:
		turn(from, i);
		break;
	case TURN:
		decide_turn(from, i);
		break;
	case INSIDE:
		leave(from, i, EXIT);
		break;
	case EXIT:
		handled(from, i);
		break;
	case BLOCKED:
		follow_world(from, i);
		wake(from, i);
		break;
	}
}

/* --- exploring ------------------------------------------------------------------------------- */

struct budget {
	u8 rounds, runs, leaves, maps;
};

static struct state first_state(const struct budget *b)
{
	struct state s;
	u32 i;

	memset(&s, 0, sizeof(s));
	s.walks = 1;
	s.runs = b->runs;
	s.leaves = b->leaves;
	s.maps = b->maps;
	for (i = 0; i < CPUS; i++) {
		s.on[i] = NONE;
		s.pool_generation[i] = 1;
		s.pool_next[i] = FIRST + 1;	/* somebody has had one */
	}
	for (i = 0; i < VCPUS; i++)
		s.vcpu[i] = (struct vcpu_state){
			.awaited = NONE, .asid.pool = NONE,
		};
	return s;			/* page 0 is mapped */
}

/* Explore everything. True if nobody ever uses what is gone, and each notifier returns. */
static bool explore(bool on_vmx, enum mistake with, const struct budget *b, bool *stuck)
{
	struct state s = first_state(b);
	u32 i;

	good = true;
	*stuck = false;
	vmx = on_vmx;
	mistake = with;
	rounds = b->rounds;
	now_at = &s;
	put(&s);
	while (good && !*stuck && model_take(&s, sizeof(s))) {
		states++;
		moved = false;
		notifier(&s);
		map(&s);
		for (i = 0; i < VCPUS; i++)
			vcpu(&s, i);
		*stuck = !moved && !(s.pc == NOTIFIER_IDLE && s.round == rounds);
	}
	model_forget();
	return good && !*stuck;
}

static void forget_counts(void)
{
	states = entries = loans = conversions = blocks = flushes = moves = kicks = 0;
	busy = refused = walks = 0;
}

static void is_right(bool on_vmx)
{
	static const struct budget b[] = {
		{ .rounds = 2, .runs = 2, .leaves = 1, .maps = 1 },
		{ .rounds = 1, .runs = 3, .leaves = 1, .maps = 0 },
	};
	u64 before = 0;
	bool stuck;
	u32 i;

	forget_counts();
	for (i = 0; i < ARRAY_SIZE(b); i++) {
		assert_true(explore(on_vmx, RIGHT, &b[i], &stuck));
		print_message("# %s, %u notifiers, %u runs, %u exits: %llu states\n",
			      on_vmx ? "VMX" : "SVM", b[i].rounds, b[i].runs, b[i].leaves,
			      states - before);
		before = states;
	}
	/* It has tried what it is about. */
	assert_true(entries && loans && conversions && blocks && flushes && moves && kicks);
	assert_true(busy && refused && walks);
}

static void right_on_svm(void **state)
{
	(void)state;
	is_right(false);
}

static void right_on_vmx(void **state)
{
	(void)state;
	is_right(true);
}

static void mistakes_are_found(bool on_vmx)
{
	static const struct budget b[] = {
		{ .rounds = 1, .runs = 1, .leaves = 1, .maps = 0 },
		{ .rounds = 2, .runs = 1, .leaves = 1, .maps = 1 },
		{ .rounds = 1, .runs = 3, .leaves = 1, .maps = 0 },
	};
	enum mistake m;
	bool stuck;
	u32 i;

	for (m = RIGHT + 1; m < MISTAKES; m++) {
		/* VMX flushes when the identifier is taken, whoever is entered next. */
		if (on_vmx && m >= TAKEN_AT_SWITCH)
			continue;
		forget_counts();
		for (i = 0; i < ARRAY_SIZE(b) && explore(on_vmx, m, &b[i], &stuck); i++)
			;
		assert_true(i < ARRAY_SIZE(b));
		print_message("# %s: %s: %s after %llu states\n", on_vmx ? "VMX" : "SVM",
			      names[m], stuck ? "waits for ever" : "found", states);
	}
}

static void mistakes_on_svm(void **state)
{
	(void)state;
	mistakes_are_found(false);
}

static void mistakes_on_vmx(void **state)
{
	(void)state;
	mistakes_are_found(true);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(mistakes_on_svm),
		cmocka_unit_test(mistakes_on_vmx),
		cmocka_unit_test(right_on_svm),
		cmocka_unit_test(right_on_vmx),
	};

	return cmocka_run_group_tests_name("tlb_sched", tests, NULL, NULL);
}
