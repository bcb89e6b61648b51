/* module.h - how a module is described to `loom configure`, and how a device is made of it.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_MODULE_H
#define LOOM_MODULE_H

#include <stdbool.h>
#include <stddef.h>

/* A *module* is code that satisfies a signature: http_server gives an `http`. A *device* is one
 * instance of a module in one image: http0. Describing a module outside Loom's tree takes a
 * structure and a macro, in config.c or in a header beside it:
 *
 *     static const struct module kv_upper = {
 *         .name = "kv_upper",              struct kv_upper, kv_upper_open, kv_upper_close
 *         .signature = "kv",               its member `struct kv kv` is what others are handed
 *         .header = "kv_upper.h",
 *         .sources = { "kv_upper.c" },     from the application's folder
 *         .words = "a kv in capitals",
 *     };
 *     static struct kv *kv_upper_at(struct place place, struct kv *below)
 *     {
 *         return device_at(place, &kv_upper, DEVICES(below));
 *     }
 *     #define kv_upper(below) kv_upper_at(HERE, below)
 *
 * The pointers that pass through config.c are tickets: of the right type, so that the C compiler
 * checks the wiring, and never followed, because no device exists before the image runs. A
 * signature of one's own needs only a `struct x;`.
 *
 * main.c calls what the module NAME is bound to define:
 *
 *     enum result NAME_open(struct NAME *, what it needs in order [, constants] [, parameters]);
 *     void NAME_close(struct NAME *);
 *
 * and with .has_parameters `struct NAME_parameters`, which `parameters` points to, and
 * `extern const struct parameter NAME_parameters[]`.
 *
 * When Loom has a conformance suite for the signature, `loom test` runs it. The application's tests
 * give it a fixture, of the kind that lib/kv/kv_suite.h and its like tell:
 *
 *     struct kv_fixture kv_upper_fixture = { .open = upper_open, .close = upper_close };
 *
 * In every text below a `$` stands for the device's name in main.c. */

enum { MODULE_LIST_MAX = 16, DEVICE_NEEDS_MAX = 8 };

enum module_home {
    MODULE_OF_APPLICATION, /* sources are in the application's folder */
    MODULE_OF_HOUSE,       /* sources are in Loom's own tree */
};

struct module {
    const char *name;
    const char *signature; /* NULL: code without an instance, which other modules need */
    const char *instance; /* what devices are called: "http" makes http0; NULL: the module's name */
    const char *header;   /* what main.c includes */
    const char *words;    /* what it is, in a few words for `loom describe` */

    enum module_home home;
    bool has_parameters;
    const char *sources[MODULE_LIST_MAX]; /* files, or patterns, which take no tests and suites */
    const char *without[MODULE_LIST_MAX]; /* file names that a pattern does not take: "kv_other*" */
    const char *libraries[MODULE_LIST_MAX]; /* for the linker: "-lz" */

    /* Names of other modules. One that nobody described is the folder lib/NAME. */
    const char *needs[MODULE_LIST_MAX];

    /* What others are handed of it; NULL: its member `struct SIGNATURE SIGNATURE`, "&$.SIGNATURE".
     */
    const char *expression;

    const char *prefix; /* of its parameters while a device has no name of its own; NULL: none */

    /* With which lib/SIGNATURE/SIGNATURE_suite.h makes one in a test; NULL: NAME_fixture. */
    const char *fixture;

    /* A sanitizer that its sources go without ("bounds"), and why: the one needs the other. */
    const char *unsanitized, *unsanitized_reason;
};

/* Where in config.c something was said. */
struct place {
    const char *file;
    int line;
};
#define HERE ((struct place){ __FILE__, __LINE__ })

/* The devices that a device needs: up to DEVICE_NEEDS_MAX. */
/* clang-format off */
#define DEVICES(...) (const void *const[]){ __VA_ARGS__, devices_end }
#define NO_DEVICES   (const void *const[]){ devices_end }
/* clang-format on */
extern const char devices_end[];

/* Makes a device of the module, handed the devices in `needs`. The value is its ticket. */
void *device_at(struct place place, const struct module *module, const void *const needs[]);

/* Another way into a device: "$.stack.tcp" of a stack is its tcp. Gives that part's ticket. */
void *device_part(const void *device, const char *signature, const char *expression);

/* Says one more argument of NAME_open, after the needs: "&$_pages". */
void device_constant(const void *device, const char *expression);

/* Says a declaration that main.c needs for such constants: "extern const struct kv_crunch_pages
 * $_pages;". */
void device_declaration(const void *device, const char *declaration);

/* Replaces NAME_parameters for this device by a table written into main.c: PARAMETER_ initialisers,
 * each followed by a comma. */
void device_parameters(const void *device, const char *initialisers);

/* Calls the device after what it holds ("htdocs" makes htdocs0), and adds to what `loom describe`
 * says of it. */
void device_words(const void *device, const char *stem, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Compiles one more source into the image, written at build time from the folder by loom-crunch as
 * `$_pages`. */
void device_crunch(const void *device, const char *folder);

/* What a key was chosen to be: one of `choices` ("image|host"), the first unless the user chose. */
const char *key_choice(const char *name, const char *choices, const char *help);

/* Whether this key was chosen to be this. */
bool key_is(const char *name, const char *choices, const char *help, const char *choice);

/* The absolute path of a folder that config.c names from where it stands. Ends the run with an
 * error if there is none. */
const char *folder_path(struct place place, const char *folder);

/* Ends the run with "FILE:LINE: error: ...". The text should end with the remedy. */
void place_error(struct place place, const char *format, ...)
    __attribute__((noreturn, format(printf, 2, 3)));

/* A text made like printf does. It lives as long as the run, which is short. */
const char *text_of(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
