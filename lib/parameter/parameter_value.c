/* parameter_value.c - the types of boot parameters.
 *
 * SPDX-License-Identifier: ISC */
#include "parameter/parameter_value.h"

#include "base/escape.h"
#include "base/units.h"

struct unit {
    struct view name;
    uint64_t factor;
};

/* Largest first. */
static const struct unit byte_units[] = {
    { .name = { (const uint8_t *)"GiB", 3 }, .factor = (uint64_t)1 << 30 },
    { .name = { (const uint8_t *)"MiB", 3 }, .factor = (uint64_t)1 << 20 },
    { .name = { (const uint8_t *)"KiB", 3 }, .factor = (uint64_t)1 << 10 },
    { .name = { (const uint8_t *)"", 0 }, .factor = 1 },
};

static const struct unit duration_units[] = {
    { .name = { (const uint8_t *)"h", 1 }, .factor = 3600000000000u },
    { .name = { (const uint8_t *)"m", 1 }, .factor = 60000000000u },
    { .name = { (const uint8_t *)"s", 1 }, .factor = 1000000000u },
    { .name = { (const uint8_t *)"ms", 2 }, .factor = 1000000u },
    { .name = { (const uint8_t *)"us", 2 }, .factor = 1000u },
    { .name = { (const uint8_t *)"ns", 2 }, .factor = 1 },
};

static size_t count_digits(struct view text)
{
    size_t count = 0;
    while (count < text.length_bytes && text.bytes[count] >= '0' && text.bytes[count] <= '9')
        count++;
    return count;
}

static const struct unit *find_unit(const struct unit units[], size_t count, struct view name)
{
    for (size_t i = 0; i < count; i++) {
        if (view_equal(units[i].name, name)) return &units[i];
    }
    return NULL;
}

static enum value_fault read_amount(const struct parameter *parameter, struct view text,
                                    const struct unit units[], size_t unit_count, struct span value)
{
    size_t digits = count_digits(text);
    if (digits == 0) return VALUE_MALFORMED;
    struct view unit_name = view_from_offset(text, digits);
    const struct unit *unit = find_unit(units, unit_count, unit_name);
    if (unit == NULL) return view_is_empty(unit_name) ? VALUE_WITHOUT_UNIT : VALUE_MALFORMED;

    uint64_t amount;
    if (!view_to_u64(view_first(text, digits), &amount)) return VALUE_OUT_OF_RANGE;
    if (__builtin_mul_overflow(amount, unit->factor, &amount)) return VALUE_OUT_OF_RANGE;
    if (amount < parameter->minimum || amount > parameter->maximum) return VALUE_OUT_OF_RANGE;
    (void)span_copy(value, VIEW_OF(amount));
    return VALUE_FITS;
}

static enum value_fault read_flag(struct view text, struct span value)
{
    bool is_on = view_equal(text, VIEW("on"));
    if (!is_on && !view_equal(text, VIEW("off"))) return VALUE_MALFORMED;
    (void)span_copy(value, VIEW_OF(is_on));
    return VALUE_FITS;
}

static enum value_fault read_choice(const struct parameter *parameter, struct view text,
                                    struct span value)
{
    for (uint32_t i = 0; parameter->choices[i] != NULL; i++) {
        if (!view_equal(view_from_string(parameter->choices[i]), text)) continue;
        (void)span_copy(value, VIEW_OF(i));
        return VALUE_FITS;
    }
    return VALUE_MALFORMED;
}

enum value_fault value_read(const struct parameter *parameter, struct view text, struct span value)
{
    assert_that(value.length_bytes, ==, parameter->size_bytes);
    switch (parameter->type) {
    case PARAMETER_TYPE_FLAG: return read_flag(text, value);
    case PARAMETER_TYPE_NUMBER:
        return read_amount(parameter, text, &byte_units[LENGTH_OF(byte_units) - 1], 1, value);
    case PARAMETER_TYPE_BYTES:
        return read_amount(parameter, text, byte_units, LENGTH_OF(byte_units), value);
    case PARAMETER_TYPE_DURATION:
        return read_amount(parameter, text, duration_units, LENGTH_OF(duration_units), value);
    case PARAMETER_TYPE_TEXT: (void)span_copy(value, VIEW_OF(text)); return VALUE_FITS;
    case PARAMETER_TYPE_CHOICE: return read_choice(parameter, text, value);
    case PARAMETER_TYPE_PARSED:
        return parameter->parse(text, value) == OK ? VALUE_FITS : VALUE_MALFORMED;
    case PARAMETER_TYPE_TABLE:
    case PARAMETER_TYPE_END: break;
    }
    panic("%u is not a type of parameter", (unsigned)parameter->type);
}

/* In proportion to the memory. Ratios are taken of KiB, so that no product overflows. */
uint64_t value_of_pool(const struct parameter *parameter, uint64_t count, uint64_t memory_bytes)
{
    if (memory_bytes >= PARAMETER_POOL_MEMORY_BYTES) return count;
    count = count * (memory_bytes / KIB) / (PARAMETER_POOL_MEMORY_BYTES / KIB);
    return MAX(count, parameter->minimum);
}

/* ---- in words ---- */

/* In the largest unit that divides it, as it would be written on a command line. */
static void put_amount(struct writer *writer, const struct parameter *parameter, uint64_t amount)
{
    const struct unit *units = byte_units;
    size_t count = LENGTH_OF(byte_units), at = 0;
    if (parameter->type == PARAMETER_TYPE_NUMBER) at = count - 1;
    if (parameter->type == PARAMETER_TYPE_DURATION) {
        units = duration_units;
        count = LENGTH_OF(duration_units);
    }
    while (at + 1 < count && (amount == 0 || amount % units[at].factor != 0))
        at++;
    writer_put_decimal(writer, amount / units[at].factor);
    writer_put(writer, units[at].name);
}

bool value_has_range(const struct parameter *parameter)
{
    switch (parameter->type) {
    case PARAMETER_TYPE_NUMBER:
    case PARAMETER_TYPE_BYTES:
    case PARAMETER_TYPE_DURATION: return parameter->minimum > 0 || parameter->maximum < UINT64_MAX;
    default: return false;
    }
}

void value_put_range(struct writer *writer, const struct parameter *parameter)
{
    if (parameter->maximum == UINT64_MAX) {
        writer_put(writer, VIEW("at least "));
        put_amount(writer, parameter, parameter->minimum);
        return;
    }
    put_amount(writer, parameter, parameter->minimum);
    writer_put(writer, VIEW(" to "));
    put_amount(writer, parameter, parameter->maximum);
}

static void put_choices(struct writer *writer, const char *const choices[])
{
    for (size_t i = 0; choices[i] != NULL; i++) {
        bool is_last = choices[i + 1] == NULL;
        if (i > 0) writer_put(writer, is_last ? VIEW(" or ") : VIEW(", "));
        writer_put(writer, view_from_string(choices[i]));
    }
}

static struct view amount_in_words(const struct parameter *parameter)
{
    switch (parameter->type) {
    case PARAMETER_TYPE_NUMBER: return VIEW("a number");
    case PARAMETER_TYPE_BYTES: return VIEW("a size such as 4096, 64KiB, 16MiB or 1GiB");
    default: return VIEW("a duration such as 500ms, 60s, 5m or 1h");
    }
}

static void put_amount_expectation(struct writer *writer, const struct parameter *parameter)
{
    writer_put(writer, amount_in_words(parameter));
    if (!value_has_range(parameter)) return;
    bool follows_example = parameter->type != PARAMETER_TYPE_NUMBER;
    bool is_between = parameter->maximum < UINT64_MAX;
    writer_put(writer, follows_example ? VIEW(", ") : VIEW(" "));
    writer_put(writer, is_between ? VIEW("from ") : VIEW("of "));
    value_put_range(writer, parameter);
}

void value_put_expectation(struct writer *writer, const struct parameter *parameter)
{
    switch (parameter->type) {
    case PARAMETER_TYPE_FLAG: writer_put(writer, VIEW("on or off")); return;
    case PARAMETER_TYPE_TEXT: writer_put(writer, VIEW("any text")); return;
    case PARAMETER_TYPE_CHOICE: put_choices(writer, parameter->choices); return;
    case PARAMETER_TYPE_PARSED: writer_put(writer, view_from_string(parameter->kind)); return;
    default: put_amount_expectation(writer, parameter); return;
    }
}

void value_put_kind(struct writer *writer, const struct parameter *parameter)
{
    switch (parameter->type) {
    case PARAMETER_TYPE_NUMBER: writer_put(writer, VIEW("=NUMBER")); return;
    case PARAMETER_TYPE_BYTES: writer_put(writer, VIEW("=BYTES")); return;
    case PARAMETER_TYPE_DURATION: writer_put(writer, VIEW("=DURATION")); return;
    case PARAMETER_TYPE_TEXT: writer_put(writer, VIEW("=TEXT")); return;
    case PARAMETER_TYPE_PARSED: writer_format(writer, "=%s", parameter->kind); return;
    case PARAMETER_TYPE_CHOICE:
        for (size_t i = 0; parameter->choices[i] != NULL; i++)
            writer_format(writer, "%s%s", i == 0 ? "=" : "|", parameter->choices[i]);
        return;
    default: return;
    }
}
