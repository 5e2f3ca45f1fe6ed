/* SPDX-License-Identifier: GPL-2.0-only */
/* K's images, embedded. */
	.section .rodata, "a"
	.balign	8
	.globl	regent_k_svm, regent_k_svm_end
regent_k_svm:
	.incbin	"k-svm.bin"
regent_k_svm_end:
	.balign	8
	.globl	regent_k_vmx, regent_k_vmx_end
regent_k_vmx:
	.incbin	"k-vmx.bin"
regent_k_vmx_end:
