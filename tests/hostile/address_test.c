// Addresses: checks whose sender's address is forged, checks that were copied from the wire, and more checks
// than anybody needs, against people who get media. Whoever is meant to be flooded hears next to nothing, and
// those who are meant to lose their media keep it.
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/bytes.h"
#include "base/clock.h"
#include "tests/kit/siege.h"
#include "tests/unit/transport/stun_build.h"
#include "transport/ice_proof.h"

#include <stdlib.h>
#include <unistd.h>

#define ROUNDS 150
#define ROUND_US (20 * US_PER_MS)
#define DEADLINE_US (60 * US_PER_SECOND)

// A socket with an address of its own choice, in the place of a forged one: what the server is told is the
// same.
static int socket_at(struct siege *s, const char *ip, uint16_t port) {
    struct addr own, server;
    struct sockaddr_storage at;
    int on = 1;
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    assert_int_equal(addr_parse(ip, port, &own), ERR_OK);
    socklen_t len = addr_to_sockaddr(&own, &at);
    assert_int_equal(bind(fd, (struct sockaddr *)&at, len), 0);
    assert_int_equal(addr_parse("127.0.0.1", media_port(s->media), &server), ERR_OK);
    len = addr_to_sockaddr(&server, &at);
    assert_int_equal(connect(fd, (struct sockaddr *)&at, len), 0);
    return fd;
}

static void send_check(int fd, const struct guest *of) {
    struct stun_build check;
    siege_build_check(&check, of->ice.ufrag, of->ice.pwd);
    assert_int_equal(send(fd, check.bytes, check.len, 0), check.len);
}

// A publisher and a viewer, both guests of the first worker; the conference goes on beside them.
struct scene {
    struct siege *siege;
    struct guest publisher, viewer;
    uint16_t seq;
    uint64_t sent;
};

static void scene_open(struct scene *scene, unsigned workers) {
    *scene = (struct scene){.siege = siege_open(workers, 2)};
    struct siege *s = scene->siege;
    guest_open(s, 0, &scene->publisher);
    guest_open(s, 0, &scene->viewer);
    guest_arrive(&scene->publisher);
    guest_arrive(&scene->viewer);
    guest_produce(&scene->publisher, 0x11111111, "", 0x70000000);
    guest_consume(&scene->viewer, 0x70000000, 0x71000000, 0x22222222);
}

static void scene_close(struct scene *scene) {
    guest_close(&scene->viewer);
    guest_close(&scene->publisher);
    siege_close(scene->siege);
}

static void scene_turn(struct scene *scene) {
    siege_turn(scene->siege, 1);
    media_peer_poll(scene->publisher.peer, clock_now_us());
    media_peer_poll(scene->viewer.peer, clock_now_us());
}

// One packet of sound, about 1000 bytes so that a flood would be one, and the time to the next.
static void scene_speak(struct scene *scene) {
    uint8_t packet[1000] = {0x80, 111};
    store_be16(packet + 2, ++scene->seq);
    store_be32(packet + 4, 960u * scene->seq);
    store_be32(packet + 8, 0x11111111);
    media_peer_send_rtp(scene->publisher.peer, span_of(packet, sizeof packet));
    scene->sent++;
    for (uint64_t end_us = clock_now_us() + ROUND_US; clock_now_us() < end_us;)
        scene_turn(scene);
}

// From the first packet that comes: consumers open in their own time.
static void scene_begin(struct scene *scene) {
    for (uint64_t end_us = clock_now_us() + DEADLINE_US; scene->viewer.rtp == 0 && clock_now_us() < end_us;)
        scene_speak(scene);
    assert_true(scene->viewer.rtp > 0);
    for (unsigned i = 0; i < 10; i++)
        scene_speak(scene);
    scene->sent = 0;
    scene->viewer.rtp = 0;
}

static void expect_nearly_all(const struct scene *scene, const char *what) {
    print_message("%s: %llu of %llu packets came\n", what, (unsigned long long)scene->viewer.rtp,
                  (unsigned long long)scene->sent);
    assert_true(scene->viewer.rtp * 100 >= scene->sent * 99);
}

static uint64_t hear(int fd, bool answers) {
    uint8_t packet[2048];
    uint64_t bytes = 0;
    for (ssize_t n; (n = recv(fd, packet, sizeof packet, 0)) >= 0;) {
        bytes += (uint64_t)n;
        if (answers && n >= 20 && packet[0] == 0 && packet[1] == 1) { // a Binding request: 400
            uint8_t answer[36] = {1, 0x11, 0, 16};
            memcpy(answer + 4, packet + 4, 16);
            memcpy(answer + 20, "\0\011\0\014\0\0\4\0Bad ask ", 16);
            (void)!send(fd, answer, sizeof answer, 0);
        }
    }
    return bytes;
}

static void one_forged_check_moves_nothing(unsigned workers, bool again) {
    struct scene scene;
    scene_open(&scene, workers);
    scene_begin(&scene);
    int stranger = socket_at(scene.siege, "127.0.0.2", 0);
    uint64_t bytes = 0;
    send_check(stranger, &scene.viewer);
    for (unsigned i = 0; i < ROUNDS; i++) {
        if (again && i % 25 == 0)
            send_check(stranger, &scene.viewer);
        scene_speak(&scene);
        bytes += hear(stranger, false);
    }
    print_message("%u workers, %s: the stranger got %llu bytes\n", workers,
                  again ? "forged twice a second" : "forged once", (unsigned long long)bytes);
    assert_in_range(bytes, 1, 10 * 1024);
    expect_nearly_all(&scene, "a forged check");
    close(stranger);
    scene_close(&scene);
}

static void a_forged_check_does_not_flood_a_stranger(void **state) {
    (void)state;
    one_forged_check_moves_nothing(1, false);
    one_forged_check_moves_nothing(2, true);
}

// The copy comes from the attacker, who hears what is sent to him and answers as an ICE agent would.
static void a_copied_check_takes_nothing_away(unsigned workers, bool fresh) {
    struct scene scene;
    scene_open(&scene, workers);
    scene_begin(&scene);
    int thief = socket_at(scene.siege, "127.0.0.3", 0);
    struct stun_build check;
    struct media_counters before, after;
    siege_rebase(scene.siege);
    siege_counters(scene.siege, &before);
    uint64_t bytes = 0;
    siege_build_check(&check, scene.viewer.ice.ufrag, scene.viewer.ice.pwd);
    if (!fresh) // the viewer's own went first, as it does when somebody listens
        media_peer_send_raw(scene.viewer.peer, span_of(check.bytes, check.len));
    for (unsigned i = 0; i < ROUNDS; i++) {
        if (i % 10 == 1)
            assert_int_equal(send(thief, check.bytes, check.len, 0), check.len);
        scene_speak(&scene);
        bytes += hear(thief, true);
    }
    print_message("%u workers: the thief got %llu bytes\n", workers, (unsigned long long)bytes);
    expect_nearly_all(&scene, "a copied check");
    siege_rebase(scene.siege);
    siege_counters(scene.siege, &after);
    if (!fresh) {
        assert_int_equal(bytes, 0);
        assert_int_equal(after.drops[MEDIA_DROP_STUN_COPIED] - before.drops[MEDIA_DROP_STUN_COPIED],
                         ROUNDS / 10);
    }
    close(thief);
    scene_close(&scene);
}

static void a_copied_check_does_not_take_media_away(void **state) {
    (void)state;
    a_copied_check_takes_nothing_away(1, false);
    a_copied_check_takes_nothing_away(2, false);
    a_copied_check_takes_nothing_away(1, true); // one that the server never saw
}

// A room-mate's own check, with a neighbour's address: from the neighbour's very socket, which is what it is
// to the server. What the neighbour sends must go on arriving.
static void a_neighbours_address_stays_his(unsigned workers) {
    struct scene scene;
    scene_open(&scene, workers);
    scene_begin(&scene);
    struct guest mates[4];
    for (unsigned w = 0; w < workers; w++)
        guest_open(scene.siege, w, &mates[w]);
    struct media_counters before, after;
    siege_rebase(scene.siege);
    siege_counters(scene.siege, &before);
    unsigned forged = 0;
    for (unsigned i = 0; i < ROUNDS; i++) {
        if (i % 5 == 0)
            for (unsigned w = 0; w < workers; w++) {
                struct stun_build check;
                siege_build_check(&check, mates[w].ice.ufrag, mates[w].ice.pwd);
                media_peer_send_raw(scene.publisher.peer, span_of(check.bytes, check.len));
                siege_build_check(&check, mates[w].ice.ufrag, mates[w].ice.pwd);
                media_peer_send_raw(scene.viewer.peer, span_of(check.bytes, check.len));
                forged += 2;
            }
        scene_speak(&scene);
    }
    expect_nearly_all(&scene, "a neighbour's address");
    siege_rebase(scene.siege);
    siege_counters(scene.siege, &after);
    assert_int_equal(after.drops[MEDIA_DROP_TUPLE_HELD] - before.drops[MEDIA_DROP_TUPLE_HELD], forged);
    for (unsigned w = 0; w < workers; w++)
        guest_close(&mates[w]);
    scene_close(&scene);
}

static void a_neighbours_address_cannot_be_claimed(void **state) {
    (void)state;
    a_neighbours_address_stays_his(1);
    a_neighbours_address_stays_his(2);
    a_neighbours_address_stays_his(3);
}

// Good checks, far more than anybody needs, from somebody who is in the call.
#define CHECKS 256
static void more_checks_than_anybody_needs(unsigned workers) {
    static struct stun_build checks[CHECKS];
    struct scene scene;
    scene_open(&scene, workers);
    scene_begin(&scene);
    struct guest mate;
    guest_open(scene.siege, workers - 1, &mate);
    guest_arrive(&mate);
    for (unsigned i = 0; i < CHECKS; i++)
        siege_build_check(&checks[i], mate.ice.ufrag, mate.ice.pwd);
    struct media_counters before, after;
    siege_rebase(scene.siege);
    siege_counters(scene.siege, &before);
    unsigned rounds = getenv("ROTUNDA_CHECKS_A_SECOND") ? ROUNDS : 50, sent = 0;
    unsigned each = getenv("ROTUNDA_CHECKS_A_SECOND")
                        ? (unsigned)atoi(getenv("ROTUNDA_CHECKS_A_SECOND")) / (1000000 / ROUND_US)
                        : 400;
    uint64_t start_us = clock_now_us();
    for (unsigned i = 0; i < rounds; i++) {
        for (unsigned k = 0; k < each; k++, sent++) {
            const struct stun_build *check = &checks[sent % CHECKS];
            media_peer_send_raw(mate.peer, span_of(check->bytes, check->len));
            if (!getenv("ROTUNDA_CHECKS_A_SECOND") && k % 32 == 31)
                siege_drain(scene.siege); // so that a slow machine loses nothing in the kernel
        }
        scene_speak(&scene);
        media_peer_poll(mate.peer, clock_now_us());
    }
    uint64_t took_us = clock_now_us() - start_us;
    siege_rebase(scene.siege);
    siege_counters(scene.siege, &after);
    uint64_t refused = after.drops[MEDIA_DROP_STUN_RATE] - before.drops[MEDIA_DROP_STUN_RATE];
    print_message("%u workers: %u checks in %llu ms, %llu refused\n", workers, sent,
                  (unsigned long long)(took_us / US_PER_MS), (unsigned long long)refused);
    expect_nearly_all(&scene, "a flood of checks");
    if (!getenv("ROTUNDA_CHECKS_A_SECOND"))
        assert_in_range(sent - refused, 1, 50 + 51 * (took_us + 3 * US_PER_SECOND) / US_PER_SECOND);
    guest_close(&mate);
    scene_close(&scene);
}

static void a_flood_of_good_checks_costs_the_others_nothing(void **state) {
    (void)state;
    more_checks_than_anybody_needs(1);
    more_checks_than_anybody_needs(2);
}

// An honest change of network: the old address is gone, media is at the new one within a second.
static void an_honest_move(unsigned workers, bool by_stun, uint64_t limit_us) {
    struct scene scene;
    scene_open(&scene, workers);
    scene_begin(&scene);
    media_peer_answer(scene.viewer.peer, by_stun, true);
    assert_true(media_peer_move(scene.viewer.peer, clock_now_us()));
    uint64_t moved_us = clock_now_us(), before = scene.viewer.rtp;
    while (scene.viewer.rtp == before && clock_now_us() < moved_us + DEADLINE_US)
        scene_speak(&scene);
    uint64_t took_us = clock_now_us() - moved_us;
    print_message("%u workers, %s: media after %llu ms\n", workers, by_stun ? "all answers" : "reports alone",
                  (unsigned long long)(took_us / US_PER_MS));
    assert_in_range(took_us, 0, limit_us);
    scene.sent = scene.viewer.rtp = 0;
    for (unsigned i = 0; i < ROUNDS; i++) // and for good: longer than anything lasts that is on trust
        scene_speak(&scene);
    expect_nearly_all(&scene, "after the move");
    scene_close(&scene);
}

static void a_change_of_network_takes_less_than_a_second(void **state) {
    (void)state;
    an_honest_move(1, true, 10 * US_PER_SECOND); // about 20 ms; a busy machine must not fail
    an_honest_move(2, true, 10 * US_PER_SECOND);
    an_honest_move(2, false, 10 * US_PER_SECOND);
}

// With a name, that test alone: tests/CMakeLists.txt has them wait beside each other.
int main(int argc, char **argv) {
    if (argc > 1)
        cmocka_set_test_filter(argv[1]);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_forged_check_does_not_flood_a_stranger),
        cmocka_unit_test(a_copied_check_does_not_take_media_away),
        cmocka_unit_test(a_neighbours_address_cannot_be_claimed),
        cmocka_unit_test(a_flood_of_good_checks_costs_the_others_nothing),
        cmocka_unit_test(a_change_of_network_takes_less_than_a_second),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
