/* inside.c - chooses the measure, and writes its results.
 *
 * SPDX-License-Identifier: ISC */
#include "inside.h"

#include "base/units.h"
#include "base/writer.h"
#include "target/console.h"

static const char *const measures[] = { "yield", "sleepers", "parser", NULL };

const struct parameter inside_parameters[] = {
    PARAMETER_CHOICE(struct inside_parameters, measure, "measure", "yield", measures,
                     "what to measure"),
    PARAMETER_NUMBER(struct inside_parameters, fiber_count, "fibers", "100", 1, 1000000,
                     "fibers that yield or sleep; --fibers-small must allow as many"),
    PARAMETER_NUMBER(struct inside_parameters, repeat_count, "repeat", "100000", 1, 1000000000,
                     "yields of each fiber, or heads to parse, in a round"),
    PARAMETER_NUMBER(struct inside_parameters, round_count, "rounds", "11", 1, 1000,
                     "how often to measure"),
    PARAMETER_DURATION(struct inside_parameters, sleep_ns, "sleep", "5s",
                       "how long after the start the sleepers are woken"),
    PARAMETER_END,
};

void inside_tell(const char *name, uint64_t value)
{
    uint8_t line[128];
    console_write(format(SPAN_OF(line), "%s %llu\n", name, (unsigned long long)value));
}

enum result inside_start(const struct inside_parameters *parameters)
{
    switch (parameters->measure) {
    case INSIDE_YIELD: return inside_yield(parameters);
    case INSIDE_SLEEPERS: return inside_sleepers(parameters);
    case INSIDE_PARSER: return inside_parser(parameters);
    }
    panic("%u is nothing to measure", (unsigned)parameters->measure);
}
