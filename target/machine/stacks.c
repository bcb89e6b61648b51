/* stacks.c - as many stacks as the command line asks for, or as the memory has room for.
 *
 * SPDX-License-Identifier: ISC */
#include "target/machine/stacks.h"

#include "base/units.h"

/* Their bytes, and all sums of them, do not overflow. */
#define COUNT_MAX UINT32_MAX

/* Of one stack of this class, its guard page included. */
static uint64_t stride_of(const struct stack_counts *counts, size_t class)
{
    return (uint64_t)counts->stack_bytes[class] + MACHINE_PAGE_BYTES;
}

/* The value of "--name=value", or of "--name" and the word behind it, as lib/parameter reads them;
 * false: the word is another one. */
static bool value_of(struct view word, struct view name, struct view rest, struct view *value)
{
    if (!view_starts_with(word, VIEW("--"))) return false;
    word = view_from_offset(word, 2);
    if (!view_starts_with(word, name)) return false;
    word = view_from_offset(word, name.length_bytes);
    if (view_is_empty(word)) {
        *value = view_cut(rest, 0, &rest);
        return true;
    }
    if (view_byte(word, 0) != '=') return false;
    *value = view_from_offset(word, 1);
    return true;
}

static enum result read_word(struct stack_counts *counts, const struct machine_header *header,
                             struct view word, struct view rest)
{
    for (size_t class = 0; class < MACHINE_STACK_CLASSES; class ++) {
        const char *name = (const char *)header->stacks[class].parameter;
        struct view value;
        uint64_t count;
        if (name[0] == 0 || !value_of(word, view_from_string(name), rest, &value)) continue;
        if (!view_to_u64(value, &count) || count > COUNT_MAX) return INVALID;
        counts->count[class] = counts->stack_bytes[class] == 0 ? 0 : count;
        counts->is_asked[class] = true;
    }
    return OK;
}

enum result stack_counts_read(struct stack_counts *counts, const struct machine_header *header,
                              struct view arguments, struct view *problem)
{
    *counts = (struct stack_counts){ 0 };
    for (size_t class = 0; class < MACHINE_STACK_CLASSES; class ++) {
        counts->count[class] = header->stacks[class].count;
        counts->stack_bytes[class] = header->stacks[class].stack_bytes;
    }
    while (!view_is_empty(arguments)) {
        struct view word = view_cut(arguments, 0, &arguments);
        if (read_word(counts, header, word, arguments) == OK) continue;
        *problem = word;
        return INVALID;
    }
    return OK;
}

uint64_t stack_counts_bytes(const struct stack_counts *counts)
{
    uint64_t bytes = 0;
    for (size_t class = 0; class < MACHINE_STACK_CLASSES; class ++)
        bytes += counts->count[class] * stride_of(counts, class);
    return bytes;
}

/* What those take that have to be, and what those do that need not. */
static void weigh(const struct stack_counts *counts, uint64_t *needed, uint64_t *spare)
{
    *needed = *spare = 0;
    for (size_t class = 0; class < MACHINE_STACK_CLASSES; class ++) {
        uint64_t count = counts->count[class], stride = stride_of(counts, class);
        uint64_t least = counts->is_asked[class] ? count : MIN(count, 1);
        *needed += least * stride;
        *spare += (count - least) * stride;
    }
}

/* Kinds keep their proportions. Ratios are taken of KiB, so that no product overflows. */
void stack_counts_fit(struct stack_counts *counts, uint64_t bytes)
{
    uint64_t needed, spare;
    weigh(counts, &needed, &spare);
    if (needed + spare <= bytes) return;
    uint64_t room_kib = needed < bytes ? MIN((bytes - needed) / KIB, UINT32_MAX) : 0;
    uint64_t spare_kib = spare / KIB + 1;
    for (size_t class = 0; class < MACHINE_STACK_CLASSES; class ++) {
        uint64_t count = counts->count[class];
        if (counts->is_asked[class] || count == 0) continue;
        counts->count[class] = 1 + (count - 1) * room_kib / spare_kib;
    }
}
