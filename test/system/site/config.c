/* config.c - the site that the tests of the whole ask for what the home page does not show.
 *
 * SPDX-License-Identifier: ISC */
#include <loom/config.h>

#include "site.h"

unikernel(site)
{
    struct kv *pages = named("first", kv_pages("htdocs"));
    struct kv *other = named("other", kv_pages("other"));
    struct tcp *tcp = stack_tcp(default_stack());

    start(site_start, http_server(tcp), pages, other, tcp);
}
