// password_desk: verifies passwords, one after the other, on a thread of its own, because that takes a tenth
// of a second of a core and 16 MB by intent.
//
// What waits is bounded, and so is what waits for one address, so that who sends many keeps out nobody but
// those of its own network. The owner's thread asks and takes; `wake` is called from the other one.
#ifndef SERVER_PASSWORD_DESK_H
#define SERVER_PASSWORD_DESK_H

#include "server/common/net_address.h"

#include <stdbool.h>
#include <stdint.h>

#define PASSWORD_WAITING_MAX 64
#define PASSWORD_WAITING_PER_ADDRESS_MAX 8

struct password_desk;

struct password_question {
    uint32_t client, ticket;    // the asker's
    struct net_address address; // of whoever sent the password
    bool moderator;             // what it would be good for
    bool right;                 // the answer
};

struct password_desk *password_desk_open(void (*wake)(void *ctx), void *ctx); // NULL: the system refused
// Waits for the one that is being verified. NULL is fine.
void password_desk_close(struct password_desk *desk);
// False: too many wait, or no memory. The texts are copied; the hash is one that password_hash_valid takes.
bool password_desk_ask(struct password_desk *desk, const struct password_question *question,
                       const char *password, const char *hash);
// The next question that is answered; false: none is just now.
bool password_desk_take(struct password_desk *desk, struct password_question *out);

#endif
