/* http_framing.c - Content-Length, Transfer-Encoding, Connection, Expect and Host: the fields on
 * which the two ends of a connection must not disagree.
 *
 * Every doubt is a refusal: a message that a proxy before us could have framed otherwise is how
 * requests are smuggled (RFC 9112 11.2).
 *
 * SPDX-License-Identifier: ISC */
#include "http/http_framing.h"

#include "http/http_characters.h"
#include "http/http_target.h"

#define REFUSE(code, words) ((struct http_refusal){ .status = (code), .why = (words) })
#define ACCEPTED            ((struct http_refusal){ 0 })

static struct http_refusal read_length(struct http_framing *framing, struct view value)
{
    if (framing->has_length) return REFUSE(400, "more than one Content-Length");
    if (value.length_bytes == 0) return REFUSE(400, "an empty Content-Length");
    for (size_t i = 0; i < value.length_bytes; i++) {
        if (value.bytes[i] < '0' || value.bytes[i] > '9')
            return REFUSE(400, "a malformed Content-Length");
    }
    framing->has_length = true;
    /* The greatest value stands for "unknown" elsewhere; nobody sends so much. */
    if (!view_to_u64(value, &framing->content_length) ||
        framing->content_length == HTTP_LENGTH_UNKNOWN)
        return REFUSE(413, "a Content-Length of more than 64 bits");
    return ACCEPTED;
}

static struct http_refusal read_coding(struct http_framing_reader *reader, struct view value)
{
    if (reader->version_minor == 0) return REFUSE(400, "Transfer-Encoding in HTTP/1.0");
    if (reader->framing.chunked) return REFUSE(400, "more than one Transfer-Encoding");
    if (!view_equal_ignoring_case(value, VIEW("chunked")))
        return REFUSE(501, "a transfer coding that is not chunked");
    reader->framing.chunked = true;
    return ACCEPTED;
}

static struct http_refusal read_host(struct http_framing *framing, struct view value)
{
    struct view host;
    uint16_t port;
    if (framing->has_host) return REFUSE(400, "more than one Host");
    /* Empty is what a client sends whose target has no authority (RFC 9112 3.2). */
    if (value.length_bytes > 0 && !http_authority_split(value, &host, &port))
        return REFUSE(400, "a malformed Host");
    framing->has_host = true;
    framing->host = value;
    return ACCEPTED;
}

static struct http_refusal read_expect(struct http_framing_reader *reader, struct view value)
{
    if (!view_equal_ignoring_case(value, VIEW("100-continue")))
        return REFUSE(417, "an unknown expectation");
    reader->framing.expects_continue = reader->version_minor > 0; /* RFC 9110 10.1.1 */
    return ACCEPTED;
}

static struct http_refusal read_connection(struct http_framing_reader *reader, struct view value)
{
    if (http_list_has(value, VIEW("close"))) reader->closes = true;
    if (http_list_has(value, VIEW("keep-alive"))) reader->keeps_alive = true;
    return ACCEPTED;
}

/* `name` is in lower case. The first letter tells most fields apart without a comparison. */
static bool name_is(const struct http_field *field, struct view name)
{
    return (field->name.bytes[0] | 0x20) == name.bytes[0] &&
           view_equal_ignoring_case(field->name, name);
}

struct http_refusal http_framing_read(struct http_framing_reader *reader,
                                      const struct http_field *field)
{
    /* So does the length of the name. */
    switch (field->name.length_bytes) {
    case 4:
        if (!reader->is_response && name_is(field, VIEW("host")))
            return read_host(&reader->framing, field->value);
        break;
    case 6:
        if (!reader->is_response && name_is(field, VIEW("expect")))
            return read_expect(reader, field->value);
        break;
    case 10:
        if (name_is(field, VIEW("connection"))) return read_connection(reader, field->value);
        break;
    case 14:
        if (name_is(field, VIEW("content-length")))
            return read_length(&reader->framing, field->value);
        break;
    case 17:
        if (name_is(field, VIEW("transfer-encoding"))) return read_coding(reader, field->value);
        break;
    default: break;
    }
    return ACCEPTED;
}

struct http_refusal http_framing_finish(struct http_framing_reader *reader,
                                        struct http_framing *framing)
{
    if (reader->framing.chunked && reader->framing.has_length)
        return REFUSE(400, "both Content-Length and Transfer-Encoding");
    reader->framing.persistent = !reader->closes &&
                                 (reader->version_minor > 0 || reader->keeps_alive);
    *framing = reader->framing;
    return ACCEPTED;
}
