// faults: what a system does to a program on a bad day, for tests: loaded before the C library (LD_PRELOAD),
// it makes calls fail as a file says that the test writes (FAULTS_FILE: an array of 32-bit numbers, 0 for
// none). FAULTS_AUTHORITIES names a file that is read in place of the system's list of certificate
// authorities.
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
    STALL_MEDIA_0,  // 1: the thread media-0 reads its socket for as long
    STALL_DATA,     // 1: the thread of data channels waits for as long
    STALL_ICE,      // 1: the thread of complete ICE agents, likewise
    RECVMMSG_ERRNO, // instead of datagrams
    SENDMMSG_ERRNO, // likewise, and of sendmsg on datagrams
    ACCEPT_ERRNO,   //
    WALL_OFFSET_S,  // of the time of day
    AWAY_S,         // of the clock that never goes back: for so long the process did not run
    LOOKUP_SECONDS, // that a name takes
    HITS,           // out: how many calls were touched
    FAULTS
};

static volatile int32_t *faults(void) {
    static volatile int32_t *page;
    static int32_t none[FAULTS];
    const char *path = page ? NULL : getenv("FAULTS_FILE");
    if (page)
        return page;
    int fd = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
    void *map = fd < 0 ? MAP_FAILED : mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (fd >= 0)
        close(fd);
    return page = map == MAP_FAILED ? none : map;
}

static int fails(unsigned which) {
    int why = faults()[which];
    if (!why)
        return 0;
    faults()[HITS]++;
    errno = why;
    return 1;
}

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

int recvmmsg(int fd, struct mmsghdr *messages, unsigned count, int flags, struct timespec *timeout) {
    char name[17] = "";
    prctl(PR_GET_NAME, name);
    while (faults()[STALL_MEDIA_0] && strcmp(name, "media-0") == 0)
        usleep(10000);
    return fails(RECVMMSG_ERRNO) ? -1 : REAL(recvmmsg)(fd, messages, count, flags, timeout);
}

static void stall_as_asked(void) {
    char name[17] = "";
    prctl(PR_GET_NAME, name);
    while (faults()[STALL_DATA] && strcmp(name, "data") == 0)
        usleep(10000);
    while (faults()[STALL_ICE] && strcmp(name, "ice") == 0)
        usleep(10000);
}

int poll(struct pollfd *fds, nfds_t count, int timeout_ms) {
    stall_as_asked();
    return REAL(poll)(fds, count, timeout_ms);
}

// As GLib waits from 2.84 on.
int ppoll(struct pollfd *fds, nfds_t count, const struct timespec *timeout, const sigset_t *signals) {
    stall_as_asked();
    return REAL(ppoll)(fds, count, timeout, signals);
}

int sendmmsg(int fd, struct mmsghdr *messages, unsigned count, int flags) {
    return fails(SENDMMSG_ERRNO) ? -1 : REAL(sendmmsg)(fd, messages, count, flags);
}

int accept4(int fd, struct sockaddr *address, socklen_t *len, int flags) {
    return fails(ACCEPT_ERRNO) ? -1 : REAL(accept4)(fd, address, len, flags);
}

int clock_gettime(clockid_t clock, struct timespec *out) {
    int outcome = REAL(clock_gettime)(clock, out);
    if (outcome == 0 && clock == CLOCK_REALTIME)
        out->tv_sec += faults()[WALL_OFFSET_S];
    if (outcome == 0 && (clock == CLOCK_MONOTONIC || clock == CLOCK_MONOTONIC_COARSE))
        out->tv_sec += faults()[AWAY_S];
    return outcome;
}

int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints, struct addrinfo **out) {
    int seconds = faults()[LOOKUP_SECONDS];
    if (seconds) {
        faults()[HITS]++;
        sleep((unsigned)seconds);
    }
    return REAL(getaddrinfo)(node, service, hints, out);
}

static const char *path_of(const char *path) {
    const char *authorities = getenv("FAULTS_AUTHORITIES");
    return authorities && strcmp(path, "/etc/ssl/certs/ca-certificates.crt") == 0 ? authorities : path;
}

FILE *fopen(const char *path, const char *mode) {
    return REAL(fopen)(path_of(path), mode);
}

FILE *fopen64(const char *path, const char *mode) {
    return REAL(fopen64)(path_of(path), mode);
}
