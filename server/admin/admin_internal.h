// admin_internal: one call, from either way in to the same operations; for server/admin/ alone.
#ifndef SERVER_ADMIN_INTERNAL_H
#define SERVER_ADMIN_INTERNAL_H

#include "server/admin/admin.h"
#include "server/admin/admin_describe.h"

#include <jansson.h>

#define ADMIN_WORDS_MAX 512

// Twirp's codes (its specification, "Error codes"), as far as they are used.
enum admin_code {
    ADMIN_OK,
    ADMIN_INVALID,
    ADMIN_MALFORMED,
    ADMIN_NOT_FOUND,
    ADMIN_BAD_ROUTE,
    ADMIN_BAD_METHOD,
    ADMIN_UNAUTHENTICATED,
    ADMIN_DENIED,
    ADMIN_EXHAUSTED,
    ADMIN_PRECONDITION,
    ADMIN_UNIMPLEMENTED,
    ADMIN_UNAVAILABLE,
    ADMIN_INTERNAL,
    ADMIN_CODE_COUNT
};

enum admin_need {
    ADMIN_NEED_LIST,
    ADMIN_NEED_CREATE,
    ADMIN_NEED_ADMIN,
    ADMIN_NEED_RECORD,
    ADMIN_NEED_OPERATOR
};

struct admin_call {
    const struct admin *admin;
    json_t *ask; // the request as an object, in the members of LiveKit's messages
    struct service_grants grants;
    enum admin_code code;
    char words[ADMIN_WORDS_MAX];
};

// NULL for the caller to return.
json_t *admin_refuse(struct admin_call *call, enum admin_code code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
// A body that is not JSON by its type; the one refusal for it.
bool admin_is_json(struct span type);
json_t *admin_refuse_type(struct admin_call *call);
json_t *admin_refuse_verb(struct admin_call *call, const struct hub_refusal *refusal);
unsigned admin_status(enum admin_code code);
const char *admin_code_name(enum admin_code code);

// ---- admin_ask.c: reading what is asked. Members are found in both spellings, "emptyTimeout" and
// "empty_timeout".

// Checks content type, token and body; `ask` is then an object, empty for an empty body.
bool admin_open(struct admin_call *call, const struct admin_request *request);
void admin_close(struct admin_call *call);
bool admin_may(struct admin_call *call, enum admin_need need);
const json_t *admin_member(const struct admin_call *call, const char *name);
// A text, "" when it is not there; NULL and a refusal when it is something else, or missing though `needed`.
const char *admin_text(struct admin_call *call, const char *name, bool needed);
// A number from 0 to `max`, 0 when it is not there.
bool admin_number(struct admin_call *call, const char *name, uint32_t max, uint32_t *out);
bool admin_truth(struct admin_call *call, const char *name, bool *out);

// ---- admin_rooms.c: each returns its answer, or NULL and has refused

typedef json_t *admin_operation(struct admin_call *call);
admin_operation admin_list_rooms, admin_create_room, admin_delete_room, admin_update_room_metadata;
admin_operation admin_list_participants, admin_get_participant, admin_remove_participant;
admin_operation admin_mute_track, admin_update_participant, admin_send_data;
admin_operation admin_get_room, admin_change_room, admin_drain, admin_unknown;

// ---- admin_plain.c
admin_operation admin_open_plain, admin_list_plain, admin_close_plain, admin_plain_produce,
    admin_plain_consume;

// ---- admin_record.c
admin_operation admin_record, admin_list_recordings, admin_stop_recording;

// Runs it and writes what came of it.
void admin_run(struct admin_call *call, const struct admin_request *request, enum admin_need need,
               admin_operation *operation, struct admin_answer *out);
void admin_answer_refusal(const struct admin_call *call, struct admin_answer *out);

#endif
