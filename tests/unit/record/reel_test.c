// A participant's sound and picture in one file, and where one file ends and the next begins.
#include "tests/unit/record/scene.h"

#include "record/compose.h"
#include "record/reel.h"

#include <libavformat/avformat.h>

#define TIMES_MAX 1000
struct both {
    unsigned streams, sounds, pictures, keys;
    double sound[TIMES_MAX], picture[TIMES_MAX];
};

// As a player reads it: in the order in which they lie in the file.
static struct both *read_both(const struct scene *s, const char *name) {
    static struct both out;
    char path[400];
    double last = 0;
    AVFormatContext *in = NULL;
    AVPacket *p = av_packet_alloc();
    memset(&out, 0, sizeof out);
    snprintf(path, sizeof path, "%s/%s", s->folder, name);
    if (avformat_open_input(&in, path, NULL, NULL) != 0)
        fail_msg("%s cannot be read\n%s", path, s->events);
    out.streams = in->nb_streams;
    while (av_read_frame(in, p) == 0) {
        const AVStream *stream = in->streams[p->stream_index];
        bool sound = stream->codecpar->codec_type == AVMEDIA_TYPE_AUDIO;
        double at = (double)p->pts * av_q2d(stream->time_base), *times = sound ? out.sound : out.picture;
        unsigned *count = sound ? &out.sounds : &out.pictures;
        assert_true(*count < TIMES_MAX && (*count == 0 || at > times[*count - 1]));
        assert_true(at > last - 0.05); // one beside the other
        last = at;
        times[(*count)++] = at;
        out.keys += !sound && (p->flags & AV_PKT_FLAG_KEY);
        assert_true(sound || *count > 1 || (p->flags & AV_PKT_FLAG_KEY));
        av_packet_unref(p);
    }
    av_packet_free(&p);
    avformat_close_input(&in);
    return &out;
}

// What was captured at one moment is at one moment.
static void assert_in_step(const struct both *b) {
    unsigned s = 0, p = 0, both = 0;
    while (s < b->sounds && b->sound[s] < b->picture[0] - 0.005)
        s++;
    while (p < b->pictures && b->picture[p] < b->sound[0] - 0.005)
        p++;
    for (; p < b->pictures && s < b->sounds; p++, s++, both++)
        if (b->picture[p] - b->sound[s] > 0.003 || b->sound[s] - b->picture[p] > 0.003)
            fail_msg("picture %u is at %f, sound %u at %f", p, b->picture[p], s, b->sound[s]);
    assert_true(both >= 140);
}

static void sound_and_picture_in_one_file(void **state) {
    (void)state;
    struct scene *s = open_layout(true);
    say(s, VOICE);
    say(s, CAMERA);
    talk(s, 0, 4, 320);
    const struct both *b = read_both(s, "001-Ann___-camera-1.webm"); // as a kill leaves it
    assert_true(b->streams == 2 && b->sounds >= 90 && b->pictures >= 90);
    // The camera goes, and comes again as another track, smaller; nobody begins another file for that.
    say(s, "{\"do\":\"end\",\"id\":\"c\"}");
    talk(s, 4, 2, 320);
    say(s, "{\"do\":\"track\",\"id\":\"d\",\"ssrc\":6,\"participant\":\"p\",\"name\":\"Ann\",\"mimeType\":"
           "\"video/VP8\",\"payloadType\":101,\"clockRate\":90000}");
    report(s, 6, 6 * 90000);
    talk(s, 6, 2, 160);
    say(s, "{\"do\":\"stop\"}");
    assert_false(recording_failed(s->recording));
    assert_int_equal(count_of(s, "file-opened"), 1);
    assert_int_equal(count_of(s, "file-closed"), 1);
    assert_int_equal(count_of(s, "\"kind\":\"audio+video\""), 3); // opened, another size, closed
    b = read_both(s, "001-Ann___-camera-1.webm");
    assert_int_equal(b->streams, 2);
    assert_int_equal(b->sounds, 400);
    assert_int_equal(b->pictures, 300);
    assert_int_equal(b->keys, 6);
    for (unsigned i = 0; i < 200; i++)
        assert_true(b->picture[i] - b->sound[i] < 0.003 && b->sound[i] - b->picture[i] < 0.003);
    for (unsigned i = 200; i < 300; i++)
        assert_true(b->picture[i] - b->sound[100 + i] < 0.003 && b->sound[100 + i] - b->picture[i] < 0.003);
    double seconds;
    struct compose_file files[COMPOSE_FILES_MAX];
    assert_int_equal(compose_read(s->events, files, &seconds), 1);
    assert_true(files[0].video && files[0].audio);
    close_scene(s);
}

// A file has its tracks from the beginning: what comes later begins another, and nothing is missing between.
static void tracks_that_come_later(void **state) {
    (void)state;
    struct scene *s = open_layout(true);
    say(s, VOICE);
    talk(s, 0, 2, 320);
    say(s, CAMERA);
    report(s, 6, 2 * 90000);
    talk(s, 2, 3, 320);
    say(s, "{\"do\":\"stop\"}");
    const struct both *b = read_both(s, "001-Ann___-camera-1.webm");
    assert_int_equal(b->streams, 1);
    unsigned before = b->sounds;
    b = read_both(s, "001-Ann___-camera-2.webm");
    assert_int_equal(b->streams, 2);
    assert_int_equal(before + b->sounds, 250);
    assert_int_equal(b->pictures, 150);
    assert_in_step(b);
    close_scene(s);

    s = open_layout(true);
    say(s, CAMERA);
    talk(s, 0, 2, 320);
    unsigned plis = s->plis;
    say(s, VOICE);
    report(s, 5, 2 * 48000);
    talk(s, 2, 4, 320);
    say(s, "{\"do\":\"stop\"}");
    assert_int_equal(s->plis, plis + 1); // with a key frame the sound is in it
    before = read_both(s, "001-Ann___-camera-1.webm")->pictures;
    b = read_both(s, "001-Ann___-camera-2.webm");
    assert_int_equal(b->sounds, 200);
    assert_int_equal(before + b->pictures, 300);
    assert_in_step(b);
    close_scene(s);
}

// A file's times are milliseconds: what is less apart is written as so much apart.
static void frames_within_a_millisecond(void **state) {
    (void)state;
    struct scene *s = open_layout(true);
    static const uint8_t key[] = {0x10, 0x10, 0, 0, 0x9d, 1, 0x2a, 0x40, 1, 0xf0, 0, 9, 9};
    say(s, CAMERA);
    report(s, 6, 0);
    for (unsigned i = 0; i < 20; i++)
        packet(s, 6, i, 9000 + i * 18, key, sizeof key); // 0.2 ms
    say(s, "{\"do\":\"stop\"}");
    assert_int_equal(read_both(s, "001-Ann___-camera-1.webm")->pictures,
                     20); // each later than the one before
    close_scene(s);
}

// A picture that no file can have takes no sound with it.
static void a_broken_picture_leaves_the_sound(void **state) {
    (void)state;
    static const uint8_t opus[] = {0x7c, 1, 2, 3}, vp9[] = {0x08, 0x00};
    struct scene *s = open_layout(true);
    say(s, VOICE);
    say(s, "{\"do\":\"track\",\"id\":\"x\",\"ssrc\":6,\"participant\":\"p\",\"name\":\"Ann\",\"mimeType\":"
           "\"video/VP9\",\"payloadType\":101,\"clockRate\":90000}");
    for (unsigned i = 0; i < 60; i++, s->now_us += 100000) {
        packet(s, 5, i, i * 4800, opus, sizeof opus);
        packet(s, 6, i, i * 9000, vp9, sizeof vp9);
        recording_advance(s->recording, s->now_us);
    }
    say(s, "{\"do\":\"stop\"}");
    assert_false(recording_failed(s->recording));
    assert_int_equal(count_of(s, "track-unusable"), 1);
    char name[64];
    unsigned sounds = 0, files = count_of(s, "file-opened");
    for (unsigned part = 1; part <= files; part++) {
        snprintf(name, sizeof name, "001-Ann___-camera-%u.webm", part);
        sounds += read_both(s, name)->sounds;
    }
    assert_int_equal(sounds, 60);
    close_scene(s);
}

// A picture that is announced and does not come holds no sound up for long; a screen is another file.
static void what_does_not_come_and_what_is_a_screen(void **state) {
    (void)state;
    struct scene *s = open_layout(true);
    static const uint8_t opus[] = {0x7c, 1, 2, 3};
    say(s, CAMERA);
    say(s, VOICE);
    report(s, 5, 0);
    for (unsigned i = 0; i < 300; i++, s->now_us += 20000) {
        packet(s, 5, i, i * 960, opus, sizeof opus);
        recording_advance(s->recording, s->now_us);
        assert_int_equal(count_of(s, "file-opened"), i * 20000 >= REEL_HOLD_US);
    }
    say(s, "{\"do\":\"track\",\"id\":\"s\",\"ssrc\":9,\"participant\":\"p\",\"name\":\"Ann\",\"mimeType\":"
           "\"video/VP8\",\"payloadType\":101,\"clockRate\":90000,\"source\":\"SCREEN_SHARE\"}");
    static const uint8_t key[] = {0x10, 0x10, 0, 0, 0x9d, 1, 0x2a, 0x40, 1, 0xf0, 0, 9, 9};
    report(s, 9, 0);
    packet(s, 9, 1, 0, key, sizeof key);
    say(s, "{\"do\":\"stop\"}");
    assert_int_equal(read_both(s, "001-Ann___-camera-1.webm")->sounds, 300);
    assert_int_equal(read_both(s, "002-Ann___-screen-1.webm")->pictures, 1);
    assert_int_equal(count_of(s, "file-opened"), 2);
    close_scene(s);
    // One that is silent from the beginning is in no file.
    s = open_layout(true);
    say(s, VOICE);
    say(s, "{\"do\":\"pause\",\"id\":\"v\"}");
    say(s, CAMERA);
    report(s, 6, 0);
    packet(s, 6, 1, 0, key, sizeof key);
    say(s, "{\"do\":\"stop\"}");
    assert_int_equal(read_both(s, "001-Ann___-camera-1.webm")->streams, 1);
    close_scene(s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sound_and_picture_in_one_file),
        cmocka_unit_test(tracks_that_come_later),
        cmocka_unit_test(frames_within_a_millisecond),
        cmocka_unit_test(a_broken_picture_leaves_the_sound),
        cmocka_unit_test(what_does_not_come_and_what_is_a_screen),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
