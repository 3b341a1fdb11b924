// Sound that a receiver asks for again: the same datagram, since there is no RTX for it.
#include "forward_fake.h"

#include "rooms/media/sent_store.h"

static const char *const PUB = "publisher", *const A = "listener";

static void nack(struct fake *f, struct endpoint *from, uint32_t ssrc, uint16_t seq) {
    uint8_t bytes[RTCP_DATAGRAM_MAX];
    struct writer w = writer_of(bytes, sizeof bytes);
    assert_int_equal(rtcp_write_nack(&w, 1, ssrc, &seq, 1), 1);
    fake_rtcp(f, from, &w);
}

static void open_listener(struct fake *f, uint32_t id, uint32_t ssrc) {
    struct consumer_params params = fake_receive_audio(ssrc);
    params.nack = true;
    fake_open_consumer(f, 2, 2, id, params);
}

// Sends three packets of sound and asks for each: the first is answered if `early`, the others are.
static void sound_can_be_had_again(bool early) {
    struct fake *f = fake_create();
    struct endpoint *pub = fake_connected(f, 1, PUB), *a = fake_connected(f, 2, A);
    fake_open_producer(f, 1, 2, fake_audio(2000));
    for (unsigned i = 0; !early && i < SOUND_STORES_EARLY; i++)
        open_listener(f, 100 + i, 1000 + i);
    open_listener(f, 31, 310);
    for (unsigned i = 0; !early && i < SOUND_STORES_EARLY; i++)
        fake_close(f, MEDIA_CLOSE_CONSUMER, 100 + i);
    for (uint16_t seq = 0; seq < 3; seq++) {
        fake_clear(f);
        fake_rtp(f, pub,
                 (struct fake_packet){.pt = OPUS_PT, .ssrc = 2000, .seq = seq, .timestamp = seq * 960u});
        struct fake_rtp before = f->rtp[0];
        nack(f, a, 310, before.head.seq);
        bool again = early || seq > 0;
        assert_int_equal(f->rtp_count, again ? 2 : 1);
        if (again)
            assert_memory_equal(f->rtp[1].bytes, before.bytes, sizeof before.bytes);
        fake_run(f, 20 * MS);
    }
    fake_run(f, 3 * SECOND);
    assert_int_equal(pool_taken(f->pool), 0);
    fake_destroy(f);
}

static void what_few_want_again_is_kept_from_the_start(void **state) {
    (void)state;
    sound_can_be_had_again(true);
}

// Among many a receiver that loses sound is known by its first NACK; what goes out from then on can be had
// again.
static void it_is_kept_for_who_has_asked_for_it(void **state) {
    (void)state;
    sound_can_be_had_again(false);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_few_want_again_is_kept_from_the_start),
        cmocka_unit_test(it_is_kept_for_who_has_asked_for_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
