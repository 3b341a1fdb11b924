// From checked JSON to the plain structs of the packet path.
#include "rooms/negotiate_internal.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

// ---- scalability modes: W3C "Scalable Video Coding (SVC) Extension for WebRTC", 5.1

// One or two digits, the first not 0; 0 when there are none. Moves *text behind them.
static uint8_t layer_count(const char **text) {
    uint8_t count = 0;

    for (int digits = 0; digits < 2 && **text >= '0' && **text <= '9'; digits++) {
        if (digits == 0 && **text == '0')
            return 0;
        count = (uint8_t)(count * 10 + (**text - '0'));
        (*text)++;
    }
    return count;
}

struct layers layers_of_mode(const char *scalability_mode) {
    const struct layers one = {1, 1};
    const char *rest = scalability_mode;

    if (*rest != 'L' && *rest != 'S')
        return one;
    rest++;
    uint8_t spatial = layer_count(&rest);
    if (spatial == 0 || *rest != 'T')
        return one;
    rest++;
    uint8_t temporal = layer_count(&rest);
    return temporal == 0 ? one : (struct layers){spatial, temporal};
}

// ---- the type of a producer

static bool codec_sent(const json_t *parameters, enum media_codec *codec) {
    return codec_of_mime(
        negotiate_text_member(codec_first_media(json_object_get(parameters, "codecs")), "mimeType"), codec);
}

// The most layers of any one encoding. Audio has no layers, and of H265's the temporal ones alone are told
// apart.
static struct layers layers_of_producer(enum media_kind kind, const json_t *parameters) {
    const json_t *encodings = json_object_get(parameters, "encodings");
    struct layers most = {1, 1};
    enum media_codec codec;

    if (kind == MEDIA_AUDIO || !codec_sent(parameters, &codec))
        return most;
    for (size_t i = 0; i < json_array_size(encodings); i++) {
        struct layers layers =
            layers_of_mode(negotiate_text_member(json_array_get(encodings, i), "scalabilityMode"));

        if (codec != CODEC_H265)
            most.spatial = layers.spatial > most.spatial ? layers.spatial : most.spatial;
        most.temporal = layers.temporal > most.temporal ? layers.temporal : most.temporal;
    }
    return most;
}

const char *negotiate_producer_type(enum media_kind kind, const json_t *parameters, struct refusal *refusal) {
    size_t count = json_array_size(json_object_get(parameters, "encodings"));
    struct layers layers = layers_of_producer(kind, parameters);

    assert(refusal != NULL);
    *refusal = (struct refusal){.code = ERR_OK};
    if (count > 1 && kind == MEDIA_AUDIO) {
        negotiate_refuse(refusal, ERR_UNSUPPORTED, "%zu encodings: an audio producer has one", count);
        return NULL;
    }
    if (count > 1 && layers.spatial > 1) {
        negotiate_refuse(
            refusal, ERR_UNSUPPORTED,
            "cannot use both simulcast (%zu encodings) and encodings with %u spatial layers: use one of "
            "them",
            count, (unsigned)layers.spatial);
        return NULL;
    }
    if (count > 1)
        return "simulcast";
    return layers.spatial > 1 || layers.temporal > 1 ? "svc" : "simple";
}

// ---- shared by producers and consumers

struct feedback_flags {
    bool nack, pli, fir, transport_cc, ccfb, remb;
};

static struct feedback_flags feedback_of(const json_t *codec) {
    const json_t *list = json_object_get(codec, "rtcpFeedback");
    struct feedback_flags flags = {0};

    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *type = negotiate_text_member(json_array_get(list, i), "type");
        const char *parameter = negotiate_text_member(json_array_get(list, i), "parameter");

        flags.nack |= strcmp(type, "nack") == 0 && parameter[0] == '\0';
        flags.pli |= strcmp(type, "nack") == 0 && strcmp(parameter, "pli") == 0;
        flags.fir |= strcmp(type, "ccm") == 0 && strcmp(parameter, "fir") == 0;
        flags.transport_cc |= strcmp(type, "transport-cc") == 0;
        flags.ccfb |= strcmp(type, "ack") == 0 && strcmp(parameter, "ccfb") == 0;
        flags.remb |= strcmp(type, "goog-remb") == 0;
    }
    return flags;
}

static struct ext_ids ext_ids_of(const json_t *extensions) {
    struct ext_ids ids = {{0}};

    for (size_t i = 0; i < json_array_size(extensions); i++) {
        const json_t *item = json_array_get(extensions, i);
        enum media_ext ext = ext_of_uri(negotiate_text_member(item, "uri"));
        int64_t id = negotiate_whole_member(item, "id", EXT_ID_LAST);

        if (ext != EXT_NONE && id > 0)
            ids.ids[ext] = (uint8_t)id;
    }
    return ids;
}

static bool copy_text(char *out, size_t size, const char *text) {
    size_t len = strlen(text);

    if (len >= size)
        return false;
    memcpy(out, text, len + 1);
    return true;
}

// The codec that is sent: its payload type, clock rate, RTX, and redundant audio of it (0: none).
struct sent_codec {
    uint8_t payload_type, rtx_payload_type, red_payload_type;
    uint32_t clock_rate;
};

static bool sent_codec_of(const json_t *codecs, struct sent_codec *out) {
    const json_t *codec = codec_first_media(codecs);
    int64_t payload_type = negotiate_whole_member(codec, "payloadType", PAYLOAD_TYPE_LAST);
    int64_t clock_rate = negotiate_whole_member(codec, "clockRate", CLOCK_RATE_LAST_HZ);
    int64_t rtx =
        negotiate_whole_member(codec_rtx_of(codecs, payload_type), "payloadType", PAYLOAD_TYPE_LAST);

    int64_t red = negotiate_whole_member(codec_first_red(codecs), "payloadType", PAYLOAD_TYPE_LAST);

    if (payload_type < 0 || clock_rate <= 0)
        return false;
    *out = (struct sent_codec){(uint8_t)payload_type, rtx >= 0 ? (uint8_t)rtx : PAYLOAD_TYPE_NONE,
                               red > 0 ? (uint8_t)red : 0, (uint32_t)clock_rate};
    return true;
}

static uint32_t ssrc_of(const json_t *object) {
    int64_t ssrc = negotiate_whole_member(object, "ssrc", UINT32_MAX);

    return ssrc > 0 ? (uint32_t)ssrc : 0;
}

static enum err malformed(struct refusal *refusal, const char *what) {
    negotiate_refuse(refusal, ERR_MALFORMED, "%s", what);
    return ERR_MALFORMED;
}

// ---- producers

static bool wants_dtx(const json_t *parameters) {
    const json_t *codec = codec_first_media(json_object_get(parameters, "codecs"));
    const json_t *encodings = json_object_get(parameters, "encodings");

    // RFC 7587, 6.1: usedtx.
    if (negotiate_whole_member(json_object_get(codec, "parameters"), "usedtx", 1) == 1)
        return true;
    for (size_t i = 0; i < json_array_size(encodings); i++) {
        if (json_is_true(json_object_get(json_array_get(encodings, i), "dtx")))
            return true;
    }
    return false;
}

static bool streams_of(const json_t *encodings, struct producer_params *out) {
    size_t count = json_array_size(encodings);

    if (count == 0 || count > STREAMS_MAX)
        return false;
    out->stream_count = (uint8_t)count;
    for (size_t i = 0; i < count; i++) {
        const json_t *encoding = json_array_get(encodings, i);
        struct stream_params *stream = &out->streams[i];

        stream->ssrc = ssrc_of(encoding);
        if (out->rtx_payload_type != PAYLOAD_TYPE_NONE)
            stream->rtx_ssrc = ssrc_of(json_object_get(encoding, "rtx"));
        if (!copy_text(stream->rid, sizeof stream->rid, negotiate_text_member(encoding, "rid")))
            return false;
    }
    return true;
}

// Feedback counts only with the header extension that it reports about; that of RFC 8888 needs none. Who
// negotiated both gets that of which his packets have the number (forwarder_rtp.c).
static void feedback_into(struct producer_params *out, const json_t *codecs) {
    struct feedback_flags flags = feedback_of(codec_first_media(codecs));

    out->nack = flags.nack;
    out->pli = flags.pli;
    out->fir = flags.fir;
    out->ccfb = flags.ccfb;
    out->transport_cc = flags.transport_cc && out->ext.ids[EXT_TRANSPORT_CC] != 0;
    out->remb = flags.remb && !out->ccfb && !out->transport_cc;
}

enum err negotiate_producer_params(enum media_kind kind, const json_t *parameters,
                                   struct producer_params *out, struct refusal *refusal) {
    const json_t *codecs = json_object_get(parameters, "codecs");
    struct producer_params params = {.kind = kind};
    struct sent_codec sent;

    assert(out != NULL && refusal != NULL);
    *refusal = (struct refusal){.code = ERR_OK};
    if (!codec_sent(parameters, &params.codec)) {
        negotiate_refuse(refusal, ERR_UNSUPPORTED, "this server does not route %.64s",
                         negotiate_text_member(codec_first_media(codecs), "mimeType"));
        return ERR_UNSUPPORTED;
    }
    if (!sent_codec_of(codecs, &sent))
        return malformed(refusal, "the first media codec lacks its payloadType or clockRate");
    params.payload_type = sent.payload_type;
    params.rtx_payload_type = sent.rtx_payload_type;
    params.red_payload_type = kind == MEDIA_AUDIO ? sent.red_payload_type : 0;
    params.clock_rate = sent.clock_rate;
    if (!streams_of(json_object_get(parameters, "encodings"), &params))
        return malformed(refusal, "encodings are missing, too many, or have a rid that is too long");
    if (!copy_text(params.mid, sizeof params.mid, negotiate_text_member(parameters, "mid")))
        return malformed(refusal, "mid is too long");
    if (negotiate_producer_type(kind, parameters, refusal) == NULL)
        return refusal->code;
    params.ext = ext_ids_of(json_object_get(parameters, "headerExtensions"));
    feedback_into(&params, codecs);
    params.dtx = kind == MEDIA_AUDIO && wants_dtx(parameters);
    struct layers layers = layers_of_producer(kind, parameters);
    params.spatial_layers = layers.spatial;
    params.temporal_layers = layers.temporal;
    *out = params;
    return ERR_OK;
}

// ---- consumers

// An id that is not the router's cannot be in what we made ourselves, and would not be written as such.
static struct ext_ids router_ids_only(struct ext_ids ids) {
    for (enum media_ext ext = EXT_MID; ext < EXT_COUNT; ext++) {
        if (ids.ids[ext] != EXT_ROUTER_ID(ext))
            ids.ids[ext] = 0;
    }
    return ids;
}

enum err negotiate_consumer_params(enum media_kind kind, const json_t *consumer_parameters,
                                   struct consumer_params *out, struct refusal *refusal) {
    const json_t *codecs = json_object_get(consumer_parameters, "codecs");
    const json_t *encoding = json_array_get(json_object_get(consumer_parameters, "encodings"), 0);
    const char *cname = negotiate_text_member(json_object_get(consumer_parameters, "rtcp"), "cname");
    struct consumer_params params = {.kind = kind};
    struct sent_codec sent;

    assert(out != NULL && refusal != NULL);
    *refusal = (struct refusal){.code = ERR_OK};
    if (!sent_codec_of(codecs, &sent))
        return malformed(refusal, "consumer without a media codec");
    params.payload_type = sent.payload_type;
    params.rtx_payload_type = sent.rtx_payload_type;
    params.red_payload_type = kind == MEDIA_AUDIO ? sent.red_payload_type : 0;
    params.clock_rate = sent.clock_rate;
    params.ssrc = ssrc_of(encoding);
    if (params.ssrc == 0)
        return malformed(refusal, "consumer without an ssrc");
    params.rtx_ssrc = ssrc_of(json_object_get(encoding, "rtx"));
    if (params.rtx_ssrc == 0 || params.rtx_payload_type == PAYLOAD_TYPE_NONE) {
        params.rtx_ssrc = 0;
        params.rtx_payload_type = PAYLOAD_TYPE_NONE;
    }
    if (!copy_text(params.mid, sizeof params.mid, negotiate_text_member(consumer_parameters, "mid")))
        return malformed(refusal, "mid is too long");
    if (!copy_text(params.cname, sizeof params.cname, cname))
        return malformed(refusal, "rtcp.cname is too long");
    params.ext = router_ids_only(ext_ids_of(json_object_get(consumer_parameters, "headerExtensions")));
    struct feedback_flags flags = feedback_of(codec_first_media(codecs));
    params.nack = flags.nack;
    params.pli = flags.pli;
    params.fir = flags.fir;
    *out = params;
    return ERR_OK;
}
