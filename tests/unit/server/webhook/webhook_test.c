// What is told of a room from its beginning to its end, and signed; the receiver is away, so nothing goes
// out.
#include "../hub/stage.h"

#include "server/webhook/webhook.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

struct told {
    struct stage *stage;
    struct webhooks *webhooks;
    int port_holder;  // bound, so that nobody else listens there
    unsigned threads; // before
    char events[512]; // "room_started; participant_joined ann; "
    bool unsigned_;   // nothing can be signed
};

static unsigned threads(void) {
    unsigned count = 0;
    DIR *tasks = opendir("/proc/self/task");
    while (readdir(tasks))
        count++;
    closedir(tasks);
    return count;
}

// Every text comes by here, at once.
static char *sign(void *ctx, const char *body, size_t len, uint32_t ttl_s) {
    struct told *t = ctx;
    size_t used = strlen(t->events);
    json_t *event = json_loadb(body, len, JSON_REJECT_DUPLICATES, NULL);
    assert_non_null(event);
    const char *who = json_string_value(json_object_get(json_object_get(event, "participant"), "name"));
    long created = strtol(json_string_value(json_object_get(event, "createdAt")), NULL, 10);
    assert_in_range(created, time(NULL) - 60, time(NULL) + 1);
    assert_int_equal(ttl_s, 600); // as long as it is kept, twice
    const char *name = json_string_value(json_object_get(event, "event"));
    const json_t *room = json_object_get(event, "room");
    bool tells_left = strcmp(name, "participant_left") == 0 || strcmp(name, "room_finished") == 0;
    char left[32] = "";
    if (tells_left)
        snprintf(left, sizeof left, " of %d",
                 (int)json_integer_value(json_object_get(room, "numParticipants")));
    if (strcmp(name, "room_finished") == 0)
        assert_int_equal(json_integer_value(json_object_get(room, "numPublishers")), 0);
    snprintf(t->events + used, sizeof t->events - used, "%s%s%s%s; ", name, who ? " " : "", who ? who : "",
             left);
    json_decref(event);
    return t->unsigned_ ? NULL : strdup("token");
}

static void expect_events(struct told *t, const char *events) {
    assert_string_equal(t->events, events);
    t->events[0] = '\0';
}

static void expect_counts(const struct told *t, uint64_t waiting, uint64_t lost) {
    struct webhook_counts counts;
    webhooks_read_counts(t->webhooks, &counts);
    assert_int_equal(counts.waiting, waiting);
    assert_int_equal(counts.lost, lost);
    assert_int_equal(counts.sent, 0);
}

static void begin(struct told *t) {
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t len = sizeof at;
    struct webhook_urls urls;
    char url[64], error[128];
    *t = (struct told){.stage = stage_new(), .port_holder = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    assert_int_equal(bind(t->port_holder, (struct sockaddr *)&at, len), 0);
    assert_int_equal(getsockname(t->port_holder, (struct sockaddr *)&at, &len), 0);
    snprintf(url, sizeof url, "http://127.0.0.1:%u/", ntohs(at.sin_port));
    assert_true(webhook_urls_parse(url, &urls));
    stage_open(t->stage);
    t->threads = threads();
    const struct webhook_io io = {.ctx = t, .sign = sign};
    t->webhooks = webhooks_open(&urls, &io, t->stage->hub, error, sizeof error);
    assert_non_null(t->webhooks);
}

static void end(struct told *t) {
    webhooks_close(t->webhooks, t->stage->hub);
    for (int i = 0; i < 20000 && threads() > t->threads; i++) // joined, and gone a moment later
        usleep(1000);
    assert_int_equal(threads(), t->threads);
    stage_close(t->stage);
    close(t->port_holder);
}

static void what_happens_is_told_in_its_order(void **state) {
    (void)state;
    struct told t;
    begin(&t);
    struct hub_refusal refusal;
    struct participant *ann = joins(t.stage, "ann");
    expect_events(&t, "room_started; participant_joined ann; ");
    struct room_producer *voice = produces(t.stage, ann, opens(t.stage, ann, true), MEDIA_AUDIO);
    expect_events(&t, "track_published ann; ");
    assert_true(hub_close_producer(t.stage->hub, ann, voice->public_id.text, &refusal));
    expect_events(&t, "track_unpublished ann; ");
    webhooks_egress(t.webhooks, "egress_started", ann->room, json_pack("{s:s}", "egressId", "e1"));
    expect_events(&t, "egress_started; ");
    hub_leave(t.stage->hub, ann, "left");
    pass(t.stage, 60 * US_PER_SECOND);
    expect_events(&t, "participant_left ann of 0; room_finished of 0; ");
    webhooks_egress(t.webhooks, "egress_ended", NULL, json_pack("{s:s}", "egressId", "e1"));
    expect_events(&t, "egress_ended; ");
    expect_counts(&t, 8, 0);
    end(&t);
    assert_string_equal(t.events, ""); // of rooms that are over nothing more
}

// The hub ends without a word: what was there is told to be over, and then nothing.
static void the_end_of_the_server_is_told(void **state) {
    (void)state;
    struct told t;
    begin(&t);
    struct participant *ann = joins(t.stage, "ann");
    joins(t.stage, "bob");
    struct room_transport *from = opens(t.stage, ann, true);
    produces(t.stage, ann, from, MEDIA_AUDIO);
    produces(t.stage, ann, from, MEDIA_VIDEO);
    t.events[0] = '\0';
    webhooks_close(t.webhooks, t.stage->hub);
    expect_events(
        &t,
        "track_unpublished ann; track_unpublished ann; participant_left ann of 1; participant_left bob of "
        "0; room_finished of 0; ");
    joins(t.stage, "cid");
    assert_string_equal(t.events, "");
    t.webhooks = NULL; // which is fine
    end(&t);
}

static void what_cannot_be_signed_is_lost(void **state) {
    (void)state;
    struct told t;
    begin(&t);
    t.unsigned_ = true;
    joins(t.stage, "ann");
    expect_counts(&t, 0, 2);
    t.unsigned_ = false;
    joins(t.stage, "bob");
    expect_counts(&t, 1, 2);
    end(&t);
}

static void without_receivers_nobody_is_told(void **state) {
    (void)state;
    struct webhook_counts counts = {.sent = 1, .retried = 1, .lost = 1, .waiting = 1};
    webhooks_egress(NULL, "egress_started", NULL, json_pack("{s:s}", "egressId", "e1"));
    webhooks_read_counts(NULL, &counts);
    assert_true(counts.sent + counts.retried + counts.lost + counts.waiting == 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_happens_is_told_in_its_order),
        cmocka_unit_test(the_end_of_the_server_is_told),
        cmocka_unit_test(what_cannot_be_signed_is_lost),
        cmocka_unit_test(without_receivers_nobody_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
