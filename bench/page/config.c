/* config.c - a server of one small page: what `make bench` puts load on.
 *
 * SPDX-License-Identifier: ISC */
#include <loom/config.h>

#include "page.h"

unikernel(page)
{
    struct kv *pages = kv_pages("htdocs");
    struct http *http = http_server(stack_tcp(default_stack()));

    start(page_start, http, pages);
}
