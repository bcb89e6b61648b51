/* tcp_reply.c - segments that no connection sends.
 *
 * SPDX-License-Identifier: ISC */
#include "tcp_core/tcp_reply.h"

bool tcp_reply(struct tcp_core *core, const struct tcp_pair *pair, uint8_t traffic_class,
               struct tcp_segment *segment)
{
    struct packet *packet = packet_take(core->pool, PACKET_FOR_CONTROL);
    if (packet == NULL) return false;
    segment->source_port = pair->local.port;
    segment->destination_port = pair->peer.port;
    tcp_segment_push(packet, segment, &pair->local.address, &pair->peer.address);
    struct ip_outgoing outgoing = {
        .source = pair->local.address,
        .destination = pair->peer.address,
        .protocol = IP_PROTOCOL_TCP,
        .traffic_class = traffic_class,
        .dont_fragment = true,
    };
    if (ip_send(core->ip, packet, &outgoing) != OK) return false;
    core->statistics.segments_sent++;
    return true;
}
