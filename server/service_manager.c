#include "server/service_manager.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
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

// wait: up to a second, if the manager is busy and its queue is full (ten datagrams by the kernel's preset).
// What is said once must get there: a start that systemd does not hear of is ended after a minute and a half.
static bool say(const char *text, bool wait) {
    static const struct timeval wait_most = {.tv_sec = 1};
    struct sockaddr_un to;
    socklen_t to_len;
    size_t len = strlen(text);
    if (!address_of(getenv("NOTIFY_SOCKET"), &to, &to_len))
        return false;
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return false;
    wait = wait && setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &wait_most, sizeof wait_most) == 0;
    bool sent =
        sendto(fd, text, len, wait ? 0 : MSG_DONTWAIT, (const struct sockaddr *)&to, to_len) == (ssize_t)len;
    close(fd);
    return sent;
}

bool service_manager_ready(void) {
    return say("READY=1\n", true);
}

// MONOTONIC_USEC is what Type=notify-reload wants (systemd 253), on the clock that now_us is read from.
bool service_manager_reloading(uint64_t now_us) {
    char text[64];
    snprintf(text, sizeof text, "RELOADING=1\nMONOTONIC_USEC=%" PRIu64 "\n", now_us);
    return say(text, true);
}

uint64_t service_manager_watchdog_us(void) {
    const char *every = getenv("WATCHDOG_USEC"), *pid = getenv("WATCHDOG_PID");
    if (!every || (pid && strtol(pid, NULL, 10) != getpid()))
        return 0;
    return strtoull(every, NULL, 10);
}

bool service_manager_alive(void) {
    return say("WATCHDOG=1\n", false);
}

bool service_manager_stopping(uint64_t wait_us) {
    char text[96];
    if (wait_us == 0)
        return say("STOPPING=1\n", true);
    snprintf(text, sizeof text, "STOPPING=1\nEXTEND_TIMEOUT_USEC=%" PRIu64 "\n", wait_us);
    return say(text, true);
}
