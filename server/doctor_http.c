#include "server/doctor_http.h"

#include "transport/addr.h"

#include <errno.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

struct http_link {
    int fd;
    SSL_CTX *context;
    SSL *ssl; // NULL: plain
};

static bool link_connect(struct http_link *link, const struct http_target *target, unsigned wait_ms,
                         char why[HTTP_WHY_MAX]) {
    struct addr address;
    struct sockaddr_storage name;
    if (addr_parse(target->host, target->port, &address) != ERR_OK) {
        snprintf(why, HTTP_WHY_MAX, "\"%.64s\" is no IP address", target->host);
        return false;
    }
    socklen_t len = addr_to_sockaddr(&address, &name);
    struct timeval limit = {.tv_sec = wait_ms / 1000, .tv_usec = (suseconds_t)(wait_ms % 1000) * 1000};
    link->fd = socket(name.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (link->fd >= 0 && setsockopt(link->fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit) == 0 &&
        setsockopt(link->fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit) == 0 &&
        connect(link->fd, (struct sockaddr *)&name, len) == 0)
        return true;
    snprintf(why, HTTP_WHY_MAX, "%s", strerror(errno == EINPROGRESS ? ETIMEDOUT : errno));
    return false;
}

// Who answers is all that is asked here; whether its certificate is good is another check's.
static bool link_encrypt(struct http_link *link, char why[HTTP_WHY_MAX]) {
    link->context = SSL_CTX_new(TLS_client_method());
    link->ssl = link->context ? SSL_new(link->context) : NULL;
    if (link->ssl && SSL_set_fd(link->ssl, link->fd) == 1 && SSL_connect(link->ssl) == 1)
        return true;
    snprintf(why, HTTP_WHY_MAX, "no TLS there");
    return false;
}

static bool link_write(struct http_link *link, const char *text, size_t len) {
    if (link->ssl)
        return SSL_write(link->ssl, text, (int)len) == (int)len;
    return send(link->fd, text, len, MSG_NOSIGNAL) == (ssize_t)len;
}

static ssize_t link_read(struct http_link *link, char *out, size_t cap) {
    return link->ssl ? SSL_read(link->ssl, out, (int)cap) : recv(link->fd, out, cap, 0);
}

static void link_close(struct http_link *link) {
    SSL_free(link->ssl);
    SSL_CTX_free(link->context);
    if (link->fd >= 0)
        close(link->fd);
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
    struct http_link link = {.fd = -1};
    char text[2 * HTTP_BODY_MAX];
    size_t len = 0;
    bool v6 = strchr(target->host, ':') != NULL;
    int asked = snprintf(text, sizeof text, "GET %s HTTP/1.1\r\nHost: %s%s%s\r\nConnection: close\r\n\r\n",
                         path, v6 ? "[" : "", target->host, v6 ? "]" : "");
    bool fine = link_connect(&link, target, wait_ms, why) && (!target->tls || link_encrypt(&link, why));
    if (fine && link_write(&link, text, (size_t)asked)) {
        ssize_t n;
        while (len < sizeof text && (n = link_read(&link, text + len, sizeof text - len)) > 0)
            len += (size_t)n;
    }
    link_close(&link);
    if (fine && !http_reply_read(text, len, out)) {
        snprintf(why, HTTP_WHY_MAX, "%s", len ? "what answers is not HTTP" : "no answer to HTTP");
        fine = false;
    }
    return fine;
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
