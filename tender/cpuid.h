/* cpuid.h - what the machine is told that its processor can do.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_TENDER_CPUID_H
#define LOOM_TENDER_CPUID_H

#include <linux/kvm.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/assert.h"

#define CPUID_ENTRIES_MAX 16

/* struct kvm_cpuid2, with its entries. */
struct cpuid_list {
    uint32_t count, padding;
    struct kvm_cpuid_entry2 entries[CPUID_ENTRIES_MAX];
};
static_assert(offsetof(struct cpuid_list, entries) == sizeof(struct kvm_cpuid2), "as KVM has it");

struct cpuid_summary {
    bool has_fsgsbase, has_xsave, has_avx;
};

/* Of what the host's processor can do, that which ring 3 can use without help, and no register
 * beyond AVX's. KVM's own list is not asked for: it takes twenty times as long to make, and where
 * KVM is nested it leaves out most of what ring 3 does natively. */
struct cpuid_summary cpuid_fill(struct cpuid_list *list);

#endif
