/* devices_block.c - the disks that config.c can name.
 *
 * SPDX-License-Identifier: ISC */
#include <string.h>

#include <loom/config.h>

#include "config/graph.h"

static const struct module file = {
    .name = "block_file",
    .signature = "block",
    .instance = "block",
    .header = "target/unix/block_file.h",
    .words = "a disk in a file, as --block says",
    .home = MODULE_OF_HOUSE,
    .sources = { "target/unix/block_file*.c", "target/unix/crew.c" },
    .needs = { "block" },
    .has_parameters = true,
};

static const struct module memory = {
    .name = "block_memory",
    .signature = "block",
    .instance = "block",
    .header = "block/block_memory.h",
    .words = "a disk in memory",
    .home = MODULE_OF_HOUSE,
    .sources = { "lib/block/block_memory*.c" },
    .needs = { "block" },
    .has_parameters = true,
};

static const struct module disk = {
    .name = "block_virtio",
    .signature = "block",
    .instance = "block",
    .header = "target/virtio/block_virtio.h",
    .words = "a disk of the machine, as --block says",
    .home = MODULE_OF_HOUSE,
    .sources = { "target/virtio/block_virtio*.c" },
    .needs = { "block" },
};

static const struct module partition = {
    .name = "block_partition",
    .signature = "block",
    .instance = "partition",
    .header = "block/block_partition.h",
    .words = "a partition of a disk, as --partition says",
    .home = MODULE_OF_HOUSE,
    .sources = { "lib/block/block_partition*.c", "lib/block/partition_table.c" },
    .needs = { "block" },
    .has_parameters = true,
};

struct block *block_file_at(struct place place)
{
    if (strcmp(graph.target->name, "unix") != 0) {
        place_error(place, "block_file() is of unix alone; default_block() is what %s has",
                    graph.target->name);
    }
    return device_at(place, &file, NO_DEVICES);
}

struct block *block_memory_at(struct place place)
{
    return device_at(place, &memory, NO_DEVICES);
}

struct block *block_partition_at(struct place place, struct block *whole)
{
    return device_at(place, &partition, DEVICES(whole));
}

/* The machine's monitor knows it by its name in the manifest. */
static struct block *block_of_machine(struct place place)
{
    void *device = device_at(place, &disk, NO_DEVICES);
    device_constant(device, "VIEW(\"$\")");
    return device;
}

struct block *default_block_at(struct place place)
{
    if (graph.target->is_machine) return block_of_machine(place);
    if (strcmp(graph.target->name, "sim") == 0) return block_memory_at(place);
    return block_file_at(place);
}
