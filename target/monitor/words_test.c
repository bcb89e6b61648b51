/* words_test.c - command lines as monitors hand them over.
 *
 * SPDX-License-Identifier: ISC */
#include "target/monitor/words.h"

#include "base/units.h"
#include "test/test.h"

static struct told_device devices[3];
static uint8_t room[64];

static struct words words_over(size_t room_bytes)
{
    return (struct words){ .room = span_from(room, room_bytes),
                           .devices = devices,
                           .device_max = LENGTH_OF(devices) };
}

static void expect_words(struct view line, struct view wanted)
{
    struct words words = words_over(sizeof room);
    expect_ok(words_read(&words, line));
    expect_view(view_first(span_view(words.room), words.length_bytes), wanted);
}

TEST(words_are_cut_at_spaces)
{
    expect_words(VIEW(""), VIEW(""));
    expect_words(VIEW("  \t "), VIEW(""));
    expect_words(VIEW("one"), VIEW("one\0"));
    expect_words(VIEW("  --one=1   two "), VIEW("--one=1\0two\0"));
}

TEST(words_keep_the_spaces_between_quotes)
{
    expect_words(VIEW("\"a b\" c"), VIEW("a b\0c\0"));
    expect_words(VIEW("--name=\"big world\""), VIEW("--name=big world\0"));
    expect_words(VIEW("\"\" x"), VIEW("\0x\0"));
    struct words words = words_over(sizeof room);
    expect_result(words_read(&words, VIEW("a \"b c")), INVALID);
}

/* As Firecracker adds them for a root device, and where it has no bus. */
TEST(words_for_a_linux_are_left_out)
{
    expect_words(VIEW("--a pci=off root=/dev/vda rw --b"), VIEW("--a\0--b\0"));
    expect_words(VIEW("root=PARTUUID=0eaa91a0-01 ro"), VIEW(""));
    expect_words(VIEW("--root=x rwx pci=on"), VIEW("--root=x\0rwx\0pci=on\0"));
}

TEST(words_that_find_no_room_are_refused)
{
    struct words words = words_over(4);
    expect_ok(words_read(&words, VIEW("a b")));
    expect_result(words_read(&words, VIEW("a bc")), FULL);
    expect_result(words_read(&words, VIEW("abcd")), FULL);
    expect_result(words_read(&words, VIEW("abcdefgh")), FULL);
}

/* As QEMU's microvm with acpi=off and Firecracker append them. */
TEST(words_tell_of_devices)
{
    struct words words = words_over(sizeof room);
    expect_ok(words_read(&words, VIEW("x virtio_mmio.device=512@0xfeb00e00:12 y "
                                      "virtio_mmio.device=4K@0xd0000000:5:3")));
    expect_view(view_first(span_view(words.room), words.length_bytes), VIEW("x\0y\0"));
    expect_that(words.device_count, ==, 2);
    expect_that(devices[0].registers, ==, 0xfeb00e00);
    expect_that(devices[0].interrupt, ==, 12);
    expect_that(devices[1].registers, ==, 0xd0000000);
    expect_that(devices[1].interrupt, ==, 5);
}

/* Linux, drivers/virtio/virtio_mmio.c: the suffixes of memparse, and base as %lli has it. */
TEST(words_take_a_size_and_a_base_as_linux_does)
{
    static const struct view lines[] = {
        VIEW_ROW("virtio_mmio.device=0x100@0x100b0000:48"), /* both of its documentation */
        VIEW_ROW("virtio_mmio.device=1K@0x100b0000:48"),
        VIEW_ROW("virtio_mmio.device=1k@0x100B0000:48"),
        VIEW_ROW("virtio_mmio.device=512@269156352:48"),
        VIEW_ROW("virtio_mmio.device=2M@0x100b0000:48:0"),
        VIEW_ROW("virtio_mmio.device=1G@0x100b0000:48:42"),
        VIEW_ROW("virtio_mmio.device=0x1e@0x100b0000:48"),
    };
    for (size_t i = 0; i < LENGTH_OF(lines); i++) {
        struct words words = words_over(sizeof room);
        expect_ok(words_read(&words, lines[i]));
        expect_that(words.device_count, ==, 1);
        expect_that(devices[0].registers, ==, 0x100b0000);
        expect_that(devices[0].interrupt, ==, 48);
    }
}

TEST(words_refuse_devices_that_cannot_be)
{
    static const struct view lines[] = {
        VIEW_ROW("virtio_mmio.device="),
        VIEW_ROW("virtio_mmio.device=4K"),
        VIEW_ROW("virtio_mmio.device=@0x1000:5"),
        VIEW_ROW("virtio_mmio.device=0@0x1000:5"),
        VIEW_ROW("virtio_mmio.device=K@0x1000:5"),
        VIEW_ROW("virtio_mmio.device=4X@0x1000:5"),
        VIEW_ROW("virtio_mmio.device=4KK@0x1000:5"),
        VIEW_ROW("virtio_mmio.device=4K@:5"),
        VIEW_ROW("virtio_mmio.device=4K@0x1000:0"),
        VIEW_ROW("virtio_mmio.device=4K@0x1000:5:"),
        VIEW_ROW("virtio_mmio.device=4K@0x1000:5:x"),
        VIEW_ROW("virtio_mmio.device=4K@0x1000:5:1:2"),
        VIEW_ROW("virtio_mmio.device=4K@0x:5"),
        VIEW_ROW("virtio_mmio.device=4K@0x1000"),
        VIEW_ROW("virtio_mmio.device=4K@0x1000:256"),
        VIEW_ROW("virtio_mmio.device=4K@0x1000:x"),
    };
    for (size_t i = 0; i < LENGTH_OF(lines); i++) {
        struct words words = words_over(sizeof room);
        expect_result(words_read(&words, lines[i]), INVALID);
    }
    struct words words = words_over(sizeof room);
    expect_result(
        words_read(&words, VIEW("virtio_mmio.device=1@0x10:1 virtio_mmio.device=1@0x20:1 "
                                "virtio_mmio.device=1@0x30:1 virtio_mmio.device=1@0x40:1")),
        FULL);
}
