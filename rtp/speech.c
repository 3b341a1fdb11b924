#include "rtp/speech.h"

#define NOISE_MIN (-80 * 16)
#define NOISE_MAX (-45 * 16)         // what is well above this is speech, however long it lasts
#define NOISE_RISE_A_SECOND (3 * 16) // slower than any sentence
#define SPEECH_ABOVE_NOISE (10 * 16)
#define LOUDNESS_FALL_A_SECOND (20 * 16)
#define LONG_PACKET_US (40 * US_PER_MS) // one such is as good as two short ones
#define RUN_CONFIRMED 2                 // packets of speech: a click is one
#define GAP_FILLED 3                    // frames: what long packets and jitter leave between two
#define STEP (2 * 16)                   // of loudness in a frame,
#define STEPS_FROM (6 * 16)             // counted from so far above the noise
#define FRAME_ACTIVE 7                  // steps that a frame of speech exceeds
#define MEDIUM_ACTIVE 4                 // frames that a medium interval of speech exceeds

void speech_init(struct speech *speech) {
    *speech = (struct speech){.noise = NOISE_MIN, .loudness = -127 * 16};
}

static int32_t limit(int32_t value, int32_t least, int32_t most) {
    return value < least ? least : value > most ? most : value;
}

// What changes by so much a second has changed by, over this time.
static int32_t change_over(uint64_t us, int32_t a_second) {
    return (int32_t)((us < US_PER_SECOND ? us : US_PER_SECOND) * (uint64_t)a_second / US_PER_SECOND);
}

static void follow_noise(struct speech *s, int32_t level, uint64_t since_us) {
    int32_t rise = change_over(since_us, NOISE_RISE_A_SECOND);
    s->noise += level < s->noise ? (level - s->noise) / 2 : rise > 0 ? rise : 1;
    s->noise = limit(s->noise, NOISE_MIN,
                     level < NOISE_MIN   ? NOISE_MIN
                     : level < NOISE_MAX ? level
                                         : NOISE_MAX);
}

static void follow_loudness(struct speech *s, int32_t level, uint64_t since_us) {
    int32_t fallen = s->loudness - change_over(since_us, LOUDNESS_FALL_A_SECOND);
    s->loudness = level > s->loudness ? s->loudness + (level - s->loudness + 1) / 2
                  : level > fallen    ? level
                                      : fallen;
}

static void note_frame(struct speech *s, uint8_t steps, uint64_t now_us) {
    uint64_t number = now_us / SPEECH_FRAME_US;
    if (number <= s->frame) { // two packets of one frame
        uint8_t *frame = &s->frames[s->frame % SPEECH_FRAMES];
        *frame = steps > *frame ? steps : *frame;
        return;
    }
    uint64_t gap = number - s->frame - 1;
    for (uint64_t i = 0; i < gap && i < SPEECH_FRAMES; i++)
        s->frames[(number - 1 - i) % SPEECH_FRAMES] = gap <= GAP_FILLED ? steps : 0;
    s->frames[number % SPEECH_FRAMES] = steps;
    s->frame = number;
}

void speech_hear(struct speech *s, int8_t level_dbov, uint64_t now_us) {
    bool known = s->known = level_dbov <= 0;
    int32_t level = known ? limit(level_dbov, -127, 0) * 16 : SPEECH_UNKNOWN_DBOV * 16;
    uint64_t since_us = s->heard_us != 0 && now_us > s->heard_us ? now_us - s->heard_us : SPEECH_FRAME_US;
    if (s->heard_us == 0) { // begins with its noise, or with speech
        s->noise = limit(level, NOISE_MIN, NOISE_MAX - SPEECH_ABOVE_NOISE);
        s->frame = now_us / SPEECH_FRAME_US - 1;
    }
    if (known)
        follow_noise(s, level, since_us);
    else
        s->noise = NOISE_MIN;
    follow_loudness(s, level, since_us);
    bool speech = level >= s->noise + SPEECH_ABOVE_NOISE;
    if (speech && s->run == 0 && !speech_lasts(s, now_us))
        s->onset_us = now_us;
    s->run = !speech ? 0 : s->run < RUN_CONFIRMED ? s->run + 1 : s->run;
    s->speaks =
        s->run >= RUN_CONFIRMED || (speech && since_us >= LONG_PACKET_US && since_us < SPEECH_HANGOVER_US);
    if (s->speaks)
        s->speech_us = now_us;
    s->heard_us = now_us;
    int32_t steps = limit((level - s->noise - STEPS_FROM) / STEP, 0, SPEECH_IMMEDIATE_MAX);
    note_frame(s, (uint8_t)steps, now_us);
}

static uint8_t frame_at(const struct speech *s, uint64_t number) {
    return number <= s->frame && s->frame - number < SPEECH_FRAMES ? s->frames[number % SPEECH_FRAMES] : 0;
}

// The medium interval that ends with frame `last`.
static uint8_t medium_at(const struct speech *s, uint64_t last) {
    unsigned active = 0;
    for (uint64_t i = 0; i < SPEECH_MEDIUM_MAX; i++)
        active += last >= i && frame_at(s, last - i) > FRAME_ACTIVE;
    return (uint8_t)active;
}

struct speech_activity speech_activity(const struct speech *s, uint64_t now_us) {
    struct speech_activity activity = {0};
    if (s->heard_us == 0)
        return activity;
    // Up to the newest frame while packets come, which may be the one before this; a pause counts in full.
    uint64_t now = now_us / SPEECH_FRAME_US;
    uint64_t last = now > s->frame && now - s->frame > GAP_FILLED ? now : s->frame;
    for (uint64_t i = 0; i < SPEECH_MEDIUM_MAX && i <= last; i++) { // its loudest frame: a syllable has gaps
        uint8_t frame = frame_at(s, last - i);
        activity.immediate = frame > activity.immediate ? frame : activity.immediate;
    }
    activity.medium = medium_at(s, last);
    unsigned active = 0;
    for (uint64_t i = 0; i < SPEECH_LONG_MAX && last >= i * SPEECH_MEDIUM_MAX; i++)
        active += medium_at(s, last - i * SPEECH_MEDIUM_MAX) > MEDIUM_ACTIVE;
    activity.long_term = (uint8_t)active;
    return activity;
}
