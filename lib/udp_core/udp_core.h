/* udp_core.h - UDP as a state machine without I/O, for all ports of one stack (RFC 768).
 *
 * Above it stands whoever waits: fibers (lib/stack_direct) or threads.
 *
 *     udp_core_bind -> udp_core_send, and after `readable` udp_core_receive -> udp_core_unbind
 *
 * A datagram goes to the binding that fits it best: one connected to its sender, else one of the
 * address it came to, else one of any address.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_UDP_CORE_H
#define LOOM_UDP_CORE_H

#include "base/agenda.h"
#include "base/list.h"
#include "base/table.h"
#include "ip/ip.h"
#include "ip/secret.h"
#include "parameter/parameter.h"

#define UDP_HEADER_BYTES     8
#define UDP_CORE_PAYLOAD_MAX 65507 /* over IPv4: 65,535 less both headers */
#define UDP_RECENT_PEERS     16

struct udp_core_parameters {
    uint64_t binding_count;
    uint64_t receive_bytes;       /* of buffers that wait at one binding; what comes then is lost */
    uint64_t receive_bytes_total; /* at all of them */
};
extern const struct parameter udp_core_parameters[];

struct udp_core;

/* Above a binding. `readable`: a datagram came where none was, or an error. It must not wait, and
 * must not unbind. */
struct udp_binding_user {
    void (*readable)(struct udp_binding_user *user);
};

struct udp_binding {
    struct table_node node;
    struct list_node place; /* among the free ones, or those in use */
    struct udp_core *core;
    struct udp_binding_user *user;
    struct endpoint local, peer; /* peer.address ADDRESS_ANY: any */
    struct packet *first, *last; /* received, linked by `next`, each with a record in front */
    size_t datagram_count, packet_count;
    uint64_t dropped_count; /* datagrams that found no room */
    bool is_refused;        /* a datagram of ours met a closed port, and nobody has been told */
    struct endpoint recent_peer;
    uint8_t recent_next;               /* the place of the next in `recent` */
    uint32_t recent[UDP_RECENT_PEERS]; /* keyed hashes of those that we sent to last */
};

struct udp_core_statistics {
    uint64_t received, sent, no_port, bad_checksum, malformed, dropped_full, errors_received;
};

/* UDP over one family. */
struct udp_core_family {
    struct ip_protocol protocol;
    struct udp_core *core;
    struct ip *ip; /* NULL: it is not there */
};

struct udp_core {
    struct udp_core_family families[2]; /* IPv4, IPv6 */
    struct packet_pool *pool;
    struct udp_core_parameters parameters;
    struct siphash_key peer_key;
    struct secret_numbers random;
    struct span memory;
    struct table table;
    size_t touched_count; /* the first so many of the memory have ever been bound */
    struct list free, used;
    size_t connected_count, addressed_count; /* bindings found by other keys than their port's */
    size_t packet_count;
    struct udp_core_statistics statistics;
};

/* Takes memory for the bindings. FULL: there is not so much. `key` is secret and random. */
enum result udp_core_open(struct udp_core *core, struct packet_pool *pool,
                          const struct udp_core_parameters *parameters,
                          struct siphash_key key) CHECKED;

/* No binding is left. */
void udp_core_close(struct udp_core *core);

/* Serves datagrams of a family, once for each; before the first binding. */
void udp_core_attach(struct udp_core *core, struct ip *ip, enum address_family family);

/* Binds `local`: any address, or one of ours. Port 0 takes a free one that cannot be predicted (RFC
 * 6056). EXISTS: a binding that is not connected has this very endpoint. UNREACHABLE: not our
 * address. FULL: no binding, or no port, is free. */
enum result udp_core_bind(struct udp_core *core, const struct endpoint *local,
                          struct udp_binding_user *user, struct udp_binding **binding) CHECKED;

/* What waits there is lost. */
void udp_core_unbind(struct udp_binding *binding);

/* From now on only datagrams of this peer come in, those that wait already excepted. The binding's
 * address becomes the one that the peer is reached from if it was any. EXISTS: another one has the
 * same pair. UNREACHABLE: no way there. INVALID: no peer, or of another family. */
enum result udp_core_connect(struct udp_binding *binding, const struct endpoint *peer) CHECKED;

struct udp_outgoing {
    struct endpoint peer;  /* ADDRESS_ANY: the one it is connected to */
    struct address source; /* ADDRESS_ANY: the binding's, or the best one */
    struct view bytes;     /* free again when udp_core_send returns */
    uint8_t hop_limit;     /* 0: the default */
    uint8_t traffic_class;
    bool dont_fragment, may_broadcast;
};

/* Sends a copy. FULL: no buffer or no room in the net's ring; nothing has gone, and later it may.
 * TOO_LARGE, UNREACHABLE, INVALID, DENIED as udp_send in udp.h. */
enum result udp_core_send(struct udp_binding *binding, const struct udp_outgoing *outgoing) CHECKED;

/* A datagram that came: its payload is the whole packet, which is the caller's. */
struct udp_incoming {
    struct packet *packet;
    struct endpoint peer;
    struct address destination;
};

/* Takes the oldest. TIMED_OUT: there is none now. REFUSED: an earlier datagram of ours met a closed
 * port; told once, before what waits. */
enum result udp_core_receive(struct udp_binding *binding, struct udp_incoming *incoming) CHECKED;

/* Whether udp_core_receive would give something else than TIMED_OUT. */
static inline bool udp_binding_is_readable(const struct udp_binding *binding)
{
    return binding->first != NULL || binding->is_refused;
}

#endif
