/* icmp.h - the Internet Control Message Protocol (RFC 792, RFC 1122 3.2.2): answers echoes, tells
 * others why their datagrams are not delivered, and our transports what became of ours.
 *
 * Errors go out within two limits: one for each group of destinations, the groups being secret, and
 * one over all that is redrawn at random, so that nobody can find out by counting errors whether
 * another one's probe met a closed port (the SAD DNS attack).
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_ICMP_H
#define LOOM_ICMP_H

#include "ip/secret.h"
#include "ipv4/ipv4.h"

#define ICMP_GROUPS 256

struct icmp_parameters {
    uint64_t errors_per_second;       /* over all destinations */
    uint64_t group_errors_per_second; /* to one group of them */
};
extern const struct parameter icmp_parameters[];

/* An answer to an echo of ours. */
struct icmp_reply {
    struct address source;
    uint16_t identifier, sequence;
    uint8_t hop_limit;
    struct view data; /* what stands in the first buffer of it; gone when `replied` returns */
};

/* Above: who asks with icmp_send_echo. `replied` must not wait. */
struct icmp_user {
    uint16_t identifier; /* given by icmp_attach_user */
    void (*replied)(struct icmp_user *user, const struct icmp_reply *reply);
    struct icmp_user *next;
};

/* Tokens: how many errors may still go, and since when. */
struct icmp_bucket {
    uint64_t refilled_ns;
    uint32_t tokens;
};

struct icmp_statistics {
    uint64_t received, bad_checksum, malformed, ignored;
    uint64_t echoes_received, echo_replies_sent, echoes_sent, echo_replies_received;
    uint64_t errors_received, errors_sent, errors_limited, errors_suppressed;
};

struct icmp {
    struct ip_protocol protocol;
    struct ipv4_reporter reporter;
    struct ipv4 *ipv4;
    struct agenda *agenda;
    struct packet_pool *pool;
    struct icmp_parameters parameters;
    struct siphash_key group_key;
    struct secret_numbers random;
    struct icmp_bucket all;
    struct icmp_bucket groups[ICMP_GROUPS];
    struct icmp_user *users;
    struct icmp_statistics statistics;
};

/* Attaches to `ipv4`, as its protocol and its reporter. `key` is secret and random. */
void icmp_open(struct icmp *icmp, struct ipv4 *ipv4, struct agenda *agenda,
               struct packet_pool *pool, const struct icmp_parameters *parameters,
               struct siphash_key key);

/* Gives the user an identifier that cannot be predicted, and tells it of replies to it. */
void icmp_attach_user(struct icmp *icmp, struct icmp_user *user);
void icmp_detach_user(struct icmp *icmp, struct icmp_user *user);

/* Sends an echo request with a copy of `data`, at most ICMP_ECHO_DATA_MAX bytes. As ip_send. */
#define ICMP_ECHO_DATA_MAX 1400
enum result icmp_send_echo(struct icmp *icmp, const struct icmp_user *user,
                           const struct address *destination, uint16_t sequence,
                           struct view data) CHECKED;

#endif
