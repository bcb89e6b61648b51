/* ipv4_path.c - the MTU of paths that are narrower than our link.
 *
 * SPDX-License-Identifier: ISC */
#include "ipv4/ipv4_path.h"

#include "base/units.h"
#include "ip/buckets.h"

#define FORGET_NS (600 * S_NS) /* RFC 1191 6.3 */

static struct ipv4_path *path_of(struct list_node *place)
{
    return CONTAINER_OF(place, struct ipv4_path, place);
}

enum result ipv4_paths_open(struct ipv4_paths *paths, size_t count, struct siphash_key key)
{
    enum result result = buckets_take(&paths->memory, &paths->table, count,
                                      sizeof(struct ipv4_path), key);
    if (result != OK) return result;
    list_init(&paths->free);
    list_init(&paths->known);
    struct ipv4_path *records = (void *)paths->memory.bytes;
    for (size_t i = 0; i < count; i++)
        list_append(&paths->free, &records[i].place);
    return OK;
}

void ipv4_paths_close(struct ipv4_paths *paths)
{
    memory_give_back(paths->memory);
    *paths = (struct ipv4_paths){ 0 };
}

static struct ipv4_path *find(const struct ipv4_paths *paths, uint32_t destination)
{
    uint64_t hash = table_hash(&paths->table, VIEW_OF(destination));
    struct table_node *node = table_find(&paths->table, hash);
    for (; node != NULL; node = table_find_next(node)) {
        struct ipv4_path *path = CONTAINER_OF(node, struct ipv4_path, node);
        if (path->destination == destination) return path;
    }
    return NULL;
}

static void forget(struct ipv4_paths *paths, struct ipv4_path *path)
{
    table_remove(&paths->table, &path->node);
    list_remove(&path->place);
    list_append(&paths->free, &path->place);
}

const struct ipv4_path *ipv4_paths_find(struct ipv4_paths *paths, uint32_t destination,
                                        uint64_t now_ns)
{
    if (paths->table.node_count == 0) return NULL;
    struct ipv4_path *path = find(paths, destination);
    if (path != NULL && now_ns >= path->forget_ns) {
        forget(paths, path);
        path = NULL;
    }
    return path;
}

static struct ipv4_path *create(struct ipv4_paths *paths, uint32_t destination)
{
    if (list_is_empty(&paths->free)) forget(paths, path_of(list_first(&paths->known)));
    struct ipv4_path *path = path_of(list_take(&paths->free));
    *path = (struct ipv4_path){ .destination = destination, .mtu_bytes = UINT16_MAX };
    list_append(&paths->known, &path->place);
    table_insert(&paths->table, &path->node, table_hash(&paths->table, VIEW_OF(destination)));
    return path;
}

bool ipv4_paths_lower(struct ipv4_paths *paths, uint32_t destination, uint16_t mtu_bytes,
                      uint64_t now_ns)
{
    struct ipv4_path *path = find(paths, destination);
    if (path != NULL && now_ns >= path->forget_ns) {
        forget(paths, path);
        path = NULL;
    }
    if (path == NULL) path = create(paths, destination);
    bool is_news = MAX(mtu_bytes, IPV4_PATH_MTU_MIN) < path->mtu_bytes ||
                   (mtu_bytes < IPV4_PATH_MTU_MIN && !path->may_be_cut);
    if (!is_news) return false;
    path->mtu_bytes = MAX(mtu_bytes, IPV4_PATH_MTU_MIN);
    path->may_be_cut = path->may_be_cut || mtu_bytes < IPV4_PATH_MTU_MIN;
    path->forget_ns = deadline_after(now_ns, FORGET_NS);
    list_remove(&path->place);
    list_append(&paths->known, &path->place);
    return true;
}

uint16_t ipv4_path_plateau_below(uint16_t length_bytes)
{
    static const uint16_t plateaus[] = { 32000, 17914, 8166, 4352, 2002, 1492, 1006, 508, 296 };
    for (size_t i = 0; i < LENGTH_OF(plateaus); i++)
        if (plateaus[i] < length_bytes) return plateaus[i];
    return 68;
}
