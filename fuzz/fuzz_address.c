/* fuzz_address.c - what is taken for an address or an endpoint is written in one form, and read
 * back from it as the same.
 *
 * SPDX-License-Identifier: ISC */
#include "ip/address.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length_bytes);

static void check_address(struct view text)
{
    struct address address, again;
    if (address_parse(text, &address) != OK) return;
    uint8_t room[ADDRESS_TEXT_MAX], second_room[ADDRESS_TEXT_MAX];
    struct writer written = writer_over(SPAN_OF(room));
    writer_put_address(&written, &address);
    assert(!written.ran_short);
    assert(address_parse(writer_view(&written), &again) == OK);
    assert(address_equal(&address, &again));

    struct writer second = writer_over(SPAN_OF(second_room));
    writer_put_address(&second, &again);
    assert(view_equal(writer_view(&written), writer_view(&second)));
}

static void check_endpoint(struct view text)
{
    struct endpoint endpoint, again;
    if (endpoint_parse(text, &endpoint) != OK) return;
    uint8_t room[ENDPOINT_TEXT_MAX];
    struct writer written = writer_over(SPAN_OF(room));
    writer_put_endpoint(&written, &endpoint);
    assert(!written.ran_short);
    assert(endpoint_parse(writer_view(&written), &again) == OK);
    assert(endpoint_equal(&endpoint, &again));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length_bytes)
{
    struct view text = view_from(bytes, length_bytes);
    check_address(text);
    check_endpoint(text);
    return 0;
}
