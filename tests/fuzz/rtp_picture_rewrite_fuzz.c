// VP8 picture numbers over streams of a simulcast that are switched between, beside a model in 64 bits. What
// must hold: the first picture of a run follows the highest sent by one, in both numbers; within a run
// distances stay; so no number stands for two pictures of different runs, and a later run's are all above an
// earlier run's.
//
// Input: steps of 3 bytes: what, and by how much the picture's two numbers go on.
#include "base/bytes.h"
#include "rtp/picture_rewrite.h"

#include <assert.h>
#include <stdlib.h>

#define ID_BITS 0x7fff
#define STEPS_MAX 2000
#define LATE_MAX 60 // pictures

struct run {
    uint64_t in_id, in_tl0; // the newest of it
    uint64_t first_id, first_tl0;
    int64_t out_id, out_tl0; // out - in
};

struct model {
    struct picture_rewrite rw;
    struct run run;
    uint64_t highest_id, highest_tl0; // sent
    bool started;
};

static struct picture_numbers numbers_of(uint64_t id, uint64_t tl0) {
    return (struct picture_numbers){.id = (uint16_t)(id & ID_BITS),
                                    .tl0 = (uint8_t)tl0,
                                    .has_id = true,
                                    .id_long = true,
                                    .has_tl0 = true};
}

static void send(struct model *m, uint64_t in_id, uint64_t in_tl0) {
    const struct picture_numbers in = numbers_of(in_id, in_tl0);
    uint64_t id = in_id + (uint64_t)m->run.out_id, tl0 = in_tl0 + (uint64_t)m->run.out_tl0;
    assert(((in.id + m->rw.offset.id) & ID_BITS) == (id & ID_BITS));
    assert((uint8_t)(in.tl0 + m->rw.offset.tl0) == (uint8_t)tl0);
    picture_rewrite_note(&m->rw, in);
    if (!m->started || id > m->highest_id)
        m->highest_id = id;
    if (!m->started || tl0 > m->highest_tl0)
        m->highest_tl0 = tl0;
    m->started = true;
    assert(m->rw.highest.has_id && m->rw.highest.id == (m->highest_id & ID_BITS));
    assert(m->rw.highest.tl0 == (uint8_t)m->highest_tl0);
}

static void switch_to(struct model *m, uint64_t id, uint64_t tl0) {
    picture_rewrite_sync(&m->rw, numbers_of(id, tl0));
    m->run = (struct run){.in_id = id, .in_tl0 = tl0, .first_id = id, .first_tl0 = tl0};
    if (m->started) {
        m->run.out_id = (int64_t)(m->highest_id + 1 - id);
        m->run.out_tl0 = (int64_t)(m->highest_tl0 + 1 - tl0);
    }
    send(m, id, tl0);
}

static void go_on(struct model *m, uint8_t ids, uint8_t tl0s) {
    m->run.in_id += 1 + ids % 200; // some are lost
    m->run.in_tl0 += tl0s % 100;
    send(m, m->run.in_id, m->run.in_tl0);
}

// A packet of a picture of this run that is late, or of the same again.
static void late(struct model *m, uint8_t ids, uint8_t tl0s) {
    uint64_t id = m->run.in_id - ids % LATE_MAX, tl0 = m->run.in_tl0 - tl0s % LATE_MAX;
    send(m, id < m->run.first_id ? m->run.first_id : id, tl0 < m->run.first_tl0 ? m->run.first_tl0 : tl0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct model m = {0};
    struct reader r = reader_of(span_of(data, size));
    uint16_t first = read_u16(&r);
    switch_to(&m, UINT64_C(0x100000) + first, UINT64_C(0x100000) + read_u8(&r));
    assert(m.rw.offset.id == 0 && m.rw.offset.tl0 == 0); // one stream keeps its own numbers
    for (unsigned i = 0; i < STEPS_MAX && r.left >= 3; i++) {
        uint8_t what = read_u8(&r), ids = read_u8(&r), tl0s = read_u8(&r);
        if ((what & 3) == 0)
            switch_to(&m, UINT64_C(0x100000) + (uint64_t)(what >> 2) * 331 + ids, UINT64_C(0x100000) + tl0s);
        else if ((what & 3) == 1)
            late(&m, ids, tl0s);
        else
            go_on(&m, ids, tl0s);
    }
    return 0;
}
