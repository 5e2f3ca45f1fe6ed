/* SPDX-License-Identifier: GPL-2.0-only */
/* What a vCPU's control registers may hold on this machine, whatever the backend. */
#ifndef REGENT_SREGS_H
#define REGENT_SREGS_H

#include <regent/abi/types.h>
#include <regent/abi/vm.h>

/* Bits of EFER that a vCPU may set */
#define SREGS_EFER_BITS		(1ull << 0 | 1ull << 8 | 1ull << 10 | 1ull << 11)
/* Bits of RFLAGS that exist, without bit 1, which is always set */
#define SREGS_RFLAGS_BITS	0x3f7fd5ull

u64 sregs_cr4_bits(void);
bool sregs_valid(const struct regent_vcpu_sregs *s, u64 cr4_bits);

#endif
