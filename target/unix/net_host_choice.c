/* net_host_choice.c - reading what stands behind a net.
 *
 * SPDX-License-Identifier: ISC */
#include "target/unix/net_host_choice.h"

#include <sys/socket.h>

enum result net_host_choice_read(struct net_host_choice *choice, struct view words)
{
    struct view name, kind = view_cut(words, ':', &name);
    uint64_t number = 0;
    *choice = (struct net_host_choice){ .kind = NET_HOST_PASST };
    if (view_equal(words, VIEW("passt"))) {
        choice->kind = NET_HOST_PASST;
    } else if (view_equal(kind, VIEW("tap")) && !view_is_empty(name)) {
        choice->kind = NET_HOST_TAP;
        choice->interface = name;
    } else if (view_equal(kind, VIEW("fd")) && view_to_u64(name, &number) && number <= INT32_MAX) {
        choice->kind = NET_HOST_DESCRIPTOR;
        choice->descriptor = (int)number;
    } else {
        return INVALID;
    }
    return OK;
}

bool net_host_is_stream(int descriptor)
{
    int type = 0;
    socklen_t length = sizeof type;
    return getsockopt(descriptor, SOL_SOCKET, SO_TYPE, &type, &length) == 0 && type == SOCK_STREAM;
}
