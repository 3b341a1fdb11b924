// What a producer's publisher is asked for and what it tells: key frames, merged and throttled, and its
// clock.
#include "rooms/media/feedback.h"

#include "base/bytes.h"
#include "base/clock.h"
#include "base/seq.h"

#include <assert.h>

// ---- key frames

#define KEY_ASKS_QUICK 3       // so many a second apart
#define KEY_ASKS_DOUBLED 3     // then 2, 4, 8 s
#define KEY_SILENCE_US 5000000 // nobody is asked who has sent nothing for so long

static void producer_relay_key_wish(struct producer_stream *s) {
    struct producer *p = s->producer;
    struct relay_note note = {.type = RELAY_KEY_FRAME_WANTED, .producer = p->id, .stream = s->index};
    p->fw->out.relay_note(p->fw->out.ctx, p->source, &note);
}

// After how long it is asked for again: a second, and more when it has been asked in vain for some.
static uint64_t stream_key_patience_us(const struct producer_stream *s) {
    int more = s->key_asks > KEY_ASKS_QUICK ? s->key_asks - KEY_ASKS_QUICK : 0;
    return (uint64_t)KEY_FRAME_INTERVAL_US << (more < KEY_ASKS_DOUBLED ? more : KEY_ASKS_DOUBLED);
}

static void stream_ask_key_frame(struct producer_stream *s, uint64_t now_us) {
    struct producer *p = s->producer;
    // Nobody to ask yet: a stream begins with a key frame, and producer_stream's first packet looks at
    // key_wanted.
    if (p->endpoint && (s->ssrc == 0 || !s->stats.started))
        return;
    if (p->endpoint)
        feedback_send_key_frame_request(s);
    else
        producer_relay_key_wish(s);
    s->key_wanted = false;
    s->key_awaited = true;
    s->key_asked_us = now_us;
    if (s->key_asks < UINT8_MAX)
        s->key_asks++;
    wheel_arm(p->fw->wheel, &s->key_timer, now_us + stream_key_patience_us(s));
}

unsigned producer_lives(const struct producer *p, struct layer_source out[STREAMS_MAX]) {
    for (unsigned i = 0; i < p->params.stream_count; i++)
        out[i] = p->streams[i].life;
    return p->params.stream_count;
}

bool producer_stream_is_dead(const struct producer_stream *s, uint64_t now_us) {
    struct layer_source sources[STREAMS_MAX];
    unsigned count = producer_lives(s->producer, sources);
    return layer_is_dead(sources, count, s->index, now_us);
}

void producer_want_key_frame(struct producer *p, unsigned stream, uint64_t now_us) {
    assert(stream < p->params.stream_count);
    struct producer_stream *s = &p->streams[stream];
    if (producer_is_audio(p) || p->paused || producer_stream_is_dead(s, now_us))
        return;
    s->key_wanted = true;
    if (s->key_asked_us == 0 || now_us >= s->key_asked_us + KEY_FRAME_INTERVAL_US)
        stream_ask_key_frame(s, now_us);
}

// Somebody here shows it, or would.
static bool stream_is_aimed_at(const struct producer_stream *s) {
    const struct producer *p = s->producer;
    for (unsigned i = 0; i < p->active_count; i++)
        if (p->consumers[i]->target == s->index)
            return true;
    return false;
}

void producer_miss_key_frame(struct producer_stream *s, uint64_t now_us) {
    if (s->producer->relays.count > 0 || stream_is_aimed_at(s))
        producer_want_key_frame(s->producer, s->index, now_us);
}

// A wish ends with its reason: the layer has been switched off, or whoever wanted it shows another one or is
// gone (other workers say again what they want). From one that is merely silent it waits for the next packet.
void producer_key_timer_fired(struct wheel_node *node, uint64_t now_us) {
    struct producer_stream *s = LIST_ENTRY(node, struct producer_stream, key_timer);
    const struct producer *p = s->producer;
    bool here = stream_is_aimed_at(s);
    bool wanted = here ? s->key_wanted || s->key_awaited : s->key_wanted && p->relays.count > 0;
    if (!wanted || p->paused || producer_stream_is_dead(s, now_us)) {
        s->key_wanted = s->key_awaited = false;
        return;
    }
    if (now_us <= s->life.last_packet_us + KEY_SILENCE_US)
        stream_ask_key_frame(s, now_us);
}

void producer_stream_restarted(struct producer_stream *s) {
    struct producer *p = s->producer;
    wheel_cancel(p->fw->wheel, &s->nack_timer);
    if (s->nack)
        nack_tracker_reset(s->nack);
    if (s->history)
        history_clear(s->history);
    s->clock.known = false;
    s->heard = (struct heard_clock){0};
    if (s->layers) {
        dd_reader_reset(&s->layers->descriptors);
        s->layers->undescribed = 0;
    }
    s->key_us = 0;
    s->key_awaited = false;
    s->key_asks = 0;
    for (unsigned i = 0; i < p->active_count; i++)
        consumer_stream_restarted(p->consumers[i], s);
    s->key_wanted = p->active_count > 0 && !producer_is_audio(p);
    s->begun = false;
    s->empty_notes = (struct seq_notes){0};
}

void producer_note_empty(struct producer_stream *s, uint16_t seq, uint64_t now_us) {
    if (!s->history)
        return;
    if (now_us > s->empty_us + HISTORY_AGE_US) // the same numbers may be others by now
        s->empty_notes = (struct seq_notes){0};
    s->empty_us = now_us;
    seq_notes_add(&s->empty_notes, s->empty, STREAM_EMPTY_MAX, seq);
}

bool producer_was_empty(const struct producer_stream *s, uint16_t seq, uint64_t now_us) {
    return now_us <= s->empty_us + HISTORY_AGE_US && seq_notes_have(&s->empty_notes, s->empty, seq);
}

// Whether this packet took less of its way than the one that came at `arrival_us`.
static bool is_faster(const struct producer_stream *s, uint32_t timestamp, uint64_t now_us,
                      uint64_t arrival_us, uint32_t rtp_timestamp) {
    int64_t ticks = (int64_t)clock_ticks(now_us - arrival_us, s->producer->params.clock_rate);
    return ticks < seq32_diff(timestamp, rtp_timestamp);
}

static void stream_hear_clock(struct producer_stream *s, uint32_t timestamp, uint64_t now_us) {
    struct heard_clock *h = &s->heard;
    // After a rest it has drifted away from ours, or has wrapped.
    bool begins = h->window_us == 0 || now_us > h->window_us + HEARD_RESTS_US;
    bool ends = !begins && now_us > h->window_us + HEARD_WINDOW_US;
    if (ends) {
        h->arrival_us = h->now_arrival_us;
        h->rtp_timestamp = h->now_rtp_timestamp;
    }
    if (begins || is_faster(s, timestamp, now_us, h->arrival_us, h->rtp_timestamp)) {
        h->arrival_us = now_us;
        h->rtp_timestamp = timestamp;
    }
    if (begins || ends || is_faster(s, timestamp, now_us, h->now_arrival_us, h->now_rtp_timestamp)) {
        h->now_arrival_us = now_us;
        h->now_rtp_timestamp = timestamp;
    }
    if (begins || ends)
        h->window_us = now_us;
}

#define SETS_AHEAD_MAX 3 // packets

// H264 and H265 say so at each parameter set, some encoders with an earlier timestamp than their slices'.
static bool is_same_key_frame(const struct producer_stream *s, const struct forward_meta *meta) {
    uint16_t ahead = (uint16_t)(meta->seq - s->key_seq);
    return s->key_us && (meta->timestamp == s->key_timestamp || (!meta->opens && ahead <= SETS_AHEAD_MAX));
}

void producer_note_packet(struct producer_stream *s, const struct forward_meta *meta, uint16_t bytes,
                          uint64_t now_us) {
    struct producer *p = s->producer;
    s->life.last_packet_us = now_us;
    if (p->params.stream_count > 1 && !s->clock.known)
        stream_hear_clock(s, meta->timestamp, now_us);
    if (s->layers)
        layer_rate_add(&s->layers->rate, meta->layers.spatial, meta->layers.temporal,
                       meta->layers.flags & LAYER_ASIDE, bytes, now_us);
    if (!s->begun || seq16_newer(meta->seq, s->newest_seq))
        s->newest_seq = meta->seq;
    bool begins = !s->begun;
    s->begun = true;
    if (meta->key_frame) {
        bool same_frame = is_same_key_frame(s, meta);
        s->key_timestamp = meta->timestamp;
        if (!same_frame) {
            s->key_seq = meta->seq;
            s->key_us = now_us;
            s->key_frames++;
            p->fw->counters.key_frames_in++;
        } else if (seq16_newer(s->key_seq, meta->seq)) {
            s->key_seq = meta->seq; // came late
        }
        s->key_awaited = s->key_wanted = false;
        s->key_asks = 0;
    } else if (s->key_wanted && begins) {
        producer_want_key_frame(p, s->index, now_us); // it could not be asked before its first packet
    } else if (s->key_awaited && s->key_timer.due_us == TIME_NEVER && stream_is_aimed_at(s)) {
        producer_want_key_frame(p, s->index, now_us); // it was silent
    }
}

// ---- the publisher's clock

#define CAPTURE_TOLD_US US_PER_SECOND
#define CAPTURE_SANE_SECONDS 30 // a packet further than that from the last report is none that it tells of

bool producer_capture_time(struct producer_stream *s, const struct rtp_packet *packet,
                           const struct rtp_ext_values *values, uint8_t ntp[8], uint64_t now_us) {
    bool told = values->of[EXT_ABS_CAPTURE_TIME].ptr != NULL;
    if (!told && (!s->clock.known || (s->capture_told_us && now_us < s->capture_told_us + CAPTURE_TOLD_US)))
        return false;
    int64_t rate = s->producer->params.clock_rate;
    int64_t ticks = seq32_diff(packet->timestamp, s->clock.rtp_timestamp);
    if (!told && (ticks > CAPTURE_SANE_SECONDS * rate || ticks < -CAPTURE_SANE_SECONDS * rate))
        return false;
    s->capture_told_us = now_us;
    if (!told)
        store_be64(ntp, s->clock.ntp + (uint64_t)(ticks * (INT64_C(1) << 32) / rate));
    return !told;
}

static void producer_relay_clock(const struct producer_stream *s, struct link_id link) {
    const struct producer *p = s->producer;
    struct relay_note note = {.type = RELAY_SENDER_REPORT,
                              .producer = p->id,
                              .stream = s->index,
                              .rtp_timestamp = s->clock.rtp_timestamp,
                              .ntp = s->clock.ntp,
                              .arrival_us = s->clock.arrival_us,
                              .repair_wait_us = s->repairs.wait_us};
    p->fw->out.relay_note(p->fw->out.ctx, link, &note);
}

enum err producer_open_relay(struct producer *p, struct link_id link) {
    if (link.v >= LINKS_MAX || link.v == p->fw->config.link.v || !p->endpoint)
        return ERR_MALFORMED;
    enum err err = link_set_add(&p->relays, link);
    if (err != ERR_OK)
        return err;
    for (unsigned i = 0; i < p->params.stream_count; i++)
        if (p->streams[i].clock.known)
            producer_relay_clock(&p->streams[i], link);
    return ERR_OK;
}

void producer_sender_report(struct producer_stream *s, uint64_t ntp, uint32_t rtp_timestamp,
                            uint64_t arrival_us, uint64_t now_us) {
    struct producer *p = s->producer;
    s->clock = (struct capture_clock){
        .known = true, .ntp = ntp, .rtp_timestamp = rtp_timestamp, .arrival_us = arrival_us};
    LINK_SET_EACH(link, &p->relays)
    producer_relay_clock(s, *link);
    // Browsers bring sound and picture together at the first report: receivers that have none yet get theirs
    // now.
    for (unsigned i = 0; i < p->active_count; i++) {
        struct consumer *c = p->consumers[i];
        if (!c->report_due || c->resync || c->current != s->index)
            continue;
        c->report_due = false;
        feedback_send_sender_report(c, now_us);
    }
}
