// What a room does on real links (the table of the simulations in docs/media.md): one test a row.
#include "tests/sim/call.h"

#include "base/clock.h"

#include <stdlib.h>

#define S US_PER_SECOND
#define K 1000u
#define M 1000000u

static struct call_config room(unsigned publishers, unsigned viewers, uint64_t rate_bps) {
    struct call_config c = {.seed = 11, .publishers = publishers, .viewers = viewers};
    c.links[0] = (struct link_config){.rate_bps = rate_bps, .queue_us = 200000, .delay_us = 10000};
    c.links[1] = (struct link_config){.rate_bps = 50 * M, .queue_us = 200000, .delay_us = 10000};
    return c;
}

static void tell(struct call *call, const char *what) {
    if (!getenv("CALL_VERBOSE"))
        return;
    for (unsigned i = 0; i < call->config.viewers; i++) {
        struct transport_stats s = call_stats(call, i);
        print_message(
            "%s viewer %u: estimate %u k (%d), granted %u k, wanted %u k, sent %llu bytes, padding %llu, "
            "queue %llu ms mean %llu max\n",
            what, i, s.estimate_bps / K, s.estimate_reason, s.target_bps / K, s.wanted_bps / K,
            (unsigned long long)call->viewers[i].bytes, (unsigned long long)s.padding_bytes_sent,
            (unsigned long long)call_queue_ms(call, call->config.link_of_viewer[i]),
            (unsigned long long)call->queue_max_us[call->config.link_of_viewer[i]] / 1000);
        for (unsigned k = 0; k < call->config.publishers; k++) {
            struct call_track *v = call_track(call, i, k, true), *a = call_track(call, i, k, false);
            print_message(
                "   publisher %u: %d.%d, %u frames, %u key, %u changes, freeze %llu ms, %u PLI; audio %u, "
                "%u lost, gap %llu ms\n",
                k, v->spatial, v->temporal, v->frames, v->key_frames, v->changes,
                (unsigned long long)v->freeze_us / 1000, v->plis, a->audio_packets, a->audio_lost,
                (unsigned long long)a->audio_gap_us / 1000);
        }
    }
}

static void falls_and_rises(void **state) {
    (void)state;
    struct call_config config = room(1, 2, 5 * M);
    config.link_of_viewer[1] = 1;
    struct call *call = call_create(&config);
    call_run(call, 20 * S);
    tell(call, "5M");
    call_measure(call);
    call->links[0].config.rate_bps = 500 * K;
    call_run(call, 3 * S);
    tell(call, "500k, 3 s");
    call_measure(call);
    call_run(call, 27 * S);
    tell(call, "500k, 27 s");
    call_measure(call);
    call->links[0].config.rate_bps = 5 * M;
    call_run(call, 8 * S);
    tell(call, "5M, 8 s");
    call_run(call, 12 * S);
    tell(call, "5M, 20 s");
    call_destroy(call);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(falls_and_rises),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
