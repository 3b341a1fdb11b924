// What is kept of a receiver's capabilities: as good as the whole for what it gets, and a few bytes.
#include "rooms/negotiate.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static json_t *router;

static json_t *text(const char *single_quoted) {
    char copy[8192];
    snprintf(copy, sizeof copy, "%s", single_quoted);
    for (char *c = copy; *c; c++)
        *c = *c == '\'' ? '"' : *c;
    json_t *value = json_loads(copy, 0, NULL);
    assert_non_null(value);
    return value;
}

static json_t *consumable(const char *parameters_text, enum media_kind kind) {
    struct refusal refusal;
    json_t *given = text(parameters_text);
    json_t *parameters = negotiate_check_producer(kind, given, &refusal);
    assert_non_null(parameters);
    json_t *mapping = negotiate_producer_mapping(parameters, router, 100, &refusal);
    json_t *made = negotiate_consumable(kind, parameters, router, mapping);
    assert_non_null(made);
    json_decref(given), json_decref(parameters), json_decref(mapping);
    return made;
}

#define PRODUCER(mime, pt, more)                                                                             \
    "{'mid':'0','codecs':[{'mimeType':'" mime "','payloadType':" #pt ",'clockRate':90000," more              \
    "'rtcpFeedback':[]}],'encodings':[{'ssrc':1}]}"
static const char *const producers[] = {
    PRODUCER("video/VP8", 96, ""),
    PRODUCER("video/VP9", 97, "'parameters':{'profile-id':2},"),
    PRODUCER("video/H264", 98, "'parameters':{'profile-level-id':'42e01f','packetization-mode':1},"),
    PRODUCER("video/H264", 98, "'parameters':{'profile-level-id':'4d001f','packetization-mode':1},"),
    PRODUCER("video/H265", 99, "'parameters':{'profile-id':1},"),
    PRODUCER("video/AV1", 45, ""),
};

#define CODEC(mime, more)                                                                                    \
    "{'kind':'video','mimeType':'" mime "','clockRate':90000,'preferredPayloadType':96" more "}"
#define PLI "'rtcpFeedback':[{'type':'nack','parameter':'pli'},{'type':'nack'}]"
#define MID "{'kind':'video','uri':'urn:ietf:params:rtp-hdrext:sdes:mid','preferredId':1}"
static const char *const receivers[] = {
    "{}",
    "{'codecs':[" CODEC("video/VP8", "," PLI) "],'headerExtensions':[" MID "]}",
    "{'codecs':[" CODEC("video/vp8", "") "," CODEC("video/rtx", ",'parameters':{'apt':96}") "]}",
    "{'codecs':[" CODEC("video/VP9", ",'parameters':{'profile-id':0}") "," CODEC(
        "video/VP9", ",'parameters':{'profile-id':2}," PLI) "]}",
    "{'codecs':[" CODEC(
        "video/H264",
        ",'parameters':{'profile-level-id':'42e034','packetization-mode':"
        "0}") "," CODEC("video/H264",
                        ",'parameters':{'profile-level-id':'42e034','packetization-mode':1}," PLI) "]}",
    "{'codecs':[" CODEC("video/H265", "") "," CODEC("video/AV1", "," PLI) "," CODEC(
        "video/FUTURE",
        "") "],"
            "'headerExtensions':[{'kind':'video','uri':'urn:3gpp:video-orientation','preferredId':3}]}",
};

static void as_good_as_the_whole(void **state) {
    (void)state;
    for (size_t r = 0; r <= sizeof receivers / sizeof receivers[0]; r++) {
        struct refusal refusal;
        bool is_router = r == sizeof receivers / sizeof receivers[0];
        json_t *given = is_router ? json_incref(router) : text(receivers[r]);
        json_t *whole = negotiate_check_capabilities(given, &refusal);
        assert_non_null(whole);
        struct receiver kept, again;
        negotiate_receiver(whole, router, &kept);
        json_t *few = negotiate_receiver_capabilities(&kept, router);
        negotiate_receiver(few, router, &again);
        assert_memory_equal(&kept, &again, sizeof kept);
        for (size_t p = 0; p < sizeof producers / sizeof producers[0]; p++) {
            json_t *from = consumable(producers[p], MEDIA_VIDEO);
            bool can = negotiate_can_consume(from, whole);
            assert_int_equal(negotiate_can_consume(from, few), can);
            json_t *a = can ? negotiate_consumer(from, whole, true, 1000, &refusal) : NULL;
            json_t *b = can ? negotiate_consumer(from, few, true, 1000, &refusal) : NULL;
            if (can && is_router)
                assert_true(json_equal(a, b));
            if (can) {
                assert_true(json_equal(json_object_get(a, "headerExtensions"),
                                       json_object_get(b, "headerExtensions")));
                assert_int_equal(json_array_size(json_object_get(a, "codecs")),
                                 json_array_size(json_object_get(b, "codecs")));
            }
            json_decref(a), json_decref(b), json_decref(from);
        }
        json_decref(given), json_decref(whole), json_decref(few);
    }
}

static void feedback_that_nobody_knows_is_left_out(void **state) {
    (void)state;
    struct refusal refusal;
    struct receiver kept;
    json_t *given = text(
        "{'codecs':[" CODEC("video/VP8", ",'rtcpFeedback':[{'type':'rrtr'},{'type':'transport-cc'}]") "]}");
    json_t *whole = negotiate_check_capabilities(given, &refusal);
    negotiate_receiver(whole, router, &kept);
    json_t *few = negotiate_receiver_capabilities(&kept, router);
    const json_t *feedback =
        json_object_get(json_array_get(json_object_get(few, "codecs"), 0), "rtcpFeedback");
    assert_int_equal(json_array_size(feedback), 1);
    assert_string_equal(json_string_value(json_object_get(json_array_get(feedback, 0), "type")),
                        "transport-cc");
    json_decref(given), json_decref(whole), json_decref(few);
}

#define CAPTURED "http://www.webrtc.org/experiments/rtp-hdrext/abs-capture-time"

// Whoever lists capture times under the router's id gets them, whatever the publisher has; nobody else.
static void capture_times_go_to_whoever_lists_them(void **state) {
    (void)state;
    static const struct {
        const char *name, *publisher, *receiver;
        int count;
    } rows[] = {
        {"both", "{'uri':'" CAPTURED "','id':12}", "{'kind':'video','uri':'" CAPTURED "','preferredId':10}",
         1},
        {"the receiver alone", "", "{'kind':'video','uri':'" CAPTURED "','preferredId':10}", 1},
        {"of another kind", "", "{'kind':'audio','uri':'" CAPTURED "','preferredId':10}", 1},
        {"the publisher alone", "{'uri':'" CAPTURED "','id':12}", MID, 0},
        {"under another id", "", "{'kind':'video','uri':'" CAPTURED "','preferredId':9}", 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char publisher[1024], receiver[1024];
        struct refusal refusal;
        int count = 0;
        snprintf(publisher, sizeof publisher,
                 "{'mid':'0','codecs':[{'mimeType':'video/VP8','payloadType':96,'clockRate':90000}],"
                 "'headerExtensions':[%s],'encodings':[{'ssrc':1}]}",
                 rows[i].publisher);
        snprintf(receiver, sizeof receiver, "{'codecs':[" CODEC("video/VP8", "") "],'headerExtensions':[%s]}",
                 rows[i].receiver);
        json_t *sent = consumable(publisher, MEDIA_VIDEO), *given = text(receiver);
        json_t *capabilities = negotiate_check_capabilities(given, &refusal);
        json_t *consumer = negotiate_consumer(sent, capabilities, true, 5, &refusal);
        assert_true(negotiate_add_capture_time(consumer, capabilities));
        json_t *list = json_object_get(consumer, "headerExtensions");
        for (size_t k = 0; k < json_array_size(list); k++) {
            const json_t *ext = json_array_get(list, k);
            if (strcmp(json_string_value(json_object_get(ext, "uri")), CAPTURED) == 0) {
                assert_int_equal(json_integer_value(json_object_get(ext, "id")), 10);
                count++;
            }
        }
        if (count != rows[i].count)
            fail_msg("%s: listed %d times", rows[i].name, count);
        json_decref(sent), json_decref(given), json_decref(capabilities), json_decref(consumer);
    }
}

// RTX has the feedback of RFC 8888 when its media has it; nothing else of the media's.
static void rtx_has_the_ccfb_of_its_media(void **state) {
    (void)state;
    static const struct {
        const char *feedback;
        size_t of_rtx;
    } rows[] = {{"{'type':'transport-cc'},{'type':'ack','parameter':'ccfb'},{'type':'nack'}", 1},
                {"{'type':'transport-cc'},{'type':'ack','parameter':'rpsi'},{'type':'nack'}", 0}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char receiver[2048];
        struct refusal refusal;
        snprintf(receiver, sizeof receiver,
                 "{'codecs':[" CODEC("video/VP8",
                                     ",'rtcpFeedback':[%s]") ",{'mimeType':'video/rtx','kind':"
                                                             "'video','preferredPayloadType':102,'clockRate':"
                                                             "90000,'parameters':{'apt':101}}],"
                                                             "'headerExtensions':[" MID "]}",
                 rows[i].feedback);
        json_t *sent = consumable("{'mid':'0','codecs':[{'mimeType':'video/VP8','payloadType':96,"
                                  "'clockRate':90000}],'encodings':[{'ssrc':1}]}",
                                  MEDIA_VIDEO);
        json_t *given = text(receiver), *capabilities = negotiate_check_capabilities(given, &refusal);
        json_t *consumer = negotiate_consumer(sent, capabilities, true, 5, &refusal);
        assert_non_null(consumer);
        for (int twice = 0; twice < 2; twice++)
            assert_true(negotiate_spread_ccfb(consumer));
        const json_t *rtx = json_array_get(json_object_get(consumer, "codecs"), 1);
        assert_non_null(rtx);
        assert_int_equal(json_array_size(json_object_get(rtx, "rtcpFeedback")), rows[i].of_rtx);
        json_decref(sent), json_decref(given), json_decref(capabilities), json_decref(consumer);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(capture_times_go_to_whoever_lists_them),
        cmocka_unit_test(as_good_as_the_whole),
        cmocka_unit_test(rtx_has_the_ccfb_of_its_media),
        cmocka_unit_test(feedback_that_nobody_knows_is_left_out),
    };
    router = negotiate_router_capabilities();
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    json_decref(router);
    return failed;
}
