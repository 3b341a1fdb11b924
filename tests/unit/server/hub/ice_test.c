// Transports with a full ICE agent: who gets one, what its owner may tell, and what it hears.
#include "stage.h"

#include "server/hub/hub_internal.h"

#define LINE "candidate:1 1 udp 2130706431 203.0.113.7 50000 typ host"
#define UFRAG "abcd"
#define PWD "0123456789012345678901"

static struct hub_refusal refusal;
static uint32_t agents_max = 2;

static struct stage *stage_of(enum hub_ice_mode mode) {
    struct stage *s = stage_new();
    s->config.ice.mode = mode;
    s->config.ice.agents_max = agents_max;
    assert_true(networks_parse("10.1.0.0/16", &s->config.ice.peers));
    stage_open(s);
    return s;
}

static struct room_transport *asks(struct stage *s, struct participant *who, struct hub_transport_ask ask) {
    struct ice_credentials ice;
    s->command_count = 0;
    refusal = (struct hub_refusal){.code = HUB_CODE_COUNT};
    struct room_transport *transport = hub_open_transport_as(s->hub, who, &ask, &ice, &refusal);
    assert_int_equal(s->command_count, transport ? 1 : 0);
    return transport;
}

static void who_gets_an_agent(void **state) {
    (void)state;
    static const struct {
        enum hub_ice_mode mode;
        struct hub_transport_ask ask;
        int full, controlling; // full -1: refused
    } rows[] = {
        {HUB_ICE_LITE, {.want = HUB_WANT_ANY_ICE}, 0, 0},
        {HUB_ICE_LITE, {.want = HUB_WANT_ICE_LITE}, 0, 0},
        {HUB_ICE_LITE, {.want = HUB_WANT_ICE_FULL}, -1, 0},
        {HUB_ICE_LITE, {.peer_is_lite = true}, -1, 0},
        {HUB_ICE_AUTO, {.want = HUB_WANT_ANY_ICE}, 0, 0},
        {HUB_ICE_AUTO, {.want = HUB_WANT_ICE_LITE}, 0, 0},
        {HUB_ICE_AUTO, {.want = HUB_WANT_ICE_FULL, .client_offers = true}, 1, 0},
        {HUB_ICE_AUTO, {.want = HUB_WANT_ICE_FULL}, 1, 1},
        {HUB_ICE_AUTO, {.peer_is_lite = true, .client_offers = true}, 1, 1},
        {HUB_ICE_FULL, {.want = HUB_WANT_ANY_ICE}, 1, 1},
        {HUB_ICE_FULL, {.want = HUB_WANT_ICE_LITE}, 0, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct stage *s = stage_of(rows[i].mode);
        struct participant *ann = joins(s, "ann");
        struct room_transport *t = asks(s, ann, rows[i].ask);
        if ((t != NULL) != (rows[i].full >= 0) || (t && (t->full != NULL) != rows[i].full))
            fail_msg("row %zu: %s", i, t ? "opened" : refusal.text);
        if (t) {
            assert_int_equal(s->commands[0].type, MEDIA_OPEN_TRANSPORT);
            assert_int_equal(s->commands[0].full, rows[i].full);
            if (rows[i].full)
                assert_int_equal(s->commands[0].controlling, rows[i].controlling);
        } else {
            assert_int_equal(refusal.code, HUB_UNSUPPORTED);
        }
        stage_close(s);
    }
}

static const struct hub_transport_ask wants_full = {.want = HUB_WANT_ICE_FULL, .from_client = true};

static void agents_are_counted(void **state) {
    (void)state;
    struct stage *s = stage_of(HUB_ICE_AUTO);
    struct participant *ann = joins(s, "ann");
    struct room_transport *first = asks(s, ann, wants_full);
    assert_non_null(first);
    assert_non_null(asks(s, ann, wants_full));
    assert_null(asks(s, ann, wants_full));
    assert_int_equal(refusal.code, HUB_LIMIT_REACHED);
    assert_non_null(asks(s, ann, (struct hub_transport_ask){.want = HUB_WANT_ICE_LITE}));
    struct hub_counts counts;
    hub_read_counts(s->hub, &counts);
    assert_int_equal(counts.full_transports, 2);
    assert_int_equal(counts.ice_refused_full, 1);
    assert_true(hub_close_transport(s->hub, ann, first->public_id.text, &refusal));
    hub_read_counts(s->hub, &counts);
    assert_int_equal(counts.full_transports, 1);
    assert_non_null(asks(s, ann, wants_full));
    hub_leave(s->hub, ann, "left");
    hub_read_counts(s->hub, &counts);
    assert_int_equal(counts.full_transports, 0);
    stage_close(s);
}

// Of one participant, by number and by time.
static void one_has_not_all_of_them(void **state) {
    (void)state;
    agents_max = 100;
    struct stage *s = stage_of(HUB_ICE_AUTO);
    agents_max = 2;
    struct participant *ann = joins(s, "ann"), *bob = joins(s, "bob");
    struct room_transport *last = NULL, *t;
    unsigned opened = 0;
    while ((t = asks(s, ann, wants_full)) && opened < 10)
        last = t, opened++;
    assert_int_equal(opened, 4);
    assert_int_equal(refusal.code, HUB_LIMIT_REACHED);
    assert_non_null(asks(s, ann, (struct hub_transport_ask){.want = HUB_WANT_ICE_LITE}));
    assert_non_null(asks(s, bob, wants_full));
    for (; last && opened < 20; opened++) { // closing one is no way around it
        assert_true(hub_close_transport(s->hub, ann, last->public_id.text, &refusal));
        last = asks(s, ann, wants_full);
    }
    assert_int_equal(opened, 9);
    assert_int_equal(refusal.code, HUB_RATE_LIMITED);
    struct hub_counts counts;
    hub_read_counts(s->hub, &counts);
    assert_int_equal(counts.ice_refused_own, 2);
    hub_set_time(s->hub, s->now_us += 2 * US_PER_SECOND);
    assert_non_null(asks(s, ann, wants_full));
    stage_close(s);
}

static struct participant *joins_from(struct stage *s, const char *name, const char *room,
                                      const char *network) {
    struct hub_join join = {.room = room,
                            .username = name,
                            .network = network,
                            .connection = ++s->connections,
                            .spent = &s->spent,
                            .last_n = CHOICE_OF_ROOM,
                            .loudest_n = CHOICE_OF_ROOM};
    struct participant *me = hub_join(s->hub, &join, &refusal);
    assert_non_null(me);
    return me;
}

// Nor one room, or one address.
static void rooms_and_addresses_have_their_shares(void **state) {
    (void)state;
    struct stage *s = stage_new();
    s->config.ice = (struct hub_ice){
        .mode = HUB_ICE_AUTO, .agents_max = 9, .agents_per_room = 4, .agents_per_address = 3};
    stage_open(s);
    struct hub_counts counts;
    struct participant *ann = joins_from(s, "ann", "r", "192.0.2.1"),
                       *bob = joins_from(s, "bob", "r", "192.0.2.2"),
                       *cyd = joins_from(s, "cyd", "q", "192.0.2.1"), *dan = joins_from(s, "dan", "q", NULL);
    struct room_transport *first = asks(s, ann, wants_full);
    assert_non_null(first);
    assert_non_null(asks(s, ann, wants_full));
    assert_non_null(asks(s, cyd, wants_full));
    assert_null(asks(s, cyd, wants_full)); // three of one address, in two rooms
    assert_int_equal(refusal.code, HUB_LIMIT_REACHED);
    assert_non_null(strstr(refusal.text, "ice-agents-per-address, 3"));
    assert_non_null(asks(s, cyd, (struct hub_transport_ask){.want = HUB_WANT_ICE_LITE}));
    assert_non_null(asks(s, bob, wants_full));
    assert_non_null(asks(s, bob, wants_full));
    assert_null(asks(s, bob, wants_full)); // four of one room, of two addresses
    assert_int_equal(refusal.code, HUB_LIMIT_REACHED);
    assert_non_null(strstr(refusal.text, "ice-agents-per-room, 4"));
    for (unsigned i = 0; i < 3; i++) // of whom nobody knows the address
        assert_non_null(asks(s, dan, wants_full));
    assert_null(asks(s, dan, wants_full));
    assert_non_null(strstr(refusal.text, "ice-agents-per-room"));
    assert_true(hub_close_transport(s->hub, ann, first->public_id.text, &refusal));
    assert_null(asks(s, cyd, wants_full)); // of this address there are less, of its room not
    assert_non_null(asks(s, bob, wants_full));
    hub_leave(s->hub, dan, "left");
    assert_non_null(asks(s, cyd, wants_full));
    hub_leave(s->hub, ann, "left");
    hub_leave(s->hub, bob, "left");
    hub_read_counts(s->hub, &counts);
    assert_int_equal(counts.full_transports, 2);
    assert_int_equal(counts.ice_refused_address, 1);
    assert_int_equal(counts.ice_refused_room, 3);
    assert_int_equal(counts.ice_refused_full + counts.ice_refused_own, 0);
    stage_close(s);
}

static bool tells(struct stage *s, struct participant *who, const struct room_transport *t, const char *ufrag,
                  const char *pwd, const char *const *lines, struct hub_ice_taken *taken) {
    struct span list[HUB_ICE_LINES_MAX];
    struct hub_ice_told told = {.candidates = list};
    if (ufrag)
        told.ufrag = span_of_text(ufrag);
    if (pwd)
        told.pwd = span_of_text(pwd);
    for (; lines && lines[told.count]; told.count++)
        list[told.count] = span_of_text(lines[told.count]);
    s->command_count = 0;
    refusal = (struct hub_refusal){.code = HUB_CODE_COUNT};
    return hub_tell_ice(s->hub, who, t->public_id.text, &told, taken, &refusal);
}

static void what_is_told_goes_to_the_worker(void **state) {
    (void)state;
    struct stage *s = stage_of(HUB_ICE_AUTO);
    struct participant *ann = joins(s, "ann");
    struct room_transport *t = asks(s, ann, wants_full);
    struct hub_ice_taken taken;
    static const char *const lines[] = {LINE,
                                        "candidate:1 1 udp 1 abc.local 50000 typ host",
                                        "candidate:1 1 tcp 1 203.0.113.7 9 typ host tcptype active",
                                        "candidate:1 1 udp 1 10.1.2.3 50000 typ host",
                                        "candidate:1 1 udp 1 10.2.2.3 50000 typ host",
                                        "candidate:1 1 udp 1 169.254.169.254 80 typ host",
                                        "candidate:1 1 udp 1 127.0.0.1 50000 typ host",
                                        "candidate:1 1 udp 1 ::1 50000 typ host",
                                        "",
                                        NULL};
    assert_true(tells(s, ann, t, UFRAG, PWD, lines, &taken));
    assert_int_equal(taken.taken, 2);
    assert_int_equal(taken.ignored, 6);
    assert_int_equal(s->command_count, 3);
    assert_int_equal(s->commands[0].type, MEDIA_ICE_REMOTE);
    assert_string_equal(s->commands[0].ice_remote.ufrag, UFRAG);
    assert_string_equal(s->commands[0].ice_remote.pwd, PWD);
    assert_int_equal(s->commands[1].type, MEDIA_ICE_CANDIDATE);
    assert_int_equal(s->commands[1].ice_candidate.address.port, 50000);
    assert_int_equal(s->commands[2].ice_candidate.address.ip[1], 1);
    struct hub_counts counts;
    hub_read_counts(s->hub, &counts);
    assert_int_equal(counts.ice_candidates_kept, 4);
    // More of them need no credentials.
    assert_true(tells(s, ann, t, NULL, NULL, (const char *const[]){LINE, NULL}, &taken));
    assert_int_equal(s->command_count, 1);
    stage_close(s);
}

// Its own addresses are public, and the way to its own services.
static void no_check_goes_to_the_server_itself(void **state) {
    (void)state;
    struct stage *s = stage_of(HUB_ICE_AUTO);
    struct participant *ann = joins(s, "ann");
    hub_set_announce(s->hub, (const char[][46]){"203.0.113.1", "2001:db8::1"}, 2, false, s->now_us);
    struct room_transport *t = asks(s, ann, wants_full);
    struct hub_ice_taken taken;
    static const char *const lines[] = {"candidate:1 1 udp 1 203.0.113.1 50000 typ host",
                                        "candidate:1 1 udp 1 2001:db8:0::1 50000 typ srflx",
                                        "candidate:1 1 udp 1 ::ffff:203.0.113.1 50000 typ host",
                                        "candidate:1 1 udp 1 203.0.113.2 50000 typ host", NULL};
    assert_true(tells(s, ann, t, UFRAG, PWD, lines, &taken));
    assert_int_equal(taken.taken, 1);
    assert_int_equal(taken.ignored, 3);
    stage_close(s);
}

// What a client tells reaches its worker whole, or is refused: there is no candidate that is lost on the way.
static void a_busy_worker_gets_all_or_nothing(void **state) {
    (void)state;
    struct stage *s = stage_of(HUB_ICE_AUTO);
    struct participant *ann = joins(s, "ann");
    struct room_transport *t = asks(s, ann, wants_full);
    struct hub_ice_taken taken;
    static const char *const lines[] = {LINE, LINE, LINE, NULL};
    uint32_t most = s->hub->post.waiting_max;
    s->full = true;
    s->hub->post.waiting_max = 1; // and one command waits
    assert_true(tells(s, ann, t, UFRAG, PWD, lines, &taken));
    assert_int_equal(taken.taken, 3);
    assert_int_equal(s->hub->post.backlogged, 4);
    assert_false(tells(s, ann, t, NULL, NULL, lines, &taken));
    assert_int_equal(s->hub->post.backlogged, 4);
    s->hub->post.waiting_max = most;
    s->full = false;
    s->command_count = 0;
    command_post_flush(&s->hub->post, s->now_us);
    assert_int_equal(s->command_count, 4);
    assert_int_equal(s->commands[0].type, MEDIA_ICE_REMOTE);
    assert_int_equal(s->commands[3].type, MEDIA_ICE_CANDIDATE);
    stage_close(s);
}

static void what_is_wrong_is_refused_whole(void **state) {
    (void)state;
    struct stage *s = stage_of(HUB_ICE_AUTO);
    struct participant *ann = joins(s, "ann"), *bob = joins(s, "bob");
    struct room_transport *t = asks(s, ann, wants_full);
    struct room_transport *lite = asks(s, ann, (struct hub_transport_ask){.want = HUB_WANT_ICE_LITE});
    struct hub_ice_taken taken;
    static const char *const good[] = {LINE, NULL}, *const bad[] = {LINE, "candidate:oops", NULL};
    char longest[ICE_REMOTE_TEXT_MAX + 2];
    memset(longest, 'a', sizeof longest - 1);
    longest[sizeof longest - 1] = '\0';
    const struct {
        struct participant *who;
        const struct room_transport *transport;
        const char *ufrag, *pwd;
        const char *const *lines;
        enum hub_code code;
    } rows[] = {
        {bob, t, UFRAG, PWD, good, HUB_NOT_FOUND},
        {ann, lite, UFRAG, PWD, good, HUB_WRONG_STATE},
        {ann, t, NULL, NULL, good, HUB_WRONG_STATE}, // not told yet
        {ann, t, UFRAG, PWD, bad, HUB_BAD_REQUEST},
        {ann, t, "abc", PWD, good, HUB_BAD_REQUEST},
        {ann, t, "ab:cd", PWD, good, HUB_BAD_REQUEST},
        {ann, t, longest, PWD, good, HUB_BAD_REQUEST},
        {ann, t, UFRAG, "012345678901234567890", good, HUB_BAD_REQUEST},
        {ann, t, UFRAG, "0123456789 12345678901", good, HUB_BAD_REQUEST},
        {ann, t, UFRAG, longest, good, HUB_BAD_REQUEST},
        {ann, t, UFRAG, NULL, good, HUB_BAD_REQUEST},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_false(
            tells(s, rows[i].who, rows[i].transport, rows[i].ufrag, rows[i].pwd, rows[i].lines, &taken));
        if (refusal.code != rows[i].code)
            fail_msg("row %zu: %d %s", i, refusal.code, refusal.text);
        assert_int_equal(s->command_count, 0);
    }
    assert_true(tells(s, ann, t, UFRAG, PWD, NULL, &taken));
    assert_false(tells(s, ann, t, UFRAG, PWD, NULL, &taken)); // twice
    assert_int_equal(refusal.code, HUB_WRONG_STATE);
    for (unsigned i = 0; i < HUB_ICE_LINES_MAX; i++)
        assert_true(tells(s, ann, t, NULL, NULL, good, &taken));
    assert_false(tells(s, ann, t, NULL, NULL, good, &taken));
    assert_int_equal(refusal.code, HUB_LIMIT_REACHED);
    stage_close(s);
}

static void a_restart_begins_anew_and_has_a_rate(void **state) {
    (void)state;
    struct stage *s = stage_of(HUB_ICE_AUTO);
    struct participant *ann = joins(s, "ann");
    struct room_transport *t = asks(s, ann, wants_full);
    struct hub_ice_taken taken;
    struct ice_credentials ice;
    assert_true(tells(s, ann, t, UFRAG, PWD, NULL, &taken));
    s->command_count = 0;
    assert_non_null(hub_restart_ice(s->hub, ann, t->public_id.text, &ice, &refusal));
    assert_int_equal(s->commands[0].type, MEDIA_RESTART_ICE);
    assert_false(tells(s, ann, t, NULL, NULL, (const char *const[]){LINE, NULL}, &taken));
    assert_true(tells(s, ann, t, "efgh", PWD, (const char *const[]){LINE, NULL}, &taken));
    unsigned more = 0;
    while (hub_restart_ice(s->hub, ann, t->public_id.text, &ice, &refusal))
        assert_true(++more < 10);
    assert_int_equal(more, 4);
    assert_int_equal(refusal.code, HUB_RATE_LIMITED);
    hub_set_time(s->hub, s->now_us += 2 * US_PER_SECOND);
    assert_non_null(hub_restart_ice(s->hub, ann, t->public_id.text, &ice, &refusal));
    assert_null(hub_restart_ice(s->hub, ann, t->public_id.text, &ice, &refusal));
    stage_close(s);
}

static void addresses_are_kept_and_told(void **state) {
    (void)state;
    struct stage *s = stage_of(HUB_ICE_AUTO);
    struct participant *ann = joins(s, "ann");
    struct room_transport *t = asks(s, ann, wants_full);
    struct room_transport *lite = asks(s, ann, (struct hub_transport_ask){.want = HUB_WANT_ICE_LITE});
    struct ice_event event = {.type = ICE_EVENT_CANDIDATE, .transport = t->id, .candidate.priority = 5};
    for (unsigned i = 0; i < ROOM_ICE_CANDIDATES_MAX + 3; i++)
        hub_ice_event(s->hub, &event, s->now_us);
    assert_int_equal(t->full->count, ROOM_ICE_CANDIDATES_MAX);
    assert_false(t->full->gathered);
    event.type = ICE_EVENT_GATHERED;
    hub_ice_event(s->hub, &event, s->now_us);
    assert_true(t->full->gathered);
    event.transport = lite->id;
    hub_ice_event(s->hub, &event, s->now_us);
    event.transport.v = 12345;
    hub_ice_event(s->hub, &event, s->now_us);
    // Other addresses of the server are no offer to it: an agent keeps its sockets.
    s->command_count = 0;
    hub_set_announce(s->hub, (const char[][46]){"203.0.113.1"}, 1, true, s->now_us);
    assert_int_equal(s->command_count, 1);
    assert_int_equal(s->commands[0].transport.v, lite->id.v);
    stage_close(s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_gets_an_agent),
        cmocka_unit_test(agents_are_counted),
        cmocka_unit_test(one_has_not_all_of_them),
        cmocka_unit_test(rooms_and_addresses_have_their_shares),
        cmocka_unit_test(no_check_goes_to_the_server_itself),
        cmocka_unit_test(what_is_told_goes_to_the_worker),
        cmocka_unit_test(a_busy_worker_gets_all_or_nothing),
        cmocka_unit_test(what_is_wrong_is_refused_whole),
        cmocka_unit_test(a_restart_begins_anew_and_has_a_rate),
        cmocka_unit_test(addresses_are_kept_and_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
