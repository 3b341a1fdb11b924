// Format parameters, and fragments.
#include "server/sdp/sdp_text.h"

bool sdp_fmtp_next(struct span *rest, struct span *name, struct span *value) {
    while (rest->len) {
        struct span part = sdp_trim(sdp_take(rest, ';'));
        if (part.len == 0)
            continue;
        bool has_value = memchr(part.ptr, '=', part.len) != NULL;
        *name = sdp_trim(sdp_take(&part, '='));
        *value = has_value ? sdp_trim(part) : (struct span){0};
        return true;
    }
    return false;
}

struct span sdp_fmtp_value(struct span fmtp, const char *name) {
    struct span key, value;
    while (sdp_fmtp_next(&fmtp, &key, &value))
        if (sdp_is_like(key, name))
            return value;
    return (struct span){0};
}

// ---- fragments

#define ICE_TEXT_MAX 256

static bool take_credential(const struct sdp_lines *lines, const char *what, struct span value,
                            struct span *out, char why[SDP_WHY_MAX]) {
    if (value.len < 4 || value.len > ICE_TEXT_MAX || !sdp_is_plain(value) ||
        memchr(value.ptr, ' ', value.len))
        return sdp_refuse(lines, why, "\"a=%s\" has not 4 to %d characters", what, ICE_TEXT_MAX);
    if (out->len && !span_equal(*out, value))
        return sdp_refuse(lines, why, "two different \"a=%s\"; all sections share one path", what);
    *out = value;
    return true;
}

static bool take_attribute(const struct sdp_lines *lines, struct span value, struct sdp_fragment *out,
                           char why[SDP_WHY_MAX]) {
    struct span whole = value, name = sdp_take(&value, ':');
    if (sdp_is(name, "ice-ufrag"))
        return take_credential(lines, "ice-ufrag", value, &out->ufrag, why);
    if (sdp_is(name, "ice-pwd"))
        return take_credential(lines, "ice-pwd", value, &out->pwd, why);
    if (sdp_is(name, "candidate") && out->candidates++ < SDP_CANDIDATES_MAX)
        out->lines[out->candidates - 1] = whole;
    out->ended |= sdp_is(name, "end-of-candidates");
    return true;
}

bool sdp_fragment_read(struct span text, struct sdp_fragment *out, char why[SDP_WHY_MAX]) {
    struct sdp_lines lines = {.rest = text};
    *out = (struct sdp_fragment){0};
    for (;;) {
        char type;
        struct span value;
        enum sdp_line line = sdp_line_next(&lines, &type, &value, why);
        if (line == SDP_NO_MORE)
            break;
        if (line == SDP_LINE_BAD || (type == 'a' && !take_attribute(&lines, value, out, why)))
            return false;
    }
    lines.number = 0;
    if (!out->ufrag.len != !out->pwd.len)
        return sdp_refuse(&lines, why, "\"a=ice-ufrag\" and \"a=ice-pwd\" come together");
    if (!out->ufrag.len && !out->candidates && !out->ended)
        return sdp_refuse(&lines, why,
                          "the fragment has no a=ice-ufrag, no a=candidate and no a=end-of-candidates");
    return true;
}
