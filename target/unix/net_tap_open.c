/* net_tap_open.c - from an interface's name, or from a descriptor that is one already, to a net.
 *
 * SPDX-License-Identifier: ISC */
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/siphash.h"
#include "base/writer.h"
#include "target/unix/net_tap.h"

#define LOG_MODULE "net"
#include "log/log.h"

#define MTU_DEFAULT 1500
#define MTU_LEAST   576
/* With an Ethernet header a datagram of this length is a packet's longest frame. */
#define MTU_MOST (PACKET_TOTAL_MAX - 14)

static_assert(sizeof(((struct net_tap *)0)->name) == IFNAMSIZ, "a name of an interface");

/* ---- what an interface is ---- */

static struct ifreq request_for(struct view name)
{
    struct ifreq request = { 0 };
    struct span room = SPAN_OF(request.ifr_name);
    (void)span_copy(room, view_first(name, MIN(name.length_bytes, IFNAMSIZ - 1)));
    return request;
}

/* Asks the host of an interface by its name, which any socket serves for. */
static bool ask(unsigned long what, struct ifreq *request)
{
    int any = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (any < 0) return false;
    bool told = ioctl(any, what, request) == 0;
    (void)close(any);
    return told;
}

/* An interface of another network namespace cannot be asked. */
static uint16_t mtu_of(struct view name, uint16_t chosen)
{
    struct ifreq request = request_for(name);
    size_t mtu_bytes = MTU_DEFAULT;
    if (chosen != 0) return chosen;
    if (ask(SIOCGIFMTU, &request) && request.ifr_mtu > 0) mtu_bytes = (size_t)request.ifr_mtu;
    if (mtu_bytes < MTU_LEAST)
        log_warning("%.*s has an MTU of %zu, below the least of IP; it is taken for %u",
                    VIEW_FORMAT(name), mtu_bytes, MTU_LEAST);
    return (uint16_t)MIN(MAX(mtu_bytes, MTU_LEAST), MTU_MOST);
}

static void warn_if_down(struct view name)
{
    struct ifreq request = request_for(name);
    if (!ask(SIOCGIFFLAGS, &request) || (request.ifr_flags & IFF_UP) != 0) return;
    log_warning("%.*s is down; set it up, and give the host an address there: ip link set %.*s up; "
                "ip addr add 10.0.2.2/24 dev %.*s",
                VIEW_FORMAT(name), VIEW_FORMAT(name), VIEW_FORMAT(name));
}

/* ---- the address ---- */

static struct view file_read(const char *path, struct span room)
{
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0) return (struct view){ 0 };
    ssize_t length = read(file, room.bytes, room.length_bytes);
    (void)close(file);
    return view_first(span_view(room), length > 0 ? (size_t)length : 0);
}

struct mac net_tap_mac(struct view name)
{
    static const struct siphash_key key = { 0x6c6f6f6d206e6574, 0x6d61632061646472 };
    uint8_t room[512], machine[64], host[256] = { 0 };
    struct writer writer = writer_over(SPAN_OF(room));
    struct mac mac;
    (void)gethostname((char *)host, sizeof host - 1);
    writer_put(&writer, file_read("/etc/machine-id", SPAN_OF(machine)));
    writer_put(&writer, view_from_string((const char *)host));
    writer_put_u8(&writer, 0);
    writer_put(&writer, view_first(name, MIN(name.length_bytes, IFNAMSIZ)));
    uint64_t hash = siphash(key, writer_view(&writer));
    (void)span_copy(SPAN_OF(mac), view_first(VIEW_OF(hash), sizeof mac));
    mac.bytes[0] = (uint8_t)((mac.bytes[0] & 0xfc) | 0x02); /* one station's, and nobody's brand */
    return mac;
}

static struct mac mac_of(struct view name, const struct net_tap_options *options)
{
    static const struct mac none = { 0 };
    return view_equal(VIEW_OF(options->mac), VIEW_OF(none)) ? net_tap_mac(name) : options->mac;
}

/* ---- complaints ---- */

static enum result no_device(int error)
{
    if (error == ENOENT || error == ENODEV) {
        log_error("this host has no /dev/net/tun; as root: modprobe tun, or in a container: mkdir "
                  "-p /dev/net; mknod -m 666 /dev/net/tun c 10 200");
        return NOT_FOUND;
    }
    log_error("cannot open /dev/net/tun: %s; as root: chmod 666 /dev/net/tun (an interface still "
              "opens only to its owner)",
              strerror(error));
    return error == EACCES || error == EPERM ? DENIED : FAILED;
}

static enum result no_interface(struct view name)
{
    log_error("%.*s: there is no such interface; as root: ip tuntap add dev %.*s mode tap user %u; "
              "ip addr add 10.0.2.2/24 dev %.*s; ip link set %.*s up",
              VIEW_FORMAT(name), VIEW_FORMAT(name), (unsigned)getuid(), VIEW_FORMAT(name),
              VIEW_FORMAT(name));
    return NOT_FOUND;
}

static enum result not_opened(struct view name, int error)
{
    if (error == EPERM || error == EACCES) {
        log_error("%.*s is not yours to open; as root: ip tuntap del dev %.*s mode tap; ip tuntap "
                  "add dev %.*s mode tap user %u",
                  VIEW_FORMAT(name), VIEW_FORMAT(name), VIEW_FORMAT(name), (unsigned)getuid());
        return DENIED;
    }
    if (error == EBUSY) {
        log_error("%.*s is in use by another process; end that one (`fuser -v /dev/net/tun` shows "
                  "it), or name another interface",
                  VIEW_FORMAT(name));
        return EXISTS;
    }
    if (error == EINVAL) {
        log_error("%.*s is no tap and no tun; name one (`ip tuntap` lists them), or make one as "
                  "root: ip tuntap add dev tap0 mode tap user %u",
                  VIEW_FORMAT(name), (unsigned)getuid());
        return UNSUPPORTED;
    }
    log_error("%.*s cannot be opened: %s", VIEW_FORMAT(name), strerror(error));
    return FAILED;
}

/* ---- opening ---- */

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

static void init_interface(struct net_tap *tap, int descriptor, const struct ifreq *interface,
                           const struct net_tap_options *options)
{
    struct view name = view_from_string(interface->ifr_name);
    bool has_header = (interface->ifr_flags & IFF_VNET_HDR) != 0;
    struct net_tap_shape shape = {
        .link = (interface->ifr_flags & IFF_TUN) != 0 ? NET_IP : NET_ETHERNET,
        .offloads = has_header ? negotiate(descriptor) : 0,
        .has_header = has_header,
        .mtu_bytes = mtu_of(name, options->mtu_bytes),
        .mac = mac_of(name, options),
    };
    net_tap_init(tap, descriptor, &shape);
    (void)span_copy(SPAN_OF(tap->name), view_first(name, MIN(name.length_bytes, IFNAMSIZ - 1)));
    warn_if_down(name);
}

/* A tap or a tun, for one queue or for several: the host wants to be told what it is. */
static int attach_interface(int descriptor, struct ifreq *request)
{
    static const short kinds[] = { IFF_TAP, IFF_TAP | IFF_MULTI_QUEUE, IFF_TUN,
                                   IFF_TUN | IFF_MULTI_QUEUE };
    int error = EINVAL;
    for (size_t i = 0; i < LENGTH_OF(kinds) && error == EINVAL; i++) {
        request->ifr_flags = (short)(kinds[i] | IFF_NO_PI | IFF_VNET_HDR);
        error = ioctl(descriptor, TUNSETIFF, request) == 0 ? 0 : errno;
    }
    return error;
}

enum result net_tap_open(struct net_tap *tap, struct view name,
                         const struct net_tap_options *options)
{
    struct ifreq request = request_for(name);
    if (view_is_empty(name) || name.length_bytes >= IFNAMSIZ) {
        log_error("\"%.*s\" is no interface's name, which has 1 to %d letters", VIEW_FORMAT(name),
                  IFNAMSIZ - 1);
        return INVALID;
    }
    if (!ask(SIOCGIFINDEX, &request)) return no_interface(name);
    int descriptor = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
    if (descriptor < 0) return no_device(errno);
    int error = attach_interface(descriptor, &request);
    if (error != 0) {
        (void)close(descriptor);
        return not_opened(name, error);
    }
    init_interface(tap, descriptor, &request, options);
    return OK;
}

/* ---- a descriptor ---- */

static bool is_socket_of_frames(int descriptor)
{
    int type = 0;
    socklen_t length = sizeof type;
    return getsockopt(descriptor, SOL_SOCKET, SO_TYPE, &type, &length) == 0 &&
           (type == SOCK_DGRAM || type == SOCK_SEQPACKET || type == SOCK_RAW);
}

static enum result refuse(int descriptor, const char *why)
{
    log_error("fd:%d %s", descriptor, why);
    if (fcntl(descriptor, F_GETFD) >= 0) (void)close(descriptor);
    return UNSUPPORTED;
}

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
    struct ifreq interface = { 0 };
    if (ioctl(descriptor, TUNGETIFF, &interface) == 0) {
        if ((interface.ifr_flags & IFF_NO_PI) == 0)
            return refuse(descriptor, "is a tap that puts a header of its own before each frame; "
                                      "open it with IFF_NO_PI");
        init_interface(tap, descriptor, &interface, options);
        return OK;
    }
    if (is_socket_of_frames(descriptor)) {
        init_socket(tap, descriptor, options);
        return OK;
    }
    return refuse(descriptor, "is no tap and no socket; hand over an open tap, or a socket that "
                              "carries frames");
}
