/* SPDX-License-Identifier: GPL-2.0-only */
/* Single instructions of VMX for K and L, without logic. */
#ifndef HW_VMX_H
#define HW_VMX_H

#include <regent/abi/types.h>

static inline u64 hw_vmread(u64 field)
{
	u64 v;

	asm volatile("vmread %1, %0" : "=r"(v) : "r"(field) : "cc");
	return v;
}

static inline void hw_vmwrite(u64 field, u64 value)
{
	asm volatile("vmwrite %1, %0" : : "r"(field), "rm"(value) : "cc", "memory");
}

/* VMCLEAR and VMPTRLD take a physical address. Return: whether they worked. */
#define HW_VMX_POINTER(insn)						\
static inline bool hw_##insn(u64 pa)					\
{									\
	bool ok;							\
									\
	asm volatile(#insn " %1" : "=@cca"(ok) : "m"(pa) : "memory");	\
	return ok;							\
}

HW_VMX_POINTER(vmclear)
HW_VMX_POINTER(vmptrld)

/* Descriptor of INVEPT and INVVPID */
struct hw_inv {
	u64 what;		/* EPT pointer, or VPID */
	u64 address;
};

static inline void hw_invept(u64 kind, u64 eptp)
{
	struct hw_inv d = { eptp, 0 };

	asm volatile("invept %0, %1" : : "m"(d), "r"(kind) : "cc", "memory");
}

static inline void hw_invvpid(u64 kind, u64 vpid)
{
	struct hw_inv d = { vpid, 0 };

	asm volatile("invvpid %0, %1" : : "m"(d), "r"(kind) : "cc", "memory");
}

#endif
