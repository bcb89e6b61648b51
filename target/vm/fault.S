/* fault.S - where the processor goes when it cannot go on: 32 stubs of 16 bytes, one an exception.
 *
 * The gates lead here in ring 3, on the fault stack. Every exception is made to look alike, and all
 * registers are put behind what the processor has pushed (struct machine_fault_frame). The report
 * needs more room than that page, so it runs on a stack of its own; a crash within it comes to the
 * fault stack again, and ends the machine.
 *
 *      r15 ... rax   vector   error   rip cs rflags rsp ss
 *      ^ rsp
 *
 * Exceptions with an error code: Intel SDM 3A, table 6-1; AMD APM 2, 8.2.
 *
 * SPDX-License-Identifier: ISC */
    .text

/* Vectors 8, 10 to 14, 17, 21, 29 and 30. */
    .set    WITH_ERROR, 0x60227d00

    .balign 16
    .globl  machine_faults
machine_faults:
    .set    vector, 0
    .rept   32
    .balign 16
    .ifeq   (WITH_ERROR >> vector) & 1
    pushq   $0
    .endif
    pushq   $vector
    jmp     fault
    .set    vector, vector + 1
    .endr
    .balign 16

    .type   fault, @function
fault:
    .cfi_startproc
    .cfi_undefined rip
    pushq   %rax
    pushq   %rbx
    pushq   %rcx
    pushq   %rdx
    pushq   %rsi
    pushq   %rdi
    pushq   %rbp
    pushq   %r8
    pushq   %r9
    pushq   %r10
    pushq   %r11
    pushq   %r12
    pushq   %r13
    pushq   %r14
    pushq   %r15
    cld
    movq    %rsp, %rdi
    leaq    report_stack_top(%rip), %rsp
    xorl    %ebp, %ebp
    callq   machine_fault
    ud2
    .cfi_endproc
    .size   fault, . - fault

/* The lower page is not mapped. */
    .section .bss.fault_stack, "aw", @nobits
    .balign 4096
    .zero   8192
    .globl  machine_fault_stack_top
    .hidden machine_fault_stack_top
machine_fault_stack_top:

    .section .bss.report_stack, "aw", @nobits
    .balign 16
    .zero   16384
report_stack_top:

    .section .note.GNU-stack, "", @progbits
