// Agents against agents, and against a peer that plays its part by hand, over loopback and in real time.
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "base/clock.h"
#include "transport/ice_agent.h"

#include <dirent.h>
#include <nice/agent.h>
#include <stun/usages/ice.h>
#include <sys/socket.h>
#include <unistd.h>

#define DEADLINE_US (10 * US_PER_SECOND)

struct side {
    struct ice_agent *agent;
    struct ice_credentials credentials;
    struct ice_candidate candidates[16];
    unsigned count, paths, lost, packets, gathered;
    struct ice_agent_path path;
    uint8_t last[64];
    size_t last_len;
};

static void on_candidate(void *ctx, const struct ice_candidate *candidate) {
    struct side *side = ctx;
    assert_true(side->count < 16);
    side->candidates[side->count++] = *candidate;
}
static void on_gathered(void *ctx) {
    ((struct side *)ctx)->gathered++;
}
static void on_path(void *ctx, const struct ice_agent_path *path) {
    struct side *side = ctx;
    side->paths++;
    side->path = *path;
}
static void on_lost(void *ctx) {
    ((struct side *)ctx)->lost++;
}
static void on_packet(void *ctx, const uint8_t *bytes, size_t len) {
    struct side *side = ctx;
    side->packets++;
    side->last_len = len < sizeof side->last ? len : sizeof side->last;
    memcpy(side->last, bytes, side->last_len);
}

static struct ice_pool *open_pool(const char *host, bool aggressive) {
    struct ice_pool_config config = {.host_count = 1, .aggressive = aggressive};
    assert_int_equal(addr_parse(host, 0, &config.hosts[0]), ERR_OK);
    struct ice_pool *pool = ice_pool_create(&config);
    assert_non_null(pool);
    return pool;
}

static void open_side(struct ice_pool *pool, struct side *side, bool controlling) {
    *side = (struct side){0};
    ice_credentials_make(0, &side->credentials);
    const struct ice_agent_events events = {side, on_candidate, on_gathered, on_path, on_lost, on_packet};
    side->agent = ice_agent_open(pool, &side->credentials, controlling, &events);
    assert_non_null(side->agent);
    assert_int_equal(side->count, 1);
    assert_int_equal(side->candidates[0].type, ICE_CANDIDATE_HOST);
    assert_int_equal(side->gathered, 1);
}

static struct ice_remote remote_of(const struct side *side) {
    struct ice_remote remote = {0};
    memcpy(remote.ufrag, side->credentials.ufrag, sizeof side->credentials.ufrag);
    memcpy(remote.pwd, side->credentials.pwd, sizeof side->credentials.pwd);
    return remote;
}

static void tell_credentials(struct side *to, const struct side *of) {
    struct ice_remote remote = remote_of(of);
    ice_agent_set_remote(to->agent, &remote);
}

static void turn_until(struct ice_pool *pool, const unsigned *what, unsigned least) {
    uint64_t end_us = clock_now_us() + DEADLINE_US;
    while (*what < least) {
        if (clock_now_us() > end_us)
            fail_msg("nothing came of it");
        ice_pool_turn(pool, 5 * US_PER_MS);
    }
}

static void exchange(struct ice_pool *pool, struct side *a, struct side *b) {
    unsigned at_a = a->packets, at_b = b->packets;
    assert_true(ice_agent_send(a->agent, "\x80 to b", 6));
    turn_until(pool, &b->packets, at_b + 1);
    assert_memory_equal(b->last, "\x80 to b", 6);
    assert_true(ice_agent_send(b->agent, "\x80 to a", 6));
    turn_until(pool, &a->packets, at_a + 1);
    assert_memory_equal(a->last, "\x80 to a", 6);
}

static void close_both(struct ice_pool *pool, struct side *a, struct side *b) {
    ice_agent_close(a->agent);
    ice_agent_close(b->agent);
    ice_pool_destroy(pool);
}

static void connect_both(struct ice_pool *pool, struct side *a, struct side *b) {
    tell_credentials(a, b);
    tell_credentials(b, a);
    assert_true(ice_agent_add_remote(a->agent, &b->candidates[0]));
    assert_true(ice_agent_add_remote(b->agent, &a->candidates[0]));
    turn_until(pool, &a->paths, 1);
    turn_until(pool, &b->paths, 1);
}

static void two_agents_meet(void **state) {
    (void)state;
    static const struct {
        const char *host;
        bool aggressive, first, second; // first, second: who is controlling
    } rows[] = {
        {"127.0.0.1", false, true, false}, {"127.0.0.1", true, true, false},
        {"127.0.0.1", false, true, true}, // who has the role is settled by the two
        {"127.0.0.1", true, false, false}, {"::1", false, false, true},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct ice_pool *pool = open_pool(rows[i].host, rows[i].aggressive);
        struct side a, b;
        open_side(pool, &a, rows[i].first);
        open_side(pool, &b, rows[i].second);
        assert_false(ice_agent_send(a.agent, "\x80", 1));
        connect_both(pool, &a, &b);
        assert_int_equal(a.path.tuple.protocol, TUPLE_AGENT);
        assert_true(addr_equal(&a.path.tuple.remote, &b.candidates[0].address));
        assert_true(addr_equal(&a.path.tuple.local, &a.candidates[0].address));
        exchange(pool, &a, &b);
        assert_int_equal(a.lost + b.lost, 0);
        close_both(pool, &a, &b);
    }
}

// A peer whose addresses are names that nobody knows, or come late: its own checks tell.
static void a_peer_is_learnt_from_its_checks(void **state) {
    (void)state;
    for (int controlling = 0; controlling < 2; controlling++) {
        struct ice_pool *pool = open_pool("127.0.0.1", false);
        struct side a, b;
        open_side(pool, &a, controlling);
        open_side(pool, &b, !controlling);
        tell_credentials(&a, &b);
        tell_credentials(&b, &a);
        assert_true(ice_agent_add_remote(b.agent, &a.candidates[0]));
        turn_until(pool, &a.paths, 1);
        turn_until(pool, &b.paths, 1);
        assert_int_equal(a.path.remote_type, ICE_CANDIDATE_PRFLX);
        exchange(pool, &a, &b);
        assert_true(ice_agent_add_remote(a.agent, &b.candidates[0])); // late, and known
        exchange(pool, &a, &b);
        close_both(pool, &a, &b);
    }
}

// Its checks may come before the credentials that it tells by signalling.
static void checks_may_be_early(void **state) {
    (void)state;
    struct ice_pool *pool = open_pool("127.0.0.1", false);
    struct side a, b;
    open_side(pool, &a, false);
    open_side(pool, &b, true);
    tell_credentials(&b, &a);
    assert_true(ice_agent_add_remote(b.agent, &a.candidates[0]));
    for (unsigned i = 0; i < 20; i++)
        ice_pool_turn(pool, 5 * US_PER_MS);
    assert_int_equal(a.paths, 0);
    tell_credentials(&a, &b);
    turn_until(pool, &a.paths, 1);
    turn_until(pool, &b.paths, 1);
    exchange(pool, &a, &b);
    close_both(pool, &a, &b);
}

static void a_restart_keeps_the_path_until_there_is_another(void **state) {
    (void)state;
    struct ice_pool *pool = open_pool("127.0.0.1", false);
    struct side a, b;
    open_side(pool, &a, false);
    open_side(pool, &b, true);
    connect_both(pool, &a, &b);
    for (unsigned round = 1; round <= 2; round++) {
        unsigned paths = a.paths;
        ice_credentials_make(0, &a.credentials);
        ice_credentials_make(0, &b.credentials);
        ice_agent_restart(a.agent, &a.credentials);
        ice_agent_restart(b.agent, &b.credentials);
        exchange(pool, &a, &b);
        tell_credentials(&a, &b);
        tell_credentials(&b, &a);
        assert_true(ice_agent_add_remote(a.agent, &b.candidates[0]));
        assert_true(ice_agent_add_remote(b.agent, &a.candidates[0]));
        turn_until(pool, &a.paths, paths + 1);
        exchange(pool, &a, &b);
    }
    assert_int_equal(a.lost + b.lost, 0);
    close_both(pool, &a, &b);
}

static void candidates_are_counted(void **state) {
    (void)state;
    struct ice_pool *pool = open_pool("127.0.0.1", false);
    struct side a;
    open_side(pool, &a, true);
    struct ice_candidate c = {.priority = 1, .type = ICE_CANDIDATE_HOST};
    assert_int_equal(addr_parse("127.0.0.1", 9999, &c.address), ERR_OK);
    for (unsigned i = 0; i < ICE_AGENT_REMOTES_MAX; i++, c.address.port++)
        assert_true(ice_agent_add_remote(a.agent, &c));
    assert_false(ice_agent_add_remote(a.agent, &c));
    ice_credentials_make(0, &a.credentials);
    ice_agent_restart(a.agent, &a.credentials);
    assert_true(ice_agent_add_remote(a.agent, &c));
    ice_agent_close(a.agent);
    ice_pool_destroy(pool);
}

static unsigned open_files(void) {
    unsigned count = 0;
    DIR *list = opendir("/proc/self/fd");
    assert_non_null(list);
    while (readdir(list))
        count++;
    closedir(list);
    return count;
}

// Sockets go, and the agents behind them, while the pool lives on.
static void who_is_closed_leaves_nothing(void **state) {
    (void)state;
    struct ice_pool *pool = open_pool("127.0.0.1", false);
    unsigned before = open_files();
    for (unsigned round = 0; round < 2; round++) {
        struct side a, b;
        open_side(pool, &a, true);
        open_side(pool, &b, false);
        if (round == 1)
            connect_both(pool, &a, &b);
        ice_agent_close(a.agent);
        ice_agent_close(b.agent);
        for (unsigned i = 0; i < 20 && open_files() > before; i++)
            ice_pool_turn(pool, US_PER_MS);
        assert_int_equal(open_files(), before);
    }
    ice_pool_destroy(pool);
}

static void no_address_is_no_agent(void **state) {
    (void)state;
    struct ice_pool *pool = open_pool("203.0.113.77", false); // not of this machine
    struct side a = {0};
    ice_credentials_make(0, &a.credentials);
    const struct ice_agent_events events = {&a, on_candidate, on_gathered, on_path, on_lost, on_packet};
    assert_null(ice_agent_open(pool, &a.credentials, true, &events));
    ice_pool_destroy(pool);
}

// libnice would take the places of addresses among all of the machine's, and end the process at the 64th.
static void hosts_are_preferred_in_their_order(void **state) {
    (void)state;
    static const char *const hosts[] = {"127.0.0.1", "127.0.0.3", "::1", "127.0.0.2"};
    struct ice_pool_config config = {.host_count = 4};
    for (unsigned i = 0; i < 4; i++)
        assert_int_equal(addr_parse(hosts[i], 0, &config.hosts[i]), ERR_OK);
    struct ice_pool *pool = ice_pool_create(&config);
    assert_non_null(pool);
    struct side a = {0};
    ice_credentials_make(0, &a.credentials);
    const struct ice_agent_events events = {&a, on_candidate, on_gathered, on_path, on_lost, on_packet};
    a.agent = ice_agent_open(pool, &a.credentials, true, &events);
    assert_non_null(a.agent);
    assert_int_equal(a.count, 4);
    for (unsigned i = 0; i < 4; i++) {
        struct addr told = a.candidates[i].address;
        told.port = 0;
        assert_true(addr_equal(&told, &config.hosts[i]));
        assert_int_equal(a.candidates[i].priority >> 8 & 0x3f, 3 - i);
    }
    ice_agent_close(a.agent);
    ice_pool_destroy(pool);
}

static void ports_are_of_the_range(void **state) {
    (void)state;
    struct ice_pool_config config = {.host_count = 1, .port_min = 42000, .port_max = 42999};
    assert_int_equal(addr_parse("127.0.0.1", 0, &config.hosts[0]), ERR_OK);
    struct ice_pool *pool = ice_pool_create(&config);
    assert_non_null(pool);
    struct side a, b;
    open_side(pool, &a, true);
    open_side(pool, &b, true);
    assert_in_range(a.candidates[0].address.port, 42000, 42999);
    assert_in_range(b.candidates[0].address.port, 42000, 42999);
    close_both(pool, &a, &b);
}

// ---- a peer by hand

struct by_hand {
    int fd;
    struct addr address;
    StunAgent stun;
    struct ice_remote credentials;
    struct sockaddr_storage agent;
};

static void open_by_hand(struct by_hand *peer) {
    *peer = (struct by_hand){.credentials = {"handufrag", "a-password-of-22-letters"}};
    struct sockaddr_storage sa;
    socklen_t len;
    assert_int_equal(addr_parse("127.0.0.1", 0, &peer->address), ERR_OK);
    len = addr_to_sockaddr(&peer->address, &sa);
    peer->fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    assert_int_equal(bind(peer->fd, (struct sockaddr *)&sa, len), 0);
    len = sizeof sa;
    getsockname(peer->fd, (struct sockaddr *)&sa, &len);
    addr_from_sockaddr((struct sockaddr *)&sa, &peer->address);
    static const uint16_t known[] = {STUN_ATTRIBUTE_USERNAME,       STUN_ATTRIBUTE_MESSAGE_INTEGRITY,
                                     STUN_ATTRIBUTE_ERROR_CODE,     STUN_ATTRIBUTE_XOR_MAPPED_ADDRESS,
                                     STUN_ATTRIBUTE_PRIORITY,       STUN_ATTRIBUTE_USE_CANDIDATE,
                                     STUN_ATTRIBUTE_ICE_CONTROLLED, STUN_ATTRIBUTE_ICE_CONTROLLING,
                                     STUN_ATTRIBUTE_FINGERPRINT,    0};
    stun_agent_init(&peer->stun, known, STUN_COMPATIBILITY_RFC5389,
                    STUN_AGENT_USAGE_SHORT_TERM_CREDENTIALS | STUN_AGENT_USAGE_USE_FINGERPRINT);
}

static bool password_by_hand(StunAgent *stun, StunMessage *message, uint8_t *user, uint16_t user_len,
                             uint8_t **password, size_t *password_len, void *ctx) {
    struct by_hand *peer = ctx;
    (void)stun, (void)message, (void)user, (void)user_len;
    *password = (uint8_t *)peer->credentials.pwd;
    *password_len = strlen(peer->credentials.pwd);
    return true;
}

// The next check of the agent. False: none has come.
static bool take_check(struct by_hand *peer, uint8_t bytes[1500], StunMessage *check) {
    socklen_t len = sizeof peer->agent;
    ssize_t n = recvfrom(peer->fd, bytes, 1500, 0, (struct sockaddr *)&peer->agent, &len);
    return n > 0 && stun_agent_validate(&peer->stun, check, bytes, (size_t)n, password_by_hand, peer) ==
                        STUN_VALIDATION_SUCCESS;
}

static void answer(struct by_hand *peer, const StunMessage *check, int code) {
    uint8_t bytes[1500];
    StunMessage reply;
    assert_true(stun_agent_init_error(&peer->stun, &reply, bytes, sizeof bytes, check, code));
    size_t len = stun_agent_finish_message(&peer->stun, &reply, NULL, 0);
    assert_true(len > 0);
    sendto(peer->fd, bytes, len, 0, (struct sockaddr *)&peer->agent, sizeof(struct sockaddr_in));
}

// What would end the process (ice_screen.h): an authentic 403 to a check before any pair is selected.
static void an_early_forbidden_is_harmless(void **state) {
    (void)state;
    struct ice_pool *pool = open_pool("127.0.0.1", false);
    struct side a;
    struct by_hand peer;
    open_side(pool, &a, true);
    open_by_hand(&peer);
    ice_agent_set_remote(a.agent, &peer.credentials);
    struct ice_candidate c = {.address = peer.address, .priority = 1, .type = ICE_CANDIDATE_HOST};
    assert_true(ice_agent_add_remote(a.agent, &c));
    uint64_t end_us = clock_now_us() + DEADLINE_US;
    for (unsigned answered = 0; answered < 2;) {
        uint8_t bytes[1500];
        StunMessage check;
        assert_true(clock_now_us() < end_us);
        ice_pool_turn(pool, 5 * US_PER_MS);
        if (!take_check(&peer, bytes, &check))
            continue;
        answer(&peer, &check, 403);
        answered++;
    }
    for (unsigned i = 0; i < 5; i++)
        ice_pool_turn(pool, 5 * US_PER_MS);
    assert_int_equal(a.paths, 0);
    close(peer.fd);
    ice_agent_close(a.agent);
    ice_pool_destroy(pool);
}

// `seen`: the address that it says, NULL for the one that it was.
static void answer_well(struct by_hand *peer, const StunMessage *check, const char *seen) {
    uint8_t bytes[1500];
    StunMessage reply;
    struct sockaddr_storage sa = peer->agent;
    struct addr other;
    if (seen) {
        assert_int_equal(addr_parse(seen, 9, &other), ERR_OK);
        addr_to_sockaddr(&other, &sa);
    }
    assert_true(stun_agent_init_response(&peer->stun, &reply, bytes, sizeof bytes, check));
    assert_int_equal(stun_message_append_xor_addr(&reply, STUN_ATTRIBUTE_XOR_MAPPED_ADDRESS, &sa,
                                                  sizeof(struct sockaddr_in)),
                     STUN_MESSAGE_RETURN_SUCCESS);
    size_t len = stun_agent_finish_message(&peer->stun, &reply, NULL, 0);
    assert_true(len > 0);
    sendto(peer->fd, bytes, len, 0, (struct sockaddr *)&peer->agent, sizeof(struct sockaddr_in));
}

static void check_as(struct by_hand *peer, const struct side *a, const char *ufrag, bool controlling,
                     uint64_t tie) {
    uint8_t bytes[1500];
    StunMessage check;
    struct sockaddr_storage to;
    char user[128];
    int user_len = snprintf(user, sizeof user, "%s:%s", a->credentials.ufrag, ufrag);
    size_t len = stun_usage_ice_conncheck_create(&peer->stun, &check, bytes, sizeof bytes, (uint8_t *)user,
                                                 (size_t)user_len, (uint8_t *)a->credentials.pwd,
                                                 strlen(a->credentials.pwd), false, controlling, 1, tie, NULL,
                                                 STUN_USAGE_ICE_COMPATIBILITY_RFC5245);
    socklen_t to_len = addr_to_sockaddr(&a->candidates[0].address, &to);
    assert_int_equal(sendto(peer->fd, bytes, len, 0, (struct sockaddr *)&to, to_len), (ssize_t)len);
}

static bool hears_something(const struct by_hand *peer) {
    uint8_t bytes[1500];
    return recv(peer->fd, bytes, sizeof bytes, 0) > 0;
}

// Whatever its peer says that it has seen: other addresses, one after another, would make pairs that libnice
// does not keep apart.
static void an_answer_says_where_the_check_left(void **state) {
    (void)state;
    static const char *const seen[] = {NULL, "127.0.0.9", "203.0.113.9"};
    for (unsigned i = 0; i < 3; i++) {
        struct ice_pool *pool = open_pool("127.0.0.1", false);
        struct side a;
        struct by_hand peer;
        open_side(pool, &a, true);
        open_by_hand(&peer);
        ice_agent_set_remote(a.agent, &peer.credentials);
        struct ice_candidate c = {.address = peer.address, .priority = 1, .type = ICE_CANDIDATE_HOST};
        assert_true(ice_agent_add_remote(a.agent, &c));
        for (uint64_t end_us = clock_now_us() + DEADLINE_US; a.paths == 0;) {
            uint8_t bytes[1500];
            StunMessage check;
            assert_true(clock_now_us() < end_us);
            ice_pool_turn(pool, 5 * US_PER_MS);
            if (take_check(&peer, bytes, &check))
                answer_well(&peer, &check, seen[i]);
        }
        assert_true(addr_equal(&a.path.tuple.local, &a.candidates[0].address));
        assert_int_equal(a.path.local_type, ICE_CANDIDATE_HOST);
        close(peer.fd);
        ice_agent_close(a.agent);
        ice_pool_destroy(pool);
    }
}

// An address under two types, as hosts without a NAT tell theirs: libnice would take them for two candidates,
// and an assertion of its would fail once both have answered.
static void one_address_is_one_candidate(void **state) {
    (void)state;
    static const uint8_t types[] = {ICE_CANDIDATE_HOST, ICE_CANDIDATE_SRFLX, ICE_CANDIDATE_RELAY};
    for (unsigned aggressive = 0; aggressive < 2; aggressive++) {
        struct ice_pool *pool = open_pool("127.0.0.1", aggressive);
        struct side a;
        struct by_hand peer;
        open_side(pool, &a, false);
        open_by_hand(&peer);
        ice_agent_set_remote(a.agent, &peer.credentials);
        struct ice_candidate c = {.address = peer.address};
        for (unsigned i = 0; i < 3; i++) {
            c.priority = 3 - i;
            c.type = types[i];
            assert_true(ice_agent_add_remote(a.agent, &c));
        }
        unsigned answered = 0, conflicts = 0;
        uint64_t began_us = clock_now_us(), now_us = began_us;
        for (; now_us < began_us + US_PER_SECOND / 2 || answered == 0; now_us = clock_now_us()) {
            assert_true(now_us < began_us + DEADLINE_US);
            uint8_t bytes[1500];
            StunMessage check;
            ice_pool_turn(pool, 5 * US_PER_MS);
            if (take_check(&peer, bytes, &check) && stun_message_get_class(&check) == STUN_REQUEST) {
                answer_well(&peer, &check, NULL);
                answered++;
            }
            if (!conflicts && answered && now_us > began_us + US_PER_SECOND / 4) {
                // the agent has to take the role in which it nominates
                check_as(&peer, &a, "handufrag", false, 0);
                conflicts++;
            }
        }
        assert_in_range(answered, 1, 20);
        close(peer.fd);
        ice_agent_close(a.agent);
        ice_pool_destroy(pool);
    }
}

// As one of `b`, with its credentials, from another address.
static void check_by_hand(struct by_hand *peer, const struct side *a, const struct side *b) {
    check_as(peer, a, b->credentials.ufrag, true, UINT64_MAX);
}

// Each address from which good checks come is kept by libnice, so there is an end to it: of the path, and of
// what is read at all.
static void who_comes_from_everywhere_is_dropped(void **state) {
    (void)state;
    struct ice_pool *pool = open_pool("127.0.0.1", false);
    struct side a, b;
    open_side(pool, &a, false);
    open_side(pool, &b, true);
    connect_both(pool, &a, &b);
    struct by_hand peers[ICE_AGENT_HEARD_MAX + 2];
    for (unsigned i = 0; i <= ICE_AGENT_HEARD_MAX; i++) {
        assert_int_equal(a.lost, 0);
        open_by_hand(&peers[i]);
        check_by_hand(&peers[i], &a, &b);
        ice_pool_turn(pool, US_PER_MS);
    }
    turn_until(pool, &a.lost, 1);
    assert_true(hears_something(&peers[0]));
    assert_false(ice_agent_send(a.agent, "\x80", 1));
    struct by_hand *late = &peers[ICE_AGENT_HEARD_MAX + 1];
    open_by_hand(late);
    for (unsigned i = 0; i < 5; i++) {
        check_by_hand(late, &a, &b);
        ice_pool_turn(pool, US_PER_MS);
    }
    assert_false(hears_something(late));
    for (unsigned i = 0; i < ICE_AGENT_HEARD_MAX + 2; i++)
        close(peers[i].fd);
    close_both(pool, &a, &b);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_agents_meet),
        cmocka_unit_test(a_peer_is_learnt_from_its_checks),
        cmocka_unit_test(checks_may_be_early),
        cmocka_unit_test(a_restart_keeps_the_path_until_there_is_another),
        cmocka_unit_test(candidates_are_counted),
        cmocka_unit_test(who_is_closed_leaves_nothing),
        cmocka_unit_test(no_address_is_no_agent),
        cmocka_unit_test(hosts_are_preferred_in_their_order),
        cmocka_unit_test(ports_are_of_the_range),
        cmocka_unit_test(an_early_forbidden_is_harmless),
        cmocka_unit_test(an_answer_says_where_the_check_left),
        cmocka_unit_test(one_address_is_one_candidate),
        cmocka_unit_test(who_comes_from_everywhere_is_dropped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
