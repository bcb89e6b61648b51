# network.sh - images with our own stack: what they are made of, and what the host attaches to them.
#
# SPDX-License-Identifier: ISC

shop
image=shop/build/unix/shop

check "configure --stack=direct" "$loom" configure --stack=direct shop
check "describe" "$loom" describe shop
check_says "describe: the stack" 'stack0.tcp: tcp by stack_direct'
check_says "describe: the net" 'net0: net by net_host'
check "the net is opened before the stack" bash -c "
    grep -n '_open(&' shop/build/unix/main.c | head -2 | tr '\n' ' ' | grep -q 'net_host_open(&net0, .*stack_direct_open(&stack0, net0.net, '"
check "what loom run has to know" diff - shop/build/unix/nets.txt << 'END'
net - - net0
server -
END

mkdir -p named && cp -r shop/htdocs named/ && sed 's/shop_start/named_start/' shop/shop.c > named/named.c &&
    sed -i 's/"shop.h"/"named.h"/' named/named.c && sed 's/shop_start/named_start/' shop/shop.h > named/named.h
sed 's/(shop)/(named)/; s/shop/named/g; s/default_stack()/named("admin", default_stack())/' shop/config.c > named/config.c
check "a stack with a name" "$loom" configure --stack=direct named
check "a stack with a name: its net has the same" grep -qx 'net admin admin net_admin' named/build/unix/nets.txt
check "a stack with a name: so has the net in main.c" grep -q 'static struct net_host net_admin;' named/build/unix/main.c

mkdir -p second && cp named/named.h second/second.h && cp -r named/htdocs named/named.c second/
sed -i 's/named/second/g' second/second.h second/named.c && mv second/named.c second/second.c
cat > second/config.c << 'END'
#include <loom/config.h>
#include "second.h"

unikernel(second)
{
    struct tcp *one = stack_tcp(stack_direct(default_net()));
    struct tcp *two = stack_tcp(named("lan", stack_direct(named("lan", net_host()))));

    enum result both(struct tcp *, struct tcp *);
    start(both, one, two);
}
END
check "two stacks, each on a net of its own" "$loom" configure second
check "two stacks: what loom run has to know" diff - second/build/unix/nets.txt << 'END'
net - - net0
net lan lan net_lan
END

check "build" "$loom" build shop
check "our own stack is linked, and the host's sockets are not" bash -c "
    nm $image | grep -q ' stack_core_open' && ! nm $image | grep -q 'tcp_socket_open\|net_switch_open\|net_pair_open'"
check "an image answers --help" "$loom" run shop -- --help
for parameter in --net= --publish= --net-mac= --net-mtu= --ipv4= --ipv4-gateway=; do
    check_says "an image answers --help: $parameter" "$parameter"
done
check_error "--publish over a tap" 2 'over tap:tap0 the image is reached at its own address' \
    "$loom" run --publish 8080:80 --net tap:tap0 shop
check_error "--net of a name that there is not" 2 'the image has no net of the name admin' "$loom" run --net admin=passt shop
check_error "a tap that there is not" 1 'as root: ip tuntap add dev nosuchtap mode tap user' \
    timeout 20 "$loom" run --net tap:nosuchtap shop
check_error "a parameter of the net that is malformed" 2 'passt|tap:INTERFACE|fd:NUMBER' $image --net=eth0
mkdir -p bin
check_error "passt that is not installed" 1 'apt-get install passt' env PATH="$PWD/bin" "$(command -v timeout)" 20 $image

# Whether this host lets passt start: some have no network but loopback, and some, such as a chroot, no user namespaces.
passt_works()
{
    command -v passt > /dev/null && ip -4 -o address show up 2> /dev/null | grep -qv ' lo ' &&
        unshare --user true 2> /dev/null
}

# children PROCESS: how many it has.
children() { pgrep -c -P "$1"; }

if passt_works; then
    port=$(port)
    "$loom" run --publish "$port:80" shop > passt.txt 2>&1 &
    process=$!
    started+=("$process")
    check "over passt it is reached where it is published" answers "$port" / 'a page' 10
    check "over passt it speaks with its own stack" bash -c "! ss -Hltnp 2> /dev/null | grep -q 'pid=$process,'"
    check "passt is a child of the image" test "$(children "$process")" = 1
    check_error "a port that somebody has" 1 "passt does not start: Failed to bind" \
        timeout 20 "$loom" run --publish "$port:80" shop
    kill -TERM "$process"
    wait "$process"
    status=$?
    if [ "$status" -eq 0 ]; then ok "over passt it ends in order"; else
        not_ok "over passt it ends in order" "status $status: $(cat passt.txt)"
    fi
    check "passt ends with it" bash -c "! (exec 3<> /dev/tcp/127.0.0.1/$port) 2> /dev/null"

    first=$(port) second=$(port)
    "$loom" run --publish "$first:8080" --publish "$second:8080" --watch shop > passt.txt 2>&1 &
    process=$!
    started+=("$process")
    check "two ports: the first" answers "$first" / 'a page' 10
    check "two ports: the second" answers "$second" / 'a page' 10
    echo '<!doctype html><title>another page</title>' > shop/htdocs/index.html
    check "--watch starts image and passt again" answers "$first" / 'another page' 20
    kill -TERM "$process"
    wait "$process"
    check "--watch: nobody listens any more" bash -c "! (exec 3<> /dev/tcp/127.0.0.1/$first) 2> /dev/null"

    "$loom" run shop > passt.txt 2>&1 &
    process=$!
    started+=("$process")
    for ((try = 0; try < 400; try++)); do
        grep -q serving passt.txt && break
        sleep 0.05
    done
    passt=$(pgrep -P "$process")
    kill -KILL "$process"
    wait "$process" 2> /dev/null
    for ((try = 0; try < 100; try++)); do
        [ -n "$passt" ] && [ "$(ps -o stat= -p "$passt" | cut -c1)" != S ] && break
        sleep 0.05
    done
    check "passt ends with an image that is killed" bash -c "[ -n '$passt' ] && [[ ! \$(ps -o stat= -p '$passt') == [SR]* ]]"
else
    skip "over passt it is reached where it is published" "passt is not installed, or this host has no network but loopback or no user namespaces"
fi

space=loom-test-$$
# A namespace that can be made cannot be entered everywhere: not in a chroot.
made() { ip netns add "$space" 2> /dev/null && { ip netns exec "$space" true 2> /dev/null || { ip netns del "$space" && false; }; }; }
if [ "$(id -u)" -eq 0 ] && [ -c /dev/net/tun ] && made; then
    there() { ip netns exec "$space" "$@"; }
    there ip link set lo up
    check_error "passt on a host with nothing but loopback" 1 'passt cannot start where the host has no network but loopback' \
        there timeout 20 $image
    there ip tuntap add dev passt0 mode tap
    there ip addr add 192.0.2.1/24 dev passt0
    there ip link set passt0 up
    if command -v passt > /dev/null; then
        ip netns exec "$space" "$loom" run --publish 8080:80 shop > passt.txt 2>&1 & # itself, not a shell that runs it
        process=$!
        started+=("$process")
        check "passt without a default route" there bash -c ". '$here/check.sh'; answers 8080 / 'another page' 10"
        kill -TERM "$process"
        wait "$process"
    fi
    there ip tuntap add dev tap0 mode tap
    there ip addr add 10.0.2.2/24 dev tap0
    there ip link set tap0 up
    ip netns exec "$space" "$loom" run --net tap:tap0 shop -- --ipv4=10.0.2.15/24 --port=80 > tap.txt 2>&1 &
    process=$!
    started+=("$process")
    check "over a tap it is reached by the host's kernel" there bash -c "
        for ((try = 0; try < 100; try++)); do
            exec 3<> /dev/tcp/10.0.2.15/80 && break
            sleep 0.1
        done 2> /dev/null
        printf 'GET / HTTP/1.1\r\nHost: shop\r\nConnection: close\r\n\r\n' >&3 && timeout 5 cat <&3 | grep -q 'another page'"
    check_error "a tap that somebody has" 1 'tap0 is in use by another process' there timeout 20 "$loom" run --net tap:tap0 shop
    kill -TERM "$process"
    wait "$process"
    check "doctor tells of taps" there "$loom" doctor
    check_says "doctor tells of taps: which" 'taps, for --net tap:NAME: passt0 tap0'
    check "nothing is left there" test -z "$(ip netns pids "$space")"
    ip netns del "$space"
else
    skip "over a tap it is reached by the host's kernel" "it takes root, /dev/net/tun and a namespace that ip can enter"
fi
