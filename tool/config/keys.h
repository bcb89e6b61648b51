/* keys.h - what the user chose at configure time: `--stack=socket`.
 *
 * A key exists because something asked for it, so the known keys are those that were asked for in
 * this run.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_CONFIG_KEYS_H
#define LOOM_CONFIG_KEYS_H

#include <stdio.h>

/* Takes what stands on the command line: "--name=value" each. */
void keys_give(char *const arguments[], int count);

/* A key whose value may be any text. */
const char *key_text(const char *name, const char *fallback, const char *help);

/* Ends the run when a key was given that nothing asked for. */
void keys_check(void);

/* Writes the keys as a JSON object. */
void keys_write_json(FILE *file);

/* Writes one line a key, for `loom configure --keys`. */
void keys_write_help(FILE *file);

#endif
