#include "server/common/webhook_urls.h"

#include "server/common/list_text.h"
#include "server/common/net_address.h"
#include "server/common/plain_url.h"

#include <string.h>
#include <strings.h>

// Where plain http may go: loopback, private (RFC 1918, RFC 4193) and link-local addresses.
#define NEAR_NETWORKS                                                                                        \
    "127.0.0.0/8,10.0.0.0/8,172.16.0.0/12,192.168.0.0/16,169.254.0.0/16,::1,fc00::/7,fe80::/10"

// "0x08080808" is an IPv4 address to whoever looks up names, and any one.
static bool is_number(const char *host) {
    return strncasecmp(host, "0x", 2) == 0 && host[2 + strspn(host + 2, "0123456789abcdefABCDEF")] == '\0';
}

static bool is_near(const char *host) {
    struct networks networks;
    struct net_address address;
    if (net_address_parse(host, strlen(host), &address))
        return networks_parse(NEAR_NETWORKS, &networks) && networks_have(&networks, &address);
    return !strchr(host, '.') && !is_number(host); // localhost is one of these
}

static bool url_valid(const char *text) {
    static const char *const schemes[] = {"https://", "http://", NULL};
    struct plain_url url;
    return plain_url_is(schemes, text, &url) && (url.scheme == 0 || is_near(url.host.host));
}

bool webhook_urls_parse(const char *text, struct webhook_urls *out) {
    struct webhook_urls found = {0};
    const char *item;
    size_t len;
    while (list_text_next(&text, &item, &len)) {
        if (len == 0 || len >= WEBHOOK_URL_MAX || found.count == WEBHOOK_URLS_MAX)
            return false;
        memcpy(found.list[found.count], item, len);
        if (!url_valid(found.list[found.count++]))
            return false;
    }
    *out = found;
    return true;
}

void webhook_url_origin(const char *url, char out[WEBHOOK_URL_MAX]) {
    size_t len = (size_t)(strstr(url, "://") + 3 - url);
    len += strcspn(url + len, "/?");
    memcpy(out, url, len);
    out[len] = '\0';
}
