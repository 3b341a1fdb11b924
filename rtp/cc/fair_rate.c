#include "rtp/cc/fair_rate.h"

#include <math.h>

#define PACKET_BITS (1400.0f * 8) // of theirs, about
#define BEGUN 2                   // intervals that stand for what was before
#define CERTAIN_US 60000          // a packet that is later than this is lost
#define RTT_MIN_US 10000
#define TIMEOUT_RTTS 4.0f // RFC 5348, 3.1: t_RTO = 4 * R
#define CUBIC 0.7f // where RFC 9438, 5.1, has 1.054: among flows that are not CUBIC it would be too much
#define CUBIC_SHARE_MAX 0.05f // more is no deep queue
#define FLOWS 1.25f // that we count for: layers go up by steps, and what does not fit a step is theirs
#define SHARE_MAX 1.0f
#define SHARE_MIN 1e-6f

static float rtt_seconds(uint32_t rtt_us) {
    return (float)(rtt_us > RTT_MIN_US ? rtt_us : RTT_MIN_US) / 1e6f;
}

// RFC 5348, 3.1, b = 1; and RFC 9438, 5.1, for what most downloads are, where the round trip is long.
static float equation_bps(float share, float rtt_s) {
    share = fminf(fmaxf(share, SHARE_MIN), SHARE_MAX);
    float timeouts = TIMEOUT_RTTS * 3 * sqrtf(3 * share / 8) * share * (1 + 32 * share * share);
    float reno = 1 / (sqrtf(2 * share / 3) + timeouts), cubic = CUBIC * powf(rtt_s / share, 0.75f);
    return PACKET_BITS / rtt_s * (share < CUBIC_SHARE_MAX ? fmaxf(reno, cubic) : reno);
}

// RFC 5348, 6.3.1: the interval that gives this rate, by halving the range of its logarithm.
static float interval_of(float bps, float rtt_s) {
    float low = 1, high = 1 / SHARE_MIN;
    while (high > low * 1.05f) {
        float middle = sqrtf(low * high);
        if (FLOWS * equation_bps(1 / middle, rtt_s) < bps)
            low = middle;
        else
            high = middle;
    }
    return low;
}

void fair_rate_begin(struct fair_rate *f, float bps, uint32_t rtt_us, uint64_t now_us) {
    *f = (struct fair_rate){.count = BEGUN, .event_us = now_us};
    for (unsigned i = 0; i < BEGUN; i++)
        f->intervals[i] = interval_of(bps, rtt_seconds(rtt_us));
}

void fair_rate_revoke(struct fair_rate *f) {
    if (f->suspects > 0)
        f->suspects--;
}

static void interval_close(struct fair_rate *f) {
    for (unsigned i = FAIR_INTERVALS - 1; i > 0; i--)
        f->intervals[i] = f->intervals[i - 1];
    f->intervals[0] = fmaxf(f->open, 1);
    f->open = 0;
    if (f->count < FAIR_INTERVALS)
        f->count++;
}

bool fair_rate_feedback(struct fair_rate *f, unsigned came, unsigned lost, uint32_t rtt_us, uint64_t now_us) {
    bool certain = f->suspects > 0 && now_us - f->suspected_us >= CERTAIN_US;
    bool event = certain && (f->event_us == 0 || now_us - f->event_us >= rtt_us);
    if (event) {
        interval_close(f);
        f->event_us = now_us;
    }
    if (certain)
        f->suspects = 0;
    if (f->suspects == 0)
        f->suspected_us = now_us;
    f->suspects += lost;
    f->open += (float)(came + lost);
    return event;
}

// RFC 5348, 5.4: with the open interval, and without it.
float fair_rate_bps(const struct fair_rate *f, uint32_t rtt_us) {
    static const float weights[FAIR_INTERVALS] = {1, 1, 1, 1, 0.8f, 0.6f, 0.4f, 0.2f};
    float with = f->open, without = 0, weight_with = 1, weight_without = 0;
    if (f->count == 0)
        return 0;
    for (unsigned i = 0; i < f->count; i++) {
        without += weights[i] * f->intervals[i];
        weight_without += weights[i];
        if (i + 1 < FAIR_INTERVALS) {
            with += weights[i + 1] * f->intervals[i];
            weight_with += weights[i + 1];
        }
    }
    float mean = fmaxf(with / weight_with, without / weight_without);
    return FLOWS * equation_bps(1 / fmaxf(mean, 1), rtt_seconds(rtt_us));
}
