#include "transport/dtls_in_stun.h"

#include "base/bytes.h"

uint32_t dtls_in_stun_crc(struct span datagram) {
    static const uint32_t of_nibble[16] = {
        0x00000000, 0x1db71064, 0x3b6e20c8, 0x26d930ac, 0x76dc4190, 0x6b6b51f4, 0x4db26158, 0x5005713c,
        0xedb88320, 0xf00f9344, 0xd6d6a3e8, 0xcb61b38c, 0x9b64c2b0, 0x86d3d2d4, 0xa00ae278, 0xbdbdf21c};
    uint32_t crc = UINT32_MAX;
    for (size_t i = 0; i < datagram.len; i++) {
        crc ^= datagram.ptr[i];
        crc = crc >> 4 ^ of_nibble[crc & 15];
        crc = crc >> 4 ^ of_nibble[crc & 15];
    }
    return ~crc;
}

void dtls_in_stun_begin_flight(struct dtls_in_stun *s) {
    s->count = s->next = 0;
}

void dtls_in_stun_add(struct dtls_in_stun *s, struct span datagram) {
    if (s->count == DTLS_IN_STUN_FLIGHT || datagram.len == 0 || datagram.len > DTLS_IN_STUN_MAX)
        return;
    s->flight[s->count].crc = dtls_in_stun_crc(datagram);
    s->flight[s->count].len = (uint16_t)datagram.len;
    s->flight[s->count].acknowledged = false;
    memcpy(s->flight[s->count++].bytes, datagram.ptr, datagram.len);
}

void dtls_in_stun_heard(struct dtls_in_stun *s, struct span datagram) {
    uint32_t crc = dtls_in_stun_crc(datagram);
    for (unsigned i = 0; i < s->heard_count; i++)
        if (s->heard[i] == crc)
            return;
    if (s->heard_count == DTLS_IN_STUN_ACKS_MAX) {
        memmove(s->heard, s->heard + 1, sizeof s->heard - sizeof s->heard[0]);
        s->heard_count--;
    }
    s->heard[s->heard_count++] = crc;
}

void dtls_in_stun_acknowledged(struct dtls_in_stun *s, struct span value) {
    if (value.len % 4 != 0)
        return;
    for (size_t at = 0; at < value.len; at += 4)
        for (unsigned i = 0; i < s->count; i++)
            if (s->flight[i].crc == load_be32(value.ptr + at))
                s->flight[i].acknowledged = true;
}

struct span dtls_in_stun_next(struct dtls_in_stun *s) {
    for (unsigned n = 0; n < s->count; n++) {
        unsigned i = s->next++ % s->count;
        if (!s->flight[i].acknowledged)
            return span_of(s->flight[i].bytes, s->flight[i].len);
    }
    return (struct span){0};
}

size_t dtls_in_stun_acks(const struct dtls_in_stun *s, uint8_t out[DTLS_IN_STUN_ACKS_BYTES]) {
    for (unsigned i = 0; i < s->heard_count; i++)
        store_be32(out + 4 * i, s->heard[i]);
    return 4 * s->heard_count;
}
