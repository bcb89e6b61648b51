/* crc32.h - the checksum of GPT, and of who wants to know whether blocks are what was written.
 *
 * CRC-32 of ISO 3309 and ITU-T V.42, which UEFI means too (UEFI 2.10, 5.3.2): the polynomial
 * 0x04c11db7, both ways reflected, beginning with and exclusive-ored with all ones.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_CRC32_H
#define LOOM_CRC32_H

#include <stdint.h>

#include "base/view.h"

/* That of some bytes and of those behind them, from that of the first; 0 is that of none. */
uint32_t crc32_continue(uint32_t crc, struct view bytes);

static inline uint32_t crc32(struct view bytes)
{
    return crc32_continue(0, bytes);
}

#endif
