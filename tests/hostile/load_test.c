// Floods, and transports that come and go by the thousands, while a conference goes on: nothing grows.
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/log.h"
#include "tests/kit/siege.h"
#include "tests/unit/transport/stun_build.h"

#define FLOOD 200000
#define FLOOD_WARM_UP 20000
#define COMERS 5000
#define WINDOW 16 // transports that are open at a time

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define GROWTH_BYTES_MAX (256 << 20) // freed memory waits in quarantine, accesses have shadows
#else
#define GROWTH_BYTES_MAX (16 << 20)
#endif

static void flood(struct siege *s, const struct guest *guest, unsigned datagrams) {
    static const uint8_t hello[64] = {0x16, 0xfe, 0xff, 0, 0, 0, 0, 0, 0, 0, 0, 0, 51, 1};
    static const uint8_t rtp[1000] = {0x80, 111, 0, 1};
    static const uint8_t noise[1200] = {0xff};
    struct stun_build wrong, nobody;
    struct ice_credentials other;
    siege_build_check(&wrong, guest->ice.ufrag, "wrong");
    ice_credentials_make(guest->worker, &other);
    siege_build_check(&nobody, other.ufrag, other.pwd);
    const struct {
        const void *bytes;
        size_t len;
        enum media_drop drop;
    } kinds[] = {
        {wrong.bytes, wrong.len, MEDIA_DROP_STUN_AUTH},
        {nobody.bytes, nobody.len, MEDIA_DROP_STUN_UNKNOWN_UFRAG},
        {hello, sizeof hello, MEDIA_DROP_UNVALIDATED_TUPLE},
        {rtp, sizeof rtp, MEDIA_DROP_UNVALIDATED_TUPLE},
        {noise, sizeof noise, MEDIA_DROP_UNKNOWN_KIND},
    };
    for (unsigned i = 0; i < datagrams; i++) {
        if (i % 4096 == 0)
            siege_speak(s);
        size_t k = i % 5;
        siege_stranger_sends(s, i % SIEGE_STRANGERS, kinds[k].bytes, kinds[k].len, kinds[k].drop);
    }
}

static void flood_against(unsigned workers) {
    struct siege *s = siege_open(workers, 4);
    struct guest guest;
    struct media_counters before, after;
    s->flood = true;
    guest_open(s, workers - 1, &guest);
    flood(s, &guest, FLOOD_WARM_UP);
    siege_check(s);
    siege_counters(s, &before);
    uint64_t resident = resident_bytes(), started_us = clock_now_us();
    flood(s, &guest, FLOOD);
    siege_check(s);
    siege_counters(s, &after);
    int64_t grown = (int64_t)(resident_bytes() - resident);
    print_message(
        "%u workers: %u datagrams in %.1f s, %lld KB more resident, %llu blocks more, "
        "%llu found a queue between workers full\n",
        workers, FLOOD, (double)(clock_now_us() - started_us) / 1e6, (long long)grown / 1024,
        (unsigned long long)(after.pool_blocks - before.pool_blocks),
        (unsigned long long)(after.drops[MEDIA_DROP_HANDOVER_FULL] - before.drops[MEDIA_DROP_HANDOVER_FULL]));
    assert_true(grown < GROWTH_BYTES_MAX);
    // What a receive call takes ahead and what is on its way out, and the history of the conference's own
    // packets.
    assert_true(after.pool_blocks <= before.pool_blocks + 256 * workers + 6 * FLOOD / 4096);
    assert_int_equal(after.transports, before.transports);
    guest_close(&guest);
    siege_close(s);
}

// ---- comings and goings

static void post(struct guest *g, enum media_cmd_type type) {
    struct media_cmd cmd = {.type = type, .transport = g->id};
    siege_post(g->siege, g->worker, &cmd);
}

static void post_restart(struct guest *g) {
    struct media_cmd cmd = {.type = MEDIA_RESTART_ICE, .transport = g->id};
    ice_credentials_make(g->worker, &cmd.ice);
    siege_post(g->siege, g->worker, &cmd);
}

static void post_producer(struct guest *g, enum media_cmd_type type, uint32_t producer) {
    struct media_cmd cmd = {.type = type, .transport = g->id, .producer = {producer}};
    if (type == MEDIA_OPEN_PRODUCER)
        cmd.open_producer.params = (struct producer_params){.kind = MEDIA_AUDIO,
                                                            .codec = CODEC_OPUS,
                                                            .payload_type = 111,
                                                            .rtx_payload_type = PAYLOAD_TYPE_NONE,
                                                            .clock_rate = 48000,
                                                            .stream_count = 1,
                                                            .streams[0].ssrc = producer,
                                                            .spatial_layers = 1,
                                                            .temporal_layers = 1};
    siege_post(g->siege, g->worker, &cmd);
}

static void post_consumer(struct guest *g, enum media_cmd_type type, uint32_t producer, uint32_t consumer) {
    struct media_cmd cmd = {.type = type, .transport = g->id, .producer = {producer}, .consumer = {consumer}};
    if (type == MEDIA_OPEN_CONSUMER)
        cmd.open_consumer.params = (struct consumer_params){.kind = MEDIA_AUDIO,
                                                            .payload_type = 100,
                                                            .rtx_payload_type = PAYLOAD_TYPE_NONE,
                                                            .clock_rate = 48000,
                                                            .ssrc = consumer};
    siege_post(g->siege, g->worker, &cmd);
}

static void come(struct siege *s, struct guest *g, unsigned i) {
    guest_open(s, i % s->workers, g);
    uint32_t object = 0x70000000 + i;
    switch (i % 5) {
    case 0: // no more than that
        break;
    case 1: // a handshake that will not end
        guest_start(g);
        break;
    case 2:
        post_producer(g, MEDIA_OPEN_PRODUCER, object);
        post_consumer(g, MEDIA_OPEN_CONSUMER, object, object);
        break;
    case 3:
        guest_start(g);
        post_restart(g);
        post_restart(g);
        break;
    case 4: // one that may well end
        guest_start(g);
        post_producer(g, MEDIA_OPEN_PRODUCER, object);
        for (unsigned turn = 0; turn < 20 && !media_peer_connected(g->peer); turn++) {
            siege_turn(s, 1);
            media_peer_poll(g->peer, clock_now_us());
        }
        break;
    }
}

static void go(struct guest *g, unsigned i) {
    if (!g->siege)
        return;
    guest_close(g);
    // What is said to a closed transport, and to what went with it, does nothing.
    uint32_t object = 0x70000000 + i;
    post(g, MEDIA_CLOSE_TRANSPORT);
    post(g, MEDIA_CONNECT_TRANSPORT);
    post_restart(g);
    post_producer(g, MEDIA_OPEN_PRODUCER, object);
    post_producer(g, MEDIA_PAUSE_PRODUCER, object);
    post_consumer(g, MEDIA_OPEN_CONSUMER, object, object);
    post_consumer(g, MEDIA_CLOSE_CONSUMER, object, object);
    post_consumer(g, MEDIA_REQUEST_KEY_FRAME, object, object);
    post_producer(g, MEDIA_CLOSE_PRODUCER, object);
}

static void comings_and_goings(unsigned workers) {
    struct siege *s = siege_open(workers, 3);
    log_configure(LOG_LEVEL_ERROR, LOG_FORMAT_TEXT); // commands that fail are what this is about
    struct guest guests[WINDOW] = {0};
    struct media_counters before, after;
    siege_counters(s, &before);
    uint64_t resident = 0, started_us = clock_now_us();
    for (unsigned i = 0; i < COMERS; i++) {
        struct guest *g = &guests[i % WINDOW];
        go(g, i - WINDOW);
        come(s, g, i);
        if (i % 16 == 0)
            siege_speak(s);
        siege_turn(s, 0);
        if (i == COMERS / 5)
            resident = resident_bytes();
    }
    for (unsigned i = 0; i < WINDOW; i++)
        go(&guests[i], COMERS - WINDOW + i);
    siege_rebase(s); // late checks of those who are gone are counted as such
    siege_check(s);
    siege_counters(s, &after);
    int64_t grown = (int64_t)(resident_bytes() - resident);
    print_message("%u workers: %u transports in %.1f s, longest turn %.1f ms, %lld KB more resident\n",
                  workers, COMERS, (double)(clock_now_us() - started_us) / 1e6,
                  (double)after.loop_lag_us_max / 1e3, (long long)grown / 1024);
    assert_int_equal(after.transports, before.transports);
    assert_true(after.pool_blocks <= before.pool_blocks + 128 * workers + 5 * COMERS / 16);
    assert_true(grown < GROWTH_BYTES_MAX);
    siege_close(s);
}

static void a_flood_against_one_worker(void **state) {
    (void)state;
    flood_against(1);
}

static void a_flood_against_four_workers(void **state) {
    (void)state;
    flood_against(4);
}

static void thousands_come_and_go_on_one_worker(void **state) {
    (void)state;
    comings_and_goings(1);
}

static void thousands_come_and_go_on_three_workers(void **state) {
    (void)state;
    comings_and_goings(3);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_flood_against_one_worker),
        cmocka_unit_test(a_flood_against_four_workers),
        cmocka_unit_test(thousands_come_and_go_on_one_worker),
        cmocka_unit_test(thousands_come_and_go_on_three_workers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
