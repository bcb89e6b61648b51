# machine.sh - images that are machines of their own: what they are made of, and who runs them.
#
# SPDX-License-Identifier: ISC

cp -r "$house/apps/hello" .
rm -rf hello/build
shop

check "targets" "$loom" targets
check_says "targets: the machine" 'vm       a machine of its own, without any other operating system'
check "describe -t vm" "$loom" describe -t vm shop
check_says "describe -t vm: the stack is ours" 'stack0.tcp: tcp by stack_direct'
check_says "describe -t vm: over a card of the machine" 'net0: net by net_virtio'
check "the card is opened by its name in the manifest" grep -q 'net_virtio_open(&net0, VIEW("net0"))' shop/build/vm/main.c
check "the manifest tells whoever runs it" json shop/build/vm/manifest.json \
    '[(d["name"], d["prefix"]) for d in it["devices"] if d["module"] == "net_virtio"] == [("net0", "")]'
check "what loom run has to know" diff - shop/build/vm/nets.txt << 'END'
net - - net0
server -
END

check_error "a machine with the host's sockets" 2 '--stack=socket: choose --stack=direct (what speaks TCP and UDP: only a process' \
    "$loom" configure -t vm --stack=socket shop
check_error "a machine with pages of the host" 1 'shop/config.c:7: error: htdocs is a folder of the host, and below a machine' \
    "$loom" configure -t vm --pages=host shop
check_says "a machine with pages of the host: the remedy" '--pages=image'

# wiring NAME STATUS TEXT LINE...: what a config.c of these lines is refused with.
wiring()
{
    local name=$1 text=$2
    mkdir -p other && cp -r shop/htdocs other/
    printf '#include <loom/config.h>\nunikernel(other)\n{\n%s\n}\n' "$3" > other/config.c
    check_error "$name" 1 "$text" "$loom" configure -t vm other
}
wiring "a machine with a folder of the host" 'other/config.c:4: error: htdocs is a folder of the host' \
    'struct kv *kv = kv_directory("htdocs"); enum result go(struct kv *); start(go, kv);'
wiring "a machine with the host's resolver" 'other/config.c:4: error: resolver_host() asks the host, and below a machine' \
    'struct resolver *r = resolver_host(); enum result go(struct resolver *); start(go, r);'
wiring "a machine with a net of the host" 'net_host() is of unix alone; default_net() is what vm has' \
    'struct stack *s = stack_direct(net_host()); enum result go(struct stack *); start(go, s);'
wiring "a card whose name is too long" "net_a_very_long_name: a machine's network card has a name of 16 bytes at most" \
    'struct stack *s = named("a-very-long-name", default_stack()); enum result go(struct stack *); start(go, s);'

check_error "test -t vm" 2 'tests are programs of the host' "$loom" test -t vm hello
check_error "--mem without -t vm" 2 '--mem is for a machine; add -t vm' "$loom" run --mem 2MiB hello
check_error "--on qemu without -t vm" 2 '--on is for a machine; add -t vm' "$loom" run --on qemu hello
check_error "--on of nobody" 2 '--on moon: there is no such one; there are tender and qemu' "$loom" run -t vm --on moon hello
check_error "--machine of nobody" 2 'there are microvm and q35 and pc' "$loom" run -t vm --machine isapc hello
check_error "--accel with the tender" 2 '--machine and --accel are for QEMU' \
    "$loom" run -t vm --on tender --accel tcg hello
check_error "--seed -t vm" 2 'add -t sim' "$loom" run -t vm --seed 7 hello

# What an image promises to whoever lays it out in memory.
is_whole()
{
    local image=$1
    [ -z "$(nm -u "$image")" ] && readelf -hW "$image" | grep -q 'Type: *DYN' &&
        ! readelf -lW "$image" 2> /dev/null | grep -q 'INTERP\|LOAD.* RWE ' &&
        ! readelf -rW "$image" 2> /dev/null | grep R_X86_64_ | grep -qv 'R_X86_64_RELATIVE\|R_X86_64_NONE' &&
        [ "$(readelf -nW "$image" 2> /dev/null | grep -c '^  Loom')" -eq 2 ]
}
check "build -t vm" "$loom" build -t vm hello
check "a static PIE, nothing undefined, no page to write and to run, both notes" is_whole hello/build/vm/hello

# As somebody who wants it small would have it: without what is for debuggers.
is_small()
{
    local image=$1 most=$2
    strip -o stripped "$image" && [ "$(stat -c %s stripped)" -le "$most" ]
}
check "build -t vm --boot=tender --optimize=size" "$loom" build -t vm --boot=tender --optimize=size hello
check "hello for the tender alone, and for size, is at most 48 KiB, stripped" is_small hello/build/vm/hello $((48 * 1024))
check "build -t vm --boot=pvh" "$loom" build -t vm --boot=pvh --optimize=speed hello
check "build -t vm --build=debug" "$loom" build -t vm --build=debug hello
check "a debug image is one, too, and without a runtime of the compiler's" is_whole hello/build/vm/hello
if command -v clang > /dev/null; then
    check "build -t vm with clang" env CC=clang "$loom" build -t vm --build=release hello
    check "an image by clang is one, too" is_whole hello/build/vm/hello
else
    skip "build -t vm with clang" "there is no clang"
fi
check "configure forgets that" "$loom" configure -t vm hello
check "build -t vm with a stack" "$loom" build -t vm shop
check "an image with a stack is one, too" is_whole shop/build/vm/shop
check "size -t vm" "$loom" size -t vm hello
check_says "size -t vm: what the machine costs" 'target/vm'
said_total=$(tail -1 <<< "$said" | awk '{print $NF}')
check "size -t vm: the total is that of size(1)" test "$said_total" = "$(size hello/build/vm/hello | awk 'NR == 2 {print $4}')"

# A Loom whose monitor is what a test wants.
mkdir -p double/build && ln -s "$house/lib" "$house/target" "$house/tool" double/ &&
    cp "$loom" "$house/build/libloom-config.a" "$house/build/loom-crunch" "$house/build/loom-monitor" double/build/
double=$PWD/double/build/loom

if [ ! -r /dev/kvm ] || [ ! -w /dev/kvm ]; then
    check_error "run -t vm without KVM" 1 '/dev/kvm' "$loom" run -t vm --on tender hello
    skip "run -t vm" "no /dev/kvm"
    return 0
fi

check_error "run -t vm without a tender" 1 "there is no loom-tender beside $double; mend it: in Loom's tree: make tender" \
    "$double" run -t vm hello
check "doctor without a tender" bash -c "'$double' doctor | grep -A1 'machines (-t vm): there is no loom-tender' | grep -q 'make tender'"

# A tender that only tells how it was started.
cat > double/build/loom-tender << 'END'
#!/bin/bash
printf '%s\n' "$@"
for word; do [ -x "$word" ] && image=$word; done
address=$(nm "$image" | sed -n 's/ [tT] hello_start$//p')
printf '  #1  image+0x%x\n  #2  image+0xffffff\n  #3 of something else\n' "0x$address"
printf '  #0  image+0x%x\n' "0x$address" >&2
printf 'loom-tender: it is at image+0x%x (rsp 0)\n' "0x$address" >&2
printf 'no end'
exit 9
END
chmod +x double/build/loom-tender
check_error "run -t vm: the status is the machine's" 9 '--mem' "$double" run -t vm --mem 3MiB hello -- --one=1 two
check_says "run -t vm: what the tender is given" $'--mem\n3MiB\n'"$PWD/hello/build/vm/hello"$'\n--\n--one=1\ntwo'
check_says "run -t vm: functions are named in a backtrace" $'\n  #1  hello_start+0x0\n  #2  image+0xffffff\n  #3 of'
check_says "run -t vm: on both outputs" '  #0  hello_start+0x0'
check_says "run -t vm: and where the monitor says that it is" 'loom-tender: it is at hello_start+0x0 (rsp 0)'
check_says "run -t vm: a last line without an end" 'no end'
check_error "run -t vm --features: the tender is told" 9 $'\n--features\nnone\n' "$double" run -t vm --mem 3MiB --features none hello
check_error "run -t vm: nets and addresses" 9 \
    $'--net\nnet0=passt\n--publish\nnet0=8080:80\n' "$double" run -t vm --publish 8080:80 shop -- --connections=7
check_says "run -t vm: addresses are boot parameters" $'\n--\n--ipv4=10.0.2.15/24\n--ipv4-gateway=10.0.2.2\n--port=80\n--connections=7'
check_error "run -t vm: a tap" 9 $'--net\nnet0=tap:tap7\n' "$double" run -t vm --net tap:tap7 shop -- --ipv4=10.0.0.2/24

mkdir -p two && cat > two/config.c << 'END'
#include <loom/config.h>
#include "two.h"

unikernel(two)
{
    struct tcp *lan = stack_tcp(named("lan", default_stack()));
    struct tcp *one = stack_tcp(default_stack());

    start(two_start, one, lan);
}
END
printf '#include "tcp/tcp.h"\nenum result two_start(struct tcp *one, struct tcp *two);\n' > two/two.h
printf '#include "two.h"\nenum result two_start(struct tcp *one, struct tcp *two)\n{\n    return one != two ? OK : INVALID;\n}\n' > two/two.c
check_error "run -t vm: two nets" 9 $'--net\nnet0=passt\n--publish\nnet0=8080:80,8081:81\n--net\nnet_lan=tap:tap7\n' \
    "$double" run -t vm --net lan=tap:tap7 --publish 8080:80 --publish 8081:81 two -- --lan-ipv4=10.0.0.2/24
check_says "run -t vm: two nets: only passt's address is known" $'\n--\n--ipv4=10.0.2.15/24\n--ipv4-gateway=10.0.2.2\n--lan-ipv4=10.0.0.2/24'
check_error "run -t vm: a net that there is not" 2 'the image has no net of the name lan' "$double" run -t vm --net lan=passt shop
check_error "run -t vm: ports of an image without a network" 2 'this one has none' "$double" run -t vm --publish 80:80 hello

cat > double/build/loom-tender << 'END'
#!/bin/bash
trap 'echo asked; exit 3' TERM
trap 'echo census' USR1
echo started
while :; do sleep 0.05; done
END
"$double" run -t vm hello > signals.txt 2>&1 &
process=$!
started+=("$process")
for signal in USR1 TERM; do
    for ((try = 0; try < 100; try++)); do
        grep -qs "$([ $signal = USR1 ] && echo started || echo census)" signals.txt && break
        sleep 0.05
    done
    kill -$signal "$process"
done
wait "$process"
status=$?
check "run -t vm: signals reach the machine" test "$(tr '\n' ' ' < signals.txt) $status" = 'started census asked  3'

cat > double/build/loom-tender << 'END'
#!/bin/bash
for ((i = 0; i < 20000; i++)); do echo "line $i of many"; done
exit 4
END
check_error "run -t vm: a machine goes on when nobody listens" 4 'line 0' bash -c "'$double' run -t vm hello | head -1; exit \${PIPESTATUS[0]}"

cat > double/build/loom-tender << 'END'
#!/bin/bash
trap 'echo asked; exit 0' TERM
echo started
while :; do sleep 0.05; done
END
"$double" run -t vm --watch hello > watch.txt 2>&1 &
process=$!
started+=("$process")
# starts COUNT: until it has said so often that it starts.
starts()
{
    local try
    for ((try = 0; try < 200; try++)); do
        [ "$(grep -cx started watch.txt)" -ge "$1" ] && return
        sleep 0.05
    done
}
starts 1
echo 'int other(void); int other(void) { return 1; }' >> hello/hello.c
starts 2
kill -TERM "$process"
wait "$process"
check "run -t vm --watch: it is started again when a source has changed" test "$(tr '\n' ' ' < watch.txt)" = \
    'started asked loom: built again, and started started asked '
cp "$house/apps/hello/hello.c" hello/

printf '#!/bin/bash\nexit 3\n' > double/build/loom-tender
nohup "$double" run -t vm --watch hello > watch.txt 2>&1 < /dev/null &
process=$!
started+=("$process")
for ((try = 0; try < 200; try++)); do
    grep -q 'ended with status 3; it starts again' watch.txt && break
    sleep 0.05
done
kill -HUP "$process"
sleep 0.3
check "run -t vm --watch: nohup is heeded" kill -0 "$process"
kill -TERM "$process"
wait "$process"
check "run -t vm --watch: SIGTERM ends it where no image runs" test "$?" = 143

if [ ! -x "$house/build/loom-tender" ] || [ ! "$loom" -ef "$house/build/loom" ]; then
    skip "hello in a machine" "there is no loom-tender beside $loom"
    return 0
fi
check "hello in a machine" "$loom" run -t vm hello
[ "$said" = 'Hello from Loom.' ] || not_ok "hello in a machine: what it says" "$said"
check_error "a wrong boot parameter of a machine" 2 '--nonsense' "$loom" run -t vm hello -- --nonsense=1
check "the least memory of hello" "$loom" run -t vm --mem 2MiB hello

mkdir -p broken
cat > broken/config.c << 'END'
#include <loom/config.h>
#include "broken.h"
unikernel(broken)
{
    start(broken_start);
}
END
echo '#include "base/result.h"
enum result broken_start(void) CHECKED;' > broken/broken.h
cat > broken/broken.c << 'END'
#include "broken.h"

#include <stdint.h>

__attribute__((noinline)) static uintptr_t nowhere(void)
{
    __asm__("");
    return 8;
}

__attribute__((noinline)) static void step_on_nothing(void)
{
    *(volatile int *)nowhere() = 1;
}

enum result broken_start(void)
{
    step_on_nothing();
    return OK;
}
END
check_error "a crash in a machine" 134 'crash: ' "$loom" run -t vm broken
check_says "a crash in a machine: where" '  #0  step_on_nothing+0x'
check_says "a crash in a machine: how it came there" '  #1  broken_start+0x'
