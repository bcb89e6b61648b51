/* parameter_name.c - parameters by name, and by almost their name.
 *
 * An image has some tens of parameters and reads them once, so they are looked for in order.
 *
 * SPDX-License-Identifier: ISC */
#include "parameter/parameter_name.h"

#include "base/units.h"

#define NAME_BYTES_MAX 64

static void go_in(struct parameter_place *place)
{
    assert_that(place->depth, <, PARAMETER_DEPTH_MAX);
    place->outer[place->depth++] = place->parameter;
    place->parameter = place->parameter->table;
}

bool place_next(const struct parameter_groups *all, struct parameter_place *place)
{
    if (all->count == 0) return false;
    const struct parameter_group *end = &all->groups[all->count];
    if (place->group == NULL) {
        place->group = all->groups;
        place->parameter = place->group->table;
    } else {
        place->parameter++;
        place->ordinal++;
    }
    for (;;) {
        if (place->parameter->type == PARAMETER_TYPE_TABLE) {
            go_in(place);
        } else if (place->parameter->type != PARAMETER_TYPE_END) {
            return true;
        } else if (place->depth > 0) {
            place->parameter = place->outer[--place->depth] + 1;
        } else {
            if (++place->group == end) return false;
            place->parameter = place->group->table;
        }
    }
}

struct span place_value(const struct parameter_place *place)
{
    struct span values = place->group->values;
    for (size_t i = 0; i < place->depth; i++)
        values = span_from_offset(values, place->outer[i]->offset);
    return span_first(span_from_offset(values, place->parameter->offset),
                      place->parameter->size_bytes);
}

void place_put_name(struct writer *writer, const struct parameter_place *place)
{
    writer_format(writer, "%s%s%s", place->group->prefix,
                  place->group->prefix[0] != '\0' ? "-" : "", place->parameter->name);
}

static struct view name_of(const struct parameter_place *place, struct span room)
{
    struct writer writer = writer_over(room);
    place_put_name(&writer, place);
    assert(!writer.ran_short);
    return writer_view(&writer);
}

/* Without making the name: every name is compared with every other at start. */
static bool has_name(const struct parameter_place *place, struct view name)
{
    struct view prefix = view_from_string(place->group->prefix);
    struct view own = view_from_string(place->parameter->name);
    if (view_is_empty(prefix)) return view_equal(name, own);
    return name.length_bytes == prefix.length_bytes + 1 + own.length_bytes &&
           view_starts_with(name, prefix) && view_byte(name, prefix.length_bytes) == '-' &&
           view_ends_with(name, own);
}

bool place_find(const struct parameter_groups *all, struct view name, struct parameter_place *place)
{
    *place = (struct parameter_place){ 0 };
    while (place_next(all, place)) {
        if (has_name(place, name)) return true;
    }
    return false;
}

/* ---- almost its name ---- */

/* One line of the matrix of distances between beginnings of two names. */
struct distances {
    uint8_t to[NAME_BYTES_MAX + 1];
};

/* How many letters must be changed, left out, put in or swapped with their neighbour to make one
 * name of the other ("optimal string alignment"). The lines before are the only ones that the next
 * is made from: three are kept. */
static unsigned edit_distance(struct view a, struct view b)
{
    struct distances lines[3] = { 0 };
    for (size_t j = 0; j <= b.length_bytes; j++)
        lines[0].to[j] = (uint8_t)j;
    for (size_t i = 1; i <= a.length_bytes; i++) {
        struct distances *now = &lines[i % 3];
        const struct distances *before = &lines[(i + 2) % 3], *earlier = &lines[(i + 1) % 3];
        now->to[0] = (uint8_t)i;
        for (size_t j = 1; j <= b.length_bytes; j++) {
            bool differs = view_byte(a, i - 1) != view_byte(b, j - 1);
            unsigned least = MIN(before->to[j] + 1u, now->to[j - 1] + 1u);
            least = MIN(least, before->to[j - 1] + (differs ? 1u : 0u));
            bool is_swapped = i > 1 && j > 1 && view_byte(a, i - 1) == view_byte(b, j - 2) &&
                              view_byte(a, i - 2) == view_byte(b, j - 1);
            if (is_swapped) least = MIN(least, earlier->to[j - 2] + 1u);
            now->to[j] = (uint8_t)least;
        }
    }
    return lines[a.length_bytes % 3].to[b.length_bytes];
}

/* A beginning of it counts as one change, however much is missing. */
static unsigned difference(struct view written, struct view name)
{
    if (written.length_bytes >= 3 && view_starts_with(name, written)) return 1;
    return edit_distance(written, name);
}

bool place_find_near(const struct parameter_groups *all, struct view name,
                     struct parameter_place *place)
{
    uint8_t room[NAME_BYTES_MAX];
    struct parameter_place at = { 0 };
    if (name.length_bytes > NAME_BYTES_MAX) return false;
    unsigned least = 1 + (unsigned)name.length_bytes / 4; /* beyond this it is another word */
    bool found = false;
    while (place_next(all, &at)) {
        unsigned changes = difference(name, name_of(&at, SPAN_OF(room)));
        if (changes > least || (found && changes == least)) continue;
        least = changes;
        *place = at;
        found = true;
    }
    return found;
}
