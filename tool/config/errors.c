/* errors.c - errors of config.c, and the texts of the graph.
 *
 * SPDX-License-Identifier: ISC */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "config/graph.h"

void place_error(struct place place, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fprintf(stderr, "%s:%d: error: ", place.file, place.line);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
    exit(1);
}

const char *device_text(const struct device *device, const char *text)
{
    char *result;
    size_t length;
    FILE *stream = open_memstream(&result, &length);
    if (stream == NULL) abort();
    for (; *text != '\0'; text++) {
        if (*text == '$') {
            fputs(device->name, stream);
        } else {
            fputc(*text, stream);
        }
    }
    fclose(stream);
    return result;
}

const char *ticket_expression(const struct ticket *ticket)
{
    if (ticket->device == NULL) return ticket->expression;
    return device_text(ticket->device, ticket->expression);
}

const char *ticket_name(const struct ticket *ticket)
{
    if (ticket->device == NULL) return text_of("%s's parameters", graph.parameters);
    if (ticket == &ticket->device->whole) return ticket->device->name;
    return text_of("%s.%s", ticket->device->name, ticket->signature);
}

bool list_has(const char *const list[], size_t length, const char *text)
{
    for (size_t i = 0; i < length && list[i] != NULL; i++) {
        if (strcmp(list[i], text) == 0) return true;
    }
    return false;
}
