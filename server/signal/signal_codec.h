// signal_codec: the JSON of the signalling protocol: the envelope {type, data, id?}, the schema of every
// request's data, and the words for what does not fit it.
//
// Control thread. The schema tables are in signal_table.c: one row a message, one rule a field; validation,
// error texts and the tests' bad inputs come from the same rows.
#ifndef SERVER_SIGNAL_CODEC_H
#define SERVER_SIGNAL_CODEC_H

#include "base/err.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SIGNAL_TYPE_BYTES_MAX 64
#define SIGNAL_ID_BYTES_MAX 128
#define SIGNAL_ERROR_BYTES_MAX 512 // of an error's message
#define SIGNAL_FIELDS_MAX 12

// The stable codes of `error`.
enum signal_code {
    CODE_BAD_JSON,
    CODE_BAD_REQUEST,
    CODE_UNKNOWN_TYPE,
    CODE_NOT_JOINED,
    CODE_ALREADY_JOINED,
    CODE_NOT_FOUND,
    CODE_FORBIDDEN,
    CODE_UNAUTHORIZED,
    CODE_ENCRYPTION_NEEDED,
    CODE_PASSWORD_NEEDED,
    CODE_PASSWORD_WRONG,
    CODE_PASSWORD_ATTEMPTS,
    CODE_USERNAME_TAKEN,
    CODE_ROOM_FULL,
    CODE_LIMIT_REACHED,
    CODE_UNSUPPORTED,
    CODE_WRONG_STATE,
    CODE_RATE_LIMITED,
    CODE_DRAINING,
    CODE_INTERNAL,
    CODE_COUNT
};
const char *signal_code_name(enum signal_code code);

enum field_kind {
    FIELD_END, // ends the rules of a row
    FIELD_TEXT,
    FIELD_BOOL,
    FIELD_INTEGER,
    FIELD_OBJECT,
    FIELD_CHOICE, // a text, one of `choices`
    FIELD_TEXTS,  // an array of texts; with `choices`, of these
    FIELD_ANY,
};

struct field_rule {
    const char *name;
    enum field_kind kind;
    bool required;
    int64_t min, max;    // TEXT: characters (code points); INTEGER: value; TEXTS: how many
    const char *choices; // CHOICE, TEXTS: separated by '|'
};

// A growing buffer for one encoded message. Zero it; free with text_buffer_close.
struct text_buffer {
    char *text;
    size_t len, allocated;
};
void text_buffer_close(struct text_buffer *buffer);
// Append; false without memory, and then the buffer is not to be used but to be closed or begun anew.
bool text_buffer_add(struct text_buffer *buffer, const char *text, size_t len);
bool text_buffer_add_json(struct text_buffer *buffer, const json_t *value);
bool text_buffer_add_string(struct text_buffer *buffer, const char *text); // as a JSON string, escaped

// A member of an object that is JSON text already: kept and sent as text it costs a tenth of the memory.
struct raw_member {
    const char *name; // needs no escaping
    const char *text;
    size_t len;
};

struct signal_envelope {
    json_t *root;     // owns the rest
    const char *type; // NULL when missing or not a string
    json_t *data;     // an object once checked; NULL counts as an empty one
    json_t *id;       // NULL when there is none
};

// Reads the envelope. ERR_MALFORMED when it is not one JSON object (`why` then says where). ERR_UNSUPPORTED
// when it is, and has what the parser does not take (half a surrogate pair, a number beyond 64 bits): `why`
// says what, and type and id are there as far as they can be read. Otherwise, and then too, envelope->root is
// to be released.
MUST_USE enum err signal_decode(const char *text, size_t len, struct signal_envelope *envelope,
                                char why[SIGNAL_ERROR_BYTES_MAX]);
// What is wrong with type, data and id of an envelope: false and the words.
bool signal_check_envelope(struct signal_envelope *envelope, char why[SIGNAL_ERROR_BYTES_MAX]);
// Checks data against the rules; null counts as absent. False and the words when something does not fit.
bool signal_check_fields(const struct field_rule *rules, const json_t *data,
                         char why[SIGNAL_ERROR_BYTES_MAX]);

// `object`, which is not empty, with the further members.
bool text_buffer_add_object(struct text_buffer *buffer, const json_t *object, const struct raw_member *raw,
                            size_t raw_count);

// {type, data, id?} into the buffer, replacing what it held. False without memory. data and id stay the
// caller's.
bool signal_encode(struct text_buffer *buffer, const char *type, const json_t *data, const json_t *id);
// The same with further members of `data`.
bool signal_encode_raw(struct text_buffer *buffer, const char *type, const json_t *data,
                       const struct raw_member *raw, size_t raw_count, const json_t *id);
// The same; `data` is text.
bool signal_encode_text(struct text_buffer *buffer, const char *type, const char *data, size_t len);

// Fields of checked data; absent and null give the default.
const char *signal_data_text(const json_t *data, const char *name); // or NULL
bool signal_data_bool(const json_t *data, const char *name);        // or false
int64_t signal_data_integer(const json_t *data, const char *name, int64_t otherwise);
json_t *signal_data_object(const json_t *data, const char *name); // borrowed, or NULL

#endif
