// Answers to GET_STATS: what forwarder.h knows of a transport, a producer or a consumer, as plain numbers.
#include "rooms/media/congestion.h"
#include "rooms/media/feedback.h"

#include <assert.h>
#include <string.h>

static uint64_t stream_lost_for_good(const struct producer_stream *s) {
    uint64_t lost = receive_stats_lost(&s->stats);
    return lost > s->repaired ? lost - s->repaired : 0;
}

static uint32_t at_most_u32(uint64_t value) {
    return value < UINT32_MAX ? (uint32_t)value : UINT32_MAX;
}

static void report_stream(const struct producer_stream *s, uint64_t now_us, struct stream_report *out) {
    uint64_t lost = receive_stats_lost(&s->stats), expected = s->stats.packets + lost;
    *out = (struct stream_report){
        .ssrc = s->ssrc,
        .rtx_ssrc = s->rtx_ssrc,
        .packet_count = s->stats.packets,
        .byte_count = s->stats.bytes,
        .bitrate_bps = rate_meter_bps(&s->stats.rate, now_us),
        .packets_lost = stream_lost_for_good(s),
        .fraction_lost = (uint8_t)(expected ? lost * 255 / expected : 0),
        .jitter = receive_stats_jitter(&s->stats),
        .packets_discarded = s->stats.discarded + s->stats.duplicates,
        .packets_retransmitted = s->retransmitted,
        .packets_repaired = s->repaired,
        .rtx_packets_discarded = s->rtx_discarded,
        .nack_count = s->nack_count,
        .nack_packet_count = s->nack_packet_count,
        .pli_count = s->pli_count,
        .fir_count = s->fir_count,
        .key_frames = s->key_frames,
        .round_trip_ms = s->producer->endpoint
                             ? (float)round_trip_us(&s->producer->endpoint->round_trip, now_us) / 1000
                             : 0,
        .score = s->score,
    };
    memcpy(out->rid, s->rid, sizeof out->rid);
}

static void report_consumer(const struct consumer *c, uint64_t now_us, struct stream_report *out) {
    *out = (struct stream_report){
        .ssrc = c->params.ssrc,
        .rtx_ssrc = c->params.rtx_ssrc,
        .packet_count = c->stats.packets,
        .byte_count = c->stats.bytes,
        .bitrate_bps = rate_meter_bps(&c->stats.rate, now_us),
        .packets_lost = c->stats.lost,
        .fraction_lost = c->stats.fraction_lost,
        .jitter = c->stats.jitter,
        .packets_retransmitted = c->stats.retransmitted,
        .nack_count = c->nack_count,
        .nack_packet_count = c->nack_packet_count,
        .pli_count = c->pli_count,
        .fir_count = c->fir_count,
        .round_trip_ms = (float)c->stats.rtt_us / 1000,
        .playout_delay_ms = c->waits.units * (PLAYOUT_UNIT_US / US_PER_MS),
        .score = c->score,
    };
}

static void report_link(const struct congestion *cg, uint64_t now_us, struct transport_stats *out) {
    struct bandwidth_state state = congestion_state(cg);
    bool counts = congestion_counts(cg, now_us);
    out->estimate_bps = counts ? congestion_estimate_bps(cg, &state) : 0;
    out->estimate_reason = counts ? congestion_link_reason(state.reason) : LINK_UNKNOWN;
    out->target_bps = at_most_u32(cg->granted_bps);
    out->wanted_bps = at_most_u32(cg->demand_bps);
    out->padding_bytes_sent = cg->padding_bytes;
}

static void report_transport(const struct endpoint *ep, uint64_t now_us, struct transport_stats *out) {
    out->rtp_bytes_received = ep->stats.rtp_in;
    out->rtp_bytes_sent = ep->stats.rtp_out;
    out->rtx_bytes_received = ep->stats.rtx_in;
    out->rtx_bytes_sent = ep->stats.rtx_out;
    out->rtp_recv_bitrate_bps = rate_meter_bps(&ep->stats.rtp_in_rate, now_us);
    out->rtp_send_bitrate_bps = rate_meter_bps(&ep->stats.rtp_out_rate, now_us);
    out->rtx_recv_bitrate_bps = rate_meter_bps(&ep->stats.rtx_in_rate, now_us);
    out->rtx_send_bitrate_bps = rate_meter_bps(&ep->stats.rtx_out_rate, now_us);
    out->rtp_packet_loss_received = feedback_loss(ep);
    out->max_bps = ep->max_bps;
    if (ep->congestion)
        report_link(ep->congestion, now_us, out);
    uint64_t sum = 0, count = 0;
    for (const struct list *node = ep->consumers.next; node != &ep->consumers; node = node->next, count++)
        sum += LIST_ENTRY(node, struct consumer, link)->stats.fraction_lost;
    out->rtp_packet_loss_sent = count ? (float)sum / (float)count / 256 : 0;
}

struct path_quality producer_quality(const struct producer *p) {
    struct path_quality quality = {0};
    for (unsigned i = 0; i < p->params.stream_count; i++) {
        const struct producer_stream *s = &p->streams[i];
        count_up(&quality.packets, s->stats.packets + receive_stats_lost(&s->stats));
        count_up(&quality.packets_lost, stream_lost_for_good(s));
    }
    return quality;
}

struct path_quality consumer_quality(const struct consumer *c) {
    struct path_quality quality = {0};
    uint64_t sent = c->stats.packets;
    count_up(&quality.packets, sent);
    count_up(&quality.packets_lost, c->stats.lost < sent ? c->stats.lost : sent);
    return quality;
}

struct path_quality forwarder_endpoint_quality(const struct endpoint *ep) {
    struct path_quality sum = ep->ended, one;
    LIST_EACH(p, &ep->producers) {
        one = producer_quality(LIST_ENTRY(p, struct producer, link));
        path_quality_add(&sum, &one);
    }
    LIST_EACH(c, &ep->consumers) {
        one = consumer_quality(LIST_ENTRY(c, struct consumer, link));
        path_quality_add(&sum, &one);
    }
    return sum;
}

void forwarder_stats(struct forwarder *fw, const struct media_cmd *cmd, uint64_t now_us,
                     struct media_stats *out) {
    assert(cmd->type == MEDIA_GET_STATS);
    const struct endpoint *ep = cmd->transport.v ? forwarder_endpoint(fw, cmd->transport) : NULL;
    const struct producer *p = cmd->producer.v ? forwarder_producer(fw, cmd->producer) : NULL;
    const struct consumer *c = cmd->consumer.v ? forwarder_consumer(fw, cmd->consumer) : NULL;
    if (c) {
        const struct producer *source = c->producer;
        report_consumer(c, now_us, &out->streams[0]);
        report_stream(&source->streams[c->current == LAYER_NONE ? 0 : c->current], now_us, &out->streams[1]);
        out->stream_count = 2;
    } else if (p) {
        for (unsigned i = 0; i < p->params.stream_count; i++)
            report_stream(&p->streams[i], now_us, &out->streams[i]);
        out->stream_count = p->params.stream_count;
    } else if (ep) {
        report_transport(ep, now_us, &out->transport);
    }
    out->found = c || p || ep;
}
