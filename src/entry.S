/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The image's header (struct regent_image_header). k_entry, K's first instruction on a CPU,
 * is in the backend.
 */
#include <regent/abi/handoff.h>

	.section .header, "a"
	.quad	REGENT_IMAGE_MAGIC
	.long	REGENT_IMAGE_ABI
	.long	k_text_size
	.long	k_rodata_size
	.long	k_file_size
	.long	k_image_size
	.long	0
	.quad	k_entry
	.quad	k_idt
	.quad	k_stubs
	.quad	k_params
