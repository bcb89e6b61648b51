/* run.c - lets the wire work until the image is to stop.
 *
 * SPDX-License-Identifier: ISC */
#include "run.h"

#include "bench/wire/line/wire.h"
#include "fiber/stop.h"

#define LOG_MODULE "wire"
#include "log/log.h"

static void tell(const char *way, const struct net_faulty_statistics *statistics)
{
    log_info(
        "%s: %llu frames in, %llu out, %llu lost, %llu late, %llu over the queue, %llu without "
        "a buffer",
        way, (unsigned long long)statistics->entered_frames,
        (unsigned long long)statistics->left_frames, (unsigned long long)statistics->lost_frames,
        (unsigned long long)statistics->reordered_frames,
        (unsigned long long)statistics->queue_full_frames,
        (unsigned long long)statistics->no_buffer_frames);
}

enum result wire_run(struct wire *wire)
{
    log_info("ready");
    enum result result = stop_wait(NEVER);
    tell("to the right", wire->to_right);
    tell("to the left", wire->to_left);
    return result;
}
