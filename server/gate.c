#include "server/gate.h"

#include "base/clock.h"
#include "base/log.h"
#include "server/access/token.h"
#include "server/config/announce.h"
#include "server/signal/signalling.h"

#include <stdlib.h>
#include <string.h>

#define ERROR_MAX 1024

struct gate {
    const char *path; // "": no keys
    struct keys keys;
};

struct gate *gate_open(const struct config *config, char *error, size_t error_cap) {
    struct gate *gate = calloc(1, sizeof *gate);
    if (!gate) {
        snprintf(error, error_cap, "out of memory");
        return NULL;
    }
    gate->path = config->keys;
    if (gate_needs_tokens(gate) && !keys_load(&gate->keys, gate->path, error, error_cap)) {
        free(gate);
        return NULL;
    }
    return gate;
}

void gate_close(struct gate *gate) {
    if (!gate)
        return;
    keys_free(&gate->keys);
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

void gate_reload(struct gate *gate) {
    char error[ERROR_MAX];
    struct keys keys;
    if (!gate_needs_tokens(gate))
        return;
    if (!keys_load(&keys, gate->path, error, sizeof error)) {
        LOG_ERROR("keys not reloaded, those before stay", LOG_TEXT("reason", error));
        return;
    }
    keys_free(&gate->keys);
    gate->keys = keys;
    LOG_INFO("keys reloaded", LOG_NUMBER("keys", keys.count));
}

bool gate_stands_open(const struct config *config) {
    return !config->keys[0] && !config->open && address_scope_of(config->listen_host) != ADDRESS_LOOPBACK;
}
