#include "rooms/media/key_wish.h"

#include "base/clock.h"
#include "rooms/media/media_objects.h"

#define EIGHTHS 8
static const struct token_rate begins = {1, KEY_BEGIN_BURST *EIGHTHS};
static const struct token_rate comings = {1, KEY_COMING_BURST};

void key_wish_open(struct consumer *c) {
    struct endpoint *ep = c->endpoint;
    for (unsigned i = 0; i < KEY_WISHES_LEFT; i++)
        if (ep->left[i].producer.v == c->producer->id.v)
            c->wish = ep->left[i].wish;
    c->wish.waiting = false;
}

static void wish_wait(struct consumer *c, bool waiting) {
    if (c->wish.waiting == waiting)
        return;
    c->wish.waiting = waiting;
    c->producer->wishes_waiting += waiting ? 1 : -1u;
}

void key_wish_close(struct consumer *c) {
    struct endpoint *ep = c->endpoint;
    wish_wait(c, false);
    unsigned at = ep->left_next;
    for (unsigned i = 0; i < KEY_WISHES_LEFT; i++)
        if (ep->left[i].producer.v == c->producer->id.v)
            at = i;
    ep->left[at] = (struct key_wish_left){.producer = c->producer->id, .wish = c->wish};
    if (at == ep->left_next)
        ep->left_next = (at + 1) % KEY_WISHES_LEFT;
}

static uint64_t wish_distance_us(const struct consumer *c) {
    unsigned step = c->wish.step > 0 ? c->wish.step - 1u : 0;
    if (c->stats.fraction_lost > REPAIR_LOSS_MAX)
        step += KEY_WISH_STARVING_STEPS;
    return (uint64_t)KEY_WISH_LEAST_US << (step < KEY_WISH_STEPS ? step : KEY_WISH_STEPS - 1);
}

// What it shows does not come any more, and others do: nothing that its receiver could have done.
static bool stands_still(const struct consumer *c, uint64_t now_us) {
    return c->current >= 0 && c->target != c->current &&
           producer_stream_is_dead(&c->producer->streams[c->current], now_us);
}

static bool wish_is_due(const struct consumer *c, uint64_t now_us) {
    if (c->wish.served_us == 0 || now_us >= c->wish.served_us + wish_distance_us(c))
        return true;
    return now_us >= c->wish.served_us + KEY_WISH_LEAST_US && stands_still(c, now_us);
}

static void wish_serve(struct consumer *c, uint64_t now_us) {
    wish_wait(c, false);
    c->wish.served_us = now_us;
    if (c->wish.step < KEY_WISH_STEPS)
        c->wish.step++;
    producer_want_key_frame(c->producer, (unsigned)c->target, now_us);
}

static void wish_note(struct key_wish *wish, uint64_t now_us) {
    uint64_t forgotten = (now_us - wish->heard_us) / KEY_WISH_FORGET_US;
    wish->step = forgotten < wish->step ? (uint8_t)(wish->step - forgotten) : 0;
    wish->heard_us = now_us;
}

void consumer_wish_key_frame(struct consumer *c, uint64_t now_us) {
    if (!c->active || c->target < 0)
        return;
    wish_note(&c->wish, now_us);
    const struct producer_stream *s = &c->producer->streams[c->target];
    if (s->key_awaited && s->key_timer.due_us != TIME_NEVER)
        return; // it is asked for until it comes
    if (wish_is_due(c, now_us))
        wish_serve(c, now_us);
    else
        wish_wait(c, true);
}

// Sound has no key frames, and nothing comes of what has no target yet.
static bool endpoint_may_begin(const struct consumer *c, uint64_t now_us) {
    return c->params.kind == MEDIA_AUDIO || c->target < 0 ||
           token_bucket_take(&c->endpoint->comings, &comings, 1, now_us);
}

static void wish_postpone(struct consumer *c, uint64_t now_us) {
    c->wish.heard_us = now_us;
    if (c->wish.served_us == 0)
        c->wish.served_us = now_us;
    wish_wait(c, true);
}

void consumer_begin_key_frame(struct consumer *c, unsigned stream, uint64_t now_us) {
    if (!endpoint_may_begin(c, now_us))
        wish_postpone(c, now_us);
    else if (token_bucket_take(&c->wish.begins, &begins, EIGHTHS, now_us))
        producer_want_key_frame(c->producer, stream, now_us);
    else
        consumer_wish_key_frame(c, now_us);
}

void producer_serve_wishes(struct producer *p, uint64_t now_us) {
    for (unsigned i = 0; i < p->consumer_count && p->wishes_waiting > 0; i++) {
        struct consumer *c = p->consumers[i];
        if (!c->wish.waiting)
            continue;
        if (!c->active || c->target < 0 || p->streams[c->target].key_us > c->wish.heard_us)
            wish_wait(c, false); // it has come, or is not wanted any more
        else if (wish_is_due(c, now_us))
            wish_serve(c, now_us);
    }
}
