#include "server/sdp/sdp_media.h"

#include <stdio.h>
#include <strings.h>

#define PAYLOAD_TYPE_LAST 127
#define TOKEN_MAX 64
#define URI_MAX 256
#define ICE_TEXT_MAX 256 // RFC 8839, section 5.4

struct line { // an attribute that is being read
    struct sdp_media *media;
    struct sdp_seen *seen;
    const struct sdp_lines *lines;
    char *why;
};

#define REFUSE(l, ...) sdp_refuse((l)->lines, (l)->why, __VA_ARGS__)

static bool once(const struct line *l, bool *seen, const char *what) {
    if (*seen)
        return REFUSE(l, "a second \"a=%s\"", what);
    *seen = true;
    return true;
}

// ---- the m= line

static bool add_codec(struct sdp_media *media, const struct line *l, struct span format) {
    uint64_t number;
    if (!sdp_number(format, PAYLOAD_TYPE_LAST, &number))
        return REFUSE(l, "a payload type is not a number from 0 to 127");
    for (unsigned i = 0; i < media->codec_count; i++)
        if (media->codecs[i].payload_type == number)
            return REFUSE(l, "payload type %u is there twice", (unsigned)number);
    if (media->codec_count == SDP_CODECS_MAX)
        return REFUSE(l, "more than %d payload types", SDP_CODECS_MAX);
    media->codecs[media->codec_count++] = (struct sdp_codec){.payload_type = (uint8_t)number, .channels = 1};
    return true;
}

bool sdp_media_begin(struct sdp_media *media, const struct sdp_lines *lines, struct span value,
                     char why[SDP_WHY_MAX]) {
    struct line l = {.media = media, .lines = lines, .why = why};
    struct span rest = value;
    media->kind_text = sdp_take(&rest, ' ');
    struct span port = sdp_take(&rest, ' ');
    media->protocol = sdp_take(&rest, ' ');
    media->formats = rest;
    uint64_t number;
    media->kind = sdp_is(media->kind_text, "audio")   ? SDP_AUDIO
                  : sdp_is(media->kind_text, "video") ? SDP_VIDEO
                                                      : SDP_OTHER;
    if (!sdp_is_token(media->kind_text, TOKEN_MAX) || !sdp_number(port, 65535, &number) ||
        media->protocol.len == 0 || rest.len == 0 || !sdp_is_plain(value))
        return REFUSE(&l, "\"m=\" is not followed by kind, port, protocol and formats");
    media->rejected = number == 0;
    if (media->kind == SDP_OTHER)
        return true;
    if (!sdp_is(media->protocol, "UDP/TLS/RTP/SAVPF"))
        return REFUSE(&l, "the protocol of audio and video is UDP/TLS/RTP/SAVPF, no other");
    while (rest.len)
        if (!add_codec(media, &l, sdp_take(&rest, ' ')))
            return false;
    return true;
}

// ---- codecs

static struct sdp_codec *find_codec(struct sdp_media *media, struct span payload_type) {
    uint64_t number;
    if (!sdp_number(payload_type, PAYLOAD_TYPE_LAST, &number))
        return NULL;
    for (unsigned i = 0; i < media->codec_count; i++)
        if (media->codecs[i].payload_type == number)
            return &media->codecs[i];
    return NULL;
}

static bool take_rtpmap(const struct line *l, struct span value) {
    struct sdp_codec *codec = find_codec(l->media, sdp_take(&value, ' '));
    struct span name = sdp_take(&value, '/'), rate = sdp_take(&value, '/');
    uint64_t clock_rate, channels = 1;
    if (!codec)
        return REFUSE(l, "\"a=rtpmap\" of a payload type that the m= line does not have");
    if (codec->name.len)
        return REFUSE(l, "a second \"a=rtpmap\" of payload type %u", codec->payload_type);
    if (!sdp_is_token(name, TOKEN_MAX) || !sdp_number(rate, 1000000, &clock_rate) || clock_rate == 0 ||
        (value.len && (!sdp_number(value, 255, &channels) || channels == 0)))
        return REFUSE(l, "\"a=rtpmap\" is not PAYLOAD-TYPE NAME/CLOCK-RATE[/CHANNELS]");
    // Opus says two channels always (RFC 7587, section 7); GStreamer's whepsrc leaves them out.
    if (value.ptr == NULL || value.len == 0)
        channels = name.len == 4 && strncasecmp((const char *)name.ptr, "opus", 4) == 0 ? 2 : 1;
    codec->name = name;
    codec->clock_rate = (uint32_t)clock_rate;
    codec->channels = (uint8_t)channels;
    return true;
}

static bool take_fmtp(const struct line *l, struct span value) {
    struct sdp_codec *codec = find_codec(l->media, sdp_take(&value, ' '));
    if (!codec)
        return REFUSE(l, "\"a=fmtp\" of a payload type that the m= line does not have");
    if (codec->fmtp.len)
        return REFUSE(l, "a second \"a=fmtp\" of payload type %u", codec->payload_type);
    if (!sdp_is_plain(value))
        return REFUSE(l, "\"a=fmtp\" has characters beyond ASCII");
    codec->fmtp = sdp_trim(value);
    return true;
}

static unsigned feedback_of(struct span text) {
    static const struct {
        const char *text;
        enum sdp_feedback bit;
    } rows[] = {{"nack", SDP_NACK},
                {"nack pli", SDP_NACK_PLI},
                {"ccm fir", SDP_CCM_FIR},
                {"goog-remb", SDP_REMB},
                {"transport-cc", SDP_TRANSPORT_CC}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (sdp_is(text, rows[i].text))
            return rows[i].bit;
    return 0;
}

static bool take_feedback(const struct line *l, struct span value) {
    struct span which = sdp_take(&value, ' ');
    unsigned bit = feedback_of(sdp_trim(value));
    if (sdp_is(which, "*")) {
        for (unsigned i = 0; i < l->media->codec_count; i++)
            l->media->codecs[i].feedback |= bit;
        return true;
    }
    struct sdp_codec *codec = find_codec(l->media, which);
    if (!codec)
        return REFUSE(l, "\"a=rtcp-fb\" of a payload type that the m= line does not have");
    codec->feedback |= bit;
    return true;
}

// ---- header extensions (RFC 8285, section 5)

static bool direction_of(struct span text, enum sdp_direction *out) {
    static const char *const names[] = {"sendrecv", "sendonly", "recvonly", "inactive"};
    for (unsigned i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (sdp_is(text, names[i])) {
            *out = (enum sdp_direction)i;
            return true;
        }
    }
    return false;
}

static bool take_extmap(const struct line *l, struct span value) {
    struct sdp_media *media = l->media;
    struct span number = sdp_take(&value, ' '), uri = sdp_take(&value, ' '), id = sdp_take(&number, '/');
    struct sdp_ext ext = {.uri = uri};
    uint64_t v;
    if (!sdp_number(id, 255, &v) || v == 0 || uri.len == 0 || uri.len > URI_MAX || !sdp_is_plain(uri) ||
        (number.len && !direction_of(number, &ext.direction)))
        return REFUSE(l, "\"a=extmap\" is not an id from 1 to 255 and a URI");
    ext.id = (uint8_t)v;
    for (unsigned i = 0; i < media->ext_count; i++)
        if (media->exts[i].id == v || span_equal(media->exts[i].uri, uri))
            return REFUSE(l, "two \"a=extmap\" have the same id or the same URI");
    if (media->ext_count == SDP_EXTS_MAX)
        return REFUSE(l, "more than %d header extensions", SDP_EXTS_MAX);
    media->exts[media->ext_count++] = ext;
    return true;
}

// ---- streams (RFC 5576, RFC 8853)

static bool ssrc_of(struct span text, uint32_t *out) {
    uint64_t number;
    if (!sdp_number(text, UINT32_MAX, &number) || number == 0)
        return false;
    *out = (uint32_t)number;
    return true;
}

static struct sdp_stream *find_stream(struct sdp_media *media, uint32_t ssrc) {
    for (unsigned i = 0; i < media->stream_count; i++)
        if (media->streams[i].ssrc == ssrc)
            return &media->streams[i];
    if (media->stream_count == SDP_STREAMS_MAX)
        return NULL;
    struct sdp_stream *stream = &media->streams[media->stream_count++];
    *stream = (struct sdp_stream){.ssrc = ssrc};
    return stream;
}

static bool take_ssrc(const struct line *l, struct span value) {
    uint32_t ssrc;
    if (!ssrc_of(sdp_take(&value, ' '), &ssrc))
        return REFUSE(l, "\"a=ssrc\" is not a number from 1 to 4294967295");
    struct sdp_stream *stream = find_stream(l->media, ssrc);
    if (!stream)
        return REFUSE(l, "more than %d SSRCs", SDP_STREAMS_MAX);
    struct span name = sdp_take(&value, ':');
    if (!sdp_is(name, "cname"))
        return true;
    if (stream->cname.len && !span_equal(stream->cname, value))
        return REFUSE(l, "two cnames of one SSRC");
    if (!sdp_is_plain(value))
        return REFUSE(l, "a cname has characters beyond ASCII");
    stream->cname = value;
    return true;
}

static bool take_ssrc_group(const struct line *l, struct span value) {
    struct sdp_media *media = l->media;
    struct span kind = sdp_take(&value, ' ');
    struct sdp_group group = {.fid = sdp_is(kind, "FID"), .sim = sdp_is(kind, "SIM")};
    if (!group.fid && !group.sim)
        return true;
    while (value.len) {
        if (group.count == SDP_GROUP_SSRCS_MAX)
            return REFUSE(l, "\"a=ssrc-group\" has more than %d SSRCs", SDP_GROUP_SSRCS_MAX);
        uint32_t ssrc;
        if (!ssrc_of(sdp_take(&value, ' '), &ssrc))
            return REFUSE(l, "\"a=ssrc-group\" has what is no SSRC");
        for (unsigned i = 0; i < group.count; i++)
            if (group.ssrcs[i] == ssrc)
                return REFUSE(l, "\"a=ssrc-group\" names an SSRC twice");
        group.ssrcs[group.count++] = ssrc;
    }
    if (group.count == 0 || (group.fid && group.count != 2))
        return REFUSE(l, "\"a=ssrc-group\" has not as many SSRCs as it should");
    if (media->group_count == SDP_GROUPS_MAX)
        return REFUSE(l, "more than %d groups of SSRCs", SDP_GROUPS_MAX);
    media->groups[media->group_count++] = group;
    return true;
}

// The size that a=rid's restrictions tell (RFC 8851, section 5), to order layers by.
static uint32_t rid_size(struct span restrictions, struct span *payload) {
    uint64_t width = 0, height = 0, frame = 0, bitrate = 0;
    struct span name, value;
    while (sdp_fmtp_next(&restrictions, &name, &value)) {
        if (sdp_is(name, "pt"))
            *payload = value;
        else if (sdp_is(name, "max-width"))
            (void)sdp_number(value, 65535, &width);
        else if (sdp_is(name, "max-height"))
            (void)sdp_number(value, 65535, &height);
        else if (sdp_is(name, "max-fs"))
            (void)sdp_number(value, UINT32_MAX, &frame);
        else if (sdp_is(name, "max-br"))
            (void)sdp_number(value, UINT32_MAX, &bitrate);
    }
    uint64_t size = width && height ? width * height
                    : width         ? width
                    : height        ? height
                    : frame         ? frame
                                    : bitrate;
    return size > UINT32_MAX ? 0 : (uint32_t)size;
}

static bool take_rid(const struct line *l, struct span value) {
    struct sdp_media *media = l->media;
    struct sdp_rid rid = {.id = sdp_take(&value, ' ')};
    struct span direction = sdp_take(&value, ' ');
    rid.sends = sdp_is(direction, "send");
    if (!sdp_is_token(rid.id, TOKEN_MAX) || (!rid.sends && !sdp_is(direction, "recv")))
        return REFUSE(l, "\"a=rid\" is not a name and \"send\" or \"recv\"");
    for (unsigned i = 0; i < media->rid_count; i++)
        if (span_equal(media->rids[i].id, rid.id))
            return REFUSE(l, "two \"a=rid\" have the same name");
    if (media->rid_count == SDP_RIDS_MAX)
        return REFUSE(l, "more than %d \"a=rid\"", SDP_RIDS_MAX);
    rid.size = rid_size(value, &rid.payload);
    media->rids[media->rid_count++] = rid;
    return true;
}

// "send a;~b,c;d recv e": what is sent; of alternatives the first, paused or not.
static bool take_simulcast(const struct line *l, struct span value) {
    struct sdp_media *media = l->media;
    if (!once(l, &l->seen->simulcast, "simulcast"))
        return false;
    value = sdp_trim(value);
    while (value.len) {
        bool sends = sdp_is(sdp_take(&value, ' '), "send");
        struct span list = sdp_take(&value, ' ');
        if (list.len == 0)
            return REFUSE(l, "\"a=simulcast\" is not \"send\" or \"recv\" and a list");
        while (sends && list.len) {
            struct span streams = sdp_take(&list, ';'), first = sdp_take(&streams, ',');
            if (first.len && first.ptr[0] == '~')
                first = span_of(first.ptr + 1, first.len - 1);
            if (media->simulcast_count == SDP_RIDS_MAX || !sdp_is_token(first, TOKEN_MAX))
                return REFUSE(l, "\"a=simulcast\" has an empty name, or more than %d", SDP_RIDS_MAX);
            for (unsigned i = 0; i < media->simulcast_count; i++)
                if (span_equal(media->simulcast[i], first))
                    return REFUSE(l, "\"a=simulcast\" has a name twice");
            media->simulcast[media->simulcast_count++] = first;
        }
    }
    return true;
}

// ---- the path

static bool take_ice_text(const struct line *l, bool *seen, const char *what, size_t bytes_min,
                          struct span value, struct span *out) {
    if (!once(l, seen, what))
        return false;
    if (value.len < bytes_min || value.len > ICE_TEXT_MAX || !sdp_is_plain(value) ||
        memchr(value.ptr, ' ', value.len))
        return REFUSE(l, "\"a=%s\" has not %zu to %d characters", what, bytes_min, ICE_TEXT_MAX);
    *out = value;
    return true;
}

static bool take_setup(const struct line *l, struct span value) {
    static const char *const names[] = {[SDP_ACTPASS] = "actpass",
                                        [SDP_ACTIVE] = "active",
                                        [SDP_PASSIVE] = "passive",
                                        [SDP_HOLDCONN] = "holdconn"};
    if (!once(l, &l->seen->setup, "setup"))
        return false;
    for (unsigned i = SDP_ACTPASS; i <= SDP_HOLDCONN; i++) {
        if (sdp_is(value, names[i])) {
            l->media->setup = (enum sdp_setup)i;
            return true;
        }
    }
    return REFUSE(l, "\"a=setup\" is not actpass, active or passive");
}

static bool take_fingerprint(const struct line *l, struct span value) {
    struct sdp_media *media = l->media;
    struct sdp_fingerprint print = {.algorithm = sdp_take(&value, ' ')};
    print.value = sdp_trim(value);
    if (!sdp_is_token(print.algorithm, TOKEN_MAX) || print.value.len == 0 || print.value.len > 3 * 64 ||
        !sdp_is_plain(print.value))
        return REFUSE(l, "\"a=fingerprint\" is not an algorithm and hexadecimal pairs");
    for (unsigned i = 0; i < media->fingerprint_count; i++)
        if (sdp_is_like(print.algorithm, "sha-256") &&
            span_equal(media->fingerprints[i].algorithm, print.algorithm) &&
            !span_equal(media->fingerprints[i].value, print.value))
            return REFUSE(l, "two different fingerprints of one algorithm");
    if (media->fingerprint_count == SDP_FINGERPRINTS_MAX)
        return REFUSE(l, "more than %d fingerprints", SDP_FINGERPRINTS_MAX);
    media->fingerprints[media->fingerprint_count++] = print;
    return true;
}

static bool take_mid(const struct line *l, struct span value) {
    if (!once(l, &l->seen->mid, "mid"))
        return false;
    if (!sdp_is_token(value, TOKEN_MAX))
        return REFUSE(l, "\"a=mid\" is not a name of 1 to %d letters, digits and signs", TOKEN_MAX);
    l->media->mid = value;
    return true;
}

static bool take_msid(const struct line *l, struct span value) {
    if (l->seen->msid)
        return true; // a track may be in several streams
    l->seen->msid = true;
    if (!sdp_is_plain(value))
        return REFUSE(l, "\"a=msid\" has characters beyond ASCII");
    l->media->msid = value;
    return true;
}

// ---- which is which

static bool take_flag(const struct line *l, struct span name) {
    struct sdp_media *media = l->media;
    enum sdp_direction direction;
    if (direction_of(name, &direction)) {
        media->direction = direction;
        return once(l, &l->seen->direction, "sendrecv, sendonly, recvonly or inactive");
    }
    if (sdp_is(name, "rtcp-mux")) {
        media->rtcp_mux = true;
        return once(l, &l->seen->rtcp_mux, "rtcp-mux");
    }
    if (sdp_is(name, "rtcp-rsize"))
        media->rtcp_rsize = true;
    else if (sdp_is(name, "bundle-only"))
        media->bundle_only = true;
    else if (sdp_is(name, "extmap-allow-mixed"))
        media->mixed_exts = true;
    return true;
}

bool sdp_media_attribute(struct sdp_media *media, struct sdp_seen *seen, const struct sdp_lines *lines,
                         struct span value, char why[SDP_WHY_MAX]) {
    static const struct {
        const char *name;
        bool (*take)(const struct line *l, struct span value);
    } rows[] = {{"rtpmap", take_rtpmap},    {"fmtp", take_fmtp},
                {"rtcp-fb", take_feedback}, {"extmap", take_extmap},
                {"ssrc", take_ssrc},        {"ssrc-group", take_ssrc_group},
                {"rid", take_rid},          {"simulcast", take_simulcast},
                {"setup", take_setup},      {"fingerprint", take_fingerprint},
                {"mid", take_mid},          {"msid", take_msid}};
    struct line l = {.media = media, .seen = seen, .lines = lines, .why = why};
    struct span whole = value;
    bool flag = value.len == 0 || !memchr(value.ptr, ':', value.len);
    struct span name = sdp_take(&value, ':');
    if (media->kind == SDP_OTHER && media->kind_text.len && !sdp_is(name, "mid"))
        return true; // it is not taken
    if (flag)
        return take_flag(&l, name);
    if (sdp_is(name, "candidate") && media->candidate_count < SDP_CANDIDATES_MAX)
        media->candidates[media->candidate_count++] = whole;
    if (sdp_is(name, "ice-ufrag"))
        return take_ice_text(&l, &seen->ufrag, "ice-ufrag", 4, value, &media->ufrag);
    if (sdp_is(name, "ice-pwd"))
        return take_ice_text(&l, &seen->pwd, "ice-pwd", 22, value, &media->pwd);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (sdp_is(name, rows[i].name))
            return rows[i].take(&l, value);
    return true;
}

static struct sdp_rid *find_rid(struct sdp_media *media, struct span id) {
    for (unsigned i = 0; i < media->rid_count; i++)
        if (span_equal(media->rids[i].id, id))
            return &media->rids[i];
    return NULL;
}

bool sdp_media_finish(struct sdp_media *media, char why[SDP_WHY_MAX]) {
    struct sdp_lines lines = {.number = 0};
    struct line l = {.media = media, .lines = &lines, .why = why};
    if (media->rejected && media->bundle_only)
        media->rejected = false; // RFC 9143, section 6: port 0 for whoever knows no bundles
    if (media->kind == SDP_OTHER)
        return true;
    for (unsigned i = 0; i < media->simulcast_count; i++) {
        const struct sdp_rid *rid = find_rid(media, media->simulcast[i]);
        if (!rid || !rid->sends)
            return REFUSE(&l, "\"a=simulcast\" names a stream that no \"a=rid\" line sends");
    }
    return true;
}
