/* echo.c - runs the services side by side, each on a fiber of its own.
 *
 * SPDX-License-Identifier: ISC */
#include "echo.h"

#include "fiber/fiber.h"
#include "fiber/stop.h"
#include "http_pages/http_metrics.h"

#define LOG_MODULE "echo"
#include "log/log.h"

struct service {
    struct task task;
    struct echo *echo;
    const char *name;
    enum result result;
};

/* A service ends because of a stop, or because it cannot serve, which stops the others. */
static void service_run(struct task *task)
{
    struct service *service = CONTAINER_OF(task, struct service, task);
    service->result = echo_serve(service->echo);
    if (service->result != OK) log_error("%s: %s", service->name, result_text(service->result));
    stop_request();
}

static struct service service_of(const char *name, struct echo *echo)
{
    return (struct service){ .task = { service_run }, .echo = echo, .name = name };
}

static enum result services_start(struct scope *scope, struct service services[], size_t count)
{
    enum result result = OK;
    for (size_t i = 0; i < count && result == OK; i++)
        result = fiber_start(scope, &services[i].task, services[i].name, STACK_SMALL);
    return result;
}

static enum result metrics_serve(struct http *http)
{
    struct http_metrics metrics;
    http_metrics_init(&metrics);
    const struct http_route route = { .method = HTTP_GET,
                                      .pattern = VIEW("/metrics"),
                                      .handler = &metrics.handler };
    return http_serve(http, &(struct http_site){ &route, 1 });
}

enum result echo_start(struct echo *tcp, struct echo *left, struct echo *right, struct http *http)
{
    struct service services[] = { service_of("tcp", tcp), service_of("left", left),
                                  service_of("right", right) };
    struct scope scope;
    scope_open(&scope, "services");
    enum result result = services_start(&scope, services, LENGTH_OF(services));
    if (result == OK) result = metrics_serve(http);
    stop_request();
    if (result == OK) result = scope_wait(&scope, NEVER); /* each keeps to a bound of its own */
    scope_close(&scope);
    for (size_t i = 0; i < LENGTH_OF(services) && result == OK; i++)
        result = services[i].result;
    return result;
}
