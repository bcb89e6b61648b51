/* stack_socket_address.h - between Loom's endpoints and results and the host's.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_STACK_SOCKET_ADDRESS_H
#define LOOM_STACK_SOCKET_ADDRESS_H

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "ip/address.h"

/* Of ::ffff:0:0/96, before the IPv4 address (RFC 4291 2.5.5.2). */
#define SOCKET_MAPPED_BYTES 12

union socket_address {
    struct sockaddr any;
    struct sockaddr_in ipv4;
    struct sockaddr_in6 ipv6;
};

/* The bytes of a view, to be sent. The host's structure serves receiving too, and so is not const.
 */
static inline struct iovec socket_iovec(struct view view)
{
    struct iovec vector = { .iov_len = view.length_bytes };
    __builtin_memcpy(&vector.iov_base, &view.bytes, sizeof vector.iov_base);
    return vector;
}

/* Fills `address` for a socket of `family` (AF_INET, AF_INET6) and gives its length; on a socket of
 * AF_INET6 an IPv4 address becomes a mapped one (RFC 4291 2.5.5.2), and any becomes that family's
 * wildcard. */
socklen_t socket_address_set(union socket_address *address, const struct endpoint *endpoint,
                             int family);

/* The other way; a mapped address is the IPv4 address that it stands for. In the header, because
 * resolver_host has no other need of the sockets' files. */
static inline struct address socket_address_ipv4(const struct in_addr *from)
{
    struct address address = { .family = ADDRESS_IPV4 };
    (void)span_copy(SPAN_OF(address.bytes), VIEW_OF(*from));
    return address;
}

static inline struct address socket_address_ipv6(const struct in6_addr *from)
{
    struct address address = { .family = ADDRESS_IPV6 };
    if (IN6_IS_ADDR_V4MAPPED(from)) {
        address.family = ADDRESS_IPV4;
        (void)span_copy(SPAN_OF(address.bytes),
                        view_from_offset(VIEW_OF(*from), SOCKET_MAPPED_BYTES));
        return address;
    }
    (void)span_copy(SPAN_OF(address.bytes), VIEW_OF(*from));
    return address;
}

static inline struct endpoint socket_address_endpoint(const union socket_address *address)
{
    struct endpoint endpoint = { 0 };
    if (address->any.sa_family == AF_INET) {
        endpoint.address = socket_address_ipv4(&address->ipv4.sin_addr);
        endpoint.port = ntohs(address->ipv4.sin_port);
    } else if (address->any.sa_family == AF_INET6) {
        endpoint.address = socket_address_ipv6(&address->ipv6.sin6_addr);
        endpoint.port = ntohs(address->ipv6.sin6_port);
    }
    return endpoint;
}

/* The family of the socket that can reach or have this address: AF_INET or AF_INET6. */
int socket_family(const struct address *address);

/* The local address of a socket. */
struct endpoint socket_local(int descriptor);

/* A socket bound to `local`, or below 0 with errno. One without an address takes both families
 * where the host has them; *family is what it became. */
int socket_bind(const struct endpoint *local, int type, int *family);

/* What an errno of socket, bind, listen or connect means to a caller. */
enum result socket_result(int error);

/* Says that `action` ("listen on") failed on `local`, why, and what helps. */
void socket_complain(const char *action, const struct endpoint *local, int error);

#endif
