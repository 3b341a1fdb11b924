// source_clock: when, on our clock, something was captured whose time a publisher tells on its own. All
// tracks of one publisher share one, so what they show stays together, whatever their ways took; and it
// follows the difference of the two clocks, which drift.
//
// A time of theirs was captured at `theirs + offset`, where the offset is that of those packets that took
// least on their way, learnt over windows of SOURCE_CLOCK_WINDOW_US and followed no faster than
// SOURCE_CLOCK_STEP_US a window, so that nobody hears or sees it. Pure. One thread.
#ifndef RECORD_SOURCE_CLOCK_H
#define RECORD_SOURCE_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

#define SOURCE_CLOCK_WINDOW_US 10000000
#define SOURCE_CLOCK_STEP_US 8000    // a window: 800 ppm
#define SOURCE_CLOCK_NEW_US 30000000 // further away than that, it is another clock

struct source_clock {
    bool known;
    int64_t offset_us;
    int64_t window_least_us, window_ends_us;
};

// A packet of theirs_us came at now_us.
void source_clock_note(struct source_clock *clock, int64_t theirs_us, int64_t now_us);
int64_t source_clock_ours_us(const struct source_clock *clock, int64_t theirs_us);

// What a stream's sender reports say: the publisher's time of its time stamps. Some programs (libdatachannel,
// in OBS) say the time of sending beside the last packet's stamp, which is late by whatever they waited: so
// that report is believed which is least late in a window of REPORT_WINDOW_US. A smaller one moves the clock
// by REPORT_STEP_US at most, lest frames are heaped up; one further away than REPORT_JUMP_US is a capture
// that has stalled, and true at once.
#define REPORT_WINDOW_US 10000000
#define REPORT_STEP_US 20000
#define REPORT_JUMP_US 1000000

struct report_clock {
    bool known;
    int64_t offset_us; // of the publisher's time after the stream's
    int64_t window_least_us, window_ends_us;
};

void report_clock_note(struct report_clock *clock, int64_t stream_us, int64_t theirs_us);

#endif
