/* machine.c - what runs a machine: our tender over KVM, or QEMU.
 *
 * SPDX-License-Identifier: ISC */
#include "machine.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <loom/module.h>

#include "build.h"
#include "disks.h"
#include "fail.h"
#include "network.h"
#include "qemu.h"

/* It stands beside the command. */
static const char *tender_path(const struct house *house)
{
    return house_program(house, "loom-tender");
}

/* ---- what is there ---- */

struct obstacle machine_kvm_obstacle(void)
{
    static const char kvm[] = "/dev/kvm";
    if (access(kvm, F_OK) != 0) {
        return (struct obstacle){
            "there is no /dev/kvm",
            "as root: modprobe kvm_intel || modprobe kvm_amd; where this is a machine itself, its "
            "host must allow nested ones; in a container: --device /dev/kvm"
        };
    }
    if (access(kvm, R_OK | W_OK) != 0) {
        return (struct obstacle){ "/dev/kvm is not yours to open",
                                  "as root: usermod -aG kvm NAME, and log in again" };
    }
    return (struct obstacle){ NULL, NULL };
}

struct obstacle machine_obstacle(const struct house *house)
{
    struct obstacle kvm = machine_kvm_obstacle();
    if (kvm.what != NULL) return kvm;
    if (access(tender_path(house), X_OK) != 0) {
        return (struct obstacle){ text_of("there is no loom-tender beside %s", house->loom),
                                  "in Loom's tree: make tender" };
    }
    return (struct obstacle){ NULL, NULL };
}

/* ---- what was asked for ---- */

void machine_refuse(const struct options *options)
{
    static const struct {
        int letter;
        const char *name;
    } own[] = { { MACHINE_ON, "on" },
                { MACHINE_KIND, "machine" },
                { MACHINE_FEATURES, "features" },
                { MACHINE_ACCELERATOR, "accel" },
                { MACHINE_MEMORY, "mem" },
                { MACHINE_CORE, "core" } };
    for (size_t i = 0; i < sizeof own / sizeof *own; i++) {
        if (options->values[own[i].letter] == NULL) continue;
        fail_usage("--%s is for a machine; add -t vm", own[i].name);
    }
}

/* One of these words, or NULL where nothing was said. */
static const char *word_of(const struct options *options, int letter, const char *name,
                           const char *const words[3])
{
    const char *value = options->values[letter];
    if (value == NULL) return NULL;
    for (size_t i = 0; i < 3 && words[i] != NULL; i++) {
        if (strcmp(value, words[i]) == 0) return words[i];
    }
    fail_usage("--%s %s: there is no such one; there are %s and %s%s%s", name, value, words[0],
               words[1], words[2] != NULL ? " and " : "", words[2] != NULL ? words[2] : "");
}

struct wish {
    const char *on; /* NULL: it is all the same */
    struct qemu_wish qemu;
};

static struct wish wish_read(const struct options *options)
{
    struct wish wish = {
        .on = word_of(options, MACHINE_ON, "on", (const char *const[]){ "tender", "qemu", NULL }),
        .qemu = { .kind = word_of(options, MACHINE_KIND, "machine",
                                  (const char *const[]){ "microvm", "q35", "pc" }),
                  .accelerator = word_of(options, MACHINE_ACCELERATOR, "accel",
                                         (const char *const[]){ "kvm", "tcg", NULL }),
                  .features = word_of(options, MACHINE_FEATURES, "features",
                                      (const char *const[]){ "all", "none", NULL }) },
    };
    const struct qemu_wish *qemu = &wish.qemu;
    bool wants_qemu = qemu->kind != NULL || qemu->accelerator != NULL;
    if (wants_qemu && wish.on != NULL && strcmp(wish.on, "tender") == 0)
        fail_usage("--machine and --accel are for QEMU: --on qemu");
    if (wants_qemu) wish.on = "qemu";
    return wish;
}

/* ---- the choice ---- */

static void check_qemu(const struct options *options)
{
    struct obstacle obstacle = qemu_obstacle();
    if (options->values[MACHINE_CORE] != NULL)
        fail_usage("--core: the tender leaves cores, QEMU does not; leave it out, or --on tender");
    if (options->values[MACHINE_DEBUGGER] != NULL)
        fail_usage("loom debug: the tender lets gdb into a machine, QEMU does not; --on tender");
    if (obstacle.what != NULL)
        fail("run --on qemu: %s; mend it: %s", obstacle.what, obstacle.remedy);
}

/* Of what was asked for, something that only the tender does. */
static bool needs_tender(const struct options *options)
{
    return options->values[MACHINE_CORE] != NULL || options->values[MACHINE_DEBUGGER] != NULL;
}

/* Whether it is QEMU. */
static bool choose(struct wish *wish, const struct house *house, const struct options *options)
{
    bool is_chosen = wish->on != NULL;
    struct obstacle tender = machine_obstacle(house), kvm = machine_kvm_obstacle();
    if (is_chosen && strcmp(wish->on, "qemu") == 0) {
        check_qemu(options);
        return true;
    }
    if (tender.what == NULL) return false;
    if (is_chosen || kvm.what == NULL || needs_tender(options))
        fail("run -t vm: %s; mend it: %s", tender.what, tender.remedy);
    struct obstacle qemu = qemu_obstacle();
    if (qemu.what != NULL)
        fail("run -t vm: %s; mend it: %s; or have QEMU emulate it: %s", kvm.what, kvm.remedy,
             qemu.remedy);
    notice("%s, so QEMU runs the machine and emulates its processor (--on qemu --accel tcg)",
           kvm.what);
    wish->qemu.accelerator = "tcg";
    return true;
}

/* ---- the tender ---- */

static const char *core_path(const char *image, const char *wanted)
{
    return *wanted != '\0' ? wanted : text_of("%s.core", strrchr(image, '/') + 1);
}

static void tender_attach(struct command_line *line, const struct application *application,
                          const struct options *options)
{
    struct network_card cards[NETWORK_CARDS_MAX];
    struct disks_drive drives[DISKS_MAX];
    size_t count = network_cards(application, options, cards);
    for (size_t i = 0; i < count; i++) {
        const struct network_card *card = &cards[i];
        command_line_add(line, "--net", text_of("%s=%s", card->name, card->attached));
        if (card->publish != NULL)
            command_line_add(line, "--publish", text_of("%s=%s", card->name, card->publish));
        if (card->capture != NULL)
            command_line_add(line, "--capture", text_of("%s=%s", card->name, card->capture));
    }
    count = disks_drives(application, options, drives);
    for (size_t i = 0; i < count; i++) {
        const struct disks_drive *drive = &drives[i];
        command_line_add(
            line, drive->is_read_only ? "--block-read-only" : "--block",
            text_of("%s=%s%s", drive->name, drive->file, drive->is_direct ? ",direct" : ""));
    }
}

static void tender_add(struct launch *launch, const struct application *application,
                       const struct options *options)
{
    struct command_line *line = &launch->line;
    const char *core = options->values[MACHINE_CORE], *socket = options->values[MACHINE_DEBUGGER];
    command_line_add(line, tender_path(&application->house));
    if (options->values[MACHINE_MEMORY] != NULL)
        command_line_add(line, "--mem", options->values[MACHINE_MEMORY]);
    if (options->values[MACHINE_FEATURES] != NULL)
        command_line_add(line, "--features", options->values[MACHINE_FEATURES]);
    tender_attach(line, application, options);
    if (core != NULL) command_line_add(line, "--core", core_path(launch->image, core));
    if (socket != NULL) command_line_add(line, "--wait-for-debugger", socket);
    command_line_add(line, launch->image, "--");
    network_address(line, application, options);
    for (int i = 0; i < options->rest_count; i++)
        command_line_add(line, options->rest[i]);
}

void machine_launch(struct launch *launch, const struct application *application,
                    const struct options *options)
{
    struct wish wish = wish_read(options);
    bool is_qemu = choose(&wish, &application->house, options);
    launch->image = build_or_fail(application, &options->keys, "");
    if (is_qemu)
        qemu_add(launch, application, options, &wish.qemu);
    else
        tender_add(launch, application, options);
}
