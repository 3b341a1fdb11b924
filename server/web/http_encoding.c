#include "server/web/http_encoding.h"

#include <string.h>
#include <strings.h>

static const struct {
    const char *name, *ending;
} rows[ENCODING_COUNT] = {
    [ENCODING_IDENTITY] = {NULL, ""},
    [ENCODING_GZIP] = {"gzip", ".gz"},
    [ENCODING_BROTLI] = {"br", ".br"},
};

const char *http_encoding_name(enum http_encoding encoding) {
    return rows[encoding].name;
}

const char *http_encoding_ending(enum http_encoding encoding) {
    return rows[encoding].ending;
}

static struct span trimmed(struct span s) {
    while (s.len && (s.ptr[0] == ' ' || s.ptr[0] == '\t'))
        s = span_of(s.ptr + 1, s.len - 1);
    while (s.len && (s.ptr[s.len - 1] == ' ' || s.ptr[s.len - 1] == '\t'))
        s.len--;
    return s;
}

// Takes what stands before `separator` off the front of *rest.
static struct span split(struct span *rest, char separator) {
    const uint8_t *at = rest->len ? memchr(rest->ptr, separator, rest->len) : NULL;
    size_t len = at ? (size_t)(at - rest->ptr) : rest->len;
    struct span front = span_of(rest->ptr, len);
    size_t gone = at ? len + 1 : len;
    *rest = span_of(rest->ptr + gone, rest->len - gone);
    return trimmed(front);
}

static bool text_is(struct span s, const char *text) {
    return s.len == strlen(text) && strncasecmp((const char *)s.ptr, text, s.len) == 0;
}

// Whether a weight (RFC 9110, section 12.4.2) is one that is above 0.
static bool weight_counts(struct span weight) {
    bool some = false;
    if (weight.len < 3 || weight.len > 7 || (weight.ptr[0] | 0x20) != 'q' || weight.ptr[1] != '=')
        return false;
    if ((weight.ptr[2] != '0' && weight.ptr[2] != '1') || (weight.len > 3 && weight.ptr[3] != '.'))
        return false;
    for (size_t i = 2; i < weight.len; i++) {
        if (i != 3 && (weight.ptr[i] < '0' || weight.ptr[i] > (weight.ptr[2] == '1' && i > 3 ? '0' : '9')))
            return false;
        some |= i != 3 && weight.ptr[i] != '0';
    }
    return some;
}

struct wishes {
    unsigned named, taken; // a bit for each encoding
    bool all;              // "*", for those that are not named
};

static void read_wish(struct wishes *wishes, struct span entry) {
    struct span name = split(&entry, ';'), weight = trimmed(entry);
    bool taken = weight.len == 0 || weight_counts(weight);
    if (text_is(name, "*"))
        wishes->all = taken;
    for (unsigned i = ENCODING_GZIP; i < ENCODING_COUNT; i++) {
        if (!text_is(name, rows[i].name) && !(i == ENCODING_GZIP && text_is(name, "x-gzip")))
            continue;
        wishes->named |= 1U << i;
        wishes->taken |= taken ? 1U << i : 0;
    }
}

unsigned http_encodings_taken(const struct http_head *head) {
    struct wishes wishes = {0};
    for (unsigned i = 0; i < head->field_count; i++) {
        struct span list = head->fields[i].value;
        if (!text_is(head->fields[i].name, "accept-encoding"))
            continue;
        while (list.len)
            read_wish(&wishes, split(&list, ','));
    }
    unsigned others = wishes.all ? ~wishes.named & ((1U << ENCODING_COUNT) - 1) : 0;
    return 1U << ENCODING_IDENTITY | wishes.taken | others;
}

bool http_body_is_encoded(const struct http_head *head) {
    for (unsigned i = 0; head->body_len > 0 && i < head->field_count; i++) {
        const struct http_field *field = &head->fields[i];
        if (text_is(field->name, "content-encoding") && field->value.len &&
            !text_is(field->value, "identity"))
            return true;
    }
    return false;
}
