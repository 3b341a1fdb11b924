// What of a client's JSON is refused, beyond what the reference refuses, and what is let through.
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "rooms/negotiate.h"
#include "tests/unit/rooms/negotiate_text.h"

#define VP8 VIDEO_CODEC("VP8", 96, "", "")
#define ONE "{'ssrc':1}"
#define WITH_CODEC(field)                                                                                    \
    PRODUCER("{'mimeType':'video/VP8','payloadType':96,'clockRate':90000," field "}", "", ONE)
#define WITH_EXT(ext) PRODUCER(VP8, ext, ONE)
#define WITH_ENCODINGS(encodings) PRODUCER(VP8, "", encodings)
#define MIME(name) "{'mimeType':'" name "','payloadType':96,'clockRate':90000}"
#define LONG_64 "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

struct row {
    const char *what, *json;
    enum err code;      // ERR_OK: taken
    const char *reason; // a part of the refusal's text
};

static const struct row producer_rows[] = {
    // types
    {"not an object", "[]", ERR_MALFORMED, "rtpParameters is not an object"},
    {"null", "null", ERR_MALFORMED, "rtpParameters is not an object"},
    {"codecs an object", "{'codecs':{}}", ERR_MALFORMED, "codecs is missing or not an array"},
    {"codec a number", PRODUCER("7", "", ONE), ERR_MALFORMED, "codecs[0] is not an object"},
    {"codec an array", PRODUCER(VP8 ",[]", "", ONE), ERR_MALFORMED, "codecs[1] is not an object"},
    {"extension null", WITH_EXT("null"), ERR_MALFORMED, "headerExtensions[0] is not an object"},
    {"encoding a string", WITH_ENCODINGS("'r0'"), ERR_MALFORMED, "encodings[0] is not an object"},
    {"rtx a number", WITH_ENCODINGS("{'ssrc':1,'rtx':2}"), ERR_MALFORMED,
     "encodings[0].rtx is not an object"},
    {"rtcp an array", "{'codecs':[" VP8 "],'encodings':[" ONE "],'rtcp':[]}", ERR_MALFORMED, "rtcp is not"},
    // payload types: RFC 3550, seven bits
    {"payload type 0", PRODUCER(VIDEO_CODEC("VP8", 0, "", ""), "", ONE), ERR_OK, ""},
    {"payload type 127", PRODUCER(VIDEO_CODEC("VP8", 127, "", ""), "", ONE), ERR_OK, ""},
    {"payload type 128", PRODUCER(VIDEO_CODEC("VP8", 128, "", ""), "", ONE), ERR_MALFORMED, "from 0 to 127"},
    {"payload type -1", PRODUCER(VIDEO_CODEC("VP8", -1, "", ""), "", ONE), ERR_MALFORMED, "from 0 to 127"},
    {"payload type 96.0", PRODUCER(VIDEO_CODEC("VP8", 96.0, "", ""), "", ONE), ERR_OK, ""},
    {"payload type 96.5", PRODUCER(VIDEO_CODEC("VP8", 96.5, "", ""), "", ONE), ERR_MALFORMED,
     "from 0 to 127"},
    {"payload type 1e300", PRODUCER(VIDEO_CODEC("VP8", 1e300, "", ""), "", ONE), ERR_MALFORMED, "from 0"},
    {"payload type twice", PRODUCER(VP8 "," VIDEO_CODEC("VP9", 96, "", ""), "", ONE), ERR_MALFORMED,
     "payload type 96 stands for two codecs"},
    // clock rates and channels
    {"clock rate 0", PRODUCER("{'mimeType':'video/VP8','payloadType':96,'clockRate':0}", "", ONE),
     ERR_MALFORMED, "codecs[0].clockRate"},
    {"clock rate -90000", PRODUCER("{'mimeType':'video/VP8','payloadType':96,'clockRate':-90000}", "", ONE),
     ERR_MALFORMED, "codecs[0].clockRate"},
    {"clock rate 10^12",
     PRODUCER("{'mimeType':'video/VP8','payloadType':96,'clockRate':1000000000000}", "", ONE), ERR_MALFORMED,
     "codecs[0].clockRate"},
    {"channels 0", WITH_CODEC("'channels':0"), ERR_MALFORMED, "codecs[0].channels"},
    {"channels 10^10", WITH_CODEC("'channels':10000000000"), ERR_MALFORMED, "codecs[0].channels"},
    // names
    {"mime type with two slashes", PRODUCER(MIME("video/a/b"), "", ONE), ERR_MALFORMED, "codecs[0].mimeType"},
    {"mime type without name", PRODUCER(MIME("video/"), "", ONE), ERR_MALFORMED, "codecs[0].mimeType"},
    {"mime type with a line break", PRODUCER(MIME("video/VP8\\r\\na=x"), "", ONE), ERR_MALFORMED, "mimeType"},
    {"mime type not ASCII", PRODUCER(MIME("video/VP\\u00e9"), "", ONE), ERR_MALFORMED, "codecs[0].mimeType"},
    {"mime type too long", PRODUCER(MIME("video/" LONG_64), "", ONE), ERR_MALFORMED, "codecs[0].mimeType"},
    {"parameter with a line break",
     PRODUCER(VIDEO_CODEC("VP8", 96, "'x':'1\\r\\na=setup:active'", ""), "", ONE), ERR_MALFORMED,
     "control characters"},
    {"parameter name with a line break", PRODUCER(VIDEO_CODEC("VP8", 96, "'x\\n':'1'", ""), "", ONE),
     ERR_MALFORMED, "not printable ASCII"},
    {"parameter name too long", PRODUCER(VIDEO_CODEC("VP8", 96, "'" LONG_64 "x':1", ""), "", ONE),
     ERR_MALFORMED, "longer than 64 bytes"},
    {"empty parameter", PRODUCER(VIDEO_CODEC("VP8", 96, "'x':''", ""), "", ONE), ERR_OK, ""},
    {"feedback with a line break", PRODUCER(VIDEO_CODEC("VP8", 96, "", FB("nack\\n", "")), "", ONE),
     ERR_MALFORMED, "rtcpFeedback[0].type"},
    {"feedback parameter too long", PRODUCER(VIDEO_CODEC("VP8", 96, "", FB("nack", LONG_64 "x")), "", ONE),
     ERR_MALFORMED, "rtcpFeedback[0].parameter"},
    {"cname with a line break", "{'mid':'0','codecs':[" VP8 "],'rtcp':{'cname':'a\\nb'}}", ERR_MALFORMED,
     "cname"},
    {"cname of 64 bytes", "{'mid':'0','codecs':[" VP8 "],'rtcp':{'cname':'" LONG_64 "'}}", ERR_MALFORMED,
     "rtcp.cname is not a string of at most 63 bytes"},
    {"empty cname", "{'mid':'0','codecs':[" VP8 "],'rtcp':{'cname':''}}", ERR_OK, ""},
    {"mid of 16 bytes", "{'mid':'0123456789abcdef','codecs':[" VP8 "]}", ERR_OK, ""},
    {"mid of 17 bytes", "{'mid':'0123456789abcdefg','codecs':[" VP8 "]}", ERR_MALFORMED, "mid is not"},
    {"msid with a line break", "{'mid':'0','msid':'a\\rb','codecs':[" VP8 "]}", ERR_MALFORMED, "msid is not"},
    // codecs among themselves
    {"no codec", PRODUCER("", "", ONE), ERR_MALFORMED, "no media codec"},
    {"RTX alone", PRODUCER(RTX(97, 97), "", ONE), ERR_MALFORMED,
     "missing media codec for RTX payload type 97"},
    {"RTX of RTX", PRODUCER(VP8 "," RTX(97, 96) "," RTX(98, 97), "", ONE), ERR_MALFORMED,
     "missing media codec for RTX payload type 98"},
    {"RTX without media codec", PRODUCER(VP8 "," RTX(97, 99), "", ONE), ERR_MALFORMED, "RTX payload type 97"},
    {"audio codec in a video producer", PRODUCER(OPUS("", ""), "", ONE), ERR_MALFORMED,
     "codec audio/opus (payload type 111) in a producer of kind \"video\""},
    // header extensions: RFC 8285
    {"extension id 0", WITH_EXT(EXT(URI_MID, 0)), ERR_MALFORMED,
     "headerExtensions[0].id is not a whole number"},
    {"extension id 1", WITH_EXT(EXT(URI_MID, 1)), ERR_OK, ""},
    {"extension id 255", WITH_EXT(EXT(URI_MID, 255)), ERR_OK, ""},
    {"extension id 256", WITH_EXT(EXT(URI_MID, 256)), ERR_MALFORMED, "from 1 to 255"},
    {"extension id for two", WITH_EXT(EXT(URI_MID, 4) "," EXT(URI_RID, 4)), ERR_MALFORMED,
     "header extension id 4 stands for two extensions"},
    {"extension listed twice", WITH_EXT(EXT(URI_MID, 4) "," EXT(URI_MID, 4)), ERR_OK, ""},
    // encodings
    {"ssrc 0", WITH_ENCODINGS("{'ssrc':0}"), ERR_MALFORMED, "from 1 to 4294967295"},
    {"ssrc 2^32-1", WITH_ENCODINGS("{'ssrc':4294967295}"), ERR_OK, ""},
    {"ssrc 2^32", WITH_ENCODINGS("{'ssrc':4294967296}"), ERR_MALFORMED, "from 1 to 4294967295"},
    {"ssrc null", WITH_ENCODINGS("{'ssrc':null}"), ERR_OK, ""},
    {"rtx ssrc 0", WITH_ENCODINGS("{'ssrc':1,'rtx':{'ssrc':0}}"), ERR_MALFORMED, "encodings[0].rtx.ssrc"},
    {"ssrc twice", WITH_ENCODINGS("{'ssrc':1},{'ssrc':1}"), ERR_MALFORMED, "stands for two streams"},
    {"ssrc is its own RTX", WITH_ENCODINGS("{'ssrc':1,'rtx':{'ssrc':1}}"), ERR_MALFORMED, "two streams"},
    {"rid with a space", WITH_ENCODINGS("{'rid':'r 0'}"), ERR_MALFORMED, "encodings[0].rid"},
    {"rid of 16 letters", WITH_ENCODINGS("{'rid':'0123456789abcdef'}"), ERR_OK, ""},
    {"rid of 17 letters", WITH_ENCODINGS("{'rid':'0123456789abcdefg'}"), ERR_MALFORMED, "encodings[0].rid"},
    {"rid twice", WITH_ENCODINGS("{'rid':'r0'},{'rid':'r0'}"), ERR_MALFORMED, "rid stands for two encodings"},
    {"second encoding without name", WITH_ENCODINGS("{'rid':'r0'},{}"), ERR_MALFORMED,
     "neither ssrc nor rid"},
    {"one encoding without name but a mid", WITH_ENCODINGS("{}"), ERR_OK, ""},
    {"one encoding without name and mid", "{'codecs':[" VP8 "],'encodings':[{}]}", ERR_MALFORMED,
     "neither ssrc nor rid"},
    {"no encoding and no mid", "{'codecs':[" VP8 "]}", ERR_MALFORMED, "neither ssrc nor rid"},
    {"empty mid is none", "{'mid':'','codecs':[" VP8 "]}", ERR_MALFORMED, "neither ssrc nor rid"},
    {"four encodings", WITH_ENCODINGS("{'ssrc':1},{'ssrc':2},{'ssrc':3},{'ssrc':4}"), ERR_OK, ""},
    {"five encodings", WITH_ENCODINGS("{'ssrc':1},{'ssrc':2},{'ssrc':3},{'ssrc':4},{'ssrc':5}"), ERR_LIMIT,
     "encodings has 5 entries; at most 4 are allowed"},
    {"scalabilityMode L9T1", WITH_ENCODINGS("{'scalabilityMode':'L9T1'}"), ERR_MALFORMED, "at most 8 layers"},
    {"scalabilityMode L8T8", WITH_ENCODINGS("{'scalabilityMode':'L8T8'}"), ERR_OK, ""},
    {"scalabilityMode too long", WITH_ENCODINGS("{'scalabilityMode':'" LONG_64 "'}"), ERR_MALFORMED, "Mode"},
    {"negative maxBitrate", WITH_ENCODINGS("{'maxBitrate':-1}"), ERR_MALFORMED, "encodings[0].maxBitrate"},
    {"maxBitrate a string", WITH_ENCODINGS("{'maxBitrate':'1'}"), ERR_MALFORMED, "encodings[0].maxBitrate"},
    {"codecPayloadType 128", WITH_ENCODINGS("{'codecPayloadType':128}"), ERR_MALFORMED, "codecPayloadType"},
    {"codecPayloadType of another codec",
     PRODUCER(VP8 "," VIDEO_CODEC("VP9", 98, "", ""), "", "{'codecPayloadType':98}"), ERR_UNSUPPORTED,
     "all encodings use the first media codec"},
    {"the application's own fields", WITH_ENCODINGS("{'active':'?','priority':{},'maxFramerate':[],'dtx':7}"),
     ERR_OK, ""},
};

#define CAPS_CODEC(fields) "{'codecs':[{'mimeType':'video/VP8','clockRate':90000" fields "}]}"
#define CAPS_EXT(fields) "{'headerExtensions':[{'kind':'video','uri':'" URI_MID "'," fields "}]}"

static const struct row capability_rows[] = {
    {"not an object", "7", ERR_MALFORMED, "rtpCapabilities is not an object"},
    {"an array", "[]", ERR_MALFORMED, "rtpCapabilities is not an object"},
    {"codecs true", "{'codecs':true}", ERR_MALFORMED, "codecs is not an array"},
    {"codec null", "{'codecs':[null]}", ERR_MALFORMED, "codecs[0] is not an object"},
    {"payload type 128", CAPS_CODEC(",'preferredPayloadType':128"), ERR_MALFORMED, "from 0 to 127"},
    {"payload type null", CAPS_CODEC(",'preferredPayloadType':null"), ERR_OK, ""},
    {"parameters an array", CAPS_CODEC(",'parameters':[1]"), ERR_OK, ""},
    {"feedback null", CAPS_CODEC(",'rtcpFeedback':[null]"), ERR_MALFORMED, "rtcpFeedback[0].type"},
    {"extension id 0", CAPS_EXT("'preferredId':0"), ERR_MALFORMED, "headerExtensions[0].preferredId"},
    {"extension id 256", CAPS_EXT("'preferredId':256"), ERR_MALFORMED, "from 1 to 255"},
    {"extension direction", CAPS_EXT("'preferredId':1,'direction':'both'"), ERR_MALFORMED,
     "direction is not"},
};

static void judge(const struct row *row, json_t *checked, const struct refusal *refusal) {
    bool as_expected = row->code == ERR_OK ? checked != NULL
                                           : checked == NULL && refusal->code == row->code &&
                                                 strstr(refusal->text, row->reason);

    if (!as_expected) {
        print_error("%s: expected %s \"%s\", found %s \"%s\"\n", row->what, err_name(row->code), row->reason,
                    checked != NULL ? err_name(ERR_OK) : err_name(refusal->code),
                    checked != NULL ? "" : refusal->text);
        fail();
    }
    json_decref(checked);
}

static void test_producer_rows(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof producer_rows / sizeof producer_rows[0]; i++) {
        struct refusal refusal;
        json_t *input = json_of(producer_rows[i].json);

        judge(&producer_rows[i], negotiate_check_producer(MEDIA_VIDEO, input, &refusal), &refusal);
        json_decref(input);
    }
}

static void test_capability_rows(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof capability_rows / sizeof capability_rows[0]; i++) {
        struct refusal refusal;
        json_t *input = json_of(capability_rows[i].json);

        judge(&capability_rows[i], negotiate_check_capabilities(input, &refusal), &refusal);
        json_decref(input);
    }
}

// An object with `key` as an array of `count` copies of `item`.
static json_t *many(const char *key, const char *item, size_t count) {
    json_t *object = json_object(), *list = json_array(), *copy = json_of(item);

    for (size_t i = 0; i < count; i++)
        json_array_append(list, copy);
    json_decref(copy);
    json_object_set_new(object, key, list);
    return object;
}

static void test_capability_counts(void **state) {
    (void)state;
    static const struct {
        const char *key, *item;
        size_t count;
        bool taken;
    } rows[] = {
        {"codecs", "{'mimeType':'video/VP8','clockRate':90000}", 128, true},
        {"codecs", "{'mimeType':'video/VP8','clockRate':90000}", 129, false},
        {"headerExtensions", "{'kind':'audio','uri':'urn:x','preferredId':1}", 64, true},
        {"headerExtensions", "{'kind':'audio','uri':'urn:x','preferredId':1}", 65, false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct refusal refusal;
        json_t *input = many(rows[i].key, rows[i].item, rows[i].count);
        json_t *checked = negotiate_check_capabilities(input, &refusal);

        if ((checked != NULL) != rows[i].taken || (checked == NULL && refusal.code != ERR_LIMIT)) {
            print_error("%zu %s: expected to be %s\n", rows[i].count, rows[i].key,
                        rows[i].taken ? "taken" : "over the limit");
            fail();
        }
        json_decref(input);
        json_decref(checked);
    }
}

static void test_producer_counts(void **state) {
    (void)state;
    static const struct {
        size_t codecs, extensions, parameters, feedback;
        bool taken;
    } rows[] = {
        {16, 32, 32, 32, true}, {17, 1, 1, 1, false}, {1, 33, 1, 1, false},
        {1, 1, 33, 1, false},   {1, 1, 1, 33, false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct refusal refusal;
        json_t *input = many("headerExtensions", EXT(URI_MID, 1), rows[i].extensions), *codecs = json_array();

        for (size_t k = 0; k < rows[i].codecs; k++) {
            json_t *codec = many("rtcpFeedback", FB("nack", ""), rows[i].feedback),
                   *parameters = json_object();

            for (size_t p = 0; p < rows[i].parameters; p++) {
                char key[32];
                snprintf(key, sizeof key, "p%zu", p);
                json_object_set_new(parameters, key, json_integer(1));
            }
            json_object_set_new(codec, "parameters", parameters);
            json_object_set_new(codec, "mimeType", json_string("video/VP8"));
            json_object_set_new(codec, "clockRate", json_integer(90000));
            json_object_set_new(codec, "payloadType", json_integer((json_int_t)k));
            json_array_append_new(codecs, codec);
        }
        json_object_set_new(input, "codecs", codecs);
        json_object_set_new(input, "mid", json_string("0"));
        json_t *checked = negotiate_check_producer(MEDIA_VIDEO, input, &refusal);
        if ((checked != NULL) != rows[i].taken || (checked == NULL && refusal.code != ERR_LIMIT)) {
            print_error("row %zu: expected to be %s, found \"%s\"\n", i,
                        rows[i].taken ? "taken" : "over the limit", checked != NULL ? "taken" : refusal.text);
            fail();
        }
        json_decref(input);
        json_decref(checked);
    }
}

static void test_unknown_fields_are_ignored(void **state) {
    (void)state;
    struct refusal refusal;
    json_t *input =
        json_of("{'mid':'0','x':[1],'codecs':[{'mimeType':'video/VP8','payloadType':96,'clockRate':90000,"
                "'y':{}}],'headerExtensions':[{'uri':'urn:x','id':1,'z':null}],"
                "'encodings':[{'ssrc':1,'w':[[]],'rtx':{'ssrc':2,'q':1}}],'rtcp':{'mux':true}}");
    json_t *expected = json_of(
        "{'mid':'0','codecs':[{'mimeType':'video/VP8','payloadType':96,'clockRate':90000,'parameters':{},"
        "'rtcpFeedback':[]}],'headerExtensions':[{'uri':'urn:x','id':1,'encrypt':false,'parameters':{}}],"
        "'encodings':[{'ssrc':1,'rtx':{'ssrc':2},'dtx':false}],'rtcp':{'reducedSize':true}}");
    json_t *checked = negotiate_check_producer(MEDIA_VIDEO, input, &refusal);

    assert_true(json_equal(checked, expected));
    json_decref(input);
    json_decref(expected);
    json_decref(checked);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_producer_rows),
        cmocka_unit_test(test_capability_rows),
        cmocka_unit_test(test_capability_counts),
        cmocka_unit_test(test_producer_counts),
        cmocka_unit_test(test_unknown_fields_are_ignored),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
