/* vcpu.h - a processor of KVM and the memory that it sees: brought up straight into ring 3.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_TENDER_VCPU_H
#define LOOM_TENDER_VCPU_H

#include <linux/kvm.h>
#include <stdbool.h>

#include "base/view.h"
#include "target/machine/layout.h"
#include "tender/cpuid.h"

struct vcpu {
    int kvm, machine, processor; /* descriptors; the first two are closed before it runs */
    struct kvm_run *run;
    size_t run_bytes;
    struct cpuid_list cpuid;
    bool has_avx;
};

/* Each of these ends the process where it fails, and says what helps. */

/* A machine with one processor and no memory yet. */
void vcpu_open(struct vcpu *vcpu);

/* Gives the machine its memory, from physical address 0 on. */
void vcpu_set_memory(struct vcpu *vcpu, struct span memory);

/* What it can do, its registers and its tables: from here on it can run. While it runs, signals
 * that are blocked interrupt it. */
void vcpu_start(struct vcpu *vcpu, const struct machine_layout *layout);

/* The rate of its time stamp counter. */
uint64_t vcpu_tsc_khz(const struct vcpu *vcpu);

enum vcpu_exit {
    VCPU_CROSSED,     /* it has written to MACHINE_PORT */
    VCPU_INTERRUPTED, /* a signal waits */
    VCPU_BROKEN,      /* it cannot go on: vcpu_describe */
};
enum vcpu_exit vcpu_run(struct vcpu *vcpu);

/* CR2: where the last page fault was. */
uint64_t vcpu_fault_address(const struct vcpu *vcpu);

/* Why it cannot go on, in words, with the place in the image. */
struct view vcpu_describe(const struct vcpu *vcpu, const struct machine_range *image,
                          struct span room);

#endif
