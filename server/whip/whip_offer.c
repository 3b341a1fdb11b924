// From the sections of an offer to the JSON that negotiation takes.
#include "server/whip/whip_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define FORMAT_NUMBER_DIGITS 9

static json_t *text_of(struct span text) {
    return json_stringn(text.len ? (const char *)text.ptr : "", text.len);
}

// ---- codecs

// Whole numbers as numbers, but for what only looks like one.
static json_t *format_value(struct span name, struct span value) {
    char digits[FORMAT_NUMBER_DIGITS + 1];
    bool number = value.len > 0 && value.len <= FORMAT_NUMBER_DIGITS &&
                  strncasecmp((const char *)name.ptr, "profile-level-id", name.len) != 0;
    for (size_t i = 0; number && i < value.len; i++)
        number = value.ptr[i] >= '0' && value.ptr[i] <= '9';
    if (!number)
        return text_of(value);
    memcpy(digits, value.ptr, value.len);
    digits[value.len] = '\0';
    return json_integer(strtol(digits, NULL, 10));
}

static json_t *format_parameters(struct span fmtp) {
    json_t *parameters = json_object();
    struct span name, value;
    bool ok = parameters != NULL;
    while (ok && sdp_fmtp_next(&fmtp, &name, &value)) {
        char key[64];
        if (!value.ptr || name.len >= sizeof key)
            continue; // telephone-event's list, RED's and their like: no parameter of ours
        memcpy(key, name.ptr, name.len);
        key[name.len] = '\0';
        ok = json_object_set_new(parameters, key, format_value(name, value)) == 0;
    }
    if (ok)
        return parameters;
    json_decref(parameters);
    return NULL;
}

static json_t *feedback_list(unsigned bits) {
    static const struct {
        enum sdp_feedback bit;
        const char *type, *parameter;
    } rows[] = {{SDP_NACK, "nack", ""},
                {SDP_NACK_PLI, "nack", "pli"},
                {SDP_CCM_FIR, "ccm", "fir"},
                {SDP_REMB, "goog-remb", ""},
                {SDP_TRANSPORT_CC, "transport-cc", ""}};
    json_t *list = json_array();
    bool ok = list != NULL;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (bits & rows[i].bit)
            ok = ok && json_array_append_new(list, json_pack("{s:s, s:s}", "type", rows[i].type, "parameter",
                                                             rows[i].parameter)) == 0;
    if (ok)
        return list;
    json_decref(list);
    return NULL;
}

static json_t *mime_type(const struct sdp_media *media, const struct sdp_codec *codec) {
    return json_sprintf("%s/%.*s", media->kind == SDP_AUDIO ? "audio" : "video", (int)codec->name.len,
                        (const char *)codec->name.ptr);
}

// number: what its payload type is called.
static json_t *codec_json(const struct sdp_media *media, const struct sdp_codec *codec, const char *number,
                          unsigned feedback) {
    json_t *json = json_pack("{s:o, s:i, s:i, s:o, s:o}", "mimeType", mime_type(media, codec), number,
                             codec->payload_type, "clockRate", (int)codec->clock_rate, "parameters",
                             format_parameters(codec->fmtp), "rtcpFeedback", feedback_list(feedback));
    bool ok = json && (media->kind != SDP_AUDIO ||
                       json_object_set_new(json, "channels", json_integer(codec->channels)) == 0);
    if (ok)
        return json;
    json_decref(json);
    return NULL;
}

static bool is_rtx(const struct sdp_codec *codec) {
    return codec->name.len == 3 && strncasecmp((const char *)codec->name.ptr, "rtx", 3) == 0;
}

static bool is_red(const struct sdp_codec *codec) {
    return codec->name.len == 3 && strncasecmp((const char *)codec->name.ptr, "red", 3) == 0;
}

// Whether a "96/96" names this payload type and no other.
static bool names_alone(struct span types, unsigned payload_type) {
    char digits[4];
    int len = snprintf(digits, sizeof digits, "%u", payload_type);
    for (size_t at = 0; at <= types.len; at += (size_t)len + 1)
        if (types.len - at < (size_t)len || memcmp(types.ptr + at, digits, (size_t)len) != 0 ||
            (types.len - at > (size_t)len && types.ptr[at + (size_t)len] != '/'))
            return false;
    return types.len > (size_t)len;
}

const struct sdp_codec *whip_red_of(const struct sdp_media *media, const struct sdp_codec *codec) {
    if (media->kind != SDP_AUDIO || is_red(codec))
        return NULL; // nor of itself, or of one that is of it
    for (unsigned i = 0; i < media->codec_count; i++) {
        const struct sdp_codec *red = &media->codecs[i];
        if (is_red(red) && red->payload_type > 0 && red->clock_rate == codec->clock_rate &&
            red->channels == codec->channels && names_alone(red->fmtp, codec->payload_type))
            return red;
    }
    return NULL;
}

bool whip_codec_is_routed(const struct whip *whip, const struct sdp_media *media,
                          const struct sdp_codec *codec) {
    if (codec->name.len == 0 || is_rtx(codec) || is_red(codec))
        return false;
    json_t *json = codec_json(media, codec, "preferredPayloadType", 0);
    bool routed = json && negotiate_routed_codec(hub_router_capabilities(whip->hub), json) != NULL;
    json_decref(json);
    return routed;
}

const struct sdp_codec *whip_choose_codec(const struct whip *whip, const struct sdp_media *media) {
    for (unsigned i = 0; i < media->codec_count; i++)
        if (whip_codec_is_routed(whip, media, &media->codecs[i]))
            return &media->codecs[i];
    return NULL;
}

const struct sdp_codec *whip_rtx_of(const struct sdp_media *media, const struct sdp_codec *codec) {
    char apt[4];
    snprintf(apt, sizeof apt, "%u", codec->payload_type);
    for (unsigned i = 0; i < media->codec_count; i++)
        if (is_rtx(&media->codecs[i]) &&
            span_equal(sdp_fmtp_value(media->codecs[i].fmtp, "apt"), span_of_text(apt)))
            return &media->codecs[i];
    return NULL;
}

// ---- header extensions and feedback

enum media_ext whip_ext(const struct whip *whip, const struct sdp_media *media, const struct sdp_ext *ext,
                        bool views) {
    char uri[257];
    bool one_way = ext->direction == (views ? SDP_SENDONLY : SDP_RECVONLY) || ext->direction == SDP_INACTIVE;
    if (one_way || ext->uri.len >= sizeof uri || (views && ext->id > 14))
        return EXT_NONE;
    memcpy(uri, ext->uri.ptr, ext->uri.len);
    uri[ext->uri.len] = '\0';
    return negotiate_routed_ext(hub_router_capabilities(whip->hub), whip_kind(media), uri, views);
}

static bool has_ext(const struct whip *whip, const struct sdp_media *media, enum media_ext wanted,
                    bool views) {
    for (unsigned i = 0; i < media->ext_count; i++)
        if (whip_ext(whip, media, &media->exts[i], views) == wanted)
            return true;
    return false;
}

// One way of estimating bandwidth, and that only with the extension that it needs.
unsigned whip_feedback(const struct sdp_media *media, const struct sdp_codec *codec, const struct whip *whip,
                       bool views) {
    unsigned allowed = media->kind == SDP_AUDIO
                           ? SDP_NACK | SDP_TRANSPORT_CC
                           : SDP_NACK | SDP_NACK_PLI | SDP_CCM_FIR | SDP_REMB | SDP_TRANSPORT_CC;
    unsigned bits = codec->feedback & allowed;
    if (!has_ext(whip, media, EXT_TRANSPORT_CC, views))
        bits &= ~(unsigned)SDP_TRANSPORT_CC;
    if ((bits & SDP_TRANSPORT_CC) || !has_ext(whip, media, EXT_ABS_SEND_TIME, views))
        bits &= ~(unsigned)SDP_REMB;
    return bits;
}

static json_t *extensions_sent(const struct whip *whip, const struct sdp_media *media) {
    json_t *list = json_array();
    bool ok = list != NULL;
    for (unsigned i = 0; i < media->ext_count; i++)
        if (whip_ext(whip, media, &media->exts[i], false) != EXT_NONE)
            ok = ok && json_array_append_new(list, json_pack("{s:o, s:i}", "uri", text_of(media->exts[i].uri),
                                                             "id", media->exts[i].id)) == 0;
    if (ok)
        return list;
    json_decref(list);
    return NULL;
}

// ---- streams

static uint32_t partner_of(const struct sdp_media *media, uint32_t ssrc) {
    for (unsigned i = 0; i < media->group_count; i++)
        if (media->groups[i].fid && media->groups[i].ssrcs[0] == ssrc)
            return media->groups[i].ssrcs[1];
    return 0;
}

static json_t *encoding_of_ssrc(const struct sdp_media *media, uint32_t ssrc, bool with_rtx) {
    uint32_t rtx = with_rtx ? partner_of(media, ssrc) : 0;
    if (rtx)
        return json_pack("{s:I, s:{s:I}}", "ssrc", (json_int_t)ssrc, "rtx", "ssrc", (json_int_t)rtx);
    return json_pack("{s:I}", "ssrc", (json_int_t)ssrc);
}

// Names that people give to layers, the lowest first.
static int rank_of_name(struct span id) {
    static const char *const names[][3] = {{"q", "l", "low"}, {"h", "m", "mid"}, {"f", "h", "high"}};
    static const char *const more[] = {"quarter", "half", "full"};
    static const char *const sizes[] = {"small", "medium", "large"};
    for (int i = 0; i < 3; i++)
        for (int k = 0; k < 3; k++)
            if (k != 1 && span_equal(id, span_of_text(names[i][k])))
                return i + 1;
    for (int i = 0; i < 3; i++)
        if (span_equal(id, span_of_text(more[i])) || span_equal(id, span_of_text(sizes[i])))
            return i + 1;
    return 0;
}

static const struct sdp_rid *find_rid(const struct sdp_media *media, struct span id) {
    for (unsigned i = 0; i < media->rid_count; i++)
        if (span_equal(media->rids[i].id, id))
            return &media->rids[i];
    return NULL;
}

// "l;m;h" means something else by "h" than "q;h;f" does.
static bool names_lmh(const struct sdp_media *media) {
    for (unsigned i = 0; i < media->simulcast_count; i++)
        if (span_equal(media->simulcast[i], span_of_text("l")) ||
            span_equal(media->simulcast[i], span_of_text("m")))
            return true;
    return false;
}

static uint64_t rank_of(const struct sdp_media *media, unsigned at, bool by_size) {
    static const char *const lmh[] = {"l", "m", "h"};
    struct span id = media->simulcast[at];
    if (by_size)
        return find_rid(media, id)->size;
    for (unsigned i = 0; i < 3 && names_lmh(media); i++)
        if (span_equal(id, span_of_text(lmh[i])))
            return i + 1;
    return (uint64_t)rank_of_name(id);
}

// The streams of a=simulcast from the lowest to the highest: by the sizes that a=rid gives, else by their
// names, else as they stand: RFC 8853, section 5.2 has the one that is liked best first.
static unsigned order_streams(const struct sdp_media *media, bool best_first, unsigned out[SDP_RIDS_MAX]) {
    unsigned count = media->simulcast_count;
    bool by_size = count > 0, by_name = count > 0;
    for (unsigned i = 0; i < count; i++) {
        by_size = by_size && find_rid(media, media->simulcast[i])->size != 0;
        out[i] = best_first ? count - 1 - i : i;
    }
    for (unsigned i = 0; i < count; i++)
        by_name = by_name && rank_of(media, i, false) != 0;
    for (unsigned i = 1; (by_size || by_name) && i < count; i++)
        for (unsigned k = i; k > 0 && rank_of(media, out[k], by_size) < rank_of(media, out[k - 1], by_size);
             k--) {
            unsigned swap = out[k];
            out[k] = out[k - 1];
            out[k - 1] = swap;
        }
    return count;
}

static bool encodings_of_rids(const struct sdp_media *media, bool best_first, json_t *list) {
    unsigned order[SDP_RIDS_MAX], count = order_streams(media, best_first, order);
    bool ok = true;
    for (unsigned i = 0; i < count; i++)
        ok = ok &&
             json_array_append_new(list, json_pack("{s:o}", "rid", text_of(media->simulcast[order[i]]))) == 0;
    return ok;
}

static const struct sdp_group *sim_group(const struct sdp_media *media) {
    for (unsigned i = 0; i < media->group_count; i++)
        if (media->groups[i].sim)
            return &media->groups[i];
    return NULL;
}

static json_t *encodings_of(const struct sdp_media *media, bool with_rtx, bool best_first) {
    json_t *list = json_array();
    const struct sdp_group *sim = sim_group(media);
    bool ok = list != NULL;
    if (media->simulcast_count > 0) {
        ok = ok && encodings_of_rids(media, best_first, list);
    } else if (sim) { // the lowest first, as libwebrtc wrote it
        for (unsigned i = 0; i < sim->count; i++)
            ok = ok && json_array_append_new(list, encoding_of_ssrc(media, sim->ssrcs[i], with_rtx)) == 0;
    } else if (media->stream_count > 0) {
        ok =
            ok && json_array_append_new(list, encoding_of_ssrc(media, media->streams[0].ssrc, with_rtx)) == 0;
    } else {
        ok = ok && json_array_append_new(list, json_object()) == 0;
    }
    if (ok)
        return list;
    json_decref(list);
    return NULL;
}

static json_t *codecs_sent(const struct whip *whip, const struct sdp_media *media,
                           const struct sdp_codec *codec) {
    const struct sdp_codec *rtx = whip_rtx_of(media, codec), *red = whip_red_of(media, codec);
    json_t *list = json_array();
    bool ok = list && json_array_append_new(list, codec_json(media, codec, "payloadType",
                                                             whip_feedback(media, codec, whip, false))) == 0;
    if (rtx)
        ok = ok && json_array_append_new(list, codec_json(media, rtx, "payloadType", 0)) == 0;
    if (red)
        ok = ok && json_array_append_new(list, codec_json(media, red, "payloadType", 0)) == 0;
    if (ok)
        return list;
    json_decref(list);
    return NULL;
}

json_t *whip_parameters(const struct whip *whip, const struct sdp_media *media, const struct sdp_codec *codec,
                        bool best_first) {
    struct span cname = media->stream_count ? media->streams[0].cname : (struct span){0};
    json_t *parameters = json_pack("{s:o, s:o, s:o, s:{s:b}}", "codecs", codecs_sent(whip, media, codec),
                                   "headerExtensions", extensions_sent(whip, media), "encodings",
                                   encodings_of(media, whip_rtx_of(media, codec) != NULL, best_first), "rtcp",
                                   "reducedSize", (int)media->rtcp_rsize);
    bool ok = parameters != NULL;
    if (media->mid.len)
        ok = ok && json_object_set_new(parameters, "mid", text_of(media->mid)) == 0;
    if (cname.len && cname.len <= CNAME_MAX)
        ok = ok && json_object_set_new(json_object_get(parameters, "rtcp"), "cname", text_of(cname)) == 0;
    if (ok)
        return parameters;
    json_decref(parameters);
    return NULL;
}

// ---- what a viewer receives

static bool add_received_codecs(const struct whip *whip, const struct sdp_media *media, json_t *list) {
    bool ok = true;
    for (unsigned i = 0; i < media->codec_count; i++) {
        const struct sdp_codec *codec = &media->codecs[i], *rtx = whip_rtx_of(media, codec);
        const struct sdp_codec *red = whip_red_of(media, codec);
        if (!whip_codec_is_routed(whip, media, codec))
            continue;
        unsigned feedback = whip_feedback(media, codec, whip, true);
        ok = ok &&
             json_array_append_new(list, codec_json(media, codec, "preferredPayloadType", feedback)) == 0;
        if (rtx)
            ok = ok && json_array_append_new(list, codec_json(media, rtx, "preferredPayloadType", 0)) == 0;
        if (red)
            ok = ok && json_array_append_new(list, codec_json(media, red, "preferredPayloadType", 0)) == 0;
    }
    return ok;
}

static bool add_received_extensions(const struct whip *whip, const struct sdp_media *media, json_t *list) {
    bool ok = true;
    for (unsigned i = 0; i < media->ext_count; i++) {
        enum media_ext ext = whip_ext(whip, media, &media->exts[i], true);
        if (ext != EXT_NONE)
            ok = ok &&
                 json_array_append_new(
                     list, json_pack("{s:s, s:o, s:i}", "kind", media_kind_name(whip_kind(media)), "uri",
                                     text_of(media->exts[i].uri), "preferredId", EXT_ROUTER_ID(ext))) == 0;
    }
    return ok;
}

json_t *whip_capabilities(const struct whip *whip, const struct sdp_media *const sections[SECTIONS]) {
    json_t *capabilities = json_pack("{s:[], s:[]}", "codecs", "headerExtensions");
    bool ok = capabilities != NULL;
    for (unsigned i = 0; ok && i < SECTIONS; i++)
        if (sections[i])
            ok =
                add_received_codecs(whip, sections[i], json_object_get(capabilities, "codecs")) &&
                add_received_extensions(whip, sections[i], json_object_get(capabilities, "headerExtensions"));
    if (ok)
        return capabilities;
    json_decref(capabilities);
    return NULL;
}

// ---- the path

json_t *whip_dtls_parameters(const struct sdp_media *media) {
    json_t *prints = json_array();
    bool ok = prints != NULL;
    for (unsigned i = 0; i < media->fingerprint_count; i++)
        ok = ok && json_array_append_new(prints, json_pack("{s:o, s:o}", "algorithm",
                                                           text_of(media->fingerprints[i].algorithm), "value",
                                                           text_of(media->fingerprints[i].value))) == 0;
    const char *role = media->setup == SDP_PASSIVE ? "server" : "client"; // who may choose is told to begin
    if (ok)
        return json_pack("{s:s, s:o}", "role", role, "fingerprints", prints);
    json_decref(prints);
    return NULL;
}

bool whip_section_is_taken(const struct sdp *sdp, const struct sdp_media *media) {
    if (media->kind == SDP_OTHER || media->rejected)
        return false;
    return sdp->bundled ? media->mid.len && sdp_bundles(sdp, media->mid) : true;
}

const struct sdp_media *whip_path_section(const struct sdp *sdp, char why[SDP_WHY_MAX]) {
    const struct sdp_media *path = NULL;
    unsigned taken = 0;
    for (unsigned i = 0; i < sdp->media_count; i++) {
        const struct sdp_media *media = &sdp->media[i];
        if (!whip_section_is_taken(sdp, media))
            continue;
        taken++;
        if (!path || (path->bundle_only && !media->bundle_only))
            path = media;
    }
    const char *wrong = !path                                ? "there is no audio or video in the offer"
                        : taken > 1 && !sdp->bundled         ? "all sections must be in one a=group:BUNDLE"
                        : !path->rtcp_mux                    ? "a=rtcp-mux is missing"
                        : !path->ufrag.len || !path->pwd.len ? "a=ice-ufrag or a=ice-pwd is missing"
                        : path->fingerprint_count == 0       ? "a=fingerprint is missing"
                        : path->setup == SDP_SETUP_NONE || path->setup == SDP_HOLDCONN
                            ? "a=setup is missing, or holdconn"
                            : NULL;
    if (wrong)
        snprintf(why, SDP_WHY_MAX, "%s", wrong);
    return wrong ? NULL : path;
}
