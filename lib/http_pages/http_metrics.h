/* http_metrics.h - a handler that shows the metrics of the image, for Prometheus and for people.
 *
 *     struct http_metrics metrics;
 *     http_metrics_init(&metrics);
 *     { .method = HTTP_GET, .pattern = VIEW("/metrics"), .handler = &metrics.handler }
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_HTTP_METRICS_H
#define LOOM_HTTP_METRICS_H

#include "http/http.h"

struct http_metrics {
    struct http_handler handler;
};

void http_metrics_init(struct http_metrics *metrics);

#endif
