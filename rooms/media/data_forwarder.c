#include "rooms/media/data_objects.h"

#include "base/clock.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define POLL_US UINT64_C(10000)    // while somebody is held
#define MESSAGE_OVERHEAD_BYTES 100 // of headers on the way, about: short messages cost too
#define DEBT_PAID_SHARE 10         // of the time that passes, a tenth
#define PPID_STRING 51             // RFC 8831, section 8
#define PPID_BINARY 53
#define PPID_STRING_EMPTY 56
#define PPID_BINARY_EMPTY 57

struct data_forwarder *data_forwarder_create(const struct data_forwarder_output *output, uint64_t rate) {
    struct data_forwarder *f = calloc(1, sizeof *f);
    if (!f)
        return NULL;
    f->output = *output;
    f->rate = rate;
    f->next_us = TIME_NEVER;
    list_init(&f->endpoints);
    list_init(&f->held);
    if (!data_tables_open(f)) {
        data_forwarder_destroy(f);
        return NULL;
    }
    return f;
}

void data_forwarder_destroy(struct data_forwarder *f) {
    if (!f)
        return;
    LIST_EACH(node, &f->endpoints)
    data_forwarder_close(f, LIST_ENTRY(node, struct data_endpoint, link), UINT64_MAX / 2);
    data_tables_close(f);
    free(f);
}

const struct data_counters *data_forwarder_counters(const struct data_forwarder *f) {
    return &f->counters;
}

// ---- holding senders

bool data_endpoint_held(const struct data_endpoint *ep) {
    return list_linked(&ep->held_link);
}

static uint64_t burst_us(void) {
    return DATA_BURST_SECONDS * US_PER_SECOND;
}

static bool over_rate(const struct data_endpoint *ep, uint64_t now_us) {
    return ep->due_us > now_us + burst_us();
}

static void hold_or_release(struct data_forwarder *f, struct data_endpoint *ep, uint64_t now_us) {
    bool held = !list_empty(&ep->lags) || over_rate(ep, now_us);
    if (held == data_endpoint_held(ep))
        return;
    if (held) {
        if (list_empty(&f->held)) // else who is held again and again would put off the others' turn
            f->next_us = now_us + POLL_US;
        list_push_back(&f->held, &ep->held_link);
        f->counters.held++;
    } else {
        list_remove(&ep->held_link);
        f->output.release(f->output.ctx, ep->peer);
    }
}

static void drop_hand(struct data_endpoint *ep) {
    free(ep->hand);
    ep->hand = NULL;
    ep->hand_message = (struct data_message){0};
}

// What an endpoint's consumers have held others for, until now.
static uint64_t held_us(const struct data_endpoint *ep, uint64_t now_us) {
    return ep->debt_us + (ep->holding > 0 ? now_us - ep->settled_us : 0);
}

// Counts what has passed since the last change: time without lags pays.
static void settle_debt(struct data_endpoint *ep, uint64_t now_us) {
    uint64_t paid_us = ep->holding > 0 ? 0 : (now_us - ep->settled_us) / DEBT_PAID_SHARE;
    uint64_t owed_us = held_us(ep, now_us);
    ep->debt_us = owed_us > paid_us ? owed_us - paid_us : 0;
    ep->settled_us = now_us;
}

void data_lag_end(struct data_forwarder *f, struct data_lag *lag, uint64_t now_us) {
    struct data_endpoint *ep = lag->endpoint, *holder = lag->consumer->endpoint;
    assert(holder->holding > 0);
    settle_debt(holder, now_us);
    holder->holding--;
    list_remove(&lag->link);
    list_remove(&lag->consumer_link);
    free(lag);
    if (list_empty(&ep->lags))
        drop_hand(ep);
    hold_or_release(f, ep, now_us);
}

// The consumer has no room for what the endpoint has sent. False: there is no memory to wait.
static bool lag_begin(struct data_endpoint *ep, struct data_consumer *c, uint64_t now_us) {
    struct data_lag *lag = malloc(sizeof *lag);
    if (!lag)
        return false;
    settle_debt(c->endpoint, now_us);
    c->endpoint->holding++;
    *lag = (struct data_lag){.endpoint = ep, .consumer = c};
    list_init(&lag->link);
    list_init(&lag->consumer_link);
    list_push_back(&ep->lags, &lag->link);
    list_push_back(&c->lags, &lag->consumer_link);
    return true;
}

// ---- one message

static bool ppid_is_data(uint32_t ppid) {
    return ppid == PPID_STRING || ppid == PPID_BINARY || ppid == PPID_STRING_EMPTY ||
           ppid == PPID_BINARY_EMPTY;
}

static enum err send_to(struct data_forwarder *f, struct data_consumer *c,
                        const struct data_message *message) {
    enum err err = f->output.send(f->output.ctx, c->endpoint->peer, &c->stream, message);
    if (err == ERR_OK) {
        f->counters.messages_out++;
        f->counters.bytes_out += message->bytes.len;
        c->messages++;
        c->bytes += message->bytes.len;
    }
    return err;
}

static void deliver(struct data_forwarder *f, struct data_endpoint *from, struct data_consumer *c,
                    const struct data_message *message, uint64_t now_us) {
    if (c->paused)
        return;
    uint64_t cost = message->bytes.len + MESSAGE_OVERHEAD_BYTES;
    if (f->rate > 0)
        from->due_us += cost * US_PER_SECOND / f->rate;
    if (send_to(f, c, message) != ERR_AGAIN)
        return;
    if (c->stream.reliability != DATA_RELIABLE)
        f->counters.missed++;
    else if (!lag_begin(from, c, now_us))
        data_consumer_end(f, c, DATA_REASON_TOO_SLOW, now_us);
}

static struct data_producer *producer_on(const struct data_endpoint *ep, uint16_t stream) {
    LIST_EACH(node, &ep->producers) {
        struct data_producer *p = LIST_ENTRY(node, struct data_producer, link);
        if (p->stream == stream)
            return p;
    }
    return NULL;
}

// Those who have no room for it wait for a copy; without memory for that they miss it, and are closed.
static void keep_hand(struct data_forwarder *f, struct data_endpoint *ep, const struct data_message *message,
                      uint64_t now_us) {
    if (list_empty(&ep->lags))
        return;
    ep->hand = malloc(message->bytes.len);
    if (ep->hand) {
        memcpy(ep->hand, message->bytes.ptr, message->bytes.len);
        ep->hand_message = (struct data_message){message->ppid, span_of(ep->hand, message->bytes.len)};
        return;
    }
    while (!list_empty(&ep->lags))
        data_consumer_end(f, LIST_ENTRY(ep->lags.next, struct data_lag, link)->consumer, DATA_REASON_TOO_SLOW,
                          now_us);
}

// By somebody whose time is up, who is to be ended at once: for each consumer made anew it would be a while.
static bool held_in_vain(const struct data_endpoint *ep, uint64_t now_us) {
    LIST_EACH(node, &ep->lags)
    if (held_us(LIST_ENTRY(node, struct data_lag, link)->consumer->endpoint, now_us) > DATA_HOLD_US)
        return true;
    return false;
}

void data_forwarder_message(struct data_forwarder *f, struct data_endpoint *ep, uint16_t stream,
                            const struct data_message *given, uint64_t now_us) {
    static const uint8_t nothing = 0; // stands for an empty one
    struct data_message message = *given;
    struct data_producer *p = ppid_is_data(message.ppid) ? producer_on(ep, stream) : NULL;
    assert(!data_endpoint_held(ep) && message.bytes.len > 0);
    if (!p) {
        f->counters.unwanted++;
        return;
    }
    f->counters.messages_in++;
    f->counters.bytes_in += message.bytes.len;
    p->messages++;
    p->bytes += message.bytes.len;
    if (message.ppid == PPID_STRING_EMPTY || message.ppid == PPID_BINARY_EMPTY)
        message.bytes = span_of(&nothing, 1);
    if (ep->due_us < now_us)
        ep->due_us = now_us;
    LIST_EACH(node, &p->consumers)
    deliver(f, ep, LIST_ENTRY(node, struct data_consumer, source_link), &message, now_us);
    if (p->group) {
        LIST_EACH(member, &p->group->consumers) {
            struct data_consumer *c = LIST_ENTRY(member, struct data_consumer, source_link);
            if (c->endpoint->owner != ep->owner)
                deliver(f, ep, c, &message, now_us);
        }
    }
    keep_hand(f, ep, &message, now_us);
    hold_or_release(f, ep, now_us);
    if (held_in_vain(ep, now_us))
        f->next_us = now_us;
}

// ---- those who wait

static void catch_up(struct data_forwarder *f, struct data_consumer *c, uint64_t now_us) {
    while (!list_empty(&c->lags)) {
        struct data_lag *lag = LIST_ENTRY(c->lags.next, struct data_lag, consumer_link);
        assert(lag->endpoint->hand);
        if (!c->paused && send_to(f, c, &lag->endpoint->hand_message) == ERR_AGAIN)
            return;
        data_lag_end(f, lag, now_us);
    }
}

void data_forwarder_writable(struct data_forwarder *f, struct data_endpoint *ep, uint64_t now_us) {
    LIST_EACH(node, &ep->consumers)
    catch_up(f, LIST_ENTRY(node, struct data_consumer, link), now_us);
}

// Of the held endpoint: who has room by now, and who has had long enough.
static void advance_held(struct data_forwarder *f, struct data_endpoint *ep, uint64_t now_us) {
    LIST_EACH(node, &ep->lags) {
        struct data_consumer *c = LIST_ENTRY(node, struct data_lag, link)->consumer;
        if (held_us(c->endpoint, now_us) <= DATA_HOLD_US)
            continue;
        if (f->ends_left == 0)
            break;
        f->ends_left--;
        f->counters.too_slow++;
        data_consumer_end(f, c, DATA_REASON_TOO_SLOW, now_us);
    }
    hold_or_release(f, ep, now_us);
}

uint64_t data_forwarder_next_us(const struct data_forwarder *f) {
    return list_empty(&f->held) ? TIME_NEVER : f->next_us;
}

void data_forwarder_advance(struct data_forwarder *f, uint64_t now_us) {
    if (now_us < data_forwarder_next_us(f))
        return;
    f->next_us = now_us + POLL_US;
    f->ends_left = DATA_ENDS_PER_ADVANCE;
    unsigned left = 0;
    LIST_EACH(node, &f->held)
    left++;
    // One may end what others are held for, so there is no walking along the list.
    for (; left > 0 && !list_empty(&f->held); left--) {
        struct data_endpoint *ep = LIST_ENTRY(f->held.next, struct data_endpoint, held_link);
        list_remove(&ep->held_link);
        list_push_back(&f->held, &ep->held_link);
        advance_held(f, ep, now_us);
    }
    if (f->ends_left == 0)
        f->next_us = now_us; // the rest when there is room for more events
}

// ---- ends that come from peers

void data_forwarder_stream_closed(struct data_forwarder *f, struct data_endpoint *ep, uint16_t stream,
                                  uint64_t now_us) {
    struct data_producer *p = producer_on(ep, stream);
    if (p && p->in_band)
        data_producer_end(f, p, DATA_REASON_CHANNEL_CLOSED, now_us);
    LIST_EACH(node, &ep->consumers) {
        struct data_consumer *c = LIST_ENTRY(node, struct data_consumer, link);
        if (c->in_band && c->stream.id == stream)
            data_consumer_end(f, c, DATA_REASON_CHANNEL_CLOSED, now_us);
    }
}

void data_forwarder_too_big(struct data_forwarder *f, struct data_endpoint *ep, uint16_t stream,
                            uint64_t now_us) {
    struct data_producer *p = producer_on(ep, stream);
    f->counters.unwanted += !p;
    if (p)
        data_producer_end(f, p, DATA_REASON_TOO_BIG, now_us);
}
