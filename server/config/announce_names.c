#include "server/config/announce_names.h"

#include "server/config/announce.h"

#include <stdio.h>
#include <string.h>

#define WHY_MAX 128

bool announce_is_name(const char *entry) {
    char ip[IP_TEXT_MAX];
    return entry[0] && strcmp(entry, ANNOUNCE_AUTO) != 0 && !ip_normalise(entry, ip);
}

bool announce_has_names(const struct config *config) {
    for (unsigned i = 0; i < config->announce_count; i++)
        if (announce_is_name(config->announce[i]))
            return true;
    return false;
}

static void name_look_up(struct announce_name *out, const struct announce_name *known, const char *host,
                         announce_lookup *lookup, char why[WHY_MAX]) {
    struct addr found[2] = {{.family = 0}};
    if (known)
        memcpy(found, known->address, sizeof found);
    unsigned count = lookup(host, 0, ANNOUNCE_LOOKUP_MS_MAX, found, why, WHY_MAX);
    *out = (struct announce_name){.count = 0};
    for (unsigned i = 0; i < count; i++) {
        char text[ADDR_TEXT_MAX];
        addr_print_ip(&found[i], text);
        if (address_scope_of(text) != ADDRESS_UNUSABLE)
            out->address[out->count++] = found[i];
    }
    if (count > 0 && out->count == 0)
        snprintf(why, WHY_MAX, "it resolves to no address that clients can send to");
}

bool announce_look_up(struct announce_names *out, const struct config *config,
                      const struct announce_names *known, announce_lookup *lookup, char *error,
                      size_t error_cap) {
    bool all = true;
    char why[WHY_MAX];
    *out = (struct announce_names){0};
    for (unsigned i = 0; i < config->announce_count; i++) {
        const char *host = config->announce[i];
        if (!announce_is_name(host))
            continue;
        name_look_up(&out->of[i], known ? &known->of[i] : NULL, host, lookup, why);
        if (out->of[i].count > 0)
            continue;
        if (all)
            snprintf(error, error_cap, "\"%s\" does not resolve: %s", host, why);
        all = false;
    }
    return all;
}
