// What one receiver gets of a consumable producer.
#include "rooms/negotiate_internal.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

bool negotiate_can_consume(const json_t *consumable, const json_t *capabilities) {
    const json_t *codecs = json_object_get(consumable, "codecs");
    const json_t *theirs = json_object_get(capabilities, "codecs");

    for (size_t i = 0; i < json_array_size(codecs); i++) {
        const json_t *codec = json_array_get(codecs, i);

        if (codec_matching(theirs, codec) != NULL)
            return !codec_is_rtx(codec) && !codec_is_red(codec);
    }
    return false;
}

// ---- feedback and the way of estimating bandwidth

enum estimation { ESTIMATE_TRANSPORT_CC, ESTIMATE_REMB, ESTIMATE_NONE };

static bool has_ext(const json_t *extensions, enum media_ext ext) {
    for (size_t i = 0; i < json_array_size(extensions); i++) {
        if (strcmp(negotiate_text_member(json_array_get(extensions, i), "uri"), ext_uri(ext)) == 0)
            return true;
    }
    return false;
}

// Transport-wide feedback where its extension was negotiated; REMB needs abs-send-time instead.
static enum estimation estimation_of(const json_t *extensions) {
    if (has_ext(extensions, EXT_TRANSPORT_CC))
        return ESTIMATE_TRANSPORT_CC;
    return has_ext(extensions, EXT_ABS_SEND_TIME) ? ESTIMATE_REMB : ESTIMATE_NONE;
}

static bool feedback_is_wanted(const json_t *feedback, bool enable_rtx, enum estimation estimation) {
    const char *type = negotiate_text_member(feedback, "type");

    if (strcmp(type, "nack") == 0)
        return enable_rtx || negotiate_text_member(feedback, "parameter")[0] != '\0'; // "nack pli" stays
    if (strcmp(type, "transport-cc") == 0)
        return estimation == ESTIMATE_TRANSPORT_CC;
    if (strcmp(type, "goog-remb") == 0)
        return estimation == ESTIMATE_REMB;
    return true;
}

static json_t *consumer_feedback(const json_t *theirs, bool enable_rtx, enum estimation estimation) {
    json_t *list = json_array();
    bool ok = list != NULL;

    for (size_t i = 0; i < json_array_size(theirs); i++) {
        const json_t *feedback = json_array_get(theirs, i);

        if (feedback_is_wanted(feedback, enable_rtx, estimation))
            ok = ok && negotiate_append(list, negotiate_flat_copy(feedback));
    }
    if (ok)
        return list;
    json_decref(list);
    return NULL;
}

// ---- codecs

// A codec of the consumable under the receiver's feedback.
static bool append_codec(json_t *list, const json_t *codec, json_t *feedback) {
    json_t *entry = json_object();
    const char *key;
    json_t *value;
    bool ok = true;

    json_object_foreach((json_t *)codec, key, value) {
        if (strcmp(key, "parameters") == 0)
            ok &= negotiate_put(entry, key, negotiate_flat_copy(value));
        else if (strcmp(key, "rtcpFeedback") != 0)
            ok &= negotiate_put(entry, key, negotiate_share(value));
    }
    ok &= negotiate_put(entry, "rtcpFeedback", feedback);
    ok &= negotiate_append(list, entry);
    return ok;
}

static bool media_of_rtx_is_kept(const json_t *codecs, const json_t *theirs, const json_t *rtx) {
    int64_t apt = negotiate_whole_member(json_object_get(rtx, "parameters"), "apt", PAYLOAD_TYPE_LAST);

    for (size_t i = 0; apt >= 0 && i < json_array_size(codecs); i++) {
        const json_t *codec = json_array_get(codecs, i);

        if (negotiate_whole_member(codec, "payloadType", PAYLOAD_TYPE_LAST) == apt &&
            codec_matching(theirs, codec) != NULL)
            return true;
    }
    return false;
}

// RTX of a codec that the receiver lacks is dropped with it.
static json_t *consumer_codecs(const json_t *codecs, const json_t *theirs, bool enable_rtx,
                               enum estimation estimation) {
    json_t *list = json_array();
    bool ok = list != NULL;

    for (size_t i = 0; i < json_array_size(codecs); i++) {
        const json_t *codec = json_array_get(codecs, i), *matched = codec_matching(theirs, codec);

        if (matched == NULL)
            continue;
        if (codec_is_rtx(codec) && (!enable_rtx || !media_of_rtx_is_kept(codecs, theirs, codec)))
            continue;
        if (codec_is_red(
                codec)) { // a browser takes feedback for a stream only if all its payload types have it
            matched = codec_matching(theirs, codec_first_media(codecs));
            if (matched == NULL)
                continue;
        }
        ok = ok && append_codec(
                       list, codec,
                       consumer_feedback(json_object_get(matched, "rtcpFeedback"), enable_rtx, estimation));
    }
    if (ok)
        return list;
    json_decref(list);
    return NULL;
}

// ---- header extensions

// By uri and id, never by kind: clients forget the kind of an extension that audio and video share.
static bool ext_is_known(const json_t *theirs, const json_t *ext) {
    for (size_t i = 0; i < json_array_size(theirs); i++) {
        const json_t *other = json_array_get(theirs, i);

        if (negotiate_whole_member(other, "preferredId", EXT_ID_LAST) ==
                negotiate_whole_member(ext, "id", EXT_ID_LAST) &&
            strcmp(negotiate_text_member(other, "uri"), negotiate_text_member(ext, "uri")) == 0)
            return true;
    }
    return false;
}

static bool append_extension(json_t *list, json_t *uri, json_t *id, json_t *encrypt) {
    json_t *entry = json_object();
    bool ok = negotiate_put(entry, "uri", uri);

    ok &= negotiate_put(entry, "id", id);
    ok &= negotiate_put(entry, "encrypt", encrypt);
    ok &= negotiate_put(entry, "parameters", json_object());
    ok &= negotiate_append(list, entry);
    return ok;
}

static json_t *consumer_extensions(const json_t *extensions, const json_t *theirs) {
    json_t *list = json_array();
    bool ok = list != NULL;

    for (size_t i = 0; i < json_array_size(extensions); i++) {
        const json_t *ext = json_array_get(extensions, i);

        if (!ext_is_known(theirs, ext))
            continue;
        ok &= append_extension(list, negotiate_share(json_object_get(ext, "uri")),
                               negotiate_share(json_object_get(ext, "id")),
                               json_boolean(json_is_true(json_object_get(ext, "encrypt"))));
    }
    if (ok)
        return list;
    json_decref(list);
    return NULL;
}

bool negotiate_add_capture_time(json_t *consumer_parameters, const json_t *capabilities) {
    json_t *list = json_object_get(consumer_parameters, "headerExtensions");
    const json_t *theirs = json_object_get(capabilities, "headerExtensions");

    for (size_t i = 0; i < json_array_size(theirs) && !has_ext(list, EXT_ABS_CAPTURE_TIME); i++) {
        const json_t *ext = json_array_get(theirs, i);

        if (strcmp(negotiate_text_member(ext, "uri"), ext_uri(EXT_ABS_CAPTURE_TIME)) == 0 &&
            negotiate_whole_member(ext, "preferredId", EXT_ID_LAST) == EXT_ROUTER_ID(EXT_ABS_CAPTURE_TIME))
            return append_extension(list, json_string(ext_uri(EXT_ABS_CAPTURE_TIME)),
                                    json_integer(EXT_ROUTER_ID(EXT_ABS_CAPTURE_TIME)), json_false());
    }
    return true;
}

static const json_t *ccfb_of(const json_t *codec) {
    const json_t *list = json_object_get(codec, "rtcpFeedback");

    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *feedback = json_array_get(list, i);

        if (strcmp(negotiate_text_member(feedback, "type"), "ack") == 0 &&
            strcmp(negotiate_text_member(feedback, "parameter"), "ccfb") == 0)
            return feedback;
    }
    return NULL;
}

bool negotiate_spread_ccfb(json_t *consumer_parameters) {
    json_t *codecs = json_object_get(consumer_parameters, "codecs");
    const json_t *ccfb = ccfb_of(json_array_get(codecs, 0));

    for (size_t i = 1; ccfb != NULL && i < json_array_size(codecs); i++) {
        json_t *codec = json_array_get(codecs, i);

        if (codec_is_rtx(codec) && !ccfb_of(codec) &&
            !negotiate_append(json_object_get(codec, "rtcpFeedback"), negotiate_flat_copy(ccfb)))
            return false;
    }
    return true;
}

// ---- the one encoding

// The mode of the first encoding that has one; several encodings count as so many spatial layers.
static void consumer_mode(const json_t *encodings, char out[SCALABILITY_MODE_MAX + 1]) {
    const char *mode = "";

    for (size_t i = 0; mode[0] == '\0' && i < json_array_size(encodings); i++)
        mode = negotiate_text_member(json_array_get(encodings, i), "scalabilityMode");
    if (json_array_size(encodings) > 1)
        snprintf(out, SCALABILITY_MODE_MAX + 1, "L%zuT%u", json_array_size(encodings),
                 (unsigned)layers_of_mode(mode).temporal);
    else
        snprintf(out, SCALABILITY_MODE_MAX + 1, "%s", mode);
}

static const json_t *highest_bitrate(const json_t *encodings) {
    const json_t *highest = NULL;

    for (size_t i = 0; i < json_array_size(encodings); i++) {
        const json_t *bitrate = json_object_get(json_array_get(encodings, i), "maxBitrate");

        if (json_number_value(bitrate) > (highest != NULL ? json_number_value(highest) : 0.0))
            highest = bitrate;
    }
    return highest;
}

static json_t *consumer_encodings(const json_t *encodings, uint32_t ssrc, bool with_rtx) {
    const json_t *bitrate = highest_bitrate(encodings);
    json_t *list = json_array(), *entry = json_object();
    char mode[SCALABILITY_MODE_MAX + 1];
    bool ok = negotiate_put_whole(entry, "ssrc", ssrc);

    if (with_rtx) {
        json_t *rtx = json_object();
        ok &= negotiate_put_whole(rtx, "ssrc", (int64_t)ssrc + 1);
        ok &= negotiate_put(entry, "rtx", rtx);
    }
    consumer_mode(encodings, mode);
    if (mode[0] != '\0')
        ok &= negotiate_put_text(entry, "scalabilityMode", mode);
    if (bitrate != NULL)
        ok &= negotiate_put(entry, "maxBitrate", negotiate_share(bitrate));
    ok &= negotiate_append(list, entry);
    if (ok)
        return list;
    json_decref(list);
    return NULL;
}

// ---- the whole

static bool has_rtx(const json_t *codecs) {
    for (size_t i = 0; i < json_array_size(codecs); i++) {
        if (codec_is_rtx(json_array_get(codecs, i)))
            return true;
    }
    return false;
}

static bool refuse_consumer(const json_t *consumable, struct refusal *refusal) {
    const json_t *sent = codec_first_media(json_object_get(consumable, "codecs"));

    return negotiate_refuse(refusal, ERR_UNSUPPORTED,
                            "no compatible media codec: the producer sends %.64s, with parameters that these "
                            "rtpCapabilities do not list",
                            negotiate_text_member(sent, "mimeType"));
}

static bool put_rest(json_t *consumer, const json_t *consumable) {
    const json_t *cname = json_object_get(json_object_get(consumable, "rtcp"), "cname");
    const json_t *msid = json_object_get(consumable, "msid");
    json_t *rtcp = json_object();
    bool ok = true;

    if (negotiate_is_given(cname))
        ok &= negotiate_put(rtcp, "cname", negotiate_share(cname));
    ok &= negotiate_put(rtcp, "reducedSize", json_true());
    ok &= negotiate_put(consumer, "rtcp", rtcp);
    if (negotiate_is_given(msid))
        ok &= negotiate_put(consumer, "msid", negotiate_share(msid));
    return ok;
}

json_t *negotiate_consumer(const json_t *consumable, const json_t *capabilities, bool enable_rtx,
                           uint32_t ssrc, struct refusal *refusal) {
    json_t *consumer = json_object();
    json_t *extensions = consumer_extensions(json_object_get(consumable, "headerExtensions"),
                                             json_object_get(capabilities, "headerExtensions"));
    json_t *codecs =
        consumer_codecs(json_object_get(consumable, "codecs"), json_object_get(capabilities, "codecs"),
                        enable_rtx, estimation_of(extensions));
    bool with_rtx = has_rtx(codecs);
    bool ok = true;

    assert(refusal != NULL);
    assert(ssrc != 0 && ssrc != UINT32_MAX);
    *refusal = (struct refusal){.code = ERR_OK};
    if (codecs != NULL && (json_array_size(codecs) == 0 || codec_is_rtx(json_array_get(codecs, 0))))
        ok = refuse_consumer(consumable, refusal);
    ok &= negotiate_put(consumer, "codecs", codecs);
    ok &= negotiate_put(consumer, "headerExtensions", extensions);
    ok &= negotiate_put(consumer, "encodings",
                        consumer_encodings(json_object_get(consumable, "encodings"), ssrc, with_rtx));
    ok &= put_rest(consumer, consumable);
    return negotiate_finish(consumer, ok, refusal);
}
