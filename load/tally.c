#include "load/tally.h"

#include <assert.h>

const char *join_part_name(enum join_part part) {
    static const char *const names[JOIN_PARTS] = {
        [JOIN_WEBSOCKET] = "websocket",
        [JOIN_ROOM] = "room",
        [JOIN_TRANSPORTS] = "transports",
        [JOIN_ICE] = "ice",
        [JOIN_DTLS] = "dtls",
        [JOIN_TOTAL] = "join",
        [JOIN_FIRST_RTP] = "first_rtp",
        [JOIN_FIRST_KEY_FRAME] = "first_key_frame",
    };
    assert(part < JOIN_PARTS);
    return names[part];
}

const char *fault_name(enum fault fault) {
    static const char *const names[FAULTS] = {
        [FAULT_AUTH] = "auth",
        [FAULT_MALFORMED] = "malformed",
        [FAULT_SSRC] = "ssrc",
        [FAULT_PAYLOAD_TYPE] = "payload_type",
        [FAULT_MID] = "mid",
        [FAULT_SEQUENCE] = "sequence",
        [FAULT_TIMESTAMP] = "timestamp",
        [FAULT_RTX] = "rtx",
        [FAULT_MARK] = "mark",
        [FAULT_PAUSED] = "paused",
        [FAULT_STUN] = "stun",
        [FAULT_SIGNALLING] = "signalling",
    };
    assert(fault < FAULTS);
    return names[fault];
}
