#include "transport/stun_gate.h"

#include "base/clock.h"

#include <string.h>

#define CHECK_US (US_PER_SECOND / STUN_GATE_CHECKS_S)
#define BURST_US US_PER_SECOND

static uint32_t tuple_hash(const struct tuple *tuple) {
    const uint8_t *p = (const uint8_t *)tuple;
    uint32_t h = UINT32_C(2166136261); // FNV-1a
    for (size_t i = 0; i < sizeof *tuple; i++)
        h = (h ^ p[i]) * UINT32_C(16777619);
    return h ? h : 1; // 0: an entry that is not used
}

static int gate_find(const struct stun_gate *gate, const uint8_t *id) {
    for (int i = 0; i < STUN_GATE_IDS; i++)
        if (gate->seen[i].tuple && memcmp(gate->seen[i].id, id, STUN_GATE_ID_BYTES) == 0)
            return i;
    return -1;
}

enum stun_gate_verdict stun_gate_look(const struct stun_gate *gate, const uint8_t id[STUN_GATE_ID_BYTES],
                                      const struct tuple *from, bool proven, uint64_t now_us) {
    if (gate->full_us[proven] >= now_us + BURST_US)
        return STUN_GATE_FULL;
    int at = gate_find(gate, id);
    if (at < 0)
        return STUN_GATE_NEW;
    if (gate->seen[at].tuple == tuple_hash(from))
        return STUN_GATE_AGAIN;
    return proven ? STUN_GATE_NEW : STUN_GATE_COPIED;
}

void stun_gate_note(struct stun_gate *gate, const uint8_t id[STUN_GATE_ID_BYTES], const struct tuple *from,
                    bool proven, uint64_t now_us) {
    uint64_t *full_us = &gate->full_us[proven];
    *full_us = (*full_us > now_us ? *full_us : now_us) + CHECK_US;
    int at = gate_find(gate, id);
    if (at < 0) {
        at = gate->next;
        gate->next = (uint8_t)((gate->next + 1) % STUN_GATE_IDS);
    }
    gate->seen[at].tuple = tuple_hash(from);
    memcpy(gate->seen[at].id, id, STUN_GATE_ID_BYTES);
}
