/* list.h - options that may be given several times: their values, and the names before them.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_TOOL_LIST_H
#define LOOM_TOOL_LIST_H

/* The next of a list that commas separate; NULL: that was all. */
const char *list_next(const char **list);

/* "NAME=FILE" or "FILE": the file, and the name or "". A name is what stands before "=", unless
 * that is the path of a file. */
const char *list_item_file(const char *item, const char **name);

#endif
