/* list.c - options that may be given several times.
 *
 * SPDX-License-Identifier: ISC */
#include "list.h"

#include <stdbool.h>
#include <string.h>

#include <loom/module.h>

const char *list_next(const char **list)
{
    if (*list == NULL) return NULL;
    size_t length = strcspn(*list, ",");
    const char *item = text_of("%.*s", (int)length, *list);
    *list = (*list)[length] == ',' ? *list + length + 1 : NULL;
    return item;
}

const char *list_item_file(const char *item, const char **name)
{
    size_t length = strcspn(item, "=./");
    bool has_name = length > 0 && item[length] == '=';
    *name = has_name ? text_of("%.*s", (int)length, item) : "";
    return has_name ? item + length + 1 : item;
}
