// Redundant audio (RFC 2198) in negotiation: beside opus, never in its place.
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "rooms/negotiate.h"
#include "tests/unit/rooms/negotiate_text.h"

#define RED_OF(payload_type, parameters)                                                                     \
    "{'mimeType':'audio/red','payloadType':" #payload_type                                                   \
    ",'clockRate':48000,'channels':2,'parameters':{" parameters "}}"
#define CAPABILITY(mime, payload_type, feedback)                                                             \
    "{'kind':'audio','mimeType':'" mime "','preferredPayloadType':" #payload_type                            \
    ",'clockRate':48000,'channels':2,'rtcpFeedback':[" feedback "]}"
#define SOUND(codecs) PRODUCER(codecs, "", "{'ssrc':1}")

static json_t *router;

static json_t *checked_producer(const char *text) {
    struct refusal refusal;
    json_t *input = json_of(text), *checked = negotiate_check_producer(MEDIA_AUDIO, input, &refusal);

    if (checked == NULL)
        fail_msg("%s: %s", text, refusal.text);
    json_decref(input);
    return checked;
}

static json_t *consumable_of(const json_t *producer) {
    struct refusal refusal;
    json_t *mapping = negotiate_producer_mapping(producer, router, 100, &refusal);

    assert_non_null(mapping);
    json_t *consumable = negotiate_consumable(MEDIA_AUDIO, producer, router, mapping);
    assert_non_null(consumable);
    json_decref(mapping);
    return consumable;
}

// As Chromium's preferences have it (first), as mediasoup-client reads Chromium's parameters, and twice.
static const char *const publishers[] = {
    SOUND(RED_OF(63, "") "," OPUS("", "")),
    SOUND(OPUS("", "") "," RED_OF(63, "'111/111':''")),
    SOUND(OPUS("", "") "," RED_OF(63, "'':'111/111'") "," RED_OF(64, "")),
};

static void opus_is_what_is_sent(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof publishers / sizeof *publishers; i++) {
        struct producer_params params;
        struct refusal refusal;
        json_t *producer = checked_producer(publishers[i]), *consumable = consumable_of(producer);
        const json_t *codecs = json_object_get(consumable, "codecs");
        json_t *ours = json_of("{'':'100/100'}");

        assert_int_equal(negotiate_producer_params(MEDIA_AUDIO, producer, &params, &refusal), ERR_OK);
        assert_int_equal(params.codec, CODEC_OPUS);
        assert_int_equal(params.payload_type, 111);
        assert_int_equal(params.red_payload_type, 63);
        assert_int_equal(json_array_size(codecs), 2);
        assert_string_equal(json_string_value(json_object_get(json_array_get(codecs, 0), "mimeType")),
                            "audio/opus");
        assert_int_equal(json_integer_value(json_object_get(json_array_get(codecs, 1), "payloadType")), 63);
        assert_true(json_equal(json_object_get(json_array_get(codecs, 1), "parameters"), ours));
        json_decref(producer), json_decref(consumable), json_decref(ours);
    }
}

static void without_it_nothing_changes(void **state) {
    (void)state;
    struct producer_params params;
    struct refusal refusal;
    json_t *producer = checked_producer(SOUND(OPUS("", ""))), *consumable = consumable_of(producer);

    assert_int_equal(negotiate_producer_params(MEDIA_AUDIO, producer, &params, &refusal), ERR_OK);
    assert_int_equal(params.red_payload_type, 0);
    assert_int_equal(json_array_size(json_object_get(consumable, "codecs")), 1);
    json_decref(producer), json_decref(consumable);
}

static void alone_it_is_refused_in_words(void **state) {
    (void)state;
    struct refusal refusal;
    json_t *input = json_of(SOUND(RED_OF(63, "")));

    assert_null(negotiate_check_producer(MEDIA_AUDIO, input, &refusal));
    assert_int_equal(refusal.code, ERR_MALFORMED);
    assert_non_null(strstr(refusal.text, "audio/opus"));
    json_decref(input);
}

static void receivers_get_what_they_list(void **state) {
    (void)state;
    static const struct {
        const char *capabilities;
        bool can;
        int red; // payload type; 0: plain
    } rows[] = {
        {"{'codecs':[" CAPABILITY("audio/opus", 100, "") "]}", true, 0},
        {"{'codecs':[" CAPABILITY("audio/opus", 100, FB("transport-cc", "")) "," CAPABILITY("audio/red", 63,
                                                                                            "") "]}",
         true, 63},
        {"{'codecs':[" CAPABILITY("audio/red", 63, "") "," CAPABILITY("audio/opus", 100, "") "]}", true, 63},
        {"{'codecs':[" CAPABILITY("audio/red", 63, "") "]}", false, 0},
    };
    json_t *producer = checked_producer(publishers[0]), *consumable = consumable_of(producer);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct refusal refusal;
        struct consumer_params params;
        json_t *given = json_of(rows[i].capabilities),
               *theirs = negotiate_check_capabilities(given, &refusal);
        assert_int_equal(negotiate_can_consume(consumable, theirs), rows[i].can);
        json_t *consumer = negotiate_consumer(consumable, theirs, true, 5, &refusal);
        assert_int_equal(consumer != NULL, rows[i].can);
        if (consumer) {
            const json_t *codecs = json_object_get(consumer, "codecs");
            assert_int_equal(negotiate_consumer_params(MEDIA_AUDIO, consumer, &params, &refusal), ERR_OK);
            assert_int_equal(params.payload_type, 100);
            assert_int_equal(params.red_payload_type, rows[i].red);
            if (rows[i].red) // else a browser would do without
                assert_true(json_equal(json_object_get(json_array_get(codecs, 0), "rtcpFeedback"),
                                       json_object_get(json_array_get(codecs, 1), "rtcpFeedback")));
        }
        json_decref(given), json_decref(theirs), json_decref(consumer);
    }
    json_decref(producer), json_decref(consumable);
}

static void under_a_receivers_own_numbers(void **state) {
    (void)state;
    json_t *producer = checked_producer(publishers[0]), *consumable = consumable_of(producer);
    json_t *given =
        json_of("{'codecs':[" CAPABILITY("audio/red", 35, "") "," CAPABILITY("audio/opus", 109, "") "]}");
    struct refusal refusal;
    struct consumer_params params;
    json_t *theirs = negotiate_check_capabilities(given, &refusal);
    json_t *consumer = negotiate_consumer(consumable, theirs, true, 5, &refusal);

    assert_int_equal(negotiate_consumer_params(MEDIA_AUDIO, consumer, &params, &refusal), ERR_OK);
    assert_int_equal(
        negotiate_own_numbers(theirs, consumer, &(struct own_numbers){.mid = "a"}, &params, &refusal),
        ERR_OK);
    assert_int_equal(params.payload_type, 109);
    assert_int_equal(params.red_payload_type, 35);
    json_decref(producer), json_decref(consumable), json_decref(given), json_decref(theirs),
        json_decref(consumer);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(opus_is_what_is_sent),          cmocka_unit_test(without_it_nothing_changes),
        cmocka_unit_test(alone_it_is_refused_in_words),  cmocka_unit_test(receivers_get_what_they_list),
        cmocka_unit_test(under_a_receivers_own_numbers),
    };
    router = negotiate_router_capabilities();
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    json_decref(router);
    return failed;
}
