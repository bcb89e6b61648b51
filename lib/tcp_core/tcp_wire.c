/* tcp_wire.c - two hosts and the wire between them, in virtual time.
 *
 * SPDX-License-Identifier: ISC */
#include "tcp_core/tcp_wire.h"

#include "base/cursor.h"
#include "packet/checksum.h"

#define MILLION 1000000u

uint64_t tcp_wire_random(struct tcp_wire *wire)
{
    wire->random += 0x9e3779b97f4a7c15u; /* SplitMix64 */
    uint64_t z = wire->random;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

static bool happens(struct tcp_wire *wire, uint32_t ppm)
{
    return ppm > 0 && tcp_wire_random(wire) % MILLION < ppm;
}

/* ---- arriving ---- */

static void arrive(struct agenda_entry *entry)
{
    struct tcp_wire_flight *flight = CONTAINER_OF(entry, struct tcp_wire_flight, entry);
    struct tcp_wire *wire = flight->wire;
    struct tcp_wire_host *host = &wire->hosts[flight->to];
    struct packet *packet = flight->packet;
    struct ip_incoming incoming = {
        .source = wire->hosts[1 - flight->to].address,
        .destination = host->address,
        .protocol = IP_PROTOCOL_TCP,
        .hop_limit = 64,
        .traffic_class = flight->ecn,
    };
    flight->packet = NULL;
    flight->next = wire->free;
    wire->free = flight;
    host->core.protocol.input(&host->core.protocol, packet, &incoming);
}

static struct tcp_wire_flight *take_flight(struct tcp_wire *wire)
{
    struct tcp_wire_flight *flight = wire->free;
    if (flight != NULL) {
        wire->free = flight->next;
    } else if (wire->touched_count < TCP_WIRE_FLIGHTS) {
        flight = &wire->flights[wire->touched_count++];
        *flight = (struct tcp_wire_flight){ .entry.due = arrive, .wire = wire };
    }
    return flight;
}

static void fly(struct tcp_wire_host *from, struct packet *packet, uint64_t arrival_ns, uint8_t ecn)
{
    struct tcp_wire *wire = from->wire;
    struct tcp_wire_flight *flight = take_flight(wire);
    if (flight == NULL) {
        packet_drop(packet);
        return;
    }
    flight->packet = packet;
    flight->to = (uint8_t)(1 - from->index);
    flight->ecn = ecn;
    agenda_set(&wire->agenda, &flight->entry, arrival_ns);
}

/* When it has left at the rate of the wire; NEVER: the queue is full. */
static uint64_t departure_ns(struct tcp_wire_host *from, size_t length_bytes, uint8_t *ecn)
{
    const struct tcp_wire_faults *faults = &from->faults;
    uint64_t now_ns = from->wire->agenda.now_ns;
    if (faults->rate_bytes_s == 0) return now_ns;
    uint64_t start_ns = MAX(now_ns, from->busy_until_ns);
    uint64_t waiting_bytes = (start_ns - now_ns) * faults->rate_bytes_s / S_NS;
    if (faults->queue_bytes > 0 && waiting_bytes + length_bytes > faults->queue_bytes) return NEVER;
    if (faults->mark_bytes > 0 && waiting_bytes > faults->mark_bytes && *ecn != IP_ECN_NOT_ECT)
        *ecn = IP_ECN_CE;
    from->busy_until_ns = start_ns + length_bytes * S_NS / faults->rate_bytes_s;
    return from->busy_until_ns;
}

static struct packet *copy_for(struct tcp_wire_host *host, const struct packet *packet)
{
    return packet_copy(packet, &host->pool, PACKET_FOR_RECEIVE);
}

/* Puts one segment on the wire. Takes the packet. True: it was lost. */
static bool carry(struct tcp_wire_host *from, struct packet *packet, uint8_t ecn)
{
    struct tcp_wire *wire = from->wire;
    const struct tcp_wire_faults *faults = &from->faults;
    size_t length_bytes = packet_total_bytes(packet) + 20;
    bool too_long = from->narrow_mtu_bytes > 0 && length_bytes > from->narrow_mtu_bytes;
    uint64_t left_ns = too_long ? NEVER : departure_ns(from, length_bytes, &ecn);
    struct tcp_wire_host *to = &wire->hosts[1 - from->index];
    struct packet *arriving = NULL;
    if (left_ns != NEVER && !happens(wire, faults->loss_ppm) && to->has_core)
        arriving = copy_for(to, packet);
    if (arriving == NULL) {
        packet_drop(packet);
        return true;
    }
    uint64_t jitter_ns = faults->jitter_ns > 0 ? tcp_wire_random(wire) % faults->jitter_ns : 0;
    uint64_t arrival_ns = left_ns + faults->delay_ns + jitter_ns;
    if (happens(wire, faults->reorder_ppm)) {
        arrival_ns += faults->reorder_ns;
    } else {
        arrival_ns = MAX(arrival_ns, from->last_arrival_ns);
        from->last_arrival_ns = arrival_ns;
    }
    if (happens(wire, faults->duplicate_ppm)) {
        struct packet *twin = copy_for(to, packet);
        if (twin != NULL) fly(from, twin, arrival_ns + faults->reorder_ns, ecn);
    }
    fly(from, arriving, arrival_ns, ecn);
    packet_drop(packet);
    return false;
}

/* ---- leaving ---- */

static struct tcp_wire_record *record(struct tcp_wire_host *from, const struct tcp_segment *segment,
                                      const struct packet *packet, uint8_t ecn)
{
    struct tcp_wire *wire = from->wire;
    struct tcp_wire_record *entry = &wire->records[wire->recorded++ % TCP_WIRE_RECORDS];
    *entry = (struct tcp_wire_record){
        .segment = *segment,
        .sent_ns = wire->agenda.now_ns,
        .host = from->index,
        .ecn = ecn,
        .traffic_class = from->traffic_class,
    };
    size_t head_bytes = MIN(segment->payload_bytes, sizeof entry->head);
    packet_copy_out(packet, segment->header_bytes, span_first(SPAN_OF(entry->head), head_bytes));
    return entry;
}

/* One segment as the wire has it. Takes the packet. */
static void emit(struct tcp_wire_host *from, struct packet *packet, uint8_t ecn)
{
    const struct address *to = &from->destination;
    struct tcp_segment segment = { 0 };
    checksum_complete(packet);
    assert(checksum_is_good(packet, &from->address, to, IP_PROTOCOL_TCP));
    enum result result = tcp_segment_take(packet, &segment);
    assert(result == OK);
    assert_that(packet_total_bytes(packet) + 20, <=, from->mtu_bytes);
    struct tcp_wire_record *entry = record(from, &segment, packet, ecn);
    entry->lost = carry(from, packet, ecn);
    from->segments_sent++;
    from->segments_lost += entry->lost;
}

/* The segment at `offset_bytes` of the payload, as a device would cut it (header, then bytes). */
static struct packet *cut(struct tcp_wire_host *from, const struct packet *whole,
                          const struct tcp_segment *header, size_t offset_bytes,
                          size_t length_bytes)
{
    struct packet *piece = packet_take(&from->pool, PACKET_FOR_CONTROL);
    if (piece == NULL) return NULL;
    struct tcp_segment segment = *header;
    bool is_last = offset_bytes + length_bytes == header->payload_bytes;
    segment.seq += (uint32_t)offset_bytes;
    if (!is_last) segment.flags &= (uint8_t) ~(TCP_FIN | TCP_PSH);
    if (offset_bytes > 0) segment.flags &= (uint8_t)~TCP_CWR;
    packet_copy_out(whole, header->header_bytes + offset_bytes, packet_put(piece, length_bytes));
    tcp_segment_push(piece, &segment, &from->address, &from->destination);
    return piece;
}

/* Cuts a datagram that is marked for it into segments. Takes the packet. */
static void emit_burst(struct tcp_wire_host *from, struct packet *packet, uint8_t ecn)
{
    struct tcp_segment header = { 0 };
    size_t step = packet->segment_bytes;
    enum result result = tcp_segment_take(packet, &header);
    assert(result == OK && step > 0);
    assert_that(packet_total_bytes(packet) + 20, <=, from->segments_bytes_max);
    for (size_t offset = 0; offset < header.payload_bytes; offset += step) {
        size_t length = MIN(step, header.payload_bytes - offset);
        struct packet *piece = cut(from, packet, &header, offset, length);
        if (piece != NULL) emit(from, piece, ecn);
    }
    packet_drop(packet);
}

/* ---- its ip ---- */

static struct tcp_wire_host *host_of(struct ip *ip)
{
    return CONTAINER_OF(ip, struct tcp_wire_host, ip);
}

static enum result wire_send(struct ip *ip, struct packet *packet, const struct ip_outgoing *out)
{
    struct tcp_wire_host *from = host_of(ip);
    if (from->ring_is_full || from->unreachable) {
        packet_drop(packet);
        return from->ring_is_full ? FULL : UNREACHABLE;
    }
    bool is_burst = packet->segmentation != PACKET_SEGMENT_NONE;
    if (!is_burst && packet_total_bytes(packet) + 20 > from->mtu_bytes) {
        packet_drop(packet);
        return TOO_LARGE;
    }
    from->datagrams_sent++;
    from->destination = out->destination;
    from->traffic_class = out->traffic_class & (uint8_t)~IP_ECN_MASK;
    uint8_t ecn = out->traffic_class & IP_ECN_MASK;
    if (is_burst)
        emit_burst(from, packet, ecn);
    else
        emit(from, packet, ecn);
    return OK;
}

static enum result wire_find_path(struct ip *ip, const struct address *destination,
                                  const struct address *source, struct ip_path *path)
{
    struct tcp_wire_host *host = host_of(ip);
    const struct tcp_wire_host *other = &host->wire->hosts[1 - host->index];
    if (host->unreachable || !address_equal(destination, &other->address)) return UNREACHABLE;
    if (source->family != ADDRESS_ANY && !address_equal(source, &host->address)) return UNREACHABLE;
    *path = (struct ip_path){
        .source = host->address,
        .mtu_bytes = host->mtu_bytes,
        .segments_bytes_max = host->segments_bytes_max,
        .to_many = host->to_many,
    };
    return OK;
}

static bool wire_is_ours(struct ip *ip, const struct address *address)
{
    return address_equal(address, &host_of(ip)->address);
}

static void wire_doubt(struct ip *ip, const struct address *destination)
{
    struct tcp_wire_host *host = host_of(ip);
    const struct tcp_wire_host *other = &host->wire->hosts[1 - host->index];
    assert(address_equal(destination, &other->address));
    host->doubt_count++;
}

static void wire_reject(struct ip *ip, const struct packet *packet,
                        const struct ip_incoming *incoming, enum ip_reject reason)
{
    (void)ip, (void)packet, (void)incoming, (void)reason;
    panic("TCP answers by itself");
}

static const struct ip_ops wire_ops = IP_OPS(wire);

/* ---- opening and closing ---- */

struct tcp_core_parameters tcp_wire_parameters(void)
{
    return (struct tcp_core_parameters){
        .connection_count = 64,
        .acceptor_count = 8,
        .syn_count = 64,
        .time_wait_count = 64,
        .time_wait_ns = 60 * S_NS,
        .send_buffer_bytes = 256 * KIB,
        .receive_buffer_bytes = 64 * KIB,
        .receive_buffer_bytes_max = 1 * MIB,
        .user_timeout_ns = 300 * S_NS,
        .keepalive_idle_ns = 7200 * S_NS,
        .keepalive_interval_ns = 75 * S_NS,
        .keepalive_count = 9,
    };
}

static void open_host(struct tcp_wire *wire, uint8_t index,
                      const struct tcp_core_parameters *parameters, size_t packet_count)
{
    struct tcp_wire_host *host = &wire->hosts[index];
    __builtin_memset(host, 0, sizeof *host); /* a literal of its size would stand on the stack */
    host->ip.ops = &wire_ops;
    host->wire = wire;
    host->index = index;
    host->has_core = parameters != NULL;
    host->address = address_ipv4(192, 0, 2, (uint8_t)(index + 1));
    host->mtu_bytes = 1500;
    host->segments_bytes_max = 65535;
    host->faults.delay_ns = MS_NS;
    enum result result = packet_pool_open(&host->pool, packet_count);
    assert(result == OK);
    if (parameters == NULL) return;
    struct siphash_key key = { tcp_wire_random(wire), tcp_wire_random(wire) };
    result = tcp_core_open(&host->core, &host->ip, &wire->agenda, &host->pool, parameters, key);
    assert(result == OK);
}

void tcp_wire_open(struct tcp_wire *wire, uint64_t seed,
                   const struct tcp_core_parameters *parameters, size_t packet_count, bool alone)
{
    agenda_init(&wire->agenda, TCP_WIRE_START);
    wire->random = seed;
    wire->recorded = wire->taken = 0;
    wire->free = NULL;
    wire->touched_count = 0;
    open_host(wire, 0, parameters, packet_count);
    open_host(wire, 1, alone ? NULL : parameters, packet_count);
}

void tcp_wire_close(struct tcp_wire *wire)
{
    for (size_t i = 0; i < wire->touched_count; i++) {
        struct tcp_wire_flight *flight = &wire->flights[i];
        if (flight->packet == NULL) continue;
        agenda_stop(&wire->agenda, &flight->entry);
        packet_drop(flight->packet);
        flight->packet = NULL;
    }
    for (size_t i = 0; i < LENGTH_OF(wire->hosts); i++) {
        if (wire->hosts[i].has_core) tcp_core_close(&wire->hosts[i].core);
        packet_pool_close(&wire->hosts[i].pool);
    }
}

/* ---- time ---- */

static void flush(struct tcp_wire *wire)
{
    for (size_t i = 0; i < LENGTH_OF(wire->hosts); i++)
        if (wire->hosts[i].has_core) tcp_core_flush(&wire->hosts[i].core);
}

bool tcp_wire_step(struct tcp_wire *wire, uint64_t until_ns)
{
    flush(wire);
    uint64_t next_ns = agenda_next_ns(&wire->agenda);
    if (next_ns > until_ns) {
        agenda_advance(&wire->agenda, until_ns);
        return false;
    }
    agenda_advance(&wire->agenda, MAX(next_ns, wire->agenda.now_ns));
    flush(wire);
    return true;
}

void tcp_wire_run(struct tcp_wire *wire, uint64_t duration_ns)
{
    uint64_t until_ns = wire->agenda.now_ns + duration_ns;
    while (tcp_wire_step(wire, until_ns)) {
    }
}

/* ---- records and injections ---- */

bool tcp_wire_take(struct tcp_wire *wire, struct tcp_wire_record *taken)
{
    if (wire->recorded - wire->taken > TCP_WIRE_RECORDS)
        wire->taken = wire->recorded - TCP_WIRE_RECORDS;
    while (wire->taken < wire->recorded) {
        *taken = wire->records[wire->taken++ % TCP_WIRE_RECORDS];
        if (taken->host == 0) return true;
    }
    return false;
}

size_t tcp_wire_count(const struct tcp_wire *wire)
{
    return (size_t)(wire->recorded - wire->taken);
}

void tcp_wire_forget(struct tcp_wire *wire)
{
    wire->taken = wire->recorded;
}

void tcp_wire_inject(struct tcp_wire *wire, const struct tcp_wire_injection *injection)
{
    struct tcp_wire_host *host = &wire->hosts[0];
    const struct address *source = &wire->hosts[1].address;
    struct packet *packet = packet_take(&host->pool, PACKET_FOR_RECEIVE);
    assert(packet != NULL);
    if (!view_is_empty(injection->payload))
        (void)span_copy(packet_put(packet, injection->payload.length_bytes), injection->payload);
    tcp_segment_push(packet, &injection->segment, source, &host->address);
    checksum_complete(packet);
    struct ip_incoming incoming = {
        .source = *source,
        .destination = host->address,
        .protocol = IP_PROTOCOL_TCP,
        .hop_limit = 64,
        .traffic_class = injection->ecn,
    };
    host->core.protocol.input(&host->core.protocol, packet, &incoming);
    if (!injection->without_flush) tcp_core_flush(&host->core);
}

struct quoted {
    uint8_t bytes[8];
};

static struct quoted quote(const struct tcp_pair *pair, uint32_t seq)
{
    struct quoted quoted;
    struct writer writer = writer_over(SPAN_OF(quoted.bytes));
    writer_put_u16_be(&writer, pair->local.port);
    writer_put_u16_be(&writer, pair->peer.port);
    writer_put_u32_be(&writer, seq);
    return quoted;
}

static struct ip_error error_about(const struct tcp_pair *pair, const struct quoted *quoted,
                                   enum ip_error_kind kind)
{
    return (struct ip_error){
        .kind = kind,
        .source = pair->local.address,
        .destination = pair->peer.address,
        .transport = VIEW_OF(quoted->bytes),
    };
}

void tcp_wire_error(struct tcp_wire *wire, const struct tcp_pair *pair, uint32_t seq,
                    enum ip_error_kind kind)
{
    struct quoted quoted = quote(pair, seq);
    struct ip_error error = error_about(pair, &quoted, kind);
    struct tcp_core *core = &wire->hosts[0].core;
    core->protocol.error(&core->protocol, &error);
    tcp_core_flush(core);
}

bool tcp_wire_has_sent(struct tcp_wire *wire, const struct tcp_pair *pair, uint32_t seq)
{
    struct quoted quoted = quote(pair, seq);
    struct ip_error error = error_about(pair, &quoted, IP_ERROR_TOO_LARGE);
    struct tcp_core *core = &wire->hosts[0].core;
    return core->protocol.has_sent(&core->protocol, &error);
}
