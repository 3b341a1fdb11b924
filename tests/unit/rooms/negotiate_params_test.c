// From checked JSON to what the packet path uses.
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "rooms/negotiate.h"
#include "tests/unit/rooms/negotiate_text.h"

#define ALL_FB                                                                                               \
    FB("nack", "")                                                                                           \
    "," FB("nack", "pli") "," FB("ccm", "fir") "," FB("goog-remb", "") "," FB("transport-cc", "")
#define ALL_EXT                                                                                              \
    EXT(URI_MID, 4) "," EXT(URI_RID, 10) "," EXT(URI_RRID, 11) "," EXT(URI_AST, 2) "," EXT(URI_TWCC, 3)

static json_t *checked_producer(enum media_kind kind, const char *text) {
    struct refusal refusal;
    json_t *input = json_of(text), *checked = negotiate_check_producer(kind, input, &refusal);

    if (checked == NULL)
        print_error("%s: %s\n", text, refusal.text);
    assert_non_null(checked);
    json_decref(input);
    return checked;
}

static struct producer_params producer(enum media_kind kind, const char *text) {
    struct producer_params params;
    struct refusal refusal;
    json_t *checked = checked_producer(kind, text);

    assert_int_equal(negotiate_producer_params(kind, checked, &params, &refusal), ERR_OK);
    json_decref(checked);
    return params;
}

// ---- producers

static void test_simulcast_producer(void **state) {
    (void)state;
    struct producer_params p = producer(
        MEDIA_VIDEO,
        PRODUCER(VIDEO_CODEC("VP8", 96, "", ALL_FB) "," RTX(97, 96), ALL_EXT,
                 "{'rid':'r0','scalabilityMode':'L1T3'},{'rid':'r1','scalabilityMode':'L1T2'},{'rid':'r2'}"));

    assert_int_equal(p.kind, MEDIA_VIDEO);
    assert_int_equal(p.codec, CODEC_VP8);
    assert_int_equal(p.payload_type, 96);
    assert_int_equal(p.rtx_payload_type, 97);
    assert_int_equal(p.clock_rate, 90000);
    assert_int_equal(p.stream_count, 3);
    assert_string_equal(p.streams[0].rid, "r0");
    assert_string_equal(p.streams[2].rid, "r2");
    assert_int_equal(p.streams[0].ssrc, 0);
    assert_string_equal(p.mid, "0");
    assert_int_equal(p.ext.ids[EXT_MID], 4);
    assert_int_equal(p.ext.ids[EXT_RID], 10);
    assert_int_equal(p.ext.ids[EXT_REPAIRED_RID], 11);
    assert_int_equal(p.ext.ids[EXT_ABS_SEND_TIME], 2);
    assert_int_equal(p.ext.ids[EXT_TRANSPORT_CC], 3);
    assert_int_equal(p.ext.ids[EXT_AUDIO_LEVEL], 0);
    assert_int_equal(p.spatial_layers, 1);
    assert_int_equal(p.temporal_layers, 3);
}

static void test_streams_by_ssrc(void **state) {
    (void)state;
    struct producer_params p =
        producer(MEDIA_VIDEO, PRODUCER(VIDEO_CODEC("VP8", 96, "", "") "," RTX(97, 96), "",
                                       "{'ssrc':4294967295,'rtx':{'ssrc':2}},{'ssrc':3,'rid':'a'}"));

    assert_int_equal(p.streams[0].ssrc, 4294967295U);
    assert_int_equal(p.streams[0].rtx_ssrc, 2);
    assert_int_equal(p.streams[1].ssrc, 3);
    assert_int_equal(p.streams[1].rtx_ssrc, 0);
    assert_string_equal(p.streams[1].rid, "a");
}

static void test_rtx_ssrc_without_rtx_codec_is_nothing(void **state) {
    (void)state;
    struct producer_params p =
        producer(MEDIA_VIDEO, PRODUCER(VIDEO_CODEC("VP8", 96, "", ""), "", "{'ssrc':1,'rtx':{'ssrc':2}}"));

    assert_int_equal(p.rtx_payload_type, PAYLOAD_TYPE_NONE);
    assert_int_equal(p.streams[0].rtx_ssrc, 0);
}

static void test_first_media_codec_is_sent(void **state) {
    (void)state;
    struct producer_params p = producer(
        MEDIA_VIDEO,
        PRODUCER(RTX(99, 98) "," RTX(97, 96) "," VIDEO_CODEC("VP9", 96, "", FB("nack", "")) "," VIDEO_CODEC(
                     "VP8", 98, "", FB("nack", "pli")),
                 "", "{'ssrc':1}"));

    assert_int_equal(p.codec, CODEC_VP9);
    assert_int_equal(p.payload_type, 96);
    assert_int_equal(p.rtx_payload_type, 97);
    assert_true(p.nack);
    assert_false(p.pli);
}

static void test_codec_names(void **state) {
    (void)state;
    static const struct {
        const char *codec;
        enum media_codec expected;
    } rows[] = {
        {VIDEO_CODEC("VP8", 1, "", ""), CODEC_VP8},   {VIDEO_CODEC("vp9", 1, "", ""), CODEC_VP9},
        {VIDEO_CODEC("h264", 1, "", ""), CODEC_H264}, {VIDEO_CODEC("H265", 1, "", ""), CODEC_H265},
        {VIDEO_CODEC("av1", 1, "", ""), CODEC_AV1},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char text[512];
        snprintf(text, sizeof text, PRODUCER("%s", "", "{'ssrc':1}"), rows[i].codec);
        assert_int_equal(producer(MEDIA_VIDEO, text).codec, rows[i].expected);
    }
    assert_int_equal(producer(MEDIA_AUDIO, PRODUCER(OPUS("", ""), "", "{'ssrc':1}")).codec, CODEC_OPUS);
}

static void test_unknown_codec_is_refused(void **state) {
    (void)state;
    struct producer_params params;
    struct refusal refusal;
    json_t *checked =
        checked_producer(MEDIA_VIDEO, PRODUCER(VIDEO_CODEC("H266", 96, "", ""), "", "{'ssrc':1}"));

    assert_int_equal(negotiate_producer_params(MEDIA_VIDEO, checked, &params, &refusal), ERR_UNSUPPORTED);
    assert_string_equal(refusal.text, "this server does not route video/H266");
    json_decref(checked);
}

static void test_producer_feedback(void **state) {
    (void)state;
    static const struct {
        const char *what, *feedback, *extensions;
        bool nack, pli, fir, transport_cc, remb, ccfb;
    } rows[] = {
        {"nothing", "", ALL_EXT, false, false, false, false, false, false},
        {"nack", FB("nack", ""), "", true, false, false, false, false, false},
        {"nack pli", FB("nack", "pli"), "", false, true, false, false, false, false},
        {"nack rpsi is none of ours", FB("nack", "rpsi"), "", false, false, false, false, false, false},
        {"ccm fir", FB("ccm", "fir"), "", false, false, true, false, false, false},
        {"ccm tmmbr is none of ours", FB("ccm", "tmmbr"), "", false, false, false, false, false, false},
        {"transport-cc before remb", ALL_FB, ALL_EXT, true, true, true, true, false, false},
        {"transport-cc without its extension", FB("transport-cc", ""), EXT(URI_AST, 2), false, false, false,
         false, false, false},
        {"remb when transport-cc has no extension", ALL_FB, EXT(URI_AST, 2), true, true, true, false, true,
         false},
        {"remb alone", FB("goog-remb", ""), EXT(URI_AST, 2) "," EXT(URI_TWCC, 3), false, false, false, false,
         true, false},
        {"remb by RTP timestamps alone", FB("goog-remb", ""), EXT(URI_TWCC, 3), false, false, false, false,
         true, false},
        {"remb without any extension", FB("goog-remb", "") "," FB("transport-cc", ""), "", false, false,
         false, false, true, false},
        {"ccfb beside transport-cc", ALL_FB "," FB("ack", "ccfb"), ALL_EXT, true, true, true, true, false,
         true},
        {"ccfb needs no extension", FB("ack", "ccfb"), "", false, false, false, false, false, true},
        {"ccfb before remb", FB("goog-remb", "") "," FB("ack", "ccfb"), ALL_EXT, false, false, false, false,
         false, true},
        {"ack is not ccfb", FB("ack", "rpsi") "," FB("nack", "ccfb"), "", false, false, false, false, false,
         false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char text[4096];
        snprintf(text, sizeof text, PRODUCER(VIDEO_CODEC("VP8", 96, "", "%s"), "%s", "{'ssrc':1}"),
                 rows[i].feedback, rows[i].extensions);
        struct producer_params p = producer(MEDIA_VIDEO, text);

        if (p.nack != rows[i].nack || p.pli != rows[i].pli || p.fir != rows[i].fir ||
            p.transport_cc != rows[i].transport_cc || p.remb != rows[i].remb || p.ccfb != rows[i].ccfb) {
            print_error("%s: found nack %d pli %d fir %d transport_cc %d remb %d\n", rows[i].what, p.nack,
                        p.pli, p.fir, p.transport_cc, p.remb);
            fail();
        }
    }
}

static void test_dtx(void **state) {
    (void)state;
    static const struct {
        const char *parameters, *encoding;
        bool dtx;
    } rows[] = {
        {"", "{'ssrc':1}", false},           {"'usedtx':1", "{'ssrc':1}", true},
        {"'usedtx':0", "{'ssrc':1}", false}, {"'usedtx':'1'", "{'ssrc':1}", false},
        {"", "{'ssrc':1,'dtx':true}", true},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char text[1024];
        snprintf(text, sizeof text, PRODUCER(OPUS("%s", ""), "", "%s"), rows[i].parameters, rows[i].encoding);
        assert_int_equal(producer(MEDIA_AUDIO, text).dtx, rows[i].dtx);
    }
}

// ---- types and layers

static void test_types(void **state) {
    (void)state;
    static const struct {
        const char *codec, *encodings;
        const char *type; // NULL: refused
        uint8_t spatial, temporal;
    } rows[] = {
        {"VP8", "{'ssrc':1}", "simple", 1, 1},
        {"VP8", "{'ssrc':1,'scalabilityMode':'L1T1'}", "simple", 1, 1},
        {"VP8", "{'ssrc':1,'scalabilityMode':'L1T3'}", "svc", 1, 3},
        {"VP8", "{'ssrc':1},{'ssrc':2}", "simulcast", 1, 1},
        {"VP8", "{'ssrc':1,'scalabilityMode':'L1T2'},{'ssrc':2,'scalabilityMode':'L1T3'}", "simulcast", 1, 3},
        {"VP9", "{'ssrc':1,'scalabilityMode':'L3T3_KEY'}", "svc", 3, 3},
        {"VP9", "{'ssrc':1,'scalabilityMode':'S2T1'}", "svc", 2, 1},
        {"VP9", "{'ssrc':1,'scalabilityMode':'L3T3h'}", "svc", 3, 3},
        {"VP9", "{'ssrc':1,'scalabilityMode':'L3'}", "simple", 1, 1},
        {"VP9", "{'ssrc':1,'scalabilityMode':'L0T3'}", "simple", 1, 1},
        {"VP9", "{'ssrc':1,'scalabilityMode':'l3t3'}", "simple", 1, 1},
        {"VP9", "{'ssrc':1,'scalabilityMode':'L3T3'},{'ssrc':2}", NULL, 0, 0},
        {"AV1", "{'ssrc':1,'scalabilityMode':'L3T3'}", "svc", 3, 3},
        {"AV1", "{'ssrc':1},{'ssrc':2}", "simulcast", 1, 1},
        {"H264", "{'ssrc':1,'scalabilityMode':'L1T2'}", "svc", 1, 2},
        {"H265", "{'ssrc':1,'scalabilityMode':'L1T2'}", "svc", 1, 2},
        {"H265", "{'ssrc':1,'scalabilityMode':'L2T2'}", "svc", 1, 2},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char text[1024];
        struct refusal refusal;
        struct producer_params params = {0};

        snprintf(text, sizeof text, PRODUCER(VIDEO_CODEC("%s", 96, "", ""), "", "%s"), rows[i].codec,
                 rows[i].encodings);
        json_t *checked = checked_producer(MEDIA_VIDEO, text);
        const char *type = negotiate_producer_type(MEDIA_VIDEO, checked, &refusal);
        enum err e = negotiate_producer_params(MEDIA_VIDEO, checked, &params, &refusal);

        if ((type != NULL ? rows[i].type == NULL || strcmp(type, rows[i].type) != 0 : rows[i].type != NULL) ||
            e != (rows[i].type != NULL ? ERR_OK : ERR_UNSUPPORTED) ||
            params.spatial_layers != rows[i].spatial || params.temporal_layers != rows[i].temporal) {
            print_error("%s %s: expected %s %d %d, found %s %d %d\n", rows[i].codec, rows[i].encodings,
                        rows[i].type != NULL ? rows[i].type : "a refusal", rows[i].spatial, rows[i].temporal,
                        type != NULL ? type : refusal.text, params.spatial_layers, params.temporal_layers);
            fail();
        }
        json_decref(checked);
    }
}

static void test_audio_types(void **state) {
    (void)state;
    struct refusal refusal;
    json_t *one =
        checked_producer(MEDIA_AUDIO, PRODUCER(OPUS("", ""), "", "{'ssrc':1,'scalabilityMode':'L1T3'}"));
    json_t *two = checked_producer(MEDIA_AUDIO, PRODUCER(OPUS("", ""), "", "{'ssrc':1},{'ssrc':2}"));

    assert_string_equal(negotiate_producer_type(MEDIA_AUDIO, one, &refusal), "simple");
    assert_null(negotiate_producer_type(MEDIA_AUDIO, two, &refusal));
    assert_int_equal(refusal.code, ERR_UNSUPPORTED);
    assert_string_equal(refusal.text, "2 encodings: an audio producer has one");
    json_decref(one);
    json_decref(two);
}

// ---- consumers

#define CONSUMER(codecs, extensions, encoding)                                                               \
    "{'mid':'12','codecs':[" codecs "],'headerExtensions':[" extensions "],'encodings':[" encoding "],"      \
    "'rtcp':{'cname':'abcd'}}"

static struct consumer_params consumer(const char *text) {
    struct consumer_params params;
    struct refusal refusal;
    json_t *input = json_of(text);

    assert_int_equal(negotiate_consumer_params(MEDIA_VIDEO, input, &params, &refusal), ERR_OK);
    json_decref(input);
    return params;
}

static void test_consumer(void **state) {
    (void)state;
    struct consumer_params p =
        consumer(CONSUMER(VIDEO_CODEC("VP8", 101, "", ALL_FB) "," RTX(102, 101),
                          EXT(URI_MID, 1) "," EXT(URI_TWCC, 5), "{'ssrc':7,'rtx':{'ssrc':8}}"));

    assert_int_equal(p.payload_type, 101);
    assert_int_equal(p.rtx_payload_type, 102);
    assert_int_equal(p.clock_rate, 90000);
    assert_int_equal(p.ssrc, 7);
    assert_int_equal(p.rtx_ssrc, 8);
    assert_string_equal(p.mid, "12");
    assert_string_equal(p.cname, "abcd");
    assert_int_equal(p.ext.ids[EXT_MID], EXT_ROUTER_ID(EXT_MID));
    assert_int_equal(p.ext.ids[EXT_TRANSPORT_CC], EXT_ROUTER_ID(EXT_TRANSPORT_CC));
    assert_int_equal(p.ext.ids[EXT_ABS_SEND_TIME], 0);
    assert_true(p.nack && p.pli && p.fir);
}

static void test_consumer_without_rtx(void **state) {
    (void)state;
    struct consumer_params p = consumer(CONSUMER(VIDEO_CODEC("VP8", 101, "", ""), "", "{'ssrc':7}"));

    assert_int_equal(p.rtx_payload_type, PAYLOAD_TYPE_NONE);
    assert_int_equal(p.rtx_ssrc, 0);
    assert_false(p.nack || p.pli || p.fir);
}

static void test_consumer_ids_are_the_routers(void **state) {
    (void)state;
    struct consumer_params p = consumer(
        CONSUMER(VIDEO_CODEC("VP8", 101, "", ""), EXT(URI_MID, 2) "," EXT("urn:x", 4), "{'ssrc':7}"));

    for (enum media_ext ext = EXT_MID; ext < EXT_COUNT; ext++)
        assert_int_equal(p.ext.ids[ext], 0);
}

static void test_consumer_refusals(void **state) {
    (void)state;
    static const char *const texts[] = {
        "null",
        "{}",
        CONSUMER("", "", "{'ssrc':7}"),
        CONSUMER(RTX(102, 101), "", "{'ssrc':7}"),
        CONSUMER(VIDEO_CODEC("VP8", 101, "", ""), "", ""),
        CONSUMER(VIDEO_CODEC("VP8", 101, "", ""), "", "{'ssrc':0}"),
        "{'mid':'0123456789abcdefg','codecs':[" VIDEO_CODEC("VP8", 101, "", "") "],'encodings':[{'ssrc':7}]}",
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct consumer_params params;
        struct refusal refusal;
        json_t *input = json_of(texts[i]);

        assert_int_equal(negotiate_consumer_params(MEDIA_VIDEO, input, &params, &refusal), ERR_MALFORMED);
        json_decref(input);
    }
}

// ---- DTLS

#define SHA1 "01:23:45:67:89:AB:CD:EF:01:23:45:67:89:AB:CD:EF:01:23:45:67"
#define SHA224 SHA1 ":89:AB:CD:EF:01:23:45:67"
#define PRINT(algorithm, value) "{'algorithm':'" algorithm "','value':'" value "'}"

static void test_dtls_rows(void **state) {
    (void)state;
    static const struct {
        const char *what, *json;
        enum err expected;
        enum dtls_role role;
    } rows[] = {
        {"no role", "{'fingerprints':[" PRINT("sha-224", SHA224) "]}", ERR_OK, DTLS_ROLE_AUTO},
        {"auto", "{'role':'auto','fingerprints':[" PRINT("sha-224", SHA224) "]}", ERR_OK, DTLS_ROLE_AUTO},
        {"client", "{'role':'client','fingerprints':[" PRINT("SHA-224", SHA224) "]}", ERR_OK,
         DTLS_ROLE_CLIENT},
        {"server", "{'role':'server','fingerprints':[" PRINT("sha-224", SHA224) "]}", ERR_OK,
         DTLS_ROLE_SERVER},
        {"the first fingerprint counts", "{'fingerprints':[" PRINT("sha-224", SHA224) ",7]}", ERR_OK,
         DTLS_ROLE_AUTO},
        {"SHA-1 alone", "{'fingerprints':[" PRINT("sha-1", SHA1) "]}", ERR_UNSUPPORTED, 0},
        {"SHA-1 alone, and more of it",
         "{'fingerprints':[" PRINT("SHA-1", SHA1) "," PRINT("sha-1", SHA1) "]}", ERR_UNSUPPORTED, 0},
        {"a better one beside SHA-1",
         "{'fingerprints':[" PRINT("sha-1", SHA1) "," PRINT("sha-224", SHA224) "]}", ERR_OK, DTLS_ROLE_AUTO},
        {"no object", "[]", ERR_MALFORMED, 0},
        {"no fingerprints", "{}", ERR_MALFORMED, 0},
        {"empty fingerprints", "{'fingerprints':[]}", ERR_MALFORMED, 0},
        {"fingerprint null", "{'fingerprints':[null]}", ERR_UNSUPPORTED, 0},
        {"other role", "{'role':'active','fingerprints':[" PRINT("sha-224", SHA224) "]}", ERR_MALFORMED, 0},
        {"role a number", "{'role':1,'fingerprints':[" PRINT("sha-224", SHA224) "]}", ERR_MALFORMED, 0},
        {"md5", "{'fingerprints':[" PRINT("md5", "00:11") "]}", ERR_UNSUPPORTED, 0},
        {"length of another hash", "{'fingerprints':[" PRINT("sha-256", SHA1) "]}", ERR_MALFORMED, 0},
        {"one byte more", "{'fingerprints':[" PRINT("sha-224", SHA224 ":00") "]}", ERR_MALFORMED, 0},
        {"empty value", "{'fingerprints':[" PRINT("sha-224", "") "]}", ERR_MALFORMED, 0},
        {"not hexadecimal",
         "{'fingerprints':[" PRINT("sha-224", "0G:23:45:67:89:AB:CD:EF:01:23:45:67:89:AB:CD:EF:"
                                              "01:23:45:67") "]}",
         ERR_MALFORMED, 0},
        {"no colons",
         "{'fingerprints':[" PRINT("sha-224", "01-23:45:67:89:AB:CD:EF:01:23:45:67:89:AB:CD:EF:01:23:"
                                              "45:67") "]}",
         ERR_MALFORMED, 0},
        {"17 fingerprints", "{'fingerprints':[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17]}", ERR_LIMIT, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct refusal refusal;
        struct fingerprint print = {0};
        enum dtls_role role = DTLS_ROLE_AUTO;
        json_t *input = json_of(rows[i].json);
        enum err e = negotiate_dtls(input, &role, &print, &refusal);

        if (e != rows[i].expected || e != refusal.code ||
            (e == ERR_OK && (role != rows[i].role || print.len != 28))) {
            print_error("%s: expected %s, found %s \"%s\"\n", rows[i].what, err_name(rows[i].expected),
                        err_name(e), refusal.text);
            fail();
        }
        json_decref(input);
    }
}

static void test_dtls_bytes(void **state) {
    (void)state;
    static const struct {
        const char *algorithm;
        enum fingerprint_hash hash;
        uint8_t len; // RFC 8122, 5: as many as the hash has
    } rows[] = {
        {"sha-224", FINGERPRINT_SHA224, 28},
        {"sha-256", FINGERPRINT_SHA256, 32},
        {"sha-384", FINGERPRINT_SHA384, 48},
        {"sha-512", FINGERPRINT_SHA512, 64},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct refusal refusal;
        struct fingerprint print;
        enum dtls_role role;
        char value[3 * FINGERPRINT_MAX + 1] = "", text[512];

        for (uint8_t k = 0; k < rows[i].len; k++)
            snprintf(value + 3 * k - (k > 0), 4, k > 0 ? (k % 2 ? ":%02X" : ":%02x") : "%02x",
                     (0xa0 + k) & 0xff);
        snprintf(text, sizeof text, "{'fingerprints':[" PRINT("%s", "%s") "]}", rows[i].algorithm, value);
        json_t *input = json_of(text);
        assert_int_equal(negotiate_dtls(input, &role, &print, &refusal), ERR_OK);
        assert_int_equal(print.hash, rows[i].hash);
        assert_int_equal(print.len, rows[i].len);
        for (uint8_t k = 0; k < rows[i].len; k++)
            assert_int_equal(print.bytes[k], (0xa0 + k) & 0xff);
        json_decref(input);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_simulcast_producer),
        cmocka_unit_test(test_streams_by_ssrc),
        cmocka_unit_test(test_rtx_ssrc_without_rtx_codec_is_nothing),
        cmocka_unit_test(test_first_media_codec_is_sent),
        cmocka_unit_test(test_codec_names),
        cmocka_unit_test(test_unknown_codec_is_refused),
        cmocka_unit_test(test_producer_feedback),
        cmocka_unit_test(test_dtx),
        cmocka_unit_test(test_types),
        cmocka_unit_test(test_audio_types),
        cmocka_unit_test(test_consumer),
        cmocka_unit_test(test_consumer_without_rtx),
        cmocka_unit_test(test_consumer_ids_are_the_routers),
        cmocka_unit_test(test_consumer_refusals),
        cmocka_unit_test(test_dtls_rows),
        cmocka_unit_test(test_dtls_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
