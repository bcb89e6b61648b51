/* world_sim_test.c - the simulator itself: copies of images, crashes, clocks, wires, and that the
 * same seed gives the same bytes.
 *
 * SPDX-License-Identifier: ISC */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "target/sim/world_test.h"

static const struct net_faulty_plan sound_wire = { .delay_ns = MS_NS };
static const struct net_faulty_plan bad_wire = { .delay_ns = 2 * MS_NS,
                                                 .jitter_ns = MS_NS,
                                                 .loss_per_million = 100000,
                                                 .duplicate_per_million = 20000,
                                                 .corrupt_per_million = 20000,
                                                 .reorder_per_million = 50000,
                                                 .reorder_ns = 5 * MS_NS };

static struct node *add_counter(struct world *world, const char *name, const char *argument)
{
    return world_add_node(world, &(struct node_parameters){
                                     .name = name, .image = "counter", .arguments = { argument } });
}

static struct node *add_station(struct world *world, const char *name, const char *send,
                                const char *burst, const struct net_faulty_plan *plan)
{
    return world_add_node(world, &(struct node_parameters){ .name = name,
                                                            .image = "frames",
                                                            .arguments = { send, burst },
                                                            .out = *plan,
                                                            .in = *plan });
}

/* ---- copies ---- */

WORLD_TEST(nodes_of_one_image_have_variables_of_their_own, 1)
{
    struct node *a = add_counter(world, "a", NULL), *b = add_counter(world, "b", NULL);
    node_start(a);
    world_expect(world, world_run(world, 1025 * MS_NS) == OK);
    node_start(b);
    world_expect(world, world_run(world, 1025 * MS_NS) == OK);
    world_expect(world,
                 node_has_said(a, VIEW("count 20 ")) && !node_has_said(a, VIEW("count 21 ")));
    world_expect(world,
                 node_has_said(b, VIEW("count 10 ")) && !node_has_said(b, VIEW("count 11 ")));
}

WORLD_TEST(a_restart_begins_with_a_fresh_copy, 1)
{
    struct node *node = add_counter(world, "a", NULL);
    node_start(node);
    for (unsigned boot = 1; boot <= 10; boot++) {
        world_expect(world, node_wait_says(node, VIEW("count 3 "), S_NS) == OK);
        world_expect(world, node_has_said(node, VIEW("count 1 ")));
        world_expect(world, !node_has_said(node, VIEW("count 4 ")));
        world_expect(world, node_boots(node) == boot);
        node_restart(node);
        world_expect(world, !node_has_said(node, VIEW("count")));
    }
}

WORLD_TEST(a_node_that_ends_can_be_started_again, 1)
{
    struct node *node = add_counter(world, "a", "--end-at=2");
    for (unsigned i = 0; i < 3; i++) {
        node_start(node);
        world_expect(world, node_wait_end(node, S_NS) == OK);
        world_expect(world, node_state(node) == NODE_ENDED && node_status(node) == 0);
        world_expect(world, node_has_said(node, VIEW("done")));
    }
}

WORLD_TEST(a_stop_ends_a_node_by_itself, 1)
{
    struct node *node = add_counter(world, "a", NULL);
    node_start(node);
    world_expect(world, world_run(world, 50 * MS_NS) == OK);
    node_stop(node);
    world_expect(world, node_wait_end(node, 10 * MS_NS) == OK);
    world_expect(world, node_state(node) == NODE_ENDED);
    world_expect(world, node_left_bytes(node) == 0);
}

/* ---- ends that are no good ---- */

WORLD_TEST(a_panic_ends_its_node_alone, 1)
{
    struct node *a = world_add_node(
        world,
        &(struct node_parameters){
            .name = "a", .image = "counter", .arguments = { "--panic-at=3" }, .may_fail = true });
    struct node *b = add_counter(world, "b", NULL);
    node_start(a);
    node_start(b);
    world_expect(world, world_run(world, 1050 * MS_NS) == OK);
    world_expect(world, node_state(a) == NODE_PANICKED && node_state(b) == NODE_RUNS);
    world_expect(world, node_has_said(b, VIEW("count 10 ")));
    world_expect(world, node_memory_bytes(a) == 0);
    node_restart(a);
    world_expect(world, node_wait_says(a, VIEW("count 2 "), S_NS) == OK);
}

WORLD_TEST(an_exit_from_any_fiber_ends_its_node_alone, 1)
{
    struct node *node = world_add_node(
        world,
        &(struct node_parameters){
            .name = "a", .image = "counter", .arguments = { "--exit-at=2" }, .may_fail = true });
    node_start(node);
    world_expect(world, node_wait_end(node, S_NS) == OK);
    world_expect(world, node_state(node) == NODE_ENDED && node_status(node) == 7);
    world_expect(world, node_memory_bytes(node) == 0);
}

static bool holds_no_third_count(struct world_rule *rule);

static struct third {
    struct world_rule rule;
    const struct node *node;
} third = { .rule = { "nobody counts to three", holds_no_third_count, NULL } };

static bool holds_no_third_count(struct world_rule *rule)
{
    const struct third *of = CONTAINER_OF(rule, struct third, rule);
    return !node_has_said(of->node, VIEW("count 3 "));
}

WORLD_TEST(a_rule_that_does_not_hold_fails_the_world_at_that_moment, 1)
{
    struct node *node = add_counter(world, "a", NULL);
    third.node = node;
    world_add_rule(world, &third.rule);
    node_start(node);
    expect_result(world_run(world, S_NS), FAILED);
    expect_that(world_now_ns(world), >=, 300 * MS_NS);
    expect_that(world_now_ns(world), <, 301 * MS_NS);
    expect(strstr(world_failure(world), "nobody counts to three") != NULL);
    world_close(world);
    _exit(0);
}

/* Runs a world that fails, with what it reports in `report`. */
static void run_failing(void (*run)(struct world *world), char report[], size_t room_bytes)
{
    int kept = dup(STDERR_FILENO), file = memfd_create("report", MFD_CLOEXEC);
    expect(kept >= 0 && file >= 0);
    (void)fflush(stderr);
    (void)dup2(file, STDERR_FILENO);
    bool passed = worlds_run(&(struct worlds){ "failing", run, 5, 1, { 0 } });
    (void)fflush(stderr);
    (void)dup2(kept, STDERR_FILENO);
    ssize_t length = pread(file, report, room_bytes - 1, 0);
    (void)close(kept);
    (void)close(file);
    expect(!passed && length > 0);
    report[length] = '\0';
}

static void expect_says(const char *report, const char *words)
{
    if (strstr(report, words) == NULL)
        test_fail(__FILE__, __LINE__, "expected a report with \"%s\", got: %s", words, report);
}

static void panic_in_time(struct world *world)
{
    struct node *node = add_counter(world, "unlucky", "--panic-at=3");
    node_start(node);
    world_expect(world, world_run(world, S_NS) == OK);
}

TEST(a_panic_is_reported_with_seed_time_and_names)
{
    static char report[65536];
    run_failing(panic_in_time, report, sizeof report);
    expect_says(report, "seed 5, virtual time 0.3000");
    expect_says(report, "0.1000");
    expect_says(report, "unlucky      count 1 at 1100 ms");
    expect_says(report, "! panic: ");
    expect_says(report, "counted up to 3");
    expect_says(report, "! in fiber main");
    expect_says(report, "#2 image_start");
    expect_says(report, "unlucky has panicked");
    expect_says(report, "SIM_SEED=5");
}

static void expect_in_vain(struct world *world)
{
    struct node *node = add_counter(world, "a", NULL);
    node_start(node);
    world_expect(world, node_wait_says(node, VIEW("count 100 "), S_NS) == OK);
}

TEST(an_expectation_that_is_not_met_is_reported)
{
    static char report[65536];
    run_failing(expect_in_vain, report, sizeof report);
    expect_says(report, "seed 5, virtual time 1.0000");
    expect_says(report, "world_sim_test.c:");
    expect_says(report, "expected node_wait_says(node, ");
}

static void write_to_nowhere(struct world *world)
{
    struct node *node = add_counter(world, "unlucky", "--fault-at=5");
    node_start(add_counter(world, "lucky", NULL));
    node_start(node);
    world_expect(world, world_run(world, S_NS) == OK);
}

TEST(a_fault_of_the_processor_is_reported_with_the_node)
{
    static char report[262144];
    run_failing(write_to_nowhere, report, sizeof report);
    expect_says(report, "in node 'unlucky':\nbroken: seed 5, virtual time 0.5000");
    expect_says(report, "unlucky      count 4 at 1400 ms");
    expect_says(report, "4c4b40");
    expect_says(report, "SIM_SEED=5");
}

static void load_nothing(struct world *world)
{
    node_start(world_add_node(world, &(struct node_parameters){ .name = "a", .image = "nothing" }));
    world_expect(world, world_run(world, S_NS) == OK);
}

TEST(an_image_that_is_not_there_is_reported)
{
    static char report[65536];
    run_failing(load_nothing, report, sizeof report);
    expect_says(report, "/nothing.so: No such file or directory");
}

/* ---- crashes ---- */

WORLD_TEST(a_crash_comes_at_any_moment, 200)
{
    struct node *a = add_station(world, "a", "--send=100000", "--burst=7", &sound_wire);
    struct node *b = add_station(world, "b", "--send=100000", "--burst=3", &sound_wire);
    node_start(a);
    node_start(b);
    for (unsigned i = 0; i < 10; i++) {
        world_expect(world, world_run(world, world_random(world) % (100 * MS_NS)) == OK);
        node_crash(a);
        world_expect(world, node_memory_bytes(a) == 0);
        world_expect(world, world_run(world, world_random(world) % (20 * MS_NS)) == OK);
        node_start(a);
    }
    node_stop(b);
    world_expect(world, node_wait_end(b, S_NS) == OK);
    world_expect(world, node_left_bytes(b) == 0);
}

WORLD_TEST(a_crash_comes_in_the_middle_of_a_turn, 200)
{
    struct node *a = add_station(world, "a", "--send=100000", "--burst=7", &sound_wire);
    struct node *b = add_station(world, "b", "--send=100000", "--burst=3", &sound_wire);
    node_start(b);
    for (unsigned i = 0; i < 10; i++) {
        node_start(a);
        node_crash_after(a, 1 + world_random(world) % 300);
        world_expect(world, node_wait_end(a, 10 * S_NS) == OK);
        world_expect(world, node_state(a) == NODE_OFF && node_memory_bytes(a) == 0);
    }
    node_stop(b);
    world_expect(world, node_wait_end(b, S_NS) == OK);
    world_expect(world, node_left_bytes(b) == 0);
}

/* ---- clocks ---- */

WORLD_TEST(clocks_run_at_their_own_speed, 1)
{
    struct node *fast = world_add_node(
        world,
        &(struct node_parameters){ .name = "fast", .image = "counter", .skew = { .ppm = 100000 } });
    struct node *slow = world_add_node(
        world, &(struct node_parameters){
                   .name = "slow", .image = "counter", .skew = { .ppm = -100000 } });
    node_start(fast);
    node_start(slow);
    world_expect(world, world_run(world, 10 * S_NS + MS_NS) == OK);
    world_expect(world, node_has_said(fast, VIEW("count 110 at 12000 ms")));
    world_expect(world, !node_has_said(fast, VIEW("count 111 ")));
    world_expect(world, node_has_said(slow, VIEW("count 90 at 10000 ms")));
    world_expect(world, !node_has_said(slow, VIEW("count 91 ")));
}

WORLD_TEST(a_clock_can_change_its_speed_and_never_goes_back, 1)
{
    struct node *node = add_counter(world, "a", NULL);
    node_start(node);
    world_expect(world, world_run(world, 10 * S_NS + MS_NS) == OK);
    world_expect(world, node_has_said(node, VIEW("count 100 at 11000 ms")));
    node_change_skew(node, (struct node_skew){ .ppm = 500000 });
    world_expect(world, world_run(world, 10 * S_NS) == OK);
    world_expect(world, node_has_said(node, VIEW("count 250 at 26000 ms")));
    world_expect(world, !node_has_said(node, VIEW("count 251 ")));
    node_change_skew(node, (struct node_skew){ .ppm = -500000 });
    world_expect(world, world_run(world, 10 * S_NS) == OK);
    world_expect(world, node_has_said(node, VIEW("count 300 at 31000 ms")));
    world_expect(world, !node_has_said(node, VIEW("count 301 ")));
}

/* A fiber that never waits gets to its deadline all the same. */
WORLD_TEST(time_passes_for_a_node_that_is_busy, 1)
{
    struct node *node = add_counter(world, "a", "--busy=1ms");
    node_start(node);
    world_expect(world, node_wait_says(node, VIEW("count 1 at 1100 ms"), S_NS) == OK);
}

/* ---- wires ---- */

WORLD_TEST(frames_come_through_a_sound_wire_whole_and_in_order, 1)
{
    struct node *a = add_station(world, "a", "--send=100", "--burst=10", &sound_wire);
    struct node *b = add_station(world, "b", "--send=0", NULL, &sound_wire);
    node_start(b);
    node_start(a);
    world_expect(world, node_wait_says(a, VIEW("sent 100"), 5 * S_NS) == OK);
    world_expect(world, world_run(world, 10 * MS_NS) == OK);
    node_stop(b);
    world_expect(world, node_wait_end(b, S_NS) == OK);
    world_expect(world, node_has_said(b, VIEW("heard 100, ")));
    node_stop(a);
    world_expect(world, node_wait_end(a, S_NS) == OK);
    world_expect(world, node_has_said(a, VIEW("heard 0, ")));
}

WORLD_TEST(a_cut_wire_carries_nothing_until_it_is_mended, 1)
{
    struct node *a = add_station(world, "a", "--send=1000", NULL, &sound_wire);
    struct node *b = add_station(world, "b", "--send=0", NULL, &sound_wire);
    node_start(b);
    node_start(a);
    world_expect(world, world_run(world, 105 * MS_NS) == OK);
    wire_cut(node_wire(b, 0));
    world_expect(world, world_run(world, 100 * MS_NS) == OK);
    wire_mend(node_wire(b, 0));
    world_expect(world, world_run(world, 100 * MS_NS) == OK);
    node_stop(b);
    world_expect(world, node_wait_end(b, S_NS) == OK);
    world_expect(world,
                 node_has_said(b, VIEW("heard 21, ")) || node_has_said(b, VIEW("heard 20, ")));
}

/* ---- the same seed, the same bytes ---- */

static int remembered = -1;
static uint64_t moved_pages;

static void remember(struct view bytes)
{
    expect(write(remembered, bytes.bytes, bytes.length_bytes) == (ssize_t)bytes.length_bytes);
}

/* The bytes are the same also where nothing is at the same address. */
static void move_addresses(uint64_t pages)
{
    if (pages == 0) return;
    void *moved = mmap(NULL, (size_t)pages * 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    expect(moved != MAP_FAILED && malloc((size_t)pages * 48) != NULL);
}

static void remember_world(struct world *world)
{
    struct node *a = add_station(world, "a", "--send=400", "--burst=7", &bad_wire);
    struct node *b = add_station(world, "b", "--send=300", "--burst=3", &bad_wire);
    struct node *c = add_counter(world, "c", "--every=7ms");
    struct view views[3] = { 0 };
    move_addresses(moved_pages);
    node_start(a);
    node_start(b);
    node_start(c);
    node_change_skew(b, (struct node_skew){ .ppm = (int32_t)(world_random(world) % 1000) });
    for (unsigned i = 0; i < 5; i++) {
        world_expect(world, world_run(world, world_random(world) % (200 * MS_NS)) == OK);
        node_restart(c);
    }
    node_stop(a);
    node_stop(b);
    world_expect(world, node_wait_end(a, S_NS) == OK && node_wait_end(b, S_NS) == OK);
    world_events(world, views);
    for (unsigned i = 0; i < 3; i++)
        remember(views[i]);
    wire_capture(node_wire(a, 0), views);
    for (unsigned i = 0; i < 3; i++)
        remember(views[i]);
    wire_capture(node_wire(b, 0), views);
    for (unsigned i = 0; i < 3; i++)
        remember(views[i]);
}

static void remember_transfer(struct world *world)
{
    struct node *server = world_add_node(
        world, &(struct node_parameters){ .name = "server",
                                          .image = "transfer",
                                          .arguments = { "--ipv4=10.0.0.1/24" },
                                          .out = bad_wire,
                                          .in = bad_wire });
    struct node *client = world_add_node(
        world, &(struct node_parameters){
                   .name = "client",
                   .image = "transfer",
                   .arguments = { "--ipv4=10.0.0.2/24", "--to=10.0.0.1:7", "--bytes=100KiB" },
                   .out = bad_wire,
                   .in = bad_wire,
                   .may_fail = true });
    struct view views[3] = { 0 };
    move_addresses(moved_pages);
    node_start(server);
    node_start(client);
    world_expect(world, node_wait_end(client, 7200 * S_NS) == OK);
    world_events(world, views);
    for (unsigned i = 0; i < 2; i++)
        remember(views[i]);
    for (unsigned i = 0; i < 2; i++) {
        wire_capture(node_wire(i == 0 ? server : client, 0), views);
        for (unsigned j = 0; j < 3; j++)
            remember(views[j]);
    }
}

static struct view remember_seed(void (*run)(struct world *world), uint64_t seed, uint64_t moved)
{
    moved_pages = moved;
    struct stat status;
    remembered = memfd_create("world", MFD_CLOEXEC);
    expect(worlds_run(&(struct worlds){ "remembered", run, seed, 1, { 0 } }));
    expect(fstat(remembered, &status) == 0 && status.st_size > 100000);
    void *pages = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE, remembered, 0);
    expect(pages != MAP_FAILED);
    (void)close(remembered);
    return view_from(pages, (size_t)status.st_size);
}

static void expect_the_same(void (*run)(struct world *world))
{
    if (getenv("SIM_SEED") != NULL) test_skip("SIM_SEED says which seed, and this wants several");
    for (uint64_t seed = 1; seed <= 5; seed++)
        expect(view_equal(remember_seed(run, seed, 0), remember_seed(run, seed, 7 * seed)));
    expect(!view_equal(remember_seed(run, 1, 0), remember_seed(run, 2, 0)));
}

TEST(the_same_seed_gives_the_same_bytes)
{
    expect_the_same(remember_world);
}

TEST(the_same_seed_gives_the_same_bytes_of_tcp)
{
    expect_the_same(remember_transfer);
}

/* ---- nothing is left ---- */

static unsigned count_lines(const char *path)
{
    unsigned count = 0;
    FILE *file = fopen(path, "r");
    expect(file != NULL);
    for (int byte = fgetc(file); byte != EOF; byte = fgetc(file))
        count += byte == '\n';
    (void)fclose(file);
    return count;
}

static unsigned count_descriptors(void)
{
    unsigned count = 0;
    DIR *folder = opendir("/proc/self/fd");
    expect(folder != NULL);
    while (readdir(folder) != NULL)
        count++;
    (void)closedir(folder);
    return count;
}

static void live_and_crash(uint64_t seed)
{
    struct world *world = world_open(&(struct world_parameters){ .seed = seed });
    struct node *a = add_station(world, "a", "--send=100000", "--burst=7", &bad_wire);
    struct node *b = add_counter(world, "b", "--keep=1MiB");
    for (unsigned i = 0; i < 20; i++) {
        node_restart(a);
        node_restart(b);
        expect_ok(world_run(world, 50 * MS_NS));
        expect_that(node_memory_bytes(b), >=, MIB);
    }
    world_close(world);
}

TEST(nothing_is_left_of_a_world)
{
    live_and_crash(1);
    unsigned descriptors = count_descriptors(), mappings = count_lines("/proc/self/maps");
    for (uint64_t seed = 2; seed < 6; seed++)
        live_and_crash(seed);
    expect_that(count_descriptors(), ==, descriptors);
    /* The heap may grow by a piece or two; the sanitizer's keeps what is freed for a while. */
    if (!SANITIZED_ADDRESS) expect_that(count_lines("/proc/self/maps"), <=, mappings + 4);
}

WORLD_TEST(memory_that_a_node_keeps_is_told, 1)
{
    struct node *node = add_counter(world, "a", "--keep=1MiB");
    node_start(node);
    world_expect(world, world_run(world, 50 * MS_NS) == OK);
    node_stop(node);
    world_expect(world, node_wait_end(node, S_NS) == OK);
    world_expect(world, node_left_bytes(node) == MIB);
    world_expect(world, node_memory_bytes(node) == 0);
}
