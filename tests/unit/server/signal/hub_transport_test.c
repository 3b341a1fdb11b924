// create-transport, connect-transport, restart-ice, close-transport, transport-state.
#include "fake_media.h"

static void created_transports_are_complete(void **state) {
    (void)state;
    struct fake *f = fake_hub(1);
    joins(f, 1, "r", "ann");
    say(f, 1, "{'type':'create-transport','data':{'direction':'send','forceTcp':false}}");
    json_t *data = expect(f, 1, "webRtcTransportCreated");
    struct media_cmd cmd = command(f, MEDIA_OPEN_TRANSPORT, NULL);
    assert_true(strlen(text_at(data, "id")) >= 20);
    assert_string_equal(text_at(data, "direction"), "send");
    assert_int_equal(strlen(cmd.ice.ufrag), ICE_UFRAG_BYTES);
    assert_int_equal(strlen(cmd.ice.pwd), ICE_PWD_BYTES);
    assert_memory_equal(cmd.ice.ufrag, "00", 2);
    assert_string_equal(text_at(data, "iceParameters.usernameFragment"), cmd.ice.ufrag);
    assert_string_equal(text_at(data, "iceParameters.password"), cmd.ice.pwd);
    assert_true(json_is_true(at(data, "iceParameters.iceLite")));
    assert_int_equal(json_array_size(at(data, "iceCandidates")), 2);
    assert_string_equal(text_at(data, "iceCandidates.0.ip"), "203.0.113.5");
    assert_string_equal(text_at(data, "iceCandidates.0.address"), "203.0.113.5");
    assert_string_equal(text_at(data, "iceCandidates.1.address"), "2001:db8::5");
    assert_string_equal(text_at(data, "iceCandidates.0.protocol"), "udp");
    assert_string_equal(text_at(data, "iceCandidates.0.type"), "host");
    assert_int_equal(int_at(data, "iceCandidates.0.port"), 40000);
    assert_true(int_at(data, "iceCandidates.0.priority") > int_at(data, "iceCandidates.1.priority"));
    assert_string_equal(text_at(data, "dtlsParameters.role"), "auto");
    assert_int_equal(json_array_size(at(data, "dtlsParameters.fingerprints")), 1);
    assert_string_equal(text_at(data, "dtlsParameters.fingerprints.0.algorithm"), "sha-256");
    assert_string_equal(text_at(data, "dtlsParameters.fingerprints.0.value"), f->config.fingerprint_sha256);
    assert_true(json_is_array(at(data, "iceServers")));
    json_decref(data);
    say(f, 1, "{'type':'create-transport','data':{'direction':'recv','forceTcp':true}}");
    expect_error(f, 1, "unsupported");
    say(f, 1, "{'type':'create-transport','data':{'direction':'both'}}");
    expect_error(f, 1, "bad-request");
    assert_int_equal(counts(f).transports, 1);
    fake_free(f);
}

// UDP first, TCP with lower priorities behind it, the media port before that of HTTP.
static void addresses_over_tcp_come_last(void **state) {
    (void)state;
    struct fake *f = fake_hub(1);
    joins(f, 1, "r", "ann");
    hub_set_tcp(f->hub, &(struct hub_tcp){.media_port = 40000, .web_port = 443, .web_ip4 = true});
    say(f, 1, "{'type':'create-transport','data':{'direction':'send'}}");
    json_t *data = expect(f, 1, "webRtcTransportCreated");
    const json_t *list = at(data, "iceCandidates");
    static const struct {
        const char *ip, *protocol;
        int port;
    } wanted[] = {{"203.0.113.5", "udp", 40000},
                  {"2001:db8::5", "udp", 40000},
                  {"203.0.113.5", "tcp", 40000},
                  {"2001:db8::5", "tcp", 40000},
                  {"203.0.113.5", "tcp", 443}};
    assert_int_equal(json_array_size(list), 5);
    json_int_t before = INT64_MAX;
    for (size_t i = 0; i < 5; i++) {
        const json_t *c = json_array_get(list, i);
        bool tcp = strcmp(wanted[i].protocol, "tcp") == 0;
        assert_string_equal(text_at(c, "ip"), wanted[i].ip);
        assert_string_equal(text_at(c, "protocol"), wanted[i].protocol);
        assert_int_equal(int_at(c, "port"), wanted[i].port);
        assert_string_equal(text_at(c, "foundation"), tcp ? "tcpcandidate" : "udpcandidate");
        if (tcp)
            assert_string_equal(text_at(c, "tcpType"), "passive");
        else
            assert_null(at(c, "tcpType"));
        json_int_t priority = json_integer_value(json_object_get(c, "priority"));
        assert_true(priority > 0 && priority < before && priority <= INT32_MAX);
        before = priority;
    }
    json_decref(data);
    // For TCP alone, at a restart as well.
    say(f, 1, "{'type':'create-transport','data':{'direction':'recv','forceTcp':true}}");
    data = expect(f, 1, "webRtcTransportCreated");
    assert_int_equal(json_array_size(at(data, "iceCandidates")), 3);
    assert_string_equal(text_at(data, "iceCandidates.0.protocol"), "tcp");
    char restart[160];
    snprintf(restart, sizeof restart, "{'type':'restart-ice','data':{'transportId':'%s'}}",
             text_at(data, "id"));
    json_decref(data);
    say(f, 1, restart);
    data = expect(f, 1, "ice-restarted");
    assert_int_equal(json_array_size(at(data, "iceCandidates")), 3);
    assert_string_equal(text_at(data, "iceCandidates.0.protocol"), "tcp");
    json_decref(data);
    fake_free(f);
}

static void the_ufrag_names_the_worker(void **state) {
    (void)state;
    struct fake *f = fake_new(40);
    f->config.limits.participants_per_worker = 1;
    fake_start(f);
    for (unsigned i = 0; i < 40; i++) {
        char name[16];
        unsigned worker;
        snprintf(name, sizeof name, "u%u", i);
        joins(f, i + 1, "r", name);
        forget_texts(f);
        make_transport(f, i + 1, "recv");
        struct media_cmd cmd = command(f, MEDIA_OPEN_TRANSPORT, &worker);
        char two[3] = {cmd.ice.ufrag[0], cmd.ice.ufrag[1], 0};
        assert_int_equal(strtol(two, NULL, 36), worker);
    }
    fake_free(f);
}

static void connecting_happens_once(void **state) {
    (void)state;
    struct fake *f = fake_hub(1);
    joins(f, 1, "r", "ann");
    struct id_text t = make_transport(f, 1, "send");
    struct media_cmd open = command(f, MEDIA_OPEN_TRANSPORT, NULL);
    say(f, 1, "{'type':'connect-transport','data':{'transportId':'%s','dtlsParameters':{}}}", t.text);
    expect_error(f, 1, "bad-request");
    say(f, 1,
        "{'type':'connect-transport','data':{'transportId':'%s','dtlsParameters':{'role':'client',"
        "'fingerprints':[" FINGERPRINT "]}}}",
        t.text);
    json_t *data = expect(f, 1, "transport-connected");
    assert_string_equal(text_at(data, "transportId"), t.text);
    json_decref(data);
    struct media_cmd cmd = command(f, MEDIA_CONNECT_TRANSPORT, NULL);
    assert_int_equal(cmd.transport.v, open.transport.v);
    assert_int_equal(cmd.connect.remote_role, DTLS_ROLE_CLIENT);
    assert_int_equal(cmd.connect.fingerprint.hash, FINGERPRINT_SHA256);
    assert_int_equal(cmd.connect.fingerprint.len, 32);
    assert_int_equal(cmd.connect.fingerprint.bytes[1], 0x11);
    say(f, 1,
        "{'type':'connect-transport','data':{'transportId':'%s','dtlsParameters':{'role':'client',"
        "'fingerprints':[" FINGERPRINT "]}}}",
        t.text);
    expect_error(f, 1, "wrong-state");
    assert_int_equal(f->command_count, 0);
    fake_free(f);
}

static void ice_restarts_with_new_credentials(void **state) {
    (void)state;
    struct fake *f = fake_hub(1);
    joins(f, 1, "r", "ann");
    struct id_text t = make_transport(f, 1, "send");
    struct media_cmd open = command(f, MEDIA_OPEN_TRANSPORT, NULL);
    say(f, 1, "{'type':'restart-ice','data':{'transportId':'%s'}}", t.text);
    json_t *data = expect(f, 1, "ice-restarted");
    struct media_cmd cmd = command(f, MEDIA_RESTART_ICE, NULL);
    assert_int_equal(cmd.transport.v, open.transport.v);
    assert_string_equal(text_at(data, "iceParameters.usernameFragment"), cmd.ice.ufrag);
    assert_string_equal(text_at(data, "iceParameters.password"), cmd.ice.pwd);
    assert_string_not_equal(cmd.ice.ufrag, open.ice.ufrag);
    assert_string_not_equal(cmd.ice.pwd, open.ice.pwd);
    assert_int_equal(json_array_size(at(data, "iceCandidates")), 2);
    json_decref(data);
    fake_free(f);
}

// Newcomers are told the new addresses; who is there gets them with credentials of its own, if they may
// matter.
static void new_addresses_reach_everybody(void **state) {
    (void)state;
    struct fake *f = fake_hub(1);
    joins(f, 1, "r", "ann");
    joins(f, 2, "other", "bob");
    struct id_text t = make_transport(f, 1, "send");
    struct media_cmd open = command(f, MEDIA_OPEN_TRANSPORT, NULL);
    forget_texts(f);
    f->command_count = 0;
    char addresses[3][46] = {"192.0.2.7", "10.0.0.7", "2001:db8::7"};
    hub_set_announce(f->hub, addresses, 1, false, f->now_us);
    expect_nothing(f, 1);
    assert_int_equal(f->command_count, 0);
    hub_set_announce(f->hub, addresses, 3, true, f->now_us);
    expect_nothing(f, 2); // who has no transport has nothing to restart
    json_t *data = expect(f, 1, "ice-restarted");
    struct media_cmd cmd = command(f, MEDIA_OFFER_ICE, NULL);
    assert_int_equal(cmd.transport.v, open.transport.v);
    assert_string_equal(text_at(data, "transportId"), t.text);
    assert_string_equal(text_at(data, "iceParameters.usernameFragment"), cmd.ice.ufrag);
    assert_string_equal(text_at(data, "iceParameters.password"), cmd.ice.pwd);
    assert_string_not_equal(cmd.ice.ufrag, open.ice.ufrag);
    assert_int_equal(json_array_size(at(data, "iceCandidates")), 3);
    assert_string_equal(text_at(data, "iceCandidates.2.address"), "2001:db8::7");
    json_decref(data);
    say(f, 2, "{'type':'create-transport','data':{'direction':'recv'}}");
    data = expect(f, 2, "webRtcTransportCreated");
    assert_int_equal(json_array_size(at(data, "iceCandidates")), 3);
    assert_string_equal(text_at(data, "iceCandidates.0.ip"), "192.0.2.7");
    json_decref(data);
    fake_free(f);
}

static void transports_of_others_do_not_exist(void **state) {
    (void)state;
    static const char *const requests[] = {"restart-ice", "close-transport", "get-stats"};
    struct fake *f = fake_hub(1);
    joins(f, 1, "r", "ann");
    joins(f, 2, "r", "bob");
    forget_texts(f);
    struct id_text t = make_transport(f, 1, "send");
    command(f, MEDIA_OPEN_TRANSPORT, NULL);
    for (size_t i = 0; i < 3; i++) {
        say(f, 2, "{'type':'%s','data':{'transportId':'%s'}}", requests[i], t.text);
        expect_error(f, 2, "not-found");
        say(f, 1, "{'type':'%s','data':{'transportId':'nonsense'}}", requests[i]);
        expect_error(f, 1, "not-found");
    }
    say(f, 2,
        "{'type':'connect-transport','data':{'transportId':'%s','dtlsParameters':{'role':'client',"
        "'fingerprints':[" FINGERPRINT "]}}}",
        t.text);
    expect_error(f, 2, "not-found");
    say(f, 2,
        "{'type':'produce','data':{'transportId':'%s','kind':'audio','rtpParameters':" AUDIO_PARAMETERS "}}",
        t.text, "0", 5, "x");
    expect_error(f, 2, "not-found");
    assert_int_equal(f->command_count, 0);
    fake_free(f);
}

static void states_are_told_and_counted(void **state) {
    (void)state;
    struct fake *f = fake_hub(1);
    joins(f, 1, "r", "ann");
    struct id_text t = make_transport(f, 1, "send");
    struct media_event event = {.type = MEDIA_TRANSPORT_STATE,
                                .transport = command(f, MEDIA_OPEN_TRANSPORT, NULL).transport};
    static const struct {
        enum ice_state ice;
        enum dtls_state dtls;
        const char *ice_name, *dtls_name;
    } rows[] = {{ICE_CONNECTED, DTLS_NEW, "connected", "new"},
                {ICE_CONNECTED, DTLS_CONNECTING, "connected", "connecting"},
                {ICE_CONNECTED, DTLS_CONNECTED, "connected", "connected"},
                {ICE_DISCONNECTED, DTLS_CONNECTED, "disconnected", "connected"},
                {ICE_CLOSED, DTLS_FAILED, "closed", "failed"}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        event.state.ice = rows[i].ice;
        event.state.dtls = rows[i].dtls;
        hub_media_event(f->hub, 0, &event, f->now_us);
        json_t *data = expect(f, 1, "transport-state");
        assert_string_equal(text_at(data, "transportId"), t.text);
        assert_string_equal(text_at(data, "iceState"), rows[i].ice_name);
        assert_string_equal(text_at(data, "dtlsState"), rows[i].dtls_name);
        json_decref(data);
        assert_int_equal(counts(f).transports_by_ice[rows[i].ice], 1);
        assert_int_equal(counts(f).transports_by_dtls[rows[i].dtls], 1);
    }
    assert_int_equal(counts(f).transports, 1); // a failed one stays: the client may restart ICE
    event.transport.v += 1 << 20;              // stale
    hub_media_event(f->hub, 0, &event, f->now_us);
    expect_nothing(f, 1);
    fake_free(f);
}

static void transports_are_bounded_and_close(void **state) {
    (void)state;
    struct fake *f = fake_new(1);
    f->config.limits.transports_per_participant_max = 2;
    fake_start(f);
    joins(f, 1, "r", "ann");
    struct id_text t = make_transport(f, 1, "send");
    make_transport(f, 1, "recv");
    say(f, 1, "{'type':'create-transport','data':{'direction':'recv'}}");
    expect_error(f, 1, "limit-reached");
    struct media_cmd open = command(f, MEDIA_OPEN_TRANSPORT, NULL);
    command(f, MEDIA_OPEN_TRANSPORT, NULL);
    say(f, 1, "{'type':'close-transport','data':{'transportId':'%s'}}", t.text);
    json_t *data = expect(f, 1, "transport-closed");
    assert_string_equal(text_at(data, "transportId"), t.text);
    json_decref(data);
    assert_int_equal(command(f, MEDIA_CLOSE_TRANSPORT, NULL).transport.v, open.transport.v);
    make_transport(f, 1, "recv");
    command(f, MEDIA_OPEN_TRANSPORT, NULL);
    say(f, 1, "{'type':'leave-room'}");
    command(f, MEDIA_CLOSE_TRANSPORT, NULL);
    command(f, MEDIA_CLOSE_TRANSPORT, NULL);
    assert_int_equal(counts(f).transports, 0);
    fake_free(f);
}

static void what_a_full_queue_does_not_take_waits_up_to_a_limit(void **state) {
    (void)state;
    struct fake *f = fake_new(1);
    f->config.limits.commands_waiting_max = 2;
    fake_start(f);
    joins(f, 1, "r", "ann");
    struct id_text t = make_transport(f, 1, "send");
    command(f, MEDIA_OPEN_TRANSPORT, NULL);
    f->full[0] = true;
    make_transport(f, 1, "recv");
    make_transport(f, 1, "recv");
    say(f, 1, "{'type':'create-transport','data':{'direction':'recv'}}");
    expect_error(f, 1, "internal");
    assert_int_equal(counts(f).transports, 3);
    say(f, 1, "{'type':'close-transport','data':{'transportId':'%s'}}", t.text);
    expect_only_type(f, 1, "transport-closed"); // closing waits whatever the limit
    assert_int_equal(counts(f).commands_waiting, 3);
    assert_int_equal(f->command_count, 0);
    f->full[0] = false;
    assert_true(fake_next_us(f) <= f->now_us + 10 * US_PER_MS);
    pass(f, 10 * US_PER_MS);
    command(f, MEDIA_OPEN_TRANSPORT, NULL);
    command(f, MEDIA_OPEN_TRANSPORT, NULL);
    command(f, MEDIA_CLOSE_TRANSPORT, NULL);
    make_transport(f, 1, "recv");
    fake_free(f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(created_transports_are_complete),
        cmocka_unit_test(addresses_over_tcp_come_last),
        cmocka_unit_test(the_ufrag_names_the_worker),
        cmocka_unit_test(connecting_happens_once),
        cmocka_unit_test(ice_restarts_with_new_credentials),
        cmocka_unit_test(new_addresses_reach_everybody),
        cmocka_unit_test(transports_of_others_do_not_exist),
        cmocka_unit_test(states_are_told_and_counted),
        cmocka_unit_test(transports_are_bounded_and_close),
        cmocka_unit_test(what_a_full_queue_does_not_take_waits_up_to_a_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
