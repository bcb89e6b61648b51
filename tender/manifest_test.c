/* manifest_test.c - what an image's manifest tells of its devices, and manifests that are none.
 *
 * SPDX-License-Identifier: ISC */
#include "tender/manifest.h"

#include "test/test.h"

static struct manifest manifest;

static bool is_read(struct view text)
{
    return manifest_read(&manifest, test_guarded(text));
}

static const struct view sound = VIEW_ROW(
    "{\n  \"loom\": \"0.1.0\",\n  \"name\": \"site\",\n  \"target\": \"vm\",\n"
    "  \"keys\": { \"cc\": \"gcc\", \"deep\": [1, {\"a\": [true, null, -1.5e3]}, []] },\n"
    "  \"devices\": [\n"
    "    { \"name\": \"net0\", \"module\": \"net_virtio\", \"words\": \"a \\\"net\\\"\","
    " \"prefix\": \"\", \"needs\": [] },\n"
    "    { \"name\": \"stack0\", \"module\": \"stack_direct\", \"needs\": [{ \"device\": \"net0\","
    " \"signature\": \"net\" }] },\n"
    "    { \"prefix\": \"disk\", \"name\": \"disk_block\", \"module\": \"block_virtio\" }\n"
    "  ]\n}\n");

TEST(manifest_tells_the_devices)
{
    expect(is_read(sound));
    expect_view(manifest.name, VIEW("site"));
    expect_that(manifest.count, ==, 2);
    expect_that(manifest.devices[0].kind, ==, MACHINE_NET);
    expect_view(manifest.devices[0].name, VIEW("net0"));
    expect_view(manifest.devices[0].prefix, VIEW(""));
    expect_that(manifest.devices[1].kind, ==, MACHINE_BLOCK);
    expect_view(manifest.devices[1].name, VIEW("disk_block"));
    expect_view(manifest.devices[1].prefix, VIEW("disk"));
}

TEST(manifest_without_devices_is_one)
{
    expect(is_read(VIEW("{}")));
    expect(is_read(VIEW(" { \"name\" : \"a\" , \"devices\" : [ ] } ")));
    expect_that(manifest.count, ==, 0);
}

TEST(manifest_that_is_cut_off_is_refused_at_every_length)
{
    size_t end = view_trim(view_first(sound, sound.length_bytes - 1)).length_bytes;
    for (size_t length = 0; length < end; length++)
        expect(!manifest_read(&manifest, view_first(sound, length)));
    expect(manifest_read(&manifest, view_first(sound, end)));
}

TEST(manifest_that_is_malformed_is_refused)
{
    static const struct view texts[] = {
        VIEW_ROW(""),
        VIEW_ROW("[]"),
        VIEW_ROW("{} x"),
        VIEW_ROW("{\"a\" 1}"),
        VIEW_ROW("{\"a\": 1 \"b\": 2}"),
        VIEW_ROW("{\"a\": [1, 2}}"),
        VIEW_ROW("{\"a\": }"),
        VIEW_ROW("{,}"),
        VIEW_ROW("{\"name\": 3}"),
        VIEW_ROW("{\"name\": \"a\\\"}"),
        VIEW_ROW("{\"devices\": {}}"),
        VIEW_ROW("{\"devices\": [1]}"),
        VIEW_ROW("{\"devices\": [{\"module\": \"net_virtio\"}]}"), /* without a name */
        VIEW_ROW("{\"devices\": [{\"module\": \"net_virtio\", \"name\": \"seventeen-letters\"}]}"),
        VIEW_ROW("{\"a\": [[[[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]]]]}"), /* too deep */
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        expect(!is_read(texts[i]));
}

TEST(manifest_with_more_devices_than_a_machine_has_is_refused)
{
    static const struct view device = VIEW_ROW("{\"module\":\"net_virtio\",\"name\":\"n\"},");
    static uint8_t text[2048];
    struct span room = span_copy(SPAN_OF(text), VIEW("{\"devices\":["));
    for (int i = 0; i <= MACHINE_DEVICES_MAX; i++)
        room = span_copy(room, device);
    size_t length = sizeof text - room.length_bytes - 1; /* without the last comma */
    (void)span_copy(span_from_offset(SPAN_OF(text), length), VIEW("]}"));
    expect(!is_read(view_from(text, length + 2)));
    length -= device.length_bytes;
    (void)span_copy(span_from_offset(SPAN_OF(text), length), VIEW("]}"));
    expect(is_read(view_from(text, length + 2)));
    expect_that(manifest.count, ==, MACHINE_DEVICES_MAX);
}
