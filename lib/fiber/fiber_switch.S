/* fiber_switch.S - leaves one stack for another: void fiber_switch(void **save, void *load).
 *
 * Saves the registers that a call preserves (System V AMD64 ABI 3.2.1) on the old stack and takes
 * them from the new one. The floating-point control words are not switched: nobody in an image
 * changes them. The return is a jump through a register, because the processor's return predictor
 * would be wrong every time.
 *
 *      saved stack     r15 r14 r13 r12 rbx rbp  return address
 *                      ^ stack pointer
 *
 * SPDX-License-Identifier: ISC */
    .text
    .globl  fiber_switch
    .type   fiber_switch, @function
fiber_switch:
    .cfi_startproc
    pushq   %rbp
    .cfi_adjust_cfa_offset 8
    .cfi_rel_offset rbp, 0
    pushq   %rbx
    .cfi_adjust_cfa_offset 8
    .cfi_rel_offset rbx, 0
    pushq   %r12
    .cfi_adjust_cfa_offset 8
    .cfi_rel_offset r12, 0
    pushq   %r13
    .cfi_adjust_cfa_offset 8
    .cfi_rel_offset r13, 0
    pushq   %r14
    .cfi_adjust_cfa_offset 8
    .cfi_rel_offset r14, 0
    pushq   %r15
    .cfi_adjust_cfa_offset 8
    .cfi_rel_offset r15, 0
    movq    %rsp, (%rdi)
    movq    %rsi, %rsp
    popq    %r15
    .cfi_adjust_cfa_offset -8
    .cfi_restore r15
    popq    %r14
    .cfi_adjust_cfa_offset -8
    .cfi_restore r14
    popq    %r13
    .cfi_adjust_cfa_offset -8
    .cfi_restore r13
    popq    %r12
    .cfi_adjust_cfa_offset -8
    .cfi_restore r12
    popq    %rbx
    .cfi_adjust_cfa_offset -8
    .cfi_restore rbx
    popq    %rbp
    .cfi_adjust_cfa_offset -8
    .cfi_restore rbp
    popq    %rcx
    .cfi_adjust_cfa_offset -8
    .cfi_register rip, rcx
    jmpq    *%rcx
    .cfi_endproc
    .size   fiber_switch, . - fiber_switch

/* Where a new fiber begins: its saved rbx is what it calls. The zero return address above ends
 * every backtrace. */
    .globl  fiber_begin
    .type   fiber_begin, @function
fiber_begin:
    .cfi_startproc
    .cfi_undefined rip
    xorl    %ebp, %ebp
    callq   *%rbx
    ud2
    .cfi_endproc
    .size   fiber_begin, . - fiber_begin

    .section .note.GNU-stack, "", @progbits
