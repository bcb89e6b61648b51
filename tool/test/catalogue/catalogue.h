/* catalogue.h - where it starts.
 *
 * SPDX-License-Identifier: ISC */
#ifndef CATALOGUE_H
#define CATALOGUE_H

#include "greeter.h"
#include "kv/kv.h"

/* Puts something into the catalogue, greets with it, and ends. */
enum result catalogue_start(struct kv *goods, struct greeter *greeter) CHECKED;

#endif
