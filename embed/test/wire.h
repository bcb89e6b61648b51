/* wire.h - a stack on a wire of bare IP that a test holds the other end of, in virtual time: what
 * it sends is kept and taken apart, what it receives is written by hand.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_EMBED_WIRE_H
#define LOOM_EMBED_WIRE_H

#include "embed/test/harness.h"

#define FRAME_BYTES_MAX 65550
#define FRAMES_MAX      512

enum tcp_flag { FIN = 1, SYN = 2, RST = 4, PSH = 8, ACK = 16, URG = 32 };

struct segment {
    uint16_t source_port, destination_port;
    uint32_t seq, ack;
    uint8_t flags;
    uint8_t traffic_class, hop_limit; /* of what was sent */
    uint16_t window, urgent;
    uint8_t options[40];
    size_t options_bytes; /* a multiple of four */
    uint8_t payload[2048];
    size_t payload_bytes;
    uint64_t at_ns; /* when it was sent */
};

struct frame {
    uint8_t *bytes;
    size_t length_bytes;
    uint64_t at_ns;
};

struct wire {
    struct loom_host host;
    struct loom_stack *stack;
    uint64_t now_ns;
    uint64_t next_ns; /* as the last step gave it */
    uint64_t seed;
    bool is_full; /* takes no frame */
    struct frame sent[FRAMES_MAX];
    size_t first, count;
    /* The connection of the script: ours is the test's end. */
    uint16_t our_port, stack_port;
    uint32_t our_seq, stack_seq; /* the next of each */
};

#define STACK_ADDRESS "192.0.2.7"
#define OUR_ADDRESS   "192.0.2.1"

/* With address, link and small pools; `extra` are further options. */
void wire_open(struct wire *wire, const struct loom_option extra[], size_t count);
void wire_close(struct wire *wire);

/* Steps at every deadline up to `until_ns`, and there. */
void wire_run(struct wire *wire, uint64_t until_ns);
void wire_step(struct wire *wire);

/* To the stack, from our endpoint of the script to its; and what it has sent next. Fails where
 * there is none, or where a checksum is wrong. */
void wire_send(struct wire *wire, const struct segment *segment);
void wire_say(struct wire *wire, uint8_t flags, uint32_t seq, const char *payload);
struct segment wire_next(struct wire *wire);
bool wire_is_silent(const struct wire *wire);

/* A whole frame. */
void wire_input(struct wire *wire, const uint8_t *bytes, size_t length_bytes);

struct loom_endpoint endpoint_of(const char *text);

/* The socket's connection from a handshake that takes `rtt_ns`, with these options in our SYN-ACK.
 */
struct loom_socket *wire_connect(struct wire *wire, const uint8_t *options, size_t options_bytes,
                                 uint64_t rtt_ns);

/* An IPv4 datagram with its checksum; gives its length. */
size_t wire_datagram(uint8_t *room, uint8_t protocol, const char *source, const char *destination,
                     const uint8_t *payload, size_t payload_bytes);
uint16_t wire_checksum(uint32_t sum, const uint8_t *bytes, size_t length_bytes);

#endif
