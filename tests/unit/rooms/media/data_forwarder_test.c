// Who gets a message, who waits for whom, and for how long. Peers are boxes with so much room.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"
#include "rooms/media/data_forwarder.h"

#include <string.h>

#define PEERS 5
#define START_US UINT64_C(1000000)

struct box { // a peer
    struct data_endpoint *endpoint;
    unsigned room; // messages that it still takes
    unsigned got;
    size_t bytes;
    uint32_t last_ppid;
    uint16_t last_stream;
    char last[8];
    unsigned closed_streams, released;
};

static struct data_forwarder *fw;
static struct box boxes[PEERS];
static uint64_t now_us;
static struct data_event events[128];
static unsigned event_count;

static enum err box_send(void *ctx, void *peer, const struct data_stream *stream,
                         const struct data_message *m) {
    struct box *box = peer;
    (void)ctx;
    if (box->room == 0)
        return ERR_AGAIN;
    box->room--;
    box->got++;
    box->bytes += m->bytes.len;
    box->last_ppid = m->ppid;
    box->last_stream = stream->id;
    size_t len = m->bytes.len < sizeof box->last - 1 ? m->bytes.len : sizeof box->last - 1;
    memcpy(box->last, m->bytes.ptr, len);
    box->last[len] = '\0';
    return ERR_OK;
}

static void box_close_stream(void *ctx, void *peer, uint16_t stream) {
    (void)ctx, (void)stream;
    ((struct box *)peer)->closed_streams++;
}

static void note_event(void *ctx, const struct data_event *event) {
    (void)ctx;
    if (event_count < sizeof events / sizeof events[0])
        events[event_count++] = *event;
}

static uint64_t box_waiting(void *ctx, const void *peer) {
    (void)ctx;
    return ((const struct box *)peer)->room;
}

static void box_release(void *ctx, void *peer) {
    (void)ctx;
    ((struct box *)peer)->released++;
}

static void open_all(uint64_t rate) {
    const struct data_forwarder_output output = {.send = box_send,
                                                 .close_stream = box_close_stream,
                                                 .waiting_bytes = box_waiting,
                                                 .event = note_event,
                                                 .release = box_release};
    memset(boxes, 0, sizeof boxes);
    event_count = 0;
    now_us = START_US;
    fw = data_forwarder_create(&output, rate);
    assert_non_null(fw);
    for (unsigned i = 0; i < PEERS; i++) {
        boxes[i].room = 1000000;
        boxes[i].endpoint = data_forwarder_open(fw, (struct transport_id){i + 1}, i + 1, &boxes[i], now_us);
        assert_non_null(boxes[i].endpoint);
    }
}

static int setup(void **state) {
    (void)state;
    open_all(0);
    return 0;
}

static int teardown(void **state) {
    (void)state;
    data_forwarder_destroy(fw);
    return 0;
}

static void command(unsigned peer, struct data_cmd cmd) {
    data_forwarder_command(fw, boxes[peer].endpoint, &cmd, now_us);
}

static void produce(unsigned peer, uint32_t id, uint16_t stream, uint32_t group, bool in_band) {
    command(peer, (struct data_cmd){.type = DATA_OPEN_PRODUCER,
                                    .producer = {id},
                                    .open = {.stream = {.id = stream}, .group = group, .in_band = in_band}});
}

static void consume(unsigned peer, uint32_t id, uint32_t producer, uint32_t group, enum data_reliability r) {
    command(peer, (struct data_cmd){
                      .type = DATA_OPEN_CONSUMER,
                      .producer = {producer},
                      .consumer = {id},
                      .open = {.stream = {.id = (uint16_t)(100 + id), .ordered = true, .reliability = r},
                               .group = group}});
}

static void say(unsigned peer, uint16_t stream, const char *text) {
    const struct data_message message = {51, span_of_text(text)};
    data_forwarder_message(fw, boxes[peer].endpoint, stream, &message, now_us);
}

static void pass(uint64_t us) {
    for (uint64_t end_us = now_us + us; now_us < end_us;) {
        now_us += 10000;
        data_forwarder_advance(fw, now_us);
    }
}

static void a_message_goes_to_those_who_consume_its_producer(void **state) {
    (void)state;
    produce(0, 1, 7, 0, false);
    produce(0, 2, 8, 0, false);
    consume(1, 1, 1, 0, DATA_RELIABLE);
    consume(2, 2, 1, 0, DATA_MAX_RETRANSMITS);
    consume(3, 3, 2, 0, DATA_RELIABLE);
    say(0, 7, "seven");
    assert_string_equal(boxes[1].last, "seven");
    assert_int_equal(boxes[1].last_stream, 101);
    assert_int_equal(boxes[1].last_ppid, 51);
    assert_string_equal(boxes[2].last, "seven");
    assert_int_equal(boxes[3].got + boxes[4].got + boxes[0].got, 0);
    say(0, 9, "nobody's stream");
    say(1, 7, "not its stream");
    assert_int_equal(boxes[1].got + boxes[2].got, 2);
    assert_int_equal(data_forwarder_counters(fw)->unwanted, 2);
}

static void a_group_is_everybody_but_the_sender(void **state) {
    (void)state;
    for (unsigned i = 0; i < 3; i++) {
        produce(i, 10 + i, 1, 77, false);
        consume(i, 20 + i, 0, 77, DATA_RELIABLE);
    }
    produce(3, 30, 1, 78, false); // another group
    consume(4, 31, 0, 78, DATA_RELIABLE);
    say(0, 1, "hello");
    assert_int_equal(boxes[0].got, 0);
    assert_int_equal(boxes[1].got, 1);
    assert_int_equal(boxes[2].got, 1);
    assert_int_equal(boxes[4].got, 0);
    say(3, 1, "other");
    assert_int_equal(boxes[4].got, 1);
    assert_int_equal(boxes[1].got, 1);
}

static void kinds_of_messages(void **state) {
    (void)state;
    static const uint32_t kinds[] = {51, 53, 56, 57}, others[] = {0, 50, 52, 54, 58, 0x33000000};
    produce(0, 1, 0, 0, false);
    consume(1, 1, 1, 0, DATA_RELIABLE);
    for (size_t i = 0; i < 4; i++) {
        const struct data_message message = {kinds[i], span_of("abc", 3)};
        data_forwarder_message(fw, boxes[0].endpoint, 0, &message, now_us);
        assert_int_equal(boxes[1].last_ppid, kinds[i]);
        assert_int_equal(boxes[1].bytes, i < 2 ? 3 * (i + 1) : 6 + i - 1); // an empty one is one byte
    }
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        const struct data_message message = {others[i], span_of("abc", 3)};
        data_forwarder_message(fw, boxes[0].endpoint, 0, &message, now_us);
    }
    assert_int_equal(boxes[1].got, 4);
}

static void who_has_no_room_holds_a_reliable_sender(void **state) {
    (void)state;
    produce(0, 1, 0, 0, false);
    consume(1, 1, 1, 0, DATA_RELIABLE);
    consume(2, 2, 1, 0, DATA_RELIABLE);
    boxes[1].room = 0;
    say(0, 0, "one");
    assert_true(data_endpoint_held(boxes[0].endpoint));
    assert_string_equal(boxes[2].last, "one"); // the others have it
    pass(900000);
    assert_true(data_endpoint_held(boxes[0].endpoint));
    boxes[1].room = 1;
    data_forwarder_writable(fw, boxes[1].endpoint, now_us);
    assert_string_equal(boxes[1].last, "one");
    assert_false(data_endpoint_held(boxes[0].endpoint));
    assert_int_equal(boxes[0].released, 1);
    assert_int_equal(boxes[2].got, 1);
    assert_int_equal(event_count, 0);
}

static void on_a_partly_reliable_channel_it_misses_it(void **state) {
    (void)state;
    produce(0, 1, 0, 0, false);
    consume(1, 1, 1, 0, DATA_MAX_RETRANSMITS);
    consume(2, 2, 1, 0, DATA_MAX_LIFETIME);
    boxes[1].room = boxes[2].room = 0;
    say(0, 0, "one");
    assert_false(data_endpoint_held(boxes[0].endpoint));
    assert_int_equal(data_forwarder_counters(fw)->missed, 2);
}

static void nobody_holds_others_for_long(void **state) {
    (void)state;
    produce(0, 1, 0, 0, false);
    consume(1, 1, 1, 0, DATA_RELIABLE);
    consume(2, 2, 1, 0, DATA_RELIABLE);
    pass(30 * US_PER_SECOND);
    boxes[1].room = 0;
    say(0, 0, "one");
    pass(DATA_HOLD_US - 100000);
    assert_int_equal(event_count, 0);
    pass(200000);
    assert_int_equal(event_count, 1);
    assert_int_equal(events[0].type, DATA_CONSUMER_CLOSED);
    assert_int_equal(events[0].consumer.v, 1);
    assert_int_equal(events[0].reason, DATA_REASON_TOO_SLOW);
    assert_false(data_endpoint_held(boxes[0].endpoint));
    assert_int_equal(boxes[1].closed_streams, 1);
    say(0, 0, "two");
    assert_string_equal(boxes[2].last, "two");
}

// One that takes a message every second and a half would halve what others get, for ever.
static void holding_again_and_again_counts_together(void **state) {
    (void)state;
    produce(0, 1, 0, 0, false);
    consume(1, 1, 1, 0, DATA_RELIABLE);
    pass(30 * US_PER_SECOND);
    unsigned messages = 0;
    for (; messages < 20 && event_count == 0; messages++) {
        boxes[1].room = 0;
        say(0, 0, "x");
        pass(1500000);
        boxes[1].room = 1;
        data_forwarder_writable(fw, boxes[1].endpoint, now_us);
    }
    assert_in_range(messages, 2, 3);
    // Seldom is fine: a tenth of the time comes back.
    pass(30 * US_PER_SECOND);
    consume(1, 2, 1, 0, DATA_RELIABLE);
    for (event_count = 0, messages = 0; messages < 10; messages++) {
        boxes[1].room = 0;
        say(0, 0, "x");
        pass(1000000);
        boxes[1].room = 1;
        data_forwarder_writable(fw, boxes[1].endpoint, now_us);
        pass(11000000);
    }
    assert_int_equal(event_count, 0);
}

// What an endpoint owes is not forgotten with the consumer that owed it, however that ended.
static void consuming_anew_pays_no_debt(void **state) {
    (void)state;
    const struct data_cmd close = {.type = DATA_CLOSE_CONSUMER, .consumer = {2}};
    produce(0, 1, 0, 0, false);
    pass(30 * US_PER_SECOND);
    consume(1, 1, 1, 0, DATA_RELIABLE);
    boxes[1].room = 0;
    say(0, 0, "one");
    pass(DATA_HOLD_US + 50000);
    assert_int_equal(event_count, 1);
    consume(1, 2, 1, 0, DATA_RELIABLE);
    say(0, 0, "two");
    data_forwarder_advance(fw, now_us); // at once
    assert_int_equal(event_count, 2);
    assert_false(data_endpoint_held(boxes[0].endpoint));
    // Nor by who closes it itself in time: in a minute no more than a tenth of it, and what was free.
    uint64_t held_us = 0;
    for (uint64_t end_us = now_us + 60 * US_PER_SECOND; now_us < end_us;) {
        consume(1, 2, 1, 0, DATA_RELIABLE);
        say(0, 0, "x");
        data_forwarder_advance(fw, now_us);
        for (unsigned i = 0; i < 20 && data_endpoint_held(boxes[0].endpoint); i++, held_us += 10000)
            pass(10000);
        command(1, close);
        pass(10000);
    }
    assert_in_range(held_us, 0, 6 * US_PER_SECOND + DATA_HOLD_US);
}

// Whoever is held for short times again and again does not put off the end of others' waiting.
static void many_short_holds_put_off_nothing(void **state) {
    (void)state;
    produce(0, 1, 0, 0, false);
    produce(2, 2, 0, 0, false);
    consume(1, 1, 1, 0, DATA_RELIABLE);
    consume(3, 2, 2, 0, DATA_RELIABLE);
    boxes[1].room = 0;
    say(0, 0, "x");
    for (unsigned i = 0; i < 600 && event_count == 0; i++) {
        boxes[3].room = 0;
        say(2, 0, "y");
        now_us += 1000;
        boxes[3].room = 1;
        data_forwarder_writable(fw, boxes[3].endpoint, now_us);
        now_us += 4000;
        data_forwarder_advance(fw, now_us);
    }
    assert_int_equal(event_count, 1);
    assert_int_equal(events[0].consumer.v, 1);
}

// Two consumers of one endpoint that wait at the same time owe that time once.
static void waiting_for_two_counts_once(void **state) {
    (void)state;
    produce(0, 1, 0, 0, false);
    produce(2, 2, 0, 0, false);
    pass(30 * US_PER_SECOND);
    consume(1, 1, 1, 0, DATA_RELIABLE);
    consume(1, 2, 2, 0, DATA_RELIABLE);
    boxes[1].room = 0;
    say(0, 0, "x");
    say(2, 0, "y");
    pass(DATA_HOLD_US - 100000);
    assert_int_equal(event_count, 0);
    pass(200000);
    assert_int_equal(event_count, 2);
}

// A transport made anew is no way round it: it has a second, and earns the rest.
static void a_new_endpoint_may_hold_for_a_second(void **state) {
    (void)state;
    produce(0, 1, 0, 0, false);
    consume(1, 1, 1, 0, DATA_RELIABLE);
    boxes[1].room = 0;
    say(0, 0, "x");
    pass(DATA_HOLD_FIRST_US - 50000);
    assert_int_equal(event_count, 0);
    pass(100000);
    assert_int_equal(event_count, 1);
    assert_int_equal(events[0].reason, DATA_REASON_TOO_SLOW);
}

static void who_is_paused_gets_nothing_and_holds_nobody(void **state) {
    (void)state;
    produce(0, 1, 0, 0, false);
    consume(1, 1, 1, 0, DATA_RELIABLE);
    boxes[1].room = 0;
    say(0, 0, "one");
    command(1, (struct data_cmd){.type = DATA_PAUSE_CONSUMER, .consumer = {1}, .pause = {.paused = true}});
    data_forwarder_writable(fw, boxes[1].endpoint, now_us);
    assert_false(data_endpoint_held(boxes[0].endpoint));
    boxes[1].room = 10;
    say(0, 0, "two");
    command(1, (struct data_cmd){.type = DATA_PAUSE_CONSUMER, .consumer = {1}, .pause = {.paused = false}});
    say(0, 0, "three");
    assert_string_equal(boxes[1].last, "three");
    assert_int_equal(boxes[1].got, 1);
}

// Bytes times receivers: four times as many may be asked, a quarter as often.
static void who_costs_more_than_its_share_is_held(void **state) {
    (void)state;
    static uint8_t bytes[10000];
    const struct data_message message = {53, span_of(bytes, sizeof bytes)};
    for (unsigned receivers = 1; receivers <= 4; receivers += 3) {
        teardown(NULL);
        open_all(100000);
        produce(0, 1, 0, 0, false);
        for (unsigned i = 1; i <= receivers; i++)
            consume(i, i, 1, 0, DATA_RELIABLE);
        unsigned sent = 0;
        for (uint64_t end_us = now_us + 10000000; now_us < end_us; pass(10000))
            for (; !data_endpoint_held(boxes[0].endpoint); sent++)
                data_forwarder_message(fw, boxes[0].endpoint, 0, &message, now_us);
        assert_in_range(sent, 115 / receivers, 125 / receivers); // 12 s' worth of 100 kB a second
    }
}

static void what_was_opened_in_band_ends_with_its_stream(void **state) {
    (void)state;
    produce(0, 1, 5, 0, true);
    produce(0, 2, 6, 0, false);
    consume(1, 1, 1, 0, DATA_RELIABLE);
    data_forwarder_stream_closed(fw, boxes[0].endpoint, 6, now_us); // its owner says so by signalling
    assert_int_equal(event_count, 0);
    data_forwarder_stream_closed(fw, boxes[0].endpoint, 5, now_us);
    assert_int_equal(event_count, 1);
    assert_int_equal(events[0].type, DATA_PRODUCER_CLOSED);
    assert_int_equal(events[0].producer.v, 1);
    assert_int_equal(data_forwarder_counters(fw)->consumers, 0);
    assert_int_equal(data_forwarder_counters(fw)->producers, 1);
}

static void an_association_that_ends_ends_all_on_it(void **state) {
    (void)state;
    produce(0, 1, 5, 9, true);
    consume(0, 2, 0, 9, DATA_RELIABLE);
    consume(1, 3, 1, 0, DATA_RELIABLE);
    data_forwarder_ended(fw, boxes[0].endpoint, now_us);
    assert_int_equal(event_count, 0); // the end of the association says it: there may be very many
    assert_int_equal(data_forwarder_counters(fw)->consumers + data_forwarder_counters(fw)->producers, 0);
    assert_int_equal(boxes[1].closed_streams, 1);
    // What was asked for before anybody heard of it.
    produce(0, 4, 6, 0, false);
    consume(0, 5, 0, 9, DATA_RELIABLE);
    assert_int_equal(data_forwarder_counters(fw)->consumers + data_forwarder_counters(fw)->producers, 0);
}

// Only so many are told at once; the rest comes next.
static void very_many_too_slow_at_once(void **state) {
    (void)state;
    produce(0, 1, 0, 0, false);
    for (uint32_t id = 1; id <= 100; id++)
        consume(1 + id % 4, id, 1, 0, DATA_RELIABLE);
    for (unsigned i = 1; i < PEERS; i++)
        boxes[i].room = 0;
    say(0, 0, "x");
    now_us += DATA_HOLD_US;
    for (unsigned told = 0; told < 100; told = event_count) {
        assert_true(data_forwarder_next_us(fw) <= now_us);
        data_forwarder_advance(fw, now_us);
        assert_in_range(event_count - told, 1, DATA_ENDS_PER_ADVANCE);
    }
    assert_false(data_endpoint_held(boxes[0].endpoint));
    assert_int_equal(data_forwarder_counters(fw)->consumers, 0);
}

static void a_message_that_is_too_big_ends_its_producer(void **state) {
    (void)state;
    produce(0, 1, 5, 0, false);
    data_forwarder_too_big(fw, boxes[0].endpoint, 4, now_us);
    assert_int_equal(event_count, 0);
    data_forwarder_too_big(fw, boxes[0].endpoint, 5, now_us);
    assert_int_equal(events[0].reason, DATA_REASON_TOO_BIG);
}

// Whoever goes while others wait for it, or it for others, leaves nothing behind.
static void ends_while_somebody_waits(void **state) {
    (void)state;
    for (unsigned who = 0; who < 3; who++) {
        teardown(NULL);
        open_all(0);
        for (unsigned i = 0; i < 3; i++) {
            produce(i, 10 + i, 1, 77, false);
            consume(i, 20 + i, 0, 77, DATA_RELIABLE);
        }
        boxes[1].room = boxes[2].room = 0;
        say(0, 1, "x");
        say(1, 1, "y"); // box 2 waits for two
        assert_true(data_endpoint_held(boxes[0].endpoint) && data_endpoint_held(boxes[1].endpoint));
        data_forwarder_close(fw, boxes[who].endpoint, now_us);
        boxes[1].room = boxes[2].room = 10;
        for (unsigned i = 0; i < 3; i++)
            if (i != who)
                data_forwarder_writable(fw, boxes[i].endpoint, now_us);
        pass(10000);
        for (unsigned i = 0; i < 2; i++)
            assert_true(i == who || !data_endpoint_held(boxes[i].endpoint));
    }
}

static void several_too_slow_at_once(void **state) {
    (void)state;
    for (unsigned i = 0; i < PEERS; i++) {
        produce(i, 10 + i, 1, 77, false);
        consume(i, 20 + i, 0, 77, DATA_RELIABLE);
        boxes[i].room = 0;
    }
    for (unsigned i = 0; i < PEERS; i++)
        say(i, 1, "x");
    pass(DATA_HOLD_US + 100000);
    assert_int_equal(data_forwarder_counters(fw)->consumers, 0);
    assert_int_equal(event_count, PEERS);
    for (unsigned i = 0; i < PEERS; i++)
        assert_false(data_endpoint_held(boxes[i].endpoint));
    assert_int_equal(data_forwarder_next_us(fw), TIME_NEVER);
}

static const struct data_stats *stats_of(uint32_t producer, uint32_t consumer) {
    command(0, (struct data_cmd){.type = DATA_GET_STATS,
                                 .producer = {producer},
                                 .consumer = {consumer},
                                 .stats = {.token = 9}});
    const struct data_event *event = &events[event_count - 1];
    assert_int_equal(event->type, DATA_STATS);
    assert_int_equal(event->stats.token, 9);
    return &event->stats;
}

static void each_counts_its_own(void **state) {
    (void)state;
    produce(0, 1, 7, 0, false);
    produce(0, 2, 8, 55, false);
    consume(1, 1, 1, 0, DATA_RELIABLE);
    consume(1, 2, 0, 55, DATA_RELIABLE);
    say(0, 7, "seven");
    say(0, 7, "more");
    say(0, 8, "eight!");
    assert_int_equal(stats_of(1, 0)->messages, 2);
    assert_int_equal(stats_of(1, 0)->bytes, 9);
    assert_int_equal(stats_of(2, 0)->bytes, 6);
    assert_int_equal(stats_of(0, 1)->messages, 2);
    assert_int_equal(stats_of(0, 2)->bytes, 6);
    assert_int_equal(stats_of(0, 2)->waiting_bytes, boxes[1].room);
    command(1, (struct data_cmd){.type = DATA_PAUSE_CONSUMER, .consumer = {1}, .pause = {.paused = true}});
    say(0, 7, "missed");
    assert_int_equal(stats_of(0, 1)->messages, 2);
    assert_int_equal(stats_of(1, 0)->messages, 3);
    assert_true(stats_of(0, 1)->found);
    assert_false(stats_of(77, 0)->found);
    assert_false(stats_of(0, 77)->found);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(each_counts_its_own),
        TEST(a_message_goes_to_those_who_consume_its_producer),
        TEST(a_group_is_everybody_but_the_sender),
        TEST(kinds_of_messages),
        TEST(who_has_no_room_holds_a_reliable_sender),
        TEST(on_a_partly_reliable_channel_it_misses_it),
        TEST(nobody_holds_others_for_long),
        TEST(holding_again_and_again_counts_together),
        TEST(consuming_anew_pays_no_debt),
        TEST(many_short_holds_put_off_nothing),
        TEST(waiting_for_two_counts_once),
        TEST(a_new_endpoint_may_hold_for_a_second),
        TEST(who_is_paused_gets_nothing_and_holds_nobody),
        TEST(who_costs_more_than_its_share_is_held),
        TEST(what_was_opened_in_band_ends_with_its_stream),
        TEST(an_association_that_ends_ends_all_on_it),
        TEST(very_many_too_slow_at_once),
        TEST(a_message_that_is_too_big_ends_its_producer),
        TEST(ends_while_somebody_waits),
        TEST(several_too_slow_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
