// How fast /healthz answers beside many WebSockets: `crowd_sockets_bench PORT COUNT idle|joined`. They come
// from a few processes and from addresses in 127.0.0.0/8, answer pings, and go after at most 25 seconds.
// Prints the time of 200 requests, each on a connection of its own, while they come and when they are there.
#include <arpa/inet.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PROCESSES 4
#define ADDRESSES 16 // of one process
#define ROOM_SIZE 10
#define REQUESTS 200
#define HOLD_SECONDS 25 // a client that does not join is closed after 30

static uint16_t port;
static bool joins;

static uint64_t now_us(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

static int connect_from(uint32_t address) {
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in from = {.sin_family = AF_INET, .sin_addr = {htonl(address)}};
    struct sockaddr_in to = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr = {htonl(INADDR_LOOPBACK)}};
    struct timeval limit = {.tv_sec = 30};
    setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &(int){1}, sizeof(int));
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    if (fd < 0 || bind(fd, (struct sockaddr *)&from, sizeof from) != 0 ||
        connect(fd, (struct sockaddr *)&to, sizeof to) != 0) {
        perror("crowd_sockets_bench: connect");
        exit(1);
    }
    return fd;
}

static void send_frame(int fd, unsigned opcode, const char *text, size_t len) {
    uint8_t frame[512] = {(uint8_t)(0x80 | opcode), (uint8_t)(0x80 | len)};
    size_t n = 2;
    if (len > 125) {
        frame[1] = 0x80 | 126;
        frame[n++] = (uint8_t)(len >> 8);
        frame[n++] = (uint8_t)len;
    }
    memcpy(frame + n + 4, text, len); // with a mask of zeros
    (void)!send(fd, frame, n + 4 + len, MSG_NOSIGNAL);
}

// Reads until the text has come; false when the server closes or falls silent.
static bool read_until(int fd, const char *text) {
    static char got[65536];
    size_t len = 0;
    while (len + 1 < sizeof got) {
        ssize_t n = recv(fd, got + len, sizeof got - 1 - len, 0);
        if (n <= 0)
            return false;
        len += (size_t)n;
        got[len] = '\0';
        for (size_t i = 0; i < len; i++) // headers of frames may hold zeros
            got[i] = got[i] ? got[i] : ' ';
        if (strstr(got, text))
            return true;
    }
    return false;
}

static int open_client(unsigned process, unsigned index) {
    static const char upgrade[] =
        "GET /ws HTTP/1.1\r\nHost: bench\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";
    char text[200];
    int fd = connect_from(UINT32_C(0x7f000000) | (process + 1) << 8 | (index % ADDRESSES + 1));
    (void)!send(fd, upgrade, sizeof upgrade - 1, MSG_NOSIGNAL);
    if (!read_until(fd, "\r\n\r\n")) {
        fprintf(stderr, "crowd_sockets_bench: no answer to the upgrade\n");
        exit(1);
    }
    if (!joins)
        return fd;
    int len = snprintf(text, sizeof text,
                       "{\"type\":\"join-room\",\"data\":{\"roomId\":\"r%u-%u\",\"username\":\"u%u\"}}",
                       process, index / ROOM_SIZE, index);
    send_frame(fd, 1, text, (size_t)len);
    if (!read_until(fd, "\"joined\"")) {
        fprintf(stderr, "crowd_sockets_bench: client %u was not let in\n", index);
        exit(1);
    }
    return fd;
}

// Answers pings until the parent has closed its end of the pipe.
static void stay(struct pollfd *fds, unsigned count, int parent) {
    fds[count] = (struct pollfd){.fd = parent, .events = POLLIN};
    for (uint64_t end_us = now_us() + HOLD_SECONDS * 1000000; now_us() < end_us && !fds[count].revents;) {
        poll(fds, count + 1, 1000);
        for (unsigned i = 0; i < count; i++) {
            char bytes[4096];
            ssize_t n = fds[i].revents ? recv(fds[i].fd, bytes, sizeof bytes, MSG_DONTWAIT) : 1;
            if (n <= 0)
                fds[i].fd = -1;
            else if (fds[i].revents && (uint8_t)bytes[0] == 0x89)
                send_frame(fds[i].fd, 10, bytes + 2, (size_t)(bytes[1] & 0x7f));
        }
    }
}

static void run_process(unsigned process, unsigned count, int ready, int parent) {
    struct pollfd *fds = calloc(count + 1, sizeof *fds);
    for (unsigned i = 0; fds && i < count; i++)
        fds[i] = (struct pollfd){.fd = open_client(process, i), .events = POLLIN};
    (void)!write(ready, "x", 1);
    stay(fds, count, parent);
    _exit(0);
}

static int compare(const void *a, const void *b) {
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

static uint64_t ask_health(void) {
    static const char request[] = "GET /healthz HTTP/1.1\r\nHost: bench\r\nConnection: close\r\n\r\n";
    uint64_t start_us = now_us();
    int fd = connect_from(INADDR_LOOPBACK);
    (void)!send(fd, request, sizeof request - 1, MSG_NOSIGNAL);
    bool fine = read_until(fd, "ok");
    close(fd);
    if (!fine)
        printf("/healthz did not answer\n");
    return now_us() - start_us;
}

static void measure(const char *when, int until_ready) {
    uint64_t *took = calloc(REQUESTS * 100, sizeof *took), total_us = now_us();
    unsigned n = 0;
    char byte;
    for (unsigned ready = 0; took && n < REQUESTS * 100;) {
        took[n++] = ask_health();
        usleep(5000);
        if (until_ready < 0 ? n == REQUESTS
                            : recv(until_ready, &byte, 1, MSG_DONTWAIT) == 1 && ++ready == PROCESSES)
            break;
    }
    qsort(took, n, sizeof *took, compare);
    printf("%s: %u requests in %.1f s, median %.2f ms, 99 %% %.2f ms, longest %.2f ms\n", when, n,
           (double)(now_us() - total_us) / 1e6, (double)took[n / 2] / 1e3, (double)took[n * 99 / 100] / 1e3,
           (double)took[n - 1] / 1e3);
    free(took);
}

int main(int argc, char **argv) {
    if (argc != 4) {
        fprintf(stderr, "usage: crowd_sockets_bench PORT COUNT idle|joined\n");
        return 2;
    }
    port = (uint16_t)atoi(argv[1]);
    unsigned count = (unsigned)atoi(argv[2]);
    joins = strcmp(argv[3], "joined") == 0;
    int ready[2], parent[2];
    struct rlimit files;
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, ready) != 0 || pipe(parent) != 0)
        return 1;
    for (unsigned i = 0; i < PROCESSES; i++) {
        if (fork() == 0) {
            close(parent[1]);
            run_process(i, count / PROCESSES, ready[1], parent[0]);
        }
    }
    close(ready[1]);
    measure("while they come", ready[0]);
    measure("when they are there", -1);
    close(parent[1]);
    while (wait(NULL) > 0)
        ;
    return 0;
}
