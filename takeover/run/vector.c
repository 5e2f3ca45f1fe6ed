// SPDX-License-Identifier: GPL-2.0-only
/*
 * Regent's vector: an interrupt of each CPU that K uses, a gift of Linux's. It is
 * shown as "regent" in /proc/interrupts. K's timer comes there, and what other CPUs
 * ring with; K takes them itself. Linux gets it when K has put something into the event
 * ring. One that comes just after the CPU has become direct makes L look early, which
 * does no harm: K has left nothing in that CPU's inbox.
 */
#include <linux/interrupt.h>
#include <linux/irq.h>
#include <linux/irqdomain.h>
#include <linux/percpu.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>
#include <linux/topology.h>
#include <asm/hw_irq.h>
#include <asm/irqdomain.h>

#include "run.h"

static DEFINE_PER_CPU(unsigned int, regent_irq);

/* Called when it comes to Linux */
static void (*vector_listener)(void);

static irqreturn_t vector_handler(int irq, void *data)
{
	void (*fn)(void) = READ_ONCE(vector_listener);

	if (fn)
		fn();
	return IRQ_HANDLED;
}

/**
 * vector_listen() - say who is told when the interrupt comes to Linux
 * @fn: called with interrupts off; NULL for nobody
 *
 * Process context. When it returns, the one before is called no more.
 */
void vector_listen(void (*fn)(void))
{
	WRITE_ONCE(vector_listener, fn);
	synchronize_rcu();	/* handlers run with interrupts off */
}

/* Straight from the domain of the local APICs: no device is behind it. */
static int vector_alloc(unsigned int cpu)
{
	struct irq_alloc_info info = { .mask = cpumask_of(cpu) };
	struct irq_affinity_desc *affinity = kzalloc(sizeof(*affinity), GFP_KERNEL);
	int irq;

	if (!affinity)
		return -ENOMEM;
	cpumask_copy(&affinity->mask, cpumask_of(cpu));
	irq = __irq_domain_alloc_irqs(x86_vector_domain, -1, 1, cpu_to_node(cpu), &info,
				      false, affinity);
	kfree(affinity);
	return irq;
}

static int vector_request(unsigned int cpu, unsigned int irq)
{
	int err;

	irq_set_handler(irq, handle_edge_irq);
	err = request_irq(irq, vector_handler, IRQF_NOBALANCING | IRQF_NO_THREAD, "regent",
			  per_cpu_ptr(&l_cpus, cpu));
	if (err)
		return err;
	per_cpu(regent_irq, cpu) = irq;
	return 0;
}

/**
 * vector_get() - the vector that K may use on a CPU
 * @cpu: an online CPU
 *
 * Process context, hotplug held off. Return: the vector, or a negative errno.
 */
int vector_get(unsigned int cpu)
{
	struct irq_data *data;
	int irq, err;

	if (!per_cpu(regent_irq, cpu)) {
		irq = vector_alloc(cpu);
		if (irq < 0)
			return irq;
		err = vector_request(cpu, irq);
		if (err) {
			irq_dispose_mapping(irq);
			return err;
		}
	}
	data = irq_get_irq_data(per_cpu(regent_irq, cpu));
	/* Moved to another CPU, it would be somebody else's number here. */
	if (!cpumask_test_cpu(cpu, irq_data_get_effective_affinity_mask(data)))
		return -EIO;
	return irqd_cfg(data)->vector;
}

/**
 * vector_put() - give it back
 * @cpu: any CPU, direct
 *
 * Process context, hotplug held off or in a hotplug callback.
 */
void vector_put(unsigned int cpu)
{
	unsigned int irq = per_cpu(regent_irq, cpu);

	if (!irq)
		return;
	per_cpu(regent_irq, cpu) = 0;
	free_irq(irq, per_cpu_ptr(&l_cpus, cpu));
	irq_dispose_mapping(irq);
}
