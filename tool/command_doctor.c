/* command_doctor.c - `loom doctor`: what this machine can run, and the exact command that mends
 * what it cannot.
 *
 * SPDX-License-Identifier: ISC */
#include <glob.h>
#include <ifaddrs.h>
#include <inttypes.h>
#include <net/if.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include <loom/module.h>

#include "application.h"
#include "command.h"
#include "machine.h"
#include "options.h"
#include "process.h"
#include "qemu.h"

/* Without what is needed nothing can be built or run; without what is useful something is missing.
 */
enum weight { NEEDED, USEFUL };

struct remedy {
    const char *program;
    const char *package;
    const char *without;
    enum weight weight;
};

static const struct remedy programs[] = {
    { "ninja", "ninja-build", "nothing can be built", NEEDED },
    { "dot", "graphviz", "no `loom describe --svg`, and no drawing in kv_self()", USEFUL },
    { "gdb", "gdb", "no `loom debug`", USEFUL },
    { "clangd", "clangd", "no help from an editor while C is written", USEFUL },
    { "clang", "clang", "only gcc builds images", USEFUL },
    { "passt", "passt", "no network without root for images with a stack of their own", USEFUL },
};

struct diagnosis {
    bool broken; /* something that is needed is missing */
};

static void say(struct diagnosis *diagnosis, bool well, enum weight weight, const char *what,
                const char *remedy)
{
    printf("%-8s %s\n", well ? "ok" : weight == NEEDED ? "missing" : "without", what);
    if (well) return;
    printf("         mend it: %s\n", remedy);
    diagnosis->broken = diagnosis->broken || weight == NEEDED;
}

static void check_compiler(struct diagnosis *diagnosis)
{
    const char *chosen = getenv("CC");
    bool any = process_exists("gcc") || process_exists("clang");
    if (chosen != NULL && chosen[0] != '\0') {
        say(diagnosis, process_exists(chosen), NEEDED,
            text_of("the C compiler that CC names: %s", chosen), "unset CC, or install it");
    }
    say(diagnosis, any, NEEDED, "a C compiler: gcc 12 or clang 14",
        "apt-get install gcc libc6-dev");
}

static void check_programs(struct diagnosis *diagnosis)
{
    for (size_t i = 0; i < sizeof programs / sizeof *programs; i++) {
        const struct remedy *remedy = &programs[i];
        bool well = process_exists(remedy->program);
        const char *what = well ? remedy->program
                                : text_of("%s: %s", remedy->program, remedy->without);
        say(diagnosis, well, remedy->weight, what, text_of("apt-get install %s", remedy->package));
    }
}

static void check_crunch(struct diagnosis *diagnosis)
{
    struct house house = house_find();
    say(diagnosis, process_exists(house_program(&house, "loom-crunch")), NEEDED,
        "loom-crunch, which puts files into images (kv_pages)",
        "apt-get install libbearssl-dev libbrotli-dev zlib1g-dev && make");
}

struct name_reader {
    struct line_reader reader;
    bool found;
};

/* A library that the compiler does not find keeps its plain name. */
static void name_read(struct line_reader *reader, char *line)
{
    struct name_reader *name = (struct name_reader *)reader;
    name->found = name->found || line[0] == '/';
}

static void check_library(struct diagnosis *diagnosis)
{
    struct name_reader name = { .reader = { name_read }, .found = false };
    struct command_line line = { .count = 0 };
    command_line_add(&line, process_exists("gcc") ? "gcc" : "clang",
                     "-print-file-name=libbearssl.a");
    process_run(&line, NULL, &name.reader);
    say(diagnosis, name.found, NEEDED, "BearSSL, for digests in kv_memory, kv_directory and tests",
        "apt-get install libbearssl-dev");
}

/* As the library does it; MADV_GUARD_INSTALL, Linux 6.13. */
static bool guards_are_cheap(void)
{
    const int guard_install = 102;
    const size_t bytes = (size_t)sysconf(_SC_PAGESIZE);
    void *page = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (page == MAP_FAILED) return false;
    bool cheap = madvise(page, bytes, guard_install) == 0;
    munmap(page, bytes);
    return cheap;
}

static uint64_t number_in(const char *path)
{
    uint64_t number = 0;
    FILE *file = fopen(path, "r");
    if (file == NULL) return 0;
    if (fscanf(file, "%" SCNu64, &number) != 1) number = 0;
    fclose(file);
    return number;
}

/* A guard page by mprotect splits a mapping in two, so a fiber costs two of the process's maps. */
static void check_guards(struct diagnosis *diagnosis)
{
    const uint64_t wanted = 262144;
    uint64_t maps = number_in("/proc/sys/vm/max_map_count");
    if (guards_are_cheap()) {
        say(diagnosis, true, USEFUL, "guard pages for as many fibers as memory holds", "");
        return;
    }
    say(diagnosis, maps >= wanted, USEFUL,
        text_of("guard pages for %" PRIu64 " fibers (vm.max_map_count is %" PRIu64 ")", maps / 2,
                maps),
        text_of("sysctl -w vm.max_map_count=%" PRIu64, wanted));
}

static void check_files(struct diagnosis *diagnosis)
{
    const rlim_t wanted = 16384;
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
    say(diagnosis, limit.rlim_max >= wanted, USEFUL,
        text_of("%llu open files, so about as many connections at once",
                (unsigned long long)limit.rlim_max),
        text_of("ulimit -Hn %llu, as root, in the shell that runs the image",
                (unsigned long long)wanted));
}

/* ---- networks ---- */

static const char *text_in(const char *path)
{
    char *text = file_read(path);
    if (text == NULL) return "";
    text[strcspn(text, "\n")] = '\0';
    return text;
}

/* It takes its notion of the host from an interface that is up and has an address. */
static void check_interface(struct diagnosis *diagnosis)
{
    struct ifaddrs *list;
    bool found = false;
    if (!process_exists("passt") || getifaddrs(&list) != 0) return;
    for (const struct ifaddrs *each = list; each != NULL; each = each->ifa_next) {
        found = found || (each->ifa_addr != NULL && each->ifa_addr->sa_family == AF_INET &&
                          (each->ifa_flags & IFF_UP) != 0 && (each->ifa_flags & IFF_LOOPBACK) == 0);
    }
    freeifaddrs(list);
    say(diagnosis, found, USEFUL,
        found ? "an interface with an IPv4 address, which passt wants"
              : "passt: this host has no network but loopback, where it does not start",
        "as root: ip tuntap add dev passt0 mode tap; ip addr add 192.0.2.1/24 dev passt0; ip link "
        "set passt0 up");
}

/* The taps that this user may open, with a blank before each. */
static const char *taps_own(void)
{
    glob_t found;
    const char *taps = "";
    if (glob("/sys/class/net/*/tun_flags", 0, NULL, &found) != 0) return taps;
    for (size_t i = 0; i < found.gl_pathc; i++) {
        const char *folder = text_of(
            "%.*s", (int)(strlen(found.gl_pathv[i]) - strlen("/tun_flags")), found.gl_pathv[i]);
        long owner = strtol(text_in(text_of("%s/owner", folder)), NULL, 10);
        if (getuid() == 0 || owner == (long)getuid())
            taps = text_of("%s %s", taps, strrchr(folder, '/') + 1);
    }
    globfree(&found);
    return taps;
}

/* The device is everybody's on most systems; the interface is its owner's. */
static void check_taps(struct diagnosis *diagnosis)
{
    const char *taps = taps_own();
    if (access("/dev/net/tun", F_OK) != 0) {
        say(diagnosis, false, USEFUL, "/dev/net/tun: no taps for images with --stack=direct",
            "as root: modprobe tun; in a container: mkdir -p /dev/net; mknod -m 666 /dev/net/tun c "
            "10 200");
        return;
    }
    if (access("/dev/net/tun", R_OK | W_OK) != 0) {
        say(diagnosis, false, USEFUL, "/dev/net/tun: it is not yours to open",
            "as root: chmod 666 /dev/net/tun");
        return;
    }
    say(diagnosis, taps[0] != '\0', USEFUL,
        taps[0] != '\0' ? text_of("taps, for --net tap:NAME:%s", taps)
                        : "taps: none is there that you may open (--net tap:tap0)",
        text_of("as root: ip tuntap add dev tap0 mode tap user %u; ip addr add 10.0.2.2/24 dev "
                "tap0; ip link set tap0 up",
                (unsigned)getuid()));
}

static void check_machine(struct diagnosis *diagnosis)
{
    struct house house = house_find();
    struct obstacle obstacle = machine_obstacle(&house), kvm = machine_kvm_obstacle();
    bool well = obstacle.what == NULL;
    say(diagnosis, well, USEFUL,
        well ? "/dev/kvm and loom-tender, which run machines (-t vm)"
             : text_of("machines (-t vm): %s", obstacle.what),
        obstacle.remedy);
    obstacle = qemu_obstacle();
    well = obstacle.what == NULL;
    say(diagnosis, well, USEFUL,
        !well ? text_of("machines under QEMU (-t vm --on qemu): %s", obstacle.what)
        : kvm.what == NULL
            ? "qemu-system-x86_64, which runs machines too (-t vm --on qemu), over KVM"
            : "qemu-system-x86_64, which runs machines (-t vm), and emulates their processor",
        obstacle.remedy);
}

int command_doctor(int count, char *arguments[])
{
    struct options options = {
        .name = "doctor",
        .words = "Says what this machine can build and run, and the exact command that mends what "
                 "it cannot. The exit status is 1 when something is missing that is needed",
    };
    struct diagnosis diagnosis = { .broken = false };
    options_read(&options, count, arguments);
    check_compiler(&diagnosis);
    check_programs(&diagnosis);
    check_crunch(&diagnosis);
    check_library(&diagnosis);
    check_guards(&diagnosis);
    check_files(&diagnosis);
    check_interface(&diagnosis);
    check_taps(&diagnosis);
    check_machine(&diagnosis);
    return diagnosis.broken ? 1 : 0;
}
