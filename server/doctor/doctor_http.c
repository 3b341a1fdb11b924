#include "server/doctor/doctor_http.h"

#include "server/web/tls_ask.h"
#include "base/addr.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

// The connected socket; -1: `why` says why not.
static int target_connect(const struct http_target *target, unsigned wait_ms, char why[HTTP_WHY_MAX]) {
    struct addr address;
    struct sockaddr_storage name;
    if (addr_parse(target->host, target->port, &address) != ERR_OK) {
        snprintf(why, HTTP_WHY_MAX, "\"%.64s\" is no IP address", target->host);
        return -1;
    }
    socklen_t len = addr_to_sockaddr(&address, &name);
    struct timeval limit = {.tv_sec = wait_ms / 1000, .tv_usec = (suseconds_t)(wait_ms % 1000) * 1000};
    int fd = socket(name.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit) == 0 &&
        setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit) == 0 &&
        connect(fd, (struct sockaddr *)&name, len) == 0)
        return fd;
    snprintf(why, HTTP_WHY_MAX, "%s", strerror(errno == EINPROGRESS ? ETIMEDOUT : errno));
    if (fd >= 0)
        close(fd);
    return -1;
}

static size_t ask_plainly(int fd, const char *request, size_t request_len, char *answer, size_t cap) {
    size_t len = 0;
    ssize_t n;
    if (send(fd, request, request_len, MSG_NOSIGNAL) != (ssize_t)request_len)
        return 0;
    while (len < cap && (n = recv(fd, answer + len, cap - len, 0)) > 0)
        len += (size_t)n;
    return len;
}

static const char *header_find(const char *text, const char *name) {
    for (const char *line = strstr(text, "\r\n"); line && strncmp(line, "\r\n\r\n", 4) != 0;
         line = strstr(line + 2, "\r\n")) {
        size_t len = strlen(name);
        if (strncasecmp(line + 2, name, len) == 0 && line[2 + len] == ':')
            return line + 3 + len + strspn(line + 3 + len, " ");
    }
    return NULL;
}

bool http_reply_read(const char *text, size_t len, struct http_reply *out) {
    char copy[2 * HTTP_BODY_MAX + 1];
    if (len >= sizeof copy)
        len = sizeof copy - 1;
    memcpy(copy, text, len);
    copy[len] = '\0';
    *out = (struct http_reply){0};
    if (len < 9 || strncmp(copy, "HTTP/1.", 7) != 0 || sscanf(copy + 8, " %3u", &out->status) != 1)
        return false;
    const char *server = header_find(copy, "server"), *body = strstr(copy, "\r\n\r\n");
    if (server)
        snprintf(out->server, sizeof out->server, "%.*s", (int)strcspn(server, "\r\n"), server);
    if (body)
        snprintf(out->body, sizeof out->body, "%s", body + 4);
    return true;
}

bool http_get(const struct http_target *target, const char *path, unsigned wait_ms, struct http_reply *out,
              char why[HTTP_WHY_MAX]) {
    char request[256], answer[2 * HTTP_BODY_MAX];
    bool v6 = strchr(target->host, ':') != NULL;
    int asked = snprintf(request, sizeof request,
                         "GET %.128s HTTP/1.1\r\nHost: %.46s%.46s%s\r\nConnection: close\r\n\r\n", path,
                         v6 ? "[" : "", target->host, v6 ? "]" : "");
    int fd = target_connect(target, wait_ms, why);
    if (fd < 0)
        return false;
    size_t len = (target->tls ? tls_ask : ask_plainly)(fd, request, (size_t)asked, answer, sizeof answer);
    close(fd);
    if (http_reply_read(answer, len, out))
        return true;
    snprintf(why, HTTP_WHY_MAX, "%s", len ? "what answers is not HTTP" : "no answer to HTTP");
    return false;
}

bool http_is_rotunda(const struct http_reply *reply) {
    return reply->status == 200 && strcmp(reply->server, "rotunda") == 0 && strstr(reply->body, "ok") != NULL;
}

void http_rotunda_version(const struct http_reply *reply, char *out, size_t cap) {
    static const char mark[] = "rotunda_build_info{version=\"";
    const char *found = reply->status == 200 ? strstr(reply->body, mark) : NULL;
    out[0] = '\0';
    if (found)
        snprintf(out, cap, "%.*s", (int)strcspn(found + sizeof mark - 1, "\""), found + sizeof mark - 1);
}
