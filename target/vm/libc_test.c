/* libc_test.c - the functions of target/vm/libc beside those of the host's C library, over every
 * length at which they change their way, every alignment, and random bytes; what they read and
 * write ends at an unmapped page.
 *
 * SPDX-License-Identifier: ISC */
#include <string.h>
#include <sys/mman.h>

#include "target/entropy.h"
#include "target/vm/libc/libc.h"
#include "test/test.h"

#define ROOM 8192

/* Memory that ends at a page that may not be touched, and its twin for the host's functions. */
struct room {
    uint8_t *ours, *theirs; /* ROOM bytes each */
};

static uint8_t *room_with_edge(void)
{
    uint8_t *pages = mmap(NULL, ROOM + 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
                          -1, 0);
    expect(pages != MAP_FAILED);
    expect(mprotect(pages + ROOM, 4096, PROT_NONE) == 0);
    return pages;
}

static struct room room_open(void)
{
    struct room room = { room_with_edge(), room_with_edge() };
    entropy_fill(span_from(room.ours, ROOM));
    memcpy(room.theirs, room.ours, ROOM);
    return room;
}

static void room_close(struct room room)
{
    (void)munmap(room.ours, ROOM + 4096);
    (void)munmap(room.theirs, ROOM + 4096);
}

static void expect_twins(struct room room, const char *what, size_t at, size_t length)
{
    if (memcmp(room.ours, room.theirs, ROOM) != 0)
        test_fail(__FILE__, __LINE__, "%s differs: offset %zu, length %zu", what, at, length);
}

/* Every length up to 300, and then steps across those at which the string instructions take over.
 */
static size_t next_length(size_t length)
{
    return length < 300 ? length + 1 : length + 37;
}

TEST(memcpy_copies_as_the_host_does)
{
    struct room room = room_open();
    for (size_t length = 0; length < 3500; length = next_length(length)) {
        for (size_t at = 0; at < 18; at++) {
            size_t to = ROOM - length - at;
            expect(LIBC(memcpy)(room.ours + to, room.ours + at, length) == room.ours + to);
            memcpy(room.theirs + to, room.theirs + at, length);
            expect_twins(room, "memcpy", at, length);
        }
        entropy_fill(span_from(room.ours, 64));
        memcpy(room.theirs, room.ours, 64);
    }
    room_close(room);
}

/* Overlaps in both directions, by distances on both sides of a vector and of a length. */
TEST(memmove_moves_what_overlaps)
{
    static const size_t distances[] = { 0, 1, 2, 7, 15, 16, 17, 31, 33, 63, 64, 65, 300, 3000 };
    struct room room = room_open();
    for (size_t length = 0; length < 3500; length = next_length(length)) {
        for (size_t i = 0; i < LENGTH_OF(distances); i++) {
            size_t low = ROOM - length - distances[i], high = ROOM - length;
            expect(LIBC(memmove)(room.ours + high, room.ours + low, length) == room.ours + high);
            memmove(room.theirs + high, room.theirs + low, length);
            expect_twins(room, "memmove up", distances[i], length);
            expect(LIBC(memmove)(room.ours + low, room.ours + high, length) == room.ours + low);
            memmove(room.theirs + low, room.theirs + high, length);
            expect_twins(room, "memmove down", distances[i], length);
        }
        entropy_fill(span_from(room.ours + ROOM - 512, 512));
        memcpy(room.theirs, room.ours, ROOM);
    }
    room_close(room);
}

TEST(memset_fills_as_the_host_does)
{
    struct room room = room_open();
    for (size_t length = 0; length < 3500; length = next_length(length)) {
        for (size_t at = 0; at < 18; at++) {
            size_t to = ROOM - length - at;
            int byte = (int)(length * 31 + at) - 300; /* only its low eight bits count */
            expect(LIBC(memset)(room.ours + to, byte, length) == room.ours + to);
            memset(room.theirs + to, byte, length);
            expect_twins(room, "memset", at, length);
        }
    }
    room_close(room);
}

static int sign(int value)
{
    return (value > 0) - (value < 0);
}

/* Two that are equal but for one byte, at each place, in both orders. */
TEST(memcmp_orders_as_the_host_does)
{
    struct room room = room_open();
    for (size_t length = 0; length < 100; length++) {
        uint8_t *a = room.ours + ROOM - length, *b = room.theirs + ROOM - length;
        memcpy(b, a, length);
        expect(LIBC(memcmp)(a, b, length) == 0);
        for (size_t at = 0; at < length; at++) {
            b[at] ^= (uint8_t)(1u << at % 8);
            if (at + 1 < length) b[at + 1] ^= 0xff;
            expect(sign(LIBC(memcmp)(a, b, length)) == sign(memcmp(a, b, length)));
            expect(sign(LIBC(memcmp)(b, a, length)) == sign(memcmp(b, a, length)));
            memcpy(b, a, length);
        }
    }
    room_close(room);
}

/* Few values, so that there is something to find. */
static void fill_with_few(struct span span, unsigned values)
{
    entropy_fill(span);
    for (size_t i = 0; i < span.length_bytes; i++)
        span.bytes[i] = (uint8_t)(0x7e + span.bytes[i] % values);
}

TEST(memchr_and_memrchr_find_what_the_host_finds)
{
    struct room room = room_open();
    for (unsigned values = 2; values < 200; values += 9) {
        for (size_t length = 0; length < 130; length++) {
            uint8_t *bytes = room.ours + ROOM - length;
            fill_with_few(span_from(bytes, length), values);
            int wanted = 0x7e + 256 + (int)(length % 7);
            expect(LIBC(memchr)(bytes, wanted, length) == memchr(bytes, wanted, length));
            expect(LIBC(memrchr)(bytes, wanted, length) == memrchr(bytes, wanted, length));
        }
    }
    room_close(room);
}

TEST(memmem_finds_what_the_host_finds)
{
    struct room room = room_open();
    for (size_t length = 0; length < 90; length++) {
        for (size_t part_length = 0; part_length < 6; part_length++) {
            uint8_t *bytes = room.ours + ROOM - length, *part = room.theirs + ROOM - part_length;
            fill_with_few(span_from(bytes, length), 3);
            fill_with_few(span_from(part, part_length), 3);
            expect(LIBC(memmem)(bytes, length, part, part_length) ==
                   memmem(bytes, length, part, part_length));
        }
    }
    room_close(room);
}

TEST(strings_end_at_their_nul)
{
    static const char *const strings[] = { "", "a", "ab", "abc", "abd", "b", "\x80", "a\xff" };
    struct room room = room_open();
    for (size_t length = 0; length < 70; length++) {
        char *string = (char *)(room.ours + ROOM - length - 1);
        memset(string, 'x', length);
        string[length] = 0;
        expect_that(LIBC(strlen)(string), ==, length);
    }
    for (size_t i = 0; i < LENGTH_OF(strings); i++) {
        for (size_t j = 0; j < LENGTH_OF(strings); j++) {
            expect(sign(LIBC(strcmp)(strings[i], strings[j])) ==
                   sign(strcmp(strings[i], strings[j])));
            for (size_t length = 0; length < 4; length++)
                expect(sign(LIBC(strncmp)(strings[i], strings[j], length)) ==
                       sign(strncmp(strings[i], strings[j], length)));
        }
    }
    room_close(room);
}

TEST(checked_twins_do_what_fits)
{
    char room[8] = "........";
    expect(LIBC(__memcpy_chk)(room, "abcd", 4, sizeof room) == room);
    expect(LIBC(__memmove_chk)(room + 1, room, 4, sizeof room - 1) == room + 1);
    expect(LIBC(__memset_chk)(room + 6, '-', 2, 2) == room + 6);
    expect_view(VIEW_OF(room), VIEW("aabcd.--"));
}
