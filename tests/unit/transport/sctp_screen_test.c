// What of SCTP reaches the stack: chunks of data channels with lengths that fit, and nothing else.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "transport/sctp_screen.h"

#include <stdlib.h>

#define PORTS 0x13, 0x88, 0x13, 0x88, 1, 2, 3, 4, 0, 0, 0, 0 // 5000 both, a tag, no checksum
#define INIT_FIXED 1, 2, 3, 4, 0, 1, 0, 0, 0, 16, 0, 16, 9, 9, 9, 9

struct row {
    const char *what;
    size_t len;
    uint8_t bytes[80];
};

static const struct row welcome[] = {
    {"DATA", 12 + 20, {PORTS, 0, 3, 0, 17, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 51, 'x'}},
    {"DATA without the padding of the last chunk",
     12 + 17,
     {PORTS, 0, 3, 0, 17, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 51, 'x'}},
    {"INIT", 12 + 20, {PORTS, 1, 0, 0, 20, INIT_FIXED}},
    {"INIT with what is supported", 12 + 28, {PORTS, 1, 0, 0, 26, INIT_FIXED, 0x80, 8, 0, 6, 130, 192}},
    {"SACK and DATA", 12 + 16 + 20, {PORTS, 3, 0, 0,  16, 0, 0, 0, 1, 0, 1, 0, 0, 0, 0, 0,  0,
                                     0,     3, 0, 17, 0,  0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 51, 'x'}},
    {"SACK with one gap", 12 + 20, {PORTS, 3, 0, 0, 20, 0, 0, 0, 1, 0, 1, 0, 0, 0, 1, 0, 0, 0, 2, 0, 2}},
    {"HEARTBEAT", 12 + 8, {PORTS, 4, 0, 0, 8, 0, 1, 0, 4}},
    {"ABORT", 12 + 4, {PORTS, 6, 0, 0, 4}},
    {"COOKIE-ECHO", 12 + 8, {PORTS, 10, 0, 0, 8, 1, 2, 3, 4}},
    {"COOKIE-ACK", 12 + 4, {PORTS, 11, 0, 0, 4}},
    {"RE-CONFIG that closes a stream", 12 + 24, {PORTS, 130, 0, 0, 22, 0, 13, 0, 18, 0, 0, 0,
                                                 1,     0,   0, 0, 2,  0, 0,  0, 3,  0, 7}},
    {"RE-CONFIG that adds streams of the sender",
     12 + 16,
     {PORTS, 130, 0, 0, 16, 0, 17, 0, 12, 0, 0, 0, 1, 0, 16, 0, 0}},
    {"FORWARD-TSN", 12 + 8, {PORTS, 192, 0, 0, 8, 0, 0, 0, 1}},
};

static const struct row unwelcome[] = {
    {"nothing", 0, {0}},
    {"a header alone", 12, {PORTS}},
    {"half a header", 11, {PORTS}},
    {"other ports", 16, {0x13, 0x89, 0x13, 0x88, 1, 2, 3, 4, 0, 0, 0, 0, 11, 0, 0, 4}},
    {"another port of the receiver", 16, {0x13, 0x88, 0x13, 0x89, 1, 2, 3, 4, 0, 0, 0, 0, 11, 0, 0, 4}},
    {"a chunk of no length", 16, {PORTS, 11, 0, 0, 0}},
    {"a chunk longer than the packet", 16, {PORTS, 6, 0, 0, 8}},
    {"three bytes of a chunk", 15, {PORTS, 11, 0, 0}},
    {"DATA without data", 12 + 16, {PORTS, 0, 3, 0, 16}},
    {"INIT with an IPv4 address", 12 + 28, {PORTS, 1, 0, 0, 28, INIT_FIXED, 0, 5, 0, 8, 10, 0, 0, 1}},
    {"INIT with an IPv6 address", 12 + 40, {PORTS, 1, 0, 0, 40, INIT_FIXED, 0, 6, 0, 20, 0, 0, 0,
                                            0,     0, 0, 0, 0,  0,          0, 0, 0, 0,  0, 0, 1}},
    {"INIT with a host name", 12 + 28, {PORTS, 1, 0, 0, 28, INIT_FIXED, 0, 11, 0, 8, 'a', 0, 0, 0}},
    {"INIT with a parameter longer than it", 12 + 24, {PORTS, 1, 0, 0, 24, INIT_FIXED, 0x80, 8, 0, 40}},
    {"INIT with a parameter of no length", 12 + 24, {PORTS, 1, 0, 0, 24, INIT_FIXED, 0x80, 8, 0, 0}},
    {"INIT that is too short", 12 + 16, {PORTS, 1, 0, 0, 16}},
    {"INIT and something else", 12 + 24, {PORTS, 1, 0, 0, 20, INIT_FIXED, 11, 0, 0, 4}},
    {"SACK with more gaps than it has", 12 + 16, {PORTS, 3, 0, 0, 16, 0, 0, 0, 1, 0, 1, 0, 0, 0, 1, 0, 0}},
    {"ASCONF", 12 + 16, {PORTS, 0xc1, 0, 0, 16}},
    {"ASCONF-ACK", 12 + 8, {PORTS, 0x80, 0, 0, 8}},
    {"AUTH", 12 + 8, {PORTS, 15, 0, 0, 8}},
    {"PKTDROP", 12 + 16, {PORTS, 0x81, 0, 0, 16}},
    {"I-DATA, which nobody has agreed to", 12 + 24, {PORTS, 64, 3, 0, 21}},
    {"RE-CONFIG of the whole association", 12 + 12, {PORTS, 130, 0, 0, 12, 0, 15, 0, 8, 0, 0, 0, 1}},
    {"RE-CONFIG that has us add streams", // each moves all that are there
     12 + 16,
     {PORTS, 130, 0, 0, 16, 0, 18, 0, 12, 0, 0, 0, 1, 0, 1, 0, 0}},
    {"RE-CONFIG that has us add streams, after one that is welcome",
     12 + 28,
     {PORTS, 130, 0, 0, 28, 0, 17, 0, 12, 0, 0, 0, 1, 0, 16, 0, 0, 0, 18, 0, 12, 0, 0, 0, 2, 0, 1, 0, 0}},
    {"RE-CONFIG of nothing", 12 + 4, {PORTS, 130, 0, 0, 4}},
    {"FORWARD-TSN that is too short", 12 + 4, {PORTS, 192, 0, 0, 4}},
};

static void what_data_channels_need(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof welcome / sizeof welcome[0]; i++)
        if (!screen_sctp_packet(span_of(welcome[i].bytes, welcome[i].len)))
            fail_msg("%s: expected to pass", welcome[i].what);
}

static void and_no_more(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof unwelcome / sizeof unwelcome[0]; i++)
        if (screen_sctp_packet(span_of(unwelcome[i].bytes, unwelcome[i].len)))
            fail_msg("%s: expected to be dropped", unwelcome[i].what);
}

// Cut short anywhere, what is left reaches nobody, or is whole chunks.
static void no_prefix_is_read_beyond(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof welcome / sizeof welcome[0]; i++)
        for (size_t len = 0; len < welcome[i].len; len++) {
            uint8_t *copy = malloc(len ? len : 1); // so that the sanitizer sees its end
            assert_non_null(copy);
            memcpy(copy, welcome[i].bytes, len);
            (void)screen_sctp_packet(span_of(copy, len));
            free(copy);
        }
}

static void chunks_and_parameters_are_counted(void **state) {
    (void)state;
    static uint8_t packet[12 + 4 * (SCTP_SCREEN_CHUNKS_MAX + 1)] = {PORTS};
    for (unsigned i = 0; i <= SCTP_SCREEN_CHUNKS_MAX; i++)
        memcpy(packet + 12 + 4 * i, "\x0b\0\0\4", 4);
    assert_true(screen_sctp_packet(span_of(packet, sizeof packet - 4)));
    assert_false(screen_sctp_packet(span_of(packet, sizeof packet)));
    static uint8_t init[12 + 20 + 4 * (SCTP_SCREEN_PARAMETERS_MAX + 1)] = {PORTS, 1, 0, 0, 0, INIT_FIXED};
    for (unsigned i = 0; i <= SCTP_SCREEN_PARAMETERS_MAX; i++)
        memcpy(init + 32 + 4 * i, "\xc0\0\0\4", 4);
    for (unsigned extra = 0; extra < 2; extra++) {
        size_t len = 20 + 4 * (SCTP_SCREEN_PARAMETERS_MAX + extra);
        store_be16(init + 14, (uint16_t)len);
        assert_int_equal(screen_sctp_packet(span_of(init, 12 + len)), extra == 0);
    }
}

// Addresses, and what belongs to ASCONF (RFC 5061), in a question and in an answer; others are for the stack.
static void parameters_of_init(void **state) {
    (void)state;
    static const unsigned unwelcome_types[] = {5, 6, 11, 0xc001, 0xc002, 0xc003, 0xc004, 0xc005};
    static const unsigned welcome_types[] = {9, 12, 0x8000, 0x8008, 0xc000, 0xc006};
    uint8_t init[12 + 28] = {PORTS, 1, 0, 0, 28, INIT_FIXED, 0, 0, 0, 8};
    for (unsigned chunk = 1; chunk <= 2; chunk++) {
        init[12] = (uint8_t)chunk;
        for (size_t i = 0; i < sizeof unwelcome_types / sizeof unwelcome_types[0]; i++) {
            store_be16(init + 32, (uint16_t)unwelcome_types[i]);
            if (screen_sctp_packet(span_of(init, sizeof init)))
                fail_msg("chunk %u, parameter %#x: expected to be dropped", chunk, unwelcome_types[i]);
        }
        for (size_t i = 0; i < sizeof welcome_types / sizeof welcome_types[0]; i++) {
            store_be16(init + 32, (uint16_t)welcome_types[i]);
            if (!screen_sctp_packet(span_of(init, sizeof init)))
                fail_msg("chunk %u, parameter %#x: expected to pass", chunk, welcome_types[i]);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_data_channels_need),
        cmocka_unit_test(and_no_more),
        cmocka_unit_test(parameters_of_init),
        cmocka_unit_test(no_prefix_is_read_beyond),
        cmocka_unit_test(chunks_and_parameters_are_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
