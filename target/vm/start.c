/* start.c - from the first instruction to image_run: what compiled code takes for granted, then the
 * ambient services, then the image.
 *
 * Source of the thread-pointer block: System V AMD64 ABI, 3.4.6 and 6.4 of its TLS supplement: the
 * word at %fs:0 holds its own address, and gcc and clang read the stack protector's canary at
 * %fs:0x28.
 *
 * SPDX-License-Identifier: ISC */
#include "image/image.h"
#include "target/exit.h"
#include "target/vm/boot.h"
#include "target/vm/cpu.h"
#include "target/vm/services.h"

struct thread_block {
    struct thread_block *self;
    uint64_t reserved[4];
    uint64_t canary;
};
static_assert(offsetof(struct thread_block, canary) == 0x28, "where compilers look for it");

struct machine_boot *boot_page;

static struct thread_block thread_block;

__attribute__((noreturn)) void machine_start(struct machine_boot *boot, uint64_t first_tsc);

/* The canary is of the last eight bytes, which the entropy pool does not use; its lowest byte is
 * zero, so that no string that runs over can write it. */
__attribute__((no_stack_protector)) static void set_thread_block(struct machine_boot *boot)
{
    thread_block.self = &thread_block;
    __builtin_memcpy(&thread_block.canary,
                     boot->entropy + MACHINE_ENTROPY_BYTES - sizeof thread_block.canary,
                     sizeof thread_block.canary);
    thread_block.canary &= ~(uint64_t)0xff;
    __asm__ volatile("wrfsbase %0" : : "r"(&thread_block) : "memory");
}

/* Apart from machine_start, because it has a canary of its own. */
__attribute__((noinline, noreturn)) static void run(void)
{
    if (boot_page->magic != MACHINE_MAGIC || boot_page->abi != MACHINE_ABI) __builtin_trap();
    cpu_open();
    arguments_open();
    memory_open();
    entropy_open();
    pollers_open();
    console_open();
    entropy_open_device();
    target_exit(image_run());
}

__attribute__((no_stack_protector)) void machine_start(struct machine_boot *boot,
                                                       uint64_t first_tsc)
{
    boot->first_tsc = first_tsc;
    boot_page = boot;
    set_thread_block(boot);
    run();
}
