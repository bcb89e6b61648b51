/* guest.c - see guest.h.
 *
 * SPDX-License-Identifier: ISC */
#include "target/sim/guest.h"

#include "base/assert.h"

void guest_open(struct guest *guest, struct world *world, const char *name, struct view argument)
{
    uint8_t message[PARAMETER_MESSAGE_MAX];
    size_t message_bytes;
    const struct parameter_group group = { .device = name,
                                           .prefix = "",
                                           .table = stack_direct_parameters,
                                           .values = SPAN_OF(guest->parameters) };
    if (parameter_read(&group, 1, &argument, 1, SPAN_OF(message), &message_bytes) != OK)
        panic("%s: %.*s", name, VIEW_FORMAT(view_from(message, message_bytes)));
    guest->wire = world_add_guest(world, name, 0);
    if (stack_direct_open(&guest->stack, wire_net(guest->wire), &guest->parameters) != OK)
        panic("%s: its stack could not be opened", name);
}

void guest_close(struct guest *guest)
{
    stack_direct_close(&guest->stack);
}
