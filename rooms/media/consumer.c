// A track that goes out to one participant: its life, and which of its producer's streams it shows.
#include "rooms/media/congestion.h"
#include "rooms/media/feedback.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

struct ssrc_key {
    uint32_t endpoint;
    uint32_t ssrc;
};

static struct ssrc_key consumer_key(const struct consumer *c) {
    return (struct ssrc_key){.endpoint = c->endpoint->id.v, .ssrc = c->params.ssrc};
}

// ---- life

static bool repeats_are_kept_early(const struct consumer *c) {
    return c->params.kind == MEDIA_VIDEO || c->fw->sound_stores < SOUND_STORES_EARLY;
}

bool consumer_prepare_repeats(struct consumer *c) {
    if (!c->params.nack)
        return true;
    if (!c->repair)
        c->repair = repair_create(c);
    if (!c->sent && c->params.rtx_ssrc == 0) {
        c->sent = sent_store_create(&c->fw->sent_held);
        c->fw->sound_stores += c->sent && c->params.kind == MEDIA_AUDIO;
    }
    return c->repair && (c->sent || c->params.rtx_ssrc != 0);
}

static enum err consumer_open_parts(struct consumer *c, uint64_t now_us) {
    struct forwarder *fw = c->fw;
    struct ssrc_key key = consumer_key(c);
    c->handle = slots_add(fw->consumers, c);
    if (!c->handle)
        return ERR_LIMIT;
    enum err err = hmap_put(fw->consumer_ids, &c->id, c->handle);
    if (err != ERR_OK)
        return err;
    fw->counters.consumers++;
    if (hmap_get(fw->consumer_ssrcs, &key) != HMAP_NONE)
        return ERR_EXISTS;
    if (repeats_are_kept_early(c) && !consumer_prepare_repeats(c))
        return ERR_NO_MEMORY;
    if (c->params.kind == MEDIA_VIDEO && !congestion_open(c->endpoint, now_us))
        return ERR_NO_MEMORY;
    if (c->endpoint->congestion)
        c->endpoint->congestion->numbered |= c->acknowledges;
    return hmap_put(fw->consumer_ssrcs, &key, c->handle);
}

// Its receiver's transport is still being connected: the key frame that it begins with can come meanwhile,
// and waits in the history.
static void consumer_anticipate(struct consumer *c, uint64_t now_us) {
    struct producer *p = c->producer;
    if (producer_is_audio(p) || c->paused || c->endpoint->connected)
        return;
    struct layer_source sources[STREAMS_MAX];
    unsigned count = producer_lives(p, sources);
    int best = count == 1 ? 0 : layer_select(sources, count, consumer_ceiling(c), LAYER_NONE, now_us);
    if (best >= 0 && p->streams[best].life.first_packet_us != 0)
        consumer_begin_key_frame(c, (unsigned)best, now_us);
}

static void consumer_take_ids(struct consumer *c) {
    if (!c->params.own_ext_ids)
        return;
    _Static_assert(EXT_COUNT <= RTP_FORWARD_EXT_IDS, "a place for each");
    for (enum media_ext ext = EXT_NONE + 1; ext < EXT_COUNT; ext++)
        c->own_ids[EXT_ROUTER_ID(ext)] = c->params.ext.ids[ext];
    c->ext_ids = c->own_ids;
}

enum err consumer_open(struct forwarder *fw, const struct media_cmd *cmd, uint64_t now_us) {
    struct endpoint *ep = forwarder_endpoint(fw, cmd->transport);
    struct producer *p = forwarder_producer(fw, cmd->producer);
    if (!ep || !p)
        return ERR_NOT_FOUND;
    if (forwarder_consumer(fw, cmd->consumer))
        return ERR_EXISTS;
    struct consumer *c = calloc(1, sizeof *c);
    if (!c)
        return ERR_NO_MEMORY;
    *c = (struct consumer){.fw = fw,
                           .id = cmd->consumer,
                           .endpoint = ep,
                           .producer = p,
                           .params = cmd->open_consumer.params,
                           .paused = cmd->open_consumer.paused,
                           .current = LAYER_NONE,
                           .target = LAYER_NONE,
                           .ceiling = (int8_t)(cmd->open_consumer.spatial_layers - 1),
                           .ceiling_temporal = LAYER_NONE,
                           .allot_spatial = LAYER_NONE,
                           .allot_temporal = LAYER_NONE,
                           .priority = PRIORITY_DEFAULT,
                           .score = 10};
    key_wish_open(c);
    c->acknowledges = c->params.ext.ids[EXT_TRANSPORT_CC] != 0;
    c->descriptor = c->params.ext.ids[EXT_DEPENDENCY_DESCRIPTOR] != 0;
    consumer_take_ids(c);
    consumer_shed_init(c);
    size_t mid_len = strnlen(c->params.mid, sizeof c->params.mid);
    c->mid_len = (uint8_t)(mid_len > RTP_FORWARD_MID_MAX ? RTP_FORWARD_MID_MAX : mid_len);
    // The low half of the number space: libsrtp takes a first number near the end for one before the wrap.
    seq_rewrite_init(&c->rewrite, (uint16_t)(1 + forwarder_random(fw) % 32767));
    c->rtx_index = 1 + forwarder_random(fw) % 32767;
    downlink_open(c);
    enum err err = producer_attach(p, c);
    if (err != ERR_OK) {
        free(c);
        return err;
    }
    list_push_back(&ep->consumers, &c->link);
    ep->consumer_count++;
    err = consumer_open_parts(c, now_us);
    if (err != ERR_OK)
        consumer_close(c);
    else
        consumer_update_active(c, now_us);
    if (err == ERR_OK)
        consumer_anticipate(c, now_us);
    return err;
}

void consumer_close(struct consumer *c) {
    struct forwarder *fw = c->fw;
    forwarder_flush(fw);
    struct path_quality quality = consumer_quality(c);
    path_quality_add(&c->endpoint->ended, &quality);
    consumer_shed_set(c, SHED_NOTHING);
    struct ssrc_key key = consumer_key(c);
    congestion_forget(c);
    congestion_gone(c->endpoint);
    key_wish_close(c);
    loudest_consumer_close(c, fw->now_us);
    producer_detach(c->producer, c);
    list_remove(&c->link);
    c->endpoint->consumer_count--;
    if (c->handle) {
        if (hmap_get(fw->consumer_ssrcs, &key) == c->handle) {
            hmap_remove(fw->consumer_ssrcs, &key);
            fw->out.forget_ssrc(fw->out.ctx, c->endpoint->peer, c->params.ssrc, true);
            if (c->params.rtx_ssrc)
                fw->out.forget_ssrc(fw->out.ctx, c->endpoint->peer, c->params.rtx_ssrc, true);
        }
        if (hmap_remove(fw->consumer_ids, &c->id) != HMAP_NONE)
            fw->counters.consumers--;
        slots_remove(fw->consumers, c->handle);
    }
    fw->sound_stores -= c->sent && c->params.kind == MEDIA_AUDIO;
    sent_store_destroy(c->sent);
    repair_destroy(c->repair);
    free(c);
}

// ---- what may be shown

// A key frame that was asked for less than a second ago (or, for who has shown nothing yet, that came less
// than a second ago) is there already, and the publisher must not be asked again so soon: begin with what the
// history holds from there on. False when it does not reach back to it.
static bool consumer_replay(struct consumer *c, struct producer_stream *s, uint64_t now_us) {
    bool throttled = (s->key_asked_us != 0 && now_us < s->key_asked_us + KEY_FRAME_INTERVAL_US) ||
                     (!c->rewrite.started && now_us < s->key_us + KEY_FRAME_INTERVAL_US); // a late joiner
    bool came = s->key_us != 0 && !s->key_awaited;
    bool near = (uint16_t)(s->newest_seq - s->key_seq) < REPLAY_MAX;
    struct block *first =
        throttled && came && near && s->history ? history_get(s->history, s->key_seq, now_us) : NULL;
    if (first)
        consumer_forward(c, s, first, s->newest_seq, now_us); // and what followed it
    return first != NULL;
}

// Aims for a stream; what is needed to get there is a key frame, unless it is shown already.
static void consumer_aim(struct consumer *c, int stream, uint64_t now_us) {
    c->target = (int8_t)stream;
    if (stream >= 0 && (stream != c->current || c->resync) &&
        !(c->resync && consumer_replay(c, &c->producer->streams[stream], now_us)))
        consumer_begin_key_frame(c, (unsigned)stream, now_us);
}

void consumer_select_layer(struct consumer *c, uint64_t now_us) {
    forwarder_flush(c->fw);
    struct producer *p = c->producer;
    struct layer_source sources[STREAMS_MAX];
    unsigned count = producer_lives(p, sources);
    int aimed = c->target != LAYER_NONE ? c->target : c->current; // what was given up is not held any more
    if (count > 1 && c->target != LAYER_NONE && layers_are_silent(sources, count, now_us))
        return; // nothing is dead, and what was aimed for may still come
    int best = count == 1 ? 0 : layer_select(sources, count, consumer_ceiling(c), aimed, now_us);
    if (best != c->target)
        consumer_aim(c, best, now_us);
    if (best == LAYER_NONE && c->current != LAYER_NONE) {
        c->current = LAYER_NONE;
        c->resync = true;
        consumer_tell_layers(c);
    }
}

static void consumer_choose_layers(struct consumer *c, uint64_t now_us) {
    consumer_select_layer(c, now_us);
    consumer_update_filter(c, now_us);
}

// What comes next begins anew: with a key frame, where the codec has such.
static void consumer_begin(struct consumer *c, uint64_t now_us) {
    c->resync = true;
    c->target = LAYER_NONE; // so that the choice is made, and its key frame asked for, afresh
    consumer_choose_layers(c, now_us);
    const struct producer *p = c->producer;
    for (unsigned i = 0; c->target == LAYER_NONE && i < p->params.stream_count; i++)
        if (!p->endpoint || p->streams[i].life.first_packet_us != 0)
            consumer_begin_key_frame(c, i, now_us); // nothing has crossed yet, or comes now: wake every layer
}

void consumer_set_layers(struct consumer *c, int8_t spatial, int8_t temporal, uint64_t now_us) {
    c->ceiling = spatial < 0 ? LAYER_NONE : spatial;
    c->ceiling_temporal = temporal < 0 ? LAYER_NONE : temporal;
    producer_update_wanted(c->producer, now_us);
    if (c->active)
        consumer_choose_layers(c, now_us);
    congestion_changed(c->endpoint, now_us);
}

// Suspended or lowered, or neither any more. What it showed is over when it is suspended.
static void consumer_update_shed(struct consumer *c, bool wanted, uint64_t now_us) {
    enum shed_state before = c->shed, state = wanted ? consumer_shed_wanted(c) : SHED_NOTHING;
    if (state == before)
        return;
    forwarder_flush(c->fw);
    consumer_shed_set(c, state);
    if (state == SHED_ALL) {
        c->current = LAYER_NONE;
        consumer_tell_layers(c);
    } else if (c->active) {
        consumer_choose_layers(c, now_us);
    }
}

void consumer_update_active(struct consumer *c, uint64_t now_us) {
    bool wanted = !c->paused && endpoint_sends(c->endpoint);
    wanted = loudest_admits(c, wanted, now_us) && wanted;
    int8_t ceiling = consumer_ceiling(c);
    consumer_update_shed(c, wanted, now_us);
    bool active = wanted && c->shed != SHED_ALL && !c->allot_off;
    if (active == c->active) {
        if (ceiling != consumer_ceiling(c))
            producer_update_wanted(c->producer, now_us);
        return;
    }
    forwarder_flush(c->fw);
    c->active = active;
    producer_set_active(c->producer, c, active);
    congestion_changed(c->endpoint, now_us);
    if (active) {
        consumer_begin(c, now_us);
        loudest_send_preroll(c, now_us);
    } else {
        c->had_us = now_us;
        congestion_forget(c);
        c->target = LAYER_NONE;
        if (c->sent)
            sent_store_clear(c->sent);
    }
    producer_update_wanted(c->producer, now_us);
}

void consumer_allot(struct consumer *c, int8_t spatial, int8_t temporal, bool off, uint64_t now_us) {
    assert(c->params.kind == MEDIA_VIDEO);
    if (c->allot_spatial == spatial && c->allot_temporal == temporal && c->allot_off == off)
        return;
    forwarder_flush(c->fw);
    bool was_off = c->allot_off;
    c->allot_spatial = spatial;
    c->allot_temporal = temporal;
    c->allot_off = off;
    if (off != was_off) {
        if (off)
            c->current = LAYER_NONE;
        consumer_update_active(c, now_us);
        if (off && !c->paused && c->shed != SHED_ALL)
            consumer_tell_layers(c);
    } else if (c->active) {
        consumer_choose_layers(c, now_us);
    }
    producer_update_wanted(c->producer, now_us);
}

void consumer_pause(struct consumer *c, bool paused, uint64_t now_us) {
    c->paused = paused;
    consumer_update_active(c, now_us);
}

void consumer_source_changed(struct consumer *c, uint64_t now_us) {
    consumer_begin(c, now_us);
}

void consumer_stream_restarted(struct consumer *c, const struct producer_stream *s) {
    forwarder_flush(c->fw);
    if (c->current != s->index)
        return;
    c->resync = true;
    c->timeless = true;
}
