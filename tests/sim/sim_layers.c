#include "tests/sim/sim_layers.h"

static const char *const rids[] = {"r0", "r1", "r2"};

uint32_t layers_random(struct world *w, uint32_t n) {
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

void layers_deliver(struct world *w, const uint8_t *bytes, size_t len) {
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
    if (!begins && m->lost_permille > 0 && layers_random(w, 1000) < m->lost_permille) {
        w->frames[f - w->frames].cut = true;
        w->lost_count++;
        return;
    }
    if (!begins && w->held_count < 64 && p.len <= 160 && layers_random(w, 1000) < m->late_permille) {
        struct held *h = &w->held[w->held_count++];
        *h = (struct held){.at_us = w->f->now_us + 40 * MS + layers_random(w, 60) * MS,
                           .len = (uint16_t)p.len};
        memcpy(h->bytes, bytes, p.len);
        return;
    }
    layers_deliver(w, bytes, p.len);
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

void layers_send_unit(struct world *w, unsigned stream) {
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
                            .count = (uint8_t)(1 + layers_random(w, PACKETS_MAX_OF_FRAME) + (key ? 1 : 0)),
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
