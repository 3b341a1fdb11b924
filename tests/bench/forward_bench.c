// What forwarding itself costs, without encryption and sending: one publisher's video to N receivers and a
// null output, in nanoseconds a forwarded packet.
//
//   build/tests/forward_bench [RECEIVERS] [PACKETS] [LAYERS] [ACKNOWLEDGED]
//
// ACKNOWLEDGED 1: receivers tell every 50 ms that everything has come, so that congestion control is at work
// on links that are not full.
//
// Where the time goes: valgrind --tool=callgrind --toggle-collect=forwarder_rtp
// --toggle-collect=forwarder_flush build/tests/forward_bench 50 2000
//                      callgrind_annotate --inclusive=no callgrind.out.PID
#include "base/bytes.h"
#include "base/clock.h"
#include "rtp/rtcp_write.h"
#include "tests/bench/null_output.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define PAYLOAD_BYTES 1160
#define PACKET_GAP_US 4000 // 250 packets a second
#define KEY_FRAME_EVERY 1000
#define SSRC_OF(receiver) (5000 + 2 * (uint32_t)(receiver))
#define NUMBERS_MAX 1024
#define REPORT_EVERY 1000 // packets: receivers say what they have had

struct receiver {
    struct endpoint *endpoint;
    uint16_t last;                 // number that it got
    uint16_t numbers, told;        // transport-wide ones that it got, and of these, has told of
    uint64_t came_us[NUMBERS_MAX]; // [number % NUMBERS_MAX]
};

struct bench {
    uint64_t sent; // first: the output's context
    struct pool *pool;
    struct wheel wheel;
    struct forwarder *fw;
    struct receiver *receivers;
    uint64_t now_us;
};

static bool deliver(void *ctx, void *peer, struct block *b, enum media_kind kind, uint64_t index) {
    struct receiver *r = peer;
    r->last = (uint16_t)index;
    r->came_us[r->numbers++ % NUMBERS_MAX] = ((struct bench *)ctx)->now_us;
    return null_rtp(ctx, peer, b, kind, index);
}

// What a browser says each second.
static void report(struct bench *b, unsigned i) {
    uint8_t bytes[64];
    struct writer w = writer_of(bytes, sizeof bytes);
    rtcp_write_rr(&w, 1, &(struct rtcp_report){.ssrc = SSRC_OF(i), .highest_seq = b->receivers[i].last}, 1);
    (void)forwarder_rtcp(b->fw, b->receivers[i].endpoint, span_of(w.ptr, w.len), b->now_us);
}

static struct endpoint *open_endpoint(struct bench *b, uint32_t id, struct receiver *receiver) {
    struct endpoint *ep = forwarder_open_endpoint(b->fw, (struct transport_id){id}, receiver);
    if (!ep)
        exit(1);
    forwarder_endpoint_connected(b->fw, ep, b->now_us);
    return ep;
}

static struct endpoint *open_room(struct bench *b, unsigned receivers, unsigned layers, bool acknowledged) {
    struct endpoint *publisher = open_endpoint(b, 1, NULL);
    struct media_cmd cmd = {.type = MEDIA_OPEN_PRODUCER, .transport = {1}, .producer = {1}};
    cmd.open_producer.params = (struct producer_params){.kind = MEDIA_VIDEO,
                                                        .codec = CODEC_VP8,
                                                        .payload_type = 96,
                                                        .rtx_payload_type = 97,
                                                        .clock_rate = 90000,
                                                        .stream_count = (uint8_t)layers,
                                                        .nack = true,
                                                        .pli = true,
                                                        .transport_cc = true};
    cmd.open_producer.params.ext.ids[EXT_TRANSPORT_CC] = 3;
    for (unsigned i = 0; i < layers; i++)
        cmd.open_producer.params.streams[i].ssrc = 1000 + i;
    forwarder_command(b->fw, &cmd, b->now_us);
    for (uint32_t i = 0; i < receivers; i++) {
        b->receivers[i].endpoint = open_endpoint(b, 10 + i, &b->receivers[i]);
        struct media_cmd open = {
            .type = MEDIA_OPEN_CONSUMER, .transport = {10 + i}, .producer = {1}, .consumer = {10 + i}};
        open.open_consumer.params = (struct consumer_params){.kind = MEDIA_VIDEO,
                                                             .payload_type = 101,
                                                             .rtx_payload_type = 102,
                                                             .clock_rate = 90000,
                                                             .ssrc = SSRC_OF(i),
                                                             .rtx_ssrc = SSRC_OF(i) + 1,
                                                             .mid = "0",
                                                             .cname = "bench",
                                                             .nack = true,
                                                             .pli = true};
        if (acknowledged)
            open.open_consumer.params.ext.ids[EXT_TRANSPORT_CC] = EXT_ROUTER_ID(EXT_TRANSPORT_CC);
        forwarder_command(b->fw, &open, b->now_us);
    }
    return publisher;
}

static struct block *make_packet(struct bench *b, uint32_t n, unsigned layers) {
    struct block *block = pool_take(b->pool);
    if (!block)
        exit(1);
    struct writer w = writer_of(block_data(block), BLOCK_DATAGRAM_MAX);
    uint32_t own = n / layers; // number within its layer
    write_u16(&w, 0x9060);
    write_u16(&w, (uint16_t)own);
    write_u32(&w, own * 360);
    write_u32(&w, 1000 + n % layers);
    write_u32(&w, 0xbede0001);
    write_u8(&w, 0x31);
    write_u16(&w, (uint16_t)n);
    write_u8(&w, 0);
    write_u8(&w, 0x10);
    write_u8(&w, own % KEY_FRAME_EVERY == 0 ? 0 : 1);
    write_zeros(&w, PAYLOAD_BYTES - 2);
    block->len = (uint16_t)w.len;
    return block;
}

#define ACK_EVERY_US 50000
#define TWCC_REFERENCE_US 64000
#define TWCC_TICK_US 250

// Transport-wide feedback about all that has come since the last one, a tick late each.
static void acknowledge(struct bench *b, struct receiver *r, uint8_t feedback) {
    uint8_t bytes[1200];
    struct writer w = writer_of(bytes, sizeof bytes);
    unsigned count = (uint16_t)(r->numbers - r->told);
    if (count == 0 || count > NUMBERS_MAX)
        return;
    uint64_t at_us = r->came_us[r->told % NUMBERS_MAX] / TWCC_REFERENCE_US * TWCC_REFERENCE_US;
    write_u32(&w, 0x8fcd0000);
    write_u32(&w, 1);
    write_u32(&w, 2);
    write_u16(&w, r->told);
    write_u16(&w, (uint16_t)count);
    write_u24(&w, (uint32_t)(at_us / TWCC_REFERENCE_US) & 0xffffff);
    write_u8(&w, feedback);
    write_u16(&w, (uint16_t)(0x2000 | count));
    for (; r->told != r->numbers; r->told++) {
        uint64_t ticks = (r->came_us[r->told % NUMBERS_MAX] - at_us) / TWCC_TICK_US;
        write_u8(&w, (uint8_t)ticks);
        at_us += ticks * TWCC_TICK_US;
    }
    write_zeros(&w, -w.len & 3);
    store_be16(bytes + 2, (uint16_t)(w.len / 4 - 1));
    forwarder_rtcp(b->fw, r->endpoint, span_of(bytes, w.len), b->now_us);
}

static uint64_t cpu_ns(void) {
    struct timespec ts;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
    return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

int main(int argc, char **argv) {
    unsigned receivers = argc > 1 ? (unsigned)atoi(argv[1]) : 50;
    unsigned packets = argc > 2 ? (unsigned)atoi(argv[2]) : 100000;
    unsigned layers = argc > 3 ? (unsigned)atoi(argv[3]) : 1;
    bool acknowledged = argc > 4 && atoi(argv[4]);
    if (receivers < 1 || packets < 1 || layers < 1 || layers > STREAMS_MAX)
        return 2;
    static struct bench b;
    b.now_us = 1000 * US_PER_SECOND;
    b.pool = pool_create(16384);
    wheel_init(&b.wheel, b.now_us);
    b.fw = b.pool ? null_forwarder(b.pool, &b.wheel, &b.sent, deliver) : NULL;
    b.receivers = calloc(receivers, sizeof *b.receivers);
    if (!b.fw || !b.receivers)
        return 1;
    struct endpoint *publisher = open_room(&b, receivers, layers, acknowledged);
    uint64_t spent_ns = 0, acked_us = b.now_us;
    uint8_t feedback = 0;
    for (uint32_t n = 0; n < packets; n++) {
        struct block *packet = make_packet(&b, n, layers);
        uint64_t before_ns = cpu_ns();
        forwarder_rtp(b.fw, publisher, packet, b.now_us);
        forwarder_flush(b.fw);
        spent_ns += cpu_ns() - before_ns;
        b.now_us += PACKET_GAP_US / layers;
        for (unsigned i = 0; n % REPORT_EVERY == 0 && i < receivers; i++)
            report(&b, i);
        before_ns = cpu_ns();
        if (acknowledged && b.now_us >= acked_us + ACK_EVERY_US) {
            for (unsigned i = 0; i < receivers; i++)
                acknowledge(&b, &b.receivers[i], feedback);
            feedback++;
            acked_us = b.now_us;
        }
        wheel_advance(&b.wheel, b.now_us);
        spent_ns += cpu_ns() - before_ns;
    }
    printf("%u receivers, %u layers, %u packets in, %llu out: %.1f ns a forwarded packet, %.0f ns a received "
           "one\n",
           receivers, layers, packets, (unsigned long long)b.sent, (double)spent_ns / (double)b.sent,
           (double)spent_ns / packets);
    forwarder_destroy(b.fw);
    pool_destroy(b.pool);
    free(b.receivers);
    return 0;
}
