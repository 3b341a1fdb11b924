// sdp: a session description (RFC 8866) as WebRTC's peers write it (RFC 9429), from text to plain structs.
//
// Strict about what counts for a call, so that two readers cannot take one description for two different
// ones: a line that may be there once is refused when it is there twice, numbers are whole and in range,
// names are tokens. Attributes that nobody here needs are passed over. Nothing is believed beyond its form:
// what a codec or an SSRC is good for is for others to judge.
//
// Pure: the structs view the text, which must outlive them. One allocation, the caller's struct. Any thread.
#ifndef SERVER_SDP_H
#define SERVER_SDP_H

#include "base/span.h"

#define SDP_BYTES_MAX (48 * 1024) // of a description
#define SDP_LINE_MAX 4096         // bytes of a line
#define SDP_MEDIA_MAX 16
#define SDP_CODECS_MAX 96  // of one m= section
#define SDP_EXTS_MAX 32    // likewise, as all that follow
#define SDP_STREAMS_MAX 16 // SSRCs
#define SDP_GROUPS_MAX 12  // of SSRCs
#define SDP_GROUP_SSRCS_MAX 4
#define SDP_RIDS_MAX 8
#define SDP_FINGERPRINTS_MAX 4
#define SDP_CANDIDATES_MAX 32 // more are passed over
#define SDP_WHY_MAX 192       // bytes of the words of a refusal, with their end

enum sdp_kind { SDP_AUDIO, SDP_VIDEO, SDP_OTHER };
enum sdp_direction { SDP_SENDRECV, SDP_SENDONLY, SDP_RECVONLY, SDP_INACTIVE };
enum sdp_setup { SDP_SETUP_NONE, SDP_ACTPASS, SDP_ACTIVE, SDP_PASSIVE, SDP_HOLDCONN };

// a=rtcp-fb of one codec; other kinds of feedback are passed over.
enum sdp_feedback {
    SDP_NACK = 1 << 0,
    SDP_NACK_PLI = 1 << 1,
    SDP_CCM_FIR = 1 << 2,
    SDP_REMB = 1 << 3,
    SDP_TRANSPORT_CC = 1 << 4,
};

struct sdp_codec {
    uint8_t payload_type; // 0..127
    struct span name;     // empty: no a=rtpmap
    uint32_t clock_rate;
    uint8_t channels;  // 1 where none is said
    struct span fmtp;  // "a=1;b=2"; empty for none
    unsigned feedback; // of enum sdp_feedback
};

struct sdp_ext {
    uint8_t id; // 1..255
    enum sdp_direction direction;
    struct span uri;
};

struct sdp_stream {
    uint32_t ssrc; // not 0
    struct span cname;
};

struct sdp_group {
    bool fid, sim; // neither: another kind
    unsigned count;
    uint32_t ssrcs[SDP_GROUP_SSRCS_MAX];
};

struct sdp_rid {
    struct span id;
    bool sends;    // else it receives
    uint32_t size; // max-width * max-height, max-fs or max-br, whichever is there first; 0: none of them
    struct span payload; // of "pt="; empty for none
};

struct sdp_fingerprint {
    struct span algorithm, value;
};

struct sdp_media {
    enum sdp_kind kind;
    struct span kind_text, protocol, formats; // of the m= line, as they came
    bool rejected;                            // port 0, and not bundle-only
    struct span mid;                          // empty for none
    enum sdp_direction direction;
    enum sdp_setup setup; // the session's where it has none of its own
    bool rtcp_mux, rtcp_rsize, bundle_only, mixed_exts;
    struct span ufrag, pwd; // likewise
    struct span msid;       // "STREAM TRACK"; empty for none
    unsigned fingerprint_count, codec_count, ext_count, stream_count, group_count, rid_count, simulcast_count;
    struct sdp_fingerprint fingerprints[SDP_FINGERPRINTS_MAX]; // likewise
    struct sdp_codec codecs[SDP_CODECS_MAX];                   // in the order of the m= line
    struct sdp_ext exts[SDP_EXTS_MAX];
    struct sdp_stream streams[SDP_STREAMS_MAX];
    struct sdp_group groups[SDP_GROUPS_MAX];
    struct sdp_rid rids[SDP_RIDS_MAX];
    unsigned candidate_count;
    struct span candidates[SDP_CANDIDATES_MAX]; // "candidate:...", not read (rtp/ice_candidate.h)
    struct span simulcast[SDP_RIDS_MAX]; // rids of a=simulcast:send, in its order; of alternatives the first
};

struct sdp {
    bool bundled; // there is an a=group:BUNDLE
    bool ice_lite;
    unsigned bundle_count, media_count;
    struct span bundle[SDP_MEDIA_MAX]; // mids
    struct sdp_media media[SDP_MEDIA_MAX];
};

// False: `why` says what is wrong, with the number of the line. `out` is large: keep it off the stack.
bool sdp_read(struct span text, struct sdp *out, char why[SDP_WHY_MAX]);

// Whether a mid is in the bundle.
bool sdp_bundles(const struct sdp *sdp, struct span mid);

// ---- fragments (RFC 8840), as PATCH carries them

struct sdp_fragment {
    struct span ufrag, pwd; // of the session, or of the first section that has them
    unsigned candidates;    // a=candidate lines, of which these are kept:
    struct span lines[SDP_CANDIDATES_MAX];
    bool ended; // a=end-of-candidates
};
bool sdp_fragment_read(struct span text, struct sdp_fragment *out, char why[SDP_WHY_MAX]);

// ---- lists of format parameters

// The value of a name in "a=1;b=2", without regard to case; ptr NULL: it is not there.
struct span sdp_fmtp_value(struct span fmtp, const char *name);
// The next "name=value" from *rest; false at the end. A part without "=" has a value with ptr NULL.
bool sdp_fmtp_next(struct span *rest, struct span *name, struct span *value);

#endif
