#include "rooms/media/downlink.h"

#include "base/seq.h"
#include "rooms/media/media_objects.h"

#include <assert.h>

// So much must be free again before it goes on: who acknowledges a packet at a time does not halt and begin,
// each time with a key frame, at each of them.
#define RESUME_UNACKNOWLEDGED_MAX (DOWNLINK_UNACKNOWLEDGED_MAX / 2)

static void downlink_set(struct consumer *c, uint64_t acknowledged) {
    c->acknowledged = acknowledged;
    if (c->endpoint->numbers_free)
        c->halt_index = UINT64_MAX;
    else if (!c->halted)
        c->halt_index = acknowledged + DOWNLINK_UNACKNOWLEDGED_MAX;
}

void downlink_open(struct consumer *c) {
    downlink_set(c, c->rewrite.made.next);
}

void downlink_hold(struct consumer *c, struct block *prepared, uint64_t now_us) {
    assert(!downlink_goes_on(c) && c->rewrite.started);
    if (!c->halted) {
        c->halted = c->resync = true;
        c->probe_us = now_us + DOWNLINK_PROBE_US;
        c->fw->counters.downlink_halts++;
        return;
    }
    if (now_us < c->probe_us || c->rewrite.made.next >= c->halt_index + DOWNLINK_PROBES_MAX)
        return;
    c->probe_us = now_us + DOWNLINK_PROBE_US;
    consumer_send_probe(c, prepared, now_us);
}

void downlink_acknowledge(struct consumer *c, uint16_t seq, uint64_t now_us) {
    uint64_t next = c->rewrite.made.next, index = seq16_unwrap(next, seq);
    if (index >= next || index < c->acknowledged)
        return; // it never went out, or is known
    bool resumes = c->halted && next - (index + 1) <= RESUME_UNACKNOWLEDGED_MAX;
    c->halted = c->halted && !resumes;
    downlink_set(c, index + 1);
    if (resumes && c->active)
        consumer_source_changed(c, now_us);
}
