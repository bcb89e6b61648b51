/* sanitizer.h - whether this build has the address sanitizer, in one spelling for gcc and clang.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_SANITIZER_H
#define LOOM_SANITIZER_H

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SANITIZED_ADDRESS 1
#endif
#endif

#if defined(__SANITIZE_ADDRESS__)
#define SANITIZED_ADDRESS 1
#endif

#if !defined(SANITIZED_ADDRESS)
#define SANITIZED_ADDRESS 0
#endif

/* For code that reads memory which does not belong to it: stacks in a backtrace or a census. */
#define NO_ADDRESS_CHECKS __attribute__((no_sanitize("address")))

#endif
