/* http_date.h - dates as HTTP writes them (RFC 9110 5.6.7).
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_HTTP_DATE_H
#define LOOM_HTTP_DATE_H

#include <stdint.h>

#include "base/result.h"
#include "base/view.h"

#define HTTP_DATE_BYTES 29 /* "Sun, 06 Nov 1994 08:49:37 GMT" */

/* The IMF-fixdate of `wall_ns`; what is below a second is dropped. The year has four digits as
 * long as 64 bits of nanoseconds last. */
struct view http_date_write(uint8_t room[HTTP_DATE_BYTES], uint64_t wall_ns);

/* All three forms: IMF-fixdate, that of RFC 850 and that of asctime. A year of two digits that
 * would be more than 50 years after `now_wall_ns` is the one 100 years before. INVALID: none of
 * these, a day that does not exist, or before 1970; the name of the weekday must be one but need
 * not be the right one. */
enum result http_date_parse(struct view text, uint64_t now_wall_ns, uint64_t *wall_ns) CHECKED;

/* The date as it was written in this second, so that a response costs a copy. Zeroed before its
 * first use. */
struct http_date_cache {
    uint64_t until_ns; /* monotonic: when the next second begins */
    uint8_t text[HTTP_DATE_BYTES];
};

/* `now_ns` is monotonic. A wall clock that is set is noticed within a second. */
struct view http_date_now(struct http_date_cache *cache, uint64_t now_ns);

#endif
