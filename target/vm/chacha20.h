/* chacha20.h - the block function of ChaCha20 (RFC 8439 2.3).
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_CHACHA20_H
#define LOOM_CHACHA20_H

#include <stdint.h>

#define CHACHA20_KEY_BYTES   32
#define CHACHA20_NONCE_BYTES 12
#define CHACHA20_BLOCK_BYTES 64

struct chacha20_input {
    uint8_t key[CHACHA20_KEY_BYTES];
    uint32_t counter;
    uint8_t nonce[CHACHA20_NONCE_BYTES];
};

void chacha20_block(uint8_t block[CHACHA20_BLOCK_BYTES], const struct chacha20_input *input);

#endif
