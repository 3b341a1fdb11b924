// Transports of plain RTP as operators ask for them: what is answered, what a program is to play, what is
// refused.
#include "office.h"

// Of jansson's allocations since the transport's ports were bound (its parser does not survive a failing
// one): the one that fails, counted down; 0: none.
static unsigned failing, fails_next;

static enum plain_bind_result bind_some(void *ctx, bool rtcp_mux, bool inside, struct plain_place *out,
                                        char *why) {
    (void)ctx, (void)rtcp_mux, (void)inside, (void)why;
    *out = (struct plain_place){
        .rtp_fd = -1, .rtcp_fd = -1, .ip = "127.0.0.1", .rtp_port = 5000, .rtcp_port = 5001, .family = 4};
    failing = fails_next;
    return PLAIN_BOUND;
}

static struct office *opens_plain_office(void) {
    struct office *o = calloc(1, sizeof *o);
    assert_non_null(o);
    o->s = stage_new();
    o->s->plain_bind = bind_some;
    stage_open(o->s);
    o->admin = (struct admin){.hub = o->s->hub, .io = {.ctx = o, .verify = verify}};
    return o;
}

// Behind the path of the room's transports; the body with ' for ".
static unsigned says(struct office *o, const char *method, const char *path, const char *single_quoted) {
    char whole[256], body[4096];
    snprintf(whole, sizeof whole, REST "rooms/r/plain-transports%s", path);
    snprintf(body, sizeof body, "%s", single_quoted);
    for (char *c = body; *c; c++)
        *c = *c == '\'' ? '"' : *c;
    return asks(o, "operator", method, whole, body);
}

static json_int_t number(const struct office *o, const char *name) {
    return json_integer_value(json_object_get(o->answer, name));
}

#define SENDS "{'direction':'send','name':'camera','comedia':true,'rtcpMux':true}"
#define GETS "'direction':'recv','name':'screen','ip':'127.0.0.1','port':5004"
#define KEY "AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0e"         // 1 to 30
#define NOT_CANONICAL "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAB" // 28 bytes, and bits behind them
#define SUITE "AES_CM_128_HMAC_SHA1_80"

static void what_is_told_of_a_transport(void **state) {
    (void)state;
    struct office *o = opens_plain_office();
    assert_int_equal(says(o, "POST", "", SENDS), 200);
    assert_string_equal(text(o, "direction"), "send");
    assert_string_equal(text(o, "name"), "camera");
    assert_string_equal(text(o, "ip"), "127.0.0.1");
    assert_int_equal(number(o, "port"), 5000);
    assert_null(json_object_get(o->answer, "rtcpPort"));
    assert_null(json_object_get(o->answer, "srtpParameters"));
    assert_true(o->s->commands[0].plain.params.comedia);
    assert_int_equal(
        says(o, "POST", "", "{" GETS ",'srtpParameters':{'cryptoSuite':'" SUITE "','keyBase64':'" KEY "'}}"),
        200);
    assert_string_equal(text(o, "direction"), "recv");
    assert_int_equal(number(o, "rtcpPort"), 5001);
    const json_t *srtp = json_object_get(o->answer, "srtpParameters");
    const char *own = json_string_value(json_object_get(srtp, "keyBase64"));
    assert_string_equal(json_string_value(json_object_get(srtp, "cryptoSuite")), SUITE);
    assert_int_equal(strlen(own), strlen(KEY));
    assert_string_not_equal(own, KEY);
    const struct srtp_keys *keys = &o->s->commands[1].plain.params.keys;
    assert_int_equal(keys->len, 30);
    for (uint8_t i = 0; i < 30; i++)
        assert_int_equal(keys->remote[i], i + 1);
    assert_int_equal(says(o, "GET", "", ""), 200);
    assert_int_equal(json_array_size(json_object_get(o->answer, "transports")), 2);
    char *all = json_dumps(o->answer, 0);
    assert_null(strstr(all, "keyBase64")); // told once
    free(all);
    closes_office(o);
}

// From the one to the other, and what FFmpeg is to read; then it is closed.
static void what_goes_through(void **state) {
    (void)state;
    static const char *const rows[][3] = {
        {"{" GETS "}", "m=audio 5004 RTP/AVP ", "\r\na=rtcp:5005\r\n"},
        {"{" GETS ",'rtcpMux':true}", "m=audio 5004 RTP/AVP ", "\r\na=rtcp-mux\r\n"},
        {"{" GETS ",'srtpParameters':{'cryptoSuite':'" SUITE "','keyBase64':'" KEY "'}}",
         "m=audio 5004 RTP/SAVP ", "\r\na=rtcp:5005\r\n"}};
    struct office *o = opens_plain_office();
    char path[128], body[256], producer[64];
    assert_int_equal(says(o, "POST", "", SENDS), 200);
    snprintf(path, sizeof path, "/%s/producers", text(o, "id"));
    assert_int_equal(
        says(o, "POST", path, "{'kind':'audio','source':'MICROPHONE','rtpParameters':" AUDIO "}"), 200);
    snprintf(producer, sizeof producer, "%s", text(o, "producerId"));
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_int_equal(says(o, "POST", "", rows[i][0]), 200);
        char id[64];
        snprintf(id, sizeof id, "%s", text(o, "id"));
        snprintf(path, sizeof path, "/%s/consumers", id);
        snprintf(body, sizeof body, "{'producerId':'%s'}", producer);
        assert_int_equal(says(o, "POST", path, body), 200);
        const char *sdp = text(o, "sdp");
        static const char *const lines[] = {"v=0\r\n", "\r\nc=IN IP4 127.0.0.1\r\n", " opus/48000/2\r\n",
                                            "\r\na=ssrc:", "\r\na=recvonly\r\n"};
        for (size_t k = 0; k < 5 + 2; k++) {
            const char *line = k < 5 ? lines[k] : rows[i][k - 4];
            if (!strstr(sdp, line))
                fail_msg("row %zu: no %s in %s", i, line, sdp);
        }
        assert_null(strstr(sdp, "a=crypto"));
        snprintf(path, sizeof path, "/%s", id);
        assert_int_equal(says(o, "DELETE", path, ""), 200);
        assert_int_equal(counts(o->s).participants, 1);
    }
    closes_office(o);
}

// Nobody comes in, and no key is repeated.
static void what_is_refused(void **state) {
    (void)state;
    static const char *const rows[][2] = {
        {"{'direction':'both','name':'x'}", "`direction`"},
        {"{'name':'x'}", "`direction`"},
        {"{'direction':'send','name':'x','port':65536}", "`port`"},
        {"{" GETS ",'comedia':1}", "`comedia`"},
        {"{" GETS ",'srtpParameters':{'cryptoSuite':'NULL','keyBase64':'" KEY "'}}", "cryptoSuite"},
        {"{" GETS ",'srtpParameters':{'keyBase64':'" KEY "'}}", "cryptoSuite"},
        {"{" GETS ",'srtpParameters':{'cryptoSuite':'" SUITE "'}}", "keyBase64"},
        {"{" GETS ",'srtpParameters':{'cryptoSuite':'" SUITE "','keyBase64':'" KEY "A'}}", "keyBase64"},
        {"{" GETS ",'srtpParameters':{'cryptoSuite':'" SUITE "','keyBase64':'" KEY "='}}", "keyBase64"},
        {"{" GETS ",'srtpParameters':{'cryptoSuite':'AEAD_AES_128_GCM','keyBase64':'" KEY "'}}", "keyBase64"},
        {"{" GETS ",'srtpParameters':{'cryptoSuite':'AEAD_AES_128_GCM','keyBase64':'" NOT_CANONICAL "'}}",
         "keyBase64"},
        {"{" GETS ",'srtpParameters':{'cryptoSuite':'" SUITE "','keyBase64':'!QIDBAUGBwgJCgsMDQ4PEBESExQVFhcY"
         "GRobHB0e'}}",
         "keyBase64"}};
    struct office *o = opens_plain_office();
    comes(o, "ann", RIGHTS_ALL);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        expect_refused(o, says(o, "POST", "", rows[i][0]), 400, "invalid_argument", rows[i][1]);
        assert_null(strstr(text(o, "msg"), "AUGBwgJ"));
        assert_int_equal(counts(o->s).participants, 1);
    }
    static const char *const produce[][2] = {
        {"{'kind':'text','rtpParameters':{}}", "`kind`"},
        {"{'kind':'audio','source':'EAR','rtpParameters':{}}", "`source`"},
        {"{'kind':'audio','rtpParameters':[]}", "`rtpParameters`"},
        {"{'kind':'audio'}", "`rtpParameters`"}};
    char path[128];
    assert_int_equal(says(o, "POST", "", SENDS), 200);
    snprintf(path, sizeof path, "/%s/producers", text(o, "id"));
    for (size_t i = 0; i < sizeof produce / sizeof produce[0]; i++)
        expect_refused(o, says(o, "POST", path, produce[i][0]), 400, "invalid_argument", produce[i][1]);
    expect_refused(o, says(o, "POST", "/nothing/producers", "{}"), 404, "not_found", "");
    expect_refused(o, says(o, "DELETE", "/nothing", ""), 404, "not_found", "");
    closes_office(o);
}

static void *give_or_fail(size_t size) {
    return failing > 0 && --failing == 0 ? NULL : malloc(size);
}

static const char opens_plain[] =
    "{\"direction\":\"recv\",\"name\":\"tool\",\"ip\":\"127.0.0.1\",\"port\":5004,\"rtcpMux\":true}";

// Whichever allocation fails: what is answered as an error is not there.
static void plain_without_memory(void **state) {
    (void)state;
    unsigned refused = 0;
    bool all = false;
    for (unsigned n = 1; !all; n++) {
        struct office *o = calloc(1, sizeof *o);
        assert_non_null(o);
        o->s = stage_new();
        o->s->plain_bind = bind_some;
        stage_open(o->s);
        o->admin = (struct admin){.hub = o->s->hub,
                                  .io = {.ctx = o, .verify = verify, .send = send_data, .drain = drain}};
        joins(o->s, "ann");
        json_set_alloc_funcs(give_or_fail, free);
        fails_next = n;
        struct admin_request request = {.method = "POST",
                                        .path = REST "rooms/r/plain-transports",
                                        .authorization = span_of_text("Bearer operator"),
                                        .content_type = span_of_text("application/json"),
                                        .body = span_of_text(opens_plain)};
        struct admin_answer answer;
        admin_rest(&o->admin, &request, &answer);
        all = failing > 0 || !answer.body; // the last is the answer's text
        failing = fails_next = 0;
        json_set_alloc_funcs(malloc, free);
        refused += answer.status != 200;
        if (answer.body)
            assert_int_equal(counts(o->s).participants, answer.status == 200 ? 2 : 1);
        free(answer.body);
        closes_office(o);
    }
    assert_true(refused > 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_told_of_a_transport),
        cmocka_unit_test(what_goes_through),
        cmocka_unit_test(what_is_refused),
        cmocka_unit_test(plain_without_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
