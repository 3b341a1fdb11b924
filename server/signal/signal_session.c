// One WebSocket connection: what it speaks for, and its end.
#include "base/hmap.h"
#include "base/log.h"
#include "base/slots.h"
#include "server/signal/signal.h"

#include <assert.h>

struct session *signal_session_of(const struct signalling *signalling,
                                  const struct participant *participant) {
    bool mine = participant->connection != 0 && participant->observer == HUB_OBSERVER_SIGNALLING;
    return mine ? slots_get(signalling->sessions, participant->connection) : NULL;
}

struct session *signal_session_find(const struct signalling *signalling, uint32_t client) {
    uint32_t id = hmap_get(signalling->clients, &client);
    return id == HMAP_NONE ? NULL : slots_get(signalling->sessions, id);
}

void signal_note(struct session *session, enum signal_note note) {
    const struct signal_io *io = &session->signalling->io;
    if (io->note && !session->closed)
        io->note(io->ctx, session->client, note);
}

void signal_send_text(struct session *session, const char *text, size_t len, enum signal_haste haste) {
    struct signalling *signalling = session->signalling;
    if (session->closed)
        return;
    signalling->counts.messages_out++;
    signalling->io.send(signalling->io.ctx, session->client, text, len, haste);
}

void signal_attach(struct session *session, struct participant *participant) {
    assert(!session->participant && participant->connection == session->id);
    wheel_cancel(&session->signalling->wheel, &session->join_timer);
    session->participant = participant;
    signal_note(session, SIGNAL_JOINED);
}

void signal_detach(struct session *session) {
    assert(session->participant);
    signal_note(session, SIGNAL_LEFT);
    session->spent = session->participant->spent;
    session->participant = NULL;
}

void signal_close(struct session *session, uint16_t code, const char *reason) {
    struct signalling *signalling = session->signalling;
    struct participant *participant = session->participant;
    if (session->closed)
        return;
    if (participant) {
        signal_detach(session);
        hub_detach(signalling->hub, participant, signalling->now_us);
    }
    if (session->lobby_room) { // it came to nothing
        uint32_t room = session->lobby_room;
        session->lobby_room = 0;
        signal_note(session, SIGNAL_JOIN_FAILED);
        hub_withdraw(signalling->hub, room, session->id);
    }
    session->closed = true;
    wheel_cancel(&signalling->wheel, &session->join_timer);
    signalling->io.close(signalling->io.ctx, session->client, code, reason);
}

void signal_wait_for_join(struct session *session) {
    struct signalling *signalling = session->signalling;
    wheel_arm(&signalling->wheel, &session->join_timer,
              signalling->now_us + hub_config(signalling->hub)->limits.join_timeout_us);
}
