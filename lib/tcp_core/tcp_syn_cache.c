/* tcp_syn_cache.c - records of half-open connections, and how they are completed.
 *
 * SPDX-License-Identifier: ISC */
#include "tcp_core/tcp_syn_cache.h"

#include "target/memory.h"
#include "tcp_core/tcp_cookie.h"
#include "tcp_core/tcp_handshake.h"
#include "tcp_core/tcp_isn.h"
#include "tcp_core/tcp_reset.h"
#include "tcp_core/tcp_user_timeout.h"

static struct tcp_syn *record_at(const struct tcp_core *core, uint32_t index)
{
    assert_that(index, <, core->syn_cache.touched_count);
    return &core->syn_cache.records[index];
}

static struct tcp_acceptor *acceptor_of(const struct tcp_core *core, const struct tcp_syn *record)
{
    return tcp_acceptor_at(core, record->acceptor);
}

/* ---- the lines ---- */

static struct tcp_syn_line *line_of(struct tcp_core *core, const struct tcp_syn *record)
{
    return &core->syn_cache.lines[record->sends - 1];
}

static void append(struct tcp_core *core, uint32_t index)
{
    struct tcp_syn *record = record_at(core, index);
    struct tcp_syn_line *line = line_of(core, record);
    record->next = 0;
    record->prev = line->newest;
    if (line->newest != 0)
        record_at(core, line->newest - 1)->next = index + 1;
    else
        line->oldest = index + 1;
    line->newest = index + 1;
}

static void take_out(struct tcp_core *core, uint32_t index)
{
    struct tcp_syn *record = record_at(core, index);
    struct tcp_syn_line *line = line_of(core, record);
    if (record->next != 0)
        record_at(core, record->next - 1)->prev = record->prev;
    else
        line->newest = record->prev;
    if (record->prev != 0)
        record_at(core, record->prev - 1)->next = record->next;
    else
        line->oldest = record->next;
}

/* ---- the pool ---- */

static void timer_due(struct agenda_entry *entry);

enum result tcp_syn_cache_open(struct tcp_core *core)
{
    struct tcp_syn_cache *cache = &core->syn_cache;
    size_t count = core->parameters.syn_count;
    assert_that(count, <=, TCP_DEMUX_INDEX_MAX);
    *cache = (struct tcp_syn_cache){ .count = (uint32_t)count, .timer.due = timer_due };
    if (count == 0) return OK;
    enum result result = memory_take(count * sizeof *cache->records, &cache->memory);
    if (result != OK) return result;
    void *records = cache->memory.bytes;
    cache->records = records;
    return OK;
}

void tcp_syn_cache_close(struct tcp_core *core)
{
    agenda_stop(core->agenda, &core->syn_cache.timer);
    memory_give_back(core->syn_cache.memory);
    core->syn_cache = (struct tcp_syn_cache){ 0 };
}

/* A free record's index + 1; 0: all are in use. */
static uint32_t take_record(struct tcp_core *core)
{
    struct tcp_syn_cache *cache = &core->syn_cache;
    if (cache->free == 0) return cache->touched_count < cache->count ? ++cache->touched_count : 0;
    uint32_t taken = cache->free;
    cache->free = record_at(core, taken - 1)->next;
    return taken;
}

static void drop(struct tcp_core *core, uint32_t index)
{
    struct tcp_syn *record = record_at(core, index);
    tcp_demux_remove(&core->demux, record->hash, tcp_reference(TCP_DEMUX_SYN, index));
    take_out(core, index);
    record->next = core->syn_cache.free;
    core->syn_cache.free = index + 1;
    core->syn_cache.used_count--;
    core->statistics.syn_count = core->syn_cache.used_count;
}

static void set_timer(struct tcp_core *core)
{
    struct tcp_syn_cache *cache = &core->syn_cache;
    uint64_t due_ns = NEVER;
    for (size_t i = 0; i < TCP_SYN_SENDS_MAX; i++) {
        if (cache->lines[i].oldest == 0) continue;
        due_ns = MIN(due_ns, record_at(core, cache->lines[i].oldest - 1)->due_ns);
    }
    agenda_set(core->agenda, &cache->timer, due_ns);
}

/* ---- answers ---- */

/* What we tell about our windows: in a SYN-ACK without a shift (RFC 7323 2.2). */
static uint16_t window_offered(const struct tcp_core *core)
{
    return (uint16_t)MIN(core->parameters.receive_buffer_bytes, UINT16_MAX);
}

static uint8_t own_wind_shift(const struct tcp_core *core)
{
    return tcp_wind_shift_for(core->parameters.receive_buffer_bytes_max);
}

static void put_timestamps(const struct tcp_core *core, const struct tcp_syn_terms *terms,
                           struct tcp_segment *segment)
{
    segment->options |= TCP_OPTION_TIMESTAMPS;
    segment->ts_value = tcp_timestamp_clock(core->agenda->now_ns) + terms->ts_offset;
    segment->ts_echo = terms->ts_recent;
}

/* Options are offered only where the SYN has them (RFC 7323 2.2, 3.2; RFC 2018 2). False: it could
 * not be sent. */
static bool send_syn_ack(struct tcp_core *core, const struct tcp_acceptor *acceptor,
                         const struct tcp_pair *pair, const struct tcp_syn_terms *terms)
{
    struct ip_path path;
    if (ip_find_path(core->ip, &pair->peer.address, &pair->local.address, &path) != OK)
        return false;
    struct tcp_segment segment = {
        .seq = terms->iss,
        .ack = terms->irs + 1,
        .flags = TCP_SYN | TCP_ACK,
        .window = terms->rcv_wnd,
        .options = TCP_OPTION_MSS,
        .mss = tcp_mss_for_mtu(path.mtu_bytes, pair->local.address.family),
    };
    if (terms->ecn) segment.flags |= TCP_ECE; /* RFC 3168 6.1.1 */
    if (terms->timestamps) put_timestamps(core, terms, &segment);
    if (terms->sack_permitted) segment.options |= TCP_OPTION_SACK_PERMITTED;
    if (terms->window_scale) {
        segment.options |= TCP_OPTION_WINDOW_SCALE;
        segment.wind_shift = own_wind_shift(core);
    }
    if (terms->peer_user_timeout != 0) segment.user_timeout = tcp_user_timeout_offer(core);
    return tcp_reply(core, pair, acceptor->traffic_class, &segment);
}

/* An ACK that says where both ends are, to a segment that does not fit (RFC 9293 3.10.7.4, RFC 5961
 * 3.2 and 4.2): a peer that has forgotten the connection answers with a reset that fits. */
static void challenge(struct tcp_core *core, struct tcp_syn *record)
{
    const struct tcp_syn_terms *terms = &record->terms;
    if (!tcp_limit_take(&record->answers, core->agenda->now_ns, TCP_SYN_ANSWER_INTERVAL_NS,
                        TCP_SYN_ANSWER_BURST)) {
        core->statistics.challenge_acks_limited++;
        return;
    }
    struct tcp_segment segment = {
        .seq = terms->iss + 1,
        .ack = terms->irs + 1,
        .flags = TCP_ACK,
        .window = (uint16_t)(terms->rcv_wnd >> (terms->window_scale ? own_wind_shift(core) : 0)),
    };
    if (terms->timestamps) put_timestamps(core, terms, &segment);
    if (tcp_reply(core, &record->pair, acceptor_of(core, record)->traffic_class, &segment))
        core->statistics.challenge_acks++;
}

static void answer_again(struct tcp_core *core, struct tcp_syn *record)
{
    if (!tcp_limit_take(&record->answers, core->agenda->now_ns, TCP_SYN_ANSWER_INTERVAL_NS,
                        TCP_SYN_ANSWER_BURST))
        return;
    record->sent_again = true;
    if (send_syn_ack(core, acceptor_of(core, record), &record->pair, &record->terms))
        core->statistics.segments_retransmitted++;
}

/* ---- the timer ---- */

/* When half of the records are taken, what was answered in vain twice makes room. */
static unsigned sends_max(const struct tcp_syn_cache *cache)
{
    return cache->used_count > cache->count / 2 ? TCP_SYN_SENDS_CROWDED : TCP_SYN_SENDS_MAX;
}

static void repeat_or_drop(struct tcp_core *core, uint32_t index)
{
    struct tcp_syn *record = record_at(core, index);
    if (record->sends >= sends_max(&core->syn_cache)) {
        drop(core, index);
        return;
    }
    take_out(core, index);
    record->due_ns = core->agenda->now_ns + (TCP_SYN_FIRST_DELAY_NS << record->sends);
    record->sends++;
    append(core, index);
    if (send_syn_ack(core, acceptor_of(core, record), &record->pair, &record->terms))
        core->statistics.segments_retransmitted++;
}

static void timer_due(struct agenda_entry *entry)
{
    struct tcp_syn_cache *cache = CONTAINER_OF(entry, struct tcp_syn_cache, timer);
    struct tcp_core *core = CONTAINER_OF(cache, struct tcp_core, syn_cache);
    for (size_t i = TCP_SYN_SENDS_MAX; i > 0; i--) {
        struct tcp_syn_line *line = &cache->lines[i - 1];
        while (line->oldest != 0 &&
               record_at(core, line->oldest - 1)->due_ns <= core->agenda->now_ns)
            repeat_or_drop(core, line->oldest - 1);
    }
    set_timer(core);
}

/* ---- a SYN ---- */

/* RFC 3168 6.1.1. */
static bool offers_ecn(const struct tcp_segment *syn)
{
    return (syn->flags & (TCP_ECE | TCP_CWR)) == (TCP_ECE | TCP_CWR);
}

static struct tcp_syn_terms terms_of(const struct tcp_core *core, const struct tcp_pair *pair,
                                     const struct tcp_segment *syn)
{
    bool window_scale = segment_has(syn, TCP_OPTION_WINDOW_SCALE);
    bool timestamps = segment_has(syn, TCP_OPTION_TIMESTAMPS);
    return (struct tcp_syn_terms){
        .irs = syn->seq,
        .ts_recent = timestamps ? syn->ts_value : 0,
        .peer_mss = tcp_segment_mss(syn, pair->local.address.family),
        .rcv_wnd = window_offered(core),
        .peer_user_timeout = core->parameters.user_timeout_option ? syn->user_timeout : 0,
        .snd_wind_shift = window_scale ? syn->wind_shift : 0,
        .window_scale = window_scale,
        .sack_permitted = segment_has(syn, TCP_OPTION_SACK_PERMITTED),
        .timestamps = timestamps,
        .ecn = offers_ecn(syn),
    };
}

static void send_cookie(struct tcp_core *core, struct tcp_acceptor *acceptor,
                        const struct tcp_pair *pair, struct tcp_syn_terms *terms)
{
    uint64_t now_ns = core->agenda->now_ns;
    tcp_cookie_make(core->cookie_key, pair, now_ns, terms);
    if (!send_syn_ack(core, acceptor, pair, terms)) {
        core->statistics.syn_dropped++;
        return;
    }
    acceptor->cookies_until_ns = now_ns + TCP_COOKIE_VALID_NS;
    core->statistics.syn_cookies_sent++;
}

static void keep(struct tcp_core *core, uint32_t index, const struct tcp_acceptor *acceptor,
                 const struct tcp_pair *pair, const struct tcp_syn_terms *terms)
{
    struct tcp_syn_cache *cache = &core->syn_cache;
    struct tcp_syn *record = record_at(core, index);
    uint64_t now_ns = core->agenda->now_ns;
    *record = (struct tcp_syn){
        .pair = *pair,
        .hash = tcp_demux_hash(&core->demux, pair),
        .terms = *terms,
        .acceptor = tcp_acceptor_index(acceptor),
        .sends = 1,
        .sent_ns = now_ns,
        .due_ns = now_ns + TCP_SYN_FIRST_DELAY_NS,
    };
    append(core, index);
    tcp_demux_insert(&core->demux, record->hash, tcp_reference(TCP_DEMUX_SYN, index));
    cache->used_count++;
    core->statistics.syn_count = cache->used_count;
    if (!agenda_holds(&cache->timer) || cache->timer.timer.deadline_ns > record->due_ns)
        agenda_set(core->agenda, &cache->timer, record->due_ns);
}

/* Whether a SYN is to be answered at all: not one with FIN, which no honest sender makes, nor one
 * that claims to come from where it goes (a "land" attack). */
static bool may_answer(struct tcp_core *core, const struct tcp_acceptor *acceptor,
                       const struct tcp_pair *pair, const struct tcp_segment *syn)
{
    if ((syn->flags & TCP_FIN) != 0 || endpoint_equal(&pair->local, &pair->peer)) return false;
    if (acceptor->draining) return false;
    if (!tcp_acceptor_is_full(acceptor)) return true;
    core->statistics.backlog_overflows++;
    return false;
}

void tcp_syn_arrive(struct tcp_core *core, struct tcp_acceptor *acceptor,
                    const struct tcp_pair *pair, const struct tcp_segment *syn,
                    const uint32_t *least_iss)
{
    if (!may_answer(core, acceptor, pair, syn)) {
        core->statistics.syn_dropped++;
        return;
    }
    struct tcp_syn_terms terms = terms_of(core, pair, syn);
    uint32_t taken = take_record(core);
    if (taken == 0) {
        send_cookie(core, acceptor, pair, &terms);
        return;
    }
    struct tcp_initial initial = tcp_initial_of(core->initial_key, pair, core->agenda->now_ns);
    terms.iss = least_iss == NULL ? initial.isn : sequence_later(initial.isn, *least_iss);
    terms.ts_offset = initial.ts_offset;
    keep(core, taken - 1, acceptor, pair, &terms);
    /* What could not be sent now is sent by the timer. */
    (void)send_syn_ack(core, acceptor, pair, &terms);
}

/* ---- what completes it ---- */

static struct tcp_handshake handshake_of(const struct tcp_core *core, const struct tcp_pair *pair,
                                         const struct tcp_syn_terms *terms,
                                         const struct tcp_segment *ack)
{
    return (struct tcp_handshake){
        .local = pair->local,
        .peer = pair->peer,
        .iss = terms->iss,
        .irs = terms->irs,
        .snd_wnd = (uint32_t)ack->window << terms->snd_wind_shift,
        .rcv_wnd = terms->rcv_wnd,
        .peer_mss = terms->peer_mss,
        .peer_user_timeout = terms->peer_user_timeout,
        .snd_wind_shift = terms->snd_wind_shift,
        .rcv_wind_shift = terms->window_scale ? own_wind_shift(core) : 0,
        .sack_permitted = terms->sack_permitted,
        .timestamps = terms->timestamps,
        .ecn = terms->ecn,
        .ts_recent = terms->timestamps ? ack->ts_value : 0,
        .ts_offset = terms->ts_offset,
    };
}

/* Whether one more connection finds room; otherwise the ACK is as if it had been lost. */
static bool has_room(struct tcp_core *core, const struct tcp_acceptor *acceptor)
{
    if (tcp_acceptor_is_full(acceptor)) {
        core->statistics.backlog_overflows++;
        return false;
    }
    if (tcp_connection_is_free(core)) return true;
    core->statistics.connections_refused_full++;
    return false;
}

static struct tcp_connection *complete(struct tcp_core *core, struct tcp_acceptor *acceptor,
                                       const struct tcp_handshake *handshake)
{
    struct tcp_connection *connection = tcp_connection_create(core, handshake);
    if (connection == NULL) {
        core->statistics.connections_refused_full++;
        return NULL;
    }
    core->statistics.opened_passively++;
    tcp_connection_set_traffic_class(connection, acceptor->traffic_class);
    tcp_acceptor_queue(acceptor, connection);
    return connection;
}

static struct tcp_connection *complete_record(struct tcp_core *core, uint32_t index,
                                              const struct tcp_segment *ack)
{
    const struct tcp_syn *record = record_at(core, index);
    struct tcp_acceptor *acceptor = acceptor_of(core, record);
    if (!has_room(core, acceptor)) return NULL;
    struct tcp_handshake handshake = handshake_of(core, &record->pair, &record->terms, ack);
    bool sent_once = record->sends == 1 && !record->sent_again;
    handshake.sent_ns = sent_once ? record->sent_ns : 0;
    handshake.syn_was_repeated = record->sends > 1;
    drop(core, index);
    return complete(core, acceptor, &handshake);
}

/* RFC 9293 3.10.7.4, first check: some of it lies in the window. */
static bool is_acceptable(const struct tcp_syn_terms *terms, const struct tcp_segment *segment)
{
    uint32_t length = segment_length(segment);
    uint32_t rcv_nxt = terms->irs + 1;
    return sequence_in(segment->seq, rcv_nxt, terms->rcv_wnd) ||
           (length > 0 && sequence_in(segment->seq + length - 1, rcv_nxt, terms->rcv_wnd));
}

/* RFC 5961 3.2: only the number that is expected next ends it. */
static void take_reset(struct tcp_core *core, uint32_t index, const struct tcp_segment *reset)
{
    struct tcp_syn *record = record_at(core, index);
    if (reset->seq == record->terms.irs + 1) {
        core->statistics.resets_received++;
        drop(core, index);
    } else if (is_acceptable(&record->terms, reset)) {
        challenge(core, record);
    }
}

static void take_syn(struct tcp_core *core, struct tcp_syn *record, const struct tcp_segment *syn)
{
    bool is_same = (syn->flags & TCP_ACK) == 0 && syn->seq == record->terms.irs;
    if (!is_same) {
        challenge(core, record);
        return;
    }
    /* Without the offer that was answered in vain (RFC 3168 6.1.1.1): then there are no marks. */
    if (!offers_ecn(syn)) record->terms.ecn = false;
    answer_again(core, record);
}

/* RFC 7323 5.3 R1. */
static bool is_old(const struct tcp_syn_terms *terms, const struct tcp_segment *segment)
{
    return terms->timestamps && sequence_before(segment->ts_value, terms->ts_recent);
}

struct tcp_connection *tcp_syn_input(struct tcp_core *core, uint32_t index,
                                     const struct tcp_segment *segment)
{
    struct tcp_syn *record = record_at(core, index);
    const struct tcp_syn_terms *terms = &record->terms;
    if ((segment->flags & TCP_RST) != 0) {
        take_reset(core, index, segment);
        return NULL;
    }
    if ((segment->flags & TCP_SYN) != 0) {
        take_syn(core, record, segment);
        return NULL;
    }
    /* RFC 7323 3.2: timestamps that were agreed on are in every segment. */
    if (terms->timestamps && !segment_has(segment, TCP_OPTION_TIMESTAMPS)) return NULL;
    if (is_old(terms, segment) || !is_acceptable(terms, segment)) {
        if (is_old(terms, segment)) core->statistics.paws_rejected++;
        challenge(core, record);
        return NULL;
    }
    if ((segment->flags & TCP_ACK) == 0) return NULL;
    if (segment->ack != terms->iss + 1) {
        tcp_reset_answer(core, &record->pair, segment);
        return NULL;
    }
    return complete_record(core, index, segment);
}

/* When the SYN-ACK left whose timestamp comes back, RFC 7323 4.1: rounded so that the RTT is not
 * too short. 0: not known, as without timestamps, or so long ago that the first timeout does as
 * well (RFC 6298 2.1). */
static uint64_t cookie_sent_ns(const struct tcp_core *core, const struct tcp_syn_terms *terms,
                               const struct tcp_segment *ack)
{
    uint64_t now_ns = core->agenda->now_ns;
    if (!terms->timestamps) return 0;
    uint32_t elapsed_ms = tcp_timestamp_clock(now_ns) + terms->ts_offset - ack->ts_echo;
    uint64_t rtt_ns = ((uint64_t)elapsed_ms + 1) * MS_NS;
    return rtt_ns < MIN(S_NS, now_ns) ? now_ns - rtt_ns : 0;
}

struct tcp_connection *tcp_syn_cookie_input(struct tcp_core *core, struct tcp_acceptor *acceptor,
                                            const struct tcp_pair *pair,
                                            const struct tcp_segment *ack, bool *answered)
{
    struct tcp_syn_terms terms;
    *answered = false;
    if (acceptor->cookies_until_ns <= core->agenda->now_ns) return NULL;
    if (!tcp_cookie_check(core->cookie_key, pair, core->agenda->now_ns, ack, &terms)) {
        core->statistics.syn_cookies_failed++;
        return NULL;
    }
    *answered = true;
    if (!has_room(core, acceptor)) return NULL;
    terms.rcv_wnd = window_offered(core);
    struct tcp_handshake handshake = handshake_of(core, pair, &terms, ack);
    handshake.sent_ns = cookie_sent_ns(core, &terms, ack);
    core->statistics.syn_cookies_received++;
    return complete(core, acceptor, &handshake);
}

void tcp_syn_forget_acceptor(struct tcp_core *core, const struct tcp_acceptor *acceptor)
{
    for (size_t i = 0; i < TCP_SYN_SENDS_MAX; i++) {
        uint32_t next = core->syn_cache.lines[i].oldest;
        while (next != 0) {
            uint32_t index = next - 1;
            const struct tcp_syn *record = record_at(core, index);
            next = record->next;
            if (acceptor_of(core, record) == acceptor) drop(core, index);
        }
    }
}
