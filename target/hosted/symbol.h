/* symbol.h - which function an address of this process's own image lies in.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_HOSTED_SYMBOL_H
#define LOOM_HOSTED_SYMBOL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/view.h"

/* Finds the function in the symbol table of the executable's file. The name lives until the process
 * ends. False: no such function, or the file has no symbols. */
bool symbol_find(uintptr_t address, struct view *name, uintptr_t *offset_bytes);

#endif
