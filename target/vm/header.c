/* header.c - what the image tells whoever starts it: the note of machine.h.
 *
 * Its places are distances, which no relocation has to mend; only an assembler can write them down.
 *
 * SPDX-License-Identifier: ISC */
#include "fiber/fiber.h"
#include "target/machine/machine.h"

#define TEXT_OF(value)  TEXT_OF_(value)
#define TEXT_OF_(value) #value

#define STACK_WISH(stack_bytes, count, parameter) \
    "    .long   " TEXT_OF(stack_bytes) ", " TEXT_OF(count) "\n" \
                                                            "1:  .asciz  \"" parameter "\"\n" \
                                                            "    .zero   24 - (. - 1b)\n"

static_assert(sizeof(((struct machine_stack_wish *)0)->parameter) == 24, "as it is written here");
static_assert(MACHINE_STACK_CLASSES == STACK_SIZES, "a wish for each size");

__asm__(
    "    .pushsection .note.loom.header, \"a\", @note\n"
    "    .balign 4\n"
    "    .long   5, 3f - 2f, " TEXT_OF(
        MACHINE_NOTE_HEADER) "\n"
                             "    .asciz  \"Loom\"\n"
                             "    .balign 4\n"
                             "2:  .long   " TEXT_OF(
                                 MACHINE_ABI) ", 0\n"
                                              "    .quad   machine_begin - .\n"
                                              "    .quad   machine_faults - .\n"
                                              "    .quad   machine_fault_stack_top - "
                                              ".\n" STACK_WISH(FIBER_SMALL_BYTES, FIBER_SMALL_COUNT,
                                                               FIBER_SMALL_PARAMETER)
                                                  STACK_WISH(FIBER_MEDIUM_BYTES, FIBER_MEDIUM_COUNT,
                                                             FIBER_MEDIUM_PARAMETER)
                                                      STACK_WISH(
                                                          FIBER_LARGE_BYTES, FIBER_LARGE_COUNT,
                                                          FIBER_LARGE_PARAMETER) "3:  "
                                                                                 ".popsection\n");
