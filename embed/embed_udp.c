/* embed_udp.c - datagrams.
 *
 * SPDX-License-Identifier: ISC */
#include "embed/embed.h"

static void on_readable(struct udp_binding_user *user)
{
    socket_stir(CONTAINER_OF(user, struct loom_socket, udp_user));
}

/* How long a sender waits before it looks again whether there is room: nothing tells it. */
#define ROOM_POLL_NS (100 * US_NS)

static void on_room_poll(struct agenda_entry *entry)
{
    socket_stir(CONTAINER_OF(entry, struct loom_socket, silence));
}

static void look_again(struct loom_socket *socket)
{
    struct agenda *agenda = &socket->stack->core.agenda;
    socket->silence.due = on_room_poll;
    agenda_set(agenda, &socket->silence, agenda->now_ns + ROOM_POLL_NS);
}

enum loom_result udp_bind_if_needed(struct loom_socket *socket)
{
    if (socket->role != ROLE_UDP) return LOOM_INVALID;
    if (socket->binding != NULL) return LOOM_OK;
    socket->udp_user = (struct udp_binding_user){ .readable = on_readable };
    enum result result = udp_core_bind(&socket->stack->core.udp, &socket->local, &socket->udp_user,
                                       &socket->binding);
    if (result == OK) return LOOM_OK;
    socket->binding = NULL;
    return result_to_public(result);
}

enum loom_result udp_connect(struct loom_socket *socket, const struct endpoint *peer)
{
    enum loom_result result = udp_bind_if_needed(socket);
    if (result != LOOM_OK) return result;
    return result_to_public(udp_core_connect(socket->binding, peer));
}

/* ---- sending ---- */

struct send_to_call {
    struct call call;
    struct udp_outgoing outgoing;
};

static enum loom_result send_to_attempt(struct call *call)
{
    struct send_to_call *send = CONTAINER_OF(call, struct send_to_call, call);
    struct loom_socket *socket = call->socket;
    enum loom_result result = udp_bind_if_needed(socket);
    if (result != LOOM_OK) return result;
    assert(socket->binding != NULL);
    bool has_peer = socket->binding->peer.address.family != ADDRESS_ANY;
    bool is_given = send->outgoing.peer.address.family != ADDRESS_ANY;
    if (is_given ? send->outgoing.peer.port == 0 : !has_peer) return LOOM_INVALID;
    send->outgoing.may_broadcast = socket->may_broadcast;
    enum result sending = udp_core_send(socket->binding, &send->outgoing);
    if (sending != FULL) return result_to_public(sending);
    look_again(socket);
    return LOOM_AGAIN;
}

enum loom_result loom_send_to(struct loom_socket *socket, const void *bytes, size_t length_bytes,
                              const struct loom_endpoint *peer, uint64_t deadline_ns)
{
    if (peer != NULL && !address_is_usable(&peer->address, false)) return LOOM_UNREACHABLE;
    struct send_to_call send = {
        .call = CALL(socket->stack, socket, send_to_attempt, deadline_ns),
        .outgoing = { .bytes = view_from(bytes, length_bytes) },
    };
    if (peer != NULL) send.outgoing.peer = endpoint_from_public(peer);
    return call_run(&send.call);
}

/* ---- receiving ---- */

struct receive_from_call {
    struct call call;
    struct span room;
    struct loom_datagram *datagram;
};

static enum loom_result receive_from_attempt(struct call *call)
{
    struct receive_from_call *receive = CONTAINER_OF(call, struct receive_from_call, call);
    struct udp_incoming incoming;
    if (call->socket->role != ROLE_UDP || call->socket->binding == NULL) return LOOM_INVALID;
    enum result result = udp_core_receive(call->socket->binding, &incoming);
    if (result == TIMED_OUT) return LOOM_AGAIN;
    if (result != OK) return result_to_public(result);
    size_t total_bytes = packet_total_bytes(incoming.packet);
    size_t copied_bytes = MIN(total_bytes, receive->room.length_bytes);
    if (copied_bytes > 0)
        packet_copy_out(incoming.packet, 0, span_first(receive->room, copied_bytes));
    packet_drop(incoming.packet);
    *receive->datagram = (struct loom_datagram){
        .peer = endpoint_to_public(&incoming.peer),
        .destination = address_to_public(&incoming.destination),
        .length_bytes = total_bytes,
    };
    return LOOM_OK;
}

enum loom_result loom_receive_from(struct loom_socket *socket, void *room, size_t room_bytes,
                                   struct loom_datagram *datagram, uint64_t deadline_ns)
{
    struct receive_from_call receive = {
        .call = CALL(socket->stack, socket, receive_from_attempt, deadline_ns),
        .room = span_from(room, room_bytes),
        .datagram = datagram,
    };
    return call_run(&receive.call);
}

struct broadcast_call {
    struct call call;
    bool may_broadcast;
};

static enum loom_result broadcast_attempt(struct call *call)
{
    struct broadcast_call *broadcast = CONTAINER_OF(call, struct broadcast_call, call);
    if (call->socket->role != ROLE_UDP) return LOOM_INVALID;
    call->socket->may_broadcast = broadcast->may_broadcast;
    return LOOM_OK;
}

enum loom_result loom_set_broadcast(struct loom_socket *socket, bool may_broadcast)
{
    struct broadcast_call call = {
        .call = CALL(socket->stack, socket, broadcast_attempt, LOOM_NO_WAIT),
        .may_broadcast = may_broadcast,
    };
    return call_run(&call.call);
}
