/* device_net.h - a net of the machine over whatever was attached to it, in the words of `--net`
 * (target/unix/net_host_choice.h).
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_TENDER_DEVICE_NET_H
#define LOOM_TENDER_DEVICE_NET_H

#include "base/result.h"
#include "target/unix/net_host_choice.h"
#include "target/unix/net_passt_process.h"
#include "tender/device_stream.h"
#include "tender/device_tap.h"

struct device_net {
    union { /* what was opened; its device is the first member of each */
        struct device device;
        struct device_tap tap;
        struct device_stream stream;
    };
    struct net_rings *rings;          /* of what was opened */
    struct net_passt_process process; /* number 0: there is none */
    struct capture capture;
};
static_assert(offsetof(struct device_tap, device) == 0 &&
                  offsetof(struct device_stream, device) == 0,
              "the device of each lies where the net's does");

struct device_net_options {
    struct view name; /* of the manifest: at most MACHINE_DEVICE_NAME_MAX bytes */
    struct net_host_choice choice;
    struct view publish; /* with passt: net_passt_publish_is_valid */
    struct mac mac;      /* zero: made of the host's and the net's names, so that it stays */
    uint16_t mtu_bytes;  /* 0: the interface's own, or passt's longest */
    const char *capture; /* a file that what passes is written to; NULL: none */
};

/* Opens it and fills its place in the boot page. What goes wrong is told on stderr, and what helps:
 * the results are those of net_tap_interface_open, net_passt_process_start, and UNSUPPORTED for a
 * descriptor that carries no Ethernet. To be called before privileges are given up. Whoever runs
 * under seccomp leaves it recvfrom, sendmsg, read, readv, write, writev, and ioctl TUNSETOFFLOAD,
 * which the guest's choice of features needs. */
enum result device_net_open(struct device_net *net, struct machine_device *shared,
                            const struct device_net_options *options) CHECKED;

/* Closes the device, and ends passt where it was started: some milliseconds. */
void device_net_close(struct device_net *net);

#endif
