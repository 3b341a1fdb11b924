// layer_facts: what a packet says about its frame's place among the layers of its stream, in a form that no
// longer depends on the codec. Plain data; a few bytes that travel with each packet of video.
//
// Two descriptions: by decode targets (a dependency descriptor was there, `structure` is not 0), or by layer
// numbers and what the codec's own payload descriptor says of references.
#ifndef RTP_LAYER_FACTS_H
#define RTP_LAYER_FACTS_H

#include <stdbool.h>
#include <stdint.h>

#define LAYER_SYNC_ALL 0xff

// Decode target indications (AV1 RTP specification, table A.1), two bits each, those of target 0 lowest.
enum layer_dti { DTI_NOT_PRESENT, DTI_DISCARDABLE, DTI_SWITCH, DTI_REQUIRED };

enum layer_flag {
    LAYER_ENDS = 1,       // last packet of its layer's frame
    LAYER_KEY = 2,        // of a frame that begins a coded sequence: nothing before it is needed
    LAYER_ALONE = 4,      // its frame refers to no earlier picture
    LAYER_ASIDE = 8,      // no higher spatial layer needs this frame
    LAYER_BASE_ONLY = 16, // its frame needs the lowest temporal layer alone
};

struct layer_facts {
    uint64_t dtis;
    uint64_t refs;     // bit i: refers to the frame number - 1 - i
    uint16_t number;   // the descriptor's frame number
    uint8_t structure; // which structure `dtis` are of (dependency_descriptor.h); 0: no descriptor, or an
                       // unknown one
    uint8_t spatial, temporal;
    uint8_t sync;   // bit t: temporal layer t needs, from this frame on, nothing of its own from before
    uint8_t flags;  // enum layer_flag
    uint8_t layers; // how many spatial layers there are from here on, 0: it does not say
};

static inline enum layer_dti layer_dti_of(const struct layer_facts *facts, unsigned target) {
    return (enum layer_dti)(facts->dtis >> (2 * target) & 3);
}

#endif
