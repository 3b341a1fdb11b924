// dtls_record: a datagram's DTLS records, looked at before they reach OpenSSL (RFC 6347, section 4.1). Pure.
//
// Records of epoch 0 are not authentic. Whoever guesses the peer's address could end a handshake with one of
// them, so only those pass that the handshake can need at all.
#ifndef TRANSPORT_DTLS_RECORD_H
#define TRANSPORT_DTLS_RECORD_H

#include "base/bytes.h"

#define DTLS_RECORD_HEADER_BYTES 13
#define DTLS_HANDSHAKE_HEADER_BYTES 12
#define DTLS_RECORD_SEQUENCE_OFFSET 5 // the 48-bit record number

enum dtls_content {
    DTLS_CONTENT_CHANGE_CIPHER_SPEC = 20,
    DTLS_CONTENT_ALERT = 21,
    DTLS_CONTENT_HANDSHAKE = 22,
    DTLS_CONTENT_APPLICATION = 23,
};

struct dtls_record {
    struct span bytes; // header and body
    struct span body;
    uint8_t content;
    uint16_t epoch;
};

// The next record. False at the end and at whatever is no record; the rest of the datagram is then void
// (RFC 6347, section 4.1.1).
bool dtls_record_next(struct reader *datagram, struct dtls_record *out);

// Begins with a fragment of a ClientHello in the clear.
bool dtls_record_is_client_hello(const struct dtls_record *record);

// May a handshake in which we are the server (or the client) need this record of epoch 0? Alerts may not.
bool dtls_record_in_clear_plausible(const struct dtls_record *record, bool server);

// Whether a ClientHello of one fragment says that it takes DTLS 1.2; true when it does not say.
bool dtls_record_takes_dtls12(const struct dtls_record *record);

#endif
