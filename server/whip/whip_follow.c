// Whom a viewer watches, and the consumers that follow from it: one of sound and one of picture.
#include "server/whip/whip_internal.h"

#include <stdlib.h>
#include <string.h>

// The producer of a kind to be watched: a camera before a screen, which has its own address.
static struct room_producer *producer_of(const struct participant *who, enum media_kind kind) {
    struct room_producer *found = NULL;
    LIST_EACH(t, &who->transports) {
        LIST_EACH(p, &LIST_ENTRY(t, struct room_transport, link)->producers) {
            struct room_producer *producer = LIST_ENTRY(p, struct room_producer, link);
            bool screen = (producer->source & (RIGHT_SCREEN | RIGHT_SCREEN_AUDIO)) != 0;
            if (producer->kind == kind && (!found || !screen))
                found = producer;
            if (found && !screen && found == producer)
                break;
        }
    }
    return found;
}

static bool sends(const struct participant *who) {
    return producer_of(who, MEDIA_AUDIO) || producer_of(who, MEDIA_VIDEO);
}

static struct participant *active_speaker(const struct room *room) {
    struct speaker_voice *active = room->speaker.active;
    return active ? LIST_ENTRY(active, struct participant, voice) : NULL;
}

// Whoever has picture, before who has sound alone.
static struct participant *first_sender(const struct room *room, const struct participant *me) {
    struct participant *heard = NULL;
    LIST_EACH(node, &room->participants) {
        struct participant *who = LIST_ENTRY(node, struct participant, link);
        if (who == me || !sends(who))
            continue;
        if (producer_of(who, MEDIA_VIDEO))
            return who;
        heard = heard ? heard : who;
    }
    return heard;
}

struct participant *whip_follow_target(const struct whip *whip, const struct room *room, const char *target,
                                       const struct participant *me) {
    (void)whip;
    struct participant *who = target[0] ? room_find_target(room, target) : active_speaker(room);
    if (who == me || (who && !sends(who)))
        who = NULL;
    return who || target[0] ? who : first_sender(room, me);
}

// Who speaks for now, else whom it has watched, as long as they send.
static struct participant *choose(struct whip_session *session) {
    const struct room *room = session->me->room;
    struct participant *before = session->shown.text[0] ? room_find_id(room, session->shown.text) : NULL;
    struct participant *speaker = active_speaker(room);
    bool stays = !session->target[0] && before && sends(before) &&
                 (!speaker || speaker == session->me || !sends(speaker));
    return stays ? before : whip_follow_target(session->whip, room, session->target, session->me);
}

// ---- consumers

static struct room_consumer *own_consumer(struct whip_session *session, const struct section *section) {
    struct hub_refusal refusal;
    return section->consumer.text[0]
               ? hub_own_consumer(session->whip->hub, session->me, section->consumer.text, &refusal)
               : NULL;
}

void whip_follow_wishes(struct whip_session *session, enum media_kind kind) {
    struct section *section = &session->sections[kind];
    struct hub *hub = session->whip->hub;
    struct hub_refusal refusal;
    struct hub_layers chosen;
    if (!own_consumer(session, section))
        return;
    (void)hub_pause_consumer(hub, session->me, section->consumer.text, section->muted, &refusal);
    if (kind == MEDIA_VIDEO)
        (void)hub_set_layers(hub, session->me, section->consumer.text, section->spatial, section->temporal,
                             &chosen, &refusal);
}

static void take_ssrcs(struct section *section, const json_t *parameters) {
    const json_t *encoding = json_array_get(json_object_get(parameters, "encodings"), 0);
    section->ssrc = (uint32_t)json_integer_value(json_object_get(encoding, "ssrc"));
    section->rtx_ssrc =
        (uint32_t)json_integer_value(json_object_get(json_object_get(encoding, "rtx"), "ssrc"));
}

static void open_consumer(struct whip_session *session, enum media_kind kind,
                          const struct room_producer *producer) {
    struct section *section = &session->sections[kind];
    struct own_numbers numbers = {.mid = section->mid, .ext = section->ext};
    struct hub_consume ask = {.producer_id = producer->public_id.text,
                              .transport_id = session->transport.text,
                              .capabilities = session->capabilities,
                              .paused = section->muted,
                              .numbers = &numbers};
    struct hub_refusal refusal;
    json_t *parameters = NULL;
    const struct room_consumer *consumer =
        hub_consume(session->whip->hub, session->me, &ask, &parameters, &refusal);
    if (consumer)
        take_ssrcs(section, parameters);
    json_decref(parameters);
    if (!consumer)
        return; // no codec in common, or a busy worker: tried again when something changes
    section->consumer = consumer->public_id;
    section->spatial_shown = LAYER_NONE;
    if (section->spatial != LAYER_NONE || section->temporal != LAYER_NONE)
        whip_follow_wishes(session, kind);
}

static void follow_kind(struct whip_session *session, enum media_kind kind,
                        const struct participant *target) {
    struct section *section = &session->sections[kind];
    const struct room_consumer *now = own_consumer(session, section);
    const struct room_producer *wanted = target && section->wanted ? producer_of(target, kind) : NULL;
    struct hub_refusal refusal;
    if (now && now->producer == wanted)
        return;
    if (now)
        hub_close_consumer(session->whip->hub, session->me, section->consumer.text, &refusal);
    section->consumer.text[0] = '\0';
    if (wanted)
        open_consumer(session, kind, wanted);
    session->layers_told = false;
}

void whip_follow(struct whip_session *session) {
    const struct participant *target = choose(session);
    if (target)
        session->shown = target->id;
    else
        session->shown.text[0] = '\0';
    follow_kind(session, MEDIA_AUDIO, target);
    follow_kind(session, MEDIA_VIDEO, target);
}
