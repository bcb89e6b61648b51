/* config.c - everything twice: two web servers, two stores of a kind, two echo services, none of
 * which may see its twin.
 *
 * SPDX-License-Identifier: ISC */
#include <loom/config.h>

#include "pairs.h"

unikernel(pairs)
{
    struct stack *stack = default_stack();
    struct kv *left = named("left-store", kv_memory());
    struct kv *right = named("right-store", kv_memory());
    struct http *left_web = named("left-web", http_server(stack_tcp(stack)));
    struct http *right_web = named("right-web", http_server(stack_tcp(stack)));

    start(pairs_start, left_web, left, right_web, right, stack_udp(stack), parameters(pairs));
}
