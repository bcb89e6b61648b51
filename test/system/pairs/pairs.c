/* pairs.c - runs the two sides beside each other until a stop is requested.
 *
 * SPDX-License-Identifier: ISC */
#include "pairs.h"

#include "side.h"

#define VALUES struct pairs_parameters

const struct parameter pairs_parameters[] = {
    PARAMETER_NUMBER(VALUES, left_echo, "left-echo", "0", 0, 65535, "UDP port of the left echo"),
    PARAMETER_NUMBER(VALUES, right_echo, "right-echo", "0", 0, 65535, "UDP port of the right echo"),
    PARAMETER_END,
};

/* Too large for a stack, and an image has one pair. */
static struct side left_side, right_side;

static enum result serve_both(struct scope *webs, struct scope *echoes)
{
    enum result result = side_start(&left_side, webs, echoes);
    if (result == OK) result = side_start(&right_side, webs, echoes);
    if (result == OK) result = scope_wait(webs, NEVER); /* until a stop is requested */
    return result;
}

enum result pairs_start(struct http *left_web, struct kv *left, struct http *right_web,
                        struct kv *right, struct udp *udp,
                        const struct pairs_parameters *parameters)
{
    struct scope webs, echoes;
    left_side = (struct side){ .name = VIEW("left"),
                               .http = left_web,
                               .kv = left,
                               .udp = udp,
                               .echo_port = (uint16_t)parameters->left_echo };
    right_side = (struct side){ .name = VIEW("right"),
                                .http = right_web,
                                .kv = right,
                                .udp = udp,
                                .echo_port = (uint16_t)parameters->right_echo };
    scope_open(&webs, "webs");
    scope_open(&echoes, "echoes");
    enum result result = serve_both(&webs, &echoes);
    scope_close(&webs);
    scope_close(&echoes);
    side_end(&left_side);
    side_end(&right_side);
    if (result == OK) result = left_side.result;
    return result == OK ? right_side.result : result;
}
