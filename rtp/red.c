#include "rtp/red.h"

#include <assert.h>

// RFC 2198, section 3: F, payload type; of all blocks but the last also 14 bits of timestamp offset and 10
// bits of length.
#define MORE_BIT 0x80
#define TYPE_BITS 0x7f
#define HEADER_BYTES 4

bool red_read(struct span payload, uint16_t *primary_at) {
    size_t at = 0, blocks_len = 0;
    for (unsigned i = 0; i < RED_BLOCKS_MAX; i++, at += HEADER_BYTES) {
        if (at >= payload.len)
            return false;
        const uint8_t *head = payload.ptr + at;
        if (!(head[0] & MORE_BIT)) {
            size_t primary = at + 1 + blocks_len;
            *primary_at = (uint16_t)primary;
            return primary < payload.len && primary <= UINT16_MAX;
        }
        if (payload.len - at < HEADER_BYTES)
            return false;
        blocks_len += (size_t)(head[2] & 3) << 8 | head[3];
    }
    return false;
}

bool red_is_of(struct span payload, uint8_t payload_type) {
    const uint8_t *head = payload.ptr;
    bool right = true;
    for (; *head & MORE_BIT; head += HEADER_BYTES)
        right &= (*head & TYPE_BITS) == payload_type;
    assert(head < payload.ptr + payload.len);
    return right && *head == payload_type;
}

void red_set_payload_type(uint8_t *payload, size_t len, uint8_t payload_type) {
    uint8_t *head = payload;
    for (; *head & MORE_BIT; head += HEADER_BYTES)
        *head = MORE_BIT | payload_type;
    *head = payload_type;
    assert(head < payload + len && !(payload_type & MORE_BIT));
}
