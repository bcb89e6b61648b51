/* flags.h - how an image is compiled and linked; the one place that says so.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_CONFIG_FLAGS_H
#define LOOM_CONFIG_FLAGS_H

#include <stddef.h>

/* Lists of words that end with NULL. They depend on --build, --harden and the compiler. */
const char *const *flags_compile(void);
const char *const *flags_link(void);

/* Of a program beside an image that is none itself. */
const char *const *flags_link_program(void);

#endif
