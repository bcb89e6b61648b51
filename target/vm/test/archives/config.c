/* config.c - other people's code in a machine: three of Debian's static archives.
 *
 * SPDX-License-Identifier: ISC */
#include <loom/config.h>

#include "archives.h"

static const struct module archives_module = {
    .name = "archives",
    .header = "archives.h",
    .sources = { "archives.c" },
    .libraries = { "-l:libz.a", "-l:libnghttp2.a", "-l:libbearssl.a" },
    .words = "zlib, nghttp2 and BearSSL",
    .signature = "archives",
    .expression = "&$",
};

unikernel(archives)
{
    struct archives *archives = device_at(HERE, &archives_module, NO_DEVICES);

    start(archives_start, archives);
}
