// Tokens of programs that manage rooms, as livekit-server-sdk makes one for each request.
#include "server/access/token_internal.h"

static bool take_operator(const json_t *claims, bool *out, char *why) {
    const json_t *own = json_object_get(json_object_get(claims, "rotunda"), "operator");
    *out = json_is_true(own);
    return !own || json_is_null(own) || json_is_boolean(own) ||
           token_refuse(why, "the token's `rotunda.operator` must be true or false");
}

bool token_verify_service(const struct keys *keys, const char *token, uint64_t now_s,
                          struct service_grants *out, char *why) {
    json_t *claims = token_open(keys, token, why);
    struct grants times = {0};
    struct service_grants grants = {0};
    if (!claims)
        return false;
    const json_t *video = json_object_get(claims, "video");
    bool fine = token_times_hold(claims, now_s, &times, why) &&
                token_take_bool(video, "roomCreate", false, &grants.room_create, why) &&
                token_take_bool(video, "roomList", false, &grants.room_list, why) &&
                token_take_bool(video, "roomAdmin", false, &grants.room_admin, why) &&
                token_take_bool(video, "roomRecord", false, &grants.room_record, why) &&
                token_take_text(video, "room", grants.room, GRANT_ROOM_MAX, why) &&
                take_operator(claims, &grants.operator_, why);
    json_decref(claims);
    if (fine)
        *out = grants;
    return fine;
}
