/* records.h - an image that writes records and says which of them last, until it is killed.
 *
 * SPDX-License-Identifier: ISC */
#ifndef RECORDS_H
#define RECORDS_H

#include "block/block.h"
#include "parameter/parameter.h"

struct records_parameters {
    uint64_t first, count;
    bool flushes;
};
extern const struct parameter records_parameters[];

/* Waits. Writes record after record, each a block that holds its number again and again, at the
 * place that the number gives; several fibers, each of which writes one, flushes, and only then
 * says the number on the console. Until it has written
 * `count`, or a stop is requested. */
enum result records_start(struct block *block, const struct records_parameters *parameters) CHECKED;

#endif
