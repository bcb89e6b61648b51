/* net_tap_open.c - from an interface's name, or from a descriptor that is one already, to a net.
 *
 * SPDX-License-Identifier: ISC */
#include <fcntl.h>
#include <linux/if_tun.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/writer.h"
#include "target/unix/net_tap.h"

#define LOG_MODULE "net"
#include "log/log.h"

#define MTU_DEFAULT 1500

static_assert(sizeof(((struct net_tap *)0)->name) == sizeof(((struct net_tap_interface *)0)->name),
              "a name of an interface");

static struct mac mac_of(struct view name, const struct net_tap_options *options)
{
    static const struct mac none = { 0 };
    return view_equal(VIEW_OF(options->mac), VIEW_OF(none)) ? net_tap_mac(name) : options->mac;
}

/* ---- an interface ---- */

/* What the host does both ways, as far as it lets us choose. */
static uint8_t negotiate(int descriptor)
{
    const int header_bytes = sizeof(struct net_tap_header);
    const uint8_t checksums = NET_SENDS_CHECKSUMS | NET_RECEIVES_CHECKSUMS;
    (void)ioctl(descriptor, TUNSETVNETHDRSZ, &header_bytes); /* somebody may have had it longer */
    if (ioctl(descriptor, TUNSETOFFLOAD, TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6 | TUN_F_TSO_ECN) == 0)
        return checksums | NET_SENDS_SEGMENTS_IPV4 | NET_SENDS_SEGMENTS_IPV6 |
               NET_RECEIVES_SEGMENTS;
    (void)ioctl(descriptor, TUNSETOFFLOAD, 0);
    return checksums;
}

static void init_interface(struct net_tap *tap, const struct net_tap_interface *interface,
                           const struct net_tap_options *options)
{
    struct net_tap_shape shape = {
        .link = interface->link,
        .offloads = interface->has_header ? negotiate(interface->descriptor) : 0,
        .has_header = interface->has_header,
        .mtu_bytes = options->mtu_bytes != 0 ? options->mtu_bytes : interface->mtu_bytes,
        .mac = mac_of(view_from_string((const char *)interface->name), options),
    };
    net_tap_init(tap, interface->descriptor, &shape);
    (void)span_copy(SPAN_OF(tap->name), VIEW_OF(interface->name));
    net_tap_interface_warn_if_down(interface);
}

enum result net_tap_open(struct net_tap *tap, struct view name,
                         const struct net_tap_options *options)
{
    struct net_tap_interface interface;
    enum result result = net_tap_interface_open(&interface, name);
    if (result == OK) init_interface(tap, &interface, options);
    return result;
}

/* ---- a descriptor ---- */

static void init_socket(struct net_tap *tap, int descriptor, const struct net_tap_options *options)
{
    uint8_t room[sizeof tap->name - 1];
    struct view name = format(SPAN_OF(room), "fd:%d", descriptor);
    struct net_tap_shape shape = {
        .link = NET_ETHERNET,
        .mtu_bytes = options->mtu_bytes != 0 ? options->mtu_bytes : MTU_DEFAULT,
        .mac = mac_of(name, options),
    };
    net_tap_init(tap, descriptor, &shape);
    (void)span_copy(SPAN_OF(tap->name), name);
}

enum result net_tap_open_descriptor(struct net_tap *tap, int descriptor,
                                    const struct net_tap_options *options)
{
    struct net_tap_interface interface;
    enum result result = net_tap_interface_of(&interface, descriptor);
    if (result == OK) {
        init_interface(tap, &interface, options);
        return OK;
    }
    if (result == NOT_FOUND && net_tap_is_socket_of_frames(descriptor)) {
        init_socket(tap, descriptor, options);
        return OK;
    }
    if (result == NOT_FOUND)
        log_error("fd:%d is no tap and no socket; hand over an open tap, or a socket that carries "
                  "frames",
                  descriptor);
    if (fcntl(descriptor, F_GETFD) >= 0) (void)close(descriptor);
    return UNSUPPORTED;
}
