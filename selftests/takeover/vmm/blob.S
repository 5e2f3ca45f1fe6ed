/* SPDX-License-Identifier: GPL-2.0-only */
/* The guest in C, as it is loaded at GUEST_BASE. */
	.section .rodata
	.globl guest_image, guest_image_end
guest_image:
	.incbin GUEST_IMAGE
guest_image_end:
	.section .note.GNU-stack, "", @progbits
