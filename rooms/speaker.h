// speaker: who speaks in a room, from the audio levels of its participants (RFC 6464: 0 is loudest, -127
// silence).
//
// Sans-I/O, control side. A participant takes over as the active speaker only when it has been clearly louder
// for a while, so that a cough or two people at once do not make the picture jump; when the active speaker
// falls silent the loudest other voice follows quickly. Levels are smoothed over about a second.
#ifndef ROOMS_SPEAKER_H
#define ROOMS_SPEAKER_H

#include "base/clock.h"
#include "base/list.h"

#include <stdbool.h>
#include <stdint.h>

#define SPEAKER_LEVEL_MIN_DBOV (-127)
#define SPEAKER_SPEECH_DBOV (-50)              // a level below this is noise, not speech
#define SPEAKER_MARGIN_DB 4                    // a challenger must be louder by this much,
#define SPEAKER_CHALLENGE_US (600 * US_PER_MS) // for this long,
#define SPEAKER_HOLD_US (1000 * US_PER_MS)     // and the active one had at least this long
#define SPEAKER_YIELD_US (800 * US_PER_MS)     // without speech the active one yields to a voice
#define SPEAKER_SILENCE_US (2500 * US_PER_MS)  // and to nobody after this long
#define SPEAKER_FORGET_US (1000 * US_PER_MS)   // a level older than this is no level
#define SPEAKER_UNTOLD 1                       // no level
#define SPEAKER_LOUDEST_MAX 8                  // voices of one report
#define SPEAKER_CHANGE_DB 3                    // that is worth another report
#define SPEAKER_TICK_US (250 * US_PER_MS)      // call speaker_tick this often while there are voices

// One participant's voice; embedded in it. Zero it, then speaker_voice_init.
struct speaker_voice {
    struct list link;      // in speaker->voices while heard lately
    int32_t smooth;        // level in 1/256 dBov
    int8_t level_dbov;     // loudest since the last report
    int8_t told_dbov;      // in the last report; SPEAKER_UNTOLD: not in it
    uint64_t heard_us;     // last level
    uint64_t speech_us;    // last level that was speech; 0: never
    uint64_t challenge_us; // louder than the active one since; TIME_NEVER: not
};

struct speaker {
    struct list voices;
    struct speaker_voice *active; // NULL: silence
    unsigned told_count;          // voices in the last report
    uint64_t active_since_us;
};

void speaker_init(struct speaker *speaker);
void speaker_voice_init(struct speaker_voice *voice);

// One level of one voice, about four a second.
void speaker_hear(struct speaker *speaker, struct speaker_voice *voice, int level_dbov, uint64_t now_us);

// The voice is gone (left, muted). True when it was the active one; then nobody is until the next tick.
bool speaker_forget(struct speaker *speaker, struct speaker_voice *voice);

// Reports: the loudest voices since the last report, loudest first, at most SPEAKER_LOUDEST_MAX. False when
// that is about what the last one said; else `out` and *count have it.
bool speaker_report(struct speaker *speaker, uint64_t since_us,
                    struct speaker_voice *out[SPEAKER_LOUDEST_MAX], unsigned *count);

// Decides; true when `active` changed. Voices that were not heard lately leave the list.
bool speaker_tick(struct speaker *speaker, uint64_t now_us);

#endif
