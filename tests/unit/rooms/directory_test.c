// Rooms by name, placement on workers, participants' queues, tokens and calls, the registry's names.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rooms/directory.h"
#include "rooms/registry.h"

static struct room *open_room(struct directory *directory, const char *name) {
    struct room *room = NULL;
    assert_int_equal(directory_open(directory, name, &room), ERR_OK);
    return room;
}

static void leave(struct participant *participant) {
    directory_exit(participant);
    participant_destroy(participant);
}

static void rooms_are_found_by_their_whole_name(void **state) {
    (void)state;
    struct directory directory;
    assert_int_equal(directory_init(&directory, 1, 1000, 16), ERR_OK);
    struct room *rooms[1000];
    char name[32];
    for (int i = 0; i < 1000; i++) {
        snprintf(name, sizeof name, "room %d", i);
        assert_null(directory_find(&directory, name));
        rooms[i] = open_room(&directory, name);
    }
    struct room *none = NULL;
    assert_int_equal(directory_open(&directory, "one more", &none), ERR_LIMIT);
    for (int i = 0; i < 1000; i += 2)
        directory_remove(rooms[i]);
    for (int i = 0; i < 1000; i++) {
        snprintf(name, sizeof name, "room %d", i);
        assert_ptr_equal(directory_find(&directory, name), i % 2 ? rooms[i] : NULL);
    }
    for (int i = 1; i < 1000; i += 2)
        directory_remove(rooms[i]);
    directory_close(&directory);
}

// Two names cannot be made to have one hash, so the hash is made to have no key.
static void names_of_one_hash_are_still_two_rooms(void **state) {
    (void)state;
    struct directory directory;
    assert_int_equal(directory_init(&directory, 1, 10, 16), ERR_OK);
    directory.hash_base = 0; // only the last character counts
    static const char *const names[] = {"a1", "b1", "c1", "d1"};
    static const int orders[][4] = {{0, 1, 2, 3}, {3, 2, 1, 0}, {1, 3, 0, 2}};
    for (size_t o = 0; o < 3; o++) {
        struct room *rooms[4];
        for (int i = 0; i < 4; i++)
            rooms[i] = open_room(&directory, names[i]);
        for (int n = 0; n < 4; n++) {
            for (int i = 0; i < 4; i++)
                assert_ptr_equal(directory_find(&directory, names[i]), rooms[i]);
            directory_remove(rooms[orders[o][n]]);
            rooms[orders[o][n]] = NULL;
        }
    }
    directory_close(&directory);
}

static void participants_spread_over_workers(void **state) {
    (void)state;
    static const struct {
        const char *rooms; // the room of each participant, in the order of their joins
        unsigned workers[10];
    } rows[] = {
        {"aaaaaaaaa", {0, 0, 1, 1, 2, 2, 0, 1, 2}}, // two each, then the least loaded
        {"abc", {0, 1, 2}},                         // rooms start on the least loaded
        {"aabab", {0, 0, 1, 2, 1}},                 // and stay where they are while there is space
        {"abcd", {0, 1, 2, 0}},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct directory directory;
        assert_int_equal(directory_init(&directory, 3, 10, 2), ERR_OK);
        struct participant *who[10] = {0};
        for (size_t n = 0; rows[i].rooms[n]; n++) {
            char name[2] = {rows[i].rooms[n], 0};
            struct room *room = directory_find(&directory, name);
            who[n] = participant_create("x");
            directory_enter(room ? room : open_room(&directory, name), who[n]);
            if (who[n]->worker != rows[i].workers[n])
                fail_msg("%s: participant %zu expected on worker %u, is on %u", rows[i].rooms, n,
                         rows[i].workers[n], who[n]->worker);
        }
        for (size_t n = 0; who[n]; n++)
            leave(who[n]);
        for (unsigned w = 0; w < 3; w++)
            assert_int_equal(directory.load[w], 0);
        for (struct room *room; (room = directory_empty_room(&directory));)
            directory_remove(room);
        directory_close(&directory);
    }
}

static void queues_are_bounded(void **state) {
    (void)state;
    struct participant *who = participant_create("ann");
    static char big[QUEUED_BYTES_MAX];
    assert_int_equal(participant_queue(who, big, sizeof big), ERR_OK);
    assert_int_equal(participant_queue(who, "x", 1), ERR_LIMIT);
    free(participant_dequeue(who));
    for (int i = 0; i < QUEUED_TEXTS_MAX; i++)
        assert_int_equal(participant_queue(who, (char[]){(char)i}, 1), ERR_OK);
    assert_int_equal(participant_queue(who, "x", 1), ERR_LIMIT);
    for (int i = 0; i < QUEUED_TEXTS_MAX / 2; i++) {
        struct queued_text *text = participant_dequeue(who);
        assert_int_equal(text->text[0], i);
        free(text);
    }
    participant_destroy(who); // frees the rest
    participant_destroy(NULL);
}

static void tokens_are_compared_whole(void **state) {
    (void)state;
    struct participant *who = participant_create("ann");
    char token[RESUME_TOKEN_BYTES + 2];
    memcpy(token, who->resume_token, RESUME_TOKEN_BYTES + 1);
    assert_true(participant_token_matches(who, token));
    for (size_t i = 0; i < RESUME_TOKEN_BYTES; i++) {
        token[i] ^= 1;
        assert_false(participant_token_matches(who, token));
        token[i] ^= 1;
    }
    token[RESUME_TOKEN_BYTES - 1] = '\0';
    assert_false(participant_token_matches(who, token));
    assert_false(participant_token_matches(who, ""));
    memcpy(token, who->resume_token, RESUME_TOKEN_BYTES + 1);
    participant_new_resume_token(who);
    assert_true(participant_token_matches(who, who->resume_token));
    assert_true(participant_token_matches(who, token)); // until the new one has been received
    who->connection = 1;
    assert_false(participant_token_matches(who, token)); // not while there is a connection
    assert_true(participant_token_matches(who, who->resume_token));
    who->connection = 0;
    participant_token_received(who);
    assert_true(participant_token_matches(who, who->resume_token));
    assert_false(participant_token_matches(who, token));
    participant_destroy(who);
}

static void stale_names_find_nothing(void **state) {
    (void)state;
    struct registry registry;
    assert_int_equal(registry_init(&registry), ERR_OK);
    struct participant *who = participant_create("ann");
    assert_non_null(who);
    struct room_transport *send = registry_open_transport(&registry, who, true);
    struct room_transport *recv = registry_open_transport(&registry, who, false);
    assert_true(send && recv);
    struct producer_params params = {.kind = MEDIA_VIDEO};
    struct room_producer *producer = registry_open_producer(&registry, send, &params, NULL, NULL, 0);
    assert_non_null(producer);
    struct room_consumer *consumer = registry_open_consumer(&registry, recv, producer);
    assert_non_null(consumer);
    struct consumer_id id = consumer->id;
    struct public_id name = consumer->public_id;
    assert_ptr_equal(registry_consumer(&registry, id), consumer);
    assert_ptr_equal(registry_find_consumer(&registry, name.text), consumer);
    assert_null(registry_find_producer(&registry, name.text)); // ids of one kind name nothing of another
    assert_null(registry_find_transport(&registry, ""));
    assert_int_equal(who->consumer_count, 1);
    registry_close_consumer(&registry, consumer);
    struct room_consumer *next = registry_open_consumer(&registry, recv, producer);
    assert_non_null(next);
    assert_int_not_equal(next->id.v, id.v);
    assert_null(registry_consumer(&registry, id));
    assert_null(registry_find_consumer(&registry, name.text));
    registry_close_consumer(&registry, next);
    registry_close_producer(&registry, producer);
    registry_close_transport(&registry, send);
    registry_close_transport(&registry, recv);
    assert_int_equal(who->consumer_count + who->producer_count + who->transport_count, 0);
    participant_destroy(who);
    registry_close(&registry);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rooms_are_found_by_their_whole_name),
        cmocka_unit_test(names_of_one_hash_are_still_two_rooms),
        cmocka_unit_test(participants_spread_over_workers),
        cmocka_unit_test(queues_are_bounded),
        cmocka_unit_test(tokens_are_compared_whole),
        cmocka_unit_test(stale_names_find_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
