/* main.c - the configuration as a program: config.c is linked with it, and `loom configure` runs it
 * as
 *
 *     config HOUSE APPLICATION OUTPUT TARGET LOOM CONFIG [--KEY=VALUE]...
 *
 * SPDX-License-Identifier: ISC */
#include <string.h>

#include <loom/config.h>

#include "config/graph.h"
#include "config/keys.h"
#include "config/output.h"

enum { ARGUMENTS_FIXED = 7 };

static void graph_open(char *arguments[])
{
    graph.house = arguments[1];
    graph.application = arguments[2];
    graph.output = arguments[3];
    graph.target = target_find(arguments[4]);
    graph.loom = arguments[5];
    graph.config = arguments[6];
    graph.compiler = key_text("cc", "gcc", "the C compiler: gcc or clang");
    graph.debug = key_is("build", "release|debug", "fast and hardened, or with the sanitizers",
                         "debug");
    graph.hardened = key_is("harden", "on|off",
                            "checks in a release; off only to measure their cost", "on");
    graph.small = key_is("optimize", "speed|size", "what a release is to be best at", "size");
    graph.boots_by_pvh = graph.target->is_machine &&
                         key_is("boot", "pvh|tender",
                                "QEMU, Firecracker and Cloud Hypervisor can start it, or our "
                                "tender alone",
                                "pvh");
}

int main(int count, char *arguments[])
{
    if (count < ARGUMENTS_FIXED || target_find(arguments[4]) == NULL) {
        fputs("this program is run by `loom configure`\n", stderr);
        return 2;
    }
    keys_give(arguments + ARGUMENTS_FIXED, count - ARGUMENTS_FIXED);
    graph_open(arguments);
    unikernel_wire();
    keys_check();
    graph_complete();
    write_main();
    write_suites();
    write_ninja();
    write_manifest();
    write_graph();
    write_words();
    write_nets();
    return 0;
}
