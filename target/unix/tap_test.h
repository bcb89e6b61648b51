/* tap_test.h - for tests over real interfaces: a tap and a tun of the host, "tap0" and "tun0", in a
 * network namespace of the test's own process, which the host removes with it.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_TAP_TEST_H
#define LOOM_TAP_TEST_H

#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/view.h"
#include "test/test.h"

static const char *no_tap; /* why there is none */

static inline void need_tap(void)
{
    if (no_tap != NULL) test_skip(no_tap);
}

static inline bool tap_control(unsigned long what, struct ifreq *request)
{
    int any = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    bool done = any >= 0 && ioctl(any, what, request) == 0;
    if (any >= 0) (void)close(any);
    return done;
}

static inline struct ifreq tap_request(const char *name)
{
    struct ifreq request = { 0 };
    (void)span_copy(SPAN_OF(request.ifr_name), view_from_string(name));
    return request;
}

/* An open one; -1: this host has none. */
static inline int tap_make(const char *name, short kind)
{
    struct ifreq request = tap_request(name);
    int descriptor = open("/dev/net/tun", O_RDWR | O_CLOEXEC);
    request.ifr_flags = (short)(kind | IFF_NO_PI);
    if (descriptor >= 0 && ioctl(descriptor, TUNSETIFF, &request) == 0) return descriptor;
    if (descriptor >= 0) (void)close(descriptor);
    return -1;
}

static inline bool tap_keep(const char *name, short kind)
{
    int descriptor = tap_make(name, kind);
    bool is_kept = descriptor >= 0 && ioctl(descriptor, TUNSETPERSIST, 1) == 0;
    if (descriptor >= 0) (void)close(descriptor);
    return is_kept;
}

__attribute__((constructor)) static void tap_namespace(void)
{
    if (unshare(CLONE_NEWNET) != 0) {
        no_tap = "only root can make a network namespace";
    } else if (!tap_keep("tap0", IFF_TAP) || !tap_keep("tun0", IFF_TUN)) {
        no_tap = "this host has no /dev/net/tun";
    }
}

static inline void tap_set_address(unsigned long what, const char *name, uint32_t address)
{
    struct ifreq request = tap_request(name);
    const struct sockaddr_in ipv4 = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(address) };
    (void)span_copy(SPAN_OF(request.ifr_addr), VIEW_OF(ipv4));
    expect(tap_control(what, &request));
}

/* With the host's address there, of 24 bits of network. */
static inline void tap_set_up(const char *name, uint32_t address)
{
    struct ifreq request = tap_request(name);
    tap_set_address(SIOCSIFADDR, name, address);
    tap_set_address(SIOCSIFNETMASK, name, 0xffffff00);
    request.ifr_flags = IFF_UP | IFF_RUNNING;
    expect(tap_control(SIOCSIFFLAGS, &request));
}

#endif
