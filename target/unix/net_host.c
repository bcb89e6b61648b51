/* net_host.c - from the attachment's words to a net.
 *
 * SPDX-License-Identifier: ISC */
#include "target/unix/net_host.h"

#include <unistd.h>

#define LOG_MODULE "net"
#include "log/log.h"

/* ---- parameters ---- */

static enum result parse_choice(struct view text, struct span value)
{
    struct net_host_choice choice;
    enum result result = net_host_choice_read(&choice, text);
    if (result == OK) (void)span_copy(value, VIEW_OF(choice));
    return result;
}

static enum result parse_publish(struct view text, struct span value)
{
    if (!net_passt_publish_is_valid(text)) return INVALID;
    (void)span_copy(value, VIEW_OF(text));
    return OK;
}

/* Six bytes in hexadecimal, of a single station (IEEE 802 8.2.2). */
static enum result parse_mac(struct view text, struct span value)
{
    struct mac mac = { 0 };
    for (size_t i = 0; i < sizeof mac && !view_equal(text, VIEW("auto")); i++) {
        uint64_t byte;
        struct view digits = view_cut(text, ':', &text);
        if (digits.length_bytes != 2 || !view_hex_to_u64(digits, &byte)) return INVALID;
        mac.bytes[i] = (uint8_t)byte;
        if (i + 1 == sizeof mac && (!view_is_empty(text) || (mac.bytes[0] & 1) != 0))
            return INVALID;
    }
    (void)span_copy(value, VIEW_OF(mac));
    return OK;
}

const struct parameter net_host_parameters[] = {
    PARAMETER_PARSED(struct net_host_parameters, net, struct net_host_choice, "net", "passt",
                     "passt|tap:INTERFACE|fd:NUMBER", parse_choice,
                     "what the network is: passt is started and needs no root; a tap or tun of the "
                     "host; or one, or a socket that carries frames, that is open already"),
    PARAMETER_PARSED(struct net_host_parameters, publish, struct view, "publish", "",
                     "HOST:GUEST,...", parse_publish,
                     "with passt, ports of 127.0.0.1 that lead to ports of the image, for TCP and "
                     "UDP"),
    PARAMETER_PARSED(struct net_host_parameters, mac, struct mac, "net-mac", "auto", "MAC|auto",
                     parse_mac,
                     "the image's Ethernet address; auto makes one of the names of host and "
                     "interface, so that it stays"),
    PARAMETER_NUMBER(struct net_host_parameters, mtu_bytes, "net-mtu", "0", 0, NET_PASST_MTU,
                     "the longest IP datagram sent as one frame; 0 is the interface's own, or the "
                     "longest that passt takes"),
    PARAMETER_TEXT(struct net_host_parameters, capture, "capture", "",
                   "a file to write all frames to that pass, for Wireshark and tshark (pcapng)"),
    PARAMETER_END,
};

/* What passes the stack counts. */
static const struct metric net_host_metrics[] = {
    METRIC_COUNTER(struct net_host, device.statistics.send_errors, "net_send_errors_total",
                   "Frames that the device refused."),
    METRIC_COUNTER(struct net_host, device.statistics.receive_no_buffer,
                   "net_receive_no_buffer_total", "Frames lost for want of a free packet."),
    METRIC_COUNTER(struct net_host, device.statistics.receive_errors, "net_receive_errors_total",
                   "Frames that came malformed or too long."),
    METRIC_END,
};

/* ---- opening ---- */

/* 0, unless the number is too small for IP (RFC 791 3.1). */
static enum result check(const struct net_host_parameters *parameters)
{
    bool is_passt = parameters->net.kind == NET_HOST_PASST;
    if (!view_is_empty(parameters->publish) && !is_passt) {
        log_error("--publish is for passt; over a tap the image is reached at an address of its "
                  "own: take --publish out, or --net");
        return INVALID;
    }
    if (parameters->mtu_bytes != 0 && parameters->mtu_bytes < 576) {
        log_error("--net-mtu=%zu: the least that IP works with is 576",
                  (size_t)parameters->mtu_bytes);
        return INVALID;
    }
    return OK;
}

static bool mac_is_chosen(const struct net_host_parameters *parameters)
{
    static const struct mac none = { 0 };
    return !view_equal(VIEW_OF(parameters->mac), VIEW_OF(none));
}

static enum result open_stream(struct net_host *host, int descriptor,
                               const struct net_host_parameters *parameters)
{
    const struct net_passt_options options = {
        .mac = mac_is_chosen(parameters) ? parameters->mac : net_tap_mac(VIEW("passt")),
        .mtu_bytes = parameters->mtu_bytes != 0 ? (uint16_t)parameters->mtu_bytes : NET_PASST_MTU,
    };
    host->is_stream = true;
    return net_passt_open(&host->passt, descriptor, &options);
}

static enum result open_passt(struct net_host *host, const struct net_host_parameters *parameters)
{
    const struct net_passt_process_options options = {
        .publish = parameters->publish,
        .mtu_bytes = parameters->mtu_bytes != 0 ? (uint16_t)parameters->mtu_bytes : NET_PASST_MTU,
        .mac = mac_is_chosen(parameters) ? parameters->mac : net_tap_mac(VIEW("passt")),
    };
    int descriptor;
    enum result result = net_passt_process_start(&host->process, &options, &descriptor);
    if (result != OK) return result;
    result = open_stream(host, descriptor, parameters);
    if (result != OK) net_passt_process_end(&host->process);
    return result;
}

static enum result open_choice(struct net_host *host, const struct net_host_parameters *parameters)
{
    const struct net_host_choice *choice = &parameters->net;
    const struct net_tap_options options = { .mac = parameters->mac,
                                             .mtu_bytes = (uint16_t)parameters->mtu_bytes };
    if (choice->kind == NET_HOST_PASST) return open_passt(host, parameters);
    if (choice->kind == NET_HOST_TAP) return net_tap_open(&host->tap, choice->interface, &options);
    if (net_host_is_stream(choice->descriptor))
        return open_stream(host, choice->descriptor, parameters);
    return net_tap_open_descriptor(&host->tap, choice->descriptor, &options);
}

static void close_choice(struct net_host *host)
{
    if (host->is_stream) {
        net_passt_close(&host->passt);
    } else {
        net_tap_close(&host->tap);
    }
    if (host->process.number != 0) net_passt_process_end(&host->process);
}

/* What a device would still have completed is completed in what is written. */
static enum result open_capture(struct net_host *host, struct view path)
{
    const struct net_pcap_options options = { .name = VIEW("net"), .completes_checksums = true };
    host->net = &host->device;
    if (view_is_empty(path)) return OK;
    enum result result = net_capture_file_open(&host->file, path);
    if (result != OK) return result;
    result = net_pcap_open(&host->pcap, &host->device, &host->file.sink, &options);
    if (result != OK) {
        net_capture_file_close(&host->file);
        return result;
    }
    host->net = &host->pcap.net;
    host->is_captured = true;
    return OK;
}

enum result net_host_open(struct net_host *host, const struct net_host_parameters *parameters)
{
    *host = (struct net_host){ .process.number = 0 };
    enum result result = check(parameters);
    if (result == OK) result = open_choice(host, parameters);
    if (result != OK) return result;
    result = open_capture(host, parameters->capture);
    if (result != OK) {
        close_choice(host);
        return result;
    }
    metrics_register(&host->metrics, "net", net_host_metrics, SPAN_OF(*host));
    return OK;
}

void net_host_close(struct net_host *host)
{
    metrics_withdraw(&host->metrics);
    if (host->is_captured) {
        net_pcap_close(&host->pcap);
        net_capture_file_close(&host->file);
    }
    close_choice(host);
}
