/* entry.S - the monitor's part in ring 0: the first instructions of a machine that starts by PVH,
 * and afterwards the crossing (target/machine/machine.h), waiting, and interrupts.
 *
 * PVH (Xen, docs/misc/pvh.pandoc): entered in 32 bits, flat, without paging; ebx is the start
 * information. What has to be done in ring 0 is as little as can be: where KVM is nested, each
 * instruction of it is emulated. Everything else is done in ring 3 by setup.c, which this leaves to
 * at once, over first tables that show it everything, and which asks for more by int3.
 *
 * While the image runs interrupts are off: they are taken in hlt alone, and so the only frame that
 * an interrupt ever returns to is that of the crossing, at the top of the stack.
 *
 * SPDX-License-Identifier: ISC */
#include "target/monitor/places.h"

#define AT(symbol) (PLACE_CODE + (symbol) - monitor_start)

    .section .monitor, "awx", @progbits
monitor_start:
    .code32
    .globl  monitor_entry
monitor_entry:
    cld
    movl    $PLACE_TABLES, %edi
    movl    $(3 * 4096 / 4), %ecx
    xorl    %eax, %eax
    rep stosl
    movl    $(PLACE_TABLES + 0x1067), PLACE_TABLES
    movl    $(PLACE_TABLES + 0x2067), PLACE_TABLES + 0x1000
    movl    $0x0000e7, PLACE_TABLES + 0x2000    /* pages of 2 MiB, for ring 3 to write */
    movl    $0x2000e7, PLACE_TABLES + 0x2008
    movl    $PLACE_STACK_TOP, PLACE_TASK + 4
    movl    $0, PLACE_TASK + 8
    movl    $PLACE_TABLES, %eax
    movl    %eax, %cr3
    movl    $0x620, %eax                        /* PAE, and SSE with its exceptions */
    movl    %eax, %cr4
    movl    $0xc0000080, %ecx
    movl    $0x900, %eax                        /* EFER: long mode, no-execute */
    xorl    %edx, %edx
    wrmsr
    movl    $0x80010033, %eax                   /* paging, write protection, exceptions of x87 */
    movl    %eax, %cr0
    lgdt    AT(gdt_place)
    ljmp    $0x10, $AT(entry_64)

    .code64
entry_64:
    movl    $0x18, %eax
    movl    %eax, %ss
    movl    $0x2b, %eax
    movl    %eax, %ds
    movl    %eax, %es
    movl    $0x40, %eax
    ltr     %ax
    lidt    AT(idt_place)
    movl    %ebx, %edi
    movl    $AT(first_frame), %esp
    iretq

/* ---- set-up: a call of ring 3, and its answers ---- */

    .globl  monitor_serve_setup
monitor_serve_setup:
    cmpl    $RING0_ENTER, %edi
    je      enter
    cmpl    $RING0_SET_MSR, %edi
    je      set_msr
    cmpl    $RING0_SET_XCR0, %edi
    je      set_xcr0
    movq    %cr4, %rax
    orq     %rsi, %rax
    movq    %rax, %cr4
    iretq
set_xcr0:
    xorl    %ecx, %ecx
    xorl    %edx, %edx
    movl    %esi, %eax
    xsetbv
    iretq
set_msr:
    movl    %edx, %eax
    shrq    $32, %rdx
    movl    %esi, %ecx
    wrmsr
    iretq

/* struct monitor_entry_state: cr3, gdt, idt, tables of ring 0; the image's rip and rsp; rdi. */
enter:
    movq    monitor_entry_state, %rax
    movq    %rax, %cr3
    lgdt    monitor_entry_state + 8
    lidt    monitor_entry_state + 24
    movl    $0x40, %eax
    ltr     %ax
    movq    monitor_entry_state + 56, %rdi
    pushq   $0x2b
    pushq   monitor_entry_state + 48
    pushq   $2
    pushq   $0x33
    pushq   monitor_entry_state + 40
    iretq

/* ---- the crossing ---- */

/* struct machine_control */
#define COMMAND       0
#define STATUS        4
#define DEADLINE      8
#define STOP          16
#define FAULT_ADDRESS 24

#define FRAME (PLACE_STACK_TOP - 5 * 8 - 3 * 8)

    .globl  monitor_cross
monitor_cross:
    pushq   %rax
    pushq   %rcx
    pushq   %rdx
    movq    monitor_control, %rdx
    movl    COMMAND(%rdx), %eax
    cmpl    $1, %eax
    jne     not_wait
    movq    DEADLINE(%rdx), %rcx
    testq   %rcx, %rcx
    jz      cross_back
    cmpq    $-1, %rcx
    je      wait_forever
    rdtsc
    shlq    $32, %rdx
    orq     %rdx, %rax
    subq    monitor_tsc_base, %rax
    mulq    monitor_tsc_scale
    shrdq   $32, %rdx, %rax
    subq    %rax, %rcx
    jbe     cross_back
    movl    monitor_wait_max, %eax              /* an early end of a wait is no harm */
    cmpq    %rax, %rcx
    cmovaq  %rax, %rcx
set_timer:
    movl    $LAPIC_COUNT, %eax
    movl    %ecx, (%rax)                        /* a nanosecond a tick */
    sti
    hlt
    cli                                         /* of a spurious interrupt alone */
cross_back:
    movq    $0x2b, PLACE_STACK_TOP - 8          /* none, if emulated, in a handler of faults */
    popq    %rdx
    popq    %rcx
    popq    %rax
    iretq
wait_forever:
    movl    monitor_wait_forever, %ecx
    jmp     set_timer

not_wait:
    cmpl    $4, %eax
    jne     end
    movq    %cr2, %rax
    movq    %rax, FAULT_ADDRESS(%rdx)
    jmp     cross_back

/* The end is the set-up's again, over its own tables. */
end:
    movl    COMMAND(%rdx), %edi
    movl    STATUS(%rdx), %esi
    movl    $PLACE_TABLES, %eax
    movq    %rax, %cr3
    lgdt    AT(gdt_place)
    lidt    AT(idt_place)
    movb    $0x89, AT(gdt_task) + 5             /* not busy */
    movl    $0x40, %eax
    ltr     %ax
    movl    $AT(last_frame), %esp
    iretq

/* ---- interrupts ---- */

    .globl  monitor_timer, monitor_button, monitor_spurious, monitor_devices
monitor_button:
    movq    monitor_control, %rax
    movl    $1, STOP(%rax)
monitor_timer:
    movl    $LAPIC_EOI, %eax
    movl    $0, (%rax)
    movl    $FRAME, %esp
    jmp     cross_back
monitor_spurious:
    iretq

/* Each acknowledges what its device has raised, so that the next one is an edge again
 * (virtio 1.2, 4.2.2: InterruptStatus, InterruptACK). */
    .balign 16
monitor_devices:
    .set    device, 0
    .rept   16
    .balign 16
    movl    monitor_device_registers + 4 * device, %eax
    jmp     device_interrupt
    .set    device, device + 1
    .endr
    .balign 16
device_interrupt:
    movl    0x60(%rax), %ecx
    movl    %ecx, 0x64(%rax)
    jmp     monitor_timer

/* ---- the first tables' companions ---- */

    .balign 8
    .globl  monitor_stack_top
first_frame: .quad monitor_begin, 0x33, 2, monitor_stack_top, 0x2b
last_frame:  .quad monitor_end_machine, 0x33, 2, monitor_stack_top, 0x2b

/* As target/machine/layout.c has them. */
    .balign 16
gdt:
    .quad   0, 0
    .quad   0x00af9b000000ffff
    .quad   0x00cf93000000ffff
    .quad   0
    .quad   0x00cff3000000ffff
    .quad   0x00affb000000ffff
    .quad   0
gdt_task:
    .word   0x2068, PLACE_TASK & 0xffff
    .byte   PLACE_TASK >> 16, 0x89, 0, 0
    .quad   0
gdt_place:
    .word   . - gdt - 1
    .quad   AT(gdt)
    .balign 8
idt_place:
    .word   VECTORS * 16 - 1
    .quad   PLACE_GATES

/* ---- ring 3 ---- */

    .text
monitor_begin:
    xorl    %ebp, %ebp
    movl    %edi, %ebx
    movl    $monitor_data, %edi
    movl    $monitor_end, %ecx
    subl    %edi, %ecx
    xorl    %eax, %eax
    rep stosb
    movl    %ebx, %edi
    callq   monitor_set_up
    ud2
monitor_end_machine:
    xorl    %ebp, %ebp
    callq   monitor_end_with
    ud2

    .bss
    .balign 16
    .zero   32768
monitor_stack_top:

    .section .note.GNU-stack, "", @progbits
