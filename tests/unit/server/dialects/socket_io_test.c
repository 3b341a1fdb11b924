// socket.io 4 by tables: requests and WebSockets in, packets out; and its times by hand.
#include "tests/unit/server/dialects/dialect_stage.h"

#include "server/dialects/socket_io.h"

#include <stdlib.h>

static struct dialect_limits limits;
static struct socket_io *sio;
static struct engine *engine;
static uint64_t now_us;
static unsigned admitted; // sessions that count for an address
static bool crowded;
static const struct net_address here = {{1}};

static bool on_admit(void *ctx, const struct net_address *address) {
    (void)ctx, (void)address;
    admitted += !crowded;
    return !crowded;
}

static void on_dismiss(void *ctx, const struct net_address *address) {
    (void)ctx, (void)address;
    assert_true(admitted > 0);
    admitted--;
}

// A request that waited is client 1000 and more here.
static void on_answer(void *ctx, uint32_t late, const char *text, size_t len) {
    stage_send(ctx, late, text, len);
}

static int begin(void **state) {
    (void)state;
    const struct engine_outside outside = {stage_io, on_admit, on_dismiss, on_answer};
    limits = (struct dialect_limits){
        .clients_max = 20, .messages_per_second_max = 100, .relay_rate_max = 1024 * 1024};
    now_us = START_US;
    admitted = 0;
    crowded = false;
    stage_forget();
    sio = socket_io_create(&limits, &outside, now_us);
    engine = sio ? socket_io_engine(sio) : NULL;
    return sio ? 0 : -1;
}

static int end(void **state) {
    (void)state;
    socket_io_destroy(sio);
    return 0;
}

static struct dialect_counts counts(void) {
    struct dialect_counts c = {0};
    socket_io_read_counts(sio, &c);
    return c;
}

static void passes(uint64_t us) {
    now_us += us;
    socket_io_advance(sio, now_us);
}

// ---- requests

static struct engine_answer answer;
static char got[4096]; // the body of the last answer

static unsigned asks(bool posts, const char *query, const char *body, uint32_t late) {
    const struct engine_request request = {posts, span_of_text(query), span_of_text(body), &here, late};
    engine_handle(engine, &request, &answer, now_us);
    snprintf(got, sizeof got, "%.*s", (int)answer.len, answer.body ? answer.body : "");
    free(answer.body);
    return answer.later ? 0 : answer.status;
}

static char sid[64], query[160];

// A polling session, connected; `query` is its own.
static void polls(void) {
    assert_int_equal(asks(false, "EIO=4&transport=polling&t=x", "", 1000), 200);
    assert_int_equal(sscanf(got, "0{\"sid\":\"%20[a-z0-9]", sid), 1);
    snprintf(query, sizeof query, "EIO=4&transport=polling&sid=%s", sid);
    assert_int_equal(asks(true, query, "40", 0), 200);
    assert_string_equal(got, "ok");
    assert_int_equal(asks(false, query, "", 1000), 200);
    assert_int_equal(strncmp(got, "40{\"sid\":\"", 10), 0);
    assert_non_null(strstr(got, "\"}\x1e"
                                "42[\"connectionSuccess\"]"));
}

static void ws_opens(uint32_t client, const char *with) {
    engine_ws_opened(engine, client, span_of_text(with), now_us);
}

static void ws_says(uint32_t client, const char *text) {
    engine_ws_message(engine, client, text, strlen(text), now_us);
}

// A WebSocket client, connected and in the room.
static void comes(uint32_t client, const char *room) {
    char text[128];
    ws_opens(client, "EIO=4&transport=websocket");
    ws_says(client, "40");
    snprintf(text, sizeof text, "42[\"joinRoom\",\"%s\"]", room);
    ws_says(client, text);
    stage_forget();
}

static void requests_that_are_none(void **state) {
    (void)state;
    static const struct {
        bool posts;
        const char *query;
        unsigned status;
        const char *body;
    } rows[] = {
        {false, "", 400, "{\"code\":0,\"message\":\"Transport unknown\"}"},
        {false, "EIO=4&transport=carrier-pigeon", 400, "{\"code\":0,\"message\":\"Transport unknown\"}"},
        {false, "EIO=3&transport=polling", 400, "{\"code\":5,\"message\":\"Unsupported protocol version\"}"},
        {false, "transport=polling", 400, "{\"code\":5,\"message\":\"Unsupported protocol version\"}"},
        {false, "EIO=4&transport=websocket", 400, "{\"code\":3,\"message\":\"Bad request\"}"},
        {false, "EIO=4&transport=polling&j=0", 400, "{\"code\":3,\"message\":\"Bad request\"}"},
        {true, "EIO=4&transport=polling", 400, "{\"code\":2,\"message\":\"Bad handshake method\"}"},
        {false, "EIO=4&transport=polling&sid=", 400, "{\"code\":1,\"message\":\"Session ID unknown\"}"},
        {false, "EIO=4&transport=polling&sid=aaaaaaaaaaaaaaaaaaaa", 400,
         "{\"code\":1,\"message\":\"Session ID unknown\"}"},
        {true, "EIO=4&transport=polling&sid=..%2f..%2fetc%2fpasswd", 400,
         "{\"code\":1,\"message\":\"Session ID unknown\"}"},
        {true, "EIO=4&transport=polling&sid=%00", 400, "{\"code\":1,\"message\":\"Session ID unknown\"}"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_int_equal(asks(rows[i].posts, rows[i].query, "40", 1000), rows[i].status);
        assert_string_equal(got, rows[i].body);
    }
    assert_int_equal(counts().socket_io_clients, 0);
    crowded = true;
    assert_int_equal(asks(false, "EIO=4&transport=polling", "", 1000), 429);
    crowded = false;
    assert_int_equal(counts().refused, sizeof rows / sizeof rows[0] + 1);
    static const char *const sockets[] = {"", "EIO=3&transport=websocket", "EIO=4&transport=polling",
                                          "EIO=4&transport=websocket&sid=aaaaaaaaaaaaaaaaaaaa"};
    for (uint32_t i = 0; i < 4; i++)
        ws_opens(1 + i, sockets[i]);
    stage_heard("1!1008 this is Engine.IO 4: EIO=4&transport=websocket\n"
                "2!1008 this is Engine.IO 4: EIO=4&transport=websocket\n"
                "3!1008 this is Engine.IO 4: EIO=4&transport=websocket\n4!1008 Session ID unknown\n");
}

static void polling_from_its_beginning_to_its_end(void **state) {
    (void)state;
    polls();
    assert_int_equal(counts().socket_io_clients, 1);
    assert_int_equal(admitted, 1);
    assert_int_equal(asks(false, query, "", 1001), 0); // nothing is there: it waits
    assert_int_equal(counts().socket_io_polls, 1);
    assert_int_equal(asks(true, query,
                          "420[\"joinRoom\",\"r\"]\x1e"
                          "42[\"callRemote\",\"r\"]",
                          0),
                     200);
    stage_heard("1001<430[]\n"); // the first goes at once, the rest waits for the next request
    assert_int_equal(asks(false, query, "", 1002), 200);
    assert_string_equal(got, "42[\"callRemote\",\"r\"]");
    assert_int_equal(asks(false, query, "", 1003), 0);
    passes(25 * US_PER_SECOND);
    stage_heard("1003<2\n");
    assert_int_equal(asks(true, query, "3", 0), 200);
    assert_int_equal(asks(false, query, "", 1004), 0);
    engine_late_closed(engine, 1004); // it went away
    assert_int_equal(asks(false, query, "", 1005), 0);
    assert_int_equal(asks(true, query, "1", 0), 200);
    stage_heard("1005<6\n");
    assert_int_equal(counts().socket_io_clients + counts().socket_io_polls, 0);
    assert_int_equal(admitted, 0);
    assert_int_equal(asks(false, query, "", 1006), 400);

    polls();
    assert_int_equal(asks(false, query, "", 1007), 0);
    passes(25 * US_PER_SECOND);
    assert_int_equal(asks(false, query, "", 1008), 0);
    passes(20 * US_PER_SECOND); // no answer to the ping
    stage_heard("1007<2\n1008<1\n");
    assert_int_equal(counts().socket_io_clients, 0);
}

static void what_ends_a_polling_session(void **state) {
    (void)state;
    static const char *const bodies[] = {"",
                                         "bAQID",
                                         "40\x1e"
                                         "bAQID",
                                         "2",
                                         "5",
                                         "x",
                                         "\x1e",
                                         "45",
                                         "451-[{}]",
                                         "46",
                                         "42",
                                         "42{}",
                                         "42[{\"toString\":\"foo\"}]",
                                         "42[]",
                                         "4"};
    for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++) {
        polls();
        unsigned status = asks(true, query, bodies[i], 0);
        assert_true(status == 200 || status == 400);
        if (counts().socket_io_clients != 0)
            fail_msg("a body %s leaves it there", bodies[i]);
        assert_int_equal(asks(false, query, "", 1000), 400);
    }
    comes(7, "r"); // who hears nothing of what stands before a packet that is not taken
    polls();
    asks(true, query, "42[\"joinRoom\",\"r\"]", 0);
    assert_int_equal(asks(true, query,
                          "42[\"callRemote\",\"r\"]\x1e"
                          "bAQID",
                          0),
                     400);
    stage_heard("");
    engine_ws_closed(engine, 7);
    polls();
    assert_int_equal(asks(false, query, "", 1000), 0);
    assert_int_equal(asks(false, query, "", 1001), 400); // two at once
    stage_heard("1000<1\n");
    polls();
    static char much[20000];
    memset(much, '7', sizeof much - 1);
    static char body[21000];
    snprintf(body, sizeof body, "42[\"callRemote\",\"r\",\"%s\"]", much);
    asks(true, query, "42[\"joinRoom\",\"r\"]", 0);
    for (unsigned i = 0; i < 15; i++) // it fetches nothing
        asks(true, query, body, 0);
    assert_int_equal(counts().socket_io_clients, 1);
    passes(0);
    assert_int_equal(counts().socket_io_clients, 0);
    assert_int_equal(admitted, 0);
}

static void a_websocket_takes_a_session_over(void **state) {
    (void)state;
    char with[160];
    polls();
    snprintf(with, sizeof with, "EIO=4&transport=websocket&sid=%s", sid);
    assert_int_equal(asks(false, query, "", 1000), 0);
    ws_opens(5, with);
    ws_opens(6, with); // one alone
    ws_says(5, "2probe");
    stage_heard("6!1008 that session has a WebSocket already\n5<3probe\n1000<6\n");
    assert_int_equal(asks(false, query, "", 1001), 200); // the answer was there before the client knew
    assert_string_equal(got, "6");
    asks(true, query,
         "42[\"joinRoom\",\"r\"]\x1e"
         "42[\"callRemote\",\"r\"]\x1e"
         "42[\"hangUp\",\"r\"]",
         0);
    ws_says(5, "5");
    stage_heard("5<42[\"callRemote\",\"r\"]\n5<42[\"hangUp\",\"r\"]\n");
    assert_int_equal(admitted, 0); // its connection counts now
    assert_int_equal(asks(false, query, "", 1002), 400);
    ws_opens(7, with); // who has seen its sid, once it is taken over
    ws_says(7, "2probe");
    ws_says(7, "5");
    stage_heard("7!1008 that session has a WebSocket already\n");
    ws_says(5, "42[\"callRemote\",\"r\"]");
    stage_heard("5<42[\"callRemote\",\"r\"]\n");
    engine_ws_closed(engine, 5);
    assert_int_equal(counts().socket_io_clients, 0);

    static const char *const wrong[] = {"5", "2", "probe", "40", ""};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) { // the session polls on
        polls();
        snprintf(with, sizeof with, "EIO=4&transport=websocket&sid=%s", sid);
        ws_opens(5, with);
        ws_says(5, wrong[i]);
        stage_heard("5!1008 a WebSocket that takes a session over says 2probe, then 5\n");
        engine_ws_closed(engine, 5);
        assert_int_equal(asks(false, query, "", 1000), 0);
        ws_opens(5, with);
        engine_ws_closed(engine, 5);
        ws_opens(5, with);
        ws_says(5, "2probe");
        stage_heard("5<3probe\n1000<6\n");
        passes(10 * US_PER_SECOND);
        stage_heard("5!1008 the session was not taken over in time\n");
        assert_int_equal(asks(true, query, "1", 0), 200);
    }
}

// A WebSocket that was to take the session over goes, breaks the rules, or outlives the session.
static void a_websocket_that_does_not_take_over(void **state) {
    (void)state;
    char with[160];
    polls();
    snprintf(with, sizeof with, "EIO=4&transport=websocket&sid=%s", sid);
    ws_opens(5, with);
    engine_ws_closed(engine, 5);
    passes(10 * US_PER_SECOND);
    stage_heard(""); // no timer is left of it
    uint64_t before = counts().refused;
    ws_opens(5, with);
    engine_ws_bad_frame(engine, 5, true);
    stage_heard("5!1008 that is no packet of Engine.IO 4 that this server takes\n");
    assert_int_equal(counts().refused, before + 1);
    engine_ws_closed(engine, 5);
    ws_opens(6, with);
    ws_says(6, "x");
    assert_int_equal(counts().refused, before + 2);
    engine_ws_closed(engine, 6);
    stage_forget();
    ws_opens(7, with);
    assert_int_equal(asks(true, query, "1", 0), 200);
    stage_heard("7!1000 \n");
    assert_int_equal(counts().socket_io_clients, 0);
    passes(10 * US_PER_SECOND);
    stage_heard("");
}

static void a_websocket_from_the_beginning(void **state) {
    (void)state;
    ws_opens(1, "EIO=4&transport=websocket");
    assert_int_equal(strncmp(stage.said, "1<0{\"sid\":\"", 11), 0);
    assert_non_null(strstr(stage.said, "\"upgrades\":[],\"pingInterval\":25000,\"pingTimeout\":20000,"));
    stage_forget();
    ws_says(1, "42[\"joinRoom\",\"r\"]"); // before CONNECT
    stage_heard("1!1008 an event comes behind CONNECT, to the namespace /\n");
    engine_ws_closed(engine, 1);
    ws_opens(1, "EIO=4&transport=websocket");
    stage_forget();
    ws_says(1, "40/admin,{\"token\":\"x\"}");
    stage_heard("1<44/admin,{\"message\":\"Invalid namespace\"}\n");
    ws_says(1, "40{\"token\":\"x\"}");
    ws_says(1, "41");
    ws_says(1, "40/,");
    stage_forget();
    ws_says(1, "42/admin,[\"joinRoom\",\"r\"]");
    stage_heard("1!1008 an event comes behind CONNECT, to the namespace /\n");
    engine_ws_closed(engine, 1);
    comes(1, "r");
    ws_says(1, "40");
    stage_heard("1!1008 this session has already sent CONNECT\n");
    engine_ws_closed(engine, 1);
    ws_opens(1, "EIO=4&transport=websocket");
    stage_forget();
    passes(25 * US_PER_SECOND);
    ws_says(1, "3");
    passes(20 * US_PER_SECOND);
    stage_heard("1<2\n1!1008 no CONNECT came\n");
    ws_opens(2, "EIO=4&transport=websocket");
    engine_ws_bad_frame(engine, 2, true);
    engine_ws_bad_frame(engine, 2, true);
    assert_non_null(strstr(stage.said, "2!1003 messages are text\n"));
    assert_int_equal(counts().socket_io_clients, 0);
}

static void events_go_to_everybody_in_the_room(void **state) {
    (void)state;
    comes(1, "r");
    comes(2, "r");
    comes(3, "s");
#define NOT_IN(event)                                                                                        \
    "1<42[\"error\",{\"event\":\"" event                                                                     \
    "\",\"message\":\"you are not in that room: joinRoom comes first\"}]\n"
    static const struct {
        const char *said, *heard; // NULL: 1 and 2 hear it as it was said
    } rows[] = {
        {"42[\"callRemote\",\"r\"]", NULL},
        {"42[\"acceptCall\",{\"roomId\":\"r\",\"who\":1}]", NULL},
        {"42[\"hangUp\",\"r\"]", NULL},
        {"42[\"sendOffer\",{\"offer\":{\"sdp\":\"v=0\"},\"roomId\":\"r\"}]",
         "1<42[\"sendOffer\",{\"sdp\":\"v=0\"}]\n2<42[\"sendOffer\",{\"sdp\":\"v=0\"}]\n"},
        {"42[\"sendAnswer\",{\"answer\":7,\"room\":\"r\"}]",
         "1<42[\"sendAnswer\",7]\n2<42[\"sendAnswer\",7]\n"},
        {"42[\"sendCandidate\",{\"candidate\":{\"c\":1e30},\"roomId\":\"r\"}]",
         "1<42[\"sendCandidate\",{\"c\":1e30}]\n2<42[\"sendCandidate\",{\"c\":1e30}]\n"},
        {"42[\"sendCandidate\",{\"ice\":1,\"roomId\":\"r\"}]",
         "1<42[\"sendCandidate\",{\"ice\":1,\"roomId\":\"r\"}]\n2<42[\"sendCandidate\",{\"ice\":1,\"roomId\":"
         "\"r\"}]\n"},
        {"42[\"sendOffer\",\"r\",{\"sdp\":1}]",
         "1<42[\"sendOffer\",{\"sdp\":1}]\n2<42[\"sendOffer\",{\"sdp\":1}]\n"},
        {"4217[\"hangUp\",\"r\"]", "1<42[\"hangUp\",\"r\"]\n2<42[\"hangUp\",\"r\"]\n1<4317[]\n"},
        {"42[\"hangUp\",\"s\"]", NOT_IN("hangUp")},
        {"42[\"hangUp\"]", NOT_IN("hangUp")},
        {"42[\"sendOffer\",null]", NOT_IN("sendOffer")},
        {"420[\"hangUp\",\"nowhere\"]",
         NOT_IN("hangUp") "1<430[{\"error\":\"you are not in that room: joinRoom comes first\"}]\n"},
        {"42[\"joinRoom\"]",
         "1<42[\"error\",{\"event\":\"joinRoom\",\"message\":\"joinRoom has a room of 1 to "
         "64 bytes without control characters\"}]\n"},
        {"42[\"joinRoom\",\"\"]",
         "1<42[\"error\",{\"event\":\"joinRoom\",\"message\":\"joinRoom has a room of 1 "
         "to 64 bytes without control characters\"}]\n"},
        {"42[\"joinRoom\",5]", ""},
        {"42[\"hangUp\",\"5\"]", "1<42[\"hangUp\",\"5\"]\n"}, // a number is a name
        {"42[\"joinRoom\",\"r\"]", ""},
        {"42[\"other\",\"r\"]",
         "1<42[\"error\",{\"message\":\"this server knows joinRoom, callRemote, acceptCall, "
         "sendOffer, sendAnswer, sendCandidate, hangUp\"}]\n"},
        {"430[\"no\"]", ""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char heard[512];
        snprintf(heard, sizeof heard, "1<%s\n2<%s\n", rows[i].said, rows[i].said);
        ws_says(1, rows[i].said);
        stage_heard(rows[i].heard ? rows[i].heard : heard);
    }
    assert_int_equal(counts().relayed, 9 * 2 + 1);
    uint64_t refused = counts().refused;
    ws_says(1, "40/admin");
    assert_int_equal(counts().refused, refused + 1);
    stage_forget();
    ws_says(2, "41"); // is in no room any more
    ws_says(1, "42[\"hangUp\",\"r\"]");
    stage_heard("1<42[\"hangUp\",\"r\"]\n");
    engine_ws_closed(engine, 1);
    comes(4, "r");
    ws_says(4, "42[\"hangUp\",\"r\"]");
    stage_heard("4<42[\"hangUp\",\"r\"]\n");
}

static void everything_is_bounded(void **state) {
    (void)state;
    char text[64];
    for (uint32_t client = 1; client <= 20; client++)
        comes(client, client <= SOCKET_IO_ROOM_MAX ? "full" : "other");
    ws_opens(21, "EIO=4&transport=websocket");
    stage_heard("21!1008 this server has as many clients as it takes\n");
    ws_says(20, "42[\"joinRoom\",\"full\"]");
    stage_heard(
        "20<42[\"error\",{\"event\":\"joinRoom\",\"message\":\"the room has as many clients as it takes "
        "(16)\"}]\n");
    for (unsigned i = 0; i < SOCKET_IO_ROOMS_MAX; i++) {
        snprintf(text, sizeof text, "42[\"joinRoom\",\"own%u\"]", i);
        ws_says(20, text);
    }
    stage_heard(
        "20<42[\"error\",{\"event\":\"joinRoom\",\"message\":\"you are in as many rooms as one may be "
        "(8)\"}]\n");
    ws_says(20, "429999999999999999[\"joinRoom\",\"x\"]");
    stage_heard("20!1008 the number of an ACK is too long\n");
    static char big[50100];
    snprintf(big, sizeof big, "42[\"callRemote\",\"full\",\"%050000d\"]", 0);
    for (unsigned i = 0; i < 20 && !strstr(stage.said, "!"); i++) {
        stage_forget();
        ws_says(1, big); // 800 kB with all who hear it
    }
    stage_heard("1!1008 too many messages, or too long ones\n");
    for (unsigned i = 0; i < 2000; i++)
        ws_says(2, "3");
    stage_heard("2!1008 too many messages, or too long ones\n");
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, begin, end)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(requests_that_are_none),
        TEST(polling_from_its_beginning_to_its_end),
        TEST(what_ends_a_polling_session),
        TEST(a_websocket_takes_a_session_over),
        TEST(a_websocket_that_does_not_take_over),
        TEST(a_websocket_from_the_beginning),
        TEST(events_go_to_everybody_in_the_room),
        TEST(everything_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
