// The public face of the signalling: making, ending, clients, time, counts.
#include "server/signal/signalling.h"

#include "base/hmap.h"
#include "base/log_pace.h"
#include "base/slots.h"
#include "server/signal/signal.h"

#include <assert.h>
#include <stdlib.h>

#define NEXT_HORIZON_US US_PER_SECOND

struct signalling *signalling_create(struct hub *hub, const struct signal_io *io, uint64_t now_us) {
    struct signalling *signalling = calloc(1, sizeof *signalling);
    if (!signalling)
        return NULL;
    signalling->hub = hub;
    signalling->io = *io;
    signalling->now_us = now_us;
    wheel_init(&signalling->wheel, now_us);
    signalling->sessions = slots_create(SLOTS_MAX);
    signalling->clients = hmap_create(sizeof(uint32_t), SLOTS_MAX);
    signalling->stats_requests = signal_stats_table();
    if (!signalling->sessions || !signalling->clients || !signalling->stats_requests) {
        signalling_destroy(signalling);
        return NULL;
    }
    struct hub_events events = signal_observer(signalling);
    hub_observe(hub, HUB_OBSERVER_SIGNALLING, &events);
    return signalling;
}

// ---- the end

static void silent_send(void *ctx, uint32_t client, const char *text, size_t len, enum signal_haste haste) {
    (void)ctx, (void)client, (void)text, (void)len, (void)haste;
}

static void silent_close(void *ctx, uint32_t client, uint16_t code, const char *reason) {
    (void)ctx, (void)client, (void)code, (void)reason;
}

void signalling_destroy(struct signalling *signalling) {
    if (!signalling)
        return;
    signalling->io = (struct signal_io){.send = silent_send, .close = silent_close};
    hub_observe(signalling->hub, HUB_OBSERVER_SIGNALLING, NULL);
    uint32_t cursor = 0;
    for (struct session *s; signalling->sessions && (s = slots_next(signalling->sessions, &cursor));)
        signalling_client_closed(signalling, s->client, signalling->now_us);
    slots_destroy(signalling->sessions);
    hmap_destroy(signalling->clients);
    slots_destroy(signalling->stats_requests);
    text_buffer_close(&signalling->out);
    free(signalling);
}

// ---- clients

static void turn(struct signalling *signalling, uint64_t now_us) {
    signalling->now_us = now_us;
    hub_set_time(signalling->hub, now_us);
}

static void join_timer_fire(struct wheel_node *node, uint64_t now_us) {
    (void)now_us;
    struct session *session = LIST_ENTRY(node, struct session, join_timer);
    LOG_STRANGER(LOG_LEVEL_INFO, "connection closed", LOG_NUMBER("client", session->client),
                 LOG_TEXT("reason", "did not join"));
    signal_close(session, CLOSE_POLICY, "join a room in time");
}

void signalling_client_opened(struct signalling *signalling, uint32_t client, uint64_t now_us) {
    turn(signalling, now_us);
    assert(!signal_session_find(signalling, client));
    struct session *session = calloc(1, sizeof *session);
    if (session)
        session->id = slots_add(signalling->sessions, session);
    if (!session || session->id == 0 || hmap_put(signalling->clients, &client, session->id) != ERR_OK) {
        if (session)
            slots_remove(signalling->sessions, session->id);
        free(session);
        signalling->io.close(signalling->io.ctx, client, CLOSE_INTERNAL, "out of memory");
        return;
    }
    session->signalling = signalling;
    session->client = client;
    list_init(&session->held);
    list_init(&session->stats);
    list_init(&session->gathering);
    wheel_node_init(&session->join_timer, join_timer_fire);
    signal_wait_for_join(session);
}

void signalling_client_closed(struct signalling *signalling, uint32_t client, uint64_t now_us) {
    signalling_client_lost(signalling, client, now_us, now_us);
}

void signalling_client_lost(struct signalling *signalling, uint32_t client, uint64_t heard_us,
                            uint64_t now_us) {
    turn(signalling, now_us);
    struct session *session = signal_session_find(signalling, client);
    if (!session)
        return;
    signal_stats_forget(session);
    signal_gathering_forget(session);
    signal_forget_waiting(session);
    if (session->lobby_room) // it came to nothing
        signal_note(session, SIGNAL_JOIN_FAILED);
    signal_leave_lobby(session);
    signal_drop_held(session);
    wheel_cancel(&signalling->wheel, &session->join_timer);
    struct participant *participant = session->participant;
    if (participant) {
        signal_detach(session);
        hub_detach(signalling->hub, participant, heard_us);
    }
    hmap_remove(signalling->clients, &client);
    slots_remove(signalling->sessions, session->id);
    free(session);
}

void signalling_client_message(struct signalling *signalling, uint32_t client, const char *text, size_t len,
                               uint64_t now_us) {
    turn(signalling, now_us);
    struct session *session = signal_session_find(signalling, client);
    if (!session || session->closed)
        return;
    signalling->counts.messages_in++;
    if (len > SIGNAL_MESSAGE_MAX)
        signalling_client_bad_frame(signalling, client, SIGNAL_FRAME_TOO_BIG, now_us);
    else
        signal_dispatch(session, text, len);
}

void signalling_client_bad_frame(struct signalling *signalling, uint32_t client, enum signal_bad_frame what,
                                 uint64_t now_us) {
    turn(signalling, now_us);
    struct session *session = signal_session_find(signalling, client);
    if (!session || session->closed)
        return;
    if (what == SIGNAL_FRAME_BINARY)
        signal_refuse_frame(session, CODE_BAD_JSON,
                            "binary frames are not used: send one JSON object as text",
                            CLOSE_UNSUPPORTED_DATA);
    else
        signal_refuse_frame(session, CODE_LIMIT_REACHED, "the message is longer than 65536 bytes",
                            CLOSE_TOO_BIG);
}

void signalling_password_checked(struct signalling *signalling, uint32_t client, uint32_t ticket, bool right,
                                 bool moderator, uint64_t now_us) {
    turn(signalling, now_us);
    struct session *session = signal_session_find(signalling, client);
    struct signal_call call;
    if (!session || !signal_take_waiting(session, ticket, &call))
        return;
    struct signal_admission admission = {.session = session,
                                         .verdict = right ? SIGNAL_PASSWORD_RIGHT : SIGNAL_PASSWORD_WRONG,
                                         .moderator = moderator};
    signal_decide_join(&call, &admission);
    json_decref(call.data);
    json_decref(call.id);
}

void signalling_send_data(struct signalling *signalling, const struct room *room,
                          const struct participant *only, const char *payload_base64, const char *topic) {
    json_t *data = json_pack("{s:s, s:s?}", "payload", payload_base64, "topic", topic);
    if (only)
        signal_notify(signalling, only, OUT_DATA, data);
    else
        signal_broadcast(signalling, room, NULL, OUT_DATA, data);
}

// ---- time, counts

uint64_t signalling_next_us(const struct signalling *signalling) {
    return wheel_next_us(&signalling->wheel, signalling->now_us, NEXT_HORIZON_US);
}

void signalling_advance(struct signalling *signalling, uint64_t now_us) {
    turn(signalling, now_us);
    wheel_advance(&signalling->wheel, now_us);
}

void signalling_read_counts(const struct signalling *signalling, struct signal_counts *out) {
    *out = signalling->counts;
    out->clients = slots_count(signalling->sessions);
}
