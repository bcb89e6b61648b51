/* device_tap.c - frames between a tap and a guest's memory.
 *
 * SPDX-License-Identifier: ISC */
#include "tender/device_tap.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/units.h"
#include "tender/net_config.h"
#include "tender/parts.h"

/* So many short frames in a row, and none is expected to be long. */
#define SHORT_MANY 64

static struct device_tap *tap_of(struct device *device)
{
    return CONTAINER_OF(device, struct device_tap, device);
}

static void tap_gone(struct device_tap *tap, int error)
{
    if (tap->is_gone) return;
    tap->is_gone = true;
    tap->kept_bytes = 0;
    net_config_set_link(tap->device.shared, false);
    device_warn(&tap->device, "its other side has gone (%s): nothing comes or goes any more",
                strerror(error));
}

/* ---- to the guest ---- */

/* Below 0: nothing came. */
static ssize_t settle_read(struct device_tap *tap, ssize_t length)
{
    if (length > 0 || (length == 0 && tap->has_no_end)) return length;
    int error = length == 0 ? ECONNRESET : errno; /* a socket whose other end is closed reads 0 */
    if (error == EBADFD || error == ENODEV || error == ECONNRESET) tap_gone(tap, error);
    return -1;
}

static void learn_from(struct device_tap *tap, size_t length_bytes)
{
    if (length_bytes > sizeof tap->joined) {
        tap->in_place = true;
        tap->short_count = 0;
    } else if (tap->in_place && ++tap->short_count == SHORT_MANY) {
        tap->in_place = false;
    }
}

/* Of what it was not offered to take a guest is not told (5.1.6.4.1). */
static struct virtio_net_header header_for_guest(const struct device_tap *tap, struct view scratch)
{
    struct virtio_net_header header = { .flags = 0 };
    if (tap->header_bytes > 0) (void)span_copy(SPAN_OF(header), view_first(scratch, sizeof header));
    if ((tap->rings.accepted & VIRTIO_NET_F_GUEST_CSUM) == 0) header.flags = 0;
    header.buffer_count = 0;
    return header;
}

/* False: the guest has no room for the frame that is kept. */
static bool give_kept(struct device_tap *tap)
{
    if (tap->kept_bytes == 0) return true;
    struct view kept = view_first(VIEW_OF(tap->scratch), tap->kept_bytes);
    struct virtio_net_header header = header_for_guest(tap, kept);
    if (!net_rings_give(&tap->rings, &header, view_from_offset(kept, tap->header_bytes)))
        return false;
    tap->kept_bytes = 0;
    return true;
}

static bool length_is_sound(const struct device_tap *tap, size_t length_bytes)
{
    return length_bytes >= tap->header_bytes + NET_FRAME_LEAST &&
           length_bytes <= tap->header_bytes + NET_FRAME_MAX;
}

/* False: nothing came. */
static bool read_in_place(struct device_tap *tap)
{
    size_t count;
    const struct iovec *parts = net_rings_parts(&tap->rings, &count);
    ssize_t length = settle_read(tap, readv(tap->number, parts, (int)count));
    if (length < 0) return false;
    if (length_is_sound(tap, (size_t)length)) {
        net_rings_filled(&tap->rings, (size_t)length);
        learn_from(tap, (size_t)length);
    } else {
        tap->rings.receive_lost++;
    }
    return true;
}

static bool read_by_scratch(struct device_tap *tap)
{
    ssize_t length = settle_read(tap, read(tap->number, tap->scratch, sizeof tap->scratch));
    if (length < 0) return false;
    if (!length_is_sound(tap, (size_t)length)) {
        tap->rings.receive_lost++;
        return true;
    }
    tap->kept_bytes = (size_t)length;
    learn_from(tap, (size_t)length);
    return give_kept(tap);
}

static bool may_read_in_place(struct device_tap *tap)
{
    return tap->in_place && tap->header_bytes > 0 &&
           (tap->rings.accepted & VIRTIO_NET_F_GUEST_CSUM) != 0 &&
           net_rings_has_room_for_any(&tap->rings);
}

static void receive(struct device_tap *tap)
{
    for (size_t turn = 0; turn < tap->rings.receive.size && !tap->is_gone; turn++) {
        if (!give_kept(tap) || !net_rings_has_room(&tap->rings)) return;
        bool came = may_read_in_place(tap) ? read_in_place(tap) : read_by_scratch(tap);
        if (!came) return;
    }
}

/* ---- from the guest ---- */

static void say_down(struct device_tap *tap)
{
    if (tap->told_down) return;
    tap->told_down = true;
    if (tap->is_interface) net_config_set_link(tap->device.shared, false);
    device_warn(&tap->device, "the interface is down, so what is sent is lost; set it up: ip link "
                              "set INTERFACE up");
}

/* A socket has room whether its interface is up or down: that one is up again a frame tells that
 * goes. */
static bool awaits_up(const struct device_tap *tap)
{
    return tap->told_down && tap->is_interface;
}

/* Linux has a tap that is down take nothing, and wakes who waits for that when it is up. */
static bool has_come_up(struct device_tap *tap)
{
    struct pollfd up = { .fd = tap->number, .events = POLLOUT };
    if (!awaits_up(tap) || tap->is_gone || poll(&up, 1, 0) <= 0 || (up.revents & POLLOUT) == 0)
        return false;
    tap->told_down = false;
    net_config_set_link(tap->device.shared, true);
    return true;
}

static void refused(struct device_tap *tap, int error)
{
    net_rings_lose(&tap->rings, tap->rings.chain.head);
    if (error == EIO || error == ENETDOWN) say_down(tap);
    if (error == EBADFD || error == ENODEV || error == EPIPE || error == ECONNREFUSED ||
        error == ECONNRESET)
        tap_gone(tap, error);
}

/* One system call a frame. What is short is joined, as the host needs more for several parts. */
static ssize_t write_frame(struct device_tap *tap, struct virtio_net_header *header,
                           size_t frame_bytes)
{
    const struct queue_chain *chain = &tap->rings.chain;
    const struct iovec *parts = queue_readable(chain);
    size_t count = chain->readable_count, total_bytes = tap->header_bytes + frame_bytes;
    if (total_bytes <= sizeof tap->joined) {
        struct span room = span_first(SPAN_OF(tap->joined), total_bytes);
        struct span behind = span_copy(room, view_first(VIEW_OF(*header), tap->header_bytes));
        (void)parts_copy_out(parts, count, sizeof *header, behind);
        return write(tap->number, room.bytes, room.length_bytes);
    }
    size_t first = tap->header_bytes > 0 ? 1 : 0;
    tap->sending[0] = (struct iovec){ .iov_base = header, .iov_len = tap->header_bytes };
    size_t sliced = parts_slice(&tap->sending[first], parts, count, sizeof *header, frame_bytes);
    return writev(tap->number, tap->sending, (int)(first + sliced));
}

/* False: the host has no room now. */
static bool send_taken(struct device_tap *tap, struct virtio_net_header *header, size_t frame_bytes)
{
    ssize_t length = write_frame(tap, header, frame_bytes);
    if (length < 0 && (errno == EAGAIN || errno == EINTR)) {
        queue_put_back(&tap->rings.transmit);
        return false;
    }
    if (length < 0) {
        refused(tap, errno);
        return true;
    }
    if (!tap->is_interface) tap->told_down = false;
    net_rings_capture_sent(&tap->rings, &(const struct capture_frame){
                                            .parts = queue_readable(&tap->rings.chain),
                                            .part_count = tap->rings.chain.readable_count,
                                            .offset_bytes = sizeof *header,
                                            .length_bytes = frame_bytes,
                                            .header = *header,
                                        });
    net_rings_sent(&tap->rings, tap->rings.chain.head);
    return true;
}

static void transmit(struct device_tap *tap)
{
    struct virtio_net_header header;
    size_t frame_bytes;
    tap->awaits_room = false;
    for (size_t turn = 0; turn < tap->rings.transmit.size; turn++) {
        enum net_taken taken = net_rings_take(&tap->rings, &header, &frame_bytes);
        if (taken == NET_TAKEN_NONE) return;
        if (taken == NET_TAKEN_BAD || tap->is_gone) {
            net_rings_lose(&tap->rings, tap->rings.chain.head);
        } else if (!send_taken(tap, &header, frame_bytes)) {
            tap->awaits_room = true;
            return;
        }
    }
}

/* ---- the device ---- */

static void choose_events(struct device_tap *tap)
{
    short events = 0;
    if (tap->kept_bytes == 0 && net_rings_has_room(&tap->rings)) events |= POLLIN;
    if (tap->awaits_room || awaits_up(tap)) events |= POLLOUT;
    tap->device.events = events;
    tap->device.descriptor = events != 0 && !tap->is_gone ? tap->number : -1;
}

static bool device_tap_serve(struct device *device, const struct guest_memory *memory)
{
    struct device_tap *tap = tap_of(device);
    bool was_gone = tap->is_gone;
    (void)memory; /* its queues have it */
    bool link_changed = has_come_up(tap), was_down = awaits_up(tap);
    transmit(tap);
    link_changed |= awaits_up(tap) != was_down;
    receive(tap);
    bool published = net_rings_publish(&tap->rings);
    choose_events(tap);
    if (net_rings_problem(&tap->rings) != NULL)
        device_break(device, net_rings_problem(&tap->rings));
    return published || link_changed || tap->is_gone != was_gone;
}

/* TUNSETOFFLOAD: what the host may hand over. */
static unsigned offloads_of(uint64_t accepted)
{
    unsigned offloads = 0;
    if ((accepted & VIRTIO_NET_F_GUEST_CSUM) != 0) offloads |= TUN_F_CSUM;
    if ((accepted & VIRTIO_NET_F_GUEST_TSO4) != 0) offloads |= TUN_F_TSO4;
    if ((accepted & VIRTIO_NET_F_GUEST_TSO6) != 0) offloads |= TUN_F_TSO6;
    if ((accepted & VIRTIO_NET_F_GUEST_ECN) != 0) offloads |= TUN_F_TSO_ECN;
    return offloads;
}

static bool device_tap_start(struct device *device, const struct guest_memory *memory,
                             const struct machine_device *said)
{
    struct device_tap *tap = tap_of(device);
    const char *problem;
    tap->kept_bytes = 0;
    if (!net_rings_open(&tap->rings, memory, said, tap->offered, &problem)) {
        device_break(device, problem);
        return false;
    }
    if (tap->is_interface && tap->header_bytes > 0 &&
        ioctl(tap->number, TUNSETOFFLOAD, offloads_of(said->accepted)) != 0)
        tap_gone(tap, errno);
    return true;
}

static void device_tap_stop(struct device *device)
{
    struct device_tap *tap = tap_of(device);
    net_rings_close(&tap->rings);
    tap->kept_bytes = 0;
    tap->awaits_room = false;
    device->descriptor = -1;
}

static void device_tap_close(struct device *device)
{
    struct device_tap *tap = tap_of(device);
    device_tap_stop(device);
    (void)close(tap->number);
    tap->number = -1;
    tap->is_gone = true;
}

static const struct device_ops device_tap_ops = {
    .start = device_tap_start,
    .serve = device_tap_serve,
    .stop = device_tap_stop,
    .close = device_tap_close,
};

/* ---- opening ---- */

#define CHECKSUMS (VIRTIO_NET_F_CSUM | VIRTIO_NET_F_GUEST_CSUM)
#define SEGMENTS \
    (VIRTIO_NET_F_GUEST_TSO4 | VIRTIO_NET_F_GUEST_TSO6 | VIRTIO_NET_F_GUEST_ECN | \
     VIRTIO_NET_F_HOST_TSO4 | VIRTIO_NET_F_HOST_TSO6 | VIRTIO_NET_F_HOST_ECN)

static void open_tap(struct device_tap *tap, struct machine_device *shared, int descriptor,
                     uint64_t offloads, const struct device_tap_options *options)
{
    memset(tap, 0, sizeof *tap);
    tap->device.ops = &device_tap_ops;
    tap->number = descriptor;
    tap->header_bytes = offloads != 0 ? NET_HEADER_BYTES : 0;
    tap->offered = net_config_present(&tap->device, shared,
                                      &(const struct net_config){ .name = options->name,
                                                                  .mac = options->mac,
                                                                  .mtu_bytes = options->mtu_bytes,
                                                                  .offloads = offloads });
    int flags = fcntl(descriptor, F_GETFL);
    if (flags >= 0) (void)fcntl(descriptor, F_SETFL, flags | O_NONBLOCK);
    (void)fcntl(descriptor, F_SETFD, FD_CLOEXEC);
}

/* What the host can do: all, or the checksums alone; without headers of this length, nothing. */
static uint64_t offloads_there(const struct net_tap_interface *interface)
{
    const int header_bytes = NET_HEADER_BYTES;
    const unsigned all = TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6 | TUN_F_TSO_ECN;
    if (!interface->has_header) return 0;
    if (ioctl(interface->descriptor, TUNSETVNETHDRSZ, &header_bytes) != 0) return 0;
    bool has_all = ioctl(interface->descriptor, TUNSETOFFLOAD, all) == 0;
    (void)ioctl(interface->descriptor, TUNSETOFFLOAD, 0); /* until the guest says what it takes */
    return has_all ? CHECKSUMS | SEGMENTS : CHECKSUMS;
}

enum result device_tap_open(struct device_tap *tap, struct machine_device *shared,
                            const struct net_tap_interface *interface,
                            const struct device_tap_options *options)
{
    struct device_tap_options chosen = *options;
    if (chosen.mtu_bytes == 0) chosen.mtu_bytes = interface->mtu_bytes;
    uint64_t offloads = offloads_there(interface);
    open_tap(tap, shared, interface->descriptor, offloads, &chosen);
    tap->is_interface = true;
    if (interface->link == NET_ETHERNET && (offloads != 0 || !interface->has_header)) return OK;
    device_warn(&tap->device, interface->link == NET_ETHERNET
                                  ? "this host's taps have no header of virtio 1"
                                  : "a machine's net carries Ethernet: name a tap, not a tun");
    device_tap_close(&tap->device);
    return UNSUPPORTED;
}

static bool is_of_datagrams(int descriptor)
{
    int type = 0;
    socklen_t length_bytes = sizeof type;
    return getsockopt(descriptor, SOL_SOCKET, SO_TYPE, &type, &length_bytes) == 0 &&
           type == SOCK_DGRAM;
}

void device_tap_open_socket(struct device_tap *tap, struct machine_device *shared, int descriptor,
                            bool has_header, const struct device_tap_options *options)
{
    open_tap(tap, shared, descriptor, has_header ? CHECKSUMS | SEGMENTS : 0, options);
    tap->has_no_end = is_of_datagrams(descriptor);
}
