// The floor: only what forwarding cannot do without. A burst of packets comes in and is unprotected; for each
// of N receivers every packet is copied, its header rewritten, protected and sent, all of a burst in one
// batch. No ICE, RTCP, histories, statistics, timers.
//
//   floor_bench [-n RECEIVERS] [-b BURST] [-l BYTES] [-t MILLISECONDS]      every method and cipher
//   floor_bench ... -s METHOD -c CIPHER [-i US]                             one line: ns a packet
//
// BURST is the number of packets that each receiver gets in a batch. METHOD: sendto, sendmmsg, gso. CIPHER:
// ipsec-mb, openssl (AEAD_AES_128_GCM called directly), srtp-ipsec-mb, srtp-openssl, srtp-stock (the same
// through libsrtp2), srtp-cm (AES_CM_128_HMAC_SHA1_80 as libsrtp2 has it), none. Figures are CPU time of the
// sending thread on loopback; receivers are emptied while its clock stands. The share of crypto and sending
// is found by leaving them out.
//
// Bursts follow each other at once: everything is in the caches, and nothing is waited for. With -i another
// thread, on another core, sends a burst each US microseconds, when it has emptied the receivers; the sending
// thread waits for it in the kernel and pays for being woken, as a server does.
#include "base/bytes.h"
#include "base/seq.h"
#include "transport/srtp.h"
#include "transport/srtp_cipher_types.h"

#include <netinet/in.h>
#include <netinet/udp.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define SLOT_BYTES 1536
#define RECEIVERS_MAX 4096
#define BURST_MAX 64
#define MESSAGES 32   // of one sendmmsg
#define QUEUED_MAX 48 // packets a receiver's socket surely holds
#define SSRC_IN 0x01020304
#define REPEATS 5
#define WAITING_BURSTS_MIN 40 // of a repeat

enum method { SEND_NONE, SENDTO, SENDMMSG, GSO, METHODS };
static const char *const method_names[METHODS] = {"none", "sendto", "sendmmsg", "gso"};

enum cipher { NONE, IPSEC_MB, OPENSSL, SRTP_IPSEC_MB, SRTP_OPENSSL, SRTP_STOCK, SRTP_CM, CIPHERS };
static const char *const cipher_names[CIPHERS] = {"none",         "ipsec-mb",   "openssl", "srtp-ipsec-mb",
                                                  "srtp-openssl", "srtp-stock", "srtp-cm"};

struct receiver {
    int fd;
    struct sockaddr_in addr;
    srtp_cipher_t *raw;
    struct srtp_session *srtp;
    uint64_t index; // of the last packet to it
};

struct bench {
    unsigned n, burst, bytes;
    unsigned interval_us;  // of bursts; 0: they follow each other
    atomic_uint forwarded; // bursts
    atomic_bool over;
    enum method method;
    enum cipher cipher;
    int in_fd, publisher_fd, out_fd;
    struct sockaddr_in in_addr;
    struct srtp_session *from_publisher, *publisher;
    uint16_t seq;
    uint64_t index; // of the last packet of the publisher
    struct receiver *receivers;
    uint8_t (*slots)[SLOT_BYTES]; // n * burst
    uint16_t *lens;               // of each slot
    uint8_t in[BURST_MAX][SLOT_BYTES];
    size_t in_len[BURST_MAX];
};

static void die(const char *what) {
    perror(what);
    exit(1);
}

static uint64_t cpu_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

// ---- sockets

static int socket_open(struct sockaddr_in *addr, unsigned host) {
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    socklen_t len = sizeof *addr;
    *addr = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(0x7f000001 + host)};
    if (fd < 0 || bind(fd, (struct sockaddr *)addr, sizeof *addr) != 0 ||
        getsockname(fd, (struct sockaddr *)addr, &len) != 0)
        die("socket");
    return fd;
}

static void drain(struct bench *b) {
    uint8_t bytes[2048];
    for (unsigned i = 0; i < b->n; i++)
        while (recv(b->receivers[i].fd, bytes, sizeof bytes, 0) > 0)
            continue;
}

// ---- crypto

static struct srtp_keys keys_make(enum srtp_profile profile, unsigned salt) {
    struct srtp_keys keys = {.profile = profile, .len = profile == SRTP_PROFILE_AEAD_AES_128_GCM ? 28 : 30};
    for (unsigned i = 0; i < keys.len; i++)
        keys.local[i] = keys.remote[i] = (uint8_t)(i * 7 + salt * 13 + (salt >> 8));
    return keys;
}

static enum srtp_cipher library_of(enum cipher cipher) {
    switch (cipher) {
    case SRTP_IPSEC_MB:
        return SRTP_CIPHER_IPSEC_MB;
    case SRTP_OPENSSL:
        return SRTP_CIPHER_OPENSSL;
    case SRTP_STOCK:
    case SRTP_CM:
        return SRTP_CIPHER_STOCK;
    default:
        return srtp_cipher_best();
    }
}

static bool cipher_available(enum cipher cipher) {
    return (cipher != IPSEC_MB && cipher != SRTP_IPSEC_MB) || srtp_cipher_available(SRTP_CIPHER_IPSEC_MB);
}

static const srtp_cipher_type_t *raw_type(enum cipher cipher) {
#if ROTUNDA_IPSEC_MB
    if (cipher == IPSEC_MB)
        return &srtp_cipher_ipsec_mb_128;
#endif
    return cipher == OPENSSL ? &srtp_cipher_openssl_128 : NULL;
}

static void receiver_open_crypto(struct bench *b, struct receiver *r, unsigned i) {
    enum srtp_profile profile =
        b->cipher == SRTP_CM ? SRTP_PROFILE_AES_CM_128_HMAC_SHA1_80 : SRTP_PROFILE_AEAD_AES_128_GCM;
    struct srtp_keys keys = keys_make(profile, i + 1);
    const srtp_cipher_type_t *type = raw_type(b->cipher);
    if (type && (type->alloc(&r->raw, 28, 16) || type->init(r->raw->state, keys.local)))
        die("cipher");
    if (b->cipher >= SRTP_IPSEC_MB && !(r->srtp = srtp_session_create(&keys)))
        die("session");
}

static uint64_t index_after(uint64_t *last, const uint8_t *packet) {
    return *last = seq16_unwrap(*last, load_be16(packet + 2));
}

static size_t protect(struct receiver *r, uint8_t *packet, size_t len) {
    if (r->srtp) {
        if (srtp_session_protect_rtp(r->srtp, packet, &len, index_after(&r->index, packet)) != ERR_OK)
            die("protect");
        return len;
    }
    if (!r->raw)
        return len + 16;
    const srtp_cipher_type_t *type = r->raw->type;
    uint8_t iv[12] = {0}; // RFC 7714, section 8.1, but for the salt
    memcpy(iv + 2, packet + 8, 4);
    memcpy(iv + 10, packet + 2, 2);
    unsigned n = (unsigned)len - 24, tag_len = 16;
    type->set_iv(r->raw->state, iv, srtp_direction_encrypt);
    type->set_aad(r->raw->state, packet, 24);
    type->encrypt(r->raw->state, packet + 24, &n);
    type->get_tag(r->raw->state, packet + len, &tag_len);
    return len + 16;
}

// ---- in

// A packet as a publisher sends it: 12 bytes of header, 12 of extensions. Off the clock.
static void publish(struct bench *b) {
    for (unsigned i = 0; i < b->burst; i++) {
        uint8_t packet[SLOT_BYTES] = {0x90, 96};
        store_be16(packet + 2, ++b->seq);
        store_be32(packet + 4, b->seq * 3000u);
        store_be32(packet + 8, SSRC_IN);
        store_be32(packet + 12, 0xbede0002);
        size_t len = b->bytes;
        memset(packet + 24, (int)i, len - 24);
        if (srtp_session_protect_rtp(b->publisher, packet, &len, index_after(&b->index, packet)) != ERR_OK ||
            sendto(b->publisher_fd, packet, len, 0, (struct sockaddr *)&b->in_addr, sizeof b->in_addr) < 0)
            die("publish");
    }
}

// Waits for the first of a burst where another thread sends them.
static void receive(struct bench *b) {
    struct mmsghdr headers[BURST_MAX];
    struct iovec iovecs[BURST_MAX];
    for (unsigned i = 0; i < b->burst; i++) {
        iovecs[i] = (struct iovec){.iov_base = b->in[i], .iov_len = SLOT_BYTES};
        headers[i].msg_hdr = (struct msghdr){.msg_iov = &iovecs[i], .msg_iovlen = 1};
    }
    for (unsigned have = 0; have < b->burst;) {
        struct pollfd in = {.fd = b->in_fd, .events = POLLIN};
        if (b->interval_us > 0 && poll(&in, 1, -1) != 1)
            die("poll");
        int n = recvmmsg(b->in_fd, headers + have, b->burst - have, 0, NULL);
        if (n <= 0)
            die("recvmmsg");
        have += (unsigned)n;
    }
    for (unsigned i = 0; i < b->burst; i++) {
        b->in_len[i] = headers[i].msg_len;
        if (srtp_session_unprotect_rtp(b->from_publisher, b->in[i], &b->in_len[i]) != ERR_OK)
            die("unprotect");
    }
}

// ---- out

static void rewrite(struct bench *b, unsigned receiver, unsigned i, uint8_t *out) {
    memcpy(out, b->in[i], b->in_len[i]);
    store_be16(out + 2, (uint16_t)(load_be16(out + 2) + receiver));
    store_be32(out + 4, load_be32(out + 4) + receiver);
    store_be32(out + 8, 0x10000000 + receiver);
    store_be32(out + 16, receiver); // extensions
    store_be32(out + 20, b->seq);
}

static void copy_all(struct bench *b) {
    for (unsigned i = 0; i < b->burst; i++)
        for (unsigned r = 0; r < b->n; r++) {
            unsigned slot = r * b->burst + i;
            rewrite(b, r, i, b->slots[slot]);
            b->lens[slot] = (uint16_t)protect(&b->receivers[r], b->slots[slot], b->in_len[i]);
        }
}

static void send_each(struct bench *b) {
    for (unsigned slot = 0; slot < b->n * b->burst; slot++) {
        struct receiver *r = &b->receivers[slot / b->burst];
        if (sendto(b->out_fd, b->slots[slot], b->lens[slot], 0, (struct sockaddr *)&r->addr, sizeof r->addr) <
            0)
            die("sendto");
    }
}

// `per` packets a message, which share a destination and a size.
static void send_batches(struct bench *b, unsigned per) {
    struct mmsghdr headers[MESSAGES];
    struct iovec iovecs[MESSAGES * BURST_MAX];
    _Alignas(struct cmsghdr) uint8_t control[MESSAGES][CMSG_SPACE(sizeof(uint16_t))];
    unsigned messages = 0;
    for (unsigned slot = 0; slot < b->n * b->burst; slot += per) {
        struct iovec *iov = &iovecs[messages * BURST_MAX];
        for (unsigned i = 0; i < per; i++)
            iov[i] = (struct iovec){.iov_base = b->slots[slot + i], .iov_len = b->lens[slot + i]};
        struct msghdr *m = &headers[messages].msg_hdr;
        *m = (struct msghdr){.msg_name = &b->receivers[slot / b->burst].addr,
                             .msg_namelen = sizeof(struct sockaddr_in),
                             .msg_iov = iov,
                             .msg_iovlen = per};
        if (per > 1) {
            m->msg_control = control[messages];
            m->msg_controllen = sizeof control[messages];
            struct cmsghdr *c = CMSG_FIRSTHDR(m);
            c->cmsg_level = IPPROTO_UDP;
            c->cmsg_type = UDP_SEGMENT;
            c->cmsg_len = CMSG_LEN(sizeof(uint16_t));
            memcpy(CMSG_DATA(c), &b->lens[slot], sizeof(uint16_t));
        }
        if (++messages == MESSAGES || slot + per == b->n * b->burst) {
            if (sendmmsg(b->out_fd, headers, messages, 0) != (int)messages)
                die("sendmmsg");
            messages = 0;
        }
    }
}

static void send_all(struct bench *b) {
    if (b->method == SENDTO)
        send_each(b);
    else if (b->method != SEND_NONE)
        send_batches(b, b->method == GSO ? b->burst : 1);
}

// ---- measuring

static void forward(struct bench *b) {
    receive(b);
    copy_all(b);
    send_all(b);
}

static void sleep_us(unsigned us) {
    nanosleep(&(struct timespec){.tv_sec = us / 1000000, .tv_nsec = us % 1000000 * 1000L}, NULL);
}

// The rest of the world: publishers and receivers.
static void *world_thread(void *arg) {
    struct bench *b = arg;
    for (unsigned published = 0; !atomic_load(&b->over); published++) {
        sleep_us(b->interval_us);
        while (atomic_load(&b->forwarded) != published && !atomic_load(&b->over))
            sleep_us(b->interval_us / 10 + 1);
        drain(b);
        publish(b);
    }
    return NULL;
}

// Bursts as they come, and the waiting for them.
static double run_waiting(struct bench *b, uint64_t wall_ns) {
    unsigned bursts = (unsigned)(wall_ns / 1000 / b->interval_us);
    if (bursts < WAITING_BURSTS_MIN)
        bursts = WAITING_BURSTS_MIN;
    uint64_t start = cpu_ns();
    for (unsigned i = 0; i < bursts; i++) {
        forward(b);
        atomic_fetch_add(&b->forwarded, 1);
    }
    return (double)(cpu_ns() - start) / ((double)bursts * b->n * b->burst);
}

static double run_hot(struct bench *b, uint64_t budget_ns) {
    uint64_t spent = 0, packets = 0;
    unsigned rounds = QUEUED_MAX / b->burst ? QUEUED_MAX / b->burst : 1;
    while (spent < budget_ns) {
        for (unsigned i = 0; i < rounds; i++) {
            publish(b);
            uint64_t start = cpu_ns();
            forward(b);
            spent += cpu_ns() - start;
            packets += (uint64_t)b->n * b->burst;
        }
        drain(b);
    }
    return (double)spent / (double)packets;
}

static double run_once(struct bench *b, uint64_t ns) {
    return b->interval_us > 0 ? run_waiting(b, ns) : run_hot(b, ns);
}

static void bench_open(struct bench *b) {
    if (srtp_library_start_with(library_of(b->cipher)) != ERR_OK)
        die("library");
    struct srtp_keys keys = keys_make(
        b->cipher == SRTP_CM ? SRTP_PROFILE_AES_CM_128_HMAC_SHA1_80 : SRTP_PROFILE_AEAD_AES_128_GCM, 0);
    b->publisher = srtp_session_create(&keys);
    b->from_publisher = srtp_session_create(&keys);
    struct sockaddr_in any;
    b->in_fd = socket_open(&b->in_addr, 0);
    b->publisher_fd = socket_open(&any, 0);
    b->out_fd = socket_open(&any, 0);
    b->receivers = calloc(b->n, sizeof *b->receivers);
    b->slots = calloc((size_t)b->n * b->burst, SLOT_BYTES);
    b->lens = calloc((size_t)b->n * b->burst, sizeof *b->lens);
    if (!b->publisher || !b->from_publisher || !b->receivers || !b->slots || !b->lens)
        die("memory");
    int bytes = 4 << 20;
    (void)setsockopt(b->out_fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes);
    for (unsigned i = 0; i < b->n; i++) {
        b->receivers[i].fd = socket_open(&b->receivers[i].addr, i);
        int on = 1; // as the receivers of conference_bench: the kernel then stamps each datagram
        (void)setsockopt(b->receivers[i].fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof on);
        receiver_open_crypto(b, &b->receivers[i], i);
    }
}

static void bench_close(struct bench *b) {
    for (unsigned i = 0; i < b->n; i++) {
        close(b->receivers[i].fd);
        srtp_session_destroy(b->receivers[i].srtp);
        if (b->receivers[i].raw)
            b->receivers[i].raw->type->dealloc(b->receivers[i].raw);
    }
    srtp_session_destroy(b->publisher);
    srtp_session_destroy(b->from_publisher);
    close(b->in_fd);
    close(b->publisher_fd);
    close(b->out_fd);
    free(b->receivers);
    free(b->slots);
    free(b->lens);
    srtp_library_stop();
}

static int compare(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

// The median of some repeats, for what it stands beside is no minimum either.
static double measure(const struct bench *shape, enum method method, enum cipher cipher, unsigned ms) {
    struct bench *b = malloc(sizeof *b);
    if (!b)
        die("memory");
    *b = *shape;
    b->method = method;
    b->cipher = cipher;
    bench_open(b);
    pthread_t thread;
    if (b->interval_us > 0 && pthread_create(&thread, NULL, world_thread, b) != 0)
        die("thread");
    double ns[REPEATS];
    (void)run_once(b, 1000000u * ms / REPEATS); // warm
    for (int i = 0; i < REPEATS; i++)
        ns[i] = run_once(b, 1000000u * ms / REPEATS);
    qsort(ns, REPEATS, sizeof ns[0], compare);
    atomic_store(&b->over, true);
    if (b->interval_us > 0)
        pthread_join(thread, NULL);
    bench_close(b);
    free(b);
    return ns[REPEATS / 2];
}

static void print_all(const struct bench *shape, unsigned ms) {
    printf("%u receivers, bursts of %u, %u bytes; ns of CPU a forwarded packet\n\n", shape->n, shape->burst,
           shape->bytes);
    double base = measure(shape, SEND_NONE, NONE, ms);
    printf("| cipher | receive, copy, rewrite | crypto |");
    for (int m = SENDTO; m < METHODS; m++)
        printf(" send: %s | total |", method_names[m]);
    printf("\n|---|---|---|---|---|---|---|---|---|\n");
    for (int c = IPSEC_MB; c < CIPHERS; c++) {
        if (!cipher_available((enum cipher)c))
            continue;
        double sealed = measure(shape, SEND_NONE, (enum cipher)c, ms);
        printf("| %s | %.0f | %.0f |", cipher_names[c], base, sealed - base);
        for (int m = SENDTO; m < METHODS; m++) {
            double total = measure(shape, (enum method)m, (enum cipher)c, ms);
            printf(" %.0f | %.0f |", total - sealed, total);
        }
        printf("\n");
        fflush(stdout);
    }
}

static int find(const char *const *names, int count, const char *name) {
    for (int i = 0; i < count; i++)
        if (strcmp(names[i], name) == 0)
            return i;
    fprintf(stderr, "floor_bench: there is no \"%s\"\n", name);
    exit(2);
}

int main(int argc, char **argv) {
    struct bench shape = {.n = 50, .burst = 4, .bytes = 1150};
    unsigned ms = 200;
    int method = -1, cipher = -1;
    for (int option; (option = getopt(argc, argv, "n:b:l:t:s:c:i:")) != -1;) {
        unsigned value = optarg ? (unsigned)strtoul(optarg, NULL, 10) : 0;
        switch (option) {
        case 'n':
            shape.n = value;
            break;
        case 'b':
            shape.burst = value;
            break;
        case 'l':
            shape.bytes = value;
            break;
        case 't':
            ms = value;
            break;
        case 'i':
            shape.interval_us = value;
            break;
        case 's':
            method = find(method_names, METHODS, optarg);
            break;
        case 'c':
            cipher = strcmp(optarg, "best") == 0 ? (cipher_available(IPSEC_MB) ? IPSEC_MB : OPENSSL)
                                                 : find(cipher_names, CIPHERS, optarg);
            break;
        default:
            return 2;
        }
    }
    if (shape.n < 1 || shape.n > RECEIVERS_MAX || shape.burst < 1 || shape.burst > BURST_MAX ||
        shape.bytes < 40 || shape.bytes > 1450 || shape.burst * shape.bytes > 64000 || ms < 5) {
        fprintf(stderr, "floor_bench: 1 to %d receivers, bursts of 1 to %d, 40 to 1450 bytes\n",
                RECEIVERS_MAX, BURST_MAX);
        return 2;
    }
    struct rlimit limit = {.rlim_cur = RECEIVERS_MAX + 64, .rlim_max = RECEIVERS_MAX + 64};
    (void)setrlimit(RLIMIT_NOFILE, &limit);
    if (method < 0 || cipher < 0)
        print_all(&shape, ms);
    else if (cipher_available((enum cipher)cipher))
        printf("%.0f\n", measure(&shape, (enum method)method, (enum cipher)cipher, ms));
    else
        return 1;
    return 0;
}
