// Two associations back to back on a virtual clock, without a socket.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "tests/unit/transport/sctp_link.h"

static struct sctp_link sctp;
static const struct data_stream reliable = {.id = 3, .ordered = true};

static int open_link(void **state) {
    (void)state;
    memset(&sctp, 0, sizeof sctp);
    sctp.now_us = 1000000;
    if (sctp_library_start() != ERR_OK)
        return 0; // the failing allocator's doing: each test looks
    static struct sctp_packet packets[2][LINK_PACKETS];
    if (!end_open(&sctp.a, 1024, packets[0]) || !end_open(&sctp.b, 1024, packets[1])) {
        fail_msg("no association");
    }
    link_connect(&sctp);
    return 0;
}

static int close_link(void **state) {
    (void)state;
    end_close(&sctp.a);
    end_close(&sctp.b);
    sctp_library_stop();
    return 0;
}

static void both_ask_and_are_connected_once(void **state) {
    (void)state;
    assert_int_equal(association_state(sctp.a.association), DATA_STATE_CONNECTED);
    assert_int_equal(association_state(sctp.b.association), DATA_STATE_CONNECTED);
}

static uint8_t pattern(size_t i, unsigned seed) {
    return (uint8_t)(i * 31 + i / 251 + seed);
}

static const uint8_t *patterned(size_t len, unsigned seed) {
    static uint8_t bytes[DATA_MESSAGE_MAX];
    for (size_t i = 0; i < len; i++)
        bytes[i] = pattern(i, seed);
    return bytes;
}

static void expect_message(struct sctp_end *end, const struct data_stream *stream, uint32_t ppid, size_t len,
                           unsigned seed) {
    struct association_message got = {0};
    for (int i = 0; i < 3000 && end_next(end, &got) != ASSOCIATION_MESSAGE; i++)
        link_step(&sctp, 10000);
    assert_int_equal(got.bytes.len, len);
    assert_int_equal(got.stream, stream->id);
    assert_int_equal(got.ppid, ppid);
    assert_memory_equal(got.bytes.ptr, patterned(len, seed), len);
}

static void messages_of_every_size_arrive_whole_both_ways(void **state) {
    (void)state;
    static const size_t sizes[] = {
        1, 2, 1100, 1200, 65535, 65536, 200000, DATA_MESSAGE_MAX - 1, DATA_MESSAGE_MAX};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        struct sctp_end *from = i % 2 ? &sctp.a : &sctp.b, *to = i % 2 ? &sctp.b : &sctp.a;
        uint32_t ppid = i % 2 ? DATA_PPID_STRING : DATA_PPID_BINARY;
        assert_int_equal(association_send(from->association, &reliable, ppid,
                                          span_of(patterned(sizes[i], (unsigned)i), sizes[i])),
                         ERR_OK);
        expect_message(to, &reliable, ppid, sizes[i], (unsigned)i);
    }
}

static void no_packet_is_longer_than_told(void **state) {
    (void)state;
    assert_int_equal(association_send(sctp.a.association, &reliable, DATA_PPID_BINARY,
                                      span_of(patterned(20000, 0), 20000)),
                     ERR_OK);
    unsigned longest = 0;
    for (unsigned i = 0; i < sctp.a.out_count; i++)
        longest = sctp.a.out[i].len > longest ? sctp.a.out[i].len : longest;
    assert_in_range(longest, ASSOCIATION_PACKET_MAX - 40, ASSOCIATION_PACKET_MAX);
}

static void what_is_lost_comes_again_in_order(void **state) {
    (void)state;
    sctp.lose_every = 7;
    for (unsigned i = 0; i < 40; i++)
        assert_int_equal(association_send(sctp.a.association, &reliable, DATA_PPID_STRING,
                                          span_of(patterned(2000, i), 2000)),
                         ERR_OK);
    for (unsigned i = 0; i < 40; i++)
        expect_message(&sctp.b, &reliable, DATA_PPID_STRING, 2000, i);
}

static void without_retransmissions_what_is_lost_is_gone(void **state) {
    (void)state;
    const struct data_stream partly = {
        .id = 4, .ordered = true, .reliability = DATA_MAX_RETRANSMITS, .limit = 0};
    sctp.lose_every = 5;
    unsigned came = 0;
    struct association_message got;
    for (unsigned i = 0; i < 50; i++) {
        if (association_send(sctp.a.association, &partly, DATA_PPID_BINARY,
                             span_of(patterned(900, i), 900)) == ERR_OK)
            link_step(&sctp, 10000);
        while (end_next(&sctp.b, &got) == ASSOCIATION_MESSAGE)
            came++;
    }
    for (int i = 0; i < 500; i++) {
        link_step(&sctp, 10000);
        while (end_next(&sctp.b, &got) == ASSOCIATION_MESSAGE)
            came++;
    }
    assert_in_range(came, 20, 49);
}

// Who does not take what comes stops the sender, whose queue is bounded.
static void a_receiver_that_takes_nothing_holds_the_sender(void **state) {
    (void)state;
    unsigned sent = 0, came = 0;
    for (; sent < 1000; sent++) {
        enum err err = association_send(sctp.a.association, &reliable, DATA_PPID_BINARY,
                                        span_of(patterned(16384, sent), 16384));
        if (err != ERR_OK) {
            assert_int_equal(err, ERR_AGAIN);
            break;
        }
        link_step(&sctp, 10000);
    }
    assert_in_range(sent * 16384, ASSOCIATION_SEND_BYTES / 2,
                    ASSOCIATION_SEND_BYTES + ASSOCIATION_RECEIVE_BYTES + 2 * 16384);
    struct association_message got;
    for (int i = 0; i < 1000 && came < sent; i++) {
        while (end_next(&sctp.b, &got) == ASSOCIATION_MESSAGE) {
            assert_memory_equal(got.bytes.ptr, patterned(16384, came), 16384);
            came++;
        }
        link_step(&sctp, 10000);
    }
    assert_int_equal(came, sent);
    assert_true(sctp.a.woken); // there is room again
    assert_int_equal(association_send(sctp.a.association, &reliable, DATA_PPID_BINARY, span_of("x", 1)),
                     ERR_OK);
}

// Each takes more memory than its byte.
static void very_many_short_messages_are_bounded_too(void **state) {
    (void)state;
    unsigned sent = 0;
    while (sent < 100000 &&
           association_send(sctp.a.association, &reliable, DATA_PPID_BINARY, span_of("x", 1)) == ERR_OK)
        sent++;
    assert_in_range(sent, ASSOCIATION_SEND_MESSAGES, ASSOCIATION_SEND_MESSAGES + 1);
    for (int i = 0; i < 100; i++) {
        struct association_message got;
        link_step(&sctp, 10000);
        while (end_next(&sctp.b, &got) == ASSOCIATION_MESSAGE)
            ;
    }
    assert_int_equal(association_send(sctp.a.association, &reliable, DATA_PPID_BINARY, span_of("x", 1)),
                     ERR_OK);
}

// And so are those that come and that nobody takes.
static void short_messages_that_nobody_takes_are_bounded(void **state) {
    (void)state;
    unsigned sent = 0;
    for (int i = 0; i < 300; i++) {
        while (association_send(sctp.a.association, &reliable, DATA_PPID_BINARY, span_of("x", 1)) == ERR_OK)
            sent++;
        link_step(&sctp, 10000);
    }
    assert_in_range(sent, ASSOCIATION_SEND_MESSAGES, 2 * ASSOCIATION_SEND_MESSAGES + 100);
    struct association_message got;
    unsigned came = 0;
    for (int i = 0; i < 3000 && came < sent; i++) {
        while (end_next(&sctp.b, &got) == ASSOCIATION_MESSAGE)
            came++;
        link_step(&sctp, 10000);
    }
    assert_int_equal(came, sent);
}

static void a_channel_closes_both_ways_and_can_be_used_again(void **state) {
    (void)state;
    struct association_message got = {0};
    association_reset_stream(sctp.a.association, reliable.id);
    association_reset_stream(sctp.a.association, 9);
    association_reset_stream(sctp.a.association, 5000); // there is no such stream
    bool seen_a[16] = {false}, seen_b[16] = {false};
    for (int i = 0; i < 300; i++) {
        link_step(&sctp, 10000);
        for (enum association_got g; (g = end_next(&sctp.b, &got)) != ASSOCIATION_NOTHING;)
            if (g == ASSOCIATION_RESET)
                seen_b[got.stream % 16] = true;
        for (enum association_got g; (g = end_next(&sctp.a, &got)) != ASSOCIATION_NOTHING;)
            if (g == ASSOCIATION_RESET)
                seen_a[got.stream % 16] = true;
    }
    assert_true(seen_b[reliable.id] && seen_b[9] && seen_a[reliable.id] && seen_a[9]);
    assert_int_equal(
        association_send(sctp.b.association, &reliable, DATA_PPID_STRING, span_of(patterned(10, 1), 10)),
        ERR_OK);
    expect_message(&sctp.a, &reliable, DATA_PPID_STRING, 10, 1);
}

// Of the packets on their way: how many streams each request to reset outgoing ones names (RFC 6525, 4.1).
static unsigned note_requests(const struct sctp_end *end, unsigned *streams, unsigned count, unsigned most) {
    for (unsigned i = 0; i < end->out_count; i++) {
        const uint8_t *p = end->out[i].bytes;
        for (size_t at = 12, len; at + 24 <= end->out[i].len && count < most; at += (len + 3) / 4 * 4) {
            len = load_be16(p + at + 2);
            if (p[at] == 130 && load_be16(p + at + 4) == 13)
                streams[count++] = (load_be16(p + at + 6) - 16U) / 2;
        }
    }
    return count;
}

// Lets both read and time pass; the requests to reset that were on their way.
static unsigned run_and_count_requests(unsigned steps) {
    struct association_message got = {0};
    unsigned streams[4], requests = 0;
    for (unsigned i = 0; i < steps; i++) {
        while (end_next(&sctp.a, &got) != ASSOCIATION_NOTHING ||
               end_next(&sctp.b, &got) != ASSOCIATION_NOTHING)
            ;
        requests += note_requests(&sctp.a, streams, 0, 4) + note_requests(&sctp.b, streams, 0, 4);
        (void)link_carry(&sctp, &sctp.a, &sctp.b);
        (void)link_carry(&sctp, &sctp.b, &sctp.a);
        sctp_library_advance(sctp.now_us += 10000);
    }
    return requests;
}

// Two ends of our kind: one closes, the other answers, and that is all; whoever closes, and however often.
static void a_reset_is_answered_once(void **state) {
    (void)state;
    (void)run_and_count_requests(20);
    association_reset_stream(sctp.a.association, 5);
    assert_int_equal(run_and_count_requests(300), 2);
    association_reset_stream(sctp.a.association, 5); // it is closed
    assert_int_equal(run_and_count_requests(300), 0);
    association_use_stream(sctp.a.association, 5);
    association_use_stream(sctp.b.association, 5);
    association_reset_stream(sctp.a.association, 5); // both at once
    association_reset_stream(sctp.b.association, 5);
    assert_int_equal(run_and_count_requests(300), 2);
}

// A message that was under way meanwhile looks like a new use: one round more, then it is quiet.
static void messages_between_resets_make_no_echo(void **state) {
    (void)state;
    struct data_stream fifth = {.id = 5, .ordered = true};
    (void)run_and_count_requests(20);
    assert_int_equal(
        association_send(sctp.b.association, &fifth, DATA_PPID_STRING, span_of(patterned(10, 1), 10)),
        ERR_OK);
    association_reset_stream(sctp.a.association, 5);
    assert_in_range(run_and_count_requests(300), 2, 4);
    assert_int_equal(run_and_count_requests(300), 0);
    // Used again, its end is told again.
    assert_int_equal(
        association_send(sctp.a.association, &fifth, DATA_PPID_STRING, span_of(patterned(10, 1), 10)),
        ERR_OK);
    assert_int_equal(run_and_count_requests(20), 0);
    association_reset_stream(sctp.b.association, 5);
    assert_int_equal(run_and_count_requests(300), 2);
}

// However many streams a request names, ours are asked for all at once.
static void streams_that_close_together_are_answered_together(void **state) {
    (void)state;
    struct association_message got = {0};
    unsigned streams[2] = {0}, count = 0;
    for (uint16_t stream = 0; stream < 41; stream++)
        association_reset_stream(sctp.a.association, stream); // the first goes at once, the others behind it
    for (int i = 0; i < 600 && count < 2; i++) {
        (void)link_carry(&sctp, &sctp.a, &sctp.b);
        while (end_next(&sctp.b, &got) != ASSOCIATION_NOTHING)
            ;
        count = note_requests(&sctp.b, streams, count, 2);
        (void)link_carry(&sctp, &sctp.b, &sctp.a);
        while (end_next(&sctp.a, &got) != ASSOCIATION_NOTHING)
            ;
        sctp_library_advance(sctp.now_us += 10000);
    }
    assert_int_equal(streams[0], 1);
    assert_int_equal(streams[1], 40);
}

// A request without a list means every stream (RFC 6525, section 4.1).
static void a_reset_of_all_streams_closes_each(void **state) {
    (void)state;
    struct association_message got = {0};
    unsigned streams[1], told = 0, asked = 0;
    for (int i = 0; i < 20; i++)
        link_step(&sctp, 10000);
    association_reset_stream(sctp.a.association, 7);
    assert_int_equal(sctp.a.out_count, 1);
    assert_int_equal(note_requests(&sctp.a, streams, 0, 1), 1);
    struct sctp_packet *packet = &sctp.a.out[0];
    store_be16(packet->bytes + 14, 20); // without its list
    store_be16(packet->bytes + 18, 16);
    packet->len = 12 + 20;
    (void)link_carry(&sctp, &sctp.a, &sctp.b);
    bool seen[1024] = {false};
    while (end_next(&sctp.b, &got) == ASSOCIATION_RESET) {
        assert_false(seen[got.stream]);
        seen[got.stream] = true;
        told++;
    }
    assert_int_equal(told, 1024);
    asked = note_requests(&sctp.b, streams, 0, 1);
    assert_int_equal(asked, 1); // the next when that one is answered
    assert_int_equal(streams[0], 64);
}

static void its_goodbye_ends_the_association(void **state) {
    (void)state;
    struct association_message got;
    association_destroy(sctp.a.association);
    sctp.a.association = NULL;
    for (int i = 0; i < 10; i++)
        link_step(&sctp, 10000);
    assert_int_equal(end_next(&sctp.b, &got), ASSOCIATION_NOTHING);
    assert_in_range(association_state(sctp.b.association), DATA_STATE_FAILED, DATA_STATE_CLOSED);
    assert_int_not_equal(association_send(sctp.b.association, &reliable, DATA_PPID_STRING, span_of("x", 1)),
                         ERR_OK);
}

// The path is gone: it ends by itself, after longer than an ICE restart takes.
static void silence_ends_it_in_a_while(void **state) {
    (void)state;
    struct association_message got;
    association_destroy(sctp.a.association);
    sctp.a.association = NULL;
    sctp.a.out_count = 0; // the goodbye is lost
    assert_int_equal(association_send(sctp.b.association, &reliable, DATA_PPID_STRING, span_of("x", 1)),
                     ERR_OK);
    unsigned seconds = 0;
    for (; seconds < 300 && association_state(sctp.b.association) == DATA_STATE_CONNECTED; seconds++) {
        for (int i = 0; i < 100; i++)
            link_step(&sctp, 10000);
        (void)end_next(&sctp.b, &got);
    }
    assert_int_equal(association_state(sctp.b.association), DATA_STATE_FAILED);
    assert_in_range(seconds, 30, 200);
}

// An idle association sends nothing.
static void idle_is_silent(void **state) {
    (void)state;
    for (int i = 0; i < 300; i++)
        link_step(&sctp, 10000);
    uint64_t sent = sctp.a.sent + sctp.b.sent;
    for (int i = 0; i < 30000; i++)
        link_step(&sctp, 10000);
    assert_int_equal(sctp.a.sent + sctp.b.sent, sent);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, open_link, close_link)
int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(both_ask_and_are_connected_once),
        TEST(messages_of_every_size_arrive_whole_both_ways),
        TEST(no_packet_is_longer_than_told),
        TEST(what_is_lost_comes_again_in_order),
        TEST(without_retransmissions_what_is_lost_is_gone),
        TEST(a_receiver_that_takes_nothing_holds_the_sender),
        TEST(very_many_short_messages_are_bounded_too),
        TEST(short_messages_that_nobody_takes_are_bounded),
        TEST(a_channel_closes_both_ways_and_can_be_used_again),
        TEST(a_reset_is_answered_once),
        TEST(messages_between_resets_make_no_echo),
        TEST(streams_that_close_together_are_answered_together),
        TEST(a_reset_of_all_streams_closes_each),
        TEST(its_goodbye_ends_the_association),
        TEST(silence_ends_it_in_a_while),
        TEST(idle_is_silent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
