// The tables of a worker's media objects, its commands, and the way of a packet from its endpoint to every
// consumer.
#include "rooms/feedback.h"

#include "base/clock.h"
#include "base/log.h"
#include "rtp/codec.h"

#include <assert.h>
#include <stdlib.h>

// ---- tables

// xorshift64*: for SSRCs, first numbers and report intervals, not for secrets.
uint64_t forwarder_random(struct forwarder *fw) {
    fw->random ^= fw->random >> 12;
    fw->random ^= fw->random << 25;
    fw->random ^= fw->random >> 27;
    return (fw->random * UINT64_C(0x2545f4914f6cdd1d)) >> 16;
}

struct forwarder *forwarder_create(const struct forwarder_config *config,
                                   const struct forwarder_output *output, struct pool *pool,
                                   struct wheel *wheel) {
    struct forwarder *fw = calloc(1, sizeof *fw);
    if (!fw)
        return NULL;
    *fw = (struct forwarder){
        .config = *config, .out = *output, .pool = pool, .wheel = wheel, .random = config->random_seed | 1};
    fw->endpoints = slots_create(FORWARDER_OBJECTS_MAX);
    fw->producers = slots_create(FORWARDER_OBJECTS_MAX);
    fw->consumers = slots_create(FORWARDER_OBJECTS_MAX);
    fw->endpoint_ids = hmap_create(sizeof(struct transport_id), FORWARDER_OBJECTS_MAX);
    fw->producer_ids = hmap_create(sizeof(struct producer_id), FORWARDER_OBJECTS_MAX);
    fw->consumer_ids = hmap_create(sizeof(struct consumer_id), FORWARDER_OBJECTS_MAX);
    fw->consumer_ssrcs = hmap_create(2 * sizeof(uint32_t), FORWARDER_OBJECTS_MAX);
    if (!fw->endpoints || !fw->producers || !fw->consumers || !fw->endpoint_ids || !fw->producer_ids ||
        !fw->consumer_ids || !fw->consumer_ssrcs) {
        forwarder_destroy(fw);
        return NULL;
    }
    return fw;
}

static void forwarder_close_all(struct forwarder *fw) {
    uint32_t cursor = 0;
    for (struct endpoint *ep; (ep = slots_next(fw->endpoints, &cursor));)
        endpoint_close(ep);
    cursor = 0;
    for (struct producer *p; (p = slots_next(fw->producers, &cursor));)
        producer_close(p); // relayed ones
    assert(slots_count(fw->consumers) == 0);
}

void forwarder_destroy(struct forwarder *fw) {
    if (!fw)
        return;
    if (fw->endpoints && fw->producers && fw->consumers)
        forwarder_close_all(fw);
    hmap_destroy(fw->consumer_ssrcs);
    hmap_destroy(fw->consumer_ids);
    hmap_destroy(fw->producer_ids);
    hmap_destroy(fw->endpoint_ids);
    slots_destroy(fw->consumers);
    slots_destroy(fw->producers);
    slots_destroy(fw->endpoints);
    free(fw);
}

static void *forwarder_find(const struct hmap *ids, const struct slots *objects, const void *id) {
    uint32_t handle = hmap_get(ids, id);
    return handle == HMAP_NONE ? NULL : slots_get(objects, handle);
}

struct endpoint *forwarder_endpoint(const struct forwarder *fw, struct transport_id id) {
    return forwarder_find(fw->endpoint_ids, fw->endpoints, &id);
}

struct producer *forwarder_producer(const struct forwarder *fw, struct producer_id id) {
    return forwarder_find(fw->producer_ids, fw->producers, &id);
}

struct consumer *forwarder_consumer(const struct forwarder *fw, struct consumer_id id) {
    return forwarder_find(fw->consumer_ids, fw->consumers, &id);
}

void forwarder_event(struct forwarder *fw, const struct media_event *event) {
    fw->out.event(fw->out.ctx, event);
}

const struct forwarder_counters *forwarder_counters(const struct forwarder *fw) {
    return &fw->counters;
}

// ---- commands

static void command_failed(const char *what, uint32_t id, enum err err) {
    LOG_WARN("media command failed", LOG_TEXT("command", what), LOG_NUMBER("id", id),
             LOG_TEXT("reason", err_name(err)));
}

static void command_open_producer(struct forwarder *fw, const struct media_cmd *cmd) {
    bool relayed = cmd->type == MEDIA_OPEN_RELAYED_PRODUCER;
    struct endpoint *ep = relayed ? NULL : forwarder_endpoint(fw, cmd->transport);
    enum err err = relayed || ep ? producer_open(fw, cmd, ep) : ERR_NOT_FOUND;
    if (err != ERR_OK)
        command_failed("open producer", cmd->producer.v, err);
}

static void command_on_producer(struct producer *p, const struct media_cmd *cmd, uint64_t now_us) {
    switch (cmd->type) {
    case MEDIA_PAUSE_PRODUCER:
        producer_pause(p, cmd->pause.paused, now_us);
        break;
    case MEDIA_CLOSE_PRODUCER:
        producer_close(p);
        break;
    case MEDIA_OPEN_RELAY:
        producer_open_relay(p, cmd->relay.worker);
        break;
    case MEDIA_CLOSE_RELAY:
        p->relay_workers &= ~(UINT64_C(1) << (cmd->relay.worker % WORKERS_MAX));
        break;
    default:
        break;
    }
}

static void command_on_consumer(struct consumer *c, const struct media_cmd *cmd, uint64_t now_us) {
    switch (cmd->type) {
    case MEDIA_PAUSE_CONSUMER:
        consumer_pause(c, cmd->pause.paused, now_us);
        break;
    case MEDIA_CLOSE_CONSUMER:
        consumer_close(c);
        break;
    case MEDIA_SET_LAYERS:
        c->ceiling = cmd->layers.spatial < 0 ? LAYER_NONE : cmd->layers.spatial;
        producer_update_wanted(c->producer);
        if (c->active)
            consumer_select_layer(c, now_us);
        break;
    case MEDIA_REQUEST_KEY_FRAME:
        if (c->active && c->target >= 0)
            producer_want_key_frame(c->producer, (unsigned)c->target, now_us);
        break;
    default: // SET_PRIORITY: one budget for all is shared when there are budgets
        break;
    }
}

void forwarder_command(struct forwarder *fw, const struct media_cmd *cmd, uint64_t now_us) {
    switch (cmd->type) {
    case MEDIA_OPEN_PRODUCER:
    case MEDIA_OPEN_RELAYED_PRODUCER:
        command_open_producer(fw, cmd);
        return;
    case MEDIA_OPEN_CONSUMER: {
        enum err err = consumer_open(fw, cmd, now_us);
        if (err != ERR_OK)
            command_failed("open consumer", cmd->consumer.v, err);
        return;
    }
    default:
        break;
    }
    struct consumer *c = forwarder_consumer(fw, cmd->consumer);
    struct producer *p = forwarder_producer(fw, cmd->producer);
    if (cmd->consumer.v != 0 && c)
        command_on_consumer(c, cmd, now_us);
    else if (cmd->consumer.v == 0 && p)
        command_on_producer(p, cmd, now_us);
}

// ---- a packet

static void stream_wake(struct producer_stream *s, uint64_t now_us) {
    struct producer *p = s->producer;
    if (s->life.first_packet_us == 0 || now_us > s->life.last_packet_us + LAYER_DEAD_US) {
        s->life.first_packet_us = now_us;
        for (unsigned i = 0; p->params.stream_count > 1 && i < p->active_count; i++)
            consumer_select_layer(p->consumers[i], now_us);
    }
    s->life.last_packet_us = now_us;
    if (p->tick.due_us == TIME_NEVER)
        wheel_arm(p->fw->wheel, &p->tick, now_us + US_PER_MS);
}

// To all consumers here and all workers that have some. The stream's history keeps its own reference.
static void stream_fan_out(struct producer_stream *s, struct block *b, uint64_t now_us) {
    struct producer *p = s->producer;
    const struct forward_meta *meta = forward_meta_of(b);
    producer_note_packet(s, meta, now_us);
    if (s->history)
        history_put(s->history, meta->seq, b, now_us);
    for (unsigned i = 0; i < p->active_count; i++)
        consumer_forward(p->consumers[i], s, b, now_us);
    for (uint64_t left = p->relay_workers; left; left &= left - 1) {
        p->fw->out.relay_rtp(p->fw->out.ctx, (uint8_t)__builtin_ctzll(left), p->id, s->index, b);
        p->fw->counters.relayed_out++;
    }
}

// Counts a packet that came under its stream's own SSRC. False: its number is wild.
static bool stream_count(struct producer_stream *s, uint16_t seq, uint32_t timestamp, uint32_t bytes,
                         uint64_t now_us) {
    bool started = s->stats.started;
    uint64_t base = s->stats.base_seq;
    if (!receive_stats_add(&s->stats, seq, timestamp, bytes, now_us))
        return false;
    if (started && s->stats.base_seq != base)
        producer_stream_restarted(s);
    return true;
}

// What an arrival means for the publisher's statistics and for what is asked of it. False: it came before.
static bool stream_note_arrival(struct producer_stream *s, const struct rtp_packet *packet, bool key_frame,
                                bool rtx, uint64_t now_us) {
    bool key_frame_wanted = false;
    if (!s->nack)
        return !rtx; // what may have come before cannot be told apart
    enum nack_arrival arrival = nack_tracker_add(s->nack, packet->seq, key_frame, now_us, &key_frame_wanted);
    if (key_frame_wanted)
        producer_want_key_frame(s->producer, s->index, now_us);
    if (arrival == NACK_DUPLICATE_OR_OLD) {
        if (rtx)
            s->rtx_discarded++;
        else
            s->stats.duplicates++;
        return false;
    }
    s->repaired += arrival == NACK_REPAIRED;
    feedback_schedule_nack(s, now_us);
    return true;
}

static void producer_note_level(struct producer *p, const struct rtp_ext_values *values) {
    int8_t level;
    bool voice;
    if (!rtp_ext_audio_level(values, &level, &voice))
        return;
    p->audio.packets++;
    p->audio.level_sum += (uint32_t)-level;
}

// The media packet that a retransmission carries, with the numbers of its stream; false when there is none.
static bool stream_unwrap(struct producer_stream *s, struct rtp_packet *packet) {
    uint16_t seq;
    struct span payload;
    if (packet->payload_type != s->producer->params.rtx_payload_type)
        return false;
    s->retransmitted++;
    if (packet->payload.len == 0 || s->ssrc == 0 || rtp_unwrap_rtx(packet, &seq, &payload) != ERR_OK)
        return false; // probing with padding
    packet->header_len = (uint16_t)(packet->header_len + 2);
    packet->seq = seq;
    packet->payload = payload;
    packet->ssrc = s->ssrc;
    packet->payload_type = s->producer->params.payload_type;
    return true;
}

static void endpoint_count_in(struct endpoint *ep, uint16_t len, bool rtx, uint64_t now_us) {
    ep->fw->counters.rtp_in++;
    if (rtx) {
        ep->stats.rtx_in += len;
        rate_meter_add(&ep->stats.rtx_in_rate, len, now_us);
    } else {
        ep->stats.rtp_in += len;
        rate_meter_add(&ep->stats.rtp_in_rate, len, now_us);
    }
}

// Everything about a packet whose stream is known; does not keep the block.
static enum forward_drop stream_packet(struct producer_stream *s, struct block *b, struct rtp_packet *packet,
                                       bool rtx, const struct rtp_ext_values *values, uint64_t now_us) {
    struct producer *p = s->producer;
    if (rtx ? !stream_unwrap(s, packet) : packet->payload_type != p->params.payload_type)
        return rtx ? FORWARD_DROP_NONE : FORWARD_DROP_MALFORMED;
    uint32_t bytes = (uint32_t)(packet->header_len + packet->payload.len + packet->padding);
    if (!rtx && !stream_count(s, packet->seq, packet->timestamp, bytes, now_us))
        return FORWARD_DROP_DUPLICATE;
    if (p->paused)
        return FORWARD_DROP_PAUSED;
    struct codec_frame frame = {0};
    if (packet->payload.len > 0)
        codec_inspect(p->params.codec, packet->payload, values->of[EXT_DEPENDENCY_DESCRIPTOR], &frame);
    stream_wake(s, now_us);
    if (!stream_note_arrival(s, packet, frame.key_frame, rtx, now_us))
        return FORWARD_DROP_DUPLICATE;
    if (packet->payload.len == 0) {
        for (unsigned i = 0; i < p->active_count; i++)
            consumer_skip(p->consumers[i], s, packet->seq);
        return FORWARD_DROP_NONE;
    }
    if (p->params.kind == MEDIA_AUDIO)
        producer_note_level(p, values);
    rtp_forward_prepare(b, packet, values, p->params.kind, now_us);
    struct forward_meta *meta = forward_meta_of(b);
    meta->key_frame = frame.key_frame;
    meta->frame_start = frame.frame_start;
    meta->spatial = frame.spatial;
    meta->temporal = frame.temporal;
    meta->repaired = rtx;
    stream_fan_out(s, b, now_us);
    return FORWARD_DROP_NONE;
}

static enum forward_drop endpoint_packet(struct endpoint *ep, struct block *b, uint64_t now_us) {
    struct rtp_packet packet;
    if (rtp_parse(span_of(block_data(b), b->len), &packet) != ERR_OK)
        return FORWARD_DROP_MALFORMED;
    struct rtp_ext_values values;
    rtp_ext_read(&packet, &ep->ext, &values);
    uint16_t transport_seq;
    if (ep->twcc && rtp_ext_transport_seq(&values, &transport_seq))
        feedback_note_transport_seq(ep, transport_seq, packet.ssrc, now_us);
    struct ssrc_entry *e = endpoint_find_ssrc(ep, packet.ssrc);
    if (!e)
        e = endpoint_learn_ssrc(ep, &packet, &values);
    if (!e) {
        ep->fw->out.forget_ssrc(ep->fw->out.ctx, ep->peer, packet.ssrc, false);
        return FORWARD_DROP_UNKNOWN_SSRC;
    }
    endpoint_count_in(ep, b->len, e->rtx, now_us);
    return stream_packet(e->stream, b, &packet, e->rtx, &values, now_us);
}

enum forward_drop forwarder_rtp(struct forwarder *fw, struct endpoint *from, struct block *b,
                                uint64_t now_us) {
    assert(from->fw == fw);
    (void)fw;
    enum forward_drop drop = endpoint_packet(from, b, now_us);
    block_release(b);
    return drop;
}

bool forwarder_rtcp(struct forwarder *fw, struct endpoint *from, struct span datagram, uint64_t now_us) {
    fw->counters.rtcp_in++;
    return feedback_read(from, datagram, now_us);
}

// ---- between workers

void forwarder_relayed_rtp(struct forwarder *fw, struct producer_id id, uint8_t stream, struct block *b,
                           uint64_t now_us) {
    struct producer *p = forwarder_producer(fw, id);
    const struct forward_meta *meta = forward_meta_of(b);
    if (p && !p->endpoint && stream < p->params.stream_count && !p->paused) {
        struct producer_stream *s = &p->streams[stream];
        fw->counters.relayed_in++;
        if (meta->repaired || stream_count(s, meta->seq, meta->timestamp, b->len, now_us)) {
            stream_wake(s, now_us);
            stream_fan_out(s, b, now_us);
        }
    }
    block_release(b);
}

void forwarder_relay_note(struct forwarder *fw, const struct relay_note *note, uint64_t now_us) {
    struct producer *p = forwarder_producer(fw, note->producer);
    if (!p || note->stream >= p->params.stream_count)
        return;
    switch (note->type) {
    case RELAY_KEY_FRAME_WANTED:
        if (p->endpoint)
            producer_want_key_frame(p, note->stream, now_us);
        break;
    case RELAY_SENDER_REPORT:
        if (!p->endpoint)
            producer_sender_report(&p->streams[note->stream], note->ntp, note->rtp_timestamp,
                                   note->arrival_us, now_us);
        break;
    }
}
