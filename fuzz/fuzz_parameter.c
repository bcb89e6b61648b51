/* fuzz_parameter.c - any command line is either read, with every value in its range, or answered
 * with one line that can be shown.
 *
 * An argument a line; the first byte of the input is how much room the error line has.
 *
 * SPDX-License-Identifier: ISC */
#include "base/units.h"
#include "log/log_levels.h"
#include "parameter/parameter.h"

#define ARGUMENTS_MAX_HERE 32

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length_bytes);

struct values {
    bool flag;
    uint64_t number, size, duration_ns;
    struct view text;
    uint32_t choice;
    uint64_t parsed;
};

static const char *const choices[] = { "fast", "slow", NULL };

static enum result parse_hex(struct view text, struct span value)
{
    uint64_t number;
    if (!view_hex_to_u64(text, &number)) return INVALID;
    (void)span_copy(value, VIEW_OF(number));
    return OK;
}

static const struct parameter table[] = {
    PARAMETER_FLAG(struct values, flag, "flag", "off", "a flag"),
    PARAMETER_NUMBER(struct values, number, "port", "80", 1, 65535, "a number"),
    PARAMETER_BYTES(struct values, size, "buffer", "4KiB", 16, 1048576, "a size"),
    PARAMETER_DURATION(struct values, duration_ns, "idle-timeout", "60s", "a duration"),
    PARAMETER_TEXT(struct values, text, "name", "", "a text"),
    PARAMETER_CHOICE(struct values, choice, "mode", "slow", choices, "a choice"),
    PARAMETER_PARSED(struct values, parsed, uint64_t, "key", "0", "HEX", parse_hex, "a key"),
    PARAMETER_END,
};

static void check_values(const struct values *values)
{
    assert(values->number >= 1 && values->number <= 65535);
    assert(values->size >= 16 && values->size <= MIB);
    assert(values->choice < 2);
}

static void check_message(struct view message)
{
    for (size_t i = 0; i < message.length_bytes; i++)
        assert(message.bytes[i] >= ' ' && message.bytes[i] != 0x7f);
}

static size_t split(struct view text, struct view arguments[ARGUMENTS_MAX_HERE])
{
    size_t count = 0;
    while (!view_is_empty(text) && count < ARGUMENTS_MAX_HERE)
        arguments[count++] = view_cut(text, '\n', &text);
    return count;
}

static void read_command_line(struct view text, size_t room_bytes)
{
    static struct values first, second;
    static uint8_t room[PARAMETER_MESSAGE_MAX];
    struct view arguments[ARGUMENTS_MAX_HERE];
    size_t count = split(text, arguments), message_bytes;
    struct parameter_group groups[] = {
        { .device = "http0", .prefix = "", .table = table, .values = SPAN_OF(first) },
        { .device = "http1", .prefix = "admin", .table = table, .values = SPAN_OF(second) },
    };
    struct span message = span_first(SPAN_OF(room), MIN(room_bytes, sizeof room));
    enum result result = parameter_read(groups, LENGTH_OF(groups), arguments, count, message,
                                        &message_bytes);
    assert(result == OK || result == INVALID || result == NOT_FOUND);
    assert((result == INVALID) >= (message_bytes > 0));
    check_message(span_view(span_first(message, message_bytes)));
    if (result != OK) return;
    check_values(&first);
    check_values(&second);
}

static void read_log_levels(struct view text)
{
    struct log_levels levels;
    const char *message = NULL;
    enum result result = log_levels_parse(text, &levels, &message);
    assert((result == OK) == (message == NULL));
    if (result == OK) (void)log_levels_show(&levels, "http", LOG_DEBUG);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length_bytes)
{
    if (length_bytes == 0) return 0;
    struct view text = view_from_offset(view_from(bytes, length_bytes), 1);
    read_command_line(text, (size_t)bytes[0] * 4);
    read_log_levels(text);
    return 0;
}
