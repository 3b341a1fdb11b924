// Who asks, and for what.
#include "server/admin/admin_internal.h"
#include "server/common/bearer.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

// ---- refusals

static const struct {
    const char *name;
    unsigned status;
} codes[ADMIN_CODE_COUNT] = {
    [ADMIN_OK] = {"", 200},
    [ADMIN_INVALID] = {"invalid_argument", 400},
    [ADMIN_MALFORMED] = {"malformed", 400},
    [ADMIN_NOT_FOUND] = {"not_found", 404},
    [ADMIN_BAD_ROUTE] = {"bad_route", 404},
    [ADMIN_BAD_METHOD] = {"bad_route", 405}, // as Twirp's own servers call it
    [ADMIN_UNAUTHENTICATED] = {"unauthenticated", 401},
    [ADMIN_DENIED] = {"permission_denied", 403},
    [ADMIN_EXHAUSTED] = {"resource_exhausted", 429},
    [ADMIN_PRECONDITION] = {"failed_precondition", 412},
    [ADMIN_UNIMPLEMENTED] = {"unimplemented", 501},
    [ADMIN_UNAVAILABLE] = {"unavailable", 503},
    [ADMIN_INTERNAL] = {"internal", 500},
};

unsigned admin_status(enum admin_code code) {
    return codes[code].status;
}

const char *admin_code_name(enum admin_code code) {
    return codes[code].name;
}

json_t *admin_refuse(struct admin_call *call, enum admin_code code, const char *format, ...) {
    va_list args;
    va_start(args, format);
    vsnprintf(call->words, sizeof call->words, format, args);
    va_end(args);
    call->code = code;
    return NULL;
}

json_t *admin_refuse_verb(struct admin_call *call, const struct hub_refusal *refusal) {
    static const enum admin_code map[HUB_CODE_COUNT] = {
        [HUB_BAD_REQUEST] = ADMIN_INVALID,      [HUB_NOT_FOUND] = ADMIN_NOT_FOUND,
        [HUB_FORBIDDEN] = ADMIN_DENIED,         [HUB_ENCRYPTION_NEEDED] = ADMIN_PRECONDITION,
        [HUB_LIMIT_REACHED] = ADMIN_EXHAUSTED,  [HUB_ROOM_FULL] = ADMIN_EXHAUSTED,
        [HUB_RATE_LIMITED] = ADMIN_EXHAUSTED,   [HUB_DRAINING] = ADMIN_UNAVAILABLE,
        [HUB_BUSY] = ADMIN_UNAVAILABLE,         [HUB_WRONG_STATE] = ADMIN_PRECONDITION,
        [HUB_UNSUPPORTED] = ADMIN_PRECONDITION, [HUB_USERNAME_TAKEN] = ADMIN_PRECONDITION,
    };
    enum admin_code code = map[refusal->code] ? map[refusal->code] : ADMIN_INTERNAL;
    return admin_refuse(call, code, "%s", refusal->code == HUB_NO_MEMORY ? "out of memory" : refusal->text);
}

// ---- the token

static bool take_token(struct admin_call *call, struct span header, char out[TOKEN_BYTES_MAX + 1]) {
    struct span token = bearer_token(header);
    if (!token.ptr)
        return admin_refuse(call, ADMIN_UNAUTHENTICATED, "a token is missing (Authorization: Bearer TOKEN)");
    if (token.len > TOKEN_BYTES_MAX)
        return admin_refuse(call, ADMIN_UNAUTHENTICATED, "the token is longer than %d bytes",
                            TOKEN_BYTES_MAX);
    memcpy(out, token.ptr, token.len);
    out[token.len] = '\0';
    return true;
}

static bool authenticate(struct admin_call *call, struct span header) {
    char token[TOKEN_BYTES_MAX + 1], why[TOKEN_WHY_MAX];
    const struct admin_io *io = &call->admin->io;
    if (!take_token(call, header, token))
        return false;
    bool good = io->verify(io->ctx, token, &call->grants, why);
    explicit_bzero(token, sizeof token);
    if (!good)
        admin_refuse(call, ADMIN_UNAUTHENTICATED, "%s", why);
    return good;
}

// Whether the token's room is the one that is asked for; names that look the same are.
static bool names_room(struct admin_call *call) {
    char granted[ROOM_NAME_BYTES_MAX + 1], asked[ROOM_NAME_BYTES_MAX + 1];
    struct hub_refusal ignored;
    const char *room = json_string_value(json_object_get(call->ask, "room"));
    return room && call->grants.room[0] &&
           hub_read_name("room", call->grants.room, ROOM_NAME_CHARS_MAX, granted, &ignored) &&
           hub_read_name("room", room, ROOM_NAME_CHARS_MAX, asked, &ignored) && strcmp(granted, asked) == 0;
}

bool admin_may(struct admin_call *call, enum admin_need need) {
    const struct service_grants *grants = &call->grants;
    static const char *const wants[] = {
        "`video.roomList`", "`video.roomCreate`", "`video.roomAdmin` for this room (`video.room`)",
        "`video.roomRecord` for this room, or for all (no `video.room`)", "`rotunda.operator`"};
    bool may = grants->operator_;
    switch (need) {
    case ADMIN_NEED_LIST:
        may = may || grants->room_list;
        break;
    case ADMIN_NEED_CREATE:
        may = may || grants->room_create;
        break;
    case ADMIN_NEED_ADMIN:
        may = may || (grants->room_admin && names_room(call));
        break;
    case ADMIN_NEED_RECORD:
        may = may || (grants->room_record && (!grants->room[0] || names_room(call)));
        break;
    case ADMIN_NEED_OPERATOR:
        break;
    }
    if (!may)
        admin_refuse(call, ADMIN_DENIED, "the token does not have %s", wants[need]);
    return may;
}

// ---- the body

bool admin_is_json(struct span type) {
    static const char json[] = "application/json";
    size_t len = sizeof json - 1;
    return type.len >= len && strncasecmp((const char *)type.ptr, json, len) == 0 &&
           (type.len == len || type.ptr[len] == ';' || type.ptr[len] == ' ');
}

json_t *admin_refuse_type(struct admin_call *call) {
    return admin_refuse(call, ADMIN_BAD_ROUTE, "only application/json is taken here");
}

// Whether brackets nest no deeper than is taken, before a parser recurses into them.
static bool is_shallow(struct span body) {
    unsigned depth = 0;
    bool quoted = false;
    for (size_t i = 0; i < body.len; i++) {
        uint8_t c = body.ptr[i];
        if (quoted)
            i += c == '\\', quoted = c != '"';
        else if (c == '"')
            quoted = true;
        else if (c == '{' || c == '[')
            depth++;
        else if ((c == '}' || c == ']') && depth > 0)
            depth--;
        if (depth > ADMIN_DEPTH_MAX)
            return false;
    }
    return true;
}

// "emptyTimeout" -> "empty_timeout".
static void snake(const char *name, char out[64]) {
    size_t len = 0;
    for (; *name && len < 61; name++) {
        if (isupper((unsigned char)*name))
            out[len++] = '_';
        out[len++] = (char)tolower((unsigned char)*name);
    }
    out[len] = '\0';
}

// Whether each member is there in one of its two spellings alone; else one would count and nobody knew which.
static bool says_once(struct admin_call *call, const json_t *object) {
    const char *name;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)object, name, value) {
        char other[64];
        snake(name, other);
        if (strcmp(name, other) != 0 && json_object_get(object, other))
            return admin_refuse(call, ADMIN_MALFORMED, "`%s` and `%s` are one; leave one out", other, name);
        bool whole = strcmp(name, "permission") == 0 || strcmp(name, "egress") == 0;
        if (whole && json_is_object(value) && !says_once(call, value))
            return false;
    }
    return true;
}

static bool read_body(struct admin_call *call, const struct admin_request *request) {
    struct span body = request->body;
    json_error_t why;
    if (body.len == 0) {
        call->ask = json_object();
        return call->ask || admin_refuse(call, ADMIN_INTERNAL, "out of memory");
    }
    if (!admin_is_json(request->content_type))
        return admin_refuse_type(call);
    if (!is_shallow(body))
        return admin_refuse(call, ADMIN_MALFORMED, "the body nests deeper than %d", ADMIN_DEPTH_MAX);
    call->ask = json_loadb((const char *)body.ptr, body.len, JSON_REJECT_DUPLICATES, &why);
    if (!call->ask)
        return admin_refuse(call, ADMIN_MALFORMED,
                            "the body is not JSON, or names a member twice (line %d, column %d)", why.line,
                            why.column);
    if (!json_is_object(call->ask))
        return admin_refuse(call, ADMIN_MALFORMED, "the body is no object");
    return says_once(call, call->ask);
}

bool admin_open(struct admin_call *call, const struct admin_request *request) {
    return authenticate(call, request->authorization) && read_body(call, request);
}

void admin_close(struct admin_call *call) {
    json_decref(call->ask);
    call->ask = NULL;
}

// ---- members

const json_t *admin_member(const struct admin_call *call, const char *name) {
    char other[64];
    const json_t *value = json_object_get(call->ask, name);
    snake(name, other);
    value = value ? value : json_object_get(call->ask, other);
    return json_is_null(value) ? NULL : value;
}

const char *admin_text(struct admin_call *call, const char *name, bool needed) {
    const json_t *value = admin_member(call, name);
    const char *text = json_string_value(value);
    if (value && !text)
        admin_refuse(call, ADMIN_INVALID, "`%s` must be a text", name);
    else if (needed && (!text || !text[0]))
        admin_refuse(call, ADMIN_INVALID, "`%s` is required", name);
    else
        return text ? text : "";
    return NULL;
}

// A whole number as protobuf's JSON has it: also as a text, and with a fraction of nothing. Negative: it is
// none.
static double whole_number(const json_t *value) {
    const char *text = json_string_value(value);
    double number = json_is_number(value) ? json_number_value(value) : -1;
    if (text) {
        json_t *read = text[strspn(text, "0123456789.eE+-")] ? NULL : json_loads(text, JSON_DECODE_ANY, NULL);
        number = json_is_number(read) ? json_number_value(read) : -1;
        json_decref(read);
    }
    return number <= UINT32_MAX && number == (double)(uint32_t)(number < 0 ? 0 : number) ? number : -1;
}

bool admin_number(struct admin_call *call, const char *name, uint32_t max, uint32_t *out) {
    const json_t *value = admin_member(call, name);
    double number = value ? whole_number(value) : 0;
    *out = 0;
    if (number < 0 || number > max)
        return admin_refuse(call, ADMIN_INVALID, "`%s` must be a number from 0 to %u", name, max);
    *out = (uint32_t)number;
    return true;
}

bool admin_truth(struct admin_call *call, const char *name, bool *out) {
    const json_t *value = admin_member(call, name);
    *out = json_is_true(value);
    return !value || json_is_boolean(value) ||
           admin_refuse(call, ADMIN_INVALID, "`%s` must be true or false", name);
}
