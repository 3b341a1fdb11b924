#include "transport/tcp_queue.h"

#include "transport/tcp_frames.h"

#include <assert.h>
#include <stdlib.h>

#define NONE UINT32_MAX
#define KEPT_PART 4 // 1 / KEPT_PART of the store is for what is no video

struct tcp_place {
    struct block *block;
    uint64_t number, queued_us;
    uint32_t next; // in its queue, or of the free ones
};

struct tcp_store {
    uint32_t places, taken, free;
    struct tcp_place list[];
};

struct tcp_store *tcp_store_create(uint32_t places) {
    assert(places > 0 && places < NONE);
    struct tcp_store *store = malloc(sizeof *store + (size_t)places * sizeof *store->list);
    if (!store)
        return NULL;
    *store = (struct tcp_store){.places = places, .free = NONE};
    return store; // its pages are touched as it fills
}

void tcp_store_destroy(struct tcp_store *store) {
    free(store);
}

uint32_t tcp_store_taken(const struct tcp_store *store) {
    return store->taken;
}

// ---- places

static uint32_t store_take(struct tcp_store *store) {
    uint32_t at = store->free;
    if (at != NONE) {
        store->free = store->list[at].next;
    } else {
        assert(store->taken < store->places);
        at = store->taken; // none was given back, so those before it are the ones in use
    }
    store->taken++;
    return at;
}

static void store_give(struct tcp_store *store, uint32_t at) {
    store->list[at].next = store->free;
    store->free = at;
    assert(store->taken > 0);
    store->taken--;
}

static bool store_has_room(const struct tcp_store *store, enum udp_worth worth) {
    uint32_t most = worth == UDP_DROP_FIRST ? store->places - store->places / KEPT_PART : store->places;
    return store->taken < most;
}

// ---- a queue

static uint32_t framed(const struct block *block) {
    return (uint32_t)block->len + TCP_FRAME_HEAD_BYTES;
}

void tcp_queue_init(struct tcp_queue *queue) {
    *queue = (struct tcp_queue){.fifos = {{NONE, NONE, 0}, {NONE, NONE, 0}}};
}

static struct block *fifo_pop(struct tcp_fifo *fifo, struct tcp_store *store) {
    uint32_t at = fifo->first;
    struct block *block = store->list[at].block;
    fifo->first = store->list[at].next;
    if (fifo->first == NONE)
        fifo->last = NONE;
    fifo->count--;
    store_give(store, at);
    return block;
}

static void queue_drop(struct tcp_queue *queue, struct tcp_store *store, enum udp_worth worth) {
    struct block *block = fifo_pop(&queue->fifos[worth], store);
    assert(queue->bytes >= framed(block));
    queue->bytes -= framed(block);
    block_release(block);
}

static unsigned queue_count(const struct tcp_queue *queue) {
    return queue->fifos[UDP_KEEP].count + queue->fifos[UDP_DROP_FIRST].count;
}

void tcp_queue_clear(struct tcp_queue *queue, struct tcp_store *store) {
    for (unsigned worth = 0; worth < 2; worth++)
        while (queue->fifos[worth].count > 0)
            queue_drop(queue, store, (enum udp_worth)worth);
    block_release(queue->sent);
    tcp_queue_init(queue);
}

static bool queue_has_room(const struct tcp_queue *queue, const struct tcp_store *store,
                           const struct block *block, enum udp_worth worth) {
    return queue_count(queue) < TCP_QUEUE_PACKETS && queue->bytes + framed(block) <= TCP_QUEUE_BYTES &&
           store_has_room(store, worth);
}

bool tcp_queue_put(struct tcp_queue *queue, struct tcp_store *store, struct block *block,
                   enum udp_worth worth, uint64_t now_us, struct tcp_queue_losses *losses) {
    bool fits = true;
    assert(block->len > 0);
    while (!queue_has_room(queue, store, block, worth)) {
        bool video = queue->fifos[UDP_DROP_FIRST].count > 0;
        losses->full++;
        fits = false;
        // What is left of this queue is worth more than another picture; and where other queues fill the
        // store, nothing of this one helps.
        if ((!video && worth == UDP_DROP_FIRST) || queue_count(queue) == 0) {
            block_release(block);
            return false;
        }
        queue_drop(queue, store, video ? UDP_DROP_FIRST : UDP_KEEP);
    }
    uint32_t at = store_take(store);
    store->list[at] =
        (struct tcp_place){.block = block, .number = queue->next_number++, .queued_us = now_us, .next = NONE};
    struct tcp_fifo *fifo = &queue->fifos[worth];
    if (fifo->count++ == 0)
        fifo->first = at;
    else
        store->list[fifo->last].next = at;
    fifo->last = at;
    queue->bytes += framed(block);
    return fits;
}

void tcp_queue_expire(struct tcp_queue *queue, struct tcp_store *store, uint64_t now_us,
                      struct tcp_queue_losses *losses) {
    static const uint64_t most_us[] = {[UDP_KEEP] = TCP_QUEUE_US, [UDP_DROP_FIRST] = TCP_QUEUE_VIDEO_US};
    for (unsigned worth = 0; worth < 2; worth++) {
        const struct tcp_fifo *fifo = &queue->fifos[worth];
        while (fifo->count > 0 && now_us - store->list[fifo->first].queued_us > most_us[worth]) {
            queue_drop(queue, store, (enum udp_worth)worth);
            losses->late++;
        }
    }
}

// ---- out

// Which of the two places comes first; NONE is after all.
static bool place_is_before(const struct tcp_store *store, uint32_t a, uint32_t b) {
    return b == NONE || (a != NONE && store->list[a].number < store->list[b].number);
}

static void gather_add(struct tcp_gather *out, const void *bytes, size_t len) {
    out->iovecs[out->count++] = (struct iovec){.iov_base = (void *)(uintptr_t)bytes, .iov_len = len};
    out->bytes += len;
}

static void gather_packet(struct tcp_gather *out, struct block *block, uint32_t skip) {
    uint8_t *head = out->heads[out->count / 2];
    head[0] = (uint8_t)(block->len >> 8);
    head[1] = (uint8_t)block->len;
    uint32_t of_head = skip < TCP_FRAME_HEAD_BYTES ? skip : TCP_FRAME_HEAD_BYTES;
    gather_add(out, head + of_head, TCP_FRAME_HEAD_BYTES - of_head);
    gather_add(out, block_data(block) + (skip - of_head), block->len - (skip - of_head));
}

void tcp_queue_gather(const struct tcp_queue *queue, const struct tcp_store *store, struct tcp_gather *out) {
    uint32_t kept = queue->fifos[UDP_KEEP].first, video = queue->fifos[UDP_DROP_FIRST].first;
    out->count = 0;
    out->bytes = 0;
    if (queue->sent)
        gather_packet(out, queue->sent, queue->sent_bytes);
    for (unsigned i = 0; i < TCP_QUEUE_GATHER && (kept != NONE || video != NONE); i++) {
        uint32_t *next = place_is_before(store, kept, video) ? &kept : &video;
        gather_packet(out, store->list[*next].block, 0);
        *next = store->list[*next].next;
    }
}

// The packet that the next byte is of is not in its queue any more.
static void queue_begin_next(struct tcp_queue *queue, struct tcp_store *store) {
    uint32_t kept = queue->fifos[UDP_KEEP].first, video = queue->fifos[UDP_DROP_FIRST].first;
    assert(!queue->sent && (kept != NONE || video != NONE));
    enum udp_worth worth = place_is_before(store, kept, video) ? UDP_KEEP : UDP_DROP_FIRST;
    queue->sent = fifo_pop(&queue->fifos[worth], store);
    queue->sent_bytes = 0;
}

unsigned tcp_queue_taken(struct tcp_queue *queue, struct tcp_store *store, size_t bytes) {
    unsigned whole = 0;
    assert(bytes <= queue->bytes);
    while (bytes > 0) {
        if (!queue->sent)
            queue_begin_next(queue, store);
        uint32_t left = framed(queue->sent) - queue->sent_bytes;
        uint32_t n = bytes < left ? (uint32_t)bytes : left;
        queue->sent_bytes += n;
        queue->bytes -= n;
        bytes -= n;
        if (n < left)
            break;
        block_release(queue->sent);
        queue->sent = NULL;
        whole++;
    }
    return whole;
}
