/* fail.h - how the tender ends when it cannot go on: one line that names what and the remedy.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_TENDER_FAIL_H
#define LOOM_TENDER_FAIL_H

#include <stdarg.h>

enum { TENDER_FAILED = 1, TENDER_USAGE = 2, TENDER_CRASHED = 134 };

/* Something is wrong with what is on the disk or on this host. */
__attribute__((noreturn, format(printf, 1, 2))) void tender_fail(const char *words, ...);

/* Something is wrong with what was typed. */
__attribute__((noreturn, format(printf, 1, 2))) void tender_fail_usage(const char *words, ...);

/* Worth knowing; it goes on. */
__attribute__((format(printf, 1, 2))) void tender_say(const char *words, ...);

/* "loom-tender: ABOUT: ..."; a device's. */
__attribute__((format(printf, 2, 0))) void tender_say_about(const char *about, const char *words,
                                                            va_list values);

#endif
