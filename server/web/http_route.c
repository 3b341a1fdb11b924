#include "server/web/http_route.h"

#include <stdio.h>
#include <string.h>

static void allow_add(char allow[HTTP_ALLOW_MAX], const char *method) {
    size_t len = strlen(allow);
    snprintf(allow + len, HTTP_ALLOW_MAX - len, "%s%s", len ? ", " : "", method);
}

const struct http_route *http_route_find(const struct http_route *routes, size_t count, enum http_place place,
                                         const struct http_head *head, unsigned *status,
                                         char allow[HTTP_ALLOW_MAX]) {
    enum http_method method = head->method == HTTP_HEAD ? HTTP_GET : head->method;
    allow[0] = '\0';
    *status = 404;
    for (size_t i = 0; i < count; i++) {
        const struct http_route *row = &routes[i];
        if (!(row->places & place) || strcmp(row->path, head->path) != 0)
            continue;
        if (row->method == method) {
            *status = 200;
            return row;
        }
        *status = 405;
        allow_add(allow, row->method == HTTP_GET ? "GET, HEAD" : http_method_name(row->method));
    }
    return NULL;
}
