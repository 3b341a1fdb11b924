// Layers, switched 200 times for each codec and structure, before a strict decoder: each frame that comes is
// whole, in order, and everything that it refers to was decoded; each picture ends with its marker; nothing
// stands still; numbers have no gap; what is asked for again is what was sent.
#include "tests/sim/sim_layers.h"

static const char *const PUB = "publisher", *const A = "receiver A", *const B = "receiver B";

static void hear_requests(struct world *w) {
    for (unsigned i = 0; i < w->f->rtcp_count; i++) {
        struct rtcp_walk walk = rtcp_walk_of(span_of(w->f->rtcp[i].bytes, w->f->rtcp[i].len));
        for (struct rtcp_packet packet; rtcp_walk_next(&walk, &packet);)
            if (packet.kind == RTCP_PLI && packet.media_ssrc >= 500 && packet.media_ssrc < 503 &&
                !w->streams[packet.media_ssrc - 500].key_at_us)
                w->streams[packet.media_ssrc - 500].key_at_us = w->f->now_us + KEY_DELAY_US;
    }
}

// ---- the receivers

static size_t content_at(const struct mode *m, const struct frame *f) {
    switch (m->form) {
    case FORM_VP8:
        return 7;
    case FORM_VP9:
        return 5u + (f ? !f->key : 0);
    default:
        return 3;
    }
}

static struct out read_out(struct world *w, const struct fake_rtp *got, size_t skip) {
    const struct mode *m = w->mode;
    struct rtp_packet packet;
    struct out out = {
        .came = true, .at_us = got->at_us, .timestamp = got->head.timestamp, .marker = got->head.marker};
    uint8_t bytes[sizeof got->bytes];
    memcpy(bytes, got->bytes, sizeof bytes);
    bytes[0] &= (uint8_t)~0x20; // its padding may be beyond what was kept
    assert_int_equal(rtp_parse(span_of(bytes, sizeof bytes), &packet), ERR_OK);
    size_t payload_len = got->head.payload.len - skip;
    if (payload_len == 0) {
        out.blank = true;
        return out;
    }
    const uint8_t *p = packet.payload.ptr + skip;
    size_t at = content_at(m, NULL);
    if (m->form == FORM_VP9) // references and the structure come before
        at = 4u + (p[0] & 0x40 ? 1 : 0) + (p[0] & 2 ? 1 : 0) + 1;
    out.frame = load_be32(p + at);
    out.index = p[at + 4];
    out.picture = m->form == FORM_VP8 ? load_be16(p + 2) & 0x7fff : 0;
    out.tl0 = m->form == FORM_VP8 ? p[4] : 0;
    struct ext_map map;
    struct ext_ids ids = {.ids = {[EXT_DEPENDENCY_DESCRIPTOR] = EXT_ROUTER_ID(EXT_DEPENDENCY_DESCRIPTOR)}};
    struct rtp_ext_values values;
    ext_map_clear(&map);
    ext_map_add(&map, &ids);
    rtp_ext_read(&packet, &map, &values);
    if (values.of[EXT_DEPENDENCY_DESCRIPTOR].ptr) {
        out.described = true;
        out.number = load_be16(values.of[EXT_DEPENDENCY_DESCRIPTOR].ptr + 1);
    }
    assert_true(out.frame < w->frame_count && out.index < w->frames[out.frame].count);
    return out;
}

static void check_repeat(struct world *w, struct viewer *v, const struct fake_rtp *got) {
    uint16_t original = got->original_seq;
    struct out again = read_out(w, got, 2);
    uint64_t at = v->highest - (uint16_t)((uint16_t)v->highest - original);
    const struct out *before = &v->out[at - 0x10000];
    if (!before->came) { // it never came: this is the first of it
        v->out[at - 0x10000] = again;
        return;
    }
    v->repeats++;
    if (again.blank != before->blank || again.frame != before->frame || again.index != before->index ||
        again.timestamp != before->timestamp || again.picture != before->picture ||
        again.tl0 != before->tl0 || again.number != before->number ||
        (again.marker != before->marker && !again.blank))
        fail_msg("%s, %s: number %u again is another packet: blank %d %d, frame %u %u, packet %u %u, "
                 "timestamp %u %u, "
                 "picture %u %u, TL0PICIDX %u %u, number %u %u, marker %d %d",
                 w->mode->name, v->peer, original, before->blank, again.blank, before->frame, again.frame,
                 before->index, again.index, before->timestamp, again.timestamp, before->picture,
                 again.picture, before->tl0, again.tl0, before->number, again.number, before->marker,
                 again.marker);
}

static void receive(struct world *w) {
    for (unsigned i = 0; i < w->f->rtp_count; i++) {
        const struct fake_rtp *got = &w->f->rtp[i];
        struct viewer *v = &w->viewers[got->peer == B];
        if (got->head.ssrc == v->ssrc + 1) {
            check_repeat(w, v, got);
            continue;
        }
        if (!v->started) {
            v->started = true;
            v->first = got->head.seq;
            v->highest = 0x10000 + (uint64_t)got->head.seq - 1;
            v->out -= got->head.seq; // so that numbers are indexes
        }
        uint64_t seq =
            v->highest + (uint64_t)(int64_t)(int16_t)(uint16_t)(got->head.seq - (uint16_t)v->highest);
        assert_true(seq >= 0x10000 + (uint64_t)v->first && seq - 0x10000 - v->first < OUT_MAX);
        assert_false(v->out[seq - 0x10000].came);
        v->out[seq - 0x10000] = read_out(w, got, 0);
        v->highest = seq > v->highest ? seq : v->highest;
    }
    for (unsigned i = 0; i < w->f->event_count; i++) {
        const struct media_event *event = &w->f->events[i];
        if (event->type == MEDIA_CONSUMER_LAYERS)
            w->viewers[event->consumer.v - 11].told = *event;
    }
    hear_requests(w);
    fake_clear(w->f);
}

// ---- what must hold

static void fail_at(const struct world *w, const struct viewer *v, uint64_t at, const char *what) {
    const struct out *o = &v->out[at];
    const struct frame *f = &w->frames[o->frame];
    fail_msg("%s, %s, packet %llu (unit %u, stream %u, S%uT%u, key %d, at %llu ms): %s", w->mode->name,
             v->peer, (unsigned long long)at, f->unit, f->stream, f->spatial, f->temporal, f->key,
             (unsigned long long)(o->at_us / MS), what);
}

static void check_numbers(const struct world *w, const struct viewer *v, uint64_t at, uint64_t before) {
    const struct out *o = &v->out[at], *last = &v->out[before];
    if (w->mode->form == FORM_VP8 && w->mode->late_permille == 0 &&
        o->picture != ((last->picture + 1) & 0x7fff))
        fail_at(w, v, at, "its picture id does not follow");
    uint8_t tl0 = (uint8_t)(last->tl0 + (w->frames[o->frame].temporal == 0));
    if (w->mode->form == FORM_VP8 && w->mode->late_permille == 0 && o->tl0 != tl0)
        fail_at(w, v, at, "its TL0PICIDX does not follow");
    if (v->descriptors && (int16_t)(uint16_t)(o->number - last->number) <= 0)
        fail_at(w, v, at, "its frame number does not follow");
}

// What a decoder has seen so far.
struct decoder {
    uint8_t *decoded;  // [frame]
    uint16_t *numbers; // its frame number as it came
    uint64_t last;     // first packet of the frame before, 0: none
    uint64_t shown_us, longest_us, end;
    uint32_t blanks, pictures;
};

static void note_picture(struct decoder *d, uint64_t done_us) {
    d->pictures++;
    if (d->shown_us && done_us > d->shown_us && done_us - d->shown_us > d->longest_us)
        d->longest_us = done_us - d->shown_us;
    d->shown_us = done_us > d->shown_us ? done_us : d->shown_us;
}

static bool ends_picture(const struct viewer *v, const struct decoder *d, uint64_t at) {
    uint64_t next = at + 1;
    while (next < d->end && v->out[next].came && v->out[next].blank)
        next++;
    return v->out[next].timestamp != v->out[at].timestamp;
}

// The packets of one frame, all of them and in order, and `*from` behind it. False: it was cut off, since its
// stream was left while some of it was missing.
static bool check_whole(const struct world *w, const struct viewer *v, struct decoder *d, uint64_t *from) {
    uint64_t at = *from, done_us = 0;
    const struct out *first = &v->out[at];
    const struct frame *f = &w->frames[first->frame];
    for (unsigned i = 0; i < f->count; *from = ++at) {
        const struct out *p = &v->out[at];
        const struct frame *of = &w->frames[p->frame];
        if (i > 0 && p->came && !p->blank && of->stream != f->stream && of->key && p->index == 0)
            return false;
        bool right =
            p->blank || (p->frame == first->frame && p->index == i && p->timestamp == first->timestamp);
        if (!p->came || !right)
            fail_at(w, v, at, "its frame is not whole, or not in order");
        done_us = p->at_us > done_us ? p->at_us : done_us;
        if (p->blank) {
            d->blanks++;
            continue;
        }
        bool last = ++i == f->count && ends_picture(v, d, at);
        if (p->marker != last)
            fail_at(w, v, at, last ? "ends its picture without a marker" : "has a marker in mid-picture");
        if (last)
            note_picture(d, done_us);
    }
    return true;
}

static void check_references(const struct world *w, const struct viewer *v, struct decoder *d, uint64_t at) {
    const struct out *o = &v->out[at];
    const struct frame *f = &w->frames[o->frame];
    for (unsigned r = 0; r < f->ref_count; r++) {
        uint16_t distance = (uint16_t)(o->number - d->numbers[f->refs[r]]);
        if (!d->decoded[f->refs[r]])
            fail_at(w, v, at, "refers to what never came");
        if (v->descriptors && distance != (uint16_t)(f->number - w->frames[f->refs[r]].number))
            fail_at(w, v, at, "the distance to what it refers to is another");
    }
    if (d->decoded[o->frame])
        fail_at(w, v, at, "came twice");
    d->decoded[o->frame] = 1;
    d->numbers[o->frame] = o->number;
}

static void check_order(const struct world *w, const struct viewer *v, const struct decoder *d, uint64_t at) {
    const struct out *o = &v->out[at];
    if (w->mode->form == FORM_DESCRIPTOR && o->described != v->descriptors)
        fail_at(w, v, at, "has a descriptor where none was negotiated, or none where one was");
    if (d->last == 0)
        return;
    const struct out *last = &v->out[d->last];
    const struct frame *f = &w->frames[o->frame], *before = &w->frames[last->frame];
    if (f->unit < before->unit || (f->stream == before->stream && o->frame <= last->frame))
        fail_at(w, v, at, "comes after a later one");
    if ((int32_t)(o->timestamp - last->timestamp) < 0)
        fail_at(w, v, at, "has an earlier timestamp");
    check_numbers(w, v, at, d->last);
}

// Frames in the order of their numbers, each whole, each decodable.
static void check_stream(struct world *w, struct viewer *v) {
    struct decoder d = {.decoded = calloc(w->frame_count, 1),
                        .numbers = calloc(w->frame_count, sizeof(uint16_t)),
                        .end = v->highest - 0x10000};
    assert_true(v->started);
    for (uint64_t at = v->first, next; at + 200 < d.end; at = next) {
        if (!v->out[at].came)
            fail_at(w, v, at, "is missing");
        next = at + 1;
        if (v->out[at].blank) {
            d.blanks++;
            continue;
        }
        next = at;
        if (!check_whole(w, v, &d, &next))
            continue;
        check_references(w, v, &d, at);
        check_order(w, v, &d, at);
        d.last = at;
    }
    print_message(
        "%s, %s: %u pictures, %u blanks, longest %llu ms, %llu wishes met, %llu not, %u asked again\n",
        w->mode->name, v->peer, d.pictures, d.blanks, (unsigned long long)(d.longest_us / MS),
        (unsigned long long)v->reached, (unsigned long long)v->missed, v->repeats);
    // A switching point that comes late is none.
    assert_true(d.pictures > 500 && v->reached > 25 && v->missed <= (w->mode->late_permille > 0 ? 4u : 0));
    assert_true(d.longest_us <= FREEZE_MAX_US);
    assert_true(d.blanks == 0 || w->mode->late_permille > 0);
    free(d.decoded);
    free(d.numbers);
}

// ---- what must hold where the network loses packets for good

// Frames that nobody can decode, since some of them was lost, or of what they refer to.
static uint8_t *find_lost(const struct world *w) {
    uint8_t *lost = calloc(w->frame_count, 1);
    for (uint32_t i = 0; i < w->frame_count; i++) {
        lost[i] = w->frames[i].cut;
        for (unsigned r = 0; r < w->frames[i].ref_count; r++)
            lost[i] |= lost[w->frames[i].refs[r]];
    }
    return lost;
}

// What a browser's jitter buffer makes of VP8's numbers: a picture of a higher temporal layer that does not
// say that it needs the lowest alone is held back, for ever, where a picture between it and the last one of
// its layers has not come.
struct vp8_order {
    int32_t last[3]; // newest picture of each temporal layer, unwrapped; -1: none
    int32_t missing; // newest one that did not come, -1: none
    int32_t newest;
    uint32_t held; // though they could have been decoded
};

static void vp8_take(struct vp8_order *o, const struct frame *f, uint16_t picture, bool decodable) {
    uint16_t ahead = (uint16_t)(picture - (uint16_t)o->newest); // of 15 bits
    int32_t id = o->newest < 0 ? picture : o->newest + (int16_t)(uint16_t)(ahead << 1) / 2;
    if (o->newest >= 0 && id > o->newest + 1)
        o->missing = id - 1;
    o->newest = id > o->newest ? id : o->newest;
    bool base_only = f->temporal && !f->odd && !(f->temporal == 2 && f->position == 3);
    if (f->key)
        o->last[0] = o->last[1] = o->last[2] = -1;
    for (unsigned t = 0; t <= f->temporal && f->temporal > 0 && !base_only; t++)
        if (o->last[t] < 0 || o->missing > o->last[t]) {
            o->held += decodable;
            return;
        }
    o->last[f->temporal] = id;
}

// Its packets behind `at` that came, in sequence; *next: behind them.
static bool came_whole(const struct world *w, const struct viewer *v, uint64_t at, uint64_t end,
                       uint64_t *next) {
    const struct out *first = &v->out[at];
    unsigned count = 0;
    bool in_order = first->index == 0;
    for (*next = at; *next < end && v->out[*next].came && v->out[*next].frame == first->frame; ++*next)
        in_order &= v->out[*next].index == count++;
    return in_order && count == w->frames[first->frame].count;
}

// Numbers are missing only where packets are, and what comes whole can be decoded unless the network lost
// what it needs.
static void check_lossy_stream(struct world *w, struct viewer *v) {
    uint8_t *lost = find_lost(w), *decoded = calloc(w->frame_count, 1);
    struct vp8_order order = {.last = {-1, -1, -1}, .missing = -1, .newest = -1};
    uint64_t end = v->highest - 0x10000;
    uint32_t gaps = 0, pictures = 0;
    for (uint64_t at = v->first, next; at + 200 < end; at = next) {
        next = at + 1;
        if (!v->out[at].came || v->out[at].blank) {
            gaps++;
            continue;
        }
        const struct frame *f = &w->frames[v->out[at].frame];
        bool whole = came_whole(w, v, at, end, &next);
        if (!whole && !f->cut)
            fail_at(w, v, at, "its frame is not whole, and nothing of it was lost");
        if (!whole)
            continue;
        for (unsigned r = 0; r < f->ref_count; r++)
            if (!decoded[f->refs[r]] && !lost[f->refs[r]])
                fail_at(w, v, at, "refers to what was left out");
        decoded[v->out[at].frame] = !lost[v->out[at].frame];
        pictures++;
        if (w->mode->form == FORM_VP8)
            vp8_take(&order, f, v->out[at].picture, !lost[v->out[at].frame]);
    }
    print_message("%s, %s: %u frames, %u numbers missing, of %u lost packets; %u held back for ever\n",
                  w->mode->name, v->peer, pictures, gaps, w->lost_count, order.held);
    assert_true(pictures > 500 && gaps <= w->lost_count && order.held * 50 < pictures);
    free(lost);
    free(decoded);
}

// Whether it has come to what it was given, after a second.
static void check_wish(struct world *w, struct viewer *v) {
    const struct mode *m = w->mode;
    if (w->f->now_us < v->switched_us + 1200 * MS)
        return;
    unsigned spatial = 0, temporal = 0, top = m->streams > 1 ? m->streams - 1 : m->spatial - 1;
    for (uint64_t at = v->highest - 0x10000; at > v->first && v->out[at].at_us + 300 * MS > w->f->now_us;
         at--) {
        if (!v->out[at].came || v->out[at].blank)
            continue;
        const struct frame *f = &w->frames[v->out[at].frame];
        unsigned s = m->streams > 1 ? f->stream : f->spatial;
        spatial = s > spatial ? s : spatial;
        temporal = f->temporal > temporal ? f->temporal : temporal;
    }
    unsigned want_s = v->spatial < 0 || (unsigned)v->spatial > top ? top : (unsigned)v->spatial;
    unsigned want_t =
        v->temporal < 0 || (unsigned)v->temporal >= m->temporal ? m->temporal - 1 : (unsigned)v->temporal;
    bool met = spatial == want_s && temporal == want_t;
    // Who needs a key frame for each switch is given some a minute; temporal layers need none.
    if (temporal != want_t || (spatial != want_s && !v->needs_key_frames))
        print_message("%s, %s at %llu ms: S%uT%u in place of S%uT%u\n", m->name, v->peer,
                      (unsigned long long)(w->f->now_us / MS), spatial, temporal, want_s, want_t);
    if (met && (v->told.layers.spatial != (int8_t)spatial || v->told.layers.temporal != (int8_t)temporal))
        fail_msg("%s, %s: was told S%dT%d of S%uT%u", m->name, v->peer, v->told.layers.spatial,
                 v->told.layers.temporal, spatial, temporal);
    v->reached += met;
    v->missed += temporal != want_t || (spatial != want_s && !v->needs_key_frames);
}

static void switch_layers(struct world *w, struct viewer *v) {
    check_wish(w, v);
    v->spatial = (int8_t)((int)layers_random(w, 4) - 1);
    v->temporal = (int8_t)((int)layers_random(w, 4) - 1);
    v->switched_us = w->f->now_us;
    struct media_cmd cmd = {.type = MEDIA_SET_LAYERS, .consumer = {v->consumer}};
    cmd.layers.spatial = v->spatial;
    cmd.layers.temporal = v->temporal;
    // By what the receiver wants or what its link lets through.
    struct consumer *c = forwarder_consumer(w->f->fw, (struct consumer_id){v->consumer});
    if (v->peer == A)
        forwarder_command(w->f->fw, &cmd, w->f->now_us);
    else
        consumer_allot(c, v->spatial, v->temporal, false, w->f->now_us);
}

static void ask_again(struct world *w, struct viewer *v) {
    if (!v->started || v->highest < 0x10000 + (uint64_t)v->first + 60)
        return;
    uint16_t lost = (uint16_t)(v->highest - layers_random(w, 50));
    for (uint64_t at = v->highest - 4; at > v->highest - 150 && at > 0x10000 + (uint64_t)v->first; at--)
        if (!v->out[at - 0x10000].came)
            lost = (uint16_t)at; // what is missing comes first
    uint8_t bytes[64];
    struct writer nack = writer_of(bytes, sizeof bytes);
    rtcp_write_nack(&nack, 9, v->ssrc, &lost, 1);
    fake_rtcp(w->f, w->ends[v->peer == B], &nack);
}

static void run_units(struct world *w, unsigned count) {
    for (unsigned i = 0; i < count && w->unit < UNITS_MAX; i++, w->unit++) {
        for (unsigned s = 0; s < w->mode->streams; s++)
            layers_send_unit(w, s);
        ask_again(w, &w->viewers[w->unit % 2]);
        receive(w);
        for (unsigned step = 0; step < 3; step++) {
            fake_run(w->f, UNIT_US / 3);
            for (unsigned h = 0; h < w->held_count;) {
                if (w->held[h].at_us > w->f->now_us) {
                    h++;
                    continue;
                }
                layers_deliver(w, w->held[h].bytes, w->held[h].len);
                w->held[h] = w->held[--w->held_count];
            }
            receive(w);
        }
    }
}

static struct world *world_open(const struct mode *m) {
    struct world *w = calloc(1, sizeof *w);
    *w = (struct world){.mode = m, .f = fake_create(), .random = 12345};
    w->frames = calloc(FRAMES_MAX, sizeof *w->frames);
    struct producer_params p = m->streams > 1 ? fake_simulcast("0") : fake_video(500, 0);
    p.codec = m->codec;
    p.stream_count = (uint8_t)m->streams;
    p.spatial_layers = (uint8_t)m->spatial;
    p.temporal_layers = (uint8_t)m->temporal;
    p.ext.ids[EXT_DEPENDENCY_DESCRIPTOR] = EXT_ID_DD;
    w->pub = fake_connected(w->f, 1, PUB);
    for (unsigned i = 0; i < 2; i++)
        w->ends[i] = fake_connected(w->f, 2 + i, i ? B : A);
    fake_open_producer(w->f, 1, 1, p);
    for (unsigned i = 0; i < 2; i++) {
        struct viewer *v = &w->viewers[i];
        *v = (struct viewer){
            .peer = i ? B : A, .consumer = 11 + i, .ssrc = 110 + 100 * i, .spatial = -1, .temporal = -1};
        v->out = calloc(OUT_MAX, sizeof *v->out);
        v->needs_key_frames = m->streams > 1 || m->spatial > 1;
        v->descriptors = i == 0 && m->form == FORM_DESCRIPTOR;
        struct consumer_params c = fake_receive_video(v->ssrc, v->ssrc + 1);
        if (v->descriptors)
            c.ext.ids[EXT_DEPENDENCY_DESCRIPTOR] = EXT_ROUTER_ID(EXT_DEPENDENCY_DESCRIPTOR);
        fake_open_consumer(w->f, 2 + i, 1, v->consumer, c);
        v->switched_us = w->f->now_us;
    }
    for (unsigned s = 0; s < m->streams; s++) {
        w->streams[s].seq = (uint16_t)(65000 + 13000 * s);
        w->streams[s].number = (uint16_t)(65400 + 20000 * s);
        w->streams[s].picture = (uint16_t)(32700 + 5000 * s);
    }
    return w;
}

static void world_close(struct world *w) {
    for (unsigned i = 0; i < 2; i++)
        free(w->viewers[i].out + (w->viewers[i].started ? w->viewers[i].first : 0));
    fake_destroy(w->f);
    free(w->frames);
    free(w);
}

static void run_mode(const struct mode *m) {
    struct world *w = world_open(m);
    run_units(w, 60);
    for (unsigned i = 0; i < SWITCHES && w->unit + 100 < UNITS_MAX; i++) {
        switch_layers(w, &w->viewers[i % 2]);
        run_units(w, 5 + layers_random(w, i % 4 == 3 ? 60 : 30));
    }
    run_units(w, 60);
    for (unsigned i = 0; i < 2; i++) {
        if (m->lost_permille > 0)
            check_lossy_stream(w, &w->viewers[i]);
        else
            check_stream(w, &w->viewers[i]);
    }
    world_close(w);
}

static const struct mode modes[] = {
    {"VP8 L1T3", CODEC_VP8, FORM_VP8, 1, 1, 3, false, 0, 0},
    {"VP8 simulcast of L1T3", CODEC_VP8, FORM_VP8, 3, 1, 3, false, 0, 0},
    {"VP9 L1T3", CODEC_VP9, FORM_VP9, 1, 1, 3, false, 0, 0},
    {"VP9 simulcast of L1T3", CODEC_VP9, FORM_VP9, 3, 1, 3, false, 0, 0},
    {"AV1 simulcast of L1T3, encrypted", CODEC_AV1, FORM_DESCRIPTOR, 3, 1, 3, false, 0, 0},
    {"H265 L1T3", CODEC_H265, FORM_H265, 1, 1, 3, false, 0, 0},
    {"VP9 L3T3", CODEC_VP9, FORM_VP9, 1, 3, 3, false, 0, 0},
    {"VP9 L3T3_KEY", CODEC_VP9, FORM_VP9, 1, 3, 3, true, 0, 0},
    {"H264 L1T3, described", CODEC_H264, FORM_DESCRIPTOR, 1, 1, 3, false, 0, 0},
    {"H264 simulcast of L1T2, described", CODEC_H264, FORM_DESCRIPTOR, 3, 1, 2, false, 0, 0},
    {"AV1 L3T3, encrypted", CODEC_AV1, FORM_DESCRIPTOR, 1, 3, 3, false, 0, 0},
    {"AV1 L3T3_KEY, encrypted", CODEC_AV1, FORM_DESCRIPTOR, 1, 3, 3, true, 0, 0},
    {"AV1 L2T1, encrypted", CODEC_AV1, FORM_DESCRIPTOR, 1, 2, 1, false, 0, 0},
};

static void every_switch_can_be_decoded(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++)
        run_mode(&modes[i]);
}

// Some packets come late: what is not wanted of them is replaced, so that nobody waits for it.
static void late_packets_leave_no_hole(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
        struct mode m = modes[i];
        m.late_permille = 20;
        run_mode(&m);
    }
}

// Some packets never come: nobody gets what needs a frame that was left out.
static void lost_packets_leave_nothing_undecodable(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
        struct mode m = modes[i];
        m.lost_permille = 20;
        run_mode(&m);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_switch_can_be_decoded),
        cmocka_unit_test(late_packets_leave_no_hole),
        cmocka_unit_test(lost_packets_leave_nothing_undecodable),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
