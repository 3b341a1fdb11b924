// sim_layers: a publisher of layers by the book: codecs, temporal and spatial layers, references, dependency
// descriptors.
#ifndef TESTS_SIM_LAYERS_H
#define TESTS_SIM_LAYERS_H

#include "tests/unit/rooms/media/forward_fake.h"

#include "rooms/media/media_objects.h"
#include "rtp/dependency_descriptor.h"

#include <string.h>

#define UNIT_US (33 * MS)
#define UNITS_MAX 9000
#define SPATIAL_MAX 3
#define FRAMES_MAX (UNITS_MAX * SPATIAL_MAX)
#define PACKETS_MAX_OF_FRAME 3
#define OUT_MAX 90000
#define REFS_MAX 3
#define SWITCHES 200
#define FREEZE_MAX_US (400 * MS)
#define KEY_DELAY_US (60 * MS)
#define EXT_ID_DD 12
#define NONE UINT32_MAX

enum form { FORM_VP8, FORM_VP9, FORM_H265, FORM_DESCRIPTOR };

struct mode {
    const char *name;
    enum media_codec codec;
    enum form form;
    unsigned streams, spatial, temporal;
    bool key_only; // layers are predicted from lower ones in key pictures alone (K-SVC)
    unsigned late_permille;
    unsigned lost_permille; // packets that the network loses on the publisher's way, for good
};

struct frame {
    uint32_t unit, refs[REFS_MAX];
    uint8_t stream, spatial, temporal, count, ref_count, position;
    uint16_t number, picture;
    uint8_t tl0, chain_diffs[SPATIAL_MAX];
    bool key, odd; // odd: it refers to its own layer as well, so nobody may step up to it
    bool cut;      // some of it was lost on the way
};

struct out { // one packet that a receiver got
    uint32_t frame, timestamp;
    uint64_t at_us;
    uint16_t picture, number;
    uint8_t index, tl0;
    bool came, blank, marker, described;
};

struct viewer {
    const char *peer;
    uint32_t consumer, ssrc;
    bool descriptors, started, needs_key_frames;
    uint16_t first;
    uint64_t highest; // unwrapped, first is 0x10000
    struct out *out;  // [number - 0x10000]
    int8_t spatial, temporal;
    struct media_event told;
    uint64_t switched_us, reached, missed;
    uint32_t repeats;
};

struct held { // a packet that comes late
    uint64_t at_us;
    uint16_t len;
    uint8_t bytes[160];
};

struct world {
    const struct mode *mode;
    struct fake *f;
    struct endpoint *pub, *ends[2];
    struct viewer viewers[2];
    struct frame *frames;
    uint32_t frame_count, unit, lost_count; // packets that were lost for good
    uint32_t random;
    struct {
        uint16_t seq, number, picture;
        uint8_t tl0;
        unsigned position, cycle;      // in the temporal pattern
        uint64_t key_at_us;            // 0: none is asked for
        uint32_t last[SPATIAL_MAX][3]; // newest frame of each layer
        uint32_t chain[SPATIAL_MAX];   // newest number of each chain
        bool begun;
    } streams[STREAMS_MAX];
    struct held held[64];
    unsigned held_count;
};

uint32_t layers_random(struct world *w, uint32_t below);
// A picture of each spatial layer of this stream, a key picture if one is due.
void layers_send_unit(struct world *w, unsigned stream);
// A packet of the publisher, now.
void layers_deliver(struct world *w, const uint8_t *bytes, size_t len);

#endif
