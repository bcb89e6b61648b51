/* entropy.c - randomness: the monitor's seed mixed with the processor's, stretched by a generator.
 *
 * Either of the two is enough: that the processor's is worthless, or that the monitor's is known to
 * somebody, gives nothing away as long as the other holds.
 *
 * SPDX-License-Identifier: ISC */
#include "target/entropy.h"

#include "target/vm/boot.h"
#include "target/vm/cpu.h"
#include "target/vm/generator.h"
#include "target/vm/services.h"

#define RDRAND_TRIES 10 /* Intel SDM 1, 7.3.17.1 */

static struct generator generator;

/* Zero where the processor gives none: mixing that in changes nothing. */
static uint64_t rdrand(void)
{
    for (unsigned i = 0; i < RDRAND_TRIES; i++) {
        uint64_t value;
        bool is_random;
        __asm__ volatile("rdrand %0" : "=r"(value), "=@ccc"(is_random));
        if (is_random) return value;
    }
    return 0;
}

void entropy_open(void)
{
    static_assert(CHACHA20_KEY_BYTES + sizeof(uint64_t) <= MACHINE_ENTROPY_BYTES,
                  "the key first, the canary last");
    uint64_t seed[CHACHA20_KEY_BYTES / sizeof(uint64_t)];
    __builtin_memcpy(seed, boot_page->entropy, sizeof seed);
    for (size_t i = 0; cpu.has_rdrand && i < sizeof seed / sizeof *seed; i++)
        seed[i] ^= rdrand();
    generator_open(&generator, (const uint8_t *)seed);
    span_fill(SPAN_OF(seed), 0);
    span_fill(SPAN_OF(boot_page->entropy), 0);
    __asm__ volatile("" : : "r"(seed) : "memory");
}

void entropy_fill(struct span room)
{
    generator_fill(&generator, room);
}
