// What tests of calls have in common: usual rooms, and what is said of them.
#include "tests/sim/call.h"

#include "base/clock.h"

#include <stdlib.h>

#define K 1000u

struct call_config call_room(unsigned publishers, unsigned viewers, uint64_t rate_bps) {
    const char *seed = getenv("CALL_SEED");
    struct call_config c = {
        .seed = seed ? (uint64_t)atoll(seed) : 1, .publishers = publishers, .viewers = viewers};
    c.links[0] = (struct link_config){.rate_bps = rate_bps, .queue_us = 200000, .delay_us = 10000};
    c.links[1] = (struct link_config){.rate_bps = 50000 * K, .queue_us = 200000, .delay_us = 10000};
    return c;
}

static void tell_track(struct call *call, unsigned viewer, unsigned publisher) {
    struct call_track *v = call_track(call, viewer, publisher, true),
                      *a = call_track(call, viewer, publisher, false);
    print_message("   publisher %u: %d.%d, %u frames, %u key, %u changes, freeze %llu ms, %u PLI; audio %u, "
                  "%u lost, gap %llu ms\n",
                  publisher, v->spatial, v->temporal, v->frames, v->key_frames, v->changes,
                  (unsigned long long)v->freeze_us / 1000, v->plis, a->audio_packets, a->audio_lost,
                  (unsigned long long)a->audio_gap_us / 1000);
}

void call_tell(struct call *call, const char *what) {
    if (!getenv("CALL_VERBOSE"))
        return;
    for (unsigned i = 0; i < call->config.viewers; i++) {
        struct transport_stats s = call_stats(call, i);
        unsigned link = call->config.link_of_viewer[i];
        print_message(
            "%s viewer %u: estimate %u k (%d), granted %u k, wanted %u k, sent %llu bytes, padding %llu, "
            "queue %llu ms mean %llu max\n",
            what, i, s.estimate_bps / K, s.estimate_reason, s.target_bps / K, s.wanted_bps / K,
            (unsigned long long)call->viewers[i].bytes, (unsigned long long)s.padding_bytes_sent,
            (unsigned long long)call_queue_ms(call, link),
            (unsigned long long)call->queue_max_us[link] / 1000);
        for (unsigned k = 0; k < call->config.publishers; k++)
            tell_track(call, i, k);
    }
}

uint64_t call_delivered_bps(const struct call *call, unsigned viewer, uint64_t us) {
    return call->viewers[viewer].bytes * 8 * US_PER_SECOND / us;
}

bool call_has_best(struct call *call, unsigned viewer) {
    int8_t wish = call->config.wish_spatial, best = wish > 0 ? wish : 2;
    for (unsigned i = 0; i < call->config.publishers; i++) {
        struct call_track *t = call_track(call, viewer, i, true);
        if (t->spatial != best || t->temporal != 2)
            return false;
    }
    return true;
}

uint64_t call_freeze_us(struct call *call, unsigned viewer) {
    uint64_t most_us = 0;
    for (unsigned i = 0; i < call->config.publishers; i++) {
        struct call_track *t = call_track(call, viewer, i, true);
        most_us = t->freeze_us > most_us ? t->freeze_us : most_us;
    }
    return most_us;
}

unsigned call_changes(struct call *call, unsigned viewer) {
    unsigned changes = 0;
    for (unsigned i = 0; i < call->config.publishers; i++)
        changes += call_track(call, viewer, i, true)->changes;
    return changes;
}

unsigned call_changes_10s(struct call *call, unsigned viewer) {
    return call->viewers[viewer].changes_10s;
}

uint64_t call_media_bytes(struct call *call, unsigned viewer) {
    uint64_t bytes = 0;
    for (unsigned i = 0; i < call->config.publishers; i++)
        bytes +=
            call_track(call, viewer, i, true)->media_bytes + call_track(call, viewer, i, false)->media_bytes;
    return bytes;
}
