// How long receivers are asked to wait for what is lost, to them and on the way from the publisher.
#include "forward_fake.h"

#include "rooms/media/media_objects.h"

static const char *const PUB = "publisher", *const A = "receiver";

struct room {
    struct fake *f;
    struct endpoint *pub, *a;
    uint16_t seq;
};

static struct consumer_params receives(bool negotiated) {
    struct consumer_params p = fake_receive_video(110, 111);
    p.ext.ids[EXT_PLAYOUT_DELAY] = negotiated ? EXT_ROUTER_ID(EXT_PLAYOUT_DELAY) : 0;
    return p;
}

static struct room room_open(bool negotiated) {
    struct room r = {.f = fake_create()};
    r.pub = fake_connected(r.f, 1, PUB);
    r.a = fake_connected(r.f, 2, A);
    fake_open_producer(r.f, 1, 1, fake_video(1000, 1001));
    fake_open_consumer(r.f, 2, 1, 11, receives(negotiated));
    return r;
}

static struct consumer *consumer_of(const struct room *r) {
    return forwarder_consumer(r->f->fw, (struct consumer_id){11});
}

static void video(struct room *r) {
    uint16_t seq = r->seq++;
    fake_rtp(r->f, r->pub,
             (struct fake_packet){
                 .pt = VP8_PT, .ssrc = 1000, .seq = seq, .timestamp = seq * 3000u, .key = seq == 0});
}

// What the last packet of this SSRC says, in units of 10 ms; 0: nothing. And how long it is.
static unsigned told(const struct fake *f, uint32_t ssrc, size_t *len) {
    unsigned units = 0;
    for (unsigned i = 0; i < f->rtp_count; i++) {
        if (f->rtp[i].head.ssrc != ssrc)
            continue;
        struct rtp_packet p;
        struct ext_map map;
        struct ext_ids ids = {0};
        struct rtp_ext_values v;
        ids.ids[EXT_PLAYOUT_DELAY] = EXT_ROUTER_ID(EXT_PLAYOUT_DELAY);
        size_t whole = f->rtp[i].head.header_len + f->rtp[i].head.payload.len + f->rtp[i].head.padding;
        assert_int_equal(rtp_parse(span_of(f->rtp[i].bytes, whole), &p), ERR_OK);
        ext_map_clear(&map);
        ext_map_add(&map, &ids);
        rtp_ext_read(&p, &map, &v);
        struct span value = v.of[EXT_PLAYOUT_DELAY];
        units = value.ptr ? load_be24(value.ptr) >> 12 : 0;
        assert_true(!value.ptr || (load_be24(value.ptr) & 0xfff) == PLAYOUT_LONGEST);
        *len = whole;
    }
    return units;
}

// So many seconds, of whose packets each so manieth (0: none) is asked for.
static unsigned lose(struct room *r, unsigned each, unsigned seconds, size_t *len) {
    unsigned units = 0;
    for (unsigned i = 0; i < seconds; i++) {
        fake_clear(r->f);
        uint16_t wanted[100];
        unsigned n = 0;
        for (unsigned k = 0; k < 100; k++) {
            video(r);
            fake_run(r->f, 10 * MS);
        }
        for (unsigned k = 0; each > 0 && k < r->f->rtp_count; k++)
            if (r->f->rtp[k].head.ssrc == 110 && r->f->rtp[k].head.seq % each == 0)
                wanted[n++] = r->f->rtp[k].head.seq;
        uint8_t bytes[RTCP_DATAGRAM_MAX];
        struct writer w = writer_of(bytes, sizeof bytes);
        if (n > 0) {
            assert_int_equal(rtcp_write_nack(&w, 1, 110, wanted, n), n);
            fake_rtcp(r->f, r->a, &w);
        }
        units = told(r->f, 110, len);
        fake_report_loss(r->f, r->a, 110, (uint8_t)(each ? 256 / each : 0));
        consumer_of(r)->stats.rtt_us = 50000;
    }
    return units;
}

// Who loses something is to wait for its repeat; that says nothing itself, and no packet is longer for it.
static void who_loses_is_asked_to_wait(void **state) {
    (void)state;
    for (unsigned negotiated = 0; negotiated < 2; negotiated++) {
        struct room r = room_open(negotiated);
        size_t before, len;
        assert_int_equal(lose(&r, 0, 10, &before), 0);
        assert_int_equal(lose(&r, 20, 10, &len), negotiated ? 10 : 0); // the round trip, and as much
        assert_int_equal(len, before);
        assert_true(fake_count_rtp(r.f, A, 111) > 0);
        assert_int_equal(told(r.f, 111, &len), 0);
        // When nothing is lost any more it is taken back, and then nothing is said.
        unsigned last = lose(&r, 0, 8, &len);
        for (unsigned i = 0; i < 30; i++) {
            unsigned now = lose(&r, 0, 1, &len);
            assert_true(now == last || now + 1 == last);
            last = now;
        }
        assert_int_equal(last, 0);
        assert_int_equal(len, before);
        fake_destroy(r.f);
    }
}

// A longer round trip takes longer, but nobody waits longer than a conversation bears.
static void nobody_waits_for_long(void **state) {
    (void)state;
    struct room r = room_open(true);
    size_t len;
    (void)lose(&r, 20, 10, &len);
    consumer_of(&r)->stats.rtt_us = 3000000;
    fake_run(r.f, 3 * SECOND);
    video(&r);
    assert_int_equal(told(r.f, 110, &len), PLAYOUT_MOST);
    struct media_stats stats;
    const struct media_cmd ask = {.type = MEDIA_GET_STATS, .consumer = {11}};
    forwarder_stats(r.f->fw, &ask, r.f->now_us, &stats);
    assert_int_equal(stats.streams[0].playout_delay_ms, 200);
    fake_destroy(r.f);
}

// Everybody waits for what is missing of a publisher that loses much, on other workers too.
static void what_a_publisher_loses_takes_its_time(void **state) {
    (void)state;
    for (unsigned much = 0; much < 2; much++) {
        struct room r = room_open(true);
        struct media_cmd relay = {.type = MEDIA_OPEN_RELAY, .producer = {1}};
        relay.relay.link = (struct link_id){5};
        forwarder_command(r.f->fw, &relay, r.f->now_us);
        size_t len;
        assert_int_equal(lose(&r, 0, 5, &len), 0);
        for (unsigned i = 0; i < 2000; i++) { // asked for, and never repeated
            r.seq = (uint16_t)(r.seq + (i % (much ? 20 : 60) == 0));
            video(&r);
            fake_run(r.f, 10 * MS);
        }
        const struct producer_stream *s = &forwarder_producer(r.f->fw, (struct producer_id){1})->streams[0];
        assert_true(s->repairs.wait_us > 0);
        assert_true(told(r.f, 110, &len) > 10);
        fake_clear(r.f);
        uint8_t bytes[64];
        struct writer w = writer_of(bytes, sizeof bytes);
        rtcp_write_sr(&w, 1000, &(struct rtcp_sender_info){.ntp = UINT64_C(1) << 40, .rtp_timestamp = 1},
                      NULL, 0);
        fake_rtcp(r.f, r.pub, &w);
        assert_true(r.f->relay_count > 0);
        assert_int_equal(r.f->relays[r.f->relay_count - 1].said.repair_wait_us, s->repairs.wait_us);
        fake_destroy(r.f);
    }
}

// Where much is lost there is time to ask twice.
static void the_more_is_lost_the_longer_repairs_take(void **state) {
    (void)state;
    static const struct {
        uint16_t loss;
        uint32_t wait_us; // of a round trip that is not known
    } rows[] = {{0, 0}, {327, 0}, {328, 140000}, {982, 140000}, {983, 240000}, {UINT16_MAX, 240000}};
    struct room r = room_open(true);
    struct producer *p = forwarder_producer(r.f->fw, (struct producer_id){1});
    for (unsigned i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        p->streams[0].repairs.loss = rows[i].loss;
        producer_tick_repairs(p, r.f->now_us); // too few packets for another look at the loss
        assert_int_equal(p->streams[0].repairs.wait_us, rows[i].wait_us);
    }
    fake_destroy(r.f);
}

// What comes over a link is believed of its producer alone, whatever it says.
static void what_a_link_says_is_bounded(void **state) {
    (void)state;
    struct fake *f = fake_create();
    struct room r = {.f = f, .a = fake_connected(f, 2, A)};
    struct media_cmd cmd = {.type = MEDIA_OPEN_RELAYED_PRODUCER, .producer = {1}};
    cmd.open_producer.params = fake_video(1000, 1001);
    cmd.open_producer.source = (struct link_id){6};
    forwarder_command(f->fw, &cmd, f->now_us);
    fake_open_consumer(f, 2, 1, 11, receives(true));
    struct consumer *c = consumer_of(&r);
    c->current = 0;
    struct relay_note note = {
        .type = RELAY_SENDER_REPORT, .producer = {1}, .ntp = 1, .repair_wait_us = UINT32_MAX};
    forwarder_relay_note(f->fw, (struct link_id){5}, &note, f->now_us); // not its source
    consumer_tick_playout(c);
    assert_int_equal(c->playout_delay, 0);
    forwarder_relay_note(f->fw, (struct link_id){6}, &note, f->now_us);
    for (unsigned i = 0; i < 10; i++)
        consumer_tick_playout(c);
    assert_int_equal(c->playout_delay >> 12, PLAYOUT_MOST);
    c->current = LAYER_NONE;
    fake_destroy(f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_loses_is_asked_to_wait),
        cmocka_unit_test(nobody_waits_for_long),
        cmocka_unit_test(what_a_publisher_loses_takes_its_time),
        cmocka_unit_test(the_more_is_lost_the_longer_repairs_take),
        cmocka_unit_test(what_a_link_says_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
