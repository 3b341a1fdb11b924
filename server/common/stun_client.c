#include "server/common/stun_client.h"

#include "base/bytes.h"
#include "base/clock.h"
#include "base/entropy.h"
#include "server/common/host_port.h"
#include "server/common/name_lookup.h"

#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define COOKIE UINT32_C(0x2112a442)
#define BINDING_REQUEST 0x0001
#define BINDING_SUCCESS 0x0101
#define BINDING_ERROR 0x0111
#define MAPPED_ADDRESS 0x0001
#define XOR_MAPPED_ADDRESS 0x0020
#define ANSWER_BYTES_MAX 1500
// RFC 8489, section 6.2.1: RTO starts at 500 ms and doubles.
#define RETRY_FIRST_US (500 * US_PER_MS)
#define OTHER_FAMILY_US (500 * US_PER_MS) // that the second family may take longer than the first

// ---- bytes

void stun_query_write(uint8_t out[STUN_QUERY_BYTES], const uint8_t id[STUN_ID_BYTES]) {
    struct writer w = writer_of(out, STUN_QUERY_BYTES);
    write_u16(&w, BINDING_REQUEST);
    write_u16(&w, 0);
    write_u32(&w, COOKIE);
    memcpy(write_raw(&w, STUN_ID_BYTES), id, STUN_ID_BYTES);
    assert(!w.failed && w.len == STUN_QUERY_BYTES);
}

// RFC 8489, sections 14.1 and 14.2. `mask` is the cookie and the transaction id, or zeros.
static bool address_read(struct span value, const uint8_t mask[16], struct addr *out) {
    struct reader r = reader_of(value);
    read_u8(&r);
    uint8_t family = read_u8(&r);
    uint16_t port = read_u16(&r) ^ load_be16(mask);
    size_t len = family == 1 ? 4 : 16;
    const uint8_t *ip = read_raw(&r, len);
    if (!ip || r.left != 0 || (family != 1 && family != 2))
        return false;
    struct addr plain = {.family = family == 1 ? 4 : 6, .port = port};
    for (size_t i = 0; i < len; i++)
        plain.ip[i] = ip[i] ^ mask[i];
    struct sockaddr_storage sa;
    addr_to_sockaddr(&plain, &sa);
    addr_from_sockaddr((struct sockaddr *)&sa, out);
    return true;
}

// Attributes that are not understood are passed over, required ones too: what old servers add (RFC 3489)
// would be among them. MAPPED-ADDRESS, which some NATs rewrite, counts only where there is nothing better.
static enum err attributes_read(struct reader *r, const uint8_t mask[16], struct addr *seen) {
    static const uint8_t zeros[16];
    bool found = false;
    while (r->left > 0) {
        uint16_t type = read_u16(r), len = read_u16(r);
        struct span value = read_span(r, len);
        read_raw(r, (size_t)-len & 3);
        if (r->failed)
            return ERR_MALFORMED;
        if (type == XOR_MAPPED_ADDRESS)
            return address_read(value, mask, seen) ? ERR_OK : ERR_MALFORMED;
        if (type == MAPPED_ADDRESS && !found)
            found = address_read(value, zeros, seen);
    }
    return found ? ERR_OK : ERR_UNSUPPORTED;
}

enum err stun_answer_read(struct span datagram, const uint8_t id[STUN_ID_BYTES], struct addr *seen) {
    *seen = (struct addr){0};
    struct reader r = reader_of(datagram);
    uint16_t type = read_u16(&r), length = read_u16(&r);
    const uint8_t *mask = read_raw(&r, 4 + STUN_ID_BYTES);
    if (!mask || load_be32(mask) != COOKIE || type & 0xc000 || length != r.left || length % 4 != 0)
        return ERR_MALFORMED;
    if (memcmp(mask + 4, id, STUN_ID_BYTES) != 0 || (type != BINDING_SUCCESS && type != BINDING_ERROR))
        return ERR_NOT_FOUND;
    struct addr found = {0};
    enum err e = type == BINDING_ERROR ? ERR_UNSUPPORTED : attributes_read(&r, mask, &found);
    if (e == ERR_OK)
        *seen = found;
    return e;
}

// ---- sockets

// One family's question.
struct query {
    int fd;       // -1: none, or given up
    bool refused; // it said no
    uint8_t id[STUN_ID_BYTES];
};

// Connected, so that only the server's own datagrams come in, and its "port unreachable" too.
static int socket_open(const struct addr *server, uint16_t local_port) {
    int fd = socket(server->family == 4 ? AF_INET : AF_INET6, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    if (server->family == 6)
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &(int){1}, sizeof(int));
    struct sockaddr_storage sa;
    struct addr local = {.family = server->family, .port = local_port};
    socklen_t len = addr_to_sockaddr(&local, &sa);
    (void)!bind(fd, (struct sockaddr *)&sa, len); // busy: then from any port
    len = addr_to_sockaddr(server, &sa);
    if (connect(fd, (struct sockaddr *)&sa, len) == 0)
        return fd;
    close(fd);
    return -1;
}

static void query_give_up(struct query *query) {
    close(query->fd);
    query->fd = -1;
}

static void query_send(const struct query *query) {
    uint8_t request[STUN_QUERY_BYTES];
    stun_query_write(request, query->id);
    (void)!send(query->fd, request, sizeof request, MSG_NOSIGNAL); // a lost one is asked again
}

// True once the answer is there.
static bool query_receive(struct query *query, struct addr *seen) {
    uint8_t datagram[ANSWER_BYTES_MAX];
    while (query->fd >= 0) {
        ssize_t len = recv(query->fd, datagram, sizeof datagram, 0);
        if (len < 0 && errno == EINTR)
            continue;
        if (len < 0 && errno == EAGAIN)
            return false;
        enum err e =
            len < 0 ? ERR_UNSUPPORTED : stun_answer_read(span_of(datagram, (size_t)len), query->id, seen);
        query->refused = e == ERR_UNSUPPORTED;
        if (e == ERR_OK || e == ERR_UNSUPPORTED)
            query_give_up(query);
        if (e == ERR_OK)
            return true;
    }
    return false;
}

static void queries_wait(const struct query queries[2], uint64_t until_us, uint64_t now_us) {
    struct pollfd fds[2] = {{.fd = queries[0].fd, .events = POLLIN}, {.fd = queries[1].fd, .events = POLLIN}};
    uint64_t wait_us = until_us > now_us ? until_us - now_us : 0;
    (void)poll(fds, 2, (int)(wait_us / US_PER_MS) + 1);
}

// Asks until every query has ended or the time is over.
static void queries_run(struct query queries[2], struct stun_seen *seen) {
    uint64_t now_us = clock_now_us(), end_us = now_us + STUN_ANSWER_MS_MAX * US_PER_MS;
    uint64_t send_us = now_us, interval_us = RETRY_FIRST_US;
    while ((queries[0].fd >= 0 || queries[1].fd >= 0) && now_us < end_us) {
        if (now_us >= send_us) {
            for (int i = 0; i < 2; i++) {
                if (queries[i].fd >= 0)
                    query_send(&queries[i]);
            }
            send_us = now_us + interval_us;
            interval_us *= 2;
        }
        queries_wait(queries, send_us < end_us ? send_us : end_us, now_us);
        now_us = clock_now_us();
        for (int i = 0; i < 2; i++) {
            if (!query_receive(&queries[i], &seen->address[seen->count]))
                continue;
            seen->count++;
            if (end_us > now_us + OTHER_FAMILY_US)
                end_us = now_us + OTHER_FAMILY_US;
        }
    }
}

enum stun_result stun_ask(const char *host, uint16_t port, uint16_t local_port, struct stun_seen *seen,
                          char *why, size_t why_cap) {
    *seen = (struct stun_seen){0};
    struct addr servers[2] = {{.family = 0}};
    char reason[128];
    unsigned count = name_lookup(host, port, STUN_LOOKUP_MS_MAX, servers, reason, sizeof reason);
    if (count == 0) {
        snprintf(why, why_cap, "\"%s\" does not resolve: %s", host, reason);
        return STUN_UNRESOLVED;
    }
    struct query queries[2] = {{.fd = -1}, {.fd = -1}};
    for (unsigned i = 0; i < count; i++) {
        entropy_fill(queries[i].id, sizeof queries[i].id);
        queries[i].fd = socket_open(&servers[i], local_port);
    }
    bool reachable = queries[0].fd >= 0 || queries[1].fd >= 0;
    queries_run(queries, seen);
    bool refused = queries[0].refused || queries[1].refused, v6 = strchr(host, ':') != NULL;
    char place[HOST_BYTES_MAX + 16];
    snprintf(place, sizeof place, "%s%s%s:%u", v6 ? "[" : "", host, v6 ? "]" : "", port);
    for (int i = 0; i < 2; i++) {
        if (queries[i].fd >= 0)
            query_give_up(&queries[i]);
    }
    if (seen->count > 0) {
        if (seen->count == 2 && seen->address[0].family == 6) { // IPv6 was faster
            struct addr first = seen->address[0];
            seen->address[0] = seen->address[1];
            seen->address[1] = first;
        }
        return STUN_SEEN;
    }
    if (refused) {
        snprintf(why, why_cap, "%s is there, but does not serve STUN", place);
        return STUN_REFUSED;
    }
    if (reachable)
        snprintf(why, why_cap, "%s did not answer within %d s", place, STUN_ANSWER_MS_MAX / 1000);
    else
        snprintf(why, why_cap, "there is no route to %s", place);
    return STUN_SILENT;
}
