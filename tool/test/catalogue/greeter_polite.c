/* greeter_polite.c - a greeter whose words are a boot parameter.
 *
 * SPDX-License-Identifier: ISC */
#include "greeter_polite.h"

#include "base/units.h"
#include "base/writer.h"

const struct parameter greeter_polite_parameters[] = {
    PARAMETER_TEXT(struct greeter_polite_parameters, words, "words", "Good day", "how to greet"),
    PARAMETER_END,
};

static struct view greeter_polite_greet(struct greeter *greeter, struct span room, struct view whom)
{
    struct greeter_polite *polite = CONTAINER_OF(greeter, struct greeter_polite, greeter);
    return format(room, "%.*s, %.*s\n", VIEW_FORMAT(polite->words), VIEW_FORMAT(whom));
}

static const struct greeter_ops greeter_polite_ops = { .greet = greeter_polite_greet };

enum result greeter_polite_open(struct greeter_polite *polite,
                                const struct greeter_polite_parameters *parameters)
{
    *polite = (struct greeter_polite){
        .greeter = { .ops = &greeter_polite_ops },
        .words = parameters->words,
    };
    return OK;
}

void greeter_polite_close(struct greeter_polite *polite)
{
    (void)polite;
}
