#include "server/machine.h"

#include "base/clock.h"
#include "server/config/container.h"
#include "server/control_loop.h"
#include "server/versions.h"
#include "server/web/ws_server.h"
#include "transport/srtp_cipher.h"
#include "transport/versions.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <ifaddrs.h>
#include <inttypes.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/timex.h>
#include <unistd.h>

#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif
#define SEGMENT_BYTES 100
#define SEGMENTED_BYTES (2 * SEGMENT_BYTES + 50) // leaves as three datagrams

// ---- sockets

static int udp_socket(void) {
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    return fd >= 0 ? fd : socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
}

static int limit_read(const char *name) {
    char path[64];
    int bytes = 0;
    snprintf(path, sizeof path, "/proc/sys/net/core/%s", name);
    FILE *file = fopen(path, "re");
    if (!file)
        return 0;
    if (fscanf(file, "%d", &bytes) != 1)
        bytes = 0;
    fclose(file);
    return bytes;
}

// As transport/udp_port.c asks: beyond the limit where this process may.
static void buffer_try(int fd, int force, int option, struct machine_buffer *buffer) {
    int bytes = buffer->wanted_bytes;
    socklen_t len = sizeof bytes;
    if (setsockopt(fd, SOL_SOCKET, force, &bytes, len) != 0)
        (void)setsockopt(fd, SOL_SOCKET, option, &bytes, len);
    if (getsockopt(fd, SOL_SOCKET, option, &bytes, &len) == 0)
        buffer->granted_bytes = bytes / 2; // the kernel doubles what was asked for (socket(7))
}

static void examine_buffers(const struct config *config, struct machine *m) {
    int fd = udp_socket();
    m->receive = (struct machine_buffer){.wanted_bytes = (int)config->udp_receive_buffer_bytes,
                                         .limit_bytes = limit_read("rmem_max")};
    m->send = (struct machine_buffer){.wanted_bytes = (int)config->udp_send_buffer_bytes,
                                      .limit_bytes = limit_read("wmem_max")};
    if (fd < 0)
        return;
    buffer_try(fd, SO_RCVBUFFORCE, SO_RCVBUF, &m->receive);
    buffer_try(fd, SO_SNDBUFFORCE, SO_SNDBUF, &m->send);
    close(fd);
}

// Sends one large message to itself and looks at the datagrams that come.
static enum machine_gso gso_try(int fd) {
    struct sockaddr_in self = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof self;
    uint8_t bytes[SEGMENTED_BYTES] = {0};
    int size = SEGMENT_BYTES;
    if (bind(fd, (struct sockaddr *)&self, sizeof self) != 0 ||
        getsockname(fd, (struct sockaddr *)&self, &len) != 0)
        return GSO_UNTESTED;
    if (setsockopt(fd, IPPROTO_UDP, UDP_SEGMENT, &size, sizeof size) != 0)
        return GSO_MISSING;
    if (sendto(fd, bytes, sizeof bytes, 0, (struct sockaddr *)&self, len) != sizeof bytes)
        return errno == EIO || errno == EINVAL || errno == EMSGSIZE ? GSO_MANGLES : GSO_UNTESTED;
    static const ssize_t expected[] = {SEGMENT_BYTES, SEGMENT_BYTES, SEGMENTED_BYTES % SEGMENT_BYTES};
    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++) {
        if (recv(fd, bytes, sizeof bytes, MSG_DONTWAIT | MSG_TRUNC) != expected[i])
            return GSO_MANGLES;
    }
    return GSO_WORKS;
}

static enum machine_gso examine_gso(void) {
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return GSO_UNTESTED;
    enum machine_gso outcome = gso_try(fd);
    close(fd);
    return outcome;
}

// ---- addresses

static bool interface_address(const struct ifaddrs *i, char out[ANNOUNCE_TEXT_MAX]) {
    if (!i->ifa_addr || !(i->ifa_flags & IFF_UP))
        return false;
    int family = i->ifa_addr->sa_family;
    if (family == AF_INET) {
        const struct sockaddr_in *v4 = (const void *)i->ifa_addr;
        return inet_ntop(family, &v4->sin_addr, out, ANNOUNCE_TEXT_MAX) != NULL;
    }
    const struct sockaddr_in6 *v6 = (const void *)i->ifa_addr;
    return family == AF_INET6 && inet_ntop(family, &v6->sin6_addr, out, ANNOUNCE_TEXT_MAX) != NULL;
}

static void examine_addresses(struct machine *m) {
    struct ifaddrs *interfaces = NULL;
    if (getifaddrs(&interfaces) != 0)
        return;
    for (const struct ifaddrs *i = interfaces; i && m->address_count < MACHINE_ADDRESSES_MAX;
         i = i->ifa_next) {
        char text[ANNOUNCE_TEXT_MAX];
        if (interface_address(i, text) && !machine_has_address(m, text))
            memcpy(m->addresses[m->address_count++], text, sizeof text);
    }
    freeifaddrs(interfaces);
}

bool machine_has_address(const struct machine *machine, const char *address) {
    for (size_t i = 0; i < machine->address_count; i++) {
        if (strcmp(machine->addresses[i], address) == 0)
            return true;
    }
    // All of 127.0.0.0/8 is this machine, though only one address of it is on an interface.
    return address_scope_of(address) == ADDRESS_LOOPBACK;
}

// ---- the rest

const char *machine_library_name(enum machine_library library) {
    static const char *const names[] = {"libwebsockets", "libuv", "jansson", "OpenSSL"};
    assert(library < LIBRARIES);
    return names[library];
}

static void version_note(struct machine_version *version, const char *built, const char *running) {
    // "4.1.6-debian": the number is what compares.
    snprintf(version->built, sizeof version->built, "%.*s", (int)strcspn(built, "- "), built);
    snprintf(version->running, sizeof version->running, "%.*s", (int)strcspn(running, "- "), running);
}

static void examine_libraries(struct machine *m) {
    version_note(&m->libraries[LIBRARY_LIBWEBSOCKETS], ROTUNDA_LWS_VERSION, ws_server_library_version());
    version_note(&m->libraries[LIBRARY_LIBUV], ROTUNDA_UV_VERSION, control_loop_library_version());
    version_note(&m->libraries[LIBRARY_JANSSON], ROTUNDA_JANSSON_VERSION, versions_jansson());
    version_note(&m->libraries[LIBRARY_OPENSSL], ROTUNDA_OPENSSL_VERSION, transport_openssl_version());
    enum srtp_cipher cipher = srtp_cipher_best();
    m->cipher = srtp_cipher_name(cipher);
    m->cipher_slow = cipher == SRTP_CIPHER_STOCK;
}

bool machine_clock_is_synchronised(void) {
    struct timex state = {0};
    int outcome = adjtimex(&state); // asks only
    return outcome != -1 && outcome != TIME_ERROR && !(state.status & STA_UNSYNC);
}

void machine_examine(const struct config *config, struct machine *out) {
    struct rlimit files;
    *out = (struct machine){.wall_us = clock_wall_us(),
                            .built_us = ROTUNDA_BUILT_S * US_PER_SECOND,
                            .clock_synchronised = true,
                            .service_manager = service_manager_find(),
                            .container = container_find("")};
    if (getrlimit(RLIMIT_NOFILE, &files) == 0)
        out->files_allowed = files.rlim_max == RLIM_INFINITY ? UINT64_MAX : files.rlim_max;
    examine_buffers(config, out);
    out->gso = examine_gso();
    examine_addresses(out);
    examine_libraries(out);
    out->secret_count = secret_files_examine(config, out->secrets);
}
