/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * vCPUs: see <regent/backend.h>. The vCPU is this CPU's: its current world, or opened by
 * backend_vcpu_open(), because VMX can only access one world's VMCS at a time. These also take
 * a vCPU that is neither: backend_cpl(), backend_flag_if(), backend_in_shadow(),
 * backend_event_queued(), backend_get_event(), backend_event_pending(), backend_vcpu_irq(),
 * backend_vcpu_irq_queued(), backend_cr8(), backend_set_cr8().
 */
#ifndef REGENT_BACKEND_VM_H
#define REGENT_BACKEND_VM_H

#include <regent/abi/types.h>
#include <regent/abi/vm.h>

struct cpu;
struct decode_regs;
struct world;

/**
 * struct io_access - an intercepted IN, OUT, INS or OUTS
 * @port: I/O port
 * @size: bytes of one access
 * @write: OUT or OUTS
 * @string: INS or OUTS
 * @next: RIP of the next instruction
 */
struct io_access {
	u16 port;
	u8 size;
	bool write;
	bool string;
	u64 next;
};

/**
 * enum control_access - what a vCPU has accessed with REGENT_EXIT_CONTROL
 * @CONTROL_CR4_READ: MOV from CR4
 * @CONTROL_CR4_WRITE: MOV to CR4
 * @CONTROL_CR8_WRITE: MOV to CR8
 * @CONTROL_CACHE: INVD or WBINVD
 * @CONTROL_XSETBV: XSETBV
 * @CONTROL_IRET: IRET, which has not been executed yet
 * @CONTROL_AGAIN: MOV to CR0 or CR4 with bits that are K's: backend_cr4() shows the new ones,
 *	and the vCPU executes the instruction again, without an exit
 * @CONTROL_OTHER: something that K does not offer: RDPMC
 */
enum control_access {
	CONTROL_CR4_READ, CONTROL_CR4_WRITE, CONTROL_CR8_WRITE, CONTROL_CACHE, CONTROL_XSETBV,
	CONTROL_IRET, CONTROL_AGAIN, CONTROL_OTHER,
};

/* Is an address canonical for a vCPU? None has LA57. */
static inline bool vcpu_canonical(u64 va)
{
	return (s64)va >> 47 == 0 || (s64)va >> 47 == -1;
}

/* Can this backend run VMs on this machine? */
bool backend_vm_there(void);
void backend_vcpu_control(struct world *world);
void backend_vcpu_open(struct cpu *cpu, struct world *world);
void backend_vcpu_close(struct cpu *cpu);
void backend_vcpu_ready(struct world *world);

/* Of the exit that the vCPU has just made */
void backend_io_access(const struct world *world, struct io_access *io);
enum control_access backend_control_access(struct world *world);
int backend_exception(struct world *world);
u64 backend_exit_code(const struct world *world);

/* Interrupts: a vector, or one of these */
#define VCPU_IRQ_NONE	(-1)
#define VCPU_IRQ_WINDOW	(-2)

/**
 * struct backend_event - what the next entry delivers
 * @type: REGENT_EVENT_*
 * @vector: its vector
 * @has_error: it has an error code
 * @error: the error code
 */
struct backend_event {
	u8 type;
	u8 vector;
	bool has_error;
	u32 error;
};

void backend_get_event(const struct world *world, struct backend_event *e);
void backend_set_event(struct world *world, const struct backend_event *e);
void backend_set_shadow(struct world *world, bool on);
void backend_intercept_iret(struct world *world, bool on);
bool backend_nmi_blocked(const struct world *world, bool known);
bool backend_takes_nmi(const struct world *world);
void backend_nmi_window(struct world *world);
void backend_step(struct world *world, bool on);
void backend_stepped(struct world *world);
bool backend_event_pending(const struct world *world);
int backend_delivering(const struct world *world);
void backend_entry_refused(struct world *world);

void backend_vcpu_irq(struct world *world, int what);
void backend_intercept_cr8(struct world *world, bool on);
int backend_vcpu_irq_queued(const struct world *world);
u8 backend_cr8(const struct world *world);
void backend_set_cr8(struct world *world, u8 cr8);

void backend_set_regs(struct world *world, const struct decode_regs *r);
void backend_set_rip(struct world *world, u64 rip);
void backend_get_sregs(const struct world *world, struct regent_vcpu_sregs *s);
int backend_set_sregs(struct world *world, const struct regent_vcpu_sregs *s);
u64 backend_pdptes_wanted(const struct world *world);
void backend_set_pdptes(struct world *world, const u64 pdpte[4]);
u64 backend_efer(const struct world *world);
bool backend_set_efer(struct world *world, u64 efer, bool vmm);
u64 backend_cr4(const struct world *world);
bool backend_set_cr4(struct world *world, u64 cr4);
u64 backend_pat(const struct world *world);
void backend_set_pat(struct world *world, u64 pat);
u64 *backend_vcpu_msr(struct world *world, u64 index);
bool backend_vcpu_write_msr(struct world *world, u64 index, u64 value);
void backend_set_tsc_offset(struct world *world, u64 offset);
void backend_get_debug(const struct world *world, u64 *dr6, u64 *dr7);
void backend_set_debug(struct world *world, u64 dr6, u64 dr7);
void backend_go_back(struct world *world, u64 rip);

#endif
