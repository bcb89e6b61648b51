/* tcp_handshake.h - what a completed passive handshake has agreed on, and the connection that comes
 * of it.
 *
 * Listening (acceptor, SYN records, cookies) ends where this begins: it keeps no connection until
 * the peer's ACK has shown that it is where it says it is.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_TCP_HANDSHAKE_H
#define LOOM_TCP_HANDSHAKE_H

#include "ip/address.h"
#include "tcp_core/tcp_core.h"

struct tcp_handshake {
    struct endpoint local, peer; /* whole: no any, no port 0 */

    uint32_t iss, irs; /* what our SYN and the peer's SYN carried: iss + 1 is acknowledged */

    uint32_t snd_wnd;           /* the window of the completing ACK, already scaled up */
    uint32_t rcv_wnd;           /* what our SYN-ACK offered, in bytes */
    uint16_t peer_mss;          /* of the peer's SYN; the family's default where it said nothing */
    uint16_t peer_user_timeout; /* of the peer's SYN (RFC 5482); 0: not said, or ignored */
    uint8_t snd_wind_shift;     /* by which the peer's windows are scaled, 0 to 14 (RFC 7323 2.2) */
    uint8_t rcv_wind_shift;     /* by which ours are; 0 where the peer does not scale */

    bool sack_permitted;
    bool timestamps;
    bool ecn; /* both have agreed on it (RFC 3168 6.1.1) */

    uint32_t ts_recent;    /* the completing ACK's TSval */
    uint32_t ts_offset;    /* what is added to our clock in TSval (RFC 7323 5.4) */
    uint64_t sent_ns;      /* when the SYN-ACK left, for the first RTT; 0: not known, as from a
                              cookie without timestamps or when it was sent more than once
                              (Karn's rule) */
    bool syn_was_repeated; /* the SYN-ACK: the first window is one segment (RFC 5681 3.1) */
};

/* An established connection without a user, entered into the demultiplexer. NULL: none is free (the
 * caller drops the ACK, whose sender repeats it), and *handshake has changed nothing. It belongs to
 * whoever called: an acceptor queues it by tcp_acceptor_queue and hands it on with
 * tcp_acceptor_take. The ACK itself, and the data or FIN that it carries, are handed to
 * tcp_connection_input afterwards. */
struct tcp_connection *tcp_connection_create(struct tcp_core *core,
                                             const struct tcp_handshake *handshake);

/* Whether tcp_connection_create would find a record now. */
bool tcp_connection_is_free(const struct tcp_core *core);

#endif
