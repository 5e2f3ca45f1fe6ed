// SPDX-License-Identifier: GPL-2.0-only
/*
 * No vCPUs on VMX yet: backend_vm_there() says so, and no VM is ever created, so that K never
 * comes to the other functions.
 */
#include <regent/backend.h>
#include <regent/k.h>

/**
 * backend_vm_there() - can VMs run on this machine?
 */
bool backend_vm_there(void)
{
	return false;
}

static void __attribute__((noreturn)) no_vcpu(void)
{
	k_abort("a vCPU on VMX");
}

void backend_vcpu_control(struct world *world)
{
	(void)world;
	no_vcpu();
}

void backend_io_access(const struct world *world, struct io_access *io)
{
	(void)world;
	(void)io;
	no_vcpu();
}

enum control_access backend_control_access(const struct world *world)
{
	(void)world;
	no_vcpu();
}

int backend_exception(struct world *world)
{
	(void)world;
	no_vcpu();
}

u64 backend_exit_code(const struct world *world)
{
	(void)world;
	no_vcpu();
}

void backend_vcpu_irq(struct world *world, int what)
{
	(void)world;
	(void)what;
	no_vcpu();
}

int backend_vcpu_irq_queued(const struct world *world)
{
	(void)world;
	no_vcpu();
}

u8 backend_cr8(const struct world *world)
{
	(void)world;
	no_vcpu();
}

void backend_set_cr8(struct world *world, u8 cr8)
{
	(void)world;
	(void)cr8;
	no_vcpu();
}

void backend_set_rip(struct world *world, u64 rip)
{
	(void)world;
	(void)rip;
	no_vcpu();
}

void backend_get_sregs(const struct world *world, struct regent_vcpu_sregs *s)
{
	(void)world;
	(void)s;
	no_vcpu();
}

int backend_set_sregs(struct world *world, const struct regent_vcpu_sregs *s)
{
	(void)world;
	(void)s;
	no_vcpu();
}

u64 backend_efer(const struct world *world)
{
	(void)world;
	no_vcpu();
}

bool backend_set_efer(struct world *world, u64 efer, bool vmm)
{
	(void)world;
	(void)vmm;
	(void)efer;
	no_vcpu();
}

u64 backend_cr4(const struct world *world)
{
	(void)world;
	no_vcpu();
}

bool backend_set_cr4(struct world *world, u64 cr4)
{
	(void)world;
	(void)cr4;
	no_vcpu();
}

u64 backend_pat(const struct world *world)
{
	(void)world;
	no_vcpu();
}

void backend_set_pat(struct world *world, u64 pat)
{
	(void)world;
	(void)pat;
	no_vcpu();
}

int backend_delivering(const struct world *world)
{
	(void)world;
	no_vcpu();
}

bool backend_event_pending(const struct world *world)
{
	(void)world;
	no_vcpu();
}

void backend_entry_refused(struct world *world)
{
	(void)world;
	no_vcpu();
}

void backend_get_event(const struct world *world, struct backend_event *e)
{
	(void)world;
	(void)e;
	no_vcpu();
}

void backend_set_event(struct world *world, const struct backend_event *e)
{
	(void)world;
	(void)e;
	no_vcpu();
}

void backend_set_shadow(struct world *world, bool on)
{
	(void)world;
	(void)on;
	no_vcpu();
}

void backend_intercept_iret(struct world *world, bool on)
{
	(void)world;
	(void)on;
	no_vcpu();
}

void backend_step(struct world *world, bool on)
{
	(void)world;
	(void)on;
	no_vcpu();
}

void backend_stepped(struct world *world)
{
	(void)world;
	no_vcpu();
}

void backend_intercept_cr8(struct world *world, bool on)
{
	(void)world;
	(void)on;
	no_vcpu();
}

void backend_set_regs(struct world *world, const struct decode_regs *r)
{
	(void)world;
	(void)r;
	no_vcpu();
}

void backend_go_back(struct world *world, u64 rip)
{
	(void)world;
	(void)rip;
	no_vcpu();
}

u64 *backend_vcpu_msr(struct world *world, u64 index)
{
	(void)world;
	(void)index;
	no_vcpu();
}

bool backend_vcpu_write_msr(struct world *world, u64 index, u64 value)
{
	(void)world;
	(void)index;
	(void)value;
	no_vcpu();
}

void backend_set_tsc_offset(struct world *world, u64 offset)
{
	(void)world;
	(void)offset;
	no_vcpu();
}

void backend_get_debug(const struct world *world, u64 *dr6, u64 *dr7)
{
	(void)world;
	(void)dr6;
	(void)dr7;
	no_vcpu();
}

void backend_set_debug(struct world *world, u64 dr6, u64 dr7)
{
	(void)world;
	(void)dr6;
	(void)dr7;
	no_vcpu();
}

bool backend_flag_ac(const struct world *world)
{
	(void)world;
	no_vcpu();
}
