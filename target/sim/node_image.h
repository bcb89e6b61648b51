/* node_image.h - a copy of an image in memory, with variables of its own.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_SIM_NODE_IMAGE_H
#define LOOM_SIM_NODE_IMAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/view.h"
#include "target/sim/node/host.h"

struct node_image {
    int descriptor; /* of the private copy of the file, open as long as it is loaded */
    void *library;
    int (*run)(struct sim_host *host);
};

/* Loads a fresh copy: of the whole file, or without what only debuggers look at. False: `why` says
 * what is wrong with the file. */
bool node_image_load(struct node_image *image, const char *path, bool whole, struct span why);
void node_image_drop(struct node_image *image);

/* The function in the image that holds the address, by the symbols of the file at `path`. The name
 * lives until the next call. False: none does. */
bool node_image_symbol(const struct node_image *image, const char *path, uintptr_t address,
                       struct view *name, uintptr_t *offset_bytes);

#endif
