// speaker: who speaks in a room: the dominant speaker, and the loudest voices.
//
// Sans-I/O, control side. The method is that of Volfin and Cohen (rtp/speech.h has the reference): what
// workers tell of each voice are its speech activities over an immediate, a medium and a long interval; each
// becomes a score, the log-likelihood ratio between speech and none; and a voice takes over from the one that
// is dominant when it is ahead of it in all three by a threshold each. So neither a cough nor two people at
// once make the picture jump: the intervals are of one second at most, and a change needs the challenger to
// speak while the other one does not. To the method is added that silence has no speaker, after a while,
// and that who has just taken over stays for a second.
#ifndef ROOMS_SPEAKER_H
#define ROOMS_SPEAKER_H

#include "base/clock.h"
#include "base/list.h"
#include "rtp/speech.h"

#include <stdbool.h>
#include <stdint.h>

#define SPEAKER_LEVEL_MIN_DBOV (-127)
#define SPEAKER_SILENCE_US                                                                                   \
    (2500 * US_PER_MS)                       // without speech the active one yields to nobody after this long
#define SPEAKER_HOLD_US (1000 * US_PER_MS)   // nobody takes over sooner from who has just done so
#define SPEAKER_FORGET_US (1000 * US_PER_MS) // a level older than this is no level
#define SPEAKER_UNTOLD 1                     // no level
#define SPEAKER_LOUDEST_MAX 8                // voices of one report
#define SPEAKER_CHANGE_DB 3                  // that is worth another report
#define SPEAKER_TICK_US (250 * US_PER_MS)    // call speaker_tick this often while there are voices
#define SPEAKER_BEGINS_MEDIUM 3              // of SPEECH_MEDIUM_MAX: that breaks a silence

// One participant's voice; embedded in it. Zero it, then speaker_voice_init.
struct speaker_voice {
    struct list link;                // in speaker->voices while heard lately
    struct speech_activity activity; // as heard last; of several microphones the most active
    bool fresh;                      // since the last tick
    int8_t level_dbov;               // loudest since the last report
    int8_t told_dbov;                // in the last report; SPEAKER_UNTOLD: not in it
    uint64_t heard_us;               // last level
    uint64_t speech_us;              // last one with speech; 0: never
};

struct speaker {
    struct list voices;
    struct speaker_voice *active; // NULL: silence
    uint64_t active_since_us;
    unsigned told_count; // voices in the last report
};

void speaker_init(struct speaker *speaker);
void speaker_voice_init(struct speaker_voice *voice);

// What a worker says of one voice, about four times a second.
void speaker_hear(struct speaker *speaker, struct speaker_voice *voice, int level_dbov,
                  struct speech_activity activity, uint64_t now_us);

// The voice is gone (left, muted). True when it was the active one; then nobody is until the next tick.
bool speaker_forget(struct speaker *speaker, struct speaker_voice *voice);

// Reports: the loudest voices since the last report, loudest first, at most SPEAKER_LOUDEST_MAX. False when
// that is about what the last one said; else `out` and *count have it.
bool speaker_report(struct speaker *speaker, uint64_t since_us,
                    struct speaker_voice *out[SPEAKER_LOUDEST_MAX], unsigned *count);

// Decides; true when `active` changed. Voices that were not heard lately leave the list.
bool speaker_tick(struct speaker *speaker, uint64_t now_us);

#endif
