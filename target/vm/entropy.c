/* entropy.c - randomness: the monitor's seed mixed with the processor's and, where the machine has
 * one, with a device's, stretched by a generator.
 *
 * Each of them is enough: that one is worthless, or known to somebody, gives nothing away as long
 * as another holds.
 *
 * SPDX-License-Identifier: ISC */
#include "target/entropy.h"

#include "target/clock.h"
#include "target/virtio/entropy_virtio.h"
#include "target/virtio/machine_memory.h"
#include "target/vm/boot.h"
#include "target/vm/cpu.h"
#include "target/vm/generator.h"
#include "target/vm/services.h"

#define LOG_MODULE "entropy"
#include "log/log.h"

#define RDRAND_TRIES 10 /* Intel SDM 1, 7.3.17.1 */

/* For so long a machine does not start for the sake of its device, or until it has given so much.
 */
#define PATIENCE_NS  (100 * MS_NS)
#define ENOUGH_BYTES 64

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

/* ---- the device ---- */

static struct {
    struct entropy_virtio source;
    size_t given_bytes;
} device;

static void mix(struct entropy_virtio *source, struct view bytes)
{
    (void)source;
    device.given_bytes += bytes.length_bytes;
    generator_mix(&generator, bytes);
}

/* What it has given is polled before it is waited for; one that gives nothing, or too little, is
 * asked as long as there is patience. */
static void wait_for_bytes(void)
{
    struct machine_poller *poller = &device.source.poller;
    uint64_t deadline_ns = clock_monotonic_ns() + PATIENCE_NS;
    for (;;) {
        (void)poller->poll(poller);
        if (device.given_bytes >= ENOUGH_BYTES || device.source.device.is_broken) return;
        entropy_virtio_ask(&device.source);
        if (clock_monotonic_ns() >= deadline_ns) return;
        if (!poller->arm(poller)) machine_sleep(deadline_ns);
    }
}

void entropy_open_device(void)
{
    if (machine_device_find(MACHINE_ENTROPY, VIEW("")) == NULL) return;
    device.source.given = mix;
    if (entropy_virtio_open(&device.source) != OK) return; /* the log has said why */
    wait_for_bytes();
    if (device.given_bytes < ENOUGH_BYTES)
        log_warning("the machine's device has given %zu bytes in %llu ms: the image goes on with "
                    "the processor's and its monitor's",
                    device.given_bytes, (unsigned long long)(PATIENCE_NS / MS_NS));
}
