/* fuzz_monitor.c - what a machine that starts by PVH is told: the input is its memory, with the
 * start information first. What is taken from it lies in it, the command line's words are no longer
 * than the line, and what ACPI's tables tell can be written to.
 *
 * SPDX-License-Identifier: ISC */
#include "base/units.h"
#include "target/monitor/acpi.h"
#include "target/monitor/start_info.h"
#include "target/monitor/words.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length_bytes);

#define LOADED 0x100000

static void check_part(struct view memory, struct view part)
{
    if (view_is_empty(part)) return;
    size_t offset_bytes = (size_t)(part.bytes - memory.bytes);
    assert(part.bytes >= memory.bytes && offset_bytes < memory.length_bytes);
    assert_that(part.length_bytes, <=, memory.length_bytes - offset_bytes);
}

static void check_words(struct view line)
{
    static uint8_t room[512];
    static struct told_device devices[4];
    struct words words = { .room = SPAN_OF(room),
                           .devices = devices,
                           .device_max = LENGTH_OF(devices) };
    if (words_read(&words, line) != OK) return;
    assert_that(words.length_bytes, <=, MIN(line.length_bytes + 1, sizeof room));
    assert_that(words.device_count, <=, LENGTH_OF(devices));
    if (words.length_bytes > 0) assert(room[words.length_bytes - 1] == 0);
    for (size_t i = 0; i < words.device_count; i++)
        assert_that(devices[i].interrupt, <=, UINT8_MAX);
}

static void check_acpi(struct view memory, uint64_t rsdp)
{
    struct acpi acpi;
    acpi_read(&acpi, memory, rsdp);
    assert_that(acpi.sleep_control, <=, acpi.is_sleep_port ? UINT16_MAX : UINT32_MAX);
    assert(acpi.sleep_control == 0 || (acpi.sleep_value & 0xe3) == 0x20);
    assert(acpi.pm1_control == 0 || (acpi.pm1_value & 0xe3ff) == 0x2000);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length_bytes)
{
    struct view memory = view_from(bytes, length_bytes);
    struct start_info info;
    check_words(memory);
    check_acpi(memory, 64);
    if (start_info_read(&info, memory, 0, LOADED) != OK) {
        assert(info.problem != NULL);
        return 0;
    }
    assert(info.memory_end > LOADED);
    check_part(memory, info.command_line);
    check_words(info.command_line);
    check_acpi(memory, info.rsdp);
    return 0;
}
