/* pairs.h - the entry of the application that has everything twice.
 *
 * SPDX-License-Identifier: ISC */
#ifndef PAIRS_H
#define PAIRS_H

#include "base/result.h"
#include "parameter/parameter.h"

struct http;
struct kv;
struct udp;

struct pairs_parameters {
    uint64_t left_echo, right_echo; /* UDP ports; 0: any */
};
extern const struct parameter pairs_parameters[];

/* Waits. Serves both sides until a stop is requested: each a store over HTTP, and an echo over UDP
 * that answers with its side's name before what it was sent. */
enum result pairs_start(struct http *left_web, struct kv *left, struct http *right_web,
                        struct kv *right, struct udp *udp,
                        const struct pairs_parameters *parameters) CHECKED;

#endif
