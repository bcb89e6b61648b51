/* record.c - see record.h.
 *
 * SPDX-License-Identifier: ISC */
#include "target/sim/record.h"

#include "base/assert.h"
#include "base/units.h"
#include "target/memory.h"

void record_open(struct record *record, size_t room_bytes)
{
    *record = (struct record){ 0 };
    for (size_t i = 0; i < LENGTH_OF(record->halves); i++) {
        if (memory_take(room_bytes / 2, &record->halves[i]) != OK)
            panic("no memory for a record of %zu KiB", room_bytes / (size_t)KIB);
    }
}

void record_close(struct record *record)
{
    for (size_t i = 0; i < LENGTH_OF(record->halves); i++)
        memory_give_back(record->halves[i]);
}

static bool put_in_half(struct record *record, struct view piece)
{
    unsigned half = record->filling;
    struct span rest = span_from_offset(record->halves[half], record->lengths[half]);
    if (piece.length_bytes > rest.length_bytes) return false;
    (void)span_copy(rest, piece);
    record->lengths[half] += piece.length_bytes;
    return true;
}

void record_put(struct record *record, struct view piece)
{
    if (put_in_half(record, piece)) return;
    if (piece.length_bytes > record->halves[0].length_bytes) {
        record->lost_bytes += piece.length_bytes;
        return;
    }
    record->filling ^= 1;
    record->lost_bytes += record->lengths[record->filling];
    record->lengths[record->filling] = 0;
    (void)put_in_half(record, piece);
}

void record_views(const struct record *record, struct view views[2])
{
    for (unsigned i = 0; i < 2; i++) {
        unsigned half = record->filling ^ (i ^ 1);
        views[i] = view_first(span_view(record->halves[half]), record->lengths[half]);
    }
}

bool record_holds(const struct record *record, struct view words)
{
    struct view views[2];
    record_views(record, views);
    return view_find(views[0], words) < views[0].length_bytes ||
           view_find(views[1], words) < views[1].length_bytes;
}
