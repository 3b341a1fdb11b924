// dependency_descriptor: the header extension that tells a server which frames of a video stream need which,
// whatever the codec and however encrypted (AV1 RTP specification, appendix A.8). Pure.
//
// A key frame's first packet brings a structure: templates of frames, decode targets (subsets of the stream
// that make a picture of some size and rate) and chains (frames that must not be missed). Each packet then
// names a template and what differs from it. The reader keeps the newest structure of one stream; what is
// malformed changes nothing.
#ifndef RTP_DEPENDENCY_DESCRIPTOR_H
#define RTP_DEPENDENCY_DESCRIPTOR_H

#include "base/span.h"
#include "rtp/layer_facts.h"

#define DD_TEMPLATES_MAX 64
#define DD_TARGETS_MAX 32
#define DD_CHAINS_MAX 32
#define DD_LAYER_MAX 7 // spatial and temporal ids; more are malformed
#define DD_MANDATORY_BYTES 3
#define DD_NUMBER_AT 1 // where a descriptor has its frame number, 16 bits
// So many frames a structure may be late. One that is further back is not: the publisher counts anew.
#define DD_LATE_MAX 1024

struct dd_template {
    uint64_t dtis;
    uint64_t refs; // as in layer_facts
    uint8_t spatial, temporal;
    uint8_t chain_diffs[DD_CHAINS_MAX];
};

struct dd_structure {
    uint8_t generation; // 1..255: counts those of the stream, skipping 0; 0: there is none
    uint8_t id_offset, template_count, target_count, chain_count;
    uint8_t spatial_layers, temporal_layers; // how many
    uint8_t target_spatial[DD_TARGETS_MAX], target_temporal[DD_TARGETS_MAX], target_chain[DD_TARGETS_MAX];
    uint32_t within[DD_TARGETS_MAX]; // bit d: each template of target d is of this target too
    uint32_t whole;                  // bit d: target d has every template
    struct dd_template templates[DD_TEMPLATES_MAX];
};

struct dd_reader { // all zero to begin with
    struct dd_structure structure;
    uint8_t generations; // the last one given
    uint32_t active;     // bit d: target d is being sent
    bool begun;
    uint64_t newest;                  // frame number, unwrapped
    uint64_t structure_at, active_at; // those that brought the structure and `active`
};

struct dd_frame {
    struct layer_facts facts; // structure 0: of a structure that is not known; number and starts, ends hold
    bool starts, ends;        // first and last packet of the frame
    bool brings_structure;    // it is the first packet of a coded sequence
};

// Whether a descriptor says that it brings a structure.
static inline bool dd_has_structure(struct span descriptor) {
    return descriptor.len > DD_MANDATORY_BYTES && (descriptor.ptr[DD_MANDATORY_BYTES] & 0x80);
}
// One packet's descriptor. False when it is malformed. A structure that is older than the one that is known,
// by DD_LATE_MAX frames at most, is read over, so that a late packet does not take the stream back.
bool dd_read(struct dd_reader *reader, struct span descriptor, struct dd_frame *out);
// The stream begins anew: what comes next has nothing to do with what was.
void dd_reader_reset(struct dd_reader *reader);
// How far back the previous frame of this chain is (A.5), for a frame of the known structure; 0: it needs
// none. False: the descriptor is malformed, or of another structure.
bool dd_chain_diff(const struct dd_reader *reader, struct span descriptor, unsigned chain, uint8_t *out);
// The best target that is being sent with at most these layers (-1: any); when there is none, the lowest of
// all.
unsigned dd_best_target(const struct dd_structure *s, uint32_t active, int spatial_most, int temporal_most);

#endif
