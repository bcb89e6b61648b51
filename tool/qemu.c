/* qemu.c - the command line of a machine under QEMU.
 *
 * Devices have no names there: the first card is the first net of the manifest
 * (target/monitor/slots.c), so they are told of in its order.
 *
 * SPDX-License-Identifier: ISC */
#include "qemu.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <loom/module.h>

#include "disks.h"
#include "fail.h"
#include "machine.h"
#include "qemu_net.h"
#include "target/machine/machine.h"

#define PROGRAM "qemu-system-x86_64"

/* What virtio leaves to be agreed on, switched off: of every device, of a card, of a disk. */
#define WITHOUT_QUEUE ",event_idx=off,indirect_desc=off"
#define WITHOUT_NET \
    ",csum=off,gso=off,guest_csum=off,guest_tso4=off,guest_tso6=off,guest_ecn=off," \
    "guest_ufo=off,guest_announce=off,host_tso4=off,host_tso6=off,host_ecn=off,host_ufo=off," \
    "mrg_rxbuf=off,status=off,ctrl_vq=off,ctrl_rx=off,ctrl_vlan=off,ctrl_rx_extra=off," \
    "ctrl_mac_addr=off,ctrl_guest_offloads=off"
#define WITHOUT_BLOCK ",write-cache=off,config-wce=off,discard=off,write-zeroes=off"

struct obstacle qemu_obstacle(void)
{
    if (!process_exists(PROGRAM))
        return (struct obstacle){ "there is no " PROGRAM, "apt-get install qemu-system-x86" };
    return (struct obstacle){ NULL, NULL };
}

/* ---- words ---- */

/* A comma within a value is written twice. */
static const char *escaped(const char *text)
{
    const char *result = "";
    for (const char *comma = strchr(text, ','); comma != NULL; comma = strchr(text, ',')) {
        result = text_of("%s%.*s,,", result, (int)(comma - text), text);
        text = comma + 1;
    }
    return text_of("%s%s", result, text);
}

/* "16MiB" in KiB, which QEMU takes. */
static uint64_t memory_of(const char *text)
{
    static const struct {
        const char *unit;
        uint64_t bytes;
    } units[] = { { "", 1 }, { "KiB", 1 << 10 }, { "MiB", 1 << 20 }, { "GiB", 1 << 30 } };
    char *end;
    uint64_t number = strtoull(text, &end, 10);
    for (size_t i = 0; i < sizeof units / sizeof *units && text[0] >= '0' && text[0] <= '9'; i++) {
        if (strcmp(end, units[i].unit) != 0 || number > INT64_MAX / units[i].bytes) continue;
        return number * units[i].bytes / 1024;
    }
    fail_usage("--mem %s: write a size such as 16MiB, 128MiB or 1GiB", text);
}

/* The monitor cuts the line at blanks that no quotes are round (target/monitor/words.h), takes more
 * of them for one, and knows an empty word by its quotes. */
static const char *quoted(const char *word)
{
    if (strchr(word, '"') != NULL)
        fail_usage("-- %s: a machine under QEMU cannot be told a double quote", word);
    return word[0] == '\0' || strpbrk(word, " \t") != NULL ? text_of("\"%s\"", word) : word;
}

static const char *boot_line(const struct application *application, const struct options *options)
{
    struct command_line words = { .count = 0 };
    const char *line = "";
    network_address(&words, application, options);
    for (int i = 0; i < options->rest_count; i++)
        command_line_add(&words, options->rest[i]);
    for (size_t i = 0; i < words.count; i++)
        line = text_of("%s%s%s", line, i > 0 ? " " : "", quoted(words.words[i]));
    if (strlen(line) >= MACHINE_ARGUMENTS_MAX)
        fail_usage("the boot parameters are longer than %d bytes", MACHINE_ARGUMENTS_MAX - 1);
    return line;
}

/* ---- devices ---- */

/* How a device of virtio is called: on microvm it has no bus. */
static const char *device(const struct qemu_wish *wish, const char *name, const char *without)
{
    bool has_none = strcmp(wish->features, "none") == 0;
    bool is_mmio = strcmp(wish->kind, "microvm") == 0;
    return text_of("virtio-%s-%s%s%s", name, is_mmio ? "device" : "pci,disable-legacy=on",
                   has_none ? WITHOUT_QUEUE : "", has_none ? without : "");
}

static void add_console(struct command_line *line, const struct qemu_wish *wish)
{
    command_line_add(line, "-chardev", "stdio,id=console,signal=off", "-device",
                     device(wish, "serial", ""), "-device", "virtconsole,chardev=console");
    /* The monitor's own words. */
    command_line_add(line, "-chardev", "file,id=serial,path=/dev/fd/2", "-serial",
                     "chardev:serial");
}

static void add_entropy(struct command_line *line, const struct qemu_wish *wish)
{
    command_line_add(line, "-object", "rng-builtin,id=entropy", "-device",
                     text_of("%s,rng=entropy", device(wish, "rng", "")));
}

static void add_disks(struct command_line *line, const struct application *application,
                      const struct options *options, const struct qemu_wish *wish)
{
    struct disks_drive drives[DISKS_MAX];
    size_t count = disks_drives(application, options, drives);
    for (size_t i = 0; i < count; i++) {
        struct stat status;
        const struct disks_drive *drive = &drives[i];
        bool is_device = stat(drive->file, &status) == 0 && S_ISBLK(status.st_mode);
        command_line_add(
            line, "-blockdev",
            text_of("driver=raw,node-name=drive%zu,read-only=%s,cache.direct=%s,"
                    "discard=unmap,file.driver=%s,file.filename=%s",
                    i, drive->is_read_only ? "on" : "off", drive->is_direct ? "on" : "off",
                    is_device ? "host_device" : "file", escaped(drive->file)),
            "-device", text_of("%s,drive=drive%zu", device(wish, "blk", WITHOUT_BLOCK), i));
    }
}

/* One of its own, so that machines on one wire are told apart. */
static struct mac random_mac(void)
{
    struct mac mac;
    if (getrandom(&mac, sizeof mac, 0) != (ssize_t)sizeof mac) fail("the host gives no entropy");
    mac.bytes[0] = (uint8_t)((mac.bytes[0] & 0xfc) | 2); /* local, of one station */
    return mac;
}

static void add_nets(struct launch *launch, const struct application *application,
                     const struct options *options, const struct qemu_wish *wish)
{
    struct network_card cards[NETWORK_CARDS_MAX];
    struct command_line *line = &launch->line;
    size_t count = network_cards(application, options, cards);
    const char *rom = strcmp(wish->kind, "microvm") == 0 ? "" : ",romfile=";
    for (size_t i = 0; i < count; i++) {
        struct mac mac = random_mac();
        const uint8_t *m = mac.bytes;
        /* QEMU would take the headers down as parts of the frames. */
        bool has_headers = strcmp(wish->features, "all") == 0 && cards[i].capture == NULL;
        qemu_net_add(launch->qemu, line, &cards[i],
                     &(struct qemu_net){ .number = i, .mac = mac, .has_headers = has_headers });
        command_line_add(line, "-device",
                         text_of("%s%s,netdev=net%zu,mac=%02x:%02x:%02x:%02x:%02x:%02x",
                                 device(wish, "net", WITHOUT_NET), rom, i, m[0], m[1], m[2], m[3],
                                 m[4], m[5]));
        if (cards[i].capture != NULL)
            command_line_add(line, "-object",
                             text_of("filter-dump,id=capture%zu,netdev=net%zu,file=%s", i, i,
                                     escaped(cards[i].capture)));
    }
}

/* ---- the machine ---- */

static void add_machine(struct command_line *line, const struct qemu_wish *wish,
                        const struct options *options)
{
    const char *memory = options->values[MACHINE_MEMORY];
    bool is_kvm = strcmp(wish->accelerator, "kvm") == 0;
    command_line_add(line, PROGRAM, "-nodefaults", "-no-user-config", "-display", "none",
                     "-no-reboot", "-machine", wish->kind, "-accel", wish->accelerator, "-cpu",
                     is_kvm ? "host,-arch-capabilities" : "max", "-m",
                     text_of("%" PRIu64 "K", memory_of(memory != NULL ? memory : "256MiB")));
    command_line_add(line, "-global", "virtio-mmio.force-legacy=false");
    /* target/monitor/last.c: QEMU ends with seven bits of the status, and is told all eight. */
    command_line_add(line, "-device", "isa-debug-exit,iobase=0x501,iosize=4", "-device",
                     "isa-debugcon,iobase=0x505,chardev=status");
}

/* Its file holds the monitor that starts it (target/monitor/woven.S). */
static void add_image(struct command_line *line, const struct application *application,
                      const char *image)
{
    const struct keys keys = keys_remembered(application);
    const char *boot = keys_value(&keys, "boot");
    if (boot != NULL && strcmp(boot, "tender") == 0)
        fail_usage("run --on qemu: the image was made for the tender alone; add --boot=pvh");
    command_line_add(line, "-kernel", image);
}

static struct qemu_wish completed(const struct qemu_wish *asked)
{
    struct qemu_wish wish = *asked;
    struct obstacle kvm = machine_kvm_obstacle();
    if (wish.accelerator != NULL && strcmp(wish.accelerator, "kvm") == 0 && kvm.what != NULL)
        fail("run --accel kvm: %s; mend it: %s", kvm.what, kvm.remedy);
    if (wish.accelerator == NULL && kvm.what != NULL)
        notice("%s, so QEMU emulates the processor (--accel tcg)", kvm.what);
    if (wish.accelerator == NULL) wish.accelerator = kvm.what != NULL ? "tcg" : "kvm";
    if (wish.kind == NULL) wish.kind = "microvm";
    if (wish.features == NULL) wish.features = "all";
    return wish;
}

void qemu_add(struct launch *launch, const struct application *application,
              const struct options *options, const struct qemu_wish *asked)
{
    struct qemu_wish wish = completed(asked);
    launch->qemu = qemu_make();
    add_machine(&launch->line, &wish, options);
    add_console(&launch->line, &wish);
    add_entropy(&launch->line, &wish);
    add_nets(launch, application, options, &wish);
    add_disks(&launch->line, application, options, &wish);
    add_image(&launch->line, application, launch->image);
    command_line_add(&launch->line, "-append", boot_line(application, options));
}
