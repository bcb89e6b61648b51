# wiring.sh - the main.c and the other files that a config.c yields.
#
# SPDX-License-Identifier: ISC

application shop shop << 'END'
#include <loom/config.h>
#include "shop.h"

unikernel(shop)
{
    struct tcp *tcp = stack_tcp(default_stack());
    struct kv *pages = kv_pages("htdocs");

    start(shop_start, named("admin-page", http_server(tcp)), pages);
}
END
check "configure says nothing when all is well" "$loom" configure shop
[ -z "$said" ] || not_ok "configure is quiet in a pipe" "$said"

cat > wanted.c << 'END'
/* main.c - shop on unix, as `loom configure` wove it from shop/config.c.
 *
 * Do not edit: change config.c, and this file is written again. */
#include "base/units.h"
#include "base/view.h"
#include "image/image.h"
#include "target/unix/stack_socket.h"
#include "http_server/http_server.h"
#include "kv/kv_crunch.h"
#include "shop.h"

static struct stack_socket stack0;
static struct http_server http_admin_page;
static struct kv_crunch htdocs0;

extern const struct kv_crunch_pages htdocs0_pages;

static struct stack_socket_parameters stack0_parameters;
static struct http_server_parameters http_admin_page_parameters;

static const struct parameter_group groups[] = {
    { .device = "stack0",
      .prefix = "",
      .table = stack_socket_parameters,
      .values = { (uint8_t *)&stack0_parameters, sizeof stack0_parameters } },
    { .device = "http_admin_page",
      .prefix = "admin-page",
      .table = http_server_parameters,
      .values = { (uint8_t *)&http_admin_page_parameters, sizeof http_admin_page_parameters } },
};

const struct image image = {
    .name = "shop",
    .parameters = groups,
    .parameter_count = LENGTH_OF(groups),
};

enum result image_start(void)
{
    enum result result;

    if ((result = stack_socket_open(&stack0, &stack0_parameters)) != OK) {
        result = image_failed("stack0", result);
        goto stack0_failed;
    }
    if ((result = http_server_open(&http_admin_page, stack0.stack.tcp, &http_admin_page_parameters)) != OK) {
        result = image_failed("http_admin_page", result);
        goto http_admin_page_failed;
    }
    if ((result = kv_crunch_open(&htdocs0, &htdocs0_pages)) != OK) {
        result = image_failed("htdocs0", result);
        goto htdocs0_failed;
    }

    result = shop_start(&http_admin_page.http, &htdocs0.kv);

    kv_crunch_close(&htdocs0);
htdocs0_failed:
    http_server_close(&http_admin_page);
http_admin_page_failed:
    stack_socket_close(&stack0);
stack0_failed:
    return result;
}
END
check "main.c is what a person would have written" diff wanted.c shop/build/unix/main.c

manifest=shop/build/unix/manifest.json
check "the manifest is JSON" json "$manifest" True
check "the manifest names each device" json "$manifest" \
    '[device["name"] for device in it["devices"]] == ["stack0", "http_admin_page", "htdocs0"]'
check "the manifest tells what each needs" \
    json "$manifest" 'it["devices"][1]["needs"] == [{"device": "stack0", "signature": "tcp"}]'
check "the manifest tells the keys" json "$manifest" \
    'it["keys"]["stack"] == "socket" and it["keys"]["build"] == "release"'

commands=shop/build/compile_commands.json # where clangd looks for it, above shop/shop.c
check "compile_commands.json has the application" json "$commands" \
    'any(command["file"].endswith("/shop/shop.c") for command in it)'
check "compile_commands.json has config.c" json "$commands" \
    'any(command["file"].endswith("/shop/config.c") for command in it)'

if command -v clangd > /dev/null; then
    check "clangd understands the application" bash -c "cd shop && clangd --check=shop.c 2>&1 | grep -q ' 0 errors'"
    check "clangd understands config.c" bash -c "cd shop && clangd --check=config.c 2>&1 | grep -q ' 0 errors'"
else
    skip "clangd understands the application" "there is no clangd"
fi

check "keys are taken" "$loom" configure --pages=host shop
check "with --pages=host it is a folder" grep -q 'static struct kv_directory htdocs0;' shop/build/unix/main.c
check "the folder's default is where it stands" grep -q "\"$PWD/shop/htdocs\"" shop/build/unix/main.c
check "its boot parameter is --pages-directory" grep -q '\.prefix = "pages"' shop/build/unix/main.c
check "describe" "$loom" describe shop
check_says "keys are remembered" '(now host)'
check_says "describe tells what is needed" '|   `-- stack0.tcp'
check "keys given later are added" "$loom" describe --build=debug shop
check_says "keys given later are added: both hold" 'sanitizers (now debug)'
check_says "keys given later are added: the first too" '(now host)'
check "configure forgets them" "$loom" configure shop
check "describe again" "$loom" describe shop
check_says "configure forgets them: default" '(now image)'

check "from another folder nothing is configured again" bash -c "
    before=\$(stat -c %y shop/build/unix/config.run)
    cd shop && '$loom' describe > /dev/null && [ \"\$(stat -c %y build/unix/config.run)\" = \"\$before\" ]"
check "a source that is new is taken" bash -c "
    echo 'void extra(void); void extra(void) {}' > shop/extra.c
    '$loom' describe shop > /dev/null && grep -q extra.o shop/build/unix/build.ninja"
check "a source that is gone is left out" bash -c "
    rm shop/extra.c
    '$loom' describe shop > /dev/null && ! grep -q extra.o shop/build/unix/build.ninja"

check "sources in a folder" bash -c "
    mkdir shop/parts && echo 'void part(void); void part(void) {}' > shop/parts/part.c && cp shop/config.c config.c &&
    sed -i 's|start(|application_sources(\"parts/*.c\"); start(|' shop/config.c &&
    '$loom' describe shop > /dev/null && grep -q 'obj/app/parts/part.o' shop/build/unix/build.ninja"
rm -r shop/parts
check_error "sources that are not there" 1 'shop/parts/*.c; name sources from there' "$loom" describe shop
cp config.c shop/config.c

check "describe --dot" "$loom" describe --dot shop
check_says "describe --dot: a graph" 'digraph "shop"'
if command -v dot > /dev/null; then
    check "describe --svg" bash -c "'$loom' describe --svg shop > shop.svg"
    check "describe --svg: well-formed" well_formed shop.svg
    check "describe --svg: the signature on an edge" grep -q '> tcp</text>\|>tcp</text>' shop.svg
    check "describe --svg: follows dark and light" grep -q 'prefers-color-scheme: dark' shop.svg
else
    skip "describe --svg" "there is no dot"
fi
mkdir -p bin && ln -sf "$(command -v gcc)" "$(command -v ninja)" "$(command -v sh)" "$(command -v ln)" "$(command -v mv)" "$(command -v sed)" bin/
check_error "describe --svg without graphviz" 1 'apt-get install graphviz' env PATH="$PWD/bin" "$loom" describe --svg shop

check "two kvs of a kind, by name" bash -c "
    mkdir -p two && cp -r shop/htdocs shop/shop.c shop/shop.h two/ && sed 's/start(.*/start(two_start, kv_memory(), named(\"other\", kv_memory()));/;s/(shop)/(two)/;/tcp/d;/pages/d;s/#include .shop.h./enum result two_start(struct kv *, struct kv *);/' shop/config.c > two/config.c
    '$loom' configure two && grep -q 'two_start(&memory0.kv, &memory_other.kv)' two/build/unix/main.c"

check "a folder with a blank in its name" bash -c "cp -r shop 'my shop' && '$loom' describe 'my shop'"
