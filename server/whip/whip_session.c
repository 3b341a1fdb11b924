// A session: a participant, its transport, and how long it may stay.
#include "base/entropy.h"
#include "base/hmap.h"
#include "base/log_pace.h"
#include "base/slots.h"
#include "server/common/bearer.h"
#include "server/whip/whip_internal.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MADE_NAME_BYTES 6
#define CALL_US (US_PER_SECOND / 10) // ten requests a second
#define CALLS_BURST_US (5 * US_PER_SECOND)
#define TOKEN_BYTES_MAX 8192

// ---- who comes

static bool note(const struct whip *whip, const struct net_address *address, enum whip_note what) {
    return !whip->io.note || whip->io.note(whip->io.ctx, address, what);
}

static bool bearer_of(struct span authorization, char out[TOKEN_BYTES_MAX]) {
    struct span token = bearer_token(authorization);
    if (!token.ptr || token.len >= TOKEN_BYTES_MAX)
        return false;
    memcpy(out, token.ptr, token.len);
    out[token.len] = '\0';
    return true;
}

static bool may_try(const struct whip *whip, const struct whip_request *request, enum hub_step step,
                    struct hub_refusal *refusal) {
    const struct whip_io *io = &whip->io;
    unsigned wait_seconds = io->admit ? io->admit(io->ctx, &request->address, step) : 0;
    return wait_seconds == 0 ||
           hub_refuse(refusal, HUB_RATE_LIMITED, "%s from your network; try again in %u seconds",
                      step == HUB_STEP_OPEN_ROOM ? "too many new rooms were opened"
                                                 : "too many joins have failed",
                      wait_seconds);
}

// Whether who asks may come in, and as whom. False: *answer.
static bool read_token(struct whip *whip, const struct whip_request *request, struct grants *grants,
                       struct whip_answer *answer) {
    char token[TOKEN_BYTES_MAX], why[WHIP_WHY_MAX] = "this server admits nobody without a token: send it as "
                                                     "`Authorization: Bearer TOKEN`";
    struct hub_refusal refusal;
    if (!may_try(whip, request, HUB_STEP_JOIN, &refusal)) { // before anything is verified
        whip_refuse_verb(whip, answer, &refusal);
        return false;
    }
    bool good = bearer_of(request->authorization, token) && whip->io.verify(whip->io.ctx, token, grants, why);
    explicit_bzero(token, sizeof token);
    if (good)
        return true;
    note(whip, &request->address, WHIP_JOIN_FAILED);
    whip_add_header(answer, "www-authenticate: Bearer realm=\"rotunda\"%s",
                    request->authorization.ptr ? ", error=\"invalid_token\"" : "");
    whip_refuse(whip, answer, 401, "%s", why);
    return false;
}

void whip_session_renew(struct whip_session *session, const struct whip_request *request) {
    const struct whip_io *io = &session->whip->io;
    struct grants grants;
    struct hub_refusal refusal;
    char token[TOKEN_BYTES_MAX], why[WHIP_WHY_MAX];
    if (io->verify && bearer_of(request->authorization, token) && io->verify(io->ctx, token, &grants, why))
        (void)hub_update_grants(session->whip->hub, session->me, &grants, &refusal);
    explicit_bzero(token, sizeof token);
}

// What a participant is called that says nothing itself.
static void make_name(bool views, char *out, size_t cap) {
    char text[MADE_NAME_BYTES + 1];
    entropy_text(text, MADE_NAME_BYTES);
    text[MADE_NAME_BYTES] = '\0';
    snprintf(out, cap, "%s-%s", views ? "whep" : "whip", text);
}

// WHIP has no way to show a password, so a token has to let its bearer in where there is one.
static bool password_spared(const struct whip *whip, const char *room, const char *name,
                            struct hub_refusal *refusal) {
    bool needed = whip->io.password && whip->io.password(whip->io.ctx, room, name);
    return !needed || hub_refuse(refusal, HUB_UNAUTHORIZED,
                                 "this room has a password, which WHIP and WHEP have no way to show; a token "
                                 "(`Authorization: Bearer TOKEN`) lets its bearer in");
}

// While a room is locked or has a lobby, moderators alone come this way; nobody else hears who is in it.
static bool room_stands_open(const struct whip *whip, const char *name, const struct grants *grants,
                             struct hub_refusal *refusal) {
    const struct room *room = hub_find_room(whip->hub, name);
    if (!room || (!room->locked && !room->has_lobby) || (grants && (grants->rights & RIGHT_ADMIN)))
        return true;
    return hub_refuse(
        refusal, HUB_FORBIDDEN,
        room->locked
            ? "the room is locked; a moderator who is in it can unlock it"
            : "a moderator of this room lets people in one by one, and WHIP and WHEP have no place to "
              "wait; a moderator's token (roomAdmin) lets its bearer in");
}

// Who is banned hears nothing of the room either.
static bool is_welcome(const struct whip *whip, const struct whip_request *request, const char *room_name,
                       const char *name, const struct grants *grants, struct hub_refusal *refusal) {
    const struct room *room = hub_find_room(whip->hub, room_name);
    char network[NETWORK_BYTES_MAX], called[USERNAME_BYTES_MAX + 1];
    struct hub_refusal ignored;
    net_address_network(&request->address, network);
    if (grants && grants->name[0])
        name = grants->name;
    bool named = hub_read_name("name", name, USERNAME_CHARS_MAX, called, &ignored);
    bool known_address = !whip->io.known || whip->io.known(whip->io.ctx, &request->address);
    const struct hub_join ask = {
        .grants = grants, .entering_as = named ? called : "", .network = known_address ? network : NULL};
    return !room || hub_is_welcome(room, &ask, refusal);
}

static bool token_fits(const struct whip_request *request, const char *asked, const struct grants *grants,
                       struct hub_refusal *refusal) {
    char granted[ROOM_NAME_BYTES_MAX + 1];
    if (!hub_read_name("video.room", grants->room, ROOM_NAME_CHARS_MAX, granted, refusal))
        return false;
    if (strcmp(asked, granted) != 0)
        return hub_refuse(refusal, HUB_FORBIDDEN, "the token is for another room");
    return !request->views || (grants->rights & RIGHT_SUBSCRIBE) ||
           hub_refuse(refusal, HUB_FORBIDDEN,
                      "your token does not let you get what others send; ask for one that does");
}

// The same identity is the same person, who is at one place at a time. But a viewer ends nothing but another
// viewer: an encoder, or a page, whose token is opened in a player goes on.
static bool ends_a_viewer_at_most(const struct whip *whip, const char *room_name, const struct grants *grants,
                                  struct hub_refusal *refusal) {
    const struct room *room = hub_find_room(whip->hub, room_name);
    if (!room || !grants->identity[0])
        return true;
    LIST_EACH(node, &room->participants) {
        const struct participant *other = LIST_ENTRY(node, struct participant, link);
        const struct whip_session *session = whip_session_of(whip, other);
        if (strcmp(other->identity, grants->identity) == 0 && !(session && session->views))
            return hub_refuse(
                refusal, HUB_WRONG_STATE,
                "your token's identity is in this room already, with an encoder or a page, and a "
                "viewer would end that; watch with a token for another identity");
    }
    return true;
}

bool whip_session_may_come(struct whip *whip, const struct whip_request *request, const char *room,
                           struct whip_answer *answer) {
    struct grants grants;
    struct hub_refusal refusal;
    char asked[ROOM_NAME_BYTES_MAX + 1], name[USERNAME_BYTES_MAX + 1] = "";
    bool vouched = whip->io.verify != NULL;
    if (vouched && !read_token(whip, request, &grants, answer))
        return false;
    (void)whip_query_value(request->query, "name", name, sizeof name);
    bool good = hub_read_name("roomId", room, ROOM_NAME_CHARS_MAX, asked, &refusal) &&
                (vouched ? token_fits(request, asked, &grants, &refusal)
                         : password_spared(whip, asked, name, &refusal)) &&
                room_stands_open(whip, asked, vouched ? &grants : NULL, &refusal) &&
                is_welcome(whip, request, asked, name, vouched ? &grants : NULL, &refusal) &&
                (!vouched || !request->views || ends_a_viewer_at_most(whip, asked, &grants, &refusal));
    if (!good)
        whip_refuse_verb(whip, answer, &refusal);
    return good;
}

struct admission {
    struct whip *whip;
    const struct whip_request *request;
    bool opening;
};

static bool admit(void *ctx, enum hub_step step, struct hub_join *ask, struct hub_refusal *refusal) {
    struct admission *a = ctx;
    if (step == HUB_STEP_PASSWORD)
        return password_spared(a->whip, ask->entering_room, ask->entering_as, refusal);
    a->opening = step == HUB_STEP_OPEN_ROOM;
    return may_try(a->whip, a->request, step, refusal);
}

// Its participant; false: *answer.
static bool join(struct whip_session *session, const struct whip_request *request, const char *room,
                 struct whip_answer *answer) {
    struct whip *whip = session->whip;
    struct grants grants;
    bool vouched = whip->io.verify != NULL;
    char name[USERNAME_BYTES_MAX + 1], made[USERNAME_BYTES_MAX + 1];
    int named = whip_query_value(request->query, "name", name, sizeof name);
    if (named < 0) {
        whip_refuse(whip, answer, 400, "the query's `name` is malformed, or longer than %d characters",
                    USERNAME_CHARS_MAX);
        return false;
    }
    if (vouched && !read_token(whip, request, &grants, answer))
        return false;
    make_name(session->views, made, sizeof made);
    bool known = vouched && (grants.name[0] || grants.identity[0]);
    char network[NETWORK_BYTES_MAX];
    net_address_network(&request->address, network);
    bool known_address = !whip->io.known || whip->io.known(whip->io.ctx, &request->address);
    struct admission admission = {whip, request, false};
    struct hub_refusal refusal;
    struct hub_join ask = {.room = room,
                           .username = named > 0 ? name
                                       : known   ? NULL
                                                 : made,
                           .grants = vouched ? &grants : NULL,
                           .connection = session->id,
                           .observer = HUB_OBSERVER_WHIP,
                           .cannot_wait = true,
                           .network = known_address ? network : NULL,
                           .spent = &session->spent,
                           .admit = admit,
                           .ctx = &admission,
                           .last_n = CHOICE_OF_ROOM,
                           .loudest_n = CHOICE_OF_ROOM};
    session->me = hub_join(whip->hub, &ask, &refusal);
    if (session->me)
        return true;
    if (refusal.code != HUB_RATE_LIMITED)
        note(whip, &request->address, WHIP_JOIN_FAILED);
    whip_refuse_verb(whip, answer, &refusal);
    return false;
}

// ---- the path

// To its full ICE agent, which a transport has where the client is ICE-lite, or the setting wants it.
static bool tell_path(struct whip_session *session, const struct sdp_media *section,
                      struct hub_refusal *refusal) {
    struct hub_ice_told told = {.ufrag = section->ufrag,
                                .pwd = section->pwd,
                                .count = section->candidate_count,
                                .candidates = section->candidates};
    struct hub_ice_taken taken;
    return hub_tell_ice(session->whip->hub, session->me, session->transport.text, &told, &taken, refusal);
}

static bool open_path(struct whip_session *session, const struct sdp_media *section,
                      struct ice_credentials *ice, struct whip_answer *answer) {
    struct whip *whip = session->whip;
    struct hub_refusal refusal = {.code = HUB_NO_MEMORY};
    json_t *dtls = whip_dtls_parameters(section);
    const struct hub_transport_ask ask = {.from_client = !session->views,
                                          .client_offers = true,
                                          .peer_is_lite = whip->sdp.ice_lite,
                                          .want = HUB_WANT_ANY_ICE};
    const struct room_transport *transport =
        dtls ? hub_open_transport_as(whip->hub, session->me, &ask, ice, &refusal) : NULL;
    bool ok =
        transport && hub_connect_transport(whip->hub, session->me, transport->public_id.text, dtls, &refusal);
    json_decref(dtls);
    if (ok) {
        session->transport = transport->public_id;
        ok = !transport->full || tell_path(session, section, &refusal);
    }
    if (!ok) {
        whip_refuse_verb(whip, answer, &refusal);
        return false;
    }
    whip_session_note_ice(session, section->ufrag, section->pwd);
    memcpy(session->mid, section->mid.ptr ? (const char *)section->mid.ptr : "", section->mid.len);
    session->mid_kind = whip_kind(section);
    return true;
}

static void take_text(char *out, size_t bytes_max, struct span text) {
    size_t len = text.len < bytes_max ? text.len : bytes_max;
    memcpy(out, text.len ? (const char *)text.ptr : "", len);
    out[len] = '\0';
}

void whip_session_note_ice(struct whip_session *session, struct span ufrag, struct span pwd) {
    take_text(session->ufrag, ICE_TEXT_BYTES, ufrag);
    take_text(session->pwd, ICE_TEXT_BYTES, pwd);
}

void whip_session_new_etag(struct whip_session *session) {
    entropy_text(session->etag, ETAG_BYTES);
    session->etag[ETAG_BYTES] = '\0';
}

static void silence_fire(struct wheel_node *node, uint64_t now_us) {
    (void)now_us;
    struct whip_session *session = LIST_ENTRY(node, struct whip_session, silence);
    whip_session_close(session, "timeout");
}

// ---- begin and end

static struct whip_session *session_create(struct whip *whip, bool views) {
    struct whip_session *session = calloc(1, sizeof *session);
    if (!session)
        return NULL;
    session->whip = whip;
    session->views = views;
    entropy_text(session->secret, SECRET_BYTES);
    whip_session_new_etag(session);
    list_init(&session->dirty_link);
    list_init(&session->tell_link);
    wheel_node_init(&session->silence, silence_fire);
    whip_gather_init(session);
    session->id = slots_add(whip->sessions, session);
    if (session->id && hmap_put(whip->secrets, session->secret, session->id) == ERR_OK)
        return session;
    if (session->id)
        slots_remove(whip->sessions, session->id);
    free(session);
    return NULL;
}

struct whip_session *whip_session_open(struct whip *whip, const struct whip_request *request,
                                       const struct whip_path *path, const struct sdp_media *section,
                                       struct ice_credentials *ice, struct whip_answer *answer) {
    if (!note(whip, &request->address, WHIP_OPENED)) {
        whip_add_header(answer, "retry-after: %d", 10);
        whip_refuse(whip, answer, 429, "too many sessions from your network wait for their media; try again");
        return NULL;
    }
    struct whip_session *session = session_create(whip, request->views);
    if (!session) {
        note(whip, &request->address, WHIP_CLOSED);
        whip_refuse(whip, answer, 503, "out of memory");
        return NULL;
    }
    session->address = request->address;
    session->spent.all_due_us = whip_debt(whip, &request->address);
    *(request->views ? &whip->counts.viewers : &whip->counts.publishers) += 1;
    if (join(session, request, path->parts[0], answer) && open_path(session, section, ice, answer)) {
        wheel_arm(&whip->wheel, &session->silence,
                  whip->now_us + hub_config(whip->hub)->limits.join_timeout_us);
        return session;
    }
    whip_session_close(session, "left");
    return NULL;
}

void whip_session_close(struct whip_session *session, const char *reason) {
    struct whip *whip = session->whip;
    struct participant *me = session->me;
    session->me = NULL; // what follows is no news to it
    whip_streams_end(session);
    whip_gather_end(session);
    if (me)
        session->spent = me->spent;
    whip_owe(whip, &session->address, session->spent.all_due_us);
    if (me)
        hub_leave(whip->hub, me, reason);
    wheel_cancel(&whip->wheel, &session->silence);
    list_remove(&session->dirty_link);
    list_remove(&session->tell_link);
    json_decref(session->capabilities);
    whip->held_bytes -= session->held_bytes;
    hmap_remove(whip->secrets, session->secret);
    slots_remove(whip->sessions, session->id);
    *(session->views ? &whip->counts.viewers : &whip->counts.publishers) -= 1;
    note(whip, &session->address, session->connected ? WHIP_DISMISSED : WHIP_CLOSED);
    explicit_bzero(session, sizeof *session);
    free(session);
}

struct whip_session *whip_session_find(const struct whip *whip, const struct whip_path *path, bool views) {
    if (path->count < 2 || strlen(path->parts[1]) != SECRET_BYTES)
        return NULL;
    uint32_t id = hmap_get(whip->secrets, path->parts[1]);
    struct whip_session *session = id == HMAP_NONE ? NULL : slots_get(whip->sessions, id);
    return session && session->me && session->views == views ? session : NULL;
}

struct whip_session *whip_session_of(const struct whip *whip, const struct participant *who) {
    bool mine = who->connection != 0 && who->observer == HUB_OBSERVER_WHIP;
    return mine ? slots_get(whip->sessions, who->connection) : NULL;
}

// ---- what happens to it

// As for others the time counts from the last sign of life, and most of it is over when a worker tells.
static uint64_t silence_end_us(const struct whip *whip, const struct room_transport *transport) {
    uint64_t end_us = transport->heard_us + hub_config(whip->hub)->limits.resume_window_us;
    return end_us > whip->now_us ? end_us : whip->now_us;
}

void whip_session_path(struct whip_session *session, const struct room_transport *transport) {
    struct whip *whip = session->whip;
    bool there = transport->ice == ICE_CONNECTED && transport->dtls == DTLS_CONNECTED;
    bool ended = transport->dtls == DTLS_CLOSED || transport->dtls == DTLS_FAILED;
    if (there && !session->connected) {
        session->connected = true;
        note(whip, &session->address, WHIP_CONNECTED);
    }
    if (there)
        wheel_cancel(&whip->wheel, &session->silence);
    else if (ended) // the client has closed its connection, or is not who it said
        wheel_arm(&whip->wheel, &session->silence, whip->now_us);
    else if (session->connected && session->silence.due_us == TIME_NEVER)
        wheel_arm(&whip->wheel, &session->silence, silence_end_us(whip, transport));
}

void whip_session_mark(struct whip_session *session) {
    if (session->dirty)
        return;
    session->dirty = true;
    list_push_back(&session->whip->dirty, &session->dirty_link);
}

bool whip_session_may_ask(struct whip_session *session, struct whip_answer *answer) {
    struct whip *whip = session->whip;
    if (session->calls_due_us < whip->now_us)
        session->calls_due_us = whip->now_us;
    session->calls_due_us += CALL_US;
    if (session->calls_due_us <= whip->now_us + CALLS_BURST_US)
        return true;
    session->calls_due_us -= CALL_US;
    whip_add_header(answer, "retry-after: %d", 1);
    whip_refuse(whip, answer, 429, "a session may ask ten times a second; wait a second");
    return false;
}

const struct room_transport *whip_session_transport(const struct whip_session *session) {
    struct hub_refusal refusal;
    return hub_own_transport(session->whip->hub, session->me, session->transport.text, &refusal);
}

// ---- answers

void whip_session_address(const struct whip_session *session, char *out, size_t cap) {
    char room[3 * ROOM_NAME_BYTES_MAX + 1];
    whip_percent_encode(session->me->room->name, room, sizeof room);
    snprintf(out, cap, "/%s/%s/%s", session->views ? "whep" : "whip", room, session->secret);
}

void whip_answer_created(struct whip_session *session, char *description, size_t len,
                         struct whip_answer *answer) {
    char address[WHIP_ADDRESS_MAX];
    if (!description) {
        whip_refuse(session->whip, answer, 503, "out of memory");
        whip_session_close(session, "left");
        return;
    }
    whip_session_address(session, address, sizeof address);
    answer->status = 201;
    answer->content_type = "application/sdp";
    answer->body = description;
    answer->len = len;
    whip_add_header(answer, "location: %s", address);
    whip_add_header(answer, "etag: \"%s\"", session->etag);
    whip_add_header(answer, "accept-patch: application/trickle-ice-sdpfrag");
    if (session->views) {
        whip_add_header(answer,
                        "link: <%s/events>; rel=\"urn:ietf:params:whep:ext:core:server-sent-events\"; "
                        "events=\"" EVENT_NAMES "\"",
                        address);
        whip_add_header(answer, "link: <%s/layer>; rel=\"urn:ietf:params:whep:ext:core:layer\"", address);
    }
    whip_link_ice_servers(session->whip, session->me, answer);
    const char *event = session->views ? "whep session opened" : "whip session opened";
    const struct participant *me = session->me;
    if (me->by_token)
        LOG_INFO(event, LOG_TEXT("room", me->room->name), LOG_TEXT("user", me->name));
    else
        LOG_GUEST(LOG_LEVEL_INFO, event, LOG_TEXT("room", me->room->name), LOG_TEXT("user", me->name));
}
