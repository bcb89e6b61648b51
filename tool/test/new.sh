# new.sh - a new unikernel builds, serves and passes its test, with clang.
#
# SPDX-License-Identifier: ISC

check "new" "$loom" new shop
check_says "new: tells what is next" 'loom run'
check_error "new over something" 1 'is there already' "$loom" new shop
check_error "new with a name that C does not take" 2 "cannot be a unikernel's name" "$loom" new My-Shop
check_error "new with the name of a library" 2 'a name that Loom has taken' "$loom" new http
check_error "new with the name of its own configuration" 2 'a name that Loom has taken' "$loom" new config
check "new refuses before it makes anything" bash -c '[ ! -e http ] && [ ! -e config ]'
check_error "new without a name" 2 'which name?' "$loom" new
check_error "new where there is no way" 1 'cannot make no/such/place: the folder' "$loom" new no/such/place

compiler=clang
command -v clang > /dev/null || compiler=gcc
check "the new one builds with $compiler" env CC=$compiler "$loom" build shop
check "the new one's test" env CC=$compiler "$loom" test shop
check_says "the new one's test: the count" '3 passed, 0 failed, 0 skipped'
check "tests by name" env CC=$compiler "$loom" test shop -- markup
check_says "tests by name: one" '1 passed, 0 failed'
check_error "tests by a name that none has" 2 'no test here has a name with "nosuch"' env CC=$compiler "$loom" test shop -- nosuch

# A test that needs the host's sockets links whatever stack the image was told to have.
cp shop/shop_test.c shop_test.kept
cat >> shop/shop_test.c << 'END'

#include "target/unix/stack_socket.h"

TEST(shop_has_the_hosts_sockets)
{
    static struct stack_socket stack;
    expect_ok(stack_socket_open(&stack, &(struct stack_socket_parameters){ .tcp = { .connection_count = 1,
                                                                                   .borrow_buffer_count = 1 },
                                                                          .udp = { .port_count = 1 } }));
    stack_socket_close(&stack);
}
END
check "an image with our own stack" "$loom" configure --cc=$compiler --stack=direct shop
check "its test is made of the defaults" env CC=$compiler "$loom" test shop -- sockets
check "of the keys that are given" grep -qx -- "--cc=$compiler" shop/build/unix-test/keys.txt
check "and the image's are remembered" grep -qx -- '--stack=direct' shop/build/unix/keys.txt
check "an image with the host's" "$loom" configure --cc=$compiler shop
mv shop_test.kept shop/shop_test.c

port=$(port)
"$loom" run shop -- --port="$port" > run.txt 2>&1 &
image=$!
started+=("$image")
check "the new one serves its page" answers "$port" / '<h1>shop</h1>'
check "the new one greets" answers "$port" /hello/Ada 'Hello, Ada!'
kill -TERM "$image"
wait "$image"
status=$?
if [ "$status" -eq 0 ]; then ok "SIGTERM reaches it, and its status is loom's"; else
    not_ok "SIGTERM reaches it, and its status is loom's" "status $status: $(cat run.txt)"
fi

port=$(port)
"$loom" run --pages=host shop -- --port="$port" > run.txt 2>&1 &
image=$!
started+=("$image")
check "with --pages=host it serves its page" answers "$port" / '<h1>shop</h1>' 20
sed -i 's/<h1>shop/<h1>sale/' shop/htdocs/index.html
check "with --pages=host a page that changes is served at once" answers "$port" / '<h1>sale</h1>' 1
mkdir elsewhere && echo '<h1>elsewhere</h1>' > elsewhere/index.html
kill -TERM "$image"
wait "$image"
"$loom" run shop -- --port="$port" --pages-directory=elsewhere > run.txt 2>&1 &
image=$!
started+=("$image")
check "--pages-directory names another folder" answers "$port" / '<h1>elsewhere</h1>' 20
kill -TERM "$image"
wait "$image"

sed -i 's/VIEW("<p>Hello, Ada/VIEW("<p>Good day, Ada/' shop/shop_test.c
check_error "a test that fails" 1 'shop_test.c:' env CC=$compiler "$loom" test shop
check_says "a test that fails is named" 'not ok  shop_greets_by_name'
