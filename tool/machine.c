/* machine.c - the monitor that runs a machine: our tender, over KVM.
 *
 * SPDX-License-Identifier: ISC */
#include "machine.h"

#include <string.h>
#include <unistd.h>

#include <loom/module.h>

#include "build.h"
#include "disks.h"
#include "fail.h"
#include "network.h"

/* It stands beside the command. */
static const char *tender_path(const struct house *house)
{
    const char *slash = strrchr(house->loom, '/');
    return text_of("%.*s/loom-tender", (int)(slash - house->loom), house->loom);
}

struct machine_obstacle machine_obstacle(const struct house *house)
{
    static const char kvm[] = "/dev/kvm";
    if (access(kvm, F_OK) != 0) {
        return (struct machine_obstacle){
            "there is no /dev/kvm",
            "as root: modprobe kvm_intel || modprobe kvm_amd; where this is a machine itself, its "
            "host must allow nested ones; in a container: --device /dev/kvm"
        };
    }
    if (access(kvm, R_OK | W_OK) != 0) {
        return (struct machine_obstacle){ "/dev/kvm is not yours to open",
                                          "as root: usermod -aG kvm NAME, and log in again" };
    }
    if (access(tender_path(house), X_OK) != 0) {
        return (struct machine_obstacle){ text_of("there is no loom-tender beside %s", house->loom),
                                          "in Loom's tree: make tender" };
    }
    return (struct machine_obstacle){ NULL, NULL };
}

static void check_monitor(const struct options *options)
{
    const char *on = options->values[MACHINE_ON];
    if (on == NULL || strcmp(on, "tender") == 0) return;
    if (strcmp(on, "qemu") == 0)
        fail_usage("run --on qemu: this version has no monitor for QEMU yet; leave it out");
    fail_usage("run --on %s: there is no such monitor; there is tender", on);
}

void machine_refuse(const struct options *options)
{
    static const struct {
        int letter;
        const char *name;
    } own[] = { { MACHINE_ON, "on" }, { MACHINE_MEMORY, "mem" }, { MACHINE_CORE, "core" } };
    for (size_t i = 0; i < sizeof own / sizeof *own; i++) {
        if (options->values[own[i].letter] == NULL) continue;
        fail_usage("--%s is for a machine; add -t vm", own[i].name);
    }
}

static const char *core_path(const char *image, const char *wanted)
{
    return *wanted != '\0' ? wanted : text_of("%s.core", strrchr(image, '/') + 1);
}

static void debugging_attach(struct command_line *line, const char *image,
                             const struct options *options)
{
    const char *core = options->values[MACHINE_CORE], *socket = options->values[MACHINE_DEBUGGER];
    if (core != NULL) command_line_add(line, "--core", core_path(image, core));
    if (socket != NULL) command_line_add(line, "--wait-for-debugger", socket);
}

const char *machine_add(struct command_line *line, const struct application *application,
                        const struct options *options)
{
    check_monitor(options);
    struct machine_obstacle obstacle = machine_obstacle(&application->house);
    if (obstacle.what != NULL) fail("run -t vm: %s; mend it: %s", obstacle.what, obstacle.remedy);
    const char *image = build_or_fail(application, &options->keys, "");
    command_line_add(line, tender_path(&application->house));
    if (options->values[MACHINE_MEMORY] != NULL)
        command_line_add(line, "--mem", options->values[MACHINE_MEMORY]);
    network_attach(line, application, options);
    disks_attach(line, application, options);
    debugging_attach(line, image, options);
    command_line_add(line, image, "--");
    network_address(line, application, options);
    for (int i = 0; i < options->rest_count; i++)
        command_line_add(line, options->rest[i]);
    return image;
}
