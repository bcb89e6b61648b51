/* stackless.c - what a tap can carry at most: TCP to a real Linux peer without any stack. Not one
 * byte is copied, queued, timed or looked up here.
 *
 *     stackless send DESCRIPTOR PEER_PORT WARM_MS MEASURED_MS
 *     stackless drain DESCRIPTOR PEER_PORT WARM_MS MEASURED_MS
 *
 * The descriptor is a tap without headers of its own. A handshake from a prepared frame, then
 * either one prepared segment is written again and again as far as the peer's window lets it, or
 * what the peer sends is read, and as many segments as wait, up to 32, are acknowledged by one, as
 * somebody does who gathers them. Of what comes only the sequence numbers, the flags and the window
 * are looked at. What is lost is sent again from the beginning (go-back-n) once nothing has been
 * acknowledged for a fifth of a second, and told.
 *
 * Whoever starts it gives the peer the address 10.77.0.2 with Ethernet address 02:00:00:00:00:02,
 * and tells it that 10.77.0.1 is 02:00:00:00:00:01.
 *
 * SPDX-License-Identifier: ISC */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <net/ethernet.h>
#include <netinet/ip.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define SECOND_NS      ((uint64_t)1000000000)
#define MS_NS          ((uint64_t)1000000)
#define STUCK_NS       (SECOND_NS / 5)
#define GIVE_UP_NS     (10 * SECOND_NS)
#define SEGMENT_BYTES  1460u
#define WINDOW_SHIFT   4
#define WINDOW_BYTES   (700u * SEGMENT_BYTES) /* fits the 1,000 frames that a tap queues */
#define OWN_PORT       40000
#define UNACKNOWLEDGED 32
#define READS_BETWEEN  16 /* segments sent before acknowledgements are looked for */

struct frame {
    struct ether_header ethernet;
    struct iphdr ip;
    struct tcphdr tcp;
    uint8_t bytes[SEGMENT_BYTES];
} __attribute__((packed));

#define HEADERS_BYTES (sizeof(struct frame) - SEGMENT_BYTES)

static struct {
    int tap;
    struct frame out, in;
    uint32_t ip_sum, tcp_sum; /* of what does not change */
    uint32_t snd_una, snd_nxt, rcv_nxt, window_bytes;
    uint32_t unacknowledged; /* segments received since the last acknowledgement */
    unsigned peer_shift;
    uint64_t moved_ns, stuck_count;
} wire;

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

/* ---- frames out ---- */

static void prepare(uint16_t peer_port)
{
    struct frame *out = &wire.out;
    const uint8_t own[6] = { 2, 0, 0, 0, 0, 1 }, peer[6] = { 2, 0, 0, 0, 0, 2 };
    memcpy(out->ethernet.ether_shost, own, sizeof own);
    memcpy(out->ethernet.ether_dhost, peer, sizeof peer);
    out->ethernet.ether_type = htons(ETHERTYPE_IP);
    out->ip = (struct iphdr){ .version = 4,
                              .ihl = 5,
                              .frag_off = htons(0x4000),
                              .ttl = 64,
                              .protocol = IPPROTO_TCP,
                              .saddr = htonl(0x0a4d0001),
                              .daddr = htonl(0x0a4d0002) };
    out->tcp.source = htons(OWN_PORT);
    out->tcp.dest = htons(peer_port);
    wire.ip_sum = sum_of(&out->ip, sizeof out->ip, 0);
    wire.tcp_sum = sum_of(&out->ip.saddr, 8, IPPROTO_TCP) + sum_of(&out->tcp, 4, 0);
}

/* `options_bytes` of out.bytes are options; what follows them is zeroes, which sum to nothing. */
static void frame_write(uint8_t flags, uint32_t seq, size_t options_bytes, size_t payload_bytes)
{
    struct frame *out = &wire.out;
    size_t tcp_bytes = sizeof out->tcp + options_bytes + payload_bytes;
    out->ip.tot_len = htons((uint16_t)(sizeof out->ip + tcp_bytes));
    out->ip.check = folded(wire.ip_sum + ntohs(out->ip.tot_len));
    out->tcp.seq = htonl(seq);
    out->tcp.ack_seq = htonl(wire.rcv_nxt);
    out->tcp.doff = (uint16_t)((sizeof out->tcp + options_bytes) / 4 & 0xf);
    ((uint8_t *)&out->tcp)[13] = flags;
    out->tcp.window = htons((flags & TH_SYN) != 0 ? 65535 : WINDOW_BYTES >> WINDOW_SHIFT);
    out->tcp.check = 0;
    const uint8_t *changing = (const uint8_t *)&out->tcp + 4;
    uint32_t sum = sum_of(changing, sizeof out->tcp - 4 + options_bytes, wire.tcp_sum);
    out->tcp.check = folded(sum + (uint32_t)tcp_bytes);
    size_t frame_bytes = sizeof out->ethernet + sizeof out->ip + tcp_bytes;
    while (write(wire.tap, out, frame_bytes) < 0)
        if (errno != EAGAIN && errno != EINTR) fail("write");
}

/* ---- frames in ---- */

/* The next segment of the connection: its header, and how many bytes follow. */
static bool segment_read(size_t *payload_bytes)
{
    const struct frame *in = &wire.in;
    for (;;) {
        ssize_t length = read(wire.tap, &wire.in, sizeof wire.in);
        if (length < 0 && errno == EAGAIN) return false;
        if (length < 0) fail("read");
        if ((size_t)length < HEADERS_BYTES || in->ethernet.ether_type != htons(ETHERTYPE_IP) ||
            in->ip.protocol != IPPROTO_TCP || in->tcp.dest != htons(OWN_PORT))
            continue;
        *payload_bytes = ntohs(in->ip.tot_len) - sizeof in->ip - (size_t)in->tcp.doff * 4;
        if (in->tcp.rst) fail("the peer reset the connection");
        return true;
    }
}

static void wait_for_frame(int patience_ms)
{
    struct pollfd tap = { .fd = wire.tap, .events = POLLIN };
    (void)poll(&tap, 1, patience_ms);
}

static unsigned window_shift_of(const struct frame *frame)
{
    size_t options_bytes = (size_t)frame->tcp.doff * 4 - sizeof frame->tcp;
    for (size_t at = 0; at < options_bytes;) {
        uint8_t kind = frame->bytes[at];
        if (kind == TCPOPT_EOL) break;
        if (kind == TCPOPT_WINDOW) return frame->bytes[at + 2];
        at += kind == TCPOPT_NOP || frame->bytes[at + 1] < 2 ? 1 : frame->bytes[at + 1];
    }
    return 0;
}

static void handshake(void)
{
    const uint8_t options[] = {
        TCPOPT_MAXSEG, 4, SEGMENT_BYTES >> 8, SEGMENT_BYTES & 0xff, TCPOPT_NOP,
        TCPOPT_WINDOW, 3, WINDOW_SHIFT
    };
    size_t payload_bytes;
    uint64_t give_up_ns = now_ns() + GIVE_UP_NS;
    memcpy(wire.out.bytes, options, sizeof options);
    wire.snd_nxt = (uint32_t)now_ns();
    do {
        if (now_ns() > give_up_ns) fail("no SYN, ACK");
        frame_write(TH_SYN, wire.snd_nxt, sizeof options, 0);
        wait_for_frame(100);
    } while (!segment_read(&payload_bytes) || !wire.in.tcp.syn || !wire.in.tcp.ack);
    memset(wire.out.bytes, 0, sizeof options);
    wire.snd_una = ++wire.snd_nxt;
    wire.rcv_nxt = ntohl(wire.in.tcp.seq) + 1;
    wire.peer_shift = window_shift_of(&wire.in);
    wire.window_bytes = ntohs(wire.in.tcp.window);
    frame_write(TH_ACK, wire.snd_nxt, 0, 0);
}

/* ---- the two measures: each turn gives how many bytes it moved ---- */

static uint64_t acknowledgements_read(void)
{
    size_t payload_bytes;
    uint64_t moved_bytes = 0;
    while (segment_read(&payload_bytes)) {
        uint32_t acknowledged = ntohl(wire.in.tcp.ack_seq) - wire.snd_una;
        wire.window_bytes = (uint32_t)ntohs(wire.in.tcp.window) << wire.peer_shift;
        if (acknowledged == 0 || acknowledged > wire.snd_nxt - wire.snd_una) continue;
        wire.snd_una += acknowledged;
        moved_bytes += acknowledged;
        wire.moved_ns = now_ns();
    }
    return moved_bytes;
}

static uint64_t send_turn(void)
{
    for (unsigned i = 0; i < READS_BETWEEN; i++) {
        if (wire.snd_nxt - wire.snd_una + SEGMENT_BYTES > wire.window_bytes) {
            wait_for_frame(1);
            break;
        }
        frame_write(TH_ACK, wire.snd_nxt, 0, SEGMENT_BYTES);
        wire.snd_nxt += SEGMENT_BYTES;
    }
    uint64_t moved_bytes = acknowledgements_read();
    if (now_ns() - wire.moved_ns > STUCK_NS) {
        wire.snd_nxt = wire.snd_una;
        wire.moved_ns = now_ns();
        wire.stuck_count++;
    }
    return moved_bytes;
}

static void acknowledge(void)
{
    if (wire.unacknowledged > 0) frame_write(TH_ACK, wire.snd_nxt, 0, 0);
    wire.unacknowledged = 0;
}

static uint64_t drain_turn(void)
{
    size_t payload_bytes;
    if (!segment_read(&payload_bytes)) {
        acknowledge();
        wait_for_frame(100);
        return 0;
    }
    if (payload_bytes == 0) return 0;
    bool in_order = ntohl(wire.in.tcp.seq) == wire.rcv_nxt;
    wire.rcv_nxt += in_order ? (uint32_t)payload_bytes : 0;
    wire.stuck_count += !in_order;
    if (++wire.unacknowledged >= UNACKNOWLEDGED || !in_order) acknowledge();
    return in_order ? payload_bytes : 0;
}

static void measure(uint64_t (*turn)(void), uint64_t warm_ns, uint64_t measured_ns)
{
    uint64_t bytes = 0, turns = 0;
    uint64_t begin_ns = now_ns(), now;
    wire.moved_ns = begin_ns;
    while (begin_ns + warm_ns > (now = now_ns()))
        turn();
    begin_ns = now;
    do {
        bytes += turn();
        if (++turns % 16 == 0) now = now_ns();
    } while (now < begin_ns + measured_ns);
    now = now_ns();
    printf("bytes %llu\nns %llu\nlost %llu\n", (unsigned long long)bytes,
           (unsigned long long)(now - begin_ns), (unsigned long long)wire.stuck_count);
}

int main(int count, char *words[])
{
    bool sends = count == 6 && strcmp(words[1], "send") == 0;
    if (!sends && !(count == 6 && strcmp(words[1], "drain") == 0)) {
        fputs("stackless: send|drain DESCRIPTOR PEER_PORT WARM_MS MEASURED_MS\n", stderr);
        return 2;
    }
    wire.tap = (int)strtol(words[2], NULL, 10);
    if (fcntl(wire.tap, F_SETFL, O_NONBLOCK) != 0) fail("the tap's descriptor");
    prepare((uint16_t)strtoul(words[3], NULL, 10));
    handshake();
    measure(sends ? send_turn : drain_turn, strtoull(words[4], NULL, 10) * MS_NS,
            strtoull(words[5], NULL, 10) * MS_NS);
    frame_write(TH_RST, wire.snd_nxt, 0, 0);
    return 0;
}
