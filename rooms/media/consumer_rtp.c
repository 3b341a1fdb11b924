// A packet's way to one receiver: under which numbers and timestamps it goes out, its copy, and its repeats.
#include "rooms/media/congestion.h"
#include "rooms/media/feedback.h"

#include "base/clock.h"
#include "base/seq.h"

#include <assert.h>
#include <string.h>

#define TIMESTAMP_SANE_SECONDS 10

static bool consumer_is_video(const struct consumer *c) {
    return c->params.kind == MEDIA_VIDEO;
}

// ---- numbers

static uint32_t ticks_of(uint64_t us, uint32_t clock_rate) {
    return (uint32_t)clock_ticks(us, clock_rate);
}

// The difference of two NTP times in ticks of the clock rate.
static uint32_t ntp_ticks(uint64_t later, uint64_t earlier, uint32_t clock_rate) {
    int64_t fixed = (int64_t)(later - earlier); // 32.32 seconds; a minute or so in practice
    int64_t seconds = fixed >> 32;
    uint64_t fraction = (uint64_t)fixed & UINT32_MAX;
    return (uint32_t)(seconds * (int64_t)clock_rate + (int64_t)((fraction * clock_rate) >> 32));
}

// By how much RTP time of one layer is ahead of that of another, by when packets of both came.
static uint32_t heard_apart(const struct heard_clock *of, const struct heard_clock *from, uint32_t rate) {
    uint32_t ticks = of->arrival_us > from->arrival_us
                         ? ticks_of(of->arrival_us - from->arrival_us, rate)
                         : 0 - ticks_of(from->arrival_us - of->arrival_us, rate);
    return of->rtp_timestamp - from->rtp_timestamp - ticks;
}

// The timestamp that the first packet of a new run goes out under, so that time goes on as the capture did.
static uint32_t consumer_sync_timestamp(const struct consumer *c, const struct producer_stream *s,
                                        uint32_t timestamp, uint64_t now_us) {
    const struct seq_rewrite *rw = &c->rewrite;
    if (!rw->started)
        return timestamp;
    uint32_t offset = seq_rewrite_timestamp_offset(rw), rate = c->params.clock_rate;
    const struct producer_stream *before = &c->producer->streams[rw->source];
    uint32_t by_arrival = rw->out_timestamp_last + ticks_of(now_us - c->stats.last_packet_us, rate);
    uint32_t out = by_arrival;
    if (before == s && !c->timeless) {
        out = timestamp + offset;
    } else if (before != s && before->clock.known && s->clock.known) { // the instant on the old RTP clock
        uint32_t since = timestamp - s->clock.rtp_timestamp;
        uint32_t apart = ntp_ticks(s->clock.ntp, before->clock.ntp, rate);
        out = before->clock.rtp_timestamp + apart + since + offset;
    } else if (before != s && before->heard.window_us && s->heard.window_us) {
        out = timestamp - heard_apart(&s->heard, &before->heard, rate) + offset;
    }
    // A clock that contradicts the arrivals by so much is wrong.
    int64_t wrong = (int64_t)rate * TIMESTAMP_SANE_SECONDS, apart = seq32_diff(out, by_arrival);
    if (apart > wrong || apart < -wrong)
        out = by_arrival;
    return out; // seq_rewrite_sync sees to it that time does not go back
}

// This packet begins a new run of numbers.
static void consumer_sync(struct consumer *c, const struct producer_stream *s, struct block *prepared,
                          uint64_t now_us) {
    const struct forward_meta *meta = forward_meta_of(prepared);
    bool changed = c->current != s->index;
    struct picture_numbers pictures;
    congestion_begin_run(c, now_us);
    if (rtp_forward_pictures(prepared, &pictures))
        picture_rewrite_sync(&c->pictures, pictures);
    consumer_begin_filter(c, s);
    consumer_mark_run(c);
    seq_rewrite_sync(&c->rewrite, s->index, meta->seq, meta->timestamp,
                     consumer_sync_timestamp(c, s, meta->timestamp, now_us), c->pictures.offset);
    c->run_first = c->rewrite.intervals[c->rewrite.newest].out_first;
    c->current = c->target = (int8_t)s->index;
    c->resync = c->timeless = false;
    c->report_due = true;
    if (changed)
        consumer_tell_layers(c);
}

// The first packet of the key frame that this packet, which says so itself, is of: of those before it in the
// history, the earliest with its timestamp. NULL while one is missing that may be of it.
static struct block *key_frame_first(const struct producer_stream *s, struct block *b, uint64_t now_us) {
    for (unsigned n = 0; n < REPLAY_MAX && !forward_meta_of(b)->opens; n++) {
        const struct forward_meta *meta = forward_meta_of(b);
        struct block *before = history_get(s->history, (uint16_t)(meta->seq - 1), now_us);
        if (!before)
            return NULL;
        if (forward_meta_of(before)->timestamp != meta->timestamp)
            return b;
        b = before;
    }
    return b;
}

// Whether a new run may begin with this stream. Who shows nothing begins with whatever comes first of what it
// wants, and climbs from there.
static bool consumer_accepts(const struct consumer *c, const struct producer_stream *s) {
    if (s->index == c->target || c->target == LAYER_NONE)
        return true;
    int8_t ceiling = consumer_ceiling(c);
    return c->resync && (ceiling == LAYER_NONE || s->index <= ceiling);
}

// The packet with which a new run may begin where one is due, now that this one is there; NULL for none.
static struct block *consumer_first(const struct consumer *c, const struct producer_stream *s,
                                    struct block *b, uint64_t now_us) {
    if (!consumer_accepts(c, s))
        return NULL;
    const struct forward_meta *meta = forward_meta_of(b);
    if (!consumer_is_video(c) || meta->opens)
        return b;
    if (meta->key_frame)
        return key_frame_first(s, b, now_us);
    // The end of the frame before was what was missing.
    struct block *next = history_get(s->history, (uint16_t)(meta->seq + 1), now_us);
    bool begins =
        next && forward_meta_of(next)->key_frame && forward_meta_of(next)->timestamp != meta->timestamp;
    return begins ? next : NULL;
}

// ---- out

static void consumer_stamp(struct consumer *c, struct forward_stamp *stamp, uint64_t now_us) {
    stamp->ssrc = c->params.ssrc;
    stamp->payload_type = c->params.payload_type;
    stamp->red_payload_type = c->params.red_payload_type;
    stamp->mid_len = c->mid_len;
    memcpy(stamp->mid, c->params.mid, sizeof stamp->mid);
    stamp->abs_send_time = rtp_abs_send_time(now_us);
    stamp->descriptor = c->descriptor;
    stamp->ext_ids = c->ext_ids;
    stamp->transport_cc_seq = c->endpoint->transport_seq; // taken when it is sent
}

// What follows from a packet of that length that goes out now.
static void consumer_count(struct consumer *c, uint16_t len, bool rtx, uint64_t now_us) {
    struct endpoint *ep = c->endpoint;
    if (rtx) {
        ep->stats.rtx_out += len;
        rate_meter_add(&ep->stats.rtx_out_rate, len, now_us);
    } else {
        ep->stats.rtp_out += len;
        rate_meter_add(&ep->stats.rtp_out_rate, len, now_us);
    }
    c->fw->counters.rtp_out++;
    if (ep->report_timer.due_us == TIME_NEVER)
        feedback_schedule_reports(ep, now_us);
}

static bool consumer_send(struct consumer *c, struct block *b, bool rtx, uint64_t index, uint64_t now_us) {
    consumer_count(c, b->len, rtx, now_us);
    congestion_sent(c, rtx ? c->params.rtx_ssrc : c->params.ssrc, (uint16_t)index, b->len, false, now_us);
    return c->fw->out.send_rtp(c->fw->out.ctx, c->endpoint->peer, b, c->params.kind, index);
}

// The same, keeping the datagram for whoever asks for it again.
static void consumer_send_and_keep(struct consumer *c, struct block *b, uint64_t index, uint64_t now_us) {
    struct block *kept = block_ref(b);
    if (consumer_send(c, b, false, index, now_us))
        sent_store_put(c->sent, index, kept, now_us);
    block_release(kept);
}

static void consumer_send_media(struct consumer *c, struct block *b, uint64_t index, uint64_t now_us) {
    if (c->sent)
        consumer_send_and_keep(c, b, index, now_us);
    else
        (void)consumer_send(c, b, false, index, now_us);
}

static struct picture_numbers picture_offset_of(const struct seq_marks *marks) {
    return (struct picture_numbers){
        .id = marks->picture_id, .tl0 = marks->picture_tl0, .frame = marks->picture_frame};
}

static void consumer_number_pictures(struct consumer *c, struct block *prepared,
                                     struct forward_stamp *stamp) {
    struct picture_numbers pictures;
    stamp->picture_offset = picture_offset_of(seq_rewrite_mapped(&c->rewrite));
    if (rtp_forward_pictures(prepared, &pictures))
        picture_rewrite_note(&c->pictures, pictures);
}

static uint16_t consumer_payload_bytes(const struct forward_stamp *stamp, struct block *prepared) {
    const struct forward_meta *meta = forward_meta_of(prepared);
    uint16_t left_out = stamp->red_payload_type ? 0 : meta->primary_at;
    return (uint16_t)(prepared->len - meta->header_len - meta->padding - left_out);
}

// The packet gets its numbers and leaves. `b`: a block that was taken for its copy, or NULL.
static void consumer_send_now(struct consumer *c, const struct producer_stream *s, struct block *prepared,
                              struct block *b, uint64_t now_us) {
    const struct forward_meta *meta = forward_meta_of(prepared);
    struct forward_stamp stamp = {.marker = meta->marker, .playout_delay = c->playout_delay};
    uint64_t index;
    if (c->filtered) {
        enum layer_fate fate = consumer_filter(c, s, prepared, &stamp.marker, now_us);
        if (fate == LAYER_FATE_DROPPED) {
            block_release(b);
            return;
        }
        stamp.blank = fate == LAYER_FATE_BLANK;
    }
    if (!seq_rewrite_map(&c->rewrite, meta->seq, meta->timestamp, &index, &stamp.timestamp)) {
        block_release(b);
        return; // it went out already, as part of what a key frame took along, or must not
    }
    stamp.seq = (uint16_t)index;
    if (!b && !(b = pool_take(c->fw->pool))) {
        c->fw->counters.no_block++;
        return; // a gap, as if the network had lost it
    }
    consumer_stamp(c, &stamp, now_us);
    if (rtp_forward_has_pictures(meta))
        consumer_number_pictures(c, prepared, &stamp);
    rtp_forward_copy(b, prepared, &stamp);
    if (stamp.blank)
        repair_note_blank(c->repair, stamp.seq);
    else
        c->payload_bytes += consumer_payload_bytes(&stamp, prepared);
    send_stats_add(&c->stats, b->len, now_us);
    consumer_send_media(c, b, index, now_us);
    if (c->report_due && s->clock.known) {
        c->report_due = false;
        feedback_send_sender_report(c, now_us);
    }
}

// The packet has to wait for its turn, or with NULL the number of one that carries nothing, behind such.
static void consumer_wait(struct consumer *c, const struct producer_stream *s, struct block *prepared,
                          uint16_t seq, uint64_t now_us) {
    struct block *b = pool_take(c->fw->pool);
    if (!b) {
        c->fw->counters.no_block++;
        return; // a gap, as if the network had lost it
    }
    bool leaves = prepared && (!c->filtered || layer_tops_have(layer_filter_tops(&c->filter),
                                                               &forward_meta_of(prepared)->layers));
    b->len = leaves ? prepared->len : 0; // what it is expected to add to what waits
    congestion_hold(b,
                    &(struct pacer_note){.owner = c,
                                         .stream = s,
                                         .source = prepared ? block_ref(prepared) : NULL,
                                         .seq = seq,
                                         .kind = PACER_MEDIA},
                    now_us);
}

static void consumer_send_first(struct consumer *c, const struct producer_stream *s, struct block *prepared,
                                uint64_t now_us) {
    if (congestion_is_busy(c, now_us))
        consumer_wait(c, s, prepared, forward_meta_of(prepared)->seq, now_us);
    else
        consumer_send_now(c, s, prepared, NULL, now_us);
}

// Of what waited, what is of a run that is over never leaves.
static void consumer_release_media(struct consumer *c, struct block *b, const struct pacer_note *note,
                                   uint64_t now_us) {
    const struct producer_stream *s = note->stream;
    bool goes_on = c->active && !c->resync && s->index == c->current;
    if (goes_on && note->source && !downlink_goes_on(c)) {
        downlink_hold(c, note->source, now_us); // what follows begins anew, or would be told from it by a gap
        goes_on = false;
    }
    if (goes_on && note->source) {
        consumer_send_now(c, s, note->source, b, now_us);
        return;
    }
    if (goes_on)
        seq_rewrite_drop(&c->rewrite, note->seq);
    block_release(b);
}

// The key frame's first packet came after some that follow it, or is from the history: these are there too.
// What waits for the end of the turn may be among them; it is then not sent again (seq_rewrite_map).
static void consumer_catch_up(struct consumer *c, const struct producer_stream *s, uint16_t seq,
                              uint16_t newest_seq, uint64_t now_us) {
    for (unsigned n = 0; s->history && n < REPLAY_MAX && seq16_newer(newest_seq, seq); n++) {
        struct block *b = history_get(s->history, ++seq, now_us);
        if (b)
            consumer_forward(c, s, b, newest_seq, now_us);
        else if (producer_was_empty(s, seq, now_us))
            consumer_skip(c, s, seq, now_us); // or a gap would stay that nothing can fill
    }
    for (; seq == newest_seq && producer_was_empty(s, (uint16_t)(seq + 1), now_us); newest_seq++)
        consumer_skip(c, s, ++seq, now_us);
}

void consumer_forward(struct consumer *c, const struct producer_stream *s, struct block *prepared,
                      uint16_t newest_seq, uint64_t now_us) {
    assert(c->active);
    if (!downlink_goes_on(c)) {
        downlink_hold(c, prepared, now_us);
        return;
    }
    if (s->index == c->current && !c->resync) {
        consumer_send_first(c, s, prepared, now_us);
        return;
    }
    struct block *first = consumer_first(c, s, prepared, now_us);
    if (!first)
        return;
    consumer_sync(c, s, first, now_us);
    consumer_send_first(c, s, first, now_us);
    consumer_catch_up(c, s, forward_meta_of(first)->seq, newest_seq, now_us);
}

void consumer_skip(struct consumer *c, const struct producer_stream *s, uint16_t seq, uint64_t now_us) {
    if (s->index != c->current || c->resync)
        return;
    if (consumer_is_video(c) && congestion_is_waiting(c->endpoint))
        consumer_wait(c, s, NULL, seq, now_us); // numbers close up in their order
    else
        seq_rewrite_drop(&c->rewrite, seq);
}

void consumer_send_probe(struct consumer *c, struct block *prepared, uint64_t now_us) {
    assert(c->resync);
    struct block *b = pool_take(c->fw->pool);
    if (!b) {
        c->fw->counters.no_block++;
        return;
    }
    uint64_t index = seq_rewrite_fill(&c->rewrite);
    struct forward_stamp stamp = {.seq = (uint16_t)index, .timestamp = c->rewrite.out_timestamp_last};
    consumer_stamp(c, &stamp, now_us);
    rtp_forward_copy_empty(b, prepared, &stamp);
    c->stats.packets++;
    c->stats.bytes += b->len;
    (void)consumer_send(c, b, false, index, now_us);
}

// ---- again

// The packet that went out, or was to go out, under this number; NULL when it is not there any more.
static struct block *consumer_find_source(const struct consumer *c, struct forward_stamp *stamp,
                                          uint64_t now_us) {
    struct seq_origin origin;
    if (!seq_rewrite_unmap(&c->rewrite, stamp->seq, &origin))
        return NULL;
    const struct history *history = c->producer->streams[origin.source].history;
    struct block *prepared = history ? history_get(history, origin.seq, now_us) : NULL;
    if (!prepared)
        return NULL;
    stamp->marker = forward_meta_of(prepared)->marker;
    stamp->timestamp = forward_meta_of(prepared)->timestamp + origin.timestamp_offset;
    stamp->picture_offset = origin.picture_offset;
    stamp->blank = origin.empty || consumer_repeat_fate(c, forward_meta_of(prepared), stamp->seq, &origin,
                                                        &stamp->marker) == LAYER_FATE_BLANK;
    return prepared;
}

// As RTX: a packet of another number, which it gets when it leaves, made from the source. NULL: there is no
// block.
static struct block *consumer_make_rtx(struct consumer *c, struct block *prepared, struct forward_stamp stamp,
                                       uint64_t now_us) {
    struct block *b = pool_take(c->fw->pool);
    uint16_t seq = stamp.seq;
    if (!b) {
        c->fw->counters.no_block++;
        return NULL;
    }
    consumer_stamp(c, &stamp, now_us);
    stamp.ssrc = c->params.rtx_ssrc;
    stamp.payload_type = c->params.rtx_payload_type;
    stamp.seq = 0;
    rtp_forward_copy_rtx(b, prepared, &stamp, seq);
    return b;
}

// The number of an RTX packet, which leaves.
static uint64_t consumer_number_rtx(struct consumer *c, struct block *b) {
    uint64_t index = c->rtx_index++;
    rtp_forward_number(b, (uint16_t)index);
    return index;
}

static void consumer_send_rtx(struct consumer *c, struct block *b, uint64_t now_us) {
    uint64_t index = consumer_number_rtx(c, b);
    (void)consumer_send(c, b, true, index, now_us);
}

void consumer_release(struct consumer *c, struct block *b, const struct pacer_note *note, uint64_t now_us) {
    if (note->kind == PACER_REPEAT) {
        rtp_forward_restamp(b, c->ext_ids, rtp_abs_send_time(now_us), c->endpoint->transport_seq);
        consumer_send_rtx(c, b, now_us);
        return;
    }
    consumer_release_media(c, b, note, now_us);
    block_release(note->source);
}

static bool consumer_resend_rtx(struct consumer *c, uint16_t seq, uint64_t now_us) {
    struct forward_stamp stamp = {.seq = seq};
    struct block *prepared = consumer_find_source(c, &stamp, now_us);
    struct block *b = prepared && consumer_may_resend(c, seq, stamp.blank ? 0 : prepared->len, now_us)
                          ? consumer_make_rtx(c, prepared, stamp, now_us)
                          : NULL;
    if (b && congestion_is_busy(c, now_us))
        congestion_hold(b, &(struct pacer_note){.owner = c, .kind = PACER_REPEAT}, now_us);
    else if (b)
        consumer_send_rtx(c, b, now_us);
    return b != NULL;
}

// What is sent for the sake of its size.
static uint16_t consumer_send_padding(struct consumer *c, struct block *b, uint32_t ssrc, uint64_t index,
                                      uint64_t now_us) {
    uint16_t bytes = (uint16_t)(b->len + CONGESTION_WIRE_BYTES);
    consumer_count(c, b->len, true, now_us);
    congestion_sent(c, ssrc, (uint16_t)index, b->len, true, now_us);
    (void)c->fw->out.send_rtp(c->fw->out.ctx, c->endpoint->peer, b, c->params.kind, index);
    return bytes;
}

uint16_t consumer_pad_repeat(struct consumer *c, uint16_t back, uint16_t bytes_max, uint64_t now_us) {
    struct forward_stamp stamp = {.seq = (uint16_t)(c->rewrite.made.next - 1 - back)};
    // Else it would be of before a pause, or in one.
    bool goes_on = c->active && !c->producer->paused && c->rewrite.started && !c->resync;
    struct block *prepared = goes_on ? consumer_find_source(c, &stamp, now_us) : NULL;
    if (!prepared || prepared->len > bytes_max)
        return 0;
    struct block *b = consumer_make_rtx(c, prepared, stamp, now_us);
    if (!b)
        return 0;
    uint64_t index = consumer_number_rtx(c, b);
    return consumer_send_padding(c, b, c->params.rtx_ssrc, index, now_us);
}

uint16_t consumer_pad_empty(struct consumer *c, const struct padding_stream *to, uint64_t *next,
                            uint16_t bytes, uint64_t now_us) {
    struct block *b = pool_take(c->fw->pool);
    if (!b)
        return 0;
    uint64_t index = (*next)++;
    struct forward_stamp stamp = {.ssrc = to->ssrc,
                                  .payload_type = to->payload_type,
                                  .seq = (uint16_t)index,
                                  .timestamp = c->rewrite.out_timestamp_last,
                                  .abs_send_time = rtp_abs_send_time(now_us),
                                  .transport_cc_seq = c->endpoint->transport_seq,
                                  .mid_len = to->mid_len,
                                  .ext_ids = c->ext_ids};
    memcpy(stamp.mid, to->mid, sizeof stamp.mid);
    rtp_forward_write_padding(b, &stamp, bytes < UINT8_MAX ? (uint8_t)bytes : UINT8_MAX);
    return consumer_send_padding(c, b, to->ssrc, index, now_us);
}

// Under its old number: the datagram that went out.
static bool consumer_resend_sealed(struct consumer *c, uint16_t seq, uint64_t now_us) {
    struct block *sealed = sent_store_get(c->sent, seq, now_us);
    struct block *b =
        sealed && consumer_may_resend(c, seq, sealed->len, now_us) ? pool_take(c->fw->pool) : NULL;
    if (!b)
        return false;
    b->start = sealed->start;
    b->len = sealed->len;
    memcpy(block_data(b), block_data(sealed), sealed->len);
    consumer_count(c, b->len, false, now_us);
    congestion_sent_again(c, b->len, now_us);
    c->fw->out.send_again(c->fw->out.ctx, c->endpoint->peer, b, c->params.kind);
    return true;
}

// From before the key frame with which the present run began: on a link that is full it would only be in the
// way of what is shown.
static bool consumer_is_past(const struct consumer *c, uint16_t seq) {
    return congestion_is_paced(c->endpoint) && seq16_diff(seq, (uint16_t)c->run_first) < 0;
}

void consumer_nack(struct consumer *c, uint16_t seq, uint64_t now_us) {
    c->nack_packet_count++;
    c->fw->counters.nacked_packets_in++;
    if (!c->active || !c->params.nack || consumer_is_past(c, seq) || !consumer_prepare_repeats(c))
        return;

    bool sent = c->params.rtx_ssrc != 0 ? consumer_resend_rtx(c, seq, now_us)
                                        : c->sent && consumer_resend_sealed(c, seq, now_us);
    c->stats.retransmitted += sent;
    c->fw->counters.retransmitted += sent;
    if (sent)
        repair_note_repeated(c, seq, now_us);
}

bool consumer_send_copy(struct consumer *c, uint16_t seq, uint64_t now_us) {
    struct forward_stamp stamp = {.seq = seq};
    assert(c->params.rtx_ssrc != 0);
    if (!c->active || consumer_is_past(c, seq) || congestion_is_busy(c, now_us))
        return false;
    struct block *prepared = consumer_find_source(c, &stamp, now_us);
    struct block *b = prepared && !stamp.blank && consumer_may_copy(c, prepared->len, now_us)
                          ? consumer_make_rtx(c, prepared, stamp, now_us)
                          : NULL;
    if (!b)
        return false;
    consumer_send_rtx(c, b, now_us);
    c->stats.retransmitted++;
    c->fw->counters.retransmitted++;
    return true;
}

uint16_t consumer_send_end(struct consumer *c, uint64_t now_us) {
    bool goes_on = c->active && !c->resync && !c->producer->paused && downlink_goes_on(c) &&
                   seq_rewrite_can_insert(&c->rewrite) && !congestion_is_busy(c, now_us) &&
                   endpoint_egress(c->endpoint, now_us) == EGRESS_ALL;
    const struct history *history = goes_on ? c->producer->streams[c->rewrite.source].history : NULL;
    struct block *before = history ? history_get(history, (uint16_t)c->rewrite.in_highest, now_us) : NULL;
    // Within a frame it would cut it in two: receivers put together what has numbers in a row.
    bool ended = before && forward_meta_of(before)->marker;
    struct block *b = ended ? pool_take(c->fw->pool) : NULL;
    if (!b)
        return 0;
    uint64_t index = seq_rewrite_insert(&c->rewrite);
    struct forward_stamp stamp = {
        .seq = (uint16_t)index, .timestamp = c->rewrite.out_timestamp_last, .blank = true};
    consumer_stamp(c, &stamp, now_us);
    rtp_forward_copy_empty(b, before, &stamp);
    uint16_t bytes = b->len;
    c->stats.packets++;
    c->stats.bytes += bytes;
    consumer_send_media(c, b, index, now_us);
    return bytes;
}

// ---- clock

bool consumer_sender_clock(const struct consumer *c, uint64_t now_us, uint64_t *ntp,
                           uint32_t *rtp_timestamp) {
    if (!c->rewrite.started || c->current == LAYER_NONE)
        return false;
    const struct capture_clock *clock = &c->producer->streams[c->rewrite.source].clock;
    if (!clock->known)
        return false;
    uint64_t since_us = now_us > clock->arrival_us ? now_us - clock->arrival_us : 0;
    *ntp = clock->ntp + (since_us / US_PER_SECOND << 32) + ((since_us % US_PER_SECOND << 32) / US_PER_SECOND);
    *rtp_timestamp = clock->rtp_timestamp + ticks_of(since_us, c->params.clock_rate) +
                     seq_rewrite_timestamp_offset(&c->rewrite);
    return true;
}
