// rtcp_read: a walk over one RTCP datagram, compound or reduced-size (RFC 3550, 4585, 5104, 5506, 3611).
// Pure.
//
// Unknown packet types are skipped by their length; a packet whose lengths lie ends the walk and is counted
// by the caller
// (`malformed`), what came before it stands. Counts are checked against the bytes that are there.
#ifndef RTP_RTCP_READ_H
#define RTP_RTCP_READ_H

#include "base/bytes.h"

enum rtcp_kind {
    RTCP_OTHER, // well-formed, not for us
    RTCP_SENDER_REPORT,
    RTCP_RECEIVER_REPORT,
    RTCP_BYE,
    RTCP_NACK,
    RTCP_PLI,
    RTCP_FIR,
    RTCP_TRANSPORT_CC, // body: what follows the two SSRCs, unread (rtp/cc/bandwidth.h)
    RTCP_CCFB,         // RFC 8888; body: what follows the sender's SSRC, unread
    RTCP_REMB,         // draft-alvestrand-rmcat-remb-03; remb_bps
    RTCP_XR,
};

struct rtcp_packet {
    enum rtcp_kind kind;
    uint32_t sender_ssrc;
    uint32_t media_ssrc; // feedback only
    struct span
        body; // report blocks, NACK items, FIR entries, BYE's further SSRCs or XR blocks: whole entries only
    // SENDER_REPORT
    uint64_t ntp;
    uint32_t rtp_timestamp, packet_count, octet_count;
    uint64_t remb_bps; // REMB
};

struct rtcp_walk {
    struct reader left;
    bool malformed;
};

struct rtcp_walk rtcp_walk_of(struct span datagram);
bool rtcp_walk_next(struct rtcp_walk *walk, struct rtcp_packet *out); // false at the end

// Reads entries off packet.body, one a call; false at the end. Start with reader_of(packet.body).
struct rtcp_report {
    uint32_t ssrc;
    uint8_t fraction_lost;
    int32_t cumulative_lost; // 24 bits, signed
    uint32_t highest_seq;
    uint32_t jitter;
    uint32_t last_sr, delay_since_sr; // 0, 0: no sender report seen
};
bool rtcp_report_next(struct reader *body, struct rtcp_report *out);
struct rtcp_nack_item {
    uint16_t seq;
    uint16_t bitmask; // bit i: seq + i + 1 is missing too
};
bool rtcp_nack_next(struct reader *body, struct rtcp_nack_item *out);
struct rtcp_fir_entry {
    uint32_t ssrc;
    uint8_t command_seq;
};
bool rtcp_fir_next(struct reader *body, struct rtcp_fir_entry *out);

// The blocks of an XR packet that tell of round trips (RFC 3611, 4.4 and 4.5); all others, and those whose
// length is not theirs, are skipped.
struct rtcp_xr_block {
    bool is_dlrr;      // else RRTR
    uint64_t ntp;      // RRTR: the time of whoever sent it
    struct span items; // DLRR: whole ones, for rtcp_dlrr_next
};
bool rtcp_xr_next(struct reader *body, struct rtcp_xr_block *out);
struct rtcp_dlrr_item {
    uint32_t ssrc;           // whose RRTR is answered
    uint32_t last_rr;        // the middle 32 bits of its time
    uint32_t delay_since_rr; // in units of 1/65536 second
};
bool rtcp_dlrr_next(struct reader *items, struct rtcp_dlrr_item *out);

// Round trip in microseconds from a report block about what we sent: now_ntp is the time of its arrival. 0:
// not known, negative or beyond belief. A known one is at least 1.
#define RTCP_ROUND_TRIP_MAX_US 30000000
uint32_t rtcp_round_trip_us(const struct rtcp_report *report, uint64_t now_ntp);

#endif
