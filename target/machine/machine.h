/* machine.h - what a machine's image and whoever runs it have in common: what the image is told
 * when it starts, and the one crossing between the two.
 *
 * Who runs it (the *monitor*) is our tender, outside of the machine, or a few hundred lines in ring
 * 0 of it. The image is always in ring 3, and its whole memory lies at one random distance from the
 * machine's:
 *
 *     virtual = physical + slide        (slide: a multiple of 2 MiB, never 0, so page zero is
 * empty)
 *
 * What stands here is little-endian, has no padding, and is the same for both. The image is not
 * trusted: the monitor reads each field once, checks it, and believes nothing. The other way the
 * image trusts the monitor, as it must, but no device.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_MACHINE_H
#define LOOM_MACHINE_H

#include <stdint.h>

#include "base/assert.h"

#define MACHINE_MAGIC 0x6d6f6f6c /* "loom" */
#define MACHINE_ABI   2

#define MACHINE_PAGE_BYTES 4096u

/* ---- devices ---- */

#define MACHINE_DEVICES_MAX     16
#define MACHINE_DEVICE_NAME_MAX 16 /* ends in NUL unless it fills this */
#define MACHINE_QUEUES_MAX      2
#define MACHINE_QUEUE_SIZE_MAX  1024 /* a power of two */
#define MACHINE_CHAIN_MAX       128  /* buffers of a chain, those of an indirect table included */
#define MACHINE_CONFIG_BYTES    64

enum machine_device_kind {
    MACHINE_NET = 1,     /* virtio 1.2, 5.1: queue 0 receives, queue 1 transmits */
    MACHINE_BLOCK = 2,   /* 5.2: queue 0 */
    MACHINE_CONSOLE = 3, /* 5.3: queue 0 receives, queue 1 transmits */
    MACHINE_ENTROPY = 4, /* 5.4: queue 0 */
};

/* How the image reaches a device's registers. */
enum machine_transport {
    MACHINE_SHARED = 1, /* the fields below, read at the next crossing: under our tender */
    MACHINE_MMIO = 2,   /* virtio 1.2, 4.2, at `registers` */
    MACHINE_PCI = 3,    /* virtio 1.2, 4.1: see struct machine_pci */
};

/* A split virtqueue (virtio 1.2, 2.7) by its physical addresses; see virtqueue.h. */
struct machine_queue {
    uint64_t descriptors, available, used;
    uint32_t size; /* 0: there is none */
    uint32_t reserved;
};

/* The image writes `accepted` and `queues`, then `status`. */
struct machine_device {
    uint8_t kind, transport;
    uint8_t queue_count;
    uint8_t reserved;
    uint32_t status; /* 0, or MACHINE_DEVICE_READY: the queues stand, and no field changes */
    uint8_t name[MACHINE_DEVICE_NAME_MAX]; /* of the manifest: "net" */
    uint64_t offered, accepted;            /* virtio's feature bits */
    uint64_t registers;                    /* virtual; 0 with MACHINE_SHARED */
    uint8_t config[MACHINE_CONFIG_BYTES];  /* with MACHINE_SHARED the device's configuration, as
                                            * virtio lays it out; with MACHINE_PCI its structures */
    struct machine_queue queues[MACHINE_QUEUES_MAX];
};
static_assert(sizeof(struct machine_device) == 176, "a device of the boot pages");

/* Where the structures of a MACHINE_PCI device lie, virtually (virtio 1.2, 4.1.4). The first, the
 * common configuration, is at `registers`; this is in `config`. All that it tells was checked
 * against the device's BARs and is mapped. */
struct machine_pci {
    uint64_t notify, device;
    uint32_t notify_bytes, notify_multiplier;
    uint32_t device_bytes; /* of its own configuration; 0: it has none */
    uint16_t vector; /* the MSI-X entry that ends a wait. NO_VECTOR: it has none, and is looked
                      * at by time */
    uint16_t reserved;
};
static_assert(sizeof(struct machine_pci) == 32, "in a device's `config`");

#define MACHINE_PCI_NO_VECTOR    0xffffu /* as virtio numbers it, 4.1.5.1.2 */
#define MACHINE_PCI_COMMON_BYTES 56u     /* of the common configuration, as far as it is used */

/* RESET: at the next crossing the device lets go of its queues, whatever is in them, and says so by
 * writing 0 there; what it was told before is forgotten, and READY may be said anew. */
#define MACHINE_DEVICE_READY 1u
#define MACHINE_DEVICE_RESET 2u

/* ---- the crossing ---- */

/* The image writes `command` and what belongs to it, and crosses: by an `out` of four bytes to
 * MACHINE_PORT where `crossing` is MACHINE_BY_PORT (the value does not matter), by `int3` with
 * MACHINE_BY_INT3. Every other port faults. */
#define MACHINE_PORT 0x4c4d

enum machine_crossing { MACHINE_BY_PORT = 1, MACHINE_BY_INT3 = 2 };

enum machine_command {
    /* Serves all queues; then, if no device has anything for the image, sleeps until one has or
     * until `deadline_ns` of the image's monotonic clock (0: not at all; UINT64_MAX: no deadline).
     * Returns. */
    MACHINE_WAIT = 1,
    /* Serves what the image has put into its queues, and ends the machine with `status`. Does not
     * return. */
    MACHINE_EXIT = 2,
    /* The same for an image that has crashed: its report is in the console's queue. */
    MACHINE_CRASH = 3,
    /* Writes `fault_address`. Returns. */
    MACHINE_FAULT = 4,
    /* Says that `main_tsc` is written, where the boot page wants to be told. Returns. */
    MACHINE_MAIN = 5,
};

struct machine_control {
    uint32_t command;
    int32_t status; /* 0 to 255 */
    uint64_t deadline_ns;
    uint32_t stop_requested;   /* the monitor's: the image should end (SIGTERM) */
    uint32_t census_requested; /* the monitor's: how often the image has been asked to write its
                                * fibers' census (SIGUSR1) */
    uint64_t fault_address;    /* the monitor's: CR2 at the last page fault, virtual */
};

/* ---- what the image is told ---- */

#define MACHINE_STACK_CLASSES 3
#define MACHINE_ENTROPY_BYTES 64
#define MACHINE_ARGUMENTS_MAX 4096 /* bytes of the command line, each word ended by NUL */

struct machine_range {
    uint64_t base, length_bytes; /* virtual */
};

/* `count` stacks of `stack_bytes`, each above an unmapped page, one behind the other; `base` is the
 * first unmapped page. */
struct machine_stacks {
    uint64_t base;
    uint32_t stack_bytes, count;
};

/* The boot pages: this, and behind it the arguments. Mapped for reading and writing. */
struct machine_boot {
    uint32_t magic, abi;
    uint32_t crossing; /* enum machine_crossing */
    uint32_t device_count;
    uint64_t slide;
    struct machine_range memory; /* free, zeroed, mapped in pages of 2 MiB as far as that goes */
    struct machine_range image;
    struct machine_range boot_stack; /* on which the image starts */
    struct machine_stacks stacks[MACHINE_STACK_CLASSES];
    /* monotonic_ns = (tsc - tsc_base) * tsc_scale / 2^32; the wall clock is wall_ns more. The
     * monitor may correct wall_ns at each crossing. */
    uint64_t tsc_base, tsc_scale, wall_ns;
    /* The image's to write, for who asks: of its first instruction; and, where `wants_main`, of the
     * one before its own part (image_start: its devices, then the application's entry). */
    uint64_t first_tsc, main_tsc;
    uint32_t wants_main; /* 1: the image crosses with MACHINE_MAIN then */
    uint32_t reserved;
    uint8_t entropy[MACHINE_ENTROPY_BYTES];     /* the image overwrites it once it has been used */
    uint32_t arguments_offset, arguments_bytes; /* from the first byte of this structure */
    struct machine_control control;
    struct machine_device devices[MACHINE_DEVICES_MAX];
};

/* ---- what the image tells, in its file ---- */

/* An ELF note of owner "Loom" and this type holds struct machine_header (type 1: the manifest). */
#define MACHINE_NOTE_HEADER 2

/* What a boot parameter of the name `parameter` (without its dashes) asks for, or `count`. */
struct machine_stack_wish {
    uint32_t stack_bytes, count;
    uint8_t parameter[24]; /* "fibers-small"; ends in NUL */
};

/* Places are relative to the field's own address in the linked image: the note needs no
 * relocation. */
struct machine_header {
    uint32_t abi;
    uint32_t reserved;
    int64_t entry;           /* the first instruction */
    int64_t faults;          /* the first of 32 stubs of 16 bytes, one an exception's vector */
    int64_t fault_stack_top; /* on which they run (IST 1): the end of a page in the image's data,
                              * below which lies another that is not to be mapped */
    struct machine_stack_wish stacks[MACHINE_STACK_CLASSES];
};
static_assert(sizeof(struct machine_header) == 32 + MACHINE_STACK_CLASSES * 32, "a note");

/* A segment of this flag (one that ELF leaves to systems) is no part of the image: it is the
 * monitor that starts the image by PVH, where that is loaded by its physical addresses. The ELF
 * header's entry point is the monitor's then: the image's own is in the note. */
#define MACHINE_SEGMENT_OF_MONITOR 0x00100000u

/* What the image keeps of an exception at the top of the fault stack before it reports it and ends
 * by MACHINE_CRASH: for who looks into what is left of it. The last five are the processor's. */
struct machine_fault_frame {
    uint64_t r15, r14, r13, r12, r11, r10, r9, r8, rbp, rdi, rsi, rdx, rcx, rbx, rax;
    uint64_t vector, error;
    uint64_t rip, cs, rflags, rsp, ss;
};
static_assert(sizeof(struct machine_fault_frame) == 22 * sizeof(uint64_t), "nothing between them");

/* How the image starts: at `entry`, in ring 3, rdi = the boot page (virtual), rsp at
 * the top of boot_stack, rflags clear, SSE and, where the processor has it, AVX switched on, fs and
 * gs base 0, wrfsbase permitted. Exceptions 0 to 31 go to the stubs of `faults` with what the
 * processor pushes (an error code where the vector has one) on the fault stack; CR2 of a page fault
 * is in no register that ring 3 can read: the image asks for it (MACHINE_FAULT). */

#endif
