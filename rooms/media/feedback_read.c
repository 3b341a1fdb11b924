// RTCP that comes in: from publishers about what they send, from receivers about what they get.
#include "rooms/media/congestion.h"
#include "rooms/media/feedback.h"

#include "base/clock.h"
#include "rtp/rtcp_read.h"

#define SCORE_INTERVAL_US 2000000

// The consumer of this endpoint that is sent under an SSRC, or NULL.
static struct consumer *consumer_of_ssrc(struct endpoint *ep, uint32_t ssrc) {
    struct {
        uint32_t endpoint, ssrc;
    } key = {ep->id.v, ssrc};
    uint32_t handle = hmap_get(ep->fw->consumer_ssrcs, &key);
    return handle == HMAP_NONE ? NULL : slots_get(ep->fw->consumers, handle);
}

static void consumer_rate(struct consumer *c, uint64_t now_us) {
    uint8_t score = stream_score(256, c->stats.fraction_lost, 0);
    if (score == c->score || now_us < c->score_us + SCORE_INTERVAL_US)
        return;
    c->score = score;
    c->score_us = now_us;
    forwarder_event(c->fw,
                    &(struct media_event){.type = MEDIA_CONSUMER_SCORE, .consumer = c->id, .score = score});
}

static void read_reports(struct endpoint *ep, struct span body, uint64_t now_us) {
    struct reader r = reader_of(body);
    for (struct rtcp_report report; rtcp_report_next(&r, &report);) {
        struct consumer *c = consumer_of_ssrc(ep, report.ssrc);
        if (!c)
            continue;
        // The round trip is told on the clock of the report that it answers, the publisher's.
        bool answers_last = c->sr_us && report.last_sr == (uint32_t)(c->sr_ntp >> 16);
        uint64_t since_us = now_us - c->sr_us;
        uint64_t now_ntp =
            c->sr_ntp + (since_us / US_PER_SECOND << 32) + ((since_us % US_PER_SECOND << 32) / US_PER_SECOND);
        if (!answers_last)
            report.last_sr = 0;
        send_stats_report(&c->stats, &report, now_ntp);
        if (c->stats.rtt_us > ep->ended.rtt_us_max)
            ep->ended.rtt_us_max = c->stats.rtt_us;
        if (ep->congestion)
            bandwidth_report(ep->congestion->bandwidth, report.fraction_lost, c->stats.rtt_us, now_us);
        repair_note_report(c, now_us);
        downlink_acknowledge(c, (uint16_t)report.highest_seq, now_us);
        consumer_note_sound_loss(c, now_us);
        consumer_rate(c, now_us);
    }
}

static void read_nack(struct endpoint *ep, const struct rtcp_packet *packet, uint64_t now_us) {
    struct consumer *c = consumer_of_ssrc(ep, packet->media_ssrc);
    ep->fw->counters.nack_in++;
    if (!c)
        return;
    c->nack_count++;
    struct reader r = reader_of(packet->body);
    for (struct rtcp_nack_item item; rtcp_nack_next(&r, &item);) {
        repair_ask(c, item.seq, now_us);
        for (unsigned i = 0; i < 16; i++)
            if (item.bitmask >> i & 1)
                repair_ask(c, (uint16_t)(item.seq + i + 1), now_us);
    }
}

static void consumer_wants_key_frame(struct consumer *c, uint64_t now_us) {
    c->fw->counters.pli_in++;
    consumer_wish_key_frame(c, now_us);
}

static void read_pli(struct endpoint *ep, const struct rtcp_packet *packet, uint64_t now_us) {
    struct consumer *c = consumer_of_ssrc(ep, packet->media_ssrc);
    if (!c)
        return;
    c->pli_count++;
    consumer_wants_key_frame(c, now_us);
}

static void read_fir(struct endpoint *ep, const struct rtcp_packet *packet, uint64_t now_us) {
    struct reader r = reader_of(packet->body);
    for (struct rtcp_fir_entry entry; rtcp_fir_next(&r, &entry);) {
        struct consumer *c = consumer_of_ssrc(ep, entry.ssrc);
        if (!c)
            continue;
        c->fir_count++;
        consumer_wants_key_frame(c, now_us);
    }
}

static void read_sender_report(struct endpoint *ep, const struct rtcp_packet *packet, uint64_t now_us) {
    struct ssrc_entry *e = endpoint_find_ssrc(ep, packet->sender_ssrc);
    if (e && !e->rtx) {
        receive_stats_sender_report(&e->stream->stats, packet->ntp, now_us);
        if (packet->ntp != 0) // RFC 3550, 6.4.1: zero from a sender that has no clock
            producer_sender_report(e->stream, packet->ntp, packet->rtp_timestamp, now_us, now_us);
    }
    read_reports(ep, packet->body, now_us);
}

// RFC 3611, 4.5: a newer time takes the place of an older one of the same source. What more sources tell than
// there is room for is not answered.
static void note_told_time(struct endpoint *ep, uint32_t ssrc, uint64_t ntp, uint64_t now_us) {
    unsigned i = 0;
    while (i < ep->told_count && ep->told[i].ssrc != ssrc)
        i++;
    if (i == TIMES_TOLD_MAX)
        return;
    ep->told[i] = (struct told_time){.ssrc = ssrc, .mid = (uint32_t)(ntp >> 16), .at_us = now_us};
    if (i == ep->told_count)
        ep->told_count++;
}

// Each stream of a publisher answers by itself.
static void read_answers(struct endpoint *ep, struct span items, uint64_t now_us) {
    struct reader r = reader_of(items);
    for (struct rtcp_dlrr_item item; rtcp_dlrr_next(&r, &item);)
        if (item.ssrc == ep->sender_ssrc && round_trip_told(&ep->round_trip, &item, now_us) &&
            ep->round_trip.told_us > ep->ended.rtt_us_max)
            ep->ended.rtt_us_max = ep->round_trip.told_us;
}

static void read_extended(struct endpoint *ep, const struct rtcp_packet *packet, uint64_t now_us) {
    struct reader r = reader_of(packet->body);
    for (struct rtcp_xr_block block; rtcp_xr_next(&r, &block);) {
        if (block.is_dlrr)
            read_answers(ep, block.items, now_us);
        else if (block.ntp != 0) // a source that has no clock
            note_told_time(ep, packet->sender_ssrc, block.ntp, now_us);
    }
}

// About everything that goes to this endpoint. False: malformed.
static bool read_arrivals(struct endpoint *ep, const struct rtcp_packet *packet, uint64_t now_us) {
    struct congestion *cg = ep->congestion;
    if (!cg)
        return true;
    if (packet->kind == RTCP_TRANSPORT_CC)
        return congestion_twcc(cg, packet->body, now_us);
    if (packet->kind == RTCP_CCFB)
        return congestion_ccfb(cg, packet->body, now_us);
    congestion_remb(cg, packet->remb_bps, now_us);
    return true;
}

bool feedback_read(struct endpoint *ep, struct span datagram, uint64_t now_us) {
    bool right = true;
    struct rtcp_walk walk = rtcp_walk_of(datagram);
    for (struct rtcp_packet packet; rtcp_walk_next(&walk, &packet);) {
        switch (packet.kind) {
        case RTCP_SENDER_REPORT:
            read_sender_report(ep, &packet, now_us);
            break;
        case RTCP_RECEIVER_REPORT:
            read_reports(ep, packet.body, now_us);
            break;
        case RTCP_NACK:
            read_nack(ep, &packet, now_us);
            break;
        case RTCP_PLI:
            read_pli(ep, &packet, now_us);
            break;
        case RTCP_FIR:
            read_fir(ep, &packet, now_us);
            break;
        case RTCP_TRANSPORT_CC:
        case RTCP_CCFB:
        case RTCP_REMB:
            right &= read_arrivals(ep, &packet, now_us);
            break;
        case RTCP_XR:
            read_extended(ep, &packet, now_us);
            break;
        case RTCP_BYE: // a producer ends by close-producer alone
        case RTCP_OTHER:
            break;
        }
    }
    return right && !walk.malformed;
}
