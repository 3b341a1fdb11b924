// RtpCapabilities to bits and back: what is kept of what a receiver says.
#include "rooms/negotiate_internal.h"

#include <assert.h>
#include <string.h>

static bool has_feedback(const json_t *theirs, const json_t *feedback) {
    for (size_t i = 0; i < json_array_size(theirs); i++) {
        const json_t *other = json_array_get(theirs, i);

        if (strcmp(negotiate_text_member(other, "type"), negotiate_text_member(feedback, "type")) == 0 &&
            strcmp(negotiate_text_member(other, "parameter"), negotiate_text_member(feedback, "parameter")) ==
                0)
            return true;
    }
    return false;
}

static uint8_t feedback_bits(const json_t *theirs, const json_t *routed) {
    uint8_t bits = 0;

    assert(json_array_size(routed) <= 8);
    for (size_t i = 0; i < json_array_size(routed); i++)
        bits |= (uint8_t)(has_feedback(theirs, json_array_get(routed, i)) << i);
    return bits;
}

void negotiate_receiver(const json_t *capabilities, const json_t *router_capabilities, struct receiver *out) {
    const json_t *routed = json_object_get(router_capabilities, "codecs");
    const json_t *theirs = json_object_get(capabilities, "codecs");
    const json_t *extensions = json_object_get(capabilities, "headerExtensions");

    assert(json_array_size(routed) <= RECEIVER_CODECS_MAX);
    memset(out, 0, sizeof *out);
    out->given = 1;
    for (size_t i = 0; i < json_array_size(routed); i++) {
        const json_t *codec = json_array_get(routed, i), *matched = codec_matching(theirs, codec);

        if (matched == NULL)
            continue;
        out->codecs |= UINT32_C(1) << i;
        out->feedback[i] =
            feedback_bits(json_object_get(matched, "rtcpFeedback"), json_object_get(codec, "rtcpFeedback"));
    }
    for (size_t i = 0; i < json_array_size(extensions); i++) {
        const json_t *ext = json_array_get(extensions, i);
        enum media_ext known = ext_of_uri(negotiate_text_member(ext, "uri"));

        if (known != EXT_NONE &&
            negotiate_whole_member(ext, "preferredId", EXT_ID_LAST) == EXT_ROUTER_ID(known))
            out->extensions |= UINT32_C(1) << known;
    }
}

static bool append_known_codec(json_t *list, const json_t *codec, uint8_t feedback) {
    const json_t *routed = json_object_get(codec, "rtcpFeedback");
    json_t *entry = json_copy((json_t *)codec), *kept = json_array();
    bool ok = kept != NULL;

    for (size_t i = 0; i < json_array_size(routed); i++) {
        if (feedback >> i & 1)
            ok = ok && negotiate_append(kept, negotiate_share(json_array_get(routed, i)));
    }
    ok &= negotiate_put(entry, "rtcpFeedback", kept);
    ok &= negotiate_append(list, entry);
    return ok;
}

static json_t *known_codecs(const struct receiver *receiver, const json_t *routed) {
    json_t *list = json_array();
    bool ok = list != NULL;

    for (size_t i = 0; i < json_array_size(routed); i++) {
        if (receiver->codecs >> i & 1)
            ok = ok && append_known_codec(list, json_array_get(routed, i), receiver->feedback[i]);
    }
    if (ok)
        return list;
    json_decref(list);
    return NULL;
}

static json_t *known_extensions(const struct receiver *receiver, const json_t *routed) {
    json_t *list = json_array();
    bool ok = list != NULL;

    for (size_t i = 0; i < json_array_size(routed); i++) {
        json_t *ext = json_array_get(routed, i);

        if (receiver->extensions >> ext_of_uri(negotiate_text_member(ext, "uri")) & 1)
            ok = ok && negotiate_append(list, json_incref(ext));
    }
    if (ok)
        return list;
    json_decref(list);
    return NULL;
}

json_t *negotiate_receiver_capabilities(const struct receiver *receiver, const json_t *router_capabilities) {
    json_t *capabilities = json_object();
    bool ok = negotiate_put(capabilities, "codecs",
                            known_codecs(receiver, json_object_get(router_capabilities, "codecs")));

    ok &= negotiate_put(capabilities, "headerExtensions",
                        known_extensions(receiver, json_object_get(router_capabilities, "headerExtensions")));
    if (ok)
        return capabilities;
    json_decref(capabilities);
    return NULL;
}
