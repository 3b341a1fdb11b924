// Media over TCP: the door on the media port's number, and what clients are told of it and of TLS' port.
#include "base/log.h"
#include "server/app_internal.h"

#include <stdio.h>
#include <string.h>

// HTTP's own TLS port has media's number: connections for media come in there, and there is no other door.
static bool one_port(const struct app *app) {
    return app->config->tls_cert[0] && ws_server_port(app->ws) == media_port(app->media);
}

static void tell_hub(struct app *app, bool own_port) {
    const struct config *config = app->config;
    struct hub_tcp tcp = {.media_port = own_port ? media_port(app->media) : 0};
    if (config->tls_cert[0]) {
        tcp.web_port = ws_server_port(app->ws);
        tcp.web_ip6 = strcmp(config->listen_host, "::") == 0;
        tcp.web_ip4 = tcp.web_ip6 || strcmp(config->listen_host, "0.0.0.0") == 0;
        snprintf(tcp.web_ip, sizeof tcp.web_ip, "%s", config->listen_host);
    }
    hub_set_tcp(app->hub, &tcp);
}

bool app_start_tcp(struct app *app, char *error, size_t error_cap) {
    if (app->config->ice_tcp == CONFIG_ICE_TCP_OFF)
        return true;
    struct tcp_door_config door = {.loop = control_loop_uv(app->loop),
                                   .media = app->media,
                                   .port = one_port(app) ? 0 : media_port(app->media),
                                   .hold_us = DOOR_HOLD_US,
                                   .connections_max = app->shares.tcp};
    app->tcp_door = tcp_door_open(&door, error, error_cap);
    bool own_port = app->tcp_door && door.port;
    if (!app->tcp_door && app->config->ice_tcp == CONFIG_ICE_TCP_AUTO) {
        LOG_WARN("the media port accepts no TCP: clients without UDP need a TURN server",
                 LOG_TEXT("reason", error), LOG_TEXT("fix", "free the port, or --ice-tcp off to do without"));
        if (!app->config->tls_cert[0])
            return true;
        door.port = 0; // TLS' port is there still
        app->tcp_door = tcp_door_open(&door, error, error_cap);
    }
    if (!app->tcp_door)
        return false;
    app->tcp_on_media_port = own_port;
    tell_hub(app, own_port);
    return true;
}

void app_media_connection(void *ctx, int fd, const struct net_address *client) {
    struct app *app = ctx;
    tcp_door_take(app->tcp_door, fd, client);
}
