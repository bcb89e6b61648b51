# check.sh - what the tests of the command are written with.
#
# SPDX-License-Identifier: ISC
passed=0 failed=0 skipped=0

ok() { echo "ok $1"; passed=$((passed + 1)); }
not_ok()
{
    echo "not ok $1 - $2"
    failed=$((failed + 1))
}
skip()
{
    echo "skip $1 - $2"
    skipped=$((skipped + 1))
}

# check NAME COMMAND...: the command succeeds. What it says is kept in $said.
check()
{
    local name=$1 status
    shift
    said=$("$@" 2>&1)
    status=$?
    if [ "$status" -eq 0 ]; then ok "$name"; else not_ok "$name" "status $status: $said"; fi
}

# check_error NAME STATUS TEXT COMMAND...: it fails with this status and says this.
check_error()
{
    local name=$1 wanted=$2 text=$3 status
    shift 3
    said=$("$@" 2>&1)
    status=$?
    if [ "$status" -ne "$wanted" ]; then
        not_ok "$name" "status $status instead of $wanted: $said"
    elif [[ $said != *"$text"* ]]; then
        not_ok "$name" "it does not say '$text': $said"
    else
        ok "$name"
    fi
}

# check_says NAME TEXT: what was last kept in $said holds this.
check_says()
{
    if [[ $said == *"$2"* ]]; then ok "$1"; else not_ok "$1" "it does not say '$2': $said"; fi
}

# application FOLDER NAME: a small application; its config.c comes from standard input.
application()
{
    mkdir -p "$1/htdocs"
    echo '<!doctype html><title>a page</title>' > "$1/htdocs/index.html"
    cat > "$1/config.c"
    cat > "$1/$2.h" << END
#include "http/http.h"
#include "kv/kv.h"
enum result $2_start(struct http *http, struct kv *pages) CHECKED;
END
    cat > "$1/$2.c" << END
#include "$2.h"

#include "http_pages/http_pages.h"

enum result $2_start(struct http *http, struct kv *pages)
{
    static struct http_pages site;
    enum result result = http_pages_open(&site, pages, &(struct http_pages_options){ 0 });
    if (result != OK) return result;
    struct http_route routes[] = {
        { .method = HTTP_GET, .pattern = VIEW("/*"), .handler = &site.handler },
    };
    result = http_serve(http, &(struct http_site){ routes, LENGTH_OF(routes) });
    http_pages_close(&site);
    return result;
}
END
}

# shop: an application of this name, which serves a page over whatever stack its target has.
shop()
{
    application shop shop << 'END'
#include <loom/config.h>
#include "shop.h"

unikernel(shop)
{
    struct tcp *tcp = stack_tcp(default_stack());
    struct kv *pages = kv_pages("htdocs");

    start(shop_start, http_server(tcp), pages);
}
END
}

# port: one that nobody listens on just now.
port()
{
    local candidate
    while :; do
        candidate=$((20000 + RANDOM % 10000))
        (exec 3<> "/dev/tcp/127.0.0.1/$candidate") 2>/dev/null || break
    done
    echo "$candidate"
}

# get PORT PATH: what a server of this machine answers, head and all.
get()
{
    (
        exec 3<> "/dev/tcp/127.0.0.1/$1" || exit 1
        printf 'GET %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n' "$2" >&3
        timeout 5 cat <&3
    ) 2>/dev/null
}

# answers PORT PATH TEXT [SECONDS]: within a bound the server answers with this.
answers()
{
    local try
    for ((try = 0; try < ${4:-5} * 20; try++)); do
        [[ $(get "$1" "$2" | tr -d '\0') == *"$3"* ]] && return 0
        sleep 0.05
    done
    return 1
}

# json FILE EXPRESSION: whether an expression of Python holds of the JSON in the file, as `it`; of - standard input.
json()
{
    python3 -c '
import json, sys
it = json.load(sys.stdin if sys.argv[1] == "-" else open(sys.argv[1]))
sys.exit(not eval(sys.argv[2]))' "$1" "$2"
}

# well_formed FILE: whether it is XML.
well_formed() { python3 -c 'import sys, xml.dom.minidom; xml.dom.minidom.parse(sys.argv[1])' "$1"; }

export -f json # for the shells that tests start

milliseconds() { echo $(($(date +%s%N) / 1000000)); }
