/* network.c - what `loom run` attaches an image's nets to.
 *
 * An image with our own stack starts passt by itself, and knows nothing of what it is to be called
 * there: that both sides are told the same addresses is done here (target/unix/net_passt_process.h
 * has passt's side).
 *
 * SPDX-License-Identifier: ISC */
#include "network.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <loom/module.h>

#include "fail.h"
#include "list.h"

#define PASST_ADDRESS "10.0.2.15/24"
#define PASST_GATEWAY "10.0.2.2"

enum { NETS_MAX = NETWORK_CARDS_MAX, PREFIX_BYTES = 64, HTTP_PORT = 80 };

/* A net of the image, by the prefixes of parameters (of a stack over it: NULL where there is none)
 * and its own name; and what was asked for it, or NULL. */
struct net {
    const char *prefix, *stack_prefix, *name;
    const char *attached, *publish, *capture;
};

struct nets {
    struct net nets[NETS_MAX];
    size_t count;
    bool has_server; /* of HTTP, without a name */
};

/* ---- the options ---- */

static unsigned long port_of(const char **text, char end)
{
    char *rest;
    unsigned long port = strtoul(*text, &rest, 10);
    if ((*text)[0] < '0' || (*text)[0] > '9' || *rest != end || port > 65535) return 0;
    *text = rest;
    return port;
}

/* "8080:80", of a list that commas separate. */
static void read_publish(const char *pair, unsigned long *host, unsigned long *guest)
{
    const char *at = pair;
    *host = port_of(&at, ':');
    at += *host != 0;
    *guest = *host != 0 ? port_of(&at, '\0') : 0;
    if (*guest == 0) fail_usage("--publish %s: write HOST:GUEST, two ports", pair);
}

static void check_net(const char *text)
{
    const char *equals = strchr(text, '=');
    const char *what = equals != NULL ? equals + 1 : text;
    if (strcmp(what, "passt") == 0 || (strncmp(what, "tap:", 4) == 0 && what[4] != '\0') ||
        (strncmp(what, "fd:", 3) == 0 && what[3] != '\0'))
        return;
    fail_usage("--net %s: write passt, tap:INTERFACE or fd:NUMBER, and before it NAME= for a net "
               "that has a name",
               text);
}

void network_check(const struct options *options)
{
    const char *publish = options->values[NETWORK_PUBLISH];
    const char *attached = options->values[NETWORK_NET];
    unsigned long host, guest;
    for (const char *pair = list_next(&publish); pair != NULL; pair = list_next(&publish))
        read_publish(pair, &host, &guest);
    for (const char *net = list_next(&attached); net != NULL; net = list_next(&attached))
        check_net(net);
}

/* ---- the image's nets ---- */

static const char *prefix_of(const char *shown)
{
    return strcmp(shown, "-") == 0 ? "" : text_of("%s", shown);
}

static void line_read(struct nets *nets, const char *line)
{
    char net[PREFIX_BYTES], stack[PREFIX_BYTES], name[PREFIX_BYTES];
    if (strcmp(line, "server -\n") == 0) nets->has_server = true;
    if (sscanf(line, "net %63s %63s %63s", net, stack, name) != 3 || nets->count == NETS_MAX)
        return;
    nets->nets[nets->count++] = (struct net){
        .prefix = prefix_of(net),
        .stack_prefix = strcmp(stack, ".") == 0 ? NULL : prefix_of(stack),
        .name = text_of("%s", name),
    };
}

static struct nets nets_read(const struct application *application)
{
    struct nets nets = { .count = 0 };
    char line[3 * PREFIX_BYTES + 8];
    FILE *file = fopen(application_file(application, "nets.txt"), "r");
    if (file == NULL) return nets;
    while (fgets(line, sizeof line, file) != NULL)
        line_read(&nets, line);
    fclose(file);
    return nets;
}

static struct net *net_find(struct nets *nets, const char *prefix)
{
    for (size_t i = 0; i < nets->count; i++) {
        if (strcmp(nets->nets[i].prefix, prefix) == 0) return &nets->nets[i];
    }
    return NULL;
}

/* The one that an item of an option names, or the one without a name. */
static struct net *net_of_item(struct nets *nets, const char *option, const char *item,
                               const char *name)
{
    struct net *net = net_find(nets, name);
    if (net == NULL && name[0] != '\0')
        fail_usage("--%s %s: the image has no net of the name %s; see `loom describe`", option,
                   item, name);
    if (net == NULL)
        fail_usage("--%s %s: every net of the image has a name: write --%s NAME=%s", option, item,
                   option, item);
    return net;
}

static void nets_attach(struct nets *nets, const struct options *options)
{
    const char *list = options->values[NETWORK_NET];
    for (const char *item = list_next(&list); item != NULL; item = list_next(&list)) {
        const char *equals = strchr(item, '=');
        const char *name = equals != NULL ? text_of("%.*s", (int)(equals - item), item) : "";
        net_of_item(nets, "net", item, name)->attached = equals != NULL ? equals + 1 : item;
    }
}

static void nets_capture(struct nets *nets, const struct options *options)
{
    const char *name, *list = options->values[NETWORK_CAPTURE];
    for (const char *item = list_next(&list); item != NULL; item = list_next(&list)) {
        const char *file = list_item_file(item, &name);
        if (file[0] == '\0') fail_usage("--capture %s: write the path of a file behind it", item);
        net_of_item(nets, "capture", item, name)->capture = file;
    }
}

/* Ports lead to the net without a name, or to the only one. */
static void nets_publish(struct nets *nets, const struct options *options)
{
    const char *publish = options->values[NETWORK_PUBLISH];
    struct net *net = nets->count == 1 ? &nets->nets[0] : net_find(nets, "");
    if (publish == NULL) return;
    if (net == NULL)
        fail_usage("--publish %s: every net of the image has a name: give the port to one of them: "
                   "loom run APP -- --NAME-publish=%s",
                   publish, publish);
    if (net->attached != NULL && strcmp(net->attached, "passt") != 0)
        fail_usage("--publish %s: over %s the image is reached at its own address; leave one of "
                   "--publish and --net out",
                   publish, net->attached);
    net->publish = publish;
}

/* ---- parameters ---- */

static const char *parameter_name(const char *prefix, const char *name)
{
    return text_of("--%s%s%s", prefix, prefix[0] != '\0' ? "-" : "", name);
}

/* What stands behind `--` is the user's own, and goes before what we know better. */
static const char *given_value(const struct options *options, const char *name)
{
    size_t length = strlen(name);
    for (int i = 0; i < options->rest_count && options->rest[i] != NULL; i++) {
        const char *word = options->rest[i];
        if (strncmp(word, name, length) != 0) continue;
        if (word[length] == '=') return word + length + 1;
        if (word[length] == '\0') return i + 1 < options->rest_count ? options->rest[i + 1] : "";
    }
    return NULL;
}

static void add_if_free(struct command_line *line, const struct options *options,
                        const char *prefix, const char *name, const char *value)
{
    const char *parameter = parameter_name(prefix, name);
    if (given_value(options, parameter) != NULL) return;
    command_line_add(line, text_of("%s=%s", parameter, value));
}

/* The address that passt gives to whoever is behind it. */
static void add_address(struct command_line *line, const struct options *options,
                        const struct net *net, const char *attached)
{
    if (net->stack_prefix == NULL) return;
    if (attached != NULL && strcmp(attached, "passt") != 0) return;
    if (given_value(options, parameter_name(net->stack_prefix, "ipv4")) != NULL) return;
    add_if_free(line, options, net->stack_prefix, "ipv4", PASST_ADDRESS);
    add_if_free(line, options, net->stack_prefix, "ipv4-gateway", PASST_GATEWAY);
}

static void add_net(struct command_line *line, const struct options *options, const struct net *net)
{
    const char *given = given_value(options, parameter_name(net->prefix, "net"));
    if (net->attached != NULL)
        command_line_add(line, text_of("%s=%s", parameter_name(net->prefix, "net"), net->attached));
    if (net->publish != NULL)
        command_line_add(line,
                         text_of("%s=%s", parameter_name(net->prefix, "publish"), net->publish));
    if (net->capture != NULL)
        command_line_add(line,
                         text_of("%s=%s", parameter_name(net->prefix, "capture"), net->capture));
    add_address(line, options, net, net->attached != NULL ? net->attached : given);
}

/* Who publishes HTTP's own port means the server; by default it has another, as over the host's
 * sockets that one is root's. */
static void add_server(struct command_line *line, const struct options *options)
{
    const char *list = options->values[NETWORK_PUBLISH];
    unsigned long host, guest;
    for (const char *pair = list_next(&list); pair != NULL; pair = list_next(&list)) {
        read_publish(pair, &host, &guest);
        if (guest == HTTP_PORT) add_if_free(line, options, "", "port", text_of("%u", HTTP_PORT));
    }
}

/* Over the host's sockets a guest's port is the host's: there is nothing to translate. */
static void check_sockets(const struct options *options)
{
    const char *list = options->values[NETWORK_PUBLISH];
    unsigned long host, guest;
    const char *capture = options->values[NETWORK_CAPTURE];
    const char *first = options->values[NETWORK_NET] != NULL ? options->values[NETWORK_NET]
                                                             : capture;
    if (first != NULL)
        fail_usage("--%s %s: this image uses the host's sockets; build it with a stack of its own: "
                   "--stack=direct",
                   first == capture ? "capture" : "net", first);
    for (const char *pair = list_next(&list); pair != NULL; pair = list_next(&list)) {
        read_publish(pair, &host, &guest);
        if (host == guest) continue;
        fail_usage("--publish %s: on unix with --stack=socket the image listens on the host's own "
                   "ports, so both are the same; tell the image its port instead: loom run APP -- "
                   "--port=%lu; or give it a stack of its own: --stack=direct",
                   pair, host);
    }
}

/* All of the image's, with what was asked for each. */
static struct nets nets_asked(const struct application *application, const struct options *options)
{
    struct nets nets = nets_read(application);
    if (nets.count == 0) return nets;
    nets_attach(&nets, options);
    nets_publish(&nets, options);
    nets_capture(&nets, options);
    return nets;
}

void network_add(struct command_line *line, const struct application *application,
                 const struct options *options)
{
    struct nets nets = nets_asked(application, options);
    if (nets.count == 0) check_sockets(options);
    for (size_t i = 0; i < nets.count; i++)
        add_net(line, options, &nets.nets[i]);
    if (nets.count > 0 && nets.has_server) add_server(line, options);
}

/* ---- a machine ---- */

size_t network_cards(const struct application *application, const struct options *options,
                     struct network_card cards[static NETWORK_CARDS_MAX])
{
    struct nets nets = nets_asked(application, options);
    if (nets.count == 0 &&
        (options->values[NETWORK_NET] != NULL || options->values[NETWORK_PUBLISH] != NULL ||
         options->values[NETWORK_CAPTURE] != NULL))
        fail_usage("--net, --publish and --capture are for images with a network, and this one has "
                   "none; see `loom describe`");
    for (size_t i = 0; i < nets.count; i++) {
        const struct net *net = &nets.nets[i];
        cards[i] = (struct network_card){ .name = net->name,
                                          .attached = net->attached != NULL ? net->attached
                                                                            : "passt",
                                          .publish = net->publish,
                                          .capture = net->capture };
    }
    return nets.count;
}

void network_address(struct command_line *line, const struct application *application,
                     const struct options *options)
{
    struct nets nets = nets_asked(application, options);
    for (size_t i = 0; i < nets.count; i++)
        add_address(line, options, &nets.nets[i], nets.nets[i].attached);
    if (nets.has_server) add_server(line, options);
}
