/* machine.h - `loom run -t vm`: what runs the machine, and what it is given.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_TOOL_MACHINE_H
#define LOOM_TOOL_MACHINE_H

#include "launch.h"
#include "options.h"

/* The options that `loom run` has for it, by their letters. */
#define MACHINE_ON          'o'
#define MACHINE_KIND        'x'
#define MACHINE_ACCELERATOR 'k'
#define MACHINE_FEATURES    'F'
#define MACHINE_MEMORY      'm'
#define MACHINE_CORE        'c'

/* Set by `loom debug`: the path of the socket at which it waits for gdb. */
#define MACHINE_DEBUGGER 'd'

#define MACHINE_OPTIONS \
    { "on", \
      MACHINE_ON, \
      "tender|qemu", \
      0, \
      "with -t vm: what runs the machine (the tender, or where there is no KVM, QEMU)", \
      0 }, \
    { \
        "mem", MACHINE_MEMORY, "SIZE", 0, "with -t vm: its memory, such as 16MiB (256MiB)", 0 \
    }

#define MACHINE_QEMU_OPTIONS \
    { "machine", MACHINE_KIND, "microvm|q35|pc", 0, "with --on qemu: its kind (microvm)", 0 }, \
        { "accel", \
          MACHINE_ACCELERATOR, \
          "kvm|tcg", \
          0, \
          "with --on qemu: the processor by KVM, or emulated (KVM where it is)", \
          0 }, \
    { \
        "features", MACHINE_FEATURES, "all|none", 0, \
            "with -t vm: what its devices offer beyond what they must (all)", 0 \
    }

#define MACHINE_CORE_OPTION \
    { \
        "core", MACHINE_CORE, "FILE", OPTION_ARG_OPTIONAL, \
            "with -t vm: when it crashes, leave a core for gdb (NAME.core)", 0 \
    }

/* Ends the command when one of them was given for another target. */
void machine_refuse(const struct options *options);

/* Chooses what runs the machine, builds the image, and makes all that starts it. Ends the command
 * where no machine can run. */
void machine_launch(struct launch *launch, const struct application *application,
                    const struct options *options);

/* What keeps our tender from running one here; and what keeps KVM from anybody. */
struct obstacle machine_obstacle(const struct house *house);
struct obstacle machine_kvm_obstacle(void);

#endif
