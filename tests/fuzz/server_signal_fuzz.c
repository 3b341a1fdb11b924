// Two to four clients talk to a hub, whatever they say.
//
// The input is lines. "1 TEXT" is a message of client 1; "$T0" in it stands for the first transport's id that
// the hub gave out ($P producers, $C consumers, $R resume tokens, $U users; the last digit counts from 0).
// "!o1" opens client 1, "!c1" closes it, "!bN1" is a bad frame, "!t5" lets half a second pass, "!f0" fills
// worker 0's queue and "!f1" empties it, "!d" drains, "!e3abc" is a media event of type 3 with these bytes.
#include "base/clock.h"
#include "base/log.h"
#include "server/signal/signalling.h"

#include <assert.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#define CLIENTS 4
#define IDS 10
#define ID_BYTES 64
#define KINDS "TPCRU"

struct scene {
    struct hub *hub;
    struct signalling *signalling;
    uint64_t now_us;
    bool open[CLIENTS + 1];
    bool ended[CLIENTS + 1]; // the hub asked to close it
    bool full[2];
    char ids[sizeof KINDS - 1][IDS][ID_BYTES];
    unsigned id_count[sizeof KINDS - 1];
    struct media_cmd last; // of each field the last that was not 0
    uint32_t token;
};

static void note_id(struct scene *s, char kind, const json_t *data, const char *key) {
    const char *text = json_string_value(json_object_get(data, key));
    size_t k = (size_t)(strchr(KINDS, kind) - KINDS);
    if (text && s->id_count[k] < IDS && strlen(text) < ID_BYTES)
        strcpy(s->ids[k][s->id_count[k]++], text);
}

static void on_send(void *ctx, uint32_t client, const char *text, size_t len, enum signal_haste haste) {
    struct scene *s = ctx;
    assert(client >= 1 && client <= CLIENTS && s->open[client] && haste <= SIGNAL_OWED);
    json_t *message = json_loadb(text, len, 0, NULL);
    assert(message); // whatever comes in, JSON goes out
    const char *type = json_string_value(json_object_get(message, "type"));
    const json_t *data = json_object_get(message, "data");
    assert(type && json_is_object(data));
    if (strcmp(type, "webRtcTransportCreated") == 0)
        note_id(s, 'T', data, "id");
    else if (strcmp(type, "produced") == 0)
        note_id(s, 'P', data, "producerId");
    else if (strcmp(type, "consumed") == 0)
        note_id(s, 'C', data, "id");
    else if (strcmp(type, "joined") == 0) {
        note_id(s, 'R', data, "resumeToken");
        note_id(s, 'U', data, "userId");
    }
    json_decref(message);
}

static void on_close(void *ctx, uint32_t client, uint16_t code, const char *reason) {
    struct scene *s = ctx;
    assert(client >= 1 && client <= CLIENTS && code >= 1000 && reason);
    s->ended[client] = true;
}

static bool on_post(void *ctx, unsigned worker, const struct media_cmd *cmd) {
    struct scene *s = ctx;
    assert(worker < 2);
    if (s->full[worker])
        return false;
    if (cmd->transport.v)
        s->last.transport = cmd->transport;
    if (cmd->producer.v)
        s->last.producer = cmd->producer;
    if (cmd->consumer.v)
        s->last.consumer = cmd->consumer;
    if (cmd->type == MEDIA_GET_STATS)
        s->token = cmd->stats.token;
    return true;
}

static void say(struct scene *s, uint32_t client, const char *text, size_t len) {
    static char out[SIGNAL_MESSAGE_MAX + ID_BYTES];
    size_t n = 0;
    for (size_t i = 0; i < len && n < SIGNAL_MESSAGE_MAX; i++) {
        const char *kind = i + 2 < len && text[i] == '$' ? strchr(KINDS, text[i + 1]) : NULL;
        if (kind && *kind && text[i + 2] >= '0' && text[i + 2] <= '9') {
            const char *id = s->ids[kind - KINDS][text[i + 2] - '0'];
            memcpy(out + n, id, strlen(id));
            n += strlen(id);
            i += 2;
        } else {
            out[n++] = text[i];
        }
    }
    if (s->open[client])
        signalling_client_message(s->signalling, client, out, n < SIGNAL_MESSAGE_MAX ? n : SIGNAL_MESSAGE_MAX,
                                  s->now_us);
}

static void send_event(struct scene *s, unsigned type, const char *bytes, size_t len) {
    unsigned worker = len > 2 ? (unsigned char)bytes[2] % 2 : 0;
    struct media_event event;
    memset(&event, 0, sizeof event);
    if (type % 7 == MEDIA_STEER) { // workers keep that to themselves: an answer to get-stats in its place
        struct media_stats stats = {.token = s->token, .found = len > 0};
        stats.stream_count = len > 0 ? (uint8_t)bytes[0] : 0;
        hub_media_stats(s->hub, worker, &stats, s->now_us);
        return;
    }
    event.type = type % 7;
    event.transport = s->last.transport;
    event.producer = s->last.producer;
    event.consumer = s->last.consumer;
    if (event.type == MEDIA_TRANSPORT_STATE) {
        event.state.ice = len > 0 ? (unsigned char)bytes[0] % 4 : 0;
        event.state.dtls = len > 1 ? (unsigned char)bytes[1] % 5 : 0;
    } else if (len > 1) {
        event.layers.spatial = (int8_t)bytes[0];
        event.layers.temporal = (int8_t)bytes[1];
    }
    hub_media_event(s->hub, worker, &event, s->now_us);
}

static void command(struct scene *s, const char *line, size_t len) {
    uint32_t client = len > 2 ? (uint32_t)(unsigned char)line[2] % CLIENTS + 1 : 1;
    if (len < 2)
        return;
    if (line[1] == 'o' && !s->open[client]) {
        s->open[client] = true;
        s->ended[client] = false;
        signalling_client_opened(s->signalling, client, s->now_us);
    } else if (line[1] == 'c' && s->open[client]) {
        signalling_client_closed(s->signalling, client, s->now_us);
        s->open[client] = false;
    } else if (line[1] == 'b' && s->open[client]) {
        signalling_client_bad_frame(s->signalling, client,
                                    len & 1 ? SIGNAL_FRAME_BINARY : SIGNAL_FRAME_TOO_BIG, s->now_us);
    } else if (line[1] == 't') {
        s->now_us += (len > 2 ? (unsigned char)line[2] : 1) * 100 * US_PER_MS;
        hub_advance(s->hub, s->now_us);
        signalling_advance(s->signalling, s->now_us);
    } else if (line[1] == 'f') {
        s->full[0] = s->full[1] = len > 2 && line[2] == '0';
    } else if (line[1] == 'd') {
        hub_drain(s->hub, 0, s->now_us);
    } else if (line[1] == 'e' && len > 2) {
        send_event(s, (unsigned char)line[2], line + 3, len - 3);
    }
}

static void check(const struct scene *s) {
    struct hub_counts counts;
    hub_read_counts(s->hub, &counts);
    uint32_t by_ice = 0;
    for (int i = 0; i < 4; i++)
        by_ice += counts.transports_by_ice[i];
    assert(by_ice == counts.transports);
    assert(counts.participants > 0 || counts.transports + counts.producers + counts.consumers == 0);
    assert(counts.relays == 0 || counts.consumers > 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    log_configure(LOG_LEVEL_ERROR, LOG_FORMAT_TEXT);
    struct scene s = {.now_us = US_PER_SECOND};
    struct hub_config config = {.workers = 2, .announce_count = 1, .announce = {"192.0.2.1"}};
    hub_limits_default(&config.limits);
    config.limits.participants_per_worker = 1;
    config.limits.chat_history_max = 3;
    config.limits.commands_waiting_max = 3;
    struct hub_io io = {.ctx = &s, .post = on_post};
    struct signal_io signal_io = {.ctx = &s, .send = on_send, .close = on_close};
    s.hub = hub_create(&config, &io, s.now_us);
    s.signalling = signalling_create(s.hub, &signal_io, s.now_us);
    for (uint32_t client = 1; client <= 2; client++) {
        s.open[client] = true;
        signalling_client_opened(s.signalling, client, s.now_us);
    }
    for (const char *line = (const char *)bytes, *end = line + size; line < end;) {
        const char *stop = memchr(line, '\n', (size_t)(end - line));
        size_t len = (size_t)((stop ? stop : end) - line);
        if (len > 0 && line[0] == '!')
            command(&s, line, len);
        else if (len > 2)
            say(&s, (uint32_t)(unsigned char)line[0] % CLIENTS + 1, line + 2, len - 2);
        line += len + 1;
    }
    check(&s);
    signalling_destroy(s.signalling);
    hub_destroy(s.hub);
    return 0;
}
