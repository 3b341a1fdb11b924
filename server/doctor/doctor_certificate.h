// doctor_certificate: whether browsers will believe the certificates of a PEM file: the chain from the
// server's own, which is the first, to an authority that this machine knows.
//
// Reads files. Dates are another check's (server/web/tls_identity.h): here every certificate counts as valid
// now.
#ifndef SERVER_DOCTOR_CERTIFICATE_H
#define SERVER_DOCTOR_CERTIFICATE_H

#include <stdbool.h>
#include <stddef.h>

#define CHAIN_NAME_MAX 128

enum chain_state {
    CHAIN_TRUSTED,
    CHAIN_SELF_SIGNED, // the first certificate is its own authority
    CHAIN_BROKEN,      // the issuer of the last one that fits is neither in the file nor known here
    CHAIN_PRIVATE,     // whole, but its authority is not known here
    CHAIN_BAD,         // a signature is wrong, or a certificate is not for servers
    CHAIN_NO_ROOTS,    // this machine has no list of authorities to compare with
    CHAIN_UNREADABLE,  // the file
};

struct chain_facts {
    enum chain_state state;
    unsigned count;               // certificates in the file
    char issuer[CHAIN_NAME_MAX];  // CHAIN_BROKEN: who is missing; CHAIN_PRIVATE: the authority; printable
    char problem[CHAIN_NAME_MAX]; // CHAIN_BAD, CHAIN_UNREADABLE
};

// roots: a PEM file of authorities; NULL: those of this machine.
void chain_examine(const char *pem_path, const char *roots, struct chain_facts *out);

#endif
