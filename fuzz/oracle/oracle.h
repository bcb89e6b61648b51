/* oracle.h - requests that are generated and mutated, and what two parsers make of each.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_ORACLE_H
#define LOOM_ORACLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/view.h"

#define ORACLE_REQUEST_MAX 4096

enum oracle_kind { ORACLE_PARTIAL, ORACLE_REFUSED, ORACLE_WHOLE };

/* What a parser makes of the first request in some bytes. Two recipients that disagree on any of
 * it can be played against each other. */
struct oracle_verdict {
    enum oracle_kind kind;
    const char *why;    /* refused: in the parser's words */
    size_t end_bytes;   /* whole: where the request ends, its body included */
    size_t field_count; /* whole */
    uint64_t body_sum;  /* whole: of the decoded body */
    bool persistent;    /* whole: another request may follow */
};

/* The request that belongs to `seed`: from a grammar, and with up to two mutations. */
struct view oracle_make(uint64_t seed, struct span room);

struct oracle_verdict oracle_ours(struct view request);
struct oracle_verdict oracle_llhttp(struct view request);

static inline uint64_t oracle_sum(uint64_t sum, struct view bytes)
{
    for (size_t i = 0; i < bytes.length_bytes; i++)
        sum = sum * 31 + bytes.bytes[i] + 1;
    return sum;
}

#endif
