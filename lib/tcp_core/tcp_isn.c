/* tcp_isn.c - RFC 6528 3: ISN = M + F(localip, localport, remoteip, remoteport, secretkey).
 *
 * SPDX-License-Identifier: ISC */
#include "tcp_core/tcp_isn.h"

#define ISN_TICK_NS (4 * US_NS) /* RFC 9293 3.4.1 */

struct tcp_initial tcp_initial_of(struct siphash_key key, const struct tcp_pair *pair,
                                  uint64_t now_ns)
{
    uint64_t hash = tcp_pair_hash(key, pair, NULL);
    return (struct tcp_initial){
        .isn = (uint32_t)hash + (uint32_t)(now_ns / ISN_TICK_NS),
        .ts_offset = (uint32_t)(hash >> 32),
    };
}
