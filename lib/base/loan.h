/* loan.h - bytes that one hands over to be sent from where they are.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_LOAN_H
#define LOOM_LOAN_H

#include "base/view.h"

/* The bytes must not change until `done` is called, once: when they have gone to the peer, or what
 * took them has failed or ended. The loan may be used again from then on. `done` must not wait, nor
 * call what took the loan or anything below it, which may be in the middle of an acknowledgement or
 * of a burst: it notes what is to be done and wakes who does it. */
struct loan {
    struct view bytes;
    void (*done)(struct loan *loan);
};

#endif
