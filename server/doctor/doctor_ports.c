#include "server/doctor/doctor_ports.h"

#include "base/addr.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <unistd.h>

// 0, or the errno, of binding as the server does. A machine without the family is no error.
static int port_bind(int type, const struct addr *address, bool v6_only) {
    struct sockaddr_storage name;
    socklen_t len = addr_to_sockaddr(address, &name);
    int on = 1, only = v6_only, error = 0;
    int fd = socket(name.ss_family, type | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return errno == EAFNOSUPPORT && type == SOCK_DGRAM ? 0 : errno;
    if (type == SOCK_STREAM)
        (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (address->family == 6)
        (void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &only, sizeof only);
    if (bind(fd, (struct sockaddr *)&name, len) != 0 || (type == SOCK_STREAM && listen(fd, 1) != 0))
        error = errno;
    close(fd);
    return error;
}

static void port_judge(struct port_facts *facts) {
    switch (facts->error) {
    case 0:
        facts->state = PORT_FREE;
        return;
    case EADDRINUSE:
        facts->state = PORT_BUSY;
        if (!port_owner_find(facts->kind, facts->port, facts->owner, sizeof facts->owner))
            snprintf(facts->owner, sizeof facts->owner, "another program");
        return;
    case EACCES:
    case EPERM:
        facts->state = PORT_FORBIDDEN;
        return;
    case EADDRNOTAVAIL:
    case EAFNOSUPPORT:
        facts->state = PORT_ELSEWHERE;
        return;
    default:
        facts->state = PORT_REFUSED;
    }
}

void port_examine_tcp(const char *host, uint16_t port, struct port_facts *out) {
    struct addr address;
    *out = (struct port_facts){.kind = PORT_TCP, .port = port};
    snprintf(out->host, sizeof out->host, "%s", host);
    out->error =
        addr_parse(host, port, &address) == ERR_OK ? port_bind(SOCK_STREAM, &address, false) : EADDRNOTAVAIL;
    port_judge(out);
}

void port_examine_udp(uint16_t port, struct port_facts *out) {
    *out = (struct port_facts){.kind = PORT_UDP, .port = port};
    for (uint8_t family = 4; family <= 6 && out->error == 0; family += 2) {
        struct addr any = {.family = family, .port = port};
        int error = port_bind(SOCK_DGRAM, &any, true);
        out->error = error == EADDRNOTAVAIL ? 0 : error;
    }
    port_judge(out);
}
