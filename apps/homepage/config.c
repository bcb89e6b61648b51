/* config.c - what the home page needs, and what satisfies it.
 *
 * SPDX-License-Identifier: ISC */
#include <loom/config.h>

#include "homepage.h"

unikernel(homepage)
{
    struct kv *pages = kv_pages("htdocs"); /* in the image; with --pages=host from the folder */
    struct kv *self = kv_self();           /* the graph and the sizes of this very image */
    struct tcp *tcp = stack_tcp(default_stack());
    struct http *http = http_server(tcp);

    start(homepage_start, http, pages, self);
}
