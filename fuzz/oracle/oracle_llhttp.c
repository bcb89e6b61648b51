/* oracle_llhttp.c - what llhttp makes of a request.
 *
 * SPDX-License-Identifier: ISC */
#include <llhttp/llhttp.h>

#include "oracle.h"

struct witness {
    llhttp_t parser;
    struct oracle_verdict verdict;
};

static struct witness *witness_of(llhttp_t *parser)
{
    return (struct witness *)parser;
}

static int on_field(llhttp_t *parser)
{
    witness_of(parser)->verdict.field_count++;
    return 0;
}

/* Trailers are fields to llhttp; the body is what separates them. */
static int on_body(llhttp_t *parser, const char *bytes, size_t length_bytes)
{
    struct oracle_verdict *verdict = &witness_of(parser)->verdict;
    verdict->body_sum = oracle_sum(verdict->body_sum, view_from(bytes, length_bytes));
    return 0;
}

static int on_headers(llhttp_t *parser)
{
    struct oracle_verdict *verdict = &witness_of(parser)->verdict;
    verdict->end_bytes = verdict->field_count; /* kept here until the end is known */
    return 0;
}

static int on_whole(llhttp_t *parser)
{
    struct oracle_verdict *verdict = &witness_of(parser)->verdict;
    verdict->kind = ORACLE_WHOLE;
    verdict->field_count = verdict->end_bytes;
    verdict->persistent = llhttp_should_keep_alive(parser) != 0;
    return HPE_PAUSED;
}

struct oracle_verdict oracle_llhttp(struct view request)
{
    static const llhttp_settings_t settings = {
        .on_header_value_complete = on_field,
        .on_headers_complete = on_headers,
        .on_body = on_body,
        .on_message_complete = on_whole,
    };
    static struct witness witness;
    witness = (struct witness){ .verdict = { .kind = ORACLE_PARTIAL } };
    llhttp_init(&witness.parser, HTTP_REQUEST, &settings);
    const char *start = (const char *)request.bytes;
    llhttp_errno_t error = llhttp_execute(&witness.parser, start, request.length_bytes);
    struct oracle_verdict verdict = witness.verdict;
    if (verdict.kind == ORACLE_WHOLE) {
        verdict.end_bytes = (size_t)(llhttp_get_error_pos(&witness.parser) - start);
    } else if (error != HPE_OK) {
        verdict.kind = ORACLE_REFUSED;
        verdict.why = llhttp_get_error_reason(&witness.parser);
    }
    return verdict;
}
