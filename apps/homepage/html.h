/* html.h - text and figures as HTML.
 *
 * SPDX-License-Identifier: ISC */
#ifndef HTML_H
#define HTML_H

#include "base/writer.h"

/* Text as the content of an element or an attribute. */
void html_put(struct writer *page, struct view text);

/* "12 345 678", in groups that do not break. */
void html_put_count(struct writer *page, uint64_t count);

/* "1.4 MiB"; below one KiB, "512 bytes". */
void html_put_bytes(struct writer *page, uint64_t bytes);

/* "3 d 4 h", "5 min 20 s", "1.50 ms": two places that say enough. */
void html_put_duration(struct writer *page, uint64_t duration_ns);

#endif
