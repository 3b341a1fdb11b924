#include "server/gate.h"

#include "base/clock.h"
#include "base/log.h"
#include "server/access/token.h"
#include "server/config/announce.h"
#include "server/room_file.h"
#include "server/signal/signalling.h"

#include <stdlib.h>
#include <string.h>

#define ERROR_MAX 1024

struct gate {
    const char *path; // "": no keys
    struct keys keys;
    const char *rooms_path; // "": nothing is settled
    struct room_file *rooms;
    bool signs;                 // what goes out is signed, so there is always a secret among the keys
    struct password_desk *desk; // NULL: before gate_begin, or no rooms are settled
};

static bool load_keys(const struct gate *gate, struct keys *keys, char *error, size_t error_cap) {
    if (!keys_load(keys, gate->path, error, error_cap))
        return false;
    if (!gate->signs || token_can_mint(keys))
        return true;
    keys_free(keys);
    snprintf(error, error_cap,
             "webhook: keys \"%.200s\" has no line `id: secret`, and with a public key nothing can be signed",
             gate->path);
    return false;
}

struct gate *gate_open(const struct config *config, char *error, size_t error_cap) {
    struct gate *gate = calloc(1, sizeof *gate);
    if (!gate) {
        snprintf(error, error_cap, "out of memory");
        return NULL;
    }
    gate->path = config->keys;
    gate->signs = config->webhooks.count > 0;
    if (gate_needs_tokens(gate) && !load_keys(gate, &gate->keys, error, error_cap)) {
        free(gate);
        return NULL;
    }
    gate->rooms_path = config->rooms;
    if (gate->rooms_path[0])
        gate->rooms = room_file_load(gate->rooms_path, error, error_cap);
    if (gate->rooms_path[0] && !gate->rooms) {
        gate_close(gate);
        return NULL;
    }
    return gate;
}

void gate_close(struct gate *gate) {
    if (!gate)
        return;
    gate_end(gate);
    keys_free(&gate->keys);
    room_file_free(gate->rooms);
    free(gate);
}

bool gate_needs_tokens(const struct gate *gate) {
    return gate->path[0] != '\0';
}

bool gate_verify(void *ctx, const char *token, struct grants *out, char *why) {
    const struct gate *gate = ctx;
    _Static_assert(SIGNAL_WHY_MAX >= TOKEN_WHY_MAX, "the words fit");
    return token_verify(&gate->keys, token, clock_wall_us() / US_PER_SECOND, out, why);
}

static const struct room_section *section_of(const struct gate *gate, const char *room) {
    return gate->rooms ? room_file_find(gate->rooms, room) : NULL;
}

struct room_rules gate_rules(void *ctx, const char *room) {
    const struct room_section *section = section_of(ctx, room);
    return section ? *room_section_rules(section) : (struct room_rules){0};
}

const char *gate_password(const struct gate *gate, const char *room, const char *username, bool *moderator) {
    const struct room_section *section = section_of(gate, room);
    *moderator = false;
    return section ? room_section_hash(section, username, moderator) : NULL;
}

bool gate_begin(struct gate *gate, void (*wake)(void *ctx), void *ctx, char *error, size_t error_cap) {
    if (!gate->rooms)
        return true;
    gate->desk = password_desk_open(wake, ctx);
    if (!gate->desk)
        snprintf(error, error_cap, "the thread that verifies passwords did not start");
    return gate->desk != NULL;
}

bool gate_ask_password(struct gate *gate, struct password_question *question, const char *room,
                       const char *username, const char *password) {
    const char *hash = gate_password(gate, room, username, &question->moderator);
    return hash && gate->desk && password_desk_ask(gate->desk, question, password, hash);
}

bool gate_take_password(struct gate *gate, struct password_question *out) {
    return gate->desk && password_desk_take(gate->desk, out);
}

void gate_end(struct gate *gate) {
    if (gate)
        password_desk_close(gate->desk);
    if (gate)
        gate->desk = NULL;
}

static void reload_keys(struct gate *gate) {
    char error[ERROR_MAX];
    struct keys keys;
    if (!load_keys(gate, &keys, error, sizeof error)) {
        LOG_ERROR("keys not reloaded, those before stay", LOG_TEXT("reason", error));
        return;
    }
    keys_free(&gate->keys);
    gate->keys = keys;
    LOG_INFO("keys reloaded", LOG_NUMBER("keys", keys.count));
}

static void reload_rooms(struct gate *gate) {
    char error[ERROR_MAX];
    struct room_file *rooms = room_file_load(gate->rooms_path, error, sizeof error);
    if (rooms && !room_file_is_whole(rooms)) { // what it does not say yet may be a password
        snprintf(
            error, sizeof error,
            "rooms: \"%s\" is empty, or ends within a line, as if it was still being written; end it with "
            "the end of a line and send SIGHUP again",
            gate->rooms_path);
        room_file_free(rooms);
        rooms = NULL;
    }
    if (!rooms) {
        LOG_ERROR("rooms not reloaded, the settings before stay", LOG_TEXT("reason", error));
        return;
    }
    room_file_free(gate->rooms);
    gate->rooms = rooms;
    LOG_INFO("rooms reloaded", LOG_NUMBER("sections", room_file_count(rooms)));
}

bool gate_verify_service(void *ctx, const char *token, struct service_grants *out, char *why) {
    const struct gate *gate = ctx;
    if (gate_needs_tokens(gate))
        return token_verify_service(&gate->keys, token, clock_wall_us() / US_PER_SECOND, out, why);
    snprintf(why, TOKEN_WHY_MAX,
             "this server has no keys for tokens (--keys), so nobody manages it from outside");
    return false;
}

char *gate_sign_body(void *ctx, const char *body, size_t len, uint32_t ttl_s) {
    const struct gate *gate = ctx;
    char why[TOKEN_WHY_MAX];
    return token_mint_body(&gate->keys, body, len, clock_wall_us() / US_PER_SECOND, ttl_s, why);
}

void gate_reload(struct gate *gate) {
    if (gate_needs_tokens(gate))
        reload_keys(gate);
    if (gate->rooms)
        reload_rooms(gate);
}

bool gate_stands_open(const struct config *config) {
    return !config->keys[0] && !config->open && address_scope_of(config->listen_host) != ADDRESS_LOOPBACK;
}
