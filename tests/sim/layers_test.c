// Layers, switched 200 times for each codec and structure, before a strict decoder: each frame that comes is
// whole, in order, and everything that it refers to was decoded; each picture ends with its marker; nothing
// stands still; numbers have no gap; what is asked for again is what was sent.
#include "tests/unit/rooms/media/forward_fake.h"

#include "rooms/media/media_objects.h"
#include "rtp/dependency_descriptor.h"

#include <string.h>

#define UNIT_US (33 * MS)
#define UNITS_MAX 9000
#define SPATIAL_MAX 3
#define FRAMES_MAX (UNITS_MAX * SPATIAL_MAX)
#define PACKETS_MAX_OF_FRAME 3
#define OUT_MAX 90000
#define REFS_MAX 3
#define SWITCHES 200
#define FREEZE_MAX_US (400 * MS)
#define KEY_DELAY_US (60 * MS)
#define NONE UINT32_MAX

static const char *const PUB = "publisher", *const A = "receiver A", *const B = "receiver B";
static const char *const rids[] = {"r0", "r1", "r2"};

enum form { FORM_VP8, FORM_VP9, FORM_H265, FORM_DESCRIPTOR };

struct mode {
    const char *name;
    enum media_codec codec;
    enum form form;
    unsigned streams, spatial, temporal;
    bool key_only; // layers are predicted from lower ones in key pictures alone (K-SVC)
    unsigned late_permille;
};

struct frame {
    uint32_t unit, refs[REFS_MAX];
    uint8_t stream, spatial, temporal, count, ref_count, position;
    uint16_t number, picture;
    uint8_t tl0, chain_diffs[SPATIAL_MAX];
    bool key, odd; // odd: it refers to its own layer as well, so nobody may step up to it
};

struct out { // one packet that a receiver got
    uint32_t frame, timestamp;
    uint64_t at_us;
    uint16_t picture, number;
    uint8_t index, tl0;
    bool came, blank, marker, described;
};

struct viewer {
    const char *peer;
    uint32_t consumer, ssrc;
    bool descriptors, started, needs_key_frames;
    uint16_t first;
    uint64_t highest; // unwrapped, first is 0x10000
    struct out *out;  // [number - 0x10000]
    int8_t spatial, temporal;
    uint64_t switched_us, reached, missed;
    uint32_t repeats;
};

struct held { // a packet that comes late
    uint64_t at_us;
    uint16_t len;
    uint8_t bytes[160];
};

struct world {
    const struct mode *mode;
    struct fake *f;
    struct endpoint *pub, *ends[2];
    struct viewer viewers[2];
    struct frame *frames;
    uint32_t frame_count, unit;
    uint32_t random;
    struct {
        uint16_t seq, number, picture;
        uint8_t tl0;
        unsigned position, cycle;      // in the temporal pattern
        uint64_t key_at_us;            // 0: none is asked for
        uint32_t last[SPATIAL_MAX][3]; // newest frame of each layer
        uint32_t chain[SPATIAL_MAX];   // newest number of each chain
        bool begun;
    } streams[STREAMS_MAX];
    struct held held[64];
    unsigned held_count;
};

static uint32_t rand_below(struct world *w, uint32_t n) {
    w->random = w->random * 1664525 + 1013904223;
    return (w->random >> 8) % n;
}

// ---- bits of a descriptor

struct bit_writer {
    uint8_t bytes[256];
    size_t at;
};

static void put(struct bit_writer *w, uint32_t value, unsigned count) {
    for (unsigned i = count; i-- > 0; w->at++)
        w->bytes[w->at / 8] |= (uint8_t)((value >> i & 1) << (7 - w->at % 8));
}

static void put_below(struct bit_writer *w, uint32_t value, uint32_t n) {
    unsigned bits = 0;
    for (uint32_t x = n; x; x >>= 1)
        bits++;
    uint32_t m = (1u << bits) - n;
    if (value < m)
        put(w, value, bits - 1);
    else
        put(w, value + m, bits);
}

static enum layer_dti dti_of(const struct mode *m, bool key, unsigned s, unsigned t, unsigned s_of,
                             unsigned t_of) {
    bool in = t <= t_of && (m->key_only && !key ? s == s_of : s <= s_of);
    if (!in)
        return DTI_NOT_PRESENT;
    if (key)
        return DTI_SWITCH;
    if (s < s_of)
        return DTI_REQUIRED;
    return t == t_of && t > 0 ? DTI_DISCARDABLE : DTI_SWITCH;
}

static void put_dtis(struct bit_writer *w, const struct mode *m, bool key, unsigned s, unsigned t) {
    for (unsigned s_of = 0; s_of < m->spatial; s_of++)
        for (unsigned t_of = 0; t_of < m->temporal; t_of++)
            put(w, dti_of(m, key, s, t, s_of, t_of), 2);
}

// Templates of a spatial layer: its key frame, then one for each temporal layer.
static unsigned template_of(const struct mode *m, const struct frame *f) {
    return f->spatial * (1 + m->temporal) + (f->key ? 0 : 1u + f->temporal);
}

static void put_structure(struct bit_writer *w, const struct mode *m, unsigned offset) {
    put(w, offset, 6);
    put(w, m->spatial * m->temporal - 1, 5);
    for (unsigned s = 0; s < m->spatial; s++)
        for (unsigned i = 0; i <= m->temporal; i++) {
            bool last = i == m->temporal;
            put(w, !last ? (i == 0 ? 0 : 1) : s + 1 == m->spatial ? 3 : 2, 2);
        }
    for (unsigned s = 0; s < m->spatial; s++)
        for (unsigned i = 0; i <= m->temporal; i++)
            put_dtis(w, m, i == 0, s, i == 0 ? 0 : i - 1);
    for (unsigned i = 0; i < m->spatial * (1 + m->temporal); i++)
        put(w, 0, 1); // references come with each frame
    put_below(w, m->spatial, m->spatial * m->temporal + 1);
    for (unsigned s = 0; s < m->spatial; s++)
        for (unsigned t = 0; t < m->temporal; t++)
            put_below(w, s, m->spatial);
    for (unsigned i = 0; i < m->spatial * m->spatial * (1 + m->temporal); i++)
        put(w, 0, 4);
    put(w, 0, 1); // no resolutions
}

static struct bit_writer descriptor_of(struct world *w, const struct frame *f, unsigned index) {
    const struct mode *m = w->mode;
    struct bit_writer b = {0};
    bool structure = f->key && f->spatial == 0 && index == 0;
    unsigned offset = 7;
    put(&b, index == 0, 1);
    put(&b, index + 1u == f->count, 1);
    put(&b, (offset + template_of(m, f)) % 64, 6);
    put(&b, f->number, 16);
    put(&b, structure, 1);
    put(&b, 0, 1);
    put(&b, 0, 1);
    put(&b, 1, 1); // own references
    put(&b, 1, 1); // own chains
    if (structure)
        put_structure(&b, m, offset);
    for (unsigned i = 0; i < f->ref_count; i++) {
        put(&b, 2, 2);
        put(&b, (uint16_t)(f->number - w->frames[f->refs[i]].number) - 1u, 8);
    }
    put(&b, 0, 2);
    for (unsigned c = 0; c < m->spatial; c++)
        put(&b, f->chain_diffs[c], 8);
    b.at = (b.at + 7) / 8 * 8;
    return b;
}

// ---- the publisher

static uint8_t temporal_at(const struct mode *m, unsigned position) {
    static const uint8_t three[] = {0, 2, 1, 2};
    return m->temporal == 3 ? three[position % 4] : m->temporal == 2 ? position % 2 : 0;
}

static size_t put_payload(const struct world *w, const struct frame *f, unsigned index, uint8_t *out) {
    const struct mode *m = w->mode;
    struct writer p = writer_of(out, 100);
    bool first = index == 0, last = index + 1u == f->count;
    switch (m->form) {
    case FORM_VP8: {
        write_u8(&p, (uint8_t)(0x80 | (first ? 0x10 : 0)));
        write_u8(&p, 0xe0);
        write_u16(&p, 0x8000 | f->picture);
        write_u8(&p, f->tl0);
        // It refers to the lowest layer alone.
        bool base_only = f->temporal && !f->odd && !(f->temporal == 2 && f->position == 3);
        write_u8(&p, (uint8_t)(f->temporal << 6 | (base_only ? 0x20 : 0)));
        write_u8(&p, first && f->key ? 0 : 1);
        break;
    }
    case FORM_VP9: {
        bool inter = !f->key, structure = first && f->key && f->spatial == 0;
        bool upper = f->spatial + 1u < m->spatial && (!m->key_only || f->key);
        write_u8(&p, (uint8_t)(0xb0 | (inter ? 0x40 : 0) | (first ? 8 : 0) | (last ? 4 : 0) |
                               (structure ? 2 : 0) | (upper ? 0 : 1)));
        write_u16(&p, 0x8000 | f->picture);
        bool inter_layer = f->spatial > 0 && (f->key || !m->key_only);
        write_u8(&p, (uint8_t)(f->temporal << 5 | (f->odd ? 0 : 0x10) | f->spatial << 1 | inter_layer));
        if (inter)
            write_u8(&p, (uint8_t)(1 << 1)); // its distance does not matter here
        if (structure)
            write_u8(&p, (uint8_t)((m->spatial - 1) << 5));
        write_u8(&p, 0x86);
        break;
    }
    case FORM_H265: {
        uint8_t type = f->key ? (first ? 32 : 19) : f->temporal && !f->odd ? 3 : 1;
        write_u16(&p, (uint16_t)(type << 9 | (f->temporal + 1)));
        write_u8(&p, index <= 1 ? 0x80 : 0);
        break;
    }
    case FORM_DESCRIPTOR:
        write_u8(&p, 0xff); // encrypted: follows no format
        write_u16(&p, 0xffff);
        break;
    }
    write_u32(&p, (uint32_t)(f - w->frames));
    write_u8(&p, (uint8_t)index);
    write_zeros(&p, 20);
    assert_false(p.failed);
    return p.len;
}

#define EXT_ID_DD 12

static void deliver(struct world *w, const uint8_t *bytes, size_t len) {
    struct block *b = pool_take(w->f->pool);
    memcpy(block_data(b), bytes, len);
    b->len = (uint16_t)len;
    forwarder_rtp(w->f->fw, w->pub, b, w->f->now_us);
    forwarder_flush(w->f->fw);
}

static void send_packet(struct world *w, const struct frame *f, unsigned index, bool ends_unit) {
    const struct mode *m = w->mode;
    uint8_t bytes[300];
    struct writer p = writer_of(bytes, sizeof bytes);
    write_u8(&p, 0x90);
    write_u8(&p, (uint8_t)((ends_unit && index + 1u == f->count) << 7 | VP8_PT));
    write_u16(&p, w->streams[f->stream].seq++);
    write_u32(&p, (uint32_t)(f->unit * 2970 + f->stream * 777777));
    write_u32(&p, 500u + f->stream);
    write_u16(&p, 0x1000);
    size_t at = p.len;
    write_u16(&p, 0);
    if (m->streams > 1) {
        write_u8(&p, EXT_ID_RID);
        write_u8(&p, 2);
        write_span(&p, span_of(rids[f->stream], 2));
        write_u8(&p, EXT_ID_MID);
        write_u8(&p, 1);
        write_u8(&p, '0');
    }
    if (m->form == FORM_DESCRIPTOR) {
        struct bit_writer dd = descriptor_of(w, f, index);
        write_u8(&p, EXT_ID_DD);
        write_u8(&p, (uint8_t)(dd.at / 8));
        write_span(&p, span_of(dd.bytes, dd.at / 8));
    }
    while (p.len % 4)
        write_u8(&p, 0);
    store_be16(bytes + at, (uint16_t)((p.len - at - 2) / 4));
    p.len += put_payload(w, f, index, bytes + p.len);
    bool begins = f->key && index == 0; // each numbering begins in time
    if (!begins && w->held_count < 64 && p.len <= 160 && rand_below(w, 1000) < m->late_permille) {
        struct held *h = &w->held[w->held_count++];
        *h = (struct held){.at_us = w->f->now_us + 40 * MS + rand_below(w, 60) * MS, .len = (uint16_t)p.len};
        memcpy(h->bytes, bytes, p.len);
        return;
    }
    deliver(w, bytes, p.len);
}

static void add_ref(struct frame *f, uint32_t ref) {
    if (ref != NONE)
        f->refs[f->ref_count++] = ref;
}

static void make_refs(struct world *w, struct frame *f) {
    const struct mode *m = w->mode;
    uint32_t(*last)[3] = w->streams[f->stream].last;
    if (!f->key)
        add_ref(f, f->temporal == 2 && f->position % 4 == 3 ? last[f->spatial][1] : last[f->spatial][0]);
    if (f->odd)
        add_ref(f, last[f->spatial][f->temporal]);
    if (f->spatial > 0 && (f->key || !m->key_only))
        add_ref(f, last[f->spatial - 1][f->temporal]);
}

static void make_chains(struct world *w, struct frame *f) {
    const struct mode *m = w->mode;
    for (unsigned c = 0; c < m->spatial; c++) {
        uint32_t *newest = &w->streams[f->stream].chain[c];
        bool first = f->key && f->spatial == 0;
        f->chain_diffs[c] = first ? 0 : (uint8_t)(f->number - *newest);
        bool in = f->temporal == 0 && (m->key_only && !f->key ? f->spatial == c : f->spatial <= c);
        if (in)
            *newest = f->number;
    }
}

static void send_unit(struct world *w, unsigned stream) {
    const struct mode *m = w->mode;
    bool key = !w->streams[stream].begun ||
               (w->streams[stream].key_at_us && w->f->now_us >= w->streams[stream].key_at_us);
    if (key) {
        w->streams[stream].position = 0;
        w->streams[stream].key_at_us = 0;
        memset(w->streams[stream].last, 0xff, sizeof w->streams[stream].last);
    }
    w->streams[stream].begun = true;
    unsigned position = w->streams[stream].position++;
    uint8_t temporal = temporal_at(m, position);
    if (temporal == 0)
        w->streams[stream].tl0++;
    uint16_t picture = w->streams[stream].picture++ & 0x7fff;
    for (unsigned s = 0; s < m->spatial; s++) {
        assert_true(w->frame_count < FRAMES_MAX);
        struct frame *f = &w->frames[w->frame_count];
        *f = (struct frame){.unit = w->unit,
                            .stream = (uint8_t)stream,
                            .spatial = (uint8_t)s,
                            .temporal = temporal,
                            .position = (uint8_t)(position % 4),
                            .count = (uint8_t)(1 + rand_below(w, PACKETS_MAX_OF_FRAME) + (key ? 1 : 0)),
                            .key = key,
                            .number = w->streams[stream].number++,
                            .picture = picture,
                            .tl0 = w->streams[stream].tl0};
        // Every other time round a picture refers to the one before of its own layer.
        f->odd = temporal > 0 && m->form != FORM_DESCRIPTOR && position / 4 % 2 == 1 &&
                 w->streams[stream].last[s][temporal] != NONE && m->form != FORM_VP9;
        make_refs(w, f);
        make_chains(w, f);
        w->streams[stream].last[s][temporal] = w->frame_count++;
        for (unsigned i = 0; i < f->count; i++)
            send_packet(w, f, i, s + 1 == m->spatial);
    }
}

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

// Frames in the order of their numbers, each whole, each decodable.
static void check_stream(struct world *w, struct viewer *v) {
    uint8_t *decoded = calloc(w->frame_count, 1);
    uint16_t *numbers = calloc(w->frame_count, sizeof *numbers);
    uint64_t last_first = 0, shown_us = 0, longest_us = 0, end = v->highest - 0x10000;
    uint32_t blanks = 0, pictures = 0;
    assert_true(v->started);
    for (uint64_t at = v->first; at + 200 < end;) {
        const struct out *o = &v->out[at];
        if (!o->came)
            fail_at(w, v, at, "is missing");
        if (o->blank) {
            blanks++;
            at++;
            continue;
        }
        const struct frame *f = &w->frames[o->frame];
        uint64_t first = at, done_us = 0;
        bool cut = false;
        for (unsigned i = 0; i < f->count; at++) {
            const struct out *p = &v->out[at];
            // The end of a stream that is left while some of its last frame is missing.
            const struct frame *of = &w->frames[p->frame];
            cut = i > 0 && p->came && !p->blank && of->stream != f->stream && of->key && p->index == 0;
            if (cut)
                break;
            if (!p->came ||
                (!p->blank && (p->frame != o->frame || p->index != i || p->timestamp != o->timestamp)))
                fail_at(w, v, at, "its frame is not whole, or not in order");
            blanks += p->blank;
            i += !p->blank;
            done_us = p->at_us > done_us ? p->at_us : done_us;
            bool ends = p->marker;
            uint64_t next = at + 1;
            while (next < end && v->out[next].came && v->out[next].blank)
                next++;
            bool last = !p->blank && i == f->count && v->out[next].timestamp != p->timestamp;
            if (!p->blank && ends != last)
                fail_at(w, v, at, last ? "ends its picture without a marker" : "has a marker in mid-picture");
            if (last) {
                pictures++;
                if (shown_us && done_us > shown_us && done_us - shown_us > longest_us)
                    longest_us = done_us - shown_us;
                shown_us = done_us > shown_us ? done_us : shown_us;
            }
        }
        if (cut)
            continue;
        for (unsigned r = 0; r < f->ref_count; r++)
            if (!decoded[f->refs[r]])
                fail_at(w, v, first, "refers to what never came");
        if (decoded[o->frame])
            fail_at(w, v, first, "came twice");
        decoded[o->frame] = 1;
        numbers[o->frame] = o->number;
        for (unsigned r = 0; v->descriptors && r < f->ref_count; r++)
            if ((uint16_t)(o->number - numbers[f->refs[r]]) !=
                (uint16_t)(f->number - w->frames[f->refs[r]].number))
                fail_at(w, v, first, "the distance to what it refers to is another");
        if (last_first) {
            const struct frame *before = &w->frames[v->out[last_first].frame];
            if (f->unit < before->unit ||
                (f->stream == before->stream && o->frame <= v->out[last_first].frame))
                fail_at(w, v, first, "comes after a later one");
            if ((int32_t)(o->timestamp - v->out[last_first].timestamp) < 0)
                fail_at(w, v, first, "has an earlier timestamp");
            check_numbers(w, v, first, last_first);
        }
        if (w->mode->form == FORM_DESCRIPTOR && o->described != v->descriptors)
            fail_at(w, v, first, "has a descriptor where none was negotiated, or none where one was");
        last_first = first;
    }
    print_message(
        "%s, %s: %u pictures, %u blanks, longest %llu ms, %llu wishes met, %llu not, %u asked again\n",
        w->mode->name, v->peer, pictures, blanks, (unsigned long long)(longest_us / MS),
        (unsigned long long)v->reached, (unsigned long long)v->missed, v->repeats);
    // A switching point that comes late is none.
    assert_true(pictures > 500 && v->reached > 25 && v->missed <= (w->mode->late_permille > 0 ? 4u : 0));
    assert_true(longest_us <= FREEZE_MAX_US);
    assert_true(blanks == 0 || w->mode->late_permille > 0);
    free(decoded);
    free(numbers);
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
    v->reached += met;
    v->missed += temporal != want_t || (spatial != want_s && !v->needs_key_frames);
}

static void switch_layers(struct world *w, struct viewer *v) {
    check_wish(w, v);
    v->spatial = (int8_t)((int)rand_below(w, 4) - 1);
    v->temporal = (int8_t)((int)rand_below(w, 4) - 1);
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
    uint16_t lost = (uint16_t)(v->highest - rand_below(w, 50));
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
            send_unit(w, s);
        ask_again(w, &w->viewers[w->unit % 2]);
        receive(w);
        for (unsigned step = 0; step < 3; step++) {
            fake_run(w->f, UNIT_US / 3);
            for (unsigned h = 0; h < w->held_count;) {
                if (w->held[h].at_us > w->f->now_us) {
                    h++;
                    continue;
                }
                deliver(w, w->held[h].bytes, w->held[h].len);
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
        run_units(w, 5 + rand_below(w, i % 4 == 3 ? 60 : 30));
    }
    run_units(w, 60);
    for (unsigned i = 0; i < 2; i++)
        check_stream(w, &w->viewers[i]);
    world_close(w);
}

static const struct mode modes[] = {
    {"VP8 L1T3", CODEC_VP8, FORM_VP8, 1, 1, 3, false, 0},
    {"VP8 simulcast of L1T3", CODEC_VP8, FORM_VP8, 3, 1, 3, false, 0},
    {"H265 L1T3", CODEC_H265, FORM_H265, 1, 1, 3, false, 0},
    {"VP9 L3T3", CODEC_VP9, FORM_VP9, 1, 3, 3, false, 0},
    {"VP9 L3T3_KEY", CODEC_VP9, FORM_VP9, 1, 3, 3, true, 0},
    {"H264 L1T3, described", CODEC_H264, FORM_DESCRIPTOR, 1, 1, 3, false, 0},
    {"H264 simulcast of L1T2, described", CODEC_H264, FORM_DESCRIPTOR, 3, 1, 2, false, 0},
    {"AV1 L3T3, encrypted", CODEC_AV1, FORM_DESCRIPTOR, 1, 3, 3, false, 0},
    {"AV1 L3T3_KEY, encrypted", CODEC_AV1, FORM_DESCRIPTOR, 1, 3, 3, true, 0},
    {"AV1 L2T1, encrypted", CODEC_AV1, FORM_DESCRIPTOR, 1, 2, 1, false, 0},
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

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_switch_can_be_decoded),
        cmocka_unit_test(late_packets_leave_no_hole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
