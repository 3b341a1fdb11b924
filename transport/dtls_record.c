#include "transport/dtls_record.h"

#define RECORD_BYTES_MAX (16384 + 2048) // RFC 6347, section 4.1: no ciphertext is longer

enum {
    CLIENT_HELLO = 1,
    SERVER_HELLO = 2,
    HELLO_VERIFY_REQUEST = 3,
    CERTIFICATE = 11,
    SERVER_KEY_EXCHANGE = 12,
    CERTIFICATE_REQUEST = 13,
    SERVER_HELLO_DONE = 14,
    CERTIFICATE_VERIFY = 15,
    CLIENT_KEY_EXCHANGE = 16,
};

#define BIT(type) (UINT32_C(1) << (type))
// What each role is sent in the clear (RFC 6347, section 4.2.4).
#define TO_SERVER (BIT(CLIENT_HELLO) | BIT(CERTIFICATE) | BIT(CERTIFICATE_VERIFY) | BIT(CLIENT_KEY_EXCHANGE))
#define TO_CLIENT                                                                                            \
    (BIT(SERVER_HELLO) | BIT(HELLO_VERIFY_REQUEST) | BIT(CERTIFICATE) | BIT(SERVER_KEY_EXCHANGE) |           \
     BIT(CERTIFICATE_REQUEST) | BIT(SERVER_HELLO_DONE))

bool dtls_record_next(struct reader *datagram, struct dtls_record *out) {
    const uint8_t *start = datagram->ptr;
    out->content = read_u8(datagram);
    uint16_t version = read_u16(datagram);
    out->epoch = read_u16(datagram);
    (void)read_raw(datagram, 6);
    uint16_t len = read_u16(datagram);
    out->body = read_span(datagram, len);
    if (datagram->failed || len == 0 || len > RECORD_BYTES_MAX)
        return false;
    // A first ClientHello says DTLS 1.0 (0xfeff), the rest 1.2 (0xfefd).
    if (version != 0xfeff && version != 0xfefd)
        return false;
    if (out->content < DTLS_CONTENT_CHANGE_CIPHER_SPEC || out->content > DTLS_CONTENT_APPLICATION)
        return false;
    out->bytes = span_of(start, DTLS_RECORD_HEADER_BYTES + (size_t)len);
    return true;
}

struct fragment {
    uint8_t type;
    uint32_t message_len, offset, len;
};

static bool fragment_next(struct reader *r, struct fragment *out) {
    out->type = read_u8(r);
    out->message_len = read_u24(r);
    (void)read_u16(r); // message_seq: OpenSSL keeps it in order
    out->offset = read_u24(r);
    out->len = read_u24(r);
    (void)read_raw(r, out->len);
    return !r->failed && out->offset <= out->message_len && out->len <= out->message_len - out->offset;
}

bool dtls_record_is_client_hello(const struct dtls_record *record) {
    struct reader r = reader_of(record->body);
    struct fragment fragment;
    return record->epoch == 0 && record->content == DTLS_CONTENT_HANDSHAKE && fragment_next(&r, &fragment) &&
           fragment.type == CLIENT_HELLO;
}

bool dtls_record_in_clear_plausible(const struct dtls_record *record, bool server) {
    if (record->epoch != 0)
        return false;
    if (record->content == DTLS_CONTENT_CHANGE_CIPHER_SPEC)
        return record->body.len == 1 && record->body.ptr[0] == 1;
    if (record->content != DTLS_CONTENT_HANDSHAKE)
        return false;
    struct reader r = reader_of(record->body);
    struct fragment fragment;
    while (r.left > 0) {
        if (!fragment_next(&r, &fragment) || fragment.type > 31)
            return false;
        if (!((server ? TO_SERVER : TO_CLIENT) & BIT(fragment.type)))
            return false;
    }
    return true;
}

#define EXTENSION_SUPPORTED_VERSIONS 43 // RFC 8446, section 4.2.1
#define VERSION_DTLS12 0xfefd

static bool versions_have_dtls12(struct reader versions) {
    bool found = false;
    while (versions.left > 0)
        found |= read_u16(&versions) == VERSION_DTLS12;
    return found || versions.failed;
}

bool dtls_record_takes_dtls12(const struct dtls_record *record) {
    struct reader r = reader_of(record->body);
    (void)read_raw(&r, 12 + 2 + 32);  // message header, version, random
    (void)read_raw(&r, read_u8(&r));  // session id
    (void)read_raw(&r, read_u8(&r));  // cookie
    (void)read_raw(&r, read_u16(&r)); // cipher suites
    (void)read_raw(&r, read_u8(&r));  // compression methods
    struct reader extensions = read_sub(&r, read_u16(&r));
    while (!extensions.failed && extensions.left > 0) {
        uint16_t type = read_u16(&extensions);
        struct reader body = read_sub(&extensions, read_u16(&extensions));
        if (type == EXTENSION_SUPPORTED_VERSIONS && !body.failed)
            return versions_have_dtls12(read_sub(&body, read_u8(&body)));
    }
    return true;
}
