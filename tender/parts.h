/* parts.h - bytes that lie in several places, as the host's calls take them.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_TENDER_PARTS_H
#define LOOM_TENDER_PARTS_H

#include <sys/uio.h>

#include "base/view.h"

/* Copies what lies from `offset_bytes` on into `to`, and gives how much there was. */
size_t parts_copy_out(const struct iovec *parts, size_t count, size_t offset_bytes, struct span to);

/* Copies `from` to where `offset_bytes` is, and gives how much there was room for. */
size_t parts_copy_in(const struct iovec *parts, size_t count, size_t offset_bytes,
                     struct view from);

/* Where `length_bytes` from `offset_bytes` on lie, fewer if there are fewer: at most `count` parts
 * into `to`, and gives how many. */
size_t parts_slice(struct iovec *to, const struct iovec *parts, size_t count, size_t offset_bytes,
                   size_t length_bytes);

#endif
