// leb128: sizes as AV1 writes them (AV1 bitstream specification, section 4.10.5): seven bits a byte, the
// lowest first, at most eight bytes. Pure.
#ifndef BASE_LEB128_H
#define BASE_LEB128_H

#include "base/bytes.h"

#define LEB128_BYTES_MAX 8

// 0 and r->failed where the bytes end, or where it goes on after the last that it may have.
static inline size_t read_leb128(struct reader *r) {
    uint64_t value = 0;
    for (unsigned i = 0; i < LEB128_BYTES_MAX; i++) {
        uint8_t byte = read_u8(r);
        value |= (uint64_t)(byte & 0x7f) << (7 * i);
        if (!(byte & 0x80))
            return (size_t)value;
    }
    r->failed = true;
    return 0;
}

#endif
