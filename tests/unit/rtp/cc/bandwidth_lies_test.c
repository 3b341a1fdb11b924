// Receivers that lie, as strangers would try it, and faults that others had with what receivers say: whatever
// comes, the target stays within its bounds, no more is sent than the ceiling, and whoever tells the truth
// again is believed again. A source that sends all it may over a link of 2 Mbit/s.
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/bytes.h"
#include "base/clock.h"
#include "rtp/cc/bandwidth.h"

#include <string.h>

#define MS UINT64_C(1000)
#define START (5000 * MS)
#define LINK_BPS UINT64_C(2000000)
#define WAY_US (25 * MS)
#define SSRC 7
#define KEPT 4096
#define STEP_US (5 * MS)
#define FEEDBACK_US (50 * MS)

static const struct bandwidth_config config = {.start_bps = 600000, .min_bps = 50000, .max_bps = 5000000};

struct call {
    struct bandwidth *b;
    bool named;
    uint64_t now_us, sent_bytes, free_us;
    uint16_t number, told; // the next, and the first that has not been told
    uint64_t arrives_us[KEPT];
    double debt;
    unsigned turn;
    uint64_t random;
};

static uint32_t chance(struct call *c) {
    c->random = c->random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(c->random >> 33);
}

static void call_send_one(struct call *c, uint16_t bytes, bool probe) {
    uint64_t from_us = c->free_us > c->now_us ? c->free_us : c->now_us;
    bool full = from_us - c->now_us > 200 * MS;
    if (!full)
        c->free_us = from_us + bytes * UINT64_C(8000000) / LINK_BPS;
    c->arrives_us[c->number % KEPT] = full ? 0 : c->free_us + WAY_US;
    if (c->named)
        bandwidth_sent_rtp(c->b, SSRC, c->number, bytes, probe, c->now_us);
    else
        bandwidth_sent(c->b, c->number, bytes, probe, c->now_us);
    c->number++;
    c->sent_bytes += bytes;
}

static void call_step(struct call *c) {
    c->debt += bandwidth_state(c->b).target_bps * (double)STEP_US / 8e6;
    for (; c->debt > 0; c->debt -= 1000)
        call_send_one(c, 1000, false);
    struct bandwidth_probe probe = bandwidth_probe(c->b, c->now_us);
    assert_true(probe.rate_bps <= config.max_bps);
    for (uint32_t left = probe.bytes; left > 0;) {
        uint16_t bytes = left < probe.packet_bytes ? (uint16_t)left : probe.packet_bytes;
        call_send_one(c, bytes < 50 ? 50 : bytes, true);
        left -= bytes;
    }
}

// ---- the truth

static size_t twcc_head(struct writer *w, uint16_t first, uint16_t count, uint32_t reference) {
    write_u16(w, first);
    write_u16(w, count);
    write_u24(w, reference & 0xffffff);
    write_u8(w, 0);
    return w->len;
}

// What has come of those that have not been told yet: vectors of two bits, deltas of two bytes.
static size_t truth_twcc(struct call *c, uint8_t *out, uint32_t reference_mask) {
    struct writer w = writer_of(out, 1500);
    uint16_t count = 0;
    for (uint16_t n = c->told; n != c->number && count < 350; n++)
        if (c->arrives_us[n % KEPT] <= c->now_us)
            count = (uint16_t)(n - c->told + 1);
        else
            break;
    if (count == 0)
        return 0;
    uint64_t at_us = c->now_us / 64000 * 64000 - 2 * 64000;
    twcc_head(&w, c->told, count, (uint32_t)(at_us / 64000) & reference_mask);
    for (unsigned i = 0; i < count; i += 7) {
        uint16_t chunk = 0xc000;
        for (unsigned k = 0; k < 7 && i + k < count; k++)
            chunk |= (uint16_t)((c->arrives_us[(c->told + i + k) % KEPT] ? 2 : 0) << (12 - 2 * k));
        write_u16(&w, chunk);
    }
    int64_t last_ticks = 0;
    for (unsigned i = 0; i < count; i++) {
        uint64_t arrives_us = c->arrives_us[(c->told + i) % KEPT];
        int64_t ticks = (int64_t)(arrives_us - at_us) / 250;
        if (arrives_us) {
            write_u16(&w, (uint16_t)(int16_t)(ticks - last_ticks));
            last_ticks = ticks;
        }
    }
    assert_false(w.failed);
    c->told = (uint16_t)(c->told + count);
    return w.len;
}

static size_t truth_ccfb(struct call *c, uint8_t *out, uint32_t ssrc, bool marks, uint32_t later) {
    struct writer w = writer_of(out, 1500);
    uint16_t count = 0;
    while ((uint16_t)(c->told + count) != c->number && count < 600 &&
           c->arrives_us[(c->told + count) % KEPT] <= c->now_us)
        count++;
    write_u32(&w, ssrc);
    write_u16(&w, c->told);
    write_u16(&w, count);
    unsigned fields = count + count % 2u;
    uint8_t *at = write_raw(&w, 2 * (size_t)fields);
    assert_non_null(at);
    for (unsigned i = 0; i < fields; i++) {
        uint64_t arrives_us = i < count ? c->arrives_us[(c->told + i) % KEPT] : 0;
        uint64_t offset = (c->now_us - arrives_us) * 1024 / 1000000;
        uint64_t told = 0x8000 | (marks ? 0x6000 : 0) | (offset < 0x1ffd ? offset : 0x1ffe);
        store_be16(at + 2 * i, arrives_us ? (uint16_t)told : 0);
    }
    write_u32(&w, (uint32_t)(c->now_us * 1024 / 15625) + later);
    assert_false(w.failed);
    c->told = (uint16_t)(c->told + count);
    return w.len;
}

static size_t truth(struct call *c, uint8_t *out) {
    return c->named ? truth_ccfb(c, out, SSRC, false, 0) : truth_twcc(c, out, 0xffffff);
}

// ---- lies

static size_t lie_run(uint8_t *out, uint16_t first, uint16_t count, uint32_t reference, unsigned symbol,
                      uint8_t delta) {
    struct writer w = writer_of(out, 1500);
    twcc_head(&w, first, count, reference);
    write_u16(&w, (uint16_t)(symbol << 13 | count));
    for (unsigned i = 0; i < count * symbol; i++)
        write_u8(&w, delta);
    return w.failed ? 0 : w.len;
}

static size_t all_at_once(struct call *c, uint8_t *out) {
    return lie_run(out, (uint16_t)(c->number - 300), 300, 1, 1, 0);
}

static size_t none(struct call *c, uint8_t *out) {
    return lie_run(out, (uint16_t)(c->number - 300), 300, (uint32_t)(c->now_us / 64000), 0, 0);
}

static size_t backwards(struct call *c, uint8_t *out) {
    return lie_run(out, (uint16_t)(c->number - 100), 100, 0xffffff - c->turn, 2, 0x80);
}

static size_t leaps_of_hours(struct call *c, uint8_t *out) {
    return lie_run(out, (uint16_t)(c->number - 100), 100, c->turn * 200000, 1, 8);
}

static size_t counts_of_65535(struct call *c, uint8_t *out) {
    struct writer w = writer_of(out, 1500);
    twcc_head(&w, (uint16_t)(c->number - 10 - c->turn), 65535, c->turn);
    for (unsigned i = 0; i < 8; i++)
        write_u16(&w, 8191);
    write_u16(&w, 7);
    return w.len;
}

static size_t far_away(struct call *c, uint8_t *out) {
    static const uint16_t away[] = {30000, 32767, 32768, 40000, 600, 5000};
    return lie_run(out, (uint16_t)(c->number + away[c->turn % 6]), 200, c->turn, c->turn % 2, 4);
}

static size_t never_sent(struct call *c, uint8_t *out) {
    return lie_run(out, (uint16_t)(c->number - 1), 400, (uint32_t)(c->now_us / 64000), 1, 1);
}

static size_t replayed(struct call *c, uint8_t *out) {
    static uint8_t first[1500];
    static size_t len;
    if (c->turn == 0)
        len = truth_twcc(c, first, 0xffffff);
    memcpy(out, first, len);
    return len;
}

static size_t only_sound(struct call *c, uint8_t *out) { // a packet of eight
    struct writer w = writer_of(out, 1500);
    twcc_head(&w, (uint16_t)(c->number - 140), 140, (uint32_t)(c->now_us / 64000));
    for (unsigned i = 0; i < 20; i++)
        write_u16(&w, 0xc000 | 0x1000);
    for (unsigned i = 0; i < 20; i++)
        write_u8(&w, 10);
    return w.len;
}

static size_t silence(struct call *c, uint8_t *out) {
    (void)c, (void)out;
    return 0;
}

static size_t noise(struct call *c, uint8_t *out) {
    size_t len = 8 + chance(c) % 200;
    for (size_t i = 0; i < len; i++)
        out[i] = (uint8_t)chance(c);
    store_be16(out, (uint16_t)(c->number - chance(c) % 300));
    store_be16(out + 2, (uint16_t)(chance(c) % 100));
    return len;
}

static size_t lengths_that_disagree(struct call *c, uint8_t *out) {
    size_t len = truth(c, out);
    if (len > 8)
        store_be16(out + (c->named ? 6 : 2), (uint16_t)(c->turn * 7919));
    return len;
}

static size_t unknown_streams(struct call *c, uint8_t *out) {
    return truth_ccfb(c, out, SSRC + 1 + c->turn, false, 0);
}

static size_t marks_everywhere(struct call *c, uint8_t *out) {
    return truth_ccfb(c, out, SSRC, true, 0);
}

static size_t timestamps_that_leap(struct call *c, uint8_t *out) {
    return truth_ccfb(c, out, SSRC, false, c->turn * 0x30000000u);
}

static size_t offsets_without_a_time(struct call *c, uint8_t *out) {
    size_t len = truth_ccfb(c, out, SSRC, false, 0);
    for (size_t at = 8; at + 6 <= len; at += 2)
        store_be16(out + at, c->turn % 2 ? 0xffff : 0xfffe);
    return len;
}

// ---- bounds

static void assert_bounds(struct call *c, uint64_t *second_us, uint64_t *second_bytes, const char *who) {
    struct bandwidth_state s = bandwidth_state(c->b);
    if (s.target_bps < config.min_bps || s.target_bps > config.max_bps || !(s.loss >= 0 && s.loss <= 1) ||
        s.rtt_us > 10000000)
        fail_msg("%s: target %u, loss %f, round trip %u", who, s.target_bps, (double)s.loss, s.rtt_us);
    if (c->now_us - *second_us < US_PER_SECOND)
        return;
    uint64_t bps = (c->sent_bytes - *second_bytes) * 8 * US_PER_SECOND / (c->now_us - *second_us);
    if (bps > config.max_bps * UINT64_C(105) / 100)
        fail_msg("%s: %llu bit/s sent", who, (unsigned long long)bps);
    *second_us = c->now_us;
    *second_bytes = c->sent_bytes;
}

static void call_run(struct call *c, uint64_t us, size_t (*says)(struct call *, uint8_t *), const char *who) {
    uint64_t second_us = c->now_us, second_bytes = c->sent_bytes;
    for (uint64_t end_us = c->now_us + us; c->now_us < end_us; c->now_us += STEP_US) {
        if (c->now_us % (25 * MS) == 0)
            bandwidth_tick(c->b, c->now_us);
        call_step(c);
        if (c->now_us % FEEDBACK_US == 0) {
            uint8_t bytes[1500];
            size_t len = says(c, bytes);
            struct span span = span_of(bytes, len);
            if (len > 0 && c->named)
                (void)bandwidth_ccfb(c->b, span, c->now_us);
            else if (len > 0)
                (void)bandwidth_twcc(c->b, span, c->now_us);
            c->turn++;
        }
        assert_bounds(c, &second_us, &second_bytes, who);
        assert_true(bandwidth_memory(c->b) < 100000);
    }
}

static bool call_begin(struct call *c, bool named) {
    *c =
        (struct call){.b = bandwidth_create(&config, START), .now_us = START, .number = 65000, .told = 65000};
    c->named = named;
    if (c->b)
        bandwidth_demand(c->b, 20000000, START);
    return c->b != NULL;
}

struct lie {
    const char *name;
    size_t (*says)(struct call *, uint8_t *);
    bool named;
    uint32_t least_bps, most_bps; // at its end; most 0: the ceiling
};

static const struct lie lies[] = {
    {"all at once", all_at_once, false, 0, 0},
    {"none", none, false, 0, 600000},
    {"arrival times that go backwards", backwards, false, 0, 0},
    {"arrival times that leap by hours", leaps_of_hours, false, 0, 0},
    {"counts of 65535", counts_of_65535, false, 0, 600000},
    {"numbers far away", far_away, false, 0, 600000},
    {"numbers never sent", never_sent, false, 0, 0},
    {"replays", replayed, false, 0, 600000},
    {"only sound", only_sound, false, 0, 0},
    {"silence", silence, false, 0, 60000},
    {"noise", noise, false, 0, 0},
    {"lengths that disagree", lengths_that_disagree, false, 0, 0},
    {"RFC 8888: noise", noise, true, 0, 0},
    {"RFC 8888: silence", silence, true, 0, 60000},
    {"RFC 8888: lengths that disagree", lengths_that_disagree, true, 0, 0},
    {"RFC 8888: unknown streams", unknown_streams, true, 0, 60000},
    {"RFC 8888: marks everywhere", marks_everywhere, true, 1500000, 2400000}, // we do not send ECT
    {"RFC 8888: timestamps that leap", timestamps_that_leap, true, 0, 0},
    {"RFC 8888: offsets that say nothing", offsets_without_a_time, true, 0, 0},
};

// Truth, ten seconds of the lie, and back to the truth: as good as before within twelve.
static void lies_are_bounded_and_pass(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof lies / sizeof lies[0]; i++) {
        struct call c;
        if (!call_begin(&c, lies[i].named))
            return;
        call_run(&c, 5 * US_PER_SECOND, truth, lies[i].name);
        bool works = bandwidth_memory(c.b) > 3000;
        c.turn = 0;
        call_run(&c, 10 * US_PER_SECOND, lies[i].says, lies[i].name);
        uint32_t target_bps = bandwidth_state(c.b).target_bps;
        if (works && (target_bps < lies[i].least_bps || (lies[i].most_bps && target_bps > lies[i].most_bps)))
            fail_msg("%s: %u bit/s at its end", lies[i].name, target_bps);
        while (c.told != c.number && (uint16_t)(c.number - c.told) > 300)
            c.told++; // what was not told is not told any more
        call_run(&c, 12 * US_PER_SECOND, truth, lies[i].name);
        target_bps = bandwidth_state(c.b).target_bps;
        if (works && (target_bps < LINK_BPS * 7 / 10 || target_bps > LINK_BPS * 125 / 100))
            fail_msg("%s: %u bit/s after it", lies[i].name, target_bps);
        bandwidth_destroy(c.b);
    }
}

// From the first word on.
static void lies_alone(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof lies / sizeof lies[0]; i++) {
        struct call c;
        if (!call_begin(&c, lies[i].named))
            return;
        call_run(&c, 4 * US_PER_SECOND, lies[i].says, lies[i].name);
        bandwidth_destroy(c.b);
    }
}

// The 24 bits of the reference time wrap after 12.4 days, the 16 of RFC 8888 seconds after 18 hours: nothing
// shows.
static void clocks_that_wrap(void **state) {
    (void)state;
    for (unsigned named = 0; named < 2; named++) {
        struct call c;
        if (!call_begin(&c, named))
            return;
        uint64_t wrap_us = named ? UINT64_C(65536) * US_PER_SECOND : UINT64_C(0x1000000) * 64000;
        c.now_us = wrap_us - 15 * US_PER_SECOND;
        bandwidth_destroy(c.b);
        c.b = bandwidth_create(&config, c.now_us);
        if (!c.b)
            return;
        bandwidth_demand(c.b, 20000000, c.now_us);
        call_run(&c, 14 * US_PER_SECOND, truth, "before a wrap");
        for (unsigned i = 0; i < 40; i++) {
            call_run(&c, 100 * MS, truth, "at a wrap");
            struct bandwidth_state s = bandwidth_state(c.b);
            if (s.rtt_us > 0)
                assert_true(s.target_bps > LINK_BPS * 7 / 10 && s.queue_us < 100000 && s.loss < 0.05f);
        }
        bandwidth_destroy(c.b);
    }
}

// A server that others run fills 23 bits of the reference time: once in six days it falls back by as much.
static size_t of_23_bits(struct call *c, uint8_t *out) {
    return truth_twcc(c, out, 0x7fffff);
}

static void a_reference_of_23_bits(void **state) {
    (void)state;
    struct call c;
    if (!call_begin(&c, false))
        return;
    bandwidth_destroy(c.b);
    c.now_us = UINT64_C(0x800000) * 64000 - 10 * US_PER_SECOND;
    c.b = bandwidth_create(&config, c.now_us);
    if (!c.b)
        return;
    bandwidth_demand(c.b, 20000000, c.now_us);
    call_run(&c, 20 * US_PER_SECOND, of_23_bits, "23 bits");
    if (bandwidth_memory(c.b) > 3000)
        assert_in_range(bandwidth_state(c.b).target_bps, LINK_BPS * 7 / 10, LINK_BPS * 125 / 100);
    bandwidth_destroy(c.b);
}

// Numbers that are forgotten, in front of some that are known: the times of those are still right.
static void forgotten_numbers_in_front(void **state) {
    (void)state;
    struct call c;
    if (!call_begin(&c, false))
        return;
    for (unsigned i = 0; i < 40; i++) {
        if (i % 2 == 0)
            bandwidth_tick(c.b, c.now_us);
        for (unsigned k = 0; k < 5; k++, c.now_us += 10 * MS)
            bandwidth_sent(c.b, c.number++, 1000, false, c.now_us);
        uint8_t bytes[1500];
        size_t len =
            lie_run(bytes, (uint16_t)(c.number - 605), 605, (uint32_t)(c.now_us / 64000 - 380), 1, 160);
        // Deltas of 40 ms for 600 that are not known any more, then five at once
        assert_true(len == 0 || bandwidth_twcc(c.b, span_of(bytes, len), c.now_us));
        struct bandwidth_state s = bandwidth_state(c.b);
        if (i > 20 && s.acked_bps > 0)
            assert_true(s.acked_bps <= 800000 * 1.05);
    }
    bandwidth_destroy(c.b);
}

// A vector has room for more than there are: what is beyond the count says nothing, though it was sent.
static void slots_beyond_the_count(void **state) {
    (void)state;
    struct call c;
    if (!call_begin(&c, false))
        return;
    for (unsigned i = 0; i < 100; i++) {
        bandwidth_tick(c.b, c.now_us);
        uint16_t first = c.number;
        for (unsigned k = 0; k < 10; k++, c.now_us += 5 * MS)
            bandwidth_sent(c.b, c.number++, 1000, false, c.now_us);
        uint8_t bytes[64];
        struct writer w = writer_of(bytes, sizeof bytes);
        twcc_head(&w, first, 3, (uint32_t)(c.now_us / 64000));
        write_u16(&w, 0x8000 | 0x3800); // three came, eleven slots of zeros
        write_zeros(&w, 3);
        assert_true(bandwidth_twcc(c.b, span_of(bytes, w.len), c.now_us));
        w = writer_of(bytes, sizeof bytes);
        twcc_head(&w, (uint16_t)(first + 3), 7, (uint32_t)(c.now_us / 64000));
        write_u16(&w, 0x2007);
        write_zeros(&w, 7);
        assert_true(bandwidth_twcc(c.b, span_of(bytes, w.len), c.now_us));
    }
    assert_true(bandwidth_state(c.b).loss == 0);
    bandwidth_destroy(c.b);
}

// RFC 8888 and its erratum 8166: num_reports may be 0, and the numbers of a block wrap.
static void blocks_of_none_and_blocks_that_wrap(void **state) {
    (void)state;
    struct call c;
    if (!call_begin(&c, true))
        return;
    bandwidth_sent_rtp(c.b, SSRC, 65533, 1000, false, c.now_us); // its ring comes with the next tick
    bandwidth_tick(c.b, c.now_us);
    for (uint16_t n = 65534; n != 3; n++)
        bandwidth_sent_rtp(c.b, SSRC, n, 1000, false, c.now_us);
    uint8_t bytes[64];
    struct writer w = writer_of(bytes, sizeof bytes);
    write_u32(&w, SSRC + 1);
    write_u32(&w, 5 << 16); // none
    write_u32(&w, SSRC);
    write_u16(&w, 65534);
    write_u16(&w, 5);
    for (unsigned i = 0; i < 6; i++)
        write_u16(&w, i < 5 ? 0xe000 : 0);
    write_u32(&w, 77);
    c.now_us += 40 * MS;
    assert_true(bandwidth_ccfb(c.b, span_of(bytes, w.len), c.now_us));
    if (bandwidth_memory(c.b) > 3000)
        assert_int_equal(bandwidth_state(c.b).ecn_ce, 5);
    bandwidth_destroy(c.b);
}

// Reports and REMB of those who give no feedback.
static void reports_and_remb_of_any_size(void **state) {
    (void)state;
    static const uint64_t rembs_bps[] = {0,          1,       UINT64_C(1) << 63,
                                         UINT64_MAX, 1000000, (UINT64_C(1) << 32) + 5};
    static const uint32_t rtts_us[] = {0, 1, 30000000, UINT32_MAX};
    struct bandwidth *b = bandwidth_create(&config, START);
    if (!b)
        return;
    uint64_t now_us = START;
    for (unsigned i = 0; i < 6 * 4 * 256; i++, now_us += 20 * MS) {
        bandwidth_sent_unnumbered(b, 1000, now_us);
        bandwidth_tick(b, now_us);
        bandwidth_report(b, (uint8_t)i, rtts_us[i / 256 % 4], now_us);
        if (i % 3 == 0)
            bandwidth_remb(b, rembs_bps[i / 1024], now_us);
        struct bandwidth_state s = bandwidth_state(b);
        assert_true(s.target_bps >= config.min_bps && s.target_bps <= config.max_bps);
        assert_true(s.loss >= 0 && s.loss < 1);
        assert_true(bandwidth_probe(b, now_us).rate_bps <= config.max_bps);
    }
    bandwidth_destroy(b);
}

// What a publisher's uplink has lost is told in reports of its viewers too: who tells of each packet knows
// better.
static void reports_beside_feedback(void **state) {
    (void)state;
    struct call c;
    if (!call_begin(&c, false))
        return;
    for (unsigned i = 0; i < 200; i++) {
        call_run(&c, 100 * MS, truth, "reports beside feedback");
        bandwidth_report(c.b, (uint8_t)(100 + i % 156), 9000000, c.now_us);
    }
    struct bandwidth_state s = bandwidth_state(c.b);
    if (s.acked_bps > 0)
        assert_true(s.target_bps > LINK_BPS * 7 / 10 && s.loss < 0.05f && s.rtt_us < 500000);
    bandwidth_destroy(c.b);
}

// REMB that has gone down to nothing would stay there if nothing were sent that shows more.
static void remb_that_starves_is_lifted(void **state) {
    (void)state;
    struct bandwidth *b = bandwidth_create(&config, START);
    if (!b)
        return;
    uint64_t now_us = START, padding = 0;
    bandwidth_demand(b, 2000000, now_us);
    bandwidth_remb(b, 0, now_us);
    for (unsigned i = 0; i < 600; i++, now_us += 20 * MS) {
        bandwidth_sent_unnumbered(b, 60, now_us); // sound alone
        bandwidth_tick(b, now_us);
        bandwidth_report(b, 0, 50000, now_us);
        bandwidth_remb(b, config.min_bps / 2, now_us);
        struct bandwidth_probe probe = bandwidth_probe(b, now_us);
        if (probe.bytes > 0)
            bandwidth_sent_unnumbered(b, (uint16_t)(probe.bytes < 1200 ? probe.bytes : 1200), now_us);
        padding += probe.bytes;
    }
    assert_int_equal(bandwidth_state(b).target_bps, config.min_bps);
    assert_true(padding > 1000); // from which a receiver sees that there is more
    bandwidth_destroy(b);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lies_are_bounded_and_pass),
        cmocka_unit_test(lies_alone),
        cmocka_unit_test(clocks_that_wrap),
        cmocka_unit_test(a_reference_of_23_bits),
        cmocka_unit_test(forgotten_numbers_in_front),
        cmocka_unit_test(slots_beyond_the_count),
        cmocka_unit_test(blocks_of_none_and_blocks_that_wrap),
        cmocka_unit_test(reports_and_remb_of_any_size),
        cmocka_unit_test(reports_beside_feedback),
        cmocka_unit_test(remb_that_starves_is_lifted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
