/* http_pair_sim_test.c - the conformance suite on http_server and http_fetcher over tcp_loop, in
 * virtual time.
 *
 * SPDX-License-Identifier: ISC */
#include "http/http_suite.h"
#include "http_client/http_pair.h"
#include "tcp/tcp_loop.h"

static struct tcp_loop loop;
static struct http_pair pair;

static void loop_open(struct http_fixture *fixture, struct http **http, struct http_client **client)
{
    (void)fixture;
    expect_ok(tcp_loop_open(&loop, &(struct tcp_loop_options){ .connection_count = 32,
                                                               .listener_count = 2,
                                                               .buffer_bytes = 4096 }));
    http_pair_open(&pair, &loop.tcp);
    *http = &pair.server.http;
    *client = &pair.fetcher.http_client;
}

static uint16_t loop_port(struct http_fixture *fixture)
{
    (void)fixture;
    return http_pair_port(&pair);
}

static void loop_close(struct http_fixture *fixture)
{
    (void)fixture;
    http_pair_close(&pair);
    tcp_loop_close(&loop);
}

static struct http_fixture fixture = { .open = loop_open,
                                       .port = loop_port,
                                       .close = loop_close,
                                       .body_bytes_max = HTTP_PAIR_BODY_BYTES };

HTTP_SUITE(http_over_tcp_loop, &fixture)
