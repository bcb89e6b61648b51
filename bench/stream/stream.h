/* stream.h - an image that sends a stream, or takes one: what `make bench` measures bulk transfers
 * with.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_BENCH_STREAM_H
#define LOOM_BENCH_STREAM_H

#include "parameter/parameter.h"
#include "tcp/tcp.h"

struct stream_parameters {
    uint64_t source_port, sink_port, hold_port, figures_port;
    uint64_t held_max;
};
extern const struct parameter stream_parameters[];

/* Waits. Serves until the image is to stop. */
enum result stream_start(struct tcp *tcp, const struct stream_parameters *parameters);

#endif
