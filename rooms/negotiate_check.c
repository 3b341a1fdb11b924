// Codecs, header extensions and capabilities as a client gives them: nothing in them is believed. What
// passes is rebuilt from the fields that we know, with every default filled in.
#include "rooms/negotiate_internal.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define PLACE_MAX 32

json_t *negotiate_check_list(const json_t *list, const struct list_rule *rule, struct refusal *refusal) {
    json_t *checked = json_array();
    bool ok = true;

    if (negotiate_is_given(list) && !json_is_array(list))
        ok = negotiate_refuse(refusal, ERR_MALFORMED, "%s is not an array", rule->name);
    else if (json_array_size(list) > rule->max)
        ok = negotiate_refuse(refusal, ERR_LIMIT, "%s has %zu entries; at most %zu are allowed", rule->name,
                              json_array_size(list), rule->max);
    for (size_t i = 0; ok && i < json_array_size(list); i++) {
        char place[PLACE_MAX];

        snprintf(place, sizeof place, "%s[%zu]", rule->name, i);
        ok = negotiate_append(checked, rule->check(json_array_get(list, i), place, refusal));
    }
    return negotiate_finish(checked, ok, refusal);
}

// ---- parameters: strings and numbers under plain keys

static bool check_parameter(const char *key, const json_t *value, const char *place,
                            struct refusal *refusal) {
    if (!json_is_number(value) && !json_is_string(value))
        return negotiate_refuse(refusal, ERR_MALFORMED,
                                "%s.parameters: \"%s\" is neither a string nor a number", place, key);
    if (strcmp(key, "apt") == 0 && !json_is_number(value))
        return negotiate_refuse(refusal, ERR_MALFORMED, "%s.parameters.apt is not a number", place);
    if (json_is_string(value) && json_string_length(value) > 0 &&
        !negotiate_text_is_plain(value, PARAMETER_TEXT_MAX))
        return negotiate_refuse(refusal, ERR_MALFORMED,
                                "%s.parameters: \"%s\" is longer than %d bytes or has control characters",
                                place, key, PARAMETER_TEXT_MAX);
    return true;
}

static bool key_is_plain(const char *key) {
    size_t len = strlen(key);

    for (size_t i = 0; i < len; i++) {
        if (key[i] <= ' ' || key[i] > '~') // also what is not ASCII
            return false;
    }
    return len <= PARAMETER_KEY_MAX;
}

static bool check_parameters(const json_t *parameters, const char *place, struct refusal *refusal) {
    const char *key;
    json_t *value;

    if (json_object_size(parameters) > CODEC_PARAMETERS_MAX)
        return negotiate_refuse(refusal, ERR_LIMIT, "%s.parameters has %zu entries; at most %d are allowed",
                                place, json_object_size(parameters), CODEC_PARAMETERS_MAX);
    json_object_foreach((json_t *)parameters, key, value) {
        if (!key_is_plain(key))
            return negotiate_refuse(refusal, ERR_MALFORMED,
                                    "%s.parameters: a name is longer than %d bytes or not printable ASCII",
                                    place, PARAMETER_KEY_MAX);
        if (!check_parameter(key, value, place, refusal))
            return false;
    }
    return true;
}

json_t *negotiate_check_flat(const json_t *parameters, const char *place, struct refusal *refusal) {
    if (!json_is_object(parameters))
        return json_object();
    return check_parameters(parameters, place, refusal) ? negotiate_flat_copy(parameters) : NULL;
}

// ---- codecs

static json_t *check_feedback(const json_t *feedback, const char *place, struct refusal *refusal) {
    const json_t *type = json_object_get(feedback, "type"),
                 *parameter = json_object_get(feedback, "parameter");
    bool given = json_is_string(parameter) && json_string_length(parameter) > 0;
    json_t *checked = NULL;
    bool ok = true;

    if (!negotiate_text_is_plain(type, FEEDBACK_TEXT_MAX))
        ok = negotiate_refuse(refusal, ERR_MALFORMED, "%s.type is not a string of 1 to %d characters", place,
                              FEEDBACK_TEXT_MAX);
    else if (given && !negotiate_text_is_plain(parameter, FEEDBACK_TEXT_MAX))
        ok = negotiate_refuse(refusal, ERR_MALFORMED, "%s.parameter is not a string of at most %d characters",
                              place, FEEDBACK_TEXT_MAX);
    if (ok) {
        checked = json_object();
        ok &= negotiate_put(checked, "type", negotiate_share(type));
        ok &= negotiate_put(checked, "parameter", given ? negotiate_share(parameter) : json_string(""));
    }
    return negotiate_finish(checked, ok, refusal);
}

// RFC 6838, 4.2: restricted names of letters, digits and some signs, with one slash between.
static bool mime_type_is_plain(const json_t *value) {
    const char *text = json_string_value(value);

    if (!negotiate_text_is_plain(value, MIME_TYPE_MAX))
        return false;
    size_t head = strcspn(text, "/");
    if (head != 5 || (strncasecmp(text, "audio", 5) != 0 && strncasecmp(text, "video", 5) != 0))
        return false;
    const char *name = text + 6;
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789!#$&-^_.+";
    return text[5] == '/' && name[0] != '\0' && strspn(name, letters) == strlen(name);
}

// A member that may only be a whole number in first..last. Absent is good when it is not needed.
static bool check_whole(const json_t *object, const char *key, int64_t first, int64_t last, bool needed,
                        const char *place, struct refusal *refusal) {
    const json_t *value = json_object_get(object, key);
    int64_t number;

    if ((!needed && !negotiate_is_given(value)) || negotiate_whole_number(value, first, last, &number))
        return true;
    return negotiate_refuse(refusal, ERR_MALFORMED, "%s.%s is not a whole number from %lld to %lld", place,
                            key, (long long)first, (long long)last);
}

static bool check_codec_scalars(const json_t *codec, const char *payload_type_key, bool payload_type_needed,
                                const char *place, struct refusal *refusal) {
    if (!json_is_object(codec))
        return negotiate_refuse(refusal, ERR_MALFORMED, "%s is not an object", place);
    if (!mime_type_is_plain(json_object_get(codec, "mimeType")))
        return negotiate_refuse(refusal, ERR_MALFORMED, "%s.mimeType is not \"audio/NAME\" or \"video/NAME\"",
                                place);
    bool channels_count = json_is_number(json_object_get(codec, "channels"));
    return check_whole(codec, payload_type_key, 0, PAYLOAD_TYPE_LAST, payload_type_needed, place, refusal) &&
           check_whole(codec, "clockRate", 1, CLOCK_RATE_LAST_HZ, true, place, refusal) &&
           (!channels_count || check_whole(codec, "channels", 1, CHANNELS_LAST, true, place, refusal));
}

static bool put_codec_scalars(json_t *checked, const json_t *codec, const char *payload_type_key) {
    const json_t *mime_type = json_object_get(codec, "mimeType");
    const json_t *payload_type = json_object_get(codec, payload_type_key);
    const json_t *channels = json_object_get(codec, "channels");
    bool ok = negotiate_put(checked, "mimeType", negotiate_share(mime_type));

    if (negotiate_is_given(payload_type))
        ok &= negotiate_put(checked, payload_type_key, negotiate_number_copy(payload_type));
    ok &= negotiate_put(checked, "clockRate", negotiate_number_copy(json_object_get(codec, "clockRate")));
    if (strncasecmp(json_string_value(mime_type), "audio", 5) == 0)
        ok &= negotiate_put(checked, "channels",
                            json_is_number(channels) ? negotiate_number_copy(channels) : json_integer(1));
    return ok;
}

json_t *negotiate_check_codec(const json_t *codec, const char *payload_type_key, bool payload_type_needed,
                              const char *place, struct refusal *refusal) {
    const struct list_rule feedback_rule = {"rtcpFeedback", CODEC_FEEDBACK_MAX, check_feedback};
    const json_t *feedback = json_object_get(codec, "rtcpFeedback");
    json_t *checked = NULL;
    bool ok = check_codec_scalars(codec, payload_type_key, payload_type_needed, place, refusal);

    if (ok) {
        checked = json_object();
        ok &= put_codec_scalars(checked, codec, payload_type_key);
        ok = ok && negotiate_put(checked, "parameters",
                                 negotiate_check_flat(json_object_get(codec, "parameters"), place, refusal));
        ok = ok && negotiate_put(checked, "rtcpFeedback",
                                 negotiate_check_list(json_is_array(feedback) ? feedback : NULL,
                                                      &feedback_rule, refusal));
    }
    return negotiate_finish(checked, ok, refusal);
}

static json_t *check_codec_capability(const json_t *codec, const char *place, struct refusal *refusal) {
    json_t *checked = negotiate_check_codec(codec, "preferredPayloadType", false, place, refusal);
    bool audio = checked != NULL && strncasecmp(negotiate_text_member(checked, "mimeType"), "audio", 5) == 0;
    bool ok = checked != NULL && negotiate_put_text(checked, "kind", audio ? "audio" : "video");

    return negotiate_finish(checked, ok, refusal);
}

// ---- header extensions of capabilities

static bool text_is_one_of(const json_t *value, const char *const *words) {
    for (; *words != NULL; words++) {
        if (json_is_string(value) && strcmp(json_string_value(value), *words) == 0)
            return true;
    }
    return false;
}

static bool check_extension_fields(const json_t *ext, const char *place, struct refusal *refusal) {
    static const char *const kinds[] = {"audio", "video", NULL};
    static const char *const directions[] = {"sendrecv", "sendonly", "recvonly", "inactive", NULL};
    const json_t *encrypt = json_object_get(ext, "preferredEncrypt"),
                 *direction = json_object_get(ext, "direction");

    if (!json_is_object(ext))
        return negotiate_refuse(refusal, ERR_MALFORMED, "%s is not an object", place);
    if (!text_is_one_of(json_object_get(ext, "kind"), kinds))
        return negotiate_refuse(refusal, ERR_MALFORMED, "%s.kind is not \"audio\" or \"video\"", place);
    if (!negotiate_text_is_plain(json_object_get(ext, "uri"), URI_MAX))
        return negotiate_refuse(refusal, ERR_MALFORMED, "%s.uri is not a string of 1 to %d characters", place,
                                URI_MAX);
    if (negotiate_is_given(encrypt) && !json_is_boolean(encrypt))
        return negotiate_refuse(refusal, ERR_MALFORMED, "%s.preferredEncrypt is not true or false", place);
    if (negotiate_is_given(direction) && !text_is_one_of(direction, directions))
        return negotiate_refuse(
            refusal, ERR_MALFORMED,
            "%s.direction is not \"sendrecv\", \"sendonly\", \"recvonly\" or \"inactive\"", place);
    return check_whole(ext, "preferredId", 1, EXT_ID_LAST, true, place, refusal);
}

static json_t *check_extension(const json_t *ext, const char *place, struct refusal *refusal) {
    json_t *checked = NULL;
    bool ok = check_extension_fields(ext, place, refusal);

    if (ok) {
        const json_t *direction = json_object_get(ext, "direction");

        checked = json_object();
        ok &= negotiate_put(checked, "kind", negotiate_share(json_object_get(ext, "kind")));
        ok &= negotiate_put(checked, "uri", negotiate_share(json_object_get(ext, "uri")));
        ok &=
            negotiate_put(checked, "preferredId", negotiate_number_copy(json_object_get(ext, "preferredId")));
        ok &= negotiate_put(checked, "preferredEncrypt",
                            json_boolean(json_is_true(json_object_get(ext, "preferredEncrypt"))));
        ok &= negotiate_put(checked, "direction",
                            negotiate_is_given(direction) ? negotiate_share(direction)
                                                          : json_string("sendrecv"));
    }
    return negotiate_finish(checked, ok, refusal);
}

json_t *negotiate_check_capabilities(const json_t *capabilities, struct refusal *refusal) {
    const struct list_rule codecs = {"codecs", CAPABILITY_CODECS_MAX, check_codec_capability};
    const struct list_rule extensions = {"headerExtensions", CAPABILITY_EXTENSIONS_MAX, check_extension};
    json_t *checked = json_object();
    bool ok = true;

    assert(refusal != NULL);
    *refusal = (struct refusal){.code = ERR_OK};
    if (!json_is_object(capabilities))
        ok = negotiate_refuse(refusal, ERR_MALFORMED, "rtpCapabilities is not an object");
    ok = ok && negotiate_put(checked, "codecs",
                             negotiate_check_list(json_object_get(capabilities, "codecs"), &codecs, refusal));
    ok = ok && negotiate_put(checked, "headerExtensions",
                             negotiate_check_list(json_object_get(capabilities, "headerExtensions"),
                                                  &extensions, refusal));
    return negotiate_finish(checked, ok, refusal);
}
