/* http_pair_suite.c - opens a server and a client with their default parameters; see http_pair.h.
 *
 * SPDX-License-Identifier: ISC */
#include "http_client/http_pair.h"
#include "test/test.h"

static enum result http_pair_lookup(struct resolver *resolver, struct view name,
                                    enum address_family family, struct address addresses[],
                                    size_t room, size_t *count, uint64_t deadline_ns)
{
    (void)resolver;
    (void)room;
    (void)deadline_ns;
    size_t before = name.length_bytes > 5 ? name.length_bytes - 5 : 0;
    bool is_ours = view_equal_ignoring_case(view_from_offset(name, before), VIEW(".test"));
    if (family == ADDRESS_IPV6 || !is_ours) return NOT_FOUND;
    addresses[0] = address_loopback(ADDRESS_IPV4);
    *count = 1;
    return OK;
}

static const struct resolver_ops http_pair_resolver_ops = RESOLVER_OPS(http_pair);

static void read_defaults(const struct parameter table[], struct span values)
{
    struct parameter_group group = {
        .device = "http", .prefix = "", .table = table, .values = values
    };
    uint8_t message[256];
    size_t message_bytes;
    expect_ok(parameter_read(&group, 1, NULL, 0, SPAN_OF(message), &message_bytes));
}

void http_pair_open(struct http_pair *pair, struct tcp *tcp)
{
    struct http_server_parameters server;
    struct http_fetcher_parameters fetcher;
    read_defaults(http_server_parameters, SPAN_OF(server));
    read_defaults(http_fetcher_parameters, SPAN_OF(fetcher));
    server.port = 0;
    server.connections_count = 16;
    server.body_bytes = HTTP_PAIR_BODY_BYTES;
    server.access_log = HTTP_ACCESS_LOG_OFF;
    fetcher.connection_count = 4;
    pair->tcp = tcp;
    pair->resolver.resolver.ops = &http_pair_resolver_ops;
    expect_ok(http_server_open(&pair->server, tcp, &server));
    expect_ok(http_fetcher_open(&pair->fetcher, tcp, &pair->resolver.resolver, &fetcher));
}

void http_pair_close(struct http_pair *pair)
{
    http_fetcher_close(&pair->fetcher);
    http_server_close(&pair->server);
}

uint16_t http_pair_port(const struct http_pair *pair)
{
    assert(pair->server.listener != NULL);
    return pair->server.listener->local.port;
}
