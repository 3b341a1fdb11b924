// Whatever happens while packets wait for a full link, in whatever order: each receiver's numbers go on by
// one where nothing was lost, frames are whole, and what is repeated is what went out.
#include "forward_fake.h"

#include "rooms/media/congestion.h"
#include "rooms/media/overload.h"

#define ROUNDS 12 // each with other draws
#define STEPS 250
#define VP9_PT 98
#define LAYERS 4 // three streams of VP8, one of VP9
#define INFO_BYTES 7
#define SENT_SLOTS 65536

static const char *const PUB = "publisher", *const A = "with RTX", *const B = "without";
static const char *const rids[] = {"r0", "r1", "r2"};

struct info { // in each packet
    uint8_t layer, spatial, at, count;
    uint16_t frame;
    bool key;
};

struct seen { // of one stream that goes out
    bool begun;
    uint16_t seq, picture;
    uint8_t tl0;
    uint32_t timestamp;
    struct info info;
    bool marker;
};

struct sent {
    bool there;
    struct info info;
    uint32_t timestamp;
};

struct receiver {
    const char *name;
    struct endpoint *ep;
    struct seen media[2], rtx[2];
    struct sent *sent[2];
};

struct room {
    struct fake *f;
    struct endpoint *pub;
    struct receiver to[2];
    uint64_t random;
    uint16_t seq[LAYERS], picture[LAYERS];
    uint8_t tl0[LAYERS];
    bool upper[LAYERS]; // the next picture is of the upper temporal layer
    uint32_t timestamp;
    bool hoards; // blocks run out: gaps are as the network's
    unsigned media, repeats, waited;
};

static unsigned draw(struct room *r, unsigned below) {
    r->random ^= r->random << 13;
    r->random ^= r->random >> 7;
    r->random ^= r->random << 17;
    return (unsigned)((r->random >> 20) % below);
}

// ---- in

static void head(struct writer *w, uint8_t pt, bool marker, uint16_t seq, uint32_t timestamp, uint32_t ssrc,
                 const char *mid, const char *rid) {
    write_u8(w, 0x90);
    write_u8(w, (uint8_t)(marker << 7 | pt));
    write_u16(w, seq);
    write_u32(w, timestamp);
    write_u32(w, ssrc);
    write_u16(w, 0xbede);
    write_u16(w, 2);
    fake_ext(w, EXT_ID_MID, mid, 1);
    fake_ext(w, EXT_ID_RID, rid, 2);
    write_zeros(w, 3);
}

static void info_write(struct writer *w, const struct info *i) {
    write_u8(w, i->layer);
    write_u8(w, i->spatial);
    write_u8(w, i->at);
    write_u8(w, i->count);
    write_u16(w, i->frame);
    write_u8(w, i->key);
}

static void give(struct room *r, struct block *b, struct writer *w) {
    assert_false(w->failed);
    b->len = (uint16_t)w->len;
    forwarder_rtp(r->f->fw, r->pub, b, r->f->now_us);
}

// A picture of VP8 with two temporal layers.
static void vp8(struct room *r, unsigned layer, bool key) {
    unsigned count = 1 + draw(r, key ? 6 : 3);
    bool upper = !key && r->upper[layer];
    r->upper[layer] = !upper;
    r->picture[layer] = (uint16_t)((r->picture[layer] + 1) & 0x7fff);
    r->tl0[layer] = (uint8_t)(r->tl0[layer] + !upper);
    for (unsigned at = 0; at < count; at++) {
        struct block *b = pool_take(r->f->pool);
        if (!b)
            return;
        struct writer w = writer_of(block_data(b), BLOCK_DATAGRAM_MAX);
        head(&w, VP8_PT, at + 1 == count, r->seq[layer]++, r->timestamp, 500 + layer, "0", rids[layer]);
        write_u8(&w, 0x80 | (at == 0 ? 0x10 : 0));
        write_u8(&w, 0xe0);
        write_u16(&w, 0x8000 | r->picture[layer]);
        write_u8(&w, r->tl0[layer]);
        write_u8(&w, upper ? 0x60 : 0);
        write_u8(&w, key ? 0 : 1);
        info_write(&w, &(struct info){.layer = (uint8_t)layer,
                                      .at = (uint8_t)at,
                                      .count = (uint8_t)count,
                                      .frame = r->picture[layer],
                                      .key = key});
        write_zeros(&w, 100 + draw(r, 900));
        give(r, b, &w);
    }
}

static void padding(struct room *r, unsigned layer) {
    struct block *b = pool_take(r->f->pool);
    if (!b)
        return;
    struct fake_packet p = {.pt = VP8_PT,
                            .ssrc = 500 + layer,
                            .mid = "0",
                            .rid = rids[layer],
                            .seq = r->seq[layer]++,
                            .empty = true};
    b->len = (uint16_t)fake_build(block_data(b), BLOCK_DATAGRAM_MAX, &p);
    forwarder_rtp(r->f->fw, r->pub, b, r->f->now_us);
}

// One of VP9 with two spatial layers (RFC 9628, section 4.2), the upper of which needs the lower in key
// frames.
static void vp9(struct room *r, bool key) {
    r->picture[3] = (uint16_t)((r->picture[3] + 1) & 0x7fff);
    for (unsigned spatial = 0; spatial < 2; spatial++) {
        unsigned count = 1 + draw(r, 3);
        for (unsigned at = 0; at < count; at++) {
            struct block *b = pool_take(r->f->pool);
            if (!b)
                return;
            bool first = at == 0, last = at + 1 == count, structure = key && spatial == 0 && first;
            struct writer w = writer_of(block_data(b), BLOCK_DATAGRAM_MAX);
            head(&w, VP9_PT, spatial == 1 && last, r->seq[3]++, r->timestamp, 600, "1", "xx");
            write_u8(&w, (uint8_t)(0xb0 | (key ? 0 : 0x40) | (first ? 8 : 0) | (last ? 4 : 0) |
                                   (structure ? 2 : 0) | (key && spatial == 0 ? 0 : 1)));
            write_u16(&w, 0x8000 | r->picture[3]);
            write_u8(&w, (uint8_t)(0x10 | spatial << 1 | (key && spatial == 1)));
            if (!key)
                write_u8(&w, 1 << 1);
            if (structure)
                write_u8(&w, 1 << 5);
            info_write(&w, &(struct info){.layer = 3,
                                          .spatial = (uint8_t)spatial,
                                          .at = (uint8_t)at,
                                          .count = (uint8_t)count,
                                          .frame = r->picture[3],
                                          .key = key});
            write_zeros(&w, 100 + draw(r, 900));
            give(r, b, &w);
        }
    }
}

// ---- out

static struct info info_of(const struct fake_rtp *p, bool rtx, uint16_t *picture, uint8_t *tl0, bool *upper) {
    const uint8_t *d = p->bytes + p->head.header_len + (rtx ? 2 : 0);
    const uint8_t *i;
    if (p->head.ssrc < 200) { // VP8
        *picture = load_be16(d + 2) & 0x7fff;
        *tl0 = d[4];
        *upper = d[5] >> 6;
        i = d + 7;
    } else {
        *picture = load_be16(d + 1) & 0x7fff;
        *tl0 = 0;
        *upper = false;
        i = d + 4 + (d[0] >> 6 & 1) + (d[0] >> 1 & 1);
    }
    return (struct info){
        .layer = i[0], .spatial = i[1], .at = i[2], .count = i[3], .frame = load_be16(i + 4), .key = i[6]};
}

static bool same_frame(const struct info *a, const struct info *b) {
    return a->layer == b->layer && a->frame == b->frame && a->spatial == b->spatial;
}

static void look_media(struct room *r, struct receiver *to, unsigned k, const struct fake_rtp *p) {
    struct seen *s = &to->media[k], now = {.begun = true, .seq = p->head.seq, .timestamp = p->head.timestamp};
    bool upper;
    if (p->head.payload.len == 0) { // nothing but a number, between two frames
        assert_true(r->hoards || (now.seq == (uint16_t)(s->seq + 1) && s->info.at + 1 == s->info.count));
        s->seq = now.seq;
        return;
    }
    now.info = info_of(p, false, &now.picture, &now.tl0, &upper);
    now.marker = p->head.marker;
    struct sent *sent = &to->sent[k][now.seq];
    if (to == &r->to[1] && sent->there && (int16_t)(uint16_t)(now.seq - s->seq) <= 0) { // again
        assert_true(same_frame(&sent->info, &now.info) && sent->info.at == now.info.at);
        assert_int_equal(sent->timestamp, now.timestamp);
        r->repeats++;
        return;
    }
    r->media++;
    to->sent[k][now.seq] = (struct sent){.there = true, .info = now.info, .timestamp = now.timestamp};
    if (s->begun && !r->hoards) {
        assert_int_equal(now.seq, (uint16_t)(s->seq + 1));
        bool ended = s->info.at + 1 == s->info.count;
        if (same_frame(&now.info, &s->info) && now.info.at > 0) { // else a run begins with the same again
            assert_int_equal(now.info.at, s->info.at + 1);
            assert_int_equal(now.timestamp, s->timestamp);
            assert_int_equal(now.picture, s->picture);
        } else {
            assert_int_equal(now.info.at, 0);
            bool unit = k == 1 && now.info.frame == s->info.frame && now.timestamp == s->timestamp;
            if (!ended && !(now.info.key && now.info.spatial == 0))
                fail_msg("a frame is cut, and no key frame follows");
            if (k == 0 || !unit) { // the next picture
                assert_true((int32_t)(now.timestamp - s->timestamp) > 0);
                assert_true(!ended || s->marker || now.info.key);
            }
            if (k == 0) {
                assert_int_equal(now.picture, (s->picture + 1) & 0x7fff);
                assert_int_equal(now.tl0, (uint8_t)(s->tl0 + !upper));
            }
        }
        assert_true(!now.marker || now.info.at + 1 == now.info.count);
    } else if (!s->begun && !r->hoards) {
        assert_true(now.info.key && now.info.at == 0);
    }
    *s = now;
}

static void look_rtx(struct room *r, struct receiver *to, unsigned k, const struct fake_rtp *p) {
    struct seen *s = &to->rtx[k];
    if (s->begun)
        assert_int_equal(p->head.seq, (uint16_t)(s->seq + 1));
    *s = (struct seen){.begun = true, .seq = p->head.seq};
    if (p->head.payload.len == 0 || p->head.padding > 0)
        return; // a probe
    uint16_t picture;
    uint8_t tl0;
    bool upper;
    struct info info = info_of(p, true, &picture, &tl0, &upper);
    const struct sent *sent = &to->sent[k][p->original_seq];
    r->repeats++;
    if (r->hoards)
        return;
    assert_true(sent->there && same_frame(&sent->info, &info) && sent->info.at == info.at);
    assert_int_equal(p->head.timestamp, sent->timestamp);
}

static void look(struct room *r) {
    for (unsigned i = 0; i < r->f->rtp_count; i++) {
        const struct fake_rtp *p = &r->f->rtp[i];
        struct receiver *to = p->peer == r->to[0].name ? &r->to[0] : &r->to[1];
        unsigned k = p->head.ssrc >= 200;
        if (p->head.ssrc % 10 == 0)
            look_media(r, to, k, p);
        else if (p->head.ssrc % 10 == 1)
            look_rtx(r, to, k, p);
    }
    fake_clear(r->f);
}

// ---- what happens

static void open(struct room *r, uint64_t seed) {
    *r = (struct room){.f = fake_create(), .random = seed * UINT64_C(0x9e3779b97f4a7c15) + 1};
    for (unsigned i = 0; i < LAYERS; i++) {
        r->seq[i] = (uint16_t)draw(r, 65536);
        r->picture[i] = (uint16_t)(draw(r, 0x8000) & ~1u);
    }
    r->pub = fake_connected(r->f, 1, PUB);
    fake_open_producer(r->f, 1, 1, fake_simulcast("0"));
    struct producer_params svc = fake_video(600, 601);
    svc.codec = CODEC_VP9;
    svc.payload_type = VP9_PT;
    svc.spatial_layers = 2;
    snprintf(svc.mid, sizeof svc.mid, "1");
    fake_open_producer(r->f, 1, 2, svc);
    for (unsigned n = 0; n < 2; n++) {
        struct receiver *to = &r->to[n];
        to->name = n ? B : A;
        to->ep = fake_connected(r->f, 2 + n, to->name);
        for (unsigned k = 0; k < 2; k++) {
            uint32_t ssrc = 110 + 100 * k + 20 * n;
            struct consumer_params video = fake_receive_video(ssrc, n ? 0 : ssrc + 1);
            video.ext.ids[EXT_TRANSPORT_CC] = EXT_ROUTER_ID(EXT_TRANSPORT_CC);
            fake_open_consumer(r->f, 2 + n, 1 + k, 11 + 2 * n + k, video);
            to->sent[k] = calloc(SENT_SLOTS, sizeof *to->sent[k]);
            assert_non_null(to->sent[k]);
        }
    }
}

static void close(struct room *r) {
    fake_destroy(r->f);
    for (unsigned n = 0; n < 4; n++)
        free(r->to[n / 2].sent[n % 2]);
}

static void pace(struct room *r, struct receiver *to) {
    static const uint32_t rates[] = {0, 20000, 100000, 400000, 2000000, 100000};
    uint32_t rate_bps = rates[draw(r, 6)];
    struct congestion *cg = to->ep->congestion;
    cg->limited_us = rate_bps ? r->f->now_us : 0;
    cg->works |= rate_bps != 0;
    cg->stands = draw(r, 2);
    pacer_set(&cg->pacer, rate_bps);
}

static void layers(struct room *r, uint32_t consumer) {
    struct media_cmd cmd = {.type = MEDIA_SET_LAYERS, .consumer = {consumer}};
    cmd.layers.spatial = (int8_t)(draw(r, 4) - 1);
    cmd.layers.temporal = (int8_t)(draw(r, 3) - 1);
    forwarder_command(r->f->fw, &cmd, r->f->now_us);
}

static void nack(struct room *r, struct receiver *to) {
    unsigned k = draw(r, 2);
    uint8_t bytes[256];
    uint16_t seqs[8];
    for (unsigned i = 0; i < 8; i++)
        seqs[i] = (uint16_t)(to->media[k].seq + 3 - draw(r, 40));
    struct writer w = writer_of(bytes, sizeof bytes);
    rtcp_write_nack(&w, 1, 110 + 100 * k + (to == &r->to[1] ? 20 : 0), seqs, 8);
    fake_rtcp(r->f, to->ep, &w);
}

static void report(struct room *r, struct receiver *to, unsigned k) {
    uint8_t bytes[64];
    struct writer w = writer_of(bytes, sizeof bytes);
    struct rtcp_report about = {.ssrc = 110 + 100 * k + (to == &r->to[1] ? 20 : 0),
                                .fraction_lost = (uint8_t)draw(r, 40)};
    rtcp_write_rr(&w, 9, &about, 1);
    fake_rtcp(r->f, to->ep, &w);
}

static void pictures(struct room *r) {
    unsigned burst = 1 + draw(r, draw(r, 8) ? 2 : 40);
    bool flushes = draw(r, 2);
    for (unsigned n = 0; n < burst; n++) {
        r->timestamp += 3000;
        for (unsigned layer = 0; layer < 3; layer++) {
            vp8(r, layer, draw(r, 20) == 0);
            if (draw(r, 10) == 0)
                padding(r, layer);
        }
        vp9(r, draw(r, 30) == 0);
        if (flushes)
            forwarder_flush(r->f->fw);
        if (draw(r, 4) == 0)
            fake_run(r->f, 33 * MS);
    }
    forwarder_flush(r->f->fw);
}

static void something(struct room *r) {
    struct receiver *to = &r->to[draw(r, 2)];
    uint32_t consumer = 11 + draw(r, 4), producer = 1 + draw(r, 2);
    switch (draw(r, 14)) {
    case 0:
    case 1:
        pace(r, to);
        break;
    case 2:
    case 3:
        layers(r, consumer);
        break;
    case 4:
        fake_pause(r->f, MEDIA_PAUSE_CONSUMER, consumer, true);
        break;
    case 5:
        for (uint32_t id = 11; id < 15; id++)
            fake_pause(r->f, MEDIA_PAUSE_CONSUMER, id, false);
        break;
    case 6:
        fake_pause(r->f, MEDIA_PAUSE_PRODUCER, producer, draw(r, 2));
        break;
    case 7:
        forwarder_endpoint_reachable(r->f->fw, to->ep, draw(r, 3) > 0, r->f->now_us);
        if (draw(r, 2))
            forwarder_endpoint_path_changed(r->f->fw, to->ep, r->f->now_us);
        break;
    case 8: {
        struct consumer *c = forwarder_consumer(r->f->fw, (struct consumer_id){consumer});
        consumer_allot(c, (int8_t)(draw(r, 4) - 1), (int8_t)(draw(r, 3) - 1), draw(r, 4) == 0, r->f->now_us);
        break;
    }
    case 9:
    case 10:
        nack(r, to);
        break;
    case 11:
        report(r, to, draw(r, 2));
        break;
    case 12:
        forwarder_shed(r->f->fw, draw(r, 3) ? 0 : draw(r, OVERLOAD_LEVEL_MAX + 1), r->f->now_us);
        break;
    case 13: {
        struct media_cmd cmd = {.type = MEDIA_REQUEST_KEY_FRAME, .consumer = {consumer}};
        forwarder_command(r->f->fw, &cmd, r->f->now_us);
        break;
    }
    }
}

static void reports(struct room *r) { // they have had everything
    for (unsigned n = 0; n < 4; n++)
        if (r->to[n / 2].media[n % 2].begun)
            fake_report(r->f, r->to[n / 2].ep, 110 + 100 * (n % 2) + 20 * (n / 2));
}

// All but a few.
static struct block *hoard_blocks(struct pool *pool) {
    struct block *first = NULL;
    while (pool_taken(pool) + 20 < pool_limit(pool)) {
        struct block *b = pool_take(pool);
        assert_non_null(b);
        b->next = first;
        first = b;
    }
    return first;
}

static void give_back(struct block **first) {
    while (*first) {
        struct block *b = *first;
        *first = b->next;
        b->next = NULL;
        block_release(b);
    }
}

static void whatever_happens(bool hoards, unsigned rounds) {
    unsigned media = 0, repeats = 0, waited = 0;
    for (unsigned seed = 1; seed <= rounds; seed++) {
        struct room r;
        open(&r, seed + 1000 * hoards);
        r.hoards = hoards;
        struct block *hoard = NULL;
        for (unsigned step = 0; step < STEPS; step++) {
            if (hoards && draw(&r, 5) == 0)
                hoard = hoard_blocks(r.f->pool);
            if (draw(&r, 3) == 0)
                something(&r);
            else
                pictures(&r);
            r.waited += r.to[0].ep->congestion->pacer.count + r.to[1].ep->congestion->pacer.count;
            look(&r);
            if (step % 50 == 0)
                reports(&r);
            if (draw(&r, 2))
                fake_run(r.f, draw(&r, 60) * MS);
            give_back(&hoard);
            look(&r);
        }
        media += r.media;
        repeats += r.repeats;
        waited += r.waited;
        close(&r);
    }
    print_message("%u packets, %u repeats, %u seen to wait\n", media, repeats, waited);
    assert_true(media > 500 * rounds && waited > 100 * rounds);
}

static void numbers_go_on_and_frames_are_whole(void **state) {
    (void)state;
    whatever_happens(false, ROUNDS);
}

static void blocks_that_run_out_come_back(void **state) {
    (void)state;
    whatever_happens(true, ROUNDS / 3);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_go_on_and_frames_are_whole),
        cmocka_unit_test(blocks_that_run_out_come_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
