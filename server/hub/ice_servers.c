#include "server/hub/ice_servers.h"

#include "server/common/stun_client.h"

#include <string.h>

// What follows the scheme's colon.
static bool transport_parse(const char *text, size_t len, struct ice_url *out) {
    static const struct {
        const char *text;
        bool tcp;
    } rows[] = {{"transport=udp", false}, {"transport=tcp", true}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (len == strlen(rows[i].text) && memcmp(text, rows[i].text, len) == 0) {
            out->tcp = rows[i].tcp;
            return out->turn; // RFC 7064 knows no transport for STUN
        }
    }
    return false;
}

bool ice_url_parse(const char *text, size_t len, struct ice_url *out) {
    static const struct {
        const char *scheme;
        bool turn, secure;
    } rows[] = {
        {"stun:", false, false}, {"stuns:", false, true}, {"turn:", true, false}, {"turns:", true, true}};
    if (len >= ICE_URL_MAX)
        return false;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        size_t scheme_len = strlen(rows[i].scheme);
        if (len <= scheme_len || memcmp(text, rows[i].scheme, scheme_len) != 0)
            continue;
        struct ice_url url = {.turn = rows[i].turn, .secure = rows[i].secure, .tcp = rows[i].secure};
        const char *host = text + scheme_len, *end = text + len;
        const char *query = memchr(host, '?', (size_t)(end - host));
        if (query && !transport_parse(query + 1, (size_t)(end - query - 1), &url))
            return false;
        if (!host_port_parse(host, (size_t)((query ? query : end) - host),
                             url.secure ? TURNS_PORT : STUN_PORT, &url.server))
            return false;
        memcpy(url.text, text, len);
        *out = url;
        return true;
    }
    return false;
}

bool ice_servers_have_turn(const struct ice_servers *servers) {
    for (unsigned i = 0; i < servers->url_count; i++)
        if (servers->urls[i].turn)
            return true;
    return false;
}
