/* http_pair_test.c - the conformance suite on http_server and http_fetcher over the host's sockets.
 *
 * SPDX-License-Identifier: ISC */
#include "http/http_suite.h"
#include "http_client/http_pair.h"
#include "target/unix/tcp_socket.h"

static struct tcp_socket sockets;
static struct http_pair pair;

static void sockets_open(struct http_fixture *fixture, struct http **http,
                         struct http_client **client)
{
    (void)fixture;
    expect_ok(tcp_socket_open(&sockets, &(struct tcp_socket_parameters){ .connection_count = 64 }));
    http_pair_open(&pair, &sockets.tcp);
    *http = &pair.server.http;
    *client = &pair.fetcher.http_client;
}

static uint16_t sockets_port(struct http_fixture *fixture)
{
    (void)fixture;
    return http_pair_port(&pair);
}

static void sockets_close(struct http_fixture *fixture)
{
    (void)fixture;
    http_pair_close(&pair);
    tcp_socket_close(&sockets);
}

static struct http_fixture fixture = { .open = sockets_open,
                                       .port = sockets_port,
                                       .close = sockets_close,
                                       .body_bytes_max = HTTP_PAIR_BODY_BYTES };

HTTP_SUITE(http_over_tcp_socket, &fixture)
