/* start_info.c - reads what PVH tells.
 *
 * SPDX-License-Identifier: ISC */
#include "target/monitor/start_info.h"

#include "base/cursor.h"
#include "base/units.h"

#define START_MAGIC      0x336ec578
#define START_BYTES      56
#define MAP_ENTRY_BYTES  24
#define MAP_ENTRIES_MAX  128
#define MAP_MEMORY       1 /* as E820 numbers it */
#define COMMAND_LINE_MAX 4096

static enum result refuse(struct start_info *info, const char *problem)
{
    info->problem = problem;
    return INVALID;
}

static struct view part(struct view memory, uint64_t address, uint64_t length_bytes)
{
    if (address > memory.length_bytes || length_bytes > memory.length_bytes - address)
        return (struct view){ 0 };
    return view_slice(memory, address, length_bytes);
}

/* Up to its NUL, or as much as can be one. */
static struct view command_line_at(struct view memory, uint64_t address)
{
    if (address == 0 || address >= memory.length_bytes) return (struct view){ 0 };
    uint64_t length_bytes = MIN(memory.length_bytes - address, (uint64_t)COMMAND_LINE_MAX);
    struct view line = part(memory, address, length_bytes);
    return view_first(line, view_find_byte(line, 0));
}

static enum result read_map(struct start_info *info, struct view map, uint64_t loaded)
{
    struct cursor cursor = cursor_over(map);
    while (cursor_left(&cursor) >= MAP_ENTRY_BYTES) {
        uint64_t start = cursor_u64_le(&cursor), length_bytes = cursor_u64_le(&cursor);
        uint32_t type = cursor_u32_le(&cursor);
        cursor_skip(&cursor, 4);
        if (type != MAP_MEMORY || loaded < start || loaded - start >= length_bytes) continue;
        info->memory_end = length_bytes > UINT64_MAX - start ? UINT64_MAX : start + length_bytes;
        return OK;
    }
    return refuse(info, "its map of memory has none where the monitor was loaded");
}

enum result start_info_read(struct start_info *info, struct view memory, uint64_t address,
                            uint64_t loaded)
{
    *info = (struct start_info){ 0 };
    struct cursor cursor = cursor_over(part(memory, address, START_BYTES));
    uint32_t magic = cursor_u32_le(&cursor), version = cursor_u32_le(&cursor);
    cursor_skip(&cursor, 16);
    uint64_t command_line = cursor_u64_le(&cursor);
    info->rsdp = cursor_u64_le(&cursor);
    uint64_t map = cursor_u64_le(&cursor);
    uint32_t count = cursor_u32_le(&cursor);
    if (cursor.ran_short || magic != START_MAGIC)
        return refuse(info, "it was not started as PVH has it");
    if (version < 1 || map == 0) return refuse(info, "it is told of no map of memory");
    if (count == 0 || count > MAP_ENTRIES_MAX)
        return refuse(info, "its map of memory is too long, or empty");
    struct view entries = part(memory, map, (uint64_t)count * MAP_ENTRY_BYTES);
    if (view_is_empty(entries)) return refuse(info, "its map of memory lies where none can be");
    info->command_line = command_line_at(memory, command_line);
    return read_map(info, entries, loaded);
}
