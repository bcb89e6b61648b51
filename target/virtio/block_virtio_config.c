/* block_virtio_config.c - what a disk of the machine says of itself (virtio 1.2, 5.2.4), when it is
 * opened and when it has changed.
 *
 * SPDX-License-Identifier: ISC */
#include "base/units.h"
#include "target/virtio/block_virtio.h"

#define LOG_MODULE "block"
#include "log/log.h"

/* As far as it is of use: each byte of it may cost a trip out of the machine. */
static void read_config(struct block_virtio *disk, struct virtio_block_config *config)
{
    const uint64_t ranged = VIRTIO_BLK_F_DISCARD | VIRTIO_BLK_F_WRITE_ZEROES;
    *config = (struct virtio_block_config){ .capacity_sectors = 0 };
    size_t needed_bytes = virtio_device_has(&disk->device, ranged)
                              ? sizeof *config
                              : offsetof(struct virtio_block_config, topology);
    virtio_device_config(&disk->device, span_first(SPAN_OF(*config), needed_bytes));
}

static void set_discard(struct block_virtio *disk, uint32_t sectors_max, uint32_t ranges_max)
{
    disk->discard_blocks_max = sectors_max / (disk->block.block_bytes / VIRTIO_BLOCK_SECTOR_BYTES);
    disk->discard_ranges_max = MIN(ranges_max, BLOCK_VIRTIO_RANGES_MAX);
    if (disk->discard_blocks_max == 0) disk->discard_ranges_max = 0;
}

/* 5.2.6.2: zeros that may be unmapped are what a discard may leave as well. */
static void take_discard(struct block_virtio *disk, const struct virtio_block_config *config)
{
    if (virtio_device_has(&disk->device, VIRTIO_BLK_F_DISCARD)) {
        disk->discard_type = VIRTIO_BLOCK_DISCARD;
        set_discard(disk, config->discard_sectors_max, config->discard_ranges_max);
    } else if (virtio_device_has(&disk->device, VIRTIO_BLK_F_WRITE_ZEROES) &&
               config->zeroes_may_unmap != 0) {
        disk->discard_type = VIRTIO_BLOCK_WRITE_ZEROES;
        disk->discard_flags = VIRTIO_BLOCK_UNMAP;
        set_discard(disk, config->zeroes_sectors_max, config->zeroes_ranges_max);
    }
}

/* 5.2.4: a part is no longer than that, and as requests are of whole sectors, it is so too. */
static bool take_part_bytes_max(struct block_virtio *disk, const struct virtio_block_config *config)
{
    disk->part_bytes_max = BLOCK_REQUEST_BYTES_MAX;
    if (!virtio_device_has(&disk->device, VIRTIO_BLK_F_SIZE_MAX)) return true;
    size_t told_bytes = MIN(config->part_bytes_max, BLOCK_REQUEST_BYTES_MAX);
    disk->part_bytes_max = told_bytes / VIRTIO_BLOCK_SECTOR_BYTES * VIRTIO_BLOCK_SECTOR_BYTES;
    if (disk->part_bytes_max > 0) return true;
    log_error("the disk takes at most %u bytes at once: that is no sector", config->part_bytes_max);
    return false;
}

static uint64_t blocks_of(const struct block_virtio *disk, const struct virtio_block_config *config)
{
    uint64_t sectors = MIN(config->capacity_sectors, UINT64_MAX / VIRTIO_BLOCK_SECTOR_BYTES);
    return sectors / (disk->block.block_bytes / VIRTIO_BLOCK_SECTOR_BYTES);
}

/* 5.2.5.2: what is beyond its new end is refused from now on; what is under way there the device
 * fails. */
bool block_virtio_config_changed(struct virtio_watch *watch)
{
    struct block_virtio *disk = CONTAINER_OF(watch, struct block_virtio, watch);
    struct virtio_block_config config;
    read_config(disk, &config);
    uint64_t block_count = blocks_of(disk, &config);
    if (block_count == disk->block.block_count) return false;
    log_info("the disk has now %llu blocks of %u bytes, and had %llu",
             (unsigned long long)block_count, disk->block.block_bytes,
             (unsigned long long)disk->block.block_count);
    disk->block.block_count = block_count;
    return false;
}

/* 5.2.4. Where the device does not say how many parts it takes, it is one. */
enum result block_virtio_take_config(struct block_virtio *disk)
{
    struct virtio_block_config config;
    const struct virtio_device *device = &disk->device;
    read_config(disk, &config);
    bool has_size = virtio_device_has(device, VIRTIO_BLK_F_BLK_SIZE);
    uint32_t block_bytes = has_size ? config.block_bytes : VIRTIO_BLOCK_SECTOR_BYTES;
    uint64_t sectors = MIN(config.capacity_sectors, UINT64_MAX / VIRTIO_BLOCK_SECTOR_BYTES);
    bool has_parts = virtio_device_has(device, VIRTIO_BLK_F_SEG_MAX) && config.parts_max > 0;
    if (!block_bytes_are_valid(block_bytes) || sectors < block_bytes / VIRTIO_BLOCK_SECTOR_BYTES) {
        log_error("the disk has %llu sectors, in blocks of %u bytes: that is none",
                  (unsigned long long)sectors, block_bytes);
        return INVALID;
    }
    disk->block.block_bytes = block_bytes;
    disk->block.block_count = blocks_of(disk, &config);
    disk->block.alignment_bytes = 1;
    disk->block.read_only = virtio_device_has(device, VIRTIO_BLK_F_RO);
    disk->parts_max = has_parts ? MIN(config.parts_max, BLOCK_PARTS_MAX) : 1;
    take_discard(disk, &config);
    return take_part_bytes_max(disk, &config) ? OK : INVALID;
}
