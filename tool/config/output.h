/* output.h - writing the files of APP/build/TARGET.
 *
 * A file whose text is what it was keeps its time, so that nothing is built again for it.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_CONFIG_OUTPUT_H
#define LOOM_CONFIG_OUTPUT_H

#include <stdio.h>

struct output {
    const char *name;
    FILE *file;
    char *text;
    size_t length;
};

/* Opens a file of the output folder for writing to `output->file`. The structure stays where it is
 * until it is closed. */
void output_open(struct output *output, const char *name);

/* Puts it in place. */
void output_close(struct output *output);

/* The text as a JSON string, quotes included. */
void output_json(FILE *file, const char *text);

/* The path as ninja and the shell behind it read it: escaped for ninja in a build line; quoted for
 * the shell in a variable. */
void output_ninja_path(FILE *file, const char *path);
void output_ninja_word(FILE *file, const char *word);

void write_main(void);
void write_ninja(void);
void write_manifest(void);
void write_graph(void);
void write_words(void);
void write_suites(void);
void write_nets(void);

#endif
