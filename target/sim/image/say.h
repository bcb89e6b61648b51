/* say.h - how the images of the simulator's tests speak: a line on the console.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_SIM_IMAGE_SAY_H
#define LOOM_SIM_IMAGE_SAY_H

#include "base/writer.h"
#include "target/console.h"

#define SAY_BYTES_MAX 300

__attribute__((format(printf, 1, 2))) static inline void say(const char *words, ...)
{
    uint8_t room[SAY_BYTES_MAX];
    struct writer writer = writer_over(SPAN_OF(room));
    __builtin_va_list arguments;
    __builtin_va_start(arguments, words);
    writer_format_list(&writer, words, arguments);
    __builtin_va_end(arguments);
    console_write(writer_view(&writer));
}

#endif
