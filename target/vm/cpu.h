/* cpu.h - what the processor can do beyond what every x86-64 can, asked once: each question (CPUID)
 * is a trip out of the machine.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_VM_CPU_H
#define LOOM_VM_CPU_H

#include <stdbool.h>

#include "base/result.h"

struct cpu {
    bool has_rdrand;
    bool has_avx2; /* switched on, too */
};

extern struct cpu cpu;

COLD void cpu_open(void);

#endif
