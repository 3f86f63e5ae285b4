/* Monotonic time in microseconds, and sleeping to an absolute moment of it. */
#ifndef PRECISE_TIME_H
#define PRECISE_TIME_H

#include <errno.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <time.h>

typedef int64_t micros_t;

static inline micros_t now_us(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (micros_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static inline void sleep_until_us(micros_t when) {
    struct timespec t = {.tv_sec = when / 1000000, .tv_nsec = (when % 1000000) * 1000};
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL) == EINTR) {
    }
}

/* Linux may delay a sleeping thread by 50 us to save wake-ups: not here. Per thread. */
static inline void wake_up_in_time(void) {
    prctl(PR_SET_TIMERSLACK, 1UL, 0UL, 0UL, 0UL);
}

#endif
