/* udp_core.c - bindings: who is at which port, found in constant time.
 *
 * One table finds them all, by a key of one of three kinds: a connected binding by its port and its
 * peer, one of a single address by its port and that, any other by its port alone.
 *
 * SPDX-License-Identifier: ISC */
#include "udp_core/udp_core_private.h"

#include "base/units.h"
#include "ip/buckets.h"

/* RFC 6056 3.2 would have nearly all ports; those below are left to who asks for one by number. */
#define RANDOM_PORT_FIRST 32768
#define RANDOM_PORT_COUNT 32768
#define RANDOM_PORT_TRIES 64

const struct parameter udp_core_parameters[] = {
    PARAMETER_POOL(struct udp_core_parameters, binding_count, "udp-ports", "1024", 1, 65536,
                   "UDP ports bound at once"),
    PARAMETER_BYTES(struct udp_core_parameters, receive_bytes, "udp-receive-bytes", "512KiB",
                    128 * KIB, GIB, "memory of what waits at a port; what comes then is lost"),
    PARAMETER_BYTES(struct udp_core_parameters, receive_bytes_total, "udp-receive-bytes-total",
                    "1MiB", 128 * KIB, GIB,
                    "memory of what waits at all ports; what comes then is lost"),
    PARAMETER_END,
};

enum { KEY_TABLE, KEY_PEERS, KEY_PORTS };

enum result udp_core_open(struct udp_core *core, struct packet_pool *pool,
                          const struct udp_core_parameters *parameters, struct siphash_key key)
{
    *core = (struct udp_core){
        .pool = pool,
        .parameters = *parameters,
        .peer_key = siphash_derive(key, KEY_PEERS),
        .random.key = siphash_derive(key, KEY_PORTS),
    };
    list_init(&core->free);
    list_init(&core->used);
    return buckets_take(&core->memory, &core->table, parameters->binding_count,
                        sizeof(struct udp_binding), siphash_derive(key, KEY_TABLE));
}

void udp_core_close(struct udp_core *core)
{
    assert(list_is_empty(&core->used));
    memory_give_back(core->memory);
    core->memory = (struct span){ 0 };
}

struct udp_core_family *udp_core_family_of(struct udp_core *core, uint8_t family)
{
    static_assert(ADDRESS_IPV4 == 1 && ADDRESS_IPV6 == 2, "places in `families`");
    if (family != ADDRESS_IPV4 && family != ADDRESS_IPV6) return NULL;
    struct udp_core_family *found = &core->families[family - 1];
    return found->ip != NULL ? found : NULL;
}

void udp_core_attach(struct udp_core *core, struct ip *ip, enum address_family family)
{
    assert(family != ADDRESS_ANY);
    struct udp_core_family *place = &core->families[family - 1];
    assert(place->ip == NULL && list_is_empty(&core->used));
    *place = (struct udp_core_family){ .protocol = { .number = IP_PROTOCOL_UDP,
                                                     .input = udp_core_input,
                                                     .error = udp_core_error,
                                                     .has_sent = udp_core_has_sent },
                                       .core = core,
                                       .ip = ip };
    ip_attach(ip, &place->protocol);
}

/* ---- finding ---- */

enum kind { KIND_ANY, KIND_ADDRESSED, KIND_CONNECTED };

/* As short as the kind allows: this is hashed for every datagram. */
static uint64_t hash_of(const struct udp_core *core, enum kind kind, uint16_t port,
                        const struct address *address, uint16_t peer_port)
{
    uint64_t words[3] = { (uint64_t)port << 16 | (uint64_t)peer_port << 32 | (uint64_t)kind << 8 };
    struct view key = VIEW_OF(words);
    if (kind == KIND_ANY) return table_hash(&core->table, view_first(key, sizeof words[0]));
    words[0] |= address->family;
    (void)span_copy(SPAN_OF(words[1]), view_first(VIEW_OF(address->bytes), sizeof words[1]));
    if (address->family == ADDRESS_IPV4)
        return table_hash(&core->table, view_first(key, 2 * sizeof words[0]));
    (void)span_copy(SPAN_OF(words[2]), view_from_offset(VIEW_OF(address->bytes), sizeof words[1]));
    return table_hash(&core->table, key);
}

static enum kind kind_of(const struct udp_binding *binding)
{
    if (binding->peer.address.family != ADDRESS_ANY) return KIND_CONNECTED;
    return binding->local.address.family != ADDRESS_ANY ? KIND_ADDRESSED : KIND_ANY;
}

static uint64_t hash_of_binding(const struct udp_binding *binding)
{
    enum kind kind = kind_of(binding);
    bool is_connected = kind == KIND_CONNECTED;
    const struct endpoint *key = is_connected ? &binding->peer : &binding->local;
    return hash_of(binding->core, kind, binding->local.port, &key->address,
                   is_connected ? binding->peer.port : 0);
}

static bool takes_address(const struct udp_binding *binding, const struct address *address)
{
    return binding->local.address.family == ADDRESS_ANY ||
           address_equal(&binding->local.address, address);
}

static struct udp_binding *find_connected(const struct udp_core *core, const struct endpoint *local,
                                          const struct endpoint *peer)
{
    uint64_t hash = hash_of(core, KIND_CONNECTED, local->port, &peer->address, peer->port);
    struct table_node *node = table_find(&core->table, hash);
    for (; node != NULL; node = table_find_next(node)) {
        struct udp_binding *binding = CONTAINER_OF(node, struct udp_binding, node);
        if (kind_of(binding) == KIND_CONNECTED && binding->local.port == local->port &&
            takes_address(binding, &local->address) && endpoint_equal(&binding->peer, peer))
            return binding;
    }
    return NULL;
}

/* The binding, not connected, of this very endpoint. */
static struct udp_binding *find_bound(const struct udp_core *core, const struct endpoint *local)
{
    enum kind kind = local->address.family == ADDRESS_ANY ? KIND_ANY : KIND_ADDRESSED;
    struct table_node *node = table_find(&core->table,
                                         hash_of(core, kind, local->port, &local->address, 0));
    for (; node != NULL; node = table_find_next(node)) {
        struct udp_binding *binding = CONTAINER_OF(node, struct udp_binding, node);
        if (kind_of(binding) == kind && endpoint_equal(&binding->local, local)) return binding;
    }
    return NULL;
}

struct udp_binding *udp_core_find(struct udp_core *core, const struct endpoint *local,
                                  const struct endpoint *peer)
{
    struct udp_binding *binding = NULL;
    if (core->connected_count > 0) binding = find_connected(core, local, peer);
    if (binding == NULL && core->addressed_count > 0) binding = find_bound(core, local);
    if (binding != NULL) return binding;
    const struct endpoint any = { .port = local->port };
    return find_bound(core, &any);
}

/* ---- binding ---- */

static void count_kind(struct udp_core *core, enum kind kind, size_t more)
{
    if (kind == KIND_CONNECTED) core->connected_count += more;
    if (kind == KIND_ADDRESSED) core->addressed_count += more;
}

static void insert(struct udp_binding *binding)
{
    struct udp_core *core = binding->core;
    count_kind(core, kind_of(binding), 1);
    table_insert(&core->table, &binding->node, hash_of_binding(binding));
}

static void take_out(struct udp_binding *binding)
{
    struct udp_core *core = binding->core;
    count_kind(core, kind_of(binding), SIZE_MAX); /* one less */
    table_remove(&core->table, &binding->node);
}

static bool port_is_used(const struct udp_core *core, uint16_t port)
{
    list_for_each (place, &core->used) {
        if (CONTAINER_OF(place, struct udp_binding, place)->local.port == port) return true;
    }
    return false;
}

/* RFC 6056 3.3.2: at random, again and again; and when nearly all are taken, the next that is free
 * behind a random one. 0: there is none. */
static uint16_t choose_port(struct udp_core *core)
{
    for (size_t i = 0; i < RANDOM_PORT_TRIES; i++) {
        uint64_t draw = secret_number_below(&core->random, RANDOM_PORT_COUNT);
        uint16_t port = (uint16_t)(RANDOM_PORT_FIRST + draw);
        if (!port_is_used(core, port)) return port;
    }
    uint64_t start = secret_number_below(&core->random, RANDOM_PORT_COUNT);
    for (size_t i = 0; i < RANDOM_PORT_COUNT; i++) {
        uint16_t port = (uint16_t)(RANDOM_PORT_FIRST + (start + i) % RANDOM_PORT_COUNT);
        if (!port_is_used(core, port)) return port;
    }
    return 0;
}

/* Records that were never bound are not touched: the table costs what the busiest moment took. */
static struct udp_binding *take_record(struct udp_core *core)
{
    struct list_node *place = list_take(&core->free);
    if (place != NULL) return CONTAINER_OF(place, struct udp_binding, place);
    if (core->touched_count == core->parameters.binding_count) return NULL;
    void *records = core->memory.bytes;
    return &((struct udp_binding *)records)[core->touched_count++];
}

static bool is_ours(struct udp_core *core, const struct address *address)
{
    if (address->family == ADDRESS_ANY) return true;
    struct udp_core_family *family = udp_core_family_of(core, address->family);
    return family != NULL && ip_is_ours(family->ip, address);
}

enum result udp_core_bind(struct udp_core *core, const struct endpoint *local,
                          struct udp_binding_user *user, struct udp_binding **binding)
{
    struct endpoint chosen = *local;
    assert(user->readable != NULL);
    if (!is_ours(core, &local->address)) return UNREACHABLE;
    if (local->port == 0) chosen.port = choose_port(core);
    if (chosen.port == 0) return FULL;
    if (find_bound(core, &chosen) != NULL) return EXISTS;
    struct udp_binding *record = take_record(core);
    if (record == NULL) return FULL;
    *record = (struct udp_binding){ .core = core, .user = user, .local = chosen };
    list_append(&core->used, &record->place);
    insert(record);
    *binding = record;
    return OK;
}

void udp_core_unbind(struct udp_binding *binding)
{
    struct udp_core *core = binding->core;
    udp_binding_drop_all(binding);
    take_out(binding);
    list_remove(&binding->place);
    list_append(&core->free, &binding->place);
}

enum result udp_core_connect(struct udp_binding *binding, const struct endpoint *peer)
{
    struct udp_core *core = binding->core;
    struct endpoint local = binding->local;
    struct ip_path path;
    if (peer->address.family == ADDRESS_ANY || peer->port == 0) return INVALID;
    if (local.address.family != ADDRESS_ANY && local.address.family != peer->address.family)
        return INVALID;
    struct udp_core_family *family = udp_core_family_of(core, peer->address.family);
    if (family == NULL) return UNREACHABLE;
    enum result result = ip_find_path(family->ip, &peer->address, &local.address, &path);
    if (result != OK) return result;
    local.address = path.source;
    struct udp_binding *other = find_connected(core, &local, peer);
    if (other != NULL && other != binding) return EXISTS;
    take_out(binding);
    binding->local = local;
    binding->peer = *peer;
    insert(binding);
    return OK;
}
