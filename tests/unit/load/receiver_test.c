// What a receiver finds wrong with what it gets, how it counts loss and repair, and what it asks for.
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/clock.h"
#include "load/payload.h"
#include "load/receiver.h"
#include "load/rtp_write.h"

#include <stdlib.h>
#include <string.h>

#define START_US (100 * US_PER_SECOND)
#define VIDEO_SSRC 1000
#define RTX_SSRC 1001
#define AUDIO_SSRC 2000
#define VIDEO_PT 101
#define RTX_PT 102
#define AUDIO_PT 100

struct world {
    struct load_options options;
    struct load load;
    struct receiver *receiver;
    uint64_t now_us;
};

static const struct ext_ids ids = {.ids = {[EXT_MID] = 1, [EXT_TRANSPORT_CC] = 5}};

static struct world *world_create(void) {
    struct world *w = calloc(1, sizeof *w);
    struct consumed video = {.id = "v",
                             .producer_id = "pv",
                             .kind = MEDIA_VIDEO,
                             .codec = CODEC_VP8,
                             .payload_type = VIDEO_PT,
                             .rtx_payload_type = RTX_PT,
                             .ssrc = VIDEO_SSRC,
                             .rtx_ssrc = RTX_SSRC,
                             .clock_rate = 90000,
                             .mid = "0",
                             .ext = ids,
                             .nack = true,
                             .pli = true,
                             .transport_cc = true};
    struct consumed audio = {.id = "a",
                             .producer_id = "pa",
                             .kind = MEDIA_AUDIO,
                             .codec = CODEC_OPUS,
                             .payload_type = AUDIO_PT,
                             .rtx_payload_type = PAYLOAD_TYPE_NONE,
                             .ssrc = AUDIO_SSRC,
                             .clock_rate = 48000,
                             .mid = "1",
                             .ext = ids};
    options_default(&w->options);
    w->load.options = &w->options;
    w->load.random = 1;
    w->now_us = START_US;
    wheel_init(&w->load.wheel, START_US);
    w->receiver = receiver_create(&w->load, START_US);
    assert_non_null(w->receiver);
    assert_int_equal(receiver_add(w->receiver, &video, START_US), ERR_OK);
    assert_int_equal(receiver_add(w->receiver, &audio, START_US), ERR_OK);
    assert_int_equal(receiver_add(w->receiver, &video, START_US), ERR_EXISTS);
    return w;
}

static void world_free(struct world *w) {
    receiver_destroy(w->receiver, w->now_us);
    assert_int_equal(w->load.wheel.armed, 0);
    free(w);
}

struct packet {
    uint32_t ssrc;
    uint8_t payload_type;
    uint16_t seq;
    uint32_t timestamp;
    const char *mid;
    bool key, no_marker, rtx, spoil, empty;
    uint16_t original; // of RTX
};

// One packet that is a whole frame.
static void give(struct world *w, const struct packet *p) {
    bool audio = p->ssrc == AUDIO_SSRC;
    uint8_t bytes[1400];
    struct writer out = writer_of(bytes, sizeof bytes);
    struct rtp_head head = {.marker = !audio && !p->no_marker && !p->empty,
                            .payload_type = p->payload_type,
                            .seq = p->seq,
                            .timestamp = p->timestamp,
                            .ssrc = p->ssrc,
                            .ids = &ids,
                            .mid = p->mid,
                            .audio_level = -1};
    struct payload_note note = {
        .codec = audio ? CODEC_OPUS : CODEC_VP8,
        .mark = {.source = 9, .send_us = w->now_us - 5000, .frame = p->timestamp, .count = 1},
        .bytes = 100,
        .key = p->key,
        .temporal_layers = 1};
    rtp_head_write(&out, &head);
    if (p->rtx)
        write_u16(&out, p->original);
    uint8_t *payload = p->empty ? NULL : write_raw(&out, note.bytes);
    if (payload)
        payload_write(&note, payload);
    if (p->spoil)
        payload[note.bytes - MARK_BYTES] ^= 1;
    receiver_rtp(w->receiver, span_of(bytes, out.len), w->now_us);
}

static void video(struct world *w, uint16_t seq, bool key) {
    give(w, &(struct packet){.ssrc = VIDEO_SSRC,
                             .payload_type = VIDEO_PT,
                             .seq = seq,
                             .timestamp = seq * 3000u,
                             .mid = "0",
                             .key = key});
    w->now_us += 33333;
}

static uint64_t faults(const struct world *w) {
    uint64_t sum = 0;
    for (enum fault fault = 0; fault < FAULTS; fault++)
        sum += w->load.tally.faults[fault];
    return sum;
}

static void test_sound_media_has_no_faults(void **state) {
    (void)state;
    struct world *w = world_create();
    w->receiver->first_rtp_counts = w->receiver->first_key_counts = true;
    for (uint16_t i = 0; i < 50; i++) {
        video(w, (uint16_t)(65500 + i), i == 0);
        give(w,
             &(struct packet){
                 .ssrc = AUDIO_SSRC, .payload_type = AUDIO_PT, .seq = i, .timestamp = i * 960u, .mid = "1"});
    }
    struct tally sum = w->load.tally;
    receiver_sum(w->receiver, w->now_us, &sum);
    assert_int_equal(faults(w), 0);
    assert_int_equal(sum.expected, 100);
    assert_int_equal(sum.received, 100);
    assert_int_equal(sum.unrepaired, 0);
    assert_int_equal(sum.frames, 50);
    assert_int_equal(sum.key_frames_got, 1);
    assert_int_equal(w->load.tally.join[JOIN_FIRST_RTP].count, 1);
    assert_int_equal(w->load.tally.join[JOIN_FIRST_KEY_FRAME].count, 1);
    world_free(w);
}

static void test_what_is_wrong_is_counted_as_what_it_is(void **state) {
    (void)state;
    static const struct {
        struct packet packet;
        enum fault fault;
    } rows[] = {
        {{.ssrc = 5, .payload_type = VIDEO_PT, .mid = "0"}, FAULT_SSRC},
        {{.ssrc = VIDEO_SSRC, .payload_type = AUDIO_PT, .mid = "0"}, FAULT_PAYLOAD_TYPE},
        {{.ssrc = RTX_SSRC, .payload_type = VIDEO_PT, .mid = "0", .rtx = true}, FAULT_PAYLOAD_TYPE},
        {{.ssrc = VIDEO_SSRC, .payload_type = VIDEO_PT, .mid = "1"}, FAULT_MID},
        {{.ssrc = VIDEO_SSRC, .payload_type = VIDEO_PT, .mid = "0", .spoil = true}, FAULT_MARK},
        {{.ssrc = VIDEO_SSRC, .payload_type = VIDEO_PT, .mid = "0", .no_marker = true}, FAULT_MARK},
        {{.ssrc = VIDEO_SSRC, .payload_type = VIDEO_PT, .mid = "0", .seq = 40000}, FAULT_SEQUENCE},
        {{.ssrc = RTX_SSRC, .payload_type = RTX_PT, .mid = "0", .rtx = true, .original = 40000}, FAULT_RTX},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct world *w = world_create();
        video(w, 100, true);
        struct packet packet = rows[i].packet;
        packet.seq = packet.seq ? packet.seq : 101;
        packet.timestamp = packet.seq * 3000u;
        give(w, &packet);
        print_message("row %zu: expected one fault, %s\n", i, fault_name(rows[i].fault));
        assert_int_equal(faults(w), 1);
        assert_int_equal(w->load.tally.faults[rows[i].fault], 1);
        world_free(w);
    }
}

// RFC 4588, section 4: an RTX payload begins with two bytes of original number. One byte is a fault and says
// nothing of media; none at all is probing.
static void test_an_rtx_packet_without_a_whole_number(void **state) {
    (void)state;
    for (size_t len = 0; len <= 2; len++) {
        struct world *w = world_create();
        uint8_t bytes[64];
        struct writer out = writer_of(bytes, sizeof bytes);
        video(w, 100, true);
        rtp_head_write(&out, &(struct rtp_head){.payload_type = RTX_PT,
                                                .seq = 7,
                                                .ssrc = RTX_SSRC,
                                                .ids = &ids,
                                                .mid = "0",
                                                .audio_level = -1});
        if (len > 0)
            write_u8(&out, 0); // with another byte: number 99, which is in order, and nothing of it
        if (len > 1)
            write_u8(&out, 99);
        print_message("%zu bytes\n", len);
        receiver_rtp(w->receiver, span_of(bytes, out.len), w->now_us);
        assert_int_equal(w->load.tally.faults[FAULT_RTX], len == 1);
        assert_int_equal(faults(w), len == 1);
        assert_int_equal(w->load.tally.video_in, 1);
        world_free(w);
    }
}

static void test_loss_and_repair(void **state) {
    (void)state;
    struct world *w = world_create();
    video(w, 100, true);
    video(w, 102, false); // 101 and 103 are missing
    video(w, 104, false);
    wheel_advance(&w->load.wheel, w->now_us);
    assert_true(w->load.tally.nacked_out >= 2);
    give(w, &(struct packet){.ssrc = RTX_SSRC,
                             .payload_type = RTX_PT,
                             .seq = 1,
                             .timestamp = 101 * 3000,
                             .mid = "0",
                             .rtx = true,
                             .original = 101});
    struct tally sum = {0};
    receiver_sum(w->receiver, w->now_us, &sum);
    assert_int_equal(sum.expected, 5);
    assert_int_equal(sum.received, 3);
    assert_int_equal(sum.repaired, 1);
    assert_int_equal(sum.unrepaired, 0); // 103 is still being asked for
    assert_int_equal(sum.frames, 3);
    // The same again, and the original after all: neither counts twice.
    give(w, &(struct packet){.ssrc = RTX_SSRC,
                             .payload_type = RTX_PT,
                             .seq = 2,
                             .timestamp = 101 * 3000,
                             .mid = "0",
                             .rtx = true,
                             .original = 101});
    give(w,
         &(struct packet){
             .ssrc = VIDEO_SSRC, .payload_type = VIDEO_PT, .seq = 101, .timestamp = 101 * 3000, .mid = "0"});
    assert_int_equal(w->load.tally.duplicates, 2);
    // Given up in the end: lost, and a key frame is asked for.
    for (unsigned i = 0; i < 400; i++) {
        w->now_us += 5000;
        wheel_advance(&w->load.wheel, w->now_us);
    }
    sum = (struct tally){0};
    receiver_sum(w->receiver, w->now_us, &sum);
    assert_int_equal(sum.expected, 5);
    assert_int_equal(sum.received, 3);
    assert_int_equal(sum.unrepaired, 1);
    assert_int_equal(w->load.tally.key_frames_asked, 1);
    assert_int_equal(faults(w), 0);
    world_free(w);
}

// A server may show the end of a frame by packets with nothing in them: they have numbers like any other.
static void test_empty_packets(void **state) {
    (void)state;
    struct world *w = world_create();
    struct packet empty = {.ssrc = VIDEO_SSRC,
                           .payload_type = VIDEO_PT,
                           .seq = 101,
                           .timestamp = 300000,
                           .mid = "0",
                           .empty = true};
    video(w, 100, true);
    give(w, &empty);
    video(w, 103, false); // 102 is missing, an empty one as well
    struct tally sum = {0};
    receiver_sum(w->receiver, w->now_us, &sum);
    assert_int_equal(sum.expected, 4);
    assert_int_equal(sum.received, 3);
    assert_int_equal(sum.frames, 1);
    empty.ssrc = RTX_SSRC;
    empty.payload_type = RTX_PT;
    empty.rtx = true;
    empty.original = 102;
    give(w, &empty);
    sum = (struct tally){0};
    receiver_sum(w->receiver, w->now_us, &sum);
    assert_int_equal(sum.repaired, 1);
    assert_int_equal(sum.unrepaired, 0);
    assert_int_equal(sum.frames, 2);
    assert_int_equal(sum.freezes, 0);
    assert_int_equal(faults(w), 0);
    world_free(w);
}

static void test_pauses(void **state) {
    (void)state;
    struct world *w = world_create();
    video(w, 100, true);
    receiver_pause_producer(w->receiver, "pv", true, w->now_us);
    w->now_us += 200000;
    video(w, 101, false); // was on its way
    assert_int_equal(faults(w), 0);
    w->now_us += 2 * US_PER_SECOND;
    video(w, 102, false);
    assert_int_equal(w->load.tally.faults[FAULT_PAUSED], 1);
    receiver_pause_producer(w->receiver, "pv", false, w->now_us);
    video(w, 102, true);
    assert_int_equal(faults(w), 1);
    receiver_pause_consumer(w->receiver, "v", true, w->now_us);
    w->now_us += 2 * US_PER_SECOND;
    video(w, 103, false);
    assert_int_equal(w->load.tally.faults[FAULT_PAUSED], 2);
    world_free(w);
}

static void test_a_track_that_is_closed_is_remembered_for_a_while(void **state) {
    (void)state;
    struct world *w = world_create();
    video(w, 100, true);
    receiver_remove(w->receiver, "v", w->now_us);
    video(w, 101, false);
    assert_int_equal(faults(w), 0);
    w->now_us += RECEIVER_GONE_US;
    video(w, 102, false);
    assert_int_equal(w->load.tally.faults[FAULT_SSRC], 1);
    assert_int_equal(w->load.tally.expected, 1); // was counted when it closed
    world_free(w);
}

// A server that gives one SSRC to two tracks is told so, and the first keeps it.
static void test_a_track_does_not_take_an_ssrc_from_another(void **state) {
    (void)state;
    static const struct {
        uint32_t ssrc, rtx_ssrc;
    } rows[] = {{VIDEO_SSRC, 3001}, {RTX_SSRC, 3001}, {3000, VIDEO_SSRC}, {3000, RTX_SSRC}, {3000, 3000}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct world *w = world_create();
        struct consumed other = {.id = "o",
                                 .producer_id = "po",
                                 .kind = MEDIA_VIDEO,
                                 .codec = CODEC_VP8,
                                 .payload_type = VIDEO_PT,
                                 .rtx_payload_type = RTX_PT,
                                 .ssrc = rows[i].ssrc,
                                 .rtx_ssrc = rows[i].rtx_ssrc,
                                 .clock_rate = 90000};
        print_message("row %zu\n", i);
        assert_int_equal(receiver_add(w->receiver, &other, w->now_us), ERR_EXISTS);
        receiver_remove(w->receiver, "o", w->now_us);
        video(w, 100, true);
        give(w, &(struct packet){.ssrc = RTX_SSRC,
                                 .payload_type = RTX_PT,
                                 .seq = 1,
                                 .timestamp = 99 * 3000,
                                 .mid = "0",
                                 .rtx = true,
                                 .original = 99});
        assert_int_equal(faults(w), 0);
        assert_int_equal(w->load.tally.video_in + w->load.tally.duplicates, 2);
        world_free(w);
    }
}

static void test_delay(void **state) {
    (void)state;
    struct world *w = world_create();
    w->load.measuring = true;
    video(w, 100, true); // a track's beginning may be what the server remembered
    assert_int_equal(w->load.tally.delay.count, 0);
    w->now_us += 2 * US_PER_SECOND;
    video(w, 101, false);
    assert_int_equal(w->load.tally.delay.count, 1);
    assert_int_equal(w->load.tally.delay.max, 5000);
    world_free(w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sound_media_has_no_faults),
        cmocka_unit_test(test_what_is_wrong_is_counted_as_what_it_is),
        cmocka_unit_test(test_an_rtx_packet_without_a_whole_number),
        cmocka_unit_test(test_loss_and_repair),
        cmocka_unit_test(test_empty_packets),
        cmocka_unit_test(test_pauses),
        cmocka_unit_test(test_a_track_that_is_closed_is_remembered_for_a_while),
        cmocka_unit_test(test_a_track_does_not_take_an_ssrc_from_another),
        cmocka_unit_test(test_delay),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
