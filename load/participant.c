#include "load/participant.h"

#include "base/clock.h"
#include "load/plain_text.h"
#include "transport/dtls.h"
#include "server/access/token.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PENDING_MAX 20000 // producers that wait for the transport
#define PAUSE_US 1000000

enum way { WAY_SEND, WAY_RECV, WAYS };

struct transport {
    struct participant *owner;
    bool wanted, connected, ice, ready;
    char id[SIGNAL_ID_MAX];
    struct wire *wire;
};

struct participant {
    struct load *load;
    enum participant_state state;
    bool publishes, refused, opened;
    char room[OPTION_TEXT_MAX + 16], username[64];
    char why[PARTICIPANT_WHY_MAX];
    uint64_t start_us, since_us; // since_us: end of the last part of the join
    struct ws_connection *ws;
    struct router router;
    bool capabilities_given;
    struct transport transports[WAYS];
    struct sender *sender;
    struct receiver *receiver;
    char produced[2][SIGNAL_ID_MAX]; // by kind; "" until it is
    struct producer_info *pending;   // listed before the transport was there
    unsigned pending_count, pending_cap;
    uint32_t taken[2]; // consumed tracks by kind
    struct addr offered[SIGNAL_ADDRESSES_MAX];
    unsigned offered_count;
    uint64_t pause_us; // the next change
    bool pausing;
};

// ---- helpers

static void participant_fail(struct participant *p, const char *what, const char *why) {
    if (p->state == PARTICIPANT_FAILED)
        return;
    if (p->state == PARTICIPANT_READY) {
        p->load->tally.present--;
        p->load->tally.dropped++;
    } else {
        p->load->tally.failed++;
    }
    p->state = PARTICIPANT_FAILED;
    snprintf(p->why, sizeof p->why, "%s%s%s", what, why[0] ? ": " : "", why);
    plain_text(p->why); // it may be the server's, and goes to a terminal
    if (p->sender)
        sender_stop(p->sender);
}

// Sends and frees.
static void participant_say(struct participant *p, char *text) {
    if (!text)
        participant_fail(p, "out of memory", "");
    else if (p->ws)
        ws_send(p->ws, text, strlen(text));
    free(text);
}

static void note_part(struct participant *p, enum join_part part, uint64_t now_us) {
    histogram_add(&p->load->tally.join[part], now_us - p->since_us);
    p->since_us = now_us;
}

static bool all_transports(const struct participant *p, size_t flag) {
    for (unsigned i = 0; i < WAYS; i++) {
        const struct transport *t = &p->transports[i];
        if (t->wanted && !*(const bool *)((const char *)t + flag))
            return false;
    }
    return true;
}

static void become_ready(struct participant *p, uint64_t now_us) {
    p->state = PARTICIPANT_READY;
    histogram_add(&p->load->tally.join[JOIN_TOTAL], now_us - p->start_us);
    p->load->tally.joined++;
    p->load->tally.present++;
    p->pause_us = now_us + p->load->options->pause_s * US_PER_SECOND;
}

// Parts are noted in the order in which they follow from each other, whatever came first on the wire.
static void look_at_transports(struct participant *p, uint64_t now_us) {
    if (p->state != PARTICIPANT_SETTING_UP || !all_transports(p, offsetof(struct transport, connected)) ||
        !all_transports(p, offsetof(struct transport, ice)) ||
        !all_transports(p, offsetof(struct transport, ready)))
        return;
    become_ready(p, now_us);
}

static void note_when_all(struct participant *p, size_t flag, enum join_part part, uint64_t now_us) {
    if (all_transports(p, flag))
        note_part(p, part, now_us);
}

// ---- media

static void media_start(struct participant *p, enum media_kind kind, uint64_t now_us) {
    if (p->sender && !p->load->silent && p->produced[kind][0] && wire_ready(p->transports[WAY_SEND].wire))
        sender_start(p->sender, kind, now_us);
}

static void on_wire(void *ctx, enum wire_event event, const char *why, uint64_t now_us) {
    struct transport *t = ctx;
    struct participant *p = t->owner;
    bool sending = t == &p->transports[WAY_SEND];
    switch (event) {
    case WIRE_ICE_READY:
        t->ice = true;
        note_when_all(p, offsetof(struct transport, ice), JOIN_ICE, now_us);
        break;
    case WIRE_READY:
        t->ready = true;
        note_when_all(p, offsetof(struct transport, ready), JOIN_DTLS, now_us);
        if (sending) {
            media_start(p, MEDIA_AUDIO, now_us);
            media_start(p, MEDIA_VIDEO, now_us);
        } else {
            receiver_start(p->receiver, now_us);
        }
        break;
    case WIRE_FAILED:
        participant_fail(p, sending ? "send transport" : "receive transport", why);
        break;
    }
    look_at_transports(p, now_us);
}

static void on_rtp(void *ctx, struct span packet, uint64_t now_us) {
    struct transport *t = ctx;
    struct participant *p = t->owner;
    if (t == &p->transports[WAY_RECV])
        receiver_rtp(p->receiver, packet, now_us);
    else
        p->load->tally.faults[FAULT_SSRC]++; // nothing was asked for on this transport
}

static void on_rtcp(void *ctx, struct span datagram, uint64_t now_us) {
    struct transport *t = ctx;
    struct participant *p = t->owner;
    if (t == &p->transports[WAY_RECV])
        receiver_rtcp(p->receiver, datagram, now_us);
    else
        sender_rtcp(p->sender, datagram, now_us);
}

static void consume(struct participant *p, const struct producer_info *info) {
    if (p->taken[info->kind] >= p->load->options->subscribe)
        return;
    p->taken[info->kind]++;
    participant_say(p, signal_write_consume(info->id, p->capabilities_given ? NULL : p->router.capabilities));
    p->capabilities_given = true;
}

static void producer_seen(struct participant *p, const struct producer_info *info) {
    if (!p->transports[WAY_RECV].wanted)
        return;
    if (p->transports[WAY_RECV].wire) {
        consume(p, info);
        return;
    }
    if (p->pending_count == p->pending_cap) {
        unsigned cap = p->pending_cap ? p->pending_cap * 2 : 16;
        struct producer_info *grown =
            cap <= 2 * PENDING_MAX ? realloc(p->pending, cap * sizeof *p->pending) : NULL;
        if (!grown) {
            participant_fail(p, "out of memory", "");
            return;
        }
        p->pending = grown;
        p->pending_cap = cap;
    }
    p->pending[p->pending_count++] = *info;
}

// ---- messages

static bool make_media(struct participant *p) {
    const struct load_options *o = p->load->options;
    const struct signal_codec *audio = router_codec(&p->router, CODEC_OPUS);
    const struct signal_codec *video = router_codec(&p->router, o->codec);
    bool send_audio = o->audio != AUDIO_OFF && audio, send_video = o->video_kbps > 0 && video;
    p->transports[WAY_SEND].wanted = p->publishes && (send_audio || send_video);
    p->transports[WAY_RECV].wanted = o->subscribe > 0;
    if (p->transports[WAY_SEND].wanted)
        p->sender = sender_create(p->load, &p->router, send_audio ? audio : NULL, send_video ? video : NULL);
    if (p->transports[WAY_RECV].wanted)
        p->receiver = receiver_create(p->load, p->start_us);
    return (p->sender || !p->transports[WAY_SEND].wanted) && (p->receiver || !p->transports[WAY_RECV].wanted);
}

static void on_joined(struct participant *p, const struct signal_message *m, uint64_t now_us) {
    struct producer_info info;
    bool any = false, any_video = false;
    if (p->state != PARTICIPANT_JOINING)
        return;
    note_part(p, JOIN_ROOM, now_us);
    p->state = PARTICIPANT_SETTING_UP;
    if (signal_read_router(m, &p->router) != ERR_OK || !make_media(p)) {
        participant_fail(p, "joined", "its routerRtpCapabilities cannot be used");
        return;
    }
    for (unsigned i = 0; signal_read_listed_producer(m, i, &info); i++) {
        p->load->tally.faults[FAULT_SIGNALLING] += info.id[0] == '\0';
        if (info.id[0] == '\0')
            continue;
        any |= !info.paused;
        any_video |= info.kind == MEDIA_VIDEO && !info.paused;
        producer_seen(p, &info);
    }
    if (p->receiver) {
        p->receiver->first_rtp_counts = any;
        p->receiver->first_key_counts = any_video;
    }
    if (p->sender)
        participant_say(p, signal_write_plain("create-transport", "direction", "send"));
    if (p->receiver)
        participant_say(p, signal_write_plain("create-transport", "direction", "recv"));
    if (!p->sender && !p->receiver)
        become_ready(p, now_us);
}

static void produce(struct participant *p, enum media_kind kind) {
    struct offer offer;
    sender_offer(p->sender, kind, &offer);
    offer.transport_id = p->transports[WAY_SEND].id;
    participant_say(p, signal_write_produce(&offer));
}

static void on_transport_created(struct participant *p, const struct signal_message *m, uint64_t now_us) {
    struct remote_transport remote;
    bool ok = signal_read_transport(m, &remote) == ERR_OK;
    struct transport *t = &p->transports[remote.send ? WAY_SEND : WAY_RECV];
    if (!ok || !t->wanted || t->wire) {
        participant_fail(p, "webRtcTransportCreated", "not usable");
        return;
    }
    if (p->load->options->ice == ICE_MODE_TCP) {
        memcpy(remote.offered, remote.offered_tcp, sizeof remote.offered);
        remote.offered_count = remote.offered_tcp_count;
    }
    if (remote.offered_count == 0) {
        participant_fail(p, "webRtcTransportCreated", "no address for media of the kind that --ice wants");
        return;
    }
    memcpy(p->offered, remote.offered, sizeof p->offered);
    p->offered_count = remote.offered_count;
    if (p->load->media_to.family) {
        uint16_t port = remote.offered[0].port;
        remote.offered[0] = p->load->media_to;
        remote.offered[0].port = port;
        remote.offered_count = 1;
    }
    struct wire_handlers handlers = {.ctx = t, .event = on_wire, .rtp = on_rtp, .rtcp = on_rtcp};
    memcpy(t->id, remote.id, sizeof t->id);
    t->wire = wire_open(p->load, &remote, &handlers, now_us);
    if (!t->wire) {
        char why[64];
        snprintf(why, sizeof why, "%m");
        participant_fail(p, "no socket", why);
        return;
    }
    participant_say(p, signal_write_connect(t->id, dtls_context_fingerprint(p->load->dtls)));
    if (t == &p->transports[WAY_RECV]) {
        p->receiver->wire = t->wire;
        for (unsigned i = 0; i < p->pending_count; i++)
            consume(p, &p->pending[i]);
        p->pending_count = 0;
        return;
    }
    p->sender->wire = t->wire;
    if (p->sender->has_audio)
        produce(p, MEDIA_AUDIO);
    if (p->sender->video_count > 0)
        produce(p, MEDIA_VIDEO);
}

static void on_transport_connected(struct participant *p, const struct signal_message *m, uint64_t now_us) {
    const char *id = signal_text_of(m, "transportId");
    for (unsigned i = 0; i < WAYS; i++) {
        struct transport *t = &p->transports[i];
        if (t->connected || !t->wire || strcmp(t->id, id) != 0)
            continue;
        t->connected = true;
        note_when_all(p, offsetof(struct transport, connected), JOIN_TRANSPORTS, now_us);
    }
    look_at_transports(p, now_us);
}

static void on_produced(struct participant *p, const struct signal_message *m, uint64_t now_us) {
    struct producer_info info;
    if (signal_read_new_producer(m, &info) != ERR_OK) {
        p->load->tally.faults[FAULT_SIGNALLING]++;
        return;
    }
    memcpy(p->produced[info.kind], info.id, SIGNAL_ID_MAX);
    media_start(p, info.kind, now_us);
}

static void on_consumed(struct participant *p, const struct signal_message *m, uint64_t now_us) {
    struct consumed consumed;
    if (!p->receiver || signal_read_consumed(m, &consumed) != ERR_OK) {
        p->load->tally.faults[FAULT_SIGNALLING]++;
        return;
    }
    enum err err = receiver_add(p->receiver, &consumed, now_us);
    if (err == ERR_OK)
        participant_say(p, signal_write_plain("resume-consumer", "consumerId", consumed.id));
    else if (err == ERR_EXISTS)
        p->load->tally.faults[FAULT_SIGNALLING]++;
    else
        participant_fail(p, "out of memory", "");
}

static void on_producer_paused(struct participant *p, const struct signal_message *m, bool paused,
                               uint64_t now_us) {
    const char *id = signal_text_of(m, "producerId");
    if (strcmp(id, p->produced[MEDIA_VIDEO]) == 0 && p->sender)
        sender_pause(p->sender, paused);
    else if (p->receiver)
        receiver_pause_producer(p->receiver, id, paused, now_us);
}

static void on_error(struct participant *p, const struct signal_message *m) {
    char text[PARTICIPANT_WHY_MAX];
    snprintf(text, sizeof text, "%s: %s", m->error_code, m->error_text);
    bool joining = p->state == PARTICIPANT_JOINING;
    p->refused = joining;
    if (joining || strcmp(m->error_request, "create-transport") == 0 ||
        strcmp(m->error_request, "connect-transport") == 0 || strcmp(m->error_request, "produce") == 0)
        participant_fail(p, joining ? "join refused" : m->error_request, text);
    else // such as consuming what has just gone
        p->load->tally.request_errors++;
}

static void on_new_producer(struct participant *p, const struct signal_message *m) {
    struct producer_info info;
    if (signal_read_new_producer(m, &info) == ERR_OK)
        producer_seen(p, &info);
    else
        p->load->tally.faults[FAULT_SIGNALLING]++;
}

static void on_layers_wanted(struct participant *p, const struct signal_message *m) {
    if (p->sender && strcmp(signal_text_of(m, "producerId"), p->produced[MEDIA_VIDEO]) == 0)
        sender_want_layers(p->sender, signal_layer_of(m));
}

static void on_consumer_message(struct participant *p, const struct signal_message *m, uint64_t now_us) {
    const char *id = signal_text_of(m, "consumerId");
    if (!p->receiver)
        return;
    if (m->type == SIGNAL_CONSUMER_CLOSED)
        receiver_remove(p->receiver, id, now_us);
    else
        receiver_pause_consumer(p->receiver, id, m->type == SIGNAL_CONSUMER_PAUSED, now_us);
}

static void participant_hear(struct participant *p, const struct signal_message *m, uint64_t now_us) {
    switch (m->type) {
    case SIGNAL_ERROR:
        on_error(p, m);
        break;
    case SIGNAL_JOINED:
        on_joined(p, m, now_us);
        break;
    case SIGNAL_TRANSPORT_CREATED:
        on_transport_created(p, m, now_us);
        break;
    case SIGNAL_TRANSPORT_CONNECTED:
        on_transport_connected(p, m, now_us);
        break;
    case SIGNAL_PRODUCED:
        on_produced(p, m, now_us);
        break;
    case SIGNAL_CONSUMED:
        on_consumed(p, m, now_us);
        break;
    case SIGNAL_NEW_PRODUCER:
        on_new_producer(p, m);
        break;
    case SIGNAL_PRODUCER_PAUSED:
    case SIGNAL_PRODUCER_RESUMED:
        on_producer_paused(p, m, m->type == SIGNAL_PRODUCER_PAUSED, now_us);
        break;
    case SIGNAL_CONSUMER_CLOSED:
    case SIGNAL_CONSUMER_PAUSED:
    case SIGNAL_CONSUMER_RESUMED:
        on_consumer_message(p, m, now_us);
        break;
    case SIGNAL_LAYERS_WANTED:
        on_layers_wanted(p, m);
        break;
    case SIGNAL_PRODUCER_CLOSED: // consumer-closed follows for those who consumed it
    case SIGNAL_OTHER:
        break;
    }
}

// ---- WebSocket

#define TOKEN_TTL_S 86400

static void join(struct participant *p) {
    struct load *load = p->load;
    struct token_wish wish = {.room = p->room,
                              .identity = p->username,
                              .name = p->username,
                              .publish = true,
                              .subscribe = true,
                              .data = true,
                              .ttl_s = TOKEN_TTL_S};
    char why[TOKEN_WHY_MAX];
    char *token =
        load->keys.count ? token_mint(&load->keys, &wish, clock_wall_us() / US_PER_SECOND, why) : NULL;
    participant_say(p, signal_write_join(p->room, p->username, token ? token : load->options->token));
    free(token);
}

static void on_opened(void *ctx) {
    struct participant *p = ctx;
    if (p->state != PARTICIPANT_CONNECTING)
        return;
    p->opened = true;
    p->state = PARTICIPANT_JOINING;
    note_part(p, JOIN_WEBSOCKET, clock_now_us());
    join(p);
}

static void on_message(void *ctx, const char *text, size_t len) {
    struct participant *p = ctx;
    struct signal_message message;
    if (p->state == PARTICIPANT_FAILED)
        return;
    if (signal_message_open(text, len, &message) != ERR_OK) {
        p->load->tally.faults[FAULT_SIGNALLING]++;
        return;
    }
    participant_hear(p, &message, clock_now_us());
    signal_message_close(&message);
}

static void on_closed(void *ctx, const char *why) {
    struct participant *p = ctx;
    p->ws = NULL;
    participant_fail(p, p->opened ? "WebSocket" : "cannot connect", why);
}

// ---- life

struct participant *participant_open(struct load *load, const char *room, const char *username,
                                     bool publishes, uint64_t now_us) {
    static const struct ws_events events = {.opened = on_opened, .message = on_message, .closed = on_closed};
    struct participant *p = calloc(1, sizeof *p);
    if (!p)
        return NULL;
    p->load = load;
    p->publishes = publishes;
    p->start_us = p->since_us = now_us;
    snprintf(p->room, sizeof p->room, "%s", room);
    snprintf(p->username, sizeof p->username, "%s", username);
    for (unsigned i = 0; i < WAYS; i++)
        p->transports[i].owner = p;
    load->tally.started++;
    struct ws_connection *ws = ws_connect(load->ws, &events, p);
    if (p->state != PARTICIPANT_FAILED)
        p->ws = ws;
    if (!ws)
        participant_fail(p, "cannot connect", "");
    return p;
}

void participant_close(struct participant *p, uint64_t now_us) {
    if (!p)
        return;
    if (p->state == PARTICIPANT_READY) {
        p->load->tally.present--;
        p->load->tally.left++;
    }
    if (p->ws && p->opened)
        participant_say(p, signal_write_plain("leave-room", NULL, NULL));
    p->state = PARTICIPANT_FAILED;
    ws_close(p->ws);
    sender_destroy(p->sender);
    receiver_destroy(p->receiver, now_us);
    for (unsigned i = 0; i < WAYS; i++)
        wire_close(p->transports[i].wire);
    router_free(&p->router);
    free(p->pending);
    free(p);
}

static void pause_or_resume(struct participant *p, uint64_t now_us) {
    const char *id = p->produced[MEDIA_VIDEO];
    if (p->load->options->pause_s == 0 || p->state != PARTICIPANT_READY || !id[0] || now_us < p->pause_us ||
        p->load->silent)
        return;
    p->pausing = !p->pausing;
    participant_say(p,
                    signal_write_plain(p->pausing ? "pause-producer" : "resume-producer", "producerId", id));
    p->pause_us = now_us + (p->pausing ? PAUSE_US : p->load->options->pause_s * US_PER_SECOND);
}

void participant_advance(struct participant *p, uint64_t now_us) {
    static const char *const waits[] = {"waiting for the WebSocket", "waiting for `joined`",
                                        "waiting for its transports"};
    if (p->state < PARTICIPANT_READY && now_us > p->start_us + PARTICIPANT_JOIN_US)
        participant_fail(p, "the join took more than 30 s", waits[p->state]);
    pause_or_resume(p, now_us);
}

enum participant_state participant_state(const struct participant *p) {
    return p->state;
}

const char *participant_why(const struct participant *p) {
    return p->why;
}

unsigned participant_offered(const struct participant *p, const struct addr **out) {
    *out = p->offered;
    return p->offered_count;
}

bool participant_refused(const struct participant *p) {
    return p->refused;
}

void participant_stop_media(struct participant *p) {
    if (p->sender)
        sender_stop(p->sender);
}

void participant_measure(struct participant *p, uint64_t now_us) {
    if (p->receiver)
        receiver_measure(p->receiver, now_us);
}

void participant_sum(const struct participant *p, uint64_t now_us, struct tally *sum) {
    if (p->receiver)
        receiver_sum(p->receiver, now_us, sum);
}
