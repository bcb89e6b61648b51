/* http_negotiate_test.c - Accept-Encoding and its weights.
 *
 * SPDX-License-Identifier: ISC */
#include "http_pages/http_negotiate.h"

#include "test/test.h"

#define ALL (1u << KV_IDENTITY | 1u << KV_GZIP | 1u << KV_BROTLI)

struct example {
    const char *accepts;
    unsigned available;
    enum kv_coding coding; /* KV_CODINGS: none of them */
};

static const struct example examples[] = {
    { "gzip", ALL, KV_GZIP },
    { "gzip, deflate, br", ALL, KV_BROTLI },
    { "gzip, deflate, br", 1u << KV_IDENTITY | 1u << KV_GZIP, KV_GZIP },
    { "gzip, deflate, br", 1u << KV_IDENTITY, KV_IDENTITY },
    { "deflate", ALL, KV_IDENTITY },
    { "", ALL, KV_IDENTITY },
    { "*", ALL, KV_BROTLI },
    { "*;q=0.5, gzip", ALL, KV_GZIP },
    { "br;q=0.5, gzip;q=0.8", ALL, KV_GZIP },
    { "br;q=0.8,gzip;q=0.8", ALL, KV_BROTLI },
    { "br;q=0.001", ALL, KV_BROTLI },
    { "br;q=0", ALL, KV_IDENTITY },
    { "BR ; Q=1.000", ALL, KV_BROTLI },
    { "x-gzip", ALL, KV_GZIP },
    { "identity, br;q=0.9", ALL, KV_IDENTITY },
    { "identity;q=0.5, gzip;q=0.4", ALL, KV_IDENTITY },
    { "identity;q=0", 1u << KV_IDENTITY, KV_CODINGS },
    { "*;q=0", ALL, KV_CODINGS },
    { "*;q=0, identity", ALL, KV_IDENTITY },
    { "br, *;q=0", 1u << KV_IDENTITY, KV_CODINGS },
    { "gzip;q=1.001", ALL, KV_IDENTITY }, /* malformed weights are none */
    { "gzip;q=2", ALL, KV_IDENTITY },
    { "gzip;q=", ALL, KV_IDENTITY },
    { "gzip;q=0.1234", ALL, KV_IDENTITY },
    { "gzip;q=-1", ALL, KV_IDENTITY },
    { "gzip;level=9;q=0.1, br;q=0.05", ALL, KV_GZIP },
    { ",, ,gzip,", ALL, KV_GZIP },
    { "gzipped", ALL, KV_IDENTITY },
};

TEST(http_negotiate_weighs_what_the_client_accepts)
{
    for (size_t i = 0; i < LENGTH_OF(examples); i++) {
        const struct example *example = &examples[i];
        struct http_field field = { VIEW("Accept-Encoding"),
                                    test_guarded(view_from_string(example->accepts)) };
        struct http_request request = { .fields = &field, .field_count = 1 };
        enum kv_coding coding;
        enum result result = http_negotiate_coding(&request, example->available, &coding);
        enum kv_coding got = result == OK ? coding : KV_CODINGS;
        if (got != example->coding)
            test_fail(__FILE__, __LINE__, "\"%s\" gives %d", example->accepts, (int)got);
    }
}

TEST(http_negotiate_without_the_field_is_identity)
{
    enum kv_coding coding = KV_GZIP;
    expect_ok(http_negotiate_coding(&(struct http_request){ 0 }, ALL, &coding));
    expect_that(coding, ==, KV_IDENTITY);
}

TEST(http_negotiate_reads_every_field_of_the_name)
{
    struct http_field fields[] = { { VIEW("Accept-Encoding"), VIEW("deflate") },
                                   { VIEW("accept-encoding"), VIEW("gzip") } };
    struct http_request request = { .fields = fields, .field_count = 2 };
    enum kv_coding coding;
    expect_ok(http_negotiate_coding(&request, ALL, &coding));
    expect_that(coding, ==, KV_GZIP);
}
