#include "server/doctor.h"

#include "base/clock.h"
#include "server/checks.h"
#include "server/doctor_checks.h"
#include "server/doctor_http.h"
#include "server/doctor_libraries.h"
#include "server/doctor_report.h"
#include "server/doctor_server.h"
#include "server/tls_identity.h"
#include "server/versions.h"
#include "server/web_files.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define STATUS_FINE 0
#define STATUS_FAILS 1
#define STATUS_REFUSED 2
#define ARGUMENTS_MAX 256
#define HTTP_WAIT_MS 1500
#define CALL_WAIT_US (3 * US_PER_SECOND) // for each stage; a slow machine is not a broken one

struct doctor {
    struct config config;
    bool json;
    const char *stun_wanted; // on the command line; NULL: none
    struct findings findings;
    struct machine machine;
    struct announce announce; // what these settings announce
    struct stun_seen seen;
    struct stun_facts stun;
    char stun_server[HOST_BYTES_MAX + 8], stun_why[256];
    bool running; // a Rotunda answers on the TCP port
    char version[32];
    bool tls; // of the server that is examined: https and wss
    struct port_facts tcp, udp;
    struct doctor_server server;    // ours, for the call
    char local_host[IP_TEXT_MAX];   // where the TCP port answers on this machine
    uint16_t http_port, media_port; // of the server that is examined
};

static void add(struct doctor *d, const struct finding *finding) {
    findings_add(&d->findings, finding);
}

// ---- without network

static void examine_here(struct doctor *d) {
    struct finding finding;
    finding_set(&finding, "config", "", FINDING_OK, "the settings are fine");
    add(d, &finding);
    machine_examine(&d->config, &d->machine);
    checks_quick(&d->config, &d->machine, &d->findings);
    if (doctor_lws_has_libuv()) {
        finding_set(&finding, "libraries", "libwebsockets-evlib-uv", FINDING_OK, "is loaded");
    } else {
        finding_set(&finding, "libraries", "libwebsockets-evlib-uv", FINDING_FAIL,
                    "libwebsockets cannot load its part for libuv: the server does not start");
        finding_mend(&finding, "`apt install libwebsockets-evlib-uv`");
    }
    add(d, &finding);
}

static void examine_web_root(struct doctor *d) {
    char root[CONFIG_PATH_MAX];
    struct web_file file;
    struct finding finding;
    snprintf(root, sizeof root, "%s", d->config.web_root);
    if (!root[0])
        (void)web_root_find(root, sizeof root);
    if (web_file_find(root, "/", &file)) {
        finding_set(&finding, "web-root", root, FINDING_OK, "the web page is there");
    } else {
        finding_set(&finding, "web-root", root, FINDING_WARN,
                    "no web page is there; the WebSocket works without");
        finding_mend(&finding, "--web-root DIR, the folder with the built page");
    }
    add(d, &finding);
}

// ---- certificate

static void examine_certificate(struct doctor *d) {
    const struct config *c = &d->config;
    char error[CONFIG_ERROR_MAX] = "";
    struct tls_facts tls = {.name = ""};
    struct certificate_facts facts = {.path = c->tls_cert, .error = error, .name = tls.name};
    struct finding findings[2];
    if (!c->tls_cert[0]) {
        finding_set(&findings[0], "certificate", "", FINDING_SKIP, "no tls-cert is set: HTTP is plain");
        add(d, &findings[0]);
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
        add(d, &findings[i]);
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
        d->running = http_get(&target, "/healthz", HTTP_WAIT_MS, &reply, why) && http_is_rotunda(&reply);
    }
    if (!d->running)
        return;
    d->tls = target.tls;
    if (http_get(&target, "/metrics", HTTP_WAIT_MS, &reply, why))
        http_rotunda_version(&reply, d->version, sizeof d->version);
}

static void examine_ports(struct doctor *d) {
    const struct config *c = &d->config;
    struct finding finding;
    bool any = strcmp(c->listen_host, "0.0.0.0") == 0 || strcmp(c->listen_host, "::") == 0;
    snprintf(d->local_host, sizeof d->local_host, "%s", any ? "127.0.0.1" : c->listen_host);
    port_examine_tcp(c->listen_host, c->listen_port, &d->tcp);
    port_examine_udp(c->media_port, &d->udp);
    if (d->tcp.state == PORT_BUSY)
        running_find(d);
    check_port(&finding, &d->tcp, d->running ? d->version : NULL);
    add(d, &finding);
    check_port(&finding, &d->udp, d->running ? d->version : NULL);
    add(d, &finding);
}

// ---- addresses

static void ask_stun(struct doctor *d) {
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
    d->stun.why = d->stun_why;
    bool seen = d->stun.asked && d->stun.result == STUN_SEEN;
    announce_make(&d->announce, &d->config, seen ? &d->seen : NULL);
    check_stun(&finding, &d->stun, d->config.media_port);
    add(d, &finding);
}

// ---- the server that is called

static void settings_for_call(const struct doctor *d, struct config *out) {
    *out = d->config;
    out->announce_count = d->announce.count;
    for (unsigned i = 0; i < d->announce.count; i++)
        memcpy(out->announce[i], d->announce.list[i].text, IP_TEXT_MAX);
    out->stun = (struct host_port){.port = 0};
    out->log_level = LOG_LEVEL_ERROR;
    out->log_format = LOG_FORMAT_TEXT;
    if (!d->tls) // there is none, or one that cannot be used
        out->tls_cert[0] = out->tls_key[0] = '\0';
    if (d->tcp.state == PORT_ELSEWHERE)
        snprintf(out->listen_host, sizeof out->listen_host, "127.0.0.1");
    if (d->tcp.state != PORT_FREE)
        out->listen_port = 0;
    if (d->udp.state != PORT_FREE)
        out->media_port = 0;
}

// False: there is nothing to call.
static bool server_ready(struct doctor *d) {
    if (d->running) {
        d->http_port = d->config.listen_port;
        d->media_port = d->config.media_port;
        return true;
    }
    struct config config;
    struct finding finding;
    char why[DOCTOR_SERVER_WHY_MAX];
    settings_for_call(d, &config);
    if (d->tcp.state == PORT_ELSEWHERE)
        snprintf(d->local_host, sizeof d->local_host, "127.0.0.1");
    if (doctor_server_start(&d->server, &config, why)) {
        d->http_port = d->server.http_port;
        d->media_port = d->server.media_port;
        return true;
    }
    finding_set(&finding, "server", "", FINDING_FAIL, "the server does not start with these settings: %s",
                why);
    add(d, &finding);
    return false;
}

static void server_done(struct doctor *d) {
    struct finding finding;
    char why[DOCTOR_SERVER_WHY_MAX];
    if (d->running)
        return;
    if (doctor_server_stop(&d->server, why))
        finding_set(&finding, "server", "", FINDING_OK,
                    "starts with these settings, and ends when it is told to");
    else
        finding_set(&finding, "server", "", FINDING_FAIL, "the server that was called went wrong: %s", why);
    add(d, &finding);
}

// ---- calls

static void call_through(struct doctor *d, const char *web_host, const char *media_host,
                         struct call_outcome *out) {
    char url[IP_TEXT_MAX + 32];
    bool v6 = strchr(web_host, ':') != NULL;
    snprintf(url, sizeof url, "ws%s://%s%s%s:%u/ws", d->tls ? "s" : "", v6 ? "[" : "", web_host,
             v6 ? "]" : "", d->http_port);
    struct call_request request = {.url = url, .wait_us = CALL_WAIT_US};
    if (addr_parse(media_host, 0, &request.media_to) == ERR_OK)
        call_make(&request, out);
    else
        *out = (struct call_outcome){.stage = CALL_WEBSOCKET, .why = "no IP address"};
}

// What the server that runs announces takes the place of what these settings would.
static void announce_take(struct doctor *d, const struct call_outcome *outcome) {
    struct announce running = {.count = 0};
    struct finding finding;
    bool same = outcome->offered_count == d->announce.count;
    char text[512] = "";
    if (!d->running || outcome->offered_count == 0)
        return;
    d->media_port = outcome->offered[0].port;
    for (unsigned i = 0; i < outcome->offered_count && i < HUB_ANNOUNCE_MAX; i++) {
        struct announced *one = &running.list[running.count++];
        address_text(&outcome->offered[i], one->text);
        bool known = false;
        for (unsigned k = 0; k < d->announce.count && !known; k++) {
            known = strcmp(d->announce.list[k].text, one->text) == 0;
            one->origin = known ? d->announce.list[k].origin : ANNOUNCE_NAMED;
        }
        same = same && known;
        size_t len = strlen(text);
        snprintf(text + len, sizeof text - len, "%s%s", i ? ", " : "", one->text);
    }
    d->announce = running;
    if (same && (d->media_port == d->config.media_port || d->config.media_port == 0))
        return;
    finding_set(&finding, "announce", "", FINDING_WARN,
                "the server that runs announces %s with UDP port %u, which is not what these settings say",
                text, d->media_port);
    finding_mend(&finding, "give `rotunda doctor` the settings of that server, or restart it with these");
    add(d, &finding);
}

static bool call_locally(struct doctor *d) {
    static const char loopback[] = "127.0.0.1";
    struct call_outcome outcome;
    struct finding finding;
    call_through(d, d->local_host, loopback, &outcome);
    struct call_facts facts = {.outcome = &outcome,
                               .address = loopback,
                               .web_address = d->local_host,
                               .http_port = d->http_port,
                               .media_port = d->media_port,
                               .local = true,
                               .place = PLACE_HERE,
                               .stun = &d->stun};
    check_call(&finding, &facts);
    add(d, &finding);
    announce_take(d, &outcome);
    return outcome.stage == CALL_DONE;
}

// Where the STUN server sees this machine, in the family of `address`, is announced, too.
static bool seen_announced(const struct doctor *d, const char *address) {
    for (unsigned i = 0; i < d->announce.count; i++) {
        const char *other = d->announce.list[i].text;
        if (!strchr(other, ':') == !strchr(address, ':') &&
            address_place_of(other, &d->machine, &d->stun) == PLACE_SEEN)
            return true;
    }
    return false;
}

// The WebSocket goes the same way where the TCP port answers there: behind a proxy it need not.
static void call_announced(struct doctor *d, const char *address, enum address_place place) {
    struct call_outcome outcome;
    struct finding finding;
    struct http_reply reply;
    char why[HTTP_WHY_MAX];
    struct http_target target = {.host = address, .port = d->http_port, .tls = d->tls};
    bool answers = address_scope_of(d->config.listen_host) != ADDRESS_LOOPBACK &&
                   http_get(&target, "/healthz", HTTP_WAIT_MS, &reply, why) && http_is_rotunda(&reply);
    struct call_facts facts = {.outcome = &outcome,
                               .address = address,
                               .web_address = answers ? address : d->local_host,
                               .http_port = d->http_port,
                               .media_port = d->media_port,
                               .place = place,
                               .stun = &d->stun,
                               .seen_announced = seen_announced(d, address)};
    call_through(d, facts.web_address, address, &outcome);
    check_call(&finding, &facts);
    add(d, &finding);
}

static void examine_addresses(struct doctor *d, bool calls) {
    struct finding finding;
    for (unsigned i = 0; i < d->announce.count; i++) {
        const char *address = d->announce.list[i].text;
        enum address_place place = address_place_of(address, &d->machine, &d->stun);
        check_address(&finding, address, place, &d->stun, d->machine.container, d->media_port);
        add(d, &finding);
        if (calls && address_scope_of(address) > ADDRESS_LOOPBACK)
            call_announced(d, address, place);
    }
    check_reach(&finding, &d->announce, d->machine.container);
    add(d, &finding);
}

// ---- the command

static void examine(struct doctor *d) {
    examine_here(d);
    examine_web_root(d);
    examine_certificate(d);
    examine_ports(d);
    ask_stun(d);
    bool ready = server_ready(d);
    examine_addresses(d, ready && call_locally(d));
    if (ready)
        server_done(d);
}

// --stun is the doctor's own as well: the server refuses one that it would not ask, because the addresses
// that it announces are all named; here it tells whether they are right.
static const char *stun_take(int argc, char *argv[], int *i) {
    if (strncmp(argv[*i], "--stun=", 7) == 0)
        return argv[*i] + 7;
    if (strcmp(argv[*i], "--stun") == 0 && *i + 1 < argc)
        return argv[++*i];
    return NULL;
}

// Takes --json and --stun out; the rest are settings. False: too many.
static bool arguments_take(struct doctor *d, int argc, char *argv[], char *settings[ARGUMENTS_MAX],
                           int *count) {
    *count = 0;
    for (int i = 0; i < argc; i++) {
        const char *value = stun_take(argc, argv, &i);
        if (value)
            d->stun_wanted = value;
        else if (i > 0 && strcmp(argv[i], "--json") == 0)
            d->json = true;
        else if (*count < ARGUMENTS_MAX)
            settings[(*count)++] = argv[i];
        else
            return false;
    }
    return true;
}

static int doctor_run(struct doctor *d) {
    log_configure(LOG_LEVEL_ERROR, LOG_FORMAT_TEXT);
    if (!d->json)
        d->findings.added = report_print_line;
    examine(d);
    if (!d->json)
        report_print_summary(stdout, &d->findings);
    else if (!report_print_json(stdout, &d->findings))
        return STATUS_FAILS;
    return findings_worst(&d->findings) == FINDING_FAIL ? STATUS_FAILS : STATUS_FINE;
}

static int doctor_start(struct doctor *d, int argc, char *argv[], char *const environment[]) {
    char error[CONFIG_ERROR_MAX] = "too many arguments", *settings[ARGUMENTS_MAX];
    int count;
    enum config_task task = CONFIG_REFUSED;
    if (arguments_take(d, argc, argv, settings, &count))
        task = config_load(&d->config, count, settings, environment, error);
    if (d->stun_wanted && task != CONFIG_REFUSED &&
        !host_port_parse(d->stun_wanted, strlen(d->stun_wanted), STUN_PORT, &d->config.stun)) {
        snprintf(error, sizeof error, "stun: \"%.200s\" (from --stun) is not allowed; it must be HOST[:PORT]",
                 d->stun_wanted);
        task = CONFIG_REFUSED;
    }
    switch (task) {
    case CONFIG_HELP:
        config_print_help(stdout);
        return STATUS_FINE;
    case CONFIG_VERSION:
        versions_print(stdout);
        return STATUS_FINE;
    case CONFIG_REFUSED:
        fprintf(stderr, "rotunda doctor: %s\n", error);
        return STATUS_REFUSED;
    case CONFIG_CHECK: // both are among its checks
    case CONFIG_HEALTH:
    case CONFIG_RUN:
        break;
    }
    return doctor_run(d);
}

int doctor_main(int argc, char *argv[], char *const environment[]) {
    struct doctor *d = calloc(1, sizeof *d);
    if (!d) {
        fprintf(stderr, "rotunda doctor: out of memory\n");
        return STATUS_REFUSED;
    }
    int status = doctor_start(d, argc, argv, environment);
    free(d);
    return status;
}
