// What one participant may cause to be sent to others. Who costs pays: beyond the budget the sender is
// refused, so that nobody can fill another's outbox until it is cut off.
//
// Three debts, each paid off at its rate and bounded: the sender's over all receivers, the sender's towards
// each one, and that of each receiver. Towards a receiver a sender may owe as much as there is left of the
// receiver's bound (the "dynamic threshold" of shared switch buffers): N senders who send all they can get an
// Nth each, and one part is always left for somebody else. Debts are kept as the moment when they will be
// paid.
#include "server/hub/hub_internal.h"

#include <inttypes.h>
#include <string.h>

#define RELAY_BURST_S 8            // of relay_rate_max, at once
#define SENDER_RATE (64 * 1024)    // bytes a second from one sender to one receiver
#define RECEIVER_RATE (128 * 1024) // and from all together
#define MESSAGE_OVERHEAD_BYTES 64  // type and braces
#define NOTICES_BYTES_FREE 4096    // of producers: a camera, a microphone and a screen need a quarter

static uint64_t debt(uint64_t due_us, uint64_t now_us, uint64_t rate) {
    return due_us <= now_us ? 0 : (due_us - now_us) * rate / US_PER_SECOND;
}

static void owe(uint64_t *due_us, uint64_t now_us, uint64_t bytes, uint64_t rate) {
    if (*due_us < now_us)
        *due_us = now_us;
    *due_us += bytes * US_PER_SECOND / rate;
}

static uint64_t rate_of(const struct hub *hub) {
    uint64_t rate = hub->config.limits.relay_rate_max;
    return rate > 0 ? rate : 1;
}

// How long until the bytes may be sent; 0: now.
static uint64_t wait_for_all(const struct hub *hub, const struct relay_budget *spent, uint64_t bytes) {
    uint64_t rate = rate_of(hub), burst = rate * RELAY_BURST_S;
    uint64_t owed = debt(spent->all_due_us, hub->now_us, rate);
    if (owed == 0 || owed + bytes <= burst)
        return 0;
    return (bytes > burst ? owed : owed + bytes - burst) * US_PER_SECOND / rate;
}

static uint64_t wait_for_one(const struct hub *hub, const struct relay_budget *spent,
                             const struct participant *to, uint64_t bytes) {
    uint64_t bound = hub->config.limits.relayed_bytes_max;
    uint64_t owed = debt(spent->each_due_us, hub->now_us, SENDER_RATE) +
                    debt(to->relayed_due_us, hub->now_us, RECEIVER_RATE);
    if (owed == 0 || owed + bytes <= bound)
        return 0;
    return (bytes > bound ? owed : owed + bytes - bound) * US_PER_SECOND / SENDER_RATE;
}

static uint64_t wait_for_room(const struct hub *hub, const struct relay_budget *spent,
                              const struct participant *me, uint64_t bytes) {
    uint64_t longest_us = 0;
    LIST_EACH(node, &me->room->participants) {
        const struct participant *to = LIST_ENTRY(node, struct participant, link);
        uint64_t wait_us = to == me ? 0 : wait_for_one(hub, spent, to, bytes);
        longest_us = wait_us > longest_us ? wait_us : longest_us;
    }
    return longest_us;
}

static uint64_t seconds_up(uint64_t us) {
    return (us + US_PER_SECOND - 1) / US_PER_SECOND;
}

static bool refuse_all(struct hub *hub, uint64_t bytes, uint32_t receivers, uint64_t wait_us,
                       struct hub_refusal *refusal) {
    hub->counts.rate_limited++;
    return hub_refuse(
        refusal, HUB_RATE_LIMITED,
        "this would be %" PRIu64 " bytes to %u others, and you have sent them a lot lately: %" PRIu64
        " bytes a second are allowed, summed over all who get them; send it again in %" PRIu64 " s",
        bytes, receivers, rate_of(hub), seconds_up(wait_us));
}

static bool refuse_one(struct hub *hub, bool target, uint64_t bytes, uint64_t wait_us,
                       struct hub_refusal *refusal) {
    hub->counts.rate_limited++;
    return hub_refuse(
        refusal, HUB_RATE_LIMITED,
        "these %" PRIu64 " bytes are too much for %s just now: one participant gets at most %d bytes a "
        "second from others, and those who sent most have to wait; send it again in %" PRIu64 " s",
        bytes, target ? "the target" : "the others", RECEIVER_RATE, seconds_up(wait_us));
}

static void pay(struct hub *hub, struct relay_budget *spent, struct participant *to, uint64_t bytes) {
    owe(&spent->all_due_us, hub->now_us, bytes, rate_of(hub));
    owe(&to->relayed_due_us, hub->now_us, bytes, RECEIVER_RATE);
}

// waits: for the receivers, too.
static bool spend(struct hub *hub, struct participant *me, struct participant *target, uint64_t bytes,
                  bool waits, struct hub_refusal *refusal) {
    struct relay_budget *spent = &me->spent;
    uint32_t receivers = target ? 1 : me->room->participant_count - 1;
    uint64_t all_us = wait_for_all(hub, spent, bytes * receivers), one_us = 0;
    if (waits)
        one_us = target ? wait_for_one(hub, spent, target, bytes) : wait_for_room(hub, spent, me, bytes);
    if (one_us > all_us)
        return refuse_one(hub, target != NULL, bytes, one_us, refusal);
    if (all_us > 0)
        return refuse_all(hub, bytes, receivers, all_us, refusal);
    if (receivers > 0)
        owe(&spent->each_due_us, hub->now_us, bytes, SENDER_RATE);
    LIST_EACH(node, &me->room->participants) {
        struct participant *to = LIST_ENTRY(node, struct participant, link);
        if (target ? to == target : to != me)
            pay(hub, spent, to, bytes);
    }
    return true;
}

bool hub_spend(struct hub *hub, struct participant *me, struct participant *target, size_t data_bytes,
               struct hub_refusal *refusal) {
    return spend(hub, me, target, data_bytes + MESSAGE_OVERHEAD_BYTES, true, refusal);
}

bool hub_spend_notice(struct hub *hub, struct participant *me, size_t data_bytes,
                      struct hub_refusal *refusal) {
    uint64_t bytes = data_bytes + MESSAGE_OVERHEAD_BYTES;
    uint32_t *noticed = &me->spent.notice_bytes;
    bool first = *noticed + bytes <= NOTICES_BYTES_FREE;
    if (first)
        *noticed += (uint32_t)bytes;
    return spend(hub, me, NULL, bytes, !first, refusal);
}

bool hub_spend_join(struct hub *hub, struct relay_budget *spent, const struct room *room, size_t data_bytes,
                    struct hub_refusal *refusal) {
    uint64_t bytes = data_bytes + MESSAGE_OVERHEAD_BYTES;
    uint32_t receivers = room ? room->participant_count : 0;
    uint64_t wait_us = wait_for_all(hub, spent, bytes * receivers);
    if (wait_us > 0)
        return refuse_all(hub, bytes, receivers, wait_us, refusal);
    owe(&spent->all_due_us, hub->now_us, bytes * receivers, rate_of(hub));
    return true;
}

size_t hub_json_text_bytes(const char *text) {
    size_t bytes = 0;
    for (; *text; text++)
        bytes += strchr("\"\\\n\t", *text) ? 2 : 1;
    return bytes;
}
