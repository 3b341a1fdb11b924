// Consumers of one transport with sources of known rates, for tests of the allocator: rounds of it, and what
// they have got.
#ifndef TESTS_ROOMS_ALLOCATOR_SCENE_H
#define TESTS_ROOMS_ALLOCATOR_SCENE_H

#include "rooms/media/allocator.h"

#include "rooms/media_msg.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define K 1000u
#define SECOND UINT64_C(1000000)
#define STEP_US 200000
#define CONSUMERS_MAX 8

struct one {            // a consumer of the tests
    const char *source; // "simulcast", "single", "temporal", "dead"
    uint8_t priority;
    bool screen;
    int8_t spatial_wish, temporal_wish;
    uint32_t max_bps;
};

struct scene {
    struct allocator *a;
    struct one ones[CONSUMERS_MAX];
    struct allocator_memory memories[CONSUMERS_MAX];
    struct allotment results[CONSUMERS_MAX];
    unsigned count, changes;
    struct allocator_link link;
    uint64_t over_us, now_us, demand;
};

#define ALL LAYER_NONE
#define CAM(p) {"simulcast", p, false, ALL, ALL, 0}

static void layers_fill(struct allocator_entry *e, const char *source) {
    static const uint32_t simulcast[3][3] = {
        {54 * K, 81 * K, 135 * K}, {140 * K, 210 * K, 350 * K}, {600 * K, 900 * K, 1500 * K}};
    if (strcmp(source, "single") == 0)
        e->layer_bps[0][0] = 1500 * K;
    for (int s = 0; s < 3 && strcmp(source, "simulcast") == 0; s++)
        for (int t = 0; t < 3; t++)
            e->layer_bps[s][t] = simulcast[s][t];
    for (int t = 0; t < 3 && strcmp(source, "temporal") == 0; t++)
        e->layer_bps[0][t] = simulcast[2][t];
}

static bool same(struct allotment a, struct allotment b) {
    return a.off == b.off && a.spatial == b.spatial && a.temporal == b.temporal;
}

static void share(struct scene *s) {
    allocator_begin(s->a);
    for (unsigned i = 0; i < s->count; i++) {
        struct allocator_entry *e = allocator_add(s->a);
        assert_non_null(e);
        layers_fill(e, s->ones[i].source);
        e->priority = s->ones[i].priority;
        e->screen = s->ones[i].screen;
        e->spatial_wish = s->ones[i].spatial_wish;
        e->temporal_wish = s->ones[i].temporal_wish;
        e->max_bps = s->ones[i].max_bps;
        e->memory = s->memories[i];
    }
    s->link.over_us = &s->over_us;
    allocator_share(s->a, &s->link, s->now_us);
    for (unsigned i = 0; i < s->count; i++) {
        const struct allocator_entry *e = allocator_at(s->a, i);
        s->changes += s->memories[i].known && !same(s->results[i], e->result);
        s->results[i] = e->result;
        s->memories[i] = e->memory;
    }
    s->demand = allocator_demand_bps(s->a);
}

static void run(struct scene *s, uint64_t us) {
    for (uint64_t end_us = s->now_us + us; s->now_us < end_us; s->now_us += STEP_US)
        share(s);
}

static struct scene scene(const struct one *ones, unsigned count, uint32_t estimate_bps, uint32_t audio_bps) {
    struct scene s = {.a = allocator_create(), .count = count, .now_us = 1000 * SECOND};
    memcpy(s.ones, ones, count * sizeof *ones);
    s.link = (struct allocator_link){.estimate_bps = estimate_bps, .audio_bps = audio_bps, .proven = true};
    assert_non_null(s.a);
    assert_true(allocator_reserve(s.a, CONSUMERS_MAX));
    return s;
}

// "s.t" of each consumer in their order, "-" for one that is off.
static void expect_of(const char *name, const struct scene *s, const char *expected) {
    char text[64] = "";
    for (unsigned i = 0; i < s->count; i++) {
        size_t at = strlen(text);
        if (s->results[i].off)
            snprintf(text + at, sizeof text - at, "%s-", i ? " " : "");
        else
            snprintf(text + at, sizeof text - at, "%s%d.%d", i ? " " : "", s->results[i].spatial,
                     s->results[i].temporal);
    }
    if (strcmp(text, expected) != 0)
        fail_msg("%s: %s instead of %s", name, text, expected);
}
#define expect(s, expected) expect_of(__func__, s, expected)

#endif
