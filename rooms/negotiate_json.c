#include "rooms/negotiate_internal.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

bool negotiate_refuse(struct refusal *refusal, enum err code, const char *format, ...) {
    va_list args;

    refusal->code = code;
    va_start(args, format);
    vsnprintf(refusal->text, sizeof refusal->text, format, args);
    va_end(args);
    return false;
}

json_t *negotiate_finish(json_t *built, bool ok, struct refusal *refusal) {
    if (built != NULL && ok)
        return built;
    json_decref(built);
    if (refusal->code == ERR_OK)
        negotiate_refuse(refusal, ERR_NO_MEMORY, "out of memory");
    return NULL;
}

bool negotiate_put(json_t *object, const char *key, json_t *value) {
    return json_object_set_new(object, key, value) == 0;
}

bool negotiate_append(json_t *array, json_t *value) {
    return json_array_append_new(array, value) == 0;
}

bool negotiate_put_whole(json_t *object, const char *key, int64_t value) {
    return negotiate_put(object, key, json_integer(value));
}

bool negotiate_put_text(json_t *object, const char *key, const char *text) {
    return negotiate_put(object, key, json_string(text));
}

json_t *negotiate_share(const json_t *scalar) {
    return json_incref((json_t *)scalar);
}

// Above 2^53 a double no longer tells neighbouring whole numbers apart.
#define WHOLE_DOUBLE_MAX 9007199254740992.0

static bool double_is_whole(double value) {
    return value >= -WHOLE_DOUBLE_MAX && value <= WHOLE_DOUBLE_MAX && (double)(int64_t)value == value;
}

json_t *negotiate_number_copy(const json_t *number) {
    if (json_is_real(number) && double_is_whole(json_real_value(number)))
        return json_integer((json_int_t)json_real_value(number));
    return negotiate_share(number);
}

json_t *negotiate_flat_copy(const json_t *object) {
    json_t *copy = json_object();
    const char *key;
    json_t *value;
    bool ok = copy != NULL;

    json_object_foreach((json_t *)object, key, value) {
        ok = ok &&
             negotiate_put(copy, key,
                           json_is_number(value) ? negotiate_number_copy(value) : negotiate_share(value));
    }
    if (ok)
        return copy;
    json_decref(copy);
    return NULL;
}

bool negotiate_is_given(const json_t *value) {
    return value != NULL && !json_is_null(value);
}

bool negotiate_whole_number(const json_t *value, int64_t first, int64_t last, int64_t *out) {
    int64_t number;

    if (json_is_integer(value))
        number = json_integer_value(value);
    else if (json_is_real(value) && double_is_whole(json_real_value(value)))
        number = (int64_t)json_real_value(value);
    else
        return false;
    if (number < first || number > last)
        return false;
    *out = number;
    return true;
}

int64_t negotiate_whole_member(const json_t *object, const char *key, int64_t last) {
    int64_t number;

    return negotiate_whole_number(json_object_get(object, key), 0, last, &number) ? number : -1;
}

const char *negotiate_text_member(const json_t *object, const char *key) {
    const char *text = json_string_value(json_object_get(object, key));

    return text != NULL ? text : "";
}

bool negotiate_text_is_plain(const json_t *value, size_t max) {
    const char *text = json_string_value(value);
    size_t len = json_string_length(value);

    if (text == NULL || len == 0 || len > max)
        return false;
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)text[i];

        if (c < 0x20 || c == 0x7f)
            return false;
    }
    return true;
}
