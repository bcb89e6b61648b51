/* wire.c - the test's end of a wire of bare IP.
 *
 * SPDX-License-Identifier: ISC */
#include "embed/test/wire.h"

#define IP_BYTES  20
#define TCP_BYTES 20

/* ---- the host ---- */

static bool on_send(struct loom_host *host, const struct loom_frame *frame)
{
    struct wire *wire = (struct wire *)(void *)host;
    if (wire->is_full) return false;
    expect_that(wire->count, <, FRAMES_MAX);
    struct frame *kept = &wire->sent[(wire->first + wire->count++) % FRAMES_MAX];
    kept->bytes = malloc(frame->length_bytes);
    kept->length_bytes = frame->length_bytes;
    kept->at_ns = wire->now_ns;
    loom_frame_copy(frame, kept->bytes, kept->length_bytes);
    return true;
}

static void on_entropy(struct loom_host *host, void *bytes, size_t length_bytes)
{
    struct wire *wire = (struct wire *)(void *)host;
    for (size_t i = 0; i < length_bytes; i++)
        ((uint8_t *)bytes)[i] = (uint8_t)test_random(&wire->seed);
}

void wire_open(struct wire *wire, const struct loom_option extra[], size_t count)
{
    char message[256];
    struct loom_option options[32] = {
        { "link", "ip" },          { "ipv4", STACK_ADDRESS "/24" }, { "tcp-connections", "64" },
        { "tcp-time-wait", "64" }, { "tcp-half-open", "64" },
    };
    size_t fixed = 5;
    for (size_t i = 0; i < count; i++)
        options[fixed + i] = extra[i];
    *wire = (struct wire){
        .host = { .send = on_send, .entropy = on_entropy },
        .now_ns = 5 * S_NS,
        .our_port = 80,
        .seed = 1,
        .our_seq = 1000,
    };
    enum loom_result result = loom_stack_open(&wire->host, options, fixed + count, wire->now_ns,
                                              message, sizeof message, &wire->stack);
    if (result != LOOM_OK) test_fail(__FILE__, __LINE__, "%s", message);
    wire_step(wire);
}

void wire_close(struct wire *wire)
{
    loom_stack_close(wire->stack);
    while (wire->count > 0) {
        free(wire->sent[wire->first++ % FRAMES_MAX].bytes);
        wire->count--;
    }
}

void wire_step(struct wire *wire)
{
    wire->next_ns = loom_stack_step(wire->stack, wire->now_ns);
}

void wire_run(struct wire *wire, uint64_t until_ns)
{
    wire_step(wire);
    while (wire->next_ns <= until_ns) {
        if (wire->next_ns > wire->now_ns) wire->now_ns = wire->next_ns;
        wire_step(wire);
    }
    wire->now_ns = until_ns;
    wire_step(wire);
}

/* ---- putting together ---- */

static void put16(uint8_t *at, uint32_t value)
{
    at[0] = (uint8_t)(value >> 8);
    at[1] = (uint8_t)value;
}

static void put32(uint8_t *at, uint32_t value)
{
    put16(at, value >> 16);
    put16(at + 2, value & 0xffff);
}

static uint32_t get16(const uint8_t *at)
{
    return (uint32_t)at[0] << 8 | at[1];
}

static uint32_t get32(const uint8_t *at)
{
    return get16(at) << 16 | get16(at + 2);
}

/* RFC 1071. */
uint16_t wire_checksum(uint32_t sum, const uint8_t *bytes, size_t length_bytes)
{
    for (size_t i = 0; i + 1 < length_bytes; i += 2)
        sum += get16(bytes + i);
    if (length_bytes % 2 != 0) sum += (uint32_t)bytes[length_bytes - 1] << 8;
    while (sum >> 16 != 0)
        sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)~sum;
}

struct loom_endpoint endpoint_of(const char *text)
{
    struct loom_endpoint endpoint;
    expect_ok(loom_endpoint_parse(text, &endpoint));
    return endpoint;
}

static void put_address(uint8_t *at, const char *text)
{
    struct loom_address address;
    expect_ok(loom_address_parse(text, &address));
    memcpy(at, address.bytes, 4);
}

size_t wire_datagram(uint8_t *room, uint8_t protocol, const char *source, const char *destination,
                     const uint8_t *payload, size_t payload_bytes)
{
    memset(room, 0, IP_BYTES);
    room[0] = 0x45;
    put16(room + 2, (uint32_t)(IP_BYTES + payload_bytes));
    room[8] = 64;
    room[9] = protocol;
    put_address(room + 12, source);
    put_address(room + 16, destination);
    put16(room + 10, wire_checksum(0, room, IP_BYTES));
    memcpy(room + IP_BYTES, payload, payload_bytes);
    return IP_BYTES + payload_bytes;
}

/* Of the pseudo-header: both addresses, the protocol, the length (RFC 9293 3.1). */
static uint32_t pseudo_sum(const uint8_t *ip, size_t transport_bytes)
{
    uint32_t sum = ip[9] + (uint32_t)transport_bytes;
    for (size_t i = 12; i < IP_BYTES; i += 2)
        sum += get16(ip + i);
    return sum;
}

void wire_input(struct wire *wire, const uint8_t *bytes, size_t length_bytes)
{
    expect_ok(loom_stack_input(wire->stack, bytes, length_bytes));
    wire_step(wire);
}

void wire_send(struct wire *wire, const struct segment *segment)
{
    uint8_t tcp[4096] = { 0 }, frame[4200];
    size_t header_bytes = TCP_BYTES + segment->options_bytes;
    put16(tcp, segment->source_port);
    put16(tcp + 2, segment->destination_port);
    put32(tcp + 4, segment->seq);
    put32(tcp + 8, segment->ack);
    tcp[12] = (uint8_t)(header_bytes / 4 << 4);
    tcp[13] = segment->flags;
    put16(tcp + 14, segment->window);
    put16(tcp + 18, segment->urgent);
    memcpy(tcp + TCP_BYTES, segment->options, segment->options_bytes);
    memcpy(tcp + header_bytes, segment->payload, segment->payload_bytes);
    size_t tcp_bytes = header_bytes + segment->payload_bytes;
    size_t length_bytes = wire_datagram(frame, 6, OUR_ADDRESS, STACK_ADDRESS, tcp, tcp_bytes);
    uint16_t sum = wire_checksum(pseudo_sum(frame, tcp_bytes), frame + IP_BYTES, tcp_bytes);
    put16(frame + IP_BYTES + 16, sum);
    wire_input(wire, frame, length_bytes);
}

void wire_say(struct wire *wire, uint8_t flags, uint32_t seq, const char *payload)
{
    struct segment segment = { .source_port = wire->our_port,
                               .destination_port = wire->stack_port,
                               .seq = seq,
                               .ack = wire->stack_seq,
                               .flags = flags,
                               .window = 65535 };
    segment.payload_bytes = strlen(payload);
    memcpy(segment.payload, payload, segment.payload_bytes);
    wire_send(wire, &segment);
}

/* ---- taking apart ---- */

bool wire_is_silent(const struct wire *wire)
{
    return wire->count == 0;
}

struct segment wire_next(struct wire *wire)
{
    struct segment segment = { 0 };
    expect(wire->count > 0);
    struct frame frame = wire->sent[wire->first++ % FRAMES_MAX];
    wire->count--;
    const uint8_t *ip = frame.bytes, *tcp = ip + IP_BYTES;
    expect(frame.length_bytes >= IP_BYTES + TCP_BYTES && ip[0] == 0x45 && ip[9] == 6);
    expect_that(get16(ip + 2), ==, frame.length_bytes);
    expect_that(wire_checksum(0, ip, IP_BYTES), ==, 0);
    size_t tcp_bytes = frame.length_bytes - IP_BYTES;
    expect_that(wire_checksum(pseudo_sum(ip, tcp_bytes), tcp, tcp_bytes), ==, 0);
    segment.traffic_class = ip[1];
    segment.hop_limit = ip[8];
    segment.source_port = (uint16_t)get16(tcp);
    segment.destination_port = (uint16_t)get16(tcp + 2);
    segment.seq = get32(tcp + 4);
    segment.ack = get32(tcp + 8);
    segment.flags = tcp[13];
    segment.window = (uint16_t)get16(tcp + 14);
    segment.urgent = (uint16_t)get16(tcp + 18);
    size_t header_bytes = (size_t)(tcp[12] >> 4) * 4;
    segment.options_bytes = header_bytes - TCP_BYTES;
    memcpy(segment.options, tcp + TCP_BYTES, segment.options_bytes);
    segment.payload_bytes = tcp_bytes - header_bytes;
    expect_that(segment.payload_bytes, <=, sizeof segment.payload);
    memcpy(segment.payload, tcp + header_bytes, segment.payload_bytes);
    segment.at_ns = frame.at_ns;
    free(frame.bytes);
    return segment;
}

struct loom_socket *wire_connect(struct wire *wire, const uint8_t *options, size_t options_bytes,
                                 uint64_t rtt_ns)
{
    struct loom_socket *socket;
    struct loom_endpoint peer = endpoint_of(OUR_ADDRESS ":80");
    expect_ok(loom_socket_open(wire->stack, LOOM_TCP, &socket));
    expect_result(loom_connect(socket, &peer, LOOM_NO_WAIT), LOOM_AGAIN);
    struct segment syn = wire_next(wire);
    expect_that(syn.flags, ==, SYN);
    wire->stack_port = syn.source_port;
    wire->stack_seq = syn.seq + 1;
    wire_run(wire, wire->now_ns + rtt_ns);
    struct segment answer = { .source_port = 80,
                              .destination_port = syn.source_port,
                              .seq = wire->our_seq++,
                              .ack = wire->stack_seq,
                              .flags = SYN | ACK,
                              .window = 65535,
                              .options_bytes = options_bytes };
    if (options_bytes > 0) memcpy(answer.options, options, options_bytes);
    wire_send(wire, &answer);
    struct segment ack = wire_next(wire);
    expect_that(ack.flags, ==, ACK);
    expect_that(ack.ack, ==, wire->our_seq);
    expect_ok(loom_connect(socket, &peer, LOOM_NO_WAIT));
    return socket;
}
