// What a worker does with what comes in, and with what ends: a check that comes by the kernel's choice from a
// tuple that leads to another worker (where the kernel steers nothing, or has no room for more addresses),
// and a connection of TCP that is cut.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"
#include "tests/unit/server/media/worker_scene.h"
#include "tests/unit/transport/stun_build.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#define OWN 1
#define OTHER 0

struct stage {
    struct scene scene; // first: its worker is OWN, the test is OTHER
    struct ice_credentials ice;
    int peer;
};

static int stage_open(void **state) {
    static struct stage s;
    struct addr to;
    struct sockaddr_storage at;
    scene_open_with(&s.scene, (struct worker_config){.index = OWN, .workers = 2, .tcp = true});
    struct media_cmd open = {.type = MEDIA_OPEN_TRANSPORT, .transport = {7}};
    ice_credentials_make(OWN, &open.ice);
    s.ice = open.ice;
    worker_peer_command(s.scene.worker, &open, clock_now_us());
    s.peer = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    assert_int_equal(addr_parse("127.0.0.1", worker_port(s.scene.worker), &to), ERR_OK);
    socklen_t len = addr_to_sockaddr(&to, &at);
    assert_int_equal(connect(s.peer, (struct sockaddr *)&at, len), 0);
    *state = &s;
    return 0;
}

static int stage_close(void **state) {
    const struct stage *s = *state;
    close(s->peer);
    return scene_close(state);
}

static void build_check(const struct stage *s, const char *ufrag, struct stun_build *check) {
    char username[64];
    snprintf(username, sizeof username, "%s:peer", ufrag);
    stun_begin(check, STUN_REQUEST_TYPE);
    stun_attr(check, ATTR_USERNAME, username, strlen(username));
    stun_attr_u32(check, ATTR_PRIORITY, 1845501695);
    stun_attr_u64(check, ATTR_ICE_CONTROLLING, 1);
    stun_attr(check, ATTR_USE_CANDIDATE, NULL, 0);
    stun_integrity(check, span_of(s->ice.pwd, strlen(s->ice.pwd)));
    stun_fingerprint(check);
}

static void checks(const struct stage *s, const char *ufrag) {
    struct stun_build check;
    build_check(s, ufrag, &check);
    assert_int_equal(send(s->peer, check.bytes, check.len, 0), check.len);
    assert_true(worker_receive(s->scene.worker, 4, clock_now_us())); // over loopback it is there
}

static void says(const struct stage *s, enum mesh_type type, const struct mesh_message *about) {
    struct mesh_message *m = mesh_reserve(s->scene.mesh, OTHER, OWN);
    *m = *about;
    m->type = type;
    mesh_push(s->scene.mesh, OTHER, OWN);
    worker_drain_mesh(s->scene.worker, clock_now_us());
}

static int leads_to(const struct stage *s, const struct tuple *tuple) {
    uint32_t route = route_get_tuple(s->scene.worker->routes, tuple);
    return route == ROUTE_NONE ? -1 : (int)route_worker(route);
}

// The other worker is asked first, and by its word the check counts, or is never heard of again.
static void who_has_the_tuple_is_asked(void **state) {
    struct stage *s = *state;
    struct ice_credentials elsewhere;
    ice_credentials_make(OTHER, &elsewhere);
    checks(s, elsewhere.ufrag); // which tells how this worker sees the tuple
    struct mesh_message *m = mesh_peek(s->scene.mesh, OTHER, OWN);
    assert_non_null(m);
    assert_int_equal(m->type, MESH_DATAGRAM);
    struct mesh_message route = {.tuple = m->tuple};
    mesh_pop(s->scene.mesh, OTHER, OWN);
    assert_int_equal(leads_to(s, &route.tuple), -1);
    says(s, MESH_ROUTE_ADD, &route); // a peer of the other one is there
    checks(s, s->ice.ufrag);
    m = mesh_peek(s->scene.mesh, OTHER, OWN);
    assert_non_null(m);
    assert_int_equal(m->type, MESH_CLAIM);
    assert_int_equal(m->origin, OWN);
    assert_int_equal(leads_to(s, &route.tuple), OTHER);
    struct mesh_message claim = *m;
    mesh_pop(s->scene.mesh, OTHER, OWN);
    says(s, MESH_DATAGRAM, &claim); // that peer is not there any more
    assert_int_equal(leads_to(s, &route.tuple), OWN);
    checks(s, s->ice.ufrag); // and now nobody else is asked
    for (; (m = mesh_peek(s->scene.mesh, OTHER, OWN)); mesh_pop(s->scene.mesh, OTHER, OWN))
        assert_int_equal(m->type, MESH_ROUTE_ADD); // as of each new tuple
}

// Both ends of a connection; the worker has the second.
static int connects(const struct stage *s, struct tcp_ticket *ticket) {
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t len = sizeof at;
    int door = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(door, (struct sockaddr *)&at, len), 0);
    assert_int_equal(listen(door, 1), 0);
    assert_int_equal(getsockname(door, (struct sockaddr *)&at, &len), 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&at, len), 0);
    tcp_port_adopt(s->scene.worker->tcp, accept4(door, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC), ticket,
                   clock_now_us());
    close(door);
    return fd;
}

// The newest state of the transport that the control thread hears of.
static enum ice_state state_told(const struct stage *s) {
    enum ice_state ice = ICE_NEW;
    for (const struct media_event *event; (event = ring_peek(s->scene.worker->events));
         ring_pop(s->scene.worker->events))
        if (event->type == MEDIA_TRANSPORT_STATE)
            ice = event->state.ice;
    return ice;
}

// At once, and not when consent runs out; the next connection brings the transport back.
static void a_connection_that_is_cut_is_told(void **state) {
    static struct tcp_ticket tickets[2]; // until the scene ends, also where the test does so before
    struct stage *s = *state;
    for (unsigned round = 0; round < 2; round++) {
        struct tcp_ticket *ticket = &tickets[round];
        struct stun_build check;
        uint8_t head[2];
        int fd = connects(s, ticket);
        build_check(s, s->ice.ufrag, &check);
        store_be16(head, (uint16_t)check.len);
        assert_int_equal(send(fd, head, sizeof head, MSG_MORE), sizeof head);
        assert_int_equal(send(fd, check.bytes, check.len, 0), check.len);
        s->scene.worker->now_us = clock_now_us();
        assert_true(tcp_port_receive(s->scene.worker->tcp, s->scene.worker->now_us));
        assert_int_equal(atomic_load(&ticket->standing), TCP_PROVEN);
        assert_int_equal(state_told(s), ICE_CONNECTED);
        close(fd);
        tcp_port_receive(s->scene.worker->tcp, s->scene.worker->now_us);
        assert_int_equal(atomic_load(&ticket->standing), TCP_CLOSED);
        assert_int_equal(state_told(s), ICE_DISCONNECTED);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(who_has_the_tuple_is_asked, stage_open, stage_close),
        cmocka_unit_test_setup_teardown(a_connection_that_is_cut_is_told, stage_open, stage_close),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
