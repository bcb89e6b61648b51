/* woven.S - the monitor in the file of an image, and what leads to it: PVH's note
 * (XEN_ELFNOTE_PHYS32_ENTRY: Xen, xen/include/public/elfnote.h), and an ELF entry point for those
 * that ask that it lie above 1 MiB. See target/vm/image.ld.
 *
 * SPDX-License-Identifier: ISC */
#include "target/monitor/places.h"

    .section .note.Xen, "a", @note
    .balign 4
    .long   4, 8, 18
    .asciz  "Xen"
    .quad   PLACE_CODE

    .globl  pvh_entry
    .set    pvh_entry, PLACE_CODE

    .section .monitor, "a", @progbits
    .incbin LOOM_MONITOR

    .section .note.GNU-stack, "", @progbits
