/* client.h - many clients in one process, each a socket in one of a few states, round one epoll.
 *
 *     connecting -> asking -> answered -> (again, or closed)
 *
 * SPDX-License-Identifier: ISC */
#ifndef CLIENT_H
#define CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CLIENT_ROOM 16384

struct wish {
    uint32_t address;
    uint16_t port;
    unsigned clients;     /* at once */
    uint64_t connections; /* to make in all; 0: until the server refuses them */
    unsigned requests;    /* a connection; the last says Connection: close */
    unsigned seconds;     /* after which nothing new is begun and the rest is waited for */
    const char *target;
};

/* How connections ended, as their client saw it. */
struct outcome {
    uint64_t connections; /* the kernel completed them */
    uint64_t answers;     /* whole, with 200 */
    uint64_t others;      /* whole, with another status */
    uint64_t clean;       /* closed before an answer had begun */
    uint64_t cut;         /* closed in the middle of an answer */
    uint64_t resets;      /* of a connection that was complete */
    uint64_t refused;     /* never complete: nobody listens */
    uint64_t timed_out;   /* complete, and not answered in time */
    uint64_t unreached;   /* not complete in time: the server drops attempts while it drains */
};

enum client_state { CLIENT_FREE, CLIENT_CONNECTING, CLIENT_ASKING };

struct client {
    int descriptor;
    enum client_state state;
    unsigned asked; /* requests on this connection so far */
    uint64_t deadline_ns;
    size_t filled_bytes;
    char room[CLIENT_ROOM];
};

struct crowd {
    const struct wish *wish;
    struct outcome outcome;
    struct client *clients;
    int epoll;
    uint64_t begun;
    unsigned living;
    bool ending; /* nothing new is begun */
};

/* Begins a connection. */
void client_connect(struct crowd *crowd, struct client *client);
/* Answers what epoll says of it. */
void client_notice(struct crowd *crowd, struct client *client, uint32_t events);
/* Gives it up when its time is over. */
void client_look(struct crowd *crowd, struct client *client);

uint64_t now_ns(void);

#endif
