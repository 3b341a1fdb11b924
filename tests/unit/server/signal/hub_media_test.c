// produce, consume and what follows from them, in one worker.
#include "fake_media.h"

struct pair {
    struct fake *f;
    struct id_text send, recv; // ann (client 1) sends, bob (client 2) receives
};

static struct pair pair_new(void) {
    struct pair p = {.f = fake_hub(1)};
    joins_capable(p.f, 1, "r", "ann");
    joins_capable(p.f, 2, "r", "bob");
    forget_texts(p.f);
    p.send = make_transport(p.f, 1, "send");
    p.recv = make_transport(p.f, 2, "recv");
    p.f->command_count = 0;
    return p;
}

static void producing_is_announced(void **state) {
    (void)state;
    struct pair p = pair_new();
    joins(p.f, 9, "elsewhere", "eve");
    say(p.f, 1,
        "{'type':'produce','data':{'transportId':'%s','kind':'video','paused':true,"
        "'appData':{'source':'screen'},'rtpParameters':" VIDEO_PARAMETERS "},'id':3}",
        p.send.text, "0", 1111, 2222);
    json_t *answer = hear(p.f, 1);
    assert_string_equal(type_of(answer), "produced");
    assert_int_equal(int_at(answer, "id"), 3);
    assert_string_equal(text_at(answer, "data.id"), text_at(answer, "data.producerId"));
    assert_string_equal(text_at(answer, "data.kind"), "video");
    assert_string_equal(text_at(answer, "data.type"), "simple");
    struct media_cmd cmd = command(p.f, MEDIA_OPEN_PRODUCER, NULL);
    assert_true(cmd.open_producer.paused);
    assert_int_equal(cmd.open_producer.params.kind, MEDIA_VIDEO);
    assert_int_equal(cmd.open_producer.params.codec, CODEC_VP8);
    assert_int_equal(cmd.open_producer.params.payload_type, 96);
    assert_int_equal(cmd.open_producer.params.rtx_payload_type, 97);
    assert_int_equal(cmd.open_producer.params.streams[0].ssrc, 1111);
    assert_int_equal(cmd.open_producer.params.streams[0].rtx_ssrc, 2222);
    assert_string_equal(cmd.open_producer.params.mid, "0");
    json_t *news = expect(p.f, 2, "new-producer");
    assert_string_equal(text_at(news, "producerId"), text_at(answer, "data.producerId"));
    assert_string_equal(text_at(news, "user"), "ann");
    assert_string_equal(text_at(news, "kind"), "video");
    assert_string_equal(text_at(news, "type"), "simple");
    assert_true(json_is_true(at(news, "paused")));
    assert_string_equal(text_at(news, "appData.source"), "screen");
    json_t *late = join_capable(p.f, 3, "r", "cat");
    assert_int_equal(json_array_size(at(late, "producers")), 1);
    assert_true(json_equal(at(late, "producers.0"), news));
    expect_nothing(p.f, 9);
    json_decref(late);
    json_decref(news);
    json_decref(answer);
    fake_free(p.f);
}

static void simulcast_is_accepted(void **state) {
    (void)state;
    struct pair p = pair_new();
    say(p.f, 1,
        "{'type':'produce','data':{'transportId':'%s','kind':'video','rtpParameters':" SIMULCAST_PARAMETERS
        "}}",
        p.send.text, "0");
    json_t *data = expect(p.f, 1, "produced");
    assert_string_equal(text_at(data, "type"), "simulcast");
    struct media_cmd cmd = command(p.f, MEDIA_OPEN_PRODUCER, NULL);
    assert_int_equal(cmd.open_producer.params.stream_count, 3);
    assert_string_equal(cmd.open_producer.params.streams[2].rid, "r2");
    struct id_text producer = id_of(data, "producerId");
    // the same RIDs again, under another MID
    say(p.f, 1,
        "{'type':'produce','data':{'transportId':'%s','kind':'video','rtpParameters':" SIMULCAST_PARAMETERS
        "}}",
        p.send.text, "1");
    expect_only_type(p.f, 1, "produced");
    forget_texts(p.f);
    say(p.f, 2, "{'type':'consume','data':{'producerId':'%s'}}", producer.text);
    json_t *consumed = expect(p.f, 2, "consumed");
    assert_string_equal(text_at(consumed, "type"), "simulcast");
    assert_int_equal(json_array_size(at(consumed, "rtpParameters.encodings")), 1);
    json_decref(consumed);
    fake_free(p.f);
}

static void bad_offers_are_refused(void **state) {
    (void)state;
    struct pair p = pair_new();
    struct id_text recv = make_transport(p.f, 1, "recv");
    struct id_text first = make_audio(p.f, 1, p.send, "7", 500);
    p.f->command_count = 0;
    forget_texts(p.f);
    char big[5000];
    memset(big, 'x', sizeof big - 1);
    big[sizeof big - 1] = '\0';
    struct {
        const char *transport, *kind, *mid, *app_data;
        unsigned ssrc;
        const char *code; // NULL: accepted
    } rows[] = {
        {p.send.text, "video", "8", "x", 501, "bad-request"}, // audio parameters
        {recv.text, "audio", "8", "x", 501, "bad-request"},   // direction
        {p.send.text, "audio", "7", "x", 501, "bad-request"}, // MID in use
        {p.send.text, "audio", "8", "x", 500, "bad-request"}, // SSRC in use
        {p.send.text, "audio", "8", big, 501, "bad-request"}, // appData
        {p.send.text, "audio", "12345678901234567", "x", 501, "bad-request"},
        {p.send.text, "audio", "8", "x", 501, NULL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        say(p.f, 1,
            "{'type':'produce','data':{'transportId':'%s','kind':'%s','appData':{'x':'%s'},"
            "'rtpParameters':" AUDIO_PARAMETERS "}}",
            rows[i].transport, rows[i].kind, rows[i].app_data, rows[i].mid, rows[i].ssrc, "c");
        if (!rows[i].code) {
            expect_only_type(p.f, 1, "produced");
            continue;
        }
        json_t *data = expect(p.f, 1, "error");
        const char *code = text_at(data, "code");
        if (strcmp(code, rows[i].code) != 0 && strcmp(code, "unsupported") != 0)
            fail_msg("row %zu: expected %s, got %s: %s", i, rows[i].code, code, text_at(data, "message"));
        json_decref(data);
        assert_int_equal(p.f->command_count, 0);
        expect_nothing(p.f, 2);
    }
    // a MID is free again once its producer is closed
    say(p.f, 1, "{'type':'close-producer','data':{'producerId':'%s'}}", first.text);
    expect_only_type(p.f, 1, "producer-closed");
    make_audio(p.f, 1, p.send, "7", 500);
    assert_int_equal(counts(p.f).producers, 2);
    fake_free(p.f);
}

static void impossible_codecs_are_unsupported(void **state) {
    (void)state;
    struct pair p = pair_new();
    say(p.f, 1,
        "{'type':'produce','data':{'transportId':'%s','kind':'video','rtpParameters':{'mid':'0','codecs':["
        "{'mimeType':'video/H266','payloadType':96,'clockRate':90000}],'encodings':[{'ssrc':1}]}}}",
        p.send.text);
    expect_error(p.f, 1, "unsupported");
    assert_int_equal(counts(p.f).producers, 0);
    fake_free(p.f);
}

static void consuming_gives_parameters(void **state) {
    (void)state;
    struct pair p = pair_new();
    struct id_text audio = make_audio(p.f, 1, p.send, "a", 10);
    struct id_text video = make_video(p.f, 1, p.send, "v", 20);
    forget_texts(p.f);
    p.f->command_count = 0;
    say(p.f, 2, "{'type':'consume','data':{'producerId':'%s','transportId':'%s','paused':true},'id':1}",
        video.text, p.recv.text);
    json_t *message = hear(p.f, 2);
    json_t *data = json_object_get(message, "data");
    assert_string_equal(type_of(message), "consumed");
    struct media_cmd cmd = command(p.f, MEDIA_OPEN_CONSUMER, NULL);
    const struct consumer_params *params = &cmd.open_consumer.params;
    assert_true(cmd.open_consumer.paused);
    assert_string_equal(text_at(data, "producerId"), video.text);
    assert_string_equal(text_at(data, "user"), "ann");
    assert_string_equal(text_at(data, "kind"), "video");
    assert_true(json_is_true(at(data, "paused")));
    assert_true(json_is_false(at(data, "producerPaused")));
    assert_string_equal(text_at(data, "rtpParameters.mid"), "0");
    assert_string_equal(params->mid, "0");
    // one CNAME for all of ann's producers, that of her first
    assert_string_equal(text_at(data, "rtpParameters.rtcp.cname"), "cname-a");
    assert_string_equal(params->cname, "cname-a");
    // Its publisher tells no capture times, so we do.
    assert_int_equal(params->ext.ids[EXT_ABS_CAPTURE_TIME], EXT_ROUTER_ID(EXT_ABS_CAPTURE_TIME));
    assert_int_equal(int_at(data, "rtpParameters.encodings.0.ssrc"), params->ssrc);
    assert_true(params->ssrc >= 100000000);
    assert_int_equal(int_at(data, "rtpParameters.encodings.0.rtx.ssrc"), params->rtx_ssrc);
    assert_int_equal(int_at(data, "rtpParameters.codecs.0.payloadType"), params->payload_type);
    assert_int_equal(int_at(data, "rtpParameters.codecs.1.payloadType"), params->rtx_payload_type);
    json_decref(message);
    // without transportId the first recv transport; audio has no RTX; the next MID
    say(p.f, 2, "{'type':'consume','data':{'producerId':'%s'}}", audio.text);
    data = expect(p.f, 2, "consumed");
    cmd = command(p.f, MEDIA_OPEN_CONSUMER, NULL);
    assert_string_equal(text_at(data, "rtpParameters.mid"), "1");
    assert_string_equal(text_at(data, "rtpParameters.msid"), "stream track");
    assert_null(at(data, "rtpParameters.encodings.0.rtx"));
    assert_string_equal(text_at(data, "rtpParameters.codecs.0.rtcpFeedback.0.type"), "nack");
    assert_true(cmd.open_consumer.params.nack); // both sides list it
    assert_int_equal(cmd.open_consumer.params.rtx_ssrc, 0);
    assert_int_equal(cmd.open_consumer.params.rtx_payload_type, PAYLOAD_TYPE_NONE);
    assert_false(cmd.open_consumer.paused);
    struct id_text consumer = id_of(data, "id");
    // MIDs are never used twice
    say(p.f, 2, "{'type':'close-consumer','data':{'consumerId':'%s'}}", consumer.text);
    expect_only_type(p.f, 2, "consumer-closed");
    say(p.f, 2, "{'type':'consume','data':{'producerId':'%s'}}", audio.text);
    data = expect(p.f, 2, "consumed");
    assert_string_equal(text_at(data, "rtpParameters.mid"), "2");
    json_decref(data);
    fake_free(p.f);
}

// A number that comes again on a transport, after its consumer was closed too, would use up a key twice.
static void ssrcs_are_never_used_twice(void **state) {
    (void)state;
    enum { ROUNDS = 400 };
    static uint32_t used[2 * ROUNDS];
    struct pair p = pair_new();
    struct id_text video = make_video(p.f, 1, p.send, "v", 20);
    struct id_text before = {""};
    unsigned count = 0;
    for (unsigned i = 0; i < ROUNDS; i++) {
        forget_texts(p.f);
        p.f->command_count = 0;
        struct id_text consumer = make_consumer(p.f, 2, video);
        struct media_cmd cmd = command(p.f, MEDIA_OPEN_CONSUMER, NULL);
        used[count++] = cmd.open_consumer.params.ssrc;
        used[count++] = cmd.open_consumer.params.rtx_ssrc;
        if (i > 0) // one lives on until the next is there
            say(p.f, 2, "{'type':'close-consumer','data':{'consumerId':'%s'}}", before.text);
        before = consumer;
        p.f->now_us += US_PER_SECOND; // or so many messages were too many
    }
    for (unsigned i = 0; i < count; i++) {
        assert_in_range(used[i], 100000000, 999999999);
        for (unsigned k = 0; k < i; k++)
            assert_int_not_equal(used[i], used[k]);
    }
    fake_free(p.f);
}

static void one_producer_is_consumed_twice_at_most(void **state) {
    (void)state;
    struct pair p = pair_new();
    struct id_text one = make_video(p.f, 1, p.send, "v", 20), other = make_video(p.f, 1, p.send, "w", 30);
    struct id_text recv =
        (forget_texts(p.f), make_transport(p.f, 2, "recv")); // a second transport is no way around
    struct id_text first = make_consumer(p.f, 2, one);
    say(p.f, 2, "{'type':'consume','data':{'producerId':'%s','transportId':'%s'}}", one.text, recv.text);
    expect_only_type(p.f, 2, "consumed");
    p.f->command_count = 0;
    for (int i = 0; i < 2; i++) {
        say(p.f, 2, "{'type':'consume','data':{'producerId':'%s','transportId':'%s'}}", one.text, recv.text);
        expect_error(p.f, 2, "limit-reached");
        say(p.f, 2, "{'type':'consume','data':{'producerId':'%s'}}", one.text);
        expect_error(p.f, 2, "limit-reached");
    }
    assert_int_equal(p.f->command_count, 0);
    make_consumer(p.f, 2, other);
    say(p.f, 2, "{'type':'close-consumer','data':{'consumerId':'%s'}}", first.text);
    expect_only_type(p.f, 2, "consumer-closed");
    make_consumer(p.f, 2, one);
    say(p.f, 2, "{'type':'consume','data':{'producerId':'%s'}}", one.text);
    expect_error(p.f, 2, "limit-reached");
    fake_free(p.f);
}

static void impossible_consumes_are_refused(void **state) {
    (void)state;
    struct pair p = pair_new();
    struct id_text producer = make_audio(p.f, 1, p.send, "a", 10);
    forget_texts(p.f);
    struct id_text bobs_send = make_transport(p.f, 2, "send");
    joins(p.f, 3, "r", "cat");             // gave no capabilities
    joins_capable(p.f, 4, "other", "eve"); // another room
    make_transport(p.f, 1, "recv");
    make_transport(p.f, 4, "recv");
    p.f->command_count = 0;
    forget_texts(p.f);
    say(p.f, 1, "{'type':'consume','data':{'producerId':'%s'}}", producer.text);
    expect_error(p.f, 1, "forbidden");
    say(p.f, 4, "{'type':'consume','data':{'producerId':'%s'}}", producer.text);
    expect_error(p.f, 4, "not-found");
    say(p.f, 2, "{'type':'consume','data':{'producerId':'nonsense'}}");
    expect_error(p.f, 2, "not-found");
    say(p.f, 2, "{'type':'consume','data':{'producerId':'%s','transportId':'%s'}}", producer.text,
        bobs_send.text);
    expect_error(p.f, 2, "bad-request");
    say(p.f, 2, "{'type':'consume','data':{'producerId':'%s','transportId':'%s'}}", producer.text,
        p.send.text);
    expect_error(p.f, 2, "not-found");
    say(p.f, 3, "{'type':'consume','data':{'producerId':'%s'}}", producer.text);
    expect_error(p.f, 3, "wrong-state"); // no transport
    make_transport(p.f, 3, "recv");
    p.f->command_count = 0;
    say(p.f, 3, "{'type':'consume','data':{'producerId':'%s'}}", producer.text);
    expect_error(p.f, 3, "bad-request"); // no capabilities
    say(p.f, 3,
        "{'type':'consume','data':{'producerId':'%s','rtpCapabilities':{'codecs':[{'kind':'video',"
        "'mimeType':'video/VP8','clockRate':90000,'preferredPayloadType':101}],'headerExtensions':[]}}}",
        producer.text);
    expect_error(p.f, 3, "unsupported");
    assert_int_equal(p.f->command_count, 0);
    assert_int_equal(counts(p.f).consumers, 0);
    fake_free(p.f);
}

static void pausing_a_producer_is_told(void **state) {
    (void)state;
    struct pair p = pair_new();
    struct id_text producer = make_audio(p.f, 1, p.send, "a", 10);
    forget_texts(p.f);
    p.f->command_count = 0;
    for (int paused = 1; paused >= 0; paused--) {
        const char *request = paused ? "pause-producer" : "resume-producer";
        const char *word = paused ? "producer-paused" : "producer-resumed";
        for (int again = 0; again < 2; again++) {
            say(p.f, 1, "{'type':'%s','data':{'producerId':'%s'}}", request, producer.text);
            expect_only_type(p.f, 1, word);
        }
        assert_int_equal(command(p.f, MEDIA_PAUSE_PRODUCER, NULL).pause.paused, paused);
        json_t *data = expect(p.f, 2, word); // once: nothing changed the second time
        assert_string_equal(text_at(data, "producerId"), producer.text);
        assert_true(strlen(text_at(data, "userId")) >= 20);
        json_decref(data);
        expect_nothing(p.f, 2);
        say(p.f, 2, "{'type':'%s','data':{'producerId':'%s'}}", request, producer.text);
        expect_error(p.f, 2, "not-found");
        if (paused) {
            say(p.f, 2, "{'type':'consume','data':{'producerId':'%s'}}", producer.text);
            data = expect(p.f, 2, "consumed");
            assert_true(json_is_true(at(data, "producerPaused")));
            json_decref(data);
            command(p.f, MEDIA_OPEN_CONSUMER, NULL);
        }
    }
    fake_free(p.f);
}

static void consumers_obey_their_owner(void **state) {
    (void)state;
    struct pair p = pair_new();
    struct id_text producer = make_video(p.f, 1, p.send, "v", 10);
    forget_texts(p.f);
    struct id_text consumer = make_consumer(p.f, 2, producer);
    forget_texts(p.f);
    p.f->command_count = 0;
    static const struct {
        const char *request, *more, *answer;
        enum media_cmd_type command;
    } rows[] = {
        {"pause-consumer", "", "consumer-paused", MEDIA_PAUSE_CONSUMER},
        {"resume-consumer", "", "consumer-resumed", MEDIA_PAUSE_CONSUMER},
        {"set-preferred-layers", ",'spatialLayer':1,'temporalLayer':2", "preferred-layers-set",
         MEDIA_SET_LAYERS},
        {"set-preferred-layers", ",'spatialLayer':0", "preferred-layers-set", MEDIA_SET_LAYERS},
        {"set-priority", ",'priority':255", "priority-set", MEDIA_SET_PRIORITY},
        {"set-max-bitrate", ",'maxBitrate':400000", "max-bitrate-set", MEDIA_SET_MAX_BITRATE},
        {"request-key-frame", "", "key-frame-requested", MEDIA_REQUEST_KEY_FRAME},
        {"close-consumer", "", "consumer-closed", MEDIA_CLOSE_CONSUMER},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        say(p.f, 1, "{'type':'%s','data':{'consumerId':'%s'%s}}", rows[i].request, consumer.text,
            rows[i].more);
        expect_error(p.f, 1, "not-found"); // another's
        assert_int_equal(p.f->command_count, 0);
        say(p.f, 2, "{'type':'%s','data':{'consumerId':'%s'%s}}", rows[i].request, consumer.text,
            rows[i].more);
        json_t *data = expect(p.f, 2, rows[i].answer);
        assert_string_equal(text_at(data, "consumerId"), consumer.text);
        json_decref(data);
        struct media_cmd cmd = command(p.f, rows[i].command, NULL);
        if (cmd.type == MEDIA_PAUSE_CONSUMER)
            assert_int_equal(cmd.pause.paused, i == 0);
        if (cmd.type == MEDIA_SET_LAYERS) {
            assert_int_equal(cmd.layers.spatial, i == 2 ? 1 : 0);
            assert_int_equal(cmd.layers.temporal, i == 2 ? 2 : LAYER_NONE);
        }
        if (cmd.type == MEDIA_SET_PRIORITY)
            assert_int_equal(cmd.priority.priority, 255);
        if (cmd.type == MEDIA_SET_MAX_BITRATE)
            assert_true(cmd.max_bitrate.bps == 400000 && cmd.consumer.v != 0 && cmd.transport.v == 0);
    }
    expect_nothing(p.f, 1);
    assert_int_equal(counts(p.f).consumers, 0);
    fake_free(p.f);
}

// What is asked for, and what the answer says that counts: no layer that the producer does not have.
static void layers_are_answered_as_they_count(void **state) {
    (void)state;
#define ONE_STREAM(mode) "[{'ssrc':10,'scalabilityMode':'" mode "'}]"
    static const struct {
        const char *codec, *encodings, *wish;
        int spatial, temporal;
    } rows[] = {
        {"VP8", "[{'ssrc':10}]", "'spatialLayer':7,'temporalLayer':7", 0, 7}, // it may have some
        {"VP8", ONE_STREAM("L1T3"), "'spatialLayer':0,'temporalLayer':0", 0, 0},
        {"VP8", ONE_STREAM("L1T3"), "'spatialLayer':0,'temporalLayer':5", 0, 2},
        {"VP8", ONE_STREAM("L1T3"), "'spatialLayer':0", 0, 2},
        {"VP8", "[{'rid':'a'},{'rid':'b'},{'rid':'c'}]", "'spatialLayer':1", 1, 0},
        {"VP8", "[{'rid':'a'},{'rid':'b'},{'rid':'c'}]", "'spatialLayer':5", 2, 0},
        {"VP8", "[{'rid':'a','scalabilityMode':'L1T2'},{'rid':'b','scalabilityMode':'L1T2'}]",
         "'spatialLayer':0,'temporalLayer':0", 0, 0},
        {"AV1", ONE_STREAM("L3T3"), "'spatialLayer':0,'temporalLayer':1", 0, 1},
        {"AV1", ONE_STREAM("L2T1"), "'spatialLayer':1", 1, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct pair p = pair_new();
        say(p.f, 1,
            "{'type':'produce','data':{'transportId':'%s','kind':'video','rtpParameters':{'mid':'v','codecs':"
            "["
            "{'mimeType':'video/%s','payloadType':96,'clockRate':90000}],'encodings':%s}}}",
            p.send.text, rows[i].codec, rows[i].encodings);
        json_t *data = expect(p.f, 1, "produced");
        struct id_text producer = id_of(data, "producerId");
        forget_texts(p.f);
        struct id_text consumer = make_consumer(p.f, 2, producer);
        forget_texts(p.f);
        say(p.f, 2, "{'type':'set-preferred-layers','data':{'consumerId':'%s',%s}}", consumer.text,
            rows[i].wish);
        data = expect(p.f, 2, "preferred-layers-set");
        assert_int_equal(int_at(data, "spatialLayer"), rows[i].spatial);
        assert_int_equal(int_at(data, "temporalLayer"), rows[i].temporal);
        json_decref(data);
        fake_free(p.f);
    }
}

static void closing_reaches_those_who_watch(void **state) {
    (void)state;
    struct pair p = pair_new();
    joins_capable(p.f, 3, "r", "cat");
    static const char *const ways[] = {"close-producer", "close-transport", "leave-room", "lost"};
    struct id_text send = p.send;
    for (size_t i = 0; i < 4; i++) {
        forget_texts(p.f);
        struct id_text producer = make_video(p.f, 1, send, "v", 10);
        expect_only_type(p.f, 2, "new-producer");
        struct id_text consumer = make_consumer(p.f, 2, producer);
        forget_texts(p.f);
        if (i == 3) {
            signalling_client_closed(p.f->signalling, 1, p.f->now_us);
            pass(p.f, 31 * US_PER_SECOND);
        } else {
            say(p.f, 1, "{'type':'%s','data':{'%s':'%s'}}", ways[i], i == 0 ? "producerId" : "transportId",
                i == 0 ? producer.text : send.text);
        }
        json_t *data = expect(p.f, 2, "consumer-closed");
        assert_string_equal(text_at(data, "consumerId"), consumer.text);
        assert_string_equal(text_at(data, "reason"), "producer-closed");
        json_decref(data);
        data = expect(p.f, 2, "producer-closed");
        assert_string_equal(text_at(data, "producerId"), producer.text);
        json_decref(data);
        expect_only_type(p.f, 3, "producer-closed"); // could have watched
        if (i >= 2)
            expect_only_type(p.f, 2, "user-left");
        expect_nothing(p.f, 2);
        assert_int_equal(counts(p.f).producers, 0);
        assert_int_equal(counts(p.f).consumers, 0);
        if (i == 2) {
            say(p.f, 1, "{'type':'join-room','data':{'roomId':'r','username':'ann'}}");
            forget_texts(p.f);
        }
        if (i == 1 || i == 2) {
            forget_texts(p.f);
            send = make_transport(p.f, 1, "send");
        }
    }
    fake_free(p.f);
}

static void closing_a_recv_transport_tells_its_owner(void **state) {
    (void)state;
    struct pair p = pair_new();
    struct id_text producer = make_video(p.f, 1, p.send, "v", 10);
    forget_texts(p.f);
    struct id_text consumer = make_consumer(p.f, 2, producer);
    p.f->command_count = 0;
    say(p.f, 2, "{'type':'close-transport','data':{'transportId':'%s'}}", p.recv.text);
    json_t *data = expect(p.f, 2, "consumer-closed");
    assert_string_equal(text_at(data, "consumerId"), consumer.text);
    assert_string_equal(text_at(data, "reason"), "transport-closed");
    json_decref(data);
    expect_only_type(p.f, 2, "transport-closed");
    command(p.f, MEDIA_CLOSE_TRANSPORT, NULL); // takes the consumer with it
    assert_int_equal(p.f->command_count, 0);
    expect_nothing(p.f, 1);
    fake_free(p.f);
}

static void limits_hold(void **state) {
    (void)state;
    struct fake *f = fake_new(1);
    f->config.limits.producers_per_participant_max = 2;
    f->config.limits.consumers_per_participant_max = 1;
    fake_start(f);
    joins_capable(f, 1, "r", "ann");
    joins_capable(f, 2, "r", "bob");
    struct id_text send = make_transport(f, 1, "send");
    make_transport(f, 2, "recv");
    forget_texts(f);
    struct id_text audio = make_audio(f, 1, send, "a", 10);
    struct id_text video = make_video(f, 1, send, "v", 20);
    say(f, 1,
        "{'type':'produce','data':{'transportId':'%s','kind':'audio','rtpParameters':" AUDIO_PARAMETERS "}}",
        send.text, "b", 30, "x");
    expect_error(f, 1, "limit-reached");
    forget_texts(f);
    make_consumer(f, 2, audio);
    say(f, 2, "{'type':'consume','data':{'producerId':'%s'}}", video.text);
    expect_error(f, 2, "limit-reached");
    fake_free(f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(producing_is_announced),
        cmocka_unit_test(simulcast_is_accepted),
        cmocka_unit_test(bad_offers_are_refused),
        cmocka_unit_test(impossible_codecs_are_unsupported),
        cmocka_unit_test(consuming_gives_parameters),
        cmocka_unit_test(ssrcs_are_never_used_twice),
        cmocka_unit_test(one_producer_is_consumed_twice_at_most),
        cmocka_unit_test(impossible_consumes_are_refused),
        cmocka_unit_test(pausing_a_producer_is_told),
        cmocka_unit_test(consumers_obey_their_owner),
        cmocka_unit_test(layers_are_answered_as_they_count),
        cmocka_unit_test(closing_reaches_those_who_watch),
        cmocka_unit_test(closing_a_recv_transport_tells_its_owner),
        cmocka_unit_test(limits_hold),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
