/* embed_address.c - addresses and results, between the public form and our own.
 *
 * SPDX-License-Identifier: ISC */
#include "embed/embed.h"

static_assert((int)LOOM_ANY == ADDRESS_ANY && (int)LOOM_IPV4 == ADDRESS_IPV4 &&
                  (int)LOOM_IPV6 == ADDRESS_IPV6,
              "families have the same numbers");

struct address address_from_public(const struct loom_address *address)
{
    struct address own = { .family = address->family };
    __builtin_memcpy(own.bytes, address->bytes, sizeof own.bytes);
    return own;
}

struct endpoint endpoint_from_public(const struct loom_endpoint *endpoint)
{
    return (struct endpoint){ .address = address_from_public(&endpoint->address),
                              .port = endpoint->port };
}

struct loom_address address_to_public(const struct address *address)
{
    struct loom_address public = { .family = address->family };
    __builtin_memcpy(public.bytes, address->bytes, sizeof public.bytes);
    return public;
}

struct loom_endpoint endpoint_to_public(const struct endpoint *endpoint)
{
    return (struct loom_endpoint){ .address = address_to_public(&endpoint->address),
                                   .port = endpoint->port };
}

bool address_is_usable(const struct loom_address *address, bool may_be_any)
{
    return address->family == LOOM_IPV4 || (may_be_any && address->family == LOOM_ANY);
}

enum loom_result loom_address_parse(const char *text, struct loom_address *address)
{
    struct address own;
    if (address_parse(view_from_string(text), &own) != OK) return LOOM_INVALID;
    *address = address_to_public(&own);
    return LOOM_OK;
}

enum loom_result loom_endpoint_parse(const char *text, struct loom_endpoint *endpoint)
{
    struct endpoint own;
    if (endpoint_parse(view_from_string(text), &own) != OK) return LOOM_INVALID;
    *endpoint = endpoint_to_public(&own);
    return LOOM_OK;
}

size_t loom_endpoint_text(const struct loom_endpoint *endpoint, char *room, size_t room_bytes)
{
    if (room_bytes == 0) return 0;
    struct endpoint own = endpoint_from_public(endpoint);
    struct span text = span_from(room, room_bytes - 1);
    struct writer writer = writer_over(text);
    writer_put_endpoint(&writer, &own);
    size_t length_bytes = writer_view(&writer).length_bytes;
    span_fill(span_first(span_from_offset(span_from(room, room_bytes), length_bytes), 1), 0);
    return length_bytes;
}

/* ---- results ---- */

enum loom_result result_to_public(enum result result)
{
    switch (result) {
    case OK: return LOOM_OK;
    case CLOSED: return LOOM_CLOSED;
    case TIMED_OUT: return LOOM_TIMED_OUT;
    case CANCELLED: return LOOM_CLOSED;
    case FULL: return LOOM_FULL;
    case TOO_LARGE: return LOOM_TOO_LARGE;
    case INVALID: return LOOM_INVALID;
    case NOT_FOUND: return LOOM_NOT_FOUND;
    case EXISTS: return LOOM_EXISTS;
    case DENIED: return LOOM_DENIED;
    case REFUSED: return LOOM_REFUSED;
    case UNREACHABLE: return LOOM_UNREACHABLE;
    case UNSUPPORTED: return LOOM_INVALID;
    case FAILED: return LOOM_RESET;
    }
    panic("%u is not a result", (unsigned)result);
}

const char *loom_result_text(enum loom_result result)
{
    switch (result) {
    case LOOM_OK: return "ok";
    case LOOM_AGAIN: return "not now";
    case LOOM_CLOSED: return "closed";
    case LOOM_TIMED_OUT: return "timed out";
    case LOOM_RESET: return "reset by the peer";
    case LOOM_REFUSED: return "refused";
    case LOOM_UNREACHABLE: return "unreachable";
    case LOOM_EXISTS: return "exists already";
    case LOOM_DENIED: return "denied";
    case LOOM_FULL: return "full";
    case LOOM_TOO_LARGE: return "too large";
    case LOOM_INVALID: return "malformed, or not possible in this state";
    case LOOM_NOT_FOUND: return "not found";
    case LOOM_NO_MEMORY: return "out of memory";
    }
    return "no result of this library";
}

const char *loom_tcp_state_text(enum loom_tcp_state state)
{
    switch (state) {
    case LOOM_TCP_CLOSED: return "CLOSED";
    case LOOM_TCP_LISTEN: return "LISTEN";
    case LOOM_TCP_SYN_SENT: return "SYN-SENT";
    case LOOM_TCP_SYN_RECEIVED: return "SYN-RECEIVED";
    case LOOM_TCP_ESTABLISHED: return "ESTABLISHED";
    case LOOM_TCP_FIN_WAIT_1: return "FIN-WAIT-1";
    case LOOM_TCP_FIN_WAIT_2: return "FIN-WAIT-2";
    case LOOM_TCP_CLOSE_WAIT: return "CLOSE-WAIT";
    case LOOM_TCP_CLOSING: return "CLOSING";
    case LOOM_TCP_LAST_ACK: return "LAST-ACK";
    case LOOM_TCP_TIME_WAIT: return "TIME-WAIT";
    }
    return "no state of TCP";
}
