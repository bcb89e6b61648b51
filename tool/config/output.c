/* output.c - the files that the configuration writes.
 *
 * SPDX-License-Identifier: ISC */
#include "config/output.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "config/graph.h"

void output_open(struct output *output, const char *name)
{
    *output = (struct output){ .name = name };
    output->file = open_memstream(&output->text, &output->length);
    if (output->file == NULL) abort();
}

static bool file_holds(const char *path, const char *text, size_t length)
{
    FILE *file = fopen(path, "r");
    bool same = true;
    if (file == NULL) return false;
    for (size_t i = 0; same && i < length; i++)
        same = fgetc(file) == (unsigned char)text[i];
    same = same && fgetc(file) == EOF;
    fclose(file);
    return same;
}

__attribute__((noreturn)) static void output_failed(const char *path)
{
    fprintf(stderr, "%s: error: cannot write: %s; make the folder writable or free some space\n",
            path, strerror(errno));
    exit(1);
}

void output_close(struct output *output)
{
    const char *path = text_of("%s/%s", graph.output, output->name);
    fclose(output->file);
    if (!file_holds(path, output->text, output->length)) {
        FILE *file = fopen(path, "w");
        if (file == NULL) output_failed(path);
        size_t written = fwrite(output->text, 1, output->length, file);
        if (fclose(file) != 0 || written != output->length) output_failed(path);
    }
    free(output->text);
}

void output_json(FILE *file, const char *text)
{
    fputc('"', file);
    for (; *text != '\0'; text++) {
        unsigned char letter = (unsigned char)*text;
        if (letter == '"' || letter == '\\') {
            fprintf(file, "\\%c", letter);
        } else if (letter < 0x20) {
            fprintf(file, "\\u%04x", letter);
        } else {
            fputc(letter, file);
        }
    }
    fputc('"', file);
}

void output_ninja_path(FILE *file, const char *path)
{
    for (; *path != '\0'; path++) {
        if (strchr(" :$", *path) != NULL) fputc('$', file);
        fputc(*path, file);
    }
}

static bool word_is_plain(const char *word)
{
    return strspn(word, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                        "-_=+/.,:@%") == strlen(word);
}

void output_ninja_word(FILE *file, const char *word)
{
    bool plain = word_is_plain(word);
    if (!plain) fputc('\'', file);
    for (; *word != '\0'; word++) {
        if (*word == '$') fputc('$', file);
        if (*word == '\'') {
            fputs("'\\''", file);
        } else {
            fputc(*word, file);
        }
    }
    if (!plain) fputc('\'', file);
}
