/* SPDX-License-Identifier: GPL-2.0-only */
/* CRC-32 (IEEE 802.3, reflected), which can be computed piece by piece. Plain logic. */
#ifndef REGENT_CRC_H
#define REGENT_CRC_H

#include <regent/abi/types.h>

u32 crc32_update(u32 crc, const void *data, size_t length);

#endif
