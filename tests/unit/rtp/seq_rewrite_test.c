#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "rtp/seq_rewrite.h"

#include <stdlib.h>

static const struct picture_numbers no_pictures;

enum action { SYNC, MAP, DROP };

struct row {
    const char *what;
    enum action action;
    uint8_t source;
    uint16_t seq;
    uint32_t timestamp;
    uint32_t timestamp_out; // SYNC: asked for
    int expected;           // the number that goes out, -1: none
    uint32_t expected_timestamp;
};

static void check_rows(struct seq_rewrite *rw, const struct row *rows, size_t count) {
    for (unsigned i = 0; i < count; i++) {
        const struct row *r = &rows[i];
        if (r->action == DROP) {
            seq_rewrite_drop(rw, r->seq);
            continue;
        }
        if (r->action == SYNC)
            seq_rewrite_sync(rw, r->source, r->seq, r->timestamp, r->timestamp_out,
                             (struct picture_numbers){.id = r->source});
        uint64_t index = 0;
        uint32_t timestamp = 0;
        bool mapped = seq_rewrite_map(rw, r->seq, r->timestamp, &index, &timestamp);
        int got = mapped ? (int)index : -1;
        if (got != r->expected || (mapped && timestamp != r->expected_timestamp))
            fail_msg("row %u, %s: expected %d at %u, got %d at %u", i, r->what, r->expected,
                     r->expected_timestamp, got, timestamp);
    }
}

static void numbers_by_table(void **state) {
    (void)state;
    static const struct row rows[] = {
        {"before anything", MAP, 0, 5, 0, 0, -1, 0},
        {"the first is as it is", SYNC, 0, 65534, 1000, 1000, 100, 1000},
        {"the next", MAP, 0, 65535, 1000, 0, 101, 1000},
        {"over the wrap, one lost", MAP, 0, 1, 2000, 0, 103, 2000},
        {"the lost one comes late", MAP, 0, 0, 1500, 0, 102, 1500},
        {"from before the start", MAP, 0, 65530, 0, 0, -1, 0},
        {"left out", DROP, 0, 2, 0, 0, 0, 0},
        {"left out", DROP, 0, 3, 0, 0, 0, 0},
        {"closes the gap", MAP, 0, 4, 3000, 0, 104, 3000},
        {"what was left out", MAP, 0, 2, 0, 0, -1, 0},
        {"lost, then left out: 5 keeps its number", DROP, 0, 6, 0, 0, 0, 0},
        {"after it", MAP, 0, 7, 4000, 0, 106, 4000},
        {"the lost one", MAP, 0, 5, 3500, 0, 105, 3500},
        {"left out too late: its number has been passed", DROP, 0, 5, 0, 0, 0, 0},
        {"another source", SYNC, 1, 30000, 90, 5000, 107, 5000},
        {"and on", MAP, 1, 30001, 190, 0, 108, 5100},
        {"from before that source's start", MAP, 1, 29999, 0, 0, -1, 0},
        {"back, in time that has been passed: moved on", SYNC, 0, 9, 70, 5100, 109, 5101},
        {"and on, as its clock says", MAP, 0, 10, 170, 0, 110, 5200},
    };
    struct seq_rewrite rw;
    seq_rewrite_init(&rw, 100);
    check_rows(&rw, rows, sizeof rows / sizeof *rows);
    // What went out under which number: source and number in.
    static const struct {
        uint16_t out;
        int source, in; // -1: not known
    } back[] = {{100, 0, 65534}, {102, 0, 0}, {104, 0, 4},  {105, 0, 5},  {106, 0, 7}, {107, 1, 30000},
                {108, 1, 30001}, {109, 0, 9}, {110, 0, 10}, {111, -1, 0}, {99, -1, 0}, {33000, -1, 0}};
    for (unsigned i = 0; i < sizeof back / sizeof *back; i++) {
        struct seq_origin o = {0};
        bool known = seq_rewrite_unmap(&rw, back[i].out, &o);
        if (known != (back[i].source >= 0) || (known && (o.source != back[i].source || o.seq != back[i].in)))
            fail_msg("number %u: expected %d of source %d, got %d of %d", back[i].out, back[i].in,
                     back[i].source, o.seq, known ? o.source : -1);
        if (known)
            assert_int_equal(o.picture_offset.id, o.source);
    }
}

// A gap that is too large is not shown; what was lost in it, or was left out, has no place any more.
static void large_gaps_are_closed(void **state) {
    (void)state;
    static const struct row rows[] = {
        {"the first", SYNC, 0, 100, 0, 0, 10, 0},
        {"as much as may be lost", MAP, 0, 1101, 1, 0, 1011, 1},
        {"lost before it", MAP, 0, 1100, 1, 0, 1010, 1},
        {"one more lost than that", MAP, 0, 2103, 2, 0, 1012, 2},
        {"lost before that", MAP, 0, 2102, 2, 0, -1, 0},
        {"and on", MAP, 0, 2104, 3, 0, 1013, 3},
        {"far ahead, left out", DROP, 0, 2905, 0, 0, 0, 0},
        {"lost before that keeps its number", MAP, 0, 2105, 3, 0, 1014, 3},
        {"far ahead, left out again", DROP, 0, 3905, 0, 0, 0, 0},
        {"closed over both", MAP, 0, 3906, 4, 0, 1015, 4},
        {"what was lost before them is gone", MAP, 0, 2106, 3, 0, -1, 0},
        {"between them as well", MAP, 0, 3000, 3, 0, -1, 0},
        {"the source begins anew far on", SYNC, 0, 9, 9, 9, 1016, 9},
    };
    struct seq_rewrite rw;
    seq_rewrite_init(&rw, 10);
    check_rows(&rw, rows, sizeof rows / sizeof *rows);
}

// Padding that jumps, and nothing between: 16 bits tell no more where that ends, and no index comes twice.
static void jumps_that_carry_nothing_are_closed(void **state) {
    (void)state;
    struct seq_rewrite rw;
    seq_rewrite_init(&rw, 500);
    seq_rewrite_sync(&rw, 0, 1000, 0, 0, no_pictures);
    uint64_t index, last = 500;
    uint32_t timestamp;
    assert_true(seq_rewrite_map(&rw, 1000, 0, &index, &timestamp));
    uint16_t seq = 1000;
    for (unsigned round = 0; round < 10; round++) {
        for (unsigned i = 0; i < 21; i++)
            seq_rewrite_drop(&rw, seq = (uint16_t)(seq + 2990));
        for (unsigned i = 0; i < 400; i++) {
            assert_true(seq_rewrite_map(&rw, ++seq, 0, &index, &timestamp));
            assert_int_equal(index, ++last);
        }
    }
}

static void what_is_too_late_is_not_sent(void **state) {
    (void)state;
    struct seq_rewrite rw;
    seq_rewrite_init(&rw, 1);
    seq_rewrite_sync(&rw, 0, 0, 0, 0, no_pictures);
    uint64_t index;
    uint32_t timestamp;
    for (uint16_t seq = 0; seq < 900; seq += 2)
        assert_true(seq_rewrite_map(&rw, seq, 0, &index, &timestamp));
    assert_true(seq_rewrite_map(&rw, 899 - INDEX_WINDOW_SURE, 0, &index, &timestamp));
    assert_int_equal(index, 900 - INDEX_WINDOW_SURE);
    assert_false(seq_rewrite_map(&rw, 899 - INDEX_WINDOW_SURE - 64, 0, &index, &timestamp));
    struct seq_origin origin; // but it can be asked for as RTX
    assert_true(seq_rewrite_unmap(&rw, 900 - INDEX_WINDOW_SURE - 64, &origin));
}

// Time follows a source whose clock goes back, and no frame that is out of order.
static void time_follows_a_clock_that_goes_back(void **state) {
    (void)state;
    static const struct row rows[] = {
        {"the first", SYNC, 0, 1, 1000000000, 1000000000, 5, 1000000000},
        {"out of order", MAP, 0, 2, 999990000, 0, 6, 999990000},
        {"its highest counts", SYNC, 0, 3, 7, 999999000, 7, 1000000001},
        {"the clock goes back", MAP, 0, 4, 3394967296u, 0, 8, 99998993},
        {"and on", SYNC, 0, 5, 50, 100003000, 9, 100003000},
    };
    struct seq_rewrite rw;
    seq_rewrite_init(&rw, 5);
    check_rows(&rw, rows, sizeof rows / sizeof *rows);
}

// A source that begins with what is older than what was sent catches up, frame by frame.
static void a_late_beginning_is_caught_up_with(void **state) {
    (void)state;
    static const struct row rows[] = {
        {"the first", SYNC, 0, 1, 5000, 5000, 100, 5000},
        {"another source, a tenth late", SYNC, 1, 500, 1000, 4700, 101, 5001},
        {"the rest of its frame", MAP, 1, 501, 1000, 0, 102, 5001},
        {"the next frame", MAP, 1, 502, 1100, 0, 103, 5002},
        {"left out", DROP, 1, 503, 0, 0, 0, 0},
        {"the next but one, due at 4900", MAP, 1, 504, 1200, 0, 104, 5003},
        {"one was lost: it may be of any frame", MAP, 1, 506, 1250, 0, 106, 5053},
        {"it was of that before", MAP, 1, 505, 1200, 0, 105, 5003},
        {"due at 5053, not before", MAP, 1, 507, 1353, 0, 107, 5054},
        {"and now later", MAP, 1, 508, 1400, 0, 108, 5100},
        {"the rest of its frame", MAP, 1, 509, 1400, 0, 109, 5100},
        {"and on", MAP, 1, 510, 1500, 0, 110, 5200},
        {"too far back to be caught up with", SYNC, 0, 9, 100, 5200u - SEQ_CATCH_UP_MAX, 111, 5201},
        {"and on", MAP, 0, 10, 200, 0, 112, 5301},
        {"half a second less a tick", SYNC, 1, 9, 100, 5302u - SEQ_CATCH_UP_MAX, 113, 5302},
        {"and on", MAP, 1, 10, 200, 0, 114, 5303},
    };
    struct seq_rewrite rw;
    struct seq_origin origin;
    seq_rewrite_init(&rw, 100);
    check_rows(&rw, rows, sizeof rows / sizeof *rows);
    static const uint16_t out[] = {101, 103, 105, 106, 108, 110}, in[] = {1000, 1100, 1200, 1250, 1400, 1500};
    static const uint32_t told[] = {5001, 5002, 5003, 5053, 5100, 5200}; // repeats have the same
    for (size_t i = 0; i < sizeof out / sizeof *out; i++) {
        assert_true(seq_rewrite_unmap(&rw, out[i], &origin));
        assert_int_equal(in[i] + origin.timestamp_offset, told[i]);
    }
}

// Any mixture of loss, leaving out and switching: no number twice, no gap but for losses, all found again.
static void any_mixture_is_continuous(void **state) {
    (void)state;
    srand(4);
    for (unsigned round = 0; round < 50; round++) {
        struct seq_rewrite rw;
        uint16_t next[3] = {(uint16_t)rand(), (uint16_t)rand(), (uint16_t)rand()}, expected = 1000;
        uint8_t source = 0;
        seq_rewrite_init(&rw, expected);
        seq_rewrite_sync(&rw, 0, next[0], 0, 0, no_pictures);
        bool started = false;
        for (unsigned i = 0; i < 3000; i++) {
            int what = rand() % 20;
            if (what == 0 && started) { // lost
                next[source]++;
                expected++;
                continue;
            }
            if (what == 1 && started) {
                seq_rewrite_drop(&rw, next[source]++);
                continue;
            }
            if (what == 2 && i % 8 == 0 && started) {
                // Numbers that were lost just before a switch are not known to the server: they are no gap.
                expected = (uint16_t)rw.out_next;
                source = (uint8_t)(rand() % 3);
                next[source] = (uint16_t)(next[source] + rand() % 100);
                seq_rewrite_sync(&rw, source, next[source], i * 10, i * 10, no_pictures);
            }
            uint16_t in = next[source]++;
            uint64_t out;
            uint32_t timestamp;
            struct seq_origin origin;
            assert_true(seq_rewrite_map(&rw, in, i * 10, &out, &timestamp));
            started = true;
            if ((uint16_t)out != expected)
                fail_msg("round %u, packet %u: expected %u, got %u", round, i, expected, (uint16_t)out);
            expected++;
            assert_false(seq_rewrite_map(&rw, in, i * 10, &out, &timestamp));
            assert_true(seq_rewrite_unmap(&rw, (uint16_t)out, &origin));
            assert_int_equal(origin.seq, in);
            assert_int_equal(origin.source, source);
        }
    }
}

// Padding of no source: its numbers go on from all that were given, nothing is mapped until the next run, and
// they lead nowhere, while those before them still lead to their packets.
static void padding_takes_numbers_of_no_source(void **state) {
    (void)state;
    struct seq_rewrite rw;
    seq_rewrite_init(&rw, 100);
    uint64_t index;
    uint32_t timestamp;
    struct seq_origin origin;
    seq_rewrite_sync(&rw, 1, 50, 1000, 1000, no_pictures);
    assert_true(seq_rewrite_map(&rw, 50, 1000, &index, &timestamp));
    assert_true(seq_rewrite_map(&rw, 52, 1000, &index, &timestamp)); // 102; 101 may come late
    for (uint64_t n = 0; n < 40; n++)
        assert_int_equal(seq_rewrite_fill(&rw), 103 + n);
    assert_false(seq_rewrite_map(&rw, 53, 2000, &index, &timestamp));
    assert_false(seq_rewrite_map(&rw, 51, 1000, &index, &timestamp));
    seq_rewrite_drop(&rw, 53);
    assert_false(seq_rewrite_unmap(&rw, 103, &origin));
    assert_false(seq_rewrite_unmap(&rw, 142, &origin));
    assert_true(seq_rewrite_unmap(&rw, 102, &origin) && origin.seq == 52 && origin.source == 1);
    seq_rewrite_sync(&rw, 1, 60, 3000, 3000, no_pictures);
    assert_true(seq_rewrite_map(&rw, 60, 3000, &index, &timestamp));
    assert_int_equal(index, 143);
    assert_true(seq_rewrite_unmap(&rw, 143, &origin) && origin.seq == 60);
    assert_false(seq_rewrite_unmap(&rw, 120, &origin));
    // A gap that is too large is closed by padding as well.
    assert_true(seq_rewrite_map(&rw, 61, 3000, &index, &timestamp));
    rw.out_next += SEQ_GAP_MAX + 2;
    assert_int_equal(seq_rewrite_fill(&rw), 145);
}

// A number in the middle of a run that is of no packet of the source: late ones keep theirs, later ones move
// up, and it leads to the packet before it.
static void an_empty_number_goes_between(void **state) {
    (void)state;
    struct seq_rewrite rw;
    struct seq_origin origin;
    uint64_t index;
    uint32_t timestamp;
    seq_rewrite_init(&rw, 100);
    assert_false(seq_rewrite_can_insert(&rw));
    seq_rewrite_sync(&rw, 1, 500, 0, 0, (struct picture_numbers){0});
    assert_false(seq_rewrite_can_insert(&rw)); // nothing has gone out
    assert_true(seq_rewrite_map(&rw, 500, 0, &index, &timestamp) && index == 100);
    assert_true(seq_rewrite_map(&rw, 502, 10, &index, &timestamp) && index == 102);
    assert_true(seq_rewrite_can_insert(&rw));
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(seq_rewrite_insert(&rw), 103 + i);
    assert_true(seq_rewrite_map(&rw, 501, 10, &index, &timestamp) && index == 101); // late
    assert_false(seq_rewrite_map(&rw, 502, 10, &index, &timestamp));                // again
    seq_rewrite_drop(&rw, 503);
    assert_int_equal(seq_rewrite_insert(&rw), 106);
    assert_true(seq_rewrite_map(&rw, 505, 20, &index, &timestamp) && index == 108); // 504 was lost
    assert_int_equal(seq_rewrite_insert(&rw), 109);
    assert_true(seq_rewrite_map(&rw, 504, 20, &index, &timestamp) && index == 107);
    assert_true(seq_rewrite_map(&rw, 506, 30, &index, &timestamp) && index == 110);
    static const struct {
        uint16_t out, in;
        bool empty;
    } rows[] = {{100, 500, false}, {101, 501, false}, {102, 502, false}, {103, 502, true},
                {104, 502, true},  {105, 502, true},  {106, 502, true},  {107, 504, false},
                {108, 505, false}, {109, 505, true},  {110, 506, false}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_true(seq_rewrite_unmap(&rw, rows[i].out, &origin));
        assert_int_equal(origin.seq, rows[i].in);
        assert_int_equal(origin.empty, rows[i].empty);
        assert_int_equal(origin.source, 1);
        assert_true(seq_rewrite_was_made(&rw, rows[i].out));
    }
    assert_int_equal(rw.count, 5); // those in a row are one
    seq_rewrite_fill(&rw);
    assert_false(seq_rewrite_can_insert(&rw));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_by_table),
        cmocka_unit_test(large_gaps_are_closed),
        cmocka_unit_test(jumps_that_carry_nothing_are_closed),
        cmocka_unit_test(what_is_too_late_is_not_sent),
        cmocka_unit_test(time_follows_a_clock_that_goes_back),
        cmocka_unit_test(a_late_beginning_is_caught_up_with),
        cmocka_unit_test(any_mixture_is_continuous),
        cmocka_unit_test(padding_takes_numbers_of_no_source),
        cmocka_unit_test(an_empty_number_goes_between),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
