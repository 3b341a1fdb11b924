// Who sends, or gets, more than is allowed (rooms/media_limits.h): told in the log when it begins, and
// then once in a while for as long as it lasts, not for each packet.
#include "server/media/worker_internal.h"

#include "base/clock.h"
#include "base/log.h"

#define TOLD_EVERY_US (60 * US_PER_SECOND)

// How many there are to tell of now; 0: nothing new, or it was told of just before.
static uint64_t spending_due(struct worker_spending *s, uint64_t total, uint64_t now_us) {
    if (total == s->told || (s->told_us != 0 && now_us < s->told_us + TOLD_EVERY_US))
        return 0;
    uint64_t due = total - s->told;
    s->told = total;
    s->told_us = now_us;
    return due;
}

void worker_budget_tell(struct worker *w, uint64_t now_us) {
    const struct forwarder_counters *fw = forwarder_counters(w->fw);
    uint64_t packets = spending_due(&w->producers_over, fw->over_budget, now_us);
    if (packets > 0)
        LOG_WARN("a producer sends more than it may: what is too much is dropped",
                 LOG_NUMBER("worker", w->index), LOG_NUMBER("producer_number", fw->spender.v),
                 LOG_NUMBER("packets", packets));
    packets = spending_due(&w->transports_over, fw->egress_over_budget, now_us);
    if (packets > 0)
        LOG_WARN("a transport gets more than transport-bitrate-max: what is too much is left out",
                 LOG_NUMBER("worker", w->index), LOG_NUMBER("transport_number", fw->taker.v),
                 LOG_NUMBER("packets", packets));
}
