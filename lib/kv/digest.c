/* digest.c - SHA-256 behind our own names, so that one file knows whose it is.
 *
 * SPDX-License-Identifier: ISC */
#include "kv/digest.h"

static_assert(KV_DIGEST_BYTES == br_sha256_SIZE, "a digest is a SHA-256");

void digest_begin(struct digest *digest)
{
    br_sha256_init(&digest->context);
}

void digest_add(struct digest *digest, struct view bytes)
{
    br_sha256_update(&digest->context, bytes.bytes, bytes.length_bytes);
}

struct kv_digest digest_end(const struct digest *digest)
{
    struct kv_digest sum;
    br_sha256_out(&digest->context, sum.bytes);
    return sum;
}

struct kv_digest digest_of(struct view bytes)
{
    struct digest digest;
    digest_begin(&digest);
    digest_add(&digest, bytes);
    return digest_end(&digest);
}
