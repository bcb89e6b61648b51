/* parameter_help.c - the text of --help: a device, and below it what it takes.
 *
 *     http0
 *       --port=NUMBER         TCP port to listen on (1 to 65535; default 8080)
 *       --pages=image|host
 *                             where the pages come from (default image)
 *
 * The words stand in one column for all devices, as far to the left as most names allow.
 *
 * SPDX-License-Identifier: ISC */
#include "base/units.h"
#include "parameter/parameter_name.h"
#include "parameter/parameter_value.h"

#define COLUMNS         80
#define INDENT          2
#define GAP             2
#define NAME_WIDTH_MAX  30 /* a longer one has a line of its own */
#define LINE_BYTES_MAX  256
#define WORDS_BYTES_MAX 512

/* The lines being made: words are put one by one, and a full line is given away. */
struct paragraph {
    struct parameter_sink *sink;
    size_t column; /* where its words begin */
    uint8_t room[LINE_BYTES_MAX];
    struct writer line;
    bool has_words;
};

static void begin_line(struct paragraph *paragraph)
{
    /* Room for the newline is kept. */
    paragraph->line = writer_over(span_first(SPAN_OF(paragraph->room), LINE_BYTES_MAX - 1));
    paragraph->has_words = false;
}

static void end_line(struct paragraph *paragraph)
{
    size_t length = paragraph->line.length_bytes;
    struct span room = SPAN_OF(paragraph->room);
    span_fill(span_first(span_from_offset(room, length), 1), '\n');
    paragraph->sink->put(paragraph->sink, span_view(span_first(room, length + 1)));
    begin_line(paragraph);
}

static void put_spaces(struct writer *writer, size_t count)
{
    span_fill(writer_take(writer, count), ' ');
}

static void put_word(struct paragraph *paragraph, struct view word)
{
    struct writer *line = &paragraph->line;
    if (paragraph->has_words) {
        if (line->length_bytes + 1 + word.length_bytes > COLUMNS) end_line(paragraph);
    }
    if (paragraph->has_words)
        put_spaces(line, 1);
    else if (line->length_bytes < paragraph->column)
        put_spaces(line, paragraph->column - line->length_bytes);
    writer_put(line, word);
    paragraph->has_words = true;
}

static void put_words(struct paragraph *paragraph, struct view words)
{
    while (!view_is_empty(words)) {
        struct view word = view_cut(words, ' ', &words);
        if (!view_is_empty(word)) put_word(paragraph, word);
    }
}

static void put_usage(struct writer *writer, const struct parameter_place *place)
{
    writer_put(writer, VIEW("--"));
    place_put_name(writer, place);
    value_put_kind(writer, place->parameter);
}

static size_t usage_width(const struct parameter_place *place)
{
    uint8_t room[LINE_BYTES_MAX];
    struct writer writer = writer_over(SPAN_OF(room));
    put_usage(&writer, place);
    return writer.length_bytes;
}

/* Where the words of every parameter begin. */
static size_t words_column(const struct parameter_groups *all)
{
    size_t widest = sizeof "--help" - 1;
    struct parameter_place place = { 0 };
    while (place_next(all, &place)) {
        size_t width = usage_width(&place);
        if (width <= NAME_WIDTH_MAX) widest = MAX(widest, width);
    }
    return INDENT + widest + GAP;
}

/* That a flag which is not given is off goes without saying. */
static bool default_is_worth_telling(const struct parameter *parameter)
{
    struct view text = view_from_string(parameter->fallback);
    if (parameter->type == PARAMETER_TYPE_FLAG) return !view_equal(text, VIEW("off"));
    return !view_is_empty(text);
}

/* In brackets behind the words: "(1 to 65535; default 8080)". */
static void put_default(struct writer *writer, const struct parameter *parameter)
{
    bool has_range = value_has_range(parameter);
    bool has_default = default_is_worth_telling(parameter);
    if (!has_range && !has_default) return;
    writer_put(writer, VIEW(" ("));
    if (has_range) value_put_range(writer, parameter);
    if (has_range && has_default) writer_put(writer, VIEW("; "));
    if (has_default) writer_format(writer, "default %s", parameter->fallback);
    static_assert(PARAMETER_POOL_MEMORY_BYTES == 256 * MIB, "as the words say");
    if (parameter->is_pool) writer_put(writer, VIEW(", fewer in a machine under 256MiB"));
    writer_put(writer, VIEW(")"));
}

static void put_parameter(struct paragraph *paragraph, const struct parameter_place *place)
{
    uint8_t room[WORDS_BYTES_MAX];
    struct writer words = writer_over(SPAN_OF(room));
    writer_put(&words, view_from_string(place->parameter->help));
    put_default(&words, place->parameter);

    put_spaces(&paragraph->line, INDENT);
    put_usage(&paragraph->line, place);
    if (paragraph->line.length_bytes + GAP > paragraph->column) end_line(paragraph);
    put_words(paragraph, writer_view(&words));
    end_line(paragraph);
}

static void put_heading(struct paragraph *paragraph, const char *device)
{
    end_line(paragraph);
    writer_put(&paragraph->line, view_from_string(device));
    end_line(paragraph);
}

void parameter_help(const char *image, const struct parameter_group groups[], size_t group_count,
                    struct parameter_sink *sink)
{
    struct parameter_groups all = { .groups = groups, .count = group_count };
    struct paragraph paragraph = { .sink = sink, .column = words_column(&all) };
    begin_line(&paragraph);
    writer_format(&paragraph.line, "Usage: %s [--NAME=VALUE | --NAME VALUE | --FLAG]...", image);
    end_line(&paragraph);

    struct parameter_place place = { 0 };
    const struct parameter_group *group = NULL;
    while (place_next(&all, &place)) {
        if (place.group != group) put_heading(&paragraph, place.group->device);
        group = place.group;
        put_parameter(&paragraph, &place);
    }
    put_heading(&paragraph, "always");
    writer_put(&paragraph.line, VIEW("  --help"));
    put_words(&paragraph, VIEW("show this text and end"));
    end_line(&paragraph);
}
