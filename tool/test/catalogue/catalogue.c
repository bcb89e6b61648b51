/* catalogue.c - uses both modules once.
 *
 * SPDX-License-Identifier: ISC */
#include "catalogue.h"

#include "target/console.h"

enum result catalogue_start(struct kv *goods, struct greeter *greeter)
{
    uint8_t room[64], line[128];
    size_t length_bytes;
    enum result result = kv_set(goods, VIEW("whom"), VIEW("world"));
    if (result == OK) result = kv_get(goods, VIEW("whom"), SPAN_OF(room), &length_bytes);
    if (result != OK) return result;
    console_write(greeter_greet(greeter, SPAN_OF(line), view_from(room, length_bytes)));
    return OK;
}
