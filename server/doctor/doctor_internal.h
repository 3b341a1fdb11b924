// doctor_internal: what the files of `rotunda doctor` share: one run of it. Each examination adds its
// findings.
#ifndef SERVER_DOCTOR_INTERNAL_H
#define SERVER_DOCTOR_INTERNAL_H

#include "server/doctor/doctor_checks.h"
#include "server/doctor/doctor_server.h"

#define DOCTOR_HTTP_WAIT_MS 1500

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

// ---- doctor_examine.c, in the order in which they are to be called
void examine_machine(struct doctor *d); // without network
void examine_gate(struct doctor *d);
void examine_web_root(struct doctor *d);
void examine_certificate(struct doctor *d);
void examine_ports(struct doctor *d); // finds out who has them, and a Rotunda that runs
void examine_stun(struct doctor *d);  // and makes the list of announced addresses
void examine_turn(struct doctor *d);  // the servers that clients are told of

// ---- doctor_calls.c: the server that runs or one that is started, the calls with it, and the addresses
void examine_calls(struct doctor *d);

#endif
