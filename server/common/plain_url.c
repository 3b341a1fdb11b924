#include "server/common/plain_url.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

const char *const plain_url_ws[] = {"wss://", "ws://", NULL};

bool plain_url_is(const char *const *schemes, const char *text, struct plain_url *out) {
    struct plain_url found = {.scheme = 0};
    while (schemes[found.scheme] &&
           strncasecmp(text, schemes[found.scheme], strlen(schemes[found.scheme])) != 0)
        found.scheme++;
    if (!schemes[found.scheme])
        return false;
    for (const char *c = text; *c; c++) // RFC 3986, section 2; a fragment is no part of what is asked for
        if (!isgraph((unsigned char)*c) || strchr("\"\\<>#^`{|}", *c))
            return false;
    const char *authority = text + strlen(schemes[found.scheme]);
    // Takes no '@', so nobody's password stands in lists of processes, and no host is taken for another.
    bool fine = host_port_parse(authority, strcspn(authority, "/?"), 0, &found.host);
    if (fine && out)
        *out = found;
    return fine;
}
