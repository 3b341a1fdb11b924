// Transports of plain RTP: who is made for them, what a worker is told, and what is refused.
#include "server/hub/hub_plain.h"
#include "stage.h"

#include <fcntl.h>
#include <unistd.h>

// What binding gives: descriptors that can be closed, and were it not for `fails` always some.
static enum plain_bind_result fails = PLAIN_BOUND;
static unsigned bound;

static enum plain_bind_result bind_some(void *ctx, bool rtcp_mux, bool inside, struct plain_place *out,
                                        char *why) {
    (void)ctx, (void)inside;
    if (fails != PLAIN_BOUND) {
        snprintf(why, HUB_PLAIN_WHY_MAX, "no port");
        return fails;
    }
    bound++;
    *out = (struct plain_place){.rtp_fd = dup(0),
                                .rtcp_fd = rtcp_mux ? -1 : dup(0),
                                .ip = "127.0.0.1",
                                .rtp_port = 5000,
                                .rtcp_port = rtcp_mux ? 5000 : 5001,
                                .family = 4};
    return PLAIN_BOUND;
}

static bool is_open(int fd) {
    return fcntl(fd, F_GETFD) >= 0;
}

static struct stage *open_stage(bool has_plain) {
    struct stage *s = stage_new();
    s->plain_bind = has_plain ? bind_some : NULL;
    stage_open(s);
    fails = PLAIN_BOUND;
    bound = 0;
    return s;
}

static struct hub_plain sends(void) {
    return (struct hub_plain){.name = "camera",
                              .identity = "",
                              .metadata = "",
                              .ip = "",
                              .from_client = true,
                              .comedia = true,
                              .rtcp_mux = true};
}

static struct hub_plain gets(void) {
    return (struct hub_plain){
        .name = "screen", .identity = "", .metadata = "", .ip = "127.0.0.1", .port = 5004, .rtcp_mux = true};
}

static void close_fds(const struct media_cmd *cmd) {
    close(cmd->plain.params.rtp_fd);
    if (cmd->plain.params.rtcp_fd >= 0)
        close(cmd->plain.params.rtcp_fd);
}

static void one_sends_and_one_gets(void **state) {
    (void)state;
    struct stage *s = open_stage(true);
    struct hub_refusal refusal;
    struct hub_plain in = sends(), out = gets();
    out.rtcp_mux = false;
    out.hidden = true;
    out.keys.profile = SRTP_PROFILE_AEAD_AES_256_GCM;
    memset(out.keys.remote, 7, 44);
    struct room_transport *from = hub_open_plain(s->hub, "r", &in, &refusal);
    assert_non_null(from);
    assert_true(from->plain && from->from_client && from->connected);
    assert_int_equal(in.place.rtp_port, 5000);
    const struct plain_params *told = &s->commands[0].plain.params;
    assert_int_equal(s->commands[0].type, MEDIA_OPEN_PLAIN);
    assert_true(told->comedia && told->remote.family == 0 && told->keys.profile == SRTP_PROFILE_NONE);
    assert_int_equal(s->commands[0].plain.room, from->owner->room->id);
    assert_true(is_open(told->rtp_fd));
    struct room_transport *to = hub_open_plain(s->hub, "r", &out, &refusal);
    assert_non_null(to);
    told = &s->commands[1].plain.params;
    assert_false(told->comedia);
    assert_int_equal(told->remote.port, 5004);
    assert_int_equal(told->remote_rtcp.port, 5005);
    assert_int_equal(told->keys.len, 44);
    assert_int_equal(told->keys.remote[43], 7);
    assert_memory_equal(told->keys.local, out.keys.local, 44);
    static const uint8_t zeros[44];
    assert_memory_not_equal(told->keys.local, zeros, 44);
    close_fds(&s->commands[0]);
    close_fds(&s->commands[1]);
    expect_heard(s, "joined camera; joined screen; ");

    struct room_producer *video = produces(s, from->owner, from, MEDIA_VIDEO);
    json_t *capabilities = hub_plain_capabilities(s->hub), *parameters = NULL;
    struct hub_consume ask = {.producer_id = video->public_id.text,
                              .transport_id = to->public_id.text,
                              .capabilities = capabilities};
    struct room_consumer *consumer = hub_consume(s->hub, to->owner, &ask, &parameters, &refusal);
    assert_non_null(consumer);
    assert_int_equal(json_array_size(json_object_get(parameters, "headerExtensions")), 0);
    assert_int_equal(json_array_size(json_object_get(parameters, "codecs")), 1); // no RTX
    json_decref(parameters);
    json_decref(capabilities);

    assert_ptr_equal(hub_find_plain(s->hub, "r", from->public_id.text, &refusal), from);
    assert_null(hub_find_plain(s->hub, "other", from->public_id.text, &refusal));
    assert_null(hub_find_plain(s->hub, "r", "no such", &refusal));
    struct room_transport *own = opens(s, joins(s, "ann"), true);
    assert_null(hub_find_plain(s->hub, "r", own->public_id.text, &refusal)); // people's are theirs
    static const char addresses[1][46] = {"203.0.113.10"};
    s->command_count = 0;
    hub_set_announce(s->hub, addresses, 1, true, s->now_us);
    EXPECT_COMMANDS(s, MEDIA_OFFER_ICE); // to ann alone
    hub_close_plain(s->hub, from);
    hub_close_plain(s->hub, to);
    assert_int_equal(counts(s).participants, 1);
    stage_close(s);
}

// A program behind plain RTP has no key: it is told so, and gets what is not encrypted.
static void what_is_encrypted_from_end_to_end(void **state) {
    (void)state;
    struct stage *s = open_stage(true);
    struct hub_refusal refusal;
    struct hub_plain out = gets();
    struct room_transport *to = hub_open_plain(s->hub, "r", &out, &refusal);
    assert_non_null(to);
    close_fds(&s->commands[0]);
    struct participant *ann = joins(s, "ann");
    struct room_producer *video = produces(s, ann, opens(s, ann, true), MEDIA_VIDEO);
    static const struct {
        const char *app_data;
        bool taken;
    } cases[] = {
        {"{\"e2ee\":true}", false}, {"{\"e2ee\":false}", true}, {"{\"e2ee\":1}", true}, {"{}", true}};
    json_t *capabilities = hub_plain_capabilities(s->hub);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        free(video->app_data);
        video->app_data = strdup(cases[i].app_data);
        video->app_data_len = strlen(cases[i].app_data);
        json_t *parameters = NULL;
        struct hub_consume ask = {.producer_id = video->public_id.text,
                                  .transport_id = to->public_id.text,
                                  .capabilities = capabilities};
        struct room_consumer *consumer = hub_consume(s->hub, to->owner, &ask, &parameters, &refusal);
        assert_int_equal(consumer != NULL, cases[i].taken);
        json_decref(parameters);
        if (consumer) {
            assert_true(hub_close_consumer(s->hub, to->owner, consumer->public_id.text, &refusal));
            continue;
        }
        assert_int_equal(refusal.code, HUB_WRONG_STATE);
        assert_non_null(strstr(refusal.text, "ann encrypts from end to end"));
    }
    json_decref(capabilities);
    stage_close(s);
}

// Neither has a viewer by WHEP: it would play noise.
static void nor_has_who_views_by_whep(void **state) {
    (void)state;
    struct stage *s = open_stage(true);
    struct hub_refusal refusal;
    struct participant *ann = joins(s, "ann"), *viewer = joins(s, "viewer");
    struct room_producer *video = produces(s, ann, opens(s, ann, true), MEDIA_VIDEO);
    struct room_transport *to = opens(s, viewer, false);
    free(video->app_data);
    video->app_data = strdup("{\"e2ee\":true}");
    video->app_data_len = strlen(video->app_data);
    json_t *capabilities = hub_plain_capabilities(s->hub), *parameters = NULL;
    struct hub_consume ask = {.producer_id = video->public_id.text,
                              .transport_id = to->public_id.text,
                              .capabilities = capabilities};
    viewer->observer = HUB_OBSERVER_WHIP;
    assert_null(hub_consume(s->hub, viewer, &ask, &parameters, &refusal));
    assert_int_equal(refusal.code, HUB_WRONG_STATE);
    viewer->observer = HUB_OBSERVER_SIGNALLING;
    assert_non_null(hub_consume(s->hub, viewer, &ask, &parameters, &refusal));
    json_decref(parameters);
    json_decref(capabilities);
    stage_close(s);
}

struct row {
    const char *words;
    enum hub_code code;
    struct hub_plain ask;
};

// Nobody joins, no socket stays open.
static void what_is_refused(void **state) {
    (void)state;
    struct stage *s = open_stage(true);
    struct hub_refusal refusal;
    struct row rows[] = {
        {"nobody vouches", HUB_BAD_REQUEST, gets()},
        {"leave out `ip`", HUB_BAD_REQUEST, sends()},
        {"`ip` and `port`", HUB_BAD_REQUEST, gets()},
        {"`ip` and `port`", HUB_BAD_REQUEST, gets()},
        {"`ip` and `port`", HUB_BAD_REQUEST, gets()},
        {"IPv4", HUB_BAD_REQUEST, gets()},
        {"rtcpPort", HUB_BAD_REQUEST, gets()},
        {"rtcpPort", HUB_BAD_REQUEST, gets()},
        {"hidden", HUB_BAD_REQUEST, sends()},
        {"no port", HUB_LIMIT_REACHED, gets()},
        {"no port", HUB_UNSUPPORTED, gets()},
        {"already called", HUB_USERNAME_TAKEN, gets()},
        {"", HUB_BUSY, gets()},
    };
    rows[0].ask.comedia = true, rows[0].ask.ip = "", rows[0].ask.port = 0;
    rows[1].ask.port = 1;
    rows[2].ask.port = 0;
    rows[3].ask.ip = "224.0.0.1";
    rows[4].ask.ip = "0.0.0.0";
    rows[5].ask.ip = "::1";
    rows[6].ask.rtcp_port = 5;
    rows[7].ask.port = 65535, rows[7].ask.rtcp_mux = false;
    rows[8].ask.hidden = true;
    rows[11].ask.name = "ann";
    joins(s, "ann");
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct row *row = &rows[i];
        fails = i == 9 ? PLAIN_BIND_NONE_LEFT : i == 10 ? PLAIN_BIND_FAILED : PLAIN_BOUND;
        unsigned before = bound;
        s->full = row->code == HUB_BUSY;
        struct room_transport *transport = hub_open_plain(s->hub, "r", &row->ask, &refusal);
        if (s->full && transport) { // the command waits, in order
            hub_close_plain(s->hub, transport);
            continue;
        }
        assert_null(transport);
        assert_int_equal(refusal.code, row->code);
        if (!strstr(refusal.text, row->words))
            fail_msg("row %zu: %s", i, refusal.text);
        assert_true(bound == before || !is_open(row->ask.place.rtp_fd));
        assert_int_equal(counts(s).participants, 1);
    }
    stage_close(s);
    s = open_stage(false);
    struct hub_plain ask = sends();
    assert_null(hub_open_plain(s->hub, "r", &ask, &refusal));
    assert_int_equal(refusal.code, HUB_UNSUPPORTED);
    assert_non_null(strstr(refusal.text, "plain-ports"));
    stage_close(s);
}

// An operator is let in where a moderator is, and somebody of the same identity makes way.
static void past_lobby_and_lock(void **state) {
    (void)state;
    struct stage *s = open_stage(true);
    struct hub_refusal refusal;
    struct participant *ann = joins(s, "ann");
    ann->rights |= RIGHT_ADMIN;
    assert_true(hub_set_lobby(s->hub, ann, true, &refusal));
    assert_true(hub_lock(s->hub, ann, true, &refusal));
    struct hub_plain ask = sends(), again = sends();
    ask.identity = again.identity = "cam-1";
    assert_non_null(hub_open_plain(s->hub, "r", &ask, &refusal));
    assert_non_null(hub_open_plain(s->hub, "r", &again, &refusal));
    assert_int_equal(counts(s).participants, 2);
    stage_close(s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_sends_and_one_gets),    cmocka_unit_test(what_is_encrypted_from_end_to_end),
        cmocka_unit_test(nor_has_who_views_by_whep), cmocka_unit_test(what_is_refused),
        cmocka_unit_test(past_lobby_and_lock),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
