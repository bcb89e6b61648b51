/* fail.h - how the command ends when it cannot go on: one line that names what and the remedy.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_TOOL_FAIL_H
#define LOOM_TOOL_FAIL_H

enum { STATUS_FAILED = 1, STATUS_USAGE = 2 };

/* Something is wrong with what is on the disk or on this machine. */
void fail(const char *format, ...) __attribute__((noreturn, format(printf, 1, 2)));

/* Something is wrong with what was typed. */
void fail_usage(const char *format, ...) __attribute__((noreturn, format(printf, 1, 2)));

/* Worth knowing; it goes on. */
void notice(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
