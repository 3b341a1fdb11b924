// The dialect with `from` and `to`, by tables, and its times by hand.
#include "tests/unit/server/dialects/dialect_stage.h"

#include "server/dialects/broker.h"
#include "server/dialects/named.h"

static struct dialect_limits limits;
static struct named *named;
static uint64_t now_us;
static const struct net_address here = {{1}}, there = {{2}};

static int begin(void **state) {
    (void)state;
    limits = (struct dialect_limits){
        .clients_max = 4, .messages_per_second_max = 100, .relay_rate_max = 1024 * 1024};
    now_us = START_US;
    stage_forget();
    named = named_create(&limits, &stage_io, now_us);
    return named ? 0 : -1;
}

static int end(void **state) {
    (void)state;
    named_destroy(named);
    return 0;
}

static void says(uint32_t client, const char *text) {
    named_message(named, client, text, strlen(text), now_us);
}

static void comes(uint32_t client, const struct net_address *from, const char *name) {
    char text[128];
    named_opened(named, client, from, now_us);
    snprintf(text, sizeof text, "{\"type\":\"register\",\"from\":\"%s\"}", name);
    says(client, text);
}

static struct dialect_counts counts(void) {
    struct dialect_counts c = {0};
    named_read_counts(named, &c);
    return c;
}

static void messages_go_to_whom_they_name(void **state) {
    (void)state;
    comes(1, &here, "ann");
    comes(2, &there, "bob");
    named_opened(named, 3, NULL, now_us); // without a name
    stage_heard("");                      // nothing is confirmed
#define ERROR_TO(client, to, why) client "<{\"type\":\"error\"," to "\"payload\":{\"message\":\"" why "\"}}\n"
#define NOT_MINE "`from` is not the name that this connection has registered"
#define NO_TYPE "`type` is register, offer, answer or candidate"
#define NO_OBJECT "a message is a JSON object with type, from, to and payload"
    static const struct {
        uint32_t who;
        const char *said, *heard; // NULL: the other one hears it as it was said
    } rows[] = {
        {1,
         "{\"type\":\"offer\",\"from\":\"ann\",\"to\":\"bob\",\"payload\":{\"sdp\":\"v=0 \\u00e4\", "
         "\"n\":1e3}}",
         NULL},
        {1, "{\"type\":\"answer\",\"from\":\"ann\",\"to\":\"bob\"}", NULL},
        {1, "{\"type\":\"candidate\",\"from\":\"ann\",\"to\":\"bob\",\"payload\":null}", NULL},
        {1, "{\"type\":\"offer\",\"from\":\"bob\",\"to\":\"bob\"}",
         ERROR_TO("1", "\"to\":\"bob\",", NOT_MINE)},
        {1, "{\"type\":\"offer\",\"to\":\"bob\"}", ERROR_TO("1", "\"to\":\"bob\",", NOT_MINE)},
        {1, "{\"type\":\"offer\",\"from\":\"ann\",\"from\":\"bob\",\"to\":\"bob\"}",
         ERROR_TO("1", "", NO_OBJECT)},
        {3, "{\"type\":\"offer\",\"from\":\"\",\"to\":\"bob\"}", ERROR_TO("3", "\"to\":\"bob\",", NOT_MINE)},
        {1, "{\"type\":\"offer\",\"from\":\"ann\",\"to\":\"\"}",
         ERROR_TO("1", "", "`to` is a name of 1 to 64 bytes without control characters")},
        {3, "{\"type\":\"register\",\"from\":\"a\\nb\"}",
         ERROR_TO("3", "", "`from` is a name of 1 to 64 bytes without control characters")},
        {3, "{\"type\":\"register\"}",
         ERROR_TO("3", "", "`from` is a name of 1 to 64 bytes without control characters")},
        {1, "{\"type\":\"register\",\"from\":\"ann\"}", ""}, // once more
        {1, "{\"type\":\"register\",\"from\":\"eve\"}",
         ERROR_TO("1", "", "this connection has a name already")},
        {1, "{\"type\":\"register\",\"from\":\"bob\"}",
         ERROR_TO("1", "", "this connection has a name already")},
        {1, "{\"type\":\"hello\"}", ERROR_TO("1", "", NO_TYPE)},
        {1, "{}", ERROR_TO("1", "", NO_TYPE)},
        {1, "[1]", ERROR_TO("1", "", NO_OBJECT)},
        {1, "", ERROR_TO("1", "", NO_OBJECT)},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char heard[512];
        snprintf(heard, sizeof heard, "2<%s\n", rows[i].said);
        says(rows[i].who, rows[i].said);
        stage_heard(rows[i].heard ? rows[i].heard : heard);
    }
}

// Whatever the order in which it is sent, and whether before or behind the register.
static void what_is_for_nobody_waits_a_minute(void **state) {
    (void)state;
#define MESSAGE(type, n) "{\"type\":\"" type "\",\"from\":\"ann\",\"to\":\"bob\",\"payload\":" n "}"
    comes(1, &here, "ann");
    says(1, MESSAGE("candidate", "1"));
    says(1, MESSAGE("candidate", "2"));
    now_us += US_PER_SECOND;
    says(1, MESSAGE("offer", "3"));
    says(1, MESSAGE("candidate", "4"));
    assert_int_equal(counts().kept, 4);
    now_us = START_US + 60 * US_PER_SECOND - 1;
    named_advance(named, now_us);
    comes(2, &there, "bob");
    says(1, MESSAGE("candidate", "5"));
    stage_heard("2<" MESSAGE("offer", "3") "\n2<" MESSAGE("candidate", "1") "\n2<" MESSAGE(
        "candidate", "2") "\n2<" MESSAGE("candidate", "4") "\n2<" MESSAGE("candidate", "5") "\n");
    assert_int_equal(counts().kept + counts().kept_bytes, 0);
    named_closed(named, 2);

    uint64_t from_us = now_us;
    says(1, MESSAGE("offer", "6"));
    says(1, MESSAGE("candidate", "7"));
    assert_int_equal(named_next_us(named), from_us + 60 * US_PER_SECOND);
    now_us = from_us + 60 * US_PER_SECOND;
    named_advance(named, now_us);
    stage_heard("1<{\"type\":\"error\",\"to\":\"bob\",\"payload\":{\"message\":\"nobody came by that name "
                "within 60 seconds\"}}\n");
    assert_int_equal(counts().expired, 2);
    assert_int_equal(named_next_us(named), TIME_NEVER);
}

static void a_name_goes_to_a_newer_connection_of_the_same_address(void **state) {
    (void)state;
    static const char taken[] =
        "2<{\"type\":\"error\",\"payload\":{\"message\":\"somebody else has that name\"}}\n";
    comes(1, &here, "ann");
    comes(2, &there, "ann");
    stage_heard(taken);
    named_closed(named, 2);
    comes(2, NULL, "ann"); // behind a proxy that does not say whom it speaks for
    stage_heard(taken);
    comes(3, &here, "ann");
    stage_heard("1!1000 a newer connection has taken your name\n");
    named_closed(named, 1);
    comes(4, &here, "bob");
    says(4, "{\"type\":\"offer\",\"from\":\"bob\",\"to\":\"ann\"}");
    stage_heard("3<{\"type\":\"offer\",\"from\":\"bob\",\"to\":\"ann\"}\n");
    named_closed(named, 3);
    says(2, "{\"type\":\"register\",\"from\":\"ann\"}"); // free now
    stage_heard("");
}

static void everything_is_bounded(void **state) {
    (void)state;
    char text[64];
    for (uint32_t client = 1; client <= 4; client++) {
        snprintf(text, sizeof text, "p%u", client);
        comes(client, &here, text);
    }
    comes(5, &here, "p5");
    stage_heard(
        "5<{\"type\":\"error\",\"payload\":{\"message\":\"this server has as many clients as it takes "
        "(dialect-clients-max)\"}}\n5!1008 this server has as many clients as it takes "
        "(dialect-clients-max)\n");
    for (unsigned i = 0; i <= BROKER_WAITING_MAX; i++)
        says(1, "{\"type\":\"candidate\",\"from\":\"p1\",\"to\":\"x\"}");
    says(2, "{\"type\":\"offer\",\"from\":\"p2\",\"to\":\"x\"}");
    stage_heard("1<{\"type\":\"error\",\"to\":\"x\",\"payload\":{\"message\":\"too many messages wait for "
                "somebody who is not there\"}}\n"
                "2<{\"type\":\"error\",\"to\":\"x\",\"payload\":{\"message\":\"too many messages wait for "
                "somebody who is not there\"}}\n");
    for (unsigned i = 0; i < 2000; i++)
        says(2, "{\"type\":\"offer\",\"from\":\"p2\",\"to\":\"p2\"}");
    assert_non_null(strstr(stage.said, "2!1008 too many messages, or too long ones\n"));
    stage_forget();
    named_bad_frame(named, 3, true);
    named_bad_frame(named, 4, false);
    stage_heard("3!1003 messages are text\n4!1009 a message has at most 64 KiB\n");
    assert_int_equal(counts().named_clients, 1);
    assert_int_equal(counts().refused, 6);
}

static void names_have_up_to_64_bytes(void **state) {
    (void)state;
#define NAME_63 "012345678901234567890123456789012345678901234567890123456789012"
    comes(1, &here, NAME_63 "3");
    comes(2, &there, NAME_63 "4");
    comes(3, &there, NAME_63 "45");
    stage_heard(
        "3<{\"type\":\"error\",\"payload\":{\"message\":\"`from` is a name of 1 to 64 bytes without control "
        "characters\"}}\n");
    says(1, "{\"type\":\"offer\",\"from\":\"" NAME_63 "3\",\"to\":\"" NAME_63 "4\"}");
    stage_heard("2<{\"type\":\"offer\",\"from\":\"" NAME_63 "3\",\"to\":\"" NAME_63 "4\"}\n");
}

static void how_it_begins(void **state) {
    (void)state;
    static const struct {
        const char *text;
        bool begins;
    } rows[] = {
        {"{\"type\":\"register\",\"from\":\"ann\"}", true},
        {"{\"from\":\"ann\",\"to\":\"x\",\"payload\":{},\"type\":\"register\"}", true},
        {"{\"type\":\"join-room\",\"data\":{\"roomId\":\"register\"}}", false},
        {"{\"type\":\"register\"}", false},
        {"{\"type\":\"register\",\"from\":5}", false},
        {"register", false},
        {"", false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        assert_int_equal(named_begins(rows[i].text, strlen(rows[i].text)), rows[i].begins);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, begin, end)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(messages_go_to_whom_they_name),
        TEST(what_is_for_nobody_waits_a_minute),
        TEST(a_name_goes_to_a_newer_connection_of_the_same_address),
        TEST(everything_is_bounded),
        TEST(names_have_up_to_64_bytes),
        TEST(how_it_begins),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
