#include "server/common/bearer.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#define SCHEME "bearer"
#define SCHEME_LEN (sizeof SCHEME - 1)

// b64token: characters of base64, base64url and "~", then "=".
static bool is_token(struct span s) {
    size_t i = 0;
    while (i < s.len && (isalnum(s.ptr[i]) || (s.ptr[i] && strchr("-._~+/", s.ptr[i]))))
        i++;
    bool begun = i > 0;
    while (i < s.len && s.ptr[i] == '=')
        i++;
    return begun && i == s.len;
}

struct span bearer_token(struct span authorization) {
    size_t at = SCHEME_LEN;
    if (authorization.len <= at || strncasecmp((const char *)authorization.ptr, SCHEME, at) != 0)
        return (struct span){0};
    while (at < authorization.len && authorization.ptr[at] == ' ')
        at++;
    struct span token = span_of(authorization.ptr + at, authorization.len - at);
    return at > SCHEME_LEN && is_token(token) ? token : (struct span){0};
}
