// A publisher's RtpParameters: its lists, and then whether they fit together.
#include "rooms/negotiate_internal.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

static json_t *check_codec_parameters(const json_t *codec, const char *place, struct refusal *refusal) {
    return negotiate_check_codec(codec, "payloadType", true, place, refusal);
}

// ---- header extensions

static json_t *check_extension(const json_t *ext, const char *place, struct refusal *refusal) {
    const json_t *id = json_object_get(ext, "id"), *encrypt = json_object_get(ext, "encrypt");
    json_t *checked = NULL;
    int64_t number;
    bool ok = true;

    if (!json_is_object(ext))
        ok = negotiate_refuse(refusal, ERR_MALFORMED, "%s is not an object", place);
    else if (!negotiate_text_is_plain(json_object_get(ext, "uri"), URI_MAX))
        ok = negotiate_refuse(refusal, ERR_MALFORMED, "%s.uri is not a string of 1 to %d characters", place,
                              URI_MAX);
    else if (!negotiate_whole_number(id, 1, EXT_ID_LAST, &number))
        ok = negotiate_refuse(refusal, ERR_MALFORMED, "%s.id is not a whole number from 1 to %d", place,
                              EXT_ID_LAST);
    else if (negotiate_is_given(encrypt) && !json_is_boolean(encrypt))
        ok = negotiate_refuse(refusal, ERR_MALFORMED, "%s.encrypt is not true or false", place);
    if (ok) {
        checked = json_object();
        ok &= negotiate_put(checked, "uri", negotiate_share(json_object_get(ext, "uri")));
        ok &= negotiate_put(checked, "id", negotiate_number_copy(id));
        ok &= negotiate_put(checked, "encrypt", json_boolean(json_is_true(encrypt)));
        ok = ok && negotiate_put(checked, "parameters",
                                 negotiate_check_flat(json_object_get(ext, "parameters"), place, refusal));
    }
    return negotiate_finish(checked, ok, refusal);
}

// ---- encodings

// What the application may add for its own encoder (W3C RTCRtpEncodingParameters). Nothing here depends on
// it: copied when it is a boolean, a number or a short word, else left out.
static const char *const passed_on[] = {"active",   "scaleResolutionDownBy", "maxFramerate",
                                        "priority", "networkPriority",       "adaptivePtime"};

static bool put_passed_on(json_t *checked, const json_t *encoding) {
    bool ok = true;

    for (size_t i = 0; i < sizeof passed_on / sizeof passed_on[0]; i++) {
        const json_t *value = json_object_get(encoding, passed_on[i]);

        if (json_is_number(value))
            ok &= negotiate_put(checked, passed_on[i], negotiate_number_copy(value));
        else if (json_is_boolean(value) || negotiate_text_is_plain(value, RID_MAX))
            ok &= negotiate_put(checked, passed_on[i], negotiate_share(value));
    }
    return ok;
}

static bool ssrc_is_good(const json_t *value) {
    int64_t ssrc;

    return negotiate_whole_number(value, 1, UINT32_MAX, &ssrc);
}

// RFC 8851, 10: letters, digits, hyphen and underscore.
static bool rid_is_good(const json_t *value) {
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_";
    const char *text = json_string_value(value);

    return negotiate_text_is_plain(value, RID_MAX) && strspn(text, letters) == strlen(text);
}

static bool layers_are_good(const json_t *mode) {
    if (!negotiate_text_is_plain(mode, SCALABILITY_MODE_MAX))
        return false;
    struct layers layers = layers_of_mode(json_string_value(mode));
    return layers.spatial <= LAYERS_MAX && layers.temporal <= LAYERS_MAX;
}

// Absent, null and "" mean that the field is not there.
static bool text_is_given(const json_t *value) {
    return negotiate_is_given(value) && !(json_is_string(value) && json_string_length(value) == 0);
}

static bool check_encoding_fields(const json_t *encoding, const char *place, struct refusal *refusal) {
    const json_t *ssrc = json_object_get(encoding, "ssrc"), *rid = json_object_get(encoding, "rid");
    const json_t *rtx = json_object_get(encoding, "rtx"),
                 *mode = json_object_get(encoding, "scalabilityMode");
    const json_t *bitrate = json_object_get(encoding, "maxBitrate");
    const json_t *payload_type = json_object_get(encoding, "codecPayloadType");
    int64_t number;

    if (!json_is_object(encoding))
        return negotiate_refuse(refusal, ERR_MALFORMED, "%s is not an object", place);
    if (negotiate_is_given(ssrc) && !ssrc_is_good(ssrc))
        return negotiate_refuse(refusal, ERR_MALFORMED, "%s.ssrc is not a whole number from 1 to 4294967295",
                                place);
    if (text_is_given(rid) && !rid_is_good(rid))
        return negotiate_refuse(refusal, ERR_MALFORMED, "%s.rid is not 1 to %d letters, digits, - or _",
                                place, RID_MAX);
    if (negotiate_is_given(rtx) && !json_is_object(rtx))
        return negotiate_refuse(refusal, ERR_MALFORMED, "%s.rtx is not an object", place);
    if (negotiate_is_given(rtx) && !ssrc_is_good(json_object_get(rtx, "ssrc")))
        return negotiate_refuse(refusal, ERR_MALFORMED,
                                "%s.rtx.ssrc is not a whole number from 1 to 4294967295", place);
    if (text_is_given(mode) && !layers_are_good(mode))
        return negotiate_refuse(refusal, ERR_MALFORMED,
                                "%s.scalabilityMode is not a mode such as \"L3T3\" of at most %d layers each",
                                place, LAYERS_MAX);
    if (negotiate_is_given(bitrate) && !(json_is_number(bitrate) && json_number_value(bitrate) >= 0))
        return negotiate_refuse(refusal, ERR_MALFORMED, "%s.maxBitrate is not a number of bits per second",
                                place);
    if (negotiate_is_given(payload_type) &&
        !negotiate_whole_number(payload_type, 0, PAYLOAD_TYPE_LAST, &number))
        return negotiate_refuse(refusal, ERR_MALFORMED,
                                "%s.codecPayloadType is not a whole number from 0 to %d", place,
                                PAYLOAD_TYPE_LAST);
    return true;
}

static json_t *check_encoding(const json_t *encoding, const char *place, struct refusal *refusal) {
    static const char *const numbers[] = {"ssrc", "maxBitrate", "codecPayloadType"};
    static const char *const texts[] = {"rid", "scalabilityMode"};
    const json_t *rtx = json_object_get(encoding, "rtx");
    json_t *checked = NULL;
    bool ok = check_encoding_fields(encoding, place, refusal);

    if (ok) {
        checked = json_object();
        for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
            if (negotiate_is_given(json_object_get(encoding, numbers[i])))
                ok &= negotiate_put(checked, numbers[i],
                                    negotiate_number_copy(json_object_get(encoding, numbers[i])));
        }
        for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
            if (text_is_given(json_object_get(encoding, texts[i])))
                ok &= negotiate_put(checked, texts[i], negotiate_share(json_object_get(encoding, texts[i])));
        }
        if (negotiate_is_given(rtx)) {
            json_t *copy = json_object();
            ok &= negotiate_put(copy, "ssrc", negotiate_number_copy(json_object_get(rtx, "ssrc")));
            ok &= negotiate_put(checked, "rtx", copy);
        }
        ok &= negotiate_put(checked, "dtx", json_boolean(json_is_true(json_object_get(encoding, "dtx"))));
        ok &= put_passed_on(checked, encoding);
    }
    return negotiate_finish(checked, ok, refusal);
}

// No encodings mean one of which nothing is known yet.
static json_t *check_encodings(const json_t *encodings, struct refusal *refusal) {
    const struct list_rule rule = {"encodings", STREAMS_MAX, check_encoding};
    json_t *checked = negotiate_check_list(encodings, &rule, refusal);
    bool ok = checked != NULL && (json_array_size(checked) > 0 || negotiate_append(checked, json_object()));

    return negotiate_finish(checked, ok, refusal);
}

// ---- rtcp

static json_t *check_rtcp(const json_t *rtcp, struct refusal *refusal) {
    const json_t *cname = json_object_get(rtcp, "cname");
    json_t *checked = json_object();
    bool ok = true;

    if (negotiate_is_given(rtcp) && !json_is_object(rtcp))
        ok = negotiate_refuse(refusal, ERR_MALFORMED, "rtcp is not an object");
    else if (text_is_given(cname) && !negotiate_text_is_plain(cname, CNAME_MAX))
        ok = negotiate_refuse(refusal, ERR_MALFORMED, "rtcp.cname is not a string of at most %d bytes",
                              CNAME_MAX);
    else if (text_is_given(cname))
        ok &= negotiate_put(checked, "cname", negotiate_share(cname));
    ok = ok && negotiate_put(checked, "reducedSize", json_true());
    return negotiate_finish(checked, ok, refusal);
}

// ---- do the parts fit together

static int64_t payload_type_at(const json_t *codecs, size_t i) {
    return negotiate_whole_member(json_array_get(codecs, i), "payloadType", PAYLOAD_TYPE_LAST);
}

static const json_t *codec_with_payload_type(const json_t *codecs, int64_t payload_type) {
    for (size_t i = 0; payload_type >= 0 && i < json_array_size(codecs); i++) {
        if (payload_type_at(codecs, i) == payload_type)
            return json_array_get(codecs, i);
    }
    return NULL;
}

static bool check_codec_fits(enum media_kind kind, const json_t *codecs, const json_t *codec,
                             struct refusal *refusal) {
    const char *word = kind == MEDIA_AUDIO ? "audio" : "video",
               *mime_type = negotiate_text_member(codec, "mimeType");
    int64_t payload_type = negotiate_whole_member(codec, "payloadType", PAYLOAD_TYPE_LAST);

    if (strncasecmp(mime_type, word, strlen(word)) != 0)
        return negotiate_refuse(refusal, ERR_MALFORMED,
                                "codec %s (payload type %lld) in a producer of kind \"%s\"", mime_type,
                                (long long)payload_type, word);
    if (codec_with_payload_type(codecs, payload_type) != codec)
        return negotiate_refuse(refusal, ERR_MALFORMED, "payload type %lld stands for two codecs",
                                (long long)payload_type);
    if (!codec_is_rtx(codec))
        return true;
    const json_t *media = codec_with_payload_type(
        codecs, negotiate_whole_member(json_object_get(codec, "parameters"), "apt", PAYLOAD_TYPE_LAST));
    if (media == NULL || codec_is_rtx(media))
        return negotiate_refuse(
            refusal, ERR_MALFORMED,
            "missing media codec for RTX payload type %lld: its apt must name one of `codecs`",
            (long long)payload_type);
    return true;
}

static bool check_codecs_fit(enum media_kind kind, const json_t *codecs, struct refusal *refusal) {
    for (size_t i = 0; i < json_array_size(codecs); i++) {
        if (!check_codec_fits(kind, codecs, json_array_get(codecs, i), refusal))
            return false;
    }
    if (codec_first_media(codecs) == NULL)
        return negotiate_refuse(refusal, ERR_MALFORMED, "codecs has no media codec%s",
                                codec_first_red(codecs) ? ": audio/red repeats another one, audio/opus" : "");
    return true;
}

static bool check_extensions_fit(const json_t *extensions, struct refusal *refusal) {
    for (size_t i = 0; i < json_array_size(extensions); i++) {
        const json_t *ext = json_array_get(extensions, i);
        int64_t id = negotiate_whole_member(ext, "id", EXT_ID_LAST);

        for (size_t j = 0; j < i; j++) {
            const json_t *other = json_array_get(extensions, j);

            if (negotiate_whole_member(other, "id", EXT_ID_LAST) == id &&
                strcmp(negotiate_text_member(other, "uri"), negotiate_text_member(ext, "uri")) != 0)
                return negotiate_refuse(refusal, ERR_MALFORMED,
                                        "header extension id %lld stands for two extensions", (long long)id);
        }
    }
    return true;
}

static bool ssrc_is_repeated(const json_t *encodings) {
    int64_t seen[2 * STREAMS_MAX];
    size_t count = 0;

    for (size_t i = 0; i < json_array_size(encodings); i++) {
        const json_t *encoding = json_array_get(encodings, i);
        const int64_t ssrcs[] = {
            negotiate_whole_member(encoding, "ssrc", UINT32_MAX),
            negotiate_whole_member(json_object_get(encoding, "rtx"), "ssrc", UINT32_MAX)};

        for (size_t k = 0; k < 2; k++) {
            if (ssrcs[k] < 0)
                continue;
            for (size_t j = 0; j < count; j++) {
                if (seen[j] == ssrcs[k])
                    return true;
            }
            assert(count < sizeof seen / sizeof seen[0]);
            seen[count++] = ssrcs[k];
        }
    }
    return false;
}

static bool rid_is_repeated(const json_t *encodings, size_t at) {
    const char *rid = negotiate_text_member(json_array_get(encodings, at), "rid");

    for (size_t i = 0; i < at && rid[0] != '\0'; i++) {
        if (strcmp(negotiate_text_member(json_array_get(encodings, i), "rid"), rid) == 0)
            return true;
    }
    return false;
}

static bool check_encodings_fit(const json_t *parameters, struct refusal *refusal) {
    const json_t *encodings = json_object_get(parameters, "encodings");
    const json_t *sent = codec_first_media(json_object_get(parameters, "codecs"));
    size_t count = json_array_size(encodings);

    for (size_t i = 0; i < count; i++) {
        const json_t *encoding = json_array_get(encodings, i);
        int64_t payload_type = negotiate_whole_member(encoding, "codecPayloadType", PAYLOAD_TYPE_LAST);
        bool named = json_object_get(encoding, "ssrc") != NULL || json_object_get(encoding, "rid") != NULL;

        if (!named && (count > 1 || json_object_get(parameters, "mid") == NULL))
            return negotiate_refuse(
                refusal, ERR_MALFORMED,
                "encodings[%zu] has neither ssrc nor rid, which only the one encoding of a producer "
                "with a mid may lack",
                i);
        if (rid_is_repeated(encodings, i))
            return negotiate_refuse(refusal, ERR_MALFORMED, "encodings[%zu].rid stands for two encodings", i);
        if (payload_type >= 0 &&
            payload_type != negotiate_whole_member(sent, "payloadType", PAYLOAD_TYPE_LAST))
            return negotiate_refuse(
                refusal, ERR_UNSUPPORTED,
                "encodings[%zu].codecPayloadType %lld: all encodings use the first media codec", i,
                (long long)payload_type);
    }
    if (ssrc_is_repeated(encodings))
        return negotiate_refuse(refusal, ERR_MALFORMED, "an ssrc of `encodings` stands for two streams");
    return true;
}

// ---- the whole

static bool put_text_checked(json_t *checked, const json_t *parameters, const char *key, size_t max,
                             struct refusal *refusal) {
    const json_t *value = json_object_get(parameters, key);

    if (!text_is_given(value))
        return true;
    if (!negotiate_text_is_plain(value, max))
        return negotiate_refuse(refusal, ERR_MALFORMED, "%s is not a string of at most %zu bytes", key, max);
    return negotiate_put(checked, key, negotiate_share(value));
}

json_t *negotiate_check_producer(enum media_kind kind, const json_t *parameters, struct refusal *refusal) {
    const struct list_rule codec_rule = {"codecs", PRODUCER_CODECS_MAX, check_codec_parameters};
    const struct list_rule ext_rule = {"headerExtensions", PRODUCER_EXTENSIONS_MAX, check_extension};
    const json_t *codecs = json_object_get(parameters, "codecs");
    json_t *checked = json_object();
    bool ok = true;

    assert(refusal != NULL);
    *refusal = (struct refusal){.code = ERR_OK};
    if (!json_is_object(parameters))
        ok = negotiate_refuse(refusal, ERR_MALFORMED, "rtpParameters is not an object");
    else if (!json_is_array(codecs))
        ok = negotiate_refuse(refusal, ERR_MALFORMED, "codecs is missing or not an array");
    ok = ok && put_text_checked(checked, parameters, "mid", MID_MAX, refusal);
    ok = ok && put_text_checked(checked, parameters, "msid", MSID_MAX, refusal);
    ok = ok && negotiate_put(checked, "codecs", negotiate_check_list(codecs, &codec_rule, refusal));
    ok = ok && negotiate_put(
                   checked, "headerExtensions",
                   negotiate_check_list(json_object_get(parameters, "headerExtensions"), &ext_rule, refusal));
    ok = ok && negotiate_put(checked, "encodings",
                             check_encodings(json_object_get(parameters, "encodings"), refusal));
    ok = ok && negotiate_put(checked, "rtcp", check_rtcp(json_object_get(parameters, "rtcp"), refusal));
    ok = ok && check_codecs_fit(kind, json_object_get(checked, "codecs"), refusal);
    ok = ok && check_extensions_fit(json_object_get(checked, "headerExtensions"), refusal);
    ok = ok && check_encodings_fit(checked, refusal);
    return negotiate_finish(checked, ok, refusal);
}
