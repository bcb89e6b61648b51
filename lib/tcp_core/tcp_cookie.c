/* tcp_cookie.c - makes SYN cookies, and knows them again.
 *
 * SPDX-License-Identifier: ISC */
#include "tcp_core/tcp_cookie.h"

#include "tcp_core/tcp_isn.h"

/* What peers say: Ethernet, with IPv6, with a tunnel's header or two, the least of both families, a
 * jumbo frame. What is less than 536 is one class: rare, and slow in any case. */
static const uint16_t mss_table[8] = { TCP_MSS_MIN, 536, 1220, 1360, 1400, 1440, 1460, 8940 };

#define SCALE_NONE  15
#define ECN_TURN    ((uint32_t)1 << 31)
#define SHIFT_MSS   5
#define SHIFT_SCALE 1
#define MASK_SCALE  15u
#define MASK_SACK   1u
#define MASK_DATA   UINT32_C(0xff)
#define VALID_MS    ((uint32_t)(TCP_COOKIE_VALID_NS / MS_NS))

static uint64_t secret_of(struct siphash_key key, const struct tcp_pair *pair, uint32_t irs,
                          uint64_t period)
{
    uint64_t salt = (uint64_t)irs << 32 | (period & UINT32_MAX);
    return tcp_pair_hash(key, pair, &salt);
}

/* The largest that is not over it; smaller than all, the least. */
static uint32_t mss_index(uint16_t mss)
{
    uint32_t index = LENGTH_OF(mss_table) - 1;
    while (index > 0 && mss_table[index] > mss)
        index--;
    return index;
}

void tcp_cookie_make(struct siphash_key key, const struct tcp_pair *pair, uint64_t now_ns,
                     struct tcp_syn_terms *terms)
{
    uint64_t secret = secret_of(key, pair, terms->irs, now_ns / TCP_COOKIE_PERIOD_NS);
    uint32_t index = mss_index(terms->peer_mss);
    uint32_t scale = terms->window_scale ? terms->snd_wind_shift : SCALE_NONE;
    uint32_t data = index << SHIFT_MSS | scale << SHIFT_SCALE | terms->sack_permitted;
    terms->peer_mss = mss_table[index];
    terms->ecn = terms->ecn && terms->timestamps;
    terms->iss = (uint32_t)secret ^ data;
    terms->ts_offset = (uint32_t)(secret >> 32) ^ (terms->ecn ? ECN_TURN : 0);
}

/* Whether the echo is what we sent not long ago if our timestamps start at `ts_offset`. */
static bool echoes(const struct tcp_segment *ack, uint64_t now_ns, uint32_t ts_offset)
{
    return tcp_timestamp_clock(now_ns) + ts_offset - ack->ts_echo <= VALID_MS;
}

static bool check_timestamps(const struct tcp_segment *ack, uint64_t now_ns, uint64_t secret,
                             struct tcp_syn_terms *terms)
{
    terms->timestamps = segment_has(ack, TCP_OPTION_TIMESTAMPS);
    terms->ecn = false;
    terms->ts_offset = (uint32_t)(secret >> 32);
    if (!terms->timestamps) return true;
    terms->ts_recent = ack->ts_value;
    if (echoes(ack, now_ns, terms->ts_offset)) return true;
    terms->ts_offset ^= ECN_TURN;
    terms->ecn = true;
    return echoes(ack, now_ns, terms->ts_offset);
}

static void read_data(uint32_t data, struct tcp_syn_terms *terms)
{
    uint32_t scale = data >> SHIFT_SCALE & MASK_SCALE;
    terms->peer_mss = mss_table[data >> SHIFT_MSS];
    terms->window_scale = scale != SCALE_NONE;
    terms->snd_wind_shift = terms->window_scale ? (uint8_t)scale : 0;
    terms->sack_permitted = (data & MASK_SACK) != 0;
}

bool tcp_cookie_check(struct siphash_key key, const struct tcp_pair *pair, uint64_t now_ns,
                      const struct tcp_segment *ack, struct tcp_syn_terms *terms)
{
    uint64_t period = now_ns / TCP_COOKIE_PERIOD_NS;
    *terms = (struct tcp_syn_terms){ .iss = ack->ack - 1, .irs = ack->seq - 1 };
    for (uint64_t back = 0; back <= MIN(period, 1); back++) {
        uint64_t secret = secret_of(key, pair, terms->irs, period - back);
        uint32_t difference = (uint32_t)secret ^ terms->iss;
        if ((difference & ~MASK_DATA) != 0) continue;
        read_data(difference, terms);
        return check_timestamps(ack, now_ns, secret, terms);
    }
    return false;
}
