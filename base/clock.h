// clock: the one place that asks the machine for time. Everything else takes `now_us` as an argument.
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdint.h>

#define US_PER_MS UINT64_C(1000)
#define US_PER_SECOND UINT64_C(1000000)
#define TIME_NEVER UINT64_MAX // a deadline that does not come

// Microseconds since some fixed moment; never goes back.
uint64_t clock_now_us(void);

// Microseconds since 1970-01-01 UTC, as the wall clock shows it; may jump.
uint64_t clock_wall_us(void);

// Microseconds for which this thread has had a processor.
uint64_t clock_thread_us(void);

// So much time in ticks of a clock, as of RTP; where a plain product would overflow, too.
static inline uint64_t clock_ticks(uint64_t us, uint32_t rate) {
    return us / US_PER_SECOND * rate + us % US_PER_SECOND * rate / US_PER_SECOND;
}

// The 64-bit NTP timestamp (RFC 3550, section 4) of a moment in microseconds since 1970.
static inline uint64_t ntp_from_wall_us(uint64_t wall_us) {
    uint64_t seconds = wall_us / US_PER_SECOND + UINT64_C(2208988800);
    uint64_t fraction = ((wall_us % US_PER_SECOND) << 32) / US_PER_SECOND;
    return seconds << 32 | fraction;
}

#endif
