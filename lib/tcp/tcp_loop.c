/* tcp_loop.c - a TCP inside the process: opening, connecting, and the pool of connections.
 *
 * SPDX-License-Identifier: ISC */
#include "tcp/tcp_loop.h"

#include "target/memory.h"
#include "tcp/tcp_loop_private.h"

#define EPHEMERAL_FIRST 49152 /* RFC 6335 6 */

bool tcp_loop_has_address(const struct address *address)
{
    if (address->family == ADDRESS_ANY) return true;
    struct address loopback = address_loopback(address->family);
    return address_equal(address, &loopback);
}

uint16_t tcp_loop_take_port(struct tcp_loop *loop)
{
    if (loop->next_port < EPHEMERAL_FIRST) loop->next_port = EPHEMERAL_FIRST;
    return loop->next_port++;
}

static void connection_ended(struct flow_memory *pair)
{
    struct tcp_loop_connection *connection = CONTAINER_OF(pair, struct tcp_loop_connection, pair);
    list_prepend(&connection->loop->free, &connection->node);
    connection->loop->open_count--;
}

static struct tcp_loop_connection *take_connection(struct tcp_loop *loop)
{
    struct list_node *node = list_take(&loop->free);
    if (node == NULL) return NULL;
    struct tcp_loop_connection *connection = CONTAINER_OF(node, struct tcp_loop_connection, node);
    size_t buffer_bytes = loop->options.buffer_bytes;
    flow_memory_connect(&connection->pair, span_first(connection->buffers, buffer_bytes),
                        span_from_offset(connection->buffers, buffer_bytes));
    connection->pair.ended = connection_ended;
    loop->open_count++;
    return connection;
}

static void set_endpoints(struct tcp_loop_connection *connection, const struct endpoint *local,
                          const struct endpoint *peer)
{
    struct flow *client = flow_memory_end(&connection->pair, 0);
    struct flow *server = flow_memory_end(&connection->pair, 1);
    client->local = server->peer = *local;
    client->peer = server->local = *peer;
}

static struct endpoint choose_local(struct tcp_loop *loop, const struct endpoint *peer,
                                    const struct connect_options *options)
{
    struct endpoint local = options != NULL ? options->local : (struct endpoint){ 0 };
    if (local.address.family == ADDRESS_ANY) local.address = address_loopback(peer->address.family);
    if (local.port == 0) local.port = tcp_loop_take_port(loop);
    return local;
}

/* A listener may close, or another take its port, while the attempt waits: so it looks again each
 * time. */
static enum result find_room(struct tcp_loop *loop, const struct endpoint *peer,
                             struct tcp_loop_listener **listener, uint64_t deadline_ns)
{
    while ((*listener = tcp_loop_find_listener(loop, peer)) != NULL) {
        if (!(*listener)->drained && (*listener)->backlog_count < (*listener)->backlog_max)
            return OK;
        enum result result = waiters_wait(&(*listener)->connectors, "tcp_connect", deadline_ns);
        if (result != OK) return result;
    }
    return REFUSED;
}

static enum result tcp_loop_connect(struct tcp *tcp, const struct endpoint *peer,
                                    const struct connect_options *options, struct flow **flow,
                                    uint64_t deadline_ns)
{
    struct tcp_loop *loop = CONTAINER_OF(tcp, struct tcp_loop, tcp);
    struct tcp_loop_listener *listener;
    struct endpoint local = choose_local(loop, peer, options);
    if (!tcp_loop_has_address(&peer->address) || local.address.family != peer->address.family ||
        !tcp_loop_has_address(&local.address))
        return UNREACHABLE;
    enum result result = find_room(loop, peer, &listener, deadline_ns);
    if (result != OK) return result;
    struct tcp_loop_connection *connection = take_connection(loop);
    if (connection == NULL) return FULL;
    set_endpoints(connection, &local, peer);
    tcp_loop_offer(listener, connection);
    *flow = flow_memory_end(&connection->pair, 0);
    return OK;
}

static const struct tcp_ops tcp_loop_ops = TCP_OPS(tcp_loop);

static void lay_out_connections(struct tcp_loop *loop)
{
    size_t buffers_bytes = 2 * loop->options.buffer_bytes;
    loop->connections = (void *)loop->connection_memory.bytes;
    list_init(&loop->free);
    for (size_t i = 0; i < loop->options.connection_count; i++) {
        struct tcp_loop_connection *connection = &loop->connections[i];
        connection->loop = loop;
        connection->buffers = span_first(span_from_offset(loop->buffer_memory, i * buffers_bytes),
                                         buffers_bytes);
        list_append(&loop->free, &connection->node);
    }
}

enum result tcp_loop_open(struct tcp_loop *loop, const struct tcp_loop_options *options)
{
    *loop = (struct tcp_loop){ .tcp.ops = &tcp_loop_ops, .options = *options };
    size_t connections_bytes = options->connection_count * sizeof(struct tcp_loop_connection);
    size_t listeners_bytes = options->listener_count * sizeof(struct tcp_loop_listener);
    size_t buffers_bytes = options->connection_count * 2 * options->buffer_bytes;
    enum result result = memory_take(connections_bytes, &loop->connection_memory);
    if (result == OK) result = memory_take(listeners_bytes, &loop->listener_memory);
    if (result == OK) result = memory_take(buffers_bytes, &loop->buffer_memory);
    if (result != OK) {
        tcp_loop_close(loop);
        return result;
    }
    loop->listeners = (void *)loop->listener_memory.bytes;
    lay_out_connections(loop);
    return OK;
}

void tcp_loop_close(struct tcp_loop *loop)
{
    assert_that(loop->open_count, ==, 0);
    memory_give_back(loop->connection_memory);
    memory_give_back(loop->listener_memory);
    memory_give_back(loop->buffer_memory);
    *loop = (struct tcp_loop){ 0 };
}
