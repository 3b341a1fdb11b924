// Number rewriting as a sequence of packets that come in order, late, again, not at all, or are left out,
// over sources that change; beside it a model that remembers everything in 64 bits. What must hold:
//   - the newest packet of a run gets a number above all that were given, at most half a wrap ahead of them;
//   - a late one gets a number that nothing else had, in the order of its run;
//   - no number is given to two packets, and no packet gets two;
//   - what was left out on purpose closes up, what the network lost stays a gap (small gaps: to the number);
//   - unmap(map(x)) is x while its interval is among the last SEQ_INTERVALS_MAX;
//   - an empty number in the middle of a run is above all that were given, and never leads to a packet;
//   - timestamps: one offset a run, and a run begins after everything that was sent; one that was to
//     begin before it goes on by what its clock says once that is later, and its newest never back.
//
// Input: first number (2 bytes), then steps of 3 bytes: what, and by how much.
#include "base/bytes.h"
#include "base/seq.h"
#include "rtp/seq_rewrite.h"

#include <assert.h>
#include <stdlib.h>

#define STEPS_MAX 1200
#define RECORDS_A_STEP 4 // at most: three empty ones and a packet
#define JUMP_MAX 3000    // what the caller lets through at once: RFC 3550, A.1, MAX_DROPOUT
#define LATE_MAX 1400    // and how late a packet may come
#define GAP_EXACT 500    // numbers lost in a row, below which a gap is kept to the number
#define UNMAP_FAR 0x6000 // numbers behind the newest that 16 bits still tell
#define TIMESTAMP_STEP_MAX 0x10000

// ---- the module under test, by its present form and by the one in which indexes have 64 bits

struct numbers {
    uint64_t index; // with 16-bit numbers: those
    uint32_t timestamp;
};

struct origin {
    uint8_t source;
    uint16_t in;
    uint32_t timestamp_offset;
};

#define ONCE true // a packet that is given again gets nothing
#define GAP_SUM_MAX UINT64_MAX
#define INDEX_MASK UINT64_MAX

static void rewrite_sync(struct seq_rewrite *rw, uint8_t source, uint64_t in, struct numbers at,
                         uint32_t out) {
    seq_rewrite_sync(rw, source, (uint16_t)in, at.timestamp, out, (struct picture_numbers){0});
}

static bool rewrite_map(struct seq_rewrite *rw, uint64_t in, uint32_t timestamp, struct numbers *out) {
    return seq_rewrite_map(rw, (uint16_t)in, timestamp, &out->index, &out->timestamp);
}

static bool rewrite_unmap(const struct seq_rewrite *rw, uint64_t out, struct origin *origin) {
    struct seq_origin found;
    if (!seq_rewrite_unmap(rw, (uint16_t)out, &found))
        return false;
    *origin = (struct origin){found.source, found.seq, found.timestamp_offset};
    return true;
}

// ---- the model

struct record {
    unsigned run, begun; // begun: intervals at the time
    uint64_t in, out;
    uint8_t source;
    bool dropped, empty;
};

struct model {
    struct seq_rewrite rw;
    struct record records[STEPS_MAX];
    unsigned count, run, begun;
    uint8_t source;
    uint64_t in_first, in_highest; // of the run; sent or left out
    uint64_t in_sent;              // the highest of the run that was sent; in_first - 1: none yet
    uint64_t out_highest;          // ever given; 0: none
    uint64_t lost_before;          // numbers that the network lost at the end of the run before
    uint32_t timestamp, offset;    // of the source's clock; offset of the run
    uint32_t timestamp_highest;    // sent
    uint32_t timestamp_newest; // of the newest packet; a late one's may be later, by as much as its run was
    bool offset_known;
    bool early; // the run was to begin before what was sent
    uint32_t due;
};

static struct record *record_of(struct model *m, uint64_t in) {
    for (unsigned i = m->count; i > 0; i--)
        if (m->records[i - 1].run == m->run && m->records[i - 1].in == in && !m->records[i - 1].empty)
            return &m->records[i - 1];
    return NULL;
}

// When the interval began that this packet is of, or a little earlier: a late one is of an old interval.
static unsigned begun_of(const struct model *m, uint64_t in) {
    unsigned begun = m->begun;
    for (unsigned i = 0; i < m->count; i++)
        if (m->records[i].run == m->run && m->records[i].in > in && m->records[i].begun > 0 &&
            m->records[i].begun <= begun)
            begun = m->records[i].begun - 1;
    return begun;
}

static void remember(struct model *m, uint64_t in, uint64_t out, bool dropped) {
    assert(m->count < STEPS_MAX);
    m->records[m->count++] = (struct record){.run = m->run,
                                             .begun = begun_of(m, in),
                                             .in = in,
                                             .out = out,
                                             .source = m->source,
                                             .dropped = dropped};
}

// How many numbers the network lost between the highest that went out and this packet of the run.
static uint64_t lost_up_to(const struct model *m, uint64_t in) {
    uint64_t lost = in - m->in_sent - 1 + (m->in_sent < m->in_first ? m->lost_before : 0);
    for (unsigned i = 0; i < m->count; i++) {
        const struct record *r = &m->records[i];
        lost -= r->dropped && r->run == m->run && r->in > m->in_sent && r->in < in;
    }
    return lost;
}

// A number that has just been given for the first time: no other packet has it, and it is in its run's order.
static void check_is_new(const struct model *m, uint64_t in, uint64_t out) {
    for (unsigned i = 0; i < m->count; i++) {
        const struct record *r = &m->records[i];
        if (r->dropped)
            continue;
        assert(r->out != out);
        if (r->run == m->run)
            assert((r->in < in || (r->empty && r->in == in)) == (r->out < out));
        else
            assert(r->out < out); // of an earlier run
    }
}

static void check_timestamp(struct model *m, uint32_t timestamp, uint32_t timestamp_out) {
    uint32_t offset = timestamp_out - timestamp;
    if (!m->offset_known && m->run > 1)
        assert(seq32_newer(timestamp_out, m->timestamp_highest));
    if (m->offset_known && !m->early)
        assert(offset == m->offset);
    m->offset = offset;
    m->offset_known = true;
    if (m->out_highest == 0 || seq32_newer(timestamp_out, m->timestamp_highest))
        m->timestamp_highest = timestamp_out;
}

static uint64_t unwrap_new(const struct model *m, uint64_t in, uint16_t out16) {
    if (m->out_highest == 0)
        return out16;
    if (in < m->in_sent) // late: below the highest
        return m->out_highest - (uint16_t)((uint16_t)m->out_highest - out16);
    uint16_t ahead = (uint16_t)(out16 - (uint16_t)m->out_highest);
    assert(ahead > 0 && ahead < 0x8000); // a receiver, and SRTP's count of wraps, see it as newer
    return m->out_highest + ahead;
}

// The newest packet of the run: a gap that the network made is kept, if it is not too large to be asked for.
static void check_newest(struct model *m, uint64_t in, uint64_t out) {
    uint64_t lost = lost_up_to(m, in);
    if (m->out_highest > 0) {
        assert(out <= m->out_highest + 1 + lost);
        assert(lost > GAP_EXACT || out == m->out_highest + 1 + lost);
    }
    m->begun += lost > GAP_EXACT; // a gap that is closed begins an interval
    m->out_highest = out;
    m->in_sent = in;
    if (in > m->in_highest)
        m->in_highest = in;
}

static void step_map(struct model *m, uint64_t in) {
    struct numbers given;
    uint32_t timestamp = m->timestamp + (uint32_t)(in - m->in_first) * 10;
    struct record *known = record_of(m, in);
    if (in > m->in_sent && lost_up_to(m, in) > GAP_SUM_MAX)
        return;
    if (!rewrite_map(&m->rw, in, timestamp, &given)) {
        assert(in <= m->in_highest); // before the run, left out, given before, or no longer remembered
        return;
    }
    assert(in >= m->in_first && (!known || (!known->dropped && !ONCE)));
    if (m->early && m->offset_known &&
        in > m->in_sent) // forward, and no later than its clock says but by ticks
        assert(!seq32_newer(m->timestamp_newest, given.timestamp) &&
               (given.timestamp - timestamp == m->due || !seq32_newer(timestamp + m->due, given.timestamp)));
    check_timestamp(m, timestamp, given.timestamp);
    if (known) {
        assert(given.index == (known->out & INDEX_MASK));
        return;
    }
    uint64_t out = unwrap_new(m, in, (uint16_t)given.index);
    assert((out & INDEX_MASK) == given.index);
    check_is_new(m, in, out);
    if (in > m->in_sent) {
        m->timestamp_newest = given.timestamp;
        check_newest(m, in, out);
        m->begun += m->early; // its timestamp may have another offset
    }
    remember(m, in, out, false);
}

static void step_sync(struct model *m, uint8_t source, uint64_t in, uint32_t timestamp_out) {
    m->lost_before = m->out_highest > 0 ? lost_up_to(m, m->in_highest + 1) : 0;
    m->run++;
    m->begun++;
    m->source = source;
    m->in_first = in;
    m->in_highest = m->in_sent = in - 1;
    m->timestamp = timestamp_out * 7;
    m->offset_known = false;
    m->early = m->run > 1 && !seq32_newer(timestamp_out, m->timestamp_highest);
    m->due = timestamp_out - m->timestamp;
    rewrite_sync(&m->rw, source, in, (struct numbers){.timestamp = m->timestamp}, timestamp_out);
    step_map(m, in);
    assert(m->in_sent == in); // the packet that a run begins with is always given a number
}

static void step_drop(struct model *m, uint64_t in) {
    if (in > m->in_sent && lost_up_to(m, in) > GAP_SUM_MAX)
        return;
    seq_rewrite_drop(&m->rw, (uint16_t)in);
    if (in <= m->in_highest)
        return; // its place has been passed
    m->begun++;
    m->in_highest = in;
    remember(m, in, 0, true);
}

static void step_unmap(struct model *m, unsigned pick) {
    if (m->count == 0)
        return;
    const struct record *r = &m->records[m->count - 1 - pick % m->count];
    struct origin origin;
    if (r->dropped || m->out_highest + lost_up_to(m, m->in_highest + 1) - r->out > UNMAP_FAR)
        return;
    if (!rewrite_unmap(&m->rw, r->out, &origin)) {
        assert(m->begun - r->begun + 1 >= SEQ_INTERVALS_MAX);
        return;
    }
    struct seq_origin found;
    assert(seq_rewrite_unmap(&m->rw, (uint16_t)r->out, &found) && found.empty == r->empty);
    if (r->empty)
        return;
    assert(origin.source == r->source && origin.in == (uint16_t)r->in);
    assert(r->run != m->run || m->early || origin.timestamp_offset == m->offset);
}

// Empty ones behind the newest; the run goes on.
static void step_insert(struct model *m, unsigned count) {
    for (unsigned i = 0; i < count && seq_rewrite_can_insert(&m->rw); i++) {
        uint64_t lost = lost_up_to(m, m->in_highest + 1), out = seq_rewrite_insert(&m->rw);
        assert(out > m->out_highest && out <= m->out_highest + 1 + lost);
        assert(lost > GAP_EXACT || out == m->out_highest + 1 + lost);
        m->begun += 2;
        m->out_highest = out;
        m->in_sent = m->in_highest;
        remember(m, m->in_highest, out, false);
        m->records[m->count - 1].empty = true;
        m->records[m->count - 1].begun = m->begun;
    }
}

// Numbers for padding that is of no source: above all that were given, and leading nowhere.
static void step_fill(struct model *m, unsigned count) {
    for (unsigned i = 0; i < count; i++) {
        uint64_t lost = lost_up_to(m, m->in_highest + 1), out = seq_rewrite_fill(&m->rw);
        struct numbers none;
        struct origin origin;
        assert(out > m->out_highest && out <= m->out_highest + 1 + lost);
        assert(!rewrite_map(&m->rw, m->in_highest + 1, m->timestamp, &none));
        assert(!rewrite_unmap(&m->rw, out, &origin));
        m->out_highest = out;
        m->in_sent = m->in_highest;
    }
    m->begun += count > 0;
}

static void step(struct model *m, uint8_t what, uint16_t by) {
    switch (what & 7) {
    case 0:
        step_insert(m, what >> 6);
        step_map(m, m->in_highest + 1);
        break;
    case 1:
        step_map(m, m->in_highest + 1);
        break;
    case 2: // some are lost
        step_map(m, m->in_highest + 1 + by % JUMP_MAX);
        break;
    case 3: // late, or again
        step_map(m, m->in_highest - by % LATE_MAX);
        break;
    case 4:
        step_drop(m, m->in_highest + 1);
        break;
    case 5:
        step_drop(m, m->in_highest + by % (what & 8 ? LATE_MAX : 64) - 32);
        break;
    case 6:
        step_fill(m, what >> 5);
        step_sync(m, what >> 3 & 3, UINT64_C(0x100000) + by,
                  m->timestamp_highest + by % TIMESTAMP_STEP_MAX - 32);
        break;
    case 7:
        step_unmap(m, by);
        break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static struct model m;
    struct reader r = reader_of(span_of(data, size));
    uint16_t first = read_u16(&r), seq = read_u16(&r);
    struct numbers none;
    m = (struct model){0};
    first = (first & 0x7fff) | 1;
    seq_rewrite_init(&m.rw, first);
    assert(!rewrite_map(&m.rw, seq, 0, &none)); // not before the first sync
    step_sync(&m, 0, UINT64_C(0x100000) + seq, first * 1000u);
    assert(m.out_highest == first);
    while (m.count + RECORDS_A_STEP < STEPS_MAX && r.left >= 3) {
        uint8_t what = read_u8(&r);
        step(&m, what, read_u16(&r));
    }
    for (unsigned i = 0; i < m.count; i++)
        step_unmap(&m, i);
    return 0;
}
