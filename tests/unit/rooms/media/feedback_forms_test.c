// Which feedback a publisher gets about what came: transport-wide, or that of RFC 8888.
#include "forward_fake.h"

#include "rooms/media/feedback.h"

static const char *const PUB = "publisher";

// Who negotiated both forms, and who negotiated one: packets with a transport-wide number are told by that.
static void the_form_of_feedback_is_that_of_what_came(void **state) {
    (void)state;
    static const struct {
        bool transport_cc, ccfb, numbers;
        int form;
    } rows[] = {
        {true, true, true, 15}, {true, true, false, 11}, {false, true, true, 11}, {true, false, true, 15}};
    for (unsigned row = 0; row < sizeof rows / sizeof *rows; row++) {
        struct fake *f = fake_create();
        struct endpoint *pub = fake_connected(f, 1, PUB);
        struct producer_params video = fake_video(1000, 1001);
        video.ccfb = rows[row].ccfb;
        video.transport_cc = rows[row].transport_cc;
        fake_open_producer(f, 1, 1, video);
        for (uint16_t i = 1; i < 100; i++) {
            fake_rtp(f, pub,
                     (struct fake_packet){
                         .pt = VP8_PT, .ssrc = 1000, .seq = i, .transport_seq = rows[row].numbers ? i : 0});
            fake_run(f, 10 * MS);
        }
        unsigned reports = 0;
        for (unsigned i = 0; i < f->rtcp_count; i++)
            if (f->rtcp[i].bytes[1] == 205 && (f->rtcp[i].bytes[0] & 31) != 1) { // no NACK
                assert_int_equal(f->rtcp[i].bytes[0] & 31, rows[row].form);
                reports++;
            }
        assert_in_range(reports, 9, 21);
        fake_destroy(f);
    }
}

// RFC 8888 in place of transport-wide feedback: all streams of a publisher, repairs and sound too, by name.
static void who_negotiated_ccfb_hears_of_all_streams_by_name(void **state) {
    (void)state;
    struct fake *f = fake_create();
    struct endpoint *pub = fake_connected(f, 1, PUB);
    struct producer_params video = fake_video(1000, 1001), audio = fake_audio(2000);
    video.ccfb = audio.ccfb = true;
    video.transport_cc = audio.transport_cc = false;
    fake_open_producer(f, 1, 1, video);
    fake_open_producer(f, 1, 2, audio);
    for (uint16_t i = 0; i < 100; i++) {
        if (i % 10 != 5)
            fake_rtp(
                f, pub,
                (struct fake_packet){.pt = VP8_PT, .ssrc = 1000, .seq = i, .key = i == 0, .longer = 900});
        fake_rtp(f, pub, (struct fake_packet){.pt = OPUS_PT, .ssrc = 2000, .seq = i, .timestamp = 960u * i});
        fake_run(f, 20 * MS);
    }
    fake_run(f, 100 * MS);
    unsigned reports = 0, of_video = 0, of_audio = 0;
    for (unsigned i = 0; i < f->rtcp_count; i++) {
        const uint8_t *bytes = f->rtcp[i].bytes;
        if (f->rtcp[i].peer != PUB || bytes[1] != 205 || (bytes[0] & 31) != 11)
            continue;
        reports++;
        for (size_t at = 8; at + 4 < f->rtcp[i].len; at += 8 + (load_be16(bytes + at + 6) + 1u) / 2 * 4)
            *(load_be32(bytes + at) == 1000 ? &of_video : &of_audio) += load_be16(bytes + at + 6);
    }
    assert_in_range(reports, 20, 42);
    assert_int_equal(of_video, 100); // those that did not come, too
    assert_int_equal(of_audio, 100);
    assert_true(feedback_loss(pub) > 0.04f && feedback_loss(pub) < 0.06f);
    fake_destroy(f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_form_of_feedback_is_that_of_what_came),
        cmocka_unit_test(who_negotiated_ccfb_hears_of_all_streams_by_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
