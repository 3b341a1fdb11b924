// The forwarder of a call, its clock and what is on its way.
#include "tests/sim/call.h"

#include "base/bytes.h"
#include "base/clock.h"
#include "rtp/rtp_packet.h"

#include <stdlib.h>

#define UP_DELAY_US 10000
#define SETTLE_US 300000
#define CROSS_BYTES 1200u

const uint32_t call_layer_bps[CALL_LAYERS] = {135000, 350000, 1500000};

uint32_t call_random(struct call *call) {
    uint64_t z = (call->random += UINT64_C(0x9e3779b97f4a7c15));
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return (uint32_t)(z >> 32);
}

// ---- on their way

static bool before(const struct call_event *a, const struct call_event *b) {
    return a->at_us != b->at_us ? a->at_us < b->at_us : a->order < b->order;
}

void call_push(struct call *call, uint64_t at_us, unsigned kind, void *to, struct span bytes) {
    struct call_event *e = calloc(1, sizeof *e + bytes.len);
    assert_non_null(e);
    *e = (struct call_event){
        .at_us = at_us, .order = call->order++, .kind = kind, .to = to, .len = (uint16_t)bytes.len};
    memcpy(e->bytes, bytes.ptr, bytes.len);
    if (call->heap_count == call->heap_cap) {
        call->heap_cap = call->heap_cap ? call->heap_cap * 2 : 1024;
        call->heap = realloc(call->heap, call->heap_cap * sizeof *call->heap);
        assert_non_null(call->heap);
    }
    unsigned i = call->heap_count++;
    for (; i > 0 && before(e, call->heap[(i - 1) / 2]); i = (i - 1) / 2)
        call->heap[i] = call->heap[(i - 1) / 2];
    call->heap[i] = e;
}

static struct call_event *call_pop(struct call *call, uint64_t until_us) {
    if (call->heap_count == 0 || call->heap[0]->at_us > until_us)
        return NULL;
    struct call_event *top = call->heap[0], *last = call->heap[--call->heap_count];
    unsigned i = 0;
    for (unsigned child; (child = 2 * i + 1) < call->heap_count; i = child) {
        if (child + 1 < call->heap_count && before(call->heap[child + 1], call->heap[child]))
            child++;
        if (!before(call->heap[child], last))
            break;
        call->heap[i] = call->heap[child];
    }
    if (call->heap_count > 0)
        call->heap[i] = last;
    return top;
}

// ---- what the forwarder says

static bool is_publisher(const struct call *call, const void *peer) {
    return (const char *)peer >= (const char *)call->publishers &&
           (const char *)peer < (const char *)(call->publishers + CALL_PUBLISHERS_MAX);
}

static void call_down(struct call *call, struct call_viewer *v, struct block *b) {
    struct link_arrival arrival = link_send(v->link, b->len + 44u, call->now_us);
    v->bytes += b->len + 44u;
    v->packets++;
    if (arrival.arrives && !v->unreachable)
        call_push(call, arrival.at_us, CALL_DOWN_RTP, v, span_of(block_data(b), b->len));
    block_release(b);
}

// VP8's PictureID and TL0PICIDX, as publishers here write them.
static void note_pictures(struct call_track *t, struct span payload) {
    uint16_t picture = load_be16(payload.ptr + 2) & 0x7fff;
    uint8_t tl0 = payload.ptr[4];
    uint16_t step = (uint16_t)((picture - t->picture) & 0x7fff);
    if (t->pictured && (step > 1 || (uint8_t)(tl0 - t->tl0) > 1))
        fail_msg("SSRC %u: picture %u.%u after %u.%u", t->ssrc, picture, tl0, t->picture, t->tl0);
    t->pictured = true;
    t->picture = picture;
    t->tl0 = tl0;
}

// What leaves for a viewer has numbers without a gap, whatever was left out, waited or was left behind, as
// long as all of it came.
static void note_numbers(struct call *call, struct call_viewer *v, struct span bytes, uint64_t index) {
    struct rtp_packet packet;
    bool rtx;
    assert_int_equal(rtp_parse(bytes, &packet), ERR_OK);
    struct call_track *t = viewer_track(v, packet.ssrc, &rtx);
    if (!t || call->config.up[t->publisher].rate_bps)
        return;
    if (t->left[rtx] && index != t->left[rtx] + 1)
        fail_msg("SSRC %u: index %llu after %llu", packet.ssrc, (unsigned long long)index,
                 (unsigned long long)t->left[rtx]);
    t->left[rtx] = index;
    if (t->video && !rtx && packet.payload.len > 5)
        note_pictures(t, packet.payload);
}

static bool on_rtp(void *ctx, void *peer, struct block *b, enum media_kind kind, uint64_t index) {
    struct call *call = ctx;
    struct span packet = span_of(block_data(b), b->len);
    (void)kind;
    assert_false(is_publisher(call, peer));
    assert_int_equal(load_be16(packet.ptr + 2), (uint16_t)index);
    uint32_t ssrc = load_be32(packet.ptr + 8);
    if (nonce_oracle_note(call->oracle, (uintptr_t)peer, ssrc, index, nonce_oracle_digest(packet)) !=
        NONCE_FRESH)
        fail_msg("index %llu of SSRC %u protects a second packet", (unsigned long long)index, ssrc);
    note_numbers(call, peer, packet, index);
    liar_overhears(peer, packet);
    call_down(call, peer, b);
    return true;
}

static void on_again(void *ctx, void *peer, struct block *b, enum media_kind kind) {
    (void)kind;
    call_down(ctx, peer, b);
}

static void on_rtcp(void *ctx, void *peer, struct span datagram) {
    struct call *call = ctx;
    if (is_publisher(call, peer))
        call_push(call, call->now_us + UP_DELAY_US, CALL_PUBLISHER_RTCP, peer, datagram);
    else
        (void)link_send(((struct call_viewer *)peer)->link, (unsigned)datagram.len + 44, call->now_us);
}

// Of whom it sees is the same to who sees it.
static void note_change(struct call_viewer *v, uint64_t now_us) {
    v->changes_us[v->change_count++ % CALL_CHANGES_MAX] = now_us;
    unsigned kept = v->change_count < CALL_CHANGES_MAX ? v->change_count : CALL_CHANGES_MAX, lately = 0;
    for (unsigned i = 0; i < kept; i++)
        lately += now_us < v->changes_us[i] + 10 * US_PER_SECOND;
    v->changes_10s = lately > v->changes_10s ? lately : v->changes_10s;
}

static bool on_event(void *ctx, const struct media_event *event) {
    struct call *call = ctx;
    if (event->type != MEDIA_CONSUMER_LAYERS)
        return true;
    for (unsigned i = 0; i < call->config.viewers; i++)
        for (unsigned k = 0; k < call->viewers[i].track_count; k++) {
            struct call_track *t = &call->viewers[i].tracks[k];
            if (t->consumer != event->consumer.v)
                continue;
            bool changes = t->spatial != event->layers.spatial || t->temporal != event->layers.temporal;
            if (changes && call->now_us > t->changed_us + SETTLE_US) { // one switch is told in steps
                t->changes++;
                note_change(&call->viewers[i], call->now_us);
            }
            t->spatial = event->layers.spatial;
            t->temporal = event->layers.temporal;
            t->reason = event->layers.reason;
            t->changed_us = call->now_us;
            if (getenv("CALL_VERBOSE"))
                print_message("%7.2f s viewer %u publisher %u: %d.%d reason %u\n",
                              (double)(call->now_us - CALL_START_US) / 1e6, i, t->publisher, t->spatial,
                              t->temporal, t->reason);
        }
    return true;
}

static void on_forget(void *ctx, void *peer, uint32_t ssrc, bool sent) {
    (void)ctx, (void)peer, (void)ssrc, (void)sent;
}

// ---- life

void call_command(struct call *call, const struct media_cmd *cmd) {
    forwarder_command(call->fw, cmd, call->now_us);
}

static void stall_of(struct link_config *link, const struct call_config *config) {
    link->stall_us = config->stall_us;
    link->stall_every_us = config->stall_every_us;
}

static void open_publisher(struct call *call, unsigned index) {
    publisher_open(call, index);
    stall_of(&call->publishers[index].up.config, &call->config);
}

void call_join(struct call *call, bool publishes) {
    if (publishes) {
        unsigned publisher = call->config.publishers++;
        open_publisher(call, publisher);
        for (unsigned i = 0; i < call->config.viewers; i++)
            viewer_see(&call->viewers[i], publisher);
    }
    viewer_open(call, call->config.viewers++);
}

void call_wish(struct call *call, int8_t spatial) {
    call->config.wish_spatial = spatial;
    for (unsigned i = 0; i < call->config.viewers; i++)
        viewer_wish(&call->viewers[i]);
}

struct call *call_create(const struct call_config *config) {
    struct call *call = calloc(1, sizeof *call);
    assert_non_null(call);
    call->config = *config;
    call->now_us = CALL_START_US;
    call->random = config->seed;
    call->oracle = nonce_oracle_create();
    call->pool = pool_create(1 << 16);
    wheel_init(&call->wheel, call->now_us);
    struct forwarder_output out = {.ctx = call,
                                   .send_rtp = on_rtp,
                                   .send_again = on_again,
                                   .send_rtcp = on_rtcp,
                                   .event = on_event,
                                   .forget_ssrc = on_forget};
    struct forwarder_config fw = {.random_seed = config->seed};
    media_limits_fill(&fw.limits);
    call->fw = forwarder_create(&fw, &out, call->pool, &call->wheel);
    assert_non_null(call->fw);
    call->turns.random = config->seed + 200;
    stall_of(&call->turns.config, config);
    for (unsigned i = 0; i < CALL_LINKS_MAX; i++) {
        call->links[i] = link_of(&config->links[i], config->seed + i);
        stall_of(&call->links[i].config, config);
    }
    for (unsigned i = 0; i < config->publishers; i++)
        open_publisher(call, i);
    for (unsigned i = 0; i < config->viewers; i++) {
        if (config->feedback[i] == CALL_TWCC && getenv("CALL_CCFB"))
            call->config.feedback[i] = CALL_CCFB;
        viewer_open(call, i);
    }
    return call;
}

static void deliver(struct call *call, struct call_event *e) {
    struct span bytes = span_of(e->bytes, e->len);
    if (e->kind == CALL_UP_RTP) {
        struct block *b = pool_take(call->pool);
        assert_non_null(b);
        memcpy(block_data(b), e->bytes, e->len);
        b->len = e->len;
        forwarder_rtp(call->fw, ((struct call_publisher *)e->to)->endpoint, b, call->now_us);
    } else if (e->kind == CALL_UP_RTCP) {
        (void)forwarder_rtcp(call->fw, ((struct call_viewer *)e->to)->endpoint, bytes, call->now_us);
    } else if (e->kind == CALL_DOWN_RTP) {
        struct call_viewer *v = e->to;
        uint64_t read_us = link_after_stall(&v->reads, call->now_us);
        if (read_us > call->now_us)
            call_push(call, read_us, CALL_DOWN_RTP, v, bytes);
        else
            viewer_rtp(v, bytes);
    } else {
        publisher_rtcp(e->to, bytes);
    }
}

// CALL_TRACE=MS: what the links carry and hold, so often.
static void call_trace(struct call *call) {
    static int every_ms = -1;
    if (every_ms < 0)
        every_ms = getenv("CALL_TRACE") ? atoi(getenv("CALL_TRACE")) : 0;
    uint64_t ms = (call->now_us - CALL_START_US) / US_PER_MS;
    if (every_ms == 0 || ms % (uint64_t)every_ms != 0)
        return;
    for (unsigned i = 0; i < call->config.viewers; i++) {
        struct transport_stats s = call_stats(call, i);
        print_message("%7.2f s viewer %u: estimate %u k (%d), granted %u k, padding %llu, queue %u ms\n",
                      (double)ms / 1000, i, s.estimate_bps / 1000, s.estimate_reason, s.target_bps / 1000,
                      (unsigned long long)s.padding_bytes_sent,
                      link_queue_us(&call->links[call->config.link_of_viewer[i]], call->now_us) / 1000);
    }
}

// What others send over the first link in this millisecond.
static void call_cross(struct call *call) {
    for (call->cross_bits += call->cross_bps / 1000; call->cross_bits >= 8 * CROSS_BYTES;
         call->cross_bits -= 8 * CROSS_BYTES)
        (void)link_send(&call->links[0], CROSS_BYTES, call->now_us);
}

void call_run(struct call *call, uint64_t us) {
    for (uint64_t end_us = call->now_us + us; call->now_us < end_us;) {
        uint64_t until_us = call->now_us + US_PER_MS;
        bool stalls = link_after_stall(&call->turns, until_us) > until_us;
        for (struct call_event *e; !stalls && (e = call_pop(call, until_us)); free(e)) {
            call->now_us = e->at_us > call->now_us ? e->at_us : call->now_us;
            deliver(call, e);
        }
        call->now_us = until_us;
        if (!stalls) {
            forwarder_flush(call->fw);
            wheel_advance(&call->wheel, call->now_us);
        }
        call_cross(call);
        for (unsigned i = 0; i < call->config.publishers; i++)
            publisher_tick(&call->publishers[i]);
        for (unsigned i = 0; i < call->config.viewers; i++)
            viewer_tick(&call->viewers[i]);
        for (unsigned i = 0; i < call->rival_count; i++)
            rival_step(call->rivals[i], call->now_us);
        for (unsigned i = 0; i < CALL_LINKS_MAX; i++) {
            uint32_t queue_us = link_queue_us(&call->links[i], call->now_us);
            call->queue_sum_us[i] += queue_us;
            call->queue_max_us[i] = queue_us > call->queue_max_us[i] ? queue_us : call->queue_max_us[i];
        }
        call->queue_count++;
        call_trace(call);
    }
}

void call_measure(struct call *call) {
    call->queue_count = 0;
    for (unsigned i = 0; i < CALL_LINKS_MAX; i++)
        call->queue_sum_us[i] = call->queue_max_us[i] = 0;
    for (unsigned i = 0; i < call->config.viewers; i++) {
        call->viewers[i].bytes = call->viewers[i].packets = call->viewers[i].padding_packets = 0;
        call->viewers[i].change_count = call->viewers[i].changes_10s = 0;
        for (unsigned k = 0; k < call->viewers[i].track_count; k++) {
            struct call_track *t = &call->viewers[i].tracks[k];
            t->frames = t->key_frames = t->audio_packets = t->audio_lost = t->changes = t->plis = 0;
            t->freeze_us = t->audio_gap_us = t->media_bytes = 0;
        }
    }
    for (unsigned i = 0; i < call->config.publishers; i++)
        for (unsigned k = 0; k < CALL_LAYERS; k++)
            call->publishers[i].layers[k].keys = 0;
}

uint64_t call_queue_ms(const struct call *call, unsigned link) {
    return call->queue_count ? call->queue_sum_us[link] / call->queue_count / 1000 : 0;
}

struct call_track *call_track(struct call *call, unsigned viewer, unsigned publisher, bool video) {
    struct call_viewer *v = &call->viewers[viewer];
    for (unsigned i = 0; i < v->track_count; i++)
        if (v->tracks[i].publisher == publisher && v->tracks[i].video == video)
            return &v->tracks[i];
    fail();
    return NULL;
}

struct transport_stats call_stats(struct call *call, unsigned viewer) {
    struct media_stats stats = {0};
    struct media_cmd cmd = {.type = MEDIA_GET_STATS, .transport = {100 + viewer}};
    forwarder_stats(call->fw, &cmd, call->now_us, &stats);
    assert_true(stats.found);
    return stats.transport;
}

void call_destroy(struct call *call) {
    forwarder_destroy(call->fw);
    assert_int_equal(pool_taken(call->pool), 0);
    assert_int_equal(call->wheel.armed, 0);
    pool_destroy(call->pool);
    nonce_oracle_destroy(call->oracle);
    for (unsigned i = 0; i < call->config.publishers; i++)
        bandwidth_destroy(call->publishers[i].bandwidth);
    for (unsigned i = 0; i < call->config.viewers; i++) {
        twcc_recorder_destroy(call->viewers[i].recorder);
        ccfb_recorder_destroy(call->viewers[i].named);
    }
    while (call->heap_count > 0)
        free(call->heap[--call->heap_count]);
    free(call->heap);
    free(call);
}
