/*
 * clock.h - the two clocks of a real process.  The simulator never calls these; what must be
 * simulated takes its time from struct env.
 */
#ifndef AIRLOCK_BASE_CLOCK_H
#define AIRLOCK_BASE_CLOCK_H

#include <stddef.h>
#include <stdint.h>

/* CLOCK_BOOTTIME: durations and deadlines; goes on while the machine sleeps. */
int64_t clock_now_ms(void);
int64_t clock_now_us(void);
/* Wall clock, UTC, "2026-11-25T01:30:26.123Z": for people and the journal, never for decisions. */
#define CLOCK_STAMP_BYTES 32
void clock_stamp(char ret[CLOCK_STAMP_BYTES]);
/* An instant in seconds of the wall clock for people, "2026-11-25 01:30:26Z"; returns ret. */
const char *clock_date(int64_t s, char ret[CLOCK_STAMP_BYTES]);

#endif
