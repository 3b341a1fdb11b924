#include "rtp/rtcp_read.h"

#define TYPE_SR 200
#define TYPE_RR 201
#define TYPE_BYE 203
#define TYPE_RTPFB 205 // RFC 4585, 6.1
#define TYPE_PSFB 206
#define TYPE_XR 207 // RFC 3611

#define FMT_NACK 1
#define FMT_CCFB 11 // RFC 8888, 3.1
#define FMT_TRANSPORT_CC 15
#define FMT_PLI 1
#define FMT_FIR 4
#define FMT_APPLICATION 15 // RFC 4585, 6.4

#define REPORT_BYTES 24
#define FIR_BYTES 8

#define XR_RRTR 4 // RFC 3611, 4.4
#define XR_DLRR 5
#define RRTR_BYTES 8
#define DLRR_ITEM_BYTES 12

struct rtcp_walk rtcp_walk_of(struct span datagram) {
    return (struct rtcp_walk){.left = reader_of(datagram)};
}

// The body without its padding, whose last byte counts it. RFC 3550, 6.4.1, wants whole words; transport-wide
// feedback, whose own length is in bytes, is padded by one to three, and browsers do so.
static bool strip_padding(struct reader *body) {
    if (body->left == 0)
        return false;
    uint8_t padding = body->ptr[body->left - 1];
    if (padding == 0 || padding > body->left)
        return false;
    body->left -= padding;
    return true;
}

// Report blocks; profile-specific extensions may follow them and are left.
static void read_report(struct reader *r, uint8_t count, bool sender, struct rtcp_packet *out) {
    out->kind = sender ? RTCP_SENDER_REPORT : RTCP_RECEIVER_REPORT;
    out->sender_ssrc = read_u32(r);
    if (sender) {
        out->ntp = read_u64(r);
        out->rtp_timestamp = read_u32(r);
        out->packet_count = read_u32(r);
        out->octet_count = read_u32(r);
    }
    out->body = read_span(r, (size_t)count * REPORT_BYTES);
}

// A BYE that names nobody says nothing.
static void read_bye(struct reader *r, uint8_t count, struct rtcp_packet *out) {
    if (count == 0)
        return;
    out->kind = RTCP_BYE;
    out->sender_ssrc = read_u32(r);
    out->body = read_span(r, (size_t)(count - 1) * 4);
}

static enum rtcp_kind feedback_kind(uint8_t type, uint8_t fmt) {
    if (type == TYPE_RTPFB)
        return fmt == FMT_NACK ? RTCP_NACK : fmt == FMT_TRANSPORT_CC ? RTCP_TRANSPORT_CC : RTCP_OTHER;
    if (fmt == FMT_APPLICATION)
        return RTCP_REMB; // if it turns out to be
    return fmt == FMT_PLI ? RTCP_PLI : fmt == FMT_FIR ? RTCP_FIR : RTCP_OTHER;
}

// A mantissa of 18 bits and an exponent of 6 (section 2.2); the SSRCs that follow do not matter: it is about
// all of the transport. What is not REMB is somebody else's.
static void read_remb(struct reader *r, struct rtcp_packet *out) {
    struct span name = read_span(r, 4);
    if (r->failed || !span_equal(name, span_of("REMB", 4))) {
        r->failed = false;
        out->kind = RTCP_OTHER;
        return;
    }
    uint32_t count_and_rate = read_u32(r);
    uint64_t mantissa = count_and_rate & 0x3ffff;
    unsigned exponent = count_and_rate >> 18 & 0x3f;
    bool fits = mantissa == 0 || exponent <= 64 - 18;
    out->remb_bps = fits ? mantissa << (mantissa ? exponent : 0) : UINT64_MAX;
}

static void read_feedback(struct reader *r, uint8_t type, uint8_t fmt, struct rtcp_packet *out) {
    out->kind = feedback_kind(type, fmt);
    out->sender_ssrc = read_u32(r);
    if (type == TYPE_RTPFB && fmt == FMT_CCFB) {
        out->kind = RTCP_CCFB;
        out->body = read_span(r, r->left);
        return;
    }
    out->media_ssrc = read_u32(r);
    if (out->kind == RTCP_REMB)
        read_remb(r, out);
    size_t len = out->kind == RTCP_FIR ? r->left - r->left % FIR_BYTES : r->left;
    out->body = read_span(r, len);
}

// RFC 3611, section 3: each block has its length in words, less one; all must fit.
static void read_xr(struct reader *r, struct rtcp_packet *out) {
    out->kind = RTCP_XR;
    out->sender_ssrc = read_u32(r);
    out->body = span_of(r->ptr, r->left);
    while (!r->failed && r->left > 0) {
        read_u16(r); // type and what it says
        size_t words = read_u16(r);
        read_raw(r, words * 4);
    }
}

static void read_body(struct reader *r, uint8_t type, uint8_t count, struct rtcp_packet *out) {
    switch (type) {
    case TYPE_SR:
    case TYPE_RR:
        read_report(r, count, type == TYPE_SR, out);
        break;
    case TYPE_BYE:
        read_bye(r, count, out);
        break;
    case TYPE_RTPFB:
    case TYPE_PSFB:
        read_feedback(r, type, count, out);
        break;
    case TYPE_XR:
        read_xr(r, out);
        break;
    default:
        break;
    }
}

bool rtcp_walk_next(struct rtcp_walk *walk, struct rtcp_packet *out) {
    *out = (struct rtcp_packet){.kind = RTCP_OTHER};
    if (walk->malformed || walk->left.left == 0)
        return false;
    uint8_t first = read_u8(&walk->left);
    uint8_t type = read_u8(&walk->left);
    size_t words = read_u16(&walk->left);
    struct reader body = read_sub(&walk->left, words * 4);
    bool right = !body.failed && first >> 6 == 2 && (!(first & 0x20) || strip_padding(&body));
    if (right)
        read_body(&body, type, first & 0x1f, out);
    if (!right || body.failed) {
        *out = (struct rtcp_packet){.kind = RTCP_OTHER};
        walk->malformed = true;
        return false;
    }
    return true;
}

bool rtcp_report_next(struct reader *body, struct rtcp_report *out) {
    uint32_t ssrc = read_u32(body);
    uint8_t fraction = read_u8(body);
    uint32_t lost = read_u24(body);
    *out = (struct rtcp_report){
        .ssrc = ssrc,
        .fraction_lost = fraction,
        .cumulative_lost = (int32_t)(lost ^ 0x800000) - 0x800000, // RFC 3550, 6.4.1: signed
        .highest_seq = read_u32(body),
        .jitter = read_u32(body),
        .last_sr = read_u32(body),
        .delay_since_sr = read_u32(body),
    };
    return !body->failed;
}

bool rtcp_nack_next(struct reader *body, struct rtcp_nack_item *out) {
    out->seq = read_u16(body);
    out->bitmask = read_u16(body);
    return !body->failed;
}

bool rtcp_fir_next(struct reader *body, struct rtcp_fir_entry *out) {
    out->ssrc = read_u32(body);
    out->command_seq = read_u8(body);
    read_u24(body); // reserved
    return !body->failed;
}

bool rtcp_xr_next(struct reader *body, struct rtcp_xr_block *out) {
    while (!body->failed && body->left > 0) {
        uint8_t type = read_u8(body);
        read_u8(body); // reserved
        size_t bytes = (size_t)read_u16(body) * 4;
        struct reader block = read_sub(body, bytes);
        if (block.failed)
            return false;
        *out = (struct rtcp_xr_block){.is_dlrr = type == XR_DLRR};
        if (type == XR_RRTR && bytes == RRTR_BYTES) {
            out->ntp = read_u64(&block);
            return true;
        }
        if (type == XR_DLRR && bytes % DLRR_ITEM_BYTES == 0) {
            out->items = span_of(block.ptr, bytes);
            return true;
        }
    }
    return false;
}

bool rtcp_dlrr_next(struct reader *items, struct rtcp_dlrr_item *out) {
    out->ssrc = read_u32(items);
    out->last_rr = read_u32(items);
    out->delay_since_rr = read_u32(items);
    return !items->failed;
}

// RFC 3550, 6.4.1: A - LSR - DLSR, in units of 1/65536 second.
uint32_t rtcp_round_trip_us(const struct rtcp_report *report, uint64_t now_ntp) {
    if (report->last_sr == 0)
        return 0;
    uint32_t units = (uint32_t)(now_ntp >> 16) - report->last_sr - report->delay_since_sr;
    uint64_t us = (uint64_t)units * 1000000 >> 16;
    if (us > RTCP_ROUND_TRIP_MAX_US) // also what would be negative
        return 0;
    return us == 0 ? 1 : (uint32_t)us;
}
