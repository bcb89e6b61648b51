/* http_negotiate.c - weighs the codings of Accept-Encoding; see http_negotiate.h.
 *
 * SPDX-License-Identifier: ISC */
#include "http_pages/http_negotiate.h"

/* Weights in thousandths, as RFC 9110 12.4.2 writes them: at most three decimals. */
#define WEIGHT_ONE   1000
#define WEIGHT_UNSET -1

struct weights {
    int of[KV_CODINGS];
    int of_others; /* "*" */
};

struct view http_coding_name(enum kv_coding coding)
{
    switch (coding) {
    case KV_GZIP: return VIEW("gzip");
    case KV_BROTLI: return VIEW("br");
    default: return VIEW("identity");
    }
}

/* "0", "0.5", "0.123", "1", "1.000" */
static int read_weight(struct view text)
{
    int weight = 0, digit_is_worth = WEIGHT_ONE / 10;
    if (view_is_empty(text) || text.length_bytes > 5) return 0;
    if (text.bytes[0] != '0' && text.bytes[0] != '1') return 0;
    weight = text.bytes[0] == '1' ? WEIGHT_ONE : 0;
    if (text.length_bytes > 1 && text.bytes[1] != '.') return 0;
    for (size_t i = 2; i < text.length_bytes; i++) {
        if (text.bytes[i] < '0' || text.bytes[i] > '9') return 0;
        weight += (text.bytes[i] - '0') * digit_is_worth;
        digit_is_worth /= 10;
    }
    return weight <= WEIGHT_ONE ? weight : 0;
}

/* ";q=0.5" behind a coding; other parameters have no meaning here. */
static int weight_of(struct view parameters)
{
    while (!view_is_empty(parameters)) {
        struct view value;
        struct view name = view_trim(view_cut(view_cut(parameters, ';', &parameters), '=', &value));
        if (view_equal_ignoring_case(name, VIEW("q"))) return read_weight(view_trim(value));
    }
    return WEIGHT_ONE;
}

static int *weight_named(struct weights *weights, struct view name)
{
    if (view_equal(name, VIEW("*"))) return &weights->of_others;
    if (view_equal_ignoring_case(name, VIEW("x-gzip"))) return &weights->of[KV_GZIP];
    for (enum kv_coding coding = KV_IDENTITY; coding < KV_CODINGS; coding++)
        if (view_equal_ignoring_case(name, http_coding_name(coding))) return &weights->of[coding];
    return NULL;
}

static void read_list(struct weights *weights, struct view list)
{
    while (!view_is_empty(list)) {
        struct view parameters;
        struct view name = view_trim(view_cut(view_cut(list, ',', &list), ';', &parameters));
        int *weight = weight_named(weights, name);
        if (weight != NULL) *weight = weight_of(parameters);
    }
}

/* What was not named weighs as "*" does; without that, only identity is accepted, and comes last.
 */
static int weight_for(const struct weights *weights, enum kv_coding coding)
{
    if (weights->of[coding] != WEIGHT_UNSET) return weights->of[coding] * 2;
    if (weights->of_others != WEIGHT_UNSET) return weights->of_others * 2;
    return coding == KV_IDENTITY ? 1 : 0;
}

static bool read_weights(const struct http_request *request, struct weights *weights)
{
    bool found = false;
    *weights = (struct weights){ { WEIGHT_UNSET, WEIGHT_UNSET, WEIGHT_UNSET }, WEIGHT_UNSET };
    static_assert(KV_CODINGS == 3, "one initialiser a coding");
    for (size_t i = 0; i < request->field_count; i++) {
        if (!view_equal_ignoring_case(request->fields[i].name, VIEW("Accept-Encoding"))) continue;
        read_list(weights, request->fields[i].value);
        found = true;
    }
    return found;
}

enum result http_negotiate_coding(const struct http_request *request, unsigned available,
                                  enum kv_coding *coding)
{
    struct weights weights;
    int best = 0;
    *coding = KV_IDENTITY;
    if (!read_weights(request, &weights)) return OK;
    for (enum kv_coding each = KV_IDENTITY; each < KV_CODINGS; each++) {
        if ((available & 1u << each) == 0) continue;
        int weight = weight_for(&weights, each);
        if (weight == 0 || weight < best) continue;
        best = weight;
        *coding = each;
    }
    return best > 0 ? OK : NOT_FOUND;
}
