#include "tests/kit/siege.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include "base/clock.h"
#include "base/pool.h"
#include "tests/unit/transport/stun_build.h"
#include "transport/demux.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define DEADLINE_US (60 * US_PER_SECOND) // a hang, not a speed limit
#define BURST 32                         // datagrams that a small receive buffer surely holds
#define UNCONFIRMED 512                  // datagrams that a queue between workers surely holds
#define GUEST_IDS UINT32_C(0x60000000)   // far from the hub's

void siege_turn(struct siege *s, int wait_ms) {
    conference_turn(s->conference, wait_ms);
}

void siege_counters(struct siege *s, struct media_counters *out) {
    *out = (struct media_counters){0};
    uint64_t *sum = (uint64_t *)(void *)out;
    for (unsigned w = 0; w < s->workers; w++) {
        struct media_counters one;
        media_read_counters(s->media, w, &one);
        const uint64_t *values = (const uint64_t *)(const void *)&one;
        for (size_t i = 0; i < sizeof one / sizeof *values; i++)
            sum[i] += values[i];
    }
}

static uint64_t published_us(const struct siege *s, unsigned worker) {
    struct media_counters counters;
    media_read_counters(s->media, worker, &counters);
    return counters.published_us;
}

// Until the worker has published anew. A command that concerns nobody makes its loop turn, which publishes
// sooner than an idle one.
static void siege_await_publication(struct siege *s, unsigned worker, uint64_t after_us) {
    static const struct media_cmd wake = {.type = MEDIA_CLOSE_TRANSPORT, .transport = {GUEST_IDS - 1}};
    uint64_t end_us = clock_now_us() + DEADLINE_US;
    while (published_us(s, worker) <= after_us && clock_now_us() < end_us) {
        media_post(s->media, worker, &wake);
        siege_turn(s, 5);
    }
    assert_true(published_us(s, worker) > after_us);
}

// What was sent and posted before has been done by all, and what one worker then gave to another as well:
// each has published twice, with time for turns between.
static void siege_settle(struct siege *s) {
    for (unsigned round = 0; round < 2; round++)
        for (uint64_t w = 0, now_us = clock_now_us(); w < s->workers; w++)
            siege_await_publication(s, (unsigned)w, now_us);
}

void siege_rebase(struct siege *s) {
    siege_settle(s);
    struct media_counters now;
    siege_counters(s, &now);
    memcpy(s->drops, now.drops, sizeof s->drops);
}

struct siege *siege_open(unsigned workers, unsigned participants) {
    struct siege *s = calloc(1, sizeof *s);
    assert_non_null(s);
    assert_true(participants <= sizeof s->heard / sizeof s->heard[0]);
    struct conference_config config = {.workers = workers,
                                       .participants = participants,
                                       .audio_publishers = participants,
                                       .video_publishers = 1,
                                       .participants_per_worker = (participants + workers - 1) / workers};
    s->conference = conference_open(&config);
    assert_non_null(s->conference);
    s->media = conference_media(s->conference);
    s->dtls = dtls_context_create();
    s->workers = workers;
    s->participants = participants;
    s->next_id = GUEST_IDS;
    struct addr server;
    struct sockaddr_storage to;
    assert_int_equal(addr_parse("127.0.0.1", media_port(s->media), &server), ERR_OK);
    socklen_t to_len = addr_to_sockaddr(&server, &to);
    for (unsigned i = 0; i < SIEGE_STRANGERS; i++) {
        s->strangers[i] = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        assert_true(s->strangers[i] >= 0);
        assert_int_equal(connect(s->strangers[i], (struct sockaddr *)&to, to_len), 0);
    }
    uint64_t end_us = clock_now_us() + DEADLINE_US;
    while (!conference_ready(s->conference) && clock_now_us() < end_us)
        siege_turn(s, 5);
    assert_true(conference_ready(s->conference));
    siege_rebase(s);
    return s;
}

void siege_close(struct siege *s) {
    assert_int_equal(conference_unexpected(s->conference), 0);
    assert_int_equal(conference_errors(s->conference), 0);
    for (unsigned i = 0; i < SIEGE_STRANGERS; i++)
        close(s->strangers[i]);
    conference_close(s->conference);
    dtls_context_destroy(s->dtls);
    free(s);
}

// ---- the account

void siege_speak(struct siege *s) {
    conference_send_audio(s->conference, 80);
    conference_send_video(s->conference, 1000, true, true, true);
    for (unsigned i = 0; i < s->participants; i++)
        s->heard[i] += s->participants - 1 + (i != 0);
}

static void siege_hear_answers(struct siege *s) {
    uint8_t answer[2048];
    for (unsigned i = 0; i < SIEGE_STRANGERS; i++)
        for (ssize_t n; (n = recv(s->strangers[i], answer, sizeof answer, 0)) >= 0;)
            s->answer_bytes += (uint64_t)n + 1; // empty ones count too
}

static bool siege_all_is_heard(const struct siege *s) {
    for (unsigned i = 0; i < s->participants; i++)
        if (conference_received(s->conference, i) < s->heard[i])
            return false;
    return true;
}

// Every datagram has come to what it must; in a flood some may have met a full queue between workers instead.
static bool siege_drops_are_right(const struct siege *s, const struct media_counters *now) {
    if (!s->flood)
        return memcmp(now->drops, s->drops, sizeof s->drops) == 0;
    uint64_t sum = 0, expected = 0;
    for (unsigned i = 0; i < MEDIA_DROP_COUNT; i++) {
        sum += now->drops[i];
        expected += s->drops[i];
    }
    return sum == expected;
}

static bool siege_drops_are_wrong_for_good(const struct siege *s, const struct media_counters *now) {
    for (unsigned i = 0; i < MEDIA_DROP_COUNT; i++)
        if (now->drops[i] > s->drops[i] && !(s->flood && i == MEDIA_DROP_HANDOVER_FULL))
            return true;
    return false;
}

void siege_check(struct siege *s) {
    siege_drain(s);
    s->unconfirmed = 0;
    uint64_t end_us = clock_now_us() + DEADLINE_US;
    struct media_counters now;
    bool right = false;
    do {
        siege_turn(s, 5);
        siege_counters(s, &now);
        right = siege_drops_are_right(s, &now) && siege_all_is_heard(s);
        if (siege_drops_are_wrong_for_good(s, &now))
            break;
    } while (!right && clock_now_us() < end_us);
    for (unsigned i = 0; i < MEDIA_DROP_COUNT; i++)
        if (now.drops[i] != s->drops[i] && !right)
            print_error("%s: %lld more than expected\n", media_drop_name((enum media_drop)i),
                        (long long)(now.drops[i] - s->drops[i]));
    assert_true(siege_drops_are_right(s, &now) && !siege_drops_are_wrong_for_good(s, &now));
    memcpy(s->drops, now.drops, sizeof s->drops); // the same, but in a flood
    for (unsigned i = 0; i < s->participants; i++)
        assert_int_equal(conference_received(s->conference, i), s->heard[i]);
    siege_hear_answers(s);
    assert_int_equal(s->answer_bytes, 0);
}

void siege_expect(struct siege *s, enum media_drop drop, uint64_t count) {
    if (drop != SIEGE_IGNORED)
        s->drops[drop] += count;
}

// What waits in the kernel for the workers' sockets.
static unsigned long port_queue_bytes(uint16_t port) {
    FILE *table = fopen("/proc/net/udp", "r");
    assert_non_null(table);
    char line[256];
    unsigned long sum = 0;
    while (fgets(line, sizeof line, table)) {
        unsigned local_port, remote_port;
        unsigned long tx, rx;
        if (sscanf(line, " %*d: %*x:%x %*x:%x %*x %lx:%lx", &local_port, &remote_port, &tx, &rx) == 4 &&
            local_port == port)
            sum += rx;
    }
    fclose(table);
    return sum;
}

void siege_drain(struct siege *s) {
    uint64_t end_us = clock_now_us() + DEADLINE_US;
    while (port_queue_bytes(media_port(s->media)) > 0 && clock_now_us() < end_us)
        siege_turn(s, 0);
    s->burst = 0;
}

static void siege_pace(struct siege *s) {
    if (++s->burst >= BURST)
        siege_drain(s);
    if (++s->unconfirmed >= UNCONFIRMED && !s->flood)
        siege_check(s);
}

// ---- strangers

void siege_stranger_sends(struct siege *s, unsigned stranger, const void *bytes, size_t len,
                          enum media_drop drop) {
    ssize_t n = send(s->strangers[stranger], bytes, len, 0);
    assert_int_equal(n, len);
    s->sent++;
    s->sent_bytes += len;
    siege_expect(s, drop, 1);
    siege_pace(s);
}

enum media_drop siege_drop_of_stranger(const void *bytes, size_t len) {
    if (len > BLOCK_DATAGRAM_MAX)
        return MEDIA_DROP_TOO_LONG;
    switch (datagram_kind(span_of(bytes, len))) {
    case DATAGRAM_STUN:
        return MEDIA_DROP_STUN_MALFORMED;
    case DATAGRAM_UNKNOWN:
        return MEDIA_DROP_UNKNOWN_KIND;
    default:
        return MEDIA_DROP_UNVALIDATED_TUPLE;
    }
}

void siege_build_check(struct stun_build *b, const char *ufrag, const char *pwd) {
    char username[64];
    snprintf(username, sizeof username, "%s:visitor", ufrag);
    stun_begin(b, STUN_REQUEST_TYPE);
    stun_attr(b, ATTR_USERNAME, username, strlen(username));
    stun_attr_u32(b, ATTR_PRIORITY, 1845501695);
    stun_attr_u64(b, ATTR_ICE_CONTROLLING, 0x1122334455667788);
    stun_attr(b, ATTR_USE_CANDIDATE, NULL, 0);
    stun_integrity(b, span_of(pwd, strlen(pwd)));
    stun_fingerprint(b);
}

// ---- guests

void siege_post(struct siege *s, unsigned worker, const struct media_cmd *cmd) {
    while (!media_post(s->media, worker, cmd))
        siege_turn(s, 1);
}

static struct fingerprint fingerprint_of_text(const char *text) {
    struct fingerprint f = {.hash = FINGERPRINT_SHA256};
    for (; *text; text += text[2] ? 3 : 2)
        f.bytes[f.len++] = (uint8_t)strtoul(text, NULL, 16);
    assert_int_equal(f.len, 32);
    return f;
}

static void guest_on_rtp(void *ctx, struct span packet) {
    (void)packet;
    ((struct guest *)ctx)->rtp++;
}

static void guest_on_rtcp(void *ctx, struct span datagram) {
    (void)datagram;
    ((struct guest *)ctx)->rtcp++;
}

void guest_open(struct siege *s, unsigned worker, struct guest *guest) {
    *guest = (struct guest){.siege = s, .id = {s->next_id++}, .worker = worker};
    ice_credentials_make(worker, &guest->ice);
    struct media_cmd open = {.type = MEDIA_OPEN_TRANSPORT, .transport = guest->id, .ice = guest->ice};
    struct media_cmd connect_cmd = {
        .type = MEDIA_CONNECT_TRANSPORT,
        .transport = guest->id,
        .connect = {DTLS_ROLE_CLIENT, fingerprint_of_text(dtls_context_fingerprint(s->dtls))}};
    siege_post(s, worker, &open);
    siege_post(s, worker, &connect_cmd);
}

void guest_start(struct guest *guest) {
    struct siege *s = guest->siege;
    struct media_peer_config config = {
        .dtls = s->dtls,
        .server_ip = "127.0.0.1",
        .server_port = media_port(s->media),
        .server = guest->ice,
        .server_fingerprint = fingerprint_of_text(media_fingerprint_sha256(s->media)),
        .ctx = guest,
        .on_rtp = guest_on_rtp,
        .on_rtcp = guest_on_rtcp,
    };
    guest->peer = media_peer_open(&config, clock_now_us());
    assert_non_null(guest->peer);
}

void guest_arrive(struct guest *guest) {
    struct siege *s = guest->siege;
    siege_check(s);
    guest_start(guest);
    uint64_t end_us = clock_now_us() + DEADLINE_US;
    while (!media_peer_connected(guest->peer) && clock_now_us() < end_us) {
        siege_turn(s, 1);
        media_peer_poll(guest->peer, clock_now_us());
    }
    assert_true(media_peer_connected(guest->peer));
    siege_rebase(s); // an arrival is no attack; a repeated flight may have been dropped
}

void guest_close(struct guest *guest) {
    struct media_cmd cmd = {.type = MEDIA_CLOSE_TRANSPORT, .transport = guest->id};
    siege_post(guest->siege, guest->worker, &cmd);
    media_peer_close(guest->peer);
    guest->peer = NULL;
}

void guest_produce(struct guest *guest, uint32_t ssrc, const char *mid, uint32_t producer) {
    struct media_cmd cmd = {.type = MEDIA_OPEN_PRODUCER, .transport = guest->id, .producer = {producer}};
    struct producer_params *p = &cmd.open_producer.params;
    *p = (struct producer_params){.kind = MEDIA_AUDIO,
                                  .codec = CODEC_OPUS,
                                  .payload_type = 111,
                                  .rtx_payload_type = PAYLOAD_TYPE_NONE,
                                  .clock_rate = 48000,
                                  .stream_count = 1,
                                  .spatial_layers = 1,
                                  .temporal_layers = 1};
    p->streams[0].ssrc = ssrc;
    snprintf(p->mid, sizeof p->mid, "%s", mid);
    p->ext.ids[EXT_MID] = 1;
    siege_post(guest->siege, guest->worker, &cmd);
    siege_settle(guest->siege);
}

void guest_consume(struct guest *guest, uint32_t producer, uint32_t consumer, uint32_t ssrc) {
    struct media_cmd cmd = {
        .type = MEDIA_OPEN_CONSUMER, .transport = guest->id, .producer = {producer}, .consumer = {consumer}};
    cmd.open_consumer.params = (struct consumer_params){.kind = MEDIA_AUDIO,
                                                        .payload_type = 111,
                                                        .rtx_payload_type = PAYLOAD_TYPE_NONE,
                                                        .clock_rate = 48000,
                                                        .ssrc = ssrc,
                                                        .mid = "0",
                                                        .cname = "guest"};
    siege_post(guest->siege, guest->worker, &cmd);
    siege_settle(guest->siege);
}

void guest_sends(struct guest *guest, const void *bytes, size_t len, enum media_drop drop) {
    media_peer_send_raw(guest->peer, span_of(bytes, len));
    siege_expect(guest->siege, drop, 1);
    siege_pace(guest->siege);
}

void guest_sends_rtp(struct guest *guest, const void *bytes, size_t len, enum media_drop drop) {
    uint8_t packet[2048];
    size_t protected_len = media_peer_protect(guest->peer, false, span_of(bytes, len), packet);
    assert_true(protected_len > len);
    guest_sends(guest, packet, protected_len, drop);
}

void guest_sends_rtcp(struct guest *guest, const void *bytes, size_t len, enum media_drop drop) {
    uint8_t packet[2048];
    size_t protected_len = media_peer_protect(guest->peer, true, span_of(bytes, len), packet);
    assert_true(protected_len > len);
    guest_sends(guest, packet, protected_len, drop);
}

uint64_t resident_bytes(void) {
    FILE *f = fopen("/proc/self/statm", "r");
    unsigned long long pages = 0;
    assert_non_null(f);
    assert_int_equal(fscanf(f, "%*u %llu", &pages), 1);
    fclose(f);
    return pages * (uint64_t)sysconf(_SC_PAGESIZE);
}
