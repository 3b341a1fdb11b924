// Full ICE agents: from the settings to what the media side wants to know.
#include "base/clock.h"
#include "server/app_internal.h"
#include "transport/ice_agent.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define LOGIN_TTL_S (24 * 60 * 60) // of one that is made with the secret: as long as an agent may live

_Static_assert(CONFIG_ICE_TURN_MAX == ICE_AGENT_TURNS_MAX && ICE_LOGIN_MAX == ICE_AGENT_LOGIN_MAX &&
                   CONFIG_ICE_SOCKETS_EACH == ICE_AGENT_HOSTS_MAX &&
                   CONFIG_ICE_AGENTS_CLOSING == ICE_AGENTS_CLOSING_MAX,
               "the settings have the agents' limits");

// On the agents' thread.
static void turn_login(void *ctx, char user[ICE_AGENT_LOGIN_MAX], char password[ICE_AGENT_LOGIN_MAX]) {
    const struct app_ice_login *login = ctx;
    if (!login->secret[0]) {
        memcpy(user, login->user, ICE_AGENT_LOGIN_MAX);
        memcpy(password, login->password, ICE_AGENT_LOGIN_MAX);
        return;
    }
    struct turn_credential made;
    turn_credential_make(login->secret, clock_wall_us() / US_PER_SECOND + LOGIN_TTL_S, "rotunda", &made);
    snprintf(user, ICE_AGENT_LOGIN_MAX, "%s", made.username);
    snprintf(password, ICE_AGENT_LOGIN_MAX, "%s", made.password);
    explicit_bzero(&made, sizeof made);
}

// Whether the machine has this address: a socket can be bound to it.
static bool is_here(const struct addr *address) {
    struct sockaddr_storage sa;
    socklen_t len = addr_to_sockaddr(address, &sa);
    int fd = socket(sa.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    bool here = fd >= 0 && bind(fd, (struct sockaddr *)&sa, len) == 0;
    if (fd >= 0)
        close(fd);
    return here;
}

// Those of the announced addresses that are the machine's own, which ICE-lite tells as well. None: it stands
// behind a router whose address it announces; then its own, as they would be announced, those of networks of
// its containers last.
static unsigned find_hosts(const struct app *app, struct addr hosts[ICE_AGENT_HOSTS_MAX]) {
    const struct announce *announce = &app->announce;
    struct announce_found found[ICE_AGENT_HOSTS_MAX];
    unsigned count = 0;
    for (unsigned i = 0; i < announce->count && count < ICE_AGENT_HOSTS_MAX; i++)
        if (addr_parse(announce->list[i].text, 0, &hosts[count]) == ERR_OK && is_here(&hosts[count]))
            count++;
    if (count > 0)
        return count;
    size_t found_count = announce_find(app->config->listen_host, found, ICE_AGENT_HOSTS_MAX);
    for (size_t i = 0; i < found_count; i++)
        if (addr_parse(found[i].text, 0, &hosts[count]) == ERR_OK && is_here(&hosts[count]))
            count++;
    return count;
}

static void take_turn_servers(const struct config *config, struct ice_pool_config *out) {
    for (unsigned i = 0; i < config->ice_turn.url_count; i++) {
        const struct host_port *server = &config->ice_turn.urls[i].server;
        struct ice_turn_server *turn = &out->turns[out->turn_count++];
        snprintf(turn->host, sizeof turn->host, "%s", server->host);
        turn->port = server->port;
    }
}

bool app_ice_settings(struct app *app, struct ice_pool_config *out) {
    const struct config *config = app->config;
    const struct host_port *stun = config->ice_stun.host[0] ? &config->ice_stun : &config->stun;
    if (config->ice == HUB_ICE_LITE)
        return false;
    *out = (struct ice_pool_config){.turn_login = turn_login,
                                    .ctx = &app->ice_login,
                                    .stun_port = stun->port,
                                    .aggressive = config->ice_nomination != 0};
    snprintf(out->stun_host, sizeof out->stun_host, "%s", stun->host);
    if (config->ice_ports.host[0]) {
        out->port_min = config->ice_ports.from;
        out->port_max = config->ice_ports.to;
    }
    if (!config->ice_turn_login_file[0])
        memcpy(app->ice_login.secret, config->ice_servers.turn_secret, sizeof app->ice_login.secret);
    memcpy(app->ice_login.user, config->ice_turn_user, sizeof app->ice_login.user);
    memcpy(app->ice_login.password, config->ice_turn_password, sizeof app->ice_login.password);
    out->host_count = find_hosts(app, out->hosts);
    take_turn_servers(config, out);
    return true;
}

void app_ice_hub(const struct config *config, struct hub_ice *out) {
    *out = (struct hub_ice){.mode = (enum hub_ice_mode)config->ice,
                            .agents_max = config->ice_agents_max,
                            .agents_per_room = config->ice_agents_per_room,
                            .agents_per_address = config->ice_agents_per_address,
                            .peers = config->ice_peers};
}

void app_ice_announce(const struct app *app) {
    struct addr hosts[ICE_AGENT_HOSTS_MAX];
    media_set_ice_hosts(app->media, hosts, find_hosts(app, hosts));
}

void app_ice_event(void *ctx, const struct ice_event *event) {
    struct app *app = ctx;
    hub_ice_event(app->hub, event, clock_now_us());
}
