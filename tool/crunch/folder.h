/* folder.h - reads a folder with all that is below it.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_CRUNCH_FOLDER_H
#define LOOM_CRUNCH_FOLDER_H

#include "crunch/crunch.h"

/* Reads every regular file. Dot files are left out, and told. What cannot be a key, cannot be read,
 * or is a symbolic link to outside ends the program. The digests are worked out; the modification
 * times are those of the files, but none later than SOURCE_DATE_EPOCH. */
void crunch_folder_read(struct crunch_folder *folder, const char *directory);

/* All of a file. False, with errno, when it cannot be read. */
bool crunch_file_read(const char *path, struct span *bytes, uint64_t *modified_ns);

#endif
