# simulate.sh - an image runs as nodes of a simulated network, the same way under the same seed.
#
# SPDX-License-Identifier: ISC

cp -r "$house/apps/tick" .
rm -rf tick/build

check "run -t sim" "$loom" run -t sim tick
check_says "run -t sim: what it says" 'tick           0.000 s  three tickers start'
check_says "run -t sim: how it ends" '* ends with status 0'
check_error "run -t sim: its status is the image's" 2 '--bad is not a parameter' "$loom" run -t sim tick -- --bad
check "run -t sim with a seed" "$loom" run -t sim --seed 7 --nodes 3 tick
check_says "run -t sim: as many nodes as one wants" 'tick-3         0.000 s  three'

"$loom" run -t sim --for=1h tick > first.txt 2>&1
start=$(milliseconds)
"$loom" run -t sim --for=1h tick > second.txt 2>&1
took=$(($(milliseconds) - start))
check "what it says has a time" grep -q '^ *0\.00000[0-9]  tick           0\.000 s  three tickers start' first.txt
check "it goes on for as long as the image does" grep -q '^ *4\.00000[0-9]  tick         . ends with status 0' first.txt
"$loom" run -t sim --for=1s tick > short.txt 2>&1
check "or as long as one wants" grep -q '1.000000  world        the time is over' short.txt
check "the same seed gives the same run" cmp first.txt second.txt
if [ "$took" -lt 20000 ]; then ok "and takes a moment"; else not_ok "and takes a moment" "$took ms"; fi

check_error "a seed without -t sim" 2 'add -t sim' "$loom" run --seed 7 tick
check_error "a duration that is none" 2 'write a duration' "$loom" run -t sim --for=soon tick
check_error "too many nodes" 2 'from 1 to 16' "$loom" run -t sim --nodes=17 tick
check_error "a simulated network that the host should reach" 2 'not for a simulated network' \
    "$loom" run -t sim --watch tick

check_error "test -t sim without a world" 1 'tick_world_test.c, as target/sim/world.h tells' "$loom" test -t sim tick
cat > tick/tick_world_test.c << 'END'
/* tick_world_test.c - two of them, and one crashes. */
#include "target/sim/world_test.h"

WORLD_TEST(one_goes_on_when_another_crashes, 20)
{
    struct node *nodes[2];
    for (unsigned i = 0; i < 2; i++) {
        nodes[i] = world_add_node(world, &(struct node_parameters){ .name = i == 0 ? "a" : "b", .image = "tick" });
        node_start(nodes[i]);
    }
    world_expect(world, world_run(world, world_random(world) % (4 * S_NS)) == OK);
    node_crash(nodes[0]);
    world_expect(world, node_wait_end(nodes[1], 10 * S_NS) == OK);
    world_expect(world, node_has_said(nodes[1], VIEW("slow   has ended: 5 ticks")));
    world_expect(world, node_left_bytes(nodes[1]) == 0);
}
END
check "test -t sim" "$loom" test -t sim tick
check_says "test -t sim: the worlds" 'ok      one_goes_on_when_another_crashes'
check_says "test -t sim: and nothing else" '1 passed, 0 failed, 0 skipped'
check "the other tests know nothing of worlds" "$loom" test tick
sed -i 's/5 ticks/6 ticks/' tick/tick_world_test.c
check_error "a world that does not hold" 1 'seed 1, virtual time' "$loom" test -t sim tick
check_says "a world that does not hold: its events" 'a            * crashes'
