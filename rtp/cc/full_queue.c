#include "rtp/cc/full_queue.h"

#define STEP_US 40 // of the quantile: nine times as much up
#define STEPS_UP 9
#define WARM_PACKETS 200 // until which nothing is known
#define WARM_STEPS 8
#define DELAY_MAX_US (1 << 30) // a liar's
#define LONG_MIN_US 12000      // above the fastest: less is no queue
#define LONG_PERCENT 90
#define SHARE_GAIN (1.0f / 16)
#define SHARE_WHY 0.8f

void full_queue_lost(struct full_queue *q) {
    q->gap = q->known;
}

static bool gap_is_full(const struct full_queue *q, int32_t delay_us, int32_t base_us) {
    int64_t most = (int64_t)(q->before_us > delay_us ? q->before_us : delay_us) - base_us;
    int64_t longest = (int64_t)q->long_us - base_us;
    return longest >= LONG_MIN_US && most * 100 >= longest * LONG_PERCENT;
}

bool full_queue_came(struct full_queue *q, int32_t delay_us, int32_t base_us) {
    delay_us = delay_us > DELAY_MAX_US ? DELAY_MAX_US : delay_us < -DELAY_MAX_US ? -DELAY_MAX_US : delay_us;
    if (!q->known)
        *q = (struct full_queue){.known = true, .long_us = delay_us};
    bool warm = q->seen == WARM_PACKETS, full = q->gap && warm && gap_is_full(q, delay_us, base_us);
    if (q->gap && warm)
        q->share += ((full ? 1.0f : 0.0f) - q->share) * SHARE_GAIN;
    q->gap = false;
    q->before_us = delay_us;
    int32_t step_us = warm ? STEP_US : STEP_US * WARM_STEPS;
    q->long_us += delay_us > q->long_us ? step_us * STEPS_UP : -step_us;
    q->seen += !warm;
    return full;
}

bool full_queue_is_why(const struct full_queue *q) {
    return q->share >= SHARE_WHY;
}
