// SPDX-License-Identifier: GPL-2.0-only
/*
 * The notifiers' protocol against TLBs as the manuals have them: every interleaving of a notifier,
 * vCPUs that run here and there, and threads that map what they lack. When a notifier's start has
 * returned, no CPU may use a translation to its page any more, whatever was cached when.
 *
 * SVM tags translations with the ASID (AMD APM volume 2, "TLB Control"). VMX tags those that come
 * from the EPT with the EPT pointer, whatever the VPID (Intel SDM volume 3, "Caching Translation
 * Information"): only INVEPT drops them.
 *
 * A CPU caches all that it can while a vCPU is inside: nothing that happens depends on what is
 * cached, so that this is the worst. A CPU's stores may be late (store buffer), as x86 says.
 *
 * Decisions are the real code's: asid.h, asid.c, slots.h. The rest follows vm_zap() and vm_map()
 * (src/vm/vm.c), backend_vcpu_load(), memory.c, and vcpu_enter_here() and vm_kick() in call.c, a
 * step for each access to what others access. What is done at once is what could only be less
 * bad if it came later: an entry, an interrupt that is let through, the notifier's return.
 * Mistakes are planted, and each has to be found.
 */
#include <stdio.h>
#include "../../takeover/kvm/slots.h"
#include "tlb_model.h"

#define CPUS	2
#define VCPUS	2
#define TAGS	4		/* 0: the EPT pointer's; else ASIDs or VPIDs */
#define FIRST	2
#define END	4		/* two identifiers, so that they are used up at once */
#define PAGE	REGENT_PAGE_SIZE
#define NONE	MODEL_NONE

enum mistake {
	RIGHT, NO_KICK, KICK_WITHOUT_WAIT, READ_BEFORE_MARK, NO_BARRIER, COUNT_BEFORE_ZAP, NO_COUNT,
	UNMARK_BEFORE_EXIT, NO_STALE_CHECK, ENDS_ONLY, STARTS_ONLY, SAME_IDENTIFIER,
	NO_FLUSH_WHEN_USED_UP, ANY_CPUS_IDENTIFIER, NO_INVEPT, MISTAKES
};

static const char *const names[MISTAKES] = {
	"right", "no kick", "a kick that does not wait", "count read before the mark",
	"no barrier behind the mark", "counted before zapped", "not counted",
	"mark taken away before the exit", "old answers are mapped", "no look at what has begun",
	"no look at what has ended", "the identifier is kept", "no flush when all are used up",
	"an identifier of another CPU", "no INVEPT",
};

enum { NOTIFIER_IDLE, COUNT, KICK, WAIT, CHANGE, FINISH };
enum { OUT, READ, MARK, ENTER, INSIDE, LEAVE, GET_PAGE, MAP };

/* All in bytes, so that equal states are equal in memory. */
struct vcpu_state {
	u8 pc, cpu;		/* what it does next, and where */
	u8 mark, stored;	/* v->cpu as all see it, and as this CPU alone does */
	u8 seen;
	struct model_asid asid;
	u8 runs, maps;		/* how many are left */
	u8 answer, page;	/* of a mapping that is under way: the count before, the page */
};

struct state {
	u8 entry;		/* the nested table's: a page, or NONE */
	u8 mm;			/* the page that Linux has there */
	u8 gone;		/* a bit for each page that a notifier has taken */
	u8 count;		/* K's, of zaps */
	u8 locked;		/* L's lock, held over steps */
	u8 ends, zapping;	/* struct vm_zaps */
	u8 pc, round, at, waits;	/* the notifier, the vCPU that it looks at, and a CPU */
	u8 asked[CPUS];		/* an interrupt is on its way */
	u8 busy[CPUS];		/* interrupts are off */
	u8 tlb[CPUS][TAGS];	/* a bit for each page */
	u8 pool_generation[CPUS], pool_next[CPUS];
	struct vcpu_state vcpu[VCPUS];
};

static bool vmx;
static enum mistake mistake;
static u8 rounds;

/* What the model has seen at all */
static u64 states, runs, maps, refused, flushes, moves, kicked;

/* --- what processors do ---------------------------------------------------------------------- */

static u8 usable(const struct state *s, const struct vcpu_state *v)
{
	return s->tlb[v->cpu][v->asid.number] | (vmx ? s->tlb[v->cpu][0] : 0);
}

/* Every CPU that is inside of a vCPU caches all that there is. False if one uses what is gone. */
static bool processors_run(struct state *s)
{
	u32 i;

	if (s->entry != NONE && s->gone >> s->entry & 1)
		return false;
	for (i = 0; i < VCPUS; i++) {
		const struct vcpu_state *v = &s->vcpu[i];

		if (v->pc != INSIDE && v->pc != LEAVE)
			continue;
		if (s->entry != NONE) {
			s->tlb[v->cpu][v->asid.number] |= 1u << s->entry;
			if (vmx)
				s->tlb[v->cpu][0] |= 1u << s->entry;
		}
		if (usable(s, v) & s->gone)
			return false;
	}
	return true;
}

/*
 * What cannot be told apart is the same state: an identifier that is not valid is none, and of
 * generations only whether they are the current one counts. Where a thread last ran is where its
 * identifier is from.
 */
static void normalize(struct state *s)
{
	u32 i;

	for (i = 0; i < VCPUS; i++) {
		struct vcpu_state *v = &s->vcpu[i];

		if (v->asid.pool != NONE && v->asid.generation != s->pool_generation[v->asid.pool])
			v->asid.pool = NONE;
		v->asid.generation = v->asid.pool != NONE;
		if (v->asid.pool == NONE && v->pc != INSIDE && v->pc != LEAVE)
			v->asid.number = 0;
		if (v->pc == OUT || v->pc >= GET_PAGE)
			v->cpu = 0;
	}
	for (i = 0; i < CPUS; i++) {
		s->pool_generation[i] = 1;
		if (!s->busy[i])
			s->asked[i] = false;	/* the interrupt is taken */
	}
}

static bool good;

static void put(struct state *s)
{
	normalize(s);
	good &= processors_run(s);
	model_put(s, sizeof(*s));
}

static void flush(struct state *s, u32 cpu, u32 from, u32 end)
{
	u32 tag;

	for (tag = from; tag < end; tag++)
		s->tlb[cpu][tag] = 0;
}

/* --- the real code's decisions, on a state --------------------------------------------------- */

static struct asid_pool pools[CPUS];

static void follow(const struct state *s, struct vcpu_state *v)
{
	struct asid a = model_load_asid(&v->asid, pools);
	u32 seen = v->seen, sequence = s->count;

	asid_follow(&a, &seen, &sequence);
	v->seen = seen;
	if (mistake != SAME_IDENTIFIER)
		model_store_asid(&v->asid, &a, pools);
}

/* The switch to the vCPU, and the entry: backend_vcpu_load() */
static void enter(struct state *s, struct vcpu_state *v)
{
	struct asid_pool *pool = &pools[v->cpu];
	struct asid a = model_load_asid(&v->asid, pools);
	bool used_up;

	*pool = (struct asid_pool){
		.generation = s->pool_generation[v->cpu], .first = FIRST, .end = END,
		.next = s->pool_next[v->cpu],
	};
	if (mistake == ANY_CPUS_IDENTIFIER && a.pool)
		a.pool = pool;
	if (!asid_valid(pool, &a)) {
		used_up = asid_take(pool, &a);
		flushes += used_up;
		if (used_up && mistake != NO_FLUSH_WHEN_USED_UP)
			flush(s, v->cpu, 1, TAGS);
		if (vmx && mistake != NO_INVEPT)
			flush(s, v->cpu, 0, TAGS);
		s->pool_generation[v->cpu] = pool->generation;
		s->pool_next[v->cpu] = pool->next;
	}
	model_store_asid(&v->asid, &a, pools);
	v->pc = INSIDE;
	runs++;
}

static struct vm_zaps zaps_of(const struct state *s)
{
	return (struct vm_zaps){
		.sequence = s->ends, .zapping = s->zapping, .start = 0, .end = PAGE,
	};
}

static bool is_stale(const struct state *s, const struct vcpu_state *v)
{
	struct vm_zaps z = zaps_of(s);

	if (mistake == NO_STALE_CHECK)
		return false;
	if (mistake == ENDS_ONLY)
		z.zapping = 0;
	return zaps_stale(&z, 0, PAGE, mistake == STARTS_ONLY ? z.sequence : v->answer);
}

/* --- steps: each function puts all states that may come next --------------------------------- */

/* memory_start() is done: the page may be anybody's. */
static void returns(struct state *s)
{
	s->gone |= 1u << s->mm;
	s->at = 0;
	s->pc = CHANGE;
}

static void kicked_one(struct state *s)
{
	s->pc = KICK;
	if (++s->at == VCPUS)
		returns(s);
}

/* memory_start(), what Linux does behind it, and memory_end() */
static void notifier(const struct state *from)
{
	struct state next = *from, *s = &next;
	struct vm_zaps z = zaps_of(s);
	u8 mark;

	switch (s->pc) {
	case NOTIFIER_IDLE:
		if (s->round == rounds || s->locked)
			return;
		s->locked = true;
		zaps_begin(&z, 0, PAGE, true);
		s->zapping = z.zapping;
		if (mistake == COUNT_BEFORE_ZAP)
			s->count++;
		else
			s->entry = NONE;
		s->pc = COUNT;
		break;
	case COUNT:
		if (mistake == COUNT_BEFORE_ZAP)
			s->entry = NONE;
		else if (mistake != NO_COUNT)
			s->count++;
		s->locked = false;
		s->at = 0;
		s->pc = KICK;
		if (mistake == NO_KICK)
			returns(s);
		break;
	case KICK:
		mark = s->vcpu[s->at].mark;
		if (mark == NONE) {
			kicked_one(s);
		} else {
			s->asked[mark] = true;
			s->waits = mark;
			s->pc = WAIT;
			kicked++;
		}
		break;
	case WAIT:
		if (s->asked[s->waits] && mistake != KICK_WITHOUT_WAIT)
			return;
		s->waits = 0;
		kicked_one(s);
		break;
	case CHANGE:
		s->mm++;
		s->pc = FINISH;
		break;
	case FINISH:
		if (s->locked)
			return;
		zaps_end(&z, true);
		s->ends = z.sequence;
		s->zapping = z.zapping;
		s->round++;
		s->pc = NOTIFIER_IDLE;
		break;
	}
	put(s);
}

/* Say that the vCPU runs here. Behind the barrier all others see it. */
static void mark(struct vcpu_state *v)
{
	if (mistake == NO_BARRIER)
		v->stored = v->cpu;
	else
		v->mark = v->cpu;
}

/* A thread with nothing under way begins a run, on any CPU, or a mapping. */
static void begin(const struct state *from, u32 i)
{
	u32 cpu;

	for (cpu = 0; cpu < CPUS && from->vcpu[i].runs; cpu++) {
		struct state next = *from;
		struct vcpu_state *v = &next.vcpu[i];

		if (next.busy[cpu])
			continue;
		next.busy[cpu] = true;
		moves += v->asid.pool != NONE && v->asid.pool != cpu;
		v->runs--;
		v->cpu = cpu;
		v->pc = READ;
		if (mistake != READ_BEFORE_MARK)
			mark(v);
		put(&next);
	}
	if (from->vcpu[i].maps && !from->locked) {
		struct state next = *from;
		struct vcpu_state *v = &next.vcpu[i];

		v->maps--;
		v->answer = next.ends;
		v->pc = GET_PAGE;
		put(&next);
	}
}

/* The exit, and interrupts are let through. */
static void leave(struct state *s, struct vcpu_state *v)
{
	s->busy[v->cpu] = false;
	v->pc = OUT;
}

/* vcpu_enter_here() and what it calls; and memory_try() */
static void vcpu(const struct state *from, u32 i)
{
	struct state next = *from, *s = &next;
	struct vcpu_state *v = &s->vcpu[i];

	switch (v->pc) {
	case OUT:
		begin(from, i);
		return;
	case READ:
		follow(s, v);
		if (mistake == READ_BEFORE_MARK) {
			v->pc = MARK;
			break;
		}
		enter(s, v);
		break;
	case MARK:
		mark(v);
		v->pc = ENTER;
		break;
	case ENTER:
		enter(s, v);
		break;
	case INSIDE:
		if (v->stored != NONE)
			return;		/* stores are seen in their order */
		v->mark = NONE;
		if (mistake == UNMARK_BEFORE_EXIT) {
			v->pc = LEAVE;
			break;
		}
		leave(s, v);
		break;
	case LEAVE:
		leave(s, v);
		break;
	case GET_PAGE:
		v->page = s->mm;
		v->pc = MAP;
		break;
	case MAP:
		if (s->locked)
			return;
		if (is_stale(s, v)) {
			refused++;
		} else {
			s->entry = v->page;
			maps++;
		}
		v->answer = 0;
		v->page = 0;
		v->pc = OUT;
		break;
	}
	put(s);
}

/* A store is seen by the others. */
static void drain(const struct state *from, u32 i)
{
	struct state next = *from;
	struct vcpu_state *v = &next.vcpu[i];

	if (v->stored == NONE)
		return;
	v->mark = v->stored;
	v->stored = NONE;
	put(&next);
}

static struct state first_state(u8 runs_each, u8 maps_each)
{
	struct state s;
	u32 i;

	memset(&s, 0, sizeof(s));
	for (i = 0; i < CPUS; i++) {
		s.pool_generation[i] = 1;
		s.pool_next[i] = FIRST;
	}
	for (i = 0; i < VCPUS; i++)
		s.vcpu[i] = (struct vcpu_state){
			.mark = NONE, .stored = NONE, .asid.pool = NONE, .runs = runs_each,
			.maps = maps_each,
		};
	return s;			/* page 0 is mapped */
}

/* Explore everything. True if no CPU ever uses what is gone. */
static bool explore(bool on_vmx, enum mistake with, u8 n_rounds, u8 runs_each, u8 maps_each)
{
	struct state s = first_state(runs_each, maps_each);
	u32 i;

	good = true;
	vmx = on_vmx;
	mistake = with;
	rounds = n_rounds;
	put(&s);
	while (good && model_take(&s, sizeof(s))) {
		states++;
		notifier(&s);
		for (i = 0; i < VCPUS; i++) {
			vcpu(&s, i);
			drain(&s, i);
		}
	}
	model_forget();
	return good;
}

static void forget_counts(void)
{
	states = runs = maps = refused = flushes = moves = kicked = 0;
}

static void is_right(bool on_vmx, u8 n_rounds, u8 runs_each, u8 maps_each)
{
	forget_counts();
	assert_true(explore(on_vmx, RIGHT, n_rounds, runs_each, maps_each));
	print_message("# %s, %u notifiers, %u runs and %u mappings each: %llu states\n",
		      on_vmx ? "VMX" : "SVM", n_rounds, runs_each, maps_each, states);
	/* It has tried what it is about. */
	assert_true(runs && maps && refused && flushes && moves && kicked);
}

static void right_on_svm(void **state)
{
	(void)state;
	is_right(false, 2, 2, 1);
}

static void right_on_vmx(void **state)
{
	(void)state;
	is_right(true, 2, 2, 1);
}

static void mistakes_are_found(bool on_vmx)
{
	enum mistake m;

	for (m = RIGHT + 1; m < MISTAKES; m++) {
		/* INVEPT drops what a VPID that comes again would find; SVM has none. */
		if (m == (on_vmx ? NO_FLUSH_WHEN_USED_UP : NO_INVEPT))
			continue;
		forget_counts();
		assert_false(explore(on_vmx, m, 2, 3, 2));
		print_message("# %s: %s: found after %llu states\n", on_vmx ? "VMX" : "SVM",
			      names[m], states);
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

	return cmocka_run_group_tests_name("tlb_model", tests, NULL, NULL);
}
