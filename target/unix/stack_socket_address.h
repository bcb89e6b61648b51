/* stack_socket_address.h - between Loom's endpoints and results and the host's.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_STACK_SOCKET_ADDRESS_H
#define LOOM_STACK_SOCKET_ADDRESS_H

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "ip/address.h"

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

/* The other way; a mapped address is the IPv4 address that it stands for. */
struct endpoint socket_address_endpoint(const union socket_address *address);

struct address socket_address_ipv4(const struct in_addr *from);
struct address socket_address_ipv6(const struct in6_addr *from);

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
