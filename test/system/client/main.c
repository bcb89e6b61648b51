/* main.c - puts a crowd of clients on a server, and tells in JSON how their connections ended.
 *
 * usage: client ADDRESS PORT TARGET CLIENTS CONNECTIONS REQUESTS SECONDS
 *
 * It ends when CONNECTIONS are made (0: no bound), when the server refuses one, or after SECONDS;
 * what has begun by then is waited for.
 *
 * SPDX-License-Identifier: ISC */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>

#include "client.h"

#define EVENTS 256

static bool may_begin(const struct crowd *crowd)
{
    const struct wish *wish = crowd->wish;
    return !crowd->ending && (wish->connections == 0 || crowd->begun < wish->connections);
}

/* Each free client begins anew; those whose time is over are given up. */
static void crowd_look(struct crowd *crowd)
{
    for (unsigned i = 0; i < crowd->wish->clients; i++) {
        struct client *client = &crowd->clients[i];
        client_look(crowd, client);
        if (client->state == CLIENT_FREE && may_begin(crowd)) client_connect(crowd, client);
    }
}

static void crowd_run(struct crowd *crowd)
{
    struct epoll_event events[EVENTS];
    uint64_t end_ns = now_ns() + (uint64_t)crowd->wish->seconds * 1000000000u;
    crowd_look(crowd);
    while (crowd->living > 0) {
        int count = epoll_wait(crowd->epoll, events, EVENTS, 100);
        for (int i = 0; i < count; i++)
            client_notice(crowd, events[i].data.ptr, events[i].events);
        if (now_ns() >= end_ns) crowd->ending = true;
        crowd_look(crowd);
    }
}

static void tell(const struct outcome *outcome)
{
    printf("{\"connections\": %llu, \"answers\": %llu, \"others\": %llu, \"clean\": %llu, "
           "\"cut\": %llu, \"resets\": %llu, \"refused\": %llu, \"timed_out\": %llu, "
           "\"unreached\": %llu}\n",
           (unsigned long long)outcome->connections, (unsigned long long)outcome->answers,
           (unsigned long long)outcome->others, (unsigned long long)outcome->clean,
           (unsigned long long)outcome->cut, (unsigned long long)outcome->resets,
           (unsigned long long)outcome->refused, (unsigned long long)outcome->timed_out,
           (unsigned long long)outcome->unreached);
}

static unsigned long number(const char *text)
{
    char *end;
    unsigned long value = strtoul(text, &end, 10);
    if (*end == '\0' && *text != '\0') return value;
    fprintf(stderr, "client: %s is not a number\n", text);
    exit(2);
}

static uint32_t address(const char *text)
{
    struct in_addr address;
    if (inet_pton(AF_INET, text, &address) == 1) return ntohl(address.s_addr);
    fprintf(stderr, "client: %s is not an IPv4 address\n", text);
    exit(2);
}

int main(int count, char *words[])
{
    if (count != 8) {
        fprintf(stderr, "usage: client ADDRESS PORT TARGET CLIENTS CONNECTIONS REQUESTS SECONDS\n");
        return 2;
    }
    const struct wish wish = { .address = address(words[1]),
                               .port = (uint16_t)number(words[2]),
                               .target = words[3],
                               .clients = (unsigned)number(words[4]),
                               .connections = number(words[5]),
                               .requests = (unsigned)number(words[6]),
                               .seconds = (unsigned)number(words[7]) };
    struct crowd crowd = { .wish = &wish, .epoll = epoll_create1(EPOLL_CLOEXEC) };
    crowd.clients = calloc(wish.clients, sizeof(struct client));
    if (crowd.clients == NULL) {
        fprintf(stderr, "client: no memory for %u clients\n", wish.clients);
        return 2;
    }
    crowd_run(&crowd);
    tell(&crowd.outcome);
    free(crowd.clients);
    return 0;
}
