// A hundred open microphones, of which everybody gets the five loudest: so many streams, the right ones
// within 200 ms, each from its first packet of speech on, and none with a gap in its numbers.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>
#include <string.h>

#include "base/bytes.h"
#include "base/clock.h"
#include "rooms/media/forwarder.h"
#include "rooms/media/relay_wire.h"

#define PEOPLE 100
#define LOUDEST 5
#define SPEAKERS 5
#define PACKET_MS 20
#define RIGHT_WITHIN_MS 200
#define WORKERS 2
#define START_US (1000 * US_PER_SECOND)

struct scene {
    uint64_t now_us, random;
    struct wheel wheel[WORKERS];
    struct pool *pool[WORKERS];
    struct forwarder *fw[WORKERS];
    struct person {
        struct scene *scene;
        unsigned index, worker;
        struct endpoint *from, *to;
        int8_t noise;
        bool speaks, tells_nothing; // no levels
        uint32_t packets, onset;    // number of the first packet of its last speech
        uint64_t onset_us;
    } people[PEOPLE];
    struct heard { // [receiver][publisher]
        uint64_t last_us;
        uint32_t last, first_since_onset;
        uint16_t seq;
        bool ever;
    } heard[PEOPLE][PEOPLE];
    uint64_t packets_out;
    unsigned pause_ms; // between words
};

static uint32_t chance(struct scene *s, uint32_t below) {
    s->random = s->random * UINT64_C(6364136223846793005) + 1442695040888963407;
    return (uint32_t)(s->random >> 33) % below;
}

// ---- what receivers get

static bool on_rtp(void *ctx, void *peer, struct block *b, enum media_kind kind, uint64_t index) {
    struct scene *s = ctx;
    const struct person *to = peer;
    struct rtp_packet packet;
    assert_int_equal(rtp_parse(span_of(block_data(b), b->len), &packet), ERR_OK);
    assert_int_equal(kind, MEDIA_AUDIO);
    unsigned from = load_be16(packet.payload.ptr);
    uint32_t number = load_be32(packet.payload.ptr + 2);
    struct heard *h = &s->heard[to->index][from];
    if (h->ever) {
        assert_int_equal((uint16_t)index, (uint16_t)(h->seq + 1)); // no gap, whoever was heard meanwhile
        assert_true(number > h->last);                             // nothing twice
    }
    if (!h->ever || h->last < s->people[from].onset)
        h->first_since_onset = number;
    h->ever = true;
    h->seq = (uint16_t)index;
    h->last = number;
    h->last_us = s->now_us;
    s->packets_out++;
    block_release(b);
    return true;
}

static void on_relay(void *ctx, struct link_id to, struct producer_id producer, uint8_t stream,
                     struct block *b) {
    struct scene *s = ctx;
    uint8_t wire[RELAY_WIRE_MAX];
    size_t len = relay_wire_write(&(struct relay_address){producer, stream}, b, wire, sizeof wire);
    struct block *there = pool_take(s->pool[to.v]);
    struct relay_address address;
    assert_int_equal(relay_wire_read(span_of(wire, len), s->now_us, &address, there), ERR_OK);
    unsigned home = s->people[producer.v - 1].worker;
    forwarder_relayed_rtp(s->fw[to.v], link_of_worker(home), producer, stream, there, s->now_us);
}

static void on_again(void *ctx, void *peer, struct block *b, enum media_kind kind) {
    (void)ctx, (void)peer, (void)kind;
    block_release(b);
}
static void on_rtcp(void *ctx, void *peer, struct span datagram) {
    (void)ctx, (void)peer, (void)datagram;
}
static void on_note(void *ctx, struct link_id to, const struct relay_note *note) {
    (void)ctx, (void)to, (void)note;
}
static bool on_event(void *ctx, const struct media_event *event) {
    (void)ctx, (void)event;
    return true;
}
static void on_forget(void *ctx, void *peer, uint32_t ssrc, bool sent) {
    (void)ctx, (void)peer, (void)ssrc, (void)sent;
}

// ---- who is there

static void open_person(struct scene *s, unsigned i) {
    struct person *p = &s->people[i];
    *p = (struct person){
        .scene = s, .index = i, .worker = i % WORKERS, .noise = (int8_t)(-70 + (int)chance(s, 15))};
    struct forwarder *fw = s->fw[p->worker];
    p->from = forwarder_open_endpoint(fw, (struct transport_id){2 * i + 1}, p);
    p->to = forwarder_open_endpoint(fw, (struct transport_id){2 * i + 2}, p);
    assert_true(p->from && p->to);
    forwarder_endpoint_connected(fw, p->from, s->now_us);
    forwarder_endpoint_connected(fw, p->to, s->now_us);
    struct media_cmd open = {.type = MEDIA_OPEN_PRODUCER, .transport = {2 * i + 1}, .producer = {i + 1}};
    open.open_producer.params = (struct producer_params){.kind = MEDIA_AUDIO,
                                                         .codec = CODEC_OPUS,
                                                         .payload_type = 111,
                                                         .rtx_payload_type = PAYLOAD_TYPE_NONE,
                                                         .clock_rate = 48000,
                                                         .stream_count = 1,
                                                         .streams = {{.ssrc = 1000 + i}},
                                                         .spatial_layers = 1,
                                                         .temporal_layers = 1};
    open.open_producer.params.ext.ids[EXT_AUDIO_LEVEL] = 1;
    open.open_producer.voice_group = 7;
    open.open_producer.source = link_of_worker(p->worker);
    forwarder_command(fw, &open, s->now_us);
    for (unsigned w = 0; w < WORKERS; w++) {
        if (w == p->worker)
            continue;
        open.type = MEDIA_OPEN_RELAYED_PRODUCER;
        forwarder_command(s->fw[w], &open, s->now_us);
        struct media_cmd relay = {.type = MEDIA_OPEN_RELAY, .producer = {i + 1}};
        relay.relay.link = link_of_worker(w);
        forwarder_command(fw, &relay, s->now_us);
    }
}

static void choose(struct scene *s, unsigned i, uint8_t n) {
    struct media_cmd cmd = {.type = MEDIA_SET_LOUDEST, .transport = {2 * i + 2}};
    cmd.loudest.n = n;
    forwarder_command(s->fw[s->people[i].worker], &cmd, s->now_us);
}

static void consume(struct scene *s, unsigned to, unsigned from) {
    struct media_cmd cmd = {.type = MEDIA_OPEN_CONSUMER,
                            .transport = {2 * to + 2},
                            .producer = {from + 1},
                            .consumer = {1 + to * PEOPLE + from}};
    cmd.open_consumer.params = (struct consumer_params){.kind = MEDIA_AUDIO,
                                                        .payload_type = 100,
                                                        .rtx_payload_type = PAYLOAD_TYPE_NONE,
                                                        .clock_rate = 48000,
                                                        .ssrc = 5000 + from,
                                                        .mid = "5"};
    forwarder_command(s->fw[s->people[to].worker], &cmd, s->now_us);
}

static struct scene *scene_new(uint64_t seed) {
    struct scene *s = calloc(1, sizeof *s);
    assert_non_null(s);
    s->now_us = START_US;
    s->random = seed;
    s->pause_ms = 100;
    for (unsigned w = 0; w < WORKERS; w++) {
        struct forwarder_config config = {.link = link_of_worker(w), .random_seed = seed};
        struct forwarder_output out = {.ctx = s,
                                       .send_rtp = on_rtp,
                                       .send_again = on_again,
                                       .send_rtcp = on_rtcp,
                                       .relay_rtp = on_relay,
                                       .relay_note = on_note,
                                       .event = on_event,
                                       .forget_ssrc = on_forget};
        wheel_init(&s->wheel[w], s->now_us);
        s->pool[w] = pool_create(1 << 16);
        s->fw[w] = forwarder_create(&config, &out, s->pool[w], &s->wheel[w]);
        assert_non_null(s->fw[w]);
    }
    for (unsigned i = 0; i < PEOPLE; i++)
        open_person(s, i);
    return s;
}

static void scene_end(struct scene *s) {
    for (unsigned w = 0; w < WORKERS; w++) {
        forwarder_destroy(s->fw[w]);
        assert_int_equal(pool_taken(s->pool[w]), 0);
        pool_destroy(s->pool[w]);
    }
    free(s);
}

// ---- what is said

// Words of about 300 ms with pauses, and whatever else the microphone hears.
static int8_t level_of(struct scene *s, const struct person *p) {
    uint64_t since_ms = (s->now_us - p->onset_us) / US_PER_MS + 10 * p->index % 100;
    bool word =
        p->speaks && (since_ms % (300 + s->pause_ms) < 300 || s->now_us - p->onset_us < 100 * US_PER_MS);
    return (int8_t)(word ? -32 + (int)chance(s, 9) : p->noise + (int)chance(s, 7) - 3);
}

static void send_packet(struct scene *s, struct person *p) {
    struct block *b = pool_take(s->pool[p->worker]);
    assert_non_null(b);
    uint8_t *at = block_data(b);
    struct writer w = writer_of(at, 200);
    uint32_t number = p->packets++;
    write_u8(&w, 0x90);
    write_u8(&w, 111);
    write_u16(&w, (uint16_t)number);
    write_u32(&w, number * PACKET_MS * 48);
    write_u32(&w, 1000 + p->index);
    write_u16(&w, 0xbede);
    write_u16(&w, 1);
    write_u8(&w, p->tells_nothing ? 0 : 1 << 4);
    write_u8(&w, p->tells_nothing ? 0 : (uint8_t)-level_of(s, p));
    write_u16(&w, 0);
    write_u16(&w, (uint16_t)p->index);
    write_u32(&w, number);
    write_zeros(&w, 60);
    b->len = (uint16_t)w.len;
    forwarder_rtp(s->fw[p->worker], p->from, b, s->now_us);
}

static void run(struct scene *s, unsigned ms) {
    for (uint64_t end_us = s->now_us + ms * US_PER_MS; s->now_us < end_us; s->now_us += US_PER_MS) {
        for (unsigned i = 0; i < PEOPLE; i++)
            if ((s->now_us / US_PER_MS + 7 * i) % PACKET_MS == 0)
                send_packet(s, &s->people[i]);
        for (unsigned w = 0; w < WORKERS; w++) {
            forwarder_flush(s->fw[w]);
            wheel_advance(&s->wheel[w], s->now_us);
        }
    }
}

static void let_speak(struct scene *s, const unsigned *who, unsigned count) {
    for (unsigned i = 0; i < PEOPLE; i++)
        s->people[i].speaks = false;
    for (unsigned k = 0; k < count; k++) {
        struct person *p = &s->people[who[k]];
        p->speaks = true;
        p->onset = p->packets;
        p->onset_us = s->now_us;
    }
}

// ---- what must be so

static bool hears(const struct scene *s, unsigned to, unsigned from) {
    const struct heard *h = &s->heard[to][from];
    return h->ever && s->now_us - h->last_us <= PACKET_MS * US_PER_MS;
}

static void check_everybody(struct scene *s, const unsigned *who, unsigned count, unsigned n) {
    for (unsigned to = 0; to < PEOPLE; to++) {
        unsigned streams = 0;
        for (unsigned from = 0; from < PEOPLE; from++)
            streams += hears(s, to, from);
        assert_int_equal(streams, n);
        for (unsigned k = 0; k < count; k++)
            if (who[k] != to && !hears(s, to, who[k]))
                fail_msg("%u does not hear %u", to, who[k]);
    }
}

// Each is heard from the first packet of its speech on.
static void check_onsets(const struct scene *s, const unsigned *who, unsigned count) {
    for (unsigned to = 0; to < PEOPLE; to++)
        for (unsigned k = 0; k < count; k++)
            if (who[k] != to)
                assert_true(s->heard[to][who[k]].first_since_onset <= s->people[who[k]].onset);
}

static void a_hundred_open_microphones(void **state) {
    (void)state;
    struct scene *s = scene_new(1);
    for (unsigned to = 0; to < PEOPLE; to++) {
        choose(s, to, LOUDEST);
        for (unsigned from = 0; from < PEOPLE; from++)
            if (from != to)
                consume(s, to, from);
    }
    run(s, 1000);
    for (unsigned round = 0; round < 6; round++) {
        unsigned who[SPEAKERS];
        for (unsigned k = 0; k < SPEAKERS; k++)
            who[k] = (round * 17 + k * (round % 2 ? 1 : 13)) % PEOPLE;
        let_speak(s, who, SPEAKERS);
        run(s, RIGHT_WITHIN_MS);
        for (unsigned k = 0; k < 20; k++, run(s, 50)) // and so it stays
            check_everybody(s, who, SPEAKERS, LOUDEST);
        check_onsets(s, who, SPEAKERS);
    }
    // What it costs: five streams a receiver, and what was said before each change.
    uint64_t all = UINT64_C(1) * PEOPLE * LOUDEST * (s->now_us - START_US) / (PACKET_MS * US_PER_MS);
    assert_in_range(s->packets_out, all * 95 / 100, all * 115 / 100);
    scene_end(s);
}

static void choices_change(void **state) {
    (void)state;
    struct scene *s = scene_new(2);
    for (unsigned to = 0; to < PEOPLE; to++)
        for (unsigned from = 0; from < PEOPLE; from++)
            if (from != to)
                consume(s, to, from);
    const unsigned who[] = {3, 50, 51, 98, 7};
    let_speak(s, who, 5);
    run(s, 400);
    check_everybody(s, who, 5, PEOPLE - 1); // nobody has chosen
    for (unsigned to = 0; to < PEOPLE; to++)
        choose(s, to, 9);
    run(s, 300);
    check_everybody(s, who, 5, 9);
    for (unsigned to = 0; to < PEOPLE; to++)
        choose(s, to, 5);
    run(s, 300);
    check_everybody(s, who, 5, 5);
    // One is muted, one leaves: others take the places.
    struct media_cmd pause = {.type = MEDIA_PAUSE_PRODUCER, .producer = {who[0] + 1}, .pause = {true}};
    struct media_cmd close = {.type = MEDIA_CLOSE_PRODUCER, .producer = {who[1] + 1}};
    for (unsigned w = 0; w < WORKERS; w++) {
        forwarder_command(s->fw[w], &pause, s->now_us);
        forwarder_command(s->fw[w], &close, s->now_us);
    }
    run(s, 200);
    check_everybody(s, who + 2, 3, 5);
    pause.pause.paused = false;
    for (unsigned w = 0; w < WORKERS; w++)
        forwarder_command(s->fw[w], &pause, s->now_us);
    run(s, 400);
    check_everybody(s, who + 2, 3, 5);
    for (unsigned to = 0; to < PEOPLE; to++)
        assert_true(to == who[0] || hears(s, to, who[0]));
    for (unsigned to = 0; to < PEOPLE; to++) {
        struct media_cmd shut = {
            .type = MEDIA_PAUSE_CONSUMER, .consumer = {1 + to * PEOPLE + who[2]}, .pause = {true}};
        forwarder_command(s->fw[s->people[to].worker], &shut, s->now_us);
        choose(s, to, LOUDEST_ALL);
    }
    run(s, 200);
    for (unsigned to = 0; to < PEOPLE; to++) {
        unsigned streams = 0;
        for (unsigned from = 0; from < PEOPLE; from++)
            streams += hears(s, to, from);
        assert_int_equal(streams, PEOPLE - 1 - (to != who[1]) - (to != who[2]));
    }
    scene_end(s);
}

// Some send no levels, so that nobody knows whether they speak: they get the places that are left, and take
// none of those who pause between two sentences.
static void nobody_knows_whether_some_speak(void **state) {
    (void)state;
    struct scene *s = scene_new(3);
    for (unsigned to = 0; to < PEOPLE; to++) {
        choose(s, to, LOUDEST);
        for (unsigned from = 0; from < PEOPLE; from++)
            if (from != to)
                consume(s, to, from);
    }
    for (unsigned i = 40; i < 60; i++)
        s->people[i].tells_nothing = true;
    s->pause_ms = 900;
    run(s, 1000);
    const unsigned who[] = {3, 77};
    let_speak(s, who, 2);
    run(s, RIGHT_WITHIN_MS);
    for (unsigned k = 0; k < 200; k++, run(s, 50))
        check_everybody(s, who, 2, LOUDEST);
    check_onsets(s, who, 2);
    let_speak(s, NULL, 0);
    run(s, 5000);
    unsigned unknown = 0; // nobody speaks: those who may are heard
    for (unsigned from = 40; from < 60; from++)
        unknown += hears(s, 0, from);
    assert_int_equal(unknown, LOUDEST);
    scene_end(s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_hundred_open_microphones),
        cmocka_unit_test(choices_change),
        cmocka_unit_test(nobody_knows_whether_some_speak),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
