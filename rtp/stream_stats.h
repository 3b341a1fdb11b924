// stream_stats: counts, loss, jitter and bit rate of one RTP stream (RFC 3550, appendix A.1, A.3, A.8). Pure;
// plain structs.
#ifndef RTP_STREAM_STATS_H
#define RTP_STREAM_STATS_H

#include "rtp/rtcp_read.h"

#include <stdbool.h>
#include <stdint.h>

// Bits per second over the last RATE_WINDOW_US in RATE_BUCKETS steps.
#define RATE_BUCKETS 10
#define RATE_WINDOW_US 1000000
struct rate_meter {
    uint64_t newest; // bucket number
    uint32_t bytes[RATE_BUCKETS];
};
void rate_meter_add(struct rate_meter *meter, uint32_t bytes, uint64_t now_us);
uint32_t rate_meter_bps(const struct rate_meter *meter, uint64_t now_us);

struct receive_stats {
    bool started;
    uint32_t clock_rate;
    uint64_t base_seq, highest_seq; // unwrapped
    uint64_t packets, bytes, discarded, repaired, duplicates;
    uint64_t received;                       // since base_seq
    uint64_t lost_before;                    // before the source began anew
    uint32_t restarts;                       // how often it did
    uint32_t bad_seq;                        // RFC 3550, A.1; above 16 bits: none
    uint64_t expected_prior, received_prior; // at the last report
    uint32_t jitter_q4;                      // jitter << 4
    uint32_t transit_last;
    bool transit_known;
    uint32_t last_sr_ntp_mid; // middle 32 bits of the last sender report
    uint64_t last_sr_us;      // its arrival; 0: none
    uint64_t last_packet_us;
    struct rate_meter rate;
};
void receive_stats_init(struct receive_stats *stats, uint32_t clock_rate);
// MAX_DROPOUT 3000, MAX_MISORDER 1500 as in RFC 3550 A.1: false when the number is wild; two wild ones in
// sequence restart.
bool receive_stats_add(struct receive_stats *stats, uint16_t seq, uint32_t timestamp, uint32_t bytes,
                       uint64_t now_us);
// The packet that was added last, with this number, is the first of a new numbering.
void receive_stats_begin_anew(struct receive_stats *stats, uint16_t seq);
void receive_stats_sender_report(struct receive_stats *stats, uint64_t ntp, uint64_t now_us);
// A report block about this stream; ends the interval.
void receive_stats_report(struct receive_stats *stats, uint32_t ssrc, uint64_t now_us,
                          struct rtcp_report *out);
uint64_t receive_stats_lost(const struct receive_stats *stats); // never negative
uint32_t receive_stats_jitter(const struct receive_stats *stats);

struct send_stats {
    uint64_t packets, bytes, retransmitted;
    uint64_t lost;         // as the receiver reports
    uint8_t fraction_lost; // of 256
    uint32_t jitter;
    uint32_t rtt_us; // 0: not known
    uint64_t last_packet_us;
    struct rate_meter rate;
};
void send_stats_add(struct send_stats *stats, uint32_t bytes, uint64_t now_us);
void send_stats_report(struct send_stats *stats, const struct rtcp_report *report, uint64_t now_ntp);

// 0..10 from the share that arrived and the share that had to be repaired over an interval: 10 is perfect, 0
// is dead.
uint8_t stream_score(uint32_t expected, uint32_t lost, uint32_t repaired);

#endif
