// Answers as SDP (RFC 9429, section 5.3.1): ours is ICE-lite unless the client is, one path for all sections.
#include "base/entropy.h"
#include "server/whip/whip_internal.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define DESCRIPTION_MAX (64 * 1024)

#define SPAN(s) (int)(s).len, (const char *)(s).ptr

static void write_candidates(struct sdp_writer *w, const struct whip *whip,
                             const struct room_transport *transport) {
    struct hub_candidate list[HUB_CANDIDATES_MAX];
    unsigned count = hub_candidates(whip->hub, transport, list);
    for (unsigned i = 0; i < count; i++)
        sdp_write(w, "a=candidate:%u 1 %s %" PRIu32 " %s %u typ host%s", i + 1, list[i].tcp ? "tcp" : "udp",
                  list[i].priority, list[i].ip, list[i].port, list[i].tcp ? " tcptype passive" : "");
    sdp_write(w, "a=end-of-candidates");
}

static void write_session(struct sdp_writer *w, const struct whip_description *d) {
    sdp_write(w, "v=0");
    sdp_write(w, "o=rotunda %" PRIu64 " 1 IN IP4 0.0.0.0", entropy_u64() >> 2);
    sdp_write(w, "s=-");
    sdp_write(w, "t=0 0");
    if (d->offer->bundled) {
        char mids[SDP_MEDIA_MAX * (SECTION_MID_BYTES + 1) + 1] = "";
        size_t len = 0;
        for (unsigned i = 0; i < d->offer->media_count; i++) {
            if (!d->taken[i])
                continue;
            mids[len++] = ' ';
            memcpy(mids + len, d->taken[i]->mid.ptr, d->taken[i]->mid.len);
            len += d->taken[i]->mid.len;
        }
        mids[len] = '\0';
        sdp_write(w, "a=group:BUNDLE%s", mids);
    }
    if (!d->transport->full)
        sdp_write(w, "a=ice-lite");
    sdp_write(w, "a=msid-semantic:WMS *");
}

// ---- codecs

// What is answered of a section: of a publisher one codec, of a viewer all that it may be sent; and what is
// redundant audio of one, where the offer has it: before it, if it is liked better.
static bool answers_codec(const struct whip_description *d, const struct sdp_media *media,
                          const struct sdp_codec *codec) {
    for (unsigned i = 0; media->kind == SDP_AUDIO && i < media->codec_count; i++)
        if (&media->codecs[i] != codec && whip_red_of(media, &media->codecs[i]) == codec)
            return answers_codec(d, media, &media->codecs[i]);
    if (!d->views)
        return codec == whip_choose_codec(d->whip, media);
    return whip_codec_is_routed(d->whip, media, codec);
}

static void write_codec(struct sdp_writer *w, const struct sdp_media *media, const struct sdp_codec *codec) {
    if (media->kind == SDP_AUDIO && codec->channels > 1)
        sdp_write(w, "a=rtpmap:%u %.*s/%" PRIu32 "/%u", codec->payload_type, SPAN(codec->name),
                  codec->clock_rate, codec->channels);
    else
        sdp_write(w, "a=rtpmap:%u %.*s/%" PRIu32, codec->payload_type, SPAN(codec->name), codec->clock_rate);
    if (codec->fmtp.len)
        sdp_write(w, "a=fmtp:%u %.*s", codec->payload_type, SPAN(codec->fmtp));
}

static void write_feedback(struct sdp_writer *w, unsigned payload_type, unsigned bits) {
    static const struct {
        enum sdp_feedback bit;
        const char *text;
    } rows[] = {{SDP_NACK, "nack"},
                {SDP_NACK_PLI, "nack pli"},
                {SDP_CCM_FIR, "ccm fir"},
                {SDP_REMB, "goog-remb"},
                {SDP_TRANSPORT_CC, "transport-cc"}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (bits & rows[i].bit)
            sdp_write(w, "a=rtcp-fb:%u %s", payload_type, rows[i].text);
}

static void write_formats(struct sdp_writer *w, const struct whip_description *d,
                          const struct sdp_media *media) {
    char list[SDP_CODECS_MAX * 4 + 1];
    size_t len = 0;
    for (unsigned i = 0; i < media->codec_count; i++) {
        const struct sdp_codec *codec = &media->codecs[i];
        if (!answers_codec(d, media, codec))
            continue;
        const struct sdp_codec *rtx = whip_rtx_of(media, codec);
        len += (size_t)snprintf(list + len, sizeof list - len, " %u", codec->payload_type);
        if (rtx)
            len += (size_t)snprintf(list + len, sizeof list - len, " %u", rtx->payload_type);
    }
    sdp_write(w, "m=%.*s 9 %.*s%s", SPAN(media->kind_text), SPAN(media->protocol), list);
}

static void write_codecs(struct sdp_writer *w, const struct whip_description *d,
                         const struct sdp_media *media) {
    for (unsigned i = 0; i < media->codec_count; i++) {
        const struct sdp_codec *codec = &media->codecs[i];
        if (!answers_codec(d, media, codec))
            continue;
        const struct sdp_codec *rtx = whip_rtx_of(media, codec);
        write_codec(w, media, codec);
        write_feedback(w, codec->payload_type, whip_feedback(media, codec, d->whip, d->views));
        if (rtx)
            write_codec(w, media, rtx);
    }
    for (unsigned i = 0; i < media->ext_count; i++)
        if (whip_ext(d->whip, media, &media->exts[i], d->views) != EXT_NONE)
            sdp_write(w, "a=extmap:%u %.*s", media->exts[i].id, SPAN(media->exts[i].uri));
}

// ---- streams

static void write_simulcast(struct sdp_writer *w, const struct sdp_media *media) {
    char list[SDP_RIDS_MAX * (SECTION_MID_BYTES + 1) + 1];
    size_t len = 0;
    if (media->simulcast_count == 0)
        return;
    for (unsigned i = 0; i < media->simulcast_count; i++) {
        sdp_write(w, "a=rid:%.*s recv", SPAN(media->simulcast[i]));
        len += (size_t)snprintf(list + len, sizeof list - len, "%s%.*s", i ? ";" : "",
                                SPAN(media->simulcast[i]));
    }
    sdp_write(w, "a=simulcast:recv %s", list);
}

static void write_stream(struct sdp_writer *w, const struct whip_description *d,
                         const struct sdp_media *media) {
    enum media_kind kind = whip_kind(media);
    uint32_t ssrc = d->streams[kind].ssrc, rtx = d->streams[kind].rtx_ssrc;
    sdp_write(w, "a=msid:rotunda %s", media_kind_name(kind));
    if (!ssrc)
        return;
    if (rtx)
        sdp_write(w, "a=ssrc-group:FID %" PRIu32 " %" PRIu32, ssrc, rtx);
    sdp_write(w, "a=ssrc:%" PRIu32 " cname:%s", ssrc, d->streams[kind].cname);
    if (rtx)
        sdp_write(w, "a=ssrc:%" PRIu32 " cname:%s", rtx, d->streams[kind].cname);
}

// ---- sections

static void write_path(struct sdp_writer *w, const struct whip_description *d,
                       const struct sdp_media *media) {
    sdp_write(w, "a=ice-ufrag:%s", d->ice->ufrag);
    sdp_write(w, "a=ice-pwd:%s", d->ice->pwd);
    sdp_write(w, "a=fingerprint:sha-256 %s", hub_config(d->whip->hub)->fingerprint_sha256);
    sdp_write(w, "a=setup:%s", media->setup == SDP_PASSIVE ? "active" : "passive");
    sdp_write(w, "a=rtcp-mux");
    if (media->rtcp_rsize)
        sdp_write(w, "a=rtcp-rsize");
}

// GStreamer's webrtcbin takes no answer that has a section without a path, though nothing is sent there.
static void write_rejected(struct sdp_writer *w, const struct whip_description *d,
                           const struct sdp_media *media) {
    sdp_write(w, "m=%.*s 0 %.*s %.*s", SPAN(media->kind_text), SPAN(media->protocol), SPAN(media->formats));
    sdp_write(w, "c=IN IP4 0.0.0.0");
    sdp_write(w, "a=inactive");
    if (media->mid.len)
        sdp_write(w, "a=mid:%.*s", SPAN(media->mid));
    write_path(w, d, media);
}

static void write_section(struct sdp_writer *w, const struct whip_description *d,
                          const struct sdp_media *media, bool first) {
    write_formats(w, d, media);
    sdp_write(w, "c=IN IP4 0.0.0.0");
    if (media->mid.len)
        sdp_write(w, "a=mid:%.*s", SPAN(media->mid));
    sdp_write(w, d->views ? "a=sendonly" : "a=recvonly");
    write_path(w, d, media);
    if (media->mixed_exts)
        sdp_write(w, "a=extmap-allow-mixed");
    write_codecs(w, d, media);
    if (d->views)
        write_stream(w, d, media);
    else
        write_simulcast(w, media);
    if (first && !d->transport->full)
        write_candidates(w, d->whip, d->transport);
}

char *whip_describe(struct whip_description *d, size_t *len) {
    struct sdp_writer w = {.text = malloc(DESCRIPTION_MAX), .cap = DESCRIPTION_MAX};
    bool first = true;
    if (!w.text)
        return NULL;
    write_session(&w, d);
    for (unsigned i = 0; i < d->offer->media_count; i++) {
        if (d->taken[i]) {
            write_section(&w, d, d->taken[i], first);
            if (first)
                d->candidates_at = w.len;
            first = false;
        } else {
            write_rejected(&w, d, &d->offer->media[i]);
        }
    }
    *len = w.len;
    if (!w.failed)
        return w.text;
    free(w.text);
    return NULL;
}

char *whip_describe_ice(const struct whip_session *session, const struct room_transport *transport,
                        const struct ice_credentials *ice, unsigned first, size_t *len) {
    struct sdp_writer w = {.text = malloc(DESCRIPTION_MAX), .cap = DESCRIPTION_MAX};
    if (!w.text)
        return NULL;
    if (!transport->full)
        sdp_write(&w, "a=ice-lite");
    sdp_write(&w, "a=ice-ufrag:%s", ice->ufrag);
    sdp_write(&w, "a=ice-pwd:%s", ice->pwd);
    sdp_write(&w, "m=%s 9 UDP/TLS/RTP/SAVPF 0", media_kind_name(session->mid_kind));
    if (session->mid[0])
        sdp_write(&w, "a=mid:%s", session->mid);
    if (transport->full)
        whip_write_agent_candidates(&w, transport->full, first);
    else
        write_candidates(&w, session->whip, transport);
    *len = w.len;
    if (!w.failed)
        return w.text;
    free(w.text);
    return NULL;
}
