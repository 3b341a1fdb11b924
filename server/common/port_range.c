#include "server/common/port_range.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

// Digits up to `end`, a port that nobody but root needs.
static bool port_read(const char *text, const char *end, uint16_t *out) {
    unsigned value = 0;
    if (text == end || end - text > 5)
        return false;
    for (; text < end; text++) {
        if (!isdigit((unsigned char)*text))
            return false;
        value = value * 10 + (unsigned)(*text - '0');
    }
    *out = (uint16_t)value;
    return value >= PORT_RANGE_FIRST && value <= UINT16_MAX;
}

static bool host_read(const char *text, size_t len, char out[IP_TEXT_MAX]) {
    char copy[IP_TEXT_MAX + 2];
    bool bracketed = len > 2 && text[0] == '[' && text[len - 1] == ']';
    if (len >= sizeof copy)
        return false;
    if (bracketed)
        text++, len -= 2;
    memcpy(copy, text, len);
    copy[len] = '\0';
    return ip_normalise(copy, out) && bracketed == (strchr(out, ':') != NULL);
}

bool port_range_parse(const char *text, struct port_range *out) {
    struct port_range found = {.host = "127.0.0.1"};
    const char *colon = strrchr(text, ':'), *ports = colon ? colon + 1 : text;
    const char *dash = strchr(ports, '-');
    if (!dash || (colon && !host_read(text, (size_t)(colon - text), found.host)) ||
        !port_read(ports, dash, &found.from) || !port_read(dash + 1, dash + strlen(dash), &found.to) ||
        found.from > found.to)
        return false;
    memset(out, 0, sizeof *out); // so that bytes compare
    *out = found;
    return true;
}
