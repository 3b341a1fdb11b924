#include "server/service_manager.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum service_manager service_manager_find(void) {
    const char *socket_name = getenv("NOTIFY_SOCKET"), *pid = getenv("SYSTEMD_EXEC_PID");
    if (socket_name && socket_name[0])
        return SERVICE_MANAGER_LISTENS;
    // What a service starts inherits the variable, but not the number.
    bool ours = pid && strtol(pid, NULL, 10) == getpid();
    return ours ? SERVICE_MANAGER_DEAF : SERVICE_MANAGER_NONE;
}

// False: it is no name of a socket here ("@" begins an abstract one).
static bool address_of(const char *name, struct sockaddr_un *out, socklen_t *len) {
    size_t chars = name ? strlen(name) : 0;
    if (chars < 2 || chars >= sizeof out->sun_path || (name[0] != '/' && name[0] != '@'))
        return false;
    *out = (struct sockaddr_un){.sun_family = AF_UNIX};
    memcpy(out->sun_path, name, chars);
    if (name[0] == '@')
        out->sun_path[0] = '\0';
    *len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + chars);
    return true;
}

static bool say(const char *text) {
    struct sockaddr_un to;
    socklen_t to_len;
    size_t len = strlen(text);
    if (!address_of(getenv("NOTIFY_SOCKET"), &to, &to_len))
        return false;
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return false;
    bool sent = sendto(fd, text, len, 0, (const struct sockaddr *)&to, to_len) == (ssize_t)len;
    close(fd);
    return sent;
}

bool service_manager_ready(void) {
    return say("READY=1\n");
}

// MONOTONIC_USEC is what Type=notify-reload wants (systemd 253), on the clock that now_us is read from.
bool service_manager_reloading(uint64_t now_us) {
    char text[64];
    snprintf(text, sizeof text, "RELOADING=1\nMONOTONIC_USEC=%" PRIu64 "\n", now_us);
    return say(text);
}

uint64_t service_manager_watchdog_us(void) {
    const char *every = getenv("WATCHDOG_USEC"), *pid = getenv("WATCHDOG_PID");
    if (!every || (pid && strtol(pid, NULL, 10) != getpid()))
        return 0;
    return strtoull(every, NULL, 10);
}

bool service_manager_alive(void) {
    return say("WATCHDOG=1\n");
}

bool service_manager_stopping(uint64_t wait_us) {
    char text[96];
    snprintf(text, sizeof text, "STOPPING=1\nEXTEND_TIMEOUT_USEC=%" PRIu64 "\n", wait_us);
    return say(text);
}
