// Sessions whose transport has a full ICE agent: who gets one, the answer that waits for its addresses,
// and those that come later.
#include "whip_stage.h"

#include "server/sdp/sdp.h"

#define FRAGMENT "application/trickle-ice-sdpfrag"
#define LINE "a=candidate:1 1 udp 5 203.0.113.7 50000 typ host\r\n"

static struct stage *stage_of(enum hub_ice_mode mode) {
    struct stage *s = stage_open_ice(NULL, mode);
    s->late = 7;
    return s;
}

static uint8_t found_type = ICE_CANDIDATE_HOST;

static void finds(struct stage *s, enum ice_event_type type, const char *ip, uint16_t port) {
    struct ice_event event = {.type = type,
                              .transport = last(s, MEDIA_OPEN_TRANSPORT, 0)->transport,
                              .candidate = {.priority = 2130706431, .type = found_type}};
    if (ip)
        assert_int_equal(addr_parse(ip, port, &event.candidate.address), ERR_OK);
    hub_ice_event(s->hub, &event, s->now_us);
}

static void publishes(struct stage *s) {
    (void)posts(s, false, "hall", "name=Ann", "chromium-publish");
    assert_true(s->answer.later);
    assert_null(s->answer.body);
    assert_non_null(strstr(s->answer.headers, "location: /whip/hall/"));
    assert_non_null(strstr(s->answer.headers, "etag: "));
    assert_int_equal(s->late_status, 0);
}

static void who_gets_an_agent(void **state) {
    (void)state;
    static const struct {
        enum hub_ice_mode mode;
        bool lite, full, controlling, later; // lite: the client
    } rows[] = {{HUB_ICE_LITE, false, false, false, false},
                {HUB_ICE_AUTO, false, false, false, false},
                {HUB_ICE_FULL, false, true, false, true},
                {HUB_ICE_AUTO, true, true, true, false},
                {HUB_ICE_FULL, true, true, true, false}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct stage *s = stage_of(rows[i].mode);
        char *text = vector("chromium-publish");
        char *after = strstr(text, "t=0 0\r\n") + 7;
        if (rows[i].lite) {
            memmove(after + 12, after, strlen(after) + 1);
            memcpy(after, "a=ice-lite\r\n", 12);
        }
        struct ask ask = {.method = WHIP_POST, .path = "hall", .type = "application/sdp", .body = text};
        unsigned status = asks(s, ask);
        assert_int_equal(s->answer.later, rows[i].later);
        if (!rows[i].later && status != 201)
            fail_msg("row %zu: %u %s", i, status, s->answer.body);
        const struct media_cmd *opened = last(s, MEDIA_OPEN_TRANSPORT, 0);
        assert_int_equal(opened->full, rows[i].full);
        if (rows[i].full)
            assert_int_equal(opened->controlling, rows[i].controlling);
        if (rows[i].full)
            assert_string_equal(last(s, MEDIA_ICE_REMOTE, 0)->ice_remote.ufrag, "Kihc");
        if (!rows[i].later)
            assert_int_equal(strstr(s->answer.body, "a=ice-lite") != NULL, !rows[i].full);
        free(text);
        stage_close(s);
    }
}

static void the_answer_waits_for_addresses(void **state) {
    (void)state;
    struct stage *s = stage_of(HUB_ICE_FULL);
    static struct sdp answer;
    char why[SDP_WHY_MAX];
    publishes(s);
    finds(s, ICE_EVENT_CANDIDATE, "192.0.2.9", 40001);
    finds(s, ICE_EVENT_CANDIDATE, "2001:db8::9", 40002);
    pass(s, 100 * US_PER_MS);
    assert_int_equal(s->late_status, 0);
    finds(s, ICE_EVENT_GATHERED, NULL, 0);
    assert_int_equal(s->late_status, 0); // an observer does nothing
    assert_true(whip_next_us(s->whip) <= s->now_us + US_PER_MS);
    pass(s, US_PER_MS);
    assert_int_equal(s->late_status, 201);
    assert_true(sdp_read(span_of_text(s->late_body), &answer, why));
    assert_false(answer.ice_lite);
    assert_int_equal(answer.media_count, 2);
    assert_int_equal(answer.media[0].candidate_count, 2); // the bundle's first section
    assert_int_equal(answer.media[1].candidate_count, 0);
    assert_non_null(strstr(s->late_body, "a=candidate:1 1 udp 2130706431 192.0.2.9 40001 typ host\r\n"
                                         "a=candidate:2 1 udp 2130706431 2001:db8::9 40002 typ host\r\n"
                                         "a=end-of-candidates\r\n"));
    assert_non_null(strstr(s->late_body, last(s, MEDIA_OPEN_TRANSPORT, 0)->ice.ufrag));
    s->late_status = 0;
    pass(s, US_PER_SECOND);
    assert_int_equal(s->late_status, 0); // once
    assert_int_equal(people(s), 1);
    stage_close(s);
}

// Firefox takes those alone that have a related address.
static void what_is_no_host_has_a_related_address(void **state) {
    (void)state;
    struct stage *s = stage_of(HUB_ICE_FULL);
    publishes(s);
    found_type = ICE_CANDIDATE_SRFLX;
    finds(s, ICE_EVENT_CANDIDATE, "192.0.2.9", 40001);
    found_type = ICE_CANDIDATE_RELAY;
    finds(s, ICE_EVENT_CANDIDATE, "2001:db8::9", 40002);
    found_type = ICE_CANDIDATE_HOST;
    pass(s, US_PER_SECOND);
    assert_non_null(strstr(s->late_body, "192.0.2.9 40001 typ srflx raddr 0.0.0.0 rport 9\r\n"));
    assert_non_null(strstr(s->late_body, "2001:db8::9 40002 typ relay raddr :: rport 9\r\n"));
    stage_close(s);
}

static void it_does_not_wait_for_ever(void **state) {
    (void)state;
    struct stage *s = stage_of(HUB_ICE_FULL);
    publishes(s);
    finds(s, ICE_EVENT_CANDIDATE, "192.0.2.9", 40001);
    pass(s, 490 * US_PER_MS);
    assert_int_equal(s->late_status, 0);
    pass(s, 20 * US_PER_MS);
    assert_int_equal(s->late_status, 201);
    assert_non_null(strstr(s->late_body, "192.0.2.9 40001 typ host\r\n"));
    assert_null(strstr(s->late_body, "end-of-candidates"));
    stage_close(s);
}

// Where answers have to come at once, the client's own checks find the way.
static void an_answer_that_cannot_wait_does_not(void **state) {
    (void)state;
    struct stage *s = stage_of(HUB_ICE_FULL);
    s->late = 0;
    assert_int_equal(posts(s, false, "hall", "name=Ann", "chromium-publish"), 201);
    assert_false(s->answer.later);
    assert_null(strstr(s->answer.body, "a=ice-lite"));
    assert_null(strstr(s->answer.body, "a=candidate"));
    stage_close(s);
}

static void without_an_address_it_is_refused(void **state) {
    (void)state;
    struct stage *s = stage_of(HUB_ICE_FULL);
    publishes(s);
    finds(s, ICE_EVENT_FAILED, NULL, 0);
    pass(s, US_PER_MS);
    assert_int_equal(s->late_status, 503);
    assert_non_null(strstr(s->late_body, "found no address"));
    assert_int_equal(people(s), 0);
    stage_close(s);
}

static void who_is_gone_leaves_nothing(void **state) {
    (void)state;
    struct stage *s = stage_of(HUB_ICE_FULL);
    s->late_gone = true;
    publishes(s);
    pass(s, US_PER_SECOND);
    assert_int_equal(people(s), 0);
    // And who is put out meanwhile hears so.
    s->late_gone = false;
    publishes(s);
    hub_leave(s->hub, who(s, "hall", "Ann"), "removed");
    pass(s, US_PER_MS);
    assert_int_equal(s->late_status, 503);
    assert_int_equal(people(s), 0);
    pass(s, US_PER_SECOND);
    s->late_status = 0;
    publishes(s); // until the server's end
    stage_close(s);
}

static unsigned patches(struct stage *s, const char *path, const char *if_match, const char *body) {
    struct ask ask = {
        .method = WHIP_PATCH, .path = path, .type = FRAGMENT, .if_match = if_match, .body = body};
    return asks(s, ask);
}

static void candidates_trickle_both_ways(void **state) {
    (void)state;
    struct stage *s = stage_of(HUB_ICE_FULL);
    char path[256], tag[32];
    publishes(s);
    location(s, path);
    etag(s, tag);
    finds(s, ICE_EVENT_CANDIDATE, "192.0.2.9", 40001);
    pass(s, US_PER_SECOND);
    unsigned before = s->command_count;
    assert_int_equal(patches(s, path, tag, "a=mid:0\r\n" LINE), 204);
    assert_int_equal(s->command_count, before + 1);
    assert_int_equal(last(s, MEDIA_ICE_CANDIDATE, 0)->ice_candidate.address.port, 50000);
    finds(s, ICE_EVENT_CANDIDATE, "192.0.2.10", 40002);
    finds(s, ICE_EVENT_GATHERED, NULL, 0);
    assert_int_equal(patches(s, path, tag, "a=mid:0\r\n" LINE), 200);
    assert_string_equal(s->answer.content_type, FRAGMENT);
    assert_null(strstr(s->answer.body, "192.0.2.9 "));
    says(s, "a=candidate:2 1 udp 2130706431 192.0.2.10 40002 typ host\r\na=end-of-candidates\r\n");
    says(s, last(s, MEDIA_OPEN_TRANSPORT, 0)->ice.ufrag);
    assert_null(strstr(s->answer.body, "a=ice-lite"));
    assert_int_equal(patches(s, path, tag, "a=mid:0\r\n" LINE), 204);
    assert_int_equal(patches(s, path, tag, "a=mid:0\r\na=candidate:oops\r\n"), 400);
    stage_close(s);
}

static void ice_restarts_by_patch(void **state) {
    (void)state;
    struct stage *s = stage_of(HUB_ICE_FULL);
    static const char good[] = "a=ice-ufrag:newu\r\na=ice-pwd:0123456789012345678901\r\na=mid:0\r\n" LINE;
    static const char bad[] =
        "a=ice-ufrag:newu\r\na=ice-pwd:0123456789012345678901\r\na=mid:0\r\na=candidate:oops\r\n";
    char path[256];
    publishes(s);
    location(s, path);
    finds(s, ICE_EVENT_CANDIDATE, "192.0.2.9", 40001);
    finds(s, ICE_EVENT_GATHERED, NULL, 0);
    pass(s, US_PER_MS);
    unsigned before = s->command_count;
    assert_int_equal(patches(s, path, "*", bad), 400);
    assert_int_equal(s->command_count, before); // nothing was restarted
    assert_int_equal(patches(s, path, "*", good), 200);
    says(s, last(s, MEDIA_RESTART_ICE, 0)->ice.ufrag);
    says(s, "192.0.2.9 40001 typ host\r\na=end-of-candidates\r\n");
    assert_null(strstr(s->answer.body, "a=ice-lite"));
    assert_string_equal(last(s, MEDIA_ICE_REMOTE, 0)->ice_remote.ufrag, "newu");
    assert_int_equal(last(s, MEDIA_ICE_CANDIDATE, 0)->ice_candidate.address.port, 50000);
    stage_close(s);
}

// A viewer's answer waits in the same way.
static void viewers_wait_too(void **state) {
    (void)state;
    struct stage *s = stage_of(HUB_ICE_FULL);
    publishes(s);
    finds(s, ICE_EVENT_CANDIDATE, "192.0.2.9", 40001);
    pass(s, US_PER_SECOND);
    s->late_status = 0;
    (void)posts(s, true, "hall", "name=Bob", "chromium-view");
    assert_true(s->answer.later);
    finds(s, ICE_EVENT_CANDIDATE, "192.0.2.9", 40003);
    finds(s, ICE_EVENT_GATHERED, NULL, 0);
    pass(s, US_PER_MS);
    assert_int_equal(s->late_status, 201);
    assert_non_null(strstr(s->late_body, "192.0.2.9 40003 typ host"));
    assert_non_null(strstr(s->late_body, "a=sendonly"));
    stage_close(s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_gets_an_agent),
        cmocka_unit_test(the_answer_waits_for_addresses),
        cmocka_unit_test(what_is_no_host_has_a_related_address),
        cmocka_unit_test(it_does_not_wait_for_ever),
        cmocka_unit_test(an_answer_that_cannot_wait_does_not),
        cmocka_unit_test(without_an_address_it_is_refused),
        cmocka_unit_test(who_is_gone_leaves_nothing),
        cmocka_unit_test(candidates_trickle_both_ways),
        cmocka_unit_test(ice_restarts_by_patch),
        cmocka_unit_test(viewers_wait_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
