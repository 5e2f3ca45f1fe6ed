/* SPDX-License-Identifier: GPL-2.0-only */
/* K's images, embedded. */
	.section .rodata, "a"
	.balign	8
	.globl	regent_k_svm, regent_k_svm_end
regent_k_svm:
	.incbin	"k-svm.bin"
regent_k_svm_end:
