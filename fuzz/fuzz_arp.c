/* fuzz_arp.c - a sequence of messages, sends and pauses: whatever comes, the cache keeps its
 * bounds.
 *
 * Each step is four bytes: what is done, with which neighbour, from which station, and how long it
 * lasts; or a whole message as it stands in the input.
 *
 * SPDX-License-Identifier: ISC */
#include "base/writer.h"
#include "ip_world.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length_bytes);

static void give_message(uint16_t operation, const struct mac *station, uint32_t sender,
                         uint32_t target)
{
    uint8_t frame[42];
    struct writer writer = writer_over(SPAN_OF(frame));
    writer_put(&writer, VIEW_OF(world.record.net.mac));
    writer_put(&writer, VIEW_OF(*station));
    writer_put(&writer, VIEW("\x08\x06\x00\x01\x08\x00\x06\x04"));
    writer_put_u16_be(&writer, operation);
    writer_put(&writer, VIEW_OF(*station));
    writer_put_u32_be(&writer, sender);
    writer_put(&writer, VIEW_OF(world.record.net.mac));
    writer_put_u32_be(&writer, target);
    world_give(writer_view(&writer));
}

static void send_to(uint32_t address)
{
    const struct udp_outgoing outgoing = {
        .peer = { .address = address_from_number(address), .port = 7 },
        .bytes = VIEW("words"),
    };
    result_ignore(udp_core_send(world.binding, &outgoing));
    (void)world_collect();
}

static void check(void)
{
    const struct arp *arp = &world.arp;
    size_t waiting = 0, incomplete = 0, entries = 0;
    list_for_each (place, &arp->incomplete) {
        const struct arp_entry *entry = CONTAINER_OF(place, struct arp_entry, place);
        size_t count = 0;
        for (const struct packet *packet = entry->waiting; packet != NULL; packet = packet->next)
            count++;
        assert(count == entry->waiting_count && count <= ARP_WAITING_MAX);
        assert(entry->state == ARP_INCOMPLETE && agenda_holds(&entry->timer));
        waiting += count;
        incomplete++;
    }
    list_for_each (place, &arp->used) {
        entries++;
    }
    list_for_each (place, &arp->unused) {
        entries++;
    }
    assert(waiting == arp->waiting_count && waiting <= 8);
    assert(incomplete == arp->incomplete_count && incomplete <= 8);
    assert(entries + incomplete == arp->table.node_count);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length_bytes)
{
    struct cursor cursor = cursor_over(view_from(bytes, length_bytes));
    world_open(NET_ETHERNET, cursor_u8(&cursor) % 2 != 0);
    while (cursor_left(&cursor) >= 4) {
        uint8_t what = cursor_u8(&cursor), who = cursor_u8(&cursor), from = cursor_u8(&cursor);
        uint8_t more = cursor_u8(&cursor);
        const struct mac station = { { from % 16 == 15 ? 1 : 2, 0, 0, 0, 0, from } };
        uint32_t address = 0xc0000200u + who;
        switch (what % 6) {
        case 0: send_to(address); break;
        case 1: give_message(1, &station, address, WORLD_HOST); break;
        case 2: give_message(2, &station, address, WORLD_HOST); break;
        case 3: give_message((uint16_t)(1 + more % 2), &station, address, address); break;
        case 4: world_pass((uint64_t)more * 100 * MS_NS); break;
        default: world_give(cursor_take(&cursor, MIN((size_t)more, cursor_left(&cursor)))); break;
        }
        check();
    }
    world_close();
    return 0;
}
