#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "rtp/layer_select.h"

#define MS UINT64_C(1000)
#define NOW (100000 * MS)

// Ages in milliseconds: of the first packet of the layer's life, of its last packet. 0 first: never seen.
struct row {
    const char *what;
    unsigned count;
    struct {
        unsigned first_ms, last_ms;
    } layers[STREAMS_MAX];
    int ceiling, current, expected;
};

static void choices_by_table(void **state) {
    (void)state;
    static const struct row rows[] = {
        {"nothing is there", 3, {{0, 0}, {0, 0}, {0, 0}}, -1, -1, -1},
        {"all alive and old: the best", 3, {{9000, 10}, {9000, 10}, {9000, 10}}, -1, -1, 2},
        {"all just begun: the lowest, it is there", 3, {{100, 10}, {100, 10}, {100, 10}}, -1, -1, 0},
        {"a fresh one has to prove itself", 3, {{9000, 10}, {9000, 10}, {499, 10}}, -1, 1, 1},
        {"and has", 3, {{9000, 10}, {9000, 10}, {500, 10}}, -1, 1, 2},
        {"a fresh one that is shown stays", 3, {{9000, 10}, {100, 10}, {0, 0}}, -1, 1, 1},
        {"only a fresh one is there", 3, {{0, 0}, {0, 0}, {100, 10}}, -1, -1, 2},
        {"the shown one is dead", 3, {{9000, 10}, {9000, 10}, {9000, 1500}}, -1, 2, 1},
        {"nearly dead is alive", 3, {{9000, 10}, {9000, 10}, {9000, 1499}}, -1, 2, 2},
        {"all silent: what is shown stays", 3, {{9000, 2000}, {9000, 2000}, {9000, 2000}}, -1, 2, 2},
        {"all silent, nothing shown", 3, {{9000, 2000}, {9000, 2000}, {9000, 2000}}, -1, -1, -1},
        {"another one has just begun to speak: it may follow", 2, {{5, 5}, {9000, 2000}}, -1, 1, 1},
        {"and has not followed", 2, {{500, 5}, {9000, 2500}}, -1, 1, 0},
        {"nobody goes over to a silent one", 2, {{5, 5}, {9000, 2000}}, -1, 0, 0},
        {"the ceiling holds", 3, {{9000, 10}, {9000, 10}, {9000, 10}}, 1, 2, 1},
        {"two streams without a ceiling", 2, {{9000, 10}, {9000, 10}}, -1, 0, 1},
        {"a ceiling above all", 2, {{9000, 10}, {9000, 10}}, 7, 0, 1},
        {"a ceiling at the lowest", 3, {{9000, 10}, {9000, 10}, {9000, 10}}, 0, 2, 0},
        {"nothing up to the ceiling: the lowest above", 3, {{9000, 2000}, {9000, 10}, {9000, 10}}, 0, 0, 1},
    };
    for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct layer_source sources[STREAMS_MAX] = {0};
        for (unsigned k = 0; k < rows[i].count; k++)
            if (rows[i].layers[k].first_ms)
                sources[k] = (struct layer_source){.first_packet_us = NOW - rows[i].layers[k].first_ms * MS,
                                                   .last_packet_us = NOW - rows[i].layers[k].last_ms * MS};
        for (unsigned k = rows[i].count; k < STREAMS_MAX; k++) // they are no streams of this producer
            sources[k] = (struct layer_source){.first_packet_us = 1, .last_packet_us = NOW};
        int got = layer_select(sources, rows[i].count, rows[i].ceiling, rows[i].current, NOW);
        if (got != rows[i].expected)
            fail_msg("%s: expected %d, got %d", rows[i].what, rows[i].expected, got);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(choices_by_table)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
