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

static const struct module direct = {
    .name = "stack_direct",
    .signature = "stack",
    .instance = "stack",
    .header = "stack_direct/stack_direct.h",
    .words = "our own stack, from Ethernet to TCP",
    .home = MODULE_OF_HOUSE,
    .sources = { "lib/stack_direct/*.c" },
    .needs = { "stack_core", "flow" },
    .has_parameters = true,
};

static const struct module host = {
    .name = "net_host",
    .signature = "net",
    .instance = "net",
    .header = "target/unix/net_host.h",
    .expression = "$.net", /* the device's, or round it the capture's */
    .words = "a tap or passt, as --net says",
    .home = MODULE_OF_HOUSE,
    .sources = { "target/unix/net_host*.c", "target/unix/net_tap*.c", "target/unix/net_passt*.c",
                 "target/unix/net_descriptor*.c", "target/unix/net_capture*.c",
                 "target/virtio/net_virtio_header.c" },
    .needs = { "net" },
    .has_parameters = true,
};

static const struct module simulated = {
    .name = "net_sim",
    .signature = "net",
    .instance = "net",
    .header = "target/sim/node/net_sim.h",
    .words = "a network card of the simulator",
    .home = MODULE_OF_HOUSE,
    .sources = { "target/sim/node/net_sim*.c" },
    .needs = { "net" },
    .has_parameters = true,
};

static const struct module card = {
    .name = "net_virtio",
    .signature = "net",
    .instance = "net",
    .header = "target/virtio/net_virtio.h",
    .words = "a network card of the machine, as --net says",
    .home = MODULE_OF_HOUSE,
    .sources = { "target/virtio/net_*.c" },
    .needs = { "net" },
};

static const struct module resolver_module = {
    .name = "resolver_host",
    .signature = "resolver",
    .instance = "resolver",
    .header = "target/unix/resolver_host.h",
    .words = "names to addresses, by the host",
    .home = MODULE_OF_HOUSE,
    .sources = { "target/unix/resolver_host*.c", "target/unix/crew.c" },
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

struct net *net_host_at(struct place place)
{
    if (strcmp(graph.target->name, "unix") != 0) {
        place_error(place, "net_host() is of unix alone; default_net() is what %s has",
                    graph.target->name);
    }
    return device_at(place, &host, NO_DEVICES);
}

/* The machine's monitor knows it by its name in the manifest. */
static struct net *net_card(struct place place)
{
    void *device = device_at(place, &card, NO_DEVICES);
    device_constant(device, "VIEW(\"$\")");
    return device;
}

struct net *default_net_at(struct place place)
{
    if (strcmp(graph.target->name, "sim") == 0) return device_at(place, &simulated, NO_DEVICES);
    return graph.target->is_machine ? net_card(place) : net_host_at(place);
}

struct stack *stack_direct_at(struct place place, struct net *net)
{
    return device_at(place, &direct, DEVICES(net));
}

/* The one attachment there is, unless it was given a name: then the next call makes another. */
static struct stack *default_stack_made(void)
{
    for (size_t i = 0; i < graph.device_count; i++) {
        struct device *device = graph.devices[i];
        if (device->is_default && device->given == NULL) return (void *)&device->whole;
    }
    return NULL;
}

/* The net is called as its stack is, so that nobody has to name what he did not write. */
static struct stack *default_direct(struct place place)
{
    struct net *net = default_net_at(place);
    struct stack *stack = stack_direct_at(place, net);
    device_named_like(net, stack);
    return stack;
}

/* Only a process of the host has sockets. */
static bool chosen_is_direct(void)
{
    bool is_unix = strcmp(graph.target->name, "unix") == 0;
    return key_is("stack", is_unix ? "socket|direct" : "direct",
                  is_unix ? "what speaks TCP and UDP"
                          : "what speaks TCP and UDP: only a process has the host's sockets",
                  "direct");
}

struct stack *default_stack_at(struct place place)
{
    struct stack *stack = default_stack_made();
    bool is_direct = chosen_is_direct();
    if (stack != NULL) return stack;
    stack = is_direct ? default_direct(place) : device_at(place, &stack_socket, NO_DEVICES);
    device_is_default(stack);
    return stack;
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
    if (graph.target->is_machine) {
        place_error(place,
                    "resolver_host() asks the host, and below a machine there is none; name the "
                    "peers in a module of your own over resolver/resolver_static.h, or run it on "
                    "unix");
    }
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
