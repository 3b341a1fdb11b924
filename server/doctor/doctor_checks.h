// doctor_checks: what the network and other programs told, judged: facts in, one finding out. Pure.
// Certificates and TURN are in doctor_checks_keys.c.
#ifndef SERVER_DOCTOR_CHECKS_H
#define SERVER_DOCTOR_CHECKS_H

#include "server/config/announce.h"
#include "server/doctor/doctor_call.h"
#include "server/doctor/doctor_certificate.h"
#include "server/doctor/doctor_ports.h"
#include "server/doctor/doctor_turn.h"
#include "server/finding.h"
#include "server/machine.h"

// version: of the Rotunda that already answers on the TCP port; NULL: none does.
void check_port(struct finding *out, const struct port_facts *port, const char *running);
// With ice-tcp: the TCP port of the media port's number. needed: the server does not start without.
void check_media_tcp(struct finding *out, const struct port_facts *port, bool running, bool needed);

// ---- TLS

struct certificate_facts {
    const char *path, *error;      // error: why it cannot be used, "" when it can; then the rest is set
    const char *name;              // whose it is, or ""
    int64_t not_before, not_after; // seconds since 1970
    struct chain_facts chain;
};

// Two findings: the certificate with its dates, and its chain; returns how many (the chain of one that cannot
// be used is not looked at).
unsigned check_certificate(struct finding out[2], const struct certificate_facts *facts, int64_t now);

// ---- TURN

// url: as the settings have it.
void check_turn(struct finding *out, const char *url, const struct turn_outcome *outcome);

// ---- addresses

struct stun_facts {
    bool asked;
    enum stun_result result; // and below, of stun_ask
    const char *server;      // as the settings name it, in
    const char *setting;     // "--stun", "--turn-urls"
    uint16_t local_port;     // asked from; 0: another one, which tells nothing
    const struct stun_seen *seen;
    const char *why;
};

void address_text(const struct addr *address, char out[ANNOUNCE_TEXT_MAX]); // without the port

void check_stun(struct finding *out, const struct stun_facts *stun, uint16_t media_port);

enum address_place {
    PLACE_HERE,    // at an interface of this machine
    PLACE_SEEN,    // a STUN server sees this machine there: NAT
    PLACE_OTHER,   // a STUN server sees this machine elsewhere
    PLACE_UNKNOWN, // not here, and nobody was asked
};

enum address_place address_place_of(const char *address, const struct machine *machine,
                                    const struct stun_facts *stun);
void check_address(struct finding *out, const char *address, enum address_place place,
                   const struct stun_facts *stun, const char *container, uint16_t media_port);
// All of them together: who gets through.
void check_reach(struct finding *out, const struct announce *announce, const char *container);
// Whether full ICE, if it is on, has what it needs to be found from elsewhere.
void check_ice(struct finding *out, const struct announce *announce, const struct config *config);

// ---- the call with itself

struct call_facts {
    const struct call_outcome *outcome;
    const char *address;     // media went there
    const char *web_address; // the WebSocket went there
    uint16_t http_port, media_port;
    bool local; // the shortest way, before any announced address
    enum address_place place;
    const struct stun_facts *stun;
    bool seen_announced; // where STUN sees this machine is announced as well
};

void check_call(struct finding *out, const struct call_facts *facts);

#endif
