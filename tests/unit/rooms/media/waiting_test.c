// What waits on a full link has no numbers yet: whatever becomes of it, its receiver sees no gap.
#include "forward_fake.h"

#include "rooms/media/congestion.h"

static const char *const PUB = "publisher", *const A = "receiver";
static const char *const rids[] = {"r0", "r1", "r2"};

#define SSRC 110
#define RTX_SSRC 111
#define PACKETS 30 // that wait: some two seconds of the link
#define BEFORE 50  // until all layers are there to stay

struct room {
    struct fake *f;
    struct endpoint *pub, *a;
    uint16_t seq[3], picture[3];
};

static void set_layer(struct room *r, int8_t spatial) {
    struct media_cmd cmd = {.type = MEDIA_SET_LAYERS, .consumer = {11}};
    cmd.layers.spatial = spatial;
    cmd.layers.temporal = -1;
    forwarder_command(r->f->fw, &cmd, r->f->now_us);
    // As the next shares would, after a moment in which some would leave.
    struct consumer *c = forwarder_consumer(r->f->fw, (struct consumer_id){11});
    consumer_allot(c, LAYER_NONE, LAYER_NONE, false, r->f->now_us);
}

// A picture is one packet.
static void picture(struct room *r, unsigned layer, bool key) {
    struct fake_packet p = {.pt = VP8_PT,
                            .ssrc = 500 + layer,
                            .mid = "0",
                            .rid = rids[layer],
                            .seq = r->seq[layer]++,
                            .timestamp = (uint32_t)(r->f->now_us * 9 / 100) + r->picture[layer],
                            .marker = true,
                            .key = key,
                            .longer = 900,
                            .picture = ++r->picture[layer]};
    fake_rtp(r->f, r->pub, p);
}

// Padding alone, of the publisher.
static void padding(struct room *r, unsigned layer) {
    fake_rtp(r->f, r->pub,
             (struct fake_packet){.pt = VP8_PT,
                                  .ssrc = 500 + layer,
                                  .mid = "0",
                                  .rid = rids[layer],
                                  .seq = r->seq[layer]++,
                                  .empty = true});
}

static struct room room_open(uint32_t rtx_ssrc) {
    struct room r = {.f = fake_create(), .seq = {65530, 10000, 40000}, .picture = {100, 7000, 20000}};
    r.pub = fake_connected(r.f, 1, PUB);
    r.a = fake_connected(r.f, 2, A);
    fake_open_producer(r.f, 1, 1, fake_simulcast("0"));
    struct consumer_params video = fake_receive_video(SSRC, rtx_ssrc);
    video.ext.ids[EXT_TRANSPORT_CC] = EXT_ROUTER_ID(EXT_TRANSPORT_CC);
    fake_open_consumer(r.f, 2, 1, 11, video);
    set_layer(&r, 0);
    for (unsigned i = 0; i < BEFORE; i++) {
        for (unsigned layer = 0; layer < 3; layer++)
            picture(&r, layer, i == 0);
        fake_run(r.f, 40 * MS);
    }
    assert_true(fake_count_rtp(r.f, A, SSRC) > 5);
    return r;
}

// As if the link had just been full.
static void fill(struct room *r, uint32_t rate_bps) {
    r->a->congestion->limited_us = r->f->now_us;
    r->a->congestion->works = true; // whatever it has heard of late
    pacer_set(&r->a->congestion->pacer, rate_bps);
}

static void let_wait(struct room *r, unsigned count, uint32_t rate_bps) {
    fill(r, rate_bps);
    for (unsigned i = 0; i < count; i++)
        picture(r, 0, false);
    assert_true(r->a->congestion->pacer.count + 4 > count); // a few went at once
}

static unsigned layer_of(const struct fake_rtp *p) {
    uint16_t seq = load_be16(p->payload + 6);
    return seq >= 40000 && seq < 60000 ? 2 : seq >= 10000 && seq < 40000 ? 1 : 0;
}

// All numbers that there are go on by one: those of the stream, of its pictures, of the transport. Returns
// how many packets of the layer were among them.
static unsigned assert_no_gap(const struct room *r, unsigned layer) {
    const struct fake_rtp *last = NULL, *any = NULL, *rtx = NULL;
    unsigned count = 0;
    for (unsigned i = 0; i < r->f->rtp_count; i++) {
        const struct fake_rtp *p = &r->f->rtp[i];
        if (p->peer != A)
            continue;
        assert_true(!any || p->transport_seq == (uint16_t)(any->transport_seq + 1));
        any = p;
        if (p->head.ssrc == RTX_SSRC) {
            assert_true(!rtx || p->head.seq == (uint16_t)(rtx->head.seq + 1));
            rtx = p;
        }
        if (p->head.ssrc != SSRC)
            continue;
        if (last) {
            assert_int_equal(p->head.seq, (uint16_t)(last->head.seq + 1));
            assert_int_equal(load_be16(p->payload + 2) & 0x7fff,
                             ((load_be16(last->payload + 2) & 0x7fff) + 1) & 0x7fff);
            assert_int_equal(p->payload[4], (uint8_t)(last->payload[4] + 1));
            assert_true((int32_t)(p->head.timestamp - last->head.timestamp) > 0);
        }
        last = p;
        count += layer_of(p) == layer;
    }
    return count;
}

static void nack(struct room *r, uint16_t seq) {
    uint8_t bytes[64];
    struct writer w = writer_of(bytes, sizeof bytes);
    rtcp_write_nack(&w, 1, SSRC, &seq, 1);
    fake_rtcp(r->f, r->a, &w);
}

static struct fake_rtp last_of(const struct fake *f, uint32_t ssrc) {
    for (unsigned i = f->rtp_count; i-- > 0;)
        if (f->rtp[i].head.ssrc == ssrc)
            return f->rtp[i];
    fail_msg("nothing of %u went out", ssrc);
    return f->rtp[0];
}

static void what_a_switch_leaves_behind_had_no_numbers(void **state) {
    (void)state;
    struct room r = room_open(RTX_SSRC);
    let_wait(&r, PACKETS, 100000);
    unsigned low = assert_no_gap(&r, 0);
    set_layer(&r, 2);
    picture(&r, 2, true);
    assert_in_range(r.a->congestion->pacer.count, 0, 1); // nothing waits but what is shown now
    for (unsigned i = 0; i < 10; i++) {
        fake_run(r.f, 40 * MS);
        picture(&r, 2, false);
    }
    fake_run(r.f, SECOND);
    assert_int_equal(assert_no_gap(&r, 0), low); // what was left never left
    assert_int_equal(assert_no_gap(&r, 2), 11);
    // A number of before and one of after the switch are what they were.
    struct fake_rtp sent = last_of(r.f, SSRC);
    nack(&r, sent.head.seq);
    fake_run(r.f, 100 * MS);
    struct fake_rtp again = last_of(r.f, RTX_SSRC);
    assert_int_equal(again.original_seq, sent.head.seq);
    assert_memory_equal(again.payload + 2, sent.payload, 6);
    assert_int_equal(again.head.timestamp, sent.head.timestamp);
    fake_destroy(r.f);
}

// A moment's worth leaves before the new layer does, under the numbers of its own.
static void a_little_that_waits_leaves_first(void **state) {
    (void)state;
    struct room r = room_open(0);
    let_wait(&r, 10, 1000000);
    unsigned low = fake_count_rtp(r.f, A, SSRC);
    set_layer(&r, 2);
    picture(&r, 2, true);
    fake_run(r.f, SECOND);
    assert_true(fake_count_rtp(r.f, A, SSRC) > low + 7);
    assert_int_equal(assert_no_gap(&r, 0), BEFORE + 10);
    assert_int_equal(assert_no_gap(&r, 2), 1);
    fake_destroy(r.f);
}

static void what_waits_when_it_is_paused_had_no_numbers(void **state) {
    (void)state;
    struct room r = room_open(RTX_SSRC);
    for (unsigned how = 0; how < 3; how++) {
        let_wait(&r, PACKETS, 100000);
        nack(&r, last_of(r.f, SSRC).head.seq); // its repeat waits too
        if (how == 0)
            fake_pause(r.f, MEDIA_PAUSE_CONSUMER, 11, true);
        else if (how == 1)
            forwarder_endpoint_reachable(r.f->fw, r.a, false, r.f->now_us);
        else
            fake_pause(r.f, MEDIA_PAUSE_PRODUCER, 1, true);
        fake_run(r.f, 100 * MS);
        fake_pause(r.f, MEDIA_PAUSE_CONSUMER, 11, false);
        forwarder_endpoint_reachable(r.f->fw, r.a, true, r.f->now_us);
        fake_pause(r.f, MEDIA_PAUSE_PRODUCER, 1, false);
        for (unsigned i = 0; i < 5; i++) {
            picture(&r, 0, i == 0);
            fake_run(r.f, 200 * MS);
        }
    }
    assert_true(assert_no_gap(&r, 0) >= BEFORE + 3 * 5);
    fake_destroy(r.f);
}

// Numbers that a publisher spends on padding close up in their order, behind what waits before them.
static void padding_in_between_closes_up(void **state) {
    (void)state;
    struct room r = room_open(RTX_SSRC);
    fill(&r, 300000);
    for (unsigned i = 0; i < 8; i++) {
        picture(&r, 0, false);
        padding(&r, 0);
        padding(&r, 0);
    }
    fake_run(r.f, 2 * SECOND);
    picture(&r, 0, false);
    fake_run(r.f, 100 * MS);
    assert_int_equal(assert_no_gap(&r, 0), BEFORE + 8 + 1);
    fake_destroy(r.f);
}

// Its publisher's numbers begin anew, under another SSRC: what waits is of a numbering that is over.
static void a_stream_that_begins_anew_leaves_no_gap(void **state) {
    (void)state;
    struct room r = room_open(RTX_SSRC);
    let_wait(&r, PACKETS, 100000);
    fake_run(r.f, 100 * MS);
    r.seq[0] = 3;
    for (unsigned i = 0; i < 60; i++)
        picture(&r, 0, true);
    fake_run(r.f, 3 * SECOND);
    picture(&r, 0, true);
    fake_run(r.f, SECOND);
    assert_true(assert_no_gap(&r, 0) > BEFORE + 5);
    fake_destroy(r.f);
}

// Its receiver has acknowledged too little of what has left already: what waits then never leaves, and what
// comes after it has begins anew.
static void what_waits_when_its_receiver_is_silent_leaves_no_gap(void **state) {
    (void)state;
    struct room r = room_open(0);
    let_wait(&r, PACKETS, 100000);
    struct consumer *c = forwarder_consumer(r.f->fw, (struct consumer_id){11});
    c->halt_index = c->rewrite.made.next + 5;
    fake_run(r.f, 3 * SECOND);
    unsigned low = fake_count_rtp(r.f, A, SSRC);
    fake_report(r.f, r.a, SSRC); // has had all of these
    picture(&r, 0, false);
    fake_run(r.f, SECOND);
    assert_int_equal(fake_count_rtp(r.f, A, SSRC), low);
    picture(&r, 0, true);
    fake_run(r.f, SECOND);
    assert_int_equal(fake_count_rtp(r.f, A, SSRC), low + 1);
    assert_no_gap(&r, 0);
    fake_destroy(r.f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_a_switch_leaves_behind_had_no_numbers),
        cmocka_unit_test(a_little_that_waits_leaves_first),
        cmocka_unit_test(what_waits_when_it_is_paused_had_no_numbers),
        cmocka_unit_test(padding_in_between_closes_up),
        cmocka_unit_test(a_stream_that_begins_anew_leaves_no_gap),
        cmocka_unit_test(what_waits_when_its_receiver_is_silent_leaves_no_gap),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
