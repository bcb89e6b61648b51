/* greeter.h - a signature that Loom does not know: who greets.
 *
 * SPDX-License-Identifier: ISC */
#ifndef GREETER_H
#define GREETER_H

#include "base/view.h"

struct greeter {
    const struct greeter_ops *ops;
};

struct greeter_ops {
    struct view (*greet)(struct greeter *greeter, struct span room, struct view whom);
};

/* A line that greets; it is in `room`, and cut where that ends. */
static inline struct view greeter_greet(struct greeter *greeter, struct span room, struct view whom)
{
    return greeter->ops->greet(greeter, room, whom);
}

#endif
