/* stack_socket_address.c - endpoints and results between Loom and the host.
 *
 * SPDX-License-Identifier: ISC */
#include "target/unix/stack_socket_address.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#define LOG_MODULE "socket"
#include "base/units.h"
#include "log/log.h"

#define IPV4_BYTES       4
#define PRIVILEGED_BELOW 1024

static void set_ipv6(struct sockaddr_in6 *address, const struct endpoint *endpoint)
{
    struct span bytes = SPAN_OF(address->sin6_addr);
    *address = (struct sockaddr_in6){ .sin6_family = AF_INET6, .sin6_port = htons(endpoint->port) };
    if (endpoint->address.family == ADDRESS_IPV6)
        (void)span_copy(bytes, VIEW_OF(endpoint->address.bytes));
    if (endpoint->address.family == ADDRESS_IPV4) {
        address->sin6_addr.s6_addr[10] = address->sin6_addr.s6_addr[11] = 0xff;
        (void)span_copy(span_from_offset(bytes, SOCKET_MAPPED_BYTES),
                        view_from(endpoint->address.bytes, IPV4_BYTES));
    }
}

socklen_t socket_address_set(union socket_address *address, const struct endpoint *endpoint,
                             int family)
{
    if (family == AF_INET6) {
        set_ipv6(&address->ipv6, endpoint);
        return sizeof address->ipv6;
    }
    address->ipv4 = (struct sockaddr_in){ .sin_family = AF_INET,
                                          .sin_port = htons(endpoint->port) };
    (void)span_copy(SPAN_OF(address->ipv4.sin_addr),
                    view_from(endpoint->address.bytes, IPV4_BYTES));
    return sizeof address->ipv4;
}

int socket_family(const struct address *address)
{
    return address->family == ADDRESS_IPV4 ? AF_INET : AF_INET6;
}

struct endpoint socket_local(int descriptor)
{
    union socket_address address = { 0 };
    socklen_t length = sizeof address;
    if (getsockname(descriptor, &address.any, &length) != 0) return (struct endpoint){ 0 };
    return socket_address_endpoint(&address);
}

static bool set_option(int descriptor, int level, int name, int value)
{
    return setsockopt(descriptor, level, name, &value, sizeof value) == 0;
}

/* SO_REUSEADDR lets a server start again while connections of the last one are in TIME-WAIT; for
 * UDP it would let another process take datagrams away. */
static bool prepare_bind(int descriptor, int type, int family, bool both)
{
    if (family == AF_INET6 && !set_option(descriptor, IPPROTO_IPV6, IPV6_V6ONLY, !both))
        return false;
    return type != SOCK_STREAM || set_option(descriptor, SOL_SOCKET, SO_REUSEADDR, 1);
}

static int bind_family(const struct endpoint *local, int type, int family)
{
    union socket_address address;
    socklen_t length = socket_address_set(&address, local, family);
    int descriptor = socket(family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (descriptor < 0) return -1;
    if (prepare_bind(descriptor, type, family, local->address.family == ADDRESS_ANY) &&
        bind(descriptor, &address.any, length) == 0)
        return descriptor;
    int error = errno;
    (void)close(descriptor);
    errno = error;
    return -1;
}

int socket_bind(const struct endpoint *local, int type, int *family)
{
    *family = socket_family(&local->address);
    int descriptor = bind_family(local, type, *family);
    bool lacks_ipv6 = descriptor < 0 && (errno == EAFNOSUPPORT || errno == EADDRNOTAVAIL);
    if (!lacks_ipv6 || local->address.family != ADDRESS_ANY) return descriptor;
    *family = AF_INET;
    return bind_family(local, type, *family);
}

static const struct {
    int error;
    enum result result;
} results[] = {
    { EADDRINUSE, EXISTS },
    { EACCES, DENIED },
    { EPERM, DENIED },
    { EADDRNOTAVAIL, UNREACHABLE },
    { EAFNOSUPPORT, UNREACHABLE },
    { ENETUNREACH, UNREACHABLE },
    { EHOSTUNREACH, UNREACHABLE },
    { ENETDOWN, UNREACHABLE },
    { EHOSTDOWN, UNREACHABLE },
    { ETIMEDOUT, UNREACHABLE },
    { ECONNREFUSED, REFUSED },
    { EMFILE, FULL },
    { ENFILE, FULL },
    { ENOBUFS, FULL },
    { ENOMEM, FULL },
    { EAGAIN, FULL },
    { EMSGSIZE, TOO_LARGE },
    { EINVAL, INVALID },
};

enum result socket_result(int error)
{
    for (size_t i = 0; i < LENGTH_OF(results); i++) {
        if (results[i].error == error) return results[i].result;
    }
    return FAILED;
}

static const char *remedy(const struct endpoint *local, int error)
{
    if ((error == EACCES || error == EPERM) && local->port < PRIVILEGED_BELOW)
        return "ports below 1024 need root or CAP_NET_BIND_SERVICE; try --port=8080";
    if (error == EADDRINUSE) return "choose another port, or see with `ss -lnp` who has it";
    if (error == EADDRNOTAVAIL) return "`ip address` shows the addresses that this host has";
    if (error == EAFNOSUPPORT) return "this host has no IPv6; give an IPv4 address";
    if (error == EMFILE) return "raise the limit of descriptors: ulimit -n";
    return "see the host's log";
}

void socket_complain(const char *action, const struct endpoint *local, int error)
{
    uint8_t text[ENDPOINT_TEXT_MAX];
    struct writer writer = writer_over(SPAN_OF(text));
    writer_put_endpoint(&writer, local);
    log_error("cannot %s %.*s: %s (%s)", action, VIEW_FORMAT(writer_view(&writer)), strerror(error),
              remedy(local, error));
}
