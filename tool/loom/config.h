/* config.h - what an application's config.c says: which devices it has, and what satisfies each.
 *
 *     #include <loom/config.h>
 *     #include "homepage.h"       enum result homepage_start(struct http *http, struct kv *pages);
 *
 *     unikernel(homepage)
 *     {
 *         struct kv *pages = kv_pages("htdocs");
 *         struct http *http = http_server(stack_tcp(default_stack()));
 *
 *         start(homepage_start, http, pages);
 *     }
 *
 * The file is compiled for the host and run by `loom configure`; the headers that it includes in
 * quotes are those that main.c includes. A module of the application's own is described as
 * loom/module.h tells.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_CONFIG_H
#define LOOM_CONFIG_H

#include <loom/module.h>

#include "base/result.h"

struct block;
struct kv;
struct net;
struct stack;
struct tcp;
struct udp;
struct http;
struct http_client;
struct resolver;

/* Opens the description. The name is the image's. */
#define unikernel(name) \
    const char *const unikernel_name = #name; \
    const struct place unikernel_place = HERE; \
    void unikernel_wire(void)
extern const char *const unikernel_name;
extern const struct place unikernel_place;
void unikernel_wire(void);

/* Says the function in which the application starts, and what it is handed. It is called once all
 * devices are open; when it returns, they are closed. _Generic does not evaluate the call, so it
 * needs no linking, but makes the compiler check it. */
/* clang-format off */
#define start(entry, ...) \
    start_at(HERE, _Generic(entry(__VA_ARGS__), enum result: #entry), \
             (const void *const[]){ __VA_ARGS__ __VA_OPT__(,) devices_end })
/* clang-format on */
void start_at(struct place place, const char *entry, const void *const arguments[]);

/* Boot parameters of the application itself, to be handed to its entry: `const struct
 * NAME_parameters *`. Its header declares that structure and `extern const struct parameter
 * NAME_parameters[]`. */
#define parameters(name) ((const struct name##_parameters *)parameters_at(HERE, #name))
const void *parameters_at(struct place place, const char *name);

/* Gives a device a name, which tells two of a kind apart and prefixes its boot parameters: "admin"
 * makes --port --admin-port. */
#define named(name, device) ((__typeof__(device))named_at(HERE, name, device))
void *named_at(struct place place, const char *name, const void *device);

/* Compiles one more of Loom's modules, lib/NAME, for the application's own use. */
#define use(name) use_at(HERE, name)
void use_at(struct place place, const char *name);

/* Compiles more of the application than the .c files that stand beside config.c: "parser/[a-z]*.c",
 * from there. Tests are left out. */
#define application_sources(pattern) application_sources_at(HERE, pattern)
void application_sources_at(struct place place, const char *pattern);

/* One network attachment. --stack=socket: the host's sockets. --stack=direct: our own stack, from
 * Ethernet to TCP, over default_net(), which is all there is where the image is no process.
 * Every call gives the same one. */
#define default_stack() default_stack_at(HERE)
struct stack *default_stack_at(struct place place);
struct tcp *stack_tcp(struct stack *stack);
struct udp *stack_udp(struct stack *stack);

/* Our own stack over a net, which carries one stack. */
#define stack_direct(net) stack_direct_at(HERE, net)
struct stack *stack_direct_at(struct place place, struct net *net);

/* A network interface of what the image runs on. On unix that is net_host(), in a machine a virtio
 * card: passt, a tap or an open descriptor, as whoever starts the image says with --net. */
#define default_net() default_net_at(HERE)
struct net *default_net_at(struct place place);
#define net_host() net_host_at(HERE)
struct net *net_host_at(struct place place);

/* Files of a folder, named from where config.c stands. --pages=image: crunched into the image.
 * --pages=host: read from the host's folder while the image runs, which --pages-directory can
 * change. */
#define kv_pages(folder) kv_pages_at(HERE, folder)
struct kv *kv_pages_at(struct place place, const char *folder);

/* A folder of the host. Its boot parameter --directory names another. */
#define kv_directory(folder) kv_directory_at(HERE, folder)
struct kv *kv_directory_at(struct place place, const char *folder);

/* Keys and values in memory, empty at first. */
#define kv_memory() kv_memory_at(HERE)
struct kv *kv_memory_at(struct place place);

/* What this very image is made of: graph.svg, graph.dot, size.json, size.html and manifest.json. */
#define kv_self() kv_self_at(HERE)
struct kv *kv_self_at(struct place place);

/* A disk of what the image runs on. On unix that is block_file(), on sim block_memory(), in a
 * machine the one that its monitor is given with --block. */
#define default_block() default_block_at(HERE)
struct block *default_block_at(struct place place);

/* A file of the host, or one of its block devices: which, says whoever starts the image with
 * --block=FILE. */
#define block_file() block_file_at(HERE)
struct block *block_file_at(struct place place);

/* A disk in memory: --block-size says how long. */
#define block_memory() block_memory_at(HERE)
struct block *block_memory_at(struct place place);

/* A partition of a disk with a table, GPT or MBR: which, says --partition. */
#define block_partition(disk) block_partition_at(HERE, disk)
struct block *block_partition_at(struct place place, struct block *whole);

/* Names to addresses, by the host's own resolver. */
#define resolver_host() resolver_host_at(HERE)
struct resolver *resolver_host_at(struct place place);

/* HTTP/1.1, as a server and as a client. The client's boot parameters begin with --client. */
#define http_server(tcp) http_server_at(HERE, tcp)
struct http *http_server_at(struct place place, struct tcp *tcp);
#define http_client(tcp, resolver) http_client_at(HERE, tcp, resolver)
struct http_client *http_client_at(struct place place, struct tcp *tcp, struct resolver *resolver);

#endif
