/* http_stranger_test.c - the pages as curl sees them, and the client at the origins of others: one
 * made of h11, and nginx.
 *
 * SPDX-License-Identifier: ISC */
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "http_client/http_fetcher.h"
#include "http_pages/http_pages.h"
#include "http_pages/http_shelf.h"
#include "http_server/http_server.h"
#include "resolver/resolver_static.h"
#include "target/clock.h"
#include "target/unix/tcp_socket.h"
#include "test/test.h"

extern char **environ;

#define LARGE_BYTES ((size_t)3000000)

/* ---- commands of the host ---- */

static char folder[64];

static void folder_make(void)
{
    (void)snprintf(folder, sizeof folder, "/tmp/loom-http-XXXXXX");
    expect(mkdtemp(folder) != NULL);
}

/* Starts a line of shell in the folder, with its output in a file there. This process takes its
 * signals from a descriptor and blocks them; a command must not inherit that. */
static pid_t command_start(const char *line)
{
    static char whole[2048];
    char shell[] = "sh", from_text[] = "-c";
    char *words[] = { shell, from_text, whole, NULL };
    pid_t process;
    (void)snprintf(whole, sizeof whole, "cd %s && { %s\n} > output 2>&1", folder, line);
    posix_spawnattr_t attributes;
    sigset_t none;
    expect(sigemptyset(&none) == 0 && posix_spawnattr_init(&attributes) == 0);
    expect(posix_spawnattr_setsigmask(&attributes, &none) == 0);
    expect(posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK) == 0);
    expect(posix_spawnp(&process, "sh", NULL, &attributes, words, environ) == 0);
    (void)posix_spawnattr_destroy(&attributes);
    return process;
}

#define COMMAND_NS (60 * S_NS)

/* The loop goes on meanwhile, since it is what the command talks to. */
static int command_wait(pid_t process)
{
    uint64_t deadline_ns = clock_monotonic_ns() + COMMAND_NS;
    int status;
    while (waitpid(process, &status, WNOHANG) == 0) {
        if (clock_monotonic_ns() >= deadline_ns) (void)kill(process, SIGKILL);
        (void)fiber_sleep(2 * MS_NS);
    }
    return status;
}

static void command_end(pid_t process)
{
    (void)kill(process, SIGTERM);
    (void)command_wait(process);
}

static struct view read_file(const char *name, struct span room)
{
    char path[128];
    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "r");
    if (file == NULL) return VIEW("");
    size_t length_bytes = fread(room.bytes, 1, room.length_bytes, file);
    (void)fclose(file);
    return view_first(span_view(room), length_bytes);
}

static void write_file(const char *name, struct view bytes)
{
    char path[128];
    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "w");
    expect(file != NULL);
    expect_that(fwrite(bytes.bytes, 1, bytes.length_bytes, file), ==, bytes.length_bytes);
    (void)fclose(file);
}

static void folder_remove(void)
{
    char line[128];
    (void)snprintf(line, sizeof line, "rm -r %s", folder);
    (void)command_wait(command_start(line));
}

static void skip_without(const char *program, const char *reason)
{
    char line[128];
    folder_make();
    (void)snprintf(line, sizeof line, "command -v %s", program);
    int status = command_wait(command_start(line));
    folder_remove();
    if (status != 0) test_skip(reason);
}

/* ---- our pages, and curl ---- */

/* "<!doctype html><title>a page</title>" and 40 times "<p>Woven.", by gzip -9n. */
static const uint8_t zipped[] = {
    0x1f, 0x8b, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x02, 0x03, 0xb3, 0x51, 0x4c, 0xc9,
    0x4f, 0x2e, 0xa9, 0x2c, 0x48, 0x55, 0xc8, 0x28, 0xc9, 0xcd, 0xb1, 0xb3, 0x29, 0xc9,
    0x2c, 0xc9, 0x49, 0xb5, 0x4b, 0x54, 0x28, 0x48, 0x4c, 0x4f, 0xb5, 0xd1, 0x87, 0xf0,
    0x6c, 0x0a, 0xec, 0xc2, 0xf3, 0xcb, 0x52, 0xf3, 0xf4, 0x46, 0x19, 0x34, 0x65, 0x70,
    0x01, 0x00, 0xb8, 0x39, 0x08, 0x87, 0x8d, 0x01, 0x00, 0x00,
};

#define WOVEN_5 "<p>Woven.<p>Woven.<p>Woven.<p>Woven.<p>Woven."
#define PAGE \
    "<!doctype html><title>a page</title>" WOVEN_5 WOVEN_5 WOVEN_5 WOVEN_5 WOVEN_5 WOVEN_5 WOVEN_5 \
        WOVEN_5 "\n"

static uint8_t large[LARGE_BYTES];

static const struct http_shelf_page pages[] = {
    HTTP_SHELF_PAGE("docs/index.html", "text/html", "docs"),
    HTTP_SHELF_PAGE("digits", "text/plain", "0123456789"),
    { .key = "page.html",
      .media_type = "text/html; charset=utf-8",
      .bytes = VIEW_ROW(PAGE),
      .gzip = { zipped, sizeof zipped } },
    { .key = "large", .media_type = "application/octet-stream", .bytes = { large, LARGE_BYTES } },
};

static struct {
    struct tcp_socket sockets;
    struct http_server server;
    struct http_shelf shelf;
    struct http_pages pages;
    struct scope scope;
    struct task task;
} site;

static void read_defaults(const struct parameter table[], struct span values)
{
    struct parameter_group group = {
        .device = "http", .prefix = "", .table = table, .values = values
    };
    uint8_t message[256];
    size_t message_bytes;
    expect_ok(parameter_read(&group, 1, NULL, 0, SPAN_OF(message), &message_bytes));
}

static void site_run(struct task *task)
{
    (void)task;
    struct http_route route = { .method = HTTP_GET,
                                .pattern = VIEW("/*"),
                                .handler = &site.pages.handler };
    expect_ok(http_serve(&site.server.http, &(struct http_site){ &route, 1 }));
}

static void site_open(bool has_views)
{
    struct http_server_parameters parameters;
    skip_without("curl", "no curl here");
    folder_make();
    for (size_t i = 0; i < LARGE_BYTES; i++)
        large[i] = (uint8_t)(i * 31 + i / 251);
    read_defaults(http_server_parameters, SPAN_OF(parameters));
    parameters.port = 0;
    parameters.access_log = HTTP_ACCESS_LOG_OFF;
    http_shelf_init(&site.shelf, pages, LENGTH_OF(pages));
    site.shelf.has_no_views = !has_views;
    expect_ok(
        tcp_socket_open(&site.sockets, &(struct tcp_socket_parameters){ .connection_count = 64 }));
    expect_ok(http_server_open(&site.server, &site.sockets.tcp, &parameters));
    expect_ok(http_pages_open(&site.pages, &site.shelf.kv, &(struct http_pages_options){ 0 }));
    scope_open(&site.scope, "site");
    site.task.run = site_run;
    expect_ok(fiber_start(&site.scope, &site.task, "site", STACK_MEDIUM));
    fiber_yield();
}

static void site_close(void)
{
    scope_close(&site.scope);
    expect_that(site.shelf.open_count, ==, 0);
    http_pages_close(&site.pages);
    http_server_close(&site.server);
    tcp_socket_close(&site.sockets);
    folder_remove();
}

/* Runs a line in which $U is the site; and what it printed is this. */
static void expect_line(const char *line, const char *printed)
{
    static char whole[1024];
    static uint8_t room[16384];
    (void)snprintf(whole, sizeof whole, "U=http://127.0.0.1:%u\n%s",
                   site.server.listener->local.port, line);
    int status = command_wait(command_start(whole));
    expect_view(read_file("output", SPAN_OF(room)), view_from_string(printed));
    expect_that(status, ==, 0);
}

TEST(curl_gets_pages)
{
    site_open(true);
    expect_line("curl -s $U/page.html", PAGE);
    expect_line("curl -s --http1.0 $U/page.html", PAGE);
    expect_line("curl -sI -o /dev/null -w '%{http_code} %header{content-length}' $U/page.html",
                "200 397");
    expect_line("curl -s -w ' %{content_type} %{num_connects}\n' $U/digits $U/docs/",
                "0123456789 text/plain 1\ndocs text/html 0\n"); /* over one connection */
    expect_line("curl -s -o /dev/null -w '%{http_code}' $U/nothing", "404");
    expect_line("curl -s -o /dev/null -w '%{http_code}' -X DELETE $U/digits", "405");
    expect_line("curl -s --path-as-is -o /dev/null -w '%{http_code}' $U/../etc/passwd", "400");
    expect_line("curl -sL -w ' %{num_redirects}' $U/docs?x=y", "docs 1");
    site_close();
}

TEST(curl_gets_codings)
{
    site_open(true);
    expect_line("curl -s --compressed $U/page.html", PAGE);
    expect_line("curl -s --compressed -o /dev/null -w '%{size_download}' $U/page.html", "66");
    expect_line("curl -s -H 'Accept-Encoding: gzip' $U/page.html | gzip -d", PAGE);
    expect_line("curl -s -H 'Accept-Encoding: gzip;q=0' $U/page.html", PAGE);
    site_close();
}

TEST(curl_gets_ranges)
{
    for (unsigned views = 0; views < 2; views++) {
        site_open(views == 1);
        expect_line("curl -s -r 2-4 $U/digits", "234");
        expect_line("curl -s -r -2 $U/digits", "89");
        expect_line("curl -s -w ' %{http_code}' -r 2-4,9-9 -o parts $U/digits;"
                    "tr -d '\\r' < parts | grep -c '^Content-Range: bytes [29]-[49]/10$'",
                    " 2062\n");
        expect_line("curl -s -o /dev/null -w '%{http_code}' -r 10- $U/digits", "416");
        expect_line("printf 0123456 > part; curl -s -C 7 -o part $U/digits; cat part",
                    "0123456789");
        site_close();
    }
}

TEST(curl_asks_again)
{
    site_open(true);
    expect_line("curl -s -o /dev/null --etag-save tag $U/page.html;"
                "curl -s -o /dev/null --etag-compare tag -w '%{http_code} %{size_download}' "
                "$U/page.html",
                "304 0");
    expect_line("curl -s -o /dev/null -z 'Sun, 06 Nov 1994 08:49:37 GMT' -w '%{http_code}' "
                "$U/page.html",
                "304");
    expect_line("curl -s -o /dev/null -z 'Sun, 06 Nov 1994 08:49:36 GMT' -w '%{http_code}' "
                "$U/page.html",
                "200");
    expect_line("curl -s -w ' %{num_connects}\n' -H 'If-None-Match: *' $U/digits $U/docs/",
                " 1\n 0\n"); /* the 304 leaves the connection as it should be */
    site_close();
}

TEST(curl_gets_what_is_large)
{
    for (unsigned views = 0; views < 2; views++) {
        site_open(views == 1);
        write_file("expected", VIEW_OF(large));
        expect_line("curl -s -o got $U/large && cmp got expected", "");
        expect_line("for i in 1 2 3 4; do curl -s --limit-rate 6M -o got$i $U/large & done; wait;"
                    "for i in 1 2 3 4; do cmp got$i expected; done",
                    "");
        expect_line("curl -s -r 100000-2499999 -o got $U/large; tail -c +100001 expected 2>&- |"
                    "head -c 2400000 | cmp got -",
                    "");
        expect_line("curl -s -N $U/large | head -c 4000 | wc -c", "4000\n"); /* and is gone */
        site_close();
    }
}

/* ---- the origins of others ---- */

static struct {
    struct tcp_socket sockets;
    struct http_fetcher fetcher;
    struct resolver_static names;
    struct http_sink sink;
    struct http_fetched fetched;
    struct http_field fields[32];
    uint8_t room[8192], url[256];
    uint8_t body[256];
    uint64_t body_bytes;
    uint32_t body_sum;
    pid_t origin;
    unsigned port;
} away;

static enum result keep_piece(struct http_sink *sink, struct view piece)
{
    (void)sink;
    for (size_t i = 0; i < piece.length_bytes; i++) {
        away.body_sum += piece.bytes[i];
        if (away.body_bytes + i < sizeof away.body) away.body[away.body_bytes + i] = piece.bytes[i];
    }
    away.body_bytes += piece.length_bytes;
    return OK;
}

static void client_open(void)
{
    static const struct resolver_static_row rows[] = {
        { { (const uint8_t *)"origin.test", 11 }, { ADDRESS_IPV4, { 127, 0, 0, 1 } } },
    };
    struct http_fetcher_parameters parameters;
    read_defaults(http_fetcher_parameters, SPAN_OF(parameters));
    expect_ok(
        tcp_socket_open(&away.sockets, &(struct tcp_socket_parameters){ .connection_count = 16 }));
    expect_ok(resolver_static_open(&away.names, rows, LENGTH_OF(rows)));
    expect_ok(
        http_fetcher_open(&away.fetcher, &away.sockets.tcp, &away.names.resolver, &parameters));
}

static void client_close(void)
{
    http_fetcher_close(&away.fetcher);
    resolver_static_close(&away.names);
    tcp_socket_close(&away.sockets);
}

static struct http_fetch fetch_of(const char *path)
{
    return (struct http_fetch){
        .url = format(SPAN_OF(away.url), "http://origin.test:%u%s", away.port, path),
        .redirects_max = 5,
        .body_bytes_max = 2 * LARGE_BYTES,
        .deadline_ns = deadline_after(clock_monotonic_ns(), 20 * S_NS),
    };
}

static enum result run(const struct http_fetch *fetch)
{
    away.sink.put = keep_piece;
    away.fetched = (struct http_fetched){ .room = SPAN_OF(away.room),
                                          .fields = away.fields,
                                          .field_room = LENGTH_OF(away.fields) };
    away.body_bytes = away.body_sum = 0;
    return http_fetch(&away.fetcher.http_client, fetch, &away.fetched, &away.sink);
}

static void expect_fetch(const struct http_fetch *fetch, struct view body)
{
    expect_ok(run(fetch));
    expect_that(away.fetched.status, ==, 200);
    expect_view(view_first(VIEW_OF(away.body), (size_t)away.body_bytes), body);
}

static void expect_path(const char *path, struct view body)
{
    struct http_fetch fetch = fetch_of(path);
    expect_fetch(&fetch, body);
}

/* ---- h11 ---- */

static void h11_open(void)
{
    char line[512], script[256];
    uint8_t room[32];
    uint64_t port;
    if (realpath("lib/http_client/http_stranger_origin.py", script) == NULL)
        test_skip("not started in the root of the tree, where the origin's script is");
    skip_without("/usr/bin/python3 && /usr/bin/python3 -c 'import h11'", "no python3-h11 here");
    folder_make();
    (void)snprintf(line, sizeof line, "exec /usr/bin/python3 %s", script);
    away.origin = command_start(line);
    uint64_t deadline_ns = clock_monotonic_ns() + 10 * S_NS;
    struct view rest;
    while (!view_to_u64(view_cut(read_file("output", SPAN_OF(room)), '\n', &rest), &port)) {
        expect(clock_monotonic_ns() < deadline_ns);
        (void)fiber_sleep(10 * MS_NS);
    }
    away.port = (unsigned)port;
    client_open();
}

/* What h11 refused of ours it has printed. */
static void h11_close(void)
{
    uint8_t room[256];
    client_close();
    command_end(away.origin);
    struct view printed = read_file("output", SPAN_OF(room));
    expect(view_find(printed, VIEW("refused")) == printed.length_bytes);
    folder_remove();
}

TEST(client_and_h11_agree_on_framing)
{
    h11_open();
    for (unsigned i = 0; i < 2; i++) {
        expect_path("/length", VIEW("hello"));
        expect_path("/chunked", VIEW("hello"));
        expect_path("/interim", VIEW("hello"));
    }
    expect_that(away.fetcher.connected_count, ==, 1);
    expect_path("/redirect", VIEW("hello"));
    expect(view_ends_with(away.fetched.url, VIEW("/length")));
    expect_path("/close", VIEW("hello"));
    struct http_fetch fetch = fetch_of("/chunked");
    fetch.method = HTTP_HEAD;
    expect_fetch(&fetch, VIEW(""));
    expect_path("/length", VIEW("hello"));
    expect_that(away.fetcher.connected_count, ==, 2);
    h11_close();
}

struct counted_source {
    struct http_source source;
    uint64_t left_bytes;
};

static enum result give_ones(struct http_source *base, struct span room, size_t *length_bytes)
{
    struct counted_source *source = CONTAINER_OF(base, struct counted_source, source);
    *length_bytes = (size_t)MIN(MIN(room.length_bytes, 3333), source->left_bytes);
    if (*length_bytes == 0) return CLOSED;
    span_fill(span_first(room, *length_bytes), 1);
    source->left_bytes -= *length_bytes;
    return OK;
}

TEST(client_sends_bodies_that_h11_reads)
{
    h11_open();
    struct http_fetch fetch = fetch_of("/count");
    fetch.method = HTTP_POST;
    expect_fetch(&fetch, VIEW("POST 0 0"));
    fetch.body = VIEW("\x01\x01\x01");
    expect_fetch(&fetch, VIEW("POST 3 3"));
    static const uint64_t lengths[] = { 500000, HTTP_LENGTH_UNKNOWN };
    for (size_t i = 0; i < LENGTH_OF(lengths); i++) {
        struct counted_source source = { { give_ones, lengths[i] }, 500000 };
        fetch.source = &source.source;
        expect_fetch(&fetch, VIEW("POST 500000 500000"));
    }
    expect_that(away.fetcher.connected_count, ==, 1);
    h11_close();
}

TEST(client_receives_what_is_large_from_h11)
{
    h11_open();
    uint32_t sum = 0;
    for (uint32_t i = 0; i < LARGE_BYTES; i++)
        sum += i * 31 % 256;
    struct http_fetch fetch = fetch_of("/large");
    expect_ok(run(&fetch));
    expect_that(away.body_bytes, ==, LARGE_BYTES);
    expect_that(away.body_sum, ==, sum);
    fetch.body_bytes_max = LARGE_BYTES - 1;
    expect_result(run(&fetch), TOO_LARGE);
    h11_close();
}

/* ---- nginx ---- */

/* A port that nobody listens on. */
static unsigned free_port(void)
{
    struct endpoint local = { address_loopback(ADDRESS_IPV4), 0 };
    struct listener *listener;
    expect_ok(
        tcp_listen(&away.sockets.tcp, &local, &(struct listen_options){ .backlog = 1 }, &listener));
    unsigned port = listener->local.port;
    listener_close(listener);
    return port;
}

static void nginx_open(void)
{
    static char text[1024];
    char line[256];
    skip_without("nginx || test -x /usr/sbin/nginx", "no nginx here");
    folder_make();
    client_open();
    away.port = free_port();
    write_file("small", VIEW("hello"));
    for (size_t i = 0; i < LARGE_BYTES; i++)
        large[i] = (uint8_t)i;
    write_file("large", VIEW_OF(large));
    (void)snprintf(line, sizeof line, "%s/docs", folder);
    expect(mkdir(line, 0755) == 0 && chmod(folder, 0755) == 0);
    write_file("docs/index.html", VIEW("<p>docs"));
    (void)snprintf(text, sizeof text,
                   "daemon off;\nmaster_process off;\npid %s/pid;\nerror_log stderr;\n"
                   "events { worker_connections 64; }\n"
                   "http { access_log off; keepalive_requests 3; gzip on; gzip_min_length 1;"
                   "gzip_types *; client_body_temp_path %s/b; proxy_temp_path %s/p;"
                   "fastcgi_temp_path %s/f; uwsgi_temp_path %s/u; scgi_temp_path %s/s;"
                   "server { listen 127.0.0.1:%u; root %s; } }\n",
                   folder, folder, folder, folder, folder, folder, away.port, folder);
    write_file("nginx.conf", view_from_string(text));
    (void)snprintf(line, sizeof line, "PATH=$PATH:/usr/sbin; exec nginx -p . -c %s/nginx.conf",
                   folder);
    away.origin = command_start(line);
    struct http_fetch fetch = fetch_of("/small");
    while (run(&fetch) == REFUSED) {
        expect(clock_monotonic_ns() < fetch.deadline_ns);
        (void)fiber_sleep(10 * MS_NS);
    }
}

static void nginx_close(void)
{
    client_close();
    command_end(away.origin);
    folder_remove();
}

TEST(client_fetches_from_nginx)
{
    nginx_open();
    for (unsigned i = 0; i < 10; i++) /* nginx ends each connection after three */
        expect_path("/small", VIEW("hello"));
    expect(away.fetcher.reused_count >= 6 && away.fetcher.repeated_count == 0);
    expect_path("/docs", VIEW("<p>docs"));
    expect(view_ends_with(away.fetched.url, VIEW("/docs/")));
    struct http_fetch fetch = fetch_of("/nothing");
    expect_ok(run(&fetch));
    expect_that(away.fetched.status, ==, 404);
    fetch = fetch_of("/small");
    fetch.method = HTTP_HEAD;
    expect_fetch(&fetch, VIEW(""));
    nginx_close();
}

TEST(client_fetches_parts_and_chunks_from_nginx)
{
    nginx_open();
    struct http_field field = { VIEW("Range"), VIEW("bytes=1-3") };
    struct http_fetch fetch = fetch_of("/small");
    fetch.fields = &field;
    fetch.field_count = 1;
    expect_ok(run(&fetch));
    expect_that(away.fetched.status, ==, 206);
    expect_view(view_first(VIEW_OF(away.body), (size_t)away.body_bytes), VIEW("ell"));
    field = (struct http_field){ VIEW("Accept-Encoding"), VIEW("gzip") };
    expect_ok(run(&fetch)); /* coded on the way, so its length is not known */
    expect_that(away.body[0], ==, 0x1f);
    expect_that(away.body[1], ==, 0x8b);
    fetch = fetch_of("/large");
    expect_ok(run(&fetch));
    expect_that(away.body_bytes, ==, LARGE_BYTES);
    nginx_close();
}
