/* report_sanitizer.h - a word more when the address sanitizer ends the process; nothing in other
 * builds.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_SIM_REPORT_SANITIZER_H
#define LOOM_SIM_REPORT_SANITIZER_H

#include "base/sanitizer.h"

#if SANITIZED_ADDRESS

#include <sanitizer/common_interface_defs.h>

static inline void report_at_death(void (*say)(void))
{
    __sanitizer_set_death_callback(say);
}

#else

static inline void report_at_death(void (*say)(void))
{
    (void)say;
}

#endif

#endif
