#include "server/common/list_text.h"

#include <ctype.h>
#include <string.h>

bool list_text_next(const char **rest, const char **item, size_t *len) {
    const char *begin = *rest;
    if (!begin)
        return false;
    const char *end = begin + strcspn(begin, ",");
    *rest = *end ? end + 1 : NULL;
    while (begin < end && isspace((unsigned char)*begin))
        begin++;
    while (begin < end && isspace((unsigned char)end[-1]))
        end--;
    *item = begin;
    *len = (size_t)(end - begin);
    return true;
}
