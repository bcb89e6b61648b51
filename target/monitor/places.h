/* places.h - where the monitor's own pages lie, physically and, always, virtually.
 *
 *     0x100000   first tables: of all below 4 GiB, for ring 3 too, while the machine is set up
 *     0x106000   first task state, with a bit for each port
 *     0x109000   first gates
 *     0x10a000   the stack of ring 0
 *     0x10c000   code and data (monitor.ld)
 *     0x140000   the image, as far as it goes; behind it, the machine's memory
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_MONITOR_PLACES_H
#define LOOM_MONITOR_PLACES_H

#define PLACE_START     0x100000
#define PLACE_TABLES    0x100000 /* the root, its directory, four directories of pages of 2 MiB */
#define PLACE_TASK      0x106000
#define PLACE_GATES     0x109000
#define PLACE_STACK_TOP 0x10b000
#define PLACE_END       0x140000
#define PLACE_CODE      0x10c000
#define PLACE_IMAGE     0x140000

/* What the set-up asks of ring 0, in rdi. */
#define RING0_SET_CR4  0 /* sets bits of rsi */
#define RING0_SET_XCR0 1 /* to rsi */
#define RING0_SET_MSR  2 /* rsi: which; rdx */
#define RING0_ENTER    3 /* the image, by monitor_entry_state; does not return */

/* Vectors of interrupts. */
#define VECTOR_TIMER    0x20
#define VECTOR_BUTTON   0x21 /* somebody asks the machine to end */
#define VECTOR_DEVICE   0x30 /* and the 15 behind it */
#define VECTOR_SPURIOUS 0x4f
#define VECTORS         0x50

#define LAPIC       0xfee00000
#define LAPIC_EOI   0xfee000b0
#define LAPIC_COUNT 0xfee00380

#endif
