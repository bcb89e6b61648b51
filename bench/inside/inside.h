/* inside.h - what can only be measured from inside an image, because it takes nanoseconds or has no
 * outside: fibers and the parser.
 *
 * Each measure writes lines of a name and a whole number, which the driver reads:
 *
 *     yields 10000000
 *     elapsed_ns 81234567
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_BENCH_INSIDE_H
#define LOOM_BENCH_INSIDE_H

#include <stdint.h>

#include "base/result.h"
#include "parameter/parameter.h"

enum inside_measure { INSIDE_YIELD, INSIDE_SLEEPERS, INSIDE_PARSER };

struct inside_parameters {
    uint32_t measure;
    uint64_t fiber_count;
    uint64_t repeat_count;
    uint64_t round_count;
    uint64_t sleep_ns;
};
extern const struct parameter inside_parameters[];

enum result inside_start(const struct inside_parameters *parameters);

/* The three measures. Waits. */
enum result inside_yield(const struct inside_parameters *parameters);
enum result inside_sleepers(const struct inside_parameters *parameters);
enum result inside_parser(const struct inside_parameters *parameters);

/* Writes one line of results. */
void inside_tell(const char *name, uint64_t value);

#endif
