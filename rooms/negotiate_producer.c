// From what a publisher sends to what receivers choose from: its payload types and streams under the
// router's names.
#include "rooms/negotiate_internal.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

// ---- refusing a codec, with what was tried and what is allowed

struct sentence {
    char *text;
    size_t size, len;
};

static void say(struct sentence *s, const char *word, const char *rest) {
    if (s->len < s->size)
        s->len += (size_t)snprintf(s->text + s->len, s->size - s->len, "%s%s", word, rest);
}

// The parameters by which codecs of one name differ.
static void say_parameters(struct sentence *s, const json_t *codec) {
    static const char *const keys[] = {"profile-id", "tier-flag", "profile-level-id", "packetization-mode"};
    const json_t *parameters = json_object_get(codec, "parameters");

    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        const json_t *value = json_object_get(parameters, keys[i]);
        char text[32];

        if (json_is_integer(value))
            snprintf(text, sizeof text, " %s=%lld", keys[i], (long long)json_integer_value(value));
        else if (json_is_string(value) &&
                 strspn(json_string_value(value), "0123456789abcdefABCDEF") ==
                     json_string_length(value)) // anything else may be cut mid-letter
            snprintf(text, sizeof text, " %.16s=%.8s", keys[i], json_string_value(value));
        else
            continue;
        say(s, text, "");
    }
}

// The first codec of the list with this name; NULL for none.
static const json_t *codec_named(const json_t *codecs, const char *mime_type) {
    for (size_t i = 0; i < json_array_size(codecs); i++) {
        if (strcasecmp(negotiate_text_member(json_array_get(codecs, i), "mimeType"), mime_type) == 0)
            return json_array_get(codecs, i);
    }
    return NULL;
}

// Those of H264 are many: each profile is routed in both packetization modes.
static void say_h264(struct sentence *s, const json_t *codecs) {
    const char *separator = "video/H264 profile-level-id=", *last = "";

    for (size_t i = 0; i < json_array_size(codecs); i++) {
        const json_t *parameters = json_object_get(json_array_get(codecs, i), "parameters");
        const char *profile = negotiate_text_member(parameters, "profile-level-id");

        if (profile[0] == '\0' || negotiate_whole_member(parameters, "packetization-mode", 1) != 1)
            continue;
        say(s, separator, profile);
        separator = "/";
        last = " packetization-mode=0/1";
    }
    say(s, last, "");
}

// Of a name that we route, what it must look like; else the names that we route.
static void say_routed(struct sentence *s, const json_t *codecs, const char *kind, const char *mime_type) {
    bool name_is_routed = codec_named(codecs, mime_type) != NULL;
    const char *separator = "";

    if (strcasecmp(mime_type, "video/H264") == 0) {
        say_h264(s, codecs);
        return;
    }
    for (size_t i = 0; i < json_array_size(codecs); i++) {
        const json_t *codec = json_array_get(codecs, i);
        const char *name = negotiate_text_member(codec, "mimeType");

        if (strcmp(negotiate_text_member(codec, "kind"), kind) != 0 || codec_is_rtx(codec) ||
            codec_is_red(codec))
            continue;
        if (name_is_routed ? strcasecmp(name, mime_type) != 0 : codec_named(codecs, name) != codec)
            continue;
        say(s, separator, name);
        if (name_is_routed)
            say_parameters(s, codec);
        separator = ", ";
    }
}

static bool refuse_codec(const json_t *codec, const json_t *capabilities, struct refusal *refusal) {
    const char *mime_type = negotiate_text_member(codec, "mimeType");
    const char *kind = strncasecmp(mime_type, "audio", 5) == 0 ? "audio" : "video";
    char tried[96] = "", allowed[128] = "";
    struct sentence of_tried = {tried, sizeof tried, 0}, of_allowed = {allowed, sizeof allowed, 0};

    say_parameters(&of_tried, codec);
    say_routed(&of_allowed, json_object_get(capabilities, "codecs"), kind, mime_type);
    return negotiate_refuse(
        refusal, ERR_UNSUPPORTED, "unsupported codec %.32s%s (payload type %lld); allowed: %s", mime_type,
        tried, (long long)negotiate_whole_member(codec, "payloadType", PAYLOAD_TYPE_LAST), allowed);
}

// ---- mapping

static bool append_codec_mapping(json_t *list, const json_t *codec, const json_t *routed) {
    json_t *entry = json_object();
    bool ok = negotiate_put_whole(entry, "payloadType",
                                  negotiate_whole_member(codec, "payloadType", PAYLOAD_TYPE_LAST));

    ok &= negotiate_put_whole(entry, "mappedPayloadType",
                              negotiate_whole_member(routed, "preferredPayloadType", PAYLOAD_TYPE_LAST));
    ok &= negotiate_append(list, entry);
    return ok;
}

static const json_t *codec_by_payload_type(const json_t *codecs, const char *key, int64_t payload_type) {
    for (size_t i = 0; payload_type >= 0 && i < json_array_size(codecs); i++) {
        const json_t *codec = json_array_get(codecs, i);

        if (negotiate_whole_member(codec, key, PAYLOAD_TYPE_LAST) == payload_type)
            return codec;
    }
    return NULL;
}

static bool map_media(json_t *list, const json_t *codec, const json_t *capabilities,
                      struct refusal *refusal) {
    const json_t *routed = codec_matching(json_object_get(capabilities, "codecs"), codec);

    if (routed == NULL)
        return refuse_codec(codec, capabilities, refusal);
    return append_codec_mapping(list, codec, routed);
}

static bool map_rtx(json_t *list, const json_t *codec, const json_t *codecs, const json_t *capabilities,
                    struct refusal *refusal) {
    const json_t *routed_codecs = json_object_get(capabilities, "codecs");
    int64_t apt = negotiate_whole_member(json_object_get(codec, "parameters"), "apt", PAYLOAD_TYPE_LAST);
    const json_t *media = codec_by_payload_type(codecs, "payloadType", apt);
    long long payload_type = (long long)negotiate_whole_member(codec, "payloadType", PAYLOAD_TYPE_LAST);

    if (media == NULL || codec_is_rtx(media))
        return negotiate_refuse(refusal, ERR_MALFORMED, "missing media codec for RTX payload type %lld",
                                payload_type);
    const json_t *routed_media = codec_matching(routed_codecs, media);
    const json_t *routed = codec_rtx_of(
        routed_codecs, negotiate_whole_member(routed_media, "preferredPayloadType", PAYLOAD_TYPE_LAST));
    if (routed == NULL)
        return negotiate_refuse(refusal, ERR_UNSUPPORTED, "no RTX (payload type %lld) for codec %.64s",
                                payload_type, negotiate_text_member(media, "mimeType"));
    return append_codec_mapping(list, codec, routed);
}

// Media codecs first, as the reference orders them.
static json_t *map_codecs(const json_t *codecs, const json_t *capabilities, struct refusal *refusal) {
    json_t *list = json_array();
    bool ok = true;

    for (size_t i = 0; ok && i < json_array_size(codecs); i++) {
        if (!codec_is_rtx(json_array_get(codecs, i)))
            ok = map_media(list, json_array_get(codecs, i), capabilities, refusal);
    }
    for (size_t i = 0; ok && i < json_array_size(codecs); i++) {
        if (codec_is_rtx(json_array_get(codecs, i)))
            ok = map_rtx(list, json_array_get(codecs, i), codecs, capabilities, refusal);
    }
    return negotiate_finish(list, ok, refusal);
}

static json_t *map_encodings(const json_t *encodings, uint32_t first_ssrc, struct refusal *refusal) {
    json_t *list = json_array();
    bool ok = true;

    for (size_t i = 0; ok && i < json_array_size(encodings); i++) {
        const json_t *encoding = json_array_get(encodings, i);
        const json_t *ssrc = json_object_get(encoding, "ssrc"), *rid = json_object_get(encoding, "rid");
        json_t *entry = json_object();

        if (negotiate_is_given(ssrc))
            ok &= negotiate_put(entry, "ssrc", negotiate_number_copy(ssrc));
        if (negotiate_is_given(rid))
            ok &= negotiate_put(entry, "rid", negotiate_share(rid));
        ok &= negotiate_put_whole(entry, "mappedSsrc", (int64_t)first_ssrc + (int64_t)i);
        ok &= negotiate_append(list, entry);
    }
    return negotiate_finish(list, ok, refusal);
}

json_t *negotiate_producer_mapping(const json_t *parameters, const json_t *router_capabilities,
                                   uint32_t first_ssrc, struct refusal *refusal) {
    json_t *mapping = json_object();
    bool ok = true;

    assert(refusal != NULL);
    assert(first_ssrc > 0 && first_ssrc <= UINT32_MAX - STREAMS_MAX);
    *refusal = (struct refusal){.code = ERR_OK};
    ok = ok && negotiate_put(mapping, "codecs",
                             map_codecs(json_object_get(parameters, "codecs"), router_capabilities, refusal));
    ok = ok && negotiate_put(mapping, "encodings",
                             map_encodings(json_object_get(parameters, "encodings"), first_ssrc, refusal));
    return negotiate_finish(mapping, ok, refusal);
}

// ---- consumable

// The publisher's parameters; for H264 with the profile-level-id that answers the publisher; of redundant
// audio ours, since they name payload types.
static json_t *consumable_parameters(const json_t *codec, const json_t *routed) {
    const json_t *offered = json_object_get(codec, "parameters"),
                 *ours = json_object_get(routed, "parameters");
    enum media_codec name;

    if (codec_is_red(codec))
        return negotiate_flat_copy(ours);
    json_t *copy = json_is_object(offered) ? negotiate_flat_copy(offered) : json_object();

    if (copy == NULL || !codec_of_mime(negotiate_text_member(codec, "mimeType"), &name) || name != CODEC_H264)
        return copy;
    struct h264_answer answer = h264_answer_level(offered, ours);
    if (answer.text[0] == '\0')
        json_object_del(copy, "profile-level-id"); // not there is as good as deleted
    else if (!negotiate_put_text(copy, "profile-level-id", answer.text)) {
        json_decref(copy);
        return NULL;
    }
    return copy;
}

// `routed` under its router payload type; takes over `parameters`. What nobody changes is the router's very
// own: a server holds one consumable for each producer.
static bool append_consumable(json_t *list, const json_t *routed, json_t *parameters) {
    const json_t *channels = json_object_get(routed, "channels");
    json_t *entry = json_object();
    bool ok = negotiate_put(entry, "mimeType", negotiate_share(json_object_get(routed, "mimeType")));

    ok &=
        negotiate_put(entry, "payloadType", negotiate_share(json_object_get(routed, "preferredPayloadType")));
    ok &= negotiate_put(entry, "clockRate", negotiate_share(json_object_get(routed, "clockRate")));
    if (channels != NULL)
        ok &= negotiate_put(entry, "channels", negotiate_share(channels));
    ok &= negotiate_put(entry, "parameters", parameters);
    ok &= negotiate_put(entry, "rtcpFeedback", json_incref(json_object_get(routed, "rtcpFeedback")));
    ok &= negotiate_append(list, entry);
    return ok;
}

// RTX is added whether or not the publisher has it: retransmitting to receivers is our own affair.
static bool append_consumable_codec(json_t *list, const json_t *codec, const json_t *capabilities,
                                    const json_t *mapping) {
    const json_t *routed_codecs = json_object_get(capabilities, "codecs");
    const json_t *map = json_object_get(mapping, "codecs");
    int64_t theirs = negotiate_whole_member(codec, "payloadType", PAYLOAD_TYPE_LAST);
    int64_t ours = negotiate_whole_member(codec_by_payload_type(map, "payloadType", theirs),
                                          "mappedPayloadType", PAYLOAD_TYPE_LAST);
    const json_t *routed = codec_by_payload_type(routed_codecs, "preferredPayloadType", ours);

    if (codec_is_rtx(codec) || routed == NULL)
        return true;
    const json_t *rtx = codec_rtx_of(routed_codecs, ours);
    return append_consumable(list, routed, consumable_parameters(codec, routed)) &&
           (rtx == NULL || append_consumable(list, rtx, json_incref(json_object_get(rtx, "parameters"))));
}

// Redundant audio comes last, wherever the publisher lists it: clients judge by the first codec.
static json_t *consumable_codecs(const json_t *codecs, const json_t *capabilities, const json_t *mapping) {
    const json_t *red = codec_first_red(codecs);
    json_t *list = json_array();
    bool ok = list != NULL;

    for (size_t i = 0; i < json_array_size(codecs); i++) {
        if (!codec_is_red(json_array_get(codecs, i)))
            ok = ok && append_consumable_codec(list, json_array_get(codecs, i), capabilities, mapping);
    }
    if (red != NULL)
        ok = ok && append_consumable_codec(list, red, capabilities, mapping);
    if (ok)
        return list;
    json_decref(list);
    return NULL;
}

static bool list_has_uri(const json_t *list, const char *uri) {
    for (size_t i = 0; i < json_array_size(list); i++) {
        if (strcmp(negotiate_text_member(json_array_get(list, i), "uri"), uri) == 0)
            return true;
    }
    return false;
}

// abs-capture-time is passed through from the publisher's packets, so only a publisher that negotiated it can
// have it; every other one we write ourselves.
static bool ext_is_offered(const json_t *ext, const char *kind, const json_t *publishers) {
    const char *direction = negotiate_text_member(ext, "direction"), *uri = negotiate_text_member(ext, "uri");

    if (strcmp(negotiate_text_member(ext, "kind"), kind) != 0)
        return false;
    if (strcmp(direction, "sendrecv") != 0 && strcmp(direction, "sendonly") != 0)
        return false;
    return strcmp(uri, ext_uri(EXT_ABS_CAPTURE_TIME)) != 0 || list_has_uri(publishers, uri);
}

static json_t *consumable_extensions(enum media_kind kind, const json_t *parameters,
                                     const json_t *capabilities) {
    const json_t *routed = json_object_get(capabilities, "headerExtensions");
    const json_t *publishers = json_object_get(parameters, "headerExtensions");
    json_t *list = json_array();
    bool ok = list != NULL;

    for (size_t i = 0; i < json_array_size(routed); i++) {
        const json_t *ext = json_array_get(routed, i);

        if (!ext_is_offered(ext, kind == MEDIA_AUDIO ? "audio" : "video", publishers))
            continue;
        json_t *entry = json_object();
        ok &= negotiate_put(entry, "uri", negotiate_share(json_object_get(ext, "uri")));
        ok &= negotiate_put(entry, "id", negotiate_share(json_object_get(ext, "preferredId")));
        ok &= negotiate_put(entry, "encrypt",
                            json_boolean(json_is_true(json_object_get(ext, "preferredEncrypt"))));
        ok &= negotiate_put(entry, "parameters", json_object());
        ok &= negotiate_append(list, entry);
    }
    if (ok)
        return list;
    json_decref(list);
    return NULL;
}

// The encoding without what names the publisher's streams.
static json_t *consumable_encoding(const json_t *encoding, const json_t *mapped) {
    json_t *copy = json_object();
    const char *key;
    json_t *value;
    bool ok = copy != NULL;

    json_object_foreach((json_t *)encoding, key, value) {
        if (strcmp(key, "rid") != 0 && strcmp(key, "rtx") != 0 && strcmp(key, "codecPayloadType") != 0 &&
            strcmp(key, "ssrc") != 0)
            ok = ok && negotiate_put(copy, key, negotiate_share(value));
    }
    ok = ok && negotiate_put(copy, "ssrc", negotiate_share(json_object_get(mapped, "mappedSsrc")));
    if (ok)
        return copy;
    json_decref(copy);
    return NULL;
}

static json_t *consumable_encodings(const json_t *encodings, const json_t *mapped) {
    json_t *list = json_array();
    bool ok = list != NULL;

    for (size_t i = 0; i < json_array_size(encodings); i++)
        ok = ok && negotiate_append(
                       list, consumable_encoding(json_array_get(encodings, i), json_array_get(mapped, i)));
    if (ok)
        return list;
    json_decref(list);
    return NULL;
}

json_t *negotiate_consumable(enum media_kind kind, const json_t *parameters,
                             const json_t *router_capabilities, const json_t *mapping) {
    const json_t *cname = json_object_get(json_object_get(parameters, "rtcp"), "cname");
    const json_t *msid = json_object_get(parameters, "msid");
    json_t *consumable = json_object(), *rtcp = json_object();
    bool ok =
        negotiate_put(consumable, "codecs",
                      consumable_codecs(json_object_get(parameters, "codecs"), router_capabilities, mapping));

    ok &= negotiate_put(consumable, "headerExtensions",
                        consumable_extensions(kind, parameters, router_capabilities));
    ok &= negotiate_put(consumable, "encodings",
                        consumable_encodings(json_object_get(parameters, "encodings"),
                                             json_object_get(mapping, "encodings")));
    if (negotiate_is_given(cname))
        ok &= negotiate_put(rtcp, "cname", negotiate_share(cname));
    ok &= negotiate_put(rtcp, "reducedSize", json_true());
    ok &= negotiate_put(consumable, "rtcp", rtcp);
    if (negotiate_is_given(msid))
        ok &= negotiate_put(consumable, "msid", negotiate_share(msid));
    if (ok)
        return consumable;
    json_decref(consumable);
    return NULL;
}
