#include "rooms/media/repair.h"

#include "base/clock.h"
#include "rooms/media/congestion.h"

#include <stdlib.h>

static const struct token_rate pace = {REPAIR_PACKETS_PER_SECOND, REPAIR_BURST};

static const struct token_rate asks = {REPAIR_ASKS_PER_SECOND, REPAIR_ASKS_BURST};

static void repair_fired(struct wheel_node *node, uint64_t now_us);
static void repair_copy(struct repair *r, uint64_t now_us);
static void repair_look(struct repair *r, uint64_t now_us);

struct repair *repair_create(struct consumer *c) {
    struct repair *r = calloc(1, sizeof *r);
    if (!r)
        return NULL;
    r->consumer = c;
    r->saved.packets = REPAIR_FIRST * REPAIR_SHARE;
    r->saved.bytes = r->saved.packets * REPAIR_PACKET_BYTES;
    wheel_node_init(&r->timer, repair_fired);
    return r;
}

void repair_destroy(struct repair *r) {
    if (!r)
        return;
    wheel_cancel(r->consumer->fw->wheel, &r->timer);
    free(r);
}

// ---- in their turn

static void repair_arm(struct repair *r, uint64_t due_us) {
    if (due_us < r->timer.due_us)
        wheel_arm(r->consumer->fw->wheel, &r->timer, due_us);
}

void repair_ask(struct consumer *c, uint16_t seq, uint64_t now_us) {
    struct repair *r = c->repair;
    if (r && !token_bucket_take(&r->asks, &asks, 1, now_us))
        return;
    if (!r || (r->count == 0 && token_bucket_has(&r->pace, &pace, 1, now_us))) {
        consumer_nack(c, seq, now_us);
        return;
    }
    if (r->count == REPAIR_WAITING_MAX)
        return; // it asks again
    r->waiting[(r->first + r->count++) % REPAIR_WAITING_MAX] = seq;
    repair_arm(r, now_us + WHEEL_TICK_US);
}

static void repair_serve(struct repair *r, uint64_t now_us) {
    while (r->count > 0 && token_bucket_has(&r->pace, &pace, 1, now_us)) {
        uint16_t seq = r->waiting[r->first];
        r->first = (uint8_t)((r->first + 1) % REPAIR_WAITING_MAX);
        r->count--;
        consumer_nack(r->consumer, seq, now_us);
    }
}

static void repair_fired(struct wheel_node *node, uint64_t now_us) {
    struct repair *r = LIST_ENTRY(node, struct repair, timer);
    repair_serve(r, now_us);
    repair_copy(r, now_us);
    repair_look(r, now_us);
    if (r->count > 0)
        repair_arm(r, now_us + WHEEL_TICK_US);
    if (r->copy_count > 0)
        repair_arm(r, r->copies[r->copy_first].due_us);
    if (r->look_us)
        repair_arm(r, r->look_us);
}

// ---- unasked

static bool repair_is_lossy(const struct repair *r) {
    return r->loss >= REPAIR_LOSSY && r->consumer->params.rtx_ssrc != 0;
}

// There are pauses between its pictures, so that a third repeat costs the link little, and it has room.
static bool repair_is_generous(const struct repair *r, uint64_t now_us) {
    return r->pauses >= REPAIR_SLOW_PAUSES && now_us - r->paused_us < REPAIR_SLOW_US &&
           congestion_has_room(r->consumer->endpoint);
}

static void repair_copy_later(struct repair *r, uint16_t seq, uint8_t more, uint64_t due_us) {
    if (r->copy_count == REPAIR_COPIES_MAX)
        return; // it may be asked for again
    r->copies[(r->copy_first + r->copy_count++) % REPAIR_COPIES_MAX] =
        (struct repair_copy){.due_us = due_us, .seq = seq, .more = more};
    repair_arm(r, due_us);
}

void repair_note_repeated(struct consumer *c, uint16_t seq, uint64_t now_us) {
    struct repair *r = c->repair;
    r->asked += r->marks[seq & (REPAIR_SLOTS - 1)].times == 1;
    if (repair_is_lossy(r))
        repair_copy_later(r, seq, r->loss >= REPAIR_LOSSIER && repair_is_generous(r, now_us),
                          now_us + REPAIR_COPY_US);
}

static void repair_copy(struct repair *r, uint64_t now_us) {
    while (r->copy_count > 0 && r->copies[r->copy_first].due_us <= now_us) {
        struct repair_copy copy = r->copies[r->copy_first];
        r->copy_first = (uint8_t)((r->copy_first + 1) % REPAIR_COPIES_MAX);
        r->copy_count--;
        if (consumer_send_copy(r->consumer, copy.seq, now_us) && copy.more > 0)
            repair_copy_later(r, copy.seq, (uint8_t)(copy.more - 1), now_us + REPAIR_COPY_US);
    }
}

static void repair_note_pause(struct repair *r, uint64_t now_us) {
    bool in_a_row = now_us - r->paused_us < REPAIR_SLOW_US;
    r->pauses = (uint8_t)(!in_a_row ? 1 : r->pauses < REPAIR_SLOW_PAUSES ? r->pauses + 1 : r->pauses);
    r->paused_us = now_us;
}

// Nothing has followed for so long: if the last packets were lost, nobody knows yet.
static void repair_end(struct repair *r, uint64_t now_us) {
    struct consumer *c = r->consumer;
    if (r->ended_us != c->stats.last_packet_us)
        r->ends = 0;
    r->ended_us = c->stats.last_packet_us;
    if (r->ends == REPAIR_ENDS_MAX)
        return;
    r->ends++;
    if (r->ends == REPAIR_ENDS_MAX)
        repair_note_pause(r, now_us);
    uint16_t bytes = consumer_send_end(c, now_us);
    r->packets_seen += bytes > 0; // earns no repeats
    r->bytes_seen += bytes;
}

static void repair_look(struct repair *r, uint64_t now_us) {
    struct consumer *c = r->consumer;
    uint64_t since_us = now_us - c->stats.last_packet_us;
    if (r->look_us == 0 || now_us < r->look_us)
        return;
    bool goes_on = repair_is_lossy(r) && c->active && since_us < REPAIR_IDLE_US,
         soon = since_us < REPAIR_END_US;
    if (goes_on && !soon)
        repair_end(r, now_us);
    uint64_t next_us = soon ? c->stats.last_packet_us + REPAIR_END_US : now_us + REPAIR_END_AGAIN_US;
    r->look_us = goes_on ? next_us : 0;
}

// ---- what went out empty

void repair_note_blank(struct repair *r, uint16_t seq) {
    if (r)
        seq_notes_add(&r->blank_notes, r->blanks, REPAIR_BLANKS_MAX, seq);
}

bool repair_was_blank(const struct repair *r, uint16_t seq) {
    return r && seq_notes_have(&r->blank_notes, r->blanks, seq);
}

// ---- how many

// By what it asks for: what its reports tell of may have been late on the way to us.
static void repair_measure(struct repair *r, uint64_t now_us) {
    uint64_t packets = r->consumer->stats.packets - r->looked_at;
    if (packets < REPAIR_LOSS_PACKETS)
        return;
    uint64_t share = (uint64_t)r->asked * UINT16_MAX / packets;
    int32_t off = (int32_t)(share < UINT16_MAX ? share : UINT16_MAX) - r->loss;
    r->loss = (uint16_t)(r->loss + off / (off > 0 ? REPAIR_LOSS_RISES : REPAIR_LOSS_FALLS));
    r->asked = 0;
    r->looked_at = r->consumer->stats.packets;
    if (repair_is_lossy(r) && r->look_us == 0) {
        r->look_us = now_us + REPAIR_END_US;
        repair_arm(r, r->look_us);
    }
}

uint16_t repair_loss(const struct consumer *c) {
    return c->repair ? c->repair->loss : 0;
}

void repair_note_report(struct consumer *c, uint64_t now_us) {
    struct repair *r = c->repair;
    if (!r)
        return;
    r->reported_us = now_us;
    repair_measure(r, now_us);
    if (c->stats.fraction_lost <= REPAIR_LOSS_MAX)
        r->lossy_us = 0;
    else if (r->lossy_us == 0)
        r->lossy_us = now_us;
}

static bool repair_is_hopeless(const struct repair *r, uint64_t now_us) {
    return r->lossy_us != 0 && r->reported_us - r->lossy_us >= REPAIR_LOSS_STAYS_US &&
           now_us < r->reported_us + REPAIR_REPORT_OLD_US;
}

static int64_t at_most(int64_t value, int64_t most) {
    return value < most ? value : most;
}

static void repair_save(struct repair_account *a, int64_t packets, int64_t bytes) {
    int64_t most = REPAIR_SAVED_MAX * REPAIR_SHARE;
    a->packets = at_most(a->packets + packets, most);
    a->bytes = at_most(a->bytes + bytes, most * REPAIR_PACKET_BYTES);
}

// What has gone out first since the last look earns its share.
static void repair_earn(struct repair *r) {
    const struct send_stats *sent = &r->consumer->stats;
    int64_t packets = (int64_t)(sent->packets - r->packets_seen),
            bytes = (int64_t)(sent->bytes - r->bytes_seen);
    repair_save(&r->saved, packets, bytes);
    repair_save(&r->saved_copies, packets, bytes);
    r->packets_seen = sent->packets;
    r->bytes_seen = sent->bytes;
}

static bool repair_mark_is_of(const struct repair_mark *mark, uint16_t seq, uint32_t now_ms) {
    return mark->at_ms != 0 && mark->seq == seq && now_ms - mark->at_ms < REPAIR_FORGET_MS;
}

// The receiver asks anew each round trip; what was sent again within one is still on its way.
static bool repair_mark_may(const struct repair_mark *mark, const struct consumer *c, uint32_t now_ms) {
    // Its clock and ours are not of one mind about it.
    uint32_t rtt_us = c->stats.rtt_us ? c->stats.rtt_us - c->stats.rtt_us / 8 : RTT_DEFAULT_US;
    if (rtt_us < REPAIR_RTT_MIN_US)
        rtt_us = REPAIR_RTT_MIN_US;
    if (rtt_us > REPAIR_RTT_MAX_US)
        rtt_us = REPAIR_RTT_MAX_US;
    return mark->times < REPAIR_TIMES_MAX && now_ms - mark->at_ms >= rtt_us / US_PER_MS;
}

// Whether there is enough saved up for a packet, with as much left as so many like it, and its transport has
// room.
static bool repair_can_pay(struct repair *r, const struct repair_account *a, uint16_t bytes, int64_t kept,
                           uint64_t now_us) {
    int64_t needed = bytes > 0 ? (kept + 1) * REPAIR_SHARE : 0;
    repair_earn(r);
    return a->packets >= needed && a->bytes >= needed * bytes &&
           endpoint_egress(r->consumer->endpoint, now_us) == EGRESS_ALL;
}

static void repair_pay(struct repair_account *a, uint16_t bytes) {
    if (bytes == 0)
        return;
    a->packets -= REPAIR_SHARE;
    a->bytes -= (int64_t)bytes * REPAIR_SHARE;
}

bool consumer_may_resend(struct consumer *c, uint16_t seq, uint16_t bytes, uint64_t now_us) {
    struct repair *r = c->repair;
    uint32_t now_ms = (uint32_t)(now_us / US_PER_MS);
    struct repair_mark *mark = &r->marks[seq & (REPAIR_SLOTS - 1)];
    bool again = repair_mark_is_of(mark, seq, now_ms);
    if (repair_is_hopeless(r, now_us) || (again && !repair_mark_may(mark, c, now_ms)) ||
        !repair_can_pay(r, &r->saved, bytes, 0, now_us) || !token_bucket_take(&r->pace, &pace, 1, now_us))
        return false;
    repair_pay(&r->saved, bytes);
    *mark = (struct repair_mark){
        .at_ms = now_ms ? now_ms : 1, .seq = seq, .times = (uint8_t)((again ? mark->times : 0) + 1)};
    return true;
}

bool consumer_may_copy(struct consumer *c, uint16_t bytes, uint64_t now_us) {
    struct repair *r = c->repair;
    bool generous = repair_is_generous(r, now_us);
    struct repair_account *account = generous ? &r->saved_copies : &r->saved;
    if (repair_is_hopeless(r, now_us) ||
        !repair_can_pay(r, account, bytes, generous ? 0 : REPAIR_KEPT, now_us) ||
        !token_bucket_take(&r->pace, &pace, 1, now_us))
        return false;
    repair_pay(account, bytes);
    return true;
}
