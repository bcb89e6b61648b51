/* device_net.c - from the attachment's words to a device.
 *
 * SPDX-License-Identifier: ISC */
#include "tender/device_net.h"

#include "target/unix/net_passt.h"
#include "tender/fail.h"

/* Of a socket that carries a frame each datagram, which has none of its own. */
#define SOCKET_MTU 1500

/* The same choice as on unix, so that a net keeps its address when its image becomes a machine. */
static struct mac mac_of(const struct device_net_options *options, struct view host_name)
{
    static const struct mac none = { 0 };
    return view_equal(VIEW_OF(options->mac), VIEW_OF(none)) ? net_tap_mac(host_name) : options->mac;
}

static uint16_t mtu_of(const struct device_net_options *options, uint16_t otherwise)
{
    return options->mtu_bytes != 0 ? options->mtu_bytes : otherwise;
}

static void open_stream(struct device_net *net, struct machine_device *shared, int descriptor,
                        const struct device_net_options *options)
{
    const struct device_stream_options stream = {
        .name = options->name,
        .mac = mac_of(options, VIEW("passt")),
        .mtu_bytes = mtu_of(options, NET_PASST_MTU),
    };
    device_stream_open(&net->stream, shared, descriptor, &stream);
    net->rings = &net->stream.rings;
}

static enum result open_passt(struct device_net *net, struct machine_device *shared,
                              const struct device_net_options *options)
{
    const struct net_passt_process_options process = {
        .publish = options->publish,
        .mtu_bytes = mtu_of(options, NET_PASST_MTU),
        .mac = mac_of(options, VIEW("passt")),
    };
    int descriptor;
    enum result result = net_passt_process_start(&net->process, &process, &descriptor);
    if (result == OK) open_stream(net, shared, descriptor, options);
    return result;
}

static enum result open_interface(struct device_net *net, struct machine_device *shared,
                                  const struct net_tap_interface *interface,
                                  const struct device_net_options *options)
{
    const struct device_tap_options tap = {
        .name = options->name,
        .mac = mac_of(options, view_from_string((const char *)interface->name)),
        .mtu_bytes = options->mtu_bytes,
    };
    net_tap_interface_warn_if_down(interface);
    net->rings = &net->tap.rings;
    return device_tap_open(&net->tap, shared, interface, &tap);
}

static enum result open_socket(struct device_net *net, struct machine_device *shared,
                               int descriptor, const struct device_net_options *options)
{
    const struct device_tap_options tap = {
        .name = options->name,
        .mac = mac_of(options, options->name),
        .mtu_bytes = mtu_of(options, SOCKET_MTU),
    };
    if (net_host_is_stream(descriptor)) {
        open_stream(net, shared, descriptor, options);
        return OK;
    }
    if (net_tap_is_socket_of_frames(descriptor)) {
        device_tap_open_socket(&net->tap, shared, descriptor, false, &tap);
        net->rings = &net->tap.rings;
        return OK;
    }
    tender_say("fd:%d is no tap and no socket; hand over an open tap, or a socket that carries "
               "frames",
               descriptor);
    return UNSUPPORTED;
}

static enum result open_host(struct device_net *net, struct machine_device *shared,
                             const struct device_net_options *options)
{
    struct net_tap_interface interface;
    const struct net_host_choice *choice = &options->choice;
    if (choice->kind == NET_HOST_PASST) return open_passt(net, shared, options);
    enum result result = choice->kind == NET_HOST_TAP
                             ? net_tap_interface_open(&interface, choice->interface)
                             : net_tap_interface_of(&interface, choice->descriptor);
    if (result == OK) return open_interface(net, shared, &interface, options);
    if (result == NOT_FOUND && choice->kind == NET_HOST_DESCRIPTOR)
        return open_socket(net, shared, choice->descriptor, options);
    return result;
}

enum result device_net_open(struct device_net *net, struct machine_device *shared,
                            const struct device_net_options *options)
{
    net->process = (struct net_passt_process){ .number = 0 };
    net->capture = (struct capture){ .is_open = false };
    enum result result = open_host(net, shared, options);
    if (result != OK || options->capture == NULL) return result;
    capture_open(&net->capture, options->capture, options->name);
    net->rings->capture = &net->capture;
    return OK;
}

void device_net_close(struct device_net *net)
{
    net->device.ops->close(&net->device);
    if (net->process.number != 0) net_passt_process_end(&net->process);
}
