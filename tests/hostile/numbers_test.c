// A publisher whose numbers jump, over packets that carry nothing: its receivers' numbers must go on without
// a gap in which they lose their count. Whoever misses half of the 16-bit numbers rejects what follows, and a
// sender that loses count itself uses numbers twice, which gives AES-GCM's key away (RFC 7714, section 8.4).
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/bytes.h"
#include "base/clock.h"
#include "tests/kit/siege.h"

#define SSRC_IN UINT32_C(0x22222222)
#define PRODUCER 70001
#define CONSUMER 70002
#define DEADLINE_US (30 * US_PER_SECOND)
#define JUMPS 21
#define JUMP 2990
#define ROUNDS 5
#define PACKETS 100 // of a round

static void sends(struct guest *from, uint16_t seq, bool padding) {
    uint8_t bytes[64];
    struct writer w = writer_of(bytes, sizeof bytes);
    write_u8(&w, padding ? 0xa0 : 0x80);
    write_u8(&w, 111);
    write_u16(&w, seq);
    write_u32(&w, seq * 960u);
    write_u32(&w, SSRC_IN);
    write_u32(&w, padding ? 4 : 0x6f707573);
    guest_sends_rtp(from, bytes, w.len, SIEGE_IGNORED);
}

static void consumes(struct guest *to, uint32_t producer) {
    struct media_cmd cmd = {.type = MEDIA_OPEN_CONSUMER,
                            .transport = to->id,
                            .producer = {producer},
                            .consumer = {CONSUMER},
                            .open_consumer.params = {.kind = MEDIA_AUDIO,
                                                     .payload_type = 100,
                                                     .rtx_payload_type = PAYLOAD_TYPE_NONE,
                                                     .clock_rate = 48000,
                                                     .ssrc = SSRC_IN + 1,
                                                     .mid = "0",
                                                     .cname = "guest"}};
    siege_post(to->siege, to->worker, &cmd);
    siege_speak(to->siege);
    siege_check(to->siege);
}

static void hears(struct guest *to, uint64_t count) {
    uint64_t end_us = clock_now_us() + DEADLINE_US;
    while (to->rtp < count && clock_now_us() < end_us) {
        siege_turn(to->siege, 1);
        media_peer_poll(to->peer, clock_now_us());
    }
    assert_int_equal(to->rtp, count);
}

static void jumping_numbers_reach_everybody(void **state) {
    (void)state;
    struct siege *s = siege_open(1, 3);
    struct guest from, to;
    guest_open(s, 0, &from);
    guest_arrive(&from);
    guest_open(s, 0, &to);
    guest_arrive(&to);
    guest_produce(&from, SSRC_IN, "0", PRODUCER);
    consumes(&to, PRODUCER);
    uint16_t seq = 1;
    for (unsigned round = 0; round < ROUNDS; round++) {
        for (unsigned i = 0; i < PACKETS; i++)
            sends(&from, seq++, false);
        hears(&to, (round + 1) * PACKETS);
        for (unsigned i = 0; i < JUMPS; i++)
            sends(&from, seq = (uint16_t)(seq + JUMP), true);
        seq++;
    }
    siege_speak(s);
    siege_check(s);
    guest_close(&from);
    guest_close(&to);
    siege_close(s);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(jumping_numbers_reach_everybody)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
