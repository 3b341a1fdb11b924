// Reading.
#include "load/signal_text.h"

#include <assert.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const struct type_name {
    const char *name;
    enum signal_type type;
} type_names[] = {
    {"error", SIGNAL_ERROR},
    {"joined", SIGNAL_JOINED},
    {"webRtcTransportCreated", SIGNAL_TRANSPORT_CREATED},
    {"transport-connected", SIGNAL_TRANSPORT_CONNECTED},
    {"produced", SIGNAL_PRODUCED},
    {"consumed", SIGNAL_CONSUMED},
    {"new-producer", SIGNAL_NEW_PRODUCER},
    {"producer-closed", SIGNAL_PRODUCER_CLOSED},
    {"producer-paused", SIGNAL_PRODUCER_PAUSED},
    {"producer-resumed", SIGNAL_PRODUCER_RESUMED},
    {"consumer-closed", SIGNAL_CONSUMER_CLOSED},
    {"consumer-paused", SIGNAL_CONSUMER_PAUSED},
    {"consumer-resumed", SIGNAL_CONSUMER_RESUMED},
    {"producer-layers-wanted", SIGNAL_LAYERS_WANTED},
};

static const char *const ext_uris[EXT_COUNT] = {
    [EXT_MID] = "urn:ietf:params:rtp-hdrext:sdes:mid",
    [EXT_RID] = "urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id",
    [EXT_REPAIRED_RID] = "urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id",
    [EXT_ABS_SEND_TIME] = "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time",
    [EXT_TRANSPORT_CC] = "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01",
    [EXT_AUDIO_LEVEL] = "urn:ietf:params:rtp-hdrext:ssrc-audio-level",
};

static const char *text_at(const json_t *object, const char *key) {
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : "";
}

// A whole number from 0 to `high`, or -1.
static int64_t number_at(const json_t *object, const char *key, int64_t high) {
    const json_t *value = json_object_get(object, key);
    json_int_t number = json_is_integer(value) ? json_integer_value(value) : -1;
    return number >= 0 && number <= high ? number : -1;
}

static bool copy_text(char *out, size_t cap, const char *text) {
    size_t len = strlen(text);
    if (len == 0 || len >= cap)
        return false;
    memcpy(out, text, len + 1);
    return true;
}

static const json_t *data_of(const struct signal_message *message) {
    return json_object_get(message->root, "data");
}

enum err signal_message_open(const char *text, size_t len, struct signal_message *out) {
    *out = (struct signal_message){
        .root = json_loadb(text, len, 0, NULL), .error_code = "", .error_text = "", .error_request = ""};
    const char *type = text_at(out->root, "type");
    if (type[0] == '\0') {
        signal_message_close(out);
        return ERR_MALFORMED;
    }
    for (size_t i = 0; i < sizeof type_names / sizeof type_names[0]; i++)
        if (strcmp(type_names[i].name, type) == 0)
            out->type = type_names[i].type;
    if (out->type == SIGNAL_ERROR) {
        out->error_code = text_at(data_of(out), "code");
        out->error_text = text_at(data_of(out), "message");
        out->error_request = text_at(data_of(out), "request");
    }
    return ERR_OK;
}

void signal_message_close(struct signal_message *message) {
    json_decref(message->root);
    message->root = NULL;
}

const char *signal_text_of(const struct signal_message *message, const char *key) {
    return text_at(data_of(message), key);
}

int signal_layer_of(const struct signal_message *message) {
    return (int)number_at(data_of(message), "spatialLayer", 7);
}

// ---- codecs and extensions

static bool codec_of_name(const char *mime, enum media_codec *out) {
    static const struct {
        const char *mime;
        enum media_codec codec;
    } names[] = {{"audio/opus", CODEC_OPUS}, {"video/VP8", CODEC_VP8}, {"video/VP9", CODEC_VP9},
                 {"video/H264", CODEC_H264}, {"video/AV1", CODEC_AV1}, {"video/H265", CODEC_H265}};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strcasecmp(names[i].mime, mime) == 0) {
            *out = names[i].codec;
            return true;
        }
    return false;
}

static enum media_ext ext_of_uri(const char *uri) {
    for (enum media_ext ext = EXT_MID; ext < EXT_COUNT; ext++)
        if (ext_uris[ext] && strcmp(ext_uris[ext], uri) == 0)
            return ext;
    return EXT_NONE;
}

const char *signal_ext_uri(enum media_ext ext) {
    return ext_uris[ext];
}

// The payload type of the RTX codec for `payload_type` in a list; `key` names the member that has it.
static uint8_t rtx_of(const json_t *codecs, const char *key, int64_t payload_type) {
    size_t i;
    json_t *item;
    json_array_foreach(codecs, i, item) {
        int64_t rtx = number_at(item, key, 127);
        if (strcasecmp(text_at(item, "mimeType"), "video/rtx") == 0 && rtx >= 0 &&
            number_at(json_object_get(item, "parameters"), "apt", 127) == payload_type)
            return (uint8_t)rtx;
    }
    return PAYLOAD_TYPE_NONE;
}

static void read_router_exts(const json_t *list, struct router *out) {
    size_t i;
    json_t *item;
    json_array_foreach(list, i, item) {
        enum media_ext ext = ext_of_uri(text_at(item, "uri"));
        int64_t id = number_at(item, "preferredId", 14); // the one-byte form
        struct ext_ids *ids = strcmp(text_at(item, "kind"), "audio") == 0 ? &out->audio_ext : &out->video_ext;
        if (ext != EXT_NONE && id > 0)
            ids->ids[ext] = (uint8_t)id;
    }
}

enum err signal_read_router(const struct signal_message *message, struct router *out) {
    const json_t *caps = json_object_get(data_of(message), "routerRtpCapabilities");
    const json_t *codecs = json_object_get(caps, "codecs");
    *out = (struct router){0};
    size_t i;
    json_t *item;
    json_array_foreach(codecs, i, item) {
        struct signal_codec codec = {.rtx_payload_type = PAYLOAD_TYPE_NONE};
        int64_t payload_type = number_at(item, "preferredPayloadType", 127);
        if (payload_type < 0 || !codec_of_name(text_at(item, "mimeType"), &codec.codec) ||
            out->codec_count == SIGNAL_CODECS_MAX || router_codec(out, codec.codec))
            continue;
        codec.payload_type = (uint8_t)payload_type;
        codec.rtx_payload_type = rtx_of(codecs, "preferredPayloadType", payload_type);
        out->codecs[out->codec_count++] = codec;
    }
    if (out->codec_count == 0)
        return ERR_MALFORMED;
    read_router_exts(json_object_get(caps, "headerExtensions"), out);
    out->capabilities = json_dumps(caps, JSON_COMPACT);
    return out->capabilities ? ERR_OK : ERR_NO_MEMORY;
}

void router_free(struct router *router) {
    free(router->capabilities);
    router->capabilities = NULL;
}

const struct signal_codec *router_codec(const struct router *router, enum media_codec codec) {
    for (unsigned i = 0; i < router->codec_count; i++)
        if (router->codecs[i].codec == codec)
            return &router->codecs[i];
    return NULL;
}

// ---- producers

static bool kind_at(const json_t *object, enum media_kind *out) {
    const char *kind = text_at(object, "kind");
    *out = strcmp(kind, "video") == 0 ? MEDIA_VIDEO : MEDIA_AUDIO;
    return *out == MEDIA_VIDEO || strcmp(kind, "audio") == 0;
}

static enum err read_producer(const json_t *object, struct producer_info *out) {
    *out = (struct producer_info){.paused = json_is_true(json_object_get(object, "paused"))};
    if (!kind_at(object, &out->kind) || !copy_text(out->id, sizeof out->id, text_at(object, "producerId"))) {
        out->id[0] = '\0';
        return ERR_MALFORMED;
    }
    return ERR_OK;
}

bool signal_read_listed_producer(const struct signal_message *message, unsigned i,
                                 struct producer_info *out) {
    const json_t *item = json_array_get(json_object_get(data_of(message), "producers"), i);
    if (!item)
        return false;
    (void)!read_producer(item, out); // says so by an empty id
    return true;
}

enum err signal_read_new_producer(const struct signal_message *message, struct producer_info *out) {
    return read_producer(data_of(message), out);
}

// ---- transports

static bool read_addresses(const json_t *candidates, struct remote_transport *out) {
    size_t i;
    json_t *item;
    json_array_foreach(candidates, i, item) {
        const char *ip = text_at(item, "ip");
        int64_t port = number_at(item, "port", 65535);
        if (ip[0] == '\0')
            ip = text_at(item, "address");
        bool tcp = strcasecmp(text_at(item, "protocol"), "tcp") == 0;
        struct addr *list = tcp ? out->offered_tcp : out->offered;
        unsigned *count = tcp ? &out->offered_tcp_count : &out->offered_count;
        if ((tcp || strcasecmp(text_at(item, "protocol"), "udp") == 0) && port > 0 &&
            *count < SIGNAL_ADDRESSES_MAX && addr_parse(ip, (uint16_t)port, &list[*count]) == ERR_OK)
            ++*count;
    }
    return out->offered_count + out->offered_tcp_count > 0;
}

static int hex_digit(char c) {
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
                                  : -1;
}

// RFC 8122, section 5: pairs of hexadecimal digits with colons between.
static bool read_hex(const char *text, uint8_t *out, size_t len) {
    if (strlen(text) != 3 * len - 1)
        return false;
    for (size_t i = 0; i < len; i++) {
        int high = hex_digit(text[3 * i]), low = hex_digit(text[3 * i + 1]);
        if (high < 0 || low < 0 || (i + 1 < len && text[3 * i + 2] != ':'))
            return false;
        out[i] = (uint8_t)(high << 4 | low);
    }
    return true;
}

static bool read_fingerprint(const json_t *dtls, struct fingerprint *out) {
    static const struct {
        const char *name;
        enum fingerprint_hash hash;
        uint8_t len;
    } hashes[] = {{"sha-256", FINGERPRINT_SHA256, 32},
                  {"sha-384", FINGERPRINT_SHA384, 48},
                  {"sha-512", FINGERPRINT_SHA512, 64}};
    const json_t *list = json_object_get(dtls, "fingerprints");
    size_t i;
    json_t *item;
    json_array_foreach(list, i, item) {
        for (size_t k = 0; k < sizeof hashes / sizeof hashes[0]; k++) {
            if (strcasecmp(text_at(item, "algorithm"), hashes[k].name) != 0)
                continue;
            out->hash = hashes[k].hash;
            out->len = hashes[k].len;
            if (read_hex(text_at(item, "value"), out->bytes, out->len))
                return true;
        }
    }
    return false;
}

enum err signal_read_transport(const struct signal_message *message, struct remote_transport *out) {
    const json_t *data = data_of(message), *ice = json_object_get(data, "iceParameters");
    *out = (struct remote_transport){.send = strcmp(text_at(data, "direction"), "send") == 0};
    if (!copy_text(out->id, sizeof out->id, text_at(data, "id")) ||
        !copy_text(out->ufrag, sizeof out->ufrag, text_at(ice, "usernameFragment")) ||
        !copy_text(out->pwd, sizeof out->pwd, text_at(ice, "password")) ||
        !read_addresses(json_object_get(data, "iceCandidates"), out) ||
        !read_fingerprint(json_object_get(data, "dtlsParameters"), &out->fingerprint))
        return ERR_MALFORMED;
    return ERR_OK;
}

// ---- consumers

static void read_feedback(const json_t *codec, struct consumed *out) {
    size_t i;
    json_t *item;
    json_array_foreach(json_object_get(codec, "rtcpFeedback"), i, item) {
        const char *type = text_at(item, "type"), *parameter = text_at(item, "parameter");
        out->nack |= strcmp(type, "nack") == 0 && parameter[0] == '\0';
        out->pli |= strcmp(type, "nack") == 0 && strcmp(parameter, "pli") == 0;
        out->transport_cc |= strcmp(type, "transport-cc") == 0;
    }
}

static void read_exts(const json_t *list, struct ext_ids *out) {
    size_t i;
    json_t *item;
    json_array_foreach(list, i, item) {
        enum media_ext ext = ext_of_uri(text_at(item, "uri"));
        int64_t id = number_at(item, "id", 255);
        if (ext != EXT_NONE && id > 0)
            out->ids[ext] = (uint8_t)id;
    }
}

static bool read_parameters(const json_t *parameters, struct consumed *out) {
    const json_t *codecs = json_object_get(parameters, "codecs"), *codec = json_array_get(codecs, 0);
    const json_t *encoding = json_array_get(json_object_get(parameters, "encodings"), 0);
    int64_t payload_type = number_at(codec, "payloadType", 127),
            clock_rate = number_at(codec, "clockRate", 1000000);
    int64_t ssrc = number_at(encoding, "ssrc", UINT32_MAX);
    int64_t rtx_ssrc = number_at(json_object_get(encoding, "rtx"), "ssrc", UINT32_MAX);
    if (payload_type < 0 || clock_rate <= 0 || ssrc <= 0 ||
        !codec_of_name(text_at(codec, "mimeType"), &out->codec))
        return false;
    out->payload_type = (uint8_t)payload_type;
    out->clock_rate = (uint32_t)clock_rate;
    out->ssrc = (uint32_t)ssrc;
    out->rtx_payload_type = rtx_of(codecs, "payloadType", payload_type);
    out->rtx_ssrc = rtx_ssrc > 0 && out->rtx_payload_type != PAYLOAD_TYPE_NONE ? (uint32_t)rtx_ssrc : 0;
    const char *mid = text_at(parameters, "mid");
    if (mid[0] && !copy_text(out->mid, sizeof out->mid, mid))
        return false;
    read_feedback(codec, out);
    read_exts(json_object_get(parameters, "headerExtensions"), &out->ext);
    return true;
}

enum err signal_read_consumed(const struct signal_message *message, struct consumed *out) {
    const json_t *data = data_of(message);
    *out = (struct consumed){.rtx_payload_type = PAYLOAD_TYPE_NONE,
                             .paused = json_is_true(json_object_get(data, "paused")),
                             .producer_paused = json_is_true(json_object_get(data, "producerPaused"))};
    const char *id = text_at(data, "id");
    if (!copy_text(out->id, sizeof out->id, id) ||
        !copy_text(out->producer_id, sizeof out->producer_id, text_at(data, "producerId")) ||
        !kind_at(data, &out->kind) || !read_parameters(json_object_get(data, "rtpParameters"), out))
        return ERR_MALFORMED;
    bool video = out->codec != CODEC_OPUS;
    return video == (out->kind == MEDIA_VIDEO) ? ERR_OK : ERR_MALFORMED;
}
