#include "server/common/plain_url.h"

#include <ctype.h>
#include <stddef.h>
#include <string.h>

const char *const plain_url_ws[] = {"wss://", "ws://", NULL};

bool plain_url_is(const char *const *schemes, const char *text) {
    for (size_t i = 0; schemes[i]; i++) {
        size_t len = strlen(schemes[i]);
        if (strncmp(text, schemes[i], len) == 0 && (isalnum((unsigned char)text[len]) || text[len] == '['))
            break;
        if (!schemes[i + 1])
            return false;
    }
    for (const char *c = text; *c; c++)
        if (!isgraph((unsigned char)*c) || *c == '"' || *c == '\\')
            return false;
    return true;
}
