// Who costs pays: the size of `joined`, appData, chat, and what one participant may make the server send to
// others.
#include "fake_media.h"

#include "server/hub/hub_internal.h"
#include "server/signal/signal.h"

static size_t longest_joined; // of all texts, whoever got them
static size_t owed_texts;

static void measure_owed(void *ctx, uint32_t client, const char *text, size_t len, enum signal_haste haste) {
    struct fake *f = ctx;
    owed_texts += haste == SIGNAL_OWED;
    if (haste == SIGNAL_OWED && strncmp(text, "{\"type\":\"joined\"", 16) == 0 && len > longest_joined)
        longest_joined = len;
    fake_send(f, client, text, len, haste);
}

static struct fake *fake_measured(void (*limit)(struct hub_limits *limits)) {
    struct fake *f = fake_new(1);
    longest_joined = owed_texts = 0;
    if (limit)
        limit(&f->config.limits);
    struct signal_io io = fake_signal_io(f);
    io.send = measure_owed;
    fake_start_with(f, &io);
    return f;
}

static void no_rates(struct hub_limits *limits) {
    limits->messages_per_second_max = 1000000;
    limits->relay_rate_max = UINT32_MAX;
    limits->relayed_bytes_max = UINT32_MAX;
}

static void fill(char *out, const char *unit, size_t bytes) {
    size_t len = strlen(unit);
    for (size_t n = 0; n < bytes; n++)
        out[n] = unit[n % len];
    out[bytes] = '\0';
}

// The code of the client's next text, "" for none and for what is no error.
static const char *error_code(struct fake *f, uint32_t client) {
    static char code[32];
    json_t *message = hear(f, client);
    code[0] = '\0';
    if (message && strcmp(type_of(message), "error") == 0)
        snprintf(code, sizeof code, "%s", text_at(message, "data.code"));
    json_decref(message);
    return code;
}

// ---- chat

static void control_characters_are_refused(void **state) {
    (void)state;
    static const struct {
        const char *text;
        bool fine;
    } rows[] = {{"one\\n\\ttwo", true}, {"\\u0001", false},    {"a\\u007f", false},   {"\\u0085", false},
                {"\\r", false},         {"caf\xc3\xa9", true}, {"\\u001b[31m", false}};
    struct fake *f = fake_hub(1);
    joins(f, 1, "r", "ann");
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        say(f, 1, "{'type':'chat-message','data':{'text':'%s'}}", rows[i].text);
        if (rows[i].fine)
            expect_only_type(f, 1, "chat-message");
        else
            expect_error(f, 1, "bad-request");
    }
    say(f, 1, "{'type':'chat-message','data':{'text':'x','timestamp':'\\u0007'}}");
    expect_error(f, 1, "bad-request");
    fake_free(f);
}

static void history_is_bounded_as_encoded(void **state) {
    (void)state;
    static char text[8 * 1024 * 2 + 1];
    struct fake *f = fake_measured(no_rates);
    joins(f, 1, "r", "ann");
    fill(text, "\\\"", sizeof text - 1); // 8192 quotes
    for (int i = 0; i < 100; i++) {
        char message[sizeof text + 100];
        snprintf(message, sizeof message, "{\"type\":\"chat-message\",\"data\":{\"text\":\"%s\"}}", text);
        say_raw(f, 1, message);
        expect_only_type(f, 1, "chat-message");
    }
    json_t *joined = join(f, 2, "r", "bob");
    assert_int_equal(json_array_size(at(joined, "chat")), 2); // of 16 KiB each, and 48 KiB are kept
    json_decref(joined);
    assert_true(longest_joined < 256 * 1024);
    fake_free(f);
}

// ---- appData

static const char *produce(struct fake *f, uint32_t client, struct id_text transport, unsigned n,
                           size_t app_bytes) {
    static char app[APP_DATA_BYTES_MAX + 100];
    fill(app, "x", app_bytes);
    forget_texts(f);
    say(f, client,
        "{'type':'produce','data':{'transportId':'%s','kind':'audio','appData':{'a':'%s'},'rtpParameters':"
        "{'mid':'%u','codecs':[{'mimeType':'audio/opus','payloadType':111,'clockRate':48000,'channels':2}],"
        "'encodings':[{'ssrc':%u}]}}}",
        transport.text, app, n, 1000 + n);
    return error_code(f, client);
}

static void app_data_has_a_budget(void **state) {
    (void)state;
    struct fake *f = fake_measured(no_rates);
    size_t biggest = APP_DATA_BYTES_MAX - 8; // {"a":"..."}
    struct id_text send[17];
    for (uint32_t client = 1; client <= 16; client++) {
        char name[8];
        snprintf(name, sizeof name, "u%u", client);
        joins_capable(f, client, "r", name);
        send[client] = make_transport(f, client, "send");
    }
    // four of the largest are one participant's share
    for (unsigned n = 0; n < 4; n++)
        assert_string_equal(produce(f, 1, send[1], n, biggest), "");
    assert_string_equal(produce(f, 1, send[1], 5, biggest), "limit-reached");
    assert_string_equal(produce(f, 1, send[1], 5, 0), "limit-reached");
    // and the room has another bound
    unsigned taken = 0;
    for (uint32_t client = 2; client <= 16; client++)
        for (unsigned n = 0; n < 16; n++)
            taken += produce(f, client, send[client], n, biggest)[0] == '\0';
    assert_in_range(taken, 11, 13);
    // who says little is never refused
    assert_string_equal(produce(f, 16, send[16], 20, 50), "");
    assert_string_equal(produce(f, 16, send[16], 21, 50), "");
    forget_texts(f);
    joins(f, 20, "r", "late");
    assert_true(longest_joined < 256 * 1024);
    // closing gives back
    say(f, 1, "{'type':'close-transport','data':{'transportId':'%s'}}", send[1].text);
    send[1] = (forget_texts(f), make_transport(f, 1, "send"));
    assert_string_equal(produce(f, 1, send[1], 0, biggest), "");
    fake_free(f);
}

// ---- large rooms

static void what_does_not_fit_follows(void **state) {
    (void)state;
    enum { PEOPLE = 500 };
    struct fake *f = fake_measured(no_rates);
    char name[USERNAME_BYTES_MAX + 1];
    f->quiet = true;
    for (uint32_t client = 1; client <= PEOPLE - 1; client++) {
        open_client(f, client);
        for (size_t i = 0; i < 60; i++) // 60 characters of four bytes
            memcpy(name + 4 * i, "\xf0\x9f\x98\x80", 4);
        snprintf(name + 240, 8, "%u", client);
        say(f, client, "{'type':'join-room','data':{'roomId':'r','username':'%s'}}", name);
    }
    assert_int_equal(counts(f).participants, PEOPLE - 1);
    f->quiet = false;
    owed_texts = 0;
    json_t *joined = join(f, PEOPLE, "r", "last");
    assert_true(longest_joined < 256 * 1024);
    size_t peers = json_array_size(at(joined, "peers"));
    assert_in_range(peers, 100, PEOPLE - 2);
    assert_int_equal(json_array_size(at(joined, "users")), peers + 1);
    assert_string_equal(text_at(joined, "users.0") + 240, "1");
    for (size_t i = peers; i < PEOPLE - 1; i++)
        expect_only_type(f, PEOPLE, "user-joined");
    expect_nothing(f, PEOPLE);
    assert_int_equal(owed_texts, 1 + PEOPLE - 1 - peers);
    json_decref(joined);
    fake_free(f);
}

static void most_that_can_be_set(struct hub_limits *limits) {
    no_rates(limits);
    limits->consumers_per_participant_max = 5000;
    limits->producers_per_participant_max = 256;
    limits->transports_per_participant_max = 64;
}

static void expect_fitting_producers(void (*limit)(struct hub_limits *limits), size_t least, size_t most) {
    struct fake *f = fake_measured(limit);
    f->quiet = false;
    unsigned made = 0;
    for (uint32_t client = 1; client <= 50; client++) {
        char name[16];
        snprintf(name, sizeof name, "user %u", client);
        joins_capable(f, client, "r", name);
        struct id_text send = make_transport(f, client, "send");
        for (unsigned n = 0; n < 16; n++)
            made += produce(f, client, send, n, 0)[0] == '\0';
        forget_texts(f);
        f->command_count = 0;
    }
    assert_int_equal(made, 800);
    json_t *joined = join(f, 99, "r", "late");
    size_t listed = json_array_size(at(joined, "producers"));
    assert_in_range(listed, least, most);
    assert_true(longest_joined < 256 * 1024);
    for (size_t i = listed; i < made; i++) {
        json_t *data = expect(f, 99, "new-producer");
        assert_string_equal(text_at(data, "appData.a"), "");
        json_decref(data);
    }
    expect_nothing(f, 99);
    json_decref(joined);
    fake_free(f);
}

static void producers_that_do_not_fit_follow(void **state) {
    (void)state;
    expect_fitting_producers(no_rates, 300, 799);
    expect_fitting_producers(most_that_can_be_set, 100, 300); // there must be room for one's own ids
}

// Everything at once that the limits allow, as one `joined` that resumes.
static void joined_is_bounded_by_its_limits(void **state) {
    (void)state;
    struct hub_limits limits;
    hub_limits_default(&limits);
    assert_int_equal(hub_joined_lists_bytes(&limits), HUB_JOINED_LISTS_BYTES_MAX);
    most_that_can_be_set(&limits);
    assert_in_range(hub_joined_lists_bytes(&limits), 32 * 1024, 64 * 1024);
    json_t *router = negotiate_router_capabilities();
    size_t fixed = json_dumpb(router, NULL, 0, JSON_COMPACT) + ICE_URLS_MAX * (ICE_URL_MAX * 2) +
                   6 * ROOM_NAME_BYTES_MAX + 1024 + ROOM_METADATA_BYTES_MAX;
    assert_true(fixed <= JOINED_REST_BYTES_MAX);
    json_decref(router);
}

// ---- what others are sent

// Sends `count` payloads of `bytes` from `client` to `target`; how many were passed on.
static unsigned relay(struct fake *f, uint32_t client, const char *target, size_t bytes, unsigned count) {
    static char payload[SIGNAL_MESSAGE_MAX];
    fill(payload, "x", bytes);
    unsigned passed = 0;
    for (unsigned i = 0; i < count; i++) {
        say(f, client, "{'type':'webrtc-offer','id':1,'data':{'target':'%s','payload':{'sdp':'%s'}}}", target,
            payload);
        json_t *answer = hear(f, client);
        bool ok = strcmp(type_of(answer), "relayed") == 0;
        if (!ok) {
            assert_string_equal(text_at(answer, "data.code"), "rate-limited");
            assert_non_null(strstr(text_at(answer, "data.message"), "send it again in "));
        }
        passed += ok;
        json_decref(answer);
    }
    return passed;
}

static void a_burst_of_relays_is_refused_to_its_sender(void **state) {
    (void)state;
    struct fake *f = fake_hub(1);
    joins(f, 1, "r", "ann");
    joins(f, 2, "r", "bob");
    joins(f, 3, "r", "cat");
    forget_texts(f);
    unsigned passed = relay(f, 1, "bob", 60000, 300);
    assert_in_range(passed, 4, 8);
    // a third one is heard all the same, and so is ann by cat
    assert_int_equal(relay(f, 3, "bob", 10000, 3), 3);
    assert_int_equal(relay(f, 1, "cat", 1000, 1), 1);
    // and after a while again
    pass(f, 2 * US_PER_SECOND);
    assert_in_range(relay(f, 1, "bob", 60000, 10), 1, 4);
    forget_texts(f);
    fake_free(f);
}

// However many send, one target gets no more than its bound, and the last one still finds room.
static void many_senders_share_what_one_target_takes(void **state) {
    (void)state;
    enum { SENDERS = 20 };
    struct fake *f = fake_hub(1);
    joins(f, 99, "r", "target");
    for (uint32_t client = 1; client <= SENDERS; client++) {
        char name[8];
        snprintf(name, sizeof name, "u%u", client);
        joins(f, client, "r", name);
        forget_texts(f);
    }
    forget_texts(f);
    size_t passed = 0;
    for (int round = 0; round < 30; round++)
        for (uint32_t client = 1; client < SENDERS; client++)
            passed += relay(f, client, "target", 4000, 1);
    assert_in_range(passed * 4000, f->config.limits.relayed_bytes_max / 2,
                    f->config.limits.relayed_bytes_max);
    assert_int_equal(relay(f, SENDERS, "target", 4000, 3), 3);
    forget_texts(f);
    fake_free(f);
}

static unsigned chat(struct fake *f, uint32_t client, size_t bytes, unsigned count) {
    static char text[8 * 1024 + 1];
    fill(text, "x", bytes);
    unsigned passed = 0;
    for (unsigned i = 0; i < count; i++) {
        say(f, client, "{'type':'chat-message','id':1,'data':{'text':'%s'}}", text);
        json_t *answer = hear(f, client);
        bool ok = strcmp(type_of(answer), "chat-message") == 0;
        if (!ok)
            assert_string_equal(text_at(answer, "data.code"), "rate-limited");
        passed += ok;
        json_decref(answer);
    }
    return passed;
}

static void a_burst_of_chat_is_refused_to_the_talker(void **state) {
    (void)state;
    struct fake *f = fake_hub(1);
    joins(f, 1, "r", "ann");
    joins(f, 2, "r", "bob");
    joins(f, 3, "r", "cat");
    forget_texts(f);
    assert_in_range(chat(f, 1, 8000, 250), 20, 80);
    assert_int_equal(chat(f, 2, 200, 20), 20);
    forget_texts(f);
    // alone one disturbs nobody
    joins(f, 9, "other", "ann");
    assert_int_equal(chat(f, 9, 8000, 250), 250);
    fake_free(f);
}

static void bytes_count_for_each_receiver(void **state) {
    (void)state;
    struct fake *f = fake_new(1);
    f->config.limits.relay_rate_max = 100 * 1000;
    f->config.limits.relayed_bytes_max = UINT32_MAX;
    fake_start(f);
    joins(f, 1, "r", "ann");
    for (uint32_t client = 2; client <= 101; client++) {
        char name[8];
        snprintf(name, sizeof name, "u%u", client);
        joins(f, client, "r", name);
        forget_texts(f);
    }
    forget_texts(f);
    f->quiet = false;
    unsigned passed = 0; // 800 KB at once are 8000 bytes to each of 100
    for (unsigned i = 0; i < 20; i++) {
        passed += chat(f, 1, 1000 - 200, 1);
        forget_texts(f);
    }
    assert_in_range(passed, 7, 9);
    pass(f, US_PER_SECOND);
    assert_int_equal(chat(f, 1, 1000 - 200, 3), 1);
    assert_true(counts(f).rate_limited >= 13);
    forget_texts(f);
    fake_free(f);
}

static void leaving_and_resuming_bring_no_new_budget(void **state) {
    (void)state;
    struct fake *f = fake_hub(1);
    joins(f, 2, "r", "bob");
    json_t *ann = join(f, 1, "r", "ann");
    forget_texts(f);
    relay(f, 1, "bob", 60000, 20);
    say(f, 1, "{'type':'leave-room'}");
    forget_texts(f);
    say(f, 1, "{'type':'join-room','data':{'roomId':'r','username':'ann'}}");
    json_t *again = expect(f, 1, "joined");
    assert_int_equal(relay(f, 1, "bob", 60000, 1), 0);
    signalling_client_closed(f->signalling, 1, f->now_us);
    open_client(f, 5);
    say(f, 5, "{'type':'join-room','data':{'roomId':'r','resumeToken':'%s'}}", text_at(again, "resumeToken"));
    expect_only_type(f, 5, "joined");
    assert_int_equal(relay(f, 5, "bob", 60000, 1), 0);
    json_decref(ann);
    json_decref(again);
    forget_texts(f);
    fake_free(f);
}

// Whoever joins and leaves without end makes everybody hear of it.
static void joining_and_leaving_costs(void **state) {
    (void)state;
    struct fake *f = fake_new(1);
    f->config.limits.messages_per_second_max = 100000;
    f->config.limits.relay_rate_max = 10000;
    fake_start(f);
    for (uint32_t client = 2; client <= 101; client++) {
        char name[8];
        snprintf(name, sizeof name, "u%u", client);
        joins(f, client, "r", name);
        forget_texts(f);
    }
    f->quiet = true;
    open_client(f, 1);
    for (int i = 0; i < 1000; i++) {
        say(f, 1, "{'type':'join-room','data':{'roomId':'r','username':'ann'}}");
        say(f, 1, "{'type':'leave-room'}");
    }
    assert_in_range(counts(f).joins, 102, 110);
    f->quiet = false;
    forget_texts(f);
    say(f, 1, "{'type':'join-room','data':{'roomId':'r','username':'ann'}}");
    expect_error(f, 1, "rate-limited");
    fake_free(f);
}

// Hundreds join at once, each with two tracks: nobody is to wait for the others' notices.
static void a_crowd_may_produce(void **state) {
    (void)state;
    enum { PEOPLE = 300 };
    struct fake *f = fake_new(1);
    fake_start(f);
    f->quiet = true;
    for (uint32_t client = 1; client <= PEOPLE; client++) {
        open_client(f, client);
        f->quiet = true;
        say(f, client, "{'type':'join-room','data':{'roomId':'r','username':'u%u'}}", client);
        f->quiet = false;
        struct id_text send = (forget_texts(f), make_transport(f, client, "send"));
        for (unsigned n = 0; n < 2; n++) {
            say(f, client,
                "{'type':'produce','data':{'transportId':'%s','kind':'audio','rtpParameters':{'mid':'%u','"
                "codecs':["
                "{'mimeType':'audio/"
                "opus','payloadType':111,'clockRate':48000,'channels':2}],'encodings':[{'ssrc':%u}]"
                "}}}",
                send.text, n, 1000 + n);
            expect_only_type(f, client, "produced");
            forget_texts(f);
        }
        f->command_count = 0;
    }
    assert_int_equal(counts(f).producers, 2 * PEOPLE);
    fake_free(f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(control_characters_are_refused),
        cmocka_unit_test(history_is_bounded_as_encoded),
        cmocka_unit_test(app_data_has_a_budget),
        cmocka_unit_test(what_does_not_fit_follows),
        cmocka_unit_test(producers_that_do_not_fit_follow),
        cmocka_unit_test(joined_is_bounded_by_its_limits),
        cmocka_unit_test(a_burst_of_relays_is_refused_to_its_sender),
        cmocka_unit_test(many_senders_share_what_one_target_takes),
        cmocka_unit_test(a_burst_of_chat_is_refused_to_the_talker),
        cmocka_unit_test(bytes_count_for_each_receiver),
        cmocka_unit_test(leaving_and_resuming_bring_no_new_budget),
        cmocka_unit_test(joining_and_leaving_costs),
        cmocka_unit_test(a_crowd_may_produce),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
