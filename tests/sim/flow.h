// flow: media flows through links on a virtual clock, each with a real estimator at its sender and real
// feedback from its receiver, and a competing flow like TCP. For the simulations of congestion control.
//
// A step is a millisecond; arrivals have their exact times. The harness pads as it is asked to, with packets
// of the size that is asked for, and hands frames over at once, as a forwarder does (or paced).
#ifndef TESTS_SIM_FLOW_H
#define TESTS_SIM_FLOW_H

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "rtp/cc/bandwidth.h"
#include "rtp/twcc.h"
#include "tests/sim/link.h"
#include "tests/sim/rival.h"

#define FLOWS_MAX 5
#define RIVALS_MAX 10
#define FLOW_STEP_US 1000
#define FLOW_START_US UINT64_C(5000000000)
#define FLOW_LAYERS_MAX 4
#define FLOW_WAITING_MAX 4096

enum flow_kind { FLOW_GREEDY, FLOW_LAYERS, FLOW_FIXED };
enum flow_feedback { FLOW_TWCC, FLOW_CCFB, FLOW_NO_FEEDBACK };

struct flow_config {
    enum flow_kind kind;
    enum flow_feedback feedback;
    uint32_t layers_bps[FLOW_LAYERS_MAX]; // ascending; of FLOW_FIXED the first
    unsigned layer_count;
    uint64_t demand_bps; // 0: the highest layer, or without bounds
    struct bandwidth_config bandwidth;
    uint64_t begin_us, end_us; // after the start; end 0: never
    unsigned feedback_loss_permille;
    uint32_t return_us; // of feedback
    bool no_padding;    // is not able to pad
    bool paced;         // what exceeds 20 ms of the target waits, as in rooms/media/pacer.h on a full link
    uint32_t access_us; // longer way of this flow alone, in each direction
};

struct flow_event {
    uint64_t at_us;
    uint16_t number, bytes;
    uint32_t seq;
    bool marked;
};

struct flow {
    struct flow_config config;
    struct bandwidth *bandwidth;
    struct link *link;
    struct twcc_recorder *recorder;
    uint64_t random;
    uint16_t number;
    uint64_t next_frame_us, next_audio_us, next_tick_us, next_feedback_us, idle_until_us;
    double debt_bytes; // of the source
    // What waits: bytes of frames; and what may leave
    uint32_t held_bytes;
    double room_bytes;
    uint64_t room_us;
    int layer;
    uint64_t layer_up_us;
    // On the way
    struct flow_event waiting[FLOW_WAITING_MAX];
    unsigned waiting_count;
    struct {
        uint64_t at_us;
        size_t len;
        uint8_t bytes[1500];
    } feedback[32];
    unsigned feedback_first, feedback_count;
    // RFC 8888: what came since the last report
    struct flow_event came[FLOW_WAITING_MAX];
    unsigned came_count;
    uint32_t ccfb_next;
    // What came of it
    uint64_t sent_bytes, arrived_bytes, media_bytes, padding_bytes;
    uint32_t queued_us; // of the last packet that came
    uint32_t layer_changes;
};

struct flow_world {
    uint64_t now_us;
    struct link *link; // shared
    struct flow *flows[FLOWS_MAX];
    unsigned flow_count;
    struct rival *rivals[RIVALS_MAX];
    unsigned rival_count;
};

void flow_init(struct flow *f, const struct flow_config *config, struct link *link, uint64_t seed);
void flow_done(struct flow *f);
void flow_step(struct flow *f, uint64_t now_us);
void flow_world_run(struct flow_world *world, uint64_t us);
// What a while looked like.
struct flow_figures {
    double target_bps[FLOWS_MAX], arrived_bps[FLOWS_MAX], padding_bps[FLOWS_MAX]; // means
    double target_least_bps[FLOWS_MAX], target_most_bps[FLOWS_MAX];
    double rivals_bps; // all together
    uint32_t queue_us; // the longest that stood for half a second
    uint32_t layer_changes[FLOWS_MAX];
};
void flow_world_measure(struct flow_world *world, uint64_t us, struct flow_figures *out);
static inline uint32_t flow_target(const struct flow *f) {
    return bandwidth_state(f->bandwidth).target_bps;
}

#endif
