#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "rtp/seq_rewrite.h"

#include <stdlib.h>

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
        {"and on", MAP, 0, 10, 170, 0, 110, 5201},
    };
    struct seq_rewrite rw;
    seq_rewrite_init(&rw, 100);
    for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct row *r = &rows[i];
        if (r->action == DROP) {
            seq_rewrite_drop(&rw, r->seq);
            continue;
        }
        if (r->action == SYNC)
            seq_rewrite_sync(&rw, r->source, r->seq, r->timestamp, r->timestamp_out);
        uint16_t seq = 0;
        uint32_t timestamp = 0;
        bool mapped = seq_rewrite_map(&rw, r->seq, r->timestamp, &seq, &timestamp);
        int got = mapped ? seq : -1;
        if (got != r->expected || (mapped && timestamp != r->expected_timestamp))
            fail_msg("row %u, %s: expected %d at %u, got %d at %u", i, r->what, r->expected,
                     r->expected_timestamp, got, timestamp);
    }
    // What went out under which number: source and number in.
    static const struct {
        uint16_t out;
        int source, in; // -1: not known
    } back[] = {{100, 0, 65534}, {102, 0, 0}, {104, 0, 4},  {105, 0, 5},  {106, 0, 7}, {107, 1, 30000},
                {108, 1, 30001}, {109, 0, 9}, {110, 0, 10}, {111, -1, 0}, {99, -1, 0}, {33000, -1, 0}};
    for (unsigned i = 0; i < sizeof back / sizeof *back; i++) {
        uint8_t source = 9;
        uint16_t in = 0;
        uint32_t offset = 0;
        bool known = seq_rewrite_unmap(&rw, back[i].out, &source, &in, &offset);
        if (known != (back[i].source >= 0) || (known && (source != back[i].source || in != back[i].in)))
            fail_msg("number %u: expected %d of source %d, got %d of %d", back[i].out, back[i].in,
                     back[i].source, in, known ? source : -1);
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
        seq_rewrite_sync(&rw, 0, next[0], 0, 0);
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
                seq_rewrite_sync(&rw, source, next[source], i * 10, i * 10);
            }
            uint16_t in = next[source]++, out, found;
            uint32_t timestamp, offset;
            uint8_t from;
            assert_true(seq_rewrite_map(&rw, in, i * 10, &out, &timestamp));
            started = true;
            if (out != expected)
                fail_msg("round %u, packet %u: expected %u, got %u", round, i, expected, out);
            expected++;
            assert_true(seq_rewrite_unmap(&rw, out, &from, &found, &offset));
            assert_int_equal(found, in);
            assert_int_equal(from, source);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_by_table),
        cmocka_unit_test(any_mixture_is_continuous),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
