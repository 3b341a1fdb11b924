#include "server/common/frame_ancestors.h"

#include <string.h>

bool frame_ancestors_valid(const char *text) {
    size_t len = strlen(text);
    if (len == 0 || len >= FRAME_ANCESTORS_MAX || text[0] == ' ' || text[len - 1] == ' ')
        return false;
    for (const char *c = text; *c; c++) {
        if (*c < 0x20 || *c >= 0x7f || *c == ';' || *c == ',' || (*c == ' ' && c[1] == ' '))
            return false;
    }
    return true;
}
