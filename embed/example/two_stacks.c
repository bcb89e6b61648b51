/* two_stacks.c - two stacks back to back in virtual time: all of it in one thread, without a
 * network, the same at every run.
 *
 *     cc two_stacks.c -lloomstack -lpthread -o two_stacks && ./two_stacks
 *
 * SPDX-License-Identifier: ISC */
#include <loom/stack.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MS_NS       ((uint64_t)1000000)
#define DELAY_NS    (20 * MS_NS) /* each way */
#define FRAMES_MAX  64
#define FRAME_BYTES 1514

struct flight {
    uint64_t arrives_ns;
    size_t length_bytes;
    unsigned char bytes[FRAME_BYTES];
};

/* A stack, and the frames on their way from it. The host is the first member. */
struct node {
    struct loom_host host;
    struct loom_stack *stack;
    uint64_t random;
    const uint64_t *now_ns;
    struct flight wire[FRAMES_MAX];
    size_t first, count;
};

static bool node_send(struct loom_host *host, const struct loom_frame *frame)
{
    struct node *node = (struct node *)host;
    if (node->count == FRAMES_MAX) return false;
    struct flight *flight = &node->wire[(node->first + node->count++) % FRAMES_MAX];
    flight->arrives_ns = *node->now_ns + DELAY_NS;
    flight->length_bytes = frame->length_bytes;
    loom_frame_copy(frame, flight->bytes, sizeof flight->bytes);
    return true;
}

/* So that every run is the same; a program on a network asks the system. */
static void node_entropy(struct loom_host *host, void *bytes, size_t length_bytes)
{
    struct node *node = (struct node *)host;
    unsigned char *byte = bytes;
    for (size_t i = 0; i < length_bytes; i++) {
        node->random = node->random * 6364136223846793005u + 1442695040888963407u;
        byte[i] = (unsigned char)(node->random >> 56);
    }
}

static void check(enum loom_result result, const char *what)
{
    if (result == LOOM_OK || result == LOOM_AGAIN) return;
    fprintf(stderr, "%s: %s\n", what, loom_result_text(result));
    exit(1);
}

static void node_open(struct node *node, const char *address, const uint64_t *now_ns)
{
    const struct loom_option options[] = {
        { "ipv4", address },
        { "tcp-connections", "16" },
    };
    char message[256];
    memset(node, 0, sizeof *node);
    node->host.send = node_send;
    node->host.entropy = node_entropy;
    node->now_ns = now_ns;
    node->random = (uint64_t)address[strlen(address) - 4];
    if (loom_stack_open(&node->host, options, 2, *now_ns, message, sizeof message, &node->stack) !=
        LOOM_OK) {
        fprintf(stderr, "%s\n", message);
        exit(1);
    }
}

/* What has arrived goes in; gives when the next one does. */
static uint64_t deliver(struct node *from, struct node *to, uint64_t now_ns)
{
    while (from->count > 0 && from->wire[from->first].arrives_ns <= now_ns) {
        const struct flight *flight = &from->wire[from->first];
        check(loom_stack_input(to->stack, flight->bytes, flight->length_bytes), "input");
        from->first = (from->first + 1) % FRAMES_MAX;
        from->count--;
    }
    return from->count > 0 ? from->wire[from->first].arrives_ns : LOOM_NEVER;
}

static uint64_t earlier(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* One turn of the world; the clock goes to the next moment at which anything happens. */
static void turn(struct node *a, struct node *b, uint64_t *now_ns)
{
    (void)deliver(a, b, *now_ns);
    (void)deliver(b, a, *now_ns);
    uint64_t next_ns = loom_stack_step(a->stack, *now_ns);
    next_ns = earlier(next_ns, loom_stack_step(b->stack, *now_ns));
    next_ns = earlier(next_ns, deliver(a, b, *now_ns));
    next_ns = earlier(next_ns, deliver(b, a, *now_ns));
    if (next_ns != LOOM_NEVER && next_ns > *now_ns) *now_ns = next_ns;
}

static void show(const char *who, struct loom_socket *socket, uint64_t now_ns)
{
    struct loom_tcp_info info;
    if (loom_tcp_info(socket, &info) != LOOM_OK) return;
    printf("%6.1f ms  %s is %s, cwnd %u, srtt %.1f ms, rto %.1f ms\n", (double)now_ns / MS_NS, who,
           loom_tcp_state_text((enum loom_tcp_state)info.state), info.cwnd_bytes,
           (double)info.srtt_ns / MS_NS, (double)info.rto_ns / MS_NS);
}

int main(void)
{
    static struct node client, server;
    uint64_t now_ns = 0;
    struct loom_socket *listener, *ours, *theirs = NULL;
    struct loom_endpoint at;
    char room[64];
    size_t sent, received = 0;
    node_open(&client, "192.0.2.1/24", &now_ns);
    node_open(&server, "192.0.2.2/24", &now_ns);

    check(loom_socket_open(server.stack, LOOM_TCP, &listener), "socket");
    check(loom_endpoint_parse("*:7", &at), "parse");
    check(loom_bind(listener, &at), "bind");
    check(loom_listen(listener, 4), "listen");
    check(loom_socket_open(client.stack, LOOM_TCP, &ours), "socket");
    check(loom_endpoint_parse("192.0.2.2:7", &at), "parse");

    while (loom_connect(ours, &at, LOOM_NO_WAIT) == LOOM_AGAIN)
        turn(&client, &server, &now_ns);
    show("client", ours, now_ns);
    check(loom_send(ours, "hello", 5, &sent, LOOM_NO_WAIT), "send");
    while (loom_accept(listener, &theirs, LOOM_NO_WAIT) == LOOM_AGAIN)
        turn(&client, &server, &now_ns);
    while (loom_receive(theirs, room, sizeof room, &received, LOOM_NO_WAIT) == LOOM_AGAIN)
        turn(&client, &server, &now_ns);
    printf("%6.1f ms  server received \"%.*s\"\n", (double)now_ns / MS_NS, (int)received, room);
    check(loom_shutdown(ours), "shutdown");
    while (loom_receive(theirs, room, sizeof room, &received, LOOM_NO_WAIT) == LOOM_AGAIN)
        turn(&client, &server, &now_ns);
    show("client", ours, now_ns);
    show("server", theirs, now_ns);
    loom_close(theirs);
    while (loom_receive(ours, room, sizeof room, &received, LOOM_NO_WAIT) == LOOM_AGAIN)
        turn(&client, &server, &now_ns);
    show("client", ours, now_ns);
    loom_stack_close(client.stack);
    loom_stack_close(server.stack);
    return 0;
}
