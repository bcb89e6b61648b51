/* stack_core_test.c - two whole stacks and a wire that the test works by hand: rings that fill,
 * pools that are empty for a moment, and closing in the middle of it all.
 *
 * SPDX-License-Identifier: ISC */
#include "ipv4/ipv4_header.h"
#include "net/net_frames.h"
#include "stack_core/stack_core.h"
#include "test/test.h"

#define RING_MAX   256
#define LENT_BYTES 30000
#define TEXT_BYTES 20000
#define PING_BYTES 5000 /* of UDP: fragments each way */

static const struct address addresses[2] = {
    { .family = ADDRESS_IPV4, .bytes = { 192, 0, 2, 1 } },
    { .family = ADDRESS_IPV4, .bytes = { 192, 0, 2, 2 } },
};

/* ---- the wire ---- */

static uint16_t mtu_bytes = 1500;
static enum net_link carries = NET_ETHERNET;

/* A device of no talents: what is sent stays in its ring until the test carries it over. */
struct device {
    struct net net;
    struct device *other;
    struct packet *ring[RING_MAX], *arrived[RING_MAX];
    size_t ring_count, ring_max, arrived_count;
};

static void device_attach(struct net *net)
{
    (void)net;
}

static void drop_all(struct packet *packets[], size_t *count)
{
    for (size_t i = 0; i < *count; i++)
        packet_drop(packets[i]);
    *count = 0;
}

static void device_detach(struct net *net)
{
    struct device *device = CONTAINER_OF(net, struct device, net);
    drop_all(device->ring, &device->ring_count);
    drop_all(device->arrived, &device->arrived_count);
}

static size_t device_send(struct net *net, struct packet *burst[], size_t count)
{
    struct device *device = CONTAINER_OF(net, struct device, net);
    size_t accepted = 0;
    for (; accepted < count && device->ring_count < device->ring_max; accepted++) {
        expect_that(packet_total_bytes(burst[accepted]), <=,
                    net->mtu_bytes + (carries == NET_ETHERNET ? 14u : 0u));
        expect(burst[accepted]->checksum != PACKET_CHECKSUM_PARTIAL);
        device->ring[device->ring_count++] = burst[accepted];
    }
    return accepted;
}

static size_t device_receive(struct net *net, struct packet *burst[], size_t count)
{
    struct device *device = CONTAINER_OF(net, struct device, net);
    size_t received = 0, taken = MIN(count, device->arrived_count);
    for (size_t i = 0; i < taken; i++) {
        struct packet *packet = packet_copy(device->arrived[i], net->pool, PACKET_FOR_RECEIVE);
        packet_drop(device->arrived[i]);
        if (packet == NULL)
            net->statistics.receive_no_buffer++;
        else
            burst[received++] = packet;
    }
    device->arrived_count -= taken;
    for (size_t i = 0; i < device->arrived_count; i++)
        device->arrived[i] = device->arrived[i + taken];
    return received;
}

static const struct net_ops device_ops = NET_OPS(device);

/* ---- two hosts ---- */

struct host {
    struct stack_core core;
    struct device device;
    struct net_user user;
    uint64_t next_ns;
    struct packet *hostages; /* buffers that the test keeps from the stack */
};

static struct host hosts[2];
static struct packet_pool ether;
static uint64_t now_ns;

static void device_ready(struct net_user *user)
{
    (void)user;
}

static struct stack_core_parameters parameters;

static void set_parameters(size_t index, size_t packet_count)
{
    const struct parameter_group group = { .device = "stack",
                                           .prefix = "",
                                           .table = stack_core_parameters,
                                           .values = SPAN_OF(parameters) };
    static uint8_t room[PARAMETER_MESSAGE_MAX];
    size_t length_bytes;
    expect_ok(parameter_read(&group, 1, NULL, 0, SPAN_OF(room), &length_bytes));
    parameters.ipv4 = (struct address_prefix){ .address = addresses[index], .bits = 24 };
    parameters.packet_count = packet_count;
    parameters.tcp.connection_count = 256;
    parameters.tcp.time_wait_count = 256;
}

static void host_open(size_t index, size_t packet_count, size_t ring_max)
{
    struct host *host = &hosts[index];
    set_parameters(index, packet_count);
    *host = (struct host){ .user.ready = device_ready };
    host->device.net = (struct net){ .ops = &device_ops,
                                     .mac = { { 2, 0, 0, 0, 0, (uint8_t)(index + 1) } },
                                     .link = (uint8_t)carries,
                                     .mtu_bytes = mtu_bytes };
    host->device.other = &hosts[1 - index].device;
    host->device.ring_max = ring_max;
    expect_ok(stack_core_open(&host->core, &host->device.net, &host->user, &parameters,
                              (struct siphash_key){ index, 7 }, now_ns));
    host->next_ns = now_ns;
}

static void open_hosts(size_t packet_count, size_t ring_max)
{
    now_ns = 1000 * S_NS;
    expect_ok(packet_pool_open(&ether, (size_t)2 * RING_MAX));
    for (size_t i = 0; i < 2; i++)
        host_open(i, packet_count, ring_max);
}

static void close_hosts(void)
{
    for (size_t i = 0; i < 2; i++)
        stack_core_close(&hosts[i].core);
    packet_pool_close(&ether);
}

/* The oldest frames in the ring go over, as far as the other side has room for them. */
static bool carry(struct device *device, size_t most)
{
    struct device *other = device->other;
    size_t count = MIN(most, device->ring_count);
    for (size_t i = 0; i < count; i++) {
        struct packet *packet = other->arrived_count < RING_MAX
                                    ? packet_copy(device->ring[i], &ether, PACKET_FOR_CONTROL)
                                    : NULL;
        if (packet != NULL) other->arrived[other->arrived_count++] = packet;
        packet_drop(device->ring[i]);
    }
    device->ring_count -= count;
    for (size_t i = 0; i < device->ring_count; i++)
        device->ring[i] = device->ring[i + count];
    return count > 0;
}

static void enter(struct host *host)
{
    stack_core_enter(&host->core, now_ns);
}

static void leave(struct host *host)
{
    host->next_ns = MIN(host->next_ns, stack_core_leave(&host->core));
}

static void step(struct host *host)
{
    host->next_ns = stack_core_step(&host->core, now_ns);
}

/* Leaves the stack `left` buffers that anything may have. */
static void take_hostages(struct host *host, size_t left)
{
    while (packet_pool_left(&host->core.packets, PACKET_FOR_CONTROL) > left) {
        struct packet *packet = packet_take(&host->core.packets, PACKET_FOR_CONTROL);
        packet->next = host->hostages;
        host->hostages = packet;
    }
}

static void release_hostages(struct host *host)
{
    while (host->hostages != NULL) {
        struct packet *packet = host->hostages;
        host->hostages = packet->next;
        packet->next = NULL;
        packet_drop(packet);
    }
}

/* ---- applications ---- */

struct talker {
    struct tcp_user user;
    struct tcp_connection *connection;
    uint64_t read_bytes, wrote_bytes;
    bool has_failed, has_room, lent, peer_is_done;
};

static struct tcp_acceptor *acceptor;
static struct udp_binding *bindings[2];
static struct talker talkers[2];
static uint8_t lent_bytes[LENT_BYTES], text[TEXT_BYTES];
static struct loan loan;
static unsigned done_count;
static bool pong;

static void loan_done(struct loan *gone)
{
    expect(gone == &loan);
    done_count++;
}

static void talker_event(struct tcp_user *user, unsigned events)
{
    struct talker *talker = CONTAINER_OF(user, struct talker, user);
    if ((events & TCP_EVENT_FAILED) != 0) talker->has_failed = true;
    if ((events & TCP_EVENT_WRITABLE) != 0) talker->has_room = true;
}

static void acceptable(struct tcp_acceptor_user *user)
{
    (void)user;
}

static void readable(struct udp_binding_user *user)
{
    (void)user;
}

static struct tcp_acceptor_user acceptor_user = { acceptable };
static struct udp_binding_user binding_user = { readable };
static const struct endpoint server_tcp = {
    .address = { .family = ADDRESS_IPV4, .bytes = { 192, 0, 2, 2 } }, .port = 80
};

static void open_talkers(void)
{
    const struct endpoint any_udp = { .port = 53 }, any_tcp = { .port = 80 };
    for (size_t i = 0; i < 2; i++) {
        talkers[i] = (struct talker){ .user.event = talker_event };
        expect_ok(udp_core_bind(&hosts[i].core.udp, &any_udp, &binding_user, &bindings[i]));
    }
    loan = (struct loan){ .bytes = VIEW_OF(lent_bytes), .done = loan_done };
    done_count = 0;
    pong = false;
    for (size_t i = 0; i < LENT_BYTES; i++)
        lent_bytes[i] = (uint8_t)(i * 7 + i / 251);
    for (size_t i = 0; i < TEXT_BYTES; i++)
        text[i] = (uint8_t)(i * 11 + i / 241);
    expect_ok(tcp_acceptor_open(&hosts[1].core.tcp, &any_tcp, 4, &acceptor_user, &acceptor));
}

static void close_talkers(void)
{
    for (size_t i = 0; i < 2; i++) {
        enter(&hosts[i]);
        if (talkers[i].connection != NULL) tcp_connection_close(talkers[i].connection);
        talkers[i].connection = NULL;
        if (i == 1) tcp_acceptor_close(acceptor);
        udp_core_unbind(bindings[i]);
        leave(&hosts[i]);
    }
}

/* The client's stream is the text and the loan; the server's what it has read. */
static uint8_t byte_at(uint64_t position)
{
    return position < TEXT_BYTES ? text[position] : lent_bytes[position - TEXT_BYTES];
}

static void read_some(struct talker *talker)
{
    struct view bytes;
    enum result result;
    while ((result = tcp_connection_peek(talker->connection, &bytes)) == OK &&
           !view_is_empty(bytes)) {
        for (size_t i = 0; i < bytes.length_bytes; i++)
            expect_that(view_byte(bytes, i), ==, byte_at(talker->read_bytes + i));
        talker->read_bytes += bytes.length_bytes;
        tcp_connection_consume(talker->connection, bytes.length_bytes);
    }
    if (result == CLOSED) talker->peer_is_done = true;
}

static void write_text(struct talker *talker, uint64_t end)
{
    size_t taken_bytes = 0;
    struct view rest = view_slice(VIEW_OF(text), talker->wrote_bytes, end - talker->wrote_bytes);
    if (rest.length_bytes == 0) return;
    enum result result = tcp_connection_send(talker->connection, &rest, 1, TCP_SEND_NOW,
                                             &taken_bytes);
    expect(result == OK || talker->has_failed);
    talker->wrote_bytes += taken_bytes;
}

static void close_talker(struct talker *talker)
{
    tcp_connection_close(talker->connection);
    talker->connection = NULL;
}

static void run_client(struct talker *talker)
{
    if (talker->connection == NULL || !tcp_connection_is_open(talker->connection)) return;
    write_text(talker, TEXT_BYTES);
    if (talker->wrote_bytes == TEXT_BYTES && !talker->lent)
        talker->lent = tcp_connection_lend(talker->connection, &loan) == OK;
    if (talker->lent) tcp_connection_shut(talker->connection);
    read_some(talker);
    if (talker->peer_is_done || talker->has_failed) close_talker(talker);
}

static void run_server(struct talker *talker)
{
    if (talker->connection == NULL) {
        if (talker->peer_is_done) return;
        talker->connection = tcp_acceptor_take(acceptor);
        if (talker->connection == NULL) return;
        tcp_connection_attach(talker->connection, &talker->user);
    }
    read_some(talker);
    write_text(talker, MIN(talker->read_bytes, (uint64_t)TEXT_BYTES));
    bool is_done = talker->peer_is_done && talker->wrote_bytes == TEXT_BYTES;
    if (is_done || talker->has_failed) close_talker(talker);
}

static void answer_pings(size_t index)
{
    struct udp_incoming incoming;
    while (udp_core_receive(bindings[index], &incoming) == OK) {
        static uint8_t room[PING_BYTES];
        expect_that(packet_total_bytes(incoming.packet), ==, PING_BYTES);
        packet_copy_out(incoming.packet, 0, SPAN_OF(room));
        packet_drop(incoming.packet);
        const struct udp_outgoing answer = { .peer = incoming.peer, .bytes = VIEW_OF(room) };
        if (index == 0)
            pong = true;
        else
            result_ignore(udp_core_send(bindings[index], &answer));
    }
}

static void ping(void)
{
    const struct udp_outgoing question = { .peer = { addresses[1], 53 },
                                           .bytes = view_first(VIEW_OF(text), PING_BYTES) };
    result_ignore(udp_core_send(bindings[0], &question));
}

static bool all_is_over(void)
{
    return talkers[0].connection == NULL && talkers[1].connection == NULL &&
           hosts[0].core.tcp.statistics.connection_count == 0 &&
           hosts[1].core.tcp.statistics.connection_count == 0;
}

/* One turn of everything. True: something happened, so that time need not go on. */
static bool turn(void)
{
    for (size_t i = 0; i < 2; i++) {
        step(&hosts[i]);
        enter(&hosts[i]);
        if (i == 0)
            run_client(&talkers[i]);
        else
            run_server(&talkers[i]);
        answer_pings(i);
        leave(&hosts[i]);
    }
    bool carried = carry(&hosts[0].device, 4);
    return carry(&hosts[1].device, 4) || carried;
}

static void let_time_pass(void)
{
    uint64_t next_ns = MIN(hosts[0].next_ns, hosts[1].next_ns);
    now_ns = next_ns == NEVER ? now_ns + S_NS : MAX(now_ns + 1, next_ns);
}

/* ---- an empty pool at each moment ---- */

static void expect_all_back(const struct host *host)
{
    expect_that(host->core.packets.free_count, ==, host->core.packets.count);
    expect_that(host->core.tcp.send_pool.free_count, ==, host->core.tcp.send_pool.count);
}

/* Until fragments that never met are given up too (RFC 1122 3.3.2). */
static void come_to_rest(void)
{
    uint64_t end_ns = now_ns + 100 * S_NS;
    while (now_ns < end_ns) {
        for (size_t i = 0; i < 2; i++) {
            step(&hosts[i]);
            (void)carry(&hosts[i].device, RING_MAX);
        }
        let_time_pass();
    }
}

/* The whole conversation. In the turn of this number a host has but so many buffers left. How many
 * turns it took. */
static size_t converse(size_t victim, size_t moment, size_t left)
{
    size_t turns = 0;
    open_hosts(256, RING_MAX);
    open_talkers();
    enter(&hosts[0]);
    expect_ok(tcp_connection_open(&hosts[0].core.tcp, &(struct endpoint){ 0 }, &server_tcp,
                                  &talkers[0].user, &talkers[0].connection));
    ping();
    leave(&hosts[0]);
    uint64_t start_ns = now_ns;
    while (!all_is_over() || !pong) {
        if (turns == moment) take_hostages(&hosts[victim], left);
        bool happened = turn();
        if (turns == moment) release_hostages(&hosts[victim]);
        if (!happened) let_time_pass();
        if (++turns % 32 == 0 && !pong) {
            enter(&hosts[0]);
            ping();
            leave(&hosts[0]);
        }
        expect_that(turns, <, 2000);
        expect_that(now_ns - start_ns, <, 100 * S_NS);
    }
    expect(!talkers[0].has_failed && !talkers[1].has_failed);
    expect_that(talkers[1].read_bytes, ==, TEXT_BYTES + LENT_BYTES);
    expect_that(talkers[0].read_bytes, ==, TEXT_BYTES);
    expect_that(done_count, ==, 1);
    close_talkers();
    come_to_rest();
    for (size_t i = 0; i < 2; i++)
        expect_all_back(&hosts[i]);
    close_hosts();
    return turns;
}

static void converse_at_each_moment(void)
{
    size_t turns = converse(0, SIZE_MAX, 0);
    for (size_t moment = 0; moment < turns; moment++)
        for (size_t victim = 0; victim < 2; victim++)
            for (size_t left = 0; left < 8; left++)
                (void)converse(victim, moment, left);
}

TEST(stack_core_survives_an_empty_pool_at_each_moment)
{
    converse_at_each_moment();
}

TEST(stack_core_survives_it_with_jumbo_frames)
{
    mtu_bytes = 9000;
    converse_at_each_moment();
    mtu_bytes = 1500;
}

TEST(stack_core_survives_it_with_the_shortest_frames)
{
    mtu_bytes = 576;
    converse_at_each_moment();
    mtu_bytes = 1500;
}

TEST(stack_core_survives_it_without_ethernet)
{
    carries = NET_IP;
    converse_at_each_moment();
    carries = NET_ETHERNET;
}

/* ---- closing ---- */

/* The stacks alone, without their applications. */
static void connect_alone(uint64_t delay_ns)
{
    enter(&hosts[0]);
    expect_ok(tcp_connection_open(&hosts[0].core.tcp, &(struct endpoint){ 0 }, &server_tcp,
                                  &talkers[0].user, &talkers[0].connection));
    leave(&hosts[0]);
    while (!tcp_connection_is_open(talkers[0].connection)) {
        for (size_t i = 0; i < 2; i++) {
            step(&hosts[i]);
            (void)carry(&hosts[i].device, RING_MAX);
            now_ns += delay_ns;
        }
    }
}

/* The device keeps segments that borrow from the loan until it is detached. */
TEST(stack_core_closes_while_a_loan_is_in_the_ring)
{
    open_hosts(256, RING_MAX);
    open_talkers();
    connect_alone(0);
    enter(&hosts[0]);
    expect_ok(tcp_connection_lend(talkers[0].connection, &loan));
    leave(&hosts[0]);
    expect_that(hosts[0].device.ring_count, >, 1);
    close_talkers();
    expect_that(done_count, ==, 0);
    close_hosts();
    expect_that(done_count, ==, 1);
}

/* ---- a full ring ---- */

#define CROWD 200

static struct talker crowd[CROWD];

static void run_alone(void)
{
    bool happened = false;
    for (size_t i = 0; i < 2; i++) {
        step(&hosts[i]);
        happened |= carry(&hosts[i].device, RING_MAX);
    }
    if (!happened) let_time_pass();
}

static void connect_crowd(struct tcp_acceptor **door)
{
    const struct endpoint any = { .port = 81 };
    const struct endpoint peer = { addresses[1], 81 };
    expect_ok(tcp_acceptor_open(&hosts[1].core.tcp, &any, CROWD, &acceptor_user, door));
    for (size_t i = 0; i < CROWD; i++) {
        crowd[i] = (struct talker){ .user.event = talker_event };
        enter(&hosts[0]);
        expect_ok(tcp_connection_open(&hosts[0].core.tcp, &(struct endpoint){ 0 }, &peer,
                                      &crowd[i].user, &crowd[i].connection));
        leave(&hosts[0]);
        while (!tcp_connection_is_open(crowd[i].connection))
            run_alone();
    }
    for (size_t i = 0; i < 100; i++) /* so that nobody owes an acknowledgement */
        run_alone();
}

static void leave_crowd(struct tcp_acceptor *door)
{
    tcp_acceptor_close(door);
    for (size_t i = 0; i < CROWD; i++)
        tcp_connection_abort(crowd[i].connection);
    close_hosts();
}

/* The ring fills and has room again between two steps: whoever was refused is told at once, not by
 * a timer. */
TEST(stack_core_tells_all_that_found_the_ring_full)
{
    struct tcp_acceptor *door;
    size_t taken_bytes;
    open_hosts(1024, RING_MAX);
    connect_crowd(&door);
    hosts[0].device.ring_max = 0;
    enter(&hosts[0]);
    for (size_t i = 0; i < CROWD; i++) {
        struct view word = VIEW("word");
        expect_ok(tcp_connection_send(crowd[i].connection, &word, 1, TCP_SEND_NOW, &taken_bytes));
    }
    stack_core_transmit(&hosts[0].core);
    expect_that(hosts[0].core.ethernet.statistics.ring_full, >, 64);
    hosts[0].device.ring_max = RING_MAX;
    step(&hosts[0]);
    expect_that(hosts[0].device.ring_count, >=, CROWD);
    expect(list_is_empty(&hosts[0].core.tcp.starved));
    leave_crowd(door);
}

/* Nobody acknowledges anything that would bring another look at them. */
TEST(stack_core_tells_all_that_found_no_buffer)
{
    struct tcp_acceptor *door;
    size_t taken_bytes;
    open_hosts(1024, RING_MAX);
    connect_crowd(&door);
    take_hostages(&hosts[0], 64);
    enter(&hosts[0]);
    for (size_t i = 0; i < CROWD; i++) {
        struct view word = VIEW("word");
        expect_ok(tcp_connection_send(crowd[i].connection, &word, 1, TCP_SEND_NOW, &taken_bytes));
        expect_that(taken_bytes, ==, 0);
    }
    leave(&hosts[0]);
    step(&hosts[0]);
    release_hostages(&hosts[0]);
    do {
        step(&hosts[0]);
    } while (hosts[0].next_ns <= now_ns);
    for (size_t i = 0; i < CROWD; i++)
        expect(crowd[i].has_room);
    leave_crowd(door);
}

/* A datagram that was accepted is being cut, and the pool is dry. The device tells nobody that it
 * has sent, since its ring was not full; so it is the core that comes back soon. */
TEST(stack_core_goes_on_cutting_when_buffers_are_back)
{
    open_hosts(256, RING_MAX);
    open_talkers();
    connect_alone(100 * MS_NS);
    take_hostages(&hosts[0], 6);
    enter(&hosts[0]);
    expect_ok(tcp_connection_lend(talkers[0].connection, &loan));
    leave(&hosts[0]);
    size_t sent_count = hosts[0].device.ring_count;
    expect_that(sent_count, <, 6);
    uint64_t start_ns = now_ns;
    while (sent_count < 10) { /* the initial window (RFC 6928) */
        (void)carry(&hosts[0].device, RING_MAX);
        expect_that(hosts[0].next_ns, <, start_ns + 20 * MS_NS);
        now_ns = MAX(now_ns, hosts[0].next_ns);
        step(&hosts[0]);
        sent_count += hosts[0].device.ring_count;
    }
    release_hostages(&hosts[0]);
    close_talkers();
    close_hosts();
}

/* ---- figures ---- */

TEST(stack_core_counts_what_the_net_lost)
{
    open_hosts(256, RING_MAX);
    open_talkers();
    connect_alone(0);
    enter(&hosts[0]);
    expect_ok(tcp_connection_lend(talkers[0].connection, &loan));
    leave(&hosts[0]);
    take_hostages(&hosts[1], 0);
    size_t sent_count = hosts[0].device.ring_count;
    (void)carry(&hosts[0].device, RING_MAX);
    step(&hosts[1]);
    expect_that(hosts[1].core.offload.net.statistics.receive_no_buffer, ==, sent_count);
    release_hostages(&hosts[1]);
    close_talkers();
    close_hosts();
}

/* ---- strangers ---- */

/* One of the first two pieces of a datagram that never becomes whole. */
static void give_fragment(uint16_t number)
{
    static const uint8_t piece[1480];
    struct ipv4_header header = {
        .version_and_length = IPV4_VERSION_AND_LENGTH,
        .total_length = __builtin_bswap16(sizeof header + sizeof piece),
        .identification = number / 2,
        .fragment = __builtin_bswap16((uint16_t)(IPV4_MORE_FRAGMENTS | number % 2 * 185)),
        .time_to_live = 64,
        .protocol = IP_PROTOCOL_UDP,
        .source = __builtin_bswap32(0xc0000263u),
        .destination = __builtin_bswap32(0xc0000202u),
    };
    header.checksum = ipv4_header_checksum(&header);
    struct packet *packet = packet_take(&hosts[1].core.packets, PACKET_FOR_RECEIVE);
    if (packet == NULL) return;
    struct span rest = packet_put(packet, 14 + sizeof header + sizeof piece);
    rest = span_copy(rest, VIEW_OF(hosts[1].device.net.mac));
    rest = span_copy(rest, VIEW("\x02\x00\x00\x00\x00\x63\x08\x00"));
    (void)span_copy(span_copy(rest, VIEW_OF(header)), VIEW_OF(piece));
    ethernet_input(&hosts[1].core.ethernet, packet);
}

/* However small the pool is, fragments take a quarter of it at most. */
TEST(stack_core_hears_others_while_a_stranger_sends_fragments)
{
    open_hosts(96, RING_MAX);
    open_talkers();
    connect_alone(0);
    enter(&hosts[1]);
    for (uint16_t i = 0; i < 1000; i++)
        give_fragment(i);
    leave(&hosts[1]);
    expect_that(packet_pool_left(&hosts[1].core.packets, PACKET_FOR_RECEIVE), >=, 48);
    for (unsigned i = 0; i < 8 && !pong; i++) {
        enter(&hosts[0]);
        ping();
        leave(&hosts[0]);
        for (unsigned j = 0; j < 16; j++)
            (void)turn();
    }
    expect(pong);
    close_talkers();
    close_hosts();
}

/* ---- bursts ---- */

/* A burst of which one frame is made may not be the last. */
TEST(stack_core_comes_back_for_what_waits_behind_a_burst)
{
    static uint8_t scratch[2048];
    open_hosts(256, RING_MAX);
    struct device *device = &hosts[1].device;
    while (device->arrived_count <= NET_BURST_MAX) {
        const struct net_frame frame = { .sequence = (uint32_t)device->arrived_count * 100,
                                         .flags = NET_TCP_ACK,
                                         .hop_limit = 64,
                                         .payload_bytes = 100 };
        device->arrived[device->arrived_count++] = net_frame_packet(&frame, &ether,
                                                                    SPAN_OF(scratch));
    }
    step(&hosts[1]);
    expect_that(device->arrived_count, ==, 1);
    expect_that(hosts[1].core.offload.net.statistics.received_frames, <, NET_BURST_MAX);
    expect_that(hosts[1].next_ns, ==, now_ns);
    close_hosts();
}

/* ---- the link ---- */

static void set_link(struct host *host, bool is_down)
{
    host->device.net.is_down = is_down;
    host->device.net.user->ready(host->device.net.user);
    step(host);
}

static size_t arp_requests(const struct host *host)
{
    return (size_t)host->core.arp.statistics.requests_sent;
}

/* RFC 5227 2.3: when it has come up our addresses are announced anew, and only then. */
TEST(stack_core_announces_itself_when_the_link_has_come_up)
{
    struct host *host = &hosts[0];
    open_hosts(256, RING_MAX);
    step(host);
    size_t before = arp_requests(host);
    expect_that(host->core.link_up, ==, 1);
    set_link(host, false);
    set_link(host, true);
    expect(host->core.link_up == 0 && host->core.link_changes == 1);
    set_link(host, true);
    expect_that(arp_requests(host), ==, before);
    set_link(host, false);
    expect(host->core.link_up == 1 && host->core.link_changes == 2);
    expect_that(arp_requests(host), ==, before + 1);
    now_ns += 3 * S_NS;
    step(host);
    expect_that(arp_requests(host), ==, before + 2);
    close_hosts();
}

TEST(stack_core_over_bare_ip_follows_the_link)
{
    carries = NET_IP;
    open_hosts(256, RING_MAX);
    set_link(&hosts[0], true);
    set_link(&hosts[0], false);
    expect(hosts[0].core.link_up == 1 && hosts[0].core.link_changes == 2);
    close_hosts();
    carries = NET_ETHERNET;
}
