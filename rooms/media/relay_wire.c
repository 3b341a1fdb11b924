#include "rooms/media/relay_wire.h"

#include "base/bytes.h"
#include "rtp/dependency_descriptor.h"
#include "rtp/red.h"

#include <assert.h>

#define FLAG_KEY_FRAME 1
#define FLAG_FRAME_START 2
#define FLAG_REPAIRED 4
#define FLAG_OPENS 8
#define FLAG_PICTURE_ID_LONG 16
#define FLAG_RED 32 // redundant audio; where its primary block is the reader finds out anew
#define FLAGS_ALL 63
#define FIRST_BYTE 0x90 // of a prepared packet, but for padding
#define PADDING_BIT 0x20
#define PROFILE_ONE_BYTE 0xbede
#define EXT_AT (RTP_HEADER_MIN + 4) // where elements begin
// The packet in its block: behind the longest descriptor, before room for the longest packet.
#define PACKET_AT (RTP_FORWARD_DESCRIPTOR_MAX + 1)

static_assert(PACKET_AT + RTP_FORWARD_PACKET_MAX <= BLOCK_CAPACITY, "both fit a block");

size_t relay_wire_write(const struct relay_address *address, struct block *prepared, uint8_t *out,
                        size_t cap) {
    const struct forward_meta *meta = forward_meta_of(prepared);
    struct writer w = writer_of(out, cap);
    write_u8(&w, RELAY_WIRE_VERSION);
    write_u8(&w,
             (uint8_t)(meta->key_frame * FLAG_KEY_FRAME | meta->frame_start * FLAG_FRAME_START |
                       meta->repaired * FLAG_REPAIRED | meta->opens * FLAG_OPENS |
                       meta->pictures.id_long * FLAG_PICTURE_ID_LONG | (meta->primary_at ? FLAG_RED : 0)));
    write_u32(&w, address->producer.v);
    write_u8(&w, address->stream);
    write_u8(&w, (uint8_t)((meta->layers.spatial & 15) << 4 | (meta->layers.temporal & 15)));
    write_u8(&w, meta->layers.sync);
    write_u8(&w, meta->layers.flags);
    write_u8(&w, meta->layers.layers);
    write_u8(&w, meta->pictures.id_at);
    write_u8(&w, meta->pictures.tl0_at);
    write_u8(&w, meta->mid_at);
    write_u8(&w, meta->send_time_at);
    write_u8(&w, meta->transport_cc_at);
    write_u8(&w, meta->offset_at);
    write_u8(&w, meta->descriptor_at);
    write_u64(&w, meta->capture_ntp);
    write_u8(&w, meta->descriptor_len);
    write_span(&w, span_of(prepared->bytes, meta->descriptor_len));
    write_span(&w, span_of(block_data(prepared), prepared->len));
    return w.failed ? 0 : w.len;
}

// ---- reading

// A value of so many bytes lies among the elements of the header; 0: there is none.
static bool place_holds(uint8_t at, size_t len, size_t header_len) {
    return at > EXT_AT && at + len <= header_len;
}

static bool place_may_miss(uint8_t at, size_t len, size_t header_len) {
    return at == 0 || place_holds(at, len, header_len);
}

static bool places_are_right(const struct forward_meta *meta, size_t packet_len) {
    size_t header_len = meta->header_len;
    size_t payload_len = packet_len - header_len - meta->padding;
    const struct picture_places *pictures = &meta->pictures;
    return place_holds(meta->mid_at, RTP_FORWARD_MID_MAX, header_len) &&
           place_holds(meta->send_time_at, 3, header_len) &&
           place_may_miss(meta->transport_cc_at, 2, header_len) &&
           place_may_miss(meta->offset_at, 3, header_len) &&
           place_may_miss(meta->descriptor_at, meta->descriptor_len, header_len) &&
           (meta->descriptor_at == 0 || meta->descriptor_len >= DD_MANDATORY_BYTES) &&
           (meta->descriptor_len == 0 || meta->descriptor_len >= DD_MANDATORY_BYTES) &&
           (pictures->id_at == 0 || pictures->id_at + 1u + pictures->id_long <= payload_len) &&
           (pictures->tl0_at == 0 || pictures->tl0_at < payload_len);
}

// What a prepared packet's own bytes say, into meta. False: it is none.
static bool packet_is_prepared(struct span packet, struct forward_meta *meta) {
    if (packet.len < EXT_AT || packet.len > RTP_FORWARD_PACKET_MAX)
        return false;
    const uint8_t *p = packet.ptr;
    size_t header_len = EXT_AT + 4u * load_be16(p + RTP_HEADER_MIN + 2);
    if ((p[0] & ~PADDING_BIT) != FIRST_BYTE || load_be16(p + RTP_HEADER_MIN) != PROFILE_ONE_BYTE ||
        header_len > RTP_FORWARD_HEADER_MAX || header_len > packet.len)
        return false;
    bool padded = p[0] & PADDING_BIT;
    meta->padding = padded ? p[packet.len - 1] : 0;
    meta->header_len = (uint8_t)header_len;
    meta->marker = p[1] >> 7;
    meta->seq = load_be16(p + 2);
    meta->timestamp = load_be32(p + 4);
    return meta->padding <= packet.len - header_len && padded == (meta->padding > 0);
}

// Redundant audio, which knows neither padding nor pictures.
static bool packet_is_red(struct span packet, struct forward_meta *meta) {
    struct span payload = span_of(packet.ptr + meta->header_len, packet.len - meta->header_len);
    return meta->padding == 0 && meta->pictures.id_at == 0 && meta->pictures.tl0_at == 0 &&
           meta->descriptor_len == 0 && red_read(payload, &meta->primary_at);
}

static bool read_head(struct reader *r, struct relay_address *address, struct forward_meta *meta, bool *red) {
    uint8_t flags = read_u8(r);
    *red = flags & FLAG_RED;
    address->producer.v = read_u32(r);
    address->stream = read_u8(r);
    uint8_t layers = read_u8(r);
    meta->key_frame = flags & FLAG_KEY_FRAME;
    meta->frame_start = flags & FLAG_FRAME_START;
    meta->repaired = flags & FLAG_REPAIRED;
    meta->opens = flags & FLAG_OPENS;
    meta->layers.spatial = layers >> 4;
    meta->layers.temporal = layers & 15;
    meta->layers.sync = read_u8(r);
    meta->layers.flags = read_u8(r);
    meta->layers.layers = read_u8(r);
    meta->pictures.id_at = read_u8(r);
    meta->pictures.tl0_at = read_u8(r);
    meta->pictures.id_long = flags & FLAG_PICTURE_ID_LONG;
    meta->mid_at = read_u8(r);
    meta->send_time_at = read_u8(r);
    meta->transport_cc_at = read_u8(r);
    meta->offset_at = read_u8(r);
    meta->descriptor_at = read_u8(r);
    meta->capture_ntp = read_u64(r);
    meta->descriptor_len = read_u8(r);
    return !r->failed && (flags & ~FLAGS_ALL) == 0 && address->stream < STREAMS_MAX;
}

enum err relay_wire_read(struct span wire, uint64_t now_us, struct relay_address *address,
                         struct block *out) {
    struct reader r = reader_of(wire);
    struct forward_meta meta = {.arrival_us = now_us};
    uint8_t version = read_u8(&r);
    if (!r.failed && version != RELAY_WIRE_VERSION)
        return ERR_UNSUPPORTED;
    bool red;
    if (!read_head(&r, address, &meta, &red))
        return ERR_MALFORMED;
    struct span descriptor = read_span(&r, meta.descriptor_len);
    struct span packet = span_of(r.ptr, r.left);
    if (r.failed || !packet_is_prepared(packet, &meta) || !places_are_right(&meta, packet.len))
        return ERR_MALFORMED;
    if (red && !packet_is_red(packet, &meta))
        return ERR_MALFORMED;
    if (descriptor.len)
        memcpy(out->bytes, descriptor.ptr, descriptor.len);
    out->start = PACKET_AT;
    out->len = (uint16_t)packet.len;
    memcpy(block_data(out), packet.ptr, packet.len);
    *forward_meta_of(out) = meta;
    return ERR_OK;
}
