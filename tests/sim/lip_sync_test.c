// Sound and picture of one publisher over three hours, on clocks that are 100 ppm apart: what its receiver
// makes of sender reports, and of capture times, stays in step.
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/seq.h"
#include "rooms/media/forwarder.h"
#include "rtp/rtcp_write.h"
#include "rtp/rtp_ext.h"
#include "rtp/rtp_packet.h"

#define HOURS 3
#define STEP_US 20000
#define AUDIO_US 60000
#define VIDEO_US 100000
#define DRIFT_MAX_US 40000
#define START_US UINT64_C(9000000000)

// One stream, of the publisher and as its receiver sees it.
struct stream {
    uint32_t ssrc, rate;
    int ppm; // by which its RTP clock is faster than the publisher's wall clock
    uint64_t report_us, delay_max_us;
    uint32_t base;
    uint16_t seq;
    uint64_t next_us, next_report_us;
    struct {
        uint64_t at_us, ntp;
        uint32_t timestamp;
    } on_its_way; // a report; at_us 0: none
    // At the receiver.
    uint64_t sr_ntp;
    uint32_t sr_timestamp;
    bool reported;
    int64_t error_us, error_most_us, capture_error_most_us;
    unsigned captures, packets;
    uint16_t got;
};

struct call {
    struct wheel wheel;
    struct pool *pool;
    struct forwarder *fw;
    struct endpoint *pub, *viewer;
    uint64_t now_us, random;
    struct stream sound, picture;
    int64_t apart_most_us;
    uint64_t captured_us; // of the packet that is on its way, on the server's clock
};

static uint32_t chance(struct call *c, uint32_t below) {
    c->random = c->random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(c->random >> 33) % below;
}

// The publisher's wall clock is 100 ppm faster than the server's, and years away.
static uint64_t wall_us(uint64_t at_us) {
    return UINT64_C(1500000000000000) + at_us + (at_us - START_US) / 10000;
}

static uint32_t timestamp_at(const struct stream *s, uint64_t at_us) {
    uint64_t us = wall_us(at_us) - wall_us(START_US);
    uint64_t fast = us + (uint64_t)((int64_t)us * s->ppm / 1000000);
    return s->base + (uint32_t)(fast * s->rate / US_PER_SECOND);
}

static int64_t ntp_to_us(int64_t ntp) {
    return (int64_t)((ntp >> 16) * 1000000) >> 16;
}

// ---- the receiver

static struct stream *stream_of(struct call *c, uint32_t ssrc) {
    return ssrc == 110 ? &c->sound : &c->picture;
}

static bool on_rtp(void *ctx, void *peer, struct block *b, enum media_kind kind, uint64_t index) {
    struct call *c = ctx;
    struct rtp_packet packet;
    (void)peer;
    (void)kind;
    (void)index;
    assert_int_equal(rtp_parse(span_of(block_data(b), b->len), &packet), ERR_OK);
    struct stream *s = stream_of(c, packet.ssrc);
    struct ext_map map;
    struct ext_ids ids = {.ids = {[EXT_ABS_CAPTURE_TIME] = EXT_ROUTER_ID(EXT_ABS_CAPTURE_TIME)}};
    struct rtp_ext_values values;
    ext_map_clear(&map);
    ext_map_add(&map, &ids);
    rtp_ext_read(&packet, &map, &values);
    uint64_t is = ntp_from_wall_us(wall_us(c->captured_us)), ntp;
    s->packets++;
    s->got = packet.seq;
    if (rtp_ext_capture_ntp(&values, &ntp)) {
        int64_t error_us = ntp_to_us((int64_t)(ntp - is));
        error_us = error_us < 0 ? -error_us : error_us;
        s->captures++;
        s->capture_error_most_us = error_us > s->capture_error_most_us ? error_us : s->capture_error_most_us;
    }
    if (s->reported) {
        int64_t ticks = seq32_diff(packet.timestamp, s->sr_timestamp);
        s->error_us = ticks * 1000000 / (int64_t)s->rate - ntp_to_us((int64_t)(is - s->sr_ntp));
        int64_t away_us = s->error_us < 0 ? -s->error_us : s->error_us;
        s->error_most_us = away_us > s->error_most_us ? away_us : s->error_most_us;
    }
    block_release(b);
    return true;
}

static void on_again(void *ctx, void *peer, struct block *b, enum media_kind kind) {
    (void)ctx;
    (void)peer;
    (void)kind;
    block_release(b);
}

static void on_rtcp(void *ctx, void *peer, struct span datagram) {
    struct call *c = ctx;
    (void)peer;
    struct rtcp_walk walk = rtcp_walk_of(datagram);
    for (struct rtcp_packet p; rtcp_walk_next(&walk, &p);) {
        if (p.kind != RTCP_SENDER_REPORT)
            continue;
        struct stream *s = stream_of(c, p.sender_ssrc);
        s->sr_ntp = p.ntp;
        s->sr_timestamp = p.rtp_timestamp;
        s->reported = true;
    }
}

static bool on_event(void *ctx, const struct media_event *event) {
    (void)ctx;
    (void)event;
    return true;
}

static void on_forget(void *ctx, void *peer, uint32_t ssrc, bool sent) {
    (void)ctx;
    (void)peer;
    (void)ssrc;
    (void)sent;
}

// ---- the publisher

static void send_packet(struct call *c, struct stream *s, bool video, bool key) {
    struct block *b = pool_take(c->pool);
    assert_non_null(b);
    struct writer w = writer_of(block_data(b), 200);
    write_u8(&w, 0x80);
    write_u8(&w, video ? 0x80 | 96 : 111);
    write_u16(&w, s->seq++);
    write_u32(&w, timestamp_at(s, c->now_us));
    write_u32(&w, s->ssrc);
    write_u8(&w, 0x10); // VP8: a frame begins
    write_u8(&w, key ? 0 : 1);
    write_zeros(&w, 30);
    b->len = (uint16_t)w.len;
    c->captured_us = c->now_us;
    forwarder_rtp(c->fw, c->pub, b, c->now_us);
    forwarder_flush(c->fw);
}

// Reports wait in queues on their way.
static void report(struct call *c, struct stream *s) {
    if (s->on_its_way.at_us && c->now_us >= s->on_its_way.at_us) {
        uint8_t out[64];
        struct writer w = writer_of(out, sizeof out);
        struct rtcp_sender_info info = {.ntp = s->on_its_way.ntp, .rtp_timestamp = s->on_its_way.timestamp};
        rtcp_write_sr(&w, s->ssrc, &info, NULL, 0);
        assert_true(forwarder_rtcp(c->fw, c->pub, span_of(w.ptr, w.len), c->now_us));
        s->on_its_way.at_us = 0;
    }
    if (c->now_us < s->next_report_us)
        return;
    s->next_report_us += s->report_us;
    s->on_its_way.at_us = c->now_us + chance(c, (uint32_t)s->delay_max_us);
    s->on_its_way.ntp = ntp_from_wall_us(wall_us(c->now_us));
    s->on_its_way.timestamp = timestamp_at(s, c->now_us);
}

static void open_track(struct call *c, bool video) {
    struct stream *s = video ? &c->picture : &c->sound;
    struct media_cmd cmd = {.type = MEDIA_OPEN_PRODUCER, .transport = {1}, .producer = {1u + video}};
    cmd.open_producer.params = (struct producer_params){.kind = video ? MEDIA_VIDEO : MEDIA_AUDIO,
                                                        .codec = video ? CODEC_VP8 : CODEC_OPUS,
                                                        .payload_type = video ? 96 : 111,
                                                        .rtx_payload_type = PAYLOAD_TYPE_NONE,
                                                        .clock_rate = s->rate,
                                                        .stream_count = 1,
                                                        .spatial_layers = 1,
                                                        .temporal_layers = 1};
    cmd.open_producer.params.streams[0].ssrc = s->ssrc;
    forwarder_command(c->fw, &cmd, c->now_us);
    cmd = (struct media_cmd){
        .type = MEDIA_OPEN_CONSUMER, .transport = {2}, .producer = {1u + video}, .consumer = {1u + video}};
    cmd.open_consumer.params = (struct consumer_params){.kind = video ? MEDIA_VIDEO : MEDIA_AUDIO,
                                                        .payload_type = 100,
                                                        .rtx_payload_type = PAYLOAD_TYPE_NONE,
                                                        .clock_rate = s->rate,
                                                        .ssrc = video ? 120 : 110,
                                                        .mid = "0",
                                                        .cname = "one"};
    forwarder_command(c->fw, &cmd, c->now_us);
}

static struct call *call_open(void) {
    struct call *c = calloc(1, sizeof *c);
    assert_non_null(c);
    c->now_us = START_US;
    c->random = 5;
    // The sound card's crystal is not the clock's; pictures are stamped by the clock. Both wrap soon.
    c->sound = (struct stream){.ssrc = 1000,
                               .rate = 48000,
                               .ppm = 100,
                               .base = UINT32_MAX - 48000 * 600,
                               .report_us = 5000000,
                               .delay_max_us = 200000,
                               .next_report_us = START_US + 300000};
    c->picture = (struct stream){.ssrc = 2000,
                                 .rate = 90000,
                                 .base = UINT32_MAX - 90000 * 6000,
                                 .report_us = 1000000,
                                 .delay_max_us = 200000,
                                 .next_report_us = START_US + 100000};
    c->sound.next_us = c->picture.next_us = START_US;
    struct forwarder_config config = {.random_seed = 3};
    struct forwarder_output out = {.ctx = c,
                                   .send_rtp = on_rtp,
                                   .send_again = on_again,
                                   .send_rtcp = on_rtcp,
                                   .event = on_event,
                                   .forget_ssrc = on_forget};
    wheel_init(&c->wheel, c->now_us);
    c->pool = pool_create(4096);
    c->fw = forwarder_create(&config, &out, c->pool, &c->wheel);
    assert_non_null(c->fw);
    c->pub = forwarder_open_endpoint(c->fw, (struct transport_id){1}, c);
    c->viewer = forwarder_open_endpoint(c->fw, (struct transport_id){2}, c);
    forwarder_endpoint_connected(c->fw, c->pub, c->now_us);
    forwarder_endpoint_connected(c->fw, c->viewer, c->now_us);
    open_track(c, false);
    open_track(c, true);
    return c;
}

// Who acknowledges nothing is sent nothing in the end.
static void acknowledge(struct call *c) {
    uint8_t out[128];
    struct writer w = writer_of(out, sizeof out);
    struct rtcp_report reports[2] = {{.ssrc = 110, .highest_seq = c->sound.got},
                                     {.ssrc = 120, .highest_seq = c->picture.got}};
    rtcp_write_rr(&w, 9, reports, 2);
    assert_true(forwarder_rtcp(c->fw, c->viewer, span_of(w.ptr, w.len), c->now_us));
}

static void lips_stay_in_step_for_three_hours(void **state) {
    (void)state;
    struct call *c = call_open();
    uint64_t end_us = START_US + HOURS * UINT64_C(3600) * US_PER_SECOND;
    for (; c->now_us < end_us; c->now_us += STEP_US) {
        wheel_advance(&c->wheel, c->now_us);
        if (c->now_us >= c->sound.next_us) {
            send_packet(c, &c->sound, false, false);
            c->sound.next_us += AUDIO_US;
        }
        if (c->now_us >= c->picture.next_us) {
            send_packet(c, &c->picture, true, c->picture.packets == 0);
            c->picture.next_us += VIDEO_US;
        }
        report(c, &c->sound);
        report(c, &c->picture);
        if (c->now_us % (10 * US_PER_SECOND) == 0)
            acknowledge(c);
        if (!c->sound.reported || !c->picture.reported)
            continue;
        int64_t apart_us = c->sound.error_us - c->picture.error_us;
        apart_us = apart_us < 0 ? -apart_us : apart_us;
        c->apart_most_us = apart_us > c->apart_most_us ? apart_us : c->apart_most_us;
    }
    print_message(
        "%u packets of sound, %u pictures: at most %lld us apart; capture times told %u and %u times, "
        "at most %lld and %lld us wrong\n",
        c->sound.packets, c->picture.packets, (long long)c->apart_most_us, c->sound.captures,
        c->picture.captures, (long long)c->sound.capture_error_most_us,
        (long long)c->picture.capture_error_most_us);
    assert_true(c->sound.packets > 179000 && c->picture.packets > 107000);
    assert_true(c->apart_most_us < DRIFT_MAX_US);
    // Whoever has no reports knows as much from the packets.
    assert_in_range(c->sound.captures, 9000, 10900);
    assert_in_range(c->picture.captures, 9000, 10900);
    assert_true(c->sound.capture_error_most_us < 2000 && c->picture.capture_error_most_us < 2000);
    forwarder_destroy(c->fw);
    assert_int_equal(pool_taken(c->pool), 0);
    pool_destroy(c->pool);
    free(c);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lips_stay_in_step_for_three_hours),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
