#include "rtp/rtp_packet.h"

#include "base/bytes.h"

// The extension block that follows the CSRC list: 16 bits of profile, 16 bits of length in words.
static void read_extensions(struct reader *r, struct rtp_packet *out) {
    out->ext_profile = read_u16(r);
    size_t words = read_u16(r);
    out->extensions = read_span(r, words * 4);
}

// RFC 3550, 5.1: "The last octet of the padding contains a count of how many padding octets should be
// ignored, including itself": so it is not 0 and not longer than what is there.
static bool strip_padding(struct span *payload, uint8_t *padding) {
    if (payload->len == 0)
        return false;
    *padding = payload->ptr[payload->len - 1];
    if (*padding == 0 || *padding > payload->len)
        return false;
    payload->len -= *padding;
    return true;
}

enum err rtp_parse(struct span packet, struct rtp_packet *out) {
    *out = (struct rtp_packet){0};
    if (packet.len < RTP_HEADER_MIN || packet.len > UINT16_MAX || packet.ptr[0] >> 6 != 2)
        return ERR_MALFORMED;
    struct reader r = reader_of(packet);
    uint8_t first = read_u8(&r);
    uint8_t second = read_u8(&r);
    out->marker = second >> 7;
    out->payload_type = second & 0x7f;
    out->seq = read_u16(&r);
    out->timestamp = read_u32(&r);
    out->ssrc = read_u32(&r);
    read_raw(&r, (size_t)(first & 0x0f) * 4); // contributing sources
    if (first & 0x10)
        read_extensions(&r, out);
    if (r.failed)
        return ERR_MALFORMED;
    out->header_len = (uint16_t)(packet.len - r.left);
    out->payload = span_of(r.ptr, r.left);
    if ((first & 0x20) && !strip_padding(&out->payload, &out->padding))
        return ERR_MALFORMED;
    return ERR_OK;
}

enum err rtp_unwrap_rtx(const struct rtp_packet *rtx, uint16_t *original_seq, struct span *payload) {
    if (rtx->payload.len < 2)
        return ERR_MALFORMED;
    *original_seq = load_be16(rtx->payload.ptr);
    *payload = span_of(rtx->payload.ptr + 2, rtx->payload.len - 2);
    return ERR_OK;
}
