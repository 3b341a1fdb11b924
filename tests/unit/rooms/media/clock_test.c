// The publisher's RTP clock steps, its numbers go on: what receivers see of time after their next beginning.
#include "forward_fake.h"

#include "rooms/media/media_objects.h"

static const char *const PUB = "publisher", *const A = "receiver";

struct room {
    struct fake *f;
    struct endpoint *pub;
    uint16_t seq;
    uint32_t base; // of the timestamps
    uint32_t ssrc;
    bool sound;
};

static unsigned ticks_per_ms(const struct room *r) {
    return r->sound ? 48 : 90;
}

static void publish(struct room *r, unsigned ms) {
    for (unsigned t = 0; t < ms; t += 20) {
        fake_rtp(
            r->f, r->pub,
            (struct fake_packet){.pt = r->sound ? OPUS_PT : VP8_PT,
                                 .ssrc = r->ssrc,
                                 .mid = "0",
                                 .seq = r->seq++,
                                 .timestamp = r->base + (uint32_t)(r->f->now_us * ticks_per_ms(r) / 1000),
                                 .key = true});
        fake_run(r->f, 20 * MS);
    }
}

static void pause_and_resume(struct room *r) {
    fake_pause(r->f, MEDIA_PAUSE_CONSUMER, 11, true);
    publish(r, 1000);
    fake_pause(r->f, MEDIA_PAUSE_CONSUMER, 11, false);
}

static void suspend(struct room *r) {
    forwarder_shed(r->f->fw, 32, r->f->now_us);
    publish(r, 1000);
    forwarder_shed(r->f->fw, 0, r->f->now_us);
}

static void source_pauses(struct room *r) {
    fake_pause(r->f, MEDIA_PAUSE_PRODUCER, 1, true);
    fake_run(r->f, SECOND);
    fake_pause(r->f, MEDIA_PAUSE_PRODUCER, 1, false);
}

// The machine sleeps, and its RTP clock with it; nobody is there meanwhile.
static void sleep_with_its_clock(struct room *r) {
    fake_pause(r->f, MEDIA_PAUSE_CONSUMER, 11, true);
    fake_run(r->f, 600 * SECOND);
    r->base -= 600 * 1000 * ticks_per_ms(r);
    fake_pause(r->f, MEDIA_PAUSE_CONSUMER, 11, false);
}

// It sleeps and its clock goes on.
static void sleep_without_its_clock(struct room *r) {
    fake_pause(r->f, MEDIA_PAUSE_CONSUMER, 11, true);
    fake_run(r->f, 600 * SECOND);
    fake_pause(r->f, MEDIA_PAUSE_CONSUMER, 11, false);
}

// Another SSRC takes the place of the one before, with numbers and timestamps of its own.
static void change_source(struct room *r) {
    fake_run(r->f, 3 * SECOND);
    r->ssrc += 7;
    r->seq += 30000;
    r->base += 123456789;
    publish(r, 2000);
}

static void time_goes_on_after_a_step_of_the_publishers_clock(void **state) {
    (void)state;
    static void (*const interrupt[])(struct room *r) = {pause_and_resume,        suspend,
                                                        source_pauses,           sleep_with_its_clock,
                                                        sleep_without_its_clock, change_source};
    static const int64_t steps[] = {-900000000, -90000000, -2000000, -450000, 450000, 900000000, 0};
    for (unsigned k = 0; k < 2 * sizeof interrupt / sizeof *interrupt; k++)
        for (unsigned i = 0; i < sizeof steps / sizeof *steps; i++) {
            struct room r = {
                .f = fake_create(), .seq = 65000, .base = 4000000000u, .ssrc = 1000, .sound = k % 2};
            r.pub = fake_connected(r.f, 1, PUB);
            fake_connected(r.f, 2, A);
            struct producer_params params = r.sound ? fake_audio(1000) : fake_video(1000, 1001);
            snprintf(params.mid, sizeof params.mid, "0");
            fake_open_producer(r.f, 1, 1, params);
            fake_open_consumer(r.f, 2, 1, 11,
                               r.sound ? fake_receive_audio(110) : fake_receive_video(110, 111));
            publish(&r, 2000);
            r.base += (uint32_t)steps[i];
            publish(&r, 1000);
            assert_true(r.f->rtp_count > 0);
            struct fake_rtp last = r.f->rtp[r.f->rtp_count - 1];
            fake_clear(r.f);
            interrupt[k / 2](&r);
            fake_clear(r.f);
            publish(&r, 500);
            assert_true(r.f->rtp_count > 0);
            struct fake_rtp next = r.f->rtp[0];
            int64_t told_ms = (int32_t)(next.head.timestamp - last.head.timestamp) / (int)ticks_per_ms(&r);
            int64_t is_ms = (int64_t)(next.at_us - last.at_us) / 1000;
            if (told_ms > is_ms + 100 || told_ms + 100 < is_ms)
                fail_msg("interruption %u after a step of %lld ticks, sound %d: %lld ms passed, %lld ms told",
                         k / 2, (long long)steps[i], r.sound, (long long)is_ms, (long long)told_ms);
            fake_destroy(r.f);
        }
}

// A clock that goes wrong by less than ten seconds while nothing was sent is believed, and beyond that the
// arrivals are.
static void a_clock_is_believed_within_ten_seconds(void **state) {
    (void)state;
    static const struct {
        int64_t wrong_ticks;
        bool believed;
    } rows[] = {{0, true}, {900000, true}, {900001, false}, {-900000, true}, {-900001, false}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct fake *f = fake_create();
        struct endpoint *pub = fake_connected(f, 1, PUB);
        struct fake_packet packet = {.pt = VP8_PT, .ssrc = 1000, .seq = 7, .timestamp = 123, .key = true};
        fake_connected(f, 2, A);
        fake_open_producer(f, 1, 1, fake_video(1000, 1001));
        fake_open_consumer(f, 2, 1, 11, fake_receive_video(110, 111));
        fake_rtp(f, pub, packet);
        fake_pause(f, MEDIA_PAUSE_CONSUMER, 11, true);
        fake_run(f, 20 * SECOND);
        fake_pause(f, MEDIA_PAUSE_CONSUMER, 11, false);
        packet.seq++;
        packet.timestamp += (uint32_t)(20 * 90000 + rows[i].wrong_ticks);
        fake_rtp(f, pub, packet);
        assert_int_equal(f->rtp_count, 2);
        int64_t told = (int32_t)(f->rtp[1].head.timestamp - f->rtp[0].head.timestamp) - 20 * 90000;
        if (told != (rows[i].believed ? rows[i].wrong_ticks : 0))
            fail_msg("wrong by %lld ticks: %lld told", (long long)rows[i].wrong_ticks, (long long)told);
        fake_destroy(f);
    }
}

// One who sends simulcast, whom it returns, and one who receives it.
static struct endpoint *open_simulcast(struct fake *f) {
    struct endpoint *pub = fake_connected(f, 1, PUB);
    fake_connected(f, 2, A);
    fake_open_producer(f, 1, 1, fake_simulcast("0"));
    fake_open_consumer(f, 2, 1, 11, fake_receive_video(110, 111));
    return pub;
}

// Layers of a publisher that sends no reports: each clock has an origin of its own, and the network delays
// packets by up to 40 ms. However often one changes between them, time does not drift away.
static void layers_without_reports_stay_together(void **state) {
    (void)state;
    struct fake *f = fake_create();
    struct endpoint *pub = open_simulcast(f);
    uint32_t random = 1, first = 0;
    int64_t least = 0, most = 0;
    bool begun = false;
    unsigned switches = 0;
    for (unsigned frame = 0; frame < 6000; frame++) {
        uint64_t captured_us = f->now_us;
        int8_t layer = (int8_t)(frame / 15 % 2);
        if (frame % 15 == 0) {
            struct media_cmd cmd = {.type = MEDIA_SET_LAYERS, .consumer = {11}};
            cmd.layers.spatial = layer;
            cmd.layers.temporal = LAYER_NONE;
            forwarder_command(f->fw, &cmd, f->now_us);
        }
        random = random * 1664525 + 1013904223;
        fake_run(f, random % 20 * MS);
        for (unsigned i = 0; i < 2; i++) {
            fake_clear(f);
            fake_rtp(f, pub,
                     (struct fake_packet){.pt = VP8_PT,
                                          .ssrc = 500 + i,
                                          .mid = "0",
                                          .rid = i ? "r1" : "r0",
                                          .seq = (uint16_t)frame,
                                          .timestamp = (uint32_t)(captured_us * 9 / 100) + i * 777777777u,
                                          .marker = true,
                                          .key = frame % 15 == 2 || frame == 0});
            for (unsigned k = 0; k < f->rtp_count; k++) {
                int64_t off = (int32_t)(f->rtp[k].head.timestamp - (uint32_t)(captured_us * 9 / 100));
                first = begun ? first : (uint32_t)off;
                begun = true;
                off = (int32_t)((uint32_t)off - first);
                least = off < least ? off : least;
                most = off > most ? off : most;
            }
            random = random * 1664525 + 1013904223;
            fake_run(f, random % 20 * MS);
        }
        for (unsigned k = 0; k < f->event_count; k++)
            switches += f->events[k].type == MEDIA_CONSUMER_LAYERS;
        f->event_count = 0;
        fake_run(f, captured_us + 60 * MS - f->now_us);
    }
    print_message("%u switches, between %lld and %lld ms off\n", switches, (long long)least / 90,
                  (long long)most / 90);
    assert_true(switches > 100);
    assert_true(least >= -40 * 90 && most <= 40 * 90);
    fake_destroy(f);
}

// The publisher's clock runs `ppm` too fast. A layer rests for hours and comes back: what was heard of its
// clock then says nothing of where it stands now.
static void a_layer_that_rested_is_heard_anew(void **state) {
    (void)state;
    static const int ppms[] = {100, -100};
    static const unsigned hours[] = {1, 9, 14};
    for (unsigned k = 0; k < 6; k++) {
        struct fake *f = fake_create();
        struct endpoint *pub = open_simulcast(f);
        struct media_cmd low = {.type = MEDIA_SET_LAYERS, .consumer = {11}}, high = low;
        uint64_t start_us = f->now_us, back_us = start_us + hours[k / 2] * 3600 * SECOND;
        int64_t first = 0, last = 0;
        unsigned count = 0;
        low.layers.temporal = high.layers.temporal = LAYER_NONE;
        high.layers.spatial = 1;
        forwarder_command(f->fw, &low, f->now_us);
        for (unsigned n = 0; f->now_us < back_us + 3 * SECOND; n++) {
            bool rests = f->now_us > start_us + 10 * SECOND && f->now_us < back_us;
            uint64_t us = f->now_us - start_us, fast_us = us + us / 1000000 * (uint64_t)ppms[k % 2];
            if (f->now_us >= back_us + SECOND)
                forwarder_command(f->fw, &high, f->now_us);
            for (unsigned i = 0; i < (rests ? 1 : 2); i++) {
                fake_clear(f);
                fake_rtp(f, pub,
                         (struct fake_packet){.pt = VP8_PT,
                                              .ssrc = 500 + i,
                                              .mid = "0",
                                              .rid = i ? "r1" : "r0",
                                              .seq = (uint16_t)n,
                                              .timestamp = (uint32_t)(fast_us * 9 / 100) + i * 777777777u,
                                              .marker = true,
                                              .key = n % 5 == 0});
                for (unsigned m = 0; m < f->rtp_count; m++, count++) {
                    last = (int32_t)(f->rtp[m].head.timestamp - (uint32_t)(fast_us * 9 / 100));
                    first = count ? first : last;
                }
            }
            fake_report(f, f->rtp_count ? forwarder_endpoint(f->fw, (struct transport_id){2}) : pub, 110);
            fake_clear(f);
            if (rests) { // one picture in ten seconds
                f->now_us += 10 * SECOND;
                wheel_advance(&f->wheel, f->now_us);
            } else {
                fake_run(f, 40 * MS);
            }
        }
        struct consumer *c = forwarder_consumer(f->fw, (struct consumer_id){11});
        assert_int_equal(c->current, 1);
        if (last - first > 90 * 40 || first - last > 90 * 40)
            fail_msg("%d ppm, %u hours: %lld ms off", ppms[k % 2], hours[k / 2],
                     (long long)(last - first) / 90);
        fake_destroy(f);
    }
}

static void report(struct fake *f, struct endpoint *pub, uint32_t ssrc, uint32_t timestamp) {
    uint8_t bytes[128];
    struct writer w = writer_of(bytes, sizeof bytes);
    struct rtcp_sender_info info = {.ntp = ntp_from_wall_us(f->now_us), .rtp_timestamp = timestamp};
    rtcp_write_sr(&w, ssrc, &info, NULL, 0);
    fake_rtcp(f, pub, &w);
}

#define FRAME_TICKS 2970

// The key frame with which another layer begins is repaired after two more frames of the old layer have gone
// out. It cannot be shown in time, but what follows it can: time does not go on later with each such change.
static void a_late_key_frame_delays_nothing_after_it(void **state) {
    (void)state;
    struct fake *f = fake_create();
    struct endpoint *pub = open_simulcast(f);
    uint32_t first = 0, last = 0;
    unsigned count = 0, wrong = 0;
    for (unsigned frame = 0; frame < 1500; frame++) {
        struct fake_packet packets[2];
        uint32_t captured = frame * FRAME_TICKS;
        for (unsigned i = 0; i < 2; i++) {
            packets[i] = (struct fake_packet){.pt = VP8_PT,
                                              .ssrc = 500 + i,
                                              .mid = "0",
                                              .rid = i ? "r1" : "r0",
                                              .seq = (uint16_t)frame,
                                              .timestamp = captured + i * 777777777u,
                                              .marker = true,
                                              .key = frame % 30 == 2 || frame == 0};
        }
        fake_clear(f);
        if (frame % 30 == 0) {
            struct media_cmd cmd = {.type = MEDIA_SET_LAYERS, .consumer = {11}};
            cmd.layers.spatial = (int8_t)(frame / 30 % 2);
            cmd.layers.temporal = LAYER_NONE;
            for (unsigned i = 0; i < 2; i++)
                report(f, pub, 500 + i, packets[i].timestamp);
            forwarder_command(f->fw, &cmd, f->now_us);
        }
        unsigned late = frame / 30 % 2;
        for (unsigned i = 0; i < 2; i++)
            if (!(packets[i].key && i == late && frame > 30))
                fake_rtp(f, pub, packets[i]);
        if (frame > 30 && frame % 30 == 4) { // that of two frames ago
            packets[late].key = true;
            packets[late].seq = (uint16_t)(packets[late].seq - 2);
            packets[late].timestamp -= 2 * FRAME_TICKS;
            fake_rtp(f, pub, packets[late]);
        }
        for (unsigned k = 0; k < f->rtp_count; k++) {
            uint32_t now = f->rtp[k].head.timestamp;
            first = count ? first : now - captured;
            assert_true(count == 0 || (int32_t)(now - last) > 0);
            last = now;
            count++;
        }
        wrong += f->rtp_count == 1 && last - captured != first;
        fake_run(f, 33 * MS);
    }
    assert_true(count > 1500);
    print_message("%u packets, %u with a wrong time, the last one by %d ms\n", count, wrong,
                  (int32_t)(last - 1499 * FRAME_TICKS - first) / 90);
    assert_int_equal(wrong, 0);
    fake_destroy(f);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(time_goes_on_after_a_step_of_the_publishers_clock),
                                       cmocka_unit_test(a_clock_is_believed_within_ten_seconds),
                                       cmocka_unit_test(layers_without_reports_stay_together),
                                       cmocka_unit_test(a_layer_that_rested_is_heard_anew),
                                       cmocka_unit_test(a_late_key_frame_delays_nothing_after_it)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
