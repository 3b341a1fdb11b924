// Feedback about what was sent, transport-wide and RFC 8888, in any order and of any content, with the
// estimator behind it: what it says stays within its bounds, and a malformed packet changes nothing.
//
// The input is a list of steps: a byte that says what, a byte that says how much, and for feedback that many
// bytes.
#include "base/bytes.h"
#include "rtp/cc/bandwidth.h"
#include "rtp/cc/ccfb_read.h"
#include "rtp/cc/twcc_read.h"

#include <stdlib.h>
#include <string.h>

#define START_US UINT64_C(5000000000)
#define MAX_BPS 20000000
#define MIN_BPS 40000

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool right) {
    if (!right)
        abort();
}

struct fuzz {
    struct bandwidth *b;
    struct reader in;
    uint64_t now_us;
    uint16_t number;
    uint32_t max_bps;
    bool named;
};

static void check_bounds(const struct fuzz *f) {
    struct bandwidth_state s = bandwidth_state(f->b);
    uint32_t least = MIN_BPS < f->max_bps ? MIN_BPS : f->max_bps;
    check(s.target_bps >= least && s.target_bps <= f->max_bps);
    check(s.loss >= 0 && s.loss <= 1);
    check(s.reason < BANDWIDTH_REASONS && bandwidth_reason_name(s.reason) != NULL);
    check(bandwidth_memory(f->b) < 100000);
    check(bandwidth_next_us(f->b) > START_US);
}

static bool same(const struct bandwidth_state *a, const struct bandwidth_state *b) {
    return a->target_bps == b->target_bps && a->acked_bps == b->acked_bps && a->rtt_us == b->rtt_us &&
           a->queue_us == b->queue_us && a->loss == b->loss && a->ecn_ce == b->ecn_ce &&
           a->reason == b->reason && a->congested == b->congested;
}

static void send(struct fuzz *f, uint8_t count) {
    for (unsigned i = 0; i < count; i++) {
        struct bandwidth_probe probe = bandwidth_probe(f->b, f->now_us);
        check(probe.rate_bps <= f->max_bps);
        uint16_t bytes = probe.bytes ? (uint16_t)(probe.bytes < 1200 ? probe.bytes : 1200) : 1000;
        if (f->named)
            bandwidth_sent_rtp(f->b, i % 3, f->number++, bytes, probe.bytes > 0, f->now_us);
        else
            bandwidth_sent(f->b, f->number++, bytes, probe.bytes > 0, f->now_us);
        f->now_us += 500;
    }
}

// As an honest receiver would begin: the last packets that were sent. What follows is the input's.
static size_t begin_twcc(const struct fuzz *f, uint8_t *out, uint8_t count) {
    store_be16(out, (uint16_t)(f->number - count));
    store_be16(out + 2, count);
    return 4;
}

static void feedback(struct fuzz *f, bool twcc, uint8_t amount) {
    uint8_t bytes[4 + 255];
    bool honest = amount & 1;
    size_t len = twcc && honest ? begin_twcc(f, bytes, amount / 4) : 0;
    struct span rest = read_span(&f->in, amount < f->in.left ? amount : f->in.left);
    if (rest.len)
        memcpy(bytes + len, rest.ptr, rest.len);
    struct span span = span_of(bytes, len + rest.len);
    struct bandwidth_state before = bandwidth_state(f->b);
    bool right = twcc ? bandwidth_twcc(f->b, span, f->now_us) : bandwidth_ccfb(f->b, span, f->now_us);
    struct bandwidth_state after = bandwidth_state(f->b);
    if (!right)
        check(same(&before, &after));
}

static void step(struct fuzz *f) {
    uint8_t what = read_u8(&f->in), amount = read_u8(&f->in);
    switch (what % 12) {
    case 0:
    case 1:
        send(f, amount);
        break;
    case 2:
        bandwidth_tick(f->b, f->now_us);
        break;
    case 3:
    case 4:
    case 5:
        feedback(f, true, amount);
        break;
    case 6:
    case 7:
        feedback(f, false, amount);
        break;
    case 8:
        f->now_us += UINT64_C(1000) << (amount % 24);
        break;
    case 9:
        bandwidth_demand(f->b, (uint64_t)amount << (amount % 40), f->now_us);
        bandwidth_report(f->b, amount, amount * UINT32_C(3000), f->now_us);
        break;
    case 10:
        bandwidth_remb(f->b, (uint64_t)amount << (what / 12), f->now_us);
        break;
    case 11:
        if (amount % 4 == 0)
            bandwidth_path_changed(f->b, f->now_us);
        f->max_bps = MAX_BPS / (1 + amount / 8);
        bandwidth_set_max(f->b, f->max_bps);
        break;
    default:
        break;
    }
    check_bounds(f);
}

// The walks yield no more than the packet can tell.
static void walks(struct span bytes) {
    struct twcc_walk twcc;
    struct twcc_status status;
    struct ccfb_walk ccfb;
    struct ccfb_status report;
    size_t n = 0;
    if (twcc_walk_of(bytes, &twcc)) {
        while (twcc_walk_next(&twcc, &status))
            n++;
        check(n == load_be16(bytes.ptr + 2));
    }
    n = 0;
    if (ccfb_walk_of(bytes, &ccfb))
        while (ccfb_walk_next(&ccfb, &report))
            n++;
    check(n * 2 <= bytes.len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size < 1)
        return 0;
    walks(span_of(data + 1, size - 1));
    const struct bandwidth_config config = {.start_bps = 600000, .min_bps = MIN_BPS, .max_bps = MAX_BPS};
    struct fuzz f = {.b = bandwidth_create(&config, START_US),
                     .in = reader_of(span_of(data + 1, size - 1)),
                     .now_us = START_US,
                     .max_bps = MAX_BPS,
                     .named = data[0] & 1};
    if (!f.b)
        return 0;
    while (f.in.left > 1)
        step(&f);
    bandwidth_destroy(f.b);
    return 0;
}
