/* digest.h - SHA-256 (FIPS 180-4), whole or piece by piece; the arithmetic is BearSSL's.
 *
 *     struct digest digest;
 *     digest_begin(&digest);
 *     digest_add(&digest, piece);
 *     struct kv_digest sum = digest_end(&digest);
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_KV_DIGEST_H
#define LOOM_KV_DIGEST_H

#include <bearssl/bearssl_hash.h>

#include "base/view.h"
#include "kv/kv.h"

struct digest {
    br_sha256_context context;
};

void digest_begin(struct digest *digest);
void digest_add(struct digest *digest, struct view bytes);

/* Of all that was added so far; more may be added afterwards. */
struct kv_digest digest_end(const struct digest *digest);

struct kv_digest digest_of(struct view bytes);

static inline bool kv_digest_equal(const struct kv_digest *a, const struct kv_digest *b)
{
    return view_equal(VIEW_OF(*a), VIEW_OF(*b));
}

#endif
