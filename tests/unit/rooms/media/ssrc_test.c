// The SSRCs of an endpoint: whose packet it is, however their places in the table collide; and that each one
// that was sent is forgotten once, when its consumer ends, and never because of another.
#include "forward_fake.h"

#include "rooms/media/media_objects.h"

static const char *const PUB = "publisher", *const A = "receiver", *const B = "another";

static uint32_t random_next(uint32_t *random) {
    *random = *random * 1664525u + 1013904223u;
    return *random >> 8;
}

// All of `there` are found as what they are, in any state of the table; none of `gone` is.
static void table_holds(struct endpoint *ep, const uint32_t *there, unsigned count,
                        struct producer_stream *streams, uint32_t gone) {
    assert_null(endpoint_find_ssrc(ep, gone));
    for (unsigned i = 0; i < count; i++) {
        const struct ssrc_entry *e = endpoint_find_ssrc(ep, there[i]);
        assert_non_null(e);
        assert_int_equal(e->ssrc, there[i]);
        assert_ptr_equal(e->stream, &streams[there[i] % 7]);
        assert_int_equal(e->rtx, there[i] % 2);
    }
    assert_int_equal(ep->ssrc_count, count);
}

// A full table of 128 places for 64 has many runs, some over its end; its entries go in any order.
static void colliding_ssrcs_are_found_until_they_go(void **state) {
    (void)state;
    static struct producer_stream streams[7];
    struct fake *f = fake_create();
    struct endpoint *ep = fake_connected(f, 1, PUB);
    uint32_t random = 1;
    for (unsigned round = 0; round < 200; round++) {
        uint32_t ssrcs[ENDPOINT_SSRCS_MAX];
        unsigned count = 0;
        while (count < ENDPOINT_SSRCS_MAX) {
            uint32_t ssrc = round % 2 ? random_next(&random) : 1 + (random_next(&random) & 0xfff);
            enum err err = endpoint_add_ssrc(ep, ssrc, ssrc % 2, &streams[ssrc % 7]);
            if (err == ERR_OK)
                ssrcs[count++] = ssrc;
            else
                assert_int_equal(err, ssrc == 0 ? ERR_MALFORMED : ERR_EXISTS);
        }
        assert_int_equal(endpoint_add_ssrc(ep, 0xffffffff, false, streams), ERR_LIMIT);
        while (count > 0) {
            unsigned i = random_next(&random) % count;
            uint32_t gone = ssrcs[i];
            fake_clear(f);
            endpoint_remove_ssrc(ep, gone);
            assert_int_equal(f->forgotten_count, 1);
            assert_int_equal(f->forgotten[0], gone);
            assert_int_equal(f->forgotten_sent_count, 0);
            ssrcs[i] = ssrcs[--count];
            table_holds(ep, ssrcs, count, streams, gone);
            endpoint_remove_ssrc(ep, gone); // once more: nothing happens
            assert_int_equal(f->forgotten_count, 1);
        }
    }
    fake_destroy(f);
}

static void open_audio(struct fake *f, uint32_t transport, uint32_t id, uint32_t ssrc) {
    fake_open_consumer(f, transport, 1, id, fake_receive_audio(ssrc));
}

static void forgets_sent(const struct fake *f, const char *peer, uint32_t ssrc, uint32_t rtx_ssrc) {
    assert_int_equal(fake_count_forgotten_sent(f, peer, ssrc), 1);
    if (rtx_ssrc)
        assert_int_equal(fake_count_forgotten_sent(f, peer, rtx_ssrc), 1);
    assert_int_equal(f->forgotten_sent_count, rtx_ssrc ? 2 : 1);
}

static void what_was_sent_is_forgotten_with_its_consumer(void **state) {
    (void)state;
    static const struct {
        const char *what;
        uint32_t rtx_ssrc;
        enum { BY_CONSUMER, BY_PRODUCER, BY_RECEIVER, BY_PUBLISHER } end;
    } rows[] = {{"the consumer closes", 0, BY_CONSUMER},
                {"the same with RTX", 1001, BY_CONSUMER},
                {"its producer closes", 1001, BY_PRODUCER},
                {"the receiver goes", 1001, BY_RECEIVER},
                {"the publisher goes", 1001, BY_PUBLISHER}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct fake *f = fake_create();
        struct endpoint *pub = fake_connected(f, 1, PUB), *a = fake_connected(f, 2, A);
        fake_connected(f, 3, B);
        print_message("%s\n", rows[i].what);
        fake_open_producer(f, 1, 1, fake_video(10, 11));
        fake_open_consumer(f, 2, 1, 5, fake_receive_video(1000, rows[i].rtx_ssrc));
        assert_int_equal(f->forgotten_sent_count, 0);
        if (rows[i].end == BY_CONSUMER)
            fake_close(f, MEDIA_CLOSE_CONSUMER, 5);
        else if (rows[i].end == BY_PRODUCER)
            fake_close(f, MEDIA_CLOSE_PRODUCER, 1);
        else
            forwarder_close_endpoint(f->fw, rows[i].end == BY_RECEIVER ? a : pub);
        forgets_sent(f, A, 1000, rows[i].rtx_ssrc);
        fake_destroy(f);
    }
}

// A consumer that could not open takes nothing from the one that has its SSRC, on this transport or another.
static void a_refused_consumer_forgets_nothing(void **state) {
    (void)state;
    struct fake *f = fake_create();
    fake_connected(f, 1, PUB);
    fake_connected(f, 2, A);
    fake_connected(f, 3, B);
    fake_open_producer(f, 1, 1, fake_audio(10));
    open_audio(f, 2, 5, 1000);
    open_audio(f, 3, 6, 1000); // the same number towards another peer is another stream
    open_audio(f, 2, 7, 1000);
    open_audio(f, 2, 5, 2000);
    open_audio(f, 9, 8, 3000);
    assert_int_equal(forwarder_counters(f->fw)->consumers, 2);
    assert_int_equal(f->forgotten_sent_count, 0);
    fake_close(f, MEDIA_CLOSE_CONSUMER, 7); // was never there
    assert_int_equal(f->forgotten_sent_count, 0);
    fake_close(f, MEDIA_CLOSE_CONSUMER, 5);
    forgets_sent(f, A, 1000, 0);
    fake_clear(f);
    fake_close(f, MEDIA_CLOSE_CONSUMER, 6);
    forgets_sent(f, B, 1000, 0);
    fake_destroy(f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(colliding_ssrcs_are_found_until_they_go),
        cmocka_unit_test(what_was_sent_is_forgotten_with_its_consumer),
        cmocka_unit_test(a_refused_consumer_forgets_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
