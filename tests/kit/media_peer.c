#include "tests/kit/media_peer.h"

#include "base/bytes.h"
#include "base/clock.h"
#include "base/entropy.h"
#include "base/addr.h"
#include "base/seq.h"
#include "transport/demux.h"
#include "transport/srtp.h"

#include <stun/stunagent.h>
#include <stun/usages/ice.h>

#include <fcntl.h>
#include <linux/filter.h>
#include <linux/sock_diag.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PACKET_MAX 2048
#define SKIM_BATCH 64
#define PEER_STREAMS 64 // that are sent at a time
#define ASKERS_MAX 8
#define CHECK_CONSENT_US (2500 * US_PER_MS)

static const uint16_t known_attributes[] = {STUN_ATTRIBUTE_USERNAME,
                                            STUN_ATTRIBUTE_MESSAGE_INTEGRITY,
                                            STUN_ATTRIBUTE_ERROR_CODE,
                                            STUN_ATTRIBUTE_PRIORITY,
                                            STUN_ATTRIBUTE_USE_CANDIDATE,
                                            STUN_ATTRIBUTE_ICE_CONTROLLING,
                                            STUN_ATTRIBUTE_ICE_CONTROLLED,
                                            STUN_ATTRIBUTE_XOR_MAPPED_ADDRESS,
                                            STUN_ATTRIBUTE_UNKNOWN_ATTRIBUTES,
                                            STUN_ATTRIBUTE_FINGERPRINT,
                                            0};

struct peer_stream {
    bool used;
    uint32_t ssrc;
    uint64_t last; // index
};

struct media_peer {
    struct media_peer_config config;
    struct addr server;
    int fd;
    StunAgent stun;
    char username[ICE_UFRAG_BYTES + 8];
    uint64_t check_us;
    uint64_t tie;
    struct dtls *dtls;
    bool skims, counts;
    struct srtp_session *srtp;
    struct peer_stream streams[PEER_STREAMS];
    unsigned stream_next;
    uint64_t arrival_ns;
    bool no_stun_answers, no_reports;
    struct asker { // an RRTR to be repeated; ssrc 0: none
        uint32_t ssrc, time;
        uint64_t due_us;
    } askers[ASKERS_MAX];
};

static void peer_send_datagram(struct media_peer *peer, const void *bytes, size_t len) {
    ssize_t n = send(peer->fd, bytes, len, 0);
    (void)n; // a full socket is a lossy network
}

static void peer_dtls_send(void *ctx, struct span datagram) {
    peer_send_datagram(ctx, datagram.ptr, datagram.len);
}

static bool peer_open_socket(struct media_peer *peer) {
    struct sockaddr_storage to;
    socklen_t len = addr_to_sockaddr(&peer->server, &to);
    peer->fd = socket(to.ss_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int bytes = 1024 * 1024;
    setsockopt(peer->fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
    int on = 1;
    setsockopt(peer->fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof on);
    return peer->fd >= 0 && connect(peer->fd, (struct sockaddr *)&to, len) == 0;
}

static void peer_check(struct media_peer *peer, uint64_t now_us) {
    StunMessage message;
    uint8_t packet[512];
    size_t len = stun_usage_ice_conncheck_create(
        &peer->stun, &message, packet, sizeof packet, (const uint8_t *)peer->username, strlen(peer->username),
        (const uint8_t *)peer->config.server.pwd, strlen(peer->config.server.pwd), true, true, 1845501695,
        peer->tie, NULL, STUN_USAGE_ICE_COMPATIBILITY_RFC5245);
    StunTransactionId id;
    stun_message_id(&message, id);
    stun_agent_forget_transaction(&peer->stun, id); // answers are not waited for: DTLS tells
    peer_send_datagram(peer, packet, len);
    peer->check_us = now_us + (peer->srtp ? CHECK_CONSENT_US : MEDIA_PEER_CHECK_US);
}

struct media_peer *media_peer_open(const struct media_peer_config *config, uint64_t now_us) {
    struct media_peer *peer = calloc(1, sizeof *peer);
    if (!peer)
        return NULL;
    peer->config = *config;
    peer->fd = -1;
    peer->tie = entropy_u64();
    snprintf(peer->username, sizeof peer->username, "%s:peer", config->server.ufrag);
    stun_agent_init(&peer->stun, known_attributes, STUN_COMPATIBILITY_RFC5389,
                    STUN_AGENT_USAGE_SHORT_TERM_CREDENTIALS | STUN_AGENT_USAGE_USE_FINGERPRINT);
    struct dtls_output output = {.ctx = peer, .send = peer_dtls_send};
    peer->dtls = dtls_create(config->dtls, &output);
    if (addr_parse(config->server_ip, config->server_port, &peer->server) != ERR_OK ||
        !peer_open_socket(peer) || !peer->dtls ||
        dtls_connect(peer->dtls, DTLS_ROLE_SERVER, &config->server_fingerprint) != ERR_OK) {
        media_peer_close(peer);
        return NULL;
    }
    peer_check(peer, now_us);
    dtls_start(peer->dtls, now_us); // right behind the check
    return peer;
}

void media_peer_close(struct media_peer *peer) {
    if (!peer)
        return;
    srtp_session_destroy(peer->srtp);
    dtls_destroy(peer->dtls);
    if (peer->fd >= 0)
        close(peer->fd);
    free(peer);
}

int media_peer_fd(const struct media_peer *peer) {
    return peer->fd;
}

bool media_peer_connected(const struct media_peer *peer) {
    return peer->srtp != NULL;
}

static void peer_look_for_keys(struct media_peer *peer) {
    struct srtp_keys keys;
    if (!peer->srtp && dtls_get_state(peer->dtls) == DTLS_CONNECTED &&
        dtls_export_keys(peer->dtls, &keys) == ERR_OK)
        peer->srtp = srtp_session_create(&keys);
}

// ---- what browsers answer

// RFC 8489, section 6.3.1: a request without credentials.
static void peer_answer_stun(struct media_peer *peer, struct span request) {
    uint8_t answer[36] = {1, 0x11, 0, 16};
    static const uint8_t error[] = {0, 9, 0, 12, 0, 0, 4, 0, 'B', 'a', 'd', ' ', 'a', 's', 'k', ' '};
    if (peer->no_stun_answers || load_be16(request.ptr) != 1)
        return;
    memcpy(answer + 4, request.ptr + 4, 16);
    memcpy(answer + 20, error, sizeof error);
    peer_send_datagram(peer, answer, sizeof answer);
}

static void peer_note_rrtr(struct media_peer *peer, struct span datagram, uint64_t now_us) {
    const uint8_t *p = datagram.ptr;
    if (peer->no_reports || datagram.len != 20 || p[1] != 207 || p[8] != 4)
        return;
    struct asker *free_one = NULL;
    for (struct asker *a = peer->askers; a < peer->askers + ASKERS_MAX; a++)
        if (a->ssrc == load_be32(p + 4) || (a->ssrc == 0 && !free_one))
            free_one = a;
    if (free_one)
        *free_one =
            (struct asker){.ssrc = load_be32(p + 4),
                           .time = load_be32(p + 14),
                           .due_us = free_one->ssrc ? free_one->due_us : now_us + MEDIA_PEER_REPORT_US};
}

static void peer_report_times(struct media_peer *peer, uint64_t now_us) {
    for (struct asker *a = peer->askers; a < peer->askers + ASKERS_MAX; a++) {
        if (a->ssrc == 0 || now_us < a->due_us)
            continue;
        uint8_t dlrr[24] = {0x80, 207, 0, 5, 0, 0, 0, 9, 5, 0, 0, 3};
        store_be32(dlrr + 12, a->ssrc);
        store_be32(dlrr + 16, a->time);
        media_peer_send_rtcp(peer, span_of(dlrr, sizeof dlrr));
        a->ssrc = 0;
    }
}

void media_peer_answer(struct media_peer *peer, bool by_stun, bool in_reports) {
    peer->no_stun_answers = !by_stun;
    peer->no_reports = !in_reports;
}

static void peer_datagram(struct media_peer *peer, uint8_t *packet, size_t len, uint64_t now_us) {
    switch (datagram_kind(span_of(packet, len))) {
    case DATAGRAM_STUN:
        peer_answer_stun(peer, span_of(packet, len));
        break;
    case DATAGRAM_DTLS:
        dtls_input(peer->dtls, span_of(packet, len), now_us);
        peer_look_for_keys(peer);
        break;
    case DATAGRAM_RTP:
        if (peer->srtp && srtp_session_unprotect_rtp(peer->srtp, packet, &len) == ERR_OK &&
            peer->config.on_rtp)
            peer->config.on_rtp(peer->config.ctx, span_of(packet, len));
        break;
    case DATAGRAM_RTCP:
        if (!peer->srtp || srtp_session_unprotect_rtcp(peer->srtp, packet, &len) != ERR_OK)
            break;
        peer_note_rrtr(peer, span_of(packet, len), now_us);
        if (peer->config.on_rtcp)
            peer->config.on_rtcp(peer->config.ctx, span_of(packet, len));
        break;
    default:
        break;
    }
}

uint64_t media_peer_arrival_ns(const struct media_peer *peer) {
    return peer->arrival_ns;
}

static ssize_t peer_receive(struct media_peer *peer, uint8_t *packet, size_t cap) {
    _Alignas(struct cmsghdr) uint8_t control[CMSG_SPACE(sizeof(struct timespec))];
    struct iovec iov = {.iov_base = packet, .iov_len = cap};
    struct msghdr header = {
        .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
    ssize_t n = recvmsg(peer->fd, &header, 0);
    struct cmsghdr *c = n > 0 ? CMSG_FIRSTHDR(&header) : NULL;
    if (c && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_TIMESTAMPNS) {
        struct timespec t;
        memcpy(&t, CMSG_DATA(c), sizeof t);
        peer->arrival_ns = (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
    }
    return n;
}

// Reads what waits, many datagrams a call, and keeps of each only what tells its kind; RTP is thrown away.
static void peer_skim(struct media_peer *peer, uint64_t now_us) {
    static uint8_t packets[SKIM_BATCH][PACKET_MAX];
    struct mmsghdr headers[SKIM_BATCH];
    struct iovec iovecs[SKIM_BATCH];
    int n;
    do {
        for (unsigned i = 0; i < SKIM_BATCH; i++) {
            iovecs[i] = (struct iovec){.iov_base = packets[i], .iov_len = PACKET_MAX};
            headers[i].msg_hdr = (struct msghdr){.msg_iov = &iovecs[i], .msg_iovlen = 1};
        }
        n = recvmmsg(peer->fd, headers, SKIM_BATCH, 0, NULL);
        for (int i = 0; i < n; i++) {
            struct span datagram = span_of(packets[i], headers[i].msg_len);
            if (datagram_kind(datagram) != DATAGRAM_RTP)
                peer_datagram(peer, packets[i], headers[i].msg_len, now_us);
            else if (peer->counts && peer->config.on_sealed_rtp)
                peer->config.on_sealed_rtp(peer->config.ctx, datagram);
        }
    } while (n == SKIM_BATCH);
}

void media_peer_listen(struct media_peer *peer, bool listen) {
    peer->skims = !listen;
}

void media_peer_count(struct media_peer *peer) {
    int bytes = 4 << 20;
    setsockopt(peer->fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
    peer->skims = peer->counts = true;
}

void media_peer_deafen(struct media_peer *peer) {
    // The first byte behind the UDP header is 128..191 for RTP and RTCP (RFC 7983, section 7).
    struct sock_filter code[] = {{BPF_LD | BPF_B | BPF_ABS, 0, 0, 8},
                                 {BPF_JMP | BPF_JGE | BPF_K, 0, 2, 128},
                                 {BPF_JMP | BPF_JGE | BPF_K, 1, 0, 192},
                                 {BPF_RET | BPF_K, 0, 0, 0},
                                 {BPF_RET | BPF_K, 0, 0, UINT32_MAX}};
    struct sock_fprog program = {.len = sizeof code / sizeof *code, .filter = code};
    setsockopt(peer->fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program);
    peer->skims = true;
}

uint32_t media_peer_overflowed(const struct media_peer *peer) {
    uint32_t info[SK_MEMINFO_VARS] = {0};
    socklen_t len = sizeof info;
    (void)getsockopt(peer->fd, SOL_SOCKET, SO_MEMINFO, info, &len);
    return info[SK_MEMINFO_DROPS];
}

void media_peer_poll(struct media_peer *peer, uint64_t now_us) {
    uint8_t packet[PACKET_MAX];
    if (peer->skims)
        peer_skim(peer, now_us);
    for (ssize_t n; !peer->skims && (n = peer_receive(peer, packet, sizeof packet)) > 0;)
        peer_datagram(peer, packet, (size_t)n, now_us);
    if (now_us >= dtls_next_us(peer->dtls))
        dtls_advance(peer->dtls, now_us);
    if (now_us >= peer->check_us)
        peer_check(peer, now_us);
    peer_report_times(peer, now_us);
}

// The index of a packet of which its maker knows 16 bits: the nearest to the last of its SSRC.
static uint64_t peer_index(struct media_peer *peer, const uint8_t *packet) {
    uint32_t ssrc = load_be32(packet + 8);
    uint16_t seq = load_be16(packet + 2);
    for (unsigned i = 0; i < PEER_STREAMS; i++) {
        struct peer_stream *s = &peer->streams[i];
        if (s->ssrc == ssrc && s->used)
            return s->last = seq16_unwrap(s->last, seq);
    }
    peer->streams[peer->stream_next++ % PEER_STREAMS] = (struct peer_stream){true, ssrc, seq};
    return seq;
}

size_t media_peer_protect(struct media_peer *peer, bool rtcp, struct span plain, uint8_t *out) {
    size_t len = plain.len;
    if (!peer->srtp || len > MEDIA_PEER_PROTECT_MAX)
        return 0;
    memcpy(out, plain.ptr, len);
    enum err err = rtcp ? srtp_session_protect_rtcp(peer->srtp, out, &len)
                        : srtp_session_protect_rtp(peer->srtp, out, &len, peer_index(peer, out));
    return err == ERR_OK ? len : 0;
}

void media_peer_send_raw(struct media_peer *peer, struct span datagram) {
    peer_send_datagram(peer, datagram.ptr, datagram.len);
}

void media_peer_send_rtp(struct media_peer *peer, struct span s) {
    uint8_t packet[PACKET_MAX];
    size_t len = s.len;
    if (!peer->srtp || len > 1200)
        return;
    memcpy(packet, s.ptr, len);
    if (srtp_session_protect_rtp(peer->srtp, packet, &len, peer_index(peer, packet)) == ERR_OK)
        peer_send_datagram(peer, packet, len);
}

void media_peer_send_rtcp(struct media_peer *peer, struct span s) {
    uint8_t packet[PACKET_MAX];
    size_t len = s.len;
    if (!peer->srtp || len > 1200)
        return;
    memcpy(packet, s.ptr, len);
    if (srtp_session_protect_rtcp(peer->srtp, packet, &len) == ERR_OK)
        peer_send_datagram(peer, packet, len);
}

bool media_peer_move(struct media_peer *peer, uint64_t now_us) {
    close(peer->fd);
    if (!peer_open_socket(peer))
        return false;
    peer_check(peer, now_us);
    return true;
}
