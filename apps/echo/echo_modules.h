/* echo_modules.h - the application's own modules, as config.c wires them.
 *
 * SPDX-License-Identifier: ISC */
#ifndef ECHO_MODULES_H
#define ECHO_MODULES_H

#include <loom/config.h>

struct echo;

static const struct module echo_tcp = {
    .name = "echo_tcp",
    .signature = "echo",
    .header = "echo_tcp.h",
    .sources = { "echo_tcp.c" },
    .words = "echo over TCP",
    .has_parameters = true,
};

static const struct module echo_udp = {
    .name = "echo_udp",
    .signature = "echo",
    .header = "echo_udp.h",
    .sources = { "echo_udp.c" },
    .words = "echo over UDP",
    .has_parameters = true,
};

static inline struct echo *echo_tcp_at(struct place place, struct tcp *tcp)
{
    return device_at(place, &echo_tcp, DEVICES(tcp));
}

/* With a default port of its own, so that two of them can stand side by side. */
static inline struct echo *echo_udp_at(struct place place, struct udp *udp, int port)
{
    void *device = device_at(place, &echo_udp, DEVICES(udp));
    device_parameters(device, text_of("ECHO_UDP_PARAMETERS(\"%d\"),", port));
    return device;
}

#define echo_tcp(tcp)       echo_tcp_at(HERE, tcp)
#define echo_udp(udp, port) echo_udp_at(HERE, udp, port)

#endif
