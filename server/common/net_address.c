#include "server/common/net_address.h"

#include "server/common/list_text.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

static const uint8_t v4_prefix[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

static void set_v4(struct net_address *out, const void *four) {
    memcpy(out->bytes, v4_prefix, sizeof v4_prefix);
    memcpy(out->bytes + 12, four, 4);
}

struct net_address net_address_base(const struct net_address *address) {
    struct net_address base = *address;
    if (!net_address_is_v4(address))
        memset(base.bytes + 8, 0, 8);
    return base;
}

void net_address_network(const struct net_address *address, char out[NET_NETWORK_TEXT_MAX]) {
    struct net_address base = net_address_base(address);
    bool v4 = net_address_is_v4(address);
    net_address_print(&base, out);
    if (!v4)
        memcpy(out + strlen(out), "/64", 4);
}

bool net_address_is_v4(const struct net_address *address) {
    return memcmp(address->bytes, v4_prefix, sizeof v4_prefix) == 0;
}

// A literal alone.
static bool literal_parse(const char *text, size_t len, struct net_address *out) {
    char copy[IP_TEXT_MAX];
    struct in_addr v4;
    if (len == 0 || len >= sizeof copy || memchr(text, '\0', len))
        return false;
    memcpy(copy, text, len);
    copy[len] = '\0';
    if (inet_pton(AF_INET, copy, &v4) == 1) {
        set_v4(out, &v4);
        return true;
    }
    return inet_pton(AF_INET6, copy, out->bytes) == 1;
}

bool net_address_parse(const char *text, size_t len, struct net_address *out) {
    const char *end = text + len;
    if (len && text[0] == '[') {
        const char *close = memchr(text, ']', len);
        bool fine = close && (close + 1 == end || close[1] == ':');
        return fine && memchr(text, ':', (size_t)(close - text)) &&
               literal_parse(text + 1, (size_t)(close - text - 1), out);
    }
    const char *colon = len ? memchr(text, ':', len) : NULL;
    if (colon && !memchr(colon + 1, ':', (size_t)(end - colon - 1))) // one colon: IPv4 and a port
        return literal_parse(text, (size_t)(colon - text), out) && net_address_is_v4(out);
    return literal_parse(text, len, out);
}

bool net_address_of(const struct sockaddr *from, struct net_address *out) {
    if (from->sa_family == AF_INET) {
        set_v4(out, &((const struct sockaddr_in *)(const void *)from)->sin_addr);
        return true;
    }
    if (from->sa_family != AF_INET6)
        return false;
    memcpy(out->bytes, &((const struct sockaddr_in6 *)(const void *)from)->sin6_addr, sizeof out->bytes);
    return true;
}

void net_address_print(const struct net_address *address, char out[IP_TEXT_MAX]) {
    bool v4 = net_address_is_v4(address);
    if (!inet_ntop(v4 ? AF_INET : AF_INET6, address->bytes + (v4 ? 12 : 0), out, IP_TEXT_MAX))
        out[0] = '\0';
}

// ---- networks

static bool network_parse(const char *text, size_t len, struct network *out) {
    const char *slash = len ? memchr(text, '/', len) : NULL;
    size_t address_len = slash ? (size_t)(slash - text) : len;
    if (!literal_parse(text, address_len, &out->base))
        return false;
    bool v4 = !memchr(text, ':', address_len);
    out->bits = 128;
    if (!slash)
        return true;
    const char *digits = slash + 1;
    size_t count = len - address_len - 1;
    if (count == 0 || count > 3)
        return false;
    unsigned bits = 0;
    for (size_t i = 0; i < count; i++) {
        if (!isdigit((unsigned char)digits[i]))
            return false;
        bits = bits * 10 + (unsigned)(digits[i] - '0');
    }
    if (bits > (v4 ? 32u : 128u))
        return false;
    out->bits = v4 ? bits + 96 : bits;
    return true;
}

bool networks_parse(const char *text, struct networks *out) {
    struct networks found = {0};
    const char *item;
    size_t len;
    while (list_text_next(&text, &item, &len)) {
        if (found.count == NETWORKS_MAX || !network_parse(item, len, &found.list[found.count]))
            return false;
        found.count++;
    }
    *out = found;
    return true;
}

static bool network_has(const struct network *network, const struct net_address *address) {
    unsigned whole = network->bits / 8, rest = network->bits % 8;
    if (memcmp(network->base.bytes, address->bytes, whole) != 0)
        return false;
    return rest == 0 || ((network->base.bytes[whole] ^ address->bytes[whole]) >> (8 - rest)) == 0;
}

bool networks_have(const struct networks *networks, const struct net_address *address) {
    for (unsigned i = 0; i < networks->count; i++) {
        if (network_has(&networks->list[i], address))
            return true;
    }
    return false;
}
