// A track that comes in: its streams, who gets it, and when its publisher is asked for a key frame.
#include "rooms/media/feedback.h"

#include "base/clock.h"
#include "base/seq.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define AUDIO_LEVEL_INTERVAL_US 250000
#define TICK_US 1000000
#define GONE_US 10000000         // a picture that stands still may send nothing for long
#define PACKET_COST_BYTES 200    // what a packet costs beside its bytes
#define HISTORY_EXPIRE_STEP 1024 // slots looked at a tick and stream

static void producer_on_tick(struct wheel_node *node, uint64_t now_us);

static uint64_t producer_tick_us(const struct producer *p) {
    return producer_is_audio(p) ? AUDIO_LEVEL_INTERVAL_US : TICK_US;
}

// ---- life

static enum err stream_open(struct producer *p, unsigned index) {
    const struct stream_params *params = &p->params.streams[index];
    struct producer_stream *s = &p->streams[index];
    s->producer = p;
    s->index = (uint8_t)index;
    s->score = 10;
    memcpy(s->rid, params->rid, sizeof s->rid);
    wheel_node_init(&s->nack_timer, feedback_nack_fired);
    wheel_node_init(&s->key_timer, producer_key_timer_fired);
    receive_stats_init(&s->stats, p->params.clock_rate);
    if (!producer_is_audio(p) &&
        (!(s->history = history_create()) || !(s->layers = calloc(1, sizeof *s->layers))))
        return ERR_NO_MEMORY;
    if (!p->endpoint)
        return ERR_OK;
    uint32_t helps_us = producer_is_audio(p) ? NACK_HELPS_SOUND_US : NACK_HELPS_VIDEO_US;
    if (p->params.nack && !(s->nack = nack_tracker_create(helps_us)))
        return ERR_NO_MEMORY;
    if (params->ssrc) {
        enum err err = endpoint_add_ssrc(p->endpoint, params->ssrc, false, s);
        if (err != ERR_OK)
            return err;
        s->ssrc = params->ssrc;
    }
    if (params->rtx_ssrc) {
        enum err err = endpoint_add_ssrc(p->endpoint, params->rtx_ssrc, true, s);
        if (err != ERR_OK)
            return err;
        s->rtx_ssrc = params->rtx_ssrc;
    }
    return ERR_OK;
}

static enum err producer_open_parts(struct producer *p, uint32_t voice_group) {
    struct forwarder *fw = p->fw;
    p->handle = slots_add(fw->producers, p);
    if (!p->handle)
        return ERR_LIMIT;
    enum err err = hmap_put(fw->producer_ids, &p->id, p->handle);
    if (err != ERR_OK)
        return err;
    fw->counters.producers++;
    if (producer_is_audio(p) && (err = loudest_producer_open(p, voice_group)) != ERR_OK)
        return err;
    for (unsigned i = 0; i < p->params.stream_count; i++)
        if ((err = stream_open(p, i)) != ERR_OK)
            return err;
    if (!p->endpoint)
        return ERR_OK;
    endpoint_merge_extensions(p->endpoint);
    if (p->params.transport_cc && p->params.ext.ids[EXT_TRANSPORT_CC] && !p->endpoint->twcc &&
        !(p->endpoint->twcc = twcc_recorder_create()))
        return ERR_NO_MEMORY;
    if (p->params.ccfb && !p->endpoint->ccfb && !(p->endpoint->ccfb = ccfb_recorder_create()))
        return ERR_NO_MEMORY;
    return p->params.remb && !feedback_begin_estimate(p->endpoint) ? ERR_NO_MEMORY : ERR_OK;
}

enum err producer_open(struct forwarder *fw, const struct media_cmd *cmd, struct endpoint *ep,
                       uint64_t now_us) {
    assert(cmd->open_producer.params.stream_count >= 1 &&
           cmd->open_producer.params.stream_count <= STREAMS_MAX);
    if (forwarder_producer(fw, cmd->producer))
        return ERR_EXISTS;
    struct producer *p = calloc(1, sizeof *p);
    if (!p)
        return ERR_NO_MEMORY;
    *p = (struct producer){.fw = fw,
                           .id = cmd->producer,
                           .endpoint = ep,
                           .source = ep ? fw->config.link : cmd->open_producer.source,
                           .params = cmd->open_producer.params,
                           .paused = cmd->open_producer.paused,
                           .layers_wanted = LAYER_NONE,
                           .loudness = LOUDNESS_UNKNOWN,
                           .temporal_wanted = LAYER_NONE,
                           .score = 10};
    p->layers_seen.spatial = p->params.stream_count > 1 ? p->params.stream_count : p->params.spatial_layers;
    p->layers_seen.temporal = p->params.temporal_layers;
    list_init(&p->link);
    if (ep)
        list_push_back(&ep->producers, &p->link);
    wheel_node_init(&p->tick, producer_on_tick);
    for (unsigned i = 0; i < STREAMS_MAX; i++) { // so that a half-built one can be closed
        wheel_node_init(&p->streams[i].nack_timer, feedback_nack_fired);
        wheel_node_init(&p->streams[i].key_timer, producer_key_timer_fired);
    }
    enum err err = producer_open_parts(p, cmd->open_producer.voice_group);
    if (err != ERR_OK)
        producer_close(p);
    else if (ep)
        feedback_ceiling_changed(ep, now_us);
    return err;
}

static void stream_close(struct producer_stream *s) {
    struct producer *p = s->producer;
    if (!p)
        return; // was never opened
    wheel_cancel(p->fw->wheel, &s->nack_timer);
    wheel_cancel(p->fw->wheel, &s->key_timer);
    if (p->endpoint) {
        if (s->ssrc)
            endpoint_remove_ssrc(p->endpoint, s->ssrc);
        if (s->rtx_ssrc)
            endpoint_remove_ssrc(p->endpoint, s->rtx_ssrc);
    }
    nack_tracker_destroy(s->nack);
    history_destroy(s->history);
    free(s->layers);
}

void producer_close(struct producer *p) {
    struct forwarder *fw = p->fw;
    while (p->consumer_count > 0)
        consumer_close(p->consumers[p->consumer_count - 1]);
    if (p->endpoint) { // a relayed one is counted where its publisher is
        struct path_quality quality = producer_quality(p);
        path_quality_add(&p->endpoint->ended, &quality);
    }
    loudest_producer_close(p);
    for (unsigned i = 0; i < STREAMS_MAX; i++)
        stream_close(&p->streams[i]);
    wheel_cancel(fw->wheel, &p->tick);
    list_remove(&p->link);
    if (p->handle) {
        if (hmap_remove(fw->producer_ids, &p->id) != HMAP_NONE)
            fw->counters.producers--;
        slots_remove(fw->producers, p->handle);
    }
    if (p->endpoint)
        endpoint_merge_extensions(p->endpoint);
    link_set_clear(&p->relays);
    free(p->consumers);
    free(p);
}

void producer_pause(struct producer *p, bool paused, uint64_t now_us) {
    if (p->paused == paused)
        return;
    p->paused = paused;
    for (unsigned i = 0; i < p->params.stream_count; i++) {
        struct producer_stream *s = &p->streams[i];
        wheel_cancel(p->fw->wheel, &s->nack_timer);
        if (s->nack)
            nack_tracker_reset(s->nack); // what was missed during the pause stays missed
        s->key_us = 0;                   // nobody begins with what was before it
    }
    if (!paused)
        for (unsigned i = 0; i < p->active_count; i++)
            consumer_source_changed(p->consumers[i], now_us);
    for (unsigned i = 0; producer_is_audio(p) && i < p->consumer_count; i++) { // others take their places
        const struct consumer *c = p->consumers[i];
        consumer_update_active(p->consumers[i], now_us);
        if (p->consumers[i] != c && paused) // changed places with one that has not been looked at
            i--;
    }
}

// ---- who gets it

enum err producer_attach(struct producer *p, struct consumer *c) {
    if (p->consumer_count == p->consumer_cap) {
        unsigned cap = p->consumer_cap ? p->consumer_cap * 2 : 8;
        struct consumer **consumers = realloc(p->consumers, cap * sizeof *consumers);
        if (!consumers)
            return ERR_NO_MEMORY;
        p->consumers = consumers;
        p->consumer_cap = cap;
    }
    c->position = p->consumer_count;
    p->consumers[p->consumer_count++] = c;
    return ERR_OK;
}

static void producer_place(struct producer *p, struct consumer *c, unsigned position) {
    struct consumer *other = p->consumers[position];
    p->consumers[c->position] = other;
    other->position = c->position;
    p->consumers[position] = c;
    c->position = position;
}

void producer_set_active(struct producer *p, struct consumer *c, bool active) {
    bool is = c->position < p->active_count;
    if (is == active)
        return;
    if (active)
        producer_place(p, c, p->active_count++);
    else
        producer_place(p, c, --p->active_count);
}

void producer_detach(struct producer *p, struct consumer *c) {
    producer_set_active(p, c, false);
    producer_place(p, c, p->consumer_count - 1);
    p->consumer_count--;
    producer_update_wanted(p, p->fw->wheel->tick * WHEEL_TICK_US);
}

uint32_t producer_layer_bps(const struct producer *p, int8_t spatial, int8_t temporal, uint64_t now_us) {
    if (producer_is_audio(p) || p->paused || spatial < 0 || temporal < 0)
        return 0;
    bool simulcast = p->params.stream_count > 1;
    if (simulcast && spatial >= p->params.stream_count)
        return 0;
    const struct producer_stream *s = &p->streams[simulcast ? spatial : 0];
    return layer_rate_bps(&s->layers->rate, simulcast ? 0 : (uint8_t)spatial, (uint8_t)temporal, now_us);
}

int8_t producer_spatial_layers(const struct producer *p, uint64_t now_us) {
    if (producer_is_audio(p) || p->params.stream_count > 1)
        return (int8_t)p->params.stream_count;
    uint8_t seen = layer_rate_spatial(&p->streams[0].layers->rate, now_us);
    return (int8_t)(seen > 0 ? seen : p->params.spatial_layers);
}

int8_t producer_temporal_layers(const struct producer *p, uint64_t now_us) {
    uint8_t seen = 0;
    for (unsigned i = 0; i < p->params.stream_count && !producer_is_audio(p); i++) {
        uint8_t of_stream = layer_rate_temporal(&p->streams[i].layers->rate, now_us);
        seen = of_stream > seen ? of_stream : seen;
    }
    return (int8_t)(seen > 0 ? seen : p->params.temporal_layers);
}

static int8_t at_most(int8_t value, int8_t most) {
    return value < most ? value : most;
}

// On the wire: headers of IP, UDP and SRTP are about a twentieth.
const struct producer_prices *producer_prices(struct producer *p, uint64_t now_us) {
    struct producer_prices *prices = &p->prices;
    if (prices->at_us != 0 && now_us - prices->at_us < PRODUCER_PRICES_US && prices->paused == p->paused)
        return prices;
    *prices = (struct producer_prices){
        .at_us = now_us,
        .paused = p->paused,
        .spatial = at_most(producer_spatial_layers(p, now_us), ALLOCATOR_SPATIAL_MAX),
        .temporal = at_most(producer_temporal_layers(p, now_us), ALLOCATOR_TEMPORAL_MAX)};
    for (int8_t s = 0; s < prices->spatial; s++)
        for (int8_t t = 0; t < prices->temporal; t++) {
            uint64_t bps = producer_layer_bps(p, s, t, now_us);
            bps += bps / 20;
            prices->bps[s][t] = bps < UINT32_MAX ? (uint32_t)bps : UINT32_MAX;
        }
    return prices;
}

// The highest layers that one of its consumers shows or may come to show.
static void producer_find_wanted(const struct producer *p, int8_t *spatial, int8_t *temporal) {
    int8_t top = (int8_t)(p->layers_seen.spatial - 1), top_temporal = (int8_t)(p->layers_seen.temporal - 1);
    *spatial = *temporal = LAYER_NONE;
    for (unsigned i = 0; i < p->consumer_count && (*spatial < top || *temporal < top_temporal); i++) {
        int8_t layer, layer_temporal;
        if (!consumer_would_show(p->consumers[i]))
            continue;
        consumer_find_wanted(p->consumers[i], &layer, &layer_temporal);
        *spatial = layer > *spatial ? layer : *spatial;
        *temporal = layer_temporal > *temporal ? layer_temporal : *temporal;
    }
}

void producer_update_wanted(struct producer *p, uint64_t now_us) {
    int8_t spatial, temporal;
    if (!producer_has_layers(p))
        return;
    producer_find_wanted(p, &spatial, &temporal);
    bool more = spatial > p->layers_wanted || temporal > p->temporal_wanted;
    bool less = spatial < p->layers_wanted || temporal < p->temporal_wanted;
    if (!less)
        p->less_wanted_us = 0;
    else if (p->less_wanted_us == 0)
        p->less_wanted_us = now_us;
    if (less && p->tick.due_us > now_us + WANTED_LESS_US)
        wheel_arm(p->fw->wheel, &p->tick, now_us + WANTED_LESS_US);
    if (!more && (!less || now_us < p->less_wanted_us + WANTED_LESS_US))
        return;
    if (less && now_us < p->less_wanted_us + WANTED_LESS_US) { // one is more and the other not yet less
        spatial = spatial > p->layers_wanted ? spatial : p->layers_wanted;
        temporal = temporal > p->temporal_wanted ? temporal : p->temporal_wanted;
    }
    struct media_event event = {
        .type = MEDIA_LAYERS_WANTED, .producer = p->id, .layers = {.spatial = spatial, .temporal = temporal}};
    if (!forwarder_event(p->fw, &event)) // else the next tick tells it
        return;
    if (now_us >= p->less_wanted_us + WANTED_LESS_US)
        p->less_wanted_us = 0;
    p->layers_wanted = spatial;
    p->temporal_wanted = temporal;
}

static void producer_note_layers(struct producer *p, uint64_t now_us) {
    uint8_t spatial = (uint8_t)producer_spatial_layers(p, now_us),
            temporal = (uint8_t)producer_temporal_layers(p, now_us);
    p->layers_seen.spatial = spatial > p->params.spatial_layers ? spatial : p->params.spatial_layers;
    p->layers_seen.temporal = temporal > p->params.temporal_layers ? temporal : p->params.temporal_layers;
    if (p->params.stream_count > 1)
        p->layers_seen.spatial = p->params.stream_count;
}

// ---- once in a while

static void producer_tell_level(struct producer *p, uint64_t now_us) {
    if (p->audio.packets == 0)
        return;
    int8_t level = (int8_t)-(int)(p->audio.level_sum / p->audio.packets);
    p->audio.packets = p->audio.level_sum = 0;
    producer_note_loudness(p, level, now_us);
    forwarder_event(p->fw,
                    &(struct media_event){.type = MEDIA_AUDIO_LEVEL,
                                          .producer = p->id,
                                          .audio = {.level_dbov = level,
                                                    .activity = speech_activity(&p->voice.speech, now_us)}});
}

// Neither a packet nor a report has come for long.
static bool stream_is_gone(const struct producer_stream *s, uint64_t now_us) {
    return s->stats.started && s->stats.last_packet_us + GONE_US < now_us &&
           s->stats.last_sr_us + GONE_US < now_us;
}

static uint8_t stream_rate(struct producer_stream *s, bool dtx, uint64_t now_us) {
    uint64_t lost = receive_stats_lost(&s->stats), expected = s->stats.packets + lost;
    uint64_t new_expected = expected - s->at_score.expected;
    uint64_t new_lost = lost > s->at_score.lost ? lost - s->at_score.lost : 0;
    uint64_t new_repaired = s->repaired - s->at_score.repaired;
    s->at_score.expected = expected;
    s->at_score.lost = lost;
    s->at_score.repaired = s->repaired;
    if (!dtx && stream_is_gone(s, now_us))
        return 0;
    return stream_score((uint32_t)new_expected, (uint32_t)new_lost, (uint32_t)new_repaired);
}

// The producer's score is that of its best stream that was ever there.
static void producer_rate(struct producer *p, uint64_t now_us) {
    uint8_t best = 0;
    bool any = false;
    for (unsigned i = 0; i < p->params.stream_count; i++)
        any |= p->streams[i].stats.started;
    for (unsigned i = 0; i < p->params.stream_count; i++) {
        struct producer_stream *s = &p->streams[i];
        s->score = p->paused ? 10 : stream_rate(s, producer_is_audio(p), now_us);
        if (s->score > best && (s->stats.started || !any))
            best = s->score;
    }
    if (best == p->score)
        return;
    p->score = best;
    forwarder_event(p->fw,
                    &(struct media_event){.type = MEDIA_PRODUCER_SCORE, .producer = p->id, .score = best});
}

// What one receiver of it costs a second: what comes in. Falls slowly.
static void producer_note_cost(struct producer *p, uint64_t now_us) {
    uint64_t bytes = 0, packets = 0, us = now_us - p->cost.at_us;
    for (unsigned i = 0; i < p->params.stream_count; i++) {
        bytes += p->streams[i].stats.bytes;
        packets += p->streams[i].stats.packets;
    }
    uint64_t cost = bytes - p->cost.bytes + (packets - p->cost.packets) * PACKET_COST_BYTES;
    uint64_t a_second = p->cost.at_us && us ? cost * TICK_US / us : 0, before = p->cost.a_second;
    p->cost.a_second = a_second > before ? a_second : (3 * before + a_second) / 4;
    p->cost.bytes = bytes;
    p->cost.packets = packets;
    p->cost.at_us = now_us;
}

// A stream that has fallen silent, and has been found so, needs no ticks until it speaks again, but for the
// one that finds that it is gone.
static void producer_arm_tick(struct producer *p, bool busy, uint64_t now_us) {
    uint64_t packet_us = 0, heard_us = 0; // the last ones
    for (unsigned i = 0; i < p->params.stream_count; i++) {
        const struct producer_stream *s = &p->streams[i];
        packet_us = s->life.last_packet_us > packet_us ? s->life.last_packet_us : packet_us;
        heard_us = s->stats.last_sr_us > heard_us ? s->stats.last_sr_us : heard_us;
    }
    heard_us = packet_us > heard_us ? packet_us : heard_us;
    if (busy || packet_us + 3 * TICK_US > now_us)
        wheel_arm(p->fw->wheel, &p->tick, now_us + producer_tick_us(p));
    else if (!producer_is_audio(p) && p->endpoint && heard_us + GONE_US + TICK_US > now_us)
        wheel_arm(p->fw->wheel, &p->tick, heard_us + GONE_US + TICK_US);
}

static void producer_on_tick(struct wheel_node *node, uint64_t now_us) {
    struct producer *p = LIST_ENTRY(node, struct producer, tick);
    unsigned held = 0;
    if (producer_is_audio(p) && p->endpoint)
        producer_tell_level(p, now_us);
    if (p->ticks++ % (TICK_US / producer_tick_us(p)) == 0) {
        if (p->endpoint)
            producer_rate(p, now_us);
        for (unsigned i = 0; i < p->params.stream_count; i++)
            if (p->streams[i].history) {
                history_expire(p->streams[i].history, now_us, HISTORY_EXPIRE_STEP);
                held += history_count(p->streams[i].history);
            }
        if (!producer_is_audio(p)) {
            producer_note_layers(p, now_us);
            producer_tick_repairs(p, now_us);
        }
        for (unsigned i = 0; i < p->active_count; i++) {
            if (p->params.stream_count > 1)
                consumer_select_layer(p->consumers[i], now_us);
            consumer_tick_layers(p->consumers[i], now_us);
            consumer_tick_playout(p->consumers[i]);
            if (p->consumers[i]->sent)
                sent_store_expire(p->consumers[i]->sent, now_us);
        }
        producer_note_cost(p, now_us);
        producer_update_wanted(p, now_us);
        if (p->wishes_waiting > 0)
            producer_serve_wishes(p, now_us);
    }
    producer_arm_tick(p, held > 0 || p->less_wanted_us != 0, now_us);
}
