// control: a line of JSON that tells the recorder what to do, read strictly. Pure.
#ifndef RECORD_CONTROL_H
#define RECORD_CONTROL_H

#include "rtp/media.h"

#include <stddef.h>

#define CONTROL_ID_MAX 64
#define CONTROL_NAME_MAX 256
#define CONTROL_WHY_MAX 160

enum control_what { CONTROL_TRACK, CONTROL_PAUSE, CONTROL_RESUME, CONTROL_END, CONTROL_STOP };

struct control_track {
    char id[CONTROL_ID_MAX + 1];
    char participant[CONTROL_ID_MAX + 1]; // whose it is: tracks of one are kept together
    char name[CONTROL_NAME_MAX + 1];      // of that one, for people
    char source[CONTROL_ID_MAX + 1];      // "CAMERA"; "": not said
    enum media_kind kind;
    enum media_codec codec;
    uint32_t ssrc, clock_rate;
    uint8_t payload_type;
    uint8_t orientation_id; // 0: none
    uint8_t channels;       // of sound: 1 or 2
};

struct control {
    enum control_what what;
    struct control_track track; // of all but STOP: its id alone, but for TRACK
};

// False: `why`, of CONTROL_WHY_MAX bytes.
bool control_read(const char *line, size_t len, struct control *out, char *why);

#endif
