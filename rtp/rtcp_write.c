#include "rtp/rtcp_write.h"

#include "base/seq.h"

#include <assert.h>

#define TYPE_SR 200
#define TYPE_RR 201
#define TYPE_SDES 202
#define TYPE_RTPFB 205
#define TYPE_PSFB 206
#define TYPE_XR 207

#define FMT_NACK 1
#define FMT_PLI 1
#define FMT_FIR 4
#define FMT_ALFB 15 // application layer feedback

#define HEAD_BYTES 4
#define SENDER_INFO_BYTES 20
#define REPORT_BYTES 24
#define NACK_ITEM_BYTES 4
#define SDES_CNAME 1
#define XR_RRTR 4
#define XR_DLRR 5
#define XR_BLOCK_HEAD_BYTES 4
#define RRTR_BYTES 8
#define DLRR_ITEM_BYTES 12

// Room for a whole packet of `bytes` with its head written, or a failed writer: never half a packet.
static struct writer begin_packet(struct writer *w, uint8_t type, unsigned count, size_t bytes) {
    assert(bytes % 4 == 0 && bytes >= HEAD_BYTES && bytes / 4 - 1 <= UINT16_MAX && count < 32);
    uint8_t *room = write_raw(w, bytes);
    if (!room)
        return (struct writer){.failed = true};
    struct writer packet = writer_of(room, bytes);
    write_u8(&packet, (uint8_t)(0x80 | count)); // version 2, no padding
    write_u8(&packet, type);
    write_u16(&packet, (uint16_t)(bytes / 4 - 1));
    return packet;
}

static uint32_t cumulative_lost_24(int32_t lost) {
    if (lost > 0x7fffff)
        lost = 0x7fffff;
    if (lost < -0x800000)
        lost = -0x800000;
    return (uint32_t)lost & 0xffffff;
}

static void write_reports(struct writer *w, const struct rtcp_report *reports, unsigned count) {
    for (unsigned i = 0; i < count; i++) {
        const struct rtcp_report *r = &reports[i];
        write_u32(w, r->ssrc);
        write_u8(w, r->fraction_lost);
        write_u24(w, cumulative_lost_24(r->cumulative_lost));
        write_u32(w, r->highest_seq);
        write_u32(w, r->jitter);
        write_u32(w, r->last_sr);
        write_u32(w, r->delay_since_sr);
    }
}

void rtcp_write_sr(struct writer *w, uint32_t ssrc, const struct rtcp_sender_info *info,
                   const struct rtcp_report *reports, unsigned count) {
    assert(count <= RTCP_REPORTS_MAX);
    size_t bytes = HEAD_BYTES + 4 + SENDER_INFO_BYTES + (size_t)count * REPORT_BYTES;
    struct writer packet = begin_packet(w, TYPE_SR, count, bytes);
    write_u32(&packet, ssrc);
    write_u64(&packet, info->ntp);
    write_u32(&packet, info->rtp_timestamp);
    write_u32(&packet, info->packet_count);
    write_u32(&packet, info->octet_count);
    write_reports(&packet, reports, count);
}

void rtcp_write_rr(struct writer *w, uint32_t ssrc, const struct rtcp_report *reports, unsigned count) {
    assert(count <= RTCP_REPORTS_MAX);
    size_t bytes = HEAD_BYTES + 4 + (size_t)count * REPORT_BYTES;
    struct writer packet = begin_packet(w, TYPE_RR, count, bytes);
    write_u32(&packet, ssrc);
    write_reports(&packet, reports, count);
}

void rtcp_write_sdes_cname(struct writer *w, uint32_t ssrc, const char *cname) {
    size_t len = strlen(cname);
    if (len > UINT8_MAX) {
        w->failed = true;
        return;
    }
    // RFC 3550, 6.5: the list of items ends with at least one zero, up to the next 32-bit boundary.
    size_t chunk = (4 + 2 + len + 1 + 3) & ~(size_t)3;
    struct writer packet = begin_packet(w, TYPE_SDES, 1, HEAD_BYTES + chunk);
    write_u32(&packet, ssrc);
    write_u8(&packet, SDES_CNAME);
    write_u8(&packet, (uint8_t)len);
    write_span(&packet, span_of(cname, len));
    if (!packet.failed)
        write_zeros(&packet, packet.cap - packet.len);
}

// The item that starts with seqs[0]; returns how many numbers it covers.
static unsigned nack_item(const uint16_t *seqs, unsigned count, struct rtcp_nack_item *item) {
    *item = (struct rtcp_nack_item){.seq = seqs[0]};
    unsigned n = 1;
    for (; n < count; n++) {
        int ahead = seq16_diff(seqs[n], seqs[0]);
        if (ahead < 0 || ahead > 16)
            break;
        if (ahead > 0)
            item->bitmask |= (uint16_t)(1u << (ahead - 1));
    }
    return n;
}

unsigned rtcp_write_nack(struct writer *w, uint32_t sender_ssrc, uint32_t media_ssrc, const uint16_t *seqs,
                         unsigned count) {
    if (count == 0)
        return 0;
    size_t room = w->failed ? 0 : w->cap - w->len;
    size_t fixed = HEAD_BYTES + 8;
    size_t items_max = room > fixed ? (room - fixed) / NACK_ITEM_BYTES : 0;
    if (items_max > UINT16_MAX - 2)
        items_max = UINT16_MAX - 2;
    struct rtcp_nack_item item;
    size_t items = 0;
    for (unsigned i = 0; i < count && items < items_max; items++)
        i += nack_item(seqs + i, count - i, &item);
    // Not even one: asking for the room of one fails the writer.
    struct writer packet =
        begin_packet(w, TYPE_RTPFB, FMT_NACK, fixed + (items ? items : 1) * NACK_ITEM_BYTES);
    write_u32(&packet, sender_ssrc);
    write_u32(&packet, media_ssrc);
    unsigned done = 0;
    for (; items > 0; items--) {
        done += nack_item(seqs + done, count - done, &item);
        write_u16(&packet, item.seq);
        write_u16(&packet, item.bitmask);
    }
    return done;
}

void rtcp_write_pli(struct writer *w, uint32_t sender_ssrc, uint32_t media_ssrc) {
    struct writer packet = begin_packet(w, TYPE_PSFB, FMT_PLI, HEAD_BYTES + 8);
    write_u32(&packet, sender_ssrc);
    write_u32(&packet, media_ssrc);
}

void rtcp_write_fir(struct writer *w, uint32_t sender_ssrc, uint32_t media_ssrc, uint8_t command_seq) {
    struct writer packet = begin_packet(w, TYPE_PSFB, FMT_FIR, HEAD_BYTES + 8 + 8);
    write_u32(&packet, sender_ssrc);
    write_u32(&packet, 0); // RFC 5104, 4.3.1.2: not used in the head
    write_u32(&packet, media_ssrc);
    write_u8(&packet, command_seq);
    write_zeros(&packet, 3);
}

void rtcp_write_remb(struct writer *w, uint32_t sender_ssrc, uint64_t bps, const uint32_t *ssrcs,
                     unsigned count) {
    assert(count <= UINT8_MAX);
    uint32_t exponent = 0;
    while (bps >> exponent > 0x3ffff) // 18 bits
        exponent++;
    struct writer packet = begin_packet(w, TYPE_PSFB, FMT_ALFB, HEAD_BYTES + 8 + 8 + 4 * (size_t)count);
    write_u32(&packet, sender_ssrc);
    write_u32(&packet, 0); // always
    write_span(&packet, span_of("REMB", 4));
    write_u32(&packet, count << 24 | exponent << 18 | (uint32_t)(bps >> exponent));
    for (unsigned i = 0; i < count; i++)
        write_u32(&packet, ssrcs[i]);
}

static void write_xr_head(struct writer *w, uint8_t type, size_t bytes) {
    write_u8(w, type);
    write_u8(w, 0); // reserved
    write_u16(w, (uint16_t)(bytes / 4));
}

void rtcp_write_xr(struct writer *w, uint32_t ssrc, uint64_t ntp, const struct rtcp_dlrr_item *items,
                   unsigned count) {
    assert(count <= RTCP_REPORTS_MAX && (ntp != 0 || count > 0));
    size_t rrtr = ntp ? XR_BLOCK_HEAD_BYTES + RRTR_BYTES : 0;
    size_t dlrr = count ? XR_BLOCK_HEAD_BYTES + (size_t)count * DLRR_ITEM_BYTES : 0;
    struct writer packet = begin_packet(w, TYPE_XR, 0, HEAD_BYTES + 4 + rrtr + dlrr);
    write_u32(&packet, ssrc);
    if (ntp) {
        write_xr_head(&packet, XR_RRTR, RRTR_BYTES);
        write_u64(&packet, ntp);
    }
    if (count)
        write_xr_head(&packet, XR_DLRR, (size_t)count * DLRR_ITEM_BYTES);
    for (unsigned i = 0; i < count; i++) {
        write_u32(&packet, items[i].ssrc);
        write_u32(&packet, items[i].last_rr);
        write_u32(&packet, items[i].delay_since_rr);
    }
}
