/* tcp_segment.h - the header of a segment and its options, as they come and as they go (RFC 9293
 * 3.1, 3.2).
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_TCP_SEGMENT_H
#define LOOM_TCP_SEGMENT_H

#include "ip/address.h"
#include "packet/packet.h"
#include "tcp_core/tcp_sequence.h"

#define TCP_HEADER_BYTES     20
#define TCP_HEADER_BYTES_MAX 60

enum tcp_flag {
    TCP_FIN = 1 << 0,
    TCP_SYN = 1 << 1,
    TCP_RST = 1 << 2,
    TCP_PSH = 1 << 3,
    TCP_ACK = 1 << 4,
    TCP_URG = 1 << 5,
    TCP_ECE = 1 << 6, /* RFC 3168 6.1 */
    TCP_CWR = 1 << 7,
};

/* Which options a segment carries. */
enum tcp_option {
    TCP_OPTION_MSS = 1 << 0,            /* RFC 9293 3.7.1; with SYN only */
    TCP_OPTION_WINDOW_SCALE = 1 << 1,   /* RFC 7323 2; with SYN only */
    TCP_OPTION_SACK_PERMITTED = 1 << 2, /* RFC 2018 2; with SYN only */
    TCP_OPTION_TIMESTAMPS = 1 << 3,     /* RFC 7323 3 */
    TCP_OPTION_SACK = 1 << 4,           /* RFC 2018 3; never with SYN */
};

#define TCP_SACK_BLOCKS_MAX 4 /* 3 beside timestamps */
#define TCP_WIND_SHIFT_MAX  14

/* The smallest segment that we let a peer ask us for: with one byte a segment he would have us send
 * sixty bytes of headers for each of his (CVE-2019-11479). */
#define TCP_MSS_MIN 48

/* Where a SYN says nothing (RFC 9293 3.7.1). */
#define TCP_MSS_DEFAULT_IPV4 536
#define TCP_MSS_DEFAULT_IPV6 1220

/* In host order, the window as the wire has it. */
struct tcp_segment {
    uint16_t source_port, destination_port;
    uint32_t seq, ack;
    uint16_t window;
    uint16_t urgent;       /* offset from seq; to be looked at with URG only */
    uint8_t flags;         /* enum tcp_flag */
    uint8_t options;       /* enum tcp_option: which of the fields below count */
    uint8_t header_bytes;  /* options included; set by tcp_segment_parse */
    uint8_t wind_shift;    /* at most 14, whatever was said (RFC 7323 2.3) */
    uint16_t mss;          /* as it was said, perhaps 0 */
    uint16_t user_timeout; /* RFC 5482 3.3: bit 15: in minutes, else in seconds; 0: not said */
    uint8_t sack_count;
    uint32_t ts_value, ts_echo;
    struct tcp_range sack[TCP_SACK_BLOCKS_MAX]; /* as they were said; nobody has checked them */
    uint32_t payload_bytes;                     /* behind the header; set by tcp_segment_take */
};

/* SEG.LEN: what it occupies in the space of sequence numbers (RFC 9293 3.4). */
static inline uint32_t segment_length(const struct tcp_segment *segment)
{
    return segment->payload_bytes + ((segment->flags & TCP_SYN) != 0) +
           ((segment->flags & TCP_FIN) != 0);
}

static inline bool segment_has(const struct tcp_segment *segment, enum tcp_option option)
{
    return (segment->options & (unsigned)option) != 0;
}

/* Reads header and options from the start of `bytes`; those that follow are not looked at. Leaves
 * `payload_bytes` as it was. INVALID: shorter than its header says, or that says under 20 bytes.
 *
 * An option with a length under 2 or past the header's end, the rest behind it included, is passed
 * over, and so is a known one of a wrong length or where it has no business: the segment counts
 * without them (RFC 9293 3.1, MUST-7). Of an option given twice the last counts. */
enum result tcp_segment_parse(struct view bytes, struct tcp_segment *segment) CHECKED;

/* The same from a frame that starts at its TCP header, which is pulled up into the first buffer.
 * The header stays in front. */
enum result tcp_segment_take(struct packet *packet, struct tcp_segment *segment) CHECKED;

/* How long the header will be with these options: at most 60, which the writer asserts. */
size_t tcp_segment_header_bytes(const struct tcp_segment *segment);

/* Whether the user timeout finds room beside the other options, which go before it. */
bool tcp_segment_tells_timeout(const struct tcp_segment *segment);

/* Puts the header in front of `packet`, whose bytes and fragments are the payload, and marks the
 * checksum PARTIAL, with the pseudo-header's sum in the field. Options stand in the order that
 * Linux sends: MSS, SACK permitted, timestamps, scale on a SYN; timestamps, SACK otherwise. */
void tcp_segment_push(struct packet *packet, const struct tcp_segment *segment,
                      const struct address *source, const struct address *destination);

/* What a SYN asks for as the longest payload with no options: 536 or 1220 where it says nothing
 * (RFC 9293 3.7.1), never under TCP_MSS_MIN. */
uint16_t tcp_segment_mss(const struct tcp_segment *syn, enum address_family family);

/* What our SYNs say: what fits a datagram of `mtu_bytes` without options (RFC 9293 3.7.1, RFC
 * 6691). */
uint16_t tcp_mss_for_mtu(uint16_t mtu_bytes, enum address_family family);

/* The shift that lets a window of `window_bytes_max` be told in 16 bits (RFC 7323 2.2). */
uint8_t tcp_wind_shift_for(uint64_t window_bytes_max);

#endif
