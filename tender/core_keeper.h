/* core_keeper.h - a process beside the tender's, outside of its sandbox, that knows two things to
 * do with a file: to name it, and to take it away.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_TENDER_CORE_KEEPER_H
#define LOOM_TENDER_CORE_KEEPER_H

#include <stdbool.h>

/* Makes the file, by the name with ".part" behind it; the value is a socket to the keeper, which
 * ends with the tender and then takes the file away. Ends the process where it fails. */
int core_keeper_start(const char *path, int *file);

/* Gives it its name, instead of what was there. False: it could not. */
bool core_keeper_keep(int keeper);

/* Takes it away. */
void core_keeper_discard(int keeper);

#endif
