#include "rtp/round_trip.h"

#include "base/clock.h"

uint64_t round_trip_ask(struct round_trip *rt, uint64_t now_us) {
    if (rt->vain >= ROUND_TRIP_VAIN && rt->skipped + 1 < ROUND_TRIP_SELDOM) {
        rt->skipped++;
        return 0;
    }
    uint64_t ntp = ntp_from_wall_us(now_us); // any clock will do: RFC 3611, 4.4
    rt->skipped = 0;
    if (rt->vain < ROUND_TRIP_VAIN)
        rt->vain++;
    rt->asked[rt->next].mid = (uint32_t)(ntp >> 16);
    rt->asked[rt->next].at_us = now_us;
    rt->next = (uint8_t)((rt->next + 1u) % ROUND_TRIP_ASKED);
    return ntp;
}

// A quarter of what is new, and of how far it was off (as RFC 6298, section 2).
static void round_trip_smooth(uint32_t *us, uint32_t *deviation, uint32_t sample_us) {
    if (*us == 0) {
        *us = sample_us ? sample_us : 1;
        *deviation = sample_us / 2;
        return;
    }
    int64_t off = (int64_t)sample_us - *us, away = off < 0 ? -off : off;
    *deviation = (uint32_t)((int64_t)*deviation + (away - (int64_t)*deviation) / 4);
    *us = (uint32_t)((int64_t)*us + off / 4);
    if (*us == 0)
        *us = 1;
}

bool round_trip_told(struct round_trip *rt, const struct rtcp_dlrr_item *item, uint64_t now_us) {
    if (item->last_rr == 0)
        return false;
    for (unsigned i = 0; i < ROUND_TRIP_ASKED; i++) {
        if (rt->asked[i].mid != item->last_rr)
            continue;
        uint64_t delay_us = (uint64_t)item->delay_since_rr * US_PER_SECOND >> 16;
        uint64_t us = now_us - rt->asked[i].at_us - delay_us;
        if (us > ROUND_TRIP_OLD_US) // also what would be negative
            return false;
        round_trip_smooth(&rt->told_us, &rt->told_deviation, (uint32_t)us);
        rt->told_at_us = now_us;
        rt->vain = 0;
        return true;
    }
    return false;
}

void round_trip_answered(struct round_trip *rt, uint32_t us, bool first) {
    if (us > ROUND_TRIP_OLD_US)
        return;
    if (!first && rt->unclear < UINT8_MAX)
        rt->unclear++;
    if (first)
        rt->unclear = 0;
    // Karn's ambiguity: some are lost; but when none is clear any more, we ask before answers can be there.
    bool counts = first || rt->answer_us == 0 || (rt->unclear >= ROUND_TRIP_UNCLEAR && us > rt->answer_us);
    if (counts)
        round_trip_smooth(&rt->answer_us, &rt->answer_deviation, us);
}

static bool round_trip_is_told(const struct round_trip *rt, uint64_t now_us) {
    return rt->told_us != 0 && now_us - rt->told_at_us < ROUND_TRIP_OLD_US;
}

uint32_t round_trip_us(const struct round_trip *rt, uint64_t now_us) {
    return round_trip_is_told(rt, now_us) ? rt->told_us : rt->answer_us;
}

uint32_t round_trip_retry_us(const struct round_trip *rt, uint64_t now_us) {
    bool told = round_trip_is_told(rt, now_us);
    uint64_t us = round_trip_us(rt, now_us);
    if (us == 0)
        return ROUND_TRIP_UNKNOWN_US;
    uint64_t slack_us = 2 * (uint64_t)(told ? rt->told_deviation : rt->answer_deviation);
    if (slack_us < us / 16)
        slack_us = us / 16;
    if (slack_us > us)
        slack_us = us;
    us += slack_us + ROUND_TRIP_PATIENCE_US;
    if (us < ROUND_TRIP_RETRY_MIN_US)
        return ROUND_TRIP_RETRY_MIN_US;
    return us > ROUND_TRIP_RETRY_MAX_US ? ROUND_TRIP_RETRY_MAX_US : (uint32_t)us;
}
