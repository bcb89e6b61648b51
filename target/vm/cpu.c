/* cpu.c - asks the processor, and answers __builtin_cpu_supports.
 *
 * gcc and clang compile that builtin into a look at __cpu_model, which their own library fills with
 * some twenty questions and 6 KiB of code. What the house asks for is AVX2, in the checksum; every
 * other feature is answered with no, which is always true enough: the plain code runs then.
 *
 * Sources: Intel SDM 2A, CPUID: leaf 1 and leaf 7; SDM 1, 14.3: AVX is usable where the operating
 * system has switched it on (XGETBV). libgcc, config/i386/cpuinfo.h: FEATURE_AVX2 is bit 10.
 *
 * SPDX-License-Identifier: ISC */
#include "target/vm/cpu.h"

#include <stdint.h>

#define LEAF_1_ECX_OSXSAVE ((uint32_t)1 << 27)
#define LEAF_1_ECX_RDRAND  ((uint32_t)1 << 30)
#define LEAF_7_EBX_AVX2    ((uint32_t)1 << 5)
#define XCR0_SSE_AVX       6u

#define FEATURE_AVX2 ((uint32_t)1 << 10)

/* As the compilers know it. */
struct cpu_model {
    uint32_t vendor, type, subtype;
    uint32_t features[1];
};

extern struct cpu_model __cpu_model;

struct cpu_model __cpu_model;
struct cpu cpu;

struct cpuid {
    uint32_t a, b, c, d;
};

static struct cpuid ask(uint32_t leaf)
{
    struct cpuid answer = { .a = leaf };
    __asm__ volatile("cpuid" : "+a"(answer.a), "=b"(answer.b), "+c"(answer.c), "=d"(answer.d));
    return answer;
}

static bool avx_is_on(uint32_t leaf_1_ecx)
{
    uint32_t low, high;
    if ((leaf_1_ecx & LEAF_1_ECX_OSXSAVE) == 0) return false;
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return (low & XCR0_SSE_AVX) == XCR0_SSE_AVX;
}

void cpu_open(void)
{
    uint32_t leaf_1_ecx = ask(1).c;
    cpu.has_rdrand = (leaf_1_ecx & LEAF_1_ECX_RDRAND) != 0;
    cpu.has_avx2 = avx_is_on(leaf_1_ecx) && (ask(7).b & LEAF_7_EBX_AVX2) != 0;
    if (cpu.has_avx2) __cpu_model.features[0] |= FEATURE_AVX2;
}
