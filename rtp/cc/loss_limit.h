// loss_limit: what rate the losses allow. Pure; owned by one struct bandwidth.
//
// Loss has two causes that need opposite answers: a link that loses a share of whatever is sent (radio), and
// one that drops what is above its rate. Both are fitted to the last observations of a quarter of a second,
// each with its rate and its loss: a share that is the same at every rate, and a limit above which everything
// is lost. The limit counts only where it explains clearly more, or where more is lost than radio loses. It
// never goes below what arrives.
#ifndef RTP_CC_LOSS_LIMIT_H
#define RTP_CC_LOSS_LIMIT_H

#include <stdbool.h>
#include <stdint.h>

#define LOSS_OBSERVATIONS 16
#define LOSS_NO_LIMIT UINT32_MAX

struct loss_observation {
    float packets, lost;
    float rate_bps;
};

struct loss_count {
    uint32_t packets, lost, bytes;
    uint64_t first_sent_us, last_sent_us;
};

struct loss_limit {
    struct loss_observation seen[LOSS_OBSERVATIONS]; // [n % LOSS_OBSERVATIONS]
    uint32_t count;
    // The one in the making, and the one before it, which waits for what comes late
    struct loss_count open, waiting;
    float loss;          // weighted share of the last second or two
    float inherent;      // of it, what the link loses at every rate
    uint32_t limit_bps;  // or LOSS_NO_LIMIT
    bool certain;        // the last observations speak for it
    uint64_t limited_us; // when it was last lowered or raised
};

void loss_limit_reset(struct loss_limit *l);
void loss_limit_add(struct loss_limit *l, uint32_t bytes, uint64_t sent_us, bool lost);
// So many that all came.
void loss_limit_add_all(struct loss_limit *l, unsigned packets, uint32_t bytes, uint64_t first_sent_us,
                        uint64_t last_sent_us);
void loss_limit_revoke(struct loss_limit *l, uint64_t sent_us); // what was told to be lost came after all
// At the end of each feedback. acked_bps: what arrives, 0: not known; target_bps: what is allowed otherwise.
void loss_limit_update(struct loss_limit *l, uint32_t acked_bps, uint32_t target_bps, uint64_t now_us);

#endif
