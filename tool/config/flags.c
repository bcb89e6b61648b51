/* flags.c - the flags of an image.
 *
 * A release is hardened: a broken invariant is a trap with a backtrace, not an exploit.
 * --harden=off exists to measure what that costs, and for nothing else.
 *
 * SPDX-License-Identifier: ISC */
#include "config/flags.h"

#include <stdbool.h>
#include <string.h>

#include "config/graph.h"

enum { FLAGS_MAX = 64 };

static const char *const language[] = {
    "-std=gnu17",
    "-D_GNU_SOURCE",
    "-g",
    "-fno-omit-frame-pointer",
    "-ffunction-sections",
    "-fdata-sections",
    "-Wall",
    "-Wextra",
    "-Wpedantic",
    "-Wshadow",
    "-Wconversion",
    "-Wstrict-prototypes",
    "-Wmissing-prototypes",
    "-Wvla",
    "-Wundef",
    "-Wcast-qual",
    "-Wwrite-strings",
    "-Wimplicit-fallthrough",
    "-Werror",
    "-fdiagnostics-color=always",
    NULL,
};

static const char *const program_compile[] = { "-fPIE", NULL };
static const char *const shared_compile[] = { "-fPIC", NULL };

/* What lies where is told by target/vm/image.ld. The C library is Loom's own (target/vm/libc).
 * Frame pointers make the backtrace, so that tables for unwinding are the debugger's alone, and
 * stay out of what is loaded. */
static const char *const machine_compile[] = {
    "-ffreestanding",
    "-fPIE",
    "-fvisibility=hidden",
    "-fcf-protection=none",
    "-fno-asynchronous-unwind-tables",
    "-fno-unwind-tables",
    NULL,
};

static const char *const release[] = { "-O2", NULL };
static const char *const release_small[] = { "-Os", NULL };

/* The size of a machine counts: where only a jump or a call leads needs no boundary of its own.
 * (Loops keep theirs.) clang aligns no jumps, and does not know the flag. */
static const char *const release_machine[] = { "-falign-functions=1", NULL };
static const char *const release_machine_gcc[] = { "-falign-jumps=1", NULL };

/* Fibers have small stacks. clang adds up the frames of all that it inlines into a function, so the
 * same code counts for more there. */
static const char *const frames_gcc[] = { "-Wframe-larger-than=1024", NULL };
static const char *const frames_clang[] = { "-Wframe-larger-than=1536", NULL };

static const char *const hardened[] = {
    "-fsanitize=bounds,signed-integer-overflow,shift,null,unreachable,return",
    "-ftrivial-auto-var-init=zero",
    "-fstack-protector-strong",
    "-fstack-clash-protection",
    NULL,
};

/* At address 0 and for 2 MiB on, a machine has no page: the processor checks for null, with a crash
 * report that says so. The compiler is still not to conclude anything from an access. */
static const char *const hardened_machine[] = { "-fno-sanitize=null",
                                                "-fno-delete-null-pointer-checks", NULL };

/* Where the C library is one that has the checked twins. */
static const char *const hardened_hosted[] = { "-D_FORTIFY_SOURCE=2", NULL };

static const char *const hardened_gcc[] = { "-fsanitize-undefined-trap-on-error", NULL };

static const char *const hardened_clang[] = {
    "-fsanitize-trap=bounds,signed-integer-overflow,shift,null,unreachable,return",
    "-enable-trivial-auto-var-init-zero-knowing-it-will-be-removed-from-clang",
    NULL,
};

static const char *const debug[] = { "-O1", "-fsanitize=address,undefined",
                                     "-fno-sanitize-recover=all", NULL };

/* The sanitizers that tell in words are programs of a host; a machine traps, and its crash report
 * names the place. */
static const char *const debug_machine[] = { "-O1", "-fsanitize=undefined",
                                             "-fstack-protector-strong", "-DMACHINE_RED_ZONES=1",
                                             NULL };
static const char *const debug_machine_clang[] = { "-fsanitize-trap=undefined", NULL };

static const char *const program_link[] = { "-pie", "-Wl,-z,relro,-z,now", NULL };
static const char *const shared_link[] = { "-shared", "-Wl,-z,relro,-z,now", NULL };

static const char *const machine_link[] = {
    "-static-pie",
    "-nostdlib",
    "-Wl,--no-dynamic-linker",
    "-Wl,--no-eh-frame-hdr",
    "-Wl,-z,max-page-size=4096,-z,noseparate-code,-z,norelro,-z,now",
    "-Wl,-z,pack-relative-relocs",
    NULL,
};

static const char *const link_always[] = { "-Wl,--gc-sections", "-Wl,--build-id",
                                           "-Wl,-z,noexecstack", "-Wl,--as-needed", NULL };

static const char *const link_debug[] = { "-fsanitize=address,undefined", NULL };

static void append(const char *list[], size_t *count, const char *const words[])
{
    for (size_t i = 0; words[i] != NULL && *count < FLAGS_MAX - 1; i++)
        list[(*count)++] = words[i];
}

static bool compiler_is_clang(void)
{
    char line[256] = "";
    FILE *answer = popen(text_of("'%s' --version", graph.compiler), "r");
    if (answer == NULL) return false;
    bool read = fgets(line, sizeof line, answer) != NULL;
    pclose(answer);
    return read && strstr(line, "clang") != NULL;
}

static const char *const *compile_for_target(void)
{
    if (graph.target->is_machine) return machine_compile;
    return graph.target->exports != NULL ? shared_compile : program_compile;
}

static void append_debug(const char *list[], size_t *count, bool clang)
{
    append(list, count, graph.target->is_machine ? debug_machine : debug);
    if (graph.target->is_machine) append(list, count, clang ? debug_machine_clang : hardened_gcc);
}

const char *const *flags_compile(void)
{
    static const char *flags[FLAGS_MAX];
    size_t count = 0;
    bool clang = compiler_is_clang();
    append(flags, &count, language);
    append(flags, &count, compile_for_target());
    if (graph.debug) {
        append_debug(flags, &count, clang);
        return flags;
    }
    append(flags, &count, graph.small ? release_small : release);
    if (graph.target->is_machine) append(flags, &count, release_machine);
    if (graph.target->is_machine && !clang) append(flags, &count, release_machine_gcc);
    append(flags, &count, clang ? frames_clang : frames_gcc);
    if (graph.hardened) {
        append(flags, &count, hardened);
        append(flags, &count, graph.target->is_machine ? hardened_machine : hardened_hosted);
        append(flags, &count, clang ? hardened_clang : hardened_gcc);
    }
    return flags;
}

static void append_link(const char *list[], size_t *count)
{
    append(list, count, link_always);
    if (graph.debug && !graph.target->is_machine) append(list, count, link_debug);
}

const char *const *flags_link(void)
{
    static const char *flags[FLAGS_MAX];
    size_t count = 0;
    if (graph.target->exports == NULL) return flags_link_program();
    append(flags, &count, shared_link);
    flags[count++] = text_of("-Wl,--version-script=%s/%s", graph.house, graph.target->exports);
    /* What is missing is an error now; the sanitizers' own functions are the runner's. */
    if (!graph.debug) flags[count++] = "-Wl,-z,defs";
    append_link(flags, &count);
    return flags;
}

const char *const *flags_link_program(void)
{
    static const char *flags[FLAGS_MAX];
    size_t count = 0;
    append(flags, &count, graph.target->is_machine ? machine_link : program_link);
    if (graph.target->is_machine)
        flags[count++] = text_of("-Wl,-T,%s/target/vm/image.ld", graph.house);
    append_link(flags, &count);
    return flags;
}
