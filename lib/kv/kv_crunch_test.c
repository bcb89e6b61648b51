/* kv_crunch_test.c - the suite over folders that loom-crunch and the C compiler have made into
 * code, and what else loom-crunch promises.
 *
 * SPDX-License-Identifier: ISC */
#include "kv/kv_crunch.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kv/digest.h"
#include "kv/kv_folder_suite.h"
#include "kv/kv_suite.h"

#define COMPILE "-std=gnu17 -Wall -Wextra -Wpedantic -Werror -I. -Ilib -fPIC -shared"

/* "in" is crunched into "out.c", that is compiled into "out.so". */
static struct {
    struct kv_folder folder;
    void *code;
    struct kv_crunch crunch;
} scratch;

static int crunch(const char *options, const char *in)
{
    return kv_folder_run("build/loom-crunch %s pages '%s/%s' %s/out.c %s/out.d 2>%s/told", options,
                         scratch.folder.path, in, scratch.folder.path, scratch.folder.path,
                         scratch.folder.path);
}

static void make_folder(void)
{
    if (access("build/loom-crunch", X_OK) != 0) {
        test_fail(__FILE__, __LINE__, "build/loom-crunch is missing: make build/loom-crunch");
    }
    kv_folder_make(&scratch.folder);
    expect(mkdir(kv_folder_path(&scratch.folder, VIEW("in")), 0755) == 0);
}

static void write_page(struct view key, struct view value)
{
    static char name[KV_KEY_MAX + 8];
    int length = snprintf(name, sizeof name, "in/%.*s", VIEW_FORMAT(key));
    kv_folder_write(&scratch.folder, view_from(name, (size_t)length), value);
}

static struct kv *load(const char *compiler)
{
    const char *path = scratch.folder.path;
    expect(kv_folder_run("%s " COMPILE " -o %s/out.so %s/out.c", compiler, path, path) == 0);
    scratch.code = dlopen(kv_folder_path(&scratch.folder, VIEW("out.so")), RTLD_NOW | RTLD_LOCAL);
    if (scratch.code == NULL) test_fail(__FILE__, __LINE__, "%s", dlerror());
    const struct kv_crunch_pages *pages = dlsym(scratch.code, "pages");
    expect(pages != NULL);
    expect_ok(kv_crunch_open(&scratch.crunch, pages));
    return &scratch.crunch.kv;
}

static void close_folder(void)
{
    if (scratch.code != NULL) {
        kv_crunch_close(&scratch.crunch);
        expect(dlclose(scratch.code) == 0);
        scratch.code = NULL;
    }
    kv_folder_remove(&scratch.folder);
}

static struct kv *suite_open(struct kv_fixture *fixture, const struct kv_suite_page pages[],
                             size_t count)
{
    (void)fixture;
    make_folder();
    for (size_t i = 0; i < count; i++)
        write_page(pages[i].key, pages[i].value);
    expect(crunch("--no-compress", "in") == 0);
    return load("gcc");
}

static void suite_close(struct kv_fixture *fixture)
{
    (void)fixture;
    close_folder();
}

static struct kv_fixture fixture = {
    .open = suite_open,
    .close = suite_close,
    .is_read_only = true,
    .has_printed_keys = true,
};

KV_READ_SUITE(kv_crunch, &fixture)

/* ---- the tables ---- */

TEST(kv_crunch_refuses_a_table_out_of_order)
{
    const struct kv_crunch_page pages[] = { { .key = VIEW("b") }, { .key = VIEW("a") } };
    const struct kv_crunch_page twice[] = { { .key = VIEW("a") }, { .key = VIEW("a") } };
    struct kv_crunch crunch;
    expect_result(kv_crunch_open(&crunch, &(struct kv_crunch_pages){ pages, 2 }), INVALID);
    expect_result(kv_crunch_open(&crunch, &(struct kv_crunch_pages){ twice, 2 }), INVALID);
    expect_ok(kv_crunch_open(&crunch, &(struct kv_crunch_pages){ pages, 1 }));
}

/* ---- what loom-crunch makes ---- */

#define TEXT_BYTES ((size_t)20000)

static struct view repetitive_text(void)
{
    static uint8_t text[TEXT_BYTES];
    for (size_t i = 0; i < sizeof text; i++)
        text[i] = (uint8_t)("the quick brown fox "[i % 20] + (i / 400 % 7 == 3));
    return VIEW_OF(text);
}

/* With the tool that everybody trusts. */
static void expect_decodes(const char *tool, struct view coded, struct view plain)
{
    kv_folder_write(&scratch.folder, VIEW("coded"), coded);
    kv_folder_write(&scratch.folder, VIEW("plain"), plain);
    const char *path = scratch.folder.path;
    expect(kv_folder_run("%s -dc <%s/coded | cmp - %s/plain", tool, path, path) == 0);
}

/* Text gets both variants; noise, what is short, and what is compressed in itself get none. */
static void check_variants(const char *compiler)
{
    struct view text = repetitive_text();
    static uint8_t noise[600];
    struct kv_value value;
    uint64_t seed = 1;
    for (size_t i = 0; i < sizeof noise; i++)
        noise[i] = (uint8_t)test_random(&seed);
    make_folder();
    write_page(VIEW("a.css"), text);
    write_page(VIEW("noise.css"), VIEW_OF(noise));
    write_page(VIEW("photo.jpg"), text);
    write_page(VIEW("short.css"), view_first(text, 60));
    expect(crunch("", "in") == 0);
    struct kv *kv = load(compiler);
    expect_ok(kv_open(kv, VIEW("a.css"), &value));
    expect(view_equal(value.bytes, text));
    expect_view(value.media_type, VIEW("text/css; charset=utf-8"));
    expect_decodes("gzip", value.coded[KV_GZIP], text);
    expect_decodes("brotli", value.coded[KV_BROTLI], text);
    expect_that(value.coded[KV_BROTLI].length_bytes, <, value.coded[KV_GZIP].length_bytes);
    static const char *const plain[] = { "noise.css", "photo.jpg", "short.css" };
    for (size_t i = 0; i < LENGTH_OF(plain); i++) {
        expect_ok(kv_open(kv, view_from_string(plain[i]), &value));
        expect(view_is_empty(value.coded[KV_GZIP]) && view_is_empty(value.coded[KV_BROTLI]));
    }
    close_folder();
}

TEST(loom_crunch_variants_with_gcc)
{
    check_variants("gcc");
}

TEST(loom_crunch_variants_with_clang)
{
    if (kv_folder_run("command -v clang >/dev/null") != 0) test_skip("no clang here");
    check_variants("clang");
}

/* ---- running it again ---- */

static uint64_t time_of(const char *name)
{
    struct stat status;
    expect(stat(kv_folder_path(&scratch.folder, view_from_string(name)), &status) == 0);
    return (uint64_t)status.st_mtim.tv_sec * S_NS + (uint64_t)status.st_mtim.tv_nsec;
}

static bool file_says(const char *name, const char *words)
{
    const char *path = kv_folder_path(&scratch.folder, view_from_string(name));
    return kv_folder_run("grep -qF -- '%s' %s", words, path) == 0;
}

TEST(loom_crunch_leaves_alone_what_did_not_change)
{
    make_folder();
    write_page(VIEW("a.css"), repetitive_text());
    write_page(VIEW("b.css"), view_from_offset(repetitive_text(), 100));
    expect(crunch("", "in") == 0);
    uint64_t source_ns = time_of("out.c"), blob_ns = time_of("out.bin");
    (void)fiber_sleep(20 * MS_NS);
    expect(crunch("", "in") == 0);
    expect_that(time_of("out.c"), ==, source_ns);
    expect_that(time_of("out.bin"), ==, blob_ns);
    write_page(VIEW("b.css"), VIEW("changed"));
    expect(crunch("", "in") == 0);
    expect_that(time_of("out.c"), >, source_ns);
    struct kv_value value;
    struct kv *kv = load("gcc");
    expect_ok(kv_open(kv, VIEW("a.css"), &value));
    expect_decodes("gzip", value.coded[KV_GZIP], repetitive_text());
    expect_decodes("brotli", value.coded[KV_BROTLI], repetitive_text());
    kv_suite_expect_value(kv, VIEW("b.css"), VIEW("changed"));
    close_folder();
}

/* Whatever has become of the files of the last run, the next is right. */
TEST(loom_crunch_survives_a_damaged_store)
{
    make_folder();
    write_page(VIEW("a.css"), repetitive_text());
    expect(crunch("", "in") == 0);
    const char *path = scratch.folder.path;
    expect(kv_folder_run("cp %s/out.bin %s/good; printf x | dd of=%s/out.bin bs=1 seek=20010 "
                         "conv=notrunc 2>/dev/null",
                         path, path, path) == 0);
    expect(crunch("", "in") == 0);
    expect(kv_folder_run("cmp %s/out.bin %s/good", path, path) == 0);
    expect(kv_folder_run("sed -i '2s/ [0-9]* [0-9]*$/ 1 99999999/' %s/out.index", path) == 0);
    expect(crunch("", "in") == 0);
    expect(kv_folder_run("cmp %s/out.bin %s/good", path, path) == 0);
    close_folder();
}

TEST(loom_crunch_builds_are_reproducible)
{
    make_folder();
    const char *path = scratch.folder.path;
    write_page(VIEW("b"), VIEW("b"));
    write_page(VIEW("a/a.css"), repetitive_text());
    expect(setenv("SOURCE_DATE_EPOCH", "1000000000", 1) == 0);
    expect(crunch("", "in") == 0);
    expect(file_says("out.c", ".modified_ns = 1000000000000000000u"));
    expect(kv_folder_run("mv %s/out.c %s/first.c && mv %s/out.bin %s/first.bin && rm %s/out.index "
                         "&& touch %s/in/b",
                         path, path, path, path, path, path) == 0);
    expect(crunch("", "in") == 0);
    expect(kv_folder_run("cmp %s/out.c %s/first.c && cmp %s/out.bin %s/first.bin", path, path, path,
                         path) == 0);
    expect(setenv("SOURCE_DATE_EPOCH", "soon", 1) == 0);
    expect(crunch("", "in") == 1);
    expect(file_says("told", "SOURCE_DATE_EPOCH is \"soon\""));
    expect(unsetenv("SOURCE_DATE_EPOCH") == 0);
    close_folder();
}

TEST(loom_crunch_depfile_names_files_and_folders)
{
    make_folder();
    write_page(VIEW("a b/c#d$e"), VIEW("x"));
    expect(crunch("", "in") == 0);
    expect(file_says("out.d", "/out.c:"));
    expect(file_says("out.d", "/in \\"));
    expect(file_says("out.d", "/in/a\\ b \\"));
    expect(file_says("out.d", "/in/a\\ b/c\\#d$$e"));
    close_folder();
}

/* ---- what it refuses ---- */

static void expect_refused(const char *in, const char *words)
{
    expect(crunch("", in) == 1);
    if (!file_says("told", words)) test_fail(__FILE__, __LINE__, "it did not say \"%s\"", words);
    expect(access(kv_folder_path(&scratch.folder, VIEW("out.c")), F_OK) != 0);
}

static void shell(const char *words)
{
    expect(kv_folder_run("cd %s && %s", scratch.folder.path, words) == 0);
}

TEST(loom_crunch_refuses_links_that_lead_out)
{
    make_folder();
    write_page(VIEW("a/b"), VIEW("x"));
    shell("ln -s /etc/passwd in/a/link");
    expect_refused("in", "in/a/link: a symbolic link to /etc/passwd, which is outside of");
    shell("rm in/a/link && mkdir in2 && ln -s ../../in2 in/a/link");
    expect_refused("in", "which is outside of");
    shell("rm in/a/link && ln -s nowhere in/a/link");
    expect_refused("in", "leads nowhere");
    shell("rm in/a/link && ln -s ../a in/a/link");
    expect_refused("in", "in/a/link: a symbolic link to a folder that it stands in; remove it");
    shell("rm in/a/link && ln -s b in/a/link && ln -s a in/c");
    expect(crunch("", "in") == 0);
    kv_suite_expect_keys(load("gcc"), VIEW(""), VIEW("a/b a/link c/b c/link "));
    close_folder();
}

TEST(loom_crunch_refuses_what_is_no_page)
{
    make_folder();
    shell("mkfifo in/pipe");
    expect_refused("in", "in/pipe: neither a file nor a folder; move it out");
    shell("rm in/pipe && touch \"in/line$(printf '\\nfeed')\"");
    expect_refused("in", "has a control character in it; rename it");
    shell("rm in/line* && cd in && p=$(printf 'k%.0s' $(seq 200)) && "
          "mkdir -p $p/$p/$p/$p/$p && touch $p/$p/$p/$p/$p/x$p");
    expect_refused("in", "longer than 1024 bytes; shorten it");
    expect_refused("nothing", "nothing: No such file or directory; name a folder that is there");
    shell("touch file");
    expect_refused("file", "file: cannot be opened: Not a directory; make it a readable folder");
    close_folder();
}

TEST(loom_crunch_refuses_what_it_cannot_read)
{
    if (geteuid() == 0) test_skip("root can read everything");
    make_folder();
    write_page(VIEW("secret"), VIEW("x"));
    shell("chmod 0 in/secret");
    expect_refused("in", "in/secret: cannot be read: Permission denied; make it readable");
    close_folder();
}

TEST(loom_crunch_tells_what_it_leaves_out)
{
    make_folder();
    write_page(VIEW(".git/config"), VIEW("x"));
    write_page(VIEW("a/.DS_Store"), VIEW("x"));
    write_page(VIEW("a/b"), VIEW("x"));
    expect(crunch("", "in") == 0);
    expect(file_says("told", "left out 2 hidden:"));
    kv_suite_expect_keys(load("gcc"), VIEW(""), VIEW("a/b "));
    close_folder();
}

TEST(loom_crunch_checks_its_arguments)
{
    make_folder();
    const char *path = scratch.folder.path;
    expect(kv_folder_run("build/loom-crunch 2>%s/told", path) == 1);
    expect(file_says("told", "usage: loom-crunch"));
    expect(kv_folder_run("build/loom-crunch --fast a b c d 2>%s/told", path) == 1);
    expect(file_says("told", "there is no option --fast"));
    expect(kv_folder_run("build/loom-crunch a-b %s/in %s/o.c %s/o.d 2>%s/told", path, path, path,
                         path) == 1);
    expect(file_says("told", "a-b: not a name in C"));
    expect(kv_folder_run("build/loom-crunch a b c d e 2>%s/told", path) == 1);
    expect(file_says("told", "e is one argument too many"));
    close_folder();
}
