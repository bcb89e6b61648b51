/* media_type.h - the media type of a file by the extension of its name.
 *
 * The names are those of IANA's registry (https://www.iana.org/assignments/media-types), with
 * charset=utf-8 for text.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_KV_MEDIA_TYPE_H
#define LOOM_KV_MEDIA_TYPE_H

#include <stdbool.h>

#include "base/view.h"

/* The type of the last segment's extension, in either case: "a/B.HTML" is "text/html;
 * charset=utf-8". Empty: not known. The view lives for ever. */
struct view media_type_of(struct view key);

/* Whether the format of such a file holds compressed data already, so that compressing it again is
 * lost labour. */
bool media_type_is_compressed(struct view key);

#endif
