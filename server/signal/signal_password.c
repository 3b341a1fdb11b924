// Passwords of a join: who is asked for one, and the joins that wait while it is verified elsewhere.
#include "server/signal/signal.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

// A join that waits; of its session.
struct waiting_join {
    struct session *session;
    uint32_t ticket;
    const struct signal_row *row;
    json_t *data, *id;         // of the request; id NULL: none
    struct held_answer *place; // of an answer without id
};

bool signal_may_pass(struct signal_admission *admission, struct hub_join *join, struct hub_refusal *refusal) {
    struct signalling *signalling = admission->session->signalling;
    const struct signal_io *io = &signalling->io;
    bool moderator = false;
    if (!io->password || !io->password(io->ctx, join->entering_room, join->entering_as, &moderator))
        return true;
    if (admission->verdict == SIGNAL_PASSWORD_RIGHT) {
        join->more_rights = admission->moderator ? (unsigned)RIGHT_ADMIN : 0U;
        return true;
    }
    if (admission->verdict == SIGNAL_PASSWORD_WRONG)
        return hub_refuse(refusal, HUB_PASSWORD_WRONG, "this is another password than that of %s",
                          moderator ? "the moderator of this name" : "the room");
    if (!admission->password)
        return hub_refuse(refusal, HUB_PASSWORD_NEEDED, "%s; send its `password`",
                          moderator ? "this name is a moderator's, and has a password"
                                    : "the room has a password");
    if (strlen(admission->password) > SIGNAL_PASSWORD_BYTES_MAX)
        return hub_refuse(refusal, HUB_BAD_REQUEST, "`password` may have at most %d bytes of UTF-8",
                          SIGNAL_PASSWORD_BYTES_MAX);
    uint32_t ticket = ++signalling->tickets;
    if (!io->check_password(io->ctx, admission->session->client, ticket, join->entering_room,
                            join->entering_as, admission->password)) {
        signalling->counts.rate_limited++;
        return hub_refuse(refusal, HUB_RATE_LIMITED,
                          "too many passwords are being verified; try again in a few seconds");
    }
    admission->ticket = ticket;
    join->pending = true;
    return false;
}

static void waiting_free(struct waiting_join *waiting) {
    waiting->session->waiting = NULL;
    json_decref(waiting->data);
    json_decref(waiting->id);
    free(waiting);
}

static struct signal_call call_of(const struct waiting_join *waiting) {
    return (struct signal_call){.signalling = waiting->session->signalling,
                                .hub = waiting->session->signalling->hub,
                                .session = waiting->session,
                                .row = waiting->row,
                                .type = waiting->row->type,
                                .data = waiting->data,
                                .id = waiting->id,
                                .place = waiting->place};
}

static void give_up(void *owner) {
    struct waiting_join *waiting = owner;
    struct signal_call call = call_of(waiting);
    signal_refuse(&call, CODE_INTERNAL, "join-room: other requests came in before it was decided");
    waiting_free(waiting);
}

void signal_wait_for_password(struct signal_call *call, uint32_t ticket) {
    struct session *session = call->session;
    assert(!session->waiting);
    struct waiting_join *waiting = calloc(1, sizeof *waiting);
    bool fine = waiting && (call->id || (waiting->place = signal_hold_place(session, waiting, give_up)));
    if (!fine) {
        free(waiting);
        signal_refuse_memory(call);
        return;
    }
    waiting->session = session;
    waiting->ticket = ticket;
    waiting->row = call->row;
    waiting->data = json_incref(call->data);
    waiting->id = json_incref(call->id);
    session->waiting = waiting;
}

void signal_forget_waiting(struct session *session) {
    if (session->waiting)
        waiting_free(session->waiting);
}

bool signal_take_waiting(struct session *session, uint32_t ticket, struct signal_call *call) {
    struct waiting_join *waiting = session->waiting;
    if (!waiting || session->closed || waiting->ticket != ticket)
        return false;
    *call = call_of(waiting);
    json_incref(call->data);
    json_incref(call->id);
    waiting_free(waiting);
    return true;
}
