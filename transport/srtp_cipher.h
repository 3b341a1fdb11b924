// srtp_cipher: AES-GCM for libsrtp2 and for srtp_sender at the price of the CPU's own instructions, given to
// the former through srtp_replace_cipher_type.
//
// The distribution's libsrtp2 computes AES-GCM with NSS: about 950 ns for a packet of 1200 bytes and twice to
// four times that when keys alternate, as they do in a server that protects each packet for each receiver.
// Here it is libipsec-mb where it was built in and the CPU has AES-NI and carry-less multiplication, else
// OpenSSL with one kept context a key. Packets are the same bit for bit. AES_CM_128_HMAC_SHA1_80, for clients
// that do not offer GCM, stays libsrtp2's own: RFC 8827 (6.5) makes it mandatory, and it costs several
// times as much a packet (docs/performance.md).
//
// libsrtp2's table of ciphers is one a process: choose before the first session and before threads start. A
// session keeps the cipher that it was created with.
#ifndef TRANSPORT_SRTP_CIPHER_H
#define TRANSPORT_SRTP_CIPHER_H

#include "base/err.h"

#include <stdbool.h>

enum srtp_cipher {
    SRTP_CIPHER_STOCK, // whatever libsrtp2 was built with
    SRTP_CIPHER_OPENSSL,
    SRTP_CIPHER_IPSEC_MB,
    SRTP_CIPHER_COUNT
};

const char *srtp_cipher_name(enum srtp_cipher cipher); // of the library
bool srtp_cipher_available(enum srtp_cipher cipher);   // built in, and this CPU can
enum srtp_cipher srtp_cipher_best(void);

// Makes it the AES-GCM of sessions created from now on. libsrtp2 first tries it against the test data of both
// sides; ERR_UNSUPPORTED when that fails or it is not available. SRTP_CIPHER_STOCK changes nothing: it is
// what there is after srtp_init. libsrtp2 must be initialised.
MUST_USE enum err srtp_cipher_use(enum srtp_cipher cipher);

#endif
