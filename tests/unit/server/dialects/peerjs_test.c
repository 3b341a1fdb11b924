// PeerJS's messages by tables, and its times by hand.
#include "tests/unit/server/dialects/dialect_stage.h"

#include "server/dialects/broker.h"
#include "server/dialects/peerjs.h"

#include <jansson.h>
#include <stdlib.h>

static struct dialect_limits limits;
static struct peerjs *peerjs;
static uint64_t now_us;

static int begin_with(uint32_t clients_max, bool lists) {
    limits = (struct dialect_limits){
        .clients_max = clients_max, .messages_per_second_max = 100, .relay_rate_max = 1024 * 1024};
    struct peerjs_config config = {.limits = &limits, .key = "peerjs", .lists_peers = lists};
    now_us = START_US;
    stage_forget();
    stage.closes = 0;
    peerjs = peerjs_create(&config, &stage_io, now_us);
    return peerjs ? 0 : -1;
}

static int begin(void **state) {
    (void)state;
    return begin_with(4, false);
}

static int end(void **state) {
    (void)state;
    peerjs_destroy(peerjs);
    return 0;
}

static void opens(uint32_t client, const char *query) {
    peerjs_opened(peerjs, client, span_of_text(query), now_us);
}

static void comes(uint32_t client, const char *id) {
    char query[256];
    snprintf(query, sizeof query, "key=peerjs&id=%s&token=t%u&version=1.5.5", id, client);
    opens(client, query);
}

static void says(uint32_t client, const char *text) {
    peerjs_message(peerjs, client, text, strlen(text), now_us);
}

static struct dialect_counts counts(void) {
    struct dialect_counts c = {0};
    peerjs_read_counts(peerjs, &c);
    return c;
}

static void who_comes_in_and_who_does_not(void **state) {
    (void)state;
#define ID_RULE "an id has 1 to 64 letters and digits, with single spaces, - or _ between them"
#define QUERY_RULE "the WebSocket needs key, id and token, of at most 64 bytes each"
#define LONG_64 "0123456789012345678901234567890123456789012345678901234567890123"
    static const struct {
        const char *query, *why; // NULL: comes in
    } rows[] = {
        {"key=peerjs&id=ann&token=x&version=1.5.5", NULL},
        {"key=peerjs&id=a%20b-c_d&token=x", NULL},
        {"token=x&id=ann&key=peerjs", NULL},
        {"key=peerjs&id=" LONG_64 "&token=" LONG_64, NULL},
        {"key=peerjs&id=" LONG_64 "0&token=x", ID_RULE},
        {"key=peerjs&id=ann&token=" LONG_64 "0", QUERY_RULE},
        {"", QUERY_RULE},
        {"key=peerjs&id=ann", QUERY_RULE},
        {"key=peerjs&token=x", QUERY_RULE},
        {"id=ann&token=x", QUERY_RULE},
        {"key=peerjs&id=ann&token=", QUERY_RULE},
        {"key=peerjs&id=&token=x", ID_RULE},
        {"key=peerjs&id=..%2f..%2fetc&token=x", ID_RULE},
        {"key=peerjs&id=a/b&token=x", ID_RULE},
        {"key=peerjs&id=a%00b&token=x", ID_RULE},
        {"key=peerjs&id=%zz&token=x", ID_RULE},
        {"key=peerjs&id=a--b&token=x", ID_RULE},
        {"key=peerjs&id=-a&token=x", ID_RULE},
        {"key=peerjs&id=a-&token=x", ID_RULE},
        {"key=peerjs&id=%C3%A4&token=x", ID_RULE},
        {"key=peerjs&id=%22%7D&token=x", ID_RULE},
        {"key=peerjs&id=null&token=x", ID_RULE}, // what the package sends for no id (pull 1362)
        {"key=peerjs&id=undefined&token=x", ID_RULE},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char heard[512] = "7<{\"type\":\"OPEN\"}\n";
        assert_int_equal(begin(NULL), 0);
        opens(7, rows[i].query);
        if (rows[i].why)
            snprintf(heard, sizeof heard, "7<{\"type\":\"ERROR\",\"payload\":{\"msg\":\"%s\"}}\n7!1008 %s\n",
                     rows[i].why, rows[i].why);
        stage_heard(heard);
        assert_int_equal(counts().peerjs_clients, rows[i].why ? 0 : 1);
        says(7, "{\"type\":\"HEARTBEAT\"}"); // nothing of one that is being closed is taken
        peerjs_closed(peerjs, 7);
        assert_int_equal(counts().peerjs_clients, 0);
        end(NULL);
    }
    assert_int_equal(begin(NULL), 0);
    opens(1, "key=other&id=ann&token=x");
    stage_heard("1<{\"type\":\"INVALID-KEY\",\"payload\":{\"msg\":\"this server has another key\"}}\n"
                "1!1008 this server has another key\n");
}

static void messages_go_to_whom_they_name(void **state) {
    (void)state;
    comes(1, "ann");
    comes(2, "bob");
    stage_forget();
    static const struct {
        const char *said, *heard;
    } rows[] = {
        {"{\"type\":\"OFFER\",\"dst\":\"bob\",\"payload\":{\"sdp\":{\"a\":[1,2.5,null]},\"x\":\"\\u00e4\"}}",
         "2<{\"type\":\"OFFER\",\"dst\":\"bob\",\"payload\":{\"sdp\":{\"a\":[1,2.5,null]},\"x\":\"\xc3\xa4\"}"
         ","
         "\"src\":\"ann\"}\n"},
        {"{\"type\":\"ANSWER\",\"dst\":\"bob\",\"src\":\"cid\"}", // nobody speaks for another
         "2<{\"type\":\"ANSWER\",\"dst\":\"bob\",\"src\":\"ann\"}\n"},
        {"{\"type\":\"CANDIDATE\",\"dst\":\"bob\",\"n\":12345678901234567890}",
         "2<{\"type\":\"CANDIDATE\",\"dst\":\"bob\",\"n\":1.2345678901234567e19,\"src\":\"ann\"}\n"},
        {"{\"type\":\"LEAVE\",\"dst\":\"bob\"}", "2<{\"type\":\"LEAVE\",\"dst\":\"bob\",\"src\":\"ann\"}\n"},
        {"{\"type\":\"EXPIRE\",\"dst\":\"bob\"}",
         "2<{\"type\":\"EXPIRE\",\"dst\":\"bob\",\"src\":\"ann\"}\n"},
        {"{\"type\":\"OFFER\",\"dst\":\"ann\"}", "1<{\"type\":\"OFFER\",\"dst\":\"ann\",\"src\":\"ann\"}\n"},
        {"{\"type\":\"HEARTBEAT\"}", ""},
        {"{\"type\":\"LEAVE\",\"dst\":\"nobody\"}", ""},
        {"{\"type\":\"OFFER\"}", ""},
        {"{\"type\":\"OPEN\",\"dst\":\"bob\"}", ""}, // only the server says so
        {"{\"type\":\"ID-TAKEN\",\"dst\":\"bob\"}", ""},
        {"{\"type\":5,\"dst\":\"bob\"}", ""},
        {"{\"type\":\"OFFER\",\"dst\":5}", ""},
        {"[]", ""},
        {"", ""},
        {"{\"type\":\"OFFER\",\"dst\":\"bob\"", ""},
        {"{\"type\":\"OFFER\",\"dst\":\"../bob\"}", // nobody can have such an id: at once
         "1<{\"type\":\"EXPIRE\",\"src\":\"../bob\",\"dst\":\"ann\"}\n"},
        {"{\"type\":\"CANDIDATE\",\"dst\":\"\\\"\\n\"}",
         "1<{\"type\":\"EXPIRE\",\"src\":\"\\\"\\n\",\"dst\":\"ann\"}\n"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        says(1, rows[i].said);
        stage_heard(rows[i].heard);
    }
    assert_int_equal(counts().relayed, 6);
    assert_int_equal(counts().refused, 10);
    assert_int_equal(counts().kept, 0);
    says(1, "{\"type\":\"LEAVE\"}");
    stage_heard("1!1000 you have left\n");
    assert_int_equal(counts().peerjs_clients, 1);
}

static void what_is_for_nobody_waits_five_seconds(void **state) {
    (void)state;
    comes(1, "ann");
    stage_forget();
    says(1, "{\"type\":\"OFFER\",\"dst\":\"bob\"}");
    now_us += 100 * US_PER_MS;
    says(1, "{\"type\":\"CANDIDATE\",\"dst\":\"bob\"}");
    assert_int_equal(counts().kept, 2);
    now_us = START_US + 5 * US_PER_SECOND - 1;
    peerjs_advance(peerjs, now_us);
    stage_heard("");
    comes(2, "bob"); // just in time
    stage_heard("2<{\"type\":\"OPEN\"}\n2<{\"type\":\"OFFER\",\"dst\":\"bob\",\"src\":\"ann\"}\n"
                "2<{\"type\":\"CANDIDATE\",\"dst\":\"bob\",\"src\":\"ann\"}\n");
    assert_int_equal(counts().kept + counts().kept_bytes, 0);
    peerjs_closed(peerjs, 2);

    uint64_t from_us = now_us;
    says(1, "{\"type\":\"OFFER\",\"dst\":\"bob\"}");
    says(1, "{\"type\":\"CANDIDATE\",\"dst\":\"bob\"}"); // of which nothing more is told
    says(1, "{\"type\":\"OFFER\",\"dst\":\"cid\"}");
    now_us += 2 * US_PER_SECOND;
    says(1, "{\"type\":\"OFFER\",\"dst\":\"bob\"}"); // a second call has five seconds of its own
    assert_int_equal(peerjs_next_us(peerjs), from_us + 5 * US_PER_SECOND);
    now_us = from_us + 5 * US_PER_SECOND;
    peerjs_advance(peerjs, now_us);
    stage_heard("1<{\"type\":\"EXPIRE\",\"src\":\"bob\",\"dst\":\"ann\"}\n"
                "1<{\"type\":\"EXPIRE\",\"src\":\"cid\",\"dst\":\"ann\"}\n");
    now_us += 2 * US_PER_SECOND;
    peerjs_advance(peerjs, now_us);
    stage_heard("1<{\"type\":\"EXPIRE\",\"src\":\"bob\",\"dst\":\"ann\"}\n");
    assert_int_equal(counts().expired, 4);

    says(1, "{\"type\":\"OFFER\",\"dst\":\"bob\"}");
    peerjs_closed(peerjs, 1); // who has gone need not hear of it, and what was said stays good
    comes(2, "bob");
    stage_heard("2<{\"type\":\"OPEN\"}\n2<{\"type\":\"OFFER\",\"dst\":\"bob\",\"src\":\"ann\"}\n");
}

static void the_same_token_takes_the_place_over(void **state) {
    (void)state;
    opens(1, "key=peerjs&id=ann&token=secret");
    opens(2, "key=peerjs&id=ann&token=secre");
    opens(3, "key=peerjs&id=ann&token=secret0");
    stage_heard("1<{\"type\":\"OPEN\"}\n"
                "2<{\"type\":\"ID-TAKEN\",\"payload\":{\"msg\":\"ID is taken\"}}\n2!1008 ID is taken\n"
                "3<{\"type\":\"ID-TAKEN\",\"payload\":{\"msg\":\"ID is taken\"}}\n3!1008 ID is taken\n");
    opens(4, "key=peerjs&id=ann&token=secret"); // and hears OPEN (peers/peerjs issue 1289)
    stage_heard("1!1000 a newer connection with the same token is here\n4<{\"type\":\"OPEN\"}\n");
    says(1, "{\"type\":\"OFFER\",\"dst\":\"ann\"}"); // the old connection says nothing any more
    peerjs_closed(peerjs, 1);                        // and its end is not the id's
    stage_heard("");
    assert_int_equal(counts().peerjs_clients, 1);
    peerjs_closed(peerjs, 4);
    opens(5, "key=peerjs&id=ann&token=another"); // free at once (peers/peerjs issues 116, 224, 294)
    stage_heard("5<{\"type\":\"OPEN\"}\n");
}

static void silence_ends_a_connection(void **state) {
    (void)state;
    comes(1, "ann");
    comes(2, "bob");
    stage_forget();
    now_us += 60 * US_PER_SECOND; // as rarely as a page in the background may
    says(1, "{\"type\":\"HEARTBEAT\"}");
    peerjs_advance(peerjs, now_us);
    stage_heard("");
    now_us = START_US + 90 * US_PER_SECOND;
    assert_int_equal(peerjs_next_us(peerjs), now_us);
    peerjs_advance(peerjs, now_us);
    stage_heard("2!1000 no HEARTBEAT for 90 seconds\n");
    comes(3, "bob");
    stage_heard("3<{\"type\":\"OPEN\"}\n");
}

static void everything_is_bounded(void **state) {
    (void)state;
    char text[128];
    for (uint32_t client = 1; client <= 4; client++) {
        snprintf(text, sizeof text, "p%u", client);
        comes(client, text);
    }
    stage_forget();
    comes(5, "p5");
    stage_heard("5<{\"type\":\"ERROR\",\"payload\":{\"msg\":\"this server has as many clients as it takes "
                "(dialect-clients-max)\"}}\n5!1008 this server has as many clients as it takes "
                "(dialect-clients-max)\n");
    for (unsigned i = 0; i <= BROKER_WAITING_MAX; i++) { // of one sender, whoever they are for
        snprintf(text, sizeof text, "{\"type\":\"OFFER\",\"dst\":\"x%u\"}", i);
        says(1, text);
    }
    stage_heard("1<{\"type\":\"EXPIRE\",\"src\":\"x64\",\"dst\":\"p1\"}\n");
    for (unsigned i = 0; i < 8; i++) // for one name, whoever they are from
        says(2, "{\"type\":\"OFFER\",\"dst\":\"x1\"}");
    assert_int_equal(counts().kept, BROKER_WAITING_MAX + 8);
    for (unsigned i = 0; i < 2000; i++)
        says(2, "{\"type\":\"HEARTBEAT\"}");
    stage_heard("2!1008 too many messages, or too long ones\n");
    assert_int_equal(counts().peerjs_clients, 3);
    peerjs_bad_frame(peerjs, 3, true);
    peerjs_bad_frame(peerjs, 4, false);
    peerjs_bad_frame(peerjs, 4, false); // it is on its way out
    stage_heard("3!1003 messages are text\n4!1009 a message has at most 64 KiB\n");
    now_us += 5 * US_PER_SECOND;
    peerjs_advance(peerjs, now_us);
    assert_int_equal(counts().kept + counts().kept_bytes, 0);
    stage_forget();
    says(1, "{\"type\":\"OFFER\",\"dst\":\"x64\"}"); // there is room for its sender again
    stage_heard("");
    assert_int_equal(counts().kept, 1);
}

static void one_that_escapes_to_more_is_no_longer_than_two(void **state) {
    (void)state;
    comes(1, "ann");
    stage_forget();
    static char text[DIALECT_MESSAGE_MAX];
    int len = snprintf(text, sizeof text, "{\"type\":\"OFFER\",\"dst\":\"ann\",\"x\":\"");
    memset(text + len, 1, sizeof text - 1 - (size_t)len); // control characters are no JSON
    says(1, text);
    stage_heard("");
}

static void ids_over_http(void **state) {
    (void)state;
    char a[PEERJS_ID_BYTES], b[PEERJS_ID_BYTES];
    peerjs_make_id(a);
    peerjs_make_id(b);
    assert_int_equal(strlen(a), 36);
    assert_true(a[14] == '4' && strchr("89ab", a[19]) && strcmp(a, b) != 0);
    comes(1, a);
    assert_null(strstr(stage.said, "ERROR")); // it is one that it takes
    assert_null(peerjs_list(peerjs));
    end(NULL);
    assert_int_equal(begin_with(4, true), 0);
    comes(1, "ann");
    comes(2, "bob");
    char *list = peerjs_list(peerjs);
    if (list)
        assert_string_equal(list, "[\"ann\",\"bob\"]");
    free(list);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, begin, end)

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(who_comes_in_and_who_does_not, end),
        TEST(messages_go_to_whom_they_name),
        TEST(what_is_for_nobody_waits_five_seconds),
        TEST(the_same_token_takes_the_place_over),
        TEST(silence_ends_a_connection),
        TEST(everything_is_bounded),
        TEST(one_that_escapes_to_more_is_no_longer_than_two),
        TEST(ids_over_http),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
