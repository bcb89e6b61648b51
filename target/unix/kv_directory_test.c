/* kv_directory_test.c - the suite over folders of the host, and what only they have: links, hidden
 * files, files that change behind our back.
 *
 * SPDX-License-Identifier: ISC */
#include "target/unix/kv_directory.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/writer.h"
#include "kv/kv_folder_suite.h"
#include "kv/kv_suite.h"

static struct kv_folder folder;
static struct kv_directory directory;

static struct kv_directory_parameters parameters_of(void)
{
    return (struct kv_directory_parameters){ .directory = view_from_string(folder.path) };
}

static struct kv *open_folder(void)
{
    struct kv_directory_parameters parameters = parameters_of();
    expect_ok(kv_directory_open(&directory, &parameters));
    return &directory.kv;
}

static struct kv *make_folder(void)
{
    kv_folder_make(&folder);
    return open_folder();
}

static void close_folder(void)
{
    kv_directory_close(&directory);
    kv_folder_remove(&folder);
}

static void shell(const char *words)
{
    expect(kv_folder_run("cd %s && %s", folder.path, words) == 0);
}

/* ---- the suite, with openat2 and without, and read-only ---- */

static void write_pages(const struct kv_suite_page pages[], size_t count)
{
    for (size_t i = 0; i < count; i++)
        kv_folder_write(&folder, pages[i].key, pages[i].value);
}

static struct kv *suite_open(struct kv_fixture *fixture, const struct kv_suite_page pages[],
                             size_t count)
{
    (void)fixture;
    kv_folder_make(&folder);
    write_pages(pages, count);
    return open_folder();
}

static struct kv *walking_open(struct kv_fixture *fixture, const struct kv_suite_page pages[],
                               size_t count)
{
    (void)fixture;
    kv_folder_make_in_memory(&folder);
    write_pages(pages, count);
    struct kv *kv = open_folder();
    directory.host.has_openat2 = false;
    return kv;
}

static struct kv *reading_open(struct kv_fixture *fixture, const struct kv_suite_page pages[],
                               size_t count)
{
    (void)fixture;
    kv_folder_make(&folder);
    write_pages(pages, count);
    struct kv_directory_parameters parameters = parameters_of();
    parameters.read_only = true;
    expect_ok(kv_directory_open(&directory, &parameters));
    return &directory.kv;
}

static void suite_close(struct kv_fixture *fixture)
{
    (void)fixture;
    close_folder();
}

static struct kv_fixture writing = {
    .open = suite_open,
    .close = suite_close,
    .has_paths = true,
};
static struct kv_fixture walking = {
    .open = walking_open,
    .close = suite_close,
    .has_paths = true,
};
static struct kv_fixture reading = {
    .open = reading_open,
    .close = suite_close,
    .is_read_only = true,
    .has_paths = true,
};

KV_SUITE(kv_directory, &writing)
KV_SUITE(kv_directory_without_openat2, &walking)
KV_READ_SUITE(kv_directory_read_only, &reading)

/* ---- opening ---- */

TEST(kv_directory_opens_folders_only)
{
    kv_folder_make(&folder);
    kv_folder_write(&folder, VIEW("file"), VIEW(""));
    struct kv_directory_parameters parameters = { .directory = VIEW("") };
    expect_result(kv_directory_open(&directory, &parameters), INVALID);
    parameters.directory = view_from_string(kv_folder_path(&folder, VIEW("missing")));
    expect_result(kv_directory_open(&directory, &parameters), NOT_FOUND);
    parameters.directory = view_from_string(kv_folder_path(&folder, VIEW("file")));
    expect_result(kv_directory_open(&directory, &parameters), NOT_FOUND);
    kv_folder_remove(&folder);
}

TEST(kv_directory_open_values_are_bounded)
{
    struct kv_value values[3];
    kv_folder_make(&folder);
    kv_folder_write(&folder, VIEW("a"), VIEW("1"));
    struct kv_directory_parameters parameters = parameters_of();
    parameters.open_values = 2;
    expect_ok(kv_directory_open(&directory, &parameters));
    for (unsigned round = 0; round < 3; round++) {
        expect_ok(kv_open(&directory.kv, VIEW("a"), &values[0]));
        expect_ok(kv_open(&directory.kv, VIEW("a"), &values[1]));
        expect_result(kv_open(&directory.kv, VIEW("a"), &values[2]), FULL);
        kv_release(&directory.kv, &values[0]);
        expect_result(kv_open(&directory.kv, VIEW("missing"), &values[2]), NOT_FOUND);
        kv_release(&directory.kv, &values[1]);
    }
    close_folder();
}

static unsigned count_descriptors(void)
{
    unsigned count = 0;
    for (int fd = 0; fd < 1024; fd++)
        count += fcntl(fd, F_GETFD) >= 0;
    return count;
}

TEST(kv_directory_leaves_no_descriptor)
{
    struct kv *kv = make_folder();
    uint8_t room[64];
    size_t length_bytes;
    unsigned before = count_descriptors();
    for (unsigned i = 0; i < 20; i++) {
        expect_ok(kv_set(kv, VIEW("a/b/c"), VIEW("1")));
        expect_ok(kv_rename(kv, VIEW("a/b/c"), VIEW("d/e")));
        expect_ok(kv_get(kv, VIEW("d/e"), SPAN_OF(room), &length_bytes));
        expect_result(kv_set(kv, VIEW("d/e/f"), VIEW("1")), EXISTS);
        expect_result(kv_exists(kv, VIEW("d")), NOT_FOUND);
        kv_suite_expect_keys(kv, VIEW(""), VIEW("d/e "));
        expect_ok(kv_remove(kv, VIEW("d/e")));
    }
    expect_that(count_descriptors(), <=, before + 1); /* .loom-kv stays open */
    close_folder();
}

/* ---- what a key cannot reach ---- */

static void check_links(struct kv *kv)
{
    static const char *const out[] = { "absolute",         "relative", "up/etc/passwd",
                                       "proc/self/status", "nowhere",  "loop" };
    for (size_t i = 0; i < LENGTH_OF(out); i++)
        expect_result(kv_exists(kv, view_from_string(out[i])), NOT_FOUND);
}

static void make_links(void)
{
    kv_folder_write(&folder, VIEW("a/file"), VIEW("inside"));
    shell("ln -s /etc/passwd absolute; ln -s ../../etc/passwd relative; ln -s ../.. up;"
          "ln -s /proc proc; ln -s missing nowhere; ln -s loop loop;"
          "ln -s a/file inside; ln -s a folder; mkfifo pipe; ln -s ../a/file a/link");
}

TEST(kv_directory_links_do_not_lead_out)
{
    struct kv *kv = make_folder();
    make_links();
    check_links(kv);
    expect_result(kv_exists(kv, VIEW("pipe")), NOT_FOUND);
    kv_suite_expect_value(kv, VIEW("inside"), VIEW("inside"));
    kv_suite_expect_value(kv, VIEW("folder/file"), VIEW("inside"));
    kv_suite_expect_keys(kv, VIEW(""), VIEW("a/file a/link inside "));
    expect_result(kv_set(kv, VIEW("up/stolen"), VIEW("x")), DENIED);
    expect_result(kv_set(kv, VIEW("proc/stolen"), VIEW("x")), DENIED);
    close_folder();
}

TEST(kv_directory_links_without_openat2)
{
    struct kv *kv = make_folder();
    make_links();
    directory.host.has_openat2 = false;
    check_links(kv);
    expect_result(kv_exists(kv, VIEW("inside")), NOT_FOUND);
    expect_result(kv_exists(kv, VIEW("folder/file")), NOT_FOUND);
    kv_suite_expect_keys(kv, VIEW(""), VIEW("a/file "));
    close_folder();
}

/* A link is replaced, renamed and removed; what it leads to stays. */
TEST(kv_directory_changes_links_not_their_targets)
{
    struct kv *kv = make_folder();
    make_links();
    expect_ok(kv_set(kv, VIEW("inside"), VIEW("new")));
    expect_ok(kv_set(kv, VIEW("absolute"), VIEW("ours now")));
    kv_suite_expect_value(kv, VIEW("a/file"), VIEW("inside"));
    kv_suite_expect_value(kv, VIEW("inside"), VIEW("new"));
    kv_suite_expect_value(kv, VIEW("absolute"), VIEW("ours now"));
    expect_ok(kv_rename(kv, VIEW("a/link"), VIEW("b/c/moved")));
    kv_suite_expect_value(kv, VIEW("b/c/moved"), VIEW("inside"));
    expect_ok(kv_remove(kv, VIEW("b/c/moved")));
    kv_suite_expect_value(kv, VIEW("a/file"), VIEW("inside"));
    close_folder();
}

TEST(kv_directory_hides_dot_files)
{
    struct kv *kv = make_folder();
    kv_folder_write(&folder, VIEW(".secret"), VIEW("x"));
    kv_folder_write(&folder, VIEW(".git/config"), VIEW("x"));
    kv_folder_write(&folder, VIEW("a/.hidden"), VIEW("x"));
    kv_folder_write(&folder, VIEW("a/seen"), VIEW("x"));
    expect_result(kv_exists(kv, VIEW(".secret")), NOT_FOUND);
    expect_result(kv_exists(kv, VIEW(".git/config")), NOT_FOUND);
    expect_result(kv_exists(kv, VIEW("a/.hidden")), NOT_FOUND);
    expect_result(kv_set(kv, VIEW(".secret"), VIEW("y")), INVALID);
    expect_result(kv_set(kv, VIEW("a/.new/b"), VIEW("y")), INVALID);
    expect_result(kv_remove(kv, VIEW(".secret")), INVALID);
    expect_result(kv_rename(kv, VIEW("a/seen"), VIEW(".secret")), INVALID);
    kv_suite_expect_keys(kv, VIEW(""), VIEW("a/seen "));
    kv_suite_expect_keys(kv, VIEW(".git"), VIEW(""));
    expect_ok(kv_remove(kv, VIEW("a/seen")));
    expect_result(kv_set(kv, VIEW("a"), VIEW("a folder with a hidden file")), EXISTS);
    close_folder();
}

TEST(kv_directory_long_segments)
{
    static uint8_t segment[300];
    span_fill(SPAN_OF(segment), 's');
    struct kv *kv = make_folder();
    expect_ok(kv_set(kv, view_from(segment, 255), VIEW("longest")));
    kv_suite_expect_value(kv, view_from(segment, 255), VIEW("longest"));
    expect_result(kv_set(kv, view_from(segment, 256), VIEW("x")), INVALID);
    expect_result(kv_exists(kv, view_from(segment, 256)), NOT_FOUND);
    close_folder();
}

/* ---- files that change ---- */

TEST(kv_directory_sees_an_edited_file)
{
    struct kv *kv = make_folder();
    struct kv_digest before, after;
    for (unsigned i = 0; i < 20; i++) {
        kv_folder_write(&folder, VIEW("page.html"), VIEW("first"));
        expect_ok(kv_digest_of(kv, VIEW("page.html"), &before));
        kv_folder_write(&folder, VIEW("page.html"), VIEW("other"));
        expect_ok(kv_digest_of(kv, VIEW("page.html"), &after));
        expect(!view_equal(VIEW_OF(before), VIEW_OF(after)));
        kv_suite_expect_value(kv, VIEW("page.html"), VIEW("other"));
    }
    close_folder();
}

TEST(kv_directory_remembers_digests)
{
    kv_folder_make(&folder);
    kv_folder_write(&folder, VIEW("a"), VIEW("abc"));
    kv_folder_write(&folder, VIEW("b"), VIEW("abd"));
    struct kv_directory_parameters parameters = parameters_of();
    parameters.digests = 1;
    expect_ok(kv_directory_open(&directory, &parameters));
    expect_ok(kv_exists(&directory.kv, VIEW("a")));
    expect_ok(kv_exists(&directory.kv, VIEW("a")));
    expect_that(directory.digests.hit_count, ==, 0);
    (void)fiber_sleep(2100 * MS_NS);
    for (unsigned i = 0; i < 3; i++)
        expect_ok(kv_exists(&directory.kv, VIEW("a")));
    expect_that(directory.digests.hit_count, ==, 2);
    expect_ok(kv_exists(&directory.kv, VIEW("b")));
    expect_ok(kv_exists(&directory.kv, VIEW("a")));
    expect_that(directory.digests.hit_count, ==, 2);
    struct kv_digest a, b;
    expect_ok(kv_digest_of(&directory.kv, VIEW("a"), &a));
    expect_ok(kv_digest_of(&directory.kv, VIEW("b"), &b));
    expect(!view_equal(VIEW_OF(a), VIEW_OF(b)));
    close_folder();
}

TEST(kv_directory_a_file_that_is_cut_short)
{
    struct kv *kv = make_folder();
    struct kv_value value;
    uint8_t room[16];
    size_t length_bytes = 99;
    kv_folder_write(&folder, VIEW("a"), VIEW("twelve bytes"));
    expect_ok(kv_open(kv, VIEW("a"), &value));
    kv_folder_write(&folder, VIEW("a"), VIEW("six by"));
    expect_ok(kv_read(kv, &value, 0, span_first(SPAN_OF(room), 6), &length_bytes));
    expect_result(kv_read(kv, &value, 0, SPAN_OF(room), &length_bytes), FAILED);
    expect_that(length_bytes, ==, 0);
    kv_folder_write(&folder, VIEW("a"), VIEW("much longer than before"));
    expect_ok(kv_read(kv, &value, 0, SPAN_OF(room), &length_bytes));
    expect_view(view_from(room, length_bytes), VIEW("much longer "));
    kv_release(kv, &value);
    close_folder();
}

TEST(kv_directory_keeps_the_mode)
{
    struct kv *kv = make_folder();
    struct stat status;
    expect_ok(kv_set(kv, VIEW("a"), VIEW("1")));
    shell("chmod 600 a");
    expect_ok(kv_set(kv, VIEW("a"), VIEW("2")));
    expect(stat(kv_folder_path(&folder, VIEW("a")), &status) == 0);
    expect_that(status.st_mode & 0777, ==, 0600);
    close_folder();
}

TEST(kv_directory_without_permission)
{
    if (geteuid() == 0) test_skip("root may do everything");
    struct kv *kv = make_folder();
    kv_folder_write(&folder, VIEW("a/b"), VIEW("1"));
    kv_folder_write(&folder, VIEW("secret"), VIEW("1"));
    shell("chmod 0 secret; chmod 500 a .");
    expect_result(kv_exists(kv, VIEW("secret")), FAILED);
    expect_result(kv_set(kv, VIEW("a/b"), VIEW("2")), DENIED);
    expect_result(kv_remove(kv, VIEW("a/b")), DENIED);
    expect_result(kv_set(kv, VIEW("new"), VIEW("2")), DENIED);
    shell("chmod 700 .");
    expect_ok(kv_set(kv, VIEW("new"), VIEW("2")));
    const struct kv_change half[] = {
        { .kind = KV_SET, .key = VIEW("new"), .value = VIEW("3") },
        { .kind = KV_SET, .key = VIEW("a/c"), .value = VIEW("3") },
    };
    expect_result(kv_apply(kv, half, LENGTH_OF(half)), DENIED);
    kv_suite_expect_value(kv, VIEW("new"), VIEW("2"));
    shell("chmod 700 a");
    close_folder();
}

/* Folders that hold nothing are like none. */
TEST(kv_directory_empty_folders_are_nothing)
{
    struct kv *kv = make_folder();
    shell("mkdir -p a/b/c a/d");
    kv_suite_expect_keys(kv, VIEW(""), VIEW(""));
    expect_result(kv_exists(kv, VIEW("a")), NOT_FOUND);
    expect_ok(kv_set(kv, VIEW("a"), VIEW("a value")));
    kv_suite_expect_value(kv, VIEW("a"), VIEW("a value"));
    expect_ok(kv_remove(kv, VIEW("a")));
    expect_ok(kv_set(kv, VIEW("x/y/z"), VIEW("")));
    expect_ok(kv_remove(kv, VIEW("x/y/z")));
    expect(access(kv_folder_path(&folder, VIEW("x")), F_OK) != 0);
    close_folder();
}

/* ---- listing deep and wide ---- */

struct order {
    struct kv_visitor visitor;
    uint8_t last[KV_KEY_MAX];
    size_t last_bytes, count;
    bool is_in_order;
};

static bool compare_with_last(struct kv_visitor *visitor, struct view key, uint64_t size_bytes)
{
    struct order *order = CONTAINER_OF(visitor, struct order, visitor);
    (void)size_bytes;
    if (view_compare(view_from(order->last, order->last_bytes), key) >= 0)
        order->is_in_order = false;
    (void)span_copy(SPAN_OF(order->last), key);
    order->last_bytes = key.length_bytes;
    order->count++;
    return true;
}

static void expect_count_in_order(struct kv *kv, size_t count)
{
    static struct order order;
    order = (struct order){ .visitor = { compare_with_last }, .is_in_order = true };
    expect_ok(kv_list(kv, VIEW(""), &order.visitor));
    expect(order.is_in_order);
    expect_that(order.count, ==, count);
}

/* More names, and more levels, than a listing has room for, in every combination. */
TEST(kv_directory_lists_deep_and_wide)
{
    struct kv *kv = make_folder();
    shell("i=0; p=.; while [ $i -lt 30 ]; do"
          "  touch $p/a $p/n $p/n- $p/n.x $p/z; mkdir $p/m $p/n0; touch $p/m/x $p/n0/x;"
          "  mkdir $p/d; p=$p/d; i=$((i + 1));"
          "done; for i in $(seq 1000); do : >$p/w$i; done;"
          "mkdir wide; for i in $(seq 500); do : >wide/f$i; mkdir wide/d$i; : >wide/d$i/x; done");
    expect_count_in_order(kv, 30 * 7 + 1000 + 1000);
    close_folder();
}

static bool touch_others(struct kv_visitor *visitor, struct view key, uint64_t size_bytes)
{
    struct order *order = CONTAINER_OF(visitor, struct order, visitor);
    shell("rm -rf b; mkdir -p c/new; touch c/new/z");
    return compare_with_last(&order->visitor, key, size_bytes);
}

TEST(kv_directory_lists_while_folders_come_and_go)
{
    struct kv *kv = make_folder();
    shell("mkdir -p a b/b c d && touch a/1 b/1 b/b/1 c/1 d/1");
    static struct order order;
    order = (struct order){ .visitor = { touch_others }, .is_in_order = true };
    expect_ok(kv_list(kv, VIEW(""), &order.visitor));
    expect(order.is_in_order);
    expect_that(order.count, ==, 4);
    close_folder();
}

/* ---- two at a time ---- */

TEST(kv_directory_two_writers)
{
    static struct kv_directory other;
    struct kv *kv = make_folder();
    struct kv_directory_parameters parameters = parameters_of();
    expect_ok(kv_directory_open(&other, &parameters));
    uint8_t name[16];
    for (unsigned i = 0; i < 20; i++) {
        struct view key = format(SPAN_OF(name), "d%u/k", i % 3);
        expect_ok(kv_set(i % 2 == 0 ? kv : &other.kv, key, VIEW("shared")));
        kv_suite_expect_value(i % 2 == 0 ? &other.kv : kv, key, VIEW("shared"));
        expect_ok(kv_rename(&other.kv, key, VIEW("moved")));
        expect_result(kv_exists(kv, key), NOT_FOUND);
        expect_ok(kv_remove(kv, VIEW("moved")));
    }
    shell("rm -rf .loom-kv");
    expect_ok(kv_set(kv, VIEW("a"), VIEW("1")));
    expect_ok(kv_set(&other.kv, VIEW("a"), VIEW("2")));
    kv_directory_close(&other);
    close_folder();
}
