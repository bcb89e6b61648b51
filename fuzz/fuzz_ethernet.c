/* fuzz_ethernet.c - frames into a host, up to UDP and back.
 *
 * The first byte chooses the link and whether checksums are mended, so that what is behind them is
 * reached. Then each frame stands behind two bytes: its length in units that suit short and long
 * ones, and how much time passes before it.
 *
 * SPDX-License-Identifier: ISC */
#include "ip_world.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length_bytes);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length_bytes)
{
    static uint8_t room[4096];
    struct cursor cursor = cursor_over(view_from(bytes, length_bytes));
    uint8_t choice = cursor_u8(&cursor);
    bool mends = (choice & 2) != 0;
    world_open((choice & 1) != 0 ? NET_IP : NET_ETHERNET, (choice & 4) != 0);
    size_t skipped = world.has_ethernet ? ETHERNET_HEADER_BYTES : 0;
    while (cursor_left(&cursor) > 2) {
        uint8_t size = cursor_u8(&cursor), time = cursor_u8(&cursor);
        size_t frame_bytes = size < 128 ? size : (size_t)(size - 96) * 32;
        struct view frame = cursor_take(&cursor, MIN(frame_bytes, cursor_left(&cursor)));
        (void)span_copy(SPAN_OF(room), frame);
        struct span copy = span_first(SPAN_OF(room), frame.length_bytes);
        if (mends && copy.length_bytes > skipped) world_mend(span_from_offset(copy, skipped));
        if (time != 0) world_pass((uint64_t)time * 100 * MS_NS);
        world_give(span_view(copy));
    }
    world_close();
    return 0;
}
