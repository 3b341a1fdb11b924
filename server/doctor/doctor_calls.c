#include "server/doctor/doctor_internal.h"

#include "base/clock.h"
#include "server/doctor/doctor_http.h"

#include <string.h>

// For each stage. A slow machine is not a broken one; where this machine works, the way is what is tried.
#define CALL_LOCAL_WAIT_US (4 * US_PER_SECOND)
#define CALL_AWAY_WAIT_US (2 * US_PER_SECOND)

static void settings_for_call(const struct doctor *d, struct config *out) {
    *out = d->config;
    out->announce_count = d->announce.count;
    for (unsigned i = 0; i < d->announce.count; i++)
        snprintf(out->announce[i], sizeof out->announce[i], "%s", d->announce.list[i].text);
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
    findings_add(&d->findings, &finding);
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
    findings_add(&d->findings, &finding);
}

// ---- calls

static void call_through(struct doctor *d, const char *web_host, const char *media_host, uint64_t wait_us,
                         struct call_outcome *out) {
    char url[IP_TEXT_MAX + 32];
    bool v6 = strchr(web_host, ':') != NULL;
    snprintf(url, sizeof url, "ws%s://%s%s%s:%u/ws", d->tls ? "s" : "", v6 ? "[" : "", web_host,
             v6 ? "]" : "", d->http_port);
    struct call_request request = {.url = url, .keys = d->config.keys, .wait_us = wait_us};
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
    finding_fix(&finding, "give `rotunda doctor` the settings of that server, or restart it with these");
    findings_add(&d->findings, &finding);
}

static bool call_locally(struct doctor *d) {
    static const char loopback[] = "127.0.0.1";
    struct call_outcome outcome;
    struct finding finding;
    call_through(d, d->local_host, loopback, CALL_LOCAL_WAIT_US, &outcome);
    struct call_facts facts = {.outcome = &outcome,
                               .address = loopback,
                               .web_address = d->local_host,
                               .http_port = d->http_port,
                               .media_port = d->media_port,
                               .local = true,
                               .place = PLACE_HERE,
                               .stun = &d->stun};
    check_call(&finding, &facts);
    findings_add(&d->findings, &finding);
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
                   http_get(&target, "/healthz", DOCTOR_HTTP_WAIT_MS, &reply, why) && http_is_rotunda(&reply);
    struct call_facts facts = {.outcome = &outcome,
                               .address = address,
                               .web_address = answers ? address : d->local_host,
                               .http_port = d->http_port,
                               .media_port = d->media_port,
                               .place = place,
                               .stun = &d->stun,
                               .seen_announced = seen_announced(d, address)};
    call_through(d, facts.web_address, address, CALL_AWAY_WAIT_US, &outcome);
    check_call(&finding, &facts);
    findings_add(&d->findings, &finding);
}

static void examine_addresses(struct doctor *d, bool calls) {
    struct finding finding;
    for (unsigned i = 0; i < d->announce.count; i++) {
        const char *address = d->announce.list[i].text;
        enum address_place place = address_place_of(address, &d->machine, &d->stun);
        check_address(&finding, address, place, &d->stun, d->machine.container, d->media_port);
        findings_add(&d->findings, &finding);
        if (calls && address_scope_of(address) > ADDRESS_LOOPBACK)
            call_announced(d, address, place);
    }
    check_reach(&finding, &d->announce, d->machine.container);
    findings_add(&d->findings, &finding);
    check_ice(&finding, &d->announce, &d->config);
    if (finding.level != FINDING_SKIP)
        findings_add(&d->findings, &finding);
}

void examine_calls(struct doctor *d) {
    bool ready = server_ready(d);
    examine_addresses(d, ready && call_locally(d));
    if (ready)
        server_done(d);
}
