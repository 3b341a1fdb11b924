#include "rtp/ice_candidate.h"

#include <strings.h>

#define FOUNDATION_MAX 32
#define ADDRESS_MAX 253 // of a name
#define IP_TEXT_CAP 46
#define PRIORITY_MAX UINT32_C(0x7fffffff)
#define PORT_PRIVILEGED 1024

static const char *const type_names[ICE_CANDIDATE_TYPES] = {"host", "srflx", "prflx", "relay"};

const char *ice_candidate_type_name(unsigned type) {
    return type_names[type < ICE_CANDIDATE_TYPES ? type : ICE_CANDIDATE_HOST];
}

static bool skip_text(struct span *line, const char *text) {
    size_t len = strlen(text);
    if (line->len < len || memcmp(line->ptr, text, len) != 0)
        return false;
    *line = span_of(line->ptr + len, line->len - len);
    return true;
}

// The next word, which blanks end; empty at the end.
static struct span next_word(struct span *line) {
    size_t start = 0, end;
    while (start < line->len && line->ptr[start] == ' ')
        start++;
    for (end = start; end < line->len && line->ptr[end] != ' ';)
        end++;
    struct span word = span_of(line->ptr + start, end - start);
    *line = span_of(line->ptr + end, line->len - end);
    return word;
}

static bool word_is(struct span word, const char *text) {
    return word.len == strlen(text) && strncasecmp((const char *)word.ptr, text, word.len) == 0;
}

// Digits alone, without a zero before them.
static bool read_number(struct span word, uint32_t most, uint32_t *out) {
    uint64_t value = 0;
    if (word.len == 0 || word.len > 10 || (word.len > 1 && word.ptr[0] == '0'))
        return false;
    for (size_t i = 0; i < word.len; i++) {
        if (word.ptr[i] < '0' || word.ptr[i] > '9')
            return false;
        value = value * 10 + (uint64_t)(word.ptr[i] - '0');
    }
    *out = (uint32_t)value;
    return value <= most;
}

static bool has_control(struct span line) {
    for (size_t i = 0; i < line.len; i++)
        if (line.ptr[i] < 0x20 || line.ptr[i] >= 0x7f)
            return true;
    return false;
}

static bool read_type(struct span word, uint8_t *out) {
    for (unsigned i = 0; i < ICE_CANDIDATE_TYPES; i++) {
        if (word_is(word, type_names[i])) {
            *out = (uint8_t)i;
            return true;
        }
    }
    return false;
}

static bool is_name(struct span word) {
    bool letters = false;
    for (size_t i = 0; i < word.len; i++) {
        uint8_t c = word.ptr[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        letters |= letter;
        if (!letter && !(c >= '0' && c <= '9') && c != '-' && c != '.')
            return false;
    }
    return letters && word.len <= ADDRESS_MAX;
}

static bool read_address(struct span word, uint32_t port, struct addr *out) {
    char text[IP_TEXT_CAP];
    if (word.len >= sizeof text)
        return false;
    memcpy(text, word.ptr, word.len);
    text[word.len] = '\0';
    return addr_parse(text, (uint16_t)port, out) == ERR_OK;
}

static enum ice_candidate_line bad(const char **why, const char *words) {
    *why = words;
    return ICE_LINE_BAD;
}

enum ice_candidate_line ice_candidate_read(struct span line, struct ice_candidate *out, const char **why) {
    struct ice_candidate read = {0};
    uint32_t component, port;
    if (line.len > ICE_CANDIDATE_LINE_MAX)
        return bad(why, "it is longer than 512 bytes");
    if (has_control(line))
        return bad(why, "it has bytes that are no printable ASCII");
    (void)skip_text(&line, "a=");
    if (line.len == 0 || word_is(line, "end-of-candidates"))
        return ICE_LINE_END;
    if (!skip_text(&line, "candidate:"))
        return bad(why, "it does not begin with candidate:");
    struct span foundation = next_word(&line);
    if (foundation.len == 0 || foundation.len > FOUNDATION_MAX)
        return bad(why, "its foundation has not 1 to 32 characters");
    if (!read_number(next_word(&line), 256, &component) || component == 0)
        return bad(why, "its component is no number from 1 to 256");
    struct span transport = next_word(&line);
    if (!read_number(next_word(&line), PRIORITY_MAX, &read.priority) || read.priority == 0)
        return bad(why, "its priority is no number from 1 to 2147483647");
    struct span address = next_word(&line);
    if (!read_number(next_word(&line), 65535, &port))
        return bad(why, "its port is no number up to 65535");
    if (!word_is(next_word(&line), "typ") || !read_type(next_word(&line), &read.type))
        return bad(why, "it has no typ host, srflx, prflx or relay");
    bool known = read_address(address, port, &read.address);
    if (!known && !is_name(address))
        return bad(why, "its address is neither an IP address nor a name");
    if (!word_is(transport, "udp") || component != 1)
        return ICE_LINE_OTHER;
    if (!known)
        return ICE_LINE_NAME;
    // As browsers have it: what is below belongs to services that answer anybody.
    if (port < PORT_PRIVILEGED && port != 80 && port != 443)
        return bad(why, "its port is below 1024, and neither 80 nor 443");
    *out = read;
    return ICE_LINE_UDP;
}
