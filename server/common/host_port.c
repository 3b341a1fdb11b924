#include "server/common/host_port.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LABEL_BYTES_MAX 63 // RFC 1035, section 2.3.4

bool ip_normalise(const char *text, char out[IP_TEXT_MAX]) {
    struct in_addr v4;
    struct in6_addr v6;
    if (inet_pton(AF_INET, text, &v4) == 1)
        return inet_ntop(AF_INET, &v4, out, IP_TEXT_MAX) != NULL;
    if (inet_pton(AF_INET6, text, &v6) != 1)
        return false;
    if (IN6_IS_ADDR_V4MAPPED(&v6))
        return inet_ntop(AF_INET, v6.s6_addr + 12, out, IP_TEXT_MAX) != NULL;
    return inet_ntop(AF_INET6, &v6, out, IP_TEXT_MAX) != NULL;
}

// Letters, digits, hyphens and underscores between dots. A last label of digits alone would be a mistyped
// IPv4 address (RFC 3696, section 2).
static bool name_allowed(const char *name) {
    size_t label = 0;
    bool digits = true;
    for (const char *c = name; *c; c++) {
        if (*c == '.' && (label == 0 || c[1] == '\0'))
            return false;
        if (*c != '.' && !isalnum((unsigned char)*c) && *c != '-' && *c != '_')
            return false;
        label = *c == '.' ? 0 : label + 1;
        digits = label == 0 || (digits && isdigit((unsigned char)*c));
        if (label > LABEL_BYTES_MAX)
            return false;
    }
    return label > 0 && !digits;
}

bool host_name_valid(const char *text) {
    return strlen(text) <= HOST_BYTES_MAX && name_allowed(text);
}

static bool port_parse(const char *text, uint16_t *out) {
    size_t len = strlen(text);
    if (len == 0 || len > 5 || strspn(text, "0123456789") != len)
        return false;
    unsigned long value = strtoul(text, NULL, 10);
    *out = (uint16_t)value;
    return value > 0 && value <= UINT16_MAX;
}

bool host_port_parse(const char *text, size_t len, uint16_t default_port, struct host_port *out) {
    char copy[HOST_BYTES_MAX + 16];
    struct in6_addr v6;
    struct in_addr v4;
    if (len == 0 || len >= sizeof copy || memchr(text, '\0', len))
        return false;
    memcpy(copy, text, len);
    copy[len] = '\0';
    char *host = copy, *end = copy + strcspn(copy, ":");
    if (copy[0] == '[') {
        host = copy + 1;
        end = strchr(host, ']');
        if (!end)
            return false;
        *end++ = '\0';
        if (inet_pton(AF_INET6, host, &v6) != 1)
            return false;
    }
    uint16_t port = default_port;
    if (*end == ':' && !port_parse(end + 1, &port))
        return false;
    if (*end != ':' && *end != '\0')
        return false;
    *end = '\0';
    if (strlen(host) > HOST_BYTES_MAX)
        return false;
    if (copy[0] != '[' && inet_pton(AF_INET, host, &v4) != 1 && !name_allowed(host))
        return false;
    out->port = port;
    memcpy(out->host, host, strlen(host) + 1);
    return true;
}
