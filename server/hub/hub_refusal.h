// hub_refusal: why a verb was not done, for programs (the code, which stays) and for people (the text).
#ifndef SERVER_HUB_REFUSAL_H
#define SERVER_HUB_REFUSAL_H

#include <stdbool.h>

#define HUB_REFUSAL_BYTES_MAX 384 // of the text and its end

enum hub_code {
    HUB_BAD_REQUEST,
    HUB_NOT_FOUND,
    HUB_FORBIDDEN,
    HUB_UNAUTHORIZED,      // a token is missing
    HUB_ENCRYPTION_NEEDED, // from end to end
    HUB_PASSWORD_NEEDED,   // and did not come
    HUB_PASSWORD_WRONG,    //
    HUB_PASSWORD_ATTEMPTS, // too many lately; none was verified
    HUB_USERNAME_TAKEN,
    HUB_ROOM_FULL,
    HUB_LIMIT_REACHED,
    HUB_UNSUPPORTED,
    HUB_WRONG_STATE,
    HUB_RATE_LIMITED,
    HUB_DRAINING,
    HUB_BUSY,      // a worker takes nothing now
    HUB_NO_MEMORY, // without a text
    HUB_CODE_COUNT
};

struct hub_refusal {
    enum hub_code code;
    char text[HUB_REFUSAL_BYTES_MAX]; // does not name the verb: "a participant may have 8 transports; ..."
};

struct refusal; // rooms/negotiate.h

// Fills it in and returns false.
bool hub_refuse(struct hub_refusal *refusal, enum hub_code code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
bool hub_refuse_memory(struct hub_refusal *refusal);
bool hub_refuse_busy(struct hub_refusal *refusal);
// With the words of a failed negotiation, behind those of `what` if that is not NULL.
bool hub_refuse_negotiation(struct hub_refusal *refusal, const char *what, const struct refusal *why);

#endif
