// Session descriptions: whatever is read keeps its bounds, and what is taken of it can be written again.
#include "server/sdp/sdp.h"
#include "server/sdp/sdp_write.h"

#include <assert.h>

static struct sdp sdp;

static void inside(struct span part, struct span whole) {
    assert(part.len == 0 || (part.ptr >= whole.ptr && part.ptr + part.len <= whole.ptr + whole.len));
}

static void look(const struct sdp_media *m, struct span text) {
    char line[SDP_LINE_MAX + 64];
    struct sdp_writer w = {.text = line, .cap = sizeof line};
    inside(m->mid, text);
    inside(m->ufrag, text);
    assert(m->codec_count <= SDP_CODECS_MAX && m->ext_count <= SDP_EXTS_MAX && m->rid_count <= SDP_RIDS_MAX);
    for (unsigned i = 0; i < m->codec_count; i++) {
        struct span rest = m->codecs[i].fmtp, name, value;
        inside(rest, text);
        while (sdp_fmtp_next(&rest, &name, &value))
            inside(name, text);
        w.len = 0;
        sdp_write(&w, "a=fmtp:%u %.*s", m->codecs[i].payload_type, (int)m->codecs[i].fmtp.len,
                  (const char *)m->codecs[i].fmtp.ptr);
    }
    for (unsigned i = 0; i < m->simulcast_count; i++)
        inside(m->simulcast[i], text);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    struct span text = span_of(bytes, size);
    struct sdp_fragment fragment;
    char why[SDP_WHY_MAX];
    if (sdp_read(text, &sdp, why)) {
        assert(sdp.media_count <= SDP_MEDIA_MAX && sdp.bundle_count <= SDP_MEDIA_MAX);
        for (unsigned i = 0; i < sdp.media_count; i++)
            look(&sdp.media[i], text);
    } else {
        assert(why[0] && memchr(why, '\0', sizeof why));
    }
    if (sdp_fragment_read(text, &fragment, why))
        inside(fragment.ufrag, text);
    return 0;
}
