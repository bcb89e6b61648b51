/* parameter_test.c - each type at its limits, each error line word by word, and --help.
 *
 * SPDX-License-Identifier: ISC */
#include "parameter/parameter.h"

#include "base/units.h"
#include "base/writer.h"
#include "parameter/parameter_value.h"
#include "test/death.h"
#include "test/test.h"

struct pair {
    uint32_t first, second;
};

struct values {
    bool verbose, cached;
    uint64_t port, count, any;
    uint64_t buffer, idle_ns, pause_ns;
    struct view name, directory;
    uint32_t mode;
    struct pair pair;
};

static const char *const modes[] = { "fast", "slow", "none", NULL };

/* "3:4" */
static enum result pair_parse(struct view text, struct span value)
{
    struct view rest;
    uint64_t first, second;
    struct view before = view_cut(text, ':', &rest);
    if (!view_to_u64(before, &first) || !view_to_u64(rest, &second)) return INVALID;
    struct pair pair = { .first = (uint32_t)first, .second = (uint32_t)second };
    (void)span_copy(value, VIEW_OF(pair));
    return OK;
}

static const struct parameter table[] = {
    PARAMETER_FLAG(struct values, verbose, "verbose", "off", "say more"),
    PARAMETER_FLAG(struct values, cached, "cached", "on", "keep what was read"),
    PARAMETER_NUMBER(struct values, port, "port", "8080", 1, 65535, "TCP port to listen on"),
    PARAMETER_NUMBER(struct values, count, "count", "3", 2, UINT64_MAX, "how many there are"),
    PARAMETER_NUMBER(struct values, any, "any", "0", 0, UINT64_MAX, "any number at all"),
    PARAMETER_BYTES(struct values, buffer, "buffer", "64KiB", 1, 1048576, "bytes to keep"),
    PARAMETER_DURATION(struct values, idle_ns, "idle-timeout", "60s",
                       "how long a connection may wait between two requests before it is closed"),
    { .name = "pause",
      .type = PARAMETER_TYPE_DURATION,
      .fallback = "10ms",
      .help = "how long to rest",
      .minimum = 1000000,
      .maximum = 5400000000000,
      .offset = offsetof(struct values, pause_ns),
      .size_bytes = sizeof(uint64_t) },
    PARAMETER_TEXT(struct values, name, "name", "", "what to call it"),
    PARAMETER_TEXT(struct values, directory, "a-directory-with-a-long-name", "htdocs",
                   "where the pages are"),
    PARAMETER_CHOICE(struct values, mode, "mode", "slow", modes, "how to go"),
    PARAMETER_PARSED(struct values, pair, struct pair, "pair", "1:2", "FIRST:SECOND", pair_parse,
                     "two numbers"),
    PARAMETER_END,
};

#define ARGUMENTS_IN_TEST_MAX 8

/* One instance, its arguments and what came of them. */
struct reading {
    struct values values;
    enum result result;
    struct view message;
    uint8_t room[PARAMETER_MESSAGE_MAX];
};

static struct reading reading;

/* The arguments are separated by single spaces; each is guarded. */
static const struct values *read_words(struct view words)
{
    struct view arguments[ARGUMENTS_IN_TEST_MAX];
    size_t count = 0, length;
    while (!view_is_empty(words)) {
        expect_that(count, <, ARGUMENTS_IN_TEST_MAX);
        arguments[count++] = test_guarded(view_cut(words, ' ', &words));
    }
    struct parameter_group group = {
        .device = "http0", .prefix = "", .table = table, .values = SPAN_OF(reading.values)
    };
    span_fill(SPAN_OF(reading.values), 0xee);
    reading.result = parameter_read(&group, 1, arguments, count, SPAN_OF(reading.room), &length);
    reading.message = view_from(reading.room, length);
    return &reading.values;
}

static const struct values *values_of(struct view words)
{
    const struct values *values = read_words(words);
    if (reading.result != OK)
        test_fail(__FILE__, __LINE__, "\"%.*s\" was refused: %.*s", VIEW_FORMAT(words),
                  VIEW_FORMAT(reading.message));
    expect_that(reading.message.length_bytes, ==, 0);
    return values;
}

static void expect_refused(struct view words, struct view message)
{
    (void)read_words(words);
    expect_result(reading.result, INVALID);
    expect_view(reading.message, message);
}

TEST(parameter_defaults_go_through_the_same_parser)
{
    const struct values *values = values_of(VIEW(""));
    expect(!values->verbose && values->cached);
    expect_that(values->port, ==, 8080);
    expect_that(values->count, ==, 3);
    expect_that(values->any, ==, 0);
    expect_that(values->buffer, ==, 64 * KIB);
    expect_that(values->idle_ns, ==, 60 * S_NS);
    expect_that(values->pause_ns, ==, 10 * MS_NS);
    expect_view(values->name, VIEW(""));
    expect_view(values->directory, VIEW("htdocs"));
    expect_that(values->mode, ==, 1);
    expect_that(values->pair.second, ==, 2);
    expect(parameter_defaults_are_valid(table));
}

TEST(parameter_reads_both_forms)
{
    expect_that(values_of(VIEW("--port=1"))->port, ==, 1);
    expect_that(values_of(VIEW("--port 65535"))->port, ==, 65535);
    expect_view(values_of(VIEW("--name=a=b"))->name, VIEW("a=b"));
    expect_view(values_of(VIEW("--name="))->name, VIEW(""));
    expect_view(values_of(VIEW("--name=--port"))->name, VIEW("--port"));
    expect_view(values_of(VIEW("--name -"))->name, VIEW("-"));
    expect_view(values_of(VIEW("--name -1 --port 5"))->name, VIEW("-1"));
    expect_that(reading.values.port, ==, 5);
}

TEST(parameter_reads_flags)
{
    expect(values_of(VIEW("--verbose"))->verbose);
    expect(values_of(VIEW("--verbose=on"))->verbose);
    expect(!values_of(VIEW("--verbose=off"))->verbose);
    expect(!values_of(VIEW("--cached=off --port=1"))->cached);
    expect_refused(VIEW("--verbose=yes"),
                   VIEW("--verbose=yes is not understood: it takes on or off"));
    expect_refused(VIEW("--verbose="), VIEW("--verbose= is not understood: it takes on or off"));
    expect_refused(VIEW("--verbose off"),
                   VIEW("\"off\" is not a parameter: those look like --name=value; "
                        "--help lists them"));
}

TEST(parameter_reads_numbers)
{
    expect_that(values_of(VIEW("--any=18446744073709551615"))->any, ==, UINT64_MAX);
    expect_that(values_of(VIEW("--any=007"))->any, ==, 7);
    expect_refused(VIEW("--port=99999"),
                   VIEW("--port=99999 is out of range: it takes a number from 1 to 65535"));
    expect_refused(VIEW("--port=0"),
                   VIEW("--port=0 is out of range: it takes a number from 1 to 65535"));
    expect_refused(VIEW("--count=1"),
                   VIEW("--count=1 is out of range: it takes a number of at least 2"));
    expect_refused(VIEW("--any=18446744073709551616"),
                   VIEW("--any=18446744073709551616 is out of range: it takes a number"));
    expect_refused(VIEW("--port=http"),
                   VIEW("--port=http is not understood: it takes a number from 1 to 65535"));
    expect_refused(VIEW("--port=80KiB"),
                   VIEW("--port=80KiB is not understood: it takes a number from 1 to 65535"));
    expect_refused(VIEW("--any=-1"), VIEW("--any=-1 is not understood: it takes a number"));
    expect_refused(VIEW("--any=0x10"), VIEW("--any=0x10 is not understood: it takes a number"));
    expect_refused(VIEW("--any="), VIEW("--any= is not understood: it takes a number"));
}

TEST(parameter_reads_sizes)
{
    expect_that(values_of(VIEW("--buffer=17"))->buffer, ==, 17);
    expect_that(values_of(VIEW("--buffer=2KiB"))->buffer, ==, 2048);
    expect_that(values_of(VIEW("--buffer=1MiB"))->buffer, ==, 1048576);
    expect_refused(VIEW("--buffer=1GiB"),
                   VIEW("--buffer=1GiB is out of range: it takes a size such as 4096, 64KiB, 16MiB "
                        "or 1GiB, from 1 to 1MiB"));
    expect_refused(VIEW("--buffer=18014398509481985KiB"),
                   VIEW("--buffer=18014398509481985KiB is out of range: it takes a size such as "
                        "4096, 64KiB, 16MiB or 1GiB, from 1 to 1MiB"));
    expect_refused(
        VIEW("--buffer=1kb"),
        VIEW("--buffer=1kb is not understood: it takes a size such as 4096, 64KiB, 16MiB "
             "or 1GiB, from 1 to 1MiB"));
}

TEST(parameter_reads_durations)
{
    expect_that(values_of(VIEW("--idle-timeout=0s"))->idle_ns, ==, 0);
    expect_that(values_of(VIEW("--idle-timeout=5ns"))->idle_ns, ==, 5);
    expect_that(values_of(VIEW("--idle-timeout=5us"))->idle_ns, ==, 5 * US_NS);
    expect_that(values_of(VIEW("--idle-timeout=5ms"))->idle_ns, ==, 5 * MS_NS);
    expect_that(values_of(VIEW("--idle-timeout=5m"))->idle_ns, ==, 300 * S_NS);
    expect_that(values_of(VIEW("--idle-timeout=5h"))->idle_ns, ==, 18000 * S_NS);
    expect_that(values_of(VIEW("--idle-timeout=5124095h"))->idle_ns, ==,
                (uint64_t)5124095 * 3600 * S_NS);
    expect_refused(VIEW("--idle-timeout=5124096h"),
                   VIEW("--idle-timeout=5124096h is out of range: it takes a duration such as "
                        "500ms, 60s, 5m or 1h"));
    expect_refused(VIEW("--idle-timeout=60"),
                   VIEW("--idle-timeout=60 has no unit: it takes a duration such as "
                        "500ms, 60s, 5m or 1h"));
    expect_refused(VIEW("--idle-timeout=1.5s"),
                   VIEW("--idle-timeout=1.5s is not understood: it takes a duration such as "
                        "500ms, 60s, 5m or 1h"));
    expect_refused(VIEW("--pause=2h"),
                   VIEW("--pause=2h is out of range: it takes a duration such as "
                        "500ms, 60s, 5m or 1h, from 1ms to 90m"));
}

TEST(parameter_reads_choices)
{
    expect_that(values_of(VIEW("--mode=fast"))->mode, ==, 0);
    expect_that(values_of(VIEW("--mode none"))->mode, ==, 2);
    expect_refused(VIEW("--mode=Fast"),
                   VIEW("--mode=Fast is not understood: it takes fast, slow or none"));
    expect_refused(VIEW("--mode=fas"),
                   VIEW("--mode=fas is not understood: it takes fast, slow or none"));
}

TEST(parameter_reads_a_type_of_a_module)
{
    expect_that(values_of(VIEW("--pair=3:4"))->pair.first, ==, 3);
    expect_refused(VIEW("--pair=3"), VIEW("--pair=3 is not understood: it takes FIRST:SECOND"));
}

TEST(parameter_refuses_unknown_names)
{
    expect_refused(VIEW("--prot=80"),
                   VIEW("--prot is not a parameter of this image; did you mean --port?"));
    expect_refused(VIEW("--por"),
                   VIEW("--por is not a parameter of this image; did you mean --port?"));
    expect_refused(VIEW("--idle=5s"),
                   VIEW("--idle is not a parameter of this image; did you mean --idle-timeout?"));
    expect_refused(VIEW("--idle_timeout=5s"),
                   VIEW("--idle_timeout is not a parameter of this image; did you mean "
                        "--idle-timeout?"));
    expect_refused(VIEW("--PORT=80"),
                   VIEW("--PORT is not a parameter of this image; --help lists them"));
    expect_refused(VIEW("--zebra"),
                   VIEW("--zebra is not a parameter of this image; --help lists them"));
    expect_refused(VIEW("--=80"), VIEW("-- is not a parameter of this image; --help lists them"));
    expect_refused(VIEW("---port=80"),
                   VIEW("---port is not a parameter of this image; did you mean --port?"));
}

TEST(parameter_refuses_other_words)
{
    expect_refused(VIEW("--"), VIEW("\"--\" is not a parameter: those look like --name=value; "
                                    "--help lists them"));
    expect_refused(VIEW("-v"), VIEW("\"-v\" is not a parameter: those look like --name=value; "
                                    "--help lists them"));
    expect_refused(VIEW("--port=80 index.html"),
                   VIEW("\"index.html\" is not a parameter: those look like --name=value; "
                        "--help lists them"));
}

TEST(parameter_refuses_a_lack_and_a_surplus)
{
    expect_refused(VIEW("--port"), VIEW("--port needs a value: a number from 1 to 65535"));
    expect_refused(VIEW("--name --port=80"), VIEW("--name needs a value: any text"));
    expect_refused(VIEW("--mode"), VIEW("--mode needs a value: fast, slow or none"));
    expect_refused(VIEW("--port=80 --port=80"), VIEW("--port is given twice"));
    expect_refused(VIEW("--verbose --verbose=off"), VIEW("--verbose is given twice"));
}

/* An error is one line, whatever was on the command line. */
TEST(parameter_shows_strange_bytes_escaped_and_long_ones_cut)
{
    expect_refused(VIEW("--port=8\n\x1b[1m0"),
                   VIEW("--port=8\\x0a\\x1b[1m0 is not understood: it takes a number from 1 to "
                        "65535"));
    uint8_t room[400];
    span_fill(SPAN_OF(room), 'x');
    (void)span_copy(SPAN_OF(room), VIEW("--port="));
    (void)read_words(VIEW_OF(room));
    expect_result(reading.result, INVALID);
    expect(view_ends_with(reading.message,
                          VIEW("xxx... is not understood: it takes a number from 1 to 65535")));
    expect_that(reading.message.length_bytes, <, 200);

    (void)span_copy(SPAN_OF(room), VIEW("--xxxxx"));
    (void)read_words(VIEW_OF(room));
    expect(view_ends_with(reading.message,
                          VIEW("xxx... is not a parameter of this image; --help lists them")));
}

TEST(parameter_message_is_cut_to_its_room)
{
    struct values values;
    struct parameter_group group = {
        .device = "http0", .prefix = "", .table = table, .values = SPAN_OF(values)
    };
    struct view argument = VIEW("--port=0");
    for (size_t length = 0; length < 64; length++) {
        uint8_t room[64];
        size_t message_bytes = 99;
        enum result result = parameter_read(&group, 1, &argument, 1,
                                            span_first(SPAN_OF(room), length), &message_bytes);
        expect_result(result, INVALID);
        expect_that(message_bytes, <=, length);
    }
}

/* ---- several instances ---- */

TEST(parameter_prefixes_tell_instances_apart)
{
    static struct values first, second;
    static uint8_t room[PARAMETER_MESSAGE_MAX];
    struct parameter_group groups[] = {
        { .device = "http0", .prefix = "", .table = table, .values = SPAN_OF(first) },
        { .device = "nothing", .prefix = "", .table = &(struct parameter)PARAMETER_END },
        { .device = "http1", .prefix = "admin", .table = table, .values = SPAN_OF(second) },
        { .device = "nothing", .prefix = "", .table = &(struct parameter)PARAMETER_END },
    };
    struct view arguments[] = { VIEW("--port=1"), VIEW("--admin-port=2"), VIEW("--admin-verbose") };
    size_t length;
    expect_ok(parameter_read(groups, LENGTH_OF(groups), arguments, LENGTH_OF(arguments),
                             SPAN_OF(room), &length));
    expect_that(first.port, ==, 1);
    expect_that(second.port, ==, 2);
    expect(!first.verbose && second.verbose);

    struct view wrong = VIEW("--admin-prot=2");
    expect_result(parameter_read(groups, LENGTH_OF(groups), &wrong, 1, SPAN_OF(room), &length),
                  INVALID);
    expect_view(view_from(room, length),
                VIEW("--admin-prot is not a parameter of this image; did you mean --admin-port?"));
}

TEST(parameter_works_without_any)
{
    uint8_t room[PARAMETER_MESSAGE_MAX];
    size_t length;
    struct view argument = VIEW("--port=1");
    expect_ok(parameter_read(NULL, 0, NULL, 0, SPAN_OF(room), &length));
    expect_result(parameter_read(NULL, 0, &argument, 1, SPAN_OF(room), &length), INVALID);
    expect_view(view_from(room, length),
                VIEW("--port is not a parameter of this image; --help lists them"));
}

/* ---- tables that are wrong ---- */

static bool row_is_valid(struct parameter row)
{
    struct parameter rows[] = { row, PARAMETER_END };
    return parameter_defaults_are_valid(rows);
}

TEST(parameter_check_finds_wrong_rows)
{
    struct parameter row = table[2];
    expect(row_is_valid(row));
    row.fallback = "0";
    expect(!row_is_valid(row));
    row = table[2];
    row.fallback = NULL;
    expect(!row_is_valid(row));
    row = table[2];
    row.minimum = row.maximum + 1;
    expect(!row_is_valid(row));
    static const char *const bad_names[] = { "", "Port", "-port", "port-", "a--b", "a_b", "a=b" };
    for (size_t i = 0; i < LENGTH_OF(bad_names); i++) {
        row = table[2];
        row.name = bad_names[i];
        expect(!row_is_valid(row));
    }
    static const char *const bad_helps[] = { "", "The port", "the port.", "the\nport" };
    for (size_t i = 0; i < LENGTH_OF(bad_helps); i++) {
        row = table[2];
        row.help = bad_helps[i];
        expect(!row_is_valid(row));
    }
}

static enum result read_table(const struct parameter rows[], const char *second_prefix)
{
    static uint8_t room[PARAMETER_MESSAGE_MAX];
    static struct values first, second;
    size_t length;
    struct parameter_group groups[] = {
        { .device = "http0", .prefix = "", .table = rows, .values = SPAN_OF(first) },
        { .device = "http1", .prefix = second_prefix, .table = rows, .values = SPAN_OF(second) },
    };
    return parameter_read(groups, LENGTH_OF(groups), NULL, 0, SPAN_OF(room), &length);
}

static void read_twins(void)
{
    result_ignore(read_table(table, ""));
}

static void read_bad_default(void)
{
    struct parameter rows[] = { table[2], PARAMETER_END };
    rows[0].fallback = "0";
    result_ignore(read_table(rows, "admin"));
}

TEST(parameter_mistakes_of_the_programmer_panic)
{
    expect_ok(read_table(table, "admin"));
    expect_death(read_twins, "http0 and http1 both have a parameter --verbose");
    expect_death(read_bad_default, "--port refuses its own default \"0\"");
}

/* ---- --help ---- */

TEST(parameter_help_wins_over_errors)
{
    (void)read_words(VIEW("--prot=80 --help"));
    expect_result(reading.result, NOT_FOUND);
    expect_that(reading.values.port, ==, 8080);
    (void)read_words(VIEW("--name=--help"));
    expect_result(reading.result, OK);
}

struct help_text {
    struct parameter_sink sink;
    uint8_t room[4096];
    size_t length_bytes;
};

static void help_text_put(struct parameter_sink *sink, struct view line)
{
    struct help_text *text = CONTAINER_OF(sink, struct help_text, sink);
    expect(view_find_byte(line, '\n') == line.length_bytes - 1);
    expect_that(line.length_bytes, <=, 81);
    (void)span_copy(span_from_offset(SPAN_OF(text->room), text->length_bytes), line);
    text->length_bytes += line.length_bytes;
}

static const char help_wanted[] =
    "Usage: homepage [--NAME=VALUE | --NAME VALUE | --FLAG]...\n"
    "\n"
    "http0\n"
    "  --verbose                say more\n"
    "  --cached                 keep what was read (default on)\n"
    "  --port=NUMBER            TCP port to listen on (1 to 65535; default 8080)\n"
    "  --count=NUMBER           how many there are (at least 2; default 3)\n"
    "  --any=NUMBER             any number at all (default 0)\n"
    "  --buffer=BYTES           bytes to keep (1 to 1MiB; default 64KiB)\n"
    "  --idle-timeout=DURATION  how long a connection may wait between two requests\n"
    "                           before it is closed (default 60s)\n"
    "  --pause=DURATION         how long to rest (1ms to 90m; default 10ms)\n"
    "  --name=TEXT              what to call it\n"
    "  --a-directory-with-a-long-name=TEXT\n"
    "                           where the pages are (default htdocs)\n"
    "  --mode=fast|slow|none    how to go (default slow)\n"
    "  --pair=FIRST:SECOND      two numbers (default 1:2)\n"
    "\n"
    "pause0\n"
    "  --short-pause=DURATION   how long to rest (1ms to 90m; default 10ms)\n"
    "\n"
    "always\n"
    "  --help                   show this text and end\n";

TEST(parameter_help_is_aligned_and_wrapped)
{
    static struct help_text text = { .sink = { .put = help_text_put } };
    static struct values values;
    text.length_bytes = 0;
    struct parameter pause[] = { table[7], PARAMETER_END };
    struct parameter_group groups[] = {
        { .device = "http0", .prefix = "", .table = table, .values = SPAN_OF(values) },
        { .device = "empty0", .prefix = "", .table = &(struct parameter)PARAMETER_END },
        { .device = "pause0", .prefix = "short", .table = pause, .values = SPAN_OF(values) },
    };
    parameter_help("homepage", groups, LENGTH_OF(groups), &text.sink);
    expect_view(view_from(text.room, text.length_bytes), view_from_string(help_wanted));
}

struct inner_values {
    uint64_t count;
};

TEST(parameter_help_says_which_are_fewer_in_small_machines)
{
    static const struct parameter pools[] = {
        PARAMETER_POOL(struct inner_values, count, "count", "7", 0, 9, "counted"),
        PARAMETER_END,
    };
    static struct help_text text = { .sink = { .put = help_text_put } };
    static struct inner_values values;
    const struct parameter_group group = {
        .device = "pool0", .prefix = "", .table = pools, .values = SPAN_OF(values)
    };
    parameter_help("homepage", &group, 1, &text.sink);
    struct view said = view_from(text.room, text.length_bytes);
    struct view wanted = VIEW("counted (0 to 9; default 7, fewer in a machine under 256MiB)\n");
    expect(view_find(said, wanted) < said.length_bytes);
}

/* ---- tables in tables ---- */

struct outer_values {
    uint64_t before;
    struct inner_values inner, nothing;
    uint64_t behind;
};

TEST(parameter_tables_hold_tables)
{
    static const struct parameter inner[] = {
        PARAMETER_NUMBER(struct inner_values, count, "inner-count", "7", 0, 9, "counted inside"),
        PARAMETER_END,
    };
    static const struct parameter nothing[] = { PARAMETER_END };
    static const struct parameter outer[] = {
        PARAMETER_TABLE(struct outer_values, nothing, nothing),
        PARAMETER_NUMBER(struct outer_values, before, "before", "1", 0, 9, "stands before"),
        PARAMETER_TABLE(struct outer_values, inner, inner),
        PARAMETER_NUMBER(struct outer_values, behind, "behind", "2", 0, 9, "stands behind"),
        PARAMETER_END,
    };
    struct outer_values values = { 0 };
    const struct parameter_group group = {
        .device = "outer0", .prefix = "", .table = outer, .values = SPAN_OF(values)
    };
    const struct view arguments[] = { VIEW("--inner-count=3"), VIEW("--behind=4") };
    uint8_t message[PARAMETER_MESSAGE_MAX];
    size_t message_bytes;
    expect(parameter_defaults_are_valid(outer));
    expect_ok(parameter_read(&group, 1, NULL, 0, SPAN_OF(message), &message_bytes));
    expect_that(values.inner.count, ==, 7);
    expect_ok(parameter_read(&group, 1, arguments, LENGTH_OF(arguments), SPAN_OF(message),
                             &message_bytes));
    expect_that(values.before, ==, 1);
    expect_that(values.inner.count, ==, 3);
    expect_that(values.behind, ==, 4);
}

TEST(parameter_pools_are_smaller_in_small_machines)
{
    static const struct parameter pool = PARAMETER_POOL(struct parameter_group, values.length_bytes,
                                                        "packets", "8192", 64, 4194304, "packets");
    expect_that(value_of_pool(&pool, 8192, UINT64_MAX), ==, 8192);
    expect_that(value_of_pool(&pool, 8192, 256 * MIB), ==, 8192);
    expect_that(value_of_pool(&pool, 8192, 128 * MIB), ==, 4096);
    expect_that(value_of_pool(&pool, 8192, 4 * MIB), ==, 128);
    expect_that(value_of_pool(&pool, 8192, MIB), ==, 64);
    expect_that(value_of_pool(&pool, 8192, 0), ==, 64);
    expect_that(value_of_pool(&pool, 4194304, 256 * MIB - 1), ==, 4194288);
}
