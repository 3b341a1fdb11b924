// An hour of one person's camera and voice on a virtual clock: 2 % of packets lost, jitter, clocks that drift
// apart. What is heard and what is seen at a moment stay together within 40 ms; and what the other cases of a
// track give.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "record/track.h"

#include <stdlib.h>
#include <string.h>

#define HOUR_S 3600
#define LOSS_PERCENT 2
#define JITTER_US 40000
#define NTP_EPOCH_S UINT64_C(3900000000)

struct seen {
    struct track *track;
    unsigned rate;
    double drift;        // of its sampling clock, beside the publisher's time: 1e-4 is 100 ppm
    int64_t behind_us;   // of capture in the file, as last seen; both tracks' are compared
    int64_t captured_us; // of the last frame
    int64_t last_us;
    uint64_t frames, asked, nacked;
    unsigned degrees;
    struct hour *hour; // that answers, or NULL
    uint64_t now_us;
};

// The payload's last bytes are the time of capture.
static void on_frame(void *ctx, const struct record_frame *frame, int64_t time_us, unsigned degrees) {
    struct seen *s = ctx;
    assert_true(frame->bytes.len >= 8);
    assert_true(s->frames == 0 || time_us > s->last_us);
    s->captured_us = (int64_t)load_be64(frame->bytes.ptr + frame->bytes.len - 8);
    s->behind_us = time_us - s->captured_us;
    s->last_us = time_us;
    s->degrees = degrees;
    s->frames++;
}

static void on_key_wanted(void *ctx) {
    ((struct seen *)ctx)->asked++;
}

static void on_missing(void *ctx, const uint16_t *seqs, unsigned count);

static struct track *open_track(struct seen *s, enum media_codec codec, unsigned rate,
                                struct source_clock *clock, uint8_t orientation_id) {
    struct track_config config = {.codec = codec,
                                  .payload_type = 96,
                                  .clock_rate = rate,
                                  .orientation_id = orientation_id,
                                  .clock = clock};
    struct track_output output = {
        .ctx = s, .frame = on_frame, .key_wanted = on_key_wanted, .missing = on_missing};
    s->rate = rate;
    s->track = track_create(&config, &output);
    assert_non_null(s->track);
    return s->track;
}

static uint32_t timestamp_at(const struct seen *s, int64_t captured_us) {
    return (uint32_t)(uint64_t)(int64_t)((double)captured_us * (1 + s->drift) * s->rate / 1e6) + 4294000000u;
}

// A packet of a frame that is captured then; `head` begins its payload.
static size_t packet_at(const struct seen *s, unsigned seq, int64_t captured_us, const void *head,
                        size_t head_len, uint8_t out[64]) {
    memset(out, 0, 64);
    out[0] = 0x80;
    out[1] = 96 | 0x80;
    store_be16(out + 2, (uint16_t)seq);
    store_be32(out + 4, timestamp_at(s, captured_us));
    store_be32(out + 8, 7);
    memcpy(out + 12, head, head_len);
    store_be64(out + 12 + head_len, (uint64_t)captured_us);
    return 12 + head_len + 8;
}

static const uint8_t opus_head[] = {0x7c};
static const uint8_t key_head[] = {0x10, 0x10, 0, 0, 0x9d, 1, 0x2a, 0x40, 1, 0xf0, 0};
static const uint8_t delta_head[] = {0x10, 0x11};

static void report(struct seen *s, int64_t captured_us, uint64_t now_us) {
    uint64_t ntp = (NTP_EPOCH_S + (uint64_t)captured_us / 1000000) << 32 |
                   ((uint64_t)captured_us % 1000000 << 32) / 1000000;
    track_report(s->track, ntp, timestamp_at(s, captured_us), now_us);
}

// Pseudo-random, the same each time.
static uint32_t random_below(uint32_t *seed, uint32_t below) {
    *seed = *seed * 1664525 + 1013904223;
    return (uint32_t)((uint64_t)(*seed >> 8) * below >> 24);
}

#define FLIGHTS 256 // under way at most
#define HISTORY 256 // of packets that are sent again
#define WAY_US 20000

struct flight {
    uint64_t due_us;
    struct seen *to;
    bool is_report;
    int64_t captured_us;
    size_t len;
    uint8_t bytes[64];
};

struct hour {
    struct seen voice, camera;
    struct source_clock clock;
    uint32_t seed;
    unsigned voice_seq, camera_seq;
    int64_t worst_us;
    bool key_next, repaired;
    unsigned count;
    struct flight flights[FLIGHTS];
    struct flight voices[HISTORY], pictures[HISTORY];
};

// The publisher's clock runs 50 ppm faster than ours.
static uint64_t arrival_us(struct hour *h, int64_t captured_us) {
    return UINT64_C(1000000000) + (uint64_t)((double)captured_us * (1 - 5e-5)) + WAY_US +
           random_below(&h->seed, JITTER_US);
}

static void launch(struct hour *h, const struct flight *flight) {
    if (!flight->is_report && random_below(&h->seed, 100) < LOSS_PERCENT)
        return;
    assert_true(h->count < FLIGHTS);
    h->flights[h->count++] = *flight;
}

static void land(struct hour *h, const struct flight *flight) {
    h->voice.now_us = h->camera.now_us = flight->due_us;
    if (flight->is_report)
        report(flight->to, flight->captured_us, flight->due_us);
    else
        track_rtp(flight->to->track, span_of(flight->bytes, flight->len), flight->due_us);
}

// Whatever is due by then, earliest first.
static void fly_until(struct hour *h, uint64_t until_us) {
    for (;;) {
        unsigned first = 0;
        for (unsigned i = 1; i < h->count; i++)
            if (h->flights[i].due_us < h->flights[first].due_us)
                first = i;
        if (h->count == 0 || h->flights[first].due_us > until_us)
            return;
        struct flight flight = h->flights[first];
        h->flights[first] = h->flights[--h->count];
        land(h, &flight);
    }
}

// What is asked for comes again after both ways, unless that is lost, or the question.
static void on_missing(void *ctx, const uint16_t *seqs, unsigned count) {
    struct seen *s = ctx;
    struct hour *h = s->hour;
    s->nacked += count;
    if (!h || !h->repaired || random_below(&h->seed, 100) < LOSS_PERCENT)
        return;
    for (unsigned i = 0; i < count; i++) {
        struct flight again = (s == &h->voice ? h->voices : h->pictures)[seqs[i] % HISTORY];
        again.due_us = s->now_us + 2 * WAY_US + random_below(&h->seed, JITTER_US);
        launch(h, &again);
    }
}

static void voice_packet(struct hour *h, int64_t captured_us) {
    struct flight *f = &h->voices[h->voice_seq % HISTORY];
    *f = (struct flight){.to = &h->voice, .due_us = arrival_us(h, captured_us)};
    f->len = packet_at(&h->voice, h->voice_seq++, captured_us, opus_head, sizeof opus_head, f->bytes);
    launch(h, f);
}

static void camera_packet(struct hour *h, int64_t captured_us, unsigned frame) {
    struct flight *f = &h->pictures[h->camera_seq % HISTORY];
    bool key = h->key_next || frame % 300 == 0;
    *f = (struct flight){.to = &h->camera, .due_us = arrival_us(h, captured_us)};
    f->len =
        key ? packet_at(&h->camera, h->camera_seq++, captured_us, key_head, sizeof key_head, f->bytes)
            : packet_at(&h->camera, h->camera_seq++, captured_us, delta_head, sizeof delta_head, f->bytes);
    h->key_next = false;
    launch(h, f);
}

static void send_report(struct hour *h, struct seen *s, int64_t captured_us) {
    launch(h,
           &(struct flight){
               .to = s, .is_report = true, .captured_us = captured_us, .due_us = arrival_us(h, captured_us)});
}

static void run_hour(struct hour *h, bool repaired, struct track_counters *voice,
                     struct track_counters *camera) {
    *h = (struct hour){.seed = 1, .repaired = repaired, .voice = {.drift = 1e-4}, .camera = {.drift = -1e-4}};
    open_track(&h->voice, CODEC_OPUS, 48000, &h->clock, 0);
    open_track(&h->camera, CODEC_VP8, 90000, &h->clock, 0);
    h->voice.hour = h->camera.hour = h;
    for (unsigned tick = 0; tick < HOUR_S * 50; tick++) {
        int64_t at_us = (int64_t)tick * 20000;
        uint64_t asked = h->camera.asked;
        fly_until(h, UINT64_C(1000000000) + (uint64_t)((double)at_us * (1 - 5e-5)));
        h->key_next |= h->camera.asked > asked; // it comes at once, as a browser's does
        voice_packet(h, at_us);
        if (tick % 3 == 0)
            camera_packet(h, at_us, tick / 3);
        if (tick % 250 == 10)
            send_report(h, &h->voice, at_us);
        if (tick % 250 == 130 || tick == 30)
            send_report(h, &h->camera, at_us);
        if (h->voice.frames > 100 && h->camera.frames > 20) {
            int64_t apart_us = llabs(h->voice.behind_us - h->camera.behind_us);
            h->worst_us = apart_us > h->worst_us ? apart_us : h->worst_us;
        }
    }
    uint64_t end_us = arrival_us(h, INT64_C(1000000) * HOUR_S);
    fly_until(h, end_us);
    track_advance(h->voice.track, end_us, true);
    track_advance(h->camera.track, end_us, true);
    track_read_counters(h->voice.track, voice);
    track_read_counters(h->camera.track, camera);
    print_message(
        "sound and picture at most %lld us apart; sound %llu frames, %llu lost; pictures %llu frames, "
        "%llu lost, %llu repaired, %llu dropped; key frames asked for %llu times\n",
        (long long)h->worst_us, (unsigned long long)voice->frames, (unsigned long long)voice->lost,
        (unsigned long long)camera->frames, (unsigned long long)camera->lost,
        (unsigned long long)camera->repaired, (unsigned long long)camera->dropped,
        (unsigned long long)h->camera.asked);
    assert_true(h->worst_us < 40000);
    // It is as long as it was: the last moment is where it belongs, within what jitter hides.
    int64_t length_us = h->voice.last_us - INT64_C(1000000000);
    assert_true(llabs(length_us - (int64_t)(HOUR_S * 1e6 * (1 - 5e-5))) < 100000);
    track_destroy(h->voice.track);
    track_destroy(h->camera.track);
}

static struct hour hour;

// Nobody answers what is asked for again: what is lost stays lost.
static void an_hour_without_repair(void **state) {
    (void)state;
    struct track_counters voice, camera;
    run_hour(&hour, false, &voice, &camera);
    assert_in_range(voice.frames, HOUR_S * 50 * 97 / 100, HOUR_S * 50 * 99 / 100);
    assert_true(camera.frames > (uint64_t)HOUR_S * 50 / 3 * 3 / 4);
}

static void an_hour_with_repair(void **state) {
    (void)state;
    struct track_counters voice, camera;
    run_hour(&hour, true, &voice, &camera);
    assert_int_equal(camera.lost + voice.lost, 0);
    assert_int_equal(camera.dropped, 0);
    assert_in_range(camera.repaired, 1000, 10000);
    assert_in_range(camera.frames, HOUR_S * 50 / 3 - 2, HOUR_S * 50 / 3);
}

// Some programs send no reports.
static void without_reports(void **state) {
    (void)state;
    struct source_clock clock = {0};
    struct seen s = {0};
    uint8_t bytes[64];
    open_track(&s, CODEC_OPUS, 48000, &clock, 0);
    for (unsigned i = 0; i < 400; i++) {
        size_t len = packet_at(&s, i, (int64_t)i * 20000, opus_head, sizeof opus_head, bytes);
        track_rtp(s.track, span_of(bytes, len), 5000000 + (uint64_t)i * 20000);
        if (i * 20000 < TRACK_UNREPORTED_US)
            assert_int_equal(s.frames, 0); // a report may come yet
    }
    assert_int_equal(s.frames, 400);
    assert_true(llabs(s.behind_us - 5000000) < 1000);
    track_destroy(s.track);
}

// A pause is one in the file, and a jump of time stamps is no jump back.
static void pauses_and_jumps(void **state) {
    (void)state;
    struct source_clock clock = {0};
    struct seen s = {0};
    uint8_t bytes[64];
    open_track(&s, CODEC_OPUS, 48000, &clock, 0);
    size_t len = packet_at(&s, 0, 0, opus_head, 1, bytes);
    track_rtp(s.track, span_of(bytes, len), 1000000);
    report(&s, 0, 1000000);
    assert_int_equal(s.frames, 1);
    int64_t before_us = s.last_us;
    len = packet_at(&s, 1, 60000000, opus_head, 1, bytes);
    track_rtp(s.track, span_of(bytes, len), 61000000);
    assert_true(llabs(s.last_us - before_us - 60000000) < 1000);
    before_us = s.last_us;
    len = packet_at(&s, 2, 59000000, opus_head, 1, bytes);
    track_rtp(s.track, span_of(bytes, len), 61020000);
    assert_int_equal(s.last_us, before_us + 1000);
    track_rtp(s.track, span_of(bytes, 5), 61020000); // and what is no packet
    struct track_counters counters;
    track_read_counters(s.track, &counters);
    assert_int_equal(counters.malformed, 1);
    track_destroy(s.track);
}

// A machine that stalls captures nothing for 18 s, and its time stamps go on as if nothing had been: what its
// reports say is when it was.
static void a_capture_that_stalls(void **state) {
    (void)state;
    struct source_clock clock = {0};
    struct seen s = {0};
    uint8_t bytes[64];
    open_track(&s, CODEC_OPUS, 48000, &clock, 0);
    for (unsigned i = 0; i < 100; i++) {
        int64_t stamped_us = (int64_t)i * 20000, stalled_us = i < 50 ? 0 : 18000000;
        uint64_t now_us = 1000000 + (uint64_t)(stamped_us + stalled_us);
        size_t len = packet_at(&s, i, stamped_us, opus_head, 1, bytes);
        track_rtp(s.track, span_of(bytes, len), now_us);
        if (i == 1 || i == 60) {
            uint64_t seconds = NTP_EPOCH_S + (uint64_t)stalled_us / 1000000;
            track_report(s.track, seconds << 32 | (uint64_t)i * 20000 * 4295, timestamp_at(&s, stamped_us),
                         now_us);
        }
    }
    assert_int_equal(s.frames, 100);
    assert_true(llabs(s.last_us - (1000000 + 99 * 20000 + 18000000)) < 5000);
    track_destroy(s.track);
}

// Reports that are up to 0.4 s late make neither jumps nor heaps, however the first one was.
static void reports_that_are_late(void **state) {
    (void)state;
    struct source_clock clock = {0};
    struct seen s = {0};
    uint8_t bytes[64];
    uint32_t seed = 3;
    int64_t worst_us = 0;
    open_track(&s, CODEC_OPUS, 48000, &clock, 0);
    for (unsigned i = 0; i < 6000; i++) {
        int64_t at_us = (int64_t)i * 20000, before_us = s.last_us;
        size_t len = packet_at(&s, i, at_us, opus_head, 1, bytes);
        if (i % 100 == 0) {
            uint64_t late_us = i == 0 ? 400000 : random_below(&seed, 4) * 100000;
            uint64_t wall_us = (uint64_t)at_us + late_us;
            track_report(s.track, (NTP_EPOCH_S + wall_us / 1000000) << 32 | (wall_us % 1000000 * 4295),
                         timestamp_at(&s, at_us), (uint64_t)at_us + 1000000);
        }
        track_rtp(s.track, span_of(bytes, len), (uint64_t)at_us + 1000000);
        int64_t apart_us = llabs(s.last_us - before_us - 20000);
        worst_us = i > 1 && apart_us > worst_us ? apart_us : worst_us;
    }
    assert_int_equal(s.frames, 6000);
    assert_true(worst_us <= 21000);
    track_destroy(s.track);
    // Once it has settled the time is that of the reports that are least late.
    struct report_clock reports = {0};
    for (int64_t at_us = 0; at_us < 60000000; at_us += 2000000)
        report_clock_note(&reports, at_us, at_us + 7000000 + (at_us / 2000000 % 3) * 100000);
    assert_int_equal(reports.offset_us, 7000000);
    // A capture that stalls for half a second is known after a window.
    for (int64_t at_us = 60000000; at_us < 90000000; at_us += 2000000)
        report_clock_note(&reports, at_us, at_us + 7500000 + (at_us / 2000000 % 3) * 100000);
    assert_int_equal(reports.offset_us, 7500000);
    report_clock_note(&reports, 90000000, 98500001); // and for a second at once
    assert_int_equal(reports.offset_us, 8500001);
}

static void a_picture_turns(void **state) {
    (void)state;
    struct source_clock clock = {0};
    struct seen s = {0};
    uint8_t bytes[64], turned[64];
    open_track(&s, CODEC_VP8, 90000, &clock, 8);
    static const uint8_t ext[] = {0xbe, 0xde, 0, 1, 0x80, 0x01, 0, 0}; // id 8, one byte: 90 degrees
    size_t len = packet_at(&s, 0, 0, key_head, sizeof key_head, bytes);
    memcpy(turned, bytes, 12);
    turned[0] |= 0x10;
    memcpy(turned + 12, ext, sizeof ext);
    memcpy(turned + 12 + sizeof ext, bytes + 12, len - 12);
    track_rtp(s.track, span_of(turned, len + sizeof ext), 1);
    report(&s, 0, 2);
    assert_int_equal(s.degrees, 90);
    len = packet_at(&s, 1, 20000, delta_head, sizeof delta_head, bytes);
    track_rtp(s.track, span_of(bytes, len), 3);
    assert_int_equal(s.frames, 2);
    assert_int_equal(s.degrees, 90); // senders may say it with key frames alone
    assert_int_equal(s.asked, 0);
    len = packet_at(&s, 5, 40000, delta_head, sizeof delta_head, bytes); // three are missing
    track_rtp(s.track, span_of(bytes, len), 4);
    track_advance(s.track, 300000, false);
    assert_int_equal(s.asked, 0);
    assert_int_equal(s.nacked, 3);
    track_advance(s.track, 1000000, false); // they may come yet, and a key frame sooner
    assert_int_equal(s.frames, 2);
    assert_int_equal(s.asked, 1);
    track_advance(s.track, 1600000, false);
    assert_int_equal(s.frames, 2);
    assert_int_equal(s.asked, 1); // once a second
    track_advance(s.track, 2500000, false);
    assert_int_equal(s.asked, 2);
    track_destroy(s.track);
    track_destroy(NULL);
}

// Each is as far ahead as a timestamp can be: thousands of them come to no end of the numbers.
static void timestamps_that_jump_on_and_on(void **state) {
    (void)state;
    struct seen s = {0};
    struct source_clock clock = {0};
    uint8_t bytes[64];
    uint64_t now_us = 1000000;
    open_track(&s, CODEC_OPUS, 48000, &clock, 0);
    for (unsigned i = 0; i < 6000; i++, now_us += 20000) {
        size_t len = packet_at(&s, i, (int64_t)now_us, opus_head, sizeof opus_head, bytes);
        store_be32(bytes + 4, i * 0x7fffffffu);
        track_rtp(s.track, span_of(bytes, len), now_us);
    }
    track_advance(s.track, now_us, true);
    assert_int_equal(s.frames, 6000);
    assert_in_range(s.behind_us + 1000000, 0, 2000000);
    track_destroy(s.track);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_hour_without_repair), cmocka_unit_test(an_hour_with_repair),
        cmocka_unit_test(without_reports),        cmocka_unit_test(pauses_and_jumps),
        cmocka_unit_test(a_capture_that_stalls),  cmocka_unit_test(timestamps_that_jump_on_and_on),
        cmocka_unit_test(reports_that_are_late),  cmocka_unit_test(a_picture_turns),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
