/* http_reason.c - the standard reasons of status codes (RFC 9110 15, RFC 6585).
 *
 * SPDX-License-Identifier: ISC */
#include "http/http.h"

static struct view success_reason(unsigned status)
{
    switch (status) {
    case 200: return VIEW("OK");
    case 201: return VIEW("Created");
    case 202: return VIEW("Accepted");
    case 203: return VIEW("Non-Authoritative Information");
    case 204: return VIEW("No Content");
    case 205: return VIEW("Reset Content");
    case 206: return VIEW("Partial Content");
    default: return VIEW("Success");
    }
}

static struct view redirection_reason(unsigned status)
{
    switch (status) {
    case 300: return VIEW("Multiple Choices");
    case 301: return VIEW("Moved Permanently");
    case 302: return VIEW("Found");
    case 303: return VIEW("See Other");
    case 304: return VIEW("Not Modified");
    case 307: return VIEW("Temporary Redirect");
    case 308: return VIEW("Permanent Redirect");
    default: return VIEW("Redirection");
    }
}

static struct view client_error_reason(unsigned status)
{
    switch (status) {
    case 400: return VIEW("Bad Request");
    case 401: return VIEW("Unauthorized");
    case 403: return VIEW("Forbidden");
    case 404: return VIEW("Not Found");
    case 405: return VIEW("Method Not Allowed");
    case 406: return VIEW("Not Acceptable");
    case 408: return VIEW("Request Timeout");
    case 409: return VIEW("Conflict");
    case 410: return VIEW("Gone");
    case 411: return VIEW("Length Required");
    case 412: return VIEW("Precondition Failed");
    case 413: return VIEW("Content Too Large");
    case 414: return VIEW("URI Too Long");
    case 415: return VIEW("Unsupported Media Type");
    case 416: return VIEW("Range Not Satisfiable");
    case 417: return VIEW("Expectation Failed");
    case 421: return VIEW("Misdirected Request");
    case 422: return VIEW("Unprocessable Content");
    case 426: return VIEW("Upgrade Required");
    case 428: return VIEW("Precondition Required");
    case 429: return VIEW("Too Many Requests");
    case 431: return VIEW("Request Header Fields Too Large");
    case 451: return VIEW("Unavailable For Legal Reasons");
    default: return VIEW("Client Error");
    }
}

static struct view server_error_reason(unsigned status)
{
    switch (status) {
    case 500: return VIEW("Internal Server Error");
    case 501: return VIEW("Not Implemented");
    case 502: return VIEW("Bad Gateway");
    case 503: return VIEW("Service Unavailable");
    case 504: return VIEW("Gateway Timeout");
    case 505: return VIEW("HTTP Version Not Supported");
    case 507: return VIEW("Insufficient Storage");
    default: return VIEW("Server Error");
    }
}

struct view http_reason(unsigned status)
{
    switch (status / 100) {
    case 1: return status == 100 ? VIEW("Continue") : VIEW("Informational");
    case 2: return success_reason(status);
    case 3: return redirection_reason(status);
    case 4: return client_error_reason(status);
    case 5: return server_error_reason(status);
    default: panic("%u is not a status", status);
    }
}
