/* parameter_name.h - finding parameters by name. Within lib/parameter.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_PARAMETER_NAME_H
#define LOOM_PARAMETER_NAME_H

#include "base/writer.h"
#include "parameter/parameter.h"

/* A parameter of an instance. */
struct parameter_place {
    const struct parameter_group *group;
    const struct parameter *parameter;
    const struct parameter *outer[PARAMETER_DEPTH_MAX]; /* the rows that led into this table */
    size_t depth;
    size_t ordinal; /* among all, in order */
};

/* The groups of an image. */
struct parameter_groups {
    const struct parameter_group *groups;
    size_t count;
};

/* Walks all of them: begins with a zeroed place, ends with false. */
COLD bool place_next(const struct parameter_groups *all, struct parameter_place *place);

/* Where its value is. */
COLD struct span place_value(const struct parameter_place *place);

/* Its name with the prefix and without the dashes. */
COLD void place_put_name(struct writer *writer, const struct parameter_place *place);

COLD bool place_find(const struct parameter_groups *all, struct view name,
                     struct parameter_place *place);

/* The one that somebody who wrote `name` may have meant; false: none is near. */
COLD bool place_find_near(const struct parameter_groups *all, struct view name,
                          struct parameter_place *place);

#endif
