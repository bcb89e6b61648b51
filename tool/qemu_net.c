/* qemu_net.c - what QEMU attaches a machine's cards to.
 *
 * SPDX-License-Identifier: ISC */
#include "qemu_net.h"

#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <loom/module.h>

#include "fail.h"

struct qemu *qemu_make(void)
{
    struct qemu *qemu = calloc(1, sizeof *qemu);
    if (qemu == NULL) abort();
    return qemu;
}

/* Root would be given a new one by this name. */
static const char *tap(const struct qemu_net *net, const char *interface)
{
    if (if_nametoindex(interface) == 0)
        fail("--net tap:%s: there is no such tap; as root: ip tuntap add dev %s mode tap user %u; "
             "ip link set %s up",
             interface, interface, (unsigned)getuid(), interface);
    return text_of("tap,id=net%zu,ifname=%s,script=no,downscript=no,vnet_hdr=%s", net->number,
                   interface, net->has_headers ? "on" : "off");
}

/* A tap, or a socket of whichever kind. */
static const char *descriptor(const struct qemu_net *net, const char *number)
{
    int type = 0;
    socklen_t length = sizeof type;
    if (getsockopt(atoi(number), SOL_SOCKET, SO_TYPE, &type, &length) != 0)
        return text_of("tap,id=net%zu,fd=%s", net->number, number);
    if (type == SOCK_STREAM)
        return text_of("stream,id=net%zu,server=off,addr.type=fd,addr.str=%s", net->number, number);
    return text_of("dgram,id=net%zu,local.type=fd,local.str=%s", net->number, number);
}

void qemu_net_add(struct qemu *qemu, struct command_line *line, const struct network_card *card,
                  const struct qemu_net *net)
{
    if (strncmp(card->attached, "tap:", 4) == 0) {
        command_line_add(line, "-netdev", tap(net, card->attached + 4));
    } else if (strncmp(card->attached, "fd:", 3) == 0) {
        command_line_add(line, "-netdev", descriptor(net, card->attached + 3));
    } else {
        struct qemu_net *passt = &qemu->nets[qemu->count++];
        *passt = *net;
        passt->publish = card->publish;
    }
}
