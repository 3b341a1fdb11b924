// doctor_ports: whether the two ports of the settings can be had.
//
// Opens and closes sockets; nothing is sent.
#ifndef SERVER_DOCTOR_PORTS_H
#define SERVER_DOCTOR_PORTS_H

#include "server/config/config.h"
#include "server/common/port_owner.h"

enum port_state {
    PORT_FREE,
    PORT_BUSY,      // another program has it, see owner
    PORT_FORBIDDEN, // below 1024, without the right to bind it
    PORT_ELSEWHERE, // the address is none of this machine's
    PORT_REFUSED,   // anything else, see error
};

struct port_facts {
    enum port_kind kind;
    char host[IP_TEXT_MAX]; // TCP
    uint16_t port;          // 0: the system chooses
    enum port_state state;
    int error;      // errno
    char owner[96]; // "nginx (pid 812)", "another program"; "" when not busy
};

void port_examine_tcp(const char *host, uint16_t port, struct port_facts *out);
void port_examine_udp(uint16_t port, struct port_facts *out); // IPv4, and IPv6 where the machine has it

#endif
