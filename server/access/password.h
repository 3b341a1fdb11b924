// password: hashes of passwords, as libcrypt makes and verifies them (docs/adr/0010).
//
// A hash tells how it was made, so that those made with other costs or on other machines (mkpasswd) are fine.
// Making and verifying one takes long and much memory, which is what they are for: never on a thread that
// others wait for. Any thread.
#ifndef SERVER_PASSWORD_H
#define SERVER_PASSWORD_H

#include <stdbool.h>
#include <stddef.h>

#define PASSWORD_BYTES_MAX 512 // of libcrypt
#define PASSWORD_HASH_BYTES_MAX 383

// yescrypt, in a form that password_matches takes; false: the system refused, or the password is empty or too
// long.
bool password_hash(const char *password, char out[PASSWORD_HASH_BYTES_MAX + 1]);
// Whether the text is a hash that is taken: yescrypt ($y$), gost-yescrypt ($gy$), scrypt ($7$) or bcrypt
// ($2b$, $2y$, $2a$) of a cost of at most 15, the others of at most 1 GiB, since whoever guesses makes the
// server pay; older ones are guessed too quickly.
bool password_hash_valid(const char *hash);
// False: it is another one, or out of memory; or one of more than 72 bytes for a hash by bcrypt, which would
// not see the rest.
bool password_matches(const char *password, const char *hash);

#endif
