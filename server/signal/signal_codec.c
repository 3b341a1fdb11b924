#include "server/signal/signal_codec.h"

#include "server/signal/json_scan.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TEXT_BUFFER_FIRST 1024

const char *signal_code_name(enum signal_code code) {
    static const char *const names[CODE_COUNT] = {
        [CODE_BAD_JSON] = "bad-json",
        [CODE_BAD_REQUEST] = "bad-request",
        [CODE_UNKNOWN_TYPE] = "unknown-type",
        [CODE_NOT_JOINED] = "not-joined",
        [CODE_ALREADY_JOINED] = "already-joined",
        [CODE_NOT_FOUND] = "not-found",
        [CODE_FORBIDDEN] = "forbidden",
        [CODE_UNAUTHORIZED] = "unauthorized",
        [CODE_ENCRYPTION_NEEDED] = "encryption-needed",
        [CODE_PASSWORD_NEEDED] = "password-needed",
        [CODE_PASSWORD_WRONG] = "password-wrong",
        [CODE_PASSWORD_ATTEMPTS] = "password-attempts",
        [CODE_USERNAME_TAKEN] = "username-taken",
        [CODE_ROOM_FULL] = "room-full",
        [CODE_LIMIT_REACHED] = "limit-reached",
        [CODE_UNSUPPORTED] = "unsupported",
        [CODE_WRONG_STATE] = "wrong-state",
        [CODE_RATE_LIMITED] = "rate-limited",
        [CODE_DRAINING] = "draining",
        [CODE_INTERNAL] = "internal",
    };
    assert(code < CODE_COUNT);
    return names[code];
}

void text_buffer_close(struct text_buffer *buffer) {
    free(buffer->text);
    *buffer = (struct text_buffer){0};
}

static bool set_member(json_t *object, const char *name, const struct json_place *place) {
    json_t *value = place->text ? json_loadb(place->text, place->len, JSON_DECODE_ANY, NULL) : NULL;
    return !value || json_object_set_new(object, name, value) == 0; // what cannot be read is left out
}

// Of a text that the parser does not take although it is JSON: type and id alone. NULL: it is none, or no
// memory.
static json_t *decode_head(const char *text, size_t len) {
    struct json_scan scan;
    if (!json_scan(text, len, &scan))
        return NULL;
    json_t *root = json_object();
    if (root && set_member(root, "type", &scan.type) && set_member(root, "id", &scan.id))
        return root;
    json_decref(root);
    return NULL;
}

static void read_members(struct signal_envelope *envelope, json_t *root) {
    envelope->root = root;
    envelope->type = json_string_value(json_object_get(root, "type"));
    envelope->data = json_object_get(root, "data");
    envelope->id = json_object_get(root, "id");
    if (json_is_null(envelope->id))
        envelope->id = NULL;
}

// The parser quotes the text, and may cut it within a character.
static void make_ascii(char *words) {
    for (; *words; words++)
        if ((unsigned char)*words >= 0x7f)
            *words = '?';
}

// Why the parser did not take the text.
static enum err decode_failed(const char *text, size_t len, json_error_t *error,
                              struct signal_envelope *envelope, char why[SIGNAL_ERROR_BYTES_MAX]) {
    // jansson has words for every fault of the text, and none when it merely lacked memory.
    if (json_error_code(error) == json_error_out_of_memory || error->text[0] == '\0')
        return ERR_NO_MEMORY;
    json_t *root = json_error_code(error) == json_error_invalid_utf8 ? NULL : decode_head(text, len);
    make_ascii(error->text);
    if (!root) {
        snprintf(why, SIGNAL_ERROR_BYTES_MAX, "the message is not valid JSON: %.150s (line %d, column %d)",
                 error->text, error->line, error->column);
        return ERR_MALFORMED;
    }
    read_members(envelope, root);
    snprintf(
        why, SIGNAL_ERROR_BYTES_MAX,
        "a value in the message is not taken: %.150s (line %d, column %d); strings must be of whole "
        "characters "
        "(no half of a surrogate pair, no \\u0000), numbers must fit 64 bits, nesting at most %d levels deep",
        error->text, error->line, error->column, JSON_PARSER_MAX_DEPTH);
    return ERR_UNSUPPORTED;
}

enum err signal_decode(const char *text, size_t len, struct signal_envelope *envelope,
                       char why[SIGNAL_ERROR_BYTES_MAX]) {
    *envelope = (struct signal_envelope){0};
    json_error_t error;
    // jansson passes over a zero byte behind a number or a word.
    const char *zero = len > 0 ? memchr(text, '\0', len) : NULL;
    if (zero) {
        snprintf(why, SIGNAL_ERROR_BYTES_MAX, "the message is not valid JSON: byte %zu is zero",
                 (size_t)(zero - text));
        return ERR_MALFORMED;
    }
    json_t *root = json_loadb(text, len, 0, &error);
    if (!root)
        return decode_failed(text, len, &error, envelope, why);
    if (!json_is_object(root)) {
        snprintf(why, SIGNAL_ERROR_BYTES_MAX,
                 "the message must be one JSON object: {\"type\": ..., \"data\": {...}}");
        json_decref(root);
        return ERR_MALFORMED;
    }
    read_members(envelope, root);
    return ERR_OK;
}

bool signal_check_envelope(struct signal_envelope *envelope, char why[SIGNAL_ERROR_BYTES_MAX]) {
    const json_t *id = envelope->id;
    if (id && !json_is_number(id) && !(json_is_string(id) && json_string_length(id) <= SIGNAL_ID_BYTES_MAX)) {
        envelope->id = NULL;
        snprintf(why, SIGNAL_ERROR_BYTES_MAX, "`id` must be a number or a string of at most %d bytes",
                 SIGNAL_ID_BYTES_MAX);
        return false;
    }
    if (!envelope->type) {
        snprintf(why, SIGNAL_ERROR_BYTES_MAX, "`type` is missing or not a string");
        return false;
    }
    if (json_is_null(envelope->data))
        envelope->data = NULL;
    if (envelope->data && !json_is_object(envelope->data)) {
        snprintf(why, SIGNAL_ERROR_BYTES_MAX, "`data` must be an object");
        return false;
    }
    return true;
}

// Code points of valid UTF-8.
static size_t utf8_chars(const char *text) {
    size_t chars = 0;
    for (; *text; text++)
        chars += ((unsigned char)*text & 0xc0) != 0x80;
    return chars;
}

static bool choice_has(const char *choices, const char *text) {
    size_t len = strlen(text);
    for (const char *at = choices; at; at = strchr(at, '|') ? strchr(at, '|') + 1 : NULL)
        if (strncmp(at, text, len) == 0 && (at[len] == '|' || at[len] == '\0'))
            return len > 0;
    return false;
}

static bool texts_fit(const struct field_rule *rule, const json_t *value) {
    int64_t count = (int64_t)json_array_size(value);
    bool fit = json_is_array(value) && count >= rule->min && count <= rule->max;
    for (size_t i = 0; fit && i < (size_t)count; i++) {
        const char *text = json_string_value(json_array_get(value, i));
        fit = text && (!rule->choices || choice_has(rule->choices, text));
    }
    return fit;
}

static bool value_fits(const struct field_rule *rule, const json_t *value) {
    switch (rule->kind) {
    case FIELD_TEXT: {
        if (!json_is_string(value))
            return false;
        int64_t chars = (int64_t)utf8_chars(json_string_value(value));
        return chars >= rule->min && chars <= rule->max;
    }
    case FIELD_BOOL:
        return json_is_boolean(value);
    case FIELD_INTEGER:
        return json_is_integer(value) && json_integer_value(value) >= rule->min &&
               json_integer_value(value) <= rule->max;
    case FIELD_OBJECT:
        return json_is_object(value);
    case FIELD_CHOICE:
        return json_is_string(value) && choice_has(rule->choices, json_string_value(value));
    case FIELD_TEXTS:
        return texts_fit(rule, value);
    case FIELD_ANY:
    case FIELD_END:
        return true;
    }
    return false;
}

// "`roomId` is required: a string of 1 to 128 characters"
static void describe(const struct field_rule *rule, bool missing, char why[SIGNAL_ERROR_BYTES_MAX]) {
    const char *verb = missing ? "is required:" : "must be";
    switch (rule->kind) {
    case FIELD_TEXT:
        snprintf(why, SIGNAL_ERROR_BYTES_MAX, "`%s` %s a string of %lld to %lld characters", rule->name, verb,
                 (long long)rule->min, (long long)rule->max);
        break;
    case FIELD_BOOL:
        snprintf(why, SIGNAL_ERROR_BYTES_MAX, "`%s` %s true or false", rule->name, verb);
        break;
    case FIELD_INTEGER:
        snprintf(why, SIGNAL_ERROR_BYTES_MAX, "`%s` %s an integer from %lld to %lld", rule->name, verb,
                 (long long)rule->min, (long long)rule->max);
        break;
    case FIELD_OBJECT:
        snprintf(why, SIGNAL_ERROR_BYTES_MAX, "`%s` %s an object", rule->name, verb);
        break;
    case FIELD_CHOICE:
        snprintf(why, SIGNAL_ERROR_BYTES_MAX, "`%s` %s one of %s", rule->name, verb, rule->choices);
        break;
    case FIELD_TEXTS:
        snprintf(why, SIGNAL_ERROR_BYTES_MAX, "`%s` %s an array of %lld to %lld strings%s%s", rule->name,
                 verb, (long long)rule->min, (long long)rule->max, rule->choices ? ", each one of " : "",
                 rule->choices ? rule->choices : "");
        break;
    case FIELD_ANY:
    case FIELD_END:
        snprintf(why, SIGNAL_ERROR_BYTES_MAX, "`%s` is required", rule->name);
        break;
    }
}

bool signal_check_fields(const struct field_rule *rules, const json_t *data,
                         char why[SIGNAL_ERROR_BYTES_MAX]) {
    for (const struct field_rule *rule = rules; rule->kind != FIELD_END; rule++) {
        const json_t *value = json_object_get(data, rule->name);
        bool missing = !value || json_is_null(value);
        if (missing ? !rule->required : value_fits(rule, value))
            continue;
        describe(rule, missing, why);
        return false;
    }
    return true;
}

static int buffer_append(const char *text, size_t len, void *data) {
    struct text_buffer *buffer = data;
    if (buffer->allocated - buffer->len < len) {
        size_t allocated = buffer->allocated ? buffer->allocated : TEXT_BUFFER_FIRST;
        while (allocated - buffer->len < len)
            allocated *= 2;
        char *grown = realloc(buffer->text, allocated);
        if (!grown)
            return -1;
        buffer->text = grown;
        buffer->allocated = allocated;
    }
    memcpy(buffer->text + buffer->len, text, len);
    buffer->len += len;
    return 0;
}

bool text_buffer_add(struct text_buffer *buffer, const char *text, size_t len) {
    return buffer_append(text, len, buffer) == 0;
}

bool text_buffer_add_json(struct text_buffer *buffer, const json_t *value) {
    return json_dump_callback(value, buffer_append, buffer, JSON_COMPACT | JSON_ENCODE_ANY) == 0;
}

bool text_buffer_add_string(struct text_buffer *buffer, const char *text) {
    json_t *string = json_string(text);
    bool ok = string && text_buffer_add_json(buffer, string);
    json_decref(string);
    return ok;
}

static bool buffer_add_text(struct text_buffer *buffer, const char *text) {
    return text_buffer_add(buffer, text, strlen(text));
}

// Types are ours and need no escaping.
static bool encode_head(struct text_buffer *buffer, const char *type) {
    buffer->len = 0;
    return buffer_add_text(buffer, "{\"type\":\"") && buffer_add_text(buffer, type) &&
           buffer_add_text(buffer, "\",\"data\":");
}

bool text_buffer_add_object(struct text_buffer *buffer, const json_t *object, const struct raw_member *raw,
                            size_t raw_count) {
    bool ok = text_buffer_add_json(buffer, object);
    if (ok && raw_count > 0)
        buffer->len--; // the brace, which comes later
    for (size_t i = 0; i < raw_count; i++)
        ok = ok && buffer_add_text(buffer, ",\"") && buffer_add_text(buffer, raw[i].name) &&
             buffer_add_text(buffer, "\":") && text_buffer_add(buffer, raw[i].text, raw[i].len);
    return ok && (raw_count == 0 || buffer_add_text(buffer, "}"));
}

bool signal_encode_raw(struct text_buffer *buffer, const char *type, const json_t *data,
                       const struct raw_member *raw, size_t raw_count, const json_t *id) {
    return encode_head(buffer, type) && text_buffer_add_object(buffer, data, raw, raw_count) &&
           (!id || (buffer_add_text(buffer, ",\"id\":") && text_buffer_add_json(buffer, id))) &&
           buffer_add_text(buffer, "}");
}

bool signal_encode(struct text_buffer *buffer, const char *type, const json_t *data, const json_t *id) {
    return signal_encode_raw(buffer, type, data, NULL, 0, id);
}

bool signal_encode_text(struct text_buffer *buffer, const char *type, const char *data, size_t len) {
    return encode_head(buffer, type) && text_buffer_add(buffer, data, len) && buffer_add_text(buffer, "}");
}

const char *signal_data_text(const json_t *data, const char *name) {
    return json_string_value(json_object_get(data, name));
}

bool signal_data_bool(const json_t *data, const char *name) {
    return json_is_true(json_object_get(data, name));
}

int64_t signal_data_integer(const json_t *data, const char *name, int64_t otherwise) {
    const json_t *value = json_object_get(data, name);
    return json_is_integer(value) ? json_integer_value(value) : otherwise;
}

json_t *signal_data_object(const json_t *data, const char *name) {
    json_t *value = json_object_get(data, name);
    return json_is_object(value) ? value : NULL;
}
