# errors.sh - every mistake is one clear line: the place, what is wrong, the remedy.
#
# SPDX-License-Identifier: ISC

# A config.c that uses the given lines as the body of its unikernel, which begins at line 5.
config()
{
    application shop shop << END
#include <loom/config.h>
#include "shop.h"

unikernel(shop)
{
$1
}
END
}

# check_mistake NAME LINE BODY: with gcc and with clang it is one error, at that line of config.c, without macros.
check_mistake()
{
    local compiler errors
    config "$3"
    for compiler in gcc clang; do
        if ! command -v "$compiler" > /dev/null; then
            skip "$1, $compiler" "there is no $compiler"
            continue
        fi
        said=$(CC=$compiler "$loom" configure shop 2>&1)
        errors=$(grep -c 'error:' <<< "$said")
        if [ "$errors" -ne 1 ]; then
            not_ok "$1, $compiler" "$errors errors: $said"
        elif ! grep -q "^shop/config.c:$2:.*error:" <<< "$said"; then
            not_ok "$1, $compiler" "not at line $2: $said"
        elif grep -qi 'macro' <<< "$said"; then
            not_ok "$1, $compiler" "it speaks of macros: $said"
        else
            ok "$1, $compiler"
        fi
    done
}

rest='struct kv *pages = kv_pages("htdocs");
struct tcp *tcp = stack_tcp(default_stack());
struct http *http = http_server(tcp);'

check_mistake "a kv where a tcp is expected" 7 'struct kv *pages = kv_pages("htdocs");
struct http *http = http_server(pages); start(shop_start, http, pages);'
check_mistake "an assignment of the wrong type" 6 'struct tcp *tcp = kv_pages("htdocs");'
check_mistake "start with too few arguments" 8 "$rest start(shop_start, http);"
check_mistake "start with too few arguments, on a line of its own" 9 "$rest
start(shop_start, http);"
check_mistake "start with too many arguments" 9 "$rest
start(shop_start, http, pages, tcp);"
check_mistake "start with no arguments" 9 "$rest
start(shop_start);"
check_mistake "start in the wrong order" 9 "$rest
start(shop_start, pages, http);"
check_mistake "start with a device made in place, of the wrong type" 8 'struct tcp *tcp = stack_tcp(default_stack());
struct http *http = http_server(tcp);
start(shop_start, http, http_server(tcp));'
check_mistake "a mistake inside an argument of start" 7 'struct kv *pages = kv_pages("htdocs");
start(shop_start, http_server(pages), pages);'
check_mistake "a mistake inside named" 7 'struct kv *pages = kv_pages("htdocs");
struct http *http = named("x", http_server(pages)); start(shop_start, http, pages);'
check_mistake "an entry that is not declared" 9 "$rest
start(shop_begin, http, pages);"
check_mistake "an entry that gives no result" 10 "$rest
void wrong(struct http *h, struct kv *k);
start(wrong, http, pages);"

config 'struct kv *one = kv_memory();
struct kv *two = kv_memory();
(void)one; (void)two;'
check_error "no start" 1 'shop/config.c:4: error: shop is never started; end its description with start(shop_start, ...)' \
    "$loom" configure shop

config "$rest
start(shop_start, http, pages);
start(shop_start, http, pages);"
check_error "two starts" 1 'shop/config.c:10: error: a second start(), after the one at line 9' "$loom" configure shop

config "$rest
struct http *other = http_server(tcp);
start(shop_start, http, pages);"
check_error "two of a kind without a name" 1 'shop/config.c:9: error: a second http_server without a name' \
    "$loom" configure shop
check_says "two of a kind without a name: the remedy" 'named("second", ...)'

config "$rest
struct http *other = named(\"admin\", http_server(tcp));
struct http *third = named(\"admin\", http_server(tcp));
start(shop_start, http, pages);"
check_error "two of a kind with one name" 1 'shop/config.c:10: error: a second http_server is named "admin"' \
    "$loom" configure shop

config 'start(two_start, named("x", kv_pages("htdocs")), named("x", kv_directory("htdocs")));'
sed -i '3s/$/\nenum result two_start(struct kv *, struct kv *);/' shop/config.c
check_error "two kinds with one name" 1 'would both be htdocs_x; give one of them another name' "$loom" configure shop

config "$rest
struct http *other = named(\"admin\", http_server(tcp));
start(shop_start, http, pages);"
check_error "a device that nobody uses" 1 'shop/config.c:9: error: nobody uses this http_server' "$loom" configure shop

config "$rest
start(shop_start, named(\"Admin Page\", http), pages);"
check_error "a name that cannot be" 1 "shop/config.c:9: error: \"Admin Page\" cannot be a device's name" \
    "$loom" configure shop

config "$rest
start(shop_start, NULL, pages);"
check_error "a pointer that is no device" 1 'shop/config.c:9: error: argument 1 of shop_start is no device' \
    "$loom" configure shop

config 'struct kv *pages = kv_pages("no-such-folder");
start(shop_start, http_server(stack_tcp(default_stack())), pages);'
check_error "a folder that is not there" 1 'shop/config.c:6: error: there is no folder no-such-folder; make it' \
    "$loom" configure shop

config "$rest
use(\"no_such_module\");
start(shop_start, http, pages);"
check_error "a module that is not there" 1 'shop/config.c:9: error: there is no module no_such_module' \
    "$loom" configure shop

config "$rest
start(shop_start, http, pages);"
check_error "an unknown key" 2 'shop/config.c: error: --stak=socket: this image has no such key; it has' \
    "$loom" configure --stak=socket shop
check_says "an unknown key: those there are" '--stack=socket'
check_says "an unknown key: how to forget one" '`loom configure` without a key forgets'
check_says "an unknown key: it may be a boot parameter" 'Boot parameters stand behind `--`'
sed -i 's/unikernel(shop)/unikernel(self)/' shop/config.c
check_error "a name that is taken" 1 'shop/config.c:4: error: an image cannot be called self' "$loom" configure shop
sed -i 's/unikernel(self)/unikernel(..\/shop)/' shop/config.c
check_error "a name that is no file's" 1 'shop/config.c:4: error: "../shop" cannot be an image'"'"'s name' "$loom" configure shop
sed -i 's/unikernel(..\/shop)/unikernel(shop)/' shop/config.c
check_error "a key with a value that cannot be" 2 '--pages=moon: choose --pages=image|host' \
    "$loom" configure --pages=moon shop
check_error "a stack that there is not" 2 '--stack=magic: choose --stack=socket|direct' "$loom" configure --stack=magic shop

echo 'int nothing;' > shop/config.c
check_error "a config.c without unikernel()" 1 'shop/config.c:1: error: it describes no image; write unikernel(NAME)' \
    "$loom" configure shop
if [[ $said != *$'\n'* ]]; then ok "a config.c without unikernel(): one line"; else
    not_ok "a config.c without unikernel(): one line" "$said"
fi

check_error "make check-unit of no tests" 2 'TESTS=lib/nothere: no test stands there' \
    make -C "$house" check-unit TESTS=lib/nothere
check_error "make check-unit of no variant" 2 'VARIANTS=fast: there is no such variant' \
    make -C "$house" check-unit VARIANTS=fast
check_error "make fuzz of nothing" 2 'FUZZ=nothere: there is no fuzz/fuzz_nothere.c' make -C "$house" fuzz FUZZ=nothere

check_error "a folder without config.c" 1 'there is no config.c in it' "$loom" build shop/htdocs
check_error "no such folder" 1 'loom new nowhere' "$loom" build nowhere
check_error "no such command" 2 'there is no command weave; see `loom help`' "$loom" weave
check_error "no such target" 2 'there is no target moon; see `loom targets`' "$loom" build -t moon shop
check_error "no such option" 2 '--nonsense' "$loom" build --nonsense shop
check_error "two applications" 2 'build: "shop" is one argument too many: it takes [APP]' "$loom" build shop shop
check_error "an argument where there is none" 2 'doctor: "shop": it takes none' "$loom" doctor shop
check_error "a file for an application" 1 'config.c is a file; name the folder' "$loom" build shop/config.c
check_error "describe in two ways" 2 '--dot or --svg' "$loom" describe --dot --svg shop
check_error "no command" 2 'Usage: loom COMMAND' "$loom"
check_error "help about nothing" 2 'there is no command weave' "$loom" help weave
for nonsense in eighty 80 80: :80 80:0 0:80 80:65536 80:80:80 -1:80 80:80,81; do
    check_error "--publish $nonsense" 2 'write HOST:GUEST, two ports' "$loom" run --publish="$nonsense" shop
done
for nonsense in eth0 tap tap: fd: admin= admin=eth0; do
    check_error "--net $nonsense" 2 'write passt, tap:INTERFACE or fd:NUMBER' "$loom" run --net="$nonsense" shop
done
check_error "a compiler that is not there" 1 'there is no compiler no-such-cc' env CC=no-such-cc "$loom" build shop

config 'struct net *net = default_net();
struct tcp *one = stack_tcp(stack_direct(net));
struct tcp *two = stack_tcp(named("two", stack_direct(net)));
enum result both(struct tcp *, struct tcp *); start(both, one, two);'
check_error "two stacks on one net" 1 'shop/config.c:8: error: this stack_direct is handed the net that the stack_direct at line 7 has already' \
    "$loom" configure shop
check_says "two stacks on one net: the remedy" 'named("second", default_net())'
check_mistake "a tcp where a net is expected" 7 'struct tcp *tcp = stack_tcp(default_stack());
struct stack *stack = stack_direct(tcp); start(shop_start, http_server(stack_tcp(stack)), kv_memory());'

config "$rest
start(shop_start, http, pages);"
rm -rf shop/build
echo 'not a folder' > shop/build
check_error "a folder that cannot be written" 1 'everything that is built of an application goes there' \
    "$loom" configure shop
rm shop/build

for command in new configure build run test describe size debug doctor targets clean; do
    check "loom $command --help" "$loom" "$command" --help
    check_says "loom $command --help: its usage" "Usage: loom $command"
done
check "loom --version" "$loom" --version
check_says "loom --version: a number" 'loom 0.'
check "loom help" "$loom" help
check_says "loom help: every command" 'describe'
check "loom targets" "$loom" targets
check_says "loom targets: unix" 'unix'
