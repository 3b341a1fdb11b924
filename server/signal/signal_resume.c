// Sessions that outlive their connection.
#include "base/log.h"
#include "server/signal/signal.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

// A new connection is no new budget.
static struct relay_budget budget_later(const struct relay_budget *a, const struct relay_budget *b) {
    return (struct relay_budget){
        .all_due_us = a->all_due_us > b->all_due_us ? a->all_due_us : b->all_due_us,
        .each_due_us = a->each_due_us > b->each_due_us ? a->each_due_us : b->each_due_us,
        .notice_bytes = a->notice_bytes > b->notice_bytes ? a->notice_bytes : b->notice_bytes,
    };
}

void signal_attach(struct session *session, struct participant *participant) {
    struct hub *hub = session->hub;
    assert(!session->participant && participant->connection == 0);
    wheel_cancel(&hub->wheel, &session->join_timer);
    wheel_cancel(&hub->wheel, &participant->resume_timer);
    session->participant = participant;
    participant->connection = session->id;
    signal_note(session, HUB_NOTE_JOINED);
    session->spent = budget_later(&session->spent, &participant->spent);
}

void signal_detach(struct session *session) {
    struct hub *hub = session->hub;
    struct participant *participant = session->participant;
    assert(participant && participant->connection == session->id);
    signal_note(session, HUB_NOTE_LEFT);
    session->participant = NULL;
    participant->connection = 0;
    participant->spent = session->spent;
    LOG_INFO("participant disconnected", LOG_TEXT("room", participant->room->name),
             LOG_TEXT("user", participant->name), LOG_TEXT("userId", participant->id.text));
    wheel_arm(&hub->wheel, &participant->resume_timer, hub->now_us + hub->config.limits.resume_window_us);
}

static struct participant *find_by_token(const struct room *room, const char *token) {
    LIST_EACH(node, &room->participants) {
        struct participant *participant = LIST_ENTRY(node, struct participant, link);
        if (participant_token_matches(participant, token))
            return participant;
    }
    return NULL;
}

static void deliver_queued(struct session *session, struct participant *participant) {
    memory_give(session->hub, memory_of_queued(participant));
    struct queued_text *queued;
    while ((queued = participant_dequeue(participant))) {
        signal_send_owed(session, queued->text, queued->len);
        free(queued);
    }
}

static void take_over(struct signal_call *call, struct participant *participant) {
    struct session *before = signal_session_of(call->hub, participant);
    if (before)
        signal_close(before, CLOSE_TAKEN_OVER, "taken over");
    signal_attach(call->session, participant);
    call->me = participant;
    call->hub->counts.resumes++;
    LOG_INFO("participant resumed", LOG_TEXT("room", participant->room->name),
             LOG_TEXT("user", participant->name), LOG_TEXT("userId", participant->id.text));
    deliver_queued(call->session, participant);
}

bool signal_resume(struct signal_call *call, struct room *room, const char *username, const char *token) {
    struct participant *participant = find_by_token(room, token);
    if (!participant)
        return false;
    if (username && strcmp(username, participant->name) != 0) {
        call->hub->counts.joins_refused++;
        signal_refuse(call, CODE_FORBIDDEN,
                      "join-room: `username` is not that of the session to resume; leave it out");
        return true;
    }
    struct refusal refusal = {0};
    struct receiver receiver = participant->receiver;
    const json_t *given = data_object(call->data, "rtpCapabilities");
    if (given && !receiver_check(call->hub, given, &receiver, &refusal)) {
        call->hub->counts.joins_refused++;
        signal_refuse_negotiation(call, "join-room: rtpCapabilities", &refusal);
        return true;
    }
    char old_token[RESUME_TOKEN_BYTES + 1];
    memcpy(old_token, participant->resume_token, sizeof old_token);
    participant_new_resume_token(participant);
    if (!signal_answer_joined(call, participant, true)) {
        memcpy(participant->resume_token, old_token, sizeof old_token); // it may try again
    } else {
        participant->receiver = receiver;
        take_over(call, participant);
    }
    explicit_bzero(old_token, sizeof old_token);
    return true;
}
