// speech: what the audio levels of one voice (RFC 6464, one a packet) say of its speaking.
//
// Two views of the same levels. For the choice of the loudest, which must not lose a syllable: whether the
// voice speaks, from its second packet of speech on, and how loud, quick to rise and slow to fall. For the
// dominant speaker (Volfin and Cohen, "Dominant speaker identification for multipoint videoconferencing",
// Computer Speech and Language 27, 2013): how active it has been over an immediate, a medium and a long
// interval (struct speech_activity), which speaker.h weighs against those of others.
//
// Speech is what stands out of the voice's own noise, which is followed downwards quickly and upwards slowly,
// so that a fan or an open window is nobody's voice. A stream without the extension has no levels: its
// packets count as quiet speech (SPEECH_UNKNOWN_DBOV), so that it is heard where there is room: it beats
// nobody who has spoken in the last SPEECH_UNKNOWN_WAITS_US. Pure.
#ifndef RTP_SPEECH_H
#define RTP_SPEECH_H

#include "base/clock.h"

#include <stdbool.h>
#include <stdint.h>

#define SPEECH_FRAME_US (20 * US_PER_MS)
#define SPEECH_IMMEDIATE_MAX 13 // steps of loudness above the noise, of a frame
#define SPEECH_MEDIUM_MAX 5     // active frames of 100 ms
#define SPEECH_LONG_MAX 10      // active medium intervals of a second
#define SPEECH_FRAMES (SPEECH_MEDIUM_MAX * SPEECH_LONG_MAX)
#define SPEECH_HANGOVER_US (150 * US_PER_MS)        // silence within a voice's speech that is still speech
#define SPEECH_UNKNOWN_WAITS_US (3 * US_PER_SECOND) // longer than one pauses between sentences
#define SPEECH_LOUDER_DB 6                          // so much louder is worth a change among those who speak
#define SPEECH_LEVEL_UNKNOWN 1                      // for speech_hear: the packet does not say
#define SPEECH_UNKNOWN_DBOV (-60)                   // what it counts as

struct speech_activity {
    uint8_t immediate, medium, long_term; // up to SPEECH_*_MAX
};

// Zero it, then speech_init.
struct speech {
    int32_t noise, loudness;       // 1/16 dBov
    uint64_t heard_us;             // the last packet; 0: none yet
    uint64_t speech_us;            // the last packet of confirmed speech; 0: never
    uint64_t onset_us;             // the first packet of what it says now, or said last
    uint8_t run;                   // packets of speech in a row
    bool speaks;                   // the last packet is of confirmed speech
    bool known;                    // the last packet had a level
    uint64_t frame;                // number of the newest frame, in units of SPEECH_FRAME_US
    uint8_t frames[SPEECH_FRAMES]; // [number % SPEECH_FRAMES]: 0..SPEECH_IMMEDIATE_MAX
};

void speech_init(struct speech *speech);
// A packet of level -127..0, or SPEECH_LEVEL_UNKNOWN.
void speech_hear(struct speech *speech, int8_t level_dbov, uint64_t now_us);
// Over the intervals that end now; frames without a packet are silence.
struct speech_activity speech_activity(const struct speech *speech, uint64_t now_us);

// It speaks, or has just paused for a word.
static inline bool speech_lasts(const struct speech *speech, uint64_t now_us) {
    return speech->speech_us != 0 && now_us - speech->speech_us <= SPEECH_HANGOVER_US;
}

// Whether a voice that speaks now is to be heard before the other.
static inline bool speech_beats(const struct speech *challenger, const struct speech *other,
                                uint64_t now_us) {
    if (!challenger->speaks)
        return false;
    if (!challenger->known)
        return other->speech_us == 0 || now_us - other->speech_us > SPEECH_UNKNOWN_WAITS_US;
    return !speech_lasts(other, now_us) || challenger->loudness > other->loudness + SPEECH_LOUDER_DB * 16;
}

#endif
