// The grammar of JSON: whatever the parser takes as an object is one, and type and id are found where it
// finds them.
#include "server/signal/json_scan.h"

#include <assert.h>
#include <jansson.h>
#include <stdint.h>
#include <string.h>

static void same_member(const json_t *object, const char *name, const struct json_place *place) {
    const json_t *value = json_object_get(object, name);
    if (!place->text) { // a key that is written with escapes is not looked for
        return;
    }
    json_t *found = json_loadb(place->text, place->len, JSON_DECODE_ANY, NULL);
    assert(found && value);
    json_decref(found);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    struct json_scan scan;
    const char *text = (const char *)bytes;
    bool good = json_scan(text, size, &scan);
    if (memchr(text, '\0', size)) { // the parser passes over some, so signal_decode does not ask it
        assert(!good);
        return 0;
    }
    json_t *value = json_loadb(text, size, 0, NULL);
    assert(!value || size > JSON_SCAN_BYTES_MAX || good == json_is_object(value));
    if (value && good) {
        same_member(value, "type", &scan.type);
        same_member(value, "id", &scan.id);
    }
    json_decref(value);
    return 0;
}
