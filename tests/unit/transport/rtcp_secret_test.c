#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "rtp/rtcp_write.h"
#include "transport/rtcp_secret.h"

#define ASKER 77
#define SECRET UINT32_C(0xdeadbeef)
#define NTP UINT64_C(0x0123456789abcdef)

static void an_rrtr_says_the_secret(void **state) {
    (void)state;
    uint8_t packet[RTCP_SECRET_QUESTION_BYTES];
    rtcp_secret_ask(ASKER, SECRET, packet);
    static const uint8_t expected[] = {0x80, 207, 0, 4, 0,    0,    0,    77,   4, 0,
                                       0,    2,   0, 0, 0xde, 0xad, 0xbe, 0xef, 0, 0}; // RFC 3611, 4.4
    assert_memory_equal(packet, expected, sizeof expected);
}

static size_t dlrr(uint8_t *out, uint32_t ssrc, uint32_t time) {
    struct writer w = writer_of(out, 100);
    write_u8(&w, 0x80);
    write_u8(&w, 207);
    write_u16(&w, 8);
    write_u32(&w, 5);
    write_u32(&w, 0x05000006); // two entries
    write_u32(&w, 1);
    write_u32(&w, 2);
    write_u32(&w, 3);
    write_u32(&w, ssrc);
    write_u32(&w, time);
    write_u32(&w, 3);
    return w.len;
}

static void a_dlrr_that_repeats_it_is_the_answer(void **state) {
    (void)state;
    static const struct {
        uint32_t ssrc, time;
        bool answer;
        uint8_t lies;
    } rows[] = {
        {ASKER, SECRET, true, 0},
        {ASKER + 1, SECRET, false, 0},
        {ASKER, SECRET + 1, false, 1},
        {ASKER, 4242, false, 0}, // what was said here before
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct rtcp_secrets secrets = {0};
        uint8_t packet[100];
        size_t len = dlrr(packet, rows[i].ssrc, rows[i].time);
        assert_int_equal(rtcp_secret_answered(&secrets, span_of(packet, len), ASKER, SECRET, 4242),
                         rows[i].answer);
        assert_int_equal(secrets.lies, rows[i].lies);
        for (size_t cut = 0; cut < len; cut++)
            assert_false(rtcp_secret_answered(&secrets, span_of(packet, cut), ASKER, SECRET, 4242));
    }
}

static void who_guesses_is_not_believed_any_more(void **state) {
    (void)state;
    struct rtcp_secrets secrets = {0};
    uint8_t packet[100];
    for (uint32_t i = 1; i <= RTCP_SECRET_LIES; i++)
        (void)rtcp_secret_answered(&secrets, span_of(packet, dlrr(packet, ASKER, SECRET + i)), ASKER, SECRET,
                                   0);
    size_t len = dlrr(packet, ASKER, SECRET);
    assert_false(rtcp_secret_answered(&secrets, span_of(packet, len), ASKER, SECRET, 0));
}

static uint32_t marked(struct rtcp_secrets *secrets, uint32_t key, uint32_t ssrc) {
    uint8_t packet[100];
    struct writer w = writer_of(packet, sizeof packet);
    rtcp_write_rr(&w, 5, NULL, 0);
    size_t at = w.len;
    rtcp_write_sr(&w, ssrc, &(struct rtcp_sender_info){.ntp = NTP, .rtp_timestamp = 9}, NULL, 0);
    assert_true(rtcp_secret_mark(secrets, key, packet, w.len));
    uint32_t told = load_be32(packet + at + 10);
    assert_in_range(told - (uint32_t)(NTP >> 16), 1, 4095); // later, by 62 ms at most
    assert_int_equal(load_be32(packet + at + 16), 9);
    return told;
}

static bool reports(struct rtcp_secrets *secrets, uint32_t ssrc, uint32_t last_sr) {
    uint8_t packet[100];
    struct writer w = writer_of(packet, sizeof packet);
    rtcp_write_rr(&w, 5, &(struct rtcp_report){.ssrc = ssrc, .last_sr = last_sr}, 1);
    return rtcp_secret_echo(secrets, span_of(packet, w.len));
}

static void two_reports_that_repeat_a_late_time_are_proof(void **state) {
    (void)state;
    struct rtcp_secrets secrets = {0};
    uint32_t first = marked(&secrets, 1, 100), plain = (uint32_t)(NTP >> 16);
    assert_false(reports(&secrets, 100, plain)); // as it went elsewhere
    assert_false(reports(&secrets, 100, first));
    assert_false(reports(&secrets, 100, first)); // once is once
    assert_int_equal(secrets.lies, 0);
    uint32_t second = marked(&secrets, 1, 200);
    assert_false(reports(&secrets, 300, second)); // another stream
    assert_true(reports(&secrets, 200, second));
}

static void what_was_told_elsewhere_does_not_count(void **state) {
    (void)state;
    struct rtcp_secrets secrets = {0};
    uint32_t first = marked(&secrets, 1, 100);
    assert_false(reports(&secrets, 100, first));
    uint32_t second = marked(&secrets, 2, 200);
    assert_false(reports(&secrets, 200, second)); // the first of this tuple
}

static void who_guesses_times_is_not_believed_any_more(void **state) {
    (void)state;
    struct rtcp_secrets secrets = {0};
    for (uint32_t i = 0; i < RTCP_SECRET_LIES; i++) {
        uint32_t told = marked(&secrets, 1, 100 + i), plain = (uint32_t)(NTP >> 16);
        assert_false(reports(&secrets, 100 + i, told - plain == 1 ? told + 1 : told - 1));
    }
    for (uint32_t i = 0; i < 4; i++)
        assert_false(reports(&secrets, 200 + i, marked(&secrets, 1, 200 + i)));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_rrtr_says_the_secret),
        cmocka_unit_test(a_dlrr_that_repeats_it_is_the_answer),
        cmocka_unit_test(who_guesses_is_not_believed_any_more),
        cmocka_unit_test(two_reports_that_repeat_a_late_time_are_proof),
        cmocka_unit_test(what_was_told_elsewhere_does_not_count),
        cmocka_unit_test(who_guesses_times_is_not_believed_any_more),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
