/* archives.c - what a whole program would do with them: text becomes small and whole again, heads
 * of HTTP/2 become bytes and heads again, and what is digested, enciphered and signed is what the
 * standards say.
 *
 * Sources of the expected values: FIPS 180-4, SHA-256 of "abc" (in its examples); RFC 8439 2.3.2,
 * the block of ChaCha20.
 *
 * SPDX-License-Identifier: ISC */
#include "archives.h"

#include <bearssl.h>
#include <nghttp2/nghttp2.h>
#include <zlib.h>

#include "base/units.h"
#include "base/view.h"
#include "target/console.h"
#include "target/memory.h"

#define LOG_MODULE "archives"
#include "log/log.h"

static bool tell(struct archives *archives, bool is_right, struct view what)
{
    if (is_right) archives->uses++;
    console_write(what);
    console_write(is_right ? VIEW(": right\n") : VIEW(": wrong\n"));
    return is_right;
}

/* ---- zlib ---- */

#define TEXT_BYTES   ((size_t)200 * 1024)
#define PACKED_BYTES (TEXT_BYTES + 4096)

/* Words that come again, and numbers that do not. */
static void make_text(struct span text)
{
    const struct view words = VIEW("warp, weft ");
    for (size_t i = 0; i < text.length_bytes; i++)
        text.bytes[i] = i % 97 < 60 ? view_byte(words, i % words.length_bytes)
                                    : (uint8_t)(i * i >> 7);
}

/* Packed at the level, unpacked in pieces of an odd length, and the same as before. */
static bool goes_round(struct span text, struct span packed, struct span unpacked, int level)
{
    uLongf packed_bytes = packed.length_bytes;
    if (compress2(packed.bytes, &packed_bytes, text.bytes, text.length_bytes, level) != Z_OK)
        return false;
    z_stream stream = { .next_in = packed.bytes, .next_out = unpacked.bytes };
    if (inflateInit(&stream) != Z_OK) return false;
    int result = Z_OK;
    while (result == Z_OK && stream.total_out < unpacked.length_bytes) {
        stream.avail_in = (uInt)MIN((size_t)1237, packed_bytes - stream.total_in);
        stream.avail_out = (uInt)MIN((size_t)999, unpacked.length_bytes - stream.total_out);
        result = inflate(&stream, Z_NO_FLUSH);
    }
    while (result == Z_OK) { /* what is behind the last byte: the sum */
        stream.avail_in = (uInt)(packed_bytes - stream.total_in);
        result = inflate(&stream, Z_FINISH);
    }
    bool is_whole = result == Z_STREAM_END && stream.total_out == text.length_bytes;
    return inflateEnd(&stream) == Z_OK && is_whole && packed_bytes < text.length_bytes * 3 / 4 &&
           view_equal(span_view(text), span_view(unpacked));
}

static bool use_zlib(void)
{
    struct span text, packed, unpacked;
    if (memory_take(TEXT_BYTES, &text) != OK || memory_take(PACKED_BYTES, &packed) != OK ||
        memory_take(TEXT_BYTES, &unpacked) != OK)
        return false;
    make_text(text);
    bool is_right = true;
    for (int level = 1; level <= 9; level += 4)
        is_right = is_right && goes_round(text, packed, unpacked, level);
    /* What is damaged is found out. */
    packed.bytes[5000] ^= 1;
    uLongf unpacked_bytes = TEXT_BYTES;
    is_right = is_right && uncompress(unpacked.bytes, &unpacked_bytes, packed.bytes,
                                      packed.length_bytes) == Z_DATA_ERROR;
    /* There are no files, and zlib can be told so. */
    is_right = is_right && gzopen("/etc/passwd", "r") == NULL;
    memory_give_back(unpacked);
    memory_give_back(packed);
    memory_give_back(text);
    return is_right;
}

/* ---- nghttp2 ---- */

#define FIELDS 4

/* nghttp2 only reads what it takes without const. */
static uint8_t *writable(const char *text)
{
    return (uint8_t *)(uintptr_t)text; // NOLINT
}

static nghttp2_nv field(const char *name, const char *value)
{
    return (nghttp2_nv){ .name = writable(name),
                         .value = writable(value),
                         .namelen = view_from_string(name).length_bytes,
                         .valuelen = view_from_string(value).length_bytes };
}

static bool is_field(const nghttp2_nv *a, const nghttp2_nv *b)
{
    return view_equal(view_from(a->name, a->namelen), view_from(b->name, b->namelen)) &&
           view_equal(view_from(a->value, a->valuelen), view_from(b->value, b->valuelen));
}

/* All fields in their order, and nothing behind them. */
static bool inflates_to(nghttp2_hd_inflater *inflater, struct view block, const nghttp2_nv fields[])
{
    size_t count = 0;
    for (;;) {
        nghttp2_nv found;
        int flags = 0;
        ssize_t taken = nghttp2_hd_inflate_hd2(inflater, &found, &flags, block.bytes,
                                               block.length_bytes, 1);
        if (taken < 0) return false;
        block = view_from_offset(block, (size_t)taken);
        if (flags & NGHTTP2_HD_INFLATE_EMIT) {
            if (count == FIELDS || !is_field(&found, &fields[count])) return false;
            count++;
        }
        if (flags & NGHTTP2_HD_INFLATE_FINAL) break;
    }
    return nghttp2_hd_inflate_end_headers(inflater) == 0 && count == FIELDS && view_is_empty(block);
}

/* Twice over one connection: the second time the table has them all, and each is a byte. */
static bool use_nghttp2(void)
{
    const nghttp2_nv fields[FIELDS] = { field(":method", "GET"), field(":authority", "loom"),
                                        field("user-agent", "loom"), field("x-thread", "warp") };
    nghttp2_hd_deflater *deflater;
    nghttp2_hd_inflater *inflater;
    uint8_t block[256];
    ssize_t first, second;
    if (nghttp2_hd_deflate_new(&deflater, 4096) != 0 || nghttp2_hd_inflate_new(&inflater) != 0)
        return false;
    first = nghttp2_hd_deflate_hd(deflater, block, sizeof block, fields, FIELDS);
    bool is_right = first > 0 && inflates_to(inflater, view_from(block, (size_t)first), fields);
    second = nghttp2_hd_deflate_hd(deflater, block, sizeof block, fields, FIELDS);
    is_right = is_right && second == FIELDS &&
               inflates_to(inflater, view_from(block, (size_t)second), fields);
    nghttp2_hd_inflate_del(inflater);
    nghttp2_hd_deflate_del(deflater);
    return is_right;
}

/* ---- BearSSL ---- */

static bool digests(void)
{
    static const uint8_t of_abc[br_sha256_SIZE] = {
        0xba, 0x78, 0x16, 0xbf, 0x8f, 0x01, 0xcf, 0xea, 0x41, 0x41, 0x40,
        0xde, 0x5d, 0xae, 0x22, 0x23, 0xb0, 0x03, 0x61, 0xa3, 0x96, 0x17,
        0x7a, 0x9c, 0xb4, 0x10, 0xff, 0x61, 0xf2, 0x00, 0x15, 0xad,
    };
    uint8_t digest[br_sha256_SIZE];
    br_sha256_context context;
    br_sha256_init(&context);
    br_sha256_update(&context, "abc", 3);
    br_sha256_out(&context, digest);
    return view_equal(VIEW_OF(digest), VIEW_OF(of_abc));
}

/* By the code for any processor and, where this one has it, by that for its vectors. */
static bool enciphers(br_chacha20_run run)
{
    static const uint8_t begins[] = { 0x10, 0xf1, 0xe7, 0xe4, 0xd1, 0x3b, 0x59, 0x15 };
    static const uint8_t nonce[12] = { 0, 0, 0, 9, 0, 0, 0, 0x4a };
    uint8_t key[32], block[64] = { 0 };
    for (size_t i = 0; i < sizeof key; i++)
        key[i] = (uint8_t)i;
    (void)run(key, nonce, 1, block, sizeof block);
    return view_equal(view_first(VIEW_OF(block), sizeof begins), VIEW_OF(begins));
}

/* A key of random numbers, as BearSSL gets them here, signs what its public half knows again. */
static bool signs(void)
{
    uint8_t private_room[BR_EC_KBUF_PRIV_MAX_SIZE], public_room[BR_EC_KBUF_PUB_MAX_SIZE];
    uint8_t signature[80], digest[br_sha256_SIZE] = { 1, 2, 3 };
    const br_ec_impl *curves = br_ec_get_default();
    br_hmac_drbg_context random;
    br_ec_private_key private;
    br_ec_public_key public;
    br_prng_seeder seed = br_prng_seeder_system(NULL);
    br_hmac_drbg_init(&random, &br_sha256_vtable, NULL, 0);
    if (seed == NULL || !seed(&random.vtable)) return false;
    if (br_ec_keygen(&random.vtable, curves, &private, private_room, BR_EC_secp256r1) == 0 ||
        br_ec_compute_pub(curves, &public, public_room, &private) == 0)
        return false;
    size_t length = br_ecdsa_sign_asn1_get_default()(curves, &br_sha256_vtable, digest, &private,
                                                     signature);
    br_ecdsa_vrfy knows = br_ecdsa_vrfy_asn1_get_default();
    if (length == 0 || !knows(curves, digest, sizeof digest, &public, signature, length))
        return false;
    digest[0] ^= 1;
    return !knows(curves, digest, sizeof digest, &public, signature, length);
}

static bool use_bearssl(void)
{
    br_chacha20_run by_vectors = br_chacha20_sse2_get();
    return digests() && enciphers(br_chacha20_ct_run) &&
           (by_vectors == NULL || enciphers(by_vectors)) && signs();
}

enum result archives_open(struct archives *archives)
{
    *archives = (struct archives){ 0 };
    return OK;
}

void archives_close(struct archives *archives)
{
    log_info("%u uses were right", archives->uses);
}

enum result archives_start(struct archives *archives)
{
    bool is_right = tell(archives, use_zlib(), VIEW("zlib"));
    is_right = tell(archives, use_nghttp2(), VIEW("nghttp2")) && is_right;
    is_right = tell(archives, use_bearssl(), VIEW("BearSSL")) && is_right;
    return is_right ? OK : INVALID;
}
