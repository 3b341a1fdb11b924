// prober: short bursts at a higher rate that show whether there is more room than what is sent shows. Pure;
// owned by one struct bandwidth.
//
// One cluster is under way at a time: a rate for a while, made of whatever is sent meanwhile and of padding.
// It is judged, as soon as its last packet has been told of, by the rates at which what came of it was sent
// and did come. When that was as fast as it was sent, the next one follows at once at twice the rate; when it
// was slower, the link is full there. Half of it may be lost, which says nothing either way; of a cluster
// that lost more without a sign of a full link, another one goes out. Clusters begin at the start, on a new
// path, some seconds after a drop, and every few seconds while more is wanted than the target.
#ifndef RTP_CC_PROBER_H
#define RTP_CC_PROBER_H

#include <stdbool.h>
#include <stdint.h>

#define PROBER_REPEATS_MAX 3 // in a row, after which it is looked for as usual; each twice as long
#define PROBER_RETRIES_MAX 2 // of clusters that were lost

struct probe_cluster {
    uint8_t id; // 1..255; 0: none
    bool sending, peeks, strict;
    bool paused; // a machine stopped while it was on its way
    uint32_t rate_bps, want_bytes;
    uint16_t want_packets, packet_bytes;
    uint64_t begun_us; // when it was asked for first; 0: not yet
    uint64_t deadline_us;
    // As sent, and of it what was acknowledged, what is said to be lost, and what the feedback was lost about
    uint32_t sent_bytes, acked_bytes, untold_bytes;
    uint16_t sent_packets, acked_packets, lost_packets, untold_packets;
    uint64_t first_sent_us, last_sent_us; // of the acknowledged
    uint16_t last_bytes;                  // of the last that was sent
    // When they came, and when they were sent, over how much had come until then: sums for straight lines, in
    // seconds and kilobytes
    int64_t origin_us;
    uint64_t origin_sent_us;
    float sum_x, sum_xx, sum_y, sum_xy, sum_z, sum_xz;
};

struct prober {
    struct probe_cluster cluster;
    uint8_t last_id;
    uint8_t start_steps;  // clusters of the start that are still to come
    uint64_t next_us;     // no new cluster before; 0: at once
    uint32_t further_bps; // the next cluster, at once; 0: none
    uint64_t sent_us;     // when the last cluster was sent whole; 0: never
    bool saturated;       // the last one that was judged filled the link
    uint8_t hurried;      // so many in a row came much faster than they were sent
    uint8_t retries;      // so many in a row were lost
};

// What a cluster is planned by.
struct probe_wish {
    uint32_t target_bps, want_bps; // want: what there is use for
    uint32_t
        peek_bps; // at least so fast, to see whether the link has become another; 0: nothing is known of it
    bool peeks;   // that alone is to be seen
    uint32_t start_bps;
    float jitter_ms;
    bool application; // less is sent than the target: there is room for a long cluster
    bool steps; // or somewhat less, without a sign of a queue for long, over radio that sends in batches: the
                // same
    bool strict;  // the link has been full: what looks like it is believed
    bool renewed; // it is another link since lately, and how fast is to be found soon
    bool held;    // the link is full, or nothing is heard
    bool blind;   // no packet is acknowledged: long and little above the target, for the receiver to see
};

struct probe_result {
    uint32_t bps; // 0: nothing that can be used
    bool saturated;
    bool peeks;   // as wished
    bool hurried; // it came much faster than it was sent, as what waits together for something else: it says
                  // nothing
    bool lost;    // too little came to say anything
};

void prober_init(struct prober *p, uint64_t now_us);
void prober_restart(struct prober *p, uint64_t now_us);    // as at the start
void prober_postpone(struct prober *p, uint64_t until_us); // and what is under way ends
void prober_hasten(struct prober *p, uint64_t until_us);   // the next one is due then
// The last one says nothing certain: soon again, the n-th time in a row; 1..PROBER_REPEATS_MAX.
void prober_repeat(struct prober *p, unsigned n, uint64_t now_us);
void prober_plan(struct prober *p, const struct probe_wish *wish, uint64_t now_us);
uint32_t prober_wanted_bytes(struct prober *p, uint64_t now_us); // now, of the cluster under way
// A packet leaves: the id of the cluster that it belongs to, or 0.
uint8_t prober_sent(struct prober *p, uint16_t bytes, uint64_t now_us);
void prober_acked(struct prober *p, uint8_t id, uint16_t bytes, uint64_t sent_us, int64_t arrival_us);
// The packet that is acknowledged next waited for a machine that had stopped.
void prober_paused(struct prober *p, uint8_t id);
void prober_lost(struct prober *p, uint8_t id);                   // it is told that it has not come,
void prober_revoke_loss(struct prober *p, uint8_t id);            // and that it has after all
void prober_untold(struct prober *p, uint8_t id, uint16_t bytes); // what was told of it is lost,
void prober_told(struct prober *p, uint8_t id, uint16_t bytes);   // or came late
// At the end of each feedback: true when the cluster is judged.
bool prober_judge(struct prober *p, uint64_t now_us, struct probe_result *result);

#endif
