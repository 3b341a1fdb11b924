// The two ways in: LiveKit's RoomService over Twirp, and paths of our own.
#include "base/log_pace.h"
#include "server/admin/admin_internal.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// ---- answers

static void answer_json(struct admin_answer *out, unsigned status, json_t *value) {
    out->status = value ? status : 500;
    out->body = value ? json_dumps(value, JSON_COMPACT) : NULL;
    out->len = out->body ? strlen(out->body) : 0;
    json_decref(value);
}

void admin_answer_refusal(const struct admin_call *call, struct admin_answer *out) {
    answer_json(out, admin_status(call->code),
                json_pack("{s:s, s:s}", "code", admin_code_name(call->code), "msg", call->words));
}

void admin_refuse_tries(unsigned wait_seconds, struct admin_answer *out) {
    struct admin_call call = {.code = ADMIN_OK};
    *out = (struct admin_answer){0};
    admin_refuse(&call, ADMIN_EXHAUSTED,
                 "too many tokens and joins from your network were refused; try again in %u seconds",
                 wait_seconds);
    admin_answer_refusal(&call, out);
}

static void tell(const struct admin_call *call, const struct admin_request *request,
                 const struct admin_answer *out) {
    LOG_BY(call->code != ADMIN_UNAUTHENTICATED, LOG_STRANGER, LOG_LEVEL_INFO, "managed",
           LOG_TEXT("method", request->method), LOG_TEXT("path", request->path),
           LOG_NUMBER("status", out->status), LOG_TEXT("reason", call->words));
}

// `call->ask` is there, and its members.
static void run(struct admin_call *call, const struct admin_request *request, enum admin_need need,
                admin_operation *operation, struct admin_answer *out) {
    json_t *answer = NULL;
    if (call->code == ADMIN_OK && admin_may(call, need)) {
        answer = operation(call);
        if (!answer && call->code == ADMIN_OK)
            admin_refuse(call, ADMIN_INTERNAL, "out of memory");
    }
    if (answer)
        answer_json(out, 200, answer);
    else
        admin_answer_refusal(call, out);
    tell(call, request, out);
}

void admin_run(struct admin_call *call, const struct admin_request *request, enum admin_need need,
               admin_operation *operation, struct admin_answer *out) {
    run(call, request, need, operation, out);
    admin_close(call);
}

// ---- Twirp

static const struct {
    const char *name;
    enum admin_need need;
    admin_operation *operation;
} methods[] = {
    {"ListRooms", ADMIN_NEED_LIST, admin_list_rooms},
    {"CreateRoom", ADMIN_NEED_CREATE, admin_create_room},
    {"DeleteRoom", ADMIN_NEED_CREATE, admin_delete_room},
    {"ListParticipants", ADMIN_NEED_ADMIN, admin_list_participants},
    {"GetParticipant", ADMIN_NEED_ADMIN, admin_get_participant},
    {"RemoveParticipant", ADMIN_NEED_ADMIN, admin_remove_participant},
    {"MutePublishedTrack", ADMIN_NEED_ADMIN, admin_mute_track},
    {"UpdateParticipant", ADMIN_NEED_ADMIN, admin_update_participant},
    {"UpdateRoomMetadata", ADMIN_NEED_ADMIN, admin_update_room_metadata},
    {"SendData", ADMIN_NEED_ADMIN, admin_send_data},
    {"UpdateSubscriptions", ADMIN_NEED_ADMIN, admin_unknown},
    {"ForwardParticipant", ADMIN_NEED_ADMIN, admin_unknown},
    {"MoveParticipant", ADMIN_NEED_ADMIN, admin_unknown},
    {"PerformRpc", ADMIN_NEED_ADMIN, admin_unknown},
};

// The path's last part is all that may stand behind the service: one in front that lets some methods through
// reads the whole path.
void admin_twirp(const struct admin *admin, const struct admin_request *request, struct admin_answer *out) {
    static const char service[] = "/twirp/livekit.RoomService/";
    struct admin_call call = {.admin = admin};
    *out = (struct admin_answer){0};
    bool ours = strncmp(request->path, service, sizeof service - 1) == 0;
    const char *name = ours ? request->path + sizeof service - 1 : "";
    size_t i = 0, count = sizeof methods / sizeof methods[0];
    while (i < count && strcmp(methods[i].name, name) != 0)
        i++;
    bool open = admin_open(&call, request);
    if (open && request->content_type.len > 0 && !admin_is_json(request->content_type))
        admin_refuse_type(
            &call); // with an empty body, too: its answer would be in a form that is not understood
    else if (open && i == count)
        admin_refuse(&call, ADMIN_BAD_ROUTE, "RoomService has no such method here");
    admin_run(&call, request, i < count ? methods[i].need : ADMIN_NEED_OPERATOR,
              i < count ? methods[i].operation : admin_unknown, out);
}

// ---- paths of our own. A part in braces becomes a member of what is asked.

static const struct {
    const char *method, *path;
    enum admin_need need;
    admin_operation *operation;
} rows[] = {
    {"GET", "rooms", ADMIN_NEED_LIST, admin_list_rooms},
    {"POST", "rooms", ADMIN_NEED_CREATE, admin_create_room},
    {"GET", "rooms/{room}", ADMIN_NEED_ADMIN, admin_get_room},
    {"PATCH", "rooms/{room}", ADMIN_NEED_ADMIN, admin_change_room},
    {"DELETE", "rooms/{room}", ADMIN_NEED_CREATE, admin_delete_room},
    {"POST", "rooms/{room}/data", ADMIN_NEED_ADMIN, admin_send_data},
    {"GET", "rooms/{room}/participants", ADMIN_NEED_ADMIN, admin_list_participants},
    {"GET", "rooms/{room}/participants/{identity}", ADMIN_NEED_ADMIN, admin_get_participant},
    {"PATCH", "rooms/{room}/participants/{identity}", ADMIN_NEED_ADMIN, admin_update_participant},
    {"DELETE", "rooms/{room}/participants/{identity}", ADMIN_NEED_ADMIN, admin_remove_participant},
    {"POST", "rooms/{room}/participants/{identity}/tracks/{trackSid}/mute", ADMIN_NEED_ADMIN,
     admin_mute_track},
    {"POST", "rooms/{room}/plain-transports", ADMIN_NEED_OPERATOR, admin_open_plain},
    {"GET", "rooms/{room}/plain-transports", ADMIN_NEED_OPERATOR, admin_list_plain},
    {"DELETE", "rooms/{room}/plain-transports/{transport}", ADMIN_NEED_OPERATOR, admin_close_plain},
    {"POST", "rooms/{room}/plain-transports/{transport}/producers", ADMIN_NEED_OPERATOR, admin_plain_produce},
    {"POST", "rooms/{room}/plain-transports/{transport}/consumers", ADMIN_NEED_OPERATOR, admin_plain_consume},
    {"POST", "rooms/{room}/recordings", ADMIN_NEED_RECORD, admin_record},
    {"GET", "rooms/{room}/recordings", ADMIN_NEED_RECORD, admin_list_recordings},
    {"DELETE", "rooms/{room}/recordings/{recording}", ADMIN_NEED_RECORD, admin_stop_recording},
    {"POST", "drain", ADMIN_NEED_OPERATOR, admin_drain},
};

// Whether the path is one of the row; with `ask`, puts what stands in place of braces there.
static bool matches(const char *row, const char *path, json_t *ask) {
    while (*row && *path) {
        size_t row_len = strcspn(row, "/"), len = strcspn(path, "/");
        bool variable = row[0] == '{';
        if (variable ? len == 0 : len != row_len || memcmp(row, path, len) != 0)
            return false;
        char name[32];
        if (variable && ask) {
            memcpy(name, row + 1, row_len - 2);
            name[row_len - 2] = '\0';
            if (json_object_set_new(ask, name, json_stringn(path, len)) != 0)
                return false;
        }
        row += row_len + (row[row_len] == '/');
        path += len;
        if ((*path == '/') != (*row != '\0'))
            return false;
        path += *path == '/';
    }
    return !*row && !*path;
}

// The methods of the rows that have this path.
static void allowed(const char *path, char allow[ADMIN_ALLOW_MAX]) {
    size_t len = 0;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (matches(rows[i].path, path, NULL))
            len += (size_t)snprintf(allow + len, ADMIN_ALLOW_MAX - len, "%s%s", len ? ", " : "",
                                    strcmp(rows[i].method, "GET") == 0 ? "GET, HEAD" : rows[i].method);
    assert(len < ADMIN_ALLOW_MAX);
}

void admin_rest(const struct admin *admin, const struct admin_request *request, struct admin_answer *out) {
    static const char prefix[] = "/api/v1/";
    struct admin_call call = {.admin = admin};
    *out = (struct admin_answer){0};
    const char *path =
        request->path + (strncmp(request->path, prefix, sizeof prefix - 1) == 0 ? sizeof prefix - 1 : 0);
    size_t i = 0, count = sizeof rows / sizeof rows[0];
    while (i < count && (strcmp(rows[i].method, request->method) != 0 || !matches(rows[i].path, path, NULL)))
        i++;
    bool open = admin_open(&call, request);
    if (open && i == count)
        allowed(path, out->allow);
    if (open && i == count && out->allow[0])
        admin_refuse(&call, ADMIN_BAD_METHOD, "this path takes %s", out->allow);
    else if (open && i == count)
        admin_refuse(&call, ADMIN_BAD_ROUTE, "there is nothing of that kind here");
    else if (open && !matches(rows[i].path, path, call.ask)) // a path wins over a member of that name
        admin_refuse(&call, ADMIN_INVALID, "the path is not UTF-8");
    admin_run(&call, request, i < count ? rows[i].need : ADMIN_NEED_OPERATOR,
              i < count ? rows[i].operation : admin_unknown, out);
}
