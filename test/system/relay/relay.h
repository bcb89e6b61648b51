/* relay.h - the entry of the relay: an image through which strangers talk to each other.
 *
 * SPDX-License-Identifier: ISC */
#ifndef RELAY_H
#define RELAY_H

#include "base/result.h"
#include "ip/address.h"
#include "parameter/parameter.h"

struct http;
struct tcp;

struct relay_parameters {
    uint64_t port;
    struct endpoint to;
};
extern const struct parameter relay_parameters[];

/* Waits. Until a stop is requested, joins each connection to one of its own to `to`: bytes both
 * ways, and each side's end to the other. What breaks on one side is reset on both. */
enum result relay_start(struct tcp *tcp, struct http *metrics,
                        const struct relay_parameters *parameters) CHECKED;

#endif
