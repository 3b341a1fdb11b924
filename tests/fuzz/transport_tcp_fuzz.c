// Bytes of a TCP connection: whom the first ones are for, the frames in them wherever they are cut, and a
// queue that a reader empties as slowly as it likes. The input is a byte that says how the rest is cut, then
// the bytes of the connection; the same bytes drive the queue.
#include "base/bytes.h"
#include "transport/tcp_first.h"
#include "transport/tcp_frames.h"
#include "transport/tcp_queue.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define POOL_BLOCKS 700
#define WORKERS 4
#define FUZZ_BYTES_MAX 65536

static struct pool *pool;

// Every part of what comes must be told as the whole is, or want more.
static void look_first(const uint8_t *bytes, size_t len) {
    unsigned number, wanted;
    size_t most = len < TCP_FIRST_BYTES_MAX ? len : TCP_FIRST_BYTES_MAX;
    enum tcp_first whole = tcp_first_look(span_of(bytes, most), WORKERS, &number);
    assert(whole != TCP_FIRST_MEDIA || number < WORKERS);
    for (size_t n = 0; n < most && n < 64; n++) {
        enum tcp_first part = tcp_first_look(span_of(bytes, n), WORKERS, &wanted);
        assert(part == whole || part == TCP_FIRST_MORE);
        assert(part != TCP_FIRST_MORE || (wanted > n && wanted <= TCP_FIRST_BYTES_MAX));
    }
}

// What a plain reading of the whole stream says that its frames are.
struct plain {
    size_t at;
    bool broken;
};

static bool plain_next(struct plain *p, const uint8_t *bytes, size_t len, struct span *frame) {
    while (!p->broken && len - p->at >= 2) {
        uint16_t n = load_be16(bytes + p->at);
        if (n > BLOCK_DATAGRAM_MAX) {
            p->broken = true;
            break;
        }
        if (len - p->at < 2u + n)
            break;
        *frame = span_of(bytes + p->at + 2, n);
        p->at += 2u + n;
        if (n > 0)
            return true;
    }
    return false;
}

static void read_frames(const uint8_t *bytes, size_t len, uint8_t cut) {
    struct tcp_frames frames = {0};
    struct plain plain = {0};
    size_t step = cut ? cut : len;
    for (size_t from = 0; from < len; from += step) {
        size_t n = len - from < step ? len - from : step;
        uint8_t *copy = malloc(n);
        assert(copy);
        memcpy(copy, bytes + from, n);
        struct span in = span_of(copy, n);
        for (struct block *b; (b = tcp_frames_next(&frames, pool, &in));) {
            struct span wanted;
            assert(plain_next(&plain, bytes, len, &wanted));
            assert(b->len == wanted.len && memcmp(block_data(b), wanted.ptr, wanted.len) == 0);
            block_release(b);
        }
        assert(in.len == 0 || frames.broken);
        free(copy);
    }
    struct span left;
    bool more = plain_next(&plain, bytes, len, &left);
    assert(!more);
    assert(frames.broken == plain.broken);
    tcp_frames_clear(&frames);
    assert(pool_taken(pool) == 0);
}

struct checker { // reads what the queue lets go, and sees that only whole packets come, in their order
    uint16_t left;
    unsigned head;
    uint8_t bytes[6];
    bool some;
    uint32_t last;
};

static void check_byte(struct checker *c, uint8_t byte) {
    if (c->head < 6)
        c->bytes[c->head++] = byte;
    if (c->head == 2)
        c->left = load_be16(c->bytes);
    else if (c->head > 2)
        c->left--;
    if (c->head < 6 || c->left > 0)
        return;
    uint32_t number = load_be32(c->bytes + 2);
    assert(!c->some || number > c->last);
    c->some = true;
    c->last = number;
    c->head = 0;
}

static size_t let_go(struct tcp_queue *q, struct tcp_store *store, struct checker *c, size_t bytes) {
    struct tcp_gather g;
    tcp_queue_gather(q, store, &g);
    assert(g.bytes <= q->bytes && (g.bytes > 0) == !tcp_queue_empty(q));
    size_t n = g.bytes < bytes ? g.bytes : bytes, left = n;
    for (unsigned i = 0; i < g.count; i++)
        for (size_t k = 0; k < g.iovecs[i].iov_len && left > 0; k++, left--)
            check_byte(c, ((const uint8_t *)g.iovecs[i].iov_base)[k]);
    tcp_queue_taken(q, store, n);
    return n;
}

static void drive_queue(const uint8_t *bytes, size_t len) {
    static struct tcp_store *store;
    struct tcp_queue queue;
    struct tcp_queue_losses losses = {0};
    struct checker checker = {0};
    uint64_t now_us = 1;
    uint32_t number = 0;
    if (!store)
        store = tcp_store_create(1024);
    assert(store);
    tcp_queue_init(&queue);
    for (size_t i = 0; i + 1 < len; i += 2) {
        uint8_t what = bytes[i], much = bytes[i + 1];
        if (what < 140) {
            struct block *b = pool_take(pool);
            assert(b); // no more are held than the queue may have
            b->len = (uint16_t)(4 + much * 6);
            memset(block_data(b), 0, b->len);
            store_be32(block_data(b), ++number);
            tcp_queue_put(&queue, store, b, what & 1 ? UDP_DROP_FIRST : UDP_KEEP, now_us, &losses);
        } else if (what < 240) {
            let_go(&queue, store, &checker, what & 1 ? much : much * 100u);
        } else {
            now_us += much * UINT64_C(10000);
            tcp_queue_expire(&queue, store, now_us, &losses);
        }
        assert(queue.bytes <= TCP_QUEUE_BYTES && pool_taken(pool) <= TCP_QUEUE_PACKETS + 1);
    }
    while (let_go(&queue, store, &checker, 5000) > 0)
        ;
    assert(checker.head == 0); // it ended with a packet's end
    tcp_queue_clear(&queue, store);
    assert(tcp_store_taken(store) == 0 && pool_taken(pool) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (!pool)
        pool = pool_create(POOL_BLOCKS);
    assert(pool);
    if (size < 2 || size > FUZZ_BYTES_MAX)
        return 0;
    look_first(data + 1, size - 1);
    read_frames(data + 1, size - 1, data[0]);
    drive_queue(data + 1, size - 1);
    return 0;
}
