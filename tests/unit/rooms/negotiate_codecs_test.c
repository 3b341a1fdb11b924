// What the server announces, H265 (which the reference does not route), and the words of a refusal.
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "rooms/negotiate.h"
#include "tests/unit/rooms/negotiate_text.h"

static int64_t number_of(const json_t *object, const char *key) {
    return json_integer_value(json_object_get(object, key));
}

static const char *text_of(const json_t *object, const char *key) {
    return json_string_value(json_object_get(object, key));
}

// A media codec and, unless it is opus, its RTX.
static void test_router_payload_types(void **state) {
    (void)state;
    static const struct {
        const char *mime_type;
        int payload_type;
        const char *profile; // of H264
        int mode;
    } EXPECTED[] = {
        {"audio/opus", 100, NULL, 0},     {"video/VP8", 101, NULL, 0},      {"video/VP9", 103, NULL, 0},
        {"video/VP9", 105, NULL, 0},      {"video/H264", 107, "42e01f", 1}, {"video/H264", 109, "4d0032", 1},
        {"video/AV1", 111, NULL, 0},      {"video/H264", 113, "42001f", 1}, {"video/H264", 115, "64001f", 1},
        {"video/H264", 117, "42e01f", 0}, {"video/H264", 119, "42001f", 0}, {"video/H264", 121, "4d0032", 0},
        {"video/H264", 123, "64001f", 0}, {"video/H265", 125, NULL, 0},     {"video/H264", 96, "640c1f", 1},
        {"video/H264", 98, "640c1f", 0},
    };
    json_t *router = negotiate_router_capabilities(), *codecs = json_object_get(router, "codecs");
    size_t at = 0;

    for (size_t i = 0; i < sizeof EXPECTED / sizeof EXPECTED[0]; i++) {
        const json_t *codec = json_array_get(codecs, at++);
        const json_t *parameters = json_object_get(codec, "parameters");

        assert_string_equal(text_of(codec, "mimeType"), EXPECTED[i].mime_type);
        assert_int_equal(number_of(codec, "preferredPayloadType"), EXPECTED[i].payload_type);
        if (EXPECTED[i].profile != NULL) {
            assert_string_equal(text_of(parameters, "profile-level-id"), EXPECTED[i].profile);
            assert_int_equal(number_of(parameters, "packetization-mode"), EXPECTED[i].mode);
        }
        if (i == 0)
            continue;
        const json_t *rtx = json_array_get(codecs, at++);
        assert_string_equal(text_of(rtx, "mimeType"), "video/rtx");
        assert_int_equal(number_of(rtx, "preferredPayloadType"), EXPECTED[i].payload_type + 1);
        assert_int_equal(number_of(json_object_get(rtx, "parameters"), "apt"), EXPECTED[i].payload_type);
    }
    const json_t *red = json_array_get(codecs, at++);
    assert_string_equal(text_of(red, "mimeType"), "audio/red");
    assert_int_equal(number_of(red, "preferredPayloadType"), 63);
    assert_string_equal(text_of(json_object_get(red, "parameters"), ""), "100/100");
    assert_int_equal(json_array_size(codecs), at);
    json_decref(router);
}

static void test_router_h265(void **state) {
    (void)state;
    json_t *router = negotiate_router_capabilities(), *codecs = json_object_get(router, "codecs");
    json_t *expected = json_of("{'profile-id':1,'tier-flag':0,'level-id':180,'tx-mode':'SRST'}");
    bool found = false;

    for (size_t i = 0; i < json_array_size(codecs); i++) {
        const json_t *codec = json_array_get(codecs, i);
        found |= strcmp(text_of(codec, "mimeType"), "video/H265") == 0 &&
                 json_equal(json_object_get(codec, "parameters"), expected);
    }
    assert_true(found);
    json_decref(router);
    json_decref(expected);
}

static void test_router_extension_ids(void **state) {
    (void)state;
    json_t *router = negotiate_router_capabilities(), *list = json_object_get(router, "headerExtensions");
    int64_t last = 0;

    for (size_t i = 0; i < json_array_size(list); i++) {
        int64_t id = number_of(json_array_get(list, i), "preferredId");

        assert_true(id == last || id == last + 1); // in the order of the enum, one or two entries each
        last = id;
    }
    assert_int_equal(last, EXT_ROUTER_ID(EXT_PLAYOUT_DELAY));
    json_decref(router);
}

// ---- H265: RFC 7798, 7.1

static const struct h265_row {
    const char *what, *parameters;
    bool taken;
} H265_ROWS[] = {
    {"as Chromium says it", "'level-id':180,'profile-id':1,'tier-flag':0,'tx-mode':'SRST'", true},
    {"as Safari says it", "'level-id':93,'tx-mode':'SRST'", true},
    {"nothing said is Main, main tier, SRST", "", true},
    {"digits in strings", "'profile-id':'1','tier-flag':'0','level-id':'120'", true},
    {"another level is no obstacle", "'profile-id':1,'level-id':30", true},
    {"tx-mode in lower case", "'tx-mode':'srst'", true},
    {"empty tx-mode is inferred", "'tx-mode':''", true},
    {"Main 10", "'profile-id':2", false},
    {"Main 10 in a string", "'profile-id':'2'", false},
    {"profile 0 is not inferred", "'profile-id':0", false},
    {"high tier", "'tier-flag':1", false},
    {"several streams", "'tx-mode':'MRST'", false},
    {"profile of letters", "'profile-id':'main'", false},
    {"profile -1", "'profile-id':-1", false},
    {"profile 1.5", "'profile-id':1.5", false},
};

static json_t *h265_mapping(const char *parameters, const json_t *router, json_t **checked,
                            struct refusal *refusal) {
    char text[1024];

    snprintf(text, sizeof text,
             PRODUCER("{'mimeType':'video/H265','payloadType':49,'clockRate':90000,'parameters':{%s}}," RTX(
                          50, 49),
                      "", "{'ssrc':1}"),
             parameters);
    json_t *input = json_of(text);
    *checked = negotiate_check_producer(MEDIA_VIDEO, input, refusal);
    json_decref(input);
    return negotiate_producer_mapping(*checked, router, 1000, refusal);
}

static void test_h265_producers(void **state) {
    (void)state;
    json_t *router = negotiate_router_capabilities();
    json_t *expected = json_of("{'codecs':[{'payloadType':49,'mappedPayloadType':125},"
                               "{'payloadType':50,'mappedPayloadType':126}],"
                               "'encodings':[{'ssrc':1,'mappedSsrc':1000}]}");

    for (size_t i = 0; i < sizeof H265_ROWS / sizeof H265_ROWS[0]; i++) {
        struct refusal refusal;
        json_t *checked, *mapping = h265_mapping(H265_ROWS[i].parameters, router, &checked, &refusal);

        if (H265_ROWS[i].taken ? !json_equal(mapping, expected)
                               : mapping != NULL || refusal.code != ERR_UNSUPPORTED) {
            print_error("%s: expected to be %s\n", H265_ROWS[i].what,
                        H265_ROWS[i].taken ? "taken" : "refused");
            fail();
        }
        json_decref(checked);
        json_decref(mapping);
    }
    json_decref(router);
    json_decref(expected);
}

// The same rows as receivers of a Main profile stream.
static void test_h265_receivers(void **state) {
    (void)state;
    json_t *router = negotiate_router_capabilities(), *checked;
    struct refusal refusal;
    json_t *mapping = h265_mapping("'profile-id':1,'level-id':150", router, &checked, &refusal);
    json_t *consumable = negotiate_consumable(MEDIA_VIDEO, checked, router, mapping);

    for (size_t i = 0; i < sizeof H265_ROWS / sizeof H265_ROWS[0]; i++) {
        char text[1024];
        snprintf(text, sizeof text,
                 "{'codecs':[{'mimeType':'video/H265','clockRate':90000,'parameters':{%s}}]}",
                 H265_ROWS[i].parameters);
        json_t *input = json_of(text), *capabilities = negotiate_check_capabilities(input, &refusal);
        json_t *consumer = negotiate_consumer(consumable, capabilities, true, 5, &refusal);

        if (negotiate_can_consume(consumable, capabilities) != H265_ROWS[i].taken ||
            (consumer != NULL) != H265_ROWS[i].taken) {
            print_error("%s: expected to %s\n", H265_ROWS[i].what,
                        H265_ROWS[i].taken ? "consume" : "be refused");
            fail();
        }
        json_decref(input);
        json_decref(capabilities);
        json_decref(consumer);
    }
    json_decref(router);
    json_decref(checked);
    json_decref(mapping);
    json_decref(consumable);
}

#define H264_ALLOWED "video/H264 profile-level-id=42e01f/4d0032/42001f/64001f/640c1f packetization-mode=0/1"

static void test_refusal_says_what_is_allowed(void **state) {
    (void)state;
    static const struct {
        enum media_kind kind;
        const char *codec, *expected;
    } rows[] = {
        {MEDIA_VIDEO, VIDEO_CODEC("H266", 96, "", ""),
         "unsupported codec video/H266 (payload type 96); allowed: video/VP8, video/VP9, video/H264, "
         "video/AV1, "
         "video/H265"},
        {MEDIA_VIDEO, VIDEO_CODEC("VP9", 98, "'profile-id':1", ""),
         "unsupported codec video/VP9 profile-id=1 (payload type 98); allowed: video/VP9 profile-id=0, "
         "video/VP9 "
         "profile-id=2"},
        {MEDIA_VIDEO, VIDEO_CODEC("H264", 102, "'profile-level-id':'f4001f','packetization-mode':1", ""),
         "unsupported codec video/H264 profile-level-id=f4001f packetization-mode=1 (payload type 102); "
         "allowed: " H264_ALLOWED},
        {MEDIA_VIDEO, VIDEO_CODEC("H264", 102, "'profile-level-id':'42e01f','packetization-mode':2", ""),
         "unsupported codec video/H264 profile-level-id=42e01f packetization-mode=2 (payload type 102); "
         "allowed: " H264_ALLOWED},
        {MEDIA_VIDEO, VIDEO_CODEC("H265", 49, "'profile-id':2,'tier-flag':1", ""),
         "unsupported codec video/H265 profile-id=2 tier-flag=1 (payload type 49); allowed: video/H265 "
         "profile-id=1 tier-flag=0"},
        {MEDIA_VIDEO, VIDEO_CODEC("H264", 102, "'profile-level-id':'\\u20ac','packetization-mode':1", ""),
         "unsupported codec video/H264 packetization-mode=1 (payload type 102); allowed: " H264_ALLOWED},
        {MEDIA_AUDIO, "{'mimeType':'audio/PCMU','payloadType':0,'clockRate':8000}",
         "unsupported codec audio/PCMU (payload type 0); allowed: audio/opus"},
    };
    json_t *router = negotiate_router_capabilities();

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct refusal refusal;
        char text[1024];

        snprintf(text, sizeof text, PRODUCER("%s", "", "{'ssrc':1}"), rows[i].codec);
        json_t *input = json_of(text), *checked = negotiate_check_producer(rows[i].kind, input, &refusal);
        assert_null(negotiate_producer_mapping(checked, router, 1000, &refusal));
        assert_int_equal(refusal.code, ERR_UNSUPPORTED);
        assert_string_equal(refusal.text, rows[i].expected);
        json_decref(input);
        json_decref(checked);
    }
    json_decref(router);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_router_payload_types), cmocka_unit_test(test_router_h265),
        cmocka_unit_test(test_router_extension_ids), cmocka_unit_test(test_h265_producers),
        cmocka_unit_test(test_h265_receivers),       cmocka_unit_test(test_refusal_says_what_is_allowed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
