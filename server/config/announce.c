#include "server/config/announce.h"

#include "base/log.h"
#include "server/common/name_lookup.h"

#include <arpa/inet.h>
#include <assert.h>
#include <ifaddrs.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

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

static void ip_print(const struct addr *address, char out[ANNOUNCE_TEXT_MAX]) {
    const char *text =
        inet_ntop(address->family == 4 ? AF_INET : AF_INET6, address->ip, out, ANNOUNCE_TEXT_MAX);
    assert(text);
    (void)text;
}

// ---- in which order

enum address_rank { RANK_LISTEN, RANK_DEFAULT_ROUTE, RANK_ORDINARY, RANK_INNER };

struct ranked_address {
    struct announce_found found;
    enum address_rank rank;
};

struct address_list {
    size_t count;
    struct ranked_address list[ANNOUNCE_FOUND_MAX];
};

static void list_add(struct address_list *list, const char *text, enum address_rank rank) {
    for (size_t i = 0; i < list->count; i++) {
        if (strcmp(list->list[i].found.text, text) == 0)
            return;
    }
    if (list->count == ANNOUNCE_FOUND_MAX)
        return;
    struct ranked_address *one = &list->list[list->count++];
    *one = (struct ranked_address){.rank = rank};
    snprintf(one->found.text, sizeof one->found.text, "%s", text);
    one->found.inner = rank == RANK_INNER;
}

// The address that this machine has towards the internet; "" for none. Nothing is sent: a UDP socket is told
// to whom it would (a root name server) and what the kernel chose for that.
static void address_of_default_route(int family, char out[ANNOUNCE_TEXT_MAX]) {
    struct sockaddr_storage sa;
    struct addr to;
    enum err err = addr_parse(family == AF_INET ? "198.41.0.4" : "2001:503:ba3e::2:30", 53, &to);
    socklen_t len = addr_to_sockaddr(&to, &sa);
    int fd = socket(family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    bool known = err == ERR_OK && fd >= 0 && connect(fd, (struct sockaddr *)&sa, len) == 0 &&
                 getsockname(fd, (struct sockaddr *)&sa, &(socklen_t){sizeof sa}) == 0;
    out[0] = '\0';
    if (known) {
        addr_from_sockaddr((struct sockaddr *)&sa, &to);
        ip_print(&to, out);
    }
    if (fd >= 0)
        close(fd);
}

// A bridge, as the kernel says, or what container engines and hypervisors call their networks.
static bool interface_is_inner(const char *name) {
    static const char *const prefixes[] = {"docker", "br-",  "podman", "cni",     "lxc",   "lxd",   "incus",
                                           "virbr",  "veth", "cali",   "flannel", "kube-", "cilium"};
    for (size_t i = 0; i < sizeof prefixes / sizeof prefixes[0]; i++) {
        if (strncmp(name, prefixes[i], strlen(prefixes[i])) == 0)
            return true;
    }
    struct ethtool_drvinfo info = {.cmd = ETHTOOL_GDRVINFO};
    struct ifreq ask = {.ifr_data = (void *)&info};
    snprintf(ask.ifr_name, sizeof ask.ifr_name, "%s", name);
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    bool known = fd >= 0 && ioctl(fd, SIOCETHTOOL, &ask) == 0;
    if (fd >= 0)
        close(fd);
    return known && strcmp(info.driver, "bridge") == 0;
}

static void list_add_interfaces(struct address_list *list, const struct ifaddrs *interfaces, int family) {
    char first[ANNOUNCE_TEXT_MAX];
    address_of_default_route(family, first);
    for (const struct ifaddrs *i = interfaces; i; i = i->ifa_next) {
        unsigned up = IFF_UP | IFF_RUNNING;
        if (!i->ifa_addr || i->ifa_addr->sa_family != family || (i->ifa_flags & up) != up)
            continue;
        const void *raw =
            family == AF_INET
                ? (const void *)&((const struct sockaddr_in *)(const void *)i->ifa_addr)->sin_addr
                : &((const struct sockaddr_in6 *)(const void *)i->ifa_addr)->sin6_addr;
        char text[ANNOUNCE_TEXT_MAX];
        if (!inet_ntop(family, raw, text, sizeof text) || address_scope_of(text) < ADDRESS_PRIVATE ||
            (family == AF_INET6 && v6_is_passing(raw)))
            continue;
        list_add(list, text,
                 strcmp(text, first) == 0          ? RANK_DEFAULT_ROUTE
                 : interface_is_inner(i->ifa_name) ? RANK_INNER
                                                   : RANK_ORDINARY);
    }
}

size_t announce_find(const char *listen_host, struct announce_found *out, size_t cap) {
    assert(cap > 0);
    struct address_list list = {0};
    if (address_scope_of(listen_host) == ADDRESS_LOOPBACK)
        list_add(&list, listen_host, RANK_LISTEN);
    struct ifaddrs *interfaces = NULL;
    if (getifaddrs(&interfaces) == 0) {
        list_add_interfaces(&list, interfaces, AF_INET);
        list_add_interfaces(&list, interfaces, AF_INET6);
        freeifaddrs(interfaces);
    }
    if (list.count == 0)
        list_add(&list, "127.0.0.1", RANK_LISTEN);
    size_t count = 0;
    for (enum address_rank rank = RANK_LISTEN; rank <= RANK_INNER; rank++) {
        for (size_t i = 0; i < list.count && count < cap; i++)
            if (list.list[i].rank == rank)
                out[count++] = list.list[i].found;
    }
    return count;
}

// ---- the list

static void announce_add(struct announce *out, const char *text, enum announce_origin origin, bool inner) {
    for (unsigned i = 0; i < out->count; i++) {
        if (strcmp(out->list[i].text, text) == 0)
            return;
    }
    if (out->count == HUB_ANNOUNCE_MAX) {
        if (out->left_out < ANNOUNCE_LEFT_OUT_TOLD)
            snprintf(out->left_out_first[out->left_out], ANNOUNCE_TEXT_MAX, "%s", text);
        out->left_out++;
        return;
    }
    struct announced *added = &out->list[out->count++];
    snprintf(added->text, sizeof added->text, "%s", text);
    added->origin = origin;
    added->inner = inner;
}

// What a STUN server sees has a place: it is how the world gets here, and the machine's own networks are
// last.
static void announce_add_auto(struct announce *out, const char *listen_host, const struct stun_seen *seen) {
    struct announce_found found[ANNOUNCE_FOUND_MAX];
    char text[ANNOUNCE_TEXT_MAX];
    size_t count = announce_find(listen_host, found, ANNOUNCE_FOUND_MAX), i = 0;
    for (; i < count && !found[i].inner; i++)
        announce_add(out, found[i].text, ANNOUNCE_FOUND, false);
    for (unsigned s = 0; seen && s < seen->count; s++) {
        ip_print(&seen->address[s], text);
        if (address_scope_of(text) != ADDRESS_UNUSABLE)
            announce_add(out, text, ANNOUNCE_SEEN, false);
    }
    for (; i < count; i++)
        announce_add(out, found[i].text, ANNOUNCE_FOUND, true);
}

static void announce_add_name(struct announce *out, const struct announce_name *name) {
    for (unsigned i = 0; i < name->count; i++) {
        char text[ANNOUNCE_TEXT_MAX];
        ip_print(&name->address[i], text);
        announce_add(out, text, ANNOUNCE_NAMED, false);
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
            announce_add(out, config->announce[i], ANNOUNCE_NAMED, false);
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
    if (!announce_look_up(&names, config, NULL, name_lookup, why, sizeof why)) {
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

static unsigned announce_next(const struct announce *a, unsigned i, bool but_inner) {
    while (but_inner && i < a->count && a->list[i].inner)
        i++;
    return i;
}

bool announce_equal(const struct announce *a, const struct announce *b, bool but_inner) {
    unsigned i = announce_next(a, 0, but_inner), k = announce_next(b, 0, but_inner);
    while (i < a->count && k < b->count && strcmp(a->list[i].text, b->list[k].text) == 0) {
        i = announce_next(a, i + 1, but_inner);
        k = announce_next(b, k + 1, but_inner);
    }
    return i == a->count && k == b->count;
}

bool announce_is_automatic(const struct config *config) {
    for (unsigned i = 0; i < config->announce_count; i++)
        if (strcmp(config->announce[i], ANNOUNCE_AUTO) == 0)
            return true;
    return false;
}

static void left_out_log(const struct announce *announce) {
    char list[ANNOUNCE_LEFT_OUT_TOLD * (ANNOUNCE_TEXT_MAX + 1) + 4] = "";
    size_t len = 0;
    for (unsigned i = 0; i < announce->left_out && i < ANNOUNCE_LEFT_OUT_TOLD; i++)
        len += (size_t)snprintf(list + len, sizeof list - len, "%s%s", i ? "," : "",
                                announce->left_out_first[i]);
    if (announce->left_out > ANNOUNCE_LEFT_OUT_TOLD)
        snprintf(list + len, sizeof list - len, ",..");
    LOG_WARN("addresses not announced", LOG_NUMBER("count", announce->left_out), LOG_TEXT("addresses", list),
             LOG_NUMBER("most", HUB_ANNOUNCE_MAX),
             LOG_TEXT("fix", "name those that clients can reach with --announce"));
}

void announce_log(const struct announce *announce, const struct config *config) {
    const struct stun_seen *seen = &announce->seen;
    if (announce->left_out > 0)
        left_out_log(announce);
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
