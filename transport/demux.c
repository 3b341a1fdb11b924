#include "transport/demux.h"

#include "base/bytes.h"

#define STUN_HEADER_BYTES 20
#define STUN_COOKIE UINT32_C(0x2112a442) // RFC 8489, section 5
#define DTLS_RECORD_HEADER_BYTES 13
#define RTP_HEADER_BYTES 12
#define RTCP_HEADER_BYTES 8 // with the sender's SSRC

static bool datagram_is_stun(struct span d) {
    return d.len >= STUN_HEADER_BYTES && load_be32(d.ptr + 4) == STUN_COOKIE;
}

// RFC 5761, section 4: payload types 64..95 with the marker bit set are RTCP's packet types 192..223.
static enum datagram_kind datagram_kind_rtp(struct span d) {
    if (d.len >= RTCP_HEADER_BYTES && d.ptr[1] >= 192 && d.ptr[1] <= 223)
        return DATAGRAM_RTCP;
    return d.len >= RTP_HEADER_BYTES ? DATAGRAM_RTP : DATAGRAM_UNKNOWN;
}

enum datagram_kind datagram_kind(struct span datagram) {
    if (datagram.len == 0)
        return DATAGRAM_UNKNOWN;
    uint8_t first = datagram.ptr[0];
    // RFC 7983, section 7
    if (first <= 3)
        return datagram_is_stun(datagram) ? DATAGRAM_STUN : DATAGRAM_UNKNOWN;
    if (first >= 20 && first <= 63)
        return datagram.len >= DTLS_RECORD_HEADER_BYTES ? DATAGRAM_DTLS : DATAGRAM_UNKNOWN;
    if (first >= 128 && first <= 191)
        return datagram_kind_rtp(datagram);
    return DATAGRAM_UNKNOWN;
}
