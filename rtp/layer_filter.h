// layer_filter: which frames of one layered stream one receiver is sent, so that it can decode each of them.
// Pure; a plain struct, all zero to begin with (it then lets everything pass).
//
// Down at once where what is left needs nothing of what is not sent any more; up, and down between layers
// that do not contain each other, with a frame that says that everything from it on can be decoded, and of
// which everything that it refers to was sent. Until then what was sent goes on. Frames that refer to one
// that was left out are left out too, whatever they say. What the network lost counts as sent: it may still
// come.
//
// Where lower layers are needed by key pictures alone (K-SVC), they are left out in between. A publisher that
// stops the highest layer then leaves nothing: after LAYER_LACKING_MAX such units what is sent is broken. And
// layers that a key picture tells of, but that do not come with it, are not there.
//
// With a dependency descriptor decisions follow decode targets (AV1 RTP specification, appendix A.7);
// without, layer numbers and the switching points of the codec's payload descriptor. Both are made once a
// frame, when its first packet comes.
#ifndef RTP_LAYER_FILTER_H
#define RTP_LAYER_FILTER_H

#include "rtp/dependency_descriptor.h"
#include "rtp/layer_facts.h"

#define LAYER_TOP_ALL 15 // in a layer_tops: whatever there is

// What a run of packets goes up to, in one byte.
struct layer_tops {
    uint8_t spatial, temporal; // 0..LAYER_TOP_ALL
};

#define LAYER_TARGET_ALL 255
#define LAYER_LACKING_MAX 3 // temporal units: the network may have lost what is missing of one

enum layer_engine { LAYER_ENGINE_NONE, LAYER_ENGINE_TARGETS, LAYER_ENGINE_NUMBERS };

#define LAYER_UNITS_KEPT 8
struct layer_unit { // what was decided of a temporal unit, a bit for each spatial layer
    uint32_t timestamp;
    uint8_t decided, sent;
};

struct layer_filter {
    bool on;
    bool broken; // what is sent cannot be decoded any more: a key frame is needed
    bool aside_dropped;
    bool begun;                         // a temporal unit is known
    bool joins;                         // it is the one in which it began, whose first packets were sent
    bool unit_passes;                   // its temporal layer is sent
    bool unit_ended;                    // its last packet was marked: nothing can be added to it
    bool unit_lower, unit_sent;         // of it a layer below what is sent was left out; something was sent
    bool unit_key;                      // it is a key picture
    uint8_t unit_top;                   // the highest spatial layer that has come of it
    uint8_t lacking;                    // units in a row of which nothing but lower layers has come
    uint8_t engine;                     // enum layer_engine
    int8_t want_spatial, want_temporal; // at most; -1: everything
    uint8_t spatial, temporal;          // the highest that are sent
    uint8_t structure, target, goal;    // decode targets: sent, LAYER_TARGET_ALL: everything; and wanted
    uint32_t active;                    // for which `goal` was chosen, 0: it is to be chosen
    uint8_t synced;                     // bit t: temporal layer t is sent without a break
    uint8_t layers;                     // spatial layers that there are from a key frame on, 0: unknown
    uint16_t number;                    // newest frame number
    uint8_t frame_spatial;              // of the frame that was looked at last
    uint32_t timestamp;                 // of the temporal unit
    struct layer_unit units[LAYER_UNITS_KEPT]; // of layer numbers: a ring
    uint8_t unit;                              // the newest
    // Bit i, of the frame number - i: it was looked at, it was left out, one that was sent refers to it.
    uint64_t decided, dropped, needed;
};

struct layer_verdict {
    bool sends;
    bool marker;    // its last packet of the highest layer that is sent in its temporal unit
    bool new_frame; // it is the first packet of its frame that is looked at
};

// From here on it decides; everything that came before was sent, and so is the rest of the temporal unit that
// may be under way.
void layer_filter_start(struct layer_filter *f);
// Nothing that came before was sent: the next packet begins a key frame.
void layer_filter_begin(struct layer_filter *f);
void layer_filter_want(struct layer_filter *f, int8_t spatial, int8_t temporal);

// One packet that is newer than all before it. `reader` and `descriptor` NULL and empty where there is none.
struct layer_verdict layer_filter_take(struct layer_filter *f, const struct layer_facts *facts,
                                       uint32_t timestamp, const struct dd_reader *reader,
                                       struct span descriptor);
// One that comes late; `tops` are those of the packets around it.
struct layer_verdict layer_filter_take_late(struct layer_filter *f, const struct layer_facts *facts,
                                            uint32_t timestamp, struct layer_tops tops);
// Nothing is left out: there is no more than what is sent.
bool layer_filter_is_idle(const struct layer_filter *f, const struct dd_reader *reader);
// A key frame is needed to get where it wants to be; `spatial_layers`: how many are being sent.
bool layer_filter_needs_key(const struct layer_filter *f, const struct dd_reader *reader,
                            uint8_t spatial_layers);
// There are temporal layers that it wants and does not send yet; `temporal_layers`: how many seem to be
// there.
bool layer_filter_lacks_temporal(const struct layer_filter *f, const struct dd_reader *reader,
                                 uint8_t temporal_layers);
struct layer_tops layer_filter_tops(const struct layer_filter *f);
// Whether a frame is among what goes up to these tops, by its layers.
bool layer_tops_have(struct layer_tops tops, const struct layer_facts *facts);
// Whether the last packet of a layer's frame ends its temporal unit under these tops.
bool layer_tops_end(struct layer_tops tops, const struct layer_facts *facts);

#endif
