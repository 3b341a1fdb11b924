#include "tests/sim/rival.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <math.h>
#include <cmocka.h>

#define RIVAL_BYTES 1500
#define RIVAL_FLYING_MAX 8000
#define WINDOW_START 10 // packets
#define WINDOW_MIN 2
#define CUBIC_C 0.4
#define CUBIC_BETA 0.7
#define CUBIC_ALPHA (3 * (1 - CUBIC_BETA) / (1 + CUBIC_BETA))

static void rival_send(struct rival *r, uint64_t now_us) {
    struct link_arrival a = link_send(r->link, RIVAL_BYTES, now_us);
    // A loss is noticed when what followed it is acknowledged.
    uint64_t at_us = (a.arrives ? a.at_us : r->link->free_us + r->link->config.delay_us) + r->return_us;
    assert_true(r->ack_count < RIVAL_ACKS);
    unsigned at = (r->ack_first + r->ack_count++) % RIVAL_ACKS;
    r->acks[at].at_us = at_us;
    r->acks[at].sent_us = now_us;
    r->acks[at].lost = !a.arrives;
    r->flying++;
}

// Each acknowledged packet: RFC 9438, 4.2 to 4.4.
static void rival_grow_cubic(struct rival *r, uint64_t now_us) {
    if (r->epoch_us == 0) {
        r->epoch_us = now_us; // RFC 9438, 4.10: slow start has ended without a loss
        r->window_most = r->window_reno = r->window_start = r->window;
    }
    double k = cbrt((r->window_most - r->window_start) / CUBIC_C);
    double t = (double)(now_us + r->rtt_us - r->epoch_us) / 1e6 - k;
    double wanted = CUBIC_C * t * t * t + r->window_most;
    r->window_reno += CUBIC_ALPHA / r->window;
    wanted = wanted > r->window * 1.5 ? r->window * 1.5 : wanted;
    if (wanted > r->window)
        r->window += (wanted - r->window) / r->window;
    if (r->window < r->window_reno)
        r->window = r->window_reno;
}

static void rival_grow(struct rival *r, uint64_t now_us) {
    bool starts = r->window < r->threshold;
    double wait_us = fmin(fmax((double)r->rtt_least_us / 8, 4000), 16000);
    if (starts && r->cubic && r->window >= 16 && (double)r->rtt_us > (double)r->rtt_least_us + wait_us)
        r->threshold = r->window; // HyStart
    if (starts)
        r->window++;
    else if (r->cubic)
        rival_grow_cubic(r, now_us);
    else
        r->window += 1 / r->window;
}

static void rival_fall(struct rival *r, uint64_t now_us) {
    double window = r->window * (r->cubic ? CUBIC_BETA : 0.5);
    r->window_most = r->window < r->window_before ? r->window * (1 + CUBIC_BETA) / 2 : r->window;
    r->window_before = r->window;
    r->threshold = r->window = r->window_start = r->window_reno = window > 2 ? window : 2;
    r->epoch_us = r->recover_us = now_us;
}

static void rival_ack(struct rival *r, uint64_t now_us) {
    r->flying--;
    if (!r->acks[r->ack_first].lost) {
        r->rtt_us = r->acks[r->ack_first].at_us - r->acks[r->ack_first].sent_us;
        r->rtt_least_us = r->rtt_least_us && r->rtt_least_us < r->rtt_us ? r->rtt_least_us : r->rtt_us;
        r->arrived_bytes += RIVAL_BYTES;
        rival_grow(r, now_us);
    } else {
        r->lost++;
        if (r->acks[r->ack_first].sent_us >= r->recover_us) // once a round trip
            rival_fall(r, now_us);
    }
    r->ack_first = (r->ack_first + 1) % RIVAL_ACKS;
    r->ack_count--;
}

// A file is through: the next one begins anew.
static bool rival_pauses(struct rival *r, uint64_t now_us) {
    if (r->file_bytes == 0)
        return false;
    if (r->file_left == 0 && r->flying == 0 && r->pause_until_us == 0)
        r->pause_until_us = now_us + r->pause_us;
    if (r->pause_until_us && now_us >= r->pause_until_us) {
        r->pause_until_us = 0;
        r->file_left = r->file_bytes;
        r->window = 10;
        r->threshold = 1e9;
    }
    return r->file_left == 0;
}

void rival_step(struct rival *r, uint64_t now_us) {
    if (now_us - RIVAL_START_US < r->begin_us)
        return;
    if (r->window == 0) {
        r->window = 10;
        r->threshold = 1e9;
        r->file_left = r->file_bytes;
    }
    while (r->ack_count && r->acks[r->ack_first].at_us <= now_us)
        rival_ack(r, now_us);
    if (r->end_us && now_us - RIVAL_START_US >= r->end_us)
        return;
    while (!rival_pauses(r, now_us) && r->flying < (unsigned)r->window && r->ack_count < RIVAL_FLYING_MAX) {
        r->file_left -= r->file_left < RIVAL_BYTES ? r->file_left : RIVAL_BYTES;
        rival_send(r, now_us);
    }
}
