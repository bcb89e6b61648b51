/* begin.S - the image's first instructions: rdi is the boot page, rsp the top of the boot stack.
 *
 * The first thing is the time, which is what whoever measures a start asks for. The zero in rbp
 * ends every backtrace.
 *
 * SPDX-License-Identifier: ISC */
    .text
    .globl  machine_begin
    .type   machine_begin, @function
machine_begin:
    .cfi_startproc
    .cfi_undefined rip
    rdtsc
    shlq    $32, %rdx
    leaq    (%rax,%rdx), %rsi
    xorl    %ebp, %ebp
    callq   machine_start
    ud2
    .cfi_endproc
    .size   machine_begin, . - machine_begin

    .section .note.GNU-stack, "", @progbits
