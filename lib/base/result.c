/* result.c - results in words.
 *
 * SPDX-License-Identifier: ISC */
#include "base/result.h"

#include "base/assert.h"

const char *result_text(enum result result)
{
    switch (result) {
    case OK: return "ok";
    case CLOSED: return "closed";
    case TIMED_OUT: return "timed out";
    case CANCELLED: return "cancelled";
    case FULL: return "full";
    case TOO_LARGE: return "too large";
    case INVALID: return "malformed";
    case NOT_FOUND: return "not found";
    case EXISTS: return "exists already";
    case DENIED: return "denied";
    case REFUSED: return "refused";
    case UNREACHABLE: return "unreachable";
    case UNSUPPORTED: return "not supported";
    case FAILED: return "failed";
    }
    panic("%u is not a result", (unsigned)result);
}
