/* run.h - a machine at work: runs until it crosses, serves it, runs again.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_TENDER_RUN_H
#define LOOM_TENDER_RUN_H

#include "tender/core.h"
#include "tender/debugger.h"
#include "tender/devices.h"
#include "tender/stop.h"
#include "tender/times.h"
#include "tender/vcpu.h"

struct run {
    struct vcpu *vcpu;
    struct devices *devices;
    struct stop *stop;
    struct machine_boot *boot;    /* in the guest's memory */
    struct machine_range image;   /* as it was laid out */
    uint64_t tsc_base, tsc_scale; /* of the guest's clock: machine.h */
    uint64_t crossings;
    uint64_t told_wall_ns;     /* when the guest was last told the wall clock, by its own clock */
    struct debugger *debugger; /* NULL: there is none */
    struct core *core;         /* NULL: none is wanted */
    struct times *times;       /* NULL: nobody asks */
    struct guest_pages pages;  /* with `times` */
};

/* Gives the guest its clocks, which begin now. */
void run_set_clock(struct run *run);

/* Until the machine ends; returns the status for the process. */
int run_machine(struct run *run);

#endif
