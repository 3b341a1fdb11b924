// Names that are announced: what they stand for, and that another answer is noticed. Each round of look-ups
// is a thread of the watch's own (pthread_create), so this runs under ThreadSanitizer too.
#include "server/config/announce_watch.h"

#include "base/clock.h"
#include "base/log.h"
#include "server/config/announce.h"

#include <semaphore.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static const struct addr V4 = {.family = 4, .ip = {203, 0, 113, 9}};
static const struct addr V4_NEW = {.family = 4, .ip = {203, 0, 113, 10}};
static const struct addr V6 = {.family = 6, .ip = {0x20, 1, 0xd, 0xb8, [15] = 9}};
static const struct addr ANY = {.family = 4};

// What the name servers say at present.
static _Atomic(const struct addr *) answer;
static atomic_bool in_turn; // the other one, too, in any order
static sem_t held, let_go, woken;
static atomic_bool holding;

static unsigned fake_lookup(const char *host, uint16_t port, unsigned wait_ms, struct addr out[2], char *why,
                            size_t why_cap) {
    if (port != 0 || wait_ms != ANNOUNCE_LOOKUP_MS_MAX)
        return 0;
    if (atomic_load(&holding)) {
        sem_post(&held);
        sem_wait(&let_go);
    }
    const struct addr *first = atomic_load(&answer);
    if (!first || strcmp(host, "gone.example") == 0) {
        snprintf(why, why_cap, "nobody knows it");
        return 0;
    }
    if (!atomic_load(&in_turn) || (!addr_equal(&out[0], &V4) && !addr_equal(&out[0], &V4_NEW)))
        out[0] = *first;
    out[1] = V6;
    return strcmp(host, "both.example") == 0 ? 2 : 1;
}

static void wake(void *ctx) {
    (void)ctx;
    sem_post(&woken);
}

static void settings(struct config *config, const char *first, const char *second) {
    *config = (struct config){.listen_host = "127.0.0.1", .announce_count = second ? 2 : 1};
    snprintf(config->announce[0], sizeof config->announce[0], "%s", first);
    if (second)
        snprintf(config->announce[1], sizeof config->announce[1], "%s", second);
}

static void names_become_what_they_stand_for(void **state) {
    (void)state;
    static const struct {
        const char *entries[2];
        const struct addr *answer;
        const char *error;       // NULL: all resolve
        const char *expected[3]; // of the list that comes of it
    } rows[] = {
        {{"one.example", NULL}, &V4, NULL, {"203.0.113.9"}},
        {{"192.0.2.1", "both.example"}, &V4, NULL, {"192.0.2.1", "203.0.113.9", "2001:db8::9"}},
        {{"one.example", "203.0.113.9"}, &V4, NULL, {"203.0.113.9"}},
        {{"auto", "one.example"}, &V4, NULL, {"127.0.0.1"}},
        {{"192.0.2.1", "gone.example"},
         &V4,
         "\"gone.example\" does not resolve: nobody knows it",
         {"192.0.2.1"}},
        {{"gone.example", "one.example"}, &V4, "\"gone.example\" does not", {"203.0.113.9"}},
        {{"one.example", NULL}, NULL, "\"one.example\" does not resolve", {"127.0.0.1"}},
        {{"one.example", NULL}, &ANY, "it resolves to no address", {"127.0.0.1"}},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct config config;
        struct announce_names names;
        struct announce list;
        char error[256] = "";
        settings(&config, rows[i].entries[0], rows[i].entries[1]);
        atomic_store(&answer, rows[i].answer);
        bool all = announce_look_up(&names, &config, NULL, fake_lookup, error, sizeof error);
        if (all != !rows[i].error || (rows[i].error && !strstr(error, rows[i].error)))
            fail_msg("row %zu: expected \"%s\", got \"%s\"", i, rows[i].error ? rows[i].error : "", error);
        announce_make(&list, &config, NULL, &names);
        for (size_t k = 0; k < 3 && rows[i].expected[k]; k++)
            if (k >= list.count || strcmp(list.list[k].text, rows[i].expected[k]) != 0)
                fail_msg("row %zu: expected %s at %zu", i, rows[i].expected[k], k);
    }
}

static struct announce_watch *watch_of(struct config *config) {
    settings(config, "one.example", NULL);
    struct announce_watch_config made = {.settings = config, .lookup = fake_lookup, .wake = wake};
    char error[64];
    atomic_store(&answer, &V4);
    assert_true(announce_has_names(config));
    assert_true(announce_look_up(&made.known, config, NULL, fake_lookup, error, sizeof error));
    struct announce_watch *watch = announce_watch_create(&made, 1000);
    assert_non_null(watch);
    return watch;
}

static bool round_changes(struct announce_watch *watch, uint64_t now_us, bool at_once,
                          struct announce_names *names) {
    announce_watch_advance(watch, now_us, at_once);
    assert_true(announce_watch_next_us(watch) == TIME_NEVER);
    sem_wait(&woken);
    bool changed = announce_watch_take(watch, names);
    assert_true(announce_watch_next_us(watch) == now_us + ANNOUNCE_WATCH_US);
    return changed;
}

static void another_answer_is_noticed(void **state) {
    (void)state;
    struct config config;
    struct announce_names names;
    struct announce_watch *watch = watch_of(&config);
    uint64_t due_us = announce_watch_next_us(watch);
    assert_int_equal(due_us, 1000 + ANNOUNCE_WATCH_US);
    announce_watch_advance(watch, due_us - 1, false); // not yet
    assert_int_equal(announce_watch_next_us(watch), due_us);
    assert_false(announce_watch_take(watch, &names));

    assert_false(round_changes(watch, due_us, false, &names)); // the same
    atomic_store(&answer, NULL);
    assert_false(round_changes(watch, due_us, true, &names)); // none: what was known stays
    atomic_store(&answer, &V4_NEW);
    assert_true(round_changes(watch, due_us, true, &names));
    assert_int_equal(names.of[0].count, 1);
    assert_true(addr_equal(&names.of[0].address[0], &V4_NEW));
    assert_false(round_changes(watch, due_us, true, &names));
    announce_watch_destroy(watch);
    announce_watch_destroy(NULL);
}

// A name with several addresses, which name servers give in turn, is none that changes each minute.
static void what_is_said_in_turn_is_the_same(void **state) {
    (void)state;
    struct config config;
    struct announce_names names;
    struct announce_watch *watch = watch_of(&config);
    atomic_store(&in_turn, true);
    atomic_store(&answer, &V4_NEW);
    assert_false(round_changes(watch, 0, true, &names));
    atomic_store(&in_turn, false); // now it stands for that one alone
    assert_true(round_changes(watch, 0, true, &names));
    atomic_store(&in_turn, true);
    atomic_store(&answer, &V4);
    assert_false(round_changes(watch, 0, true, &names));
    atomic_store(&in_turn, false);
    announce_watch_destroy(watch);
}

// A resolver that hangs keeps neither the owner nor its end.
static void a_round_under_way_outlives_its_watch(void **state) {
    (void)state;
    struct config config;
    struct announce_names names;
    struct announce_watch *watch = watch_of(&config);
    atomic_store(&holding, true);
    announce_watch_advance(watch, 0, true);
    assert_true(announce_watch_next_us(watch) == TIME_NEVER); // it has begun, where there was memory for it
    sem_wait(&held);
    announce_watch_advance(watch, 0, true); // one at a time
    assert_false(announce_watch_take(watch, &names));
    announce_watch_destroy(watch);
    atomic_store(&holding, false);
    sem_post(&let_go);
    assert_int_equal(sem_trywait(&woken), -1);
    // One that is over and was not taken.
    watch = watch_of(&config);
    announce_watch_advance(watch, 0, true);
    assert_true(announce_watch_next_us(watch) == TIME_NEVER);
    sem_wait(&woken);
    announce_watch_destroy(watch);
}

static void names_are_told_from_addresses(void **state) {
    (void)state;
    struct config config;
    settings(&config, "auto", "2001:db8::1");
    assert_false(announce_has_names(&config));
    assert_true(announce_is_name("media.example.org"));
    assert_false(announce_is_name("192.0.2.1"));
    assert_false(announce_is_name(""));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_become_what_they_stand_for),
        cmocka_unit_test(another_answer_is_noticed),
        cmocka_unit_test(what_is_said_in_turn_is_the_same),
        cmocka_unit_test(a_round_under_way_outlives_its_watch),
        cmocka_unit_test(names_are_told_from_addresses),
    };
    log_configure(LOG_LEVEL_ERROR, LOG_FORMAT_TEXT);
    sem_init(&held, 0, 0);
    sem_init(&let_go, 0, 0);
    sem_init(&woken, 0, 0);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
