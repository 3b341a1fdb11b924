// The session, its sections, and which attributes stand where.
#include "server/sdp/sdp_media.h"

#include <stdio.h>
#include <string.h>

#define GROUP_NAME_MAX 256

// What was read of a description so far.
struct reading {
    struct sdp_lines lines;
    struct sdp *out;
    struct sdp_media session; // what stands before the first section counts for all that say nothing
    struct sdp_seen seen;     // of the section that is being read
    bool version, origin, name, time;
    char *why;
};

// ---- lines of the session

static bool once(struct reading *r, bool *seen, const char *what) {
    if (*seen)
        return sdp_refuse(&r->lines, r->why, "a second \"%s\" line", what);
    *seen = true;
    return true;
}

static bool take_head(struct reading *r, char type, struct span value) {
    switch (type) {
    case 'v':
        return once(r, &r->version, "v=") &&
               (sdp_is(value, "0") || sdp_refuse(&r->lines, r->why, "the version is not 0"));
    case 'o':
        return once(r, &r->origin, "o=");
    case 's':
        return once(r, &r->name, "s=");
    case 't':
        return once(r, &r->time, "t=");
    default:
        return true; // c=, b=, i= and their like
    }
}

static bool take_bundle(struct reading *r, struct span mids) {
    struct sdp *out = r->out;
    if (out->bundled)
        return sdp_refuse(&r->lines, r->why, "a second \"a=group:BUNDLE\"");
    out->bundled = true;
    while (mids.len) {
        struct span mid = sdp_take(&mids, ' ');
        if (mid.len == 0)
            continue;
        if (out->bundle_count == SDP_MEDIA_MAX)
            return sdp_refuse(&r->lines, r->why, "the bundle has more than %d sections", SDP_MEDIA_MAX);
        if (sdp_bundles(out, mid))
            return sdp_refuse(&r->lines, r->why, "the bundle names a section twice");
        out->bundle[out->bundle_count++] = mid;
    }
    return true;
}

static bool take_session_attribute(struct reading *r, struct span value) {
    struct span rest = value, name = sdp_take(&rest, ':');
    if (sdp_is(name, "group")) {
        struct span kind = sdp_take(&rest, ' ');
        return !sdp_is(kind, "BUNDLE") || take_bundle(r, rest);
    }
    if (sdp_is(name, "ice-lite")) {
        r->out->ice_lite = true;
        return true;
    }
    return sdp_media_attribute(&r->session, &r->seen, &r->lines, value, r->why);
}

// ---- sections

static bool begin_section(struct reading *r, struct span value) {
    struct sdp *out = r->out;
    if (!r->version || !r->origin || !r->name || !r->time)
        return sdp_refuse(&r->lines, r->why, "the description does not begin with v=, o=, s= and t=");
    if (out->media_count == SDP_MEDIA_MAX)
        return sdp_refuse(&r->lines, r->why, "more than %d m= sections", SDP_MEDIA_MAX);
    struct sdp_media *media = &out->media[out->media_count++];
    *media = (struct sdp_media){.direction = r->session.direction};
    r->seen = (struct sdp_seen){0};
    return sdp_media_begin(media, &r->lines, value, r->why);
}

// What it does not say itself the session says for it.
static void inherit(struct sdp_media *media, const struct sdp_media *session) {
    if (!media->ufrag.len && !media->pwd.len) {
        media->ufrag = session->ufrag;
        media->pwd = session->pwd;
    }
    if (media->setup == SDP_SETUP_NONE)
        media->setup = session->setup;
    if (media->fingerprint_count == 0) {
        media->fingerprint_count = session->fingerprint_count;
        memcpy(media->fingerprints, session->fingerprints, sizeof media->fingerprints);
    }
    media->mixed_exts |= session->mixed_exts;
    for (unsigned i = 0; i < session->ext_count && media->ext_count < SDP_EXTS_MAX; i++)
        media->exts[media->ext_count++] = session->exts[i];
}

static bool finish(struct reading *r) {
    struct sdp *out = r->out;
    r->lines.number = 0;
    if (!r->version || !r->origin || !r->name || !r->time)
        return sdp_refuse(&r->lines, r->why, "the description lacks one of v=, o=, s= and t=");
    for (unsigned i = 0; i < out->media_count; i++) {
        struct sdp_media *media = &out->media[i];
        inherit(media, &r->session);
        for (unsigned k = 0; k < i; k++)
            if (media->mid.len && span_equal(media->mid, out->media[k].mid))
                return sdp_refuse(&r->lines, r->why, "two sections have the same a=mid");
        if (!sdp_media_finish(media, r->why))
            return false;
    }
    return true;
}

static bool take_line(struct reading *r, char type, struct span value) {
    struct sdp *out = r->out;
    if (r->lines.number == 1 && type != 'v')
        return sdp_refuse(&r->lines, r->why, "the first line is not \"v=0\"");
    if (type == 'm')
        return begin_section(r, value);
    if (type != 'a')
        return out->media_count > 0
                   ? type != 'v' && type != 'o' && type != 's' && type != 't'
                         ? true
                         : sdp_refuse(&r->lines, r->why, "\"%c=\" does not belong into a section", type)
                   : take_head(r, type, value);
    if (out->media_count == 0)
        return take_session_attribute(r, value);
    return sdp_media_attribute(&out->media[out->media_count - 1], &r->seen, &r->lines, value, r->why);
}

bool sdp_read(struct span text, struct sdp *out, char why[SDP_WHY_MAX]) {
    struct reading r = {.lines = {.rest = text}, .out = out, .why = why};
    memset(out, 0, sizeof *out);
    if (text.len > SDP_BYTES_MAX)
        return sdp_refuse(&r.lines, why, "the description is longer than %d bytes", SDP_BYTES_MAX);
    for (;;) {
        char type;
        struct span value;
        enum sdp_line line = sdp_line_next(&r.lines, &type, &value, why);
        if (line == SDP_NO_MORE)
            return finish(&r);
        if (line == SDP_LINE_BAD || !take_line(&r, type, value))
            return false;
    }
}

bool sdp_bundles(const struct sdp *sdp, struct span mid) {
    for (unsigned i = 0; i < sdp->bundle_count; i++)
        if (span_equal(sdp->bundle[i], mid))
            return true;
    return false;
}
