// Messages as a server sends them and a client writes them.
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "load/signal_text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void open_text(const char *text, struct signal_message *m) {
    assert_int_equal(signal_message_open(text, strlen(text), m), ERR_OK);
}

static void test_what_is_no_message(void **state) {
    (void)state;
    static const char *const rows[] = {
        "", "x", "[]", "{}", "{\"type\": 1}", "{\"type\": \"\"}", "{\"type\": \"joined\"} x"};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct signal_message m;
        print_message("%s\n", rows[i]);
        assert_int_equal(signal_message_open(rows[i], strlen(rows[i]), &m), ERR_MALFORMED);
    }
}

static void test_errors(void **state) {
    (void)state;
    struct signal_message m;
    open_text("{\"type\":\"error\",\"data\":{\"code\":\"room-full\",\"message\":\"full\",\"request\":\"join-"
              "room\"}}",
              &m);
    assert_int_equal(m.type, SIGNAL_ERROR);
    assert_string_equal(m.error_code, "room-full");
    assert_string_equal(m.error_text, "full");
    assert_string_equal(m.error_request, "join-room");
    signal_message_close(&m);
    open_text("{\"type\":\"error\"}", &m);
    assert_string_equal(m.error_code, "");
    signal_message_close(&m);
}

#define JOINED                                                                                               \
    "{\"type\":\"joined\",\"data\":{\"routerRtpCapabilities\":{\"codecs\":["                                 \
    "{\"mimeType\":\"audio/opus\",\"preferredPayloadType\":100,\"clockRate\":48000},"                        \
    "{\"mimeType\":\"video/VP8\",\"preferredPayloadType\":101,\"clockRate\":90000},"                         \
    "{\"mimeType\":\"video/rtx\",\"preferredPayloadType\":102,\"parameters\":{\"apt\":101}}],"               \
    "\"headerExtensions\":[{\"kind\":\"video\",\"uri\":\"urn:ietf:params:rtp-hdrext:sdes:mid\","             \
    "\"preferredId\":1},{\"kind\":\"audio\",\"uri\":\"urn:x\",\"preferredId\":2}]},"                         \
    "\"producers\":[{\"producerId\":\"a\",\"kind\":\"video\",\"paused\":true},{\"kind\":\"audio\"}]}}"

static void test_joined(void **state) {
    (void)state;
    struct signal_message m;
    struct router router;
    struct producer_info info;
    open_text(JOINED, &m);
    assert_int_equal(signal_read_router(&m, &router), ERR_OK);
    assert_int_equal(router_codec(&router, CODEC_OPUS)->payload_type, 100);
    assert_int_equal(router_codec(&router, CODEC_OPUS)->rtx_payload_type, PAYLOAD_TYPE_NONE);
    assert_int_equal(router_codec(&router, CODEC_VP8)->rtx_payload_type, 102);
    assert_null(router_codec(&router, CODEC_AV1));
    assert_int_equal(router.video_ext.ids[EXT_MID], 1);
    assert_int_equal(router.audio_ext.ids[EXT_MID], 0);
    assert_non_null(strstr(router.capabilities, "audio/opus"));
    assert_true(signal_read_listed_producer(&m, 0, &info));
    assert_string_equal(info.id, "a");
    assert_int_equal(info.kind, MEDIA_VIDEO);
    assert_true(info.paused);
    assert_true(signal_read_listed_producer(&m, 1, &info));
    assert_string_equal(info.id, "");
    assert_false(signal_read_listed_producer(&m, 2, &info));
    router_free(&router);
    signal_message_close(&m);
}

#define FINGERPRINT                                                                                          \
    "00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:ee:fF"
#define TRANSPORT(candidates, value)                                                                         \
    "{\"type\":\"webRtcTransportCreated\",\"data\":{\"id\":\"t\",\"direction\":\"send\","                    \
    "\"iceParameters\":{\"usernameFragment\":\"u\",\"password\":\"p\"},\"iceCandidates\":" candidates ","    \
    "\"dtlsParameters\":{\"fingerprints\":[{\"algorithm\":\"sha-256\",\"value\":\"" value "\"}]}}}"

static void test_transports(void **state) {
    (void)state;
    static const struct {
        const char *text;
        enum err err;
    } rows[] = {
        {TRANSPORT("[{\"protocol\":\"udp\",\"ip\":\"192.0.2.1\",\"port\":4000}]", FINGERPRINT), ERR_OK},
        {TRANSPORT("[{\"protocol\":\"tcp\",\"ip\":\"192.0.2.9\",\"port\":1},"
                   "{\"protocol\":\"udp\",\"address\":\"192.0.2.1\",\"port\":4000}]",
                   FINGERPRINT),
         ERR_OK},
        {TRANSPORT("[]", FINGERPRINT), ERR_MALFORMED},
        {TRANSPORT("[{\"protocol\":\"udp\",\"ip\":\"a.example\",\"port\":4000}]", FINGERPRINT),
         ERR_MALFORMED},
        {TRANSPORT("[{\"protocol\":\"udp\",\"ip\":\"192.0.2.1\",\"port\":70000}]", FINGERPRINT),
         ERR_MALFORMED},
        {TRANSPORT("[{\"protocol\":\"udp\",\"ip\":\"192.0.2.1\",\"port\":4000}]", "00:11"), ERR_MALFORMED},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct signal_message m;
        struct remote_transport t;
        char address[ADDR_TEXT_MAX];
        open_text(rows[i].text, &m);
        print_message("row %zu\n", i);
        assert_int_equal(signal_read_transport(&m, &t), rows[i].err);
        if (rows[i].err == ERR_OK) {
            addr_print(&t.offered[0], address);
            assert_string_equal(address, "192.0.2.1:4000");
            assert_true(t.send);
            assert_string_equal(t.ufrag, "u");
            assert_int_equal(t.fingerprint.len, 32);
            assert_int_equal(t.fingerprint.bytes[31], 0xff);
        }
        signal_message_close(&m);
    }
}

#define CONSUMED(kind, mime, ssrc)                                                                           \
    "{\"type\":\"consumed\",\"data\":{\"id\":\"c\",\"producerId\":\"p\",\"kind\":\"" kind "\","              \
    "\"paused\":true,\"producerPaused\":false,\"rtpParameters\":{\"mid\":\"4\",\"codecs\":[{\"mimeType\":"   \
    "\"" mime                                                                                                \
    "\",\"payloadType\":101,\"clockRate\":90000,\"rtcpFeedback\":[{\"type\":\"nack\",\"parameter\":\"\"},"   \
    "{\"type\":\"nack\",\"parameter\":\"pli\"},{\"type\":\"transport-cc\",\"parameter\":\"\"}]},"            \
    "{\"mimeType\":\"video/rtx\",\"payloadType\":102,\"clockRate\":90000,\"parameters\":{\"apt\":101}}],"    \
    "\"headerExtensions\":[{\"uri\":\"urn:ietf:params:rtp-hdrext:sdes:mid\",\"id\":1}],"                     \
    "\"encodings\":[{\"ssrc\":" ssrc ",\"rtx\":{\"ssrc\":78}}]}}}"

static void test_consumed(void **state) {
    (void)state;
    struct signal_message m;
    struct consumed c;
    open_text(CONSUMED("video", "video/VP8", "77"), &m);
    assert_int_equal(signal_read_consumed(&m, &c), ERR_OK);
    assert_int_equal(c.codec, CODEC_VP8);
    assert_int_equal(c.payload_type, 101);
    assert_int_equal(c.rtx_payload_type, 102);
    assert_int_equal(c.ssrc, 77);
    assert_int_equal(c.rtx_ssrc, 78);
    assert_string_equal(c.mid, "4");
    assert_true(c.nack && c.pli && c.transport_cc && c.paused && !c.producer_paused);
    assert_int_equal(c.ext.ids[EXT_MID], 1);
    signal_message_close(&m);
    static const char *const bad[] = {
        CONSUMED("audio", "video/VP8", "77"),         CONSUMED("video", "video/x", "77"),
        CONSUMED("video", "video/VP8", "0"),          CONSUMED("video", "video/VP8", "-1"),
        CONSUMED("video", "video/VP8", "4294967296"), "{\"type\":\"consumed\"}"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        open_text(bad[i], &m);
        assert_int_equal(signal_read_consumed(&m, &c), ERR_MALFORMED);
        signal_message_close(&m);
    }
}

// An id that does not fit is refused and not cut: what is cut names nothing, and may be no text any more.
static void test_a_producer_whose_id_is_too_long(void **state) {
    (void)state;
    for (size_t len = SIGNAL_ID_MAX - 2; len <= SIGNAL_ID_MAX; len++) {
        struct signal_message m;
        struct producer_info info;
        char text[256], id[SIGNAL_ID_MAX + 1] = "";
        memset(id, 'x', len);
        snprintf(text, sizeof text,
                 "{\"type\":\"produced\",\"data\":{\"producerId\":\"%s\",\"kind\":\"video\"}}", id);
        open_text(text, &m);
        bool fits = len < SIGNAL_ID_MAX;
        assert_int_equal(signal_read_new_producer(&m, &info), fits ? ERR_OK : ERR_MALFORMED);
        assert_string_equal(info.id, fits ? id : "");
        signal_message_close(&m);
    }
}

static void test_requests(void **state) {
    (void)state;
    struct row {
        char *text;
        const char *expected;
    } rows[] = {
        {signal_write_join("r", "a\"b", ""),
         "{\"type\":\"join-room\",\"data\":{\"roomId\":\"r\",\"username\":\"a\\\"b\"}}"},
        {signal_write_plain("leave-room", NULL, NULL), "{\"type\":\"leave-room\",\"data\":{}}"},
        {signal_write_plain("create-transport", "direction", "recv"),
         "{\"type\":\"create-transport\",\"data\":{\"direction\":\"recv\"}}"},
        {signal_write_consume("p", NULL),
         "{\"type\":\"consume\",\"data\":{\"producerId\":\"p\",\"paused\":true}}"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_string_equal(rows[i].text, rows[i].expected);
        free(rows[i].text);
    }
}

static void test_produce_names_streams_as_browsers_do(void **state) {
    (void)state;
    struct offer offer = {.transport_id = "t",
                          .mid = "1",
                          .cname = "x",
                          .kind = MEDIA_VIDEO,
                          .codec = {CODEC_VP8, 101, 102},
                          .stream_count = 1,
                          .temporal_layers = 3,
                          .streams = {{.ssrc = 5, .rtx_ssrc = 6, .rid = "", .bitrate_bps = 9}}};
    char *one = signal_write_produce(&offer);
    assert_non_null(strstr(one, "\"ssrc\":5"));
    assert_non_null(strstr(one, "\"rtx\":{\"ssrc\":6}"));
    assert_non_null(strstr(one, "\"scalabilityMode\":\"L1T3\""));
    assert_non_null(strstr(one, "\"apt\":101"));
    assert_null(strstr(one, "\"rid\""));
    free(one);
    offer.stream_count = 2;
    strcpy(offer.streams[0].rid, "r0");
    strcpy(offer.streams[1].rid, "r1");
    char *two = signal_write_produce(&offer);
    assert_non_null(strstr(two, "\"rid\":\"r1\""));
    assert_null(strstr(two, "\"ssrc\""));
    free(two);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_no_message),
        cmocka_unit_test(test_errors),
        cmocka_unit_test(test_joined),
        cmocka_unit_test(test_transports),
        cmocka_unit_test(test_consumed),
        cmocka_unit_test(test_a_producer_whose_id_is_too_long),
        cmocka_unit_test(test_requests),
        cmocka_unit_test(test_produce_names_streams_as_browsers_do),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
