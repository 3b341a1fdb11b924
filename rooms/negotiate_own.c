// Peers that choose their numbers themselves, as those do whose offer is answered: which of the router's
// codecs and extensions theirs are, and a consumer under their numbers.
#include "rooms/negotiate_internal.h"

#include <assert.h>
#include <string.h>

const json_t *negotiate_routed_codec(const json_t *router_capabilities, const json_t *codec) {
    return codec_matching(json_object_get(router_capabilities, "codecs"), codec);
}

enum media_ext negotiate_routed_ext(const json_t *router_capabilities, enum media_kind kind, const char *uri,
                                    bool to_receiver) {
    const json_t *routed = json_object_get(router_capabilities, "headerExtensions");

    for (size_t i = 0; i < json_array_size(routed); i++) {
        const json_t *ext = json_array_get(routed, i);
        bool sent = strcmp(negotiate_text_member(ext, "direction"), "recvonly") != 0;

        if (strcmp(negotiate_text_member(ext, "uri"), uri) == 0 &&
            strcmp(negotiate_text_member(ext, "kind"), media_kind_name(kind)) == 0 && (sent || !to_receiver))
            return ext_of_uri(uri);
    }
    return EXT_NONE;
}

static int64_t own_payload_type(const json_t *codec) {
    return negotiate_whole_member(codec, "preferredPayloadType", PAYLOAD_TYPE_LAST);
}

enum err negotiate_own_numbers(const json_t *capabilities, const json_t *consumer_parameters,
                               const struct own_numbers *numbers, struct consumer_params *params,
                               struct refusal *refusal) {
    const json_t *theirs = json_object_get(capabilities, "codecs");
    const json_t *sent = codec_first_media(json_object_get(consumer_parameters, "codecs"));
    int64_t payload_type = own_payload_type(codec_matching(theirs, sent));
    int64_t rtx = own_payload_type(codec_rtx_of(theirs, payload_type));
    size_t mid_len = strlen(numbers->mid);

    assert(refusal != NULL);
    if (payload_type < 0) {
        negotiate_refuse(refusal, ERR_UNSUPPORTED, "no payload type was offered for %.64s",
                         negotiate_text_member(sent, "mimeType"));
        return ERR_UNSUPPORTED;
    }
    params->payload_type = (uint8_t)payload_type;
    if (params->red_payload_type != 0) {
        int64_t red = own_payload_type(codec_first_red(theirs));

        params->red_payload_type = red > 0 ? (uint8_t)red : 0;
    }
    if (rtx < 0 || params->rtx_payload_type == PAYLOAD_TYPE_NONE) {
        params->rtx_payload_type = PAYLOAD_TYPE_NONE;
        params->rtx_ssrc = 0;
    } else {
        params->rtx_payload_type = (uint8_t)rtx;
    }
    for (enum media_ext ext = EXT_NONE; ext < EXT_COUNT; ext++) {
        bool negotiated = params->ext.ids[ext] != 0;

        params->ext.ids[ext] = negotiated ? numbers->ext.ids[ext] : 0;
    }
    if (mid_len > MID_MAX)
        params->ext.ids[EXT_MID] = 0;
    memset(params->mid, 0, sizeof params->mid);
    memcpy(params->mid, numbers->mid, mid_len > MID_MAX ? 0 : mid_len);
    params->own_ext_ids = true;
    return ERR_OK;
}
