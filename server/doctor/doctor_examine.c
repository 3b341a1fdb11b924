#include "server/doctor/doctor_internal.h"

#include "base/clock.h"
#include "server/checks.h"
#include "server/gate.h"
#include "server/common/name_lookup.h"
#include "server/doctor/doctor_http.h"
#include "server/doctor/doctor_libraries.h"
#include "server/web/tls_identity.h"
#include "server/web/web_files.h"

#include <string.h>

#define CREDENTIAL_SECONDS 300 // for TURN

void examine_machine(struct doctor *d) {
    struct finding finding;
    finding_set(&finding, "config", "", FINDING_OK, "the settings are fine");
    findings_add(&d->findings, &finding);
    machine_examine(&d->config, &d->machine);
    d->machine.clock_synchronised = machine_clock_is_synchronised();
    checks_quick(&d->config, &d->machine, &d->findings);
    if (doctor_lws_has_libuv()) {
        finding_set(&finding, "libraries", "libwebsockets-evlib-uv", FINDING_OK, "is loaded");
    } else {
        finding_set(&finding, "libraries", "libwebsockets-evlib-uv", FINDING_FAIL,
                    "libwebsockets cannot load its part for libuv: the server does not start");
        finding_fix(&finding, "`apt install libwebsockets-evlib-uv`");
    }
    findings_add(&d->findings, &finding);
}

void examine_gate(struct doctor *d) {
    struct finding finding;
    if (d->config.keys[0]) {
        finding_set(&finding, "access", d->config.keys, FINDING_OK, "who joins needs a token");
    } else if (!gate_stands_open(&d->config)) {
        finding_set(&finding, "access", "", FINDING_OK, "everybody may join, %s",
                    d->config.open ? "as `open` says" : "from this machine");
    } else {
        finding_set(&finding, "access", "", FINDING_WARN,
                    "everybody who finds this server may open rooms, join any and listen");
        finding_fix(&finding,
                    "`keys` FILE lets in who has a token (`rotunda token --help`); `open = yes` says that "
                    "this is meant");
    }
    findings_add(&d->findings, &finding);
}

void examine_web_root(struct doctor *d) {
    char root[CONFIG_PATH_MAX];
    struct web_file file;
    struct finding finding;
    snprintf(root, sizeof root, "%s", d->config.web_root);
    if (!root[0])
        (void)web_root_find(root, sizeof root);
    if (web_file_find(root, "/", 0, &file)) {
        finding_set(&finding, "web-root", root, FINDING_OK, "the web page is there");
    } else {
        finding_set(&finding, "web-root", root, FINDING_WARN,
                    "no web page is there; the WebSocket works without");
        finding_fix(&finding, "--web-root DIR, the folder with the built page");
    }
    findings_add(&d->findings, &finding);
}

// ---- certificate

void examine_certificate(struct doctor *d) {
    const struct config *c = &d->config;
    char error[CONFIG_ERROR_MAX] = "";
    struct tls_facts tls = {.name = ""};
    struct certificate_facts facts = {.path = c->tls_cert, .error = error, .name = tls.name};
    struct finding findings[2];
    if (!c->tls_cert[0]) {
        finding_set(&findings[0], "certificate", "", FINDING_SKIP, "no tls-cert is set: HTTP is plain");
        findings_add(&d->findings, &findings[0]);
        return;
    }
    struct tls_identity *identity = tls_identity_load(c->tls_cert, c->tls_key, error, sizeof error);
    if (identity) {
        tls_identity_facts(identity, &tls);
        chain_examine(c->tls_cert, NULL, &facts.chain);
    }
    facts.not_before = tls.not_before;
    facts.not_after = tls.not_after;
    d->tls = identity != NULL;
    tls_identity_free(identity);
    unsigned count = check_certificate(findings, &facts, (int64_t)(d->machine.wall_us / US_PER_SECOND));
    for (unsigned i = 0; i < count; i++)
        findings_add(&d->findings, &findings[i]);
}

// ---- ports

// Whether a Rotunda has the TCP port. It may have been started without the certificate of these settings, or
// with another.
static void running_find(struct doctor *d) {
    struct http_target target = {.host = d->local_host, .port = d->config.listen_port, .tls = d->tls};
    struct http_reply reply;
    char why[HTTP_WHY_MAX];
    for (int i = 0; i < 2 && !d->running; i++) {
        target.tls = i ? !d->tls : d->tls;
        d->running =
            http_get(&target, "/healthz", DOCTOR_HTTP_WAIT_MS, &reply, why) && http_is_rotunda(&reply);
    }
    if (!d->running)
        return;
    d->tls = target.tls;
    if (http_get(&target, "/metrics", DOCTOR_HTTP_WAIT_MS, &reply, why))
        http_rotunda_version(&reply, d->version, sizeof d->version);
}

void examine_ports(struct doctor *d) {
    const struct config *c = &d->config;
    struct finding finding;
    bool any = strcmp(c->listen_host, "0.0.0.0") == 0 || strcmp(c->listen_host, "::") == 0;
    snprintf(d->local_host, sizeof d->local_host, "%s", any ? "127.0.0.1" : c->listen_host);
    port_examine_tcp(c->listen_host, c->listen_port, &d->tcp);
    port_examine_udp(c->media_port, &d->udp);
    if (d->tcp.state == PORT_BUSY)
        running_find(d);
    check_port(&finding, &d->tcp, d->running ? d->version : NULL);
    findings_add(&d->findings, &finding);
    check_port(&finding, &d->udp, d->running ? d->version : NULL);
    findings_add(&d->findings, &finding);
    if (c->ice_tcp == CONFIG_ICE_TCP_OFF)
        return;
    if (c->tls_cert[0] && c->listen_port && c->listen_port == c->media_port) {
        finding_set(&finding, "media-port-tcp", "", FINDING_OK,
                    "media over TCP comes in beside HTTPS, on TCP port %u", c->listen_port);
        findings_add(&d->findings, &finding);
        return;
    }
    struct port_facts media_tcp;
    port_examine_tcp("0.0.0.0", c->media_port, &media_tcp);
    check_media_tcp(&finding, &media_tcp, d->running, c->ice_tcp == CONFIG_ICE_TCP_ON);
    findings_add(&d->findings, &finding);
}

// ---- addresses

void examine_stun(struct doctor *d) {
    const struct host_port *stun = &d->config.stun;
    struct finding finding;
    if (stun->host[0]) {
        snprintf(d->stun_server, sizeof d->stun_server, "%s:%u", stun->host, stun->port);
        // A server that runs has the port: then another one is asked from.
        d->stun = (struct stun_facts){.asked = true,
                                      .local_port = d->udp.state == PORT_FREE ? d->config.media_port : 0};
        d->stun.result =
            stun_ask(stun->host, stun->port, d->config.media_port, &d->seen, d->stun_why, sizeof d->stun_why);
    }
    d->stun.seen = &d->seen;
    d->stun.server = d->stun_server;
    d->stun.setting = "--stun";
    d->stun.why = d->stun_why;
    bool seen = d->stun.asked && d->stun.result == STUN_SEEN;
    struct announce_names names;
    char why[FINDING_TEXT_MAX];
    if (!announce_look_up(&names, &d->config, NULL, name_lookup, why, sizeof why)) {
        finding_set(&finding, "announce", "", FINDING_FAIL, "%s", why);
        finding_fix(&finding, "--announce with this machine's address, or with a name that leads to it");
        findings_add(&d->findings, &finding);
    }
    announce_make(&d->announce, &d->config, seen ? &d->seen : NULL, &names);
    check_stun(&finding, &d->stun, d->config.media_port);
    findings_add(&d->findings, &finding);
}

// ---- what clients are told of

static void examine_stun_url(struct doctor *d, const struct ice_url *url) {
    struct stun_seen seen = {.count = 0};
    struct finding finding;
    char why[256] = "";
    struct stun_facts facts = {
        .asked = true, .server = url->text, .setting = "--turn-urls", .seen = &seen, .why = why};
    if (url->secure || url->tcp) {
        finding_set(&finding, "stun", url->text, FINDING_SKIP, "only STUN over UDP is tried");
    } else {
        facts.result = stun_ask(url->server.host, url->server.port, 0, &seen, why, sizeof why);
        check_stun(&finding, &facts, d->media_port);
    }
    findings_add(&d->findings, &finding);
}

static void examine_turn_url(struct doctor *d, const struct ice_url *url) {
    struct turn_credential credential;
    struct turn_outcome outcome;
    struct finding finding;
    if (url->secure) {
        finding_set(&finding, "turn", url->text, FINDING_SKIP,
                    "TURN over TLS is not tried; its secret is tried with a turn: URL of the same server");
    } else {
        turn_credential_make(d->config.ice_servers.turn_secret,
                             d->machine.wall_us / US_PER_SECOND + CREDENTIAL_SECONDS, "doctor", &credential);
        turn_ask(&url->server, url->tcp, credential.username, credential.password, &outcome);
        check_turn(&finding, url->text, &outcome);
    }
    findings_add(&d->findings, &finding);
}

void examine_turn(struct doctor *d) {
    const struct ice_servers *servers = &d->config.ice_servers;
    struct finding finding;
    for (unsigned i = 0; i < servers->url_count; i++)
        (servers->urls[i].turn ? examine_turn_url : examine_stun_url)(d, &servers->urls[i]);
    if (servers->url_count > 0)
        return;
    finding_set(&finding, "turn", "", FINDING_SKIP,
                "no turn-urls are set: clients whose network lets no UDP out %s",
                d->config.ice_tcp == CONFIG_ICE_TCP_OFF ? "cannot take part"
                                                        : "take part over TCP, where that port gets through");
    findings_add(&d->findings, &finding);
}
