#include "server/hub/hub_refusal.h"

#include "rooms/negotiate.h"

#include <stdarg.h>
#include <stdio.h>

bool hub_refuse(struct hub_refusal *refusal, enum hub_code code, const char *format, ...) {
    va_list args;
    refusal->code = code;
    va_start(args, format);
    vsnprintf(refusal->text, sizeof refusal->text, format, args);
    va_end(args);
    return false;
}

bool hub_refuse_memory(struct hub_refusal *refusal) {
    *refusal = (struct hub_refusal){.code = HUB_NO_MEMORY};
    return false;
}

bool hub_refuse_busy(struct hub_refusal *refusal) {
    return hub_refuse(refusal, HUB_BUSY, "the media worker is too busy; try again in a moment");
}

bool hub_refuse_negotiation(struct hub_refusal *refusal, const char *what, const struct refusal *why) {
    enum hub_code code = why->code == ERR_UNSUPPORTED ? HUB_UNSUPPORTED
                         : why->code == ERR_NO_MEMORY ? HUB_NO_MEMORY
                         : why->code == ERR_LIMIT     ? HUB_LIMIT_REACHED
                                                      : HUB_BAD_REQUEST;
    return hub_refuse(refusal, code, "%s%s%.256s", what ? what : "", what ? ": " : "", why->text);
}
