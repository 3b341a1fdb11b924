// What a packet costs in instructions: a room in which everybody sends sound and video to everybody, on a
// virtual clock, so that each run does the same. Without sockets' waiting and the kernel, with all else that
// a worker does for a packet: decrypting, forwarding, timers, encrypting, queueing and gathering, and what
// receivers say of it.
//
//   build/tests/price_bench [PEOPLE] [SECONDS] [ACKNOWLEDGED]
//
// ACKNOWLEDGED 1: receivers tell each 50 ms that everything has come, as browsers do on links that are not
// full. The first ten seconds do not count. Says how many packets the others forwarded. To be run by
// tests/bench/price under callgrind, which counts what happens in counted_turn, but not in uncounted_hear. It
// builds against servers of before congestion control, too, so that they can be compared.
#include "base/bytes.h"
#include "base/clock.h"
#include "rooms/media/forwarder.h"
#include "rtp/rtcp_write.h"
#include "rtp/rtp_ext.h"
#include "rtp/twcc.h"
#include "transport/srtp.h"
#include "transport/udp_port.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#if __has_include("rtp/cc/bandwidth.h")
#define FLUSH(port, now_us) udp_port_flush(port, now_us)
#else
#define FLUSH(port, now_us) udp_port_flush(port)
#endif

#define PEOPLE_MAX 64
#define TURN_US 500
#define WARM_US (10 * US_PER_SECOND)
#define ACK_US 50000
#define WAY_US 20000 // from the server to a receiver, and back
#define AUDIO_SSRC(person) (1000 + (uint32_t)(person))
#define VIDEO_SSRC(person) (3000 + (uint32_t)(person))
#define AUDIO_BYTES 80
#define VIDEO_BYTES 1050

struct person {
    struct endpoint *send, *recv;
    struct srtp_session *send_server, *send_client, *recv_server, *recv_client;
    struct tuple to;
    struct twcc_recorder *twcc;
    uint16_t audio_seq, video_seq;
    uint64_t audio_us, video_us; // when the next one is due
    struct {
        uint32_t ssrc;
        uint16_t seq;
    } heard[2 * PEOPLE_MAX];
    unsigned heard_count;
};

struct bench {
    struct pool *pool;
    struct wheel wheel;
    struct udp_port *port;
    struct forwarder *fw;
    struct ext_map ext;
    uint64_t now_us, sent;
    unsigned people;
    bool acknowledged, counts;
    struct person persons[PEOPLE_MAX];
};

static void need(bool there) {
    if (!there)
        exit(1);
}

// ---- the server's side

static bool deliver(void *ctx, void *peer, struct block *block, enum media_kind kind, uint64_t index) {
    struct bench *b = ctx;
    struct person *p = peer;
    size_t len = block->len;
    b->sent++;
    need(srtp_session_protect_rtp(p->recv_server, block_data(block), &len, index) == ERR_OK);
    block->len = (uint16_t)len;
    (void)udp_port_queue(b->port, &p->to, block, kind == MEDIA_VIDEO ? UDP_DROP_FIRST : UDP_KEEP);
    return true;
}

static void deliver_again(void *ctx, void *peer, struct block *block, enum media_kind kind) {
    (void)ctx, (void)peer, (void)kind;
    block_release(block);
}

static void deliver_rtcp(void *ctx, void *peer, struct span datagram) {
    struct bench *b = ctx;
    struct person *p = peer;
    uint8_t bytes[RTCP_DATAGRAM_MAX + SRTCP_TRAILER_MAX];
    size_t len = datagram.len;
    memcpy(bytes, datagram.ptr, len);
    if (srtp_session_protect_rtcp(p->recv_server, bytes, &len) == ERR_OK)
        (void)udp_port_queue_bytes(b->port, &p->to, span_of(bytes, len));
}

static bool ignore_event(void *ctx, const struct media_event *event) {
    (void)ctx, (void)event;
    return true;
}

static void ignore_forget(void *ctx, void *peer, uint32_t ssrc, bool sent) {
    (void)ctx, (void)peer, (void)ssrc, (void)sent;
}

// Datagrams of a turn, as they come: media that somebody sends, or what a receiver says.
struct arrival {
    struct block *block;
    struct person *from;
    bool rtcp;
};
#define ARRIVALS_MAX 1024

static void turn(struct bench *b, const struct arrival *list, unsigned count) {
    for (unsigned i = 0; i < count; i++) {
        struct block *block = list[i].block;
        size_t len = block->len;
        if (list[i].rtcp) {
            need(srtp_session_unprotect_rtcp(list[i].from->recv_server, block_data(block), &len) == ERR_OK);
            (void)forwarder_rtcp(b->fw, list[i].from->recv, span_of(block_data(block), len), b->now_us);
            block_release(block);
            continue;
        }
        need(srtp_session_unprotect_rtp(list[i].from->send_server, block_data(block), &len) == ERR_OK);
        block->len = (uint16_t)len;
        (void)forwarder_rtp(b->fw, list[i].from->send, block, b->now_us);
    }
    wheel_advance(&b->wheel, b->now_us);
    forwarder_flush(b->fw);
    FLUSH(b->port, b->now_us);
}

// Two names for the same, so that callgrind can be told what counts.
static __attribute__((noinline)) void warming_turn(struct bench *b, const struct arrival *list,
                                                   unsigned count) {
    turn(b, list, count);
}
static __attribute__((noinline)) void counted_turn(struct bench *b, const struct arrival *list,
                                                   unsigned count) {
    turn(b, list, count);
}

// ---- the browsers' side

static void protect(struct arrival *a, struct srtp_session *session) {
    size_t len = a->block->len;
    need((a->rtcp ? srtp_session_protect_rtcp(session, block_data(a->block), &len)
                  : srtp_session_protect_rtp(session, block_data(a->block), &len,
                                             load_be16(block_data(a->block) + 2))) == ERR_OK);
    a->block->len = (uint16_t)len;
}

static struct arrival packet(struct bench *b, struct person *p, bool video, unsigned part, bool key) {
    struct arrival a = {.block = pool_take(b->pool), .from = p};
    need(a.block != NULL);
    unsigned person = (unsigned)(p - b->persons);
    struct writer w = writer_of(block_data(a.block), BLOCK_DATAGRAM_MAX);
    write_u8(&w, 0x80);
    write_u8(&w, (uint8_t)(video ? (part == 3) << 7 | 96 : 111));
    write_u16(&w, video ? p->video_seq++ : p->audio_seq++);
    write_u32(&w, (uint32_t)(video ? p->video_us / 100 * 9 : p->audio_us / 1000 * 48));
    write_u32(&w, video ? VIDEO_SSRC(person) : AUDIO_SSRC(person));
    if (video) {
        write_u8(&w, part == 0 ? 0x10 : 0x00); // RFC 7741: S bit, partition 0
        write_u8(&w, key ? 0x00 : 0x01);
    }
    write_zeros(&w, video ? VIDEO_BYTES - 2 + part / 2 : AUDIO_BYTES);
    a.block->len = (uint16_t)w.len;
    protect(&a, p->send_client);
    return a;
}

static struct arrival saying(struct bench *b, struct person *p) {
    struct arrival a = {.block = pool_take(b->pool), .from = p, .rtcp = true};
    need(a.block != NULL);
    return a;
}

// What a browser says each second.
static unsigned report(struct bench *b, struct person *p, struct arrival *out) {
    unsigned n = 0;
    for (unsigned first = 0; first < p->heard_count; first += RTCP_REPORTS_MAX) {
        struct rtcp_report reports[RTCP_REPORTS_MAX] = {0};
        unsigned count =
            p->heard_count - first < RTCP_REPORTS_MAX ? p->heard_count - first : RTCP_REPORTS_MAX;
        for (unsigned i = 0; i < count; i++)
            reports[i] = (struct rtcp_report){.ssrc = p->heard[first + i].ssrc,
                                              .highest_seq = p->heard[first + i].seq};
        out[n] = saying(b, p);
        struct writer w = writer_of(block_data(out[n].block), RTCP_DATAGRAM_MAX);
        rtcp_write_rr(&w, 1, reports, count);
        out[n].block->len = (uint16_t)w.len;
        protect(&out[n++], p->recv_client);
    }
    return n;
}

static unsigned acknowledge(struct bench *b, struct person *p, struct arrival *out) {
    unsigned n = 0;
    for (;;) {
        struct arrival a = saying(b, p);
        struct writer w = writer_of(block_data(a.block), RTCP_DATAGRAM_MAX);
        if (!twcc_recorder_write(p->twcc, &w, 1, p->heard_count ? p->heard[0].ssrc : 2, b->now_us)) {
            block_release(a.block);
            return n;
        }
        a.block->len = (uint16_t)w.len;
        out[n] = a;
        protect(&out[n++], p->recv_client);
    }
}

// A receiver reads the header of what was sent to it, before it is encrypted.
static void hear(struct bench *b, struct person *p, struct block *block) {
    struct rtp_packet packet;
    struct rtp_ext_values values;
    uint16_t number;
    need(rtp_parse(span_of(block_data(block), block->len), &packet) == ERR_OK);
    rtp_ext_read(&packet, &b->ext, &values);
    if (b->acknowledged && rtp_ext_transport_seq(&values, &number))
        twcc_recorder_add(p->twcc, number, b->now_us + WAY_US);
    unsigned i = 0;
    while (i < p->heard_count && p->heard[i].ssrc != packet.ssrc)
        i++;
    if (i == p->heard_count && i < 2 * PEOPLE_MAX)
        p->heard[p->heard_count++].ssrc = packet.ssrc;
    if (i < 2 * PEOPLE_MAX)
        p->heard[i].seq = packet.seq;
}

// What happens in here is the browser's, and does not count.
static __attribute__((noinline)) void uncounted_hear(struct bench *b, struct person *p, struct block *block) {
    hear(b, p, block);
}

static bool deliver_and_hear(void *ctx, void *peer, struct block *block, enum media_kind kind,
                             uint64_t index) {
    (((struct bench *)ctx)->counts ? uncounted_hear : hear)(ctx, peer, block);
    return deliver(ctx, peer, block, kind, index);
}

// ---- the room

static struct srtp_session *session(uint8_t local, uint8_t remote) {
    struct srtp_keys keys = {.profile = SRTP_PROFILE_AEAD_AES_128_GCM, .len = 28};
    memset(keys.local, local, keys.len);
    memset(keys.remote, remote, keys.len);
    struct srtp_session *made = srtp_session_create(&keys);
    need(made != NULL);
    return made;
}

static void open_producer(struct bench *b, unsigned person, bool video) {
    struct media_cmd cmd = {
        .type = MEDIA_OPEN_PRODUCER, .transport = {1 + person}, .producer = {1 + 2 * person + video}};
    cmd.open_producer.params = (struct producer_params){.kind = video ? MEDIA_VIDEO : MEDIA_AUDIO,
                                                        .codec = video ? CODEC_VP8 : CODEC_OPUS,
                                                        .payload_type = video ? 96 : 111,
                                                        .rtx_payload_type = video ? 97 : PAYLOAD_TYPE_NONE,
                                                        .clock_rate = video ? 90000 : 48000,
                                                        .stream_count = 1,
                                                        .nack = video,
                                                        .pli = video};
    cmd.open_producer.params.streams[0].ssrc = video ? VIDEO_SSRC(person) : AUDIO_SSRC(person);
    forwarder_command(b->fw, &cmd, b->now_us);
}

static void open_consumer(struct bench *b, unsigned person, unsigned from, bool video) {
    uint32_t id = 1 + (person * PEOPLE_MAX + from) * 2 + video;
    struct media_cmd cmd = {.type = MEDIA_OPEN_CONSUMER,
                            .transport = {1 + PEOPLE_MAX + person},
                            .producer = {1 + 2 * from + video},
                            .consumer = {id}};
    cmd.open_consumer.params = (struct consumer_params){.kind = video ? MEDIA_VIDEO : MEDIA_AUDIO,
                                                        .payload_type = video ? 101 : 100,
                                                        .rtx_payload_type = video ? 102 : PAYLOAD_TYPE_NONE,
                                                        .clock_rate = video ? 90000 : 48000,
                                                        .ssrc = 100000 + 2 * id,
                                                        .rtx_ssrc = video ? 100001 + 2 * id : 0,
                                                        .cname = "bench",
                                                        .nack = video,
                                                        .pli = video};
    struct consumer_params *params = &cmd.open_consumer.params;
    snprintf(params->mid, sizeof params->mid, "%u", id);
    const enum media_ext exts[] = {EXT_MID, EXT_ABS_SEND_TIME, EXT_TRANSPORT_CC};
    for (size_t i = 0; i < sizeof exts / sizeof *exts; i++)
        params->ext.ids[exts[i]] = EXT_ROUTER_ID(exts[i]);
    forwarder_command(b->fw, &cmd, b->now_us);
}

static void open_person(struct bench *b, unsigned i) {
    struct person *p = &b->persons[i];
    *p = (struct person){.send_server = session(1, 2),
                         .send_client = session(2, 1),
                         .recv_server = session(3, 4),
                         .recv_client = session(4, 3),
                         .twcc = twcc_recorder_create(),
                         .audio_us = b->now_us + i * 7919u % 20000,
                         .video_us = b->now_us + i * 7919u % 33333};
    // The discard port: nobody reads there, and the kernel's part does not count.
    need(addr_parse("127.0.0.1", (uint16_t)(20000 + i), &p->to.remote) == ERR_OK && p->twcc);
    p->to.protocol = 1;
    p->send = forwarder_open_endpoint(b->fw, (struct transport_id){1 + i}, p);
    p->recv = forwarder_open_endpoint(b->fw, (struct transport_id){1 + PEOPLE_MAX + i}, p);
    need(p->send && p->recv);
    forwarder_endpoint_connected(b->fw, p->send, b->now_us);
    forwarder_endpoint_connected(b->fw, p->recv, b->now_us);
}

static void open_room(struct bench *b) {
    for (unsigned i = 0; i < b->people; i++)
        open_person(b, i);
    for (unsigned i = 0; i < b->people; i++)
        for (unsigned video = 0; video < 2; video++)
            open_producer(b, i, video);
    for (unsigned i = 0; i < b->people; i++)
        for (unsigned from = 0; from < b->people; from++)
            for (unsigned video = 0; from != i && video < 2; video++)
                open_consumer(b, i, from, video);
}

// All that comes within one turn.
static unsigned gather(struct bench *b, uint64_t start_us, struct arrival list[ARRIVALS_MAX]) {
    unsigned n = 0;
    for (unsigned i = 0; i < b->people; i++) {
        struct person *p = &b->persons[i];
        for (; b->now_us >= p->audio_us; p->audio_us += 20 * US_PER_MS)
            list[n++] = packet(b, p, false, 0, false);
        for (; b->now_us >= p->video_us; p->video_us += 33333) {
            bool key = (p->video_us - start_us) % (10 * US_PER_SECOND) < 33333;
            for (unsigned part = 0; part < 4; part++)
                list[n++] = packet(b, p, true, part, key);
        }
        uint64_t since_us = b->now_us - start_us + i * 1500;
        if (since_us % US_PER_SECOND < TURN_US)
            n += report(b, p, list + n);
        if (b->acknowledged && since_us % ACK_US < TURN_US)
            n += acknowledge(b, p, list + n);
        need(n < ARRIVALS_MAX - 64);
    }
    return n;
}

int main(int argc, char **argv) {
    static struct bench b;
    static struct arrival list[ARRIVALS_MAX];
    b.people = argc > 1 ? (unsigned)atoi(argv[1]) : 4;
    uint64_t seconds = argc > 2 ? (uint64_t)atoi(argv[2]) : 5;
    b.acknowledged = argc > 3 && atoi(argv[3]);
    char error[256];
    struct udp_port_config port = {0};
    if (b.people < 2 || b.people > PEOPLE_MAX || seconds < 1 || srtp_library_start() != ERR_OK)
        return 2;
    b.now_us = 1000 * US_PER_SECOND;
    b.pool = pool_create(16384);
    wheel_init(&b.wheel, b.now_us);
    b.port = b.pool ? udp_port_open(&port, b.pool, error, sizeof error) : NULL;
    struct forwarder_config config = {.random_seed = 1};
    struct forwarder_output out = {.ctx = &b,
                                   .send_rtp = deliver_and_hear,
                                   .send_again = deliver_again,
                                   .send_rtcp = deliver_rtcp,
                                   .event = ignore_event,
                                   .forget_ssrc = ignore_forget};
    b.fw = b.port ? forwarder_create(&config, &out, b.pool, &b.wheel) : NULL;
    need(b.fw != NULL);
    struct ext_ids ids = {0};
    ids.ids[EXT_TRANSPORT_CC] = EXT_ROUTER_ID(EXT_TRANSPORT_CC);
    ext_map_clear(&b.ext);
    ext_map_add(&b.ext, &ids);
    open_room(&b);
    uint64_t start_us = b.now_us, before = 0;
    for (; b.now_us < start_us + WARM_US + seconds * US_PER_SECOND; b.now_us += TURN_US) {
        unsigned count = gather(&b, start_us, list);
        bool counts = b.now_us >= start_us + WARM_US;
        if (counts && !b.counts)
            before = b.sent;
        b.counts = counts;
        (counts ? counted_turn : warming_turn)(&b, list, count);
    }
    printf("%llu\n", (unsigned long long)(b.sent - before));
    forwarder_destroy(b.fw);
    for (unsigned i = 0; i < b.people; i++) {
        struct person *p = &b.persons[i];
        srtp_session_destroy(p->send_server);
        srtp_session_destroy(p->send_client);
        srtp_session_destroy(p->recv_server);
        srtp_session_destroy(p->recv_client);
        twcc_recorder_destroy(p->twcc);
    }
    udp_port_close(b.port);
    pool_destroy(b.pool);
    srtp_library_stop();
    return 0;
}
