/* syn_flood.c - SYNs from addresses that nobody has (RFC 4987 2), at a rate, for a time, and no
 * longer: what a server in the next namespace must stand.
 *
 *     syn_flood INTERFACE SOURCE_MAC DESTINATION_MAC DESTINATION PORT RATE SECONDS
 *
 * Sources are of 198.18.0.0/15, which is for measurements (RFC 2544 C.2.2). Frames go out of a
 * packet socket, so the sender needs a namespace and an interface of its own. Prints how many went,
 * and the rate.
 *
 * SPDX-License-Identifier: ISC */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netinet/ip.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define BURST        64
#define SECOND_NS    ((uint64_t)1000000000)
#define RATE_MAX     1000000
#define SECONDS_MAX  120
#define SOURCES      0xc6120000u /* 198.18.0.0/15 */
#define SOURCES_BITS 17

struct frame {
    struct ether_header ethernet;
    struct iphdr ip;
    struct tcphdr tcp;
    uint8_t mss[4];
} __attribute__((packed));
_Static_assert(sizeof(struct frame) == 14 + 20 + 24, "as it goes over the wire");

static struct frame frames[BURST];
static struct iovec parts[BURST];
static struct mmsghdr messages[BURST];
static uint64_t random_state = 0x5eed;

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

/* xorshift64 (Marsaglia 2003): the same flood each time. */
static uint64_t chance(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state;
}

static uint32_t sum_of(const void *bytes, size_t length_bytes, uint32_t sum)
{
    const uint8_t *from = bytes;
    for (size_t i = 0; i + 1 < length_bytes; i += 2)
        sum += (uint32_t)(from[i] << 8 | from[i + 1]);
    return sum;
}

static uint16_t folded(uint32_t sum)
{
    while (sum >> 16 != 0)
        sum = (sum & 0xffff) + (sum >> 16);
    return htons((uint16_t)~sum);
}

static void frame_begin(struct frame *frame, const char *source_mac, const char *destination_mac,
                        const char *destination, const char *port)
{
    uint8_t *macs[] = { frame->ethernet.ether_shost, frame->ethernet.ether_dhost };
    const char *texts[] = { source_mac, destination_mac };
    for (size_t i = 0; i < 2; i++) {
        unsigned bytes[6];
        if (sscanf(texts[i], "%x:%x:%x:%x:%x:%x", &bytes[0], &bytes[1], &bytes[2], &bytes[3],
                   &bytes[4], &bytes[5]) != 6)
            fail("an Ethernet address");
        for (size_t j = 0; j < 6; j++)
            macs[i][j] = (uint8_t)bytes[j];
    }
    frame->ethernet.ether_type = htons(ETHERTYPE_IP);
    frame->ip = (struct iphdr){ .version = 4,
                                .ihl = 5,
                                .tot_len = htons(sizeof *frame - sizeof frame->ethernet),
                                .frag_off = htons(0x4000),
                                .ttl = 64,
                                .protocol = IPPROTO_TCP };
    if (inet_pton(AF_INET, destination, &frame->ip.daddr) != 1) fail("an address");
    frame->tcp.dest = htons((uint16_t)strtoul(port, NULL, 10));
    frame->tcp.doff = (sizeof frame->tcp + sizeof frame->mss) / 4;
    frame->tcp.syn = 1;
    frame->tcp.window = htons(64240);
    memcpy(frame->mss, (const uint8_t[]){ 2, 4, 1460 >> 8, 1460 & 0xff }, sizeof frame->mss);
}

static void frame_turn(struct frame *frame)
{
    uint64_t drawn = chance();
    frame->ip.saddr = htonl(SOURCES | (uint32_t)(drawn & ((1u << SOURCES_BITS) - 1)));
    frame->tcp.source = htons((uint16_t)(1024 + (drawn >> 20) % 64000));
    frame->tcp.seq = (uint32_t)(drawn >> 32);
    frame->ip.check = 0;
    frame->ip.check = folded(sum_of(&frame->ip, sizeof frame->ip, 0));
    frame->tcp.check = 0;
    uint32_t sum = sum_of(&frame->ip.saddr, 8, IPPROTO_TCP + sizeof frame->tcp + sizeof frame->mss);
    frame->tcp.check = folded(sum_of(&frame->tcp, sizeof frame->tcp + sizeof frame->mss, sum));
}

static int packet_socket(const char *interface)
{
    struct sockaddr_ll to = { .sll_family = AF_PACKET,
                              .sll_protocol = htons(ETHERTYPE_IP),
                              .sll_ifindex = (int)if_nametoindex(interface) };
    int out = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0); /* protocol 0: it receives nothing */
    if (out < 0 || to.sll_ifindex == 0) fail(interface);
    if (bind(out, (struct sockaddr *)&to, sizeof to) != 0) fail("bind");
    return out;
}

static uint64_t send_burst(int out, uint64_t count)
{
    for (uint64_t i = 0; i < count; i++)
        frame_turn(&frames[i]);
    int sent = sendmmsg(out, messages, (unsigned)count, 0);
    if (sent < 0 && errno != ENOBUFS && errno != EAGAIN) fail("sendmmsg");
    return sent > 0 ? (uint64_t)sent : 0;
}

/* What is behind is made good by at most a burst in a turn. */
static uint64_t flood(int out, uint64_t rate, uint64_t seconds)
{
    uint64_t begin_ns = now_ns(), sent = 0;
    for (;;) {
        uint64_t passed_ns = now_ns() - begin_ns;
        if (passed_ns >= seconds * SECOND_NS) return sent;
        uint64_t due = passed_ns / 1000 * rate / 1000000;
        if (due <= sent) {
            const struct timespec pause = { .tv_nsec = 200000 };
            nanosleep(&pause, NULL);
            continue;
        }
        sent += send_burst(out, due - sent < BURST ? due - sent : BURST);
    }
}

int main(int count, char *words[])
{
    if (count != 8) {
        fputs("syn_flood: INTERFACE SOURCE_MAC DESTINATION_MAC DESTINATION PORT RATE SECONDS\n",
              stderr);
        return 2;
    }
    uint64_t rate = strtoull(words[6], NULL, 10), seconds = strtoull(words[7], NULL, 10);
    if (rate == 0 || rate > RATE_MAX || seconds == 0 || seconds > SECONDS_MAX) fail("the bounds");
    for (size_t i = 0; i < BURST; i++) {
        frame_begin(&frames[i], words[2], words[3], words[4], words[5]);
        parts[i] = (struct iovec){ &frames[i], sizeof frames[i] };
        messages[i].msg_hdr = (struct msghdr){ .msg_iov = &parts[i], .msg_iovlen = 1 };
    }
    int out = packet_socket(words[1]);
    uint64_t begin_ns = now_ns();
    uint64_t sent = flood(out, rate, seconds);
    double took = (double)(now_ns() - begin_ns) / 1e9;
    printf("sent %llu\nrate %.0f\n", (unsigned long long)sent, (double)sent / took);
    return 0;
}
