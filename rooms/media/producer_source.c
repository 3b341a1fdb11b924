// What a producer's publisher is asked for and what it tells: key frames, merged and throttled, and its
// clock.
#include "rooms/media/feedback.h"

#include "base/seq.h"

#include <assert.h>

// ---- key frames

static void producer_relay_key_wish(struct producer_stream *s) {
    struct producer *p = s->producer;
    struct relay_note note = {.type = RELAY_KEY_FRAME_WANTED, .producer = p->id, .stream = s->index};
    p->fw->out.relay_note(p->fw->out.ctx, p->source, &note);
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
    wheel_arm(p->fw->wheel, &s->key_timer, now_us + KEY_FRAME_INTERVAL_US);
}

void producer_want_key_frame(struct producer *p, unsigned stream, uint64_t now_us) {
    assert(stream < p->params.stream_count);
    struct producer_stream *s = &p->streams[stream];
    if (producer_is_audio(p) || p->paused)
        return;
    s->key_wanted = true;
    if (s->key_asked_us == 0 || now_us >= s->key_asked_us + KEY_FRAME_INTERVAL_US)
        stream_ask_key_frame(s, now_us);
}

void producer_key_timer_fired(struct wheel_node *node, uint64_t now_us) {
    struct producer_stream *s = LIST_ENTRY(node, struct producer_stream, key_timer);
    bool somebody_waits = s->key_wanted || (s->key_awaited && s->producer->active_count > 0);
    if (somebody_waits && !s->producer->paused)
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
    s->key_us = 0;
    s->key_awaited = false;
    for (unsigned i = 0; i < p->active_count; i++)
        consumer_stream_restarted(p->consumers[i], s);
    s->key_wanted = p->active_count > 0 && !producer_is_audio(p);
    s->begun = false;
}

void producer_note_packet(struct producer_stream *s, const struct forward_meta *meta, uint64_t now_us) {
    struct producer *p = s->producer;
    s->life.last_packet_us = now_us;
    if (!s->begun || seq16_newer(meta->seq, s->newest_seq))
        s->newest_seq = meta->seq;
    bool begins = !s->begun;
    s->begun = true;
    if (meta->key_frame) {
        bool same_frame =
            s->key_us && meta->timestamp == s->key_timestamp; // H264 says so at each parameter set
        if (!same_frame) {
            s->key_seq = meta->seq;
            s->key_us = now_us;
            s->key_timestamp = meta->timestamp;
            s->key_frames++;
            p->fw->counters.key_frames_in++;
        }
        s->key_awaited = s->key_wanted = false;
    } else if (s->key_wanted && begins) {
        producer_want_key_frame(p, s->index, now_us); // it could not be asked before its first packet
    }
}

// ---- the publisher's clock

static void producer_relay_clock(const struct producer_stream *s, struct link_id link) {
    const struct producer *p = s->producer;
    struct relay_note note = {.type = RELAY_SENDER_REPORT,
                              .producer = p->id,
                              .stream = s->index,
                              .rtp_timestamp = s->clock.rtp_timestamp,
                              .ntp = s->clock.ntp,
                              .arrival_us = s->clock.arrival_us};
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
