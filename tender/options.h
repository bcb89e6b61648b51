/* options.h - the tender's command line.
 *
 *     loom-tender [--mem SIZE] [--net [NAME=]WHAT] [--publish [NAME=]HOST:GUEST,...]
 *                 [--capture [NAME=]FILE] [--block [NAME=]FILE[,direct]]
 *                 [--block-read-only [NAME=]FILE[,direct]] [--features all|none]
 *                 [--cpu N] [--times]
 *                 [--wait-for-debugger WHERE] [--core FILE]
 *                 IMAGE [-- BOOT PARAMETERS]
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_TENDER_OPTIONS_H
#define LOOM_TENDER_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/view.h"
#include "target/machine/machine.h"

#define MEMORY_DEFAULT_BYTES ((uint64_t)256 << 20)
#define MEMORY_LEAST_BYTES   ((uint64_t)2 << 20)
#define MEMORY_MOST_BYTES    ((uint64_t)1 << 40)

/* What a device of the image is attached to. */
struct attachment {
    const char *option; /* "--net" */
    struct view name;   /* empty: of the only device that needs no name */
    struct view what;
    bool is_read_only; /* of a block device */
    bool is_used;
};

struct attachments {
    struct attachment list[MACHINE_DEVICES_MAX];
    size_t count;
};

struct tender_options {
    uint64_t memory_bytes;
    struct attachments nets, blocks, ports, captures;
    int processor;        /* -1: any */
    bool offers_nothing;  /* its devices, beyond what virtio asks of them */
    bool times;           /* tell what each step took */
    const char *debugger; /* where it comes from (gdb_socket.h); NULL: there is none */
    const char *core;     /* where a machine that crashes leaves one; NULL: it does not */
    const char *image;
    uint8_t arguments[MACHINE_ARGUMENTS_MAX]; /* boot parameters, each ended by NUL */
    size_t arguments_bytes;
};

/* Ends the process where they cannot be understood, and after --help. */
void tender_options_read(struct tender_options *options, int count, char *words[]);

/* The attachment of the device of this name; an image's only device, or one without a name of its
 * own, is also meant where no name is given. NULL: there is none. */
struct attachment *attachment_find(struct attachments *attachments, struct view name,
                                   bool needs_no_name);

/* Ends the process when one is left of which the image has no device. */
void attachments_check(const struct attachments *attachments);

#endif
