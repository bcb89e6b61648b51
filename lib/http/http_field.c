/* http_field.c - looking fields up, and judging those that are to be sent.
 *
 * SPDX-License-Identifier: ISC */
#include "http/http_characters.h"
#include "http/http_head.h"

struct view http_fields_find(const struct http_field *fields, size_t count, struct view name)
{
    for (size_t i = 0; i < count; i++) {
        if (!view_equal_ignoring_case(fields[i].name, name)) continue;
        /* A value of no bytes is there all the same. */
        return fields[i].value.bytes != NULL ? fields[i].value : VIEW("");
    }
    return (struct view){ 0 };
}

bool http_field_name_is_valid(struct view name)
{
    return http_text_is(name, HTTP_TOKEN);
}

bool http_field_value_is_valid(struct view value)
{
    return http_find_control(value, 0) == value.length_bytes;
}

bool http_list_has(struct view value, struct view token)
{
    while (value.length_bytes > 0) {
        struct view element = view_trim(view_cut(value, ',', &value));
        if (view_equal_ignoring_case(element, token)) return true;
    }
    return false;
}
