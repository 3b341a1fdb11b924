// DTLS waits when a turn has spent enough time on it, in order, each peer a little; media does not wait.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "worker_scene.h"

#include <string.h>

#define NOW_US UINT64_C(1000000)
#define TURN_US 1000000 // more than any turn may spend
#define OF_PEER 16      // that may wait

static struct worker_peer *open_peer(struct scene *s, uint32_t id) {
    struct media_cmd cmd = {.type = MEDIA_OPEN_TRANSPORT, .transport = {id}};
    ice_credentials_make(0, &cmd.ice);
    worker_peer_command(s->worker, &cmd, NOW_US);
    struct worker_peer *peer = slots_get(s->worker->peers, hmap_get(s->worker->peers_by_id, &cmd.transport));
    assert_non_null(peer);
    return peer;
}

static void close_peer(struct scene *s, struct worker_peer *peer) {
    struct media_cmd cmd = {.type = MEDIA_CLOSE_TRANSPORT, .transport = peer->id};
    worker_peer_command(s->worker, &cmd, NOW_US);
}

// From a tuple that ICE does not know: the peer drops it, and counts that it came.
static void dtls_from(struct scene *s, struct worker_peer *peer) {
    static const uint8_t hello[] = {22, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0};
    struct block *b = pool_take(s->worker->pool);
    assert_non_null(b);
    memcpy(block_data(b), hello, sizeof hello);
    b->len = sizeof hello;
    worker_handshake(peer, &s->from, 0, b, NOW_US);
}

static uint64_t arrived(const struct scene *s) {
    return s->worker->counters.drops[MEDIA_DROP_UNVALIDATED_TUPLE];
}

static uint64_t refused(const struct scene *s) {
    return s->worker->counters.drops[MEDIA_DROP_HANDSHAKES_FULL];
}

static void a_turn_that_has_spent_its_time_leaves_the_rest_to_the_next(void **state) {
    struct scene *s = *state;
    struct worker_peer *peer = open_peer(s, 1);
    dtls_from(s, peer);
    assert_int_equal(arrived(s), 1); // there was time: at once
    s->worker->handshakes_us = TURN_US;
    dtls_from(s, peer);
    dtls_from(s, peer);
    assert_int_equal(arrived(s), 1);
    assert_int_equal(peer->handshakes_waiting, 2);
    s->worker->handshakes_us = 0; // there is time again, but nothing overtakes what waits
    dtls_from(s, peer);
    assert_int_equal(arrived(s), 1);
    worker_handshakes(s->worker, NOW_US);
    assert_int_equal(arrived(s), 4);
    assert_int_equal(peer->handshakes_waiting, 0);
    assert_int_equal(pool_taken(s->worker->pool), 0);
    assert_int_equal(refused(s), 0);
}

static void one_peer_cannot_fill_the_queue(void **state) {
    struct scene *s = *state;
    struct worker_peer *flooder = open_peer(s, 1), *other = open_peer(s, 2);
    s->worker->handshakes_us = TURN_US;
    for (unsigned i = 0; i < OF_PEER + 100; i++)
        dtls_from(s, flooder);
    assert_int_equal(refused(s), 100);
    dtls_from(s, other);
    assert_int_equal(refused(s), 100);
    assert_int_equal(pool_taken(s->worker->pool), OF_PEER + 1);
    worker_handshakes(s->worker, NOW_US);
    assert_int_equal(arrived(s), OF_PEER + 1);
    dtls_from(s, flooder);
    assert_int_equal(arrived(s), OF_PEER + 2);
}

static void what_waits_for_a_closed_peer_goes_with_it(void **state) {
    struct scene *s = *state;
    struct worker_peer *peer = open_peer(s, 1), *other = open_peer(s, 2);
    s->worker->handshakes_us = TURN_US;
    dtls_from(s, peer);
    dtls_from(s, other);
    close_peer(s, peer);
    open_peer(s, 3); // in the same place of the table
    worker_handshakes(s->worker, NOW_US);
    assert_int_equal(arrived(s), 1);
    assert_int_equal(pool_taken(s->worker->pool), 0);
}

static void what_waits_at_the_end_is_freed(void **state) {
    struct scene *s = *state;
    struct worker_peer *peer = open_peer(s, 1);
    s->worker->handshakes_us = TURN_US;
    dtls_from(s, peer);
    assert_int_equal(pool_taken(s->worker->pool), 1);
}

int main(void) {
#define IN_SCENE(test) cmocka_unit_test_setup_teardown(test, scene_open, scene_close)
    const struct CMUnitTest tests[] = {
        IN_SCENE(a_turn_that_has_spent_its_time_leaves_the_rest_to_the_next),
        IN_SCENE(one_peer_cannot_fill_the_queue),
        IN_SCENE(what_waits_for_a_closed_peer_goes_with_it),
        IN_SCENE(what_waits_at_the_end_is_freed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
