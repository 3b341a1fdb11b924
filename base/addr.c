#include "base/addr.h"

#include <arpa/inet.h>
#include <assert.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

bool addr_equal(const struct addr *a, const struct addr *b) {
    return memcmp(a, b, sizeof *a) == 0;
}

bool tuple_equal(const struct tuple *a, const struct tuple *b) {
    return memcmp(a, b, sizeof *a) == 0;
}

static void addr_set_ip4(struct addr *out, const void *ip, uint16_t port) {
    *out = (struct addr){.family = 4, .port = port};
    memcpy(out->ip, ip, 4);
}

static void addr_set_ip6(struct addr *out, const struct in6_addr *ip, uint16_t port, uint32_t scope) {
    if (IN6_IS_ADDR_V4MAPPED(ip)) {
        addr_set_ip4(out, ip->s6_addr + 12, port);
        return;
    }
    *out = (struct addr){.family = 6, .port = port};
    memcpy(out->ip, ip->s6_addr, 16);
    // Only a link-local address needs its interface (RFC 4007, section 6); elsewhere it would split one
    // address in two.
    out->scope = IN6_IS_ADDR_LINKLOCAL(ip) ? scope : 0;
}

enum err addr_parse(const char *ip, uint16_t port, struct addr *out) {
    struct in_addr ip4;
    struct in6_addr ip6;
    if (inet_pton(AF_INET, ip, &ip4) == 1) {
        addr_set_ip4(out, &ip4, port);
        return ERR_OK;
    }
    if (inet_pton(AF_INET6, ip, &ip6) == 1) {
        addr_set_ip6(out, &ip6, port, 0);
        return ERR_OK;
    }
    *out = (struct addr){0};
    return ERR_MALFORMED;
}

void addr_from_sockaddr(const struct sockaddr *sa, struct addr *out) {
    if (sa->sa_family == AF_INET) {
        struct sockaddr_in in;
        memcpy(&in, sa, sizeof in);
        addr_set_ip4(out, &in.sin_addr, ntohs(in.sin_port));
    } else if (sa->sa_family == AF_INET6) {
        struct sockaddr_in6 in6;
        memcpy(&in6, sa, sizeof in6);
        addr_set_ip6(out, &in6.sin6_addr, ntohs(in6.sin6_port), in6.sin6_scope_id);
    } else {
        *out = (struct addr){0};
    }
}

socklen_t addr_to_sockaddr(const struct addr *a, struct sockaddr_storage *out) {
    memset(out, 0, sizeof *out);
    if (a->family == 4) {
        struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(a->port)};
        memcpy(&in.sin_addr, a->ip, 4);
        memcpy(out, &in, sizeof in);
        return sizeof in;
    }
    assert(a->family == 6);
    struct sockaddr_in6 in6 = {
        .sin6_family = AF_INET6, .sin6_port = htons(a->port), .sin6_scope_id = a->scope};
    memcpy(&in6.sin6_addr, a->ip, 16);
    memcpy(out, &in6, sizeof in6);
    return sizeof in6;
}

void addr_print_ip(const struct addr *a, char out[ADDR_TEXT_MAX]) {
    if (a->family == 0 || !inet_ntop(a->family == 4 ? AF_INET : AF_INET6, a->ip, out, ADDR_TEXT_MAX))
        snprintf(out, ADDR_TEXT_MAX, "none");
}

void addr_print(const struct addr *a, char out[ADDR_TEXT_MAX]) {
    char ip[ADDR_TEXT_MAX];
    addr_print_ip(a, ip);
    if (a->family == 0)
        memcpy(out, ip, sizeof ip);
    else
        snprintf(out, ADDR_TEXT_MAX, a->family == 4 ? "%.45s:%u" : "[%.45s]:%u", ip, a->port);
}

const char *tuple_protocol_name(enum tuple_protocol protocol) {
    switch (protocol) {
    case TUPLE_UDP:
    case TUPLE_AGENT:
        return "udp";
    case TUPLE_TCP:
        return "tcp";
    case TUPLE_NONE:
        break;
    }
    return "none";
}
