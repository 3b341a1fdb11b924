// A join that brings transports and consumers at once.
#include "fake_media.h"

static const char capabilities[] =
    "{'codecs':[{'kind':'audio','mimeType':'audio/"
    "opus','preferredPayloadType':100,'clockRate':48000,'channels':2},"
    "{'kind':'video','mimeType':'video/VP8','preferredPayloadType':101,'clockRate':90000}],"
    "'headerExtensions':[]}";

static struct fake *room_with_ann(void) {
    struct fake *f = fake_hub(1);
    joins_capable(f, 1, "r", "ann");
    struct id_text send = make_transport(f, 1, "send");
    make_audio(f, 1, send, "a", 10);
    make_video(f, 1, send, "v", 20);
    make_video(f, 1, send, "w", 30);
    forget_texts(f);
    f->command_count = 0;
    return f;
}

static json_t *enter(struct fake *f, uint32_t client, const char *name, const char *more) {
    open_client(f, client);
    say(f, client, "{'type':'join-room','data':{'roomId':'r','username':'%s','rtpCapabilities':%s%s}}", name,
        capabilities, more);
    return expect(f, client, "joined");
}

static void media_comes_with_the_answer(void **state) {
    (void)state;
    struct fake *f = room_with_ann();
    json_t *joined =
        enter(f, 2, "bob", ",'openTransports':['recv','send'],'consume':{'video':1,'spatialLayer':0}");
    assert_int_equal(json_array_size(at(joined, "newTransports")), 2);
    assert_string_equal(text_at(joined, "newTransports.0.direction"), "recv");
    assert_string_equal(text_at(joined, "newTransports.1.direction"), "send");
    assert_non_null(at(joined, "newTransports.0.iceParameters.password"));
    assert_int_equal(json_array_size(at(joined, "newConsumers")), 3);
    assert_int_equal(json_array_size(at(joined, "producers")), 3); // as always
    unsigned audio = 0, running = 0;
    for (int i = 0; i < 3; i++) {
        const json_t *c = json_array_get(at(joined, "newConsumers"), (size_t)i);
        bool is_audio = strcmp(text_at(c, "kind"), "audio") == 0;
        audio += is_audio;
        running += !is_audio && !json_is_true(at(c, "paused"));
        assert_true(!is_audio || !json_is_true(at(c, "paused")));
        assert_non_null(at(c, "rtpParameters.encodings.0.ssrc"));
        assert_string_equal(text_at(c, "user"), "ann");
        assert_non_null(at(c, "appData"));
    }
    assert_true(audio == 1 && running == 1);
    command(f, MEDIA_OPEN_TRANSPORT, NULL);
    command(f, MEDIA_OPEN_TRANSPORT, NULL);
    for (int i = 0; i < 3; i++) {
        struct media_cmd cmd = command(f, MEDIA_OPEN_CONSUMER, NULL);
        bool video = cmd.open_consumer.params.kind == MEDIA_VIDEO;
        assert_int_equal(cmd.open_consumer.spatial_layers, video ? 1 : 0);
    }
    // connected with the ids that it was told
    say(f, 2,
        "{'type':'connect-transport','data':{'transportId':'%s','dtlsParameters':{'role':'client',"
        "'fingerprints':[{'algorithm':'sha-256','value':'00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:"
        "00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF'}]}}}",
        text_at(joined, "newTransports.0.id"));
    expect_only_type(f, 2, "transport-connected");
    json_decref(joined);
    fake_free(f);
}

// The parameters of a consumer, put together again.
static json_t *whole_parameters(const json_t *joined, const json_t *consumer) {
    json_t *whole = json_deep_copy(at(consumer, "rtpParameters"));
    if (at(consumer, "shared"))
        json_object_update(
            whole, json_array_get(at(joined, "sharedParameters"), (size_t)int_at(consumer, "shared")));
    json_object_del(whole, "msid");
    return whole;
}

static void the_brief_form_says_the_same_once(void **state) {
    (void)state;
    struct fake *f = room_with_ann();
    struct id_text send = make_transport(f, 1, "send");
    say(f, 1,
        "{'type':'produce','data':{'transportId':'%s','kind':'video','paused':true,'rtpParameters'"
        ":" VIDEO_PARAMETERS "}}",
        send.text, "x", 40, 41);
    say(f, 1,
        "{'type':'produce','data':{'transportId':'%s','kind':'video','rtpParameters':{'mid':'h','codecs':[{"
        "'mimeType':'video/H264','payloadType':98,'clockRate':90000,'parameters':{'packetization-mode':1,"
        "'profile-level-id':'42e01f'}}],'headerExtensions':[],'encodings':[{'ssrc':50}]}}}",
        send.text);
    forget_texts(f);
    json_t *full = enter(f, 2, "bob", ",'openTransports':['recv'],'consume':{'video':2}");
    json_t *brief = enter(f, 3, "cat", ",'openTransports':['recv'],'consume':{'video':2,'brief':true}");
    const json_t *consumers = at(brief, "newConsumers"), *usual = at(full, "newConsumers");
    assert_null(at(brief, "routerRtpCapabilities"));
    assert_non_null(at(full, "routerRtpCapabilities"));
    assert_null(at(full, "sharedParameters"));
    assert_int_equal(json_array_size(at(brief, "sharedParameters")), 2); // of sound, and of pictures
    assert_int_equal(json_array_size(consumers), 4);
    for (size_t i = 0; i < 4; i++) {
        json_t *c = json_array_get(consumers, i), *u = json_array_get(usual, i);
        static const char *const flags[] = {"paused", "producerPaused", "held"};
        static const char *const same[] = {"producerId", "userId", "user", "kind", "type", "appData"};
        for (size_t k = 0; k < 3; k++) {
            assert_int_equal(json_is_true(at(c, flags[k])), json_is_true(at(u, flags[k])));
            assert_false(json_is_false(at(c, flags[k])));
        }
        for (size_t k = 0; k < 6; k++)
            assert_true(json_equal(at(c, same[k]), at(u, same[k])));
        assert_null(at(c, "rtpParameters.codecs"));
        json_t *mine = whole_parameters(brief, c), *theirs = whole_parameters(full, u);
        json_object_del(mine, "encodings"); // each its own SSRCs
        json_object_del(theirs, "encodings");
        assert_true(json_equal(mine, theirs));
        json_decref(mine);
        json_decref(theirs);
    }
    assert_true(json_is_true(at(json_array_get(consumers, 3), "producerPaused")));
    assert_true(json_is_true(at(json_array_get(consumers, 3), "paused"))); // two pictures begin at once
    // The one that cannot be consumed is told as a producer, and no other is.
    assert_int_equal(json_array_size(at(brief, "producers")), 1);
    assert_string_equal(text_at(brief, "producers.0.producerId"), text_at(full, "producers.4.producerId"));
    json_decref(full);
    json_decref(brief);
    fake_free(f);
}

static void eight_publishers_fit_a_first_flight(void **state) {
    (void)state;
    struct fake *f = fake_hub(1);
    f->quiet = false;
    for (uint32_t c = 1; c <= 8; c++) {
        char name[32];
        snprintf(name, sizeof name, "Somebody Longname %u", c);
        joins_capable(f, c, "r", name);
        struct id_text send = make_transport(f, c, "send");
        say(f, c,
            "{'type':'produce','data':{'transportId':'%s','kind':'audio','appData':{'source':'microphone'},"
            "'rtpParameters':" AUDIO_PARAMETERS "}}",
            send.text, "0", 10 * c, "0123456789abcdef");
        say(f, c,
            "{'type':'produce','data':{'transportId':'%s','kind':'video','appData':{'source':'camera','width'"
            ":1280,"
            "'height':720,'layers':3},'rtpParameters':" VIDEO_PARAMETERS "}}",
            send.text, "1", 10 * c + 2, 10 * c + 3);
        forget_texts(f);
        f->command_count = 0;
    }
    json_t *router = negotiate_router_capabilities();
    char *all = json_dumps(router, JSON_COMPACT);
    open_client(f, 50);
    say(f, 50,
        "{'type':'join-room','data':{'roomId':'r','username':'late','rtpCapabilities':%s,"
        "'openTransports':['recv','send'],'consume':{'video':9,'spatialLayer':0,'brief':true}}}",
        all);
    free(all);
    json_decref(router);
    size_t len = 0;
    for (size_t i = 0; i < f->text_count; i++)
        if (f->texts[i].client == 50 && strstr(f->texts[i].text, "\"joined\""))
            len = strlen(f->texts[i].text);
    json_t *joined = expect(f, 50, "joined");
    assert_int_equal(json_array_size(at(joined, "newConsumers")), 16);
    assert_in_range(len, 5000, 10 * 1400); // RFC 6928: ten segments
    json_decref(joined);
    fake_free(f);
}

static void who_does_not_ask_gets_nothing(void **state) {
    (void)state;
    struct fake *f = room_with_ann();
    static const char *const asks[] = {"", ",'consume':{}", ",'openTransports':null,'consume':{}"};
    for (uint32_t i = 0; i < 3; i++) {
        char name[8];
        snprintf(name, sizeof name, "p%u", i);
        json_t *joined = enter(f, 2 + i, name, asks[i]);
        assert_null(at(joined, "newTransports"));
        assert_null(at(joined, "newConsumers"));
        json_decref(joined);
    }
    assert_int_equal(f->command_count, 0);
    json_t *joined = enter(f, 9, "cat", ",'openTransports':['send'],'consume':{}"); // nothing to receive by
    assert_int_equal(json_array_size(at(joined, "newTransports")), 1);
    assert_int_equal(json_array_size(at(joined, "newConsumers")), 0);
    json_decref(joined);
    fake_free(f);
}

static void wrong_wishes_are_refused(void **state) {
    (void)state;
    struct fake *f = room_with_ann();
    static const char *const asks[] = {
        "'openTransports':['up']",      "'openTransports':['send','recv','send']",
        "'openTransports':'send'",      "'consume':{'video':-1}",
        "'consume':{'spatialLayer':8}", "'consume':[]",
        "'consume':{'brief':1}"};
    open_client(f, 2);
    for (size_t i = 0; i < sizeof asks / sizeof asks[0]; i++) {
        say(f, 2, "{'type':'join-room','data':{'roomId':'r','username':'bob',%s}}", asks[i]);
        expect_error(f, 2, "bad-request");
    }
    assert_int_equal(counts(f).participants, 1);
    fake_free(f);
}

static void limits_hold_for_them_too(void **state) {
    (void)state;
    struct fake *f = fake_new(1);
    f->config.limits.transports_per_participant_max = 1;
    f->config.limits.consumers_per_participant_max = 2;
    fake_start(f);
    joins_capable(f, 1, "r", "ann");
    struct id_text send = make_transport(f, 1, "send");
    for (unsigned i = 0; i < 3; i++)
        make_audio(f, 1, send, (const char *[]){"a", "b", "c"}[i], 10 + i);
    json_t *joined = enter(f, 2, "bob", ",'openTransports':['recv','send'],'consume':{}");
    assert_int_equal(json_array_size(at(joined, "newTransports")), 1);
    assert_int_equal(json_array_size(at(joined, "newConsumers")), 2);
    json_decref(joined);
    fake_free(f);
}

static void a_large_room_fits_the_answer(void **state) {
    (void)state;
    struct fake *f = fake_new(1);
    f->config.limits.messages_per_second_max = 100000;
    f->config.limits.relay_rate_max = 100 * 1024 * 1024;
    fake_start(f);
    f->quiet = false;
    for (uint32_t c = 1; c <= 120; c++) {
        char name[16];
        snprintf(name, sizeof name, "person-%03u", c);
        joins_capable(f, c, "r", name);
        struct id_text send = make_transport(f, c, "send");
        make_video(f, c, send, "v", 10 * c);
        forget_texts(f);
        f->command_count = 0;
    }
    open_client(f, 500);
    say(f, 500,
        "{'type':'join-room','data':{'roomId':'r','username':'late','rtpCapabilities':%s,"
        "'openTransports':['recv'],'consume':{}}}",
        capabilities);
    size_t len = 0;
    for (size_t i = 0; i < f->text_count; i++)
        if (f->texts[i].client == 500 && strstr(f->texts[i].text, "\"joined\""))
            len = strlen(f->texts[i].text);
    assert_in_range(len, 40000, HUB_JOINED_BYTES_MAX);
    json_t *joined = expect(f, 500, "joined");
    size_t told = json_array_size(at(joined, "newConsumers"));
    assert_in_range(told, 20, 119);
    assert_int_equal(counts(f).consumers, told); // none is open that was not told
    json_decref(joined);
    fake_free(f);
}

static void a_page_that_was_reloaded_begins_anew(void **state) {
    (void)state;
    struct fake *f = room_with_ann();
    json_t *joined = enter(f, 2, "bob", ",'openTransports':['recv','send'],'consume':{}");
    char token[64], before[64];
    snprintf(token, sizeof token, "%s", text_at(joined, "resumeToken"));
    snprintf(before, sizeof before, "%s", text_at(joined, "newTransports.0.id"));
    json_decref(joined);
    open_client(f, 3);
    say(f, 3,
        "{'type':'join-room','data':{'roomId':'r','resumeToken':'%s','openTransports':['recv'],'consume':{}}"
        "}",
        token);
    joined = expect(f, 3, "joined");
    assert_true(json_is_true(at(joined, "resumed")));
    assert_int_equal(json_array_size(at(joined, "transports")), 1); // the new one
    assert_string_equal(text_at(joined, "transports.0"), text_at(joined, "newTransports.0.id"));
    assert_string_not_equal(text_at(joined, "transports.0"), before);
    assert_int_equal(json_array_size(at(joined, "newConsumers")), 3);
    json_decref(joined);
    assert_int_equal(counts(f).transports, 2);
    fake_free(f);
}

static void capabilities_are_told_before_a_join(void **state) {
    (void)state;
    struct fake *f = fake_hub(1);
    open_client(f, 1);
    say(f, 1, "{'type':'get-capabilities','id':7}");
    json_t *data = expect(f, 1, "capabilities");
    assert_true(json_array_size(at(data, "routerRtpCapabilities.codecs")) > 5);
    json_decref(data);
    fake_free(f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(media_comes_with_the_answer),
        cmocka_unit_test(the_brief_form_says_the_same_once),
        cmocka_unit_test(eight_publishers_fit_a_first_flight),
        cmocka_unit_test(who_does_not_ask_gets_nothing),
        cmocka_unit_test(wrong_wishes_are_refused),
        cmocka_unit_test(limits_hold_for_them_too),
        cmocka_unit_test(a_large_room_fits_the_answer),
        cmocka_unit_test(a_page_that_was_reloaded_begins_anew),
        cmocka_unit_test(capabilities_are_told_before_a_join),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
