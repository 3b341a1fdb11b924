// Names of people and rooms, from texts of clients.
#include "rooms/name.h"
#include "server/hub/hub_internal.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

bool hub_read_name(const char *field, const char *text, size_t chars_max, char *out,
                   struct hub_refusal *refusal) {
    uint32_t refused;
    char which[64] = "";
    enum err e = name_normalise(text, chars_max, out, &refused);
    if (e == ERR_OK)
        return true;
    if (e == ERR_NO_MEMORY)
        return hub_refuse_memory(refusal);
    if (refused)
        snprintf(which, sizeof which, "; U+%04" PRIX32 " is one", refused);
    return hub_refuse(refusal, HUB_BAD_REQUEST,
                      "`%s` must be 1 to %zu characters, not counting spaces around it, without control "
                      "characters, others that do not show, and more marks than stand on a letter%s",
                      field, chars_max, which);
}

// FNV-1a of what is left when the name is folded. Whoever finds a second name for a number keeps out by it
// whom that second name itself would keep out.
bool hub_look_of(const char *name, uint64_t *look, struct hub_refusal *refusal) {
    char folded[NAME_FOLDED_BYTES_MAX];
    if (name_fold(name, folded) != ERR_OK)
        return hub_refuse_memory(refusal);
    *look = UINT64_C(0xcbf29ce484222325);
    for (const char *c = folded; *c; c++)
        *look = (*look ^ (unsigned char)*c) * UINT64_C(0x100000001b3);
    return true;
}

#define WORDS_BYTES_MAX 512

bool hub_words_fit(const char *words, struct hub_refusal *refusal) {
    if (words && hub_has_control(words, ""))
        return hub_refuse(refusal, HUB_BAD_REQUEST, "`reason` has control characters");
    return !words || strlen(words) <= WORDS_BYTES_MAX ||
           hub_refuse(refusal, HUB_LIMIT_REACHED, "`reason` may have at most %d bytes of UTF-8",
                      WORDS_BYTES_MAX);
}

bool hub_has_control(const char *text, const char *allowed) {
    const unsigned char *t = (const unsigned char *)text;
    for (; *t; t++)
        if ((*t < 0x20 && !strchr(allowed, *t)) || *t == 0x7f ||
            (t[0] == 0xc2 && t[1] >= 0x80 && t[1] < 0xa0))
            return true;
    return false;
}
