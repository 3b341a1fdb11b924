#include "tests/kit/conference_internal.h"

#include "base/bytes.h"
#include "base/clock.h"
#include "base/log.h"
#include "rooms/negotiate.h"
#include "rtp/rtcp_write.h"
#include "rtp/twcc.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void conference_say(struct conference *c, uint32_t client, const char *text) {
    signalling_client_message(c->signalling, client, text, strlen(text), clock_now_us());
}

__attribute__((format(printf, 3, 4))) static void say(struct conference *c, uint32_t client,
                                                      const char *format, ...) {
    static _Thread_local char text[SIGNAL_MESSAGE_MAX];
    va_list args;
    va_start(args, format);
    int n = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    assert(n > 0 && (size_t)n < sizeof text);
    conference_say(c, client, text);
}

// ---- the way out of the hub and its signalling

static void io_send(void *ctx, uint32_t client, const char *text, size_t len, enum signal_haste haste) {
    (void)haste;
    struct conference *c = ctx;
    if (c->note_count == c->note_cap) {
        c->note_cap = c->note_cap ? c->note_cap * 2 : 256;
        c->notes = realloc(c->notes, c->note_cap * sizeof *c->notes);
        assert(c->notes);
    }
    c->notes[c->note_count++] = (struct note){client, json_loadb(text, len, 0, NULL)};
}

static void io_close(void *ctx, uint32_t client, uint16_t code, const char *reason) {
    (void)ctx;
    fprintf(stderr, "hub closes client %u: %u %s\n", client, code, reason);
    abort();
}

static bool io_post(void *ctx, unsigned worker, const struct media_cmd *cmd) {
    struct conference *c = ctx;
    return media_post(c->media, worker, cmd);
}

static void on_media_event(void *ctx, unsigned worker, const struct media_event *event) {
    struct conference *c = ctx;
    hub_media_event(c->hub, worker, event, clock_now_us());
}

static void on_media_stats(void *ctx, unsigned worker, const struct media_stats *stats) {
    struct conference *c = ctx;
    hub_media_stats(c->hub, worker, stats, clock_now_us());
}

// ---- a participant's side of the protocol

// Packets end with the time at which they were sent (member_send).
static void member_note_delay(struct member *m, struct span packet) {
    uint64_t sent_ns = load_be64(packet.ptr + packet.len - STAMP_BYTES);
    uint64_t arrival_ns = media_peer_arrival_ns(m->recv);
    uint64_t step = arrival_ns > sent_ns ? (arrival_ns - sent_ns) / 1000 / DELAY_STEP_US : 0;
    m->conference->delays[step < DELAY_STEPS ? step : DELAY_STEPS - 1]++;
}

uint32_t conference_delay_us(const struct conference *c, double quantile) {
    uint64_t all = 0, below = 0;
    for (unsigned i = 0; i < DELAY_STEPS; i++)
        all += c->delays[i];
    for (unsigned i = 0; i < DELAY_STEPS; i++)
        if ((double)(below += c->delays[i]) >= quantile * (double)all)
            return (i + 1) * DELAY_STEP_US;
    return DELAY_STEPS * DELAY_STEP_US;
}

void conference_listen(struct conference *c, unsigned every, bool far) {
    for (unsigned i = 0; i < c->config.participants; i++) {
        bool listens = i % every == every - 1;
        c->members[i].listens = listens;
        media_peer_listen(c->members[i].recv, listens);
        if (far && !listens)
            media_peer_deafen(c->members[i].recv);
    }
}

void conference_delay_reset(struct conference *c) {
    memset(c->delays, 0, sizeof c->delays);
}

// What asks how much the link carries: on the RTX stream of a consumer, or on one of its own.
static bool member_is_probed(const struct member *m, uint32_t ssrc) {
    for (unsigned i = 0; i < m->consumed; i++)
        if (ssrc != 0 && m->rtx_ssrcs[i] == ssrc)
            return true;
    return ssrc == PROBATION_SSRC;
}

// The header is never encrypted, so it can be read of a sealed packet, too.
static void member_note_arrival(struct member *m, struct span bytes) {
    struct rtp_packet packet;
    struct rtp_ext_values values;
    uint16_t seq;
    if (!m->twcc || rtp_parse(bytes, &packet) != ERR_OK)
        return;
    rtp_ext_read(&packet, &m->extensions, &values);
    if (rtp_ext_transport_seq(&values, &seq))
        twcc_recorder_add(m->twcc, seq, clock_now_us());
}

static void member_on_rtp(void *ctx, struct span packet) {
    struct member *m = ctx;
    member_note_arrival(m, packet);
    uint32_t ssrc = packet.len >= 12 ? load_be32(packet.ptr + 8) : 0;
    for (unsigned i = 0; i < m->consumed; i++)
        if (m->ssrcs[i] == ssrc && m->payload_types[i] == (packet.ptr[1] & 0x7f)) {
            m->received++;
            if (packet.len > 12 + STAMP_BYTES)
                member_note_delay(m, packet);
            return;
        }
    m->conference->unexpected += !member_is_probed(m, ssrc);
}

static void member_on_sealed_rtp(void *ctx, struct span packet) {
    struct member *m = ctx;
    member_note_arrival(m, packet);
    uint32_t ssrc = packet.len >= 12 ? load_be32(packet.ptr + 8) : 0;
    uint16_t seq = load_be16(packet.ptr + 2);
    for (unsigned i = 0; i < m->consumed; i++) {
        struct stream_tally *t = &m->tallies[i];
        if (m->ssrcs[i] != ssrc)
            continue;
        int16_t step = t->span == 0 ? 1 : (int16_t)(seq - t->highest);
        if (step > 0) {
            t->span += (uint64_t)step;
            t->highest = seq;
        }
        t->got++;
        return;
    }
}

void conference_count(struct conference *c, unsigned every) {
    for (unsigned i = 0; i < c->config.participants; i++) {
        c->members[i].counts = i % every == every - 1;
        if (c->members[i].counts)
            media_peer_count(c->members[i].recv);
        else
            media_peer_deafen(c->members[i].recv);
    }
    conference_tally_reset(c);
}

void conference_tally_reset(struct conference *c) {
    for (unsigned i = 0; i < c->config.participants; i++)
        for (unsigned k = 0; k < c->members[i].consumed; k++)
            c->members[i].tallies[k].got = c->members[i].tallies[k].span = 0;
}

struct conference_tally conference_tally(const struct conference *c, bool video) {
    struct conference_tally sum = {0};
    for (unsigned i = 0; i < c->config.participants; i++)
        for (unsigned k = 0; k < c->members[i].consumed; k++) {
            const struct stream_tally *t = &c->members[i].tallies[k];
            if (t->video != video)
                continue;
            sum.got += t->got;
            sum.missing += t->span > t->got ? t->span - t->got : 0;
        }
    return sum;
}

unsigned conference_counting(const struct conference *c, unsigned first) {
    unsigned n = 0;
    for (unsigned i = 0; i < first; i++)
        n += c->members[i].counts;
    return n;
}

uint32_t conference_overflowed(const struct conference *c) {
    uint32_t n = 0;
    for (unsigned i = 0; i < c->config.participants; i++)
        if (c->members[i].counts)
            n += media_peer_overflowed(c->members[i].recv);
    return n;
}

static const char *text_of(const json_t *object, const char *key) {
    const char *text = json_string_value(json_object_get(object, key));
    assert(text);
    return text;
}

static struct fingerprint fingerprint_of(const json_t *dtls_parameters) {
    enum dtls_role role;
    struct fingerprint fingerprint;
    struct refusal refusal;
    enum err err = negotiate_dtls(dtls_parameters, &role, &fingerprint, &refusal);
    assert(err == ERR_OK);
    (void)err;
    return fingerprint;
}

static void member_produce(struct member *m) {
    struct conference *c = m->conference;
    unsigned index = m->client - 1;
    if (index < c->config.audio_publishers)
        say(c, m->client,
            "{\"type\":\"produce\",\"data\":{\"transportId\":\"%s\",\"kind\":\"audio\",\"rtpParameters\":{"
            "\"mid\":\"0\","
            "\"codecs\":[{\"mimeType\":\"audio/"
            "opus\",\"payloadType\":111,\"clockRate\":48000,\"channels\":2}],"
            "\"encodings\":[{\"ssrc\":%u}],\"rtcp\":{\"cname\":\"member%u\"}}}}",
            m->send_id, 1000 + index, index);
    if (index < c->config.video_publishers)
        say(c, m->client,
            "{\"type\":\"produce\",\"data\":{\"transportId\":\"%s\",\"kind\":\"video\",\"rtpParameters\":{"
            "\"mid\":\"1\","
            "\"codecs\":[{\"mimeType\":\"video/VP8\",\"payloadType\":96,\"clockRate\":90000,\"rtcpFeedback\":"
            "[{\"type\":\"nack\"},{\"type\":\"nack\",\"parameter\":\"pli\"}]},{\"mimeType\":\"video/"
            "rtx\",\"payloadType\":97,"
            "\"clockRate\":90000,\"parameters\":{\"apt\":96}}],\"encodings\":[{\"ssrc\":%u,\"rtx\":{\"ssrc\":"
            "%u}}],"
            "\"rtcp\":{\"cname\":\"member%u\"}}}}",
            m->send_id, 3000 + index, 5000 + index, index);
}

static void member_transport_created(struct member *m, const json_t *data) {
    struct conference *c = m->conference;
    const json_t *candidate = json_array_get(json_object_get(data, "iceCandidates"), 0);
    const json_t *ice = json_object_get(data, "iceParameters");
    struct media_peer_config config = {
        .dtls = c->dtls,
        .server_ip = text_of(candidate, "ip"),
        .server_port = (uint16_t)json_integer_value(json_object_get(candidate, "port")),
        .server_fingerprint = fingerprint_of(json_object_get(data, "dtlsParameters")),
        .ctx = m,
        .on_rtp = member_on_rtp,
        .on_sealed_rtp = member_on_sealed_rtp,
    };
    snprintf(config.server.ufrag, sizeof config.server.ufrag, "%s", text_of(ice, "usernameFragment"));
    snprintf(config.server.pwd, sizeof config.server.pwd, "%s", text_of(ice, "password"));
    bool send = strcmp(text_of(data, "direction"), "send") == 0;
    struct media_peer *peer = media_peer_open(&config, clock_now_us());
    assert(peer);
    *(send ? &m->send : &m->recv) = peer;
    *(send ? &m->send_id : &m->recv_id) = strdup(text_of(data, "id"));
    c->fds[(m->client - 1) * 2 + (send ? 0 : 1)] =
        (struct pollfd){.fd = media_peer_fd(peer), .events = POLLIN};
    say(c, m->client,
        "{\"type\":\"connect-transport\",\"data\":{\"transportId\":\"%s\",\"dtlsParameters\":{\"role\":"
        "\"client\","
        "\"fingerprints\":[{\"algorithm\":\"sha-256\",\"value\":\"%s\"}]}}}",
        text_of(data, "id"), dtls_context_fingerprint(c->dtls));
    if (send)
        member_produce(m);
}

static void member_consume(struct member *m, const char *producer_id) {
    say(m->conference, m->client, "{\"type\":\"consume\",\"data\":{\"producerId\":\"%s\"}}", producer_id);
}

static void member_consumed(struct member *m, const json_t *data) {
    const json_t *rtp = json_object_get(data, "rtpParameters");
    const json_t *encoding = json_array_get(json_object_get(rtp, "encodings"), 0);
    const json_t *codec = json_array_get(json_object_get(rtp, "codecs"), 0);
    assert(m->consumed < STREAMS_PER_PARTICIPANT_MAX);
    m->ssrcs[m->consumed] = (uint32_t)json_integer_value(json_object_get(encoding, "ssrc"));
    m->rtx_ssrcs[m->consumed] =
        (uint32_t)json_integer_value(json_object_get(json_object_get(encoding, "rtx"), "ssrc"));
    m->payload_types[m->consumed] = (uint8_t)json_integer_value(json_object_get(codec, "payloadType"));
    m->tallies[m->consumed].video = strcmp(text_of(data, "kind"), "video") == 0;
    size_t i;
    const json_t *extension;
    json_array_foreach(json_object_get(rtp, "headerExtensions"), i,
                       extension) if (strstr(text_of(extension, "uri"), "transport-wide-cc"))
        m->extensions.ext_by_id[json_integer_value(json_object_get(extension, "id"))] = EXT_TRANSPORT_CC;
    m->consumed++;
}

static void member_joined(struct member *m, const json_t *data) {
    say(m->conference, m->client, "{\"type\":\"create-transport\",\"data\":{\"direction\":\"recv\"}}");
    say(m->conference, m->client, "{\"type\":\"create-transport\",\"data\":{\"direction\":\"send\"}}");
    size_t i;
    const json_t *producer;
    json_array_foreach(json_object_get(data, "producers"), i, producer)
        member_consume(m, text_of(producer, "producerId"));
}

static void member_hears(struct member *m, const json_t *message) {
    const char *type = text_of(message, "type");
    const json_t *data = json_object_get(message, "data");
    if (strcmp(type, "joined") == 0)
        member_joined(m, data);
    else if (strcmp(type, "webRtcTransportCreated") == 0)
        member_transport_created(m, data);
    else if (strcmp(type, "new-producer") == 0)
        member_consume(m, text_of(data, "producerId"));
    else if (strcmp(type, "consumed") == 0)
        member_consumed(m, data);
    else if (strcmp(type, "error") == 0) {
        fprintf(stderr, "participant %u: %s\n", m->client, text_of(data, "message"));
        m->conference->errors++;
    }
}

// ---- life

static struct hub *conference_open_hub(struct conference *c) {
    struct hub_config config = {.workers = c->config.workers, .announce_count = 1};
    snprintf(config.announce[0], sizeof config.announce[0], "%s",
             c->config.address ? c->config.address : "127.0.0.1");
    for (unsigned i = 0; i < c->config.workers; i++)
        config.media_ports[i] = media_port(c->media);
    snprintf(config.fingerprint_sha256, sizeof config.fingerprint_sha256, "%s",
             media_fingerprint_sha256(c->media));
    hub_limits_default(&config.limits);
    config.limits.messages_per_second_max = 100000;
    config.limits.participants_per_room_max = c->config.participants;
    config.limits.consumers_per_participant_max = STREAMS_PER_PARTICIPANT_MAX;
    if (c->config.participants_per_worker)
        config.limits.participants_per_worker = c->config.participants_per_worker;
    struct hub_io io = {.ctx = c, .post = io_post};
    return hub_create(&config, &io, clock_now_us());
}

static void conference_join(struct conference *c) {
    for (unsigned i = 0; i < c->config.participants; i++) {
        c->members[i] = (struct member){.conference = c, .client = i + 1};
        c->fds[i * 2].fd = c->fds[i * 2 + 1].fd = -1;
        signalling_client_opened(c->signalling, i + 1, clock_now_us());
        say(c, i + 1,
            "{\"type\":\"join-room\",\"data\":{\"roomId\":\"conference\",\"username\":\"member%u\","
            "\"rtpCapabilities\":%s}}",
            i, c->capabilities);
    }
}

struct conference *conference_open(const struct conference_config *config) {
    struct conference *c = calloc(1, sizeof *c);
    assert(c);
    log_configure(LOG_LEVEL_WARN, LOG_FORMAT_TEXT);
    c->config = *config;
    struct media_config mc = {.workers = config->workers,
                              .batch_us = config->batch_us,
                              .no_shedding = !config->shedding,
                              .receive_buffer_bytes = 4 << 20,
                              .send_buffer_bytes = 4 << 20};
    if (config->unlimited)
        mc.limits =
            (struct media_limits){UINT32_MAX, UINT32_MAX, UINT32_MAX, UINT32_MAX, UINT32_MAX, UINT32_MAX, 0};
    char error[256];
    c->media = media_start(&mc, error, sizeof error);
    if (!c->media) {
        fprintf(stderr, "%s\n", error);
        free(c);
        return NULL;
    }
    c->dtls = dtls_context_create();
    json_t *capabilities = negotiate_router_capabilities();
    c->capabilities = json_dumps(capabilities, JSON_COMPACT);
    json_decref(capabilities);
    c->members = calloc(config->participants, sizeof *c->members);
    c->fds = calloc(config->participants * 2, sizeof *c->fds);
    struct signal_io io = {.ctx = c, .send = io_send, .close = io_close};
    c->hub = conference_open_hub(c);
    c->signalling = c->hub ? signalling_create(c->hub, &io, clock_now_us()) : NULL;
    assert(c->dtls && c->capabilities && c->members && c->fds && c->signalling);
    conference_join(c);
    return c;
}

void conference_close(struct conference *c) {
    if (!c)
        return;
    for (unsigned i = 0; i < c->config.participants; i++) {
        media_peer_close(c->members[i].send);
        media_peer_close(c->members[i].recv);
        twcc_recorder_destroy(c->members[i].twcc);
        free(c->members[i].send_id);
        free(c->members[i].recv_id);
    }
    signalling_destroy(c->signalling);
    hub_destroy(c->hub);
    media_stop(c->media);
    for (size_t i = 0; i < c->note_count; i++)
        json_decref(c->notes[i].message);
    free(c->notes);
    dtls_context_destroy(c->dtls);
    free(c->capabilities);
    free(c->members);
    free(c->fds);
    free(c);
}

static void conference_hear(struct conference *c) {
    for (size_t i = 0; i < c->note_count; i++) { // hearing may add notes
        struct note note = c->notes[i];
        if (note.message)
            member_hears(&c->members[note.client - 1], note.message);
        json_decref(note.message);
    }
    c->note_count = 0;
}

// Says of each stream that everything came, which a receiver that reads nothing cannot know: whatever number
// the server has come to, one of these is less than UNTOLD_MAX behind.
#define UNTOLD_MAX 8192
#define BLOCKS (65536 / UNTOLD_MAX)
static void member_acknowledge(struct member *m) {
    uint8_t bytes[RTCP_DATAGRAM_MAX];
    struct writer w = writer_of(bytes, sizeof bytes);
    for (unsigned i = 0; m->recv && i < m->consumed; i++) {
        struct rtcp_report blocks[BLOCKS];
        for (unsigned k = 0; k < BLOCKS; k++)
            blocks[k] = (struct rtcp_report){.ssrc = m->ssrcs[i], .highest_seq = k * UNTOLD_MAX};
        rtcp_write_rr(&w, 1, blocks, BLOCKS);
        if (i % 5 == 4 || i + 1 == m->consumed) {
            media_peer_send_rtcp(m->recv, span_of(w.ptr, w.len));
            w = writer_of(bytes, sizeof bytes);
        }
    }
}

static void member_send_feedback(struct member *m, uint64_t now_us) {
    while (m->twcc && m->recv && now_us >= twcc_recorder_next_us(m->twcc)) {
        uint8_t bytes[RTCP_DATAGRAM_MAX];
        struct writer w = writer_of(bytes, sizeof bytes);
        if (!twcc_recorder_write(m->twcc, &w, 1, m->ssrcs[0], now_us))
            return;
        media_peer_send_rtcp(m->recv, span_of(w.ptr, w.len));
    }
}

void conference_acknowledge(struct conference *c) {
    for (unsigned i = 0; i < c->config.participants; i++) {
        struct member *m = &c->members[i];
        m->twcc = twcc_recorder_create();
        assert(m->twcc);
        if (!m->listens)
            media_peer_count(m->recv);
    }
}

void conference_turn(struct conference *c, int wait_ms) {
    poll(c->fds, c->config.participants * 2, wait_ms);
    uint64_t now_us = clock_now_us();
    for (unsigned i = 0; i < c->config.participants; i++) {
        if (c->members[i].send)
            media_peer_poll(c->members[i].send, now_us);
        if (c->members[i].recv)
            media_peer_poll(c->members[i].recv, now_us);
        member_send_feedback(&c->members[i], now_us);
    }
    media_drain(c->media, &(struct media_listener){c, on_media_event, on_media_stats});
    if (now_us >= hub_next_us(c->hub))
        hub_advance(c->hub, now_us);
    if (now_us >= signalling_next_us(c->signalling))
        signalling_advance(c->signalling, now_us);
    conference_hear(c);
    if (c->acknowledge_us != 0 && now_us >= c->acknowledge_us) {
        c->acknowledge_us = now_us + US_PER_SECOND;
        for (unsigned i = 0; i < c->config.participants; i++)
            member_acknowledge(&c->members[i]);
    }
}

bool conference_ready(const struct conference *c) {
    for (unsigned i = 0; i < c->config.participants; i++) {
        const struct member *m = &c->members[i];
        unsigned others = c->config.audio_publishers - (i < c->config.audio_publishers) +
                          c->config.video_publishers - (i < c->config.video_publishers);
        if (!m->send || !m->recv || !media_peer_connected(m->send) || !media_peer_connected(m->recv) ||
            m->consumed < others)
            return false;
    }
    return true;
}

uint64_t conference_received(const struct conference *c, unsigned participant) {
    return c->members[participant].received;
}

uint64_t conference_unexpected(const struct conference *c) {
    return c->unexpected;
}

unsigned conference_errors(const struct conference *c) {
    return c->errors;
}

bool conference_move(struct conference *c, unsigned participant) {
    struct member *m = &c->members[participant];
    uint64_t now_us = clock_now_us();
    bool ok = media_peer_move(m->send, now_us) && media_peer_move(m->recv, now_us);
    c->fds[participant * 2].fd = media_peer_fd(m->send);
    c->fds[participant * 2 + 1].fd = media_peer_fd(m->recv);
    return ok;
}

struct media *conference_media(struct conference *c) {
    return c->media;
}
