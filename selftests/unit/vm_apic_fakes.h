/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What is around src/vm/apic.c in K, as far as test_vm_apic.c needs it: a processor of a few flags,
 * vCPUs, and the scheduler. Included once, behind apic.c itself.
 */
#ifndef VM_APIC_FAKES_H
#define VM_APIC_FAKES_H

/* A processor, as far as events go */
struct processor {
	int irq;		/* as backend_vcpu_irq() has set it */
	bool flag_if, shadow;
	bool event;		/* an NMI is injected */
	u8 cr8;
	bool cr8_exits, iret_exits, step;
	u64 rip;
	u32 resets;
	u8 started;
};

static struct processor processor[VCPUS];
static struct vcpu vcpus[VCPUS];
static struct vm vm;

static struct processor *p_of(const struct world *w)
{
	return w->backend;
}

void backend_vcpu_irq(struct world *w, int what)
{
	p_of(w)->irq = what;
}

int backend_vcpu_irq_queued(const struct world *w)
{
	return p_of(w)->irq >= 0 ? p_of(w)->irq : VCPU_IRQ_NONE;
}

bool backend_in_shadow(const struct world *w)
{
	return p_of(w)->shadow;
}

bool backend_event_queued(const struct world *w)
{
	return p_of(w)->event || p_of(w)->irq >= 0;
}

bool backend_event_pending(const struct world *w)
{
	return p_of(w)->event;
}

bool backend_flag_if(const struct world *w)
{
	return p_of(w)->flag_if;
}

u8 backend_cr8(const struct world *w)
{
	return p_of(w)->cr8;
}

void backend_set_cr8(struct world *w, u8 cr8)
{
	p_of(w)->cr8 = cr8;
}

void backend_intercept_cr8(struct world *w, bool on)
{
	p_of(w)->cr8_exits = on;
}

void backend_intercept_iret(struct world *w, bool on)
{
	p_of(w)->iret_exits = on;
}

/* A backend without virtual NMIs: who handles one K knows. */
bool backend_nmi_blocked(const struct world *w, bool known)
{
	(void)w;
	return known;
}

bool backend_takes_nmi(const struct world *w)
{
	return !p_of(w)->event && !p_of(w)->shadow;
}

void backend_nmi_window(struct world *w)
{
	(void)w;
}

void backend_step(struct world *w, bool on)
{
	p_of(w)->step = on;
}

void backend_stepped(struct world *w)
{
	p_of(w)->step = false;
}

u64 backend_rip(const struct world *w)
{
	return p_of(w)->rip;
}

void backend_inject_nmi(struct world *w)
{
	assert_false(p_of(w)->event);
	p_of(w)->event = true;
}

void vcpu_reset(struct vcpu *v)
{
	struct processor *p = p_of(&v->world);

	p->irq = VCPU_IRQ_NONE;
	p->flag_if = false;
	p->shadow = false;
	p->event = false;
	p->resets++;
	v->window = false;
}

void vcpu_startup(struct vcpu *v, u8 vector)
{
	p_of(&v->world)->started = vector;
}

void vcpu_end(struct world *w, enum regent_vcpu_exit reason)
{
	vcpu_of(w)->ended = true;
	vcpu_of(w)->reason = reason;
}

/* K's window: L's page for a vCPU, the only one that is looked at */
void *mapcache_page(struct mapcache *mc, u64 pa, enum mapcache_type type)
{
	static struct regent_vcpu_page page;

	(void)mc;
	(void)pa;
	(void)type;
	return &page;
}

struct vm *vm_get(u64 id)
{
	return id == 1 ? &vm : NULL;
}

void vm_put(struct vm *a)
{
	assert_ptr_equal(a, &vm);
}

void k_abort(const char *why)
{
	fail_msg("%s", why);
	abort();
}

/* The scheduler, as far as it is asked for something */
static u32 asked[VCPUS];
static u64 alarm_at;

void sched_ask(struct cpu *cpu, struct world *world, u32 what)
{
	(void)cpu;
	assert_int_equal(what, WORLD_ASK_WAKE);
	asked[vcpu_of(world)->number]++;
}

void sched_set_alarm(struct cpu *cpu, struct world *world, u64 at)
{
	(void)cpu;
	(void)world;
	alarm_at = at;
}

/* K reaches its CPU through GS, which user space here does not use: one for each thread. */
static void be_cpu(u32 number)
{
	static struct cpu cpus[4];
	struct cpu *cpu = &cpus[number];

	memset(cpu, 0, sizeof(*cpu));
	cpu->self = cpu;
	cpu->id = number;
	if (syscall(SYS_arch_prctl, ARCH_SET_GS, (u64)cpu))
		abort();
}

#endif
