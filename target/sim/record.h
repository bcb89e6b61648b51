/* record.h - what has been noted last: whole pieces of bytes, of which the oldest go when there is
 * no more room.
 *
 *     half being filled                   half that is full
 *     | piece | piece | ...     |  then   | piece | piece | ... |   becomes the one to fill
 *
 * So at least half of the room always holds the newest pieces.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_SIM_RECORD_H
#define LOOM_SIM_RECORD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/view.h"

struct record {
    struct span halves[2];
    size_t lengths[2];
    unsigned filling;
    uint64_t lost_bytes;
};

/* Touches no memory until something is noted. */
void record_open(struct record *record, size_t room_bytes);
void record_close(struct record *record);

/* A piece longer than half of the room is lost. */
void record_put(struct record *record, struct view piece);

/* All of it: first [0], then [1]. The views live until the next record_put. */
void record_views(const struct record *record, struct view views[2]);

bool record_holds(const struct record *record, struct view words);

#endif
