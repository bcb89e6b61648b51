/* devices_network.c - what config.c can name to be reached by, and to speak over it.
 *
 * SPDX-License-Identifier: ISC */
#include <string.h>

#include <loom/config.h>

#include "config/graph.h"

static const struct module stack_socket = {
    .name = "stack_socket",
    .signature = "stack",
    .instance = "stack",
    .header = "target/unix/stack_socket.h",
    .words = "the host's sockets",
    .home = MODULE_OF_HOUSE,
    .sources = { "target/unix/stack_*.c", "target/unix/tcp_*.c", "target/unix/udp_*.c",
                 "target/unix/flow_*.c" },
    .needs = { "flow", "ip" },
    .has_parameters = true,
};

static const struct module resolver_module = {
    .name = "resolver_host",
    .signature = "resolver",
    .instance = "resolver",
    .header = "target/unix/resolver_host.h",
    .words = "names to addresses, by the host",
    .home = MODULE_OF_HOUSE,
    .sources = { "target/unix/resolver_host*.c" },
    .needs = { "resolver", "ip" },
    .has_parameters = true,
};

static const struct module server = {
    .name = "http_server",
    .signature = "http",
    .instance = "http",
    .header = "http_server/http_server.h",
    .words = "a server of HTTP/1.1",
    .home = MODULE_OF_HOUSE,
    .sources = { "lib/http_server/*.c" },
    /* Pages and metrics are handlers that nearly every site has; unused, the linker drops them. */
    .needs = { "http", "http_pages" },
    .has_parameters = true,
};

/* A client and a server have parameters of the same names, and an image has both now and then. */
static const struct module client = {
    .name = "http_fetcher",
    .signature = "http_client",
    .instance = "client",
    .header = "http_client/http_fetcher.h",
    .words = "a client of HTTP/1.1",
    .home = MODULE_OF_HOUSE,
    .sources = { "lib/http_client/*.c" },
    .needs = { "http" },
    .has_parameters = true,
    .prefix = "client",
};

/* The one attachment there is, unless it was given a name: then the next call makes another. */
static struct stack *default_stack_made(void)
{
    for (size_t i = 0; i < graph.device_count; i++) {
        struct device *device = graph.devices[i];
        if (device->module == &stack_socket && device->given == NULL) return (void *)&device->whole;
    }
    return NULL;
}

struct stack *default_stack_at(struct place place)
{
    struct stack *made = default_stack_made();
    key_choice("stack", "socket", "what speaks TCP and UDP");
    return made != NULL ? made : device_at(place, &stack_socket, NO_DEVICES);
}

struct tcp *stack_tcp(struct stack *stack)
{
    return device_part(stack, "tcp", "$.stack.tcp");
}

struct udp *stack_udp(struct stack *stack)
{
    return device_part(stack, "udp", "$.stack.udp");
}

struct resolver *resolver_host_at(struct place place)
{
    return device_at(place, &resolver_module, NO_DEVICES);
}

struct http *http_server_at(struct place place, struct tcp *tcp)
{
    return device_at(place, &server, DEVICES(tcp));
}

struct http_client *http_client_at(struct place place, struct tcp *tcp, struct resolver *resolver)
{
    return device_at(place, &client, DEVICES(tcp, resolver));
}
