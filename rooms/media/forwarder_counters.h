// forwarder_counters: what a forwarder counts. A row here is all that a new counter needs besides the line
// that counts: it becomes a member of struct forwarder_counters and of struct media_counters
// (server/media/media.h), is copied from the one to the other, and printed by /metrics; docs/operations.md
// explains it.
#ifndef ROOMS_FORWARDER_COUNTERS_H
#define ROOMS_FORWARDER_COUNTERS_H

#include "rooms/media_msg.h"

#include <stdint.h>

// X(member, type of the metric, its name, its help)
#define FORWARDER_COUNTERS(X)                                                                                \
    X(rtp_in, "counter", "rotunda_rtp_received_total", "RTP packets received.")                              \
    X(rtp_out, "counter", "rotunda_rtp_sent_total", "RTP packets sent.")                                     \
    X(rtcp_in, "counter", "rotunda_rtcp_received_total", "RTCP packets received.")                           \
    X(rtcp_out, "counter", "rotunda_rtcp_sent_total", "RTCP packets sent.")                                  \
    X(nack_in, "counter", "rotunda_nacks_received_total", "NACK messages from receivers.")                   \
    X(nack_out, "counter", "rotunda_nacks_sent_total", "NACK messages to publishers.")                       \
    X(nacked_packets_in, "counter", "rotunda_nacked_packets_total",                                          \
      "Packets that receivers asked for again.")                                                             \
    X(retransmitted, "counter", "rotunda_retransmitted_packets_total", "Packets sent again.")                \
    X(pli_in, "counter", "rotunda_plis_received_total", "Key frame requests (PLI, FIR) from receivers.")     \
    X(pli_out, "counter", "rotunda_plis_sent_total", "Key frame requests (PLI, FIR) to publishers.")         \
    X(key_frames_in, "counter", "rotunda_key_frames_total", "Key frames received.")                          \
    X(relayed_out, "counter", "rotunda_relayed_packets_total",                                               \
      "Packets given to another worker of their room.")                                                      \
    X(downlink_halts, "counter", "rotunda_downlink_halts_total",                                             \
      "Streams to receivers that halted because nothing of them was acknowledged any more.")                 \
    X(shed_level, "gauge", "rotunda_worker_shed_level",                                                      \
      "How much video is left out because the worker is full: 0 none, 32 all.")                              \
    X(shed_consumers, "gauge", "rotunda_worker_shed_consumers",                                              \
      "Video consumers that get less or nothing because the worker is full.")

// What the links of receiving transports carry, each of them counted every LINK_OBSERVE_US: histograms, since
// one series a transport would be too many.
#define LINK_OBSERVE_US 10000000
#define LINK_BUCKETS 14
// Upper bounds in kbit/s; the last bucket has none.
#define LINK_BUCKET_KBPS {100, 200, 350, 500, 750, 1000, 1500, 2500, 4000, 6000, 10000, 20000, 50000}
struct link_histogram {
    uint64_t buckets[LINK_BUCKETS]; // each its own, not those below
    uint64_t sum_bps;
};
struct link_counters {
    struct link_histogram estimate, target, sent;
    uint64_t reasons[LINK_REASONS];
};
void link_histogram_add(struct link_histogram *histogram, uint64_t bps); // congestion.c

struct forwarder_counters {
    struct link_counters links;
#define FORWARDER_MEMBER(member, ...) uint64_t member;
    FORWARDER_COUNTERS(FORWARDER_MEMBER)
#undef FORWARDER_MEMBER
    // For this thread alone.
    uint64_t nacked_packets_out, relayed_in, no_block;
    uint64_t over_budget;                     // packets of producers that send more than they may
    uint64_t egress_over_budget;              // not sent, because their transport gets more than it may
    struct producer_id spender;               // the last one of the former
    struct transport_id taker;                // and of the latter
    uint32_t endpoints, producers, consumers; // now
};

#endif
