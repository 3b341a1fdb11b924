#include "base/err.h"

const char *err_name(enum err e) {
    switch (e) {
    case ERR_OK:
        return "ok";
    case ERR_NO_MEMORY:
        return "out of memory";
    case ERR_LIMIT:
        return "limit reached";
    case ERR_MALFORMED:
        return "malformed";
    case ERR_AUTH:
        return "not authentic";
    case ERR_WRONG_STATE:
        return "wrong state";
    case ERR_NOT_FOUND:
        return "not found";
    case ERR_EXISTS:
        return "exists already";
    case ERR_UNSUPPORTED:
        return "unsupported";
    case ERR_IO:
        return "input/output error";
    case ERR_AGAIN:
        return "try again";
    }
    return "unknown error";
}
