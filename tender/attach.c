/* attach.c - from the manifest and the command line to open devices.
 *
 * SPDX-License-Identifier: ISC */
#include "tender/attach.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/units.h"
#include "tender/fail.h"

size_t attach_inherited(const struct tender_options *options, int numbers[MACHINE_DEVICES_MAX])
{
    size_t count = 0;
    for (size_t i = 0; i < options->nets.count; i++) {
        struct net_host_choice choice;
        if (net_host_choice_read(&choice, options->nets.list[i].what) == OK &&
            choice.kind == NET_HOST_DESCRIPTOR)
            numbers[count++] = choice.descriptor;
    }
    return count;
}

/* What a user calls it: the prefix of its boot parameters, which the only one does without. */
static struct view shown_name(const struct manifest_device *device)
{
    return view_is_empty(device->prefix) ? device->name : device->prefix;
}

static struct attachment *find(struct attachments *attachments,
                               const struct manifest_device *device)
{
    bool needs_no_name = view_is_empty(device->prefix);
    struct attachment *found = attachment_find(attachments, shown_name(device), needs_no_name);
    return found != NULL ? found : attachment_find(attachments, device->name, needs_no_name);
}

static void open_net(struct device_net *net, struct machine_device *shared,
                     const struct manifest_device *device, struct tender_options *options)
{
    const struct attachment *attachment = find(&options->nets, device);
    const struct attachment *ports = find(&options->ports, device);
    const struct attachment *capture = find(&options->captures, device);
    struct device_net_options net_options = {
        .name = device->name,
        .choice.kind = NET_HOST_PASST,
        .publish = ports != NULL ? ports->what : (struct view){ 0 },
        /* It ends where the word does. */
        .capture = capture != NULL ? (const char *)capture->what.bytes : NULL,
    };
    if (attachment != NULL && net_host_choice_read(&net_options.choice, attachment->what) != OK)
        tender_fail_usage("--net %.*s: write passt, tap:INTERFACE or fd:NUMBER, and before it "
                          "NAME= for a net that has a name",
                          VIEW_FORMAT(attachment->what));
    if (ports != NULL && !net_passt_publish_is_valid(ports->what))
        tender_fail_usage("--publish %.*s: write HOST:GUEST, two ports; commas between pairs",
                          VIEW_FORMAT(ports->what));
    if (ports != NULL && net_options.choice.kind != NET_HOST_PASST)
        tender_fail_usage("--publish %.*s: it is for passt; over anything else the image is "
                          "reached at an address of its own",
                          VIEW_FORMAT(ports->what));
    if (device_net_open(net, shared, &net_options) != OK)
        exit(TENDER_FAILED); /* which has been told */
}

/* "FILE,direct" is not read and written through the host's cache. */
static const struct view direct = VIEW_ROW(",direct");

static void open_block(struct device_block *block, struct machine_device *shared,
                       const struct manifest_device *device, struct tender_options *options)
{
    const struct attachment *attachment = find(&options->blocks, device);
    struct view name = shown_name(device);
    if (attachment == NULL)
        tender_fail_usage("the image wants a block device: add --block %.*s=FILE (truncate -s "
                          "64M FILE makes one)",
                          VIEW_FORMAT(name));
    struct block_store store;
    struct view path = attachment->what;
    enum block_store_way way = BLOCK_CACHED;
    if (view_ends_with(path, direct)) {
        way = BLOCK_DIRECT;
        path = view_first(path, path.length_bytes - direct.length_bytes);
    }
    if (block_store_open(&store, path, attachment->is_read_only, way) != OK)
        exit(TENDER_FAILED); /* which has been told */
    device_block_open(block, shared, device->name, &store);
}

static void add(struct attached *attached, struct device *device)
{
    attached->devices.list[attached->devices.count++] = device;
}

static void open_device(struct attached *attached, const struct manifest_device *device,
                        struct tender_options *options, struct machine_boot *boot)
{
    union any_device *place = &attached->list[attached->devices.count];
    struct machine_device *shared = &boot->devices[attached->devices.count];
    if (device->kind == MACHINE_NET) {
        open_net(&place->net, shared, device, options);
        add(attached, &place->net.device);
        attached->nets[attached->net_count++] = &place->net;
        attached->captures |= place->net.capture.is_open;
    } else {
        open_block(&place->block, shared, device, options);
        add(attached, &place->block.device);
        attached->disk_bytes_max = MAX(attached->disk_bytes_max,
                                       place->block.store.sector_count * VIRTIO_BLOCK_SECTOR_BYTES);
    }
}

/* What a device could do all the same, no driver asks for. */
static void offer_nothing(struct machine_boot *boot)
{
    for (size_t i = 0; i < boot->device_count; i++)
        boot->devices[i].offered &= VIRTIO_F_VERSION_1;
}

void attach_all(struct attached *attached, const struct manifest *manifest,
                struct tender_options *options, struct machine_boot *boot)
{
    device_console_open(&attached->list[0].console, &boot->devices[0], STDIN_FILENO, STDOUT_FILENO);
    add(attached, &attached->list[0].console.device);
    if (manifest->count >= MACHINE_DEVICES_MAX)
        tender_fail("the image wants %zu devices, and a machine has %u with its console",
                    manifest->count + 1, MACHINE_DEVICES_MAX);
    for (size_t i = 0; i < manifest->count; i++)
        open_device(attached, &manifest->devices[i], options, boot);
    attachments_check(&options->nets);
    attachments_check(&options->ports);
    attachments_check(&options->captures);
    attachments_check(&options->blocks);
    boot->device_count = (uint32_t)attached->devices.count;
    if (options->offers_nothing) offer_nothing(boot);
}

size_t attached_children(const struct attached *attached, int numbers[MACHINE_DEVICES_MAX])
{
    size_t count = 0;
    for (size_t i = 0; i < attached->net_count; i++)
        if (attached->nets[i]->process.number != 0)
            numbers[count++] = attached->nets[i]->process.number;
    return count;
}

void attached_end_children(struct attached *attached)
{
    for (size_t i = 0; i < attached->net_count; i++)
        if (attached->nets[i]->process.number != 0) device_net_close(attached->nets[i]);
}
