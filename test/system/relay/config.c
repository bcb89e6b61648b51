/* config.c - a relay, and a page of its metrics, over one network attachment.
 *
 * SPDX-License-Identifier: ISC */
#include <loom/config.h>

#include "relay.h"

unikernel(relay)
{
    struct tcp *tcp = stack_tcp(default_stack());
    struct http *metrics = named("metrics", http_server(tcp));

    start(relay_start, tcp, metrics, parameters(relay));
}
