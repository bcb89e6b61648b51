/* code.c - zlib at level 9 and brotli at quality 11: the image is built once and served
 * often.
 *
 * SPDX-License-Identifier: ISC */
/* zlib's input is then a pointer to const. */
#define ZLIB_CONST

#include "crunch/code.h"

#include <brotli/encode.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <zlib.h>

#include "base/units.h"
#include "kv/media_type.h"

#define THREADS_MAX       16
#define SAVED_BYTES_LEAST 64
#define SAVED_SHARE_LEAST 16

/* windowBits 15 and 16 more for the gzip format (zlib.h, deflateInit2). */
#define GZIP_WINDOW_BITS (15 + 16)

struct work {
    struct crunch_folder *folder;
    atomic_size_t next;
    atomic_size_t done_count;
    bool is_shown;
};

const char *crunch_code_versions(void)
{
    static char text[64];
    snprintf(text, sizeof text, "zlib %s brotli %x", zlibVersion(), BrotliEncoderVersion());
    return text;
}

static bool is_worth_it(size_t coded_bytes, size_t plain_bytes)
{
    return coded_bytes + SAVED_BYTES_LEAST <= plain_bytes &&
           coded_bytes + plain_bytes / SAVED_SHARE_LEAST <= plain_bytes;
}

/* Its header has no time and no name (RFC 1952 2.3), so equal pages make equal variants. */
static struct span code_gzip(struct view plain)
{
    z_stream stream = { 0 };
    if (plain.length_bytes > UINT32_MAX ||
        deflateInit2(&stream, Z_BEST_COMPRESSION, Z_DEFLATED, GZIP_WINDOW_BITS, 9,
                     Z_DEFAULT_STRATEGY) != Z_OK) {
        return (struct span){ 0 };
    }
    struct span room = { .length_bytes = deflateBound(&stream, plain.length_bytes) };
    room.bytes = crunch_allocate(room.length_bytes);
    stream.next_in = plain.bytes;
    stream.avail_in = (uInt)plain.length_bytes;
    stream.next_out = room.bytes;
    stream.avail_out = (uInt)MIN(room.length_bytes, UINT32_MAX);
    int status = deflate(&stream, Z_FINISH);
    room.length_bytes = status == Z_STREAM_END ? stream.total_out : 0;
    (void)deflateEnd(&stream);
    return room;
}

static struct span code_brotli(struct view plain, bool is_text)
{
    struct span room = { .length_bytes = BrotliEncoderMaxCompressedSize(plain.length_bytes) };
    room.bytes = crunch_allocate(room.length_bytes);
    if (!BrotliEncoderCompress(BROTLI_MAX_QUALITY, BROTLI_DEFAULT_WINDOW,
                               is_text ? BROTLI_MODE_TEXT : BROTLI_MODE_GENERIC, plain.length_bytes,
                               plain.bytes, &room.length_bytes, room.bytes)) {
        room.length_bytes = 0;
    }
    return room;
}

/* The variant if it is small enough; otherwise its memory is given back. */
static struct view keep(struct span coded, size_t plain_bytes, size_t limit_bytes)
{
    if (coded.length_bytes > 0 && coded.length_bytes < limit_bytes &&
        is_worth_it(coded.length_bytes, plain_bytes)) {
        return view_from(crunch_grow(coded.bytes, coded.length_bytes), coded.length_bytes);
    }
    free(coded.bytes);
    return (struct view){ 0 };
}

static void code_page(struct crunch_page *page)
{
    size_t plain_bytes = page->bytes.length_bytes;
    page->is_coded = true;
    if (plain_bytes <= SAVED_BYTES_LEAST || media_type_is_compressed(page->key)) return;
    bool is_text = view_starts_with(media_type_of(page->key), VIEW("text/"));
    struct view gzip = keep(code_gzip(page->bytes), plain_bytes, plain_bytes);
    size_t limit_bytes = view_is_empty(gzip) ? plain_bytes : gzip.length_bytes;
    page->coded[KV_GZIP] = gzip;
    page->coded[KV_BROTLI] = keep(code_brotli(page->bytes, is_text), plain_bytes, limit_bytes);
}

static void show(struct work *work)
{
    size_t done_count = atomic_fetch_add(&work->done_count, 1) + 1;
    if (!work->is_shown) return;
    fprintf(stderr, "\rloom-crunch: %zu of %zu files%s", done_count, work->folder->count,
            done_count == work->folder->count ? "\n" : "");
}

static void *code_pages(void *argument)
{
    struct work *work = argument;
    size_t index;
    while ((index = atomic_fetch_add(&work->next, 1)) < work->folder->count) {
        if (!work->folder->pages[index].is_coded) code_page(&work->folder->pages[index]);
        show(work);
    }
    return NULL;
}

void crunch_code(struct crunch_folder *folder)
{
    struct work work = { .folder = folder, .is_shown = isatty(STDERR_FILENO) == 1 };
    pthread_t threads[THREADS_MAX];
    size_t count = 0, wanted = (size_t)MAX(sysconf(_SC_NPROCESSORS_ONLN), 1);
    wanted = MIN(MIN(wanted, THREADS_MAX), folder->count);
    while (count + 1 < wanted && pthread_create(&threads[count], NULL, code_pages, &work) == 0)
        count++;
    (void)code_pages(&work);
    for (size_t i = 0; i < count; i++)
        pthread_join(threads[i], NULL);
}
