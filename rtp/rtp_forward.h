// rtp_forward: a received packet made ready once, so that each receiver's copy is a memcpy and a few stores.
//
// rtp_forward_prepare rewrites the header of a decrypted packet inside its block: no CSRCs, no padding, and
// one extension block (one-byte form) under the server's own ids (EXT_ROUTER_ID) with the values that travel
// on (audio level, orientation, transmission offset, capture time, playout delay) and blank places for what
// differs by receiver (MID, abs-send-time, transport-cc). MID comes last with room for
// RTP_FORWARD_MID_MAX bytes, so a shorter one leaves padding and no size changes. A dependency descriptor of
// at most 16 bytes (of all packets but the first of a key frame) has a place too; a copy for a receiver that
// did not negotiate it has padding there. The prepared packet is shared (history, relays, all consumers) and,
// once it has been copied, never changed again.
//
// What few packets or receivers have is not part of that form: a longer descriptor is kept beside the packet
// (in the block, before everything else). A copy with it has
// its header built anew (rtp_ext_write.h), in two-byte form when that is needed. Pure.
#ifndef RTP_RTP_FORWARD_H
#define RTP_RTP_FORWARD_H

#include "base/pool.h"
#include "rtp/layer_facts.h"
#include "rtp/picture_rewrite.h"
#include "rtp/rtp_ext.h"

#define RTP_FORWARD_MID_MAX 8
#define RTP_FORWARD_HEADER_MAX 80 // longest prepared header
#define RTP_FORWARD_PACKET_MAX (BLOCK_DATAGRAM_MAX - RTP_HEADER_MIN + RTP_FORWARD_HEADER_MAX) // and packet
#define RTP_FORWARD_DESCRIPTOR_MAX 255                                                        // RFC 8285, 4.3
_Static_assert(RTP_FORWARD_HEADER_MAX < BLOCK_HEADROOM, "the prepared header fits before any payload");

// Kept in block->meta of a prepared packet.
struct forward_meta {
    uint64_t arrival_us;
    uint64_t capture_ntp; // from abs-capture-time, 0 when absent
    uint32_t timestamp;   // the publisher's
    uint16_t seq;         // the publisher's
    uint8_t header_len;
    uint8_t mid_at, send_time_at, transport_cc_at, offset_at,
        descriptor_at; // offsets of the values from the packet's start, 0: no place
    bool marker;
    bool key_frame;   // first packet of a key frame
    bool opens;       // as codec.h tells
    bool frame_start; // first packet of a frame
    struct layer_facts layers;
    struct picture_places pictures; // to be rewritten for receivers; none where nothing is
    bool repaired;                  // came as a retransmission
    uint8_t padding;                // bytes at the end that say nothing
    uint8_t descriptor_len;         // dependency descriptor in block->bytes[0 .. descriptor_len), 0: none
    uint16_t
        primary_at; // of redundant audio (red.h): where the primary block is in the payload; 0: it is none
};
_Static_assert(sizeof(struct forward_meta) <= BLOCK_META_BYTES, "fits the block");

static inline struct forward_meta *forward_meta_of(struct block *b) {
    return (struct forward_meta *)(void *)b->meta;
}

// `packet` and `values` view the block's bytes. With RTX, `packet` is the unwrapped media packet (its payload
// follows the original sequence number). Writes every field of the meta but key_frame, opens, frame_start,
// layers and pictures, which are the codec's to tell; repaired becomes false and primary_at 0, for whoever
// unwrapped the packet, or read it as redundant audio, to set. The payload does not move; a packet grows by
// at most 68 bytes.
void rtp_forward_prepare(struct block *block, const struct rtp_packet *packet,
                         const struct rtp_ext_values *values, enum media_kind kind, uint64_t arrival_us);

// Makes a prepared packet longer (RFC 3550, section 5.1). Only before its first copy: under one number a
// receiver must never get two different packets (RFC 7714, section 8.4). `bytes` 1..255; a packet that is
// padded already, or has no room, stays as it is.
void rtp_forward_pad(struct block *prepared, uint8_t bytes);

#define RTP_FORWARD_EXT_IDS 16
struct forward_stamp { // what one receiver sees
    uint32_t ssrc;
    uint32_t timestamp;
    uint16_t seq;
    uint8_t payload_type;
    uint8_t red_payload_type; // of redundant audio; 0: this receiver gets the primary block alone
    bool marker;
    uint8_t mid_len; // 0..RTP_FORWARD_MID_MAX
    char mid[RTP_FORWARD_MID_MAX];
    uint32_t abs_send_time; // 24 bits
    uint16_t transport_cc_seq;
    bool descriptor; // it gets the dependency descriptor, where there is one
    bool blank;      // it takes the packet's place and carries nothing but padding
    // Its receiver's own ids by the router's (EXT_ROUTER_ID), 0: it has none, and gets padding there. NULL:
    // it reads the router's.
    const uint8_t *ext_ids;
    struct picture_numbers picture_offset; // added to the picture numbers, where meta.pictures tells them
    // What a receiver that negotiated it is to wait before it shows a picture: 24 bits, the value of a
    // playout-delay. 0: nothing is said. It takes the place that a MID of RTP_FORWARD_DELAY_MID_MAX bytes at
    // most leaves; a packet whose publisher says so itself keeps that.
    uint32_t playout_delay;
};
#define RTP_FORWARD_DELAY_MID_MAX 4
#define RTP_FORWARD_BLANK_BYTES 1 // of padding

// Copies a prepared packet into `out` (an own block, at BLOCK_HEADROOM) as this receiver sees it. What does
// not fit a block beside the packet (stamp.descriptor) is left out.
void rtp_forward_copy(struct block *out, struct block *prepared, const struct forward_stamp *stamp);
// The audio level (RFC 6464) of a prepared packet, -127..0; false when it has none.
bool rtp_forward_level(struct block *prepared, int8_t *level_dbov);
// The sequence number of a copy that was made without one.
void rtp_forward_number(struct block *copy, uint16_t seq);
// A copy that has waited leaves now, with this time and number (where it has places for them). ext_ids: as in
// its stamp.
void rtp_forward_restamp(struct block *copy, const uint8_t *ext_ids, uint32_t abs_send_time,
                         uint16_t transport_cc_seq);
// A packet of nothing but `padding` bytes (1..255), with the extensions that a copy has; `out` as in
// rtp_forward_copy.
void rtp_forward_write_padding(struct block *out, const struct forward_stamp *stamp, uint8_t padding);
// Whether it has any numbers but those of its header.
static inline bool rtp_forward_has_pictures(const struct forward_meta *meta) {
    return (meta->pictures.id_at | meta->pictures.tl0_at | meta->descriptor_len) != 0;
}
// The picture numbers of a prepared packet, the frame number of its descriptor among them; false when it has
// none.
bool rtp_forward_pictures(struct block *prepared, struct picture_numbers *out);
// The same as a retransmission (RFC 4588): `stamp` has the RTX stream's ssrc, seq and payload type;
// original_seq is the number under which this receiver was sent the packet first.
void rtp_forward_copy_rtx(struct block *out, struct block *prepared, const struct forward_stamp *stamp,
                          uint16_t original_seq);

// Padding alone, under the header that a copy of this packet would have: neither payload nor marker.
void rtp_forward_copy_empty(struct block *out, struct block *prepared, const struct forward_stamp *stamp);

#endif
