// rtp_packet: one RTP packet read into a view (RFC 3550, section 5.1). Pure.
#ifndef RTP_RTP_PACKET_H
#define RTP_RTP_PACKET_H

#include "base/err.h"
#include "base/span.h"

#define RTP_HEADER_MIN 12

struct rtp_packet {
    bool marker;
    uint8_t payload_type;
    uint16_t seq;
    uint32_t timestamp;
    uint32_t ssrc;
    uint16_t ext_profile;   // 0xbede: one-byte; 0x100x: two-byte; 0: no extensions
    struct span extensions; // the extension block without its four-byte head
    struct span payload;    // without padding; may be empty
    uint8_t padding;        // bytes of padding that followed
    uint16_t header_len;    // up to the payload
};

// Views of `packet`. ERR_MALFORMED unless version, CSRC list, extension block and padding all fit.
MUST_USE enum err rtp_parse(struct span packet, struct rtp_packet *out);

// The media packet inside an RTX packet (RFC 4588, section 4): its original sequence number and the rest of
// the payload.
MUST_USE enum err rtp_unwrap_rtx(const struct rtp_packet *rtx, uint16_t *original_seq, struct span *payload);

#endif
