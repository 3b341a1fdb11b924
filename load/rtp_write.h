// rtp_write: the header of an RTP packet that a client sends, with the extensions of a browser (RFC 3550,
// RFC 8285 one-byte form). Pure.
#ifndef LOAD_RTP_WRITE_H
#define LOAD_RTP_WRITE_H

#include "base/bytes.h"
#include "rtp/media.h"

struct rtp_head {
    bool marker;
    uint8_t payload_type;
    uint16_t seq;
    uint32_t timestamp, ssrc;
    const struct ext_ids *ids; // those without an id are left out
    const char *mid, *rid;     // NULL: not in this packet
    bool repaired;             // rid names the stream that this one repairs
    uint32_t abs_send_time;    // 24 bits
    uint16_t transport_seq;
    int audio_level; // 0..127 (-dBov), -1: not in this packet
    bool voice;
};

// Fails the writer when it does not fit.
void rtp_head_write(struct writer *w, const struct rtp_head *head);

#endif
