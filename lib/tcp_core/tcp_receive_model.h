/* tcp_receive_model.h - a receive queue beside a model of it that is an array of bytes, for tests
 * and fuzzing: every call goes to both, and what they say must be the same.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_TCP_RECEIVE_MODEL_H
#define LOOM_TCP_RECEIVE_MODEL_H

#include "tcp_core/tcp_receive_queue.h"

#define TCP_RECEIVE_MODEL_BYTES ((size_t)1 << 19)

struct tcp_receive_model {
    struct packet_pool packets;
    struct tcp_receive_queue queue;
    struct tcp_receive_window window;
    uint32_t read_nxt, rcv_nxt;
    uint32_t time; /* counts segments */
    struct tcp_range duplicate;

    /* By sequence number, which wraps round in them. */
    uint8_t bytes[TCP_RECEIVE_MODEL_BYTES];
    uint32_t came[TCP_RECEIVE_MODEL_BYTES]; /* 0: not yet; else when its piece was last added to */
};

struct tcp_receive_model_segment {
    int32_t offset; /* from rcv_nxt */
    uint32_t length_bytes;
    uint8_t byte;  /* its first; no two segments need agree */
    uint8_t shape; /* where in which buffers it lies */
};

/* At most a quarter of TCP_RECEIVE_MODEL_BYTES as the limit. Stops the image if there is no memory.
 */
void tcp_receive_model_open(struct tcp_receive_model *model, uint32_t rcv_nxt, uint32_t limit_bytes,
                            size_t packet_count);
void tcp_receive_model_close(struct tcp_receive_model *model);

void tcp_receive_model_insert(struct tcp_receive_model *model,
                              const struct tcp_receive_model_segment *segment);
void tcp_receive_model_read(struct tcp_receive_model *model, size_t length_bytes);
void tcp_receive_model_offer(struct tcp_receive_model *model, uint8_t wind_shift);
void tcp_receive_model_check_blocks(struct tcp_receive_model *model, size_t max);

#endif
