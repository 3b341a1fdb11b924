// A room on a bad network with a publisher, a network and receivers who mean no good: no packet index of a
// stream ever protects two packets. The fake forwarder's output notes each index and fails at a second use.
//
// ROTUNDA_NONCE_PACKETS: how many packets are to go out (default 300,000); the seed of the last round is
// told.
#include "tests/unit/rooms/media/forward_fake.h"

#include <stdlib.h>

#define LAYERS 3
#define RECEIVERS 4 // two with RTX, two without
#define SSRC_AUDIO 900

static const char *const rids[LAYERS] = {"r0", "r1", "r2"};

struct world {
    struct fake *f;
    struct endpoint *publisher, *receivers[RECEIVERS];
    uint64_t random;
    uint32_t ssrc[LAYERS], next_ssrc, next_consumer, consumers[RECEIVERS][2]; // video, audio
    uint16_t seq[LAYERS], rtx_seq, audio_seq;
    uint16_t picture[LAYERS];
    uint32_t clock_back;
    uint64_t sent;
};

static uint32_t rnd(struct world *w, uint32_t below) {
    w->random = w->random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(w->random >> 33) % below;
}

static bool chance(struct world *w, uint32_t permille) {
    return rnd(w, 1000) < permille;
}

static uint32_t timestamp_now(const struct world *w) {
    return (uint32_t)(w->f->now_us * 9 / 100) - w->clock_back;
}

static void give(struct world *w, struct fake_packet p) {
    (void)fake_rtp_pending(w->f, w->publisher, p);
}

static struct fake_packet layer_packet(const struct world *w, unsigned layer, uint16_t seq) {
    return (struct fake_packet){.pt = VP8_PT,
                                .ssrc = w->ssrc[layer],
                                .mid = "0",
                                .rid = rids[layer],
                                .seq = seq,
                                .timestamp = timestamp_now(w),
                                .picture = w->picture[layer]};
}

// Some packets of a frame are lost, some come in another order.
static void frame(struct world *w, unsigned layer) {
    unsigned count = 1 + rnd(w, 5);
    bool key = chance(w, 60);
    uint16_t first = w->seq[layer];
    unsigned swapped = chance(w, 200) ? rnd(w, count) : count;
    w->picture[layer] = w->picture[layer] % 32767 + 1;
    for (unsigned i = 0; i < count; i++) {
        unsigned at = i == swapped ? count - 1 : i == count - 1 && swapped < count ? swapped : i;
        struct fake_packet p = layer_packet(w, layer, (uint16_t)(first + at));
        p.key = key && at == 0;
        p.marker = at == count - 1;
        if (!chance(w, 30))
            give(w, p);
        if (chance(w, 5)) // the same number with another content
            give(w, (p.longer = 3, p));
    }
    w->seq[layer] = (uint16_t)(first + count);
}

static void jump(struct world *w, unsigned layer) {
    for (unsigned i = 1 + rnd(w, 25); i > 0; i--) {
        w->seq[layer] = (uint16_t)(w->seq[layer] + rnd(w, 2999));
        struct fake_packet p = layer_packet(w, layer, w->seq[layer]);
        p.empty = !chance(w, 50);
        give(w, p);
    }
    w->seq[layer]++;
}

static void repeat(struct world *w, unsigned layer) {
    uint32_t reach = chance(w, 100) ? 65536 : 400;
    uint16_t original = (uint16_t)(w->seq[layer] - rnd(w, reach) + reach / 4);
    give(w, (struct fake_packet){.pt = RTX_PT,
                                 .ssrc = 700 + layer,
                                 .mid = "0",
                                 .repaired_rid = rids[layer],
                                 .seq = w->rtx_seq++,
                                 .timestamp = timestamp_now(w),
                                 .key = chance(w, 100),
                                 .osn = original + 1});
}

static void nack(struct world *w) {
    unsigned i = rnd(w, RECEIVERS);
    const struct fake *f = w->f;
    if (f->rtp_count == 0)
        return;
    const struct fake_rtp *p = &f->rtp[f->rtp_count - 1 - rnd(w, f->rtp_count < 600 ? f->rtp_count : 600)];
    uint16_t seqs[8];
    for (unsigned k = 0; k < 8; k++)
        seqs[k] = (uint16_t)(p->head.seq + k);
    uint8_t bytes[128];
    struct writer out = writer_of(bytes, sizeof bytes);
    rtcp_write_nack(&out, 1, w->consumers[i][0], seqs, 8);
    fake_rtcp(w->f, w->receivers[i], &out);
}

// SSRCs are consumers' ids here, their RTX that and half a million more.
static void open_consumers(struct world *w, unsigned i) {
    for (unsigned audio = 0; audio < 2; audio++) {
        uint32_t id = w->consumers[i][audio] = w->next_consumer++;
        struct consumer_params video = fake_receive_video(id, i % 2 ? id + 500000 : 0);
        fake_open_consumer(w->f, 2 + i, 1 + audio, id, audio ? fake_receive_audio(id) : video);
    }
}

static void control(struct world *w) {
    unsigned i = rnd(w, RECEIVERS);
    struct media_cmd layers = {.type = MEDIA_SET_LAYERS, .consumer = {w->consumers[i][0]}};
    layers.layers.spatial = (int8_t)(rnd(w, 4) - 1);
    switch (rnd(w, 7)) {
    case 0:
    case 1:
        forwarder_command(w->f->fw, &layers, w->f->now_us);
        break;
    case 2:
        fake_pause(w->f, MEDIA_PAUSE_CONSUMER, w->consumers[i][rnd(w, 2)], chance(w, 300));
        break;
    case 3:
        fake_pause(w->f, MEDIA_PAUSE_PRODUCER, 1 + rnd(w, 2), chance(w, 300));
        break;
    case 4:
        forwarder_endpoint_reachable(w->f->fw, w->receivers[i], !chance(w, 300), w->f->now_us);
        break;
    case 5:
        forwarder_shed(w->f->fw, chance(w, 500) ? 0 : rnd(w, 33), w->f->now_us);
        break;
    default:
        for (unsigned audio = 0; audio < 2; audio++)
            fake_close(w->f, MEDIA_CLOSE_CONSUMER, w->consumers[i][audio]);
        open_consumers(w, i);
    }
}

static void audio(struct world *w) {
    w->audio_seq = (uint16_t)(w->audio_seq + (chance(w, 2) ? rnd(w, 65536) : 1 + rnd(w, 2)));
    struct fake_packet p = {.pt = OPUS_PT,
                            .ssrc = SSRC_AUDIO,
                            .seq = (uint16_t)(w->audio_seq - (chance(w, 50) ? rnd(w, 500) : 0)),
                            .timestamp = timestamp_now(w)};
    p.longer = rnd(w, 40);
    give(w, p);
}

// A receiver whose RTCP is as odd as can be, all in one datagram: reports of any stream and number, wishes
// and NACKs for what never was.
static void odd_rtcp(struct world *w) {
    unsigned i = rnd(w, RECEIVERS);
    uint8_t bytes[256];
    struct writer out = writer_of(bytes, sizeof bytes);
    for (unsigned n = 1 + rnd(w, 4); n > 0; n--) {
        uint16_t seqs[4];
        for (unsigned k = 0; k < 4; k++)
            seqs[k] = (uint16_t)rnd(w, 65536);
        uint32_t ssrc = w->consumers[rnd(w, RECEIVERS)][rnd(w, 2)] + (chance(w, 200) ? 500000 : 0);
        if (chance(w, 500))
            rtcp_write_nack(&out, 1, ssrc, seqs, 4);
        else if (chance(w, 300))
            rtcp_write_rr(&out, 1, &(struct rtcp_report){.ssrc = ssrc, .highest_seq = seqs[0]}, 1);
        else
            rtcp_write_pli(&out, 1, ssrc);
    }
    fake_rtcp(w->f, w->receivers[i], &out);
}

// A publisher that sends long runs, so that numbers wrap and receivers who report nothing are stopped.
static void long_run(struct world *w) {
    for (unsigned n = rnd(w, 6000), step = chance(w, 100) ? 1 + rnd(w, 999) : 1; n > 0; n--) {
        w->audio_seq = (uint16_t)(w->audio_seq + step);
        give(w, (struct fake_packet){
                    .pt = OPUS_PT, .ssrc = SSRC_AUDIO, .seq = w->audio_seq, .timestamp = timestamp_now(w)});
        if (n % 256 != 0)
            continue;
        fake_run(w->f, 5 * MS);
        forwarder_flush(w->f->fw);
        w->sent += w->f->rtp_count;
        fake_clear(w->f);
    }
}

static void step(struct world *w) {
    unsigned layer = rnd(w, LAYERS);
    uint32_t what = rnd(w, 1000);
    if (what < 700)
        frame(w, layer);
    else if (what < 800)
        audio(w);
    else if (what < 900)
        repeat(w, layer);
    else if (what < 960)
        nack(w);
    else if (what < 980)
        control(w);
    else if (what < 984)
        jump(w, layer);
    else if (what < 986)
        w->ssrc[layer] = w->next_ssrc++;
    else if (what < 988)
        w->clock_back = rnd(w, 900000000);
    else if (what < 992)
        odd_rtcp(w);
    else if (what == 992 && chance(w, 200))
        long_run(w);
    else if (what == 993)
        w->f->sealing_fails = chance(w, 300);
    if (chance(w, 700)) // else the next step is of the same turn
        forwarder_flush(w->f->fw);
    for (unsigned i = 0; chance(w, 20) && i < RECEIVERS; i++)
        for (unsigned audio = 0; audio < 2; audio++)
            fake_report(w->f, w->receivers[i], w->consumers[i][audio]);
    fake_run(w->f, rnd(w, 4) * MS);
    if (w->f->rtp_count > FAKE_KEPT - 4000) {
        w->sent += w->f->rtp_count;
        fake_clear(w->f);
    }
    w->f->rtcp_count = w->f->event_count = w->f->forgotten_count = w->f->relay_count = 0;
}

static uint64_t round_of(uint64_t seed, unsigned steps) {
    struct world w = {
        .f = fake_create(), .random = seed, .ssrc = {600, 601, 602}, .next_ssrc = 1000, .next_consumer = 10};
    w.publisher = fake_connected(w.f, 1, "publisher");
    struct producer_params video = fake_simulcast("0"), sound = fake_audio(SSRC_AUDIO);
    video.nack = seed % 3 != 0;
    fake_open_producer(w.f, 1, 1, video);
    fake_open_producer(w.f, 1, 2, sound);
    static const char *const names[RECEIVERS] = {"a", "b", "c", "d"};
    for (unsigned i = 0; i < RECEIVERS; i++) {
        w.receivers[i] = fake_connected(w.f, 2 + i, names[i]);
        open_consumers(&w, i);
    }
    for (unsigned i = 0; i < steps; i++)
        step(&w);
    forwarder_flush(w.f->fw);
    uint64_t sent = w.sent + w.f->rtp_count;
    fake_destroy(w.f);
    return sent;
}

static void no_index_protects_two_packets(void **state) {
    (void)state;
    const char *wanted = getenv("ROTUNDA_NONCE_PACKETS");
    uint64_t target = wanted ? strtoull(wanted, NULL, 10) : 300000, sent = 0, seed = 0;
    while (sent < target) {
        print_message("seed %llu\n", (unsigned long long)++seed);
        sent += round_of(seed, 20000);
    }
    print_message("%llu packets, %llu rounds\n", (unsigned long long)sent, (unsigned long long)seed);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(no_index_protects_two_packets)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
