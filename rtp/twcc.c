#include "rtp/twcc.h"

#include "base/clock.h"
#include "base/seq.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define TWCC_MASK (TWCC_WINDOW - 1)
_Static_assert((TWCC_WINDOW & TWCC_MASK) == 0, "a power of two");

// Section 3.1: deltas in 250 us, the reference time in 64 ms.
#define DELTA_TICK_US 250
#define REFERENCE_TICKS 256 // of the reference time: 24 bits of it are 32 of the others
#define STATUSES_MAX                                                                                         \
    400 // of one feedback packet: their chunks and deltas fit RTCP_DATAGRAM_MAX in the worst case
#define LOSS_WINDOW 2000 // packets over which twcc_recorder_loss looks back, about

enum { SYMBOL_LOST, SYMBOL_SMALL, SYMBOL_LARGE };

struct twcc_recorder {
    bool started;
    uint64_t next;    // first number that has not been reported, unwrapped
    uint64_t highest; // newest that has come
    uint64_t first_waiting_us;
    uint32_t interval_us;
    unsigned waiting; // arrivals since the last report
    uint8_t feedback_count;
    float expected, lost;           // decaying counts
    uint32_t arrivals[TWCC_WINDOW]; // [seq & mask] in ticks, modulo 2^32; 0: has not come
};

struct twcc_recorder *twcc_recorder_create(void) {
    struct twcc_recorder *r = calloc(1, sizeof *r);
    if (r)
        r->interval_us = FEEDBACK_INTERVAL_US;
    return r;
}

void twcc_recorder_destroy(struct twcc_recorder *r) {
    free(r);
}

static void twcc_restart(struct twcc_recorder *r, uint16_t seq) {
    memset(r->arrivals, 0, sizeof r->arrivals);
    r->next = r->highest = UINT64_C(0x10000) + seq;
    r->waiting = 0;
    r->started = true;
}

void twcc_recorder_add(struct twcc_recorder *r, uint16_t seq16, uint64_t arrival_us) {
    if (!r->started)
        twcc_restart(r, seq16);
    uint64_t seq = seq16_unwrap(r->highest, seq16);
    if (seq >= r->highest + TWCC_WINDOW || seq + TWCC_WINDOW <= r->highest) {
        twcc_restart(r, seq16); // the sender began anew
        seq = r->highest;
    }
    for (uint64_t s = r->highest + 1; s <= seq; s++)
        r->arrivals[s & TWCC_MASK] = 0;
    if (seq > r->highest)
        r->highest = seq;
    if (r->next + TWCC_WINDOW <= r->highest)
        r->next = r->highest - TWCC_WINDOW + 1;
    if (seq < r->next)
        r->next = seq; // late: reported now, with what follows it
    uint32_t ticks = (uint32_t)(arrival_us / DELTA_TICK_US);
    if (r->arrivals[seq & TWCC_MASK] == 0)
        r->arrivals[seq & TWCC_MASK] = ticks ? ticks : 1;
    if (r->waiting++ == 0)
        r->first_waiting_us = arrival_us;
}

uint64_t twcc_recorder_next_us(const struct twcc_recorder *r) {
    if (r->waiting == 0)
        return TIME_NEVER;
    return r->waiting >= FEEDBACK_PACKETS_SOON ? r->first_waiting_us : r->first_waiting_us + r->interval_us;
}

void twcc_recorder_pace(struct twcc_recorder *r, size_t feedback_bytes, uint64_t rate_bps) {
    r->interval_us = feedback_interval_us(feedback_bytes, rate_bps);
}

// ---- one feedback packet

struct twcc_statuses {
    uint64_t base;
    uint32_t reference; // in REFERENCE_TICKS
    unsigned count;
    uint8_t symbols[STATUSES_MAX];
    int16_t deltas[STATUSES_MAX]; // of those that came, in order
    unsigned delta_count;
};

// Collects as many numbers as one packet can tell: it ends where a delta does not fit 16 bits.
static void twcc_collect(const struct twcc_recorder *r, struct twcc_statuses *s) {
    uint32_t previous = 0;
    bool first = true;
    for (uint64_t seq = s->base; seq <= r->highest && s->count < STATUSES_MAX; seq++) {
        uint32_t ticks = r->arrivals[seq & TWCC_MASK];
        if (ticks == 0) {
            s->symbols[s->count++] = SYMBOL_LOST;
            continue;
        }
        if (first) {
            s->reference = ticks / REFERENCE_TICKS;
            previous = s->reference * REFERENCE_TICKS;
            first = false;
        }
        int32_t delta = (int32_t)(ticks - previous);
        if (delta > INT16_MAX || delta < INT16_MIN)
            break;
        previous = ticks;
        s->symbols[s->count++] = delta >= 0 && delta <= 0xff ? SYMBOL_SMALL : SYMBOL_LARGE;
        s->deltas[s->delta_count++] = (int16_t)delta;
    }
    while (s->count > 0 && s->symbols[s->count - 1] == SYMBOL_LOST && s->base + s->count > r->highest)
        s->count--; // the newest number has come, so this does not happen at the end of the window
}

static unsigned twcc_run_length(const struct twcc_statuses *s, unsigned at) {
    unsigned n = 1;
    while (at + n < s->count && s->symbols[at + n] == s->symbols[at])
        n++;
    return n;
}

// Section 3.1.3 and 3.1.4: the next chunk from `at`; returns how many statuses it tells.
static unsigned twcc_write_chunk(struct writer *w, const struct twcc_statuses *s, unsigned at) {
    unsigned left = s->count - at, run = twcc_run_length(s, at);
    if (run >= 14 || run == left) {
        write_u16(w, (uint16_t)((unsigned)s->symbols[at] << 13 | run));
        return run;
    }
    unsigned n = left < 14 ? left : 14;
    bool one_bit = true;
    for (unsigned i = 0; i < n; i++)
        one_bit &= s->symbols[at + i] != SYMBOL_LARGE;
    uint16_t chunk = 0x8000;
    if (one_bit) {
        for (unsigned i = 0; i < n; i++)
            chunk |= (uint16_t)(s->symbols[at + i] << (13 - i));
    } else {
        chunk |= 0x4000;
        n = left < 7 ? left : 7;
        for (unsigned i = 0; i < n; i++)
            chunk |= (uint16_t)(s->symbols[at + i] << (12 - 2 * i));
    }
    write_u16(w, chunk);
    return n;
}

static void twcc_write_body(struct writer *w, const struct twcc_statuses *s) {
    for (unsigned at = 0; at < s->count;)
        at += twcc_write_chunk(w, s, at);
    unsigned delta = 0;
    for (unsigned i = 0; i < s->count; i++) {
        if (s->symbols[i] == SYMBOL_SMALL)
            write_u8(w, (uint8_t)s->deltas[delta++]);
        else if (s->symbols[i] == SYMBOL_LARGE)
            write_u16(w, (uint16_t)s->deltas[delta++]);
    }
    assert(delta == s->delta_count);
}

static void twcc_note_loss(struct twcc_recorder *r, const struct twcc_statuses *s) {
    r->expected += (float)s->count;
    r->lost += (float)(s->count - s->delta_count);
    if (r->expected > LOSS_WINDOW) {
        r->expected /= 2;
        r->lost /= 2;
    }
}

bool twcc_recorder_write(struct twcc_recorder *r, struct writer *w, uint32_t sender_ssrc, uint32_t media_ssrc,
                         uint64_t now_us) {
    (void)now_us;
    if (r->waiting == 0)
        return false;
    struct twcc_statuses s = {.base = r->next};
    twcc_collect(r, &s);
    assert(s.count > 0);
    size_t start = w->len;
    write_u8(w, 0x8f); // version 2, FMT 15
    write_u8(w, 205);  // RTPFB
    write_u16(w, 0);   // length, below
    write_u32(w, sender_ssrc);
    write_u32(w, media_ssrc);
    write_u16(w, (uint16_t)s.base);
    write_u16(w, (uint16_t)s.count);
    write_u24(w, s.reference);
    write_u8(w, r->feedback_count);
    twcc_write_body(w, &s);
    size_t padding = (4 - (w->len - start) % 4) % 4;
    write_zeros(w, padding);
    if (padding && !w->failed) { // RFC 3550, 6.4.1: the last byte counts the padding
        w->ptr[start] |= 0x20;
        w->ptr[w->len - 1] = (uint8_t)padding;
    }
    if (w->failed)
        return false;
    store_be16(w->ptr + start + 2, (uint16_t)((w->len - start) / 4 - 1));
    r->feedback_count++;
    twcc_note_loss(r, &s);
    r->next = s.base + s.count;
    if (r->next > r->highest)
        r->waiting = 0;
    return true;
}

float twcc_recorder_loss(const struct twcc_recorder *r) {
    return r->expected > 0 ? r->lost / r->expected : 0;
}
