// SPDX-License-Identifier: GPL-2.0-only
/*
 * A vCPU's NMIs. VMX has virtual NMIs: the processor blocks them until IRET, says whether they
 * are blocked, and exits when they no longer are (an NMI window). Intel SDM volume 3,
 * "Virtual-NMI blocking". On SVM it does not tell when NMIs are blocked and until when, so K looks
 * at the vCPU's IRETs while it handles one. AMD APM volume 2, "Event Injection".
 *
 * At the exit by an IRET that instruction is still to come. NMIs are no longer blocked behind
 * it: if none waits, that is so at the next exit with another RIP. If one waits, the vCPU
 * executes the IRET in a single step, after which #DB exits.
 */
#include <regent/backend.h>

#include "vm.h"

#define MAX_NMIS	2

/**
 * vcpu_block_nmi() - a vCPU begins or ends handling an NMI
 * @v: the vCPU
 * @on: it begins
 */
void vcpu_block_nmi(struct vcpu *v, bool on)
{
	if (v->nmi_step)
		backend_step(&v->world, false);
	v->nmi_step = false;
	v->nmi_iret = false;
	if (v->nmi_blocked == on)
		return;
	v->nmi_blocked = on;
	backend_intercept_iret(&v->world, on);
}

/**
 * vcpu_iret() - a vCPU is about to execute IRET while NMIs are blocked
 * @v: the vCPU
 */
void vcpu_iret(struct vcpu *v)
{
	backend_intercept_iret(&v->world, false);
	v->nmi_iret = true;
	v->nmi_iret_rip = backend_rip(&v->world);
}

/**
 * vcpu_stepped() - a vCPU has raised #DB: is it K's single step?
 * @v: the vCPU
 */
bool vcpu_stepped(struct vcpu *v)
{
	if (!v->nmi_step)
		return false;
	/* IRET has loaded RFLAGS, so that K's TF is gone; what DR6 says of it goes as well. */
	v->nmi_step = false;
	v->nmi_iret = false;
	v->nmi_blocked = false;
	backend_stepped(&v->world);
	return true;
}

/**
 * vcpu_past_iret() - a vCPU has exited: is it behind the IRET that ends its handling of an NMI?
 * @v: the vCPU
 *
 * Also before it halts: an NMI ends that then.
 */
void vcpu_past_iret(struct vcpu *v)
{
	if (v->nmi_blocked)
		v->nmi_blocked = backend_nmi_blocked(&v->world, true);
	if (v->nmi_iret && backend_rip(&v->world) != v->nmi_iret_rip)
		vcpu_block_nmi(v, false);
}

/**
 * vcpu_add_nmi() - another NMI is there for a vCPU
 * @v: the vCPU
 *
 * As a processor it keeps one while it handles one; as KVM it takes two otherwise.
 */
void vcpu_add_nmi(struct vcpu *v)
{
	if (v->nmis < (v->nmi_blocked ? 1 : MAX_NMIS))
		v->nmis++;
}

/**
 * vcpu_enter_nmi() - before an entry: an NMI that waits
 * @v: the vCPU
 */
void vcpu_enter_nmi(struct vcpu *v)
{
	struct world *w = &v->world;

	if (!v->nmis)
		return;
	if (v->nmi_blocked || !backend_takes_nmi(w)) {
		backend_nmi_window(w);
		if (v->nmi_iret && !v->nmi_step && backend_takes_nmi(w)) {
			backend_step(w, true);
			v->nmi_step = true;
		}
		return;
	}
	v->nmis--;
	backend_inject_nmi(w);
	vcpu_block_nmi(v, true);
	if (v->nmis)
		backend_nmi_window(w);
}
