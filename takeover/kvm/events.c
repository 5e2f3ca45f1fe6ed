// SPDX-License-Identifier: GPL-2.0-only
/* What a vCPU is about to take, its APIC, and whether it runs. The vCPU is locked. */
#include <linux/uaccess.h>

#include "kvm.h"

#define APIC_REG_SHIFT	4	/* of an address in an APIC's page */

static int events_get(struct vcpu *v)
{
	return vm_call(v->vm, REGENT_HC_VCPU_GET, v->id, REGENT_VCPU_EVENTS);
}

static int events_set(struct vcpu *v)
{
	return vm_call(v->vm, REGENT_HC_VCPU_SET, v->id, REGENT_VCPU_EVENTS);
}

static void events_to_user(const struct vcpu *v, struct kvm_vcpu_events *to)
{
	const struct regent_vcpu_events *e = &v->page->events;
	u32 irq = v->page->irq ?: v->page->irq_queued;

	memset(to, 0, sizeof(*to));
	to->exception.injected = e->event == REGENT_EVENT_EXCEPTION;
	if (to->exception.injected) {
		to->exception.nr = e->vector;
		to->exception.has_error_code = e->has_error;
		to->exception.error_code = e->error;
	}
	to->interrupt.soft = e->event == REGENT_EVENT_SOFT;
	to->interrupt.injected = to->interrupt.soft || irq;
	to->interrupt.nr = to->interrupt.soft ? e->vector : irq & 0xff;
	to->interrupt.shadow = e->shadow ? KVM_X86_SHADOW_INT_STI : 0;
	to->nmi.injected = e->event == REGENT_EVENT_NMI;
	to->nmi.pending = e->nmis;
	to->nmi.masked = e->nmi_blocked;
	to->sipi_vector = e->sipi;
	to->flags = KVM_VCPUEVENT_VALID_NMI_PENDING | KVM_VCPUEVENT_VALID_SHADOW;
}

#define EVENTS_KNOWN	(KVM_VCPUEVENT_VALID_NMI_PENDING | KVM_VCPUEVENT_VALID_SIPI_VECTOR | \
			 KVM_VCPUEVENT_VALID_SHADOW | KVM_VCPUEVENT_VALID_SMM)

/* An interrupt waits in the page until the vCPU can take it; all else the next entry delivers. */
static void events_from_user(struct vcpu *v, const struct kvm_vcpu_events *from)
{
	struct regent_vcpu_events *e = &v->page->events;

	e->event = REGENT_EVENT_NONE;
	e->has_error = 0;
	if (from->exception.injected) {
		e->event = REGENT_EVENT_EXCEPTION;
		e->vector = from->exception.nr;
		e->has_error = from->exception.has_error_code;
		e->error = from->exception.error_code;
	} else if (from->nmi.injected) {
		e->event = REGENT_EVENT_NMI;
		e->vector = 2;
	} else if (from->interrupt.injected && from->interrupt.soft) {
		e->event = REGENT_EVENT_SOFT;
		e->vector = from->interrupt.nr;
	}
	v->page->irq = from->interrupt.injected && !from->interrupt.soft ?
		       REGENT_IRQ_VALID | from->interrupt.nr : 0;
	if (from->flags & KVM_VCPUEVENT_VALID_SHADOW)
		e->shadow = from->interrupt.shadow;
	if (from->flags & KVM_VCPUEVENT_VALID_NMI_PENDING)
		e->nmis = min_t(u32, from->nmi.pending, 2);
	e->nmi_blocked = from->nmi.masked;
	if (from->flags & KVM_VCPUEVENT_VALID_SIPI_VECTOR)
		e->sipi = from->sipi_vector & 0xff;
}

/**
 * events_ioctl() - KVM_GET_VCPU_EVENTS, KVM_SET_VCPU_EVENTS
 * @v: the vCPU
 * @set: the latter
 * @user: the VMM's structure
 *
 * Return: 0; -EINVAL for what there is not: SMM, for one; another negative errno.
 */
int events_ioctl(struct vcpu *v, bool set, struct kvm_vcpu_events __user *user)
{
	struct kvm_vcpu_events events;
	int err = events_get(v);

	if (err)
		return err;
	if (!set) {
		events_to_user(v, &events);
		return copy_to_user(user, &events, sizeof(events)) ? -EFAULT : 0;
	}
	if (copy_from_user(&events, user, sizeof(events)))
		return -EFAULT;
	if (events.flags & ~EVENTS_KNOWN)
		return -EINVAL;
	if (events.flags & KVM_VCPUEVENT_VALID_SMM &&
	    (events.smi.smm || events.smi.pending || events.smi.smm_inside_nmi))
		return -EINVAL;
	if (events.exception.injected && (events.exception.nr > 31 || events.exception.nr == 2))
		return -EINVAL;
	events_from_user(v, &events);
	return events_set(v);
}

/**
 * events_ioctl_mp() - KVM_GET_MP_STATE, KVM_SET_MP_STATE
 * @v: the vCPU
 * @set: the latter
 * @user: the VMM's structure
 *
 * Return: 0; -EINVAL for a state that there is not; another negative errno.
 */
int events_ioctl_mp(struct vcpu *v, bool set, struct kvm_mp_state __user *user)
{
	struct kvm_mp_state state;
	int err = events_get(v);

	if (err)
		return err;
	if (!set) {
		state.mp_state = v->page->events.mp_state;
		return copy_to_user(user, &state, sizeof(state)) ? -EFAULT : 0;
	}
	if (copy_from_user(&state, user, sizeof(state)))
		return -EFAULT;
	if (state.mp_state == KVM_MP_STATE_SIPI_RECEIVED)
		state.mp_state = KVM_MP_STATE_RUNNABLE;
	if (state.mp_state > KVM_MP_STATE_HALTED)
		return -EINVAL;
	v->page->events.mp_state = state.mp_state;
	return events_set(v);
}

/**
 * events_nmi() - KVM_NMI
 * @v: the vCPU
 *
 * Return: 0 or a negative errno.
 */
int events_nmi(struct vcpu *v)
{
	int err = events_get(v);

	if (err)
		return err;
	/* While one is handled, another one waits; otherwise two may. */
	v->page->events.nmis = min_t(u32, v->page->events.nmis + 1,
				     v->page->events.nmi_blocked ? 1 : 2);
	return events_set(v);
}

static int events_get_apic(struct vcpu *v, struct kvm_lapic_state __user *user)
{
	struct kvm_lapic_state state = { 0 };
	int err = vm_call(v->vm, REGENT_HC_VCPU_GET, v->id, REGENT_VCPU_APIC);
	unsigned int i;

	if (err)
		return err;
	for (i = 0; i < ARRAY_SIZE(v->page->apic.reg); i++)
		memcpy(state.regs + (i << APIC_REG_SHIFT), &v->page->apic.reg[i], sizeof(u32));
	return copy_to_user(user, &state, sizeof(state)) ? -EFAULT : 0;
}

/**
 * events_ioctl_apic() - KVM_GET_LAPIC, KVM_SET_LAPIC
 * @v: the vCPU
 * @set: the latter
 * @user: the VMM's structure
 *
 * Return: 0; -EINVAL without an APIC; another negative errno.
 */
int events_ioctl_apic(struct vcpu *v, bool set, struct kvm_lapic_state __user *user)
{
	struct kvm_lapic_state state;
	unsigned int i;

	if (!vm_has_apics(v->vm))
		return -EINVAL;
	if (!set)
		return events_get_apic(v, user);
	if (copy_from_user(&state, user, sizeof(state)))
		return -EFAULT;
	for (i = 0; i < ARRAY_SIZE(v->page->apic.reg); i++)
		memcpy(&v->page->apic.reg[i], state.regs + (i << APIC_REG_SHIFT), sizeof(u32));
	return vm_call(v->vm, REGENT_HC_VCPU_SET, v->id, REGENT_VCPU_APIC);
}
