#include "rooms/speaker.h"

#include <assert.h>
#include <stddef.h>

#define SMOOTH_SHIFT 2 // each level moves the mean by a quarter of the difference

void speaker_init(struct speaker *speaker) {
    list_init(&speaker->voices);
    speaker->active = NULL;
    speaker->active_since_us = 0;
    speaker->told_count = 0;
}

void speaker_voice_init(struct speaker_voice *voice) {
    *voice = (struct speaker_voice){.smooth = SPEAKER_LEVEL_MIN_DBOV * 256,
                                    .level_dbov = SPEAKER_LEVEL_MIN_DBOV,
                                    .told_dbov = SPEAKER_UNTOLD,
                                    .challenge_us = TIME_NEVER};
    list_init(&voice->link);
}

void speaker_hear(struct speaker *speaker, struct speaker_voice *voice, int level_dbov, uint64_t now_us) {
    int level = level_dbov > 0                        ? 0
                : level_dbov < SPEAKER_LEVEL_MIN_DBOV ? SPEAKER_LEVEL_MIN_DBOV
                                                      : level_dbov;
    if (!list_linked(&voice->link)) {
        list_push_back(&speaker->voices, &voice->link);
        voice->smooth = SPEAKER_SPEECH_DBOV * 256; // a new voice need not climb from silence
        voice->challenge_us = TIME_NEVER;
    }
    voice->smooth += (level * 256 - voice->smooth) >> SMOOTH_SHIFT;
    if (level > voice->level_dbov)
        voice->level_dbov = (int8_t)level;
    voice->heard_us = now_us;
    if (level >= SPEAKER_SPEECH_DBOV)
        voice->speech_us = now_us;
}

bool speaker_forget(struct speaker *speaker, struct speaker_voice *voice) {
    bool was_active = speaker->active == voice;
    if (was_active)
        speaker->active = NULL;
    list_remove(&voice->link);
    speaker_voice_init(voice);
    return was_active;
}

// Puts the voice in its place among the loudest; the least loud one may fall out.
static void rank(struct speaker_voice *loudest[SPEAKER_LOUDEST_MAX], unsigned *count,
                 struct speaker_voice *voice) {
    unsigned at = *count;
    while (at > 0 && loudest[at - 1]->level_dbov < voice->level_dbov)
        at--;
    if (at == SPEAKER_LOUDEST_MAX)
        return;
    if (*count < SPEAKER_LOUDEST_MAX)
        ++*count;
    for (unsigned i = *count - 1; i > at; i--)
        loudest[i] = loudest[i - 1];
    loudest[at] = voice;
}

static bool worth_telling(const struct speaker *speaker, struct speaker_voice *const *loudest,
                          unsigned count) {
    if (count != speaker->told_count)
        return true;
    for (unsigned i = 0; i < count; i++) {
        int change = loudest[i]->level_dbov - loudest[i]->told_dbov;
        if (loudest[i]->told_dbov == SPEAKER_UNTOLD || change >= SPEAKER_CHANGE_DB ||
            change <= -SPEAKER_CHANGE_DB)
            return true;
    }
    return false;
}

bool speaker_report(struct speaker *speaker, uint64_t since_us,
                    struct speaker_voice *out[SPEAKER_LOUDEST_MAX], unsigned *count) {
    *count = 0;
    LIST_EACH(node, &speaker->voices) {
        struct speaker_voice *voice = LIST_ENTRY(node, struct speaker_voice, link);
        if (voice->heard_us >= since_us)
            rank(out, count, voice);
    }
    bool changed = worth_telling(speaker, out, *count);
    if (changed) {
        LIST_EACH(node, &speaker->voices)
        LIST_ENTRY(node, struct speaker_voice, link)->told_dbov = SPEAKER_UNTOLD;
        for (unsigned i = 0; i < *count; i++)
            out[i]->told_dbov = out[i]->level_dbov;
        speaker->told_count = *count;
    }
    LIST_EACH(node, &speaker->voices) {
        struct speaker_voice *voice = LIST_ENTRY(node, struct speaker_voice, link);
        voice->level_dbov = SPEAKER_LEVEL_MIN_DBOV; // until it is heard again
    }
    return changed;
}

static bool voice_speaks(const struct speaker_voice *voice, uint64_t now_us, uint64_t within_us) {
    return voice->speech_us != 0 && now_us - voice->speech_us < within_us;
}

static void voices_age(struct speaker *speaker, uint64_t now_us) {
    LIST_EACH(node, &speaker->voices) {
        struct speaker_voice *voice = LIST_ENTRY(node, struct speaker_voice, link);
        if (now_us - voice->heard_us < SPEAKER_FORGET_US || voice == speaker->active)
            continue;
        list_remove(&voice->link);
        speaker_voice_init(voice);
    }
}

// The loudest voice that speaks just now and is not the active one.
static struct speaker_voice *loudest_other(const struct speaker *speaker, uint64_t now_us) {
    struct speaker_voice *best = NULL;
    LIST_EACH(node, &speaker->voices) {
        struct speaker_voice *voice = LIST_ENTRY(node, struct speaker_voice, link);
        if (voice != speaker->active && voice_speaks(voice, now_us, SPEAKER_YIELD_US) &&
            (!best || voice->smooth > best->smooth))
            best = voice;
    }
    return best;
}

// Starts or ends each voice's challenge; true when `best` has kept it up for long enough.
static bool challenge_won(struct speaker *speaker, struct speaker_voice *best, uint64_t now_us) {
    LIST_EACH(node, &speaker->voices) {
        struct speaker_voice *voice = LIST_ENTRY(node, struct speaker_voice, link);
        bool louder = voice != speaker->active && voice_speaks(voice, now_us, SPEAKER_YIELD_US) &&
                      voice->smooth >= speaker->active->smooth + SPEAKER_MARGIN_DB * 256;
        if (!louder)
            voice->challenge_us = TIME_NEVER;
        else if (voice->challenge_us == TIME_NEVER)
            voice->challenge_us = now_us;
    }
    return best && best->challenge_us != TIME_NEVER && now_us - best->challenge_us >= SPEAKER_CHALLENGE_US &&
           now_us - speaker->active_since_us >= SPEAKER_HOLD_US;
}

bool speaker_tick(struct speaker *speaker, uint64_t now_us) {
    struct speaker_voice *active = speaker->active;
    // Someone who is no longer heard at all is as silent as can be.
    if (active && now_us - active->heard_us >= SPEAKER_FORGET_US)
        active->smooth = SPEAKER_LEVEL_MIN_DBOV * 256;
    struct speaker_voice *next = active;
    struct speaker_voice *best = loudest_other(speaker, now_us);
    if (!active)
        next = best;
    else if (best &&
             (!voice_speaks(active, now_us, SPEAKER_YIELD_US) || challenge_won(speaker, best, now_us)))
        next = best;
    else if (!voice_speaks(active, now_us, SPEAKER_SILENCE_US))
        next = NULL;
    if (next != active) {
        speaker->active = next;
        speaker->active_since_us = now_us;
        LIST_EACH(node, &speaker->voices)
        LIST_ENTRY(node, struct speaker_voice, link)->challenge_us = TIME_NEVER;
    }
    voices_age(speaker, now_us);
    assert(!speaker->active || list_linked(&speaker->active->link));
    return next != active;
}
