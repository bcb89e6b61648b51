/* config.c - an application that brings an implementation of Loom's signature kv, and a signature
 * of its own.
 *
 * SPDX-License-Identifier: ISC */
#include <loom/config.h>

#include "catalogue.h"

static const struct module kv_counted = {
    .name = "kv_counted",
    .signature = "kv",
    .header = "kv_counted.h",
    .sources = { "kv_counted.c" },
    .needs = { "kv" },
    .words = "counts what is opened in another",
};

static struct kv *kv_counted_at(struct place place, struct kv *below)
{
    return device_at(place, &kv_counted, DEVICES(below));
}
#define kv_counted(below) kv_counted_at(HERE, below)

static const struct module greeter_polite = {
    .name = "greeter_polite",
    .signature = "greeter",
    .header = "greeter_polite.h",
    .sources = { "greeter_polite.c" },
    .words = "says it in a few words",
    .has_parameters = true,
};

static struct greeter *greeter_polite_at(struct place place)
{
    return device_at(place, &greeter_polite, NO_DEVICES);
}
#define greeter_polite() greeter_polite_at(HERE)

unikernel(catalogue)
{
    struct kv *goods = kv_counted(kv_memory());

    start(catalogue_start, goods, greeter_polite());
}
