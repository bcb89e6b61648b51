/* http_negotiate.h - which coding of a representation a client prefers (RFC 9110 12.5.3).
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_HTTP_NEGOTIATE_H
#define LOOM_HTTP_NEGOTIATE_H

#include "http/http.h"
#include "kv/kv.h"

/* Picks among the codings there are: `available` has the bit 1 << coding for each. Of those that
 * the client likes equally the smallest usually comes first: brotli, gzip, identity. Without
 * Accept-Encoding it is identity. NOT_FOUND: the client accepts none of them, identity neither.
 * A malformed weight counts as 0. */
enum result http_negotiate_coding(const struct http_request *request, unsigned available,
                                  enum kv_coding *coding) CHECKED;

/* "gzip", "br"; "identity" for none. */
struct view http_coding_name(enum kv_coding coding);

#endif
