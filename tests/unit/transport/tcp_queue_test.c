// What waits for a connection: its order, its bounds, and who gives way.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "transport/tcp_frames.h"
#include "transport/tcp_queue.h"

#include <string.h>

#define PLACES 1024

struct bench {
    struct pool *pool;
    struct tcp_store *store;
    struct tcp_queue queue;
    struct tcp_queue_losses losses;
    uint64_t now_us;
};

static struct bench bench;

static int bench_begin(void **state) {
    bench = (struct bench){
        .pool = pool_create(4096), .store = tcp_store_create(PLACES), .now_us = 1000 * 1000 * 1000};
    tcp_queue_init(&bench.queue);
    *state = &bench;
    return bench.pool && bench.store ? 0 : -1;
}

static int bench_end(void **state) {
    (void)state;
    tcp_queue_clear(&bench.queue, bench.store);
    if (pool_taken(bench.pool) + tcp_store_taken(bench.store) > 0)
        return -1;
    tcp_store_destroy(bench.store);
    pool_destroy(bench.pool);
    return 0;
}

// A packet of so many bytes, whose first four are its number.
static bool put(struct bench *b, enum udp_worth worth, uint32_t number, uint16_t len) {
    struct block *block = pool_take(b->pool);
    assert_non_null(block);
    memset(block_data(block), (int)(number & 0xff), len);
    store_be32(block_data(block), number);
    block->len = len;
    return tcp_queue_put(&b->queue, b->store, block, worth, b->now_us, &b->losses);
}

// Lets the connection take `bytes`, and reads them as its peer would. Returns how many came.
struct sink {
    size_t len;
    uint8_t bytes[1024 * 1024];
};

static size_t take(struct bench *b, struct sink *r, size_t bytes) {
    size_t taken = 0;
    while (taken < bytes && !tcp_queue_empty(&b->queue)) {
        struct tcp_gather g;
        tcp_queue_gather(&b->queue, b->store, &g);
        assert_true(g.bytes > 0 && g.bytes <= b->queue.bytes);
        size_t n = g.bytes < bytes - taken ? g.bytes : bytes - taken, left = n;
        for (unsigned i = 0; i < g.count && left > 0; i++) {
            size_t part = g.iovecs[i].iov_len < left ? g.iovecs[i].iov_len : left;
            memcpy(r->bytes + r->len, g.iovecs[i].iov_base, part);
            r->len += part;
            left -= part;
        }
        tcp_queue_taken(&b->queue, b->store, n);
        taken += n;
    }
    return taken;
}

// The numbers of the packets that were read; each whole.
static unsigned read_numbers(const struct sink *r, uint32_t *numbers, unsigned most) {
    unsigned count = 0;
    for (size_t at = 0; at < r->len; count++) {
        uint16_t len = load_be16(r->bytes + at);
        assert_true(at + 2 + len <= r->len && count < most);
        numbers[count] = load_be32(r->bytes + at + 2);
        for (uint16_t i = 4; i < len; i++)
            assert_int_equal(r->bytes[at + 2 + i], numbers[count] & 0xff);
        at += 2u + len;
    }
    return count;
}

static struct sink reader;
static uint32_t numbers[4096];

static void packets_leave_in_their_order_however_little_is_taken(void **state) {
    struct bench *b = *state;
    static const size_t steps[] = {1, 2, 3, 7, 500, 1202, 100000};
    for (size_t s = 0; s < sizeof steps / sizeof *steps; s++) {
        reader.len = 0;
        for (uint32_t i = 0; i < 100; i++)
            assert_true(put(b, i % 3 ? UDP_DROP_FIRST : UDP_KEEP, i, (uint16_t)(4 + 11 * i)));
        while (take(b, &reader, steps[s]) > 0)
            ;
        assert_int_equal(read_numbers(&reader, numbers, 4096), 100);
        for (uint32_t i = 0; i < 100; i++)
            assert_int_equal(numbers[i], i);
        assert_int_equal(b->queue.bytes, 0);
    }
    assert_int_equal(b->losses.full + b->losses.late, 0);
}

static void the_oldest_video_makes_room(void **state) {
    struct bench *b = *state;
    uint32_t next = 0, sound = 0;
    reader.len = 0;
    // A reader that takes nothing, while sound and pictures come for a minute.
    for (uint32_t i = 0; i < 3000; i++) {
        put(b, UDP_DROP_FIRST, next++, 1200);
        put(b, UDP_DROP_FIRST, next++, 1200);
        if (i < 200) {
            assert_true(b->queue.fifos[UDP_KEEP].count == i);
            put(b, UDP_KEEP, UINT32_C(1000000) + sound++, 100);
        }
        assert_true(b->queue.bytes <= TCP_QUEUE_BYTES);
        assert_true(tcp_store_taken(b->store) <= TCP_QUEUE_PACKETS);
    }
    assert_true(b->losses.full > 5000);
    assert_int_equal(b->queue.fifos[UDP_KEEP].count, 200); // no sound was lost for pictures
    take(b, &reader, SIZE_MAX);
    unsigned n = read_numbers(&reader, numbers, 4096), heard = 0;
    uint32_t last_video = 0;
    for (unsigned i = 0; i < n; i++) {
        heard += numbers[i] >= 1000000;
        if (numbers[i] < 1000000) {
            assert_true(numbers[i] > last_video);
            last_video = numbers[i];
        }
    }
    assert_int_equal(heard, 200);
    assert_int_equal(last_video, next - 1); // what is new is there
}

static void sound_alone_is_bounded_too(void **state) {
    struct bench *b = *state;
    for (uint32_t i = 0; i < 5000; i++)
        put(b, UDP_KEEP, i, 100);
    assert_int_equal(b->queue.fifos[UDP_KEEP].count, TCP_QUEUE_PACKETS);
    assert_false(put(b, UDP_DROP_FIRST, 9, 1200)); // a picture pushes no sound out
    assert_int_equal(b->queue.fifos[UDP_DROP_FIRST].count, 0);
    reader.len = 0;
    take(b, &reader, SIZE_MAX);
    assert_int_equal(read_numbers(&reader, numbers, 4096), TCP_QUEUE_PACKETS);
    assert_int_equal(numbers[TCP_QUEUE_PACKETS - 1], 4999);
}

static void what_was_begun_is_ended(void **state) {
    struct bench *b = *state;
    reader.len = 0;
    put(b, UDP_DROP_FIRST, 1, 1000);
    put(b, UDP_DROP_FIRST, 2, 1000);
    assert_int_equal(take(b, &reader, 5), 5);
    b->now_us += 60 * UINT64_C(1000000);
    tcp_queue_expire(&b->queue, b->store, b->now_us, &b->losses);
    assert_int_equal(b->losses.late, 1); // the second one
    for (uint32_t i = 3; i < 600; i++)
        put(b, UDP_DROP_FIRST, i, 1200);
    take(b, &reader, SIZE_MAX);
    unsigned n = read_numbers(&reader, numbers, 4096);
    assert_true(n > 100);
    assert_int_equal(numbers[0], 1); // whole, though it was old and the queue was full
    assert_int_equal(numbers[n - 1], 599);
}

static void pictures_grow_old_before_sound(void **state) {
    struct bench *b = *state;
    put(b, UDP_DROP_FIRST, 1, 500);
    put(b, UDP_KEEP, 2, 100);
    b->now_us += TCP_QUEUE_VIDEO_US;
    tcp_queue_expire(&b->queue, b->store, b->now_us, &b->losses);
    assert_int_equal(b->losses.late, 0);
    b->now_us += 1;
    tcp_queue_expire(&b->queue, b->store, b->now_us, &b->losses);
    assert_int_equal(b->losses.late, 1);
    assert_int_equal(b->queue.bytes, 102);
    b->now_us += TCP_QUEUE_US;
    tcp_queue_expire(&b->queue, b->store, b->now_us, &b->losses);
    assert_int_equal(b->losses.late, 2);
    assert_true(tcp_queue_empty(&b->queue));
}

static void other_queues_leave_a_quarter_of_the_store_for_sound(void **state) {
    struct bench *b = *state;
    struct tcp_queue others[4];
    for (unsigned i = 0; i < 4; i++)
        tcp_queue_init(&others[i]);
    struct tcp_queue mine = b->queue;
    for (unsigned i = 0; i < 4 * 300; i++) {
        b->queue = others[i % 4];
        put(b, UDP_DROP_FIRST, i, 300);
        others[i % 4] = b->queue;
    }
    assert_int_equal(tcp_store_taken(b->store), PLACES - PLACES / 4);
    b->queue = mine;
    assert_false(put(b, UDP_DROP_FIRST, 1, 300));
    assert_true(put(b, UDP_KEEP, 1, 300));
    for (unsigned i = 0; i < 4; i++)
        tcp_queue_clear(&others[i], b->store);
}

int main(void) {
#define CASE(f) cmocka_unit_test_setup_teardown(f, bench_begin, bench_end)
    const struct CMUnitTest tests[] = {
        CASE(packets_leave_in_their_order_however_little_is_taken),
        CASE(the_oldest_video_makes_room),
        CASE(sound_alone_is_bounded_too),
        CASE(what_was_begun_is_ended),
        CASE(pictures_grow_old_before_sound),
        CASE(other_queues_leave_a_quarter_of_the_store_for_sound),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
