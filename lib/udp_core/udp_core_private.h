/* udp_core_private.h - what the files of this folder share.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_UDP_CORE_PRIVATE_H
#define LOOM_UDP_CORE_PRIVATE_H

#include "udp_core/udp_core.h"

/* Integers are big-endian (RFC 768). */
struct udp_header {
    uint16_t source_port, destination_port;
    uint16_t length;
    uint16_t checksum;
};
static_assert(sizeof(struct udp_header) == UDP_HEADER_BYTES, "as on the wire");

/* What stands in front of a datagram's payload while it waits to be received. */
struct udp_record {
    struct endpoint peer;
    struct address destination;
};

/* ---- udp_core.c ---- */

/* NULL: that family is not served. */
struct udp_core_family *udp_core_family_of(struct udp_core *core, uint8_t family);

/* The binding that fits a datagram from `peer` to `local` best; NULL: nobody's. */
struct udp_binding *udp_core_find(struct udp_core *core, const struct endpoint *local,
                                  const struct endpoint *peer);

/* ---- udp_core_send.c ---- */

/* Whether the binding sent to the peer lately, or is connected to it. */
bool udp_binding_has_sent_to(const struct udp_binding *binding, const struct endpoint *peer);

/* ---- udp_core_receive.c ---- */

void udp_core_input(struct ip_protocol *protocol, struct packet *packet,
                    const struct ip_incoming *incoming);
void udp_core_error(struct ip_protocol *protocol, const struct ip_error *error);
bool udp_core_has_sent(struct ip_protocol *protocol, const struct ip_error *error);

/* Drops what waits. */
void udp_binding_drop_all(struct udp_binding *binding);

#endif
