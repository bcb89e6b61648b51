/* udp_socket_receive.c - bursts of datagrams, and what ICMP said, from the host.
 *
 * SPDX-License-Identifier: ISC */
#include <errno.h>
#include <time.h>

#include <linux/errqueue.h>

#include "target/unix/udp_socket.h"

/* ---- what ICMP said ---- */

/* Whether the message tells an error that came over the network, and notes a closed port. */
static bool read_error(struct udp_socket_port *port, struct msghdr *message)
{
    bool came = false;
    for (struct cmsghdr *header = CMSG_FIRSTHDR(message); header != NULL;
         header = CMSG_NXTHDR(message, header)) {
        struct sock_extended_err error;
        bool ipv4 = header->cmsg_level == IPPROTO_IP && header->cmsg_type == IP_RECVERR;
        bool ipv6 = header->cmsg_level == IPPROTO_IPV6 && header->cmsg_type == IPV6_RECVERR;
        if ((!ipv4 && !ipv6) || header->cmsg_len < CMSG_LEN(sizeof error)) continue;
        (void)span_copy(SPAN_OF(error), view_from(CMSG_DATA(header), sizeof error));
        if (error.ee_origin != SO_EE_ORIGIN_ICMP && error.ee_origin != SO_EE_ORIGIN_ICMP6) continue;
        came = true;
        if (error.ee_errno == ECONNREFUSED) port->refused = true;
    }
    return came;
}

bool udp_socket_take_errors(struct udp_socket_port *port)
{
    /* Both families' extended errors may stand there, each with the address of who said it. */
    _Alignas(size_t) uint8_t
        control[2 * CMSG_SPACE(sizeof(struct sock_extended_err) + sizeof(struct sockaddr_in6))];
    bool came = false;
    for (;;) {
        struct msghdr message = { .msg_control = control, .msg_controllen = sizeof control };
        if (recvmsg(port->poll.descriptor, &message, MSG_ERRQUEUE | MSG_DONTWAIT) < 0) break;
        came = read_error(port, &message) || came;
    }
    if (came && port->refused) waiters_wake_all(&port->receivers);
    return came;
}

/* ---- datagrams ---- */

static struct address destination_of(struct msghdr *message)
{
    for (struct cmsghdr *header = CMSG_FIRSTHDR(message); header != NULL;
         header = CMSG_NXTHDR(message, header)) {
        if (header->cmsg_level == IPPROTO_IP && header->cmsg_type == IP_PKTINFO) {
            struct in_pktinfo info;
            (void)span_copy(SPAN_OF(info), view_from(CMSG_DATA(header), sizeof info));
            return socket_address_ipv4(&info.ipi_addr);
        }
        if (header->cmsg_level == IPPROTO_IPV6 && header->cmsg_type == IPV6_PKTINFO) {
            struct in6_pktinfo info;
            (void)span_copy(SPAN_OF(info), view_from(CMSG_DATA(header), sizeof info));
            return socket_address_ipv6(&info.ipi6_addr);
        }
    }
    return (struct address){ 0 };
}

static void prepare_burst(struct udp_socket_burst *burst, const struct datagram_in datagrams[],
                          size_t count)
{
    for (size_t i = 0; i < count; i++) {
        burst->vectors[i] = (struct iovec){ .iov_base = datagrams[i].room.bytes,
                                            .iov_len = datagrams[i].room.length_bytes };
        burst->messages[i] = (struct mmsghdr){
            .msg_hdr = { .msg_name = &burst->addresses[i],
                         .msg_namelen = sizeof burst->addresses[i],
                         .msg_iov = &burst->vectors[i],
                         .msg_iovlen = 1,
                         .msg_control = &burst->controls[i],
                         .msg_controllen = sizeof burst->controls[i] },
        };
    }
}

static void take_datagram(struct udp_socket *udp, struct datagram_in *datagram, size_t index)
{
    struct mmsghdr *message = &udp->burst.messages[index];
    datagram->length_bytes = message->msg_len;
    datagram->truncated = (message->msg_hdr.msg_flags & MSG_TRUNC) != 0;
    datagram->peer = socket_address_endpoint(&udp->burst.addresses[index]);
    datagram->destination = destination_of(&message->msg_hdr);
    udp->truncated_count += datagram->truncated;
}

/* OK: what stood in the way is taken, so ask again. TIMED_OUT: none is there, or the host has no
 * memory to give it. */
static enum result receive_failed(struct udp_socket_port *port, int error)
{
    bool came = error != EAGAIN && udp_socket_take_errors(port);
    if (error == ECONNREFUSED) port->refused = true;
    if (came || error == ECONNREFUSED || error == EINTR) return OK;
    assert(error != EBADF && error != EFAULT && error != EINVAL && error != ENOTSOCK);
    port->maybe_readable = false;
    return TIMED_OUT;
}

/* OK with *received 0: ask again. TIMED_OUT: none is there. */
static enum result receive_burst(struct udp_socket_port *port, struct datagram_in datagrams[],
                                 size_t count, size_t *received)
{
    struct udp_socket *udp = port->udp;
    prepare_burst(&udp->burst, datagrams, count);
    int done = recvmmsg(port->poll.descriptor, udp->burst.messages, (unsigned)count, MSG_DONTWAIT,
                        NULL);
    if (done < 0) return receive_failed(port, errno);
    *received = (size_t)done;
    for (size_t i = 0; i < *received; i++)
        take_datagram(udp, &datagrams[i], i);
    udp->received_count += *received;
    /* One that was missing was asked for, and was not there. */
    if (*received < count) port->maybe_readable = false;
    return OK;
}

enum result udp_socket_port_receive(struct udp_port *base, struct datagram_in datagrams[],
                                    size_t count, size_t *received, uint64_t deadline_ns)
{
    struct udp_socket_port *port = CONTAINER_OF(base, struct udp_socket_port, port);
    bool polls = deadline_ns <= loop_now_ns();
    for (;;) {
        if (port->refused) {
            /* Those that came since are told with it. */
            (void)udp_socket_take_errors(port);
            port->refused = false;
            port->udp->refused_count++;
            return REFUSED;
        }
        if (port->maybe_readable || polls) {
            enum result result = receive_burst(port, datagrams, count, received);
            if (result == OK && *received > 0) return OK;
            if (result == OK) continue;
        }
        enum result waited = waiters_wait(&port->receivers, "udp_receive", deadline_ns);
        if (waited != OK) return waited;
    }
}
