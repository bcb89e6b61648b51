/* udp_socket_send.c - bursts of datagrams to the host.
 *
 * SPDX-License-Identifier: ISC */
#include <errno.h>
#include <string.h>

#include "target/unix/udp_socket.h"

static struct in_pktinfo pktinfo_ipv4(const struct address *source)
{
    struct in_pktinfo info = { 0 };
    (void)span_copy(SPAN_OF(info.ipi_spec_dst), view_from(source->bytes, sizeof info.ipi_spec_dst));
    return info;
}

static struct in6_pktinfo pktinfo_ipv6(const struct address *source)
{
    const struct endpoint endpoint = { .address = *source };
    union socket_address address;
    (void)socket_address_set(&address, &endpoint, AF_INET6);
    return (struct in6_pktinfo){ .ipi6_addr = address.ipv6.sin6_addr };
}

/* Asks the host to send from this address. */
static void set_source(struct msghdr *message, struct udp_socket_control *control, int family,
                       const struct address *source)
{
    struct in_pktinfo ipv4 = pktinfo_ipv4(source);
    struct in6_pktinfo ipv6 = pktinfo_ipv6(source);
    bool is_ipv4 = family == AF_INET;
    struct view info = is_ipv4 ? VIEW_OF(ipv4) : VIEW_OF(ipv6);
    *control = (struct udp_socket_control){ 0 };
    message->msg_control = control;
    message->msg_controllen = CMSG_SPACE(info.length_bytes);
    struct cmsghdr *header = CMSG_FIRSTHDR(message);
    header->cmsg_level = is_ipv4 ? IPPROTO_IP : IPPROTO_IPV6;
    header->cmsg_type = is_ipv4 ? IP_PKTINFO : IPV6_PKTINFO;
    header->cmsg_len = CMSG_LEN(info.length_bytes);
    (void)span_copy(span_from(CMSG_DATA(header), info.length_bytes), info);
}

/* What no system call need find out. */
static enum result check(const struct udp_socket_port *port, const struct datagram_out *datagram)
{
    uint8_t family = datagram->peer.address.family;
    uint8_t source = datagram->source.family;
    if (family == ADDRESS_ANY || datagram->peer.port == 0) return INVALID;
    if (source != ADDRESS_ANY && source != family) return INVALID;
    if (datagram->bytes.length_bytes > UDP_PAYLOAD_MAX) return TOO_LARGE;
    return port->family == AF_INET && family == ADDRESS_IPV6 ? UNREACHABLE : OK;
}

static void prepare(struct udp_socket_port *port, const struct datagram_out *datagram, size_t index)
{
    struct udp_socket_burst *burst = &port->udp->burst;
    union socket_address *address = &burst->addresses[index];
    burst->vectors[index] = socket_iovec(datagram->bytes);
    burst->messages[index] = (struct mmsghdr){
        .msg_hdr = { .msg_name = address,
                     .msg_namelen = socket_address_set(address, &datagram->peer, port->family),
                     .msg_iov = &burst->vectors[index],
                     .msg_iovlen = 1 },
    };
    if (datagram->source.family != ADDRESS_ANY)
        set_source(&burst->messages[index].msg_hdr, &burst->controls[index], port->family,
                   &datagram->source);
}

/* How many of the burst's first datagrams can be tried; *result speaks of the one behind them. */
static size_t prepare_burst(struct udp_socket_port *port, const struct datagram_out datagrams[],
                            size_t count, enum result *result)
{
    for (size_t i = 0; i < count; i++) {
        *result = check(port, &datagrams[i]);
        if (*result != OK) return i;
        prepare(port, &datagrams[i], i);
    }
    return count;
}

/* TIMED_OUT: there is no room. ENOBUFS is how a host that was asked for errors (IP_RECVERR) says
 * that a queue of its own dropped the datagram: one of those that are lost on the way. EINVAL is
 * what it says of a source that it does not have. */
static enum result send_burst(struct udp_socket_port *port, size_t count, size_t *sent)
{
    for (;;) {
        int done = sendmmsg(port->poll.descriptor, port->udp->burst.messages, (unsigned)count,
                            MSG_NOSIGNAL);
        int error = errno;
        *sent = done > 0 ? (size_t)done : 0;
        if (done > 0) return OK;
        if (error == EAGAIN) return TIMED_OUT;
        if (error == ENOBUFS) {
            *sent = 1;
            return OK;
        }
        /* What was said of an earlier datagram is not of this one. */
        if (error == EINTR || udp_socket_take_errors(port)) continue;
        return error == EINVAL ? UNREACHABLE : socket_result(error);
    }
}

enum result udp_socket_port_send(struct udp_port *base, const struct datagram_out datagrams[],
                                 size_t count, size_t *sent, uint64_t deadline_ns)
{
    struct udp_socket_port *port = CONTAINER_OF(base, struct udp_socket_port, port);
    for (;;) {
        enum result result = OK;
        size_t prepared = prepare_burst(port, datagrams, count, &result);
        if (prepared == 0) return result;
        result = send_burst(port, prepared, sent);
        port->udp->sent_count += *sent;
        if (result != TIMED_OUT) return result;
        result = waiters_wait(&port->senders, "udp_send", deadline_ns);
        if (result != OK) return result;
    }
}
