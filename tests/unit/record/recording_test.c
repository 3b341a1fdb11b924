// Files and events of a recording, read again by libavformat: lines and packets in, what a player finds out.
#include "tests/unit/record/scene.h"

#include "record/compose.h"

#include <libavformat/avformat.h>
#include <signal.h>
#include <sys/resource.h>

struct read_file {
    unsigned packets, keys, width;
    double begins_s, ends_s;
    enum AVCodecID codec;
};

// As a player reads it.
static struct read_file read_file(const struct scene *s, const char *name) {
    struct read_file out = {0};
    char path[400];
    AVFormatContext *in = NULL;
    AVPacket *p = av_packet_alloc();
    snprintf(path, sizeof path, "%s/%s", s->folder, name);
    if (avformat_open_input(&in, path, NULL, NULL) != 0)
        fail_msg("%s cannot be read", path);
    out.codec = in->streams[0]->codecpar->codec_id;
    out.width = (unsigned)in->streams[0]->codecpar->width;
    while (av_read_frame(in, p) == 0) {
        double at = (double)p->pts * av_q2d(in->streams[0]->time_base);
        if (out.packets++ == 0)
            out.begins_s = at;
        assert_true(out.packets == 1 || at > out.ends_s);
        out.ends_s = at;
        out.keys += (p->flags & AV_PKT_FLAG_KEY) != 0;
        av_packet_unref(p);
    }
    av_packet_free(&p);
    avformat_close_input(&in);
    return out;
}

static void files_are_what_was_sent(void **state) {
    (void)state;
    struct scene *s = open_scene();
    say(s, VOICE);
    say(s, CAMERA);
    talk(s, 0, 4, 320);
    say(s, "{\"do\":\"pause\",\"id\":\"c\"}");
    say(s, "{\"do\":\"resume\",\"id\":\"c\"}");
    talk(s, 4, 2, 640); // another layer
    say(s, "{\"do\":\"end\",\"id\":\"c\"}");
    say(s, "{\"do\":\"stop\"}");
    assert_true(recording_is_over(s->recording) && !recording_failed(s->recording));
    struct read_file voice = read_file(s, "001-Ann___-audio-1.webm"),
                     camera = read_file(s, "002-Ann___-video-1.webm");
    assert_int_equal(voice.codec, AV_CODEC_ID_OPUS);
    assert_int_equal(voice.packets, 300);
    assert_int_equal(camera.codec, AV_CODEC_ID_VP8);
    assert_int_equal(camera.packets, 300);
    assert_int_equal(camera.keys, 6);
    assert_int_equal(camera.width, 320);
    assert_true(voice.ends_s - voice.begins_s > 5.97 && voice.ends_s - voice.begins_s < 5.99);
    assert_true(voice.begins_s - camera.begins_s < 0.01 && camera.begins_s - voice.begins_s < 0.01);
    static const char *const told[] = {"\"event\":\"began\"", "track-began", "file-opened",
                                       "\"paused\"",          "\"resumed\"", "\"width\":640",
                                       "file-closed",         "track-ended", "\"reason\":\"stopped\""};
    for (size_t i = 0; i < sizeof told / sizeof told[0]; i++)
        if (!strstr(s->events, told[i]))
            fail_msg("%s is not told:\n%s", told[i], s->events);
    double seconds;
    struct compose_file files[COMPOSE_FILES_MAX];
    assert_int_equal(compose_read(s->events, files, &seconds), 2);
    assert_true(seconds > 5.9 && seconds < 6.2);
    close_scene(s);
}

// What is more than a second old is there, though nobody finished the file.
static void a_kill_leaves_what_can_be_played(void **state) {
    (void)state;
    struct scene *s = open_scene();
    say(s, VOICE);
    say(s, CAMERA);
    talk(s, 0, 4, 320);
    struct read_file voice = read_file(s, "001-Ann___-audio-1.webm"),
                     camera = read_file(s, "002-Ann___-video-1.webm");
    assert_true(voice.packets >= 140 && camera.packets >= 140);
    assert_true(camera.keys >= 3);
    close_scene(s);
}

static void a_turn_begins_another_file(void **state) {
    (void)state;
    struct scene *s = open_scene();
    uint8_t turned[40] = {0x90, 0x80 | 101, 0, 100, 0, 0, 0, 0, 0, 0, 0, 6, 0xbe, 0xde, 0, 1, 0x80, 3};
    static const uint8_t key[] = {0x10, 0x10, 0, 0, 0x9d, 1, 0x2a, 0x40, 1, 0xf0, 0, 9, 9};
    say(s, CAMERA);
    talk(s, 0, 2, 320);
    store_be32(turned + 4, 100 * 1800);
    memcpy(turned + 20, key, sizeof key);
    recording_datagram(s->recording, span_of(turned, 20 + sizeof key), s->now_us);
    say(s, "{\"do\":\"stop\"}");
    assert_int_equal(read_file(s, "001-Ann___-video-1.webm").packets, 100);
    assert_int_equal(read_file(s, "001-Ann___-video-2.webm").packets, 1);
    assert_non_null(strstr(s->events, "\"rotation\":270"));
    close_scene(s);
}

// It ends the recording, is told, and what was written can be read.
static void a_full_disk(void **state) {
    (void)state;
    struct scene *s = open_scene();
    struct rlimit before, small;
    signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &before);
    say(s, VOICE);
    talk(s, 0, 4, 320);
    small = (struct rlimit){3000, before.rlim_max};
    setrlimit(RLIMIT_FSIZE, &small);
    talk(s, 4, 8, 320);
    setrlimit(RLIMIT_FSIZE, &before);
    assert_true(recording_is_over(s->recording) && recording_failed(s->recording));
    assert_non_null(strstr(s->events, "\"event\":\"failed\",\"reason\":\"cannot "));
    assert_non_null(strstr(s->events, "\"reason\":\"failed\""));
    assert_true(read_file(s, "001-Ann___-audio-1.webm").packets > 50);
    close_scene(s);
}

// What no file can have, of one publisher, ends that track alone; and leaves no empty file.
static void a_track_that_no_file_can_have(void **state) {
    (void)state;
    static const struct {
        const char *mime, *file;
        unsigned len;
        uint8_t payload[12];
    } cases[] = {
        // parameter sets, a sequence header, a key frame of one byte
        {"video/H264", "mkv", 11, {24, 0, 1, 0x67, 0, 1, 0x68, 0, 2, 0x65, 0x88}},
        {"video/AV1", "webm", 3, {0x18, 0x08, 0xff}},
        {"video/VP9", "webm", 2, {0x08, 0x00}},
    };
    static const uint8_t opus[] = {0x7c, 1, 2, 3};
    for (size_t c = 0; c < sizeof cases / sizeof cases[0]; c++) {
        struct scene *s = open_scene();
        char line[256];
        snprintf(line, sizeof line,
                 "{\"do\":\"track\",\"id\":\"x\",\"ssrc\":6,\"participant\":\"q\",\"name\":\"Eve\","
                 "\"mimeType\":\"%s\",\"payloadType\":101,\"clockRate\":90000}",
                 cases[c].mime);
        say(s, VOICE);
        say(s, line);
        for (unsigned i = 0; i < 60; i++, s->now_us += 100000) {
            packet(s, 5, i, i * 4800, opus, sizeof opus);
            packet(s, 6, i, i * 9000, cases[c].payload, cases[c].len);
            recording_advance(s->recording, s->now_us);
        }
        if (recording_is_over(s->recording) || count_of(s, "track-unusable") != 1)
            fail_msg("%s:\n%s", cases[c].mime, s->events);
        say(s, "{\"do\":\"stop\"}");
        assert_false(recording_failed(s->recording));
        assert_int_equal(read_file(s, "001-Ann___-audio-1.webm").packets, 60);
        char path[128];
        snprintf(path, sizeof path, "%s/002-Eve-video-1.%s", s->folder, cases[c].file);
        assert_true(access(path, F_OK) != 0 || count_of(s, "\"file\":\"002-Eve") == 2);
        close_scene(s);
    }
}

// A picture that turns, or changes its size, at each frame makes no file, and no event, of each.
static void who_turns_at_each_frame(void **state) {
    (void)state;
    struct scene *s = open_scene();
    uint8_t bytes[40] = {0x90, 0x80 | 101, 0, 0, 0, 0, 0, 0, 0, 0, 0, 6, 0xbe, 0xde, 0, 1, 0x80};
    uint8_t key[] = {0x10, 0x10, 0, 0, 0x9d, 1, 0x2a, 0x40, 1, 0xf0, 0, 9, 9};
    say(s, CAMERA);
    report(s, 6, 0);
    for (unsigned i = 0; i < 450; i++, s->now_us += 10000) {
        store_be16(bytes + 2, (uint16_t)i);
        store_be32(bytes + 4, i * 900);
        bytes[17] = i % 2;
        key[7] = (uint8_t)(i % 3);
        memcpy(bytes + 20, key, sizeof key);
        recording_datagram(s->recording, span_of(bytes, 20 + sizeof key), s->now_us);
    }
    say(s, "{\"do\":\"stop\"}");
    assert_in_range(count_of(s, "file-opened"), 2, 3); // in 4.5 s
    assert_in_range(count_of(s, "\"size\""), 0, 2);
    close_scene(s);
}

// Begun and ended again and again: nothing is kept of them, their files are bounded, others' are not touched.
static void tracks_without_end(void **state) {
    (void)state;
    struct scene *s = open_scene();
    static const uint8_t opus[] = {0x7c, 1, 2, 3};
    unsigned refused = 0;
    say(s, CAMERA);
    for (unsigned i = 0; i < 8; i++) {
        s->events[0] = '\0';
        say(s, VOICE);
        report(s, 5, 0);
        packet(s, 5, 1, 0, opus, sizeof opus);
        say(s, "{\"do\":\"end\",\"id\":\"v\"}");
        assert_int_equal(count_of(s, "track-ended"), 1);
        refused += count_of(s, "track-unusable");
    }
    assert_int_equal(refused, 3);
    s->events[0] = '\0';
    say(s, "{\"do\":\"track\",\"id\":\"w\",\"ssrc\":5,\"participant\":\"q\",\"name\":\"Bob\",\"mimeType\":"
           "\"audio/opus\",\"payloadType\":100,\"clockRate\":48000}");
    packet(s, 5, 1, 0, opus, sizeof opus);
    s->now_us += 4000000;
    recording_advance(s->recording, s->now_us);
    assert_int_equal(count_of(s, "file-opened"), 1);
    close_scene(s);
}

static void no_more_tracks_than_that_at_a_time(void **state) {
    (void)state;
    struct scene *s = open_scene();
    char line[256];
    for (unsigned i = 0; i <= RECORDING_TRACKS_MAX; i++) {
        s->events[0] = '\0';
        snprintf(line, sizeof line,
                 "{\"do\":\"track\",\"id\":\"t%u\",\"ssrc\":%u,\"participant\":\"p\",\"name\":\"Ann\","
                 "\"mimeType\":"
                 "\"audio/opus\",\"payloadType\":100,\"clockRate\":48000}",
                 i, i + 1);
        say(s, line);
        assert_int_equal(count_of(s, "\"event\":\"refused\""), i == RECORDING_TRACKS_MAX);
    }
    assert_non_null(strstr(s->events, "at most 1024 tracks"));
    say(s, "{\"do\":\"end\",\"id\":\"t0\"}"); // makes room
    s->events[0] = '\0';
    say(s, line);
    assert_int_equal(count_of(s, "\"event\":\"refused\""), 0);
    close_scene(s);
}

static void strangers_and_nonsense(void **state) {
    (void)state;
    struct scene *s = open_scene();
    static const uint8_t opus[] = {0x7c, 1};
    assert_false(packet(s, 5, 1, 1, opus, sizeof opus)); // of no track
    assert_false(recording_datagram(s->recording, span_of("x", 1), s->now_us));
    recording_datagram(s->recording, span_of("GET / HTTP/1.1\r\n", 16), s->now_us);
    say(s, "nonsense");
    say(s, "{\"do\":\"end\",\"id\":\"none\"}");
    say(s, VOICE);
    say(s, VOICE);
    assert_non_null(strstr(s->events, "no JSON object"));
    assert_non_null(strstr(s->events, "no track of that id"));
    assert_non_null(strstr(s->events, "is there"));
    say(s, CAMERA);
    static const uint8_t delta[] = {0x10, 0x11, 0};
    assert_true(packet(s, 6, 1, 1, delta, sizeof delta));
    recording_advance(s->recording, s->now_us);
    assert_int_equal(s->plis, 1);
    recording_stop(s->recording, "stopped", s->now_us);
    say(s, VOICE); // over
    talk(s, 0, 1, 320);
    assert_null(strstr(s->events, "file-opened"));
    close_scene(s);
    struct recording_config config = {.folder = "/nowhere", .room = "r"};
    struct recording_output output = {0};
    char error[256];
    assert_null(recording_open(&config, &output, 1, error));
}

static void one_picture_of_all(void **state) {
    (void)state;
    struct compose_file files[] = {{.name = "a.webm", .video = 1},
                                   {.name = "b.webm", .audio = 1},
                                   {.name = "c.webm", .video = 1, .rotation = 90}};
    char *filter = compose_filter(files, 3, 12);
    assert_non_null(filter);
    assert_string_equal(
        filter, "color=black:s=1280x720:r=25:d=12.000[v0]"
                ";[0:v]scale=640:720:force_original_aspect_ratio=decrease,pad=640:720:-1:-1,setsar=1[p0]"
                ";[v0][p0]overlay=0:0:eof_action=pass[v1]"
                ";[2:v]transpose=clock,scale=640:720:force_original_aspect_ratio=decrease,pad=640:720:-1:-1,"
                "setsar=1[p1]"
                ";[v1][p1]overlay=640:0:eof_action=pass[v2];[v2]format=yuv420p[v]"
                ";[1:a]aresample=48000:async=1:first_pts=0[a1];[a1]amix=inputs=1:duration=longest:normalize="
                "0,alimiter[a]");
    free(filter);
    files[2] = (struct compose_file){.name = "c.mkv", .video = 1, .audio = 1};
    filter = compose_filter(files, 3, 12);
    assert_non_null(strstr(filter, ";[2:v]scale"));
    assert_non_null(strstr(filter,
                           ";[1:a]aresample=48000:async=1:first_pts=0[a1];[2:a]aresample=48000:async=1:"
                           "first_pts=0[a2];[a1][a2]amix=inputs=2"));
    free(filter);
    double seconds;
    struct compose_file read[COMPOSE_FILES_MAX];
    static const char bad[] = "{\"event\":\"file-opened\",\"file\":\"../x\",\"at\":1}\n"
                              "{\"event\":\"file-opened\",\"file\":\"-y\",\"at\":2.5}\nnonsense\n{}\n";
    assert_int_equal(compose_read(bad, read, &seconds), 0);
    assert_true(seconds > 2.4);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(files_are_what_was_sent),
        cmocka_unit_test(a_kill_leaves_what_can_be_played),
        cmocka_unit_test(a_turn_begins_another_file),
        cmocka_unit_test(a_full_disk),
        cmocka_unit_test(a_track_that_no_file_can_have),
        cmocka_unit_test(who_turns_at_each_frame),
        cmocka_unit_test(tracks_without_end),
        cmocka_unit_test(no_more_tracks_than_that_at_a_time),
        cmocka_unit_test(strangers_and_nonsense),
        cmocka_unit_test(one_picture_of_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
