// The state that the library does not keep (its trap 17): tuples, selection, consent, restart.
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "tests/unit/transport/ice_bench.h"
#include "transport/ice_proof.h"

static const struct ice_credentials fresh = {"00cccccccccccccc", "dddddddddddddddddddddddddddddddd"};

static void check(struct ice_bench *b, const struct tuple *from, bool use_candidate) {
    ice_bench_check(b, &b->ice.credentials, from, use_candidate);
    assert_success(b, b->ice.credentials.pwd, &from->remote);
}

static void assert_selected(const struct ice_bench *b, const struct tuple *expected) {
    const struct tuple *selected = ice_selected(&b->ice);
    assert_non_null(selected);
    assert_true(tuple_equal(selected, expected));
}

static void nothing_is_known_before_the_first_check(void **state) {
    struct ice_bench *b = *state;
    struct tuple from = tuple_from("198.51.100.1", 5000);
    assert_null(ice_selected(&b->ice));
    assert_false(ice_validated(&b->ice, &from));
    assert_int_equal(b->ice.state, ICE_NEW);
    assert_true(ice_next_us(&b->ice) == TIME_NEVER);
    assert_false(ice_advance(&b->ice, b->now_us + 3600 * US_PER_SECOND));
    assert_int_equal(b->ice.state, ICE_NEW);
}

static void the_first_good_check_validates_connects_and_selects(void **state) {
    struct ice_bench *b = *state;
    struct tuple from = tuple_from("198.51.100.1", 5000), other = from;
    check(b, &from, false);
    assert_true(b->result.tuple_added && b->result.selected_changed && b->result.state_changed);
    assert_false(b->result.tuple_removed);
    assert_int_equal(b->ice.state, ICE_CONNECTED);
    assert_selected(b, &from);
    assert_true(ice_validated(&b->ice, &from));
    other.local.ip[3] ^= 1; // the same peer at another address of ours
    assert_false(ice_validated(&b->ice, &other));
    check(b, &from, false);
    assert_false(b->result.tuple_added || b->result.selected_changed || b->result.state_changed);
}

// Steps of (tuple, USE-CANDIDATE, seconds later) and the tuple that is selected after each.
static void the_last_nomination_is_selected(void **state) {
    static const struct {
        const char *what;
        unsigned tuple, seconds;
        bool use_candidate;
        unsigned selected;
    } steps[] = {
        {"the first validated", 0, 0, false, 0},
        {"another one, not nominated", 1, 1, false, 0},
        {"nominated", 1, 1, true, 1},
        {"a keepalive of the first", 0, 1, false, 1},
        {"renominated", 0, 1, true, 0},
        {"a new tuple in mid-call that is nominated at once", 2, 1, true, 2},
        {"keepalives elsewhere", 0, 5, false, 2},
        {"9 s of silence on the selected one", 1, 4, false, 2},
        {"10 s of silence: the one that is alive", 1, 1, false, 1},
        {"back by nomination", 2, 1, true, 2},
        {"and it stays while it is checked", 2, 9, false, 2},
        {"and it stays", 0, 9, false, 2},
    };
    struct ice_bench *b = *state;
    struct tuple tuples[] = {tuple_from("198.51.100.1", 5000), tuple_from("2001:db8::7", 5000),
                             tuple_from("203.0.113.9", 1024)};
    unsigned before = 99;
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        b->now_us += steps[i].seconds * US_PER_SECOND;
        check(b, &tuples[steps[i].tuple], steps[i].use_candidate);
        print_message("%s: %u\n", steps[i].what, steps[i].selected);
        assert_selected(b, &tuples[steps[i].selected]);
        assert_int_equal(b->result.selected_changed, steps[i].selected != before);
        before = steps[i].selected;
    }
}

static void at_most_eight_tuples_and_the_stalest_gives_way(void **state) {
    struct ice_bench *b = *state;
    struct tuple t[11];
    for (uint16_t i = 0; i < 11; i++)
        t[i] = tuple_from("198.51.100.1", (uint16_t)(5000 + i));
    for (int i = 0; i < ICE_TUPLES_MAX; i++) {
        b->now_us += 1000;
        check(b, &t[i], i == 0); // the oldest is the selected one
        assert_true(b->result.tuple_added && !b->result.tuple_removed);
    }
    b->now_us += 1000;
    check(b, &t[1], false);
    b->now_us += 1000;
    check(b, &t[8], false); // 0 is selected, 1 was refreshed: 2 goes
    assert_true(b->result.tuple_added && b->result.tuple_removed);
    assert_true(tuple_equal(&b->result.removed, &t[2]));
    assert_false(ice_validated(&b->ice, &t[2]));
    b->now_us += 1000;
    check(b, &t[9], true); // 3 goes
    assert_true(tuple_equal(&b->result.removed, &t[3]));
    assert_selected(b, &t[9]);
    b->now_us += 1000;
    check(b, &t[10], false); // now 0 may go
    assert_true(tuple_equal(&b->result.removed, &t[0]));
    assert_selected(b, &t[9]);
    assert_int_equal(b->ice.path_count, ICE_TUPLES_MAX);
}

static void consent_expires_after_30_s_and_a_check_brings_it_back(void **state) {
    struct ice_bench *b = *state;
    struct tuple a = tuple_from("198.51.100.1", 5000), moved = tuple_from("198.51.100.1", 6000);
    check(b, &a, true);
    uint64_t due = b->now_us + ICE_CONSENT_US;
    assert_true(ice_next_us(&b->ice) == due);
    assert_false(ice_advance(&b->ice, due - 1));
    assert_int_equal(b->ice.state, ICE_CONNECTED);
    assert_true(ice_advance(&b->ice, due));
    assert_int_equal(b->ice.state, ICE_DISCONNECTED);
    assert_null(ice_selected(&b->ice)); // RFC 7675: no more sending
    assert_false(ice_advance(&b->ice, due + US_PER_SECOND));
    assert_true(ice_next_us(&b->ice) == TIME_NEVER);
    b->now_us = due + 5 * US_PER_SECOND;
    check(b, &moved, false); // from wherever the peer is now, nominated or not
    assert_true(b->result.state_changed && b->result.tuple_added && b->result.selected_changed);
    assert_int_equal(b->ice.state, ICE_CONNECTED);
    assert_selected(b, &moved);
    b->now_us += 29 * US_PER_SECOND;
    check(b, &moved, false);
    assert_false(ice_advance(&b->ice, b->now_us + 29 * US_PER_SECOND));
}

static void what_is_not_a_good_check_does_not_renew_consent(void **state) {
    struct ice_bench *b = *state;
    struct tuple from = tuple_from("198.51.100.1", 5000);
    check(b, &from, true);
    uint64_t due = ice_next_us(&b->ice);
    b->now_us += 20 * US_PER_SECOND;
    struct stun_build m;
    check_build(&m, &b->credentials, (struct check){.pwd = "wrong"});
    ice_bench_send(b, &m, &from);
    stun_begin(&m, STUN_INDICATION_TYPE);
    stun_fingerprint(&m);
    ice_bench_send(b, &m, &from);
    stun_begin(&m, STUN_REQUEST_TYPE);
    stun_attr(&m, ATTR_USERNAME, "00aaaaaaaaaaaaaa:peer", 21);
    stun_attr_u64(&m, ATTR_ICE_CONTROLLED, 5);
    check_sign(&m, b->credentials.pwd);
    ice_bench_send(b, &m, &from);
    assert_error(b, b->credentials.pwd, 487);
    assert_true(ice_next_us(&b->ice) == due);
}

// Steps of (what comes, seconds later) and whether media may still flow then.
static void media_and_indications_show_consent(void **state) {
    enum what {
        CHECK,
        INDICATION,
        NAKED_INDICATION,
        FORGED_INDICATION,
        HEARD_SELECTED,
        HEARD_OTHER,
        NOTHING
    };
    static const struct {
        const char *name;
        enum what what;
        unsigned seconds;
        bool connected;
    } steps[] = {
        {"media, for minutes", HEARD_SELECTED, 25, true},
        {"media", HEARD_SELECTED, 29, true},
        {"media", HEARD_SELECTED, 29, true},
        {"an indication that is authentic", INDICATION, 29, true},
        {"29 s later", NOTHING, 29, true},
        {"media", HEARD_SELECTED, 0, true},
        {"an indication without credentials", NAKED_INDICATION, 15, true},
        {"one with wrong ones", FORGED_INDICATION, 5, true},
        {"media from elsewhere", HEARD_OTHER, 9, true},
        {"none of them counts", NOTHING, 2, false},
        {"media from elsewhere", HEARD_OTHER, 5, false},
        {"media from where it was", HEARD_SELECTED, 5, true},
        {"the next 29 s", NOTHING, 29, true},
        {"and the end", NOTHING, 2, false},
        {"an indication", INDICATION, 2, true},
    };
    struct ice_bench *b = *state;
    struct tuple home = tuple_from("198.51.100.1", 5000), other = tuple_from("198.51.100.1", 5001);
    check(b, &other, false);
    check(b, &home, true);
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        struct stun_build m;
        for (unsigned k = 0; k < steps[i].seconds * 10; k++) {
            b->now_us += US_PER_SECOND / 10;
            (void)ice_advance(&b->ice, b->now_us);
        }
        check_body(&m, &b->credentials, (struct check){.type = STUN_INDICATION_TYPE});
        if (steps[i].what == INDICATION || steps[i].what == FORGED_INDICATION)
            check_sign(&m, steps[i].what == INDICATION ? b->credentials.pwd : "wrong");
        else
            stun_fingerprint(&m);
        if (steps[i].what >= INDICATION && steps[i].what <= FORGED_INDICATION) {
            ice_bench_send(b, &m, &home);
            assert_int_equal(b->result.reply_len, 0);
        } else if (steps[i].what == HEARD_SELECTED || steps[i].what == HEARD_OTHER) {
            ice_heard(&b->ice, ice_find(&b->ice, steps[i].what == HEARD_SELECTED ? &home : &other),
                      b->now_us);
        }
        print_message("%s: %d\n", steps[i].name, b->ice.state);
        assert_int_equal(b->ice.state, steps[i].connected ? ICE_CONNECTED : ICE_DISCONNECTED);
        assert_int_equal(ice_selected(&b->ice) != NULL, steps[i].connected);
    }
}

static void only_a_proven_tuple_is_held(void **state) {
    struct ice_bench *b = *state;
    struct tuple home = tuple_from("198.51.100.1", 5000), other = tuple_from("198.51.100.1", 5001);
    check(b, &home, true);
    ice_heard(&b->ice, ice_find(&b->ice, &home), b->now_us);
    assert_false(ice_holds(&b->ice, &home, b->now_us)); // anybody can forge where it is
    ice_prove(&b->ice, ice_find(&b->ice, &home), b->now_us);
    assert_true(ice_holds(&b->ice, &home, b->now_us));
    assert_false(ice_holds(&b->ice, &other, b->now_us));
    assert_true(ice_holds(&b->ice, &home, b->now_us + ICE_HELD_CHECKED_US));
    assert_false(ice_holds(&b->ice, &home, b->now_us + ICE_HELD_CHECKED_US + 1));
    b->now_us += ICE_HELD_CHECKED_US + 5 * US_PER_SECOND;
    ice_heard(&b->ice, ice_find(&b->ice, &home), b->now_us);
    assert_true(ice_holds(&b->ice, &home, b->now_us + ICE_HELD_US));
    assert_false(ice_holds(&b->ice, &home, b->now_us + ICE_HELD_US + 1));
}

static bool media_goes_to(const struct ice_bench *b, const struct tuple *expected) {
    const struct tuple *to = ice_media(&b->ice);
    return to && tuple_equal(to, expected);
}

static void media_follows_proof_and_nomination(void **state) {
    struct ice_bench *b = *state;
    struct tuple t[3] = {tuple_from("198.51.100.1", 5000), tuple_from("198.51.100.2", 5000),
                         tuple_from("198.51.100.3", 5000)};
    check(b, &t[0], true);
    assert_true(media_goes_to(b, &t[0])); // a few packets, from the budget
    ice_prove(&b->ice, ice_find(&b->ice, &t[0]), b->now_us);
    check(b, &t[1], true);
    check(b, &t[2], true); // who has the last word
    assert_true(media_goes_to(b, &t[0]));
    assert_ptr_equal(ice_candidate(&b->ice), ice_find(&b->ice, &t[2]));
    ice_prove(&b->ice, ice_find(&b->ice, &t[1]), b->now_us);
    assert_true(media_goes_to(b, &t[1]));
    check(b, &t[0], true); // proven already: at once
    assert_true(media_goes_to(b, &t[0]));
    assert_null(ice_candidate(&b->ice));
    ice_prove(&b->ice, ice_find(&b->ice, &t[2]), b->now_us); // nominated before that
    assert_true(media_goes_to(b, &t[0]));
    b->now_us += 11 * US_PER_SECOND; // what was proven then may be somebody else's address now
    check(b, &t[0], true);
    check(b, &t[1], true);
    assert_true(media_goes_to(b, &t[0]));
    assert_ptr_equal(ice_candidate(&b->ice), ice_find(&b->ice, &t[1]));
}

static void a_budget_bounds_what_nobody_has_proven(void **state) {
    struct ice_bench *b = *state;
    struct tuple from = tuple_from("198.51.100.1", 5000);
    check(b, &from, true);
    size_t media = 0, rest = 0;
    for (; media_goes_to(b, &from) && media < 100000; media += 1200)
        ice_spend(&b->ice, 1200, b->now_us);
    struct ice_path *path = ice_find(&b->ice, &from);
    for (; ice_afford(&b->ice, path, 100, b->now_us) && rest < 100000; rest += 100)
        continue;
    assert_in_range(media, 1200, ICE_UNPROVEN_BYTES - ICE_UNPROVEN_KEPT + 1200);
    assert_in_range(media + rest, ICE_UNPROVEN_BYTES - 1300, ICE_UNPROVEN_BYTES);
    ice_credit(&b->ice, path, 500); // what comes from there pays for what goes there
    assert_true(ice_afford(&b->ice, path, 500, b->now_us));
    assert_false(ice_afford(&b->ice, path, 500, b->now_us));
    ice_prove(&b->ice, path, b->now_us);
    assert_true(ice_afford(&b->ice, path, 100000, b->now_us));
    assert_true(media_goes_to(b, &from));
}

// Nobody who forges addresses pushes out those of the peer that are proven.
static void proven_tuples_give_way_last(void **state) {
    struct ice_bench *b = *state;
    struct tuple home = tuple_from("198.51.100.1", 5000), backup = tuple_from("198.51.100.2", 5000);
    check(b, &home, true);
    check(b, &backup, false);
    ice_prove(&b->ice, ice_find(&b->ice, &home), b->now_us);
    ice_prove(&b->ice, ice_find(&b->ice, &backup), b->now_us);
    for (uint16_t i = 0; i < 50; i++) {
        struct tuple forged = tuple_from("203.0.113.9", (uint16_t)(6000 + i));
        b->now_us += 1000;
        check(b, &forged, true);
        assert_true(ice_validated(&b->ice, &home) && ice_validated(&b->ice, &backup));
        assert_true(media_goes_to(b, &home));
    }
}

static void after_a_restart_both_credentials_hold_for_ten_seconds(void **state) {
    struct ice_bench *b = *state;
    struct tuple a = tuple_from("198.51.100.1", 5000);
    check(b, &a, true);
    ice_restart(&b->ice, &fresh, b->now_us);
    assert_int_equal(b->ice.state, ICE_CONNECTED); // media goes on
    assert_selected(b, &a);
    assert_true(ice_next_us(&b->ice) == b->now_us + ICE_OLD_CREDENTIALS_US);
    b->now_us += ICE_OLD_CREDENTIALS_US - 1;
    ice_bench_check(b, &b->credentials, &a, true);
    assert_success(b, b->credentials.pwd, &a.remote);
    b->now_us += 1; // to the microsecond, even before ice_advance has come
    ice_bench_check(b, &b->credentials, &a, true);
    assert_int_equal(b->result.err, ERR_AUTH);
    assert_false(ice_advance(&b->ice, b->now_us));
    assert_int_equal(b->ice.old_until_us, 0);
    assert_int_equal(b->ice.old_credentials.pwd[0], 0);
    check(b, &a, true);
}

static void the_first_nomination_with_new_credentials_ends_the_old(void **state) {
    struct ice_bench *b = *state;
    struct tuple a = tuple_from("198.51.100.1", 5000), moved = tuple_from("203.0.113.9", 1024);
    check(b, &a, true);
    ice_restart(&b->ice, &fresh, b->now_us);
    ice_bench_check(b, &fresh, &moved, false); // checked but not nominated: both live
    assert_success(b, fresh.pwd, &moved.remote);
    assert_selected(b, &a);
    ice_bench_check(b, &b->credentials, &a, true);
    assert_success(b, b->credentials.pwd, &a.remote);
    ice_bench_check(b, &fresh, &moved, true);
    assert_selected(b, &moved);
    ice_bench_check(b, &b->credentials, &a, true); // a straggler
    assert_int_equal(b->result.err, ERR_AUTH);
    assert_selected(b, &moved);
}

static void a_second_restart_forgets_the_first_generation(void **state) {
    struct ice_bench *b = *state;
    struct tuple a = tuple_from("198.51.100.1", 5000);
    struct ice_credentials third = {"00eeeeeeeeeeeeee", "ffffffffffffffffffffffffffffffff"};
    ice_restart(&b->ice, &fresh, b->now_us);
    ice_restart(&b->ice, &third, b->now_us);
    ice_bench_check(b, &b->credentials, &a, false);
    assert_int_equal(b->result.err, ERR_AUTH);
    ice_bench_check(b, &fresh, &a, false);
    assert_success(b, fresh.pwd, &a.remote);
    ice_bench_check(b, &third, &a, false);
    assert_success(b, third.pwd, &a.remote);
}

// What was not asked for may be left: the peer goes on with what it has, for as long as it likes and however
// many offers come; the last of them holds too, those between do not.
static void an_offer_may_be_left(void **state) {
    struct ice_bench *b = *state;
    struct tuple a = tuple_from("198.51.100.1", 5000);
    struct ice_credentials third = {"00eeeeeeeeeeeeee", "ffffffffffffffffffffffffffffffff"};
    check(b, &a, true);
    assert_false(ice_offer(&b->ice, &fresh));
    assert_true(ice_offer(&b->ice, &third));
    for (unsigned i = 0; i < 10; i++) {
        b->now_us += ICE_OLD_CREDENTIALS_US;
        assert_false(ice_advance(&b->ice, b->now_us));
        ice_bench_check(b, &b->credentials, &a, true);
        assert_success(b, b->credentials.pwd, &a.remote);
    }
    ice_bench_check(b, &fresh, &a, true);
    assert_int_equal(b->result.err, ERR_AUTH);
    ice_bench_check(b, &third, &a, true); // it is taken
    assert_success(b, third.pwd, &a.remote);
    ice_bench_check(b, &b->credentials, &a, true);
    assert_int_equal(b->result.err, ERR_AUTH);
    assert_false(ice_offer(&b->ice, &fresh)); // what it uses now stays
    ice_bench_check(b, &third, &a, true);
    assert_success(b, third.pwd, &a.remote);
}

// A restart that the peer asks for while an offer is open: what it uses holds for ten seconds more.
static void a_restart_after_an_offer(void **state) {
    struct ice_bench *b = *state;
    struct tuple a = tuple_from("198.51.100.1", 5000);
    struct ice_credentials third = {"00eeeeeeeeeeeeee", "ffffffffffffffffffffffffffffffff"};
    check(b, &a, true);
    (void)ice_offer(&b->ice, &fresh);
    ice_restart(&b->ice, &third, b->now_us);
    ice_bench_check(b, &b->credentials, &a, false);
    assert_success(b, b->credentials.pwd, &a.remote);
    b->now_us += ICE_OLD_CREDENTIALS_US;
    ice_bench_check(b, &b->credentials, &a, false);
    assert_int_equal(b->result.err, ERR_AUTH);
    ice_bench_check(b, &third, &a, true);
    assert_success(b, third.pwd, &a.remote);
}

static void a_closed_peer_answers_nothing(void **state) {
    struct ice_bench *b = *state;
    struct tuple a = tuple_from("198.51.100.1", 5000);
    check(b, &a, true);
    b->ice.state = ICE_CLOSED;
    ice_bench_check(b, &b->credentials, &a, true);
    assert_int_equal(b->result.reply_len, 0);
    assert_int_equal(b->ice.state, ICE_CLOSED);
    assert_null(ice_selected(&b->ice));
    assert_true(ice_next_us(&b->ice) == TIME_NEVER);
}

static void credentials_name_their_worker(void **state) {
    (void)state;
    static const unsigned workers[] = {0, 1, 9, 10, 35, 36, 255};
    for (size_t i = 0; i < sizeof workers / sizeof *workers; i++) {
        struct ice_credentials a, b;
        ice_credentials_make(workers[i], &a);
        ice_credentials_make(workers[i], &b);
        assert_int_equal(strlen(a.ufrag), ICE_UFRAG_BYTES);
        assert_int_equal(strlen(a.pwd), ICE_PWD_BYTES);
        assert_int_equal(strspn(a.ufrag, "abcdefghijklmnopqrstuvwxyz0123456789"), ICE_UFRAG_BYTES);
        assert_string_not_equal(a.ufrag, b.ufrag);
        assert_string_not_equal(a.pwd, b.pwd);
        assert_int_equal(ice_ufrag_worker(span_of_text(a.ufrag)), workers[i]);
    }
}

static void strange_ufrags_name_no_worker(void **state) {
    (void)state;
    static const struct {
        const char *ufrag;
        int worker;
    } rows[] = {
        {"00aaaaaaaaaaaaaa", 0},  {"0zaaaaaaaaaaaaaa", 35},  {"73aaaaaaaaaaaaaa", 255},
        {"74aaaaaaaaaaaaaa", -1}, {"zzaaaaaaaaaaaaaa", -1},  {"", -1},
        {"00aaaaaaaaaaaaa", -1},  {"00aaaaaaaaaaaaaaa", -1}, {"00AAAAAAAAAAAAAA", -1},
        {"00aaaaaaa+aaaaaa", -1}, {"-1aaaaaaaaaaaaaa", -1},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        print_message("\"%s\": %d\n", rows[i].ufrag, rows[i].worker);
        assert_int_equal(ice_ufrag_worker(span_of_text(rows[i].ufrag)), rows[i].worker);
    }
}

static void the_ufrag_of_a_check_is_found_before_it_is_authentic(void **state) {
    struct ice_bench *b = *state;
    static const struct {
        const char *username;
        uint16_t type;
        enum err err;
        const char *ufrag;
    } rows[] = {
        {"abc:def", STUN_REQUEST_TYPE, ERR_OK, "abc"},
        {"abc:def:ghi", STUN_REQUEST_TYPE, ERR_OK, "abc"},
        {":def", STUN_REQUEST_TYPE, ERR_OK, ""},
        {"abc:", STUN_REQUEST_TYPE, ERR_NOT_FOUND, NULL},
        {"abc", STUN_REQUEST_TYPE, ERR_NOT_FOUND, NULL},
        {"", STUN_REQUEST_TYPE, ERR_NOT_FOUND, NULL},
        {"abc:def", STUN_INDICATION_TYPE, ERR_NOT_FOUND, NULL},
        {"abc:def", STUN_SUCCESS_TYPE, ERR_NOT_FOUND, NULL},
        {"abc:def", 0x8001, ERR_MALFORMED, NULL},
    };
    struct span ufrag;
    struct stun_build m;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        check_build(&m, &b->credentials,
                    (struct check){.username = rows[i].username, .type = rows[i].type, .pwd = "any"});
        print_message("0x%04x \"%s\": %s\n", rows[i].type, rows[i].username, err_name(rows[i].err));
        assert_int_equal(ice_peek_ufrag(span_of(m.bytes, m.len), &ufrag), rows[i].err);
        if (rows[i].ufrag)
            assert_true(span_equal(ufrag, span_of_text(rows[i].ufrag)));
    }
    stun_begin(&m, STUN_REQUEST_TYPE);
    assert_int_equal(ice_peek_ufrag(span_of(m.bytes, m.len), &ufrag), ERR_NOT_FOUND);
    assert_int_equal(ice_peek_ufrag(span_of(m.bytes, 19), &ufrag), ERR_MALFORMED);
    assert_int_equal(ice_peek_ufrag((struct span){0}, &ufrag), ERR_MALFORMED);
    check_build(&m, &b->credentials, (struct check){0});
    m.bytes[3] ^= 4; // a length that lies
    assert_int_equal(ice_peek_ufrag(span_of(m.bytes, m.len), &ufrag), ERR_MALFORMED);
}

int main(void) {
#define CASE(f) cmocka_unit_test_setup_teardown(f, ice_bench_start, ice_bench_stop)
    const struct CMUnitTest tests[] = {
        CASE(nothing_is_known_before_the_first_check),
        CASE(the_first_good_check_validates_connects_and_selects),
        CASE(the_last_nomination_is_selected),
        CASE(at_most_eight_tuples_and_the_stalest_gives_way),
        CASE(consent_expires_after_30_s_and_a_check_brings_it_back),
        CASE(what_is_not_a_good_check_does_not_renew_consent),
        CASE(media_and_indications_show_consent),
        CASE(only_a_proven_tuple_is_held),
        CASE(media_follows_proof_and_nomination),
        CASE(a_budget_bounds_what_nobody_has_proven),
        CASE(proven_tuples_give_way_last),
        CASE(after_a_restart_both_credentials_hold_for_ten_seconds),
        CASE(the_first_nomination_with_new_credentials_ends_the_old),
        CASE(a_second_restart_forgets_the_first_generation),
        CASE(an_offer_may_be_left),
        CASE(a_restart_after_an_offer),
        CASE(a_closed_peer_answers_nothing),
        cmocka_unit_test(credentials_name_their_worker),
        cmocka_unit_test(strange_ufrags_name_no_worker),
        CASE(the_ufrag_of_a_check_is_found_before_it_is_authentic),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
