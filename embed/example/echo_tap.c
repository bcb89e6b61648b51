/* echo_tap.c - a TCP echo server with a stack of its own on a tap: no socket of the host's.
 *
 *     ip tuntap add loom0 mode tap && ip address add 192.0.2.1/24 dev loom0 && ip link set loom0 up
 *     cc echo_tap.c -lloomstack -lpthread -o echo_tap && ./echo_tap loom0 192.0.2.2/24
 *     nc 192.0.2.2 7
 *
 * One thread steps the stack: it sleeps in poll until a frame comes, a timer is due or another
 * thread calls. Another one accepts; each connection has a thread, and calls that wait.
 *
 * SPDX-License-Identifier: ISC */
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <loom/stack.h>
#include <net/if.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/random.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#define PARTS_MAX 64

struct tap {
    struct loom_host host;
    struct loom_stack *stack;
    int descriptor, event;
};

static void fail(const char *what)
{
    perror(what);
    exit(1);
}

/* ---- the host ---- */

static bool tap_send(struct loom_host *host, const struct loom_frame *frame)
{
    struct tap *tap = (struct tap *)host;
    struct iovec parts[PARTS_MAX];
    for (size_t i = 0; i < frame->part_count && i < PARTS_MAX; i++) {
        /* An iovec's bytes are not const, though writev only reads them. */
        memcpy(&parts[i].iov_base, &frame->parts[i].bytes, sizeof parts[i].iov_base);
        parts[i].iov_len = frame->parts[i].length_bytes;
    }
    ssize_t written = writev(tap->descriptor, parts, (int)frame->part_count);
    return written >= 0 || errno != EAGAIN;
}

static void tap_entropy(struct loom_host *host, void *bytes, size_t length_bytes)
{
    (void)host;
    if (getrandom(bytes, length_bytes, 0) != (ssize_t)length_bytes) fail("getrandom");
}

static void tap_wake(struct loom_host *host)
{
    struct tap *tap = (struct tap *)host;
    uint64_t one = 1;
    if (write(tap->event, &one, sizeof one) < 0) fail("eventfd");
}

static void tap_open(struct tap *tap, const char *name)
{
    struct ifreq request;
    memset(&request, 0, sizeof request);
    request.ifr_flags = IFF_TAP | IFF_NO_PI;
    snprintf(request.ifr_name, sizeof request.ifr_name, "%s", name);
    tap->host.send = tap_send;
    tap->host.entropy = tap_entropy;
    tap->host.wake = tap_wake;
    tap->descriptor = open("/dev/net/tun", O_RDWR | O_NONBLOCK);
    if (tap->descriptor < 0) fail("/dev/net/tun");
    if (ioctl(tap->descriptor, TUNSETIFF, &request) < 0) fail(name);
    tap->event = eventfd(0, EFD_NONBLOCK);
    if (tap->event < 0) fail("eventfd");
}

/* ---- the stepping thread ---- */

static uint64_t clock_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static void rest(struct tap *tap, uint64_t deadline_ns)
{
    struct pollfd waited[] = { { .fd = tap->descriptor, .events = POLLIN },
                               { .fd = tap->event, .events = POLLIN } };
    uint64_t now_ns = clock_ns(), rest_ns = deadline_ns > now_ns ? deadline_ns - now_ns : 0;
    struct timespec timeout = { .tv_sec = (time_t)(rest_ns / 1000000000u),
                                .tv_nsec = (long)(rest_ns % 1000000000u) };
    uint64_t count;
    if (ppoll(waited, 2, deadline_ns == LOOM_NEVER ? NULL : &timeout, NULL) < 0 && errno != EINTR)
        fail("ppoll");
    if (read(tap->event, &count, sizeof count) < 0 && errno != EAGAIN) fail("eventfd");
}

static void *step(void *argument)
{
    struct tap *tap = argument;
    static unsigned char frame[65536];
    for (;;) {
        rest(tap, loom_stack_step(tap->stack, clock_ns()));
        ssize_t length;
        while ((length = read(tap->descriptor, frame, sizeof frame)) > 0) {
            /* One that finds no room is lost, as on any net. */
            if (loom_stack_input(tap->stack, frame, (size_t)length) == LOOM_FULL) break;
        }
    }
    return NULL;
}

/* ---- the service ---- */

static void *echo(void *argument)
{
    struct loom_socket *socket = argument;
    static const size_t room_bytes = 16384;
    char *room = malloc(room_bytes);
    size_t received, sent;
    while (room != NULL &&
           loom_receive(socket, room, room_bytes, &received, LOOM_NEVER) == LOOM_OK) {
        if (loom_send(socket, room, received, &sent, LOOM_NEVER) != LOOM_OK) break;
    }
    free(room);
    loom_close(socket);
    return NULL;
}

static void serve(struct loom_stack *stack)
{
    struct loom_socket *listener, *socket;
    struct loom_endpoint at, peer;
    char text[LOOM_ENDPOINT_TEXT_MAX];
    if (loom_socket_open(stack, LOOM_TCP, &listener) != LOOM_OK ||
        loom_endpoint_parse("*:7", &at) != LOOM_OK || loom_bind(listener, &at) != LOOM_OK ||
        loom_listen(listener, 64) != LOOM_OK) {
        fprintf(stderr, "cannot listen on port 7\n");
        exit(1);
    }
    while (loom_accept(listener, &socket, LOOM_NEVER) == LOOM_OK) {
        pthread_t thread;
        if (loom_peer(socket, &peer) == LOOM_OK) {
            loom_endpoint_text(&peer, text, sizeof text);
            printf("%s\n", text);
            fflush(stdout);
        }
        if (pthread_create(&thread, NULL, echo, socket) != 0)
            loom_abort(socket);
        else
            pthread_detach(thread);
    }
}

int main(int count, char **words)
{
    static struct tap tap;
    char message[256];
    pthread_t thread;
    if (count < 3) {
        fprintf(stderr, "usage: %s TAP ADDRESS/PREFIX [OPTION VALUE]...\n", words[0]);
        return 2;
    }
    struct loom_option options[LOOM_OPTIONS_MAX] = { { "ipv4", words[2] } };
    size_t option_count = 1;
    for (int i = 3; i + 1 < count && option_count < LOOM_OPTIONS_MAX; i += 2) {
        options[option_count].name = words[i];
        options[option_count++].value = words[i + 1];
    }
    tap_open(&tap, words[1]);
    enum loom_result result = loom_stack_open(&tap.host, options, option_count, clock_ns(), message,
                                              sizeof message, &tap.stack);
    if (result != LOOM_OK) {
        fprintf(stderr, "%s: %s\n", loom_result_text(result), message);
        return 1;
    }
    loom_stack_release(tap.stack); /* the other thread steps it */
    if (pthread_create(&thread, NULL, step, &tap) != 0) fail("pthread_create");
    serve(tap.stack);
    return 1;
}
