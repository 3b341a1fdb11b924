// last-n and loudest-n: what is sent of a large room, by a client's, the room's and the server's choice.
#include "fake_media.h"

enum { PEOPLE = 6 };

struct person {
    struct id_text send, recv, audio, video;
    char user_id[64];
    struct producer_id voice;
    struct id_text consumers[PEOPLE + 1]; // of the video of client i
    bool shown[PEOPLE + 1];
};

struct scene {
    struct fake *f;
    struct person people[PEOPLE + 1]; // by client, from 1
};

static const char *const names[] = {NULL, "ann", "bob", "cat", "dan", "eve", "fay"};

// What commands did to the gates of consumers, by who receives; and how many there were.
static unsigned read_gates(struct scene *s) {
    unsigned count = 0;
    for (size_t i = 0; i < s->f->command_count; i++)
        count += s->f->commands[i].cmd.type == MEDIA_PAUSE_CONSUMER;
    s->f->command_count = 0;
    return count;
}

// What the client was told of its consumers since the last time.
static void read_told(struct scene *s, uint32_t client) {
    struct person *p = &s->people[client];
    for (json_t *m; (m = hear(s->f, client)); json_decref(m)) {
        if (strcmp(type_of(m), "consumer-layers-changed") != 0)
            continue;
        for (uint32_t of = 1; of <= PEOPLE; of++)
            if (strcmp(p->consumers[of].text, text_at(m, "data.consumerId")) == 0) {
                p->shown[of] = json_is_integer(at(m, "data.spatialLayer"));
                if (!p->shown[of])
                    assert_string_equal(text_at(m, "data.reason"), "last-n");
            }
    }
}

static void expect_shown(struct scene *s, uint32_t client, const char *whose) {
    char got[PEOPLE + 1] = "";
    read_told(s, client);
    for (uint32_t of = 1; of <= PEOPLE; of++)
        if (s->people[client].shown[of])
            strncat(got, names[of], 1);
    assert_string_equal(got, whose);
}

static void open_all(struct scene *s, bool video_first) {
    struct fake *f = s->f;
    for (uint32_t c = 1; c <= PEOPLE; c++) {
        json_t *joined = join_capable(f, c, "r", names[c]);
        snprintf(s->people[c].user_id, sizeof s->people[c].user_id, "%s", text_at(joined, "userId"));
        json_decref(joined);
        forget_texts(f);
        struct person *p = &s->people[c];
        p->send = make_transport(f, c, "send");
        p->recv = make_transport(f, c, "recv");
        if (video_first)
            p->video = make_video(f, c, p->send, "v", 10 * c);
        p->audio = make_audio(f, c, p->send, "a", 10 * c + 5);
        p->voice = f->commands[f->command_count - 1].cmd.producer;
        forget_texts(f);
    }
}

static void consume_all(struct scene *s) {
    for (uint32_t to = 1; to <= PEOPLE; to++)
        for (uint32_t of = 1; of <= PEOPLE; of++) {
            if (of == to)
                continue;
            say(s->f, to, "{'type':'consume','data':{'producerId':'%s'}}", s->people[of].video.text);
            json_t *consumed = expect(s->f, to, "consumed");
            struct person *p = &s->people[to];
            snprintf(p->consumers[of].text, sizeof p->consumers[of].text, "%s", text_at(consumed, "id"));
            p->shown[of] = !json_is_true(at(consumed, "held"));
            struct media_cmd cmd = s->f->commands[s->f->command_count - 1].cmd;
            assert_int_equal(cmd.type, MEDIA_OPEN_CONSUMER);
            assert_int_equal(cmd.open_consumer.paused, !p->shown[of]);
            json_decref(consumed);
        }
    forget_texts(s->f);
    s->f->command_count = 0;
}

// Speaks until it is the active speaker.
static void speak(struct scene *s, uint32_t client) {
    for (unsigned i = 0; i < 12; i++) {
        struct media_event event = {.type = MEDIA_AUDIO_LEVEL, .producer = s->people[client].voice};
        event.audio.level_dbov = -20;
        event.audio.activity = (struct speech_activity){10, 5, 10};
        hub_media_event(s->f->hub, 0, &event, s->f->now_us);
        pass(s->f, 250 * US_PER_MS);
    }
}

static struct scene scene_new(uint32_t last_n) {
    struct scene s = {.f = fake_new(1)};
    s.f->config.limits.last_n = last_n;
    fake_start(s.f);
    open_all(&s, true);
    consume_all(&s);
    return s;
}

static void without_a_choice_everybody_is_shown(void **state) {
    (void)state;
    struct scene s = scene_new(0);
    expect_shown(&s, 1, "bcdef");
    speak(&s, 4);
    expect_shown(&s, 1, "bcdef");
    assert_int_equal(read_gates(&s), 0);
    fake_free(s.f);
}

static void the_last_speakers_are_shown(void **state) {
    (void)state;
    struct scene s = scene_new(2);
    // nobody has spoken: those whose video came first, and two of others for everybody
    expect_shown(&s, 1, "bc");
    expect_shown(&s, 2, "ac");
    expect_shown(&s, 6, "ab");
    speak(&s, 5);
    expect_shown(&s, 1, "be"); // e takes c's place; of d, e, f that of b
    expect_shown(&s, 6, "ae");
    expect_shown(&s, 5, "ab");
    assert_int_equal(read_gates(&s), 10);
    speak(&s, 1);
    expect_shown(&s, 5, "ab"); // a was in it
    expect_shown(&s, 1, "be");
    expect_shown(&s, 6, "ae");
    assert_int_equal(read_gates(&s), 0);
    speak(&s, 4);
    expect_shown(&s, 1, "de");
    expect_shown(&s, 6, "ad");
    fake_free(s.f);
}

static void a_client_chooses_for_itself(void **state) {
    (void)state;
    struct scene s = scene_new(0);
    say(s.f, 1, "{'type':'set-last-n','id':1,'data':{'lastN':1,'pinned':['%s']}}", s.people[6].user_id);
    expect_shown(&s, 1, "bf");
    expect_shown(&s, 2, "acdef");
    assert_int_equal(read_gates(&s), 3);
    speak(&s, 3);
    expect_shown(&s, 1, "cf");
    speak(&s, 6); // pinned and the last speaker
    expect_shown(&s, 1, "f");
    // its wish to pause outlives the stage
    say(s.f, 1, "{'type':'pause-consumer','data':{'consumerId':'%s'}}", s.people[1].consumers[3].text);
    read_gates(&s);
    speak(&s, 3);
    assert_int_equal(read_gates(&s), 0); // f is pinned, c is paused
    say(s.f, 1, "{'type':'resume-consumer','data':{'consumerId':'%s'}}", s.people[1].consumers[3].text);
    assert_int_equal(s.f->commands[0].cmd.type, MEDIA_PAUSE_CONSUMER);
    assert_false(s.f->commands[0].cmd.pause.paused);
    expect_shown(&s, 1, "cf");
    // resumed while it is held: still nothing, and why
    say(s.f, 1, "{'type':'pause-consumer','data':{'consumerId':'%s'}}", s.people[1].consumers[4].text);
    s.f->command_count = 0;
    say(s.f, 1, "{'type':'resume-consumer','data':{'consumerId':'%s'}}", s.people[1].consumers[4].text);
    assert_true(s.f->commands[0].cmd.pause.paused);
    expect_only_type(s.f, 1, "consumer-paused");
    json_t *data = expect(s.f, 1, "consumer-layers-changed");
    assert_string_equal(text_at(data, "reason"), "last-n");
    json_decref(data);
    expect_only_type(s.f, 1, "consumer-resumed");
    // and back to everybody
    say(s.f, 1, "{'type':'set-last-n','data':{}}");
    expect_shown(&s, 1, "bcdef");
    fake_free(s.f);
}

static void choices_are_checked(void **state) {
    (void)state;
    struct scene s = scene_new(0);
    say(s.f, 1, "{'type':'set-last-n','data':{'lastN':1,'pinned':['nobody']}}");
    expect_error(s.f, 1, "not-found");
    say(s.f, 1, "{'type':'set-last-n','data':{'lastN':1,'pinned':['%s','%s']}}", s.people[2].user_id,
        s.people[2].user_id);
    expect_error(s.f, 1, "bad-request");
    say(s.f, 1, "{'type':'set-loudest-n','data':{'loudestN':33}}");
    expect_error(s.f, 1, "bad-request");
    expect_shown(&s, 1, "bcdef");
    assert_int_equal(read_gates(&s), 0);
    fake_free(s.f);
}

static void who_leaves_gives_the_place_to_the_next(void **state) {
    (void)state;
    struct scene s = scene_new(2);
    say(s.f, 1, "{'type':'set-last-n','data':{'lastN':2,'pinned':['%s']}}", s.people[2].user_id);
    read_told(&s, 1);
    say(s.f, 2, "{'type':'leave-room'}");
    s.people[1].shown[2] = false;
    expect_shown(&s, 1, "cd");
    say(s.f, 3, "{'type':'close-producer','data':{'producerId':'%s'}}", s.people[3].video.text);
    s.people[1].shown[3] = false;
    expect_shown(&s, 1, "de");
    fake_free(s.f);
}

static void set_camera(struct scene *s, uint32_t client, bool on) {
    say(s->f, client, "{'type':'%s-producer','data':{'producerId':'%s'}}", on ? "resume" : "pause",
        s->people[client].video.text);
}

// Whose camera is off has no video: the place is another one's, and is given back with the camera. What has
// none is not held either.
static void a_camera_that_is_off_takes_no_place(void **state) {
    (void)state;
    struct scene s = scene_new(2);
    speak(&s, 2);
    speak(&s, 3);
    expect_shown(&s, 5, "bc");
    read_gates(&s);
    set_camera(&s, 2, false);
    expect_shown(&s, 5, "abc");          // nothing new is said of bob's: it is paused
    assert_int_equal(read_gates(&s), 5); // everybody but bob sees one more
    set_camera(&s, 3, false);
    expect_shown(&s, 5, "abcd");
    speak(&s, 6);
    expect_shown(&s, 5, "abcf");
    set_camera(&s, 3, true); // spoke before fay, and after all others
    expect_shown(&s, 5, "bcf");
    set_camera(&s, 2, true); // and bob before cat: his place is gone
    expect_shown(&s, 5, "cf");
    set_camera(&s, 6, false);
    expect_shown(&s, 5, "bcf");
    fake_free(s.f);
}

static void voices_are_the_workers_choice(void **state) {
    (void)state;
    struct fake *f = fake_new(1);
    f->config.limits.loudest_n = 7;
    fake_start(f);
    json_t *joined = join_capable(f, 1, "r", "ann");
    assert_int_equal(int_at(joined, "loudestN"), 7);
    json_decref(joined);
    make_transport(f, 1, "recv");
    command(f, MEDIA_OPEN_TRANSPORT, NULL);
    struct media_cmd cmd = command(f, MEDIA_SET_LOUDEST, NULL);
    assert_int_equal(cmd.loudest.n, 7);
    struct id_text send = make_transport(f, 1, "send"); // nothing goes out there
    command(f, MEDIA_OPEN_TRANSPORT, NULL);
    make_audio(f, 1, send, "a", 1);
    assert_int_not_equal(command(f, MEDIA_OPEN_PRODUCER, NULL).open_producer.voice_group, 0);
    forget_texts(f);
    say(f, 1, "{'type':'set-loudest-n','data':{'loudestN':5}}");
    cmd = command(f, MEDIA_SET_LOUDEST, NULL);
    assert_int_equal(cmd.loudest.n, 5);
    json_t *data = expect(f, 1, "loudest-n-set");
    assert_int_equal(int_at(data, "loudestN"), 5);
    json_decref(data);
    say(f, 1, "{'type':'set-loudest-n','data':{'loudestN':5}}"); // as it is
    expect_only_type(f, 1, "loudest-n-set");
    assert_int_equal(f->command_count, 0);
    say(f, 1, "{'type':'set-loudest-n','data':{}}");
    assert_int_equal(command(f, MEDIA_SET_LOUDEST, NULL).loudest.n, 7);
    fake_free(f);
}

static void who_opens_the_room_chooses_for_it(void **state) {
    (void)state;
    struct fake *f = fake_hub(1);
    open_client(f, 1);
    say(f, 1, "{'type':'join-room','data':{'roomId':'r','username':'ann','lastN':3,'loudestN':4}}");
    json_t *joined = expect(f, 1, "joined");
    assert_int_equal(int_at(joined, "lastN"), 3);
    json_decref(joined);
    open_client(f, 2);
    say(f, 2, "{'type':'join-room','data':{'roomId':'r','username':'bob','lastN':1,'loudestN':1}}");
    joined = expect(f, 2, "joined");
    assert_int_equal(int_at(joined, "lastN"), 3);
    assert_int_equal(int_at(joined, "loudestN"), 4);
    json_decref(joined);
    fake_free(f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_a_choice_everybody_is_shown),
        cmocka_unit_test(the_last_speakers_are_shown),
        cmocka_unit_test(a_client_chooses_for_itself),
        cmocka_unit_test(choices_are_checked),
        cmocka_unit_test(who_leaves_gives_the_place_to_the_next),
        cmocka_unit_test(a_camera_that_is_off_takes_no_place),
        cmocka_unit_test(voices_are_the_workers_choice),
        cmocka_unit_test(who_opens_the_room_chooses_for_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
