#include "rtp/nack_tracker.h"

#include "base/clock.h"
#include "base/seq.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define NACK_EPOCH_MAX_US (UINT32_MAX / 2)

struct nack_entry {
    uint32_t since_us; // after the tracker's epoch: when the gap was seen; after a try, when it was asked for
    uint16_t seq;
    uint8_t tries;
};
_Static_assert(sizeof(struct nack_entry) == 8, "there are many");
_Static_assert(NACK_AGE_MAX + NACK_PENDING_MAX < UINT16_MAX, "16 bits tell how far behind the newest one is");

struct nack_tracker {
    bool started;
    uint64_t highest;  // unwrapped
    uint64_t epoch_us; // of the list as it is; it is empty now and then
    uint64_t last_key; // first packet of the newest key frame, 0: none yet
    unsigned count;
    struct nack_entry pending[NACK_PENDING_MAX]; // ascending
};

struct nack_tracker *nack_tracker_create(void) {
    return calloc(1, sizeof(struct nack_tracker));
}

void nack_tracker_destroy(struct nack_tracker *t) {
    free(t);
}

void nack_tracker_reset(struct nack_tracker *t) {
    t->started = false;
    t->count = 0;
    t->last_key = 0;
}

static uint64_t nack_entry_seq(const struct nack_tracker *t, const struct nack_entry *e) {
    return t->highest - (uint16_t)(t->highest - e->seq);
}

// The first pending entry that is not below seq.
static unsigned nack_lower_bound(const struct nack_tracker *t, uint64_t seq) {
    unsigned low = 0, high = t->count;
    while (low < high) {
        unsigned middle = (low + high) / 2;
        if (nack_entry_seq(t, &t->pending[middle]) < seq)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static void nack_forget_before(struct nack_tracker *t, uint64_t seq) {
    unsigned n = nack_lower_bound(t, seq);
    t->count -= n;
    memmove(t->pending, t->pending + n, t->count * sizeof t->pending[0]);
}

// Remembers the numbers highest + 1 .. next - 1 as missing.
static void nack_note_gap(struct nack_tracker *t, uint64_t next, uint64_t now_us, bool *key_frame_wanted) {
    uint64_t gap = next - t->highest - 1;
    if (t->count > 0 &&
        now_us - t->epoch_us > NACK_EPOCH_MAX_US) { // nobody has looked at the list for so long
        t->count = 0;
        *key_frame_wanted = true;
    }
    if (t->count + gap > NACK_PENDING_MAX && t->last_key)
        nack_forget_before(t, t->last_key);
    if (t->count + gap > NACK_PENDING_MAX) {
        t->count = 0;
        *key_frame_wanted = true;
        return;
    }
    if (t->count == 0)
        t->epoch_us = now_us;
    for (uint64_t seq = t->highest + 1; seq < next; seq++)
        t->pending[t->count++] =
            (struct nack_entry){.seq = (uint16_t)seq, .since_us = (uint32_t)(now_us - t->epoch_us)};
    assert(t->count <= NACK_PENDING_MAX);
}

enum nack_arrival nack_tracker_add(struct nack_tracker *t, uint16_t seq16, bool key_frame, uint64_t now_us,
                                   bool *key_frame_wanted) {
    if (!t->started) {
        t->started = true;
        t->highest = UINT64_C(0x10000) + seq16;
        t->last_key = key_frame ? t->highest : 0;
        return NACK_NEW;
    }
    uint64_t seq = seq16_unwrap(t->highest, seq16);
    if (seq > t->highest) {
        if (key_frame)
            t->last_key = seq;
        nack_note_gap(t, seq, now_us, key_frame_wanted);
        t->highest = seq;
        if (t->count > 0 && t->highest > NACK_AGE_MAX)
            nack_forget_before(t, t->highest - NACK_AGE_MAX);
        return NACK_NEW;
    }
    unsigned i = nack_lower_bound(t, seq);
    if (i == t->count || t->pending[i].seq != seq16)
        return NACK_DUPLICATE_OR_OLD;
    bool asked = t->pending[i].tries > 0;
    t->count--;
    memmove(t->pending + i, t->pending + i + 1, (t->count - i) * sizeof t->pending[0]);
    return asked ? NACK_REPAIRED : NACK_NEW;
}

static uint64_t nack_entry_due_us(const struct nack_tracker *t, const struct nack_entry *e, uint32_t rtt_us) {
    uint32_t retry_us = rtt_us > NACK_RETRY_MIN_US ? rtt_us : NACK_RETRY_MIN_US;
    return t->epoch_us + e->since_us + (e->tries == 0 ? NACK_REORDER_US : retry_us);
}

unsigned nack_tracker_due(struct nack_tracker *t, uint64_t now_us, uint32_t rtt_us, uint16_t *seqs,
                          unsigned max, bool *key_frame_wanted) {
    unsigned asked = 0, kept = 0;
    for (unsigned i = 0; i < t->count; i++) {
        struct nack_entry e = t->pending[i];
        if (now_us >= nack_entry_due_us(t, &e, rtt_us) && asked < max) {
            if (e.tries == NACK_TRIES) {
                *key_frame_wanted = true;
                continue; // given up
            }
            e.tries++;
            e.since_us = (uint32_t)(now_us - t->epoch_us);
            seqs[asked++] = e.seq;
        }
        t->pending[kept++] = e;
    }
    t->count = kept;
    return asked;
}

uint64_t nack_tracker_next_us(const struct nack_tracker *t, uint32_t rtt_us) {
    uint64_t next_us = TIME_NEVER;
    for (unsigned i = 0; i < t->count; i++) {
        uint64_t due_us = nack_entry_due_us(t, &t->pending[i], rtt_us);
        if (due_us < next_us)
            next_us = due_us;
    }
    return next_us;
}

bool nack_tracker_started(const struct nack_tracker *t) {
    return t->started;
}

unsigned nack_tracker_pending(const struct nack_tracker *t) {
    return t->count;
}
