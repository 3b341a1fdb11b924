#include "server/config/announce.h"

#include "base/log.h"
#include "server/common/name_lookup.h"

#include <arpa/inet.h>
#include <assert.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

static enum address_scope scope_of_v4(uint32_t host) {
    static const struct {
        uint32_t net, mask;
        enum address_scope scope;
    } rows[] = {
        {0x00000000, 0xff000000, ADDRESS_UNUSABLE}, // 0.0.0.0/8, "this network" (RFC 1122)
        {0x7f000000, 0xff000000, ADDRESS_LOOPBACK}, // 127.0.0.0/8
        {0x0a000000, 0xff000000, ADDRESS_PRIVATE},  // 10.0.0.0/8 (RFC 1918)
        {0xac100000, 0xfff00000, ADDRESS_PRIVATE},  // 172.16.0.0/12
        {0xc0a80000, 0xffff0000, ADDRESS_PRIVATE},  // 192.168.0.0/16
        {0x64400000, 0xffc00000, ADDRESS_PRIVATE},  // 100.64.0.0/10 (RFC 6598)
        {0xa9fe0000, 0xffff0000, ADDRESS_UNUSABLE}, // 169.254.0.0/16, link-local (RFC 3927)
        {0xe0000000, 0xe0000000, ADDRESS_UNUSABLE}, // 224.0.0.0/3, multicast and reserved
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if ((host & rows[i].mask) == rows[i].net)
            return rows[i].scope;
    }
    return ADDRESS_PUBLIC;
}

static enum address_scope scope_of_v6(const struct in6_addr *address) {
    if (IN6_IS_ADDR_UNSPECIFIED(address) || IN6_IS_ADDR_MULTICAST(address) ||
        IN6_IS_ADDR_LINKLOCAL(address) || IN6_IS_ADDR_V4MAPPED(address))
        return ADDRESS_UNUSABLE;
    if (IN6_IS_ADDR_LOOPBACK(address))
        return ADDRESS_LOOPBACK;
    if ((address->s6_addr[0] & 0xfe) == 0xfc) // fc00::/7 (RFC 4193)
        return ADDRESS_PRIVATE;
    return ADDRESS_PUBLIC;
}

enum address_scope address_scope_of(const char *text) {
    struct in_addr v4;
    struct in6_addr v6;
    if (inet_pton(AF_INET, text, &v4) == 1)
        return scope_of_v4(ntohl(v4.s_addr));
    if (inet_pton(AF_INET6, text, &v6) == 1)
        return scope_of_v6(&v6);
    return ADDRESS_UNUSABLE;
}

struct address_list {
    char (*out)[ANNOUNCE_TEXT_MAX];
    size_t cap, count;
};

static void list_add(struct address_list *list, const char *text) {
    for (size_t i = 0; i < list->count; i++) {
        if (strcmp(list->out[i], text) == 0)
            return;
    }
    if (list->count < list->cap)
        memcpy(list->out[list->count++], text, strlen(text) + 1);
}

// Whether an IPv6 address will not last: temporary (RFC 8981), deprecated, or found to be another machine's.
// The kernel's flags for each address stand in /proc/net/if_inet6.
static bool v6_is_passing(const struct in6_addr *address) {
    enum { TEMPORARY = 0x01, DAD_FAILED = 0x08, DEPRECATED = 0x20 };
    FILE *file = fopen("/proc/net/if_inet6", "re");
    char hex[33], line[128], wanted[33] = "";
    unsigned flags = 0;
    for (size_t i = 0; i < 16; i++)
        snprintf(wanted + 2 * i, 3, "%02x", address->s6_addr[i]);
    while (file && fgets(line, sizeof line, file)) {
        // address index prefix scope flags name
        if (sscanf(line, "%32s %*x %*x %*x %x", hex, &flags) == 2 && strcmp(hex, wanted) == 0)
            break;
        flags = 0;
    }
    if (file)
        fclose(file);
    return flags & (TEMPORARY | DAD_FAILED | DEPRECATED);
}

static void list_add_interfaces(struct address_list *list, const struct ifaddrs *interfaces, int family) {
    for (const struct ifaddrs *i = interfaces; i; i = i->ifa_next) {
        unsigned up = IFF_UP | IFF_RUNNING;
        if (!i->ifa_addr || i->ifa_addr->sa_family != family || (i->ifa_flags & up) != up)
            continue;
        const void *raw =
            family == AF_INET
                ? (const void *)&((const struct sockaddr_in *)(const void *)i->ifa_addr)->sin_addr
                : &((const struct sockaddr_in6 *)(const void *)i->ifa_addr)->sin6_addr;
        char text[ANNOUNCE_TEXT_MAX];
        if (inet_ntop(family, raw, text, sizeof text) && address_scope_of(text) >= ADDRESS_PRIVATE &&
            (family == AF_INET || !v6_is_passing(raw)))
            list_add(list, text);
    }
}

size_t announce_find(const char *listen_host, char (*out)[ANNOUNCE_TEXT_MAX], size_t cap) {
    assert(cap > 0);
    struct address_list list = {.out = out, .cap = cap};
    if (address_scope_of(listen_host) == ADDRESS_LOOPBACK)
        list_add(&list, listen_host);
    struct ifaddrs *interfaces = NULL;
    if (getifaddrs(&interfaces) == 0) {
        list_add_interfaces(&list, interfaces, AF_INET);
        list_add_interfaces(&list, interfaces, AF_INET6);
        freeifaddrs(interfaces);
    }
    if (list.count == 0)
        list_add(&list, "127.0.0.1");
    return list.count;
}

static void announce_add(struct announce *out, const char *text, enum announce_origin origin) {
    for (unsigned i = 0; i < out->count; i++) {
        if (strcmp(out->list[i].text, text) == 0)
            return;
    }
    if (out->count == HUB_ANNOUNCE_MAX) {
        LOG_WARN("address not announced", LOG_TEXT("address", text),
                 LOG_TEXT("reason", "there are too many"));
        return;
    }
    struct announced *added = &out->list[out->count++];
    snprintf(added->text, sizeof added->text, "%s", text);
    added->origin = origin;
}

static void ip_print(const struct addr *address, char out[ANNOUNCE_TEXT_MAX]) {
    const char *text =
        inet_ntop(address->family == 4 ? AF_INET : AF_INET6, address->ip, out, ANNOUNCE_TEXT_MAX);
    assert(text);
    (void)text;
}

static void announce_add_auto(struct announce *out, const char *listen_host, const struct stun_seen *seen) {
    char found[HUB_ANNOUNCE_MAX][ANNOUNCE_TEXT_MAX], text[ANNOUNCE_TEXT_MAX];
    size_t count = announce_find(listen_host, found, HUB_ANNOUNCE_MAX);
    for (size_t i = 0; i < count; i++)
        announce_add(out, found[i], ANNOUNCE_FOUND);
    for (unsigned i = 0; seen && i < seen->count; i++) {
        ip_print(&seen->address[i], text);
        if (address_scope_of(text) != ADDRESS_UNUSABLE)
            announce_add(out, text, ANNOUNCE_SEEN);
    }
}

static void announce_add_name(struct announce *out, const struct announce_name *name) {
    for (unsigned i = 0; i < name->count; i++) {
        char text[ANNOUNCE_TEXT_MAX];
        ip_print(&name->address[i], text);
        announce_add(out, text, ANNOUNCE_NAMED);
    }
}

void announce_make(struct announce *out, const struct config *config, const struct stun_seen *seen,
                   const struct announce_names *names) {
    assert(config->announce_count > 0 && config->announce_count <= HUB_ANNOUNCE_MAX);
    *out = (struct announce){.names = *names};
    if (seen)
        out->seen = *seen;
    for (unsigned i = 0; i < config->announce_count; i++) {
        if (strcmp(config->announce[i], ANNOUNCE_AUTO) == 0)
            announce_add_auto(out, config->listen_host, seen);
        else if (announce_is_name(config->announce[i]))
            announce_add_name(out, &names->of[i]);
        else
            announce_add(out, config->announce[i], ANNOUNCE_NAMED);
    }
    if (out->count == 0)
        announce_add_auto(out, config->listen_host, seen);
    assert(out->count > 0);
}

static bool seen_usable(const struct stun_seen *seen) {
    for (unsigned i = 0; i < seen->count; i++) {
        char text[ANNOUNCE_TEXT_MAX];
        ip_print(&seen->address[i], text);
        if (address_scope_of(text) != ADDRESS_UNUSABLE)
            return true;
    }
    return false;
}

bool announce_resolve(struct announce *out, const struct config *config, char *error, size_t error_cap) {
    const struct host_port *server = &config->stun;
    struct stun_seen seen = {0};
    struct announce_names names;
    char why[STUN_WHY_MAX];
    if (!announce_look_up(&names, config, name_lookup, why, sizeof why)) {
        snprintf(error, error_cap, "announce: %s; correct the name, or write the address itself", why);
        return false;
    }
    if (server->host[0] &&
        stun_ask(server->host, server->port, config->media_port, &seen, why, sizeof why) != STUN_SEEN) {
        snprintf(error, error_cap, "stun: %s; name another server, or this machine's address with --announce",
                 why);
        return false;
    }
    if (server->host[0] && !seen_usable(&seen)) {
        snprintf(error, error_cap,
                 "stun: what %s sees is no address that clients can send to; name one with --announce",
                 server->host);
        return false;
    }
    announce_make(out, config, &seen, &names);
    return true;
}

void announce_log(const struct announce *announce, const struct config *config) {
    const struct stun_seen *seen = &announce->seen;
    for (unsigned i = 0; i < seen->count; i++) {
        char text[ANNOUNCE_TEXT_MAX];
        ip_print(&seen->address[i], text);
        uint16_t port = seen->address[i].port;
        LOG_INFO("seen by the STUN server", LOG_TEXT("server", config->stun.host), LOG_TEXT("address", text),
                 LOG_NUMBER("port", port));
        if (config->media_port && port != config->media_port)
            LOG_WARN("a router changes the port of media", LOG_NUMBER("media_port", config->media_port),
                     LOG_NUMBER("seen", port),
                     LOG_TEXT("fix", "let the router forward this UDP port to this machine"));
    }
}
