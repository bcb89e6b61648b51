/* fuzz_tcp_core.c - one TCP with a listener and two connections under any segments, any calls of
 * its users, and any passage of time.
 *
 * The input is a program. Segments are made from what the TCP itself expects (its rcv_nxt, snd_una,
 * timestamps) plus small differences, so that they get past the first check; or they are raw bytes.
 * After each step the sequence variables must be in order, the queues must hold what the variables
 * say, and buffers stay within twice the window; in the end all is given back.
 *
 * SPDX-License-Identifier: ISC */
#include "base/cursor.h"
#include "tcp_core/tcp_wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length_bytes);

#define PACKETS     512
#define PORT        80
#define CLIENT_PORT 4000
#define HELD_MAX    4

/* One user: its connection, and what it has lent. */
struct held {
    struct tcp_user user;
    struct tcp_connection *connection;
    struct loan loan;
    bool lent;
};

static struct tcp_wire wire;
static struct held held[HELD_MAX];
static struct tcp_acceptor *acceptor;
static uint8_t pattern[8192];

static void told(struct tcp_user *user, unsigned events)
{
    const struct held *owner = CONTAINER_OF(user, struct held, user);
    assert(owner >= held && events != 0);
}

static void acceptable(struct tcp_acceptor_user *user)
{
    assert(user->acceptable == acceptable);
}

static struct tcp_acceptor_user acceptor_user = { acceptable };

static struct tcp_core *core(void)
{
    return &wire.hosts[0].core;
}

/* ---- what must hold ---- */

static void check_connection(const struct tcp_connection *connection)
{
    const struct tcp_recovery *recovery = &connection->recovery;
    if (tcp_connection_is_over(connection)) {
        assert_that(connection->send_queue.length_bytes, ==, 0);
        return;
    }
    assert(sequence_at_most(recovery->snd_una, recovery->snd_nxt));
    assert(sequence_at_most(recovery->snd_nxt, connection->snd_end));
    bool opened = tcp_connection_has(connection, TCP_HAS_OPENED);
    bool fin = tcp_connection_has(connection, TCP_FIN_NUMBERED);
    bool fin_acknowledged = fin && opened && recovery->snd_una == connection->snd_end;
    uint32_t first = opened ? recovery->snd_una : recovery->snd_una + 1;
    uint32_t queued = connection->snd_end - first - (fin && !fin_acknowledged);
    assert_that(connection->send_queue.length_bytes, ==, queued);
    if (!opened) return;
    uint32_t window = tcp_receive_window_bytes(&connection->receive_window, connection->rcv_nxt);
    assert_that(window, <=, TCP_RECEIVE_LIMIT_MAX);
    assert_that((uint64_t)connection->receive_queue.buffer_count * PACKET_BYTES, <=,
                2 * (uint64_t)connection->receive_window.limit_bytes);
}

static void check(void)
{
    for (size_t i = 0; i < core()->connections.touched_count; i++) {
        const struct tcp_connection *connection = &core()->connections.records[i];
        if (connection->core != NULL) check_connection(connection);
    }
}

/* ---- segments ---- */

/* A number near one of those that matter. */
static uint32_t near(struct cursor *cursor, uint32_t base)
{
    uint8_t kind = cursor_u8(cursor);
    if (kind < 128) return base;
    if (kind < 192) return base + (uint32_t)(int32_t)(int8_t)cursor_u8(cursor);
    if (kind < 250) return base + (uint32_t)(int32_t)(int16_t)cursor_u16_be(cursor);
    return cursor_u32_be(cursor);
}

static void put_sack(struct cursor *cursor, struct tcp_segment *segment, uint32_t snd_una)
{
    segment->sack_count = cursor_u8(cursor) % 4;
    if (segment->sack_count == 0) return;
    segment->options |= TCP_OPTION_SACK;
    for (size_t i = 0; i < segment->sack_count; i++) {
        segment->sack[i].start = near(cursor, snd_una);
        segment->sack[i].end = near(cursor, segment->sack[i].start + cursor_u16_be(cursor));
    }
}

static void inject(struct cursor *cursor, const struct tcp_pair *pair,
                   const struct tcp_connection *connection)
{
    uint32_t rcv_nxt = connection == NULL ? 1000 : connection->rcv_nxt;
    uint32_t snd_una = connection == NULL ? 1000 : connection->recovery.snd_una;
    uint32_t snd_nxt = connection == NULL ? 1000 : connection->recovery.snd_nxt;
    uint8_t shape = cursor_u8(cursor);
    struct tcp_wire_injection injection = {
        .segment = {
            .source_port = pair->peer.port,
            .destination_port = pair->local.port,
            .flags = cursor_u8(cursor),
            .seq = near(cursor, rcv_nxt),
            .ack = near(cursor, (shape & 1) != 0 ? snd_nxt : snd_una),
            .window = cursor_u16_be(cursor),
            .urgent = 7,
        },
        .ecn = shape >> 6,
        .without_flush = (shape & 2) != 0,
    };
    struct tcp_segment *segment = &injection.segment;
    if ((shape & 4) != 0) {
        segment->options |= TCP_OPTION_TIMESTAMPS;
        segment->ts_value = near(cursor, connection == NULL ? 1 : connection->ts_recent);
        segment->ts_echo = near(cursor,
                                connection == NULL ? 1 : tcp_connection_timestamp(connection));
    }
    if ((segment->flags & TCP_SYN) != 0) {
        segment->options |= TCP_OPTION_MSS | TCP_OPTION_SACK_PERMITTED | TCP_OPTION_WINDOW_SCALE;
        segment->mss = cursor_u16_be(cursor);
        segment->wind_shift = cursor_u8(cursor) % 15;
    } else if ((shape & 8) != 0) {
        put_sack(cursor, segment, snd_una);
    }
    size_t payload_bytes = (shape & 16) != 0 ? cursor_u16_be(cursor) % 1400 : 0;
    injection.payload = view_first(VIEW_OF(pattern), payload_bytes);
    if (packet_pool_left(&wire.hosts[0].pool, PACKET_FOR_RECEIVE) > 0)
        tcp_wire_inject(&wire, &injection);
}

/* Bytes as they are, the ports excepted; a device has vouched for the checksum. */
static void inject_raw(struct cursor *cursor, const struct tcp_pair *pair)
{
    struct view raw = cursor_take(cursor, MIN(cursor_u8(cursor), cursor_left(cursor)));
    struct tcp_wire_host *host = &wire.hosts[0];
    struct packet *packet = packet_take(&host->pool, PACKET_FOR_RECEIVE);
    if (packet == NULL) return;
    struct writer writer = writer_over(packet_put(packet, raw.length_bytes + 4));
    writer_put_u16_be(&writer, pair->peer.port);
    writer_put_u16_be(&writer, pair->local.port);
    writer_put(&writer, raw);
    packet->checksum = PACKET_CHECKSUM_GOOD;
    struct ip_incoming incoming = {
        .source = pair->peer.address,
        .destination = host->address,
        .protocol = IP_PROTOCOL_TCP,
    };
    core()->protocol.input(&core()->protocol, packet, &incoming);
}

static void report_error(struct cursor *cursor, const struct tcp_connection *connection)
{
    if (connection == NULL || tcp_connection_is_over(connection)) return;
    tcp_wire_error(&wire, &connection->pair, near(cursor, connection->recovery.snd_una),
                   (enum ip_error_kind)(cursor_u8(cursor) % (IP_ERROR_PARAMETER + 1)));
}

/* ---- users ---- */

static void loan_done(struct loan *loan)
{
    struct held *user = CONTAINER_OF(loan, struct held, loan);
    assert(user->lent);
    user->lent = false;
}

static void lend(struct held *user, struct cursor *cursor)
{
    if (user->lent) return;
    user->loan = (struct loan){
        .bytes = view_first(VIEW_OF(pattern), 1 + cursor_u16_be(cursor) % (sizeof pattern - 1)),
        .done = loan_done,
    };
    user->lent = true;
    if (tcp_connection_lend(user->connection, &user->loan) != OK) user->lent = false;
}

static void send_some(struct held *user, struct cursor *cursor, enum tcp_send_mode mode)
{
    struct view bytes = view_first(VIEW_OF(pattern), cursor_u16_be(cursor) % sizeof pattern);
    size_t taken_bytes;
    result_ignore(tcp_connection_send(user->connection, &bytes, 1, mode, &taken_bytes));
    assert_that(taken_bytes, <=, bytes.length_bytes);
}

static void read_some(struct held *user, struct cursor *cursor)
{
    struct view bytes;
    if (tcp_connection_peek(user->connection, &bytes) != OK || view_is_empty(bytes)) return;
    tcp_connection_consume(user->connection, 1 + cursor_u16_be(cursor) % bytes.length_bytes);
}

static void call(struct held *user, struct cursor *cursor)
{
    switch (cursor_u8(cursor) % 9) {
    case 0: send_some(user, cursor, TCP_SEND_NOW); break;
    case 1: send_some(user, cursor, TCP_SEND_HOLD); break;
    case 2: lend(user, cursor); break;
    case 3: read_some(user, cursor); break;
    case 4: tcp_connection_shut(user->connection); break;
    case 5: tcp_connection_set_nodelay(user->connection, cursor_u8(cursor) % 2 == 0); break;
    case 6: tcp_connection_set_keepalive(user->connection, cursor_u8(cursor) % 2 == 0); break;
    case 7:
        tcp_connection_close(user->connection);
        user->connection = NULL;
        break;
    default:
        tcp_connection_abort(user->connection);
        user->connection = NULL;
        break;
    }
}

static void get_connection(struct held *user, bool actively)
{
    if (actively) {
        struct endpoint local = { .port = 0 };
        struct endpoint peer = { .address = wire.hosts[1].address, .port = PORT };
        if (tcp_connection_open(core(), &local, &peer, &user->user, &user->connection) != OK)
            user->connection = NULL;
        return;
    }
    user->connection = tcp_acceptor_take(acceptor);
    if (user->connection != NULL) tcp_connection_attach(user->connection, &user->user);
}

/* ---- the program ---- */

static void change_world(struct cursor *cursor)
{
    struct tcp_wire_host *host = &wire.hosts[0];
    uint8_t what = cursor_u8(cursor);
    host->ring_is_full = (what & 1) != 0;
    host->unreachable = (what & 6) == 6;
    host->mtu_bytes = (what & 8) != 0 ? (uint16_t)(128 + cursor_u16_be(cursor) % 1373) : 1500;
    host->segments_bytes_max = (what & 16) != 0 ? 0 : 65535;
    if (!host->ring_is_full) tcp_core_resume(core());
}

static void pass_time(struct cursor *cursor)
{
    unsigned shift = cursor_u8(cursor) % 38;
    uint64_t until_ns = tcp_wire_now_ns(&wire) + ((uint64_t)1 << shift);
    /* Bounded: a probe each minute for long is no news. */
    for (int i = 0; i < 100 && tcp_wire_step(&wire, until_ns); i++) {
    }
}

static void step(struct cursor *cursor)
{
    uint8_t code = cursor_u8(cursor);
    struct held *user = &held[code % HELD_MAX];
    struct tcp_pair fresh = {
        .local = { .address = wire.hosts[0].address, .port = PORT },
        .peer = { .address = wire.hosts[1].address, .port = CLIENT_PORT },
    };
    const struct tcp_pair *pair = user->connection == NULL ? &fresh : &user->connection->pair;
    switch (code / HELD_MAX % 16) {
    case 0:
    case 1:
    case 2:
    case 3:
    case 4:
    case 5: inject(cursor, pair, user->connection); break;
    case 6: inject_raw(cursor, pair); break;
    case 7: pass_time(cursor); break;
    case 8: change_world(cursor); break;
    case 9: report_error(cursor, user->connection); break;
    case 10: tcp_core_flush(core()); break;
    default:
        if (user->connection != NULL)
            call(user, cursor);
        else
            get_connection(user, cursor_u8(cursor) % 2 == 0);
        break;
    }
    check();
}

static void open_world(void)
{
    struct tcp_core_parameters parameters = tcp_wire_parameters();
    parameters.connection_count = 4;
    parameters.syn_count = 2;
    parameters.time_wait_count = 2;
    parameters.send_buffer_bytes = 32 * KIB;
    parameters.receive_buffer_bytes = 16 * KIB;
    parameters.receive_buffer_bytes_max = 64 * KIB;
    parameters.ecn = true;
    tcp_wire_open(&wire, 1, &parameters, PACKETS, true);
    struct endpoint local = { .port = PORT };
    enum result result = tcp_acceptor_open(core(), &local, 2, &acceptor_user, &acceptor);
    assert(result == OK);
    for (size_t i = 0; i < HELD_MAX; i++)
        held[i] = (struct held){ .user.event = told };
}

static void close_world(void)
{
    wire.hosts[0].ring_is_full = wire.hosts[0].unreachable = false;
    tcp_acceptor_close(acceptor);
    for (size_t i = 0; i < HELD_MAX; i++)
        if (held[i].connection != NULL) tcp_connection_abort(held[i].connection);
    tcp_wire_run(&wire, 2000 * S_NS);
    assert_that(core()->connections.used_count, ==, 0);
    assert_that(core()->demux.used, ==, 0);
    assert_that(core()->recovery_pool.used_count, ==, 0);
    assert_that(wire.hosts[0].pool.free_count, ==, PACKETS);
    for (size_t i = 0; i < HELD_MAX; i++)
        assert(!held[i].lent);
    tcp_wire_close(&wire);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length_bytes)
{
    struct cursor cursor = cursor_over(view_from(bytes, length_bytes));
    open_world();
    while (cursor_left(&cursor) > 0 && !cursor.ran_short)
        step(&cursor);
    close_world();
    return 0;
}
