/* main.c - loom-crunch: makes of a folder a C file that holds it, for kv_crunch.
 *
 *     loom-crunch [--no-compress] NAME DIRECTORY OUT.c DEPFILE
 *
 * OUT.c defines `const struct kv_crunch_pages NAME`. The bytes themselves go into a file beside it,
 * OUT.bin, which the assembler takes as it is (.incbin): a compiler needs minutes for 50 MB of
 * array, and no time for this. A third file, OUT.index, remembers the compressed variants, so that
 * one edited page does not compress all the others again.
 *
 * SPDX-License-Identifier: ISC */
#include "crunch/crunch.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crunch/code.h"
#include "crunch/folder.h"
#include "crunch/output.h"
#include "crunch/store.h"
#include "target/exit.h"

static const char USAGE[] = "usage: loom-crunch [--no-compress] NAME DIRECTORY OUT.c DEPFILE";

void crunch_fail(const char *format, ...)
{
    char *text;
    va_list arguments;
    va_start(arguments, format);
    if (vasprintf(&text, format, arguments) < 0) abort();
    va_end(arguments);
    fprintf(stderr, "loom-crunch: %s\n", text);
    exit(1);
}

/* What the asserts in base end with. */
void target_panic(struct view report)
{
    fprintf(stderr, "loom-crunch: %.*s\n", VIEW_FORMAT(report));
    abort();
}

void *crunch_grow(void *memory, size_t length_bytes)
{
    void *grown = realloc(memory, length_bytes > 0 ? length_bytes : 1);
    if (grown == NULL) crunch_fail("no memory for %zu bytes", length_bytes);
    return grown;
}

void *crunch_allocate(size_t length_bytes)
{
    return crunch_grow(NULL, length_bytes);
}

char *crunch_text(const char *format, ...)
{
    char *text = NULL;
    va_list arguments;
    va_start(arguments, format);
    int length = vasprintf(&text, format, arguments);
    va_end(arguments);
    if (length < 0) crunch_fail("no memory for a line of text");
    return text;
}

static bool is_identifier(const char *name)
{
    static const char first[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_";
    static const char later[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789";
    return name[0] != '\0' && strchr(first, name[0]) != NULL && strspn(name, later) == strlen(name);
}

static void crunch(const char *arguments[4], bool compress)
{
    struct crunch_output output = crunch_output_at(arguments[0], arguments[1], arguments[2],
                                                   arguments[3]);
    struct crunch_folder folder;
    crunch_folder_read(&folder, output.directory);

    struct crunch_store store = { 0 };
    if (compress) {
        crunch_store_open(&store, &output);
        crunch_store_find(&store, &folder);
        crunch_code(&folder);
    }
    crunch_output_write(&output, &folder);
    crunch_store_write(&output, &folder, compress);
}

int main(int argument_count, char *arguments[])
{
    const char *words[4];
    size_t count = 0;
    bool compress = true;
    for (int i = 1; i < argument_count; i++) {
        if (strcmp(arguments[i], "--help") == 0) {
            puts(USAGE);
            return 0;
        }
        if (strcmp(arguments[i], "--no-compress") == 0) {
            compress = false;
        } else if (arguments[i][0] == '-') {
            crunch_fail("there is no option %s; %s", arguments[i], USAGE);
        } else if (count == 4) {
            crunch_fail("%s is one argument too many; %s", arguments[i], USAGE);
        } else {
            words[count++] = arguments[i];
        }
    }
    if (count < 4) crunch_fail("too few arguments; %s", USAGE);
    if (!is_identifier(words[0])) crunch_fail("%s: not a name in C; use letters and _", words[0]);
    crunch(words, compress);
    return 0;
}
