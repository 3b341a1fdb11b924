// POST of an offer that receives: a participant that watches one other.
#include "server/whip/whip_internal.h"

#include <stdio.h>
#include <string.h>

// Of each kind the first section that can be taken: a viewer gets one stream (draft-ietf-wish-whep, "Single
// MediaStream").
static bool choose_sections(struct whip *whip, const struct sdp_media *sections[SECTIONS],
                            struct whip_answer *answer) {
    sections[MEDIA_AUDIO] = sections[MEDIA_VIDEO] = NULL;
    for (unsigned i = 0; i < whip->sdp.media_count; i++) {
        const struct sdp_media *media = &whip->sdp.media[i];
        if (!whip_section_is_taken(&whip->sdp, media) || sections[whip_kind(media)])
            continue;
        if (media->direction == SDP_SENDONLY || media->direction == SDP_INACTIVE) {
            whip->counts.bad_sdp++;
            whip_refuse(whip, answer, 400,
                        "section %u is %s; who views offers a=recvonly (to send, POST to /whip/)", i + 1,
                        media->direction == SDP_SENDONLY ? "a=sendonly" : "a=inactive");
            return false;
        }
        if (whip_choose_codec(whip, media))
            sections[whip_kind(media)] = media;
    }
    if (sections[MEDIA_AUDIO] || sections[MEDIA_VIDEO])
        return true;
    whip_refuse(whip, answer, 406,
                "the offer has no codec that this server routes: opus, VP8, VP9, H264, H265, AV1");
    return false;
}

static bool read_target(struct whip *whip, const struct whip_request *request, char target[TARGET_BYTES + 1],
                        struct whip_answer *answer) {
    target[0] = '\0';
    if (whip_query_value(request->query, "from", target, TARGET_BYTES + 1) >= 0)
        return true;
    whip_refuse(whip, answer, 400, "the query's `from` is malformed, or longer than a name");
    return false;
}

static void take_sections(struct whip_session *session, const struct sdp_media *const sections[SECTIONS]) {
    for (unsigned kind = 0; kind < SECTIONS; kind++) {
        const struct sdp_media *media = sections[kind];
        struct section *section = &session->sections[kind];
        *section = (struct section){.wanted = media != NULL,
                                    .spatial = LAYER_NONE,
                                    .temporal = LAYER_NONE,
                                    .spatial_shown = LAYER_NONE};
        if (!media)
            continue;
        memcpy(section->mid, media->mid.len ? (const char *)media->mid.ptr : "", media->mid.len);
        for (unsigned i = 0; i < media->ext_count; i++) {
            enum media_ext ext = whip_ext(session->whip, media, &media->exts[i], true);
            if (ext != EXT_NONE)
                section->ext.ids[ext] = media->exts[i].id;
        }
        if (media->mid.len > 8) // what packets leave room for
            section->ext.ids[EXT_MID] = 0;
    }
}

static unsigned section_index(const struct sdp *sdp, const struct sdp_media *media) {
    return (unsigned)(media - sdp->media);
}

static void take_index(struct whip_session *session, unsigned kind, unsigned index,
                       struct whip_description *description) {
    description->taken[index] = &description->offer->media[index];
    snprintf(session->section_index[kind], sizeof session->section_index[kind], "%u", index % SDP_MEDIA_MAX);
}

// Whoever reads MIDs finds each stream by them, and the streams may change; others are told the first one's.
static void describe_streams(struct whip_session *session, struct whip_description *description) {
    for (unsigned kind = 0; kind < SECTIONS; kind++) {
        struct section *section = &session->sections[kind];
        struct hub_refusal refusal;
        const struct room_consumer *consumer =
            section->wanted && section->ext.ids[EXT_MID] == 0 && section->consumer.text[0]
                ? hub_own_consumer(session->whip->hub, session->me, section->consumer.text, &refusal)
                : NULL;
        if (!consumer)
            continue;
        description->streams[kind].ssrc = section->ssrc;
        description->streams[kind].rtx_ssrc = section->rtx_ssrc;
        description->streams[kind].cname = producer_owner(consumer->producer)->cname;
    }
}

// Whether there is somebody to watch; false: *answer. Before anything is opened.
static bool target_there(struct whip *whip, const char *room_name, const char *target,
                         struct whip_answer *answer) {
    const struct room *room = hub_find_room(whip->hub, room_name);
    if (room && whip_follow_target(whip, room, target, NULL))
        return true;
    whip_add_header(answer, "retry-after: %d", RETRY_SECONDS);
    whip_refuse(whip, answer, 409,
                target[0] ? "nobody of that name or userId sends in this room now; try again"
                          : "nobody sends in this room now; try again");
    return false;
}

void whip_view(struct whip *whip, const struct whip_request *request, const struct whip_path *path,
               struct whip_answer *answer) {
    const struct sdp_media *sections[SECTIONS];
    char target[TARGET_BYTES + 1];
    struct ice_credentials ice;
    struct hub_refusal refusal;
    if (!whip_session_may_come(whip, request, path->parts[0], answer))
        return;
    const struct sdp_media *section = whip_read_offer(whip, request, answer);
    if (!section || !choose_sections(whip, sections, answer) || !read_target(whip, request, target, answer) ||
        !target_there(whip, path->parts[0], target, answer))
        return;
    struct whip_session *session = whip_session_open(whip, request, path, section, &ice, answer);
    if (!session)
        return;
    snprintf(session->target, sizeof session->target, "%s", target);
    session->capabilities = whip_capabilities(whip, sections);
    session->held_bytes = session->capabilities ? hub_memory_of_json(session->capabilities) : 0;
    whip->held_bytes += session->held_bytes;
    take_sections(session, sections);
    struct hub_last_n everybody = {.n = CHOICE_ALL};
    (void)hub_set_last_n(whip->hub, session->me, &everybody, &refusal);
    hub_set_loudest_n(whip->hub, session->me, CHOICE_ALL);
    struct whip_description description = {.whip = whip,
                                           .offer = &whip->sdp,
                                           .transport = whip_session_transport(session),
                                           .ice = &ice,
                                           .views = true};
    for (unsigned kind = 0; kind < SECTIONS; kind++)
        if (sections[kind])
            take_index(session, kind, section_index(&whip->sdp, sections[kind]), &description);
    if (session->capabilities)
        whip_follow(session);
    describe_streams(session, &description);
    size_t len = 0;
    char *text = session->capabilities ? whip_describe(&description, &len) : NULL;
    whip_answer_offer(session, request->late, &description, text, len, answer);
    explicit_bzero(&ice, sizeof ice);
}
