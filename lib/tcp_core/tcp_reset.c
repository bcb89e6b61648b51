/* tcp_reset.c - resets for segments of nobody.
 *
 * SPDX-License-Identifier: ISC */
#include "tcp_core/tcp_reset.h"

void tcp_reset_send(struct tcp_core *core, const struct tcp_pair *pair, uint8_t traffic_class,
                    struct tcp_segment *reset)
{
    if (tcp_reply(core, pair, traffic_class, reset)) core->statistics.resets_sent++;
}

/* RFC 9293 3.10.7.1: where the segment acknowledges something, that is the number that its sender
 * expects next; where it does not, an acknowledgement of all of it shows what is meant. */
void tcp_reset_answer(struct tcp_core *core, const struct tcp_pair *pair,
                      const struct tcp_segment *segment)
{
    if ((segment->flags & TCP_RST) != 0) return;
    if (!tcp_limit_take(&core->resets, core->agenda->now_ns, TCP_RESET_INTERVAL_NS,
                        TCP_RESET_BURST))
        return;
    struct tcp_segment reset = { .flags = TCP_RST };
    if ((segment->flags & TCP_ACK) != 0) {
        reset.seq = segment->ack;
    } else {
        reset.flags |= TCP_ACK;
        reset.ack = segment->seq + segment_length(segment);
    }
    tcp_reset_send(core, pair, 0, &reset);
}
