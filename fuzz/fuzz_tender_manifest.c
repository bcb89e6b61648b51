/* fuzz_tender_manifest.c - the manifest of an image that may be anybody's: what is taken for one
 * has devices whose names are parts of it, and what it is cut to is refused.
 *
 * SPDX-License-Identifier: ISC */
#include "base/units.h"
#include "tender/manifest.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length_bytes);

static struct manifest manifest, cut;

static void check_part(struct view text, struct view part)
{
    if (view_is_empty(part)) return;
    size_t offset_bytes = (size_t)(part.bytes - text.bytes);
    assert(part.bytes >= text.bytes && offset_bytes < text.length_bytes);
    assert_that(part.length_bytes, <=, text.length_bytes - offset_bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length_bytes)
{
    struct view text = view_from(bytes, length_bytes);
    if (!manifest_read(&manifest, text)) return 0;
    check_part(text, manifest.name);
    assert_that(manifest.count, <=, MACHINE_DEVICES_MAX);
    for (size_t i = 0; i < manifest.count; i++) {
        const struct manifest_device *device = &manifest.devices[i];
        assert(device->kind == MACHINE_NET || device->kind == MACHINE_BLOCK);
        assert(device->name.length_bytes > 0);
        assert_that(device->name.length_bytes, <=, MACHINE_DEVICE_NAME_MAX);
        check_part(text, device->name);
        check_part(text, device->prefix);
    }
    /* An object ends with its brace: without it there is none. */
    size_t end = length_bytes;
    while (view_byte(text, end - 1) != '}')
        end--;
    assert(!manifest_read(&cut, view_first(text, end - 1)));
    return 0;
}
