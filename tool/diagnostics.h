/* diagnostics.h - what a compiler says of config.c, without what it says of our macros.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_TOOL_DIAGNOSTICS_H
#define LOOM_TOOL_DIAGNOSTICS_H

#include <stdbool.h>

#include "process.h"

/* Runs the compiler; true if it succeeded. `config` is the file's name for errors that have none.
 */
bool diagnostics_run(const struct command_line *compiler, const char *config);

#endif
