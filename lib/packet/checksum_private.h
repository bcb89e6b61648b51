/* checksum_private.h - the two ways to sum long runs of bytes, of which a processor takes one:
 * named here so that the tests hold both on any processor.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_CHECKSUM_PRIVATE_H
#define LOOM_CHECKSUM_PRIVATE_H

#include <stdint.h>

#include "base/view.h"

#define CHECKSUM_BLOCK_BYTES ((size_t)64)

/* The sum of the words of whole blocks, as struct checksum counts it: not folded, but far from an
 * overflow. */
uint64_t checksum_blocks_baseline(struct view blocks);

/* Half the time where the processor has registers of thirty-two bytes; elsewhere a fault. */
uint64_t checksum_blocks_avx2(struct view blocks);

#endif
