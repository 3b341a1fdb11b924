// keys: what tokens are verified with: a file of keys, read at start and at SIGHUP.
//
// The file is one of three: lines `id: secret` (# begins a comment), one or more public keys in PEM, or a
// JSON Web Key Set (RFC 7517). Each key is of one kind and good for that kind's algorithms alone, so that no
// public key is ever taken for a secret (RFC 8725, section 3.1); one of a set that names its algorithm
// (`alg`) for that one alone. A public key has to be one that only its owner can sign with (no RSA exponent
// of 1). Secrets have 32 bytes or more (RFC 7518, section 3.2). Private keys in PEM are refused: this server
// needs none. Any thread.
#ifndef SERVER_KEYS_H
#define SERVER_KEYS_H

#include <stdbool.h>
#include <stddef.h>

#define KEYS_MAX 64
#define KEYS_FILE_MAX (256 * 1024)
#define KEY_ID_MAX 256
#define KEY_ALGORITHM_MAX 5
#define KEY_SECRET_BYTES_MIN 32

enum key_kind {
    KEY_SECRET, // HS256, HS384, HS512
    KEY_RSA,    // RS256, RS384, RS512
    KEY_EC_256, // ES256, by its curve
    KEY_EC_384, // ES384
    KEY_EC_521, // ES512
    KEY_KIND_COUNT
};

struct key {
    char id[KEY_ID_MAX + 1]; // "": it has none and is tried for any
    enum key_kind kind;
    char algorithm[KEY_ALGORITHM_MAX + 1]; // the only one that it is good for; "": all of its kind
    unsigned char *bytes;                  // the secret, or PEM; NUL-terminated beyond `len`
    size_t len;
};

struct keys {
    unsigned count;
    struct key list[KEYS_MAX];
};

// The one kind of key that an algorithm's name, spelt as RFC 7518 does, may be verified with. False: it is
// not known here.
bool key_kind_of(const char *algorithm, enum key_kind *kind);

// False: one line in `error`, and `keys` is empty.
bool keys_load(struct keys *keys, const char *path, char *error, size_t cap);
// The same of a text.
bool keys_parse(struct keys *keys, const char *text, size_t len, char *error, size_t cap);
void keys_free(struct keys *keys); // wipes; an empty one is fine

#endif
