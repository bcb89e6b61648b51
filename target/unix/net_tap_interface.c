/* net_tap_interface.c - from a name to an open tap or tun, and what to do where there is none.
 *
 * SPDX-License-Identifier: ISC */
#include "target/unix/net_tap_interface.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/siphash.h"
#include "base/units.h"
#include "base/writer.h"
#include "packet/packet.h"

#define LOG_MODULE "net"
#include "log/log.h"

#define MTU_DEFAULT 1500
#define MTU_LEAST   576
/* With an Ethernet header a datagram of this length is a packet's longest frame. */
#define MTU_MOST (PACKET_TOTAL_MAX - 14)

static_assert(sizeof(((struct net_tap_interface *)0)->name) == IFNAMSIZ, "a name of an interface");

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
static uint16_t mtu_of(struct view name)
{
    struct ifreq request = request_for(name);
    size_t mtu_bytes = MTU_DEFAULT;
    if (ask(SIOCGIFMTU, &request) && request.ifr_mtu > 0) mtu_bytes = (size_t)request.ifr_mtu;
    if (mtu_bytes < MTU_LEAST)
        log_warning("%.*s has an MTU of %zu, below the least of IP; it is taken for %u",
                    VIEW_FORMAT(name), mtu_bytes, MTU_LEAST);
    return (uint16_t)MIN(MAX(mtu_bytes, MTU_LEAST), MTU_MOST);
}

void net_tap_interface_warn_if_down(const struct net_tap_interface *interface)
{
    struct view name = view_from_string((const char *)interface->name);
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

static void describe(struct net_tap_interface *interface, int descriptor,
                     const struct ifreq *request)
{
    struct view name = view_from_string(request->ifr_name);
    *interface = (struct net_tap_interface){
        .descriptor = descriptor,
        .link = (request->ifr_flags & IFF_TUN) != 0 ? NET_IP : NET_ETHERNET,
        .has_header = (request->ifr_flags & IFF_VNET_HDR) != 0,
        .mtu_bytes = mtu_of(name),
    };
    (void)span_copy(SPAN_OF(interface->name),
                    view_first(name, MIN(name.length_bytes, IFNAMSIZ - 1)));
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

enum result net_tap_interface_open(struct net_tap_interface *interface, struct view name)
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
    describe(interface, descriptor, &request);
    return OK;
}

enum result net_tap_interface_of(struct net_tap_interface *interface, int descriptor)
{
    struct ifreq request = { 0 };
    if (ioctl(descriptor, TUNGETIFF, &request) != 0) return NOT_FOUND;
    if ((request.ifr_flags & IFF_NO_PI) == 0) {
        log_error("fd:%d is a tap that puts a header of its own before each frame; open it with "
                  "IFF_NO_PI",
                  descriptor);
        return UNSUPPORTED;
    }
    describe(interface, descriptor, &request);
    return OK;
}

bool net_tap_is_socket_of_frames(int descriptor)
{
    int type = 0;
    socklen_t length = sizeof type;
    return getsockopt(descriptor, SOL_SOCKET, SO_TYPE, &type, &length) == 0 &&
           (type == SOCK_DGRAM || type == SOCK_SEQPACKET || type == SOCK_RAW);
}
