/* udp_load.c - puts load on an echo server over UDP, and measures what comes back.
 *
 *     udp_load ADDRESS PORT SOCKETS OUTSTANDING LENGTH SECONDS
 *
 * A closed loop: each socket keeps as many datagrams under way as it is told, and sends one more
 * for each that comes back. What does not come back within a tenth of a second is given up and
 * replaced. A datagram carries the time at which it was sent. Prints the echoes, those lost, and
 * the 99th percentile of the time there and back.
 *
 * SPDX-License-Identifier: ISC */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define BURST          64
#define SOCKETS_MAX    64
#define DATAGRAM_BYTES 1472
#define SECOND_NS      ((uint64_t)1000000000)
#define PATIENCE_NS    (SECOND_NS / 10)
#define STEP_NS        1000 /* of the histogram */
#define STEPS          100000

struct lane {
    int socket;
    unsigned outstanding;
    uint64_t heard_ns;
};

static struct lane lanes[SOCKETS_MAX];
static uint8_t rooms[BURST][DATAGRAM_BYTES];
static struct iovec parts[BURST];
static struct mmsghdr messages[BURST];
static uint64_t histogram[STEPS];
static uint64_t echoes, lost;
static size_t length_bytes;

static void fail(const char *what)
{
    perror(what);
    exit(1);
}

static uint64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * SECOND_NS + (uint64_t)now.tv_nsec;
}

static void send_some(struct lane *lane, unsigned count)
{
    uint64_t sent_ns = now_ns();
    for (unsigned i = 0; i < count; i++) {
        memcpy(rooms[i], &sent_ns, sizeof sent_ns);
        parts[i].iov_len = length_bytes;
    }
    int sent = sendmmsg(lane->socket, messages, count, 0);
    if (sent < 0 && errno != EAGAIN && errno != ENOBUFS) fail("sendmmsg");
    lane->outstanding += sent > 0 ? (unsigned)sent : 0;
}

static void fill(struct lane *lane, unsigned outstanding)
{
    while (lane->outstanding < outstanding) {
        unsigned missing = outstanding - lane->outstanding;
        unsigned before = lane->outstanding;
        send_some(lane, missing < BURST ? missing : BURST);
        if (lane->outstanding == before) return;
    }
}

static void record(uint64_t took_ns)
{
    size_t step = (size_t)(took_ns / STEP_NS);
    histogram[step < STEPS ? step : STEPS - 1]++;
}

static void take(struct lane *lane)
{
    for (size_t i = 0; i < BURST; i++)
        parts[i].iov_len = DATAGRAM_BYTES;
    int received = recvmmsg(lane->socket, messages, BURST, MSG_DONTWAIT, NULL);
    if (received <= 0) return;
    lane->heard_ns = now_ns();
    for (int i = 0; i < received; i++) {
        uint64_t sent_ns;
        memcpy(&sent_ns, rooms[i], sizeof sent_ns);
        if (messages[i].msg_len == length_bytes && sent_ns <= lane->heard_ns)
            record(lane->heard_ns - sent_ns);
    }
    echoes += (uint64_t)received;
    lane->outstanding -= lane->outstanding < (unsigned)received ? lane->outstanding
                                                                : (unsigned)received;
}

static void give_up_late(struct lane *lane)
{
    if (lane->outstanding == 0 || now_ns() - lane->heard_ns < PATIENCE_NS) return;
    lost += lane->outstanding;
    lane->outstanding = 0;
    lane->heard_ns = now_ns();
}

static void lane_open(struct lane *lane, const struct sockaddr_in *peer, int poll)
{
    struct epoll_event event = { .events = EPOLLIN, .data.ptr = lane };
    lane->socket = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    lane->heard_ns = now_ns();
    if (lane->socket < 0 ||
        connect(lane->socket, (const struct sockaddr *)peer, sizeof *peer) != 0 ||
        epoll_ctl(poll, EPOLL_CTL_ADD, lane->socket, &event) != 0)
        fail("socket");
}

static double percentile_ms(double share)
{
    uint64_t sum = 0, total = 0;
    for (size_t i = 0; i < STEPS; i++)
        total += histogram[i];
    for (size_t i = 0; i < STEPS; i++) {
        sum += histogram[i];
        if ((double)sum >= share * (double)total) return (double)((i + 1) * STEP_NS) / 1e6;
    }
    return 0;
}

static void load(size_t lane_count, unsigned outstanding, int poll, uint64_t until_ns)
{
    struct epoll_event events[SOCKETS_MAX];
    while (now_ns() < until_ns) {
        for (size_t i = 0; i < lane_count; i++)
            fill(&lanes[i], outstanding);
        int ready = epoll_wait(poll, events, SOCKETS_MAX, 20);
        for (int i = 0; i < ready; i++) {
            struct lane *lane = events[i].data.ptr;
            take(lane);
            fill(lane, outstanding);
        }
        for (size_t i = 0; i < lane_count; i++)
            give_up_late(&lanes[i]);
    }
}

int main(int count, char *words[])
{
    if (count != 7) {
        fputs("udp_load: ADDRESS PORT SOCKETS OUTSTANDING LENGTH SECONDS\n", stderr);
        return 2;
    }
    struct sockaddr_in peer = { .sin_family = AF_INET,
                                .sin_port = htons((uint16_t)strtoul(words[2], NULL, 10)) };
    size_t lane_count = strtoul(words[3], NULL, 10);
    unsigned outstanding = (unsigned)strtoul(words[4], NULL, 10);
    length_bytes = strtoul(words[5], NULL, 10);
    uint64_t seconds = strtoull(words[6], NULL, 10);
    if (inet_pton(AF_INET, words[1], &peer.sin_addr) != 1 || lane_count > SOCKETS_MAX ||
        length_bytes < sizeof(uint64_t) || length_bytes > DATAGRAM_BYTES)
        fail("arguments");
    for (size_t i = 0; i < BURST; i++) {
        parts[i].iov_base = rooms[i];
        messages[i].msg_hdr = (struct msghdr){ .msg_iov = &parts[i], .msg_iovlen = 1 };
    }
    int poll = epoll_create1(EPOLL_CLOEXEC);
    for (size_t i = 0; i < lane_count; i++)
        lane_open(&lanes[i], &peer, poll);
    uint64_t begin_ns = now_ns();
    load(lane_count, outstanding, poll, begin_ns + seconds * SECOND_NS);
    uint64_t took_ns = now_ns() - begin_ns;
    printf("echoes %llu\nlost %llu\nns %llu\np99_us %.0f\n", (unsigned long long)echoes,
           (unsigned long long)lost, (unsigned long long)took_ns, percentile_ms(0.99) * 1000);
    return 0;
}
