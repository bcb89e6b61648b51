/* fuzz_icmp.c - ICMP messages as they come, from a neighbour, about datagrams that were sent.
 *
 * Whatever they claim, no path's MTU falls under its floor, and no more is answered than asked.
 *
 * SPDX-License-Identifier: ISC */
#include "ip_world.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length_bytes);

static void give_message(struct view message, uint8_t choice)
{
    static uint8_t room[2048];
    const struct ipv4_header header = {
        .version_and_length = IPV4_VERSION_AND_LENGTH,
        .total_length = __builtin_bswap16((uint16_t)(20 + message.length_bytes)),
        .time_to_live = 64,
        .protocol = IP_PROTOCOL_ICMP,
        .source = __builtin_bswap32(0xc0000209),
        .destination = __builtin_bswap32((choice & 1) != 0 ? 0xc00002ff : WORLD_HOST),
    };
    (void)span_copy(span_copy(SPAN_OF(room), VIEW_OF(header)), message);
    struct span datagram = span_first(SPAN_OF(room), sizeof header + message.length_bytes);
    if ((choice & 2) == 0) world_mend(datagram);
    world_give(span_view(datagram));
}

/* So that quotations of it are believed. */
static void send_something(uint8_t last)
{
    const struct udp_outgoing outgoing = {
        .peer = { .address = address_ipv4(198, 51, 100, last), .port = 7 },
        .dont_fragment = true,
        .bytes = VIEW("words"),
    };
    result_ignore(udp_core_send(world.binding, &outgoing));
}

static void check_path(uint8_t last)
{
    const struct address destination = address_ipv4(198, 51, 100, last), any = { 0 };
    struct ip_path path = { 0 };
    enum result result = ip_find_path(&world.ipv4.ip, &destination, &any, &path);
    assert(result == OK);
    assert(path.mtu_bytes >= IPV4_PATH_MTU_MIN && path.mtu_bytes <= 1500);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length_bytes)
{
    struct cursor cursor = cursor_over(view_from(bytes, length_bytes));
    world_open(NET_IP, false);
    for (uint8_t last = 1; last < 4; last++)
        send_something(last);
    while (cursor_left(&cursor) >= 3) {
        uint8_t choice = cursor_u8(&cursor);
        size_t wanted = cursor_u8(&cursor) * ((choice & 4) != 0 ? (size_t)5 : 1);
        uint64_t errors_before = world.icmp.statistics.errors_sent;
        give_message(cursor_take(&cursor, MIN(wanted, cursor_left(&cursor))), choice);
        assert(world.icmp.statistics.errors_sent == errors_before); /* no message deserves one */
        for (uint8_t last = 1; last < 5; last++)
            check_path(last);
    }
    world_close();
    return 0;
}
