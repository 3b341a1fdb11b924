// POST of an offer that sends: a participant with its producers.
#include "server/whip/whip_internal.h"

#include <stdio.h>
#include <string.h>

const struct sdp_media *whip_read_offer(struct whip *whip, const struct whip_request *request,
                                        struct whip_answer *answer) {
    char why[SDP_WHY_MAX];
    if (!whip_media_type_is(request->content_type, "application/sdp")) {
        whip_add_header(answer, "accept-post: application/sdp");
        whip_refuse(whip, answer, 415,
                    "the body is to be an SDP offer: send `Content-Type: application/sdp`");
        return NULL;
    }
    if (!whip_accepts(request->accept, "application/sdp")) {
        whip_refuse(whip, answer, 406,
                    "the answer is application/sdp, which the request's `Accept` does not take");
        return NULL;
    }
    const struct sdp_media *path =
        sdp_read(request->body, &whip->sdp, why) ? whip_path_section(&whip->sdp, why) : NULL;
    if (path)
        return path;
    whip->counts.bad_sdp++;
    whip_refuse(whip, answer, 400, "the offer: %s", why);
    return NULL;
}

// Whether every section can be taken, and as what: by its number. False: *answer.
static bool choose(struct whip *whip, const struct sdp_codec *codecs[SDP_MEDIA_MAX],
                   struct whip_answer *answer) {
    for (unsigned i = 0; i < whip->sdp.media_count; i++) {
        const struct sdp_media *media = &whip->sdp.media[i];
        codecs[i] = NULL;
        if (!whip_section_is_taken(&whip->sdp, media))
            continue;
        if (media->direction == SDP_RECVONLY || media->direction == SDP_INACTIVE) {
            whip->counts.bad_sdp++;
            whip_refuse(whip, answer, 400,
                        "section %u is %s; who publishes offers a=sendonly (to receive, POST to /whep/)",
                        i + 1, media->direction == SDP_RECVONLY ? "a=recvonly" : "a=inactive");
            return false;
        }
        codecs[i] = whip_choose_codec(whip, media);
        if (!codecs[i]) {
            whip_refuse(
                whip, answer, 406,
                "section %u (%s) offers no codec that this server routes: opus, VP8, VP9, H264, H265, AV1",
                i + 1, media->kind == SDP_AUDIO ? "audio" : "video");
            return false;
        }
    }
    return true;
}

// What the tracks show, as the query says: a camera and a microphone, or a screen and its sound.
static bool read_source(struct whip *whip, const struct whip_request *request, bool *screen,
                        struct whip_answer *answer) {
    char source[16];
    int given = whip_query_value(request->query, "source", source, sizeof source);
    *screen = given > 0 && strcmp(source, "screen") == 0;
    if (given == 0 || *screen || (given > 0 && strcmp(source, "camera") == 0))
        return true;
    whip_refuse(whip, answer, 400, "the query's `source` is camera or screen");
    return false;
}

// How several layers are ordered that neither sizes nor names tell apart.
static bool read_order(struct whip *whip, const struct whip_request *request, bool *best_first,
                       struct whip_answer *answer) {
    char order[16];
    int given = whip_query_value(request->query, "layers", order, sizeof order);
    *best_first = given <= 0 || strcmp(order, "descending") == 0;
    if (given == 0 || (given > 0 && (*best_first || strcmp(order, "ascending") == 0)))
        return true;
    whip_refuse(whip, answer, 400, "the query's `layers` is descending (the best one first) or ascending");
    return false;
}

static bool produce(struct whip_session *session, const struct sdp_media *media,
                    const struct sdp_codec *codec, bool screen, bool best_first, struct whip_answer *answer) {
    struct whip *whip = session->whip;
    bool audio = media->kind == SDP_AUDIO;
    char app_data[64];
    int len = snprintf(app_data, sizeof app_data, "{\"source\":\"%s\"}",
                       screen ? (audio ? "screen-audio" : "screen") : (audio ? "microphone" : "camera"));
    struct hub_refusal refusal = {.code = HUB_NO_MEMORY};
    json_t *parameters = whip_parameters(whip, media, codec, best_first);
    struct hub_produce ask = {.transport_id = session->transport.text,
                              .kind = whip_kind(media),
                              .parameters = parameters,
                              .source = screen ? (audio ? RIGHT_SCREEN_AUDIO : RIGHT_SCREEN)
                                               : (audio ? RIGHT_MICROPHONE : RIGHT_CAMERA),
                              .app_data = app_data,
                              .app_data_len = (size_t)len};
    bool ok = parameters && hub_produce(whip->hub, session->me, &ask, &refusal);
    json_decref(parameters);
    if (!ok)
        whip_refuse_verb(whip, answer, &refusal);
    return ok;
}

void whip_publish(struct whip *whip, const struct whip_request *request, const struct whip_path *path,
                  struct whip_answer *answer) {
    const struct sdp_codec *codecs[SDP_MEDIA_MAX];
    struct ice_credentials ice;
    bool screen, best_first;
    if (!whip_session_may_come(whip, request, path->parts[0], answer))
        return;
    const struct sdp_media *section = whip_read_offer(whip, request, answer);
    if (!section || !choose(whip, codecs, answer) || !read_source(whip, request, &screen, answer) ||
        !read_order(whip, request, &best_first, answer))
        return;
    struct whip_session *session = whip_session_open(whip, request, path, section, &ice, answer);
    if (!session)
        return;
    struct whip_description description = {
        .whip = whip, .offer = &whip->sdp, .transport = whip_session_transport(session), .ice = &ice};
    for (unsigned i = 0; i < whip->sdp.media_count; i++) {
        if (!codecs[i])
            continue;
        description.taken[i] = &whip->sdp.media[i];
        if (!produce(session, &whip->sdp.media[i], codecs[i], screen, best_first, answer)) {
            whip_session_close(session, "left");
            explicit_bzero(&ice, sizeof ice);
            return;
        }
    }
    size_t len = 0;
    char *text = whip_describe(&description, &len);
    whip_answer_offer(session, request->late, &description, text, len, answer);
    explicit_bzero(&ice, sizeof ice);
}
