#include "rtp/nack_tracker.h"

#include "base/clock.h"
#include "base/seq.h"
#include "rtp/token_bucket.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define NACK_EPOCH_MAX_US (UINT32_MAX / 2)
#define NACK_REORDER_SLACK 4                // a quarter is added to what was seen
#define NACK_REORDER_FADES_US US_PER_SECOND // by an eighth each time
#define NACK_FADES_MAX 64

static const struct token_rate asks = {NACK_PER_SECOND, NACK_BURST};

struct nack_entry {
    uint32_t since_us; // after the tracker's epoch: when the gap was seen; after a try, when it was asked for
    uint32_t first_us; // when it was asked for first; before, as above
    uint16_t seq;
    uint8_t tries;
    bool guessed; // nothing newer has come: it is of the last ones, up to `highest`
};
_Static_assert(sizeof(struct nack_entry) == 12, "there are many");
_Static_assert(NACK_AGE_MAX + NACK_PENDING_MAX < UINT16_MAX, "16 bits tell how far behind the newest one is");

struct nack_tracker {
    bool started;
    uint32_t helps_us;
    uint32_t reorder_us;    // how late packets that were overtaken came of late
    uint64_t reorder_at_us; // when it last faded
    struct nack_answer answer;
    struct token_bucket asks;
    uint64_t highest;    // unwrapped
    uint64_t highest_us; // its arrival
    uint64_t epoch_us;   // of the list as it is; it is empty now and then
    uint64_t last_key;   // first packet of the newest key frame, 0: none yet
    uint64_t again_us;   // not before then, as not all could be asked for
    uint32_t saved;      // packets that came, for what may be asked for: NACK_SHARE each
    uint64_t asked_us;   // when something was asked for first, last; 0: never
    uint8_t wrong;       // guesses, less the right ones
    unsigned count;
    struct nack_entry pending[NACK_PENDING_MAX]; // ascending
};

struct nack_tracker *nack_tracker_create(uint32_t helps_us) {
    struct nack_tracker *t = calloc(1, sizeof *t);
    if (t) {
        t->helps_us = helps_us;
        t->saved = NACK_SAVED_MAX * NACK_SHARE;
        t->reorder_us = NACK_REORDER_US * NACK_REORDER_SLACK / (NACK_REORDER_SLACK + 1);
    }
    return t;
}

void nack_tracker_destroy(struct nack_tracker *t) {
    free(t);
}

void nack_tracker_reset(struct nack_tracker *t) {
    t->started = false;
    t->count = 0;
    t->last_key = 0;
}

// ---- reordering

uint32_t nack_tracker_reorder_us(const struct nack_tracker *t) {
    uint32_t us = t->reorder_us + t->reorder_us / NACK_REORDER_SLACK;
    if (us < NACK_REORDER_MIN_US)
        return NACK_REORDER_MIN_US;
    return us < NACK_REORDER_MAX_US ? us : NACK_REORDER_MAX_US;
}

// What was seen counts less with time.
static void nack_reorder_fade(struct nack_tracker *t, uint64_t now_us) {
    if (now_us - t->reorder_at_us < NACK_REORDER_FADES_US)
        return;
    uint64_t times = (now_us - t->reorder_at_us) / NACK_REORDER_FADES_US;
    for (uint64_t i = 0; i < times && i < NACK_FADES_MAX; i++)
        t->reorder_us -= t->reorder_us / 8;
    t->reorder_at_us = now_us;
}

static void nack_reorder_see(struct nack_tracker *t, uint64_t late_us) {
    uint32_t us = late_us < NACK_REORDER_MAX_US ? (uint32_t)late_us : NACK_REORDER_MAX_US;
    if (us > t->reorder_us)
        t->reorder_us = us;
}

// ---- the list

static uint64_t nack_entry_seq(const struct nack_tracker *t, const struct nack_entry *e) {
    return t->highest - (uint16_t)(t->highest - e->seq);
}

static unsigned nack_guesses(const struct nack_tracker *t) {
    unsigned n = 0;
    while (n < t->count && t->pending[t->count - 1 - n].guessed)
        n++;
    return n;
}

static void nack_guess_judge(struct nack_tracker *t, bool wrong) {
    t->wrong = (uint8_t)(wrong ? t->wrong + (t->wrong < UINT8_MAX) : t->wrong - (t->wrong > 0));
}

// Those of the first `n` entries that are guesses were right: they have been sent, and are missing.
static void nack_guesses_were_right(struct nack_tracker *t, unsigned n) {
    bool any = n > 0 && t->pending[n - 1].guessed;
    while (n > 0 && t->pending[n - 1].guessed)
        t->pending[--n].guessed = false;
    if (any)
        nack_guess_judge(t, false);
}

// The guesses from entry `n` on were not.
static void nack_withdraw(struct nack_tracker *t, unsigned n) {
    t->highest -= t->count - n;
    t->count = n;
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

// So many numbers are missing as none would be but for a sender that was cut off, and for as long.
static bool nack_is_cut(const struct nack_tracker *t, uint64_t gap, uint64_t now_us) {
    return gap > NACK_CUT_GAP && now_us - t->highest_us >= NACK_CUT_US;
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
    if (t->count + gap > NACK_PENDING_MAX || nack_is_cut(t, gap, now_us)) {
        t->count = 0;
        *key_frame_wanted = true;
        return;
    }
    if (t->count == 0)
        t->epoch_us = now_us;
    uint32_t since_us = (uint32_t)(now_us - t->epoch_us);
    for (uint64_t seq = t->highest + 1; seq < next; seq++)
        t->pending[t->count++] =
            (struct nack_entry){.seq = (uint16_t)seq, .since_us = since_us, .first_us = since_us};
    assert(t->count <= NACK_PENDING_MAX);
}

// A packet has come by itself, or a repeat by which what it cost was well spent.
static void nack_earn(struct nack_tracker *t, uint32_t share) {
    uint32_t most = NACK_SAVED_MAX * NACK_SHARE;
    t->saved = most - t->saved < share ? most : t->saved + share;
}

// A number that was missing has come. A repeat tells how long answers take, anything else how late packets
// come that were overtaken.
static enum nack_arrival nack_found(struct nack_tracker *t, unsigned i, bool repeat, uint64_t now_us) {
    struct nack_entry e = t->pending[i];
    uint64_t us = now_us - t->epoch_us - e.first_us;
    bool wrong = e.guessed && !repeat; // it was about to be sent, and what would follow it is not yet
    if (wrong)
        nack_withdraw(t, i + 1);
    if (e.guessed) {
        nack_guess_judge(t, wrong);
        nack_guesses_were_right(t, i);
    }
    t->count--;
    memmove(t->pending + i, t->pending + i + 1, (t->count - i) * sizeof t->pending[0]);
    if (repeat && e.tries > 0) {
        t->answer = (struct nack_answer){.us = us < UINT32_MAX ? (uint32_t)us : UINT32_MAX, .tries = e.tries};
        nack_earn(t, NACK_SHARE - 1);
    } else if (!wrong) {
        nack_reorder_see(t, us + (e.tries > 0 ? nack_tracker_reorder_us(t) : 0));
    }
    return e.tries > 0 && !wrong ? NACK_REPAIRED : NACK_NEW;
}

enum nack_arrival nack_tracker_add(struct nack_tracker *t, uint16_t seq16, unsigned flags, uint64_t now_us,
                                   bool *key_frame_wanted) {
    bool key_frame = flags & NACK_OF_KEY_FRAME;
    if (!t->started) {
        t->started = true;
        t->highest = UINT64_C(0x10000) + seq16;
        t->highest_us = now_us;
        t->last_key = key_frame ? t->highest : 0;
        t->reorder_at_us = now_us;
        return NACK_NEW;
    }
    nack_reorder_fade(t, now_us);
    uint64_t seq = seq16_unwrap(t->highest, seq16);
    if (seq > t->highest) {
        if (key_frame)
            t->last_key = seq;
        nack_guesses_were_right(t, t->count);
        nack_note_gap(t, seq, now_us, key_frame_wanted);
        t->highest = seq;
        t->highest_us = now_us;
        if (t->count > 0 && t->highest > NACK_AGE_MAX)
            nack_forget_before(t, t->highest - NACK_AGE_MAX);
        nack_earn(t, 1);
        return NACK_NEW;
    }
    unsigned i = nack_lower_bound(t, seq);
    if (i == t->count || t->pending[i].seq != seq16)
        return NACK_DUPLICATE_OR_OLD;
    if (t->pending[i].tries == 0)
        nack_earn(t, 1);
    if (t->pending[i].guessed) {
        t->last_key = key_frame ? seq : t->last_key;
        t->highest_us = now_us;
    }
    return nack_found(t, i, flags & NACK_IS_REPEAT, now_us);
}

struct nack_answer nack_tracker_answer(const struct nack_tracker *t) {
    return t->answer;
}

// ---- guessing

bool nack_tracker_is_lossy(const struct nack_tracker *t, uint64_t now_us) {
    return t->asked_us != 0 && now_us - t->asked_us < NACK_LOSSY_US && t->wrong < NACK_GUESSES_WRONG;
}

bool nack_tracker_expect(struct nack_tracker *t, unsigned count, bool known, uint64_t now_us) {
    unsigned guesses = nack_guesses(t), room = NACK_PENDING_MAX - t->count;
    bool may = known ? t->wrong < NACK_GUESSES_WRONG : nack_tracker_is_lossy(t, now_us);
    if (!t->started || !may || count > NACK_GUESSES_MAX || count <= guesses || count - guesses > room)
        return false;
    if (t->count == 0)
        t->epoch_us = now_us - NACK_REORDER_MAX_US;
    uint32_t since_us = (uint32_t)(now_us - t->epoch_us), waited_us = nack_tracker_reorder_us(t);
    since_us -= waited_us < since_us ? waited_us : since_us; // as long as others wait, if it can be told
    for (; guesses < count; guesses++)
        t->pending[t->count++] = (struct nack_entry){
            .seq = (uint16_t)++t->highest, .since_us = since_us, .first_us = since_us, .guessed = true};
    return true;
}

// ---- asking

// When it is to be asked for, or given up: not before the last answer should have come.
static uint64_t nack_entry_due_us(const struct nack_tracker *t, const struct nack_entry *e,
                                  uint32_t retry_us) {
    if (e->tries == 0)
        return t->epoch_us + e->since_us + nack_tracker_reorder_us(t);
    uint64_t answer_us = retry_us > NACK_RETRY_MIN_US ? retry_us : NACK_RETRY_MIN_US;
    uint64_t doubled = e->tries > NACK_TRIES_QUICK ? e->tries - NACK_TRIES_QUICK : 0;
    uint64_t due_us = e->since_us + (answer_us << doubled), over_us = (uint64_t)e->first_us + t->helps_us;
    if (e->tries >= NACK_TRIES_LEAST && over_us < due_us)
        due_us = over_us > e->since_us + answer_us ? over_us : e->since_us + answer_us;
    return t->epoch_us + due_us;
}

// Whether receivers can do without all that is missing: a key frame came later, and everything from there on
// is there.
static bool nack_is_passed(const struct nack_tracker *t) {
    return t->count > 0 && nack_entry_seq(t, &t->pending[t->count - 1]) < t->last_key;
}

static bool nack_is_over(const struct nack_tracker *t, const struct nack_entry *e, uint64_t now_us) {
    return e->tries == (e->guessed ? NACK_TRIES_LEAST : NACK_TRIES) ||
           (e->tries >= NACK_TRIES_LEAST && now_us - t->epoch_us - e->first_us >= t->helps_us);
}

static bool nack_can_pay(struct nack_tracker *t, uint64_t now_us) {
    if (t->saved < NACK_SHARE || !token_bucket_take(&t->asks, &asks, 1, now_us))
        return false;
    t->saved -= NACK_SHARE;
    return true;
}

// An entry whose time has come is asked for, waits or is given up (false).
static bool nack_serve(struct nack_tracker *t, struct nack_entry *e, uint64_t due_us, uint64_t now_us,
                       bool *asked) {
    if (nack_is_over(t, e, now_us))
        return false;
    *asked = nack_can_pay(t, now_us);
    if (!*asked) {
        t->again_us = now_us + NACK_AGAIN_US;
        return now_us - due_us <= NACK_WAIT_MAX_US;
    }
    e->since_us = (uint32_t)(now_us - t->epoch_us);
    if (e->tries == 0 && !e->guessed)
        t->asked_us = now_us;
    e->first_us = e->tries++ ? e->first_us : e->since_us;
    return true;
}

unsigned nack_tracker_due(struct nack_tracker *t, uint64_t now_us, uint32_t retry_us, uint16_t *seqs,
                          unsigned max, bool *key_frame_wanted) {
    unsigned count = 0, kept = 0;
    bool passed = nack_is_passed(t);
    t->again_us = 0;
    for (unsigned i = 0; i < t->count; i++) {
        struct nack_entry e = t->pending[i];
        uint64_t due_us = nack_entry_due_us(t, &e, retry_us);
        bool asked = false;
        if (now_us >= due_us && count < max) {
            if (e.tries > 0 && passed)
                continue;
            if (!nack_serve(t, &e, due_us, now_us, &asked)) {
                *key_frame_wanted |= !e.guessed;
                if (!e.guessed)
                    continue; // given up
                nack_withdraw(t, i);
                nack_guess_judge(t, true);
                break;
            }
            if (asked)
                seqs[count++] = e.seq;
        }
        t->pending[kept++] = e;
    }
    t->count = kept;
    return count;
}

uint64_t nack_tracker_next_us(const struct nack_tracker *t, uint32_t retry_us) {
    uint64_t next_us = TIME_NEVER;
    for (unsigned i = 0; i < t->count; i++) {
        uint64_t due_us = nack_entry_due_us(t, &t->pending[i], retry_us);
        if (due_us < next_us)
            next_us = due_us;
    }
    return next_us < t->again_us ? t->again_us : next_us;
}

bool nack_tracker_started(const struct nack_tracker *t) {
    return t->started;
}

unsigned nack_tracker_asked(const struct nack_tracker *t, uint64_t by_us) {
    unsigned asked = 0;
    for (unsigned i = 0; i < t->count; i++)
        asked += t->pending[i].tries > 0 && t->epoch_us + t->pending[i].first_us <= by_us;
    return asked;
}

unsigned nack_tracker_pending(const struct nack_tracker *t) {
    return t->count;
}
