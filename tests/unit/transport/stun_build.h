// stun_build: STUN messages (RFC 8489) written and read without libnice, so that tests do not ask the library
// under test whether it is right.
#ifndef TESTS_STUN_BUILD_H
#define TESTS_STUN_BUILD_H

#include "base/bytes.h"
#include "base/addr.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#define STUN_REQUEST_TYPE 0x0001
#define STUN_INDICATION_TYPE 0x0011
#define STUN_SUCCESS_TYPE 0x0101
#define STUN_ERROR_TYPE 0x0111

#define ATTR_USERNAME 0x0006
#define ATTR_MESSAGE_INTEGRITY 0x0008
#define ATTR_ERROR_CODE 0x0009
#define ATTR_UNKNOWN_ATTRIBUTES 0x000a
#define ATTR_XOR_MAPPED_ADDRESS 0x0020
#define ATTR_PRIORITY 0x0024
#define ATTR_USE_CANDIDATE 0x0025
#define ATTR_FINGERPRINT 0x8028
#define ATTR_ICE_CONTROLLED 0x8029
#define ATTR_ICE_CONTROLLING 0x802a
#define ATTR_MS_IMPLEMENTATION_VERSION 0x8070
#define ATTR_GOOG_NETWORK_INFO 0xc057

#define STUN_BUILD_MAX 4096

struct stun_build {
    size_t len;
    uint8_t bytes[STUN_BUILD_MAX];
};

static inline void stun_set_length(struct stun_build *b) {
    store_be16(b->bytes + 2, (uint16_t)(b->len - 20));
}

// Each message has a transaction id of its own, as each check of a peer has.
static inline void stun_begin(struct stun_build *b, uint16_t type) {
    static uint32_t messages;
    memset(b, 0, sizeof *b);
    store_be16(b->bytes, type);
    store_be32(b->bytes + 4, UINT32_C(0x2112a442));
    for (uint8_t i = 0; i < 12; i++)
        b->bytes[8 + i] = (uint8_t)(0xa0 + i);
    store_be32(b->bytes + 16, ++messages);
    b->len = 20;
}

static inline void stun_attr(struct stun_build *b, uint16_t type, const void *value, size_t len) {
    store_be16(b->bytes + b->len, type);
    store_be16(b->bytes + b->len + 2, (uint16_t)len);
    if (len)
        memcpy(b->bytes + b->len + 4, value, len);
    b->len += 4 + ((len + 3) & ~(size_t)3);
    stun_set_length(b);
}

static inline void stun_attr_u32(struct stun_build *b, uint16_t type, uint32_t value) {
    uint8_t v[4];
    store_be32(v, value);
    stun_attr(b, type, v, sizeof v);
}

static inline void stun_attr_u64(struct stun_build *b, uint16_t type, uint64_t value) {
    uint8_t v[8];
    store_be64(v, value);
    stun_attr(b, type, v, sizeof v);
}

// HMAC-SHA1 of the first len bytes of a message whose length field is made to say `end` (section 14.5).
static inline void stun_hmac(const uint8_t *message, size_t len, size_t end, struct span key,
                             uint8_t out[20]) {
    static const uint8_t no_key[1];
    uint8_t copy[STUN_BUILD_MAX];
    unsigned out_len = 20;
    memcpy(copy, message, len);
    store_be16(copy + 2, (uint16_t)(end - 20));
    HMAC(EVP_sha1(), key.len ? key.ptr : no_key, (int)key.len, copy, len, out, &out_len);
}

static inline void stun_integrity(struct stun_build *b, struct span key) {
    uint8_t mac[20];
    stun_hmac(b->bytes, b->len, b->len + 24, key, mac);
    stun_attr(b, ATTR_MESSAGE_INTEGRITY, mac, sizeof mac);
}

static inline uint32_t stun_crc(const uint8_t *p, size_t len) {
    uint32_t crc = UINT32_MAX;
    for (size_t i = 0; i < len; i++) {
        crc ^= p[i];
        for (int k = 0; k < 8; k++)
            crc = crc >> 1 ^ (crc & 1 ? UINT32_C(0xedb88320) : 0);
    }
    return ~crc ^ UINT32_C(0x5354554e);
}

static inline void stun_fingerprint(struct stun_build *b) {
    b->len += 8;
    stun_set_length(b); // section 14.7: the length covers FINGERPRINT itself
    b->len -= 8;
    stun_attr_u32(b, ATTR_FINGERPRINT, stun_crc(b->bytes, b->len));
}

// The first attribute of a type; ptr NULL when there is none. offset: where its header starts.
static inline struct span stun_find(struct span message, uint16_t type, size_t *offset) {
    for (size_t at = 20; at + 4 <= message.len;) {
        size_t len = load_be16(message.ptr + at + 2);
        if (at + 4 + len > message.len)
            break;
        if (load_be16(message.ptr + at) == type) {
            if (offset)
                *offset = at;
            return span_of(message.ptr + at + 4, len);
        }
        at += 4 + ((len + 3) & ~(size_t)3);
    }
    return (struct span){0};
}

static inline bool stun_integrity_holds(struct span message, struct span key) {
    size_t at = 0;
    struct span mac = stun_find(message, ATTR_MESSAGE_INTEGRITY, &at);
    uint8_t expected[20];
    if (mac.len != 20 || message.len > STUN_BUILD_MAX)
        return false;
    stun_hmac(message.ptr, at, at + 24, key, expected);
    return memcmp(mac.ptr, expected, 20) == 0;
}

static inline bool stun_fingerprint_holds(struct span message) {
    size_t at = 0;
    struct span crc = stun_find(message, ATTR_FINGERPRINT, &at);
    return crc.len == 4 && at + 8 == message.len && load_be32(crc.ptr) == stun_crc(message.ptr, at);
}

static inline bool stun_mapped_address(struct span message, struct addr *out) {
    struct span v = stun_find(message, ATTR_XOR_MAPPED_ADDRESS, NULL);
    *out = (struct addr){0};
    if (v.len != 8 && v.len != 20)
        return false;
    out->family = v.ptr[1] == 1 ? 4 : 6;
    out->port = (uint16_t)(load_be16(v.ptr + 2) ^ 0x2112);
    for (size_t i = 0; i < v.len - 4; i++)
        out->ip[i] = v.ptr[4 + i] ^ message.ptr[4 + i]; // the cookie, then the transaction id
    return v.len == (out->family == 4 ? 8u : 20u);
}

static inline int stun_error_code(struct span message) {
    struct span v = stun_find(message, ATTR_ERROR_CODE, NULL);
    return v.len >= 4 ? v.ptr[2] * 100 + v.ptr[3] : 0;
}

#endif
