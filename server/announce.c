#include "server/announce.h"

#include <arpa/inet.h>
#include <assert.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <stdint.h>
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
        if (inet_ntop(family, raw, text, sizeof text) && address_scope_of(text) >= ADDRESS_PRIVATE)
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
