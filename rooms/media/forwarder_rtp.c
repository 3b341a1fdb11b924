// The way of a packet from its endpoint, or from another worker, to every consumer.
#include "rooms/media/feedback.h"

#include "base/clock.h"
#include "base/seq.h"
#include "rtp/codec.h"
#include "rtp/red.h"

#include <assert.h>

#define RTX_AHEAD_MAX 32  // a repeat may overtake so many packets
#define STALE_RUN_MAX 50  // packets
#define CONSUMERS_AHEAD 8 // of the one that is served, so that the CPU has fetched them by then

static void stream_wake(struct producer_stream *s, uint64_t now_us) {
    struct producer *p = s->producer;
    if (s->life.first_packet_us == 0 || now_us > s->life.last_packet_us + LAYER_PAUSE_US) {
        s->life.first_packet_us = now_us;
        for (unsigned i = 0; p->params.stream_count > 1 && i < p->active_count; i++)
            consumer_select_layer(p->consumers[i], now_us);
    }
    s->life.last_packet_us = now_us;
    if (p->tick.due_us == TIME_NEVER)
        wheel_arm(p->fw->wheel, &p->tick, now_us + US_PER_MS);
}

// What fan_out_packet reads of a consumer, and of its receiver, which can be found once the consumer is here.
static void consumers_prefetch(const struct producer *p, unsigned at) {
    if (at + CONSUMERS_AHEAD < p->active_count)
        __builtin_prefetch(p->consumers[at + CONSUMERS_AHEAD]);
    if (at + CONSUMERS_AHEAD / 2 < p->active_count)
        __builtin_prefetch(p->consumers[at + CONSUMERS_AHEAD / 2]->endpoint, 1);
}

static void producer_note_level(struct producer *p, struct block *prepared, uint64_t now_us) {
    int8_t level;
    bool known = rtp_forward_level(prepared, &level);
    if (known) {
        p->audio.packets++;
        p->audio.level_sum += (uint32_t)-level;
    }
    loudest_hear(p, known ? level : SPEECH_LEVEL_UNKNOWN, now_us);
}

// To all consumers here and over all links behind which there are some. The stream's history keeps its own
// reference.
static void stream_fan_out(struct producer_stream *s, struct block *b, uint64_t now_us) {
    struct producer *p = s->producer;
    const struct forward_meta *meta = forward_meta_of(b);
    producer_note_packet(s, meta, b->len, now_us);
    if (producer_is_audio(p) && !meta->repaired)
        producer_note_level(p, b, now_us);
    if (s->history)
        history_put(s->history, meta->seq, b, now_us);
    if (!producer_is_audio(p) && p->active_count > 0)
        fan_out_note(p->fw, s, b);
    for (unsigned i = 0; i < p->active_count; i++) {
        consumers_prefetch(p, i);
        fan_out_packet(p->consumers[i], s, b, now_us);
    }
    if (producer_is_audio(p))
        loudest_keep(p, b);
    LINK_SET_EACH(link, &p->relays) {
        p->fw->out.relay_rtp(p->fw->out.ctx, *link, p->id, s->index, b);
        p->fw->counters.relayed_out++;
    }
}

// Counts a packet that came under its stream's own SSRC. False: its number is wild.
static bool stream_count(struct producer_stream *s, uint16_t seq, uint32_t timestamp, uint32_t bytes,
                         uint64_t now_us) {
    uint32_t restarts = s->stats.restarts;
    if (!receive_stats_add(&s->stats, seq, timestamp, bytes, now_us))
        return false;
    if (s->stats.restarts != restarts)
        producer_stream_restarted(s);
    return true;
}

// Whether a repeat may be of this stream as it is numbered now: what came under its own SSRC says where that
// is, a repeat only claims it. One that is far ahead was never sent, or is of a numbering that is over.
static bool stream_may_repeat(const struct producer_stream *s, uint16_t seq) {
    if (!s->stats.started || (s->nack && !nack_tracker_started(s->nack)))
        return false;
    int16_t ahead = seq16_diff(seq, (uint16_t)s->stats.highest_seq);
    return ahead <= RTX_AHEAD_MAX && ahead >= -NACK_AGE_MAX;
}

// A packet that seems to have come before, or late. Numbers that go back by less than what may have been
// overtaken look so one and all: so many of them in sequence, and nothing new in between, are a new
// beginning.
static bool stream_begins_anew(struct producer_stream *s, uint16_t seq) {
    s->stale_run = seq == s->stale_next ? s->stale_run + 1 : 1;
    s->stale_next = (uint16_t)(seq + 1);
    if (s->stale_run < STALE_RUN_MAX)
        return false;
    s->stale_run = 0;
    receive_stats_begin_anew(&s->stats, seq);
    producer_stream_restarted(s);
    return true;
}

// The same of a stream whose duplicates are not known.
static void stream_note_order(struct producer_stream *s, uint16_t seq) {
    if (seq16_diff(seq, (uint16_t)s->stats.highest_seq) < 0)
        (void)stream_begins_anew(s, seq);
    else
        s->stale_run = 0;
}

// A number that was asked for has come.
static void stream_note_repair(struct producer_stream *s, bool repeat) {
    s->repaired++;
    if (!repeat)
        return; // it was but late
    struct nack_answer answer = nack_tracker_answer(s->nack);
    round_trip_answered(&s->producer->endpoint->round_trip, answer.us, answer.tries == 1);
}

// Whether the newest packet ends its frame.
static void stream_note_end(struct producer_stream *s, const struct rtp_packet *packet, uint64_t now_us) {
    if (packet->seq != (uint16_t)s->stats.highest_seq)
        return;
    s->unfinished = !packet->marker && packet->payload.len > 0 && !producer_is_audio(s->producer);
    s->unfinished_us = now_us;
}

// What an arrival means for the publisher's statistics and for what is asked of it. False: it came before.
static bool stream_note_arrival(struct producer_stream *s, const struct rtp_packet *packet, bool key_frame,
                                bool rtx, uint64_t now_us) {
    bool key_frame_wanted = false;
    if (!s->nack) { // what may have come before cannot be told apart
        stream_note_order(s, packet->seq);
        return !rtx;
    }
    bool repeat = rtx || s->producer->params.rtx_payload_type == PAYLOAD_TYPE_NONE;
    unsigned flags = (key_frame ? NACK_OF_KEY_FRAME : 0) | (repeat ? NACK_IS_REPEAT : 0);
    unsigned missing = nack_tracker_pending(s->nack);
    enum nack_arrival arrival = nack_tracker_add(s->nack, packet->seq, flags, now_us, &key_frame_wanted);
    if (key_frame_wanted)
        producer_miss_key_frame(s, now_us);
    if (arrival == NACK_DUPLICATE_OR_OLD && !rtx && stream_begins_anew(s, packet->seq))
        arrival = nack_tracker_add(s->nack, packet->seq, flags, now_us, &key_frame_wanted);
    if (arrival == NACK_DUPLICATE_OR_OLD) {
        if (rtx)
            s->rtx_discarded++;
        else
            s->stats.duplicates++;
        return false;
    }
    if (!rtx)
        s->stale_run = 0;
    stream_note_end(s, packet, now_us);
    if (arrival == NACK_REPAIRED)
        stream_note_repair(s, repeat);
    feedback_schedule_nack(s, nack_tracker_pending(s->nack) > missing, now_us);
    return true;
}

// The media packet that a retransmission carries, with the numbers of its stream; false when there is none
// that can be of it.
static bool stream_unwrap(struct producer_stream *s, struct rtp_packet *packet, uint64_t now_us) {
    uint16_t seq;
    struct span payload;
    if (packet->payload_type != s->producer->params.rtx_payload_type)
        return false;
    s->retransmitted++;
    s->rtx_us = now_us;
    if (packet->payload.len == 0 || s->ssrc == 0 || rtp_unwrap_rtx(packet, &seq, &payload) != ERR_OK)
        return false; // probing with padding
    if (!stream_may_repeat(s, seq)) {
        s->rtx_discarded++;
        return false;
    }
    packet->header_len = (uint16_t)(packet->header_len + 2);
    packet->seq = seq;
    packet->payload = payload;
    packet->ssrc = s->ssrc;
    packet->payload_type = s->producer->params.payload_type;
    return true;
}

static void endpoint_count_in(struct endpoint *ep, uint16_t len, bool rtx, uint64_t now_us) {
    ep->fw->counters.rtp_in++;
    if (ep->report_timer.due_us == TIME_NEVER)
        feedback_schedule_reports(ep, now_us);
    if (rtx) {
        ep->stats.rtx_in += len;
        rate_meter_add(&ep->stats.rtx_in_rate, len, now_us);
    } else {
        ep->stats.rtp_in += len;
        rate_meter_add(&ep->stats.rtp_in_rate, len, now_us);
    }
}

// Descriptors of a stream are believed only with their structure. Sound has none, whatever its packets bring.
static bool stream_has_given_up(const struct producer_stream *s) {
    return !s->layers || s->layers->undescribed == UNDESCRIBED_MAX;
}

static void stream_note_undescribed(struct producer_stream *s, uint32_t timestamp, uint64_t now_us) {
    struct stream_layers *layers = s->layers;
    if (stream_has_given_up(s) || timestamp == layers->undescribed_timestamp)
        return;
    layers->undescribed_timestamp = timestamp;
    if (++layers->undescribed < UNDESCRIBED_MAX || layers->descriptors.structure.generation == 0)
        return;
    dd_reader_reset(&layers->descriptors);
    producer_miss_key_frame(s, now_us);
}

// What the dependency descriptor of a stream of video says; false: there is none, it is malformed, or of a
// structure that is not waited for any more.
static __attribute__((noinline)) bool stream_describe(struct producer_stream *s, struct span descriptor,
                                                      uint32_t timestamp, struct dd_frame *out,
                                                      uint64_t now_us) {
    bool described = descriptor.ptr && dd_read(&s->layers->descriptors, descriptor, out);
    if (described && out->facts.structure)
        s->layers->undescribed = 0;
    else
        stream_note_undescribed(s, timestamp, now_us);
    return described;
}

// Whether a packet that is no repeat is what its producer negotiated: its codec, or redundant audio of it,
// whose primary block *primary_at tells (0: it is none).
static bool stream_takes(const struct producer_stream *s, const struct rtp_packet *packet,
                         uint16_t *primary_at) {
    const struct producer_params *params = &s->producer->params;
    *primary_at = 0;
    if (packet->payload_type == params->payload_type)
        return true;
    if (params->red_payload_type == 0 || packet->payload_type != params->red_payload_type)
        return false;
    return packet->payload.len == 0 ||
           (red_read(packet->payload, primary_at) && red_is_of(packet->payload, params->payload_type));
}

// Everything about a packet whose stream is known; does not keep the block.
static enum forward_drop stream_packet(struct producer_stream *s, struct block *b, struct rtp_packet *packet,
                                       bool rtx, const struct rtp_ext_values *values, uint64_t now_us) {
    struct producer *p = s->producer;
    uint16_t primary_at = 0;
    if (rtx ? !stream_unwrap(s, packet, now_us) : !stream_takes(s, packet, &primary_at))
        return rtx ? FORWARD_DROP_NONE : FORWARD_DROP_MALFORMED;
    uint32_t bytes = (uint32_t)(packet->header_len + packet->payload.len + packet->padding);
    if (p->endpoint->gap.missing > 0 && !rtx && s->stats.started)
        number_gap_show(&p->endpoint->gap, seq16_diff(packet->seq, (uint16_t)s->stats.highest_seq));
    if (!rtx && !stream_count(s, packet->seq, packet->timestamp, bytes, now_us))
        return FORWARD_DROP_DUPLICATE;
    if (p->paused)
        return FORWARD_DROP_PAUSED;
    struct codec_frame frame = {0};
    struct span descriptor = values->of[EXT_DEPENDENCY_DESCRIPTOR];
    if (descriptor.ptr && stream_has_given_up(s) && !dd_has_structure(descriptor))
        descriptor = (struct span){0};
    if (packet->payload.len > 0)
        codec_inspect(p->params.codec, packet->payload, descriptor, &frame);
    stream_wake(s, now_us);
    if (!stream_note_arrival(s, packet, frame.key_frame, rtx, now_us))
        return FORWARD_DROP_DUPLICATE;
    if (packet->payload.len == 0) {
        producer_note_empty(s, packet->seq, now_us);
        for (unsigned i = 0; i < p->active_count; i++)
            fan_out_skip(p->consumers[i], s, packet->seq, now_us);
        return FORWARD_DROP_NONE;
    }
    struct dd_frame described;
    bool is_described = s->layers && (descriptor.ptr || !stream_has_given_up(s)) &&
                        stream_describe(s, descriptor, packet->timestamp, &described, now_us);
    struct rtp_ext_values timed;
    uint8_t captured[8];
    bool is_timed = producer_capture_time(s, packet, values, captured, now_us);
    if (is_timed || descriptor.ptr != values->of[EXT_DEPENDENCY_DESCRIPTOR].ptr) {
        timed = *values;
        timed.of[EXT_DEPENDENCY_DESCRIPTOR] = descriptor;
        if (is_timed)
            timed.of[EXT_ABS_CAPTURE_TIME] = span_of(captured, sizeof captured);
        values = &timed;
    }
    rtp_forward_prepare(b, packet, values, p->params.kind, now_us);
    struct forward_meta *meta = forward_meta_of(b);
    meta->key_frame = frame.key_frame;
    meta->opens = frame.opens;
    meta->frame_start = frame.frame_start;
    meta->layers = is_described ? described.facts : frame.layers;
    // One stream keeps its own numbers, unless some of its pictures are left out.
    if (p->params.stream_count > 1 || p->params.codec == CODEC_VP8)
        meta->pictures = frame.pictures;
    meta->primary_at = primary_at;
    meta->repaired = rtx;
    stream_fan_out(s, b, now_us);
    return FORWARD_DROP_NONE;
}

// False: its producer sends more than it may.
static bool stream_take_budget(struct producer_stream *s, uint16_t bytes, uint64_t now_us) {
    struct producer *p = s->producer;
    if (producer_budget_take(&p->budget, &p->fw->rates, p->params.kind, bytes, now_us))
        return true;
    p->fw->counters.over_budget++;
    p->fw->counters.spender = p->id;
    return false;
}

static enum forward_drop endpoint_packet(struct endpoint *ep, struct block *b, uint64_t now_us) {
    struct rtp_packet packet;
    if (rtp_parse(span_of(block_data(b), b->len), &packet) != ERR_OK)
        return FORWARD_DROP_MALFORMED;
    struct rtp_ext_values values;
    rtp_ext_read(&packet, &ep->ext, &values);
    struct ssrc_entry *e = endpoint_find_ssrc(ep, packet.ssrc);
    if (e && !stream_take_budget(e->stream, b->len, now_us))
        return FORWARD_DROP_OVER_BUDGET; // the publisher hears of it as lost
    uint16_t transport_seq;
    if (ep->twcc && rtp_ext_transport_seq(&values, &transport_seq))
        feedback_note_transport_seq(ep, transport_seq, packet.ssrc, now_us);
    else if (ep->ccfb)
        feedback_note_named(ep, packet.ssrc, packet.seq, now_us);
    if (!e)
        e = endpoint_learn_ssrc(ep, &packet, &values, now_us);
    if (!e) {
        ep->fw->out.forget_ssrc(ep->fw->out.ctx, ep->peer, packet.ssrc, false);
        return FORWARD_DROP_UNKNOWN_SSRC;
    }
    endpoint_count_in(ep, b->len, e->rtx, now_us);
    if (ep->estimate)
        feedback_note_arrival(ep, e->stream, &packet, &values, b->len, now_us);
    return stream_packet(e->stream, b, &packet, e->rtx, &values, now_us);
}

enum forward_drop forwarder_rtp(struct forwarder *fw, struct endpoint *from, struct block *b,
                                uint64_t now_us) {
    assert(from->fw == fw);
    fw->now_us = now_us;
    enum forward_drop drop = endpoint_packet(from, b, now_us);
    block_release(b);
    return drop;
}

bool forwarder_rtcp(struct forwarder *fw, struct endpoint *from, struct span datagram, uint64_t now_us) {
    fw->counters.rtcp_in++;
    return feedback_read(from, datagram, now_us);
}

// ---- over links

// What comes over a link as redundant audio is of a producer that sends such.
static bool producer_sends(const struct producer *p, struct block *b) {
    const struct forward_meta *meta = forward_meta_of(b);
    if (meta->primary_at == 0)
        return true;
    struct span payload =
        span_of(block_data(b) + meta->header_len, (size_t)b->len - meta->header_len - meta->padding);
    return p->params.red_payload_type != 0 && red_is_of(payload, p->params.payload_type);
}

void forwarder_relayed_rtp(struct forwarder *fw, struct link_id from, struct producer_id id, uint8_t stream,
                           struct block *b, uint64_t now_us) {
    struct producer *p = forwarder_producer(fw, id);
    struct forward_meta *meta = forward_meta_of(b);
    bool ours = p && !p->endpoint && p->source.v == from.v && producer_sends(p, b);
    if (ours && stream < p->params.stream_count && !p->paused) {
        struct producer_stream *s = &p->streams[stream];
        fw->counters.relayed_in++;
        if (meta->repaired || stream_count(s, meta->seq, meta->timestamp, b->len, now_us)) {
            if (!meta->repaired)
                stream_note_order(s, meta->seq);
            struct dd_frame described;
            struct span descriptor = span_of(b->bytes, meta->descriptor_len);
            descriptor.ptr = descriptor.len > 0 ? descriptor.ptr : NULL;
            if (s->layers && stream_describe(s, descriptor, meta->timestamp, &described, now_us))
                meta->layers = described.facts;
            stream_wake(s, now_us);
            stream_fan_out(s, b, now_us);
        }
    }
    block_release(b);
}

void forwarder_relay_note(struct forwarder *fw, struct link_id from, const struct relay_note *note,
                          uint64_t now_us) {
    struct producer *p = forwarder_producer(fw, note->producer);
    if (!p || note->stream >= p->params.stream_count)
        return;
    switch (note->type) {
    case RELAY_KEY_FRAME_WANTED:
        if (p->endpoint)
            producer_want_key_frame(p, note->stream, now_us);
        break;
    case RELAY_SENDER_REPORT:
        if (!p->endpoint && p->source.v == from.v) {
            p->streams[note->stream].repairs.wait_us = note->repair_wait_us;
            producer_sender_report(&p->streams[note->stream], note->ntp, note->rtp_timestamp,
                                   note->arrival_us, now_us);
        }
        break;
    }
}
