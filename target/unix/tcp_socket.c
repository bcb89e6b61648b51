/* tcp_socket.c - TCP over the sockets of the host: its pools, parameters and figures.
 *
 * SPDX-License-Identifier: ISC */
#include "target/unix/tcp_socket.h"

#include <netinet/in.h>
#include <netinet/ip.h>

#include "target/memory.h"

const struct parameter tcp_socket_parameters[] = {
    PARAMETER_NUMBER(struct tcp_socket_parameters, connection_count, "tcp-connections", "16384", 1,
                     1000000, "TCP connections open at once"),
    PARAMETER_NUMBER(struct tcp_socket_parameters, borrow_buffer_count, "tcp-borrow-buffers", "64",
                     0, 65536, "buffers of 16 KiB for received bytes that are borrowed"),
    PARAMETER_END,
};

static const struct metric tcp_socket_metrics[] = {
    METRIC_GAUGE(struct tcp_socket, connections_open, "tcp_connections",
                 "TCP connections open now."),
    METRIC_COUNTER(struct tcp_socket, accepted_count, "tcp_accepted_total",
                   "TCP connections accepted."),
    METRIC_COUNTER(struct tcp_socket, connected_count, "tcp_connected_total",
                   "TCP connections made to others."),
    METRIC_COUNTER(struct tcp_socket, no_room_count, "tcp_no_room_total",
                   "Times that a TCP connection found no room here."),
    METRIC_COUNTER(struct tcp_socket, read_bytes, "tcp_read_bytes_total", "Bytes read from TCP."),
    METRIC_COUNTER(struct tcp_socket, written_bytes, "tcp_written_bytes_total",
                   "Bytes written to TCP."),
    METRIC_END,
};

/* ---- the pools ---- */

bool tcp_socket_has_room(const struct tcp_socket *tcp)
{
    return !list_is_empty(&tcp->free_flows) || tcp->flows_touched_count < tcp->flow_count;
}

struct flow_socket *tcp_socket_take_flow(struct tcp_socket *tcp)
{
    if (!tcp_socket_has_room(tcp)) {
        tcp->no_room_count++;
        return NULL;
    }
    tcp->connections_open++;
    struct list_node *node = list_take(&tcp->free_flows);
    if (node != NULL) return CONTAINER_OF(node, struct flow_socket, node);
    return &tcp->flows[tcp->flows_touched_count++];
}

void tcp_socket_give_flow(struct tcp_socket *tcp, struct flow_socket *socket)
{
    list_prepend(&tcp->free_flows, &socket->node);
    tcp->connections_open--;
}

struct span tcp_socket_take_buffer(struct tcp_socket *tcp)
{
    /* A free buffer holds the node that links it. */
    struct list_node *node = list_take(&tcp->free_buffers);
    if (node != NULL) return span_from(node, FLOW_SOCKET_BUFFER_BYTES);
    if (tcp->buffers_touched_count == tcp->buffer_count) return (struct span){ 0 };
    size_t offset_bytes = tcp->buffers_touched_count++ * FLOW_SOCKET_BUFFER_BYTES;
    return span_first(span_from_offset(tcp->buffer_memory, offset_bytes), FLOW_SOCKET_BUFFER_BYTES);
}

void tcp_socket_give_buffer(struct tcp_socket *tcp, struct span buffer)
{
    if (buffer.length_bytes == 0) return;
    struct list_node *node = (void *)buffer.bytes;
    *node = (struct list_node){ 0 };
    list_prepend(&tcp->free_buffers, node);
}

/* ---- options ---- */

/* A socket of IPv6 may have a peer of IPv4, and one of IPv4 knows only its own option. */
void tcp_socket_set_traffic_class(int descriptor, uint8_t traffic_class)
{
    const int value = traffic_class;
    if (traffic_class == 0) return;
    (void)setsockopt(descriptor, IPPROTO_IP, IP_TOS, &value, sizeof value);
    (void)setsockopt(descriptor, IPPROTO_IPV6, IPV6_TCLASS, &value, sizeof value);
}

/* ---- opening ---- */

static const struct tcp_ops tcp_socket_ops = TCP_OPS(tcp_socket);

enum result tcp_socket_open(struct tcp_socket *tcp, const struct tcp_socket_parameters *parameters)
{
    *tcp = (struct tcp_socket){
        .tcp.ops = &tcp_socket_ops,
        .flow_count = parameters->connection_count,
        .buffer_count = parameters->borrow_buffer_count,
    };
    list_init(&tcp->free_flows);
    list_init(&tcp->free_buffers);
    enum result result = memory_take(tcp->flow_count * sizeof(struct flow_socket),
                                     &tcp->flow_memory);
    if (result == OK && tcp->buffer_count > 0)
        result = memory_take(tcp->buffer_count * FLOW_SOCKET_BUFFER_BYTES, &tcp->buffer_memory);
    if (result != OK) {
        memory_give_back(tcp->flow_memory);
        return result;
    }
    tcp->flows = (void *)tcp->flow_memory.bytes;
    metrics_register(&tcp->metrics, "tcp", tcp_socket_metrics, SPAN_OF(*tcp));
    return OK;
}

void tcp_socket_close(struct tcp_socket *tcp)
{
    assert_that(tcp->connections_open, ==, 0);
    for (size_t i = 0; i < TCP_SOCKET_LISTENERS; i++)
        assert(!tcp->listeners[i].used);
    metrics_withdraw(&tcp->metrics);
    memory_give_back(tcp->flow_memory);
    memory_give_back(tcp->buffer_memory);
}
