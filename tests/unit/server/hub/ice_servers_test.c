// URLs of STUN and TURN servers, credentials against known answers, and what clients are told of them.
#include "tests/unit/server/signal/fake_media.h"

#include "server/hub/ice_servers.h"

static void test_urls(void **state) {
    (void)state;
    static const struct {
        const char *text, *host; // host NULL: refused
        uint16_t port;
        bool turn, secure, tcp;
    } rows[] = {
        {"stun:stun.example.org", "stun.example.org", 3478, false, false, false},
        {"stun:192.0.2.1:19302", "192.0.2.1", 19302, false, false, false},
        {"stuns:stun.example.org", "stun.example.org", 5349, false, true, true},
        {"turn:turn.example.org", "turn.example.org", 3478, true, false, false},
        {"turn:turn.example.org:3478?transport=udp", "turn.example.org", 3478, true, false, false},
        {"turn:turn.example.org?transport=tcp", "turn.example.org", 3478, true, false, true},
        {"turn:[2001:db8::1]:80?transport=tcp", "2001:db8::1", 80, true, false, true},
        {"turns:turn.example.org:443", "turn.example.org", 443, true, true, true},
        {"turns:turn.example.org:443?transport=tcp", "turn.example.org", 443, true, true, true},
        {"turns:turn.example.org?transport=udp", "turn.example.org", 5349, true, true, false},
        {"", NULL, 0, 0, 0, 0},
        {"turn:", NULL, 0, 0, 0, 0},
        {"turn.example.org", NULL, 0, 0, 0, 0},
        {"turn://turn.example.org", NULL, 0, 0, 0, 0},
        {"TURN:turn.example.org", NULL, 0, 0, 0, 0},
        {"http:turn.example.org", NULL, 0, 0, 0, 0},
        {"turn:turn.example.org:0", NULL, 0, 0, 0, 0},
        {"turn:2001:db8::1", NULL, 0, 0, 0, 0},
        {"turn:turn.example.org?", NULL, 0, 0, 0, 0},
        {"turn:turn.example.org?transport=sctp", NULL, 0, 0, 0, 0},
        {"turn:turn.example.org?transport=tcp&x=1", NULL, 0, 0, 0, 0},
        {"turn:user@turn.example.org", NULL, 0, 0, 0, 0},
        {"stun:stun.example.org?transport=udp", NULL, 0, 0, 0, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct ice_url got = {.server.host = "untouched"};
        bool fine = ice_url_parse(rows[i].text, strlen(rows[i].text), &got);
        if (fine != (rows[i].host != NULL))
            fail_msg("\"%s\": expected it to be %s", rows[i].text, rows[i].host ? "taken" : "refused");
        if (!fine) {
            assert_string_equal(got.server.host, "untouched");
            continue;
        }
        assert_string_equal(got.text, rows[i].text);
        assert_string_equal(got.server.host, rows[i].host);
        assert_int_equal(got.server.port, rows[i].port);
        if (got.turn != rows[i].turn || got.secure != rows[i].secure || got.tcp != rows[i].tcp)
            fail_msg("\"%s\": turn %d, secure %d, tcp %d", rows[i].text, got.turn, got.secure, got.tcp);
    }
    char longest[ICE_URL_MAX + 1] = "turn:";
    memset(longest + 5, 'a', sizeof longest - 5);
    struct ice_url got;
    assert_false(ice_url_parse(longest, ICE_URL_MAX, &got));
}

// Made with Python's hmac, hashlib and base64.
static void test_known_credentials(void **state) {
    (void)state;
    static const struct {
        const char *secret;
        uint64_t expires_at;
        const char *user, *username, *password;
    } rows[] = {
        {"north", 1433895918, "ninefingers", "1433895918:ninefingers", "jy8hTxmOO7UtEKXqSkSlvakPVYA="},
        {"logen", 1767312000, "k2v9d0q8m1x7c3n5b6z4a8s0", "1767312000:k2v9d0q8m1x7c3n5b6z4a8s0",
         "z9yVBuyBYFLc8c8A+ne31zV/Occ="},
        // A key longer than SHA-1's block, a number as large as they get.
        {"käse xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx", UINT64_MAX, "a",
         "18446744073709551615:a", "rQ4q4/eMs5GPnz441c53JPviagI="},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct turn_credential got;
        turn_credential_make(rows[i].secret, rows[i].expires_at, rows[i].user, &got);
        assert_string_equal(got.username, rows[i].username);
        assert_string_equal(got.password, rows[i].password);
    }
}

static void servers_set(struct fake *f, const char *const urls[], const char *secret) {
    struct ice_servers *servers = &f->config.ice_servers;
    for (; urls[servers->url_count]; servers->url_count++)
        assert_true(ice_url_parse(urls[servers->url_count], strlen(urls[servers->url_count]),
                                  &servers->urls[servers->url_count]));
    snprintf(servers->turn_secret, sizeof servers->turn_secret, "%s", secret);
    servers->turn_ttl_seconds = 86400;
}

static void credentials_fit(const json_t *data, const char *user) {
    char username[64];
    struct turn_credential expected;
    snprintf(username, sizeof username, "1767312001:%s",
             user); // a day after what the fake's wall clock shows
    turn_credential_make("logen", 1767312001, user, &expected);
    assert_int_equal(json_array_size(at(data, "iceServers")), 2);
    assert_int_equal(json_object_size(at(data, "iceServers.0")), 1); // STUN wants no credentials
    assert_int_equal(json_array_size(at(data, "iceServers.0.urls")), 1);
    assert_string_equal(text_at(data, "iceServers.0.urls.0"), "stun:stun.example.org");
    assert_int_equal(json_object_size(at(data, "iceServers.1")), 3);
    assert_int_equal(json_array_size(at(data, "iceServers.1.urls")), 2);
    assert_string_equal(text_at(data, "iceServers.1.urls.0"), "turn:turn.example.org?transport=udp");
    assert_string_equal(text_at(data, "iceServers.1.urls.1"), "turns:turn.example.org:443");
    assert_string_equal(text_at(data, "iceServers.1.username"), username);
    assert_string_equal(text_at(data, "iceServers.1.credential"), expected.password);
}

static void test_clients_get_credentials_of_their_own(void **state) {
    (void)state;
    struct fake *f = fake_new(1);
    servers_set(f,
                (const char *const[]){"turn:turn.example.org?transport=udp", "stun:stun.example.org",
                                      "turns:turn.example.org:443", NULL},
                "logen");
    fake_start(f);
    char id[2][64], token[2][64];
    for (uint32_t client = 1; client <= 2; client++) {
        open_client(f, client);
        say(f, client,
            client == 1 ? "{'type':'join-room','data':{'roomId':'r','username':'ann'}}"
                        : "{'type':'join-room','data':{'roomId':'r','username':'bob'}}");
        json_t *joined = expect(f, client, "joined");
        snprintf(id[client - 1], sizeof id[0], "%s", text_at(joined, "userId"));
        assert_int_equal(json_array_size(at(joined, "iceServers")), 1); // no credentials without a transport
        assert_string_equal(text_at(joined, "iceServers.0.urls.0"), "stun:stun.example.org");
        assert_true(json_is_true(at(joined, "turn")));
        snprintf(token[client - 1], sizeof token[0], "%s", text_at(joined, "resumeToken"));
        json_decref(joined);
        say(f, client, "{'type':'create-transport','data':{'direction':'send'}}");
        json_t *created = expect(f, client, "webRtcTransportCreated");
        credentials_fit(created, id[client - 1]);
        say(f, client, "{'type':'restart-ice','data':{'transportId':'%s'}}", text_at(created, "id"));
        json_t *restarted = expect(f, client, "ice-restarted");
        credentials_fit(restarted, id[client - 1]);
        json_decref(restarted);
        json_decref(created);
        signalling_client_closed(f->signalling, client, f->now_us);
        open_client(f, client + 10);
        say(f, client + 10, "{'type':'join-room','data':{'roomId':'r','resumeToken':'%s'}}",
            token[client - 1]);
        json_t *resumed = expect(f, client + 10, "joined");
        credentials_fit(resumed, id[client - 1]);
        json_decref(resumed);
    }
    assert_string_not_equal(id[0], id[1]);
    fake_free(f);
}

static void test_stun_alone_and_none(void **state) {
    (void)state;
    for (int stun = 0; stun < 2; stun++) {
        struct fake *f = fake_new(1);
        if (stun)
            servers_set(f, (const char *const[]){"stun:stun.example.org", NULL}, "");
        fake_start(f);
        open_client(f, 1);
        say(f, 1, "{'type':'join-room','data':{'roomId':'r','username':'ann'}}");
        json_t *joined = expect(f, 1, "joined");
        assert_int_equal(json_array_size(at(joined, "iceServers")), stun);
        if (stun)
            assert_int_equal(json_object_size(at(joined, "iceServers.0")), 1);
        json_decref(joined);
        fake_free(f);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_urls),
        cmocka_unit_test(test_known_credentials),
        cmocka_unit_test(test_clients_get_credentials_of_their_own),
        cmocka_unit_test(test_stun_alone_and_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
