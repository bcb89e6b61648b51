/* http_fetcher.c - a fetch from its URL to its answer: hop by hop, each over a connection of the
 * pool.
 *
 * SPDX-License-Identifier: ISC */
#include "http_client/http_fetcher.h"

#include "http_client/http_fetcher_pool.h"
#include "http_client/http_visit.h"

const struct parameter http_fetcher_parameters[] = {
    PARAMETER_NUMBER(struct http_fetcher_parameters, connection_count, "connections", "16", 1, 4096,
                     "connections to servers at once; further fetches wait"),
    PARAMETER_BYTES(struct http_fetcher_parameters, head_bytes, "head-bytes", "16KiB", 1024, MIB,
                    "largest head of a response"),
    PARAMETER_DURATION(struct http_fetcher_parameters, idle_timeout_ns, "idle-timeout", "30s",
                       "how long a connection is kept for the next fetch"),
    PARAMETER_END,
};

static const struct metric http_fetcher_metrics[] = {
    METRIC_COUNTER(struct http_fetcher, fetches_count, "http_client_fetches_total", "Fetches."),
    METRIC_COUNTER(struct http_fetcher, failures_count, "http_client_failures_total",
                   "Fetches without a whole response."),
    METRIC_COUNTER(struct http_fetcher, connected_count, "http_client_connections_total",
                   "Connections made."),
    METRIC_COUNTER(struct http_fetcher, reused_count, "http_client_reused_total",
                   "Requests on a connection that had carried one before."),
    METRIC_COUNTER(struct http_fetcher, repeated_count, "http_client_repeated_total",
                   "Requests repeated because a kept connection had ended."),
    METRIC_GAUGE(struct http_fetcher, connections_open, "http_client_connections",
                 "Connections open or being made now."),
    METRIC_COUNTER(struct http_fetcher, received_bytes, "http_client_received_bytes_total",
                   "Bytes received."),
    METRIC_END,
};

/* ---- fetching ---- */

static bool may_be_repeated(enum http_method method)
{
    return method != HTTP_POST && method != HTTP_PATCH;
}

/* Whether the server had ended a kept connection before the request came to it (RFC 9112 9.3.1): it
 * cannot have acted on a request of which it told nothing, or acting twice does no harm. */
static bool was_stale(const struct http_visit *visit, enum result result)
{
    bool ended = result == CLOSED || result == FAILED;
    return ended && visit->connection->is_reused && !visit->has_received &&
           may_be_repeated(visit->hop->method) && visit->hop->fetch->source == NULL;
}

static enum result visit_once(struct http_visit *visit, bool fresh, bool *stale)
{
    struct http_fetcher *fetcher = visit->fetcher;
    enum result result = http_fetcher_take(fetcher, &visit->hop->url, fresh,
                                           visit->hop->fetch->deadline_ns, &visit->connection);
    if (result != OK) return result;
    result = http_visit_run(visit);
    *stale = was_stale(visit, result);
    if (result == OK && visit->can_go_on)
        http_fetcher_keep(fetcher, visit->connection);
    else
        http_fetcher_drop(fetcher, visit->connection);
    return result;
}

static enum result visit_hop(struct http_fetcher *fetcher, struct http_hop *hop,
                             struct http_sink *sink, bool *followed)
{
    struct http_visit visit = { .fetcher = fetcher, .hop = hop, .sink = sink };
    bool stale = false;
    enum result result = visit_once(&visit, false, &stale);
    if (stale) {
        fetcher->repeated_count++;
        visit = (struct http_visit){ .fetcher = fetcher, .hop = hop, .sink = sink };
        result = visit_once(&visit, true, &stale);
    }
    *followed = visit.is_followed;
    return result;
}

static enum result http_fetcher_fetch(struct http_client *client, const struct http_fetch *fetch,
                                      struct http_fetched *fetched, struct http_sink *sink)
{
    struct http_fetcher *fetcher = CONTAINER_OF(client, struct http_fetcher, http_client);
    struct http_hop hop;
    assert(fetch->method < HTTP_METHODS);
    fetcher->fetches_count++;
    enum result result = http_hop_begin(&hop, fetch, fetched);
    bool followed = true;
    while (result == OK && followed)
        result = visit_hop(fetcher, &hop, sink, &followed);
    if (result != OK) fetcher->failures_count++;
    return result;
}

/* ---- the module ---- */

static const struct http_client_ops http_fetcher_ops = HTTP_CLIENT_OPS(http_fetcher);

enum result http_fetcher_open(struct http_fetcher *fetcher, struct tcp *tcp,
                              struct resolver *resolver,
                              const struct http_fetcher_parameters *parameters)
{
    *fetcher = (struct http_fetcher){ .http_client = { &http_fetcher_ops },
                                      .tcp = tcp,
                                      .resolver = resolver,
                                      .parameters = *parameters };
    enum result result = http_fetcher_pool_open(fetcher);
    if (result != OK) return result;
    result = http_fetcher_keeper_start(fetcher);
    if (result != OK) {
        http_fetcher_pool_close(fetcher);
        return result;
    }
    metrics_register(&fetcher->metrics, "http_client", http_fetcher_metrics, SPAN_OF(*fetcher));
    return OK;
}

void http_fetcher_close(struct http_fetcher *fetcher)
{
    metrics_withdraw(&fetcher->metrics);
    scope_close(&fetcher->scope);
    http_fetcher_pool_close(fetcher);
}
