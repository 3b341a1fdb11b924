#include "server/signal/json_scan.h"

#include <stdint.h>
#include <string.h>

struct scanner {
    const char *at, *end;
    size_t depth;
    uint8_t objects[JSON_SCAN_BYTES_MAX / 8]; // bit d: the container at depth d + 1 is an object
    struct json_place *place;                 // of the value that begins at depth 1, or NULL
    struct json_scan *out;
};

static void skip_spaces(struct scanner *s) {
    while (s->at < s->end && (*s->at == ' ' || *s->at == '\t' || *s->at == '\n' || *s->at == '\r'))
        s->at++;
}

static bool take(struct scanner *s, char c) {
    if (s->at == s->end || *s->at != c)
        return false;
    s->at++;
    return true;
}

static bool is_digit(const struct scanner *s) {
    return s->at < s->end && *s->at >= '0' && *s->at <= '9';
}

static bool take_digits(struct scanner *s) {
    if (!is_digit(s))
        return false;
    while (is_digit(s))
        s->at++;
    return true;
}

static bool take_number(struct scanner *s) {
    take(s, '-');
    if (!take(s, '0') && !take_digits(s))
        return false;
    if (take(s, '.') && !take_digits(s))
        return false;
    if (take(s, 'e') || take(s, 'E')) {
        if (!take(s, '+'))
            take(s, '-');
        return take_digits(s);
    }
    return true;
}

static bool is_hex(char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

static bool take_escape(struct scanner *s) {
    if (s->at == s->end)
        return false;
    char c = *s->at++;
    if (c != 'u')
        return c != '\0' && strchr("\"\\/bfnrt", c) != NULL;
    if (s->end - s->at < 4)
        return false;
    for (int i = 0; i < 4; i++)
        if (!is_hex(*s->at++))
            return false;
    return true;
}

static bool take_string(struct scanner *s) {
    if (!take(s, '"'))
        return false;
    while (s->at < s->end) {
        unsigned char c = (unsigned char)*s->at++;
        if (c == '"')
            return true;
        if (c < 0x20 || (c == '\\' && !take_escape(s)))
            return false;
    }
    return false;
}

static bool take_word(struct scanner *s, const char *word) {
    size_t len = strlen(word);
    if ((size_t)(s->end - s->at) < len || memcmp(s->at, word, len) != 0)
        return false;
    s->at += len;
    return true;
}

static bool take_scalar(struct scanner *s) {
    if (s->at == s->end)
        return false;
    if (*s->at == '"')
        return take_string(s);
    return take_word(s, "true") || take_word(s, "false") || take_word(s, "null") || take_number(s);
}

static bool in_object(const struct scanner *s) {
    return s->objects[(s->depth - 1) / 8] >> ((s->depth - 1) % 8) & 1;
}

static void push(struct scanner *s, bool object) {
    uint8_t bit = (uint8_t)(1 << (s->depth % 8));
    uint8_t *byte = &s->objects[s->depth / 8];
    *byte = (uint8_t)(object ? *byte | bit : *byte & ~bit);
    s->depth++;
}

static bool take_key(struct scanner *s) {
    skip_spaces(s);
    const char *key = s->at;
    if (!take_string(s))
        return false;
    size_t len = (size_t)(s->at - key);
    if (s->depth == 1)
        s->place = len == 6 && memcmp(key, "\"type\"", 6) == 0 ? &s->out->type
                   : len == 4 && memcmp(key, "\"id\"", 4) == 0 ? &s->out->id
                                                               : NULL;
    skip_spaces(s);
    if (!take(s, ':'))
        return false;
    skip_spaces(s);
    if (s->depth == 1 && s->place)
        s->place->text = s->at;
    return true;
}

// Up to the beginning of the next value, or out of what ends here. False: no JSON. *ended: the whole has
// ended.
static bool after_value(struct scanner *s, bool *ended) {
    for (;;) {
        if (s->depth == 1 && s->place) {
            s->place->len = (size_t)(s->at - s->place->text);
            s->place = NULL;
        }
        skip_spaces(s);
        *ended = s->depth == 0;
        if (*ended)
            return s->at == s->end;
        bool object = in_object(s);
        if (take(s, ','))
            return !object || take_key(s);
        if (!take(s, object ? '}' : ']'))
            return false;
        s->depth--;
    }
}

// One value's beginning, or the whole of a scalar. *opened: a container that is not empty has begun.
static bool take_value(struct scanner *s, bool *opened) {
    skip_spaces(s);
    *opened = false;
    bool object = take(s, '{');
    if (!object && !take(s, '['))
        return take_scalar(s);
    push(s, object);
    skip_spaces(s);
    if (take(s, object ? '}' : ']')) {
        s->depth--;
        return true;
    }
    *opened = true;
    return !object || take_key(s);
}

bool json_scan(const char *text, size_t len, struct json_scan *out) {
    struct scanner s = {.at = text, .end = text + len, .out = out};
    bool ended = false, opened;
    *out = (struct json_scan){0};
    if (len > JSON_SCAN_BYTES_MAX)
        return false;
    skip_spaces(&s);
    if (s.at == s.end || *s.at != '{')
        return false;
    while (!ended) {
        if (!take_value(&s, &opened))
            return false;
        if (!opened && !after_value(&s, &ended))
            return false;
    }
    return true;
}
