#include "tests/sim/flow.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

#define PACKET_BYTES 1200
#define OVERHEAD_BYTES 48 // IP, UDP, SRTP
#define FRAME_US 33333
#define PACED_BURST_US 20000
#define AUDIO_US 20000
#define AUDIO_BYTES 130
#define FEEDBACK_CCFB_US 50000
#define SSRC 0x1234567
#define LAYER_UP_SHARE 1.1 // of a layer: what the target must be for it
#define LAYER_UP_WAIT_US 1000000

static uint32_t flow_random(struct flow *f) {
    f->random = f->random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(f->random >> 33);
}

void flow_init(struct flow *f, const struct flow_config *config, struct link *link, uint64_t seed) {
    *f = (struct flow){.config = *config, .link = link, .random = seed * 2 + 1};
    f->bandwidth = bandwidth_create(&config->bandwidth, FLOW_START_US);
    f->recorder = twcc_recorder_create();
    assert_non_null(f->bandwidth);
    assert_non_null(f->recorder);
    f->number = (uint16_t)flow_random(f);
    f->next_frame_us = f->next_audio_us = FLOW_START_US + config->begin_us + flow_random(f) % FRAME_US;
    f->next_tick_us = FLOW_START_US;
}

void flow_done(struct flow *f) {
    bandwidth_destroy(f->bandwidth);
    twcc_recorder_destroy(f->recorder);
}

static uint64_t flow_demand(const struct flow *f) {
    if (f->config.demand_bps)
        return f->config.demand_bps;
    return f->config.layer_count ? f->config.layers_bps[f->config.layer_count - 1] : UINT64_C(100000000);
}

// ---- sending

static void flow_send(struct flow *f, unsigned bytes, bool padding, uint64_t now_us) {
    uint16_t number = ++f->number;
    if (f->config.feedback == FLOW_CCFB)
        bandwidth_sent_rtp(f->bandwidth, SSRC, number, (uint16_t)bytes, padding, now_us);
    else
        bandwidth_sent(f->bandwidth, number, (uint16_t)bytes, padding, now_us);
    f->sent_bytes += bytes;
    f->padding_bytes += padding ? bytes : 0;
    f->media_bytes += padding ? 0 : bytes;
    struct link_arrival arrival = link_send(f->link, bytes, now_us);
    if (!arrival.arrives)
        return;
    f->queued_us = arrival.queued_us;
    assert_true(f->waiting_count < FLOW_WAITING_MAX);
    unsigned at = f->waiting_count++;
    for (; at > 0 && f->waiting[at - 1].at_us > arrival.at_us + f->config.access_us; at--)
        f->waiting[at] = f->waiting[at - 1];
    f->waiting[at] = (struct flow_event){.at_us = arrival.at_us + f->config.access_us,
                                         .number = number,
                                         .bytes = (uint16_t)bytes,
                                         .marked = arrival.marked};
}

// A choice as an allocator makes it, without finesse: the highest layer that fits, up after a while.
static uint32_t flow_layer_bps(struct flow *f, uint32_t target_bps, uint64_t now_us) {
    int fits = 0;
    for (unsigned i = 1; i < f->config.layer_count; i++)
        if ((double)target_bps >= f->config.layers_bps[i] * (i > (unsigned)f->layer ? LAYER_UP_SHARE : 1.0))
            fits = (int)i;
    if (fits <= f->layer)
        f->layer_up_us = now_us + LAYER_UP_WAIT_US;
    if (fits < f->layer || (fits > f->layer && now_us >= f->layer_up_us)) {
        f->layer = fits;
        f->layer_changes++;
    }
    return f->config.layers_bps[f->layer];
}

static uint32_t flow_rate(struct flow *f, uint64_t now_us) {
    uint32_t target = flow_target(f);
    if (f->config.kind == FLOW_FIXED)
        return f->config.layers_bps[0];
    return f->config.kind == FLOW_LAYERS ? flow_layer_bps(f, target, now_us) : target;
}

// A frame of what the source has at this rate, a quarter more or less, at once.
static void flow_send_frame(struct flow *f, uint64_t now_us) {
    double bytes = (double)flow_rate(f, now_us) * FRAME_US / 8 / 1e6 - AUDIO_BYTES * FRAME_US / AUDIO_US;
    bytes = (bytes > 100 ? bytes : 100) + f->debt_bytes;
    bytes = bytes > 100 ? bytes : 100;
    double now = bytes * (75 + flow_random(f) % 51) / 100;
    f->debt_bytes = bytes - now;
    f->held_bytes += (uint32_t)now;
}

// What a frame left, as far as it may go: at once, or at the rate of the target, with a burst.
static void flow_send_held(struct flow *f, uint64_t now_us) {
    double rate = flow_target(f) / 8e6, most = rate * PACED_BURST_US;
    f->room_bytes += rate * (double)(now_us - f->room_us);
    most = most > PACKET_BYTES ? most : PACKET_BYTES;
    f->room_bytes = f->room_bytes < most ? f->room_bytes : most;
    f->room_us = now_us;
    while (f->held_bytes > 0 && (!f->config.paced || f->room_bytes > 0)) {
        unsigned packet = f->held_bytes < PACKET_BYTES ? f->held_bytes : PACKET_BYTES;
        flow_send(f, packet, false, now_us);
        f->held_bytes -= packet;
        f->room_bytes -= packet;
    }
}

static void flow_send_all(struct flow *f, uint64_t now_us) {
    if (now_us >= f->next_audio_us) {
        flow_send(f, AUDIO_BYTES, false, now_us);
        f->next_audio_us += AUDIO_US;
    }
    if (now_us >= f->next_frame_us) {
        flow_send_frame(f, now_us);
        f->next_frame_us += FRAME_US;
    }
    flow_send_held(f, now_us);
    struct bandwidth_probe probe = bandwidth_probe(f->bandwidth, now_us);
    while (probe.bytes > 0 && !f->config.no_padding) {
        uint32_t packet = probe.bytes < probe.packet_bytes ? probe.bytes : probe.packet_bytes;
        packet = packet < OVERHEAD_BYTES ? OVERHEAD_BYTES : packet;
        flow_send(f, packet, true, now_us);
        probe.bytes -= packet < probe.bytes ? packet : probe.bytes;
    }
}

// ---- what comes, and feedback about it

static void flow_arrive(struct flow *f, uint64_t now_us) {
    unsigned n = 0;
    for (; n < f->waiting_count && f->waiting[n].at_us <= now_us; n++) {
        struct flow_event *e = &f->waiting[n];
        f->arrived_bytes += e->bytes;
        if (f->config.feedback == FLOW_TWCC)
            twcc_recorder_add(f->recorder, e->number, e->at_us + UINT64_C(7777777));
        else if (f->came_count < FLOW_WAITING_MAX)
            f->came[f->came_count++] = *e;
    }
    memmove(f->waiting, f->waiting + n, (f->waiting_count - n) * sizeof *f->waiting);
    f->waiting_count -= n;
}

// RFC 8888, 3.1, of one SSRC; numbers that have not come are told as missing.
static size_t flow_write_ccfb(struct flow *f, uint8_t *out, size_t cap, uint64_t now_us) {
    struct writer w = writer_of(out, cap);
    uint16_t first = f->came[0].number, last = first;
    for (unsigned i = 0; i < f->came_count; i++) {
        first = (int16_t)(f->came[i].number - first) < 0 ? f->came[i].number : first;
        last = (int16_t)(f->came[i].number - last) > 0 ? f->came[i].number : last;
    }
    if (f->ccfb_next && (int16_t)((uint16_t)f->ccfb_next - first) < 0)
        first = (uint16_t)f->ccfb_next;
    uint16_t count = (uint16_t)(last - first + 1);
    write_u32(&w, SSRC);
    write_u16(&w, first);
    write_u16(&w, count);
    size_t at = w.len;
    write_zeros(&w, (size_t)(count + count % 2) * 2);
    for (unsigned i = 0; i < f->came_count && !w.failed; i++) {
        uint64_t offset = (now_us - f->came[i].at_us) * 1024 / 1000000;
        store_be16(
            out + at + 2 * (uint16_t)(f->came[i].number - first),
            (uint16_t)(0x8000 | (f->came[i].marked ? 0x6000 : 0) | (offset < 0x1ffd ? offset : 0x1ffe)));
    }
    write_u32(&w, (uint32_t)((now_us + 7777777) * 1024 / 15625));
    f->ccfb_next = (uint32_t)last + 1;
    f->came_count = 0;
    assert_false(w.failed);
    return w.len;
}

static void flow_queue_feedback(struct flow *f, const uint8_t *bytes, size_t len, uint64_t now_us) {
    if (flow_random(f) % 1000 < f->config.feedback_loss_permille || f->feedback_count == 32)
        return;
    unsigned at = (f->feedback_first + f->feedback_count++) % 32;
    f->feedback[at].at_us = now_us + f->config.return_us + f->config.access_us;
    f->feedback[at].len = len;
    memcpy(f->feedback[at].bytes, bytes, len);
}

static void flow_make_feedback(struct flow *f, uint64_t now_us) {
    uint8_t bytes[1500];
    if (f->config.feedback == FLOW_TWCC && now_us + UINT64_C(7777777) >= twcc_recorder_next_us(f->recorder)) {
        for (struct writer w;
             w = writer_of(bytes, sizeof bytes), twcc_recorder_write(f->recorder, &w, 1, 2, now_us);) {
            size_t padding = bytes[0] & 0x20 ? bytes[w.len - 1] : 0;
            flow_queue_feedback(f, bytes + 12, w.len - 12 - padding, now_us);
        }
    } else if (f->config.feedback == FLOW_CCFB && now_us >= f->next_feedback_us && f->came_count) {
        f->next_feedback_us = now_us + FEEDBACK_CCFB_US;
        size_t len = flow_write_ccfb(f, bytes, sizeof bytes, now_us);
        flow_queue_feedback(f, bytes, len, now_us);
    }
}

static void flow_take_feedback(struct flow *f, uint64_t now_us) {
    while (f->feedback_count && f->feedback[f->feedback_first].at_us <= now_us) {
        struct span span = span_of(f->feedback[f->feedback_first].bytes, f->feedback[f->feedback_first].len);
        bool right = f->config.feedback == FLOW_TWCC ? bandwidth_twcc(f->bandwidth, span, now_us)
                                                     : bandwidth_ccfb(f->bandwidth, span, now_us);
        assert_true(right);
        f->feedback_first = (f->feedback_first + 1) % 32;
        f->feedback_count--;
    }
}

void flow_step(struct flow *f, uint64_t now_us) {
    uint64_t since = now_us - FLOW_START_US;
    if (since < f->config.begin_us)
        return;
    bool over = f->config.end_us && since >= f->config.end_us;
    if (now_us >= f->next_tick_us) {
        bandwidth_demand(f->bandwidth, over ? 0 : flow_demand(f), now_us);
        bandwidth_tick(f->bandwidth, now_us);
        f->next_tick_us = bandwidth_next_us(f->bandwidth);
        if (f->next_tick_us > now_us + BANDWIDTH_TICK_US)
            f->next_tick_us = now_us + BANDWIDTH_TICK_US;
    }
    flow_arrive(f, now_us);
    flow_make_feedback(f, now_us);
    flow_take_feedback(f, now_us);
    if (!over && now_us >= f->idle_until_us)
        flow_send_all(f, now_us);
    else
        f->next_frame_us = f->next_audio_us = now_us;
    uint32_t target = flow_target(f);
    assert_true(target <= bandwidth_state(f->bandwidth).target_bps);
}

void flow_world_run(struct flow_world *world, uint64_t us) {
    if (world->now_us == 0)
        world->now_us = FLOW_START_US;
    for (uint64_t end = world->now_us + us; world->now_us < end; world->now_us += FLOW_STEP_US) {
        for (unsigned i = 0; i < world->flow_count; i++)
            flow_step(world->flows[i], world->now_us);
        for (unsigned i = 0; i < world->rival_count; i++)
            rival_step(world->rivals[i], world->now_us);
    }
}

// ---- figures

#define SAMPLE_US 50000
#define STANDS_SAMPLES 10

struct flow_counts {
    uint64_t arrived[FLOWS_MAX], padding[FLOWS_MAX], rivals;
    uint32_t changes[FLOWS_MAX];
};

static struct flow_counts world_counts(const struct flow_world *world) {
    struct flow_counts c = {0};
    for (unsigned i = 0; i < world->flow_count; i++) {
        c.arrived[i] = world->flows[i]->arrived_bytes;
        c.padding[i] = world->flows[i]->padding_bytes;
        c.changes[i] = world->flows[i]->layer_changes;
    }
    for (unsigned i = 0; i < world->rival_count; i++)
        c.rivals += world->rivals[i]->arrived_bytes;
    return c;
}

static void figures_sample(const struct flow_world *world, struct flow_figures *out, unsigned n) {
    for (unsigned i = 0; i < world->flow_count; i++) {
        double target = flow_target(world->flows[i]);
        out->target_bps[i] += (target - out->target_bps[i]) / (n + 1);
        if (n == 0 || target < out->target_least_bps[i])
            out->target_least_bps[i] = target;
        if (target > out->target_most_bps[i])
            out->target_most_bps[i] = target;
    }
}

void flow_world_measure(struct flow_world *world, uint64_t us, struct flow_figures *out) {
    struct flow_counts before = world_counts(world);
    uint32_t stands_us = UINT32_MAX;
    *out = (struct flow_figures){0};
    for (unsigned n = 0; n < us / SAMPLE_US; n++) {
        flow_world_run(world, SAMPLE_US);
        figures_sample(world, out, n);
        uint32_t queue_us = link_queue_us(world->link, world->now_us);
        stands_us = queue_us < stands_us ? queue_us : stands_us;
        if (n % STANDS_SAMPLES == STANDS_SAMPLES - 1) {
            out->queue_us = stands_us > out->queue_us ? stands_us : out->queue_us;
            stands_us = UINT32_MAX;
        }
    }
    struct flow_counts after = world_counts(world);
    double bps = 8e6 / (double)us;
    for (unsigned i = 0; i < world->flow_count; i++) {
        out->arrived_bps[i] = (double)(after.arrived[i] - before.arrived[i]) * bps;
        out->padding_bps[i] = (double)(after.padding[i] - before.padding[i]) * bps;
        out->layer_changes[i] = after.changes[i] - before.changes[i];
    }
    out->rivals_bps = (double)(after.rivals - before.rivals) * bps;
}
