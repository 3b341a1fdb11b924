// Which layers a consumer gets of the stream that it shows, and what its receiver is told of them and why.
#include "rooms/media/media_objects.h"

#include <assert.h>

#define TICKS_BEHIND_MAX 2 // then a key frame is asked for, since no switching point came

// ---- how many there are

static bool stream_is_svc(const struct producer_stream *s) {
    const struct producer *p = s->producer;
    const struct dd_structure *structure = &s->layers->descriptors.structure;
    if (p->params.stream_count > 1)
        return false;
    return p->layers_seen.spatial > 1 || (structure->generation != 0 && structure->spatial_layers > 1);
}

static int8_t lower_of(int8_t a, int8_t b) {
    if (a == LAYER_NONE || b == LAYER_NONE)
        return a == LAYER_NONE ? b : a;
    return a < b ? a : b;
}

int8_t consumer_ceiling_temporal(const struct consumer *c) {
    return lower_of(c->ceiling_temporal, c->allot_temporal);
}

// The highest layers that are sent now; LAYER_NONE: nothing is.
struct shown {
    int8_t spatial, temporal;
};

static struct shown consumer_shown(const struct consumer *c) {
    const struct producer *p = c->producer;
    struct layer_tops tops = layer_filter_tops(&c->filter);
    int8_t top_spatial = (int8_t)(p->layers_seen.spatial - 1),
           top_temporal = (int8_t)(p->layers_seen.temporal - 1);
    if (c->current == LAYER_NONE)
        return (struct shown){LAYER_NONE, LAYER_NONE};
    int8_t spatial = p->params.stream_count > 1 ? c->current : lower_of((int8_t)tops.spatial, top_spatial);
    return (struct shown){spatial, lower_of((int8_t)tops.temporal, top_temporal)};
}

static int8_t wanted_of(int8_t wish, int8_t top, int8_t shown) {
    int8_t layer = wish == LAYER_NONE || wish > top ? top : wish;
    return layer > shown ? layer : shown;
}

// Not only what is shown now: a publisher that stopped what nobody has yet could never be asked for it. Nor
// what a link lets through: what does not come has no rate by which it could be let through again.
void consumer_find_wanted(const struct consumer *c, int8_t *spatial, int8_t *temporal) {
    const struct producer *p = c->producer;
    struct shown shown = consumer_shown(c);
    *spatial = wanted_of(consumer_wish(c), (int8_t)(p->layers_seen.spatial - 1), shown.spatial);
    *temporal = wanted_of(c->ceiling_temporal, (int8_t)(p->layers_seen.temporal - 1), shown.temporal);
}

// ---- what is told

static enum layer_reason consumer_reason(const struct consumer *c, struct shown shown) {
    const struct producer *p = c->producer;
    int8_t top = (int8_t)(p->layers_seen.spatial - 1), top_temporal = (int8_t)(p->layers_seen.temporal - 1);
    if (c->shed == SHED_ALL || (c->shed == SHED_TO_LOWEST && shown.spatial == 0))
        return LAYER_REASON_WORKER;
    if (c->allot_off)
        return LAYER_REASON_BANDWIDTH;
    int8_t wish = lower_of(c->ceiling, top), wish_temporal = lower_of(c->ceiling_temporal, top_temporal);
    int8_t most = lower_of(c->allot_spatial, wish),
           most_temporal = lower_of(c->allot_temporal, wish_temporal);
    if (shown.spatial == LAYER_NONE || shown.spatial < most)
        return LAYER_REASON_SOURCE;
    if (most < wish || most_temporal < wish_temporal)
        return LAYER_REASON_BANDWIDTH;
    return shown.temporal < most_temporal ? LAYER_REASON_SOURCE : LAYER_REASON_WISH;
}

void consumer_send_layers(struct consumer *c) {
    struct shown shown = consumer_shown(c);
    c->reason_told = (uint8_t)consumer_reason(c, shown);
    c->spatial_told = shown.spatial;
    c->temporal_told = shown.temporal;
    struct media_event event = {
        .type = MEDIA_CONSUMER_LAYERS,
        .consumer = c->id,
        .layers = {.spatial = shown.spatial, .temporal = shown.temporal, .reason = c->reason_told}};
    c->untold = !forwarder_event(c->fw, &event);
    c->fw->untold |= c->untold;
}

// Of a producer without layers only that it is suspended, and that it is not any more.
void consumer_tell_layers(struct consumer *c) {
    bool suspended = c->shed == SHED_ALL || c->allot_off;
    if (c->params.kind == MEDIA_AUDIO) // nobody is shown less, and there may be ten thousands of them
        return;
    if (!producer_has_layers(c->producer) && !suspended && !c->silence_told)
        return;
    c->silence_told = suspended;
    consumer_send_layers(c);
}

void consumer_note_layers(struct consumer *c) {
    struct shown shown = consumer_shown(c);
    if (c->current == LAYER_NONE || !producer_has_layers(c->producer) ||
        (shown.spatial == c->spatial_told && shown.temporal == c->temporal_told))
        return;
    consumer_send_layers(c);
}

// ---- what is left out

static const struct dd_reader *consumer_descriptors(const struct consumer *c) {
    return &c->producer->streams[c->current > 0 ? c->current : 0].layers->descriptors;
}

// Asks for the key frame without which it does not get where it is to be.
static void consumer_ask_for_layers(struct consumer *c, uint64_t now_us) {
    if (c->current != LAYER_NONE && c->filter.on && !c->resync &&
        layer_filter_needs_key(&c->filter, consumer_descriptors(c), c->producer->layers_seen.spatial))
        consumer_begin_key_frame(c, (unsigned)c->current, now_us);
}

void consumer_update_filter(struct consumer *c, uint64_t now_us) {
    struct producer *p = c->producer;
    struct layer_filter *f = &c->filter;
    if (producer_is_audio(p))
        return;
    int8_t spatial = p->params.stream_count > 1 ? LAYER_NONE : consumer_ceiling(c);
    int8_t temporal = consumer_ceiling_temporal(c);
    bool changed = f->want_spatial != spatial || f->want_temporal != temporal;
    bool needed = spatial != LAYER_NONE || temporal != LAYER_NONE || stream_is_svc(&p->streams[0]);
    if (changed)
        layer_filter_want(f, spatial, temporal);
    if (!f->on && needed)
        layer_filter_start(f);
    else if (f->on && !needed && layer_filter_is_idle(f, consumer_descriptors(c)))
        f->on = false;
    if (c->filtered && !f->on)
        consumer_note_layers(c); // all of them from here on
    c->filtered = f->on;
    if (c->rewrite.started)
        consumer_mark_run(c);
    if (changed)
        consumer_ask_for_layers(c, now_us);
}

void consumer_begin_filter(struct consumer *c, const struct producer_stream *s) {
    c->filter.on |= s->layers && stream_is_svc(s);
    layer_filter_begin(&c->filter);
    c->filtered = c->filter.on;
}

void consumer_tick_layers(struct consumer *c, uint64_t now_us) {
    consumer_update_filter(c, now_us);
    if (!c->filter.on || c->current == LAYER_NONE) {
        c->ticks_behind = 0;
        return;
    }
    consumer_note_layers(c);
    bool behind =
        layer_filter_lacks_temporal(&c->filter, consumer_descriptors(c), c->producer->layers_seen.temporal);
    if (!behind)
        c->ticks_behind = 0;
    else if (c->ticks_behind <= TICKS_BEHIND_MAX)
        c->ticks_behind++;
    if (c->ticks_behind == TICKS_BEHIND_MAX)
        consumer_begin_key_frame(c, (unsigned)c->current, now_us);
    else
        consumer_ask_for_layers(c, now_us);
}

// ---- each packet

// The tops that a run of numbers is marked with, in a byte.
static uint8_t tops_byte(struct layer_tops tops) {
    return (uint8_t)(tops.spatial << 4 | tops.temporal);
}

static struct layer_tops tops_of(uint8_t byte) {
    return (struct layer_tops){.spatial = byte >> 4, .temporal = byte & 15};
}

void consumer_mark_run(struct consumer *c) {
    const struct picture_numbers *offset = &c->pictures.offset;
    seq_rewrite_mark(&c->rewrite, (struct seq_marks){.picture_id = offset->id,
                                                     .picture_frame = offset->frame,
                                                     .picture_tl0 = offset->tl0,
                                                     .tops = tops_byte(layer_filter_tops(&c->filter))});
}

static struct layer_verdict consumer_judge_late(struct consumer *c, const struct forward_meta *meta) {
    struct seq_marks marks;
    if (!seq_rewrite_marks_of(&c->rewrite, meta->seq, &marks))
        return (struct layer_verdict){.sends = false};
    return layer_filter_take_late(&c->filter, &meta->layers, meta->timestamp, tops_of(marks.tops));
}

// What follows from a decision about a packet that is newer than all before it.
static void consumer_note_verdict(struct consumer *c, const struct forward_meta *meta,
                                  struct layer_verdict verdict) {
    if (!verdict.sends && verdict.new_frame && meta->pictures.id_at && c->producer->params.codec == CODEC_VP8)
        picture_rewrite_drop(&c->pictures);
    consumer_mark_run(c);
    if (verdict.sends)
        return;
    if (verdict.new_frame)
        seq_rewrite_drop(&c->rewrite, meta->seq);
    else
        seq_rewrite_drop_frame(&c->rewrite, meta->seq);
}

enum layer_fate consumer_filter(struct consumer *c, const struct producer_stream *s, struct block *prepared,
                                bool *marker, uint64_t now_us) {
    const struct forward_meta *meta = forward_meta_of(prepared);
    bool late = seq_rewrite_is_late(&c->rewrite, meta->seq), was_broken = c->filter.broken;
    uint8_t tops = tops_byte(layer_filter_tops(&c->filter));
    struct layer_verdict verdict =
        late ? consumer_judge_late(c, meta)
             : layer_filter_take(&c->filter, &meta->layers, meta->timestamp, &s->layers->descriptors,
                                 span_of(prepared->bytes, meta->descriptor_len));
    *marker |= verdict.marker;
    if (late)
        return verdict.sends ? LAYER_FATE_SENT : LAYER_FATE_BLANK;
    consumer_note_verdict(c, meta, verdict);
    if (c->filter.broken && !was_broken)
        consumer_begin_key_frame(c, s->index, now_us);
    if (tops != tops_byte(layer_filter_tops(&c->filter)))
        consumer_note_layers(c);
    return verdict.sends ? LAYER_FATE_SENT : LAYER_FATE_DROPPED;
}

enum layer_fate consumer_repeat_fate(const struct consumer *c, const struct forward_meta *meta, uint16_t seq,
                                     const struct seq_origin *origin, bool *marker) {
    struct layer_tops tops = tops_of(origin->marks.tops);
    bool sent = seq_rewrite_was_made(&c->rewrite, seq);
    bool sends = sent ? !repair_was_blank(c->repair, seq) : layer_tops_have(tops, &meta->layers);
    *marker |= layer_tops_end(tops, &meta->layers);
    return sends ? LAYER_FATE_SENT : LAYER_FATE_BLANK;
}
