/* console.h - ambient: text to and from whoever started the image.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_TARGET_CONSOLE_H
#define LOOM_TARGET_CONSOLE_H

#include <stddef.h>
#include <stdint.h>

#include "base/result.h"
#include "base/view.h"

/* What the application says; and diagnostics (log, panic, census), which a process keeps apart. All
 * of `text` is written, or what the other side does not take within a stated moment is dropped: a
 * console that nobody reads never stops the image. */
void console_write(struct view text);
void console_write_diagnostic(struct view text);

/* Waits. Reads at least one byte of input. CLOSED: there is no more. TIMED_OUT, CANCELLED: nothing
 * was taken. */
enum result console_read(struct span room, size_t *length_bytes, uint64_t deadline_ns) CHECKED;

#endif
