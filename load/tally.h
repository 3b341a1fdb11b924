// tally: everything that is counted, for all participants together. Plain data. One thread.
#ifndef LOAD_TALLY_H
#define LOAD_TALLY_H

#include "load/histogram.h"

#include <stdbool.h>

// The parts of a join, each since the one before; JOIN_TOTAL and the two that follow it since the beginning.
enum join_part {
    JOIN_WEBSOCKET,       // TCP, TLS and the upgrade
    JOIN_ROOM,            // join-room to joined
    JOIN_TRANSPORTS,      // create-transport and connect-transport, of all its transports
    JOIN_ICE,             // all have a valid pair
    JOIN_DTLS,            // all have keys
    JOIN_TOTAL,           // beginning to keys
    JOIN_FIRST_RTP,       // beginning to the first packet of a subscribed track
    JOIN_FIRST_KEY_FRAME, // beginning to the first complete key frame
    JOIN_PARTS
};

// What was wrong with what came: none of these happens with a sound server.
enum fault {
    FAULT_AUTH,         // SRTP or SRTCP did not authenticate
    FAULT_MALFORMED,    // no RTP, no RTCP, no payload of its codec
    FAULT_SSRC,         // belongs to no track
    FAULT_PAYLOAD_TYPE, // not the track's
    FAULT_MID,          // not the track's
    FAULT_SEQUENCE,     // far outside the order
    FAULT_TIMESTAMP,    // changed within a frame, or did not rise after it
    FAULT_RTX,          // no such original, or not as RFC 4588 has it
    FAULT_MARK,         // the payload is not as it was sent
    FAULT_PAUSED,       // came while its track was paused
    FAULT_STUN,         // an answer that does not authenticate
    FAULT_SIGNALLING,   // a message that breaks the protocol
    FAULTS
};

struct tally {
    // People
    uint64_t started, joined, failed, left;
    uint64_t dropped;        // failed after they had joined
    uint32_t present;        // joined and not left
    uint64_t request_errors; // `error` answers other than to joining
    // Packets received for tracks; media: without retransmissions
    uint64_t rtp_in, rtp_bytes_in; // authentic
    uint64_t arrived;              // before the client's own loss, as the server sent them
    uint64_t expected, received, repaired, unrepaired, duplicates;
    uint64_t video_expected, video_received, video_unrepaired; // the video among them
    uint64_t audio_in, video_in;
    uint64_t rtcp_in, rtcp_out;
    // Packets sent
    uint64_t rtp_out, rtp_bytes_out, rtx_out, rtx_missed;
    uint64_t nacks_out, nacked_out, nacks_in, nacked_in, twcc_out, twcc_in, reports_out, reports_in;
    // Pictures
    uint64_t frames, freezes, frozen_us, watched_us;
    uint64_t key_frames_asked, key_frames_got; // by subscribers
    uint64_t key_requests_in, key_frames_sent; // by publishers
    uint64_t impaired;                         // datagrams that the client's own loss and bottleneck took
    uint64_t faults[FAULTS];
    struct histogram join[JOIN_PARTS];
    struct histogram delay, delay_repaired, jitter, round_trip;
    struct histogram delay_second; // of this second, for the samples
    struct histogram late;         // how late our own timers fired
};

const char *join_part_name(enum join_part part); // as in the results: "websocket"
const char *fault_name(enum fault fault);

#endif
