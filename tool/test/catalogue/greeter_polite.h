/* greeter_polite.h - a greeter whose words are a boot parameter.
 *
 * SPDX-License-Identifier: ISC */
#ifndef GREETER_POLITE_H
#define GREETER_POLITE_H

#include "base/result.h"
#include "greeter.h"
#include "parameter/parameter.h"

struct greeter_polite_parameters {
    struct view words;
};
extern const struct parameter greeter_polite_parameters[];

struct greeter_polite {
    struct greeter greeter;
    struct view words;
};

enum result greeter_polite_open(struct greeter_polite *polite,
                                const struct greeter_polite_parameters *parameters) CHECKED;
void greeter_polite_close(struct greeter_polite *polite);

#endif
