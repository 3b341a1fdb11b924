// Writing: requests, in the form that the npm package mediasoup-client 3 gives.
#include "load/signal_text.h"

#include "rtp/codec.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

static char *dump(json_t *root) {
    char *text = root ? json_dumps(root, JSON_COMPACT) : NULL;
    json_decref(root);
    return text;
}

char *signal_write_join(const char *room, const char *username, const char *token) {
    json_t *root =
        json_pack("{s:s, s:{s:s, s:s}}", "type", "join-room", "data", "roomId", room, "username", username);
    if (root && token[0])
        json_object_set_new(json_object_get(root, "data"), "token", json_string(token));
    return dump(root);
}

char *signal_write_plain(const char *type, const char *key, const char *value) {
    if (!key)
        return dump(json_pack("{s:s, s:{}}", "type", type, "data"));
    return dump(json_pack("{s:s, s:{s:s}}", "type", type, "data", key, value));
}

char *signal_write_connect(const char *transport_id, const char *fingerprint) {
    return dump(json_pack("{s:s, s:{s:s, s:{s:s, s:[{s:s, s:s}]}}}", "type", "connect-transport", "data",
                          "transportId", transport_id, "dtlsParameters", "role", "client", "fingerprints",
                          "algorithm", "sha-256", "value", fingerprint));
}

char *signal_write_consume(const char *producer_id, const char *capabilities) {
    json_t *root =
        json_pack("{s:s, s:{s:s, s:b}}", "type", "consume", "data", "producerId", producer_id, "paused", 1);
    if (root && capabilities)
        json_object_set_new(json_object_get(root, "data"), "rtpCapabilities",
                            json_loads(capabilities, 0, NULL));
    return dump(root);
}

// ---- produce

static json_t *feedback(bool video) {
    if (video)
        return json_pack("[{s:s,s:s},{s:s,s:s},{s:s,s:s},{s:s,s:s}]", "type", "transport-cc", "parameter", "",
                         "type", "nack", "parameter", "", "type", "nack", "parameter", "pli", "type", "ccm",
                         "parameter", "fir");
    return json_pack("[{s:s,s:s}]", "type", "transport-cc", "parameter", "");
}

static json_t *codec_parameters(const struct offer *offer) {
    switch (offer->codec.codec) {
    case CODEC_OPUS:
        return json_pack("{s:i, s:i, s:i}", "minptime", 10, "useinbandfec", 1, "usedtx", offer->dtx ? 1 : 0);
    case CODEC_VP9:
        return json_pack("{s:i}", "profile-id", 0);
    case CODEC_H264:
        return json_pack("{s:i, s:i, s:s}", "packetization-mode", 1, "level-asymmetry-allowed", 1,
                         "profile-level-id", "42e01f");
    case CODEC_VP8:
    case CODEC_AV1:
    case CODEC_H265:
        break;
    }
    return json_object();
}

static json_t *codecs(const struct offer *offer) {
    bool video = offer->kind == MEDIA_VIDEO;
    json_t *list = json_array();
    json_t *media =
        json_pack("{s:s, s:i, s:i, s:o, s:o}", "mimeType", codec_mime(offer->codec.codec), "payloadType",
                  (int)offer->codec.payload_type, "clockRate", video ? 90000 : 48000, "parameters",
                  codec_parameters(offer), "rtcpFeedback", feedback(video));
    if (!video && media)
        json_object_set_new(media, "channels", json_integer(2));
    json_array_append_new(list, media);
    if (offer->codec.rtx_payload_type != PAYLOAD_TYPE_NONE)
        json_array_append_new(list,
                              json_pack("{s:s, s:i, s:i, s:{s:i}, s:[]}", "mimeType", "video/rtx",
                                        "payloadType", (int)offer->codec.rtx_payload_type, "clockRate", 90000,
                                        "parameters", "apt", (int)offer->codec.payload_type, "rtcpFeedback"));
    return list;
}

static json_t *extensions(const struct offer *offer) {
    json_t *list = json_array();
    for (enum media_ext ext = EXT_MID; ext < EXT_COUNT; ext++)
        if (offer->ext.ids[ext] && signal_ext_uri(ext))
            json_array_append_new(list, json_pack("{s:s, s:i, s:b, s:{}}", "uri", signal_ext_uri(ext), "id",
                                                  (int)offer->ext.ids[ext], "encrypt", 0, "parameters"));
    return list;
}

static json_t *encodings(const struct offer *offer) {
    json_t *list = json_array();
    for (unsigned i = 0; i < offer->stream_count; i++) {
        const struct offered_stream *s = &offer->streams[i];
        json_t *item = json_pack("{s:b}", "dtx", offer->dtx);
        // As browsers do: several streams are told apart by their RIDs alone.
        if (offer->stream_count > 1)
            json_object_set_new(item, "rid", json_string(s->rid));
        else
            json_object_set_new(item, "ssrc", json_integer(s->ssrc));
        if (offer->stream_count == 1 && s->rtx_ssrc)
            json_object_set_new(item, "rtx", json_pack("{s:I}", "ssrc", (json_int_t)s->rtx_ssrc));
        if (offer->kind == MEDIA_VIDEO) {
            char mode[8];
            snprintf(mode, sizeof mode, "L1T%u", offer->temporal_layers);
            json_object_set_new(item, "scalabilityMode", json_string(mode));
            json_object_set_new(item, "maxBitrate", json_integer(s->bitrate_bps));
        }
        json_array_append_new(list, item);
    }
    return list;
}

char *signal_write_produce(const struct offer *offer) {
    return dump(json_pack("{s:s, s:{s:s, s:s, s:{s:s, s:o, s:o, s:o, s:{s:s, s:b}}}}", "type", "produce",
                          "data", "transportId", offer->transport_id, "kind",
                          offer->kind == MEDIA_VIDEO ? "video" : "audio", "rtpParameters", "mid", offer->mid,
                          "codecs", codecs(offer), "headerExtensions", extensions(offer), "encodings",
                          encodings(offer), "rtcp", "cname", offer->cname, "reducedSize", 1));
}
