/* network.h - what `loom run` attaches an image's nets to.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_TOOL_NETWORK_H
#define LOOM_TOOL_NETWORK_H

#include "options.h"
#include "process.h"

/* The options that `loom run` has for it, by their letters; all may be given several times. */
#define NETWORK_PUBLISH 'p'
#define NETWORK_NET     'a'
#define NETWORK_CAPTURE 'C'
#define NETWORK_LISTS   "paC"

#define NETWORK_OPTIONS \
    { \
        "publish", \
        NETWORK_PUBLISH, \
        "HOST:GUEST", \
        0, \
        "reach the image's port GUEST at 127.0.0.1:HOST", \
        0 \
    }, \
        { "net", \
          NETWORK_NET, \
          "[NAME=]passt|tap:IF|fd:N", \
          0, \
          "of an image with a stack of its own: what the network is (passt)", \
          0 }, \
    { \
        "capture", NETWORK_CAPTURE, "[NAME=]FILE", 0, \
            "of an image with a stack of its own: write down all frames, for Wireshark", 0 \
    }

/* Ends the command when an option is malformed, which needs no build to find out. */
void network_check(const struct options *options);

/* Adds the boot parameters that come of the options, and the addresses that the image has over
 * passt. The image is built. Ends the command when the image has nothing that an option is about.
 */
void network_add(struct command_line *line, const struct application *application,
                 const struct options *options);

/* The same for a machine, in two parts: what its monitor attaches, and its own boot parameters. */
enum { NETWORK_CARDS_MAX = 16 };

struct network_card {
    const char *name;     /* in the image's manifest */
    const char *attached; /* passt, tap:INTERFACE or fd:NUMBER */
    const char *publish;  /* ports over passt, or NULL */
    const char *capture;  /* a file, or NULL */
};

/* In the manifest's order. The value is how many. */
size_t network_cards(const struct application *application, const struct options *options,
                     struct network_card cards[static NETWORK_CARDS_MAX]);
void network_address(struct command_line *line, const struct application *application,
                     const struct options *options);

#endif
