// What happens in the hub, as far as sessions hear of it. The observer may call no verb: what is to be done
// is done at the next whip_advance.
#include "base/clock.h"
#include "base/slots.h"
#include "server/whip/whip_internal.h"

// To look costs each viewer as much as there are people in its room: in large ones nobody looks more often
// than this.
#define LARGE_ROOM 32
#define LOOK_US (250 * US_PER_MS)

// Whoever of this room watches somebody has to look again.
static void mark_viewers(struct whip *whip, const struct room *room) {
    bool large = room->participant_count > LARGE_ROOM, lately = whip->look.due_us != TIME_NEVER;
    if (whip->counts.viewers == 0)
        return;
    LIST_EACH(node, &room->participants) {
        struct whip_session *session = whip_session_of(whip, LIST_ENTRY(node, struct participant, link));
        if (!session || !session->views || !session->me)
            continue;
        if (large && lately)
            session->behind = true;
        else
            whip_session_mark(session);
    }
    if (large && !lately)
        wheel_arm(&whip->wheel, &whip->look, whip->now_us + LOOK_US);
}

void whip_look_fire(struct wheel_node *node, uint64_t now_us) {
    struct whip *whip = LIST_ENTRY(node, struct whip, look);
    uint32_t cursor = 0;
    bool any = false;
    for (struct whip_session *session; (session = slots_next(whip->sessions, &cursor));) {
        if (!session->behind)
            continue;
        any = true;
        session->behind = false;
        whip_session_mark(session);
    }
    if (any)
        wheel_arm(&whip->wheel, &whip->look, now_us + LOOK_US);
}

// Its connection speaks for it no more: it is out of its room.
static void participant_left(void *ctx, const struct participant *who, const char *reason) {
    struct whip *whip = ctx;
    (void)reason;
    struct whip_session *session = whip_session_of(whip, who);
    if (session && session->me == who) {
        session->me = NULL;
        whip_session_mark(session);
    }
    if (who->observer == HUB_OBSERVER_WHIP) // others are heard of by what they sent
        mark_viewers(whip, who->room);
}

static void taken_over(void *ctx, const struct participant *who) {
    struct whip *whip = ctx;
    struct whip_session *session = whip_session_of(whip, who);
    if (!session)
        return;
    session->me = NULL;
    whip_session_mark(session);
}

static void transport_state(void *ctx, const struct room_transport *transport) {
    struct whip_session *session = whip_session_of(ctx, transport->owner);
    if (session && session->me)
        whip_session_path(session, transport);
}

static void ice_candidates(void *ctx, const struct room_transport *transport, unsigned first) {
    struct whip_session *session = whip_session_of(ctx, transport->owner);
    (void)first;
    if (session && session->me)
        whip_gather_found(session, transport);
}

static void consumer_layers(void *ctx, const struct room_consumer *consumer, int8_t spatial, int8_t temporal,
                            const char *reason) {
    struct whip_session *session = whip_session_of(ctx, consumer_owner(consumer));
    (void)temporal, (void)reason;
    if (!session || !session->me)
        return;
    session->sections[consumer->producer->kind].spatial_shown = spatial;
    session->layers_told = false;
    whip_session_mark(session);
}

static void consumer_closed(void *ctx, const struct room_consumer *consumer, const char *reason) {
    struct whip_session *session = whip_session_of(ctx, consumer_owner(consumer));
    (void)reason;
    if (session && session->me)
        whip_session_mark(session);
}

// One viewer more, perhaps; what it may send comes later.
static void participant_joined(void *ctx, const struct participant *who) {
    if (who->observer == HUB_OBSERVER_WHIP)
        mark_viewers(ctx, who->room);
}

static void producer_changed(void *ctx, const struct room_producer *producer) {
    mark_viewers(ctx, producer_owner(producer)->room);
}

static void speaker_changed(void *ctx, const struct room *room, const struct participant *who) {
    (void)who;
    mark_viewers(ctx, room);
}

// Nobody reads messages here, so none is taken.
static enum err relayed(void *ctx, struct participant *to, const struct hub_relayed *what) {
    (void)ctx, (void)to, (void)what;
    return ERR_LIMIT;
}

static void draining(void *ctx, uint64_t deadline_wall_us) {
    struct whip *whip = ctx;
    (void)deadline_wall_us;
    whip->draining = true;
}

static size_t held_bytes(void *ctx) {
    const struct whip *whip = ctx;
    return whip->held_bytes + slots_count(whip->sessions) * sizeof(struct whip_session);
}

// ---- what nobody here needs to know

static void no_removed(void *ctx, const struct participant *who, const char *reason,
                       const struct participant *by, const char *words) {
    (void)ctx, (void)who, (void)reason, (void)by, (void)words; // participant_left follows
}
static void no_mute(void *ctx, const struct participant *who, enum media_kind kind,
                    const struct participant *by) {
    (void)ctx, (void)who, (void)kind, (void)by;
}
static void no_text(void *ctx, const struct participant *who, const char *text) {
    (void)ctx, (void)who, (void)text;
}
static void no_pair(void *ctx, const struct participant *who, const struct participant *by) {
    (void)ctx, (void)who, (void)by;
}
static void no_knock(void *ctx, const struct knock *knock) {
    (void)ctx, (void)knock;
}
static void no_knock_end(void *ctx, const struct knock *knock, const char *reason,
                         const struct participant *by, const char *words) {
    (void)ctx, (void)knock, (void)reason, (void)by, (void)words; // nobody waits here
}
static void no_lock(void *ctx, const struct room *room, const struct participant *by) {
    (void)ctx, (void)room, (void)by;
}
static void no_line(void *ctx, const struct hub_chat_line *line) {
    (void)ctx, (void)line;
}
static void no_taken(void *ctx, const struct room_producer *producer, const char *reason) {
    (void)ctx, (void)producer, (void)reason;
}
static void no_offer(void *ctx, const struct room_transport *transport, const struct ice_credentials *ice) {
    (void)ctx, (void)transport, (void)ice; // a client that finds its path dead restarts ICE by itself
}
static void no_wanted(void *ctx, const struct room_producer *producer) {
    (void)ctx, (void)producer;
}
static void no_producer_score(void *ctx, const struct room_producer *producer, uint8_t score) {
    (void)ctx, (void)producer, (void)score;
}
static void no_consumer_score(void *ctx, const struct room_consumer *consumer, uint8_t score) {
    (void)ctx, (void)consumer, (void)score;
}
static void no_levels(void *ctx, const struct room *room, struct speaker_voice *const *loudest,
                      unsigned count) {
    (void)ctx, (void)room, (void)loudest, (void)count;
}
static void no_stats(void *ctx, unsigned worker, const struct media_stats *stats) {
    (void)ctx, (void)worker, (void)stats;
}

static void no_participant(void *ctx, const struct participant *who) {
    (void)ctx, (void)who;
}

static void no_room(void *ctx, const struct room *room) {
    (void)ctx, (void)room;
}

struct hub_events whip_observer(struct whip *whip) {
    return (struct hub_events){
        .ctx = whip,
        .room_opened = no_room,
        .room_closed = no_room,
        .participant_joined = participant_joined,
        .participant_left = participant_left,
        .said = no_line,
        .removed = no_removed,
        .muted = no_mute,
        .held_changed = no_pair,
        .room_locked = no_lock,
        .recording_changed = no_room,
        .rights_changed = no_participant,
        .renamed = no_text,
        .appeared = no_participant,
        .room_described = no_room,
        .described = no_pair,
        .role_changed = no_pair,
        .knocked = no_knock,
        .knock_ended = no_knock_end,
        .lobby_switched = no_lock,
        .hand_changed = no_pair,
        .reacted = no_text,
        .producer_taken = no_taken,
        .taken_over = taken_over,
        .relayed = relayed,
        .transport_state = transport_state,
        .ice_offered = no_offer,
        .ice_candidates = ice_candidates,
        .layers_wanted = no_wanted,
        .producer_score = no_producer_score,
        .consumer_score = no_consumer_score,
        .consumer_layers = consumer_layers,
        .consumer_closed = consumer_closed,
        .producer_opened = producer_changed,
        .producer_paused = producer_changed,
        .producer_closed = producer_changed,
        .speaker_changed = speaker_changed,
        .levels_changed = no_levels,
        .stats = no_stats,
        .draining = draining,
        .held_bytes = held_bytes,
    };
}
