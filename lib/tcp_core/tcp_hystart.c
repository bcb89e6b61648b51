/* tcp_hystart.c - HyStart++: leaves slow start when the RTT begins to rise, before the queue on the
 * way is full and a window's worth of segments is lost (RFC 9406).
 *
 *     slow start --RTT rose--> conservative slow start --5 rounds--> congestion avoidance
 *          ^                             |
 *          +------RTT fell again---------+
 *
 * One thing differs: the RFC looks at the least RTT since the round began, and so sees in the next
 * round only what begins in the middle of this one, when the window has doubled once more. Here
 * each eight samples speak for themselves.
 *
 * SPDX-License-Identifier: ISC */
#include "base/units.h"
#include "tcp_core/tcp_congestion.h"
#include "tcp_core/tcp_sequence.h"

/* RFC 9406 4.3. */
#define MIN_RTT_THRESH_US  4000
#define MAX_RTT_THRESH_US  16000
#define MIN_RTT_DIVISOR    8
#define N_RTT_SAMPLE       8
#define CSS_GROWTH_DIVISOR 4
#define CSS_ROUNDS         5

#define UNKNOWN_US UINT32_MAX

void tcp_hystart_init(struct tcp_hystart *hystart, uint32_t snd_nxt)
{
    *hystart = (struct tcp_hystart){
        .window_end = snd_nxt,
        .last_min_us = UNKNOWN_US,
        .current_min_us = UNKNOWN_US,
        .recent_min_us = UNKNOWN_US,
        .css_baseline_min_us = UNKNOWN_US,
    };
}

/* True: the conservative rounds are over. */
static bool begin_round(struct tcp_hystart *hystart, uint32_t snd_nxt)
{
    hystart->window_end = snd_nxt;
    hystart->last_min_us = hystart->current_min_us;
    hystart->current_min_us = UNKNOWN_US;
    hystart->recent_min_us = UNKNOWN_US;
    hystart->sample_count = 0;
    return hystart->css_round_count > 0 && hystart->css_round_count++ >= CSS_ROUNDS;
}

static void judge(struct tcp_hystart *hystart)
{
    if (hystart->css_round_count > 0) {
        if (hystart->recent_min_us < hystart->css_baseline_min_us) {
            hystart->css_baseline_min_us = UNKNOWN_US;
            hystart->css_round_count = 0;
        }
        return;
    }
    if (hystart->last_min_us == UNKNOWN_US) return;
    uint32_t threshold_us = hystart->last_min_us / MIN_RTT_DIVISOR;
    threshold_us = MAX(MIN_RTT_THRESH_US, MIN(threshold_us, MAX_RTT_THRESH_US));
    if (hystart->recent_min_us >= hystart->last_min_us + threshold_us) {
        hystart->css_baseline_min_us = hystart->recent_min_us;
        hystart->css_round_count = 1;
    }
}

bool tcp_hystart_measured(struct tcp_hystart *hystart, uint64_t rtt_ns, uint32_t ack,
                          uint32_t snd_nxt)
{
    if (!sequence_before(ack, hystart->window_end) && begin_round(hystart, snd_nxt)) return true;
    uint32_t rtt_us = (uint32_t)MIN(rtt_ns / US_NS, 60 * S_NS / US_NS);
    hystart->current_min_us = MIN(hystart->current_min_us, rtt_us);
    hystart->recent_min_us = MIN(hystart->recent_min_us, rtt_us);
    if (++hystart->sample_count < N_RTT_SAMPLE) return false;
    judge(hystart);
    hystart->recent_min_us = UNKNOWN_US;
    hystart->sample_count = 0;
    return false;
}

uint32_t tcp_hystart_divisor(const struct tcp_hystart *hystart)
{
    return hystart->css_round_count > 0 ? CSS_GROWTH_DIVISOR : 1;
}
