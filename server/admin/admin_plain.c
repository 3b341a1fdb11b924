// Transports of plain RTP: what programs send into a room and get of it without ICE and DTLS.
#include "server/admin/admin_internal.h"

#include "server/hub/hub_plain.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// ---- keys (RFC 4568, RFC 7714): base64 of master key and salt

static const struct {
    const char *name;
    enum srtp_profile profile;
} suites[] = {{"AES_CM_128_HMAC_SHA1_80", SRTP_PROFILE_AES_CM_128_HMAC_SHA1_80},
              {"AEAD_AES_128_GCM", SRTP_PROFILE_AEAD_AES_128_GCM},
              {"AEAD_AES_256_GCM", SRTP_PROFILE_AEAD_AES_256_GCM}};
#define SUITES (sizeof suites / sizeof suites[0])
#define KEY_TEXT_MAX (((SRTP_KEY_MAX + 2) / 3) * 4 + 1)

static const char base64[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

// Exactly `len` bytes, in canonical base64 with or without padding.
static bool key_read(const char *text, uint8_t *out, unsigned len) {
    size_t chars = strcspn(text, "="), padding = strlen(text + chars);
    uint32_t bits = 0;
    unsigned have = 0, done = 0;
    if (chars != (len * 4 + 2) / 3 || (padding && (chars + padding) % 4 != 0) || padding > 2 ||
        strspn(text + chars, "=") != padding)
        return false;
    for (size_t i = 0; i < chars; i++) {
        const char *at = strchr(base64, text[i]);
        if (!at)
            return false;
        bits = bits << 6 | (uint32_t)(at - base64);
        have += 6;
        if (have < 8)
            continue;
        have -= 8;
        out[done++] = (uint8_t)(bits >> have);
    }
    return done == len && (bits & ((1u << have) - 1)) == 0;
}

static void key_write(const uint8_t *key, unsigned len, char out[KEY_TEXT_MAX]) {
    for (unsigned i = 0; i < len; i += 3) {
        uint32_t bits = (uint32_t)key[i] << 16 | (i + 1 < len ? (uint32_t)key[i + 1] << 8 : 0) |
                        (i + 2 < len ? key[i + 2] : 0);
        for (unsigned c = 0; c < 4; c++)
            *out++ = i + c > len && c > 1 ? '=' : base64[bits >> (18 - 6 * c) & 63];
    }
    *out = '\0';
}

static const char *suite_name(enum srtp_profile profile) {
    for (size_t i = 0; i < SUITES; i++)
        if (suites[i].profile == profile)
            return suites[i].name;
    return "";
}

// Nothing that is refused is repeated: it is a secret.
static bool read_keys(struct admin_call *call, struct srtp_keys *keys) {
    const json_t *given = admin_member(call, "srtpParameters");
    const char *name = json_string_value(json_object_get(given, "cryptoSuite"));
    const char *key = json_string_value(json_object_get(given, "keyBase64"));
    size_t i = 0;
    if (!given)
        return true;
    while (i < SUITES && (!name || strcmp(suites[i].name, name) != 0))
        i++;
    if (i == SUITES)
        return admin_refuse(
            call, ADMIN_INVALID,
            "`srtpParameters.cryptoSuite` must be AES_CM_128_HMAC_SHA1_80, AEAD_AES_128_GCM or "
            "AEAD_AES_256_GCM");
    unsigned len = hub_plain_key_bytes(suites[i].profile);
    keys->profile = suites[i].profile;
    return (key && key_read(key, keys->remote, len)) ||
           admin_refuse(
               call, ADMIN_INVALID,
               "`srtpParameters.keyBase64` must be base64 of the %u bytes of key and salt that %s has", len,
               name);
}

// ---- what is asked

static bool read_port(struct admin_call *call, const char *name, uint16_t *out) {
    uint32_t number;
    bool fine = admin_number(call, name, UINT16_MAX, &number);
    *out = (uint16_t)number;
    return fine;
}

static bool read_direction(struct admin_call *call, bool *from_client) {
    const char *direction = admin_text(call, "direction", true);
    if (!direction)
        return false;
    *from_client = strcmp(direction, "send") == 0;
    return *from_client || strcmp(direction, "recv") == 0 ||
           admin_refuse(
               call, ADMIN_INVALID,
               "`direction` must be \"send\" (the program sends into the room) or \"recv\" (it gets)");
}

static bool read_plain(struct admin_call *call, struct hub_plain *ask) {
    return (ask->name = admin_text(call, "name", true)) &&
           (ask->identity = admin_text(call, "identity", false)) &&
           (ask->metadata = admin_text(call, "metadata", false)) && read_direction(call, &ask->from_client) &&
           (ask->ip = admin_text(call, "ip", false)) && read_port(call, "port", &ask->port) &&
           read_port(call, "rtcpPort", &ask->rtcp_port) && admin_truth(call, "rtcpMux", &ask->rtcp_mux) &&
           admin_truth(call, "comedia", &ask->comedia) && admin_truth(call, "hidden", &ask->hidden) &&
           read_keys(call, &ask->keys);
}

static json_t *describe_plain(const struct room_transport *transport) {
    return json_pack("{s:s, s:s, s:b, s:s, s:s}", "id", transport->public_id.text, "direction",
                     transport->from_client ? "send" : "recv", "connected", transport->dtls == DTLS_CONNECTED,
                     "participantSid", transport->owner->id.text, "name", transport->owner->name);
}

// With what is told once: where to send to, and our key.
static json_t *describe_new(const struct room_transport *transport, const struct hub_plain *made) {
    json_t *answer = describe_plain(transport);
    char key[KEY_TEXT_MAX];
    bool fine = json_object_set_new(answer, "ip", json_string(made->place.ip)) == 0 &&
                json_object_set_new(answer, "port", json_integer(made->place.rtp_port)) == 0;
    if (!made->rtcp_mux)
        fine = fine && json_object_set_new(answer, "rtcpPort", json_integer(made->place.rtcp_port)) == 0;
    if (made->keys.profile != SRTP_PROFILE_NONE) {
        key_write(made->keys.local, made->keys.len, key);
        json_t *srtp =
            json_pack("{s:s, s:s}", "cryptoSuite", suite_name(made->keys.profile), "keyBase64", key);
        fine = fine && json_object_set_new(answer, "srtpParameters", srtp) == 0;
        explicit_bzero(key, sizeof key);
    }
    if (fine)
        return answer;
    json_decref(answer);
    return NULL;
}

json_t *admin_open_plain(struct admin_call *call) {
    struct hub_refusal refusal;
    struct hub_plain ask = {0};
    const char *room = admin_text(call, "room", true);
    json_t *answer = NULL;
    if (room && read_plain(call, &ask)) {
        struct room_transport *transport = hub_open_plain(call->admin->hub, room, &ask, &refusal);
        answer = transport ? describe_new(transport, &ask) : admin_refuse_verb(call, &refusal);
        if (transport && !answer) // nobody knows of it
            hub_close_plain(call->admin->hub, transport);
    }
    explicit_bzero(&ask.keys, sizeof ask.keys);
    return answer;
}

json_t *admin_list_plain(struct admin_call *call) {
    struct hub_refusal refusal;
    const char *name = admin_text(call, "room", true);
    struct room *room = name ? hub_operate_find(call->admin->hub, name, &refusal) : NULL;
    if (!room)
        return name ? admin_refuse_verb(call, &refusal) : NULL;
    json_t *list = json_array();
    LIST_EACH(p, &room->participants) {
        LIST_EACH(t, &LIST_ENTRY(p, struct participant, link)->transports) {
            const struct room_transport *transport = LIST_ENTRY(t, struct room_transport, link);
            if (transport->plain)
                json_array_append_new(list, describe_plain(transport));
        }
    }
    return json_pack("{s:o}", "transports", list);
}

static struct room_transport *find_plain(struct admin_call *call) {
    struct hub_refusal refusal;
    const char *room = admin_text(call, "room", true);
    const char *id = room ? admin_text(call, "transport", true) : NULL;
    struct room_transport *transport = id ? hub_find_plain(call->admin->hub, room, id, &refusal) : NULL;
    if (id && !transport)
        admin_refuse_verb(call, &refusal);
    return transport;
}

json_t *admin_close_plain(struct admin_call *call) {
    struct room_transport *transport = find_plain(call);
    if (!transport)
        return NULL;
    hub_close_plain(call->admin->hub, transport);
    return json_object();
}

// ---- what it sends

static bool read_produce(struct admin_call *call, struct hub_produce *ask) {
    static const struct {
        const char *name;
        unsigned right;
    } sources[] = {{"", 0},
                   {"CAMERA", RIGHT_CAMERA},
                   {"MICROPHONE", RIGHT_MICROPHONE},
                   {"SCREEN_SHARE", RIGHT_SCREEN},
                   {"SCREEN_SHARE_AUDIO", RIGHT_SCREEN_AUDIO}};
    const char *kind = admin_text(call, "kind", true);
    const char *source = kind ? admin_text(call, "source", false) : NULL;
    size_t i = 0, count = sizeof sources / sizeof sources[0];
    if (!source || !admin_truth(call, "paused", &ask->paused))
        return false;
    ask->kind = strcmp(kind, "audio") == 0 ? MEDIA_AUDIO : MEDIA_VIDEO;
    if (ask->kind == MEDIA_VIDEO && strcmp(kind, "video") != 0)
        return admin_refuse(call, ADMIN_INVALID, "`kind` must be \"audio\" or \"video\"");
    while (i < count && strcmp(sources[i].name, source) != 0)
        i++;
    if (i == count)
        return admin_refuse(call, ADMIN_INVALID,
                            "`source` must be CAMERA, MICROPHONE, SCREEN_SHARE or SCREEN_SHARE_AUDIO");
    ask->source = sources[i].right;
    ask->parameters = admin_member(call, "rtpParameters");
    return json_is_object(ask->parameters) ||
           admin_refuse(call, ADMIN_INVALID, "`rtpParameters` must be an object");
}

json_t *admin_plain_produce(struct admin_call *call) {
    struct hub_refusal refusal;
    struct hub_produce ask = {0};
    struct room_transport *transport = find_plain(call);
    if (!transport || !read_produce(call, &ask))
        return NULL;
    ask.transport_id = transport->public_id.text;
    struct room_producer *producer = hub_produce(call->admin->hub, transport->owner, &ask, &refusal);
    if (!producer)
        return admin_refuse_verb(call, &refusal);
    json_t *answer = json_pack("{s:s}", "producerId", producer->public_id.text);
    if (!answer)
        (void)hub_close_producer(call->admin->hub, transport->owner, producer->public_id.text, &refusal);
    return answer;
}

// ---- what it gets

static void print_fmtp(FILE *out, const json_t *codec, int payload_type) {
    const char *name;
    json_t *value;
    bool first = true;
    json_object_foreach(json_object_get(codec, "parameters"), name, value) {
        if (first)
            fprintf(out, "a=fmtp:%d ", payload_type);
        fprintf(out, "%s%s=", first ? "" : ";", name);
        first = false;
        if (json_is_string(value))
            fputs(json_string_value(value), out);
        else
            fprintf(out, "%lld", (long long)json_integer_value(value));
    }
    fputs(first ? "" : "\r\n", out);
}

// What FFmpeg and GStreamer read as a file: one consumer and where it goes. Of SRTP without a=crypto: the key
// is told once, with the transport.
static void print_sdp(FILE *out, const struct room_consumer *consumer, const json_t *parameters) {
    const struct room_transport *transport = consumer->transport;
    const json_t *codec = json_array_get(json_object_get(parameters, "codecs"), 0);
    const char *type = json_string_value(json_object_get(codec, "mimeType"));
    const char *cname = json_string_value(json_object_get(json_object_get(parameters, "rtcp"), "cname"));
    const json_t *encoding = json_array_get(json_object_get(parameters, "encodings"), 0);
    int payload_type = (int)json_integer_value(json_object_get(codec, "payloadType"));
    json_int_t channels = json_integer_value(json_object_get(codec, "channels"));
    bool known = transport->plain_to.family != 0;
    char ip[ADDR_TEXT_MAX] = "0.0.0.0";
    if (known)
        addr_print_ip(&transport->plain_to, ip);
    fprintf(out, "v=0\r\no=- 0 0 IN IP%c %s\r\ns=-\r\nc=IN IP%c %s\r\nt=0 0\r\n",
            transport->plain_to.family == 6 ? '6' : '4', ip, transport->plain_to.family == 6 ? '6' : '4', ip);
    fprintf(out, "m=%s %u RTP/%s %d\r\na=rtpmap:%d %s/%lld", media_kind_name(consumer->producer->kind),
            known ? transport->plain_to.port : 9, transport->plain_srtp ? "SAVP" : "AVP", payload_type,
            payload_type, type && strchr(type, '/') ? strchr(type, '/') + 1 : "",
            (long long)json_integer_value(json_object_get(codec, "clockRate")));
    if (channels > 1)
        fprintf(out, "/%lld", (long long)channels);
    fputs("\r\n", out);
    print_fmtp(out, codec, payload_type);
    if (transport->plain_rtcp_port)
        fprintf(out, "a=rtcp:%u\r\n", transport->plain_rtcp_port);
    else
        fputs("a=rtcp-mux\r\n", out);
    fprintf(out, "a=ssrc:%lld cname:%s\r\na=recvonly\r\n",
            (long long)json_integer_value(json_object_get(encoding, "ssrc")), cname ? cname : "");
}

static char *make_sdp(const struct room_consumer *consumer, const json_t *parameters) {
    char *text = NULL;
    size_t len;
    FILE *out = open_memstream(&text, &len);
    if (!out)
        return NULL;
    print_sdp(out, consumer, parameters);
    return fclose(out) == 0 ? text : NULL;
}

// Answers with the parameters, which are released.
static json_t *describe_consumer(const struct room_consumer *consumer, json_t *parameters) {
    char *sdp = make_sdp(consumer, parameters);
    if (!sdp) {
        json_decref(parameters);
        return NULL;
    }
    json_t *answer =
        json_pack("{s:s, s:s, s:o, s:s}", "consumerId", consumer->public_id.text, "kind",
                  media_kind_name(consumer->producer->kind), "rtpParameters", parameters, "sdp", sdp);
    free(sdp);
    return answer;
}

json_t *admin_plain_consume(struct admin_call *call) {
    struct hub_refusal refusal;
    struct hub_consume ask = {0};
    json_t *parameters = NULL;
    struct room_transport *transport = find_plain(call);
    ask.producer_id = transport ? admin_text(call, "producerId", true) : NULL;
    if (!ask.producer_id || !admin_truth(call, "paused", &ask.paused))
        return NULL;
    const json_t *given = admin_member(call, "rtpCapabilities");
    json_t *preset = given ? NULL : hub_plain_capabilities(call->admin->hub);
    ask.transport_id = transport->public_id.text;
    ask.capabilities = given ? given : preset;
    struct room_consumer *consumer =
        ask.capabilities ? hub_consume(call->admin->hub, transport->owner, &ask, &parameters, &refusal)
                         : NULL;
    bool made = ask.capabilities != NULL;
    json_decref(preset);
    if (!consumer)
        return made ? admin_refuse_verb(call, &refusal) : NULL;
    json_t *answer = describe_consumer(consumer, parameters);
    if (!answer)
        (void)hub_close_consumer(call->admin->hub, transport->owner, consumer->public_id.text, &refusal);
    return answer;
}
