#include "load/impair_queue.h"

#include "base/clock.h"

#include <assert.h>
#include <string.h>

static uint64_t *due_of(struct block *b) {
    return (uint64_t *)(void *)b->meta;
}

static void queue_fired(struct wheel_node *node, uint64_t now_us) {
    struct impair_queue *q = LIST_ENTRY(node, struct impair_queue, timer);
    while (q->first && *due_of(q->first) <= now_us) {
        struct block *b = q->first;
        q->first = b->next;
        b->next = NULL;
        q->deliver(q->ctx, block_data(b), b->len, now_us);
        block_release(b);
    }
    if (!q->first)
        q->last = NULL;
    wheel_arm(&q->load->wheel, &q->timer, q->first ? *due_of(q->first) : TIME_NEVER);
}

void impair_queue_init(struct impair_queue *q, struct load *load,
                       void (*deliver)(void *, uint8_t *, size_t, uint64_t), void *ctx) {
    *q = (struct impair_queue){.load = load, .deliver = deliver, .ctx = ctx};
    impair_init(&q->impair, &load->options->impair, load_random(load));
    wheel_node_init(&q->timer, queue_fired);
}

void impair_queue_clear(struct impair_queue *q) {
    wheel_cancel(&q->load->wheel, &q->timer);
    while (q->first) {
        struct block *b = q->first;
        q->first = b->next;
        b->next = NULL;
        block_release(b);
    }
    q->last = NULL;
}

void impair_queue_put(struct impair_queue *q, uint8_t *datagram, size_t len, uint64_t now_us) {
    assert(len <= BLOCK_DATAGRAM_MAX);
    uint64_t out_us = impair_release_us(&q->impair, (uint32_t)len, now_us);
    if (out_us <= now_us && !q->first) {
        q->deliver(q->ctx, datagram, len, now_us);
        return;
    }
    struct block *b = out_us == TIME_NEVER ? NULL : pool_take(q->load->pool);
    if (!b) {
        q->load->tally.impaired++;
        return;
    }
    memcpy(block_data(b), datagram, len);
    b->len = (uint16_t)len;
    b->next = NULL;
    *due_of(b) = out_us;
    if (q->last)
        q->last->next = b;
    else
        q->first = b;
    q->last = b;
    if (q->first == b)
        wheel_arm(&q->load->wheel, &q->timer, out_us);
}
