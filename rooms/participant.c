#include "rooms/participant.h"

#include "base/entropy.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

struct public_id public_id_new(void) {
    struct public_id id;
    entropy_text(id.text, PUBLIC_ID_BYTES);
    id.text[PUBLIC_ID_BYTES] = '\0';
    return id;
}

struct participant *participant_create(const char *name) {
    assert(strlen(name) <= USERNAME_BYTES_MAX);
    struct participant *participant = calloc(1, sizeof *participant);
    if (!participant)
        return NULL;
    list_init(&participant->link);
    list_init(&participant->transports);
    list_init(&participant->stage_link);
    participant->stage_rank = STAGE_NONE;
    participant->last_n = participant->loudest_n = CHOICE_OF_ROOM;
    list_init(&participant->queued);
    participant->id = public_id_new();
    participant->rights = RIGHTS_ALL;
    memcpy(participant->name, name, strlen(name) + 1);
    memcpy(participant->came_as, name, strlen(name) + 1);
    participant_new_resume_token(participant);
    speaker_voice_init(&participant->voice);
    wheel_node_init(&participant->resume_timer, NULL);
    wheel_node_init(&participant->grants_timer, NULL);
    return participant;
}

void participant_destroy(struct participant *participant) {
    if (!participant)
        return;
    assert(!participant->room && list_empty(&participant->transports));
    assert(!list_linked(&participant->voice.link) && participant->call_count == 0);
    assert(!list_linked(&participant->stage_link));
    struct queued_text *queued;
    while ((queued = participant_dequeue(participant)))
        free(queued);
    assert(!participant->about);
    explicit_bzero(participant->resume_token, sizeof participant->resume_token);
    explicit_bzero(participant->token_before, sizeof participant->token_before);
    free(participant);
}

void participant_new_resume_token(struct participant *participant) {
    memcpy(participant->token_before, participant->resume_token, sizeof participant->token_before);
    entropy_text(participant->resume_token, RESUME_TOKEN_BYTES);
    participant->resume_token[RESUME_TOKEN_BYTES] = '\0';
}

void participant_token_received(struct participant *participant) {
    explicit_bzero(participant->token_before, sizeof participant->token_before);
}

// In constant time. An unset token matches nothing, since `token` has no NUL within its length.
static bool token_equal(const char *ours, const char *token) {
    unsigned difference = 0;
    for (size_t i = 0; i < RESUME_TOKEN_BYTES; i++)
        difference |= (unsigned)(unsigned char)(ours[i] ^ token[i]);
    return difference == 0;
}

bool participant_token_matches(const struct participant *participant, const char *token) {
    if (strlen(token) != RESUME_TOKEN_BYTES)
        return false;
    bool now = token_equal(participant->resume_token, token);
    bool before = token_equal(participant->token_before, token);
    return now || (before && participant->connection == 0);
}

enum err participant_queue(struct participant *participant, const char *text, size_t len) {
    if (participant->queued_count == QUEUED_TEXTS_MAX || len > QUEUED_BYTES_MAX - participant->queued_bytes)
        return ERR_LIMIT;
    struct queued_text *queued = malloc(sizeof *queued + len);
    if (!queued)
        return ERR_NO_MEMORY;
    queued->len = len;
    memcpy(queued->text, text, len);
    list_push_back(&participant->queued, &queued->link);
    participant->queued_count++;
    participant->queued_bytes += len;
    return ERR_OK;
}

struct queued_text *participant_dequeue(struct participant *participant) {
    if (list_empty(&participant->queued))
        return NULL;
    struct queued_text *queued = LIST_ENTRY(participant->queued.next, struct queued_text, link);
    list_remove(&queued->link);
    assert(participant->queued_count > 0 && participant->queued_bytes >= queued->len);
    participant->queued_count--;
    participant->queued_bytes -= queued->len;
    return queued;
}
