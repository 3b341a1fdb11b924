// An RTCP datagram from the network: every packet and every entry is read. What is found is written again
// with our own writer, and that must read back as it was.
#include "rtp/rtcp_write.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool right) {
    if (!right)
        abort();
}

static unsigned reports_of(struct span body, struct rtcp_report *reports) {
    struct reader r = reader_of(body);
    unsigned n = 0;
    while (n < RTCP_REPORTS_MAX && rtcp_report_next(&r, &reports[n])) {
        check(reports[n].cumulative_lost >= -0x800000 && reports[n].cumulative_lost <= 0x7fffff);
        check(rtcp_round_trip_us(&reports[n], UINT64_C(0x123456789abcdef0)) <= RTCP_ROUND_TRIP_MAX_US);
        n++;
    }
    return n;
}

// Everything that the items ask for, in the order in which they ask.
static unsigned nacked_of(struct span body, uint16_t *seqs, unsigned max) {
    struct reader r = reader_of(body);
    struct rtcp_nack_item item;
    unsigned n = 0;
    while (rtcp_nack_next(&r, &item) && n + 17 <= max) {
        seqs[n++] = item.seq;
        for (unsigned bit = 0; bit < 16; bit++)
            if (item.bitmask >> bit & 1)
                seqs[n++] = (uint16_t)(item.seq + bit + 1);
    }
    return n;
}

// Everything that an extended report tells of round trips, as one of ours has it: the last time, and all
// answers.
struct times {
    uint64_t ntp;
    struct rtcp_dlrr_item items[RTCP_REPORTS_MAX];
    unsigned count;
};

static struct times times_of(struct span body) {
    struct times t = {0};
    struct reader r = reader_of(body);
    for (struct rtcp_xr_block block; rtcp_xr_next(&r, &block);) {
        check(block.is_dlrr || block.items.len == 0);
        check(block.items.len == 0 ||
              (block.items.ptr >= body.ptr && block.items.ptr + block.items.len <= body.ptr + body.len));
        t.ntp = block.is_dlrr ? t.ntp : block.ntp;
        struct reader items = reader_of(block.items);
        while (t.count < RTCP_REPORTS_MAX && rtcp_dlrr_next(&items, &t.items[t.count]))
            t.count++;
    }
    return t;
}

static void write_again(struct writer *w, const struct rtcp_packet *p) {
    struct rtcp_report reports[RTCP_REPORTS_MAX];
    struct rtcp_sender_info info = {p->ntp, p->rtp_timestamp, p->packet_count, p->octet_count};
    uint16_t seqs[512];
    struct reader r = reader_of(p->body);
    struct rtcp_fir_entry fir;
    switch (p->kind) {
    case RTCP_SENDER_REPORT:
        rtcp_write_sr(w, p->sender_ssrc, &info, reports, reports_of(p->body, reports));
        break;
    case RTCP_RECEIVER_REPORT:
        rtcp_write_rr(w, p->sender_ssrc, reports, reports_of(p->body, reports));
        break;
    case RTCP_NACK:
        rtcp_write_nack(w, p->sender_ssrc, p->media_ssrc, seqs, nacked_of(p->body, seqs, 512));
        break;
    case RTCP_PLI:
        rtcp_write_pli(w, p->sender_ssrc, p->media_ssrc);
        break;
    case RTCP_FIR:
        while (rtcp_fir_next(&r, &fir))
            rtcp_write_fir(w, p->sender_ssrc, fir.ssrc, fir.command_seq);
        break;
    case RTCP_XR: {
        struct times t = times_of(p->body);
        if (t.ntp || t.count)
            rtcp_write_xr(w, p->sender_ssrc, t.ntp, t.items, t.count);
        break;
    }
    case RTCP_REMB:
        rtcp_write_remb(w, p->sender_ssrc, p->remb_bps, NULL, 0);
        break;
    case RTCP_BYE:
    case RTCP_OTHER:
    case RTCP_TRANSPORT_CC:
    case RTCP_CCFB:
        break;
    }
}

// One of our packets says what the one that it was made of said.
static void check_same(const struct rtcp_packet *was, const struct rtcp_packet *is) {
    check(is->kind == was->kind && is->sender_ssrc == was->sender_ssrc);
    if (was->kind == RTCP_SENDER_REPORT)
        check(is->ntp == was->ntp && is->rtp_timestamp == was->rtp_timestamp &&
              is->packet_count == was->packet_count && is->octet_count == was->octet_count);
    if (was->kind == RTCP_SENDER_REPORT || was->kind == RTCP_RECEIVER_REPORT)
        check(span_equal(is->body, was->body));
    if (was->kind == RTCP_XR) {
        struct times wanted = times_of(was->body), got = times_of(is->body);
        check(wanted.ntp == got.ntp && wanted.count == got.count);
        for (unsigned i = 0; i < got.count; i++)
            check(got.items[i].ssrc == wanted.items[i].ssrc &&
                  got.items[i].last_rr == wanted.items[i].last_rr &&
                  got.items[i].delay_since_rr == wanted.items[i].delay_since_rr);
    }
    if (was->kind == RTCP_REMB) // 18 significant bits
        check(is->remb_bps <= was->remb_bps && is->remb_bps >= was->remb_bps - (was->remb_bps >> 17));
    if (was->kind == RTCP_PLI || was->kind == RTCP_NACK)
        check(is->media_ssrc == was->media_ssrc);
    if (was->kind == RTCP_NACK) {
        uint16_t wanted[512], got[512];
        unsigned n = nacked_of(was->body, wanted, 512), m = nacked_of(is->body, got, 512);
        // Numbers that were asked for twice may be asked for once.
        check(m <= n && (n == 0 || (m > 0 && got[0] == wanted[0])));
    }
}

static void check_round_trip(const struct rtcp_packet *p) {
    uint8_t buffer[4096];
    struct writer w = writer_of(buffer, sizeof buffer);
    write_again(&w, p);
    if (w.failed)
        return;
    struct rtcp_walk walk = rtcp_walk_of(span_of(buffer, w.len));
    struct rtcp_packet again;
    while (rtcp_walk_next(&walk, &again))
        check_same(p, &again);
    check(!walk.malformed);
}

// The same into a buffer that is too small, at a place that the input chooses: never half a packet.
static void check_small_buffer(const struct rtcp_packet *p, size_t cap) {
    uint8_t *buffer = malloc(cap ? cap : 1);
    struct writer w = writer_of(buffer, cap);
    write_again(&w, p);
    struct rtcp_walk walk = rtcp_walk_of(span_of(buffer, w.len));
    struct rtcp_packet again;
    while (rtcp_walk_next(&walk, &again))
        ;
    check(!walk.malformed);
    free(buffer);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct rtcp_walk walk = rtcp_walk_of(span_of(data, size));
    struct rtcp_packet p;
    while (rtcp_walk_next(&walk, &p)) {
        check(p.body.len == 0 || (p.body.ptr >= data && p.body.ptr + p.body.len <= data + size));
        check_round_trip(&p);
        check_small_buffer(&p, size % 64);
    }
    return 0;
}
