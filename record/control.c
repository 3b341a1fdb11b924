#include "record/control.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

static bool refuse(char *why, const char *what) {
    snprintf(why, CONTROL_WHY_MAX, "%s", what);
    return false;
}

// A text of 1 (or 0) to `max` bytes without a NUL; one that is missing is "" where it may be.
static bool read_text(const json_t *object, const char *name, bool needed, size_t max, char *out, char *why) {
    const json_t *value = json_object_get(object, name);
    size_t len = json_string_length(value);
    if (!value && !needed) {
        out[0] = '\0';
        return true;
    }
    if (!json_is_string(value) || len > max || (needed && len == 0) ||
        strlen(json_string_value(value)) != len) {
        snprintf(why, CONTROL_WHY_MAX, "`%s` must be a text of at most %zu bytes", name, max);
        return false;
    }
    memcpy(out, json_string_value(value), len + 1);
    return true;
}

static bool read_number(const json_t *object, const char *name, json_int_t min, json_int_t max,
                        json_int_t preset, json_int_t *out, char *why) {
    const json_t *value = json_object_get(object, name);
    *out = value ? json_integer_value(value) : preset;
    if ((!value || json_is_integer(value)) && *out >= min && *out <= max)
        return true;
    snprintf(why, CONTROL_WHY_MAX, "`%s` must be a number from %lld to %lld", name, (long long)min,
             (long long)max);
    return false;
}

static bool read_codec(const char *mime, struct control_track *out, char *why) {
    static const struct {
        const char *mime;
        enum media_codec codec;
        enum media_kind kind;
    } codecs[] = {{"audio/opus", CODEC_OPUS, MEDIA_AUDIO},
                  {"video/VP8", CODEC_VP8, MEDIA_VIDEO},
                  {"video/VP9", CODEC_VP9, MEDIA_VIDEO},
                  {"video/AV1", CODEC_AV1, MEDIA_VIDEO},
                  {"video/H264", CODEC_H264, MEDIA_VIDEO}};
    for (size_t i = 0; i < sizeof codecs / sizeof codecs[0]; i++)
        if (strcasecmp(codecs[i].mime, mime) == 0) {
            out->codec = codecs[i].codec;
            out->kind = codecs[i].kind;
            return true;
        }
    return refuse(why,
                  "`mimeType` must be audio/opus, video/VP8, video/VP9, video/AV1 or video/H264: others are "
                  "not recorded");
}

static bool read_track(const json_t *object, struct control_track *out, char *why) {
    char mime[32];
    json_int_t ssrc, payload_type, clock_rate, orientation, channels;
    if (!read_text(object, "mimeType", true, sizeof mime - 1, mime, why) || !read_codec(mime, out, why) ||
        !read_text(object, "participant", true, CONTROL_ID_MAX, out->participant, why) ||
        !read_text(object, "name", false, CONTROL_NAME_MAX, out->name, why) ||
        !read_text(object, "source", false, CONTROL_ID_MAX, out->source, why) ||
        !read_number(object, "ssrc", 1, UINT32_MAX, 0, &ssrc, why) ||
        !read_number(object, "payloadType", 0, 127, -1, &payload_type, why) ||
        !read_number(object, "clockRate", 8000, 192000, 0, &clock_rate, why) ||
        !read_number(object, "orientationId", 0, 14, 0, &orientation, why) ||
        !read_number(object, "channels", 1, 2, 2, &channels, why))
        return false;
    out->ssrc = (uint32_t)ssrc;
    out->payload_type = (uint8_t)payload_type;
    out->clock_rate = (uint32_t)clock_rate;
    out->orientation_id = (uint8_t)orientation;
    out->channels = (uint8_t)channels;
    return true;
}

static bool read_object(const json_t *object, struct control *out, char *why) {
    static const char *const words[] = {"track", "pause", "resume", "end", "stop"};
    char what[16];
    size_t i = 0, count = sizeof words / sizeof words[0];
    if (!read_text(object, "do", true, sizeof what - 1, what, why))
        return false;
    while (i < count && strcmp(words[i], what) != 0)
        i++;
    if (i == count)
        return refuse(why, "`do` must be track, pause, resume, end or stop");
    out->what = (enum control_what)i;
    if (out->what == CONTROL_STOP)
        return true;
    return read_text(object, "id", true, CONTROL_ID_MAX, out->track.id, why) &&
           (out->what != CONTROL_TRACK || read_track(object, &out->track, why));
}

bool control_read(const char *line, size_t len, struct control *out, char *why) {
    memset(out, 0, sizeof *out);
    json_t *object = json_loadb(line, len, JSON_REJECT_DUPLICATES, NULL);
    bool fine =
        json_is_object(object) ? read_object(object, out, why) : refuse(why, "the line is no JSON object");
    json_decref(object);
    return fine;
}
