/* parameter_value.h - one value: from text, and what to say of it. Within lib/parameter.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_PARAMETER_VALUE_H
#define LOOM_PARAMETER_VALUE_H

#include "base/writer.h"
#include "parameter/parameter.h"

/* Whether a text is a value of a parameter, and why not. */
enum value_fault {
    VALUE_FITS,
    VALUE_MALFORMED,
    VALUE_WITHOUT_UNIT,
    VALUE_OUT_OF_RANGE,
};

/* Reads `text` as a value of the parameter into `value`, which has exactly size_bytes. Where it
 * does not fit, `value` holds nothing of use. */
COLD enum value_fault value_read(const struct parameter *parameter, struct view text,
                                 struct span value);

/* How many of a pool whose default is `count` a machine with so much memory has. */
COLD uint64_t value_of_pool(const struct parameter *parameter, uint64_t count,
                            uint64_t memory_bytes);

/* What the parameter takes: "a number from 1 to 65535". */
COLD void value_put_expectation(struct writer *writer, const struct parameter *parameter);

/* What --help writes behind the name: "=NUMBER"; nothing for a flag. */
COLD void value_put_kind(struct writer *writer, const struct parameter *parameter);

/* Whether there is a range worth telling, and the range: "1 to 65535", "at most 64KiB". */
COLD bool value_has_range(const struct parameter *parameter);
COLD void value_put_range(struct writer *writer, const struct parameter *parameter);

#endif
