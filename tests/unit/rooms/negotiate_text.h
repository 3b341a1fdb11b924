// JSON in C source: single quotes stand for double ones.
#ifndef TESTS_NEGOTIATE_TEXT_H
#define TESTS_NEGOTIATE_TEXT_H

#include <jansson.h>

#include <assert.h>
#include <stdio.h>
#include <string.h>

#define JSON_TEXT_MAX 16384

static inline json_t *json_of(const char *text) {
    char quoted[JSON_TEXT_MAX];
    size_t len = strlen(text);
    json_error_t error;

    assert(len < sizeof quoted);
    for (size_t i = 0; i <= len; i++)
        quoted[i] = text[i] == '\'' ? '"' : text[i];
    json_t *value = json_loads(quoted, JSON_DECODE_ANY, &error);
    if (value == NULL)
        fprintf(stderr, "%s: %s\n", text, error.text);
    assert(value != NULL);
    return value;
}

// A producer's RtpParameters around its codecs, extensions and encodings.
#define PRODUCER(codecs, extensions, encodings)                                                              \
    "{'mid':'0','codecs':[" codecs "],'headerExtensions':[" extensions "],'encodings':[" encodings "],"      \
    "'rtcp':{'cname':'abcd'}}"
#define VIDEO_CODEC(name, payload_type, parameters, feedback)                                                \
    "{'mimeType':'video/" name "','payloadType':" #payload_type                                              \
    ",'clockRate':90000,'parameters':{" parameters "},'rtcpFeedback':[" feedback "]}"
#define OPUS(parameters, feedback)                                                                           \
    "{'mimeType':'audio/opus','payloadType':111,'clockRate':48000,'channels':2,'parameters':{" parameters    \
    "},'rtcpFeedback':[" feedback "]}"
#define RTX(payload_type, apt) VIDEO_CODEC("rtx", payload_type, "'apt':" #apt, "")
#define FB(type, parameter) "{'type':'" type "','parameter':'" parameter "'}"
#define EXT(uri, id) "{'uri':'" uri "','id':" #id "}"

#define URI_MID "urn:ietf:params:rtp-hdrext:sdes:mid"
#define URI_RID "urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id"
#define URI_RRID "urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id"
#define URI_AST "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time"
#define URI_TWCC "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01"
#define URI_LEVEL "urn:ietf:params:rtp-hdrext:ssrc-audio-level"

#endif
