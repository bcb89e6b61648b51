/* clock.c - how fast the processor's counter runs, and what time it is.
 *
 * KVM tells both (Linux, Documentation/virt/kvm/x86/msr.rst). Under software emulation the counter
 * is measured against the timer of the local APIC, which QEMU runs at 1 GHz, and the time of day is
 * the real-time clock's (MC146818A), to the second.
 *
 * SPDX-License-Identifier: ISC */
#include "base/calendar.h"
#include "base/units.h"
#include "target/monitor/monitor.h"

#define KVM_LEAF        0x40000000u
#define KVM_FEATURES    0x40000001u
#define KVM_HAS_CLOCK   (1u << 3)
#define KVM_WALL_CLOCK  0x4b564d00
#define KVM_SYSTEM_TIME 0x4b564d01

#define LAPIC_TIMER   (LAPIC + 0x320)
#define LAPIC_CURRENT (LAPIC + 0x390)
#define MASKED        0x10000u
#define MEASURE_NS    (10 * MS_NS)

#define RTC_INDEX 0x70
#define RTC_DATA  0x71

struct kvm_time {
    uint32_t version, reserved;
    uint64_t tsc, system_ns;
    uint32_t scale; /* of the counter shifted so: 2^32 is a nanosecond */
    int8_t shift;
    uint8_t flags, reserved_2[2];
} __attribute__((packed, aligned(64)));

struct kvm_wall {
    uint32_t version, seconds, ns;
} __attribute__((aligned(64)));

static struct kvm_time kvm_time;
static struct kvm_wall kvm_wall;

struct cpuid {
    uint32_t a, b, c, d;
};

static struct cpuid ask(uint32_t leaf)
{
    struct cpuid answer;
    __asm__ volatile("cpuid"
                     : "=a"(answer.a), "=b"(answer.b), "=c"(answer.c), "=d"(answer.d)
                     : "a"(leaf), "c"(0));
    return answer;
}

/* "KVMKVMKVM" */
static bool has_kvm_clock(void)
{
    struct cpuid name = ask(KVM_LEAF);
    if (name.b != 0x4b4d564b || name.c != 0x564b4d56 || name.d != 0x4d) return false;
    return (ask(KVM_FEATURES).a & KVM_HAS_CLOCK) != 0;
}

/* False: it has not said anything. */
static bool ask_kvm(struct machine_boot *boot)
{
    if (!has_kvm_clock()) return false;
    ring0(RING0_SET_MSR, KVM_SYSTEM_TIME, (uintptr_t)&kvm_time | 1);
    ring0(RING0_SET_MSR, KVM_WALL_CLOCK, (uintptr_t)&kvm_wall);
    const struct kvm_time time = kvm_time;
    ring0(RING0_SET_MSR, KVM_SYSTEM_TIME, 0);
    if (time.version == 0 || time.scale == 0 || time.shift < -31 || time.shift > 31) return false;
    uint64_t scale = time.scale;
    boot->tsc_scale = time.shift < 0 ? scale >> -time.shift : scale << time.shift;
    boot->tsc_base = time.tsc;
    boot->wall_ns = kvm_wall.seconds * S_NS + kvm_wall.ns + time.system_ns;
    return true;
}

/* ---- without KVM ---- */

static uint64_t divide(uint64_t high, uint64_t low, uint64_t divisor)
{
    uint64_t quotient;
    __asm__("divq %3" : "=a"(quotient), "+d"(high) : "a"(low), "r"(divisor) : "cc");
    return quotient;
}

/* ns * 2^32 / ticks. */
static uint64_t measure_scale(void)
{
    register_write(LAPIC_TIMER, MASKED | VECTOR_TIMER);
    register_write(LAPIC_COUNT, UINT32_MAX);
    uint32_t first = register_read(LAPIC_CURRENT), now;
    uint64_t start = tsc_now();
    do
        now = register_read(LAPIC_CURRENT);
    while (first - now < MEASURE_NS);
    uint64_t ticks = tsc_now() - start;
    register_write(LAPIC_COUNT, 0);
    register_write(LAPIC_TIMER, VECTOR_TIMER);
    uint64_t ns = first - now;
    if (ticks == 0) refuse_to_run("its processor's counter stands still");
    return divide(ns >> 32, ns << 32, ticks);
}

static uint8_t rtc_read(uint8_t index)
{
    port_write(RTC_INDEX, index);
    return port_read(RTC_DATA);
}

static uint8_t from_bcd(uint8_t value, bool is_binary)
{
    return is_binary ? value : (uint8_t)((value >> 4) * 10 + (value & 15));
}

static struct calendar rtc_take(void)
{
    bool is_binary = (rtc_read(0x0b) & 4) != 0;
    struct calendar now = { .second = from_bcd(rtc_read(0), is_binary),
                            .minute = from_bcd(rtc_read(2), is_binary),
                            .hour = from_bcd(rtc_read(4) & 0x7f, is_binary),
                            .day = from_bcd(rtc_read(7), is_binary),
                            .month = from_bcd(rtc_read(8), is_binary) };
    now.year = (uint16_t)(2000 + from_bcd(rtc_read(9), is_binary));
    return now;
}

/* 0 where there is none: 1970. */
static uint64_t rtc_ns(void)
{
    uint64_t wall_ns = 0;
    for (unsigned tries = 0; tries < 1000 && (rtc_read(0x0a) & 0x80) != 0; tries++) {
    }
    struct calendar now = rtc_take();
    if (calendar_to_ns(&now, &wall_ns) != OK) return 0;
    return wall_ns;
}

void clock_fill(struct machine_boot *boot)
{
    if (!ask_kvm(boot)) {
        boot->tsc_scale = measure_scale();
        boot->wall_ns = rtc_ns();
        boot->tsc_base = tsc_now();
    }
    monitor_tsc_base = boot->tsc_base;
    monitor_tsc_scale = boot->tsc_scale;
}
