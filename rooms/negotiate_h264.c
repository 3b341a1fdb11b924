// H264's profile-level-id: RFC 6184, 8.1 (the six hexadecimal digits) and 8.2.2 (offer and answer).
#include "rooms/negotiate_internal.h"

#include <stdio.h>
#include <string.h>

enum h264_profile {
    H264_CONSTRAINED_BASELINE,
    H264_BASELINE,
    H264_MAIN,
    H264_CONSTRAINED_HIGH,
    H264_HIGH,
    H264_HIGH_444_PREDICTIVE,
};

#define LEVEL_1B 0 // between level 1 (10) and level 1.1 (11)

struct h264_id {
    enum h264_profile profile;
    uint8_t level; // level_idc, ten times the level's number; LEVEL_1B
};

// RFC 6184, table 5: profile_idc, and profile-iop as value under mask.
static const struct h264_pattern {
    uint8_t idc, iop_mask, iop;
    enum h264_profile profile;
} PATTERNS[] = {
    {0x42, 0x4f, 0x40, H264_CONSTRAINED_BASELINE},
    {0x4d, 0x8f, 0x80, H264_CONSTRAINED_BASELINE},
    {0x58, 0xcf, 0xc0, H264_CONSTRAINED_BASELINE},
    {0x42, 0x4f, 0x00, H264_BASELINE},
    {0x58, 0xcf, 0x80, H264_BASELINE},
    {0x4d, 0xaf, 0x00, H264_MAIN},
    {0x64, 0xff, 0x00, H264_HIGH},
    {0x64, 0xff, 0x0c, H264_CONSTRAINED_HIGH},
    {0xf4, 0xff, 0x00, H264_HIGH_444_PREDICTIVE},
};

static const uint8_t levels[] = {10, 11, 12, 13, 20, 21, 22, 30, 31, 32, 40, 41, 42, 50, 51, 52};

static bool parse_hex(const char *text, uint32_t *out) {
    if (strlen(text) != 6 || strspn(text, "0123456789abcdefABCDEF") != 6)
        return false;
    return sscanf(text, "%6x", out) == 1;
}

static bool level_of(uint8_t idc, uint8_t iop, uint8_t *level) {
    // RFC 6184, 8.1: with level_idc 11, constraint_set3_flag tells level 1b from 1.1. Asked of every profile,
    // as other implementations do.
    if (idc == 11 && (iop & 0x10) != 0) {
        *level = LEVEL_1B;
        return true;
    }
    *level = idc;
    return memchr(levels, idc, sizeof levels) != NULL;
}

static bool parse_id(const char *text, struct h264_id *out) {
    uint32_t id;

    if (!parse_hex(text, &id))
        return false;
    uint8_t idc = (uint8_t)(id >> 16), iop = (uint8_t)(id >> 8);
    if (!level_of((uint8_t)id, iop, &out->level))
        return false;
    for (size_t i = 0; i < sizeof PATTERNS / sizeof PATTERNS[0]; i++) {
        if (PATTERNS[i].idc == idc && PATTERNS[i].iop == (iop & PATTERNS[i].iop_mask)) {
            out->profile = PATTERNS[i].profile;
            return true;
        }
    }
    return false;
}

// Absent, null, "" and 0 are what JavaScript takes for "not there".
static bool id_is_absent(const json_t *value) {
    int64_t zero;

    return !negotiate_is_given(value) || (json_is_string(value) && json_string_length(value) == 0) ||
           negotiate_whole_number(value, 0, 0, &zero);
}

static bool id_of(const json_t *parameters, struct h264_id *out) {
    const json_t *value = json_object_get(parameters, "profile-level-id");

    if (id_is_absent(value)) {
        // RFC 6184 would say Baseline level 1; WebRTC means Constrained Baseline 3.1 (crbug.com/webrtc/6337).
        *out = (struct h264_id){H264_CONSTRAINED_BASELINE, 31};
        return true;
    }
    return json_is_string(value) && parse_id(json_string_value(value), out);
}

bool h264_same_profile(const json_t *parameters_a, const json_t *parameters_b) {
    struct h264_id a, b;

    return id_of(parameters_a, &a) && id_of(parameters_b, &b) && a.profile == b.profile;
}

static bool level_asymmetry_allowed(const json_t *parameters) {
    const json_t *value = json_object_get(parameters, "level-asymmetry-allowed");
    int64_t one;

    return negotiate_whole_number(value, 1, 1, &one) ||
           (json_is_string(value) && strcmp(json_string_value(value), "1") == 0);
}

// Levels in twice level_idc, so that 1b has a place between 1 and 1.1.
static int level_rank(uint8_t level) {
    return level == LEVEL_1B ? 21 : 2 * level;
}

static struct h264_answer write_id(enum h264_profile profile, uint8_t level) {
    static const char *const prefixes[] = {
        [H264_CONSTRAINED_BASELINE] = "42e0", [H264_BASELINE] = "4200", [H264_MAIN] = "4d00",
        [H264_CONSTRAINED_HIGH] = "640c",     [H264_HIGH] = "6400",     [H264_HIGH_444_PREDICTIVE] = "f400",
    };
    static const char *const level_1b_ids[] = {
        // the other profiles have no level 1b
        [H264_CONSTRAINED_BASELINE] = "42f00b", [H264_BASELINE] = "42100b", [H264_MAIN] = "4d100b",
        [H264_CONSTRAINED_HIGH] = "",           [H264_HIGH] = "",           [H264_HIGH_444_PREDICTIVE] = "",
    };
    struct h264_answer answer;

    if (level == LEVEL_1B)
        snprintf(answer.text, sizeof answer.text, "%s", level_1b_ids[profile]);
    else
        snprintf(answer.text, sizeof answer.text, "%s%02x", prefixes[profile], level);
    return answer;
}

struct h264_answer h264_answer_level(const json_t *local, const json_t *remote) {
    struct h264_answer none = {""};
    struct h264_id mine, theirs;

    if (id_is_absent(json_object_get(local, "profile-level-id")) &&
        id_is_absent(json_object_get(remote, "profile-level-id")))
        return none;
    if (!id_of(local, &mine) || !id_of(remote, &theirs) || mine.profile != theirs.profile)
        return none;
    if (level_asymmetry_allowed(local) && level_asymmetry_allowed(remote))
        return write_id(mine.profile, mine.level);
    // RFC 6184, 8.2.2: without level-asymmetry-allowed the level in the answer is at most the offer's.
    return write_id(mine.profile,
                    level_rank(mine.level) < level_rank(theirs.level) ? mine.level : theirs.level);
}
