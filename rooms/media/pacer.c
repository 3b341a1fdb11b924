#include "rooms/media/pacer.h"

#include "base/clock.h"

#include <assert.h>

static uint32_t at_most_u32(uint64_t value) {
    return value < UINT32_MAX ? (uint32_t)value : UINT32_MAX;
}

// What waits leaves in time.
static void pacer_rate(struct pacer *p) {
    uint64_t in_time = (uint64_t)p->bytes * 8 * US_PER_SECOND / PACER_QUEUE_US;
    uint64_t rate = in_time > p->rate_bps ? in_time : p->rate_bps;
    uint64_t burst = rate * PACER_BURST_US / US_PER_SECOND;
    p->rate = (struct token_rate){
        .per_second = rate ? at_most_u32(rate) : 1,
        .burst = at_most_u32(burst > PACER_BURST_MIN_BITS ? burst : PACER_BURST_MIN_BITS)};
}

void pacer_set(struct pacer *p, uint32_t rate_bps) {
    if (p->rate_bps == 0)
        p->bits = (struct token_bucket){0};
    p->rate_bps = rate_bps;
    pacer_rate(p);
}

bool pacer_passes(struct pacer *p, uint64_t now_us) {
    return p->count == 0 && (p->rate_bps == 0 || token_bucket_has(&p->bits, &p->rate, 1, now_us));
}

void pacer_spend(struct pacer *p, uint16_t bytes, uint64_t now_us) {
    token_bucket_fill(&p->bits, &p->rate, now_us);
    token_bucket_spend(&p->bits, bytes * UINT64_C(8));
}

void pacer_put(struct pacer *p, struct block *b, const struct pacer_note *note) {
    assert(b->next == NULL && !pacer_is_over(p) && note->kind < PACER_KINDS);
    *pacer_note_of(b) = *note;
    if (p->queues[note->kind].last)
        p->queues[note->kind].last->next = b;
    else
        p->queues[note->kind].first = b;
    p->queues[note->kind].last = b;
    p->count++;
    p->empty += b->len == 0;
    p->bytes += b->len;
    pacer_rate(p);
}

static bool pacer_may_go(struct pacer *p, uint64_t now_us) {
    if (p->rate_bps == 0 || pacer_is_over(p))
        return true;
    return token_bucket_has(&p->bits, &p->rate, 1, now_us);
}

struct block *pacer_take(struct pacer *p, uint64_t now_us) {
    return p->count > 0 && pacer_may_go(p, now_us) ? pacer_take_early(p, now_us) : NULL;
}

// Takes out what follows `before` (NULL: the first) in a queue.
static struct block *pacer_unlink(struct pacer *p, enum pacer_kind kind, struct block *before) {
    struct block **link = before ? &before->next : &p->queues[kind].first, *b = *link;
    *link = b->next;
    if (!b->next)
        p->queues[kind].last = before;
    b->next = NULL;
    p->count--;
    p->empty -= b->len == 0;
    p->bytes -= b->len;
    pacer_rate(p);
    return b;
}

struct block *pacer_take_early(struct pacer *p, uint64_t now_us) {
    if (p->count == 0)
        return NULL;
    p->let_go_us = now_us;
    return pacer_unlink(p, p->queues[PACER_REPEAT].first ? PACER_REPEAT : PACER_MEDIA, NULL);
}

struct block *pacer_take_of(struct pacer *p, const void *owner) {
    struct block *before = NULL;
    for (struct block *b = p->queues[PACER_MEDIA].first; b; before = b, b = b->next)
        if (pacer_note_of(b)->owner == owner)
            return pacer_unlink(p, PACER_MEDIA, before);
    return NULL;
}

uint64_t pacer_next_us(struct pacer *p, uint64_t now_us) {
    if (p->count == 0)
        return TIME_NEVER;
    if (pacer_may_go(p, now_us))
        return now_us;
    uint64_t due_us = now_us + (uint64_t)(TOKEN - p->bits.level) / p->rate.per_second + 1;
    uint64_t group_us = p->let_go_us + PACER_STEP_US;
    return due_us > group_us ? due_us : group_us;
}

void pacer_forget(struct pacer *p, const void *owner) {
    for (enum pacer_kind kind = 0; kind < PACER_KINDS; kind++) {
        struct block *before = NULL;
        for (struct block *b = p->queues[kind].first, *next; b; b = next) {
            struct pacer_note note = *pacer_note_of(b);
            next = b->next;
            if (owner && note.owner != owner) {
                before = b;
                continue;
            }
            block_release(pacer_unlink(p, kind, before));
            block_release(note.source);
        }
    }
}
