// Limits by address on what a client costs before it has joined.
#include "server/signal/signal.h"

static const char *const step_words[] = {
    [HUB_STEP_JOIN] = "too many joins from your network have failed",
    [HUB_STEP_OPEN_ROOM] = "too many new rooms were opened from your network",
};

bool signal_admit(struct signal_call *call, enum hub_step step) {
    const struct hub_io *io = &call->hub->post.io;
    unsigned wait_seconds = io->admit ? io->admit(io->ctx, call->session->client, step) : 0;
    if (wait_seconds == 0)
        return true;
    call->hub->counts.rate_limited++;
    signal_refuse(call, CODE_RATE_LIMITED, "%s: %s; try again in %u seconds", call->type, step_words[step],
                  wait_seconds);
    return false;
}

void signal_note(struct session *session, enum hub_note note) {
    const struct hub_io *io = &session->hub->post.io;
    if (io->note && !session->closed)
        io->note(io->ctx, session->client, note);
}
