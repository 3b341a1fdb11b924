#include "server/health_check.h"

#include "server/web/tls_ask.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#define ANSWER_BYTES_MAX 512 // the status line is at its start

// Where a client on this machine finds what listens at `host`.
static socklen_t address_of(const char *host, uint16_t port, struct sockaddr_storage *out) {
    *out = (struct sockaddr_storage){0};
    struct sockaddr_in *v4 = (struct sockaddr_in *)(void *)out;
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)(void *)out;
    if (inet_pton(AF_INET, host, &v4->sin_addr) == 1) {
        v4->sin_family = AF_INET;
        v4->sin_port = htons(port);
        if (v4->sin_addr.s_addr == htonl(INADDR_ANY))
            v4->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        return sizeof *v4;
    }
    int ok = inet_pton(AF_INET6, host, &v6->sin6_addr);
    assert(ok == 1); // a configuration holds nothing else
    (void)ok;
    v6->sin6_family = AF_INET6;
    v6->sin6_port = htons(port);
    if (IN6_IS_ADDR_UNSPECIFIED(&v6->sin6_addr))
        v6->sin6_addr = in6addr_loopback;
    return sizeof *v6;
}

// Connected, and with limits to how long a step lasts; -1 and errno.
static int connect_to(const char *host, uint16_t port) {
    struct sockaddr_storage address;
    socklen_t len = address_of(host, port, &address);
    int fd = socket(address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    struct timeval limit = {.tv_sec = HEALTH_CHECK_SECONDS};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    if (connect(fd, (const struct sockaddr *)&address, len) == 0)
        return fd;
    int why = errno == EINPROGRESS ? ETIMEDOUT : errno;
    close(fd);
    errno = why;
    return -1;
}

static size_t ask_plainly(int fd, const char *request, size_t request_len, char *answer, size_t cap) {
    size_t len = 0;
    if (send(fd, request, request_len, MSG_NOSIGNAL) != (ssize_t)request_len)
        return 0;
    while (len < cap) {
        ssize_t n = recv(fd, answer + len, cap - len, 0);
        if (n <= 0)
            break;
        len += (size_t)n;
    }
    return len;
}

// The start of the answer as text; false: none came.
static bool ask(int fd, bool tls, char answer[ANSWER_BYTES_MAX]) {
    static const char request[] = "GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    size_t len = (tls ? tls_ask : ask_plainly)(fd, request, sizeof request - 1, answer, ANSWER_BYTES_MAX - 1);
    answer[len] = '\0';
    return len > 0;
}

bool health_check(const struct config *config, char *error, size_t cap) {
    assert(cap > 0);
    char answer[ANSWER_BYTES_MAX];
    bool v6 = strchr(config->listen_host, ':') != NULL;
    char place[64];
    snprintf(place, sizeof place, "%s%s%s:%u", v6 ? "[" : "", config->listen_host, v6 ? "]" : "",
             config->listen_port);
    int fd = connect_to(config->listen_host, config->listen_port);
    if (fd < 0) {
        snprintf(error, cap, "no server at %s: %s", place, strerror(errno));
        return false;
    }
    bool answered = ask(fd, config->tls_cert[0] != '\0', answer);
    close(fd);
    if (!answered) {
        snprintf(error, cap, "the server at %s does not answer", place);
        return false;
    }
    if (strncmp(answer, "HTTP/1.1 200 ", 13) == 0)
        return true;
    snprintf(error, cap, "the server at %s says \"%.*s\"", place, (int)strcspn(answer, "\r\n"), answer);
    return false;
}
