// Names: what comes out fits, is UTF-8, and means itself.
#include "rooms/name.h"

#include <assert.h>
#include <jansson.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define CHARS_MAX 64

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    json_t *text = json_stringn((const char *)bytes, size); // NULL: no UTF-8
    char name[4 * CHARS_MAX + 1], again[4 * CHARS_MAX + 1];
    uint32_t refused;
    if (text && name_normalise(json_string_value(text), CHARS_MAX, name, &refused) == ERR_OK) {
        json_t *out = json_string(name);
        assert(out && strlen(name) > 0 && name[0] != ' ' && name[strlen(name) - 1] != ' ');
        enum err e = name_normalise(name, CHARS_MAX, again, &refused);
        assert(e == ERR_OK && strcmp(name, again) == 0);
        json_decref(out);
    }
    json_decref(text);
    return 0;
}
