// negotiate_internal: what the files of `negotiate` share, and nobody else includes.
//
// Every builder here tolerates a NULL or a value of another type, so that a failed allocation or a hostile
// document only turns the answer false: `ok &= negotiate_put(...)` collects the outcome, negotiate_finish()
// judges it once.
#ifndef ROOMS_NEGOTIATE_INTERNAL_H
#define ROOMS_NEGOTIATE_INTERNAL_H

#include "rooms/negotiate.h"

#include <stddef.h>
#include <stdint.h>

// ---- limits of what a client may say. Browsers stay far below.

#define CAPABILITY_CODECS_MAX 128 // Chromium lists about 45 before it has met a router
#define CAPABILITY_EXTENSIONS_MAX 64
#define PRODUCER_CODECS_MAX 16
#define PRODUCER_EXTENSIONS_MAX 32
#define CODEC_PARAMETERS_MAX 32
#define CODEC_FEEDBACK_MAX 32
#define FINGERPRINTS_MAX 16

#define MIME_TYPE_MAX 64        // bytes, as the others below
#define PARAMETER_KEY_MAX 64    // of a codec's or an extension's parameters
#define PARAMETER_TEXT_MAX 1024 // sprop-parameter-sets and its like
#define FEEDBACK_TEXT_MAX 64
#define URI_MAX 256
#define MSID_MAX 256
#define SCALABILITY_MODE_MAX 32

#define PAYLOAD_TYPE_LAST 127 // RFC 3550, 5.1: seven bits
#define EXT_ID_LAST 255       // RFC 8285, 4.3: two-byte headers; one-byte headers end at 14
#define CLOCK_RATE_LAST_HZ 1000000
#define CHANNELS_LAST 255
#define LAYERS_MAX 8 // VP9 and AV1 number their spatial and temporal layers with three bits

// ---- refusals (negotiate_json.c)

#define FORMAT_LIKE_PRINTF(text_at, args_at) __attribute__((format(printf, text_at, args_at)))

// Writes the refusal and returns false. Only text that negotiate_text_is_plain() may be printed.
bool negotiate_refuse(struct refusal *refusal, enum err code, const char *format, ...)
    FORMAT_LIKE_PRINTF(3, 4);

// Returns `built`; or NULL after releasing it, when something failed. A failure that nobody explained was an
// allocation.
json_t *negotiate_finish(json_t *built, bool ok, struct refusal *refusal);

// ---- building JSON; each returns false when memory is short. They take the reference `value` over.

bool negotiate_put(json_t *object, const char *key, json_t *value);
bool negotiate_append(json_t *array, json_t *value);
bool negotiate_put_whole(json_t *object, const char *key, int64_t value);
bool negotiate_put_text(json_t *object, const char *key, const char *text);

// The very same value under a further reference. For strings and numbers only: those are never changed.
json_t *negotiate_share(const json_t *scalar);

// A number, whole ones as JSON integers: JavaScript knows no difference between 1 and 1.0.
json_t *negotiate_number_copy(const json_t *number);

// A copy of an object of strings and numbers.
json_t *negotiate_flat_copy(const json_t *object);

// ---- reading JSON

// Absent and null are the same thing to a client's developer.
bool negotiate_is_given(const json_t *value);

// False unless `value` is a whole number in first..last.
bool negotiate_whole_number(const json_t *value, int64_t first, int64_t last, int64_t *out);

// The same for a member; -1 when it is absent or something else. For documents that are checked already.
int64_t negotiate_whole_member(const json_t *object, const char *key, int64_t last);

// A member's text; "" when it is absent or something else.
const char *negotiate_text_member(const json_t *object, const char *key);

// 1..max bytes, no control character. What a publisher says is written into other people's SDP by their
// clients: a line break in it would be a line of SDP of the publisher's choice.
bool negotiate_text_is_plain(const json_t *value, size_t max);

// ---- codecs and header extensions (negotiate_codecs.c)

bool mime_is_rtx(const char *mime_type);
bool codec_is_rtx(const json_t *codec);
// RFC 2198: audio of the codec beside it, several frames in a packet.
bool codec_is_red(const json_t *codec);

// False for "video/H266".
bool codec_of_mime(const char *mime_type, enum media_codec *codec);

const char *ext_uri(enum media_ext ext);
enum media_ext ext_of_uri(const char *uri);

// Strict matching: reference rules of ORTC for VP9 and H264, RFC 7798 for H265.
bool codecs_match(const json_t *a, const json_t *b);

// The first codec of the array that matches; NULL for none.
const json_t *codec_matching(const json_t *codecs, const json_t *codec);
// The first RTX codec whose apt is payload_type; NULL for none.
const json_t *codec_rtx_of(const json_t *codecs, int64_t payload_type);
// The first codec that is neither RTX nor redundant audio; NULL for none.
const json_t *codec_first_media(const json_t *codecs);
// The first redundant audio; NULL for none.
const json_t *codec_first_red(const json_t *codecs);

// ---- H264 (negotiate_h264.c)

bool h264_same_profile(const json_t *parameters_a, const json_t *parameters_b);

// The profile-level-id that answers `local` offered against `remote` (RFC 6184, 8.2.2), whose profiles are
// the same; "" when the answer has none.
struct h264_answer {
    char text[7];
};
struct h264_answer h264_answer_level(const json_t *local, const json_t *remote);

// ---- scalability modes (negotiate_params.c)

struct layers {
    uint8_t spatial, temporal; // 1 or more
};

// "L3T3_KEY" is 3, 3. What is no mode is one layer of each. Numbers beyond 99 do not parse.
struct layers layers_of_mode(const char *scalability_mode);

// ---- parts of the check (negotiate_check.c), used for capabilities and producers alike

// `place` names the value in a refusal: "codecs[2]".
json_t *negotiate_check_codec(const json_t *codec, const char *payload_type_key, bool payload_type_needed,
                              const char *place, struct refusal *refusal);
json_t *negotiate_check_flat(const json_t *parameters, const char *place, struct refusal *refusal);

// An array of at most `max`; absent is empty. NULL with a refusal otherwise.
struct list_rule {
    const char *name;
    size_t max;
    json_t *(*check)(const json_t *item, const char *place, struct refusal *refusal);
};
json_t *negotiate_check_list(const json_t *list, const struct list_rule *rule, struct refusal *refusal);

#endif
