#include "rooms/speaker.h"

#include <assert.h>
#include <stddef.h>

// Scores by activity v of at most n: ln max(ln(C(n, v) p^v (1 - p)^(n - v)) - ln(l e^(-l v)), 1e-10) with
// p = 0.5 and l = 0.78, 24, 47; the difference of two is what thresholds are for.
static const double immediate_score[SPEECH_IMMEDIATE_MAX + 1] = {-23.026, -23.026, -23.026, -23.026, -0.073,
                                                                 0.832,   1.214,   1.422,   1.534,   1.575,
                                                                 1.546,   1.429,   1.151,   0.320};
static const double medium_score[SPEECH_MEDIUM_MAX + 1] = {-23.026, 2.943, 3.776, 4.214, 4.510, 4.731};
static const double long_score[SPEECH_LONG_MAX + 1] = {-23.026, 3.651, 4.466, 4.905, 5.207, 5.437,
                                                       5.622,   5.778, 5.911, 6.027, 6.130};

#define IMMEDIATE_AHEAD 3.0
#define MEDIUM_AHEAD 2.0
#define LONG_AHEAD 0.0

void speaker_init(struct speaker *speaker) {
    list_init(&speaker->voices);
    speaker->active = NULL;
    speaker->active_since_us = 0;
    speaker->told_count = 0;
}

void speaker_voice_init(struct speaker_voice *voice) {
    *voice = (struct speaker_voice){.level_dbov = SPEAKER_LEVEL_MIN_DBOV, .told_dbov = SPEAKER_UNTOLD};
    list_init(&voice->link);
}

static uint8_t limit(uint8_t value, uint8_t most) {
    return value < most ? value : most;
}

static uint8_t larger(uint8_t a, uint8_t b) {
    return a > b ? a : b;
}

static void voice_note_activity(struct speaker_voice *voice, struct speech_activity heard) {
    if (!voice->fresh)
        voice->activity = (struct speech_activity){0};
    voice->fresh = true;
    struct speech_activity *a = &voice->activity;
    a->immediate = larger(a->immediate, limit(heard.immediate, SPEECH_IMMEDIATE_MAX));
    a->medium = larger(a->medium, limit(heard.medium, SPEECH_MEDIUM_MAX));
    a->long_term = larger(a->long_term, limit(heard.long_term, SPEECH_LONG_MAX));
}

void speaker_hear(struct speaker *speaker, struct speaker_voice *voice, int level_dbov,
                  struct speech_activity activity, uint64_t now_us) {
    int level = level_dbov > 0                        ? 0
                : level_dbov < SPEAKER_LEVEL_MIN_DBOV ? SPEAKER_LEVEL_MIN_DBOV
                                                      : level_dbov;
    if (!list_linked(&voice->link))
        list_push_back(&speaker->voices, &voice->link);
    voice_note_activity(voice, activity);
    if (level > voice->level_dbov)
        voice->level_dbov = (int8_t)level;
    voice->heard_us = now_us;
    if (voice->activity.medium > 0)
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

static void voices_age(struct speaker *speaker, uint64_t now_us) {
    LIST_EACH(node, &speaker->voices) {
        struct speaker_voice *voice = LIST_ENTRY(node, struct speaker_voice, link);
        voice->fresh = false;
        if (now_us - voice->heard_us < SPEAKER_FORGET_US || voice == speaker->active)
            continue;
        list_remove(&voice->link);
        speaker_voice_init(voice);
    }
}

// Of one that has not been heard for two ticks there is no speech.
static struct speech_activity activity_now(const struct speaker_voice *voice, uint64_t now_us) {
    bool heard = now_us - voice->heard_us <= 2 * SPEAKER_TICK_US;
    return heard ? voice->activity : (struct speech_activity){0};
}

static bool takes_over(struct speech_activity challenger, struct speech_activity dominant) {
    return immediate_score[challenger.immediate] - immediate_score[dominant.immediate] > IMMEDIATE_AHEAD &&
           medium_score[challenger.medium] - medium_score[dominant.medium] > MEDIUM_AHEAD &&
           long_score[challenger.long_term] - long_score[dominant.long_term] > LONG_AHEAD;
}

// Of those who may follow the one who is dominant (NULL: nobody is), the most active; NULL: none may.
static struct speaker_voice *challenger_of(const struct speaker *speaker, uint64_t now_us) {
    const struct speaker_voice *active = speaker->active;
    struct speech_activity dominant = {0}, most = {0};
    struct speaker_voice *best = NULL;
    if (active)
        dominant = activity_now(active, now_us);
    LIST_EACH(node, &speaker->voices) {
        struct speaker_voice *voice = LIST_ENTRY(node, struct speaker_voice, link);
        struct speech_activity a = activity_now(voice, now_us);
        bool may = active ? takes_over(a, dominant) : a.medium >= SPEAKER_BEGINS_MEDIUM;
        if (voice == active || !may)
            continue;
        if (!best || a.medium > most.medium || (a.medium == most.medium && a.long_term > most.long_term)) {
            best = voice;
            most = a;
        }
    }
    return best;
}

bool speaker_tick(struct speaker *speaker, uint64_t now_us) {
    struct speaker_voice *active = speaker->active, *next = challenger_of(speaker, now_us);
    if (active && now_us - speaker->active_since_us < SPEAKER_HOLD_US)
        next = NULL;
    bool silent = active && now_us - active->speech_us >= SPEAKER_SILENCE_US;
    bool changed = next || silent;
    if (changed) {
        speaker->active = next;
        speaker->active_since_us = now_us;
    }
    voices_age(speaker, now_us);
    assert(!speaker->active || list_linked(&speaker->active->link));
    return changed;
}
