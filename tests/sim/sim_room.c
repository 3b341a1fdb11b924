// The room: forwarders, who is on which, the commands that the control thread would give, and the clock.
#include "base/bytes.h"
#include "base/clock.h"
#include "rtp/rtcp_write.h"
#include "rtp/rtp_ext.h"
#include "rtp/rtp_forward.h"
#include "rooms/media/relay_wire.h"
#include "tests/sim/sim.h"

#include <stdio.h>
#include <stdlib.h>

#define RELAY_DELAY_US 100

// ---- what forwarders say

static void sim_note_nonce(struct sim *sim, const struct sim_peer *peer, uint32_t ssrc, uint64_t index,
                           struct span packet) {
    uint64_t key = (uint64_t)(uintptr_t)peer;
    if (nonce_oracle_note(sim->oracle, key, ssrc, index, nonce_oracle_digest(packet)) != NONCE_FRESH)
        fail_msg("index %llu of SSRC %u protects a second packet", (unsigned long long)index, ssrc);
}

static const struct sim_link *down_link(const struct sim_peer *peer) {
    const struct sim_config *config = &peer->sim->config;
    return config->starved && peer->owner == peer->sim->participants ? config->starved : &config->down;
}

// What encryption would make of it: here the packet itself, once for each index.
static bool on_rtp(void *ctx, void *peer_ctx, struct block *b, enum media_kind kind, uint64_t index) {
    struct sim_peer *peer = peer_ctx;
    struct span packet = span_of(block_data(b), b->len);
    (void)ctx;
    (void)kind;
    assert_false(peer->publishes || peer->unreachable);
    assert_true(b->len <= SIM_PACKET_MAX);
    assert_int_equal(load_be16(packet.ptr + 2), (uint16_t)index);
    sim_note_nonce(peer->sim, peer, load_be32(packet.ptr + 8), index, packet);
    memcpy(block_data(b) + b->len, &index, sizeof index);
    b->len += SIM_INDEX_BYTES;
    sim_send(peer->sim, down_link(peer), SIM_DOWN_RTP, peer, span_of(block_data(b), b->len));
    block_release(b);
    return true;
}

static void on_again(void *ctx, void *peer_ctx, struct block *b, enum media_kind kind) {
    struct sim_peer *peer = peer_ctx;
    (void)ctx;
    (void)kind;
    sim_send(peer->sim, down_link(peer), SIM_DOWN_RTP, peer, span_of(block_data(b), b->len));
    block_release(b);
}

// A publisher is asked at most once a second for a key frame of a stream.
static void check_requests(struct sim_peer *peer, struct span datagram) {
    struct rtcp_walk walk = rtcp_walk_of(datagram);
    struct sim_publisher *p = &peer->owner->publisher;
    for (struct rtcp_packet packet; rtcp_walk_next(&walk, &packet);) {
        if (packet.kind != RTCP_PLI && packet.kind != RTCP_FIR)
            continue;
        struct sim_stream *s = NULL;
        for (unsigned i = 0; i < peer->sim->config.layers; i++)
            if (p->video[i].ssrc == packet.media_ssrc)
                s = &p->video[i];
        assert_non_null(s);
        if (s->plis++ > 0 && peer->sim->now_us - s->last_pli_us < US_PER_SECOND)
            fail_msg("stream %u was asked for a key frame after %llu us", s->ssrc,
                     (unsigned long long)(peer->sim->now_us - s->last_pli_us));
        s->last_pli_us = peer->sim->now_us;
    }
    assert_false(walk.malformed);
}

static void on_rtcp(void *ctx, void *peer_ctx, struct span datagram) {
    struct sim_peer *peer = peer_ctx;
    (void)ctx;
    assert_true(datagram.len <= RTCP_DATAGRAM_MAX);
    if (peer->publishes)
        check_requests(peer, datagram);
    sim_send(peer->sim, &peer->sim->config.down, SIM_DOWN_RTCP, peer, datagram);
}

static void on_relay_rtp(void *ctx, struct link_id to, struct producer_id producer, uint8_t stream,
                         struct block *b) {
    struct sim *sim = ctx;
    assert_true(to.v < sim->config.workers);
    uint8_t wire[RELAY_WIRE_MAX];
    size_t len = relay_wire_write(&(struct relay_address){producer, stream}, b, wire, sizeof wire);
    assert_true(len > 0);
    struct sim_event *e = sim_event_new(sim, RELAY_DELAY_US, span_of(wire, len));
    e->kind = SIM_RELAY_RTP;
    e->worker = to.v;
    sim_event_push(sim, e);
    sim->relayed++;
}

static void on_relay_note(void *ctx, struct link_id to, const struct relay_note *note) {
    struct sim *sim = ctx;
    assert_true(to.v < sim->config.workers);
    struct sim_event *e = sim_event_new(sim, RELAY_DELAY_US, span_of(note, sizeof *note));
    e->kind = SIM_RELAY_NOTE;
    e->worker = to.v;
    sim_event_push(sim, e);
}

static bool on_event(void *ctx, const struct media_event *event) {
    (void)ctx;
    assert_true(event->type >= MEDIA_PRODUCER_SCORE && event->type <= MEDIA_AUDIO_LEVEL);
    return true;
}

static void on_forget(void *ctx, void *peer, uint32_t ssrc, bool sent) {
    (void)ctx;
    (void)peer;
    (void)ssrc;
    (void)sent;
}

// ---- deliveries

static void deliver_rtp(struct sim *sim, const struct sim_event *e) {
    struct sim_peer *peer = e->peer;
    struct block *b = pool_take(sim->workers[peer->worker].pool);
    assert_non_null(b);
    memcpy(block_data(b), e->bytes, e->len);
    b->len = e->len;
    // The transport-wide number is the first extension: see begin_packet.
    peer->owner->publisher.arrived[load_be16(e->bytes + 17)] = true;
    forwarder_rtp(sim->workers[peer->worker].fw, peer->endpoint, b, sim->now_us);
}

// That leads to the worker of its publisher.
static struct link_id link_of_producer(const struct sim *sim, struct producer_id id) {
    return link_of_worker(sim->participants[(id.v - 1) / 2].publisher.peer.worker);
}

static void deliver_relay(struct sim *sim, const struct sim_event *e) {
    struct block *b = pool_take(sim->workers[e->worker].pool);
    assert_non_null(b);
    struct relay_address to;
    assert_int_equal(relay_wire_read(span_of(e->bytes, e->len), sim->now_us, &to, b), ERR_OK);
    forwarder_relayed_rtp(sim->workers[e->worker].fw, link_of_producer(sim, to.producer), to.producer,
                          to.stream, b, sim->now_us);
}

static void deliver(struct sim *sim, const struct sim_event *e) {
    struct span bytes = span_of(e->bytes, e->len);
    sim->delivered++;
    for (unsigned i = 0; i < e->len; i += 7)
        sim->hash = (sim->hash ^ e->bytes[i] ^ e->at_us) * UINT64_C(1099511628211);
    struct forwarder *fw = e->peer ? sim->workers[e->peer->worker].fw : sim->workers[e->worker].fw;
    switch (e->kind) {
    case SIM_UP_RTP:
        deliver_rtp(sim, e);
        break;
    case SIM_UP_RTCP:
        assert_true(forwarder_rtcp(fw, e->peer->endpoint, bytes, sim->now_us));
        break;
    case SIM_DOWN_RTP:
        sim_receiver_rtp(&e->peer->owner->receiver, bytes);
        break;
    case SIM_DOWN_RTCP:
        if (e->peer->publishes)
            sim_publisher_rtcp(&e->peer->owner->publisher, bytes);
        else
            sim_receiver_rtcp(&e->peer->owner->receiver, bytes);
        break;
    case SIM_RELAY_RTP:
        deliver_relay(sim, e);
        break;
    case SIM_RELAY_NOTE: {
        struct relay_note note;
        memcpy(&note, e->bytes, sizeof note);
        forwarder_relay_note(fw, link_of_producer(sim, note.producer), &note, sim->now_us);
        break;
    }
    }
}

// ---- who joins

void sim_command(struct sim *sim, unsigned worker, const struct media_cmd *cmd) {
    forwarder_command(sim->workers[worker].fw, cmd, sim->now_us);
}

static struct media_cmd producer_cmd(const struct sim *sim, unsigned i, bool video) {
    const struct sim_publisher *p = &sim->participants[i].publisher;
    struct media_cmd cmd = {
        .type = MEDIA_OPEN_PRODUCER, .transport = {2 * i + 1}, .producer = {2 * i + 1 + video}};
    struct producer_params *params = &cmd.open_producer.params;
    *params = (struct producer_params){.kind = video ? MEDIA_VIDEO : MEDIA_AUDIO,
                                       .codec = video ? CODEC_VP8 : CODEC_OPUS,
                                       .payload_type = video ? 96 : 111,
                                       .rtx_payload_type = video ? 97 : PAYLOAD_TYPE_NONE,
                                       .clock_rate = video ? 90000 : 48000,
                                       .stream_count = video ? (uint8_t)sim->config.layers : 1,
                                       .mid = {video ? '1' : '0'},
                                       .nack = video,
                                       .pli = video,
                                       .transport_cc = true,
                                       .dtx = !video,
                                       .spatial_layers = 1,
                                       .temporal_layers = 1};
    params->ext.ids[EXT_MID] = 4;
    params->ext.ids[EXT_RID] = 10;
    params->ext.ids[EXT_REPAIRED_RID] = 11;
    params->ext.ids[EXT_TRANSPORT_CC] = 3;
    for (unsigned k = 0; video && sim->config.layers > 1 && k < sim->config.layers; k++)
        params->streams[k] = (struct stream_params){.rid = {'r', (char)('0' + k)}};
    if (!video)
        params->streams[0].ssrc = p->audio.ssrc;
    else if (sim->config.layers == 1)
        params->streams[0] =
            (struct stream_params){.ssrc = p->video[0].ssrc, .rtx_ssrc = p->video[0].rtx_ssrc};
    cmd.open_producer.source = link_of_worker(p->peer.worker);
    return cmd;
}

static struct media_cmd consumer_cmd(const struct sim *sim, unsigned to, struct sim_track *t,
                                     unsigned producer) {
    struct media_cmd cmd = {.type = MEDIA_OPEN_CONSUMER,
                            .transport = {2 * to + 2},
                            .producer = {producer},
                            .consumer = {t->consumer}};
    bool rtx = t->rtx_ssrc != 0;
    cmd.open_consumer.params = (struct consumer_params){.kind = t->video ? MEDIA_VIDEO : MEDIA_AUDIO,
                                                        .payload_type = t->video ? 101 : 100,
                                                        .rtx_payload_type = rtx ? 102 : PAYLOAD_TYPE_NONE,
                                                        .clock_rate = t->clock_rate,
                                                        .ssrc = t->ssrc,
                                                        .rtx_ssrc = t->rtx_ssrc,
                                                        .mid = "5",
                                                        .nack = t->video,
                                                        .pli = true};
    if (t->video && !sim->config.not_told)
        cmd.open_consumer.params.ext.ids[EXT_PLAYOUT_DELAY] = EXT_ROUTER_ID(EXT_PLAYOUT_DELAY);
    snprintf(cmd.open_consumer.params.cname, CNAME_MAX, "participant-%u", (producer - 1) / 2);
    (void)sim;
    return cmd;
}

static void open_peer(struct sim *sim, struct sim_peer *peer, unsigned i, bool publishes) {
    *peer = (struct sim_peer){.sim = sim,
                              .owner = &sim->participants[i],
                              .worker = i % sim->config.workers,
                              .publishes = publishes};
    struct transport_id id = {2 * i + (publishes ? 1 : 2)};
    peer->endpoint = forwarder_open_endpoint(sim->workers[peer->worker].fw, id, peer);
    assert_non_null(peer->endpoint);
    forwarder_endpoint_connected(sim->workers[peer->worker].fw, peer->endpoint, sim->now_us);
}

static void open_producers(struct sim *sim, unsigned i) {
    unsigned home = sim->participants[i].publisher.peer.worker;
    for (unsigned video = 0; video < 2; video++) {
        struct media_cmd cmd = producer_cmd(sim, i, video);
        sim_command(sim, home, &cmd);
        for (unsigned w = 0; w < sim->config.workers; w++) {
            if (w == home)
                continue;
            cmd.type = MEDIA_OPEN_RELAYED_PRODUCER;
            sim_command(sim, w, &cmd);
            struct media_cmd relay = {.type = MEDIA_OPEN_RELAY, .producer = cmd.producer};
            relay.relay.link = link_of_worker(w);
            sim_command(sim, home, &relay);
        }
    }
}

static void open_consumers(struct sim *sim, unsigned to) {
    struct sim_receiver *r = &sim->participants[to].receiver;
    r->tracks = calloc(2 * sim->config.participants, sizeof *r->tracks);
    assert_non_null(r->tracks);
    for (unsigned from = 0; from < sim->config.participants; from++) {
        for (unsigned video = 0; from != to && video < 2; video++) {
            struct sim_track *t = &r->tracks[r->track_count++];
            t->numbers = calloc(sim->config.numbers, sizeof *t->numbers);
            assert_non_null(t->numbers);
            uint32_t id = 1 + (to * sim->config.participants + from) * 2 + video;
            t->consumer = id;
            t->ssrc = 1000000 + id * 2;
            t->rtx_ssrc = video && sim->config.rtx_to_receivers ? t->ssrc + 1 : 0;
            t->video = video;
            t->clock_rate = video ? 90000 : 48000;
            t->from = &sim->participants[from].publisher;
            struct media_cmd cmd = consumer_cmd(sim, to, t, 2 * from + 1 + video);
            sim_command(sim, r->peer.worker, &cmd);
        }
    }
}

struct sim *sim_create(const struct sim_config *config) {
    struct sim *sim = calloc(1, sizeof *sim);
    assert_non_null(sim);
    sim->config = *config;
    if (sim->config.numbers == 0)
        sim->config.numbers = SIM_NUMBERS;
    sim->now_us = SIM_START_US;
    sim->random = config->seed;
    sim->oracle = nonce_oracle_create();
    for (unsigned w = 0; w < config->workers; w++) {
        struct forwarder_config fw = {.link = link_of_worker(w), .random_seed = config->seed * 31 + w};
        struct forwarder_output out = {.ctx = sim,
                                       .send_rtp = on_rtp,
                                       .send_again = on_again,
                                       .send_rtcp = on_rtcp,
                                       .relay_rtp = on_relay_rtp,
                                       .relay_note = on_relay_note,
                                       .event = on_event,
                                       .forget_ssrc = on_forget};
        wheel_init(&sim->workers[w].wheel, sim->now_us);
        sim->workers[w].pool = pool_create(1 << 20);
        sim->workers[w].fw = forwarder_create(&fw, &out, sim->workers[w].pool, &sim->workers[w].wheel);
        assert_non_null(sim->workers[w].fw);
    }
    sim->participants = calloc(config->participants, sizeof *sim->participants);
    assert_non_null(sim->participants);
    for (unsigned i = 0; i < config->participants; i++) {
        open_peer(sim, &sim->participants[i].publisher.peer, i, true);
        open_peer(sim, &sim->participants[i].receiver.peer, i, false);
        sim_publisher_init(&sim->participants[i].publisher, sim, i);
    }
    for (unsigned i = 0; i < config->participants; i++)
        open_producers(sim, i);
    for (unsigned i = 0; i < config->participants; i++)
        open_consumers(sim, i);
    return sim;
}

void sim_run(struct sim *sim, uint64_t us) {
    for (uint64_t end_us = sim->now_us + us; sim->now_us < end_us;) {
        uint64_t until_us = sim->now_us + US_PER_MS;
        for (struct sim_event *e; (e = sim_event_pop(sim, until_us)) != NULL; free(e)) {
            if (e->at_us > sim->now_us)
                sim->now_us = e->at_us;
            deliver(sim, e);
        }
        sim->now_us = until_us;
        for (unsigned w = 0; w < sim->config.workers; w++) {
            forwarder_flush(sim->workers[w].fw);
            wheel_advance(&sim->workers[w].wheel, sim->now_us);
        }
        for (unsigned i = 0; i < sim->config.participants; i++) {
            sim_publisher_tick(&sim->participants[i].publisher);
            sim_receiver_tick(&sim->participants[i].receiver);
        }
    }
}

void sim_check(struct sim *sim) {
    for (unsigned i = 0; i < sim->config.participants; i++) {
        sim_publisher_finish(&sim->participants[i].publisher);
        sim_receiver_finish(&sim->participants[i].receiver);
    }
}

static void peer_cut(struct sim *sim, struct sim_peer *peer, bool cut) {
    peer->unreachable = cut;
    forwarder_endpoint_reachable(sim->workers[peer->worker].fw, peer->endpoint, !cut, sim->now_us);
}

void sim_cut(struct sim *sim, bool cut) {
    for (unsigned i = 0; i < sim->config.participants; i++) {
        peer_cut(sim, &sim->participants[i].publisher.peer, cut);
        peer_cut(sim, &sim->participants[i].receiver.peer, cut);
    }
}

void sim_cut_downlinks(struct sim *sim, bool cut) {
    sim->downlinks_cut = cut;
}

void sim_destroy(struct sim *sim) {
    nonce_oracle_destroy(sim->oracle);
    for (unsigned w = 0; w < sim->config.workers; w++) {
        forwarder_destroy(sim->workers[w].fw);
        assert_int_equal(pool_taken(sim->workers[w].pool), 0);
        assert_int_equal(sim->workers[w].wheel.armed, 0);
        pool_destroy(sim->workers[w].pool);
    }
    for (unsigned i = 0; i < sim->config.participants; i++) {
        struct sim_receiver *r = &sim->participants[i].receiver;
        for (unsigned k = 0; k < r->track_count; k++)
            free(r->tracks[k].numbers);
        free(r->tracks);
    }
    for (unsigned i = 0; i < sim->heap_count; i++)
        free(sim->heap[i]);
    free(sim->heap);
    free(sim->participants);
    free(sim);
}
