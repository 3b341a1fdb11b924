// What a viewer says of what arrives, true or not.
#include "tests/sim/call.h"

#include "base/bytes.h"
#include "base/clock.h"
#include "rtp/rtcp_write.h"
#include "rtp/rtp_ext.h"

#define CLAIM_US 60000
#define CLAIM_WAVE_US 3000000
#define CLAIM_FROM_US 3000000 // honest at first: the least delay is known
#define GROWS_BY 50           // a fiftieth of a second each second
#define EARLY_NUMBERS 20
#define FAR_NUMBERS 1000
#define RARE_US 5000000
#define BLIND_US 50000

static enum call_feedback liar_how(const struct call_viewer *v) {
    bool begins = v->call->now_us < CALL_START_US + CLAIM_FROM_US;
    enum call_feedback how = v->call->config.feedback[v->index];
    return !begins || how < CALL_CLAIMS_WAVES ? how : how < CALL_NAMED_QUEUE ? CALL_TWCC : CALL_CCFB;
}

bool liar_is_named(const struct call_viewer *v) {
    enum call_feedback how = v->call->config.feedback[v->index];
    return how == CALL_CCFB || (how >= CALL_NAMED_QUEUE && how <= CALL_NAMED_FLAWLESS);
}

uint64_t liar_waits_us(const struct call_viewer *v) {
    return liar_how(v) == CALL_DELAYS ? CLAIM_US : 0;
}

// ---- what has come

// When it is said to have come; sent_us is known to who shows no queue.
static uint64_t liar_claims_us(const struct call_viewer *v, uint64_t sent_us) {
    uint64_t now_us = v->call->now_us, from_us = CALL_START_US + CLAIM_FROM_US, since_us = now_us - from_us;
    switch (liar_how(v)) {
    case CALL_CLAIMS_WAVES:
        return now_us % CLAIM_WAVE_US < CLAIM_WAVE_US / 2 ? now_us : now_us + CLAIM_US;
    case CALL_CLAIMS_QUEUE:
    case CALL_DELAYS:
        return now_us + CLAIM_US;
    case CALL_CLAIMS_GROWTH:
        return now_us + since_us / GROWS_BY;
    case CALL_COPIES:
        return now_us + link_queue_us(&v->call->links[0], now_us);
    case CALL_HIDES:
    case CALL_FLAWLESS:
    case CALL_NAMED_FLAWLESS:
        return sent_us ? sent_us + v->link->config.delay_us : now_us;
    case CALL_SLOW_CLOCK:
        return from_us + since_us * 11 / 10;
    case CALL_FAST_CLOCK:
        return from_us + since_us * 9 / 10;
    case CALL_BACKWARDS:
        return from_us - since_us;
    default:
        return now_us;
    }
}

void liar_notes(struct call_viewer *v, uint16_t number) {
    enum call_feedback how = liar_how(v);
    struct liar *l = &v->liar;
    bool all = how == CALL_ALL_CAME || how == CALL_FLAWLESS || how == CALL_BLIND || how == CALL_EARLY;
    uint16_t gap = l->started ? (uint16_t)(number - l->highest) : 1;
    for (uint16_t n = (uint16_t)(l->highest + 1); all && gap < FAR_NUMBERS && n != number; n++)
        twcc_recorder_add(v->recorder, n, liar_claims_us(v, l->sent_us[n]));
    if (how != CALL_LOSES || number % 4 != 0)
        twcc_recorder_add(v->recorder, number, liar_claims_us(v, l->sent_us[number]));
    for (uint16_t i = 1; how == CALL_EARLY && i <= EARLY_NUMBERS; i++)
        twcc_recorder_add(v->recorder, (uint16_t)(number + i), v->call->now_us);
    if (!l->started || gap < FAR_NUMBERS)
        l->highest = number;
    l->started = true;
}

void liar_notes_named(struct call_viewer *v, const struct rtp_packet *packet) {
    bool rtx;
    struct call_track *t = viewer_track(v, packet->ssrc, &rtx);
    uint16_t gap = t && t->started ? (uint16_t)(packet->seq - t->named[rtx]) : 1;
    bool all = liar_how(v) == CALL_NAMED_ALL_CAME || liar_how(v) == CALL_NAMED_FLAWLESS;
    for (uint16_t i = all && gap < FAR_NUMBERS ? (uint16_t)(gap - 1) : 0; i > 0; i--) {
        uint16_t seq = (uint16_t)(packet->seq - i);
        ccfb_recorder_add(v->named, packet->ssrc, seq,
                          liar_claims_us(v, t ? t->named_us[rtx][seq % CALL_NUMBERS] : 0));
    }
    ccfb_recorder_add(v->named, packet->ssrc, packet->seq,
                      liar_claims_us(v, t ? t->named_us[rtx][packet->seq % CALL_NUMBERS] : 0));
    if (t && (!t->started || gap < FAR_NUMBERS))
        t->named[rtx] = packet->seq;
}

bool liar_number(const struct rtp_packet *packet, uint16_t *number) {
    struct ext_map map;
    struct ext_ids ids = {0};
    struct rtp_ext_values values;
    ids.ids[EXT_TRANSPORT_CC] = EXT_ROUTER_ID(EXT_TRANSPORT_CC);
    ext_map_clear(&map);
    ext_map_add(&map, &ids);
    rtp_ext_read(packet, &map, &values);
    return rtp_ext_transport_seq(&values, number);
}

void liar_overhears(struct call_viewer *v, struct span bytes) {
    struct rtp_packet packet;
    uint16_t number;
    bool rtx;
    assert_int_equal(rtp_parse(bytes, &packet), ERR_OK);
    struct call_track *t = viewer_track(v, packet.ssrc, &rtx);
    if (t)
        t->named_us[rtx][packet.seq % CALL_NUMBERS] = v->call->now_us;
    if (!liar_number(&packet, &number))
        return;
    v->liar.sent_us[number] = v->call->now_us;
    if (liar_how(v) == CALL_BLIND)
        liar_notes(v, number);
}

// ---- what is said

static void liar_tells_named(struct call_viewer *v) {
    uint64_t now_us = v->call->now_us, claim_us = liar_how(v) == CALL_NAMED_QUEUE ? CLAIM_US : 0;
    while (now_us >= ccfb_recorder_next_us(v->named)) {
        uint8_t out[RTCP_DATAGRAM_MAX];
        struct writer w = writer_of(out, sizeof out);
        if (!ccfb_recorder_write(v->named, &w, 77, ntp_from_wall_us(now_us + claim_us), now_us))
            break;
        viewer_send_back(v, &w);
    }
}

// Each four times altogether.
static void liar_replays(struct call_viewer *v, const struct writer *said) {
    struct liar *l = &v->liar;
    for (unsigned i = 0; i < 4; i++) {
        struct writer w = writer_of(l->kept[i].bytes, sizeof l->kept[i].bytes);
        w.len = l->kept[i].len;
        viewer_send_back(v, &w);
    }
    unsigned at = l->kept_count++ % 4;
    l->kept[at].len = said->len;
    memcpy(l->kept[at].bytes, said->ptr, said->len);
}

// A run of numbers that came at once.
static void liar_says_run(struct call_viewer *v, uint16_t first, uint16_t count) {
    uint8_t out[RTCP_DATAGRAM_MAX];
    struct writer w = writer_of(out, sizeof out);
    size_t padding = (4 - (2u + count) % 4) % 4;
    write_u16(&w, 0x8fcd);
    write_u16(&w, (uint16_t)((20 + 2 + count + padding) / 4 - 1));
    write_u32(&w, 77);
    write_u32(&w, 1);
    write_u16(&w, first);
    write_u16(&w, count);
    write_u24(&w, (uint32_t)(v->call->now_us / 64000) & 0xffffff);
    write_u8(&w, 0);
    write_u16(&w, (uint16_t)(0x2000 | count));
    write_zeros(&w, count + padding);
    viewer_send_back(v, &w);
}

void liar_tells(struct call_viewer *v) {
    enum call_feedback how = liar_how(v);
    uint64_t now_us = v->call->now_us;
    struct liar *l = &v->liar;
    if (how == CALL_DEAF)
        return;
    if (liar_is_named(v)) {
        liar_tells_named(v);
        return;
    }
    if (how == CALL_RARE && now_us < l->next_us)
        return;
    l->next_us = now_us + RARE_US;
    while (now_us >= twcc_recorder_next_us(v->recorder)) {
        uint8_t out[RTCP_DATAGRAM_MAX];
        struct writer w = writer_of(out, sizeof out);
        if (!twcc_recorder_write(v->recorder, &w, 77, 1, now_us))
            break;
        viewer_send_back(v, &w);
        if (how == CALL_REPLAYS)
            liar_replays(v, &w);
        if (how == CALL_NEVER_SENT)
            liar_says_run(v, (uint16_t)(l->highest + FAR_NUMBERS), 400);
    }
}

// Well-formed and wrong: everything has come, or nothing, or long ago, of any number.
void liar_invents(struct call_viewer *v) {
    uint8_t out[64];
    struct writer w = writer_of(out, sizeof out);
    uint32_t random = call_random(v->call);
    write_u32(&w, 0x8fcd0006);
    write_u32(&w, 77);
    write_u32(&w, 1);
    write_u16(&w, (uint16_t)call_random(v->call));
    write_u16(&w, 8);
    write_u24(&w, call_random(v->call) & 0xffffff);
    write_u8(&w, (uint8_t)random);
    write_u16(&w, 0x2008); // eight small deltas
    write_u32(&w, call_random(v->call));
    write_u32(&w, call_random(v->call));
    write_u16(&w, 0);
    viewer_send_back(v, &w);
}
