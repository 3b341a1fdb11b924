#include "server/web/forwarded.h"

#include <ctype.h>
#include <string.h>

#define V1_MAX 107 // bytes of the line with its CRLF

static const uint8_t v2_signature[12] = "\r\n\r\n\0\r\nQUIT\n";

// "PROXY TCP4 192.0.2.1 198.51.100.1 56324 443\r\n"
static enum proxy_outcome v1_read(const uint8_t *bytes, size_t len, size_t *used,
                                  struct net_address *client) {
    size_t seen = len < V1_MAX ? len : V1_MAX;
    const uint8_t *lf = memchr(bytes, '\n', seen);
    if (!lf)
        return len >= V1_MAX ? PROXY_BROKEN : PROXY_MORE;
    *used = (size_t)(lf - bytes) + 1;
    if (*used < 8 || lf[-1] != '\r')
        return PROXY_BROKEN;
    const char *text = (const char *)bytes + 6, *end = (const char *)lf - 1;
    if (end - text >= 7 && memcmp(text, "UNKNOWN", 7) == 0)
        return PROXY_LOCAL;
    bool v4 = end - text > 5 && memcmp(text, "TCP4 ", 5) == 0,
         v6 = end - text > 5 && memcmp(text, "TCP6 ", 5) == 0;
    if (!v4 && !v6)
        return PROXY_BROKEN;
    text += 5;
    const char *space = memchr(text, ' ', (size_t)(end - text));
    if (!space || !net_address_parse(text, (size_t)(space - text), client))
        return PROXY_BROKEN;
    bool written_v4 = !memchr(text, ':', (size_t)(space - text));
    return written_v4 == v4 ? PROXY_FOUND : PROXY_BROKEN;
}

static enum proxy_outcome v2_read(const uint8_t *bytes, size_t len, size_t *used,
                                  struct net_address *client) {
    if (len < 16)
        return PROXY_MORE;
    size_t more = (size_t)(bytes[14] << 8 | bytes[15]);
    unsigned command = bytes[12] & 0x0f, family = bytes[13] >> 4;
    if (bytes[12] >> 4 != 2 || command > 1 || 16 + more > PROXY_HEADER_MAX)
        return PROXY_BROKEN;
    if (len < 16 + more)
        return PROXY_MORE;
    *used = 16 + more;
    if (command == 0 || (family != 1 && family != 2)) // LOCAL, or neither IPv4 nor IPv6
        return PROXY_LOCAL;
    if (more < (family == 1 ? 12u : 36u))
        return PROXY_BROKEN;
    *client = (struct net_address){{[10] = 0xff, [11] = 0xff}};
    if (family == 1)
        memcpy(client->bytes + 12, bytes + 16, 4);
    else
        memcpy(client->bytes, bytes + 16, 16);
    return PROXY_FOUND;
}

enum proxy_outcome proxy_header_read(const uint8_t *bytes, size_t len, size_t *used,
                                     struct net_address *client) {
    static const char v1[] = "PROXY ";
    size_t n1 = len < 6 ? len : 6, n2 = len < sizeof v2_signature ? len : sizeof v2_signature;
    *used = 0;
    if (len == 0)
        return PROXY_MORE;
    if (memcmp(bytes, v1, n1) == 0)
        return n1 < 6 ? PROXY_MORE : v1_read(bytes, len, used, client);
    if (memcmp(bytes, v2_signature, n2) == 0)
        return n2 < sizeof v2_signature ? PROXY_MORE : v2_read(bytes, len, used, client);
    return PROXY_NONE;
}

// Takes the last entry off a list.
static struct span last_entry(struct span *list) {
    const uint8_t *comma = list->len ? memrchr(list->ptr, ',', list->len) : NULL;
    const uint8_t *start = comma ? comma + 1 : list->ptr, *end = list->ptr + list->len;
    *list = span_of(list->ptr, comma ? (size_t)(comma - list->ptr) : 0);
    while (start < end && isspace(*start))
        start++;
    while (end > start && isspace(end[-1]))
        end--;
    return span_of(start, (size_t)(end - start));
}

struct net_address forwarded_client(const struct net_address *peer, const struct networks *trusted,
                                    const struct span *fields, size_t count) {
    struct net_address client = *peer, next;
    for (size_t i = count; i-- > 0;) {
        for (struct span list = fields[i]; list.len;) {
            if (!networks_have(trusted, &client))
                return client;
            struct span entry = last_entry(&list);
            if (!net_address_parse((const char *)entry.ptr, entry.len, &next))
                return client;
            client = next;
        }
    }
    return client;
}
