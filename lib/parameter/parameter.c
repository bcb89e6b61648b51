/* parameter.c - reads the command line of an image, and says what is wrong with it.
 *
 * SPDX-License-Identifier: ISC */
#include "parameter/parameter.h"

#include "base/escape.h"
#include "base/units.h"
#include "parameter/parameter_name.h"
#include "parameter/parameter_value.h"
#include "target/memory.h"

/* Of a name and of a value that are shown in an error line. */
#define SHOWN_BYTES_MAX 80

struct reader {
    struct parameter_groups all;
    const struct view *arguments;
    size_t argument_count, next;
    uint8_t given[PARAMETERS_MAX / 8]; /* a bit a parameter, by its ordinal */
    struct writer message;
};

/* An argument, taken apart. */
struct argument {
    struct view name, value;
    bool has_value;
};

/* ---- the error line ---- */

static void put_shown(struct reader *reader, struct view text)
{
    bool is_cut = text.length_bytes > SHOWN_BYTES_MAX;
    writer_put_escaped(&reader->message, is_cut ? view_first(text, SHOWN_BYTES_MAX) : text);
    if (is_cut) writer_put(&reader->message, VIEW("..."));
}

static enum result refuse_word(struct reader *reader, struct view word)
{
    writer_put(&reader->message, VIEW("\""));
    put_shown(reader, word);
    writer_put(&reader->message, VIEW("\" is not a parameter: those look like --name=value; "
                                      "--help lists them"));
    return INVALID;
}

static enum result refuse_name(struct reader *reader, struct view name)
{
    struct parameter_place near;
    writer_put(&reader->message, VIEW("--"));
    put_shown(reader, name);
    writer_put(&reader->message, VIEW(" is not a parameter of this image; "));
    if (!place_find_near(&reader->all, name, &near)) {
        writer_put(&reader->message, VIEW("--help lists them"));
        return INVALID;
    }
    writer_put(&reader->message, VIEW("did you mean --"));
    place_put_name(&reader->message, &near);
    writer_put(&reader->message, VIEW("?"));
    return INVALID;
}

static enum result refuse_second(struct reader *reader, const struct parameter_place *place)
{
    writer_put(&reader->message, VIEW("--"));
    place_put_name(&reader->message, place);
    writer_put(&reader->message, VIEW(" is given twice"));
    return INVALID;
}

static enum result refuse_lack(struct reader *reader, const struct parameter_place *place)
{
    writer_put(&reader->message, VIEW("--"));
    place_put_name(&reader->message, place);
    writer_put(&reader->message, VIEW(" needs a value: "));
    value_put_expectation(&reader->message, place->parameter);
    return INVALID;
}

static struct view fault_in_words(enum value_fault fault)
{
    switch (fault) {
    case VALUE_OUT_OF_RANGE: return VIEW(" is out of range");
    case VALUE_WITHOUT_UNIT: return VIEW(" has no unit");
    default: return VIEW(" is not understood");
    }
}

static enum result refuse_value(struct reader *reader, const struct parameter_place *place,
                                struct view value, enum value_fault fault)
{
    writer_put(&reader->message, VIEW("--"));
    place_put_name(&reader->message, place);
    writer_put(&reader->message, VIEW("="));
    put_shown(reader, value);
    writer_put(&reader->message, fault_in_words(fault));
    writer_put(&reader->message, VIEW(": it takes "));
    value_put_expectation(&reader->message, place->parameter);
    return INVALID;
}

/* ---- reading ---- */

static void fit_pool(const struct parameter *parameter, struct span value)
{
    uint64_t count;
    (void)span_copy(SPAN_OF(count), span_view(value));
    count = value_of_pool(parameter, count, memory_machine_bytes());
    (void)span_copy(value, VIEW_OF(count));
}

static void set_defaults(const struct parameter_groups *all)
{
    struct parameter_place place = { 0 };
    while (place_next(all, &place)) {
        const struct parameter *parameter = place.parameter;
        struct view text = view_from_string(parameter->fallback);
        if (value_read(parameter, text, place_value(&place)) != VALUE_FITS)
            panic("--%s refuses its own default \"%s\"", parameter->name, parameter->fallback);
        if (parameter->is_pool) fit_pool(parameter, place_value(&place));
    }
    assert_that(place.ordinal, <, PARAMETERS_MAX);
}

static void check_names(const struct parameter_groups *all)
{
    struct parameter_place place = { 0 };
    while (place_next(all, &place)) {
        uint8_t room[SHOWN_BYTES_MAX];
        struct writer name = writer_over(SPAN_OF(room));
        struct parameter_place first;
        place_put_name(&name, &place);
        bool found = place_find(all, writer_view(&name), &first);
        assert(found);
        if (first.ordinal != place.ordinal)
            panic("%s and %s both have a parameter --%.*s", first.group->device,
                  place.group->device, VIEW_FORMAT(writer_view(&name)));
    }
}

static bool is_parameter(struct view argument)
{
    return argument.length_bytes > 2 && view_starts_with(argument, VIEW("--"));
}

static struct argument take_apart(struct view text)
{
    struct argument argument = { 0 };
    struct view behind = view_from_offset(text, 2);
    argument.name = view_cut(behind, '=', &argument.value);
    argument.has_value = argument.name.length_bytes < behind.length_bytes;
    return argument;
}

/* The value may be the next argument, unless that is a parameter: one that begins with two dashes
 * has to be written with "=". */
static bool find_value(struct reader *reader, const struct parameter *parameter,
                       struct argument *argument)
{
    if (argument->has_value) return true;
    if (parameter->type == PARAMETER_TYPE_FLAG) {
        argument->value = VIEW("on");
        return true;
    }
    if (reader->next == reader->argument_count) return false;
    struct view next = reader->arguments[reader->next];
    if (view_starts_with(next, VIEW("--"))) return false;
    argument->value = next;
    reader->next++;
    return true;
}

static enum result read_argument(struct reader *reader)
{
    struct view text = reader->arguments[reader->next++];
    if (!is_parameter(text)) return refuse_word(reader, text);
    struct argument argument = take_apart(text);

    struct parameter_place place;
    if (!place_find(&reader->all, argument.name, &place)) return refuse_name(reader, argument.name);

    uint8_t *given = &reader->given[place.ordinal / 8];
    uint8_t bit = (uint8_t)(1u << place.ordinal % 8);
    if ((*given & bit) != 0) return refuse_second(reader, &place);
    *given |= bit;

    if (!find_value(reader, place.parameter, &argument)) return refuse_lack(reader, &place);
    enum value_fault fault = value_read(place.parameter, argument.value, place_value(&place));
    return fault == VALUE_FITS ? OK : refuse_value(reader, &place, argument.value, fault);
}

static bool help_is_wanted(const struct view arguments[], size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (view_equal(arguments[i], VIEW("--help"))) return true;
    }
    return false;
}

enum result parameter_read(const struct parameter_group groups[], size_t group_count,
                           const struct view arguments[], size_t argument_count,
                           struct span message, size_t *message_bytes)
{
    struct reader reader = {
        .all = { .groups = groups, .count = group_count },
        .arguments = arguments,
        .argument_count = argument_count,
        .message = writer_over(message),
    };
    *message_bytes = 0;
    check_names(&reader.all);
    set_defaults(&reader.all);
    if (help_is_wanted(arguments, argument_count)) return NOT_FOUND;
    while (reader.next < argument_count) {
        if (read_argument(&reader) == OK) continue;
        *message_bytes = reader.message.length_bytes;
        return INVALID;
    }
    return OK;
}
