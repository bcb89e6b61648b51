/* arguments.h - how main hands the command line to the ambient arguments.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_HOSTED_ARGUMENTS_H
#define LOOM_HOSTED_ARGUMENTS_H

/* More than ARGUMENTS_MAX are cut, with a word on the console. */
void arguments_set(int count, char *const words[]);

#endif
