/* options.c - reads the tender's command line.
 *
 * SPDX-License-Identifier: ISC */
#include "tender/options.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/units.h"
#include "parameter/parameter.h"
#include "tender/fail.h"

static const char help[] =
    "loom-tender [OPTIONS] IMAGE [-- BOOT PARAMETERS]\n"
    "\n"
    "Runs an image as a machine of its own, under KVM.\n"
    "\n"
    "  --mem SIZE                 its memory, such as 2MiB or 1GiB (default 256MiB)\n"
    "  --net [NAME=]WHAT          what a net of the image is attached to: passt (the default),\n"
    "                             tap:INTERFACE, or fd:NUMBER\n"
    "  --publish [NAME=]HOST:GUEST,...\n"
    "                             with passt, ports of 127.0.0.1 that lead to the image's\n"
    "  --capture [NAME=]FILE      write down all frames of a net in FILE, for Wireshark\n"
    "  --block [NAME=]FILE[,direct]\n"
    "                             what a block device of the image is: a file or a device; with\n"
    "                             `,direct` past the host's cache\n"
    "  --block-read-only [NAME=]FILE[,direct]\n"
    "                             the same for one that is not to be written to\n"
    "  --features all|none        what the devices offer beyond what virtio asks of them; none\n"
    "                             is for tests of drivers (default all)\n"
    "  --cpu N                    the processor that all runs on\n"
    "  --wait-for-debugger WHERE  let gdb have the machine from its first instruction on: a path, "
    "where\n"
    "                             a socket is made, or a port of 127.0.0.1\n"
    "  --core FILE                where a machine that crashes leaves a core, for gdb\n"
    "  --times                    tell what each step of the start took\n"
    "  --help                     show this\n";

struct words {
    char **list;
    int count, next;
};

struct memory_value {
    uint64_t bytes;
};

/* As a boot parameter, so that sizes are written alike. */
static const struct parameter memory_parameters[] = {
    PARAMETER_BYTES(struct memory_value, bytes, "mem", "256MiB", MEMORY_LEAST_BYTES,
                    MEMORY_MOST_BYTES, "the machine's memory"),
    PARAMETER_END,
};

static void read_memory(struct tender_options *options, struct view value)
{
    uint8_t message[PARAMETER_MESSAGE_MAX];
    size_t message_bytes;
    struct memory_value memory = { .bytes = 0 };
    const struct view words[] = { VIEW("--mem"), value };
    const struct parameter_group group = {
        .device = "machine", .prefix = "", .table = memory_parameters, .values = SPAN_OF(memory)
    };
    if (parameter_read(&group, 1, words, 2, SPAN_OF(message), &message_bytes) != OK)
        tender_fail_usage("%.*s", VIEW_FORMAT(view_from(message, message_bytes)));
    options->memory_bytes = memory.bytes & ~(uint64_t)(MACHINE_PAGE_BYTES - 1);
}

static void read_processor(struct tender_options *options, struct view value)
{
    uint64_t number;
    if (!view_to_u64(value, &number) || number > 4095)
        tender_fail_usage("--cpu %.*s: write the number of a processor", VIEW_FORMAT(value));
    options->processor = (int)number;
}

static void read_features(struct tender_options *options, struct view value)
{
    options->offers_nothing = view_equal(value, VIEW("none"));
    if (!options->offers_nothing && !view_equal(value, VIEW("all")))
        tender_fail_usage("--features %.*s: write all or none", VIEW_FORMAT(value));
}

/* A value ends where its word does, in NUL. */
static const char *path_of(const char *option, struct view value)
{
    if (view_is_empty(value)) tender_fail_usage("%s wants a value", option);
    return (const char *)value.bytes;
}

/* "NAME=WHAT" or "WHAT". A path may have a `=` in it: then it comes after a name, or has a slash
 * before it. */
static struct attachment *attachment_add(struct attachments *attachments, const char *option,
                                         struct view value)
{
    struct view what, name = view_cut(value, '=', &what);
    bool has_name = name.length_bytes < value.length_bytes &&
                    view_find_byte(name, '/') == name.length_bytes;
    if (attachments->count == LENGTH_OF(attachments->list))
        tender_fail_usage("%s: an image has no more than %u devices", option, MACHINE_DEVICES_MAX);
    struct attachment *attachment = &attachments->list[attachments->count++];
    *attachment = (struct attachment){ .option = option,
                                       .name = has_name ? name : (struct view){ 0 },
                                       .what = has_name ? what : value };
    if (view_is_empty(attachment->what))
        tender_fail_usage("%s %.*s: say what it is attached to", option, VIEW_FORMAT(value));
    return attachment;
}

/* The value of "--name=value" or "--name value"; false: the word is another option. */
static bool take_value(struct words *words, const char *name, struct view *value)
{
    struct view word = view_from_string(words->list[words->next]);
    struct view option = view_cut(word, '=', value);
    if (!view_equal(option, view_from_string(name))) return false;
    words->next++;
    if (option.length_bytes < word.length_bytes) return true;
    if (words->next == words->count) tender_fail_usage("%s wants a value", name);
    *value = view_from_string(words->list[words->next++]);
    return true;
}

static bool take_flag(struct words *words, const char *name)
{
    if (!view_equal(view_from_string(words->list[words->next]), view_from_string(name)))
        return false;
    words->next++;
    return true;
}

static void show_help(void)
{
    (void)fputs(help, stdout);
    exit(0);
}

static void read_option(struct tender_options *options, struct words *words)
{
    struct view value;
    if (take_value(words, "--mem", &value)) {
        read_memory(options, value);
    } else if (take_value(words, "--net", &value)) {
        (void)attachment_add(&options->nets, "--net", value);
    } else if (take_value(words, "--publish", &value)) {
        (void)attachment_add(&options->ports, "--publish", value);
    } else if (take_value(words, "--capture", &value)) {
        (void)attachment_add(&options->captures, "--capture", value);
    } else if (take_value(words, "--block", &value)) {
        (void)attachment_add(&options->blocks, "--block", value);
    } else if (take_value(words, "--block-read-only", &value)) {
        attachment_add(&options->blocks, "--block-read-only", value)->is_read_only = true;
    } else if (take_value(words, "--features", &value)) {
        read_features(options, value);
    } else if (take_value(words, "--cpu", &value)) {
        read_processor(options, value);
    } else if (take_value(words, "--wait-for-debugger", &value)) {
        options->debugger = path_of("--wait-for-debugger", value);
    } else if (take_value(words, "--core", &value)) {
        options->core = path_of("--core", value);
    } else if (take_flag(words, "--times")) {
        options->times = true;
    } else if (take_flag(words, "--help")) {
        show_help();
    } else {
        tender_fail_usage("there is no option %s; `loom-tender --help` shows those that there are",
                          words->list[words->next]);
    }
}

static void read_arguments(struct tender_options *options, const struct words *words)
{
    struct span room = SPAN_OF(options->arguments);
    for (int i = words->next; i < words->count; i++) {
        struct view word = view_from_string(words->list[i]);
        if (room.length_bytes <= word.length_bytes)
            tender_fail_usage("the boot parameters are longer than %u bytes",
                              MACHINE_ARGUMENTS_MAX);
        room = span_from_offset(span_copy(room, word), 1);
    }
    options->arguments_bytes = sizeof options->arguments - room.length_bytes;
}

void tender_options_read(struct tender_options *options, int count, char *words[])
{
    struct words line = { .list = words, .count = count, .next = 1 };
    *options = (struct tender_options){ .memory_bytes = MEMORY_DEFAULT_BYTES, .processor = -1 };
    while (line.next < count && words[line.next][0] == '-')
        read_option(options, &line);
    if (line.next == count)
        tender_fail_usage("which image? loom-tender [OPTIONS] IMAGE [-- BOOT PARAMETERS]");
    options->image = words[line.next++];
    if (line.next < count && !take_flag(&line, "--"))
        tender_fail_usage("%s: write `--` before the boot parameters", words[line.next]);
    read_arguments(options, &line);
}

struct attachment *attachment_find(struct attachments *attachments, struct view name,
                                   bool needs_no_name)
{
    for (size_t i = 0; i < attachments->count; i++) {
        struct attachment *attachment = &attachments->list[i];
        bool fits = view_is_empty(attachment->name) ? needs_no_name
                                                    : view_equal(attachment->name, name);
        if (!fits || attachment->is_used) continue;
        attachment->is_used = true;
        return attachment;
    }
    return NULL;
}

void attachments_check(const struct attachments *attachments)
{
    for (size_t i = 0; i < attachments->count; i++) {
        const struct attachment *attachment = &attachments->list[i];
        if (attachment->is_used) continue;
        tender_fail_usage("%s %.*s%s%.*s: the image has no such device", attachment->option,
                          VIEW_FORMAT(attachment->name), view_is_empty(attachment->name) ? "" : "=",
                          VIEW_FORMAT(attachment->what));
    }
}
