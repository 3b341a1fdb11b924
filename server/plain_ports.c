#include "server/plain_ports.h"

#include "base/addr.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define BUFFER_BYTES (4 * 1024 * 1024) // asked for; a key frame comes and goes in one burst

// -1 and errno.
static int bind_one(const struct port_range *range, unsigned port) {
    struct addr at;
    struct sockaddr_storage name;
    if (addr_parse(range->host, (uint16_t)port, &at) != ERR_OK)
        return -1;
    socklen_t len = addr_to_sockaddr(&at, &name);
    int fd = socket(name.ss_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    const int bytes = BUFFER_BYTES, only = 1;
    if (fd < 0)
        return -1;
    if (name.ss_family == AF_INET6)
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &only, sizeof only);
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
    setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes);
    if (bind(fd, (const struct sockaddr *)&name, len) == 0)
        return fd;
    int failure = errno;
    close(fd);
    errno = failure;
    return -1;
}

static bool bind_pair(const struct port_range *range, unsigned port, bool rtcp_mux, struct plain_place *out) {
    out->rtcp_fd = -1;
    out->rtp_fd = bind_one(range, port);
    if (out->rtp_fd < 0)
        return false;
    if (!rtcp_mux) {
        out->rtcp_fd = bind_one(range, port + 1);
        if (out->rtcp_fd < 0) {
            int failure = errno;
            close(out->rtp_fd);
            errno = failure;
            return false;
        }
    }
    out->rtp_port = (uint16_t)port;
    out->rtcp_port = (uint16_t)(rtcp_mux ? port : port + 1);
    return true;
}

enum plain_bind_result plain_ports_bind(const struct port_range *range, uint16_t *next, bool rtcp_mux,
                                        struct plain_place *out, char *why) {
    unsigned count = (unsigned)range->to - range->from + 1, used = rtcp_mux ? 1 : 2;
    unsigned first = *next >= range->from && *next <= range->to ? *next : range->from;
    *out = (struct plain_place){.rtp_fd = -1, .rtcp_fd = -1, .family = strchr(range->host, ':') ? 6 : 4};
    snprintf(out->ip, sizeof out->ip, "%s", range->host);
    for (unsigned i = 0; i < count; i++) {
        unsigned port = range->from + (first - range->from + i) % count;
        if (port + used - 1 > range->to || (!rtcp_mux && port % 2 != 0))
            continue;
        if (bind_pair(range, port, rtcp_mux, out)) {
            *next = (uint16_t)(port + used <= range->to ? port + used : range->from);
            return PLAIN_BOUND;
        }
        if (errno != EADDRINUSE) {
            snprintf(why, HUB_PLAIN_WHY_MAX, "no socket for plain RTP at %s, port %u: %s", range->host, port,
                     strerror(errno));
            return PLAIN_BIND_FAILED;
        }
    }
    snprintf(why, HUB_PLAIN_WHY_MAX,
             "all ports of %u-%u are in use (setting `plain-ports`); close a transport of plain RTP first",
             range->from, range->to);
    return PLAIN_BIND_NONE_LEFT;
}

enum plain_bind_result plain_ports_bind_inside(struct plain_place *out, char *why) {
    static const struct port_range any = {.host = "127.0.0.1"};
    struct sockaddr_storage name;
    socklen_t len = sizeof name;
    struct addr at;
    *out = (struct plain_place){.rtp_fd = bind_one(&any, 0), .rtcp_fd = -1, .family = 4, .ip = "127.0.0.1"};
    if (out->rtp_fd < 0 || getsockname(out->rtp_fd, (struct sockaddr *)&name, &len) != 0) {
        snprintf(why, HUB_PLAIN_WHY_MAX, "no socket of 127.0.0.1: %s", strerror(errno));
        return PLAIN_BIND_FAILED;
    }
    addr_from_sockaddr((const struct sockaddr *)&name, &at);
    out->rtp_port = out->rtcp_port = at.port;
    return PLAIN_BOUND;
}
