// What the server routes, and when two codecs are the same.
#include "rooms/negotiate_internal.h"

#include <assert.h>
#include <string.h>
#include <strings.h>

static const struct codec_name {
    const char *mime_type;
    enum media_codec codec;
} CODEC_NAMES[] = {
    {"audio/opus", CODEC_OPUS}, {"video/VP8", CODEC_VP8},   {"video/VP9", CODEC_VP9},
    {"video/H264", CODEC_H264}, {"video/H265", CODEC_H265}, {"video/AV1", CODEC_AV1},
};

// Router payload types count from here: a video codec takes two, the second for its RTX. 127 stays free for
// the client's probator, what comes after 126 gets those from 96 on.
#define FIRST_PAYLOAD_TYPE 100
#define LAST_PAYLOAD_TYPE 126
#define FIRST_PAYLOAD_TYPE_AGAIN 96

struct parameter {
    const char *key, *text; // text: NULL for the number
    int number;
};

// RFC 6184, 8.1: a profile and a packetization mode of their own each, since neither is negotiable (8.2.2).
#define H264(mode, profile_level_id)                                                                         \
    {                                                                                                        \
        "video", "video/H264", 90000, 0, {                                                                   \
            {"packetization-mode", NULL, mode}, {"level-asymmetry-allowed", NULL, 1},                        \
                {"profile-level-id", profile_level_id, 0}                                                    \
        }                                                                                                    \
    }

#define PARAMETERS_MAX 4
static const struct routed_codec {
    const char *kind, *mime_type;
    int clock_rate, channels;
    struct parameter parameters[PARAMETERS_MAX];
} ROUTED[] = {
    {"audio", "audio/opus", 48000, 2, {{0}}},
    {"video", "video/VP8", 90000, 0, {{0}}},
    {"video", "video/VP9", 90000, 0, {{"profile-id", NULL, 0}}},
    {"video", "video/VP9", 90000, 0, {{"profile-id", NULL, 2}}},
    H264(1, "42e01f"), // Constrained Baseline
    H264(1, "4d0032"), // Main
    {"video", "video/AV1", 90000, 0, {{0}}},
    H264(1, "42001f"), // Baseline
    H264(1, "64001f"), // High
    H264(0, "42e01f"),
    H264(0, "42001f"),
    H264(0, "4d0032"),
    H264(0, "64001f"),
    // RFC 7798, 7.1: Main profile, Main tier, one RTP stream. Level 6.0 (180), so that the client's encoder
    // is not held back by what we announce; the forwarder does not decode.
    {"video",
     "video/H265",
     90000,
     0,
     {{"profile-id", NULL, 1}, {"tier-flag", NULL, 0}, {"level-id", NULL, 180}, {"tx-mode", "SRST", 0}}},
    H264(1, "640c1f"), // Constrained High: Safari's
    H264(0, "640c1f"),
};
#define ROUTED_ENTRIES (2 * sizeof ROUTED / sizeof ROUTED[0] - 1) // RTX counted; opus has none
_Static_assert(ROUTED_ENTRIES <= LAST_PAYLOAD_TYPE - FIRST_PAYLOAD_TYPE_AGAIN + 1, "a payload type for each");

// RFC 2198, of the first codec. Its format parameters are no "name=value", and clients write what they get as
// NAME=VALUE: with an empty name "=100/100" comes of it, which Chromium reads as "100/100".
#define RED_PAYLOAD_TYPE 63
static const struct routed_codec RED = {"audio", "audio/red", 48000, 2, {{"", "100/100", 0}}};
_Static_assert(ROUTED_ENTRIES + 1 <= RECEIVER_CODECS_MAX, "a bit for each");

static const struct feedback {
    const char *type, *parameter;
    bool audio;
} FEEDBACK[] = {
    {"nack", "", true},       {"nack", "pli", false},     {"ccm", "fir", false},
    {"goog-remb", "", false}, {"transport-cc", "", true}, {"ack", "ccfb", true},
};

// Directions as the server sees them: recvonly is taken from publishers, not offered to viewers.
static const struct routed_ext {
    const char *uri;
    const char *audio, *video; // direction, NULL: not for this kind
} EXTENSIONS[EXT_COUNT] = {
    [EXT_MID] = {"urn:ietf:params:rtp-hdrext:sdes:mid", "sendrecv", "sendrecv"},
    [EXT_RID] = {"urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id", NULL, "recvonly"},
    [EXT_REPAIRED_RID] = {"urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id", NULL, "recvonly"},
    [EXT_ABS_SEND_TIME] = {"http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time", "sendrecv",
                           "sendrecv"},
    [EXT_TRANSPORT_CC] = {"http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01",
                          "sendrecv", "sendrecv"},
    [EXT_AUDIO_LEVEL] = {"urn:ietf:params:rtp-hdrext:ssrc-audio-level", "sendrecv", NULL},
    [EXT_DEPENDENCY_DESCRIPTOR] =
        {"https://aomediacodec.github.io/av1-rtp-spec/#dependency-descriptor-rtp-header-extension", NULL,
         "sendrecv"},
    [EXT_VIDEO_ORIENTATION] = {"urn:3gpp:video-orientation", NULL, "sendrecv"},
    [EXT_TOFFSET] = {"urn:ietf:params:rtp-hdrext:toffset", NULL, "sendrecv"},
    [EXT_ABS_CAPTURE_TIME] = {"http://www.webrtc.org/experiments/rtp-hdrext/abs-capture-time", "sendrecv",
                              "sendrecv"},
    [EXT_PLAYOUT_DELAY] = {"http://www.webrtc.org/experiments/rtp-hdrext/playout-delay", "sendrecv",
                           "sendrecv"},
};

// ---- router capabilities

static json_t *routed_parameters(const struct routed_codec *codec) {
    json_t *object = json_object();
    bool ok = object != NULL;

    for (size_t i = 0; i < PARAMETERS_MAX && codec->parameters[i].key != NULL; i++) {
        const struct parameter *p = &codec->parameters[i];

        ok = ok && (p->text != NULL ? negotiate_put_text(object, p->key, p->text)
                                    : negotiate_put_whole(object, p->key, p->number));
    }
    if (ok)
        return object;
    json_decref(object);
    return NULL;
}

static json_t *routed_feedback(bool audio) {
    json_t *array = json_array();
    bool ok = array != NULL;

    for (size_t i = 0; i < sizeof FEEDBACK / sizeof FEEDBACK[0]; i++) {
        if (audio && !FEEDBACK[i].audio)
            continue;
        json_t *entry = json_object();
        ok &= negotiate_put_text(entry, "type", FEEDBACK[i].type);
        ok &= negotiate_put_text(entry, "parameter", FEEDBACK[i].parameter);
        ok &= negotiate_append(array, entry);
    }
    if (ok)
        return array;
    json_decref(array);
    return NULL;
}

static bool append_routed(json_t *codecs, const struct routed_codec *codec, int payload_type) {
    json_t *entry = json_object();
    bool ok = negotiate_put_text(entry, "kind", codec->kind);

    ok &= negotiate_put_text(entry, "mimeType", codec->mime_type);
    ok &= negotiate_put_whole(entry, "preferredPayloadType", payload_type);
    ok &= negotiate_put_whole(entry, "clockRate", codec->clock_rate);
    if (codec->channels != 0)
        ok &= negotiate_put_whole(entry, "channels", codec->channels);
    ok &= negotiate_put(entry, "parameters", routed_parameters(codec));
    ok &= negotiate_put(entry, "rtcpFeedback", routed_feedback(codec->channels != 0));
    ok &= negotiate_append(codecs, entry);
    return ok;
}

static bool append_routed_rtx(json_t *codecs, int clock_rate, int payload_type, int apt) {
    json_t *entry = json_object(), *parameters = json_object();
    bool ok = negotiate_put_text(entry, "kind", "video");

    ok &= negotiate_put_text(entry, "mimeType", "video/rtx");
    ok &= negotiate_put_whole(entry, "preferredPayloadType", payload_type);
    ok &= negotiate_put_whole(entry, "clockRate", clock_rate);
    ok &= negotiate_put_whole(parameters, "apt", apt);
    ok &= negotiate_put(entry, "parameters", parameters);
    ok &= negotiate_put(entry, "rtcpFeedback", json_array());
    ok &= negotiate_append(codecs, entry);
    return ok;
}

static bool append_routed_ext(json_t *list, enum media_ext ext, const char *kind, const char *direction) {
    if (direction == NULL)
        return true;
    json_t *entry = json_object();
    bool ok = negotiate_put_text(entry, "kind", kind);

    ok &= negotiate_put_text(entry, "uri", EXTENSIONS[ext].uri);
    ok &= negotiate_put_whole(entry, "preferredId", EXT_ROUTER_ID(ext));
    ok &= negotiate_put(entry, "preferredEncrypt", json_false());
    ok &= negotiate_put_text(entry, "direction", direction);
    ok &= negotiate_append(list, entry);
    return ok;
}

static int payload_type_after(int payload_type) {
    return payload_type == LAST_PAYLOAD_TYPE ? FIRST_PAYLOAD_TYPE_AGAIN : payload_type + 1;
}

json_t *negotiate_router_capabilities(void) {
    json_t *codecs = json_array(), *extensions = json_array(), *capabilities = json_object();
    int payload_type = FIRST_PAYLOAD_TYPE;
    bool ok = true;

    for (size_t i = 0; i < sizeof ROUTED / sizeof ROUTED[0]; i++) {
        int media_payload_type = payload_type;

        ok &= append_routed(codecs, &ROUTED[i], media_payload_type);
        payload_type = payload_type_after(payload_type);
        if (ROUTED[i].channels != 0)
            continue;
        ok &= append_routed_rtx(codecs, ROUTED[i].clock_rate, payload_type, media_payload_type);
        payload_type = payload_type_after(payload_type);
    }
    ok &= append_routed(codecs, &RED, RED_PAYLOAD_TYPE);
    for (enum media_ext ext = EXT_MID; ext < EXT_COUNT; ext++) {
        ok &= append_routed_ext(extensions, ext, "audio", EXTENSIONS[ext].audio);
        ok &= append_routed_ext(extensions, ext, "video", EXTENSIONS[ext].video);
    }
    ok &= negotiate_put(capabilities, "codecs", codecs);
    ok &= negotiate_put(capabilities, "headerExtensions", extensions);
    if (ok)
        return capabilities;
    json_decref(capabilities);
    return NULL;
}

// ---- names

const char *ext_uri(enum media_ext ext) {
    assert(ext > EXT_NONE && ext < EXT_COUNT);
    return EXTENSIONS[ext].uri;
}

enum media_ext ext_of_uri(const char *uri) {
    for (enum media_ext ext = EXT_MID; ext < EXT_COUNT; ext++) {
        if (strcmp(EXTENSIONS[ext].uri, uri) == 0)
            return ext;
    }
    return EXT_NONE;
}

bool codec_of_mime(const char *mime_type, enum media_codec *codec) {
    for (size_t i = 0; i < sizeof CODEC_NAMES / sizeof CODEC_NAMES[0]; i++) {
        if (strcasecmp(CODEC_NAMES[i].mime_type, mime_type) == 0) {
            *codec = CODEC_NAMES[i].codec;
            return true;
        }
    }
    return false;
}

bool mime_is_rtx(const char *mime_type) {
    const char *slash = strchr(mime_type, '/');

    return slash != NULL && strcasecmp(slash, "/rtx") == 0;
}

bool codec_is_rtx(const json_t *codec) {
    return mime_is_rtx(negotiate_text_member(codec, "mimeType"));
}

bool codec_is_red(const json_t *codec) {
    return strcasecmp(negotiate_text_member(codec, "mimeType"), RED.mime_type) == 0;
}

// ---- matching

// One codec parameter, strings and numbers apart, as JavaScript's === sees them. Absent, 0 and "" are
// `fallback`.
static bool parameter_equal(const json_t *a, const json_t *b, const char *key) {
    const json_t *values[2] = {json_object_get(a, key), json_object_get(b, key)};
    int64_t numbers[2] = {0, 0};
    const char *texts[2] = {"", ""};

    for (int i = 0; i < 2; i++) {
        if (json_is_string(values[i]))
            texts[i] = json_string_value(values[i]);
        else if (negotiate_is_given(values[i]) &&
                 !negotiate_whole_number(values[i], INT64_MIN, INT64_MAX, &numbers[i]))
            return false; // 0.5 is nobody's profile
    }
    return numbers[0] == numbers[1] && strcmp(texts[0], texts[1]) == 0;
}

// RFC 7798, 7.1: what is absent means `inferred`. Browsers give numbers; digits in a string are taken too.
static bool h265_number(const json_t *parameters, const char *key, int64_t inferred, int64_t *out) {
    const json_t *value = json_object_get(parameters, key);
    const char *text = json_string_value(value);

    if (text != NULL && text[0] >= '0' && text[0] <= '9' && text[1] == '\0') {
        *out = text[0] - '0';
        return true;
    }
    *out = inferred;
    return !negotiate_is_given(value) || negotiate_whole_number(value, 0, 31, out);
}

static bool h265_number_equal(const json_t *a, const json_t *b, const char *key, int64_t inferred) {
    int64_t of_a, of_b;

    return h265_number(a, key, inferred, &of_a) && h265_number(b, key, inferred, &of_b) && of_a == of_b;
}

static const char *h265_tx_mode(const json_t *parameters) {
    const char *text = negotiate_text_member(parameters, "tx-mode");

    return text[0] != '\0' ? text : "SRST"; // RFC 7798, 7.1: inferred
}

// The client compares H265 by its name alone, so a mismatch that we let pass would be a black picture. The
// level is no obstacle: what a receiver cannot decode at full size it says by other means.
static bool h265_match(const json_t *a, const json_t *b) {
    return h265_number_equal(a, b, "profile-id", 1) && h265_number_equal(a, b, "tier-flag", 0) &&
           strcasecmp(h265_tx_mode(a), h265_tx_mode(b)) == 0;
}

static bool parameters_match(const char *mime_type, const json_t *a, const json_t *b) {
    enum media_codec codec;

    if (!codec_of_mime(mime_type, &codec))
        return true;
    switch (codec) {
    case CODEC_H264:
        return parameter_equal(a, b, "packetization-mode") && h264_same_profile(a, b);
    case CODEC_VP9:
        return parameter_equal(a, b, "profile-id");
    case CODEC_H265:
        return h265_match(a, b);
    case CODEC_OPUS:
    case CODEC_VP8:
    case CODEC_AV1:
        break;
    }
    return true;
}

bool codecs_match(const json_t *a, const json_t *b) {
    const char *mime_a = negotiate_text_member(a, "mimeType"), *mime_b = negotiate_text_member(b, "mimeType");

    return mime_a[0] != '\0' && strcasecmp(mime_a, mime_b) == 0 &&
           negotiate_whole_member(a, "clockRate", CLOCK_RATE_LAST_HZ) ==
               negotiate_whole_member(b, "clockRate", CLOCK_RATE_LAST_HZ) &&
           negotiate_whole_member(a, "channels", CHANNELS_LAST) ==
               negotiate_whole_member(b, "channels", CHANNELS_LAST) &&
           parameters_match(mime_a, json_object_get(a, "parameters"), json_object_get(b, "parameters"));
}

const json_t *codec_matching(const json_t *codecs, const json_t *codec) {
    for (size_t i = 0; i < json_array_size(codecs); i++) {
        const json_t *candidate = json_array_get(codecs, i);

        if (codecs_match(codec, candidate))
            return candidate;
    }
    return NULL;
}

const json_t *codec_rtx_of(const json_t *codecs, int64_t payload_type) {
    for (size_t i = 0; i < json_array_size(codecs); i++) {
        const json_t *codec = json_array_get(codecs, i);

        if (payload_type >= 0 && codec_is_rtx(codec) &&
            negotiate_whole_member(json_object_get(codec, "parameters"), "apt", PAYLOAD_TYPE_LAST) ==
                payload_type)
            return codec;
    }
    return NULL;
}

const json_t *codec_first_media(const json_t *codecs) {
    for (size_t i = 0; i < json_array_size(codecs); i++) {
        const json_t *codec = json_array_get(codecs, i);

        if (!codec_is_rtx(codec) && !codec_is_red(codec))
            return codec;
    }
    return NULL;
}

const json_t *codec_first_red(const json_t *codecs) {
    for (size_t i = 0; i < json_array_size(codecs); i++) {
        if (codec_is_red(json_array_get(codecs, i)))
            return json_array_get(codecs, i);
    }
    return NULL;
}
