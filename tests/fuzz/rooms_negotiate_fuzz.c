// A client's JSON through every rule: {kind, parameters, capabilities?, enableRtx?, dtlsParameters?}, the
// form of tests/vectors/ortc. What passes the checks must hold what the rest of the server relies on; what
// has not been checked must do no harm either.
#include "rooms/negotiate.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_SSRC 1000
#define SSRC 5000

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

// A refusal travels in a JSON message: one line of UTF-8.
static void expect_refusal(const struct refusal *refusal) {
    json_t *text = json_string(refusal->text);

    assert(refusal->code == ERR_MALFORMED || refusal->code == ERR_UNSUPPORTED || refusal->code == ERR_LIMIT);
    assert(text != NULL && refusal->text[0] != '\0' && strpbrk(refusal->text, "\r\n") == NULL);
    json_decref(text);
}

static void expect_plain_text(const char *text) {
    for (; *text != '\0'; text++)
        assert((unsigned char)*text >= 0x20 && *text != 0x7f);
}

// Everything here is shown to other participants.
static void expect_plain(const json_t *value) {
    const char *key;
    json_t *member;

    if (json_is_string(value))
        expect_plain_text(json_string_value(value));
    for (size_t i = 0; i < json_array_size(value); i++)
        expect_plain(json_array_get(value, i));
    json_object_foreach((json_t *)value, key, member) {
        expect_plain_text(key);
        expect_plain(member);
    }
}

static void expect_producer(const struct producer_params *p) {
    assert(p->stream_count >= 1 && p->stream_count <= STREAMS_MAX);
    assert(p->payload_type <= 127 && p->clock_rate > 0);
    assert(p->rtx_payload_type <= 127 || p->rtx_payload_type == PAYLOAD_TYPE_NONE);
    assert(p->spatial_layers >= 1 && p->temporal_layers >= 1);
    assert(memchr(p->mid, '\0', sizeof p->mid) != NULL);
}

static void expect_consumer(const struct consumer_params *p) {
    assert(p->payload_type >= 96 && p->payload_type < 127 && p->ssrc == SSRC);
    assert((p->rtx_payload_type == PAYLOAD_TYPE_NONE && p->rtx_ssrc == 0) || p->rtx_ssrc == SSRC + 1);
    for (enum media_ext ext = EXT_MID; ext < EXT_COUNT; ext++)
        assert(p->ext.ids[ext] == 0 || p->ext.ids[ext] == EXT_ROUTER_ID(ext));
}

static void consume(enum media_kind kind, const json_t *consumable, const json_t *capabilities,
                    bool enable_rtx, bool checked) {
    struct refusal refusal;
    struct consumer_params params;
    bool can = negotiate_can_consume(consumable, capabilities);
    json_t *consumer = negotiate_consumer(consumable, capabilities, enable_rtx, SSRC, &refusal);

    if (checked) {
        assert(!can || consumer != NULL); // only so: the second of two codecs may be consumable alone
        if (consumer == NULL)
            expect_refusal(&refusal);
    }
    enum err e = negotiate_consumer_params(kind, consumer, &params, &refusal);
    if (checked && consumer != NULL) {
        assert(e == ERR_OK);
        expect_consumer(&params);
        expect_plain(consumer);
    }
    json_decref(consumer);
}

static void produce(enum media_kind kind, const json_t *parameters, const json_t *router,
                    const json_t *capabilities, bool enable_rtx, bool checked) {
    struct refusal refusal;
    struct producer_params params;
    const char *type = negotiate_producer_type(kind, parameters, &refusal);
    enum err e = negotiate_producer_params(kind, parameters, &params, &refusal);
    json_t *mapping = negotiate_producer_mapping(parameters, router, FIRST_SSRC, &refusal);
    json_t *consumable = negotiate_consumable(kind, parameters, router, mapping);

    assert(consumable != NULL || mapping == NULL);
    if (checked && mapping != NULL && type != NULL) {
        assert(e == ERR_OK);
        expect_producer(&params);
        expect_plain(consumable);
        consume(kind, consumable, router, enable_rtx, true);
    }
    if (checked && mapping == NULL)
        expect_refusal(&refusal);
    consume(kind, consumable, capabilities, enable_rtx, checked && mapping != NULL);
    json_decref(mapping);
    json_decref(consumable);
}

static void run(const json_t *input) {
    const json_t *kind_text = json_object_get(input, "kind"), *given = json_object_get(input, "capabilities");
    enum media_kind kind =
        json_is_string(kind_text) && json_string_value(kind_text)[0] == 'a' ? MEDIA_AUDIO : MEDIA_VIDEO;
    bool enable_rtx = json_is_true(json_object_get(input, "enableRtx"));
    struct refusal refusal, of_capabilities;
    struct fingerprint fingerprint;
    enum dtls_role role;
    json_t *router = negotiate_router_capabilities();
    json_t *parameters = negotiate_check_producer(kind, json_object_get(input, "parameters"), &refusal);
    json_t *capabilities = negotiate_check_capabilities(given, &of_capabilities);

    if (parameters == NULL)
        expect_refusal(&refusal);
    if (capabilities == NULL)
        expect_refusal(&of_capabilities);
    if (parameters != NULL)
        produce(kind, parameters, router, capabilities != NULL ? capabilities : router, enable_rtx, true);
    produce(kind, json_object_get(input, "parameters"), router, given, enable_rtx, false);
    consume(kind, json_object_get(input, "parameters"), given, enable_rtx, false);
    if (negotiate_dtls(json_object_get(input, "dtlsParameters"), &role, &fingerprint, &refusal) != ERR_OK)
        expect_refusal(&refusal);
    json_decref(router);
    json_decref(parameters);
    json_decref(capabilities);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    json_error_t error;
    json_t *input = json_loadb((const char *)data, size, 0, &error);

    if (input != NULL)
        run(input);
    json_decref(input);
    return 0;
}
