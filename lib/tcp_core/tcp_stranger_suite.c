/* tcp_stranger_suite.c - one core, and strangers who send it whatever segments a test writes.
 *
 * SPDX-License-Identifier: ISC */
#include "tcp_core/tcp_stranger_suite.h"

#include "packet/checksum.h"
#include "tcp_core/tcp_isn.h"
#include "test/test.h"

#define PACKETS 512

const struct address stranger_host = { ADDRESS_IPV4, { 192, 0, 2, 1 } };

/* ---- IP ---- */

static struct stranger *stranger_of(struct ip *ip)
{
    return CONTAINER_OF(ip, struct stranger, ip);
}

static enum result stranger_ip_send(struct ip *ip, struct packet *packet,
                                    const struct ip_outgoing *outgoing)
{
    struct stranger *stranger = stranger_of(ip);
    struct stranger_sent *sent = &stranger->sent[stranger->sent_count++ % STRANGER_SENT_MAX];
    expect(address_equal(&outgoing->source, &stranger_host));
    expect_that(packet->checksum, ==, PACKET_CHECKSUM_PARTIAL);
    checksum_complete(packet);
    expect(checksum_is_good(packet, &outgoing->source, &outgoing->destination, IP_PROTOCOL_TCP));
    expect_ok(tcp_segment_take(packet, &sent->segment));
    sent->pair = (struct tcp_pair){
        .local = { outgoing->source, sent->segment.source_port },
        .peer = { outgoing->destination, sent->segment.destination_port },
    };
    sent->traffic_class = outgoing->traffic_class;
    packet_drop(packet);
    return OK;
}

static enum result stranger_ip_find_path(struct ip *ip, const struct address *destination,
                                         const struct address *source, struct ip_path *path)
{
    expect(destination->family == ADDRESS_IPV4);
    bool is_ours = source->family == ADDRESS_ANY || address_equal(source, &stranger_host);
    *path = (struct ip_path){ .source = stranger_host, .mtu_bytes = stranger_of(ip)->mtu_bytes };
    return is_ours ? OK : UNREACHABLE;
}

static bool stranger_ip_is_ours(struct ip *ip, const struct address *address)
{
    (void)ip;
    return address_equal(address, &stranger_host);
}

static void stranger_ip_doubt(struct ip *ip, const struct address *destination)
{
    (void)ip, (void)destination;
}

static void stranger_ip_reject(struct ip *ip, const struct packet *packet,
                               const struct ip_incoming *incoming, enum ip_reject reason)
{
    (void)ip, (void)packet, (void)incoming;
    test_fail(__FILE__, __LINE__, "TCP does not reject (%d): it resets", (int)reason);
}

static const struct ip_ops stranger_ip_ops = IP_OPS(stranger_ip);

/* ---- opening and closing ---- */

struct tcp_core_parameters stranger_parameters(void)
{
    return (struct tcp_core_parameters){
        .connection_count = 64,
        .acceptor_count = 4,
        .syn_count = 32,
        .time_wait_count = 16,
        .time_wait_ns = 60 * S_NS,
        .send_buffer_bytes = 64 * KIB,
        .receive_buffer_bytes = 128 * KIB,
        .receive_buffer_bytes_max = 6 * MIB,
        .user_timeout_ns = 300 * S_NS,
        .keepalive_idle_ns = 7200 * S_NS,
        .keepalive_interval_ns = 75 * S_NS,
        .keepalive_count = 9,
    };
}

static void acceptable(struct tcp_acceptor_user *user)
{
    CONTAINER_OF(user, struct stranger, user)->acceptable_count++;
}

void stranger_open(struct stranger *stranger, const struct tcp_core_parameters *parameters)
{
    *stranger = (struct stranger){
        .ip.ops = &stranger_ip_ops,
        .user.acceptable = acceptable,
        .mtu_bytes = 1500,
    };
    agenda_init(&stranger->agenda, 1000 * S_NS);
    expect_ok(packet_pool_open(&stranger->pool, PACKETS));
    expect_ok(tcp_core_open(&stranger->core, &stranger->ip, &stranger->agenda, &stranger->pool,
                            parameters,
                            (struct siphash_key){ 0x0706050403020100, 0x0f0e0d0c0b0a0908 }));
}

void stranger_close(struct stranger *stranger)
{
    tcp_core_close(&stranger->core);
    expect_that(stranger->pool.free_count, ==, stranger->pool.count);
    packet_pool_close(&stranger->pool);
    expect_that(agenda_next_ns(&stranger->agenda), ==, NEVER);
}

struct tcp_pair stranger_pair(uint32_t number)
{
    return (struct tcp_pair){
        .local = { stranger_host, 80 },
        .peer = { address_ipv4(198, (uint8_t)(51 + (number >> 16)), (uint8_t)(number >> 8),
                               (uint8_t)number),
                  40000 },
    };
}

struct tcp_acceptor *stranger_listen(struct stranger *stranger, uint16_t port, size_t backlog)
{
    struct endpoint local = { .port = port };
    struct tcp_acceptor *acceptor;
    expect_ok(tcp_acceptor_open(&stranger->core, &local, backlog, &stranger->user, &acceptor));
    return acceptor;
}

/* ---- segments ---- */

void stranger_send(struct stranger *stranger, const struct tcp_pair *pair,
                   struct tcp_segment segment, struct view payload)
{
    segment.source_port = pair->peer.port;
    segment.destination_port = pair->local.port;
    struct packet *packet = packet_take(&stranger->pool, PACKET_FOR_RECEIVE);
    expect(packet != NULL);
    if (!view_is_empty(payload)) (void)span_copy(packet_put(packet, payload.length_bytes), payload);
    tcp_segment_push(packet, &segment, &pair->peer.address, &pair->local.address);
    checksum_complete(packet);
    struct ip_incoming incoming = {
        .source = pair->peer.address,
        .destination = pair->local.address,
        .protocol = IP_PROTOCOL_TCP,
        .hop_limit = 64,
    };
    stranger->core.protocol.input(&stranger->core.protocol, packet, &incoming);
    tcp_core_flush(&stranger->core);
}

const struct stranger_sent *stranger_expect_sent(struct stranger *stranger)
{
    expect_that(stranger->looked_at_count, <, stranger->sent_count);
    return &stranger->sent[stranger->looked_at_count++ % STRANGER_SENT_MAX];
}

void stranger_expect_silence(struct stranger *stranger)
{
    expect_that(stranger->looked_at_count, ==, stranger->sent_count);
}

void stranger_pass_time(struct stranger *stranger, uint64_t duration_ns)
{
    agenda_advance(&stranger->agenda, stranger->agenda.now_ns + duration_ns);
    tcp_core_flush(&stranger->core);
}

struct tcp_segment stranger_syn(uint32_t seq)
{
    return (struct tcp_segment){
        .seq = seq,
        .flags = TCP_SYN,
        .window = 64240,
        .options = TCP_OPTION_MSS | TCP_OPTION_SACK_PERMITTED | TCP_OPTION_TIMESTAMPS |
                   TCP_OPTION_WINDOW_SCALE,
        .mss = 1460,
        .ts_value = 5000,
        .wind_shift = 7,
    };
}

struct tcp_segment stranger_bare_syn(uint32_t seq)
{
    return (struct tcp_segment){ .seq = seq, .flags = TCP_SYN, .window = 8192 };
}

struct tcp_segment stranger_ack(const struct tcp_segment *syn, const struct tcp_segment *syn_ack)
{
    return (struct tcp_segment){
        .seq = syn->seq + 1,
        .ack = syn_ack->seq + 1,
        .flags = TCP_ACK,
        .window = 502,
        .options = segment_has(syn_ack, TCP_OPTION_TIMESTAMPS) ? TCP_OPTION_TIMESTAMPS : 0,
        .ts_value = syn->ts_value + 1,
        .ts_echo = syn_ack->ts_value,
    };
}

struct tcp_segment stranger_connect(struct stranger *stranger, const struct tcp_pair *pair,
                                    const struct tcp_segment *syn)
{
    stranger_send(stranger, pair, *syn, (struct view){ 0 });
    struct tcp_segment syn_ack = stranger_expect_sent(stranger)->segment;
    expect_that(syn_ack.flags & (TCP_SYN | TCP_ACK), ==, TCP_SYN | TCP_ACK);
    stranger_send(stranger, pair, stranger_ack(syn, &syn_ack), (struct view){ 0 });
    return syn_ack;
}
