// Settings that go together, or exclude each other; and the secret that stands in a file.
#include "server/config/config.h"

#include "base/clock.h"
#include "base/file_open.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>

__attribute__((format(printf, 2, 3))) static bool refuse(char *error, const char *format, ...) {
    va_list args;
    va_start(args, format);
    vsnprintf(error, CONFIG_ERROR_MAX, format, args);
    va_end(args);
    return false;
}

static bool announce_agrees(const struct config *config, char *error) {
    bool automatic = false;
    for (unsigned i = 0; i < config->announce_count; i++)
        automatic = automatic || strcmp(config->announce[i], ANNOUNCE_AUTO) == 0;
    if (config->stun.host[0] && !automatic)
        return refuse(error, "stun: \"%s\" would not be asked, because announce has no auto in it",
                      config->stun.host);
    return true;
}

static bool tls_agrees(const struct config *config, char *error) {
    if (config->tls_cert[0] && !config->tls_key[0])
        return refuse(error, "tls-cert: \"%.200s\" is of no use without tls-key", config->tls_cert);
    if (config->tls_key[0] && !config->tls_cert[0])
        return refuse(error, "tls-key: \"%.200s\" is of no use without tls-cert", config->tls_key);
    return true;
}

// The file's one line, as turn-secret would have it.
static bool secret_read(struct config *config, char *error) {
    char text[TURN_SECRET_MAX + 2]; // one byte more than is allowed, to see that there are too many
    const char *path = config->turn_secret_file;
    FILE *file = file_open(path);
    if (!file)
        return refuse(error, "turn-secret-file: \"%.200s\" cannot be read: %s", path,
                      file_open_reason(errno));
    size_t len = fread(text, 1, sizeof text - 1, file);
    int failure = ferror(file) ? errno : 0; // a folder opens, but does not read
    fclose(file);
    if (failure)
        return refuse(error, "turn-secret-file: \"%.200s\" cannot be read: %s", path, strerror(failure));
    while (len > 0 && strchr("\r\n", text[len - 1]))
        len--;
    text[len] = '\0';
    bool fine = !memchr(text, '\0', len) && setting_assign_secret(config->ice_servers.turn_secret, text);
    explicit_bzero(text, sizeof text);
    if (!fine && len == 0)
        return refuse(error, "turn-secret-file: \"%.200s\" is empty", path);
    return fine || refuse(error, "turn-secret-file: \"%.200s\" is not one line of 1 to %d bytes", path,
                          TURN_SECRET_MAX - 1);
}

static bool turn_agrees(struct config *config, char *error) {
    const struct ice_servers *servers = &config->ice_servers;
    bool turn = ice_servers_have_turn(servers);
    if (servers->turn_secret[0] && config->turn_secret_file[0])
        return refuse(error, "turn-secret: it is given, and in turn-secret-file too; leave one out");
    if (config->turn_secret_file[0] && !secret_read(config, error))
        return false;
    if (turn && !servers->turn_secret[0])
        return refuse(error, "turn-urls: a TURN server is of no use without turn-secret or turn-secret-file");
    if (!turn && servers->turn_secret[0] && config->ice_turn.url_count == 0)
        return refuse(error, "%s: a secret is of no use without a TURN server in turn-urls",
                      config->turn_secret_file[0] ? "turn-secret-file" : "turn-secret");
    return true;
}

// "USER:PASSWORD" of the file's one line; the password may have colons.
static bool login_read(struct config *config, char *error) {
    char text[2 * ICE_LOGIN_MAX + 2];
    const char *path = config->ice_turn_login_file;
    FILE *file = file_open(path);
    if (!file)
        return refuse(error, "ice-turn-login-file: \"%.200s\" cannot be read: %s", path,
                      file_open_reason(errno));
    size_t len = fread(text, 1, sizeof text - 1, file);
    int failure = ferror(file) ? errno : 0;
    fclose(file);
    if (failure)
        return refuse(error, "ice-turn-login-file: \"%.200s\" cannot be read: %s", path, strerror(failure));
    while (len > 0 && strchr("\r\n", text[len - 1]))
        len--;
    text[len] = '\0';
    char *colon = memchr(text, ':', len);
    size_t user_len = colon ? (size_t)(colon - text) : 0, password_len = colon ? len - user_len - 1 : 0;
    bool fine = user_len > 0 && user_len < ICE_LOGIN_MAX && password_len > 0 &&
                password_len < ICE_LOGIN_MAX && strcspn(text, "\r\n") == len && strlen(text) == len;
    if (fine) {
        memcpy(config->ice_turn_user, text, user_len);
        config->ice_turn_user[user_len] = '\0';
        memcpy(config->ice_turn_password, colon + 1, password_len + 1);
    }
    explicit_bzero(text, sizeof text);
    return fine || refuse(error,
                          "ice-turn-login-file: \"%.200s\" is not one line USER:PASSWORD, each of 1 to %d "
                          "bytes",
                          path, ICE_LOGIN_MAX - 1);
}

static bool ice_turn_agrees(struct config *config, char *error) {
    const struct ice_servers *turn = &config->ice_turn;
    if (config->ice_turn_login_file[0] && turn->url_count == 0)
        return refuse(error, "ice-turn-login-file: a login is of no use without a TURN server in ice-turn");
    if (config->ice_turn_login_file[0] && !login_read(config, error))
        return false;
    if (turn->url_count > CONFIG_ICE_TURN_MAX)
        return refuse(error, "ice-turn: %u servers; at most %d are asked", turn->url_count,
                      CONFIG_ICE_TURN_MAX);
    for (unsigned i = 0; i < turn->url_count; i++)
        if (!turn->urls[i].turn || turn->urls[i].secure || turn->urls[i].tcp)
            return refuse(
                error,
                "ice-turn: \"%.200s\" is not one that an agent can use: turn:HOST[:PORT], over UDP and "
                "without TLS (STUN servers go into ice-stun)",
                turn->urls[i].text);
    return turn->url_count == 0 || config->ice_turn_login_file[0] || config->ice_servers.turn_secret[0] ||
           refuse(error, "ice-turn: a TURN server is of no use without ice-turn-login-file or turn-secret");
}

static bool ice_agrees(struct config *config, char *error) {
    const struct {
        const char *name;
        bool given;
    } rows[] = {{"ice-stun", config->ice_stun.host[0] != '\0'},
                {"ice-turn", config->ice_turn.url_count > 0},
                {"ice-ports", config->ice_ports.host[0] != '\0'},
                {"ice-peers", config->ice_peers.count > 0}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (rows[i].given && config->ice == HUB_ICE_LITE)
            return refuse(error, "%s: it is of no use without ice = auto or ice = full", rows[i].name);
    if (config->ice_ports.host[0] && strcmp(config->ice_ports.host, "127.0.0.1") != 0)
        return refuse(error, "ice-ports: the range is one of all addresses; leave \"%s:\" out",
                      config->ice_ports.host);
    if (config->ice_ports.host[0] && config->media_port >= config->ice_ports.from &&
        config->media_port <= config->ice_ports.to)
        return refuse(error, "ice-ports: media-port %u is one of them; choose others", config->media_port);
    return ice_turn_agrees(config, error);
}

static bool keys_agree(const struct config *config, char *error) {
    return !config->keys[0] || !config->open ||
           refuse(
               error,
               "open: it is yes, but keys names a file, so that nobody joins without a token; leave one out");
}

static bool webhooks_agree(const struct config *config, char *error) {
    char origin[WEBHOOK_URL_MAX];
    if (config->webhooks.count == 0 || config->keys[0])
        return true;
    webhook_url_origin(config->webhooks.list[0], origin);
    return refuse(error, "webhook: %.200s is of no use without keys, which sign what goes there", origin);
}

static bool ports_agree(const struct config *config, char *error) {
    if (config->admin_host[0] && config->admin_port != 0 && config->admin_port == config->listen_port &&
        strcmp(config->admin_host, config->listen_host) == 0)
        return refuse(error, "admin-listen: it is the same place as listen; choose another port");
    return true;
}

// Whether a path is the other one, or below it.
static bool route_within(const char *path, const char *above) {
    size_t len = strlen(above);
    return strncmp(path, above, len) == 0 && (path[len] == '\0' || path[len] == '/');
}

// Each dialect has a part of the tree of its own, which is nobody else's.
static bool dialects_agree(const struct config *config, char *error) {
    static const char *const taken[] = {"/whip",    "/whep",    "/api",   "/twirp",
                                        "/metrics", "/healthz", "/readyz"};
    static const char *const names[] = {"peerjs", "named-ws", "socket-io"};
    const char *peerjs = strcmp(config->peerjs, "/") == 0 ? "/peerjs" : config->peerjs; // what is there
    const char *const routes[] = {peerjs, config->named_ws, config->socket_io};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        const char *route = routes[i];
        if (i > 0 && strcmp(route, "/") == 0)
            return refuse(error, "%s: \"/\" is where the web page is; choose a path below it", names[i]);
        for (size_t k = 0; k < sizeof taken / sizeof taken[0]; k++)
            if (route_within(route, taken[k]))
                return refuse(error, "%s: \"%s\" is the server's own; choose another path", names[i], route);
        if (route_within(route, "/ws") && i != 1)
            return refuse(error, "%s: \"%s\" is the server's own; choose another path", names[i], route);
        for (size_t k = 0; k < i; k++)
            if (route[0] && routes[k][0] &&
                (route_within(route, routes[k]) || route_within(routes[k], route)))
                return refuse(error, "%s: \"%s\" meets the path of %s; choose another", names[i], route,
                              names[k]);
    }
    return true;
}

void config_limits(const struct config *config, struct hub_limits *limits) {
    hub_limits_default(limits);
    limits->rooms_max = config->rooms_max;
    limits->participants_per_room_max = config->participants_max;
    limits->transports_per_participant_max = config->transports_max;
    limits->producers_per_participant_max = config->producers_max;
    limits->consumers_per_participant_max = config->consumers_max;
    limits->messages_per_second_max = config->message_rate_max;
    limits->resume_window_us = config->resume_window_seconds * US_PER_SECOND;
    limits->participants_per_worker = config->participants_per_worker;
    limits->last_n = config->last_n;
    limits->loudest_n = config->loudest_n;
    limits->relay_rate_max = config->relay_rate_max;
    limits->held_bytes_max = config->control_memory_max_bytes;
    // Three quarters of what may wait for a client are for what others say, the rest for what the server
    // says.
    uint32_t of_others = config->ws_backlog_max_bytes / 4 * 3;
    if (limits->relayed_bytes_max > of_others)
        limits->relayed_bytes_max = of_others;
}

bool config_agrees(struct config *config, char *error) {
    return announce_agrees(config, error) && keys_agree(config, error) && webhooks_agree(config, error) &&
           ports_agree(config, error) && dialects_agree(config, error) && tls_agrees(config, error) &&
           turn_agrees(config, error) && ice_agrees(config, error);
}
