#include "rtp/rtp_forward.h"

#include "base/bytes.h"
#include "rtp/dependency_descriptor.h"
#include "rtp/red.h"
#include "rtp/rtp_ext_write.h"

#include <assert.h>
#include <stdbool.h>

#define EXT_HEAD_BYTES 4 // profile and length of the extension block
#define FIRST_BYTE 0x90  // version 2, an extension block, no padding, no contributing sources
#define PADDING_BIT 0x20
#define SEQ_AT 2 // in a header
#define ONE_BYTE_VALUE_MAX 16
#define RTX_SEQ_BYTES 2          // RFC 4588, section 4: the original sequence number
#define SRTP_TRAILER_LONGEST 144 // what protection may append

#define COPY_LONGEST (BLOCK_CAPACITY - BLOCK_HEADROOM - SRTP_TRAILER_LONGEST)

static_assert(RTP_FORWARD_PACKET_MAX + RTX_SEQ_BYTES <= COPY_LONGEST,
              "the longest received packet fits a block when it goes out");

// One element in one-byte form; returns the offset of its value from the packet's start.
static uint8_t put_element(struct writer *w, enum media_ext ext, const uint8_t *value, size_t len) {
    assert(EXT_ROUTER_ID(ext) >= 1 && EXT_ROUTER_ID(ext) <= 14 && len >= 1 && len <= 16);
    write_u8(w, (uint8_t)(EXT_ROUTER_ID(ext) << 4 | (uint8_t)(len - 1)));
    uint8_t at = (uint8_t)w->len;
    write_span(w, span_of(value, len));
    return at;
}

// A value that travels on, if it is there and of its right size; else 0.
static uint8_t pass_element(struct writer *w, enum media_ext ext, const struct rtp_ext_values *values,
                            size_t len) {
    struct span v = values->of[ext];
    return v.ptr && v.len == len ? put_element(w, ext, v.ptr, len) : 0;
}

static void put_extensions(struct writer *w, const struct rtp_ext_values *values, enum media_kind kind,
                           struct forward_meta *meta) {
    static const uint8_t blank[16];
    pass_element(w, EXT_AUDIO_LEVEL, values, 1); // first: rtp_forward_level looks there
    pass_element(w, EXT_VIDEO_ORIENTATION, values, 1);
    pass_element(w, EXT_PLAYOUT_DELAY, values, 3);
    meta->offset_at = pass_element(w, EXT_TOFFSET, values, 3);
    if (!pass_element(w, EXT_ABS_CAPTURE_TIME, values, 16))
        pass_element(w, EXT_ABS_CAPTURE_TIME, values, 8);
    struct span descriptor = kind == MEDIA_VIDEO ? values->of[EXT_DEPENDENCY_DESCRIPTOR] : (struct span){0};
    meta->descriptor_at = descriptor.len >= DD_MANDATORY_BYTES && descriptor.len <= ONE_BYTE_VALUE_MAX
                              ? pass_element(w, EXT_DEPENDENCY_DESCRIPTOR, values, descriptor.len)
                              : 0;
    meta->send_time_at = put_element(w, EXT_ABS_SEND_TIME, blank, 3);
    meta->transport_cc_at = put_element(w, EXT_TRANSPORT_CC, blank, 2);
    // The place of the MID starts as padding; a copy with a MID gives it its id and length.
    meta->mid_at = (uint8_t)(w->len + 1);
    write_zeros(w, 1 + RTP_FORWARD_MID_MAX);
}

// Builds the header into w and notes its places in meta.
static void build_header(struct writer *w, const struct rtp_packet *packet,
                         const struct rtp_ext_values *values, enum media_kind kind,
                         struct forward_meta *meta) {
    write_u8(w, FIRST_BYTE);
    write_u8(w, (uint8_t)(packet->marker << 7 | packet->payload_type));
    write_u16(w, packet->seq);
    write_u32(w, packet->timestamp);
    write_u32(w, packet->ssrc);
    write_u16(w, 0xbede);
    write_u16(w, 0); // length in words, below
    put_extensions(w, values, kind, meta);
    write_zeros(w, -w->len & 3);
    assert(!w->failed && w->len % 4 == 0);
    store_be16(w->ptr + RTP_HEADER_MIN + 2, (uint16_t)((w->len - RTP_HEADER_MIN - EXT_HEAD_BYTES) / 4));
}

// Moves it to the start of the block; `end` is where the prepared packet begins. It came in the same block
// behind BLOCK_HEADROOM, so there is always room; if not, it stays behind.
static void keep_descriptor(struct block *block, struct span descriptor, size_t end) {
    bool fits = descriptor.len >= DD_MANDATORY_BYTES && descriptor.len <= RTP_FORWARD_DESCRIPTOR_MAX &&
                descriptor.len <= end;
    forward_meta_of(block)->descriptor_len = fits ? (uint8_t)descriptor.len : 0;
    if (fits)
        memmove(block->bytes, descriptor.ptr, descriptor.len);
}

void rtp_forward_prepare(struct block *block, const struct rtp_packet *packet,
                         const struct rtp_ext_values *values, enum media_kind kind, uint64_t arrival_us) {
    size_t payload_at = (size_t)(packet->payload.ptr - block->bytes);
    assert(payload_at >= (size_t)block->start + RTP_HEADER_MIN && payload_at >= RTP_FORWARD_HEADER_MAX);
    assert(payload_at + packet->payload.len <= BLOCK_CAPACITY);
    struct forward_meta *meta = forward_meta_of(block);
    meta->arrival_us = arrival_us;
    meta->timestamp = packet->timestamp;
    meta->seq = packet->seq;
    meta->marker = packet->marker;
    meta->repaired = false;
    meta->pictures = (struct picture_places){0};
    meta->padding = 0;
    meta->primary_at = 0;
    if (!rtp_ext_capture_ntp(values, &meta->capture_ntp))
        meta->capture_ntp = 0;
    // Built aside first: the values view the bytes that the new header covers.
    uint8_t header[RTP_FORWARD_HEADER_MAX];
    struct writer w = writer_of(header, sizeof header);
    build_header(&w, packet, values, kind, meta);
    keep_descriptor(block, kind == MEDIA_VIDEO ? values->of[EXT_DEPENDENCY_DESCRIPTOR] : (struct span){0},
                    payload_at - w.len);
    meta->header_len = (uint8_t)w.len;
    block->start = (uint16_t)(payload_at - w.len);
    block->len = (uint16_t)(w.len + packet->payload.len);
    memcpy(block_data(block), header, w.len);
}

void rtp_forward_pad(struct block *prepared, uint8_t bytes) {
    struct forward_meta *meta = forward_meta_of(prepared);
    assert(bytes > 0);
    if (meta->padding || prepared->len + bytes > RTP_FORWARD_PACKET_MAX ||
        prepared->start + prepared->len + bytes > BLOCK_CAPACITY)
        return;
    uint8_t *p = block_data(prepared);
    memset(p + prepared->len, 0, bytes);
    prepared->len = (uint16_t)(prepared->len + bytes);
    p[0] |= PADDING_BIT;
    p[prepared->len - 1] = meta->padding = bytes;
}

bool rtp_forward_level(struct block *prepared, int8_t *level_dbov) {
    const uint8_t *first = block_data(prepared) + RTP_HEADER_MIN + EXT_HEAD_BYTES;
    assert(forward_meta_of(prepared)->header_len > RTP_HEADER_MIN + EXT_HEAD_BYTES + 1);
    *level_dbov = (int8_t)-(first[1] & 127);
    return first[0] == EXT_ROUTER_ID(EXT_AUDIO_LEVEL) << 4;
}

static void renumber_descriptor(uint8_t *descriptor, const struct forward_stamp *stamp) {
    uint16_t number = load_be16(descriptor + DD_NUMBER_AT);
    store_be16(descriptor + DD_NUMBER_AT, (uint16_t)(number + stamp->picture_offset.frame));
}

// The one that is among the elements, at `value`: renumbered, or made padding.
static __attribute__((noinline)) void stamp_descriptor(uint8_t *value, const struct forward_meta *meta,
                                                       const struct forward_stamp *stamp) {
    if (stamp->descriptor && !stamp->blank)
        renumber_descriptor(value, stamp);
    else
        memset(value - 1, 0, meta->descriptor_len + 1u);
}

// Whether the publisher says itself how long to wait, before the place of the MID in a header at `p`.
static bool has_playout_delay(const uint8_t *p, const struct forward_meta *meta) {
    const uint8_t *q = p + RTP_HEADER_MIN + EXT_HEAD_BYTES, *end = p + meta->mid_at - 1;
    while (q < end) {
        if (*q >> 4 == EXT_ROUTER_ID(EXT_PLAYOUT_DELAY))
            return true;
        q += *q == 0 ? 1 : (*q & 15) + 2;
    }
    return false;
}

// Behind the MID, within its place.
static __attribute__((noinline)) void stamp_playout_delay(uint8_t *p, const struct forward_meta *meta,
                                                          const struct forward_stamp *stamp) {
    assert(stamp->playout_delay < 1u << 24);
    if (stamp->mid_len > RTP_FORWARD_DELAY_MID_MAX || has_playout_delay(p, meta))
        return;
    uint8_t *q = p + meta->mid_at + stamp->mid_len;
    q[0] = (uint8_t)(EXT_ROUTER_ID(EXT_PLAYOUT_DELAY) << 4 | 2);
    store_be24(q + 1, stamp->playout_delay);
}

// What differs by receiver, into a copied header at `p`.
static inline __attribute__((always_inline)) void stamp_header(uint8_t *p, const struct forward_meta *meta,
                                                               const struct forward_stamp *stamp) {
    static const uint8_t mid_mask[RTP_FORWARD_MID_MAX + 1][RTP_FORWARD_MID_MAX] = {
        {0},
        {255},
        {255, 255},
        {255, 255, 255},
        {255, 255, 255, 255},
        {255, 255, 255, 255, 255},
        {255, 255, 255, 255, 255, 255},
        {255, 255, 255, 255, 255, 255, 255},
        {255, 255, 255, 255, 255, 255, 255, 255},
    };
    assert(stamp->mid_len <= RTP_FORWARD_MID_MAX && meta->mid_at != 0 && meta->send_time_at != 0);
    p[1] = (uint8_t)(stamp->marker << 7 | stamp->payload_type);
    store_be16(p + SEQ_AT, stamp->seq);
    store_be32(p + 4, stamp->timestamp);
    store_be32(p + 8, stamp->ssrc);
    store_be24(p + meta->send_time_at, stamp->abs_send_time);
    if (meta->transport_cc_at)
        store_be16(p + meta->transport_cc_at, stamp->transport_cc_seq);
    uint64_t mid, mask; // what a shorter MID leaves is zero: padding
    memcpy(&mid, stamp->mid, sizeof mid);
    memcpy(&mask, mid_mask[stamp->mid_len], sizeof mask);
    mid &= mask;
    memcpy(p + meta->mid_at, &mid, sizeof mid);
    p[meta->mid_at - 1] = stamp->mid_len ? (uint8_t)(EXT_ROUTER_ID(EXT_MID) << 4 | (stamp->mid_len - 1)) : 0;
    if (meta->descriptor_at)
        stamp_descriptor(p + meta->descriptor_at, meta, stamp);
    if (stamp->playout_delay)
        stamp_playout_delay(p, meta, stamp);
}

// The elements of a written header under the receiver's own ids; those that it has none for become padding.
static __attribute__((noinline)) void renumber_extensions(uint8_t *p, const uint8_t *ids) {
    bool one_byte = load_be16(p + RTP_HEADER_MIN) == 0xbede;
    uint8_t *q = p + RTP_HEADER_MIN + EXT_HEAD_BYTES, *end = q + 4 * load_be16(p + RTP_HEADER_MIN + 2);
    while (q < end) {
        if (*q == 0) {
            q++;
            continue;
        }
        uint8_t id = one_byte ? *q >> 4 : *q;
        size_t len = one_byte ? (*q & 15u) + 2 : q[1] + 2u; // with its head
        assert(len <= (size_t)(end - q));
        uint8_t own = id < RTP_FORWARD_EXT_IDS ? ids[id] : 0;
        if (own == 0)
            memset(q, 0, len);
        else
            *q = (uint8_t)(one_byte ? own << 4 | (*q & 15) : own);
        q += len;
    }
}

// PictureID (the top bit of its first byte says how long it is) and TL0PICIDX, in the copied payload.
static inline __attribute__((always_inline)) void
stamp_pictures(uint8_t *payload, const struct forward_meta *meta, const struct forward_stamp *stamp) {
    const struct picture_places *places = &meta->pictures;
    if (places->id_at && places->id_long) {
        uint16_t id = load_be16(payload + places->id_at);
        id = (uint16_t)((id & 0x8000) | ((id + stamp->picture_offset.id) & 0x7fff));
        store_be16(payload + places->id_at, id);
    } else if (places->id_at) {
        uint8_t id = payload[places->id_at];
        payload[places->id_at] = (uint8_t)((id & 0x80) | ((id + stamp->picture_offset.id) & 0x7f));
    }
    if (places->tl0_at)
        payload[places->tl0_at] = (uint8_t)(payload[places->tl0_at] + stamp->picture_offset.tl0);
}

bool rtp_forward_pictures(struct block *prepared, struct picture_numbers *out) {
    const struct forward_meta *meta = forward_meta_of(prepared);
    const struct picture_places *places = &meta->pictures;
    bool described = meta->descriptor_len > 0;
    if (!places->id_at && !places->tl0_at && !described)
        return false;
    assert(meta->header_len + places->id_at + 1 + places->id_long <= prepared->len);
    assert(meta->header_len + places->tl0_at < prepared->len);
    const uint8_t *payload = block_data(prepared) + meta->header_len;
    *out = (struct picture_numbers){.has_id = places->id_at != 0,
                                    .id_long = places->id_long,
                                    .has_tl0 = places->tl0_at != 0,
                                    .has_frame = described};
    if (described)
        out->frame = load_be16(prepared->bytes + DD_NUMBER_AT);
    if (places->id_at)
        out->id =
            places->id_long ? load_be16(payload + places->id_at) & 0x7fff : payload[places->id_at] & 0x7f;
    if (places->tl0_at)
        out->tl0 = payload[places->tl0_at];
    return true;
}

// It gets one that is not among the elements.
static inline bool has_long_descriptor(const struct forward_meta *meta, const struct forward_stamp *stamp) {
    return stamp->descriptor && meta->descriptor_len > 0 && meta->descriptor_at == 0 && !stamp->blank;
}

// Writes the stamped header with the descriptor, which only this receiver gets; returns its length, 0 when
// there is no room for it: then nothing is written.
static size_t copy_header_extended(struct block *out, struct block *prepared,
                                   const struct forward_stamp *stamp) {
    const struct forward_meta *meta = forward_meta_of(prepared);
    uint8_t header[RTP_FORWARD_HEADER_MAX], descriptor[RTP_FORWARD_DESCRIPTOR_MAX];
    memcpy(descriptor, prepared->bytes, meta->descriptor_len);
    renumber_descriptor(descriptor, stamp);
    struct rtp_ext_element extra = {EXT_ROUTER_ID(EXT_DEPENDENCY_DESCRIPTOR),
                                    span_of(descriptor, meta->descriptor_len)};
    memcpy(header, block_data(prepared), meta->header_len);
    stamp_header(header, meta, stamp);
    size_t rest = (size_t)prepared->len - meta->header_len + RTX_SEQ_BYTES;
    struct writer w = writer_of(out->bytes + BLOCK_HEADROOM, COPY_LONGEST - rest);
    write_span(&w, span_of(header, RTP_HEADER_MIN));
    rtp_ext_write(&w, span_of(header + RTP_HEADER_MIN, (size_t)meta->header_len - RTP_HEADER_MIN), &extra, 1);
    return w.failed ? 0 : w.len;
}

static size_t copy_header(struct block *out, struct block *prepared, const struct forward_stamp *stamp) {
    const struct forward_meta *meta = forward_meta_of(prepared);
    uint8_t *p = out->bytes + BLOCK_HEADROOM;
    size_t len = has_long_descriptor(meta, stamp) ? copy_header_extended(out, prepared, stamp) : 0;
    if (len == 0) {
        memcpy(p, block_data(prepared), meta->header_len);
        stamp_header(p, meta, stamp);
        len = meta->header_len;
    }
    if (stamp->ext_ids)
        renumber_extensions(p, stamp->ext_ids);
    return len;
}

// Behind a copied header: nothing but padding.
static void copy_blank(struct block *out, size_t header_len, struct span between) {
    uint8_t *p = out->bytes + BLOCK_HEADROOM;
    if (between.len)
        memcpy(p + header_len, between.ptr, between.len);
    p[0] |= PADDING_BIT;
    p[1] &= 0x7f; // no frame ends here
    p[header_len + between.len] = RTP_FORWARD_BLANK_BYTES;
    out->start = BLOCK_HEADROOM;
    out->len = (uint16_t)(header_len + between.len + RTP_FORWARD_BLANK_BYTES);
}

static void copy_in_parts(struct block *out, struct block *prepared, const struct forward_stamp *stamp,
                          struct span between) {
    const struct forward_meta *meta = forward_meta_of(prepared);
    assert(prepared->len >= meta->header_len && prepared->len <= RTP_FORWARD_PACKET_MAX);
    size_t payload_len = (size_t)prepared->len - meta->header_len;
    size_t header_len = copy_header(out, prepared, stamp);
    if (stamp->blank) {
        copy_blank(out, header_len, between);
        return;
    }
    uint8_t *p = out->bytes + BLOCK_HEADROOM + header_len;
    if (between.len)
        memcpy(p, between.ptr, between.len);
    memcpy(p + between.len, block_data(prepared) + meta->header_len, payload_len);
    stamp_pictures(p + between.len, meta, stamp);
    out->start = BLOCK_HEADROOM;
    out->len = (uint16_t)(header_len + between.len + payload_len);
}

static bool copy_needs_parts(const struct forward_meta *meta, const struct forward_stamp *stamp) {
    return stamp->blank || has_long_descriptor(meta, stamp);
}

// Redundant audio, for who negotiated it under its payload types; else its primary block alone.
static __attribute__((noinline)) void copy_red(struct block *out, struct block *prepared,
                                               const struct forward_stamp *stamp) {
    const struct forward_meta *meta = forward_meta_of(prepared);
    size_t header_len = copy_header(out, prepared, stamp),
           skipped = stamp->red_payload_type ? 0 : meta->primary_at;
    assert(prepared->len > meta->header_len + meta->primary_at && stamp->red_payload_type <= 127);
    size_t len = (size_t)prepared->len - meta->header_len - skipped;
    uint8_t *p = out->bytes + BLOCK_HEADROOM;
    memcpy(p + header_len, block_data(prepared) + meta->header_len + skipped, len);
    if (stamp->red_payload_type) {
        p[1] = (uint8_t)((p[1] & 0x80) | stamp->red_payload_type);
        red_set_payload_type(p + header_len, len, stamp->payload_type);
    }
    out->start = BLOCK_HEADROOM;
    out->len = (uint16_t)(header_len + len);
}

void rtp_forward_copy(struct block *out, struct block *prepared, const struct forward_stamp *stamp) {
    const struct forward_meta *meta = forward_meta_of(prepared);
    if (meta->primary_at) {
        copy_red(out, prepared, stamp);
        return;
    }
    if ((stamp->descriptor | stamp->blank) && copy_needs_parts(meta, stamp)) {
        copy_in_parts(out, prepared, stamp, (struct span){0});
        return;
    }
    uint8_t *p = out->bytes + BLOCK_HEADROOM;
    assert(prepared->len <= BLOCK_CAPACITY - BLOCK_HEADROOM);
    out->start = BLOCK_HEADROOM;
    out->len = prepared->len;
    memcpy(p, block_data(prepared), prepared->len);
    stamp_header(p, meta, stamp);
    stamp_pictures(p + meta->header_len, meta, stamp);
    if (stamp->ext_ids)
        renumber_extensions(p, stamp->ext_ids);
}

void rtp_forward_copy_rtx(struct block *out, struct block *prepared, const struct forward_stamp *stamp,
                          uint16_t original_seq) {
    uint8_t seq[RTX_SEQ_BYTES];
    store_be16(seq, original_seq);
    copy_in_parts(out, prepared, stamp, span_of(seq, sizeof seq));
}

// ---- what does not come from a publisher, and what was kept

void rtp_forward_number(struct block *copy, uint16_t seq) {
    store_be16(block_data(copy) + SEQ_AT, seq);
}

void rtp_forward_restamp(struct block *copy, const uint8_t *ext_ids, uint32_t abs_send_time,
                         uint16_t transport_cc_seq) {
    struct rtp_packet packet;
    struct rtp_ext_values values;
    struct ext_map map;
    struct ext_ids ids = {0};
    uint8_t time_id = EXT_ROUTER_ID(EXT_ABS_SEND_TIME), seq_id = EXT_ROUTER_ID(EXT_TRANSPORT_CC);
    ids.ids[EXT_ABS_SEND_TIME] = ext_ids ? ext_ids[time_id] : time_id;
    ids.ids[EXT_TRANSPORT_CC] = ext_ids ? ext_ids[seq_id] : seq_id;
    ext_map_clear(&map);
    ext_map_add(&map, &ids);
    if (rtp_parse(span_of(block_data(copy), copy->len), &packet) != ERR_OK)
        return;
    rtp_ext_read(&packet, &map, &values);
    uint8_t *p = block_data(copy);
    struct span time = values.of[EXT_ABS_SEND_TIME], seq = values.of[EXT_TRANSPORT_CC];
    if (time.ptr && time.len == 3)
        store_be24(p + (time.ptr - p), abs_send_time);
    if (seq.ptr && seq.len == 2)
        store_be16(p + (seq.ptr - p), transport_cc_seq);
}

void rtp_forward_write_padding(struct block *out, const struct forward_stamp *stamp, uint8_t padding) {
    uint8_t time[3], seq[2];
    store_be24(time, stamp->abs_send_time);
    store_be16(seq, stamp->transport_cc_seq);
    struct rtp_ext_element elements[3] = {
        {EXT_ROUTER_ID(EXT_ABS_SEND_TIME), span_of(time, sizeof time)},
        {EXT_ROUTER_ID(EXT_TRANSPORT_CC), span_of(seq, sizeof seq)},
        {EXT_ROUTER_ID(EXT_MID), span_of(stamp->mid, stamp->mid_len)},
    };
    struct writer w = writer_of(out->bytes + BLOCK_HEADROOM, COPY_LONGEST);
    write_u8(&w, FIRST_BYTE | PADDING_BIT);
    write_u8(&w, stamp->payload_type);
    write_u16(&w, stamp->seq);
    write_u32(&w, stamp->timestamp);
    write_u32(&w, stamp->ssrc);
    rtp_ext_write(&w, (struct span){0}, elements, stamp->mid_len ? 3 : 2);
    if (stamp->ext_ids)
        renumber_extensions(out->bytes + BLOCK_HEADROOM, stamp->ext_ids);
    assert(padding > 0);
    write_zeros(&w, padding - 1u);
    write_u8(&w, padding);
    assert(!w.failed);
    out->start = BLOCK_HEADROOM;
    out->len = (uint16_t)w.len;
}

void rtp_forward_copy_empty(struct block *out, struct block *prepared, const struct forward_stamp *stamp) {
    static const uint8_t padding[4] = {0, 0, 0, sizeof padding};
    assert(!stamp->marker);
    size_t header_len = copy_header(out, prepared, stamp);
    uint8_t *p = out->bytes + BLOCK_HEADROOM;
    p[0] |= PADDING_BIT;
    memcpy(p + header_len, padding, sizeof padding);
    out->start = BLOCK_HEADROOM;
    out->len = (uint16_t)(header_len + sizeof padding);
}
