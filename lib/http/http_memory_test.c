/* http_memory_test.c - the conformance suite on http_memory.
 *
 * SPDX-License-Identifier: ISC */
#include "http/http_memory.h"

#include "http/http_suite.h"

static struct http_memory memory;

static void memory_open(struct http_fixture *fixture, struct http **http,
                        struct http_client **client)
{
    expect_ok(http_memory_open(
        &memory, &(struct http_memory_options){ .body_bytes_max = fixture->body_bytes_max }));
    *http = &memory.http;
    *client = &memory.http_client;
}

static uint16_t memory_port(struct http_fixture *fixture)
{
    (void)fixture;
    return 8080;
}

static void memory_close(struct http_fixture *fixture)
{
    (void)fixture;
    http_memory_close(&memory);
}

static struct http_fixture fixture = {
    .open = memory_open, .port = memory_port, .close = memory_close, .body_bytes_max = MIB
};

HTTP_SUITE(http_memory, &fixture)

TEST(http_memory_refuses_when_nobody_serves)
{
    uint8_t room[64];
    struct http *http;
    struct http_client *client;
    memory_open(&fixture, &http, &client);
    struct http_fetch fetch = { .url = VIEW("http://www.test/"), .deadline_ns = NEVER };
    struct http_fetched fetched = { .room = SPAN_OF(room) };
    expect_result(http_fetch(client, &fetch, &fetched, NULL), REFUSED);
    memory_close(&fixture);
}
