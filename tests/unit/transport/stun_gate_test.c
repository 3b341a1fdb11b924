#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/bytes.h"
#include "base/clock.h"
#include "transport/stun_gate.h"

static struct tuple tuple_at(uint16_t port) {
    return (struct tuple){.remote = {{198, 51, 100, 7}, port, 4, 0, 0},
                          .local = {{192, 0, 2, 1}, 40000, 4, 0, 0},
                          .protocol = TUPLE_UDP};
}

static const uint8_t *id_of(uint32_t n) {
    static uint8_t id[STUN_GATE_ID_BYTES];
    store_be32(id + 4, n);
    return id;
}

static void copies_are_known_by_their_tuple(void **state) {
    (void)state;
    struct stun_gate gate = {0};
    struct tuple home = tuple_at(5000), other = tuple_at(5001);
    static const struct {
        const char *what;
        uint32_t id;
        bool elsewhere, proven;
        enum stun_gate_verdict verdict;
    } rows[] = {
        {"a first check", 1, false, false, STUN_GATE_NEW},
        {"its repetition", 1, false, false, STUN_GATE_AGAIN},
        {"its copy", 1, true, false, STUN_GATE_COPIED},
        {"the copy again", 1, true, false, STUN_GATE_COPIED},
        {"a second check", 2, true, false, STUN_GATE_NEW},
        {"at home, where it is proven", 2, false, true, STUN_GATE_NEW},
        {"now it belongs there", 2, true, false, STUN_GATE_COPIED},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct tuple *from = rows[i].elsewhere ? &other : &home;
        enum stun_gate_verdict verdict =
            stun_gate_look(&gate, id_of(rows[i].id), from, rows[i].proven, US_PER_SECOND);
        if (verdict != rows[i].verdict)
            fail_msg("%s: %d, not %d", rows[i].what, verdict, rows[i].verdict);
        if (verdict <= STUN_GATE_AGAIN)
            stun_gate_note(&gate, id_of(rows[i].id), from, rows[i].proven, US_PER_SECOND);
    }
}

static void the_last_ids_are_known(void **state) {
    (void)state;
    struct stun_gate gate = {0};
    struct tuple home = tuple_at(5000), other = tuple_at(5001);
    uint64_t now_us = US_PER_SECOND;
    for (uint32_t i = 0; i <= STUN_GATE_IDS; i++, now_us += US_PER_SECOND)
        stun_gate_note(&gate, id_of(i), &home, true, now_us);
    assert_int_equal(stun_gate_look(&gate, id_of(0), &other, false, now_us), STUN_GATE_NEW); // forgotten
    for (uint32_t i = 1; i <= STUN_GATE_IDS; i++)
        assert_int_equal(stun_gate_look(&gate, id_of(i), &other, false, now_us), STUN_GATE_COPIED);
}

static unsigned passed(struct stun_gate *gate, bool proven, uint64_t *now_us, unsigned seconds) {
    struct tuple home = tuple_at(5000);
    static uint32_t id = 1000;
    unsigned count = 0;
    for (uint64_t end_us = *now_us + seconds * US_PER_SECOND; *now_us < end_us; *now_us += 1000)
        if (stun_gate_look(gate, id_of(++id), &home, proven, *now_us) == STUN_GATE_NEW) {
            stun_gate_note(gate, id_of(id), &home, proven, *now_us);
            count++;
        }
    return count;
}

static void fifty_a_second_pass(void **state) {
    (void)state;
    struct stun_gate gate = {0};
    uint64_t now_us = US_PER_SECOND;
    assert_in_range(passed(&gate, false, &now_us, 10), 10 * STUN_GATE_CHECKS_S, 11 * STUN_GATE_CHECKS_S + 1);
    assert_in_range(passed(&gate, false, &now_us, 10), 10 * STUN_GATE_CHECKS_S - 1,
                    10 * STUN_GATE_CHECKS_S + 1);
    struct tuple home = tuple_at(5000); // those of a proven tuple have their own
    assert_int_equal(stun_gate_look(&gate, id_of(1), &home, false, now_us), STUN_GATE_FULL);
    assert_int_equal(stun_gate_look(&gate, id_of(1), &home, true, now_us), STUN_GATE_NEW);
    // What was only looked at uses nothing up: strangers cannot take the peer's share.
    for (unsigned i = 0; i < 100000; i++)
        assert_int_equal(stun_gate_look(&gate, id_of(1), &home, true, now_us), STUN_GATE_NEW);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(copies_are_known_by_their_tuple),
        cmocka_unit_test(the_last_ids_are_known),
        cmocka_unit_test(fifty_a_second_pass),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
