/* cpuid.c - the leaves of CPUID (AMD64 architecture, volume 3, appendix E) that a machine is shown:
 * those in which ring 3 finds its instructions, and what KVM itself has to know.
 *
 * SPDX-License-Identifier: ISC */
#include "tender/cpuid.h"

#include <cpuid.h>

#define BIT(number) ((uint32_t)1 << (number))

#define XSAVE   BIT(26)
#define OSXSAVE BIT(27)
#define AVX     BIT(28)

/* Leaf 1: sse3, pclmulqdq, ssse3, cmpxchg16b, sse4.1, sse4.2, movbe, popcnt, aes, xsave, rdrand. */
#define BASIC_ECX \
    (BIT(0) | BIT(1) | BIT(9) | BIT(13) | BIT(19) | BIT(20) | BIT(22) | BIT(23) | BIT(25) | \
     XSAVE | BIT(30))
/* fma, avx, f16c: where the registers are saved. */
#define BASIC_AVX_ECX (BIT(12) | AVX | BIT(29))
#define HYPERVISOR    BIT(31)
/* x87, tsc, msr, pae, cmpxchg8b, cmov, clflush, mmx, fxsr, sse, sse2. */
#define BASIC_EDX \
    (BIT(0) | BIT(4) | BIT(5) | BIT(6) | BIT(8) | BIT(15) | BIT(19) | BIT(23) | BIT(24) | \
     BIT(25) | BIT(26))

#define FSGSBASE BIT(0)
/* Leaf 7: fsgsbase, bmi1, bmi2, fast strings, rdseed, adx, clflushopt, clwb, sha. */
#define EXTENDED_EBX \
    (FSGSBASE | BIT(3) | BIT(8) | BIT(9) | BIT(18) | BIT(19) | BIT(23) | BIT(24) | BIT(29))
#define EXTENDED_AVX_EBX BIT(5)             /* avx2 */
#define EXTENDED_ECX     BIT(8)             /* gfni */
#define EXTENDED_AVX_ECX (BIT(9) | BIT(10)) /* vaes, vpclmulqdq */
#define EXTENDED_EDX     BIT(4)             /* fast short strings */

/* Leaf 0x80000001: lahf, lzcnt, prefetchw; no-execute, long mode. */
#define MORE_ECX (BIT(0) | BIT(5) | BIT(8))
#define MORE_EDX (BIT(20) | BIT(29))

#define STATE_SSE 3u
#define STATE_AVX 7u

static struct kvm_cpuid_entry2 host(uint32_t function, uint32_t index)
{
    struct kvm_cpuid_entry2 entry = { .function = function, .index = index };
    __cpuid_count(function, index, entry.eax, entry.ebx, entry.ecx, entry.edx);
    return entry;
}

static void add(struct cpuid_list *list, struct kvm_cpuid_entry2 entry)
{
    assert_that(list->count, <, CPUID_ENTRIES_MAX);
    list->entries[list->count++] = entry;
}

static void add_with_index(struct cpuid_list *list, struct kvm_cpuid_entry2 entry)
{
    entry.flags = KVM_CPUID_FLAG_SIGNIFCANT_INDEX;
    add(list, entry);
}

/* Which registers the host's own kernel saves. */
static uint32_t host_states(void)
{
    uint32_t low, high;
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return low;
}

static void add_basic(struct cpuid_list *list, struct kvm_cpuid_entry2 entry, bool has_avx)
{
    entry.ebx = (entry.ebx & 0xff00) | BIT(16); /* of one processor; what clflush works on */
    entry.ecx = (entry.ecx & (BASIC_ECX | (has_avx ? BASIC_AVX_ECX : 0))) | HYPERVISOR;
    entry.edx &= BASIC_EDX;
    add(list, entry);
}

static void add_extended(struct cpuid_list *list, struct kvm_cpuid_entry2 entry, bool has_avx)
{
    entry.eax = 0; /* no subleaf more */
    entry.ebx &= EXTENDED_EBX | (has_avx ? EXTENDED_AVX_EBX : 0);
    entry.ecx &= EXTENDED_ECX | (has_avx ? EXTENDED_AVX_ECX : 0);
    entry.edx &= EXTENDED_EDX;
    add_with_index(list, entry);
}

/* Sizes are of the legacy area, the header, and the upper halves of AVX's registers. */
static void add_states(struct cpuid_list *list, bool has_avx)
{
    const uint32_t bytes = has_avx ? 512 + 64 + 256 : 512 + 64;
    add_with_index(list, (struct kvm_cpuid_entry2){ .function = 0xd,
                                                    .eax = has_avx ? STATE_AVX : STATE_SSE,
                                                    .ebx = bytes,
                                                    .ecx = bytes });
    if (has_avx)
        add_with_index(list, (struct kvm_cpuid_entry2){
                                 .function = 0xd, .index = 2, .eax = 256, .ebx = 512 + 64 });
}

static void add_more(struct cpuid_list *list)
{
    struct kvm_cpuid_entry2 more = host(0x80000001, 0);
    struct kvm_cpuid_entry2 sizes = host(0x80000008, 0);
    more.ebx = 0;
    more.ecx &= MORE_ECX;
    more.edx &= MORE_EDX;
    sizes.ebx = sizes.ecx = sizes.edx = 0; /* bits of addresses, by which KVM checks tables */
    add(list, (struct kvm_cpuid_entry2){ .function = 0x80000000, .eax = 0x80000008 });
    add(list, more);
    add(list, sizes);
}

struct cpuid_summary cpuid_fill(struct cpuid_list *list)
{
    struct kvm_cpuid_entry2 first = host(0, 0), basic = host(1, 0), extended = host(7, 0);
    struct cpuid_summary summary = {
        .has_fsgsbase = first.eax >= 7 && (extended.ebx & FSGSBASE) != 0,
        .has_xsave = first.eax >= 0xd && (basic.ecx & XSAVE) != 0 && (basic.ecx & OSXSAVE) != 0,
    };
    summary.has_avx = summary.has_xsave && (basic.ecx & AVX) != 0 &&
                      (host_states() & STATE_AVX) == STATE_AVX;
    *list = (struct cpuid_list){ .count = 0 };
    first.eax = 0xd;
    add(list, first);
    add_basic(list, basic, summary.has_avx);
    add_extended(list, extended, summary.has_avx);
    add_states(list, summary.has_avx);
    add_more(list);
    return summary;
}
