// srtp_sender against libsrtp2: the same packets bit for bit, over wraps, repeats and many streams.
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/bytes.h"
#include "transport/srtp.h"
#include "transport/srtp_cipher_types.h"
#include "transport/srtp_sender.h"

#include <srtp2/srtp.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    srtp_profile_t profile;
    unsigned bits;
} rows[] = {{srtp_profile_aead_aes_128_gcm, 128}, {srtp_profile_aead_aes_256_gcm, 256}};
#define ROWS (sizeof rows / sizeof rows[0])

struct two {
    struct srtp_sender ours;
    srtp_t theirs;
};

// In place: a sender points into itself.
static void two_open(struct two *two, size_t row) {
    *two = (struct two){0};
    uint8_t master[44];
    size_t len = rows[row].bits / 8 + 12;
    for (size_t i = 0; i < sizeof master; i++)
        master[i] = (uint8_t)(i * 37 + row);
    const srtp_cipher_type_t *type = srtp_cipher_in_use(rows[row].bits);
    assert_non_null(type);
    assert_int_equal(srtp_sender_open(&two->ours, type, master, len), ERR_OK);
    srtp_policy_t policy = {
        .ssrc.type = ssrc_any_outbound, .key = master, .window_size = 1024, .allow_repeat_tx = 1};
    assert_int_equal(srtp_crypto_policy_set_from_profile_for_rtp(&policy.rtp, rows[row].profile), 0);
    assert_int_equal(srtp_crypto_policy_set_from_profile_for_rtcp(&policy.rtcp, rows[row].profile), 0);
    assert_int_equal(srtp_create(&two->theirs, &policy), 0);
}

static void two_close(struct two *two) {
    srtp_sender_close(&two->ours);
    assert_int_equal(srtp_dealloc(two->theirs), 0);
}

static void rtp_agrees(struct two *two, const uint8_t *packet, size_t len, uint64_t index) {
    uint8_t a[1600], b[1600];
    memcpy(a, packet, len);
    memcpy(b, packet, len);
    size_t a_len = len;
    int b_len = (int)len;
    assert_int_equal(srtp_sender_rtp(&two->ours, a, &a_len, index), ERR_OK);
    assert_int_equal(srtp_protect(two->theirs, b, &b_len), srtp_err_status_ok);
    assert_int_equal(a_len, b_len);
    if (memcmp(a, b, a_len) != 0)
        fail_msg("SSRC %u, number %u, %zu bytes: not what libsrtp2 makes of it", load_be32(packet + 8),
                 load_be16(packet + 2), len);
}

static size_t packet_make(uint8_t *p, uint32_t ssrc, uint16_t seq, unsigned csrcs, int ext_words,
                          size_t payload) {
    size_t len = 12;
    memset(p, 0, 12);
    p[0] = (uint8_t)(0x80 | (ext_words >= 0 ? 0x10 : 0) | csrcs);
    p[1] = 96;
    store_be16(p + 2, seq);
    store_be32(p + 8, ssrc);
    for (unsigned i = 0; i < csrcs; i++, len += 4)
        store_be32(p + len, i);
    if (ext_words >= 0) {
        store_be32(p + len, 0xbede0000u | (uint32_t)ext_words);
        len += 4;
        memset(p + len, 0x10, 4 * (size_t)ext_words);
        len += 4 * (size_t)ext_words;
    }
    for (size_t i = 0; i < payload; i++)
        p[len + i] = (uint8_t)(i * 3 + seq);
    return len + payload;
}

static void every_shape_of_header_agrees(void **state) {
    (void)state;
    for (size_t row = 0; row < ROWS; row++) {
        struct two two;
        two_open(&two, row);
        uint8_t packet[1600];
        uint16_t seq = 1;
        for (unsigned csrcs = 0; csrcs < 16; csrcs++)
            for (int ext = -1; ext < 6; ext++)
                for (size_t payload = 0; payload < 1300; payload += 97)
                    rtp_agrees(&two, packet, packet_make(packet, 5, seq, csrcs, ext, payload), seq), seq++;
        two_close(&two);
    }
}

static void wraps_and_late_ones_agree(void **state) {
    (void)state;
    for (size_t row = 0; row < ROWS; row++) {
        struct two two;
        two_open(&two, row);
        uint8_t packet[200];
        for (uint32_t n = 30000; n < 30000 + 3 * 65536; n += 7)
            for (uint32_t back = 0; back <= 250 && back <= n - 30000; back += 250)
                rtp_agrees(&two, packet, packet_make(packet, 5, (uint16_t)(n - back), 0, 1, 20), n - back);
        assert_int_equal(two.ours.stream_count, 1);
        two_close(&two);
    }
}

// Whatever the packet, and however long ago: an index that was used is not used again.
static void an_index_that_was_used_is_refused(void **state) {
    (void)state;
    static const struct {
        const char *what;
        uint32_t ssrc;
        uint64_t index;
        enum err err;
    } rows_of[] = {
        {"the first", 5, 40000, ERR_OK},
        {"again", 5, 40000, ERR_EXISTS},
        {"another stream", 6, 40000, ERR_OK},
        {"one between", 5, 40002, ERR_OK},
        {"that which was left out", 5, 40001, ERR_OK},
        {"and again", 5, 40001, ERR_EXISTS},
        {"over the wrap", 5, 65536 + 40000, ERR_OK},
        {"the same 16 bits as before, of the old roll-over", 5, 40000, ERR_EXISTS},
        {"not used, but further behind than can be told", 5, 65536 + 39000, ERR_EXISTS},
        {"as far behind as can be told", 5, 65536 + 40000 - INDEX_WINDOW_SURE, ERR_OK},
        {"half the number space ahead: nothing is inferred", 5, 65536 + 40000 + 40000, ERR_OK},
        {"as that", 5, 65536 + 40000 + 40000, ERR_EXISTS},
        {"before it", 5, 65536 + 40000 + 39999, ERR_OK},
        {"a stream begins in the first 65536", 7, 65536, ERR_LIMIT},
        {"as receivers take it", 7, 65535, ERR_OK},
        {"and has no more than 2^48", 7, UINT64_C(1) << 48, ERR_LIMIT},
    };
    struct two two;
    two_open(&two, 0);
    for (size_t i = 0; i < sizeof rows_of / sizeof *rows_of; i++) {
        uint8_t packet[200], before[200];
        size_t len = packet_make(packet, rows_of[i].ssrc, (uint16_t)rows_of[i].index, 0, -1, 20), was = len;
        memcpy(before, packet, len);
        enum err err = srtp_sender_rtp(&two.ours, packet, &len, rows_of[i].index);
        if (err != rows_of[i].err)
            fail_msg("%s: expected %s, got %s", rows_of[i].what, err_name(rows_of[i].err), err_name(err));
        assert_int_equal(len, err == ERR_OK ? was + 16 : was);
        if (err != ERR_OK)
            assert_memory_equal(packet, before, was);
    }
    two_close(&two);
}

static void many_streams_keep_their_own_count(void **state) {
    (void)state;
    struct two two;
    two_open(&two, 0);
    uint8_t packet[200];
    for (uint32_t round = 0; round < 5; round++) // two wraps
        for (uint32_t ssrc = 1; ssrc <= 300; ssrc++)
            rtp_agrees(
                &two, packet,
                packet_make(packet, ssrc * 2654435761u, (uint16_t)(ssrc * 200 + round * 30000), 0, 0, 9),
                ssrc * 200 + round * 30000);
    for (uint32_t ssrc = 1; ssrc <= 300; ssrc += 2) {
        srtp_sender_forget(&two.ours, ssrc * 2654435761u);
        (void)srtp_remove_stream(two.theirs, __builtin_bswap32(ssrc * 2654435761u));
    }
    assert_int_equal(two.ours.stream_count, 150);
    srtp_sender_forget(&two.ours, 4242); // never seen
    assert_int_equal(two.ours.stream_count, 150);
    for (uint32_t ssrc = 2; ssrc <= 300; ssrc += 2) // those that stay have not lost their roll-over counters
        rtp_agrees(&two, packet,
                   packet_make(packet, ssrc * 2654435761u, (uint16_t)(ssrc * 200 + 5 * 30000), 0, 0, 9),
                   ssrc * 200 + 5 * 30000);
    two_close(&two);
}

// Number n, counted from the stream's beginning, of one stream.
static void number_agrees(struct two *two, uint32_t ssrc, uint32_t n) {
    uint8_t packet[200];
    rtp_agrees(two, packet, packet_make(packet, ssrc, (uint16_t)n, 0, 0, 9), n);
}

// Few streams in few places: their homes collide in every way, over the end of the table too. Whichever goes
// first, the others keep their roll-over counters, and none that has gone is taken for one that is there.
static void colliding_streams_keep_their_own_count(void **state) {
    (void)state;
    uint32_t random = 1;
    for (unsigned round = 0; round < 300; round++) {
        struct two two;
        uint32_t ssrcs[SRTP_SENDER_FEW / 2];
        unsigned count = SRTP_SENDER_FEW / 2, gone = round % count;
        two_open(&two, 0);
        for (unsigned i = 0; i < count; i++) {
            random = random * 1664525u + 1013904223u;
            ssrcs[i] = round % 2 ? random : 100 + 2 * (random >> 20); // as a transport's consumers have them
            while (i > 0 && ssrcs[i] == ssrcs[i - 1])
                ssrcs[i]++;
            for (uint32_t n = 40000; n <= 40000 + 60000; n += 30000) // beyond a wrap
                number_agrees(&two, ssrcs[i], n + i);
        }
        uint32_t known = two.ours.stream_count;
        srtp_sender_forget(&two.ours, ssrcs[gone]);
        assert_int_equal(two.ours.stream_count, known - 1);
        srtp_sender_forget(&two.ours, ssrcs[gone]);
        assert_int_equal(two.ours.stream_count, known - 1);
        for (unsigned i = 0; i < count; i++)
            if (ssrcs[i] != ssrcs[gone])
                number_agrees(&two, ssrcs[i], 130000 + i);
        two_close(&two);
    }
}

static void rtcp_agrees(void **state) {
    (void)state;
    for (size_t row = 0; row < ROWS; row++) {
        struct two two;
        two_open(&two, row);
        for (size_t words = 1; words < 100; words++) {
            uint8_t a[600] = {0x80, 200, 0, (uint8_t)words, 0, 0, 0, 77}, b[600];
            size_t a_len = 4 + 4 * words;
            memset(a + 8, (int)words, a_len - 8);
            memcpy(b, a, a_len);
            int b_len = (int)a_len;
            assert_int_equal(srtp_sender_rtcp(&two.ours, a, &a_len), ERR_OK);
            assert_int_equal(srtp_protect_rtcp(two.theirs, b, &b_len), srtp_err_status_ok);
            assert_int_equal(a_len, b_len);
            assert_memory_equal(a, b, a_len);
        }
        two_close(&two);
    }
}

static void what_is_no_header_is_refused(void **state) {
    (void)state;
    struct two two;
    two_open(&two, 0);
    uint8_t packet[200];
    static const struct {
        unsigned csrcs;
        int ext;
        size_t len; // of what there is
    } cases[] = {{0, -1, 11}, {1, -1, 15}, {15, -1, 71}, {0, 0, 15}, {0, 3, 27}, {2, 1, 27}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        size_t len = cases[i].len;
        packet_make(packet, 5, 1, cases[i].csrcs, cases[i].ext, 20);
        assert_int_equal(srtp_sender_rtp(&two.ours, packet, &len, 1), ERR_MALFORMED);
    }
    size_t len = packet_make(packet, 5, 1, 0, -1, 20);
    packet[0] = 0x40;
    assert_int_equal(srtp_sender_rtp(&two.ours, packet, &len, 1), ERR_MALFORMED);
    assert_int_equal(two.ours.stream_count, 0);
    two_close(&two);
}

static void a_key_that_is_used_up_protects_no_more(void **state) {
    (void)state;
    struct two two;
    two_open(&two, 0);
    uint8_t packet[200];
    two.ours.rtcp_index = 0x7ffffffe;
    for (int i = 0; i < 2; i++) {
        size_t len = 8;
        memset(packet, 0, sizeof packet);
        assert_int_equal(srtp_sender_rtcp(&two.ours, packet, &len), i == 0 ? ERR_OK : ERR_LIMIT);
    }
    two_close(&two);
}

static int with(enum srtp_cipher cipher) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_shape_of_header_agrees),
        cmocka_unit_test(wraps_and_late_ones_agree),
        cmocka_unit_test(many_streams_keep_their_own_count),
        cmocka_unit_test(colliding_streams_keep_their_own_count),
        cmocka_unit_test(rtcp_agrees),
        cmocka_unit_test(what_is_no_header_is_refused),
        cmocka_unit_test(a_key_that_is_used_up_protects_no_more),
        cmocka_unit_test(an_index_that_was_used_is_refused),
    };
    if (!srtp_cipher_available(cipher))
        return 0;
    if (srtp_library_start_with(cipher) != ERR_OK)
        return 1;
    int failed = cmocka_run_group_tests_name(srtp_cipher_name(cipher), tests, NULL, NULL);
    srtp_library_stop();
    return failed;
}

int main(void) {
    return with(SRTP_CIPHER_OPENSSL) + with(SRTP_CIPHER_IPSEC_MB);
}
