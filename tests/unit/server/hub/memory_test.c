// What the hub counts as held for its clients: each thing adds to it while it is there, and nothing is left.
#include "stage.h"

#include "server/hub/hub_internal.h"

static uint64_t held(const struct stage *s) {
    return counts(s).held_bytes;
}

static void say(struct stage *s, struct participant *me, const char *text) {
    struct hub_chat_line line;
    struct hub_refusal refusal;
    assert_true(hub_chat(s->hub, me, text, NULL, &line, &refusal));
    s->heard[0] = '\0';
}

// Of each step: how much is held then, at least as much more as the record that came.
static void each_thing_counts_while_it_is_there(void **state) {
    (void)state;
    struct stage *s = stage_new();
    struct hub_refusal refusal;
    uint64_t at[12];
    unsigned n = 0;
    s->config.limits.room_linger_us = US_PER_SECOND;
    stage_open(s);
    at[n++] = held(s);
    assert_int_equal(at[0], 0);
    struct participant *ann = joins(s, "ann");
    at[n++] = held(s);
    assert_true(at[1] >= sizeof(struct participant) + sizeof(struct room));
    struct participant *bob = joins(s, "bob");
    at[n++] = held(s);
    assert_true(at[2] - at[1] >= sizeof(struct participant));
    assert_true(at[2] - at[1] < at[1] - at[0]); // the room is there already
    struct room_transport *send = opens(s, ann, true), *recv = opens(s, bob, false);
    at[n++] = held(s);
    assert_true(at[3] - at[2] >= 2 * sizeof(struct room_transport));
    struct room_producer *video = produces(s, ann, send, MEDIA_VIDEO);
    at[n++] = held(s);
    assert_true(at[4] - at[3] >= sizeof(struct room_producer) + hub_memory_of_json(video->consumable));
    struct room_consumer *consumer = consumes(s, bob, video);
    at[n++] = held(s);
    assert_true(at[5] - at[4] >= sizeof(struct room_consumer));
    say(s, ann, "a word");
    at[n++] = held(s);
    assert_true(at[6] - at[5] > strlen("a word"));
    say(s, bob, "two longer words");
    at[n++] = held(s);
    assert_int_equal(at[7] - at[6], at[6] - at[5] + strlen("two longer words") - strlen("a word"));

    assert_true(hub_close_consumer(s->hub, bob, consumer->public_id.text, &refusal));
    assert_int_equal(at[7] - held(s), at[5] - at[4]);
    assert_true(hub_close_producer(s->hub, ann, video->public_id.text, &refusal));
    assert_int_equal(at[7] - held(s), at[5] - at[3]);
    assert_true(hub_close_transport(s->hub, ann, send->public_id.text, &refusal));
    assert_true(hub_close_transport(s->hub, bob, recv->public_id.text, &refusal));
    assert_int_equal(at[7] - held(s), at[5] - at[2]);
    hub_leave(s->hub, bob, "left");
    assert_int_equal(at[7] - held(s), at[5] - at[1]);
    hub_leave(s->hub, ann, "left");
    pass(s, 2 * US_PER_SECOND); // the room goes, with what was said in it
    assert_int_equal(counts(s).rooms, 0);
    assert_int_equal(held(s), 0);
    stage_close(s);
}

// What was kept for somebody who is away counts until it is given or forgotten.
static void what_waits_for_those_who_are_away_counts(void **state) {
    (void)state;
    struct stage *s = stage_new();
    stage_open(s);
    struct participant *ann = joins(s, "ann");
    joins(s, "bob");
    uint64_t before = held(s);
    hub_detach(s->hub, ann, s->now_us);
    assert_int_equal(held(s), before);
    assert_int_equal(hub_keep_text(s->hub, ann, "four", 4), ERR_OK);
    uint64_t one = held(s) - before;
    assert_true(one > 4);
    assert_int_equal(hub_keep_text(s->hub, ann, "eight by", 8), ERR_OK);
    assert_int_equal(held(s) - before, 2 * one + 4);
    hub_leave(s->hub, ann, "timeout");
    assert_true(held(s) < before);
    stage_close(s);
}

// What is held of one participant's producers, whatever it says of them.
static void what_is_said_of_producers_is_bounded(void **state) {
    (void)state;
    struct stage *s = stage_new();
    s->config.limits.relay_rate_max = UINT32_MAX;
    s->config.limits.relayed_bytes_max = UINT32_MAX;
    s->config.limits.producers_per_participant_max = 1000;
    stage_open(s);
    struct participant *ann = joins(s, "ann");
    const struct room_transport *transport = opens(s, ann, true);
    char text[256];
    struct hub_refusal refusal = {.code = HUB_CODE_COUNT};
    unsigned taken = 0;
    for (bool fine = true; fine && taken < 100; taken += fine) {
        snprintf(text, sizeof text,
                 "{'mid':'%u','codecs':[{'mimeType':'audio/opus','payloadType':111,'clockRate':48000,"
                 "'channels':2}],'encodings':[{'ssrc':%u}],'rtcp':{'cname':'c'}}",
                 taken, 1000 + taken);
        json_t *parameters = parse(text);
        struct hub_produce ask = {
            .transport_id = transport->public_id.text, .kind = MEDIA_AUDIO, .parameters = parameters};
        pass(s, 600 * US_PER_SECOND); // long enough for any rate
        s->command_count = 0;
        fine = hub_produce(s->hub, ann, &ask, &refusal) != NULL;
        json_decref(parameters);
    }
    if (refusal.code != HUB_LIMIT_REACHED || !strstr(refusal.text, "65536 bytes"))
        fail_msg("%u taken, then: %s", taken, refusal.text);
    assert_in_range(taken, 4, 64); // a kilobyte each at least
    stage_close(s);
}

static void json_counts_by_what_it_is_made_of(void **state) {
    (void)state;
    json_t *texts = parse("['', '12345']"), *object = parse("{'a': 1, 'b': {'c': ''}}");
    json_t *text = json_array_get(texts, 1);
    size_t empty = hub_memory_of_json(json_array_get(texts, 0));
    assert_true(empty > 0);
    assert_int_equal(hub_memory_of_json(text), empty + 5);
    size_t of_array = hub_memory_of_json(texts);
    json_array_append_new(texts, json_string("67"));
    size_t place = hub_memory_of_json(texts) - of_array - empty - 2;
    assert_in_range(place, 8, 64);
    assert_in_range(of_array - 2 * (empty + place) - 5, 64, 512);
    size_t of_inner = hub_memory_of_json(json_object_get(object, "b"));
    json_t *bare = json_object();
    size_t pair = of_inner - hub_memory_of_json(bare) - empty;
    assert_in_range(pair, 32, 256);
    assert_int_equal(hub_memory_of_json(object), hub_memory_of_json(bare) + 2 * pair + empty + of_inner);
    json_t *shared = json_incref(json_object_get(object, "b"));
    assert_int_equal(hub_memory_of_json(shared), 0); // somebody else's as well
    assert_int_equal(hub_memory_of_json(object), hub_memory_of_json(bare) + 2 * pair + empty);
    json_decref(shared);
    json_decref(bare);
    json_decref(object);
    json_decref(texts);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_thing_counts_while_it_is_there),
        cmocka_unit_test(what_waits_for_those_who_are_away_counts),
        cmocka_unit_test(what_is_said_of_producers_is_bounded),
        cmocka_unit_test(json_counts_by_what_it_is_made_of),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
