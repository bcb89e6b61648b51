/* thread_test.c - one thread steps a stack, many others call it: over the loopback, in real time.
 * Runs under the thread sanitizer too.
 *
 * SPDX-License-Identifier: ISC */
#include <pthread.h>
#include <time.h>
#include <unistd.h>

#include "embed/test/harness.h"

#define CLIENTS     6
#define ROUNDS      20
#define BYTES_TOTAL 40000

struct runner {
    struct loom_host host;
    struct loom_stack *stack;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t woken;
    bool is_woken, is_ending;
};

static uint64_t clock_ns(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * S_NS + (uint64_t)now.tv_nsec;
}

static bool on_send(struct loom_host *host, const struct loom_frame *frame)
{
    (void)host;
    (void)frame;
    return true;
}

static void on_entropy(struct loom_host *host, void *bytes, size_t length_bytes)
{
    (void)host;
    expect(getentropy(bytes, length_bytes) == 0);
}

static void on_wake(struct loom_host *host)
{
    struct runner *runner = (struct runner *)(void *)host;
    (void)pthread_mutex_lock(&runner->lock);
    runner->is_woken = true;
    (void)pthread_cond_signal(&runner->woken);
    (void)pthread_mutex_unlock(&runner->lock);
}

/* Until woken or `deadline_ns`. False: to end. */
static bool rest(struct runner *runner, uint64_t deadline_ns)
{
    (void)pthread_mutex_lock(&runner->lock);
    struct timespec until = { .tv_sec = (time_t)(deadline_ns / S_NS),
                              .tv_nsec = (long)(deadline_ns % S_NS) };
    while (!runner->is_woken && !runner->is_ending && clock_ns() < deadline_ns) {
        if (deadline_ns == LOOM_NEVER)
            (void)pthread_cond_wait(&runner->woken, &runner->lock);
        else
            (void)pthread_cond_timedwait(&runner->woken, &runner->lock, &until);
    }
    runner->is_woken = false;
    bool goes_on = !runner->is_ending;
    (void)pthread_mutex_unlock(&runner->lock);
    return goes_on;
}

static void *run(void *argument)
{
    struct runner *runner = argument;
    while (rest(runner, loom_stack_step(runner->stack, clock_ns())))
        ;
    loom_stack_close(runner->stack);
    return NULL;
}

static void runner_open(struct runner *runner)
{
    const struct loom_option options[] = { { "link", "ip" },
                                           { "tcp-connections", "64" },
                                           { "tcp-send-buffer", "8KiB" } };
    pthread_condattr_t attributes;
    *runner = (struct runner){ .host = {
                                   .send = on_send, .entropy = on_entropy, .wake = on_wake } };
    (void)pthread_condattr_init(&attributes);
    (void)pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    (void)pthread_mutex_init(&runner->lock, NULL);
    (void)pthread_cond_init(&runner->woken, &attributes);
    expect_ok(loom_stack_open(&runner->host, options, 3, clock_ns(), NULL, 0, &runner->stack));
    loom_stack_release(runner->stack);
    expect(pthread_create(&runner->thread, NULL, run, runner) == 0);
}

static void runner_close(struct runner *runner)
{
    (void)pthread_mutex_lock(&runner->lock);
    runner->is_ending = true;
    (void)pthread_cond_signal(&runner->woken);
    (void)pthread_mutex_unlock(&runner->lock);
    (void)pthread_join(runner->thread, NULL);
}

static struct loom_endpoint endpoint_of(const char *text)
{
    struct loom_endpoint endpoint;
    expect_ok(loom_endpoint_parse(text, &endpoint));
    return endpoint;
}

static struct loom_socket *listen_at(struct runner *runner, const char *text)
{
    struct loom_socket *listener;
    struct loom_endpoint local = endpoint_of(text);
    expect_ok(loom_socket_open(runner->stack, LOOM_TCP, &listener));
    expect_ok(loom_bind(listener, &local));
    expect_ok(loom_listen(listener, CLIENTS));
    return listener;
}

/* ---- echoes ---- */

static void *echo(void *argument)
{
    struct loom_socket *socket = argument;
    uint8_t room[3000];
    size_t received, sent;
    while (loom_receive(socket, room, sizeof room, &received, LOOM_NEVER) == LOOM_OK) {
        expect_ok(loom_send(socket, room, received, &sent, LOOM_NEVER));
        expect_that(sent, ==, received);
    }
    loom_close(socket);
    return NULL;
}

static void *serve(void *argument)
{
    struct loom_socket *listener = argument, *socket;
    pthread_t threads[CLIENTS * ROUNDS];
    size_t count = 0;
    while (loom_accept(listener, &socket, LOOM_NEVER) == LOOM_OK)
        expect(pthread_create(&threads[count++], NULL, echo, socket) == 0);
    for (size_t i = 0; i < count; i++)
        (void)pthread_join(threads[i], NULL);
    return NULL;
}

struct sender {
    struct loom_socket *socket;
    uint64_t seed;
};

static void *write_all(void *argument)
{
    struct sender *sender = argument;
    static const size_t chunk_bytes = 1000;
    uint8_t chunk[1000];
    for (size_t total = 0; total < BYTES_TOTAL; total += chunk_bytes) {
        size_t sent;
        for (size_t i = 0; i < chunk_bytes; i++)
            chunk[i] = (uint8_t)test_random(&sender->seed);
        expect_ok(loom_send(sender->socket, chunk, chunk_bytes, &sent, LOOM_NEVER));
        expect_that(sent, ==, chunk_bytes); /* it waits for room */
    }
    expect_ok(loom_shutdown(sender->socket));
    return NULL;
}

struct client {
    struct runner *runner;
    uint64_t seed;
};

/* One thread writes, this one reads. */
static void round_trip(struct client *client)
{
    struct loom_endpoint peer = endpoint_of("127.0.0.1:7");
    struct sender sender = { .seed = client->seed };
    uint8_t room[777];
    pthread_t thread;
    size_t received, total = 0;
    expect_ok(loom_socket_open(client->runner->stack, LOOM_TCP, &sender.socket));
    expect_ok(loom_connect(sender.socket, &peer, LOOM_NEVER));
    expect(pthread_create(&thread, NULL, write_all, &sender) == 0);
    while (loom_receive(sender.socket, room, sizeof room, &received, LOOM_NEVER) == LOOM_OK) {
        for (size_t i = 0; i < received; i++)
            expect_that(room[i], ==, (uint8_t)test_random(&client->seed));
        total += received;
    }
    (void)pthread_join(thread, NULL);
    expect_that(total, ==, BYTES_TOTAL);
    loom_close(sender.socket);
}

static void *be_client(void *argument)
{
    for (unsigned i = 0; i < ROUNDS; i++)
        round_trip(argument);
    return NULL;
}

TEST(many_threads_talk_through_one_stack)
{
    struct runner runner;
    struct client clients[CLIENTS];
    pthread_t threads[CLIENTS], server;
    runner_open(&runner);
    struct loom_socket *listener = listen_at(&runner, "*:7");
    expect(pthread_create(&server, NULL, serve, listener) == 0);
    for (size_t i = 0; i < CLIENTS; i++) {
        clients[i] = (struct client){ .runner = &runner, .seed = i };
        expect(pthread_create(&threads[i], NULL, be_client, &clients[i]) == 0);
    }
    for (size_t i = 0; i < CLIENTS; i++)
        (void)pthread_join(threads[i], NULL);
    loom_close(listener); /* ends the accept that waits */
    (void)pthread_join(server, NULL);
    runner_close(&runner);
}

/* ---- waiting, and its end ---- */

TEST(waiting_call_gives_up_at_its_deadline)
{
    struct runner runner;
    struct loom_socket *socket;
    runner_open(&runner);
    struct loom_socket *listener = listen_at(&runner, "*:7");
    uint64_t start_ns = clock_ns();
    expect_result(loom_accept(listener, &socket, LOOM_NO_WAIT), LOOM_AGAIN);
    expect_result(loom_accept(listener, &socket, start_ns + 50 * MS_NS), LOOM_AGAIN);
    expect_that(clock_ns() - start_ns, >=, 50 * MS_NS);
    struct loom_poll item = { .socket = listener, .wanted = LOOM_READABLE };
    size_t ready;
    expect_result(loom_poll(&item, 1, &ready, clock_ns() + 20 * MS_NS), LOOM_AGAIN);
    runner_close(&runner);
}

static void *wait_for_nobody(void *argument)
{
    struct loom_socket *socket;
    expect_result(loom_accept(argument, &socket, LOOM_NEVER), LOOM_CLOSED);
    return NULL;
}

TEST(close_ends_all_calls_that_wait)
{
    for (unsigned i = 0; i < 50; i++) {
        struct runner runner;
        pthread_t threads[3];
        runner_open(&runner);
        struct loom_socket *listener = listen_at(&runner, "*:7");
        for (size_t t = 0; t < 3; t++)
            expect(pthread_create(&threads[t], NULL, wait_for_nobody, listener) == 0);
        /* Whether they wait already must not matter to who closes the socket; the stack itself is
         * closed when all have come. */
        if (i % 2 == 0) (void)usleep(2000);
        loom_close(listener);
        for (size_t t = 0; t < 3; t++)
            (void)pthread_join(threads[t], NULL);
        runner_close(&runner);
    }
}

static void *be_polled(void *argument)
{
    struct client *client = argument;
    struct loom_endpoint peer = endpoint_of("127.0.0.1:53");
    struct loom_socket *socket;
    expect_ok(loom_socket_open(client->runner->stack, LOOM_UDP, &socket));
    expect_ok(loom_send_to(socket, "x", 1, &peer, LOOM_NEVER));
    loom_close(socket);
    return NULL;
}

TEST(poll_waits_for_any_of_its_sockets)
{
    struct runner runner;
    struct loom_endpoint local = endpoint_of("*:53");
    struct loom_poll items[2] = { { .wanted = LOOM_READABLE }, { .wanted = LOOM_READABLE } };
    size_t ready;
    pthread_t thread;
    runner_open(&runner);
    items[0].socket = listen_at(&runner, "*:7");
    expect_ok(loom_socket_open(runner.stack, LOOM_UDP, &items[1].socket));
    expect_ok(loom_bind(items[1].socket, &local));
    struct client client = { .runner = &runner };
    expect(pthread_create(&thread, NULL, be_polled, &client) == 0);
    expect_ok(loom_poll(items, 2, &ready, LOOM_NEVER));
    expect_that(ready, ==, 1);
    expect_that(items[1].ready, ==, LOOM_READABLE);
    (void)pthread_join(thread, NULL);
    runner_close(&runner);
}

/* ---- several stacks, a thread each ---- */

static void *whole_life(void *argument)
{
    (void)argument;
    struct runner runner;
    struct client client = { .runner = &runner, .seed = 9 };
    pthread_t server;
    runner_open(&runner);
    struct loom_socket *listener = listen_at(&runner, "*:7");
    expect(pthread_create(&server, NULL, serve, listener) == 0);
    round_trip(&client);
    loom_close(listener);
    (void)pthread_join(server, NULL);
    runner_close(&runner);
    return NULL;
}

TEST(stacks_of_several_threads_do_not_meet)
{
    pthread_t threads[4];
    for (size_t i = 0; i < 4; i++)
        expect(pthread_create(&threads[i], NULL, whole_life, NULL) == 0);
    for (size_t i = 0; i < 4; i++)
        (void)pthread_join(threads[i], NULL);
}
