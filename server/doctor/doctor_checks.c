#include "server/doctor/doctor_checks.h"

#include "base/clock.h"
#include "server/config/reach.h"

#include <arpa/inet.h>
#include <assert.h>
#include <inttypes.h>
#include <string.h>

// ---- ports

void check_media_tcp(struct finding *out, const struct port_facts *port, bool running, bool needed) {
    static const char check[] = "media-port-tcp";
    enum finding_level level = needed ? FINDING_FAIL : FINDING_WARN;
    const char *then = needed ? "" : ": people in networks without UDP cannot take part";
    if (port->state == PORT_FREE && port->port == 0) {
        finding_set(out, check, "", FINDING_OK, "media over TCP takes the number that the system chooses");
    } else if (port->state == PORT_FREE) {
        finding_set(out, check, "", FINDING_OK, "TCP port %u is free for media over TCP", port->port);
    } else if (port->state == PORT_BUSY && running) {
        finding_set(out, check, "", FINDING_OK, "TCP port %u is in use (%s), as it is when the server runs",
                    port->port, port->owner);
    } else if (port->state == PORT_BUSY) {
        finding_set(out, check, "", level, "TCP port %u, for media over TCP, is taken by %s%s", port->port,
                    port->owner, then);
        finding_fix(out, "stop it, or choose another number: --media-port PORT, or --ice-tcp off");
    } else {
        finding_set(out, check, "", level, "TCP port %u, for media over TCP, cannot be opened: %s%s",
                    port->port, strerror(port->error), then);
    }
}

static void port_name(const struct port_facts *port, char out[96]) {
    bool v6 = strchr(port->host, ':') != NULL;
    if (port->kind == PORT_UDP)
        snprintf(out, 96, "UDP port %u", port->port);
    else
        snprintf(out, 96, "TCP port %u of %s%s%s", port->port, v6 ? "[" : "", port->host, v6 ? "]" : "");
}

static void port_busy(struct finding *out, const char *check, const char *name,
                      const struct port_facts *port) {
    const char *setting = port->kind == PORT_TCP ? "--listen IP:PORT" : "--media-port PORT";
    finding_set(out, check, "", FINDING_FAIL, "%s is taken by %s", name, port->owner);
    finding_fix(out, "stop it, or choose another port: %s", setting);
}

void check_port(struct finding *out, const struct port_facts *port, const char *running) {
    bool tcp = port->kind == PORT_TCP;
    const char *check = tcp ? "listen-port" : "media-port";
    char name[96];
    port_name(port, name);
    if (port->port == 0 && port->state == PORT_FREE) {
        finding_set(out, check, "", FINDING_OK, "the system chooses one");
    } else if (running && port->state == PORT_BUSY) {
        if (tcp)
            finding_set(out, check, "", FINDING_OK, "Rotunda%s%s runs at %s: that one is examined",
                        running[0] ? " " : "", running, name);
        else
            finding_set(out, check, "", FINDING_OK, "%s is in use (%s), as it is when the server runs", name,
                        port->owner);
    } else if (running && !tcp && port->state == PORT_FREE && port->port) {
        finding_set(out, check, "", FINDING_WARN,
                    "%s is free: the server that runs was started with other settings", name);
        finding_fix(out, "give `rotunda doctor` the settings of the server, or restart it with these");
    } else if (port->state == PORT_FREE) {
        finding_set(out, check, "", FINDING_OK, "%s is free", name);
    } else if (port->state == PORT_BUSY) {
        port_busy(out, check, name, port);
    } else if (port->state == PORT_FORBIDDEN) {
        finding_set(out, check, "", FINDING_FAIL, "this user may not open %s", name);
        finding_fix(out, "a port above 1023, or the right to it (AmbientCapabilities=CAP_NET_BIND_SERVICE)");
    } else if (port->state == PORT_ELSEWHERE) {
        finding_set(out, check, "", FINDING_FAIL, "%s: this machine does not have that address", name);
        finding_fix(out, "--listen 0.0.0.0:%u, or an address of this machine", port->port);
    } else {
        finding_set(out, check, "", FINDING_FAIL, "%s cannot be opened: %s", name, strerror(port->error));
    }
}

// ---- addresses

static bool stun_saw(const struct stun_facts *stun) {
    return stun->asked && stun->result == STUN_SEEN;
}

void address_text(const struct addr *address, char out[ANNOUNCE_TEXT_MAX]) {
    if (!inet_ntop(address->family == 6 ? AF_INET6 : AF_INET, address->ip, out, ANNOUNCE_TEXT_MAX))
        out[0] = '\0';
}

// The one that STUN saw of the family of `address`; NULL: none.
static const struct addr *seen_of_family(const struct stun_facts *stun, const char *address) {
    uint8_t family = strchr(address, ':') ? 6 : 4;
    for (unsigned i = 0; stun_saw(stun) && i < stun->seen->count; i++) {
        if (stun->seen->address[i].family == family)
            return &stun->seen->address[i];
    }
    return NULL;
}

void check_stun(struct finding *out, const struct stun_facts *stun, uint16_t media_port) {
    if (!stun->asked) {
        finding_set(out, "stun", "", FINDING_SKIP,
                    "no STUN server is set, so nobody says how this machine is seen from outside");
        return;
    }
    if (stun->result != STUN_SEEN) {
        finding_set(out, "stun", stun->server, FINDING_FAIL, "%s", stun->why);
        finding_fix(out,
                    stun->result == STUN_UNRESOLVED ? "the name in %s, or the name servers of this machine"
                                                    : "another server in %s, or let UDP out to it",
                    stun->setting);
        return;
    }
    char text[2][ANNOUNCE_TEXT_MAX] = {"", ""};
    bool kept = false, private = false;
    for (unsigned i = 0; i < stun->seen->count; i++) {
        address_text(&stun->seen->address[i], text[i]);
        kept |= stun->seen->address[i].port == stun->local_port;
        private |= address_scope_of(text[i]) == ADDRESS_PRIVATE;
    }
    bool both = stun->seen->count > 1;
    if (private) {
        finding_set(
            out, "stun", stun->server, FINDING_WARN,
            "it sees this machine at %s%s%s: that is a private address, so the server is on this network, or "
            "the provider translates addresses (CGNAT) and nobody outside can get in",
            text[0], both ? " and " : "", text[1]);
        finding_fix(out, "a STUN server on the internet; behind CGNAT a TURN server outside, or IPv6");
        return;
    }
    if (stun->local_port && !kept) {
        finding_set(out, "stun", stun->server, FINDING_WARN,
                    "it sees this machine at %s%s%s, but at another port than it was asked from", text[0],
                    both ? " and " : "", text[1]);
        finding_fix(out, "tell the router, which changes ports, to forward UDP port %u to this machine",
                    media_port);
        return;
    }
    finding_set(out, "stun", stun->server, FINDING_OK, "it sees this machine at %s%s%s", text[0],
                both ? " and " : "", text[1]);
}

enum address_place address_place_of(const char *address, const struct machine *machine,
                                    const struct stun_facts *stun) {
    if (machine_has_address(machine, address))
        return PLACE_HERE;
    const struct addr *seen = seen_of_family(stun, address);
    if (!seen)
        return PLACE_UNKNOWN;
    char text[ANNOUNCE_TEXT_MAX];
    address_text(seen, text);
    return strcmp(text, address) == 0 ? PLACE_SEEN : PLACE_OTHER;
}

static const char *scope_word(enum address_scope scope) {
    static const char *const words[] = {"not usable", "loopback", "private", "public"};
    assert(scope <= ADDRESS_PUBLIC);
    return words[scope];
}

// An address that no interface of this machine has.
static void check_address_away(struct finding *out, const char *address, enum address_place place,
                               const struct stun_facts *stun, const char *container, uint16_t media_port) {
    enum address_scope scope = address_scope_of(address);
    const struct addr *seen = seen_of_family(stun, address);
    char text[ANNOUNCE_TEXT_MAX] = "";
    if (seen)
        address_text(seen, text);
    if (place == PLACE_SEEN) {
        finding_set(out, "announce", address, FINDING_OK,
                    "%s; this machine is behind NAT there, which must forward UDP port %u to it",
                    scope_word(scope), media_port);
    } else if (scope == ADDRESS_PRIVATE && !container) {
        finding_set(out, "announce", address, FINDING_WARN,
                    "private, and no interface of this machine has it");
        finding_fix(out, "--announce auto, unless that machine forwards UDP port %u to this one", media_port);
    } else if (scope == ADDRESS_PRIVATE) {
        finding_set(out, "announce", address, FINDING_OK,
                    "private, and not this container's: the machine that runs it must forward UDP port %u",
                    media_port);
    } else if (place == PLACE_OTHER) {
        finding_set(out, "announce", address, FINDING_WARN,
                    "public, but the STUN server %s sees this machine at %s", stun->server, text);
        finding_fix(out, "--announce auto,%s, unless UDP port %u is forwarded from %s to this machine", text,
                    media_port, address);
    } else {
        finding_set(out, "announce", address, FINDING_OK,
                    "public, not at an interface of this machine: NAT must forward UDP port %u to it",
                    media_port);
    }
}

void check_address(struct finding *out, const char *address, enum address_place place,
                   const struct stun_facts *stun, const char *container, uint16_t media_port) {
    enum address_scope scope = address_scope_of(address);
    if (scope == ADDRESS_UNUSABLE) {
        finding_set(out, "announce", address, FINDING_WARN, "clients cannot send to it");
        finding_fix(out, "leave it out of --announce");
    } else if (place == PLACE_HERE) {
        finding_set(out, "announce", address, FINDING_OK, "%s, at an interface of this %s", scope_word(scope),
                    container ? "container" : "machine");
    } else {
        check_address_away(out, address, place, stun, container, media_port);
    }
}

void check_reach(struct finding *out, const struct announce *announce, const char *container) {
    struct reach reach;
    enum address_scope widest = ADDRESS_UNUSABLE;
    for (unsigned i = 0; i < announce->count; i++) {
        enum address_scope scope = address_scope_of(announce->list[i].text);
        widest = scope > widest ? scope : widest;
    }
    reach_judge(&reach, announce, container != NULL);
    if (reach.limited) {
        finding_set(out, "reach", "", FINDING_WARN, "%s%s%scan take part: %s", container ? "in " : "",
                    container ? container : "", container ? ", these " : "these ", reach.reaches);
        finding_fix(out, "%s, %s", reach.fix, reach.fix_meaning);
    } else if (widest < ADDRESS_PRIVATE) {
        finding_set(out, "reach", "", FINDING_WARN, "only this machine itself can take part");
        finding_fix(out, "--announce IP, an address of this machine that others can reach");
    } else {
        finding_set(out, "reach", "", FINDING_OK, "%s",
                    widest == ADDRESS_PUBLIC ? "a public address is announced"
                                             : "the private address that was asked for is announced");
    }
}

void check_ice(struct finding *out, const struct announce *announce, const struct config *config) {
    bool public = false;
    unsigned turns = config->ice_turn.url_count;
    const char *stun = config->ice_stun.host[0] ? config->ice_stun.host : config->stun.host;
    for (unsigned i = 0; i < announce->count; i++)
    public |= address_scope_of(announce->list[i].text) == ADDRESS_PUBLIC;
    if (config->ice == HUB_ICE_LITE) {
        finding_set(out, "ice", "", FINDING_SKIP,
                    "ICE-lite: clients look for the server, not the other way round");
    } else if (stun[0] || turns > 0) {
        finding_set(out, "ice", "", FINDING_OK, "full ICE asks %s%s%u TURN server%s", stun[0] ? stun : "",
                    stun[0] ? " and " : "", turns, turns == 1 ? "" : "s");
    } else if (public) {
        finding_set(out, "ice", "", FINDING_OK, "full ICE has a public address");
    } else {
        finding_set(out, "ice", "", FINDING_WARN,
                    "full ICE has neither a public address nor a STUN or TURN server: people in other "
                    "networks cannot be found");
        finding_fix(out, "--ice-stun HOST, and --ice-turn URL for networks where that is not enough");
    }
}

// ---- the call with itself

static void call_done(struct finding *out, const struct call_facts *f) {
    const struct call_outcome *o = f->outcome;
    bool other_way = strcmp(f->web_address, f->address) != 0 && !f->local;
    if (o->faults) {
        finding_set(out, "call", f->address, FINDING_WARN,
                    "works, but %" PRIu64 " of %" PRIu64 " packets did not arrive as they were sent",
                    o->faults, o->packets_in);
        finding_fix(out, "look for what changes UDP packets on the way; the same call: rotunda-load");
        return;
    }
    finding_set(out, "call", f->address, FINDING_OK,
                "WebSocket%s%s%s, ICE, DTLS, and RTP both ways in %" PRIu64 " ms",
                other_way ? " (through " : "", other_way ? f->web_address : "",
                other_way ? ": the TCP port does not answer at this address)" : "", o->media_us / US_PER_MS);
}

// What was missing, in words, for people who know firewalls.
static void stage_text(const struct call_facts *f, char *out, size_t cap) {
    const struct call_outcome *o = f->outcome;
    const char *why = o->why, *gap = why[0] ? ": " : "";
    switch (o->stage) {
    case CALL_WEBSOCKET:
        snprintf(out, cap, "no WebSocket at TCP port %u%s%s", f->http_port, gap, why);
        return;
    case CALL_ICE:
        snprintf(out, cap, "nothing answers ICE checks sent to UDP port %u", f->media_port);
        return;
    case CALL_DTLS:
        snprintf(out, cap, "ICE works, but the DTLS handshake does not complete: large packets get lost%s%s",
                 gap, why);
        return;
    case CALL_RTP:
        snprintf(out, cap,
                 "ICE and DTLS work, but of %" PRIu64 " media packets sent only %" PRIu64 " came back",
                 o->packets_out, o->packets_in);
        return;
    case CALL_ROOM:
    case CALL_TRANSPORT:
    case CALL_DONE:
        break;
    }
    snprintf(out, cap, "the server did not go through with %s%s%s", call_stage_name(o->stage), gap, why);
}

static void call_failed_away(struct finding *out, const struct call_facts *f, const char *text) {
    const struct addr *seen = seen_of_family(f->stun, f->address);
    char elsewhere[ANNOUNCE_TEXT_MAX] = "";
    if (seen)
        address_text(seen, elsewhere);
    if (f->place == PLACE_OTHER && f->seen_announced) {
        finding_set(out, "call", f->address, FINDING_WARN,
                    "%s; clients will get through by %s, where STUN sees this machine", text, elsewhere);
        finding_fix(out, "leave it out of --announce");
        return;
    }
    if (f->place == PLACE_OTHER) {
        finding_set(out, "call", f->address, FINDING_FAIL, "%s, and STUN sees this machine at %s instead",
                    text, elsewhere);
        finding_fix(out, "--announce auto,%s", elsewhere);
        return;
    }
    finding_set(
        out, "call", f->address, FINDING_WARN,
        "%s. The server works locally; many routers do not lead a machine back to itself (no hairpin), so "
        "this says nothing about people outside",
        text);
    finding_fix(out, "forward UDP port %u to this machine, and open /check of the page from outside",
                f->media_port);
}

void check_call(struct finding *out, const struct call_facts *f) {
    char text[CALL_WHY_MAX + 128];
    if (f->outcome->stage == CALL_DONE) {
        call_done(out, f);
        return;
    }
    stage_text(f, text, sizeof text);
    if (f->outcome->refused) {
        finding_set(out, "call", f->address, FINDING_WARN, "the server accepts no more people now: %s",
                    f->outcome->why);
        finding_fix(out, "try again later, or raise its limits (--rooms-max, --participants-max)");
    } else if (!f->local && f->place != PLACE_HERE) {
        call_failed_away(out, f, text);
    } else {
        finding_set(out, "call", f->address, FINDING_FAIL, "%s", text);
        finding_fix(out,
                    f->outcome->stage == CALL_ICE || f->outcome->stage == CALL_RTP
                        ? "a firewall of this machine? let in UDP port %u"
                    : f->outcome->stage == CALL_DTLS
                        ? "look for a small MTU on the way to UDP port %u"
                        : "the server's log tells more (media is at UDP port %u)",
                    f->media_port);
    }
}
