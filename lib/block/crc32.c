/* crc32.c - the checksum of GPT, four bits at a time: a table of 64 bytes.
 *
 * SPDX-License-Identifier: ISC */
#include "block/crc32.h"

/* What four bits make of an empty register. */
static const uint32_t of_nibble[16] = {
    0x00000000, 0x1db71064, 0x3b6e20c8, 0x26d930ac, 0x76dc4190, 0x6b6b51f4, 0x4db26158, 0x5005713c,
    0xedb88320, 0xf00f9344, 0xd6d6a3e8, 0xcb61b38c, 0x9b64c2b0, 0x86d3d2d4, 0xa00ae278, 0xbdbdf21c,
};

uint32_t crc32_continue(uint32_t crc, struct view bytes)
{
    crc = ~crc;
    for (size_t i = 0; i < bytes.length_bytes; i++) {
        crc ^= view_byte(bytes, i);
        crc = crc >> 4 ^ of_nibble[crc & 15];
        crc = crc >> 4 ^ of_nibble[crc & 15];
    }
    return ~crc;
}
