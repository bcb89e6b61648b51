/* escape.h - text from a stranger, made safe to show: in the log, in an error line.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_ESCAPE_H
#define LOOM_ESCAPE_H

#include "base/view.h"
#include "base/writer.h"

/* Printable ASCII and UTF-8 as they are; every other byte as \xNN, so that no text can end its
 * line, steer a terminal or change the order in which a line is read. What does not fit is cut
 * between two characters. */
void writer_put_escaped(struct writer *writer, struct view text);

#endif
