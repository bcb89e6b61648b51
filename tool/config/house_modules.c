/* house_modules.c - the modules of the house that are more, or less, than their folder.
 *
 * A need that is not listed here is the folder lib/NAME without its tests. Folders that hold a
 * signature beside its implementations and doubles are listed, so that an image compiles only what
 * it reaches.
 *
 * SPDX-License-Identifier: ISC */
#include <string.h>

#include "config/graph.h"

static const struct module modules[] = {
    {
        .name = "kv",
        .home = MODULE_OF_HOUSE,
        .sources = { "lib/kv/kv.c", "lib/kv/kv_key*.c", "lib/kv/media_type.c" },
    },
    {
        .name = "block",
        .home = MODULE_OF_HOUSE,
        .sources = { "lib/block/block.c", "lib/block/crc32.c" },
    },
    {
        .name = "digest",
        .home = MODULE_OF_HOUSE,
        .sources = { "lib/kv/digest.c" },
        .libraries = { "-l:libbearssl.a" },
    },
    {
        .name = "flow",
        .home = MODULE_OF_HOUSE,
        .sources = { "lib/flow/flow.c" },
    },
    {
        .name = "http",
        .home = MODULE_OF_HOUSE,
        .sources = { "lib/http/*.c" },
        .without = { "http_memory*" },
        .needs = { "flow", "ip", "kv" },
    },
    {
        .name = "packet",
        .home = MODULE_OF_HOUSE,
        .sources = { "lib/packet/*.c" },
        .needs = { "ip" },
    },
    {
        .name = "net",
        .home = MODULE_OF_HOUSE,
        .sources = { "lib/net/*.c" },
        .without = { "net_loop*", "net_pair*", "net_switch*", "net_faulty*" },
        .needs = { "packet" },
    },
    {
        .name = "ethernet",
        .home = MODULE_OF_HOUSE,
        .sources = { "lib/ethernet/*.c" },
        .without = { "net_record*" },
        .needs = { "net" },
    },
    {
        .name = "stack_core",
        .home = MODULE_OF_HOUSE,
        .sources = { "lib/stack_core/*.c" },
        .needs = { "ethernet", "arp", "ipv4", "icmp", "udp_core", "tcp_core" },
    },
};

const struct module *house_module(const char *name)
{
    for (size_t i = 0; i < sizeof modules / sizeof *modules; i++) {
        if (strcmp(modules[i].name, name) == 0) return &modules[i];
    }
    return NULL;
}
