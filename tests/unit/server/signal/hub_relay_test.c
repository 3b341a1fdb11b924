// Rooms over several workers: placement, relays and their counts, layers over workers.
#include "fake_media.h"

// ann sends on worker 0; bob and cat receive on worker 1, dan on worker 0.
struct spread {
    struct fake *f;
    struct id_text send, bob_recv, audio, video;
};

static struct spread spread_limited(uint32_t commands_waiting_max) {
    struct spread s = {.f = fake_new(2)};
    s.f->config.limits.participants_per_worker = 2;
    s.f->config.limits.commands_waiting_max = commands_waiting_max;
    fake_start(s.f);
    joins_capable(s.f, 1, "r", "ann");
    joins_capable(s.f, 4, "r", "dan");
    joins_capable(s.f, 2, "r", "bob");
    joins_capable(s.f, 3, "r", "cat");
    unsigned worker;
    s.send = make_transport(s.f, 1, "send");
    command(s.f, MEDIA_OPEN_TRANSPORT, &worker);
    assert_int_equal(worker, 0);
    make_transport(s.f, 4, "recv");
    command(s.f, MEDIA_OPEN_TRANSPORT, &worker);
    assert_int_equal(worker, 0);
    s.bob_recv = make_transport(s.f, 2, "recv");
    command(s.f, MEDIA_OPEN_TRANSPORT, &worker);
    assert_int_equal(worker, 1);
    make_transport(s.f, 3, "recv");
    command(s.f, MEDIA_OPEN_TRANSPORT, &worker);
    assert_int_equal(worker, 1);
    s.audio = make_audio(s.f, 1, s.send, "a", 10);
    s.video = make_video(s.f, 1, s.send, "v", 20);
    command(s.f, MEDIA_OPEN_PRODUCER, NULL);
    command(s.f, MEDIA_OPEN_PRODUCER, NULL);
    forget_texts(s.f);
    return s;
}

static struct spread spread_new(void) {
    return spread_limited(64 * 1024);
}

static void expect_command(struct fake *f, enum media_cmd_type type, unsigned worker) {
    unsigned got;
    command(f, type, &got);
    assert_int_equal(got, worker);
}

static void close_consumer(struct fake *f, uint32_t client, struct id_text consumer) {
    say(f, client, "{'type':'close-consumer','data':{'consumerId':'%s'}}", consumer.text);
    expect_only_type(f, client, "consumer-closed");
}

static void a_relay_opens_once_and_closes_with_the_last(void **state) {
    (void)state;
    struct spread s = spread_new();
    unsigned worker;
    struct id_text bobs = make_consumer(s.f, 2, s.video);
    struct media_cmd open = command(s.f, MEDIA_OPEN_RELAYED_PRODUCER, &worker); // the destination first
    assert_int_equal(worker, 1);
    assert_int_equal(open.open_producer.source.v, 0);
    assert_int_equal(open.open_producer.params.streams[0].ssrc, 20);
    struct media_cmd relay = command(s.f, MEDIA_OPEN_RELAY, &worker);
    assert_int_equal(worker, 0);
    assert_int_equal(relay.relay.link.v, 1);
    assert_int_equal(relay.producer.v, open.producer.v);
    expect_command(s.f, MEDIA_OPEN_CONSUMER, 1);
    assert_int_equal(counts(s.f).relays, 1);
    // a second one there, and one at home, need no more
    struct id_text cats = make_consumer(s.f, 3, s.video);
    expect_command(s.f, MEDIA_OPEN_CONSUMER, 1);
    make_consumer(s.f, 4, s.video);
    expect_command(s.f, MEDIA_OPEN_CONSUMER, 0);
    // another producer has a relay of its own
    make_consumer(s.f, 2, s.audio);
    expect_command(s.f, MEDIA_OPEN_RELAYED_PRODUCER, 1);
    expect_command(s.f, MEDIA_OPEN_RELAY, 0);
    expect_command(s.f, MEDIA_OPEN_CONSUMER, 1);
    assert_int_equal(counts(s.f).relays, 2);
    // pausing reaches both workers
    say(s.f, 1, "{'type':'pause-producer','data':{'producerId':'%s'}}", s.video.text);
    expect_command(s.f, MEDIA_PAUSE_PRODUCER, 0);
    expect_command(s.f, MEDIA_PAUSE_PRODUCER, 1);
    forget_texts(s.f);
    close_consumer(s.f, 2, bobs);
    expect_command(s.f, MEDIA_CLOSE_CONSUMER, 1);
    assert_int_equal(s.f->command_count, 0);
    close_consumer(s.f, 3, cats);
    expect_command(s.f, MEDIA_CLOSE_CONSUMER, 1);
    relay = command(s.f, MEDIA_CLOSE_RELAY, &worker);
    assert_int_equal(worker, 0);
    assert_int_equal(relay.relay.link.v, 1);
    expect_command(s.f, MEDIA_CLOSE_PRODUCER, 1);
    assert_int_equal(s.f->command_count, 0);
    assert_int_equal(counts(s.f).relays, 1);
    // and opens again
    make_consumer(s.f, 3, s.video);
    open = command(s.f, MEDIA_OPEN_RELAYED_PRODUCER, NULL);
    assert_true(open.open_producer.paused);
    expect_command(s.f, MEDIA_OPEN_RELAY, 0);
    fake_free(s.f);
}

static void every_end_closes_the_relays(void **state) {
    (void)state;
    static const struct {
        uint32_t client;
        const char *request;
        enum media_cmd_type commands[6];
        unsigned workers[6];
        size_t count;
    } rows[] = {
        {1, "close-producer", {MEDIA_CLOSE_RELAY, MEDIA_CLOSE_PRODUCER, MEDIA_CLOSE_PRODUCER}, {0, 1, 0}, 3},
        {1, "leave-room", {MEDIA_CLOSE_RELAY, MEDIA_CLOSE_PRODUCER, MEDIA_CLOSE_TRANSPORT}, {0, 1, 0}, 3},
        {2,
         "close-transport",
         {MEDIA_CLOSE_RELAY, MEDIA_CLOSE_PRODUCER, MEDIA_CLOSE_TRANSPORT},
         {0, 1, 1},
         3},
        {2, "leave-room", {MEDIA_CLOSE_RELAY, MEDIA_CLOSE_PRODUCER, MEDIA_CLOSE_TRANSPORT}, {0, 1, 1}, 3},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct spread s = spread_new();
        make_consumer(s.f, 2, s.video);
        s.f->command_count = 0;
        say(s.f, rows[i].client, "{'type':'%s','data':{'producerId':'%s','transportId':'%s'}}",
            rows[i].request, s.video.text, s.bob_recv.text);
        for (size_t n = 0; n < rows[i].count; n++)
            expect_command(s.f, rows[i].commands[n], rows[i].workers[n]);
        assert_int_equal(s.f->command_count, 0);
        assert_int_equal(counts(s.f).relays, 0);
        assert_int_equal(counts(s.f).consumers, 0);
        fake_free(s.f);
    }
}

static void a_refusal_leaves_no_half_relay(void **state) {
    (void)state;
    struct spread s = spread_limited(0);
    for (unsigned full = 0; full < 2; full++) {
        s.f->full[full] = true;
        say(s.f, 2, "{'type':'consume','data':{'producerId':'%s'}}", s.video.text);
        expect_error(s.f, 2, "internal");
        assert_int_equal(counts(s.f).relays, 0);
        assert_int_equal(counts(s.f).consumers, 0);
        s.f->full[full] = false;
        if (full == 0) { // the destination had it already
            expect_command(s.f, MEDIA_OPEN_RELAYED_PRODUCER, 1);
            expect_command(s.f, MEDIA_CLOSE_PRODUCER, 1);
        }
        assert_int_equal(s.f->command_count, 0);
    }
    json_t *consumed;
    say(s.f, 2, "{'type':'consume','data':{'producerId':'%s'}}", s.video.text);
    consumed = expect(s.f, 2, "consumed");
    assert_string_equal(text_at(consumed, "rtpParameters.mid"), "0"); // no MID was used up
    json_decref(consumed);
    fake_free(s.f);
}

static void report_wanted(struct spread *s, unsigned worker, struct producer_id producer, int8_t spatial) {
    struct media_event event = {.type = MEDIA_LAYERS_WANTED, .producer = producer};
    event.layers.spatial = spatial;
    event.layers.temporal = LAYER_NONE;
    hub_media_event(s->f->hub, worker, &event, s->f->now_us);
}

// The next producer-layers-wanted that ann hears; -1: null, -2: nothing.
static int wanted_told(struct spread *s) {
    json_t *message = hear(s->f, 1);
    if (!message)
        return -2;
    assert_string_equal(type_of(message), "producer-layers-wanted");
    const json_t *layer = at(message, "data.spatialLayer");
    int told = json_is_null(layer) ? -1 : (int)json_integer_value(layer);
    json_decref(message);
    return told;
}

static void wanted_layers_are_the_most_of_all_workers(void **state) {
    (void)state;
    struct spread s = spread_new();
    make_consumer(s.f, 4, s.video);
    struct id_text bobs = make_consumer(s.f, 2, s.video);
    struct producer_id id = s.f->commands[0].cmd.producer;
    assert_int_equal(s.f->commands[0].cmd.type, MEDIA_OPEN_CONSUMER);
    report_wanted(&s, 0, id, 0);
    assert_int_equal(wanted_told(&s), 0);
    report_wanted(&s, 1, id, 2);
    assert_int_equal(wanted_told(&s), 2);
    report_wanted(&s, 0, id, 1);
    assert_int_equal(wanted_told(&s), -2); // still 2
    close_consumer(s.f, 2, bobs);          // and with it that worker's wish
    assert_int_equal(wanted_told(&s), 1);
    report_wanted(&s, 1, id, 2); // from a relay that is gone
    assert_int_equal(wanted_told(&s), -2);
    report_wanted(&s, 0, id, LAYER_NONE);
    assert_int_equal(wanted_told(&s), -1);
    fake_free(s.f);
}

static void sixty_participants_fit_on_four_workers(void **state) {
    (void)state;
    struct fake *f = fake_new(4);
    f->config.limits.messages_per_second_max = 10000;
    f->config.limits.participants_per_worker = 16;
    fake_start(f);
    unsigned on[4] = {0};
    struct id_text producers[60];
    for (uint32_t i = 0; i < 60; i++) {
        char name[16];
        snprintf(name, sizeof name, "u%u", i);
        joins_capable(f, i + 1, "r", name);
        struct id_text send = make_transport(f, i + 1, "send");
        unsigned worker;
        command(f, MEDIA_OPEN_TRANSPORT, &worker);
        on[worker]++;
        make_transport(f, i + 1, "recv");
        producers[i] = make_audio(f, i + 1, send, "0", 1000 + i);
        forget_texts(f);
        f->command_count = 0;
    }
    for (unsigned w = 0; w < 4; w++)
        assert_true(on[w] >= 12 && on[w] <= 16);
    uint32_t relayed = 0;
    for (uint32_t i = 0; i < 60; i++)
        for (uint32_t j = 0; j < 60; j++) {
            if (i == j)
                continue;
            make_consumer(f, i + 1, producers[j]);
            for (size_t c = 0; c < f->command_count; c++)
                relayed += f->commands[c].cmd.type == MEDIA_OPEN_RELAY;
            f->command_count = 0;
        }
    assert_int_equal(counts(f).consumers, 60 * 59);
    assert_int_equal(relayed, 60 * 3); // to each other worker once
    assert_int_equal(counts(f).relays, 60 * 3);
    f->quiet = true;
    for (uint32_t i = 0; i < 60; i++) {
        f->command_count = 0;
        say(f, i + 1, "{'type':'leave-room'}");
    }
    assert_int_equal(counts(f).relays, 0);
    assert_int_equal(counts(f).consumers, 0);
    assert_int_equal(counts(f).transports, 0);
    fake_free(f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_relay_opens_once_and_closes_with_the_last),
        cmocka_unit_test(every_end_closes_the_relays),
        cmocka_unit_test(a_refusal_leaves_no_half_relay),
        cmocka_unit_test(wanted_layers_are_the_most_of_all_workers),
        cmocka_unit_test(sixty_participants_fit_on_four_workers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
