#include "server/web/http_route.h"

#include <stdio.h>
#include <string.h>

static void allow_add(char allow[HTTP_ALLOW_MAX], const char *method) {
    size_t len = strlen(allow);
    snprintf(allow + len, HTTP_ALLOW_MAX - len, "%s%s", len ? ", " : "", method);
}

// A row whose path ends in "/*" takes whatever stands behind that slash.
static bool matches(const char *row, const char *path) {
    size_t len = strlen(row);
    if (len > 1 && row[len - 1] == '*')
        return strncmp(row, path, len - 1) == 0 && path[len - 1];
    return strcmp(row, path) == 0;
}

const struct http_route *http_route_find(const struct http_route *routes, size_t count, enum http_place place,
                                         const struct http_head *head, unsigned *status,
                                         char allow[HTTP_ALLOW_MAX]) {
    enum http_method method = head->method == HTTP_HEAD ? HTTP_GET : head->method;
    const struct http_route *found = NULL, *other = NULL;
    allow[0] = '\0';
    *status = 404;
    for (size_t i = 0; i < count; i++) {
        const struct http_route *row = &routes[i];
        if (!(row->places & place) || !matches(row->path, head->path))
            continue;
        if (row->method == HTTP_OTHER)
            other = row;
        else
            allow_add(allow, row->method == HTTP_GET ? "GET, HEAD" : http_method_name(row->method));
        if (row->method == method)
            found = row;
        *status = 405;
    }
    if (!found)
        found = other;
    if (found)
        *status = 200;
    return found;
}
