// delay_trend: whether a queue grows on the way, from when packets were sent and when they came
// (draft-ietf-rmcat-gcc, section 5.2 to 5.4). Pure; owned by one struct bandwidth.
//
// Packets that were sent within 5 ms are a group. What counts of a group is the packet that took least: an
// SFU sends a frame at once, and what its last packet waits for its first ones is not a queue that stands.
// A line through the smoothed delays of the last groups gives the slope, a threshold that adapts says which
// slope is more than noise; and an overuse must show in the delay itself, against the least of the last two
// minutes, so that jitter alone is none.
#ifndef RTP_CC_DELAY_TREND_H
#define RTP_CC_DELAY_TREND_H

#include "rtp/cc/min_window.h"

#include <stdbool.h>

#define DELAY_GROUPS 20

enum delay_signal { DELAY_NORMAL, DELAY_OVERUSE, DELAY_UNDERUSE };

// How much delays go up and down: each against the line through the one before and the one after, so that a
// queue that grows or falls steadily is none of it.
struct delay_bend {
    uint64_t begun_us; // when the first of the group in the making was sent
    int32_t lowest_us; // of it
    int32_t before_us[2];
    uint8_t count;
    float ms; // the mean of it
};

// Packets that were sent one after the other and come at once, as radio sends them.
struct delay_batch {
    bool started;
    int64_t arrival_us, before_us; // of the batch that comes now, and of the one before it
    uint64_t sent_us;              // its first
    uint32_t sent_span_us;
    float ms; // the mean distance of batches; what comes alone counts as none
};

struct delay_trend {
    bool started, group_open;
    int64_t origin_us; // arrival minus sending of the first packet: delays are against it
    int32_t delay_us;  // of the last packet
    // The group in the making
    uint64_t group_sent_us; // its first
    int32_t group_delay_us; // its least
    // The groups before it
    uint64_t last_sent_us;
    float last_arrival_ms; // on the clock of the line
    uint64_t clock_start_us;
    struct {
        float arrival_ms, delay_ms;
    } line[DELAY_GROUPS];
    uint8_t line_count, line_next;
    uint16_t groups; // up to 1000
    float smoothed_ms;
    float threshold, slope_before;
    float over_ms; // how long the slope has been too much; negative: it is not
    uint8_t over_count;
    enum delay_signal signal;
    struct min_window base, lately;
    int64_t newest_us;  // arrival of the newest packet, on our clock, but for what the first one took
    int64_t stalled_us; // the end of the last pause in which nothing came and what was sent waited, on the
                        // same clock; 0: there was none
    uint32_t paused_us; // so long the last packet waited for the end of such a pause; 0: it did not
    struct delay_batch batch;
    struct delay_bend bursts, floors; // of the first packets of bursts; of the least of 40 ms
};

void delay_trend_reset(struct delay_trend *trend);
// A packet that has come; sent_us on our clock, arrival_us on theirs.
void delay_trend_add(struct delay_trend *trend, uint64_t sent_us, int64_t arrival_us, uint64_t now_us);
// The fastest of many that have come, while nothing but a queue is looked for: no line is drawn, and the next
// one begins anew.
void delay_trend_note(struct delay_trend *trend, uint64_t sent_us, int64_t arrival_us, uint64_t now_us);
// Of those that came in a row, before that: whether the first one has waited for a machine.
void delay_trend_note_pause(struct delay_trend *trend, uint64_t first_sent_us, int64_t first_arrival_us,
                            uint64_t last_sent_us, int64_t last_arrival_us);
// How long the last packet took and how long the fastest one lately, against the same.
static inline int32_t delay_trend_delay_us(const struct delay_trend *trend) {
    return trend->delay_us;
}
static inline int32_t delay_trend_base_us(const struct delay_trend *trend) {
    return min_window_lowest(&trend->base, MIN_WINDOW_BUCKETS);
}
enum delay_signal delay_trend_signal(const struct delay_trend *trend);
// How much longer the fastest packets of the last moments took than the fastest lately.
uint32_t delay_trend_queue_us(const struct delay_trend *trend);
// Nothing came for a while, and then what had been sent meanwhile: whoever passes it on, or reads it, had
// stopped. A link that has become narrow lets packets through all the time, and one that let none through for
// so long was empty. So what seems to be a queue is none until a moment after the end of the pause; if it
// stands longer, it is.
bool delay_trend_stalled(const struct delay_trend *trend);
// That happens, or did some seconds ago.
bool delay_trend_stalls(const struct delay_trend *trend);
// How long the packet that was added last waited for the end of such a pause; 0: it did not.
static inline uint32_t delay_trend_paused_us(const struct delay_trend *trend) {
    return trend->paused_us;
}
// What of delays is no queue: of packets, and of the fastest of a few.
float delay_trend_jitter_ms(const struct delay_trend *trend);
// How much of the jitter is that packets come in batches.
float delay_trend_batch_ms(const struct delay_trend *trend);
float delay_trend_noise_ms(const struct delay_trend *trend);

#endif
