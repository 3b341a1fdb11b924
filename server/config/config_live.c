// What changes while the server runs.
#include "server/config/config.h"

#include <string.h>

// What the parts look at anew each time, or are told (server/app_reload.c).
static const char *const live[] = {"keys",
                                   "rooms",
                                   "tls-cert",
                                   "tls-key",
                                   "open",
                                   "turn-urls",
                                   "turn-secret",
                                   "turn-secret-file",
                                   "turn-ttl",
                                   "frame-ancestors",
                                   "origins",
                                   "log-level",
                                   "rooms-max",
                                   "participants-max",
                                   "transports-max",
                                   "producers-max",
                                   "consumers-max",
                                   "message-rate-max",
                                   "resume-window",
                                   "drain-time",
                                   "drain-to",
                                   "participants-per-worker",
                                   "last-n",
                                   "loudest-n",
                                   "relay-rate-max",
                                   "control-memory-max",
                                   "waiting-per-address",
                                   "rooms-per-address",
                                   "failed-joins-per-address",
                                   "announce"};

bool setting_is_live(const struct setting *setting) {
    for (size_t i = 0; i < sizeof live / sizeof live[0]; i++)
        if (strcmp(live[i], setting->name) == 0)
            return true;
    return false;
}

// Bytes of the member at `offset`; those of texts are compared as texts.
static size_t setting_size(const struct setting *setting) {
    switch (setting->type) {
    case SETTING_NUMBER:
    case SETTING_CHOICE:
        return sizeof(uint32_t);
    case SETTING_PORT:
        return sizeof(uint16_t);
    case SETTING_LISTEN:
        return IP_TEXT_MAX;
    case SETTING_ADDRESSES:
        return sizeof((struct config *)0)->announce;
    case SETTING_HOST:
        return sizeof(struct host_port);
    case SETTING_PATH:
        return CONFIG_PATH_MAX;
    case SETTING_SECRET:
        return TURN_SECRET_MAX;
    case SETTING_ICE_URLS:
        return offsetof(struct ice_servers, turn_secret); // the list alone
    case SETTING_NETWORKS:
        return sizeof(struct networks);
    case SETTING_FRAMES:
        return FRAME_ANCESTORS_MAX;
    case SETTING_ORIGINS:
        return sizeof(struct origins);
    case SETTING_URL:
        return CONFIG_URL_MAX;
    case SETTING_PORTS:
        return sizeof(struct port_range);
    case SETTING_WEBHOOKS:
        return sizeof(struct webhook_urls);
    case SETTING_ROUTE:
        return CONFIG_ROUTE_MAX;
    case SETTING_WORD:
        return CONFIG_WORD_MAX;
    }
    return 0;
}

static bool is_text(const struct setting *setting) {
    return setting->type == SETTING_PATH || setting->type == SETTING_SECRET ||
           setting->type == SETTING_FRAMES || setting->type == SETTING_URL ||
           setting->type == SETTING_ROUTE || setting->type == SETTING_WORD;
}

bool setting_equal(const struct setting *setting, const struct config *a, const struct config *b) {
    const char *in_a = (const char *)a + setting->offset, *in_b = (const char *)b + setting->offset;
    if (setting->type == SETTING_LISTEN && setting->offset == offsetof(struct config, admin_host))
        return strcmp(in_a, in_b) == 0 && a->admin_port == b->admin_port;
    if (setting->type == SETTING_LISTEN)
        return strcmp(in_a, in_b) == 0 && a->listen_port == b->listen_port;
    if (is_text(setting))
        return strcmp(in_a, in_b) == 0;
    return memcmp(in_a, in_b, setting_size(setting)) == 0;
}

// Whether people need tokens, or TLS, is decided when the server starts.
static bool turns_on_or_off(const struct setting *setting, const struct config *to,
                            const struct config *from) {
    if (setting->type != SETTING_PATH)
        return false;
    const char *before = (const char *)to + setting->offset, *now = (const char *)from + setting->offset;
    return !before[0] != !now[0] && setting->offset != offsetof(struct config, turn_secret_file);
}

bool setting_take(const struct setting *setting, struct config *to, const struct config *from) {
    if (!setting_is_live(setting) || turns_on_or_off(setting, to, from))
        return false;
    memcpy((char *)to + setting->offset, (const char *)from + setting->offset, setting_size(setting));
    return true;
}
