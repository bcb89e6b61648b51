/* parameter_check.c - whether a table of parameters is as --help and the command line need it; for
 * the tests of those who have one.
 *
 * SPDX-License-Identifier: ISC */
#include "parameter/parameter_value.h"

/* No module's own type is larger. */
#define VALUE_BYTES_MAX 256

static bool is_name_byte(uint8_t byte)
{
    return (byte >= 'a' && byte <= 'z') || (byte >= '0' && byte <= '9') || byte == '-';
}

static bool name_is_valid(struct view name)
{
    if (view_is_empty(name) || view_starts_with(name, VIEW("-"))) return false;
    if (view_ends_with(name, VIEW("-")) || view_find(name, VIEW("--")) < name.length_bytes)
        return false;
    for (size_t i = 0; i < name.length_bytes; i++) {
        if (!is_name_byte(view_byte(name, i))) return false;
    }
    return true;
}

/* "TCP port" is fine, "Port" is not: a capital stands beside another one. */
static bool begins_like_a_sentence(struct view help)
{
    uint8_t first = view_byte(help, 0);
    uint8_t second = help.length_bytes > 1 ? view_byte(help, 1) : ' ';
    return first >= 'A' && first <= 'Z' && second >= 'a' && second <= 'z';
}

static bool help_is_valid(struct view help)
{
    return !view_is_empty(help) && !begins_like_a_sentence(help) &&
           !view_ends_with(help, VIEW(".")) && view_find_byte(help, '\n') == help.length_bytes;
}

static bool range_is_valid(const struct parameter *row)
{
    switch (row->type) {
    case PARAMETER_TYPE_NUMBER:
    case PARAMETER_TYPE_BYTES:
    case PARAMETER_TYPE_DURATION: return row->minimum <= row->maximum;
    default: return true;
    }
}

static bool row_is_valid(const struct parameter *row)
{
    _Alignas(16) uint8_t room[VALUE_BYTES_MAX];
    if (row->name == NULL || row->help == NULL || row->fallback == NULL) return false;
    if (row->size_bytes > VALUE_BYTES_MAX || !range_is_valid(row)) return false;
    if (!name_is_valid(view_from_string(row->name))) return false;
    if (!help_is_valid(view_from_string(row->help))) return false;
    struct span value = span_first(SPAN_OF(room), row->size_bytes);
    return value_read(row, view_from_string(row->fallback), value) == VALUE_FITS;
}

bool parameter_defaults_are_valid(const struct parameter table[])
{
    for (const struct parameter *row = table; row->type != PARAMETER_TYPE_END; row++) {
        bool is_table = row->type == PARAMETER_TYPE_TABLE;
        if (is_table ? !parameter_defaults_are_valid(row->table) : !row_is_valid(row)) return false;
    }
    return true;
}
