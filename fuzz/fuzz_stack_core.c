/* fuzz_stack_core.c - a whole stack, from frames to sockets, fed frames that anybody may have sent.
 *
 * It listens on TCP port 7 and UDP port 7, connects to a stranger, reads and answers all it gets.
 * The input is a row of records, each a byte of time, two of length and a frame. Two bits of the
 * length have a frame put right first, so that mutations reach what lies behind: its checksums; and
 * the sequence numbers of a TCP segment, which then count from what the stack sent last. In the end
 * no buffer may be missing.
 *
 * SPDX-License-Identifier: ISC */
#include "base/cursor.h"
#include "base/units.h"
#include "stack_core/stack_core.h"

int LLVMFuzzerInitialize(int *count, char ***words);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length_bytes);

#define CONNECTIONS 4
#define STEPS_MAX   64 /* for one record: a stack that never comes to rest would spin */

/* ---- the wire ---- */

#define PUT_CHECKSUMS_RIGHT 0x8000
#define PUT_SEQUENCES_RIGHT 0x4000
#define FRAME_BYTES_MASK    0x07ff

#define TCP_AT 34 /* of a frame, behind Ethernet and an IPv4 header without options */

/* Gives one frame at a time, and drops what is sent. */
struct wire {
    struct net net;
    struct packet *frame;
    uint32_t seq, ack; /* of the TCP segment that was sent last, behind what it carried */
};

static void note_segment(struct wire *wire, const struct packet *packet)
{
    struct view bytes = packet_view(packet);
    if (bytes.length_bytes < TCP_AT + 20 || view_byte(bytes, 23) != IP_PROTOCOL_TCP) return;
    struct cursor cursor = cursor_over(view_from_offset(bytes, TCP_AT + 4));
    wire->seq = cursor_u32_be(&cursor);
    wire->ack = cursor_u32_be(&cursor);
    uint8_t header_bytes = (uint8_t)(cursor_u8(&cursor) >> 4 << 2);
    uint8_t flags = cursor_u8(&cursor);
    wire->seq += (uint32_t)(packet_total_bytes(packet) - TCP_AT - header_bytes) +
                 ((flags & 2) != 0) + (flags & 1);
}

static void wire_attach(struct net *net)
{
    (void)net;
}

static void wire_detach(struct net *net)
{
    (void)net;
}

static size_t wire_send(struct net *net, struct packet *burst[], size_t count)
{
    for (size_t i = 0; i < count; i++) {
        note_segment(CONTAINER_OF(net, struct wire, net), burst[i]);
        assert_that(packet_total_bytes(burst[i]), <=,
                    (size_t)net->mtu_bytes + ETHERNET_HEADER_BYTES);
        packet_drop(burst[i]);
    }
    return count;
}

static size_t wire_receive(struct net *net, struct packet *burst[], size_t count)
{
    struct wire *wire = CONTAINER_OF(net, struct wire, net);
    (void)count;
    if (wire->frame == NULL) return 0;
    burst[0] = wire->frame;
    wire->frame = NULL;
    return 1;
}

static const struct net_ops wire_ops = NET_OPS(wire);
static const struct mac own_mac = { { 2, 0, 0, 0, 0, 1 } };

static void wire_ready(struct net_user *user)
{
    (void)user;
}

static struct net_user wire_user = { .ready = wire_ready };

/* ---- the application ---- */

struct peer {
    struct tcp_user user;
    struct tcp_connection *connection;
    bool is_over;
};

static struct stack_core core;
static struct wire wire;
static struct stack_core_parameters parameters;
static struct peer peers[CONNECTIONS];
static struct tcp_acceptor *acceptor;
static struct udp_binding *binding;

static void peer_event(struct tcp_user *user, unsigned events)
{
    struct peer *peer = CONTAINER_OF(user, struct peer, user);
    if (events & TCP_EVENT_FAILED) peer->is_over = true;
}

static void acceptable(struct tcp_acceptor_user *user)
{
    (void)user;
}

static void readable(struct udp_binding_user *user)
{
    (void)user;
}

static struct tcp_acceptor_user acceptor_user = { .acceptable = acceptable };
static struct udp_binding_user binding_user = { .readable = readable };

static void serve_peer(struct peer *peer)
{
    struct view bytes;
    size_t taken_bytes;
    enum result result;
    while ((result = tcp_connection_peek(peer->connection, &bytes)) == OK &&
           bytes.length_bytes > 0) {
        result_ignore(tcp_connection_send(peer->connection, &bytes, 1, TCP_SEND_NOW, &taken_bytes));
        tcp_connection_consume(peer->connection, bytes.length_bytes);
    }
    if (result == OK && !peer->is_over) return;
    tcp_connection_close(peer->connection);
    peer->connection = NULL;
}

static void accept_peer(struct peer *peer)
{
    peer->connection = tcp_acceptor_take(acceptor);
    peer->is_over = false;
    if (peer->connection != NULL) tcp_connection_attach(peer->connection, &peer->user);
}

static void serve_datagrams(void)
{
    struct udp_incoming incoming;
    enum result result;
    while ((result = udp_core_receive(binding, &incoming)) != TIMED_OUT) {
        if (result != OK) continue;
        const struct udp_outgoing answer = { .peer = incoming.peer,
                                             .source = incoming.destination,
                                             .bytes = packet_view(incoming.packet) };
        result_ignore(udp_core_send(binding, &answer));
        packet_drop(incoming.packet);
    }
}

static void serve(void)
{
    for (size_t i = 0; i < CONNECTIONS; i++) {
        if (peers[i].connection == NULL) accept_peer(&peers[i]);
        if (peers[i].connection != NULL) serve_peer(&peers[i]);
    }
    serve_datagrams();
}

/* ---- frames ---- */

static uint16_t sum_of(struct view bytes)
{
    struct checksum sum = { 0 };
    checksum_add(&sum, bytes);
    return checksum_finish(&sum);
}

static void put_u16(struct span span, size_t offset_bytes, uint16_t value)
{
    if (offset_bytes + sizeof value <= span.length_bytes)
        (void)span_copy(span_from_offset(span, offset_bytes), VIEW_OF(value));
}

/* Of a datagram without options, cut where its own length says. */
static void put_checksums_right(struct span frame)
{
    if (frame.length_bytes < 34 || frame.bytes[14] != 0x45) return;
    struct span ip = span_from_offset(frame, 14);
    size_t total_bytes = (size_t)ip.bytes[2] << 8 | ip.bytes[3];
    if (total_bytes < 20 || total_bytes > ip.length_bytes) return;
    put_u16(ip, 10, 0);
    put_u16(ip, 10, sum_of(view_first(span_view(ip), 20)));
    struct span transport = span_from_offset(span_first(ip, total_bytes), 20);
    uint8_t protocol = ip.bytes[9];
    size_t field = protocol == IP_PROTOCOL_TCP ? 16 : protocol == IP_PROTOCOL_UDP ? 6 : 2;
    struct checksum sum = { 0 };
    put_u16(transport, field, 0);
    if (protocol != IP_PROTOCOL_ICMP) {
        struct address source = { .family = ADDRESS_IPV4 }, destination = source;
        (void)span_copy(span_first(SPAN_OF(source.bytes), 4), view_slice(span_view(ip), 12, 4));
        (void)span_copy(span_first(SPAN_OF(destination.bytes), 4),
                        view_slice(span_view(ip), 16, 4));
        checksum_add_pseudo_header(&sum, &source, &destination, protocol,
                                   (uint32_t)transport.length_bytes);
    }
    checksum_add(&sum, span_view(transport));
    put_u16(transport, field, checksum_finish(&sum));
}

/* The mutated number is a small distance from the right one. */
static void put_near(struct span frame, size_t offset_bytes, uint32_t right)
{
    struct cursor cursor = cursor_over(view_from_offset(span_view(frame), offset_bytes));
    uint32_t near = __builtin_bswap32(right + (uint32_t)(int8_t)cursor_u32_be(&cursor));
    (void)span_copy(span_from_offset(frame, offset_bytes), VIEW_OF(near));
}

static void put_sequences_right(struct span frame)
{
    if (frame.length_bytes < TCP_AT + 20) return;
    put_near(frame, TCP_AT + 4, wire.ack);
    put_near(frame, TCP_AT + 8, wire.seq);
}

static void receive(struct view bytes, uint16_t mark)
{
    struct packet *packet = packet_take(&core.packets, PACKET_FOR_RECEIVE);
    if (packet == NULL) return;
    struct span frame = packet_put(packet, MIN(bytes.length_bytes, packet_room_behind(packet)));
    (void)span_copy(frame, view_first(bytes, frame.length_bytes));
    if (mark & PUT_SEQUENCES_RIGHT) put_sequences_right(frame);
    if (mark & PUT_CHECKSUMS_RIGHT) put_checksums_right(frame);
    wire.frame = packet;
}

static uint64_t come_to_rest(uint64_t now_ns)
{
    for (unsigned i = 0; i < STEPS_MAX; i++) {
        uint64_t next_ns = stack_core_step(&core, now_ns);
        stack_core_enter(&core, now_ns);
        serve();
        next_ns = MIN(next_ns, stack_core_leave(&core));
        if (next_ns > now_ns) return next_ns;
    }
    panic("it never comes to rest");
}

/* ---- one input ---- */

static void open_all(void)
{
    const struct endpoint local = { .port = 7 };
    const struct endpoint stranger = { address_ipv4(192, 0, 2, 2), 9 };
    wire = (struct wire){ .net = { .ops = &wire_ops, .mac = own_mac, .mtu_bytes = 1500 } };
    enum result result = stack_core_open(&core, &wire.net, &wire_user, &parameters,
                                         (struct siphash_key){ 1, 2 }, S_NS);
    assert(result == OK);
    result = tcp_acceptor_open(&core.tcp, &local, 2, &acceptor_user, &acceptor);
    assert(result == OK);
    result = udp_core_bind(&core.udp, &local, &binding_user, &binding);
    assert(result == OK);
    for (size_t i = 0; i < CONNECTIONS; i++)
        peers[i] = (struct peer){ .user.event = peer_event };
    result = tcp_connection_open(&core.tcp, &(struct endpoint){ 0 }, &stranger, &peers[0].user,
                                 &peers[0].connection);
    assert(result == OK);
}

static void close_all(uint64_t now_ns)
{
    stack_core_enter(&core, now_ns);
    for (size_t i = 0; i < CONNECTIONS; i++) {
        if (peers[i].connection != NULL) tcp_connection_close(peers[i].connection);
    }
    tcp_acceptor_close(acceptor);
    udp_core_unbind(binding);
    (void)stack_core_leave(&core);
    stack_core_close(&core);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length_bytes)
{
    struct cursor cursor = cursor_over(view_from(bytes, length_bytes));
    uint64_t now_ns = S_NS;
    open_all();
    (void)come_to_rest(now_ns);
    while (cursor_left(&cursor) > 3) {
        uint8_t pause = cursor_u8(&cursor);
        uint16_t mark = cursor_u16_be(&cursor);
        size_t frame_bytes = MIN((size_t)(mark & FRAME_BYTES_MASK), cursor_left(&cursor));
        now_ns += (uint64_t)pause * pause * MS_NS; /* up to 65 s */
        receive(cursor_take(&cursor, frame_bytes), mark);
        (void)come_to_rest(now_ns);
    }
    close_all(now_ns);
    return 0;
}

int LLVMFuzzerInitialize(int *count, char ***words)
{
    const struct parameter_group group = { .device = "stack0",
                                           .prefix = "",
                                           .table = stack_core_parameters,
                                           .values = SPAN_OF(parameters) };
    const struct view arguments[] = {
        VIEW("--ipv4=192.0.2.1/24"),
        VIEW("--packets=128"),
        VIEW("--tcp-connections=8"),
    };
    uint8_t message[PARAMETER_MESSAGE_MAX];
    size_t message_bytes;
    (void)count;
    (void)words;
    enum result result = parameter_read(&group, 1, arguments, LENGTH_OF(arguments),
                                        SPAN_OF(message), &message_bytes);
    assert(result == OK);
    return 0;
}
